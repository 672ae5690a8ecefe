#!/usr/bin/env python3
"""Every output of every verb: whole or not at all, and never in the place of something else.

usage: test_outputs.py ROMA

Each option that names an output, with a new file, an old one, links of every kind, devices, pipes, folders, a full disk; with each input of
the same run under three names, with the other output; and killed at 20 moments. After each run every input is as it was, the old content is
whole or the new one is, and no temporary file is left. The table is held against `roma VERB --help`. Needs Python alone.
"""
import hashlib
import os
import re
import resource
import shutil
import signal
import socket
import stat
import struct
import subprocess
import threading
import time

from shared import ROMA, TOP, check, finish, own_folder

runs = 0


def roma(*args, **more):
    """Exit code, and of a failure the one line that says why."""
    global runs
    runs += 1
    more.setdefault("stdin", subprocess.DEVNULL)
    r = subprocess.run([ROMA, *args], stdout=more.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, timeout=120, **more)
    said = r.stderr.decode()
    if r.returncode in (2, 3):
        check(said.count("\n") == 1 and said.startswith("roma"), "not one line: roma %s: %r" % (" ".join(args), said))
    return r.returncode, said


# ---- what there is to read

def make_inputs():
    shutil.copy(os.path.join(TOP, "models/tiny/tiny-q4.gguf"), "m.gguf")
    assert roma("build", "m.gguf", "-o", "i.roma")[0] == 0
    shutil.copy("i.roma", "j.roma")
    for seed, name in ((1, "a.lora"), (2, "b.lora")):
        assert roma("adapter", "build", "--random", str(seed), "--rank", "4", "--base", "i.roma", "-o", name)[0] == 0
    with open("text", "w") as f:
        f.write("Once upon a time there was a dog. The dog was happy. " * 12)
    with open("ids", "wb") as f:
        f.write(struct.pack("<40i", *[7 * i % 1000 for i in range(40)]))
    for name in ("c.chip", "macro.chip"):
        with open(name, "w") as f:
            f.write(subprocess.run([ROMA, "chip", "roma", "--write"], stdout=subprocess.PIPE).stdout.decode())
    for name, text in (("map", "0 0 1"), ("p.price", "use.kwh = 1 [exact]  # assumed: a test"), ("r.txt", "0 5 5\n1 5 5")):
        with open(name, "w") as f:
            f.write(text + "\n")
    for name, form in (("s.json", '{"enum": ["a", "b"]}'), ("g.gbnf", 'root ::= "a" | "b"')):
        with open(name, "w") as f:
            f.write(form + "\n")


