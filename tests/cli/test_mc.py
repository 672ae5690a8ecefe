#!/usr/bin/env python3
"""roma sim --mc and roma compare from outside: chips drawn here from docs/cost-model.md 6.1 and the second reader of chip files, each given to `roma sim` by --set; the
percentiles of what it says of them, and of their ratios, are those of --mc. Standard library only. usage: test_mc.py ROMA"""
import json
import math
import os
import subprocess
import sys

from shared import ROMA, TOP, check, finish, own_folder, run

sys.path.insert(0, os.path.join(TOP, "tests", "chip"))
import read_chip

M = 2**64 - 1


def mix(z):
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & M
    z = (z ^ z >> 27) * 0x94d049bb133111eb & M
    return z ^ z >> 31


def random(key, counter): return mix(mix(key) + (counter + 1) * 0x9e3779b97f4a7c15 & M)


def triangle(low, value, high, u):
    width = high - low
    return low + math.sqrt(u * width * (value - low)) if u * width < value - low else high - math.sqrt((1 - u) * width * (high - value))


def draws(chip, units, seed, n):
    """section.key -> value of draw n."""
    out = {}
    for name, (value, low, high, _, _) in chip.items():
        if low is None or low == high: continue
        key, value = seed, float(value)
        for byte in name.encode(): key = random(key, byte)
        u = (random(key, n) >> 11) / 2**53
        counts = units[name] == "cycle" or value == int(value) and low == int(low) and units[name] == ""
        out[name] = min(high, max(low, math.floor(triangle(low - .5, value, high + .5, u) + .5))) if counts else triangle(low, value, high, u)
    return out


OUTPUTS = {"tok_s": "time.tok_s", "ttft_ms": "time.ttft_s", "mj_per_token": "energy.mj_per_token", "prefill_mj": "energy.prefill_mj", "power_w": "power.power_w", "static_w": "power.static_w",
           "junction_c": "power.junction_c", "area_mm2": "area.area_mm2", "tokens": "fit.tokens", "yield": "cost.yield_repaired", "usd": "cost.usd"}


def sim(*args): return json.loads(run("sim", *args, "--no-ranges", "--json"))


def evaluated(sets, *args):
    """A drawn chip's outputs by quantity, or None where it is refused. Section supply counts for --dvfs alone, and 64 times --set are allowed."""
    r = subprocess.run([ROMA, "sim", *map(str, args), "--no-ranges", "--json", *(x for k, v in sets.items() if not k.startswith("supply.") for x in ("--set", f"{k}={v!r}"))], capture_output=True, text=True)
    if r.returncode: return None
    d = json.loads(r.stdout)
    return {q: d[o]["value"] * (1e3 if q == "ttft_ms" else 1) if d[o]["value"] is not None else math.inf for q, o in OUTPUTS.items()}


def rank(values, p): return sorted(values)[math.ceil(len(values) * p) - 1]


def test_second(chip, shape, n, *more):
    """Drawn twice: percentiles and their intervals, what is below, refused draws, chips that cannot work."""
    args = ["--shape", shape, "--chip", chip, *more]
    d = sim(*args, "--mc", n, "--seed", 2**64 - 5)
    units = {k[len("chip_parameters."):]: u for k, u in d["units"].items() if k.startswith("chip_parameters.")}
    own = read_chip.read(os.path.join(TOP, "chips", chip + ".chip"))
    cases = [evaluated(draws(own, units, 2**64 - 5, i), *args) for i in range(n)]
    found = [c for c in cases if c]
    about = d["mc_draws"]
    check((about["draws"], about["seed"], about["refused"]) == (n, 2**64 - 5, n - len(found)), f"{chip}: {about}, {len(found)} chips here")
    check(about["misfits"]["junction"] == sum(c["junction_c"] > 105 for c in found), f"{chip}: {about}")
    check(set(d["mc"]) == set(OUTPUTS), f"{chip}: quantities {set(d['mc'])}")
    for q, m in d["mc"].items():
        mine = [c[q] for c in found]
        for p in (5, 50, 95):
            at, off = len(mine) * p / 100, 1.96 * math.sqrt(len(mine) * p / 100 * (1 - p / 100))
            low, high = math.floor(at - off), math.ceil(at + off) + 1
            want = (rank(mine, p / 100), sorted(mine)[low - 1] if low >= 1 else None, sorted(mine)[high - 1] if high <= len(mine) else None)
            got = (m[f"p{p}"], m[f"p{p}_low"], m[f"p{p}_high"])
            same = all(a is b is None or a is not None and b is not None and abs(a - b) <= 1e-9 * abs(b) for a, b in zip(got, want))
            check(same, f"{chip}: {q} p{p} is {got}, here {want}")
        check(abs(m["below"] - sum(x < m["value"] * (1 - 1e-12) for x in mine) / len(mine)) < 1e-9, f"{chip}: below of {q}")
    return about["refused"]


