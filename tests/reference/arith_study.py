#!/usr/bin/env python3
"""What each arithmetic choice costs in quality, simulated on FP32 weights.

usage: arith_study.py MODEL.gguf TEXT [--windows N] [--ref DIR] [--out FILE] [ROW...]

A row is named by its formula (see --list): activations / KV cache / flags, e.g.
  i8g32/f        int8 absmax/127, FP32 scale per 32 inputs, cache FP32
  s8k3/h         int8 codes with a 3-bit shift per 8 inputs under one FP32
                 scale per token, cache int8 per position and head
  s8k2g64/h/A,N  the same under one scale per 64 inputs, integer attention, integer norm
"""
import argparse
import os
import re
import time

import numpy as np
import torch

import llama_fp32 as L


def rhe(x):                                     # round half to even
    return torch.round(x)


def q_group(x, g, qmax=127):
    """Codes in +-qmax with an FP32 scale per g inputs (0: the whole row)."""
    s = x.shape
    y = x.reshape(*s[:-1], -1, g) if g else x
    m = y.abs().amax(-1, keepdim=True)
    sc = m / qmax
    inv = torch.where(m > 0, qmax / m, torch.zeros_like(m))
    return (rhe(y * inv) * sc).reshape(s)


def q_shift(x, group, sub, smax, qmax=127):
    """code * 2^s * S: S = absmax(group) / (qmax * 2^smax), s the smallest in
    0..smax with round(|x| / (S * 2^s)) <= qmax in a sub-group."""
    shp = x.shape
    y = x.reshape(*shp[:-1], -1, group) if group else x.unsqueeze(-2)
    top = float(qmax * 2 ** smax)
    m = y.abs().amax(-1, keepdim=True)
    inv = torch.where(m > 0, top / m, torch.zeros_like(m))
    S = m / top
    y = (y * inv).reshape(*y.shape[:-1], -1, sub)          # in units of S
    a = y.abs().amax(-1, keepdim=True)
    # smallest s with rhe(a / 2^s) <= qmax; rhe(t) <= 127 <=> t < 127.5 (127.5 -> 128)
    s = torch.ceil(torch.log2(torch.clamp(a / (qmax + 0.5), min=1e-30))).clamp(0, smax)
    for _ in range(2):                                     # log2 is not exact
        s = torch.where((rhe(a * torch.exp2(-s)) > qmax) & (s < smax), s + 1, s)
        s = torch.where((s > 0) & (rhe(a * torch.exp2(1 - s)) <= qmax), s - 1, s)
    p = torch.exp2(s)
    c = torch.clamp(rhe(y / p), -qmax, qmax) * p
    return (c.reshape(*c.shape[:-2], -1) * S).reshape(shp)


def pow2_for(m, qmax):
    """Power of two p, the smallest with round(m / p) <= qmax."""
    bits = int(np.log2(qmax + 1))
    _, e = torch.frexp(m)
    e = e - bits
    p = torch.ldexp(torch.ones_like(m), e)
    return torch.where(rhe(m / p) > qmax, p * 2, p)


PAGE = 32


