#!/usr/bin/env python3
"""What B-ROM can be beside plain ROM: the bound of docs/mask-rom.md in the process's rules, and what the drawn topology becomes at 7 nm pitches.

usage: bound.py PDK     prints the page's tables. Heights are in nanometres, ratios are areas of a bit over the plain array's."""
import sys

import brom
import nor
from pdk import Pdk

# Pitches of ASAP7, a public predictive 7 nm process, in nanometres: gates, fins, and the horizontal metals 2, 4, 6, 8 above them.
GATE, FIN, METALS = 54, 27, (36, 48, 64, 80)
VERTICAL = (36, 48, 64, 80)  # metals 3, 5, 7, 9, that carry stubs and bit lines


def floor_height(pdk):
    """Least height of one select transistor: as plain, but its source is its own and ends at a gap, not at the middle of a shared contact."""
    plan = brom.Plan(pdk, 2)
    return plan.source + plan.active // 2 + pdk.nm("DF.3a") // 2


def bounds(pdk):
    """[(addresses, lines, [ratio with 1 to 4 line layers])]: max(device, lines x pitch / layers) over the plain rows that it replaces."""
    row, pitch, device = nor.Plan(pdk).row, pdk.nm("M3.1") + pdk.nm("M3.2a"), floor_height(pdk)
    out = []
    for addresses, lines in ((4, 16), (4, 15), (2, 4), (2, 3)):
        out.append((addresses, lines, [max(device, lines * pitch / layers) / (addresses * row) for layers in range(1, 5)]))
    return out


def topologies(pdk):
    """[(name, addresses, metals, ratio, how it is known)]"""
    plain, pitch = nor.Plan(pdk), pdk.nm("M3.1") + pdk.nm("M3.2a")
    two, four = brom.Plan(pdk, 2), brom.Plan(pdk, 4)
    device = floor_height(pdk)
    vertical = (15 + 2) * pitch * device / 2 / (4 * plain.row * plain.pitch)
    shared = four.low + four.tall + pdk.nm("M3.2a") + 7 * pitch
    careless = (16 * pitch + four.low) / (4 * plain.row)
    return [("sixteen lines of its own for every group, one layer", 4, 4, careless, "computed"),
            ("lines along the bit lines (metal 2), stubs across (metal 1), two bits a row of transistors", 4, 2, vertical, "computed"),
            ("two groups face each other over 27 lines X Y .. Z .. Y X, one layer", 4, 4, four.half / (4 * plain.row), "drawn"),
            ("as before, the lines in two layers, seven each", 4, 6, shared / (4 * plain.row), "computed; the sixth metal's pitch does not fit the columns"),
            ("groups of two, two groups face each other over three lines X Y X, one layer", 2, 4, two.half / (2 * plain.row), "drawn")]


def scaled():
    """[(addresses, cell width, layers, height of a group, ratio to plain of that width, ratio to plain of the narrowest)] at 7 nm.

    A plain cell is one gate pitch high (drain and source shared) and 3 or 4 fins wide. A select transistor has a source of its own: a gate and a half. In each line layer
    a pair of groups has one track for the drain's way up. A column three metal tracks wide has a stub for either group beside the bit line, so that both share k lines;
    one of two tracks has one stub, and 2 k - 1 lines."""
    out = []
    for addresses in (4, 2):
        k = (1 << addresses) - 2
        for fins in (3, 4):
            width, layers_used = fins * FIN, []
            for layers in range(1, 5):
                both = width // VERTICAL[0] >= 3
                lines = k if both else 2 * k - 1
                pair = (lines + layers) / sum(1 / p for p in METALS[:layers])
                height = max(1.5 * GATE, pair / 2)
                layers_used.append((addresses, width, layers, height, height / (addresses * GATE), height * width / (addresses * GATE * 3 * FIN)))
            out += layers_used
    return out


def tables(pdk):
    yield "| addresses a group | lines | 1 layer | 2 | 3 | 4 |\n|---|---|---|---|---|---|"
    for addresses, lines, ratios in bounds(pdk):
        yield f"| {addresses} | {lines} | " + " | ".join(f"{r:.2f}" for r in ratios) + " |"
    yield "\n| topology | addresses | metals | area of a bit / plain | |\n|---|---|---|---|---|"
    for name, addresses, metals, ratio, how in topologies(pdk):
        yield f"| {name} | {addresses} | {metals} | {ratio:.2f} | {how} |"
    yield "\n| addresses | cell width | 1 line layer | 2 | 3 | 4 |\n|---|---|---|---|---|---|"
    rows = scaled()
    for i in range(0, len(rows), 4):
        yield f"| {rows[i][0]} | {rows[i][1]} nm | " + " | ".join(f"{r[4]:.2f} ({r[5]:.2f})" for r in rows[i:i + 4]) + " |"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    print("\n".join(tables(Pdk(sys.argv[1]))))
