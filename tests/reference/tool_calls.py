#!/usr/bin/env python3
"""usage: tool_calls.py CALL_LINES FOLDER|FILE... [-n N] [--out FILE]

Published chat templates (*.jinja; where they come from: chat_templates.py): the form of tool calls that is found in each, and N
random answers with calls, rendered by jinja2, parsed back at every cut: names and arguments equal, as JSON values.

CALL_LINES is build/tests/calls/call_lines. `none`: what the template writes, if it writes calls at all, is content here."""
import argparse
import glob
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "calls"))
import talk


def main():
    a = argparse.ArgumentParser()
    a.add_argument("call_lines")
    a.add_argument("templates", nargs="+")
    a.add_argument("-n", type=int, default=200)
    a.add_argument("--out")
    a = a.parse_args()
    files = sorted(f for t in a.templates for f in (glob.glob(os.path.join(t, "*.jinja")) if os.path.isdir(t) else [t]))
    env, lines = talk.environment(), talk.Lines(a.call_lines)
    out, forms, total, bad = [], 0, 0, 0
    for f in files:
        with open(f, newline="", encoding="utf-8") as text:
            template = text.read()
        form = lines.ask("form", template, "\n".join(talk.ENDS))
        what = form.get("error", form.get("kind"))
        if what in ("object", "named", "tagged"):
            tried, wrong, apart = talk.rounds(lines, env, template, form, os.path.basename(f), a.n)
            forms, total, bad = forms + 1, total + tried, bad + len(wrong)
            mark = form["begin"].strip().replace("\n", "\\n") or "at the beginning"
            what += f", {mark}: {tried} answers, {len(wrong)} differ" + (f", {apart} with content in a turn of its own" if apart else "")
        out.append(f"{os.path.basename(f):54} {what}")
    out.append(f"{len(files)} templates, {forms} with a form; {total} answers, {bad} differ")
    text = "\n".join(out) + "\n"
    sys.stdout.write(text)
    if a.out:
        with open(a.out, "w", encoding="utf-8") as o:
            o.write(text)


main()
