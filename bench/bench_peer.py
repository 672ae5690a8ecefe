"""A `llama-bench` binary as a further peer of bench/compare-llama: llama.cpp's own, or that of a fork (ik_llama.cpp) which somebody built.

A peer is given as [NAME=]PATH, or as "[NAME=]PATH ARGUMENTS" in one word of the command line: the arguments are passed on. `-rtr 1` (run-time repacking) is
passed on by itself where the binary's help knows `-rtr` and no arguments speak of it: it is the fastest that ik_llama.cpp does.
"""
import json
import os
import re
import shlex
import subprocess


class Wrong(Exception):
    """What is wrong with a peer, in one line."""


class BenchPeer:
    def __init__(self, given):
        name, is_named, rest = given.partition("=")
        if not is_named or not re.fullmatch(r"[\w.+-]+", name):
            name, rest = "", given
        words = [rest] if os.path.exists(rest) else shlex.split(rest)
        if not words or not os.path.isfile(words[0]) or not os.access(words[0], os.X_OK):
            raise Wrong(f"--peer-bench {given}: there is no program {words[0] if words else ''}; give the path of a built llama-bench")
        words[0] = os.path.abspath(words[0])            # a bare name means this folder, as it was looked for, and not PATH
        self.command = words
        text = self.run("--help")
        if "--n-prompt" not in text or "--n-gen" not in text:
            raise Wrong(f"--peer-bench {words[0]}: its --help does not know --n-prompt and --n-gen: not a llama-bench")
        if re.search(r"^\s*-rtr\b", text, re.MULTILINE) and not {"-rtr", "--run-time-repack"} & set(words):
            self.command = words + ["-rtr", "1"]
        self.flash = "0,1" if re.search(r"^\s*-fa\b", text, re.MULTILINE) else None
        self.name = name or " ".join([os.path.basename(words[0])] + self.command[1:])
        self.commit = None

    def run(self, *more):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "KMP_"))}      # OpenMP's defaults, not ours
        r = subprocess.run(self.command + list(more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=env)
        if r.returncode:
            end = (r.stderr or r.stdout).strip().splitlines()[-1:] or ["without a word"]
            raise Wrong(f"{' '.join(self.command + list(more))} failed with {r.returncode}: {end[0]}")
        return r.stdout

    def rates(self, model, threads, tests):
        """Tokens a second by (test, flash attention): the best of three after one that warms up, as llama-bench does."""
        prompts = ",".join(str(n) for test, n in tests if test == "prefill")
        tokens = ",".join(str(n) for test, n in tests if test == "decode")
        text = self.run("-m", model, "-t", str(threads), "-p", prompts or "0", "-n", tokens or "0", "-r", "3", "-o", "json",
                        *(["-fa", self.flash] if self.flash else []))
        out = {}
        try:
            for row in json.loads(text):
                test = ("prefill", row["n_prompt"]) if row["n_prompt"] else ("decode", row["n_gen"])
                out[test, bool(row.get("flash_attn"))] = max(row["samples_ts"])
                self.commit = str(row["build_commit"])
        except (ValueError, KeyError, TypeError) as e:
            raise Wrong(f"{self.command[0]}: its JSON is not that of llama-bench ({type(e).__name__}: {e})") from None
        missing = [t for t in tests if not any(test == t for test, _ in out)]
        if missing:
            raise Wrong(f"{self.command[0]} gave no row {missing[0][0]} {missing[0][1]}")
        return out
