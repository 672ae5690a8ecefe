#!/usr/bin/env python3
"""What the system refuses, in every verb: files that are not there, a standard output that cannot be written, interrupts, a clock that runs
backwards.

usage: test_refusals.py ROMA

Each verb with each operand and option that is a file, missing in several ways; each verb's output onto a full disk; each long verb interrupted
after 0.3 s. Needs Python, and a C compiler for the clock.
"""
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time

from shared import ROMA, TOP, check, finish, own_folder

MODELS = os.path.join(TOP, "models")


def roma(*args, **more):
    more.setdefault("stdin", subprocess.DEVNULL)
    more.setdefault("stdout", subprocess.PIPE)
    r = subprocess.run([ROMA, *args], stderr=subprocess.PIPE, timeout=60, **more)
    return r.returncode, (r.stdout or b"").decode(errors="replace"), r.stderr.decode(errors="replace")


def make_inputs():
    shutil.copy(os.path.join(MODELS, "tiny/tiny-q4.gguf"), "m.gguf")
    shutil.copytree(os.path.join(MODELS, "adapters/tiny-roma"), "peft")
    assert roma("build", "m.gguf", "-o", "i.roma")[0] == 0
    for name in ("a.lora", "b.lora"):
        assert roma("adapter", "build", "--random", "1", "--rank", "4", "--base", "i.roma", "-o", name)[0] == 0
    with open("text", "w") as f:
        f.write("Once upon a time there was a dog. The dog was happy. " * 12)
    with open("one.jsonl", "w") as f:
        f.write('{"prompt":"x","raw":true,"n":3}\n')


# ---- files that are not there

X = "?"  # the file
TEXT, CHIP, SHAPE = "text", "chip", "shape"  # inputs of another kind than a file that is mapped
READ = [
    (["run", X, "-p", "x"],), (["run", "i.roma", "-f", X], TEXT), (["run", "i.roma", "--jsonl", X], TEXT),
    (["run", "i.roma", "-p", "x", "--lora", X],), (["run", "i.roma", "-p", "x", "--lora", X + ":0.5"],), (["run", "i.roma", "-p", "x", "--chip", X], CHIP),
    (["chat", X],), (["chat", "i.roma", "--lora", X],), (["chat", "i.roma", "--chip", X], CHIP),
    (["build", X, "-o", "out"],),
    (["adapter", "build", X, "--base", "i.roma", "-o", "out"], "folder"), (["adapter", "build", "peft", "--base", X, "-o", "out"],),
    (["adapter", "build", "--random", "1", "--base", X, "-o", "out"],), (["adapter", "inspect", X],), (["adapter", "inspect", "a.lora", "--base", X],),
    (["adapter", "merge", X, "a.lora", "-o", "out"],), (["adapter", "merge", "a.lora", X, "-o", "out"],),
    (["adapter", "diff", X, "a.lora"],), (["adapter", "diff", "a.lora", X],),
    (["inspect", X],), (["inspect", X, "--json"],), (["verify", X],), (["plan", X],), (["plan", X, "--no-verify"],), (["plan", "--shape", "llama-3.2-1b", "--chip", X], CHIP),
    (["tokenize", X, "x"],), (["tokenize", "i.roma", "-f", X], TEXT),
    (["eval", X, "-f", "text"],), (["eval", "i.roma", "-f", X], TEXT), (["eval", "i.roma", "--ids", X], TEXT),
    (["eval", "i.roma", "-f", "text", "--ctx", "32", "--against", X],), (["eval", "i.roma", "-f", "text", "--lora", X],), (["eval", "i.roma", "-f", "text", "--chip", X], CHIP),
    (["bench", X],), (["bench", "i.roma", "--lora", X],), (["bench", "i.roma", "--lora", X, "--spread"],),
    (["fit", X],), (["fit", "i.roma", "--chip", X], CHIP), (["chip", X], CHIP),
    (["sim", X],), (["sim", "i.roma", "--chip", X], CHIP), (["compare", "roma", X, "--shape", "i.roma"], CHIP), (["compare", "roma", "mini", "--shape", X], SHAPE), (["sim", "i.roma", "--defects", X],),
    (["serve-sim", X],), (["serve-sim", "i.roma", "--chip", X], CHIP), (["serve-sim", "i.roma", "--arrivals", X],),
    (["price", X],), (["price", "i.roma", "--chip", X], CHIP), (["price", "i.roma", "--against", X], CHIP), (["price", "i.roma", "--prices", X],),
    (["explore", X],), (["explore", "--shape", X], SHAPE), (["explore", "i.roma", "--chip", X], CHIP),
    (["rtl", "--rom", "0.q", "--style", "case", "--image", X, "-o", "out"],), (["rtl", "--rom", "0.q", "--style", "case", "--image", "i.roma", "--chip", X, "-o", "out"], CHIP),
    (["rtl", "--verify", "rom", "--image", X],),
]


