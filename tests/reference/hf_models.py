#!/usr/bin/env python3
"""Random two-layer models against Hugging Face transformers.

usage: hf_models.py make DIR [NAME...]          write the models, prompts and logits
       hf_models.py self DIR [NAME...]          check llama_fp32.py against them
       hf_models.py mutants DIR [NAME...]       check that wrong layouts are noticed
       hf_models.py llamacpp DIR [NAME...]      check llama.cpp against them
       hf_models.py check DIR --roma PATH [NAME...]   check our engine against them

`make` builds each model with transformers, rounds its matrices to Q8_0, puts the
rounded weights back, and computes the logits of some prompts.  For each NAME it
writes NAME.gguf (the layouts llama.cpp's converter uses: q and k rows permuted
for llama and Mistral, none for Qwen; llama-3 scaling as rope_freqs.weight),
NAME/ (the Hugging Face folder of the rounded weights), and NAME.P.ids (int32),
NAME.P.npy (float32 logits of all positions) for each prompt P.

`check` runs `roma build`, then `roma eval IMAGE --ids FILE --all --dump-logits FILE`,
and fails where the mean KL divergence is above --max-kl.  Of a model that shows a
setting `make` writes NAME-without.gguf too, the same file without that setting:
there the divergence must be ten times as large, else the comparison shows nothing.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

import gguf
import numpy as np
import torch

VOCAB = 331                    # no multiple of a tile of 16 rows
COMMON = dict(vocab_size=VOCAB, hidden_size=256, num_hidden_layers=2,
              max_position_embeddings=2048, bos_token_id=VOCAB - 2, eos_token_id=VOCAB - 1)
# name: (model type, GGUF architecture, config)
MODELS = {
    "llama": ("llama", "llama", dict(
        intermediate_size=512, num_attention_heads=8, num_key_value_heads=2, rms_norm_eps=1e-5,
        tie_word_embeddings=False, rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    "llama_tied": ("llama", "llama", dict(
        intermediate_size=608, num_attention_heads=4, num_key_value_heads=4, rms_norm_eps=1e-6,
        tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=100000.0))),
    "llama_bias": ("llama", "llama", dict(       # q, k, v and o biases
        intermediate_size=512, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5,
        attention_bias=True, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    "llama3_rope": ("llama", "llama", dict(
        intermediate_size=512, num_attention_heads=4, num_key_value_heads=1, rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        rope_parameters=dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0,
                             high_freq_factor=4.0, original_max_position_embeddings=64))),
    "mistral": ("mistral", "llama", dict(
        intermediate_size=704, num_attention_heads=8, num_key_value_heads=4, rms_norm_eps=1e-5,
        head_dim=64, sliding_window=None, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="default", rope_theta=1000000.0))),
    "qwen2": ("qwen2", "qwen2", dict(
        intermediate_size=512, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-6,
        use_sliding_window=False, tie_word_embeddings=True,
        rope_parameters=dict(rope_type="default", rope_theta=1000000.0))),
    "qwen3": ("qwen3", "qwen3", dict(
        intermediate_size=512, num_attention_heads=8, num_key_value_heads=2, head_dim=64,
        rms_norm_eps=1e-6, use_sliding_window=False, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="default", rope_theta=1000000.0))),
    # settings and shapes; last, what NAME-without.gguf lacks: ends of keys, parts of tensors' names
    "yarn": ("llama", "llama", dict(
        intermediate_size=512, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="yarn", rope_theta=10000.0, factor=8.0, original_max_position_embeddings=64)), "rope.scaling"),
    "yarn_qwen2": ("qwen2", "qwen2", dict(
        intermediate_size=512, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-6, tie_word_embeddings=True, use_sliding_window=False,
        rope_parameters=dict(rope_type="yarn", rope_theta=1000000.0, factor=4.0, original_max_position_embeddings=32)), "rope.scaling"),
    "yarn_betas": ("llama", "llama", dict(
        intermediate_size=512, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="yarn", rope_theta=10000.0, factor=8.0, original_max_position_embeddings=128, beta_fast=4.0, beta_slow=0.25)),
        "yarn_beta"),
    "yarn_attention": ("llama", "llama", dict(
        intermediate_size=512, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=64, attention_factor=1.6)), "attn_factor"),
    "linear": ("llama", "llama", dict(
        intermediate_size=512, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=4.0)), "rope.scaling"),
    "llama3_long": ("llama", "llama", dict(
        intermediate_size=512, num_attention_heads=8, num_key_value_heads=2, rms_norm_eps=1e-5, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="llama3", rope_theta=500000.0, factor=32.0, low_freq_factor=1.0,
                             high_freq_factor=4.0, original_max_position_embeddings=32)), "rope_freqs"),
    "biases": ("llama", "llama", dict(
        intermediate_size=512, num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5, attention_bias=True, mlp_bias=True,
        tie_word_embeddings=False, rope_parameters=dict(rope_type="default", rope_theta=10000.0)), "ffn_down.bias"),
    "head_96": ("llama", "llama", dict(
        hidden_size=192, intermediate_size=416, num_attention_heads=2, num_key_value_heads=1, head_dim=96, rms_norm_eps=1e-5,
        tie_word_embeddings=False, rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    "head_24": ("qwen3", "qwen3", dict(
        hidden_size=96, intermediate_size=160, num_attention_heads=4, num_key_value_heads=1, head_dim=24, rms_norm_eps=1e-6, use_sliding_window=False,
        tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
    "head_8": ("llama", "llama", dict(           # stories260K's shape, but for 172 of its feed-forward: Q8_0 has groups of 32
        hidden_size=64, intermediate_size=192, num_attention_heads=8, num_key_value_heads=4, rms_norm_eps=1e-5,
        tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=10000.0))),
}
PROMPTS = {"one": 1, "short": 7, "page": 33, "long": 300}
PRE = {"llama": "llama-bpe", "qwen2": "qwen2", "qwen3": "qwen2"}


# ------------------------------------------------------------------ tokenizer

def byte_alphabet():
    """The printable stand-ins of the 256 bytes in byte-level BPE."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    out, n = {}, 0
    for b in range(256):
        if b in keep:
            out[b] = chr(b)
        else:
            out[b] = chr(256 + n)
            n += 1
    return out


