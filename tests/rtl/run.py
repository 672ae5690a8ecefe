#!/usr/bin/env python3
"""usage: tests/rtl/run.py lint                   every block of rtl through three parsers: no warning, no waiver
       tests/rtl/run.py vectors N [FAMILY...]  N vectors for every block against build/libroma.a, half of them at each of two seeds;
                                               FAMILY.BLOCK: for one block
       tests/rtl/run.py faults [FAMILY...]     the planted faults of tests/rtl/faults.txt, of which 95 % must be killed
       tests/rtl/run.py test N                 both, from one build: the vectors see the copies with faults, and none of them chosen

A family is a bench: bench_NAME.v puts blocks side by side, bench_NAME.cpp knows what they must give. Faults are put into copies of
the blocks in build/rtl/faults, all at once, and chosen at run time by +fault=N; the blocks in rtl have none. With these copies a family
of QUICK takes FP32 products and sums from this machine (tests/rtl/quick), whose gates the family fp tries; without faults it has the gates.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
FAMILIES = sorted(re.sub(r".*bench_|\.v", "", p) for p in glob.glob(ROOT + "/tests/rtl/bench_*.v"))
WORKERS = os.cpu_count() or 1
QUICK = ["adapter", "attend", "hunit", "matrix", "vunit"]


def fail(text):
    sys.exit("rtl: " + text)


def command(*words):
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


# ---- lint ----

# Icarus takes minutes to elaborate the large blocks as they are by default, which the two others do: it has smaller ones.
SMALLER = {"roma_matrix_tile": {"N": 2, "RANK": 8, "MAC": 16}, "roma_vector_tile": {"EXP_INTERVAL": 8, "DIV_INTERVAL": 8},
           "roma_vector_lanes": {"INTERVAL": 8, "PHASES": 8}}


def lint_block(path):
    name = os.path.basename(path)[:-2]
    said = ""
    smaller = ["-P%s.%s=%d" % (name, k, v) for k, v in SMALLER.get(name, {}).items()]
    for words in (
        ["verilator", "--lint-only", "-Wall", "-y", "rtl", "--top-module", name, path],
        ["yosys", "-q", "-p", "read_verilog %s; hierarchy -check -top %s -libdir rtl; proc; check -assert" % (path, name)],
        ["iverilog", "-g2005", "-Wall", "-y", "rtl", "-s", name, *smaller, "-o", os.devnull, path],
    ):
        status, output = command(*words)
        if status or output.strip(): said += "%s: %s\n%s" % (path, words[0], output)
    return said


def lint():
    blocks = sorted(os.path.relpath(p, ROOT) for p in glob.glob(ROOT + "/rtl/*.v"))
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        said = "".join(pool.map(lint_block, blocks))
    if said: fail("lint\n" + said)
    print("rtl: Verilator, Yosys and Icarus have nothing to say about %d blocks" % len(blocks))


# ---- benches ----

def mdir(family, source):
    return os.path.join(BUILD, "rtl", family if source == "rtl" else family + "-faults")


def build(family, source):
    """The bench of a family over the blocks of a folder; its program. For few vectors it is compiled quickly: as one file, whose headers are read once."""
    out = mdir(family, source)
    os.makedirs(out, exist_ok=True)
    here = os.path.join(ROOT, "tests", "rtl")
    quick = ["-y", here + "/quick", "-CFLAGS", "-include " + here + "/quick/host.h"] if family in QUICK and source != "rtl" else []
    status, output = command(
        "verilator", *quick, "--cc", "--exe", "--build", "-O3", "-Wno-fatal", "-Werror-PINMISSING", "--x-assign", "unique", "--x-initial", "unique",
        "-y", source, "--Mdir", out, "--top-module", "bench_" + family, "-o", "bench",
        "-CFLAGS", "-I%s/include" % ROOT, "-MAKEFLAGS", "OPT_FAST=-O2" if source == "rtl" else "OPT_FAST=-O0 VM_PARALLEL_BUILDS=0", "-LDFLAGS", "-lpthread -lz -lm",
        here + "/bench_%s.v" % family, here + "/hold.v", here + "/bench_%s.cpp" % family, here + "/bench.cpp", BUILD + "/libroma.a")
    if status: fail("the bench %s does not build\n%s" % (family, output[-4000:]))
    return os.path.join(out, "bench")


def programs(families, source):
    """The first family's bench is built alone; others take over what of it knows no family: Verilator's runtime and bench.cpp, five seconds each."""
    built = [build(f, source) for f in families[:1]]
    def after(family):
        out = mdir(family, source)
        os.makedirs(out, exist_ok=True)
        for name in ("verilated.o", "verilated_threads.o", "bench.o"):
            if os.path.exists(os.path.join(mdir(families[0], source), name)): shutil.copy(os.path.join(mdir(families[0], source), name), out)
        return build(family, source)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        return list(zip(families, built + list(pool.map(after, families[1:]))))


def vectors(number, families, source="rtl"):
    for family, program in programs([f.partition(".")[0] for f in families], source):
        block = [f.partition(".")[2] for f in families if f.partition(".")[0] == family][0]
        status, output = command(program, "--vectors", number, *(["--block", block] if block else []))
        print(output, end="")
        if status: fail("bench %s" % family)
    print("rtl: no difference in %s vectors for each block, at two seeds" % number)


# ---- faults ----

class Fault:
    def __init__(self, number, block, what):
        self.number, self.block, self.what, self.good, self.bad = number, block, what, None, None


def read_faults():
    """faults.txt: `= FAMILY`, then for each fault `BLOCK: what it is`, `- text of the block`, `+ what stands there instead`. Faults are numbered in
    their order; a number that a line begins with says nothing."""
    families, family, number = {}, None, 0
    for line in open(ROOT + "/tests/rtl/faults.txt", encoding="utf-8"):
        line = line.rstrip("\n")
        if not line or line[0] == "#": continue
        if line[0] == "=":
            family = families.setdefault(line[2:], [])
        elif line[0] == "-":
            family[-1].good = line[2:]
        elif line[0] == "+":
            family[-1].bad = line[2:]
        else:
            block, what = re.fullmatch(r"(?:\d+ )?(\w+): (.*)", line).groups()
            number += 1
            family.append(Fault(number, block, what))
    return families


def with_faults(text, faults):
    """A block with all its faults. A text that stands in the block more or less than once is refused."""
    for good in dict.fromkeys(f.good for f in faults):
        if text.count(good) != 1: fail("faults.txt: %s is %d times in %s" % (good, text.count(good), faults[0].block))
    for good in dict.fromkeys(f.good for f in faults):
        chosen = "".join("roma_fault == %d ? (%s) : " % (f.number, f.bad) for f in faults if f.good == good)
        text = text.replace(good, "(%s(%s))" % (chosen, good))
    seam = "    integer roma_fault;\n    initial if ($value$plusargs(\"fault=%d\", roma_fault) == 0) roma_fault = 0;\n"
    return text.replace("\n);\n", "\n);\n" + seam, 1)


def plant(families):
    folder = os.path.join(BUILD, "rtl", "faults")
    os.makedirs(folder, exist_ok=True)
    for path in glob.glob(ROOT + "/rtl/*.v"):
        name = os.path.basename(path)
        mine = [f for faults in families.values() for f in faults if f.block + ".v" == name]
        text = open(path, encoding="utf-8").read()
        text = with_faults(text, mine) if mine else text
        target = os.path.join(folder, name)
        if not os.path.exists(target) or open(target, encoding="utf-8").read() != text:
            open(target, "w", encoding="utf-8").write(text)
    return folder


def faults(chosen):
    families = read_faults()
    folder = plant(families)
    killed = total = 0
    for family, program in programs([f for f in chosen if f in families], folder):
        mine = families[family]
        status, output = command(program, "--faults", "%d-%d" % (mine[0].number, mine[-1].number))
        if status: fail("bench %s with faults\n%s" % (family, output))
        result = dict(re.findall(r"fault (\d+) (\w+)", output))
        for f in mine:
            total += 1
            killed += result[str(f.number)] == "killed"
            print("%-8s %3d  %s: %s" % (result[str(f.number)], f.number, f.block, f.what))
    print("rtl: %d of %d planted faults are killed" % (killed, total))
    if killed * 100 < total * 95: fail("fewer than 95 %")


def main():
    verb, words = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if verb == "lint":
        lint()
    elif verb == "vectors" and words:
        vectors(words[0], words[1:] or FAMILIES)
    elif verb == "faults":
        faults(words or FAMILIES)
    elif verb == "test" and words:
        vectors(words[0], FAMILIES, plant(read_faults()))
        faults(FAMILIES)
    else:
        fail(__doc__)


if __name__ == "__main__": main()
