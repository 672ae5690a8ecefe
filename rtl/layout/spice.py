#!/usr/bin/env python3
"""Read time, energy and leakage of a bit line: ngspice on a column as extracted from its layout, with the process's models, as CSV.

usage: spice.py PDK [ROWS...] >bitline.csv     (ngspice must be there; half of the cells hold a 1)

`nor` is a column of the plain array with its word line's driver, precharge, keeper and sense; `brom2` one of B-ROM in groups of two, with the same beside it as a
netlist. Wires are added by their drawn length. Values per micrometre and per square are the process's typical ones in every corner: metals from its public
extraction rules for five metals (lambdapdk, gf180, gf180mcu_1p5m_1tm_9k_sp_smim_OPTB_typ: 0.127 to 0.131 fF and 0.325 ohms), poly from the models' tables.
energy_1 and energy_0 are what the bit line's supply gives in a read of either and the precharge after it, shared what word line and candidate line take, over
their 64 columns, leakage what a charged bit line loses at 27 degrees."""
import os
import random
import re
import subprocess
import sys
import tempfile

import brom
import cells
import extract
import rules
from pdk import Pdk

SUPPLY = 3.3
METAL, METAL_OHM = 0.13, 0.325  # fF and ohms a micrometre of metals 2 to 4 at their least width, with neighbours at the least space
POLY, POLY_OHM = 0.13, 6.8      # fF a micrometre over field: as metal; ohms a square
COLUMNS = 64                    # on the word line, the one looked at being the farthest
PRECHARGE, READ = 1e-9, 2e-9   # when the precharge ends, when the address comes
LINE_N, LINE_P = 20, 40         # micrometres of width of the inverter that drives a candidate line


def devices(layers):
    """Transistors of a layout as lines for ngspice; ground is 0, word lines other than the first are low."""
    lines, l2n = [], extract.extract(layers)
    for k, device in enumerate(extract.top_circuit(l2n).each_device()):
        kind, net = device.device_class(), {}
        for terminal in kind.terminal_definitions():
            found = device.net_for_terminal(terminal.id())
            name = re.sub(r"[\[\]$]", "_", found.expanded_name()) if found else "0"
            net[terminal.name] = "0" if name == "gnd" else name
        if kind.name == "nfet_03v3" and re.fullmatch(r"wl_\d+_", net["G"]):
            net["G"] = "wlfar" if net["G"] == "wl_0_" else "0"
        if device.trans.disp.x < 0:  # the driver has a supply of its own
            net = {t: "vddw" if n == "vdd" else n for t, n in net.items()}
        values = {p.name: device.parameter(p.id()) for p in kind.parameter_definitions()}
        lines.append(f"M{k} {' '.join(net[t] for t in 'DGSB')} {kind.name} w={values['W']}u l={values['L']}u "
                     f"as={values['AS']}p ad={values['AD']}p ps={values['PS']}u pd={values['PD']}u")
    return lines


def drawn(gate, supply, mark):
    """The transistors of a gate of cells.py, as it would be extracted: diffusions of 0.44 micrometres."""
    lines = []
    for k, (d, g, s, b, kind, width, length) in enumerate(gate.devices()):
        nodes = " ".join({"gnd": "0", "vdd": supply}.get(n, re.sub(r"[\[\]]", "_", n)) for n in (d, g, s, b))
        lines.append(f"M{mark}{k} {nodes} {kind} w={width}n l={length}n as={width * 440}e-18 ad={width * 440}e-18 ps={2 * width + 880}n pd={2 * width + 880}n")
    return lines


def word_line(plan, ones):
    """The word line as eight pieces of wire, each with its share of the other columns' gates."""
    length, pieces = COLUMNS * plan.pitch / 1000, 8
    ohms, farads = POLY_OHM * length / (plan.length / 1000) / pieces, POLY * length / pieces
    lines, node = [], "wl_0_"
    for k in range(pieces):
        after = "wlfar" if k == pieces - 1 else f"wl{k}"
        lines += [f"Rw{k} {node} {after} {ohms}", f"Cw{k} {after} 0 {farads}f",
                  f"Mw{k} 0 {after} 0 0 nfet_03v3 w={plan.active}n l={plan.length}n m={ones * COLUMNS / pieces:g}"]
        node = after
    return lines


def nor_column(pdk, rows, first):
    """A column of the plain array whose row 0 holds `first`, with its driver and sense as laid out."""
    rng = random.Random(rows)
    layout, top, _, _, made = cells.column(pdk, [first] + [rng.randrange(2) for _ in range(rows - 1)])
    return devices(rules.Layers(pdk, layout, top)) + word_line(made["plan"], 0.5) + [f"Cbl bl_0_ 0 {METAL * rows * made['plan'].row / 1000}f"]


