#!/usr/bin/env python3
"""usage: markers.py DRIVER RENDERER ARCHIVE [--templates N] [--out FILE]

Users' text cannot become a marker: every control token of every vocabulary of the archive, written as a user's, a system's, an assistant's
and a tool's text, in the definition of a tool and in a document, through every template of the archive: the ids hold no more of a control
token than the template's own bytes spell. ARCHIVE is vendor/llama.cpp of PyPI's source archive of llama-cpp-python 0.3.36, DRIVER
build/tests/text/tokenize_lines, RENDERER build/tests/template/render_lines; needs jinja2 alone."""
import argparse
import glob
import os
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "template"))
from reference import Renderer, call, message

CONTROL, UNKNOWN, USER = 3, 2, 4


def is_marker(text, kind):
    """What is a marker to a reader: control tokens, and what is written as one."""
    return kind in (CONTROL, UNKNOWN) or kind == USER and re.fullmatch(r"<[|｜].*[|｜]>|<[^<>\s]+>", text, re.S) is not None


def keys_of(path):
    """The keys of a GGUF file."""
    data = open(path, "rb").read()
    plain = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
    at = 24

    def text():
        nonlocal at
        n, = struct.unpack_from("<Q", data, at)
        at += 8 + n
        return data[at - n:at].decode("utf-8", "surrogateescape")

    def value(kind):
        nonlocal at
        if kind == 8:
            return text()
        if kind == 9:
            of, n = struct.unpack_from("<IQ", data, at)
            at += 12
            if of != 8:
                at += n * struct.calcsize("<" + plain[of])
                return struct.unpack_from("<%d%s" % (n, plain[of]), data, at - n * struct.calcsize("<" + plain[of]))
            return [text() for _ in range(n)]
        at += struct.calcsize("<" + plain[kind])
        return struct.unpack_from("<" + plain[kind], data, at - struct.calcsize("<" + plain[kind]))[0]

    keys = {}
    for _ in range(struct.unpack_from("<Q", data, 16)[0]):
        name = text()
        at += 4
        keys[name] = value(struct.unpack_from("<I", data, at - 4)[0])
    return keys


def conversations(hostile):
    """place -> variables, with the text in that place."""
    use = [message("user", "Weather?"), message("assistant", "", tool_calls=[call("get_weather", {"place": hostile})]),
           message("tool", hostile, name="get_weather", tool_call_id="abc123def")]
    tool = {"type": "function", "function": {"name": "f", "description": hostile, "parameters": {"type": "object", "properties": {
        "p": {"type": "string", "description": hostile}}, "required": ["p"]}}}
    return {"user": dict(messages=[message("user", hostile)]), "system": dict(messages=[message("system", hostile), message("user", "Hi.")]),
            "assistant": dict(messages=[message("user", "Hi."), message("assistant", hostile), message("user", "And?")]),
            "tool": dict(messages=use), "tools": dict(messages=[message("user", "Hi.")], tools=[tool]),
            "document": dict(messages=[message("user", "Hi.")], documents=[{"title": hostile, "text": hostile}])}


class Tokenizer:
    def __init__(self, driver, path):
        self.p = subprocess.Popen([driver, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def marked(self, text, trusted):
        data = text.encode()
        assert len(data) == len(trusted)
        marks = bytes(b - 48 for b in trusted.encode())
        self.p.stdin.write(struct.pack("<cBI", b"m", 0, 2 * len(data)) + data + marks)
        self.p.stdin.flush()
        n, = struct.unpack("<I", self.p.stdout.read(4))
        return struct.unpack(f"<{n}I", self.p.stdout.read(4 * n))

    def close(self):
        self.p.stdin.close()
        self.p.wait()


def spelt(text, trusted):
    """The template's own bytes, in runs with a byte between that no token has."""
    data = text.encode()
    return b"\xff".join(data[m.start():m.end()] for m in re.finditer("1+", trusted))


def main():
    a = argparse.ArgumentParser()
    a.add_argument("driver")
    a.add_argument("renderer")
    a.add_argument("archive")
    a.add_argument("--templates", type=int, default=1000)
    a.add_argument("--out")
    a = a.parse_args()
    files = sorted(glob.glob(os.path.join(a.archive, "models/templates/*.jinja")))[:a.templates]
    render, lines, leaks, total = Renderer(a.renderer), [], 0, 0
    for path in sorted(glob.glob(os.path.join(a.archive, "models/ggml-vocab-*.gguf"))):
        name = os.path.basename(path)[len("ggml-vocab-"):-len(".gguf")]
        fields = keys_of(path)
        if fields["tokenizer.ggml.model"] not in ("gpt2", "llama") or "tokenizer.ggml.pre" not in fields:
            continue
        tokens, kinds = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
        markers = {i: t for i, (t, k) in enumerate(zip(tokens, kinds)) if t and is_marker(t, k)}
        hostile = " ".join(markers.values()) + "x" + "".join(list(markers.values())[:50])
        ours, refused, renderings, wrong = Tokenizer(a.driver, path), 0, 0, 0
        for f in files:
            with open(f, newline="", encoding="utf-8") as text:
                template = text.read()
            for place, v in conversations(hostile).items():
                begin = {"bos_token": tokens[min(markers)], "eos_token": tokens[max(markers)], "add_generation_prompt": True}
                kind, out, trusted = render(template, {**begin, **v})
                if kind != "ok":
                    refused += 1
                    continue
                renderings += 1
                own, count = spelt(out, trusted), {}
                for i in ours.marked(out, trusted):
                    count[i] = count.get(i, 0) + 1
                for i in markers:
                    if count.get(i, 0) > own.count(tokens[i].encode()):
                        wrong += 1
                        print(f"{name} {os.path.basename(f)} {place}: {tokens[i]!r} {count[i]} times")
        ours.close()
        leaks, total = leaks + wrong, total + renderings
        lines.append(f"{name:16} {len(markers):4} control tokens, {renderings} renderings ({refused} refused by the templates), {wrong} leaks")
        print(lines[-1], flush=True)
    lines.append(f"{len(files)} templates, {total} renderings, {leaks} control tokens out of users' text")
    print(lines[-1])
    if a.out:
        with open(a.out, "w") as f:
            f.write("\n".join(lines) + "\n")
    return leaks != 0


if __name__ == "__main__":
    sys.exit(main())
