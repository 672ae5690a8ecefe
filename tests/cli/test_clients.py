#!/usr/bin/env python3
"""roma serve through the official clients: openai and ollama of Python, openai of npm (clients.mjs) where there is node. Run with the
Python of tools/server-clients.sh. usage: test_clients.py ROMA NODE_FOLDER"""
import asyncio
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import ollama
import openai
from openai import types
from pydantic import BaseModel, TypeAdapter

from shared import ROMA, TINY, TOP, check, finish, own_folder, run

USER = [{"role": "user", "content": "Tell me a story about a dog."}]


def raises(kind, status, code, what, call):
    try:
        call()
        check(False, f"{what}: no error")
    except kind as e:
        check(getattr(e, "status_code", status) == status and getattr(e, "code", code) == code, f"{what}: {e!r}")
    except Exception as e:  # noqa: BLE001: whatever else a client raises is what this test is about
        check(False, f"{what}: {e!r} instead of {kind.__name__}")


def chat(c, want):
    r = c.chat.completions.create(model="tiny", messages=USER, max_tokens=12)
    check(r.choices[0].message.content == want and r.choices[0].finish_reason == "length" and r.usage.completion_tokens == 12, f"{r}")
    pieces = list(c.chat.completions.create(model="tiny", messages=USER, max_completion_tokens=12, stream=True, stream_options={"include_usage": True}))
    check("".join(p.choices[0].delta.content or "" for p in pieces if p.choices) == want and pieces[-1].usage.completion_tokens == 12, f"{pieces[-1]}")
    with c.chat.completions.stream(model="tiny", messages=USER, max_tokens=200) as s:
        kinds = {e.type for e in s}
        final = s.get_final_completion().choices[0]
    check({"content.delta", "content.done"} <= kinds and final.message.content.startswith(want) and final.finish_reason == "stop", f"{kinds} {final}")
    r = c.chat.completions.create(model="tiny", messages=USER, max_tokens=40, stop=["dog"])
    check(r.choices[0].message.content == want.split("dog")[0] and r.choices[0].finish_reason == "stop", f"{r}")
    r = c.chat.completions.create(model="tiny", messages=USER, max_tokens=6, logprobs=True, top_logprobs=2, n=2, temperature=1, seed=5)
    check(len(r.choices) == 2 and all(len(t.top_logprobs) == 2 for t in r.choices[1].logprobs.content), f"{r.choices}")
    a = c.chat.completions.create(model="a", messages=USER, max_tokens=12)
    check(a.model == "a" and a.choices[0].message.content != want, f"{a}")
    r = c.completions.create(model="tiny", prompt=["Once upon", "The dog"], max_tokens=5, logprobs=1)
    check(len(r.choices) == 2 and len(r.choices[0].logprobs.tokens) == 5, f"{r}")


async def chat_async(port, want):
    c = openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none")
    got = await asyncio.gather(*(c.chat.completions.create(model="tiny", messages=USER, max_tokens=12) for _ in range(8)))
    check(all(r.choices[0].message.content == want for r in got), "eight at once")


def responses(c, want):
    r = c.responses.create(model="tiny", input=USER[0]["content"], max_output_tokens=12)
    check(r.output_text == want and r.status == "incomplete" and r.usage.output_tokens == 12, f"{r}")
    with c.responses.stream(model="tiny", input=USER, instructions="Be brief.") as s:
        kinds = [e.type for e in s]
        final = s.get_final_response()
    check(kinds[0] == "response.created" and kinds[-1] == "response.completed" and final.output_text, f"{kinds}")
    deltas = "".join(e.delta for e in c.responses.create(model="tiny", input=USER, max_output_tokens=12, stream=True) if e.type == "response.output_text.delta")
    check(deltas == want, f"{deltas!r}")


class Dog(BaseModel):
    name: str
    age: int


CLOCK = {"type": "object", "properties": {"zone": {"type": "string", "enum": ["UTC", "CET"]}}, "required": ["zone"], "additionalProperties": False}


