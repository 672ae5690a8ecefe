#!/usr/bin/env python3
"""`bench/compare-llama --peer-bench`: what a llama-bench is asked and what is made of its answer; bad peers in one line; the ratio to the best peer of a test.

The binaries here are scripts with the options and the JSON of llama-bench, whose rates are written down; they say what they were asked in a file.
"""
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "bench"))
from bench_peer import BenchPeer, Wrong  # noqa: E402

FAKE = """#!/bin/sh
case "$*" in
*--help*)
    printf '  -p, --n-prompt <n>\\n  -n, --n-gen <n>\\n{options}'
    exit 0;;
esac
echo "$*" >>{asked}
{answer}
"""
ROWS = """cat <<'E'
[{"build_commit": "abc123", "n_prompt": 128, "n_gen": 0, "flash_attn": true, "samples_ts": [90.0, 100.0, 95.0]},
 {"build_commit": "abc123", "n_prompt": 128, "n_gen": 0, "flash_attn": false, "samples_ts": [80.0, 70.0, 75.0]},
 {"build_commit": "abc123", "n_prompt": 0, "n_gen": 64, "flash_attn": true, "samples_ts": [10.0, 11.0, 9.0]},
 {"build_commit": "abc123", "n_prompt": 0, "n_gen": 64, "flash_attn": false, "samples_ts": [12.0, 11.5, 9.0]}]
E"""
TESTS = [("prefill", 128), ("decode", 64)]
count = 0


def check(ok, what):
    global count
    count += 1
    if not ok:
        sys.exit(f"test_bench_peer: {what}")


def wrong(act, word):
    try:
        act()
    except Wrong as e:
        check(word in str(e) and "\n" not in str(e), f"'{word}' is not in: {e}")
    else:
        check(False, f"nothing was wrong where '{word}' was expected")


def make(folder, name, options="", answer=ROWS):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(FAKE.format(options=options.replace("\n", "\\n"), asked=path + ".asked", answer=answer))
    os.chmod(path, 0o755)
    return path


def asked(path):
    with open(path + ".asked") as f:
        return f.read().splitlines()[-1]


def test_peer(folder):
    plain = make(folder, "plain")
    ik = make(folder, "ik", "  -fa, --flash-attn <0|1>\n  -rtr, --run-time-repack <0|1>\n")
    p = BenchPeer(plain)
    check((p.name, p.command) == ("plain", [plain]), p.name)
    rates = p.rates("m.gguf", 2, TESTS)
    check(asked(plain) == "-m m.gguf -t 2 -p 128 -n 64 -r 3 -o json", asked(plain))
    check(rates == {(TESTS[0], True): 100.0, (TESTS[0], False): 80.0, (TESTS[1], True): 11.0, (TESTS[1], False): 12.0} and p.commit == "abc123", str(rates))
    p = BenchPeer("quick=" + ik)
    p.rates("m.gguf", 3, TESTS[1:])
    check(p.name == "quick" and asked(ik) == "-rtr 1 -m m.gguf -t 3 -p 0 -n 64 -r 3 -o json -fa 0,1", asked(ik))
    p = BenchPeer(ik + " -rtr 0 -ub 256")
    p.rates("m.gguf", 2, TESTS)
    check(p.name == "ik -rtr 0 -ub 256" and asked(ik).startswith("-rtr 0 -ub 256 -m"), p.name)
    spaced = make(folder, "with a blank")
    check(BenchPeer(spaced).command == [spaced], "a path with a blank")
    here = os.getcwd()
    os.chdir(folder)
    check(BenchPeer("plain").rates("m.gguf", 2, TESTS)[TESTS[0], True] == 100.0, "a name without a folder is of this folder")
    os.chdir(here)
    wrong(lambda: BenchPeer(folder + "/none"), "there is no program")
    wrong(lambda: BenchPeer("/bin/true"), "not a llama-bench")
    wrong(lambda: BenchPeer(make(folder, "broken", answer="echo first >&2; echo no such model >&2; exit 3")).rates("m", 2, TESTS), "no such model")
    wrong(lambda: BenchPeer(make(folder, "text", answer="echo 12 tokens/s")).rates("m", 2, TESTS), "JSON")
    wrong(lambda: BenchPeer(plain).rates("m", 2, [("prefill", 512)]), "no row prefill 512")


