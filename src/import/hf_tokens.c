/* Tokens of a Hugging Face folder to the tables of a vocabulary. Rules: docs/tokenizer.md, "Making a vocabulary". */
#include "hf.h"

#define TEXT_BYTES_MAX ((uint64_t)INT32_MAX)

int roma_import_hf_tokens_create(hf_tokens *t, uint32_t n, roma_error *err) {
    *t = (hf_tokens){.n = n, .token = roma_alloc_array(n, sizeof *t->token), .unk = -1};
    return t->token ? ROMA_OK
                    : roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for a vocabulary of %u tokens", n);
}

void roma_import_hf_tokens_destroy(hf_tokens *t) {
    roma_free(t->token);
    roma_free(t->score);
    roma_buf_destroy(&t->text);
    roma_buf_destroy(&t->added);
    roma_buf_destroy(&t->merges);
}

uint64_t roma_import_hf_text(hf_tokens *t, const char *text, size_t len) {
    const uint64_t at = t->text.len;
    roma_buf_append(&t->text, text, len);
    return at;
}

bool roma_import_hf_token(hf_tokens *t, uint64_t id, const char *text, size_t len, uint8_t type) {
    if (id >= t->n || t->token[id].type || len > ROMA_TOKEN_BYTES_MAX) return false;
    t->token[id] = (hf_token){roma_import_hf_text(t, text, len), (uint32_t)len, type};
    return true;
}

static const char *text_at(const hf_tokens *t, uint64_t at) { return (const char *)t->text.data + at; }

/* ---- types ---- */

static bool is_byte(const char *s, uint32_t len) {
    static const char digits[] = "0123456789ABCDEFabcdef";
    return len == 6 && memcmp(s, "<0x", 3) == 0 && s[5] == '>' && memchr(digits, s[3], 22) && memchr(digits, s[4], 22);
}

static bool looks_like_control(const char *s, size_t len) {
    static const char open[] = "<\xef\xbd\x9c", close[] = "\xef\xbd\x9c>";
    if (len > 4 && memcmp(s, "<|", 2) == 0 && memcmp(s + len - 2, "|>", 2) == 0) return true;
    return len > 8 && memcmp(s, open, 4) == 0 && memcmp(s + len - 4, close, 4) == 0;
}

/* An added token that is matched in normalised text is matched in text with spaces here. */
static void unmark_spaces(hf_tokens *t, hf_token *k) {
    char *s = (char *)t->text.data + k->at;
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->len;) {
        const bool mark = k->len - i >= 3 && memcmp(s + i, "\xe2\x96\x81", 3) == 0;
        s[n++] = mark ? ' ' : s[i];
        i += mark ? 3 : 1;
    }
    k->len = n;
}

static int add_one(hf_tokens *t, const hf_added *a, const char *path, roma_error *err) {
    char name[64];
    const char *text = text_at(t, a->at);
    roma_error_name(name, sizeof name, text, a->len);
    if (a->id >= t->n)
        return roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE,
                         "added token '%s' has the id %llu, but the embedding has %u rows", name,
                         (unsigned long long)a->id, t->n);
    hf_token *k = &t->token[a->id];
    if (k->type && (k->len != a->len || memcmp(text_at(t, k->at), text, a->len) != 0))
        return roma_fail(err, ROMA_EDAMAGED, path, ROMA_NOWHERE, "added token '%s' has the id %llu of another token",
                         name, (unsigned long long)a->id);
    const bool unk =
        t->bytes && t->unk >= 0 && t->unk_len == a->len && memcmp(text_at(t, (uint64_t)t->unk), text, a->len) == 0;
    *k = (hf_token){a->at, a->len, ROMA_TT_USER};
    if (unk)
        k->type = ROMA_TT_UNKNOWN;
    else if (a->special || looks_like_control(text, a->len))
        k->type = ROMA_TT_CONTROL;
    return ROMA_OK;
}

static int set_types(hf_tokens *t, const char *path, roma_error *err) {
    for (uint32_t i = 0; t->bytes && i < t->n; i++)
        if (t->token[i].type == ROMA_TT_NORMAL && is_byte(text_at(t, t->token[i].at), t->token[i].len))
            t->token[i].type = ROMA_TT_BYTE;
    const hf_added *a = (const hf_added *)(const void *)t->added.data;
    for (size_t i = 0; i < t->added.len / sizeof *a; i++) {
        const int rc = add_one(t, &a[i], path, err);
        if (rc) return rc;
    }
    for (size_t i = 0; t->bytes && i < t->added.len / sizeof *a; i++) { /* what is said twice counts as said last */
        hf_token *k = &t->token[a[i].id];
        if (k->at == a[i].at && k->type == ROMA_TT_USER && a[i].normalized) unmark_spaces(t, k);
    }
    return ROMA_OK;
}