RUN = ["run", "i.roma", "-f", "text", "--raw", "--json", "-n", "2", "--spec", "off", "-t", "1", "--lora", "a.lora"]
EVAL = ["eval", "i.roma", "-f", "text", "--ctx", "32", "--windows", "2", "-t", "1"]
IDS = ["eval", "i.roma", "--ids", "ids", "--ctx", "20", "-t", "1", "--against", "j.roma", "--lora", "a.lora", "--chip", "c.chip"]
SIM = ["sim", "i.roma", "--chip", "c.chip", "--no-ranges"]
FIT = ["fit", "i.roma", "--chip", "c.chip", "--rank", "8", "--adapters", "1"]
LOAD = ["serve-sim", "i.roma", "--chip", "c.chip", "--arrivals", "r.txt"]
EXPLORE = ["explore", "i.roma", "--chip", "c.chip", "-n", "60", "-t", "1"]
BENCH = ["bench", "i.roma", "-p", "4", "-n", "0", "-t", "1", "--lora", "a.lora"]
ADAPTER, ANY = "adapter", "any"
# verb, option, the rest of the command, what it reads, what an old file may hold
TABLE = [
    ("build", "--output", ["build", "m.gguf"], ["m.gguf"], ANY),
    ("adapter", "--output", ["adapter", "build", "--random", "3", "--rank", "4", "--base", "i.roma"], ["i.roma"], ADAPTER),
    ("adapter", "--output", ["adapter", "merge", "a.lora", "b.lora:0.5"], ["a.lora", "b.lora"], ADAPTER),
    ("run", "--trace-values", RUN + ["--json-schema", "s.json"], ["i.roma", "text", "a.lora", "s.json"], ANY),
    ("run", "--trace-values", RUN + ["--grammar", "g.gbnf"], ["g.gbnf"], ANY),
    ("eval", "--dump-logits", EVAL, ["i.roma", "text"], ANY),
    ("eval", "--dump-logits", IDS, ["ids", "j.roma", "a.lora", "c.chip"], ANY),
    ("eval", "--dump-against", IDS, ["i.roma", "ids", "j.roma", "a.lora", "c.chip"], ANY),
    ("bench", "--csv", BENCH, ["i.roma", "a.lora"], ANY),
    ("bench", "--svg", BENCH, ["i.roma", "a.lora"], ANY),
    ("explore", "--csv", EXPLORE, ["i.roma", "c.chip"], ANY),
    ("explore", "--svg", EXPLORE, ["i.roma", "c.chip"], ANY),
    ("fit", "--csv", FIT, ["i.roma", "c.chip"], ANY),
    ("fit", "--svg", FIT, ["i.roma", "c.chip"], ANY),
    ("paper", "--csv", ["paper"], [], ANY),
    ("serve-sim", "--csv", LOAD, ["i.roma", "c.chip", "r.txt"], ANY),
    ("serve-sim", "--svg", LOAD, ["i.roma", "c.chip", "r.txt"], ANY),
    ("price", "--csv", ["price", "i.roma", "--chip", "c.chip", "--prices", "p.price", "--no-ranges"], ["i.roma", "c.chip", "p.price"], ANY),
    ("sim", "--csv", SIM + ["--defects", "map"], ["i.roma", "c.chip", "map"], ANY),
    ("sim", "--trace", SIM, ["i.roma", "c.chip"], ANY),
    ("sim", "--instances", SIM, ["i.roma", "c.chip"], ANY),
    ("sim", "--floorplan", SIM, ["i.roma"], ANY),
    ("sim", "--roofline", SIM, ["i.roma"], ANY),
    ("sim", "--energy", SIM, ["i.roma"], ANY),
    ("sim", "--curve", SIM, ["i.roma"], ANY),
]
FOLDERS = {("explore", "--best"), ("rtl", "--output"), ("cosim", "--csv"), ("cosim", "--vcd")}  # held in test_best, test_rom and test_cosim
READ = {"--api-key-file", "--calib", "--fit-chip", "--grammar", "--json-schema", "--lora-dir", "--rtl", "--template", "--tools", "--documents", "--messages", "--chip", "--lora", "--lora-at", "--file", "--ids", "--against", "--base", "--jsonl", "--defects", "--prices", "--arrivals", "--shape", "--image", "--verify"}


def test_table():
    """A file of any option is read or written, and this test knows which."""
    listing = subprocess.run([ROMA, "--help"], stdout=subprocess.PIPE).stdout.decode()
    verbs = re.findall(r"^  ([a-z-]+) {2,}", listing.split("verbs:")[1].split("\n\n")[0], re.M)
    check(len(verbs) >= 15, "verbs of --help: %s" % verbs)
    known = {(v, o) for v, o, *_ in TABLE} | FOLDERS
    seen = set()
    for verb in verbs:
        text = subprocess.run([ROMA, verb, "--help"], stdout=subprocess.PIPE).stdout.decode()
        for name, arg in re.findall(r"^  (?:-.,|   )? ?(--[a-z-]+) ([^ ]+)  ", text, re.M):
            if re.search("FILE|DIR|IMAGE|MAP|PATH", arg) or (verb, name) in known:
                seen.add((verb, name))
                check((verb, name) in known or name in READ, "%s %s %s is in no table of this test" % (verb, name, arg))
    check(known <= seen, "not in --help: %s" % (known - seen))


