#!/usr/bin/env python3
"""What an architect asks of sim, chip, fit, plan and explore: any shape, in every way that a shape is given and for every verb that takes one.
Standard library only. usage: test_sim.py ROMA"""
import json
import os

from shared import check, finish, own_folder, run

KNOWN = {  # layers, hidden, heads, kv, head, ffn, vocab, tied, arch, context: published configurations
    "llama-3.2-3b": (28, 3072, 24, 8, 128, 8192, 128256, 1, "llama", 131072),
    "llama-3-8b": (32, 4096, 32, 8, 128, 14336, 128256, 0, "llama", 8192),
    "qwen3-0.6b": (28, 1024, 16, 8, 128, 3072, 151936, 1, "qwen3", 40960),
    "smollm2-135m": (30, 576, 9, 3, 64, 1536, 49152, 1, "llama", 8192)}
ROPE = {"llama-3.2-3b": (1e-5, 5e5, {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}),
        "llama-3-8b": (1e-5, 5e5, None), "qwen3-0.6b": (1e-6, 1e6, None), "smollm2-135m": (1e-5, 1e5, None)}  # rms_norm_eps, rope_theta, rope_scaling
NAMES = ("layers", "hidden", "heads", "kv", "head", "ffn", "vocab", "tied", "arch", "context")


def spelt(name, n=len(NAMES)): return ",".join("%s=%s" % p for p in list(zip(NAMES, KNOWN[name]))[:n])


def config(name, **more):
    """As transformers writes it."""
    eps, theta, scaling = ROPE[name]
    layers, hidden, heads, kv, head, ffn, vocab, tied, arch, context = KNOWN[name]
    whole = {"model_type": arch, "num_hidden_layers": layers, "hidden_size": hidden, "num_attention_heads": heads, "num_key_value_heads": kv, "head_dim": head,
             "intermediate_size": ffn, "vocab_size": vocab, "tie_word_embeddings": bool(tied), "max_position_embeddings": context, "hidden_act": "silu",
             "rms_norm_eps": eps, "rope_theta": theta, "rope_scaling": scaling}
    return json.dumps({**whole, **more})


# ---- any shape ----

VERBS = {"sim": ["--no-ranges"], "fit": [], "plan": [], "chip": [], "explore": ["--points", "30"]}


def test_spelt():
    """Numbers, and a config.json, give what the name gives, byte for byte."""
    os.mkdir("model")
    for name in KNOWN:
        with open("model/config.json", "w") as f: f.write(config(name))
        for verb, more in VERBS.items():
            want = run(verb, "--shape", name, *more, "--json")
            for shape in spelt(name), spelt(name, 7), "model/config.json", "model":
                check(run(verb, "--shape", shape, *more, "--json") == want, f"{verb} --shape {shape} differs from {name}")


def test_own():
    """A shape that nobody knows: every verb takes it, and its numbers are in what is said."""
    shape = "layers=3,hidden=256,heads=4,kv=2,ffn=512,vocab=1001,arch=qwen2"
    ops = json.loads(run("plan", "--shape", shape, "--json"))["ops"]
    check(sum(o["op"] == "linear" and o.get("rows") == 1001 for o in ops) == 1, "the head has 1001 rows")
    for verb, more in VERBS.items():
        d = json.loads(run(verb, "--shape", shape, *more, "--json"))
        check(d["model"] == "layers=3,hidden=256,heads=4,kv=2,head=64,ffn=512,vocab=1001,tied=0,arch=qwen2,context=131072", f"{verb}: {d['model']}")
    fit = json.loads(run("fit", "--shape", shape, "--json"))
    check(fit["kv_bytes_per_token"] == 3 * 2 * (2 * 64 + 8), f"{fit['kv_bytes_per_token']} bytes of cache a token")
    run("build", "--shape", shape, "--random", 1, "-o", "own.roma")
    run("verify", "own.roma")
    check(json.loads(run("plan", "own.roma", "--json"))["ops"][-1]["op"] == ops[-1]["op"], "an image of the shape has its plan")
    run("bench", "own.roma", "-p", 8, "-n", 2, "-t", 1)
    with open("config.json", "w") as f: f.write(config("qwen3-0.6b", num_hidden_layers=2))
    run("build", "--shape", "config.json", "--random", 1)
    check(os.path.exists("config.roma"), "the image of a config.json is called after it")
    run("explore", "--shape", shape, "--points", 30, "--best", "best", "--svg", "f.svg")
    title = open("best/knee.chip").readline()
    check(shape in title or "the shape that was explored" in title, title)
    for end in ("knee", "fastest"): run("chip", f"best/{end}.chip")


def test_refused():
    """Each refusal is one line on stderr, nothing on stdout, exit code 2, for every verb."""
    with open("gemma.json", "w") as f: f.write(config("llama-3.2-3b", model_type="gemma2"))
    with open("window.json", "w") as f: f.write(config("llama-3.2-3b", model_type="mistral", sliding_window=4096))
    with open("yarn.json", "w") as f: f.write(config("qwen3-0.6b", rope_scaling={"rope_type": "yarn", "factor": 4.0}))
    with open("gelu.json", "w") as f: f.write(config("llama-3.2-3b", hidden_act="gelu"))
    with open("broken.json", "w") as f: f.write("{")
    cases = (("layers=28,hidden=3072", "heads is missing"), ("layer=28", "did you mean layers?"), (spelt("llama-3-8b") + ",kv=8", "kv is given twice"),
             ("layers=0,hidden=64,heads=2,ffn=64,vocab=9", "0; supported: 1 to 1024"), ("layers=2,hidden=4294967296,heads=2,ffn=64,vocab=9", "hidden takes a whole number"),
             ("layers=2,hidden=64,heads=2,ffn=64,vocab=9,arch=gpt", "llama, qwen2 or qwen3"), ("gemma.json", "gemma2 is not supported"),
             ("window.json", "sliding_window"), ("yarn.json", "'yarn' is not supported"), ("gelu.json", "gelu is not supported"), ("broken.json", "broken.json: "), ("none.json", "no such file"))
    for verb in [*VERBS, "build"]:
        for shape, say in cases:
            args = [verb, "--shape", shape] + (["--random", "1", "-o", "x.roma"] if verb == "build" else [])
            check(run(*args, code=2, say=say) == "", f"{args}: something on standard output")
    check(not os.path.exists("x.roma"), "a refused shape left an image")


def main():
    with own_folder():
        test_spelt()
        test_own()
        test_refused()
    finish()


main()