def refused_by_rights():
    """Who runs the test as root looks as nobody, who may not even reach the folder in which the program was built."""
    if os.getuid() != 0:
        return {}
    shutil.copy(ROMA, "program")
    os.chmod(".", 0o777)
    return {"executable": "./program", "user": 65534, "group": 65534, "extra_groups": []}


def test_missing():
    os.symlink("nowhere", "dangling")
    os.symlink("loop", "loop")
    os.mkdir("folder")
    os.mkfifo("pipe")
    with open("closed", "wb") as f:
        f.write(b"x")
    os.chmod("closed", 0)
    as_nobody = refused_by_rights()
    for command, *kind in READ:
        kind = kind[0] if kind else ""
        def run(path, **more):
            code, out, err = roma(*[a.replace(X, path) for a in command], **more)
            what = "roma %s with %s: exit code %d: %s" % (" ".join(command), path, code, err)
            check(err.count("\n") == 1 and not out, what)
            return code, err, what
        for path in ("no.file", "no/such/file", "./no.chip", "i.roma/below", "dangling", "loop"):
            if kind == SHAPE and "/" not in path:
                continue
            code, err, what = run(path)
            want = "roma %s: %s: there is no such file" % (command[0], path)
            check(code == 2 and (err == want + "\n" or (kind == CHIP and "/" not in path and err.startswith(want))), what)
        if kind != SHAPE:
            check(run("n" * 300)[0] == 2, "a name that is too long")
        if kind != "folder":
            code, err, what = run("folder" if kind != SHAPE else "./folder")
            check(code == 2 and "folder" in err, what)
        if kind != TEXT:  # of a text a pipe is as good as a file
            code, err, what = run("pipe" if kind != SHAPE else "./pipe")
            check(code == 2 and "pipe: " in err, what)
        code, err, what = run("closed" if kind != SHAPE else "./closed", **as_nobody)
        check(code == 3 and "closed: " in err and "ermission denied" in err, what)
    check(not os.path.exists("out"), "an output without an input")
    os.unlink("pipe")


# ---- a file of another kind

def test_kinds():
    """A file of another kind is known for what it is, and the verb that takes it is named."""
    shutil.copytree(os.path.join(TOP, "tests/import/packed/awq"), "model")
    with open("own.chip", "w") as f:
        f.write("; a comment\nlike = mini\n")
    with open("config.json", "w") as f:
        f.write('{"model_type": "llama"}')
    os.mkdir("bare")
    image, adapter, gguf = ("i.roma", "a ROM image", "roma run"), ("a.lora", "an adapter", "--lora"), ("m.gguf", "a GGUF model", "roma build")
    folders = [("peft", "a folder with an adapter", "roma adapter build"), ("model", "a folder with a model", "roma build"), ("bare", "a folder", "file")]
    texts = [("own.chip", "a chip file", "--chip"), ("text", "a text", "-f"), ("config.json", "config.json", "roma sim --shape")]
    tensors = ("peft/adapter_model.safetensors", "a safetensors file", "roma adapter build")
    others = [adapter, gguf, *folders, *texts, tensors]
    for command, wrong in [
            *((v, others) for v in (["run", X, "-p", "x"], ["chat", X], ["plan", X], ["eval", X, "-f", "text"], ["bench", X], ["fit", X], ["sim", X],
                                    ["explore", X, "-n", "3"], ["cosim", "--image", X], ["rtl", "--chip", "mini", "--image", X, "-o", "out"],
                                    ["adapter", "build", "peft", "--base", X, "-o", "out"])),
            *((v, [*folders, *texts, tensors]) for v in (["inspect", X], ["verify", X])),
            (["build", X, "-o", "out"], [image, adapter, folders[0], *texts, tensors]), (["tokenize", X, "x"], [adapter, folders[0], *texts, tensors]),
            *((v, [image, gguf, *folders, *texts, tensors]) for v in (["run", "i.roma", "-p", "x", "--lora", X], ["adapter", "inspect", X],
                                                                     ["adapter", "merge", "a.lora", X, "-o", "out"], ["adapter", "diff", X, "a.lora"])),
            (["adapter", "build", X, "--base", "i.roma", "-o", "out"], [image, adapter, gguf, folders[1], *texts]),
            *((v, [image, adapter, gguf, *folders, tensors]) for v in (["chip", X], ["run", "i.roma", "-p", "x", "--chip", X], ["sim", "i.roma", "--chip", X])),
            *((v, [image, adapter, gguf, tensors]) for v in (["run", "i.roma", "-f", X], ["eval", "i.roma", "-f", X], ["tokenize", "i.roma", "-f", X]))]:
        for path, kind, takes in wrong:
            code, out, err = roma(*[path if a == X else a for a in command])
            what = "roma %s with %s: exit code %d: %s" % (" ".join(command), path, code, err)
            check(code == 2 and err.count("\n") == 1 and not out, what)
            check(path in err and kind in err and takes in err, what)
    check(not os.path.exists("out"), "an output of a wrong input")


