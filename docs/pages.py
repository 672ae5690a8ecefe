#!/usr/bin/env python3
"""usage: docs/pages.py ROMA [--check]

Writes docs/llama-3.2-3b-4bit.md, docs/llama-3-8b-2bit.md and docs/better-than-roma.md, and their pictures, and the tables of README.md and docs/cost-model.md that
stand between `<!-- NAME: docs/pages.py -->` and `<!-- end of NAME -->`, from `roma sim` and `roma chip`; with --check only says whether the pages are what the
program would write now.
"""
import csv
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CHIPS = ["roma", "roma-macro", "roma-contract"]
TINY = os.path.join(HERE, os.pardir, "models", "tiny", "tiny-q4.gguf")
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
    rows.append(["tokens of cache beside one adapter, at most the model's own context"] + [f"{value(full[c], 'fit.tokens'):,.0f}" for c in CHIPS])
    return table([""] + CHIPS, rows), full


def gating(roma, shape, dies):
    """What a device pays that decodes slowly, and what gating saves of it."""
    rows = []
    for name, settings in [("as it is", []), ("`rom.gated`", ["rom.gated=on"]), ("`rom.gated`, `power.idle_gated`", ["rom.gated=on", "power.idle_gated=on"])]:
        r = sim(roma, shape, "roma", "--chips", dies, *[a for s in settings for a in ("--set", s)])
        rows.append([name] + [digits3(value(r, "energy." + k)) for k in ("mj_at_5", "mj_at_20", "mj_at_100", "mj_per_token")] + [digits3(value(r, "power.static_w"))])
    return table(["mJ per token at", "5 tokens/s", "20 tokens/s", "100 tokens/s", "full rate", "leakage while decoding, W"], rows)


def pictures(roma, shape, name, dies, folder):
    path = lambda kind: os.path.join(folder, f"{name}-{kind}.svg")
    subprocess.check_call([roma, "sim", "--shape", shape, "--chips", str(dies), "--no-ranges", "--prompt", "1024", "--curve", path("context"), "--floorplan", path("floorplan"),
                           "--roofline", path("roofline"), "--energy", path("energy")], stdout=subprocess.DEVNULL)
    return (f"![decode rate over the context](images/{name}-context.svg)\n\n![floorplan by power](images/{name}-floorplan.svg)\n\n"
            f"![energy of a token](images/{name}-energy.svg)\n\n![roofline](images/{name}-roofline.svg)\n")


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
organisation with this project's arithmetic and nothing fitted: every unit that a sum, a maximum or a quotient passes and every hop of the mesh takes its cycles, and
scales, activations and merging have their area. Ranges are what the uncertainty of the chip's constants leaves ([cost-model.md](cost-model.md), [chip-format.md](chip-format.md)).

"""


KIND = """An earlier timing law gave `roma-contract` 14,371 tokens/s behind 1,024 tokens, 5.9 ms to the first token of 256 and 333 mm². It was too kind in this:

- **Chains.** An exponential took 8 cycles; the contract's is eight products, eight sums and two conversions one after the other, 52 cycles with units of 3, 3 and 2.
- **Maxima and sums.** A row was read once and the sum of its squares was there when it was needed. Now its largest value and its sum cross the chip to all vector units, and what needs them reads the row again.
- **Attention.** For the clock a page's positions lay on all units of a head, and their sums merged over the network for nothing. Now a page is in one unit, keys and values are two passes, and the largest score and the
  divisor are made between and behind them.
