#!/usr/bin/env python3
"""usage: test_field_text.py ROMA

What people bring as text, by the cases that users of such software reported: markers in what they type, vocabularies alone, byte tokens of
an odd type, files that name no pre-tokenizer, seeds, ends of ranges, contexts, characters that a limit cuts, hashes of model files."""
import hashlib
import json
import re
import struct

from shared import TINY, check, finish, output, own_folder, run

NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)


def text(s):
    b = s if isinstance(s, bytes) else s.encode()
    return struct.pack("<Q", len(b)) + b


class Gguf:
    """A GGUF file of keys alone."""

    def __init__(self):
        self.keys = []

    def add(self, key, kind, data):
        self.keys.append(text(key) + struct.pack("<I", kind) + data)

    def string(self, key, value):
        self.add(key, 8, text(value))

    def boolean(self, key, value):
        self.add(key, 7, bytes([value]))

    def whole(self, key, value):
        self.add(key, 4, struct.pack("<I", value))

    def list(self, key, kind, items):
        self.add(key, 9, struct.pack("<IQ", kind, len(items)) + b"".join(items))

    def write(self, path):
        with open(path, "wb") as f:
            f.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(self.keys)) + b"".join(self.keys))
        return path


def spm(path, byte_type, **more):
    """Llama 2's way: <unk> <s> </s>, bytes, a few characters and words; scores fall with the id."""
    tokens = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)] + ["▁", "a", "b", "ab", "▁a", "▁ab", "<|user|>", "<｜User｜>", "<tool_response>"]
    kinds = [UNKNOWN, CONTROL, CONTROL] + [byte_type] * 256 + [NORMAL] * 6 + [USER] * 3
    g = Gguf()
    g.string("general.architecture", "nothing-that-runs")
    g.string("tokenizer.ggml.model", "llama")
    g.list("tokenizer.ggml.tokens", 8, [text(t) for t in tokens])
    g.list("tokenizer.ggml.scores", 6, [struct.pack("<f", -i) for i in range(len(tokens))])
    g.list("tokenizer.ggml.token_type", 5, [struct.pack("<i", k) for k in kinds])
    g.whole("tokenizer.ggml.bos_token_id", 1)
    g.whole("tokenizer.ggml.unknown_token_id", 0)
    for key, value in more.items():
        g.boolean("tokenizer.ggml." + key, value)
    return g.write(path)


def alphabet():
    keep = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = iter(range(0x100, 0x200))
    return [chr(b) if b in keep else chr(next(rest)) for b in range(256)]


def bpe(path, pre, merges=(), model="gpt2"):
    letters = alphabet()
    tokens = letters + [a + b for a, b in merges] + ["<|end|>", "<｜User｜>", "한"]
    g = Gguf()
    g.string("general.architecture", "nothing-that-runs")
    g.string("tokenizer.ggml.model", model)
    if pre is not None:
        g.string("tokenizer.ggml.pre", pre)
    g.list("tokenizer.ggml.tokens", 8, [text(t) for t in tokens])
    g.list("tokenizer.ggml.token_type", 5, [struct.pack("<i", k) for k in [NORMAL] * (len(tokens) - 3) + [CONTROL, USER, NORMAL]])
    g.list("tokenizer.ggml.merges", 8, [text(a + " " + b) for a, b in merges])
    return g.write(path)


def ids(path, what, *more):
    return json.loads(output("tokenize", path, "--json", *more, "-f", "-", input=what.encode() if isinstance(what, str) else what))["ids"]


def test_bytes():
    """Byte tokens are known by their text: a newline is <0x0A>, an emoji its four bytes, whatever type the file gives."""
    for kind in (NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE):
        v = spm("v.gguf", kind)
        check(ids(v, "a\nb") == [259 + 4, 3 + 10, 259 + 2], "bytes of type %d: %r" % (kind, ids(v, "a\nb")))
        check(ids(v, "🎉") == [259] + [3 + b for b in "🎉".encode()], "an emoji of type %d: %r" % (kind, ids(v, "🎉")))
    check(ids(spm("g.gguf", BYTE, add_space_prefix=False), "ab ab") == [262, 264], "SentencePiece without the first space")
    check(ids(spm("v.gguf", BYTE), "ab") == [264] and ids("v.gguf", "ab", "--bos") == [1, 264], "SentencePiece with it")


