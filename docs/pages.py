#!/usr/bin/env python3
"""usage: docs/pages.py ROMA [--check]

Writes the headline pages docs/llama-3.2-3b-4bit.md and docs/llama-3-8b-2bit.md and their pictures from `roma sim`; with --check only
says whether the pages are what the program would write now.
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CHIPS = ["roma", "roma-macro", "roma-contract"]
CONTEXTS = [0, 512, 1024, 2048, 4096]
PROMPTS = [256, 1024, 4096]


def sim(roma, shape, chip, *args, ranges=False):
    line = [roma, "sim", "--shape", shape, "--chip", chip, "--json", *map(str, args)]
    return json.loads(subprocess.check_output(line if ranges else line + ["--no-ranges"]))


def value(result, name):
    return result[name]["value"]


def digits3(v):
    """Three significant digits, thousands separated."""
    return f"{float(f'{v:.3g}'):,.0f}" if abs(v) >= 100 else f"{v:.3g}"


def with_range(result, name, scale=1):
    low, mid, high = (digits3(result[name][k] * scale) for k in ("low", "value", "high"))
    return mid if low == high else f"{mid} ({low} .. {high})"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, r)) + " |" for r in rows]) + "\n"


def figures(roma, shape, dies):
    """The table of a page: one column a chip."""
    full = {c: sim(roma, shape, c, "--chips", dies, ranges=True) for c in CHIPS}
    at = {(c, n): sim(roma, shape, c, "--chips", dies, "--context", n) for c in CHIPS for n in CONTEXTS}
    first = {(c, n): sim(roma, shape, c, "--chips", dies, "--prompt", n) for c in CHIPS for n in PROMPTS}
    rows = [[f"decode, {n} tokens cached, tokens/s"] + [f"{value(at[c, n], 'time.tok_s'):,.0f}" for c in CHIPS] for n in CONTEXTS]
    rows += [[f"time to first token, {n} tokens, ms"] + [f"{value(first[c, n], 'time.ttft_s') * 1e3:.2f}" for c in CHIPS] for n in PROMPTS]
    for name, key, scale in [("die area, all dies, mm²", "area.area_mm2", 1), ("of it L-Units, mm²", "area.area_lunits", 1),
                             ("power at full rate, W", "power.power_w", 1), ("energy per token at full rate, mJ", "energy.mj_per_token", 1),
                             ("at 100 tokens/s, mJ", "energy.mj_at_100", 1), ("at 20 tokens/s, mJ", "energy.mj_at_20", 1),
                             ("at 5 tokens/s, mJ", "energy.mj_at_5", 1), ("power density, W/mm²", "power.w_mm2", 1),
                             ("yield without repair, %", "cost.yield", 100), ("cost of good dies, USD", "cost.usd", 1)]:
        rows.append([name] + [with_range(full[c], key, scale) for c in CHIPS])
    rows.append(["base model / ROM, GB"] + [f"{value(full[c], 'fit.rom_bytes') / 1e9:.3f} / {value(full[c], 'fit.rom_capacity') / 1e9:.3f}" for c in CHIPS])
    rows.append(["tokens of cache beside one adapter"] + [f"{value(full[c], 'fit.tokens'):,.0f}" for c in CHIPS])
    return table([""] + CHIPS, rows), full


def gating(roma, shape, dies):
    """What a device pays that decodes slowly, and what gating saves of it."""
    rows = []
    for name, settings in [("as it is", []), ("`rom.gated`", ["rom.gated=on"]), ("`rom.gated`, `power.idle_gated`", ["rom.gated=on", "power.idle_gated=on"])]:
        r = sim(roma, shape, "roma", "--chips", dies, *[a for s in settings for a in ("--set", s)])
        rows.append([name] + [digits3(value(r, "energy." + k)) for k in ("mj_at_5", "mj_at_20", "mj_at_100", "mj_per_token")] + [digits3(value(r, "power.static_w"))])
    return table(["mJ per token at", "5 tokens/s", "20 tokens/s", "100 tokens/s", "full rate", "leakage while decoding, W"], rows)


def pictures(roma, shape, name, dies):
    path = lambda kind: os.path.join(HERE, "images", f"{name}-{kind}.svg")
    subprocess.check_call([roma, "sim", "--shape", shape, "--chips", str(dies), "--no-ranges", "--prompt", "1024", "--curve", path("context"), "--floorplan", path("floorplan"),
                           "--roofline", path("roofline")], stdout=subprocess.DEVNULL)
    return (f"![decode rate over the context](images/{name}-context.svg)\n\n![floorplan by power](images/{name}-floorplan.svg)\n\n"
            f"![roofline](images/{name}-roofline.svg)\n")


def critical_path(roma, shape, dies):
    rows = {}
    for c in ("roma", "roma-contract"):
        for r in sim(roma, shape, c, "--chips", dies, "--path", "--context", 1024)["path"]:
            rows.setdefault(r["operation"], {})[c] = r["cycles"]
    return table(["operation", "roma", "roma-contract"],
                 [[op, f"{v.get('roma', 0):,.0f}", f"{v.get('roma-contract', 0):,.0f}"] for op, v in rows.items()])


HEAD = """# {title}

