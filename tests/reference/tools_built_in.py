#!/usr/bin/env python3
"""usage: tools_built_in.py ROMA IMAGE [SETS]     jsonschema: pip, or Debian's python3-jsonschema

Calls through a chat template that knows no tools, such as SmolLM2's own: random sets of tools with random schemas, `tool_choice` required
and named, one call and several, sampled at temperature 0.7 to 1.3, one batch of --jsonl. Every answer that ends by itself must be nothing
but calls of the tools that were asked for, whose arguments python's jsonschema validates; one that its limit cuts must say `length`."""
import json
import os
import random
import subprocess
import sys
import tempfile

import jsonschema

WORDS = "place city unit days amount currency date title body level colour limit count tags mode when query page name value".split()


def schema(r, depth=0):
    kind = r.choice(["string", "enum", "integer", "number", "boolean", "array", "object"] if depth < 2 else ["string", "enum", "integer", "boolean"])
    if kind == "string":
        return {"type": "string", "maxLength": r.randint(1, 24)}
    if kind == "enum":
        return {"enum": r.sample(["celsius", "low", "high", 1, 2.5, None, True, "a b", "größe"], r.randint(1, 4))}
    if kind == "integer":
        return {"type": "integer", "minimum": r.randint(-9, 0), "maximum": r.randint(1, 500)}
    if kind == "array":
        return {"type": "array", "items": schema(r, depth + 1), "minItems": r.randint(0, 1), "maxItems": r.randint(1, 3)}
    return an_object(r, depth + 1) if kind == "object" else {"type": kind}


def an_object(r, depth=0):
    keys = r.sample(WORDS, r.randint(0 if depth else 1, 4))
    return {"type": "object", "properties": {k: schema(r, depth) for k in keys}, "required": r.sample(keys, r.randint(0, len(keys))), "additionalProperties": False}


def tools_of(r):
    names = r.sample(["get_weather", "send_mail", "search", "convert", "set_alarm", "play-music", "book_table", "translate"], r.randint(1, 5))
    return [{"type": "function", "function": {"name": n, "description": f"Does {n}.", "parameters": an_object(r)}} for n in names]


def main():
    roma, image, sets = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 20
    r = random.Random(1)
    asked = []
    for i in range(sets):
        tools = tools_of(r)
        for seed in range(3):
            named = r.choice(tools)["function"]["name"] if seed == 2 else None
            asked.append({"messages": [{"role": "user", "content": r.choice(["What is the weather in Oslo?", "Wake me at seven.", "Write to Ada.", "Hm."])}], "tools": tools,
                          "tool_choice": {"type": "function", "function": {"name": named}} if named else "required", "parallel_tool_calls": seed == 1,
                          "max_tokens": 400, "temperature": r.choice([0.7, 1.0, 1.3]), "seed": i * 10 + seed})
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        for i, body in enumerate(asked):
            f.write(json.dumps({"custom_id": str(i), "method": "POST", "url": "/v1/chat/completions", "body": body}) + "\n")
        f.flush()
        out = subprocess.run([roma, "run", image, "--jsonl", f.name, "--batch", "8"], stdout=subprocess.PIPE, check=True, text=True).stdout
    whole = calls = cut = 0
    for body, line in zip(asked, out.splitlines(), strict=True):
        choice = json.loads(line)["response"]["body"]["choices"][0]
        m, reason = choice["message"], choice["finish_reason"]
        if reason == "length":
            cut += 1
            continue
        by_name = {t["function"]["name"]: t["function"]["parameters"] for t in body["tools"]}
        names = set(by_name) if body["tool_choice"] == "required" else {body["tool_choice"]["function"]["name"]}
        assert reason == "tool_calls" and m["content"] is None and m["tool_calls"], m
        assert body["parallel_tool_calls"] or len(m["tool_calls"]) == 1, m
        for c in m["tool_calls"]:
            assert c["function"]["name"] in names, m
            jsonschema.validate(json.loads(c["function"]["arguments"]), by_name[c["function"]["name"]])
        whole += 1
        calls += len(m["tool_calls"])
    print(f"{os.path.basename(image)}: {len(asked)} answers over {sets} sets of tools, {whole} whole with {calls} calls, all valid; {cut} cut by their limit")
    assert whole > len(asked) // 2


main()
