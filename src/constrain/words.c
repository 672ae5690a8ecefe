/* A vocabulary made ready for forms: its tokens as a tree by their bytes, and those of clean characters apart, of which
 * a text takes all or none (mask.c). */
#include "constrain/internal.h"

#include <string.h>

enum { CLEAN_MOST = 254 };

/* The bytes of all tokens, while the tree is made. */
typedef struct {
    roma_constrain_words *w;
    uint8_t *bytes;
    uint32_t *at, *ids; /* token id has bytes[at[id] .. at[id + 1]); those that belong into a tree, sorted */
    uint32_t n;
} maker;

/* ---- tokens ---- */

/* Clean characters that the bytes are, up to CLEAN_MOST; 0: they are something else too. */
static unsigned clean_characters(const uint8_t *s, size_t n) {
    unsigned count = 0;
    for (size_t i = 0; i < n; count++) {
        const size_t len = roma_utf8(s + i, n - i);
        if (!len || s[i] < 0x20 || s[i] == '"' || s[i] == '\\' || s[i] == 0x7f || count == CLEAN_MOST) return 0;
        i += len;
    }
    return count;
}

size_t roma_constrain_token(const roma_constrain_words *w, int32_t id, char *out, size_t cap) {
    const bool shown = (uint32_t)id < w->n_tokens && w->shown[id / 64] >> id % 64 & 1;
    return roma_token_bytes(w->tok, id, shown, out, cap);
}

/* The bytes of tokens that may come as text: none of those that end a text, of control those that are shown. */
static bool take_bytes(maker *m) {
    roma_constrain_words *w = m->w;
    char one[ROMA_TOKEN_BYTES_MAX];
    uint64_t all = 0;
    for (uint32_t id = 0; id < w->n_tokens; id++) all += roma_constrain_token(w, (int32_t)id, one, 0);
    if (all > UINT32_MAX) return false;
    m->bytes = roma_alloc(all + 1);
    m->at = roma_alloc_array((size_t)w->n_tokens + 1, sizeof *m->at);
    m->ids = roma_alloc_array((size_t)w->n_tokens + 1, sizeof *m->ids);
    if (!m->bytes || !m->at || !m->ids) return false;
    for (uint32_t id = 0; id < w->n_tokens; id++) {
        size_t n = 0;
        if (roma_token_is_eog(w->tok, (int32_t)id))
            w->eog[w->n_eog++] = id;
        else
            n = roma_constrain_token(w, (int32_t)id, (char *)m->bytes + m->at[id], ROMA_TOKEN_BYTES_MAX);
        m->at[id + 1] = m->at[id] + (uint32_t)n;
        if (n > w->longest) w->longest = (uint32_t)n;
        w->clean_count[id] = (uint8_t)clean_characters(m->bytes + m->at[id], n);
        if (w->clean_count[id] > w->clean_most) w->clean_most = w->clean_count[id];
    }
    return true;
}

static int by_bytes(const void *a, const void *b, void *ctx) {
    const maker *m = ctx;
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const size_t nx = m->at[x + 1] - m->at[x], ny = m->at[y + 1] - m->at[y];
    const int d = memcmp(m->bytes + m->at[x], m->bytes + m->at[y], nx < ny ? nx : ny);
    return d ? d : nx != ny ? (nx > ny) - (nx < ny) : (x > y) - (x < y);
}

/* ---- trees ---- */

static size_t common(const maker *m, uint32_t a, uint32_t b) {
    const size_t na = m->at[a + 1] - m->at[a], nb = m->at[b + 1] - m->at[b], n = na < nb ? na : nb;
    size_t i = 0;
    while (i < n && m->bytes[m->at[a] + i] == m->bytes[m->at[b] + i]) i++;
    return i;
}

static bool lay_tree(maker *m, word_trie *t) {
    uint64_t n = 0;
    for (uint32_t i = 0; i < m->n; i++)
        n += m->at[m->ids[i] + 1] - m->at[m->ids[i]] - (i ? common(m, m->ids[i - 1], m->ids[i]) : 0);
    if (n >= UINT32_MAX) return false;
    t->byte = roma_alloc_array(n + 1, sizeof *t->byte);
    t->depth = roma_alloc_array(n + 1, sizeof *t->depth);
    t->skip = roma_alloc_array(n + 1, sizeof *t->skip);
    t->token = roma_alloc_array(n + 1, sizeof *t->token);
    m->w->bytes += (n + 1) * (sizeof *t->byte + sizeof *t->depth + sizeof *t->skip + sizeof *t->token);
    return t->byte && t->depth && t->skip && t->token;
}

/* Tokens in order: each shares a beginning with the one before, whose other nodes end there. */
static bool make_tree(maker *m, word_trie *t) {
    static const word_trie none;
    roma_constrain_words *w = m->w;
    uint32_t *open = roma_alloc_array(w->longest + 1, sizeof *open), depth = 0;
    *t = none;
    if (!open || !lay_tree(m, t)) {
        roma_free(open);
        return false;
    }
    for (uint32_t i = 0; i < m->n; i++) {
        const uint32_t id = m->ids[i], len = m->at[id + 1] - m->at[id];
        const size_t same = i ? common(m, m->ids[i - 1], id) : 0;
        while (depth > same) t->skip[open[--depth]] = t->n;
        if (same == len) { /* the same bytes again */
            w->same[m->ids[i - 1]] = id + 1;
            continue;
        }
        for (; depth < len; depth++) {
            open[depth] = t->n;
            t->byte[t->n] = m->bytes[m->at[id] + depth];
            t->depth[t->n++] = (uint16_t)(depth + 1);
        }
        t->token[t->n - 1] = id + 1;
    }
    while (depth) t->skip[open[--depth]] = t->n;
    roma_free(open);
    return true;
}

