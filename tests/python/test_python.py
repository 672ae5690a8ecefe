#!/usr/bin/env python3
"""The package roma on the tiny model, beside the program: the same answers, logits and records; documented and typed; no lock held,
nothing leaked, every refusal with the library's own sentence. Needs cffi and NumPy. usage: test_python.py ROMA [LIBRARY]"""
import contextlib
import copy
import doctest
import gc
import importlib.util
import inspect
import io
import itertools
import json
import os
import pickle
import re
import signal
import struct
import subprocess
import sys
import threading
import time
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "exec"))
from read_cache import read as read_cache  # noqa: E402
from shared import ROMA, TINY, TOP, check, finish, output, own_folder  # noqa: E402

LIBRARY = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(ROMA), "libroma.so"))
os.environ["ROMA_LIBRARY"] = LIBRARY
sys.path.insert(0, os.path.join(TOP, "python"))
os.environ["PATH"] = os.path.dirname(ROMA) + os.pathsep + os.environ["PATH"]
import numpy as np  # noqa: E402

import roma  # noqa: E402

NAMES = dict(image="tiny.roma", adapter="tiny.lora.roma", cache="a.cache.roma", gguf=TINY, new_image="new.roma", os=os)


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def test_documented():
    """Every public call has a doctest, and all of them hold."""
    finder, found = doctest.DocTestFinder(), []
    for name, thing in [("roma", roma), *((f"roma.{name}", getattr(roma, name)) for name in roma.__all__)]:
        found += finder.find(thing, name, module=roma if thing is roma else False, globs=dict(NAMES))
    tried = {t.name for t in found if t.examples}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    out = io.StringIO()
    for t in found:
        runner.run(t, out=out.write)
    check(not runner.failures, out.getvalue())
    check(runner.tries > 40, "few doctests")
    for name in roma.__all__:
        thing = getattr(roma, name)
        check(bool(inspect.getdoc(thing)), f"{name} has no docstring")
        if inspect.isfunction(thing):
            check(f"roma.{name}" in tried, f"{name} has no doctest")
        for member, value in vars(thing).items() if inspect.isclass(thing) else ():
            if not member.startswith("_") and inspect.isfunction(value):
                check(f"roma.{name}.{member}" in tried, f"{name}.{member} has no doctest")


def test_types():
    """The package passes mypy --strict where Debian's mypy is, and so does a program that uses it."""
    if not os.path.exists("/usr/bin/mypy"):
        print("test_python: no mypy, so no types were checked")
        return
    with open("user.py", "w", encoding="utf-8") as f:
        f.write("import roma\nwith roma.Model('x') as m:\n    n: int = m.chat('x', max_tokens=3, stop=['a']).prompt_tokens\n    s: str = str(m.generate([1, 2]))\n")
    run = subprocess.run(["/usr/bin/mypy", "--strict", "--cache-dir", "mypy", "-p", "roma", "-p", "user"], capture_output=True, text=True,
                         env={**os.environ, "MYPYPATH": os.path.join(TOP, "python") + ":."})
    check(run.returncode == 0, run.stdout + run.stderr)


def test_pages():
    """What README.md and docs/python.md show runs as it stands."""
    os.symlink(os.path.join(TOP, "models"), "models")
    blocks = re.findall(r"```python\n(.*?)```", text_of(os.path.join(TOP, "README.md")), re.S)
    check(len(blocks) == 1 and len(blocks[0].splitlines()) <= 10, "README.md shows ten lines of Python")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(blocks[0], {})
    check("I am Roma" in out.getvalue(), f"README.md's lines say {out.getvalue()}")
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", text_of(os.path.join(TOP, "docs", "python.md")), re.S)
    check(len(blocks) >= 6, "docs/python.md shows little")
    for block in blocks:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(block, names)


def test_examples():
    """The examples run, without Matplotlib and transformers too."""
    env = {**os.environ, "PYTHONPATH": os.path.join(TOP, "python"), "MPLBACKEND": "agg"}
    run = subprocess.run([sys.executable, os.path.join(TOP, "examples", "tour.py"), "tiny.roma", "tiny.lora.roma", "--out", "tour"], env=env, capture_output=True, text=True)
    check(run.returncode == 0 and "tokens/s" in run.stdout, run.stdout + run.stderr)
    run = subprocess.run([sys.executable, os.path.join(TOP, "examples", "against_transformers.py"), "--help"], env=env, capture_output=True, text=True)
    check(run.returncode == 0, run.stderr)


