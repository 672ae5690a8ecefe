#!/usr/bin/env python3
"""Reads what tests/report/make_samples wrote with Python's own parsers and compares it with the values computed here again.
usage: check_output.py FOLDER"""
import csv
import gzip
import json
import math
import os
import re
import sys
import xml.etree.ElementTree as ET

folder = sys.argv[1]
checks = failures = 0


def check(condition, what):
    global checks, failures
    checks += 1
    if not condition:
        failures += 1
        print("check_output: not true:", what)


def read(name):
    with open(os.path.join(folder, name), "rb") as f:
        return f.read()


def near(got, want, digits=9):
    return abs(got - want) <= abs(want) * 10.0**-digits


# ---- lists ----

LIST = [
    ("chip", "area", "mm2", 731.4, 812.25, 901, "cost model, sum of units"),
    ("chip", "power", "W", 31.5, 40.25, 55, ""),
    ("chip", "clock", "Hz", 1e9, 1e9, 1e9, "chips/roma.chip"),
    ("chip", "matrix_units", "", 256, 256, 256, ""),
    ("decode", "throughput", "tokens/s", 180000, 249960, 260000, "plan, batch 32"),
    ("decode", "energy", "J/token", 1.2e-4, 1.612e-4, 2e-4, 'said "so", twice\\'),
    ("decode", "rom_traffic", "B/s", *[123456789012345.0] * 3, ""),
    ("decode", "missing", "s", None, None, None, "not evaluated"),
]


def check_lists():
    j = json.loads(read("list.json"))
    check(list(j) == ["first"] + [f"{g}.{n}" for g, n, *_ in LIST], "list.json: keys in order")
    rows = list(csv.DictReader(read("list.csv").decode().splitlines(keepends=True)))
    check(len(rows) == len(LIST), "list.csv: rows")
    for row, (group, name, unit, low, mid, high, source) in zip(rows, LIST):
        item = j[f"{group}.{name}"]
        check(item["unit"] == unit and item.get("source", "") == source, f"{name}: unit and source")
        check([row[k] for k in ("group", "name", "unit", "source")] == [group, name, unit, source], f"{name}: texts in CSV")
        for key, want in (("low", low), ("value", mid), ("high", high)):
            got = item[key]
            check(got is None if want is None else near(got, want), f"{name}.{key} in JSON is {got}")
            number = float(row[key])
            check(math.isnan(number) if want is None else near(number, want), f"{name}.{key} in CSV is {number}")
    text = read("list.txt").decode("ascii")
    lines = text.splitlines()
    check("chip" in lines and "decode" in lines and lines.count("") == 1, "list.txt: headings and one blank line between")
    check(all(line == line.rstrip() and len(line) <= 110 for line in lines), "list.txt: no blanks at ends, no long lines")
    ends = {m.end() for m in (re.match(r"  \w+ +[\d.-]+(?= |$)", line) for line in lines) if m}
    check(len(ends) == 1, "list.txt: values end in one column")
    check(text.count("[") == 4, "list.txt: ranges only where the ends differ")
    check("40.2 W" in text and "[31.5 .. 55.0]" in text and "161 uJ/token" in text and "123 TB/s" in text, "list.txt: prefixes")


# ---- tables ----

NASTY = [
    b"plain", b"a,b", b'say "hi"', b"two\nlines", b"cr\r\nlf", b"<b>&amp;</b>", b"tab\tbell\a", b"gr\xc3\xbc\xc3\x9f",
    b"bad \xff\xc3 utf-8", b"123", b"true", b"", b" lead", b"back\\slash", b"a|b", b"\xed\xa0\x80",
]  # fmt: skip
JSON_NASTY = [b.decode(errors="surrogateescape") for b in NASTY]
JSON_NASTY[8], JSON_NASTY[15] = "bad \ufffd\ufffd utf-8", "\ufffd\ufffd\ufffd"


