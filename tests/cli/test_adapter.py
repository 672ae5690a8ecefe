#!/usr/bin/env python3
"""roma adapter on random PEFT folders and GGUF adapters for the tiny model, through the second reader, against values computed here.
Standard library only. usage: test_adapter.py ROMA"""
import json
import math
import os
import random
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "adapter"))
from read_lora import read  # noqa: E402

from shared import TOP, check, finish, run

H, F, Q, KV, D, L = 128, 384, 128, 64, 32, 3  # models/tiny
SHAPES = {"q": (Q, H), "k": (KV, H), "v": (KV, H), "o": (H, Q), "gate": (F, H), "up": (F, H), "down": (H, F)}
PEFT = {r: ("self_attn." if r in "qkvo" else "mlp.") + r + "_proj" for r in SHAPES}
GGUF = dict(q="attn_q", k="attn_k", v="attn_v", o="attn_output", gate="ffn_gate", up="ffn_up", down="ffn_down")


def encode(values, dtype):
    """bytes, and what they stand for"""
    if dtype == "F32":
        raw = struct.pack(f"<{len(values)}f", *values)
        return raw, list(struct.unpack(f"<{len(values)}f", raw))
    if dtype == "F64":
        return struct.pack(f"<{len(values)}d", *values), list(struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))
    if dtype == "F16":
        raw = struct.pack(f"<{len(values)}e", *values)
        return raw, list(struct.unpack(f"<{len(values)}e", raw))
    words = [struct.unpack("<I", struct.pack("<f", v))[0] >> 16 for v in values]
    return struct.pack(f"<{len(words)}H", *words), [struct.unpack("<f", struct.pack("<I", w << 16))[0] for w in words]


def matrix(rng, rows, cols, dtype):
    raw, flat = encode([rng.gauss(0, 0.02) for _ in range(rows * cols)], dtype)
    return raw, [flat[i * cols : (i + 1) * cols] for i in range(rows)]


def safetensors(path, tensors):
    head, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape, raw) in tensors.items():
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(raw)]}
        at += len(raw)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(raw for _, _, raw in tensors.values()))


def gguf(path, keys, tensors):
    def text(s):
        return struct.pack("<Q", len(s)) + s.encode()

    out, at, data = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)), 0, b""
    for k, v in keys.items():
        out += text(k) + (struct.pack("<I", 8) + text(v) if isinstance(v, str) else struct.pack("<If", 6, v))
    for name, (shape, raw) in tensors.items():
        out += text(name) + struct.pack("<IQQIQ", 2, shape[1], shape[0], 0, at)
        raw += bytes(-len(raw) % 32)
        at += len(raw)
        data += raw
    with open(path, "wb") as f:
        f.write(out + bytes(-len(out) % 32) + data)


def image_row(r, role):
    """source row of the image's row r, by hand: the image pairs (2i, 2i+1), Hugging Face (i, i + D/2)"""
    if role not in "qk":
        return r
    head, i = divmod(r, D)
    return head * D + i // 2 + (D // 2 if i % 2 else 0)


def quantised(row, kind):
    m = max(map(abs, row))
    return {1: m / 127 / 2, 2: m / 28, 3: m / 1024}[kind] * 1.001 + 1e-12  # largest error of a value


def compare(got, want_a, want_b, role, kind, scale, halves):
    check(abs(got["scale"] - scale) <= 1e-6 * abs(scale), f"{role}: scale {got['scale']}, expected {scale}")
    for have, want in zip(got["a"], want_a):
        e = quantised(want, 1)
        check(len(have) == len(want) and all(abs(x - y) <= e for x, y in zip(have, want)), f"A of {role} differs")
    for r, have in enumerate(got["b"]):
        want = want_b[image_row(r, role) if halves else r]
        e = quantised(want, kind)
        check(len(have) == len(want) and all(abs(x - y) <= e for x, y in zip(have, want)), f"B of {role}, row {r} differs")


