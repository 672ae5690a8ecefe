#!/usr/bin/env python3
"""usage: test_completions.py ROMA

What a Tab offers behind `roma`, in bash, zsh and fish themselves: verbs, adapter's subverbs, options, and the names that options take (instruction
sets, shapes, chips, templates, pre-tokenizers, chip parameters), which are those that the program knows. bash and zsh are typed to on a
pseudo-terminal, fish is asked by `complete -C`.
"""
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

from shared import ROMA, TOP, check, finish, output, own_folder

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]|\x07")


def words_of(name):
    return output("--words", name).decode().split()


class Shell:
    """An interactive shell on a terminal that is wide and high enough to list everything at once."""

    def __init__(self, argv, *lines):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 500, 200, 0, 0))
            os.execvpe(argv[0], argv, {"PATH": os.environ["PATH"], "HOME": os.getcwd(), "TERM": "xterm", "LC_ALL": "C"})
        for line in lines:
            self.run(line)

    def read(self, done, seconds=10):
        """What comes until done(it), or for so long."""
        seen, end = "", time.time() + seconds
        while not done(seen) and time.time() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                seen += ESCAPE.sub("", os.read(self.fd, 65536).decode(errors="replace"))
        return seen

    def run(self, line):
        os.write(self.fd, (line + "; echo $((40+2))\r").encode())
        self.read(lambda seen: "42\r\n" in seen)

    def offers(self, line, *wants):
        """The words that a Tab shows; it ends once those of one of the sets are there. Shells list nothing while more is typed, so the line is
        wiped (^U) after that."""
        split = lambda seen: set(re.split(r"[\s\x08]+", seen.replace(line, " ", 1)))
        os.write(self.fd, (line + "\t").encode())
        seen = self.read(lambda seen: any(w and w <= split(seen) for w in wants), 10 if wants[0] else 0.3)
        os.write(self.fd, b"\x15")
        self.run(":")
        return split(seen)

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def bash():
    s = Shell(["bash", "--norc", "--noprofile", "-i"], "bind 'set completion-query-items 0'; bind 'set page-completions off'; bind 'set show-all-if-ambiguous on'; bind 'set enable-bracketed-paste off'",
              "source ./roma.bash")
    return s.offers, s.close


def zsh():
    s = Shell(["zsh", "-f", "-i"], "unsetopt zle_bracketed_paste prompt_sp list_ambiguous; LISTMAX=9999; fpath=($PWD $fpath); autoload -U compinit; compinit -u -D")
    return s.offers, s.close


def fish():
    def ask(line, *wants):
        r = subprocess.run(["fish", "--no-config", "-c", "source ./roma.fish; complete -C %s" % json.dumps(line)], capture_output=True, text=True,
                           env={"PATH": os.environ["PATH"], "HOME": os.getcwd(), "TERM": "xterm"})
        check(r.returncode == 0 and not r.stderr, "fish: " + r.stderr)
        return {row.split("\t")[0] for row in r.stdout.splitlines()}
    return ask, lambda: None


def cases():
    verbs = set(re.findall(r"^  ([a-z-]+)  ", re.search(r"verbs:\n(.*?)\n\n", output("--help").decode(), re.S)[1], re.M))
    chips = {c["name"] for c in json.loads(output("chip", "--list", "--json"))["chips"]}
    isas = set(re.search(r"instruction sets: (.*)", output("--version").decode())[1].split())
    parameters = {k + "=" for k in json.loads(output("chip", "--json")) if "." in k}
    subverbs = set(re.search(r"roma adapter ([a-z|]+) ", output("adapter", "--help").decode())[1].split("|"))
    check(len(verbs) > 16 and len(chips) > 10 and "scalar" in isas and len(parameters) > 100, "the program's own lists")
    return [("roma ", verbs, {"auto", "merge"}), ("roma adapter ", subverbs, {"run", "file.gguf"}), ("roma run i.roma --isa ", isas, {"roma-better", "file.gguf"}),
            ("roma sim --chip ", chips | {"file.gguf"}, {"avx2"}), ("roma chip ", chips | {"file.gguf"}, {"llama-3.2-3b"}),
            ("roma fit --shape ", set(words_of("shape")) | {"llama-3.2-3b"}, {"avx2", "chatml"}), ("roma chat i.roma --template ", set(words_of("template")) | {"chatml"}, {"avx2"}),
            ("roma sim --set ", parameters, {"llama-3.2-3b", "file.gguf"}), ("roma tokenize m --pre ", set(words_of("pre")) | {"llama-bpe"}, {"roma-better"}),
            ("roma rtl --style ", {"array", "case", "brom", "fused"}, {"roma-better"}), ("roma build m --quant ", {"q8", "q4"}, {"rtn", "file.gguf"}),
            ("roma run --spec ", {"off", "auto"}, {"file.gguf"}), ("roma run ", {"file.gguf"}, {"chatml", "scalar"}), ("roma run -n ", set(), {"file.gguf", "auto"}),
            ("roma build --", {"--quant", "--sha256", "--help"}, {"--isa"}), ("roma adapter build --", {"--base", "--lora-type"}, {"--quant"})]


def try_shell(name, make, known):
    ask, close = make()
    for line, want, no in known:
        got = ask(line, want)
        check(want <= got, "%s, %r: %s are not offered, but %s" % (name, line, sorted(want - got)[:5], sorted(got)[:9]))
        check(not no & got, "%s, %r offers %s" % (name, line, no & got))
    for line, word in (("roma ada", "adapter"), ("roma adapter mer", "merge"), ("roma fit --shape llama-3.2-3", "llama-3.2-3b"), ("roma run --isa sc", "scalar"), ("roma run --isa=sc", "scalar")):
        rest = word[len(re.split("[ =]", line)[-1]):]  # a shell types on or draws the line anew, fish names the word
        got = {w.rsplit("=", 1)[-1] for w in ask(line, {rest}, {word}, {line + rest})}
        check(got & {word, rest}, "%s, %r gives %s" % (name, line, sorted(got)[:9]))
    close()


def main():
    with own_folder():
        open("file.gguf", "w").close()
        os.mkdir("build")  # a folder with a verb's name
        for shell, path in (("bash", "roma.bash"), ("zsh", "_roma"), ("fish", "roma.fish")):
            with open(path, "w") as f:
                subprocess.run(["sh", os.path.join(TOP, "tools", "completions.sh"), ROMA, shell], stdout=f, check=True)
        known = cases()
        for name, make in (("bash", bash), ("zsh", zsh), ("fish", fish)):
            try_shell(name, make, known)
    finish()


main()
