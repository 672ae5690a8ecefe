#!/usr/bin/env python3
"""Keys of adapter_config.json, added, changed and dropped one after another, and types of tensors, against Hugging Face PEFT.

usage: peft_keys.py ROMA

A random two-layer llama (config_keys.py's) and an adapter of rank 8 that PEFT saved get each change in turn.  Where PEFT and we both run it,
the mean KL divergence of our logits from PEFT's must be at most MAX_KL, and a tenth of that of the base's, which must be FAR; where PEFT runs it and we do not, the refusal must be one line with a
reason, exit code 2; where PEFT refuses, so must we, but under the keys of NULLS, whose null PEFT trips over and which says nothing here.  ALONE are what PEFT runs in a way that nobody means, each with the words of our refusal.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import config_keys
import numpy as np
import peft
import torch
import transformers
from safetensors.torch import load_file, save_file

MAX_KL, FAR = 1e-3, 0.005
DROP = config_keys.DROP
CHANGES = [
    {}, dict(r=DROP), dict(lora_alpha=DROP), dict(r=DROP, lora_alpha=DROP), dict(r=None), dict(lora_alpha=None), dict(r=4), dict(r="8"), dict(lora_alpha="8"),
    dict(lora_alpha=-16), dict(lora_alpha=3.5), dict(use_rslora=True), dict(use_rslora=None), dict(peft_type=DROP), dict(peft_type=None), dict(peft_type="IA3"),
    dict(alpha_pattern={"q_proj": 40}), dict(alpha_pattern={"layers.1.self_attn.q_proj": 40}), dict(alpha_pattern={r".*\.0\..*q_proj": 40}), dict(alpha_pattern={"proj": 40}),
    dict(alpha_pattern=None), dict(rank_pattern={"q_proj": 8}), dict(rank_pattern={"q_proj": 4}), dict(rank_pattern=None),
    dict(fan_in_fan_out=True), dict(lora_dropout=0.5), dict(lora_dropout=None), dict(inference_mode=False), dict(task_type=None), dict(task_type=DROP),
    dict(init_lora_weights=False), dict(init_lora_weights="gaussian"), dict(base_model_name_or_path="elsewhere"), dict(revision="x"), dict(peft_version="0.1"),
    dict(target_modules=DROP), dict(target_modules="all-linear"), dict(target_modules=r".*\.(q|v)_proj"), dict(layers_to_transform=[0, 1]), dict(bias="none"),
]
ALONE = [(dict(lora_alpha=0), "alpha is 0"), (dict(alpha_pattern={"q_proj": 0}), "alpha is 0"), (dict(frobnicate=3), "unknown"), (dict(target_modules=["q_proj"]), "do not name it"),
         (dict(target_modules=["q_proj", "v_proj", "o_proj"]), "missing")]
NULLS = [dict(alpha_pattern=None), dict(rank_pattern=None), dict(lora_dropout=None)]
TYPES = [torch.float64, torch.float16, torch.bfloat16]


class Sweep(config_keys.Sweep):
    def setup(self):
        self.make("llama")
        self.base = self.path("llama")
        transformers.AutoConfig.from_pretrained(self.base)
        m = peft.get_peft_model(self.model(), peft.LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]))
        torch.manual_seed(3)
        with torch.no_grad():
            for name, p in m.named_parameters():
                if "lora_" in name:
                    p.normal_(0, 0.1)
        m.save_pretrained(self.path("adapter"))
        with open(self.path("adapter/adapter_config.json"), encoding="utf-8") as f:
            self.config = json.load(f)
        subprocess.run([self.roma, "build", self.base, "-o", self.path("m.roma")], check=True, capture_output=True)
        self.plain = self.logits()

    def model(self):
        return transformers.AutoModelForCausalLM.from_pretrained(self.base, dtype=torch.float32, attn_implementation="eager")

    def logits(self, *more):
        subprocess.run([self.roma, "eval", self.path("m.roma"), "--ids", self.path("ids"), "--all", "--dump-logits", self.path("logits"), *more], check=True, capture_output=True)
        return np.fromfile(self.path("logits"), np.float32).reshape(-1, config_keys.VOCAB).astype(np.float64)

    def theirs(self, folder):
        try:
            with torch.no_grad():
                return peft.PeftModel.from_pretrained(self.model(), folder)(torch.tensor(self.ids[None].astype(np.int64))).logits[0].double().numpy()
        except Exception:
            return None

    def ours(self, folder):
        run = subprocess.run([self.roma, "adapter", "build", folder, "--base", self.path("m.roma"), "--lora-type", "f16", "-o", self.path("a.lora")], capture_output=True, text=True)
        if run.returncode:
            return None, run.stderr.strip() if run.returncode == 2 and run.stderr.count("\n") == 1 else "BAD REFUSAL " + run.stderr
        return self.logits("--lora", self.path("a.lora")), run.stderr

    @staticmethod
    def kl(a, b):
        a, b = (x - x.max(1, keepdims=True) for x in (a, b))
        a, b = (x - np.log(np.exp(x).sum(1, keepdims=True)) for x in (a, b))
        return float((np.exp(a) * (a - b)).sum(1).mean())

    def case(self, change, says=None, dtype=None):
        folder = self.path("case")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        with open(os.path.join(folder, "adapter_config.json"), "w", encoding="utf-8") as f:
            json.dump({k: v for k, v in {**self.config, **change}.items() if v is not DROP}, f)
        tensors = load_file(self.path("adapter/adapter_model.safetensors"))
        save_file({n: t.to(dtype) if dtype else t for n, t in tensors.items()}, os.path.join(folder, "adapter_model.safetensors"))
        theirs, (ours, words) = self.theirs(folder), self.ours(folder)
        shown = {**change, "dtype": str(dtype)} if dtype else change
        if theirs is None:
            self.say("peft", shown, "refused by PEFT" + (" alone" if ours is not None else " too"), words.split(": ")[-1], "BAD" not in words and (ours is None) != (change in NULLS))
        elif ours is None:
            self.say("peft", shown, "refused", words.split(": ")[-1], "BAD" not in words and (says is None or says in words))
        else:
            kl, moved = self.kl(theirs, ours), self.kl(theirs, self.plain)
            self.say("peft", shown, "run", f"KL {kl:.5f}, of the base {moved:.3f}", says is None and kl <= min(MAX_KL, moved / 10) and moved >= FAR)


def main():
    transformers.logging.set_verbosity(50)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        sweep = Sweep(os.path.abspath(sys.argv[1]), work)
        sweep.setup()
        for change in CHANGES:
            sweep.case(change)
        for change, says in ALONE:
            sweep.case(change, says)
        for dtype in TYPES:
            sweep.case({}, None, dtype)
    print(", ".join(f"{n} {what}" for what, n in sorted(sweep.counts.items())))
    print(f"{sum(sweep.counts.values()) - sweep.failed} passed, {sweep.failed} failed")
    return 1 if sweep.failed else 0


if __name__ == "__main__":
    sys.exit(main())
