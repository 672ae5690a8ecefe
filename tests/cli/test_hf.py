#!/usr/bin/env python3
"""Hugging Face folders with random weights: the image is the one that the GGUF file of the same weights gives, byte for byte; greedy ids
are those of a forward pass in NumPy; a build that is killed is taken up where it stood.

usage: test_hf.py ROMA [KILLS]
"""
import glob
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time

import hf_write as hf
from shared import ROMA, TOP, check, finish, output, own_folder, run

with open(os.path.join(TOP, "models", "tiny", "tokenizer.json"), encoding="utf-8") as file:
    TINY_JSON = json.load(file)
SMALL = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CHATML = ("{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
MARK = "\u2581"


def level(regex=False):
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": regex}


def split(expression):
    return {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": False},
                                                  level()]}


PRE = {  # GGUF's name: normalizer, pre_tokenizer
    "gpt-2": (None, level(True)),
    "smollm": (None, {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, level(True)]}),
    "llama-bpe": (None, split(SMALL + r"\p{N}{1,3}" + REST)),
    "qwen2": ({"type": "NFC"}, split(SMALL + r"\p{N}" + REST)),
}


def config_of(kind, vocab, **more):
    c = dict(model_type=kind, architectures=[hf.FAMILIES[kind][0]], hidden_size=hf.HIDDEN, intermediate_size=hf.FFN, vocab_size=vocab,
             num_hidden_layers=hf.LAYERS, num_attention_heads=hf.HEADS, num_key_value_heads=hf.KV, head_dim=hf.DIM, hidden_act="silu",
             max_position_embeddings=512, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False, bos_token_id=0, eos_token_id=2,
             torch_dtype="float32", transformers_version="4.51.0", use_cache=True)
    c.update(more)
    return c


# ---- tokenizers, as tokenizer.json and as GGUF's keys ----

def byte_level(pre, rows, pairs, bos):
    """The tiny model's vocabulary, behind another pre-tokenizer; rows of the embedding beyond it have no token."""
    t = json.loads(json.dumps(TINY_JSON))
    t["normalizer"], t["pre_tokenizer"] = PRE[pre]
    t["model"]["ignore_merges"] = pre == "llama-bpe"
    merges = [m.split(" ") if isinstance(m, str) else m for m in t["model"]["merges"]]
    t["model"]["merges"] = merges if pairs else [" ".join(m) for m in merges]
    used = len(t["model"]["vocab"])
    t["added_tokens"].append(dict(t["added_tokens"][0], id=used, content="<tool>", special=False))
    if bos:
        t["post_processor"] = {"type": "Sequence", "processors": [dict(level(True)), {
            "type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [], "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}}}]}
    tokens = sorted(t["model"]["vocab"], key=t["model"]["vocab"].get) + ["<tool>"]
    tokens += [f"[PAD{i}]" for i in range(len(tokens), rows)]
    keys = {"ggml.model": "gpt2", "ggml.pre": pre, "ggml.tokens": tokens,
            "ggml.token_type": [3] * 3 + [1] * (used - 3) + [4] + [5] * (rows - used - 1), "ggml.merges": [" ".join(m) for m in merges],
            "ggml.bos_token_id": 0, "ggml.eos_token_id": 2, "ggml.padding_token_id": 2, "ggml.add_bos_token": bos, "chat_template": CHATML}
    files = {"tokenizer.json": t, "tokenizer_config.json": {
        "bos_token": "<|endoftext|>", "eos_token": {"content": "<|im_end|>", "lstrip": False}, "pad_token": "<|im_end|>", "unk_token": None,
        "tokenizer_class": "PreTrainedTokenizerFast"}}
    return files, keys


def small_spm():
    """Pieces of a SentencePiece vocabulary (text, score, type), made of some words; merges in the order of scores."""
    pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3)] + [("<0x%02X>" % b, 0.0, 6) for b in range(256)]
    words, made = "the then there other one on once upon a time was her here she hat that", []
    for word in words.split(" "):
        for text in (MARK + word, word):
            for n in range(2, len(text) + 1):
                for at in range(len(text) - n + 1):
                    if text[at:at + n] not in made:
                        made.append(text[at:at + n])
    made.sort(key=len)
    letters = sorted(set("".join(made)) | set("0123456789.,!?'\n" + MARK))
    pieces += [(text, -float(i), 1) for i, text in enumerate(made)]
    pieces += [(c, -float(len(made) + i), 1) for i, c in enumerate(letters)]
    known = {p[0] for p in pieces if p[2] == 1}
    merges = [(t[:i], t[i:]) for t in made for i in range(1, len(t)) if t[:i] in known and t[i:] in known]
    return pieces, merges