def peft_case(work, base, seed, dtype, kind, config, roles, layers, rank_of, scale_of):
    rng, folder, tensors, want = random.Random(seed), os.path.join(work, f"p{seed}"), {}, {}
    os.mkdir(folder)
    for l in layers:
        for role in roles:
            rows, cols = SHAPES[role]
            r, stem = rank_of(l, role), f"base_model.model.model.layers.{l}.{PEFT[role]}.lora_"
            raw_a, a = matrix(rng, r, cols, dtype)
            raw_b, b = matrix(rng, rows, r, dtype)
            tensors[stem + "A.weight"] = (dtype, [r, cols], raw_a)
            tensors[stem + "B.weight"] = (dtype, [rows, r], raw_b)
            want[l, role] = a, b
    full = dict(peft_type="LORA", bias="none", inference_mode=True, lora_dropout=0.05, base_model_name_or_path="x", use_dora=False,
                modules_to_save=None, init_lora_weights=True, fan_in_fan_out=False, task_type="CAUSAL_LM", **config)
    json.dump(full, open(os.path.join(folder, "adapter_config.json"), "w"))
    safetensors(os.path.join(folder, "adapter_model.safetensors"), tensors)
    out = os.path.join(work, f"p{seed}.lora.roma")
    shown = json.loads(run("adapter", "build", folder, "--base", base, "-o", out, "--lora-type", [0, "int8", "fp8", "f16"][kind], "--json"))
    run("verify", out)
    got = read(out)
    check(got["base"] == shown["base"] and got["type"] == kind and got["name"] == f"p{seed}", "header differs")
    check(len(got["targets"]) == len(want) == len(shown["targets"]), "number of targets")
    for t in got["targets"]:
        a, b = want[t["layer"], t["role"]]
        compare(t, a, b, t["role"], kind, scale_of(t["layer"], t["role"]), True)
    return folder, out, want


# ---- merge and diff

def change(adapters, layer, role):
    """the sum of factor * scale * B * A over (file, factor), by hand; None where no adapter has the matrix"""
    rows, cols = SHAPES[role]
    total, some = [[0.0] * cols for _ in range(rows)], False
    for got, factor in adapters:
        for t in got["targets"]:
            if (t["layer"], t["role"]) != (layer, role):
                continue
            some = True
            for r, b in enumerate(t["b"]):
                line = total[r]
                for weight, a in zip(b, t["a"]):
                    w = weight * factor * t["scale"]
                    for i, x in enumerate(a):
                        line[i] += w * x
    return total if some else None


def dot(x, y):
    return sum(a * b for p, q in zip(x, y) for a, b in zip(p, q))


def merged_equals(path, parts, limit):
    """every matrix of the merged file against the sum of its parts: largest relative difference below limit"""
    have = [(read(path), 1.0)]
    for layer, role in ((0, "q"), (0, "v"), (1, "k"), (2, "down"), (2, "v"), (1, "o")):
        got, want = change(have, layer, role), change(parts, layer, role)
        check((got is None) == (want is None), f"merged: layer {layer} {role} is there in one and not in the other")
        if want:
            d = [[a - b for a, b in zip(p, q)] for p, q in zip(got, want)]
            off = math.sqrt(dot(d, d) / dot(want, want))
            check(off < limit, f"merged: layer {layer} {role} is {off:.2g} off, more than {limit}")


def merge_cases(work, base, other, folders, files):
    out = os.path.join(work, "m.lora.roma")
    parts = [read(f) for f in files]
    shown = json.loads(run("adapter", "merge", files[0] + ":0.7", files[1] + ":-0.5", files[2], "-o", out, "--json", "--lora-type", "f16"))
    check(shown["rank"] == 4 + 17 and shown["base"] == parts[0]["base"], "merged: rank or base")
    check({(t["layer"], t["role"]): t["rank"] for t in shown["targets"]}[0, "q"] == 4 + 5 + 8, "merged: rank of q")
    run("verify", out)
    run("adapter", "inspect", out, "--base", base)
    merged_equals(out, list(zip(parts, (0.7, -0.5, 1.0))), 2e-3)
    run("adapter", "merge", files[0], files[2] + ":1e-3", "-o", out, "--lora-type", "int8")
    merged_equals(out, [(parts[0], 1.0), (parts[2], 1e-3)], 8e-3)
    run("adapter", "merge", files[0] + ":2.5", "-o", out, "--name", "one")
    check(read(out)["type"] == 1 and read(out)["name"] == "one", "merged: type and name")
    merged_equals(out, [(parts[0], 2.5)], 1e-6)  # int8 again: the same codes
    run("adapter", "merge", files[0], files[1], "-o", out)
    check(read(out)["type"] == 3, "int8 and f16 merge as f16")
    again = os.path.join(work, "again.lora.roma")
    run("adapter", "merge", files[0], files[1], "-o", again)
    check(open(out, "rb").read() == open(again, "rb").read(), "the same merge gives other bytes")

    stranger = os.path.join(work, "stranger.lora.roma")
    run("adapter", "build", folders[0], "--base", other, "-o", stranger)
    run("adapter", "merge", files[0], stranger, "-o", out, code=2, say="build both with the same --base")
    run("adapter", "merge", files[0], code=2, say="-o FILE")
    run("adapter", "merge", files[0] + ":0", "-o", out, code=2, say="scale of 0")
    run("adapter", "merge", files[0] + ":nan", "-o", out, code=2, say="no such file")
    run("adapter", "merge", files[0], base, "-o", out, code=2, say="ROM image")
    run("adapter", "merge", files[0], "-o", base, code=2, say="no adapter")
    run("adapter", "merge", *[files[0]] * 17, "-o", out, code=2, say="too many")
    wide = os.path.join(work, "wide.lora.roma")
    run("adapter", "merge", *[files[2]] * 16, "-o", wide)
    check(read(wide)["targets"][0]["rank"] == 128, "sixteen adapters")
    run("adapter", "merge", wide, wide, wide, wide, "-o", out, code=2, say="add up to")