def check_tables():
    rows = json.loads(read("table.json"))
    with open(os.path.join(folder, "table.csv"), newline="", encoding="utf-8", errors="surrogateescape") as f:
        lines = list(csv.reader(f, strict=True))
    check(lines[0] == ["name", "exact", "rounded [mm2]", "rate [B/s]", "good"], "table.csv: header")
    check(len(rows) == len(lines) - 1 == len(NASTY), "tables: number of rows")
    for i, (row, line) in enumerate(zip(rows, lines[1:])):
        exact = 1.0 / (3 + i) * (1e-200 if i % 2 else 1e150)
        check(row["name"] == JSON_NASTY[i], f"table.json: text {i}")
        check(os.fsencode(line[0]) == NASTY[i] or line[0].encode(errors="surrogateescape") == NASTY[i], f"table.csv: text {i}")
        check(row["exact"] == exact == float(line[1]), f"exact number {i}")
        check(near(row["rounded"], i * i / 7) and near(float(line[2]), i * i / 7), f"number {i} of ten digits")
        check(row["rate"] is None if i in (5, 6) else near(row["rate"], 1e9 * (i + 1) / 3), f"table.json: rate {i}")
        check(line[3] == {5: "", 6: "inf"}.get(i, line[3]), f"table.csv: rate {i}")
        check(row["good"] is (i % 3 == 0) and line[4] == ("true" if i % 3 == 0 else "false"), f"bool {i}")
    check(b'"123"' in read("table.csv") and b'"true"' in read("table.csv"), "table.csv: texts that look like values are quoted")
    check(read("table.csv").count(b"\r\n") == len(NASTY) + 2, "table.csv: lines end in CRLF")
    text = read("table.txt").decode("ascii").splitlines()
    check(len(text) == 5 + len(NASTY) and all(len(line) <= 110 for line in text), "table.txt: a line a row")
    rule = next(line for line in text if set(line) == {" ", "-"})
    spans = [m.span() for m in re.finditer("-+", rule)]
    check(len(spans) == 5, "table.txt: columns")
    for line in text[5:]:
        check(all(line[b] == " " for (_, b) in spans if b < len(line)), f"table.txt: a cell leaves its column: {line}")
        check(line[spans[2][1] - 1] != " ", f"table.txt: numbers end at the right: {line}")
    md = read("table.md").decode("ascii").splitlines()
    check(all(len(re.findall(r"(?<!\\)\|", line)) == 6 for line in md) and len(md) == len(NASTY) + 2, "table.md: five cells a line")


# ---- SVG ----

SVG = "{http://www.w3.org/2000/svg}"


def svg(name):
    root = ET.fromstring(read(name))
    box = [float(v) for v in root.get("viewBox").split()]
    check(root.tag == SVG + "svg" and len(box) == 4, f"{name}: viewBox")
    check(root.find(SVG + "title") is not None, f"{name}: title")
    ground = root.find(SVG + "rect")
    check(ground.get("fill") == "#ffffff" and float(ground.get("width")) == box[2] and float(ground.get("height")) == box[3], f"{name}: white ground")
    tags = {e.tag for e in root.iter()}
    check(tags <= {SVG + t for t in "svg title style rect g text path clipPath circle pattern".split()}, f"{name}: plain elements, no scripts: {tags}")
    check(b"nan" not in re.sub(rb">[^<]*<", b"><", read(name)) and b"inf" not in re.sub(rb">[^<]*<", b"><", read(name)), f"{name}: numbers are finite")
    for e in root.iter():
        if e.tag in (SVG + "text", SVG + "circle"):
            x = float(e.get("x", e.get("cx")))
            y = float(e.get("y", e.get("cy")))
            check(-box[2] < x <= box[2] and -box[3] < y <= box[3], f"{name}: {e.tag} lies outside the page")
    return root


def texts(root):
    return [e.text or "" for e in root.iter(SVG + "text")]


