#!/usr/bin/env python3
"""An engine's logits against the FP32 reference of the same weights.

usage: compare_logits.py --ref logp_40x512.npy --ids ids_40x512.i32 --logits DUMP

DUMP holds raw little-endian float32 logits, n_scored x vocab, in order: window
by window, positions ctx/2 .. ctx-2 (what `roma eval --dump-logits` writes).
It may hold the first windows only.  Needs NumPy alone.
"""
import argparse
import json
import math
import os
import sys

import numpy as np


def log_softmax(x):
    m = x.max(-1, keepdims=True)
    e = np.exp(x - m)
    return x - m - np.log(e.sum(-1, keepdims=True, dtype=np.float64)).astype(np.float32)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--ref", required=True, help="FP32 log-probabilities (arith_study.py writes them)")
    ap.add_argument("--ids", required=True, help="token ids of the windows, int32")
    ap.add_argument("--logits", required=True)
    ap.add_argument("--ctx", type=int, default=512)
    ap.add_argument("--max-kl", type=float, help="exit 1 above this mean KL divergence")
    ap.add_argument("--json", action="store_true")
    a = ap.parse_args()

    ref = np.load(a.ref, mmap_mode="r")
    ids = np.fromfile(a.ids, "<i4").reshape(-1, a.ctx)
    per = a.ctx - 1 - a.ctx // 2
    if ref.shape[0] != ids.shape[0] * per:
        sys.exit(f"{a.ref} has {ref.shape[0]} rows, {a.ids} makes {ids.shape[0] * per}")
    vocab = ref.shape[1]
    size = os.path.getsize(a.logits)
    n = size // (4 * vocab)
    if size == 0 or size % (4 * vocab) or n % per or n > ref.shape[0]:
        sys.exit(f"{a.logits}: {size} bytes are no whole windows of {per} x {vocab} float32 "
                 f"(at most {ids.shape[0]} windows)")
    eng = np.memmap(a.logits, "<f4", "r", shape=(n, vocab))
    target = ids[:, a.ctx // 2 + 1:].reshape(-1)
    kl, nr, ne, top = np.empty(n), np.empty(n), np.empty(n), np.empty(n, bool)
    for i in range(0, n, per):
        s = slice(i, i + per)
        lp, x = np.array(ref[s]), np.array(eng[s])
        if not np.isfinite(x).all():
            sys.exit(f"{a.logits}: not finite in window {i // per}")
        lq = log_softmax(x)
        kl[s] = (np.exp(lp) * (lp - lq)).sum(-1, dtype=np.float64)
        row, t = np.arange(per), target[s]
        nr[s], ne[s] = -lp[row, t], -lq[row, t]
        top[s] = lp.argmax(-1) == lq.argmax(-1)
    out = dict(tokens=n, kl_mean=kl.mean(), kl_se=kl.std(ddof=1) / math.sqrt(n), kl_max=kl.max(),
               perplexity_ref=math.exp(nr.mean()), perplexity=math.exp(ne.mean()),
               perplexity_diff_percent=100 * math.expm1((ne - nr).mean()), top1=top.mean())
    if a.json:
        print(json.dumps({k: float(v) if k != "tokens" else int(v) for k, v in out.items()}))
    else:
        print(f"tokens scored     {n}\n"
              f"mean KL           {out['kl_mean']:.6f} ± {out['kl_se']:.6f} (largest {out['kl_max']:.4f})\n"
              f"perplexity        {out['perplexity']:.4f}, FP32 {out['perplexity_ref']:.4f} "
              f"({out['perplexity_diff_percent']:+.3f} %)\n"
              f"same top token    {100 * out['top1']:.2f} %")
    if a.max_kl is not None and not out["kl_mean"] <= a.max_kl:
        print(f"mean KL {out['kl_mean']:.6f} is above {a.max_kl}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
