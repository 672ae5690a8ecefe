/* tokenizer.json: its parts, read in any order. Every part is one that is known, or refused by name. */
#include "hf.h"

typedef struct {
    roma_json_reader json;
    hf_tokens *t;
    hf_says *says;
    roma_buf normalizer, pre, decoder; /* steps; each ends in 0 */
    bool has_model, fuse_unk, ignore_merges;
    roma_error *err;
} reading;

static int next(reading *r) { return roma_json_read_next(&r->json, r->err); }
static bool is(const reading *r, roma_json_kind kind) { return r->json.kind == kind; }

#define BAD(r, code, ...) roma_json_read_fail(&(r)->json, code, (r)->err, __VA_ARGS__)

static int read_flag(reading *r, const char *name, bool *out) {
    *out = is(r, ROMA_JSON_TRUE);
    return *out || is(r, ROMA_JSON_FALSE) || is(r, ROMA_JSON_NULL)
               ? ROMA_OK
               : BAD(r, ROMA_EDAMAGED, "%s must be true or false", name);
}

/* ---- added tokens ---- */

typedef struct {
    hf_added a;
    bool has_id, has_text, lstrip, rstrip, single;
} added_reading;

static int added_member(roma_json_reader *j, hf_tokens *t, added_reading *a, const char *key, roma_error *err) {
    const struct {
        const char *key;
        bool *out;
    } flags[] = {{"special", &a->a.special},
                 {"normalized", &a->a.normalized},
                 {"lstrip", &a->lstrip},
                 {"rstrip", &a->rstrip},
                 {"single_word", &a->single}};
    if (strcmp(key, "id") == 0) {
        a->has_id = j->kind == ROMA_JSON_NUMBER && roma_json_to_u64(j->text, j->len, &a->a.id);
        return a->has_id ? ROMA_OK
                         : roma_json_read_fail(j, ROMA_EDAMAGED, err, "id of an added token: no whole number");
    }
    if (strcmp(key, "content") == 0) {
        if (j->kind != ROMA_JSON_TEXT || j->len < 1 || j->len > ROMA_TOKEN_BYTES_MAX)
            return roma_json_read_fail(j, ROMA_EDAMAGED, err, "content of an added token: a text of 1 to %u bytes",
                                       ROMA_TOKEN_BYTES_MAX);
        a->has_text = true;
        a->a.len = (uint32_t)j->len;
        a->a.at = roma_import_hf_text(t, j->text, j->len);
        return ROMA_OK;
    }
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(key, flags[i].key) == 0) {
            *flags[i].out = j->kind == ROMA_JSON_TRUE;
            return j->kind == ROMA_JSON_TRUE || j->kind == ROMA_JSON_FALSE
                       ? ROMA_OK
                       : roma_json_read_fail(j, ROMA_EDAMAGED, err, "%s of an added token must be true or false", key);
        }
    if (strcmp(key, "__type") == 0) return ROMA_OK; /* "AddedToken", as older transformers wrote it */
    return roma_json_read_fail(j, ROMA_EUNSUPPORTED, err, "an added token has the unknown member '%s'", key);
}

int roma_import_hf_added(roma_json_reader *j, hf_tokens *t, const uint64_t *id, roma_error *err) {
    added_reading a = {.has_id = id != NULL};
    char key[32], name[64];
    int rc = ROMA_OK;
    if (id) a.a.id = *id;
    if (j->kind != ROMA_JSON_OBJECT) return roma_json_read_fail(j, ROMA_EDAMAGED, err, "an added token is an object");
    while (!rc && !(rc = roma_json_read_next(j, err)) && j->kind == ROMA_JSON_KEY) {
        roma_error_name(key, sizeof key, j->text, j->len);
        rc = roma_json_read_next(j, err);
        if (!rc) rc = added_member(j, t, &a, key, err);
    }
    if (rc) return rc;
    if (!a.has_id || !a.has_text)
        return roma_json_read_fail(j, ROMA_EDAMAGED, err, "an added token has an id and content");
    if (t->text.failed) return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for an added token");
    if (a.lstrip || a.rstrip || a.single)
        return roma_json_read_fail(j, ROMA_EUNSUPPORTED, err, "added token '%s': %s is not supported",
                                   roma_error_name(name, sizeof name, (const char *)t->text.data + a.a.at, a.a.len),
                                   a.lstrip   ? "lstrip"
                                   : a.rstrip ? "rstrip"
                                              : "single_word");
    roma_buf_append(&t->added, &a.a, sizeof a.a);
    return ROMA_OK;
}

static int read_added(reading *r) {
    int rc;
    if (!is(r, ROMA_JSON_ARRAY)) return BAD(r, ROMA_EDAMAGED, "added_tokens must be a list");
    while (!(rc = next(r)) && !is(r, ROMA_JSON_ARRAY_END)) {
        rc = roma_import_hf_added(&r->json, r->t, NULL, r->err);
        if (rc) break;
    }
    return rc;
}