def field(number, wire, payload):
    raw = b""
    for value in [number << 3 | wire] + ([len(payload)] if wire == 2 else []):
        while value > 127:
            raw += bytes([value & 127 | 128])
            value >>= 7
        raw += bytes([value])
    return raw + payload


def sentencepiece_model(pieces):
    out = b""
    for text, score, kind in pieces:
        body = field(1, 2, text.encode()) + field(2, 5, struct.pack("<f", score)) + field(3, 0, bytes([kind]))
        out += field(1, 2, body)
    trainer = field(3, 0, b"\2") + field(35, 0, b"\1")
    normalizer = field(1, 2, b"identity") + field(2, 2, b"") + field(3, 0, b"\1") + field(4, 0, b"\0") + field(5, 0, b"\1")
    return out + field(2, 2, trainer) + field(3, 2, normalizer)


def sentencepiece(as_json):
    pieces, merges = small_spm()
    keys = {"ggml.model": "llama", "ggml.pre": "default", "ggml.tokens": [p[0] for p in pieces], "ggml.scores": [p[1] for p in pieces],
            "ggml.token_type": [p[2] for p in pieces], "ggml.bos_token_id": 1, "ggml.eos_token_id": 2, "ggml.unknown_token_id": 0,
            "ggml.add_bos_token": True, "ggml.add_eos_token": False, "ggml.add_space_prefix": True, "chat_template": CHATML}
    said = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "add_bos_token": True, "add_eos_token": False, "chat_template": CHATML}
    if not as_json:
        return {"tokenizer.model": sentencepiece_model(pieces), "tokenizer_config.json": said}, keys, len(pieces)
    t = {"version": "1.0", "truncation": None, "padding": None,
         "added_tokens": [{"id": i, "content": pieces[i][0], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                           "special": True} for i in range(3)],
         "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": MARK},
                                                            {"type": "Replace", "pattern": {"String": " "}, "content": MARK}]},
         "pre_tokenizer": None, "post_processor": None,
         "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": MARK}, "content": " "}, {"type": "ByteFallback"},
                                                      {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
         "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
                   "fuse_unk": True, "byte_fallback": True, "ignore_merges": False, "vocab": {p[0]: i for i, p in enumerate(pieces)},
                   "merges": [list(m) for m in merges]}}
    return {"tokenizer.json": t, "tokenizer_config.json": said}, keys, len(pieces)


# ---- one image is the other ----

def sections(path):
    with open(path, "rb") as f:
        data = f.read()
    out = {}
    for i in range(struct.unpack_from("<I", data, 24)[0]):
        tag, _, at, size = struct.unpack_from("<4sIQQ", data, 128 + 32 * i)
        out[tag.decode()] = data[at:at + size]
    return out


PROMPTS = ["Once upon a time", "", " two  spaces\n\nand lines\t", "don't we'll I'M 12345 6 78", "naïve café ﬁ Å 日本語 \U0001f600", "a<|im_end|>b<tool>c",
           "x" * 300, "the hat that she\u2581had, once!"]


def prompts():
    """200 texts, of which a quarter are conversations."""
    words = "Once upon the time she'll was 12 345, hat that! é ß 日本 \n \t <|im_start|> <tool> them 'S other. 7".split(" ")
    state, out = 1, list(PROMPTS)
    while len(out) < 200:
        text = ""
        for _ in range(1 + state % 14):
            state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
            text += words[(state >> 33) % len(words)] + " " * ((state >> 40) % 3)
        out.append(text)
    return out


def ids_of(image, text, n):
    if n % 4:
        return output("tokenize", image, "-", "--bos", *(["--special"] if n % 2 else []), input=text.encode())
    with open("messages.json", "w", encoding="utf-8") as f:
        json.dump([{"role": "system", "content": text[:9]}, {"role": "user", "content": text}], f)
    return output("tokenize", image, "--messages", "messages.json")


