#!/usr/bin/env python3
"""Chips as `roma rtl --chip` writes them: twenty of tests/rtl/chips20.py.

usage: check_chip.py ROMA MAKE_MODEL [--lint] [--netlist] [NAME...]

For each: the elaborated top (Yosys) has tiles alone, every net joins two of them that are neighbours, the host's port leads to the root and nowhere
else; faults planted in the top of the first are found. The signatures of the self-test are those of the words in the files, by
docs/program-format.md, and those that a matrix unit's L-Units give in Icarus; with --netlist one of these is the gate netlist of roma_lunit.
With --lint Verilator elaborates a tile of each kind: the root, another vector unit and a matrix unit.
"""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import chips20
from shared import ROMA, TOP, check, finish, own_folder

MAKE_MODEL = os.path.abspath(sys.argv[2])
HOST = ("host_valid", "host_what", "host_address", "host_data", "out_valid", "out_what", "out_data")


class Chip:
    """An emitted chip: its folder and what the chip file says of its grid (docs/cost-model.md 1.5)."""

    def __init__(self, folder, chip_file):
        said = json.loads(subprocess.run([ROMA, "chip", chip_file, "--json"], check=True, capture_output=True, text=True).stdout)
        number = lambda key: int(said[key]["value"] if isinstance(said[key], dict) else said[key])
        self.folder, self.rows, self.columns, self.vectors = folder, number("grid.rows"), number("grid.columns"), number("grid.vector_units")
        self.lunits, self.lanes, self.units = number("lunit.per_matrix_unit"), number("lunit.lanes"), number("grid.matrix_units")
        self.table_bits = number("lunit.table_bits")
        taken = -(-self.vectors // self.columns)
        self.first_vector = (self.rows - taken) // 2 * self.columns
        self.root = self.first_vector + self.vectors // 2

    def neighbours(self, a, b):
        return abs(a // self.columns - b // self.columns) + abs(a % self.columns - b % self.columns) == 1


# ---- nets of the top

def elaborate(folder, top="roma_chip.v"):
    """The top as Yosys elaborates it, the tiles' insides left out: Verilator elaborates those alone."""
    script = "read_verilog -lib roma_tile_*.v; read_verilog %s; hierarchy -check -top roma_chip; proc; write_json -noscopeinfo top.json" % top
    done = subprocess.run(["yosys", "-q", "-p", script.replace(" -noscopeinfo", "")], cwd=folder, capture_output=True, text=True)
    if done.returncode or done.stdout or done.stderr: return None, done.stdout + done.stderr
    return json.load(open(os.path.join(folder, "top.json")))["modules"]["roma_chip"], ""


def violations(chip, top):
    """What the top's netlist has that a chip of tiles may not have."""
    found, on, names = [], {}, {}
    for name, net in top["netnames"].items():
        for bit in net["bits"]: names.setdefault(bit, name)
    tiles = [c["type"] for c in top["cells"].values()]
    if sorted(tiles) != sorted("roma_tile_%d" % t for t in range(chip.rows * chip.columns)): found.append("cells are %s" % sorted(set(tiles)))
    for cell in top["cells"].values():
        tile = re.fullmatch(r"roma_tile_(\d+)", cell["type"])
        if not tile: continue
        for port, bits in cell["connections"].items():
            for bit in bits:
                if bit not in ("0", "1", "x", "z"): on.setdefault(bit, set()).add((int(tile.group(1)), port, cell["port_directions"][port]))
    outside = {}
    for port, what in top["ports"].items():
        for bit in what["bits"]: outside.setdefault(bit, set()).add(port)
    for bit in sorted(set(on) | set(outside), key=str):
        joined, ports = sorted({t for t, _, _ in on.get(bit, ())}), outside.get(bit, set())
        name = "net %s joins tiles %s" % (names.get(bit, bit), joined)
        if ports and ports <= {"clk", "reset"} and len(ports) == 1:
            if {p for _, p, _ in on.get(bit, ())} != ports: found.append(name + " as something else than " + str(ports))
        elif ports:
            if joined != [chip.root] or len(ports) != 1 or not ports <= set(HOST): found.append(name + " and the host's " + str(sorted(ports)))
        elif len(joined) != 2 or len(on[bit]) != 2 or not chip.neighbours(*joined):
            found.append(name + ", which are no neighbours")
        elif sorted(d for _, _, d in on[bit]) != ["input", "output"]:
            found.append(name + " as no link from one to the other")
    return found


def planted(chip):
    """Tops with one fault each, by name."""
    text = open(os.path.join(chip.folder, "roma_chip.v")).read()
    links = re.findall(r"wire \[(\d+):0\] (from_(\d+)_\w+);", text)
    far = [(wide, net) for wide, net, tile in links for other in [int(tile)] if not chip.neighbours(other, 0) and other != 0]
    own = re.search(r"\.(\w+)_i\((from_\d+_\w+)\)", text.partition("roma_tile_0 ")[2])
    wide = [w for w, net, _ in links if net == own.group(2)][0]
    other = chip.root - 1 if chip.vectors > 1 else 0
    yield "a far tile's wire at tile 0", text.replace("_i(%s)" % own.group(2), "_i({%s{1'b0}} | %s[0])" % (1, far[0][1]), 1)
    yield "a wire of the far tile itself", text.replace("_i(%s)" % own.group(2), "_i(%s)" % far[0][1], 1)
    yield "one bit of a link from elsewhere", text.replace("_i(%s)" % own.group(2), "_i({%s, %s[0]})" % (own.group(2) + "[%s:1]" % wide, far[0][1]), 1)
    yield "two wires that are one", text.replace("    roma_tile_0 ", "    assign %s[0] = %s[0];\n    roma_tile_0 " % (own.group(2), far[0][1]), 1)
    yield "logic in the top", text.replace("    roma_tile_0 ", "    reg kept;\n    always @(posedge clk) kept <= %s[0];\n    assign out_data[0] = kept;\n    roma_tile_0 " % far[0][1], 1)
    yield "a link's bits shared by a neighbour's neighbour", re.sub(r"\.(\w+_i)\((from_%d_\w+)\)" % chip.root, r".\1(\2 ^ {out_valid})", text, count=1)
    yield "the host's clock at a link", text.replace("_i(%s)" % own.group(2), "_i({%s, clk})" % (own.group(2) + "[%s:1]" % wide), 1)
    yield "reset that comes from the host", text.replace("(.clk(clk), .reset(reset)", "(.clk(clk), .reset(host_valid)", 1)
    yield "no tile %d" % other, re.sub(r"    roma_tile_%d .*?\);\n" % other, "", text, count=1, flags=re.S)


def check_nets(chip, name):
    top, said = elaborate(chip.folder)
    found = violations(chip, top) if top else [said]
    check(not found, "%s: %d faults of nets: %s" % (name, len(found), found[:3]))


def check_planted(chip):
    for name, text in planted(chip):
        with open(os.path.join(chip.folder, "bad.v"), "w") as f: f.write(text)
        top, said = elaborate(chip.folder, "bad.v")
        check(text != open(os.path.join(chip.folder, "roma_chip.v")).read() and (said or violations(chip, top)), "a planted fault is not found: " + name)


# ---- self-test

WEIGHTS = (31, 53, 61, 65, 67, 87, 101, 105)
# Input i of a row lies in byte i mod 4, from bit 2 floor(i / 4) on.
SUMS = [[sum((value >> 2 * (i // 4) & 3) * WEIGHTS[i % 8] << (0 if i < 8 else 7) for i in range(byte, 16, 4)) for value in range(256)] for byte in range(4)]


def row_sum(row):
    return SUMS[0][row & 255] + SUMS[1][row >> 8 & 255] + SUMS[2][row >> 16 & 255] + SUMS[3][row >> 24]


def signatures(chip, unit):
    s, out = 0xffffffff, []
    for l in range(chip.lunits):
        for line in open(os.path.join(chip.folder, "rom_%d_%d.hex" % (unit, l))):
            word = int(line, 16)
            s = (s << 1 & 0xffffffff) ^ (0x00400007 if s >> 31 else 0)
            for r in range(chip.lanes // 8):
                turned = row_sum(word >> 32 * r & 0xffffffff) << 7 * r % 32
                s ^= turned & 0xffffffff ^ turned >> 32
        out.append(s)
    return out


def check_signatures(chip, name):
    told = [int(line, 16) for line in open(os.path.join(chip.folder, "selftest.hex"))]
    check(len(told) == chip.units * chip.lunits and len(set(told)) == len(told), "%s: signatures of the self-test" % name)
    if not os.path.exists(os.path.join(chip.folder, "rom_0_0.hex")): return
    unit = sum(map(ord, name)) % chip.units
    check(told[unit * chip.lunits:(unit + 1) * chip.lunits] == signatures(chip, unit), "%s: signatures of matrix unit %d" % (name, unit))


BENCH = """`timescale 1ns/1ns
module bench;
    reg clk = 0, reset = 1, start = 0;
    wire busy;
    wire [32:0] sign;
%s
    wire unused_scale = |scale_word;
    assign lunit_bits = 2'd0;
    assign lunit_shifts = {%d{6'o70}};
    roma_selftest #(.N(%d), .LANES(%d), .WORDS(%d), .PASS(%d), .ADDRESS(%d), .PIPELINE(3)) test (
        .clk(clk), .reset(reset), .start(start), .busy(busy), .address(lunit_address), .codes(lunit_codes), .sums(lunit_sums), .sign(sign));
    always #1 clk = ~clk;
    always @(negedge clk) if (sign[32]) $display("%%h", sign[31:0]);
    initial begin
        #40 reset = 0;
        #40 start = 1;
        #2 start = 0;
        #2 while (busy) #2;
        #8 $finish;
    end
endmodule
"""


def simulate(chip, unit):
    """What the self-test of a matrix unit tells in Icarus: its L-Units with their ROMs, as the tile has them, and roma_selftest."""
    tile = unit if unit < chip.first_vector else unit + chip.vectors
    text = open(os.path.join(chip.folder, "roma_tile_%d.v" % tile)).read()
    inside = text[text.index("    wire", text.index("lunit_address") - 30):text.index("    roma_rom_file")]
    words = json.load(open(os.path.join(chip.folder, "manifest.json")))["words"]
    address = int(re.search(r"wire \[(\d+):0\] lunit_address", text).group(1)) + 1
    with open(os.path.join(chip.folder, "bench.v"), "w") as f:
        f.write(BENCH % (inside, chip.lunits, chip.lunits, chip.lanes, words, max(words, chip.units), address))
    subprocess.run(["iverilog", "-g2005", "-y", os.path.join(TOP, "rtl"), "-y", ".", "-s", "bench", "-o", "bench.vvp", "bench.v"], cwd=chip.folder, check=True)
    said = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=chip.folder, check=True, capture_output=True, text=True).stdout
    return [int(line, 16) for line in said.split() if re.fullmatch("[0-9a-f]{8}", line)]


def check_selftest(with_netlist):
    """Four L-Units of four styles tell what the files say, and one flipped bit from its L-Unit on; the other units' words do not know of it."""
    chip_file, image = chips20.write(ROMA, MAKE_MODEL, "mini", ".")
    subprocess.run([ROMA, "rtl", "--chip", chip_file, "--image", image, "--style", "array,5.1=brom,5.2=fused,5.3=" + ("netlist" if with_netlist else "case"), "-o", "styles"], check=True)
    if with_netlist:
        subprocess.run([sys.executable, os.path.join(TOP, "tests/rtl/netlist.py"), "--write", "lunit_5_3", "styles", "roma_lunit", "LANES", "16", "LATENCY", "2"], check=True)
    chip = Chip(os.path.abspath("styles"), chip_file)
    told = [int(line, 16) for line in open("styles/selftest.hex")][5 * chip.lunits:6 * chip.lunits]
    now = simulate(chip, 5)
    check(now == told, "self-test of array, brom, fused and case or netlist: %s, expected %s" % (now, told))
    for lunit, file, before in ((0, "rom_5_0.hex", "\n"), (2, "rom_5_2.v", "{c")):
        path = os.path.join("styles", file)
        text = open(path).read()
        at = text.index(before, len(text) // 2) + len(before)  # a digit of a word; a select's line, of which bit k is address k of its group
        with open(path, "w") as f: f.write(text[:at] + "%x" % (int(text[at], 16) ^ 4) + text[at + 1:])
        now = simulate(chip, 5)
        check([a != b for a, b in zip(now, told)] == [l >= lunit for l in range(chip.lunits)], "a bit flipped in L-Unit %d: %s, expected %s" % (lunit, now, told))
        with open(path, "w") as f: f.write(text)


LEVELS = """`timescale 1ns/1ns
module bench;
    reg clk = 0, start = 1;
    wire is_table;
    wire [%d:0] levels;
    roma_levels #(.PROGRAM("program.hex"), .WORDS(%d), .LEVEL(%d)) block (
        .clk(clk), .start(start), .has_table(1'b1), .format(9'd%d), .is_table(is_table), .levels(levels));
    always #1 clk = ~clk;
    initial begin
        #2 start = 0;
        #2 $display("%%h %%h", is_table, levels);
        $finish;
    end
endmodule
"""


def check_levels(chip, name, bits):
    """The table of the program's last format, as roma_levels has it two cycles after `start`."""
    words = [int(line, 16) for line in open(os.path.join(chip.folder, "program.hex"))]
    number = (words[1] >> 16 & 0xffff) - 1
    at = 3 + (words[1] >> 32 & 0xffff) + 5 * number
    table = [words[at + 1 + i // 4] >> 16 * (i % 4) & (1 << bits) - 1 for i in range(16)]
    check(words[at] & 1 and len(set(table)) == 16, name + ": a table of levels")
    with open(os.path.join(chip.folder, "bench.v"), "w") as f: f.write(LEVELS % (16 * bits - 1, len(words), bits, number))
    subprocess.run(["iverilog", "-g2005", "-y", os.path.join(TOP, "rtl"), "-s", "bench", "-o", "bench.vvp", "bench.v"], cwd=chip.folder, check=True)
    said = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=chip.folder, check=True, capture_output=True, text=True).stdout.split()
    wanted = sum(level << bits * i for i, level in enumerate(table))
    check(said[0] == "1" and int(said[1], 16) == wanted, "%s: levels %s, expected %x" % (name, said, wanted))


# ---- lint

def check_lint(chip, name):
    matrix = 0 if chip.first_vector else chip.vectors
    other = [chip.first_vector] if chip.vectors > 1 else []
    for tile in [chip.root, matrix] + other:
        words = ["verilator", "--lint-only", "-Wno-lint", "-Wno-fatal", "--unroll-count", "1024", "-y", os.path.join(TOP, "rtl"), "-y", ".", "--top-module", "roma_tile_%d" % tile, "roma_tile_%d.v" % tile]
        done = subprocess.run(words, cwd=chip.folder, capture_output=True, text=True)
        check(done.returncode == 0 and "rror" not in done.stderr, "%s: tile %d: %s" % (name, tile, done.stderr[-1500:]))


def main():
    words = sys.argv[3:]
    names = [w for w in words if w[:2] != "--"] or [c[0] for c in chips20.CHIPS]
    with own_folder():
        check_selftest("--netlist" in words)
        for name in names:
            chip_file, image = chips20.write(ROMA, MAKE_MODEL, name, ".")
            done = subprocess.run([ROMA, "rtl", "--chip", chip_file, "--image", image, "-o", name], capture_output=True, text=True)
            if not check(done.returncode == 0, "%s: exit code %d: %s" % (name, done.returncode, done.stderr)): continue
            chip = Chip(os.path.abspath(name), chip_file)
            check_nets(chip, name)
            check_signatures(chip, name)
            if name.endswith("-levels"): check_levels(chip, name, chip.table_bits)
            if "--lint" in words: check_lint(chip, name)
            if name == names[0]: check_planted(chip)
    finish("%d chips" % len(names))


main()
