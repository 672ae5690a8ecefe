#!/usr/bin/env python3
"""Settings and shapes of GGUF files against llama.cpp: what is accepted computes the same, what is not is refused by name.

usage: settings_sweep.py ROMA [--count 2000] [--seed 1] [--keep FOLDER]

Each case is a random model of one layer or two (llama, qwen2, qwen3; any widths of heads, hidden and feed-forward; biases or
none; F32, F16 or Q8_0), of whose keys a random subset is dropped, added or changed.  Its logits over 33 tokens (a page and one
more) come from `roma build --quant q8` and `roma eval`, and from llama.cpp; the cosine of all of them must be at least 0.99.
Where roma refuses, its message must name the key, the tensor or the number at fault.  llama.cpp runs in a child of its own, as some
files make it abort; where llama.cpp refuses and roma does not, nothing is compared, and that is counted.
"""
import argparse
import collections
import ctypes
import os
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile

import gguf
import numpy as np

N_TOKENS, VOCAB = 33, 67
Q8 = gguf.GGMLQuantizationType.Q8_0


# ------------------------------------------------------------------ models

def shape_of(rng):
    """Widths of a model, half of them no multiples of anything."""
    heads = rng.choice([1, 2, 3, 4, 6, 8])
    kv = rng.choice([k for k in (1, 2, 3, 4, 6, 8) if heads % k == 0])
    head = rng.choice([2, 8, 12, 16, 20, 24, 32, 48, 64, 100, 120])
    hidden = rng.choice([heads * head, 32, 64, 96, 128, rng.randrange(1, 40) * 4, heads * head])
    return dict(layers=rng.choice([1, 2]), heads=heads, kv=kv, head=head, hidden=max(hidden, 4),
                ffn=rng.choice([32, 64, 96, 172, 100, rng.randrange(1, 200)]))


def eight_bits(a):
    """Values that Q8_0 has: a row in groups of 32, the last one filled up with zeros."""
    wide = np.pad(a, ((0, 0), (0, -a.shape[1] % 32)))
    return gguf.quants.dequantize(gguf.quants.quantize(wide, Q8), Q8)[:, :a.shape[1]]


def tensors_of(rng, arch, s):
    """Names, values and whether each is a matrix, as GGUF has them."""
    gen = np.random.default_rng(rng.getrandbits(32))
    out = []

    def matrix(name, rows, cols, gain=1.0):
        out.append((name, eight_bits((gain / np.sqrt(cols) * gen.standard_normal((rows, cols))).astype(np.float32)), True))

    def vector(name, n, mean, spread):
        out.append((name, (mean + spread * gen.standard_normal(n)).astype(np.float32), False))

    q, kv = s["heads"] * s["head"], s["kv"] * s["head"]
    biases = rng.random() < 0.4
    matrix("token_embd.weight", VOCAB, s["hidden"], 1.0)
    for i in range(s["layers"]):
        b = f"blk.{i}."
        vector(b + "attn_norm.weight", s["hidden"], 1, 0.2)
        matrix(b + "attn_q.weight", q, s["hidden"])
        matrix(b + "attn_k.weight", kv, s["hidden"])
        matrix(b + "attn_v.weight", kv, s["hidden"])
        matrix(b + "attn_output.weight", s["hidden"], q)
        if arch == "qwen2" or biases:
            vector(b + "attn_q.bias", q, 0, 0.3), vector(b + "attn_k.bias", kv, 0, 0.3), vector(b + "attn_v.bias", kv, 0, 0.3)
        if arch == "qwen3":
            vector(b + "attn_q_norm.weight", s["head"], 1, 0.2), vector(b + "attn_k_norm.weight", s["head"], 1, 0.2)
        if arch == "llama" and biases:
            vector(b + "attn_output.bias", s["hidden"], 0, 0.3)
        vector(b + "ffn_norm.weight", s["hidden"], 1, 0.2)
        matrix(b + "ffn_gate.weight", s["ffn"], s["hidden"])
        matrix(b + "ffn_up.weight", s["ffn"], s["hidden"])
        matrix(b + "ffn_down.weight", s["hidden"], s["ffn"])
        if arch == "llama" and biases:
            vector(b + "ffn_gate.bias", s["ffn"], 0, 0.3), vector(b + "ffn_up.bias", s["ffn"], 0, 0.3)
            vector(b + "ffn_down.bias", s["hidden"], 0, 0.3)
    vector("output_norm.weight", s["hidden"], 1, 0.2)
    if rng.random() < 0.7:
        matrix("output.weight", VOCAB, s["hidden"], 2.0)
    return out