def test_markers():
    """What is written as a marker is text, with bars of either width and in brackets alone; with --special it is the marker."""
    v = spm("v.gguf", BYTE)
    for i, marker in ((1, "<s>"), (265, "<|user|>"), (266, "<｜User｜>"), (267, "<tool_response>")):
        check(i not in ids(v, "a %s b" % marker), "%s is a marker in what a user types" % marker)
        check(i in ids(v, "a %s b" % marker, "--special"), "%s is none with --special" % marker)


def test_pre():
    merges = [("a", "b"), ("1", "2"), ("12", "3"), ("Ġ", "1")]
    say = lambda path, words, *more: run("tokenize", path, "x", *more, code=2, say=words)
    for pre, cut in (("gpt-2", [259, 52]), ("smollm", [49, 50, 51, 52]), ("llama-bpe", [258, 52]), ("qwen2", [49, 50, 51, 52]), ("tekken", [49, 50, 51, 52]),
                     ("gpt-4o", [258, 52]), ("falcon", [258, 52]), ("deepseek-llm", [49, 50, 51, 52])):
        letters = {c: i for i, c in enumerate(alphabet())}
        want = {"gpt-2": [258, letters["4"]]}.get(pre, [c if c > 255 else letters[chr(c)] for c in cut])
        check(ids(bpe("p.gguf", pre, merges), "1234") == want, "%s: %r, not %r" % (pre, ids("p.gguf", "1234"), want))
    for pre in (None, "default"):
        say(bpe("p.gguf", pre, merges), "--pre NAME does")
        r = run("tokenize", "p.gguf", "ab", "--pre", "llama-bpe", say="text is cut as 'llama-bpe' says")
        check(r.split() == ["256"], "--pre: %r" % r)
        say("p.gguf", "no pre-tokenizer 'nope'; there are gpt-2, smollm", "--pre", "nope")
    say(bpe("p.gguf", "chatglm-bpe"), "pre-tokenizer 'chatglm-bpe' is not supported")
    say(bpe("p.gguf", "gpt-2"), "the file says 'gpt-2', and --pre another", "--pre", "smollm")
    check(run("tokenize", "p.gguf", "a", "--pre", "gpt-2").split(), "--pre that agrees")
    say(bpe("p.gguf", "bert-bge", model="bert"), "tokenizer 'bert' (WordPiece) is not supported")
    say(bpe("p.gguf", "gemma4", model="gemma4"), "tokenizer 'gemma4'")
    say(bpe("p.gguf", "default", model="t5"), "tokenizer 't5' (SentencePiece unigram)")
    say(spm("v.gguf", BYTE), "leave --pre out", "--pre", "gpt-2")
    # A token with a character that no byte stands for is never made of text, and is no reason to refuse.
    check(ids(bpe("p.gguf", "command-r"), "한") == [alphabet().index(alphabet()[b]) for b in "한".encode()], "a token outside the byte alphabet")
    # Form C where the family's tokenizer has it, and there alone.
    whole, parts = "\u00e9", "e\u0301"
    for pre in ("mpt", "command-r", "qwen2"):
        check(ids(bpe("p.gguf", pre), parts) == ids("p.gguf", whole), "%s does not compose" % pre)
    for pre in ("gpt-2", "smollm", "qwen35", "tekken", "falcon"):
        check(ids(bpe("p.gguf", pre), parts) != ids("p.gguf", whole), "%s composes" % pre)
    # A file that names none builds with a warning, and with --pre alone.
    data = open(TINY, "rb").read()
    at = data.index(b"tokenizer.ggml.pre")
    old = text(re.match(rb"tokenizer.ggml.pre....(........)", data[at:], re.S) and data[at + 30:at + 30 + struct.unpack("<Q", data[at + 22:at + 30])[0]])
    if len(old) == 8 + 7 or len(old) == 8 + 5:
        name = old[8:].decode()
        unnamed = data.replace(text("tokenizer.ggml.pre") + struct.pack("<I", 8) + old, text("tokenizer.ggml.prx") + struct.pack("<I", 8) + old)
        with open("n.gguf", "wb") as f:
            f.write(unnamed)
        run("build", "n.gguf", "-o", "n.roma", code=2, say="'tokenizer.ggml.pre' is missing")
        run("build", "n.gguf", "-o", "n.roma", "--pre", name, say="warning: n.gguf: tokenizer.ggml.pre is missing; text is cut as '%s' says" % name)
        check(ids("n.roma", "One day 1234, it's") == ids("t.roma", "One day 1234, it's"), "--pre %s builds another tokenizer" % name)


