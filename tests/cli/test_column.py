#!/usr/bin/env python3
"""`bench/column`: rows, goals and shares from runs whose figures are written down; what the program is asked, in which order; what fails, what is broken off;
and once, small, with the real program and the real tools of build/bench, whose output it reads.

usage: tests/cli/test_column.py build/roma
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
COLUMN = os.path.join(ROOT, "bench", "column")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "bench"))
import column_table as T  # noqa: E402

count = 0


def check(ok, what):
    global count
    count += 1
    if not ok:
        sys.exit(f"test_column: {what}")


# ------------------------------------------------------------------------------ the table

def row(test, tokens, tok_s, read=0.5, gmac=10.0, batch=1, depth=0):
    return dict(test=test, tokens=tokens, batch=batch, depth=depth, tok_s=tok_s, read_share=read, gmac_s=gmac)


def runs(*rows):
    """One round each."""
    return [dict(rows=list(r), read_gb_s=40.0, int8_gmac_s=peak) for r, peak in zip(rows, (80.0, 100.0, 90.0))]


def parts_of(rows, what):
    found = [r["parts"] for r in rows if r["what"].startswith(what)]
    check(len(found) == 1, f"{len(found)} rows '{what}' of {[r['what'] for r in rows]}")
    return [(round(p["value"], 6), p["goal"], p["reached"]) for p in found[0]]


RESULTS = dict(
    runs={
        "native4": runs(*[[row("prefill", 128, 300, gmac=g), row("prefill", 512, 290, gmac=g - 10), row("decode", 64, d, read=s), row("decode", 64, 60, .3, 20.0, batch=2),
                           row("decode", 64, 300, .2, 66.0, batch=16)] for g, d, s in ((76.0, 50.0, .89), (70.0, 60.0, .91), (80.0, 40.0, .95))]),
        "q4_0": runs([row("decode", 64, 45, read=.84)]),
        "native2": runs([row("prefill", 128, 300, gmac=75.0), row("decode", 64, 70, read=.849)]),
        "lora": runs([row("prefill", 128, 270), row("decode", 64, 48.0)], [row("prefill", 128, 291), row("decode", 64, 57.0)]),
        "deep": runs([row("decode", 32, 50), row("decode", 32, 30, depth=8192)]),
    },
    attend=[{8192: .7, 32768: .75}, {8192: .8}, {8192: .5}], open=[(1.4, 1.0), (1.2, 1.1), (1.3, 1.04)],
    peers={
        "q4_0": dict(rows=[dict(kind=k, test=t, tokens=n, ratio=r, best="ik", llama=10.0, peers={"llama.cpp": 10.0, "ik": 12.0}, llama_read_share=.6 if t == "decode" else None)
                           for k, t, n, r in (("same file", "prefill", 128, 1.75), ("native, 4 bit g128", "prefill", 128, 1.9), ("same file", "decode", 64, 1.2), ("native, 4 bit g128", "decode", 64, 1.19))]),
        "lora": dict(rows=[dict(kind="same file", test="decode", tokens=64, ratio=9.0, best="llama.cpp"), dict(kind="same file + r16", test="decode", tokens=64, ratio=1.3, best="llama.cpp", cost=.03)]),
    })


def test_rows():
    rows = T.rows(RESULTS, T.goals_of("avx512"))
    check(parts_of(rows, "decode, native 4 bit") == [(.91, .9, True)], "the median of the shares")
    check(parts_of(rows, "decode, the form of Q4_0") == [(.84, .9, False)], "below")
    check(parts_of(rows, "decode, native 2 bit") == [(.849, .85, False)], "just below")
    check(parts_of(rows, "prefill, native 4 bit") == [(.76, .75, True), (.66, .75, False)], "of the highest peak of any run, each length")
    check(parts_of(rows, "prefill, native 2 bit") == [(.75, .75, True)], "2 bit too; a goal that is met is reached")
    check(parts_of(rows, "16 sequences, native 4") == [(.66, .65, True)], "of the peak")
    check(parts_of(rows, "2 to 8 rows") == [(.3, .6, False)], "the nearer roof is memory's")
    check(parts_of(rows, "one adapter of rank 16 costs") == [(.045, .04, False), (.065, .04, False)], "pairs of the same round")
    check(parts_of(rows, "attention") == [(.7, .75, False), (.75, .75, True)], "medians of the rounds that have it")
    check(parts_of(rows, "decode at 8,192") == [(.6, .6, True)], "depth")
    check(parts_of(rows, "open") == [(1.3, 1.3, True)] and parts_of(rows, "first token") == [(1.04, 1.05, True)], "at most")
    check(parts_of(rows, "prefill, to the best peer, Q4_0, same") == [(1.75, 1.75, True)] and parts_of(rows, "prefill, to the best peer, Q4_0, native") == [(1.9, 2.0, False)], "peers")
    check(parts_of(rows, "decode, to the best peer, Q4_0, same file; that peer at 72 % of read") == [(1.2, 1.1, True)], "the best peer's share, not llama.cpp's")
    check(parts_of(rows, "decode, to the best peer, Q4_0, native") == [(1.19, 1.2, False)], "native")
    check(parts_of(rows, "one adapter of rank 16, same file, to the peer") == [(1.3, 1.3, True)], "the row with the adapter alone")
    check(not [r for r in rows if "ternary" in r["what"] or "Q2_K" in r["what"]], "what was not measured has no row")
    return rows


def test_goals():
    at_rate = json.loads(json.dumps(RESULTS["peers"]))
    for r in at_rate["q4_0"]["rows"]:
        r["llama_read_share"] = r["llama_read_share"] and .71          # 85 % for ik
    check(parts_of(T.rows(dict(RESULTS, peers=at_rate), T.goals_of("avx512")), "decode, to the best peer, Q4_0, same") == [(1.2, None, None)], "a peer at memory's rate sets no goal")
    check([T.kind_of(*k) for k in (("avx512", {"known_cpu": "Zen 4"}), ("avx512", {}), ("avx512", None), ("avxvnni", {}), ("neon", {}), (None, None))] ==
          ["zen4", "avx512", "avx512", "avx2", "neon", None], "kinds")
    check(parts_of(T.rows(RESULTS, T.goals_of("zen4")), "decode, the form of Q4_0") == [(.84, .88, False)], "Zen 4's")
    check(parts_of(T.rows(RESULTS, T.goals_of("avx2")), "prefill, native 4 bit") == [(.76, .6, True), (.66, .6, True)], "AVX2's")
    check(parts_of(T.rows(RESULTS, T.goals_of("avx2")), "16 sequences") == [(.66, None, None)], "no goal was set")
    check(parts_of(T.rows(RESULTS, T.goals_of(None)), "decode, native 4") == [(.91, None, None)], "a kind without goals")
    empty = dict(runs={}, attend=[], open=[], peers={})
    check(T.rows(empty, T.goals_of("avx512")) == [] and T.summary([]) == "0 of 0 goals reached", "nothing")


def test_text(rows):
    text = T.table(rows).splitlines()
    check(text[0] == "| what | measured | goal | limit |" and all(line.count("|") == 5 for line in text), "four columns")
    check("| decode, native 4 bit | **50.0 (40.0 to 60.0) tokens/s, 91 % of read** | 90 % | |" in text, text[3])
    check("| open and verify an image, of read(2) | **1.30** | at most 1.3 | |" in text, "an upper bound says so")
    check("| attention at a depth of positions | 8192: 70 % of read; **32768: 75 % of read** | 75 % | |" in text, "bold for each part")
    said = T.summary(rows)
    check(said.startswith("11 of 20 goals reached; missed: ") and said.count("prefill, native 4 bit") == 1, said)


# ---------------------------------------------------------- the program, by a script in its place

FAKE = """#!/usr/bin/env -S python3 -SIB
import json, os, signal, sys
w = sys.argv[1:]
open(__file__ + ".asked", "a").write(" ".join(os.path.basename(x) for x in w) + "\\n")
if w[0] == "--version":
    print("roma 9")
