#!/usr/bin/env python3
"""ROMs that `roma rtl --rom` writes, from outside: words, simulation, lint, proofs.

usage: check_rom.py ROMA MAKE_IMAGE [IMAGE]   images of every format, the tiny model, and IMAGE if it is there
       check_rom.py ROMA --prove              64 Kbit: array = case = brom, recorded in tests/rtl/proved_rom.txt

Words are computed from docs/placement.md and docs/rom-format.md, by tests/image/read_rom.py. Icarus reads every word of every style out of the
Verilog, and fused blocks give the engine's products of a prompt, bit for bit; Verilator -Wall, Icarus -Wall and Yosys check -assert have nothing to say; Yosys proves the three styles equal for every address and
every state, and must not prove it of a B-ROM with one select changed, nor of an array with one digit changed. Without these tools their part is skipped, by name.
"""
import contextlib
import hashlib
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests", "image"))
import read_rom  # noqa: E402

ROMA = os.path.abspath(sys.argv[1])
STYLES = ("array", "case", "brom")
RECORD = os.path.join(HERE, "proved_rom.txt")
checks = 0


def check(ok, what):
    global checks
    checks += 1
    if not ok:
        sys.exit("check_rom: " + what)


def command(*words, cwd=None):
    done = subprocess.run(words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def roma(*words, code=0):
    status, said = command(ROMA, *map(str, words))
    check(status == code, "roma %s: exit %d, expected %d: %s" % (" ".join(map(str, words)), status, code, said))
    return said


def have(tool):
    if shutil.which(tool):
        return True
    skipped = os.environ.get("ROMA_SKIPPED")
    print("check_rom: no %s" % tool)
    if skipped:
        with open(skipped, "a") as f:
            f.write("rom: what %s does with ROM contents, as it is not installed\n" % tool)
    return False


# ---- words, as docs/placement.md has them ----

class Model:
    def __init__(self, path):
        with open(path, "rb") as f:
            self.file = read_rom.Image(f.read())
        with contextlib.redirect_stdout(io.StringIO()):
            sections, _ = read_rom.read_frame(self.file)
        start = sections["TENS"][0]
        count = int.from_bytes(self.file.data[start:start + 4], "little")
        tensors = [read_rom.Tensor(self.file, start + 16 + 128 * i) for i in range(count)]
        self.tensors = {}
        for t in tensors:
            name = t.name if t.name in ("embed", "head", "final_norm") else "%d.%s" % (t.layer, t.name)
            self.tensors[name] = tensors[t.tie] if t.tie >= 0 else t
        self.path = path

    def codes(self, name, row):
        """The codes of a row; of a row that is not there zeros."""
        t = self.tensors[name]
        if row >= t.rows:
            return [0] * t.cols
        at = t.offset + row // 16 * t.tile_bytes
        tile = self.file.data[at:at + t.tile_bytes]
        return [t.code(tile, row % 16, i) for i in range(t.cols)]


def words(model, name, lanes, rows=None, placed=None):
    """placed: unit, lunit, units of the chip, L-Units of a unit."""
    t, g = model.tensors[name], lanes // 8
    b = 2 if t.bits == 2 else 4 if t.bits <= 4 else 8
    first, last = rows or (0, t.rows - 1)
    every, mine = 1, 0
    if placed:
        unit, mine, units, every = placed
        r = g * -(-t.rows // (units * g))
        first, last = unit * r, unit * r + r - 1
    per = 32 // b
    out = []
    for group in range(first, last + 1, g):
        codes = [model.codes(name, row) if row <= last else [0] * t.cols for row in range(group, group + g)]
        for k in range(mine, -(-(t.cols * b // 32) // every) * every, every):
            word = 0
            for j, row in enumerate(codes):
                for x, code in enumerate(row[k * per:(k + 1) * per]):
                    word |= code << 32 * j + 8 * (x % 4) + b * (x // 4)
            out.append(word)
    return out


def devices(list_, width):
    """(group, bit) pairs that are not four zeros."""
    n = 0
    for i in range(0, len(list_), 4):
        any_ = 0
        for word in list_[i:i + 4]:
            any_ |= word
        n += bin(any_).count("1")
    return n


# ---- one ROM in every style ----

BENCH = """module bench;
    reg clk = 0;
    reg [%d:0] addr = 0;
    wire [%d:0] word;
    roma_rom rom(.clk(clk), .addr(addr), .word(word));
    integer i;
    initial begin
        for (i = 0; i < %d; i = i + 1) begin
            addr = i;
            #1 clk = 1;
            #1 $display("%%h", word);
            clk = 0;
        end
        $finish;
    end
endmodule
"""


def simulate(folder, bits, width):
    """Every word at every address, by Icarus."""
    with open(os.path.join(folder, "bench.v"), "w") as f:
        f.write(BENCH % (bits - 1, width - 1, 1 << bits))
    status, said = command("iverilog", "-g2005", "-Wall", "-s", "bench", "-o", "sim", "bench.v", "rom.v", cwd=folder)
    said = "\n".join(line for line in said.split("\n") if "timescale" not in line)
    check(status == 0 and not said.strip(), "Icarus: " + said)
    status, said = command("vvp", "-n", "sim", cwd=folder)
    check(status == 0, "vvp: " + said)
    for name in ("bench.v", "sim"):
        os.unlink(os.path.join(folder, name))
    return [int(line, 16) for line in said.split() if re.fullmatch("[0-9a-f]+", line)]


def lint(folder, tools, top="roma_rom"):
    """What parsers say. Icarus reads a ROM in simulate and Yosys in prove, with the same demands, so that Verilator alone is left where both are there."""
    rtl = os.path.join(TOP, "rtl")
    fused = top == "roma_fused"
    blocks = " ".join("%s/%s.v" % (rtl, name) for name in ("roma_lunit", "roma_cut", "roma_compress")) if fused else ""
    for tool, line in (("verilator", ["verilator", "--lint-only", "-Wall", "-y", rtl, "rom.v"]),
                       ("iverilog", ["iverilog", "-g2005", "-Wall", "-y", rtl, "-o", os.devnull, "rom.v"]),
                       ("yosys", ["yosys", "-q", "-p", "read_verilog rom.v %s; hierarchy -check -top %s; proc; check -assert" % (blocks, top)])):
        if tool in tools and (fused or tool == "verilator"):
            status, said = command(*line, cwd=folder)
            check(status == 0 and not said.strip(), "%s of %s: %s" % (tool, folder, said))


# A register is what it takes in the cycle before, in both circuits: so a proof without registers is one for any state.
REGISTER = """(* techmap_celltype = "$dff" *)
module register #(parameter WIDTH = 1, CLK_POLARITY = 1) (input CLK, input [WIDTH-1:0] D, output [WIDTH-1:0] Q);
    assign Q = D;
endmodule
"""


def prove(a, b, brom=False):
    """Whether two ROM folders are one circuit, for every address and any state, each with one register of rising edges, and without a warning of Yosys.

    Both become the same form, which SAT only has to confirm: an array and a case tables; a case and a B-ROM, looked at by each of the four addresses of a group,
    where candidate lines are constants, branches of words."""
    with open(os.path.join(a, "manifest.json")) as f:
        manifest = json.load(f)
    width, bits = manifest["width"], manifest["address_bits"]
    low = 2 if brom and bits > 2 else 0
    both = "module both(input [%d:0] group, output differ);\n    wire [%d:0] l, r;\n" % (bits - low - 1, (width << low) - 1)
    for i in range(1 << low):
        for name, word in (("left", "l"), ("right", "r")):
            both += "    %s %s%d(.clk(1'b0), .addr(%s), .word(%s[%d+:%d]));\n" % (
                name, word, i, "{group, 2'd%d}" % i if low else "group", word, width * i, width)
    both += "    assign differ = l != r;\nendmodule\n"
    script = "".join("read_verilog {0}; rename roma_rom {1}; ".format(os.path.join(f, "rom.v"), name) for f, name in ((a, "left"), (b, "right")))
    script += "hierarchy -check; proc %s; check -assert; " % ("-norom" if brom else "")
    script += "".join("select -assert-count 1 %s/t:$dff %s/r:CLK_POLARITY=1'1 %%i; " % (m, m) for m in ("left", "right"))
    with tempfile.NamedTemporaryFile("w", suffix=".v") as register, tempfile.NamedTemporaryFile("w", suffix=".v") as miter:
        register.write(REGISTER)
        miter.write(both)
        register.flush()
        miter.flush()
        script += "memory_collect; memory_map; techmap -map %s left right; read_verilog %s; hierarchy -check -top both; proc; flatten; " % (register.name, miter.name)
        script += 2 * "clean; opt_expr; opt_merge; " + "clean; sat -verify -prove differ 0 both"
        status, said = command("yosys", "-q", "-p", script, cwd=a if os.path.exists(os.path.join(a, "rom.hex")) else b)
    check("proof did fail" in said if status else not said.strip(), "yosys: " + said[-500:])
    return status == 0


def change_select(folder, to):
    """A copy of a B-ROM with one select of another line."""
    shutil.copytree(folder, to)
    path = os.path.join(to, "rom.v")
    with open(path) as f:
        text = f.read()
    at = text.index("q <= {", len(text) // 2) + 6
    line = text[at:at + 2]
    other = next(c for c in re.findall(r"wire (c[0-9a-f]) =", text) if c != line)
    with open(path, "w") as f:
        f.write(text[:at] + other + text[at + 2:])


def check_rom(model, work, tools, rom, want, chip):
    width = None
    folders = {}
    for style in STYLES:
        folder = folders[style] = os.path.join(work, style)
        said = json.loads(roma("rtl", "--rom", rom, "--style", style, "--image", model.path, "--chip", chip, "-o", folder, "--json"))
        with open(os.path.join(folder, "manifest.json")) as f:
            manifest = json.load(f)
        width, bits = manifest["width"], manifest["address_bits"]
        check(said["words"] == manifest["words"] == len(want), "%s: %d words, not %d" % (rom, manifest["words"], len(want)))
        check(manifest["ones"] == sum(bin(w).count("1") for w in want), rom + ": ones")
        check(manifest["devices"] == (devices(want, width) if style == "brom" else 0), "%s: devices" % rom)
        check(sorted(manifest["files"]) == sorted(os.listdir(folder)), "%s: files" % rom)
        if style == "array":
            with open(os.path.join(folder, "rom.hex")) as f:
                check([int(line, 16) for line in f] == want, rom + ": rom.hex")
        if "iverilog" in tools:
            got = simulate(folder, bits, width)
            check(got == want + [0] * ((1 << bits) - len(want)), "%s: Icarus reads other words of style %s" % (rom, style))
        lint(folder, tools)
        said = json.loads(roma("rtl", "--verify", folder, "--image", model.path, "--json"))
        check(said["ok"] and said["words"] == len(want) and said["devices"] == manifest["devices"], rom + ": --verify")
    if "yosys" in tools:
        check(prove(folders["array"], folders["case"]), "%s: array and case are not proved equal" % rom)
        check(prove(folders["case"], folders["brom"], True), "%s: case and brom are not proved equal" % rom)
    return folders


def check_faults(folders, work, tools):
    wrong = os.path.join(work, "wrong")
    change_select(folders["brom"], wrong)
    if "yosys" not in tools:
        return
    check(not prove(folders["case"], wrong, True), "a B-ROM with a wrong select is proved right")
    with open(os.path.join(folders["array"], "rom.hex"), "r+") as f:
        digit = f.read(1)
        f.seek(0)
        f.write("1" if digit == "0" else "0")
    check(not prove(folders["array"], folders["case"]), "an array with a wrong word is proved right")


# ---- the fused block: its words by --verify, its sums by Icarus ----

FUSED_BENCH = """module bench;
    reg clk = 0;
    reg [%d:0] addr = 0;
    reg [127:0] codes = 0;
    reg [5:0] shifts = 0;
    wire [%d:0] sums;
    reg [133:0] given [0:%d];
    roma_fused block(.clk(clk), .addr(addr), .codes(codes), .shifts(shifts), .sums(sums));
    integer i, k;
    initial begin
        $readmemh("given.hex", given);
        for (i = 0; i < %d; i = i + 1) begin
            addr = i;
            #1 clk = 1;
            #1 clk = 0;
            {shifts, codes} = given[i];
            for (k = 0; k < 2; k = k + 1) begin
                #1 clk = 1;
                #1 clk = 0;
            end
            $display("%%h", sums);
        end
        $finish;
    end
endmodule
"""


def sums(word, rows, b, codes, shifts):
    """What an L-Unit gives for a word: for each row the sum of code * activation * 2^shift; codes of 8 bits are signed and count from -128."""
    out = 0
    for j in range(rows):
        total = 0
        for x in range(32 // b):
            code = word >> 32 * j + 8 * (x % 4) + b * (x // 4) & ((1 << b) - 1)
            if b == 8:
                code = (code ^ 128)
            total += code * codes[x] << shifts[x // 8]
        out |= (total & (1 << 25) - 1) << 25 * j
    return out


def check_fused(model, work, tools, name, rows, chip, lanes):
    t = model.tensors[name]
    b = 2 if t.bits == 2 else 4 if t.bits <= 4 else 8
    want = words(model, name, lanes, rows)
    folder = os.path.join(work, "fused")
    roma("rtl", "--rom", "%s:%d-%d" % (name, *rows), "--style", "fused", "--image", model.path, "--chip", chip, "-o", folder)
    check(json.loads(roma("rtl", "--verify", folder, "--image", model.path, "--json"))["ok"], name + " fused: --verify")
    with open(os.path.join(folder, "manifest.json")) as f:
        manifest = json.load(f)
    check(manifest["devices"] == devices(want, 4 * lanes), name + " fused: devices")
    lint(folder, tools, "roma_fused")
    if "iverilog" in tools:
        rng = random.Random(name)
        given = []
        for i in range(len(want)):
            # every fourth word with the greatest activations
            codes = [rng.choice((-127, 127)) if i % 4 == 0 else rng.randint(-127, 127) for _ in range(16)]
            given.append((codes, [7, 7] if i % 4 == 0 else [rng.randint(0, 7), rng.randint(0, 7)]))
        got = run_fused(folder, manifest, given)
        check(got == [sums(w, lanes // 8, b, *g) for w, g in zip(want, given)], "%s: a fused block gives other sums" % name)


def run_fused(folder, manifest, given):
    """The sums of every word, by Icarus; given: 16 activation codes and two shifts for each."""
    with open(os.path.join(folder, "given.hex"), "w") as f:
        for codes, (low, high) in given:
            f.write("%034x\n" % ((high << 3 | low) << 128 | sum((c & 255) << 8 * i for i, c in enumerate(codes))))
    with open(os.path.join(folder, "bench.v"), "w") as f:
        f.write(FUSED_BENCH % (manifest["address_bits"] - 1, 25 * manifest["lanes"] // 8 - 1, len(given) - 1, len(given)))
    status, said = command("iverilog", "-g2005", "-y", os.path.join(TOP, "rtl"), "-s", "bench", "-o", "sim", "bench.v", "rom.v", cwd=folder)
    check(status == 0, "Icarus of a fused block: " + said)
    status, said = command("vvp", "-n", "sim", cwd=folder)
    check(status == 0, "vvp: " + said)
    for extra in ("bench.v", "given.hex", "sim"):
        os.unlink(os.path.join(folder, extra))
    return [int(line, 16) for line in said.split() if re.fullmatch("[0-9a-f]+", line)]


def check_engine(image, work, chip):
    """Products of a prompt's tokens, as the engine's trace has them, from a fused block's sums: zero point, scales, minima and tree are numerics.py's."""
    try:
        import numpy as np
    except ImportError:
        print("check_rom: no NumPy, so no fused block against the engine")
        return 0
    sys.path.insert(0, os.path.join(TOP, "tests", "reference"))
    import numerics
    import read_trace
    import rom
    trace, img, compared = os.path.join(work, "trace.jsonl"), rom.Image(image), 0
    roma("run", image, "--raw", "-q", "-p", "One day a cat", "-n", "2", "--spec", "off", "--trace-values", trace, "--trace-full")
    records = read_trace.read(trace, img.hyper["kv_heads"])[1]
    for role, name, rows in (("q", "0.q", 128), ("head", "head", 64)):
        m = img.get(role if img.has(role) else "embed")
        folder = os.path.join(work, "engine")
        roma("rtl", "--rom", "%s:0-%d" % (name, rows - 1), "--style", "fused", "--image", image, "--chip", chip, "-o", folder)
        with open(os.path.join(folder, "manifest.json")) as f:
            manifest = json.load(f)
        b = manifest["lane_bits"]
        per, groups, words_of_row = 32 // b, m.cols // m.group, m.cols * b // 32
        at = next(i for i, r in enumerate(records) if r.name == "linear" and r.tensor == role)
        y, x = records[at], next(r for r in records[at::-1] if r.name == "norm")
        want = np.frombuffer(y.bytes(), "<f4").reshape(y.rows, -1)[:, :rows]
        for row, raw in enumerate(np.frombuffer(x.bytes(), np.uint8).reshape(x.rows, -1)[:2]):
            code, shift = raw[:m.cols].view(np.int8).astype(int), raw[m.cols:m.cols + m.cols // 8].astype(int)
            a = code << np.repeat(shift, 8)
            one_row = [(code[k * per:(k + 1) * per].tolist() + [0] * (16 - per),
                        [int(shift[k * per // 8]), int(shift[min(k * per // 8 + 1, len(shift) - 1)])]) for k in range(words_of_row)]
            got = run_fused(folder, manifest, one_row * (rows // 2))
            total = np.array([[(g >> 25 * j & (1 << 25) - 1) - ((g >> 25 * j + 24 & 1) << 25) for j in range(2)] for g in got])
            total = total.reshape(rows // 2, groups, -1, 2).sum(2).transpose(0, 2, 1).reshape(rows, groups)
            # codes count from -zero, those of 8 bits from -128 in the L-Unit; numerics.py's levels have the zero point taken off
            z = a.reshape(groups, m.group).sum(1)
            first = code_of(image, name)
            total = total - (first - int(m.level[0, 0]) + (128 if b == 8 else 0)) * z
            leaf = total.T.astype(np.float32) * m.scale[:, :rows]
            if m.low is not None:
                leaf = leaf + z.astype(np.float32)[:, None] * m.low[:, :rows]
            scale = np.frombuffer(raw[-4:].tobytes(), "<f4")[0]
            check((scale * numerics.tree(leaf)).tobytes() == want[row].tobytes(), "%s: a fused block's sums do not give the engine's product of row %d" % (name, row))
            compared += rows
    return compared


def code_of(image, name):
    """The code of row 0 and input 0, signed where codes are bytes: its distance to the level is the zero point."""
    model = Model(image)
    code, t = model.codes(name, 0)[0], model.tensors[name]
    return code - 256 if t.bits == 8 and code > 127 else code


# ---- what is tried ----

def chip_file(work, lanes, units, lunits):
    path = os.path.join(work, "%d-%d-%d.chip" % (lanes, units, lunits))
    with open(path, "w") as f:
        f.write("title = words for a test\nlike = roma-contract\n")
        for section, values in (("lunit", {"lanes": lanes, "per_matrix_unit": lunits}),
                                ("grid", {"rows": 1, "columns": units + 1, "matrix_units": units, "vector_units": 1})):
            f.write("[%s]\n" % section + "".join("%s = %d [exact]  # assumed: a test\n" % v for v in values.items()))
    return path


def matrices(model):
    return [name for name, t in sorted(model.tensors.items()) if t.kind == 1]


def test_formats(make, work, tools):
    """Images of every format: two parts of each eighth matrix; tests/rtl/test_rom.c has all."""
    lanes = [8, 16, 32, 64, 128]
    n = 0
    folder = os.path.join(work, "images")
    os.mkdir(folder)
    check(command(make, folder)[0] == 0, "make_image")
    for i, path in enumerate(sorted(os.listdir(folder))):
        model = Model(os.path.join(folder, path))
        for name in matrices(model)[i % 8::8]:
            wide = lanes[n % 5]
            chip = chip_file(work, wide, 8, 4)
            n += 1
            rows = (n % 5, min(n % 5 + 4, model.tensors[name].rows - 1))
            want = words(model, name, wide, rows)
            check_rom(model, work, tools, "%s:%d-%d" % (name, *rows), want, chip)
            if n % 4 == 1 and not model.tensors[name].level:
                check_fused(model, work, tools, name, rows, chip, wide)
            placed = (n % 8, n % 4, 8, 4)
            check_rom(model, work, tools, "%s@%d.%d" % (name, *placed[:2]), words(model, name, wide, placed=placed), chip)
    return n


def test_tiny(work, tools):
    model = Model(os.path.join(work, "tiny.roma"))
    chip = chip_file(work, 16, 8, 4)
    rows = (0, 31)  # 256 words: 16 Kbit
    folders = check_rom(model, work, tools, "0.q:0-31", words(model, "0.q", 16, rows), chip)
    check_faults(folders, work, tools)
    check_rom(model, work, tools, "blk.1.ffn_down.weight:0-3", words(model, "1.down", 16, (0, 3)), chip)
    check_rom(model, work, tools, "embed:1019-1023", words(model, "embed", 16, (1019, 1023)), chip)
    check_fused(model, work, tools, "0.q", rows, chip, 16)
    check_fused(model, work, tools, "embed", (1000, 1023), chip, 16)
    if "iverilog" in tools:
        print("check_rom: %d products of the engine, from the sums of fused blocks" % check_engine(model.path, work, chip))
    check_rom(model, work, tools, "0.down@3.1", words(model, "0.down", 16, placed=(3, 1, 8, 4)), chip)


def record():
    """What is proved, by the hash of what was read."""
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "tiny.roma")
        roma("build", os.path.join(TOP, "models/tiny/tiny-q4.gguf"), "-o", path)
        h = hashlib.sha256()
        for style in STYLES:
            folder = os.path.join(work, style)
            roma("rtl", "--rom", "0.q", "--style", style, "--image", path, "--chip", chip_file(work, 16, 8, 4), "-o", folder)
            for name in sorted(os.listdir(folder)):
                if name.startswith("rom."):
                    with open(os.path.join(folder, name), "rb") as f:
                        h.update(f.read())
        line = "0.q of models/tiny/tiny-q4.gguf, 1024 words of 64 bits: array = case = brom, sha256 of the files %s\n" % h.hexdigest()
        if "--prove" not in sys.argv:
            return line
        check(prove(os.path.join(work, "array"), os.path.join(work, "case")), "64 Kbit: array and case are not proved equal")
        check(prove(os.path.join(work, "case"), os.path.join(work, "brom"), True), "64 Kbit: case and brom are not proved equal")
        return line


def main():
    if sys.argv[2] == "--prove":
        line = record()
        with open(RECORD, "w") as f:
            f.write(line)
        print("check_rom: proved: " + line, end="")
        return
    tools = [t for t in ("iverilog", "verilator", "yosys") if have(t)]
    with open(RECORD) as f:
        check(f.read() == record(), "tests/rtl/proved_rom.txt is of other files than are written now: make prove")
    with tempfile.TemporaryDirectory() as work:
        roma("build", os.path.join(TOP, "models/tiny/tiny-q4.gguf"), "-o", os.path.join(work, "tiny.roma"))
        test_tiny(work, tools)
        n = test_formats(os.path.abspath(sys.argv[2]), work, tools)
        if len(sys.argv) > 3:
            model = Model(sys.argv[3])
            check_rom(model, work, tools, "0.q:0-6", words(model, "0.q", 16, (0, 6)), chip_file(work, 16, 8, 4))
    print("check_rom: %d checks, %d matrices of random images, with %s" % (checks, n, ", ".join(tools) or "no tool"))


main()
