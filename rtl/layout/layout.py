#!/usr/bin/env python3
"""Mask ROM of a tensor: from an image, or a folder with rom.hex, to rom.gds and rom.cdl, which are read again and checked. docs/mask-rom.md

usage: layout.py --pdk DIR --image IMAGE --tensor TENSOR[:FIRST-LAST|@UNIT.LUNIT] [-o DIR] [--rows N] [--style S] [--lanes L --units U --lunits N]
       layout.py --pdk DIR --rom DIR [-o DIR] [--rows N] [--style S]   DIR as `roma rtl --rom --style array` writes it
       layout.py --pdk DIR --check DIR                                 rom.gds and rom.cdl of DIR against its rom.hex, nothing drawn
style: nor (the plain array, the default), brom2 and brom4 (B-ROM in groups of two and of four addresses), column (the lowest bit's column of the plain
array alone, with the first word line's driver and with precharge, keeper and sense)
exit code: 0 all checks passed, 1 one failed, 2 bad input"""
import argparse
import os
import re
import struct
import sys
import time

import klayout.db as db

import brom
import cells
import extract
import nor
import rules
import words as rom
from pdk import Pdk


def load(path):
    layout = db.Layout()
    layout.read(path)
    return layout, layout.top_cell()


STYLES = {"nor": 0, "brom2": 2, "brom4": 4, "column": 0}  # addresses of a group of B-ROM


def check(pdk, folder, width, words, say=print):
    """Names of the checks that failed; what is checked is the files of the folder, whose top cell tells the style."""
    failed, start = [], time.monotonic()
    layers = rules.Layers(pdk, *load(os.path.join(folder, "rom.gds")))
    found = rules.check(layers)
    for rule, what, count, at in found:
        if count:
            failed.append(rule)
            say(f"rule {rule} ({what}): broken {count} times, first at ({at[0]:.3f}, {at[1]:.3f}) um")
    say(f"rules: {len(found)} checked, {len(failed)} broken")
    l2n = extract.extract(layers)
    addresses = STYLES.get(layers.top.name, 0)
    edge = nor.Plan(pdk).row * (len(words) + len(words) % 2) / 1000 if layers.top.name == "column" else None
    got, faults = brom.read_back(l2n, len(words), addresses) if addresses else nor.read_back(l2n, width, len(words), edge)
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
        name, sign, numbers = re.fullmatch(r"([^:@]*)([:@]?)(.*)", args.tensor, re.S).groups()
        unit = rows = None
        two = re.fullmatch(r"(\d{1,9})-(\d{1,9})" if sign == ":" else r"(\d{1,9})\.(\d{1,9})", numbers, re.A)
        if sign and not two:
            raise SystemExit("layout: TENSOR is a name, NAME:FIRST-LAST or NAME@UNIT.LUNIT, as 0.down:0-63 or 0.down@3.1")
        if sign == ":":
            rows = int(two[1]), int(two[2])
        elif sign:
            unit = (args.units, args.lunits, int(two[1]), int(two[2]))
            if unit[2] >= args.units or unit[3] >= args.lunits:
                raise SystemExit(f"layout: '{args.tensor}' names no L-Unit of {args.units} x {args.lunits}")
        try:
            image = rom.Image(args.image)
            names = image.names() if name == "all" else [name]
            width, words, name = 4 * args.lanes, [w for each in names for w in image.words(each, args.lanes, unit, rows)], args.tensor
        except (struct.error, IndexError, KeyError):
            raise SystemExit(f"layout: '{args.image}' is cut or damaged; `roma inspect` says where") from None
    if args.rows:  # the first of them; beyond the last an L-Unit holds nothing
        words = (words + [0] * args.rows)[:args.rows]
    if args.style == "column" and not args.check:
        width, words = 4, [word & 1 for word in words]
    return name, width, words


def make(pdk, folder, name, width, words, style="nor", pitch=None):
    """Writes rom.hex, manifest.json, rom.gds, rom.cdl; returns the plan and the number of transistors."""
    addresses = STYLES[style]
    if style == "column":
        layout, top, pins, devices, made = cells.column(pdk, words)
        plan = made["plan"]
    else:
        layout, top, plan = brom.draw(pdk, width, words, addresses) if addresses else nor.draw(pdk, width, words, pitch)
        pins, devices = (brom if addresses else nor).netlist_of(width, words, plan)
    top.name = style
    rom.write_folder(folder, name, width, words)
    layout.write(os.path.join(folder, "rom.gds"))
    extract.write_cdl(os.path.join(folder, "rom.cdl"), style, pins, devices)
    return plan, len(devices)


def main():
    parser = argparse.ArgumentParser(prog="layout.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--pdk", "--image", "--tensor", "--rom", "--check", "-o"):
        parser.add_argument(name)
    parser.add_argument("--style", choices=STYLES, default="nor")
    for name, value in (("--rows", 0), ("--lanes", 16), ("--units", 8), ("--lunits", 4)):
        parser.add_argument(name, type=int, default=value)
    args = parser.parse_args()
    if not args.pdk or bool(args.rom) + bool(args.check) + bool(args.image and args.tensor) != 1:
        parser.error("give --pdk, and one of --rom, --check, or --image with --tensor")
    if args.lanes not in (8, 16, 32, 64, 128) or args.rows < 0 or args.lunits < 1 or args.units < 1:
        raise SystemExit("layout: lanes are 8, 16, 32, 64 or 128, the other numbers whole")
    pdk = Pdk(args.pdk)
    name, width, words = source(args)
    if not words:
        raise SystemExit(f"layout: {name} has no words")
    folder = args.check or args.o or "build/layout"
    if not args.check:
        plan, count = make(pdk, folder, name, width, words, args.style)
        print(f"{name}: {len(words)} words of {width} bits, {count} transistors, {plan.bit_area():.4f} um2 a bit; {folder}/rom.gds, rom.cdl")
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
