#!/usr/bin/env python3
"""usage: test_talk.py ROMA

What a conversation does: limits that hold, a full context, turns dropped, taken back and answered again, settings, adapters; and on a terminal
pasted blocks, Tab, and the history. What an answer must be comes from `roma run --jsonl` on the same messages. Needs Python alone.
"""
import json
import os
import re
import subprocess

from shared import ROMA, TINY, TOP, check, finish, own_folder
from terminal import Terminal, history

CUT = re.compile(r"the answer was cut at (\d+) tokens")
DROPPED = 'dropped the oldest turn, "'


def chat(lines, *args, code=0):
    """Standard output and error of a conversation whose lines come from a pipe."""
    text = lines if isinstance(lines, bytes) else "".join(line + "\n" for line in lines).encode()
    r = subprocess.run([ROMA, "chat", "i.roma", "-t", "1", *args], input=text, capture_output=True, timeout=60)
    out, err = r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")
    check(r.returncode == code, "chat %s: exit code %d: %s" % (args, r.returncode, err))
    return out, err


def expected(messages, **more):
    """The answer to these messages, from a run that knows no conversation."""
    with open("one.jsonl", "w") as f:
        f.write(json.dumps(dict(messages=messages, **more)) + "\n")
    r = subprocess.run([ROMA, "run", "i.roma", "-t", "1", "--jsonl", "one.jsonl"], stdout=subprocess.PIPE, check=True)
    return json.loads(r.stdout)["text"]


def said(*pairs):
    return [{"role": "user" if i % 2 == 0 else "assistant", "content": text} for i, text in enumerate(pairs)]


QUESTIONS = ["Who are you?", "Tell me a joke.", "What is your name?", "Tell me a story about a dog.", "Hi!", "Tell me a joke.", "Who are you?"]


def test_limit():
    out, err = chat(["Tell me a story about a dog.", "/stats"], "-n", "7")
    check("answer 7 tokens" in out, "-n 7 does not hold: " + out)
    check(CUT.findall(err) == ["7"], "a cut answer is not told: " + err)
    out, err = chat(["/set n 9", "Tell me a story about a dog.", "/stats"])
    check("answer 9 tokens" in out and CUT.findall(err) == ["9"], "/set n 9: " + out + err)
    check(re.search(r"^n +512 ", chat(["/set"])[0], re.M), "the limit of 512 is not the default")
    check(not CUT.search(chat(["Who are you?"])[1]), "an answer that ended by itself is called cut")


def test_full():
    """A full context stops, says what to do, and leaves a conversation that goes on."""
    out, err = chat(QUESTIONS, "--ctx", "64", code=2)
    check("/undo" in err and "/reset" in err and "--keep" in err and "--ctx" in err, "a full context: " + err)
    out, err = chat(["Who are you?", "Tell me a joke.", "Tell me a story about a dog.", "/reset", "Who are you?"], "--ctx", "64")
    check(out.count(expected(said("Who are you?"))) == 2, "behind /reset: " + out)


def kept_turns(err, asked):
    """How many of the turns before a question were dropped, as told on standard error."""
    dropped = [line for line in err.splitlines() if DROPPED in line]
    for line, question in zip(dropped, asked):
        check('"%s"' % question in line, "dropped in another order: " + err)
    return len(dropped)