static bool is_added(const hf_tokens *t, const char *text, size_t len) {
    const hf_added *a = (const hf_added *)(const void *)t->added.data;
    for (size_t i = 0; i < t->added.len / sizeof *a; i++)
        if (a[i].len == len && memcmp(text_at(t, a[i].at), text, len) == 0) return true;
    return false;
}

bool roma_import_hf_make_special(hf_tokens *t, const char *text) {
    const size_t len = strlen(text);
    if (is_added(t, text, len)) return true;
    for (uint32_t i = 0; i < t->n; i++) {
        const hf_token *k = &t->token[i];
        if (!k->type || k->len != len || memcmp(text_at(t, k->at), text, len) != 0) continue;
        const hf_added a = {.id = i, .at = k->at, .len = k->len, .special = true};
        if (k->type == ROMA_TT_NORMAL) roma_buf_append(&t->added, &a, sizeof a);
        return true;
    }
    return false;
}

/* ---- tables ---- */

/* Rows of the embedding without a token get the text that GGUF's converter writes. */
static void name_unused(hf_tokens *t) {
    char text[24];
    for (uint32_t i = 0; i < t->n; i++)
        if (!t->token[i].type) {
            const int len = roma_print(text, sizeof text, "[PAD%u]", i);
            (void)roma_import_hf_token(t, i, text, (size_t)len, ROMA_TT_UNUSED);
        }
}

static int lay_out(const hf_tokens *t, const char *path, import_owned *o, roma_vocab *v, roma_error *err) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < t->n; i++) bytes += t->token[i].len;
    if (bytes > TEXT_BYTES_MAX)
        return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE, "the tokens have more than 2 GiB of text");
    o->text_off = roma_alloc_array((size_t)t->n + 1, sizeof *o->text_off);
    o->text = roma_alloc((size_t)bytes + 1);
    o->type = roma_alloc_array(t->n, 1);
    if (!o->text_off || !o->text || !o->type)
        return roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for a vocabulary of %u tokens", t->n);
    uint32_t at = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        const hf_token *k = &t->token[i];
        if (k->len) memcpy(o->text + at, text_at(t, k->at), k->len);
        at += k->len;
        o->text_off[i + 1] = at;
        o->type[i] = k->type;
    }
    v->n_tokens = t->n;
    v->text_off = o->text_off;
    v->text = o->text;
    v->type = o->type;
    return ROMA_OK;
}

/* ---- merges ---- */

static int read_merges(const hf_tokens *t, const char *path, const import_index *x, import_owned *o, roma_vocab *v,
                       roma_error *err) {
    const hf_merge *m = (const hf_merge *)(const void *)t->merges.data;
    const size_t n = t->merges.len / sizeof *m;
    char name[64];
    o->merges = roma_alloc_array(2 * n + 1, sizeof *o->merges);
    if (!o->merges) return roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for %zu merges", n);
    for (size_t i = 0; i < n; i++) {
        const char *left = text_at(t, m[i].at), *right = left + m[i].left;
        const int64_t a = roma_import_index_find(x, left, m[i].left), b = roma_import_index_find(x, right, m[i].right);
        if (a < 0 || b < 0)
            return roma_fail(err, ROMA_EDAMAGED, path, ROMA_NOWHERE,
                             "merge %zu: its %s half, '%s', is no ordinary token of the vocabulary", i,
                             a < 0 ? "left" : "right",
                             a < 0 ? roma_error_name(name, sizeof name, left, m[i].left)
                                   : roma_error_name(name, sizeof name, right, m[i].right));
        o->merges[2 * i] = (uint32_t)a;
        o->merges[2 * i + 1] = (uint32_t)b;
    }
    v->merges = o->merges;
    v->n_merges = (uint32_t)n;
    return ROMA_OK;
}

/* ---- SentencePiece: merges to scores ---- */

/* Ways to split a token into two tokens. */
static size_t splits_of(const import_index *x, const char *text, uint32_t len) {
    size_t n = 0;
    for (uint32_t i = 1; i < len; i++)
        n += roma_import_index_find(x, text, i) >= 0 && roma_import_index_find(x, text + i, len - i) >= 0;
    return n;
}