def test_hash():
    sum_ = hashlib.sha256(open(TINY, "rb").read()).hexdigest()
    check("source " + sum_ in run("build", TINY, "-o", "t.roma", "--sha256", sum_.upper()), "build does not print the model file's hash")
    check(json.loads(run("build", TINY, "-o", "t.roma", "--json"))["source_sha256"] == sum_, "source_sha256")
    run("build", TINY, "-o", "x.roma", "--sha256", "0" * 64, code=2, say="the file's SHA-256 is " + sum_)
    run("build", TINY, "-o", "x.roma", "--sha256", "abc", code=2, say="a SHA-256 has 64 hexadecimal digits")
    check(run("verify", TINY).startswith(TINY + ": well formed") and "intact" not in run("verify", TINY), "verify of a GGUF file")
    check(run("verify", "t.roma") == "t.roma: intact\n", "verify of an image")


def answer(*args):
    return json.loads(output("run", "t.roma", "--raw", "--json", *args))


def batch(*lines):
    with open("l.jsonl", "w") as f:
        f.write("".join(json.dumps(x) + "\n" for x in lines))
    return [json.loads(x) for x in output("run", "t.roma", "--jsonl", "l.jsonl").splitlines()]


def test_seeds():
    ask = ["-p", "One day", "-n", "24", "--temp", "1.2"]
    for more in ([], ["--seed", "-1"]):
        drawn = [answer(*ask, *more) for _ in range(3)]
        check(len({a["seed"] for a in drawn}) == 3 and len({a["text"] for a in drawn}) > 1, "sampled answers with %r: %r" % (more, [a["seed"] for a in drawn]))
        again = answer(*ask, "--seed", str(drawn[0]["seed"]))
        check(again["ids"] == drawn[0]["ids"] and again["seed"] == drawn[0]["seed"], "the seed that was told gives another answer")
    run("run", "t.roma", "--raw", *ask, say="; seed ")
    run("chat", "t.roma", "--template", "chatml", "-n", "2", "--temp", "1", input="hi\n", say="seed ")
    check(answer("-p", "One day", "-n", "8")["ids"] == answer("-p", "One day", "-n", "8")["ids"], "greedy answers differ")
    line = {"prompt": "One day", "raw": True, "n": 24, "temp": 1.2}
    a, b, c, d = batch(line, line, {**line, "seed": -1}, {**line, "seed": 7})
    check(len({x["seed"] for x in (a, b, c)}) == 3 and d["seed"] == 7, "seeds of lines: %r" % [x["seed"] for x in (a, b, c, d)])
    check(batch({**line, "seed": a["seed"]})[0]["ids"] == a["ids"], "a line's seed gives another answer")


def test_ranges():
    line = {"prompt": "One day", "raw": True, "n": 8}
    greedy, p0, m1, nulls = batch(line, {**line, "temp": 2, "top_p": 0}, {**line, "temp": 2, "min_p": 1},
                                  {**line, "stop": None, "temp": None, "seed": None, "top_k": None, "lora": None, "logit_bias": None})
    check(greedy["ids"] == p0["ids"] == m1["ids"] == nulls["ids"], "top_p 0, min_p 1 and null")
    check(answer("-p", "One day", "-n", "8", "--temp", "2", "--top-p", "0")["ids"] == greedy["ids"], "--top-p 0")
    first = greedy["ids"][0]
    banned, forced, probs, often = batch({**line, "logit_bias": {str(first): -100}}, {**line, "n": 3, "logit_bias": {"5": 100}}, {**line, "logprobs": 3},
                                         {**line, "n": 40, "logit_bias": {"5": 100}, "frequency_penalty": 2, "presence_penalty": 2})
    check(first not in banned["ids"] and forced["ids"] == [5] * 3, "biases: %r %r" % (banned["ids"], forced["ids"]))
    check(set(often["ids"][:20]) == {5}, "a penalty of 2 outweighs a bias of 100")
    check([p["id"] for p in probs["logprobs"]] == greedy["ids"] and all(p["top_logprobs"][0]["id"] == p["id"] and len(p["top_logprobs"]) == 3 and p["logprob"] <= 0
          for p in probs["logprobs"]), "logprobs: %r" % probs.get("logprobs"))
    many = batch({**line, "n": 60, "frequency_penalty": 2, "presence_penalty": 2})[0]["ids"]
    plain = batch({**line, "n": 60})[0]["ids"]
    check(len(set(many)) / max(1, len(many)) >= len(set(plain)) / max(1, len(plain)), "penalties repeat more")


