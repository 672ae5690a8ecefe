#!/usr/bin/env python3
"""usage: test_json.py ROMA

Every verb that has --json, on models, adapters, chips and paths whose names hold quotes, backslashes, control characters,
letters beyond ASCII and bytes that are no UTF-8: what comes is one JSON object for Python's json, without repeated keys,
and says those names. Last, a safetensors header of 40 MB within 300 MB of address space.
"""
import gzip, json, os, re, resource, struct, subprocess, tempfile

from shared import ROMA, TINY, TOP, check, finish

peft = os.path.join(TOP, "models", "adapters")
NAME = b'a"\\\n\x01\xc3\xa9\xff\''  # as long as "roma-tiny"
SAID = 'a"\\\n\x01é\ufffd\''
KEPT = 'a"\\' + r"\x0a\x01\xc3\xa9\xff'"  # in an image, whose names are ASCII
PATH = b'q"u\\o\n\t\x7f \xc3\xa9\xf0\x9f\x98\x80 \xff{}[],:'
PATH_SAID = 'q"u\\o\n\t\x7f é😀 \ufffd{}[],:'


def pairs(p):
    assert len({k for k, _ in p}) == len(p), "a repeated key in %r" % [k for k, _ in p]
    return dict(p)


def refuse(x): raise ValueError(x)


def parsed(data): return json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_constant=refuse)


