#!/usr/bin/env python3
"""roma explore from outside: the same points on any number of threads, rows that `roma sim` repeats, a front that Python finds too.

usage: test_explore.py ROMA [ROMA-MPI]

With a second program (`make roma-mpi`) also over two and three MPI ranks. Needs Python alone.
"""
import csv
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

from shared import ROMA, TOP, check, finish

MPI = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
SHAPE = "llama-3.2-3b"
MODEL_OPTIONS = {"model.bits": "--bits", "model.group": "--group", "model.head_bits": "--head-bits"}


def run(*args, code=0, program=ROMA):
    r = subprocess.run([program, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    check(r.returncode == code, "exit code %d, not %d: roma %s: %s" % (r.returncode, code, " ".join(args), r.stderr))
    return r


def explore(*args, **kw):
    return run("explore", "--shape", SHAPE, *args, **kw)


UNLIMITED = ["--max-die", "none", "--max-junction", "0"]


def rows_of(path):
    with open(path, newline="") as f:
        rows = list(csv.reader(f))
    names = [re.sub(r" \[.*\]$", "", n) for n in rows[0]]
    return names, [dict(zip(names, r)) for r in rows[1:]]


def outputs_of(names):
    return [n for n in names if "." not in n and n not in ("point", "pareto")]


def settings(names, row):
    """The row's values as options: of the model, and --set."""
    args = []
    for n in names:
        if n in MODEL_OPTIONS:
            args += [MODEL_OPTIONS[n], row[n]]
        elif "." in n:
            args += ["--set", "%s=%s" % (n, row[n])]
    return args


def simulate(*args):
    """Outputs by name, as sim prints them."""
    d = json.loads(run("sim", "--no-ranges", *args, "--json").stdout)
    by_section = {k.split(".", 1)[1]: v["value"] for k, v in d.items() if "." in k and isinstance(v, dict) and "value" in v}
    return dict(by_section, cycles=d["cycles"], ttft_ms=d["ttft_ms"])


def agree(names, row, sim, what):
    for n in outputs_of(names):
        check(n in sim and math.isclose(float(row[n]), sim[n], rel_tol=1e-8 if n == "ttft_ms" else 0), "%s: %s is %s, sim says %s" % (what, n, row[n], sim.get(n)))


def test_threads(tmp):
    texts = []
    for t in "1", "2", "5":
        path = os.path.join(tmp, "t%s.csv" % t)
        explore("--points", "2000", "--seed", "3", "-t", t, "--csv", path, *UNLIMITED)
        texts.append(open(path, "rb").read())
    check(texts[0] == texts[1] == texts[2], "the points depend on the number of threads")
    other = os.path.join(tmp, "seed.csv")
    explore("--points", "2000", "--seed", "4", "--csv", other, *UNLIMITED)
    check(open(other, "rb").read() != texts[0], "another seed gives the same points")
    few = os.path.join(tmp, "few.csv")
    explore("--points", "500", "--seed", "3", "--csv", few, *UNLIMITED)
    names, rows = rows_of(os.path.join(tmp, "t1.csv"))
    drop = lambda r: {k: v for k, v in r.items() if k != "pareto"}
    check([drop(r) for r in rows_of(few)[1]] == [drop(r) for r in rows if int(r["point"]) < 500], "fewer points are not the first ones of more")
    return names, rows


def test_coverage(names, rows):
    keys = [n for n in names if "." in n]
    for k in ("grid.rows", "grid.columns", "grid.matrix_units", "lunit.per_matrix_unit", "lunit.lanes", "lunit.words", "rom.style", "rom.depth",
              "rom.macro_words", "hunit.sram", "clock.frequency", "schedule.attention_overlap", "schedule.streams", "network.link",
              "technology.node", "model.bits", "model.group"):
        check(k in keys and len({r[k] for r in rows}) > 1, "%s does not vary" % k)
    for k, values in (("rom.style", 4), ("rom.depth", 6), ("model.bits", 3), ("technology.node", 3)):
        counts = {}
        for r in rows:
            counts[r[k]] = counts.get(r[k], 0) + 1
        check(len(counts) == values and min(counts.values()) > 0.7 * len(rows) / values, "%s is drawn unevenly: %s" % (k, counts))


def test_derived(rows):
    for r in rows:
        f = lambda k: float(r[k])
        ok = f("grid.rows") * f("grid.columns") == f("grid.matrix_units") + f("grid.vector_units") and f("grid.vector_units") == f("grid.columns")
        ok = ok and f("lunit.words") == f("rom_words") and f("fits_rom") == 1 and f("fits_sram") == 1
        need = -(-f("lunit.words") // f("rom.depth")) * f("rom.depth") if r["rom.style"] != "logic" else f("lunit.words")
        enough = 8192 # words of an SRAM macro; half as many where those of an H-Unit would not give roma-contract's 64 B a cycle
        while -(-f("hunit.sram") // (8 * enough)) * 8 < 64: enough //= 2
        ok = ok and f("memory.sram_depth") == enough
        check(ok and f("rom.macro_words") == need, "point %s is not derived as documented" % r["point"])


def test_rerun(tmp, names, rows):
    for r in random.Random(5).sample(rows, 20):
        agree(names, r, simulate("--shape", SHAPE, "--chip", "roma-contract", *settings(names, r)), "point %s" % r["point"])


def objectives(r):
    return -float(r["tok_s"]), float(r["area_mm2"]), float(r["mj_per_token"]), float(r["usd"])


def test_front(rows):
    o = [objectives(r) for r in rows]
    for i, r in enumerate(rows):
        beaten = any(all(a <= b for a, b in zip(p, o[i])) and p != o[i] for p in o)
        check((r["pareto"] == "true") == (not beaten), "point %s: pareto is %s" % (r["point"], r["pareto"]))


def test_constraints(tmp):
    path = os.path.join(tmp, "c.csv")
    r = json.loads(explore("--points", "3000", "--max-mm2", "300.5", "--max-w", "20", "--min-context", "2000", "--min-tok-s", "8000",
                           "--rank", "8", "--context", "512", "--set", "model.bits=4", "--set", "lunit.lanes=12..70", "--set", "hunit.mac=200..300", "--csv", path, "--json").stdout)
    names, rows = rows_of(path)
    check(r["points"] == 3000 and r["feasible"] == len(rows) and r["feasible"] + sum(r["refused"].values()) == 3000, "points do not add up: %s" % r["refused"])
    check({"sram", "context", "area", "power", "rate"} <= set(r["refused"]), "reasons are missing: %s" % r["refused"])
    for row in rows:
        check(float(row["area_mm2"]) <= 300.5 and float(row["power_w"]) <= 20 and float(row["tokens"]) >= 2000 and float(row["tok_s"]) >= 8000 and
              row["model.bits"] == "4" and 200 <= int(row["hunit.mac"]) <= 300, "point %s breaks a constraint" % row["point"])
    check(len({row["hunit.mac"] for row in rows}) > 5, "a range of whole numbers has few values")
    check({row["lunit.lanes"] for row in rows} == {"16", "32", "64"}, "a range of powers of two is not clipped to them")
    check(all(abs(f["ttft_ms"] / 1e3 / f["ttft_s"] - 1) < 1e-8 and f["cycles"] == f["decode_cyc"] for f in r["front"]),
          "sim's names of the first token and a step's cycles")
    check(len(r["front"]) == sum(row["pareto"] == "true" for row in rows), "the front of the JSON is not that of the CSV")
    for row in rows[:3]:
        agree(names, row, simulate("--shape", SHAPE, "--chip", "roma-contract", "--rank", "8", "--context", "512", *settings(names, row)),
              "constrained point %s" % row["point"])
    ends = {e["point"] for e in r["best"].values()}
    check(ends <= {int(f["point"]) for f in r["front"]}, "a best point is not on the front")


def test_limits(tmp):
    """Nothing is offered beyond a limit that nobody lifted, and what each limit cost is counted. Clocks up to 2 GHz make chips that burn."""
    hot = ["--set", "clock.frequency=5e8..2e9"]
    path, every = os.path.join(tmp, "l.csv"), os.path.join(tmp, "e.csv")
    for die, junction, dies in ((858, 105, 1), (858, 105, 3), (200, 60, 1), (None, 80, 2), (300, None, 1)):
        more = ["--points", "700", "--seed", "11", "--set", "model.bits=4", "--chips", str(dies), *hot, "--json", "--csv"]
        limits = [] if (die, junction) == (858, 105) else ["--max-die", str(die or 0), "--max-junction", str(junction or "none")]
        r = json.loads(run("explore", "--shape", "llama-3-8b", *more, path, "--svg", os.path.join(tmp, "l.svg"), *limits).stdout)
        lifted = json.loads(run("explore", "--shape", "llama-3-8b", *more, every, *UNLIMITED).stdout)
        is_within = lambda row: float(row["area_mm2"]) / dies <= (die or 1e9) and float(row["junction_c"]) <= (junction or 1e9)
        (_, rows), (_, all_rows) = rows_of(path), rows_of(every)
        check(rows and all(is_within(row) for row in rows + r["front"]), "a point is beyond its limits %s, %s" % (die, junction))
        points = lambda some: {row["point"] for row in some}
        check(points(rows) == points(row for row in all_rows if is_within(row)), "limits %s, %s leave other points than those within" % (die, junction))
        cost = {k: r["refused"].get(k, 0) for k in ("die", "junction", "wafer")}
        check(r["feasible"] + sum(cost.values()) == lifted["feasible"] + lifted["refused"].get("wafer", 0), "what limits cost: %s" % cost)
        check((cost["die"] > 0) == (die is not None) and (cost["junction"] > 0) == (junction is not None), "limits %s, %s cost %s" % (die, junction, cost))
        check((r["max_die_mm2"], r["max_junction_c"], lifted["max_die_mm2"], lifted["max_junction_c"]) == (die, junction, None, None), "the JSON's limits")
        check(not {"die", "junction"} & set(lifted["refused"]), "a lifted limit costs points")
        best = [json.loads(json.dumps(e)) for e in r["best"].values()]
        check(all(str(e["point"]) in points(rows) for e in best), "an end of the front is beyond a limit")
    text = explore("--points", "300", *hot).stdout
    check("a die larger than --max-die" in text and "hotter than --max-junction" in text, "the text does not say what the limits cost")


def test_context(tmp):
    """--min-context is held to what each sequence has, in whole pages, and to the model's own context."""
    path = os.path.join(tmp, "m.csv")
    explore("--points", "600", "--batch", "7", "--prompt", "64", "--min-context", "1000", "--csv", path)
    rows = rows_of(path)[1]
    check(rows and all(float(r["tokens_held"]) // 32 // 7 * 32 >= 1000 and r["fits_sram"] == "1" for r in rows), "a sequence has less than --min-context")
    run("explore", "--shape", "llama-3-8b", "--points", "60", "--set", "hunit.sram=16777216", "--min-context", "8193", code=1)


def test_best(tmp):
    path, svg, best = (os.path.join(tmp, n) for n in ("b.csv", "b.svg", "best"))
    r = json.loads(explore("--points", "500", "--csv", path, "--svg", svg, "--best", best, "--json").stdout)
    names, rows = rows_of(path)
    by_point = {int(row["point"]): row for row in rows}
    check(sorted(os.listdir(best)) == sorted(n + ".chip" for n in r["best"]), "files of --best: %s" % os.listdir(best))
    for name, e in r["best"].items():
        chip = os.path.join(best, name + ".chip")
        title = open(chip).readline()
        args = re.match(r"title = [a-z-]+: (--shape .*)", title).group(1).split()
        agree(names, by_point[e["point"]], simulate("--chip", chip, *args), chip)
        check(all(e[k]["low"] <= e[k]["value"] <= e[k]["high"] for k in ("tok_s", "area_mm2", "mj_per_token", "usd")), "%s has no ranges" % name)
    front = [row for row in rows if row["pareto"] == "true"]
    ends = {"fastest": 0, "smallest": 1, "least-energy": 2, "cheapest": 3}
    for name, k in ends.items():
        check(objectives(by_point[r["best"][name]["point"]])[k] == min(objectives(f)[k] for f in front), "%s is not" % name)
    xml.etree.ElementTree.parse(svg)


def test_only(tmp):
    path = os.path.join(tmp, "o.csv")
    explore("--points", "200", "--only", "--set", "clock.frequency=2e8..8e8", "--set", "rom.style=rom,fused", "--csv", path)
    names, rows = rows_of(path)
    varied = {n for n in names if "." in n and len({r[n] for r in rows}) > 1}
    check(varied <= {"clock.frequency", "rom.style", "rom.macro_words"}, "--only varies %s" % varied)
    check(len(rows) == 200 and {r["rom.style"] for r in rows} == {"rom", "fused"}, "--only: styles")
    check(all(2e8 <= float(r["clock.frequency"]) <= 8e8 for r in rows), "--only: a clock out of its range")
    explore("--points", "60", "--set", "lunit.words=9000", "--csv", path)
    check({r["lunit.words"] for r in rows_of(path)[1]} == {"9000"}, "a fixed value is not kept")
    image = os.path.join(tmp, "tiny.roma")
    run("build", os.path.join(TOP, "models", "tiny", "tiny-q4.gguf"), "-o", image)
    run("explore", image, "--points", "50", "--context", "64", "--prompt", "16", "--csv", path)
    names, rows = rows_of(path)
    check("model.bits" not in names and len(rows) > 0, "an image has formats of its own")
    agree(names, rows[0], simulate(image, "--chip", "roma-contract", "--context", "64", "--prompt", "16", *settings(names, rows[0])), "image")


def test_refusals(tmp):
    path = os.path.join(tmp, "never.csv")
    for args, says in ((["--set", "lunit.lane=3"], "did you mean lunit.lanes?"), (["--set", "lunit.lanes=32..8"], "above its high end"),
                       (["--set", "rom.style=rom..brom"], "is a choice"), (["--set", "rom.style=bram"], "no choice"),
                       (["--set", "model.bit=4"], "did you mean model.bits"), (["--set", "model.bits=9"], "from 1 to 8"),
                       (["--set", "model.bits=2..4"], "list the values"), (["--set", "model.group=48"], "group of 48"),
                       (["--set", "lunit.lanes"], "KEY=LO..HI"), (["--set", "lunit.lanes=16,,2"], "no value"), (["--set", "lunit.lanes=1..x"], "not a decimal"),
                       (["--set", "lunit.lanes=8", "--set", "lunit.lanes=16"], "set twice"), (["--set", "lunit.lanes=8,24"], "power of two"), (["--set", "lunit.lanes=17..30"], "no power of two"), (["--set", "lunit.lanes=0..4"], "out of bounds"),
                       (["--max-mm2", "-1"], "above 0"), (["--max-die", "-1"], "above 0"), (["--max-die", "no"], "--max-die"), (["--max-junction", "nan"], "--max-junction"), (["--max-junction", ""], "--max-junction"),
                       (["--max-junction", "1e99"], "--max-junction"), (["--max-w", "x"], "above 0"), (["--point", "3"], "--points"), (["--points", "0"], "--points"),
                       (["--chip", "rome"], "roma"), (["--json", "--csv", "-"], "standard output")):
        r = explore("--points", "20", *(["--csv", path] if "--csv" not in args else []), *args, code=2)
        check(says in r.stderr and len(r.stderr.splitlines()) == 1, "roma explore %s says: %s" % (" ".join(args), r.stderr))
    r = explore("--points", "40", "--max-mm2", "1", "--csv", path, code=1)
    check("none of 40 points is feasible" in r.stderr and "area (larger than --max-mm2)" in r.stderr, "no feasible point: %s" % r.stderr)
    run("explore", code=2)
    run("explore", "--shape", "llama-3.2-3c", code=2)
    run("explore", "image.roma", "--shape", SHAPE, code=2)
    check(not os.path.exists(path), "a refused run wrote a file")
    explore("--points", "20", "--csv", os.path.join(tmp, "no", "such.csv"), code=3)


def test_interrupt(tmp):
    path = os.path.join(tmp, "cut.csv")
    p = subprocess.Popen([ROMA, "explore", "--shape", SHAPE, "--points", "300000", "--csv", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(0.6)
    p.send_signal(signal.SIGINT)
    p.communicate(timeout=20)
    check(p.returncode == 130 and not [n for n in os.listdir(tmp) if n.startswith("cut")], "Ctrl-C: exit code %d" % p.returncode)


def test_ranks(tmp):
    args = ["explore", "--shape", SHAPE, "--points", "701", "--seed", "9", "--json", "--csv"]
    one = run(*args, os.path.join(tmp, "threads.csv"))
    for n in "2", "3":
        r = run("-n", n, MPI, *args, os.path.join(tmp, "ranks.csv"), program=os.path.join(TOP, "tests", "mpirun.sh"))
        texts = [open(os.path.join(tmp, f), "rb").read() for f in ("threads.csv", "ranks.csv")]
        check(texts[0] == texts[1], "%s MPI ranks give other points than threads" % n)
        said = [json.loads(x.stdout) for x in (one, r)]  # one rank speaks: two objects would be no JSON
        for o in said:
            o.pop("seconds", None), o.pop("csv", None)
        check(said[0] == said[1], "%s MPI ranks say another thing than one process: %s" % (n, r.stdout[:300]))
        check(r.stderr == "", "%s MPI ranks: %s" % (n, r.stderr))


def main():
    with tempfile.TemporaryDirectory() as tmp:
        names, rows = test_threads(tmp)
        test_coverage(names, rows)
        test_derived(rows)
        test_rerun(tmp, names, rows)
        test_front(rows)
        test_constraints(tmp)
        test_limits(tmp)
        test_context(tmp)
        test_best(tmp)
        test_only(tmp)
        test_refusals(tmp)
        test_interrupt(tmp)
        if MPI:
            test_ranks(tmp)
    finish()


main()
