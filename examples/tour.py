#!/usr/bin/env python3
"""A tour, cell by cell (# %%), for a terminal or a notebook: a chat, adapters swapped between two answers, and the chip: rate against context, area against rate.

usage: examples/tour.py IMAGE [ADAPTER...] [--out PREFIX]

Pictures go to PREFIX-context.png and PREFIX-area.png where Matplotlib is there (pip install matplotlib); the numbers are printed in any case."""
import argparse
import importlib.util
import time

import roma

# %% What is open
arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
arguments.add_argument("image")
arguments.add_argument("adapters", nargs="*", metavar="ADAPTER")
arguments.add_argument("--out", metavar="PREFIX", default="tour")
arguments.add_argument("--shape", default="llama-3.2-3b", help="the model on the chip")
a = arguments.parse_args()
model = roma.Model(a.image, adapters=max(1, len(a.adapters)), rank=64)
print(f"{model.name}: {model.vocab} tokens, {model.context} of context")

# %% A chat: messages go in, the answer is text that knows how it came about
messages = [{"role": "user", "content": "Who are you?"}]
answer = model.chat(messages, max_tokens=60, temperature=0)
print(answer)
print(f"{len(answer.ids)} tokens, {answer.tokens_per_second:.0f} tokens/s, ended by {answer.stop}")

# %% The next turn computes what is new; the text comes as it grows
messages += [{"role": "assistant", "content": str(answer)}, {"role": "user", "content": "Tell me a story about a dog."}]
with model.stream(messages, max_tokens=80, temperature=0) as pieces:
    for piece in pieces:
        print(piece, end="", flush=True)
    print(f"\n{pieces.answer.shared_tokens} of {pieces.answer.prompt_tokens} tokens of the prompt were there already")

# %% Adapters: the same question under each; a swap takes no time that one could see
for path in a.adapters:
    with model.adapter(path):
        began = time.perf_counter()
        other = model.chat("Who are you?", max_tokens=40, temperature=0)
        print(f"{path}: {other}  ({(time.perf_counter() - began) * 1e3:.0f} ms)")
model.close()

# %% The chip: rate against context
contexts = [2**k for k in range(7, 15)]
rates = [roma.sim(a.shape, context=n, ranges=True) for n in contexts]
for n, r in zip(contexts, rates):
    print(f"{a.shape} with {n:6} tokens in the cache: {r.tok_s:7.0f} tokens/s ({r.low.tok_s:.0f} to {r.high.tok_s:.0f}), {r.mj_per_token:.2f} mJ a token")

# %% Chips that could be: area against rate
points = roma.explore(a.shape, points=300, context=1024, seed=1)
front = sorted((p for p in points if p.pareto), key=lambda p: p.area_mm2)
for p in front[:: max(1, len(front) // 8)]:
    print(f"{p.area_mm2:6.0f} mm2: {p.tok_s:7.0f} tokens/s, {p.mj_per_token:.2f} mJ a token")

# %% Pictures
if importlib.util.find_spec("matplotlib"):
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot(contexts, [r.tok_s for r in rates], marker="o")
    axes.fill_between(contexts, [r.low.tok_s for r in rates], [r.high.tok_s for r in rates], alpha=0.2)
    axes.set(xscale="log", yscale="log", xlabel="tokens in the cache", ylabel="tokens/s", title=f"{a.shape} on the chip roma")
    figure.savefig(f"{a.out}-context.png")
    figure, axes = pyplot.subplots()
    axes.scatter([p.tok_s for p in points], [p.area_mm2 for p in points], s=6, label="feasible")
    axes.scatter([p.tok_s for p in front], [p.area_mm2 for p in front], s=14, label="none is better in everything")
    axes.set(xlabel="tokens/s", ylabel="mm2", title=f"chips for {a.shape}")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncol=2)
    figure.tight_layout()
    figure.savefig(f"{a.out}-area.png")
    print(f"{a.out}-context.png, {a.out}-area.png")
