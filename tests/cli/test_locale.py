#!/usr/bin/env python3
"""The library and the program in a process whose locale has a decimal comma: every byte as under the C locale.

usage: test_locale.py BUILD        (the folder of roma and of tests)

tests/cli/comma_locale.c is preloaded and sets the locale, which localedef (Debian's locales) makes here. Every verb runs under both locales
with every kind of output; unit tests that read and print numbers must pass, and report's samples must be the same files.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

from shared import TINY, TOP, check, finish

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
ROMA = os.path.join(BUILD, "roma")
NAME = "de_DE.UTF-8"
compared = 0


def run(comma, args, cwd, stdin=b""):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    if comma:
        env |= {"LOCPATH": LOCALES, "LD_PRELOAD": SHIM, "ROMA_COMMA": NAME}
    r = subprocess.run(args, cwd=cwd, env=env, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check(r.returncode != 99, "%s: the locale was not set" % args[:2])
    return r.returncode, r.stdout, r.stderr


# What a clock or the machine decides: names of JSON members and words of text.
CLOCKS = re.compile(rb'"(seconds|prefill_tok_s|decode_tok_s|ttft_ms|rss_bytes|arena_bytes|tok_s|gb_s|gmac_s|read_gb_s|int8_gmac_s|read_share|mac_share|'
                    rb'spread|[a-z_]*_share|huge[a-z_]*)":[^,}\]]*')
SPANS = re.compile(rb"[0-9]+(\.[0-9]+)? (ms|s|tok/s|GB/s|GMAC/s|MiB resident)\b")


def steady(text):
    return SPANS.sub(b"T", CLOCKS.sub(b"", text))


# Of an output whose every figure a clock decides, what is left: a number is #, the width of a column and of a rule nothing.
def skeleton(text):
    return re.sub(rb"[ -]+", b" ", re.sub(rb"-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?", b"#", text))


def both(what, args, stdin=b"", files=(), steady_output=True, codes=(0,)):
    """Runs under both locales in folders of their own; compares exit code, outputs and the files named."""
    global compared
    got = []
    for comma in False, True:
        with tempfile.TemporaryDirectory() as cwd:
            code, out, err = run(comma, [ROMA, *args], cwd, stdin)
            said = [steady(out), steady(err)] if steady_output else [skeleton(out), b""]
            made = {f: open(os.path.join(cwd, f), "rb").read() if os.path.exists(os.path.join(cwd, f)) else None for f in files}
            got.append((code, said, made))
            if comma and not steady_output:
                check(not re.search(rb"[0-9],[0-9]+( |$)", out), "%s: a number has a comma: %r" % (what, out[:300]))
    (code, said, made), (code2, said2, made2) = got
    compared += 1
    check(code == code2 and code in codes, "%s: exit code %d, with a comma %d: %s" % (what, code, code2, said2[1].decode(errors="replace")[:200]))
    for a, b in zip(said, said2):
        if a != b:
            at = next(i for i in range(min(len(a), len(b)) + 1) if a[i:i + 1] != b[i:i + 1])
            check(False, "%s: %r, with a comma %r" % (what, a[max(0, at - 40):at + 40], b[max(0, at - 40):at + 40]))
    for f in files:
        check(made[f] is not None, "%s wrote no %s" % (what, f))
        check(made[f] == made2[f], "%s: %s differs" % (what, f))


def chips():
    names = sorted(os.path.basename(c)[:-5] for c in glob.glob(os.path.join(TOP, "chips", "*.chip")))
    for name in names:
        for flags in ([], ["--json"], ["--set", "clock.frequency=1.25e9"]):
            both("chip %s %s" % (name, flags), ["chip", name, *flags])
        both("sim on " + name, ["sim", "--shape", "smollm2-135m", "--chip", name, "--set", "clock.frequency=1.125e9"])
        both("fit on " + name, ["fit", "--shape", "smollm2-135m", "--chip", name, "--json"])
    both("chip --list", ["chip", "--list"])
    for value in "1.5", "1,5", "1.5e9", "0x10", "inf", "nan", "1e999", " 1", "1.5 ":
        both("--set %r" % value, ["sim", "--shape", "smollm2-135m", "--set", "clock.frequency=" + value, "--json"], codes=(0, 2))


def models():
    for flags in ([], ["--json"]):
        both("sim", ["sim", "--shape", "llama-3.2-1b", *flags, "--prompt", "32", "--context", "700"])
        both("compare", ["compare", "roma", "mini", "--shape", "smollm2-135m", "--mc", "30", *flags])
        both("paper", ["paper", *flags])
        both("fit", ["fit", "--shape", "llama-3.2-1b", "--rank", "16", *flags])
        both("plan", ["plan", "--shape", "smollm2-135m", *flags])
        both("plan shares", ["plan", "--shape", "smollm2-135m", "--threads", "7", *flags])
        both("inspect a GGUF", ["inspect", TINY, *flags])
        both("explore", ["explore", "--shape", "smollm2-135m", "--points", "60", "--seed", "3", "-t", "2", "--max-mm2", "800.5", "--set", "clock.frequency=0.5e9..1.5e9",
                         *flags])
    both("fit's files", ["fit", "--shape", "smollm2-135m", "--csv", "f.csv", "--svg", "f.svg"], files=["f.csv", "f.svg"])
    both("explore's files", ["explore", "--shape", "smollm2-135m", "--points", "60", "--csv", "a.csv", "--svg", "a.svg", "--best", "best"],
         files=["a.csv", "a.svg"])
    both("sim's trace", ["sim", "--shape", "smollm2-135m", "--trace", "t.json.gz"], files=["t.json.gz"])
    for option, name in SIM_FILES:
        both("sim %s" % option, ["sim", "--shape", "smollm2-135m", option, name], files=[name])


def images(tmp):
    image = os.path.join(tmp, "tiny.roma")
    code, _, err = run(False, [ROMA, "build", TINY, "-o", image], tmp)
    check(code == 0, "build: %s" % err)
    both("build", ["build", TINY, "-o", "x.roma", "--json"], files=["x.roma"])
    both("build's text", ["build", TINY, "-o", "x.roma"], files=["x.roma"])
    text = os.path.join(tmp, "text")
    with open(text, "w", encoding="utf-8") as f:
        f.write("Once upon a time there was a cat and a ball. " * 30)
    for flags in ([], ["--json"]):
        both("inspect", ["inspect", image, *flags])
        both("verify", ["verify", image, *flags])
        both("plan of an image", ["plan", image, *flags])
        both("eval", ["eval", image, "-f", text, "--ctx", "64", "--against", "fp32", "--hash", *flags])
        both("run", ["run", image, "-p", "Tell me a story", "-n", "20", "--temp", "0.8", "--top-p", "0.9", "--min-p", "0.05", "--repeat-penalty", "1.1",
                     "--seed", "3", "--hash", *flags])
        both("bench", ["bench", image, "-p", "16", "-n", "4", "-b", "1", *flags], steady_output=False)
    adapter = sorted(glob.glob(os.path.join(TOP, "models", "adapters", "tiny-roma")))
    for i, a in enumerate(adapter[:2]):
        lora = os.path.join(tmp, "a%d.lora" % i)
        both("adapter build", ["adapter", "build", a, "--base", image, "-o", "a.lora", "--json"], files=["a.lora"])
        run(False, [ROMA, "adapter", "build", a, "--base", image, "-o", lora], tmp)
        for flags in ([], ["--json"]):
            both("adapter inspect", ["adapter", "inspect", lora, *flags])
        both("run --lora", ["run", image, "-p", "Hello", "-n", "8", "--lora", lora + ":0.75", "--hash", "-q"])
        both("adapter merge", ["adapter", "merge", lora + ":0.5", lora + ":0.25", "-o", "m.lora"], files=["m.lora"])
    both("chat", ["chat", image, "--temp", "0.7", "--seed", "5"], b"Hello\n/stats\n")
    jsonl = os.path.join(tmp, "r.jsonl")
    with open(jsonl, "w", encoding="utf-8") as f:
        for i in range(4):
            f.write(json.dumps({"prompt": "Once", "temp": 0.25 * i, "top_p": 0.95, "n": 8, "seed": i, "id": str(i)}) + "\n")
    both("--jsonl", ["run", image, "--jsonl", jsonl, "--hash"])
    for option, value in ("--temp", "0,5"), ("--temp", "abc"), ("--top-p", "1.5"), ("--min-p", "2"):
        both("%s %s" % (option, value), ["run", image, "-p", "x", option, value], codes=(2,))


def library(tmp):
    made = []
    for comma in False, True:
        folder = os.path.join(tmp, "samples%d" % comma)
        os.mkdir(folder)
        code, _, err = run(comma, [os.path.join(BUILD, "tests/report/make_samples"), folder], tmp)
        check(code == 0, "make_samples: %s" % err.decode())
        made.append({f: open(os.path.join(folder, f), "rb").read() for f in sorted(os.listdir(folder))})
    check(made[0] == made[1] and len(made[0]) > 5, "report's samples differ: %s" % [f for f in made[0] if made[0][f] != made[1].get(f)])
    # test_real is left out, as it compares with what libc prints and reads
    for test in sorted(glob.glob(os.path.join(BUILD, "tests/*/test_*"))):
        room = os.path.basename(os.path.dirname(test))
        if test.endswith((".o", ".d")) or room not in ("base", "chip", "report", "result", "map", "model", "json") or test.endswith(("test_team", "test_real")):
            continue
        code, _, err = run(True, [test], TOP)
        check(code == 0, "%s under a comma: %s" % (os.path.relpath(test, BUILD), err.decode()[:300]))


with tempfile.TemporaryDirectory() as work:
    LOCALES, SHIM = os.path.join(work, "locales"), os.path.join(work, "comma.so")
    os.mkdir(LOCALES)
    subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", os.path.join(LOCALES, NAME)], check=True)
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o", SHIM, os.path.join(TOP, "tests/cli/comma_locale.c")], check=True)
    SIM_FILES = [("--floorplan", "f.svg"), ("--roofline", "r.svg"), ("--energy", "e.svg"), ("--curve", "c.svg"), ("--curve", "c.csv"), ("--csv", "s.csv")]
    chips()
    models()
    images(work)
    library(work)
finish("%d runs compared" % compared)
