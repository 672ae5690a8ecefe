"""Random calls through a chat template and back: what tests/calls/test_forms.py and tests/reference/tool_calls.py share.

jinja2, set up as transformers has it, renders; build/tests/calls/call_lines finds the form and parses."""
import json
import os
import random
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "template"))
from reference import environment, expected  # noqa: E402

EOS = "<|end-of-turn|>"
ENDS = ["<|im_end|>", "</s>", "<|eot_id|>", "<|eom_id|>", "<｜end▁of▁sentence｜>", "<|end|>", "<|call|>"]
PIECES = ["a", "Zürich", "日本語 🎉", "{", "}", "[", "]", '"', "\\", "'", "\n", "\n\n", "\t", " ", "  ", "</", "<", ">", "/", "null", "true", "1", "{\"name\": \"x\"}",
          "`", "```json", "\u2028", "é", "\r\n", "&amp;", "%s", "{{ 1 }}", "{% raw %}", "\u0001", ":", ",", "=", "<tool", "_call>", "[ARGS", "</param", "<｜", "[TOOL"]
TYPES = ["string", "integer", "number", "boolean", "array", "object", "null"]


class Lines:
    """call_lines as a child."""

    def __init__(self, program):
        self.child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, kind, *texts):
        data = [(t if isinstance(t, str) else json.dumps(t, ensure_ascii=False)).encode() for t in texts]
        data += [b""] * (4 - len(data))
        self.child.stdin.write(f"{kind} {' '.join(str(len(d)) for d in data)}\n".encode() + b"".join(data))
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit(f"call_lines died: {self.child.wait()}\n{kind} {texts!r}")
        return json.loads(self.child.stdout.read(int(line)))


def text(r, plain=False):
    """plain: what tags can carry, which have no way to write their own end, and lose a line end beside it."""
    t = "".join(r.choice(PIECES) for _ in range(r.randrange(8)))
    return t.replace("<", "(").replace("\u0001", "") if plain else t


def value(r, kind, depth=2, plain=False):
    if kind == "string":
        return text(r, plain)
    if kind == "integer":
        return r.choice([0, -1, 7, 2**31, -2**53, r.randrange(10**6)])
    if kind == "number":
        return r.choice([0.5, -2.25, 1e-7, 1.5e300, 3.0, r.random()])
    if kind == "boolean":
        return r.random() < 0.5
    if kind == "null":
        return None
    n = r.randrange(3) if depth else 0
    if kind == "array":
        return [value(r, r.choice(TYPES), depth - 1, plain) for _ in range(n)]
    return {text(r, plain) + str(i): value(r, r.choice(TYPES), depth - 1, plain) for i in range(n)}


def tools(r, n):
    out = []
    for i in range(n):
        name = "".join(r.choice("abcXYZ019_-") for _ in range(r.choice([1, 5, 20, 58]))) + f"{i}"
        properties = {r.choice("abxyz_") + r.choice(["", "ey", "_1", "Name"]) + str(k): {"type": r.choice(TYPES), "description": "d"} for k in range(r.randrange(5))}
        out.append({"type": "function", "function": {"name": name, "description": text(r, True) + ".", "parameters": {
            "type": "object", "properties": properties, "required": [k for k in properties if r.random() < 0.5]}}})
    return out


def call(r, tool, i, plain):
    of = tool["function"]["parameters"]["properties"]
    arguments = {k: value(r, t["type"], 2, plain) for k, t in of.items() if r.random() < 0.8}
    return {"type": "function", "id": f"abc{i:06d}", "function": {"name": tool["function"]["name"], "arguments": arguments}}


def render(env, template, form, given, content, calls):
    """The assistant's answer: what the template writes from its turn's beginning to the end-of-text token. None: refused."""
    if form["text_arguments"]:
        calls = [dict(c, function=dict(c["function"], arguments=json.dumps(c["function"]["arguments"], ensure_ascii=False))) for c in calls]
    said = {"role": "assistant", "content": None if form["null_content"] and not content else content, "tool_calls": calls}
    ask = {"role": "user", "content": "Q?"}
    base = dict(tools=given, documents=None, bos_token="<s>", eos_token=EOS, add_generation_prompt=False)
    cut = ""
    kind, whole = expected(env, template, dict(base, messages=[ask, said]))
    if kind != "ok":
        return None
    _, other = expected(env, template, dict(base, messages=[ask, {"role": "assistant", "content": "\ue000"}]))
    at = other.index("\ue000")
    answer, tail = whole[len(os.path.commonprefix([whole, other[:at]])):], other[at + 1:]
    before = whole[:len(whole) - len(answer)]
    inside = re.search(r"[<\[][^>\]\s]*$", before)
    answer = (inside.group() if inside else "") + answer
    for end in (EOS, *ENDS):
        answer = answer.split(end)[0]
    while tail and answer and tail[-1] == answer[-1]:
        tail, answer, cut = tail[:-1], answer[:-1], answer[-1] + cut
    return answer + (re.match(r"[^>\s]*>?", cut).group() if re.search(r"<[^>\s]*$", answer) else "")


def same(a, b):
    """As JSON values: 1 is not true, nor 1.0."""
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


def rounds(lines, env, template, form, seed, n):
    """n random answers there and back: (tried, wrong, those whose content the template puts elsewhere)."""
    r, tried, apart, wrong = random.Random(seed), 0, 0, []
    for i in range(n):
        plain = form["kind"] == "tagged"
        given = tools(r, r.randrange(1, 4))
        calls = [call(r, r.choice(given), k, plain) for k in range(1 if not form["many"] else r.randrange(1, 4))]
        content = r.choice(["", "", "Let me see.", "Ä 日本\nand {so} on"])
        answer = render(env, template, form, given, content, calls)
        names = [c["function"]["name"] for c in calls]
        if answer is None or any(answer.count(name) < names.count(name) for name in names):
            continue  # some templates write no calls beside content, and one writes two at most
        tried += 1
        got = lines.ask("parse", given, answer)
        if not got.get("same") or not same(got["calls"], [c["function"] for c in calls]):
            wrong.append({"answer": answer, "want": calls, "got": got})
        apart += got.get("content", "").strip() not in ("", content)
    return tried, wrong, apart