elif w[0] in ("build", "adapter"):
    if "128" in w and "{narrow}" in w: sys.exit("groups of 128 do not divide it")
    open(w[w.index("-o") + 1], "w").close()
elif "--why" in w:
    print(json.dumps(dict(rows=[], threads=5, isa="avx512", kernels="avx512-l1", why="measured", read_gb_s=40.0, int8_gmac_s=100.0, measured=[dict(kernels="avx512-l1", gb_s=39.0)])))
elif "native2" in w[1] and "{bad}":
    print("bench: no memory", file=sys.stderr)
    sys.exit({bad!r} == "130" and 130 or 3)
else:
    n = [1] if "-b" not in w else map(int, w[w.index("-b") + 1].split(","))
    print(json.dumps(dict(read_gb_s=40.0, int8_gmac_s=100.0, rows=[dict(test="decode", tokens=64, batch=b, depth=0, tok_s=10.0, read_share=.95, gmac_s=1.0) for b in n])))
"""


def fake(folder, bad="", narrow="no"):
    path = os.path.join(folder, "roma")
    with open(path, "w") as f:
        f.write(FAKE.replace("{bad!r}", repr(bad)).replace("{bad}", bad).replace("{narrow}", narrow))
    os.chmod(path, 0o755)
    if os.path.exists(path + ".asked"):
        os.unlink(path + ".asked")
    return path


def column(roma, *args):
    r = subprocess.run([sys.executable, "-B", COLUMN, "--roma", roma, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return r.returncode, r.stdout, r.stderr


def asked(roma):
    with open(roma + ".asked") as f:
        return [line.split() for line in f]


def test_order(folder):
    roma = fake(folder)
    code, text, _ = column(roma, "--only", "models", "-r", "2", "-t", "3", "--isa", "avx512-l1", "--dir", os.path.join(folder, "new"))
    check(code == 0 and "0 of" not in text and "kernels avx512-l1 (measured)" in text and "roma 9" in text, text)
    runs = [w for w in asked(roma) if w[0] == "bench" and "--why" not in w]
    check([w[1] for w in runs] == [w[1] for w in reversed(runs)] and len(runs) == 12, "the second round goes backwards")
    check(all(w[w.index("-t") + 1] == "3" and w[w.index("--isa") + 1] == "avx512-l1" and "--json" in w for w in runs), "threads and instruction set are everybody's")
    check(["0,8192"] == [w[w.index("-d") + 1] for w in runs[:6] if "-d" in w] and sum("--lora" in w for w in runs) == 2, "depth and adapter")
    made = [w for w in asked(roma) if w[0] == "build"]
    check(len(made) == 4 and sorted(w[w.index("--shape") + 1] for w in made)[0] == "bitnet-2b", "each model once")
    code, text, _ = column(roma, "--only", "models", "-r", "1", "--ternary", "none", "--dir", os.path.join(folder, "new"), "--json")
    out = json.loads(text)
    check(out["threads"] == 5 and all(w[w.index("-t") + 1] == "5" for w in asked(roma)[-6:] if w[0] == "bench"), "as many threads as the program takes")
    check(code == 0 and "ternary" not in out["runs"] and out["kind"] == "avx512" and out["rows"][0]["parts"][0]["reached"], text)
    check(len([w for w in asked(roma) if w[0] == "build"]) == 4, "a folder's models are used again")
    roma = fake(folder, narrow="smollm2-135m")
    check(column(roma, "--only", "models", "-r", "1", "--ternary", "none", "--shape", "smollm2-135m")[0] == 0, "rows that 128 does not divide")
    check(any("64" in w for w in asked(roma) if w[0] == "build"), "groups of 64 then")


def test_failures(folder):
    code, text, said = column(fake(folder, bad="3"), "--only", "models", "-r", "1", "--ternary", "none")
    check(code == 1 and "Not measured: native2: roma bench" in text and "exit code 3: bench: no memory" in text and "| decode, native 4 bit |" in text, text + said)
    code, text, said = column(fake(folder, bad="130"), "--only", "models", "-r", "1", "--ternary", "none")
    check(code == 130 and "| decode, native 4 bit |" in text and "native 2 bit" not in text, text + said)
    code, text, said = column(fake(folder), "--only", "open,depth", "-r", "1")
    check(code == 1 and text.count("Not measured: ") == 2, text)
    code, text, said = column("/bin/false", "--only", "models", "-r", "1")
    check(code == 1 and "ended with exit code 1" in said and "Traceback" not in said, said)
    code, text, said = column(folder + "/none", "--only", "models", "-r", "1")
    check(code == 1 and "No such file" in said and "Traceback" not in said, said)
    for args, word in ((["--only", "modles"], "modles"), (["-r", "0"], "rounds"), (["-t", "65"], "threads"), (["--peers", "--only", "models"], "leaves out the peers")):
        code, text, said = column("/bin/true", *args)
        check(code == 2 and word in said.splitlines()[-1] and not text, said)


def test_interrupt(folder):
    """Ctrl-C in the middle of a child: what there is, and 130."""
    roma = fake(folder)
    with open(roma) as f:
        text = f.read()
    with open(roma, "w") as f:
        f.write(text.replace('elif "native2" in w[1]', 'elif "native2" in w[1]:\n    import time\n    time.sleep(60)\nelif "native2" in w[1]'))
    p = subprocess.Popen([sys.executable, "-B", COLUMN, "--roma", roma, "--only", "models", "-r", "1", "--ternary", "none"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True, start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # which a shell's job in the background ignores
    while not os.path.exists(roma + ".asked") or not any(w[0] == "bench" and "native2" in w[1] for w in asked(roma)):
        time.sleep(.02)
    os.killpg(p.pid, signal.SIGINT)
    text, said = p.communicate()
    check(p.returncode == 130 and "| decode, native 4 bit |" in text and "Traceback" not in said, text + said)


def test_real(roma):
    """What the tools print is what is read."""
    made = subprocess.run(["make", "-s", "CC=gcc", "build/bench/depth", "build/bench/open", "build/bench/stream"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    check(made.returncode == 0, made.stdout)
    shape = "layers=1,hidden=256,heads=2,kv=1,head=64,ffn=512,vocab=512"
    code, text, said = column(roma, "--shape", shape, "-r", "1", "--only", "depth,open", "--json")
    check(code == 0, said)
    out = json.loads(text)
    check(set(out["attend"][0]) == {"1024", "2048", "4096", "8192", "16384", "32768"} and all(0 < x for x in out["open"][0]), text)
    check([r["what"].split()[0] for r in out["rows"]] == ["attention", "open", "first"] and out["why"]["kernels"], text)


def main():
    test_goals()
    test_text(test_rows())
    with tempfile.TemporaryDirectory() as folder:
        test_order(folder)
        test_failures(folder)
        test_interrupt(folder)
    test_real(os.path.abspath(sys.argv[1]))
    print(f"test_column: {count} checks")


main()
