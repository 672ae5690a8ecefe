"""Random models written twice, as a Hugging Face folder and as the GGUF file that llama.cpp's converter makes of it, in NumPy alone,
and a forward pass of the folder: what tests of imported folders compare with."""
import json
import os
import struct

import numpy as np

F32, F16, BF16 = "F32", "F16", "BF16"
GGML = {F32: 0, F16: 1, BF16: 30}
HIDDEN, FFN, LAYERS, HEADS, KV, DIM = 64, 96, 2, 4, 2, 16
FAMILIES = {  # model_type: class, GGUF's architecture
    "llama": ("LlamaForCausalLM", "llama"),
    "mistral": ("MistralForCausalLM", "llama"),
    "qwen2": ("Qwen2ForCausalLM", "qwen2"),
    "qwen3": ("Qwen3ForCausalLM", "qwen3"),
}
NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output", "input_layernorm": "attn_norm",
         "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate",
         "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


# ---- values ----

def to_bytes(x, dtype):
    """x in FP32 as stored; rounded to nearest even."""
    x = np.ascontiguousarray(x, np.float32)
    if dtype == F32:
        return x.tobytes()
    if dtype == F16:
        return x.astype(np.float16).tobytes()
    u = x.view(np.uint32)
    return ((u + 0x7FFF + (u >> 16 & 1)) >> 16).astype(np.uint16).tobytes()


def stored(x, dtype):
    """x as it reads back."""
    raw = to_bytes(x, dtype)
    if dtype == F32:
        return np.frombuffer(raw, np.float32).reshape(x.shape)
    if dtype == F16:
        return np.frombuffer(raw, np.float16).astype(np.float32).reshape(x.shape)
    return (np.frombuffer(raw, np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(x.shape)


def has_bias(config, name):
    if config["model_type"] == "qwen2":
        return name.endswith(("q_proj", "k_proj", "v_proj"))
    return config.get("attention_bias" if name.startswith("self_attn") else "mlp_bias", False)


def weights(config, seed):
    """Of a model of that configuration: name to FP32; the softmax is not flat, and logits deviate by about 1."""
    rng = np.random.default_rng(seed)
    hidden, ffn, vocab, dim = config["hidden_size"], config["intermediate_size"], config["vocab_size"], config["head_dim"]
    q, kv = config["num_attention_heads"] * dim, config["num_key_value_heads"] * dim

    def matrix(rows, cols, gain=1.0):
        return (gain / np.sqrt(cols) * rng.standard_normal((rows, cols))).astype(np.float32)

    def norm(n):
        return (1 + 0.2 * rng.standard_normal(n)).astype(np.float32)

    w = {"model.embed_tokens.weight": matrix(vocab, hidden, 1.0 if config["tie_word_embeddings"] else 4.0)}
    for i in range(config["num_hidden_layers"]):
        at = f"model.layers.{i}."
        w[at + "input_layernorm.weight"] = norm(hidden)
        for name, rows, cols in (("self_attn.q_proj", q, hidden), ("self_attn.k_proj", kv, hidden), ("self_attn.v_proj", kv, hidden),
                                 ("self_attn.o_proj", hidden, q), ("mlp.gate_proj", ffn, hidden), ("mlp.up_proj", ffn, hidden),
                                 ("mlp.down_proj", hidden, ffn)):
            w[at + name + ".weight"] = matrix(rows, cols, 1.1 if name[-6] in "qk" else 1.0)
            if has_bias(config, name):
                w[at + name + ".bias"] = (0.3 * rng.standard_normal(rows)).astype(np.float32)
        if config["model_type"] == "qwen3":
            w[at + "self_attn.q_norm.weight"], w[at + "self_attn.k_norm.weight"] = norm(dim), norm(dim)
        w[at + "post_attention_layernorm.weight"] = norm(hidden)
    w["model.norm.weight"] = norm(hidden)
    if not config["tie_word_embeddings"]:
        w["lm_head.weight"] = matrix(vocab, hidden)
    return w


# ---- a folder ----

def write_safetensors(path, tensors):
    """tensors: name to (dtype, shape, bytes)."""
    head, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape, data) in tensors.items():
        head[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            f.write(data)


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=False)


def write_folder(path, config, w, dtype, shards=1, files=()):
    """files: name to value, written as JSON, or to bytes."""
    os.makedirs(path)
    write_json(os.path.join(path, "config.json"), config)
    for name, value in dict(files).items():
        if isinstance(value, bytes):
            with open(os.path.join(path, name), "wb") as f:
                f.write(value)
        else:
            write_json(os.path.join(path, name), value)
    tensors = {name: (dtype, x.shape, to_bytes(x, dtype)) for name, x in w.items()}
    if shards == 1:
        write_safetensors(os.path.join(path, "model.safetensors"), tensors)
        return
    names, index = list(tensors), {}
    for i in range(shards):
        part, file = names[i::shards], f"model-{i + 1:05}-of-{shards:05}.safetensors"
        write_safetensors(os.path.join(path, file), {n: tensors[n] for n in part})
        index.update({n: file for n in part})
    total = sum(len(t[2]) for t in tensors.values())
    write_json(os.path.join(path, "model.safetensors.index.json"), {"metadata": {"total_size": total}, "weight_map": {n: index[n] for n in names}})


# ---- the same as GGUF ----

def permute(x, heads):
    """Rows paired by halves in each head to neighbours, as the converter does for llama."""
    return x.reshape(heads, 2, x.shape[0] // heads // 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape)


def rope_factors(config):
    rope = config.get("rope_scaling") or {}
    if rope.get("rope_type") != "llama3":
        return None
    out, dim = [], config["head_dim"]
    for i in range(0, dim, 2):
        wave = 2 * np.pi * config["rope_theta"] ** (i / dim)
        old, low, high, factor = (rope[k] for k in ("original_max_position_embeddings", "low_freq_factor", "high_freq_factor", "factor"))
        smooth = (old / wave - low) / (high - low)
        out.append(1 if wave < old / high else factor if wave > old / low else 1 / ((1 - smooth) / factor + smooth))
    return np.array(out, np.float32)


def gguf_string(text):
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(raw)) + raw


def gguf_value(v):
    """bool, int (u32), float (f32), text, or a list of one kind."""
    if isinstance(v, bool):
        return 7, struct.pack("<B", v)
    if isinstance(v, int):
        return (4, struct.pack("<I", v)) if v >= 0 else (5, struct.pack("<i", v))
    if isinstance(v, float):
        return 6, struct.pack("<f", v)
    if isinstance(v, (str, bytes)):
        return 8, gguf_string(v)
    kinds = [gguf_value(x) for x in v]
    return 9, struct.pack("<IQ", kinds[0][0], len(v)) + b"".join(k[1] for k in kinds)


def write_gguf(path, keys, tensors):
    """tensors: name to (dtype, FP32 array)."""
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(keys))
    for key, v in keys.items():
        kind, raw = gguf_value(v)
        head += gguf_string(key) + struct.pack("<I", kind) + raw
    data = b""
    for name, (dtype, x) in tensors.items():
        data += b"\0" * (-len(data) % 32)
        head += gguf_string(name) + struct.pack("<I", x.ndim) + struct.pack("<%dQ" % x.ndim, *reversed(x.shape))
        head += struct.pack("<IQ", GGML[dtype], len(data))
        data += to_bytes(x, dtype)
    with open(path, "wb") as f:
        f.write(head + b"\0" * (-len(head) % 32) + data)


