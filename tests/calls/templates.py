"""Chat templates that write tool calls, each in a form of published models. The project's own: short ones of the same form."""


def template(assistant, begin="<|im_start|>assistant\n", end="<|im_end|>\n", reply="<|im_start|>assistant\n", before=""):
    """A conversation in ChatML, or another, whose assistant's turn is this text; `m` is the message."""
    return (before + "{% if tools %}<|im_start|>system\n{% for t in tools %}{{ t | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}"
            "{% for m in messages %}{% if m.role == 'assistant' %}" + begin + assistant + end +
            "{% elif m.role == 'tool' %}<|im_start|>tool\n{{ m.name }}: {{ m.content }}<|im_end|>\n"
            "{% else %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}"
            "{% if add_generation_prompt %}" + reply + "{% endif %}")


def each(call, between="", calls="m.tool_calls"):
    return "{% for c in " + calls + " %}{% set f = c.function %}" + call + ("{% if not loop.last %}" + between + "{% endif %}" if between else "") + "{% endfor %}"


CONTENT = "{{ m.content or '' }}"
THOUGHT = "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}"
CALLS = "{% if m.tool_calls %}"
TAGS = ("<tool_call>\n<function={{ f.name }}>\n{% for k, v in f.arguments.items() %}<parameter={{ k }}>\n"
        "{% if v is mapping or v is sequence and v is not string %}{{ v | tojson }}{% else %}{{ v }}{% endif %}{{ '\\n' }}</parameter>\n{% endfor %}</function>\n</tool_call>")
PAIRS = ("<tool_call>{{ f.name }}\n{% for k, v in f.arguments.items() %}<arg_key>{{ k }}</arg_key>\n"
         "<arg_value>{{ v if v is string else v | tojson }}</arg_value>\n{% endfor %}</tool_call>")
IDS = "{% if c.id | length != 9 %}{{ raise_exception('ids have nine letters') }}{% endif %}"
DEEPSEEK = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>{{ f.name }}\n```json\n{{ f.arguments | tojson }}\n```<｜tool▁call▁end｜>"

