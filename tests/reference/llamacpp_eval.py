#!/usr/bin/env python3
"""llama.cpp on the windows of the FP32 reference: KL divergence, perplexity, top-1.

usage: llamacpp_eval.py MODEL.gguf --ids ids_40x512.i32 --ref logp_40x512.npy
                        [--text TEXT] [--kv f16|q8_0|f32] [--flash on|off] [--dump FILE]

Low-level API of llama-cpp-python; logits of every scored position.  --text also
checks that llama.cpp's own tokenizer gives the same ids.
"""
import argparse
import ctypes

import llama_cpp as C
import numpy as np
import torch

import llama_fp32 as L


def commit():
    import glob
    import os
    for lib in glob.glob(os.path.join(os.path.dirname(C.__file__), "lib", "libggml-base.so*")):
        try:
            f = ctypes.CDLL(lib).ggml_commit
            f.restype = ctypes.c_char_p
            return f().decode()
        except (OSError, AttributeError):
            pass
    return "unknown"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("model")
    ap.add_argument("--ids", required=True)
    ap.add_argument("--ref", required=True)
    ap.add_argument("--text")
    ap.add_argument("--ctx", type=int, default=512)
    ap.add_argument("--windows", type=int)
    ap.add_argument("--kv", choices=["f16", "q8_0", "f32"], default="f16")
    ap.add_argument("--flash", choices=["on", "off"], default="on")
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--dump", help="write the logits here, as roma eval --dump-logits does")
    a = ap.parse_args()
    torch.set_num_threads(a.threads)

    C.llama_backend_init()
    quiet = C.llama_log_callback(lambda *x: None)
    C.llama_log_set(quiet, ctypes.c_void_p(0))
    mp = C.llama_model_default_params()
    mp.n_gpu_layers = 0
    model = C.llama_model_load_from_file(a.model.encode(), mp)
    if not model:
        raise SystemExit("llama.cpp cannot load " + a.model)
    vocab = C.llama_model_get_vocab(model)
    nv = C.llama_vocab_n_tokens(vocab)
    cp = C.llama_context_default_params()
    cp.n_ctx = cp.n_batch = cp.n_ubatch = a.ctx
    cp.n_threads = cp.n_threads_batch = a.threads
    cp.flash_attn_type = 1 if a.flash == "on" else 0
    cp.type_k = cp.type_v = {"f32": 0, "f16": 1, "q8_0": 8}[a.kv]
    ctx = C.llama_init_from_model(model, cp)
    if not ctx:
        raise SystemExit("llama.cpp makes no context with these options")

    win = np.fromfile(a.ids, "<i4").reshape(-1, a.ctx)[:a.windows]
    ref = np.load(a.ref, mmap_mode="r")
    if a.text:
        raw = open(a.text, "rb").read()
        buf = (C.llama_token * (len(raw) + 8))()
        n = C.llama_tokenize(vocab, raw, len(raw), buf, len(buf), True, False)
        same = n >= win.size and np.array_equal(np.frombuffer(buf, "<i4")[:win.size], win.reshape(-1))
        whole = L.encode_file(a.model, a.text)
        same_all = len(whole) == n and np.array_equal(np.frombuffer(buf, "<i4")[:n], np.array(whole))
        print(f"llama.cpp's tokenizer: {n} tokens; windows equal: {same}; whole text equal: {same_all}")
    batch = C.llama_batch_init(a.ctx, 0, 1)
    lo, hi = a.ctx // 2, a.ctx - 1
    per = hi - lo
    tally = L.Tally()
    dump = open(a.dump, "wb") if a.dump else None
    for i, w in enumerate(win):
        C.llama_memory_clear(C.llama_get_memory(ctx), True)
        batch.n_tokens = a.ctx
        for t in range(a.ctx):
            batch.token[t] = int(w[t])
            batch.pos[t] = t
            batch.n_seq_id[t] = 1
            batch.seq_id[t][0] = 0
            batch.logits[t] = lo <= t < hi
        if C.llama_decode(ctx, batch) != 0:
            raise SystemExit("llama_decode failed")
        lg = np.ctypeslib.as_array(C.llama_get_logits(ctx), shape=(per, nv)).copy()
        if dump:
            dump.write(lg.astype("<f4").tobytes())
        tally.add(torch.from_numpy(np.array(ref[i * per:(i + 1) * per])), torch.from_numpy(lg),
                  torch.from_numpy(w[lo + 1:].astype(np.int64)))
    r = tally.result()
    print(f"llama-cpp-python {C.__version__}, ggml commit {commit()}")
    print(C.llama_print_system_info().decode().strip())
    print(f"\n{len(win)} windows of {a.ctx}, {r['n']} scored tokens, FP32 perplexity {r['ppl_ref']:.4f}\n")
    print("| choice | ppl | ppl vs FP32 | mean KL | top-1 |\n|---|---|---|---|---|")
    print(f"| llama.cpp, cache {a.kv}, flash {a.flash} | {r['ppl']:.4f} | {r['dppl']:+.2f} ± {r['dppl_se']:.2f} % | "
          f"{r['kl']:.5f} ± {r['kl_se']:.5f} | {r['top1']:.2f} % |")


if __name__ == "__main__":
    main()
