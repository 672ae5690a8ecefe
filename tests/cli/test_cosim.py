#!/usr/bin/env python3
"""roma cosim without gates: what stands in for Verilator makes a simulator that replays lines of a bench, which are made here of the trace of values
(docs/trace-format.md), the chip model's instances and the program's addresses (docs/program-format.md). A chip without a fault has no difference; a bit,
a cycle, a line that is changed is found, with its operation, unit, element and both sides. And what is refused, and how.
usage: test_cosim.py ROMA"""
import csv
import json
import os
import shutil
import stat
import subprocess
import sys

import numpy as np

from shared import ROMA, TINY, TOP, check, finish, output, own_folder, run

sys.path.insert(0, os.path.join(TOP, "tests", "reference"))
import numerics
import rom

U, V, LANES, WIDE, KV, DIM, LAYERS = 8, 4, 8, 32, 2, 32, 3  # of chips/mini.chip and the tiny model
CHIP, TOKENS = "mini", 2
SIM = """#!/usr/bin/env python3
import json, sys
steps = iter(json.load(open(%r)))
goes = False
for line in sys.stdin:
    goes |= line[:4] == "h 1 "
    if line[0] == "c":
        print("\\n".join((next(steps) if goes else []) + ["."]), flush=True)
        goes = False
"""


def tool(name, text):
    os.makedirs("tools", exist_ok=True)
    with open("tools/" + name, "w") as f: f.write(text)
    os.chmod("tools/" + name, stat.S_IRWXU)


def values():
    """Address of each value, by its name: records of the program stand in the plan's order, but for the ends of a loop."""
    output("rtl", "--chip", CHIP, "--image", "tiny.roma", "--style", "array", "-o", "chip")
    words = [int(line, 16) for line in open("chip/program.hex")]
    n, formats = words[1] >> 32 & 0xffff, words[1] >> 16 & 0xffff
    records = [w for w in words[3 + n + 5 * formats::5] if w >> 59 > 2]
    plan = json.loads(output("plan", "tiny.roma", "--json"))["ops"]
    first = [(op["out"], w >> 24 & 255) for w, op in zip(records, plan) if op["layer"] < 1]
    return {name: words[3 + value] & 0xfffff for name, value in first if value < 254}


