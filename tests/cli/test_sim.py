#!/usr/bin/env python3
"""What an architect asks of sim, chip, fit, plan and explore: any shape, in every way that a shape is given and for every verb that takes one; what was asked, told back
with the unit of every number; one capacity that all verbs hold to; warnings of chips that burn or cannot be printed.
Standard library only. usage: test_sim.py ROMA"""
import csv
import gzip
import json
import os
import re
import subprocess
import xml.etree.ElementTree

from shared import ROMA, check, finish, own_folder, run

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
    with open("longrope.json", "w") as f: f.write(config("qwen3-0.6b", rope_scaling={"rope_type": "longrope", "factor": 4.0}))
    with open("gelu.json", "w") as f: f.write(config("llama-3.2-3b", hidden_act="gelu"))
    with open("broken.json", "w") as f: f.write("{")
    cases = (("layers=28,hidden=3072", "heads is missing"), ("layer=28", "did you mean layers?"), (spelt("llama-3-8b") + ",kv=8", "kv is given twice"),
             ("layers=0,hidden=64,heads=2,ffn=64,vocab=9", "0; supported: 1 to 1024"), ("layers=2,hidden=4294967296,heads=2,ffn=64,vocab=9", "hidden takes a whole number"),
             ("layers=2,hidden=64,heads=2,ffn=64,vocab=9,arch=gpt", "llama, qwen2 or qwen3"), ("gemma.json", "gemma2 is not supported"),
             ("longrope.json", "'longrope' is not supported"), ("gelu.json", "gelu is not supported"), ("broken.json", "broken.json: "), ("none.json", "no such file"))
    for verb in [*VERBS, "build"]:
        for shape, say in cases:
            args = [verb, "--shape", shape] + (["--random", "1", "-o", "x.roma"] if verb == "build" else [])
            check(run(*args, code=2, say=say) == "", f"{args}: something on standard output")
    check(not os.path.exists("x.roma"), "a refused shape left an image")
    shape = json.loads(run("sim", "--shape", "window.json", "--json"))["shape"]
    check(shape["context"] == 4096, "a sliding window ends the context: %s" % shape)


# ---- what was asked, and its units ----

CONTRACT = ["--shape", "llama-3.2-3b", "--chip", "roma-contract"]
UNIT_ENDS = ("_ms", "_s", "_w", "_mm2", "_um2", "_tokens", "_bytes", "_words", "_c", "_mb", "_gb_s", "_hz", "_cyc", "cycles", "bytes_per_token", "mj_per_token", "_bytes_paper", "per_token_paper")


def unsaid(value, units, path=""):
    """Numbers whose unit nobody says: not beside them, not in the units, not in their name."""
    if isinstance(value, dict):
        if "unit" in value: return []
        return [u for k, v in value.items() if k != "units" for u in unsaid(v, units, f"{path}.{k}" if path else k)]
    if isinstance(value, list): return [u for v in value for u in unsaid(v, units, path)]
    if isinstance(value, bool) or not isinstance(value, (int, float)): return []
    return [] if path in units or path.endswith(UNIT_ENDS) else [path]


def test_echo():
    with open("map", "w") as f: f.write("0 0 40\n3 5 2\n")
    asked = ["--prompt", 300, "--context", 64, "--batch", 3, "--rank", 8, "--adapters", 2, "--chips", 2, "--bits", 4, "--group", 64, "--head-bits", 8, "--max-w", 7.5]
    d = json.loads(run("sim", *CONTRACT, *asked, "--defects", "map", "--set", "rom.patch_words=8", "--no-ranges", "--json", "--mix", "64:32,8:1", "--path", "--curve", "c.svg", "--mc", 5, "--dvfs"))
    want = {"prompt": 300, "context": 64, "batch": 3, "rank": 8, "adapters": 2, "stacked": 1, "targets": "q k v o gate up down", "chips": 2, "bits": 4, "group": 64, "head_bits": 8, "max_w": 7.5, "toggle": 1, "defects": "map", "defect_words": 42}
    check({k: d["workload"].get(k) for k in want} == want, f"the workload comes back as {d['workload']}")
    check(d["shape"] == dict(zip(NAMES, KNOWN["llama-3.2-3b"])), f"the shape comes back as {d['shape']}")
    chip = json.loads(run("chip", "roma-contract", "--set", "rom.patch_words=8", "--json"))
    check(d["chip"] == "roma-contract" and all(chip[k] == v for k, v in d["chip_parameters"].items()), "the chip comes back otherwise")
    check(d["chip_parameters"]["rom.patch_words"] == 8 and len(d["chip_parameters"]) > 90, "the chip comes back in part")
    check(not unsaid(d, d["units"]), f"numbers without a unit: {unsaid(d, d['units'])}")
    for m in d["mixes"]:
        check(m["ttft_ms"] == m["ttft"] and abs(m["p50_ms"] * 1000 - m["p50"]) < 1e-6 and abs(m["p99_ms"] * 1000 - m["p99"]) < 1e-6, f"mixes in ms: {m}")
    usual = json.loads(run("sim", "--shape", "llama-3.2-3b", "--no-ranges", "--json"))["workload"]
    check((usual["prompt"], usual["context"], usual["batch"], usual["rank"], usual["adapters"], usual["chips"], usual["max_w"], usual["defects"]) == (256, 0, 1, 16, 1, 1, None, None), f"the usual workload: {usual}")
    fit = json.loads(run("fit", *CONTRACT, "--json"))
    check(fit["units"]["rows.lora"] == "MiB" and not unsaid(fit, fit["units"]), f"fit: numbers without a unit: {unsaid(fit, fit['units'])}")
    check(not unsaid(chip, chip["units"]), f"chip: numbers without a unit: {unsaid(chip, chip['units'])}")
    explored = json.loads(run("explore", *CONTRACT, "--points", 40, "--context", 100, "--json"))
    check(not unsaid(explored, explored["units"]), f"explore: numbers without a unit: {unsaid(explored, explored['units'])}")
    check(explored["workload"]["context"] == 100 and explored["chip_parameters"]["lunit.leaf_group"] == chip["lunit.leaf_group"], "explore's workload and base chip")