- **Adapters.** Before B can begin, A's sums go to the root of the mesh, become codes there and come back.
- **Scales** came from nowhere; they have a ROM of their own beside the leaf units. **Activations** have buffers at the L-Units, and **sums** of several L-Units a tree: area, wires and energy.
- **Links.** Vectors crossed from column to column at once; half of each passes the busiest link.
"""


def page_3b(roma, folder):
    shape, name = "llama-3.2-3b", "llama-3.2-3b-4bit"
    figs, full = figures(roma, shape, 1)
    text = HEAD.format(title="Llama 3.2 3B at 4 bit")
    text += "Everything fits: the model, its tied head and embedding in ROM, one adapter and the cache in SRAM.\n\n" + figs
    text += "\n## Slow tokens\n\nLeakage of `roma` between tokens, and what gating saves of it:\n\n" + gating(roma, shape, 1)
    text += "\n## Where a token's time goes\n\nCycles on the critical path of a decode step with 1,024 tokens cached:\n\n" + critical_path(roma, shape, 1)
    at = sim(roma, shape, "roma-contract", "--context", 1024)
    text += (f"\nThe fitted chip hides every latency in `schedule.fill`; counted one by one they are most of the {at['cycles']:,} cycles. Waves of the L-Units alone are "
             f"{value(at, 'fit.rom_words'):,.0f}.\n\n" + KIND + "\n## Pictures\n\n") + pictures(roma, shape, name, 1, folder)
    return name, text


def dies_table(roma, shape):
    rows = []
    for what, how in (("pipeline: a quarter of the layers on each", "pipeline"), ("tensor: a quarter of every matrix on each", "tensor")):
        r = [sim(roma, shape, "roma-contract", "--bits", 4, "--chips", 4, "--context", 1024, "--batch", b, "--set", "schedule.dies=" + how) for b in (1, 4, 16)]
        assert all(value(x, "fit.fits_rom") and value(x, "fit.fits_sram") for x in r), what
        rows.append([what] + [f"{value(x, 'time.tok_s'):,.0f}" for x in r] + [f"{value(r[0], 'time.ttft_s') * 1e3:.2f}"])
    return ("The same model at 4 bit on four dies of `roma-contract`, 1,024 tokens cached by each sequence, as a pipeline or with `schedule.dies=tensor`:\n\n" +
            table(["", "tokens/s, one sequence", "four", "sixteen", "time to first token, 256 tokens, ms"], rows) +
            "\nA pipeline works on as many sequences as it has dies. Shared matrices mean that codes go to all dies four times a layer, and each time the latency of the link passes twice:\n"
            "one sequence gains nothing by it as long as the link is that slow, and a prompt, whose rows share the wait, does.\n")


def page_8b(roma, folder):
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
             "\nFigures of the pipeline of two dies, through which the chunks of a prompt follow one another:\n\n" + figs)
    text += "\n## Four dies\n\n" + dies_table(roma, shape)
    text += "\n## Slow tokens\n\nLeakage of `roma` between tokens, and what gating saves of it:\n\n" + gating(roma, shape, 2)
    text += "\n## Where a token's time goes\n\nCycles on the critical path of a decode step with 1,024 tokens cached, links between dies not counted:\n\n" + critical_path(roma, shape, 2)
    text += "\n## Pictures\n\n" + pictures(roma, shape, name, 2, folder)
    return name, text


BETTER_HEAD = """# Better than ROMA

`roma explore` finds a chip, [roma-better](../chips/roma-better.chip), that beats the paper's organisation at the same model (Llama 3.2 3B, 4 bit,
groups of 128), context (1,024 tokens cached), adapter (rank 16), clock (500 MHz), SRAM (288 + 16 MiB), arithmetic and node. Made by
`docs/pages.py`; do not edit by hand.

**One ruler.** Both chips are modelled from the same constants: those of `roma-contract`, in which nothing is fitted to the paper's figures of
speed and power. The ranges of the constants, listed with their sources below, are carried through to every figure, each chip at the corner that is
worst for it. The one constant on which the paper is ambiguous, the size of B-ROM beside plain ROM, is shown in both readings: 0.60 as its text says,
0.40 as its area bars say when its own macro densities are believed ([paper.md](paper.md), rows 1 and 1m).

"""

BETTER_TEXT = """
Decode rate and area are won without any overlap of the ranges under the reading of the paper's text. Under the other reading the areas are nearly level: B-ROM
would then be almost as dense as logic ROM, and what is left is the rate. Energy comes out lower in the middle and power level, and the public energies are so
uncertain that these ranges overlap. But what is uncertain is the same constants in both: in pairs of chips that are drawn with the same constants ([cost-model.md](cost-model.md) 6.4),
roma-better over roma-contract is

"""

BETTER_PAIRS = """
So energy is won as well, and a claim of power is not made.

