#!/usr/bin/env python3
"""Trains roma-tiny on the CPU: text from gen_stories.py, own byte-level BPE, AdamW, cosine rate.

    python3 train.py      # writes build/tokenizer.json and build/tiny.pt

The same seed, thread count, torch version and instruction set give the same weights.
"""
import argparse
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from gen_stories import EOT, IME, IMS, SLOTS, documents
from model import CFG, Tiny

HERE = os.path.dirname(os.path.abspath(__file__))
SPECIAL = [EOT, IMS, IME]
SAID = 4.0


def make_tokenizer(path, docs, vocab):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(docs, trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=SPECIAL, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False))
    assert t.get_vocab_size() == vocab, t.get_vocab_size()
    t.save(path)
    return t


def pack(tok, docs):
    """One long row of ids, its loss weights, and the offsets at which documents begin.

    A slot word (name, animal, thing, colour ...) that the same document has said before weighs SAID:
    these few tokens are what following a request and staying coherent consist of.
    """
    slot = {e.ids[0] for e in tok.encode_batch([" " + w for w in SLOTS] + SLOTS) if len(e.ids) == 1}
    ids, weight, starts = [], [], []
    for e in tok.encode_batch(list(docs)):
        starts.append(len(ids))
        seen = set()
        for i in e.ids:
            weight.append(SAID if i in seen else 1.0)
            if i in slot:
                seen.add(i)
        ids += e.ids
    return np.array(ids, np.int64), np.array(weight, np.float32), np.array(starts, np.int64)


def batch(ids, weight, starts, n, t, aligned, rng):
    """n rows of t tokens; the first `aligned` begin with a document, the others anywhere."""
    a = rng.integers(0, len(ids) - t - 1, n)
    ok = starts[starts < len(ids) - t - 1]
    a[:aligned] = ok[rng.integers(0, len(ok), aligned)]
    x = torch.from_numpy(np.stack([ids[i:i + t + 1] for i in a]))
    w = torch.from_numpy(np.stack([weight[i + 1:i + t + 1] for i in a]))
    return x[:, :-1], x[:, 1:], w


@torch.no_grad()
def evaluate(m, ids, weight=None, t=512, rows=24):
    """Mean loss over rows of t tokens, and the share of repeated slot words that come first."""
    x = torch.from_numpy(ids[: rows * t + 1])
    a, b = x[:-1].view(rows, t), x[1:].view(rows, t)
    z = torch.cat([m(a[i:i + 4]) for i in range(0, rows, 4)])
    loss = F.cross_entropy(z.flatten(0, 1), b.flatten()).item()
    if weight is None:
        return loss
    said = torch.from_numpy(weight[1: rows * t + 1] > 1).view(rows, t)
    return loss, float((z.argmax(-1) == b)[said].float().mean())


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--docs", type=int, default=40000)
    ap.add_argument("--steps", type=int, default=2000)
    ap.add_argument("--lr", type=float, default=3e-3)
    ap.add_argument("--tokens", type=int, default=2048, help="tokens a step")
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--out", default=os.path.join(HERE, "build"))
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    torch.use_deterministic_algorithms(True)
    os.makedirs(a.out, exist_ok=True)
    tok = make_tokenizer(os.path.join(a.out, "tokenizer.json"), documents(20000, a.seed), CFG["vocab"])
    ids, weight, starts = pack(tok, documents(a.docs, a.seed))
    val, vw, _ = pack(tok, documents(300, a.seed, val=True))
    m = Tiny()
    print("parameters", sum(p.numel() for p in m.parameters()), "training tokens", len(ids), flush=True)
    mats = [p for p in m.parameters() if p.dim() == 2]
    vecs = [p for p in m.parameters() if p.dim() != 2]
    opt = torch.optim.AdamW([dict(params=mats, weight_decay=0.1), dict(params=vecs, weight_decay=0.0)],
                            lr=a.lr, betas=(0.9, 0.98), eps=1e-9, fused=True)
    rng, t0, avg = np.random.default_rng(a.seed), time.time(), None
    for step in range(a.steps):
        u = step / a.steps
        lr = a.lr * min(1, (step + 1) / 60) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * u)))
        for g in opt.param_groups:
            g["lr"] = lr
        t = 256 if u < 0.7 else 512
        n = a.tokens // t
        x, y, w = batch(ids, weight, starts, n, t, n if u < 0.7 else n // 2, rng)
        each = F.cross_entropy(m(x).flatten(0, 1), y.flatten(), reduction="none")
        loss = (each * w.flatten()).sum() / w.sum()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
        opt.step()
        avg = each.mean().item() if avg is None else 0.98 * avg + 0.02 * each.mean().item()
        if step % 50 == 0 or step == a.steps - 1:
            print("step %5d  loss %.4f  rate %.5f  %.0f s" % (step, avg, lr, time.time() - t0), flush=True)
        if step % 200 == 199:
            print("    validation %.4f, repeated slot words right %.3f" % evaluate(m, val, vw, t), flush=True)
            torch.save(m.state_dict(), os.path.join(a.out, "tiny.pt"))
    print("final training loss %.4f, validation loss %.4f, repeated slot words right %.3f"
          % (avg, *evaluate(m, val, vw)), flush=True)
    torch.save(m.state_dict(), os.path.join(a.out, "tiny.pt"))
    for p in ("Once upon a time", IMS + "user\nTell me a story about a cat and a ball." + IME + "\n" + IMS + "assistant\n"):
        print(repr(tok.decode(m.generate(tok.encode(p).ids, 160, stop=(0, 2)), skip_special_tokens=False)))


if __name__ == "__main__":
    main()
