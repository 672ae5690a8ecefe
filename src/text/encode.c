/* Text to ids: special tokens are cut out first, the text between them is normalised, cut into pieces, and each
 * piece merged. */
#include <string.h>
#include "text.h"

typedef struct {
    const roma_tokenizer *t;
    int32_t *out;
    size_t cap, n;
    roma_text_word word;
    bool after_unk; /* unknown characters in a row are one unknown token */
    roma_error *err;
} encoder;

static void emit(encoder *e, int32_t id) {
    if (e->n < e->cap) e->out[e->n] = id;
    e->n++;
}

static void emit_word(encoder *e) {
    if (e->word.n == 0) return;
    roma_text_word_merge(e->t, &e->word);
    for (uint32_t i = 0; i != TEXT_NONE; i = e->word.symbol[i].next) {
        const int32_t id = (int32_t)e->word.symbol[i].id;
        const bool unk = e->t->v.kind == ROMA_TOK_SPM && id == e->t->v.unk;
        if (!unk || !e->after_unk) emit(e, id);
        e->after_unk = unk;
    }
}

/* ---- byte-level BPE ------------------------------------------------------------------------------- */

/* The token that the piece is as a whole, or -1. */
static int32_t whole_piece(const roma_tokenizer *t, const uint8_t *piece, size_t len) {
    uint8_t s[2 * ROMA_TOKEN_BYTES_MAX];
    size_t n = 0;
    if (len > ROMA_TOKEN_BYTES_MAX) return -1;
    for (size_t i = 0; i < len; i++) n += roma_text_utf8_put(roma_text_alphabet_char(piece[i]), s + n);
    return roma_text_find(t, (const char *)s, n);
}

static int encode_bpe_piece(encoder *e, const uint8_t *piece, size_t len) {
    const roma_tokenizer *t = e->t;
    if (t->v.ignore_merges) {
        const int32_t id = whole_piece(t, piece, len);
        if (id >= 0) {
            emit(e, id);
            return ROMA_OK;
        }
    }
    const int rc = roma_text_word_reserve(&e->word, len, e->err);
    if (rc) return rc;
    for (size_t i = 0; i < len; i++)
        if (t->byte_id[piece[i]] >= 0) roma_text_word_add(&e->word, (uint32_t)t->byte_id[piece[i]]);
    emit_word(e);
    return ROMA_OK;
}

static int encode_bpe(encoder *e, const char *text, size_t len) {
    char *owned = NULL;
    int rc = ROMA_OK;
    if (roma_text_pre_composes(e->t->v.pre) && roma_text_nfc_needed(text, len)) {
        rc = roma_text_nfc(text, len, &owned, &len, e->err);
        if (rc) return rc;
        text = owned;
    }
    roma_text_pre s;
    const uint8_t *piece;
    size_t n;
    roma_text_pre_init(&s, e->t->v.pre, text, len);
    while (!rc && roma_text_pre_next(&s, &piece, &n)) rc = encode_bpe_piece(e, piece, n);
    roma_free(owned);
    return rc;
}

/* ---- SentencePiece -------------------------------------------------------------------------------- */

static const char SPACE_MARK[3] = {'\xe2', '\x96', '\x81'}; /* U+2581, how the vocabulary writes a space */

/* A space, written either way, at p: its length, or 0. */
static unsigned space_at(const char *p, const char *end) {
    if (*p == ' ') return 1;
    return end - p >= 3 && memcmp(p, SPACE_MARK, 3) == 0 ? 3 : 0;
}

static void add_bytes(encoder *e, const char *p, unsigned len) {
    const roma_tokenizer *t = e->t;
    bool all = true;
    for (unsigned i = 0; i < len; i++) all &= t->byte_id[(uint8_t)p[i]] >= 0;
    if (!all) {
        if (t->v.unk >= 0) roma_text_word_add(&e->word, (uint32_t)t->v.unk);
        return;
    }
    for (unsigned i = 0; i < len; i++) roma_text_word_add(&e->word, (uint32_t)t->byte_id[(uint8_t)p[i]]);
}

static void add_character(encoder *e, const char *p, unsigned len) {
    const int32_t id = roma_text_find(e->t, p, len);
    if (id >= 0)
        roma_text_word_add(&e->word, (uint32_t)id);
    else
        add_bytes(e, p, len);
}

/* End of the piece at p: before the next space that follows something else, where that is no token's inside. */
static const char *word_end(const roma_tokenizer *t, const char *p, const char *end) {
    if (!t->cut_words) return end;
    unsigned n;
    while (p < end && (n = space_at(p, end)) != 0) p += n;
    while (p < end && !space_at(p, end)) p++;
    return p;
}

