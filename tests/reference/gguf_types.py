"""Every tensor type that imports, bit for bit against the `gguf` package: random blocks in a small model, read through
tests/import/dump_gguf, for the pairings of all three architectures. Then, if named, whole model files.

  python gguf_types.py build/tests/import/dump_gguf [MODEL.gguf ...]
"""
import os
import subprocess
import sys
import tempfile

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T

TYPES = [T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.IQ4_NL, T.TQ1_0, T.TQ2_0, T.Q2_K, T.Q3_K, T.Q4_K, T.Q5_K, T.Q6_K, T.F32, T.F16, T.BF16]
# Byte offsets of the FP16 fields of a block: they must be finite.
SCALES = {T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.IQ4_NL: [0], T.TQ1_0: [52], T.TQ2_0: [64],
          T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208]}
ROLES = {1: "token_embd.weight", 2: "output.weight", 3: "output_norm.weight", 4: "attn_norm.weight", 5: "attn_q.weight", 6: "attn_k.weight",
         7: "attn_v.weight", 8: "attn_output.weight", 9: "attn_q.bias", 10: "attn_k.bias", 11: "attn_v.bias", 12: "attn_q_norm.weight",
         13: "attn_k_norm.weight", 14: "ffn_norm.weight", 15: "ffn_gate.weight", 16: "ffn_up.weight", 17: "ffn_down.weight"}
HIDDEN, FFN, HEADS, KV, DIM, VOCAB = 256, 512, 4, 2, 96, 64
rng = np.random.default_rng(7)


def floats(shape, t):
    """Random finite values of a float type, every exponent among them."""
    if t == T.F32:
        bits = rng.integers(0, 2**32, shape, dtype=np.uint32)
        bits = np.where((bits & 0x7F800000) == 0x7F800000, bits & 0x807FFFFF, bits).astype(np.uint32)
        return bits.view(np.float32)
    mask = 0x7C00 if t == T.F16 else 0x7F80
    bits = rng.integers(0, 2**16, shape, dtype=np.uint16)
    bits = np.where((bits & mask) == mask, bits & ~np.uint16(mask), bits).astype(np.uint16)
    return bits.view(np.float16) if t == T.F16 else bits


