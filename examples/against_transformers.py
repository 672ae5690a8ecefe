#!/usr/bin/env python3
"""An image beside transformers: the same text through both, and how far the logits are apart.

usage: examples/against_transformers.py IMAGE MODEL [-f TEXT] [--tokens N]

IMAGE was built of MODEL (`roma build MODEL`), a Hugging Face folder or a GGUF file, which transformers runs in FP32 (pip install torch transformers, of a GGUF file also gguf).
Exit code 1 when the tokens differ or the mean divergence is above --most."""
import argparse
import os
import sys

import numpy as np

import roma

TEXT = "The capital of France is Paris. A river runs through the city, and on its left bank stands a tower of iron that everybody knows."


def log_softmax(x):
    x = x.astype(np.float64) - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("image")
    arguments.add_argument("model")
    arguments.add_argument("-f", "--file", help="a text in place of the built-in one")
    arguments.add_argument("--tokens", type=int, default=128, help="so many tokens of the text (default: 128)")
    arguments.add_argument("--most", type=float, default=0.05, help="divergence in nats that is taken (default: 0.05)")
    a = arguments.parse_args()
    try:
        import torch
        import transformers
    except ImportError as e:
        sys.exit(f"against_transformers: {e}; pip install torch transformers")
    text = TEXT
    if a.file:
        with open(a.file, encoding="utf-8") as f:
            text = f.read()
    folder, name = os.path.split(a.model) if a.model.endswith(".gguf") else (a.model, None)
    theirs_ids = transformers.AutoTokenizer.from_pretrained(folder, gguf_file=name)(text)["input_ids"][: a.tokens]
    with roma.Model(a.image) as m:
        ids = m.tokenize(text)[: a.tokens]
        print("tokens: the same" if ids == theirs_ids else f"tokens differ: {ids[:8]}... and {theirs_ids[:8]}...")
        ours, rows = m.logits(theirs_ids, every=True), m.embeddings(theirs_ids)
    net = transformers.AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, torch_dtype=torch.float32).eval()
    with torch.no_grad():
        out = net(torch.tensor([theirs_ids]), output_hidden_states=True)
    theirs, hidden = out.logits[0].numpy()[:, : ours.shape[1]], out.hidden_states[-1][0].numpy()
    p, q = log_softmax(theirs), log_softmax(ours[:, : theirs.shape[1]])
    divergence = (np.exp(p) * (p - q)).sum(-1)
    agree = (p.argmax(-1) == q.argmax(-1)).mean()
    print(f"{len(theirs_ids)} positions: mean divergence {divergence.mean():.5f} nats, at most {divergence.max():.5f}; the same likeliest token at {100 * agree:.1f} %")
    cosine = (rows * hidden).sum(-1) / np.linalg.norm(rows, axis=-1) / np.linalg.norm(hidden, axis=-1)
    print(f"embeddings: cosine {cosine.mean():.5f}, at least {cosine.min():.5f}")
    return divergence.mean() > a.most or ids != theirs_ids


if __name__ == "__main__":
    sys.exit(main())