def keys_of(arch, s):
    """The keys of a plain file: key behind the architecture's name, kind, value."""
    k = {"block_count": ("u32", s["layers"]), "context_length": ("u32", 64), "embedding_length": ("u32", s["hidden"]),
         "feed_forward_length": ("u32", s["ffn"]), "attention.head_count": ("u32", s["heads"]),
         "attention.head_count_kv": ("u32", s["kv"]), "attention.layer_norm_rms_epsilon": ("f32", 1e-5),
         "rope.freq_base": ("f32", 10000.0), "attention.key_length": ("u32", s["head"]),
         "attention.value_length": ("u32", s["head"]), "rope.dimension_count": ("u32", s["head"]), "vocab_size": ("u32", VOCAB)}
    return k


def change(rng, arch, s, keys):
    """A random subset of keys dropped, added or changed; what was done, as text."""
    done = []
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        key = rng.choice(list(CHANGES))
        value = rng.choice(CHANGES[key])
        if value is DROP:
            if key in keys:
                del keys[key]
                done.append(f"-{key}")
        else:
            keys[key] = value
            done.append(f"{key}={value[1]}")
    return done


DROP = object()
YARN = ("str", "yarn")
CHANGES = {
    "block_count": [DROP, ("u32", 1), ("u64", 2), ("u32", 3), ("u32", 0)],
    "context_length": [DROP, ("u32", 33), ("u32", 4096), ("u64", 64)],
    "embedding_length": [DROP, ("u32", 32), ("u32", 64)],
    "feed_forward_length": [DROP, ("u32", 64), ("u64", 96)],
    "attention.head_count": [("u32", 2), ("u32", 4), DROP],
    "attention.head_count_kv": [DROP, DROP, ("u32", 1), ("u32", 2)],
    "attention.layer_norm_rms_epsilon": [DROP, ("f32", 1e-6), ("f32", 0.01), ("f32", 0.05)],
    "rope.freq_base": [DROP, DROP, ("f32", 500000.0), ("f32", 100.0), ("f32", 1.0)],
    "attention.key_length": [DROP, DROP, ("u32", 32)],
    "attention.value_length": [DROP, ("u32", 16)],
    "rope.dimension_count": [DROP, ("u32", 8), ("u32", 4)],
    "vocab_size": [DROP, ("u32", VOCAB)],
    "rope.scaling.type": [("str", "none"), ("str", "linear"), YARN, YARN, YARN, ("str", "longrope"), ("str", "dynamic")],
    "rope.scaling.factor": [("f32", 1.0), ("f32", 2.0), ("f32", 4.0), ("f32", 8.0), ("f32", 0.5), ("f32", 0.0)],
    "rope.scale_linear": [("f32", 2.0), ("f32", 0.0), ("f32", 3.0)],
    "rope.scaling.attn_factor": [("f32", 1.0), ("f32", 1.5), ("f32", 0.7), ("f32", 1.2)],
    "rope.scaling.original_context_length": [("u32", 8), ("u32", 16), ("u32", 32), ("u32", 0), ("u32", 4096)],
    "rope.scaling.finetuned": [("bool", True), ("bool", False)],
    "rope.scaling.yarn_beta_fast": [("f32", 32.0)],
    "rope.scaling.yarn_beta_slow": [("f32", 1.0)],
    "rope.scaling.yarn_ext_factor": [("f32", 1.0), ("f32", 0.0)],
    "rope.scaling.yarn_log_multiplier": [("f32", 0.0), ("f32", 0.1)],
    "rope.scaling.alpha": [("f32", 0.0), ("f32", 1000.0)],
    "attention.sliding_window": [("u32", 0), ("u32", 33), ("u32", 4096)],
    "attention.scale": [("f32", 0.0), ("f32", 0.2)],
    "attention.causal": [("bool", True), ("bool", False)],
    "attention.clamp_kqv": [("f32", 0.0), ("f32", 1.0)],
    "attention.max_alibi_bias": [("f32", 0.0), ("f32", 8.0)],
    "attention.layer_norm_epsilon": [("f32", 1e-5), ("f32", 0.1)],
    "attention.temperature_scale": [("f32", 0.1)],
    "attn_logit_softcapping": [("f32", 0.0), ("f32", 50.0)],
    "final_logit_softcapping": [("f32", 0.0), ("f32", 30.0)],
    "logit_scale": [("f32", 1.0), ("f32", 0.25)],
    "residual_scale": [("f32", 1.0), ("f32", 0.22)],
    "embedding_scale": [("f32", 1.0), ("f32", 12.0)],
    "expert_count": [("u32", 0), ("u32", 4)],
    "expert_used_count": [("u32", 0), ("u32", 2)],
    "pooling_type": [("u32", 0), ("u32", 1)],
    "use_parallel_residual": [("bool", False), ("bool", True)],
    "tensor_data_layout": [("str", "Meta AI original pth")],
    "nextn_predict_layers": [("u32", 0)],
    "hidden_activation": [("str", "gelu")],
    "dense_2_feat_in": [("u32", 4)],
}