# ---- one run in a state that is checked before and after

def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def inputs():
    return {p: digest(p) for p in os.listdir(".") if os.path.isfile(p) and not p.startswith("out") and not os.path.islink(p)}


def leftovers():
    return [p for p in os.listdir(".") if ".tmp-" in p]


def clean():
    for p in os.listdir("."):
        if p.startswith("out") or p.startswith("."):
            shutil.rmtree(p) if os.path.isdir(p) and not os.path.islink(p) else os.unlink(p)


def held(before, what):
    check(inputs() == before, what + ": an input changed")
    check(not leftovers(), what + ": left %s" % leftovers())


def old_content(kind):
    return open("a.lora", "rb").read() if kind == ADAPTER else b"old content\n"


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)


def good(want, path):
    """The content that a run of the same command gave; of what is measured, and so never the same, that there is some."""
    with open(path, "rb") as f:
        data = f.read()
    return data == want if want is not None else len(data) > 100


def test_written(verb, option, command, kind, before):
    name = "%s %s" % (verb, option)
    def run(out, **more): return roma(*command, *((option, out) if out else ()), **more)
    umask = os.umask(0o027)
    check(run("out")[0] == 0 and os.path.isfile("out"), name + ": a new file")
    os.umask(umask)
    check(stat.S_IMODE(os.stat("out").st_mode) == 0o640, name + ": a new file's mode")
    want = None if verb == "bench" else open("out", "rb").read()
    put("out1", old_content(kind))
    os.chmod("out1", 0o604)
    if os.getuid() == 0:
        os.chown("out1", 12345, 54321)
    check(run("out1")[0] == 0 and good(want, "out1"), name + ": an old file")
    st = os.stat("out1")
    check(stat.S_IMODE(st.st_mode) == 0o604, name + ": an old file's mode")
    check(os.getuid() or (st.st_uid, st.st_gid) == (12345, 54321), name + ": an old file's owner")
    if verb == "bench":
        held(before, name)
        clean()
        return None
    os.mkdir("out.d")
    for links, there in ((1, True), (3, True), (1, False), (3, False)):
        what = "%s: %d links to a file that is %sthere" % (name, links, "" if there else "not ")
        if there:
            put("out.d/f", old_content(kind))
        elif os.path.exists("out.d/f"):
            os.unlink("out.d/f")
        chain = ["out.l%d" % i for i in range(links)]
        for link, to in zip(chain, chain[1:] + ["out.d/f"]):
            os.symlink(os.path.abspath(to) if links == 3 and link == chain[1] else to, link)
        check(run(chain[0])[0] == 0 and good(want, "out.d/f"), what)
        check(all(os.path.islink(p) for p in chain), what + ": a link is gone")
        check(os.listdir("out.d") == ["f"], what + ": left %s" % os.listdir("out.d"))
        for p in chain:
            os.unlink(p)
    check(run("/dev/null")[0] == 0 and stat.S_ISCHR(os.stat("/dev/null").st_mode), name + ": /dev/null")
    check(run("/dev/full")[0] == 3 and stat.S_ISCHR(os.stat("/dev/full").st_mode), name + ": /dev/full")
    os.mkfifo("out.p")
    got = []
    reader = threading.Thread(target=lambda: got.append(open("out.p", "rb").read()))
    reader.start()
    check(run("out.p")[0] == 0, name + ": a pipe")
    reader.join(20)
    check(got == [want] and stat.S_ISFIFO(os.stat("out.p").st_mode), name + ": what came out of a pipe")
    with open("out.s", "wb") as f:
        check(run("/dev/stdout", stdout=f)[0] == 0, name + ": /dev/stdout")
    check(open("out.s", "rb").read().startswith(want), name + ": what went to /dev/stdout")
    held(before, name)
    clean()
    return want


