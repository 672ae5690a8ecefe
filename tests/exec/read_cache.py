#!/usr/bin/env python3
"""Second reader of saved caches, written from docs/cache-format.md alone; standard library only.
read(path) checks every byte and gives {"form", "base", "tokens", "adapters": [(sha256, factor)], "text", "keys", "values"}, the last two as [layer][head][position] lists of floats.
As a program: reads the files and says so."""
import hashlib
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "adapter"))
from read_lora import crc32c, f32, up  # noqa: E402


def sections(data):
    magic, version, flags, size, n, table_crc, table = struct.unpack_from("<8sIIQIIQ", data)
    assert magic == b"CACH\x1a\n\r\n" and version == 1 and flags == 0 and size == len(data) and table == 128
    assert not any(data[72:84]) and not any(data[120:124])
    assert crc32c(data[:84]) == struct.unpack_from("<I", data, 84)[0]
    assert crc32c(data[88:124]) == struct.unpack_from("<I", data, 124)[0]
    assert hashlib.sha256(data[:88] + bytes(40) + data[128:]).digest() == data[88:120]
    assert crc32c(data[128 : 128 + 32 * n]) == table_crc
    end, found = 128 + 32 * n, {}
    for i in range(n):
        tag, critical, offset, length, crc, zero = struct.unpack_from("<4sIQQII", data, 128 + 32 * i)
        assert zero == 0 and offset == up(end, 64) and not any(data[end:offset]) and length
        assert crc32c(data[offset : offset + length]) == crc and critical == (tag != b"TEXT")
        found[tag.decode()] = data[offset : offset + length]
        end = offset + length
    assert end == len(data) and list(found) == [t for t in ("CACH", "LORA", "TOKS", "PAGE", "TEXT") if t in found]
    return found


def e4m3(c):
    e, m = c >> 3 & 15, c & 7
    assert c & 127 != 127
    return (-1 if c & 128 else 1) * (m * 2.0**-9 if e == 0 else (8 + m) * 2.0 ** (e - 10))


def page(data, form, d_all, used):
    """keys and values of the used positions; the others are zero"""
    k_scale = struct.unpack_from("<32f", data, len(data) - 256)
    v_scale = struct.unpack_from("<32f", data, len(data) - 128)
    codes = struct.unpack_from(f"<{32 * d_all if form == 3 else 64 * d_all}{'beBb'[form]}", data)
    if form == 3:
        packed = data[32 * d_all : 48 * d_all]
        halves = [packed[i // 64 * 32 + i % 32] >> (4 if i % 64 >= 32 else 0) & 15 for i in range(32 * d_all)]
        codes += tuple((c ^ 8) - 8 for c in halves)
        assert all(abs(c) <= 7 for c in codes[32 * d_all :])
    if form == 2:
        codes = [e4m3(c) / 256 for c in codes]
    assert all(0 <= s < 1e30 for s in k_scale + v_scale) and all(abs(c) <= (127, 65504, 1.75, 127)[form] for c in codes)
    keys, values = [], []
    for p in range(32):
        if form in (1, 2):
            k, v = [codes[32 * d + p] for d in range(d_all)], [codes[32 * d_all + p * d_all + d] for d in range(d_all)]
        else:
            k = [codes[p // 16 * 16 * d_all + d // 4 * 64 + p % 16 * 4 + d % 4] for d in range(d_all)]
            v = [codes[32 * d_all + d // 16 * 512 + p // 4 * 64 + d % 16 * 4 + p % 4] for d in range(d_all)]
        if p < used:
            keys.append([f32(c * k_scale[p]) for c in k])
            values.append([f32(c * v_scale[p]) for c in v])
        else:
            assert not any(k) and not any(v) and k_scale[p] == v_scale[p] == 0
    return keys, values


def read(path):
    data = open(path, "rb").read()
    found = sections(data)
    assert len(found["CACH"]) == 64 and not any(found["CACH"][28:])
    tokens, layers, heads, d, vocab, adapters, form = struct.unpack_from("<7I", found["CACH"])
    lora = found.get("LORA", b"")
    assert tokens and len(lora) == 40 * adapters and len(found["TOKS"]) == 4 * tokens
    ids = struct.unpack(f"<{tokens}I", found["TOKS"])
    assert max(ids) < vocab
    size = (64, 128, 64, 48)[form] * d + 256
    assert len(found["PAGE"]) == up(tokens, 32) // 32 * layers * heads * size
    keys = [[[] for _ in range(heads)] for _ in range(layers)]
    values = [[[] for _ in range(heads)] for _ in range(layers)]
    for i in range(len(found["PAGE"]) // size):
        group, layer, head = i // heads // layers, i // heads % layers, i % heads
        k, v = page(found["PAGE"][i * size : (i + 1) * size], form, d, min(32, tokens - 32 * group))
        keys[layer][head] += k
        values[layer][head] += v
    named = []
    for i in range(adapters):
        sha, factor, zero = struct.unpack_from("<32sfI", lora, 40 * i)
        assert zero == 0 and factor != 0
        named.append((sha.hex(), factor))
    return dict(form=("int8", "f16", "fp8", "int4")[form], base=data[40:72].hex(), tokens=list(ids), adapters=named, text=found.get("TEXT", b""), keys=keys, values=values)


if __name__ == "__main__":
    for file in sys.argv[1:]:
        print(file, len(read(file)["tokens"]), "tokens")
