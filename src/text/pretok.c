/* Pre-tokenizers of byte-level BPE: the patterns named in roma/text.h as hand-written scanners, linear and
 * without backtracking. An invalid byte is a character that is neither letter, number nor space. */
#include <string.h>
#include "text.h"

static unsigned class_at(const uint8_t *p, const uint8_t *end, unsigned *len) {
    const uint32_t c = roma_text_utf8(p, end, len);
    return c == TEXT_BAD ? TEXT_OTHER : roma_text_class(c);
}

/* \p{L}, \p{N} and [^\s\p{L}\p{N}]: the regular expressions do not know Unicode 17's numbers. */
static unsigned regex_class(const uint8_t *p, const uint8_t *end, unsigned *len) {
    const unsigned k = class_at(p, end, len);
    return k == TEXT_NUMBER_NEW ? TEXT_OTHER : k;
}

static const uint8_t *run(const uint8_t *p, const uint8_t *end, unsigned kind, unsigned most) {
    unsigned n;
    for (; p < end && most; p += n, most--)
        if (regex_class(p, end, &n) != kind) break;
    return p;
}

static const uint8_t *newlines(const uint8_t *p, const uint8_t *end) {
    while (p < end && (*p == '\r' || *p == '\n')) p++;
    return p;
}

/* Length of 's 't 're 've 'm 'll 'd at p (which is an apostrophe), or 0. */
static unsigned contraction(const uint8_t *p, const uint8_t *end, bool any_case) {
    const size_t left = (size_t)(end - p);
    if (left < 2) return 0;
    const uint8_t fold = any_case ? 0x20 : 0;
    const uint8_t a = p[1] | fold, b = left > 2 ? p[2] | fold : 0;
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 3;
    /* The long s, U+017F, is an s when case does not matter. */
    if (any_case && left > 2 && p[1] == 0xc5 && p[2] == 0xbf) return 3;
    return 0;
}

/* End of what `\s*[\r\n]+` (only if `lines`), `\s+(?!\S)` or `\s+` takes from a run of space at p. */
static const uint8_t *space(const uint8_t *p, const uint8_t *end, bool lines) {
    const uint8_t *q = p, *last = p, *line = NULL;
    unsigned n;
    while (q < end) {
        const unsigned k = regex_class(q, end, &n);
        if (k != TEXT_SPACE && k != TEXT_NEWLINE) break;
        last = q;
        q += n;
        if (k == TEXT_NEWLINE) line = q;
    }
    if (lines && line) return line;
    /* Before other text the last space is left to the next piece, unless it is the only one. */
    return q < end && last > p ? last : q;
}

static const uint8_t *next_gpt2(const uint8_t *p, const uint8_t *end) {
    if (*p == '\'') {
        const unsigned n = contraction(p, end, false);
        if (n) return p + n;
    }
    unsigned n;
    const uint8_t *q = *p == ' ' && p + 1 < end ? p + 1 : p;
    const unsigned k = regex_class(q, end, &n);
    if (k == TEXT_LETTER || k == TEXT_NUMBER || k == TEXT_OTHER) return run(q, end, k, UINT32_MAX);
    return space(p, end, false);
}

static const uint8_t *next_llama3(const uint8_t *p, const uint8_t *end, unsigned digits) {
    if (*p == '\'') {
        const unsigned n = contraction(p, end, true);
        if (n) return p + n;
    }
    unsigned n, n2;
    const unsigned k = regex_class(p, end, &n);
    if (k == TEXT_LETTER) return run(p, end, TEXT_LETTER, UINT32_MAX);
    if (k == TEXT_NUMBER) return run(p, end, TEXT_NUMBER, digits);
    const unsigned k2 = p + n < end ? regex_class(p + n, end, &n2) : TEXT_SPACE;
    if (k != TEXT_NEWLINE && k2 == TEXT_LETTER) return run(p + n, end, TEXT_LETTER, UINT32_MAX);
    if (k == TEXT_OTHER || (*p == ' ' && k2 == TEXT_OTHER))
        return newlines(run(*p == ' ' ? p + 1 : p, end, TEXT_OTHER, UINT32_MAX), end);
    return space(p, end, true);
}

/* The next character that is a number for the digit splitter. */
static const uint8_t *next_digit(const uint8_t *p, const uint8_t *end, unsigned *len) {
    *len = 0;
    for (; p < end; p += *len) {
        const unsigned k = class_at(p, end, len);
        if (k == TEXT_NUMBER || k == TEXT_NUMBER_NEW) return p;
    }
    return end;
}

void roma_text_pre_init(roma_text_pre *s, uint32_t pre, const char *text, size_t len) {
    *s = (roma_text_pre){.p = (const uint8_t *)text, .pre = pre};
    s->end = s->p + len;
    s->limit = pre == ROMA_PRE_SMOLLM ? s->p : s->end;
}

bool roma_text_pre_next(roma_text_pre *s, const uint8_t **piece, size_t *len) {
    if (s->p == s->end) return false;
    const uint8_t *p = s->p, *q;
    unsigned n;
    if (p == s->limit) { /* digits stand alone, and what lies between two of them is a text of its own */
        s->limit = next_digit(p, s->end, &n);
        if (s->limit == p) {
            s->limit = s->p = p + n;
            *piece = p;
            *len = n;
            return true;
        }
    }
    switch (s->pre) {
    case ROMA_PRE_LLAMA3: q = next_llama3(p, s->limit, 3); break;
    case ROMA_PRE_QWEN2: q = next_llama3(p, s->limit, 1); break;
    default: q = next_gpt2(p, s->limit);
    }
    *piece = p;
    *len = (size_t)(q - p);
    s->p = q;
    return true;
}