def test_adapters():
    """Sets of adapters, on all linears or some: what is asked comes back, costs what it should, and fits as roma fit counts."""
    base = ["--rank", 8, "-c", 100]
    cycles = lambda *args: sim(*base, *args)["cycles"]
    check(cycles() == cycles("--stacked", 1) < cycles("--stacked", 2) < cycles("--stacked", 8), "a larger set takes longer")
    check(cycles("--targets", "all") == cycles() > cycles("--targets", "q,v,down") > cycles("--targets", "q,v") >= cycles("--targets", "v") > cycles("--rank", 0), "fewer linears take less")
    check(cycles("--targets", ",".join(("down", "q", "k", "v", "o", "gate", "up"))) == cycles(), "all linears by name")
    for targets in "all", "q,v", "down":
        d = sim(*base, "--stacked", 3, "--targets", targets)
        fit = json.loads(run("fit", *CONTRACT, "--rank", 8, "--adapters", 3, "--targets", targets, "--json"))
        names = fit["targets"]
        check((d["workload"]["stacked"], d["workload"]["adapters"], d["workload"]["targets"]) == (3, 3, names), f"{targets}: {d['workload']}")
        check(d["fit.lora_bytes"]["value"] == fit["lora_bytes"] and d["tokens"] == fit["tokens"], f"{targets}: sim and fit count another adapter")
        one = ["explore", *CONTRACT, "--only", "--points", 1, *base, "--stacked", 3, "--targets", targets, "--csv", "one.csv"]
        run(*one)
        with open("one.csv") as f: row = {k.split(" ")[0]: v for k, v in next(csv.DictReader(f)).items()}
        check(abs(float(row["decode_cyc"]) - d["cycles"]) < 1 and float(row["tokens"]) == d["tokens"], f"{targets}: explore says {row['decode_cyc']} cycles, sim {d['cycles']}")
    whole, part = sim(), sim("--targets", "q,v")
    check(abs(part["time.adapter_load_s"]["value"] / whole["time.adapter_load_s"]["value"] - (3072 + 3072 + 1024 + 3072) / 54272) < 0.02, "an adapter on q and v is loaded faster")
    check("rank 8 x 3 a sequence on q v, 1 die" in run("sim", *CONTRACT, *base, "--stacked", 3, "--targets", "q,v", "--no-ranges"), "the text does not say what was asked")
    for verb in "sim", "explore":
        run(verb, *CONTRACT, "--targets", "q,w", code=2, say="--targets takes all, or some of")
        run(verb, *CONTRACT, "--stacked", 9, code=2, say="--stacked takes a")
        run(verb, *CONTRACT, "--stacked", 0, code=2, say="--stacked takes a")
        run(verb, *CONTRACT, "--stacked", 3, "--rank", 0, code=2, say="--stacked asks for adapters, and --rank 0 for none")


def test_trace():
    """A file is what its name says."""
    for name, opened in (("t.json", open), ("t.json.gz", gzip.open), ("other", gzip.open)):
        run("sim", *CONTRACT, "--no-ranges", "--trace", name)
        with opened(name, "rb") as f: check(len(json.load(f)["traceEvents"]) > 1000, f"{name} holds no trace")


