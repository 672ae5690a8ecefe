#!/usr/bin/env python3
"""usage: test_chat.py ROMA [PLAIN]

What is typed reaches the model whole: chat on a pseudo-terminal, under every kind of locale. What the model got is seen in three ways that chat
has anyway: its answer is the one that `roma run` gives to the same text, /stats counts the same prompt tokens, and the history holds the text.
PLAIN is a build without libedit (`make build/roma-plain`). Needs Python alone.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

from shared import ROMA, TINY, check, finish
from terminal import Terminal, environment, history

PLAIN = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
# LC_ALL; None: no variable of a locale at all. en_US.UTF-8 and the last one are not installed on most servers.
LOCALES = [None, "C", "POSIX", "C.UTF-8", "en_US.UTF-8", "xx_XX.ISO-8859-1"]
TEXTS = ["größe", "ÿ é à", "Здравствуй, мир", "日本語を話す", "a 😀🚀 b", "cafe\u0301 n\u0303", "👩\u200d👩\u200d👧 x\ufe0f",
         "nbsp\u00a0soft\u00adhyphen", "plain words"]


answers = {}


def expected(image, text):
    """Prompt tokens and answer of `roma run`, whose text comes from the command line and meets no terminal."""
    if text not in answers:
        r = subprocess.run([ROMA, "run", image, "-f", "-", "-t", "1", "-n", "12", "--json"], input=text, stdout=subprocess.PIPE, check=True)
        o = json.loads(r.stdout)
        answers[text] = o["prompt_tokens"], o["text"].encode()
    return answers[text]


def arrives(t, image, keys, want, what):
    tokens, answer = expected(image, want)
    t.turn(b"/reset")
    said = t.turn(keys)
    said = re.sub(rb"roma chat: the answer was cut at 12 tokens[^\n]*\n", b"", said)
    check(answer.replace(b"\n", b"\r\n") + b"\r\n> " in said, "%s: another answer than to %r: %r" % (what, want, said[-200:]))
    got = t.prompt_tokens()
    check(got == tokens, "%s: %d prompt tokens, not the %d of %r" % (what, got, tokens, want))


# Keys that edit a line, and what is left of it: one key, one character, however many bytes it has.
EDITS = [("größe\x7f\x7fn", "grön"), ("gröx\x7f\x7fo", "gro"), ("a😀\x7fb", "ab"), ("größe\x1b[D\x1b[D\x7fo", "große"),
         ("größe\x01ü ", "ü größe"), ("ü größe\x17x", "ü x"), ("日本\x1b[D語", "日語本"), ("ab\tc", "ab\tc")]


def test_locale(image, tmp, locale):
    home = tempfile.mkdtemp(dir=tmp)
    what = "LC_ALL=%s" % locale
    t = Terminal(ROMA, image, home, locale)
    for text in TEXTS:
        arrives(t, image, text.encode(), text.encode(), what)
    if locale in ("C", "en_US.UTF-8"):
        for keys, left in EDITS:
            arrives(t, image, keys.encode(), left.encode(), "%s, keys %r" % (what, keys))
        arrives(t, image, b"a\xffb\xc3(c\xf0\x9f\x98d", b"ab(cd", what + ", bytes that are no UTF-8")
    check(t.leave() == 0, "%s: exit code" % what)
    lines = history(home)
    for text in TEXTS:
        check(text.encode() in lines, "%s: %r is not in the history" % (what, text))
    t = Terminal(ROMA, image, home, locale)
    # a second session recalls it: behind /reset (which arrives() types), /quit and /stats of the first
    arrives(t, image, b"\x1b[A" * 4, lines[-3], what + ", a line of the session before")
    check(t.leave() == 0, "%s: exit code" % what)
    check(history(home)[:len(lines)] == lines, "%s: the history of a second session" % what)


def test_long(image, tmp):
    home = tempfile.mkdtemp(dir=tmp)
    text = " ".join("%d größe😀" % i for i in range(700)).encode()
    t = Terminal(ROMA, image, home, "C")
    said = t.turn(text)
    want = subprocess.run([ROMA, "run", image, "-f", "-", "-n", "1"], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stderr
    tokens = re.search(rb"(\d+) tokens", want)
    check(tokens and tokens.group(0) in said, "a long line: %r, but run says %r" % (said[-200:], want))
    t.leave()
    check(text in history(home), "a pasted line of %d bytes is not whole in the history" % len(text))


def test_pipe(image, tmp, program):
    """Piped lines are bytes: invalid ones and zeros too are the model's to see."""
    for text in [t.encode() for t in TEXTS] + [b"a\xffb\xc3(c", b"a\0b", b"tab\tbed"]:
        r = subprocess.run([program, "chat", image, "-t", "1", "-n", "12"], input=text + b"\n/stats\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           env=environment(tmp, "C"))
        tokens, answer = expected(image, text)
        check(r.stdout.startswith(answer + b"\n") and b"prompt %d tokens" % tokens in r.stdout, "piped %r: %r" % (text, r.stdout + r.stderr))


def test_plain(image, tmp):
    for locale in LOCALES:
        home = tempfile.mkdtemp(dir=tmp)
        t = Terminal(PLAIN, image, home, locale)
        for keys, left in [(x, x) for x in TEXTS] + EDITS[:3]:
            arrives(t, image, keys.encode(), left.encode(), "without libedit, LC_ALL=%s, keys %r" % (locale, keys))
        check(t.leave() == 0, "without libedit: exit code")
    test_pipe(image, tmp, PLAIN)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        image = os.path.join(tmp, "tiny.roma")
        subprocess.run([ROMA, "build", TINY, "-o", image], stdout=subprocess.DEVNULL, check=True)
        check(expected(image, "größe".encode()) != expected(image, b"gre"), "the tiny model cannot tell the two apart")
        for locale in LOCALES:
            test_locale(image, tmp, locale)
        test_long(image, tmp)
        test_pipe(image, tmp, ROMA)
        if PLAIN:
            test_plain(image, tmp)
    finish()


main()
