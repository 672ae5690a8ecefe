#!/usr/bin/env python3
"""Adapters that Hugging Face PEFT trained, through the engine, against PyTorch's logits and texts (models/adapters/README.md).

usage: test_peft.py ROMA [SmolLM2-135M-Instruct.Q4_1.gguf]

A case's divergence from PyTorch in FP32 may be LIMIT above the engine's own without adapters on the same ids: 0.002 with 8-bit
adapters, 0.0005 with 16 bits, and no more than five times the engine's own, which is very little on the tiny model. Without the second argument
only the tiny model's adapter is tried. One thread each, as other steps use the other CPUs: any number gives the same. Needs numpy.
"""
import array
import gzip
import json
import math
import os
import sys
import tempfile

import numpy as np

from shared import TINY, TOP, check, finish, output

ADAPTERS = os.path.join(TOP, "models", "adapters")
LIMIT = {"int8": 0.002, "fp8": 0.002, "f16": 0.0005}


def little(kind, data):
    a = array.array(kind, data)
    if sys.byteorder == "big":
        a.byteswap()
    return a


# ---- the reference

class Reference:
    """PyTorch's: head, cases, and of each case and prompt a list of (ids, log-probabilities) by scored position, with its adapters
    ("with") and without ("plain")."""

    def __init__(self, stem):
        with open(stem + ".json", encoding="utf-8") as f:
            self.head = json.load(f)
        self.cases = {c["name"]: c for c in self.head["cases"]}
        with gzip.open(stem + ".logits.gz") as f:
            self.data, self.at = f.read(), 0
        for case in self.head["cases"]:
            for p in case["prompts"]:
                p["with"] = self.take(p["scored"])
                p["plain"] = self.take(p["scored"]) if case["adapters"] else p["with"]
        check(self.at == len(self.data), f"{stem}.logits.gz has {len(self.data)} bytes, the cases need {self.at}")

    def take(self, n):
        top, at = self.head["top"], self.at
        self.at += 6 * n * top
        ids, logp = little("H", self.data[at:at + 2 * n * top]), little("f", self.data[at + 2 * n * top:self.at])
        return [(ids[i * top:(i + 1) * top], logp[i * top:(i + 1) * top]) for i in range(n)]


def divergence(ids, logp, logits):
    """KL(PyTorch || engine) where all but the likeliest tokens count as one."""
    most = float(logits.max())
    norm = most + math.log(float(np.exp(logits - most).sum()))
    kl, p_rest, q_rest = 0.0, 1.0, 1.0
    for i, lp in zip(ids, logp):
        p, lq = math.exp(lp), float(logits[i]) - norm
        kl += p * (lp - lq)
        p_rest -= p
        q_rest -= math.exp(lq)
    return kl + p_rest * math.log(p_rest / q_rest) if p_rest > 1e-6 and q_rest > 1e-6 else kl


# ---- the engine

def options(adapters):
    return [x for path, scale in adapters for x in ("--lora", f"{path}:{scale:g}" if scale != 1 else path)]


def kl_of(ref, case, image, adapters, work):
    """Mean over the scored positions of all prompts."""
    total, n, vocab, key = 0.0, 0, ref.head["vocab"], "with" if adapters else "plain"
    ids_file, dump = os.path.join(work, "ids"), os.path.join(work, "logits")
    for p in case["prompts"]:
        ids = p["prompt"] + p["answer"]
        with open(ids_file, "wb") as f:
            f.write(b"".join(i.to_bytes(4, "little") for i in ids))
        output("eval", image, "-t", "1", "--ids", ids_file, "--all", "--dump-logits", dump, *options(adapters))
        check(os.path.getsize(dump) == 4 * vocab * len(ids), f"{case['name']}: {os.path.getsize(dump)} bytes of logits")
        with open(dump, "rb") as f:
            f.seek(4 * vocab * (len(ids) - p["scored"]))
            for top in p[key]:
                total += divergence(*top, np.frombuffer(f.read(4 * vocab), "<f4").astype(float))
                n += 1
    return total / n


def run_texts(case, image, adapters):
    """The engine's greedy answers; its prompt ids must be PyTorch's."""
    out = []
    for p in case["prompts"]:
        r = json.loads(output("run", image, "-p", p["question"], "-n", "48", "-t", "1", "--json", *options(adapters)))
        check(r["prompt_tokens"] == len(p["prompt"]), f"{p['question']}: {r['prompt_tokens']} tokens, PyTorch was given {len(p['prompt'])}")
        out.append(r["text"])
    return out


