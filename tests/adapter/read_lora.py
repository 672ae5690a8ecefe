#!/usr/bin/env python3
"""Second reader of .lora.roma files, written from docs/adapter-format.md alone; standard library only.
read(path) checks the frame and gives {"base", "type", "name", "note", "targets": [{role, layer, rows, cols, rank, alpha, scale, factor, a, b}]},
a and b being lists of rows of floats, factor one of each row or None. As a program: reads the files and says so."""
import hashlib
import struct
import sys

ROLES = {1: "embed", 2: "head", 5: "q", 6: "k", 7: "v", 8: "o", 15: "gate", 16: "up", 17: "down"}
TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    TABLE.append(n)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def f8(code):
    sign, e, m = -1.0 if code & 128 else 1.0, code >> 3 & 15, code & 7
    assert code & 127 != 127
    return sign * (m * 2.0**-9 if e == 0 else (1 + m / 8) * 2.0 ** (e - 7))


def up(n, a):
    return (n + a - 1) // a * a


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def target(data, kind, at):
    role, layer, rows, cols, rank, alpha, scale, flags, offset, size = struct.unpack_from("<IIIIIffIQQ", data, at)
    assert flags in (0, 1) and not any(data[at + 48 : at + 64])
    group = next(g for g in (256, 128, 64, 32) if cols % g == 0)
    tile = up(16 * cols + cols // group * 32, 64)
    bytes_of = {1: 1, 2: 1, 3: 2}[kind]
    r16, rows16, r2 = up(rank, 16), up(rows, 16), up(rank, 2)
    a_scale = offset + r16 // 16 * tile
    b_scale = a_scale + 4 * r16
    b_at = b_scale + 4 * rows16 * (1 + flags)
    assert size == up(b_at - offset + rows16 * r2 * bytes_of, 64)
    sa = struct.unpack_from(f"<{r16}f", data, a_scale)
    sb = struct.unpack_from(f"<{rows16}f", data, b_scale)
    factor = list(struct.unpack_from(f"<{rows}f", data, b_scale + 4 * rows16)) if flags else None
    a = []
    for r in range(rank):
        base, lane = offset + r // 16 * tile, r % 16
        for g in range(cols // group):
            assert struct.unpack_from("<e", data, base + 16 * cols + 32 * g + 2 * lane)[0] == 1.0
        codes = []
        for block in range(cols // 4):
            codes += struct.unpack_from("<4b", data, base + 64 * block + 4 * lane)
        a.append([f32(c * sa[r]) for c in codes])
    b = []
    for r in range(rows):
        base, lane, row = b_at + r // 16 * 16 * r2 * bytes_of, r % 16, []
        for k in range(rank):
            p = base + (k // 2 * 32 + lane * 2 + k % 2) * bytes_of
            code = struct.unpack_from("<b", data, p)[0] if kind == 1 else f8(data[p]) if kind == 2 else struct.unpack_from("<e", data, p)[0]
            row.append(f32(code * sb[r]))
        b.append(row)
    return dict(role=ROLES[role], layer=layer, rows=rows, cols=cols, rank=rank, alpha=alpha, scale=scale, factor=factor, a=a, b=b, offset=offset, bytes=size)


def read(path):
    data = open(path, "rb").read()
    magic, version, flags, size, n, table_crc, table = struct.unpack_from("<8sIIQIIQ", data)
    assert magic == b"LORA\x1a\n\r\n" and version == 1 and flags == 0 and size == len(data) and table == 128
    assert crc32c(data[:84]) == struct.unpack_from("<I", data, 84)[0]
    assert crc32c(data[88:124]) == struct.unpack_from("<I", data, 124)[0]
    assert hashlib.sha256(data[:88] + bytes(40) + data[128:]).digest() == data[88:120]
    assert crc32c(data[128 : 128 + 32 * n]) == table_crc
    end, found = 128 + 32 * n, {}
    for i in range(n):
        tag, _, offset, length, crc, zero = struct.unpack_from("<4sIQQII", data, 128 + 32 * i)
        assert zero == 0 and offset == up(end, 64) and not any(data[end:offset])
        assert crc32c(data[offset : offset + length]) == crc
        found[tag.decode()] = (offset, length)
        end = offset + length
    assert end == len(data)
    at, _ = found["TARG"]
    count, descriptor, kind, zero = struct.unpack_from("<IIII", data, at)
    assert descriptor == 64 and zero == 0
    targets = [target(data, kind, at + 16 + 64 * i) for i in range(count)]
    want = found["DATA"][0]
    for t in targets:
        assert t["offset"] == want
        want += t["bytes"]
    meta, _ = found["META"]
    name, note = struct.unpack_from("<II", data, meta)
    text = data[meta + 16 : meta + 16 + name + note].decode("ascii")
    return dict(base=data[40:72].hex(), type=kind, name=text[:name], note=text[name:], targets=targets)


if __name__ == "__main__":
    for file in sys.argv[1:]:
        print(file, len(read(file)["targets"]), "targets")
