#!/usr/bin/env python3
"""Second reader of placements, written from docs/placement.md alone: recomputes every line of `roma plan --place --json` for known shapes and the tiny model on
random chips, and holds plan, sim, fit, chip and explore to one number of ROM words and one of tokens. usage: read_place.py ROMA [--pairs N] [--seed S]"""
import csv
import json
import os
import random
import subprocess
import sys
import tempfile

roma, pairs, seed = sys.argv[1], 200, 1
for i, a in enumerate(sys.argv):
    if a == "--pairs": pairs = int(sys.argv[i + 1])
    if a == "--seed": seed = int(sys.argv[i + 1])
top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
checks = 0


def check(what, text):
    global checks
    checks += 1
    if not what: raise SystemExit(f"read_place: {text}")


def run(*args, codes=(0,)):
    p = subprocess.run([roma, *map(str, args)], capture_output=True, text=True)
    check(p.returncode in codes, f"{args}: exit {p.returncode}: {p.stderr}")
    return p.stdout


def up(n, d): return -(-n // d)


# ---- models: published shapes, and an image's own table ----

# layers, hidden, ffn, heads, KV heads, head width, vocabulary, tied, context, head norms, default bits and group
SHAPES = {"llama-3.2-1b": (16, 2048, 8192, 32, 8, 64, 128256, True, 131072, False, 4, 128), "llama-3.2-3b": (28, 3072, 8192, 24, 8, 128, 128256, True, 131072, False, 4, 128),
          "llama-3-8b": (32, 4096, 14336, 32, 8, 128, 128256, False, 8192, False, 2, 128), "llama-2-7b": (32, 4096, 11008, 32, 32, 128, 32000, False, 4096, False, 4, 128),
          "smollm2-135m": (30, 576, 1536, 9, 3, 64, 49152, True, 8192, False, 4, 64), "qwen3-0.6b": (28, 1024, 3072, 16, 8, 128, 151936, True, 40960, True, 4, 128),
          "bitnet-2b": (30, 2560, 6912, 20, 5, 128, 128256, True, 4096, False, 2, 128)}


class Model: pass


def shape_model(name, bits, group):
    m = Model()
    m.layers, h, f, m.heads, m.kv, m.dim, vocab, tied, m.context, head_norms, b, g = SHAPES[name]
    heads = m.heads
    m.bits, m.group = bits or b, group or g
    m.args = ["--shape", name] + (["--bits", bits] if bits else []) + (["--group", group] if group else [])
    m.space = ["--shape", name] + (["--set", f"model.bits={bits}"] if bits else []) + (["--set", f"model.group={group}"] if group else [])
    m.rope = m.dim
    m.shape = {"embed": (vocab, h), "head": (vocab, h), "q": (heads * m.dim, h), "k": (m.kv * m.dim, h), "v": (m.kv * m.dim, h), "o": (h, heads * m.dim),
               "gate": (f, h), "up": (f, h), "down": (h, f), "final_norm": (1, h), "attn_norm": (1, h), "ffn_norm": (1, h), "q_norm": (1, m.dim), "k_norm": (1, m.dim)}
    m.format = {r: (m.bits, 16 * (c // m.group), m.group, name == "bitnet-2b") for r, (_, c) in m.shape.items()}
    m.another, m.tied, m.linears = set(), tied, {r: m.shape[r] for r in ("q", "k", "v", "o", "gate", "up", "down")}
    return m


def tiny_model(image):
    told = json.loads(run("inspect", image, "--json"))
    m = Model()
    m.layers, m.kv, m.heads, m.dim, m.context, m.rope, m.args = told["layers"], told["kv_heads"], told["heads"], told["head_dim"], told["context"], told["rope_dim"], [image]
    m.space = [image]
    m.shape, m.format, m.another = {}, {}, {t["role"] for t in told["tensors"] if "tie" in t}
    for t in told["tensors"]:
        m.shape[t["role"]] = (t["rows"], t["cols"])
        if "group" in t: m.format[t["role"]] = (t["bits"], (32 if "min" in t["format"] else 16) * (t["cols"] // t["group"]), t["group"])
    m.tied, m.linears = "head" not in m.shape or "head" in m.another, {r: m.shape[r] for r in ("q", "k", "v", "o", "gate", "up", "down")}
    return m


VECTORS = ("final_norm", "attn_norm", "ffn_norm", "q_norm", "k_norm")

# ---- the page's rules ----


def parts(c): return c["K"] if c["dies"] == "tensor" else 1  # dies that share every matrix and head


def words(c, rows, cols, bits, z, group, ternary=False):
    """base-less: what the page says of a matrix"""
    g, b, N, U = c["L"] // 8, 1 if bits == 1 else 2 if bits == 2 else 4 if bits <= 4 else 8, c["N"], c["U"] * parts(c)
    r = g * up(rows, U * g)
    trits = ternary and bits == 2 and c["trits"]
    inputs, groups = 20 if trits else 32 // b, cols // group
    p = up(group, inputs)
    merged, leaves = min(N, p), g * up(N, p)
    own = c["port"] == "own"
    s = 0 if own else up(up(r * z, 4 * c["L"]), N)
    addresses = up(groups * p, N) if trits else up(cols * b, 32 * N)
    return {"words": s + r // g * addresses, "scale_words": s, "row_group_words": addresses, "unit_rows": r, "lane_bits": b, "word_inputs": inputs, "first_unit": 0, "last_unit": up(rows, r) - 1,
            "padded_rows": r * U - rows, "group_lunits": merged, "own_words": r // g * min(groups, addresses) if own else 0, "own_bits": up(leaves * z, groups) if own else 0}


def buffer(m, c):
    """inputs of the value that needs most; LINEARs that read one value with one b share them. The plan's values with codes: xn, on, gn"""
    reads = [("q", "k", "v", "gate", "up", "embed" if m.tied else "head"), ("o",), ("down",)]
    def need(roles):
        widths = {}
        for r in roles:
            w = words(c, *m.shape[r], *m.format[r])
            widths[w["word_inputs"]] = max(widths.get(w["word_inputs"], 0), w["row_group_words"] * w["word_inputs"])
        return sum(widths.values())
    return max(map(need, reads))


def die_of(m, c, role, layer):
    if c["dies"] == "tensor": return 0
    if layer is not None:
        return next(k for k in range(c["K"]) if m.layers * k // c["K"] <= layer < m.layers * (k + 1) // c["K"])
    return 0 if role == "embed" and not m.tied else c["K"] - 1


def placed(m, c, names):
    """name -> what the page says of it, in the order of the tensor table"""
    ends, vectors, own, bits, out = [0] * c["K"], [0] * c["K"], [0] * c["K"], 0, {}
    first = [m.layers * k // c["K"] for k in range(c["K"] + 1)]
    for k in range(c["K"]):
        if first[k] < first[k + 1]: vectors[k] = up(m.rope // 2, c["V"] * c["lanes"])
    for name in names:
        role, layer = (name.split(".")[1], int(name.split(".")[0])) if "." in name else (name, None)
        rows, cols = m.shape[role]
        if role in m.another or (role == "embed" and not m.tied and not c["embedding"]):
            out[name] = {"where": "nowhere"}
            continue
        die = die_of(m, c, role, layer)
        if role in VECTORS:
            n = up(cols, c["V"] * c["lanes"])
            out[name] = {"where": "vectors", "die": die, "base": vectors[die], "words": n}
            vectors[die] += n
            continue
        w = words(c, rows, cols, *m.format[role])
        out[name] = {"where": "lunits", "die": die, "base": ends[die], **w}
        ends[die] += w["words"]
        own[die] += w["own_words"]
        bits = max(bits, w["own_bits"])
    return out, {"rom_words": max(ends), "vector_words": max(vectors), "scale_words": max(own), "scale_bits": bits, "buffer_inputs": buffer(m, c)}


def lora_bytes(m, rank, count):
    """docs/adapter-format.md, int8 on all seven linears"""
    total = 0
    for rows, cols in m.linears.values():
        group = next(g for g in (256, 128, 64, 32) if cols % g == 0)
        a = up(rank, 16) * (up(16 * cols + cols // group * 32, 64) * 64 + 64)
        total += up(a + up(rows, 16) * 16 * (up(rank, 2) * 2 + 4), 64) * 64
    return count * m.layers * total if rank else 0


def fullest(m, c, first, end, pages):
    """Bytes of pages on the fullest H-Unit of a die, by counting. A layer's pages are those of one repeated in turns of P << k. Heads lie side by side, each on P units:
    those of the first one have the most heads."""
    U = c["U"] * parts(c)
    P, layers, k = max(1, U // m.kv), end - first, c["page_run"]
    heads = sum(h * P % U == 0 for h in range(m.kv))
    if c["pages"] != "whole": return heads * layers * up(32 * pages, P) * (64 * m.dim + 256) / 32
    turns, rest = divmod(pages, P << k)
    held = [0] * P
    for l in range(layers):
        for j in range(rest): held[((j >> k) + l * P // layers) % P] += 1
    return heads * (layers * (turns << k) + max(held)) * (64 * m.dim + 256)


def scores(m, c, positions, rows=1):
    U = c["U"] * parts(c)
    P, run = max(1, U // m.kv), 32 << c["page_run"]
    most = up(positions, P) if c["pages"] == "spread" else positions // (run * P) * run + min(run, positions % (run * P))
    return 4 * (m.heads // m.kv) * most * up(m.kv, U) * rows


def dies_of(m, c):
    if c["dies"] == "tensor": return [(0, m.layers)]
    spans = [(m.layers * k // c["K"], m.layers * (k + 1) // c["K"]) for k in range(c["K"])]
    return {e - f: (f, e) for f, e in spans if e > f}.values()  # those of as many layers are alike


def activations(m, batch):
    """docs/memory.md: FP32 rows padded to 16, codes with the bytes of their scales, every piece to 64; of as few rows as the page says"""
    piece = lambda n: up(n, 64) * 64
    h, q, kv, f = m.shape["embed"][1], m.shape["q"][0], m.shape["k"][0], m.shape["gate"][0]
    fp32 = sum(up(n, 16) * 64 for n in (h, h, q, q, kv, kv, f, f, m.rope))
    return min(512, max(16, batch)) * (fp32 + sum(piece(n) + 2 * piece(n // 2) + piece(n // 4) + piece(n // 8) for n in (h, q, f)))


def holds(m, c, pages, rank, count, batch, positions, rows):
    lora = lora_bytes(m, rank, count)
    if pages * m.layers * m.kv * (64 * m.dim + 256) + lora + max(0, activations(m, batch) - c["V"] * c["vsram"]) > c["K"] * c["U"] * c["sram"]: return False
    waiting = scores(m, c, positions, rows)
    return all((fullest(m, c, f, e, pages) + waiting) * c["U"] + lora * (e - f) / m.layers / parts(c) <= c["sram"] * c["U"] for f, e in dies_of(m, c))


def tokens(m, c, rank, count, batch=1):
    low, high = -1, 1 << 22
    while high - low > 1:
        mid = (low + high) // 2
        low, high = (mid, high) if holds(m, c, mid, rank, count, batch, 32 * mid, 1) else (low, mid)
    return max(0, low) * 32, low >= 0


# ---- random chips ----


def random_chip(rng):
    base = rng.choice(["roma", "roma-contract", "roma-contract", "roma-better"])
    U, columns = rng.choice([(8, 4), (32, 8), (64, 8), (128, 16), (256, 16), (512, 32), (12, 4), (96, 8)])
    V = columns
    c = {"base": base, "U": U, "V": V, "N": rng.choice([1, 2, 4, 8, 16, 32, 64, 128, 256]), "L": rng.choice([8, 16, 32, 64, 128]), "lanes": rng.choice([16, 64, 100, 128]),
         "sram": rng.choice([65536, 262144, 1179648, 1000000, 4194304, 9437184]), "pages": rng.choice(["whole", "whole", "spread"]), "embedding": rng.random() < 0.7,
         "K": rng.choice([1, 1, 1, 2, 3, 4, 5]), "port": rng.choice(["own", "own", "shared", "free"]), "page_run": rng.choice([0, 0, 0, 1, 3]),
         "dies": rng.choice(["pipeline", "pipeline", "tensor"]), "trits": rng.random() < 0.4, "vsram": rng.choice([1, 4096, 65536, 262144, 1048576, 8388608])}
    sets = {"grid.matrix_units": U, "grid.columns": columns, "grid.vector_units": V, "grid.rows": (U + V) // columns, "lunit.per_matrix_unit": c["N"], "lunit.lanes": c["L"],
            "vector.lanes": c["lanes"], "hunit.sram": c["sram"], "hunit.pages": c["pages"], "rom.embedding": "inside" if c["embedding"] else "outside",
            "vector.sram": c["vsram"], "lunit.trits": "on" if c["trits"] else "off", "cache.element": rng.choice([0.5, 1, 2]), "cache.scale": rng.choice([0, 2, 4]),
            "cache.granularity": rng.choice([1, 16, 32, 64]), "rom.scale_port": c["port"], "hunit.page_run": c["page_run"], "schedule.dies": c["dies"], "rom.depth": 16,
            "memory.sram_depth": 64, "schedule.block_rows": rng.choice([1, 8, 32])}
    if rng.random() < 0.08:
        sets |= {"rom.style": "dram", "dram.bandwidth": 1e11}
    return c, sets


def check_rest(m, c, place):
    """Values, pages and what the head of the table says"""
    shape, all_lanes = m.shape, c["V"] * c["lanes"]
    width = {"x": shape["embed"][1], "q": shape["q"][0], "k": shape["k"][0], "v": shape["v"][0], "o": shape["q"][0], "y": shape["o"][0], "g": shape["gate"][0], "u": shape["up"][0], "angles": m.rope}
    for v in place["values"]:
        want = ("vector units", 4 * (width[v["name"]] // all_lanes * c["lanes"] + min(c["lanes"], width[v["name"]] % all_lanes))) if v["name"] in width else \
            ("nowhere, running maximum" if v["name"] == "logits" else "matrix units, broadcast", 0)
        check((v["where"], v["row_bytes"]) == want, f"{v}, the page says {want}")
    check(set(width) < {v["name"] for v in place["values"]}, "values are missing")
    U = c["U"] * parts(c)
    P, firsts = max(1, U // m.kv), []
    for first, end in [(0, m.layers)] if c["dies"] == "tensor" else [(m.layers * k // c["K"], m.layers * (k + 1) // c["K"]) for k in range(c["K"])]:
        firsts += [l * P // (end - first) % P % U for l in range(end - first)]
    check((place["pages"], place["page_bytes"], place["page_units"], place["page_run"]) == (c["pages"], 64 * m.dim + 256, P, c["page_run"]), "pages")
    check(place["page_first"] == (firsts if c["pages"] == "whole" else []), f"first pages on {place['page_first']}, the page says {firsts}")
    check(place["rope_words"] == up(m.rope // 2, all_lanes), "RoPE increments")
    placed_bits = [(t, *shape[t["name"].split(".")[-1]]) for t in place["tensors"] if t["where"] == "lunits"]
    codes, room = sum(r * n * 32 / t["word_inputs"] for t, r, n in placed_bits), sum(t["words"] - t["scale_words"] for t, _, _ in placed_bits) * 4 * c["L"] * U * c["N"]
    check(abs(place["useful"] - codes / room) < 1e-6, f"{place['useful']} of the words are useful, the page says {codes / room}")


# what a model needs, and the key that says how much of it the chip has
KEY = {"rom_words": "lunit.words", "scale_words": "rom.scale_words", "scale_bits": "rom.scale_bits", "buffer_inputs": "lunit.buffer", "vector_words": "vector.rom_words"}
LEAST = {"rom_words": 1, "scale_words": 0, "scale_bits": 0, "buffer_inputs": 1, "vector_words": 0}


def set_args(sets): return [x for k, v in sets.items() for x in ("--set", f"{k}={v}")]


def explored(m, c, sets, beside, tmp):
    """What explore says of this one chip, with a ROM of the model's size; None: refused."""
    path = os.path.join(tmp, "one.csv")
    if os.path.exists(path): os.unlink(path)
    out = run("explore", *m.space, "--chip", c["base"], "--only", "--points", 1, *set_args(sets), *beside, "--prompt", 0, "--chips", c["K"], "--csv", path, codes=(0, 1))
    if not os.path.exists(path): return None
    with open(path, newline="") as f:
        row = list(csv.DictReader(f))[0]
    return {k.split(" ")[0]: v for k, v in row.items()}


def one_pair(rng, tiny, tmp, seen):
    c, sets = random_chip(rng)
    if rng.random() < 0.15:
        m = tiny_model(tiny)
    else:
        name = rng.choice([*SHAPES, "bitnet-2b", "bitnet-2b"])
        group = rng.choice([None, None, 32]) if name == "smollm2-135m" else rng.choice([None, None, 32, 64])
        m = shape_model(name, rng.choice([None, 1, 2, 3, 4, 5, 6, 8]), group)
    if c["dies"] == "tensor" and m.kv % c["K"]: c["K"], sets = 1, sets  # other shapes are refused
    rank, count, batch = rng.choice([0, 1, 8, 16, 16, 64]), rng.choice([1, 1, 2, 5]), rng.choice([1, 1, 1, 2, 7, 60, 200])
    beside = ["--rank", rank, *(["--adapters", count] if rank else [])]
    need = json.loads(run("plan", *m.args, "--chip", c["base"], *set_args(sets), "--chips", c["K"], "--place", "--json"))
    has = {KEY[k]: max(LEAST[k], need[k]) for k in KEY}
    short = rng.choice([None, None, None, *KEY])  # what the chip has too little of, if anything
    if short: has[KEY[short]] = max(LEAST[short], need[short] - rng.choice([1, 1, need[short] // 2]))
    if not short and rng.random() < 0.5: has[KEY["rom_words"]] += rng.choice([1, 1000])
    full = sets | has | {"rom.macro_words": max(16, has[KEY["rom_words"]])}
    chip = ["--chip", c["base"], *set_args(full)]
    place = json.loads(run("plan", *m.args, *chip, *beside, "--chips", c["K"], "--place", "--json"))
    mine, needs = placed(m, c, [t["name"] for t in place["tensors"]])
    for t in place["tensors"]:
        check(t == {"name": t["name"], **mine[t["name"]]}, f"{m.args} on {c}: {t}, the page says {mine[t['name']]}")
    for k, v in needs.items(): check(place[k] == v, f"{m.args} on {c}: {k} is {place[k]}, the page says {v}")
    rom_words = needs["rom_words"]
    check_rest(m, c, place)
    held, adapters_fit = tokens(m, c, rank, count, batch)
    each = held // 32 // batch * 32
    if held < tokens(m, c | {"vsram": 1 << 40}, rank, count)[0]: seen.add(("spilt", each > 0))
    streamed = ("rom_words", "scale_words", "scale_bits") if "rom.style" in sets else ()
    lacks = [k for k in KEY if needs[k] > has[KEY[k]] and k not in streamed]
    fits_rom = not lacks
    want = {"rom_words": rom_words, "tokens": min(held, batch * m.context), "fits_rom": fits_rom, "fits_sram": each > 0,
            "limited_by": "model" if held > batch * m.context else "sram"}
    seen.add((fits_rom, held > 0, held > m.context, adapters_fit))
    prompt = min(rng.choice([0, 0, 1, each // 2, max(0, each - 96), each]), m.context, 1 << 20)
    block = min(prompt, sets["schedule.block_rows"])
    prompt_fits = prompt <= each and holds(m, c, batch * up(prompt, 32), rank, count, batch, prompt, block)
    told = {"sim": json.loads(run("sim", *m.args, *chip, *beside, "--chips", c["K"], "--prompt", prompt, "--batch", batch, "--no-ranges", "--json")),
            "fit": json.loads(run("fit", *m.args, *chip, "--rank", rank, "--adapters", count, "--chips", c["K"], "--sequences", batch, "--json"))}
    if batch == 1:
        told |= {"plan": json.loads(run("plan", *m.args, *chip, *beside, "--chips", c["K"], "--json")), "plan --place": place}
    if rank == 16 and count == batch == 1: # as roma chip counts
        model = m.args if m.args[0] == "--shape" else ["--shape", *m.args]
        told["chip"] = json.loads(run("chip", c["base"], *set_args(full), *model, "--chips", c["K"], "--json"))
    for verb, d in told.items():
        for k, v in want.items():
            if verb == "fit" and k in ("tokens", "limited_by"): # of each sequence
                v = min(each, m.context) if k == "tokens" else "model" if each > m.context else "sram"
            if verb == "sim" and k == "fits_sram":
                v = v and prompt_fits
                seen.add(("prompt", prompt_fits, held > 0))
            check(d[k] == v, f"{verb} {m.args} on {c}, rank {rank} x {count}, batch {batch}: {k} is {d[k]}, the page says {v}")
        check((d["note"] == "") == d["fits_rom"], f"{verb}: note '{d['note']}', fits_rom {d['fits_rom']}")
        check(d["fits_rom"] or all(x in d["note"] for x in (f" {needs[lacks[0]]} ", f"has {has[KEY[lacks[0]]]} ", f"({KEY[lacks[0]]})")), f"{verb}: {d['note']}, though {lacks}")
        check(verb == "fit" and batch > 1 or d["tokens_paper"] == told["sim"]["tokens_paper"], f"{verb}: tokens_paper {d['tokens_paper']}")
    check(told["sim"]["fit.rom_words"]["value"] == rom_words and told["sim"]["fit.fits_rom"]["value"] == fits_rom and told["sim"]["fit.tokens"]["value"] == want["tokens"], "sim's list differs from its head")
    check(told["sim"]["fit.tokens_held"]["value"] == told["fit"]["all_tokens"] == held, f"sim and fit hold {told['fit']['all_tokens']} tokens, the page says {held}")
    row = explored(m, c, sets, [*beside, "--batch", batch], tmp)
    if row:
        seen.add("explored")
        check(int(row["rom_words"]) == rom_words == int(row["lunit.words"]) and float(row["tokens"]) == want["tokens"] and row["fits_rom"] == "1", f"explore: {row['rom_words']} words, {row['tokens']} tokens")
    return bool(row)


def main():
    rng, seen, rows = random.Random(seed), set(), 0
    with tempfile.TemporaryDirectory() as tmp:
        tiny = os.path.join(tmp, "tiny.roma")
        run("build", os.path.join(top, "models", "tiny", "tiny-q4.gguf"), "-o", tiny)
        c = {"U": 256, "V": 16, "N": 64, "L": 16, "lanes": 64, "sram": 1179648, "pages": "whole", "embedding": True, "K": 1, "port": "free", "page_run": 0, "dies": "pipeline", "vsram": 1048576, "trits": False}
        m = shape_model("llama-3.2-3b", 4, 128)
        check(tokens(m, c, 16, 1) == (4608, True) and words(c, 3072, 3072, 4, 384, 128)["words"] == 38 and words(c, 128256, 3072, 4, 384, 128)["words"] == 1554, "the page's own example")
        check(lora_bytes(m, 16, 1) / 256 // 1 == 107485, "an adapter's bytes")
        for _ in range(pairs): rows += one_pair(rng, tiny, tmp, seen)
    if pairs >= 100:
        check({("spilt", True), "explored", ("prompt", False, True), ("prompt", True, True)} <= seen and rows > pairs / 4 and {s[0] for s in seen if len(s) == 4} == {True, False} == {s[3] for s in seen if len(s) == 4}, f"the pairs are too much alike: {rows} explored, {seen}")
    print(f"read_place: {pairs} pairs, {rows} of them explored, {checks} checks, 0 failed")


main()
