#!/usr/bin/env python3
"""usage: tests/rtl/prove_fp.py           proves the claims that take seconds, and that tests/rtl/proved_fp.txt is of the blocks as they are
       tests/rtl/prove_fp.py --prove   proves every claim (minutes) and writes tests/rtl/proved_fp.txt

A claim says of one block, without registers (LATENCY 0), that it gives SMT's floating-point operation for every operand, NaN being one value.
Yosys writes the block as bit vectors, bitwuzla looks for operands that refute the claim. A wrong claim must be refuted, so that the
proof is seen to be able to fail. Run by the Python that has bitwuzla: make hw-deps.
"""
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time

import bitwuzla

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
RECORD = os.path.join(ROOT, "tests", "rtl", "proved_fp.txt")

FLOAT = "((_ to_fp 8 24) %s)"
IS = "(and (= %s %%s) (=> (fp.isNaN %%s) (= y #x7fc00000)))" % (FLOAT % "y")


def is_float(term):
    return IS % (term, term)


SUM = "(fp.add RNE %s %s)" % (FLOAT % "a", FLOAT % "b")
NEAR = "(ite (fp.isNaN {x}) #x00000000 (ite (fp.geq {x} ((_ to_fp 8 24) #x4f000000)) #x7fffffff " \
       "(ite (fp.leq {x} ((_ to_fp 8 24) #xcf000000)) #x80000001 ((_ fp.to_sbv 32) RNE {x}))))".format(x=FLOAT % "x")
TRIPLE = "(= (bvadd sum carry) (bvadd ((_ extract 47 0) rows) ((_ extract 95 48) rows) ((_ extract 143 96) rows)))"

# name, block, its parameters, ports, what is assumed, what is claimed, takes long
CLAIMS = [
    ("half to float, all operands", "roma_half_to_fp", "LATENCY 0", "x y", "true",
     is_float("((_ to_fp 8 24) RNE ((_ to_fp 5 11) x))"), False),
    ("int32 to float, all operands", "roma_int_to_fp", "LATENCY 0", "x y", "true", is_float("((_ to_fp 8 24) RNE x)"), False),
    ("int64 to float, all operands", "roma_int_to_fp", "LATENCY 0 -chparam W 64", "x y", "true",
     is_float("((_ to_fp 8 24) RNE x)"), False),
    ("float to int32, all operands, scale 0", "roma_fp_to_int", "LATENCY 0", "x scale y", "(= scale #b000000000)", "(= y %s)" % NEAR, False),
    ("three rows become two, 48 bits", "roma_compress", "ROWS 3 -chparam W 48", "rows sum carry", "true", TRIPLE, False),
    ("sum, all operands", "roma_fp_add", "LATENCY 0", "a b y", "true", is_float(SUM), True),
]
# Claims that are wrong: what a proof must refute.
WRONG = [
    ("half to float flushes subnormals", "roma_half_to_fp", "LATENCY 0", "x y", "true",
     is_float("(ite (fp.isSubnormal ((_ to_fp 5 11) x)) (_ +zero 8 24) ((_ to_fp 8 24) RNE ((_ to_fp 5 11) x)))"), False),
    ("int32 to float, ties away", "roma_int_to_fp", "LATENCY 0", "x y", "true", is_float("((_ to_fp 8 24) RNA x)"), False),
    ("sum, ties away", "roma_fp_add", "LATENCY 0", "a b y", "true", is_float("(fp.add RNA %s %s)" % (FLOAT % "a", FLOAT % "b")), False),
]


def run(*words):
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode: sys.exit("prove_fp: %s\n%s" % (" ".join(words), done.stdout))


def is_refuted(claim, work):
    """True where there are operands that refute a claim."""
    _, block, parameters, ports, assumed, claimed, _ = claim
    path = os.path.join(work, "block.smt2")
    run("yosys", "-q", "-p", "read_verilog rtl/*.v; hierarchy -check -top %s -chparam %s; proc; flatten; opt; rename -top top; "
        "write_smt2 -stbv -wires %s" % (block, parameters, path))
    text = "(set-logic ALL)\n" + open(path, encoding="utf-8").read()
    widths = dict(re.findall(r"; yosys-smt2-(?:input|output|wire) (\S+) (\d+)\n", text))
    text += "(declare-fun s () |top_s|)\n(assert (|top_is| s))\n"
    for port in ports.split():
        text += "(define-fun %s () (_ BitVec %s) (|top_n %s| s))\n" % (port, widths[port], port)
    text += "(assert %s)\n(assert (not %s))\n" % (assumed, claimed)
    open(path, "w", encoding="utf-8").write(text)
    manager, options = bitwuzla.TermManager(), bitwuzla.Options()
    parser = bitwuzla.Parser(manager, options)
    parser.parse(path, False, True)
    result = parser.bitwuzla().check_sat()
    if result == bitwuzla.Result.UNKNOWN: sys.exit("prove_fp: bitwuzla does not know")
    return result == bitwuzla.Result.SAT


def record():
    """What is proved, by a hash of the claims and of all blocks."""
    h = hashlib.sha256()
    for name in sorted(os.listdir(os.path.join(ROOT, "rtl"))):
        if name.endswith(".v") and name[:-2] in BLOCKS: h.update(open(os.path.join(ROOT, "rtl", name), "rb").read())
    h.update(repr(CLAIMS).encode())
    return "".join("%s: %s\n" % (c[1], c[0]) for c in CLAIMS) + "sha256 of blocks and claims: %s\n" % h.hexdigest()


BLOCKS = {c[1] for c in CLAIMS} | {"roma_lzc", "roma_cut", "roma_increment"}


def main():
    everything = sys.argv[1:] == ["--prove"]
    with tempfile.TemporaryDirectory() as work:
        for claim in CLAIMS + WRONG:
            if claim[6] and not everything: continue
            began = time.time()
            if is_refuted(claim, work) != (claim in WRONG): sys.exit("prove_fp: %s: %s" % (claim[1], "not refuted: " + claim[0] if claim in WRONG else "refuted: " + claim[0]))
            print("prove_fp: %s: %s: %s, %.1f s" % (claim[1], claim[0], "refuted, as it must be" if claim in WRONG else "proved", time.time() - began), flush=True)
    if everything:
        open(RECORD, "w", encoding="utf-8").write(record())
    elif not os.path.exists(RECORD) or open(RECORD, encoding="utf-8").read() != record():
        sys.exit("prove_fp: tests/rtl/proved_fp.txt is of other blocks or claims than these: make prove")


main()
