#!/usr/bin/env python3
"""usage: test_forms.py CALL_LINES [N]     jinja2: Debian's python3-jinja2

The forms of tool calls: found in templates (templates.py), N random answers of each rendered by jinja2 and parsed back, at every
cut; answers by hand, malformed ones too; and that none of them is lost: what is no call is content, byte for byte."""
import json
import sys

import talk
from templates import FORMS, NONE

failures = 0


def check(ok, what):
    global failures
    failures += not ok
    if not ok:
        print(f"test_forms: {what}", file=sys.stderr)


TOOLS = [{"type": "function", "function": {"name": n, "parameters": {"type": "object", "properties": {
    "a": {"type": "string"}, "n": {"type": "integer"}, "any": {}}}}} for n in ("f", "g")]


def parse(lines, answer, thinks=""):
    got = lines.ask("parse", TOOLS, answer, thinks)
    check(got["same"], f"a cut of {answer!r} changes what it is")
    return got["content"], got["reasoning"], [(c["name"], c["arguments"]) for c in got["calls"]]


def find(lines, name):
    form = lines.ask("form", FORMS[name][0], "\n".join(talk.ENDS))
    check(form.get("kind") == FORMS[name][1], f"{name}: the form is {form}")
    return form


def by_hand(lines):
    def gives(answer, content="", reasoning="", calls=(), thinks=""):
        got = parse(lines, answer, thinks)
        check(got == (content, reasoning, list(calls)), f"{answer!r} gives {got}")

    find(lines, "hermes")
    one = '<tool_call>\n{"name": "f", "arguments": {"a": "x"}}\n</tool_call>'
    f = ("f", {"a": "x"})
    gives("", "")
    gives("Hello.\n", "Hello.\n")
    gives(one, calls=[f])
    gives("\n\n" + one + "\n", calls=[f])
    gives("So:\n" + one + "\nDone.", "So:Done.", calls=[f])
    gives(one + "\n" + one, calls=[f, f])
    gives(one + one + "<tool_call>", "<tool_call>", calls=[f, f])
    # What a model leaves out, or spells otherwise.
    gives(one[:-len("</tool_call>")], calls=[f])
    gives(one[:-1], calls=[f])
    gives(one.replace("\n", ""), calls=[f])
    gives(one.replace("\n", "  \n ").replace(": ", ":"), calls=[f])
    gives(one[:-len("</tool_call>")] + one, calls=[f, f])
    gives('<tool_call>{"arguments": {"a": "x"}, "name": "f"}</tool_call>', calls=[f])
    gives('<tool_call>{"name": "f", "parameters": {"a": "x"}, "id": 7}</tool_call>', calls=[f])
    gives('<tool_call>{"name": "f", "arguments": "{\\"a\\": \\"x\\"}"}</tool_call>', calls=[f])
    gives('<tool_call>{"name": "f"}</tool_call>', calls=[("f", {})])
    gives('<tool_call>{"name": "f", "arguments": null}</tool_call>', calls=[("f", {})])
    gives('<tool_call>{"name": "f", "arguments": {"a": "}{\\"\\\\</tool_call>"}}</tool_call>', calls=[("f", {"a": '}{"\\</tool_call>'})])
    # Brackets of arguments nest 48 deep: those of the call, their own, 46 lists.
    nested = '<tool_call>{"name": "f", "arguments": {"any": %s}}</tool_call>'
    value = []
    for _ in range(45):
        value = [value]
    gives(nested % json.dumps(value), calls=[("f", {"any": value})])
    gives(nested % json.dumps([value]), nested % json.dumps([value]))
    # What is no call stays as it is.
    for broken in ('<tool_call>', '<tool_call>\n{"name": "f", "argu', "<tool_call>hm</tool_call>", '<tool_call>{"name": "f" "arguments": {}}</tool_call>',
                   '<tool_call>{"name": "h", "arguments": {}}</tool_call>', '<tool_call>{"name": "f", "arguments": [1]}</tool_call>',
                   '<tool_call>{"name": "f", "arguments": "no"}</tool_call>', '<tool_call>{"name": 1, "arguments": {}}</tool_call>',
                   '<tool_call>{"name": "f", "name": "g", "arguments": {}}</tool_call>', '<tool_call>{"arguments": {}}</tool_call>',
                   '<tool_call>{"name": "f", "arguments": {"a": "line\nline"}}</tool_call>', "<tool_call>[]</tool_call>", "<tool_call>{}}</tool_call>",
                   '<tool_call>{"name": "f", "arguments": ' + '{"a":' * 60 + "1" + "}" * 60 + "}</tool_call>", "<<tool_call", "a < b <tool", "<tool_calls>{}",
                   '<tool_call>{"name": "f", "arguments": {"a": ' + '"x' * 3 + "}}</tool_call>", "{}", '{"name": "f", "arguments": {}}'):
        gives(broken, broken)
        content, _, calls = parse(lines, broken + " " + one)
        check(calls == [f] and content.rstrip() == broken, f"a call behind {broken!r} gives {calls} and {content!r}")
    gives("<tool_call" + one, "<tool_call", calls=[f])
    gives("<" + one, "<", calls=[f])
    gives("a" + " " * 100 + one, "a" + " " * 68, calls=[f])  # up to 32 blanks before a call are the form's
    gives("a" + " " * 100, "a" + " " * 100)
    long = '<tool_call>{"name": "f", "arguments": {"a": "%s"}}</tool_call>'
    gives(long % ("x" * 3000), calls=[("f", {"a": "x" * 3000})])
    # Reasoning.
    gives("<think>\nHm <b>.\n</think>\n\nYes.", "Yes.", "Hm <b>.")
    gives("<think>\n\n</think>\n\nYes.", "Yes.")
    gives("<think>" + one + "</think>" + one, "", one, [f])
    gives("<think>never ends " + one, "", "never ends " + one)
    gives("Hm.\n</think>\nYes.", "Yes.", "Hm.", thinks="1")
    gives("\n Hm.", "", "Hm.", thinks="1")
    gives("Yes. <think>no</think>", "Yes. <think>no</think>")
    gives(one + "<think>no</think>", "<think>no</think>", calls=[f])
    gives("<thin", "<thin")
    gives("<thinking>", "<thinking>")

    find(lines, "llama")
    gives('{"name": "f", "parameters": {"a": "x"}}', calls=[f])
    gives('\n{"name": "f", "parameters": {"a": "x"}}\n', calls=[f])
    gives('<|python_tag|>{"name": "f", "parameters": {"a": "x"}}', calls=[f])
    gives('{"name": "f", "parameters": {"a": "x"}}; {"name": "g", "parameters": {}}', calls=[f, ("g", {})])
    gives('{"type": "function", "name": "f", "arguments": {}}', calls=[("f", {})])
    for text in ('{"name": "f"}', '{"name": "f", "parameters": {}, "age": 7}', '{"name": "h", "parameters": {}}', 'So: {"name": "f", "parameters": {}}',
                 "<|python_tag|>print(1)", "{", '{"a": 1}', "[1]"):
        gives(text, text)

    find(lines, "mistral")
    gives('[TOOL_CALLS] [{"name": "f", "arguments": {"a": "x"}, "id": "abcdefghi"}]', calls=[f])
    gives('[TOOL_CALLS][{"name": "f", "arguments": {"a": "x"}},{"name": "g", "arguments": {}}]', calls=[f, ("g", {})])
    gives('[TOOL_CALLS] [{"name": "f", "arguments": {"a": "x"}} and', "and", calls=[f])
    gives('[TOOL_CALLS] []', '[TOOL_CALLS] []')
    gives('[INST] [TOOL', '[INST] [TOOL')

    find(lines, "mistral ids")
    gives('[TOOL_CALLS]f[CALL_ID]abcdefghi[ARGS]{"a": "x"}[TOOL_CALLS]g[ARGS]{}', calls=[f, ("g", {})])
    gives('[TOOL_CALLS]f[CALL_ID][ARGS]{"a": "x"}', '[TOOL_CALLS]f[CALL_ID][ARGS]{"a": "x"}')

    find(lines, "deepseek")
    gives('<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{"a": "x"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>', calls=[f])
    gives("<｜User｜>", "<｜User｜>")

    find(lines, "tags")
    tags = "<tool_call>\n<function=%s>\n%s</function>\n</tool_call>"
    value = "<parameter=%s>\n%s\n</parameter>\n"
    gives(tags % ("f", value % ("a", "x")), calls=[f])
    gives(tags % ("f", ""), calls=[("f", {})])
    gives(tags % ("f", value % ("a", "1") + value % ("n", "1") + value % ("any", "1")), calls=[("f", {"a": "1", "n": 1, "any": 1})])
    gives(tags % ("f", value % ("a", "true") + value % ("n", "x y") + value % ("any", "{x")), calls=[("f", {"a": "true", "n": "x y", "any": "{x"})])
    gives(tags % ("f", value % ("a", "\n\n<b>\n </function> ")), calls=[("f", {"a": "\n\n<b>\n </function> "})])
    gives((tags % ("f", value % ("a", "x"))).replace("\n", ""), calls=[f])
    for broken in (tags % ("h", ""), tags % ("f", value % ("a", "x") + value % ("a", "y")), tags % ("f", "x"), tags % ("f", value % ("", "x")),
                   "<tool_call>\n<function=f>\n<parameter=a>\nx", "<tool_call>\n<function=f g>", tags % ("f", value % ("k" * 300, "x")),
                   tags % ("f", "".join(value % (f"k{i}", "x") for i in range(70)))):
        gives(broken, broken)


def main():
    lines, env = talk.Lines(sys.argv[1]), talk.environment()
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 25
    total = 0
    for name, (template, kind) in FORMS.items():
        form = find(lines, name)
        check(form["many"] == (name != "llama"), f"{name}: many is {form['many']}")
        check(form["short_ids"] == (name in ("mistral", "mistral ids")), f"{name}: short_ids is {form['short_ids']}")
        tried, wrong, apart = talk.rounds(lines, env, template, form, name, n)
        total += tried
        check(tried > n // 3 and not apart, f"{name}: {tried} of {n} answers rendered, {apart} with content elsewhere")
        for w in wrong[:1]:
            check(False, f"{name}: {len(wrong)} of {tried} differ, as {json.dumps(w, ensure_ascii=False)}")
    for name, template in NONE.items():
        form = lines.ask("form", template, "\n".join(talk.ENDS))
        check(form.get("kind") == "none", f"{name}: the form is {form}")
    by_hand(lines)
    print(f"test_forms: {len(FORMS)} forms, {total} random answers there and back, {failures} failures")
    sys.exit(failures > 0)


main()