def test_as_the_program():
    """Answers, ids and logits are those of the program, to the last bit."""
    with roma.Model("tiny.roma", adapters=2, rank=8) as m:
        for prompt in ("Who are you?", "Tell me a story about a dog.", "été €"):
            want = output("run", "tiny.roma", "-p", prompt, "-n", "60", "-q").decode()
            check(m.chat(prompt, max_tokens=60).text + "\n" == want, f"{prompt}: {m.chat(prompt, max_tokens=60)} and {want}")
        want = output("run", "tiny.roma", "-p", "Tell me", "-n", "40", "-q", "--temp", "0.9", "--top-k", "50", "--top-p", "0.9", "--seed", "7").decode()
        check(m.chat("Tell me", max_tokens=40, temperature=0.9, top_k=50, top_p=0.9, seed=7).text + "\n" == want, "a drawn answer")
        drawn = m.chat("Tell me", temperature=0.9)
        check(m.chat("Tell me", temperature=0.9, seed=drawn.seed).text == drawn.text, "the seed that an answer tells draws it again")
        check(m.chat("Tell me", temperature=2.0, top_p=0).text == m.chat("Tell me").text, "top_p 0 keeps the likeliest token alone")
        want = output("run", "tiny.roma", "-p", "Who are you?", "-q", "--lora", "tiny.lora.roma:0.5").decode()
        with m.adapter("tiny.lora.roma", 0.5):
            check(m.chat("Who are you?").text + "\n" == want, "under an adapter")
            stream = m.stream("Who are you?")  # is under the adapter, whenever it is read
        check(stream.answer.text + "\n" == want, "a stream keeps its adapters")
        with m.adapter("tiny.lora.roma"), m.adapter("tiny.lora.roma", -1):
            check(m.chat("Who are you?").text == m.chat("Who are you?").text, "adapters add up")

        ids = m.tokenize("Once upon a time there was a little dog, and the dog had a ball.")
        with open("ids", "wb") as f:
            f.write(struct.pack(f"<{len(ids)}i", *ids))
        output("eval", "tiny.roma", "--ids", "ids", "--dump-logits", "logits")
        want = np.fromfile("logits", np.float32).reshape(-1, m.vocab)
        got = m.logits(ids, every=True)
        check(got.dtype == np.float32 and got.shape == (len(ids), m.vocab), f"logits are {got.dtype} {got.shape}")
        check(len(want) in (len(ids), len(ids) - 1) and want.tobytes() == got[: len(want)].tobytes(), "the logits are those of --dump-logits")
        check(m.logits(np.array(ids)).tobytes() == got[-1].tobytes() == m.logits(ids).tobytes(), "the last logits")
        rows = m.embeddings(ids)
        check(rows.shape == (len(ids), m.hidden) and m.embeddings(ids[:5]).tobytes() == rows[:5].tobytes(), "embeddings of a beginning")
        check(m.embeddings("Once upon")[0].tobytes() == rows[0].tobytes(), "embeddings of a text")
        listed = json.loads(output("tokenize", "tiny.roma", "Hi! <|im_end|>", "--bos", "--json"))["ids"]
        check(m.tokenize("Hi! <|im_end|>") == listed, f"tokenize: {m.tokenize('Hi! <|im_end|>')} and {listed}")
        check(len(m.tokenize("<|im_end|>", special=True)) < len(m.tokenize("<|im_end|>")), "special tokens in a text, when asked for")
        messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi!"}, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Who?"}]
        check(m.prompt(messages[1:], system="Be kind.") == m.prompt(messages), "a system message")
        check(m.prompt([{**x, "content": x["content"]} for x in messages]).text.count("<|im_start|>") == 5, "messages and the answer's beginning")
    want = json.loads(output("sim", "--shape", "llama-3.2-1b", "--context", "2048", "--json"))
    check(roma.sim("llama-3.2-1b", context=2048).tok_s > 0 and bool(want), "sim")
    made = roma.build(TINY, "b.roma", threads=1, progress=lambda what, done, total: None)
    check(made.sha256 == json.loads(output("build", TINY, "-o", "c.roma", "--json"))["sha256"], "build")


