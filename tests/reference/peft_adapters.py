#!/usr/bin/env python3
"""Adapters of the head, of the embedding and of DoRA, as Hugging Face PEFT makes, saves and runs them, against our engine.

usage: peft_adapters.py FOLDER [--roma PATH] [CASE...]

FOLDER holds what `hf_models.py make` wrote.  Each case wraps a model with PEFT, fills its B and magnitudes with random numbers, saves it
with save_pretrained as it comes, and takes the logits of the prompts in FP32.  `roma adapter build` imports the folder (a case with `mlx`:
the same values as MLX saves them) with B in 8 and in 16 bits, and the mean KL to PEFT may be 0.002 and 0.0005 above that of the model
without adapters, as docs/measurements.md allows the trained ones; the adapter itself must matter: 20 times as far.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import peft
import torch
import transformers
from safetensors.torch import load_file, save_file

import hf_models

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# name: model, what PEFT is told, whether MLX's folder is made of it
CASES = {
    "head": ("llama", dict(target_modules=["lm_head", "v_proj"]), False),
    "head_tied": ("llama_tied", dict(target_modules=["lm_head"]), False),
    "embedding": ("llama", dict(target_modules=["embed_tokens", "down_proj"]), False),
    "embedding_tied": ("qwen2", dict(target_modules=["embed_tokens"]), False),
    "tied": ("qwen2", dict(target_modules=["embed_tokens", "q_proj"], ensure_weight_tying=True), False),
    "tied_head": ("llama_tied", dict(target_modules=["lm_head"], ensure_weight_tying=True), False),
    "tied_dora": ("qwen2", dict(target_modules=["embed_tokens", "q_proj"], ensure_weight_tying=True, use_dora=True), False),
    "both": ("qwen3", dict(target_modules=ALL + ["lm_head", "embed_tokens"], use_rslora=True), False),
    "dora": ("llama", dict(target_modules=ALL, use_dora=True), False),
    "dora_biases": ("biases", dict(target_modules=ALL, use_dora=True), False),
    "dora_qwen2": ("qwen2", dict(target_modules=ALL, use_dora=True, rank_pattern={"q_proj": 3}, alpha_pattern={r"mlp\.down_proj": 24}), False),
    "dora_padded": ("head_24", dict(target_modules=ALL, use_dora=True), False),
    "dora_head": ("mistral", dict(target_modules=["lm_head", "o_proj"], use_dora=True), False),
    "dora_embedding": ("llama", dict(target_modules=["embed_tokens", "q_proj"], use_dora=True), False),
    "patterns": ("llama", dict(target_modules=r".*layers\.(0|1)\.(mlp\.(up|down)|self_attn\.[qk])_proj", rank_pattern={r".*\.1\..*up_proj": 2},
                               alpha_pattern={r"q_proj": 4}, exclude_modules=r".*layers\.0\.self_attn\.k_proj"), False),
    "mlx": ("llama", dict(target_modules=ALL + ["lm_head", "embed_tokens"]), True),
    "mlx_dora": ("qwen2", dict(target_modules=ALL, use_dora=True), True),
}


def wrapped(model, told):
    torch.manual_seed(3)
    config = peft.LoraConfig(task_type="CAUSAL_LM", **{**dict(r=8, lora_alpha=16, bias="none"), **told})
    out = peft.get_peft_model(model, config).eval()
    g = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, p in out.named_parameters():
            if "lora_magnitude_vector" in name:
                p.mul_(0.6 + 0.8 * torch.rand(p.shape, generator=g))
            elif "lora_embedding_A" in name:
                p.copy_(0.5 * torch.randn(p.shape, generator=g))
            elif "lora_B" in name or "lora_embedding_B" in name:
                p.copy_(0.1 * torch.randn(p.shape, generator=g))
    return out


def to_mlx(folder, told):
    """Names, order of dimensions and configuration as mlx_lm has them."""
    tensors = load_file(os.path.join(folder, "adapter_model.safetensors"))
    out = {}
    for name, t in tensors.items():
        if "base_layer" in name:
            continue
        stem, _, kind = name.removeprefix("base_model.model.").replace(".weight", "").replace("lora_embedding_", "lora_").rpartition(".")
        kind = {"lora_A": "lora_a", "lora_B": "lora_b", "lora_magnitude_vector": "m"}[kind]
        out[f"{stem}.{kind}"] = t.contiguous() if kind == "m" else t.T.contiguous()
    os.remove(os.path.join(folder, "adapter_model.safetensors"))
    save_file(out, os.path.join(folder, "adapters.safetensors"))
    with open(os.path.join(folder, "adapter_config.json"), "w") as f:
        json.dump(dict(fine_tune_type="dora" if told.get("use_dora") else "lora", num_layers=2, lora_parameters=dict(rank=8, scale=2.0, dropout=0.0)), f)


def engine(roma, image, ids_file, n, *more):
    with tempfile.NamedTemporaryFile() as dump:
        subprocess.run([roma, "eval", image, "--ids", ids_file, "--all", "--dump-logits", dump.name, *more], check=True, stdout=subprocess.DEVNULL)
        return np.fromfile(dump.name, "<f4").reshape(n, hf_models.VOCAB)


@torch.inference_mode()
def run(model, ids):
    return model(torch.from_numpy(ids[None].astype(np.int64))).logits[0].numpy()


def case(folder, roma, name):
    base, told, mlx = CASES[name]
    model = transformers.AutoModelForCausalLM.from_pretrained(os.path.join(folder, base), attn_implementation="eager").float().eval()
    model = wrapped(model, told)
    prompts = [(p, ids, ref) for p, ids, ref in hf_models.prompts(folder, base)]
    want = [run(model, ids) for _, ids, _ in prompts]
    with tempfile.TemporaryDirectory() as tmp:
        image, saved = os.path.join(tmp, "i.roma"), os.path.join(tmp, "adapter")
        subprocess.run([roma, "build", os.path.join(folder, base + ".gguf"), "-o", image], check=True, stdout=subprocess.DEVNULL)
        model.save_pretrained(saved)
        if mlx:
            to_mlx(saved, told)
        files = [os.path.join(folder, f"{base}.{p}.ids") for p, _, _ in prompts]
        plain = [engine(roma, image, f, len(ids)) for f, (_, ids, _) in zip(files, prompts)]
        without = torch.cat([hf_models.kl(ref, got) for (_, _, ref), got in zip(prompts, plain)]).mean().item()
        effect = torch.cat([hf_models.kl(w, got) for w, got in zip(want, plain)]).mean().item()
        bad = 0
        for kind, more in (("int8", 0.002), ("f16", 0.0005)):
            lora = os.path.join(tmp, kind + ".lora.roma")
            r = subprocess.run([roma, "adapter", "build", saved, "--base", image, "--lora-type", kind, "-o", lora], capture_output=True, text=True)
            if r.returncode:
                print(f"FAIL {name}, {kind}: {r.stderr.strip()}")
                return 1
            got = [engine(roma, image, f, len(ids), "--lora", lora) for f, (_, ids, _) in zip(files, prompts)]
            with_ = torch.cat([hf_models.kl(w, g) for w, g in zip(want, got)]).mean().item()
            ok = with_ <= without + more and effect >= 20 * with_
            bad += not ok
            print(f"{'ok  ' if ok else 'FAIL'} {name} ({base}), {kind}: mean KL {with_:.6f}, without {without:.6f}, above {with_ - without:+.6f}; "
                  f"the adapter's own effect {effect:.3g}", flush=True)
    return bad


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder")
    ap.add_argument("names", nargs="*")
    ap.add_argument("--roma", default="build/roma")
    a = ap.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(2)
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}")
    names = a.names or list(CASES)
    bad = sum(bool(case(a.folder, a.roma, n)) for n in names)
    print(f"{len(names) - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