## Where it comes from

One step after the other, each on top of the ones before:

"""

BETTER_WHY = """
- **Logic ROM.** Area per bit of synthesised logic falls with the logarithm of the block's size and hardly depends on its shape, so blocks can be
  shallow and wide: as dense as deep ones, and far cheaper to read, because whole multiplexer trees switch ([cost-model.md](cost-model.md) section 2).
  A compiled ROM macro loses its density when it is made shallow, so the paper's organisation cannot follow.
- **Wider L-Units.** Four times the lanes on a quarter of the units: nearly the same rate from blocks of 1,024 x 256 bits, the largest that were synthesised;
  their delay there was 0.35 ns of a cycle of 2 ns.
- **Fewer tiles.** 64 matrix units instead of 256 halve the hops of every broadcast, gather and maximum, which are on the critical path of every operation of a token,
  and leave a quarter of the routers. H-Units and vector units keep their totals.
- **Wider links.** Half as many columns with twice the bytes move as much in all. Codes, gathered sums and queries pass one of them, so that waiting for them is halved.
- **Twice the lanes.** On this ruler lanes are cheap: an 8 x 4 bit multiply-add with its registers is 22 um2 of cells, and the storage behind each lane some 215.
- **Gating.** One bank of an L-Unit is read at a time; the others need no supply. Mask ROM forgets nothing.

## Scheduling alone

Not part of the comparison, since both chips can have it: with two interleaved streams the attention of one half of the prompt runs while the L-Units work
on the other half (`schedule.attention_overlap=on`, `schedule.streams=2`). Decode of one sequence loses by it: adapters then keep a share of the H-Units from attention.

"""

BETTER_DOUBTS = """
## Doubts

- Areas are sums of cells over one placement factor. Whether the wiring of logic ROM of this size closes is not known here; TOM's authors placed and routed theirs.
- ASAP7 is a predictive 7 nm library; the paper's macros come from a foundry's compiler. The B-ROM of the paper is not available to anybody else.
- Latencies are those of this project's gates, decided or measured (`roma-contract`), the same for both chips; the paper's own chip hides more of them (`roma` decodes at more than twice the
  rate of `roma-contract`). A chip that hid them all would gain less from fewer hops.
- Wider links alone give roma-contract 4 % of rate for 2 % of area (`network.link=512`); they are not what decides.
- A third of roma-better's step waits for adapters, whose sums go to the root and back. Nothing in the space that was searched shortens that way.
- ROM of exactly the model's size fits one model. The paper's chip has 14 % to spare, and fills macros of a power of two; the step *logic ROM* includes that.

