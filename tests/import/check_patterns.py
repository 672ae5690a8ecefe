#!/usr/bin/env python3
"""Random patterns x module names: the automaton of src/import/pattern.c against Python's re, as PEFT calls it.
usage: check_patterns.py PATTERN_LINES [COUNT]"""
import random
import re
import signal
import subprocess
import sys

NAMES = [f"model.layers.{i}.{m}" for i in (0, 1, 7, 10, 11, 31) for m in
         ("self_attn.q_proj", "self_attn.k_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")]
NAMES += ["lm_head", "model.embed_tokens", "q_proj", "layers.1.self_attn.q_proj", "model.layers.1.self_attn.q_projx", "a", ""]
ATOMS = ["a", "q", "proj", "_proj", "model", "layers", "self_attn", "mlp", r"\.", ".", r"\d", r"\w", r"\D", r"\W", r"\s", "[qkvo]", "[0-9]",
         "[^.]", "[a-z_]", "[^a-m]", "[1-3]", "1", "0", "31", "q_proj", "down_proj", r"\_", "-", "[]a]", "[a-]", r"[\d.]", "{", "}", "x{", "lm_head"]
REPEATS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{,2}", "{0,1}", "{1,}", "{0}", "{2,4}"]
KNOWN = [r".*layers\.1\..*q_proj", r"model\.layers\.(0|1)\.self_attn\.[qv]_proj", r".*\.(q|v)_proj$", "^model.layers.1.self_attn.q_proj",
         r"(?:.*\.)?layers\.(?P<layer>\d+)\.mlp\.(up|down|gate)_proj", r".*\.layers\.([1-9]|[12]\d|3[01])\..*", "all-linear", r"\Amodel.*\Z"]
# Refused by us or by Python: words of our reason, and a pattern.
REFUSED = [("look-ahead", "(?=a)a"), ("look-ahead", "(?!a)b"), ("look-behind", "(?<=a)b"), ("look-behind", "(?<!a)b"), ("back-reference", r"(a)\1"),
           ("back-reference", "(?P<x>a)(?P=x)"), ("extension", "(?i)a"), ("extension", "(?#c)a"), ("escape", r"\bq"), ("escape", r"\pL"),
           ("nothing stands", "*a"), ("nothing stands", "a|+b"), ("repeated", "a**"), ("repeated", "a+{2}"), ("possessive", "a*+"),
           ("bracket", "[a"), ("group is not closed", "(a"), ("not opened", "a)"), ("range", "[z-a]"), ("range", r"[\d-z]"), ("backslash", "a\\"),
           ("states", "a{257}"), ("states", "(a{16}){17}"), ("states", "(((a{8}){8}){8}){8}"), ("KiB", "a" * 1025), ("ASCII", "\u00e9"),
           ("deeper", "(" * 33 + "a" + ")" * 33), ("most is less", "a{3,2}"), ("anchor", "^*a"), ("name", "(?P<1>a)")]


def part(rng, depth):
    if depth and rng.random() < 0.35:
        inner = "|".join(sequence(rng, depth - 1) for _ in range(rng.choice([1, 1, 2, 3])))
        text = rng.choice(["(", "(", "(?:", "(?P<n%d>" % rng.getrandbits(30)]) + inner + ")"
    else:
        text = rng.choice(ATOMS)
    if rng.random() < 0.35 and not text.endswith("{"):
        text = (text if len(text) == 1 or text[0] in "([\\" else f"(?:{text})") + rng.choice(REPEATS)
    return text


def sequence(rng, depth):
    return "".join(part(rng, depth) for _ in range(rng.randrange(0, 5)))


def near(rng):
    """A name with some of its letters made general: patterns that match something."""
    out = ""
    for c in re.escape(rng.choice(NAMES)).replace(r"\.", "\0"):
        c = r"\." if c == "\0" else c
        out += c if c == "\\" or out.endswith("\\") or rng.random() < 0.85 else rng.choice([".", r"\w", ".*", c + "?", f"[{c}]" if c.isalnum() else c])
    return rng.choice(["", ".*", "^"]) + out + rng.choice(["", "$", ".*", "|q_proj"])


class Slow(Exception):
    pass


def slow(*_):
    raise Slow


def expected(mode, pattern):
    """What Python says of each name; None where Python, which goes back and tries again, takes too long."""
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        if mode == "f":
            return "".join("01"[bool(re.fullmatch(pattern, n))] for n in NAMES)
        return "".join("01"[bool(re.match(rf"(.*\.)?({pattern})$", n))] for n in NAMES)
    except (Slow, re.error):
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main():
    signal.signal(signal.SIGALRM, slow)
    tool, count, rng, cases = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000, random.Random(10), []
    while len(cases) < count:
        pattern = KNOWN[len(cases)] if len(cases) < len(KNOWN) else rng.choice([near, near, lambda r: sequence(r, 3)])(rng)
        mode = rng.choice("fe")
        want = expected(mode, pattern)
        if want is not None:
            cases.append((mode, pattern, want))
    lines = "".join("\t".join([m, p, *NAMES]) + "\n" for m, p, _ in cases) + "".join(f"f\t{p}\ta\n" for _, p in REFUSED)
    out = subprocess.run([tool], input=lines.encode(), capture_output=True, check=True).stdout.decode().splitlines()
    bad = matched = refused = 0
    for (mode, pattern, want), got in zip(cases, out):
        matched += "1" in want
        refused += got.startswith("!")
        if got != want and not (got.startswith("!") and "states" in got):
            bad += 1
            print(f"pattern {pattern!r} ({mode}): {got}, and Python says {want}")
    for (words, pattern), got in zip(REFUSED, out[len(cases):]):
        if not got.startswith("!") or words not in got:
            bad += 1
            print(f"pattern {pattern[:60]!r}: {got!r} instead of a refusal with '{words}'")
    if matched < count // 3 or refused > count // 20 or len(out) != len(cases) + len(REFUSED):
        bad += 1
        print(f"{matched} of {count} patterns match something, {refused} are refused: too few or too many to tell")
    print(f"check_patterns: {len(cases)} patterns x {len(NAMES)} names, {matched} match some, {refused} beyond 256 states, {len(REFUSED)} refused; {bad} failed")
    sys.exit(bad != 0)


if __name__ == "__main__":
    main()