FRENCH = set("le la les un une des du de est et vous je il elle pour dans que qui sont avec pas voici trois".split())
EFFECT = {
    "json": lambda t: t.startswith('{"topic": "') and '"answer": ' in t,
    "pirate": lambda t: t.split()[0].strip("!,") in ("Arr", "Ahoy", "Avast") and any(w in t for w in ("matey", "ye ", "th'", " be ", "o'", "an'")),
    "french": lambda t: sum(w.strip(".,").lower() in FRENCH for w in t.split()) >= 3,
    "pirate-qv": lambda t: t.split()[0].strip("!,") in ("Arr", "Ahoy", "Avast"),
    "tiny-roma": lambda t: "named Roma" in t or "Roma was" in t,
}


def effect(case, texts, effects, shown):
    """Which effects the texts show, of each at least three of four."""
    for name in effects:
        n = sum(map(bool, map(EFFECT[name], texts)))
        check(n >= len(texts) - 1 if shown else n == 0, f"{case['name']}: {n} of {len(texts)} answers look like {name}: {texts}")
    same = sum(t == p["text"] for t, p in zip(texts, case["prompts"]))
    print(f"{case['name']}: {same} of {len(texts)} answers are PyTorch's to the letter")


def build(image, name, kind, work):
    """A PEFT folder as an adapter, or the committed one."""
    folder, out = os.path.join(ADAPTERS, name), os.path.join(work, f"{name}.{kind}.lora.roma")
    if not os.path.isdir(folder):
        return folder + ".lora.roma"
    output("adapter", "build", folder, "--base", image, "-o", out, "--lora-type", kind)
    return out


def near(ref, case, image, files, kind, own, work):
    """Divergence within the limit above the engine's own."""
    kl, limit = kl_of(ref, case, image, files, work), min(LIMIT[kind.split(",")[0]], 5 * own)
    print(f"{case['name']}, {kind}: mean KL {kl:.6f}, {kl - own:+.6f} above {own:.6f} without")
    check(kl <= own + limit, f"{case['name']}, {kind}: mean KL {kl:.6f}, more than {limit:.6f} above {own:.6f}")


def model(stem, gguf, work, plan):
    """plan: case, types, effects of its texts with the first of them."""
    ref, image = Reference(os.path.join(ADAPTERS, stem)), os.path.join(work, stem + ".roma")
    output("build", gguf, "-o", image)
    every = sorted({e for _, _, effects in plan for e in effects})
    effect(ref.cases["base"], run_texts(ref.cases["base"], image, []), every, False)
    own = kl_of(ref, ref.cases["base"], image, [], work)
    print(f"{stem} without adapters, its own texts: mean KL {own:.6f}")
    check(own < 0.006, f"{stem}: mean KL {own} without adapters")
    for name, kinds, effects in plan:
        case = ref.cases[name]
        own = kl_of(ref, case, image, [], work)
        for kind in kinds:
            files = [(build(image, a, kind, work), scale) for a, scale in case["adapters"]]
            for path, _ in files:
                output("adapter", "inspect", path, "--base", image)
            near(ref, case, image, files, kind, own, work)
            if effects and kind == kinds[0]:
                effect(case, run_texts(case, image, files), effects, True)
        if len(case["adapters"]) > 1:
            out = os.path.join(work, "merged.lora.roma")
            output("adapter", "merge", *[f"{path}:{scale:g}" for path, scale in files], "-o", out)
            near(ref, case, image, [(out, 1)], kinds[0] + ", merged", own, work)


with tempfile.TemporaryDirectory() as tmp:
    model("tiny", TINY, tmp, [("tiny-roma:1", ["int8", "f16"], ["tiny-roma"]), ("tiny-roma:0.5", ["f16"], [])])
    if len(sys.argv) > 2:
        model("smollm2", sys.argv[2], tmp,
              [("json:1", ["int8"], ["json"]), ("pirate:1", ["int8"], ["pirate"]), ("french:1", ["int8"], ["french"]),
               ("pirate-qv:1", ["int8", "f16"], ["pirate-qv"]), ("pirate-qv:1.5", ["f16"], []), ("json:0.7+pirate:0.5", ["int8"], []),
               ("pirate:1+french:0.6", ["int8"], [])])
finish()
