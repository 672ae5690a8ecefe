#!/usr/bin/env python3
"""build/tiny.pt and build/tokenizer.json -> tiny-f32.gguf, tiny-q4.gguf and tokenizer.json.

Q and K rows go from the half-split order of training to GGUF's llama order (neighbouring pairs), as
llama.cpp's converter does.  The 4-bit file is Q4_1 in every linear and Q8_0 in the tied embedding.
"""
import argparse
import json
import os

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Q

from model import CFG

HERE = os.path.dirname(os.path.abspath(__file__))
CHAT = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] "
        "+ '<|im_end|>' + '\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
LINEAR = dict(wq="attn_q", wk="attn_k", wv="attn_v", wo="attn_output", gate="ffn_gate", up="ffn_up", down="ffn_down")


def permute(w, heads):
    rows, cols = w.shape
    return w.reshape(heads, 2, rows // heads // 2, cols).swapaxes(1, 2).reshape(rows, cols)


def tensors(sd):
    """(name, float32 array) in GGUF order."""
    g = lambda n: np.ascontiguousarray(sd[n].numpy().astype(np.float32))
    yield "token_embd.weight", g("embd.weight")
    for i in range(CFG["layers"]):
        yield "blk.%d.attn_norm.weight" % i, g("blk.%d.attn_norm.weight" % i)
        for k, name in LINEAR.items():
            if k == "gate":
                yield "blk.%d.ffn_norm.weight" % i, g("blk.%d.ffn_norm.weight" % i)
            w = g("blk.%d.%s.weight" % (i, k))
            heads = {"wq": CFG["heads"], "wk": CFG["kv_heads"]}.get(k)
            yield "blk.%d.%s.weight" % (i, name), np.ascontiguousarray(permute(w, heads)) if heads else w
    yield "output_norm.weight", g("norm.weight")


def header(w, tok, ftype):
    c = CFG
    w.add_name("roma-tiny")
    w.add_license("apache-2.0")
    w.add_description("A 0.7M-parameter LLaMA that tells children's stories; made for tests and demonstrations.")
    w.add_languages(["en"])
    w.add_file_type(ftype)
    w.add_vocab_size(c["vocab"])
    w.add_context_length(c["ctx"])
    w.add_embedding_length(c["dim"])
    w.add_block_count(c["layers"])
    w.add_feed_forward_length(c["ffn"])
    w.add_head_count(c["heads"])
    w.add_head_count_kv(c["kv_heads"])
    w.add_layer_norm_rms_eps(c["eps"])
    w.add_rope_freq_base(c["theta"])
    w.add_rope_dimension_count(c["dim"] // c["heads"])
    vocab = sorted(tok["model"]["vocab"].items(), key=lambda kv: kv[1])
    assert [v for _, v in vocab] == list(range(c["vocab"]))
    special = {t["id"] for t in tok["added_tokens"]}
    assert special == {0, 1, 2}
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list([k for k, _ in vocab])
    w.add_token_types([gguf.TokenType.CONTROL if i in special else gguf.TokenType.NORMAL for i in range(c["vocab"])])
    w.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in tok["model"]["merges"]])
    w.add_bos_token_id(0)
    w.add_eos_token_id(2)
    w.add_eot_token_id(2)
    w.add_pad_token_id(0)
    w.add_add_bos_token(False)
    w.add_chat_template(CHAT)


def write(path, sd, tok, q4):
    w = gguf.GGUFWriter(path, "llama")
    header(w, tok, gguf.LlamaFileType.MOSTLY_Q4_1 if q4 else gguf.LlamaFileType.ALL_F32)
    if q4:
        w.add_quantization_version(gguf.GGML_QUANT_VERSION)
    for name, a in tensors(sd):
        t = Q.F32 if not q4 or a.ndim == 1 else Q.Q8_0 if name.startswith("token_embd") else Q.Q4_1
        if t == Q.F32:
            w.add_tensor(name, a)
        else:
            w.add_tensor(name, gguf.quants.quantize(a, t), raw_dtype=t)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--build", default=os.path.join(HERE, "build"))
    ap.add_argument("--out", default=HERE)
    a = ap.parse_args()
    sd = torch.load(os.path.join(a.build, "tiny.pt"), map_location="cpu")
    with open(os.path.join(a.build, "tokenizer.json"), encoding="utf-8") as f:
        text = f.read()
    tok = json.loads(text)
    with open(os.path.join(a.out, "tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump(tok, f, ensure_ascii=False, separators=(",", ":"))
        f.write("\n")
    for name, q4 in (("tiny-f32.gguf", False), ("tiny-q4.gguf", True)):
        p = os.path.join(a.out, name)
        write(p + ".part", sd, tok, q4)
        os.replace(p + ".part", p)
        print(name, os.path.getsize(p), "bytes")