/* Whether a stretch of text gets a space in front; first: the whole text begins with the stretch. */
static bool gets_space(const roma_tokenizer *t, const char *text, size_t len, bool first, unsigned flags) {
    const bool begins = len && space_at(text, text + len);
    if (t->v.kind != ROMA_TOK_SPM || (first && (flags & ROMA_TEXT_CONTINUE))) return false;
    switch (t->v.add_space_prefix) {
    case ROMA_PREFIX_EACH: return true;
    case ROMA_PREFIX_MISSING: return !begins;
    case ROMA_PREFIX_FIRST: return !begins && first;
    default: return false;
    }
}

static int encode_spm(encoder *e, const char *text, size_t len, bool prefix) {
    const char *p = text, *end = text + len;
    e->after_unk = false;
    while (p < end) {
        const char *stop = word_end(e->t, p, end);
        const int rc = roma_text_word_reserve(&e->word, (size_t)(stop - p) + 3, e->err);
        if (rc) return rc;
        if (prefix && p == text) add_character(e, SPACE_MARK, 3);
        while (p < stop) {
            unsigned n = space_at(p, stop);
            if (n) {
                add_character(e, SPACE_MARK, 3);
            } else {
                roma_text_utf8((const uint8_t *)p, (const uint8_t *)stop, &n);
                add_character(e, p, n);
            }
            p += n;
        }
        emit_word(e);
    }
    return ROMA_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------ */

static int encode_text(encoder *e, const char *text, size_t len, bool prefix) {
    if (len == 0) return ROMA_OK;
    return e->t->v.kind == ROMA_TOK_BPE ? encode_bpe(e, text, len) : encode_spm(e, text, len, prefix);
}

/* The special token at p. Of a text whose bytes are known (trusted, one for each) a marker is made of trusted bytes
 * alone. */
static int32_t special_at(const roma_tokenizer *t, const char *p, const char *end, const uint8_t *trusted,
                          bool special) {
    if (!trusted) return roma_text_match_special(t, p, end, special);
    const int32_t plain = roma_text_match_special(t, p, end, false);
    const char *stop = p;
    while (stop < end && trusted[stop - p]) stop++;
    const int32_t marker = stop > p ? roma_text_match_special(t, p, stop, true) : -1;
    if (plain < 0 || marker < 0) return plain < 0 ? marker : plain;
    const uint32_t *at = t->v.text_off;
    return at[marker + 1] - at[marker] >= at[plain + 1] - at[plain] ? marker : plain;
}

static int encode_all(encoder *e, const char *text, const uint8_t *trusted, size_t len, unsigned flags) {
    const roma_tokenizer *t = e->t;
    const char *p = text, *end = text + len, *from = text;
    int rc = ROMA_OK;
    while (!rc && p < end) {
        const int32_t id =
            special_at(t, p, end, trusted ? trusted + (p - text) : NULL, (flags & ROMA_TEXT_SPECIAL) != 0);
        if (id < 0) {
            p++;
            continue;
        }
        rc = encode_text(e, from, (size_t)(p - from), gets_space(t, from, (size_t)(p - from), from == text, flags));
        emit(e, id);
        p += t->v.text_off[id + 1] - t->v.text_off[id];
        from = p;
    }
    const bool prefix = gets_space(t, from, (size_t)(end - from), from == text, flags);
    return rc ? rc : encode_text(e, from, (size_t)(end - from), prefix);
}

static int tokenize(const roma_tokenizer *t, const char *text, const uint8_t *trusted, size_t len, unsigned flags,
                    int32_t *out, size_t cap, size_t *n, roma_error *err) {
    *n = 0;
    if (len > (size_t)1 << 31)
        return roma_fail(err, ROMA_EINPUT, NULL, ROMA_NOWHERE, "text of %zu bytes; at most 2^31 at a time", len);
    if (!len) text = ""; /* NULL too: nothing is added to it */
    encoder e = {.t = t, .out = out, .cap = cap, .err = err};
    const bool ends = (flags & ROMA_TEXT_BOS) != 0;
    if (ends && t->v.add_bos && t->v.bos >= 0) emit(&e, t->v.bos);
    const int rc = encode_all(&e, text, trusted, len, flags);
    if (ends && t->v.add_eos && t->v.eos >= 0) emit(&e, t->v.eos);
    roma_text_word_free(&e.word);
    if (!rc) *n = e.n;
    return rc;
}

int roma_tokenize(const roma_tokenizer *t, const char *text, size_t len, unsigned flags, int32_t *out, size_t cap,
                  size_t *n, roma_error *err) {
    return tokenize(t, text, NULL, len, flags, out, cap, n, err);
}

int roma_tokenize_marked(const roma_tokenizer *t, const char *text, const uint8_t *trusted, size_t len, int32_t *out,
                         size_t cap, size_t *n, roma_error *err) {
    return tokenize(t, text, trusted, len, 0, out, cap, n, err);
}
