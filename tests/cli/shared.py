"""What the tests of the command line share: where things are, checks that are counted, runs of the program.

A test is called with the program as its first word, says `from shared import ...` and ends with finish().
"""
import contextlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

NAME = os.path.splitext(os.path.basename(sys.argv[0]))[0]
TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
TINY = os.path.join(TOP, "models", "tiny", "tiny-q4.gguf")
ROMA = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/roma")
checks = failures = 0


def check(ok, what):
    """Counts, says what is wrong and goes on."""
    global checks, failures
    checks += 1
    if not ok:
        failures += 1
        print("%s: %s" % (NAME, what), flush=True)
    return ok


def output(*args, **more):
    """Standard output, as bytes, of a run without which the test has no sense."""
    r = subprocess.run([ROMA, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    if r.returncode:
        sys.exit("%s: roma %s: exit code %d: %s" % (NAME, " ".join(map(str, args)), r.returncode, r.stderr.decode(errors="replace")))
    return r.stdout


def run(*args, code=0, say="", **more):
    """Standard output, as text, of a run that ends with this exit code and has these words on standard error."""
    p = subprocess.run([ROMA, *map(str, args)], capture_output=True, text=True, **more)
    check(p.returncode == code, f"{args}: exit {p.returncode}, expected {code}: {p.stderr}")
    check(say in p.stderr, f"{args}: '{p.stderr}' does not say '{say}'")
    return p.stdout


@contextlib.contextmanager
def own_folder():
    """Inside, the process is in a new empty folder, which is gone behind."""
    work = tempfile.mkdtemp(prefix="roma-" + NAME + "-")
    os.chdir(work)
    try:
        yield
    finally:
        os.chdir("/")
        shutil.rmtree(work)


def finish(more=""):
    """The test's last line; its exit code is 1 when a check failed or none was made."""
    print("%s: %d checks, %d failed%s" % (NAME, checks, failures, more and "; " + more), flush=True)
    sys.exit(failures != 0 or not checks)


def safetensors(path, tensors):
    """Arrays of NumPy by name, as FP32."""
    head, at = {}, 0
    for name, a in tensors.items():
        n = a.size * 4
        head[name] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [at, at + n]}
        at += n
    raw = json.dumps(head).encode()
    raw += b" " * (-len(raw) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(raw)) + raw + b"".join(a.astype("<f4").tobytes() for a in tensors.values()))
