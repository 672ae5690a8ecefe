#!/usr/bin/env python3
"""usage: docs/first_half_hour.py ROMA MODEL.gguf [--check]

Writes docs/first-half-hour.md: what a terminal of 80 columns shows to somebody who types these commands, SmolLM2-135M-Instruct's GGUF being the model. With
--check only says whether the page is what a terminal would show now; of figures that differ from run to run and from machine to machine (rates, times,
bandwidths, the processor) only the places count. Answers, images and the chip's figures are the same everywhere.
"""
import difflib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import tempfile
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
PAGE = os.path.join(HERE, "first-half-hour.md")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x07")
COLUMNS, SECONDS = 80, 120

# Headings, sentences, and commands: a text is typed into a shell; a pair is a command and the lines that are typed into its own prompt.
STORY = [
    "## Build it, and a first answer",
    "`./demo` installs what is missing, builds, fetches a small model once and lets it answer. Here it found all of that from an earlier time.",
    "./demo",
    "The program is `build/roma`. `make install PREFIX=$HOME/.local` puts it, its manual and the completions of bash, zsh and fish where the shell finds them; here the path will do.",
    "export PATH=$PWD/build:$PATH",
    "roma --help",
    "## A model becomes an image",
    "roma build $MODEL -o smol.roma",
    "roma inspect smol.roma | head -n 24",
    "A typing error says what was meant, and a wrong file which verb takes it.",
    "roma inspekt smol.roma",
    "roma run models/adapters/pirate.lora.roma -p hello",
    "## Ask it",
    'roma run smol.roma -p "What is the capital of France?"',
    "Text goes to standard output and the line of figures to standard error, so a pipe gets the answer alone. `-n` bounds it, and the end says so.",
    'roma run smol.roma -p "Why is the sky blue?" -n 40',
    "How much memory that takes is a matter of the cache. A budget too small is refused with the least that works:",
    "roma run smol.roma -p hello --sram-mib 2",
    "## Talk with it",
    "Ctrl-C stops an answer, Tab completes commands and files, and what does not fit the context any more is not dropped in silence.",
    ("roma chat smol.roma -n 40 --repeat-penalty 1.05", ["Write a haiku about rain.", "And one about snow.", "/help", "/save haiku.cache", "/quit"]),
    "The conversation is in a file now, and goes on where it was; nothing of it is read again.",
    ("roma chat smol.roma -n 40 --repeat-penalty 1.05", ["/load haiku.cache", "Which one is about water?", "/quit"]),
    "## Adapters",
    "The weights sit in ROM and never change; a LoRA adapter sits in SRAM and does. These were trained with Hugging Face PEFT.",
    "roma inspect models/adapters/pirate.lora.roma | head -n 8",
    'roma run smol.roma --lora models/adapters/pirate.lora.roma -p "What is the capital of France?"',
    'roma run smol.roma --lora models/adapters/french.lora.roma:0.5 -p "What is the capital of France?"',
    "A folder that PEFT saved becomes such a file:",
    "roma adapter build models/adapters/pirate-qv --base smol.roma -o qv.lora.roma",
    "## The chip",
    "What a chip's SRAM holds, of this model or of one that you have no weights of:",
    "roma fit --shape llama-3.2-3b --rank 16 --adapters 1,4 --sequences 1",
    "What a chip would do with it. Values carry the range that the uncertainty of the chip's constants leaves; below the figures (left out here) stands what each name means.",
    "roma sim --shape llama-3.2-3b --context 1024 | head -n 46",
    "Pictures are SVG, for light and dark pages; a trace is for [ui.perfetto.dev](https://ui.perfetto.dev).",
    "roma sim smol.roma --no-ranges --floorplan chip.svg --trace step.json.gz >figures",
    "And chips that nobody has drawn yet, those that no other one beats first:",
    "roma explore --shape llama-3.2-1b -n 400 --max-mm2 200 | head -n 36",
    "## From Python",
    "`pip install ./python` makes the package `roma` ([python.md](python.md)).",
    'python3 -c \'\nimport roma\nwith roma.Model("smol.roma") as m:\n    print(m.chat("What is the capital of France?"))\n    with m.adapter("models/adapters/pirate.lora.roma"):\n'
    '        print(m.chat("What is the capital of France?"))\nprint(round(roma.sim("llama-3.2-3b", context=1024).tok_s), "tokens/s on the chip")\'',
    "## From here",
    "[README.md](../README.md) has the other verbs, `roma VERB --help` their options, [limits.md](limits.md) what it does not do.",
]
HEAD = """# The first half hour

What somebody sees who sits down with a fresh checkout and a terminal of 80 columns. Made by `docs/first_half_hour.py`, which types these commands on a pseudo-terminal; `./test half-hour` holds the page to what the
program shows now, but for rates and times. Whoever types them gets the same answers on every machine.
"""


