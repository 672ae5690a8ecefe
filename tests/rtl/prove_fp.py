#!/usr/bin/env python3
"""usage: tests/rtl/prove_fp.py           proves the claims that take seconds, and that tests/rtl/proved_fp.txt is of the blocks as they are
       tests/rtl/prove_fp.py --prove   proves the others that tests/rtl/proved_fp.txt lacks (minutes), and adds each to it

A claim says of one block, without registers (LATENCY 0), that it gives SMT's floating-point operation for every operand, NaN being one value; claims of
prove_parts.py say it in parts. A wrong claim must be refuted, so that the proof is seen to be able to fail, and what a claim assumes must be possible.
"""
import concurrent.futures
import glob
import hashlib
import os
import re
import sys
import time

import prove_parts
from smt import ROOT, Claim, at, every, is_refuted, num, same

RECORD = os.path.join(ROOT, "tests", "rtl", "proved_fp.txt")


def as_float(x):
    return "((_ to_fp 8 24) %s)" % x


def is_value(term):
    """y is an FP32 value; of all NaNs it is one."""
    y = at("y")
    return every(same(as_float(y), term), "(=> (fp.isNaN %s) %s)" % (term, same(y, "#x7fc00000")))


def near(width):
    """y is x * 2^scale to the nearest integer, in double precision, where the product is exact, held to +-(2^(width - 1) - 1)."""
    x, y, most = as_float(at("x")), at("y"), (1 << (width - 1)) - 1
    product = "(fp.mul RNE ((_ to_fp 11 53) RNE %s) (fp #b0 (bvadd ((_ sign_extend 2) %s) %s) %s))" % (x, at("scale"), num(1023, 11), num(0, 52))
    bound = lambda value: "((_ to_fp 11 53) RNE %s)" % num(value, 40)
    whole = "((_ fp.to_sbv 40) RNE %s)" % product
    held = "(ite (bvsgt {n} {most}) {most} (ite (bvslt {n} {least}) {least} {n}))".format(n=whole, most=num(most, 40), least=num(-most, 40))
    claimed = same("((_ sign_extend %d) %s)" % (40 - width, y), held)
    for test, value in (("fp.leq %s %s" % (product, bound(-most - 1)), -most), ("fp.geq %s %s" % (product, bound(most + 1)), most), ("fp.isNaN " + x, 0)):
        claimed = "(ite (%s) %s %s)" % (test, same(y, num(value, width)), claimed)
    return Claim("float to int%d, all operands, scale -256 to 150" % width, "roma_fp_to_int", "LATENCY 0 W %d" % width, claimed,
                 "(bvsle %s %s)" % (at("scale"), num(150, 9)), slow=width > 9)


A, B, X = as_float(at("a")), as_float(at("b")), at("x")
TRIPLE = "(= (bvadd {sum} {carry}) (bvadd ((_ extract 47 0) {rows}) ((_ extract 95 48) {rows}) ((_ extract 143 96) {rows})))".format(
    sum=at("sum"), carry=at("carry"), rows=at("rows"))
WHOLE = [
    Claim("half to float, all operands", "roma_half_to_fp", "LATENCY 0", is_value("((_ to_fp 8 24) RNE ((_ to_fp 5 11) %s))" % X)),
    Claim("int32 to float, all operands", "roma_int_to_fp", "LATENCY 0", is_value("((_ to_fp 8 24) RNE %s)" % X)),
    Claim("int64 to float, all operands", "roma_int_to_fp", "LATENCY 0 W 64", is_value("((_ to_fp 8 24) RNE %s)" % X)),
    near(8), near(9), near(16), near(32),
    Claim("three rows become two, 48 bits", "roma_compress", "ROWS 3 W 48", TRIPLE),
]
SUM = Claim("sum, all operands", "roma_fp_add", "LATENCY 0", is_value("(fp.add RNE %s %s)" % (A, B)), slow=True)
WRONG = [
    Claim("half to float flushes subnormals", "roma_half_to_fp", "LATENCY 0", is_value(
        "(ite (fp.isSubnormal ((_ to_fp 5 11) {x})) (_ +zero 8 24) ((_ to_fp 8 24) RNE ((_ to_fp 5 11) {x})))".format(x=X))),
    Claim("int32 to float, ties away", "roma_int_to_fp", "LATENCY 0", is_value("((_ to_fp 8 24) RNA %s)" % X)),
    Claim("sum, ties away", "roma_fp_add", "LATENCY 0", is_value("(fp.add RNA %s %s)" % (A, B))),
]


def check(claim, wrong):
    """What is to be said, and whether all is well."""
    began = time.time()
    if is_refuted(claim) != wrong: return "%s: %s: %s" % (claim.block, "not refuted" if wrong else "refuted", claim.name), False
    impossible = Claim(claim.name, claim.block, claim.parameters, "false", claim.assumed, claim.free, claim.runs)
    if claim.assumed != "true" and not is_refuted(impossible): return "%s: %s assumes what cannot be" % (claim.block, claim.name), False
    return "%s: %s: %s, %.1f s" % (claim.block, claim.name, "refuted, as it must be" if wrong else "proved", time.time() - began), True


def checked(claims, wrong):
    """The claims, as they are done; several are tried at once."""
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(check, c, wrong): c for c in claims}
        for done in concurrent.futures.as_completed(running):
            said, good = done.result()
            if not good:
                pool.shutdown(cancel_futures=True)
                sys.exit("prove_fp: " + said)
            print("prove_fp: " + said, flush=True)
            yield running[done]


def blocks_of(name, texts):
    """The text of a block and of all that it is made of."""
    inside = {n for n in texts if n != name and re.search(r"\b%s (#\(|\w+ \()" % n, texts[name])}
    return dict([(name, texts[name])] + [pair for n in sorted(inside) for pair in blocks_of(n, texts).items()])


def seal(claim, texts):
    """A hash of a claim and of the blocks that it speaks of."""
    h = hashlib.sha256(claim.text().encode())
    for name, text in sorted(blocks_of(claim.block, texts).items()): h.update((name + text).encode())  # without comments
    return h.hexdigest()[:16]


def main():
    everything = sys.argv[1:] == ["--prove"]
    texts = {os.path.basename(p)[:-2]: re.sub(r"/\*.*?\*/|//[^\n]*", "", open(p, encoding="utf-8").read(), flags=re.S) for p in glob.glob(ROOT + "/rtl/*.v")}
    claims = [SUM] + WHOLE + list(prove_parts.parts())
    lines = {c: "%s %s: %s\n" % (seal(c, texts), c.block, c.name) for c in claims}
    known = set(open(RECORD, encoding="utf-8")) if os.path.exists(RECORD) else set()
    for claim in checked([c for c in claims if not c.slow or everything and lines[c] not in known], False):
        known.add(lines[claim])
        if everything: open(RECORD, "w", encoding="utf-8").write("".join(lines[c] for c in claims if lines[c] in known))
    for claim in checked(WRONG + list(prove_parts.spoiled()), True): pass
    stale = [c for c in claims if lines[c] not in known]
    if stale: sys.exit("prove_fp: tests/rtl/proved_fp.txt has no proof of %d claims about the blocks as they are: make prove; %s: %s" %
                       (len(stale), stale[0].block, stale[0].name))


main()
