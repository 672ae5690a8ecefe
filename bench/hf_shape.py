#!/usr/bin/env python3
"""A Hugging Face folder of a known shape with random BF16 weights, for measuring builds: no download, no tokenizer.

usage: hf_shape.py OUT SHAPE

Weights are normal with deviation 0.02; a block of 16 million of them is repeated from ever other places, so that three thousand million
take seconds. Needs NumPy. Shapes are those of shape_gguf.py.
"""
import json
import os
import struct
import sys

import numpy as np

import shape_gguf

SHARD = 4 << 30


def tensors(layers, hidden, ffn, heads, kv, dim, vocab, tied):
    yield "model.embed_tokens.weight", (vocab, hidden)
    for i in range(layers):
        at = f"model.layers.{i}."
        yield at + "input_layernorm.weight", (hidden,)
        for name, rows, cols in (("self_attn.q", heads * dim, hidden), ("self_attn.k", kv * dim, hidden), ("self_attn.v", kv * dim, hidden),
                                 ("self_attn.o", hidden, heads * dim), ("mlp.gate", ffn, hidden), ("mlp.up", ffn, hidden), ("mlp.down", hidden, ffn)):
            yield f"{at}{name}_proj.weight", (rows, cols)
        yield at + "post_attention_layernorm.weight", (hidden,)
    yield "model.norm.weight", (hidden,)
    if not tied:
        yield "lm_head.weight", (vocab, hidden)


def write_values(f, n, ones, block, at):
    if ones:
        f.write(np.full(n, 0x3f80, "<u2").tobytes())
        return at
    while n:
        m = min(n, block.size - at)
        f.write(memoryview(block[at:at + m]))
        n, at = n - m, (at + m + 7919) % block.size
    return at


def write_shard(path, part, block, at):
    header, end = {}, 0
    for name, shape in part:
        size = 2 * int(np.prod(shape))
        header[name] = dict(dtype="BF16", shape=list(shape), data_offsets=[end, end + size])
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for name, shape in part:
            at = write_values(f, int(np.prod(shape)), len(shape) == 1, block, at)
    return at


def main():
    out, shape = sys.argv[1], shape_gguf.ALIASES.get(sys.argv[2], sys.argv[2])
    arch, layers, hidden, ffn, heads, kv, dim, vocab, tied, eps, base, _ = shape_gguf.SHAPES[shape]
    if arch != "llama":
        sys.exit("only shapes of llama are made")
    os.makedirs(out)
    parts, size = [[]], 0
    for name, dims in tensors(layers, hidden, ffn, heads, kv, dim, vocab, tied):
        n = 2 * int(np.prod(dims))
        if size + n > SHARD:
            parts.append([])
            size = 0
        parts[-1].append((name, dims))
        size += n
    block = (np.random.default_rng(1).standard_normal(1 << 24, np.float32) * np.float32(0.02)).view("<u4")
    block, at, index = (block >> 16).astype("<u2"), 0, {}
    for i, part in enumerate(parts):
        name = f"model-{i + 1:05}-of-{len(parts):05}.safetensors"
        at = write_shard(os.path.join(out, name), part, block, at)
        index.update((tensor, name) for tensor, _ in part)
    json.dump(dict(metadata={}, weight_map=index), open(os.path.join(out, "model.safetensors.index.json"), "w"))
    json.dump(dict(architectures=["LlamaForCausalLM"], model_type="llama", num_hidden_layers=layers, hidden_size=hidden, intermediate_size=ffn,
                   num_attention_heads=heads, num_key_value_heads=kv, head_dim=dim, vocab_size=vocab, max_position_embeddings=8192, rms_norm_eps=eps,
                   rope_theta=base, tie_word_embeddings=tied), open(os.path.join(out, "config.json"), "w"), indent=1)


if __name__ == "__main__":
    main()