def write(path, arch, keys, tensors, kind, rope_freqs):
    w = gguf.GGUFWriter(path, arch)
    w.add_tokenizer_model("llama")
    w.add_token_list(["<unk>", "<s>", "</s>"] + [f"t{i}" for i in range(VOCAB - 3)])
    w.add_token_scores([0.0] * VOCAB)
    w.add_token_types([2, 3, 3] + [1] * (VOCAB - 3))
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    put = {"u32": w.add_uint32, "u64": w.add_uint64, "f32": w.add_float32, "bool": w.add_bool, "str": w.add_string}
    for key, (type_, value) in keys.items():
        put[type_](f"{arch}.{key}", value)
    if rope_freqs is not None:
        w.add_tensor("rope_freqs.weight", rope_freqs)
    for name, a, is_matrix in tensors:
        if is_matrix and kind == "q8_0" and a.shape[1] % 32 == 0:
            w.add_tensor(name, gguf.quants.quantize(a, Q8), raw_dtype=Q8)
        elif is_matrix and kind != "f32":
            w.add_tensor(name, a.astype(np.float16))
        else:
            w.add_tensor(name, a)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


# ------------------------------------------------------------------ engines

def quiet():
    import llama_cpp as C
    log = C.llama_log_callback(lambda *x: None)
    C.llama_log_set(log, ctypes.c_void_p(0))
    C.llama_backend_init()
    return C, log


def llama_logits(C, path, ids, cache32=True):
    mp = C.llama_model_default_params()
    mp.n_gpu_layers = 0
    mp.use_extra_bufts = False      # weights repacked for AMX: not every machine that says it has it lets it run
    model = C.llama_model_load_from_file(path.encode(), mp)
    if not model:
        return None
    cp = C.llama_context_default_params()
    cp.n_ctx = cp.n_batch = cp.n_ubatch = 256
    cp.n_threads = cp.n_threads_batch = 1
    cp.flash_attn_type = 0
    if cache32:
        cp.type_k = cp.type_v = 0
    ctx = C.llama_init_from_model(model, cp)
    if not ctx:
        return None
    b = C.llama_batch_init(len(ids), 0, 1)
    b.n_tokens = len(ids)
    for t, tok in enumerate(ids):
        b.token[t], b.pos[t], b.n_seq_id[t], b.logits[t] = int(tok), t, 1, True
        b.seq_id[t][0] = 0
    if C.llama_decode(ctx, b):
        return None
    n = C.llama_vocab_n_tokens(C.llama_model_get_vocab(model))
    return np.ctypeslib.as_array(C.llama_get_logits(ctx), shape=(len(ids), n)).copy()