def same(name, config, dtype, shards, files, keys, exact=True, seed=1, **more):
    w = hf.weights(config, seed)
    hf.write_folder(name, config, w, dtype, shards, dict(files, **more))
    hf.write_same_gguf(name + ".gguf", name, config, w, dtype, keys)
    output("build", name, "-o", name + ".hf.roma")
    output("build", name + ".gguf", "--quant", "q8", "-o", name + ".gguf.roma")
    a, b = sections(name + ".hf.roma"), sections(name + ".gguf.roma")
    for tag in b:
        if tag not in ("META", "REPT") and (exact or tag != "VOCB"):
            check(a.get(tag) == b[tag], f"{name}: section {tag} differs from the GGUF model's")
    check(len(a["DATA"]) > 100000, f"{name}: {len(a['DATA'])} bytes of tensors")
    return {k: hf.stored(x, dtype) for k, x in w.items()}


def same_ids(name, most):
    for n, text in enumerate(prompts()[:most]):
        if not check(ids_of(name + ".hf.roma", text, n) == ids_of(name + ".gguf.roma", text, n), f"{name}: other ids for {text!r}"):
            break


# ---- greedy ids ----

def greedy(name, config, w, counts):
    """The engine's greedy ids, wherever the two best logits of the forward pass are well apart."""
    texts = [p for p in prompts() if p.strip() and len(p) < 200][:10]
    with open("prompts.jsonl", "w", encoding="utf-8") as f:
        for p in texts:
            f.write(json.dumps({"prompt": p, "raw": True, "n": 24, "temp": 0}) + "\n")
    lines = output("run", name + ".hf.roma", "--jsonl", "prompts.jsonl").decode().splitlines()
    check(len(lines) == len(texts), f"{name}: {len(lines)} answers")
    for text, line in zip(texts, lines):
        start = [int(i) for i in output("tokenize", name + ".hf.roma", "-", "--bos", input=text.encode()).split()]
        made = json.loads(line)["ids"]
        logits = hf.forward(config, w, start + made)[len(start) - 1:-1] if made else []
        for got, row in zip(made, logits):
            second, best = sorted(row)[-2:]
            if best - second < 0.15 * row.std():
                counts["close"] += 1
            else:
                counts["compared"] += 1
                check(got == row.argmax(), f"{name}: {got} instead of {row.argmax()} after {text!r}")


def exact(name, config, w):
    """An image against its folder in FP32: the folder's logits are the forward pass's, and the tokenizer is the folder's without the weights too."""
    text = prompts()[8]
    ids = [int(i) for i in output("tokenize", name + ".hf.roma", "-", "--bos", input=text.encode()).split()]
    os.mkdir(name + "_words")
    for file in os.listdir(name):
        if not file.startswith("model"): os.symlink(os.path.abspath(os.path.join(name, file)), os.path.join(name + "_words", file))
    check([int(i) for i in output("tokenize", name + "_words", "-", "--bos", input=text.encode()).split()] == ids, f"{name}: ids of the folder alone")
    run("tokenize", name + "_words", "x", "--pre", "smollm", code=2, say="says itself")
    hf.np.array(ids, "<i4").tofile("ids")
    for against in (name, name + ".gguf"):
        made = json.loads(output("eval", name + ".hf.roma", "--ids", "ids", "--against", against, "--dump-against", "there", "--json"))
        there, want = hf.np.fromfile("there", "<f4").reshape(len(ids), -1), hf.forward(config, w, ids)
        check(abs(there - want).max() < 1e-4 * want.std(), f"{against} in FP32: {abs(there - want).max()} off")
        check(0 < made["kl_mean"] < 0.02, f"{against}: KL {made['kl_mean']}")


# ---- what a folder's report says; the base of an adapter; a run that is killed ----