"""

STEPS = [
    ("roma-contract", []),
    ("logic ROM in blocks of 4,096 x 64; all ROMs and buffers of the model's size",
     ["rom.style=logic", "rom.depth=4096", "lunit.words=12258", "rom.macro_words=12258", "rom.scale_words=12258", "rom.scale_bits=128", "lunit.buffer=128", "vector.rom_words=172"]),
    ("a quarter of the L-Units, four times as wide, blocks of 1,024 x 256; 8 rows a word, so that k and v are half zeros",
     ["lunit.per_matrix_unit=16", "lunit.lanes=64", "lunit.leaf_group=64", "rom.depth=1024", "lunit.words=14504", "rom.macro_words=14504", "rom.scale_words=14504", "lunit.buffer=512"]),
    ("a quarter of the tiles, which k and v fill", ["lunit.words=12258", "rom.macro_words=12258", "rom.scale_words=12258", "rom.scale_bits=512", "lunit.buffer=128", "grid.rows=9", "grid.columns=8",
                                "grid.matrix_units=64", "grid.vector_units=8", "lunit.per_matrix_unit=64", "hunit.sram=4718592", "hunit.mac=1024", "hunit.bandwidth=256", "hunit.exp=16",
                                "vector.sram=2097152", "vector.lanes=128"]),
    ("links twice as wide in half as many columns, half of the exponentials", ["network.link=512", "hunit.exp=8"]),
    ("twice the L-Units of half the depth", ["lunit.per_matrix_unit=128", "lunit.leaf_group=128", "lunit.words=6129", "rom.macro_words=6129", "rom.scale_words=6129", "rom.scale_bits=1024", "lunit.buffer=64"]),
    ("idle ROM banks gated: roma-better", ["rom.gated=on"]),
]

FIND = """roma explore --shape llama-3.2-3b --chip roma-contract --only --points 4000 --context 1024 --set model.bits=4 --set model.group=128 \\
    --set grid.matrix_units=$u --set grid.columns=$c --set lunit.per_matrix_unit=32,64,128,256 --set lunit.lanes=8,16,32,64 \\
    --set lunit.leaf_group=64,128 --set rom.style=fused,logic --set rom.depth=1024,2048,4096,8192 --set rom.gated=on \\
    --set lunit.style=parallel,serial --set network.link=128,256,512,1024 --set hunit.exp=$((512/u)),$((1024/u)) --set hunit.sram=$((301989888/u)) --set hunit.mac=$((65536/u)) \\
    --set hunit.bandwidth=$((16384/u)) --set vector.sram=$((16777216/c)) --set vector.lanes=$((1024/c)) --csv all.csv"""


def sources(roma):
    """Every constant that has a range on the ruler, with its source, out of the chip file."""
    text = subprocess.check_output([roma, "chip", "roma-contract", "--write"], text=True)
    rows, section = [], ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif " = " in line and "# " in line and "[exact]" not in line and section not in ("yield", "host", "dram", "supply") and not line.startswith(("cell_", "dram_")):
            key, rest = line.split(" = ", 1)
            number, source = rest.split("# ", 1)
            rows.append([f"`{section}.{key.strip()}`", number.strip(), source])
    return table(["constant", "value [range]", "quality: source"], rows)


def serial(roma):
    """Whether bit-serial lanes help, by the run of FIND for 64 matrix units and 8 columns."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "all.csv")
        subprocess.run(["bash", "-c", FIND.replace("roma explore", '"$roma" explore', 1).replace("all.csv", '"$out"')], check=True,
                       stdout=subprocess.DEVNULL, env=dict(os.environ, roma=os.path.abspath(roma), out=out, u="64", c="8"))
        with open(out, newline="") as f:
            points = [{k.split(" ")[0]: v for k, v in r.items()} for r in csv.DictReader(f)]
    rows, area = [], lambda p: float(p["area_mm2"])
    for style in ("parallel", "serial"):
        of = [p for p in points if p["lunit.style"] == style]
        fastest, smallest = max(of, key=lambda p: float(p["tok_s"])), min(of, key=area)
        rows.append([style, f"{len(of):,}", f"{sum(p['pareto'] == 'true' for p in of)}"] +
                    [f"{float(p['tok_s']):,.0f} on {area(p):.1f} mm², {float(p['mj_per_token']):.3f} mJ" for p in (fastest, smallest, min(of, key=lambda p: float(p["mj_per_token"])))])
    return ("## Bit-serial lanes\n\nThey are the smallest for each weight, and take 8 cycles a word. The search below draws both kinds; for 64 matrix units and 8 columns it finds:\n\n" +
            table(["`lunit.style`", "points", "of them on the front", "fastest, tokens/s", "smallest", "least energy"], rows) +
            "\nSerial lanes reach the front only at its small, cheap and slow end: storage, not lanes, is the area of this model, and what a lane waits for it leaks. So roma-better keeps parallel ones.\n\n")


def pairs(roma, shape, args):
    """Ratios over pairs of draws, under both readings of B-ROM's area."""
    made = [json.loads(subprocess.check_output([roma, "compare", "roma-contract", "roma-better", "--shape", shape, *map(str, args), "--set", f"A:rom.tracks={tracks}", "--json"]))
            for tracks in ("0.6 [0.57 .. 0.63]", "0.4007")]
    rows = []
    for name in ("area_mm2", "power_w", "mj_per_token", "prefill_mj", "usd"):
        both = [next(q for q in m["quantities"] if q["name"] == name) for m in made]
        rows.append([f"`{name}`"] + [c for q in both for c in (f"{q['ratio_p50']:.2f} ({q['ratio_p5']:.2f} .. {q['ratio_p95']:.2f})", f"{100 * q['b_less']:.1f} %")])
    return table(["", "B-ROM 0.60 of ROM: P50 (P5 .. P95)", "pairs in which it is less", "B-ROM 0.40 of ROM", "pairs"], rows)


