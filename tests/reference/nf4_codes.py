#!/usr/bin/env python3
"""Our NF4 against bitsandbytes' on the same weights: 4-bit codes and absmax byte for byte; 8-bit codes of the absmax and their scales byte for
byte when given its offset and map, and how far they are with our own.

usage: nf4_codes.py check DRIVER [MODEL.gguf]     all matrices of the model's layers, random ones, ties, blocks of zeros
       nf4_codes.py data DRIVER OUT.bin           what tests/quant/test_nf4.c compares with (tests/quant/nf4.bin)

DRIVER is build/tests/quant/nf4_lines.  Needs torch, bitsandbytes 0.50.2 on an x86 CPU; for a model gguf, transformers, tokenizers.
"""
import struct
import subprocess
import sys

import numpy as np
import torch
import bitsandbytes.functional as bnb


def theirs(x):
    """(codes, absmax, offset, codes of the absmax, scales, map) of a flat array."""
    packed, state = bnb.quantize_4bit(torch.from_numpy(x), blocksize=64, quant_type="nf4", compress_statistics=True)
    plain = bnb.quantize_4bit(torch.from_numpy(x), blocksize=64, quant_type="nf4")[1].absmax.numpy()
    packed = packed.numpy().reshape(-1)
    return (np.stack([packed >> 4, packed & 15], 1).reshape(-1), plain, np.float32(state.offset.item()), state.absmax.numpy(),
            state.state2.absmax.numpy(), state.state2.code.numpy())


def ours(driver, x, offset=np.nan, table=None):
    table = np.zeros(256, "<f4") if table is None else table.astype("<f4")
    out = subprocess.run([driver], input=struct.pack("<Qf", x.size, offset) + table.tobytes() + x.astype("<f4").tobytes(), stdout=subprocess.PIPE,
                         check=True).stdout
    blocks, at, parts = x.size // 64, 0, []
    for kind, n in (("u1", x.size), ("<f4", blocks), ("<f4", 1), ("u1", blocks), ("<f4", -(-blocks // 256))):
        parts.append(np.frombuffer(out, kind, n, at))
        at += parts[-1].nbytes
    return parts


def same(a, b):
    return a.tobytes() == np.ascontiguousarray(b).astype(a.dtype).tobytes()


def hard():
    """Values on and beside every middle of two codes, under absmax of many sizes, subnormal ones too; blocks of zeros of both signs; one value alone."""
    code = bnb.get_4bit_type("nf4", device="cpu").numpy()
    middle = ((code[:-1] + code[1:]) / np.float32(2)).astype(np.float32)
    blocks = []
    for size in (1, -1, 0.5, 3, 0.001, 1 / 3, 1e-30, -7e-39, 1e-44, 1e30, 65504):
        for step in range(-2, 3):
            row = np.zeros(64, np.float32)
            v = middle.copy()
            for _ in range(abs(step)):
                v = np.nextafter(v, np.float32(4 * np.sign(step)))
            row[:15] = v * np.float32(abs(size))
            row[15:31] = code * np.float32(abs(size))
            row[63] = size
            blocks.append(row)
    for row in (np.zeros(64), -np.zeros(64), np.eye(1, 64, 5)[0], -np.eye(1, 64, 5)[0] * 1e-45, np.full(64, -2.5)):
        blocks.append(row.astype(np.float32))
    return np.concatenate(blocks)


def random_weights(n, seed, spread):
    g = np.random.default_rng(seed)
    x = g.standard_normal(n).astype(np.float32).reshape(-1, 64) * np.exp(spread * g.standard_normal((n // 64, 1))).astype(np.float32)
    x[g.random(n // 64) < 0.02] = 0
    return x.reshape(-1) * np.float32(0.03)


def compare(name, x, driver):
    codes, absmax, offset, code8, scale, table = theirs(x)
    a, m, _, c, s = ours(driver, x, offset, table)
    good = [same(a, codes), same(m, absmax), same(c, code8), same(s, scale)]
    _, _, o, c, s = ours(driver, x)
    print(f"{'ok  ' if all(good) else 'FAIL'} {name}: {x.size} weights; codes, absmax, codes of absmax, scales equal: {' '.join('yes' if g else 'NO' for g in good)}; "
          f"with our own offset ({(float(o[0]) - float(offset)) / max(abs(float(offset)), 1e-45):+.1e} of theirs) and map "
          f"{np.count_nonzero(c != code8)} of {c.size} codes of absmax differ", flush=True)
    return all(good)


def check(driver, model=None):
    print(f"torch {torch.__version__}, bitsandbytes {__import__('bitsandbytes').__version__}, {torch.get_num_threads()} threads")
    cases = [("hard", hard()), ("random", random_weights(64 * 40000, 1, 0.2)), ("random, absmax far apart", random_weights(64 * 40000, 2, 3.0)),
             ("random, 255 blocks", random_weights(64 * 255, 3, 0.3)), ("random, one block", random_weights(64, 4, 0.3)), ("zeros", np.zeros(64 * 300, np.float32))]
    table, theirs_map = np.zeros(256), bnb.create_dynamic_map().numpy()
    for i in range(7):                                          # the map as docs/import.md has it
        for j in range(2 ** i):
            table[128 + 2 ** i - 1 + j] = (0.1 + 0.9 * (2 * j + 1) / 2 ** (i + 1)) / 10 ** (6 - i)
            table[127 - 2 ** i - j] = -table[128 + 2 ** i - 1 + j]
    table[255] = 1
    far = np.abs(table.astype(np.float32) - theirs_map) / np.spacing(np.abs(theirs_map))
    print(f"map: {np.count_nonzero(far)} of 256 values are not bitsandbytes' on this CPU, by at most {far.max():.0f} units in the last place")
    bad = sum(not compare(n, x, driver) for n, x in cases)
    if model:
        import hf_base
        layers, n = hf_base.load(model)[0].model.layers, 0
        for i, layer in enumerate(layers):
            for name, w in layer.named_parameters():
                if w.dim() == 2:
                    bad += not compare(f"layer {i} {name}", w.numpy().reshape(-1), driver)
                    n += 1
        print(f"{n} matrices of the model")
    print("all equal" if not bad else f"{bad} differ")
    return bad > 0


def data(driver, out):
    x = np.concatenate([hard(), random_weights(64 * 240, 7, 0.5)])
    codes, absmax, offset, code8, scale, table = theirs(x)
    with open(out, "wb") as f:
        f.write(struct.pack("<Qf", x.size, offset) + b"".join(p.tobytes() for p in (table, x, codes[::2] << 4 | codes[1::2], absmax, code8, scale)))
    return not compare("data", x, driver)


if __name__ == "__main__":
    sys.exit((data if sys.argv[1] == "data" else check)(*sys.argv[2:]))
