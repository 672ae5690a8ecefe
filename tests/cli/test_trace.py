#!/usr/bin/env python3
"""What every operation gave, against a second computation of docs/numerics.md in numpy (tests/reference/numerics.py).

usage: test_trace.py ROMA MAKE_RANDOM MAKE_OVERFLOWING [SmolLM2-135M-Instruct.Q4_1.gguf]

The tiny model in both forms, random models of every architecture and kind of weights, SmolLM2 where it is given; with adapters of every type,
alone and stacked; prompts in one piece and in several, beyond a page of the cache, proposals that do not hold. Then the other way round: a
second computation with a fault in it, or a damaged trace, must not agree. Needs numpy."""
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile

from shared import ROMA, TOP, check, finish, output, safetensors  # noqa: E402

sys.path.insert(0, os.path.join(TOP, "tests", "reference"))
import numpy as np  # noqa: E402

import check_trace  # noqa: E402
import numerics  # noqa: E402
from rom import Adapter, Image  # noqa: E402

MAKE_RANDOM, MAKE_OVERFLOWING = (os.path.abspath(p) for p in sys.argv[2:4])
SMOLLM2 = os.path.abspath(sys.argv[4]) if len(sys.argv) > 4 else None
PROMPT = "Once upon a time there was a dog. The dog was happy."
records = 0
F = np.float32