def gguf_name(name):
    stem, kind = name.rsplit(".", 1)
    if stem in NAMES:
        return f"{NAMES[stem]}.{kind}"
    _, _, layer, rest = stem.split(".", 3)
    return f"blk.{layer}.{NAMES[rest]}.{kind}"


def write_same_gguf(path, name, config, w, dtype, tokenizer):
    """tokenizer: keys behind "tokenizer."; vectors stay FP32, as the converter leaves them."""
    arch, heads, kv = FAMILIES[config["model_type"]][1], config["num_attention_heads"], config["num_key_value_heads"]
    keys = {"general.architecture": arch, "general.name": name}
    for key, value in (("block_count", config["num_hidden_layers"]), ("context_length", config["max_position_embeddings"]),
                       ("embedding_length", config["hidden_size"]), ("feed_forward_length", config["intermediate_size"]),
                       ("attention.head_count", heads), ("attention.head_count_kv", kv), ("attention.key_length", config["head_dim"]),
                       ("attention.value_length", config["head_dim"]), ("rope.freq_base", float(config["rope_theta"])),
                       ("attention.layer_norm_rms_epsilon", config["rms_norm_eps"])):
        keys[f"{arch}.{key}"] = value
    if config.get("sliding_window"):
        keys[f"{arch}.attention.sliding_window"] = config["sliding_window"]
    rope = config.get("rope_scaling") or {}
    if rope.get("rope_type", rope.get("type")) == "linear":
        keys[f"{arch}.rope.scaling.type"] = "linear"
        keys[f"{arch}.rope.scaling.factor"] = float(config["rope_scaling"]["factor"])
    if rope.get("rope_type") == "yarn":
        keys[f"{arch}.rope.scaling.type"] = "yarn"
        for key, of in (("factor", "factor"), ("yarn_beta_fast", "beta_fast"), ("yarn_beta_slow", "beta_slow"), ("yarn_attn_factor", "attention_factor")):
            if of in rope: keys[f"{arch}.rope.scaling.{key}"] = float(rope[of])
        keys[f"{arch}.rope.scaling.original_context_length"] = rope["original_max_position_embeddings"]
    keys.update({"tokenizer." + k: v for k, v in tokenizer.items()})
    tensors = {}
    for hf, x in w.items():
        x = stored(x, dtype)
        if arch == "llama" and ".q_proj" in hf:
            x = permute(x, heads)
        if arch == "llama" and ".k_proj" in hf:
            x = permute(x, kv)
        tensors[gguf_name(hf)] = (dtype if x.ndim == 2 else F32, x)
    if rope_factors(config) is not None:
        tensors["rope_freqs.weight"] = (F32, rope_factors(config))
    write_gguf(path, keys, tensors)


