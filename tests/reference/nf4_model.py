#!/usr/bin/env python3
"""A llama GGUF's weights as a Hugging Face folder that bitsandbytes made 4-bit (NF4, double quantisation), and FP32
log-probabilities of PyTorch on bitsandbytes' own dequantised weights.

usage: nf4_model.py MODEL.gguf TEXT OUT [--windows N] [--ctx N] [--adapter STEPS]

Writes OUT/float (transformers, FP32), OUT/nf4 (the 4-bit folder, with its tokenizer), OUT/ids_NxCTX.i32 and OUT/logp_NxCTX.npy as
compare_logits.py reads them.  --adapter trains one on the 4-bit base with PEFT (OUT/adapter) and adds OUT/logp_adapter_NxCTX.npy.
Needs torch, transformers, bitsandbytes, peft, gguf, tokenizers.
"""
import argparse
import os

import bitsandbytes
import numpy as np
import torch
import torch.nn.functional as F
import transformers

import hf_base


def fp32_of(model):
    """The same model with bitsandbytes' dequantised weights, in FP32."""
    for name, module in list(model.named_modules()):
        if not isinstance(module, bitsandbytes.nn.Linear4bit):
            continue
        state = module.weight.quant_state
        state.dtype = torch.float32
        w = bitsandbytes.functional.dequantize_4bit(module.weight.data, state)
        plain = torch.nn.Linear(w.shape[1], w.shape[0], bias=False)
        plain.weight = torch.nn.Parameter(w, requires_grad=False)
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, plain)
    return model.eval()


def log_probs(model, ids, ctx):
    rows = []
    with torch.no_grad():
        for window in ids:
            logits = model(torch.from_numpy(window[None].astype(np.int64))).logits[0, ctx // 2:ctx - 1]
            rows.append(F.log_softmax(logits.double(), -1).float().numpy())
    return np.concatenate(rows)


def train(model, ids, steps, out):
    import peft
    torch.manual_seed(3)
    tuned = peft.get_peft_model(model, peft.LoraConfig(r=8, lora_alpha=16, task_type="CAUSAL_LM", target_modules=[
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]))
    best = torch.optim.AdamW([p for p in tuned.parameters() if p.requires_grad], lr=1e-3)
    for step in range(steps):
        x = torch.from_numpy(ids[step % len(ids)][None].astype(np.int64))
        loss = tuned(x, labels=x).loss
        loss.backward()
        best.step()
        best.zero_grad()
        print(f"step {step} loss {loss.item():.3f}", flush=True)
    tuned.save_pretrained(out)
    return tuned


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model")
    ap.add_argument("text")
    ap.add_argument("out")
    ap.add_argument("--windows", type=int, default=8)
    ap.add_argument("--ctx", type=int, default=512)
    ap.add_argument("--adapter", type=int, default=0)
    a = ap.parse_args()
    plain, nf4 = os.path.join(a.out, "float"), os.path.join(a.out, "nf4")
    model, tok = hf_base.load(a.model)
    if not os.path.isdir(nf4):
        model.save_pretrained(plain)
        config = transformers.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
                                                 bnb_4bit_compute_dtype=torch.float32)
        low = transformers.AutoModelForCausalLM.from_pretrained(plain, quantization_config=config, device_map="cpu", dtype=torch.float32)
        low.save_pretrained(nf4)
        tok.save(os.path.join(nf4, "tokenizer.json"))
    ids = np.array(tok.encode(open(a.text, encoding="utf-8").read()).ids, "<i4")
    rest = ids[a.windows * a.ctx:][:ids.size // 128 * 128 - a.windows * a.ctx].reshape(-1, 128)      # what the adapter learns: the text behind the windows
    ids = ids[:a.windows * a.ctx].reshape(-1, a.ctx)
    stem = f"{a.windows}x{a.ctx}"
    ids.tofile(os.path.join(a.out, f"ids_{stem}.i32"))
    low = transformers.AutoModelForCausalLM.from_pretrained(nf4, device_map="cpu", dtype=torch.float32)
    if a.adapter:
        train(low, rest, a.adapter, os.path.join(a.out, "adapter"))
        low = transformers.AutoModelForCausalLM.from_pretrained(nf4, device_map="cpu", dtype=torch.float32)
    low = fp32_of(low)
    np.save(os.path.join(a.out, f"logp_{stem}.npy"), log_probs(low, ids, a.ctx))
    if a.adapter:
        import peft
        tuned = peft.PeftModel.from_pretrained(low, os.path.join(a.out, "adapter")).eval()
        np.save(os.path.join(a.out, f"logp_adapter_{stem}.npy"), log_probs(tuned, ids, a.ctx))


if __name__ == "__main__":
    main()
