#!/usr/bin/env python3
"""Texts drawn under 200 schemas, each token that may come as likely as any other: what ends by itself is JSON that
Python's jsonschema validates, what is cut says length. Schemas that are not supported, or that no text satisfies, are
refused with their path, in bounded time.

usage: check_schemas.py build/tests/constrain/constrain_lines [IMAGE]"""
import datetime
import ipaddress
import json
import random
import re
import sys
import time
import urllib.parse
import uuid

from jsonschema import Draft202012Validator, FormatChecker

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from lines import Lines, hexed  # noqa: E402

WORDS = ['ab', '":', '": ', '",', '", "', '"}', ' {"', '{"', "true", "false", "null", "hello", " wor", "é", "1234", "\n  ", "{}", "[]",
         "], ", '"name"', "}}", "0.5", "e-", "\\n", '\\"', "\\u00", "2024-", ":00Z", "😀", "ünd", ' "', "99"]

formats = FormatChecker(formats=())
HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))+")


def format_of_text(name):
    return lambda f: formats.checks(name, ValueError)(lambda v: not isinstance(v, str) or f(v))


@format_of_text("date")
def _(text):
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text)) and bool(datetime.date.fromisoformat(text))


@format_of_text("time")
def _(text):
    return bool(re.fullmatch(r"\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text)) and time_of(text)


@format_of_text("date-time")
def _(text):
    day, _, rest = text.partition("T")
    return bool(datetime.date.fromisoformat(day)) and time_of(rest)


def time_of(text):
    text = text.replace("Z", "+00:00")
    hours, _, zone = text.partition(text[-6])
    h, m, s = hours.split(":")
    return int(h) < 24 and int(m) < 60 and float(s) < 60 and int(zone[:2]) < 24 and int(zone[3:]) < 60


@format_of_text("uuid")
def _(text):
    return str(uuid.UUID(text)) == text


@format_of_text("ipv4")
def _(text):
    return bool(ipaddress.IPv4Address(text))


@format_of_text("hostname")
def _(text):
    return bool(HOST.fullmatch(text)) and len(text) < 254


@format_of_text("email")
def _(text):
    local, _, host = text.partition("@")
    return bool(re.fullmatch(r"[\w+-]+(\.[\w+-]+)*", local)) and len(local) <= 64 * 2 and bool(HOST.fullmatch(host))


@format_of_text("uri")
def _(text):
    u = urllib.parse.urlsplit(text)
    return u.scheme in ("http", "https") and bool(HOST.fullmatch(u.hostname)) and (u.port is None or 0 < u.port < 65536)


# ---- schemas


def obj(properties, required=None, **more):
    return {"type": "object", "properties": properties, "required": list(properties) if required is None else required,
            "additionalProperties": False, **more}


S, I, N, B, Z = {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}
LIST = {"$defs": {"node": obj({"value": I, "next": {"anyOf": [{"$ref": "#/$defs/node"}, Z]}})}, "$ref": "#/$defs/node"}
TREE = {"type": "object", "properties": {"name": S, "children": {"type": "array", "items": {"$ref": "#"}, "maxItems": 3}}, "required": ["name"]}
WRITTEN = [
    True, {}, S, I, N, B, Z, {"type": ["string", "null"]}, {"type": "object"}, {"type": "array"},
    obj({"name": S, "age": {"type": "integer", "minimum": 0, "maximum": 150}}),
    obj({"a": I, "b": S, "c": B}, ["b"]), obj({"a": I, "b": S, "c": B}, []), obj({"a": I, "b": S, "c": B}, ["c"]), obj({}, []),
    {"type": "object", "properties": {"a": I}, "additionalProperties": True},
    {"type": "object", "properties": {"a": I, "ab": S, "b": S}, "additionalProperties": {"type": "boolean"}},
    {"type": "object", "properties": {"a\"b": I, "é": S, "]": S, "-": Z, "": B}, "additionalProperties": Z},
    {"type": "object", "additionalProperties": {"type": "array", "items": I}},
    {"type": "object", "required": ["x", "y"]}, {"properties": {"a": S}, "required": ["a"]},
    {"type": "object", "properties": {"a": I}, "required": ["b"], "additionalProperties": N},
    {"type": "array", "items": N, "minItems": 2, "maxItems": 4}, {"type": "array", "items": S, "minItems": 1},
    {"type": "array", "maxItems": 0}, {"type": "array", "items": B, "maxItems": 1}, {"type": "array", "items": Z, "minItems": 3},
    {"type": "array", "prefixItems": [Z, B], "items": I, "minItems": 1}, {"type": "array", "prefixItems": [I, S], "items": False},
    {"type": "array", "prefixItems": [I, S, B], "minItems": 3}, {"type": "array", "prefixItems": [I, S], "items": Z, "maxItems": 1},
    {"type": "array", "prefixItems": [I], "items": S, "minItems": 3, "maxItems": 5},
    {"type": "string", "minLength": 3, "maxLength": 5}, {"type": "string", "maxLength": 0}, {"type": "string", "minLength": 40},
    {"type": "string", "maxLength": 100000}, {"type": "string", "minLength": 2000, "maxLength": 2000},
] + [{"type": "string", "format": f} for f in ("date", "time", "date-time", "uuid", "ipv4", "hostname", "email", "uri")] + [
    {"type": "string", "pattern": p} for p in (
        r"^[A-Z]{2}-\d{3,4}$", r"ab+c", r"^x\"\\y$", r"^(foo|bar)+$", r"^\w+@\w+\.com$", r"^[^aeiou\s]{1,5}$", r"^#[0-9a-fA-F]{6}$|^none$",
        r"^.{2,3}$", r"^a.*z$", r"^\s\S\d\D\w\W$", r"^[\"\\/\t-\r]+$", r"^(?:a|b(c|d)?){2}$", r"^é[à-ü]?$", r"end$", r"^start",
        r"^\(\d{3}\) \d{3}-\d{4}$", r"^[\w.+-]+?x{2,}$", r"^-?[^\d]$", r"", r"^$")
] + [
    {"enum": [1, "x", None, [1, {"a": 2}], {}, [], 1.5, True, "\"\\\n\x7f é"]}, {"const": {"a": [1, {"b": None}], "c": ""}}, {"const": "x"},
    {"type": "string", "enum": ["a", 1, "b"]}, {"type": "integer", "enum": [1, 2.0, 3.5]}, {"enum": ["red", "redder", "r"]},
    {"anyOf": [I, S]}, {"anyOf": [obj({"a": I}), obj({"a": S, "b": S}), {"type": "array", "items": I}]},
    {"oneOf": [I, S, B]}, {"oneOf": [obj({"k": {"const": "a"}}), obj({"k": {"const": "b"}, "z": I}), obj({"k": {"enum": ["c", "d"]}})]},
    {"oneOf": [{"enum": ["a", "b"]}, {"const": "c"}, Z]},
    {"allOf": [obj({"a": I})]}, {"allOf": [{"$ref": "#/$defs/x"}], "$defs": {"x": obj({"a": B})}},
    {"allOf": [{"type": "object", "properties": {"a": I}, "required": ["a"]}, {"properties": {"b": Z}}], "required": ["b"]},
    {"$ref": "#/definitions/a~1b", "definitions": {"a/b": S}}, LIST, TREE,
    {"title": "T", "description": "d", "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "x", "type": "boolean", "default": True,
     "examples": [False]},
    {"type": "number", "minimum": -1.5, "maximum": 2.25}, {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "number", "minimum": 0}, {"type": "number", "maximum": -3}, {"type": "number", "exclusiveMaximum": 0},
    {"type": "number", "exclusiveMinimum": 0.1, "maximum": 0.2}, {"type": "number", "minimum": 1e-3, "maximum": 1e3},
    {"type": "number", "minimum": 2.5, "maximum": 2.5}, {"type": "number", "minimum": 99.99, "maximum": 100.01},
    {"type": "number", "exclusiveMinimum": 9.999, "exclusiveMaximum": 10.001}, {"type": "number", "minimum": -0.05, "exclusiveMaximum": 0.05},
    {"type": "number", "minimum": 0, "maximum": 1.7976931348623157e308}, {"type": "number", "exclusiveMinimum": 1.05, "exclusiveMaximum": 1.06},
    {"type": "integer", "minimum": -17, "maximum": 123}, {"type": "integer", "minimum": 0, "maximum": 9223372036854775807},
    {"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "maximum": -1}, {"type": "integer", "minimum": 7, "maximum": 7},
    {"type": "integer", "minimum": 0.5, "maximum": 3.5}, {"type": "integer", "exclusiveMinimum": -1, "exclusiveMaximum": 1},
    {"type": "integer", "minimum": -1000, "maximum": -99}, {"type": "integer", "minimum": 98, "maximum": 10203},
    {"type": "integer", "minimum": 5, "exclusiveMinimum": 5, "maximum": 20, "exclusiveMaximum": 9},
    {"type": "integer", "multipleOf": 7}, {"type": "integer", "multipleOf": 7, "minimum": -20, "maximum": 20}, {"type": "number", "multipleOf": 5},
    {"type": "integer", "multipleOf": 64, "minimum": 0}, {"type": "integer", "multipleOf": 1}, {"type": "integer", "multipleOf": 250, "minimum": 1, "maximum": 99999},
    {"type": ["integer", "string", "null"], "minimum": 3, "maxLength": 4}, {"type": ["number", "integer"], "maximum": 10, "minimum": 9},
]

REFUSED = [
    ({"not": {}}, "#/not"), ({"type": "object", "propertes": {}}, "did you mean properties"), ({"type": "strin"}, "#/type"), ({"type": []}, "#/type"),
    ({"type": "array", "items": {"type": "array", "uniqueItems": True}}, "#/items/uniqueItems"), ([], "a schema is"), (False, "no text validates"),
    ({"type": "object", "properties": {"a/b": {"if": {}}}}, "#/properties/a~1b/if"), ({"type": "object", "patternProperties": {}}, "patternProperties"),
    ({"type": "integer", "minimum": 5, "maximum": 4}, "no number"), ({"type": "number", "exclusiveMinimum": 1, "maximum": 1}, "no number"),
    ({"type": "integer", "minimum": 0.2, "maximum": 0.8}, "no number"), ({"type": "integer", "multipleOf": 7, "minimum": 1, "maximum": 6}, "no number"),
    ({"type": "number", "multipleOf": 0.01}, "#/multipleOf"), ({"type": "integer", "multipleOf": 0}, "#/multipleOf"),
    ({"type": "string", "minLength": 3, "maxLength": 2}, "minLength"), ({"type": "string", "minLength": -1}, "#/minLength"),
    ({"type": "string", "maxLength": "3"}, "#/maxLength"), ({"type": "string", "minLength": 1.5}, "#/minLength"),
    ({"type": "string", "minimum": 3}, "#/minimum"), ({"minimum": 3, "minLength": 2}, "type is missing"),
    ({"type": "string", "format": "ipv6"}, "#/format"), ({"type": "string", "format": "date", "maxLength": 3}, "#/format"),
    ({"type": "array", "items": [S]}, "prefixItems"), ({"type": "array", "minItems": 3, "maxItems": 2}, "no array"),
    ({"type": "array", "prefixItems": [S], "items": False, "minItems": 2}, "no array"),
    ({"type": "object", "properties": {"a": S}, "required": ["b"], "additionalProperties": False}, "#/required/0"),
    ({"oneOf": [I, N]}, "#/oneOf/1"), ({"oneOf": [obj({"a": I}), obj({"a": I, "b": S})]}, "#/oneOf/1"), ({"oneOf": [{"const": 1}, {"const": 1.0}]}, "#/oneOf/1"),
    ({"oneOf": [{"type": "object", "properties": {"k": {"const": "a"}}}, {"type": "object", "properties": {"k": {"const": "b"}}}]}, "#/oneOf/1"),
    *[({"oneOf": [{"description": "any"}, t]}, "#/oneOf/1") for t in (S, I, N, B, Z, {"type": "array"}, {"type": "object"})],
    ({"oneOf": [{"enum": ["a"]}, S]}, "#/oneOf/1"), ({"oneOf": [S, {"const": "a"}]}, "#/oneOf/1"),
    ({"oneOf": [obj({"k": {"const": "a"}}), obj({"k": S})]}, "#/oneOf/1"), ({"oneOf": [obj({"k": S}), obj({"k": {"enum": ["a", 1]}})]}, "#/oneOf/1"),
    ({"anyOf": []}, "#/anyOf"), ({"anyOf": [S], "type": "string"}, "#/type"), ({"enum": []}, "#/enum"), ({"enum": [1], "type": "string"}, "#/enum"),
    ({"const": 1, "minimum": 0}, "#/minimum"), ({"allOf": [S, I]}, "same type"), ({"allOf": [{"minLength": 1}, {"minLength": 2}]}, "#/allOf/1/minLength"),
    ({"allOf": [obj({"a": I}), {"properties": {"b": I}}]}, "additionalProperties"), ({"allOf": [{"properties": {"b": I}}, {"properties": {"b": S}}]}, "another schema"),
    ({"$ref": "#"}, "leads to itself"), ({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, S]}}}, "leads to itself"),
    ({"allOf": [{"$ref": "#"}, S]}, "itself"), ({"$ref": "#/x"}, "#/$ref"), ({"$ref": "other.json"}, "#/$ref"), ({"$ref": 3}, "#/$ref"),
    ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "no text validates"),
    ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, "no text validates"),
    ({"type": "array", "items": {"type": "array", "items": {"type": "string", "minLength": 8000}, "minItems": 4000}, "minItems": 4000000}, "too"),
    ({"type": "string", "minLength": 9000}, "#/minLength"), ({"items": {"properties": {f"p{i}": S for i in range(101)}}}, "#/items: more than 100"),
] + [({"type": "string", "pattern": p}, "#/pattern") for p in (
    "(?=a)", "(?!a)", "(?<n>a)", r"\1", r"\bx", r"\p{L}", "a^", "$a", "(a$)", "(", ")", "[a", "[z-a]", "*a", "a{2,1}", "a{99999}", "a{x", r"\ud800", "a++",
    r"\q", "(" * 100 + ")" * 100)] + [({"type": "array", "items": {"type": "string", "pattern": "^(a|b)*a(a|b){20}$"}}, "#/items: the schema becomes too large")]


