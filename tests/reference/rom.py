"""ROM images and adapters as numpy arrays, read as docs/rom-format.md and docs/adapter-format.md say; nothing of the library is used.

What a file must not be is read_rom.py's and read_lora.py's affair: here files are taken to be sound."""
import struct

import numpy as np

ROLES = {1: "embed", 2: "head", 3: "final_norm", 4: "attn_norm", 5: "q", 6: "k", 7: "v", 8: "o", 9: "q_bias", 10: "k_bias",
         11: "v_bias", 12: "q_norm", 13: "k_norm", 14: "ffn_norm", 15: "gate", 16: "up", 17: "down",
         18: "o_bias", 19: "gate_bias", 20: "up_bias", 21: "down_bias"}
F16, U4, U6, S6, S8 = 1, 2, 3, 4, 5
SCALE_BYTES = {F16: 32, U4: 8, U6: 12, S6: 12, S8: 16}


def sections(data):
    count, table = struct.unpack_from("<I", data, 24)[0], struct.unpack_from("<Q", data, 32)[0]
    found = {}
    for i in range(count):
        tag, _, offset, size = struct.unpack_from("<4sIQQ", data, table + 32 * i)
        found[tag.decode("ascii")] = (offset, size)
    return found


class Matrix:
    """level[row, col] less the zero point (int16), and scale and low (the minimum, or None) as FP32 by [group, row]."""

    def __init__(self, rows, cols, group, level, scale, low):
        self.rows, self.cols, self.group, self.level, self.scale, self.low = rows, cols, group, level, scale, low


