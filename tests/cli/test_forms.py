#!/usr/bin/env python3
"""Answers of `roma run` that keep to a form: --json-schema, --grammar, and the keys of --jsonl.

usage: test_forms.py build/roma"""
import json
import os
import random
import subprocess
import sys
import tempfile

from jsonschema import Draft202012Validator

ROMA = sys.argv[1]
PERSON = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 30}, "kind": {"enum": ["cat", "dog", "bird"]},
                                           "age": {"type": "integer", "minimum": 0, "maximum": 30},
                                           "friends": {"type": "array", "items": {"$ref": "#"}, "maxItems": 2}},
          "required": ["name", "kind"], "additionalProperties": False}


def run(*words, code=0):
    p = subprocess.run([ROMA, "run", IMAGE, *words], capture_output=True)
    assert p.returncode == code, (words, p.returncode, p.stderr)
    return p.stdout, p.stderr.decode()


def file(name, text):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write(text if isinstance(text, str) else json.dumps(text))
    return path


def answers():
    schema, grammar = file("s.json", PERSON), file("g.gbnf", 'root ::= line{3,5}\nline ::= "- " [a-z ]{1,20} "\\n" # a list\n')
    valid = Draft202012Validator(PERSON)
    ends = {"eos": 0, "length": 0}
    for seed in range(8):
        ask = ["-p", "Tell me about a cat", "--json", "--temp", "1.2", "--seed", str(seed), "-n", "120"]
        out = json.loads(run(*ask, "--json-schema", schema)[0])
        ends[out["stop"]] += 1
        if out["stop"] == "eos":
            valid.validate(json.loads(out["text"]))
        else:
            assert len(out["ids"]) == 120
        assert out["ids"] == json.loads(run(*ask, "--json-schema", schema, "--spec", "off")[0])["ids"]
        if seed < 3:
            text = json.loads(run(*ask, "--grammar", grammar)[0])["text"].split("\n")
            assert text.pop() == "" and 3 <= len(text) <= 5 and all(t.startswith("- ") and 3 <= len(t) <= 22 for t in text), text
    assert ends["eos"], ends
    text, err = run("-p", "x", "--json-schema", schema, "-n", "4")
    assert "cut by -n 4" in err and text.startswith(b"{")
    return sum(ends.values())


def refusals():
    good = file("good.json", {})
    for name, text, what in (
            ("a.gbnf", 'root ::= "yes" | (\n', "a.gbnf: line 1: column 18: this bracket is not closed"),
            ("b.gbnf", 'root ::= item\n\nitem ::= "a" thing', "b.gbnf: line 3: column 14: there is no rule thing"),
            ("c.gbnf", 'root ::= root "a" | "b"', "c.gbnf: line 1: column 1: rule root begins with itself"),
            ("d.gbnf", 'item ::= "a"', "there is no rule root"), ("e.gbnf", "", "there is no rule root"),
            ("f.gbnf", "root ::= " + "(" * 60000, "brackets nest more than 64 deep"), ("g.gbnf", 'root ::= "a" root', "no text belongs"),
            ("h.gbnf", "root ::= [a-z]" + " " * 70000, "at most 65536"), ("i.gbnf", 'root ::= ("a" | "b")* "a" ("a" | "b"){25}', "too large"),
            ("a.json", '{"type": "object",\n "properties": {"a": {"not": {}}}}', "a.json: line 2: column 30: #/properties/a/not: the keyword not"),
            ("b.json", '{"type": "object"', "b.json: line 1: column 18: not valid JSON"), ("c.json", '{"type": "object", "type": 1}', "not valid JSON"),
            ("d.json", "[" * 5000, "nested more than 64 deep"), ("e.json", {"$ref": "#"}, "leads to itself")):
        flag = "--grammar" if name.endswith("gbnf") else "--json-schema"
        out, err = run("-p", "x", flag, file(name, text), code=2)
        assert what in err and err.count("\n") == 1 and not out, (name, err)
    assert "not both" in run("-p", "x", "--json-schema", good, "--grammar", good, code=2)[1]
    assert "no such file" in run("-p", "x", "--grammar", os.path.join(DIR, "none"), code=2)[1]


def lines():
    schema = {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 2, "maxItems": 3}
    wrapped = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": schema}}
    asks = [{"prompt": "hi", "grammar": 'root ::= "yes" | "no"'}, {"prompt": "hi", "response_format": wrapped},
            {"prompt": "hi", "response_format": {"type": "text"}, "n": 3}, {"prompt": "hi"}, {"prompt": "hi", "response_format": None, "grammar": None},
            {"prompt": "hi", "grammar": "root ::= x"}, {"prompt": "hi", "response_format": {"type": "xml"}},
            {"prompt": "hi", "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "nope"}}}},
            {"prompt": "hi", "response_format": {"type": "json_schema"}}, {"prompt": "hi", "response_format": {"type": "json_object", "schema": schema}},
            {"prompt": "hi", "response_format": {"type": "json_object"}, "grammar": 'root ::= "a"'}, {"prompt": "hi", "response_format": "text"},
            {"prompt": "hi", "response_format": {"type": "text", "strange": 1}},
            {"prompt": "hi", "response_format": {"type": "json_object"}, "n": 60, "temp": 1, "seed": 4}]
    body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 50, "response_format": wrapped}
    asks.append({"custom_id": "c", "method": "POST", "url": "/v1/chat/completions", "body": body})
    random.Random(1).shuffle(asks)
    out, err = run("--jsonl", file("a.jsonl", "\n".join(map(json.dumps, asks))), "--grammar", file("u.gbnf", 'root ::= "usual"'), code=2)
    said = [json.loads(x) for x in out.splitlines()]
    assert len(said) == len(asks) and "7 of 15 requests failed" in err, (err, said)
    for ask, got in zip(asks, said):
        form, grammar = ask.get("response_format"), ask.get("grammar")
        if "body" in ask:
            choice = got["response"]["body"]["choices"][0]
            assert choice["finish_reason"] == "stop"
            Draft202012Validator(schema).validate(json.loads(choice["message"]["content"]))
        elif grammar == 'root ::= "yes" | "no"':
            assert got["text"] in ("yes", "no") and got["stop"] == "eos"
        elif form in (wrapped, {"type": "json_object", "schema": schema}):
            Draft202012Validator(schema).validate(json.loads(got["text"]))
        elif form == {"type": "text"}:
            assert got["text"] != "usual" and got["stop"] in ("eos", "length")
        elif form == {"type": "json_object"} and not grammar:
            assert got["text"][0] == "{" and (got["stop"] == "length" or isinstance(json.loads(got["text"]), dict))
        elif form is None and grammar is None:
            assert got["text"] == "usual" and got["stop"] == "eos", got
        else:
            where = "grammar: " if grammar == "root ::= x" else ""
            assert "error" in got and "a.jsonl: line " in got["error"] and where in got["error"], got


with tempfile.TemporaryDirectory(prefix="roma-forms-") as DIR:
    IMAGE = os.path.join(DIR, "tiny.roma")
    subprocess.run([ROMA, "build", "models/tiny/tiny-q4.gguf", "-o", IMAGE], check=True, capture_output=True)
    n = answers()
    refusals()
    lines()
print(f"forms: {n} answers under a schema, valid where they end by themselves, the same with speculation; bad forms refused by place")
