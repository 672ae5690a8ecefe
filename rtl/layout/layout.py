#!/usr/bin/env python3
"""Mask ROM of a tensor: from an image, or a folder with rom.hex, to rom.gds and rom.cdl, which are read again and checked. docs/mask-rom.md

usage: layout.py --pdk DIR --image IMAGE --tensor TENSOR[@UNIT.LUNIT] [-o DIR] [--rows N] [--lanes L --units U --lunits N]
       layout.py --pdk DIR --rom DIR [-o DIR] [--rows N]      DIR as `roma rtl --rom --style array` writes it
       layout.py --pdk DIR --check DIR                        rom.gds and rom.cdl of DIR against its rom.hex, nothing drawn
exit code: 0 all checks passed, 1 one failed, 2 bad input"""
import argparse
import os
import sys
import time

import klayout.db as db

import extract
import nor
import rules
import words as rom
from pdk import Pdk


def load(path):
    layout = db.Layout()
    layout.read(path)
    return layout, layout.top_cell()


def netlist_of(width, words, plan):
    """The ROM as words have it: (pins, transistors)."""
    rows = len(words) + len(words) % 2
    pins = [f"wl[{i}]" for i in range(rows)] + [f"bl[{j}]" for j in range(width)] + ["gnd"]
    devices = [(f"bl[{j}]", f"wl[{i}]", "gnd", "gnd", "nfet_03v3", plan.active, plan.length)
               for i, word in enumerate(words) for j in range(width) if word >> j & 1]
    return pins, devices


def check(pdk, folder, width, words, say=print):
    """Names of the checks that failed; what is checked is the files of the folder."""
    failed, start = [], time.monotonic()
    layers = rules.Layers(pdk, *load(os.path.join(folder, "rom.gds")))
    found = rules.check(layers)
    for rule, what, count, at in found:
        if count:
            failed.append(rule)
            say(f"rule {rule} ({what}): broken {count} times, first at ({at[0]:.3f}, {at[1]:.3f}) um")
    say(f"rules: {len(found)} checked, {len(failed)} broken")
    l2n = extract.extract(layers)
    got, faults = extract.read_back(l2n, width, len(words))
    wrong = extract.differences(got, words)
    for text in (faults + wrong)[:5]:
        say(f"readback: {text}")
    failed += ["readback"] * bool(faults or wrong)
    say(f"readback: {len(words)} words of {width} bits, {len(wrong)} differ, {len(faults)} faults of transistors")
    same = extract.compare(l2n, os.path.join(folder, "rom.cdl"))
    failed += ["netlist"] * (not same)
    count = sum(1 for _ in extract.top_circuit(l2n).each_device())
    say(f"netlist: {count} transistors extracted, {'the same as' if same else 'NOT the same as'} rom.cdl")
    say(f"checked in {time.monotonic() - start:.1f} s: {'all well' if not failed else 'FAILED: ' + ' '.join(failed)}")
    return failed


def source(args):
    """(name, width, words)"""
    if args.rom or args.check:
        width, words = rom.read_folder(args.rom or args.check)
        name = args.rom or args.check
    else:
        name, _, place = args.tensor.partition("@")
        unit = None
        if place:
            u, _, n = place.partition(".")
            if not (u.isdigit() and n.isdigit() and int(u) < args.units and int(n) < args.lunits):
                raise SystemExit(f"layout: '{args.tensor}' names no L-Unit of {args.units} x {args.lunits}")
            unit = (args.units, args.lunits, int(u), int(n))
        image = rom.Image(args.image)
        names = image.names() if name == "all" else [name]
        width, words, name = 4 * args.lanes, [w for each in names for w in image.words(each, args.lanes, unit)], args.tensor
    return name, width, words[:args.rows] if args.rows else words


def make(pdk, folder, name, width, words, pitch=None):
    """Writes rom.hex, manifest.json, rom.gds, rom.cdl; returns the plan."""
    layout, _, plan = nor.draw(pdk, width, words, pitch)
    rom.write_folder(folder, name, width, words)
    layout.write(os.path.join(folder, "rom.gds"))
    extract.write_cdl(os.path.join(folder, "rom.cdl"), "rom", *netlist_of(width, words, plan))
    return plan


def main():
    parser = argparse.ArgumentParser(prog="layout.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--pdk", "--image", "--tensor", "--rom", "--check", "-o"):
        parser.add_argument(name)
    for name, value in (("--rows", 0), ("--lanes", 16), ("--units", 8), ("--lunits", 4)):
        parser.add_argument(name, type=int, default=value)
    args = parser.parse_args()
    if not args.pdk or bool(args.rom) + bool(args.check) + bool(args.image and args.tensor) != 1:
        parser.error("give --pdk, and one of --rom, --check, or --image with --tensor")
    pdk = Pdk(args.pdk)
    name, width, words = source(args)
    if not words:
        raise SystemExit(f"layout: {name} has no words")
    folder = args.check or args.o or "build/layout"
    if not args.check:
        plan = make(pdk, folder, name, width, words)
        ones = sum(bin(w).count("1") for w in words)
        print(f"{name}: {len(words)} words of {width} bits, {ones} transistors; cell {plan.pitch / 1000} x {plan.row / 1000} um = "
              f"{nor.cell_area(plan):.3f} um2; {folder}/rom.gds, rom.cdl")
    return 1 if check(pdk, folder, width, words) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
            sys.exit(2)
        raise
    except OSError as error:
        print(f"layout: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