def report():
    shown = json.loads(output("inspect", "llama.hf.roma", "--json"))["report"]
    made = json.loads(output("build", "llama", "-o", "again.roma", "--json", "-t", "1"))
    check(made["report"] == shown, "inspect shows another report than build")
    check(shown[0].startswith("source     llama, ") and "rtn, 8 bits" in shown[2], f"report: {shown[:3]}")
    check(len(shown) >= 5 + 2 + hf.LAYERS + 3, f"report of {len(shown)} lines")
    check(0.001 < float(shown[7 + hf.LAYERS].split()[1]) < 0.02, f"error: {shown[7 + hf.LAYERS]}")
    chips = " ".join(shown[8 + hf.LAYERS:])
    held, _, other = chips.partition("not by")
    check(chips.startswith("held by    ") and max(map(len, shown)) <= 80, f"chips: {chips}")
    for text, fits in ((held[7:], True), (other, False)):
        for chip in text.replace(",", " ").split():
            if chip[0] != "(": check(json.loads(output("fit", "llama.hf.roma", "--chip", chip, "--json"))["fits_rom"] is fits, f"{chip} fits: {not fits}")
    names = sorted(f for f in os.listdir("llama"))
    sums = subprocess.run(["sha256sum", *names], cwd="llama", capture_output=True).stdout
    total = subprocess.run(["sha256sum"], input=sums, capture_output=True).stdout.decode()[:64]
    check(made["source_sha256"] == total and shown[1].split()[1] == total, "hash of the folder")
    check(json.loads(output("build", "llama", "-o", "q4.roma", "--quant", "q4", "--json"))["bits_per_weight"] < 5.3, "q4 has about 5 bits")


def methods():
    """Layers by a method, embedding and head to 8 bits: the folder's image is the GGUF file's; what contradicts itself is refused in one line."""
    for n, how in enumerate((("nf4", "--group", "32"), ("nf4", "--group", "32", "--nf4-table", "int8"), ("rtn", "--bits", "2", "--quant", "q4"), ("rtn", "--bits", "3"))):
        a, b = (json.loads(output("build", m, "-o", m + ".m.roma", "--method", *how, "--json")) for m in ("llama", "llama.gguf"))
        check(sections("llama.m.roma")["DATA"] == sections("llama.gguf.m.roma")["DATA"], f"{how}: the folder's image is not the GGUF file's")
        check(a["report"][2].startswith("method     layers: " + how[0]) and a["report"][3].startswith("method     embedding, head: rtn, " + "8848"[n]), f"{how}: {a['report'][2:4]}")
        check(max(map(len, a["report"])) <= 80, f"{how}: {max(a['report'], key=len)}")
        check(a["method"] == b["method"] == how[0], f"{how}: method {a['method']}")
        kl = json.loads(output("eval", "llama.m.roma", "--ids", "ids", "--against", "llama", "--json"))["kl_mean"]
        check(0 < kl < (0.04, 0.04, 0.5, 0.1)[n], f"{how}: KL {kl}")
    for words, says in (("--method gptq", "--method is rtn or nf4"), ("--bits 4", "or to --method"), ("--method rtn --bits 5", "2, 3, 4 or 8 bits, not 5"),
                        ("--method nf4 --bits 3", "codes of 4 bits, not 3"), ("--method nf4 --group 256", "for 32, 64 or 128 weights, not 256"),
                        ("--method rtn --head-bits 8", "--quant says what embedding and head become"), ("--method nf4", "use --group 32")):
        run("build", "llama", "-o", "none.roma", *words.split(), code=2, say=says)
        check(not os.path.exists("none.roma"), f"{words} leaves an image")