def text_box(e):
    """Left, top, right, bottom of narrow letters, and the text."""
    x, y, size = (float(e.get(k)) for k in ("x", "y", "font-size"))
    width = len(e.text or "") * size * 0.5
    x -= {"middle": width / 2, "end": width}.get(e.get("text-anchor"), 0)
    return x, y - size * 0.7, x + width, y, e.text


def classed(root, name):
    return [e for e in root.iter() if e.get("class") == name]


def check_floors():
    for name in ("floor-area.svg", "floor-power.svg", "floor-utilisation.svg"):
        root = svg(name)
        cells = classed(root, "cell")
        check(len(cells) == 17 * 16, f"{name}: 17 x 16 cells")
        rects = [c.find(SVG + "rect") for c in cells]
        area = [float(r.get("width")) * float(r.get("height")) for r in rects]
        other = classed(root, "other")[0].find(SVG + "rect")
        scale = sum(area[:256]) / (256 * 2.75)
        check(all(near(a, 2.75 * scale, 2) for a in area[:256]) and all(near(a, 1.4 * scale, 2) for a in area[256:]), f"{name}: cells to scale")
        check(near(float(other.get("width")) * float(other.get("height")), 61.5 * scale, 2), f"{name}: strip to scale")
        tips = [c.find(SVG + "title").text for c in cells]
        check(tips[17].startswith("matrix, row 1 column 1: 2.75 mm2") and tips[271].startswith("vector, row 16 column 15: 1.4 mm2"), f"{name}: tips")
        t = texts(root)
        for want in ("matrix", "vector", "matrix x 256", "vector x 16", "outside the grid: 61.5 mm2"):
            check(want in t, f"{name}: says {want}")
        check(t[0].startswith("ROMA <17 x 16> & strip: "), f"{name}: heading with its <>&")
        fills = {r.get("fill") for r in rects}
        check(len(fills) == (2 if "area" in name else 42), f"{name}: a colour a value, {len(fills)}")
        light = lambda c: sum(w * int(c[k : k + 2], 16) ** 2.2 for w, k in ((0.2126, 1), (0.7152, 3), (0.0722, 5)))
        if "util" in name:  # darker means more, without exception
            order = sorted(range(256), key=lambda i: 0.35 + 0.6 * (i % 41) / 41)
            lights = [light(rects[i].get("fill")) for i in order]
            check(all(a >= b * 0.985 for a, b in zip(lights, lights[1:])), f"{name}: darker means more")
            check({"93.5 %", "0 %"} <= set(t), f"{name}: ends of the scale")
    check(len(classed(svg("floor-empty.svg"), "cell")) == 3, "floor-empty.svg: three cells")


