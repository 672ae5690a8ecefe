"""Words of a ROM: a folder with rom.hex (one word a line, in the order of addresses) and manifest.json, or an image's own bytes.

The image is read by this file alone, from docs/rom-format.md and docs/placement.md, so that it is a second reader of what `roma rtl --rom` writes."""
import functools
import json
import os
import struct

ROLES = {1: "embed", 2: "head", 3: "final_norm", 4: "attn_norm", 5: "q", 6: "k", 7: "v", 8: "o", 9: "q_bias", 10: "k_bias",
         11: "v_bias", 12: "q_norm", 13: "k_norm", 14: "ffn_norm", 15: "gate", 16: "up", 17: "down"}
GGUF = {"attn_q": "q", "attn_k": "k", "attn_v": "v", "attn_output": "o", "ffn_gate": "gate", "ffn_up": "up", "ffn_down": "down"}


def read_folder(folder):
    """(width in bits, words)"""
    with open(os.path.join(folder, "rom.hex"), encoding="latin-1") as file:
        lines = [line.partition("//")[0].strip() for line in file]
    lines = [line for line in lines if line]
    if not lines or len({len(line) for line in lines}) != 1:
        raise SystemExit(f"layout: {folder}/rom.hex is empty, or its words differ in width")
    if any(set(line) - set("0123456789abcdefABCDEF") for line in lines):
        raise SystemExit(f"layout: {folder}/rom.hex holds what is no hexadecimal word")
    return 4 * len(lines[0]), [int(line, 16) for line in lines]


def write_folder(folder, name, width, words):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "rom.hex"), "w", encoding="ascii") as file:
        file.writelines(f"{word:0{width // 4}x}\n" for word in words)
    with open(os.path.join(folder, "manifest.json"), "w", encoding="ascii") as file:
        json.dump({"tensor": name, "style": "array", "words": len(words), "width": width}, file)
        file.write("\n")


class Image:
    """Headers and bytes of the matrices of an image."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:8] != b"ROMA\x1a\n\r\n":
            raise SystemExit(f"layout: '{path}' is no ROM image; `roma build MODEL` makes one")
        count, table = struct.unpack_from("<I", self.data, 24)[0], struct.unpack_from("<Q", self.data, 32)[0]
        at = {}
        for i in range(count):
            tag, _, offset, _ = struct.unpack_from("<4sIQQ", self.data, table + 32 * i)
            at[tag] = offset
        start, self.head = at[b"TENS"], {}
        for i in range(struct.unpack_from("<I", self.data, start)[0]):
            head = self.data[start + 16 + 128 * i:start + 144 + 128 * i]
            role, layer = struct.unpack_from("<II", head)
            if head[24] == 1:
                self.head[ROLES[role], layer] = head

    def find(self, name):
        """The header of `0.down`, `head` or `blk.0.ffn_down.weight`."""
        parts = name.removesuffix(".weight").removeprefix("blk.").split(".")
        role = GGUF.get(parts[-1], {"token_embd": "embed", "output": "head"}.get(parts[-1], parts[-1]))
        layer = parts[0] if len(parts) == 2 else "0"
        if not layer.isdigit() or len(parts) > 2 or (role, int(layer)) not in self.head:
            raise SystemExit(f"layout: the image has no matrix '{name}'; `roma inspect` prints their names")
        return self.head[role, int(layer)]

    def names(self):
        """All matrices that have words of their own, in the order of the tensor table."""
        return [(f"{layer}." if role not in ("embed", "head") else "") + role for (role, layer), head in self.head.items()
                if struct.unpack_from("<i", head, 48)[0] < 0]

    def blocks(self, head):
        """Of every tile its 64-byte blocks of lane codes: planes of 3 bits are joined to 4, of 5 and 6 to 8."""
        rows, cols = struct.unpack_from("<QQ", head, 8)
        low, high = head[26], head[27]
        offset, _, tile_bytes = struct.unpack_from("<QQQ", head, 56)
        bits = {1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 6: 8, 8: 8}[head[25]]
        for tile in range(-(-rows // 16)):
            at = offset + tile * tile_bytes
            if not high:
                yield [self.data[at + 64 * b:at + 64 * b + 64] for b in range(cols * low // 32)]
                continue
            per = 32 // bits
            out = [bytearray(64) for _ in range(cols // per)]
            for row in range(16):
                for i in range(cols):
                    code = self.code(at, low, row, i) | self.code(at + 2 * cols * low, high, row, i) << low
                    block, rest = divmod(i, per)
                    out[block][4 * row + rest % 4] |= code << bits * (rest // 4)
            yield [bytes(block) for block in out]

    def code(self, at, width, row, i):
        block, rest = divmod(i, 32 // width)
        return self.data[at + 64 * block + 4 * row + rest % 4] >> width * (rest // 4) & (1 << width) - 1

    @functools.lru_cache(maxsize=2)
    def pieces(self, name):
        """Of every row its 32-bit pieces of words: one a row group and word, in the order of inputs."""
        head = self.find(name)
        rows = struct.unpack_from("<Q", head, 8)[0]
        out = []
        for blocks in self.blocks(head):
            tile = [struct.unpack("<16I", block) for block in blocks]
            out += zip(*tile)
        return out[:rows]

    def words(self, name, lanes, unit=None, rows=None):
        """Words of 4 x lanes bits: row group by row group, inputs ascending. rows = (first, last): these alone, both counted.
        unit = (U, N, u, n): what L-Unit n of matrix unit u holds of it."""
        pieces = self.pieces(name)
        first, last = rows or (0, len(pieces) - 1)
        if not first <= last < len(pieces):
            raise SystemExit(f"layout: {name} has rows 0 to {len(pieces) - 1}, not {first} to {last}")
        step, none = lanes // 8, (0,) * len(pieces[0])
        groups = []
        for at in range(first, last + 1, step):
            group = pieces[at:min(at + step, last + 1)]
            groups.append([sum(piece << 32 * j for j, piece in enumerate(word)) for word in zip(*group + [none] * (step - len(group)))])
        if not unit:
            return [word for group in groups for word in group]
        units, n_units, u, n = unit
        each = -(-len(groups) // units)
        mine = groups[each * u:each * u + each]
        mine += [[0] * len(groups[0])] * (each - len(mine))
        return [word for group in mine for word in group[n::n_units] + [0] * (-(-len(group) // n_units) - len(group[n::n_units]))]