def diff_cases(files, twin):
    got = json.loads(run("adapter", "diff", files[0], files[2], "--json"))
    parts = [read(f) for f in (files[0], files[2])]
    check(got["same_base"] and len(got["targets"]) == 7 * L, "diff: targets")
    for t in got["targets"]:
        if (t["layer"], t["role"]) not in ((0, "q"), (2, "down"), (1, "k")):
            continue
        x, y = (change([(p, 1.0)], t["layer"], t["role"]) for p in parts)
        xx, yy, xy = dot(x, x), dot(y, y), dot(x, y)
        for key, v in dict(norm_a=math.sqrt(xx), norm_b=math.sqrt(yy), difference=math.sqrt((xx + yy - 2 * xy) / xx), cosine=xy / math.sqrt(xx * yy)).items():
            check(abs(t[key] - v) <= 1e-5 * max(1, abs(v)), f"diff: {t['layer']} {t['role']} {key} is {t[key]}, by hand {v}")
    same = json.loads(run("adapter", "diff", files[0], files[0], "--json"))
    check(same["difference"] == 0 and abs(same["cosine"] - 1) < 1e-12, "an adapter differs from itself")
    near = json.loads(run("adapter", "diff", files[0], twin, "--json"))
    check(0 < near["difference"] < 0.02 and near["cosine"] > 0.9998, f"int8 and f16 of one adapter: {near['difference']}")
    part = json.loads(run("adapter", "diff", files[0], files[1], "--json"))
    alone = [t for t in part["targets"] if t["rank_b"] == 0]
    check(len(part["targets"]) == 7 * L and len(alone) == 7 * L - 4 and all(t["norm_b"] == 0 and t["difference"] == 1 and t["cosine"] is None for t in alone),
          "diff: a matrix that only one has")
    check("|a-b|/|a|" in run("adapter", "diff", files[0], files[1]), "diff: the table")
    run("adapter", "diff", files[0], code=2, say="two adapters")
    run("adapter", "diff", files[0], os.devnull, code=2)


