/* Look-up tables of a tokenizer: text -> token, pair -> merge, special tokens in order of their text; and the
 * checks of the vocabulary that need them. */
#include <string.h>
#include "text.h"

static int fail(roma_error *err, int code, const char *file, const char *what, uint64_t i) {
    return roma_fail(err, code, file, ROMA_NOWHERE, "tokenizer: %s (index %llu)", what, (unsigned long long)i);
}

static uint32_t table_size(uint64_t entries) {
    uint32_t n = 16;
    while (n < entries * 3 / 2 && n < (1u << 31)) n *= 2;
    return n;
}

/* Heapsort: no recursion, no memory, and no bad case. */
typedef int (*compare_fn)(const roma_vocab *v, uint32_t a, uint32_t b);

static void sink(const roma_vocab *v, uint32_t *a, size_t n, size_t i, compare_fn cmp) {
    const uint32_t x = a[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && cmp(v, a[child], a[child + 1]) < 0) child++;
        if (cmp(v, x, a[child]) >= 0) break;
        a[i] = a[child];
    }
    a[i] = x;
}

static void sort_ids(const roma_vocab *v, uint32_t *a, size_t n, compare_fn cmp) {
    for (size_t i = n / 2; i-- > 0;) sink(v, a, n, i, cmp);
    for (size_t i = n; i-- > 1;) {
        const uint32_t x = a[0];
        a[0] = a[i];
        a[i] = x;
        sink(v, a, i, 0, cmp);
    }
}

static int by_text(const roma_vocab *v, uint32_t a, uint32_t b) {
    uint32_t la, lb;
    const char *sa = roma_text_of(v, a, &la), *sb = roma_text_of(v, b, &lb);
    const int d = memcmp(sa, sb, la < lb ? la : lb);
    return d ? d : (la > lb) - (la < lb);
}

static int by_score(const roma_vocab *v, uint32_t a, uint32_t b) {
    return (v->score[a] < v->score[b]) - (v->score[a] > v->score[b]);
}

/* ---- text -> token -------------------------------------------------------------------------------- */

/* Slot that holds the text, or the empty slot where it belongs. */
static uint32_t *text_slot(const roma_tokenizer *t, const char *text, size_t len) {
    for (uint32_t i = (uint32_t)roma_hash64(text, len);; i++) {
        uint32_t *slot = &t->index[i & t->index_mask];
        if (!*slot) return slot;
        uint32_t n;
        const char *s = roma_text_of(&t->v, *slot - 1, &n);
        if (n == len && memcmp(s, text, len) == 0) return slot;
    }
}

int32_t roma_text_find(const roma_tokenizer *t, const char *text, size_t len) {
    return len == 0 || len > t->longest ? -1 : (int32_t)*text_slot(t, text, len) - 1;
}

size_t roma_tokenizer_bytes(const roma_tokenizer *t) {
    const size_t merges = t->merges ? ((size_t)t->merge_mask + 1) * sizeof *t->merges : 0;
    return sizeof *t + ((size_t)t->index_mask + 1) * sizeof *t->index + merges +
           ((size_t)t->n_special + 1) * sizeof *t->special;
}

static int build_index(roma_tokenizer *t, const char *file, roma_error *err) {
    const uint32_t size = table_size(t->v.n_tokens);
    t->index_mask = size - 1;
    t->index = roma_alloc_array(size, sizeof *t->index);
    if (!t->index) return fail(err, ROMA_ENOMEM, file, "no memory for the table of tokens", size);
    for (uint32_t i = 0; i < t->v.n_tokens; i++) {
        uint32_t len;
        const char *s = roma_text_of(&t->v, i, &len);
        if (t->v.type[i] != ROMA_TT_NORMAL || len == 0) continue;
        uint32_t *slot = text_slot(t, s, len);
        if (*slot) return fail(err, ROMA_EDAMAGED, file, "a token's text is there twice", i);
        *slot = i + 1;
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

/* ---- special tokens ------------------------------------------------------------------------------- */

static bool is_special(const roma_vocab *v, uint32_t i) {
    const unsigned type = v->type[i];
    return (type == ROMA_TT_CONTROL || type == ROMA_TT_UNKNOWN || type == ROMA_TT_USER) &&
           v->text_off[i + 1] > v->text_off[i];
}

static int build_special(roma_tokenizer *t, const char *file, roma_error *err) {
    const roma_vocab *v = &t->v;
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n_tokens; i++) n += is_special(v, i);
    t->special = roma_alloc_array(n + 1, sizeof *t->special);
    if (!t->special) return fail(err, ROMA_ENOMEM, file, "no memory for the special tokens", n);
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        if (!is_special(v, i)) continue;
        t->special[t->n_special++] = i;
        t->special_first[(uint8_t)v->text[v->text_off[i]]] |= roma_text_is_marker(v, i) ? 2 : 1;
    }
    sort_ids(v, t->special, n, by_text);
    for (uint32_t i = 1; i < n; i++)
        if (by_text(v, t->special[i - 1], t->special[i]) == 0)
            return fail(err, ROMA_EDAMAGED, file, "a special token's text is there twice", t->special[i]);
    return ROMA_OK;
}

