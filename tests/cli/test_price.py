#!/usr/bin/env python3
"""roma price against docs/price.md, computed here from what roma sim says and the prices that it prints: every figure, several dies, every chip; ranges hold every
point that is drawn within those of chip and prices; HNLPU's NRE; what is set, read from a file and refused. Standard library only. usage: test_price.py ROMA"""
import csv
import io
import json
import math
import os
import random

from shared import TOP, check, finish, own_folder, run

INPUTS = {"A": "area.area_mm2", "Y": "cost.yield_repaired", "rate": "time.tok_s", "ttft": "time.ttft_s", "mj": "energy.mj_per_token",
          "prefill": "energy.prefill_mj", "leak": "power.static_w"}
SHAPE = ["--shape", "llama-3.2-3b"]


def price(*args):
    return json.loads(run("price", *args, "--json"))


def sim(*args):
    return json.loads(run("sim", *args, "--json"))


def over(a, b):
    return a / b if b > 0 else math.inf


def formulas(x, p, k, prompt, output, volume, wafer_mm, gb):
    """docs/price.md: x what the chip does, p the prices."""
    o = {}
    changed = min(p["mask.changed"], p["mask.count"])
    w = min(1, changed * p["mask.ratio"] / p["mask.count"])
    o["masks"], o["masks_changed"] = p["mask.count"] + (k - 1) * changed, k * changed
    o["mask_usd"] = p["mask.set"] * (1 + (k - 1) * w)
    o["design_usd"] = p["nre.design"]
    o["nre_usd"] = o["mask_usd"] + o["design_usd"]
    o["respin_usd"] = p["mask.set"] * k * w + p["nre.model"] if changed else 0
    a, d = (math.sqrt(x["A"] / k) + p["wafer.scribe"]) ** 2, wafer_mm - 2 * p["wafer.edge"]
    gross = o["gross_dies"] = max(0, math.floor(math.pi * d * d / 4 / a - math.pi * d / math.sqrt(2 * a)))
    passed = x["Y"] + (1 - x["Y"]) * (1 - p["test.coverage"])
    o["yield"], o["escapes"] = x["Y"], 1 - x["Y"] / passed
    q = (x["Y"] / passed * p["package.yield"]) ** k
    o["silicon_usd"] = over(k * over(x["wafer"], gross * passed), q)
    o["test_usd"] = p["test.tester"] * (k * p["test.sort"] / passed + p["test.final"]) / q
    o["package_usd"] = (p["package.base"] + p["package.area"] * x["A"]) / q
    o["usd_per_chip"] = o["silicon_usd"] + o["test_usd"] + o["package_usd"]
    o["board_usd"] = p["board.chip"] + p["board.dram"] * gb
    s = o["served_tok_s"] = 1 / (x["ttft"] / output + 1 / x["rate"])
    life = o["mtokens_life"] = s * p["use.busy"] * p["use.years"] * 365.25 * 86400 / 1e6
    joule = x["mj"] / 1000 + x["prefill"] / 1000 / output + x["leak"] * (1 / p["use.busy"] - 1) / s
    o["kwh_per_mtoken"] = 1e6 * joule / 3.6e6 * p["use.overhead"]
    o["usd_power"] = o["kwh_per_mtoken"] * p["use.kwh"]
    o["usd_chip"] = (o["usd_per_chip"] + o["board_usd"]) / life
    o["usd_nre"] = o["nre_usd"] / volume / life
    o["usd_per_mtoken"] = o["usd_power"] + o["usd_chip"] + o["usd_nre"]
    o["rent_usd_per_mtoken"] = p["rent.output"] + p["rent.input"] * prompt / output
    gain = o["gain_usd"] = life * (o["rent_usd_per_mtoken"] - o["usd_power"]) - o["usd_per_chip"] - o["board_usd"]
    for name, spent in (("break_even_chips", "nre_usd"), ("break_even_respin", "respin_usd")):
        o[name] = max(1, math.ceil(o[spent] / gain)) if gain > 0 else math.inf
    return o


def near(a, b, rel=1e-8):
    return a == b or abs(a - b) <= rel * max(abs(a), abs(b))


def end(v, which):
    return {0: v["low"], 1: v["value"], 2: v["high"]}[which]


def inputs(s, which):
    """What the chip does at the ends that which() draws; of a null the value is infinite."""
    x = {k: end(s[name], which()) for k, name in INPUTS.items()}
    return x


def recompute(d, s, wafer, which=lambda: 1, fraction=None):
    x = inputs(s, which)
    x["wafer"] = end(wafer, which())
    p = {k: end(v, which()) for k, v in d["prices"].items()}
    if fraction:  # a point within the ranges
        x = {k: end(s[n], 0) + fraction() * (end(s[n], 2) - end(s[n], 0)) for k, n in INPUTS.items()}
        x["wafer"] = wafer["low"] + fraction() * (wafer["high"] - wafer["low"])
        p = {k: v["low"] + fraction() * (v["high"] - v["low"]) for k, v in d["prices"].items()}
    c = d["chip_parameters"]
    gb = s["fit.rom_bytes"]["value"] / 1e9 if c["rom.style"] == "dram" else 0
    return formulas(x, p, d["dies"], d["workload"]["prompt"], d["output"], d["volume"], c["yield.wafer_diameter"], gb)