def check_charts():
    root = svg("roofline.svg")
    check(len(classed(root, "roof")) == 4 and len(classed(root, "point")) == 7, "roofline: four roofs, seven points")
    t = texts(root)
    for want in ("linear q", 'adapter "A"', "GPU <HBM3> & co", "520 TMAC/s, 260 TB/s", "arithmetic intensity (MAC/B)", "throughput (MAC/s)", "100 T", "1 P", "0.1"):
        check(want in t, f"roofline: says {want}")
    # a roof's slope is one decade a decade: equal pixels per decade on both of its segments' ends
    d = classed(root, "roof")[1].find(SVG + "path").get("d")
    p = [tuple(map(float, q.split())) for q in re.split("[ML]", d)[1:]]
    check(p[1][1] == p[2][1] and p[0][1] > p[1][1], "roofline: a slope, then a flat roof")
    points = {e.find(SVG + "title").text.split(":")[0]: e.find(SVG + "circle") for e in classed(root, "point")}
    check(float(points["head"].get("cy")) < float(points["linear q"].get("cy")) < float(points['adapter "A"'].get("cy")), "roofline: faster is higher")
    boxes = [text_box(e) for e in root.iter(SVG + "text") if float(e.get("x"))]  # at 0: turned by its group
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
            check(apart, f"roofline: {a[4]} lies on {b[4]}")
    svg("roofline-empty.svg")

    for name, curves in (("curves.svg", 2), ("curves-log.svg", 2), ("curves-units.svg", 3), ("curves-one.svg", 1), ("curves-empty.svg", 1)):
        root = svg(name)
        paths = classed(root, "curve")
        check(len(paths) == curves, f"{name}: curves")
        if name == "curves.svg":
            check(paths[0].get("d").count("M") == 1 and paths[1].get("d").count("M") == 2, "curves: an empty cell breaks the curve")
            check(len(list(root.iter(SVG + "circle"))) == 23 and "batch <32>" in texts(root) and "tokens/s" in texts(root), "curves: marks and legend")
    check("power (mW)" in texts(svg("curves-one.svg")), "curves: the axis carries the prefix")
    check(read("curves-unmarked.svg") == read("curves-one.svg"), "curves: a mark beyond the axis is not drawn")
    marked = svg("curves-marked.svg")
    line = [e for e in marked.iter(SVG + "path") if e.get("stroke-dasharray")]
    marks = [float(e.get("cx")) for e in marked.iter(SVG + "circle")]  # contexts 16 to 32768: 8192 is the tenth, 16384 the next
    check(len(line) == 1 and marks[9] < float(line[0].get("d")[1:].split(" ")[0]) < marks[10] and "capacity <9k>" in texts(marked), "curves: the mark's place and name")

    with open(os.path.join(folder, "scatter.csv"), newline="") as f:
        rows = list(csv.DictReader(f))
    best = sum(row["Pareto front"] == "true" for row in rows)
    for name in ("scatter.svg", "scatter-named.svg"):
        root = svg(name)
        check(len(classed(root, "row")) == 400 - best and len(classed(root, "front")) == best, f"{name}: rows and front")
        line = [float(v) for v in re.findall(r"[ML]([\d.]+) ", classed(root, "front-line")[0].get("d"))]
        check(len(line) == best and line == sorted(line), f"{name}: the front from left to right")
        check("Pareto front" in texts(root), f"{name}: the front is named")
    check({"rom", "brom", "sram", "fused & <dense>"} <= set(texts(svg("scatter-named.svg"))), "scatter: legend of texts")
    check(len(classed(svg("scatter-bare.svg"), "row")) == 400, "scatter-bare: rows")
    # linear axes: pixels are an affine map of the values
    circles = classed(svg("scatter-bare.svg"), "row")
    x0, x1 = (float(circles[k].get("cx")) for k in (0, 399))
    a0, a1 = (float(rows[k]["area [mm2]"]) for k in (0, 399))
    for k in range(0, 400, 7):
        want = x0 + (float(rows[k]["area [mm2]"]) - a0) / (a1 - a0) * (x1 - x0)
        check(abs(float(circles[k].get("cx")) - want) < 0.2, "scatter-bare: places")

    root = svg("bar.svg")
    widths = [float(s.find(SVG + "rect").get("width")) for s in classed(root, "slice")]
    values = [412, 201.5, 77, 60, 14, 33, 9, 0.4]
    check(all(abs(w / sum(widths) - v / sum(values)) < 1e-4 for w, v in zip(widths, values)), "bar: widths are shares")
    check("51.1%" in texts(root) and "SRAM <banks>" in texts(root) and "412 mm2" in texts(root) and "none" not in texts(root), "bar: legend")
    long = texts(svg("roofline-long.svg"))
    check("as long as names can be, ok" in " ".join(long) and not any(t.endswith("...") for t in long), f"roofline: long names go on below: {long}")


# ---- traces ----

CLOCK = 1.5e9


def spans():
    for i in range(20000):
        start = (19999 - i) * 7
        busy = 1 + i * 37 % 35
        yield {"tid": i % 5 + 1, "start": start, "cycles": busy, "latency": i % 3 * 4, "name": f'linear "{i % 11}"', "detail": f"layer {i % 24} rows 0-31" if i % 4 else None}


