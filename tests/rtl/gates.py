#!/usr/bin/env python3
"""usage: tests/rtl/gates.py [BLOCK...]   the longest path between registers and the area of blocks, in OSU018's cells

Yosys and ABC map each block to the cells of Debian's qflow-tech-osu018, for speed, with delays from its Liberty file; a wire has no delay.
A leaf block is mapped twice, without registers and at its latency: no path may be longer than 1.25 times the first delay / latency.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
LIBERTY = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib"
CONSTRAINTS = "set_driving_cell INVX4\nset_load 30\n"
SCRIPT = "strash; ifraig; scorr; dch -f; map; topo; buffer -c; upsize; dnsize; stime -p\n"
# leaf blocks, their latency and parameters; then blocks of stations or hops, whose longest path is one of them
LEAVES = [
    ("roma_fp_add", 3, ""), ("roma_fp_mul", 3, ""), ("roma_int_to_fp", 2, ""), ("roma_int_to_fp", 2, "-chparam W 64"),
    ("roma_fp_to_int", 2, ""), ("roma_half_to_fp", 1, ""), ("roma_phase", 3, ""), ("roma_lunit", 2, ""), ("roma_lunit_table", 2, ""),
]
# The phase's 64-bit sum is one stage, far below the slowest stage of others.
MOST = {"roma_phase": 1.45}
OTHERS = [("roma_fp_div", "-chparam INTERVAL 12"), ("roma_fp_sqrt", "-chparam INTERVAL 12"), ("roma_lunit_serial", ""), ("roma_group_sum", ""), ("roma_merge", "")]


def mapped(block, parameters):
    """Delay in ps and area in um2 of a block."""
    with tempfile.TemporaryDirectory() as work:
        for name, text in (("constraints", CONSTRAINTS), ("script", SCRIPT)):
            open(os.path.join(work, name), "w", encoding="utf-8").write(text)
        steps = "read_verilog rtl/*.v; hierarchy -check -top {b} {p}; proc; flatten; opt; alumacc; opt -full; techmap; opt; dfflibmap -liberty {l}; " \
            "abc -liberty {l} -constr {w}/constraints -script {w}/script; stat -liberty {l}".format(b=block, p=parameters, l=LIBERTY, w=work)
        done = subprocess.run(["yosys", "-p", steps], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    delay, area = re.findall(r"Delay = *([0-9.]+)", done.stdout), re.findall(r"Chip area.*: ([0-9.]+)", done.stdout)
    if done.returncode or not delay or not area: sys.exit("gates: %s %s\n%s" % (block, parameters, done.stdout[-2000:]))
    return float(delay[-1]), float(area[-1])


def leaf(row):
    block, latency, parameters = row
    cloud, _ = mapped(block, parameters + " -chparam LATENCY 0")
    path, area = mapped(block, parameters + " -chparam LATENCY %d" % latency)
    share = path * latency / cloud
    most = MOST.get(block, 1.25)
    return "%-18s %-15s latency %2d  without registers %6.2f ns  longest path %5.2f ns = %4.2f of a share  %8.0f um2%s" % (
        block, parameters[9:], latency, cloud / 1000, path / 1000, share, area, "" if share <= most else "  TOO LONG")


def other(row):
    path, area = mapped(*row)
    return "%-18s %-15s %50s longest path %5.2f ns %27.0f um2" % (row[0], row[1][9:], "", path / 1000, area)


def main():
    chosen = sys.argv[1:]
    rows = [(leaf, r) for r in LEAVES] + [(other, r) for r in OTHERS]
    bad = False
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for line in pool.map(lambda r: r[0](r[1]), [r for r in rows if not chosen or r[1][0] in chosen]):
            print(line, flush=True)
            bad = bad or line.endswith("TOO LONG")
    if bad: sys.exit("gates: a path is longer than its share allows")


main()