def wafer_of(chip):
    """Value and range of the chip's wafer, out of the file that roma chip --write prints."""
    for line in run("chip", chip, "--write").splitlines():
        if line.startswith("wafer_cost"):
            value = line.split("=")[1].split("[")[0]
            low, high = line.split("[")[1].split("]")[0].split("..") if ".." in line.split("#")[0] else (value, value)
            return {"value": float(value), "low": float(low), "high": float(high)}
    raise SystemExit("no wafer_cost")


def test_figures():
    rng = random.Random(5)
    for chip, prompt, output, batch, dies in (("roma", 256, 256, 1, 1), ("roma-contract", 64, 300, 4, 1), ("roma-better", 1000, 3, 1, 1),
                                              ("roma-contract", 0, 100, 1, 3), ("rcw-cim", 16, 16, 1, 1), ("roma-sram", 256, 512, 1, 4)):
        work = ["--prompt", prompt, "--batch", batch, "--chips", dies, "--chip", chip]
        d = price(*SHAPE, *work, "--output", output, "--volume", "2e4")
        s = sim(*SHAPE, *work, "--context", prompt + output // 2)
        wafer = wafer_of(chip)
        want = recompute(d, s, wafer)
        for k, v in want.items():
            got = d[k] if d[k] is not None else math.inf
            check(near(got, v) or "break" in k and abs(got - v) <= 1, f"{chip} {dies} dies: {k} is {d[k]}, not {v}")
        check(set(want) == {k.split(".")[1] for k in d if k.split(".")[0] in ("nre", "chip", "tokens", "rent") and "." in k}, "figures without a formula here")
        for trial in range(200):
            ends = trial % 2 == 0
            point = recompute(d, s, wafer, which=lambda: rng.choice((0, 2))) if ends else recompute(d, s, wafer, fraction=rng.random)
            for k, v in point.items():
                item = next(d[g + "." + k] for g in ("nre", "chip", "tokens", "rent") if g + "." + k in d)
                low, high = (math.inf if item[e] is None else item[e] for e in ("low", "high"))
                check(low <= v * (1 + 1e-8) and v <= high * (1 + 1e-8), f"{chip}: {k} = {v} lies outside [{low} .. {high}]")


def test_hnlpu():
    """arXiv 2508.16151: 16 dies at 5 nm of 70 masks, 10 of them unlike; design and masks 59.46 to 123.5 M USD."""
    d = price(*SHAPE, "--chip", "roma-rom", "--set", "technology.node=5", "--set", "yield.wafer_cost=16988", "--chips", 16, "--price", "mask.changed=10")
    check(d["prices"]["mask.count"]["value"] == 70 and d["masks"] == 220 and d["masks_changed"] == 160 and not [w for w in d["warnings"] if "wafer" in w], "masks of HNLPU")
    check(d["nre.nre_usd"]["low"] < 59.46e6 and d["nre.nre_usd"]["high"] > 123.5e6 and 59.46e6 < d["nre_usd"] < 1.1 * 123.5e6, f"NRE {d['nre_usd']}")
    check(18.5e6 < d["respin_usd"] < 37e6, f"re-spin {d['respin_usd']}")
    with open(os.path.join(TOP, "docs", "price.md")) as f:
        page = f.read()
    for what in ("nre.nre_usd", "nre.respin_usd"):
        said = "%.0f M [%.0f .. %.0f]" % tuple(d[what][e] / 1e6 for e in ("value", "low", "high"))
        check(said in page, f"docs/price.md does not say {what} as {said}")


def test_styles():
    changed = {c: price(*SHAPE, "--chip", c, "--no-ranges")["masks_changed"] for c in ("roma-rom", "roma-brom", "roma-sram", "roma-better", "rcw-cim", "bitrom")}
    check(changed == {"roma-rom": 1, "roma-brom": 2, "roma-sram": 0, "roma-better": 65, "rcw-cim": 0, "bitrom": 3}, f"masks that a model changes: {changed}")
    d = {c: price(*SHAPE, "--chip", c, "--no-ranges") for c in ("roma-rom", "roma-sram", "roma-better")}
    check(d["roma-sram"]["respin_usd"] == 0 and d["roma-better"]["respin_usd"] > 10 * d["roma-rom"]["respin_usd"] > 0, "another model's price by style")


def test_prices():
    with own_folder():
        with open("mine.price", "w") as f:
            f.write(run("price", "--chip", "roma-contract", "--list"))
        a, b = price(*SHAPE, "--chip", "roma-contract"), price(*SHAPE, "--chip", "roma-contract", "--prices", "mine.price")
        check(a == b, "the list read again gives another answer")
        with open("two.price", "w") as f:
            f.write("; mine\nuse.kwh = 0.5 [0.4 .. 0.6]  # measured: my bill\r\n\nrent.input = 0 [exact]  # stated: free")
        c = price(*SHAPE, "--prices", "two.price", "--price", "rent.input=7", "--price", "mask.set = 5e6 [4e6 .. 6e6]")["prices"]
        check((c["use.kwh"]["value"], c["use.kwh"]["high"], c["use.kwh"]["quality"], c["use.kwh"]["source"]) == (0.5, 0.6, "measured", "my bill"), f"{c['use.kwh']}")
        check(c["rent.input"]["value"] == c["rent.input"]["low"] == 7 and c["mask.set"]["high"] == 6e6, "overrides behind the file")
        for text, say in (("use.kwh = 0.5  # assumed: x", "use.kwh has no range"), ("use.kwh = 0.5 [exact]", "needs its source"), ("use.kwh = 0.5 [1 .. 2]  # assumed: x", "must lie in its range"),
                          ("\nuse.kw = 1 [exact] # assumed: x", "line 2: no price 'use.kw'; did you mean use.kwh?"), ("what", "'what' is no price"), ("use.kwh = x [exact] # assumed: y", "'x' is not a decimal number"),
                          ("use.kwh = 99 [exact] # assumed: y", "out of bounds"), ("use.kwh = 1 [2] # assumed: y", "a range is [low .. high]"), ("use.kwh = 1 [exact # assumed: y", "ends with ']'"),
                          ("# = 1", "is no price"), ("use.kwh = 1 [exact] # guessed: y", "needs its source")):
            with open("mine.price", "w") as f:
                f.write(text)
            run("price", *SHAPE, "--prices", "mine.price", code=2, say=say)
    for bad, say in ((["--price", "use.busy=0"], "use.busy: 0 is out of bounds"), (["--price", "x"], "'x' is no price"), (["--volume", "0.5"], "volume must be 1 to 1e12"), (["--volume", "x"], "--volume takes a number"),
                     (["--against", "nochip"], "nochip"), (["--list"], "belongs to an answer"), (["--json", "--csv", "-"], "both want")):
        run("price", *SHAPE, *bad, code=2, say=say)
    run("price", code=2, say="give an image or --shape")


def test_against():
    a = price(*SHAPE, "--chip", "roma-rom", "--against", "roma-sram", "--chips", 1)
    b = price(*SHAPE, "--chip", "roma-sram")
    check(near(a["rent_usd_per_mtoken"], b["usd_per_mtoken"]) and near(a["rent.rent_usd_per_mtoken"]["low"], b["tokens.usd_per_mtoken"]["low"]), "the other chip's price")
    check(any("the other chip, roma-sram" in w for w in price(*SHAPE, "--bits", 8, "--against", "roma-sram", "--no-ranges")["warnings"]), "the other chip's doubts")
    own = price(*SHAPE, "--chip", "roma-rom", "--against", "rcw-cim", "--price", "mask.set=1", "--price", "nre.design=1", "--price", "use.kwh=0.2", "--no-ranges")
    cim = price(*SHAPE, "--chip", "rcw-cim", "--price", "use.kwh=0.2", "--no-ranges")
    check(own["nre_usd"] == 2 and own["against"] == "rcw-cim" and cim["against"] is None and near(own["rent_usd_per_mtoken"], cim["usd_per_mtoken"]), "masks of one chip, energy of both")
    run("price", *SHAPE, "--against", "roma-sram", "--price", "rent.output=1", code=2, say="beside --against the other chip sets it")
    never = price(*SHAPE, "--price", "rent.output=0", "--price", "rent.input=0", "--no-ranges")
    check(never["break_even_chips"] is None and never["rent.break_even_chips"]["value"] is None, "cheaper than free")


def test_wafer():
    say = "a wafer of 3 nm costs about 20000"
    for verb in (["price", "--no-ranges"], ["sim", "--no-ranges"]):
        check(any(say in w for w in json.loads(run(*verb, *SHAPE, "--set", "technology.node=3", "--json"))["warnings"]), f"{verb[0]}: a price of another node")
    for chip in run("chip", "--list").splitlines():
        check(not [w for w in sim(*SHAPE, "--chip", chip.split()[0], "--no-ranges")["warnings"] if "wafer" in w], f"{chip}: the price of another node's wafer")


def test_files():
    rows = list(csv.DictReader(io.StringIO(run("price", *SHAPE, "--csv", "-").split("\nllama")[0])))
    check(len(rows) > 20 and {"name", "value", "low", "high"} <= set(rows[0]), "CSV")


for test in (test_figures, test_hnlpu, test_styles, test_prices, test_against, test_wafer, test_files):
    test()
finish()