def test_refused(verb, option, command, reads, kind, before):
    name = "%s %s" % (verb, option)
    os.mkdir("out.d")
    os.symlink("out.b", "out.a")
    os.symlink("out.a", "out.b")
    os.symlink("out.d", "out.c")
    for out in ("out.d", "out.a", "out.c", "out.d/", "out.d/new/", ".", ""):
        code, said = roma(*command, option, out)
        check(code == 2, "%s %r: exit code %d: %s" % (name, out, code, said))
    check(roma(*command, option, "out.no/x")[0] == 3, name + ": a folder that is missing")
    for path in reads:
        os.link(path, "out.h")
        os.symlink(path, "out.l")
        os.symlink("out.l", "out.k")
        for out in (path, os.path.abspath(path), "out.d/../" + path, "out.h", "out.l", "out.k"):
            code, said = roma(*command, option, out)
            check(code == 2, "%s: %s, which is read, as %s: exit code %d: %s" % (name, path, out, code, said))
        held(before, "%s %s" % (name, path))
        for p in ("out.h", "out.l", "out.k"):
            os.unlink(p)
    held(before, name)
    clean()


def small_disk():
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))


def test_full(verb, option, command, kind, before):
    """A limit of file sizes, whose signal would end the program; and a true disk that is full, where one can be mounted."""
    name = "%s %s" % (verb, option)
    put("out", old_content(kind))
    code, said = roma(*command, option, "out", preexec_fn=small_disk)
    check(code == 3, "%s onto a full disk: %d %s" % (name, code, said))
    check(open("out", "rb").read() == old_content(kind), name + " onto a full disk: the old file")
    check(roma(*command, option, "out.n", preexec_fn=small_disk)[0] == 3 and not os.path.exists("out.n"), name + " onto a full disk")
    held(before, name)
    clean()


def test_disk():
    os.mkdir("out.t")
    if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", "out.t"], stderr=subprocess.DEVNULL).returncode:
        os.rmdir("out.t")
        return
    try:
        for command, option in ((EVAL, "--dump-logits"), (["build", "m.gguf"], "-o")):
            put("out.t/o", b"old content\n")
            check(roma(*command, option, "out.t/o")[0] == 3, "%s onto a full disk" % command[0])
            check(open("out.t/o", "rb").read() == b"old content\n" and os.listdir("out.t") == ["o"], "%s onto a full disk: the old file" % command[0])
    finally:
        subprocess.run(["umount", "out.t"])
    os.rmdir("out.t")


# ---- several outputs

def test_pairs(before):
    """Two outputs of one run that are one file, there or not, by whatever names."""
    options = {}
    for verb, option, command, *_ in TABLE:
        options.setdefault(verb, {})[option] = command
    for verb, own in options.items():
        names = sorted(own)
        for a in names:
            for b in names:
                if a >= b:
                    continue
                command = IDS if verb == "eval" else own[a]
                check(roma(*command, a, "out", b, "./out")[0] == 2 and not os.path.exists("out"), "%s: %s and %s are one" % (verb, a, b))
        if len(names) < 2:
            continue
        put("out", b"old content\n")
        os.link("out", "out.h")
        os.symlink("out.n", "out.l")
        os.mkdir("out.d")
        os.symlink("..", "out.d/up")
        for x, y in (("out", "out.h"), ("out.l", "out.n"), ("out.n", "out.d/up/out.n"), ("out.l", "out.d/../out.n")):
            command = IDS if verb == "eval" else own[names[0]]
            check(roma(*command, names[0], x, names[1], y)[0] == 2, "%s: %s and %s are one" % (verb, x, y))
        check(open("out", "rb").read() == b"old content\n" and not os.path.exists("out.n"), verb + ": two outputs that are one")
        clean()
    check(roma(*SIM, "--csv", "/dev/null", "--trace", "/dev/null")[0] == 0, "/dev/null may be given twice")
    with open("out", "wb") as f:
        check(roma(*SIM, "--csv", "out", stdout=f)[0] == 2, "standard output is an output too")
    with open("i.roma", "ab") as f:
        check(roma("tokenize", "i.roma", "x", stdout=f)[0] == 2, "standard output is the image")
    with open("text", "rb") as f:
        check(roma("eval", "i.roma", "-f", "-", "--ctx", "32", "--dump-logits", "text", stdin=f)[0] == 2, "standard input is an input")
        check(roma("eval", "i.roma", "-f", "/dev/stdin", "--ctx", "32", "--dump-logits", "text", stdin=f)[0] == 2, "/dev/stdin is an input")
    held(before, "pairs")
    clean()


