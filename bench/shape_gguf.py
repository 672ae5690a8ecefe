"""Random models of known shapes as GGUF, quantised by llama.cpp: the peer's files of bench/compare-llama and bench/compare-server.

usage (by compare-llama): shape_gguf.py OUT.gguf SHAPE QUANT        a model
                          shape_gguf.py OUT.gguf SHAPE lora RANK [SEED]   a LoRA adapter on all seven linears of it

Needs gguf, NumPy and llama-cpp-python. The shapes and their names are those of `roma build --shape` (src/image/shape.c).
"""
import math
import os
import sys

from llama_peer import quiet_llama

SHAPES = {  # architecture, layers, hidden, ffn, heads, kv heads, head dim, vocab, tied, norm epsilon, rope base, llama 3.2's rope scaling
    "bitnet-2b": ("llama", 30, 2560, 6912, 20, 5, 128, 128256, True, 1e-5, 500000.0, False),
    "llama-13b": ("llama", 40, 5120, 13824, 40, 40, 128, 32000, False, 1e-5, 10000.0, False),
    "llama-2-7b": ("llama", 32, 4096, 11008, 32, 32, 128, 32000, False, 1e-5, 10000.0, False),
    "llama-3-8b": ("llama", 32, 4096, 14336, 32, 8, 128, 128256, False, 1e-5, 500000.0, False),
    "llama-3.2-1b": ("llama", 16, 2048, 8192, 32, 8, 64, 128256, True, 1e-5, 500000.0, True),
    "llama-3.2-3b": ("llama", 28, 3072, 8192, 24, 8, 128, 128256, True, 1e-5, 500000.0, True),
    "qwen3-0.6b": ("qwen3", 28, 1024, 3072, 16, 8, 128, 151936, True, 1e-6, 1000000.0, False),
    "qwen3-4b": ("qwen3", 36, 2560, 9728, 32, 8, 128, 151936, True, 1e-6, 1000000.0, False),
    "smollm2-135m": ("llama", 30, 576, 1536, 9, 3, 64, 49152, True, 1e-5, 100000.0, False),
    "tiny": ("llama", 2, 256, 768, 4, 2, 64, 512, True, 1e-5, 10000.0, False),     # to try the tools with; not one of roma's
}
ALIASES = {"llama-1b": "llama-3.2-1b", "llama-3b": "llama-3.2-3b", "llama-8b": "llama-3-8b"}
QUANTS = {"q4_0": 2, "q4_1": 3, "q8_0": 7, "q2_k": 10, "q4_k": 14, "tq2_0": 37}    # llama.cpp's file types
# Our own form of the same width, where the peer's file is not what our layout is best at: bits of a code, with groups of 128 and a 6-bit head.
NATIVE = {"q2_k": 2, "tq2_0": 2, "q4_0": 4}


def fits(shape, quant):
    """K-quants and TQ2_0 have blocks of 256: llama.cpp would put another type into shorter rows."""
    return SHAPES[shape][2] % 256 == 0 or quant in ("q4_0", "q4_1", "q8_0")


