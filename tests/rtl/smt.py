"""A block of rtl as bit vectors, and claims about it: Yosys writes the block, bitwuzla looks for what refutes a claim. Run by the Python that has
bitwuzla: make hw-deps.

A claim speaks of one block over the clock cycles of one run or several: `at("signal")` is a signal in cycle 0 of run s, `at("signal", 2, "t")`
one two cycles after the beginning of run t. What the registers hold at the beginning is free, so that a claim about two cycles is a step of an induction.
"""
import os
import re
import subprocess
import sys
import tempfile

import bitwuzla

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def at(signal, cycle=0, run="s"):
    return "@%s@%d@%s@" % (signal, cycle, run)


def bits(high, low, x):
    return "((_ extract %d %d) %s)" % (high, low, x)


def wide(width, old, x):
    """x of `old` bits as an unsigned number of `width`."""
    return "((_ zero_extend %d) %s)" % (width - old, x)


def num(value, width):
    return "(_ bv%d %d)" % (value % (1 << width), width)


def every(*claims):
    return "(and %s)" % " ".join(claims)


def some(*claims):
    return "(or %s)" % " ".join(claims)


def implies(a, b):
    return "(=> %s %s)" % (a, b)


def same(a, b):
    return "(= %s %s)" % (a, b)


class Claim:
    """`assumed` implies `claimed`, of `block` with `parameters` ("LATENCY 0 W 64"); `free` declares what else there is; `runs`: cycles of each run."""

    def __init__(self, name, block, parameters, claimed, assumed="true", free="", runs=None, slow=False):
        self.name, self.block, self.parameters, self.claimed, self.assumed = name, block, parameters, claimed, assumed
        self.free, self.runs, self.slow = free, runs or {"s": 0}, slow

    def text(self):
        return repr((self.name, self.block, self.parameters, self.claimed, self.assumed, self.free, sorted(self.runs.items())))


written = {}


def block_text(block, parameters):
    """Yosys's SMT-LIB of a block, and the widths of its signals."""
    if (block, parameters) in written: return written[block, parameters]
    with tempfile.TemporaryDirectory() as work:
        path, words = os.path.join(work, "block.smt2"), parameters.split()
        chosen = " ".join("-chparam %s %s" % p for p in zip(words[::2], words[1::2]))
        done = subprocess.run(["yosys", "-q", "-p", "read_verilog rtl/*.v; hierarchy -check -top %s %s; proc; flatten; opt; dffunmap; rename -top top; "
                               "write_smt2 -stbv -wires %s" % (block, chosen, path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode: sys.exit("smt: %s %s\n%s" % (block, parameters, done.stdout))
        text = open(path, encoding="utf-8").read()
    widths = dict(re.findall(r"; yosys-smt2-(?:input|output|wire) (\S+) (\d+)\n", text))
    written[block, parameters] = text, widths
    return text, widths


def is_refuted(claim):
    """True where there are values that refute a claim."""
    text, widths = block_text(claim.block, claim.parameters)
    text = "(set-logic ALL)\n" + text
    for run, cycles in sorted(claim.runs.items()):
        for t in range(cycles + 1): text += "(declare-fun {0}{1} () |top_s|)\n(assert (|top_is| {0}{1}))\n".format(run, t)
        for t in range(cycles): text += "(assert (|top_t| {0}{1} {0}{2}))\n".format(run, t, t + 1)

    def signal(match):
        name, cycle, run = match.groups()
        if name not in widths: sys.exit("smt: %s has no signal %s" % (claim.block, name))
        term = "(|top_n %s| %s%s)" % (name, run, cycle)
        return "(ite %s #b1 #b0)" % term if widths[name] == "1" else term

    text += claim.free + "".join("(assert %s)\n" % re.sub(r"@([^@ ]+)@(\d+)@(\w)@", signal, c) for c in (claim.assumed, "(not %s)" % claim.claimed))
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "claim.smt2")
        open(path, "w", encoding="utf-8").write(text)
        manager, options = bitwuzla.TermManager(), bitwuzla.Options()
        parser = bitwuzla.Parser(manager, options)
        parser.parse(path, False, True)
        result = parser.bitwuzla().check_sat()
    if result == bitwuzla.Result.UNKNOWN: sys.exit("smt: bitwuzla does not know: " + claim.name)
    return result == bitwuzla.Result.SAT
