#!/usr/bin/env python3
"""Models and adapters as people bring them, made here, through roma and through a computation of their own in double (NumPy): odd
widths, biases, scalings of RoPE; adapters of PEFT with patterns, of MLX, of any name.
usage: test_settings.py ROMA PATTERN_LINES"""
import json
import math
import os
import struct
import subprocess
import sys

import numpy as np

from shared import TOP, check, finish, output, own_folder, run, safetensors

sys.path.insert(0, os.path.join(TOP, "tests", "adapter"))

VOCAB, TOKENS = 61, 70          # two pages and a bit
IDS = np.random.default_rng(5).integers(3, VOCAB, TOKENS)


# ------------------------------------------------------------------ files

def text(s):
    return struct.pack("<Q", len(s.encode())) + s.encode()


def value(v):
    if isinstance(v, bool):
        return struct.pack("<IB", 7, v)
    if isinstance(v, int):
        return struct.pack("<II", 4, v)
    if isinstance(v, float):
        return struct.pack("<If", 6, v)
    if isinstance(v, str):
        return struct.pack("<I", 8) + text(v)
    kind = 8 if isinstance(v[0], str) else 6 if isinstance(v[0], float) else 5
    body = b"".join(text(x) if kind == 8 else struct.pack("<f" if kind == 6 else "<i", x) for x in v)
    return struct.pack("<IIQ", 9, kind, len(v)) + body


def gguf(path, keys, tensors):
    out, at, data = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)), 0, b""
    for k, v in keys.items():
        out += text(k) + value(v)
    for name, a in tensors.items():
        out += text(name) + struct.pack("<I", a.ndim) + b"".join(struct.pack("<Q", n) for n in a.shape[::-1]) + struct.pack("<IQ", 0, at)
        raw = a.astype("<f4").tobytes()
        raw += bytes(-len(raw) % 32)
        at += len(raw)
        data += raw
    with open(path, "wb") as f:
        f.write(out + bytes(-len(out) % 32) + data)


# ------------------------------------------------------------------ a model and its forward pass

def eight_bits(a):
    """Values that eight bits hold: in groups of 32 of a row, under a scale of 16 bits."""
    wide = np.pad(a, ((0, 0), (0, -a.shape[1] % 32))).reshape(a.shape[0], -1, 32).astype(np.float32)
    scale = (np.abs(wide).max(-1, keepdims=True) / np.float32(127)).astype(np.float16).astype(np.float32)
    codes = np.clip(np.rint(wide / np.where(scale > 0, scale, 1)), -127, 127)
    return (codes * scale).reshape(a.shape[0], -1)[:, :a.shape[1]]


def model(arch="llama", heads=4, kv=2, head=16, hidden=64, ffn=96, layers=2, biases="", tied=False, seed=1, **keys):
    """(keys, tensors) of a GGUF file."""
    rng = np.random.default_rng(seed)
    w, b = (lambda r, c, g=1.0: eight_bits(rng.standard_normal((r, c)) * g / math.sqrt(c))), (lambda n: 0.3 * rng.standard_normal(n))
    norm = lambda n: 1 + 0.2 * rng.standard_normal(n)
    q, k = heads * head, kv * head
    t = {"token_embd.weight": w(VOCAB, hidden, 1.0)}
    for i in range(layers):
        for name, shape in (("attn_q", (q, hidden)), ("attn_k", (k, hidden)), ("attn_v", (k, hidden)), ("attn_output", (hidden, q)),
                            ("ffn_gate", (ffn, hidden)), ("ffn_up", (ffn, hidden)), ("ffn_down", (hidden, ffn))):
            t[f"blk.{i}.{name}.weight"] = w(*shape)
            if name in biases.split() or (arch == "qwen2" and name in ("attn_q", "attn_k", "attn_v")):
                t[f"blk.{i}.{name}.bias"] = b(shape[0])
        if arch == "qwen3":
            t[f"blk.{i}.attn_q_norm.weight"], t[f"blk.{i}.attn_k_norm.weight"] = norm(head), norm(head)
        t[f"blk.{i}.attn_norm.weight"], t[f"blk.{i}.ffn_norm.weight"] = norm(hidden), norm(hidden)
    t["output_norm.weight"] = norm(hidden)
    if not tied:
        t["output.weight"] = w(VOCAB, hidden, 0.8)
    own = {"block_count": layers, "context_length": 128, "embedding_length": hidden, "feed_forward_length": ffn, "attention.head_count": heads,
           "attention.head_count_kv": kv, "attention.key_length": head, "attention.value_length": head,
           "attention.layer_norm_rms_epsilon": 1e-5, "rope.freq_base": 10000.0}
    own.update({k.replace("__", "."): v for k, v in keys.items()})
    tokens = ["<unk>", "<s>", "</s>"] + [f"t{i}" for i in range(VOCAB - 3)]
    k = {"general.architecture": arch, "general.name": "made here", "tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": tokens,
         "tokenizer.ggml.scores": [0.0] * VOCAB, "tokenizer.ggml.token_type": [2, 3, 3] + [1] * (VOCAB - 3)}
    k.update({f"{arch}.{n}": v for n, v in own.items()})
    return k, {n: np.asarray(a, np.float32) for n, a in t.items()}