# name: (template, kind of the form)
FORMS = {
    # Hermes, Qwen2.5, Qwen3
    "hermes": (template(THOUGHT + CONTENT + CALLS + each('\n<tool_call>\n{"name": "{{ f.name }}", "arguments": {{ f.arguments | tojson }}}\n</tool_call>') + "{% endif %}"), "object"),
    "hermes whole": (template(CONTENT + CALLS + each("<tool_call>\n{{ f | tojson }}\n</tool_call>\n") + "{% endif %}"), "object"),
    # Qwen3-Coder
    "tags": (template(CONTENT + CALLS + each("\n" + TAGS) + "{% endif %}"), "tagged"),
    # GLM
    "pairs": (template(CONTENT + CALLS + each("\n" + PAIRS) + "{% endif %}"), "tagged"),
    # Llama 3.x: one call, no mark
    "llama": (template("{% if m.tool_calls %}{% if m.tool_calls | length != 1 %}{{ raise_exception('one call') }}{% endif %}" +
                       each('{"name": "{{ f.name }}", "parameters": {{ f.arguments | tojson }}}') + "{% else %}" + CONTENT + "{% endif %}",
                       "<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"), "object"),
    # Mistral v0.3, Nemo
    "mistral": (template("{% if m.tool_calls %}[TOOL_CALLS] [" + each(IDS + '{"name": "{{ f.name }}", "arguments": {{ f.arguments | tojson }}, "id": "{{ c.id }}"}', ", ") +
                         "]{% else %}" + CONTENT + "{% endif %}", " ", "{{ eos_token }}", ""), "object"),
    # Mistral Small 3.2
    "mistral ids": (template("{% if m.tool_calls %}" + each(IDS + "[TOOL_CALLS]{{ f.name }}[CALL_ID]{{ c.id }}[ARGS]{{ f.arguments | tojson }}") + "{% else %}" + CONTENT + "{% endif %}",
                             "", "{{ eos_token }}", ""), "named"),
    # Devstral, Ministral
    "mistral args": (template(CONTENT + CALLS + each("[TOOL_CALLS]{{ f.name }}[ARGS]{{ f.arguments | tojson }}") + "{% endif %}", "", "{{ eos_token }}", ""), "named"),
    # DeepSeek V3, R1
    "deepseek": (template(CONTENT + CALLS + "<｜tool▁calls▁begin｜>" + each(DEEPSEEK, "\n") + "<｜tool▁calls▁end｜>{% endif %}", "<｜Assistant｜>", "<｜end▁of▁sentence｜>", "<｜Assistant｜><think>\n"),
                 "named"),
    # DeepSeek V3.1
    "deepseek short": (template(CONTENT + CALLS + "<｜tool▁calls▁begin｜>" +
                                each("<｜tool▁call▁begin｜>{{ f.name }}<｜tool▁sep｜>{{ f.arguments | tojson }}<｜tool▁call▁end｜>") + "<｜tool▁calls▁end｜>{% endif %}",
                                "<｜Assistant｜></think>", "<｜end▁of▁sentence｜>", "<｜Assistant｜></think>"), "named"),
    # as the distilled R1's: arguments as a text, calls beside no content alone, the end of all only behind two
    "deepseek text": (template("{% if m.content is none %}<｜tool▁calls▁begin｜>" +
                               each("<｜tool▁call▁begin｜>function<｜tool▁sep｜>{{ f.name }}\n```json\n{{ '' + f.arguments }}\n```<｜tool▁call▁end｜>", "\n") +
                               "{% if m.tool_calls | length > 1 %}<｜tool▁calls▁end｜>{% endif %}{% else %}{{ m.content }}{% endif %}", "<｜Assistant｜>", "<｜end▁of▁sentence｜>", "<｜Assistant｜>"), "named"),
    # functionary
    "function": (template(CONTENT + CALLS + each("<function={{ f.name }}>{{ f.arguments | tojson }}</function>") + "{% endif %}"), "named"),
    # Nemotron, Apriel; MiniMax M1
    "array": (template(CONTENT + CALLS + "<TOOLCALL>[" + each('{"name": "{{ f.name }}", "arguments": {{ f.arguments | tojson }}}', ", ") + "]</TOOLCALL>{% endif %}"), "object"),
    "lines": (template(CONTENT + CALLS + "\n<tool_calls>\n" + each('{"name": "{{ f.name }}", "arguments": {{ f.arguments | tojson }}}\n') + "</tool_calls>{% endif %}"), "object"),
    # arguments as they come, so that they must come as a text
    "text": (template(CONTENT + CALLS + each("<call>{{ f.name }}<args>{{ f.arguments }}</call>") + "{% endif %}"), "named"),
    # a function inside its call, as the interface has it
    "nested": (template(CONTENT + CALLS + each('<call>{"type": "function", "function": {{ f | tojson }}}</call>') + "{% endif %}"), "object"),
}

# Templates that write no calls that can be told from other text, or none at all.
NONE = {
    "no calls": template(CONTENT),
    "no mark before a name": template("{% if m.tool_calls %}" + each("{{ f.name }}\n{{ f.arguments | tojson }}") + "{% else %}" + CONTENT + "{% endif %}"),
    "ids in the marks": template(CONTENT + CALLS + each("<call {{ c.id }}>{{ f.name }}<args>{{ f.arguments | tojson }}</call>") + "{% endif %}"),
    "numbered": template(CONTENT + CALLS + each("<call>{{ f.name }}:{{ loop.index }}<args>{{ f.arguments | tojson }}</call>") + "{% endif %}"),
    "escaped": template(CONTENT + CALLS + each("<call>{{ f.name }}<args>{{ f.arguments | tojson | e }}</call>") + "{% endif %}"),
    "types in the tags": template(CONTENT + CALLS + each("<call={{ f.name }}>{% for k, v in f.arguments.items() %}<p {{ k }} {{ 'text' if v is string else 'json' }}>"
                                                          "{{ v if v is string else v | tojson }}</p>{% endfor %}</call>") + "{% endif %}"),
    "refuses all": "{{ raise_exception('no') }}",
    "refuses calls": template("{% if m.tool_calls %}{{ raise_exception('no tools') }}{% endif %}" + CONTENT),
}