def test_cache():
    """A saved cache, through its second reader, and into another model."""
    with roma.Model("tiny.roma") as m, roma.Model("tiny.roma") as other:
        asked, answer = m.prompt("Who are you?"), m.chat("Who are you?")
        ids = asked.ids + answer.ids
        held = m.save("b.cache.roma", ids, "Grüße")
        file = read_cache("b.cache.roma")
        check(file["tokens"] == ids[:held] and file["text"].decode() == "Grüße" and not file["adapters"], "the second reader's tokens and text")
        check(len(file["keys"]) == 3 and len(file["keys"][0]) == 2 and len(file["keys"][0][0]) == held and len(file["values"][2][1][0]) == 32, "the second reader's keys")
        check(file["base"] == json.loads(output("inspect", "tiny.roma", "--json"))["base"], "the file's base")
        check(other.load("b.cache.roma") == (ids[:held], "Grüße"), "what was loaded")
        more = asked.ids + answer.ids + m.tokenize("And then?")
        want, got = m.generate(more, max_tokens=20), other.generate(more, max_tokens=20)
        check(got.shared_tokens >= held and got.text == want.text, f"what was loaded is used: {got}")
        with m.adapter("tiny.lora.roma", 0.25):
            m.chat("Hi!")
            m.save("c.cache.roma", m.prompt("Hi!").ids)
            check(len(read_cache("c.cache.roma")["adapters"]) == 1 and read_cache("c.cache.roma")["adapters"][0][1] == 0.25, "the adapter's factor")
        refused(roma.InputError, "computed under 1 adapter", other.load, "c.cache.roma")


def caught(call, *args, **more):
    try:
        call(*args, **more)
    except Exception as e:  # noqa: BLE001
        return e
    return None


def refused(kind, words, call, *args, **more):
    e = caught(call, *args, **more)
    check(type(e) is kind and words in str(e), f"{call.__name__}{args}{more}: {type(e).__name__}: {e}")


