#!/usr/bin/env python3
"""GPTQ folders with act-order, and those of compressed-tensors: what the engine computes, against a forward pass in NumPy on weights that are unpacked here; adapters in the
file's order; how an image with orders is read, run and written.

usage: test_gptq.py ROMA

The folders that gptqmodel wrote (tests/import/packed), and random ones with an order of its own for every matrix, or one that some share,
biases, several widths, both forms of zero points. Needs numpy.
"""
import json
import os
import struct

import hf_write as hf
from hf_write import np
from shared import TOP, check, finish, output, own_folder, run, safetensors

MODULES = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
GROUP = 32


# ---- codes in words ----

def unpack(words, bits):
    """Codes along the first axis: code i is bits i·b and above of the words, taken as one number from the lowest bit on."""
    n = len(words) * 32 // bits
    stream = (words.view(np.uint32)[:, None] >> np.arange(32, dtype=np.uint32)[None, :, None] & 1).reshape(len(words) * 32, -1)
    return (stream[:n * bits].reshape(n, bits, -1) << np.arange(bits)[None, :, None]).sum(1)


def pack(codes, bits):
    stream = (codes[:, None, :] >> np.arange(bits)[None, :, None] & 1).reshape(-1, 32, codes.shape[1])
    return (stream.astype(np.uint32) << np.arange(32, dtype=np.uint32)[None, :, None]).sum(1, dtype=np.uint32)


# ---- folders ----

def read_tensors(path):
    with open(path, "rb") as f:
        raw = f.read()
    size = struct.unpack_from("<Q", raw)[0]
    out = {}
    for name, t in json.loads(raw[8:8 + size]).items():
        if name == "__metadata__": continue
        begin, end = (8 + size + at for at in t["data_offsets"])
        kind = {"I32": "<u4", "F16": "<f2", "F32": "<f4", "BF16": "<u2"}[t["dtype"]]
        x = np.frombuffer(raw[begin:end], kind).reshape(t["shape"])
        out[name] = (x.astype(np.uint32) << 16).view(np.float32) if t["dtype"] == "BF16" else x
    return out


