#!/usr/bin/env python3
"""usage: pictures.py FILE.svg...
       pictures.py --fault FILE.svg...    each with a fault of every kind put in, which must be found

Holds pictures to what each must be, by its XML and style alone: texts lie within the view box and are not cut, no element is drawn twice, no two
entries of a legend look the same, no text lies on another, there is a style for a dark page, and on a light page as on a dark one a text has a contrast of 4.5 to
what is behind it (WCAG 2.2, 1.4.3). Widths of texts are estimated on the wide side.
"""
import contextlib
import io
import os
import re
import sys
import tempfile
import xml.etree.ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"
NAMED = {"white": "#ffffff", "black": "#000000", "none": None}
failures = 0


def fail(path, what):
    global failures
    failures += 1
    print("pictures: %s: %s" % (os.path.basename(path), what), flush=True)


# ---- styles: selectors of a tag, classes, an attribute, or a descendant of one of these ----


def rules(text):
    """(selectors, properties) outside of media, and of a dark page."""
    light, dark = text, ""
    found = re.search(r"@media\s*\(prefers-color-scheme:\s*dark\)\s*\{((?:[^{}]*\{[^{}]*\})*[^{}]*)\}", text)
    if found:
        light, dark = text[: found.start()] + text[found.end():], found[1]
    parse = lambda css: [([s.strip() for s in sel.split(",")], dict(p.split(":", 1) for p in body.split(";") if ":" in p)) for sel, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css)]
    return parse(light), parse(dark)


def fits(e, simple):
    tag, rest = re.match(r"([a-z]*)(.*)", simple).groups()
    if tag and e.tag != SVG + tag:
        return False
    parts = re.findall(r"\.([\w-]+)|\[(\w+)=\"([^\"]*)\"\]", rest)
    return bool(tag or parts) and all(c in e.get("class", "").split() if c else e.get(k) == v for c, k, v in parts)


def selected(chain, selector):
    """Does a selector take the last of a chain of elements from the root? And how specific it is."""
    words = selector.split()
    if not fits(chain[-1], words[-1]):
        return None
    above = list(chain[:-1])
    for w in reversed(words[:-1]):
        while above and not fits(above[-1], w):
            above.pop()
        if not above:
            return None
        above.pop()
    return sum(w.count(".") + w.count("[") for w in words), sum(w[0].isalpha() for w in words)


def style_of(chain, sheet, name, default=None):
    """A property of the last of a chain: of its own rules, its attribute, or inherited."""
    for k in range(len(chain), 0, -1):
        best = None
        for order, (selectors, properties) in enumerate(sheet):
            if name not in properties:
                continue
            for s in selectors:
                how = selected(chain[:k], s)
                if how is not None and (best is None or (how, order) >= best[0]):
                    best = ((how, order), properties[name].strip())
        value = best[1] if best else chain[k - 1].get(name)
        if value is not None:
            return value
    return default


def rgb(colour):
    colour = NAMED.get(colour, colour)
    if not colour or not colour.startswith("#"):
        return None
    colour = "#" + "".join(2 * c for c in colour[1:]) if len(colour) == 4 else colour
    return [int(colour[k: k + 2], 16) / 255 for k in (1, 3, 5)]


def light(c):
    return sum(w * (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4) for w, v in zip((0.2126, 0.7152, 0.0722), c))


def contrast(a, b):
    a, b = sorted((light(a), light(b)))
    return (b + 0.05) / (a + 0.05)


# ---- what is where ----


def chains(root):
    """Every element with those above it, in the order of drawing; what is defined is not drawn."""
    def walk(chain):
        yield chain
        for e in chain[-1]:
            if e.tag not in (SVG + "defs", SVG + "clipPath", SVG + "pattern", SVG + "marker"):
                yield from walk(chain + [e])
    return walk([root])


def moved(chain, x, y):
    """Where a point of the last element lies on the page; and whether its texts are turned."""
    turned = False
    for e in reversed(chain):
        for kind, numbers in reversed(re.findall(r"(\w+)\(([^)]*)\)", e.get("transform", ""))):
            n = [float(v) for v in re.split(r"[ ,]+", numbers.strip())]
            if kind == "translate":
                x, y = x + n[0], y + (n[1] if len(n) > 1 else 0)
            elif kind == "rotate" and n == [-90]:
                x, y, turned = y, -x, True
            else:
                raise SystemExit("pictures: transform %s is not known here" % kind)
    return x, y, turned


def letters(text):
    """Widths in ems of an Arial, a little on the wide side."""
    return sum(0.3 if c in "il.,:;|'!()[]ftj I-/" else 0.9 if c in "mwMW@%" else 0.7 if c.isupper() else 0.57 for c in text)


def text_box(chain, sheet):
    e = chain[-1]
    size = float(style_of(chain, sheet, "font-size", "16").replace("px", ""))
    text = "".join(e.itertext())
    width = letters(text) * size * (1.07 if style_of(chain, sheet, "font-weight") == "600" else 1)
    at = {"middle": width / 2, "end": width}.get(style_of(chain, sheet, "text-anchor"), 0)
    x, y = float(e.get("x", 0)), float(e.get("y", 0))
    corners = [moved(chain, px, py)[:2] for px in (x - at, x - at + width) for py in (y - 0.75 * size, y + 0.2 * size)]
    return min(c[0] for c in corners), min(c[1] for c in corners), max(c[0] for c in corners), max(c[1] for c in corners)