class Terminal:
    """A program on a pseudo-terminal; its output as a terminal would have kept it."""

    def __init__(self, command, environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
            os.execvpe("bash", ["bash", "-c", command], environment)

    def read(self, done):
        """What comes until done(it), or the end."""
        seen, end = "", time.time() + SECONDS
        raw = b""
        while not done(ESCAPE.sub("", seen)):
            if time.time() > end:
                os.kill(self.pid, signal.SIGKILL)
                sys.exit("first_half_hour: nothing more within %d s, but %r" % (SECONDS, seen[-300:]))
            if not select.select([self.fd], [], [], 0.05)[0]:
                continue
            try:
                more = os.read(self.fd, 65536)
            except OSError:
                break
            if not more:
                break
            raw += more
            seen = raw.decode(errors="replace")
        return ESCAPE.sub("", seen)

    def end(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def kept(text):
    """Lines without what a carriage return wrote over."""
    lines = [re.split(r"\r+", line)[-1].rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    return "\n".join(lines).strip("\n")


def type_in(command, lines, environment):
    t = Terminal(command, environment)
    text = ""
    for line in lines:
        text += t.read(lambda seen: re.search(r"(^|[\r\n])> $", seen))
        while termios.tcgetattr(t.fd)[3] & termios.ECHO:  # until the editor has the line: the terminal would echo too
            time.sleep(0.01)
        os.write(t.fd, (line + "\r").encode())  # its echo comes next
    text += t.read(lambda seen: False)
    t.end()
    return kept(text)


def show(step, environment):
    command, lines = step if isinstance(step, tuple) else (step, [])
    typed = command.replace("$MODEL", "~/.cache/roma/" + os.path.basename(environment["MODEL"]))
    text = type_in(command.replace("./demo", os.path.join(TOP, "demo")), lines, environment)
    home = environment["HOME"]
    text = text.replace(environment["XDG_CACHE_HOME"], "~/.cache").replace(home + "/", "").replace(TOP + "/", "")
    return "\n".join(["```console", "$ " + typed] + ([text] if text else []) + ["```"])


def page(roma, model):
    with tempfile.TemporaryDirectory() as home:
        cache = os.path.join(home, ".cache", "roma")
        os.makedirs(cache)
        os.symlink(os.path.abspath(model), os.path.join(cache, os.path.basename(model)))
        for name in ("models", "build"):
            os.symlink(os.path.join(TOP, name), os.path.join(home, name))
        os.chdir(home)
        env = {k: v for k, v in os.environ.items() if not k.startswith("LC_") and k not in ("LANG", "NO_COLOR", "MAKEFLAGS")}
        env.update(HOME=home, XDG_CACHE_HOME=os.path.join(home, ".cache"), XDG_STATE_HOME=os.path.join(home, ".state"), TERM="xterm", LC_ALL="C.UTF-8", CC="gcc",
                   PATH=os.pathsep.join([os.path.dirname(os.path.abspath(roma)), os.path.dirname(sys.executable), env["PATH"]]), MODEL=os.path.join(cache, os.path.basename(model)), PYTHONPATH=os.path.join(TOP, "python"))
        parts = [HEAD] + [s if isinstance(s, str) and (s.startswith("## ") or s[0].isupper() or s[0] in "`[") else show(s, env) for s in STORY]
    return "\n\n".join(p.strip("\n") for p in parts) + "\n"


def masked(text):
    """Without what differs from run to run."""
    text = re.sub(r"[0-9]+(\.[0-9]+)? (tok/s|ms|s|GB/s|GMAC/s|MiB resident)(?![a-z])", r"# \2", text)
    return re.sub(r"\b(scalar|avx2|avxvnni|avx512|neon)\b", "ISA", text)


def joined(was, made):
    """The new page; lines that differ by what is masked alone stay, since rates of a busy machine say little."""
    old, new = was.split("\n"), made.split("\n")
    for a, b, n in difflib.SequenceMatcher(None, [masked(line) for line in old], [masked(line) for line in new], autojunk=False).get_matching_blocks():
        new[b : b + n] = old[a : a + n]
    return "\n".join(new)


def main():
    roma, model = sys.argv[1:3]
    made = page(roma, model)
    with open(PAGE, encoding="utf-8") as f:
        was = f.read()
    if "--check" not in sys.argv[3:]:
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(joined(was, made))
        return
    if masked(was) != masked(made):
        sys.stdout.writelines(line + "\n" for line in list(difflib.unified_diff(masked(was).split("\n"), masked(made).split("\n"), "the page", "the terminal", lineterm="", n=1))[:40])
        sys.exit("docs/first-half-hour.md is not what the terminal shows now; run docs/first_half_hour.py")
    print("first half hour: as it was, %d lines" % made.count("\n"))


main()