def test_keep():
    for keep, context in ((0, 80), (1, 96), (2, 200)):
        args = ("--keep", str(keep), "--ctx", str(context), "-n", "20")
        out, err = chat(QUESTIONS, *args)
        first = kept_turns(err, QUESTIONS)
        answers = out.splitlines()
        check(first > 0 and len(answers) == len(QUESTIONS), "--keep %d: %d dropped, answers %r: %s" % (keep, first, answers, err))
        pairs = [x for pair in zip(QUESTIONS[first:-1], answers[first:-1]) for x in pair]
        check(len(pairs) // 2 >= keep, "--keep %d: only %d turns are left" % (keep, len(pairs) // 2))
        check(answers[-1] == expected(said(*pairs, QUESTIONS[-1]), n=20).rstrip("\n"), "--keep %d: the last answer is not that to the turns left" % keep)
    out, err = chat(QUESTIONS, "--keep", "6", "--ctx", "96", "-n", "20", code=2)
    check("does not fit the context of 96" in err and DROPPED not in err, "--keep 6 in a small context: " + err)


def test_system():
    """The system message stays whatever is dropped."""
    system = "You tell stories."
    out, err = chat(QUESTIONS, "--system", system, "--keep", "0", "--ctx", "80", "-n", "20", "--template", "chatml")
    first = kept_turns(err, QUESTIONS)
    pairs = [x for pair in zip(QUESTIONS[first:-1], out.splitlines()[first:-1]) for x in pair]
    with open("one.jsonl", "w") as f:
        f.write(json.dumps(dict(messages=[{"role": "system", "content": system}] + said(*pairs, QUESTIONS[-1]), n=20)) + "\n")
    r = subprocess.run([ROMA, "run", "i.roma", "-t", "1", "--template", "chatml", "--jsonl", "one.jsonl"], stdout=subprocess.PIPE, check=True)
    want = json.loads(r.stdout)["text"].splitlines()
    check(first > 0 and out.splitlines()[-1:] == want[-1:], "the system message is lost: %r, not %r: %s" % (out.splitlines()[-1:], want, err))


def test_turns():
    dog, joke = "Tell me a story about a dog.", "Tell me a joke."
    out, err = chat([joke, "/undo", dog, "/undo", "/undo", dog])
    alone = expected(said(dog))
    check('taken back: "%s"' % joke in out and out.count(alone) == 2, "/undo: " + out)
    check("no turn to take back" in err, "/undo of nothing: " + err)
    out, err = chat([dog, "/regenerate"])
    check(out.count(alone) == 2, "/regenerate at temperature 0: " + out)
    out, err = chat([dog, "/regenerate", "/regenerate"], "--temp", "1", "--seed", "5")
    check(len(set(out.splitlines())) == 3, "/regenerate draws the same again: " + out)
    check("no turn" in chat(["/regenerate"])[1], "/regenerate of nothing")


def test_new_tokens_only():
    """Turn k computes what is new: the prompt and answer before are kept, whatever was drawn."""
    for more in ((), ("--temp", "1.3", "--seed", "3")):
        lines = [x for q in QUESTIONS[:5] for x in (q, "/stats")]
        out, _ = chat(lines, *more)
        stats = [tuple(map(int, m)) for m in re.findall(r"prompt (\d+) tokens \((\d+) of them kept\).*answer (\d+) tokens", out)]
        check(len(stats) == 5, "no figures: " + out)
        for before, now in zip(stats, stats[1:]):
            check(now[1] >= before[0] + before[2] - 1, "%s: of a turn with %d + %d tokens the next one keeps %d" % (more, before[0], before[2], now[1]))


def test_set():
    out, err = chat(["/set temp 0.7", "/set --top-k=5", "/set seed 9", "/set"])
    for name, value in (("temp", "0.7"), ("top-k", "5"), ("seed", "9")):
        check(re.search(r"^%s +%s " % (name, re.escape(value)), out, re.M), "/set %s: %s" % (name, out))
    for line, word in (("/set temp", "takes a name and a value"), ("/set tempo 1", "did you mean --temp"), ("/set temp 1000", "from 0 to 100"),
                       ("/set stop x", "unknown option"), ("/set temp 1 2", "takes a name and a value"), ("/set n 0", "from 1 to")):
        out, err = chat([line, "/set"])
        check(word in err and re.search(r"^temp +0 ", out, re.M), "%s: %s" % (line, err))


def test_lora():
    """An adapter may come without its room having been asked for, where memory allows."""
    subprocess.run([ROMA, "adapter", "build", "--random", "1", "--rank", "16", "--base", "i.roma", "-o", "a.lora"], stdout=subprocess.DEVNULL, check=True)
    dog = "Tell me a story about a dog."
    out, err = chat([dog, "/lora a.lora", "/undo", dog, "/lora", "/undo", dog])
    want = expected(said(dog)), expected(said(dog), lora=["a.lora"])
    check(want[0] != want[1] and out.count(want[0]) == 2 and out.count(want[1]) == 1, "/lora: %s %s" % (out, err))
    r = subprocess.run([ROMA, "chat", "i.roma", "--ctx", "512", "--sram-mib", "1", "-t", "1"], input=b"Hi!\n", capture_output=True)
    check(r.returncode == 0 or b"--sram-mib" in r.stderr or b"SRAM" in r.stderr, "a small SRAM: %r" % r.stderr)


def test_save():
    """A conversation in a file goes on where it was, in another process too, without reading its text again."""
    dog, joke = "Tell me a story about a dog.", "a\0b gr\xfc\xdfe"
    for more in ((), ("--system", "You tell stories.", "--template", "chatml")):
        first, _ = chat([dog, joke, "/save talk.cache", "Who are you?", "/stats"], *more)
        second, err = chat(["Hi!", "/load talk.cache", "Who are you?", "/stats"], *more)
        want = re.findall(r"prompt (\d+) tokens \((\d+) of them kept\)", first)
        check(want and re.findall(r"prompt (\d+) tokens \((\d+) of them kept\)", second) == want, "/load computes other tokens: %s %s %s" % (first, second, err))
        answer = first.split("tokens kept\n")[1].split("prompt")[0]
        check(answer in second and "2 turns" in second.replace("3 turns", "2 turns"), "/load goes on with another answer: %s, not %s" % (second, answer))
    out, err = chat(["/save", "/save x", "/load", "/load missing", "/load i.roma", "/load a.lora"])
    for word in ("takes the name of a file", "no answer yet", "no such file", "not a saved cache, but a ROM image", "not a saved cache, but an adapter"):
        check(word.lower() in err.lower(), "/save and /load: %r is not said: %s" % (word, err))
    check(err.count("\n") == 6 and not os.path.exists("x"), "/save and /load without sense: " + err)
    for more in ((), ("--system", "You tell stories.", "--template", "chatml")):
        out, err = chat([dog, "/undo", "/save x"], *more)
        check("no answer yet" in err and not os.path.exists("x"), "/save of a conversation without turns, which /load would refuse: " + err)
    out, err = chat([dog, "/load talk.cache"], "--lora", "a.lora")
    check("talk.cache" in err and "adapter" in err, "a conversation of other adapters: " + err)
    alone = expected(said(dog, expected(said(dog)), joke))
    with open("talk.cache", "r+b") as f:
        f.seek(700)
        f.write(b"\xff\xfe")
    out, err = chat([dog, "/load talk.cache", joke])
    check("talk.cache: " in err and out.splitlines()[-1] == alone.splitlines()[-1], "a damaged file changes the conversation: %s %s" % (out, err))
    check(chat([dog, "/lora a.lora", "/save y"])[1].count("\n") == 1 and not os.path.exists("y"), "/save behind /lora")


def test_pipe():
    joke = expected(said("Tell me a joke."))
    out, _ = chat(b"Tell me a joke.\r\n/undo\r\n\r\nTell me a joke.\r\n/quit\r\nnever read\n")
    check(out.count(joke) == 2 and "never" not in out, "lines that end as on other systems: " + out)
    _, err = chat(b"/undo\0x\n")
    check("zero byte" in err, "a zero byte in a command: " + err)
    check(chat(b"a\0b\n")[0].rstrip("\n") == expected(said("a\0b")).rstrip("\n"), "a zero byte in a question")
    _, err = chat(["/rest", "/sttas", "/xyzzyx"])
    check("did you mean /reset" in err and "did you mean /stats" in err and err.count("did you mean") == 2, "unknown commands: " + err)


# ---- typed

def asks(t, keys, text, what, n=512):
    """These keys ask this question, and no other."""
    t.turn(b"/reset")
    out = t.turn(keys)
    want = expected(said(text), n=n).replace("\n", "\r\n").encode()
    check(want in out, "%s: %r, not %r" % (what, out[-300:], want))
    tokens = t.prompt_tokens()
    check(t.turn(b"/undo").count(b"taken back") == 1, what + ": nothing to take back")
    check(b"no turn" in t.turn(b"/undo"), "%s: more than one question" % what)
    return tokens


def test_paste():
    block = "Who are you?\nTell me a joke.\n\tAnd a story."
    t = Terminal(ROMA, os.path.abspath("i.roma"), os.getcwd(), "C.UTF-8", "-n", "40")
    asks(t, b"\x1b[200~" + block.replace("\n", "\r").encode() + b"\x1b[201~", block, "a pasted block", 40)
    asks(t, b"\x1b[200~" + block.encode() + b"\n\x1b[201~", block, "a pasted block with a newline at its end", 40)
    asks(t, b"So: \x1b[200~gr\xc3\xb6\xc3\x9fe\nA\x1b[201~!", "So: größe\nA!", "a block pasted into a line", 40)
    asks(t, b"\x1b[200~a\x07\x1b[31mb\x1b[201~", "a[31mb", "control characters in a pasted block", 40)
    asks(t, block.replace("\t", "").encode(), block.replace("\t", ""), "a block from a terminal that does not tell", 40)
    check(t.leave() == 0, "paste: exit code")
    check(block.encode() in history(os.getcwd()), "a pasted block is not in the history: %r" % history(os.getcwd()))
    t = Terminal(ROMA, os.path.abspath("i.roma"), os.getcwd(), "C.UTF-8", "-n", "40")
    asks(t, b"\x1b[A" * 6, block.replace("\t", ""), "a block out of the history", 40)
    t.leave()


def test_tab():
    os.mkdir("folder")
    open("folder/first.lora", "w").close()
    t = Terminal(ROMA, os.path.abspath("i.roma"), os.getcwd(), "C.UTF-8", "-n", "40")
    check(b"resident at most" in t.turn(b"/sta\t"), "/sta and Tab")
    out = t.turn(b"/s\t\t\x15")
    check(b"/set" in out and b"/stats" in out and b"/system" in out, "/s and Tab twice: %r" % out)
    check(b"folder/first.lora" in t.turn(b"/lora fol\tfi\t"), "files and Tab")
    t.turn(b"/set te\t0.5")
    check(re.search(rb"temp +0\.5 ", t.turn(b"/set")), "a setting and Tab")
    t.turn(b"/set temp 0")
    asks(t, b"a\tb", "a\tb", "a tab in a text", 40)
    t.leave()


def test_history():
    image, home = os.path.abspath("i.roma"), os.path.join(os.getcwd(), "home")
    path = os.path.join(home, "state", "roma", "history")
    os.mkdir(home)
    t = Terminal(ROMA, image, home, "C.UTF-8")
    t.turn(b"a line that stays")
    t.kill()
    check(b"a line that stays" in history(home), "a line is lost with a conversation that is killed")
    for make, what in ((os.mkfifo, "no regular file"), (lambda p: os.symlink(os.path.join(home, "elsewhere"), p), "a link"), (os.mkdir, "not")):
        os.rename(path, os.path.join(home, "kept"))
        make(path)
        t = Terminal(ROMA, image, home, "C.UTF-8")
        t.turn(b"Hi!")
        check(what.encode() in t.greeting or what == "not", "the history is %s: %r" % (what, t.greeting))
        check(t.leave() == 0 and not os.path.exists(os.path.join(home, "elsewhere")), "the history is %s: written" % what)
        (os.rmdir if os.path.isdir(path) and not os.path.islink(path) else os.unlink)(path)
        os.rename(os.path.join(home, "kept"), path)
    with open(path, "ab") as f:
        f.write(b"".join(b"line\\040%d\n" % i for i in range(2500)))
    t = Terminal(ROMA, image, home, "C.UTF-8")
    t.turn(b"the last one")
    t.leave()
    lines = history(home)
    check(len(lines) == 1002 and lines[0] == b"line 1500" and lines[-2:] == [b"the last one", b"/quit"], "a long history: %d, %r" % (len(lines), lines[:2]))


# ---- ./demo

def test_demo():
    """What ./demo is told is done or refused, before anything is installed or built."""
    demo = os.path.join(TOP, "demo")
    def runs(*args):
        r = subprocess.run([demo, *args], capture_output=True, text=True, timeout=60)
        return r.returncode, r.stdout, r.stderr
    for word in ("-h", "--help"):
        code, out, err = runs(word)
        check(code == 0 and out.startswith("usage: ./demo") and "chat" in out and not err, "./demo %s: %s%s" % (word, out, err))
    for args, want in ((["chta"], "did you mean chat"), (["hcat"], "did you mean chat"), (["chat", "x"], "one word too many"), (["a", "b"], "one word too many"),
                       (["--chat"], "no option --chat"), (["no.gguf"], "no such file"), ([TINY, "cht"], "did you mean chat"), (["--", "a", "b"], "one word too many")):
        code, out, err = runs(*args)
        check(code == 2 and err.count("\n") == 1 and want in err and not out, "./demo %s: %d %s%s" % (args, code, out, err))
    os.mkdir("bin")
    with open("bin/python3", "w") as f:
        f.write("#!/bin/sh\necho 'the reason of the day' >&2\nexit 1\n")
    os.chmod("bin/python3", 0o755)
    env = dict(os.environ, XDG_CACHE_HOME=os.getcwd(), PATH=os.path.abspath("bin") + ":" + os.environ["PATH"])
    r = subprocess.run(["sh", "-c", "cd %s && . tools/need.sh && . tools/model.sh && model_get" % TOP], env=env, capture_output=True, text=True)
    check(r.returncode == 1 and "the model cannot be fetched:\nthe reason of the day" in r.stderr, "a failed fetch: " + r.stderr)


def main():
    with own_folder():
        subprocess.run([ROMA, "build", TINY, "-o", "i.roma"], stdout=subprocess.DEVNULL, check=True)
        for test in (test_limit, test_full, test_keep, test_system, test_turns, test_new_tokens_only, test_set, test_lora, test_save, test_pipe, test_paste,
                     test_tab, test_history, test_demo):
            test()
    finish()


main()
