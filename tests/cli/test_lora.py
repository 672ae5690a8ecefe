#!/usr/bin/env python3
"""--lora in run, --jsonl, chat, eval and bench: with random adapters on the tiny model. Standard library only. usage: test_lora.py ROMA"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from shared import ROMA, TOP, check, finish, run


def answer(*args):
    return json.loads(run("run", image, "--raw", "-p", "Once upon a time", "-n", 12, "--json", "--hash", *args))


def lora(name, *args, base=None):
    run("adapter", "build", *args, "--base", base or image, "-o", work + name)
    return work + name


def test_run():
    plain = answer()
    check(plain["adapters"] == [], "no adapters named")
    one, half, two, swapped = answer("--lora", a), answer(f"--lora={a}:0.5"), answer("--lora", a, "--lora", b), answer("--lora", b, "--lora", a)
    check(len({r["hash"] for r in (plain, one, half, two, swapped)}) == 5, "each set has logits of its own")
    check(one["adapters"] == [{"file": a, "name": "random 1", "scale": 1, "rank": 16, "bytes": one["adapters"][0]["bytes"]}], f"{one['adapters']}")
    check([(x["file"], x["scale"]) for x in two["adapters"]] == [(a, 1), (b, 1)] and half["adapters"][0]["scale"] == 0.5, "order and scale")
    size = json.loads(run("adapter", "inspect", a, "--json"))["sram_bytes"]
    check(one["chip"]["sram_used"] - plain["chip"]["sram_used"] == size == one["adapters"][0]["bytes"], "SRAM holds the adapter to the byte")
    check(answer("--lora", a, "-t", 1, "--isa", "scalar")["hash"] == one["hash"], "same bits")
    colon = work + "name:2x.lora.roma"
    shutil.copy(a, colon)
    check(answer("--lora", colon)["hash"] == one["hash"], "a colon may be part of a name")
    run("run", image, "-p", "x", "-n", 1, "--lora", a, "--lora", a, "-q")


def test_estimate():
    """What the chip would do is what sim says of a set of as many adapters, of their mean rank (16 and 3: 10), on their matrices."""
    part = lora("part.lora.roma", TOP + "/models/adapters/tiny-roma")
    told = json.loads(run("adapter", "inspect", part, "--json"))
    targets = sorted({t["role"] for t in told["targets"]})
    for names, asked in (([], ["--rank", 0]), ([part], ["--rank", told["rank"], "--targets", ",".join(targets)]), ([a, b], ["--rank", 10, "--stacked", 2])):
        got = answer(*sum((["--lora", x] for x in names), []))
        context = got["prompt_tokens"] + len(got["ids"]) // 2
        sim = json.loads(run("sim", image, "-p", got["prompt_tokens"], "-c", context, *asked, "--no-ranges", "--json"))
        check(all(abs(got["chip"][k] / sim[k] - 1) < 1e-6 for k in ("tok_s", "ttft_ms", "mj_per_token")), f"{names}: the chip's {got['chip']}, sim says {sim['tok_s']}")


def test_jsonl():
    lines = [{"prompt": "Once upon a time", "n": 12, "raw": True} | extra for extra in
             [{}, {"lora": a}, {"lora": [a, b]}, {"lora": []}, {"lora": f"{a}:0.5"}, {"lora": [b, a]}, {"lora": a}]]
    path = work + "requests"
    with open(path, "w") as f:
        f.writelines(json.dumps(q) + "\n" for q in lines)
    alone = [answer(*sum((["--lora", x] for x in s), []))["hash"] for s in [[], [a], [a, b], [], [f"{a}:0.5"], [b, a], [a]]]
    for batch in (1, 3, 8):
        got = [json.loads(x)["hash"] for x in run("run", image, "--jsonl", path, "--hash", "-b", batch).splitlines()]
        check(got == alone, f"batch {batch}: each request as alone")
    got = [json.loads(x)["hash"] for x in run("run", image, "--jsonl", path, "--hash", "--lora", b).splitlines()]
    check(got[0] == answer("--lora", b)["hash"] and got[1:] == alone[1:], "--lora is for lines that say nothing")
    single = [i for i in range(len(alone)) if i not in (2, 5)]  # lists of one take turns where there is room for one
    with open(path) as f:
        lines = f.read().splitlines()
    with open(path, "w") as f:
        f.write("".join(lines[i] + "\n" for i in single))
    for batch in (1, 3):
        got = [json.loads(x)["hash"] for x in run("run", image, "--jsonl", path, "--hash", "--adapters", 1, "-b", batch).splitlines()]
        check(got == [alone[i] for i in single], f"batch {batch}: more adapters than there is room for")
    with open(path, "w") as f:
        f.write('{"prompt": "x", "lora": 3}\n')
    said = run("run", image, "--jsonl", path, code=2, say="their lines say why")
    check("column 25: lora must be a text or an array of texts" in said, said)
    with open(path, "w") as f:
        f.write('{"prompt": "x"}\n{"prompt": "x", "lora": "absent"}\n')
    check("absent" in run("run", image, "--jsonl", path, code=2, say="their lines say why"), "the line does not name the adapter")


def test_chat():
    def talk(*lines, args=()):
        return run("chat", image, "-n", 8, *args, input="\n".join(lines) + "\n").splitlines()

    plain, with_a = talk("Hello there", "And then?"), talk("Hello there", "And then?", args=("--lora", a))
    check(plain != with_a, "an adapter tells")
    check(talk("Hello there", f"/lora {a}", "And then?", args=("--adapters", 1))[1] == f"adapters: {a}", "/lora says what runs")
    # a conversation is read anew under other adapters: the second turn is that of a conversation whose first answer was given
    switched = talk(f"/lora {a}", "Hello there", "/lora", "/reset", "Hello there", args=("--adapters", 1))
    check(switched == [f"adapters: {a}", with_a[0], "adapters: none", plain[0]], f"{switched}")
    back = talk("Hello there", f"/lora {a}:0.5 {b}", "/lora", "And then?", args=("--adapters", 2))
    check(back == [plain[0], f"adapters: {a}:0.5, {b}", "adapters: none", plain[1]], f"{back}")
    p = subprocess.run([ROMA, "chat", image, "-n", "8", "--lora", a], capture_output=True, text=True, input=f"/lora {b} {a}\n/lora {wide}\n/lora absent\nHello there\n")
    check(p.returncode == 0 and p.stdout.splitlines() == [f"adapters: {a}"] * 3 + [with_a[0]], f"a refused /lora changes nothing: {p.stdout}")
    check("--adapters" in p.stderr and "--rank" in p.stderr and "absent" in p.stderr, p.stderr)


def test_eval_bench():
    text = work + "text"
    with open(text, "w") as f:
        f.write("Once upon a time there was a dog. " * 40)
    e = [json.loads(run("eval", image, "-f", text, "--ctx", 64, "--hash", "--json", *x)) for x in ([], ["--lora", a], ["--lora", a, "--against", "fp32"])]
    check(e[0]["hash"] != e[1]["hash"] == e[2]["hash"] and e[2]["kl_mean"] > 0.01, "eval runs with adapters, FP32 without")
    same = json.loads(run("eval", image, "-f", text, "--ctx", 64, "--json", "--lora", a, "--against", image))
    check(same["kl_mean"] > 0.01, "the other image has no adapters")
    if "quick" not in sys.argv:
        rows = json.loads(run("bench", image, "-p", 16, "-n", 4, "-b", "1,3", "-t", "1,2", "--lora", a, "--lora", b, "--spread", "--json"))["rows"]
        check(len(rows) == 6, "bench with one adapter to a sequence")


def test_refused():
    go = ("run", image, "-p", "x", "-n", 1, "-q")
    run(*go, "--lora", other, code=2, say="--allow-base-mismatch")
    run(*go, "--lora", other, "--allow-base-mismatch")
    run(*go, "--lora", "absent.lora.roma", code=2, say="absent.lora.roma")
    plain = run("run", image, "-p", "Once", "-n", 12, "-q", "--temp", 0)
    check(run("run", image, "-p", "Once", "-n", 12, "-q", "--temp", 0, "--lora", f"{a}:0") == plain, "an adapter switched off answers as the base does")
    check(run("run", image, "-p", "Once", "-n", 12, "-q", "--temp", 0, "--lora", f"{a}:0", "--lora", b) ==
          run("run", image, "-p", "Once", "-n", 12, "-q", "--temp", 0, "--lora", b), "beside another one it changes nothing")
    run(*go, "--lora", "", code=2, say="FILE")
    run(*go, "--lora", image, code=2, say="adapter")
    run(*go, *["--lora", a] * 9, code=2, say="at most 8")
    run(*go, "--lora", wide, "--adapters", 1, code=2, say="there is room for rank 16 (--rank)")
    run(*go, "--lora", a, "--lora", b, "--adapters", 1, code=2, say="(--adapters)")
    run(*go, "--lora", a, "--sram-mib", 1, "--ctx", 512, code=2, say="of adapters (--adapters, --rank)")
    broken = work + "broken.lora.roma"
    with open(a, "rb") as f:
        data = bytearray(f.read())
    data[len(data) // 2] ^= 1
    with open(broken, "wb") as f:
        f.write(data)
    run(*go, "--lora", broken, code=2, say="broken.lora.roma")
    run("bench", image, "--spread", code=2, say="--spread needs --lora")


def test_random():
    twice = lora("again.lora.roma", "--random", 1, "--rank", 16)
    with open(a, "rb") as x, open(twice, "rb") as y:
        check(x.read() == y.read(), "the same seed, the same file")
    run("verify", a)
    run("adapter", "build", "--base", image, "-o", twice, code=2, say="--random SEED")
    run("adapter", "build", "folder", "--random", 1, "--base", image, "-o", twice, code=2, say="--random SEED")
    run("adapter", "build", "--random", "x", "--base", image, "-o", twice, code=2, say="whole number")


with tempfile.TemporaryDirectory() as folder:
    work = folder + "/"
    image, image2 = work + "tiny.roma", work + "f32.roma"
    run("build", os.path.join(TOP, "models/tiny/tiny-q4.gguf"), "-o", image)
    run("build", os.path.join(TOP, "models/tiny/tiny-f32.gguf"), "--quant", "q8", "-o", image2)
    a, b = lora("a.lora.roma", "--random", 1), lora("b.lora.roma", "--random", 2, "--rank", 3, "--lora-type", "f16")
    wide, other = lora("wide.lora.roma", "--random", 3, "--rank", 40), lora("other.lora.roma", "--random", 1, base=image2)
    test_random()
    test_run()
    test_estimate()
    test_jsonl()
    test_chat()
    test_eval_bench()
    test_refused()
finish()
