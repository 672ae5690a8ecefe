#!/usr/bin/env python3
"""usage: tests/rtl/read_program.py DIR|program.hex          prints a chip's program
       tests/rtl/read_program.py --check ROMA MODEL CHIP   has ROMA write the chip of a GGUF model, and finds its plan and placement again

Written from docs/program-format.md alone; what it finds is held against `roma plan --json`, with and without --place.
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

KINDS = "embed norm quantise linear bias head_norm angles rope cache attend silu residual relu2".split()
MATRIX, VECTOR = ("embed", "linear"), ("norm", "bias", "head_norm")
NONE, PAGES = 255, 254


def fail(text):
    sys.exit("read_program: " + text)


def bits(word, high, low):
    return word >> low & (1 << high - low + 1) - 1


def signed(v, n):
    return v - (1 << n) if v >> n - 1 else v


def fp32(v):
    return struct.unpack("<f", struct.pack("<I", v))[0]


class Program:
    def __init__(self, path):
        words = [int(line, 16) for line in open(path)]
        if any(len(line) != 17 for line in open(path)): fail(path + ": a line has not 16 digits")
        if words[0].to_bytes(8, "little") != b"ROMAPROG": fail(path + ": no program of a chip")
        if bits(words[1], 63, 48) != 1: fail(path + ": version %d" % bits(words[1], 63, 48))
        n = [bits(words[1], 47, 32), bits(words[1], 31, 16), bits(words[1], 15, 0)]
        if len(words) != 3 + n[0] + 5 * n[1] + 5 * n[2]: fail("%s: %d words" % (path, len(words)))
        self.base = words[2].to_bytes(8, "little")
        self.values = [self.value(w) for w in words[3:3 + n[0]]]
        at = 3 + n[0]
        self.formats = [self.format(words[at + 5 * i:at + 5 * i + 5]) for i in range(n[1])]
        at += 5 * n[1]
        self.records = [words[at + 5 * i:at + 5 * i + 5] for i in range(n[2])]

    @staticmethod
    def value(w):
        return {"width": bits(w, 63, 40), "codes": bool(bits(w, 39, 39)), "words": bits(w, 35, 20), "address": bits(w, 19, 0)}

    @staticmethod
    def format(w):
        table = [signed(bits(w[1 + i // 4], 16 * (i % 4) + 15, 16 * (i % 4)), 16) for i in range(16)]
        return {"bits": bits(w[0], 63, 56), "group": bits(w[0], 55, 40), "zero": signed(bits(w[0], 39, 24), 16),
                "scale": bits(w[0], 23, 16), "min": bits(w[0], 15, 8), "table": table if w[0] & 1 else None}

    def operations(self):
        """The plan, loops unrolled."""
        out, at, loop, turn = [], 0, None, 0
        while True:
            w = self.records[at]
            what = bits(w[0], 63, 59)
            if what == 0: return out
            if what == 1:
                loop, turn = (at, bits(w[2], 63, 40), bits(w[1], 15, 0), bits(w[3], 63, 32), bits(w[3], 31, 0), bits(w[4], 63, 32)), 0
            elif what == 2:
                turn += 1
                if turn < loop[1]: at = loop[0]
                else: loop, turn = None, 0
            else: out.append(self.operation(w, loop, turn))
            at += 1

    def operation(self, w, loop, turn):
        kind = KINDS[bits(w[0], 63, 59) - 3]
        slots, lunit, scale, vector = loop[2:] if loop else (0, 0, 0, 0)
        layer, slot = bits(w[0], 23, 0), bits(w[1], 15, 0)
        op = {"op": kind, "last": bool(bits(w[0], 58, 58)), "head": bool(bits(w[0], 57, 57)),
              "in": [bits(w[0], 47, 40), bits(w[0], 39, 32)], "out": bits(w[0], 31, 24),
              "address": [bits(w[1], 63, 48), bits(w[1], 47, 32), bits(w[1], 31, 16)],
              "layer": -1 if layer == 0xffffff else layer + turn, "slot": None if slot == 0xffff else slot + turn * slots,
              "elements": bits(w[2], 39, 20), "head_dim": bits(w[2], 19, 10), "rotated": bits(w[2], 9, 0)}
        base = bits(w[3], 63, 32)
        if op["slot"] is not None: op.update(ups=bits(w[2], 3, 3), biased=bits(w[2], 2, 2), of_group=bits(w[2], 1, 0), rotated=0)
        if kind in MATRIX:
            op.update(rows=bits(w[2], 63, 40), base=base + turn * lunit, scales=bits(w[3], 31, 0) + turn * scale,
                      format=self.formats[bits(w[0], 56, 48)], row_groups=bits(w[4], 63, 48), row_words=bits(w[4], 47, 32),
                      groups=bits(w[4], 31, 16), scale_words=bits(w[4], 15, 0))
        else:
            op.update(base=base + (turn * vector if kind in VECTOR else 0), constants=[fp32(bits(w[4], 63, 32)), fp32(bits(w[4], 31, 0))])
        return op

    def show(self):
        name = lambda v: "-" if v == NONE else "cache" if v == PAGES else "v%d" % v
        print("%d values, %d formats, %d records" % (len(self.values), len(self.formats), len(self.records)))
        for i, o in enumerate(self.operations()):
            print("%5d  %3s  %-9s %-6s %-6s -> %-6s" % (i, o["layer"] if o["layer"] >= 0 else "-", o["op"], *map(name, o["in"]), name(o["out"])),
                  "%dx%d at %d, scales at %d" % (o["rows"], o["elements"], o["base"], o["scales"]) if o["op"] in MATRIX else "%d at %d" % (o["elements"], o["base"]))


# ---- the program as the blocks walk it ----

BENCH = """module bench;
    reg clk = 0, reset = 1;
    wire valid, there;
    wire [319:0] record;
    wire [15:0] number;
    wire [7:0] before0, before1;
    reg [WAIT:0] late;  // the writes of records that were taken
    reg [8*WAIT+7:0] late_value;
    integer cycle = 0, taken = 0;
    wire take = valid && there && !reset;
    roma_walker #(.FILE("program.hex"), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'hfff8)) walker (
        .clk(clk), .reset(reset), .take(take), .valid(valid), .record(record), .number(number), .before0(before0), .before1(before1));
    roma_scoreboard scoreboard (
        .clk(clk), .clear(reset), .ended(late[WAIT]), .value(late_value[8*WAIT +: 8]), .block(1'b0), .in0(record[47:40]), .in1(record[39:32]),
        .before0(before0), .before1(before1), .in_block(1'b0), .there(there));
    always @(posedge clk) begin
        late <= reset ? 0 : {late[WAIT-1:0], take && record[31:24] != 8'd255};
        late_value <= {late_value[8*WAIT-1:0], record[31:24]};
        if (take) $display("%0d %0d %h", cycle, number, record);
        if (take) taken = taken + 1;
        cycle = cycle + 1;
    end
    initial begin
        repeat (4) begin #1 clk = 1; #1 clk = 0; end
        reset = 0;
        while (taken < MOST && cycle < 100000) begin #1 clk = 1; #1 clk = 0; end
        $finish;
    end
endmodule
"""
WAIT = 7


def walk(folder, program):
    """The same operations must come out of roma_walker, each in the first cycle in which roma_scoreboard has the writes that it waits for, WAIT + 1 cycles after
    they were issued."""
    ops, first = program.operations(), 3 + len(program.values) + 5 * len(program.formats)
    text = BENCH.replace("WAIT", str(WAIT)).replace("WORDS(WORDS)", "WORDS(%d)" % (first + 5 * len(program.records))).replace("FIRST(FIRST)", "FIRST(%d)" % first)
    open(folder + "/bench.v", "w").write(text.replace("MOST", str(len(ops))))
    rtl = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "rtl")
    for words in (["iverilog", "-g2005", "-y", rtl, "-s", "bench", "-o", "sim", "bench.v"], ["vvp", "-n", "sim"]):
        done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode: fail("%s: %s" % (words[0], done.stdout))
    lines = [line.split() for line in done.stdout.splitlines() if line[0].isdigit()]
    if len(lines) != len(ops): fail("the walker hands out %d records, not %d" % (len(lines), len(ops)))
    written, before, got = {}, None, []
    for (cycle, number, digits), op in zip(lines, ops):
        words = [int(digits, 16) >> 64 * i & (1 << 64) - 1 for i in range(5)]
        if program.operation(words, None, 0) != op: fail("the walker's record %s is %s" % (number, program.operation(words, None, 0)))
        earliest = [written[v] + WAIT + 1 for v in op["in"] if v != NONE] + [0 if before is None else before + 1]
        got.append((int(cycle), max(earliest)))
        before = int(cycle)
        if op["out"] != NONE: written[op["out"]] = before
    late = [i for i, (cycle, earliest) in enumerate(got[1:], 1) if not earliest <= cycle <= earliest + (2 if got[i - 1][0] + 3 > cycle else 0)]
    if late: fail("record %d is issued in cycle %d, not %d" % (late[0], *got[late[0]]))


# ---- the plan again ----

def ask(roma, *words):
    done = subprocess.run([roma, "plan", *words, "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode: fail("roma plan: exit code %d" % done.returncode)
    return json.loads(done.stdout)


def number_values(ops):
    """Values by the order in which the program numbers them need no names: each name must be one number, and the other way round."""
    seen = {}
    for o, want in ops:
        names = want["in"] + [None] * (2 - len(want["in"])) + [want["out"]]
        if want["op"] == "attend": names[1] = "cache"
        for name, v in zip(names, o["in"] + [o["out"]]):
            number = NONE if name is None else PAGES if name == "cache" else None
            if number is None: number = seen.setdefault(name, v)
            if v != number: fail("%s: value %s is %s" % (want["op"], v, name))
    if len(set(seen.values())) != len(seen): fail("two names have one number")
    return seen


def check_operation(o, want, tensors, scales, g):
    for key in ("op", "layer"):
        if o[key] != want[key]: fail("%s of %s is %s" % (key, want, o[key]))
    if "tensor" not in want: return
    name = want["tensor"] if want["layer"] < 0 else "%d.%s" % (want["layer"], want["tensor"])
    at = tensors[name]
    if o["base"] != at["base"]: fail("%s lies at %d, not at %d" % (name, at["base"], o["base"]))
    if o["op"] not in MATRIX: return
    want_words = (want["rows"], want["cols"], at["row_group_words"], at["unit_rows"] // g, scales[name], at["own_words"])
    if (o["rows"], o["elements"], o["row_words"], o["row_groups"], o["scales"], o["scale_words"] * o["row_groups"]) != want_words:
        fail("%s: %s is not %s" % (name, o, want_words))


def check_groups(ops):
    """Slots are counted product by product, and what stands with a product says where its group ends (docs/cost-model.md 1.2)."""
    groups, slots, before = [], 0, None
    for o in ops:
        product = o["op"] == "linear" and o["layer"] >= 0
        bias = o["op"] == "bias" and before is not None and before["op"] == "linear" and o["in"][0] == before["out"]
        if (o["slot"] is not None) != (product or bias): fail("slot of %s" % o)
        if product:
            if o["slot"] != slots: fail("slot %d, not %d" % (o["slot"], slots))
            slots += 1
            if not groups or groups[-1][0]["in"] != o["in"] or groups[-1][-1] is not before: groups.append([])
        if bias and o["slot"] != before["slot"]: fail("a bias has another slot than its product")
        if product or bias: groups[-1].append(o)
        before = o
    for group in groups:
        number = -1
        for i, o in enumerate(group):
            number += o["op"] == "linear"
            biased = i + 1 < len(group) and group[i + 1]["op"] == "bias"
            if (o["of_group"], o["biased"], o["ups"]) != (number, biased, i + 1 == len(group)): fail("%s in its group" % o)


def check(roma, model, chip):
    with tempfile.TemporaryDirectory() as folder:
        image = folder + "/model.roma"
        if subprocess.run([roma, "build", model, "-o", image], stdout=subprocess.DEVNULL).returncode: fail("no image of " + model)
        if subprocess.run([roma, "rtl", "--chip", chip, "--image", image, "-o", folder + "/chip", "--style", "array"]).returncode:
            fail("roma rtl does not write the chip")
        program = Program(folder + "/chip/program.hex")
        manifest = json.load(open(folder + "/chip/manifest.json"))
        if shutil.which("iverilog"): walk(folder + "/chip", program)
        plan, place = ask(roma, image), ask(roma, image, "--place", "--chip", chip)
    tensors, scales, own = {}, {}, 0
    for t in place["tensors"]:
        tensors[t["name"]], scales[t["name"]] = t, own
        own += t.get("own_words", 0)
    for name, t in tensors.items():  # a tied matrix is its table
        if t["where"] == "nowhere": tensors[name], scales[name] = tensors["embed"], scales["embed"]
    ops = program.operations()
    if len(ops) != len(plan["ops"]): fail("%d operations, not %d" % (len(ops), len(plan["ops"])))
    seen = number_values(list(zip(ops, plan["ops"])))
    g = manifest["lanes"] // 8
    for o, want in zip(ops, plan["ops"]): check_operation(o, want, tensors, scales, g)
    check_groups(ops)
    print("read_program: %s on %s: %d operations in %d records, %d values, as the plan has them" % (
        os.path.basename(model), os.path.basename(chip), len(ops), len(program.records), len(seen)))


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--check": check(*sys.argv[2:])
    elif len(sys.argv) == 2: Program(os.path.join(sys.argv[1], "program.hex") if os.path.isdir(sys.argv[1]) else sys.argv[1]).show()
    else: fail("see its first lines")


main()
