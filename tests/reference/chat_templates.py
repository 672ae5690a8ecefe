#!/usr/bin/env python3
"""usage: chat_templates.py RENDERER FOLDER|FILE... [--out FILE]

Published chat templates (*.jinja) through jinja2, set up as transformers has it, and through the room `template`: the same
text byte for byte, or both refuse; or the template is refused at parsing, with line and construct. Then whose bytes:
what stands in messages and tools between two characters of private use counts as data, each byte, wherever it comes out.

RENDERER is build/tests/template/render_lines. The 70 templates are vendored in PyPI's source archive of llama-cpp-python:
pip download --no-deps --no-binary :all: llama-cpp-python==0.3.36, then unpack *.jinja out of the archive."""
import argparse
import glob
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "template"))
import jinja2
from reference import TOOLS, conversations, environment, expected, message, Renderer

BEGIN, END = "\ue000", "\ue001"


def marked(value):
    """Every text of a conversation between two characters that no template writes."""
    if isinstance(value, str):
        return BEGIN + value + "<|im_end|></s><｜User｜>" + END
    if isinstance(value, list):
        return [marked(v) for v in value]
    if isinstance(value, dict):
        return {k: v if k in ("role", "type", "id", "tool_call_id") else marked(v) for k, v in value.items()}
    return value


def data_is_data(text, trusted):
    """Bytes between BEGIN and END, if neither was cut off, are not the template's."""
    data = text.encode()
    at, wrong = 0, 0
    while (at := data.find(BEGIN.encode(), at)) >= 0:
        stop = data.find(END.encode(), at)
        if stop < 0:
            break
        again = data.find(BEGIN.encode(), at + 1, stop)
        if again < 0:
            wrong += "1" in trusted[at:stop]
        at = at + 1
    return wrong


def main():
    a = argparse.ArgumentParser()
    a.add_argument("renderer")
    a.add_argument("templates", nargs="+")
    a.add_argument("--out")
    a = a.parse_args()
    files = sorted(f for t in a.templates for f in (glob.glob(os.path.join(t, "*.jinja")) if os.path.isdir(t) else [t]))
    env, render, chats = environment(), Renderer(a.renderer), conversations()
    lines, refused, different, errors, total, leaks = [], 0, 0, 0, 0, 0
    for f in files:
        with open(f, newline="", encoding="utf-8") as text:
            template = text.read()
        name, wrong, both = os.path.basename(f), [], 0
        for chat, v in chats.items():
            want, got = expected(env, template, v), render(template, v)
            if got[0] == "refused":
                break
            total += 1
            both += want[0] == "error" == got[0]
            if want[0] != got[0] or want[0] == "ok" and want[1] != got[1]:
                wrong.append(chat)
            private = dict(v, messages=marked(v["messages"]), tools=marked(v["tools"]))
            told = render(template, private)
            leaks += told[0] == "ok" and data_is_data(told[1], told[2])
        if got[0] == "refused":
            refused += 1
            lines.append(f"{name:60} refused: {got[1]}")
        else:
            different += bool(wrong)
            errors += both
            lines.append(f"{name:60} {len(chats)} conversations, {both} refused by both{', DIFFERENT: ' + ', '.join(wrong) if wrong else ''}")
    lines.append(f"{len(files)} templates, {total} renderings: {different} templates differ, {refused} refused at parsing; {errors} renderings refused by both; "
                 f"{leaks} pieces of data counted as the template's (jinja2 {jinja2.__version__})")
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if a.out:
        with open(a.out, "w") as out:
            out.write(text)
    return different or leaks or refused > 5


if __name__ == "__main__":
    sys.exit(main())
