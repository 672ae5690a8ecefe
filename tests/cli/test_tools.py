#!/usr/bin/env python3
"""usage: test_tools.py ROMA

Tools through roma serve and --jsonl, on the tiny model with templates of tests/calls: calls that must come in four forms, streamed and
not, and turns that tell of them; reasoning that the template opens; lines with tools. Standard library only. That forms are found and
parsed is held by tests/calls, the protocols by test_serve.py, official clients by test_clients.py."""
import json
import os
import sys

from shared import TINY, TOP, check, finish, own_folder, run
from test_serve import Server

sys.path.insert(0, os.path.join(TOP, "tests", "calls"))
from templates import FORMS, template  # noqa: E402

ASK = [{"role": "user", "content": "What is the weather in Oslo for three days?"}]
STORY = [{"role": "user", "content": "Tell me a story about a dog."}]
WEATHER = {"name": "get_weather", "parameters": {"type": "object", "required": ["place", "days"], "properties": {
    "place": {"type": "string", "maxLength": 12}, "days": {"type": "integer", "minimum": 1, "maximum": 9}, "unit": {"enum": ["c", "f"], "type": "string"}}}}
STOP = {"name": "stop", "parameters": {"type": "object", "additionalProperties": False}}
TOOLS = [{"type": "function", "function": f} for f in (WEATHER, STOP)]
NAMED = {"type": "function", "function": {"name": "get_weather"}}
CHAT = {"messages": ASK, "tools": TOOLS, "max_tokens": 220, "temperature": 0, "parallel_tool_calls": False}


def is_weather(arguments):
    a = json.loads(arguments) if isinstance(arguments, str) else arguments
    return {"place", "days"} <= set(a) <= {"place", "days", "unit"} and len(a["place"]) <= 12 and a["days"] in range(1, 10) and a.get("unit", "c") in "cf"


def by_event(events):
    """A stream's deltas, joined as the official client joins them."""
    calls, content, finish_reason = {}, "", None
    for e in events:
        d = e["choices"][0]["delta"]
        content += d.get("content") or ""
        for c in d.get("tool_calls", []):
            to = calls.setdefault(c["index"], {"id": "", "name": "", "arguments": ""})
            to["id"] += c.get("id", "")
            for k in ("name", "arguments"):
                to[k] += c["function"].get(k, "")
        finish_reason = e["choices"][0]["finish_reason"] or finish_reason
    return calls, content, finish_reason


def chat(s, name):
    got = s.post("/v1/chat/completions", CHAT | {"tool_choice": NAMED})["choices"][0]
    calls = got["message"].get("tool_calls", [])
    check(got["finish_reason"] == "tool_calls" and got["message"]["content"] is None and len(calls) == 1, f"{name}: {got}")
    f = calls[0]["function"]
    check(calls[0]["type"] == "function" and len(calls[0]["id"]) == 9 and f["name"] == "get_weather" and is_weather(f["arguments"]), f"{name}: {got}")
    streamed, content, finish_reason = by_event(s.events("/v1/chat/completions", CHAT | {"tool_choice": NAMED}))
    check(list(streamed) == [0] and streamed[0]["name"] == f["name"] and streamed[0]["arguments"] == f["arguments"] and not content and finish_reason == "tool_calls",
          f"{name}: streamed {streamed}, {content!r}, {finish_reason}")
    # The next turn tells of the call and of its result; the ids of any client are taken.
    told = ASK + [got["message"], {"role": "tool", "tool_call_id": calls[0]["id"], "content": "sunny"}]
    s.post("/v1/chat/completions", CHAT | {"messages": told, "max_tokens": 4})
    any_of = s.post("/v1/chat/completions", CHAT | {"tool_choice": "required"})["choices"][0]["message"]["tool_calls"]
    check(len(any_of) == 1 and any_of[0]["function"]["name"] in ("get_weather", "stop"), f"{name}: {any_of}")
    off, none = (s.post("/v1/chat/completions", b | {"max_tokens": 8})["choices"][0] for b in (CHAT | {"tool_choice": "none"}, {"messages": ASK, "temperature": 0}))
    check(off["message"] == none["message"], f"{name}: tools that are off are not shown: {off} {none}")


