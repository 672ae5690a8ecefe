#!/usr/bin/env python3
"""roma serve over sockets: protocols, errors, streams that equal their offline runs, adapters, keys, limits, ends. Standard
library only. usage: test_serve.py ROMA"""
import base64
import concurrent.futures
import http.client
import json
import math
import os
import re
import signal
import socket
import struct
import subprocess
import time

from shared import ROMA, TINY, TOP, check, finish, own_folder, run

USER = [{"role": "user", "content": "Tell me a story about a dog."}]
# An answer that does not end by itself, with as many bytes as there can be, so that no system buffers it whole.
LONG = {"messages": USER, "max_tokens": 480, "logit_bias": {"0": -100, "1": -100, "2": -100}, "logprobs": True, "top_logprobs": 20, "n": 4}


class Server:
    """A server on a free port; its lines of standard output are in .lines."""
    timeout = 30

    def __init__(self, *args):
        self.p = subprocess.Popen([ROMA, "serve", *map(str, args), "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = []
        while not self.lines or "listening" not in self.lines[-1]:
            line = self.p.stdout.readline()
            if not line:
                raise SystemExit("test_serve: the server did not start: " + self.p.stderr.read())
            self.lines.append(line.rstrip("\n"))
        self.port = int(re.search(r":(\d+)( |,|$)", self.lines[-1]).group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.p.poll() is None:
            self.p.terminate()
        check(self.p.wait(10) == 0, f"the server ends with 0, not {self.p.returncode}: {self.p.stderr.read()}")
        self.p.stdout.close()
        self.p.stderr.close()

    def ask(self, method, path, body=None, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body)
        c.request(method, path, data, headers)
        r = c.getresponse()
        text = r.read()
        c.close()
        return r, text

    def post(self, path, body, status=200, **headers):
        r, text = self.ask("POST", path, body, **headers)
        check(r.status == status, f"POST {path} {str(body)[:200]}: {r.status}, expected {status}: {text[:300]}")
        return json.loads(text)

    def get(self, path, status=200, **headers):
        r, text = self.ask("GET", path, **headers)
        check(r.status == status, f"GET {path}: {r.status}, expected {status}: {text[:300]}")
        return json.loads(text)

    def events(self, path, body, **headers):
        """Data of a stream's events, without the last one, which must be [DONE]."""
        r, text = self.ask("POST", path, body | {"stream": True}, **headers)
        check(r.status == 200 and r.getheader("Content-Type").startswith("text/event-stream"), f"{path}: {r.status} {text[:200]}")
        data = [e.split("data: ", 1)[1] for e in text.decode().split("\n\n") if e]
        if path != "/v1/responses":
            check(data and data[-1] == "[DONE]", f"{path}: the last event is {data[-1:]}")
            data.pop()
        return [json.loads(d) for d in data]


def metric(s, name):
    return float(re.search(rf"^roma_{name} (\S+)$", s.ask("GET", "/metrics")[1].decode(), re.M).group(1))


def chat(**more):
    return {"messages": USER, "max_tokens": 12, "return_token_ids": True} | more


def offline(**more):
    """What run --jsonl says of a request, and its ids."""
    with open("one.jsonl", "w") as f:
        f.write(json.dumps(more) + "\n")
    r = json.loads(run("run", "tiny.roma", "--jsonl", "one.jsonl"))
    return r["text"], r["ids"]


# ---- protocols ----

def test_chat(s):
    want, ids = offline(messages=USER, n=12)
    r = s.post("/v1/chat/completions", chat())
    c = r["choices"][0]
    check(r["object"] == "chat.completion" and c["message"] == {"role": "assistant", "content": want, "refusal": None}, f"{r}")
    check(c["token_ids"] == ids and c["finish_reason"] == "length", f"{c}")
    u = r["usage"]
    check(u["completion_tokens"] == 12 and u["total_tokens"] == u["prompt_tokens"] + 12, f"{u}")
    again = s.post("/v1/chat/completions", chat())["usage"]
    check(again["prompt_tokens_details"]["cached_tokens"] == u["prompt_tokens"] - 1, f"a prompt that was there: {again}")
    e = s.events("/v1/chat/completions", chat(stream_options={"include_usage": True}))
    check("".join(x["choices"][0]["delta"].get("content", "") for x in e if x["choices"]) == want, f"{e}")
    check(sum((x["choices"][0]["token_ids"] for x in e if x["choices"]), []) == ids, "a stream's ids")
    check(e[0]["choices"][0]["delta"]["role"] == "assistant" and e[-2]["choices"][0]["finish_reason"] == "length", f"{e}")
    check(e[-1]["choices"] == [] and e[-1]["usage"]["completion_tokens"] == 12 and e[0]["usage"] is None, f"{e[-1]}")
    check("usage" not in s.events("/v1/chat/completions", chat())[-1], "usage was not asked for")


def test_parts(s):
    """A content in parts is one text, a line each, to the server and to both forms of --jsonl."""
    part = lambda text: {"type": "text", "text": text}
    for content, text in (([part("Hi")], "Hi"), ([part("Hi"), part("Ho")], "Hi\nHo"), ([part("Hi"), part(""), {"text": "Ho", "type": "text", "cache_control": {}}], "Hi\n\nHo"), ([], "")):
        want, ids = offline(messages=[{"role": "user", "content": text}], n=12)
        messages = [{"role": "user", "content": content}]
        check(offline(messages=messages, n=12) == (want, ids), f"--jsonl: {content}")
        check(s.post("/v1/chat/completions", chat(messages=messages))["choices"][0]["token_ids"] == ids, f"the server: {content}")
        with open("one.jsonl", "w") as f:
            f.write(json.dumps({"custom_id": "a", "body": {"messages": messages, "max_tokens": 12, "temperature": 0}}) + "\n")
        said = json.loads(run("run", "tiny.roma", "--jsonl", "one.jsonl"))["response"]["body"]["choices"][0]["message"]["content"]
        check(said == want, f"--jsonl of OpenAI's form: {content}: {said!r} {want!r}")
    image = [{"role": "user", "content": [part("a"), {"type": "image_url", "image_url": {"url": "x"}}]}]
    check("no text" in s.post("/v1/chat/completions", chat(messages=image), 400)["error"]["message"], "an image")
    with open("one.jsonl", "w") as f:
        f.write(json.dumps({"messages": image}) + "\n")
    p = subprocess.run([ROMA, "run", "tiny.roma", "--jsonl", "one.jsonl"], capture_output=True, text=True)
    check("no text" in json.loads(p.stdout)["error"], p.stdout)


def test_turns(s):
    """An answer that the next request spells in other tokens: the cache serves all before the first of these, and the answer is the offline one."""
    whole = json.loads(run("tokenize", "tiny.roma", "day", "--json"))["ids"]
    ask = chat(messages=[{"role": "user", "content": "A pet?"}], grammar='root ::= "day"', logit_bias={str(i): -100 for i in whole}, temperature=0)
    r = s.post("/v1/chat/completions", ask)
    c, n = r["choices"][0], r["usage"]["prompt_tokens"]
    check(c["message"]["content"] == "day" and not set(c["token_ids"]) & set(whole), f"day in other tokens: {c} {whole}")
    told = ask["messages"] + [{"role": "assistant", "content": "day"}, {"role": "user", "content": "Why?"}]
    r = s.post("/v1/chat/completions", chat(messages=told))
    check(r["usage"]["prompt_tokens_details"]["cached_tokens"] == n, f"{n} tokens of the first prompt: {r['usage']}")
    check(r["choices"][0]["token_ids"] == offline(messages=told, n=12)[1], "the answer of its own ids")


def test_sampling(s):
    own = dict(messages=USER, n=12, temp=1.0, seed=7, top_p=0.9, top_k=40, min_p=0.01, presence_penalty=0.5, frequency_penalty=0.25, logit_bias={"20": 3})
    want = offline(**own)
    asked = chat(temperature=1.0, seed=7, top_p=0.9, top_k=40, min_p=0.01, presence_penalty=0.5, frequency_penalty=0.25, logit_bias={"20": 3})
    c = s.post("/v1/chat/completions", asked)["choices"][0]
    check((c["message"]["content"], c["token_ids"], c["seed"]) == (*want, 7), f"{c}, offline {want}")
    c = s.post("/v1/chat/completions", asked | {"n": 3})["choices"]
    check([(x["message"]["content"], x["token_ids"]) for x in c] == [want] + [offline(**own | {"seed": 7 + i}) for i in (1, 2)], "n answers, seeds one after the other")
    drawn = s.post("/v1/chat/completions", chat(temperature=1.0))["choices"][0]
    check(offline(messages=USER, n=12, temp=1.0, seed=drawn["seed"])[1] == drawn["token_ids"], "the seed that is told gives the answer")


def test_stop(s):
    whole = offline(messages=USER, n=60)[0]
    for stop in ([whole[20:23]], [whole[9:15], "zzz"], whole[5:6]):
        want = whole[:min(whole.find(x) for x in ([stop] if isinstance(stop, str) else stop) if x in whole)]
        r = s.post("/v1/chat/completions", chat(stop=stop, max_completion_tokens=60))["choices"][0]
        check(r["message"]["content"] == want and r["finish_reason"] == "stop", f"stop {stop}: {r}, expected {want!r}")
        e = s.events("/v1/chat/completions", chat(stop=stop, max_tokens=60))
        check("".join(x["choices"][0]["delta"].get("content", "") for x in e) == want, f"stop {stop} in a stream: {e}")


def test_logprobs(s):
    r = s.post("/v1/chat/completions", chat(logprobs=True, top_logprobs=3))["choices"][0]
    p = r["logprobs"]["content"]
    check("".join(x["token"] for x in p) == r["message"]["content"] and [x["id"] for x in p] == r["token_ids"], f"{p}")
    check(all(len(x["top_logprobs"]) == 3 and x["top_logprobs"][0]["logprob"] == x["logprob"] <= 0 for x in p), "greedy takes the likeliest")
    check(bytes(sum((x["bytes"] for x in p), [])).decode() == r["message"]["content"], "bytes")
    e = s.events("/v1/chat/completions", chat(logprobs=True, top_logprobs=3))
    check(sum((x["choices"][0]["logprobs"]["content"] for x in e), []) == p, "a stream's probabilities are the same")
    t = s.post("/v1/completions", {"prompt": "Once upon", "max_tokens": 6, "logprobs": 2})["choices"][0]
    l = t["logprobs"]
    check("".join(l["tokens"]) == t["text"] and len(l["token_logprobs"]) == len(l["top_logprobs"]) == len(l["text_offset"]) == 6, f"{l}")
    check(all(t["text"][o:o + len(x)] == x for o, x in zip(l["text_offset"], l["tokens"])), f"{l}")
    check(all(max(x.values()) == y for x, y in zip(l["top_logprobs"], l["token_logprobs"])), f"{l}")


def test_completions(s):
    want = [offline(prompt=p, raw=True, n=8) for p in ("Once upon", "The dog")]
    r = s.post("/v1/completions", {"prompt": ["Once upon", "The dog"], "max_tokens": 8, "return_token_ids": True})
    check([(c["text"], c["token_ids"]) for c in r["choices"]] == want and r["object"] == "text_completion", f"{r}")
    ids = [int(x) for x in run("tokenize", "tiny.roma", "Once upon", "--bos").split()]
    for prompt in (ids, [ids]):
        check(s.post("/v1/completions", {"prompt": prompt, "max_tokens": 8})["choices"][0]["text"] == want[0][0], f"ids {prompt}")
    e = s.events("/v1/completions", {"prompt": "Once upon", "max_tokens": 8, "n": 2})
    for k in (0, 1):
        check("".join(x["choices"][0]["text"] for x in e if x["choices"][0]["index"] == k) == want[0][0], f"stream {k}")


def test_forms(s):
    text = s.post("/v1/completions", {"prompt": "Yes or no?", "grammar": 'root ::= "yes" | "no"', "temperature": 2.0, "n": 8})["choices"]
    check({c["text"] for c in text} <= {"yes", "no"} and all(c["finish_reason"] == "stop" for c in text), f"{text}")
    for more in ({}, {"temperature": 1.5, "seed": 3}, {"model": "a"}):
        ask = chat(response_format={"type": "json_object"}, max_tokens=30) | more
        c = s.post("/v1/chat/completions", ask)["choices"][0]
        check(c["message"]["content"].startswith("{") and c["finish_reason"] in ("stop", "length"), f"{c}")
        e = s.events("/v1/chat/completions", ask)
        check("".join(x["choices"][0]["delta"].get("content", "") for x in e) == c["message"]["content"], "the same in a stream")
    for bad, param in (({"grammar": 'root ::= "a'}, "grammar"), ({"response_format": {"type": "json_schema"}}, "response_format"), ({"response_format": {"type": "xml"}}, "response_format"),
                       ({"grammar": "root ::= " + "(" * 60000}, "grammar")):
        check(s.post("/v1/chat/completions", chat(**bad), 400)["error"]["param"] == param, f"{str(bad)[:80]}")


def test_schemas(s):
    schema = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "minimum": 0, "maximum": 99}}, "required": ["name", "age"], "additionalProperties": False}
    ask = chat(max_tokens=200, response_format={"type": "json_schema", "json_schema": {"name": "dog", "strict": True, "schema": schema}})
    for more in ({}, {"temperature": 1.0, "seed": 3}, {"model": "a", "temperature": 1.5, "seed": 4}):
        c = s.post("/v1/chat/completions", ask | more)["choices"][0]
        dog = json.loads(c["message"]["content"])
        check(c["finish_reason"] == "stop" and set(dog) == {"name", "age"} and 0 <= dog["age"] <= 99 and len(dog["name"]) <= 12, f"{c}")
        e = s.events("/v1/chat/completions", ask | more)
        check("".join(x["choices"][0]["delta"].get("content", "") for x in e) == c["message"]["content"], "the same in a stream")
    text = s.post("/v1/completions", {"prompt": "Yes or no?", "grammar": 'root ::= "yes" | "no"', "temperature": 2.0, "n": 8})["choices"]
    check({c["text"] for c in text} <= {"yes", "no"}, f"{text}")
    r = s.post("/v1/responses", {"input": "A dog.", "text": {"format": {"type": "json_schema", "name": "dog", "schema": schema}}})
    check(set(json.loads(r["output"][0]["content"][0]["text"])) == {"name", "age"} and r["text"]["format"]["schema"] == schema, f"{r}")
    o = s.post("/api/chat", {"model": "tiny", "messages": USER, "format": schema, "stream": False})
    check(set(json.loads(o["message"]["content"])) == {"name", "age"}, f"{o}")
    o = s.post("/v1/chat/completions", ask | {"response_format": {"type": "json_object"}, "max_tokens": 20})["choices"][0]
    check(o["message"]["content"].startswith("{") and o["finish_reason"] in ("stop", "length"), f"{o}")
    for bad, param in (({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "lorry"}}}}, "response_format"), 
                       ({"response_format": {"type": "json_schema"}}, "response_format"), ({"response_format": {"type": "xml"}}, "response_format"), ({"grammar": "root ::= " + "(" * 60000}, "grammar")):
        check(s.post("/v1/chat/completions", chat(**bad), 400)["error"]["param"] == param, f"{str(bad)[:80]}")


TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string", "maxLength": 8}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
          "required": ["city", "days"], "additionalProperties": False}}}, {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}}]


def check_call(c, names):
    call = c["message"]["tool_calls"][0]
    args = json.loads(call["function"]["arguments"])
    check(call["type"] == "function" and call["id"] and call["function"]["name"] in names and c["finish_reason"] == "tool_calls", f"{c}")
    check(set(args) == ({"city", "days"} if call["function"]["name"] == "weather" else set()) and 1 <= args.get("days", 1) <= 9, f"{args}")
    return call


def test_tools():
    """A model of 0.7 million weights calls tools where the grammar holds it to that."""
    with Server("tiny.roma", "--template", TOP + "/tests/serve/hermes.jinja") as s:
        ask = chat(tools=TOOLS, max_tokens=200)
        for choice, names in (("required", {"weather", "clock"}), ({"type": "function", "function": {"name": "weather"}}, {"weather"}), ({"type": "function", "function": {"name": "clock"}}, {"clock"})):
            for more in ({}, {"temperature": 1.2, "seed": 1}, {"temperature": 1.5, "seed": 2, "parallel_tool_calls": False}):
                c = s.post("/v1/chat/completions", ask | {"tool_choice": choice} | more)["choices"][0]
                call = check_call(c, names)
                check(c["message"]["content"] is None, f"{c}")
                e = [x["choices"][0] for x in s.events("/v1/chat/completions", ask | {"tool_choice": choice} | more)]
                parts = [d["delta"]["tool_calls"][0] for d in e if "tool_calls" in d["delta"]]
                first = [p for p in parts if p["index"] == 0]
                check(first[0]["function"]["name"] == call["function"]["name"] and first[0]["id"] and "".join(p["function"]["arguments"] for p in first) == call["function"]["arguments"], f"{parts}")
                check(e[-1]["finish_reason"] == "tool_calls" and all(not d["delta"].get("content") for d in e), f"{e[-1]}")
        back = [*USER, {"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "tool_call_id": call["id"], "content": "12:00"}]
        check(s.post("/v1/chat/completions", chat(messages=back, tools=TOOLS))["choices"][0]["message"]["role"] == "assistant", "and gets their results")
        r = s.post("/v1/responses", {"input": "What time?", "tools": [{"type": "function", "name": "clock", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}], "tool_choice": "required"})
        check(r["output"][0]["type"] == "function_call" and r["output"][0]["name"] == "clock" and json.loads(r["output"][0]["arguments"]) == {}, f"{r['output']}")
        e = s.events("/v1/responses", {"input": "What time?", "tools": r["tools"], "tool_choice": "required"})
        kinds = [x["type"] for x in e]
        check("response.function_call_arguments.done" in kinds and e[-1]["response"]["output"][0]["name"] == "clock", f"{kinds}")
        o = s.post("/api/chat", {"model": "tiny", "messages": USER, "tools": TOOLS, "stream": False, "options": {"num_predict": 9}})
        check(o["done"], "ollama takes tools")
        for bad, param in (({"tools": [{}]}, "tools"), ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "none"}}}, "tool_choice"), ({"tool_choice": "required"}, "tool_choice"),
                           ({"tools": TOOLS, "tool_choice": "required", "grammar": 'root ::= "a"'}, "tool_choice"), ({"tools": TOOLS * 2}, "tools")):
            check(s.post("/v1/chat/completions", chat(**bad), 400)["error"]["param"] == param, f"{str(bad)[:80]}")
        check(s.post("/v1/chat/completions", chat(tools=TOOLS, tool_choice="none"))["choices"][0]["token_ids"] == s.post("/v1/chat/completions", chat())["choices"][0]["token_ids"], "tool_choice none shows no tools")
        for ask in (chat(max_tokens=60, grammar='root ::= "<think>" "hm" "</think>" "yes"'), ):
            r = s.post("/v1/chat/completions", ask | {"logprobs": True})
            c, texts = r["choices"][0]["message"], [p["token"] for p in r["choices"][0]["logprobs"]["content"]]
            thought = next(i + 1 for i in range(len(texts)) if "</think>" in "".join(texts[:i + 1]))
            check(r["usage"]["completion_tokens_details"] == {"reasoning_tokens": thought} and 0 < thought < len(texts), f"{r['usage']} of {texts}")
            check(c["reasoning_content"] == "hm" and c["content"] == "yes", f"{c}")
            e = [x["choices"][0]["delta"] for x in s.events("/v1/chat/completions", ask)]
            check("".join(d.get("reasoning_content", "") for d in e) == "hm" and "".join(d.get("content", "") for d in e) == "yes", f"{e}")
        o = s.post("/api/chat", {"model": "tiny", "messages": USER, "stream": False, "format": {"const": 5}})
        check(o["message"]["content"] == "5", f"{o}")


