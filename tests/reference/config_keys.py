#!/usr/bin/env python3
"""Keys of config.json, added, changed and dropped one after another, against Hugging Face transformers on the same folder.

usage: config_keys.py ROMA [FAMILY...]

A random two-layer folder of each family (llama, mistral, qwen2, qwen3) gets each change in turn.  Where both run it, the
mean KL divergence of our logits from those of transformers must be at most MAX_KL; where transformers runs it and we do not, the refusal must be
one line that names a key, and exit code 2.  Where a change is one that transformers' code for the family does not look at, `build` must
name the key.  What transformers refuses is not compared.  The models feel what is tried: rope_theta, each kind of scaling and its members move
transformers' own logits by a KL of 0.03 and more, gelu by 0.01; rms_norm_eps, at 1e-2, by less than MAX_KL.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["TQDM_DISABLE"] = "1"
import numpy as np
import torch
import transformers
from safetensors.torch import save_file

VOCAB, IDS, MAX_KL = 331, 96, 1e-3
CLASSES = {"llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}
DROP = object()


def base(kind):
    c = dict(model_type=kind, architectures=[CLASSES[kind]], vocab_size=VOCAB, hidden_size=128, intermediate_size=256, num_hidden_layers=2,
             num_attention_heads=4, num_key_value_heads=2, head_dim=32, max_position_embeddings=512, rms_norm_eps=1e-5, rope_theta=10000.0,
             tie_word_embeddings=False, hidden_act="silu", attention_dropout=0.0, initializer_range=0.02, use_cache=True)
    if kind == "mistral":
        c.update(sliding_window=None)
    if kind.startswith("qwen"):
        c.update(sliding_window=4096, use_sliding_window=False)
    return c


def rope(kind, **more):
    return {"rope_scaling": dict(rope_type=kind, **more)}


YARN = dict(factor=4.0, original_max_position_embeddings=64)
LLAMA3 = dict(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0)
WINDOW = dict(sliding_window=32, use_sliding_window=True)
CHANGES = [
    # activation, norm, rotation
    dict(hidden_act="swish"), dict(hidden_act="gelu"), dict(hidden_act="SiLU"), dict(rms_norm_eps=1e-2), dict(rms_norm_eps=0), dict(rope_theta=500.0),
    rope("yarn", **dict(YARN, factor=None)), rope("yarn", factor=None), rope("yarn", factor=4.0), rope("yarn"), rope("yarn", **dict(YARN, factor=0.5)),
    rope("yarn", mscale=0.7, **YARN), rope("yarn", mscale=0.7, mscale_all_dim=1.3, **YARN), rope("yarn", attention_factor=1.7, **YARN),
    rope("yarn", truncate=False, **YARN), rope("yarn", beta_fast=None, beta_slow=None, **YARN), rope("yarn", beta_fast=8, beta_slow=2, **YARN),
    rope("linear", factor=4.0), rope("linear", factor=0.5), rope("linear"), rope("linear", factor=None), rope("dynamic", factor=4.0), rope("default"),
    rope("llama3", original_max_position_embeddings=64, **LLAMA3), rope("llama3", **LLAMA3), dict(rope("llama3", **LLAMA3), original_max_position_embeddings=64),
    rope("proportional", partial_rotary_factor=0.5), rope("longrope", factor=4.0, long_factor=[2.0] * 16, short_factor=[1.0] * 16),
    dict(rope_scaling={"factor": 3.0}), dict(rope_scaling={}), dict(rope_scaling=None), dict(rope_parameters=dict(rope_theta=300.0), rope_theta=77.0),
    dict(rope_parameters=dict(rope_type="default", rope_theta=300.0, partial_rotary_factor=0.5)), dict(partial_rotary_factor=0.5),
    dict(rope_parameters={"full_attention": dict(rope_type="default", rope_theta=300.0)}), dict(rope_interleaved=True), dict(rotary_pct=0.5),
    # biases, windows, kinds of layers
    dict(attention_bias=True), dict(attention_bias=False), dict(mlp_bias=True), dict(use_bias=True), dict(is_causal=False), dict(sliding_window=32), WINDOW,
    dict(WINDOW, max_window_layers=1), dict(WINDOW, max_window_layers=2), dict(WINDOW, layer_types=["full_attention", "sliding_attention"]),
    dict(sliding_window=32, layer_types=["full_attention", "sliding_attention"]), dict(layer_types=["full_attention"]),
    dict(WINDOW, max_window_layers=0, layer_types=["full_attention"] * 2), dict(layer_types=["full_attention", "chunked_attention"], attention_chunk_size=16),
    dict(per_layer_config={"1": {"hidden_act": "gelu"}}), dict(per_layer_config={}), dict(no_rope_layers=[1, 0]), dict(use_bidirectional_attention=True),
    # factors and caps of other families
    dict(logits_scaling=2.0), dict(logit_scale=0.5), dict(embedding_multiplier=3.0), dict(residual_multiplier=0.5), dict(attention_multiplier=0.2),
    dict(attn_logit_softcapping=5.0), dict(final_logit_softcapping=5.0), dict(query_pre_attn_scalar=16), dict(clip_qkv=0.5), dict(scale_emb=3.0),
    dict(scale_depth=2.0), dict(logits_scaling=1.0, residual_multiplier=1.0, embedding_multiplier=1), dict(use_qk_norm=True), dict(num_experts=4),
    dict(num_local_experts=0), dict(swiglu_limit=1.0), dict(pruned_heads={"0": [1]}),
    # what is not looked at
    dict(attention_dropout=0.5), dict(pretraining_tp=2), dict(is_decoder=True), dict(use_cache=False), dict(chunk_size_feed_forward=8), dict(dtype="bfloat16"),
    dict(output_attentions=True), dict(tie_last_hidden_states=False), dict(compression_config=None, quantization_config=None),
    # widths that are not the tensors'
    dict(num_hidden_layers=1), dict(num_hidden_layers=3), dict(vocab_size=330), dict(num_attention_heads=2), dict(num_attention_heads=8, head_dim=16),
    dict(num_key_value_heads=1), dict(num_key_value_heads=4), dict(head_dim=16), dict(max_position_embeddings=64.0), dict(tie_word_embeddings=True),
    dict(tie_word_embeddings="false"), dict(rope_theta="10000"), dict(architectures=None), dict(architectures=["X"]),
]
UNKNOWN = [dict(layer_norm_eps=0.1), dict(hidden_activation="gelu"), dict(rotary_dim=16), dict(rope_ratio=2.0), dict(qkv_bias=True), dict(qk_norm=True),
           dict(no_rope_layer_interval=2), dict(attn_output_gate=True), dict(auto_map={"AutoModel": "x.Y"}), dict(frobnicate=3)]


class Sweep:
    def __init__(self, roma, work):
        self.roma, self.work, self.counts, self.failed = roma, work, {}, 0
        self.ids = np.random.default_rng(5).integers(3, VOCAB - 3, IDS).astype(np.int32)
        self.ids.tofile(self.path("ids"))

    def path(self, name):
        return os.path.join(self.work, name)

    def make(self, kind):
        os.makedirs(self.path(kind))
        with open(self.path(kind + "/config.json"), "w", encoding="utf-8") as f:
            json.dump(base(kind), f)
        torch.manual_seed(1)
        m = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.from_pretrained(self.path(kind)), dtype=torch.float32)
        with torch.no_grad():
            for name, p in m.named_parameters():  # large enough that predictions are not flat
                if p.dim() == 2:
                    p.normal_(0, 1.0 if "embed" in name else 0.09)
                elif "norm" in name:
                    p.copy_(1 + 0.2 * torch.randn_like(p))
                else:
                    p.normal_(0, 0.3)
        save_file({n: p.contiguous() for n, p in m.state_dict().items()}, self.path(kind + "/model.safetensors"), metadata={"format": "pt"})

    def theirs(self, folder):
        """Logits, or None where transformers refuses the folder or would make some of its tensors anew."""
        try:
            m, info = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, attn_implementation="eager")
            if any(info.values()):
                return None
            with torch.no_grad():
                return m(torch.tensor(self.ids[None].astype(np.int64))).logits[0].double().numpy()
        except Exception:
            return None

    def ours(self, folder):
        """Logits and the warnings, or None and the refusal."""
        run = subprocess.run([self.roma, "build", folder, "-o", self.path("m.roma")], capture_output=True, text=True)
        if run.returncode:
            good = run.returncode == 2 and run.stderr.count("\n") == 1
            return None, run.stderr.strip() if good else "BAD REFUSAL " + run.stderr
        ran = subprocess.run([self.roma, "eval", self.path("m.roma"), "--ids", self.path("ids"), "--all", "--dump-logits", self.path("logits")],
                             capture_output=True, text=True)
        if ran.returncode:
            return None, ran.stderr.strip()
        return np.fromfile(self.path("logits"), np.float32).reshape(-1, VOCAB).astype(np.float64), run.stderr

    def say(self, kind, change, what, detail, good):
        self.counts[what] = self.counts.get(what, 0) + 1
        self.failed += not good
        shown = {k: "dropped" if v is DROP else v for k, v in change.items()}
        print(f"{'' if good else 'FAILED '}{kind} {shown}: {what} {detail}".rstrip())

    def case(self, kind, change, named=False):
        folder = self.path("case")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        os.symlink(self.path(kind + "/model.safetensors"), os.path.join(folder, "model.safetensors"))
        c = base(kind)
        c.update(change)
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
            json.dump({k: v for k, v in c.items() if v is not DROP}, f)
        theirs, (ours, words) = self.theirs(folder), self.ours(folder)
        if theirs is None:
            self.say(kind, change, "refused by transformers" + (" alone" if ours is not None else " too"), "", "BAD" not in words)
        elif ours is None:
            keys = [*change, "context", "config.json", *(change.get("rope_scaling") or {}), *(change.get("rope_parameters") or {})]
            self.say(kind, change, "refused", words.split("config.json: ")[-1], "BAD" not in words and any(k in words for k in keys))
        else:
            a, b = (x - np.log(np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True)) - x.max(1, keepdims=True) for x in (theirs, ours))
            kl = float((np.exp(a) * (a - b)).sum(1).mean())
            is_named = all(k in words for k in change)
            self.say(kind, change, "named" if named else "run", f"KL {kl:.5f}", kl <= MAX_KL and (is_named or not named))


def main():
    transformers.logging.set_verbosity(50)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        sweep = Sweep(os.path.abspath(sys.argv[1]), work)
        for kind in sys.argv[2:] or CLASSES:
            sweep.make(kind)
            keys = [k for k in base(kind) if k not in ("model_type", "architectures")]
            for change in [{}, *CHANGES, *({k: DROP} for k in keys), *({k: None} for k in keys)]:
                sweep.case(kind, change)
            for change in UNKNOWN:
                sweep.case(kind, change, named=True)
    print(", ".join(f"{n} {what}" for what, n in sorted(sweep.counts.items())))
    print(f"{sum(sweep.counts.values()) - sweep.failed} passed, {sweep.failed} failed")
    return 1 if sweep.failed else 0


if __name__ == "__main__":
    sys.exit(main())
