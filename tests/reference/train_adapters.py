#!/usr/bin/env python3
"""Trains LoRA adapters with Hugging Face PEFT on the dequantised weights of one GGUF file.

usage: train_adapters.py MODEL.gguf OUT [--steps N] NAME...

NAMEs for SmolLM2-135M-Instruct.Q4_1.gguf: json, pirate, french, pirate-qv; for models/tiny/tiny-q4.gguf: tiny-roma.  Writes OUT/NAME as PEFT saves it (adapter_config.json, adapter_model.safetensors).  The text comes from adapter_texts.py;
only the answer counts in the loss.  Needs torch, transformers, peft, gguf, tokenizers (requirements.txt).
"""
import argparse
import math
import os
import random
import time

import peft
import torch
import torch.nn.functional as F

import hf_base
from adapter_texts import TEST_PROMPTS, TINY_PROMPTS, example

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
MLP = ["gate_proj", "up_proj", "down_proj"]
# name: (style, steps, learning rate, what PEFT is asked for).  Together they use every way to state rank, scale and layers that we import.
ADAPTERS = {
    "json": ("json", 120, 2e-3, dict(r=8, lora_alpha=16, target_modules=ATTENTION + MLP, layers_to_transform=list(range(3, 30)))),
    "pirate": ("pirate", 140, 2e-3, dict(r=4, lora_alpha=8, use_rslora=True, target_modules=ATTENTION + MLP)),
    "french": ("french", 130, 2e-3, dict(r=8, lora_alpha=16, target_modules=ATTENTION + MLP, layers_to_transform=list(range(3, 30)),
                                         rank_pattern={"down_proj": 12, "k_proj": 4}, alpha_pattern={"down_proj": 24, "k_proj": 12})),
    "pirate-qv": ("pirate", 70, 4e-3, dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])),
    "tiny-roma": ("roma", 150, 1e-2, dict(r=4, lora_alpha=16, target_modules=["q_proj", "v_proj"])),
}
BATCH, SEED = 6, 1
BASES = ["HuggingFaceTB/SmolLM2-135M-Instruct", "roma-tiny"]


def prompt_of(name, question):
    return hf_base.chat(question, "" if name.startswith("tiny") else hf_base.SYSTEM)


def prompts_of(name):
    return TINY_PROMPTS if name.startswith("tiny") else TEST_PROMPTS


def batch(tok, name, rng):
    """Token ids, padded at the end, and targets: -100 where nothing is to be learned."""
    rows = []
    for _ in range(BATCH):
        q, a = example(ADAPTERS[name][0], rng)
        p, a = tok.encode(prompt_of(name, q)).ids, tok.encode(a + "<|im_end|>").ids
        rows.append((p + a, [-100] * len(p) + a))
    n = max(len(r[0]) for r in rows)
    ids = torch.tensor([r[0] + [0] * (n - len(r[0])) for r in rows])
    targets = torch.tensor([r[1] + [-100] * (n - len(r[1])) for r in rows])
    return ids, targets


def loss_of(model, ids, targets):
    """The head is computed only where a target follows: it is a fifth of the model."""
    h = model.base_model.model.model(ids).last_hidden_state[:, :-1]
    want = targets[:, 1:]
    here = want != -100
    return F.cross_entropy(model.base_model.model.lm_head(h[here]).float(), want[here])


def train(base, tok, name, steps, autocast):
    _, default_steps, rate, how = ADAPTERS[name]
    steps = steps or default_steps
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    model = peft.get_peft_model(base, peft.LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, bias="none", **how))
    model.train()
    opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, betas=(0.9, 0.98), weight_decay=0.0)
    began, mean = time.time(), None
    for step in range(steps):
        for g in opt.param_groups:                            # ten steps up, then half a cosine down
            g["lr"] = rate * min(1.0, (step + 1) / 10) * 0.5 * (1 + math.cos(math.pi * step / steps))
        ids, targets = batch(tok, name, rng)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = loss_of(model, ids, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
        opt.step()
        opt.zero_grad()
        mean = loss.item() if mean is None else 0.9 * mean + 0.1 * loss.item()
        if step % 10 == 9 or step < 3:
            print(f"{name} step {step + 1}/{steps} loss {mean:.4f} {time.time() - began:.0f} s", flush=True)
    return model.eval()


@torch.inference_mode()
def greedy(model, tok, ids, limit=48):
    """Greedy ids after `ids`, without the end token."""
    end, out = tok.token_to_id("<|im_end|>"), []
    past, feed = None, torch.tensor([ids])
    while len(out) < limit:
        r = model(feed, past_key_values=past, use_cache=True)
        past, best = r.past_key_values, int(r.logits[0, -1].argmax())
        if best == end:
            break
        out.append(best)
        feed = torch.tensor([[best]])
    return out


def save(model, name, folder):
    """As PEFT saves it, but in float16 and without the path of the base, which is of this machine."""
    for p in model.parameters():
        if p.requires_grad:
            p.data = p.data.half().float()
    model.peft_config["default"].base_model_name_or_path = BASES[name.startswith("tiny")]
    state = {k: v.half() for k, v in peft.get_peft_model_state_dict(model, save_embedding_layers=False).items()}
    model.save_pretrained(folder, state_dict=state, save_embedding_layers=False)
    if os.path.exists(os.path.join(folder, "README.md")):
        os.remove(os.path.join(folder, "README.md"))          # an empty model card


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model")
    ap.add_argument("out")
    ap.add_argument("names", nargs="+", choices=list(ADAPTERS))
    ap.add_argument("--steps", type=int, help="instead of each adapter's own number")
    ap.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
    a = ap.parse_intermixed_args()
    torch.set_num_threads(2)
    base, tok = hf_base.load(a.model)
    for name in a.names:
        model = train(base, tok, name, a.steps, a.bf16)
        save(model, name, os.path.join(a.out, name))
        for q in prompts_of(name):
            print(f"{name} > {q}\n    {tok.decode(greedy(model, tok, tok.encode(prompt_of(name, q)).ids))!r}", flush=True)
        base = model.unload()


if __name__ == "__main__":
    main()
