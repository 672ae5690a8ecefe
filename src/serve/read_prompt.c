/* Prompts of completions and inputs of embeddings: a text, texts, ids, or lists of ids. Contract in asked.h. */
#include "serve/asked.h"

static int wrong(roma_answer_reading *r, const char *key, bool texts_only, roma_error *err) {
    return roma_serve_asked_bad(r, ROMA_EINPUT, key,
                                texts_only ? "must be a text or an array of texts"
                                           : "must be a text, an array of texts, of token ids, or of arrays of these",
                                err);
}

static int add_text(asked *a, roma_answer_reading *r) {
    const asked_prompt p = {.text = roma_answer_reading_keep(r)};
    roma_buf_append(&a->prompts, &p, sizeof p);
    return ROMA_OK;
}

static int add_id(asked *a, roma_answer_reading *r, const char *key, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    uint64_t v;
    if (!roma_json_to_u64(j->text, j->len, &v) || v > INT32_MAX)
        return roma_serve_asked_bad(r, ROMA_EINPUT, key, "has a number that is no token's id", err);
    const int32_t id = (int32_t)v;
    roma_buf_append(&a->ids, &id, sizeof id);
    return ROMA_OK;
}

static size_t n_ids(const asked *a) { return a->ids.len / sizeof(int32_t); }

static void add_list(asked *a, size_t first) {
    const asked_prompt p = {.first_id = first, .n_ids = n_ids(a) - first, .is_ids = true};
    roma_buf_append(&a->prompts, &p, sizeof p);
}

/* Ids up to the array's end, the first number being the token now. */
static int read_ids(asked *a, roma_answer_reading *r, const char *key, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    const size_t first = n_ids(a);
    int rc = ROMA_OK;
    while (!rc && j->kind == ROMA_JSON_NUMBER) {
        rc = add_id(a, r, key, err);
        if (!rc) rc = roma_serve_asked_next(r, err);
    }
    if (!rc && j->kind != ROMA_JSON_ARRAY_END) rc = wrong(r, key, false, err);
    if (!rc) add_list(a, first);
    return rc;
}

/* The elements of an array whose first one is the token now: texts, or arrays of ids. */
static int read_elements(asked *a, roma_answer_reading *r, const char *key, size_t most, bool texts_only,
                         roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    int rc = ROMA_OK;
    for (; !rc && j->kind != ROMA_JSON_ARRAY_END; rc = rc ? rc : roma_serve_asked_next(r, err)) {
        if (asked_prompts(a) == most)
            return roma_json_read_fail(j, ROMA_EINPUT, err, "%s has more than %zu elements", key, most);
        if (j->kind == ROMA_JSON_TEXT)
            rc = add_text(a, r);
        else if (j->kind == ROMA_JSON_ARRAY && !texts_only) {
            rc = roma_serve_asked_next(r, err);
            if (!rc) rc = read_ids(a, r, key, err);
        } else
            return wrong(r, key, texts_only, err);
    }
    return rc;
}

int roma_serve_asked_read_prompts(asked *a, roma_answer_reading *r, const char *key, size_t most, bool texts_only,
                                  roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    int rc = roma_serve_asked_next(r, err);
    if (rc) return rc;
    a->one_prompt = j->kind == ROMA_JSON_TEXT;
    if (j->kind == ROMA_JSON_TEXT) return add_text(a, r);
    if (j->kind != ROMA_JSON_ARRAY) return wrong(r, key, texts_only, err);
    rc = roma_serve_asked_next(r, err);
    if (rc) return rc;
    if (j->kind == ROMA_JSON_NUMBER && !texts_only) return read_ids(a, r, key, err);
    rc = read_elements(a, r, key, most, texts_only, err);
    if (a->prompts.failed) return roma_serve_asked_no_memory(err);
    return rc || asked_prompts(a) ? rc : roma_serve_asked_bad(r, ROMA_EINPUT, key, "must not be empty", err);
}
