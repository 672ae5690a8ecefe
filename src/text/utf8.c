/* UTF-8 in and out, and the classes of characters that the pre-tokenizers ask for. */
#include "text.h"

static bool tail(uint8_t b) { return (b & 0xc0) == 0x80; }

uint32_t roma_text_utf8(const uint8_t *p, const uint8_t *end, unsigned *len) {
    const size_t left = (size_t)(end - p);
    const uint32_t a = p[0];
    *len = 1;
    if (a < 0x80) return a;
    if (a < 0xc2 || a > 0xf4 || left < 2 || !tail(p[1])) return TEXT_BAD;
    if (a < 0xe0) {
        *len = 2;
        return (a & 0x1f) << 6 | (p[1] & 0x3fu);
    }
    if (left < 3 || !tail(p[2])) return TEXT_BAD;
    if (a < 0xf0) {
        const uint32_t c = (a & 0x0f) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
        if (c < 0x800 || (c >= 0xd800 && c < 0xe000)) return TEXT_BAD;
        *len = 3;
        return c;
    }
    if (left < 4 || !tail(p[3])) return TEXT_BAD;
    const uint32_t c = (a & 0x07) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
    if (c < 0x10000 || c > 0x10ffff) return TEXT_BAD;
    *len = 4;
    return c;
}

unsigned roma_text_utf8_put(uint32_t c, uint8_t *out) {
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xe0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (c & 0x3f));
    return 4;
}

bool roma_text_is_space(uint32_t c) {
    if (c <= 0x20) return c == 0x20 || (c >= 0x09 && c <= 0x0d);
    if (c < 0x1680) return c == 0x85 || c == 0xa0;
    return c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

/* The classes as gen_unicode.py numbers them. */
static const uint16_t flags_of[16] = {0,
                                      TEXT_UPPER,
                                      TEXT_LOWER,
                                      TEXT_LETTER,
                                      TEXT_MARK,
                                      TEXT_NUMBER | TEXT_DIGIT,
                                      TEXT_DIGIT,
                                      TEXT_PUNCT | TEXT_DELIMITER,
                                      TEXT_PUNCT,
                                      TEXT_DELIMITER,
                                      TEXT_MARK | TEXT_DELIMITER};

unsigned roma_text_class(uint32_t c) {
    if (c == '\n' || c == '\r') return TEXT_SPACE | TEXT_NEWLINE;
    if (c > 0x10ffff) return 0;
    if (roma_text_is_space(c)) return TEXT_SPACE;
    const uint8_t *block = roma_text_class_blocks[roma_text_class_index[c >> 8]];
    return flags_of[block[(c & 0xff) >> 1] >> (4 * (c & 1)) & 15];
}

/* GPT-2's alphabet: printable Latin-1 stands for itself, the other 68 bytes for U+0100 onwards, in order. */
static bool printable(uint32_t b) { return (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xff && b != 0xad); }

uint32_t roma_text_alphabet_char(uint8_t byte) {
    if (printable(byte)) return byte;
    if (byte <= 0x20) return 0x100u + byte;
    if (byte <= 0xa0) return 0x121u + (byte - 0x7fu);
    return 0x143u; /* 0xad */
}

int roma_text_alphabet_byte(uint32_t c) {
    if (printable(c)) return (int)c;
    if (c >= 0x100 && c <= 0x120) return (int)(c - 0x100);
    if (c >= 0x121 && c <= 0x142) return (int)(c - 0x121 + 0x7f);
    return c == 0x143 ? 0xad : -1;
}
