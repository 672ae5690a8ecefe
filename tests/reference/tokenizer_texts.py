"""Strings for tokenizer_families.py: seeded, so that every run sees the same ones."""
import random

SCRIPTS = {  # first and last code point of the letters (and marks) drawn from
    "latin": (0x41, 0x7A), "latin-1": (0xC0, 0xFF), "latin-ext": (0x100, 0x24F), "ipa": (0x250, 0x2AF),
    "greek": (0x370, 0x3FF), "cyrillic": (0x400, 0x4FF), "armenian": (0x531, 0x58A), "hebrew": (0x591, 0x5F4),
    "arabic": (0x600, 0x6FF), "syriac": (0x700, 0x74F), "thaana": (0x780, 0x7B1), "nko": (0x7C0, 0x7FF),
    "devanagari": (0x900, 0x97F), "bengali": (0x980, 0x9FE), "gurmukhi": (0xA01, 0xA76), "gujarati": (0xA81, 0xAFF),
    "oriya": (0xB01, 0xB77), "tamil": (0xB82, 0xBFA), "telugu": (0xC00, 0xC7F), "kannada": (0xC80, 0xCF2),
    "malayalam": (0xD00, 0xD7F), "sinhala": (0xD81, 0xDF4), "thai": (0xE01, 0xE5B), "lao": (0xE81, 0xEDF),
    "tibetan": (0xF00, 0xFDA), "myanmar": (0x1000, 0x109F), "georgian": (0x10A0, 0x10FF), "jamo": (0x1100, 0x11FF),
    "ethiopic": (0x1200, 0x139F), "cherokee": (0x13A0, 0x13FD), "khmer": (0x1780, 0x17F9),
    "mongolian": (0x1800, 0x18AA), "balinese": (0x1B00, 0x1B7C), "vietnamese": (0x1E00, 0x1EFF),
    "greek-ext": (0x1F00, 0x1FFF), "kana": (0x3041, 0x30FF), "bopomofo": (0x3105, 0x312F), "han": (0x4E00, 0x9FFF),
    "han-compat": (0xF900, 0xFAD9), "hangul": (0xAC00, 0xD7A3), "halfwidth": (0xFF01, 0xFFEE),
    "gothic": (0x10330, 0x1034A), "cuneiform": (0x12000, 0x12399), "math": (0x1D400, 0x1D7FF),
    "kaithi": (0x11080, 0x110C2), "grantha": (0x11300, 0x11374), "adlam": (0x1E900, 0x1E95F),
    "han-b": (0x20000, 0x2A6DF), "unicode-15-16": (0x11F00, 0x11F59), "garay": (0x10D40, 0x10D8F),
}
SPACES = [" ", "  ", "   ", "    ", "\t", "\n", "\r\n", "\r", "\n\n", "\n\n\n", " \n", "\n ", " \n ", "\t\n", "\u00a0",
          "\u2003", "\u3000", "\u2028", "\x0b", "\x0c", "\x85", "\u200a\u200a", " " * 7, " " * 16, " " * 17, " " * 40,
          "\r\n\r\n", "\n\t\t", " \t ", "\u00a0\u00a0", "\u1680", "\u202f", "\u205f"]
EMOJI = ["😀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "🇫🇷🇯🇵", "❤️", "☃", "🧑🏿‍🚀", "1️⃣", "🫠", "🪿", "©", "™", "→", "∑", "½", "①", "Ⅷ", "²",
         "٣", "४", "๔", "〇", "三", "𝟙", "𑁧", "\U00011DE2", "\U00016FF5", "\U00010D42", "\U0001E4F3", "\u200d", "\u200b",
         "\ufeff", "\ufe0f", "\u00ad", "\x00", "\x01", "\x1c", "\x1f", "\x7f", "\ufffd", "\uffff", "\U0010ffff", "▁", "▁▁", "Ġ", "Ċ"]