def page_lines(cycle, layer, position, keys, vals):
    """The writes of a position's keys and values (docs/placement.md), 8 bytes a line."""
    units, key = U // KV, DIM // WIDE
    page, place = position // 32, position % 32
    turned = layer * units // LAYERS
    base = (page // units * LAYERS + layer) * (64 * key + 32 // (WIDE // 8))
    for h in range(KV):
        unit = h * units + (page + turned) % units
        for half, data in ((0, keys), (1, vals)):
            for part in range(WIDE // 8):
                at = h * DIM + 8 * part
                yield "K %x %x %x %x %x" % (cycle, unit, base + half * 32 * key + place * key, part, int.from_bytes(data[at:at + 8], "little"))
        scales = b"".join(d[KV * DIM + 4 * h:KV * DIM + 4 * h + 4] for d in (keys, vals))
        yield "K %x %x %x %x %x" % (cycle, unit, base + 64 * key + place // (WIDE // 8), place % (WIDE // 8), int.from_bytes(scales, "little"))


def instance_lines(inst, parts, table, token):
    """Lines of an operation on a row, without a fault."""
    n, kind, start, busy, end = int(inst["op"]), inst["operation"], *(int(inst[k + " [cycle]"]) for k in ("start", "busy", "end"))
    first = parts[0]
    data = bytes.fromhex(first["data"])
    if inst["unit"] == "V":
        yield from ("R %x V %x %x 0 %x" % (busy, v, n, start) for v in range(V))
    elif inst["unit"] == "L":
        yield from ("R %x L %x %x 0 %x" % (busy, u, n, start) for u in (range(U) if kind == "linear" else [token // 128]))
    else:
        yield from ("R %x S %x %x 0 %x" % (busy if kind == "cache" else start + 2, v, n, start) for v in range(V))
        if kind == "attend": yield from ("R %x P %x %x 0 %x" % (busy, u, n, start + 40) for u in range(U))
    if kind == "cache":
        yield from page_lines(end - 1, first["layer"], first["position"], data, bytes.fromhex(parts[1]["data"]))
    elif first["value"] == "logits":
        yield from ("L %x %x %x %x" % (end - 5, e // 128, e, int.from_bytes(data[4 * e:4 * e + 4], "little")) for e in range(first["width"]))
        yield "B %x" % (end - 1)
    elif first["form"] == "f32":
        address = table[first["value"]]
        for e in range(first["width"]):
            yield "W %x %x %x 0 %x %x %x" % (end - 1, e // LANES % V, n, address + e // (V * LANES), e % LANES, int.from_bytes(data[4 * e:4 * e + 4], "little"))
    else:
        address = table[first["value"]]
        width = first["width"]
        for g in range(width // 8):
            at, part = divmod(8 * g, LANES)
            yield "C %x %x %x 0 %x %x %x %x" % (end - 5, at % V, n, address + at // V, part // 8, data[width + g], int.from_bytes(data[8 * g:8 * g + 8], "little"))
        for u in range(U):
            yield "S %x %x 0 %x" % (end - 2, u, int.from_bytes(data[-4:], "little"))
            yield "E %x %x" % (end - 1, u)


def rider_lines(inst, parts, table, group, codes, target):
    """Lines of an adapter's down or up on a row (docs/numerics.md 3.4); group: operations of the linears of its value, and their biases."""
    n, start, busy, end = int(inst["op"]), *(int(inst[k + " [cycle]"]) for k in ("start", "busy", "end"))
    is_up, place = inst["part"] == "up", int(inst["place"])
    tag = is_up << 15 | group.index(n) * is_up << 12 | place << 8
    yield from ("R %x A %x %x %x %x" % (busy, u, group[-1] if is_up else n, tag, start) for u in range(U))
    if not is_up:
        h, scale = numerics.integers_of(numerics.product(target.a, codes) * target.a_scale, 32767)
        t = (scale * target.scale).astype(np.float32)
        h = np.pad(h[0], (0, -target.rank % 16)).astype("<i2").tobytes()
        for u in range(U):
            for piece in range(len(h) // 8): yield "D %x %x %x 0 %x" % (end - 1, u, piece, int.from_bytes(h[8 * piece:8 * piece + 8], "little"))
            yield "D %x %x %x 0 %x" % (end - 1, u, len(h) // 8, int.from_bytes(t.tobytes(), "little"))
        return
    base, adds = (np.frombuffer(bytes.fromhex(p["data"]), "<f4") for p in parts)
    for e, bits in enumerate(adds.view("<u4")): yield "U %x %x %x %x %x %x" % (end - 5, e // (len(adds) // U), place, e % (len(adds) // U) // 2, e % 2, bits)
    address = table[parts[0]["value"]]
    for e, bits in enumerate((base + adds).view("<u4")):
        yield "Y %x %x %x %x %x %x" % (end - 1, e // LANES % V, place, address + e // (V * LANES), e % LANES, bits)


def with_adapter():
    """Lines of a step with an adapter, instance by instance, and the token that it ends with."""
    output("adapter", "build", "--random", "4", "--rank", "4", "--base", "tiny.roma", "-o", "rank4.roma")
    output("run", "tiny.roma", "-p", "A", "-n", "2", "--raw", "--spec", "off", "--lora", "rank4.roma", "--trace-values", "t.json", "--trace-full")
    output("sim", "tiny.roma", "--chip", "mini", "--context", "0", "--rank", "4", "--instances", "i.csv", "--no-ranges")
    records, adapter, table, step = [json.loads(line) for line in open("t.json")][1:], rom.Adapter("rank4.roma"), values(), {}
    for r in records:
        if r["position"] == 0: step.setdefault(r["op"], []).append(r)
    token, chosen = (next(r["tokens"][0] for r in records if r["position"] == p and "tokens" in r) for p in (0, 1))
    group, codes, made = [], None, []
    for inst in csv.DictReader(open("i.csv")):
        n, parts = int(inst["op"]), step[int(inst["op"])]
        if inst["part"] == "base":
            made.append(list(instance_lines(inst, parts, table, token)))
            data, width = bytes.fromhex(parts[0]["data"]), parts[0]["width"]
            if inst["operation"] in ("norm", "quantise"):
                shift, scale = np.frombuffer(data[width:-4], np.uint8), np.frombuffer(data[-4:], "<f4")
                group, codes = [], numerics.Codes(np.frombuffer(data[:width], np.int8)[None], shift[None].astype(np.int32), scale)
            if inst["operation"] == "linear": group.append(n)
        else:
            made.append(list(rider_lines(inst, parts, table, group, codes, adapter.target[inst["tensor"], int(inst["layer"])])))
    return made + [["T %x %x" % (int(inst["end [cycle]"]), chosen)]], list(csv.DictReader(open("i.csv")))


def riders():
    """A step with an adapter has no difference; each change is found in the down or the up that it is of."""
    step, instances = with_adapter()
    down, up = (next(i for i, x in enumerate(instances) if (x["tensor"], x["part"]) == ("k", part)) for part in ("down", "up"))

    def run_step(lines, *more, code):
        keep([lines])
        return run("cosim", "--chip", "mini", "--image", "tiny.roma", "-p", "A", "-n", 1, "--lora", "rank4.roma", *more, code=code, env=environment())
    result = json.loads(run_step(step, "--json", "--csv", "o.csv", code=0))
    sums = {o["operation"]: o for o in result["operations"]}
    check(result["mismatches"] == 0 and sums["down"]["instances"] == sums["up"]["instances"] == 7 * LAYERS, "a step with an adapter: %s" % result)
    rows = [r for r in csv.DictReader(open("o.csv")) if r["name"] in ("down", "up")]
    check(len(rows) == 14 * LAYERS and all(r["crc_rtl"] == r["crc_model"] and r["adapter"] == "0" for r in rows), "records of downs and ups")
    for at, find, put, says in [
        (down, "D", field(5, lambda x: x ^ 0x10000), ["down of linear k, layer 0, adapter 0", "H-Unit of matrix unit 0", "code of h 1"]),
        (down, "D 0 0 4", field(5, lambda x: x ^ 1), ["down of linear k", "t 0"]),
        (down, "R", field(6, lambda x: x + 1), ["down of linear k", "start of H-Unit of matrix unit 0"]),
        (down, "D", field(1, lambda x: x + 1), ["codes of h of operation 4"]),
        (down, "R", lambda line: [], ["down of linear k", "reads nothing"]),
        (up, "U", field(6, lambda x: x ^ 1), ["up of linear k, layer 0, adapter 0", "H-Unit of matrix unit 0", "element 0"]),
        (up, "Y", field(6, lambda x: x ^ 1), ["up of linear k", "vector unit 0", "sum 0"]),
        (up, "Y", field(1, lambda x: x + 1), ["up of linear k", "end"]),
        (up, "R", field(1, lambda x: x + 1), ["up of linear k", "busy of H-Unit of matrix unit 0"]),
        (up, "R", field(5, lambda x: x ^ 0x1000), ["up of linear q", "busy of H-Unit of matrix unit 0"]),
        (up, "Y", lambda line: [], ["up of linear k", "sums have not come"]),
    ]:
        copy = [list(lines) for lines in step]
        words = find.split()
        place = next(i for i, line in enumerate(copy[at]) if line[0] == words[0] and (len(words) == 1 or line.split()[2:4] == words[2:4]))
        copy[at][place:place + 1] = put(copy[at][place])
        out = run_step(copy, code=1)
        for words in says: check(words in out, "%s of instance %d: '%s' does not say '%s'" % (find, at, out.strip(), words))


def perfect():
    """Lines of all steps, by operation."""
    output("run", "tiny.roma", "-p", "A", "-n", str(TOKENS + 1), "--raw", "--spec", "off", "--trace-values", "t.json", "--trace-full")
    records = [json.loads(line) for line in open("t.json")][1:]
    table, steps = values(), []
    for record in records:
        if record["op"] == 0: steps.append([])
        if steps[-1] and steps[-1][-1][0]["op"] == record["op"]: steps[-1][-1].append(record)
        else: steps[-1].append([record])
    tokens = [step[1][0]["tokens"][0] for step in steps]
    for k, step in enumerate(steps[:TOKENS]):
        output("sim", "tiny.roma", "--chip", CHIP, "--context", str(k), "--rank", "0", "--instances", "i.csv", "--no-ranges")
        made = [list(instance_lines(inst, parts, table, tokens[k])) for inst, parts in zip(csv.DictReader(open("i.csv")), step)]
        yield made + [["T %x %x" % (int(list(csv.DictReader(open("i.csv")))[-1]["end [cycle]"]), tokens[k + 1])]]


def keep(steps):
    in_order = [sorted((line for lines in step for line in lines), key=lambda line: int(line.split()[1], 16)) for step in steps]
    with open("replay.json", "w") as f: json.dump(in_order, f)


def replay(steps, *more, code):
    keep(steps)
    return run("cosim", "--chip", CHIP, "--image", "tiny.roma", "-p", "A", "-n", TOKENS, *more, code=code, env=environment())


def environment(path=None):
    return dict(os.environ, PATH=path or os.path.abspath("tools") + ":" + os.environ["PATH"], XDG_CACHE_HOME=os.path.abspath("cache"))


def changed(steps, step, op, find, put):
    """A copy in which the first line of the operation that has `find` is another."""
    copy = json.loads(json.dumps(steps))
    lines = copy[step][op]
    at = next(i for i, line in enumerate(lines) if (find in line if find[0] == " " else line.startswith(find)))
    lines[at:at + 1] = put(lines[at])
    return copy


def field(n, change):
    def put(line):
        words = line.split(" ")
        words[n] = "%x" % change(int(words[n], 16))
        return [" ".join(words)]
    return put


def differences(steps):
    """Each change: step, operation, line, what it becomes, and what must be said of it."""
    last = len(steps[0]) - 2
    cases = [
        (0, 0, "W", field(7, lambda x: x ^ 1), ["step 0, operation 0 (angles)", "vector unit 0", "element 0", "3F800001", "3F800000"]),
        (1, 3, "W", field(7, lambda x: x ^ 0x80000000), ["step 1, operation 3 (linear q, layer 0)", "element 0"]),
        (0, 3, "R", field(6, lambda x: x + 1), ["operation 3 (linear q, layer 0)", "start of matrix unit 0 in cycle 128, in the model 127"]),
        (0, 6, "R", field(1, lambda x: x + 1), ["operation 6 (rope, layer 0)", "busy of vector unit 0"]),
        (0, 11, "W", field(1, lambda x: x + 2), ["operation 11 (linear o, layer 0)", "end"]),
        (0, 2, "C", field(8, lambda x: x ^ 0x100), ["operation 2 (norm attn_norm, layer 0)", "vector unit 0", "code 1"]),
        (0, 2, "C", field(7, lambda x: x ^ 1), ["operation 2 (norm attn_norm, layer 0)", "shift 0"]),
        (0, 10, "S", field(4, lambda x: x ^ 1), ["operation 10 (quantise, layer 0)", "matrix unit 0", "scale"]),
        (0, 10, "E", field(1, lambda x: x + 1), ["operation 10 (quantise, layer 0)", "end", "matrix unit"]),
        (1, 8, "K", field(5, lambda x: x ^ 0x10000), ["step 1, operation 8 (cache, layer 0)", "H-Unit of matrix unit 0", "code 2"]),
        (0, 8, "K", field(2, lambda x: x + 1), ["operation 8 (cache, layer 0)", "H-Unit of matrix unit 1: a write of a page of layer 0, position 32"]),
        (0, 8, "K", lambda line: [], ["operation 8 (cache, layer 0)", "H-Unit of matrix unit 0, row 0, head 0 is not written"]),
        (0, 3, "W", lambda line: [], ["operation 3 (linear q, layer 0)", "matrix unit 0, written by vector unit 0, row 0, element 0 has not come"]),
        (0, 2, "C", lambda line: [], ["operation 2 (norm attn_norm, layer 0)", "vector unit 0, row 0, code 0 has not come"]),
        (0, 2, "S", lambda line: [], ["operation 2 (norm attn_norm, layer 0)", "scale"]),
        (0, 2, "E", lambda line: [], ["operation 2 (norm attn_norm, layer 0)", "end"]),
        (0, 9, " P ", field(1, lambda x: x + 7), ["operation 9 (attend, layer 0)"]),
        (0, last, "L", field(4, lambda x: x ^ 4), ["operation %d (linear head)" % last, "logit 0"]),
        (0, last, "B", lambda line: [], ["operation %d" % last, "never ends"]),
        (1, last + 1, "T", field(2, lambda x: x ^ 1), ["the chip's token is"]),
        (0, last + 1, "T", lambda line: [], ["no token comes"]),
        (0, 16, "W", lambda line: [], ["operation 16 (silu, layer 0)", "never ends: 1 pieces"]),
        (0, 5, "R", lambda line: [], ["operation 5 (linear v, layer 0)", "matrix unit 0 reads nothing"]),
    ]
    for step, op, find, put, says in cases:
        out = replay(changed(steps, step, op, find, put), code=1)
        for words in says: check(words in out, "change of operation %d, %s: '%s' does not say '%s'" % (op, find, out.strip(), words))


def same(steps):
    result = json.loads(replay(steps, "--json", "--csv", "o.csv", code=0))
    check(result["tokens"] == TOKENS and result["mismatches"] == 0 and result["cycles_rtl"] == result["cycles_model"], "a chip without a fault: %s" % result)
    check({"seconds", "operations"} <= set(result) and all(o["cycles_rtl"] == o["cycles_model"] for o in result["operations"]), "its operations")
    rows = list(csv.DictReader(open("o.csv")))
    trace = {(r["position"], r["op"]): r["crc"] for r in map(json.loads, list(open("t.json"))[1:]) if r["part"] in ("result", "base")}
    check(len(rows) == TOKENS * 58 and all(r["crc_rtl"] == r["crc_model"] for r in rows), "its records")
    check(all(trace[int(r["step"]), int(r["op"])] == r["crc_rtl"] for r in rows if r["name"] != "cache"), "hashes are those of run --trace-values")
    everything = replay(changed(steps, 0, 3, "W", field(7, lambda x: x ^ 1)), "--all", code=1)
    check(everything.count("operation ") == 1 and "1 operations differ" in everything, "--all goes on: %s" % everything)


def copies():
    """Where all lanes are more than a head's elements, angles are written once for every head of an address; each copy is held against the engine's."""
    global CHIP, LANES
    CHIP, LANES = "wide.chip", 16
    with open(CHIP, "w") as f: f.write("like = mini\n" + "".join("[%s]\n%s = %d [exact]  # assumed: a test\n" % p for p in (("vector", "lanes", 16), ("vector", "div_interval", 2), ("network", "link", 128))))
    steps = list(perfect())
    for step in steps: step[0] += [field(2, lambda unit: unit + 2)(line)[0] for line in step[0] if line[0] == "W"]
    result = json.loads(replay(steps, "--json", code=0))
    check(result["tokens"] == TOKENS and result["mismatches"] == 0, "copies of angles: %s" % result)
    steps[0][0][-1] = field(7, lambda x: x ^ 1)(steps[0][0][-1])[0]
    out = replay(steps, code=1)
    check("operation 0 (angles)" in out and "vector unit 3" in out and "element 31" in out, "a copy that differs: %s" % out)


def whole_chip(steps):
    """Without a chip and an image: the mini chip and the tiny model, whose image is gone when the run has ended."""
    os.makedirs("tmp", exist_ok=True)
    keep(steps)
    result = json.loads(run("cosim", "-p", "A", "-n", TOKENS, "--json", code=0, env=dict(environment(), TMPDIR=os.path.abspath("tmp"))))
    check(result["tokens"] == TOKENS and result["mismatches"] == 0 and not os.listdir("tmp"), "a run without arguments: %s" % result)


def refusals():
    tool("verilator", "#!/bin/sh\nexit 1\n")
    args = ["cosim", "--image", "tiny.roma", "-n", "1", "--quick"]
    for at, says in (("x", "POSITION:FILE[:SCALE]"), ("0:a.roma", "from position 1 on"), ("3:missing.roma", "missing.roma")):
        run(*args, "--lora-at", at, code=2, say=says, env=environment())
    for ids in ("1,", "1;2", "1024", "x"): run(*args, "--prompt-ids", ids, code=2, say="--prompt-ids takes token ids below 1024", env=environment())
    run(*args, "--prompt-ids", "1", "-p", "A", code=2, say="two prompts", env=environment())
    run(*args, "--chunk", "9", code=2, say="chunk_rows", env=environment())
    run(*args, "--fault", "rom-bti", code=2, say="did you mean 'rom-bit'", env=environment())
    run(*args, "--fault", "rom-bit:x", code=2, say="NAME[:STEP[:FROM[:TO]]]", env=environment())
    run(*args, "--style", "brmo", code=2, say="did you mean 'brom'", env=environment())
    run(*args, "--style", "8.0=brom", code=2, say="there is no L-Unit 8.0", env=environment())
    run(*args, "--style", "1.0=brom", "--fault", "rom-bit", code=2, say="without a --style of its L-Unit", env=environment())
    run(*args, "--set", "x", code=2, env=environment())
    run(*args, "--chip", "roma", code=2, env=environment())
    shutil.copytree(os.path.join(TOP, "rtl"), "alone/rtl")
    run(*args, "--rtl", "alone/rtl", code=2, say="--quick needs the source tree", env=environment())
    run(*args[:-1], "--style", "0.0=netlist", "--rtl", "alone/rtl", code=2, say="netlist needs the source tree", env=environment())
    run(*args, "--rtl", ".", code=2, say="cosim/main.cpp is not in it", env=environment())
    run(*args, code=3, say="log", env=environment())
    tool("verilator", '#!/bin/sh\nfor a; do case "$a" in */main.cpp) test -f "$a" && touch %s;; esac; done\nexit 1\n' % os.path.abspath("found"))
    run(*args, "--rtl", os.path.relpath(os.path.join(TOP, "rtl")), code=3, say="log", env=environment())
    check(os.path.exists("found"), "a relative folder of blocks is not found where Verilator runs")
    os.makedirs("empty", exist_ok=True)
    run(*args, code=3, say="Debian's package verilator", env=environment(os.path.abspath("empty")))
    run(*args, "--style", "0.0=netlist", code=3, say="Debian's package yosys", env=environment(os.path.abspath("empty")))
    names = run("cosim", "--faults").splitlines()
    check(len(names) >= 30, "%d faults" % len(names))
    check("vcd" in run("cosim", "--help"), "its help")


with own_folder():
    output("build", TINY, "-o", "tiny.roma")
    refusals()
    tool("sim", SIM % os.path.abspath("replay.json"))
    tool("verilator", "#!/bin/sh\nmkdir -p obj && cp %s obj/sim\n" % os.path.abspath("tools/sim"))
    made = list(perfect())
    same(made)
    whole_chip(made)
    differences(made)
    riders()
    copies()
finish()
