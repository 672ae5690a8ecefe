"""The yardstick of chat templates: jinja2 as Hugging Face transformers 5.24 sets it up, and conversations to render.

What transformers does stands in its utils/chat_template_utils.py: an immutable sandbox, trim_blocks, lstrip_blocks, loop
controls, the tag `generation`, json.dumps without escaping of HTML as tojson, raise_exception, strftime_now, and a
namespace that takes no names with an underscore before them."""
import datetime
import json
import subprocess

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

DATE = "2026-02-03"


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


class Namespace(jinja2.utils.Namespace):
    def __init__(*args, **kwargs):
        self, args = args[0], args[1:]
        attrs = dict(*args, **kwargs)
        for name in attrs:
            Namespace.check(name)
        jinja2.utils.Namespace.__init__(self, attrs)

    def __setitem__(self, name, value):
        Namespace.check(name)
        jinja2.utils.Namespace.__setitem__(self, name, value)

    @staticmethod
    def check(name):
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError(name)


class Dict:
    def __call__(self, *args, **kwargs):
        return dict(*args, **kwargs)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda f: datetime.datetime.strptime(DATE, "%Y-%m-%d").strftime(f)
    env.globals["dict"] = Dict()
    env.globals["namespace"] = Namespace
    return env


def expected(env, template, variables):
    """("ok", text), ("error", what) of rendering or ("refused", what) of parsing."""
    try:
        t = env.from_string(template)
    except Exception as e:
        return "refused", repr(e)
    try:
        return "ok", t.render(**variables)
    except Exception as e:
        return "error", repr(e)


class Renderer:
    """tests/template/render_lines.c as a child."""

    def __init__(self, program):
        self.child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, template, variables, trusted=("bos_token", "eos_token", "unk_token", "pad_token")):
        """("ok", text, "10..."), ("error", what, "") or ("refused", what, "")."""
        text = template.encode()
        ask = [f"{DATE} {len(text)} {len(variables)}\n".encode(), text]
        for name, value in variables.items():
            kind, data = ("T", value.encode()) if name in trusted else ("j", json.dumps(value, ensure_ascii=False).encode())
            ask += [f"{name} {kind} {len(data)}\n".encode(), data]
        self.child.stdin.write(b"".join(ask))
        self.child.stdin.flush()
        line = self.child.stdout.readline().split()
        if len(line) != 2:
            raise SystemExit(f"the renderer died: {self.child.wait()}\n{template!r}\n{variables!r}")
        kind, n = line[0].decode(), int(line[1])
        out = self.child.stdout.read(n).decode()
        marks = self.child.stdout.read(n).decode() if kind == "ok" else ""
        return kind, out, marks


def message(role, content, **more):
    return {"role": role, "content": content, **more}


def call(name, arguments, id="abc123def"):
    return {"type": "function", "id": id, "function": {"name": name, "arguments": arguments}}


TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "Weather at a place, <b>now</b> & \"later\"", "parameters": {
            "type": "object", "required": ["place"], "properties": {
                "place": {"type": "string", "description": "Where; e.g. 'Zürich'"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
                "days": {"type": "integer", "minimum": 1, "nullable": True},
                "tags": {"type": "array", "items": {"type": "string"}},
                "more": {"type": "object", "properties": {"x": {"type": "number"}}}}},
        "return": {"type": "number", "description": "degrees"}}},
    {"type": "function", "function": {"name": "stop", "description": "Stops.", "parameters": {"type": "object", "properties": {}}}},
]
MARKERS = ("<|im_start|> <|im_end|> <|eot_id|> <|user|> <｜User｜> <think> </think> [INST] [/INST] <s> </s> <tool_call> </tool_call> "
           "<tool_response> <start_of_turn> <|end|> <<SYS>> {{ 7 * 7 }} {% raw %}")


def conversations():
    """name -> variables of a rendering."""
    five = [message("user", "One?"), message("assistant", "1."), message("user", "Two?"), message("assistant", "2."),
            message("user", "Three?")]
    tool_turn = [message("user", "Weather in Zürich?"),
                 message("assistant", "", tool_calls=[call("get_weather", {"place": "Zürich", "days": 2, "tags": ["a", "b"], "unit": None})]),
                 message("tool", '{"degrees": 21.5}', name="get_weather", tool_call_id="abc123def")]
    thought = [message("user", "Think."), message("assistant", "<think>\nHm.\n</think>\n\nDone.", reasoning_content="Hm."),
               message("user", "Again.")]
    base = {
        "user": [message("user", "Hello!")],
        "system": [message("system", "You are terse.\n"), message("user", " What is 2+2? ")],
        "empty": [message("user", "")],
        "none": [],
        "turns": five,
        "system and turns": [message("system", "Be kind.")] + five,
        "unicode": [message("system", "Ελληνικά — “quotes”"), message("user", "日本語 🎉 e\u0301 \u00a0 ﷽\u2028x"), message("assistant", "ß İ ΑΣ"),
                    message("user", "naïve\t\r\n\n ")],
        "markers": [message("system", MARKERS), message("user", MARKERS), message("assistant", MARKERS), message("user", MARKERS)],
        "thought": thought,
        "reply last": five[:4],
        "wrong order": [message("assistant", "I begin."), message("assistant", "And go on."), message("user", "Oh.")],
        "parts": [message("user", [{"type": "text", "text": "First."}, {"type": "text", "text": "Second."}])],
        "unknown role": [message("user", "x"), message("oracle", "y"), message("user", "z")],
        "only system": [message("system", "Alone.")],
        "long": [message("user", "word " * 300), message("assistant", "w\n" * 50), message("user", "end")],
    }
    out = {name: {"messages": m, "add_generation_prompt": True} for name, m in base.items()}
    out["no prompt"] = {"messages": five[:4], "add_generation_prompt": False}
    out["tools"] = {"messages": base["system"], "tools": TOOLS, "add_generation_prompt": True}
    out["tool turn"] = {"messages": tool_turn, "tools": TOOLS, "add_generation_prompt": True}
    out["tool answer"] = {"messages": tool_turn + [message("assistant", "21.5 degrees."), message("user", "Thanks.")], "tools": TOOLS,
                          "add_generation_prompt": True}
    out["tool call as text"] = {"messages": [message("user", "x"), message("assistant", None, tool_calls=[call("stop", "{}")]),
                                             message("tool", "ok")], "tools": TOOLS, "add_generation_prompt": True}
    out["system tools"] = {"messages": [message("system", MARKERS)] + tool_turn, "tools": TOOLS, "add_generation_prompt": True}
    out["no thinking"] = {"messages": thought, "enable_thinking": False, "add_generation_prompt": True}
    out["thinking"] = {"messages": thought, "enable_thinking": True, "thinking": True, "add_generation_prompt": True}
    out["documents"] = {"messages": base["user"], "documents": [{"title": "T & <b>", "text": MARKERS}, {"title": "U", "text": "body"}],
                        "add_generation_prompt": True}
    for v in out.values():
        v.update(bos_token="<s>", eos_token="</s>")
        v.setdefault("tools", None)
        v.setdefault("documents", None)
    return out