def forms(c, port):
    """Schemas and tools: the server is one with a template that writes calls."""
    r = c.chat.completions.parse(model="tiny", messages=USER, response_format=Dog, max_tokens=300, temperature=1, seed=1)
    check(r.choices[0].finish_reason == "length" or isinstance(r.choices[0].message.parsed, Dog), f"{r}")
    tool = {"type": "function", "function": {"name": "clock", "parameters": CLOCK, "strict": True}}
    r = c.chat.completions.create(model="tiny", messages=USER, tools=[tool], tool_choice="required", parallel_tool_calls=False)
    call = r.choices[0].message.tool_calls[0]
    check(call.function.name == "clock" and '"zone"' in call.function.arguments and r.choices[0].finish_reason == "tool_calls", f"{r}")
    with c.chat.completions.stream(model="tiny", messages=USER, tools=[tool], tool_choice="required", parallel_tool_calls=False) as s:
        kinds = {e.type for e in s}
        final = s.get_final_completion().choices[0].message.tool_calls[0]
    check("tool_calls.function.arguments.done" in kinds and final.function.arguments == call.function.arguments, f"{kinds} {final}")
    back = [*USER, r.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "12:00"}]
    check(c.chat.completions.create(model="tiny", messages=back, tools=[tool], max_tokens=5).choices, "and takes its results")
    flat = {"type": "function", "name": "clock", "parameters": CLOCK, "strict": True}
    r = c.responses.create(model="tiny", input="What time is it?", tools=[flat], tool_choice="required", parallel_tool_calls=False)
    check(r.output[0].type == "function_call" and r.output[0].name == "clock", f"{r.output}")
    again = [{"role": "user", "content": "What time is it?"}, *r.output, {"type": "function_call_output", "call_id": r.output[0].call_id, "output": "12:00"}]
    check(c.responses.create(model="tiny", input=again, tools=[flat], max_output_tokens=5).output, "and takes its results")
    p = c.responses.parse(model="tiny", input=USER, text_format=Dog, max_output_tokens=300, temperature=1)
    check(p.status == "incomplete" or isinstance(p.output_parsed, Dog), f"{p}")
    o = ollama.Client(host=f"http://127.0.0.1:{port}")
    r = o.chat(model="tiny", messages=USER, format=Dog.model_json_schema(), options={"num_predict": 300})
    check(r.done_reason == "length" or Dog.model_validate_json(r.message.content), f"{r}")


def others(c):
    check([m.id for m in c.models.list()] == ["tiny", "a"] and c.models.retrieve("a").id == "a", "models")
    e = c.embeddings.create(model="tiny", input=["a dog", "a cat", "a dog"])
    f = c.embeddings.create(model="tiny", input="a cat", encoding_format="float")
    rows = [d.embedding for d in e.data]
    check(rows[0] == rows[2] != rows[1] and all(abs(x - y) < 1e-7 for x, y in zip(rows[1], f.data[0].embedding)), "embeddings, base64 and float")


def ask(port, path, body):
    """Status and text of a body as it stands, which the client might not send so."""
    q = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode())
    try:
        with urllib.request.urlopen(q, timeout=60) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


ROUTES = [("/v1/chat/completions", {"messages": USER, "max_tokens": 2}, lambda c: c.chat.completions.create),
          ("/v1/completions", {"prompt": "a", "max_tokens": 2}, lambda c: c.completions.create),
          ("/v1/responses", {"input": "a", "max_output_tokens": 2}, lambda c: c.responses.create),
          ("/v1/embeddings", {"input": "a"}, lambda c: c.embeddings.create)]
IGNORED = {"user", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "prediction"}


def every_name(c, port):
    """Each name that the client knows: null says nothing, and a value that it cannot have is refused by that name."""
    for path, body, create in ROUTES:
        names = [n for n in inspect.signature(create(c)).parameters if n not in ("extra_headers", "extra_query", "extra_body", "timeout")]
        check(len(names) >= 4, f"{path}: {names}")
        for n in names:
            status, text = ask(port, path, body | {n: None})
            check(status == (400 if n in body and not n.startswith("max") else 200), f"{path} {n} null: {status} {text}")
            status, text = ask(port, path, body | {n: {"zz": 1}})
            right = status == 400 and json.loads(text)["error"]["param"] == n
            check(right or (n in IGNORED and status == 200) or (n, path) == ("stream_options", "/v1/responses"), f"{path} {n}: {status} {text}")


TOOL = {"name": "clock", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}


def every_type(port):
    """Answers and events are what the client's own types say, each field of them."""
    def events(path, body):
        return [e[6:] for e in ask(port, path, body | {"stream": True})[1].split("\n") if e.startswith("data: {")]

    def hold(kind, texts):
        check(texts != [], "there are texts")
        for t in texts:
            TypeAdapter(kind).validate_json(t)

    for more in ({}, {"logprobs": True, "top_logprobs": 2, "n": 2}, {"tools": [{"type": "function", "function": TOOL}], "tool_choice": "required"}):
        body = {"messages": USER, "max_tokens": 60, "stream_options": {"include_usage": True}} | more
        hold(types.chat.ChatCompletion, [ask(port, ROUTES[0][0], body)[1]])
        hold(types.chat.ChatCompletionChunk, events(ROUTES[0][0], body))
    hold(types.Completion, [ask(port, ROUTES[1][0], {"prompt": ["a", "b"], "max_tokens": 5, "logprobs": 2})[1]])
    for more in ({}, {"max_output_tokens": 3, "instructions": "Be brief."}, {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
                 {"tools": [{"type": "function", "strict": True} | TOOL], "tool_choice": "required"}):
        body = {"input": "a", "max_output_tokens": 60} | more
        hold(types.responses.Response, [ask(port, ROUTES[2][0], body)[1]])
        hold(types.responses.ResponseStreamEvent, events(ROUTES[2][0], body))
    hold(types.CreateEmbeddingResponse, [ask(port, ROUTES[3][0], {"input": "a"})[1]])


def errors(c, port):
    raises(openai.NotFoundError, 404, "model_not_found", "a model that is not here", lambda: c.chat.completions.create(model="gpt-5", messages=USER))
    raises(openai.BadRequestError, 400, None, "a temperature", lambda: c.chat.completions.create(model="tiny", messages=USER, temperature=500))
    raises(openai.BadRequestError, 400, "context_length_exceeded", "a long prompt", lambda: c.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "dog " * 2000}]))
    raises(openai.BadRequestError, 400, None, "a key", lambda: c.chat.completions.create(model="tiny", messages=USER, extra_body={"tempreature": 1}))
    raises(openai.APIStatusError, 413, "request_too_large", "a body of five MiB", lambda: c.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "x" * (5 << 20)}]))
    raises(openai.NotFoundError, 404, "model_not_found", "embeddings", lambda: c.embeddings.create(model="x", input="a"))
    raises(openai.BadRequestError, 400, "unsupported", "responses", lambda: c.responses.create(model="tiny", input="a", previous_response_id="resp_1"))