def test_messages(s):
    parts = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Who"}, {"type": "text", "text": "are you?"}]}]
    plain = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who\nare you?"}]
    check(s.post("/v1/chat/completions", chat(messages=parts))["choices"][0]["token_ids"] == offline(messages=plain, n=12)[1], "parts and developer")
    back = {"role": "assistant", "content": "Hi.", "refusal": None, "annotations": [], "audio": None, "function_call": None, "tool_calls": None}
    a = s.post("/v1/chat/completions", chat(messages=[USER[0], back, USER[0]]))
    check(a["choices"][0]["token_ids"] == offline(messages=[USER[0], {"role": "assistant", "content": "Hi."}, USER[0]], n=12)[1], "a message as clients give it back")


def test_responses(s):
    want = offline(messages=[{"role": "system", "content": "Be brief."}, *USER], n=12)[0]
    ask = {"model": "tiny", "input": USER[0]["content"], "instructions": "Be brief.", "max_output_tokens": 12}
    r = s.post("/v1/responses", ask)
    check(r["output"][0]["content"][0]["text"] == want and r["status"] == "incomplete" and r["incomplete_details"] == {"reason": "max_output_tokens"}, f"{r}")
    items = [{"role": "user", "content": [{"type": "input_text", "text": USER[0]["content"]}]}]
    check(s.post("/v1/responses", ask | {"input": items})["output"][0]["content"][0]["text"] == want, "items")
    e = s.events("/v1/responses", ask)
    kinds = [x["type"] for x in e]
    check(kinds[:4] == ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"], f"{kinds}")
    check(kinds[-4:] == ["response.output_text.done", "response.content_part.done", "response.output_item.done", "response.incomplete"], f"{kinds}")
    check("".join(x["delta"] for x in e if x["type"] == "response.output_text.delta") == want == e[-1]["response"]["output"][0]["content"][0]["text"], "texts")
    check([x["sequence_number"] for x in e] == list(range(len(e))), "numbers of events")
    r = s.post("/v1/responses", {"input": "Who are you?"})
    check(r["status"] == "completed" and r["usage"]["output_tokens"] > 0, f"{r}")
    s.post("/v1/responses", ask | {"previous_response_id": "resp_1"}, 400)
    # Probabilities: those of chat for the same tokens, in the whole, in the deltas one after the other, and at their end.
    probs = lambda part: [(p["token"], p["logprob"], [(t["token"], t["logprob"]) for t in p["top_logprobs"]]) for p in part["logprobs"]]
    asked = ask | {"include": ["message.output_text.logprobs"], "top_logprobs": 3}
    chats = s.post("/v1/chat/completions", chat(messages=[{"role": "system", "content": "Be brief."}, *USER], logprobs=True, top_logprobs=3))["choices"][0]
    told = [(p["token"], p["logprob"], [(t["token"], t["logprob"]) for t in p["top_logprobs"]]) for p in chats["logprobs"]["content"]]
    part = s.post("/v1/responses", asked)["output"][0]["content"][0]
    check(probs(part) == told and len(told) == 12 and len(told[0][2]) == 3, f"{part}")
    e = s.events("/v1/responses", asked)
    check(sum((probs(x) for x in e if x["type"] == "response.output_text.delta"), []) == told, "deltas have their tokens' probabilities")
    check(all(probs(x) == told for x in e if x["type"] == "response.output_text.done") and probs(e[-1]["response"]["output"][0]["content"][0]) == told, "and the end has all")
    check(r["output"][0]["content"][0]["logprobs"] == [] and r["usage"]["output_tokens_details"] == {"reasoning_tokens": 0}, f"{r}")
    check(s.post("/v1/responses", asked | {"tools": [{"type": "function", "name": "f"}]}, 400)["error"]["param"] == "include", "not beside tools")


def test_ollama(s):
    want = offline(messages=USER, n=12)[0]
    r = s.post("/api/chat", {"model": "tiny:latest", "messages": USER, "stream": False, "options": {"num_predict": 12, "num_ctx": 99}})
    check(r["message"] == {"role": "assistant", "content": want} and r["done"] and r["done_reason"] == "length" and r["eval_count"] == 12, f"{r}")
    _, text = s.ask("POST", "/api/chat", {"model": "tiny", "messages": USER, "options": {"num_predict": 12}})
    lines = [json.loads(x) for x in text.splitlines()]
    check("".join(x["message"]["content"] for x in lines) == want and [x["done"] for x in lines] == [False] * (len(lines) - 1) + [True], f"{lines}")
    r = s.post("/api/generate", {"model": "tiny", "prompt": USER[0]["content"], "stream": False, "options": {"num_predict": 12}})
    check(r["response"] == want, f"{r}")
    r = s.post("/api/generate", {"model": "tiny", "prompt": "Once upon", "raw": True, "stream": False, "options": {"num_predict": 8}})
    check(r["response"] == offline(prompt="Once upon", raw=True, n=8)[0], f"{r}")
    check([m["name"] for m in s.get("/api/tags")["models"]][0] == "tiny:latest" and "version" in s.get("/api/version"), "tags and version")
    check(s.post("/api/show", {"model": "tiny"})["details"]["family"] == "llama", "show")
    check(isinstance(s.post("/api/chat", {"model": "nobody", "messages": USER}, 404)["error"], str), "errors in ollama's shape")


def test_embeddings(s):
    texts = ["Once upon a time", "The dog", "Once upon a time"]
    r = s.post("/v1/embeddings", {"model": "tiny", "input": texts})
    rows = [d["embedding"] for d in r["data"]]
    check([d["index"] for d in r["data"]] == [0, 1, 2] and rows[0] == rows[2] != rows[1] and r["usage"]["prompt_tokens"] > 3, f"{r['usage']}")
    check(all(abs(math.fsum(x * x for x in v) - 1) < 1e-6 for v in rows), "of length 1")
    b = s.post("/v1/embeddings", {"model": "tiny", "input": texts, "encoding_format": "base64"})["data"][1]["embedding"]
    raw = base64.b64decode(b)
    check(all(abs(x - y) <= 1e-8 for x, y in zip(struct.unpack(f"<{len(raw) // 4}f", raw), rows[1])) and len(raw) == 4 * len(rows[1]), "base64")
    check(s.post("/api/embed", {"model": "tiny", "input": "The dog"})["embeddings"] == [rows[1]], "ollama's")
    # PyTorch's, of transformers on the same weights (tests/reference/embeddings.py).
    with open(os.path.join(TOP, "tests", "reference", "results", "embeddings_tiny.json")) as f:
        reference = json.load(f)
    rows = [d["embedding"] for d in s.post("/v1/embeddings", {"input": [r["ids"] for r in reference]})["data"]]
    near = [math.fsum(a * b for a, b in zip(v, r["vector"])) / math.sqrt(math.fsum(a * a for a in r["vector"])) for v, r in zip(rows, reference)]
    check(len(near) >= 20 and min(near) >= 0.999, f"cosines to transformers': {min(near)} of {len(near)}")
    many = s.post("/v1/embeddings", {"input": [f"Number {i % 7}" for i in range(100)]})["data"]
    check(len(many) == 100 and many[3]["embedding"] == many[10]["embedding"], "more inputs than places")
    # The mean of the final norm's rows, as the tap of `run` writes them.
    run("run", "tiny.roma", "--raw", "-p", "The dog", "-n", 1, "-q", "--trace-values", "values.jsonl", "--trace-full")


def test_models(s):
    m = s.get("/v1/models")
    check([x["id"] for x in m["data"]] == ["tiny", "a", "b"] and m["data"][1]["parent"] == "tiny", f"{m}")
    check(s.get("/v1/models/a")["id"] == "a" and s.get("/v1/models/c", 404)["error"]["code"] == "model_not_found", "one of them")


# ---- refusals ----

BAD = [
    ({"messages": USER, "model": "none"}, 404, "model", "does not exist"),
    ({"messages": USER, "stream": "true"}, 400, "stream", "must be true or false"),
    ({"messages": USER, "max_tokens": 0}, 400, "max_tokens", "from 1 to"),
    ({"messages": USER, "max_tokens": -5}, 400, "max_tokens", "whole number"),
    ({"messages": USER, "n": 10**12}, 400, "n", "1 to 16"),
    ({"messages": USER, "temperature": 1e9}, 400, "temperature", "temperature"),
    ({"messages": USER, "temperature": "hot"}, 400, "temperature", "must be a number"),
    ({"messages": USER, "top_logprobs": 3}, 400, "top_logprobs", "needs logprobs"),
    ({"messages": USER, "logprobs": True, "top_logprobs": 21}, 400, "top_logprobs", "at most 20"),
    ({"messages": USER, "stop": [""]}, 400, "stop", "stop text"),
    ({"messages": USER, "stop": ["x" * 600]}, 400, "stop", "512"),
    ({"messages": USER, "stop": ["x"] * 17}, 400, "stop", "too many"),
    ({"messages": USER, "logit_bias": {str(i): 1 for i in range(1025)}}, 400, "logit_bias", "1024"),
    ({"messages": USER, "tempreature": 1}, 400, "tempreature", "did you mean temperature"),
    ({"messages": USER, "store": True}, 400, "store", "nothing is stored"),
    ({"messages": USER, "reasoning_effort": "low"}, 400, "reasoning_effort", "chat_template_kwargs"),
    ({"messages": USER, "prompt": "x"}, 400, "prompt", "not of this route"),
    ({"messages": []}, 400, "messages", "empty"),
    ({}, 400, "messages", "missing"),
    ({"messages": [{"role": "robot", "content": "x"}]}, 400, "messages", "messages[0] has a role"),
    ({"messages": [{"role": "user"}]}, 400, "messages", "no content"),
    ({"messages": [{"role": "user", "content": 5}]}, 400, "messages", "no text"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, 400, "messages", "no text"),
    ({"messages": USER * 2049}, 400, "messages", "2048"),
    ({"messages": [{"role": "user", "content": "dog " * 2000}]}, 400, "messages", "maximum context length is 512 tokens"),
    ({"messages": USER, "lora": ["/etc/passwd"]}, 404, "lora", "no adapter of the name"),
    ({"messages": USER, "model": "../../etc/passwd"}, 404, "model", "does not exist"),
]


# Every setting that has a range or a kind, with values that lie beyond: the error names the setting, whatever comes behind it.
NUMBERS = {"temperature": (-0.1, 101), "top_p": (-0.1, 1.1), "min_p": (-1, 2), "repetition_penalty": (0, 11), "presence_penalty": (-2.1, 2.1), "frequency_penalty": (-3, 3)}
SETTINGS = {k: (*v, "x", True, [], 1e400) for k, v in NUMBERS.items()} | {
    "top_k": (-2, 1.5, "x", 1 << 25), "seed": (-2, 0.5, "x", 1 << 64), "max_tokens": (0, -1, 1.5, "x", 1 << 25), "max_completion_tokens": (0, -1, "x"), "n": (0, -1, 17, "x", 1.5),
    "stop": ("", [""], ["a", ""], 1, [1], ["x" * 513]), "logit_bias": ([], {"a": 1}, {"1": "x"}, {"1": 101}, {"-1": 0}, {"99999999": 1}), "stream": (1, "x"), "stream_options": (1, {"x": 1}),
    "logprobs": ("x", -1, 21), "lora": (1, [1], "a:1e30", "none:1")}
CHAT_ONLY = {"top_logprobs": (-1, 21, "x", 1.5), "response_format": (1, {"type": "x"}), "grammar": (1, "root ::= ("), "parallel_tool_calls": (1,), "chat_template_kwargs": (1,), "documents": (1,), "tools": (1, [1]),
             "tool_choice": ("x", 1), "return_token_ids": (1,), "store": (True, 1), "modalities": (["audio"],), "best_of": (2, 0)}
RESPONSE = {k: SETTINGS[k] for k in ("temperature", "top_p", "top_k", "min_p", "seed", "repetition_penalty", "stream", "lora")} | {
    "max_output_tokens": (0, -1, "x"), "top_logprobs": (-1, 21, 1), "include": (1, ["x"]), "tools": (1, [1]), "tool_choice": ("x",), "parallel_tool_calls": (1,), "instructions": (1,), "text": (1, {"x": 1}),
    "input": (1, []), "background": (True,), "truncation": ("auto",), "max_tool_calls": (1,), "reasoning": ({"effort": "low"},), "previous_response_id": ("x",)}


def test_params(s):
    for path, body, fields in (("/v1/chat/completions", {"messages": USER}, SETTINGS | CHAT_ONLY), ("/v1/completions", {"prompt": "x"}, SETTINGS),
                               ("/v1/responses", {"input": "x"}, RESPONSE), ("/v1/embeddings", {"input": "x"}, {"encoding_format": (1, "x"), "dimensions": (3,), "input": (1, {}), "lora": SETTINGS["lora"]})):
        for key, values in fields.items():
            for v in values:
                status = 404 if v == "none:1" else 400
                text = json.dumps({**body, key: v, "user": "u"}).replace("Infinity", "1e400")
                r, said = s.ask("POST", path, text.encode())
                check(r.status == status and json.loads(said)["error"]["param"] == key, f"{path} {key} = {v}: {r.status} {said[:200]}")


def test_refusals(s):
    for body, status, param, says in BAD:
        e = s.post("/v1/chat/completions", body, status)["error"]
        check(e["param"] == param and says in e["message"] and e["type"] == "invalid_request_error", f"{str(body)[:120]}: {e}")
    for text in (b"", b"{", b"[]", b'{"messages":[{"role":"user","content":"\xff\xfe"}]}', b"[" * 100000, b'{"a":' * 60000, b'{"n":1,"n":2}', b"nul", b"\xef\xbb\xbf{}"):
        r, body = s.ask("POST", "/v1/chat/completions", text)
        check(r.status == 400 and all(32 <= x < 127 for x in body), f"{text[:30]}: {r.status} {body[:200]}")
    for key, value in (("echo", True), ("suffix", "x"), ("best_of", 2), ("tools", [{}])):
        e = s.post("/v1/completions", {"prompt": "x", key: value}, 400)["error"]
        check(e["param"] == key, f"{key}: {e}")
    for path, key in (("/v1/completions", "prompt"), ("/v1/embeddings", "input")):
        for value in ("", [""], [], [[]], [999999], [-1], None, 5):
            e = s.post(path, {key: value}, 400)["error"]
            check(e["param"] == key, f"{path} {value}: {e}")
    s.post("/v1/completions", {"prompt": "x", "user": "u", "metadata": {"a": "b"}, "store": False, "service_tier": "auto", "max_tokens": 1})
    for method, path, status in (("GET", "/v1/nothing", 404), ("GET", "/v1/chat/completions", 405), ("POST", "/v1/messages", 404), ("POST", "/v1/rerank", 404), ("DELETE", "/v1/models", 405)):
        r, body = s.ask(method, path, b"{}" if method == "POST" else None)
        check(r.status == status and json.loads(body)["error"]["message"], f"{method} {path}: {r.status} {body[:100]}")
    check(s.ask("GET", "/v1/models", Host="evil.example")[0].status == 403 and s.ask("GET", "/health", Origin="http://evil.example")[0].status == 403, "foreign hosts and origins")
    check(s.get("/health")["status"] == "ok", "alive")


# ---- adapters ----

def test_adapters(s):
    base, a, b = (offline(messages=USER, n=12, lora=l)[1] for l in ([], ["a.lora.roma"], ["b.lora.roma"]))
    check(base != a != b, "adapters change the answer")
    for model, want in (("tiny", base), ("a", a), ("b", b)):
        check(s.post("/v1/chat/completions", chat(model=model))["choices"][0]["token_ids"] == want, f"model {model}")
    both = s.post("/v1/chat/completions", chat(lora=["a:0.5", "b"]))["choices"][0]["token_ids"]
    check(both == offline(messages=USER, n=12, lora=["a.lora.roma:0.5", "b.lora.roma"])[1], "two of them")
    check([x["id"] for x in s.get("/v1/adapters")["data"]] == ["a", "b"], "listed")
    for bad in ("../a", "/etc/passwd", ".hidden", "A", "x/y", "", "x" * 65, "link", "pipe", "none", "a%2fb", "c\0"):
        s.post("/v1/adapters", {"id": bad}, 400)
    s.post("/v1/adapters", {"id": "c", "path": "/etc/passwd"}, 400)
    check(s.post("/v1/adapters", {"id": "c"})["rank"] == 16, "loaded")
    s.post("/v1/adapters", {"id": "c"}, 409)
    c = s.post("/v1/chat/completions", chat(model="c"))["choices"][0]["token_ids"]
    check(c == offline(messages=USER, n=12, lora=["folder/c.lora.roma"])[1], "a loaded one answers")
    # One that is in use is refused, and stays.
    sock = slow(s, LONG | {"model": "c"})
    sock.recv(10)
    r, body = s.ask("DELETE", "/v1/adapters/c")
    check(r.status == 409 and b"adapter_in_use" in body, f"in use: {r.status} {body}")
    sock.close()
    for _ in range(100):
        r, body = s.ask("DELETE", "/v1/adapters/c")
        if r.status == 200:
            break
        time.sleep(0.05)
    check(r.status == 200 and json.loads(body)["deleted"], f"unloaded: {r.status} {body}")
    check(s.ask("DELETE", "/v1/adapters/c")[0].status == 404, "gone")
    s.post("/v1/chat/completions", chat(model="c"), 404)
    check(s.post("/v1/chat/completions", chat(model="a"))["choices"][0]["token_ids"] == a, "the others as before")


# ---- many at once, slow readers, those who leave ----

def slow(s, body):
    """A socket that asked for a stream, and has read nothing of it."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", s.port))
    data = json.dumps(body | {"stream": True}).encode()
    sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
    return sock


def test_streams(s):
    """8 streams over 3 models and many prompts: each equals its offline run."""
    kinds = [(m, f"Tell me about number {i}.", t) for m in ("tiny", "a", "b") for i in range(4) for t in (0, 0.8)]
    path = {"tiny": [], "a": ["a.lora.roma"], "b": ["b.lora.roma"]}
    with open("many.jsonl", "w") as f:
        for m, q, t in kinds:
            f.write(json.dumps({"messages": [{"role": "user", "content": q}], "n": 20, "temp": t, "seed": 5, "lora": path[m]}) + "\n")
    want = [json.loads(x) for x in run("run", "tiny.roma", "--jsonl", "many.jsonl").splitlines()]

    def one(i):
        m, q, t = kinds[i % len(kinds)]
        e = s.events("/v1/chat/completions", {"model": m, "messages": [{"role": "user", "content": q}], "max_tokens": 20, "temperature": t, "seed": 5, "return_token_ids": True})
        got = "".join(x["choices"][0]["delta"].get("content", "") for x in e), sum((x["choices"][0]["token_ids"] for x in e), [])
        w = want[i % len(kinds)]
        return got == (w["text"], w["ids"])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        right = sum(pool.map(one, range(4 * len(kinds))))
    check(right == 4 * len(kinds), f"{4 * len(kinds) - right} of {4 * len(kinds)} streams differ from their offline run")


def wait_idle(s, n=100):
    for _ in range(n):
        if metric(s, "slots_used") == 0:
            return True
        time.sleep(0.05)
    return False


def test_leaving(s):
    before = metric(s, "requests_cancelled_total")
    for i in range(20):
        sock = slow(s, LONG)
        if i % 2:
            sock.recv(100)
        time.sleep(0.002 * i)
        sock.close()
    check(wait_idle(s), "who leaves frees its place")
    check(metric(s, "requests_cancelled_total") > before, "and is counted")


def test_slow(s):
    """Who never reads is held, and others go on."""
    want = offline(messages=USER, n=12)[1]
    socks = [slow(s, LONG | {"seed": i, "temperature": 1.0, "n": 1}) for i in range(12)]
    for _ in range(400):
        if metric(s, "held") == 12:
            break
        time.sleep(0.05)
    check(metric(s, "held") == 12, "slow readers' requests are held, more of them than can run at once")
    check(s.post("/v1/chat/completions", chat())["choices"][0]["token_ids"] == want, "others go on")
    alone = "".join(x["choices"][0]["delta"].get("content", "") for x in s.events("/v1/chat/completions", LONG | {"seed": 0, "temperature": 1.0, "n": 1}))
    text = b""
    while b"[DONE]" not in text:
        more = socks[0].recv(65536)
        check(more != b"", "the held stream goes on")
        if not more:
            break
        text += more
    lines = [json.loads(x[6:]) for x in text.split(b"\n") if x.strip().startswith(b"data: {")]
    check("".join(x["choices"][0]["delta"].get("content", "") for x in lines) == alone, "an answer that was held is the same")
    for k in socks:
        k.close()
    check(wait_idle(s), "and all are gone")


def test_full():
    with Server("tiny.roma", "--parallel", 1, "--queue", 1) as s:
        socks = [slow(s, LONG | {"n": 1}) for _ in range(6)]
        time.sleep(0.3)
        r, body = s.ask("POST", "/v1/chat/completions", chat())
        check(r.status == 429 and r.getheader("Retry-After") and json.loads(body)["error"]["type"] == "rate_limit_error", f"a full queue: {r.status} {body}")
        check(s.get("/health")["status"] == "ok", "health answers")
        for k in socks:
            k.close()
        check(wait_idle(s), "and it empties")
        s.post("/v1/chat/completions", chat())


def test_ending():
    for sig in (signal.SIGTERM, signal.SIGINT):
        with Server("tiny.roma") as s:
            sock = slow(s, LONG)
            sock.recv(200)
            s.p.send_signal(sig)
            began = time.monotonic()
            text = b""
            while more := sock.recv(65536):
                text += more
            check(s.p.wait(5) == 0 and time.monotonic() - began < 2, f"ends in time: {time.monotonic() - began:.2f} s")
            check(text.endswith(b"0\r\n\r\n") and (b"shutting_down" in text or b"[DONE]" in text), f"a last event: {text[-200:]}")


def test_ending_busy():
    """What the worker has not come to when the server ends goes with it: nothing of it is left in the heap, which close looks at."""
    with Server("tiny.roma") as s:
        body = json.dumps({"model": "tiny", "prompt": "a dog and " * 100000}).encode()
        waiting = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(16)]
        for c in waiting:
            c.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        time.sleep(0.3)  # by now some are with the worker, and others wait for it
        for c in waiting[::2]:
            c.close()
        s.p.send_signal(signal.SIGTERM)
        check(s.p.wait(10) == 0, f"ends with {s.p.returncode}")
        for c in waiting[1::2]:
            c.close()


def test_keys():
    with open("keys", "w") as f:
        f.write("# ours\nsecret-one\nsecret-two\r\n")
    with Server("tiny.roma", "--api-key-file", "keys") as s:
        for key in (None, "Bearer secret", "Bearer secret-one2", "secret-one", "Bearer ", "Basic secret-one"):
            r, body = s.ask("GET", "/v1/models", **({"Authorization": key} if key else {}))
            check(r.status == 401 and json.loads(body)["error"]["code"] == "invalid_api_key", f"{key}: {r.status}")
        for key in ("Bearer secret-one", "Bearer secret-two"):
            s.get("/v1/models", Authorization=key)
        check(s.get("/health")["status"] == "ok", "health needs no key")


def test_arguments():
    for args, say in ((["--lora", "a.lora.roma"], "NAME=FILE"), (["--lora", "A=a.lora.roma"], "NAME=FILE"), (["--port", 99999], "port"),
                      (["--lora", "tiny=a.lora.roma"], "two models"), (["--api-key-file", "empty"], "no key"), (["--host", "nowhere"], "nowhere"),
                      (["--lora", "x=none"], "none"), (["--name", "a/b"], "--name"), (["--parallel", 0], "parallel")):
        open("empty", "w").close()
        run("serve", "tiny.roma", *args, code=2, say=say)
    with Server("tiny.roma") as s:
        run("serve", "tiny.roma", "--port", s.port, code=3, say="is taken")


def test_heap(s):
    check(metric(s, "heap_outside_total") == 0, f"{metric(s, 'heap_outside_total')}: no call to the system's allocator since the start")
    check(metric(s, "heap_used_bytes") < 65536, f"{metric(s, 'heap_used_bytes')} bytes are left when nothing runs")
    check(s.get("/v1/chip")["totals"]["tokens"] > 0, "the chip's record")
    r, page = s.ask("GET", "/")
    check(r.status == 200 and b"<html" in page and s.ask("GET", "/", **{"If-None-Match": r.getheader("ETag")})[0].status == 304, "the page")


def main():
    run("build", TINY, "-o", "tiny.roma")
    os.mkdir("folder")
    for name, seed in (("a", 1), ("b", 2), ("folder/c", 3)):
        run("adapter", "build", "--random", seed, "--base", "tiny.roma", "-o", name + ".lora.roma")
    os.symlink(os.path.abspath("a.lora.roma"), "folder/link")
    os.mkfifo("folder/pipe")
    with Server("tiny.roma", "--lora", "a=a.lora.roma", "--lora", "b=b.lora.roma", "--lora-dir", "folder") as s:
        for test in (test_chat, test_parts, test_turns, test_sampling, test_stop, test_logprobs, test_completions, test_forms, test_schemas, test_messages, test_responses, test_ollama, test_embeddings,
                     test_models, test_params, test_refusals, test_adapters, test_streams, test_leaving, test_slow, test_heap):
            test(s)
    for test in (test_tools, test_full, test_ending, test_ending_busy, test_keys, test_arguments):
        test()


if __name__ == "__main__":
    with own_folder():
        main()
    finish()
