#!/usr/bin/env python3
"""Every option of every verb with values that nobody means: refused in one line that says what and where, or taken; never passed over.

usage: test_values.py ROMA [--all]    (--all: an option that several verbs share in each of them, and numbers with all values)

The options are those that `roma VERB --words` has, so that a new one is swept too. Each that takes a value gets each of VALUES: the exit code
is 0, 2 or 3 (1 where the verb has a verdict), what is refused is one line of printable text without the value's own control characters, and
leaves no file. Where the option asks for a number, an empty or broken one is refused by the option's name. IGNORED are options that the rest
of the command line leaves without use. Needs Python alone.
"""
import os
import shutil
import signal
import subprocess
import sys

from shared import ROMA, TOP, check, finish, own_folder

VALUES = ["", "-1", "nan", "99999999999999999999", "1e309", " 5", "5x", "1,", "a=b", "\x1b[31m", "a\nb", "\u00fc", "folder", "locked", "x" * 4500]
NUMBER = {"", "nan", "99999999999999999999", "1e309", " 5", "5x", "a=b", "\x1b[31m", "a\nb", "\u00fc", "folder"}  # no number, or out of any range
FEW = ["", "5x", "nan", "99999999999999999999"]  # of numbers, which the parser of options reads
VERDICT = {"verify", "paper", "cosim", "explore"}
BASE = {
    "run": ["i.roma", "-p", "x", "-n", "1"], "chat": ["i.roma"], "build": ["m.gguf", "-o", "out.roma"], "inspect": ["i.roma"],
    "verify": ["i.roma"], "plan": ["i.roma"], "tokenize": ["m.gguf", "x"], "eval": ["nothing.roma", "--ctx", "16", "--windows", "1"],
    "bench": ["nothing.roma", "-p", "0", "-n", "1"], "fit": ["i.roma", "--rank", "8", "--adapters", "1"], "chip": [], "paper": [],
    "sim": ["i.roma", "--no-ranges"], "compare": ["roma", "mini", "--shape", "i.roma", "--mc", "9"], "price": ["i.roma", "--no-ranges"], "serve-sim": ["i.roma", "-n", "20", "--load", "50%"], "explore": ["i.roma", "-n", "2"], "cosim": ["--faults"],
    "rtl": ["--image", "i.roma", "--rom", "0.q", "--style", "case", "-o", "out.rom"], "adapter": ["build", "--random", "1", "--base", "i.roma", "-o", "out.lora"],
    "serve": ["nothing.roma"],  # it would not end
}
IGNORED = [
    ("run i.roma -p x --raw --template llama3", "--template"), ("run i.roma -p x --raw --date 2020-01-01", "--date"),
    ("run i.roma -p x -b 4", "--jsonl"), ("run i.roma -p x --special", "--raw"), ("run i.roma -p x --trace-full", "--trace-values"),
    ("tokenize i.roma x --template llama3", "--messages"), ("tokenize i.roma --messages m.json --special", "--special"),
    ("tokenize i.roma --messages m.json --bos", "--bos"), ("tokenize m.gguf --messages m.json --pre llama-bpe", "--pre"),
    ("sim i.roma --floorplan-by area", "--floorplan"), ("sim i.roma --curve-to 64", "--curve"), ("sim i.roma --seed 4", "--mc"), ("plan i.roma --rows 4", "--threads"),
    ("plan i.roma --context 4", "--threads"), ("chip --bits 4", "--shape"), ("chip --list --all", "--all"), ("chip --list mini", "--list"), ("price i.roma --list", "--list"),
    ("serve-sim i.roma --arrivals text --load 5", "--load"), ("serve-sim i.roma --rank 0 --adapters 2", "--adapters"), ("price --list --volume 5", "--volume"),
    ("chip --document --set lunit.lanes=8", "--set"), ("adapter inspect a.lora -o out", "--output"), ("adapter inspect a.lora --name x", "--name"),
    ("adapter diff a.lora a.lora --base i.roma", "--base"), ("adapter merge a.lora a.lora -o out --rank 4", "--rank"),
    ("adapter build a.lora --base i.roma -o out --rank 4", "--random"), ("adapter inspect a.lora --allow-base-mismatch", "--base"),
    ("bench i.roma -n 0 -d 4", "-n 0"), ("bench i.roma --why -p 4", "--why"), ("bench i.roma --why -n 4", "--n "),
    ("build m.gguf --nf4-table int8 -o out", "--nf4-table"), ("run i.roma --jsonl l.jsonl --json", "--json"),
    ("run i.roma -p x --top-k 4", "--top-k goes with --temp"), ("run i.roma -p x --top-p 0.5", "--top-p"), ("chat i.roma --min-p 0.5", "--min-p"),
    ("run i.roma -p x --documents m.json", "--documents"), ("run i.roma -p x --template-arg thinking=1", "'thinking'"),
    ("run i.roma -p x --adapters 0", "--adapters"), ("plan i.roma --rank 4", "--rank"), ("plan i.roma --adapters 4", "--adapters"), ("plan i.roma --kv f16", "--kv"),
    ("plan i.roma --json --kv f16", "--kv"), ("plan i.roma --threads 2 --chip mini", "--chip"), ("plan i.roma --threads 2 --set lunit.lanes=8", "--set"),
    ("plan i.roma --threads 2 --json --rank 4", "--rank"), ("plan i.roma --place --rank 0 --adapters 2", "--adapters"),
    ("sim i.roma --rank 0 --targets q", "--targets"), ("sim i.roma --rank 0 --adapters 2", "--adapters"), ("explore i.roma --rank 0 --targets q", "--targets"),
    ("sim i.roma --adapters 2 --stacked 3", "--adapters"), ("sim i.roma --toggles", "toggles"), ("explore i.roma -n 2 --only", "--set"),
    ("chip --all --json", "--all"), ("chip --write --all", "--write"), ("chip --list --document", "--list"), ("chip --all --shape i.roma", "--shape"), ("chip --write --chips 2", "--chips"),
    ("cosim --faults --json", "--faults"), ("cosim --faults --image i.roma", "--image"), ("cosim --allow-base-mismatch", "--lora"),
    *(("%s --allow-base-mismatch" % line, "--lora") for line in ("run i.roma -p x", "eval i.roma -f text", "bench i.roma", "serve i.roma")),
]
SAYS = [  # what is wrong stands in the line
    ("run i.roma -p x --isa mmx", "'mmx'"), ("run i.roma -p x --spec maybe", "'maybe'"), ("run i.roma -p x --date today", "'today'"),
    ("run i.roma -p x --template-arg thinking", "'thinking'"), ("build m.gguf --sha256 abc", "'abc'"), ("fit i.roma --rank 4,x", "'4,x'"),
    ("run  -p x", "''"), ("eval i.roma -f ", "''"), ("sim i.roma --mix 1:2,", "PROMPT:OUTPUT"), ("price i.roma --price use.kwh=x", "use.kwh"), ("serve-sim i.roma --load 5x", "'5x'"), ("serve-sim i.roma --prompt 3..x", "--prompt"), ("price i.roma --volume x", "--volume"), ("rtl --rom 0.q --image i.roma -o out --kv f16", "'f16'"),
    ("serve i.roma --port 0 --lora-dir nowhere", "nowhere: there is no such file"), ("serve i.roma --port 0 --lora-dir m.gguf", "no folder"),
]