with tempfile.TemporaryDirectory() as work:
    base, other = os.path.join(work, "tiny.roma"), os.path.join(work, "other.roma")
    run("build", os.path.join(TOP, "models/tiny/tiny-q4.gguf"), "--quant", "q8", "-o", base)
    run("build", os.path.join(TOP, "models/tiny/tiny-f32.gguf"), "--quant", "q8", "-o", other)
    names = [r + "_proj" for r in SHAPES]
    folder, first, want = peft_case(work, base, 1, "F32", 1, dict(r=4, lora_alpha=8, target_modules=names), SHAPES, range(L), lambda l, r: 4, lambda l, r: 2.0)
    second = peft_case(work, base, 2, "F16", 3, dict(r=5, lora_alpha=16, use_rslora=True, target_modules=["q_proj", "v_proj"], layers_to_transform=[0, 2]),
              ["q", "v"], [0, 2], lambda l, r: 5, lambda l, r: 16 / math.sqrt(5))
    ranks = lambda l, r: 17 if r == "down" else 3 if (l, r) == (1, "k") else 8
    third = peft_case(work, base, 3, "BF16", 2,
              dict(r=8, lora_alpha=4.5, target_modules="all-linear", rank_pattern={"down_proj": 17, "^model.layers.1.self_attn.k_proj": 3},
                   alpha_pattern={"layers.2.mlp.up_proj": 32}), SHAPES, range(L), ranks,
              lambda l, r: (32 if (l, r) == (2, "up") else 4.5) / ranks(l, r))
    peft_case(work, base, 4, "BF16", 1, dict(r=16, lora_alpha=16, target_modules=["k_proj", "o_proj"], layers_to_transform=1), ["k", "o"], [1],
              lambda l, r: 16, lambda l, r: 1.0)
    peft_case(work, base, 5, "F64", 3, dict(target_modules=["v_proj"]), ["v"], range(L), lambda l, r: 8, lambda l, r: 1.0)  # PEFT's own rank and alpha

    # the same adapter as GGUF, rows of q and k as llama.cpp's converter permutes them: the same bytes but for the name
    tensors = {}
    for (l, role), (a, b) in want.items():
        rows, cols = SHAPES[role]
        if role in "qk":
            b = [b[image_row(r, role)] for r in range(rows)]
        tensors[f"blk.{l}.{GGUF[role]}.weight.lora_a"] = ([4, cols], struct.pack(f"<{4 * cols}f", *sum(a, [])))
        tensors[f"blk.{l}.{GGUF[role]}.weight.lora_b"] = ([rows, 4], struct.pack(f"<{4 * rows}f", *sum(b, [])))
    keys = {"general.type": "adapter", "adapter.type": "lora", "general.architecture": "llama", "adapter.lora.alpha": 8.0}
    path, out = os.path.join(work, "g.gguf"), os.path.join(work, "g.lora.roma")
    gguf(path, keys, tensors)
    run("adapter", "build", path, "--base", base, "-o", out, "--name", "named")
    one, two = read(first), read(out)
    check(one["targets"] == two["targets"] and two["name"] == "named", "GGUF and PEFT of one adapter differ")
    again = os.path.join(work, "again.lora.roma")
    run("adapter", "build", path, "--base", base, "-o", again, "--name", "named")
    check(open(out, "rb").read() == open(again, "rb").read(), "the same source gives other bytes")

    # what the program says
    check("rank           4" in run("adapter", "inspect", first) and json.loads(run("inspect", first, "--json"))["rank"] == 4, "inspect")
    run("adapter", "inspect", first, "--base", base)
    run("adapter", "inspect", first, "--base", other, code=2, say="was made for base")
    run("adapter", "inspect", first, "--base", other, "--allow-base-mismatch")
    run("adapter", "build", folder, "-o", out, code=2, say="--base")
    run("adapter", "build", folder, "--base", base, "-o", base, code=2, say="no adapter")
    run("adapter", "build", folder, "--base", base, "-o", out, "--lora-type", "int4", code=2, say="int8, fp8 or f16")
    run("adapter", "mend", first, code=2, say="merge or diff")
    run("adapter", "build", folder, folder, code=2, say="build takes one")
    twin = os.path.join(work, "twin.lora.roma")
    run("adapter", "build", folder, "--base", base, "-o", twin, "--lora-type", "f16")
    files = [first, second[1], third[1]]
    merge_cases(work, base, other, [folder, second[0]], files)
    diff_cases(files, twin)
    run("verify", base)
    data = bytearray(open(first, "rb").read())
    data[len(data) // 2] ^= 1
    bad = os.path.join(work, "bad.lora.roma")
    open(bad, "wb").write(data)
    run("verify", bad, code=1, say="fails its checksum")
    run("adapter", "inspect", bad, code=2, say="section DATA")
    pickle = os.path.join(work, "pickle")
    os.mkdir(pickle)
    os.link(os.path.join(folder, "adapter_config.json"), os.path.join(pickle, "adapter_config.json"))
    open(os.path.join(pickle, "adapter_model.bin"), "wb").write(b"PK\3\4")
    run("adapter", "build", pickle, "--base", base, "-o", out, code=2, say="is a pickle")
    run("adapter", "build", os.path.join(pickle, "adapter_model.bin"), "--base", base, "-o", out, code=2, say="safetensors")
    run("adapter", "build", os.path.join(folder, "adapter_model.safetensors"), "--base", base, "-o", out, code=2, say="give its folder")
    run("adapter", "build", work, "--base", base, "-o", out, code=2, say="no adapter_config.json")
finish()