def in_child(fn):
    """fn() in a child: an array, None where the child refuses or aborts, or the number of the signal that ended it otherwise."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        a = fn()
        if a is not None:
            with os.fdopen(w, "wb") as f:
                f.write(struct.pack("<II", *a.shape) + a.astype("<f4").tobytes())
        os._exit(0)
    os.close(w)
    with os.fdopen(r, "rb") as f:
        raw = f.read()
    ended = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(ended) and os.WTERMSIG(ended) != signal.SIGABRT:
        return os.WTERMSIG(ended)
    return np.frombuffer(raw, "<f4", offset=8).reshape(struct.unpack_from("<II", raw)) if raw else None


def roma_logits(roma, path, ids, folder):
    """Logits, or the refusal's text."""
    image, dump, id_file = (os.path.join(folder, n) for n in ("i.roma", "logits", "ids"))
    np.array(ids, "<i4").tofile(id_file)
    for command in (["build", path, "--quant", "q8", "-o", image], ["eval", image, "-t", "1", "--ids", id_file, "--all", "--dump-logits", dump]):
        r = subprocess.run([roma, *command], capture_output=True, text=True)
        if r.returncode:
            if r.returncode != 2:
                raise SystemExit(f"roma {command[0]} exited with {r.returncode}: {r.stderr}")
            return r.stderr.strip()
    return np.fromfile(dump, "<f4").reshape(len(ids), -1)


def cosine(a, b):
    """Of all logits but those of the first position, which no rotation touches."""
    a, b = ((x.astype(np.float64) - x.mean(-1, keepdims=True))[1:] for x in (a, b))
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-30))


NAMED = re.compile(r"'[a-z0-9_.]+'|rope\.|attention\.|embedding_length|head_count|heads|width|context|vocab|layers|token_embd|_weight|"
                   r"layer \d+|RoPE|YaRN|tokens do not fit", re.I)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("roma")
    ap.add_argument("--count", type=int, default=2000)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--keep", help="keep what failed here")
    a = ap.parse_args()
    os.environ["GGML_NO_BACKTRACE"] = "1"        # a debugger that a dying child starts takes seconds
    C, log = quiet()
    rng = random.Random(a.seed)
    tally, bad, worst = collections.Counter(), 0, (2.0, "")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.gguf")
        for case in range(a.count):
            arch, s = rng.choice(["llama", "llama", "qwen2", "qwen3"]), shape_of(rng)
            if arch == "qwen2":
                s["hidden"] = s["heads"] * s["head"]     # llama.cpp's qwen2 knows no other
            keys = keys_of(arch, s)
            done = change(rng, arch, s, keys)
            freqs = None
            if arch == "llama" and rng.random() < 0.1:
                freqs = (1 + 7 * np.random.default_rng(case).random(s["head"] // 2)).astype(np.float32)
                done.append("rope_freqs")
            kind = rng.choice(["f32", "f16", "q8_0"])
            write(path, arch, keys, tensors_of(rng, arch, s), kind, freqs)
            ids = [rng.randrange(3, VOCAB) for _ in range(N_TOKENS)]
            got = roma_logits(a.roma, path, ids, folder)
            what = f"case {case}: {arch} {kind} {s} {' '.join(done)}"
            fault = None
            if isinstance(got, str):
                tally["refused by name"] += 1
                tally["refused: " + re.sub(r"'[^']*'|[0-9.]+", "…", got.split(": ", 2)[-1])[:60]] += 0
                if not NAMED.search(got.split("m.gguf")[-1]):
                    fault = "a refusal that names nothing: " + got
                elif not done:
                    fault = "a plain model is refused: " + got
            else:
                want = in_child(lambda: llama_logits(C, path, ids))
                if isinstance(want, int):
                    fault = f"llama.cpp was ended by signal {want}: nothing was compared"
                elif want is None:
                    tally["run, and llama.cpp refuses"] += 1
                else:
                    tally["run"] += 1
                    c = cosine(got, want)
                    worst = min(worst, (c, what))
                    if c < 0.99:
                        fault = f"cosine {c:.4f}"
            if fault:
                bad += 1
                print(f"FAIL {what}: {fault}", flush=True)
                if a.keep:
                    os.makedirs(a.keep, exist_ok=True)
                    os.replace(path, os.path.join(a.keep, f"{case}.gguf"))
    for k, n in sorted(tally.items(), key=lambda x: -x[1]):
        if n:
            print(f"{n:6d} {k}")
    print(f"smallest cosine {worst[0]:.5f}: {worst[1]}")
    print(f"{a.count - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
