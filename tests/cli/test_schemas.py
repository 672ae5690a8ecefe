#!/usr/bin/env python3
"""The 200 schemas of tests/constrain/check_schemas.py through roma serve and a real model, sampled at several temperatures beside one another:
what stops by itself is JSON that Python's jsonschema validates, what is cut says length and has all its tokens.
usage: test_schemas.py ROMA [MODEL.gguf] [ANSWERS]      ANSWERS a schema (3)"""
import concurrent.futures
import json
import os
import sys

from shared import TINY, TOP, check, finish, own_folder, run
from test_serve import Server, metric

sys.path.insert(0, os.path.join(TOP, "tests", "constrain"))
from check_schemas import all_schemas, formats  # noqa: E402
from jsonschema import Draft202012Validator  # noqa: E402

MODEL = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else TINY
ANSWERS = int(sys.argv[3]) if len(sys.argv) > 3 else 3
MOST = 100


def answer(s, schema, seed):
    """How it ended; None: not as it should."""
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    ask = {"messages": [{"role": "user", "content": "Tell me about a dog, in JSON."}], "max_tokens": MOST, "temperature": (0.7, 1.5, 3)[seed % 3], "seed": seed, "response_format": form}
    r, text = s.ask("POST", "/v1/chat/completions", json.dumps(ask | {"return_token_ids": True}).encode())
    if r.status != 200:
        return check(False, f"{schema}: {r.status} {text[:300]}") or None
    choice = json.loads(text)["choices"][0]
    got, why = choice["message"]["content"], choice["finish_reason"]
    if why == "length":
        return check(len(choice["token_ids"]) == MOST, f"{schema}: cut after {len(choice['token_ids'])} tokens") and why
    errors = [e.message for e in Draft202012Validator(schema, format_checker=formats).iter_errors(json.loads(got))]
    return check(why == "stop" and not errors, f"{schema}: {why}: {got}: {errors[:1]}") and why


def main():
    Server.timeout = 600  # larger models, busy machines
    run("build", MODEL, "-o", "model.roma")
    schemas = all_schemas()
    check(len(schemas) == 200, f"{len(schemas)} schemas")
    with Server("model.roma", "--ctx", 512) as s, concurrent.futures.ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(lambda k: answer(s, schemas[k // ANSWERS], k), range(len(schemas) * ANSWERS)))
        tokens = metric(s, "answer_tokens_total")
    stopped, cut = ends.count("stop"), ends.count("length")
    ended = len({k // ANSWERS for k, e in enumerate(ends) if e == "stop"})
    check(ended > 120 and cut > 10, f"{ended} schemas with an answer that stops, {cut} cut answers")
    print(f"test_schemas: {len(schemas)} schemas, {len(ends)} answers of {tokens:.0f} tokens: {stopped} stop by themselves, all valid, of {ended} schemas; {cut} are cut and say so")


if __name__ == "__main__":
    with own_folder():
        main()
    finish()