/* ---- the model ---- */

static int read_vocab(reading *r) {
    char name[64];
    uint64_t id;
    int rc;
    if (!is(r, ROMA_JSON_OBJECT))
        return BAD(r, ROMA_EUNSUPPORTED, "model: its vocab is no object; BPE alone is supported");
    while (!(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        const uint64_t at = roma_import_hf_text(r->t, r->json.text, r->json.len);
        const size_t len = r->json.len;
        rc = next(r);
        if (rc) break;
        if (r->t->text.failed) return roma_fail(r->err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for tokens");
        roma_error_name(name, sizeof name, (const char *)r->t->text.data + at, len);
        if (!is(r, ROMA_JSON_NUMBER) || !roma_json_to_u64(r->json.text, r->json.len, &id))
            return BAD(r, ROMA_EDAMAGED, "token '%s': its id is no whole number", name);
        if (id >= r->t->n)
            return BAD(r, ROMA_EINPUT, "token '%s' has the id %llu, but the embedding has %u rows", name,
                       (unsigned long long)id, r->t->n);
        if (len > ROMA_TOKEN_BYTES_MAX)
            return BAD(r, ROMA_EDAMAGED, "token %llu has %zu bytes; at most %u are allowed", (unsigned long long)id,
                       len, ROMA_TOKEN_BYTES_MAX);
        if (r->t->token[id].type)
            return BAD(r, ROMA_EDAMAGED, "token '%s' has the id %llu of another token", name, (unsigned long long)id);
        r->t->token[id] = (hf_token){at, (uint32_t)len, ROMA_TT_NORMAL};
    }
    return rc;
}

/* "left right" */
static bool merge_text(reading *r, hf_merge *m) {
    const char *text = r->json.text, *blank = r->json.len > 2 ? memchr(text + 1, ' ', r->json.len - 2) : NULL;
    if (!blank) return false;
    m->left = (uint32_t)(blank - text);
    m->right = (uint32_t)(r->json.len - m->left - 1);
    m->at = roma_import_hf_text(r->t, text, m->left);
    roma_import_hf_text(r->t, blank + 1, m->right);
    return true;
}

/* ["left", "right"] */
static int merge_pair(reading *r, hf_merge *m, bool *good) {
    uint32_t len[2];
    *good = false;
    m->at = r->t->text.len;
    for (int i = 0; i < 2; i++) {
        const int rc = next(r);
        if (rc || !is(r, ROMA_JSON_TEXT) || !r->json.len) return rc;
        len[i] = (uint32_t)r->json.len;
        roma_import_hf_text(r->t, r->json.text, r->json.len);
    }
    m->left = len[0];
    m->right = len[1];
    const int rc = next(r);
    *good = !rc && is(r, ROMA_JSON_ARRAY_END);
    return rc;
}

static int read_merges(reading *r) {
    int rc;
    size_t i = 0;
    if (!is(r, ROMA_JSON_ARRAY)) return BAD(r, ROMA_EDAMAGED, "model: merges must be a list");
    for (; !(rc = next(r)) && !is(r, ROMA_JSON_ARRAY_END); i++) {
        hf_merge m;
        bool good = false;
        if (i == ROMA_TOKENS_MAX) return BAD(r, ROMA_EUNSUPPORTED, "model: more than %u merges", ROMA_TOKENS_MAX);
        if (is(r, ROMA_JSON_TEXT)) good = merge_text(r, &m);
        if (is(r, ROMA_JSON_ARRAY)) rc = merge_pair(r, &m, &good);
        if (rc) break;
        if (!good) return BAD(r, ROMA_EDAMAGED, "merge %zu is not two tokens", i);
        roma_buf_append(&r->t->merges, &m, sizeof m);
    }
    return rc;
}

static int read_affix(reading *r, const char *key) {
    if (is(r, ROMA_JSON_NULL) || (is(r, ROMA_JSON_TEXT) && !r->json.len)) return ROMA_OK;
    return BAD(r, ROMA_EUNSUPPORTED, "model: %s is not supported", key);
}

static int read_dropout(reading *r) {
    double v;
    if (is(r, ROMA_JSON_NULL)) return ROMA_OK;
    if (is(r, ROMA_JSON_NUMBER) && roma_json_to_real(r->json.text, r->json.len, &v) && v == 0) return ROMA_OK;
    return BAD(r, ROMA_EUNSUPPORTED, "model: dropout is not supported");
}

static int read_unknown(reading *r) {
    if (is(r, ROMA_JSON_NULL)) return ROMA_OK;
    if (!is(r, ROMA_JSON_TEXT)) return BAD(r, ROMA_EDAMAGED, "model: unk_token is no text");
    r->t->unk = (int64_t)roma_import_hf_text(r->t, r->json.text, r->json.len);
    r->t->unk_len = (uint32_t)r->json.len;
    return ROMA_OK;
}

static int read_model_member(reading *r, const char *key) {
    char shown[48];
    if (strcmp(key, "type") == 0)
        return is(r, ROMA_JSON_TEXT) && roma_json_is(&r->json, "BPE")
                   ? ROMA_OK
                   : BAD(r, ROMA_EUNSUPPORTED, "model: type %s is not supported; BPE is",
                         is(r, ROMA_JSON_TEXT) ? roma_error_name(shown, sizeof shown, r->json.text, r->json.len) : "?");
    if (strcmp(key, "vocab") == 0) return read_vocab(r);
    if (strcmp(key, "merges") == 0) return read_merges(r);
    if (strcmp(key, "dropout") == 0) return read_dropout(r);
    if (strcmp(key, "unk_token") == 0) return read_unknown(r);
    if (strcmp(key, "continuing_subword_prefix") == 0 || strcmp(key, "end_of_word_suffix") == 0)
        return read_affix(r, key);
    if (strcmp(key, "byte_fallback") == 0) return read_flag(r, key, &r->t->bytes);
    if (strcmp(key, "fuse_unk") == 0) return read_flag(r, key, &r->fuse_unk);
    if (strcmp(key, "ignore_merges") == 0) return read_flag(r, key, &r->ignore_merges);
    return BAD(r, ROMA_EUNSUPPORTED, "model: '%s' is unknown", key);
}

static int read_model(reading *r) {
    char key[48];
    int rc = ROMA_OK;
    if (!is(r, ROMA_JSON_OBJECT)) return BAD(r, ROMA_EDAMAGED, "model must be an object");
    r->has_model = true;
    while (!rc && !(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        roma_error_name(key, sizeof key, r->json.text, r->json.len);
        rc = next(r);
        if (!rc) rc = read_model_member(r, key);
    }
    return rc;
}

/* ---- the whole ---- */

static int read_part(reading *r, const char *key) {
    roma_json_reader *j = &r->json;
    if (strcmp(key, "added_tokens") == 0) return read_added(r);
    if (strcmp(key, "normalizer") == 0) return roma_import_hf_steps(j, key, &r->normalizer, r->err);
    if (strcmp(key, "pre_tokenizer") == 0) return roma_import_hf_steps(j, key, &r->pre, r->err);
    if (strcmp(key, "decoder") == 0) return roma_import_hf_steps(j, key, &r->decoder, r->err);
    if (strcmp(key, "post_processor") == 0) return roma_import_hf_post(j, r->says, r->err);
    if (strcmp(key, "model") == 0) return read_model(r);
    if (strcmp(key, "version") == 0 || strcmp(key, "truncation") == 0 || strcmp(key, "padding") == 0)
        return roma_json_read_skip(j, r->err); /* who asks for ids says whether they are cut or padded */
    return BAD(r, ROMA_EUNSUPPORTED, "'%s' is no part of a tokenizer that we know", key);
}

static int read_all(reading *r) {
    char key[48];
    int rc = next(r);
    if (!rc && !is(r, ROMA_JSON_OBJECT)) return BAD(r, ROMA_EINPUT, "a tokenizer is an object");
    while (!rc && !(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        roma_error_name(key, sizeof key, r->json.text, r->json.len);
        rc = next(r);
        if (!rc) rc = read_part(r, key);
    }
    return rc ? rc : next(r); /* nothing may follow */
}

static const char *text_of(const roma_buf *b) { return b->len ? (const char *)b->data : ""; }

static int understand(const reading *r, const char *path, roma_vocab *v, roma_error *err) {
    if (!r->has_model) return roma_fail(err, ROMA_EDAMAGED, path, ROMA_NOWHERE, "key 'model' is missing");
    if (!r->t->bytes && r->t->unk >= 0 && r->t->unk_len)
        return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                         "model: unk_token without byte_fallback is not supported");
    if (r->t->bytes && (!r->fuse_unk || r->ignore_merges))
        return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                         "model: byte_fallback needs fuse_unk true and ignore_merges false");
    v->ignore_merges = r->ignore_merges;
    return roma_import_hf_pipeline(text_of(&r->normalizer), text_of(&r->pre), text_of(&r->decoder), r->t->bytes, path,
                                   v, err);
}

int roma_import_hf_tokenizer(const hf_file *file, hf_tokens *t, hf_says *s, roma_vocab *v, roma_error *err) {
    const roma_json_source from = {.file = file->path, .line = 1};
    reading r = {.t = t, .says = s, .err = err};
    int rc = roma_json_read_begin(&r.json, file->data, (size_t)file->size, &from, err);
    if (!rc) rc = read_all(&r);
    roma_json_read_end(&r.json);
    if (!rc) rc = understand(&r, file->path, v, err);
    roma_buf_destroy(&r.normalizer);
    roma_buf_destroy(&r.pre);
    roma_buf_destroy(&r.decoder);
    return rc;
}
