#!/usr/bin/env python3
"""Formats of the cache (docs/numerics.md 4.7): each has its own bits, whatever runs beside and however it is cut; saved caches, budgets and refusals know them.

usage: test_kv.py ROMA

Needs Python alone.
"""
import json
import os
import re
import sys

from shared import TINY, TOP, check, finish, output, own_folder, run

sys.path.insert(0, os.path.join(TOP, "tests", "exec"))
from read_cache import read as read_cache  # noqa: E402

BYTES = {"int8": (1, 1), "f16": (2, 2), "fp8": (1, 1), "int4": (1, 0.5)}  # of a code of keys, of values
STORY = "Once upon a time there was a little dog. The dog liked to play. One day the dog went to the park. "


def test_bits():
    """Alone, in batches, in pieces, with proposals, with a common beginning, with few pages: the same hash of all logits; another one for each format."""
    prompts = [STORY * 2 + end for end in ("The dog", "The cat", "Then")] + ["One two three. " * 6, "Who are you?"]
    with open("p.jsonl", "w") as f:
        for i, p in enumerate(prompts):
            f.write(json.dumps({"prompt": p, "raw": True, "n": 40, "id": i, **({"temp": 0.8, "seed": 3} if i % 2 else {})}) + "\n")
    hashes = set()
    for kv in BYTES:
        def batch(*more):
            return output("run", "t.roma", "--jsonl", "p.jsonl", "--hash", "--kv", kv, *more)
        want = batch("-b", "1", "-t", "1", "--spec", "off")
        for how in (["-b", "3", "--rows", "7", "-t", "2"], ["-b", "5", "--isa", "scalar", "-t", "3"], ["-b", "5", "--sram-mib", "2", "--ctx", "256"]):
            check(batch(*how) == want, f"{kv}: {how} answers otherwise")
        hashes.add(json.loads(want.splitlines()[0])["hash"])
        alone = json.loads(output("run", "t.roma", "--raw", "-p", prompts[0], "-n", "40", "--temp", "0.0", "--json", "--hash", "--kv", kv))
        check(alone["kv"] == kv, "the format is told")
    check(len(hashes) == len(BYTES), "each format has bits of its own")
    check(output("run", "t.roma", "--jsonl", "p.jsonl", "--hash") == output("run", "t.roma", "--jsonl", "p.jsonl", "--hash", "--kv", "int8"), "int8 is the default")


def chat(kv, lines, code=0):
    return run("chat", "t.roma", "--kv", kv, "-n", "12", "--temp", "0", code=code, input="".join(x + "\n" for x in lines))


def test_saved():
    """/save and /load go on as if nothing had been; the file says its format, and the second reader reads it; other formats are refused, and the conversation stays."""
    for kv in BYTES:
        whole = chat(kv, ["Who are you?", f"/save {kv}.roma", "And then?"])
        check(read_cache(kv + ".roma")["form"] == kv, f"{kv}: the second reader")
        again = chat(kv, [f"/load {kv}.roma", "And then?"])
        check(again.splitlines()[-1] == whole.splitlines()[-1], f"{kv}: goes on otherwise: {again!r} {whole!r}")
        for other in BYTES:
            if other != kv:
                p = run("chat", "t.roma", "--kv", other, "-n", "4", say=f"this cache is of the format {kv}, in use is {other}", input=f"/load {kv}.roma\n")
                check("the cache" not in p, "nothing was loaded")
    int8, fp8, f16, int4 = (read_cache(k + ".roma") for k in ("int8", "fp8", "f16", "int4"))
    n = 20
    for part in ("keys", "values"):
        def far(a, b, part=part):
            return max(abs(x - y) for p in range(n) for x, y in zip(a[part][0][0][p], b[part][0][0][p])) / max(abs(x) for p in range(n) for x in b[part][0][0][p])
        check(0 < far(int8, f16) < 1 / 200 and 0 < far(fp8, f16) < 1 / 15, f"{part} of the first layer: {far(int8, f16)} {far(fp8, f16)}")
    check(far(int4, f16, "keys") < 1 / 200 and 1 / 200 < far(int4, f16, "values") < 1 / 12, f"int4's keys and values: {far(int4, f16, 'keys')} {far(int4, f16, 'values')}")


def test_budget():
    """fit, --sram-mib and a chip count the bytes of the format."""
    for kv, (k, v) in BYTES.items():
        page = 3 * 2 * int(32 * 32 * (k + v) + 256)
        for limit in (["--sram-mib", "3"], ["--chip", "mini"], ["--chip", "roma"]):
            fit = json.loads(output("fit", "t.roma", "--kv", kv, "--adapters", "0", *limit, "--json"))
            check(fit["kv"] == kv and fit["kv_bytes_per_token"] * 32 == page, f"{kv} {limit}: {fit['kv_bytes_per_token']} bytes a token")
        fit = json.loads(output("fit", "t.roma", "--kv", kv, "--adapters", "0", "--rows", "128", "--sram-mib", "2", "--json"))
        told = run("run", "t.roma", "--raw", "-p", "x", "-n", "1", "-q", "--kv", kv, "--sram-mib", "2", "--ctx", "512", code=0 if fit["tokens"] >= 512 else 2)
        check(told is not None, "runs what fit says")
    rows = json.loads(output("bench", "t.roma", "-p", "16", "-n", "4", "-d", "64", "--kv", "f16", "--json"))["rows"]
    check(len(rows) == 2, "bench takes it")
    held = {kv: json.loads(output("fit", "--shape", "llama-3.2-3b", "--kv", kv, "--json"))["tokens"] for kv in BYTES}
    check(held["int8"] == held["fp8"] and 0.5 * held["int8"] < held["f16"] < 0.53 * held["int8"] or held["f16"] == 0, f"a chip's pages: {held}")


