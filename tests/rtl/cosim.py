#!/usr/bin/env python3
"""Chips in gates beside engine and chip model, by roma cosim (docs/hardware.md, "Beside engine and model"): no operation of any token may differ in a
bit of its result, or in its first cycle, the one after its last operand or the one after its last bit.
usage: cosim.py test ROMA MAKE     the mini chip: 64 tokens; adapters, swapped too; a prompt in chunks of 7; the self-test; each planted fault of
                                   docs/hardware.md's table, which says where the run must stop; two chips that are unlike it
       cosim.py faults ROMA        the planted faults alone, and a waveform
       cosim.py icarus ROMA MAKE   a token of the smallest chip in Icarus alone, its L-Units one of each style
       cosim.py gates ROMA         the mini chip with L-Units as STYLES say: 4 tokens, the self-test, and each fault of the family chip of faults.txt,
                                   of which 95 in 100 must be seen
       cosim.py full ROMA MAKE [NAME...]    the twenty chips of chips20.py, or some, four tokens each: a line for each in tests/rtl/cosim20.csv; the cycles
                                   of every operation in build/cosim/NAME.csv
       cosim.py model ROMA IMAGE CHIP TOKENS [OPTION...]    any model on any chip, timed, with options of roma cosim"""
import csv
import itertools
import json
import os
import re
import resource
import shutil
import struct
import subprocess
import sys
import time

import waves

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
OUT = os.path.join(TOP, "build", "cosim")
PROMPT = "Once upon a time, in a small house by the sea, there lived"
TRAINED = os.path.join(TOP, "models", "adapters", "tiny-roma")
BLOCKS_PROMPT = "Once upon a time, in"  # two blocks of rows
bad = 0
cache = OUT  # folder of simulators

# The mini chip of ./test and its tiny model. One simulator has all runs: an L-Unit is fused with its B-ROM, faults may be planted, and sums and products
# of FP32 are this machine's: rtl-vectors has those of the blocks.
MINI = ["--quick", "--style", "2.3=fused", "--fault"]

# Three L-Units of the mini chip are a B-ROM with its select devices, a block in which ROM and L-Unit are one, and a netlist that Yosys makes.
STYLES = ["--style", "1.1=brom,2.3=fused,5.0=netlist"]
# Two matrix units and a vector unit: what is made of the whole chip at once, and not tile by tile, is made of this one.
SMALL = dict(grid_rows=3, grid_columns=1, grid_matrix_units=2, grid_vector_units=1, vector_lanes=32, network_link=64, lunit_words=65536, lunit_buffer=512,
             rom_macro_words=65536, rom_scale_words=65536, vector_rom_words=1024, vector_sram=131072, hunit_sram=262144)

# The same with other latencies, and a model with biases and two widths of codes: of these and of one of chips20.py, with two vector units and one KV
# head, ./test has the cycles beside the mini chip's.
LATENCIES = dict(SMALL, lunit_pipeline=4, vector_add=1, vector_mul=4, vector_convert=3, vector_div_interval=2, vector_exp_interval=6)
BIASED = dict(arch="qwen2", layers=2, bits=4, down=8, zero=0)

# A matrix unit and a vector unit, with as little in them as gates are built for.
SMALLEST = dict(SMALL, grid_rows=2, grid_matrix_units=1, vector_lanes=16, network_link=32, lunit_per_matrix_unit=4, lunit_lanes=8, lunit_leaf_group=16,
                hunit_mac=16, hunit_bandwidth=16, hunit_sram=4096, memory_sram_depth=256, rom_scale_bits=16, vector_div_interval=12, vector_exp_interval=12,
                schedule_block_rows=1, schedule_chunk_rows=1)
SMALLEST_MODEL = dict(layers=1, hidden=32, ffn=32, heads=2, kv=1, head=16, vocab=32, bits=4, zero=8)


def say(ok, what):
    global bad
    bad += not ok
    print("cosim: %s%s" % ("" if ok else "FAILED: ", what), flush=True)


def cosim(roma, *args, **more):
    env = dict(os.environ, XDG_CACHE_HOME=cache, **more)
    p = subprocess.run([roma, "cosim", *map(str, args)], capture_output=True, text=True, env=env)
    if p.returncode > 1: sys.exit("cosim: roma cosim %s: %s" % (" ".join(map(str, args)), p.stderr))
    return p.stdout


