#!/usr/bin/env python3
"""usage: test_grammar.py CALL_LINES CONSTRAIN_LINES [N]     jinja2: Debian's python3-jinja2

Calls that must come: for each form of templates.py a grammar of calls, N random texts of it (each byte that may follow as likely), and what
the parser makes of them: nothing but calls of the tools that were asked for, with arguments of the tools' schemas."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "constrain"))
import lines as constrain
import talk
from templates import FORMS, NONE

failures = 0


def check(ok, what):
    global failures
    failures += not ok
    if not ok:
        print(f"test_grammar: {what}", file=sys.stderr)


TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {
    "type": "object", "required": ["place", "days"], "additionalProperties": False, "properties": {
        "place": {"type": "string", "maxLength": 5}, "unit": {"type": "string", "enum": ["celsius", "fahren\"heit"]}, "days": {"type": "integer"},
        "now": {"type": "boolean"}, "tags": {"type": "array", "items": {"enum": ["a", 1, None]}, "maxItems": 2}}}}},
    {"type": "function", "function": {"name": "stop"}},
    {"type": "function", "function": {"name": "set", "parameters": {"type": "object", "additionalProperties": False, "required": ["x"], "properties": {
        "x": {"type": "object", "properties": {"y": {"type": "number"}}, "required": ["y"], "additionalProperties": False}}}}}]


def is_weather(a):
    return (set(a) <= {"place", "unit", "days", "now", "tags"} and isinstance(a.get("place"), str) and type(a.get("days")) is int and a.get("unit", "celsius") in ("celsius", "fahren\"heit")
            and type(a.get("now", True)) is bool and len(a.get("tags", [])) <= 2 and all(t in ("a", 1, None) and t is not True for t in a.get("tags", [])))


GOOD = {"get_weather": is_weather, "stop": lambda a: isinstance(a, dict),
        "set": lambda a: set(a) == {"x"} and set(a["x"]) == {"y"} and type(a["x"]["y"]) in (int, float)}


def main():
    calls, automaton = talk.Lines(sys.argv[1]), constrain.Lines(sys.argv[2])
    n = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    automaton.ask("V")
    drawn = ended = several = 0
    for name, (template, _) in FORMS.items():
        form = calls.ask("form", template, "\n".join(talk.ENDS))
        for choice, thinks, parallel in (('"required"', "", "1"), ('"required"', "1", ""), ({"type": "function", "function": {"name": "set"}}, "", "")):
            made = calls.ask("grammar", TOOLS, choice, parallel, thinks)
            told = automaton.grammar(made["grammar"]) if "grammar" in made else str(made)
            check(told.startswith("ok"), f"{name}: {told}")
            if not told.startswith("ok"):
                continue
            for seed in range(n):
                check(automaton.ask("B 0").startswith("ok"), f"{name}: no state")
                why, text, _ = automaton.sample(seed, 1200, 3)
                drawn += 1
                if why != "eos":
                    check(why == "length", f"{name}: ended by {why}")
                    continue
                text = text.decode()
                got = calls.ask("parse", TOOLS, text, thinks)
                ended += 1
                several += len(got["calls"]) > 1
                named = {c["name"] for c in got["calls"]}
                check(got["same"] and not got["content"].strip() and named and named <= (set(GOOD) if choice == '"required"' else {"set"}), f"{name}: {text!r} gives {got}")
                check(all(GOOD[c["name"]](c["arguments"]) for c in got["calls"]), f"{name}: arguments of {got['calls']}")
                check(parallel or len(got["calls"]) == 1, f"{name}: {len(got['calls'])} calls where one was asked for")
    check(ended > drawn // 2 and several > 5, f"{ended} of {drawn} ended, {several} with several calls")
    calls.ask("form", NONE["no calls"], "")
    check("writes no tool calls" in calls.ask("grammar", TOOLS, '"required"', "", "").get("error", ""), "a form that is none")
    print(f"test_grammar: {drawn} texts drawn, {ended} ended by themselves, {several} with several calls, {failures} failures")
    sys.exit(failures > 0)


main()
