#!/usr/bin/env python3
"""A mapped file that is cut short while it is read: one line that names it and exit code 2, in place of SIGBUS.

usage: test_cut.py ROMA

Each kind of file that is mapped is cut in the midst of a run: the process is stopped as soon as its map shows the file, which is then cut, and
goes on. Where it was already through, again. Nothing half written may be left. Needs Python alone.
"""
import os
import shutil
import signal
import struct
import subprocess

from shared import ROMA, TOP, check, finish, output, own_folder

MODELS = os.path.join(TOP, "models")
TRIES = 400


def is_mapped(pid, path):
    try:
        with open("/proc/%d/maps" % pid) as f:
            return path in f.read()
    except (FileNotFoundError, ProcessLookupError):
        return False


def cut_once(command, path, keep):
    """None when the process was through with the file before it could be cut."""
    p = subprocess.Popen([ROMA, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while p.poll() is None and not is_mapped(p.pid, os.path.realpath(path)):
        pass
    if p.poll() is None:
        os.kill(p.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, p.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        os.truncate(path, keep)
        os.kill(p.pid, signal.SIGCONT)
    out, err = p.communicate(timeout=60)
    return None if p.returncode == 0 else (p.returncode, err.decode())


def cut(what, command, path, keep=0):
    whole = path + ".whole"
    shutil.copy(path, whole)
    for _ in range(TRIES):
        end = cut_once(command, path, keep)
        shutil.copy(whole, path)
        if not end and os.path.exists("out"):
            os.unlink("out")
        # a size that was read before the cut, and bytes after it, may also be refused as damage
        if end and end[0] == 2 and "was cut short" not in end[1]:
            check(end[1].count("\n") == 1, "%s: %r" % (what, end[1]))
            continue
        if end:
            break
    os.unlink(whole)
    want = "roma %s: %s: was cut short while it was read; make or fetch it again\n" % (command[0], path)
    check(end == (2, want), "%s: %s" % (what, end))
    left = [f for f in os.listdir(".") if ".tmp-" in f or f == "out"]
    check(not left, "%s: left %s" % (what, left))


def main():
    for name in ("tiny/tiny-f32.gguf", "tiny/tiny-q4.gguf"):
        shutil.copy(os.path.join(MODELS, name), ".")
    shutil.copytree(os.path.join(MODELS, "adapters", "tiny-roma"), "peft")
    output("build", "tiny-q4.gguf", "-o", "tiny.roma")
    output("build", "--shape", "smollm2-135m", "--random", "1", "--bits", "2", "--group", "64", "-o", "big.roma")
    shutil.copy("big.roma", "other.roma")
    output("adapter", "build", "--random", "1", "--rank", "64", "--base", "big.roma", "-o", "big.lora")
    with open("ids", "wb") as f:
        f.write(struct.pack("<16i", *range(16)))
    with open("map", "w") as f:
        f.write("\n" * 3000000 + "0 0 1\n")
    run = ["eval", "big.roma", "--ids", "ids", "--dump-logits", "out"]
    for keep in (0, 4096):
        cut("an image", run, "big.roma", keep)
    cut("an image in one thread", run + ["-t", "1"], "big.roma")
    cut("an image that is not verified", run + ["--no-verify"], "big.roma", 4096)
    cut("an image to compare with", run + ["--against", "other.roma"], "other.roma")
    cut("an adapter", run + ["--lora", "big.lora"], "big.lora")
    for verb in (["verify", "big.roma"], ["inspect", "big.roma"], ["plan", "big.roma"], ["bench", "big.roma", "-p", "4", "-n", "0"],
                 ["verify", "big.lora"], ["adapter", "inspect", "big.lora"], ["adapter", "diff", "big.lora", "big.lora"]):
        cut(" ".join(verb), verb, verb[-1] if "big" in verb[-1] else verb[1])
    cut("a model", ["build", "tiny-f32.gguf", "--quant", "q8", "-o", "out"], "tiny-f32.gguf", 65536)
    cut("an adapter of PEFT", ["adapter", "build", "peft", "--base", "tiny.roma", "-o", "out"], "peft/adapter_model.safetensors")
    cut("a map of defects", ["sim", "tiny.roma", "--no-ranges", "--defects", "map", "--csv", "out"], "map")
    # elsewhere SIGBUS is what it was
    p = subprocess.Popen([ROMA, "tokenize", "tiny.roma", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdin.write(b"x")
    while not is_mapped(p.pid, os.path.realpath("tiny.roma")):
        pass
    p.send_signal(signal.SIGBUS)
    out, err = p.communicate(timeout=60)
    check(p.returncode == -signal.SIGBUS and not err, "SIGBUS from elsewhere: %d %s" % (p.returncode, err))


if __name__ == "__main__":
    with own_folder():
        main()
    finish()
