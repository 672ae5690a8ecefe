#!/usr/bin/env python3
"""Second, independent reader of ROM images, written from docs/rom-format.md alone: claims every byte of the file exactly
once, recomputes CRCs, SHA-256 and base identity, dequantises every tensor and prints the dump that dump_rom.c prints."""
import hashlib
import math
import struct
import sys

ROLES = {1: "embed", 2: "head", 3: "final_norm", 4: "attn_norm", 5: "q", 6: "k", 7: "v", 8: "o", 9: "q_bias", 10: "k_bias",
         11: "v_bias", 12: "q_norm", 13: "k_norm", 14: "ffn_norm", 15: "gate", 16: "up", 17: "down",
         18: "o_bias", 19: "gate_bias", 20: "up_bias", 21: "down_bias"}
LAYER_ORDER = "attn_norm q k v q_bias k_bias v_bias q_norm k_norm o o_bias ffn_norm gate gate_bias up up_bias down down_bias".split()
KNOWN = {"HYPR": 1, "ROPE": 1, "VOCB": 1, "TMPL": 1, "TENS": 1, "ORDR": 1, "DATA": 1, "META": 0, "REPT": 0}
CRC_TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    CRC_TABLE.append(n)


def crc32c(data):
    crc = 0xFFFFFFFF
    for b in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ b) & 255]
    return crc ^ 0xFFFFFFFF


def need(ok, what):
    if not ok:
        raise ValueError(what)


