#!/usr/bin/env python3
"""The tiny model end to end, against what PyTorch made of the same files.

usage: test_tiny.py ROMA

models/tiny/logits.bin, greedy.txt and tokens.txt were written by fixtures.py: PyTorch's logits of the last position of a few prompts,
its greedy continuations, and Hugging Face tokenizers' ids. Needs Python alone.
"""
import json
import math
import os
import struct
import tempfile

from shared import TOP, check, finish, output

HERE = os.path.join(TOP, "models", "tiny")
FILES = ["tiny-f32.gguf", "tiny-q4.gguf"]


def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t").replace("\0", "\\")


def log_softmax(x):
    m = max(x)
    s = math.log(sum(math.exp(v - m) for v in x)) + m
    return [v - s for v in x]


def fixture_lines(name):
    with open(os.path.join(HERE, name), encoding="utf-8", newline="\n") as f:
        for line in f.read().split("\n"):
            if line and not line.startswith("#"):
                key, _, rest = line.partition(" ")
                yield key, rest


def logits_of(image, ids, tmp):
    path, dump = os.path.join(tmp, "ids"), os.path.join(tmp, "logits")
    with open(path, "wb") as f:
        f.write(struct.pack("<%di" % len(ids), *ids))
    output("eval", image, "--ids", path, "--dump-logits", dump)
    with open(dump, "rb") as f:
        raw = f.read()
    vocab = len(raw) // 4 // len(ids)
    return struct.unpack("<%df" % vocab, raw[-4 * vocab:])


def check_fp32(image, ids, want, tmp):
    """`--against fp32` evaluates the same weights as PyTorch did: the same logits but for the rounding of FP32 sums."""
    path, dump = os.path.join(tmp, "ids"), os.path.join(tmp, "fp32")
    output("eval", image, "--ids", path, "--against", "fp32", "--dump-against", dump)     # path: logits_of left it
    with open(dump, "rb") as f:
        raw = f.read()
    got = struct.unpack("<%df" % len(want), raw[-4 * len(want):])
    worst = max(abs(x - y) for x, y in zip(want, got))
    print("  in FP32, largest difference of a logit %.7f" % worst)
    check(worst <= 1e-4 and len(raw) == 4 * len(want) * len(ids), "FP32 logits are %g from PyTorch's" % worst)


def check_logits(images, tmp):
    with open(os.path.join(HERE, "logits.bin"), "rb") as f:
        raw = f.read()
    magic, n, files, vocab = struct.unpack_from("<8sIII", raw)
    assert magic == b"ROMALOG1" and files == len(FILES)
    at = 20
    for p in range(n):
        (length,) = struct.unpack_from("<I", raw, at)
        ids = struct.unpack_from("<%dI" % length, raw, at + 4)
        at += 4 + 4 * length
        for f in range(files):
            want = struct.unpack_from("<%df" % vocab, raw, at)
            at += 4 * vocab
            got = logits_of(images[f], ids, tmp)
            a, b = log_softmax(want), log_softmax(got)
            kl = sum(math.exp(x) * (x - y) for x, y in zip(a, b))
            print("%-14s prompt %d, %3d tokens: KL to PyTorch %.5f, largest difference of a logit %.3f"
                  % (FILES[f], p, length, kl, max(abs(x - y) for x, y in zip(want, got))))
            check(kl <= 1e-3, "KL %.4f to PyTorch, %s, prompt %d" % (kl, FILES[f], p))
            if "f32" not in FILES[f]:       # that one's image is quantised, PyTorch's weights were not
                check_fp32(images[f], ids, want, tmp)
            check(want.index(max(want)) == got.index(max(got)), "another first token than PyTorch's, %s, prompt %d" % (FILES[f], p))


def check_greedy(images):
    same = total = 0
    prompt = None
    for key, rest in fixture_lines("greedy.txt"):
        if key == "prompt":
            prompt = unescape(rest)
        elif key in FILES:
            want = [int(x) for x in rest.split()]
            o = json.loads(output("run", images[FILES.index(key)], "--raw", "--special", "-p", prompt, "-n", str(max(len(want), 1)), "--json"))
            got = o["ids"]
            k = 0
            while k < len(want) and k < len(got) and want[k] == got[k]:
                k += 1
            same, total = same + k, total + len(want)
            print("%-14s greedy: the first %d of %d tokens are PyTorch's" % (key, k, len(want)))
            check(k >= min(4, len(want)), "greedy text leaves PyTorch's after %d tokens: %s, %r" % (k, key, prompt[:40]))
    print("greedy: %d of %d tokens are PyTorch's" % (same, total))
    check(same >= 0.6 * total, "greedy text is too far from PyTorch's")


def check_tokens(image):
    n, text = 0, None
    for key, rest in fixture_lines("tokens.txt"):
        if key == "text":
            text = unescape(rest)
        elif key == "ids":
            got = json.loads(output("tokenize", image, "--special", "--json", "-", input=text.encode()))["ids"]
            check(got == [int(x) for x in rest.split()], "ids of %r" % text)
            n += 1
    print("tokens: %d texts as Hugging Face's tokenizers" % n)
    check(n > 0, "no texts")


def check_resident(image):
    o = json.loads(output("run", image, "--raw", "-p", "Once", "-n", "40", "--json"))
    check(o["arena_bytes"] > 0 and o["image_bytes"] == os.path.getsize(image), "memory figures")


def main():
    with tempfile.TemporaryDirectory() as tmp:
        images = []
        for f in FILES:
            images.append(os.path.join(tmp, f + ".roma"))
            output("build", os.path.join(HERE, f), "-o", images[-1], *(["--quant", "q8"] if "f32" in f else []))
        check_logits(images, tmp)
        check_greedy(images)
        check_tokens(images[1])
        check_resident(images[1])
    finish()


if __name__ == "__main__":
    main()