def plane(tiles, start, width, cols):
    """Values of a bit plane, [tile, row, col]: byte 4r + j of a block belongs to row r, its bits w*k... to input 32/w*block + 4k + j."""
    n = len(tiles)
    blocks = cols * width // 32
    raw = tiles[:, start:start + 64 * blocks].reshape(n, blocks, 16, 4)
    parts = [raw >> (width * k) & ((1 << width) - 1) for k in range(8 // width)]
    return np.stack(parts, 3).transpose(0, 2, 1, 3, 4).reshape(n, 16, cols)


def halves(raw):
    return np.ascontiguousarray(raw).view("<f2").astype(np.float32)


def scales(tiles, form, start, super_start, cols, group, per_super):
    """[group, tile * 16 + row], FP32: the f16 itself, or an integer times the f16 of its super-group."""
    n, groups = len(tiles), cols // group
    raw = tiles[:, start:start + groups * SCALE_BYTES[form]].reshape(n, groups, SCALE_BYTES[form])
    if form == F16:
        out = halves(raw)
    else:
        if form == S8:
            code = raw.view(np.int8).astype(np.int32)
        else:
            code = np.concatenate([raw[..., :8] & 15, raw[..., :8] >> 4], 2).astype(np.int32)
            if form in (U6, S6):
                upper = np.concatenate([raw[..., 8:12] >> (2 * i) & 3 for i in range(4)], 2)
                code += upper.astype(np.int32) << 4
            if form == S6:
                code -= 32
        supers = cols // per_super
        unit = halves(tiles[:, super_start:super_start + 32 * supers].reshape(n, supers, 32))
        out = code.astype(np.float32) * np.repeat(unit, per_super // group, 1)
    return out.transpose(1, 0, 2).reshape(groups, 16 * n)


class Image:
    def __init__(self, path):
        self.data = np.fromfile(path, np.uint8)
        raw = self.data.data
        self.base = bytes(raw[40:72]).hex()
        at = sections(raw)
        names = "arch layers hidden ffn heads kv_heads head_dim rope_dim vocab context".split()
        self.hyper = dict(zip(names, struct.unpack_from("<10I", raw, at["HYPR"][0])))
        self.eps = np.frombuffer(raw, "<f4", 1, at["HYPR"][0] + 40)[0]
        self.phase = struct.unpack_from("<%dQ" % (self.hyper["rope_dim"] // 2), raw, at["ROPE"][0])
        self.orders = []
        if "ORDR" in at:
            start = at["ORDR"][0]
            count = struct.unpack_from("<I", raw, start)[0]
            kinds = [struct.unpack_from("<II", raw, start + 16 + 8 * i) for i in range(count)]
            start += 16 + 8 * count
            for cols, folded in kinds:
                self.orders.append(None if folded else np.frombuffer(raw, "<u4", cols, start))
                start += 4 * cols
        start = at["TENS"][0]
        self.head, self.kept = {}, {}
        for i in range(struct.unpack_from("<I", raw, start)[0]):
            head = bytes(raw[start + 16 + 128 * i:start + 144 + 128 * i])
            role, layer = struct.unpack_from("<II", head)
            self.head[ROLES[role], layer] = head

    def has(self, role, layer=0):
        return (role, layer) in self.head

    def order(self, role, layer=0):
        """In which the columns' input is gathered: its number, 0 for none that is."""
        number = struct.unpack_from("<I", self.head[role, layer], 44)[0]
        return number if number and self.orders[number - 1] is not None else 0

    def get(self, role, layer=0):
        """A vector as FP32, or a Matrix; kept, as every step asks again."""
        if (role, layer) not in self.kept:
            self.kept[role, layer] = self.read(self.head[role, layer])
        return self.kept[role, layer]

    def read(self, head):
        rows, cols = struct.unpack_from("<QQ", head, 8)
        kind, bits, low, high, by_table, form, low_form = struct.unpack_from("<7B", head, 24)
        group, per_super, zero = struct.unpack_from("<HHh", head, 32)
        offset, size, tile_bytes = struct.unpack_from("<QQQ", head, 56)
        if kind == 0:
            return self.data[offset:offset + size].view("<f4").astype(np.float32)
        tiles = self.data[offset:offset + size].reshape(-1, tile_bytes)
        groups, supers = cols // group, cols // per_super if per_super else 0
        sizes = [2 * cols * low, 2 * cols * high, groups * SCALE_BYTES[form], groups * SCALE_BYTES[form] if low_form else 0, 32 * supers]
        at = [sum(sizes[:i]) for i in range(6)]
        code = plane(tiles, 0, low, cols)
        if high:
            code = code + (plane(tiles, at[1], high, cols) << low)
        if by_table:
            level = np.array(struct.unpack_from("<16h", head, 80), np.int16)[code]
        else:
            level = code.view(np.int8).astype(np.int16) if bits == 8 else code.astype(np.int16)
        level = (level - np.int16(zero)).reshape(-1, cols)[:rows]
        scale = scales(tiles, form, at[2], at[4], cols, group, per_super)[:, :rows]
        minimum = scales(tiles, form, at[3], at[5], cols, group, per_super)[:, :rows] if low_form else None
        return Matrix(rows, cols, group, level, scale, minimum)


def float8(code):
    """E4M3 without infinity."""
    code = code.astype(np.int32)
    exponent, fraction = code >> 3 & 15, (code & 7).astype(np.float64)
    size = np.where(exponent == 0, fraction / 8 * 2.0**-6, (1 + fraction / 8) * 2.0**(exponent - 7))
    return np.where(code & 128, -size, size).astype(np.float32)


class Target:
    """One matrix of an adapter: a is a Matrix whose scales are 1, b[row, rank] int8 codes or FP32 values, factor[row] or None."""

    def __init__(self, raw, head, kind):
        _, _, rows, cols, rank = struct.unpack_from("<5I", head)
        self.scale = np.frombuffer(head, "<f4", 1, 24)[0]
        offset = struct.unpack_from("<Q", head, 32)[0]
        self.rank, self.is_int8 = rank, kind == 1
        tiles_a, tiles_b, even = -(-rank // 16), -(-rows // 16), rank + rank % 2
        group = next(g for g in (256, 128, 64, 32) if cols % g == 0)
        tile_bytes = -(-(16 * cols + 32 * (cols // group)) // 64) * 64
        tiles = raw[offset:offset + tiles_a * tile_bytes].reshape(tiles_a, tile_bytes)
        level = plane(tiles, 0, 8, cols).view(np.int8).astype(np.int16).reshape(-1, cols)[:rank]
        self.a = Matrix(rank, cols, group, level, np.ones((cols // group, rank), np.float32), None)
        offset += tiles_a * tile_bytes
        self.a_scale = raw[offset:offset + 4 * rank].view("<f4").astype(np.float32)
        offset += 64 * tiles_a
        self.b_scale = raw[offset:offset + 4 * rows].view("<f4").astype(np.float32)
        offset += 64 * tiles_b
        self.factor = raw[offset:offset + 4 * rows].view("<f4").astype(np.float32) if head[28] & 1 else None
        offset += 64 * tiles_b * (head[28] & 1)
        code = raw[offset:offset + tiles_b * 16 * even * (2 if kind == 3 else 1)]
        code = code.view("<f2") if kind == 3 else code
        code = code.reshape(tiles_b, even // 2, 16, 2).transpose(0, 2, 1, 3).reshape(-1, even)[:rows, :rank]
        self.b = code.astype(np.int8) if kind == 1 else float8(code) if kind == 2 else code.astype(np.float32)


class Adapter:
    def __init__(self, path, factor=1.0):
        raw = np.fromfile(path, np.uint8)
        at = sections(raw.data)["TARG"][0]
        count, size, kind = struct.unpack_from("<III", raw.data, at)
        self.factor, self.target = np.float32(factor), {}
        for i in range(count):
            head = bytes(raw[at + 16 + size * i:at + 16 + size * (i + 1)])
            role, layer = struct.unpack_from("<II", head)
            self.target[ROLES[role], layer] = Target(raw, head, kind)