def trace(name):
    raw = read(name)
    check(raw[:4] == b"\x1f\x8b\x08\x00" and raw[4:8] == bytes(4), f"{name}: gzip without name and time")
    j = json.loads(gzip.decompress(raw))
    check(set(j) == {"traceEvents", "displayTimeUnit"} and j["displayTimeUnit"] == "ns", f"{name}: frame")
    meta = [e for e in j["traceEvents"] if e["ph"] == "M"]
    events = [e for e in j["traceEvents"] if e["ph"] == "X"]
    check(j["traceEvents"] == meta + events and meta[0]["name"] == "process_name", f"{name}: metadata first")
    names = {e["tid"]: e["args"]["name"] for e in meta if e["name"] == "thread_name"}
    check(names == dict(enumerate(["matrix units: L", "matrix units: H", "vector units", "mesh", '"others"'], 1)), f"{name}: tracks")
    check([e["args"]["sort_index"] for e in meta if e["name"] == "thread_sort_index"] == list(range(5)), f"{name}: order of tracks")
    check(all(e["pid"] == 1 for e in j["traceEvents"]), f"{name}: one process")
    ts = [e["ts"] for e in events]
    check(ts == sorted(ts), f"{name}: events in order of time")
    end = {}
    for e in events:  # in picoseconds, as written
        start, dur = round(e["ts"] * 1e6), round(e["dur"] * 1e6)
        check(start >= end.get(e["tid"], 0), f"{name}: spans of a track overlap at {e['ts']}")
        end[e["tid"]] = start + dur
    return j["traceEvents"], [e["args"] for e in meta if e["name"] == "dropped"], events


def check_events(events, wanted):
    check(len(events) == len(wanted), f"trace: {len(events)} of {len(wanted)} events")
    for e, s in zip(events, wanted):
        args = {"cycles": s["cycles"]}
        if s["detail"]:
            args["detail"] = s["detail"]
        if s["latency"]:
            args["latency_cycles"] = s["latency"]
        good = e["name"] == s["name"] and e["tid"] == s["tid"] and e["args"] == args
        good = good and abs(e["ts"] - s["start"] / CLOCK * 1e6) < 1e-6 and abs(e["dur"] - s["cycles"] / CLOCK * 1e6) < 2e-6
        check(good, f"trace: {e} is not {s}")


def check_traces():
    wanted = sorted(spans(), key=lambda s: s["start"])
    all_events, dropped, events = trace("trace.json.gz")
    check(all_events[0]["args"]["name"] == "roma <simulated>" and not dropped, "trace: process, nothing dropped")
    check_events(events, wanted)
    check(read("trace.json.gz") == read("trace-again.json.gz"), "trace: the same bytes again")
    check(read("trace.json") == gzip.decompress(read("trace.json.gz")), "trace: plain and gzipped are the same text")
    plain = json.loads(read("trace-capped.json"))["traceEvents"]
    told = [e["args"] for e in plain if e["name"] == "dropped"]
    check(400000 * 0.9 < len(read("trace-capped.json")) <= 400000 and told == [{"spans": 20000 - sum(e["ph"] == "X" for e in plain), "of": 20000}], "capped plain trace")
    _, dropped, events = trace("trace-capped.json.gz")
    size = len(read("trace-capped.json.gz"))
    check(40000 * 0.97 < size <= 40000, f"capped trace: {size} bytes use the cap and keep it")
    check(dropped == [{"spans": 20000 - len(events), "of": 20000}], f"capped trace: says {dropped}")
    shortest = min(e["args"]["cycles"] for e in events)
    must = [s for s in wanted if s["cycles"] > shortest]
    check([s["start"] for s in must] == [round(e["ts"] * CLOCK / 1e6) for e in events if e["args"]["cycles"] > shortest], "capped trace: the shortest go first")
    _, dropped, events = trace("trace-empty.json.gz")
    check(not events and not dropped, "empty trace")


check_lists()
check_tables()
check_floors()
check_charts()
check_traces()
print(f"check_output.py: {checks} checks, {failures} failed")
sys.exit(failures != 0)
