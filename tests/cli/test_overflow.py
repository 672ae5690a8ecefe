#!/usr/bin/env python3
"""Logits that overflow, through the program: an image of finite weights whose arithmetic overflows on four characters.

usage: test_overflow.py ROMA MAKE_OVERFLOWING    (tests/exec/make_overflowing.c, which says what each of the four does)
"""
import itertools
import json
import os
import subprocess
import sys
import tempfile

from shared import ROMA, TINY, check, finish, output

MAKE = os.path.abspath(sys.argv[2])
MIXED, NONE, NOT, POISON = "#", "$", "%", "&"


def roma(*args):
    r = subprocess.run([ROMA, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return r.returncode, r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")


def refused(what, said, *args):
    """Exit code 2, nothing but one line on standard error, which says it."""
    code, out, err = roma(*args)
    check(code == 2 and err.count("\n") == 1 and any(s in err for s in said),
          "%s: exit code %d, standard error %r" % (what, code, err))
    return out


def samplings():
    for temp, top_k, top_p, min_p, penalty in itertools.product(("0", "0.8"), ("0", "1", "5"), ("0.5", "1"), ("0", "0.1"), ("1", "1.2")):
        yield ["--temp", temp, "--top-k", top_k, "--top-p", top_p, "--min-p", min_p, "--repeat-penalty", penalty]


def test_run(image):
    what = {MIXED: None, NONE: ["minus infinity"], NOT: ["not a number"], POISON: ["not a number"]}
    for char, said in what.items():
        for flags in samplings():
            args = ["run", image, "--raw", "-p", "Once " + char, "-n", "1", "-t", "1", "--json", *flags]
            if said:
                refused("run on %r with %s" % (char, " ".join(flags)), said, *args)
                continue
            ids = json.loads(output(*args))["ids"]
            check(len(ids) <= 1 and all(i % 3 == 0 for i in ids), "%r drew %s with %s" % (char, ids, " ".join(flags)))
    refused("run without --json", ["not a number"], "run", image, "--raw", "-p", NOT, "-q")


def lines_of(image, requests, tmp, *args):
    path = os.path.join(tmp, "requests")
    with open(path, "w", encoding="utf-8") as f:
        for r in requests:
            f.write(json.dumps({"raw": True, "n": 12, **r}) + "\n")
    code, out, err = roma("run", image, "--jsonl", path, "--hash", *args)
    check(len(out.splitlines()) == len(requests), "--jsonl answers %d of %d requests: %s" % (len(out.splitlines()), len(requests), err))
    return code, [json.loads(line) for line in out.splitlines()]


def test_neighbours(image, tmp):
    """Each request answers as it does alone, the same error or the same hash over its logits."""
    text = "Once upon a time there was a cat. Once upon a time there was"
    requests = [{"prompt": p, "temp": t} for t in (0, 0.8) for p in (
        text, text + NOT, text + " a dog", text + NONE, NOT, text + POISON + " a", "The", text + MIXED, POISON + text, text[:20] + NOT + text,
        "The " + NONE + " cat")]
    requests = [{"id": str(i), "seed": i, **r} for i, r in enumerate(requests)]
    single = [lines_of(image, [r], tmp, "--batch", "1", "--spec", "off") for r in requests]
    single = [dict(answers[0], code=code) for code, answers in single]
    failed = sum("error" in a for a in single)
    check(failed == 2 * 5, "%d of %d requests fail alone" % (failed, len(requests)))
    check(all((a["code"] == 2) == ("error" in a) for a in single), "exit codes of single requests")
    for args in (["--batch", "8"], ["--batch", "3", "--spec", "off"], ["--batch", "8", "-t", "2", "--isa", "scalar"]):
        code, answers = lines_of(image, requests, tmp, *args)
        check(code == 2, "--jsonl with failures ends with %d" % code)
        for i, (a, b) in enumerate(zip(answers, single)):
            same = a.get("error") == b.get("error") and a.get("hash") == b.get("hash") and a.get("ids") == b.get("ids")
            check(same and a["id"] == b["id"] == str(i), "request %d with %s: %s, alone %s" % (i, " ".join(args), a, b))
    refused_file = [r for r, a in zip(requests, single) if "error" not in a]
    code, answers = lines_of(image, refused_file, tmp)
    check(code == 0 and all("hash" in a for a in answers), "--jsonl without failures ends with %d" % code)


def test_eval(image, tmp):
    path = os.path.join(tmp, "text")
    for char in MIXED, NONE, NOT, POISON:
        with open(path, "w", encoding="utf-8") as f:
            f.write("Once upon a time " + char + " there was a cat and a dog.")
        for args in ([], ["--against", "fp32"], ["--against", image], ["--hash", "--json"]):
            out = refused("eval on %r" % char, ["is infinite at position", "is not a number at position"], "eval", image, "-f", path, "--all", *args)
            check(out == "", "eval on %r prints %r" % (char, out))


def test_chat(image):
    """A question that poisons the conversation fails, and a script sees that it did."""
    for lines in ["cat " + POISON], [POISON, "a " + POISON, POISON]:
        r = subprocess.run([ROMA, "chat", image, "--template", "chatml", "--ctx", "64"], input="".join(l + "\n" for l in lines).encode(),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        err = r.stderr.decode()
        check(r.returncode == 2 and err.count("not a number") == len(lines), "chat on %s: exit code %d: %s" % (lines, r.returncode, err))


def main():
    with tempfile.TemporaryDirectory() as tmp:
        tiny, image = os.path.join(tmp, "tiny.roma"), os.path.join(tmp, "image.roma")
        output("build", TINY, "-o", tiny)
        ids = [output("tokenize", tiny, c).split() for c in (MIXED, NONE, NOT, POISON)]
        check(all(len(i) == 1 for i in ids), "a character is one token: %s" % ids)
        subprocess.run([MAKE, image, tiny, *[i[0] for i in ids]], check=True)
        output("verify", image)  # all that the format demands holds: the weights are finite
        test_run(image)
        test_neighbours(image, tmp)
        test_eval(image, tmp)
        test_chat(image)
    finish()


main()