def test_refusals():
    open("text", "w", encoding="utf-8").write("no image")
    refused(roma.MissingError, "no.roma", roma.Model, "no.roma")
    check(issubclass(roma.MissingError, FileNotFoundError) and issubclass(roma.InputError, ValueError), "what is caught by their usual names")
    refused(roma.InputError, "text", roma.Model, "text")
    refused(roma.InputError, "GGUF", roma.Model, TINY)
    refused(TypeError, "", roma.Model, 7.5)
    refused(TypeError, "threads must be a whole number, not '2'", roma.Model, "tiny.roma", threads="2")
    refused(ValueError, "null", roma.Model, "a\0b")
    refused(roma.UsageError, "threads", roma.Model, "tiny.roma", threads=-1)
    refused(roma.UsageError, "threads", roma.Model, "tiny.roma", threads=65)
    refused(roma.UsageError, "template", roma.Model, "tiny.roma", template="no-such")
    refused(roma.UsageError, "instruction set", roma.Model, "tiny.roma", isa="z80")
    refused(roma.InputError, "SRAM", roma.Model, "tiny.roma", sram_bytes=1000)
    with open("tiny.roma", "rb") as f:
        data = bytearray(f.read())
    data[len(data) // 2] ^= 1
    open("damaged.roma", "wb").write(data)
    refused(roma.DamagedError, "checksum", roma.Model, "damaged.roma")
    roma.Model("damaged.roma", verify=False).close()
    with roma.Model("tiny.roma", context=64) as m:
        refused(roma.UsageError, "temperature", m.chat, "x", temperature=-1)
        refused(roma.UsageError, "temperature", m.chat, "x", temperature=float("nan"))
        refused(roma.UsageError, "top-p", m.chat, "x", top_p=2)
        refused(roma.UsageError, "at least 1 token", m.chat, "x", max_tokens=0)
        refused(roma.UsageError, "max_tokens", m.chat, "x", max_tokens=-1)
        refused(roma.UsageError, "seed", m.chat, "x", seed=-1)
        refused(roma.UsageError, "stop text must not be empty", m.chat, "x", stop="")
        for name in ("max_tokens", "top_k", "seed"):
            for value in ("3", 2.5, [3]):
                refused(TypeError, f"{name} must be a whole number, not {value!r}", m.chat, "x", **{name: value})
        for name in ("temperature", "top_p", "min_p", "repeat_penalty"):
            for value in ("0", None, [0.5]):
                refused(TypeError, f"{name} must be a number, not {value!r}", m.chat, "x", **{name: value})
        refused(TypeError, "3 is no text", m.chat, "x", stop=[3])
        refused(TypeError, "stop must be a text or a list", m.chat, "x", stop=3)
        refused(TypeError, "b'x' is no text", m.chat, "x", stop=[b"x"])
        refused(TypeError, "unexpected keyword", m.chat, "x", temprature=1)
        for ask in (m.chat, m.stream, m.generate, m.tokenize, m.logits, m.embeddings):
            for value in (None, 3, b"x", {"role": "user"}, iter("x")):
                refused(TypeError, "a prompt is a text, a list of messages", ask, value)
        refused(TypeError, "a prompt is a text", m.chat, [1.5])
        refused(roma.InputError, "prompt is empty", m.generate, "")
        refused(roma.InputError, "prompt is empty", m.generate, [])
        refused(roma.InputError, "not in the vocabulary", m.generate, [5000])
        refused(roma.InputError, "not in the vocabulary", m.logits, [-1])
        refused(roma.InputError, "beyond 32 bits", m.logits, [2**40])
        refused(roma.ContextError, "do not fit the context of 64", m.chat, "word " * 200)
        refused(roma.ContextError, "do not fit the context of 64", m.embeddings, [5] * 65)
        refused(roma.MissingError, "no.lora", m.adapter, "no.lora")
        refused(roma.InputError, "image", m.adapter, "tiny.roma")
        refused(roma.InputError, "holds nothing", m.save, "x.cache", [9, 9, 9])
        refused(roma.MissingError, "x.cache", m.load, "x.cache")
        refused(roma.InputError, "not a saved cache", m.load, "text")
        closed = m.adapter("tiny.lora.roma")
        closed.close()
        with closed:
            refused(roma.InputError, "no adapter of the name", m.chat, "x")
        check(m.chat("Who are you?", max_tokens=3).stop == "length", "goes on after refusals")
        stream = m.stream("Who are you?")
        stream.close()
        stream.close()
        refused(roma.UsageError, "the stream is closed", next, stream)
    with roma.Model("tiny.roma", template="chatml") as named:
        refused(roma.UnsupportedError, "a role is", named.chat, [{"role": "robot", "content": "x"}])
        plain = named.chat("x", max_tokens=3).prompt_tokens
        check(named.chat("x", tools=[{"name": "f"}], max_tokens=3).prompt_tokens > plain + 30, "tools are told where the template knows none")
        refused(roma.InputError, "a tool needs a name", named.chat, "x", tools=[{"description": "f"}])
        check(named.chat("Who are you?", max_tokens=3).prompt_tokens > 5, "a template by name")
    refused(roma.UsageError, "the model is closed", m.tokenize, "x")
    m.close()
    refused(roma.InputError, "shape", roma.sim, "no-such-shape")
    refused(roma.UsageError, "", roma.sim)
    refused(roma.MissingError, "no.roma", roma.sim, image="no.roma")
    refused(roma.InputError, "", roma.fit, "llama-3.2-1b", chip="no-such-chip")
    refused(roma.UsageError, "no parameter 'lunit.no'", roma.sim, "llama-3.2-1b", set={"lunit.no": 1})
    refused(roma.UsageError, "batch", roma.sim, "llama-3.2-1b", batch=-1)
    refused(AttributeError, "the record has no speed", getattr, roma.sim("llama-3.2-1b"), "speed")
    refused(roma.UsageError, "q8 or q4", roma.build, TINY, "x.roma", quant="q5")
    refused(roma.MissingError, "no.gguf", roma.build, "no.gguf", "x.roma")
    refused(roma.DamagedError, "", roma.build, TINY, "x.roma", sha256="0" * 64)

    def stop(what, done, total):
        raise RuntimeError("enough")

    refused(RuntimeError, "enough", roma.build, TINY, "x.roma", progress=stop)
    check(not os.path.exists("x.roma"), "no build that was refused leaves an image")


def test_records():
    """Records are dicts, which pandas and JSON take as they are; figures are those of `roma sim --json`."""
    figures = roma.sim("llama-3.2-1b", context=1024, prompt=128, ranges=True)
    check(isinstance(figures, dict) and json.loads(json.dumps(figures)) == figures and len(figures) > 50, "a record is a dict of numbers")
    check(all(figures.low[k] <= v <= figures.high[k] for k, v in figures.items() if v == v), "ranges hold the value")
    check(roma.sim("llama-3.2-1b", chip="roma", set=["clock.frequency=2.5e8"], context=1024).tok_s < figures.tok_s, "an override")
    found = roma.explore("llama-3.2-1b", points=40, set={"model.bits": "2,4"}, only_set=True)
    check(found and {f["model.bits"] for f in found} <= {2.0, 4.0, "2", "4"}, "a knob's values")
    check(roma.explore("llama-3.2-1b", points=40) == roma.explore("llama-3.2-1b", points=40, threads=1), "the same points whoever draws them")
    check(roma.fit("llama-3.2-1b", rank=16, adapters=2)["lora_bytes"] > 0, "fit")
    check(roma.fit("llama-3.2-1b", kv="int4").kv_bytes_per_token == roma.sim("llama-3.2-1b", kv="int4").kv_bytes_per_token == 16 * 8 * (1.5 * 64 + 8), "kv")
    check(roma.explore("llama-3.2-1b", points=5, kv="int4")[0].kv_bytes_per_token == 16 * 8 * (1.5 * 64 + 8), "kv of an exploration")
    refused(roma.InputError, "no f16", roma.sim, "llama-3.2-1b", kv="f16")
    refused(roma.UsageError, "no format 'int5'", roma.fit, "llama-3.2-1b", kv="int5")
    floats = os.path.join(os.path.dirname(TINY), "tiny-f32.gguf")
    for more, words in ((dict(quant="q8"), ["--quant", "q8"]), (dict(method="rtn", bits=3, group=32), ["--method", "rtn", "--bits", "3", "--group", "32"])):
        made, want = roma.build(floats, "kl.roma", kl=True, **more), json.loads(output("build", floats, "-o", "want.roma", "--kl", "--json", *words))
        check(abs(made.kl / want["kl"] - 1) < 1e-9 and made.sha256 == want["sha256"] and made.kl_form is None, f"kl of {more}: {made.kl} and {want['kl']}")
        check(roma.build(floats, "kl.roma", **more).kl is None, "kl that nobody asked for")
    if importlib.util.find_spec("pandas"):
        import pandas

        check("tok_s" in pandas.DataFrame([figures, figures]).columns, "pandas takes records")


def test_threads():
    """Two models and four threads at once: each answer is what it is alone, and other threads of Python run meanwhile."""
    prompts = ["Who are you?", "Tell me a story about a cat.", "Tell me a story about a dog.", "Hi!"]
    with roma.Model("tiny.roma", running=2) as a, roma.Model("tiny.roma", threads=1) as b:
        want = {p: a.chat(p, max_tokens=60).text for p in prompts}
        with a.adapter("tiny.lora.roma"):
            other = a.chat(prompts[0], max_tokens=60).text
        wrong = []

        def ask(m, which):
            for i in range(6):
                p = prompts[(which + i) % 4]
                if which == 3:  # this thread's own adapter concerns nobody else
                    with m.adapter("tiny.lora.roma"):
                        wrong.extend([p] if m.chat(prompts[0], max_tokens=60).text != other else [])
                wrong.extend([p] if m.chat(p, max_tokens=60).text != want[p] else [])

        threads = [threading.Thread(target=ask, args=(m, i)) for i, m in enumerate((a, b, a, b))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        check(not wrong, f"wrong beside others: {wrong}")
        pair = [a.stream(p, max_tokens=60) for p in prompts[1:3]]
        texts = zip(*itertools.zip_longest(*pair, fillvalue=""))
        check(["".join(t) for t in texts] == [want[p] for p in prompts[1:3]], "two streams that are read by turns")
    with roma.Model("random.roma", threads=1) as m:
        turns = [0]
        over = threading.Event()

        def count():
            while not over.is_set():
                turns[0] += 1
                time.sleep(0)

        t = threading.Thread(target=count)
        t.start()
        began = time.monotonic()
        m.generate([5, 6, 7], max_tokens=4)
        took = time.monotonic() - began
        over.set()
        t.join()
        check(turns[0] > 20 * took, f"{turns[0]} turns of another thread during an answer of {took:.2f} s")
        read, said = m.stream([5, 6, 7], max_tokens=400), []
        t = threading.Thread(target=lambda: said.append(caught(next, read)))
        t.start()
        time.sleep(0.05)
        read.close()  # another thread reads it
        t.join()
        check(type(said[0]) is roma.UsageError and "closed" in str(said[0]), f"a stream that another thread closes: {said}")
        late = m.stream([5, 6, 7], max_tokens=400)
    refused(roma.CancelledError, "", next, late)  # the model was closed before the answer was over
    late.close()


def test_interrupt():
    """Ctrl-C ends an answer, logits and embeddings soon, and the model goes on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin with the signal ignored
    with roma.Model("random.roma", threads=1) as m:
        for call in (lambda: m.generate([5, 6, 7], max_tokens=400), lambda: m.logits([5] * 400, every=True), lambda: m.embeddings([5] * 400)):
            timer = threading.Timer(0.15, os.kill, (os.getpid(), signal.SIGINT))
            began = time.monotonic()
            timer.start()
            try:
                while time.monotonic() - began < 10:  # a call may be over before
                    call()
                check(False, "an answer that Ctrl-C does not end")
            except KeyboardInterrupt:
                check(time.monotonic() - began < 20, "Ctrl-C ends an answer soon")
            timer.join()
        check(len(m.generate([5, 6, 7], max_tokens=2).ids) == 2, "goes on after Ctrl-C")

    def alarm(_number, _frame):
        raise KeyboardInterrupt

    # At any moment of any call: what C fills and reads outlives the interruption.
    usual, ends = signal.signal(signal.SIGALRM, alarm), 0
    with roma.Model("tiny.roma", threads=1) as m:
        for i in range(60):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0005 + i * 0.0003)
                for _ in range(20):  # one that comes while Python collects garbage is ignored
                    m.logits([5] * 20, every=True), m.embeddings([5] * 100), m.generate([5, 6], max_tokens=3)
            except KeyboardInterrupt:
                ends += 1
            signal.setitimer(signal.ITIMER_REAL, 0)
        check(ends > 40 and len(m.generate([5, 6], max_tokens=2).ids) == 2, "goes on after sixty interruptions")
    signal.signal(signal.SIGALRM, usual)


def test_lives():
    """A stream keeps its model; nothing that stands for the library's own is copied; a forked child is refused, and ends."""
    whole = str(roma.Model("tiny.roma").chat("Who are you?"))
    s = roma.Model("tiny.roma").stream("Who are you?")
    gc.collect()
    check("".join(s) == whole, "a stream whose model has no other name")
    with roma.Model("tiny.roma") as m:
        with m.stream("Who are you?") as s:
            for thing in (m, s, m.adapter("tiny.lora.roma")):
                for way in (copy.copy, copy.deepcopy, pickle.dumps):
                    refused(TypeError, "neither copied nor pickled", way, thing)
            check(pickle.loads(pickle.dumps(s.answer)) == s.answer, "an answer is a value")
        under_way = m.stream("Tell me a story about a dog.")
        pid = os.fork()
        if not pid:
            calls = (lambda: m.chat("Hi!"), lambda: m.logits([1]), lambda: m.adapter("tiny.lora.roma"), lambda: next(under_way), lambda: m.load("a.cache.roma"))
            said = [caught(call) for call in calls]
            fine = all(isinstance(e, roma.UsageError) and "forked" in str(e) for e in said)
            under_way.close()
            m.close()
            with roma.Model("tiny.roma") as own:
                os._exit(0 if fine and str(own.chat("Who are you?")) == whole else 1)
        for _ in range(200):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                break
            time.sleep(0.05)
        else:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            status = -1
        check(status == 0, f"a forked child: {status}")
        check(len("".join(under_way)) > 10 and str(m.chat("Who are you?")) == whole, "the parent goes on")


def test_parts():
    """A content in parts of text is that text, a line each, to every call that takes messages; a part that is none is refused."""
    part = lambda text: {"type": "text", "text": text}
    with roma.Model("tiny.roma") as m:
        asked, parts = ([{"role": "user", "content": c}] for c in ("Hi!\nWho are you?", [part("Hi!"), part("Who are you?")]))
        check(m.prompt(parts) == m.prompt(asked) and m.chat(parts).ids == m.chat(asked).ids, f"{m.prompt(parts)}")
        check(m.chat(parts, system="Be brief.").ids == m.chat(asked, system="Be brief.").ids, "behind a system message")
        refused(roma.UnsupportedError, "is no text", m.chat, [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}])


def test_ids():
    """Token ids of every kind of sequence; what are none, and ids of no token."""
    with roma.Model("tiny.roma") as m:
        ids = m.tokenize("Once upon a time")
        for kind in (list, tuple, np.array, lambda i: np.array(i, np.uint16), lambda i: np.repeat(i, 2)[::2], lambda i: [np.int64(x) for x in i]):
            check(m.detokenize(kind(ids)) == "Once upon a time" and (m.logits(kind(ids)) == m.logits(ids)).all(), f"{kind(ids)!r}")
        check(m.detokenize([]) == "" and m.detokenize(np.array([])) == "", "no ids")
        for call in (m.detokenize, m.logits, m.embeddings, m.generate, lambda i: m.save("x.cache", i)):
            for bad in ([1.5], [[1]], [None], [True], np.array([1.0]), 5, b"ab", iter([1])):
                check(isinstance(caught(call, bad), TypeError), f"{call} {bad!r}: {caught(call, bad)!r}")
            check(isinstance(caught(call, [2**40]), roma.InputError), "beyond 32 bits")
        for call in (m.detokenize, m.logits, m.embeddings, m.generate):
            for bad in (-1, m.vocab, 2**31 - 1):
                refused(roma.InputError, "not in the vocabulary", call, [bad])


def resident():
    """KiB, threads, descriptors of this process."""
    gc.collect()
    with open("/proc/self/status", encoding="ascii") as f:
        status = f.read()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]), int(re.search(r"Threads:\s+(\d+)", status)[1]), len(os.listdir("/proc/self/fd"))