def tokenizer():
    """(tokens, types, merges): 256 bytes, a few merges, padding, two controls."""
    alpha = byte_alphabet()
    tokens = [alpha[b] for b in range(256)]
    merges = []
    sp = alpha[32]
    for a, b in [(sp, "t"), ("h", "e"), ("i", "n"), (sp, "a"), ("e", "r"), ("o", "n"), (sp + "t", "he"),
                 ("r", "e"), ("in", "g"), (sp, "s"), ("a", "t"), ("e", "n"), (sp, "w"), ("o", "r"),
                 ("e", "s"), (sp, "c"), ("i", "s"), ("at", "i"), ("ati", "on"), (sp, "o"), ("n", "d"),
                 (sp + "a", "nd"), ("o", "u"), ("l", "l"), (sp, "p"), ("Ã", "©")]:
        merges.append(f"{a} {b}")
        tokens.append(a + b)
    types = [1] * len(tokens)
    while len(tokens) < VOCAB - 2:
        tokens.append(f"<|unused_{len(tokens)}|>")
        types.append(5)
    tokens += ["<|begin|>", "<|end|>"]
    types += [3, 3]
    return tokens, types, merges


# ----------------------------------------------------------------- the models

def permute(w, heads):
    """Hugging Face's half-split RoPE rows -> interleaved pairs."""
    return (w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:])
             .swapaxes(1, 2).reshape(w.shape))


def llama3_factors(rp, dim):
    base, old = rp["rope_theta"], rp["original_max_position_embeddings"]
    lo, hi, f = rp["low_freq_factor"], rp["high_freq_factor"], rp["factor"]
    out = []
    for i in range(0, dim, 2):
        turns = old * base ** (-i / dim) / (2 * math.pi)     # turns within the old context
        if turns > hi:
            out.append(1.0)
        elif turns < lo:
            out.append(f)
        else:
            s = (turns - lo) / (hi - lo)
            out.append(1.0 / ((1.0 - s) / f + s))
    return np.array(out, dtype=np.float32)


def scaling_keys(arch, rp):
    """As llama.cpp's converter writes them; its own factor of attention is 1 + 0.1 ln(factor), times what the key says."""
    p, kind = f"{arch}.rope.scaling.", rp["rope_type"]
    if kind not in ("yarn", "linear"):
        return
    yield p + "type", kind
    yield p + "factor", rp["factor"]
    if kind == "yarn":
        yield p + "original_context_length", rp["original_max_position_embeddings"]
        if "attention_factor" in rp:
            yield p + "attn_factor", rp["attention_factor"] / (1 + 0.1 * math.log(rp["factor"]))
        for key in ("beta_fast", "beta_slow"):
            if key in rp:
                yield p + "yarn_" + key, rp[key]


