#!/usr/bin/env python3
"""Which storage of B is closest to the adapter that was trained?  PyTorch in FP32 with the values of int8, FP8 and FP16 adapter
files (read by tests/adapter/read_lora.py) against PyTorch with the PEFT folder: the loss of storing alone; beside it our engine with
the same files, which adds its 8-bit activations and cache, and without any.

usage: adapter_types.py MODEL.gguf IMAGE.roma FOLDERS REFERENCE [--roma PATH] NAME...

REFERENCE is the .json that adapter_logits.py wrote: its prompts and answers are the texts.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import peft
import torch

import hf_base
import llama_fp32

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "adapter"))
from read_lora import read  # noqa: E402

LINEAR = dict(q="self_attn.q_proj", k="self_attn.k_proj", v="self_attn.v_proj", o="self_attn.o_proj",
              gate="mlp.gate_proj", up="mlp.up_proj", down="mlp.down_proj")


@torch.inference_mode()
def logits(model, case):
    """Of all positions from the question's on."""
    return torch.cat([model(torch.tensor([p["prompt"] + p["answer"]])).logits[0, 20:] for p in case["prompts"]])


def engine(roma, image, case, lora=()):
    """The same positions by our engine."""
    out = []
    with tempfile.TemporaryDirectory() as tmp:
        ids_file, dump = os.path.join(tmp, "ids"), os.path.join(tmp, "dump")
        for p in case["prompts"]:
            ids = np.array(p["prompt"] + p["answer"], "<i4")
            ids.tofile(ids_file)
            subprocess.run([roma, "eval", image, "--ids", ids_file, "--all", "--dump-logits", dump, *lora], check=True, stdout=subprocess.DEVNULL)
            out.append(torch.from_numpy(np.fromfile(dump, "<f4").reshape(len(ids), -1)[20:]))
    return torch.cat(out)


def show(what, exact, got):
    tally = llama_fp32.Tally()
    tally.add(exact, got, torch.zeros(len(exact), dtype=torch.long))
    r = tally.result()
    print(f"{what}: {r['n']} positions, mean KL {r['kl']:.3g} ± {r['kl_se']:.2g}, same top token {r['top1']:.2f} %", flush=True)


def put(model, name, path):
    """The file's values in place of the trained ones."""
    layers = model.base_model.model.model.layers
    heads = dict(q=model.config.num_attention_heads, k=model.config.num_key_value_heads)
    for t in read(path)["targets"]:
        m = layers[t["layer"]].get_submodule(LINEAR[t["role"]])
        b = torch.tensor(t["b"])
        m.lora_A[name].weight.data = torch.tensor(t["a"])
        m.lora_B[name].weight.data = hf_base.halves(b, heads[t["role"]]) if t["role"] in heads else b


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for word in ("model", "image", "folders", "reference"):
        ap.add_argument(word)
    ap.add_argument("names", nargs="+")
    ap.add_argument("--roma", default="build/roma")
    a = ap.parse_intermixed_args()
    torch.set_num_threads(2)
    with open(a.reference, encoding="utf-8") as f:
        cases = {c["name"]: c for c in json.load(f)["cases"]}
    for name in a.names:
        base, _ = hf_base.load(a.model)
        folder, case = os.path.join(a.folders, name), cases[f"{name}:1"]
        show(f"{name}'s texts without adapter, engine", torch.log_softmax(logits(base, case), -1), engine(a.roma, a.image, case))
        model = peft.PeftModel.from_pretrained(base, folder, adapter_name=name).eval()
        exact = torch.log_softmax(logits(model, case), -1)
        with tempfile.TemporaryDirectory() as tmp:
            for kind in ("int8", "fp8", "f16"):
                path = os.path.join(tmp, "x.lora.roma")
                subprocess.run([a.roma, "adapter", "build", folder, "--base", a.image, "-o", path, "--lora-type", kind], check=True, stdout=subprocess.DEVNULL)
                put(model, name, path)
                show(f"{name} {kind}, stored", exact, logits(model, case))
                show(f"{name} {kind}, engine", exact, engine(a.roma, a.image, case, ["--lora", path]))


if __name__ == "__main__":
    main()
