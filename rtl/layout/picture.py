#!/usr/bin/env python3
"""A window of rom.gds as SVG: the shapes of each layer, cut and merged by KLayout, with a legend and the names of lines beside them.

usage: picture.py PDK DIR OUT.svg X1 Y1 X2 Y2     the window in micrometres"""
import os
import sys
from xml.sax.saxutils import escape

import klayout.db as db

import layout
import rules
from pdk import Pdk

# (layer, colour, opacity, what it is), from below
STYLE = [("COMP", "#2e9e4f", 0.75, "active"), ("Poly2", "#d23c3c", 0.75, "poly: word lines"), ("Metal1", "#3b6fd1", 0.45, "metal 1"), ("Metal2", "#b44fc4", 0.40, "metal 2"),
         ("Metal3", "#e39b27", 0.45, "metal 3"), ("Metal4", "#1f9aa8", 0.30, "metal 4"), ("Contact", "#111111", 0.9, "contact"), ("Via1", "#ffffff", 0.9, "via 1"),
         ("Via2", "#ffe27a", 0.95, "via 2"), ("Via3", "#9df0f5", 0.95, "via 3")]
SCALE, MARGIN, LEGEND = 90, 52, 150
# The layers lie on white in both schemes, since they shine through one another.
SCHEMES = ".page{fill:#ffffff}text{fill:#1f2328}@media (prefers-color-scheme: dark){.page{fill:#0d1117}text{fill:#e6edf3}}"


def main(folder, where, out, *corners):
    pdk = Pdk(folder)
    x1, y1, x2, y2 = (float(c) for c in corners)
    window = db.Region(db.DBox(x1, y1, x2, y2).to_itype(0.001))
    drawn, top = layout.load(os.path.join(where, "rom.gds"))
    layers = rules.Layers(pdk, drawn, top)
    place = lambda p: f"{MARGIN + (p.x / 1000 - x1) * SCALE:.1f},{20 + (y2 - p.y / 1000) * SCALE:.1f}"
    width, height = MARGIN + (x2 - x1) * SCALE + LEGEND, 44 + (y2 - y1) * SCALE
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
             'font-family="sans-serif" font-size="13">', f"<style>{SCHEMES}</style>", f'<rect class="page" width="{width:.0f}" height="{height:.0f}"/>',
             f'<rect x="{MARGIN}" y="20" width="{(x2 - x1) * SCALE:.1f}" height="{(y2 - y1) * SCALE:.1f}" fill="#ffffff"/>']
    legend = []
    for name, colour, opacity, what in STYLE:
        shapes = layers[name] & window
        if shapes.is_empty():
            continue
        path = " ".join("M" + " L".join(place(p) for p in contour) + " Z" for polygon in shapes.each()
                        for contour in [polygon.each_point_hull()] + [polygon.each_point_hole(h) for h in range(polygon.holes())])
        lines.append(f'<path d="{path}" fill="{colour}" fill-opacity="{opacity}" fill-rule="evenodd" stroke="{colour if colour != "#ffffff" else "#333333"}" stroke-width="0.8"/>')
        legend.append((colour, opacity, what))
    for k, (colour, opacity, what) in enumerate(legend):
        at = width - LEGEND + 14, 26 + 24 * k
        lines.append(f'<rect x="{at[0]:.0f}" y="{at[1]}" width="16" height="16" fill="#ffffff"/><rect x="{at[0]:.0f}" y="{at[1]}" width="16" height="16" fill="{colour}" fill-opacity="{opacity}" stroke="#333333" stroke-width="0.6"/>'
                     f'<text x="{at[0] + 23:.0f}" y="{at[1] + 13}">{escape(what)}</text>')
    for layer in ("Metal1_Label", "Metal2_Label", "Metal3_Label", "Metal4_Label"):
        index = drawn.find_layer(*pdk.layer[layer])
        for text in db.Texts(top.begin_shapes_rec(index)).each() if index is not None else []:
            x, y = text.x / 1000, text.y / 1000
            if text.string.startswith("bl") and x1 < x < x2:
                lines.append(f'<text x="{MARGIN + (x - x1) * SCALE:.0f}" y="{height - 8:.0f}" text-anchor="middle">{text.string}</text>')
            elif text.string.startswith(("wl", "ln")) and y1 < y < y2:
                lines.append(f'<text x="{MARGIN - 5}" y="{24 + (y2 - y) * SCALE:.0f}" text-anchor="end">{text.string}</text>')
    with open(out, "w", encoding="ascii") as file:
        file.write("\n".join(lines + ["</svg>", ""]))


if __name__ == "__main__":
    if len(sys.argv) != 8:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