def as_nobody():
    """Root may read everything; the file that nobody may read needs somebody else."""
    if os.getuid():
        return {}
    shutil.copy(ROMA, "program")
    os.chmod(".", 0o777)
    return {"executable": "./program", "user": 65534, "group": 65534, "extra_groups": []}


def call(args, **more):
    r = subprocess.run([ROMA, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **more)
    return r.returncode, r.stdout, r.stderr.decode(errors="replace")


def one_line(said):
    return said.count("\n") == 1 and said.startswith("roma ") and all(c >= " " for c in said[:-1]) and len(said) < 1200


seen = set()


def sweep(verb, who):
    words = call([verb, "--words"])[1].decode().splitlines()
    for letter, name, arg, _ in (line.split("\t") for line in words):
        option = "--" + name if name else "-" + letter
        if not arg or (name, arg) in seen:
            continue
        if "--all" not in sys.argv:
            seen.add((name, arg))
        said = call([verb, *BASE[verb], option, "nan"])[2]
        if os.path.isfile("nan"):
            os.remove("nan")  # an output, which no input shall be
        number = "takes a number" in said or "takes a whole number" in said
        for value in FEW if number and "--all" not in sys.argv else VALUES:
            if verb == "eval" and name == "file" and value == "":
                continue  # in SAYS
            before = set(os.listdir("."))
            code, _, said = call([verb, *BASE[verb], *([] if verb != "eval" or name in ("file", "ids") else ["-f", "text"]), option, value], **who)
            what = "%s %s %r: exit code %d, %r" % (verb, option, value[:40], code, said[:300])
            check(code in (0, 2, 3) or code == 1 and verb in VERDICT, what)
            check(code == 0 or one_line(said), what)
            if number:
                check(value not in NUMBER or code == 2 and (option in said or "-" + letter in said), what)
            new = set(os.listdir(".")) - before
            check(code == 0 or not new, "%s; left %s" % (what, new))
            for n in new:
                (shutil.rmtree if os.path.isdir(n) and not os.path.islink(n) else os.remove)(n)


def make_inputs():
    shutil.copy(os.path.join(TOP, "models/tiny/tiny-q4.gguf"), "m.gguf")
    assert call(["build", "m.gguf", "-o", "i.roma"])[0] == 0
    assert call(["adapter", "build", "--random", "1", "--rank", "4", "--base", "i.roma", "-o", "a.lora"])[0] == 0
    os.mkdir("folder")
    for path, text in (("text", "Once upon a time there was a dog. " * 8), ("l.jsonl", '{"prompt":"x"}'), ("m.json", '[{"role":"user","content":"x"}]'), ("locked", "x")):
        with open(path, "w") as f:
            f.write(text)
    os.chmod("locked", 0)


with own_folder():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    make_inputs()
    who = as_nobody()
    verbs = [line.split()[0] for line in call(["--help"])[1].decode().split("verbs:\n")[1].split("\n\n")[0].splitlines()]
    check(set(verbs) == set(BASE), "verbs without a command line here: %s" % (set(verbs) ^ set(BASE)))
    for verb in verbs:
        sweep(verb, who)
    for line, has in IGNORED + SAYS:
        code, _, said = call(line.split(" "))
        check(code == 2 and one_line(said) and has in said, "%s: exit code %d, %r lacks %r" % (line, code, said, has))
    check(not [n for n in os.listdir(".") if n.startswith("out")], "left behind: %s" % os.listdir("."))
finish()