def random_schema(r, depth):
    k = r.random()
    if depth <= 0 or k < 0.35:
        return r.choice([S, I, N, B, Z, {"enum": ["a", "b", 3]}, {"type": "string", "maxLength": r.randint(0, 20)},
                         {"type": "integer", "minimum": r.randint(-5000, 10), "maximum": r.randint(10, 99999)},
                         {"type": "number", "minimum": r.randint(-999, 0) / 8, "exclusiveMaximum": r.randint(1, 9999) / 16},
                         {"type": "string", "format": "date"}, {"type": "string", "pattern": "^[a-c]{1,4}$"}])
    if k < 0.7:
        names = r.sample(["a", "b", "ab", "name", "é", "x y", "na"], r.randint(1, 5))
        s = {"type": "object", "properties": {n: random_schema(r, depth - 1) for n in names},
             "required": [n for n in names if r.random() < 0.5]}
        s["additionalProperties"] = r.choice([False, False, True, random_schema(r, depth - 1)])
        return s
    if k < 0.85:
        s = {"type": "array", "items": random_schema(r, depth - 1)}
        if r.random() < 0.5:
            s["minItems"] = r.randint(0, 3)
        if r.random() < 0.5:
            s["maxItems"] = s.get("minItems", 0) + r.randint(0, 3)
        if r.random() < 0.3:
            s["prefixItems"] = [random_schema(r, depth - 2) for _ in range(r.randint(1, 2))]
        return s
    return {"anyOf": [random_schema(r, depth - 1) for _ in range(r.randint(1, 3))]}