def attention_int(q, k, v, mask):
    """k, v FP32; quantised here to int8 per position and head; q to int16 per
    head; weights * V scale as 15-bit codes under a power of two per page."""
    B, H, T, D = q.shape
    hkv, S = k.shape[1], k.shape[2]

    def codes(x, qmax):
        m = x.abs().amax(-1, keepdim=True)
        return rhe(x * torch.where(m > 0, qmax / m, torch.zeros_like(m))), m / qmax
    kc, ks = codes(k, 127)
    vc, vs = codes(v, 127)
    qc, qs = codes(q, 32767)
    qg = (qc * (qs / np.sqrt(D))).reshape(B, hkv, H // hkv, T, D)
    s = torch.matmul(qg, (kc * ks).unsqueeze(2).transpose(-1, -2))
    s = s.masked_fill_(~mask, float("-inf"))
    p = torch.exp(s - s.amax(-1, keepdim=True))            # global maximum first
    den = p.sum(-1, keepdim=True)
    w = p * vs.reshape(B, hkv, 1, 1, S)
    w = torch.nn.functional.pad(w, (0, -S % PAGE)).reshape(*w.shape[:-1], -1, PAGE)
    m = w.amax(-1, keepdim=True)
    u = pow2_for(m.clamp(min=1e-38), 32767)
    w = (rhe(w / u) * u).flatten(-2)[..., :S]
    return (torch.matmul(w, vc.unsqueeze(2)) / den).reshape(B, H, T, D)


class Choice(L.Hooks):
    def __init__(self, name):
        self.name = name
        act, kv, *fl = name.split("/")
        flags = set(fl[0].split(",")) if fl else set()
        assert flags <= {"A", "N"}, name
        self.int_att, self.int_norm = "A" in flags, "N" in flags
        self.kvq = {
            "f": lambda x: x,
            "f16": lambda x: x.half().float(),
            "h": lambda x: q_group(x, 0),
            "g32": lambda x: q_group(x, 32),
        }[kv]
        self.rules = []                         # (regex of the input's name, function)
        for part in act.split("+"):
            pat, _, spec = part.rpartition("=")
            self.rules.append((re.compile(pat), self.rule(spec)))

    @staticmethod
    def rule(spec):
        if spec == "f":
            return lambda x: x
        m = re.fullmatch(r"i(\d+)g(\d+|t)", spec)
        if m:
            bits, g = int(m[1]), 0 if m[2] == "t" else int(m[2])
            return lambda x: q_group(x, g, 2 ** (bits - 1) - 1)
        m = re.fullmatch(r"s(\d+)(?:x(\d+))?(?:k(\d))?(?:g(\d+))?", spec)
        if m and (m[2] or m[3]):
            sub, g = int(m[1]), int(m[4] or 0)
            smax = int(m[2]) if m[2] else 2 ** int(m[3]) - 1
            return lambda x: q_shift(x, g, sub, smax)
        raise SystemExit(f"cannot read {spec!r}")

    def act(self, x, name):
        for pat, f in self.rules:
            if pat.search(name):
                return f(x)
        return x

    def normed(self, x, g, eps, name):
        if not self.int_norm:
            return super().normed(x, g, eps, name)
        u = pow2_for(x.abs().amax(-1, keepdim=True).clamp(min=1e-38), 32767)
        c = rhe(x / u).double()
        ss = c.pow(2).sum(-1, keepdim=True) * u.double().pow(2)     # exact sum
        inv = (1.0 / torch.sqrt((ss / x.shape[-1]).float() + eps))
        return self.act(x * g, name) * inv

    def attention(self, q, k, v, mask):
        if self.int_att:
            assert self.name.split("/")[1] == "h"
            return attention_int(q, k, v, mask)
        return L.attention_fp32(q, self.kvq(k), self.kvq(v), mask)


ROWS = """
i8g32/f i8g16/f
s8k3/f s8x10/f s16k3/f
s8k2g64/f s8k2g32/f
f/h f/g32 f/f16
i8g32/h i8g16/h
s8k3/h s8x10/h s16k3/h
s8k2g64/h s8k2g32/h
s8k3/h/A,N s8k2g64/h/A,N s8k2g32/h/A,N
""".split()


def reference(model, win, ref, batch):
    """FP32 log-probabilities at the scored positions, as a memory-mapped file."""
    n, ctx = win.shape
    per = ctx - 1 - ctx // 2
    path = os.path.join(ref, f"logp_{n}x{ctx}.npy")
    if not os.path.exists(path):
        os.makedirs(ref, exist_ok=True)
        win.astype("<i4").tofile(os.path.join(ref, f"ids_{n}x{ctx}.i32"))
        a = np.lib.format.open_memmap(path + ".part", "w+", "<f4", (n * per, model.vocab))
        for i in range(0, n, batch):
            lg = model.forward(win[i:i + batch], None, L.scored(ctx))
            lp = torch.log_softmax(lg, -1).reshape(-1, model.vocab)
            a[i * per:i * per + lp.shape[0]] = lp.numpy()
        a.flush()
        del a
        os.rename(path + ".part", path)
    return np.load(path, mmap_mode="r")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model")
    ap.add_argument("text")
    ap.add_argument("rows", nargs="*")
    ap.add_argument("--windows", type=int, default=24)
    ap.add_argument("--ctx", type=int, default=512)
    ap.add_argument("--batch", type=int, default=4)
    ap.add_argument("--ref", default="ref_fp32", help="folder of the FP32 log-probabilities (made when absent)")
    ap.add_argument("--out", help="append the rows to this file too")
    ap.add_argument("--threads", type=int, default=2)
    a = ap.parse_intermixed_args()
    torch.set_num_threads(a.threads)
    model = L.Model(a.model)
    win = L.windows_of(L.encode_file(a.model, a.text), a.ctx, a.windows)
    ref = reference(model, win, a.ref, a.batch)
    per = a.ctx - 1 - a.ctx // 2

    def say(line):
        print(line, flush=True)
        if a.out:
            with open(a.out, "a") as f:
                f.write(line + "\n")
    first = True
    for name in a.rows or ROWS:
        t0 = time.time()
        hk, tally = Choice(name), L.Tally()
        for i in range(0, a.windows, a.batch):
            w = win[i:i + a.batch]
            lg = model.forward(w, hk, L.scored(a.ctx)).flatten(0, 1)
            tgt = torch.from_numpy(w[:, a.ctx // 2 + 1:].reshape(-1).astype(np.int64))
            rl = torch.from_numpy(np.array(ref[i * per:i * per + len(lg)]))
            tally.add(rl, lg, tgt)
        r = tally.result()
        if first:
            say(f"\n{a.windows} windows of {a.ctx}, {r['n']} scored tokens, FP32 perplexity {r['ppl_ref']:.4f}\n")
            say("| choice | ppl | ppl vs FP32 | mean KL | top-1 | s |\n|---|---|---|---|---|---|")
            first = False
        say(f"| {name} | {r['ppl']:.4f} | {r['dppl']:+.2f} ± {r['dppl_se']:.2f} % | "
            f"{r['kl']:.5f} ± {r['kl_se']:.5f} | {r['top1']:.2f} % | {time.time() - t0:.0f} |")


if __name__ == "__main__":
    main()
