/* Look-up tables of a tokenizer: text -> token, pair -> merge; and the checks of the vocabulary that need them. */
#include <string.h>
#include "text.h"

int roma_text_fail(roma_error *err, int code, const char *file, const char *what, uint64_t i) {
    return roma_fail(err, code, file, ROMA_NOWHERE, "tokenizer: %s (index %llu)", what, (unsigned long long)i);
}

/* A slot has 1 + the number of a token or a merge in its lower bits and above them the upper bits of the hash, so that
 * hardly ever a text or a pair is looked at that is not the one that is sought. 0 is empty. */
enum { SLOT_BITS = 23 };
_Static_assert(ROMA_TOKENS_MAX < 1u << SLOT_BITS, "1 + a number fits a slot");
static uint32_t tag_of(uint64_t hash) { return (uint32_t)(hash >> (32 + SLOT_BITS)) << SLOT_BITS; }
static bool has_tag(uint32_t slot, uint32_t tag) { return (slot ^ tag) >> SLOT_BITS == 0; }
static uint32_t number_of(uint32_t slot) { return (slot & ((1u << SLOT_BITS) - 1)) - 1; }

static uint32_t table_size(uint64_t entries) {
    uint32_t n = 16;
    while (n < entries * 3 / 2 && n < (1u << 31)) n *= 2;
    return n;
}

/* ---- text -> token -------------------------------------------------------------------------------- */

/* Slot that holds the text, or the empty slot where it belongs; *tag is what it has of the hash. */
static uint32_t *text_slot(const roma_tokenizer *t, const char *text, size_t len, uint32_t *tag) {
    const uint64_t hash = roma_hash64(text, len);
    *tag = tag_of(hash);
    for (uint32_t i = (uint32_t)hash;; i++) {
        uint32_t *slot = &t->index[i & t->index_mask];
        if (!*slot) return slot;
        if (!has_tag(*slot, *tag)) continue;
        uint32_t n;
        const char *s = roma_text_of(&t->v, number_of(*slot), &n);
        if (n == len && memcmp(s, text, len) == 0) return slot;
    }
}

int32_t roma_text_find(const roma_tokenizer *t, const char *text, size_t len) {
    uint32_t tag;
    if (len == 0 || len > t->longest) return -1;
    const uint32_t slot = *text_slot(t, text, len, &tag);
    return slot ? (int32_t)number_of(slot) : -1;
}

size_t roma_tokenizer_bytes(const roma_tokenizer *t) {
    const size_t merges = t->merges ? ((size_t)t->merge_mask + 1 + t->v.n_merges + 1) * sizeof *t->merges : 0;
    return sizeof *t + ((size_t)t->index_mask + 1) * sizeof *t->index + merges +
           ((size_t)t->n_special + 1) * sizeof *t->special;
}

static int build_index(roma_tokenizer *t, const char *file, roma_error *err) {
    const uint32_t size = table_size(t->v.n_tokens);
    t->index_mask = size - 1;
    t->index = roma_alloc_array(size, sizeof *t->index);
    if (!t->index) return roma_text_fail(err, ROMA_ENOMEM, file, "no memory for the table of tokens", size);
    for (uint32_t i = 0; i < t->v.n_tokens; i++) {
        uint32_t len;
        const char *s = roma_text_of(&t->v, i, &len);
        if (t->v.type[i] != ROMA_TT_NORMAL || len == 0) continue;
        uint32_t tag, *slot = text_slot(t, s, len, &tag);
        if (*slot) return roma_text_fail(err, ROMA_EDAMAGED, file, "a token's text is there twice", i);
        *slot = tag | (i + 1);
        if (len > t->longest) t->longest = len;
    }
    return ROMA_OK;
}

static void build_bytes(roma_tokenizer *t) {
    for (unsigned b = 0; b < 256; b++) {
        uint8_t s[4];
        const unsigned n = roma_text_utf8_put(roma_text_alphabet_char((uint8_t)b), s);
        t->byte_id[b] = t->v.kind == ROMA_TOK_BPE ? roma_text_find(t, (char *)s, n) : -1;
    }
    for (uint32_t i = 0; i < t->v.n_tokens; i++) {
        uint32_t len;
        const char *s = roma_text_of(&t->v, i, &len);
        if (t->v.type[i] == ROMA_TT_BYTE) t->byte_id[roma_text_byte_of(s, len)] = (int32_t)i;
    }
}

/* ---- merges --------------------------------------------------------------------------------------- */

