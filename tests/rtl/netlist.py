#!/usr/bin/env python3
"""usage: tests/rtl/netlist.py [--cycles N] [BLOCK...]                          gate netlists of blocks beside their sources, in Icarus
       tests/rtl/netlist.py --write MODULE FOLDER BLOCK [PARAMETER VALUE]...  a block's netlist as FOLDER/MODULE.v, and a file for each cell that it has

Yosys and ABC map a block to OSU018's cells as tests/rtl/gates.py does; the cells' models are the functions of the same Liberty file. Block and netlist get
the same random operands in every cycle, and every output must be the same bits, none of them unknown, from cycle WARM on: the netlist's flip-flops begin
with random contents, the block's with unknown ones, so that what was there before the first result does not count. A netlist with one gate changed must
differ. Without BLOCK all of BLOCKS.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
OSU018 = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib"
CONSTRAINTS = "set_driving_cell INVX4\nset_load 30\n"
SCRIPT = "strash; ifraig; scorr; dch -f; map; topo; buffer -c; upsize; dnsize\n"
WARM = 300
# Blocks with their parameters.
BLOCKS = [
    ("roma_fp_add", ""), ("roma_fp_mul", ""), ("roma_int_to_fp", ""), ("roma_int_to_fp", "W 64"), ("roma_fp_to_int", ""), ("roma_half_to_fp", ""),
    ("roma_fp_div", ""), ("roma_fp_div", "INTERVAL 12"), ("roma_fp_sqrt", ""), ("roma_phase", ""), ("roma_lunit", ""), ("roma_lunit_table", ""),
    ("roma_lunit_serial", ""), ("roma_group_sum", ""), ("roma_merge", ""), ("roma_leaf", ""), ("roma_tree", "LEVELS 2"),
]


def run(words, work):
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode: sys.exit("netlist: %s\n%s" % (" ".join(words)[:200], done.stdout[-2000:]))
    return done.stdout


def synthesise(block, parameters, work):
    """The netlist in work/gates.v, module gates; the ports as (name, is an input, width)."""
    words = parameters.split()
    chosen = "".join(" -chparam %s %s" % pair for pair in zip(words[::2], words[1::2]))
    for name, text in (("constraints", CONSTRAINTS), ("script", SCRIPT)): open(os.path.join(work, name), "w", encoding="utf-8").write(text)
    run(["yosys", "-q", "-p", "read_verilog rtl/{b}.v; hierarchy -check -libdir rtl -top {b}{c}; proc; flatten; opt; alumacc; opt -full; techmap; opt; dfflibmap -liberty {l}; "
         "abc -liberty {l} -constr {w}/constraints -script {w}/script; opt_clean; rename -top gates; write_json {w}/gates.json; "
         "write_verilog -noattr -noexpr {w}/gates.v".format(b=block, c=chosen, l=OSU018, w=work)], work)
    ports = json.load(open(work + "/gates.json", encoding="utf-8"))["modules"]["gates"]["ports"]
    return [(n, p["direction"] == "input", len(p["bits"])) for n, p in ports.items()]


def cells(work):
    """Models of the library's cells; a flip-flop begins with a random bit."""
    run(["yosys", "-q", "-p", "read_liberty -ignore_miss_func %s; write_verilog -noattr %s/cells.v" % (OSU018, work)], work)
    text = open(work + "/cells.v", encoding="utf-8").read()
    text = re.sub(r"^  reg (\w+);\n", r"  reg \1;\n  initial \1 = $random;\n", text, flags=re.M)
    open(work + "/cells.v", "w", encoding="utf-8").write(text)