# ---- a standard output that cannot be written

WRITE = [["--version"], ["--help"], ["help"], ["-h"],
         ["run", "i.roma", "-p", "x", "--raw", "-n", "3"], ["run", "i.roma", "-p", "x", "--raw", "-n", "3", "-q"],
         ["run", "i.roma", "-p", "x", "--raw", "-n", "3", "--hash"], ["run", "i.roma", "-p", "x", "--raw", "-n", "3", "--json"],
         ["run", "i.roma", "--jsonl", "one.jsonl"], ["chat", "i.roma", "-n", "5"],
         ["build", "m.gguf", "-o", "out"], ["build", "m.gguf", "-o", "out", "--json"],
         ["adapter", "build", "--random", "1", "--rank", "4", "--base", "i.roma", "-o", "out.lora"], ["adapter", "inspect", "a.lora"],
         ["adapter", "inspect", "a.lora", "--json"], ["adapter", "merge", "a.lora", "b.lora", "-o", "out.lora"],
         ["adapter", "diff", "a.lora", "b.lora"], ["adapter", "diff", "a.lora", "b.lora", "--json"],
         ["inspect", "i.roma"], ["inspect", "i.roma", "--json"], ["inspect", "m.gguf"], ["inspect", "m.gguf", "--json"], ["inspect", "a.lora"],
         ["verify", "i.roma"], ["verify", "i.roma", "--json"], ["plan", "i.roma"], ["plan", "i.roma", "--json"], ["plan", "i.roma", "--threads", "2"],
         ["tokenize", "i.roma", "x"], ["tokenize", "i.roma", "x", "--json"],
         ["eval", "i.roma", "-f", "text", "--ctx", "32", "--windows", "1"], ["eval", "i.roma", "-f", "text", "--ctx", "32", "--windows", "1", "--json"],
         ["serve", "i.roma", "--port", "0"], ["bench", "i.roma", "-p", "4", "-n", "0", "--csv", "-"], ["fit", "i.roma", "--rank", "8"], ["fit", "i.roma", "--rank", "8", "--csv", "-"],
         ["chip"], ["chip", "--list"], ["chip", "--all"], ["chip", "--json"], ["chip", "--write"], ["chip", "--document"],
         ["sim", "i.roma", "--no-ranges"], ["sim", "i.roma", "--no-ranges", "--json"], ["sim", "i.roma", "--no-ranges", "--csv", "-"],
         ["sim", "i.roma", "--no-ranges", "--trace", "-"], ["paper"], ["paper", "--json"], ["paper", "--markdown"], ["compare", "roma", "mini", "--shape", "i.roma"], ["compare", "roma", "mini", "--shape", "i.roma", "--json"],
         ["serve-sim", "i.roma", "-n", "20"], ["serve-sim", "i.roma", "-n", "20", "--json"], ["serve-sim", "i.roma", "-n", "20", "--csv", "-"],
         ["price", "i.roma", "--no-ranges"], ["price", "i.roma", "--no-ranges", "--json"], ["price", "i.roma", "--no-ranges", "--csv", "-"], ["price", "--list"],
         ["explore", "i.roma", "-n", "60"], ["explore", "i.roma", "-n", "60", "--json"], ["explore", "i.roma", "-n", "60", "--csv", "-"],
         ["rtl", "--rom", "0.q", "--style", "case", "--image", "i.roma", "-o", "rom"], ["rtl", "--rom", "0.q", "--style", "case", "--image", "i.roma", "-o", "rom", "--json"],
         ["rtl", "--verify", "rom", "--image", "i.roma"], ["cosim", "--faults"]]