static void pick(maker *m, bool clean) {
    m->n = 0;
    for (uint32_t id = 0; id < m->w->n_tokens; id++)
        if (m->at[id + 1] > m->at[id] && (m->w->clean_count[id] != 0) == clean) m->ids[m->n++] = id;
    roma_sort(m->ids, m->n, sizeof *m->ids, by_bytes, m);
}

/* ---- masks of clean tokens ---- */

static void set(uint64_t *mask, uint32_t id) { mask[id / 64] |= UINT64_C(1) << id % 64; }

static void make_masks(roma_constrain_words *w) {
    for (uint32_t id = 0; id < w->n_tokens; id++) {
        const unsigned n = w->clean_count[id];
        if (!n) continue;
        set(w->clean_all, id);
        for (unsigned k = n; k <= WORDS_CLEAN_MASKS; k++) set(w->clean_mask + (size_t)k * w->n_words, id);
    }
    for (unsigned n = WORDS_CLEAN_MASKS + 1; n <= w->clean_most; n++)
        for (uint32_t id = 0; id < w->n_tokens; id++)
            if (w->clean_count[id] == n) w->clean_long[w->n_clean_long++] = id;
}

/* Tokens whose blank goes at the beginning of a text, by the rule of roma_detok_push. */
static bool make_dropped(maker *m) {
    roma_constrain_words *w = m->w;
    const roma_vocab *v = roma_tokenizer_vocab(w->tok);
    if (!v->add_space_prefix || v->kind != ROMA_TOK_SPM) return true;
    w->dropped = roma_alloc_array(w->n_words, sizeof *w->dropped);
    if (!w->dropped) return false;
    w->bytes += w->n_words * sizeof *w->dropped;
    for (uint32_t id = 0; id < w->n_tokens; id++)
        if (v->type[id] == ROMA_TT_NORMAL && m->at[id + 1] > m->at[id] && m->bytes[m->at[id]] == ' ')
            set(w->dropped, id);
    return true;
}

/* ---- all ---- */

static bool lay(roma_constrain_words *w) {
    const size_t masks = (size_t)(WORDS_CLEAN_MASKS + 1) * w->n_words;
    w->same = roma_alloc_array((size_t)w->n_tokens + 1, sizeof *w->same);
    w->clean_count = roma_alloc_array((size_t)w->n_tokens + 1, 1);
    w->clean_long = roma_alloc_array((size_t)w->n_tokens + 1, sizeof *w->clean_long);
    w->clean_mask = roma_alloc_array(masks, sizeof *w->clean_mask);
    w->clean_all = roma_alloc_array(w->n_words, sizeof *w->clean_all);
    w->shown = roma_alloc_array(w->n_words, sizeof *w->shown);
    w->bytes += sizeof *w + ((size_t)w->n_tokens + 1) * 9 + (masks + 2 * w->n_words) * 8;
    return w->same && w->clean_count && w->clean_long && w->clean_mask && w->clean_all && w->shown;
}

int roma_constrain_words_create(roma_constrain_words **out, const roma_tokenizer *t, uint32_t vocab,
                                const int32_t *shown, size_t n_shown, roma_error *err) {
    *out = NULL;
    roma_constrain_words *w = roma_alloc_array(1, sizeof *w);
    if (!w) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the vocabulary's tree");
    maker m = {.w = w};
    const uint32_t n = roma_tokenizer_vocab(t)->n_tokens;
    *w = (roma_constrain_words){
        .tok = t, .vocab = vocab, .n_tokens = n < vocab ? n : vocab, .n_words = (vocab + 63) / 64};
    bool ok = lay(w);
    for (size_t i = 0; ok && i < n_shown; i++) set(w->shown, (uint32_t)shown[i]);
    ok = ok && take_bytes(&m);
    if (ok) pick(&m, true);
    ok = ok && make_tree(&m, &w->clean);
    if (ok) pick(&m, false);
    ok = ok && make_tree(&m, &w->rest) && make_dropped(&m);
    if (ok) make_masks(w);
    roma_free(m.bytes);
    roma_free(m.at);
    roma_free(m.ids);
    if (!ok) {
        roma_constrain_words_destroy(w);
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the vocabulary's tree");
    }
    *out = w;
    return ROMA_OK;
}

static void free_tree(word_trie *t) {
    roma_free(t->byte);
    roma_free(t->depth);
    roma_free(t->skip);
    roma_free(t->token);
}

void roma_constrain_words_destroy(roma_constrain_words *w) {
    if (!w) return;
    free_tree(&w->clean);
    free_tree(&w->rest);
    roma_free(w->same);
    roma_free(w->clean_mask);
    roma_free(w->clean_all);
    roma_free(w->shown);
    roma_free(w->clean_long);
    roma_free(w->clean_count);
    roma_free(w->dropped);
    roma_free(w);
}

size_t roma_constrain_words_bytes(const roma_constrain_words *w) { return w->bytes; }
