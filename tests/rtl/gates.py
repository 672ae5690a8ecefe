#!/usr/bin/env python3
"""usage: tests/rtl/gates.py [BLOCK...]   paths of blocks in OSU018's cells, areas in OSU018's and ASAP7's

Yosys and ABC map each block twice. To the cells of Debian's qflow-tech-osu018 (180 nm) for speed, with delays from its Liberty file; a wire has
no delay. To the cells of ASAP7 (7 nm), whose areas are in tests/rtl/asap7.txt, for area. Memories are left out of both. A block that breaks its
rule, or has none, is an error:

  leaf       no path between registers is longer than 1.25 times the delay of the block without registers / its latency
  composed   made of such blocks: no path is longer than the slowest one of a leaf block
  iterative  makes digits: no path is longer than 1.25 times the one of its digit step
  assembly   made of composed blocks and too large to be mapped whole: area in ASAP7 alone
  part       without a rule of its own, within its users
  tile       a part of a tile of the whole chip, of assemblies and control: not mapped
"""
import concurrent.futures
import functools
import glob
import os
import random
import re
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
OSU018 = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib"
CONSTRAINTS = "set_driving_cell INVX4\nset_load 30\n"
SPEED = ["strash; ifraig; scorr; dch -f; map; topo; buffer -c; upsize; dnsize; stime -p\n", "strash; dch -f; map; topo; buffer -c; upsize; dnsize; stime -p\n"]
AREA = "strash; ifraig; scorr; dc2; dc2; dc2; dch -f; amap -m\n"
MOST = 1.25
# Of a leaf block its latency; of an iterative one the register that a digit step ends in.
LEAF = [
    ("roma_fp_add", "", 3), ("roma_fp_mul", "", 3), ("roma_int_to_fp", "", 2), ("roma_int_to_fp", "W 64", 2), ("roma_fp_to_int", "", 2),
    ("roma_half_to_fp", "", 1), ("roma_phase", "", 3), ("roma_int_mul", "", 3), ("roma_lunit", "", 2), ("roma_lunit_table", "", 2),
]
ITERATIVE = [
    ("roma_fp_div", "INTERVAL 4", "gen_station[1].state"), ("roma_fp_sqrt", "INTERVAL 4", "gen_station[1].state"),
    ("roma_lunit_serial", "", "gen_row[0].gen_half[0].total"),
]
COMPOSED = [(b, "") for b in (
    "roma_argmax", "roma_choice", "roma_chunk_sum", "roma_codes", "roma_exp", "roma_fold", "roma_fp_mul3", "roma_group_sum", "roma_largest", "roma_leaf", "roma_logit_key", "roma_lunit_any", "roma_merge", "roma_net_best", "roma_net_max", "roma_net_sum", "roma_reciprocal",
    "roma_reduce", "roma_relu2", "roma_rotate", "roma_running", "roma_score_max", "roma_scoreboard", "roma_square", "roma_walker", "roma_waves", "roma_zero")] + [("roma_tree", "LEVELS 2")]
ASSEMBLY = [(b, "") for b in (
    "roma_adapter_root", "roma_adapter_unit", "roma_attend", "roma_code", "roma_denominator", "roma_head_code", "roma_mac", "roma_matrix_unit", "roma_page_code", "roma_page_sum", "roma_page_tree", "roma_rms",
    "roma_score", "roma_silu", "roma_sincos", "roma_squares", "roma_weigh")]
PARTS = ["roma_adapter_shape", "roma_compress", "roma_cut", "roma_delay", "roma_increment", "roma_inverse", "roma_levels", "roma_lzc", "roma_net_part", "roma_page_sram", "roma_ring", "roma_rom_file", "roma_word_file"]
TILES = ["roma_" + b for b in (
    "adapter_tile", "arrivals", "att_arrivals", "downs", "fills", "head_sums", "hunit_codes", "hunit_passes", "hunit_tile", "key_walk", "leaf_queue", "matrix_tile", "page_walk",
    "page_write", "products", "riders", "root", "selftest", "sender", "sequencer", "signatures", "unit_tree", "ups", "vector_lanes", "vector_passes", "vector_tile")]