def test_full():
    listing = roma("--help")[1]
    verbs = re.findall(r"^  ([a-z-]+) {2,}", listing.split("verbs:")[1].split("\n\n")[0], re.M)
    check({c[0] for c in WRITE} >= set(verbs), "verbs without an output to test: %s" % (set(verbs) - {c[0] for c in WRITE}))
    for command in WRITE + [[v, "--help"] for v in verbs] + [["help", v] for v in verbs]:
        with open("/dev/full", "w") as full:
            for what, more in (("a full disk", {"stdout": full}), ("a closed standard output", {"preexec_fn": lambda: os.close(1)})):
                if command[0] == "chat":
                    more = dict(more, stdin=open("text", "rb"))
                if what != "a full disk" and (command[0] == "bench" or command[-1] == "--help" or command[0] == "help"):
                    continue
                code, _, err = roma(*command, **more)
                check(code == 3 and err.count("\n") == 1 and "could not be written" in err,
                      "roma %s onto %s: exit code %d: %s" % (" ".join(command), what, code, err))
    for name in ("out", "out.lora"):
        os.unlink(name)


def took(*command, **more):
    began = time.monotonic()
    code, _, err = roma(*command, **more)
    return time.monotonic() - began, code, err


def test_stops():
    """What nobody can read is not computed."""
    with open("many.jsonl", "w") as f:
        for i in range(24):
            f.write('{"prompt":"Once upon a time","raw":true,"n":60,"temp":1,"seed":%d}\n' % i)
    for command in (["run", "i.roma", "--jsonl", "many.jsonl", "-b", "1", "--isa", "scalar", "-t", "1", "--spec", "off"],
                    ["run", "i.roma", "--raw", "-p", "One", "-n", "400", "--temp", "2", "--seed", "3", "--isa", "scalar", "-t", "1", "-q"],
                    ["chat", "i.roma", "-n", "100", "--isa", "scalar", "-t", "1", "--temp", "2", "--seed", "3"]):
        said = "Tell me a story.\n" * 6
        with open("said", "w") as f:
            f.write(said)
        whole = took(*command, stdin=open("said"))
        check(whole[1] == 0, "roma %s: %s" % (" ".join(command), whole))
        with open("/dev/full", "w") as full:
            cut = took(*command, stdin=open("said"), stdout=full)
        check(cut[1] == 3 and cut[2].count("\n") == 1, "roma %s: %s" % (" ".join(command), cut))
        check(cut[0] < whole[0] / 2, "roma %s: %.2f s onto a full disk, %.2f s otherwise" % (" ".join(command), cut[0], whole[0]))


# ---- interrupts

