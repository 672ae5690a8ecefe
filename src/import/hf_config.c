/* tokenizer_config.json, the two files that it took the place of, generation_config.json and the ids of config.json:
 * special tokens, what begins and ends a text, the chat template. */
#include "hf.h"

typedef struct {
    roma_json_reader json;
    const hf_file *file;
    roma_error *err;
} reading;

static int next(reading *r) { return roma_json_read_next(&r->json, r->err); }
static bool is(const reading *r, roma_json_kind kind) { return r->json.kind == kind; }

#define BAD(r, code, ...) roma_json_read_fail(&(r)->json, code, (r)->err, __VA_ARGS__)

static int no_memory(const reading *r) {
    return roma_fail(r->err, ROMA_ENOMEM, r->file->path, ROMA_NOWHERE, "no memory for a tokenizer");
}

/* Every member of a file's object through `read`. */
static int read_file(reading *r, int (*read)(reading *r, void *ctx, const char *key), void *ctx) {
    const roma_json_source from = {.file = r->file->path, .line = 1};
    char key[96];
    int rc = roma_json_read_begin(&r->json, r->file->data, (size_t)r->file->size, &from, r->err);
    if (!rc) rc = next(r);
    if (!rc && !is(r, ROMA_JSON_OBJECT)) rc = BAD(r, ROMA_EINPUT, "a configuration is an object");
    while (!rc && !(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        roma_error_name(key, sizeof key, r->json.text, r->json.len);
        rc = next(r);
        if (!rc) rc = read(r, ctx, key);
    }
    if (!rc) rc = next(r); /* nothing may follow */
    roma_json_read_end(&r->json);
    return rc;
}

/* ---- tokenizer_config.json ---- */

typedef struct {
    hf_folder *f;
    hf_tokens *t;
    hf_says *s;
    roma_vocab *v;
} tokenizer_config;

static int keep_text(const reading *r, hf_says *s, int64_t *at) {
    if (memchr(r->json.text, 0, r->json.len)) return BAD(r, ROMA_EDAMAGED, "a special token holds a 0");
    *at = (int64_t)s->text.len;
    roma_buf_append(&s->text, r->json.text, r->json.len);
    roma_buf_append(&s->text, "", 1);
    return s->text.failed ? no_memory(r) : ROMA_OK;
}

/* TEXT, {"content": TEXT, ...} or null */
static int read_special(reading *r, hf_says *s, const char *key, int64_t *at) {
    int rc = ROMA_OK;
    bool found = false;
    *at = -2;
    if (is(r, ROMA_JSON_NULL)) return ROMA_OK;
    if (is(r, ROMA_JSON_TEXT)) return keep_text(r, s, at);
    if (!is(r, ROMA_JSON_OBJECT)) return BAD(r, ROMA_EDAMAGED, "%s must be a text, an object or null", key);
    while (!rc && !(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        const bool content = roma_json_is(&r->json, "content");
        rc = next(r);
        if (rc) break;
        if (content && is(r, ROMA_JSON_TEXT)) {
            found = true;
            rc = keep_text(r, s, at);
        } else
            rc = roma_json_read_skip(&r->json, r->err);
    }
    return rc || found ? rc : BAD(r, ROMA_EDAMAGED, "%s has no content", key);
}

static int read_other(reading *r, hf_says *s, const char *key) {
    int64_t at;
    const int rc = read_special(r, s, key, &at);
    if (rc || at < 0) return rc;
    if (s->named.len / sizeof at == HF_SPECIALS_MAX)
        return BAD(r, ROMA_EUNSUPPORTED, "%s: more than %u special tokens", key, HF_SPECIALS_MAX);
    roma_buf_append(&s->named, &at, sizeof at);
    return s->named.failed ? no_memory(r) : ROMA_OK;
}

/* Further special tokens: a list, or an object whose keys are names for them. */
static int read_others(reading *r, hf_says *s, const char *key) {
    int rc = ROMA_OK;
    const bool object = is(r, ROMA_JSON_OBJECT);
    if (is(r, ROMA_JSON_NULL)) return ROMA_OK;
    if (!object && !is(r, ROMA_JSON_ARRAY)) return BAD(r, ROMA_EDAMAGED, "%s must be a list or an object", key);
    while (!rc && !(rc = next(r)) && !is(r, object ? ROMA_JSON_OBJECT_END : ROMA_JSON_ARRAY_END)) {
        if (object) rc = next(r);
        if (!rc) rc = read_other(r, s, key);
    }
    return rc;
}

/* What tokenizer_config.json and special_tokens_map.json say alike. *known: the key is one of them. */
static int read_special_member(reading *r, hf_says *s, const char *key, bool *known) {
    static const char *const special[] = {"bos_token", "eos_token", "unk_token", "pad_token"};
    *known = true;
    for (int i = 0; i < 4; i++)
        if (strcmp(key, special[i]) == 0) return read_special(r, s, key, &s->special[i]);
    if (strcmp(key, "additional_special_tokens") == 0 || strcmp(key, "extra_special_tokens") == 0)
        return read_others(r, s, key);
    const size_t n = strlen(key); /* cls_token, image_token: a special token under a name of its own */
    if (n > 6 && strcmp(key + n - 6, "_token") == 0 && (is(r, ROMA_JSON_TEXT) || is(r, ROMA_JSON_OBJECT)))
        return read_other(r, s, key);
    *known = false;
    return ROMA_OK;
}

static int read_flag(const reading *r, const char *key, int *out) {
    if (is(r, ROMA_JSON_NULL)) return ROMA_OK;
    *out = is(r, ROMA_JSON_TRUE);
    return *out || is(r, ROMA_JSON_FALSE) ? ROMA_OK : BAD(r, ROMA_EDAMAGED, "%s must be true or false", key);
}

int roma_import_hf_template(hf_folder *f, const char *path, const char *text, size_t len, roma_vocab *v,
                            roma_error *err) {
    if (!len || f->template_text) return ROMA_OK; /* chat_template.jinja came first */
    if (len > ROMA_TEXT_TEMPLATE_MAX)
        return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                         "the chat template has %zu bytes; at most 1 MiB are supported", len);
    f->template_text = roma_alloc(len);
    if (!f->template_text) return roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for a chat template");
    memcpy(f->template_text, text, len);
    v->template_text = f->template_text;
    v->template_bytes = (uint32_t)len;
    return ROMA_OK;
}

/* One of several templates: the one called "default" counts. */
static int read_named_template(reading *r, const tokenizer_config *c) {
    roma_buf text = {0};
    bool is_default = false;
    int rc = is(r, ROMA_JSON_OBJECT) ? ROMA_OK : BAD(r, ROMA_EDAMAGED, "chat_template: a list of objects");
    while (!rc && !(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        const bool name = roma_json_is(&r->json, "name"), body = roma_json_is(&r->json, "template");
        rc = next(r);
        if (rc) break;
        if ((name || body) && !is(r, ROMA_JSON_TEXT))
            rc = BAD(r, ROMA_EDAMAGED, "chat_template: name and template are texts");
        else if (name)
            is_default = roma_json_is(&r->json, "default");
        else if (body)
            roma_buf_append(&text, r->json.text, r->json.len);
        else
            rc = roma_json_read_skip(&r->json, r->err);
    }
    if (!rc && text.failed) rc = no_memory(r);
    if (!rc && is_default)
        rc = roma_import_hf_template(c->f, r->file->path, (const char *)text.data, text.len, c->v, r->err);
    roma_buf_destroy(&text);
    return rc;
}

static int read_template(reading *r, const tokenizer_config *c) {
    int rc;
    if (is(r, ROMA_JSON_NULL)) return ROMA_OK;
    if (is(r, ROMA_JSON_TEXT))
        return roma_import_hf_template(c->f, r->file->path, r->json.text, r->json.len, c->v, r->err);
    if (!is(r, ROMA_JSON_ARRAY)) return BAD(r, ROMA_EDAMAGED, "chat_template must be a text or a list");
    while (!(rc = next(r)) && !is(r, ROMA_JSON_ARRAY_END)) {
        rc = read_named_template(r, c);
        if (rc) break;
    }
    return rc;
}

static int read_decoder(reading *r, hf_tokens *t) {
    uint64_t id;
    int rc;
    if (is(r, ROMA_JSON_NULL)) return ROMA_OK;
    if (!is(r, ROMA_JSON_OBJECT)) return BAD(r, ROMA_EDAMAGED, "added_tokens_decoder must be an object");
    while (!(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        if (!roma_json_to_u64(r->json.text, r->json.len, &id))
            return BAD(r, ROMA_EDAMAGED, "added_tokens_decoder: a key is no id");
        rc = next(r);
        if (!rc) rc = roma_import_hf_added(&r->json, t, &id, r->err);
        if (rc) break;
    }
    return rc;
}

static int read_tokenizer_member(reading *r, void *ctx, const char *key) {
    const tokenizer_config *c = ctx;
    bool known;
    const int rc = read_special_member(r, c->s, key, &known);
    if (rc || known) return rc;
    if (strcmp(key, "add_bos_token") == 0) return read_flag(r, key, &c->s->add_bos);
    if (strcmp(key, "add_eos_token") == 0) return read_flag(r, key, &c->s->add_eos);
    if (strcmp(key, "add_prefix_space") == 0) return read_flag(r, key, &c->s->add_prefix);
    if (strcmp(key, "legacy") == 0) return read_flag(r, key, &c->s->legacy);
    if (strcmp(key, "fix_mistral_regex") == 0) return read_flag(r, key, &c->s->mistral_regex);
    if (strcmp(key, "chat_template") == 0) return read_template(r, c);
    if (strcmp(key, "added_tokens_decoder") == 0) {
        c->s->has_decoder = true;
        return read_decoder(r, c->t);
    }
    return roma_import_hf_pass(&r->json, false, key, &c->s->passed[0], r->err);
}

int roma_import_hf_tokenizer_config(const hf_file *file, hf_folder *f, hf_tokens *t, hf_says *s, roma_vocab *v,
                                    roma_error *err) {
    reading r = {.file = file, .err = err};
    tokenizer_config c = {f, t, s, v};
    return read_file(&r, read_tokenizer_member, &c);
}

/* ---- the files of tokenizers that have no added_tokens_decoder ---- */

static int read_map_member(reading *r, void *ctx, const char *key) {
    bool known;
    const int rc = read_special_member(r, ctx, key, &known);
    return rc || known ? rc : roma_json_read_skip(&r->json, r->err);
}

int roma_import_hf_special_map(const hf_file *file, hf_says *s, roma_error *err) {
    reading r = {.file = file, .err = err};
    return read_file(&r, read_map_member, s);
}

int roma_import_hf_added_tokens(const hf_file *file, hf_tokens *t, roma_error *err) {
    const roma_json_source from = {.file = file->path, .line = 1};
    reading r = {.file = file, .err = err};
    int rc = roma_json_read_begin(&r.json, file->data, (size_t)file->size, &from, err);
    if (!rc) rc = next(&r);
    if (!rc && !is(&r, ROMA_JSON_OBJECT)) rc = BAD(&r, ROMA_EDAMAGED, "added tokens are an object of texts and ids");
    while (!rc && !(rc = next(&r)) && is(&r, ROMA_JSON_KEY)) {
        hf_added a = {.len = (uint32_t)r.json.len, .normalized = true};
        if (r.json.len < 1 || r.json.len > ROMA_TOKEN_BYTES_MAX) {
            rc = BAD(&r, ROMA_EDAMAGED, "an added token has a text of 1 to %u bytes", ROMA_TOKEN_BYTES_MAX);
            break;
        }
        a.at = roma_import_hf_text(t, r.json.text, r.json.len);
        rc = next(&r);
        if (!rc && (!is(&r, ROMA_JSON_NUMBER) || !roma_json_to_u64(r.json.text, r.json.len, &a.id)))
            rc = BAD(&r, ROMA_EDAMAGED, "id of an added token: no whole number");
        if (!rc) roma_buf_append(&t->added, &a, sizeof a);
    }
    if (!rc) rc = next(&r); /* nothing may follow */
    roma_json_read_end(&r.json);
    return rc;
}

/* ---- ids ---- */

/* A number, a list of numbers, or null; below zero is none, as older files have it. */
static int read_id(const reading *r, const char *key, uint64_t *id, bool *found) {
    int64_t v;
    *found = false;
    if (!is(r, ROMA_JSON_NUMBER) || !roma_json_to_i64(r->json.text, r->json.len, &v) || v > UINT32_MAX)
        return BAD(r, ROMA_EDAMAGED, "%s: no token's id", key);
    *found = v >= 0;
    *id = (uint64_t)v;
    return ROMA_OK;
}

static int add_eos(const reading *r, hf_says *s, uint64_t id) {
    for (uint32_t i = 0; i < s->n_eos; i++)
        if (s->eos[i] == id) return ROMA_OK;
    if (s->n_eos == ROMA_EOG_MAX)
        return BAD(r, ROMA_EUNSUPPORTED, "eos_token_id: more than %d ids end a turn", ROMA_EOG_MAX);
    s->eos[s->n_eos++] = id;
    return ROMA_OK;
}

static int read_ids(reading *r, hf_says *s, int which, const char *key) {
    const bool list = is(r, ROMA_JSON_ARRAY);
    bool first = true, found;
    uint64_t id;
    int rc = list ? next(r) : ROMA_OK;
    if (rc || is(r, ROMA_JSON_NULL)) return rc;
    while (!rc && !is(r, ROMA_JSON_ARRAY_END)) {
        rc = read_id(r, key, &id, &found);
        if (!rc && found && which == HF_EOS) rc = add_eos(r, s, id);
        if (rc) break;
        if (found && first && s->id[which] < 0) s->id[which] = (int64_t)id;
        first = false;
        if (!list) break;
        rc = next(r);
    }
    return rc;
}

/* HF_BOS and so on, or -1. */
static int id_of(const char *key) {
    static const char *const ids[] = {"bos_token_id", "eos_token_id", "unk_token_id", "pad_token_id"};
    for (int i = 0; i < 4; i++)
        if (strcmp(key, ids[i]) == 0) return i;
    return -1;
}

static int read_id_member(reading *r, void *ctx, const char *key) {
    const int id = id_of(key);
    return id >= 0 ? read_ids(r, ctx, id, key) : roma_json_read_skip(&r->json, r->err);
}

static int read_generation_member(reading *r, void *ctx, const char *key) {
    hf_says *s = ctx;
    const int id = id_of(key);
    return id >= 0 ? read_ids(r, s, id, key) : roma_import_hf_pass(&r->json, true, key, &s->passed[1], r->err);
}

int roma_import_hf_ids(const hf_file *file, hf_says *s, roma_error *err) {
    reading r = {.file = file, .err = err};
    return read_file(&r, read_id_member, s);
}

int roma_import_hf_generation(const hf_file *file, hf_says *s, roma_error *err) {
    reading r = {.file = file, .err = err};
    return read_file(&r, read_generation_member, s);
}