def test_best(before):
    run = EXPLORE + ["--best", "out.best"]
    check(roma(*run)[0] == 0 and len(os.listdir("out.best")) == 5, "--best: %s" % os.listdir("."))
    for option in ("--csv", "--svg"):
        check(roma(*run, option, "out.best/knee.chip")[0] == 2, "--best and %s are one" % option)
    os.unlink("out.best/knee.chip")
    os.link("c.chip", "out.best/knee.chip")
    check(roma(*run)[0] == 2, "--best over a chip that is read")
    os.unlink("out.best/knee.chip")
    os.symlink("../out.knee", "out.best/knee.chip")
    check(roma(*run)[0] == 0 and os.path.islink("out.best/knee.chip") and os.path.isfile("out.knee"), "--best through a link")
    put("out.file", b"x")
    check(roma(*EXPLORE, "--best", "out.file")[0] == 2, "--best that is a file")
    held(before, "--best")
    clean()
    check(roma(*run, preexec_fn=small_disk)[0] == 3 and not os.path.exists("out.best"), "--best on a full disk leaves a folder")
    os.mkdir("out.best")
    check(roma(*run, preexec_fn=small_disk)[0] == 3 and os.listdir("out.best") == [], "--best on a full disk: %s" % os.listdir("."))
    clean()


ROM = ["rtl", "--rom", "0.down", "--style", "array", "--image", "i.roma", "-o"]