def test_context():
    n = len(ids("t.roma", "One day a cat and a dog", "--bos"))
    for ctx in (1, n - 1):
        run("run", "t.roma", "--raw", "-p", "One day a cat and a dog", "--ctx", ctx, code=2, say="the prompt's %d tokens do not fit the context of %d" % (n, ctx))
    for ctx in (n + 1, n + 5, 33):
        a = answer("-p", "One day a cat and a dog", "--ctx", str(ctx), "-n", "100", "--temp", "2", "--seed", "3")
        check(a["context"] == ctx and (a["stop"] == "eos" or n + len(a["ids"]) == ctx), "--ctx %d: %r tokens, %s" % (ctx, n + len(a["ids"]), a["stop"]))


def test_cut():
    """A character of several tokens that the limit cuts is held back; one that is whole comes."""
    parts = ids("t.roma", "é")
    check(len(parts) > 1, "the tiny model has a token for the character: the test says nothing")
    line = {"prompt": "One day", "raw": True, "logit_bias": {str(parts[0]): 100}}
    a, b = batch({**line, "n": 1}, {**line, "n": 3})
    check(a["ids"] == parts[:1] and a["text"] == "", "a character is cut: %r" % a["text"])
    check(b["text"].count("\ufffd") == 2, "what cannot become a character is shown: %r" % b["text"])
    check("\ufffd" not in output("run", "t.roma", "--jsonl", "l.jsonl").decode().splitlines()[0], "U+FFFD")


def test_batch_form():
    """OpenAI's batches in and out, several turns, a bad one between; roma's own lines beside."""
    talk = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "And?"}]
    body = {"model": "tiny", "messages": talk, "max_tokens": 4, "temperature": 0, "top_p": 1, "stop": None, "seed": 1, "logprobs": True, "top_logprobs": 1}
    lines = [{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body}, {"custom_id": "b", "body": {**body, "temperature": -1}},
             {"messages": talk, "n": 4, "id": 3}, {"custom_id": "d", "url": "/v1/completions", "method": "POST", "body": {"prompt": "One day", "max_tokens": 2}}]
    with open("l.jsonl", "w") as f:
        f.write("".join(json.dumps(x) + "\n" for x in lines))
    a, b, c, d = [json.loads(x) for x in run("run", "t.roma", "--jsonl", "l.jsonl", "--template", "chatml", code=2, say="1 of 4 requests failed").splitlines()]
    chat, text_ = a["response"]["body"], d["response"]["body"]
    check(a["custom_id"] == "a" and a["response"]["status_code"] == 200 and a["error"] is None and chat["object"] == "chat.completion" and chat["model"] == "tiny",
          "an answer in OpenAI's form: %r" % a)
    check(chat["choices"][0]["message"] == {"role": "assistant", "content": c["text"]} and chat["usage"]["prompt_tokens"] == c["prompt_tokens"],
          "the same conversation in both forms: %r, %r" % (chat, c))
    check(chat["usage"]["completion_tokens"] == len(c["ids"]) == len(chat["choices"][0]["logprobs"]["content"]), "tokens: %r" % chat["usage"])
    check(chat["choices"][0]["finish_reason"] == {"length": "length", "eos": "stop"}[c["stop"]], "finish_reason")
    check(b["custom_id"] == "b" and b["response"]["status_code"] == 400 and "temperature must lie" in b["error"]["message"], "a bad line: %r" % b)
    check(text_["object"] == "text_completion" and text_["choices"][0]["text"] == batch({"prompt": "One day", "raw": True, "n": 2})[0]["text"], "completions: %r" % text_)