def up(x, a):
    return -(-x // a) * a


class Image:
    """The bytes of a file, and which of them have been explained."""

    def __init__(self, data):
        self.data, self.claimed = data, bytearray(len(data))

    def take(self, at, n):
        need(0 <= at and at + n <= len(self.data), f"{n} bytes at {at} are not in the file")
        need(not any(self.claimed[at:at + n]), f"bytes at {at} are used twice")
        self.claimed[at:at + n] = b"\1" * n
        return self.data[at:at + n]

    def zero(self, at, n):
        need(not any(self.take(at, n)), f"bytes at {at} are not zero")

    def fields(self, at, form):
        return struct.unpack("<" + form, self.take(at, struct.calcsize("<" + form)))


def read_frame(f):
    magic, version, flags, size, count, table_crc, table, base = f.fields(0, "8sIIQIIQ32s")
    need(magic == b"ROMA\x1a\n\r\n" and version == 1 and flags == 0, "not an image of version 1")
    need(size == len(f.data), "file size")
    need(1 <= count <= 64 and table == 128, "section table")
    f.zero(72, 12)
    need(f.fields(84, "I")[0] == crc32c(f.data[:84]), "header CRC")
    sha, zero, sha_crc = f.fields(88, "32sII")
    need(zero == 0 and sha_crc == crc32c(f.data[88:124]), "CRC of the hash")
    need(hashlib.sha256(f.data[:88] + bytes(40) + f.data[128:]).digest() == sha, "SHA-256 of the file")
    need(table_crc == crc32c(f.data[128:128 + 32 * count]), "CRC of the section table")
    print(f"image version {version} bytes {size}\nsha256 {sha.hex()}\nbase {base.hex()}")
    sections, end = {}, 128 + 32 * count
    for i in range(count):
        tag, flags, offset, size, crc, zero = f.fields(128 + 32 * i, "4sIQQII")
        tag = tag.decode("ascii")
        need(all(c.isupper() or c.isdigit() for c in tag) and flags < 2 and zero == 0 and tag not in sections, "section entry")
        start = up(end, 4096 if tag == "DATA" else 64)
        need(offset == start, f"place of {tag}")
        f.zero(end, start - end)
        need(crc == crc32c(f.data[offset:offset + size]), f"CRC of {tag}")
        if tag in KNOWN:
            need(flags == KNOWN[tag] and size, f"flags or size of {tag}")
        else:
            need(not flags, f"unknown critical section {tag}")
            f.take(offset, size)
        sections[tag] = (offset, size)
        end = offset + size
        print(f"section {tag} flags {flags} offset {offset} bytes {size} crc {crc:08x}")
    need(end == len(f.data), "bytes behind the last section")
    need([t for t in sections if t in KNOWN] == [t for t in KNOWN if t in sections], "order of sections")
    need(all(t in sections for t in KNOWN if t not in ("VOCB", "TMPL", "ORDR", "REPT")), "a section is missing")
    return sections, base


def read_hyper(f, sections):
    at, size = sections["HYPR"]
    need(size == 64, "size of HYPR")
    names = "arch layers hidden ffn heads kv_heads head_dim rope_dim vocab context eps".split()
    h = dict(zip(names, f.fields(at, "11I")))
    own = f.fields(at + 44, "3I")
    for name, width, unit in zip(("hidden", "ffn", "head_dim"), own, (32, 32, 16)):
        need(not width or (width < h[name] and up(width, unit) == h[name]), "own widths")
    h["head_own"] = own[2] or h["head_dim"]
    f.zero(at + 56, 8)
    eps = struct.unpack("<f", struct.pack("<I", h["eps"]))[0]
    need(h["arch"] in (1, 2, 3) and 1 <= h["layers"] <= 1024 and 0 < eps < 1, "HYPR")
    need(h["hidden"] % 32 == 0 and 0 < h["hidden"] <= 65536 and h["ffn"] % 32 == 0 and 0 < h["ffn"] <= 262144, "widths")
    need(h["kv_heads"] and h["heads"] % h["kv_heads"] == 0 and h["head_dim"] % 16 == 0 and 0 < h["head_dim"] <= 512, "heads")
    need(0 < h["heads"] * h["head_dim"] <= 65536, "width of the heads")
    need(h["rope_dim"] % 2 == 0 and 2 <= h["rope_dim"] <= h["head_own"], "rotated width")
    need(1 <= h["vocab"] <= 4194304 and 1 <= h["context"] <= 16777216, "vocabulary or context")
    print("hyper " + " ".join(f"{k} {h[k]}" for k in names) + (f" own {own[0]} {own[1]} {own[2]}" if any(own) else ""))
    at, size = sections["ROPE"]
    pairs = h["rope_dim"] // 2
    need(size in (8 * pairs, 8 * pairs + 8), "size of ROPE")
    for i, phase in enumerate(f.fields(at, f"{pairs}Q")):
        print(f"rope {i} {phase:016x}")
    if size > 8 * pairs:
        gain, zero = f.fields(at + 8 * pairs, "fI")
        need(not zero and gain != 1 and 1e-6 <= gain <= 1e6, "factor of ROPE")
        print(f"gain {gain:.9g}")
    return h


def read_vocab(f, sections, h):
    if "VOCB" not in sections:
        print("vocab none")
        return
    at, size = sections["VOCB"]
    head = f.fields(at, "4I4iI4BI16iI")
    kind, pre, tokens, merges = head[:4]
    ids, template, switches, n_eog, eog, text_bytes = head[4:8], head[8], head[9:13], head[13], head[14:30], head[30]
    f.zero(at + 112, 16)
    need(kind in (1, 2) and pre <= 12 and template <= 9 and all(s < (4 if i == 2 else 2) for i, s in enumerate(switches)), "head of VOCB")
    need(1 <= tokens <= h["vocab"] and merges <= 4194304 and (kind == 1 or not merges), "counts of VOCB")
    need(all(-1 <= i < tokens for i in ids) and n_eog <= 16, "ids of VOCB")
    need(all(0 <= i < tokens for i in eog[:n_eog]) and all(i == -1 for i in eog[n_eog:]), "ids that end a turn")
    at += 128
    arrays = []
    for form, n in (("I", tokens + 1), ("f", tokens if kind == 2 else 0), ("I", 2 * merges), ("B", tokens)):
        arrays.append(f.fields(at, f"{n}{form}"))
        at += struct.calcsize(f"<{n}{form}")
    offsets, scores, pairs, types = arrays
    text = f.take(at, text_bytes)
    need(at + text_bytes == sum(sections["VOCB"]), "size of VOCB")
    need(offsets[0] == 0 and offsets[-1] == text_bytes and all(0 <= b - a <= 4096 for a, b in zip(offsets, offsets[1:])), "offsets")
    need(all(1 <= t <= 6 for t in types) and all(math.isfinite(s) for s in scores) and all(p < tokens for p in pairs), "tokens")
    print(f"vocab kind {kind} pre {pre} tokens {tokens} merges {merges} ids {' '.join(map(str, ids))} template {template} "
          f"flags {' '.join(map(str, switches))} eog {' '.join(map(str, eog[:n_eog]))}")
    if "TMPL" in sections:
        place, size = sections["TMPL"]
        need(size <= 1 << 20 and not template, "TMPL")
        print(f"template {f.take(place, size).hex()}")
    for i in range(tokens):
        score = struct.pack(">f", scores[i]).hex() if kind == 2 else "-"
        print(f"token {i} type {types[i]} score {score} text {text[offsets[i]:offsets[i + 1]].hex()}")
    for i in range(merges):
        print(f"merge {pairs[2 * i]} {pairs[2 * i + 1]}")


def shape(h, role):
    q, kv = h["heads"] * h["head_dim"], h["kv_heads"] * h["head_dim"]
    hidden, ffn, vocab = h["hidden"], h["ffn"], h["vocab"]
    return {"embed": (vocab, hidden), "head": (vocab, hidden), "q": (q, hidden), "k": (kv, hidden), "v": (kv, hidden),
            "o": (hidden, up(h["heads"] * h["head_own"], 32)), "gate": (ffn, hidden), "up": (ffn, hidden), "down": (hidden, ffn), "q_bias": (1, q),
            "k_bias": (1, kv), "v_bias": (1, kv), "gate_bias": (1, ffn), "up_bias": (1, ffn), "q_norm": (1, h["head_dim"]), "k_norm": (1, h["head_dim"])}.get(role, (1, hidden))


def required(h, role):
    if role == "head":
        return False
    if role.endswith("_bias"):
        return h["arch"] == 2 and role[0] in "qkv"
    return h["arch"] == 3 if role in ("q_norm", "k_norm") else True


def exists(h, role):
    return h["arch"] == 3 if role in ("q_norm", "k_norm") else True


SCALE_BYTES = {1: 32, 2: 8, 3: 12, 4: 12, 5: 16, 6: 64}
ZERO_BYTES = {0: 0, 1: 8, 2: 16}


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


class Tensor:
    def __init__(self, f, at):
        self.head, self.table_bytes = f.data[at:at + 48], f.data[at + 80:at + 112]
        self.role, self.layer, self.rows, self.cols = f.fields(at, "IIQQ")
        (self.kind, self.bits, self.low, self.high, self.level, self.scale, self.min) = f.fields(at + 24, "7B")
        self.zeros = f.fields(at + 31, "B")[0]
        self.group, self.super, self.zero = f.fields(at + 32, "HHh")
        f.zero(at + 38, 2)
        act, self.order, self.tie = f.fields(at + 40, "IIi")
        f.zero(at + 52, 4)
        self.offset, self.bytes, self.tile_bytes = f.fields(at + 56, "QQQ")
        self.table = f.fields(at + 80, "16h")
        f.zero(at + 112, 16)
        need(act == 0, "activation group")
        need(self.role in ROLES, "role")
        self.name = ROLES[self.role]
        if self.kind == 0:
            need(not any(self.head[25:]) and not self.order and not any(self.table) and self.tile_bytes == 0 and self.tie == -1, "vector")
            need(self.bytes == 4 * self.cols, "bytes of a vector")
            return
        need(self.kind == 1 and (self.low, self.high) == {2: (2, 0), 3: (2, 1), 4: (4, 0), 5: (4, 1), 6: (4, 2), 8: (8, 0)}[self.bits],
             "planes")
        need(self.level in (0, 1, 2) and (self.bits == 4 if self.level else not any(self.table)), "levels")
        need(self.scale in SCALE_BYTES and self.min in (0, self.scale), "scale forms")
        need(self.group in (16, 32, 64, 128, 256) and self.super == (256 if 1 < self.scale < 6 else 0), "groups")
        need(self.cols % 32 == 0 and self.cols % self.group == 0 and (not self.super or self.cols % self.super == 0), "row length")
        levels = self.table if self.level else range(-128, 128) if self.bits == 8 else range(1 << self.bits)
        own = {0: (0, 0), 1: (0, 15), 2: (-128, 127)}[self.zeros]
        worst = max(abs(min(levels) - self.zero - own[1]), abs(max(levels) - self.zero - own[0]))
        need(worst <= (64 if self.scale == 5 else 511 if self.level == 2 else 255 if self.zeros == 2 else 128), "zero point")
        need(self.level != 1 or -128 <= min(levels) and max(levels) <= 127, "levels of 8 bits")
        need(not self.min or self.scale < 6, "a minimum beside FP32 scales")
        need(not (self.zeros or self.level == 2) or (self.scale in (1, 6) and not self.min), "scales beside zero points or a fine table")
        need(not self.zeros or (not self.level and (self.bits <= 4 if self.zeros == 1 else self.bits == 8)), "zero points")
        need(self.level != 2 or not self.zero, "zero point of a fine table")
        self.groups, self.supers = self.cols // self.group, self.cols // self.super if self.super else 0
        sizes = [2 * self.cols * self.low, 2 * self.cols * self.high, self.groups * SCALE_BYTES[self.scale],
                 self.groups * SCALE_BYTES[self.scale] if self.min else 0, 32 * self.supers, 32 * self.supers if self.min else 0,
                 self.groups * ZERO_BYTES[self.zeros]]
        self.at = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
        self.tiles = up(self.rows, 16) // 16
        need(self.tile_bytes == up(self.at[-1], 64) and self.bytes == self.tiles * self.tile_bytes, "bytes of a matrix")

    def plane(self, tile, start, width, r, i):
        per_block = 32 // width
        block, rest = divmod(i, per_block)
        k, j = divmod(rest, 4)
        return tile[start + 64 * block + 4 * r + j] >> (width * k) & ((1 << width) - 1)

    def code(self, tile, r, i):
        c = self.plane(tile, self.at[0], self.low, r, i)
        return c + (self.plane(tile, self.at[1], self.high, r, i) << self.low) if self.high else c

    def scale_of(self, tile, region, super_region, g, r):
        at = self.at[region] + g * SCALE_BYTES[self.scale]
        if self.scale == 6:
            return struct.unpack_from("<f", tile, at + 4 * r)[0]
        if self.scale == 1:
            return struct.unpack_from("<e", tile, at + 2 * r)[0]
        c = struct.unpack_from("<b", tile, at + r)[0] if self.scale == 5 else tile[at + r % 8] >> (4 if r >= 8 else 0) & 15
        if self.scale in (3, 4):
            c += (tile[at + 8 + r % 4] >> 2 * (r // 4) & 3) << 4
        if self.scale == 4:
            c -= 32
        return c * struct.unpack_from("<e", tile, self.at[super_region] + 32 * (g * self.group // self.super) + 2 * r)[0]

    def zero_of(self, tile, g, r):
        at = self.at[6] + g * ZERO_BYTES[self.zeros]
        own = struct.unpack_from("<b", tile, at + r)[0] if self.zeros == 2 else tile[at + r % 8] >> (4 if r >= 8 else 0) & 15 if self.zeros else 0
        return self.zero + own

    def row(self, tile, r):
        out = []
        for g in range(self.groups):
            scale = self.scale_of(tile, 2, 4, g, r)
            low = self.scale_of(tile, 3, 5, g, r) if self.min else 0.0
            need(math.isfinite(scale) and math.isfinite(low), "a scale is not finite")
            zero = self.zero_of(tile, g, r)
            for i in range(g * self.group, (g + 1) * self.group):
                c = self.code(tile, r, i)
                level = self.table[c] if self.level else c - 256 if self.bits == 8 and c > 127 else c
                w = f32(scale * float(level - zero))
                out.append(w + low if self.min else w)
        return struct.pack(f"<{self.cols}f", *out)

    def spare_rows_zero(self, tile):
        """Every field of the rows that fill up the last tile."""
        for r in range(self.rows % 16 or 16, 16):
            for i in range(self.cols):
                need(self.code(tile, r, i) == 0, "a spare code")
            fields = [(self.at[2], self.groups, SCALE_BYTES[self.scale]), (self.at[4], self.supers, 32)]
            if self.zeros:
                fields.append((self.at[6], self.groups, ZERO_BYTES[self.zeros]))
            if self.min:
                fields += [(self.at[3], self.groups, SCALE_BYTES[self.scale]), (self.at[5], self.supers, 32)]
            for start, n, step in fields:
                for at in range(start, start + n * step, step):
                    if step == 64:
                        bits = any(tile[at + 4 * r:at + 4 * r + 4])
                    elif step == 32:
                        bits = tile[at + 2 * r] | tile[at + 2 * r + 1]
                    elif step == 16:
                        bits = tile[at + r]
                    else:
                        bits = tile[at + r % 8] >> (4 if r >= 8 else 0) & 15
                        bits |= tile[at + 8 + r % 4] >> 2 * (r // 4) & 3 if step == 12 else 0
                    need(bits == 0, "a spare scale")


def read_orders(f, sections):
    """Of each order its columns and whether it is folded."""
    if "ORDR" not in sections:
        return []
    at, size = sections["ORDR"]
    n = f.fields(at, "I")[0]
    f.zero(at + 4, 12)
    orders = [f.fields(at + 16 + 8 * i, "II") for i in range(n)]
    need(1 <= n <= 65536 and all(folded < 2 for _, folded in orders) and size == 16 + 8 * n + 4 * sum(cols for cols, _ in orders), "ORDR")
    at += 16 + 8 * n
    for i, (cols, folded) in enumerate(orders):
        order = f.fields(at, f"{cols}I")
        need(sorted(order) == list(range(cols)), "an order has each column once")
        print(f"order {i + 1} cols {cols} folded {folded} values {hashlib.sha256(f.data[at:at + 4 * cols]).hexdigest()}")
        at += 4 * cols
    return orders


def check_order(t, orders, named):
    """Orders are numbered as they are named; the largest number so far."""
    if t.kind == 0 or not t.order:
        return named
    need(t.order <= min(len(orders), named + 1), "number of an order")
    cols, folded = orders[t.order - 1]
    need(t.name not in ("embed", "head") and cols == t.cols and (not folded or t.name == "down"), "an order of a matrix")
    return max(named, t.order)


def read_tensors(f, sections, h, base):
    orders, named = read_orders(f, sections), 0
    at, size = sections["TENS"]
    n, descriptor = f.fields(at, "II")
    f.zero(at + 8, 8)
    need(n and descriptor == 128 and size == 16 + 128 * n, "TENS")
    tensors = [Tensor(f, at + 16 + 128 * i) for i in range(n)]
    order = [("embed", 0)] + [(r, l) for l in range(h["layers"]) for r in LAYER_ORDER] + [("final_norm", 0), ("head", 0)]
    have = [(t.name, t.layer) for t in tensors]
    need(have == [o for o in order if o in have] and len(set(have)) == n, "order of tensors")
    need(all(o in have for o in order if required(h, o[0])) and all(exists(h, r) for r, _ in have), "set of tensors")
    ident = hashlib.sha256(b"ROMA base identity 1\n")
    hyper, rope = sections["HYPR"][0], sections["ROPE"]
    ident.update(f.data[hyper:hyper + 36] + f.data[hyper + 40:hyper + 44] +
                 (f.data[hyper + 44:hyper + 56] if any(f.data[hyper + 44:hyper + 56]) else b"") + f.data[rope[0]:sum(rope)])
    if orders:
        words, end = sections["ORDR"][0] + 16 + 8 * len(orders), 0
        for cols, folded in orders:
            ident.update(struct.pack("<II", cols, folded) + f.data[words + end:words + end + 4 * cols])
            end += 4 * cols
    ident.update(struct.pack("<I", n))
    end, data_end = sections["DATA"][0], sum(sections["DATA"])
    for i, t in enumerate(tensors):
        need((t.rows, t.cols) == shape(h, t.name), f"shape of {t.name}")
        need(t.kind == (0 if t.name.endswith("norm") or t.name.endswith("bias") else 1), f"kind of {t.name}")
        named = check_order(t, orders, named)
        ident.update(t.head + t.table_bytes)
        values = hashlib.sha256()
        if t.tie >= 0:
            to = tensors[t.tie]
            need(t.tie < i and to.tie == -1 and to.kind == 1 and (to.rows, to.cols) == (t.rows, t.cols), "tie")
            need(to.head[24:] == t.head[24:] and to.table == t.table, "format of a tie")
            need((to.offset, to.bytes, to.tile_bytes) == (t.offset, t.bytes, t.tile_bytes), "place of a tie")
            ident.update(struct.pack("<III", 1, to.role, to.layer))
        else:
            need(t.tie == -1, "tie")
            ident.update(struct.pack("<I", 0))
            need(t.offset == end and end % 64 == 0, f"place of {t.name}")
            f.take(end, t.bytes)
            end += t.bytes
        data = f.data[t.offset:t.offset + t.bytes]
        if t.kind == 0:
            need(all(map(math.isfinite, struct.unpack(f"<{t.cols}f", data))), "a value is not finite")
            values.update(data)
            ident.update(data)
        else:
            for tile_index in range(t.tiles):
                tile = data[tile_index * t.tile_bytes:(tile_index + 1) * t.tile_bytes]
                need(not any(tile[t.at[-1]:]), "the end of a tile is not zero")
                for r in range(min(16, t.rows - 16 * tile_index)):
                    values.update(t.row(tile, r))
                if t.tie < 0:
                    ident.update(tile[:t.at[-1]])
            t.spare_rows_zero(tile)
        table = " ".join(map(str, t.table)) if t.level else "-"
        print(f"tensor {i} {t.name} layer {t.layer} {t.rows} x {t.cols} kind {t.kind} bits {t.bits} level {t.level} scale {t.scale} "
              f"min {t.min} group {t.group} super {t.super} zero {t.zero} zeros {t.zeros} order {t.order} tie {t.tie} offset {t.offset} bytes {t.bytes} "
              f"tile {t.tile_bytes} table {table} values {values.hexdigest()}")
    need(named == len(orders), "an order of no matrix")
    need(end == data_end, "end of DATA")
    need(ident.digest() == base, "base identity")


def read_meta(f, sections):
    at, size = sections["META"]
    lengths = f.fields(at, "4I")
    need(lengths[3] == 0 and size == 16 + sum(lengths) and all(n <= m for n, m in zip(lengths, (127, 63, 511, 0))), "META")
    at += 16
    for name, n in zip(("name", "license", "note"), lengths):
        text = f.take(at, n)
        need(all(0x20 <= c <= 0x7E for c in text), f"{name} is not printable")
        print(f"{name} {text.decode('ascii')}")
        at += n


def read_report(f, sections):
    if "REPT" in sections:
        at, size = sections["REPT"]
        text = f.take(at, size)
        need(size <= 1 << 20 and all(c == 10 or 0x20 <= c <= 0x7E for c in text), "REPT")


def main(path):
    with open(path, "rb") as file:
        f = Image(file.read())
    sections, base = read_frame(f)
    h = read_hyper(f, sections)
    read_vocab(f, sections, h)
    read_tensors(f, sections, h, base)
    read_meta(f, sections)
    read_report(f, sections)
    need(all(f.claimed), f"byte {f.claimed.find(0)} belongs to nothing")
    print(f"all {len(f.data)} bytes accounted for")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (ValueError, KeyError, struct.error) as e:
        print(f"read_rom: {sys.argv[1]}: {e}", file=sys.stderr)
        sys.exit(1)
