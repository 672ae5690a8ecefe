"""B-ROM in the rules of the plain array: one select transistor for each group of addresses and bit, whose source goes to one of the lines that carry the functions
of the low address bits. All lengths are in nanometres.

Of a group of A addresses a column holds a pattern t of A bits. t = 0 needs no transistor, all ones take ground, the others a line `ln[t]`, which is low where the
address asks for a 1 of t. Two groups face each other over their lines: lines are metal 3 along x, the source climbs to them on a stub of metal 2 along y, bit lines
are metal 4 along y over the drains, which two groups share. Seen from either group the first line of every function is nearer than the other group's: the order is
X Y .. Z .. Y X, 2 k - 1 lines for k functions, so that the stubs of a column never cross."""
import re

import klayout.db as db

import extract
import nor
from nor import box, label, square


class Plan(nor.Plan):
    """Heights within half a unit, from the drain (0) to the middle between two groups (half)."""

    def __init__(self, pdk, addresses):
        super().__init__(pdk)
        nm = pdk.nm
        wire, space, via = nm("M3.1"), nm("M3.2a"), nm("V2.1")
        end = via // 2 + nm("V2.4")[0]
        self.addresses, self.all_ones = addresses, (1 << addresses) - 1
        self.functions = list(range(1, self.all_ones))
        self.gate = self.contact // 2 + nm("CO.4") + nm("PL.5b") + self.length // 2
        self.source = self.gate + self.length // 2 + nm("CO.7") + self.contact // 2
        self.stub = wire
        self.wide = self.pitch - space                       # of pads in metals 2 and 3
        self.tall = -(-round(1e6 * pdk.rule("M2.3")) // self.wide // 10) * 10
        self.low = self.tall // 2 + space                    # foot of all stubs: they clear the drain's pad
        self.first = self.low + self.tall - end              # the first line, and the via to metal 1: the shortest stub there may be
        self.step, self.end = wire + space, end
        # The middle line is two that overlap, `spread` to either side of the middle, one for either group: so the stub that ends there keeps clear
        # of the other group's stub to the line before, as the ends of stubs reach farther than lines are wide.
        self.spread = end - wire // 2
        below = [self.first + self.step * i for i in range(len(self.functions) - 1)]
        self.lines = below + [below[-1] + self.step]
        self.half = max(self.lines[-1] + self.spread, self.pad_low() + self.pad + nm("M1.2a") + nm("M1.1") // 2)

    def pad_low(self):
        """Foot of the source's pad: it leaves as little as a contact needs above, towards the ground line."""
        return self.source + self.contact // 2 + 5 - self.pad

    def word_line(self, g):
        """Height of the word line of group g; drains of even groups are below, of odd ones above."""
        return g // 2 * 2 * self.half + (2 * self.half - self.gate if g % 2 else self.gate)

    def via_height(self, t, facing, odd):
        """Of the via to the line of t. Where both groups end on the middle line, the even one's via stands in the middle, for both."""
        if t in (0, self.all_ones):
            return None
        if t == facing == self.functions[-1]:
            return None if odd else self.half
        return self.lines[t - 1]

    def bit_area(self):
        """Square micrometres, without the columns of taps."""
        return self.pitch * self.half / self.addresses / 1e6


def patterns(plan, words, j):
    """Of column j the pattern of every group; bit i of a pattern belongs to the group's address i."""
    a = plan.addresses
    return [sum((word >> j & 1) << i for i, word in enumerate(words[g:g + a])) for g in range(0, len(words), a)]


def half_unit(layout, pdk, plan, t, via):
    """A column of one group with pattern t, from its drain at the origin up to the lines; via is the height of the via to its line, or None."""
    cell = layout.create_cell(f"half_{t}_{via}")
    half, ys = plan.active // 2, plan.source
    box(layout, cell, pdk, "COMP", -half, -half, half, ys + half)
    for y in (0, ys):
        square(layout, cell, pdk, "Contact", 0, y, plan.contact)
    square(layout, cell, pdk, "Metal1", 0, 0, plan.pad)
    square(layout, cell, pdk, "Via1", 0, 0, plan.via)
    for n in (2, 3):
        box(layout, cell, pdk, f"Metal{n}", -plan.wide // 2, -plan.tall // 2, plan.wide // 2, plan.tall // 2)
        square(layout, cell, pdk, f"Via{n}", 0, 0, plan.via)
    low = plan.pad_low()
    box(layout, cell, pdk, "Metal1", -plan.pad // 2, low, plan.pad // 2, low + plan.pad)
    if t == plan.all_ones:
        box(layout, cell, pdk, "Metal1", -plan.stub // 2, low, plan.stub // 2, plan.half)
        return cell
    line = plan.lines[t - 1]
    square(layout, cell, pdk, "Via1", 0, plan.first, plan.via)
    if via is not None:
        square(layout, cell, pdk, "Via2", 0, via, plan.via)
    box(layout, cell, pdk, "Metal2", -plan.wide // 2, plan.low, plan.wide // 2, line + plan.end)
    return cell


def draw(pdk, width, words, addresses):
    """The layout, with one top cell `brom`."""
    plan, layout = Plan(pdk, addresses), db.Layout()
    layout.dbu = 0.001
    top = layout.create_cell("rom")
    words = words + [0] * (-len(words) % (2 * addresses))
    groups, cells = len(words) // addresses, {}
    for j in range(width):
        of_group = patterns(plan, words, j)
        for g, t in enumerate(of_group):
            if not t:
                continue
            key = t, plan.via_height(t, of_group[g ^ 1], g % 2)
            cells[key] = cells.get(key) or half_unit(layout, pdk, plan, *key).cell_index()
            place = db.Trans(db.Trans.M0 if g % 2 else db.Trans.R0, db.Vector(plan.column(j), (g + 1) // 2 * 2 * plan.half))
            top.insert(db.CellInstArray(cells[key], place))
    units = groups // 2
    height, right = 2 * plan.half * units, plan.taps(width)[-1] + plan.pad
    for g in range(groups):
        nor.word_line(layout, top, pdk, plan, width, g, plan.word_line(g))
    for j in range(width):
        x = plan.column(j)
        box(layout, top, pdk, "Metal4", x - plan.stub // 2, -plan.tall // 2, x + plan.stub // 2, height + plan.tall // 2)
        label(layout, top, pdk, "Metal4_Label", f"bl[{j}]", x, height)
    candidate_lines(layout, top, pdk, plan, units, right)
    edge = plan.active // 2 + plan.over_gate
    nor.frame(layout, top, pdk, plan, width, [plan.half * (2 * u + 1) for u in range(units)], pdk.nm("M1.1"), -edge, height + edge)
    return layout, top, plan


def candidate_lines(layout, top, pdk, plan, units, right):
    """Every function's lines, joined by a strap of metal 2 at the right."""
    end = right + plan.step * len(plan.functions)
    for i, (t, y) in enumerate(zip(plan.functions, plan.lines)):
        x, middles = right + plan.step * i, [plan.half * (2 * u + 1) for u in range(units)]
        places = sorted(m + d for m in middles for d in (y - plan.half, plan.half - y))
        for at in places:  # those of the middle line overlap, and are one wider line
            box(layout, top, pdk, "Metal3", -plan.pad, at - plan.stub // 2, end, at + plan.stub // 2)
        for at in middles if y == plan.lines[-1] else places:
            square(layout, top, pdk, "Via2", x, at, plan.via)
        box(layout, top, pdk, "Metal2", x - plan.stub // 2, places[0] - plan.tall, x + plan.stub // 2, places[-1] + plan.tall)
        label(layout, top, pdk, "Metal3_Label", f"ln[{t}]", 0, places[0])


def netlist_of(width, words, plan):
    """(pins, transistors) as the words have it."""
    words = words + [0] * (-len(words) % (2 * plan.addresses))
    devices = [(f"bl[{j}]", f"wl[{g}]", "gnd" if t == plan.all_ones else f"ln[{t}]", "gnd", "nfet_03v3", plan.active, plan.length)
               for j in range(width) for g, t in enumerate(patterns(plan, words, j)) if t]
    pins = [f"wl[{g}]" for g in range(len(words) // plan.addresses)] + [f"bl[{j}]" for j in range(width)] + [f"ln[{t}]" for t in plan.functions] + ["gnd"]
    return pins, devices


def read_back(l2n, count, addresses):
    """(words, faults) out of the transistors alone: a line's name says which addresses find it low."""
    words, faults = [0] * (count + -count % (2 * addresses)), []
    for ends in extract.transistors(l2n):
        names = " ".join(ends[:3])
        column, group = re.search(r"BL\[(\d+)\]", names.upper()), re.search(r"WL\[(\d+)\]", ends[1].upper())
        line = re.search(r"LN\[(\d+)\]", names.upper())
        t = int(line.group(1)) if line else (1 << addresses) - 1 if extract.is_ground(ends[0]) or extract.is_ground(ends[2]) else 0
        if not column or not group or not t:
            faults.append(f"transistor at ({ends[5][0]:.2f}, {ends[5][1]:.2f}) um: on no bit line, word line or candidate line")
            continue
        for i in range(addresses):
            words[int(group.group(1)) * addresses + i] |= (t >> i & 1) << int(column.group(1))
    return words[:count], faults