def page_better(roma):
    shape, args = "llama-3.2-3b", ["--bits", 4, "--group", 128, "--context", 1024]
    chips = [("roma-contract, B-ROM 0.60 of ROM", "roma-contract", []), ("roma-contract, B-ROM 0.40 of ROM", "roma-contract", ["--set", "rom.tracks=0.4007"]),
             ("roma-better", "roma-better", [])]
    full = [sim(roma, shape, c, *args, *more, ranges=True) for _, c, more in chips]
    rows = [[name] + [with_range(f, key, scale) for f in full]
            for name, key, scale in [("decode, tokens/s", "time.tok_s", 1), ("area, mm²", "area.area_mm2", 1), ("power at that rate, W", "power.power_w", 1),
                                     ("energy per token, mJ", "energy.mj_per_token", 1), ("time to first token, 256 tokens, ms", "time.ttft_s", 1e3),
                                     ("cost of good dies, USD", "cost.usd", 1)]]
    rows.append(["tokens of cache"] + [f"{value(f, 'fit.tokens'):,.0f}" for f in full])
    text = BETTER_HEAD + table([""] + [c[0] for c in chips], rows) + BETTER_TEXT + pairs(roma, shape, args) + BETTER_PAIRS
    steps, settings = [], {}
    for name, more in STEPS:
        settings.update(m.split("=", 1) for m in more)
        r = sim(roma, shape, "roma-contract", *args, *[a for k, v in settings.items() for a in ("--set", f"{k}={v}")])
        steps.append([name, f"{value(r, 'time.tok_s'):,.0f}"] + [f"{value(r, k):.{d}f}" for k, d in (("area.area_mm2", 1), ("power.power_w", 1), ("energy.mj_per_token", 3))])
    assert f"{value(full[2], 'time.tok_s'):,.0f}" == steps[-1][1], "the steps do not end at roma-better"
    text += table(["step", "decode, tokens/s", "mm²", "W", "mJ"], steps) + BETTER_WHY
    overlap = ["--set", "schedule.attention_overlap=on", "--set", "schedule.streams=2"]
    rows = []
    for n in (256, 1024, 4096):
        cells = [sim(roma, shape, c, "--prompt", n, *more) for c in ("roma-contract", "roma-better") for more in ([], overlap)]
        rows.append([f"time to first token, {n} tokens, ms"] + [f"{value(r, 'time.ttft_s') * 1e3:.2f}" for r in cells])
    text += table(["", "roma-contract", "overlapped", "roma-better", "overlapped"], rows) + BETTER_DOUBTS + serial(roma) + "## How it was found\n\n"
    text += ("    " + FIND.replace("\\\\", "\\").replace("\n", "\n    ") + "\n\nOne run for each of u = 64, 128 and 256 matrix units and c = 8 and 16 columns, so that the totals of H-Units and vector units are those of `roma-contract` in every\n"
             "point. Of the chips that no other one beats in rate, area and energy, roma-better is the one of least energy. So it was found again when quotient, root and L-Unit\n"
             "had become the 16, 14 and 3 cycles of the gates (12, 12 and 2 before), in runs of 24,000 points, which visit the whole space (4,000 miss this very point): both chips lost 2 and 3 % of their rate. And\n"
             "again when lanes, leaves, sums and vector units had got the areas of the gates: both chips grew, by 1 and 2 %. Links twice as wide again are 2 % faster on 1 % more area, twice its L-Units 2 % on a fifth more. `roma sim --chip roma-better` shows the rest.\n\n"
             "## The ruler\n\nEvery constant with a range; the others are in [roma.chip](../chips/roma.chip) and [roma-contract.chip](../chips/roma-contract.chip), which "
             "`roma chip roma-contract --all` prints.\n\n") + sources(roma)
    return "better-than-roma", text


# ---- the tables of docs/cost-model.md