def compare_llama():
    path = os.path.join(ROOT, "bench", "compare-llama")
    loader = importlib.machinery.SourceFileLoader("compare_llama", path)
    c = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare_llama", loader))
    loader.exec_module(c)
    return c


def test_best():
    c = compare_llama()
    pp, tg = TESTS
    theirs = {(pp, (True, False)): [50.0, 60.0, 55.0], (pp, (False, False)): [40.0, 45.0, 41.0], (tg, (True, False)): [13.0] * 3, (tg, (False, False)): [14.0] * 3}
    others = {("ik", pp, True): [100.0, 90.0, 110.0], ("ik", pp, False): [99.0, 300.0, 1.0], ("ik", tg, True): [10.0] * 3}
    roofs = dict(read_gb_s=10.0, int8_gmac_s=100.0)
    ours = lambda t, rate: dict(rows=[dict(test=t[0], tokens=t[1], batch=1, tok_s=rate, gb_s=5.0, gmac_s=20.0, read_share=0.5, bytes_per_token=7.0)])
    row = c.make_row("m", pp, theirs, others, roofs, "same file", [ours(pp, r) for r in (150.0, 250.0, 200.0)], 1e9, False)
    check(row["best"] == "ik" and row["peers"] == {"llama.cpp": 55.0, "ik": 100.0} and row["ratio"] == 2.0 and row["llama"] == 55.0, str(row))
    row = c.make_row("m", tg, theirs, others, roofs, "same file", [ours(tg, 28.0)], 1e9, False)
    check(row["best"] == "llama.cpp" and row["ratio"] == 2.0 and row["llama_gb_s"] == 14.0, str(row))
    with_lora = {(pp, (f, True)): v for (t, (f, _)), v in theirs.items() if t == pp}
    check(c.rates_of(pp, with_lora, others, True) == {"llama.cpp": 55.0}, "a llama-bench has no rate with an adapter")


def test_usage(folder):
    model = os.path.join(folder, "m.gguf")
    open(model, "w").close()
    for args, word in (["none.gguf"], "there is no file none.gguf"), ([model, "-r", "0"], "1 or more rounds"), ([model, "-t", "65"], "64 threads"), \
            ([model, "-n", "-1"], "0 or more tokens"), ([model, "-p", "8,-1"], "'8,-1'"), ([model, "-p", "0", "-n", "0"], "nothing is left"), ([model, "--lora", "4"], "--lora needs --shape"):
        r = subprocess.run([sys.executable, "-B", os.path.join(ROOT, "bench", "compare-llama"), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        check(r.returncode == 2 and word in r.stderr.splitlines()[-1] and not r.stdout, r.stderr)
    for args, word in ([folder + "/none"], "there is no program"), ([make(folder, "a"), folder + "/a"], "two peers of one name"):
        r = subprocess.run([sys.executable, "-B", os.path.join(ROOT, "bench", "compare-llama"), model, *(f"--peer-bench={x}" for x in args)], stderr=subprocess.PIPE, text=True)
        check(r.returncode == 2 and word in r.stderr.splitlines()[-1], r.stderr)


def test_isa(folder):
    """llama.cpp for another instruction set: its own build, whoever else has a llama-cpp-python."""
    c = compare_llama()
    built = []
    c.peer_source.build = built.append
    before = dict(os.environ)
    try:
        os.environ["ROMA_VENV"] = folder
        check(c.python_with_llama("native") == os.path.join(folder, "bin", "python") and not built, "ROMA_VENV is taken")
        check(c.python_with_llama("avx2") == c.peer_source.PYTHON and built == ["avx2"], str(built))
        check(os.environ["LLAMA_CPP_LIB_PATH"].endswith("/build-avx2/bin"), os.environ["LLAMA_CPP_LIB_PATH"])
    finally:
        os.environ.clear()
        os.environ.update(before)
    options = c.peer_source.ISAS["avx2"][1]
    check("-DGGML_NATIVE=OFF" in options and not any("512" in o or "VNNI" in o for o in options), str(options))
    r = subprocess.run([sys.executable, "-B", os.path.join(ROOT, "bench", "compare-llama"), __file__, "--peer-isa", "mmx"], stderr=subprocess.PIPE, text=True)
    check(r.returncode == 2 and "mmx" in r.stderr.splitlines()[-1], r.stderr)


def main():
    with tempfile.TemporaryDirectory() as folder:
        test_peer(folder)
        test_best()
        test_usage(folder)
        test_isa(folder)
    print(f"test_bench_peer: {count} checks")


main()