static uint64_t mix(uint32_t left, uint32_t right) {
    uint64_t x = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

/* Slot that holds the merge of a pair, or the empty slot where it belongs; *tag is what it has of the hash. */
static uint32_t *merge_slot(const roma_tokenizer *t, uint32_t left, uint32_t right, uint32_t *tag) {
    const uint64_t hash = mix(left, right);
    *tag = tag_of(hash);
    for (uint32_t i = (uint32_t)hash;; i++) {
        uint32_t *slot = &t->merges[i & t->merge_mask];
        if (!*slot) return slot;
        if (!has_tag(*slot, *tag)) continue;
        const uint32_t *pair = &t->v.merges[2 * (size_t)number_of(*slot)];
        if (pair[0] == left && pair[1] == right) return slot;
    }
}

static int32_t find_joined(const roma_tokenizer *t, const char *a, uint32_t na, const char *b, uint32_t nb) {
    char joined[2 * ROMA_TOKEN_BYTES_MAX];
    if (na + nb > t->longest) return -1;
    memcpy(joined, a, na);
    memcpy(joined + na, b, nb);
    return roma_text_find(t, joined, na + nb);
}

/* Whether n >= 1 bytes are the same, both within the texts of a vocabulary: mostly few, which are one load. */
static inline bool same(const roma_vocab *v, const char *a, const char *b, uint32_t n) {
    const char *end = v->text + v->text_off[v->n_tokens];
    if (n > 8 || end - a < 8 || end - b < 8) return memcmp(a, b, n) == 0;
    return (roma_le64((const uint8_t *)a) ^ roma_le64((const uint8_t *)b)) << (64 - 8 * n) == 0;
}

static bool is_joined(const roma_vocab *v, uint32_t id, const char *a, uint32_t na, const char *b, uint32_t nb) {
    uint32_t n;
    if (id >= v->n_tokens || v->type[id] != ROMA_TT_NORMAL) return false;
    const char *s = roma_text_of(v, id, &n);
    return n == na + nb && same(v, s, a, na) && same(v, s + na, b, nb);
}

/* The token that merge i makes, or -1. Most vocabularies number tokens in the order of their merges: it is the one that
 * the merge before made, or the next. */
static int32_t made_by(const roma_tokenizer *t, uint32_t i) {
    const roma_vocab *v = &t->v;
    const uint32_t *pair = &v->merges[2 * (size_t)i], last = i ? t->made[i - 1] : 0;
    uint32_t na, nb;
    const char *a = roma_text_of(v, pair[0], &na), *b = roma_text_of(v, pair[1], &nb);
    for (uint32_t id = last; id <= last + 1; id++)
        if (is_joined(v, id, a, na, b, nb)) return (int32_t)id;
    return find_joined(t, a, na, b, nb);
}

static int build_merges(roma_tokenizer *t, const char *file, roma_error *err) {
    const uint32_t n = t->v.n_merges, size = table_size(n);
    t->merge_mask = size - 1;
    t->merges = roma_alloc_array((size_t)size + n + 1, sizeof *t->merges);
    if (!t->merges) return roma_text_fail(err, ROMA_ENOMEM, file, "no memory for the table of merges", n);
    t->made = t->merges + size;
    for (uint32_t i = 0; i < n; i++) {
        const int32_t id = made_by(t, i);
        if (id < 0) return roma_text_fail(err, ROMA_EDAMAGED, file, "a merge makes no token of the vocabulary", i);
        t->made[i] = (uint32_t)id;
        uint32_t tag, *slot = merge_slot(t, t->v.merges[2 * (size_t)i], t->v.merges[2 * (size_t)i + 1], &tag);
        if (*slot) return roma_text_fail(err, ROMA_EDAMAGED, file, "a merge is there twice", i);
        *slot = tag | (i + 1);
    }
    return ROMA_OK;
}

/* Finite scores in descending order as numbers in ascending order, equal ones equal: 0 and -0 too. */
static uint32_t rank_of(float score) {
    const float sum = score + 0.0f;
    uint32_t bits;
    memcpy(&bits, &sum, sizeof bits);
    return bits >> 31 ? bits : ~(bits | 1u << 31);
}

/* SentencePiece joins any two tokens whose union is one, but within no character. */
static bool find_union(const roma_tokenizer *t, uint32_t left, uint32_t right, roma_text_merge *out) {
    const roma_vocab *v = &t->v;
    uint32_t na, nb;
    const char *a = roma_text_of(v, left, &na), *b = roma_text_of(v, right, &nb);
    if (v->type[left] != ROMA_TT_NORMAL || v->type[right] != ROMA_TT_NORMAL || !na || !nb) return false;
    const int32_t id = ((uint8_t)*b & 0xc0) == 0x80 ? -1 : find_joined(t, a, na, b, nb);
    if (id >= 0) *out = (roma_text_merge){rank_of(v->score[id]), (uint32_t)id};
    return id >= 0;
}

bool roma_text_merge_find(const roma_tokenizer *t, uint32_t left, uint32_t right, roma_text_merge *out) {
    if (t->v.kind == ROMA_TOK_SPM) return find_union(t, left, right, out);
    uint32_t tag;
    const uint32_t slot = *merge_slot(t, left, right, &tag);
    if (slot) *out = (roma_text_merge){number_of(slot), t->made[number_of(slot)]};
    return slot != 0;
}

static bool is_space_mark(const char *s, uint32_t len) {
    return len >= 3 && s[0] == '\xe2' && s[1] == '\x96' && s[2] == '\x81';
}

/* Whether text may be cut before a space that follows another character: no token reaches across. */
static bool words_are_apart(const roma_vocab *v) {
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        uint32_t len;
        const char *s = roma_text_of(v, i, &len);
        if (v->type[i] != ROMA_TT_NORMAL) continue;
        uint32_t k = 0;
        while (is_space_mark(s + k, len - k)) k += 3;
        for (; k < len; k++)
            if (is_space_mark(s + k, len - k)) return false;
    }
    return true;
}

int roma_text_tables(roma_tokenizer *t, const char *file, roma_error *err) {
    int rc = roma_text_check_fields(&t->v, file, err);
    if (!rc) rc = build_index(t, file, err);
    if (!rc) rc = roma_text_special(t, file, err);
    if (!rc && t->v.kind == ROMA_TOK_BPE) rc = build_merges(t, file, err);
    if (rc) {
        roma_text_tables_free(t);
        return rc;
    }
    build_bytes(t);
    t->cut_words = t->v.kind == ROMA_TOK_SPM && words_are_apart(&t->v);
    return ROMA_OK;
}

void roma_text_tables_free(roma_tokenizer *t) {
    roma_free(t->index);
    roma_free(t->merges);
    roma_free(t->special);
    t->index = NULL;
    t->merges = NULL;
    t->special = NULL;
}
