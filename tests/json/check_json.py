#!/usr/bin/env python3
"""usage: check_json.py DUMP_JSON [COUNT]

Our JSON reader and writer against Python's json, on COUNT (16000) generated texts, whole ones and broken ones. Ours may
accept less only where include/roma/json.h says so: repeated keys, 64 levels, lone surrogates, a byte order mark. What
both accept must be the same, numbers as they are written.
"""
import json, random, re, subprocess, sys

rng = random.Random(12)
ALPHABET = list('abcXYZ019 _-/."\\') + ["\0", "\x01", "\x1f", "\x7f", "\n", "\t", "é", "ß", "€", "日", "😀", "\ud7ff", "\ue000", "\uffff", "\U0010ffff"]
NUMBERS = ["0", "-0", "7", "-5", "1e3", "1E+3", "1e-3", "0.5", "-0.0e-0", "12345678901234567890", "1.23456789012345678901", "1e400", "9" * 400]
PIECES = ["{", "}", "[", "]", ",", ":", '"', "\\", "\\u", "\\ud800", "\\udc00", "\\u0000", "\\x", "0", "00", "007", "-", "+1", ".5", "5.", "1e",
          "1e+", "0x10", "NaN", "Infinity", "-Infinity", "nul", "True", "true", "null", "'", "/**/", "//", "\n", "\t", "\r", "\f", "\v", "\x00",
          "\x1f", "\x7f", "\x80", "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xef\xbb\xbf", "\xa0", '"a":1', '"a":1,"a":2', ",,"]


def text_of(s):
    out = []
    for c in s:
        how = rng.random()
        if c in '"\\' or c < " " or how < 0.1:
            short = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(c)
            if short and how < 0.9:
                out.append(short)
            else:
                units = c.encode("utf-16-be", "surrogatepass").hex()
                units = units.upper() if rng.random() < 0.5 else units
                out += ["\\u" + units[i:i + 4] for i in range(0, len(units), 4)]
        else:
            out.append(c)
    return '"' + "".join(out) + '"'


def blank():
    return "" if rng.random() < 0.8 else "".join(rng.choice(" \t\r\n") for _ in range(rng.randrange(1, 4)))


def word():
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(0, 6)))


def value(depth):
    k = rng.randrange(10 if depth > 0 else 6)
    if k < 2: v = text_of(word())
    elif k < 4: v = rng.choice(NUMBERS)
    elif k < 6: v = rng.choice(["true", "false", "null", "[]", "{}"])
    elif k < 8: v = "[" + ",".join(value(depth - 1) for _ in range(rng.randrange(5))) + "]"
    else:
        n = 40 if rng.random() < 0.02 else rng.randrange(6)
        v = "{" + ",".join(blank() + text_of(word()) + blank() + ":" + value(depth - 1) for _ in range(n)) + "}"
    return blank() + v + blank()


def broken(b):
    b = bytearray(b)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        at, how = rng.randrange(len(b) + 1), rng.randrange(5)
        if how == 0: del b[at:at + rng.randrange(1, 4)]
        elif how == 1: b[at:at] = rng.choice(PIECES).encode("latin-1")
        elif how == 2: del b[at:]
        elif how == 3 and at < len(b): b[at] = rng.randrange(256)
        else: b[at:at] = b[rng.randrange(len(b) + 1):][:rng.randrange(8)]
    return bytes(b)


def texts(count):
    yield from (b"", b" ", b" " * 64, b"\xef\xbb\xbf{}", b"\xef\xbb\xbf", b"\x00", b"1 2", b"[1,]", b'{"a":1,}', b"[" * 64 + b"]" * 64, b"[" * 65 + b"]" * 65,
                b'{"a":' * 64 + b"1" + b"}" * 64, b'{"a":' * 65 + b"1" + b"}" * 65, b"[" * 100000, b'{"a":{"a":[{"a":1}],"b":{"a":2}},"b":1}',
                b'{"a":{"x":1},"a":2}', b'{"\\u0061":1,"a":2}', b'{"":1,"":2}', b'{"a\\u0000b":1,"a":2,"a\\u0000":3}', b'{"a\\u0000":1,"a\\u0000":2}')
    for n in (7, 8, 9, 15, 16, 17, 1000, 5000):
        keys = [text_of("k%d" % (i * 7919 % n)) for i in range(n)]
        yield ("{" + ",".join(k + ":0" for k in keys) + "}").encode()
        yield ("{" + ",".join(k + ":0" for k in keys + [text_of("k%d" % rng.randrange(n))]) + "}").encode()
    for p in PIECES:
        for form in ("%s", "[%s]", '{"k":%s}', '"%s"', "{%s:1}", "[1%s2]"): yield (form % p).encode("latin-1")
    for i in range(count):
        t = value(rng.randrange(5)).encode("utf-8", "surrogatepass")
        yield t if i % 2 else broken(t)


class Repeated(ValueError): pass


def pairs(p):
    if len({k for k, _ in p}) != len(p): raise Repeated()
    return ["{}"] + [x for kv in p for x in kv]


def refuse(_): raise ValueError("no JSON")


def number(s): return ("number", s)


def tree(s, hook):
    return json.loads(s, object_pairs_hook=hook, parse_int=number, parse_float=number, parse_constant=refuse)


def marked(v): return ["[]"] + [marked(x) for x in v] if isinstance(v, list) and v[:1] != ["{}"] else (v[:1] + [marked(x) for x in v[1:]] if isinstance(v, list) else v)


def depth(b):
    deepest = level = 0
    for c in re.sub(rb'"(\\.|[^"\\])*"', b"", b):
        level += (c in b"{[") - (c in b"}]")
        deepest = max(deepest, level)
    return deepest


def python(b):
    """What Python makes of it; None and a reason when ours refuses it by its own rules, or both do."""
    try:
        s = b.decode("utf-8")
        v = tree(s, pairs)
    except Repeated: return None, "repeated key"
    except RecursionError: return None, "too deep"
    except ValueError: return None, "no JSON"
    if depth(b) > 64: return None, "too deep"
    # A lone surrogate is one that Python's answer still has.
    if re.search("[\ud800-\udfff]", json.dumps(v, ensure_ascii=False)): return None, "lone surrogate"
    return v, ""


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 16000
    all_texts = list(texts(count))
    given = b"".join(b"%d\n%s\n" % (len(t), t) for t in all_texts)
    out = subprocess.run([sys.argv[1]], input=given, stdout=subprocess.PIPE, check=True).stdout.split(b"\n")
    assert len(out) == len(all_texts) + 1, (len(out), len(all_texts))
    sys.setrecursionlimit(5000)
    bad, reasons = 0, {}
    for t, line in zip(all_texts, out):
        want, why = python(t)
        if line.startswith(b"!"):
            same = why != ""
            if same and why == "repeated key": same = b"duplicate key" in line or b"not valid" in line
        else:
            got = tree(line.decode("utf-8"), lambda p: refuse(p))
            same = why == "" and got == marked(want)
        reasons[why or "accepted"] = reasons.get(why or "accepted", 0) + 1
        if not same:
            bad += 1
            if bad < 10: print("differs: %r\n  ours   %r\n  Python %r %s" % (t[:200], line[:200], want, why))
    print("%d texts: %s; %d differ" % (len(all_texts), ", ".join("%d %s" % (n, k) for k, n in sorted(reasons.items())), bad))
    assert len(all_texts) >= 10000 and min(reasons.get(k, 0) for k in ("accepted", "no JSON", "repeated key", "lone surrogate", "too deep")) > 0
    return bad != 0


sys.exit(main())