def sets(*settings):
    return [a for s in settings for a in ("--set", s)]


def instances(roma, *args):
    """The mini chip's decode step behind 40 positions of the tiny model, a row for each instance."""
    with tempfile.TemporaryDirectory() as folder:
        image, out = os.path.join(folder, "tiny.roma"), os.path.join(folder, "step.csv")
        subprocess.check_call([roma, "build", TINY, "-o", image], stdout=subprocess.DEVNULL)
        subprocess.check_call([roma, "sim", image, "--chip", "mini", "--context", "40", "--no-ranges", "--instances", out, *args], stdout=subprocess.DEVNULL)
        with open(out, newline="") as f:
            return list(csv.DictReader(f))


def steps(rows):
    name = lambda r: (r["operation"].upper() if r["part"] == "base" else r["part"]) + (" " + r["tensor"] if r["tensor"] else "")
    return table(["number", "operation", "layer", "unit", "start", "busy", "end"],
                 [[r["number"], name(r), r["layer"], r["unit"], *(r[k + " [cycle]"] for k in ("start", "busy", "end"))] for r in rows])


def percent(a, b):
    return f"{100 * (a / b - 1):+.1f} %"


def pages_of_cache(roma):
    rows = []
    for what, key, scale, places, args, up in [(f"decode, {n:,} cached, tokens/s", "time.tok_s", 1, 0, ["--context", n, "--prompt", 0], 1) for n in (0, 128, 1024, 4000)] + [
            (f"prefill of {n:,}, ms", "time.ttft_s", 1e3, 2, ["--prompt", n], -1) for n in (256, 4000)]:
        whole, spread = (scale * value(sim(roma, "llama-3.2-3b", "roma-contract", *args, *sets("hunit.pages=" + p)), key) for p in ("whole", "spread"))
        rows.append([what, f"{whole:,.{places}f}", f"{spread:,.{places}f}", percent(whole, spread) if up > 0 else percent(spread, whole)])
    return table(["", "`whole`", "`spread`", "`whole` is faster by"], rows)


BETTER_SHARED = ["rom.scale_port=shared", "lunit.words=6433", "rom.macro_words=6433"]
CHOICES = [
    ("roma-contract", "as it is: own ROM of scales, parallel, no hold", []),
    ("roma-contract", "scales in the L-Units' words (`rom.scale_port=shared`)", ["rom.scale_port=shared"]),
    ("roma-contract", "the same, read by nobody (`free`)", ["rom.scale_port=free"]),
    ("roma-contract", "bit-serial lanes (`lunit.style=serial`)", ["lunit.style=serial"]),
    ("roma-contract", "four times as many of these, 64 an L-Unit, on ROM of 4,096 words",
     ["lunit.style=serial", "lunit.lanes=64", "lunit.words=4096", "rom.macro_words=4096", "rom.depth=4096", "rom.scale_words=4096", "rom.scale_bits=1024"]),
    ("roma-contract", "a word held for the rows of a block (`lunit.hold=on`)", ["lunit.hold=on"]),
    ("roma-better", "as it is", []),
    ("roma-better", "`rom.scale_port=shared`", BETTER_SHARED),
    ("roma-better", "`lunit.style=serial`", ["lunit.style=serial"]),
    ("roma-better", "twice as many of these, 128 an L-Unit",
     ["lunit.style=serial", "lunit.lanes=128", "lunit.words=3066", "rom.macro_words=3066", "rom.scale_words=3066", "rom.scale_bits=2048"]),
    ("roma-better", "`lunit.hold=on`", ["lunit.hold=on"]),
]


def choices(roma):
    rows = []
    for chip, what, settings in CHOICES:
        r = sim(roma, "llama-3.2-3b", chip, "--context", 1024, *sets(*settings))
        assert value(r, "fit.fits_rom") == 1, (chip, what, r["note"])
        rows.append([chip, what, f"{value(r, 'time.tok_s'):,.0f}", f"{value(r, 'time.ttft_s') * 1e3:.2f}", f"{value(r, 'area.area_mm2'):.1f}",
                     f"{value(r, 'energy.mj_per_token'):.3f}", f"{value(r, 'energy.prefill_mj'):.1f}"])
    return table(["chip", "L-Units", "decode, tokens/s", "prefill of 256, ms", "mm²", "mJ a token", "mJ a prefill"], rows)