def same(name, tokens, roma, *args, **more):
    """Runs a chip so many tokens. What the run says of itself, with the CPU seconds of all."""
    begin, cpu = time.time(), children_cpu()
    r = json.loads(cosim(roma, *args, "-n", tokens, "--json", **more))
    ok = r["tokens"] == tokens and r["mismatches"] == 0 and r["cycles_rtl"] == r["cycles_model"]
    padded = ["%s %d" % (o["operation"], o["padding_cyc"]) for o in r["operations"] if o["padding_cyc"]]
    say(ok, "%s: %d tokens, %d operations differ, %d cycles in gates, %d in the model; padding %s; %.0f s (made in %.0f, run in %.0f), %.0f of CPU%s" % (
        name, r["tokens"], r["mismatches"], r["cycles_rtl"], r["cycles_model"], ", ".join(padded) or "none", time.time() - begin, r["build_seconds"],
        r["seconds"], children_cpu() - cpu, ": " + r["difference"] if "difference" in r else ""))
    return dict(r, cpu_seconds=children_cpu() - cpu)


def children_cpu():
    """CPU seconds of all programs that this one has run."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def chip_file(name, like, settings):
    path = os.path.join(OUT, name + ".chip")
    with open(path, "w") as f:
        f.write("like = %s\n" % like)
        for key, value in settings.items(): f.write("[%s]\n%s = %s [exact]  # assumed: a test\n" % (*key.split("_", 1), value))
    return path


def fault_table(roma):
    """Rows of docs/hardware.md: the fault with its window, the step, operation and words that its run must stop with. What it does and where it lies are
    the program's own words."""
    listed = {}
    for line in cosim(roma, "--faults").splitlines():
        name, unit, signal, what = re.fullmatch(r"(\S+) +(\w+ unit \d+), (\S+): (.*)", line).groups()
        listed[name] = "| %s | %s, `%s` |" % (what, unit, signal)
    rows = re.findall(r"^\| `([\w:-]+)` (\|[^|]*\|[^|]*\|) step (\d+), ([^|]*): ([^|:]*) \|$", open(os.path.join(TOP, "docs", "hardware.md")).read(), re.M)
    table = {name.split(":")[0]: text for name, text, _, _, _ in rows}
    say(table == listed and len(rows) == len(listed) >= 30, "%d faults are those of docs/hardware.md" % len(listed))
    return [(name, step, operation, words) for name, _, step, operation, words in rows]


def tied(roma):
    """The tiny model without a gain in its last norm: all logits are equal, and the choice is the first token."""
    with open(os.path.join(TOP, "models", "tiny", "tiny-q4.gguf"), "rb") as f: data = bytearray(f.read())
    tensors, norm = struct.unpack_from("<Q", data, 8)[0], None
    at = min(m.start() for m in re.finditer(rb"(token_embd|output_norm|output|blk\.\d+\.\w+)\.weight", data)) - 8
    for _ in range(tensors):
        name, at = data[at + 8:at + 8 + data[at]], at + 8 + data[at]
        dims = struct.unpack_from("<I", data, at)[0]
        if name == b"output_norm.weight": norm = struct.unpack_from("<QIQ", data, at + 4)
        at += 4 + 8 * dims + 12
    start = (at + 31) // 32 * 32 + norm[2]
    data[start:start + 4 * norm[0]] = bytes(4 * norm[0])
    path = os.path.join(OUT, "tied.gguf")
    with open(path, "wb") as f: f.write(data)
    return image_of(roma, path, "tied")


def faults(roma, lora):
    """Every planted fault ends the run in its operation, at its unit."""
    begin, run, equal = time.time(), ["-p", "A", "-n", 2], ["--image", tied(roma)]
    needs = {"tie-side": equal, "adapter-page": ["--lora", lora]}
    same("the mini chip, all logits equal", 2, roma, *MINI, "none", *equal, "-p", "A")
    for name, step, operation, words in fault_table(roma):
        out = cosim(roma, *MINI, name, *run, *needs.get(name.split(":")[0], [])).splitlines()
        found = re.fullmatch(r"step (\d+), operation \d+ \(([^)]*)\): (.*)", out[0])
        is_right = found and found[1] == step and found[2] == operation and re.search(r"\b%s\b" % words, found[3])
        if not is_right: say(False, "fault %s: %s" % (name, out[0]))
    say(True, "planted faults tried in %.0f s" % (time.time() - begin))


