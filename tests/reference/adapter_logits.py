#!/usr/bin/env python3
"""PyTorch's greedy texts and logits with LoRA adapters, run by Hugging Face PEFT on the dequantised weights of one GGUF file.

usage: adapter_logits.py MODEL.gguf FOLDERS OUT smollm2|tiny

FOLDERS holds what train_adapters.py wrote.  Writes OUT.json (for each case its adapters with scales, questions, ids of prompt and
answer, text, number of scored positions) and OUT.logits.gz: for each case and question and each of the last `scored` positions of the
ids, the TOP likeliest tokens as u16, then their log-probabilities as f32, little-endian; and, where the case has adapters, the same of
the model without them.  Scored are the question and its answer, at most POSITIONS; not the system prompt, which all prompts share.
What the other tokens have together is 1 less the sum, so a divergence over TOP + 1 outcomes can be had from it: a lower bound of
the whole one, and close where little is outside, which is printed.
"""
import gzip
import hashlib
import json
import os
import sys

import numpy as np
import peft
import torch
import transformers

import hf_base
from adapter_texts import MORE_PROMPTS
from train_adapters import greedy, prompt_of, prompts_of

TOP, POSITIONS = {"smollm2": 128, "tiny": 128}, 48
CASES = {
    "smollm2": [[], [("json", 1.0)], [("pirate", 1.0)], [("french", 1.0)], [("pirate-qv", 1.0)], [("json", 0.7), ("pirate", 0.5)],
                [("pirate", 1.0), ("french", 0.6)], [("pirate-qv", 1.5)]],
    "tiny": [[], [("tiny-roma", 1.0)], [("tiny-roma", 0.5)]],
}


def with_adapters(base, folders, case):
    """The model with these adapters active, each times its factor."""
    model = None
    for name, _ in case:
        folder = os.path.join(folders, name)
        if model is None:
            model = peft.PeftModel.from_pretrained(base, folder, adapter_name=name)
        else:
            model.load_adapter(folder, adapter_name=name)
    if model is None:
        return base
    model.base_model.set_adapter([name for name, _ in case])
    for m in model.modules():
        if isinstance(m, peft.tuners.lora.LoraLayer):
            for name, factor in case:
                if name in m.scaling:
                    m.scaling[name] *= factor
    return model.eval()


def logits_of(model, ids, n, kind):
    """Packed likeliest tokens of the last n positions, their log-probabilities, and what is outside them."""
    best = torch.log_softmax(model(torch.tensor([ids])).logits[0, -n:].double(), -1).topk(TOP[kind])
    packed = best.indices.numpy().astype("<u2").tobytes() + best.values.numpy().astype("<f4").tobytes()
    return packed, best.values, float(1 - best.values.exp().sum(-1).mean())


@torch.inference_mode()
def one(model, tok, kind, question):
    prompt = tok.encode(prompt_of(kind, question)).ids
    answer = greedy(model, tok, prompt)
    shared = len(tok.encode(prompt_of(kind, "").split("<|im_end|>\n<|im_start|>assistant")[0]).ids)
    n = min(POSITIONS, len(prompt) + len(answer) - shared)
    packed, values, outside = logits_of(model, prompt + answer, n, kind)
    path = values[-len(answer) - 1:]
    entry = dict(question=question, prompt=prompt, answer=answer, text=tok.decode(answer), scored=n, gap=round(float((path[:, 0] - path[:, 1]).min()), 4))
    if isinstance(model, peft.PeftModel):
        with model.disable_adapter():
            packed += logits_of(model, prompt + answer, n, kind)[0]
    return entry, packed, outside


def main():
    path, folders, out, kind = sys.argv[1:]
    torch.set_num_threads(2)
    cases, blob = [], b""
    for case in CASES[kind]:
        base, tok = hf_base.load(path)
        name = "+".join(f"{n}:{s:g}" for n, s in case) or "base"
        model, prompts, rest = with_adapters(base, folders, case), [], 0
        questions = MORE_PROMPTS if name == "pirate-qv:1" else prompts_of(kind)
        for q in questions:
            entry, data, outside = one(model, tok, kind, q)
            prompts.append(entry)
            blob += data
            rest += outside / len(questions)
            print(f"{name} > {q}\n    {entry['text']!r}  smallest gap {entry['gap']}", flush=True)
        print(f"{name}: {100 * rest:.3f} % of the probability is outside the first {TOP[kind]}", flush=True)
        cases.append(dict(name=name, adapters=case, prompts=prompts))
    with open(path, "rb") as f:
        sha = hashlib.sha256(f.read()).hexdigest()
    head = dict(gguf=os.path.basename(path), sha256=sha, top=TOP[kind], vocab=base.config.vocab_size, torch=torch.__version__.split("+")[0],
                transformers=transformers.__version__, peft=peft.__version__, numpy=np.__version__)
    with open(out + ".json", "w", encoding="utf-8") as f:
        f.write("{" + json.dumps(head)[1:-1] + ', "cases": [\n' + ",\n".join(json.dumps(c, ensure_ascii=False) for c in cases) + "\n]}\n")
    with gzip.GzipFile(out + ".logits.gz", "wb", mtime=0) as f:
        f.write(blob)
    print(f"{len(blob)} bytes, {os.path.getsize(out + '.logits.gz')} compressed")


if __name__ == "__main__":
    main()