def blocks(rows, cols, t):
    if t in (T.F32, T.F16):
        return floats((rows, cols), t)
    if t == T.BF16:
        return floats((rows, cols), t).view(np.uint8)
    size, nbytes = gguf.GGML_QUANT_SIZES[t]
    b = rng.integers(0, 256, (rows, cols // size, nbytes), dtype=np.uint8)
    for at in SCALES[t]:
        b[:, :, at:at + 2] = floats((rows, cols // size), T.F16).view(np.uint8).reshape(rows, cols // size, 2)
    return b.reshape(rows, -1)


def write(path, arch, first, rope_dim):
    """A model whose matrices take the types in turn, beginning with number `first`."""
    w = gguf.GGUFWriter(path, arch)
    layers = 3
    w.add_block_count(layers)
    w.add_context_length(128)
    w.add_embedding_length(HIDDEN)
    w.add_feed_forward_length(FFN)
    w.add_head_count(HEADS)
    w.add_head_count_kv(KV)
    w.add_key_length(DIM)
    w.add_value_length(DIM)
    w.add_rope_dimension_count(rope_dim)
    w.add_layer_norm_rms_eps(1e-5)
    shapes = {1: (VOCAB, HIDDEN), 2: (VOCAB, HIDDEN), 3: (1, HIDDEN), 4: (1, HIDDEN), 5: (HEADS * DIM, HIDDEN), 6: (KV * DIM, HIDDEN), 7: (KV * DIM, HIDDEN),
              8: (HIDDEN, HEADS * DIM), 9: (1, HEADS * DIM), 10: (1, KV * DIM), 11: (1, KV * DIM), 12: (1, DIM), 13: (1, DIM), 14: (1, HIDDEN),
              15: (FFN, HIDDEN), 16: (FFN, HIDDEN), 17: (HIDDEN, FFN)}
    matrix = {1, 2, 5, 6, 7, 8, 15, 16, 17}
    skip = {"llama": {12, 13}, "qwen2": {12, 13}, "qwen3": {9, 10, 11}}[arch]
    n = first
    for layer in range(-1, layers):
        for role, (rows, cols) in shapes.items():
            if role in skip or (role <= 3) != (layer < 0):
                continue
            name = ROLES[role] if layer < 0 else f"blk.{layer}.{ROLES[role]}"
            if role in matrix:
                t = TYPES[n % len(TYPES)]
                if cols % gguf.GGML_QUANT_SIZES[t][0]:
                    t = T.Q5_1
                n += 1
                data = blocks(rows, cols, t)
                w.add_tensor(name, data, raw_dtype=t)
            else:
                t = (T.F32, T.F16, T.BF16)[n % 3]
                n += 1
                data = floats((cols,), t)
                w.add_tensor(name, data.view(np.uint8) if t == T.BF16 else data, raw_dtype=t)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def value(reader, key, absent):
    f = reader.get_field(key)
    return absent if f is None else f.contents()


def interleave(a, dim, rope):
    """Rows of heads paired by halves to rows paired as neighbours."""
    h = a.reshape(-1, dim, *a.shape[1:])
    out = h.copy()
    out[:, 0:rope:2] = h[:, :rope // 2]
    out[:, 1:rope:2] = h[:, rope // 2:rope]
    return out.reshape(a.shape)


def expected(path):
    r = gguf.GGUFReader(path)
    arch = value(r, "general.architecture", "")
    heads = value(r, f"{arch}.attention.head_count", 0)
    dim = value(r, f"{arch}.attention.key_length", value(r, f"{arch}.embedding_length", 0) // heads)
    rope = value(r, f"{arch}.rope.dimension_count", dim)
    out = {}
    for t in r.tensors:
        w = np.array(gguf.quants.dequantize(t.data, t.tensor_type), dtype=np.float32)
        rows = w.reshape(-1, w.shape[-1])
        base = t.name.split(".", 2)[2] if t.name.startswith("blk.") else t.name
        if arch != "llama" and base in (ROLES[5], ROLES[6]):
            rows = interleave(rows, dim, rope)
        if arch != "llama" and base in (ROLES[9], ROLES[10], ROLES[12], ROLES[13]):
            rows = interleave(rows.reshape(-1), dim, rope).reshape(1, -1)
        out[t.name] = (rows, t.tensor_type)
    return out


def check(dump, path):
    want = expected(path)
    raw = subprocess.run([dump, path], stdout=subprocess.PIPE, check=True).stdout
    at, seen = 0, {}
    while at < len(raw):
        role, layer = np.frombuffer(raw, np.uint32, 2, at)
        rows, cols = (int(n) for n in np.frombuffer(raw, np.uint64, 2, at + 8))
        at += 24
        got = np.frombuffer(raw, np.uint32, rows * cols, at).reshape(rows, cols)
        at += rows * cols * 4
        name = ROLES[int(role)] if role <= 3 else f"blk.{layer}.{ROLES[int(role)]}"
        ref, kind = want.pop(name)
        if ref.shape != got.shape or not np.array_equal(np.ascontiguousarray(ref).view(np.uint32), got):
            sys.exit(f"{path}: {name} ({kind.name}) differs")
        seen[kind.name] = seen.get(kind.name, 0) + rows * cols
    if want:
        sys.exit(f"{path}: not read: {sorted(want)}")
    return seen


def main():
    dump, models = sys.argv[1], sys.argv[2:]
    total = {}
    with tempfile.TemporaryDirectory() as d:
        for arch in ("llama", "qwen2", "qwen3"):
            for first in range(len(TYPES)):
                path = os.path.join(d, "m.gguf")
                write(path, arch, first, DIM if first % 2 else 64)
                for k, n in check(dump, path).items():
                    total[k] = total.get(k, 0) + n
    missing = {t.name for t in TYPES} - set(total)
    if missing:
        sys.exit(f"types never written: {missing}")
    for k, n in sorted(total.items()):
        print(f"{k:8} {n:10} weights equal")
    for m in models:
        print(m, check(dump, m))


main()