def waveform(roma):
    """Around a norm that starts a cycle late in vector unit 0, tile 4: the clock, cycle by cycle, and when units read for it."""
    path = os.path.join(OUT, "late.vcd")
    cosim(roma, "--quick", "-p", "A", "-n", 1, "--fault", "vector-late:1:75:76", "--vcd", path)
    cycles = waves.read(path)
    starts = [min(c for c, v in cycles.items() if v[tile + ".reading"] and v[tile + ".number_now"] == 2) for tile in ("4", "6")]
    say(list(cycles) == list(range(len(cycles))) and len(cycles) > 100 and starts == [77, 76],
        "waveform of %d cycles, %d bytes: a norm starts in %s" % (len(cycles), os.path.getsize(path), starts))


def signatures(folder, simulator):
    """What the self-test of a chip with the files of a folder tells: by matrix unit and L-Unit."""
    told = subprocess.run([simulator], cwd=folder, input="h 0 0 200\nc 4000\n", capture_output=True, text=True, check=True).stdout
    words = [int(line.split()[2], 16) for line in told.splitlines() if line.startswith("T ")]
    return [s for _, s in sorted(((w >> 32 & 0xffff, w >> 48), w & 0xffffffff) for w in words)]


def selftest(roma, image):
    """Signatures of the mini chip's ROMs, and those of the same chip with one bit flipped (docs/program-format.md): of one matrix unit, from the L-Unit
    with the bit on. The simulator is the one that cosim has just made."""
    sim, folder = simulator(), os.path.join(OUT, "selftest")
    subprocess.run([roma, "rtl", "--chip", "mini", "--image", image, "--style", "array", "-o", folder], check=True)
    wanted = [int(line, 16) for line in open(os.path.join(folder, "selftest.hex"))]
    say(signatures(folder, sim) == wanted, "self-test: %d signatures" % len(wanted))
    path = os.path.join(folder, "rom_5_2.hex")
    text = open(path).read()
    at = text.index("\n", len(text) // 2) + 6
    with open(path, "w") as f: f.write(text[:at] + "%x" % (int(text[at], 16) ^ 2) + text[at + 1:])
    other = [divmod(i, 4) for i, s in enumerate(signatures(folder, sim)) if s != wanted[i]]
    say(other == [(5, 2), (5, 3)], "self-test: a bit flipped in L-Unit 5.2 changes the signatures after %s" % ", ".join("%d.%d" % u for u in other))
    shutil.rmtree(folder)


def write_chip(roma, make_model, name):
    sys.path.insert(0, os.path.join(TOP, "tests", "rtl"))
    import chips20
    chip, image = chips20.write(roma, make_model, name, OUT)
    return ["--chip", chip, "--image", image]


def image_of(roma, path, name):
    image = os.path.join(OUT, name + ".roma")
    subprocess.run([roma, "build", path, "-o", image], check=True, stdout=subprocess.DEVNULL)
    return image


def tiny(roma): return image_of(roma, os.path.join(TOP, "models", "tiny", "tiny-q4.gguf"), "tiny")


def with_faults(image):
    """Faults of the family chip; options of cosim for a source tree whose blocks have them, with none of them chosen, and STYLES. FP32's sums and products
    are this machine's: rtl-vectors has those of the blocks."""
    folder = os.path.join(OUT, "tree")
    sys.path.insert(0, os.path.join(TOP, "tests", "rtl"))
    import run
    mine = run.read_faults()["chip"]
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "rtl"))
    os.symlink(os.path.join(TOP, "tests"), os.path.join(folder, "tests"))
    os.symlink(os.path.join(TOP, "rtl", "cosim"), os.path.join(folder, "rtl", "cosim"))
    for name in [n for n in os.listdir(os.path.join(TOP, "rtl")) if n.endswith(".v")]:
        text, of_block = open(os.path.join(TOP, "rtl", name), encoding="utf-8").read(), [f for f in mine if f.block + ".v" == name]
        with open(os.path.join(folder, "rtl", name), "w", encoding="utf-8") as f: f.write(run.with_faults(text, of_block) if of_block else text)
    return mine, ["--quick", "--image", image, "--rtl", os.path.join(folder, "rtl"), *STYLES]


def simulator():
    """The one that cosim used last."""
    made = [os.path.join(cache, "roma", "cosim", f) for f in os.listdir(os.path.join(cache, "roma", "cosim")) if re.fullmatch("[0-9a-f]{32}", f)]
    return max(made, key=os.path.getmtime)