def randomise(model, seed):
    """Weights that make every part matter: softmax not flat, logits of deviation ~1."""
    g = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        with torch.no_grad():
            r = torch.randn(p.shape, generator=g)
            if name.endswith("norm.weight"):
                p.copy_(1.0 + 0.2 * r)
            elif name.endswith(".bias"):
                p.copy_(0.3 * r)
            elif "embed_tokens" in name:
                tied = model.config.tie_word_embeddings
                p.copy_((1.0 / math.sqrt(p.shape[1]) if tied else 0.5) * r)
            elif "lm_head" in name:
                p.copy_(1.0 / math.sqrt(p.shape[1]) * r)
            elif "q_proj" in name or "k_proj" in name:
                p.copy_(1.1 / math.sqrt(p.shape[1]) * r)
            else:
                p.copy_(1.0 / math.sqrt(p.shape[1]) * r)


NAMES = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
         "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
         "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
         "mlp.down_proj": "ffn_down"}
TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def gguf_name(hf):
    stem, kind = hf.rsplit(".", 1)
    if stem in TOP:
        return f"{TOP[stem]}.{kind}"
    _, _, i, rest = stem.split(".", 3)
    return f"blk.{i}.{NAMES[rest]}.{kind}"


def make(out, name, mutate=None):
    """Writes one model; `mutate` breaks its GGUF on purpose ("permute", "rope", "without")."""
    import transformers
    kind, arch, cfg = MODELS[name][:3]
    config = transformers.AutoConfig.for_model(kind, **{**COMMON, **cfg})
    config._attn_implementation = "eager"
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    randomise(model, 1000 + list(MODELS).index(name))
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    rp = cfg["rope_parameters"]

    path = os.path.join(out, name + (f"-{mutate}" if mutate else "") + ".gguf")
    w = gguf.GGUFWriter(path, arch)
    w.add_name(f"random {name}")
    w.add_context_length(config.max_position_embeddings)
    w.add_embedding_length(config.hidden_size)
    w.add_block_count(config.num_hidden_layers)
    w.add_feed_forward_length(config.intermediate_size)
    w.add_head_count(config.num_attention_heads)
    w.add_head_count_kv(config.num_key_value_heads)
    w.add_layer_norm_rms_eps(config.rms_norm_eps)
    w.add_rope_freq_base(rp["rope_theta"])
    w.add_key_length(head_dim)
    w.add_value_length(head_dim)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    w.add_vocab_size(VOCAB)
    if arch == "llama":
        w.add_rope_dimension_count(head_dim)
    tokens, types, merges = tokenizer()
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(PRE[arch])
    w.add_token_list(tokens)
    w.add_token_types(types)
    w.add_token_merges(merges)
    w.add_bos_token_id(VOCAB - 2)
    w.add_eos_token_id(VOCAB - 1)
    w.add_add_bos_token(False)
    without = MODELS[name][3] if mutate == "without" else None
    for key, value in scaling_keys(arch, rp):
        if not without or without not in key:
            (w.add_string if isinstance(value, str) else w.add_uint32 if isinstance(value, int) else w.add_float32)(key, value)
    if rp["rope_type"] == "llama3" and mutate != "rope" and without != "rope_freqs":
        w.add_tensor("rope_freqs.weight", llama3_factors(rp, head_dim))
    with torch.no_grad():
        for hf, p in model.named_parameters():
            a = p.numpy()
            turn = 0
            if without and without in gguf_name(hf):
                continue
            if arch == "llama" and mutate != "permute":
                if ".q_proj." in hf:
                    turn = config.num_attention_heads
                elif ".k_proj." in hf:
                    turn = config.num_key_value_heads
            if a.ndim == 1:
                w.add_tensor(gguf_name(hf), permute(a, turn).copy() if turn else a)
                continue
            q = gguf.quants.quantize(a, gguf.GGMLQuantizationType.Q8_0)
            p.copy_(torch.from_numpy(gguf.quants.dequantize(q, gguf.GGMLQuantizationType.Q8_0)))
            w.add_tensor(gguf_name(hf), permute(q, turn).copy() if turn else q,
                         raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    if mutate:
        return path
    if len(MODELS[name]) > 3:
        make(out, name, "without")

    folder = os.path.join(out, name)
    model.save_pretrained(folder)
    write_hf_tokenizer(folder, PRE[arch])
    g = torch.Generator().manual_seed(7)
    for prompt, n in PROMPTS.items():
        ids = torch.randint(0, VOCAB, (1, n), generator=g)
        with torch.inference_mode():
            logits = model(ids).logits[0].numpy()
        ids.numpy().astype("<i4").tofile(os.path.join(out, f"{name}.{prompt}.ids"))
        np.save(os.path.join(out, f"{name}.{prompt}.npy"), logits)
    print(f"{name}: {path}, deviation of the logits {logits.std():.2f}, transformers {transformers.__version__}")
    return path


def write_hf_tokenizer(folder, pre):
    """tokenizer.json with the same vocabulary, merges and splitting."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
    tokens, types, merges = tokenizer()
    plain = {t: i for i, (t, k) in enumerate(zip(tokens, types)) if k == 1}
    tok = Tokenizer(models.BPE(vocab=plain, merges=[tuple(m.split(" ")) for m in merges],
                               ignore_merges=(pre == "llama-bpe")))
    digits = r"\p{N}{1,3}" if pre == "llama-bpe" else r"\p{N}"
    rx = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|" + digits +
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(rx), "isolated"),
         pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    tok.add_tokens([AddedToken(t, special=k == 3, normalized=False) for t, k in zip(tokens, types) if k == 5])
    tok.add_special_tokens([AddedToken(t, special=True, normalized=False) for t, k in zip(tokens, types) if k == 3])
    tok.save(os.path.join(folder, "tokenizer.json"))
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as f:
        json.dump(dict(tokenizer_class="PreTrainedTokenizerFast", bos_token="<|begin|>", eos_token="<|end|>",
                       add_bos_token=False, clean_up_tokenization_spaces=False), f, indent=1)


# ------------------------------------------------------------------ the checks

def kl(ref, other):
    a = torch.log_softmax(torch.from_numpy(np.array(ref)).double(), -1)
    b = torch.log_softmax(torch.from_numpy(np.array(other)).double(), -1)
    return (a.exp() * (a - b)).sum(-1)


def prompts(folder, name):
    for p in PROMPTS:
        ids = np.fromfile(os.path.join(folder, f"{name}.{p}.ids"), "<i4")
        yield p, ids, np.load(os.path.join(folder, f"{name}.{p}.npy"))


def logits_self(path):
    import llama_fp32 as L
    m = L.Model(path)
    return lambda ids, ids_file: m.forward(ids[None])[0].numpy()


def logits_llamacpp(path):
    import ctypes
    import llama_cpp as C
    C.llama_backend_init()
    log = C.llama_log_callback(lambda *x: None)
    C.llama_log_set(log, ctypes.c_void_p(0))
    mp = C.llama_model_default_params()
    mp.n_gpu_layers = 0
    mp.use_extra_bufts = False      # weights repacked for AMX: not every machine that says it has it lets it run
    model = C.llama_model_load_from_file(path.encode(), mp)
    if not model:
        raise SystemExit("llama.cpp cannot load " + path)
    cp = C.llama_context_default_params()
    cp.n_ctx = cp.n_batch = cp.n_ubatch = 512
    cp.n_threads = cp.n_threads_batch = 2
    cp.flash_attn_type = 0
    rp = MODELS.get(os.path.basename(path)[:-len(".gguf")], MODELS["llama"])[2]["rope_parameters"]
    cp.yarn_beta_fast, cp.yarn_beta_slow = rp.get("beta_fast", 32.0), rp.get("beta_slow", 1.0)     # llama.cpp does not read them from a llama's file
    ctx = C.llama_init_from_model(model, cp)

    def run(ids, ids_file, keep=log):
        C.llama_memory_clear(C.llama_get_memory(ctx), True)
        b = C.llama_batch_init(len(ids), 0, 1)
        b.n_tokens = len(ids)
        for t, tok in enumerate(ids):
            b.token[t], b.pos[t], b.n_seq_id[t], b.logits[t] = int(tok), t, 1, True
            b.seq_id[t][0] = 0
        if C.llama_decode(ctx, b):
            raise SystemExit("llama_decode failed")
        out = np.ctypeslib.as_array(C.llama_get_logits(ctx), shape=(len(ids), VOCAB)).copy()
        C.llama_batch_free(b)
        return out
    return run


def logits_roma(path, roma, extra, hf):
    tmp = tempfile.TemporaryDirectory()
    image = os.path.join(tmp.name, "image.roma")
    source = [path[:-len(".gguf")], "--quant", "q8"] if hf else [path]
    r = subprocess.run([roma, "build", *source, "-o", image], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if r.returncode:
        raise Refused(f"roma build exited with {r.returncode}: {r.stderr.strip()}")

    def run(ids, ids_file, keep=tmp):
        dump = os.path.join(tmp.name, "logits")
        subprocess.run([roma, "eval", image, "--ids", ids_file, "--all", "--dump-logits", dump, *extra],
                       check=True, stdout=subprocess.DEVNULL)
        a = np.fromfile(dump, "<f4")
        if a.size != len(ids) * VOCAB:
            raise SystemExit(f"{path}: {a.size} logits, expected {len(ids)} x {VOCAB}")
        return a.reshape(len(ids), VOCAB)
    return run


def is_plain(name):
    """Whether llama_fp32.py has all that it has."""
    return MODELS[name][2]["rope_parameters"]["rope_type"] in ("default", "llama3") and not MODELS[name][2].get("mlp_bias")


class Refused(Exception):
    pass


def compare(folder, names, get, max_kl, max_abs=None):
    bad = 0
    for name in names:
        try:
            k, diff = divergence(folder, name, get(os.path.join(folder, name + ".gguf")))
            less = divergence(folder, name, get(os.path.join(folder, name + "-without.gguf")))[0].mean() if len(MODELS[name]) > 3 else None
        except Refused as e:
            bad += 1
            print(f"FAIL {name}: {e}")
            continue
        ok = bool(k.mean() <= max_kl) and (max_abs is None or diff <= max_abs) and (less is None or bool(less >= 10 * k.mean()))
        bad += not ok
        print(f"{'ok  ' if ok else 'FAIL'} {name}: {len(k)} positions, mean KL {k.mean():.3g}, "
              f"largest {k.max():.3g}, largest difference of a logit {diff:.3g}"
              + (f"; without {MODELS[name][3]} {less:.3g}" if less is not None else ""))
    return bad


def divergence(folder, name, run):
    """Of all positions of the prompts, and the largest difference of a logit."""
    kls, diff = [], 0.0
    for p, ids, ref in prompts(folder, name):
        got = run(ids, os.path.join(folder, f"{name}.{p}.ids"))
        kls.append(kl(ref, got))
        diff = max(diff, float(np.abs(ref - got).max()))
    return torch.cat(kls), diff


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("verb", choices=["make", "self", "mutants", "llamacpp", "check"])
    ap.add_argument("folder")
    ap.add_argument("names", nargs="*")
    ap.add_argument("--roma", default="build/roma")
    ap.add_argument("--max-kl", type=float, default=1e-3)
    ap.add_argument("--hf", action="store_true", help="check: build from the Hugging Face folder (--quant q8)")
    ap.add_argument("--eval-option", action="append", default=[], help="passed on to roma eval")
    a = ap.parse_intermixed_args()
    torch.set_num_threads(2)
    names = a.names or [n for n in MODELS if a.verb not in ("self", "mutants") or is_plain(n)]
    for n in names:
        if n not in MODELS:
            sys.exit(f"no model {n!r}; there are {', '.join(MODELS)}")
    os.makedirs(a.folder, exist_ok=True)
    bad, done = 0, len(names)
    if a.verb == "make":
        for n in names:
            make(a.folder, n)
    elif a.verb == "self":
        bad = compare(a.folder, names, logits_self, 1e-8, 1e-4)
    elif a.verb == "llamacpp":
        bad = compare(a.folder, names, logits_llamacpp, 5e-3)
    elif a.verb == "check":
        bad = compare(a.folder, names, lambda p: logits_roma(p, a.roma, a.eval_option, a.hf), a.max_kl)
    else:
        done = 0
        for n in names:
            for what in ("permute", "rope"):
                if (what == "permute" and MODELS[n][1] != "llama") or \
                   (what == "rope" and MODELS[n][2]["rope_parameters"]["rope_type"] != "llama3"):
                    continue
                run = logits_self(make(a.folder, n, what))
                k = torch.cat([kl(ref, run(ids, None)) for _, ids, ref in prompts(a.folder, n)]).mean()
                os.remove(os.path.join(a.folder, f"{n}-{what}.gguf"))
                ok = bool(k > 10 * a.max_kl)
                done += 1
                bad += not ok
                print(f"{'ok  ' if ok else 'FAIL'} {n} with a wrong {what}: mean KL {k:.3g}, "
                      f"{'noticed' if ok else 'too close to pass as an error'}")
    print(f"{done - bad} passed, {bad} failed" if a.verb != "make" else f"{done} models written")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
