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
from templates import FORMS, NONE, template  # noqa: E402

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


def chat(s, name, tools=TOOLS):
    ask = CHAT | {"tools": tools}
    got = s.post("/v1/chat/completions", ask | {"tool_choice": NAMED})["choices"][0]
    calls = got["message"].get("tool_calls", [])
    check(got["finish_reason"] == "tool_calls" and got["message"]["content"] is None and len(calls) == 1, f"{name}: {got}")
    f = calls[0]["function"]
    check(calls[0]["type"] == "function" and len(calls[0]["id"]) == 9 and f["name"] == "get_weather" and is_weather(f["arguments"]), f"{name}: {got}")
    streamed, content, finish_reason = by_event(s.events("/v1/chat/completions", ask | {"tool_choice": NAMED}))
    check(list(streamed) == [0] and streamed[0]["name"] == f["name"] and streamed[0]["arguments"] == f["arguments"] and not content and finish_reason == "tool_calls",
          f"{name}: streamed {streamed}, {content!r}, {finish_reason}")
    # The next turn tells of the call and of its result; the ids of any client are taken.
    told = ASK + [got["message"], {"role": "tool", "tool_call_id": calls[0]["id"], "content": "sunny"}]
    s.post("/v1/chat/completions", ask | {"messages": told, "max_tokens": 4})
    any_of = s.post("/v1/chat/completions", ask | {"tool_choice": "required"})["choices"][0]["message"]["tool_calls"]
    check(len(any_of) == 1 and any_of[0]["function"]["name"] in ("get_weather", "stop"), f"{name}: {any_of}")
    off, none = (s.post("/v1/chat/completions", b | {"max_tokens": 8})["choices"][0] for b in (ask | {"tool_choice": "none"}, {"messages": ASK, "temperature": 0}))
    check(off["message"] == none["message"], f"{name}: tools that are off are not shown: {off} {none}")


def lines_of(bodies, *more, code=0):
    put("lines.jsonl", "".join(json.dumps({"custom_id": str(i), "method": "POST", "url": "/v1/chat/completions", "body": b}) + "\n" for i, b in enumerate(bodies)))
    return [json.loads(x)["response"] for x in run("run", "t.roma", "--jsonl", "lines.jsonl", *more, code=code).splitlines()]


def put(name, text):
    with open(name, "w") as f:
        f.write(text)


def built_in():
    """Templates that know no tools: one of the model's, one by name, one without a system message."""
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": {  # short: the tiny model's context is 512 tokens
        "type": "object", "required": ["place", "days"], "properties": {"place": {"enum": ["Oslo", "Rome"]}, "days": {"enum": [1, 2]}}}}}]
    flat = [{"type": "function", **tools[0]["function"]}]
    put("form.jinja", NONE["no calls"].replace("{% if tools %}", "{% if false %}"))
    put("gemma.jinja", "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n")
    for name in ("form.jinja", "chatml", "gemma.jinja", "mistral-v0.1"):
        with Server("t.roma", "--template", name) as s:
            chat(s, name, tools)
            r = s.post("/v1/responses", {"input": "Weather?", "tools": flat, "tool_choice": "required", "parallel_tool_calls": False})
            check(r["output"][0]["type"] == "function_call" and is_weather(r["output"][0]["arguments"]), f"{name}: {r['output']}")
            told = [{"role": "user", "content": "Weather?"}, r["output"][0], {"type": "function_call_output", "call_id": r["output"][0]["call_id"], "output": "sunny"}]
            check(s.post("/v1/responses", {"input": told, "tools": flat, "max_output_tokens": 3})["status"] in ("completed", "incomplete"), f"{name}: items of calls")
            messages = [*ASK, {"role": "assistant", "tool_calls": [{"function": {"name": "get_weather", "arguments": {"place": "Oslo", "days": 3}}}]}, {"role": "tool", "tool_name": "get_weather", "content": "sunny"}]
            o = s.post("/api/chat", {"model": "t", "messages": messages, "tools": tools, "stream": False, "options": {"num_predict": 3}})
            check(o["done"] and "tools" in s.post("/api/show", {"model": "t"})["capabilities"], f"{name}: ollama's {o}")
            check(s.get("/v1/models")["data"][0]["tool_calls"] == "built-in", f"{name}: the models say so")
            # Shown, the tools are part of the prompt, and so are calls and results: each at its place.
            count = lambda **more: s.post("/v1/chat/completions", {"messages": ASK, "max_tokens": 1, "temperature": 0} | more)["usage"]["prompt_tokens"]
            check(count(tools=tools) > count() + 60 and count(tools=tools, tool_choice="none") == count(), f"{name}: what is shown")
            bad = s.post("/v1/chat/completions", {"messages": [{"role": "system", "content": "x"}], "tools": tools}, 400) if name == "gemma.jinja" else None
            check(bad is None or "first message" in bad["error"]["message"], f"{name}: {bad}")
        # The same of lines, and of one prompt; the ids are the server's.
        body = CHAT | {"tools": tools, "tool_choice": NAMED}
        a, = lines_of([body], "--template", name)
        c = a["body"]["choices"][0]
        check(c["finish_reason"] == "tool_calls" and is_weather(c["message"]["tool_calls"][0]["function"]["arguments"]), f"{name}: --jsonl: {c}")
    put("tools.json", json.dumps(tools))
    ids = lambda *more: json.loads(run("run", "t.roma", "-p", "Weather?", "-n", "2", "--json", "--template", "form.jinja", *more))["prompt_tokens"]
    check(ids("--tools", "tools.json") > ids() + 60, "roma run --tools tells of tools")