def roma(*args):
    r = subprocess.run([ROMA, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    return r.returncode, r.stdout, r.stderr.decode()


def trace(image, *args, prompt=PROMPT, loras=(), tokens=2, full=False):
    lora = [a for name, factor in loras for a in ("--lora", "%s:%s" % (name, factor))]
    output("run", image, "--raw", "-q", "-p", prompt, "-n", str(tokens), "--trace-values", "t.jsonl", *(["--trace-full"] if full else []), *lora, *args)


def equal(image, what, *args, least=8, **more):
    """The trace of a run, and the same computed here."""
    global records
    trace(image, *args, **more)
    try:
        n, positions = check_trace.check(Image(image), "t.jsonl", [Adapter(*a) for a in more.get("loras", ())])
        records += n
        check(positions >= least, "%s: only %d positions" % (what, positions))
    except check_trace.Mismatch as e:
        check(False, "%s: %s" % (what, e))


# ---- the same values

def test_tiny():
    for model, quant in (("tiny-q4", ()), ("tiny-f32", ("--quant", "q8")), ("tiny-f32", ("--quant", "q4"))):
        output("build", os.path.join(TOP, "models/tiny", model + ".gguf"), *quant, "-o", "tiny.roma")
        equal("tiny.roma", model + " " + " ".join(quant), "--spec", "off", tokens=4, full=True)
    output("build", os.path.join(TOP, "models/tiny/tiny-q4.gguf"), "-o", "tiny.roma")
    equal("tiny.roma", "a prompt in pieces", "--spec", "off", "--rows", "5", "-t", "1", tokens=4)
    equal("tiny.roma", "three pages", "--spec", "off", prompt=PROMPT * 5, tokens=3, least=70)
    equal("tiny.roma", "proposals", "--spec", "auto", prompt=PROMPT * 3, tokens=12, least=40)
    loras = []
    for kind in ("int8", "fp8", "f16"):
        output("adapter", "build", os.path.join(TOP, "models/adapters/tiny-roma"), "--base", "tiny.roma", "--lora-type", kind, "-o", kind + ".lora")
        output("adapter", "build", "--random", "7", "--rank", "5", "--lora-type", kind, "--base", "tiny.roma", "-o", "random-" + kind + ".lora")
        loras += [(kind + ".lora", 1.0), ("random-" + kind + ".lora", 0.7)]
        equal("tiny.roma", "adapter " + kind, "--spec", "off", loras=loras[-2:-1])
    equal("tiny.roma", "a factor that leaves zeros of both signs, and one below 0", "--spec", "off", loras=[("int8.lora", 1e-44), ("random-int8.lora", -0.5)])
    equal("tiny.roma", "six adapters", "--spec", "off", loras=loras)
    outer_adapter("tiny.roma")
    outer_adapter("tiny.roma", dora=True)
    for kind in ("int8", "fp8", "f16"):
        output("adapter", "build", "outer", "--base", "tiny.roma", "--lora-type", kind, "-o", "outer-" + kind + ".lora")
        equal("tiny.roma", "head and embedding, " + kind, "--spec", "off", loras=[("outer-" + kind + ".lora", 1.0)])
        output("adapter", "build", "dora", "--base", "tiny.roma", "--lora-type", kind, "-o", "dora-" + kind + ".lora")
        equal("tiny.roma", "DoRA, " + kind, "--spec", "off", loras=[("dora-" + kind + ".lora", 1.0), ("outer-" + kind + ".lora", 0.5)])
        equal("tiny.roma", "two of each, " + kind, "--spec", "auto", loras=[("outer-" + kind + ".lora", 0.5), loras[1], ("outer-int8.lora", -0.25)], tokens=12)
    for name, priced in (("dora-int8.lora", False), ("outer-int8.lora", False), ("int8.lora", True)):
        said = json.loads(output("run", "tiny.roma", "--raw", "-p", "Once", "-n", "1", "--json", "--lora", name))
        check(said["chip"].get("adapters_priced", True) == priced, name + ": the chip's estimate says what is not in it")


def test_formats():
    """Each format of the cache (numerics.md 4.7), in pieces, over pages and with adapters; then sums in another order, and codes that are rounded otherwise."""
    for kv in ("f16", "fp8", "int4"):
        how = ("--spec", "off", "--kv", kv)
        equal("tiny.roma", kv, *how, full=True)
        equal("tiny.roma", kv + ", three pages in pieces", *how, "--rows", "7", prompt=PROMPT * 5, tokens=3, least=70)
        equal("tiny.roma", kv + " and adapters", *how, loras=[("int8.lora", 1.0), ("random-f16.lora", 0.7)])
        subprocess.run([MAKE_RANDOM, "random.roma", "tiny.roma", "qwen3", "q8_0", "3"], check=True)
        equal("random.roma", kv + ", random", *how, tokens=1)
        trace("tiny.roma", *how, prompt=PROMPT * 5, full=True)
        image = Image("tiny.roma")
        check(disagrees(image) is None, kv)
        faults = {"codes of int8": ("cache_codes", lambda own: lambda x, form, is_value: own(x, "int8", is_value)),
                  "codes rounded down": ("cache_codes", lambda own: lambda x, *more: own(np.nextafter(x * F(1 - 2**-9), F(0)), *more))}
        if kv != "int4":
            faults["sums of FP64"] = ("one_by_one", lambda own: lambda p: p.sum(0, dtype=np.float64).astype(F))
            faults["sums from the end"] = ("one_by_one", lambda own: lambda p: own(p[::-1]))
        for name, (function, other) in faults.items():
            with instead(function, other):
                check(disagrees(image), kv + ": " + name)


def outer_adapter(image, dora=False):
    """A PEFT folder of an adapter of head and embedding of odd rank, beside two of a layer's matrices."""
    h, rng = Image(image).hyper, np.random.default_rng(1)
    draw, stem, folder = (lambda *shape: rng.standard_normal(shape) / 8), "base_model.model.", "dora" if dora else "outer"
    os.makedirs(folder, exist_ok=True)
    q = "model.layers.0.self_attn.q_proj."
    parts = {
        stem + "lm_head.lora_A.weight": draw(5, h["hidden"]), stem + "lm_head.lora_B.weight": draw(h["vocab"], 5),
        stem + "model.embed_tokens.lora_embedding_A": draw(5, h["vocab"]), stem + "model.embed_tokens.lora_embedding_B": draw(h["hidden"], 5),
        stem + "model.layers.0.mlp.down_proj.lora_A.weight": draw(5, h["ffn"]), stem + "model.layers.0.mlp.down_proj.lora_B.weight": draw(h["hidden"], 5),
        stem + q + "lora_A.weight": draw(5, h["hidden"]), stem + q + "lora_B.weight": draw(h["heads"] * h["head_dim"], 5)}
    if dora:
        for name, n in (("lm_head.", h["vocab"]), ("model.embed_tokens.", h["hidden"]), ("model.layers.0.mlp.down_proj.", h["hidden"]), (q, h["heads"] * h["head_dim"])):
            parts[stem + name + "lora_magnitude_vector"] = rng.uniform(0.5, 3, n)
    safetensors(folder + "/adapter_model.safetensors", parts)
    with open(folder + "/adapter_config.json", "w") as f:
        json.dump(dict(peft_type="LORA", r=5, lora_alpha=5, target_modules=["lm_head", "model.embed_tokens", "down_proj", "q_proj"], layers_to_transform=[0], bias="none",
                       use_dora=dora), f)


def test_random():
    for i, (arch, form) in enumerate((("llama", "q4_1"), ("qwen2", "q8_0"), ("qwen3", "q5_0"), ("llama", "q2_k"), ("qwen2", "q3_k"), ("qwen3", "q4_k"),
                                      ("llama", "q6_k"), ("qwen3", "nf4"))):
        for orders in ([], ["ordered"]) if i < 3 else ([],):
            subprocess.run([MAKE_RANDOM, "random.roma", "tiny.roma", arch, form, str(i), *orders], check=True)
            output("adapter", "build", "--random", "3", "--rank", "5", "--base", "random.roma", "-o", "r.lora")
            loras = [("r.lora", 0.5)] if i % 2 or orders else []
            equal("random.roma", " ".join([arch, form] + orders), "--spec", "off", loras=loras, tokens=1)


def test_overflow():
    """Infinite logits, logits that are NaN, and NaN in the cache: such a request fails, and its trace stays (make_overflowing.c says what each does)."""
    chars = "#$%&"
    tokens = [output("tokenize", "tiny.roma", c).decode().split()[-1] for c in chars]
    subprocess.run([MAKE_OVERFLOWING, "over.roma", "tiny.roma", *tokens], check=True)
    for c, code in zip(chars, (0, 2, 2, 2)):
        args = ["run", "over.roma", "--raw", "-q", "--spec", "off", "-p", "Once upon %s a time %s" % (c, c), "-n", "1", "--trace-values", "o.jsonl"]
        check(roma(*args)[0] == code, "exit code of %s" % c)
        said = disagrees(Image("over.roma"), name="o.jsonl")
        check(said is None, "overflow at %s: %s" % (c, said))
        os.unlink("o.jsonl")


def test_smollm2(gguf):
    adapters = os.path.join(TOP, "models/adapters")
    output("build", gguf, "-o", "smollm2.roma")
    pirate, french = ((os.path.join(adapters, name), factor) for name, factor in (("pirate.lora.roma", 1.0), ("french.lora.roma", 0.6)))
    equal("smollm2.roma", "SmolLM2", "--spec", "off", prompt="The moon is a small brown town nestled in")
    equal("smollm2.roma", "SmolLM2 with adapters", "--spec", "off", prompt="The moon is a small brown town nestled in", loras=[pirate, french], tokens=1)


# ---- faults must be seen

@contextlib.contextmanager
def instead(name, other):
    own = getattr(numerics, name)
    setattr(numerics, name, other(own))
    try:
        yield
    finally:
        setattr(numerics, name, own)


def in_turn(leaves):
    total = leaves[0]
    for leaf in leaves[1:]:
        total = total + leaf
    return total


def wide(own):
    """The same function in FP64, rounded once at its end."""
    return lambda x, *more: own(np.asarray(x, np.float64), *more).astype(F)


FAULTS = {
    "leaves added in turn": ("tree", lambda own: in_turn),
    "integers that are not exact": ("exact", lambda own: lambda level, a: np.matmul(level.astype(np.float16), a.astype(np.float16)).astype(F)),
    "codes rounded up": ("quantise", lambda own: lambda x, factor=None: own(np.nextafter(x, F(np.inf)), factor)),
    "1/rms of FP64": ("inverse_rms", lambda own: lambda x, eps: (1 / np.sqrt((x.astype(np.float64)**2).mean(-1) + eps)).astype(F)),
    "exp of the library": ("exp", lambda own: lambda x: np.exp(x)),
    "sin and cos of the library": ("sincos", lambda own: lambda t: (np.sin(t * (2 * np.pi / 2**32)).astype(F), np.cos(t * (2 * np.pi / 2**32)).astype(F))),
    "a cache of 7 bits": ("integers_of", lambda own: lambda x, most: own(x, 63 if most == 127 else most)),
    "SiLU of FP64": ("silu", lambda own: lambda g, up: (g.astype(np.float64) / (1 + np.exp(-g.astype(np.float64))) * up).astype(F)),
    "queries of 8 bits": ("attend", lambda own: lambda q, *more: own(np.rint(q * 16) / F(16), *more)),
    "an adapter's scale": ("adapter", lambda own: lambda t, factor, codes: own(t, np.nextafter(factor, F(9)), codes)),
}


def disagrees(image, adapters=(), name="t.jsonl"):
    """The sentence with which the trace is refused; None: it is not."""
    try:
        check_trace.check(image, name, adapters)
    except (check_trace.Mismatch, ValueError) as e:
        return str(e)
    return None


def test_ordered_faults():
    """Columns in another order: the inverse order, and a gather of the codes instead of what becomes codes."""
    subprocess.run([MAKE_RANDOM, "random.roma", "tiny.roma", "llama", "q4_1", "0", "ordered"], check=True)
    trace("random.roma", "--spec", "off", full=True)
    image = Image("random.roma")
    check(disagrees(image) is None, "the trace of an ordered model")
    for other in (lambda x, order: x[:, np.argsort(order)], lambda x, order: x):
        with instead("gather", lambda own: other):
            said = disagrees(image)
            check(said and "here," in said, "not seen: another gather: %s" % said)


def test_faults():
    loras = [("int8.lora", 1.0), ("random-int8.lora", 0.7)]
    trace("tiny.roma", "--spec", "off", loras=loras, full=True)
    image, adapters = Image("tiny.roma"), [Adapter(*a) for a in loras]
    check(disagrees(image, adapters) is None, "the trace without a fault")
    for what, (name, other) in FAULTS.items():
        with instead(name, other):
            said = disagrees(image, adapters)
            check(said and "here," in said, "not seen: %s: %s" % (what, said))
    check(disagrees(image, adapters[::-1]), "not seen: adapters in another order")
    check(disagrees(image, adapters[:1]), "not seen: an adapter is missing")
    with open("t.jsonl") as f:
        lines = f.read().split("\n")
    last = len(lines) - 2

    def damaged(what, line, change):
        with open("t.jsonl", "w") as f:
            f.write("\n".join(lines[:line] + change(lines[line]) + lines[line + 1:]))
        check(disagrees(image, adapters), "not seen: " + what)

    def other_digit(key):
        def change(line):
            at = line.index('"%s":"' % key) + len(key) + 4
            return [line[:at] + ("0" if line[at] != "0" else "1") + line[at + 1:]]
        return change
    damaged("a digit of a CRC", last, other_digit("crc"))
    damaged("a digit of the data", last, other_digit("data"))
    damaged("a record is gone", last // 2, lambda line: [])
    damaged("a record stands twice", last // 2, lambda line: [line, line])
    damaged("a cut file", last, lambda line: [line[:-9]])
    damaged("another sine", 1, other_digit("data"))
    damaged("another token", 2, lambda line: [re.sub(r'"tokens":\[\d+', '"tokens":[7', line)])
    damaged("a token beyond the vocabulary", 2, lambda line: [re.sub(r'"tokens":\[\d+', '"tokens":[1024', line)])


# ---- the options

def test_options():
    with open("jobs", "w") as f:
        f.write('{"prompt":"a"}\n')
    check(roma("run", "tiny.roma", "-p", "a", "--trace-full")[0] == 2, "--trace-full alone")
    check(roma("run", "tiny.roma", "--jsonl", "jobs", "--trace-values", "x.jsonl")[0] == 2, "--trace-values with --jsonl")
    check(not os.path.exists("x.jsonl"), "a refused run leaves a file")
    runs = [["run", "tiny.roma", "--raw", "--json", "--hash", "-p", PROMPT, "-n", "20", "-t", t, *more] for t in "13" for more in ([], ["--trace-values", "x.jsonl"])]
    said = [json.loads(output(*r)) for r in runs]
    check(len({s["hash"] for s in said}) == 1 and len({s["text"] for s in said}) == 1, "the answer is another one with a trace")


def main():
    test_tiny()
    test_formats()
    test_random()
    test_overflow()
    if SMOLLM2:
        test_smollm2(SMOLLM2)
    test_faults()
    test_ordered_faults()
    test_options()


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    main()
    os.chdir("/")
finish("%d records equal" % records)