# ---- what fits ----


def sim(*args): return json.loads(run("sim", *CONTRACT, "--no-ranges", *args, "--json"))


def test_capacity():
    """sim, fit and explore have one capacity; what is beyond it is marked, or refused in one line."""
    tokens, prompt = sim()["capacity_tokens"], sim()["capacity_prompt_tokens"]
    # by hand: 144 pages of 32 take 126 x 8,448 bytes on the fullest H-Unit, the adapter 107,485, scores 12 bytes a position of a layer on it; a block of a prompt's 32 rows
    # has 32 times as many: 136 pages take 119 x 8,448, and 160 x 12 x 32 more
    check((tokens, prompt) == (4608, 4352), f"{tokens} tokens, {prompt} of a prompt")
    check(tokens == sim()["tokens"] == json.loads(run("fit", *CONTRACT, "--json"))["tokens"], "capacity and tokens")
    for args, fits in ((["-p", prompt], True), (["-p", prompt + 1], False), (["-p", tokens], False), (["-p", 8000], False), (["-p", 100000], False), (["-c", tokens - 1], True), (["-c", tokens], False),
                       (["-b", 2000], False), (["--adapters", 11], False), (["-b", 4, "-c", tokens // 4 // 32 * 32 - 1], True), (["-b", 4, "-c", tokens // 4 + 32], False)):
        d = sim(*args)
        check(d["fits_sram"] == fits and d["fit.fits_sram"]["value"] == fits and bool(d["warnings"]) != fits, f"{args}: fits_sram {d['fits_sram']}, {d['warnings']}")
        text = run("sim", *CONTRACT, "--no-ranges", *args)
        check(("does not fit: " in text) != fits, f"{args}: the text says it fits")
        only = ["explore", *CONTRACT, "--only", "--points", 1, *args, "--json"]
        check(json.loads(run(*only, code=0 if fits else 1))["refused"] == ({} if fits else {"sram": 1}), f"{args}: explore says another thing")
    check(json.loads(run("fit", *CONTRACT, "--adapters", 11, "--json"))["fits_sram"] is False, "fit: eleven adapters leave no page")
    run("sim", *CONTRACT, "--curve", "c.csv", "--curve-to", 20000, "--curve", "c.csv")
    with open("c.csv") as f: rows = list(csv.DictReader(f))
    check([r["fits"] == "true" for r in rows] == [int(r["context [tokens]"]) < tokens for r in rows] and rows[-1]["fits"] == "false", "the curve's column fits")
    for to, n in ((20000, 1), (2000, 0)):
        curve = sim("--curve", "c.svg", "--curve-to", to)["curve"]
        root = xml.etree.ElementTree.parse("c.svg").getroot()
        check([p["fits"] for p in curve] == [p["context"] < tokens for p in curve], "the curve in JSON")
        check(sum(e.get("class") == "limit" for e in root.iter()) == n and (f"{tokens} tokens" in "".join(root.itertext())) == bool(n), f"the capacity's line to {to}")
    run("sim", *CONTRACT, "--curve", "never.csv", "--curve-to", 1048577, code=2, say="--curve-to takes a whole number from 16 to 1048576")
    for mix in "256:100000", "100000:1", f"{tokens + 1}:1", f"{tokens}:1", f"1:{tokens + 1}", "64:64,5000:2":
        check(run("sim", *CONTRACT, "--mix", mix, "--csv", "never.csv", code=2, say="does not fit: each sequence can have the 4608" if mix != f"{tokens}:1" else "does not fit: 4352 do") == "", mix)
    check(not os.path.exists("never.csv"), "a refused mix left a file")
    run("sim", *CONTRACT, "--no-ranges", "--mix", f"{prompt}:1,{prompt}:{tokens - prompt + 1}")
    for args in ["-c", 8192], ["-p", 8193]: run("explore", "--shape", "smollm2-135m", *args, code=2, say="the model's own context is 8192")
    run("explore", "--shape", "smollm2-135m", "-p", 8192, "-c", 8191, "--points", 20)
    own = json.loads(run("sim", "--shape", "smollm2-135m", "-c", 8192, "--no-ranges", "--json"))
    check(own["fits_sram"] and own["capacity_tokens"] == 8192 and "the model's own context is 8192" in own["warnings"][0], "beyond the model's own context")


# ---- limits ----


def test_hazards():
    """A chip that burns, or that no scanner prints, is warned of: on stderr, or in the JSON alone."""
    good, hot, large = [], ["--set", "clock.frequency=1e11"], ["--set", "hunit.sram=9437184"]
    for verb in "sim", "chip":
        base = CONTRACT if verb == "sim" else ["roma-contract"]
        for more, say in ((good, None), (hot, "the junction is at"), (large, "a die of"), (large + ["--chips", 4], "a die of")):
            r = subprocess.run([ROMA, verb, *base, *map(str, more)], capture_output=True, text=True)
            check(r.returncode == 0 and (r.stderr == "" if not say else say in r.stderr and len(r.stderr.splitlines()) == 1), f"{verb} {more}: '{r.stderr}'")
            r = subprocess.run([ROMA, verb, *base, *map(str, more), "--json"], capture_output=True, text=True)
            said = json.loads(r.stdout)["warnings"]
            check(r.stderr == "" and (said == [] if not say else len(said) == 1 and say in said[0]), f"{verb} {more} --json: {said}, '{r.stderr}'")


def test_cap():
    """The cap is the number that was typed; one of no watts, or of none, is refused."""
    for w in "17.3", "0.1", "1e-3":
        check(json.loads(run("sim", *CONTRACT, "--no-ranges", "--max-w", w, "--json"))["workload"]["max_w"] == float(w), f"--max-w {w}")
    for w in "0", "-1", "none", "nan": run("sim", *CONTRACT, "--max-w", w, code=2, say="--max-w takes a number above 0")


def test_dies():
    """A prompt of a token more comes no sooner, and a sequence more takes no less, wherever chunks and parties end; dies without work are warned of."""
    first = [sim("--chips", 4, "-p", n)["ttft_ms"] for n in (255, 256, 257, 300, 511, 512, 513, 1024, 1025)]
    check(first == sorted(first), f"times to the first token on four dies: {first}")
    steps = [sim("--chips", 4, "-b", n, "-c", 100)["cycles"] for n in range(1, 18)]
    check(steps == sorted(steps) and all(steps[n] < steps[n + 2] for n in (4, 8, 12)), f"cycles of batches of 1 to 17 on four dies: {steps}")  # parties of unlike size
    check("2 of 30 dies have no layer" in sim("--chips", 30)["warnings"][0] and not sim("--chips", 28)["warnings"], "dies without a layer")


# ---- roofline ----


def si(text):
    value, unit = text.split(" ")
    return float(value) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}[unit[:-5] if unit.endswith("MAC/s") else unit[:-3]]


def test_roofline():
    """No point is drawn above its roof, which is the peak that roma chip prints."""
    for shape, chip, more in (("llama-3.2-3b", "roma-contract", []), ("qwen3-0.6b", "roma-contract", []), ("llama-3-8b", "roma", ["-b", 16, "-k", 2]), ("smollm2-135m", "roma-better", []),
                              ("llama-2-7b", "rcw-cim", ["-b", 3]), (spelt("llama-3.2-3b", 7) + ",tied=0", "roma-brom", ["--bits", 2])):
        run("sim", "--shape", shape, "--chip", chip, "--no-ranges", "--roofline", "r.svg", *more)
        root = xml.etree.ElementTree.parse("r.svg").getroot()
        tips = {kind: ["".join(t.itertext()) for g in root.iter() if g.get("class") == kind for t in g if t.tag.endswith("title")] for kind in ("roof", "point")}
        roofs = {name: [si(x) for x in rest.split(", ")] for name, rest in (t.rsplit(": ", 1) for t in tips["roof"])}
        points = {name: (float(rest.split(" ")[0]), si(rest.split(", ")[1])) for name, rest in (t.rsplit(": ", 1) for t in tips["point"])}
        check(len(roofs) == 3 and set(points) == {"decode, this chip", "prefill, this chip", "decode, the GPU at its roof"}, f"{shape}: {tips}")
        for name, (intensity, rate) in points.items():
            peak, byte_s = next(v for k, v in roofs.items() if ("GPU" in k) == ("GPU" in name) and "SRAM" not in k)
            check(rate <= min(peak, byte_s * intensity) * 1.01, f"{shape} on {chip}: {name}, {rate:.4g}, is above its roof {min(peak, byte_s * intensity):.4g}")  # three digits
        if chip == "roma-contract":
            text = run("chip", chip)
            check(abs(float(re.search(r"L-Units: ([0-9.]+) TMAC/s at 4 bit", text).group(1)) * 1e12 / roofs["ROM and L-Units"][0] - 1) < 0.01, f"{shape}: the roof is not the chip's peak")


def main():
    with own_folder():
        test_roofline()
        test_echo()
        test_adapters()
        test_trace()
        test_capacity()
        test_hazards()
        test_cap()
        test_dies()
        test_spelt()
        test_own()
        test_refused()
    finish()


main()