def test_adapter_lines():
    """An adapter of another base, or none at all, is its line's error."""
    output("build", TINY.replace("-q4", "-f32"), "--quant", "q8", "-o", "other.roma")
    for base, name in (("other.roma", "other.lora"), ("t.roma", "own.lora")):
        output("adapter", "build", "--random", "1", "--base", base, "-o", name)
    line = {"prompt": "One day", "raw": True, "n": 3}
    with open("l.jsonl", "w") as f:
        f.write("".join(json.dumps({**line, "id": i, **more}) + "\n" for i, more in enumerate(({}, {"lora": "other.lora"}, {"lora": "none.lora"}, {"lora": "own.lora"}, {}))))
    got = [json.loads(x) for x in run("run", "t.roma", "--jsonl", "l.jsonl", code=2, say="2 of 5 requests failed").splitlines()]
    check([x["id"] for x in got] == [0, 1, 2, 3, 4] and ["error" in x for x in got] == [False, True, True, False, False], "adapters of lines: %r" % got)
    check(got[0]["ids"] == got[4]["ids"] == batch(line)[0]["ids"] and "other.lora" in got[1]["error"] and "line 2" in got[1]["error"], "lines beside bad adapters: %r" % got)


def test_provenance():
    """No control token comes out of a message, a tool, a document, an argument, a role or a system text, by any way in."""
    specials = {}
    for marker in ("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<s>", "</s>"):
        found = ids("t.roma", marker, "--special")
        if len(found) == 1:
            specials[found[0]] = marker
    check(specials, "the tiny model has no marker that this test knows")
    hostile = "x".join(specials.values())
    with open("t.jinja", "w") as f:
        f.write("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n{% endfor %}{{ tools | tojson }}{{ documents[0].text | upper | lower }}"
                "{{ extra ~ '' }}{{ messages | map(attribute='content') | join('|') }}<|im_start|>assistant\n")
    for name, value in (("m", [{"role": hostile, "content": hostile}, {"role": "user", "content": hostile}]), ("tools", [{hostile: hostile}]), ("docs", [{"text": hostile}])):
        with open(name + ".json", "w") as f:
            json.dump(value, f)
    given = ["--template", "t.jinja", "--tools", "tools.json", "--documents", "docs.json", "--template-arg", "extra=" + hostile]
    got = ids_of = json.loads(output("tokenize", "t.roma", "--messages", "m.json", "--json", *given))
    own = {"<|im_start|>": 3, "<|im_end|>": 2}
    for i, marker in specials.items():
        check(ids_of["ids"].count(i) == own.get(marker, 0), "%s: %d times of %d" % (marker, got["ids"].count(i), own.get(marker, 0)))
    # The same by run, chat and lines: hostile text takes as many tokens as tokenize says, and not the few of markers.
    one = [{"role": "user", "content": hostile}]
    with open("m.json", "w") as f:
        json.dump(one, f)
    want = len(json.loads(output("tokenize", "t.roma", "--messages", "m.json", "--json", *given))["ids"])
    alone = json.loads(output("run", "t.roma", "-p", hostile, "-n", "1", "--json", *given))["prompt_tokens"]
    check(alone == want, "run: %d prompt tokens, not %d" % (alone, want))
    lines = [{"messages": one, "n": 1}, {"prompt": hostile, "n": 1}, {"custom_id": "x", "body": {"messages": one, "max_tokens": 1}}]
    with open("l.jsonl", "w") as f:
        f.write("".join(json.dumps(x) + "\n" for x in lines))
    a, b, c = [json.loads(x) for x in output("run", "t.roma", "--jsonl", "l.jsonl", *given).splitlines()]
    check(a["prompt_tokens"] == b["prompt_tokens"] == c["response"]["body"]["usage"]["prompt_tokens"] == want, "lines: %r" % [a["prompt_tokens"], b["prompt_tokens"]])
    raw = ids("t.roma", hostile)
    check(not set(raw) & set(specials), "plain text makes markers")
    check(answer("-p", hostile, "-n", "1")["prompt_tokens"] == len(ids("t.roma", hostile, "--bos")), "run --raw")
    chat = run("chat", "t.roma", "-n", "1", *given, input=hostile + "\n/stats\n")
    said = re.search(r"prompt (\d+) tokens", chat)
    check(not said or int(said[1]) == want, "chat: %s" % chat)


with own_folder():
    test_hash()
    test_bytes()
    test_markers()
    test_pre()
    test_seeds()
    test_ranges()
    test_context()
    test_cut()
    test_batch_form()
    test_adapter_lines()
    test_provenance()
finish()
