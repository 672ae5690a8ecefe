#!/usr/bin/env python3
"""Prints what Python makes of the texts of test_nfc_sums in test_pretok.c (two numbers) and test_broken in test_tokenizer.c."""
import hashlib
from itertools import product
from unicodedata import normalize

RANGES = [(0x61, 26), (0x300, 112), (0x1100, 19), (0x1161, 21), (0x11A7, 28), (0xAC00, 11172), (0x900, 240), (0x1E00, 512), (0x5B0, 20),
          (0x64B, 18), (0x9BE, 32), (0xF71, 20), (0x11080, 96), (0xC0, 384), (0x2126, 6), (0xFB1D, 50), (0x1D15E, 16), (0x304B, 80)]


def random_text(n):
    x, out = 1, []
    for _ in range(n):
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
        first, size = RANGES[(x >> 40) % len(RANGES)]
        out.append(chr(first + (x >> 46) % size))
    return ''.join(out)


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


every = ''.join(chr(c) + '\n' for c in range(0x110000) if not 0xD800 <= c < 0xE000)
for text in (every, random_text(200000)):
    print(sha(normalize('NFC', text)))
ends = bytes.fromhex('41808f909fa0bfc1c2dfe0edeff0f4f5')
print(sha(b''.join(bytes(four) + b'\n' for four in product(ends, repeat=4)).decode('utf-8', 'replace')))
