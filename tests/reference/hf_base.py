"""A GGUF file of the llama family as transformers' LlamaForCausalLM, on the dequantised FP32 weights.

The weights come from llama_fp32.Model; rows of q and k go back from neighbouring RoPE pairs to Hugging Face's halves.
`python3 hf_base.py MODEL.gguf` holds the result against llama_fp32's own forward pass, which shares no code with transformers.
"""
import sys

import torch
import transformers

import llama_fp32
from hf_models import NAMES, TOP

TO_HF = {short: long for long, short in {**NAMES, **{k: v for k, v in TOP.items()}}.items()}


def halves(w, heads):
    """Interleaved pairs -> Hugging Face's half-split RoPE rows (the inverse of hf_models.permute)."""
    return w.reshape(heads, w.shape[0] // heads // 2, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape).contiguous()


def hf_name(name):
    stem, kind = name.rsplit(".", 1)
    if not stem.startswith("blk."):
        return f"{TO_HF[stem]}.{kind}"
    _, layer, short = stem.split(".")
    return f"model.layers.{layer}.{TO_HF[short]}.{kind}"


def config(m):
    return transformers.LlamaConfig(
        vocab_size=m.vocab, hidden_size=m.d, num_hidden_layers=m.n_layer, num_attention_heads=m.n_head,
        num_key_value_heads=m.n_kv, head_dim=m.head_dim, rms_norm_eps=m.eps, max_position_embeddings=2048,
        intermediate_size=m.w["blk.0.ffn_gate.weight"].shape[0], tie_word_embeddings="output.weight" not in m.w,
        rope_parameters=dict(rope_type="default", rope_theta=float(m.reader.fields["llama.rope.freq_base"].contents())))


def load(path):
    """(model, tokenizer)"""
    m = llama_fp32.Model(path)
    if m.arch != "llama" or "rope_freqs.weight" in m.w:
        sys.exit(f"{path}: only plain llama is done here")
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(config(m))
    weights = {}
    for name, w in m.w.items():
        heads = m.n_head if ".attn_q." in name else m.n_kv if ".attn_k." in name else 0
        weights[hf_name(name)] = halves(w, heads) if heads else w
    if model.config.tie_word_embeddings:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    model.load_state_dict(weights, assign=True)
    model.model.rotary_emb = type(model.model.rotary_emb)(model.config)     # its frequencies are no weights: not left on "meta"
    model.tie_weights()
    return model.eval().requires_grad_(False), llama_fp32.hf_tokenizer(m.reader)


SYSTEM = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"


def chat(question, system=SYSTEM):
    """The prompt that SmolLM2's chat template makes of one question."""
    return f"{system}<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def main():
    path = sys.argv[1]
    model, tok = load(path)
    ids = torch.tensor([tok.encode(chat("What is the capital of France? Tell me all about it.")).ids])
    with torch.inference_mode():
        a = model(ids).logits
    b = llama_fp32.Model(path).forward(ids.numpy())
    diff = (a - b).abs().max().item()
    print(f"{ids.shape[1]} positions, largest difference of a logit {diff:.2g} of {b.abs().max().item():.1f}")
    return diff > 1e-3


if __name__ == "__main__":
    sys.exit(main())