def is_killed(sim, folder, run, number):
    """Whether a run with a fault has another line than the one without; it ends with the first."""
    commands, wanted = run
    p = subprocess.Popen([sim, "+fault=%d" % number], cwd=folder, stdin=open(commands), stdout=subprocess.PIPE, text=True)
    other = any(a != b for a, b in itertools.zip_longest(wanted, p.stdout))
    p.kill()
    p.wait()
    return other


def recorded(roma, sim, folder, name, options):
    """A run that may be repeated without roma: the file with what cosim tells the simulator, and the lines that come back."""
    commands = os.path.join(OUT, name)
    os.rename(sim, sim + ".real")
    with open(sim, "w") as f: f.write("#!/bin/sh\ntee '%s' | '%s.real' \"$@\"\n" % (commands, sim))
    os.chmod(sim, 0o755)
    cosim(roma, *options)
    os.rename(sim + ".real", sim)
    return commands, subprocess.run([sim], cwd=folder, stdin=open(commands), stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines(keepends=True)


def gates(roma):
    global cache
    cache = os.path.join(OUT, "gates")
    os.makedirs(cache, exist_ok=True)
    image = tiny(roma)
    planted, quick = with_faults(image)
    same("the mini chip, L-Unit 1.1 a B-ROM, 2.3 fused, 5.0 a netlist", 4, roma, *quick)
    selftest(roma, image)
    sixteen, four, trained = adapters(roma, image)
    blocks = [*quick, "-p", BLOCKS_PROMPT, "--lora", sixteen, "--lora", four + ":0.5"]
    same("the same with two adapters, a prompt of two blocks of rows", 1, roma, *blocks)
    scaled = [*quick, "-p", "Once", "--lora", trained]
    same("the same with an adapter that PEFT made, whose matrices' scales are 4", 1, roma, *scaled)
    sim, folder = simulator(), os.path.join(OUT, "blocks")
    subprocess.run([roma, "rtl", "--chip", "mini", "--image", image, "--style", "array", "-o", folder], check=True)
    runs = [recorded(roma, sim, folder, name, [*options, "-n", 1]) for name, options in (("blocks.commands", blocks), ("scaled.commands", scaled))]
    killed = [f for f in planted if any(is_killed(sim, folder, r, f.number) for r in runs)]
    for f in planted: print("cosim: %-8s %s: %s" % ("killed" if f in killed else "survives", f.block, f.what), flush=True)
    say(len(killed) * 100 >= 95 * len(planted), "%d of %d faults of the family chip are seen" % (len(killed), len(planted)))
    shutil.rmtree(folder)


def adapters(roma, image):
    """Random ones of rank 16 and of rank 4 on all matrices, whose scales are 1; one that PEFT made, of rank 4, whose matrices' scales are 4."""
    made = []
    for name, source in ("rank16", ["--random", "16", "--rank", "16"]), ("rank4", ["--random", "4", "--rank", "4"]), ("trained", [TRAINED]):
        made.append(os.path.join(OUT, name + ".lora.roma"))
        subprocess.run([roma, "adapter", "build", *source, "--base", image, "-o", made[-1]], check=True, stdout=subprocess.DEVNULL)
    return made


def test(roma, make_model):
    image = tiny(roma)
    quick = [*MINI, "none"]
    same("the mini chip, L-Unit 2.3 fused", 64, roma, *quick)
    selftest(roma, image)
    lora = adapters(roma, image)
    same("the mini chip with an adapter", 4, roma, *quick, "-p", "Once", "--lora", lora[0])
    same("the mini chip with two, a prompt in chunks of 7", 2, roma, *quick, "-p", PROMPT, "--chunk", 7, "--lora", lora[0], "--lora", lora[1])
    swaps = ["%d:%s" % at for at in ((3, lora[2] + ":0.5"), (5, lora[1]), (5, lora[0]), (6, ""), (7, lora[0]))]
    same("the mini chip, adapters swapped between tokens", 7, roma, *quick, "-p", "Once", "--lora", lora[0],
         *(word for at in swaps for word in ("--lora-at", at)))
    faults(roma, lora[0])
    same("two vector units", 4, roma, "--quick", *write_chip(roma, make_model, "two-vectors"), "--prompt-ids", "1,7,3")
    biased = os.path.join(OUT, "biased.roma")
    subprocess.run([make_model, biased] + ["%s=%s" % pair for pair in BIASED.items()], check=True)
    same("other latencies, and biases", 4, roma, "--quick", "--chip", chip_file("latencies", "mini", LATENCIES), "--image", biased, "--prompt-ids", "1,7,3")


ICARUS = """#!/bin/sh
# In the place of Verilator: Icarus makes the simulator that roma cosim asks for.
mkdir -p obj && exec iverilog -g2005 -DROMA_PROBES -o obj/sim -s main -y . -y '{0}/tests/rtl/icarus' -y '{0}/rtl' -y '{0}/rtl/cosim' '{0}/tests/rtl/icarus/main.v' bench.v
"""


def icarus(roma, make_model):
    """One token of the smallest chip, two tiles, in Icarus alone, whose bits may be unknown: each bit and each cycle, as with Verilator. Its L-Units are
    one of each style. The blocks are the chip's own but for five (tests/rtl/icarus), of which Icarus would make too many scopes."""
    global cache
    cache, tools = os.path.join(OUT, "icarus"), os.path.join(OUT, "icarus", "tools")
    shutil.rmtree(cache, ignore_errors=True)
    os.makedirs(tools)
    with open(os.path.join(tools, "verilator"), "w") as f: f.write(ICARUS.format(TOP))
    os.chmod(f.name, 0o755)
    image = os.path.join(OUT, "smallest.roma")
    subprocess.run([make_model, image] + ["%s=%s" % pair for pair in SMALLEST_MODEL.items()], check=True)
    same("the smallest chip in Icarus", 1, roma, "--chip", chip_file("smallest", "mini", SMALLEST), "--image", image, "--prompt-ids", "1",
         "--style", "0.0=brom,0.1=fused,0.2=netlist", PATH=tools + os.pathsep + os.environ["PATH"])
    shutil.rmtree(cache)


COLUMNS = ["configuration", "tokens", "operations", "differ", "cycles_rtl", "cycles_model", "padding_cyc", "cpu_seconds", "commit"]


def commit():
    """The last commit of what gates, engine and model are made of, with a + where files have changed since."""
    git = lambda *args: subprocess.run(["git", "-C", TOP, *args, "rtl", "src", "include"], capture_output=True, text=True, check=True).stdout.strip()
    return git("log", "-1", "--format=%h", "--") + "+" * bool(git("status", "--porcelain", "--"))


def full(roma, make_model, names):
    """Chips of chips20.py, whose lines of the record are renewed, each as soon as its chip has run."""
    sys.path.insert(0, os.path.join(TOP, "tests", "rtl"))
    import chips20
    path = os.path.join(TOP, "tests", "rtl", "cosim20.csv")
    for name in names or [c[0] for c in chips20.CHIPS]:
        r = same(name, 4, roma, "--quick", *write_chip(roma, make_model, name), "--prompt-ids", "1,7,3", "--csv", os.path.join(OUT, name + ".csv"))
        rows = {row["configuration"]: row for row in csv.DictReader(open(path))} if os.path.exists(path) else {}
        ops = r["operations"]
        rows[name] = dict(zip(COLUMNS, [name, r["tokens"], sum(o["instances"] for o in ops), r["mismatches"], r["cycles_rtl"], r["cycles_model"],
                                        sum(o["padding_cyc"] for o in ops), "%.0f" % r["cpu_seconds"], commit()]))
        with open(path, "w", newline="") as f:
            out = csv.DictWriter(f, COLUMNS, lineterminator="\n")
            out.writeheader()
            out.writerows(rows[c[0]] for c in chips20.CHIPS if c[0] in rows)


os.makedirs(OUT, exist_ok=True)
if sys.argv[1] == "test": test(*map(os.path.abspath, sys.argv[2:4]))
elif sys.argv[1] == "faults":
    program = os.path.abspath(sys.argv[2])
    faults(program, adapters(program, tiny(program))[0])
    waveform(program)
elif sys.argv[1] == "icarus": icarus(os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3]))
elif sys.argv[1] == "gates": gates(os.path.abspath(sys.argv[2]))
elif sys.argv[1] == "full": full(os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3]), sys.argv[4:])
else: same(sys.argv[3], int(sys.argv[5]), os.path.abspath(sys.argv[2]), "--image", sys.argv[3], "--chip", sys.argv[4], *sys.argv[6:])
sys.exit(bad != 0)