def read_folder(path):
    """config, weights as (code - zero) · scale in FP32."""
    with open(os.path.join(path, "config.json")) as f:
        config = json.load(f)
    quant, t = config["quantization_config"], read_tensors(os.path.join(path, "model.safetensors"))
    bits, less = quant["bits"], 0 if quant.get("checkpoint_format") == "gptq_v2" else 1
    w = {}
    for name, x in t.items():
        stem, _, kind = name.rpartition(".")
        if kind == "qweight":
            code = unpack(x, bits)
            zero = (unpack(t[stem + ".qzeros"].T, bits).T + less) % (1 << bits)
            group = t[stem + ".g_idx"].astype(int)
            w[stem + ".weight"] = ((code - zero[group]).astype(np.float32) * t[stem + ".scales"].astype(np.float32)[group]).T
        elif kind not in ("qzeros", "scales", "g_idx"):
            w[name] = x.astype(np.float32)
    config.setdefault("rope_theta", 10000.0)
    config.setdefault("head_dim", config["hidden_size"] // config["num_attention_heads"])
    return config, w


def gptq_parts(code, zero, group, scale, bits, second_form):
    most = (1 << bits) - 1
    put = {"qweight": pack(code, bits), "qzeros": pack((zero.T - (not second_form)) % (most + 1), bits).T, "g_idx": group.astype(np.uint32)}
    return {**{key: ("I32", x.shape, np.ascontiguousarray(x.astype("<u4")).tobytes()) for key, x in put.items()}, "scales": ("F16", scale.shape, scale.tobytes())}


def words_parts(code, zero, group, scale, bits, _):
    """compressed-tensors: words along the rows; no order is -1 everywhere."""
    rises = (np.diff(group) >= 0).all()
    put = {"weight_packed": pack(code, bits).T, "weight_zero_point": pack(zero.T, bits), "weight_g_idx": np.full(len(group), 2**32 - 1) if rises else group}
    out = {key: ("I32", x.shape, np.ascontiguousarray(x.astype("<u4")).tobytes()) for key, x in put.items()}
    return {**out, "weight_scale": ("F16", scale.T.shape, np.ascontiguousarray(scale.T).tobytes())}


def write_folder(path, config, w, bits, orders, second_form=False, sym=False, words=False):
    """Weights w rounded into groups of inputs in the order that orders(module, layer, inputs) gives, None: as they lie. What they are then."""
    tensors, stored = {}, {}
    most = (1 << bits) - 1
    for name, x in w.items():
        stem, _, kind = name.rpartition(".")
        if kind != "weight" or not stem.endswith("_proj"):
            tensors[name] = (hf.F32, x.shape, hf.to_bytes(x, hf.F32))
            stored[name] = x
            continue
        rows, cols = x.shape
        order = orders(stem.split(".", 3)[3], int(stem.split(".")[2]), cols)
        order = np.arange(cols) if order is None else order
        blocks = x.T[order].reshape(cols // GROUP, GROUP, rows)
        low, high = np.minimum(blocks.min(1), 0), np.maximum(blocks.max(1), 0)
        scale = np.maximum((high - low) / most, 1e-4).astype(np.float16)
        zero = np.clip(np.rint(-low / scale.astype(np.float32)), 1, most).astype(int)
        if sym:
            zero[:] = (most + 1) // 2
        group = np.empty(cols, int)
        group[order] = np.arange(cols) // GROUP
        code = np.clip(np.rint(x.T / scale.astype(np.float32)[group]) + zero[group], 0, most).astype(int)
        for key, part in (words_parts if words else gptq_parts)(code, zero, group, scale, bits, second_form).items():
            tensors[f"{stem}.{key}"] = part
        stored[name] = ((code - zero[group]).astype(np.float32) * scale.astype(np.float32)[group]).T
    os.makedirs(path)
    quant = dict(quant_method="gptq", bits=bits, group_size=GROUP, desc_act=True, sym=sym, checkpoint_format="gptq_v2" if second_form else "gptq")
    if words:
        weights = dict(num_bits=bits, type="int", symmetric=False, strategy="group", group_size=GROUP, actorder="group")
        quant = dict(quant_method="compressed-tensors", format="pack-quantized", config_groups=dict(group_0=dict(weights=weights, targets=["Linear"])))
    hf.write_json(os.path.join(path, "config.json"), dict(config, quantization_config=quant))
    hf.write_safetensors(os.path.join(path, "model.safetensors"), tensors)
    return stored


# ---- adapters, in the file's order ----

def adapter(path, w, kind, rank=3):
    """A folder of PEFT (lora, dora) or of MLX, of all matrices of the layers, and the weights with the adapter in them."""
    dora = kind == "dora"
    rng, parts, out = np.random.default_rng(11), {}, dict(w)
    for name, x in w.items():
        stem, _, kind = name.rpartition(".")
        if kind != "weight" or not stem.endswith("_proj"): continue
        a = (rng.standard_normal((rank, x.shape[1])) / np.sqrt(x.shape[1])).astype(np.float32)
        b = rng.standard_normal((x.shape[0], rank)).astype(np.float32) * np.float32(0.15)
        if kind == "mlx":
            parts[f"{stem}.lora_a"], parts[f"{stem}.lora_b"] = a.T, b.T
        else:
            parts[f"base_model.model.{stem}.lora_A.weight"], parts[f"base_model.model.{stem}.lora_B.weight"] = a, b
        changed = x.astype(np.float64) + 2 * b.astype(np.float64) @ a
        if dora:
            magnitude = rng.uniform(0.5, 2, x.shape[0]) * np.sqrt((x.astype(np.float64) ** 2).sum(1))
            parts[f"base_model.model.{stem}.lora_magnitude_vector"] = magnitude
            changed *= (magnitude.astype(np.float32) / np.sqrt((changed ** 2).sum(1)))[:, None]
        out[name] = changed
    os.makedirs(path)
    if kind == "mlx":
        hf.write_json(os.path.join(path, "adapter_config.json"), dict(fine_tune_type="lora", lora_parameters=dict(rank=rank, scale=2.0)))
        safetensors(os.path.join(path, "adapters.safetensors"), parts)
        return out
    hf.write_json(os.path.join(path, "adapter_config.json"), dict(peft_type="LORA", r=rank, lora_alpha=2 * rank, bias="none", use_dora=dora,
                                                                target_modules=[m.split(".")[1] for m in MODULES]))
    safetensors(os.path.join(path, "adapter_model.safetensors"), parts)
    return out


# ---- the engine against the forward pass ----

def logits(*args):
    output("eval", *args, "--ids", "ids", "--all", "--dump-logits", "there")
    return np.fromfile("there", "<f4")


def apart(have, want):
    return np.sqrt(((have.reshape(want.shape) - want) ** 2).mean()) / want.std()


def compare(name, folder, config, w, gathered, folded):
    """The folder's own values in FP32, the image, and the image with adapters."""
    ids = np.random.default_rng(5).integers(0, config["vocab_size"], 40)
    ids.astype("<i4").tofile("ids")
    want = hf.forward(config, w, ids)
    made = json.loads(output("build", folder, "-o", name + ".roma", "--json"))
    said = [line for line in made["report"] if line.startswith("order")]
    total = gathered + folded
    check(len(said) == (total > 0) and (not said or said[0].split()[1] == str(total)), f"{name}: report: {said}")
    run("verify", name + ".roma")
    shown = [t["folded"] for t in json.loads(output("inspect", name + ".roma", "--json"))["tensors"] if "order" in t]
    check((shown.count(False), shown.count(True)) == (gathered, folded), f"{name}: inspect shows {shown}")
    check(output("inspect", name + ".roma").decode().count(", columns in order ") == total, f"{name}: inspect")
    output("eval", name + ".roma", "--ids", "ids", "--against", folder, "--dump-against", "there")
    there = np.fromfile("there", "<f4").reshape(want.shape)
    check(abs(there - want).max() < 2e-4 * want.std(), f"{name} in FP32: {abs(there - want).max()} off")
    output("eval", name + ".roma", "--ids", "ids", "--against", "fp32", "--dump-against", "there")
    image = np.fromfile("there", "<f4")
    check(apart(image, want) < 0.02, f"{name}: the image in FP32 is {apart(image, want):.4f} off")
    have = logits(name + ".roma")
    check(apart(have, want) < 0.05, f"{name}: {apart(have, want):.4f} off")
    for options in (["--isa", "scalar"], ["-t", "1", "--rows", "7"]):
        check((logits(name + ".roma", *options) == have).all(), f"{name}: other bits with {options}")
    for kind in ("lora", "dora", "mlx"):
        path = f"{name}-{kind}"
        changed = hf.forward(config, adapter(path, w, kind), ids)
        output("adapter", "build", path, "--base", name + ".roma", "-o", path + ".lora.roma")
        have = logits(name + ".roma", "--lora", path + ".lora.roma")
        off, without = apart(have, changed), apart(want, changed)
        check(off < 0.06 < 0.2 < without, f"{path}: {off:.4f} off, and {without:.4f} without the adapter")


def config_of(**more):
    c = dict(model_type="llama", architectures=["LlamaForCausalLM"], hidden_size=96, intermediate_size=160, vocab_size=203, num_hidden_layers=2,
             num_attention_heads=4, num_key_value_heads=2, head_dim=32, hidden_act="silu", max_position_embeddings=256, rms_norm_eps=1e-5,
             rope_theta=10000.0, tie_word_embeddings=False, bos_token_id=0, eos_token_id=2, torch_dtype="float32")
    return dict(c, **more)


def shuffled(seed, cols):
    return np.random.default_rng(seed).permutation(cols)


def own_orders(module, layer, cols):
    return shuffled(100 * layer + MODULES.index(module), cols)


def shared_orders(module, layer, cols):
    """As gptqmodel makes them: what reads the same has the same order."""
    return shuffled(100 * layer + {"q": 0, "k": 0, "v": 0, "o": 1, "g": 2, "u": 2, "d": 3}[module.split(".")[1][0]], cols)


def some_orders(module, layer, cols):
    """q and v share one, k has none; o, gate and down have none in layer 0; up has one."""
    name = module.split(".")[1][0]
    if name == "k" or (layer == 0 and name in "ogd"):
        return None
    return shuffled(100 * layer + "qvougd".index(name) * (name != "v"), cols)


def main():
    for folder, gathered in (("gptq", 0), ("gptq-3", 0), ("gptq-act", 12), ("gptq-v2-act", 12), ("gptq-3-act", 12)):
        path = os.path.join(TOP, "tests", "import", "packed", folder)
        compare(folder, path, *read_folder(path), gathered, 2 if gathered else 0)
    cases = [("own", own_orders, 4, {}, dict(), 12, 2), ("shared", shared_orders, 8, dict(second_form=True), dict(mlp_bias=True, attention_bias=True), 12, 2),
             ("some", some_orders, 4, dict(sym=True), dict(mlp_bias=True), 8, 1),
             ("three", own_orders, 3, {}, {}, 12, 2), ("three-v2", lambda *_: None, 3, dict(second_form=True), {}, 0, 0),
             ("narrow", own_orders, 4, {}, dict(head_dim=24, attention_bias=True), 12, 2), ("words", some_orders, 4, dict(words=True), {}, 8, 1)]
    for name, orders, bits, form, more, gathered, folded in cases:
        config = config_of(**more)
        w = write_folder(name, config, hf.weights(config, 7), bits, orders, **form)
        if not form.get("words"):
            again = read_folder(name)[1]
            check(all((again[k] == w[k]).all() for k in w), f"{name}: what is written here is not what is read here")
        compare(name, name, config, w, gathered, folded)
    finish(f"{5 + len(cases)} folders")


with own_folder():
    main()