def other_gates(text):
    """The netlist with a NAND an AND, one after the other of a few: what a gate does need not be seen in every output."""
    places = [m.start() for m in re.finditer("  NAND2X1 ", text)]
    for at in places[::-(len(places) // 8 + 1)]: yield text[:at] + "  AND2X2 " + text[at + len("  NAND2X1 "):]


def draw(name, width, ports):
    """Statements that draw an operand: any bits, few ones, few zeros, the one before but for a bit, another operand of the width but for a bit, ends."""
    any_bits = "{%s}" % ", ".join(["$random"] * ((width + 31) // 32))
    some_bit = "({%d'd0, 1'b1} << ($unsigned($random) %% %d))" % (width - 1, width) if width > 1 else "1'b1"
    others = [n for n, is_input, w in ports if is_input and w == width and n != name] or [name]
    classes = [any_bits, any_bits, any_bits] if width > 1 else [any_bits]
    if width > 1:
        classes += ["%s & %s & %s" % ((any_bits,) * 3), "%s | %s | %s" % ((any_bits,) * 3), "%s ^ %s" % (name, some_bit),
                    "%s ^ %s" % (others[0], some_bit), "{%d{1'b1}} << ($unsigned($random) %% %d)" % (width, width + 1)]
    lines = "".join("            %d: %s = %s;\n" % (i, name, c) for i, c in enumerate(classes[:-1]))
    return "        case ($unsigned($random) %% %d)\n%s            default: %s = %s;\n        endcase\n" % (len(classes), lines, name, classes[-1])


def bench(block, parameters, ports, cycles):
    words = parameters.split()
    chosen = " #(%s)" % ", ".join(".%s(%s)" % p for p in zip(words[::2], words[1::2])) if words else ""
    inputs = [p for p in ports if p[1] and p[0] not in ("clk", "reset")]
    outputs = [p for p in ports if not p[1]]
    join = lambda suffix: ", ".join(".%s(%s%s)" % (n, n, "" if i else suffix) for n, i, _ in ports)
    lines = ["module bench;", "    reg clk = 0;", "    integer t;"]
    if any(n == "reset" for n, _, _ in ports): lines.append("    reg reset = 1;")
    lines += ["    reg [%d:0] %s = 0;" % (w - 1, n) for n, _, w in inputs]
    lines += ["    wire [%d:0] %s_s, %s_g;" % (w - 1, n, n) for n, _, w in outputs]
    lines += ["    %s%s source (%s);" % (block, chosen, join("_s")), "    gates netlist (%s);" % join("_g"),
              "    initial for (t = 0; t < %d; t = t + 1) begin" % (cycles + WARM)]
    lines.append("".join(draw(n, w, ports) for n, _, w in inputs).rstrip("\n"))
    if any(n == "reset" for n, _, _ in ports): lines.append("        reset = t < 30 | t > %d & $unsigned($random) %% 1024 == 0;" % WARM)
    lines += ["        #1 clk = 1;", "        #1;"]
    for n, _, _ in outputs:
        lines += ["        if (t >= %d & (%s_g !== %s_s | ^%s_s === 1'bx)) begin" % (WARM, n, n, n),
                  "            $display(\"differs in cycle %%0d: %s %%h, of the netlist %%h\", t, %s_s, %s_g);" % (n, n, n), "            $finish;", "        end"]
    lines += ["        clk = 0;", "    end", "endmodule"]
    return "\n".join(lines) + "\n"


def simulate(work, name):
    run(["iverilog", "-g2005", "-y", "rtl", "-s", "bench", "-o", work + "/" + name, work + "/bench.v", work + "/%s.v" % name, work + "/cells.v"], work)
    return run(["vvp", "-n", work + "/" + name], work).strip()


def compare(row, cycles):
    """A line of what came out, and whether it is as it must be."""
    block, parameters = row
    with tempfile.TemporaryDirectory() as work:
        ports = synthesise(block, parameters, work)
        cells(work)
        open(work + "/bench.v", "w", encoding="utf-8").write(bench(block, parameters, ports, cycles))
        text = open(work + "/gates.v", encoding="utf-8").read()
        said = simulate(work, "gates")
        if said: return "%s %s: %s" % (block, parameters, said), False
        for other in other_gates(text):
            open(work + "/other.v", "w", encoding="utf-8").write(other)
            if simulate(work, "other"): break
        else: return "%s %s: a netlist with another gate is not seen to differ" % (block, parameters), False
        return "%-18s %-12s %6d gates, %d cycles: netlist and source give the same bits; with another gate they do not" % (
            block, parameters, len(re.findall(r"^  [A-Z0-9]+ \S+ \($", text, re.M)), cycles), True


def write(module, folder, block, parameters):
    with tempfile.TemporaryDirectory() as work:
        synthesise(block, parameters, work)
        cells(work)
        text = open(work + "/gates.v", encoding="utf-8").read()
        models = re.findall(r"^module (\w+)\(.*?^endmodule\n", open(work + "/cells.v", encoding="utf-8").read(), re.M | re.S)
        bodies = re.findall(r"^module \w+\(.*?^endmodule\n", open(work + "/cells.v", encoding="utf-8").read(), re.M | re.S)
        with open(os.path.join(folder, module + ".v"), "w", encoding="utf-8") as f: f.write(text.replace("module gates(", "module %s(" % module, 1))
        for name, body in zip(models, bodies):
            if re.search(r"^  %s " % name, text, re.M):
                with open(os.path.join(folder, name + ".v"), "w", encoding="utf-8") as f: f.write(body)


def main():
    words, cycles = sys.argv[1:], 10000
    if words[:1] == ["--write"] and len(words) >= 4:
        return write(words[1], words[2], words[3], " ".join(words[4:]))
    if words[:1] == ["--cycles"]: cycles, words = int(words[1]), words[2:]
    unknown = set(words) - {b for b, _ in BLOCKS}
    if unknown: sys.exit("netlist: no block %s; there are %s" % (" ".join(sorted(unknown)), " ".join(dict.fromkeys(b for b, _ in BLOCKS))))
    bad = False
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for line, good in pool.map(lambda r: compare(r, cycles), [r for r in BLOCKS if not words or r[0] in words]):
            print(line, flush=True)
            bad = bad or not good
    if bad: sys.exit("netlist: a netlist is not its source")


main()