def llama3_factors(base, dim):
    out = []
    for i in range(dim // 2):
        wave = 2 * math.pi * base ** (2 * i / dim)
        smooth = (8192 / wave - 1) / (4 - 1)
        out.append(1.0 if wave < 8192 / 4 else 32.0 if wave > 8192 else 1 / ((1 - smooth) / 32 + smooth))
    return out


def random_gguf(path, shape, quant):
    """A random model of a shape: F16 written with `gguf`, then llama.cpp's quantiser."""
    import gguf
    import numpy as np
    C, log = quiet_llama()
    arch, layers, d, ff, heads, kv, hd, vocab, tied, eps, base, llama3 = SHAPES[shape]
    rng = np.random.default_rng(1)
    raw = path + ".f16"
    w = gguf.GGUFWriter(raw, arch, use_temp_file=True)
    w.add_name(f"random {shape}")
    w.add_context_length(8192)
    w.add_embedding_length(d)
    w.add_block_count(layers)
    w.add_feed_forward_length(ff)
    w.add_head_count(heads)
    w.add_head_count_kv(kv)
    w.add_key_length(hd)
    w.add_value_length(hd)
    w.add_rope_dimension_count(hd)
    w.add_layer_norm_rms_eps(eps)
    w.add_rope_freq_base(base)
    w.add_file_type(1)
    w.add_vocab_size(vocab)
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    rest = [b for b in range(256) if b not in keep]
    tokens = [chr(b) if b in keep else chr(256 + rest.index(b)) for b in range(256)] + [chr(288) + "t"]
    types = [1] * (vocab - 2) + [3, 3]
    tokens += [f"{chr(288)}w{i}" for i in range(len(tokens), vocab - 2)] + ["<|begin|>", "<|end|>"]      # words, so that every answer has text
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("smollm")
    w.add_token_list(tokens)
    w.add_token_types(types)
    w.add_token_merges([chr(288) + " t"])
    w.add_bos_token_id(vocab - 2)
    w.add_eos_token_id(vocab - 1)
    w.add_add_bos_token(False)

    def mat(name, rows, cols):
        m = np.empty((rows, cols), dtype=np.float16)
        for r in range(0, rows, 4096):      # not all of a head in FP32
            m[r:r + 4096] = rng.standard_normal((min(4096, rows - r), cols), dtype=np.float32) / cols ** 0.5
        w.add_tensor(name, m)

    def vec(name, n):
        w.add_tensor(name, np.ones(n, dtype=np.float32))
    mat("token_embd.weight", vocab, d)
    if not tied:
        mat("output.weight", vocab, d)
    vec("output_norm.weight", d)
    if llama3:
        w.add_tensor("rope_freqs.weight", np.array(llama3_factors(base, hd), dtype=np.float32))
    for i in range(layers):
        p = f"blk.{i}."
        vec(p + "attn_norm.weight", d)
        vec(p + "ffn_norm.weight", d)
        if arch == "qwen3":
            vec(p + "attn_q_norm.weight", hd)
            vec(p + "attn_k_norm.weight", hd)
        mat(p + "attn_q.weight", heads * hd, d)
        mat(p + "attn_k.weight", kv * hd, d)
        mat(p + "attn_v.weight", kv * hd, d)
        mat(p + "attn_output.weight", d, heads * hd)
        mat(p + "ffn_gate.weight", ff, d)
        mat(p + "ffn_up.weight", ff, d)
        mat(p + "ffn_down.weight", d, ff)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    qp = C.llama_model_quantize_default_params()
    qp.nthread = 2
    qp.ftype = QUANTS[quant]
    qp.output_tensor_type = qp.token_embedding_type = 14 if d % 256 == 0 else 8        # GGML_TYPE_Q6_K; Q8_0 where rows are too short for it
    if C.llama_model_quantize(raw.encode(), path.encode(), qp):
        sys.exit("llama.cpp's quantiser failed")
    os.remove(raw)


def random_lora(path, shape, rank, seed=2):
    import gguf
    import numpy as np
    arch, layers, d, ff, heads, kv, hd = SHAPES[shape][:7]
    rng = np.random.default_rng(seed)
    w = gguf.GGUFWriter(path, arch)
    w.add_type("adapter")
    w.add_string("adapter.type", "lora")
    w.add_float32("adapter.lora.alpha", 2.0 * rank)
    linears = {"attn_q": (heads * hd, d), "attn_k": (kv * hd, d), "attn_v": (kv * hd, d), "attn_output": (d, heads * hd),
               "ffn_gate": (ff, d), "ffn_up": (ff, d), "ffn_down": (d, ff)}
    for i in range(layers):
        for name, (rows, cols) in linears.items():
            for part, shape_of, size in ("lora_a", (rank, cols), 1 / cols ** 0.5), ("lora_b", (rows, rank), 0.1 / rank ** 0.5):
                w.add_tensor(f"blk.{i}.{name}.weight.{part}", (rng.standard_normal(shape_of) * size).astype(np.float16))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


if __name__ == "__main__":
    if sys.argv[3] == "lora":
        random_lora(*sys.argv[1:3], *map(int, sys.argv[4:6]))
    else:
        random_gguf(*sys.argv[1:4])