# ---- a forward pass of the folder, in FP64 ----

def yarn(config, rope):
    """By what each pair's angle is divided, and the factor of cos and sin (arXiv 2309.00071, with transformers' names and ends)."""
    dim, factor = config["head_dim"], rope["factor"]
    low, high = (dim * np.log(rope["original_max_position_embeddings"] / (2 * np.pi * rope.get(key, usual))) / (2 * np.log(config["rope_theta"]))
                 for key, usual in (("beta_fast", 32), ("beta_slow", 1)))
    if rope.get("truncate", True):
        low, high = np.floor(low), np.ceil(high)
    low, high = max(low, 0), min(high, dim - 1)
    divided = np.clip((np.arange(dim // 2) - low) / (high - low or 0.001), 0, 1)
    size = [1 + 0.1 * rope.get(key, 1) * np.log(factor) for key in ("mscale", "mscale_all_dim")]
    return 1 / (divided / factor + 1 - divided), rope.get("attention_factor", size[0] / size[1] if "mscale" in rope else size[0])


def forward(config, w, ids):
    """Logits of every position."""
    dim, heads, kv, n = config["head_dim"], config["num_attention_heads"], config["num_key_value_heads"], len(ids)

    def rms(x, g):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + config["rms_norm_eps"]) * g

    rope = config.get("rope_scaling") or {}
    divide, gain_of_rope = rope_factors(config) if rope.get("rope_type") == "llama3" else rope.get("factor", 1), 1
    if rope.get("rope_type") == "yarn":
        divide, gain_of_rope = yarn(config, rope)
    angle = np.outer(np.arange(n), config["rope_theta"] ** (-np.arange(0, dim, 2) / dim) / divide)
    cos, sin = gain_of_rope * np.tile(np.cos(angle), 2)[:, None], gain_of_rope * np.tile(np.sin(angle), 2)[:, None]

    def rotate(x):
        return x * cos + np.concatenate([-x[..., dim // 2:], x[..., :dim // 2]], -1) * sin

    x = w["model.embed_tokens.weight"][ids].astype(np.float64)
    for i in range(config["num_hidden_layers"]):
        def linear(name, v, at=f"model.layers.{i}."):
            y = v @ w[f"{at}{name}.weight"].astype(np.float64).T
            return y + w[f"{at}{name}.bias"] if f"{at}{name}.bias" in w else y

        def gain(name, at=f"model.layers.{i}."):
            return w[f"{at}{name}.weight"]

        y = rms(x, gain("input_layernorm"))
        q, k, v = (linear(f"self_attn.{c}_proj", y).reshape(n, -1, dim) for c in "qkv")
        if config["model_type"] == "qwen3":
            q, k = rms(q, gain("self_attn.q_norm")), rms(k, gain("self_attn.k_norm"))
        q, k, v = rotate(q), rotate(k).repeat(heads // kv, 1), v.repeat(heads // kv, 1)
        score = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(dim) + np.triu(np.full((n, n), -np.inf), 1)
        score = np.exp(score - score.max(-1, keepdims=True))
        mixed = np.einsum("hij,jhd->ihd", score / score.sum(-1, keepdims=True), v)
        x = x + linear("self_attn.o_proj", mixed.reshape(n, -1))
        y = rms(x, gain("post_attention_layernorm"))
        gate = linear("mlp.gate_proj", y)
        x = x + linear("mlp.down_proj", gate / (1 + np.exp(-gate)) * linear("mlp.up_proj", y))
    return rms(x, w["model.norm.weight"]) @ w.get("lm_head.weight", w["model.embed_tokens.weight"]).astype(np.float64).T