def test_same():
    """The same for any number of threads, another for another seed; without ranges all of it is the chip's own."""
    args = ["--shape", "llama-3.2-1b", "--chip", "roma", "--mc", 300]
    one = run("sim", *args, "-t", 1, "--json")
    check(run("sim", *args, "-t", 5, "--json") == one, "five threads give others")
    check(run("sim", *args, "-t", 5, "--seed", 1, "--json") != one, "seed 1 gives the same")
    exact = sim("--shape", "llama-3.2-1b", "--chip", "exact.chip", "--mc", 20)
    check(all(m["p5"] == m["p50"] == m["p95"] == m["value"] for m in exact["mc"].values()) and exact["mc_draws"]["refused"] == 0, "an exact chip spreads")
    capped = sim("--shape", "llama-3.2-1b", "--mc", 50, "--max-w", 9, "--prompt", 0)["mc"]
    check("tok_s_capped" in capped and "ttft_ms" not in capped and "prefill_mj" not in capped, f"quantities of a cap without a prompt: {list(capped)}")
    text = run("sim", *args)
    check("300 draws of seed 0" in text and "cannot work, and count all the same: a junction too hot to last" in text, "the page of draws")
    text = run("sim", "--shape", "llama-2-7b", "--chip", "rcw-cim", "--mc", 200)
    check("of 200 draws are no chip and do not count, the first because hunit.bandwidth" in text, "the page of refused draws")


def test_compare(a, b, shape, n, *more):
    """Pairs drawn here, and which parameters are drawn how."""
    d = json.loads(run("compare", a, b, "--shape", shape, *more, "--mc", n, "--seed", 77, "--json"))
    check((d["a"], d["b"], d["draws_a"]["draws"], d["draws_b"]["seed"]) == (a, b, n, 77), f"{a}, {b}: {d['a']}, {d['b']}, {d['draws_a']}")
    units = {k[len("chip_parameters."):]: u for k, u in sim("--shape", shape, "--chip", a)["units"].items() if k.startswith("chip_parameters.")}
    own = [read_chip.read(os.path.join(TOP, "chips", chip + ".chip")) for chip in (a, b)]
    ranged = [{k: v[:3] for k, v in chip.items() if v[1] is not None and v[1] < v[2]} for chip in own]
    want = {"shared": [k for k in ranged[0] if k in ranged[1] and [float(x) for x in ranged[0][k]] == [float(x) for x in ranged[1][k]]], "only_a": [k for k in ranged[0] if k not in ranged[1]],
            "only_b": [k for k in ranged[1] if k not in ranged[0]]}
    want["same_share"] = [k for k in ranged[0] if k in ranged[1] and k not in want["shared"]]
    check({k: set(v) for k, v in d["pairing"].items()} == {k: set(v) for k, v in want.items()}, f"{a}, {b}: pairing {d['pairing']}")
    found = [[evaluated(draws(chip, units, 77, i), "--shape", shape, "--chip", name, *more) for i in range(n)] for name, chip in zip((a, b), own)]
    pairs = [(x, y) for x, y in zip(*found) if x and y]
    check((d["pairs"], d["draws_a"]["refused"], d["draws_b"]["refused"]) == (len(pairs), found[0].count(None), found[1].count(None)), f"{a}, {b}: {d['pairs']} pairs, {len(pairs)} here")
    check([q["name"] for q in d["quantities"]] == list(OUTPUTS), f"quantities {[q['name'] for q in d['quantities']]}")
    for q in d["quantities"]:
        ratios = [y[q["name"]] / x[q["name"]] for x, y in pairs] if q["unit"] != "C" else []
        for p in (5, 50, 95):
            got, mine = q[f"ratio_p{p}"], rank(ratios, p / 100) if ratios else None
            check(got is mine is None or abs(got - mine) <= 1e-9 * mine, f"{a}, {b}: {q['name']} ratio_p{p} is {got}, here {mine}")
        check(abs(q["b_less"] - sum(y[q["name"]] < x[q["name"]] * (1 - 1e-12) for x, y in pairs) / len(pairs)) < 1e-9, f"{a}, {b}: b_less of {q['name']}")
    one = {q["name"]: q for q in d["quantities"]}
    check(one["tok_s"]["a"] == sim("--shape", shape, "--chip", a, *more)["time.tok_s"]["value"] and one["usd"]["b"] == sim("--shape", shape, "--chip", b, *more)["cost.usd"]["value"], f"{a}, {b}: own values")