def test_rom(before):
    """A folder: whole or not at all, in the place of its like alone, killed at any moment."""
    check(roma(*ROM, "out.rom")[0] == 0 and sorted(os.listdir("out.rom")) == ["manifest.json", "rom.hex", "rom.v"], "rtl: %s" % os.listdir("."))
    want = {f: digest("out.rom/" + f) for f in os.listdir("out.rom")}
    check(roma(*ROM, "out.rom")[0] == 0 and not leftovers(), "rtl over its own folder")
    put("out.rom/rom.v", b"old")
    for i in range(12):
        p = subprocess.Popen([ROMA, *ROM, "out.rom"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.002 * i)
        p.send_signal((signal.SIGTERM, signal.SIGINT, signal.SIGHUP)[i % 3])
        p.wait(20)
        now = {f: digest("out.rom/" + f) for f in os.listdir("out.rom")}
        old = dict(want, **{"rom.v": hashlib.sha256(b"old").hexdigest()})
        check(now in (want, old) and not [f for f in os.listdir(".") if f.startswith(".out.rom")], "killed after %d ms: %s" % (2 * i, os.listdir(".")))
    put("out.rom/letter", b"x")
    check(roma(*ROM, "out.rom")[0] == 2 and len(os.listdir("out.rom")) == 4, "rtl over a folder that holds something else")
    shutil.rmtree("out.rom")
    os.mkdir("out.rom")
    shutil.copy("i.roma", "out.rom/rom.v")
    check(roma(*ROM[:6], "out.rom/rom.v", "-o", "out.rom")[0] == 2 and os.listdir("out.rom") == ["rom.v"], "rtl over what it reads")
    shutil.rmtree("out.rom")
    for path in ("i.roma", "out.none/rom", "."):
        check(roma(*ROM, path)[0] in (2, 3), "rtl into %s" % path)
    held(before, "rtl")
    clean()


def test_jsonl(before):
    """Inputs that another input names, and that an input's text names."""
    put("like.chip", b"like = c\n")
    with open("lora.jsonl", "w") as f:
        f.write('{"prompt":"x","raw":true,"n":2,"lora":"a.lora"}\n')
    check(roma(*SIM[:2], "--chip", "like.chip", "--no-ranges", "--csv", "c.chip")[0] == 2, "the chip that a chip is like is read too")
    with open("lora.jsonl", "rb") as f, open("a.lora", "ab") as out:
        check(roma("run", "i.roma", "--jsonl", "/dev/stdin", stdin=f, stdout=out)[0] == 2, "an adapter of a line of --jsonl is read too")
    os.unlink("like.chip")
    os.unlink("lora.jsonl")
    held(before, "inputs of inputs")


# ---- pipes and sockets

def test_in_place(before):
    os.mkfifo("out.p")
    began = time.monotonic()
    check(roma(*EVAL, "--dump-logits", "out.p")[0] == 3, "a pipe without a reader")
    check(3 < time.monotonic() - began < 30, "a pipe without a reader is waited for")
    late = subprocess.Popen(["sh", "-c", "sleep 0.5; cat out.p >out.c"])
    check(roma(*EVAL, "--dump-logits", "out.p")[0] == 0, "a pipe whose reader comes late")
    late.wait(20)
    check(os.path.getsize("out.c") == 2 * 15 * 1024 * 4, "what it read")
    gone = subprocess.Popen(["sh", "-c", "head -c 1 out.p >/dev/null"])
    code, said = roma(*EVAL[:-4], "--windows", "12", "-t", "1", "--dump-logits", "out.p")
    gone.wait(20)
    check(code in (0, 3), "a pipe whose reader leaves: %d %s" % (code, said))
    server = socket.socket(socket.AF_UNIX)
    server.bind("out.u")
    server.listen(1)
    got = []
    def take():
        c, _ = server.accept()
        while True:
            data = c.recv(65536)
            if not data:
                return
            got.append(data)
    reader = threading.Thread(target=take)
    reader.start()
    check(roma("build", "m.gguf", "-o", "out.u")[0] == 0, "a socket")
    reader.join(20)
    server.close()
    check(b"".join(got) == open("i.roma", "rb").read(), "what came out of a socket")
    held(before, "in place")
    clean()


# ---- killed

def kill_one(command, option, moment, sig, what, old, want):
    put("out", old)
    p = subprocess.Popen([ROMA, *command, option, "out"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(moment)
    p.send_signal(sig)
    code = p.wait(60)
    data = open("out", "rb").read()
    check(data == old or (data == want if want else len(data) > 100), what + ": neither the old file nor the new one")
    if sig != signal.SIGKILL:
        early = moment < 0.02 and code == -sig  # before the program itself began
        check(early or code in (0, 130), "%s: exit code %d" % (what, code))
        check(not leftovers(), "%s: left %s" % (what, leftovers()))
    elif leftovers():
        check(roma(*command, option, "out")[0] == 0 and not leftovers(), "%s: the next run leaves %s" % (what, leftovers()))


def test_killed(verb, option, command, kind, before):
    signals = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    old = old_content(kind)
    began = time.monotonic()
    roma(*command, option, "out.w")
    took = time.monotonic() - began
    want = open("out.w", "rb").read() if verb != "bench" else None
    for i in range(20):
        sig = signals[i % 4] if i % 8 < 4 else signals[3 - i % 4]
        moment = took * (i + 0.5) / 20
        kill_one(command, option, moment, sig, "%s %s, %s after %.3f s" % (verb, option, sig.name, moment), old, want)
    held(before, verb + " killed")
    clean()


def wait_for_temporary(p):
    while p.poll() is None and not leftovers():
        time.sleep(0.001)
    return leftovers()


def test_sweep(before):
    """Killed while it writes, which a long dump does most of the time; what is left of the living stays."""
    command = EVAL[:5] + ["32", "-t", "1", "--isa", "scalar", "--dump-logits"]
    long = lambda out: subprocess.Popen([ROMA, *command, out], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with open("text") as f:
        text = f.read()
    with open("out.text", "w") as f:
        f.write(text * 60)
    command[3] = "out.text"
    p = long("out")
    check(wait_for_temporary(p), "a dump is written beside its name")
    p.kill()
    p.wait()
    p.stderr.close()
    check(len(leftovers()) == 1 and not os.path.exists("out"), "SIGKILL leaves the temporary file")
    os.rename(leftovers()[0], leftovers()[0].replace(".out.", ".out2."))
    foreign = [".out2.tmp-%d-00000000-1" % 999999, ".out2.tmp-x", ".out2.tmp-1-2", ".out2.tmp-0-0-0", ".out3.tmp-999999-00000000-1"]
    for name in foreign:
        put(name, b"")
    alive = long("out2")
    while alive.poll() is None and not any("-%d-" % alive.pid in p for p in leftovers()):
        time.sleep(0.001)
    mine = set(leftovers()) - set(foreign)
    check(len(mine) == 1 and "-%d-" % alive.pid in list(mine)[0], "the next writer sweeps: %s" % mine)
    check(roma(*EVAL, "--dump-logits", "out2")[0] == 0 and mine <= set(leftovers()), "what the living write stays")
    alive.send_signal(signal.SIGTERM)
    check(alive.wait(20) == 130, "SIGTERM is exit code 130")
    check(alive.stderr.read() == b"roma eval: interrupted\n", "SIGTERM is told")
    alive.stderr.close()
    check(sorted(leftovers()) == sorted(foreign), "names that are not ours stay, ours is gone: %s" % leftovers())
    for name in foreign:
        os.unlink(name)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # background jobs of a shell ignore SIGQUIT, and so would what they start
    for sig in (signal.SIGQUIT, signal.SIGPIPE, signal.SIGUSR1, signal.SIGABRT):
        p = long("out")
        wait_for_temporary(p)
        p.send_signal(sig)
        check(p.wait(20) == -sig and not leftovers(), "%s: %s" % (sig.name, leftovers()))
        p.stderr.close()
    p = subprocess.Popen(["nohup", ROMA, *command, "out"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_temporary(p)
    p.send_signal(signal.SIGHUP)
    time.sleep(0.1)
    check(p.poll() is None, "nohup")
    p.terminate()
    p.wait()
    held(before, "swept")
    clean()


def main():
    make_inputs()
    before = inputs()
    test_table()
    done = set()
    for verb, option, command, reads, kind in TABLE:
        test_refused(verb, option, command, reads, kind, before)
        if (verb, option) in done and verb == "eval":
            continue
        done.add((verb, option))
        test_written(verb, option, command, kind, before)
        if verb != "bench":
            test_full(verb, option, command, kind, before)
    test_pairs(before)
    test_best(before)
    test_rom(before)
    test_jsonl(before)
    test_in_place(before)
    test_disk()
    for verb, option, command, kind in (("build", "-o", ["build", "m.gguf"], ANY), ("adapter", "-o", TABLE[2][2], ADAPTER),
                                        ("eval", "--dump-logits", EVAL, ANY), ("explore", "--csv", EXPLORE, ANY), ("fit", "--svg", FIT, ANY),
                                        ("paper", "--csv", ["paper"], ANY), ("sim", "--trace", SIM, ANY)):
        test_killed(verb, option, command, kind, before)
    test_sweep(before)


if __name__ == "__main__":
    with own_folder():
        main()
    finish("%d runs" % runs)
