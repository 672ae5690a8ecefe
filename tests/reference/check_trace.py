#!/usr/bin/env python3
"""Holds a trace of values (roma run --trace-values) against a second computation of the model: numerics.py, over what rom.py reads.

usage: check_trace.py IMAGE TRACE [ADAPTER[:FACTOR]]...

The tokens are the trace's; all else is computed here, step by step as the trace has them. Every record must be there, in the plan's order, and
its CRC-32C must be that of the values computed here, with whichever cache the trace's first line names. Of a record that differs, the first element is told when the trace is a full one. Exit
code 1: they differ. Needs numpy."""
import sys

import numpy as np

import numerics as n
import read_trace
from rom import Adapter, Image

F = np.float32


def float_bytes(x):
    """Rows of FP32 as bytes, every NaN as 7FC00000."""
    bits = np.ascontiguousarray(x, F).view("<u4").copy()
    bits[np.isnan(x)] = 0x7FC00000
    return [row.astype("<u4").tobytes() for row in bits]


def code_bytes(c):
    scales = float_bytes(c.scale[:, None])
    return [c.code[i].astype(np.int8).tobytes() + c.shift[i].astype(np.int8).tobytes() + scales[i] for i in range(len(scales))]


class Model:
    """One sequence. step() yields (name, layer, tensor, value, part, adapter, rows as bytes) in the plan's order."""

    def __init__(self, image, adapters, kv):
        self.image, self.adapters, self.kv = image, adapters, kv
        self.h = image.hyper
        self.cache = {}  # layer: lists of key codes, key scales, value codes, value scales, by position

    def heads(self, x):
        return x.reshape(len(x), -1, self.h["head_dim"])

    def scaled(self, y, role, layer):
        """By the factors of DoRA that the first adapter may have."""
        t = self.adapters[0].target.get((role, layer)) if self.adapters else None
        return y if t is None or t.factor is None else y * t.factor

    def linear(self, role, layer, codes, value):
        """The product's parts, then what the next operation reads."""
        m = self.image.get(role, layer)
        y = self.scaled(n.product(m, codes), role, layer)
        yield ("linear", layer, role, value, "base", None, float_bytes(y))
        parts = []
        for k, a in enumerate(self.adapters):
            if (role, layer) in a.target:
                parts.append(n.adapter(a.target[role, layer], a.factor, codes))
                yield ("linear", layer, role, value, "adapter", k, float_bytes(parts[-1]))
        if self.image.has(role + "_bias", layer):
            y = y + self.image.get(role + "_bias", layer)
            yield ("bias", layer, role + "_bias", value, "bias", None, float_bytes(y))
        for p in parts:
            y = y + p
        self.out[value] = y

    def ordered(self, x, number):
        return n.gather(x, self.image.orders[number - 1]) if number else x

    def norm(self, role, layer, x, number=0, value="xn"):
        self.codes = n.quantise(self.ordered(x * self.image.get(role, layer), number), n.inverse_rms(x, self.image.eps))
        return ("norm", layer, role, value, "result", None, code_bytes(self.codes))

    def products(self, norm, layer, x, roles):
        """A norm for each order among the products' columns, then the products: role and value of each."""
        codes = {}
        for role, _ in roles:
            number = self.image.order(role, layer)
            if number not in codes:
                yield self.norm(norm, layer, x, number, "xn%s" % (len(codes) + 1 if codes else ""))
                codes[number] = self.codes
        for role, value in roles:
            yield from self.linear(role, layer, codes[self.image.order(role, layer)], value)

    def quantise(self, layer, x, value, role):
        self.codes = n.quantise(self.ordered(x, self.image.order(role, layer)))
        return ("quantise", layer, None, value, "result", None, code_bytes(self.codes))

    def head_norm(self, role, layer, value):
        x = self.heads(self.out[value])
        x = x * n.inverse_rms(x, self.image.eps)[..., None] * self.image.get(role, layer)
        self.out[value] = x.reshape(len(x), -1)
        return ("head_norm", layer, role, value, "result", None, float_bytes(self.out[value]))

    def rope(self, layer, value):
        x = self.out[value]
        self.out[value] = n.rope(self.heads(x), self.out["angles"]).reshape(x.shape)
        return ("rope", layer, None, value, "result", None, float_bytes(self.out[value]))

    def put(self, layer, positions):
        kept = self.cache.setdefault(layer, ([], [], [], []))
        for at, value, part in ((0, "k", "keys"), (2, "v", "values")):
            code, stored, scale = n.cache_codes(self.heads(self.out[value]), self.kv, at == 2)
            for one in kept[at:at + 2]:
                del one[positions[0]:]
            kept[at].extend(code)
            kept[at + 1].extend(scale)
            scales = float_bytes(scale)
            yield ("cache", layer, None, None, part, None, [c.tobytes() + s for c, s in zip(stored, scales)])

    def attend(self, layer, positions):
        dim, shared = self.h["head_dim"], self.h["heads"] // self.h["kv_heads"]
        k, k_scale, v, v_scale = (np.array(one) for one in self.cache[layer])
        out = []
        for row, p in zip(self.heads(self.out["q"]), positions):
            out.append(np.concatenate([n.attend(q, k[:p + 1, i // shared], k_scale[:p + 1, i // shared], v[:p + 1, i // shared],
                                                v_scale[:p + 1, i // shared], dim) for i, q in enumerate(row)]))
        self.out["o"] = np.stack(out)
        return ("attend", layer, None, "o", "result", None, float_bytes(self.out["o"]))

    def residual(self, layer, x):
        x += self.out["y"]
        return ("residual", layer, None, "x", "result", None, float_bytes(x))

    def layer(self, i, x, positions):
        yield from self.products("attn_norm", i, x, [(role, role) for role in "qkv"])
        if self.image.has("q_norm", i):
            yield self.head_norm("q_norm", i, "q")
            yield self.head_norm("k_norm", i, "k")
        yield self.rope(i, "q")
        yield self.rope(i, "k")
        yield from self.put(i, positions)
        yield self.attend(i, positions)
        yield self.quantise(i, self.out["o"], "on", "o")
        yield from self.linear("o", i, self.codes, "y")
        yield self.residual(i, x)
        yield from self.products("ffn_norm", i, x, [("gate", "g"), ("up", "u")])
        self.out["g"] = n.silu(self.out["g"], self.out["u"])
        yield ("silu", i, None, "g", "result", None, float_bytes(self.out["g"]))
        yield self.quantise(i, self.out["g"], "gn", "down")
        yield from self.linear("down", i, self.codes, "y")
        yield self.residual(i, x)

    def step(self, tokens, positions):
        self.out = {"angles": n.angles(positions, self.image.phase)}
        yield ("angles", None, None, "angles", "result", None, float_bytes(self.out["angles"]))
        x = np.stack([n.embedding(self.image.get("embed"), t) for t in tokens])
        x = self.scaled(x, "embed", 0)
        for a in self.adapters:
            if ("embed", 0) in a.target:
                x = x + n.adapter_of_embedding(a.target["embed", 0], a.factor, tokens)
        yield ("embed", None, "embed", "x", "result", None, float_bytes(x))
        for i in range(self.h["layers"]):
            yield from self.layer(i, x, positions)
        yield self.norm("final_norm", 0, x)[:1] + (None, "final_norm", "xn", "result", None, code_bytes(self.codes))
        head = "head" if self.image.has("head") else "embed"
        y = self.scaled(n.product(self.image.get(head), self.codes), "head", 0)
        for a in self.adapters:
            if ("head", 0) in a.target:
                y = y + n.adapter(a.target["head", 0], a.factor, self.codes)
        yield ("linear", None, head, "logits", "base", None, float_bytes(y))


def first_difference(r, want):
    """Of a full trace: which element."""
    if r.data is None:
        return "the trace has no values (--trace-full)"
    have = r.bytes()
    size = len(want) // r.rows
    at = next(i for i in range(len(want)) if have[i] != want[i])
    row, at = divmod(at, size)
    if r.form == "f32":
        start = row * size + at // 4 * 4
        return "row %d, element %d: %s here, %s there" % (row, at // 4, want[start:start + 4].hex(), have[start:start + 4].hex())
    if at >= r.code_bytes * r.width:
        return "row %d, byte %d, behind the codes: %02x here, %02x there" % (row, at, want[row * size + at], have[row * size + at])
    at = at // r.code_bytes * r.code_bytes
    here, there = (b[row * size + at:][:r.code_bytes].hex() for b in (want, have))
    return "row %d, code %d: %s here, %s there" % (row, at // r.code_bytes, here, there)


class Mismatch(Exception):
    pass


def compare(r, made, rows_of_step):
    name, layer, tensor, value, part, adapter, rows = made
    have = (r.name, r.layer, r.tensor, r.value, r.part, r.adapter)
    if have != (name, layer, tensor, value, part, adapter):
        raise Mismatch("line %d: %s, and here comes %s" % (r.line, have, made[:6]))
    first = r.position - rows_of_step
    want = b"".join(rows[first:first + r.rows])
    if not 0 <= first <= first + r.rows <= len(rows) or len(want) != r.rows * r.row_bytes(compare.kv_heads):
        raise Mismatch("line %d: rows or width of %s" % (r.line, have))
    if read_trace.crc32c(want) != int(r.crc, 16):
        raise Mismatch("line %d: op %d, layer %s, %s %s -> %s, part %s: %s" % (r.line, r.op, layer, name, tensor, value, part, first_difference(r, want)))


def check(image, path, adapters):
    """Compares all; returns (records, positions). Raises Mismatch, or ValueError for a file that breaks the format."""
    compare.kv_heads = image.hyper["kv_heads"]
    head, records = read_trace.read(path, compare.kv_heads)
    if head["base"] != image.base:
        raise Mismatch("the trace is of another image")
    model, at, positions = Model(image, adapters, head.get("kv", "int8")), 0, set()
    while at < len(records):
        r = records[at]
        here = list(range(r.position, r.position + r.rows))
        positions.update(here)
        embed = records[at + 1] if at + 1 < len(records) else r
        if r.name != "angles" or embed.name != "embed" or r.sequence != 0:
            raise Mismatch("line %d: a step of one sequence begins with angles and embed" % r.line)
        if max(embed.tokens) >= image.hyper["vocab"]:
            raise Mismatch("line %d: a token beyond the vocabulary" % embed.line)
        for made in model.step(embed.tokens, here):
            if made[2] == "final_norm" and (at == len(records) or records[at].op == 0):
                break  # no logits were wanted
            if at == len(records):
                raise Mismatch("the trace ends before %s of layer %s" % (made[0], made[1]))
            compare(records[at], made, r.position)
            at += 1
    return len(records), len(positions)


def main(args):
    image = Image(args[0])
    adapters = []
    for a in args[2:]:
        path, _, factor = a.partition(":")
        adapters.append(Adapter(path, float(factor or 1)))
    try:
        records, positions = check(image, args[1], adapters)
    except Mismatch as e:
        print("check_trace:", e)
        return 1
    print("check_trace: %d records of %d positions are equal" % (records, positions))
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