KEPT = ("fp_add", "fp_mul", "int_to_fp", "int_mul")
PLACED, REGISTER = 0.75, 0.2916
# What a lane of a vector unit has of each block: four lanes take turns at exponentials, sines and quotients, two have a pair, eight a sub-group.
LANE = [
    ("roma_fp_add", "", 1), ("roma_fp_mul", "", 1), ("roma_fp_mul3", "", 1), ("roma_square", "", 1), ("roma_code", "", 1 / 8), ("roma_reduce", "", 1 / 8), ("roma_reduce", "SUM 1 W 29", 1 / 8),
    ("roma_rotate", "", 1 / 2), ("roma_silu", "", 1 / 4), ("roma_sincos", "", 1 / 4), ("roma_phase", "", 1 / 4),
]
ROM_BITS = (256, 64)  # words, bits a word, of the ROM that is made of logic


# ---- cells ----

def asap7():
    """The Liberty text of tests/rtl/asap7.txt, and the delay of an inverter that drives four."""
    library, fo4 = ["library (asap7) {"], None
    pin = "pin (%s) { direction : %s; %s}"
    for line in open(ROOT + "/tests/rtl/asap7.txt", encoding="utf-8"):
        words = line.split()
        if not words or words[0][0] == ";": continue
        if words[0] == "fo4":
            fo4 = float(words[1])
            continue
        name, area, function = words
        if function == "register":
            inputs, extra = ["D"], 'ff (Q,QN) { clocked_on : "C"; next_state : "D"; } ' + pin % ("C", "input", "clock : true; ")
            outputs = [("Y", "QN")]
        elif function == "adder":
            inputs, extra, outputs = ["A", "B", "C"], "", [("CARRY", "!(A*B+A*C+B*C)"), ("SUM", "!(A^B^C)")]
        else:
            inputs, extra, outputs = sorted(set(re.findall("[A-Z]", function))), "", [("Y", function)]
        pins = [pin % (i, "input", "") for i in inputs] + [pin % (o, "output", 'function : "%s"; ' % f) for o, f in outputs]
        library.append("  cell (%s) { area : %s; %s%s }" % (name, area, extra, " ".join(pins)))
    return "\n".join(library + ["}"]) + "\n", fo4


# Yosys's full adder as ASAP7's, whose outputs are inverted
ADDERS = """
(* techmap_celltype = "$fa" *)
module full_adder(A, B, C, X, Y);
    parameter WIDTH = 1;
    input [WIDTH-1:0] A, B, C;
    output [WIDTH-1:0] X, Y;
    wire [WIDTH-1:0] x, y;
    assign X = ~x;
    assign Y = ~y;
    genvar i;
    generate for (i = 0; i < WIDTH; i = i + 1) begin : gen_bit
        FAx1 adder(.A(A[i]), .B(B[i]), .C(C[i]), .CARRY(x[i]), .SUM(y[i]));
    end endgenerate
endmodule
"""


class Tables:
    """The tables of a cell of OSU018; times in ns, loads in pF."""

    def __init__(self, cell):
        text = open(OSU018, encoding="utf-8").read()
        self.text = text[text.index("cell (%s) {" % cell):]
        self.text = self.text[:self.text.index("\ncell (")]
        self.load = float(re.search(r"pin\(\w\).*?capacitance : ([0-9.]+)", self.text, re.S).group(1))

    def at(self, kind, x, y, behind=""):
        """A table's value between its entries; the first table of the kind behind a text."""
        rows = re.search(behind + r".*?\b" + kind + r"\(.*?\{(.*?)\}", self.text, re.S).group(1)
        xs, ys, *values = [[float(v) for v in row.split(",")] for row in re.findall(r'"([^"]*)"', rows)]
        i = max(k for k in range(len(xs) - 1) if k == 0 or xs[k] <= x)
        j = max(k for k in range(len(ys) - 1) if k == 0 or ys[k] <= y)
        f, g = (x - xs[i]) / (xs[i + 1] - xs[i]), (y - ys[j]) / (ys[j + 1] - ys[j])
        return sum(values[i + a][j + b] * (f if a else 1 - f) * (g if b else 1 - g) for a in (0, 1) for b in (0, 1))


def osu018_fo4():
    """Delay of an inverter that drives four, with the edges that such a chain has: mean of rising and falling."""
    inverter, edge = Tables("INVX1"), 0.1
    load = 4 * inverter.load
    for _ in range(30):
        falling, fall = inverter.at("fall_transition", load, edge), inverter.at("cell_fall", load, edge)
        edge, rise = inverter.at("rise_transition", load, falling), inverter.at("cell_rise", load, falling)
    return (fall + rise) / 2


def osu018_register():
    """What a register takes of a cycle: clock to output into the inverter that ABC's paths begin with, and the time before the clock, edges of 0.1 ns."""
    register, load = Tables("DFFPOSX1"), Tables("INVX4").load
    return max(register.at(k, load, 0.1, "rising_edge") for k in ("cell_rise", "cell_fall")) + \
        max(register.at(k, 0.1, 0.1, "setup_rising") for k in ("rise_constraint", "fall_constraint"))