def test_refused():
    """Unknown names, and formats that no gates have."""
    for verb in (["run", "t.roma", "-p", "x"], ["chat", "t.roma"], ["eval", "t.roma", "-f", __file__], ["bench", "t.roma"], ["fit", "t.roma"], ["sim", "t.roma"], ["plan", "t.roma", "--place"], ["explore", "t.roma"], ["serve", "t.roma", "--port", "0"]):
        run(*verb, "--kv", "int5", code=2, say="int8, f16, fp8, int4", input="")
    for kv in ("f16", "fp8", "int4", "int5"):
        run("cosim", "--kv", kv, code=2, say=f"--kv: H-Units in Verilog have int8 and no other format, not '{kv}'")
        run("rtl", "--chip", "mini", "--image", "t.roma", "-o", "x", "--kv", kv, code=2, say=f"--kv: H-Units in Verilog have int8 and no other format, not '{kv}'")
    run("rtl", "--rom", "0.down", "--image", "t.roma", "-o", "x", "--kv", "int8")


def test_chip():
    """sim, explore and plan count int4's bytes, time and energy; of floats plan counts bytes, and the others refuse them by name."""
    def sim(kv, *more):
        return json.loads(output("sim", "--shape", "llama-3.2-3b", "--chip", "roma-contract", "--context", "4000", "--no-ranges", "--json", "--kv", kv, *more))
    int8, int4 = sim("int8"), sim("int4")
    check(output("sim", "--shape", "llama-3.2-1b", "--no-ranges") == output("sim", "--shape", "llama-3.2-1b", "--no-ranges", "--kv", "int8"), "int8 is the default")
    check(int4["workload"]["kv"] == "int4" and int8["workload"]["kv"] == "int8", "the format is told")
    for name, want in (("kv_bytes_per_token", 28 * 8 * (1.5 * 128 + 8)), ("tokens", json.loads(output("fit", "--shape", "llama-3.2-3b", "--chip", "roma-contract", "--kv", "int4", "--rank", "16",
                                                                                                   "--adapters", "1", "--json"))["tokens"])):
        check(int4["fit." + name]["value"] == want, f"{name}: {int4['fit.' + name]['value']}, not {want}")
    check(int4["cycles"] < int8["cycles"] and int4["energy.mj_sram"]["value"] < 0.85 * int8["energy.mj_sram"]["value"], "values of 4 bits are read sooner")
    for name in ("area.area_mm2", "energy.mj_hmac", "energy.mj_rom"):
        check(int4[name]["value"] == int8[name]["value"], name)
    for kv in ("f16", "fp8"):
        for verb in (["sim"], ["explore", "-n", "5"]):
            run(*verb, "--shape", "llama-3.2-3b", "--kv", kv, code=2, say=f"add up integers and have no {kv}")
    pages = {kv: json.loads(output("plan", "--shape", "llama-3.2-3b", "--place", "--json", "--kv", kv)) for kv in BYTES}
    for kv, (k, v) in BYTES.items():
        check(pages[kv]["kv"] == kv and pages[kv]["page_bytes"] == 32 * (128 * (k + v) + 8), f"{kv}: a page of {pages[kv]['page_bytes']} bytes")
    found = {kv: json.loads(output("explore", "--shape", "llama-3.2-1b", "-n", "40", "--min-context", "8192", "--kv", kv, "--json")) for kv in ("int8", "int4")}
    check(found["int4"]["kv"] == "int4" and found["int8"]["refused"].get("context", 0) + found["int8"]["refused"].get("sram", 0)
          > found["int4"]["refused"].get("context", 0) + found["int4"]["refused"].get("sram", 0), "more chips hold so many tokens in 4 bits")
    # What a run says of the chip is with its own cache, or says so.
    told = {kv: json.loads(output("run", "t.roma", "--raw", "-p", STORY * 4, "-n", "8", "--chip", "mini", "--json", "--kv", kv))["chip"] for kv in BYTES}
    check([told[kv]["kv"] for kv in BYTES] == ["int8", "int8", "int8", "int4"], f"the chip's format: {told}")
    check(told["int4"]["mj_per_token"] < told["int8"]["mj_per_token"] == told["f16"]["mj_per_token"] == told["fp8"]["mj_per_token"], "energy of the run")
    run("run", "t.roma", "--raw", "-p", "x", "-n", "1", "--chip", "mini", "--kv", "f16", say="with a cache of int8 there: H-Units have no f16")


def test_trace():
    """Records of the cache have codes of the format's width, and what values they stand for is near int8's."""
    for kv, (k, v) in BYTES.items():
        run("run", "t.roma", "--raw", "-p", "Once upon", "-n", "1", "-q", "--kv", kv, "--trace-values", "x.trace", "--trace-full")
        with open("x.trace") as f:
            first, *records = map(json.loads, f)
        check(first.get("kv", "int8") == kv, f"{kv}: the first line")
        for part, size in (("keys", k), ("values", max(1, v))):
            r = next(r for r in records if r["part"] == part)
            check(len(r["data"]) == 2 * r["rows"] * (size * r["width"] + 8) and re.fullmatch("[0-9a-fA-F]+", r["data"]), f"{kv}: bytes of {part}")
        os.remove("x.trace")


with own_folder():
    output("build", TINY, "-o", "t.roma")
    for test in (test_bits, test_saved, test_budget, test_refused, test_chip, test_trace):
        test()
finish()
