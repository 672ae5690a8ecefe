/* BPE merges, "left right" as text, to pairs of token ids: one look-up each in a hash of the tokens. */
#include <string.h>
#include "gguf.h"

static const char *token_text(const void *ctx, uint32_t i, uint32_t *len) {
    const roma_vocab *v = ctx;
    *len = v->text_off[i + 1] - v->text_off[i];
    return v->text + v->text_off[i];
}

int roma_import_index_tokens(const roma_vocab *v, const char *path, import_index *x, roma_error *err) {
    if (!roma_import_index_create(x, v->n_tokens, token_text, v))
        return roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for an index of %u tokens", v->n_tokens);
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        if (v->type[i] != ROMA_TT_NORMAL || v->text_off[i + 1] == v->text_off[i]) continue;
        const int added = roma_import_index_add(x, i);
        if (added)
            return roma_fail(err, ROMA_EDAMAGED, path, ROMA_NOWHERE,
                             added == IMPORT_INDEX_TWICE ? "token %u is there twice"
                                                         : "token %u: the tokens are made to collide",
                             i);
    }
    return ROMA_OK;
}

static int read_pairs(const gguf_file *g, const gguf_kv *kv, const import_index *x, uint32_t *out, roma_error *err) {
    const uint8_t *p = kv->value;
    for (uint64_t i = 0; i < kv->count; i++) {
        const size_t len = (size_t)roma_le64(p);
        const char *text = (const char *)p + 8;
        /* Token text has no blanks (they are written otherwise), but a left half that is one may exist. */
        const char *blank = len > 2 ? memchr(text + 1, ' ', len - 2) : NULL;
        if (!blank)
            return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err,
                                      "merge %llu is not two tokens with a blank between them", (unsigned long long)i);
        const size_t left = (size_t)(blank - text);
        const int64_t a = roma_import_index_find(x, text, left),
                      b = roma_import_index_find(x, blank + 1, len - left - 1);
        if (a < 0 || b < 0)
            return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err,
                                      "merge %llu: its %s half is no token of the vocabulary", (unsigned long long)i,
                                      a < 0 ? "left" : "right");
        out[2 * i] = (uint32_t)a;
        out[2 * i + 1] = (uint32_t)b;
        p += 8 + len;
    }
    return ROMA_OK;
}

int roma_import_merges(const gguf_file *g, import_owned *o, roma_vocab *v, roma_error *err) {
    const gguf_kv *kv;
    int rc = roma_import_kv_array(g, "tokenizer.ggml.merges", GGUF_STRING, &kv, err);
    if (rc) return rc;
    if (!kv)
        return roma_fail(err, ROMA_EDAMAGED, g->path, ROMA_NOWHERE,
                         "key 'tokenizer.ggml.merges' is missing; convert the model anew");
    if (kv->count > ROMA_TOKENS_MAX)
        return roma_import_kv_bad(g, kv, ROMA_EUNSUPPORTED, err, "%llu merges; at most %u are supported",
                                  (unsigned long long)kv->count, ROMA_TOKENS_MAX);
    o->merges = roma_alloc_array(2 * (size_t)kv->count + 1, sizeof *o->merges);
    if (!o->merges)
        return roma_fail(err, ROMA_ENOMEM, g->path, ROMA_NOWHERE, "no memory for %llu merges",
                         (unsigned long long)kv->count);
    import_index x = {0};
    rc = roma_import_index_tokens(v, g->path, &x, err);
    if (!rc) rc = read_pairs(g, kv, &x, o->merges, err);
    roma_import_index_destroy(&x);
    v->merges = o->merges;
    v->n_merges = (uint32_t)kv->count;
    return rc;
}