One adapter of rank 16 on all seven linears. Made by `docs/pages.py` from `roma sim`; do not edit by hand. `roma` is the paper's chip with the
constants that were fitted to its numbers, `roma-macro` the same under the other reading of its L-Unit areas, `roma-contract` the same
organisation with the latencies of this project's arithmetic and nothing fitted. Ranges are what the uncertainty of the chip's constants
leaves ([cost-model.md](cost-model.md), [chip-format.md](chip-format.md)).

"""


def page_3b(roma):
    shape, name = "llama-3.2-3b", "llama-3.2-3b-4bit"
    figs, full = figures(roma, shape, 1)
    text = HEAD.format(title="Llama 3.2 3B at 4 bit")
    text += "Everything fits: the model, its tied head and embedding in ROM, one adapter and the cache in SRAM.\n\n" + figs
    text += "\n## Slow tokens\n\nLeakage of `roma` between tokens, and what gating saves of it:\n\n" + gating(roma, shape, 1)
    text += "\n## Where a token's time goes\n\nCycles on the critical path of a decode step with 1,024 tokens cached:\n\n" + critical_path(roma, shape, 1)
    text += ("\nThe fitted chip hides every latency in `schedule.fill`; counted one by one they are most of the step. Waves of the L-Units alone are "
             "12,255 cycles.\n\n## Pictures\n\n") + pictures(roma, shape, name, 1)
    return name, text


def page_8b(roma):
    shape, name = "llama-3-8b", "llama-3-8b-2bit"
    one = sim(roma, shape, "roma")
    need, have = value(one, "fit.rom_bytes") / 1e9, value(one, "fit.rom_capacity") / 1e9
    ways = []
    for what, args in [("as it is", []), ("embedding outside the chip (`rom.embedding=outside`)", ["--set", "rom.embedding=outside"]),
                       ("the same, and the paper's 1.86 GB read as GiB (`lunit.words=15237`)",
                        ["--set", "rom.embedding=outside", "--set", "lunit.words=15237"]),
                       ("deeper L-Units (`lunit.words=16384`)", ["--set", "lunit.words=16384"]),
                       ("8-bit head and embedding outside, 16,384 words", ["--head-bits", 8, "--set", "rom.embedding=outside", "--set", "lunit.words=16384"]),
                       ("two dies in a layer pipeline (`--chips 2`)", ["--chips", 2]),
                       ("4-bit weights, three dies", ["--bits", 4, "--chips", 3])]:
        r = sim(roma, shape, "roma", *args)
        ways.append([what, f"{value(r, 'fit.rom_bytes') / 1e9:.3f}", f"{value(r, 'fit.rom_capacity') / 1e9:.3f}", "yes" if value(r, "fit.fits_rom") else "no",
                     f"{value(r, 'time.tok_s'):,.0f}", f"{value(r, 'area.area_mm2'):,.0f}"])
    figs, full = figures(roma, shape, 2)
    text = HEAD.format(title="Llama 3 8B at 2 bit")
    text += (f"The model does not fit one chip: codes, scales, embedding and head are {need:.3f} GB and the ROM has {have:.3f} GB. What it would take:\n\n" +
             table(["way", "model, GB", "ROM, GB", "fits", "decode, tokens/s", "mm²"], ways) +
             "\nFigures of the pipeline of two dies:\n\n" + figs)
    text += "\n## Slow tokens\n\nLeakage of `roma` between tokens, and what gating saves of it:\n\n" + gating(roma, shape, 2)
    text += "\n## Where a token's time goes\n\nCycles on the critical path of a decode step with 1,024 tokens cached, links between dies not counted:\n\n" + critical_path(roma, shape, 2)
    text += "\n## Pictures\n\n" + pictures(roma, shape, name, 2)
    return name, text


def main():
    roma, check = sys.argv[1], "--check" in sys.argv[2:]
    os.makedirs(os.path.join(HERE, "images"), exist_ok=True)
    for name, text in (page_3b(roma), page_8b(roma)):
        path = os.path.join(HERE, name + ".md")
        if check and open(path).read() != text:
            sys.exit(f"docs/{name}.md is not what docs/pages.py writes now; run it")
        if not check:
            open(path, "w").write(text)


main()
