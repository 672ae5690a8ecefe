"""The mask ROM: a NOR array of one transistor a bit, in the layers of GF180MCU at 3.3 V. All lengths are in nanometres.

Word lines are poly, along x; a column is a stripe of active along y, 0.36 wide, with a gap where a word has a 0. Between the word lines stand, by turns,
grounds (metal 1 along x) and drains (a pad to the bit line, metal 2 along y), each shared by the two rows beside it. A unit is what lies between two
grounds: two rows of a column. After every 32 columns a column of substrate taps straps the grounds."""
import re

import klayout.db as db

import extract

GROUP = 32  # columns between two columns of taps


class Plan:
    """Where everything lies: the cell's pitches follow from the rules."""

    def __init__(self, pdk, pitch=None):
        nm = pdk.nm
        self.contact, self.via, self.length = nm("CO.1"), nm("V1.1"), nm("PL.2")
        self.active = self.contact + 2 * nm("CO.4")
        self.pitch = pitch or self.active + nm("DF.3a")
        # A stripe that ends before a gap keeps clear of the gap's word line, which is field poly there.
        self.row = self.length + self.contact + 2 * (nm("CO.4") + max(nm("PL.5b"), nm("CO.7") - nm("CO.4")))
        self.pad = self.via + 2 * nm("V1.3")[0]
        self.wire2 = nm("M2.1")
        self.tap = -(-round(1e6 * pdk.rule("DF.9")) // self.active // 10) * 10  # wide enough for the least area of active
        self.over_tap = nm("PP.5d")
        self.tap_space = max(nm("NP.5a") + nm("NP.3"), nm("PP.12") + self.over_tap)
        self.tap_pitch = self.tap + 2 * self.tap_space - (self.pitch - self.active)
        self.over_gate = nm("NP.5a")
        self.poly_pad = self.contact + 2 * nm("CO.3")

    def column(self, j):
        """Centre of column j; a column of taps stands before every GROUP of them, the first at x = 0."""
        return j * self.pitch + (j // GROUP + 1) * self.tap_pitch - self.tap_pitch // 2 + self.pitch // 2

    def taps(self, width):
        """Centres of the columns of taps."""
        groups = -(-width // GROUP)
        ends = [self.column(min(GROUP * g, width) - 1) + self.pitch // 2 + self.tap_pitch // 2 for g in range(1, groups + 1)]
        return [0] + ends

    def word_line(self, i):
        return i * self.row + self.row // 2

    def bit_area(self):
        """Square micrometres, without the columns of taps."""
        return self.pitch * self.row / 1e6


def box(layout, cell, pdk, layer, x1, y1, x2, y2):
    cell.shapes(layout.layer(*pdk.layer[layer])).insert(db.Box(x1, y1, x2, y2))


def square(layout, cell, pdk, layer, x, y, side):
    box(layout, cell, pdk, layer, x - side // 2, y - side // 2, x + side // 2, y + side // 2)


def label(layout, cell, pdk, layer, text, x, y):
    cell.shapes(layout.layer(*pdk.layer[layer])).insert(db.Text(text, db.Trans(db.Vector(x, y))))


def unit(layout, pdk, plan, low, high):
    """Two rows of a column with these bits, not both 0, from ground to ground; the origin is the middle of the lower ground."""
    cell = layout.create_cell(f"unit_{low}{high}")
    half, middle = plan.active // 2, plan.row
    box(layout, cell, pdk, "COMP", -half, -half if low else middle - half, half, 2 * middle + half if high else middle + half)
    for y, there in ((0, low), (middle, 1), (2 * middle, high)):
        if there:
            square(layout, cell, pdk, "Contact", 0, y, plan.contact)
    square(layout, cell, pdk, "Metal1", 0, middle, plan.pad)
    square(layout, cell, pdk, "Via1", 0, middle, plan.via)
    return cell


def draw(pdk, width, words, pitch=None):
    """The layout, with one top cell `rom`; bit j of word i is a transistor of bl[j], wl[i] and gnd where it is 1."""
    plan, layout = Plan(pdk, pitch), db.Layout()
    layout.dbu = 0.001
    top = layout.create_cell("rom")
    words = words + [0] * (len(words) % 2)
    units = {}
    for j in range(width):
        for k in range(0, len(words), 2):
            bits = words[k] >> j & 1, words[k + 1] >> j & 1
            if any(bits):
                units[bits] = units.get(bits) or unit(layout, pdk, plan, *bits).cell_index()
                top.insert(db.CellInstArray(units[bits], db.Trans(db.Vector(plan.column(j), k * plan.row))))
    lines(layout, top, pdk, plan, width, len(words))
    return layout, top, plan


def lines(layout, top, pdk, plan, width, rows):
    """Word lines, bit lines, grounds, taps, implants and names."""
    height, half = rows * plan.row, plan.pad // 2
    for i in range(rows):
        word_line(layout, top, pdk, plan, width, i, plan.word_line(i))
    for j in range(width):
        x = plan.column(j)
        box(layout, top, pdk, "Metal2", x - plan.wire2 // 2, -half, x + plan.wire2 // 2, height + half)
        label(layout, top, pdk, "Metal2_Label", f"bl[{j}]", x, height)
    edge = plan.active // 2 + plan.over_gate
    frame(layout, top, pdk, plan, width, range(0, height + 1, 2 * plan.row), plan.active, -edge, height + edge)


def word_line(layout, top, pdk, plan, width, i, y):
    """A line of poly with a pad on the left."""
    left = -3 * plan.pad
    box(layout, top, pdk, "Poly2", left, y - plan.length // 2, plan.taps(width)[-1] + plan.pad // 2, y + plan.length // 2)
    square(layout, top, pdk, "Poly2", left, y, plan.poly_pad)
    square(layout, top, pdk, "Contact", left, y, plan.contact)
    square(layout, top, pdk, "Metal1", left, y, plan.pad)
    label(layout, top, pdk, "Metal1_Label", f"wl[{i}]", left, y)


def frame(layout, top, pdk, plan, width, grounds, wire, low, high):
    """Lines of ground at these heights, taps on them, straps, and the implants from low to high."""
    taps, half = plan.taps(width), plan.pad // 2
    for y in grounds:
        box(layout, top, pdk, "Metal1", -half, y - wire // 2, taps[-1] + half, y + wire // 2)
        for x in taps:
            box(layout, top, pdk, "COMP", x - plan.tap // 2, y - plan.active // 2, x + plan.tap // 2, y + plan.active // 2)
            square(layout, top, pdk, "Contact", x, y, plan.contact)
    label(layout, top, pdk, "Metal1_Label", "gnd", 0, grounds[0])
    for x in taps:
        box(layout, top, pdk, "Metal1", x - half, grounds[0] - wire // 2, x + half, grounds[-1] + wire // 2)
        reach = plan.tap // 2 + plan.over_tap
        box(layout, top, pdk, "Pplus", x - reach, low, x + reach, high)
    for a, b in zip(taps, taps[1:]):
        reach = plan.tap // 2 + plan.tap_space - plan.over_gate
        box(layout, top, pdk, "Nplus", a + reach, low, b - reach, high)


def netlist_of(width, words, plan):
    """(pins, transistors) as the words have it."""
    rows = len(words) + len(words) % 2
    pins = [f"wl[{i}]" for i in range(rows)] + [f"bl[{j}]" for j in range(width)] + ["gnd"]
    devices = [(f"bl[{j}]", f"wl[{i}]", "gnd", "gnd", "nfet_03v3", plan.active, plan.length)
               for i, word in enumerate(words) for j in range(width) if word >> j & 1]
    return pins, devices


def read_back(l2n, width, count, edge=None):
    """(words, faults): words out of the transistors between bl[j] and gnd with the gate wl[i]; a transistor that reaches none of them is a fault.
    edge, in micrometres: transistors above it, and left of x = 0, stand beside the array and are passed over."""
    words, faults = [0] * count, []
    for drain, gate, source, bulk, _, at in extract.transistors(l2n):
        if edge is not None and (at[0] < 0 or at[1] > edge):
            continue
        where = f"transistor at ({at[0]:.2f}, {at[1]:.2f}) um"
        row, column = re.fullmatch(r"WL\[(\d+)\]", gate.upper()), re.fullmatch(r"BL\[(\d+)\]", drain.upper())
        if not row:
            faults.append(f"{where}: its gate is on no word line (poly contact missing)")
        elif not extract.is_ground(source) and not extract.is_ground(drain):
            faults.append(f"{where}, word {row.group(1)}: it is not grounded (contact missing), or shorted")
        elif not column:
            faults.append(f"{where}, word {row.group(1)}: its drain is on no bit line (contact or via missing), or shorted")
        elif not extract.is_ground(bulk):
            faults.append(f"{where}: its substrate is not tied to gnd")
        elif int(row.group(1)) >= count + count % 2 or int(column.group(1)) >= width:
            faults.append(f"{where}: outside the ROM")
        else:
            if int(row.group(1)) < count:
                words[int(row.group(1))] |= 1 << int(column.group(1))
            else:
                faults.append(f"{where}: in the row that fills the last pair")
    return words, faults
