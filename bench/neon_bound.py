#!/usr/bin/env python3
"""usage: bench/neon_bound.py [FORMAT...]                 FORMAT: 0, 1 ... in the order of bench/kern_formats.h; default: all

What a core with NEON does of every format's product, without having one: qemu runs bench/kern_count.c for aarch64 and tells each instruction; the work
of four tiles comes from the differences of runs, without what packs activations. Instructions per 1,024 multiply-adds, and of them dot products and loads; and the cycles that LLVM's
model of a Neoverse N1 (whose core is the Cortex-A76) needs for a stretch of that very trace, all operands in the first-level cache: a bound, no
measurement. Decode is one row of activations, prefill 32. The rate is that of the codes and scales which one core at 2.4 GHz could eat; where it is
above what the core's memory gives, the memory decides.

Needs aarch64-linux-gnu-gcc, qemu-user and llvm-19.
"""
import collections
import os
import re
import shutil
import subprocess
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
COUNT, ROOT = "build/aarch64-bench/bench/count", "/usr/aarch64-linux-gnu"
MCA, CPU, GHZ = "llvm-mca-19", "neoverse-n1", 2.4
WINDOW = 10000  # instructions for LLVM: some tiles of one row


def formats():
    """The program's own, until it knows no more."""
    form = 0
    while subprocess.run(["qemu-aarch64", "-L", ROOT, COUNT, "neon", str(form), "1", "1", "1"], capture_output=True).returncode == 0:
        yield form
        form += 1


def word(line):
    """An instruction as LLVM reads it; qemu's reader does not know dot products."""
    _, code, text = line.split(None, 2)
    n = int(code, 16)
    if n & 0xffc0f400 == 0x4f80e000:
        return f"sdot v{n & 31}.4s, v{n >> 5 & 31}.16b, v{n >> 16 & 31}.4b[{n >> 10 & 2 | n >> 21 & 1}]"
    return text.strip()


def emulate(form, rows, repeats, tiles):
    """Blocks by their address, and their addresses in the order in which they ran; instructions by their word; name, bytes, multiply-adds."""
    cmd = ["qemu-aarch64", "-L", ROOT, "-d", "in_asm,exec,nochain", "-D", "/dev/stderr", COUNT, "neon", *map(str, (form, rows, repeats, tiles))]
    p = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    blocks, ran, block = {}, [], None
    for line in p.stderr:
        if line.startswith("Trace"):
            ran.append(int(line.split("/", 2)[1], 16))
            block = None
        elif line.startswith("0x"):
            if block is None:
                block = blocks[int(line.split(":", 1)[0], 16)] = []
            block.append(word(line))
    words = collections.Counter()
    for at, times in collections.Counter(ran).items():
        for text in blocks[at]:
            words[text.split()[0]] += times
    name, size, macs = p.stdout.read().strip().split("|")
    return blocks, ran, words, " ".join(name.split()), int(size), int(macs)


def four_tiles(form, rows):
    """Name, bytes, multiply-adds, instructions by their word, and a stretch of the trace: six tiles less two, each in a second repeat less a first."""
    run = {(repeats, tiles): emulate(form, rows, repeats, tiles) for repeats in (1, 2) for tiles in (2, 6)}
    repeat = {tiles: run[2, tiles][2] - run[1, tiles][2] for tiles in (2, 6)}
    words = repeat[6] - repeat[2]
    blocks, ran, _, name, size, macs = run[2, 6]
    # what is behind the last tile is short, so that half of four tiles' length before the end lies among the last three
    skip, stretch = sum(run[2, 6][2].values()) - sum(words.values()) // 2, []
    for at in ran:
        if skip > 0:
            skip -= len(blocks[at])
        elif len(stretch) < WINDOW:
            stretch += blocks[at]
        else:
            break
    return name, size * 4 // 6, macs * 4 // 6, words, stretch


def cycles(stretch):
    """Of a stretch on the model; where its jumps lead to does not matter."""
    text = "\n".join(re.sub(r"^((?:b|cb|tb|adr).*)#0x[0-9a-f]+$", r"\1#0", s) for s in stretch)
    cmd = [MCA, "-mtriple=aarch64", "-mcpu=" + CPU, "-mattr=+dotprod,+fullfp16", "-iterations=1", "-instruction-info=false", "-resource-pressure=false"]
    r = subprocess.run(cmd, input=text, capture_output=True, text=True)
    if r.returncode:
        sys.exit("neon_bound.py: llvm-mca: " + r.stderr[:300])
    return int(re.search(r"Total Cycles:\s+(\d+)", r.stdout)[1])


def row(form):
    """A line of the table: of one row of activations and of 32."""
    cells = []
    for rows in (1, 32):
        name, size, macs, words, stretch = four_tiles(form, rows)
        all_, per = sum(words.values()), 1024 / macs
        took = cycles(stretch) * all_ / len(stretch) * per
        cells += [f"{all_ * per:.0f}", f"{sum(n for w, n in words.items() if w.startswith('ld')) * per:.0f}", f"{took:.0f}"]
        cells.append(f"{GHZ * 1024 * size / macs / took:.1f}" if rows == 1 else f"{100 * 1024 / 32 / took:.0f} %")  # two dot products of 16 a cycle
    return f"| {name} | " + " | ".join(cells) + " |"


def main():
    for tool, package in (("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"), ("qemu-aarch64", "qemu-user"), (MCA, "llvm-19")):
        if not shutil.which(tool):
            print(f"neon_bound.py: {tool} is missing: apt-get install {package}", file=sys.stderr)
            return 3
    subprocess.run(["make", "-s", "CC=aarch64-linux-gnu-gcc", "EDIT=no", "ZLIB=no", "BUILD=build/aarch64-bench", COUNT], cwd=TOP, check=True)
    print("| format | decode: instructions | loads | cycles | GB/s | prefill: instructions | loads | cycles | of the peak |\n|" + "---|" * 9)
    for form in map(int, sys.argv[1:] or formats()):
        print(row(form), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
