"""llama.cpp as the peer of bench/compare-llama: a process of its own, timed around llama_decode alone.

usage (by compare-llama): llama_peer.py MODEL.gguf THREADS FLASH [LORA.gguf]
"""
import ctypes
import json
import os
import signal
import subprocess
import sys
import time


def quiet_llama():
    import llama_cpp as C
    C.llama_backend_init()
    log = C.llama_log_callback(lambda *x: None)
    C.llama_log_set(log, ctypes.c_void_p(0))
    return C, log


def llama_version(C):
    import glob
    text = "llama-cpp-python " + C.__version__
    folder = os.environ.get("LLAMA_CPP_LIB_PATH") or os.path.join(os.path.dirname(C.__file__), "lib")
    for lib in glob.glob(os.path.join(folder, "libggml-base.*")):
        try:
            f = ctypes.CDLL(lib).ggml_commit
            f.restype = ctypes.c_char_p
            return f"{text}, ggml commit {f().decode()}"
        except (OSError, AttributeError):
            pass
    return text


def peer(path, threads, flash, lora=None):
    """Reads lines "prefill N" and "decode N", answers with seconds."""
    C, log = quiet_llama()
    mp = C.llama_model_default_params()
    mp.n_gpu_layers = 0
    model = C.llama_model_load_from_file(path.encode(), mp)
    if not model:
        sys.exit("llama.cpp cannot load " + path)
    cp = C.llama_context_default_params()
    cp.n_ctx, cp.n_batch, cp.n_ubatch = 2048, 2048, 512
    cp.n_threads = cp.n_threads_batch = threads
    cp.flash_attn_type = 1 if flash else 0
    cp.no_perf = True
    ctx = C.llama_init_from_model(model, cp)
    if not ctx:
        sys.exit("llama.cpp makes no context")
    if lora:
        adapters = (C.llama_adapter_lora_p_ctypes * 1)(C.llama_adapter_lora_init(model, lora.encode()))
        if not adapters[0] or C.llama_set_adapters_lora(ctx, adapters, 1, (ctypes.c_float * 1)(1.0)):
            sys.exit("llama.cpp takes no adapter from " + lora)
    vocab = C.llama_vocab_n_tokens(C.llama_model_get_vocab(model))
    batch = C.llama_batch_init(2048, 0, 1)
    print(json.dumps(dict(version=llama_version(C), system=C.llama_print_system_info().decode().strip(),
                          bytes=C.llama_model_size(model), params=C.llama_model_n_params(model))), flush=True)

    def decode(ids, start):
        n = batch.n_tokens = len(ids)
        for i, t in enumerate(ids):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = t, start + i, 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = i == n - 1
        t0 = time.perf_counter()
        bad = C.llama_decode(ctx, batch)
        C.llama_synchronize(ctx)
        dt = time.perf_counter() - t0
        if bad:
            sys.exit("llama_decode failed")
        return dt

    x = 12345
    for line in sys.stdin:
        test, n = line.split()
        C.llama_memory_clear(C.llama_get_memory(ctx), True)
        ids = []
        for _ in range(int(n)):
            x = (x * 1103515245 + 12345) & 0x7fffffff
            ids.append((x >> 8) % vocab)
        s = decode(ids, 0) if test == "prefill" else sum(decode([t], i) for i, t in enumerate(ids))
        print(s, flush=True)


class Peer:
    def __init__(self, python, path, threads, flash, lora=None):
        env = {k: v for k, v in os.environ.items()                  # OpenMP's defaults, not ours
               if not k.startswith(("OMP_", "GOMP_", "KMP_"))}
        self.p = subprocess.Popen([python, os.path.abspath(__file__), path, str(threads), str(int(flash))] + ([lora] if lora else []),
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        line = self.p.stdout.readline()
        if not line:
            sys.exit("compare-llama: the llama.cpp process ended (is llama-cpp-python installed? see ROMA_VENV)")
        self.info = json.loads(line)

    def why(self):
        code = self.p.wait()
        return " by %s; was it built for another machine, or with instructions that this one does not allow (AMX)?" % \
            signal.Signals(-code).name if code < 0 else ""

    def rate(self, test, n, times=3):
        best = 0.0
        for _ in range(times):
            self.p.stdin.write(f"{test} {n}\n")
            self.p.stdin.flush()
            line = self.p.stdout.readline()
            if not line:
                sys.exit("compare-llama: the llama.cpp process ended" + self.why())
            best = max(best, n / float(line))
        return best

    def close(self):
        self.p.stdin.close()
        self.p.wait()


if __name__ == "__main__":
    peer(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1", *sys.argv[4:])