/* SentencePiece joins any two tokens whose union is a token, by the union's score. Listed merges do the same if all
 * splits of all tokens are listed, those of one token after another: then a score is minus the token's place. */
static int score_merges(const hf_tokens *t, const char *path, const import_index *x, const roma_vocab *v, float *score,
                        roma_error *err) {
    const hf_merge *m = (const hf_merge *)(const void *)t->merges.data;
    const size_t n = t->merges.len / sizeof *m;
    int64_t last = -1;
    size_t splits = 0;
    char name[64];
    for (size_t i = 0; i < n; i++) {
        const char *text = text_at(t, m[i].at);
        const uint32_t len = m[i].left + m[i].right;
        const int64_t id = roma_import_index_find(x, text, len);
        roma_error_name(name, sizeof name, text, len);
        if (id < 0)
            return roma_fail(err, ROMA_EDAMAGED, path, ROMA_NOWHERE, "merge %zu gives '%s', which is no token", i,
                             name);
        if (id != last && score[id] < 0)
            return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                             "merge %zu gives '%s', as one before it that does not stand beside it; SentencePiece has "
                             "no such order",
                             i, name);
        if (id != last) score[id] = -1 - (float)i;
        last = id;
    }
    for (uint32_t i = 0; i < v->n_tokens; i++)
        if (v->type[i] == ROMA_TT_NORMAL)
            splits += splits_of(x, v->text + v->text_off[i], v->text_off[i + 1] - v->text_off[i]);
    if (splits != n)
        return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                         "%zu merges, but the tokens can be split in %zu ways; SentencePiece has a merge for each", n,
                         splits);
    return ROMA_OK;
}

static int read_scores(hf_tokens *t, const char *path, const import_index *x, import_owned *o, roma_vocab *v,
                       roma_error *err) {
    o->score = t->score ? t->score : roma_alloc_array(v->n_tokens, sizeof *o->score);
    if (!o->score) return roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for scores");
    v->score = o->score;
    if (!t->score) return score_merges(t, path, x, v, o->score, err);
    t->score = NULL; /* the import's now */
    return ROMA_OK;
}

/* ---- the whole ---- */

/* A normalizer that puts a mark before a text puts one before such a token too, when transformers looks for it. */
static void note_normalized(const hf_tokens *t, const roma_vocab *v, roma_buf *notes) {
    const hf_added *a = (const hf_added *)(const void *)t->added.data, *first = NULL;
    char name[64];
    size_t n = 0;
    if (!t->bytes || t->score || v->add_space_prefix != ROMA_PREFIX_EACH) return;
    for (size_t i = 0; i < t->added.len / sizeof *a; i++) {
        if (t->token[a[i].id].type != ROMA_TT_USER || !a[i].normalized || t->token[a[i].id].at != a[i].at) continue;
        if (!n++) first = &a[i];
    }
    if (n)
        roma_buf_print(
            notes,
            "%zu added %s, '%s' first, %s normalised: transformers finds them where a text or a word begins, "
            "this program everywhere\n",
            n, n == 1 ? "token" : "tokens", roma_error_name(name, sizeof name, text_at(t, first->at), first->len),
            n == 1 ? "is" : "are");
}

int roma_import_hf_vocab(hf_tokens *t, const char *path, import_owned *o, roma_vocab *v, roma_error *err) {
    if (t->text.failed || t->added.failed || t->merges.failed)
        return roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for a vocabulary");
    int rc = set_types(t, path, err);
    name_unused(t);
    if (!rc && t->text.failed) rc = roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for a vocabulary");
    if (!rc) rc = lay_out(t, path, o, v, err);
    if (rc) return rc;
    note_normalized(t, v, &o->notes);
    import_index x = {0};
    rc = roma_import_index_tokens(v, path, &x, err);
    if (!rc && t->bytes) rc = read_scores(t, path, &x, o, v, err);
    if (!rc && !t->bytes) rc = read_merges(t, path, &x, o, v, err);
    roma_import_index_destroy(&x);
    return rc;
}

int64_t roma_import_hf_find(const roma_vocab *v, const char *text, size_t len) {
    int64_t found = -1;
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        const bool same =
            v->text_off[i + 1] - v->text_off[i] == len && memcmp(v->text + v->text_off[i], text, len) == 0;
        if (!same || !len) continue;
        if (v->type[i] != ROMA_TT_NORMAL) return i; /* an added token is meant before one of the vocabulary */
        if (found < 0) found = i;
    }
    return found;
}