def packed():
    """What a 4-bit folder is in FP32 is its own map times its own scales, not the levels that the image has for them."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "import", "packed", "nf4")
    hf.np.arange(1, 40, dtype="<i4").tofile("ids")
    output("build", folder, "-o", "nf4.roma")
    there, image = (json.loads(output("eval", "nf4.roma", "--ids", "ids", "--against", against, "--json")) for against in (folder, "fp32"))
    check(there["perplexity"] == image["perplexity"] and 0 < there["kl_mean"] < 1e-5, f"{folder}: KL {there['kl_mean']}")
    made = json.loads(output("build", folder, "-o", "nf4.roma", "--json"))
    check(0 < made["kl_form"] < 1e-4 and "kl" not in made and any(line.startswith("form       KL ") for line in made["report"]), f"KL of the form: {made}")
    check("matrices   2 rounded, 14 as they were" in made["report"], f"kept: {made['report']}")
    check(there["perplexity_against"] != image["perplexity_against"], "the folder in FP32 is the image in FP32")


def base_of():
    hub = os.path.join("hub", "models--org--model")
    os.makedirs(os.path.join(hub, "snapshots"))
    os.makedirs(os.path.join(hub, "refs"))
    os.rename("llama", os.path.join(hub, "snapshots", "0123abc"))
    with open(os.path.join(hub, "refs", "main"), "w", encoding="ascii") as f:
        f.write("0123abc")
    os.mkdir("adapter")
    hf.write_json("adapter/adapter_config.json", {"peft_type": "LORA", "base_model_name_or_path": "org/model", "r": 8})
    run("build", "--base-of", "adapter", "-o", "based.roma", code=2, say="'org/model' is in no folder")
    env = dict(os.environ, HF_HUB_CACHE=os.path.abspath("hub"))
    run("build", "--base-of", "adapter", "-o", "based.roma", env=env)
    run("build", "hub", "--base-of", "adapter", "-o", "based2.roma")
    a, b, c = (sections(p)["DATA"] for p in ("llama.hf.roma", "based.roma", "based2.roma"))
    check(a == b == c, "the base of an adapter is another model")
    hf.write_json("adapter/adapter_config.json", {"r": 8})
    run("build", "--base-of", "adapter", code=2, say="'base_model_name_or_path' is missing")
    run("build", "--base-of", "nowhere", code=2, say="no such file")


def killed(times):
    """Builds are killed wherever they are; the next one with --resume gives the same bytes. Every other one is NF4."""
    config = config_of("llama", 4000, hidden_size=512, intermediate_size=1536, num_hidden_layers=6, head_dim=64, num_attention_heads=8)
    hf.write_folder("large", config, hf.weights(config, 9), hf.BF16, 2)
    ways, wants, took = ((), ("--method", "nf4")), [], []
    for how in ways:
        began = time.time()
        output("build", "large", "-o", "large.roma", *how)
        took.append(time.time() - began)
        with open("large.roma", "rb") as f:
            wants.append(f.read())
    rng, taken = random.Random(7), 0
    for i in range(times):
        how = ways[i % 2]
        os.remove("large.roma")
        for _ in range(rng.randrange(1, 3)):
            p = subprocess.Popen([ROMA, "build", "large", "-o", "large.roma", "--resume", *how], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(took[i % 2] * rng.uniform(0.1, 1))
            p.send_signal(signal.SIGKILL)
            p.wait()
        left = glob.glob(".large.roma.tmp-*")
        if left:
            with open(left[0], "rb") as f:
                taken += f.read(8) == b"ROMAPART"
        output("build", "large", "-o", "large.roma", *how, *(["--resume"] if i % 8 else []))
        with open("large.roma", "rb") as f:
            check(f.read() == wants[i % 2], f"kill {i}: other bytes")
        check(not glob.glob(".large.roma.tmp-*"), f"kill {i}: a temporary is left")
    return taken


def seventy():
    """A folder of a 70B model's shape, 723 tensors in 30 shards of 141 GB that are holes: it is opened and read in bounded memory."""
    h, ffn, layers, kv, vocab, shards = 8192, 28672, 80, 1024, 128256, 30
    shapes = {"model.embed_tokens.weight": (vocab, h), "lm_head.weight": (vocab, h), "model.norm.weight": (h,)}
    for i in range(layers):
        for name, shape in (("self_attn.q_proj", (h, h)), ("self_attn.k_proj", (kv, h)), ("self_attn.v_proj", (kv, h)), ("self_attn.o_proj", (h, h)), ("mlp.gate_proj", (ffn, h)),
                            ("mlp.up_proj", (ffn, h)), ("mlp.down_proj", (h, ffn)), ("input_layernorm", (h,)), ("post_attention_layernorm", (h,))):
            shapes[f"model.layers.{i}.{name}.weight"] = shape
    os.makedirs("seventy")
    names, index = list(shapes), {}
    for k in range(shards):
        header, end, file = {}, 0, f"model-{k + 1:05}-of-{shards:05}.safetensors"
        for n in names[k::shards]:
            size = 2 * int(hf.np.prod(shapes[n]))
            header[n] = {"dtype": "BF16", "shape": shapes[n], "data_offsets": [end, end + size]}
            end, index[n] = end + size, file
        text = json.dumps(header).encode()
        with open(os.path.join("seventy", file), "wb") as f:
            f.write(struct.pack("<Q", len(text)) + text)
            f.truncate(8 + len(text) + end)
    hf.write_json("seventy/model.safetensors.index.json", {"metadata": {}, "weight_map": index})
    hf.write_json("seventy/config.json", dict(config_of("llama", vocab, hidden_size=h, intermediate_size=ffn, num_hidden_layers=layers, head_dim=128,
                                                        num_attention_heads=64, num_key_value_heads=8), tie_word_embeddings=False))
    for how in ((), ("--method", "nf4")):
        p = subprocess.Popen([ROMA, "build", "seventy", "-o", "seventy.roma", *how], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        seen = []
        for _ in range(15):
            time.sleep(0.1)
            with open(f"/proc/{p.pid}/status", encoding="ascii") as f:
                status = dict(line.split(":", 1) for line in f)
            seen.append(tuple(int(status[key].split()[0]) >> 10 for key in ("RssAnon", "RssFile") if key in status))
        p.send_signal(signal.SIGINT)
        said = p.communicate()[1]
        check(p.returncode == 130, f"70B{how}: exit {p.returncode}: {said}")
        check(all(len(s) == 2 and s[0] < 64 and s[1] < 2048 for s in seen), f"70B{how}: MiB of memory and of mapped files {seen}")
    index["model.layers.79.mlp.up_proj.weight"] = "model-00031-of-00030.safetensors"
    hf.write_json("seventy/model.safetensors.index.json", {"metadata": {}, "weight_map": index})
    run("build", "seventy", "-o", "seventy.roma", code=2, say="model-00031-of-00030.safetensors")
    check(not os.path.exists("seventy.roma"), "70B leaves an image")


def main():
    if len(sys.argv) > 2:
        taken = killed(int(sys.argv[2]))
        finish(f"{sys.argv[2]} builds killed, {taken} of them with a record")
        return
    counts = {"close": 0, "compared": 0}
    llama3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    yarn = {"rope_type": "yarn", "factor": 4.0, "beta_fast": 4.0, "beta_slow": 0.5, "original_max_position_embeddings": 64}
    template = {"chat_template.jinja": CHATML.encode()}
    cases = [
        ("llama", config_of("llama", 1030), hf.F32, 1, byte_level("gpt-2", 1030, False, False)),
        ("llama_tied", config_of("llama", 1025, tie_word_embeddings=True, rope_theta=500000.0, rope_scaling=llama3), hf.BF16, 3,
         byte_level("llama-bpe", 1025, True, True)),
        ("mistral", config_of("mistral", 1032, head_dim=32, sliding_window=None, rope_scaling={"type": "linear", "factor": 2.0}), hf.F16, 2,
         byte_level("smollm", 1032, True, False)),
        ("qwen2", config_of("qwen2", 1040, tie_word_embeddings=True, rope_theta=1e6, use_sliding_window=False), hf.BF16, 1,
         byte_level("qwen2", 1040, False, False)),
        ("qwen3", config_of("qwen3", 1040, head_dim=32, rope_theta=1e6), hf.F32, 5, byte_level("qwen2", 1040, True, False)),
        ("biases", config_of("llama", 1030, attention_bias=True, mlp_bias=True, head_dim=32, rope_scaling=dict(yarn, attention_factor=1.4)), hf.F32, 1,
         byte_level("gpt-2", 1030, False, False)),
        ("qwen3_biases", config_of("qwen3", 1040, attention_bias=True, head_dim=32, rope_scaling=yarn), hf.F16, 1, byte_level("qwen2", 1040, True, False)),
    ]
    for seed, (name, config, dtype, shards, (files, keys)) in enumerate(cases):
        w = same(name, config, dtype, shards, files, keys, seed=seed, **template)
        same_ids(name, 200)
        greedy(name, config, w, counts)
        exact(name, config, w)
    run("eval", "qwen3.hf.roma", "--ids", "ids", "--against", "llama", code=2, say="a vocabulary of 1030 cannot be compared with one of 1040")
    for name, as_json in (("spm_model", False), ("spm_json", True)):
        files, keys, n = sentencepiece(as_json)
        config = config_of("llama", n, bos_token_id=1)
        w = same(name, config, hf.F16, 1, files, keys, exact=not as_json)
        same_ids(name, 200)
        greedy(name, config, w, counts)
    report()
    methods()
    packed()
    base_of()
    seventy()
    kills = 6
    taken = killed(kills)
    check(counts["compared"] >= 200, f"{counts['compared']} ids compared")
    finish(f"{counts['compared']} greedy ids compared, {counts['close']} too close to call; {kills} builds killed, {taken} of them with a record")


with own_folder():
    main()