def test_compare_sets():
    """--set goes to both chips, A: and B: to one; the page has what JSON has; what is none is refused."""
    base = ["compare", "roma-contract", "roma-contract", "--shape", "llama-3.2-1b", "--mc", 30]
    rates = {}
    for name, sets in (("both", ["clock.frequency=4e8"]), ("a", ["A:clock.frequency=4e8"]), ("b", ["B:clock.frequency=4e8"]), ("each", ["A:clock.frequency=4e8", "B:clock.frequency=6e8"])):
        d = json.loads(run(*base, *(x for v in sets for x in ("--set", v)), "--json"))
        q = d["quantities"][0]
        rates[name] = q["ratio_p50"]
        check(q["name"] == "tok_s" and abs(q["b"] / q["a"] - q["ratio_p50"]) < 1e-12, f"{name}: {q}")
    check(all(abs(rates[k] - v) < 1e-9 for k, v in {"both": 1, "a": 1.25, "b": 0.8, "each": 1.5}.items()), f"rates {rates}")
    text = run(*base)
    check("30 pairs of draws of seed 0" in text and "drawn once for both:" in text and "A: roma-contract, B: roma-contract" in text, text)
    run("compare", "roma", "mini", code=2, say="--shape")
    run("compare", "roma", "--shape", "llama-3.2-1b", code=2)
    run("compare", "roma", "no-such", "--shape", "llama-3.2-1b", code=2, say="no-such")
    run("compare", "roma", "roma", "--shape", "no-such-9b", code=2, say="no-such-9b")
    for bad, say in ((["--set", "C:clock.frequency=4e8"], "C:clock"), (["--set", "A:lunit.lanes=7"], "lunit.lanes"), (["--mc", 0], "--mc"), (["--batch", 0], "--batch")): run(*base, *bad, code=2, say=say)


def alpha_power(c, volts):
    """The gates' highest clock at a supply (docs/cost-model.md 7.1)."""
    speed = lambda v: (v - c["supply.threshold"]) ** c["supply.alpha"] / v
    return c["supply.clock"] * speed(volts) / speed(c["supply.nominal"])


SWITCHED = ["energy." + k for k in "rom_bit logic_rom_bit lane_mac buffer_bit merge_add leaf sram_bit hunit_mac vector_op wire clock".split()]
# Delays over the supply, of third order, of 7 nm HP and LP: Stillmaker and Baas, Integration 58, 2017, table of coefficients
DELAY = {"HP": (-28.58, 76.6, -70.26, 24.69), "LP": (-61.79, 196.1, -210.3, 79.55)}