def rope(keys, tensors, arch):
    """Angle per position of each pair, and the factor of cos and sin: the rules of docs/import.md, once more."""
    get = lambda n, d: keys.get(f"{arch}.rope." + n, d)
    dim, base = get("dimension_count", keys[f"{arch}.attention.key_length"]), get("freq_base", 10000.0)
    i = np.arange(dim // 2)
    plain = base ** (-2.0 * i / dim) / tensors.get("rope_freqs.weight", np.ones(dim // 2)).astype(np.float64)
    kind, s = get("scaling.type", "linear"), get("scaling.factor", 0.0) or get("scale_linear", 0.0) or 1.0
    gain = get("scaling.attn_factor", 1.0)
    if kind == "none":
        return dim, plain, gain
    if kind == "linear":
        return dim, plain / s, gain
    orig = get("scaling.original_context_length", 0) or keys[f"{arch}.context_length"]
    pair = lambda turns: dim * math.log(orig / (turns * 2 * math.pi)) / (2 * math.log(base))
    low = max(math.floor(pair(get("scaling.yarn_beta_fast", 32.0))), 0)
    high = min(math.ceil(pair(get("scaling.yarn_beta_slow", 1.0))), dim - 1)
    stays = 1 - np.clip((i - low) / max(high - low, 0.001), 0, 1)
    gain *= get("scaling.yarn_attn_factor", 1 + 0.1 * math.log(s) if s > 1 else 1.0)
    return dim, plain * stays + plain / s * (1 - stays), gain


def forward(keys, tensors):
    arch = keys["general.architecture"]
    get = lambda n: keys[f"{arch}.{n}"]
    heads, kv, head, eps = get("attention.head_count"), get("attention.head_count_kv"), get("attention.key_length"), get("attention.layer_norm_rms_epsilon")
    t = {n: a.astype(np.float64) for n, a in tensors.items()}
    norm = lambda x, g: x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * g
    linear = lambda x, n: x @ t[n + ".weight"].T + t.get(n + ".bias", 0.0)
    dim, freq, gain = rope(keys, tensors, arch)
    angle = np.arange(TOKENS)[:, None] * freq[None, :]
    cos, sin = gain * np.cos(angle)[:, None, :], gain * np.sin(angle)[:, None, :]

    def turn(x):
        out, half = x.copy(), dim // 2
        a, b = (x[..., 0:dim:2], x[..., 1:dim:2]) if arch == "llama" else (x[..., :half], x[..., half:dim])
        ra, rb = a * cos - b * sin, a * sin + b * cos
        if arch == "llama":
            out[..., 0:dim:2], out[..., 1:dim:2] = ra, rb
        else:
            out[..., :half], out[..., half:dim] = ra, rb
        return out

    x = t["token_embd.weight"][IDS] + t.get("embedding delta", np.zeros(1))
    mask = np.triu(np.full((TOKENS, TOKENS), -np.inf), 1)
    for i in range(get("block_count")):
        p = f"blk.{i}."
        h = norm(x, t[p + "attn_norm.weight"])
        q, k, v = (linear(h, p + n).reshape(TOKENS, -1, head) for n in ("attn_q", "attn_k", "attn_v"))
        if p + "attn_q_norm.weight" in t:
            q, k = norm(q, t[p + "attn_q_norm.weight"]), norm(k, t[p + "attn_k_norm.weight"])
        q, k = turn(q), turn(k)
        k, v = np.repeat(k, heads // kv, 1), np.repeat(v, heads // kv, 1)
        s = np.einsum("ihd,jhd->hij", q, k) / math.sqrt(head) + mask
        s = np.exp(s - s.max(-1, keepdims=True))
        o = np.einsum("hij,jhd->ihd", s / s.sum(-1, keepdims=True), v).reshape(TOKENS, -1)
        x = x + linear(o, p + "attn_output")
        h = norm(x, t[p + "ffn_norm.weight"])
        g = linear(h, p + "ffn_gate")
        x = x + linear(g / (1 + np.exp(-g)) * linear(h, p + "ffn_up"), p + "ffn_down")
    x = norm(x, t["output_norm.weight"])
    head_w = t.get("output.weight", t["token_embd.weight"])
    return x @ (head_w + t.get("head delta", 0.0)).T


def kl(a, b):
    la, lb = (x - x.max(-1, keepdims=True) for x in (a, b))
    la, lb = (x - np.log(np.exp(x).sum(-1, keepdims=True)) for x in (la, lb))
    return float((np.exp(la) * (la - lb)).sum(-1).mean())


def logits(image, *more):
    IDS.astype("<i4").tofile("ids")
    output("eval", image, "--ids", "ids", "--all", "--dump-logits", "dump", *more)
    return np.fromfile("dump", "<f4").reshape(TOKENS, -1).astype(np.float64)


def build(made, name="m"):
    gguf(name + ".gguf", *made)
    run("build", name + ".gguf", "--quant", "q8", "-o", name + ".roma")
    run("verify", name + ".roma")
    return name + ".roma"


# ------------------------------------------------------------------ settings and shapes

YARN = dict(rope__scaling__type="yarn", rope__scaling__factor=4.0, rope__scaling__original_context_length=16)
# What it is, the model, and what to leave out to see that it matters (None: nothing can be left out).
MODELS = [
    ("plain", {}, None),
    ("heads of 100", dict(heads=2, kv=1, head=100, hidden=200), None),
    ("heads of 24 and 1 KV head", dict(heads=4, kv=1, head=24, hidden=96), None),
    ("heads of 8, as stories260K", dict(heads=8, kv=4, head=8, hidden=64, ffn=172, layers=3, tied=True), None),
    ("heads of 12, three of them", dict(heads=3, kv=3, head=12, hidden=36, ffn=99), None),
    ("heads of 120 in qwen3", dict(arch="qwen3", heads=2, kv=1, head=120, hidden=72, ffn=50), None),
    ("three heads of 16 in qwen2", dict(arch="qwen2", heads=3, kv=1, head=16, hidden=48, ffn=172), None),
    ("biases of q, k, v and o", dict(biases="attn_q attn_k attn_v attn_output"), ".attn_output.bias"),
    ("biases of gate, up and down", dict(biases="ffn_gate ffn_up ffn_down", ffn=172), ".bias"),
    ("linear scaling", dict(rope__scaling__type="linear", rope__scaling__factor=4.0), "rope.scaling.factor"),
    ("linear scaling, old key", dict(rope__scale_linear=4.0), "rope.scale_linear"),
    ("attention factor", dict(rope__scaling__attn_factor=1.5), "rope.scaling.attn_factor"),
    ("attention factor, linear", dict(rope__scaling__type="linear", rope__scaling__factor=2.0, rope__scaling__attn_factor=1.5), "rope.scaling.attn_factor"),
    ("YaRN", YARN, "rope.scaling.type"),
    ("YaRN, its attention factor", dict(YARN, rope__scaling__yarn_attn_factor=1.6), "rope.scaling.yarn_attn_factor"),
    ("YaRN, its betas", dict(YARN, rope__scaling__original_context_length=128, rope__scaling__yarn_beta_fast=2.0, rope__scaling__yarn_beta_slow=0.5),
     "rope.scaling.yarn_beta_fast"),
    ("YaRN in qwen2", dict(YARN, arch="qwen2"), "rope.scaling.original_context_length"),
    ("Llama 3's factors", dict(freqs=True), "rope_freqs.weight"),
    ("half of each head rotated", dict(arch="qwen3", head=32, hidden=128, rope__dimension_count=16), "rope.dimension_count"),
    ("a quarter of each odd head rotated", dict(head=24, hidden=96, rope__dimension_count=6), "rope.dimension_count"),
]


def test_models():
    for what, make, without in MODELS:
        make = dict(make)
        freqs = make.pop("freqs", False)
        keys, tensors = model(**make)
        if freqs:
            tensors["rope_freqs.weight"] = np.array([1, 1, 1.5, 2.7, 8, 8, 8, 8], np.float32)
        image = build((keys, tensors))
        want, got = forward(keys, tensors), logits(image)
        d = kl(want, got)
        check(d <= 1e-3, f"{what}: divergence {d:.3g}")
        if without:
            less = ({k: v for k, v in keys.items() if not k.endswith("." + without)}, {n: a for n, a in tensors.items() if not n.endswith(without)})
            check(kl(want, forward(*less)) >= 10 * max(d, 1e-4), f"{what}: without it the model is nearly the same, so nothing was tested")


# ------------------------------------------------------------------ adapters

MODULES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
           "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


def hf_rows(a, head):
    """Rows of q or k in Hugging Face's order, from GGUF's for llama: halves from neighbours."""
    n = a.reshape(-1, head // 2, 2, *a.shape[1:])
    return np.ascontiguousarray(np.moveaxis(n, 2, 1)).reshape(a.shape)


def pair(rng, rows, cols, rank):
    return (rng.standard_normal((rank, cols)) / math.sqrt(cols)).astype(np.float32), (rng.standard_normal((rows, rank)) * 0.7 / math.sqrt(rank)).astype(np.float32)


def adapt(made, targets, rank_of, scale_of, seed=3):
    """The adapted model, and A and B of each module in GGUF's order of rows."""
    keys, tensors = made
    rng, after, pairs = np.random.default_rng(seed), dict(tensors), {}
    for layer, module in targets:
        name = f"blk.{layer}.{MODULES[module]}.weight"
        a, b = pair(rng, *tensors[name].shape, rank_of(layer, module))
        pairs[layer, module] = a, b
        after[name] = (tensors[name].astype(np.float64) + scale_of(layer, module) * (b.astype(np.float64) @ a)).astype(np.float64)
    return (keys, after), pairs


def as_hf(made, module, b):
    keys, _ = made
    return hf_rows(b, keys["llama.attention.key_length"]) if module in ("self_attn.q_proj", "self_attn.k_proj") else b


def peft(folder, made, pairs, config, name="", stem="base_model.model.model.layers."):
    os.makedirs(folder, exist_ok=True)
    out = {}
    for (layer, module), (a, b) in pairs.items():
        out[f"{stem}{layer}.{module}.lora_A.{name}weight"] = a
        out[f"{stem}{layer}.{module}.lora_B.{name}weight"] = as_hf(made, module, b)
    safetensors(f"{folder}/adapter_model.safetensors", out)
    with open(f"{folder}/adapter_config.json", "w") as f:
        json.dump(config, f)


def same(what, image, after, source, *flags):
    run("adapter", "build", source, "--base", image, "-o", "a.lora.roma", *flags)
    run("verify", "a.lora.roma")
    want, got = forward(*after), logits(image, "--lora", "a.lora.roma")
    base = logits(image)
    check(kl(want, got) <= 2e-3, f"{what}: divergence {kl(want, got):.3g}")
    check(kl(want, base) >= 10 * kl(want, got), f"{what}: the adapter does too little to tell")


def test_peft():
    made = model(head=24, hidden=96, ffn=172)
    image = build(made)
    all_of = [(l, m) for l in range(2) for m in MODULES]
    config = dict(peft_type="LORA", r=4, lora_alpha=8, target_modules=[m.split(".")[1] for m in MODULES], bias="none")
    after, pairs = adapt(made, all_of, lambda *_: 4, lambda *_: 2.0)
    old = dict(config, enable_lora=None, merge_weights=False, fan_in_fan_out=False)
    peft("old", made, pairs, old, "mine.")
    same("PEFT 0.2's keys, a name of its own, odd widths", image, after, "old")
    peft("bare", made, pairs, config, stem="base_model.model.layers.")
    same("a model without its head", image, after, "bare")
    ranks = lambda l, m: 8 if l == 1 and m.endswith("q_proj") else 4
    after, pairs = adapt(made, all_of, ranks, lambda l, m: (16 if m.startswith("mlp") else 8) / ranks(l, m))
    pattern = dict(config, rank_pattern={r".*layers\.1\..*q_proj": 8}, alpha_pattern={r"mlp\.(gate|up|down)_proj": 16}, target_modules=r".*_proj")
    peft("pattern", made, pairs, pattern)
    same("patterns", image, after, "pattern")
    some = [(1, m) for m in MODULES if "self_attn" in m]
    after, pairs = adapt(made, some, lambda *_: 4, lambda *_: 2.0)
    peft("some", made, pairs, dict(config, target_modules=r"model\.layers\.\d+\.(self_attn|mlp)\..*", exclude_modules=r".*\.(mlp|layers\.0)\..*"))
    same("a text of targets, another that excludes", image, after, "some")
    for change, say in ((dict(merge_weights=True), "merge_weights"), (dict(enable_lora=[True]), "enable_lora"),
                        (dict(rank_pattern={"(?=q)q_proj": 2}), "look-ahead"), (dict(rank_pattern={r"(q)_\1": 2}), "back-reference"),
                        (dict(alpha_pattern={"(?i)Q_PROJ": 2}), "extension"), (dict(target_modules="*"), "nothing stands before"),
                        (dict(target_modules="q_proj"), "do not name it"), (dict(target_modules=r".*\.self_attn\..*"), "but its matrices are missing"),
                        (dict(target_modules="a" * 1025), "1 KiB"), (dict(rank_pattern={"(.{16}){17}": 3}), "256"),
                        (dict(target_modules=r".*_proj", layers_to_transform=[1]), "layers_to_transform"),
                        (dict(rank_pattern={f"a{i}": 1 for i in range(257)}), "256 patterns"), (dict(exclude_modules=["q_proj"]), "do not name it")):
        peft("bad", made, pairs, {**config, "layers_to_transform": [1], "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"], **change})
        if "target_modules" in change and "layers_to_transform" not in change:
            peft("bad", made, pairs, {**config, **change})
        run("adapter", "build", "bad", "--base", image, "-o", "b.roma", code=2, say=say)


def mlx(folder, made, pairs, config):
    os.makedirs(folder, exist_ok=True)
    out = {}
    for (layer, module), (a, b) in pairs.items():
        out[f"model.layers.{layer}.{module}.lora_a"] = a.T
        out[f"model.layers.{layer}.{module}.lora_b"] = as_hf(made, module, b).T
    safetensors(f"{folder}/adapters.safetensors", out)
    with open(f"{folder}/adapter_config.json", "w") as f:
        json.dump(config, f)


def test_mlx():
    made = model(heads=4, kv=2, head=20, hidden=80, ffn=172)
    image = build(made)
    after, pairs = adapt(made, [(1, m) for m in MODULES], lambda *_: 4, lambda *_: 3.0)
    config = dict(fine_tune_type="lora", num_layers=1, model="x", data="d", seed=0, lora_parameters=dict(rank=4, scale=3.0, dropout=0.0, keys=["self_attn.q_proj"]))
    mlx("mlx", made, pairs, config)
    same("MLX", image, after, "mlx")
    mlx("mlx", made, pairs, dict(lora_layers=1, lora_parameters=dict(rank=4, alpha=12, scale=1.0, dropout=0.0)))
    same("MLX's first versions", image, after, "mlx")
    for change, say in ((dict(fine_tune_type="dora"), "magnitudes are missing"), (dict(fine_tune_type="ia3"), "fine_tune_type"), (dict(fine_tune_type="full"), "whole retrained"), (dict(lora_parameters=None), "lora_parameters"),
                        (dict(lora_parameters=dict(rank=5, scale=3.0)), "rank 4"), (dict(lora_parameters=dict(rank=4)), "rank and scale"),
                        (dict(lora_parameters=dict(rank=4, scale="3")), "scale"), (dict(lora_parameters=dict(rank=0, scale=1.0)), "rank"),
                        (dict(lora_parameters=[4]), "must be an object")):
        mlx("badmlx", made, pairs, {**config, **change})
        run("adapter", "build", "badmlx", "--base", image, "-o", "b.roma", code=2, say=say)
    for name, say in (("model.layers.1.self_attn.q_proj.m", "a magnitude for each"), ("model.embed_tokens.m", "a magnitude a token"), ("model.layers.1.self_attn.q_proj.mm", "no part"), ("layers.1.self_attn.q_proj.lora_a", "no part"), ("model.layers.9.self_attn.q_proj.lora_a", "2 layers"),
                      ("model.embed_tokens.weight", "no part")):
        mlx("badmlx", made, pairs, config)
        safetensors("badmlx/adapters.safetensors", {name: np.zeros((80, 4), np.float32)})
        run("adapter", "build", "badmlx", "--base", image, "-o", "b.roma", code=2, say=say)
    safetensors("badmlx/adapters.safetensors", {"model.layers.1.self_attn.q_proj.lora_a": np.zeros((4, 80), np.float32)})
    run("adapter", "build", "badmlx", "--base", image, "-o", "b.roma", code=2, say="80 columns")


def test_head_and_embedding():
    """Adapters of the head and of the embedding, tied or not: PEFT, GGUF and MLX, alone and with others."""
    for tied in (False, True):
        made = model(head=24, hidden=84, ffn=100, tied=tied)
        image = build(made)
        keys, tensors = made
        some = [(0, "self_attn.v_proj")]
        after, pairs = adapt(made, some, lambda *_: 4, lambda *_: 2.0)
        rng = np.random.default_rng(9)
        head_a, head_b = pair(rng, VOCAB, 84, 4)
        embed_a, embed_b = (rng.standard_normal((4, VOCAB)) / 2).astype(np.float32), (rng.standard_normal((84, 4)) / 8).astype(np.float32)
        full = dict(after[1])
        full["embedding delta"] = (2.0 * (embed_b.astype(np.float64) @ embed_a)).T[IDS]
        full["head delta"] = 2.0 * (head_b.astype(np.float64) @ head_a)
        after = keys, full
        config = dict(peft_type="LORA", r=4, lora_alpha=8, target_modules=["v_proj", "lm_head", "embed_tokens"], layers_to_transform=None, bias="none", exclude_modules="model.layers.1.*")
        peft("whole", made, pairs, config)
        v = "base_model.model.model.layers.0.self_attn.v_proj.lora_"
        (a, b), stem = pairs[0, "self_attn.v_proj"], "base_model.model."
        parts = {v + "A.weight": a, v + "B.weight": b, stem + "lm_head.lora_A.weight": head_a, stem + "lm_head.lora_B.weight": head_b,
                 stem + "model.embed_tokens.lora_embedding_A": embed_a, stem + "model.embed_tokens.lora_embedding_B": embed_b}
        safetensors("whole/adapter_model.safetensors", parts)
        same(f"head and embedding, PEFT, tied {tied}", image, after, "whole", "--lora-type", "f16")
        whole = tensors["token_embd.weight" if tied else "output.weight"]
        kept = {stem + "lm_head.base_layer.weight": whole, stem + "model.embed_tokens.base_layer.weight": tensors["token_embd.weight"]}
        safetensors("whole/adapter_model.safetensors", {**parts, **kept})
        same(f"head and embedding with the base's own beside them, as PEFT saves, tied {tied}", image, after, "whole", "--lora-type", "f16")
        one = logits(image, "--lora", "a.lora.roma", "--threads", "1", "--rows", "1")
        many = logits(image, "--lora", "a.lora.roma", "--threads", "3")
        check(np.array_equal(one, many), "the same bits whatever the threads and rows of a step")
        with open("whole/adapter_config.json", "w") as f:
            json.dump({**config, "target_modules": ["v_proj", "embed_tokens"], "exclude_modules": "model.layers.1.*", "ensure_weight_tying": True}, f)
        same(f"head and embedding tied by PEFT, which names one, tied {tied}", image, after, "whole", "--lora-type", "f16")
        safetensors("whole/adapter_model.safetensors", {n: a for n, a in parts.items() if "lm_head" not in n})
        if tied:
            run("adapter", "build", "whole", "--base", image, "-o", "b.roma", code=2, say="matrices of lm_head are missing")
        else:
            run("adapter", "build", "whole", "--base", image, "-o", "b.roma")
        with open("whole/adapter_config.json", "w") as f:
            json.dump(config, f)
        ggml = {"blk.0.attn_v.weight.lora_a": a, "blk.0.attn_v.weight.lora_b": b, "output.weight.lora_a": head_a, "output.weight.lora_b": head_b,
                "token_embd.weight.lora_a": embed_a.T, "token_embd.weight.lora_b": embed_b}
        gguf("lora.gguf", {"general.type": "adapter", "general.architecture": "llama", "adapter.type": "lora", "adapter.lora.alpha": 8.0}, ggml)
        same(f"head and embedding, GGUF, tied {tied}", image, after, "lora.gguf", "--lora-type", "f16")
        mlx("mlxwhole", made, {}, dict(fine_tune_type="lora", lora_parameters=dict(rank=4, scale=2.0)))
        safetensors("mlxwhole/adapters.safetensors", {"model.layers.0.self_attn.v_proj.lora_a": a.T, "model.layers.0.self_attn.v_proj.lora_b": b.T,
                    "lm_head.lora_a": head_a.T, "lm_head.lora_b": head_b.T, "model.embed_tokens.lora_a": embed_a.T, "model.embed_tokens.lora_b": embed_b.T})
        same(f"head and embedding, MLX, tied {tied}", image, after, "mlxwhole", "--lora-type", "f16")
    for name, shape, say in (("lm_head.weight", (VOCAB, 84), "a whole head"), ("model.embed_tokens.weight", (VOCAB, 84), "a whole embedding"),
                             ("lm_head.base_layer.weight", (VOCAB, 84), "a whole head"), ("lm_head.lora_C.weight", (4, 84), "head"),
                             ("model.embed_tokens.lora_embedding_C", (4, VOCAB), "embedding")):
        safetensors("whole/adapter_model.safetensors", {**parts, stem + name: np.zeros(shape, np.float32)})
        run("adapter", "build", "whole", "--base", image, "-o", "b.roma", code=2, say=say)
    for name, shape, say in (("lm_head.lora_A.weight", (4, 83), "84 columns"), ("lm_head.lora_B.weight", (60, 4), "61 rows"),
                             ("model.embed_tokens.lora_embedding_A", (4, 62), "61 columns"), ("model.embed_tokens.lora_embedding_B", (83, 4), "84 rows")):
        safetensors("whole/adapter_model.safetensors", {**parts, stem + name: np.zeros(shape, np.float32)})
        run("adapter", "build", "whole", "--base", image, "-o", "b.roma", code=2, say=say)


def test_dora():
    """DoRA: a factor a row of the product without its bias, PEFT and MLX, beside biases and odd widths, head and embedding too."""
    made = model(head=24, hidden=84, ffn=100, biases="attn_q attn_k attn_v attn_output ffn_down")
    image, (keys, tensors), rng = build(made), made, np.random.default_rng(12)
    all_of = [(l, m) for l in range(2) for m in MODULES]
    (_, plain), pairs = adapt(made, all_of, lambda *_: 4, lambda *_: 2.0)
    after, magnitudes, stem = dict(plain), {}, "base_model.model."
    for layer, module in all_of:
        name = f"blk.{layer}.{MODULES[module]}.weight"
        m = np.linalg.norm(tensors[name].astype(np.float64), axis=1) * rng.uniform(0.5, 1.5, len(tensors[name]))
        after[name] = plain[name] * (m / np.linalg.norm(plain[name], axis=1))[:, None]
        magnitudes[layer, module] = m
    config = dict(peft_type="LORA", r=4, lora_alpha=8, target_modules=[m.split(".")[1] for m in MODULES], bias="none", use_dora=True)
    peft("dora", made, pairs, config)
    parts = {f"{stem}model.layers.{l}.{m}.lora_{x}.weight": y for (l, m), (a, b) in pairs.items() for x, y in (("A", a), ("B", as_hf(made, m, b)))}
    names = {f"{stem}model.layers.{l}.{m}.lora_magnitude_vector": as_hf(made, m, x) for (l, m), x in magnitudes.items()}
    safetensors("dora/adapter_model.safetensors", {**parts, **names})
    same("DoRA, PEFT", image, (keys, after), "dora")
    check("DoRA" in output("inspect", "a.lora.roma").decode() and json.loads(output("inspect", "a.lora.roma", "--json"))["dora"], "inspect says DoRA")
    one = logits(image, "--lora", "a.lora.roma", "--threads", "1", "--rows", "1", "--isa", "scalar")
    check(np.array_equal(one, logits(image, "--lora", "a.lora.roma", "--threads", "3")), "the same bits whatever threads, rows and instruction set")
    peft("plainone", made, pairs, dict(config, use_dora=False))
    run("adapter", "build", "plainone", "--base", image, "-o", "p.lora.roma")
    base = logits(image)
    check(np.array_equal(base, logits(image, "--lora", "a.lora.roma:0")), "DoRA switched off")
    check(np.array_equal(one, logits(image, "--lora", "p.lora.roma:0", "--lora", "a.lora.roma")), "DoRA behind one that is off")
    sums = {n: (after[n] + plain[n] - tensors[n] if n in after and n.startswith("blk") and n.endswith("weight") and tensors[n].ndim == 2 else after[n]) for n in after}
    both = logits(image, "--lora", "a.lora.roma", "--lora", "p.lora.roma")
    check(kl(forward(keys, sums), both) <= 4e-3, f"plain LoRA behind DoRA: {kl(forward(keys, sums), both):.3g}")
    for loras in (("p.lora.roma", "a.lora.roma"), ("a.lora.roma:0.5",), ("a.lora.roma", "a.lora.roma")):
        run("eval", image, "--ids", "ids", *[x for l in loras for x in ("--lora", l)], code=2, say="DoRA adapter must be the first")
    run("adapter", "merge", "a.lora.roma", "p.lora.roma", "-o", "m.lora.roma", code=2, say="DoRA")
    run("adapter", "diff", "a.lora.roma", "p.lora.roma", code=2, say="DoRA")
    os.makedirs("mlxdora", exist_ok=True)
    turned = {f"model.layers.{l}.{m}.lora_{x}": y.T for (l, m), (a, b) in pairs.items() for x, y in (("a", a), ("b", as_hf(made, m, b)))}
    turned.update({f"model.layers.{l}.{m}.m": as_hf(made, m, x) for (l, m), x in magnitudes.items()})
    mlx("mlxdora", made, {}, dict(fine_tune_type="dora", lora_parameters=dict(rank=4, scale=2.0)))
    safetensors("mlxdora/adapters.safetensors", turned)
    same("DoRA, MLX", image, (keys, after), "mlxdora")
    outer_dora(made, image, rng)
    q = stem + "model.layers.0.self_attn.q_proj."
    for change, use, say in ((dict(), False, "does not speak of"), ({q + "lora_magnitude_vector": None}, True, "magnitudes are missing"),
                             ({q + "lora_magnitude_vector": np.ones(95)}, True, "each of 96 rows"), ({q + "lora_magnitude_vector": np.ones((96, 1))}, True, "each of 96 rows"),
                             ({q + "lora_magnitude_vector": np.full(96, np.nan)}, True, "not a number"), ({q + "lora_magnitude_vector": np.full(96, 1e38)}, True, "too large"),
                             ({q + "lora_magnitude_vector.b.c": np.ones(96)}, True, "no part"), ({q + "lora_magnitude_vector.other": np.ones(96)}, True, "another adapter"),
                             ({q + "lora_magnitude_vector.default": np.ones(96)}, True, "twice"), ({q + "lora_A.weight": None}, True, "matrix A is missing"),
                             ({q + "lora_A.weight": None, q + "lora_B.weight": None}, True, "matrices are missing")):
        kept = {n: a for n, a in {**parts, **names, **change}.items() if a is not None}
        safetensors("dora/adapter_model.safetensors", kept)
        with open("dora/adapter_config.json", "w") as f:
            json.dump(dict(config, use_dora=use), f)
        run("adapter", "build", "dora", "--base", image, "-o", "b.roma", code=2, say=say)


def outer_dora(made, image, rng):
    keys, tensors = made
    a, b = pair(rng, VOCAB, 84, 4)
    ea, eb = (rng.standard_normal((4, VOCAB)) / 2).astype(np.float32), (rng.standard_normal((84, 4)) / 8).astype(np.float32)
    head, embed = tensors["output.weight"] + 2.0 * (b.astype(np.float64) @ a), tensors["token_embd.weight"].T + 2.0 * (eb.astype(np.float64) @ ea)
    mh, me = (np.linalg.norm(x, axis=1) * rng.uniform(0.7, 1.3, len(x)) for x in (head, embed))
    after = dict(tensors)
    after["output.weight"] = head * (mh / np.linalg.norm(head, axis=1))[:, None]
    after["embedding delta"] = ((embed * (me / np.linalg.norm(embed, axis=1))[:, None]).T - tensors["token_embd.weight"])[IDS]
    stem = "base_model.model."
    peft("outer", made, {}, dict(peft_type="LORA", r=4, lora_alpha=8, target_modules=["lm_head", "embed_tokens"], bias="none", use_dora=True))
    safetensors("outer/adapter_model.safetensors", {
        stem + "lm_head.lora_A.default.weight": a, stem + "lm_head.lora_B.default.weight": b, stem + "lm_head.lora_magnitude_vector.default.weight": mh,
        stem + "model.embed_tokens.lora_embedding_A.default": ea, stem + "model.embed_tokens.lora_embedding_B.default": eb,
        stem + "model.embed_tokens.lora_magnitude_vector.weight": me})
    same("DoRA of head and embedding", image, (keys, after), "outer", "--lora-type", "f16")


def test_decisions():
    """Every architecture of the table in docs/import.md is run, or refused with the reason that the table gives."""
    page = open(os.path.join(TOP, "docs", "import.md")).read()
    rows = page[page.index("| decision | architectures |"):].split("\n\n")[0].splitlines()[2:]
    count = 0
    for row in rows:
        decision, names = [x.strip() for x in row.strip("|").split("|")]
        for name in names.replace("`", "").split(", "):
            count += 1
            gguf("arch.gguf", {"general.architecture": name}, {"token_embd.weight": np.zeros((2, 32), np.float32)})
            why = decision.split(": ", 1)[1] if ": " in decision else "'%s.block_count' is missing" % name
            run("build", "arch.gguf", "-o", "arch.roma", code=2, say=why)
    check(count >= 140, f"{count} architectures")


def test_patterns():
    r = subprocess.run([sys.executable, os.path.join(TOP, "tests", "import", "check_patterns.py"), LINES, "2000"], capture_output=True, text=True)
    check(r.returncode == 0, r.stdout + r.stderr)


if __name__ == "__main__":
    LINES = os.path.abspath(sys.argv[2])
    with own_folder():
        test_patterns()
        test_decisions()
        test_models()
        test_peft()
        test_mlx()
        test_head_and_embedding()
        test_dora()
    finish()