/* First special token in [lo, hi), all of which agree up to `depth`, whose next byte is at least c. */
static uint32_t narrow(const roma_tokenizer *t, uint32_t lo, uint32_t hi, uint32_t depth, unsigned c) {
    while (lo < hi) {
        const uint32_t mid = lo + (hi - lo) / 2;
        uint32_t len;
        const char *s = roma_text_of(&t->v, t->special[mid], &len);
        if (len <= depth || (uint8_t)s[depth] < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

int32_t roma_text_match_special(const roma_tokenizer *t, const char *p, const char *end, bool control) {
    if (!(t->special_first[(uint8_t)*p] & (control ? 3 : 1))) return -1;
    int32_t best = -1;
    uint32_t lo = 0, hi = t->n_special;
    for (uint32_t depth = 0; lo < hi && p < end; depth++, p++) {
        const unsigned c = (uint8_t)*p;
        lo = narrow(t, lo, hi, depth, c);
        hi = narrow(t, lo, hi, depth, c + 1);
        if (lo == hi) break;
        const uint32_t id = t->special[lo]; /* the shortest of those left comes first */
        if (t->v.text_off[id + 1] - t->v.text_off[id] == depth + 1 && (control || !roma_text_is_marker(&t->v, id)))
            best = (int32_t)id;
    }
    return best;
}

int32_t roma_text_find_special(const roma_tokenizer *t, const char *text, size_t len) {
    const int32_t id = len ? roma_text_match_special(t, text, text + len, true) : -1;
    return id >= 0 && t->v.text_off[id + 1] - t->v.text_off[id] == len ? id : -1;
}

/* ---- merges --------------------------------------------------------------------------------------- */

static uint64_t mix(uint32_t left, uint32_t right) {
    uint64_t x = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

static roma_text_merge *merge_slot(const roma_tokenizer *t, uint32_t left, uint32_t right) {
    for (uint32_t i = (uint32_t)mix(left, right);; i++) {
        roma_text_merge *m = &t->merges[i & t->merge_mask];
        if (m->rank == TEXT_NONE || (m->left == left && m->right == right)) return m;
    }
}

const roma_text_merge *roma_text_merge_find(const roma_tokenizer *t, uint32_t left, uint32_t right) {
    const roma_text_merge *m = merge_slot(t, left, right);
    return m->rank == TEXT_NONE ? NULL : m;
}

static int alloc_merges(roma_tokenizer *t, uint64_t n, const char *file, roma_error *err) {
    if (n > (1u << 30)) return fail(err, ROMA_EDAMAGED, file, "there are more than 2^30 merges", n);
    const uint32_t size = table_size(n);
    t->merge_mask = size - 1;
    t->merges = roma_alloc_array(size, sizeof *t->merges);
    if (!t->merges) return fail(err, ROMA_ENOMEM, file, "no memory for the table of merges", n);
    for (uint32_t i = 0; i < size; i++) t->merges[i].rank = TEXT_NONE;
    return ROMA_OK;
}

static int build_bpe_merges(roma_tokenizer *t, const char *file, roma_error *err) {
    const roma_vocab *v = &t->v;
    int rc = alloc_merges(t, v->n_merges, file, err);
    if (rc) return rc;
    char joined[2 * ROMA_TOKEN_BYTES_MAX];
    for (uint32_t i = 0; i < v->n_merges; i++) {
        const uint32_t left = v->merges[2 * (size_t)i], right = v->merges[2 * (size_t)i + 1];
        uint32_t a, b;
        const char *sa = roma_text_of(v, left, &a), *sb = roma_text_of(v, right, &b);
        memcpy(joined, sa, a);
        memcpy(joined + a, sb, b);
        const int32_t id = roma_text_find(t, joined, a + b);
        if (id < 0) return fail(err, ROMA_EDAMAGED, file, "a merge makes no token of the vocabulary", i);
        roma_text_merge *m = merge_slot(t, left, right);
        if (m->rank != TEXT_NONE) return fail(err, ROMA_EDAMAGED, file, "a merge is there twice", i);
        *m = (roma_text_merge){left, right, i, (uint32_t)id};
    }
    return ROMA_OK;
}

/* All ways to join token `id` from two tokens; counts them, and stores them when rank is given. */
static uint64_t spm_splits(roma_tokenizer *t, uint32_t id, const uint32_t *rank) {
    uint32_t len;
    const char *s = roma_text_of(&t->v, id, &len);
    uint64_t n = 0;
    for (uint32_t k = 1; k < len; k++) {
        if (((uint8_t)s[k] & 0xc0) == 0x80) continue; /* inside a character */
        const int32_t left = roma_text_find(t, s, k);
        const int32_t right = left < 0 ? -1 : roma_text_find(t, s + k, len - k);
        if (right < 0) continue;
        n++;
        if (!rank) continue;
        roma_text_merge *m = merge_slot(t, (uint32_t)left, (uint32_t)right);
        *m = (roma_text_merge){(uint32_t)left, (uint32_t)right, rank[id], id};
    }
    return n;
}

/* SentencePiece merges what has the highest score: rank = place in that order, equal scores sharing one. */
static int build_spm_merges(roma_tokenizer *t, const char *file, roma_error *err) {
    const roma_vocab *v = &t->v;
    uint32_t *order = roma_alloc_array(2 * (size_t)v->n_tokens, sizeof *order);
    if (!order) return fail(err, ROMA_ENOMEM, file, "no memory for the scores", v->n_tokens);
    uint32_t *rank = order + v->n_tokens;
    for (uint32_t i = 0; i < v->n_tokens; i++) order[i] = i;
    sort_ids(v, order, v->n_tokens, by_score);
    uint32_t r = 0;
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        if (i && by_score(v, order[i - 1], order[i]) != 0) r++;
        rank[order[i]] = r;
    }
    uint64_t n = 0;
    for (uint32_t i = 0; i < v->n_tokens; i++)
        if (v->type[i] == ROMA_TT_NORMAL) n += spm_splits(t, i, NULL);
    const int rc = alloc_merges(t, n, file, err);
    for (uint32_t i = 0; !rc && i < v->n_tokens; i++)
        if (v->type[i] == ROMA_TT_NORMAL) spm_splits(t, i, rank);
    roma_free(order);
    return rc;
}

/* Whether text may be cut before a space that follows another character: no token reaches across. */
static bool words_are_apart(const roma_vocab *v) {
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        uint32_t len;
        const char *s = roma_text_of(v, i, &len);
        if (v->type[i] != ROMA_TT_NORMAL) continue;
        bool other = false;
        for (uint32_t k = 0; k < len;) {
            const bool space = len - k >= 3 && memcmp(s + k, "\xe2\x96\x81", 3) == 0;
            if (space && other) return false;
            other |= !space;
            k += space ? 3 : 1;
        }
    }
    return true;
}

int roma_text_tables(roma_tokenizer *t, const char *file, roma_error *err) {
    int rc = roma_text_check_fields(&t->v, file, err);
    if (!rc) rc = build_index(t, file, err);
    if (!rc) rc = build_special(t, file, err);
    if (!rc) rc = t->v.kind == ROMA_TOK_BPE ? build_bpe_merges(t, file, err) : build_spm_merges(t, file, err);
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