# ---- Yosys ----

def yosys(steps, files=(), kept=""):
    """What Yosys says of the steps; {name} in them is a file of the texts `files`."""
    with tempfile.TemporaryDirectory() as work:
        paths = {}
        for name, text in files:
            paths[name] = os.path.join(work, name)
            open(paths[name], "w", encoding="utf-8").write(text)
        done = subprocess.run(["yosys", "-p", steps.format(kept=kept, **paths)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode: sys.exit("gates: %s\n%s" % (steps, done.stdout[-2000:]))
    return done.stdout


def read(block, parameters):
    words = parameters.split()
    chosen = "".join(" -chparam %s %s" % pair for pair in zip(words[::2], words[1::2]))
    return "read_verilog rtl/*.v; hierarchy -check -top %s%s; proc; " % (block, chosen)


def path(block, parameters, step=None, script=0):
    """Longest path in ns and area in um2, in OSU018's cells; with step only of the logic before that register."""
    cone = ""
    if step:
        stop = ",".join("-" + t for t in ("$dff", "$dffe", "$sdff", "$sdffe", "$sdffce"))
        cone = "opt; select -set ends w:%s %%ci1 t:$*dff* %%i; select -set cone @ends %%ci1:+[D] %%ci*:%s t:$*dff* %%d; submod -name step @cone; hierarchy -top step; " % (step, stop)
    said = yosys(
        read(block, parameters) + "flatten; " + cone + "opt; alumacc; opt -full; techmap; opt; dfflibmap -liberty %s; abc -liberty %s -constr {constraints} -script {script}; stat -liberty %s" %
        (OSU018, OSU018, OSU018), [("constraints", CONSTRAINTS), ("script", SPEED[script])])
    return float(re.findall(r"Delay = *([0-9.]+)", said)[-1]) / 1000, float(re.findall(r"Chip area.*: ([0-9.]+)", said)[-1])


def cells7(steps, files=()):
    """Area in um2 in ASAP7's cells of what the steps read, and how often the blocks KEPT stand in it, which are not mapped with it."""
    kept = "".join("blackbox *roma_%s *roma_%s?LATENCY*; " % (b, b) for b in KEPT)
    said = yosys(
        steps + "{kept}flatten; opt; alumacc; opt -full; techmap; opt; extract_fa -fa; techmap -map {adders}; techmap; opt; dfflibmap -liberty {cells}; "
        "abc -liberty {cells} -script {script}; opt_clean; stat -liberty {cells}", [("cells", asap7()[0]), ("adders", ADDERS), ("script", AREA)] + list(files), kept)
    if re.search(r"Area for cell type (?!.*roma_|\$mem).*unknown", said): sys.exit("gates: a cell without an area\n" + said[-2000:])
    return sum(map(float, re.findall(r"Chip area.*: ([0-9.]+)", said))), re.findall(r"^ +\S*\\?roma_(%s)(?!\w)\S* +([0-9]+)$" % "|".join(KEPT), said, re.M)


@functools.lru_cache(None)
def area(block, parameters=""):
    """Area in um2 of a block in ASAP7's cells. The blocks KEPT are mapped by themselves, so that a constant operand makes none smaller."""
    if block[5:] in KEPT: return cells7(read(block, parameters).replace("proc;", "proc; rename -top top; "))[0]
    own, counts = cells7(read(block, parameters))
    return own + sum(area("roma_" + b) * int(n) for b, n in counts)


# ---- blocks ----

def fastest(block, parameters, most):
    """Path and area as path; what ABC finds varies by a quarter with the order of its work, so a path that is too long is tried in another one."""
    found = path(block, parameters)
    return found if found[0] <= most else min(found, path(block, parameters, script=1))


def leaf(block, parameters, latency):
    without, _ = path(block, parameters + " LATENCY 0")
    longest, speed = fastest(block, parameters + " LATENCY %d" % latency, MOST * without / latency)
    return longest, speed, longest * latency / without, "%.2f without registers / %d" % (without, latency)


def iterative(block, parameters, register):
    step, _ = path(block, parameters, register)
    longest, speed = fastest(block, parameters, MOST * step)
    return longest, speed, longest / step, "digit step %.2f" % step


def composed(block, parameters):
    longest, speed = path(block, parameters)
    return longest, speed, None, ""


def assembly(*_):
    return 0, 0, None, "not mapped whole"


def measured(rule, row):
    return rule, row, globals()[rule](*row), area(row[0], row[1])


def logic(values, width):
    """Area of a table of values made of logic."""
    lines = "".join("            %d: y = %d'd%d;\n" % (i, width, v) for i, v in enumerate(values))
    text = "module table(input [%d:0] x, output reg [%d:0] y);\n    always @* case (x)\n%s            default: y = 0;\n    endcase\nendmodule\n" % (
        (len(values) - 1).bit_length() - 1, width - 1, lines)
    return cells7("read_verilog {text}; hierarchy -top table; proc; memory_map; ", [("text", text)])[0]


def tables():
    """ROM of logic, random words; the decoder of a byte of five trits."""
    words, width = ROM_BITS
    draw, bits = random.Random(1), words * width
    each = logic([draw.getrandbits(width) for _ in range(words)], width) / bits
    print("%d x %d random bits as logic: %.4f um2 a bit in ASAP7, %.4f times log2 of the bits" % (words, width, each, each * (bits.bit_length() - 1)))
    digits = [sum(v // 3**i % 3 << 2 * i for i in range(5)) for v in range(243)]
    print("decoder of a byte of five trits: %.1f um2 in ASAP7" % logic(digits, 10))


def chip():
    """Areas of the chip files out of those of the blocks, in ASAP7's cells; what is placed is given by 0.75."""
    lunit, halves = area("roma_lunit"), 2 * area("roma_half_to_fp", "LATENCY 0")
    sums = [
        ("lunit.lane_area", lunit / 16 + 4 * REGISTER, "a sixteenth of roma_lunit, four registers of a ROM word"),
        ("lunit.serial_area", area("roma_lunit_serial") / 16, "a sixteenth of roma_lunit_serial"),
        ("lunit.table_area", (area("roma_lunit_table") - lunit) / 16 / 8, "roma_lunit_table over roma_lunit, a lane and bit of a level of 8"),
        ("lunit.merge_area", area("roma_merge", "N 16") / 30, "roma_merge of 16 L-Units of two rows"),
        ("lunit.leaf_area", area("roma_leaf") + halves + area("roma_tree", "WIDE 8") / 8, "roma_leaf, two roma_half_to_fp, an eighth of roma_tree, WIDE = 8"),
        ("the same", area("roma_leaf") + halves + area("roma_tree"), "with a roma_tree of its own"),
        ("hunit.exp_area", area("roma_exp") / PLACED, "roma_exp, placed"),
        ("vector.lane_area", sum(area(b, p) * share for b, p, share in LANE) / PLACED, "blocks of a lane, placed"),
    ]
    for key, value, what in sums: print("%-18s %8.2f um2  %s" % (key, value, what), flush=True)


def main():
    chosen = sys.argv[1:]
    rows = [(rule, r) for rule, of in (("leaf", LEAF), ("iterative", ITERATIVE), ("composed", COMPOSED), ("assembly", ASSEMBLY)) for r in of]
    ruled = {r[0] for _, r in rows} | set(PARTS) | set(TILES)
    bad = ["%s has no rule in %s" % (b, os.path.basename(__file__)) for b in sorted(os.path.basename(p)[:-2] for p in glob.glob(ROOT + "/rtl/*.v")) if b not in ruled]
    slowest = every = 0
    fo4, fo4_7 = osu018_fo4(), asap7()[1]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for rule, row, (longest, speed, share, basis), small in pool.map(lambda r: measured(*r), [r for r in rows if not chosen or r[1][0] in chosen]):
            every = max(every, longest)
            if rule == "leaf": slowest = max(slowest, longest)
            broken = share > MOST if share else not chosen and longest > slowest
            print("%-18s %-12s %-9s %6.2f ns %5.1f FO4  %-5s %-28s %9.0f um2 %8.1f um2 in ASAP7%s" % (
                row[0], row[1], rule, longest, longest / fo4, "%.2f" % share if share else "", basis, speed, small, "  TOO LONG" if broken else ""), flush=True)
            if broken: bad.append("%s %s: a path is longer than its rule allows" % row[:2])

    if not chosen:
        tables()
        chip()
        register = osu018_register()
        print("clock: slowest path %.2f ns + register %.2f ns = %.1f FO4 of %.4f ns; in ASAP7, FO4 %.1f ps, %.2f ns" %
              (every, register, (every + register) / fo4, fo4, fo4_7, (every + register) / fo4 * fo4_7 / 1000))
    if bad: sys.exit("gates: " + "\n       ".join(bad))


main()