def interrupted(command, after):
    """Seconds from SIGINT to the end; None when the verb was through by then."""
    p = subprocess.Popen([ROMA, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(after)
    began = time.monotonic()
    p.send_signal(signal.SIGINT)
    _, err = p.communicate(timeout=60)
    seconds = time.monotonic() - began
    if p.returncode == 0:
        return None
    check(p.returncode == 130 and err.count(b"\n") <= 1, "roma %s, interrupted: exit code %d: %s" % (" ".join(command), p.returncode, err.decode()))
    check(not [f for f in os.listdir(".") if ".tmp-" in f], "roma %s, interrupted: left %s" % (" ".join(command), os.listdir(".")))
    return seconds


def test_interrupts():
    assert roma("build", "--shape", "smollm2-135m", "--random", "1", "--bits", "2", "--group", "64", "-o", "big.roma")[0] == 0
    for name in ("c.lora", "d.lora"):
        assert roma("adapter", "build", "--random", "1", "--rank", "64", "--base", "big.roma", "-o", name)[0] == 0
    with open("ids", "wb") as f:
        f.write(struct.pack("<2000i", *range(2000)))
    worst = 0
    for command in (["build", "--shape", "llama-3.2-1b", "--random", "1", "-o", "out"], ["eval", "big.roma", "--ids", "ids", "--ctx", "512"],
                    ["eval", "big.roma", "--ids", "ids", "--ctx", "512", "--against", "fp32"], ["bench", "big.roma"],
                    ["run", "i.roma", "--raw", "-p", "x", "-n", "1000000", "--temp", "2", "--isa", "scalar", "-t", "1", "-q", "--stop", "never there"],
                    ["run", "i.roma", "--jsonl", "many.jsonl", "--isa", "scalar", "-t", "1"], ["verify", "big.roma", "-t", "1"],
                    ["explore", "--shape", "llama-3.2-3b", "-n", "1000000"], ["sim", "--shape", "llama-3-8b"], ["sim", "--shape", "llama-3-8b", "--mc", "1000000"], ["compare", "roma", "mini", "--shape", "llama-3-8b", "--mc", "1000000"], ["paper"], ["chip"],
                    ["sim", "big.roma", "--toggles", "--no-ranges"], ["adapter", "build", "--random", "1", "--rank", "128", "--base", "big.roma", "-o", "out"],
                    ["adapter", "merge", "c.lora", "d.lora", "-o", "out"], ["adapter", "diff", "c.lora", "d.lora"], ["fit", "--shape", "llama-3-8b"],
                    ["tokenize", "i.roma", "-f", "/dev/zero"]):
        best = None
        for _ in range(3):
            for after in (0.3, 0.1, 0.04):
                seconds = interrupted(command, after)
                if seconds is not None:
                    break
            if seconds is not None and (best is None or seconds < best):
                best = seconds
            if best is not None and best < 0.3:
                break
        if best is not None:
            worst = max(worst, best)
            check(best < 0.3, "roma %s takes %.2f s to answer SIGINT" % (" ".join(command), best))
    print("test_refusals: SIGINT is answered within %.3f s" % worst)


# ---- a clock that runs backwards

CLOCK = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *t) {
    static long calls;
    if (id != CLOCK_MONOTONIC) return (int)syscall(SYS_clock_gettime, id, t);
    t->tv_sec = 1000000 - __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED) %s;
    t->tv_nsec = 0;
    return 0;
}
"""


def numbers(v):
    if isinstance(v, dict):
        v = list(v.values())
    if isinstance(v, list):
        return [n for x in v for n in numbers(x)]
    return [v] if isinstance(v, (int, float)) and not isinstance(v, bool) else []


def test_clock():
    for name, steps in (("back", ""), ("still", "* 0"), ("to and fro", "% 7")):
        with open("clock.c", "w") as f:
            f.write(CLOCK % steps)
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "clock.c", "-o", "clock.so"], check=True)
        env = dict(os.environ, LD_PRELOAD=os.path.abspath("clock.so"))
        for command in (["run", "i.roma", "-p", "x", "--raw", "-n", "20", "--json"], ["build", "m.gguf", "-o", "out", "--json"],
                        ["eval", "i.roma", "-f", "text", "--ctx", "32", "--windows", "2", "--json"],
                        ["bench", "i.roma", "-p", "4", "-n", "4", "--json", "--csv", "out.csv", "--svg", "out.svg"]):
            if command[0] == "bench" and name != "back":  # which reads much memory
                continue
            code, out, err = roma(*command, env=env)
            what = "roma %s, a clock that goes %s: %d %s" % (" ".join(command), name, code, err)
            if not check(code == 0, what):
                continue
            for n in numbers(json.loads(out)) if command[0] != "run" else numbers({k: v for k, v in json.loads(out).items() if k != "chip"}):
                check(0 <= n < 1e300, what + ": %r in %s" % (n, out))
        for path in ("out.csv", "out.svg"):
            text = open(path).read() if os.path.exists(path) else ""
            wrong = r"(?i)(?<![a-z])inf(?![a-z])|,-" if path == "out.csv" else r"(?i)(?<![a-z])(nan|inf)(?![a-z])"
            check(not re.search(wrong, text), "%s, a clock that goes %s: %s" % (path, name, text))
        with open("said", "w") as f:
            f.write("Hi\n/stats\n")
        code, out, err = roma("chat", "i.roma", "-n", "9", env=env, stdin=open("said"))
        check(code == 0 and " -" not in out.split("prompt ")[-1] and "inf tok" not in out and "nan tok" not in out, "chat, a clock that goes %s: %s" % (name, out))
        code, out, err = roma("run", "i.roma", "-p", "x", "--raw", "-n", "9", env=env)
        check(code == 0 and not re.search(r"-\d|inf |nan ", err.split("memory")[0]), "run, a clock that goes %s: %s" % (name, err))


if __name__ == "__main__":
    with own_folder():
        make_inputs()
        for test in (test_missing, test_kinds, test_full, test_stops, test_interrupts, test_clock):
            began = time.monotonic()
            test()
            print("%s: %.1f s" % (test.__name__, time.monotonic() - began), flush=True)
    finish()
