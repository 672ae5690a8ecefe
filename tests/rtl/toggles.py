#!/usr/bin/env python3
"""How often bits change in a token of the mini chip, block by block: the record tests/rtl/toggles.csv (docs/hardware.md, "Toggles").
usage: toggles.py ROMA CSV IMAGE    the tiny model's second token behind a prompt, from a waveform of roma cosim; of a block what its neighbours see: its ports

A line is a block of one tile: bits, toggles, cycles of the token, cycles in which any of the bits changes. ROM words are not in the waveform: they are
those of the addresses that are, from the emitted files. The last column is the share of bits that change in such a cycle; random data would have 0.5,
which is what the chip model's energies are of, but for ROM reads, which have the image's own share with roma sim --toggles: both are printed."""
import csv
import json
import os
import re
import shutil
import subprocess
import sys

import waves

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
OUT = os.path.join(TOP, "build", "cosim")
PROMPT = "Once upon a time, in a small house by the sea, there lived"

# What a block's ports are called in the tiles' cores.
MATRIX = {
    "ROM addresses": ["lunit_address"], "activations to L-Units": ["lunit_codes", "lunit_shifts"], "sums of L-Units": ["lunit_sums"],
    "scales of groups": ["scale_word"], "rows of matrix unit": ["results"], "codes to buffers": ["fill_codes", "fill_shifts"], "keys of logits": ["keys"],
    "words of page SRAM": ["lora_word"], "products of multiply-adds": ["lora_products"], "leaves of pages": ["o_leaf"], "outputs of H-Unit": ["o_att"],
    "channel code": ["i_code"], "channel kv": ["i_kv"], "channel leaf": ["i_leaf"], "channel res": ["o_res"]}
VECTOR = {
    "first operands": ["x"], "second operands": ["y"], "words of vector ROM": ["vector_word"], "RoPE increments": ["increments"], "results of lanes": ["results"],
    "values times gains": ["product"], "records of program": ["record"], "codes": ["o_code"], "keys, values, queries": ["o_kv"], "rows that arrive": ["i_res"],
    "attention that arrives": ["i_att"]}


def is_matrix(values, tile): return "%s.lunit_address" % tile in values


def changes(words):
    """Toggles of a row of numbers, and in how many cycles there are some."""
    each = [bin(a ^ b).count("1") for a, b in zip(words, words[1:])]
    return sum(each), sum(n > 0 for n in each)


def lines_of(cycles, tile, names, bits):
    steps = [cycles[c] for c in sorted(cycles)]
    for block, signals in names.items():
        words, width = [0] * len(steps), 0
        for s in signals:
            words = [w << bits[tile + "." + s] | v[tile + "." + s] for w, v in zip(words, steps)]
            width += bits[tile + "." + s]
        yield [block, width, *changes(words), len(steps)]


def rom_line(cycles, tile, unit, folder):
    """Words that the L-Units of a matrix unit read, and the reads: cycles in which the address is another one."""
    total, active, bits = 0, 0, 0
    addresses = [cycles[c][tile + ".lunit_address"] for c in sorted(cycles)]
    for name in sorted(n for n in os.listdir(folder) if re.fullmatch(r"rom_%d_\d+\.hex" % unit, n)):
        text = open(os.path.join(folder, name)).read().split()
        words = [int(w, 16) for w in text]
        toggles, _ = changes([words[a] if a < len(words) else 0 for a in addresses])
        total, bits = total + toggles, bits + 4 * len(text[0])
    active = sum(a != b for a, b in zip(addresses, addresses[1:]))
    return ["words of ROMs", bits, total, active, len(addresses)]


def widths(path):
    """Bits of the signals of cores, as waves.read names them."""
    scopes, bits = [], {}
    for line in open(path):
        words = line.split()
        if words[:1] == ["$scope"]: scopes.append(words[2])
        elif words[:1] == ["$upscope"]: scopes.pop()
        elif words[:1] == ["$var"]:
            core = waves.CORE.search(".".join(scopes + [words[4]]))
            if core: bits["%s.%s" % core.groups()] = int(words[2])
        elif words[:1] == ["$enddefinitions"]: return bits


def main():
    roma, out, image = os.path.abspath(sys.argv[1]), sys.argv[2], os.path.abspath(sys.argv[3])
    os.makedirs(OUT, exist_ok=True)
    vcd, folder = os.path.join(OUT, "token.vcd"), os.path.join(OUT, "token")
    subprocess.run([roma, "cosim", "--quick", "--image", image, "-p", PROMPT, "-n", "2", "--fault", "none", "--vcd", vcd], check=True,
                   env=dict(os.environ, XDG_CACHE_HOME=OUT), stdout=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([roma, "rtl", "--chip", "mini", "--image", image, "--style", "array", "-o", folder], check=True)
    bits = widths(vcd)
    names = {s for of in (MATRIX, VECTOR) for group in of.values() for s in group} | {"unit"}
    cycles = waves.read(vcd, {t + "." + s for t in {n.split(".")[0] for n in bits} for s in names})
    first, rows, share = cycles[min(cycles)], [], []
    for tile in sorted({n.split(".")[0] for n in first if n.endswith(".unit")}, key=int):
        unit, matrix = first[tile + ".unit"], is_matrix(first, tile)
        where = "%s unit %d" % ("matrix" if matrix else "vector", unit)
        mine = [rom_line(cycles, tile, unit, folder)] if matrix else []
        for line in mine: share.append(line[2] / (line[1] * line[3]))
        rows += [[where] + line for line in mine + list(lines_of(cycles, tile, MATRIX if matrix else VECTOR, bits))]
    with open(out, "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(["tile", "block", "bits", "toggles", "active_cycles", "cycles", "share"])
        w.writerows(r + ["%.4f" % (r[3] / (r[2] * r[4])) if r[4] else "0"] for r in rows)
    model = json.loads(subprocess.run([roma, "sim", image, "--chip", "mini", "--toggles", "--no-ranges", "--json"], check=True, capture_output=True, text=True).stdout)
    print("toggles: %d lines; a bit of a ROM's word changes in %s of the reads, by the model in %.4f" % (
        len(rows), ", ".join("%.4f" % s for s in share), 0.5 * model["workload"]["toggle"]))
    shutil.rmtree(folder)


if __name__ == "__main__": main()
