#!/usr/bin/env python3
"""Writes the Unicode tables of this room. Two Unicode versions, because the yardstick (Hugging Face `tokenizers`)
uses two: its regular expressions know 16.0.0, its normaliser 9.0.0; and its Punctuation knows what 8.0.0 called so, for
which the library is asked. Run each half with a Python that has that data:

    pip install unicodedata2==16.0.0 tokenizers==0.23.3 && python3 gen_unicode.py classes > unicode_classes.c
    python3.6 gen_unicode.py nfc > unicode_nfc.c        # Python 3.6's unicodedata is 9.0.0
"""
import sys

# Numbers that only Unicode 17 has: `Digits` asks Rust's standard library, which is one version ahead.
NUMBERS_17 = list(range(0x11DE0, 0x11DEA)) + list(range(0x16FF4, 0x16FF7))
CHARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
# Numbers of the classes, as roma_text_class (utf8.c) has them.
UPPER, LOWER, LETTER, MARK, NUMBER, NUMBER_NEW, PUNCT, PUNCT_NEW, DELIMITER, MARK_DELIMITER = range(1, 11)
KINDS = {"Lu": UPPER, "Lt": UPPER, "Ll": LOWER, "Lm": LETTER, "Lo": LETTER, "M": MARK, "N": NUMBER, "P": PUNCT_NEW}


def rows(values, per_row, fmt):
    for i in range(0, len(values), per_row):
        print("    " + ", ".join(fmt(v) for v in values[i:i + per_row]) + ",")


def delimiters():
    """What the library's Punctuation splits off."""
    from tokenizers import pre_tokenizers
    split = pre_tokenizers.Punctuation("isolated")
    for i in range(0, len(CHARS), 2048):
        text = "\x01" + "\x01".join(map(chr, CHARS[i:i + 2048])) + "\x01"
        yield from (ord(p) for p, _ in split.pre_tokenize_str(text) if len(p) == 1 and p != "\x01")


def classes():
    import unicodedata2 as u
    assert u.unidata_version == "16.0.0", u.unidata_version
    kind = bytearray(0x110000)
    for c in CHARS:
        category = u.category(chr(c))
        kind[c] = KINDS.get(category, KINDS.get(category[0], 0))
    for c in delimiters():
        kind[c] = {PUNCT_NEW: PUNCT, MARK: MARK_DELIMITER, 0: DELIMITER}[kind[c]]
    for c in NUMBERS_17:
        kind[c] = NUMBER_NEW
    blocks, index = [], []
    for b in range(0x1100):
        k = kind[b * 256:b * 256 + 256]
        block = bytes(k[i] | k[i + 1] << 4 for i in range(0, 256, 2))
        if block not in blocks:
            blocks.append(block)
        index.append(blocks.index(block))
    assert len(blocks) < 256
    print("/* Made by gen_unicode.py classes; Unicode %s. Four bits a character: the classes that roma_text_class\n"
          " * (utf8.c) numbers. */\n#include \"text.h\"\n" % u.unidata_version)
    print("/* clang-format off */")
    print("const uint8_t roma_text_class_index[0x1100] = {")
    rows(index, 24, str)
    print("};\nconst uint8_t roma_text_class_blocks[%d][128] = {" % len(blocks))
    for b in blocks:
        print("    {" + ",".join(str(x) for x in b[:64]) + ",")
        print("     " + ",".join(str(x) for x in b[64:]) + "},")
    print("};")


def nfc():
    import unicodedata as u
    assert u.unidata_version == "9.0.0", u.unidata_version
    orders = []
    for c in CHARS:
        o = u.combining(chr(c))
        if o and orders and orders[-1][1] == c - 1 and orders[-1][2] == o:
            orders[-1][1] = c
        elif o:
            orders.append([c, c, o])
    decomp = []
    for c in CHARS:
        d = u.decomposition(chr(c))
        if d and not d.startswith("<"):
            parts = [int(x, 16) for x in d.split()]
            decomp.append((c, parts[0], parts[1] if len(parts) > 1 else 0))
    comp = [i for i, (c, a, b) in enumerate(decomp) if b and u.normalize("NFC", chr(c)) == chr(c)]
    comp.sort(key=lambda i: decomp[i][1:])
    print("/* Made by gen_unicode.py nfc; Unicode %s. */\n#include \"text.h\"\n" % u.unidata_version)
    print("/* clang-format off */")
    print("const size_t roma_text_n_orders = %d, roma_text_n_decomp = %d, roma_text_n_comp = %d;"
          % (len(orders), len(decomp), len(comp)))
    print("const roma_text_order_range roma_text_orders[] = {")
    rows(orders, 5, lambda r: "{0x%x, 0x%x, %d}" % tuple(r))
    print("};\nconst roma_text_pair roma_text_decomp[] = {")
    rows(decomp, 4, lambda r: "{0x%x, 0x%x, 0x%x}" % r)
    print("};\nconst uint16_t roma_text_comp[] = {")
    rows(comp, 20, str)
    print("};")


{"classes": classes, "nfc": nfc}[sys.argv[1]]()