WORDS = """the of and to in a is that for it as was with be by on not he I his but at are this have from or had an they
which one you were all her she there would their we him been has when who will no more if out so said what up its about
into than them can only other time new some could these two may first then do any like my now over such our man me even
most made after also did many off before must well back through years where much your way down should because long each
just state those people too mister world still own see work life being under three here never day same another know
while last might great old year come since against go came right used take good self himself few house American use
place during high without again home around small however found mathematics tokenization internationalization x y z
HTTP JSON iPhone McDonald eBay NASA naïve café coöperate straße Ærøskøbing""".split()
CODE = ["def f(x):\n    return x**2  # comment\n", "for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}\n", "<div class=\"a-b_c\">&nbsp;</div>",
        "SELECT * FROM t WHERE id='O''Brien';", "if __name__ == '__main__':\n        main()\n", "#include <stdio.h>\r\n\r\nint main(void)\r\n{\r\n}\r\n",
        "let x: Vec<&'static str> = vec![\"a\", \"b\"];", "\\frac{1}{2}\\sum_{i=0}^{\\infty} x_i^2", "{\"key\": [1, 2.5, -3e10, null, true]}",
        "https://example.org/a/b?c=d&e=%20f#g", "a->b::c<T>&& d", "$ rm -rf ~/x || echo 'no'", "x = 0xDEADBEEF; y = 1_000_000.00",
        "```python\nprint('hi')\n```", "- [ ] todo\n  - [x] done\n\n\n1. one\n2. two", "a\tb\tc\n1\t2\t3\n", "!!!???...,,,;;;---___===+++", "%%%%\n\n\n((((([[[[{{{{"]
APOS = ["'s", "'S", "'t", "'re", "'RE", "'Ve", "'m", "'ll", "'LL", "'d", "'D", "’s", "'ſ", "'x", "''s", "'", "' s", "'1", "'sx", "'llama", "'ré"]
MARKS = ["\u0301", "\u0308", "\u0323", "\u0327", "\u0345", "\u0334", "\u3099", "\u0344", "\u0341", "\u212b", "\u2126", "\u1e9b\u0323", "q\u0307\u0323",
         "e\u0301", "e\u0323\u0302", "A\u030a", "\u1100\u1161\u11a8", "\uac00\u11a8", "\u0958", "\u09c7\u09be", "\u1025\u102e", "\ufb1d", "\U0001d15e", "a\u0328\u0301\u0301"]


def char(r):
    while True:
        c = r.choice([r.randrange(0x3000), r.randrange(0x10000), r.randrange(0x110000)])
        if not 0xD800 <= c < 0xE000:
            return chr(c)


def word(r):
    lo, hi = SCRIPTS[r.choice(list(SCRIPTS))]
    return "".join(chr(r.randint(lo, hi)) for _ in range(r.choice([1, 2, 3, 5, 8, 13])))


def piece(r, specials):
    k = r.randrange(100)
    if k < 30: return r.choice(WORDS)
    if k < 50: return word(r)
    if k < 58: return str(r.randrange(10 ** r.randint(1, 14)))
    if k < 66: return r.choice(SPACES)
    if k < 74: return r.choice(EMOJI)
    if k < 80: return r.choice(APOS)
    if k < 85: return r.choice(MARKS)
    if k < 90: return r.choice(CODE)
    if k < 94: return "".join(r.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") for _ in range(r.randint(1, 6)))
    if k < 97: return "".join(char(r) for _ in range(r.randint(1, 4)))
    if k < 98: return r.choice("aAéй漢 \n.0") * r.randint(2, 60)
    return r.choice(specials)


def strings(n, seed, specials):
    """n strings: plain ones of every kind first, then mixtures. `specials` are texts of special tokens."""
    r = random.Random(seed)
    out = [""] + SPACES + EMOJI + CODE + APOS + MARKS + list(specials) + [chr(c) for c in range(1, 0x250)]
    for name, (lo, hi) in SCRIPTS.items():
        for _ in range(20):
            out.append(" ".join("".join(chr(r.randint(lo, hi)) for _ in range(r.randint(1, 9))) for _ in range(r.randint(1, 8))))
    while len(out) < n:
        k = r.randint(1, 24)
        sep = r.choice([" ", " ", " ", "", "", "\n", "  "])
        out.append(sep.join(piece(r, specials) for _ in range(k)))
    return out