def choices():
    """tool_choice and parallel_tool_calls of lines: done or refused, as in the server."""
    put("form.jinja", FORMS["hermes"][0])
    same = CHAT | {"temperature": 1.2, "seed": 3, "parallel_tool_calls": True}
    bodies = [same | {"tool_choice": c} for c in ("required", NAMED, "none", "auto")] + [same | {"tool_choice": "required", "parallel_tool_calls": False}, {k: v for k, v in same.items() if k != "tools"}]
    lines = [x["body"] for x in lines_of(bodies, "--template", "form.jinja")]
    with Server("t.roma", "--template", "form.jinja") as s:
        for b, line in zip(bodies, lines):
            want, got = s.post("/v1/chat/completions", b)["choices"][0], line["choices"][0]
            calls = lambda c: [x["function"] for x in c["message"].get("tool_calls", [])]
            check(calls(got) == calls(want) and got["message"]["content"] == want["message"]["content"] and got["finish_reason"] == want["finish_reason"], f"{b['tool_choice'] if 'tool_choice' in b else ''}: {got} {want}")
    check(len(lines[0]["choices"][0]["message"]["tool_calls"]) and lines[2]["choices"][0]["message"] == lines[5]["choices"][0]["message"], "required calls, and none is as without tools")
    bad = [CHAT | {"tool_choice": "any"}, CHAT | {"tool_choice": {"type": "function", "function": {"name": "x"}}}, {"messages": ASK, "tool_choice": "required"}, CHAT | {"parallel_tool_calls": 1},
           CHAT | {"tool_choice": "required", "response_format": {"type": "json_object"}}, {"prompt": "a", "tool_choice": "required"}, {"prompt": "a", "tools": TOOLS}]
    said = ("tool_choice is", "no tool's", "there are no tools", "must be true or false", "another form too", "there are no tools", "need a chat template")
    for r, text in zip(lines_of(bad, "--template", "form.jinja", code=2), said, strict=True):
        check(r["status_code"] == 400 and text in r["body"]["error"]["message"], f"{text}: {r}")


def main():
    run("build", TINY, "-o", "t.roma")
    built_in()
    choices()
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
        put("line.jsonl", json.dumps(line))
        m = json.loads(run("run", "t.roma", "--jsonl", "line.jsonl", "--template", "form.jinja"))["response"]["body"]["choices"][0]["message"]
        check(m["content"] == 3 * "<|im_start|>" and "tool_calls" not in m, f"--jsonl: {m}")
        check(silent["text"] == "" and silent["token_ids"] == 3 * [mark], f"elsewhere it has no text: {silent}")
    # Reasoning: a template that opens it in the prompt.
    put("form.jinja", template("{{ m.content }}", reply="<|im_start|>assistant\n<think>\n"))
    with Server("t.roma", "--template", "form.jinja") as s:
        m = s.post("/v1/chat/completions", {"messages": STORY, "max_tokens": 6, "temperature": 0})["choices"][0]["message"]
        check(m["content"] == "" and m["reasoning_content"], f"an answer that is cut within reasoning: {m}")
        r = s.post("/v1/responses", {"input": STORY[0]["content"], "max_output_tokens": 6, "temperature": 0, "include": ["message.output_text.logprobs"]})
        check(r["usage"]["output_tokens"] == r["usage"]["output_tokens_details"]["reasoning_tokens"] == 6 and [o["type"] for o in r["output"]][0] == "reasoning", f"all of it is reasoning: {r}")
        check(all(p["logprobs"] == [] for o in r["output"] if o["type"] == "message" for p in o["content"]), f"and no text has probabilities: {r}")
        m = s.post("/v1/chat/completions", {"messages": STORY, "max_tokens": 30, "temperature": 0, "response_format": {"type": "json_object"}})["choices"][0]["message"]
        check(m["content"].startswith("{") and "reasoning_content" not in m, f"a form is content: {m}")
        streamed = s.events("/v1/chat/completions", {"messages": STORY, "max_tokens": 6, "temperature": 0})
        check("".join(e["choices"][0]["delta"].get("reasoning_content", "") for e in streamed), "reasoning is streamed as such")
    # Lines of --jsonl in OpenAI's form: parsed where they have tools. The tiny model calls nothing by itself.
    put("form.jinja", template("{{ m.content }}", reply="<|im_start|>assistant\n<think>\n"))
    body = {"messages": STORY, "max_tokens": 6, "temperature": 0}
    lines = [{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body | {"tools": [{"type": "function", "function": {"name": "stop"}}]}},
             {"custom_id": "b", "method": "POST", "url": "/v1/chat/completions", "body": body | {"tools": [{"type": "x"}]}}]
    put("lines.jsonl", "".join(json.dumps(x) + "\n" for x in lines))
    a, b = (json.loads(x)["response"] for x in run("run", "t.roma", "--jsonl", "lines.jsonl", "--template", "form.jinja", code=2).splitlines())
    check(a["body"]["choices"][0]["message"]["content"] == "" and a["body"]["choices"][0]["message"]["reasoning_content"]
          and a["body"]["usage"]["completion_tokens_details"]["reasoning_tokens"] == 6, f"--jsonl: {a}")
    check(b["status_code"] == 400 and "tools[0]" in b["body"]["error"]["message"], f"--jsonl: {b}")


if __name__ == "__main__":
    with own_folder():
        main()
    finish()