def run(*args, code=0):
    r = subprocess.run([ROMA, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check(r.returncode in (code if isinstance(code, tuple) else (code,)), "%r: exit code %d: %r" % (args, r.returncode, r.stderr[:300]))
    return r


covered = set()


def said(*args, has=(), code=0):
    covered.add(args[0])
    r = run(*args, code=code)
    try:
        v = parsed(r.stdout)
        check(isinstance(v, dict) and r.stdout.endswith(b"\n"), "%r: no object in lines" % (args,))
    except Exception as e:
        check(False, "%r: %s: %r" % (args, e, r.stdout[:300]))
        return {}
    texts = set()

    def walk(x):
        if isinstance(x, str): texts.add(x)
        elif isinstance(x, dict): [(texts.add(k), walk(y)) for k, y in x.items()]
        elif isinstance(x, list): [walk(y) for y in x]
    walk(v)
    for t in has: check(t in texts, "%r does not say %r" % (args, t))
    return v


def make_files():
    with open(TINY, "rb") as f: data = f.read()
    at = data.index(b"general.name") + len("general.name") + 12
    assert data[at:at + 9] == b"roma-tiny"
    with open(PATH + b".gguf", "wb") as f: f.write(data[:at] + NAME + data[at + 9:])
    chip = run("chip", "roma", "--write").stdout.decode().split("\n")
    title = 'title = q"u\\o \\n {"a":1}'
    with open(PATH + b".chip", "w", encoding="utf-8") as f: f.write("\n".join([title] + [x for x in chip if not x.startswith("title")]))


def test_verbs():
    gguf, img, lora, two, chip = (PATH + x for x in (b".gguf", b".roma", b".lora.roma", b"2.lora.roma", b".chip"))
    text = b"t" + PATH
    with open(text, "wb") as f: f.write(b"One day a cat saw a ball. " * 60)
    said("build", gguf, "-o", img, "--json", has=[KEPT, PATH_SAID + ".roma"])
    for x in (b"1.lora.roma", two): said("adapter", "build", "--random", "7", "--base", img, "-o", x, "--json", has=[x.decode("utf-8", "replace")])
    said("adapter", "merge", b"1.lora.roma", two, "-o", lora, "--name", b'n"\\\x01\xc3\xa9\xff', "--json", has=['n"\\' + r"\x01\xc3\xa9\xff"])
    said("adapter", "inspect", lora, "--json", has=[PATH_SAID + ".lora.roma", 'n"\\' + r"\x01\xc3\xa9\xff"])
    said("adapter", "diff", lora, two, "--json", has=[PATH_SAID + ".lora.roma"])
    one = said("inspect", img, "--json", has=[KEPT, PATH_SAID + ".roma"])
    for t in one.get("tensors", []): check(t.get("name") == ("%d.%s" % (t["layer"], t["role"]) if "layer" in t else t["role"]), "a tensor's name: %r" % t)
    names = [t.get("name") for t in one.get("tensors", [])]
    check(len(set(names)) == len(names) and {"embed", "0.down", "2.q", "head"} & set(names) >= {"embed", "0.down", "2.q"}, "names of tensors: %r" % names)
    table = run("inspect", img).stdout.decode("utf-8", "replace")
    for t in one.get("tensors", []): check(re.search(r"^ +%s +%s " % (t.get("layer", "-"), re.escape(t["role"])), table, re.M), "inspect prints no %s" % t.get("name"))
    told = said("adapter", "inspect", lora, "--json")
    check(all(t.get("name") == "%d.%s" % (t["layer"], t["role"]) for t in told.get("targets", [{}])), "targets of an adapter have no name")
    said("inspect", lora, "--json", has=['n"\\' + r"\x01\xc3\xa9\xff"])
    said("inspect", gguf, "--json", has=[PATH_SAID + ".gguf", SAID, "general.name"])
    for x in (img, lora, gguf): said("verify", x, "--json", has=[x.decode("utf-8", "replace")])
    with open(img, "rb") as f: data = bytearray(f.read())
    data[-100] ^= 1
    with open(b"bad" + img, "wb") as f: f.write(data)
    said("verify", b"bad" + img, "--json", has=["bad" + PATH_SAID + ".roma"], code=1)
    said("plan", img, "--json", has=["embed"])
    said("plan", img, "--chip", chip, "--json")
    for x in said("plan", img, "--chip", chip, "--place", "--json", has=["0.down"]).get("tensors", []): check(x["where"] in ("lunits", "vectors", "nowhere"), "a place: %r" % x)
    run("plan", img, "--place", "--threads", "2", code=2)
    said("plan", img, "--threads", "2", "--json")
    said("tokenize", img, b'"\\', "--json")
    said("run", img, "-p", b'"\\ \xc3\xa9\n', "-n", "4", "--raw", "--json", "--lora", lora, "--chip", chip, has=[PATH_SAID + ".lora.roma"])
    said("eval", img, "-f", text, "--ctx", "32", "--windows", "2", "--json", "--hash")
    said("bench", img, "-p", "8", "-n", "2", "-t", "1", "--json", has=[PATH_SAID + ".roma"])
    said("chip", chip, "--json", has=['q"u\\o \\n {"a":1}'])
    chips = said("chip", "--list", "--json")
    listed = [x.split()[0] for x in run("chip", "--list").stdout.decode().splitlines()]
    check([c["name"] for c in chips.get("chips", [])] == listed and all(c["title"] for c in chips["chips"]), "chip --list --json differs from --list")
    for other in ("--write", "--document"): run("chip", "--json", other, code=2)
    for more in ((), ("--path",), ("--mix", "16:4"), ("--mc", "40"), ("--no-ranges", "--csv", b"c" + PATH)): said("sim", img, "--chip", chip, *more, "--json", has=[KEPT])
    run("sim", img, "--chip", chip, "--trace", b"t" + PATH + b".json.gz")
    with gzip.open(b"t" + PATH + b".json.gz") as f: trace = parsed(f.read())
    check(any(KEPT in e["args"].get("name", "") for e in trace["traceEvents"] if e["ph"] == "M"), "the trace does not say the model's name")
    said("fit", img, "--chip", chip, "--json", has=[KEPT])
    said("serve-sim", img, "--chip", chip, "--requests", "20", "--seed", "18446744073709551615", "--json", has=[KEPT])
    said("compare", chip, "roma", "--shape", img, "--mc", "40", "--json", has=[KEPT])
    said("price", img, "--chip", chip, "--no-ranges", "--json", has=[KEPT])
    said("explore", img, "--chip", chip, "--points", "20", "--seed", "18446744073709551615", "--json", has=[PATH_SAID + ".roma"])
    check(said("explore", img, "--points", "20", "--seed", "18446744073709551615", "--json").get("seed") == 2**64 - 1, "explore's seed")
    said("paper", "--json", code=(0, 1))
    for more in (("--rom", "0.q:0-7", "--chip", chip, "--style", "brom", "-o"), ("--verify",)):
        told = said("rtl", *more, b"d" + PATH, "--image", img, "--json", has=["d" + PATH_SAID])
        check({"files", "words", "devices", "ok"} <= set(told) and told["ok"] is True, "rtl --json: %r" % told)
    with open(b"d" + PATH + b"/manifest.json", "rb") as f: check(parsed(f.read())["tensor"] == "0.q", "manifest.json")
    with open("b.jsonl", "w") as f: f.write('{"id":"\\"\\\\\\u0000","prompt":"x","raw":true,"n":2}\n')
    parsed(run("run", img, "--jsonl", "b.jsonl").stdout)


def test_coverage():
    verbs = re.findall(r"^  ([a-z-]+) ", run("--help").stdout.decode().split("verbs:")[1].split("\n\n")[0], re.M)
    have = {v for v in verbs if b"--json " in run(v, "--help").stdout}
    covered.add("cosim")  # which needs a simulator: tests/rtl/cosim.py reads what it says
    check(have and have <= covered, "not tried with --json: %s" % sorted(have - covered))


def test_header():
    os.mkdir("big")
    with open("big/adapter_config.json", "w") as f: f.write('{"peft_type":"LORA","r":2,"lora_alpha":8,"target_modules":"x"}')
    for first, piece, last in (("{\"a\":[", "{},", "{}]}"), ("[", "{},", "{}]"), ("{\"__metadata__\":{\"a\":\"", "\\u0041", "\"}}"), ("{\"a\":", "[", "")):
        header = (first + piece * (40000000 // len(piece)) + last).encode()
        with open("big/adapter_model.safetensors", "wb") as f: f.write(struct.pack("<Q", len(header)) + header)
        r = subprocess.run([ROMA, "adapter", "build", "big", "--base", PATH + b".roma", "-o", "x.lora.roma"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20)))
        check(r.returncode == 2 and r.stderr.count(b"\n") == 1 and b"memory" not in r.stderr, "a header of 40 MB of %s: %d: %r" % (piece, r.returncode, r.stderr[:300]))


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    make_files()
    test_verbs()
    test_coverage()
    test_header()
finish("%d verbs" % len(covered))