def shape_of(chain, sheet):
    """Box, colour and opacity of a rectangle or a circle that is filled; None of all else."""
    e = chain[-1]
    colour = rgb(style_of(chain, sheet, "fill", "black")) if e.tag in (SVG + "rect", SVG + "circle") else None
    if colour is None:
        return None
    number = lambda key: float(e.get(key, 0))
    x, y, w, h = (number("x"), number("y"), number("width"), number("height")) if e.tag == SVG + "rect" else (number("cx") - number("r"), number("cy") - number("r"), 2 * number("r"), 2 * number("r"))
    x, y, _ = moved(chain, x, y)
    return x, y, x + w, y + h, colour, float(style_of(chain, sheet, "fill-opacity", "1"))


def behind(shapes, x, y):
    """The colour at a place where these lie one on the other; None where the page's own shows."""
    ground = None
    for s in shapes:
        if s and s[0] <= x <= s[2] and s[1] <= y <= s[3]:
            ground = s[4] if ground is None else [s[5] * a + (1 - s[5]) * b for a, b in zip(s[4], ground)]
    return ground


def inner(e):
    """The text without the tip inside an element."""
    return ET.tostring(e, encoding="unicode", method="text").strip()


def look(path):
    root = ET.parse(path).getroot()
    box = [float(v) for v in root.get("viewBox").split()]
    sheets = rules("".join(s.text or "" for s in root.iter(SVG + "style")))
    if not sheets[1]:
        fail(path, "no style for a dark page")
    drawn = [c for c in chains(root) if c[-1].tag in {SVG + t for t in ("rect", "path", "circle", "text", "line", "polygon")}]
    seen, keys = set(), set()
    for c in drawn:
        e = c[-1]
        what = (tuple(p.get("transform") for p in c if p.get("transform")), e.tag, tuple(sorted(e.attrib.items())), inner(e))
        if what in seen:
            fail(path, "drawn twice: %s %s %r" % (e.tag[len(SVG):], dict(e.attrib), inner(e)[:40]))
        seen.add(what)
        if e.tag == SVG + "rect" and e.get("rx") == "2" and e.get("width") == "12":  # an entry of a legend
            if e.get("fill") in keys:
                fail(path, "two entries of the legend are %s" % e.get("fill"))
            keys.add(e.get("fill"))
    boxes = []
    grounds = [[shape_of(c, sheets[0] + sheets[1] * scheme) for c in drawn] for scheme in (0, 1)]
    for at, c in enumerate(drawn):
        if c[-1].tag != SVG + "text":
            continue
        text, b = inner(c[-1]), text_box(c, sheets[0])
        w, h = 0.1 * (b[2] - b[0]), 0.15 * (b[3] - b[1])  # what the wide side of the estimate may be too wide
        inside = b[0] + w, b[1] + h, b[2] - w, b[3] - h
        for other, o in boxes:
            if inside[0] < o[2] and o[0] < inside[2] and inside[1] < o[3] and o[1] < inside[3]:
                fail(path, "%r lies on %r" % (text, other))
        boxes.append((text, inside))
        if text.endswith("..."):
            fail(path, "cut: %r" % text)
        if b[0] < box[0] or b[1] < box[1] or b[2] > box[0] + box[2] or b[3] > box[1] + box[3]:
            fail(path, "%r reaches out of the page: %s" % (text, [round(v) for v in b]))
        for scheme in (0, 1):
            ground = behind(grounds[scheme][:at], (b[0] + b[2]) / 2, (b[1] + b[3]) / 2)
            ink = rgb(style_of(c, sheets[0] + sheets[1] * scheme, "fill", "black"))
            if ground is None or ink is None or contrast(ink, ground) < 4.5:
                fail(path, "%r on a %s page: contrast %.1f" % (text, ("light", "dark")[scheme], contrast(ink, ground) if ground and ink else 0))
    return len(drawn)


def faulty(text):
    """The picture's text with one fault each: a text that is moved out, cut, faint, doubled; no dark page."""
    some = [m for m in re.finditer(r"<text [^>]*>[^<]+</text>\n", text)][-1]
    now = some[0]
    put = lambda new: text[: some.start()] + new + text[some.end():]
    yield "out", put(re.sub(r' x="[^"]*"', ' x="2000"', now))
    yield "cut", put(now.replace("</text>", "...</text>"))
    yield "faint", put(re.sub(r'fill="[^"]*"', 'fill="#c0c0c0"', now))
    yield "twice", put(now + now)
    yield "over another", put(now + re.sub(r">[^<]*<", ">another<", now))
    yield "dark", re.sub(r"<style>.*?</style>", "", text, flags=re.S)
    yield "unread in the dark", text.replace('[fill="#1f2328"]{fill:#e6edf3}', "")


def main():
    global failures
    files = sys.argv[1:]
    if not files:
        sys.exit(__doc__)
    if files[0] != "--fault":
        n = sum(look(path) for path in files)
        print("pictures: %d files, %d elements, %d failed" % (len(files), n, failures))
        sys.exit(failures != 0)
    missed, tried = [], 0
    for path in files[1:]:
        for kind, text in faulty(open(path, encoding="utf-8").read()):
            with tempfile.NamedTemporaryFile("w", suffix=".svg", encoding="utf-8") as f, contextlib.redirect_stdout(io.StringIO()):
                f.write(text)
                f.flush()
                before = failures
                look(f.name)
            tried += 1
            missed += [(path, kind)] if failures == before else []
    print("pictures: %d of %d faults are found%s" % (tried - len(missed), tried, ", not " + str(missed) if missed else ""))
    sys.exit(bool(missed))


main()
