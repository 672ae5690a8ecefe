"""Second reader of what `roma run --trace-values` writes, from docs/trace-format.md alone: checks every rule of the page and gives the records."""
import json
import re

import numpy as np

NAMES = "embed norm quantise linear bias head_norm angles rope cache attend silu residual relu2".split()
PARTS = {"linear": ("base", "adapter"), "bias": ("bias",), "cache": ("keys", "values")}
KEYS = "order op name layer tensor value part adapter sequence position rows width form tokens crc data".split()


# ---- CRC-32C of long data: 64-byte pieces side by side, then joined in pairs

def byte_table():
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(0x82F63B78), table >> 1)
    return table


TABLE = byte_table()
PIECE = 64


def apply(tables, crc):
    return tables[0][crc & 255] ^ tables[1][crc >> 8 & 255] ^ tables[2][crc >> 16 & 255] ^ tables[3][crc >> 24]


def tables_of(images):
    """Of a linear map that is known on the 32 bits: its values on the four bytes."""
    out = np.zeros((4, 256), np.uint32)
    for bit in range(32):
        out[bit // 8] ^= np.where(np.arange(256) >> bit % 8 & 1, images[bit], np.uint32(0))
    return out


def shifts(count):
    """[k]: what 64 * 2^k zero bytes behind it make of a CRC."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    images = bits.copy()
    for _ in range(PIECE):
        images = TABLE[images & 255] ^ images >> 8
    out = []
    for _ in range(count):
        out.append(tables_of(images))
        images = apply(out[-1], images)
    return out


SHIFTS = shifts(24)


def crc32c(data):
    """At least four bytes: the initial value is then the same as its bits over the first four."""
    pieces = 1
    while pieces * PIECE < len(data):
        pieces *= 2
    padded = np.zeros(pieces * PIECE, np.uint8)
    padded[len(padded) - len(data):] = np.frombuffer(data, np.uint8)
    padded[len(padded) - len(data):][:4] ^= 255
    columns = padded.reshape(pieces, PIECE)
    crc = np.zeros(pieces, np.uint32)
    for i in range(PIECE):
        crc = TABLE[(crc ^ columns[:, i]) & 255] ^ crc >> 8
    for k in range(pieces.bit_length() - 1):
        crc = apply(SHIFTS[k], crc[0::2]) ^ crc[1::2]
    return int(crc[0]) ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283


# ---- the file

def need(ok, line, what):
    if not ok:
        raise ValueError("line %d: %s" % (line, what))


class Record:
    code_bytes = 1  # of a code

    def __init__(self, line, fields, kv):
        self.line = line
        if fields.get("name") == "cache" and kv == "f16":
            self.code_bytes = 2
        self.__dict__.update({k: fields.get(k) for k in KEYS})

    def row_bytes(self, kv_heads):
        if self.form == "f32":
            return 4 * self.width
        return self.code_bytes * self.width + (4 * kv_heads if self.name == "cache" else self.width // 8 + 4)

    def bytes(self):
        return bytes.fromhex(self.data)


def check_record(r, fields, line, is_full):
    need(list(fields) == [k for k in KEYS if k in fields], line, "keys or their order")
    need(r.name in NAMES and r.part in PARTS.get(r.name, ("result",)), line, "operation or part")
    need((r.adapter is not None) == (r.part == "adapter"), line, "adapter is of the part adapter alone")
    need((r.tokens is not None) == (r.name == "embed"), line, "tokens are of embed alone")
    need(r.tokens is None or len(r.tokens) == r.rows, line, "a token for each row")
    need(r.form == ("codes" if r.name in ("norm", "quantise", "cache") else "f32"), line, "form")
    need((r.tensor is None) == (r.name in ("quantise", "angles", "rope", "cache", "attend", "silu", "residual", "relu2")), line, "tensor")
    need((r.value is None) == (r.name == "cache"), line, "value")
    need(all(isinstance(v, int) and v >= 0 for v in (r.order, r.op, r.sequence, r.position)), line, "a number")
    need(r.rows >= 1 and r.width >= 1 and re.fullmatch("[0-9a-f]{8}", r.crc), line, "shape or CRC")
    need((r.data is not None) == is_full, line, "data is there when the first line says full")


def read(path, kv_heads):
    """The first line's object and all records. kv_heads: of the image, which fix the bytes of a row of `cache`."""
    with open(path, encoding="ascii", newline="\n") as f:
        text = f.read()
    need(text.endswith("\n"), 0, "the last line is cut")
    lines = text[:-1].split("\n")
    head = json.loads(lines[0])
    kv = head.get("kv", "int8")
    keys = ["roma_trace", "base", "full", *(["kv"] if "kv" in head else []), "adapters"]
    need(list(head) == keys and head["roma_trace"] == 1, 1, "no trace of version 1")
    need("kv" not in head or kv in ("f16", "fp8", "int4"), 1, "no format of the cache, or int8, which is not told")
    records, op = [], None
    for i, text in enumerate(lines[1:]):
        fields = json.loads(text)
        r = Record(i + 2, fields, kv)
        check_record(r, fields, r.line, head["full"])
        need(r.order == i, r.line, "order")
        need(r.op in (op, (op or 0) + 1) or r.op == 0, r.line, "operations ascend in a step") if op is not None else need(r.op == 0, 2, "first")
        op = r.op
        if head["full"]:
            data = r.bytes()
            need(len(data) == r.rows * r.row_bytes(kv_heads), r.line, "bytes of data")
            need(crc32c(data) == int(r.crc, 16), r.line, "CRC of data")
        records.append(r)
    return head, records
