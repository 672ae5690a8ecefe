/* A tokenizer's life, and ids back to text. */
#include <string.h>
#include "text.h"

int roma_tokenizer_create(roma_tokenizer **t, const roma_vocab *v, const char *file, roma_error *err) {
    *t = NULL;
    roma_tokenizer *n = roma_alloc_array(1, sizeof *n);
    if (!n) return roma_fail(err, ROMA_ENOMEM, file, ROMA_NOWHERE, "no memory for a tokenizer");
    n->v = *v;
    const int rc = roma_text_tables(n, file, err);
    if (rc)
        roma_free(n);
    else
        *t = n;
    return rc;
}

void roma_tokenizer_destroy(roma_tokenizer *t) {
    if (!t) return;
    roma_text_tables_free(t);
    roma_free(t);
}

const roma_vocab *roma_tokenizer_vocab(const roma_tokenizer *t) { return &t->v; }

bool roma_token_is_eog(const roma_tokenizer *t, int32_t id) {
    for (uint32_t i = 0; i < t->v.n_eog; i++)
        if (t->v.eog[i] == id) return true;
    return id >= 0 && id == t->v.eos;
}

/* ---- bytes of a token ----------------------------------------------------------------------------- */

static size_t put(char *out, size_t cap, size_t n, const char *s, size_t len) {
    if (n < cap) memcpy(out + n, s, len < cap - n ? len : cap - n);
    return n + len;
}

/* A token that is not written in the byte alphabet, as Command R has some, is no merge's and stands for its text. */
static bool in_alphabet(const uint8_t *p, const uint8_t *end) {
    unsigned n;
    for (; p < end; p += n)
        if (roma_text_alphabet_byte(roma_text_utf8(p, end, &n)) < 0) return false;
    return true;
}

static size_t alphabet_bytes(const char *s, uint32_t len, char *out, size_t cap) {
    const uint8_t *p = (const uint8_t *)s, *end = p + len;
    size_t n = 0;
    unsigned k;
    if (!in_alphabet(p, end)) return put(out, cap, 0, s, len);
    for (; p < end; p += k) {
        const char b = (char)roma_text_alphabet_byte(roma_text_utf8(p, end, &k));
        n = put(out, cap, n, &b, 1);
    }
    return n;
}

static size_t piece_bytes(const char *s, uint32_t len, char *out, size_t cap) {
    size_t n = 0;
    for (uint32_t i = 0; i < len;) {
        const bool space = len - i >= 3 && memcmp(s + i, "\xe2\x96\x81", 3) == 0;
        n = put(out, cap, n, space ? " " : s + i, 1);
        i += space ? 3 : 1;
    }
    return n;
}

size_t roma_token_bytes(const roma_tokenizer *t, int32_t id, bool special, char *out, size_t cap) {
    if (id < 0 || (uint32_t)id >= t->v.n_tokens) return 0;
    uint32_t len;
    const char *s = roma_text_of(&t->v, (uint32_t)id, &len);
    switch (t->v.type[id]) {
    case ROMA_TT_NORMAL:
        return t->v.kind == ROMA_TOK_BPE ? alphabet_bytes(s, len, out, cap) : piece_bytes(s, len, out, cap);
    case ROMA_TT_BYTE: {
        const char b = (char)roma_text_byte_of(s, len);
        return put(out, cap, 0, &b, 1);
    }
    case ROMA_TT_USER: return special || !roma_text_is_control(&t->v, (uint32_t)id) ? put(out, cap, 0, s, len) : 0;
    default: return special ? put(out, cap, 0, s, len) : 0;
    }
}

/* ---- streaming ------------------------------------------------------------------------------------ */

void roma_detok_init(roma_detok *d, const roma_tokenizer *t, bool special) {
    *d = (roma_detok){.tok = t, .special = special, .first = true};
}

/* Bytes that a character beginning with a has, by its first two bytes; 0 when they cannot begin one.
 * b is a continuation byte or, when not yet known, -1. */
static unsigned wants(uint8_t a, int b) {
    if (a < 0x80) return 1;
    if (a < 0xc2 || a > 0xf4) return 0;
    if (b >= 0) {
        if ((b & 0xc0) != 0x80) return 0;
        if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f)) return 0;
        if ((a == 0xf0 && b < 0x90) || (a == 0xf4 && b > 0x8f)) return 0;
    }
    return a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4;
}

static size_t replace(char *out) {
    memcpy(out, "\xef\xbf\xbd", 3);
    return 3;
}

/* One more byte: what it completes goes to out. A broken beginning becomes one U+FFFD, and the byte that broke
 * it begins anew (Unicode's "maximal subpart" practice). */
static size_t feed(roma_detok *d, uint8_t b, char *out) {
    size_t n = 0;
    if (d->n_held) {
        const bool goes_on = d->n_held == 1 ? wants(d->held[0], b) != 0 : (b & 0xc0) == 0x80;
        if (!goes_on) {
            n = replace(out);
            d->n_held = 0;
        }
    }
    if (!d->n_held && !wants(b, -1)) return n + replace(out + n);
    d->held[d->n_held++] = b;
    if (d->n_held == wants(d->held[0], -1)) {
        memcpy(out + n, d->held, d->n_held);
        n += d->n_held;
        d->n_held = 0;
    }
    return n;
}

size_t roma_detok_push(roma_detok *d, int32_t id, char *out) {
    char bytes[ROMA_TOKEN_BYTES_MAX];
    const size_t len = roma_token_bytes(d->tok, id, d->special, bytes, sizeof bytes);
    if (len == 0) return 0;
    /* SentencePiece put a space before the first word: it goes again. */
    const bool drop = d->first && d->tok->v.add_space_prefix && d->tok->v.kind == ROMA_TOK_SPM && bytes[0] == ' ' &&
                      d->tok->v.type[id] == ROMA_TT_NORMAL;
    d->first = false;
    size_t n = 0;
    for (size_t i = drop; i < len; i++) n += feed(d, (uint8_t)bytes[i], out + n);
    return n;
}

size_t roma_detok_flush(roma_detok *d, char *out) {
    const size_t n = d->n_held ? replace(out) : 0;
    d->n_held = 0;
    return n;
}