def brom_column(pdk, rows, first):
    """A column of B-ROM in groups of two whose first group has the pattern 01: its line falls where `first` is read, and stays where not."""
    rng, two = random.Random(rows), 2
    layout, top, plan = brom.draw(pdk, 1, [1, 0] + [rng.randrange(2) for _ in range(rows - 2)], two)
    rename = {"bl": "bl[0]", "wl": "wl[0]"}
    strips, across = rows / 4, (plan.column(COLUMNS) - plan.column(0)) / 1000
    height, others = rows / two * plan.half / 1000, (COLUMNS - 1) * rows / two / 4
    side = plan.active * (plan.active / 2 + plan.source - plan.gate - plan.length / 2) * 1e-18
    return devices(rules.Layers(pdk, layout, top)) + drawn(cells.Gate(cells.SENSE, rename), "vdd", "s") + drawn(cells.Gate(cells.DRIVER, rename), "vddw", "d") + \
        word_line(plan, 0.75) + [
            f"Cbl bl_0_ 0 {METAL * height}f", f"Cln ln_1_ 0 {METAL * (2 * strips * across + height)}f", f"Rln lnd ln_1_ {METAL_OHM * (height / 2 + across)}",
            f"Mln ln_1_ 0 0 0 nfet_03v3 w={plan.active}n l={plan.length}n ad={side} pd={2 * plan.active + 880}n as=0 ps=0 m={others:g}", "Vln2 ln_2_ 0 3.3",
            f"Mdn lnd {'a' if first else '0'} 0 0 nfet_03v3 w={LINE_N}u l=0.28u", f"Mdp lnd {'a' if first else '0'} vddl vddl pfet_03v3 w={LINE_P}u l=0.28u",
            f"Vddl vddl 0 {SUPPLY}"]


def run(pdk, corner, body, control, wanted):
    """What ngspice measured, by name."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "deck.spice")
        with open(path, "w", encoding="ascii") as file:
            file.write("\n".join(["* bit line", f".include {pdk.design}", f".lib {pdk.models} {corner}", *body, *control, ".end", ""]))
        done = subprocess.run(["ngspice", "-b", path], capture_output=True, text=True, check=False, cwd=folder)
    found = {k: float(v) for k, v in re.findall(r"^(\w+)\s*=\s*([-+.\deE]+)", done.stdout, re.M)}
    if wanted not in found:
        raise SystemExit(f"spice: ngspice failed:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
    return found


def read(pdk, corner, column, rows):
    """One read: precharge, its end, the address, the bit, precharge again. The bit line starts charged."""
    end = READ + 3e-9 + rows * 12e-12
    last = end + 3e-9 + rows * 14e-12
    body = column + [f"Vdd vdd 0 {SUPPLY}", f"Vddw vddw 0 {SUPPLY}", "Cout out 0 5f",
                     f"Vpre pre_n 0 PWL(0 0 {PRECHARGE} 0 {PRECHARGE + 1e-10} {SUPPLY} {end} {SUPPLY} {end + 1e-10} 0)"] + [
        f"V{n} {n} 0 PWL(0 0 {READ} 0 {READ + 1e-10} {SUPPLY} {end - 0.3e-9} {SUPPLY} {end - 0.2e-9} 0)" for n in "abc"]
    half = SUPPLY / 2
    control = [f".ic v(bl_0_)={SUPPLY}", f".tran 10p {last} 0 100p",
               f".measure tran word trig v(a) val={half} rise=1 targ v(wlfar) val={half} rise=1",
               f".measure tran line trig v(a) val={half} rise=1 targ v(bl_0_) val={half} fall=1",
               f".measure tran sense trig v(a) val={half} rise=1 targ v(out) val={half} rise=1",
               f".measure tran again trig v(pre_n) val={half} fall=1 targ v(bl_0_) val={0.95 * SUPPLY} rise=1"] + [
        f".measure tran charge_{v.lower()} integ i({v}) from={PRECHARGE / 2} to={last}" for v in ("Vdd", "Vddw", "Vddl") if any(v + " " in b for b in body)]
    found = run(pdk, corner, body, control, "charge_vddw")
    return {k: -SUPPLY * 1e15 * v if k.startswith("charge") else v * 1e9 for k, v in found.items()}


def leakage(pdk, corner, column):
    """Picoamperes into a charged bit line whose word lines are all low."""
    only = [line.replace(" wlfar ", " 0 ") for line in column if re.match(r"M\d", line) and re.search(r"\bbl_0_ 0 |0 bl_0_ 0 |bl_0_ wlfar|wlfar bl_0_", line)]
    found = run(pdk, corner, only + [f"Vbl bl_0_ 0 {SUPPLY}", f"Vln1 ln_1_ 0 {SUPPLY}", f"Vln2 ln_2_ 0 {SUPPLY}"],
                [".option gmin=1e-18", ".control", "op", "let leak = -i(Vbl)", "print leak", "quit", ".endc"], "leak")
    return found["leak"] * 1e12


def main(folder, sizes):
    pdk = Pdk(folder)
    print("style,corner,rows,word_line_ns,bit_line_ns,read_ns,precharge_ns,energy_1_fj,energy_0_fj,shared_fj,leakage_pa")
    for style, column in (("nor", nor_column), ("brom2", brom_column)):
        for rows in sizes:
            ones, zeros = column(pdk, rows, 1), column(pdk, rows, 0)
            for corner in ("typical", "ss", "ff"):
                one, zero = read(pdk, corner, ones, rows), read(pdk, corner, zeros, rows)
                shared = (one["charge_vddw"] + one.get("charge_vddl", 0)) / COLUMNS
                print(f"{style},{corner},{rows},{one['word']:.3f},{one['line']:.3f},{one['sense']:.3f},{one['again']:.3f},{one['charge_vdd']:.0f},"
                      f"{zero['charge_vdd']:.1f},{shared:.1f},{leakage(pdk, corner, zeros):.1f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    main(sys.argv[1], [int(a) for a in sys.argv[2:]] or [64, 256, 1024])
