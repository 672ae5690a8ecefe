#!/usr/bin/env python3
"""An image beside transformers: the same text through both, and how far the logits are apart.

usage: examples/against_transformers.py IMAGE FOLDER [-f TEXT] [--tokens N]

IMAGE was built of FOLDER, a Hugging Face folder (`roma build FOLDER`), which transformers runs in FP32 (pip install torch transformers). Exit code 1 when
the mean divergence is above --most."""
import argparse
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
    arguments.add_argument("folder")
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
    theirs_ids = transformers.AutoTokenizer.from_pretrained(a.folder)(text)["input_ids"][: a.tokens]
    with roma.Model(a.image) as m:
        ids = m.tokenize(text)[: a.tokens]
        print("tokens: the same" if ids == theirs_ids else f"tokens differ: {ids[:8]}... and {theirs_ids[:8]}...")
        ours = m.logits(theirs_ids, every=True)
    net = transformers.AutoModelForCausalLM.from_pretrained(a.folder, torch_dtype=torch.float32).eval()
    with torch.no_grad():
        theirs = net(torch.tensor([theirs_ids])).logits[0].numpy()[:, : ours.shape[1]]
    p, q = log_softmax(theirs), log_softmax(ours[:, : theirs.shape[1]])
    divergence = (np.exp(p) * (p - q)).sum(-1)
    agree = (p.argmax(-1) == q.argmax(-1)).mean()
    print(f"{len(ids)} positions: mean divergence {divergence.mean():.5f} nats, at most {divergence.max():.5f}; the same likeliest token at {100 * agree:.1f} %")
    return divergence.mean() > a.most or ids != theirs_ids


if __name__ == "__main__":
    sys.exit(main())