def all_schemas():
    """The 200 schemas."""
    r = random.Random(5)
    out = WRITTEN + [{"type": "object", "properties": {f"p{i}": S for i in range(100)}, "additionalProperties": I},
                     {"type": "object", "properties": {f"p{i}": I for i in range(300)}, "required": ["p250"]}]
    return out + [random_schema(r, 3) for _ in range(200 - len(out))]


def check(p, schema, counts, draws=12, most=400):
    answer = p.schema(json.dumps(schema, ensure_ascii=counts["schemas"] % 2 == 0))
    assert answer.startswith("ok"), (schema, answer)
    counts["schemas"] += 1
    validator = Draft202012Validator(schema, format_checker=formats)
    ended = 0
    for seed in range(draws):
        # half of them end when they may, so that long ones come to an end too
        why, text, ids = p.sample(seed, most, 1 if seed % 2 else 6)
        assert why in ("eos", "length"), (schema, why, text)
        assert len(ids) <= most and (why == "eos" or len(ids) == most), (schema, why, len(ids))
        counts[why] += 1
        if why == "eos":
            ended += 1
            value = json.loads(text)
            errors = list(validator.iter_errors(value))
            assert not errors, (schema, text, errors[0].message)
    counts["never"] += not ended


def hostile(p):
    """Texts that must be refused, or taken, quickly."""
    deep = "[" * 30000
    chain = {"$defs": {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}, S]} for i in range(500)}, "$ref": "#/$defs/d0"}
    chain["$defs"]["d500"] = I
    wide = obj({f"property_{i}": {"type": "string", "maxLength": 100} for i in range(700)}, [])
    enum = {"enum": [f"{i:05}" for i in range(6000)]}
    doubled = {"$defs": {f"d{i}": obj({"a": {"$ref": f"#/$defs/d{i + 1}"}, "b": {"$ref": f"#/$defs/d{i + 1}"}}) for i in range(50)}, "$ref": "#/$defs/d0"}
    doubled["$defs"]["d50"] = I
    slowest = 0
    for text in (deep, "{" * 30000, '{"a":' * 20000, json.dumps(chain), json.dumps(wide), json.dumps(enum), json.dumps(doubled), "", "{", "nul", "\xff", "[1]",
                 json.dumps({"type": "string", "pattern": "(a|aa)*" * 2000 + "b"}), json.dumps({"type": "string", "pattern": "(.*x){1,40}$"}),
                 json.dumps({"type": "string", "pattern": ("[a-z]*" * 500)}), '{"type":"object"}' + " " * 65536):
        began = time.monotonic()
        answer = p.ask("J " + hexed(text if isinstance(text, bytes) else text.encode()))
        if answer.startswith("ok"):
            p.sample(1, 60, 8)
        took = time.monotonic() - began
        slowest = max(slowest, took)
        assert took < 20, (took, text[:100])
    return slowest


def main():
    p = Lines(sys.argv[1])
    assert p.ask("V " + (sys.argv[2] if len(sys.argv) > 2 else " ".join(map(hexed, WORDS)))).startswith("ok")
    counts = {"schemas": 0, "eos": 0, "length": 0, "never": 0}
    for schema in all_schemas():
        check(p, schema, counts, 4 if len(str(schema)) > 9000 else 12)
    for schema, what in REFUSED:
        began = time.monotonic()
        answer = p.schema(json.dumps(schema))
        assert answer.startswith("no -1 ") or answer.startswith("no -3 "), (schema, answer)
        assert what in answer, (schema, what, answer)
        assert time.monotonic() - began < 10, schema
    slowest = hostile(p)
    assert counts["schemas"] == 200 and counts["length"] > 20 and counts["never"] < 10, counts
    print(f"{counts['schemas']} schemas: {counts['eos']} texts that end by themselves, all valid; {counts['length']} cut ones; "
          f"{len(REFUSED)} refused with their path; the slowest hostile one took {slowest:.2f} s")


if __name__ == "__main__":
    main()