def test_dvfs():
    """Points by the document's formulas through --set; the curve beside the published delays; which point is which; refusals."""
    args = ["--shape", "llama-3.2-3b", "--chip", "roma-contract", "-c", 1024, "--max-w", 20]
    whole = sim(*args, "--dvfs")
    d, c = whole["dvfs"], whole["chip_parameters"]
    points, v0 = d["points"], c["supply.nominal"]
    check(len(points) == 19 and points[0]["v"] == c["supply.minimum"] and abs(points[-1]["v"] - c["supply.maximum"]) < 1e-12, "the supply's ends")
    for p in points[::6] + [d["as_is"], d["slow"]]:
        leaks = p["v"] / v0 * 10 ** ((p["v"] - v0) / c["supply.leak_decade"])
        sets = {**{k: c[k] * (p["v"] / v0) ** 2 for k in SWITCHED}, **{f"power.static_{k}": c[f"power.static_{k}"] * leaks for k in ("logic", "sram", "rom")}, "clock.frequency": p["f_hz"]}
        mine = evaluated(sets, *args)
        check(all(abs(p[k] - mine[k]) <= 1e-9 * mine[k] for k in ("tok_s", "ttft_ms", "mj_per_token", "power_w", "static_w", "junction_c")), f"at {p['v']} V: {p}, here {mine}")
    check(all(abs(p["f_hz"] - alpha_power(c, p["v"])) < 1e-9 * p["f_hz"] and p["f_low_hz"] <= p["f_hz"] <= p["f_high_hz"] for p in points), "clocks")
    check(d["least_energy"] == min(points, key=lambda p: p["mj_per_token"]), "the least energy")
    check(d["fastest"] == max((p for p in points if p["power_w"] <= 20 and p["junction_c"] <= 105), key=lambda p: p["tok_s"]) and any(p["power_w"] > 20 for p in points), "the fastest under the cap")
    check((d["as_is"]["v"], d["as_is"]["f_hz"], d["as_is"]["tok_s"]) == (v0, c["clock.frequency"], whole["time.tok_s"]["value"]), "as it is")
    slow = sim(*args, "--dvfs", "--set", "clock.frequency=7.5e8")["dvfs"]["slow"]
    check(c["supply.minimum"] < slow["v"] < v0 and abs(alpha_power(c, slow["v"]) / 7.5e8 - 1) < 1e-9, f"the lowest supply for 750 MHz: {slow}")
    hot = sim(*args[:4], "--dvfs", "--set", "clock.frequency=9e9", "--set", "power.ambient=104.9")["dvfs"]
    check(hot["fastest"] is None and hot["slow"] is None, f"too hot and too fast: {hot['fastest']}, {hot['slow']}")
    for name, curve, off in (("HP", c, 0.01), ("LP", {**c, "supply.threshold": 0.212, "supply.alpha": 2.19}, 0.05)):
        k = DELAY[name]
        delay = lambda v: ((k[0] * v + k[1]) * v + k[2]) * v + k[3]
        worst = max(abs(alpha_power(curve, v / 100) / alpha_power(curve, 0.7) * delay(v / 100) / delay(0.7) - 1) for v in range(50, 78))
        check(worst < off, f"{name}: {worst:.3f} off the published delays")
    text = run("sim", *args, "--dvfs")
    check("its clock: the chip's own at the lowest supply for it" in text and "within 105 C and 20 W" in text, "the table of supplies")
    run("sim", "--shape", "llama-2-7b", "--chip", "rcw-cim", "--dvfs", code=2, say="built in 22 nm")
    own = sim("--shape", "llama-2-7b", "--chip", "rcw-cim", "--dvfs", "--set", "supply.node=22")["dvfs"]
    check(len(own["points"]) == 19 and own["points"][0]["mj_per_token"] < own["points"][-1]["mj_per_token"], "a curve of its own")
    for bad in ("supply.minimum=0.71", "supply.maximum=0.6", "supply.threshold=0.5001"): run("sim", *args, "--dvfs", "--set", bad, code=2, say="supply.")


def test_refusals():
    base = ["sim", "--shape", "llama-3.2-1b"]
    for args, say in ((["--mc", 0], "--mc"), (["--mc", 1000001], "--mc"), (["--mc", "many"], "--mc"), (["--seed", 3], "--seed"), (["-t", 2], "--threads"), (["--mc", 10, "-t", 0], "--threads"),
                      (["--mc", 10, "--kv", "f16"], "f16")):
        run(*base, *args, code=2, say=say)


with own_folder():
    chip = read_chip.read(os.path.join(TOP, "chips", "roma-contract.chip"))
    sections = {}
    for name, (value, *_) in chip.items(): sections.setdefault(name.split(".")[0], []).append(f"{name.split('.')[1]} = {value} [exact]  # assumed: a test")
    with open("exact.chip", "w") as f: f.write("".join(f"[{s}]\n" + "\n".join(lines) + "\n" for s, lines in sections.items()))
    test_second("roma-contract", "llama-3.2-3b", 60, "-c", 1024)
    test_second("roma", "smollm2-135m", 40, "-b", 2, "--chips", 2)
    check(test_second("rcw-cim", "llama-2-7b", 60) > 0, "no draw of rcw-cim was refused")
    test_same()
    test_compare("roma-contract", "roma-better", "llama-3.2-3b", 30, "-c", 1024)
    test_compare("rcw-cim", "roma", "smollm2-135m", 30, "-b", 2)
    test_compare_sets()
    test_dvfs()
    test_refusals()
finish()
