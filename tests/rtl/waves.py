#!/usr/bin/env python3
"""Waveforms that roma cosim --vcd writes, read again; and the picture of docs/hardware.md, "The way of one token".
usage: waves.py ROMA SVG    runs a token of the mini chip with the tiny model, and draws how LINEAR q of its first layer comes about"""
import os
import re
import subprocess
import sys
import tempfile

CORE = re.compile(r"tile_(\d+)\.core\.(?:roma_\w+\.)?(\w+)$")  # of a tile's core


def read(path, wanted=None):
    """Cycles of a waveform: of each its number and the values of the wanted signals (all: None) as integers, TILE.NAME of a core, with the clock high.
    The file ends the program where it is no VCD with a clock."""
    scopes, of, values, cycles, time = [], {}, {}, {}, None
    with open(path) as f:
        for line in f:
            words = line.split()
            if not words: continue
            if words[0] == "$scope": scopes.append(words[2])
            elif words[0] == "$upscope": scopes.pop()
            elif words[0] == "$var":
                core = CORE.search(".".join(scopes + [words[4]]))
                name = core and "%s.%s" % core.groups()
                if name and (wanted is None or name in wanted or name.endswith(".clk")) and name not in values:
                    values[name] = None
                    of.setdefault(words[3], []).append(name)
            elif words[0] == "$enddefinitions": break
        else: sys.exit("waves: %s has no definitions" % path)
        clock = next(name for name in values if name.endswith(".clk"))
        for line in list(f) + ["#end"]:
            if line[0] == "#":
                if time is not None and values[clock] != (time + 1) % 2: sys.exit("waves: %s has no clock at time %d" % (path, time))
                if values[clock] == 1: cycles[time // 2] = dict(values)
                time = int(line[1:]) if line != "#end" else None
                continue
            bits, code = line[1:].split() if line[0] == "b" else (line[:1], line[1:].strip())
            for name in of.get(code, ()) if code else (): values[name] = int(bits, 2)
    return cycles


# ---- the picture: LINEAR q, from the codes that a norm makes to the rotation that waits for it ----

FROM, TO, LEFT, STEP, ROW, TOP = 105, 205, 206, 7.5, 27, 62
OPERATIONS = {0: "angles", 1: "embed", 2: "norm", 3: "q", 4: "k", 5: "v", 6: "rope q", 7: "rope k", 8: "cache"}
MATRIX, VECTOR = "1", "6"  # tiles of matrix unit 1 and of vector unit 2, which has most of its rows
RES = 82                   # bits of channel res of a matrix unit: 2 FP32, index 16, last, valid


def bit(name, n): return lambda v: v[name] >> n & 1
def field(name, low, n): return lambda v: v[name] >> low & (1 << n) - 1


def operation(tile, number): return lambda v: OPERATIONS.get(v["%s.%s" % (tile, number)], "?") if v[tile + ".reading"] else None


LINES = [
    ("vector unit 2", None, None),
    ("reads operands of", "bus", operation(VECTOR, "number_now")),
    ("o_code: codes leave", "bit", bit(VECTOR + ".o_code", 77)),
    ("matrix unit 1", None, None),
    ("i_code: codes arrive", "bit", bit(MATRIX + ".i_code", 77)),
    ("i_scale: the scale arrives", "bit", bit(MATRIX + ".i_scale", 49)),
    ("starts", "bit", bit(MATRIX + ".starts", 0)),
    ("reads operands of", "bus", operation(MATRIX, "number")),
    ("lunit_address", "cells", lambda v: "%d" % v[MATRIX + ".lunit_address"] if v[MATRIX + ".reading"] else None),
    ("lunit_sums: first row", "cells", lambda v: "%d" % field(MATRIX + ".lunit_sums", 0, 25)(v)),
    ("result: a row group is added", "bit", bit(MATRIX + ".result", 0)),
    ("o_res: two rows leave", "bit", bit(MATRIX + ".o_res", RES - 1)),
    ("vector unit 2", None, None),
    ("i_res of matrix unit 1", "bit", bit(VECTOR + ".i_res", 2 * RES - 1)),
    ("index of the row group", "bus", lambda v: "%d" % field(VECTOR + ".i_res", RES + 64, 16)(v) if bit(VECTOR + ".i_res", 2 * RES - 1)(v) else None),
    ("product_ended", "bit", bit(VECTOR + ".product_ended", 0)),
    ("starts", "bit", bit(VECTOR + ".start", 0)),
]
WANTED = {"%s.%s" % (tile, name) for tile, names in ((MATRIX, "i_code i_scale starts reading number lunit_address lunit_sums result o_res"),
                                                     (VECTOR, "reading number_now o_code i_res product_ended start")) for name in names.split()}
STYLE = """text{fill:#1f2328;font-size:11px}.t{font-size:15px;font-weight:600}.h{font-size:12px;font-weight:600}.s{fill:#59636e}.v{font-size:10px}.bg{fill:#fff}.g{stroke:#d0d7de;stroke-width:1}
.w{fill:none;stroke:#0969da;stroke-width:1.5}.b{fill:#ddf4ff;stroke:#0969da;stroke-width:1}.m{stroke:#cf222e;stroke-width:1;stroke-dasharray:4 3}.r{fill:#cf222e}
@media (prefers-color-scheme: dark){text{fill:#e6edf3}.s{fill:#9198a1}.bg{fill:#0d1117}.g{stroke:#30363d}.w{stroke:#4493f8}.b{fill:#0c2d6b;stroke:#4493f8}.m{stroke:#f85149}.r{fill:#f85149}}"""


def runs(values):
    """(first cycle, the one after the last, value) of equal neighbours, those of None left out."""
    out = []
    for c, v in enumerate(values):
        if v is not None and out and out[-1][1] == c and out[-1][2] == v: out[-1][1] = c + 1
        elif v is not None: out.append([c, c + 1, v])
    return out


def draw_line(out, y, kind, values):
    x = lambda c: LEFT + STEP * c
    if kind == "bit":
        path, was = "M%g %g" % (x(0), y - 14 * values[0]), values[0]
        for c, v in enumerate(values):
            if v != was: path, was = path + "H%gV%g" % (x(c), y - 14 * v), v
        out.append('<path class="w" d="%sH%g"/>' % (path, x(len(values))))
        return
    for first, end, v in runs(values):
        out.append('<rect class="b" x="%g" y="%g" width="%g" height="15"/>' % (x(first), y - 15, x(end) - x(first)))
        if kind == "bus" and x(end) - x(first) >= 6 * len(v): out.append('<text class="v" x="%g" y="%g" text-anchor="middle">%s</text>' % (x(first) / 2 + x(end) / 2, y - 4, v))


def draw(cycles, marks):
    """The picture of these cycles; marks: (cycle, words) of vertical lines."""
    width, height = LEFT + STEP * (TO - FROM) + 20, TOP + ROW * len(LINES) + 44
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" role="img" font-family="system-ui, \'Helvetica Neue\', Arial, sans-serif">' %
           (width, height, width, height), "<title>LINEAR q of the first layer on the wires of the mini chip, cycles %d to %d</title><style>%s</style>" % (FROM, TO, STYLE),
           '<rect class="bg" width="%g" height="%g"/>' % (width, height), '<text class="t" x="14" y="24">LINEAR q of the first layer, cycle by cycle</text>']
    bottom = TOP + ROW * len(LINES) + 8
    for c in range(FROM - FROM % -10, TO + 1, 10):
        x = LEFT + STEP * (c - FROM)
        out.append('<path class="g" d="M%g %gV%g"/><text class="s" x="%g" y="%g" text-anchor="middle">%d</text>' % (x, TOP - 8, bottom, x, bottom + 14, c))
    for c, words in marks:
        x = LEFT + STEP * (c - FROM)
        out.append('<path class="m" d="M%g %gV%g"/><text class="r" x="%g" y="%g" text-anchor="middle">%s</text>' % (x, TOP - 12, bottom, x, TOP - 16, words))
    for i, (label, kind, value) in enumerate(LINES):
        y = TOP + ROW * (i + 1) - 6
        out.append('<text class="%s" x="%d" y="%g">%s</text>' % ("s" if kind else "h", 26 if kind else 14, y - 3, label))
        if kind: draw_line(out, y, kind, [value(v) for v in cycles])
    return "\n".join(out + ['<text class="s" x="14" y="%g">cycle</text>' % (bottom + 14), "</svg>"]) + "\n"


def main():
    roma, svg = map(os.path.abspath, sys.argv[1:])
    with tempfile.TemporaryDirectory() as work:
        vcd = os.path.join(work, "token.vcd")
        subprocess.run([roma, "cosim", "--quick", "--fault", "none", "-p", "A", "-n", "1", "--vcd", vcd], check=True)
        print("waves: %d bytes" % os.path.getsize(vcd))
        cycles = read(vcd, WANTED)
    shown = [cycles[c] for c in range(FROM, TO)]
    text = draw(shown, [(127, "q starts"), (159, "q is read"), (185, "q ends")])  # docs/cost-model.md 1.11
    with open(svg, "w") as f: f.write(text)


if __name__ == "__main__": main()
