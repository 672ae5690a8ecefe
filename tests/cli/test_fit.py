#!/usr/bin/env python3
"""roma fit against counts made here from the documents (memory, adapter-format, rom-format), the paper's numbers, and what roma run then allows: one token more is refused.
Standard library only. usage: test_fit.py ROMA"""
import csv
import io
import json
import os
import random
import subprocess
import tempfile
import xml.dom.minidom

from shared import ROMA, TOP, check, finish, run

MIB = 1 << 20


def fit(*args):
    return json.loads(run("fit", *args, "--json"))


def up(n, to):
    return -(-n // to) * to


# ---- counts from docs/memory.md and docs/adapter-format.md ----

# layers, hidden, ffn, query width, key-value heads, head width
SHAPES = {"llama-3.2-3b": (28, 3072, 8192, 3072, 8, 128), "llama-3-8b": (32, 4096, 14336, 4096, 8, 128),
          "smollm2-135m": (30, 576, 1536, 576, 3, 64), "tiny": (3, 128, 384, 128, 2, 32)}


def linears(shape):
    _, h, f, q, heads, d = SHAPES[shape]
    return {"q": (q, h), "k": (heads * d, h), "v": (heads * d, h), "o": (h, q), "gate": (f, h), "up": (f, h), "down": (h, f)}


def page(shape):
    layers, _, _, _, heads, d = SHAPES[shape]
    return layers * heads * (64 * d + 256)


def lora(shape, rank, targets, code=1):
    total = 0
    for rows, cols in (linears(shape)[t] for t in targets):
        group = next(g for g in (256, 128, 64, 32) if cols % g == 0)
        a = up(rank, 16) // 16 * (up(16 * cols + cols // group * 32, 64) + 64)
        b = up(rows, 16) * (up(rank, 2) * code + 4)
        total += up(a + b, 64)
    return SHAPES[shape][0] * total if rank else 0


def row(width, quantised):
    piece = lambda n: up(n, 64)
    if not quantised:
        return up(width, 16) * 4
    return piece(width) + 2 * piece(width // 2) + piece(width // 4) + piece(width // 8)


def activations(image, rows):
    """From the operations that `roma plan` prints: every value but the last, which is the logits."""
    width, codes = {}, {}
    ops = json.loads(run("plan", image, "--json"))["ops"]
    for op in ops[:-1]:
        out = op["out"]
        if out == "cache":
            continue
        width.setdefault(out, op["rows"] if op["op"] == "linear" else op["cols"] if op["op"] in ("embed", "norm") else op["rotated"] if op["op"] == "angles" else width[op["in"][0]])
        codes.setdefault(out, op["op"] in ("norm", "quantise"))
    return rows * sum(row(width[v], codes[v]) for v in width)


def test_counts(image):
    rng = random.Random(1)
    for i in range(60):
        shape = rng.choice(list(SHAPES))
        targets = rng.sample(list(linears(shape)), rng.randint(1, 7))
        adapters, rank, sequences = rng.randint(0, 6), rng.choice([0, 1, 3, 8, 16, 17, 100, 512]), rng.choice([1, 2, 5, 16, 200])
        kind = rng.choice(["int8", "fp8", "f16"])
        where = [image] if shape == "tiny" else ["--shape", shape]
        rows = rng.choice([1, 16, 128, 512])
        r = fit(*where, "--adapters", adapters, "--rank", rank, "--sequences", sequences, "--targets", ",".join(targets), "--lora-type", kind,
                "--sram-mib", rng.randint(1, 2000), "--rows", rows)
        check(r["lora_bytes"] == adapters * lora(shape, rank, targets, 2 if kind == "f16" else 1), f"{shape}: {adapters} adapters of rank {rank}, {kind}, on {targets}: {r['lora_bytes']} bytes")
        check(r["page_bytes"] == page(shape) and r["kv_bytes_per_token"] * 32 == page(shape), f"{shape}: page bytes {r['page_bytes']}")
        check(r["activations_beside_cache"] == (r["activation_bytes"] > r["vector_bytes"]), f"{shape}: activations_beside_cache {r['activations_beside_cache']}")
        if shape == "tiny":
            check(r["activation_bytes"] == activations(image, max(rows, sequences)), f"activations of {rows} rows: {r['activation_bytes']}")
        left = r["sram_bytes"] - r["lora_bytes"] - r["activation_bytes"]
        pages = max(0, left // page(shape))
        check(r["all_tokens"] == pages * 32, f"{shape}: {r['all_tokens']} tokens in {left} bytes")
        if r["limited_by"] == "sram":
            check(r["tokens"] == pages // sequences * 32, f"{shape}: {r['tokens']} tokens a sequence")
        codes = adapters * rank * sum(sum(linears(shape)[t]) for t in targets) * SHAPES[shape][0]
        layers, _, _, _, heads, d = SHAPES[shape]
        paper = max(0, r["sram_bytes"] - codes) // (2 * layers * heads * d) // 32 // sequences * 32
        check(r["tokens_paper"] == paper and r["lora_bytes_paper"] == codes, f"{shape}: paper's count {r['tokens_paper']}, {paper} by hand")


def test_paper():
    """Llama-3.2-3B at 4 bit; the paper labels 3,808 as rank 16, which gives 4,256."""
    shape = ["--shape", "llama-3.2-3b", "--adapters", 1, "--sequences", 1]
    for mib, rank, tokens in ((64, 16, 736), (64, 64, 0), (256, 32, 3808), (256, 16, 4256), (128, 16, 1888)):
        r = fit(*shape, "--sram-mib", mib, "--rank", rank)
        check(r["tokens_paper"] == tokens, f"{mib} MiB, rank {rank}: {r['tokens_paper']}, the paper has {tokens}")
        check(r["tokens"] < tokens or not tokens, "with every scale fewer fit")
    rows = {r["id"]: r for r in json.loads(run("paper", "--json"))["rows"]}
    check([rows[i]["model"] for i in ("10", "10.r64", "11")] == [736, 0, 3808], "roma paper counts otherwise")
    whole = fit(*shape, "--rank", 16)
    check(whole["sram_bytes"] == 288 * MIB and whole["vector_bytes"] == 16 * MIB and whole["tokens_paper"] == 4832, "the chip's own SRAM")
    spilt = max(0, whole["activation_bytes"] - whole["vector_bytes"])
    check(whole["activations_beside_cache"] == (spilt > 0), "where the chip's activations lie")
    beside = whole["page_bytes"] + 12 * 256 # a position on each H-Unit of a head, and its scores for three query heads of one layer
    check(whole["tokens"] == (288 * MIB - whole["lora_bytes"] - spilt) // beside * 32, "the chip's tokens")
    check(whole["fits_rom"] and not fit("--shape", "llama-13b")["fits_rom"], "ROM")
    sim = json.loads(run("sim", "--shape", "llama-3.2-3b", "--no-ranges", "--json"))
    for k in ("rom_bytes", "rom_capacity", "tokens_paper", "sram_bytes"):
        check(sim["fit." + k]["value"] == whole[k], f"sim and fit differ in {k}")


# ---- what runs ----


def boundary(image, limits, r, threads, generate=1):
    """A context of so many tokens runs; one more is refused with that number."""
    tokens = r["tokens"]
    base = ["run", image, "-p", "Once", "--raw", "-n", generate, "-t", threads, *limits]
    if tokens:
        got = json.loads(run(*base, "--ctx", tokens, "--json"))
        check(got["context"] == tokens, f"{limits}: context {got['context']}, {tokens} given")
        run(*base, "--ctx", tokens - 1)
        check(json.loads(run(*base, "--json"))["context"] == tokens, f"{limits}: the context left out is not what fits")
    if r["limited_by"] == "sram":
        run(*base, "--ctx", tokens + 1, code=2, say=f"at most {tokens} tokens fit (--ctx)" if tokens else "no token fits")
    else:
        run(*base, "--ctx", tokens + 1, code=2, say="model's own")
    return tokens


def test_runs(image, tmp):
    rng, seen = random.Random(2), set()
    for i in range(36):
        rows = ["--rows", rng.choice([4, 16, 64, 100, 128])] if i % 5 else []
        if i % 2:
            limits = ["--sram-mib", rng.randint(1, 2), *rows]
        else: # a chip whose H-Units hold little, and vector units more or less than the activations
            chip = os.path.join(tmp, "small.chip")
            need = activations(image, rows[1] if rows else 128)
            own, pages, whole = rng.uniform(0.3, 1.2) * need, rng.randint(0, 20) * page("tiny"), i % 4 == 0
            if whole: pages *= 30 # a layer's pages lie on 128 H-Units of its head, which each hold some whole ones
            sets = ["--set", f"hunit.pages={'whole' if whole else 'spread'}", "--set", "hunit.bandwidth=8", "--set", "memory.sram_depth=16", "--set", f"hunit.sram={max(64, int((need - own + pages + rng.choice([0, 150000])) / 256))}", "--set", f"vector.sram={int(own / 16)}"]
            with open(chip, "w") as f:
                f.write(run("chip", "roma", *sets, "--write"))
            limits = ["--chip", chip, *rows] + (["--sram-mib", 1] if i % 6 == 0 else [])
        adapters, rank = rng.randint(0, 2), rng.choice([1, 8, 16, 40])
        r = fit(image, *limits, "--adapters", adapters, "--rank", rank)
        limits += ["--adapters", adapters, "--rank", rank] if adapters else []
        seen.add((r["limited_by"], r["tokens"] > 0, r["activation_bytes"] > r["vector_bytes"] > 0))
        boundary(image, limits, r, rng.choice([1, 2, 3, 20]))
    check({("sram", True, True), ("sram", True, False), ("sram", False, True), ("model", True, False)} <= seen, f"the cases are too much alike: {seen}")
    filled = fit(image, "--sram-mib", 1, "--adapters", 0, "--rows", 128)
    got = json.loads(run("run", image, "-p", "Once", "--raw", "-n", 500, "--sram-mib", 1, "--temp", 2, "--seed", 1, "--json"))
    check(got["stop"] in ("context", "eos") and len(got["ids"]) + got["prompt_tokens"] <= filled["tokens"] + 1, "an answer beyond the cache")
    chip = got["chip"]
    check(chip["sram_bytes"] == 288 * MIB and chip["sram_holds"] is True, "the chip's 288 MiB")
    check(chip["sram_used"] == filled["all_tokens"] // 32 * filled["page_bytes"], "what of it is used")
    many = ["--adapters", 90, "--rank", 512] # more than 288 MiB
    got = json.loads(run("run", image, "-p", "Once", "-n", 1, *many, "--json"))["chip"]
    check(got["sram_holds"] is False and got["sram_used"] > 90 * lora("tiny", 512, linears("tiny")), "288 MiB cannot hold that")
    run("run", image, "-p", "Once", "-n", 1, *many, "-v", say="288 MiB, and 16 for activations, would not hold this")
    run("run", image, "-p", "Once", "-n", 1, *many, "--chip", "roma", code=2, say="(--adapters, --rank): no token fits")
    text = subprocess.run([ROMA, "run", image, "-p", "Once", "-n", "1", "--verbose"], capture_output=True, text=True).stderr
    check("the chip roma: SRAM of 288 MiB, and 16 for activations, would hold this" in text, f"no line about SRAM: {text}")


def test_batch(image, tmp):
    """A request of a batch may have all pages; one that needs more is refused, whatever else runs."""
    lines = os.path.join(tmp, "q.jsonl")
    for batch in (1, 3, 130):
        r = fit(image, "--sram-mib", 1, "--adapters", 0, "--sequences", batch)
        all_tokens = r["all_tokens"]
        with open(lines, "w") as f:
            for i in range(batch):
                f.write(json.dumps({"prompt": "Once", "raw": True, "n": 20, "id": str(i)}) + "\n")
            for n in (all_tokens - 1, all_tokens):
                f.write(json.dumps({"prompt": "Once", "raw": True, "n": n, "id": str(n)}) + "\n")
        p = subprocess.run([ROMA, "run", image, "--jsonl", lines, "-b", str(batch), "--sram-mib", "1"], capture_output=True, text=True)
        got = {g["id"]: g for g in map(json.loads, p.stdout.splitlines())}
        check(p.returncode == 2 and "error" not in got[str(all_tokens - 1)] and "error" in got[str(all_tokens)], f"{batch} at once: {p.stdout}")


# ---- output ----


def test_output(tmp):
    svg, table = os.path.join(tmp, "a.svg"), os.path.join(tmp, "a.csv")
    args = ["--shape", "llama-3.2-3b", "--adapters", "2,1,4", "--rank", "16,64", "--sequences", "1,3", "--svg", svg, "--csv", table]
    r = fit(*args)
    check(len(r["rows"]) == 12 and (r["adapters"], r["rank"], r["sequences"]) == (2, 16, 1), "the cases of the lists")
    for got in r["rows"]:
        one = fit("--shape", "llama-3.2-3b", "--adapters", got["adapters"], "--rank", got["rank"], "--sequences", got["sequences"])
        check(all(one[k] == got[k] for k in ("tokens", "tokens_paper", "all_tokens")), f"a row is not its own case: {got}")
    with open(table, newline="") as f:
        rows = list(csv.DictReader(f))
    check([int(x["tokens [tokens]"]) for x in rows] == [x["tokens"] for x in r["rows"]], "the CSV is not the table")
    texts = [t.firstChild.data for t in xml.dom.minidom.parse(svg).getElementsByTagName("text") if t.firstChild]
    check(all(any(w in t for t in texts) for w in ("rank", "2 adapters", "4 adapters", "the paper's count")), f"the picture lacks words: {texts}")
    text = run("fit", "--shape", "llama-3-8b")
    check("does not fit" in text and "tokens of a sequence" in text, "the text")
    check(len(list(csv.reader(io.StringIO(run("fit", "--shape", "llama-3-8b", "--csv", "-").split("\n\n")[0])))) > 10, "CSV on standard output")
    for bad, say in ((["--targets", "q,w"], "--targets takes"), (["--targets", ""], "--targets needs"), (["--rank", "513"], "--rank takes"),
                     (["--adapters", "1,,2"], "--adapters takes"), (["--sequences", "0"], "--sequences takes"), (["--lora-type", "f8"], "--lora-type"),
                     (["--json", "--csv", "-"], "standard output"), (["--sram-mib", "0"], "takes a"), (["--chip", "nothing"], "nothing"),
                     (["--set", "hunit.sram=1"], "granule"), (["--shape", "llama"], "there is no shape")):
        run("fit", "--shape", "llama-3.2-3b", *bad, code=2, say=say)
    run("fit", code=2, say="give an image or --shape")


with tempfile.TemporaryDirectory() as folder:
    tiny = os.path.join(folder, "tiny.roma")
    run("build", os.path.join(TOP, "models", "tiny", "tiny-q4.gguf"), "-o", tiny)
    test_counts(tiny)
    test_paper()
    test_runs(tiny, folder)
    test_batch(tiny, folder)
    test_output(folder)
finish()