def test_leaks():
    """A thousand models opened and closed, some asked, some with streams that nobody ended: no memory, thread or descriptor is left."""
    ids = [5, 6, 7, 8]

    def once(i):
        m = roma.Model("tiny.roma", context=32, threads=2 if i % 4 == 0 else 1, verify=False, adapters=i % 2)
        if i % 10 == 0:
            m.generate(ids, max_tokens=2)
        if i % 10 == 1:
            m.stream(ids)
        if i % 10 == 2:
            refused(roma.InputError, "vocabulary", m.generate, [-5])
        if i % 2:
            m.close()

    for i in range(100):
        once(i)
    before = resident()
    for i in range(1000):
        once(i)
    after = resident()
    check(after[1:] == before[1:], f"threads and descriptors: {before[1:]} before, {after[1:]} after")
    check(after[0] < before[0] + 3000, f"resident KiB: {before[0]} before, {after[0]} after 1,000 open and close")


def test_wheel():
    """The wheel that pip would install holds the library, its header and the package, and works by itself."""
    import roma_wheel

    os.environ["ROMA_HEADER"] = os.path.join(TOP, "include", "roma", "roma.h")
    os.makedirs("wheels")
    info = roma_wheel.prepare_metadata_for_build_wheel("wheels")
    check(f"Version: {roma.__version__}\n" in text_of(os.path.join("wheels", info, "METADATA")), "the wheel's version")
    name = roma_wheel.build_wheel("wheels")
    with zipfile.ZipFile(os.path.join("wheels", name)) as z:
        z.extractall("site")
        check({"roma/libroma.so", "roma/roma.h", "roma/py.typed", "roma/__init__.py"} <= set(z.namelist()), str(z.namelist()))
    env = {k: v for k, v in os.environ.items() if not k.startswith("ROMA_")}
    program = "import roma\nwith roma.Model('tiny.roma') as m: print(roma.__file__, m.chat('Who are you?'))"
    run = subprocess.run([sys.executable, "-c", program], env={**env, "PYTHONPATH": "site"}, capture_output=True, text=True)
    check("site" in run.stdout and "I am Roma" in run.stdout, run.stdout + run.stderr)


if __name__ == "__main__":
    with own_folder():
        output("build", TINY, "-o", "tiny.roma")
        output("build", "--shape", "smollm2-135m", "--random", "1", "-o", "random.roma")
        output("adapter", "build", os.path.join(TOP, "models", "adapters", "tiny-roma"), "--base", "tiny.roma", "-o", "tiny.lora.roma")
        for test in (test_documented, test_types, test_as_the_program, test_cache, test_refusals, test_records, test_threads, test_interrupt, test_lives, test_parts, test_ids, test_leaks, test_wheel,
                     test_pages, test_examples):
            began = sum(os.times()[:4])
            test()
            if os.environ.get("ROMA_TIMES"):
                print(test.__name__, round(sum(os.times()[:4]) - began, 2), flush=True)
    sys.exit(finish())