def formats_of_cache(roma):
    """int8 and int4 by `sim`, the floats' bytes by `fit`, behind as many positions as all hold."""
    rows = []
    for chip, context in (("roma-contract", 4000), ("roma-better", 4000)):
        for kv in ("int8", "int4", "f16", "fp8"):
            fit = [roma, "fit", "--shape", "llama-3.2-3b", "--chip", chip, "--kv", kv, "--rank", "16", "--adapters", "1", "--sequences", "1", "--json"]
            f = json.loads(subprocess.check_output(fit))
            row = [chip, f"`{kv}`", f"{f['kv_bytes_per_token']:,.0f}", f"{f['tokens']:,}"]
            if kv in ("int8", "int4"):
                r = sim(roma, "llama-3.2-3b", chip, "--kv", kv, "--context", context, "--prompt", context)
                row += [f"{value(r, 'time.decode_cyc'):,.0f}", f"{value(r, 'time.tok_s'):,.0f}", f"{value(r, 'time.ttft_s') * 1e3:.1f}",
                        f"{value(r, 'energy.mj_sram'):.3f}", f"{value(r, 'energy.mj_per_token'):.3f}"]
            else:
                row += ["refused"] + ["–"] * 4
            rows.append(row)
    return table(["chip", "cache", "bytes a token", "tokens that fit", "cycles of a decode step", "tokens/s", "prefill, ms", "mJ of SRAM a token", "mJ a token"], rows)


def headline(roma):
    """The table of README.md: the paper's own numbers beside three chips'."""
    chips = ["roma", "roma-contract", "roma-better"]
    full = [sim(roma, "llama-3.2-3b", c, "--context", 1024, ranges=True) for c in chips]
    return table(["", "paper", "`roma`, fitted to it", "`roma-contract`, nothing fitted", "[`roma-better`](docs/better-than-roma.md)"],
                 [["decode, 1,024 tokens cached, tokens/s", "24,600"] + [f"{value(f, 'time.tok_s'):,.0f}" for f in full],
                  ["time to first token, 256 tokens, ms", "5.6"] + [f"{value(f, 'time.ttft_s') * 1e3:.1f}" for f in full],
                  ["die, mm²", "503.7"] + [with_range(f, "area.area_mm2") for f in full]])


def renewed(path, tables):
    """The text of a page with its tables between their comments renewed."""
    with open(path) as f:
        text = f.read()
    for name, made in tables:
        begin, end = f"<!-- {name}: docs/pages.py -->\n", f"<!-- end of {name} -->\n"
        head, rest = text.split(begin)
        text = head + begin + made + end + rest.split(end)[1]
    return text


def page_law(roma):
    layer = [r for r in instances(roma, "--rank", "16") if r["layer"] == "0"]
    return renewed(os.path.join(HERE, "cost-model.md"),
                   [("step", steps(instances(roma, "--rank", "0"))), ("step with an adapter", steps(layer)), ("pages", pages_of_cache(roma)), ("choices", choices(roma)),
                    ("formats of the cache", formats_of_cache(roma))])


def main():
    roma, check = sys.argv[1], "--check" in sys.argv[2:]
    readme = os.path.join(HERE, os.pardir, "README.md")
    with tempfile.TemporaryDirectory() as folder:
        made = {os.path.join(HERE, name + ".md"): text for name, text in (page_3b(roma, folder), page_8b(roma, folder), page_better(roma))}
        made |= {os.path.join(HERE, "cost-model.md"): page_law(roma), readme: renewed(readme, [("chips", headline(roma))])}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name)) as f:
                made[os.path.join(HERE, "images", name)] = f.read()
    os.makedirs(os.path.join(HERE, "images"), exist_ok=True)
    for path, text in made.items():
        if not check:
            with open(path, "w") as f:
                f.write(text)
            continue
        with open(path) as f:
            if f.read() != text:
                sys.exit(f"{os.path.relpath(path)} is not what docs/pages.py writes now; run it")


main()