def main():
    run("build", TINY, "-o", "t.roma")
    put = lambda name, text: open(name, "w").write(text)
    for name in ("hermes", "tags", "llama", "mistral"):
        put("form.jinja", FORMS[name][0])
        with Server("t.roma", "--template", "form.jinja") as s:
            chat(s, name)
    # A mark that is a control token: the token may come where a grammar has the mark, and the parser gets its text.
    put("form.jinja", template("{{ m.content or '' }}{% for c in m.tool_calls or [] %}<|im_start|>{{ c.function.name }}<s>{{ c.function.arguments | tojson }}{% endfor %}"))
    mark, = json.loads(run("tokenize", "t.roma", "<|im_start|>", "--special", "--json"))["ids"]
    with Server("t.roma", "--template", "form.jinja") as s:
        got = s.post("/v1/chat/completions", CHAT | {"tool_choice": NAMED, "logit_bias": {str(mark): 100}, "return_token_ids": True})["choices"][0]
        check(got["token_ids"][0] == mark and got["message"]["tool_calls"][0]["function"]["name"] == "get_weather", f"a mark that is a token: {got}")
        silent = s.post("/v1/completions", {"prompt": "a", "max_tokens": 3, "logit_bias": {str(mark): 100}, "return_token_ids": True})["choices"][0]
        # Lines with tools: the same text, which is no call, is content.
        line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": CHAT | {"max_tokens": 3, "logit_bias": {str(mark): 100}}}
        del line["body"]["parallel_tool_calls"]
        put("line.jsonl", json.dumps(line))
        m = json.loads(run("run", "t.roma", "--jsonl", "line.jsonl", "--template", "form.jinja"))["response"]["body"]["choices"][0]["message"]
        check(m["content"] == 3 * "<|im_start|>" and "tool_calls" not in m, f"--jsonl: {m}")
        check(silent["text"] == "" and silent["token_ids"] == 3 * [mark], f"elsewhere it has no text: {silent}")
    # Reasoning: a template that opens it in the prompt.
    put("form.jinja", template("{{ m.content }}", reply="<|im_start|>assistant\n<think>\n"))
    with Server("t.roma", "--template", "form.jinja") as s:
        m = s.post("/v1/chat/completions", {"messages": STORY, "max_tokens": 6, "temperature": 0})["choices"][0]["message"]
        check(m["content"] == "" and m["reasoning_content"], f"an answer that is cut within reasoning: {m}")
        m = s.post("/v1/chat/completions", {"messages": STORY, "max_tokens": 30, "temperature": 0, "response_format": {"type": "json_object"}})["choices"][0]["message"]
        check(m["content"].startswith("{") and "reasoning_content" not in m, f"a form is content: {m}")
        streamed = s.events("/v1/chat/completions", {"messages": STORY, "max_tokens": 6, "temperature": 0})
        check("".join(e["choices"][0]["delta"].get("reasoning_content", "") for e in streamed), "reasoning is streamed as such")
    # Lines of --jsonl in OpenAI's form: parsed where they have tools. The tiny model calls nothing by itself.
    put("form.jinja", template("{{ m.content }}", reply="<|im_start|>assistant\n<think>\n"))
    body = {"messages": STORY, "max_tokens": 6, "temperature": 0}
    lines = [{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body | {"tools": TOOLS}},
             {"custom_id": "b", "method": "POST", "url": "/v1/chat/completions", "body": body | {"tools": [{"type": "x"}]}}]
    put("lines.jsonl", "".join(json.dumps(x) + "\n" for x in lines))
    a, b = (json.loads(x)["response"] for x in run("run", "t.roma", "--jsonl", "lines.jsonl", "--template", "form.jinja", code=2).splitlines())
    check(a["body"]["choices"][0]["message"]["content"] == "" and a["body"]["choices"][0]["message"]["reasoning_content"], f"--jsonl: {a}")
    check(b["status_code"] == 400 and "tools[0]" in b["body"]["error"]["message"], f"--jsonl: {b}")


if __name__ == "__main__":
    with own_folder():
        main()
    finish()
