#!/usr/bin/env python3
"""usage: test_jsonl.py ROMA

Lines of `roma run --jsonl`, on the tiny model: ids come back as they were written, texts arrive whole, what is no JSON is
refused with its line and column.
"""
import json, os, subprocess, tempfile

from shared import ROMA, TINY, check, finish


def run(data, *more):
    with open("l.jsonl", "wb") as f: f.write(data if isinstance(data, bytes) else data.encode())
    return subprocess.run([ROMA, "run", "t.roma", "--jsonl", "l.jsonl", "--hash", *more], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def pairs(p):
    assert len({k for k, _ in p}) == len(p), "a repeated key"
    return dict(p)


def answers(data, *more):
    r = run(data, *more)
    check(r.returncode == 0 and not r.stderr, "%r: exit code %d: %r" % (data[:200], r.returncode, r.stderr))
    as_text = lambda s: ("number", s)
    return [json.loads(x, object_pairs_hook=pairs, parse_int=as_text, parse_float=as_text) for x in r.stdout.decode().split("\n")[:-1]]


def test_ids():
    ids = ["1234567891", "1234567892", "-5", "0", "-0", "1e3", "1E+3", "1.50", "12345678901234567890", "123456789012345678901234567890", "-1.0e-400",
           '"a"', '""', '"\\u0000"', '"a\\u0000b"', '"\\"\\\\\\n\\u007f"', '"größe 😀"', '"\\ud83d\\ude00"', '"1e3"']
    got = answers("\n".join('{"id":%s,"prompt":"One","raw":true,"n":1}' % i for i in ids))
    check(len(got) == len(ids), "%d answers for %d ids" % (len(got), len(ids)))
    for i, a in zip(ids, got):
        want = ("number", i) if i[0] != '"' else json.loads(i)
        check(a.get("id") == want, "id %s comes back as %r" % (i, a.get("id")))
    check("id" not in answers('{"prompt":"One","raw":true,"n":1}')[0], "an id appears from nowhere")


def test_texts():
    # the same ids of tokens as `roma tokenize` makes of the whole text; the answers differ when a text was cut
    for text in ("One\0two", "\0", "größe\0 😀", "a" * 300 + "\0b"):
        with open("p", "wb") as f: f.write(text.encode())
        ids = json.loads(subprocess.run([ROMA, "tokenize", "t.roma", "-f", "p", "--bos", "--json"], stdout=subprocess.PIPE, check=True).stdout)["ids"]
        a = answers(json.dumps({"prompt": text, "raw": True, "n": 3}))[0]
        check(a["prompt_tokens"] == ("number", str(len(ids))), "%r has %s tokens instead of %d" % (text[:40], a["prompt_tokens"], len(ids)))
        one = subprocess.run([ROMA, "run", "t.roma", "-f", "p", "--raw", "-n", "3", "--json", "--hash"], stdout=subprocess.PIPE, check=True).stdout
        check(json.loads(one)["hash"] == a["hash"], "%r is another prompt in a batch" % text[:40])
    # a system message is not cut either: the words behind the 0 count
    plain, cut, whole = (answers(json.dumps({"prompt": "x", "system": s, "n": 1}), "--template", "chatml")[0]["prompt_tokens"][1] for s in ("a", "a\0", "a\0b c d"))
    check(int(plain) < int(cut) < int(whole), "a system message is cut: %s, %s, %s tokens" % (plain, cut, whole))


def test_stops():
    # a stop text that begins with what comes, then a 0, must not stop; without the 0 it does
    free = answers('{"prompt":"One day","raw":true,"n":12}')[0]
    piece = free["text"][4:8]
    with_0 = answers(json.dumps({"prompt": "One day", "raw": True, "n": 12, "stop": [piece + "\0"]}))[0]
    check(free["stop"] != "stop" and with_0["text"] == free["text"] and with_0["stop"] == free["stop"], "a stop text is cut at its 0")
    stopped = answers(json.dumps({"prompt": "One day", "raw": True, "n": 12, "stop": ["\0", piece]}))[0]
    check(stopped["stop"] == "stop" and piece not in stopped["text"], "a stop text beside one with 0 does not stop")
    both = answers('{"prompt":"One day","raw":true,"n":12,"stop":[]}\n{"prompt":"One day","raw":true,"n":12}', "--stop", piece)
    check(both[0]["stop"] == free["stop"] and both[1]["stop"] == "stop", "the command line's stop text holds where a line has none of its own")


BAD = [
    (b" " * 64, "there is no request"),
    (b"", "there is no request"),
    (b"\n\r\n \t\n", "there is no request"),
    (b'{"prompt":"x","n":007}', "line 1: column 19: not valid JSON: a number must not begin with 0"),
    (b'{"prompt":"x"}\r\n{"prompt":"x","n":1,}\r\n', "line 2: column 21: not valid JSON"),
    (b'{"prompt":"x"}\n\n{"prompt":"x","n":1,"n":2}', "line 3: column 21: not valid JSON: duplicate key 'n'"),
    (b'{"prompt":"x","\\u0070rompt":"y"}', "column 15: not valid JSON: duplicate key 'prompt'"),
    (b'{"id":1,"prompt":"x","id":2}', "column 22: not valid JSON: duplicate key 'id'"),
    (b'\xef\xbb\xbf{"prompt":"x"}', "line 1: column 1: not valid JSON: it begins with a byte order mark"),
    ('{"prompt":"x"}'.encode("utf-16"), "line 1: column 1: not valid JSON"),
    (b'{"prompt":"x\xff"}', "column 13: not valid JSON: a text is not UTF-8"),
    (b'{"prompt":"\\ud800"}', "a bad escape"),
    (b'{"prompt":"a\x00b"}', "a control character must be escaped"),
    (b'\x00{"prompt":"x"}', "a value is missing"),
    (b'{"prompt":"x"} {"prompt":"y"}', "column 16: not valid JSON: more text behind the value"),
    (b'{"prompt":"x"', "an object does not end"),
    (b'["prompt"]', "a request is an object in braces"),
    (b'"x"', "a request is an object in braces"),
    (b'{"n":1}', "line 1: a prompt is missing"),
    (b'{"custom_id":"a","body":{}}', "line 1: a prompt is missing"),
    (b'{"prompt":null}', "prompt must be a text"),
    (b'{"prompt":["x"]}', "prompt must be a text"),
    (b'{"prompt":"x","n":1.0}', "n must be a whole number"),
    (b'{"prompt":"x","n":1e1}', "n must be a whole number"),
    (b'{"prompt":"x","n":0}', "n must be a whole number from 1"),
    (b'{"prompt":"x","seed":18446744073709551616}', "seed must be a whole number, at most 18446744073709551615"),
    (b'{"prompt":"x","temp":1e400}', "temp is too large"),
    (b'{"prompt":"x","temp":"1"}', "temp must be a number"),
    (b'{"prompt":"x","id":null}', "id must be a text or a number"),
    (b'{"prompt":"x","id":[1]}', "id must be a text or a number"),
    (b'{"prompt":"x","top_p":1.5}', "top-p must lie in 0 to 1"),
    (b'{"prompt":"x","stop":[1]}', "stop must be a text or an array of texts"),
    (b'{"prompt":"x","top_p":1.5}', "top-p must lie in 0 to 1"),
    (b'{"prompt":"x","stop":[["a"]]}', "stop must be a text or an array of texts"),
    (b'{"prompt":"x","stop":""}', "line 1: a stop text must not be empty"),
    (b'{"prompt":"x","top_p":1.5}', "top-p must lie in 0 to 1"),
    (b'{"prompt":"x","stop":[' + b",".join([b'"a"'] * 17) + b"]}", "stop has too many texts"),
    (b'{"prompt":"x","lora":"a\\u0000b"}', "lora must not hold the character 0"),
    (b'{"prompt":"x","lora":"none.lora.roma"}', "line 1: none.lora.roma"),
    (b'{"prompt":"x","promt":"y"}', "unknown key promt, did you mean prompt?"),
    (b'{"prompt":"x","n\\u0000":1}', "unknown key n\\x00"),
    (b'{"prompt":' + b"[" * 100 + b"]" * 100 + b"}", "prompt must be a text"),
    (b'{"prompt":"x","x":' + b"[" * 100000, "unknown key x"),
]


def test_refused():
    for data, text in BAD:
        r = run(data)
        said = r.stderr.decode() + r.stdout.decode()
        check(r.returncode == 2 and text in said.replace("\\\\", "\\") and r.stderr.count(b"\n") == 1, "%r: %d: %r, not %r" % (data[:80], r.returncode, said, text))
    # the lines beside a bad one are answered, and that one by its error, with its id
    good = '{"prompt":"One","raw":true,"n":2,"id":%d}\n'
    alone = answers(good % 1)[0]
    for data, text in BAD[3:]:
        if data[:1] != b"{" or b"\n" in data.strip():
            continue
        r = run((good % 1).encode() + data.replace(b"{", b'{"id":"b",', 1) + b"\n" + (good % 3).encode())
        lines = [json.loads(x) for x in r.stdout.decode().splitlines()]
        check(r.returncode == 2 and len(lines) == 3 and lines[0]["ids"] == lines[2]["ids"] and "error" in lines[1] and lines[1].get("custom_id", lines[1].get("id", "b")) in ("b", 1),
              "%r between good lines: %d %r" % (data[:80], r.returncode, lines))
        check(len(lines) < 3 or lines[0]["hash"] == lines[2]["hash"] == alone["hash"], "%r changes its neighbours" % data[:80])


def test_forms():
    lines = ['{"prompt":"One","raw":true,"n":2}', ' {\t"n" : 2 , "raw":true,"\\u0070rompt":"\\u004fne" } ']
    want = [a["hash"] for a in answers("\n".join(lines))]
    check(len(want) == 2 and want[0] == want[1], "the same request, written otherwise, answers otherwise")
    for data in ("\r\n".join(lines) + "\r\n", "\n\n" + "\n \t\r\n".join(lines) + "\n\n", "\n".join(lines) + " "):
        check([a["hash"] for a in answers(data)] == want, "%r answers otherwise" % data)


with tempfile.TemporaryDirectory() as work:
    subprocess.run([ROMA, "build", TINY, "-o", os.path.join(work, "t.roma")], stdout=subprocess.DEVNULL, check=True)
    os.chdir(work)
    test_ids()
    test_texts()
    test_stops()
    test_refused()
    test_forms()
finish()