def by_ollama(port, want):
    o = ollama.Client(host=f"http://127.0.0.1:{port}")
    check(o.chat(model="tiny", messages=USER, options={"num_predict": 12}).message.content == want, "ollama's chat")
    pieces = list(o.chat(model="tiny:latest", messages=USER, options={"num_predict": 12}, stream=True))
    check("".join(p.message.content for p in pieces) == want and pieces[-1].done and pieces[-1].eval_count == 12, f"{pieces[-1]}")
    check(o.generate(model="tiny", prompt=USER[0]["content"], options={"num_predict": 12}).response == want, "ollama's generate")
    check("".join(p.response for p in o.generate(model="tiny", prompt=USER[0]["content"], options={"num_predict": 12}, stream=True)) == want, "streamed")
    check([m.model for m in o.list().models] == ["tiny:latest", "a:latest"] and o.show("tiny").details.family == "llama", "ollama's tags and show")
    e = o.embed(model="tiny", input=["a dog", "a cat"]).embeddings
    check(len(e) == 2 and abs(sum(x * x for x in e[0]) - 1) < 1e-5, "ollama's embed")
    try:
        o.chat(model="none", messages=USER)
        check(False, "no error")
    except ollama.ResponseError as e:
        check(e.status_code == 404 and "does not exist" in e.error, f"{e}")


def by_npm(port, folder, want):
    if not shutil.which("node") or not os.path.isdir(folder):
        print("test_clients: skipped npm's client: there is no node")
        return
    shutil.copy(TOP + "/tests/cli/clients.mjs", folder)
    p = subprocess.run(["node", folder + "/clients.mjs", str(port), want], capture_output=True, text=True, timeout=120)
    check(p.returncode == 0 and p.stdout.strip().endswith("checks passed"), f"npm's client: {p.stdout}{p.stderr}")


def main():
    run("build", TINY, "-o", "tiny.roma")
    run("adapter", "build", "--random", 1, "--base", "tiny.roma", "-o", "a.lora.roma")
    want = run("run", "tiny.roma", "-p", USER[0]["content"], "-n", 12, "-q").removesuffix("\n")
    p = subprocess.Popen([ROMA, "serve", "tiny.roma", "--lora", "a=a.lora.roma", "--port", "0"], stdout=subprocess.PIPE, text=True)
    lines = [p.stdout.readline() for _ in range(3)]
    port = int(re.search(r":(\d+)( |$)", lines[-1]).group(1))
    c = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
    try:
        chat(c, want)
        asyncio.run(chat_async(port, want))
        responses(c, want)
        others(c)
        errors(c, port)
        every_name(c, port)
        every_type(port)
        by_ollama(port, want)
        by_npm(port, sys.argv[2], want)
    finally:
        p.terminate()
        check(p.wait(10) == 0, "the server ends")
    p = subprocess.Popen([ROMA, "serve", "tiny.roma", "--template", TOP + "/tests/serve/hermes.jinja", "--port", "0"], stdout=subprocess.PIPE, text=True)
    port = int(re.search(r":(\d+)( |$)", [p.stdout.readline() for _ in range(3)][-1]).group(1))
    forms(openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0), port)
    p.terminate()
    p.wait(10)
    with open("keys", "w") as f:
        f.write("secret\n")
    p = subprocess.Popen([ROMA, "serve", "tiny.roma", "--api-key-file", "keys", "--port", "0"], stdout=subprocess.PIPE, text=True)
    port = int(re.search(r":(\d+)[ ,]", [p.stdout.readline() for _ in range(3)][-1]).group(1))
    raises(openai.AuthenticationError, 401, "invalid_api_key", "a wrong key", lambda: openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0).models.list())
    check(openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="secret").models.list().data[0].id == "tiny", "the right key")
    p.terminate()
    p.wait(10)


with own_folder():
    main()
finish()
