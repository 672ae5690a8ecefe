/* Values of the keys of request lines, each checked for its kind. Contract in lines.h. */
#include "answer/lines.h"

#include <math.h>
#include <string.h>

enum { LIST_MAX = 16, TOP_MAX = 20 };

static int bad(const reading *r, const char *key, const char *what) {
    return roma_json_read_fail(&r->json, ROMA_EINPUT, r->err, "%s %s", key, what);
}

static int no_memory(const reading *r) {
    return roma_fail(r->err, ROMA_ENOMEM, r->json.from.file, ROMA_NOWHERE, "no memory for the requests");
}

/* A copy of the token's text. Its quotes, or what follows a number, leave room for the 0. */
roma_answer_text roma_answer_keep(const reading *r) {
    char *to = r->all->texts + r->all->used;
    memcpy(to, r->json.text, r->json.len);
    to[r->json.len] = 0;
    r->all->used += r->json.len + 1;
    return (roma_answer_text){to, r->json.len};
}

/* ---- numbers ---- */

static int number(const reading *r, const char *key, float *out) {
    double v;
    if (r->json.kind != ROMA_JSON_NUMBER) return bad(r, key, "must be a number");
    if (!roma_json_to_real(r->json.text, r->json.len, &v) || !isfinite((float)v)) return bad(r, key, "is too large");
    *out = (float)v;
    return ROMA_OK;
}

static int whole(const reading *r, const char *key, uint64_t max, uint64_t *out) {
    if (r->json.kind == ROMA_JSON_NUMBER && roma_json_to_u64(r->json.text, r->json.len, out) && *out <= max)
        return ROMA_OK;
    return roma_json_read_fail(&r->json, ROMA_EINPUT, r->err, "%s must be a whole number, at most %llu", key,
                               (unsigned long long)max);
}

static int count(const reading *r, const char *key, uint32_t *out) {
    uint64_t v;
    const int rc = whole(r, key, 1u << 24, &v);
    if (!rc) *out = (uint32_t)v;
    return rc;
}

/* max_tokens and max_completion_tokens are two names of one limit: of two values the smaller one keeps to both. */
static int read_limit(reading *r, const char *key) {
    enum { MOST = 1 << 24 };
    uint64_t v;
    if (r->json.kind != ROMA_JSON_NUMBER || !roma_json_to_u64(r->json.text, r->json.len, &v) || v < 1 || v > MOST)
        return roma_json_read_fail(&r->json, ROMA_EINPUT, r->err, "%s must be a whole number from 1 to %d", key, MOST);
    if (!r->has_limit || v < r->q->ask.limit) r->q->ask.limit = (uint32_t)v;
    r->has_limit = true;
    return ROMA_OK;
}
static int read_temp(reading *r, const char *key) { return number(r, key, &r->q->ask.sampling.temperature); }
/* 0 and -1: all. */
static int read_top_k(reading *r, const char *key) {
    int64_t v;
    const bool all = r->json.kind == ROMA_JSON_NUMBER && roma_json_to_i64(r->json.text, r->json.len, &v) && v == -1;
    if (all) r->q->ask.sampling.top_k = 0;
    return all ? ROMA_OK : count(r, key, &r->q->ask.sampling.top_k);
}
static int read_top_p(reading *r, const char *key) { return number(r, key, &r->q->ask.sampling.top_p); }
static int read_min_p(reading *r, const char *key) { return number(r, key, &r->q->ask.sampling.min_p); }
static int read_repeat(reading *r, const char *key) { return number(r, key, &r->q->ask.sampling.repeat_penalty); }
static int read_presence(reading *r, const char *key) { return number(r, key, &r->q->ask.sampling.presence_penalty); }
static int read_frequency(reading *r, const char *key) { return number(r, key, &r->q->ask.sampling.frequency_penalty); }

/* -1: one is to be drawn. */
static int read_seed(reading *r, const char *key) {
    int64_t v;
    r->q->seeded = r->json.kind != ROMA_JSON_NUMBER || !roma_json_to_i64(r->json.text, r->json.len, &v) || v != -1;
    return r->q->seeded ? whole(r, key, UINT64_MAX, &r->q->ask.sampling.seed) : ROMA_OK;
}

/* True or false, or how many of the likeliest come with each token. */
static int read_logprobs(reading *r, const char *key) {
    uint64_t n = 0;
    if (r->json.kind == ROMA_JSON_NUMBER) {
        const int rc = whole(r, key, TOP_MAX, &n);
        if (rc) return rc;
        r->q->top = (uint32_t)n;
    } else if (r->json.kind != ROMA_JSON_TRUE && r->json.kind != ROMA_JSON_FALSE)
        return bad(r, key, "must be true, false or a number");
    r->q->logprobs = r->json.kind != ROMA_JSON_FALSE;
    return ROMA_OK;
}
static int read_top(reading *r, const char *key) {
    uint64_t n;
    const int rc = whole(r, key, TOP_MAX, &n);
    if (!rc) r->q->top = (uint32_t)n;
    return rc;
}

/* An object of token ids and what is added to their logits. */
static int read_bias(reading *r, const char *key) {
    roma_logit_bias *list = NULL;
    size_t n = 0, cap = 0;
    int rc = r->json.kind == ROMA_JSON_OBJECT ? ROMA_OK : bad(r, key, "must be an object of token ids and numbers");
    while (!rc && !(rc = roma_json_read_next(&r->json, r->err)) && r->json.kind == ROMA_JSON_KEY) {
        uint64_t id;
        if (!ROMA_GROW(&list, n, &cap)) rc = no_memory(r);
        if (!rc && (!roma_json_to_u64(r->json.text, r->json.len, &id) || id > INT32_MAX || n == ROMA_BIAS_MAX))
            rc = bad(r, key, "has a key that is no token's id, or more than 1024 of them");
        if (!rc) rc = roma_json_read_next(&r->json, r->err);
        if (!rc) rc = number(r, key, &list[n].bias);
        if (!rc) list[n++].id = (int32_t)id;
    }
    r->q->ask.sampling.bias = list; /* freed with the line */
    r->q->ask.sampling.n_bias = n;
    return rc;
}

/* ---- texts ---- */

static int text(const reading *r, const char *key, roma_answer_text *out) {
    if (r->json.kind != ROMA_JSON_TEXT) return bad(r, key, "must be a text");
    *out = roma_answer_keep(r);
    return ROMA_OK;
}
static int read_prompt(reading *r, const char *key) { return text(r, key, &r->q->prompt); }
static int read_system(reading *r, const char *key) { return text(r, key, &r->q->system); }
static int read_model(reading *r, const char *key) { return text(r, key, &r->q->model); }

/* A text, or an array of texts. */
static int texts(reading *r, const char *key, roma_answer_texts *out) {
    roma_answer_text list[LIST_MAX];
    size_t n = 0;
    int rc = ROMA_OK;
    if (r->json.kind == ROMA_JSON_TEXT) {
        list[n++] = roma_answer_keep(r);
    } else if (r->json.kind == ROMA_JSON_ARRAY) {
        while (!(rc = roma_json_read_next(&r->json, r->err)) && r->json.kind != ROMA_JSON_ARRAY_END) {
            if (r->json.kind != ROMA_JSON_TEXT) return bad(r, key, "must be a text or an array of texts");
            if (n == LIST_MAX) return bad(r, key, "has too many texts");
            list[n++] = roma_answer_keep(r);
        }
    } else {
        return bad(r, key, "must be a text or an array of texts");
    }
    *out = (roma_answer_texts){NULL, 0};
    if (rc || !n) return rc;
    roma_answer_text *item = roma_alloc_array(n, sizeof *item);
    if (!item) return no_memory(r);
    memcpy(item, list, n * sizeof *item);
    *out = (roma_answer_texts){item, n};
    return ROMA_OK;
}

/* A copy of a value as it is written: JSON. Its first token is read already. */
static int keep_json(reading *r, const char *name, size_t name_len, roma_answer_text *out) {
    const char *from = r->json.begin + r->json.at;
    const int rc = roma_json_read_skip(&r->json, r->err);
    if (rc) return rc;
    char *to = r->all->texts + r->all->used;
    size_t n = name_len;
    if (name_len) {
        memmove(to, name, name_len);
        to[n++] = '=';
    }
    const size_t len = (size_t)(r->json.p - from);
    memcpy(to + n, from, len);
    to[n + len] = 0;
    r->all->used += n + len + 1;
    *out = (roma_answer_text){to, n + len};
    return ROMA_OK;
}

static int json_array(reading *r, const char *key, roma_answer_text *out) {
    return r->json.kind == ROMA_JSON_ARRAY ? keep_json(r, NULL, 0, out) : bad(r, key, "must be an array");
}

/* Arguments of the chat template: an object, whose members become NAME=VALUE. */
static int read_args(reading *r, const char *key) {
    roma_answer_text list[LIST_MAX];
    size_t n = 0;
    int rc = ROMA_OK;
    if (r->json.kind != ROMA_JSON_OBJECT) return bad(r, key, "must be an object");
    while (!(rc = roma_json_read_next(&r->json, r->err)) && r->json.kind == ROMA_JSON_KEY) {
        char name[64];
        const size_t len = r->json.len;
        if (n == LIST_MAX || !len || len > sizeof name) return bad(r, key, "has too many members, or too long a name");
        memcpy(name, r->json.text, len);
        rc = roma_json_read_next(&r->json, r->err);
        if (!rc) rc = keep_json(r, name, len, &list[n++]);
        if (rc) return rc;
    }
    if (rc || r->q->has_args) return rc;
    r->q->has_args = true;
    roma_answer_text *item = roma_alloc_array(n + 1, sizeof *item);
    if (!item) return no_memory(r);
    if (n) memcpy(item, list, n * sizeof *item);
    r->q->args = (roma_answer_texts){item, n};
    return ROMA_OK;
}

static int read_lora(reading *r, const char *key) {
    r->q->has_adapters = true;
    const int rc = texts(r, key, &r->q->adapters);
    for (size_t i = 0; i < r->q->adapters.n && !rc; i++)
        if (strlen(r->q->adapters.item[i].text) != r->q->adapters.item[i].len)
            return bad(r, key, "must not hold the character 0: it names a file");
    return rc;
}

static int read_id(reading *r, const char *key) {
    r->q->id_is_number = r->json.kind == ROMA_JSON_NUMBER;
    if (!r->q->id_is_number && r->json.kind != ROMA_JSON_TEXT) return bad(r, key, "must be a text or a number");
    r->q->id = roma_answer_keep(r);
    return ROMA_OK;
}

static int read_raw(reading *r, const char *key) {
    r->q->raw = r->json.kind == ROMA_JSON_TRUE;
    return r->q->raw || r->json.kind == ROMA_JSON_FALSE ? ROMA_OK : bad(r, key, "must be true or false");
}
static int read_stop(reading *r, const char *key) { return texts(r, key, &r->q->ask.stops); }
static int read_messages(reading *r, const char *key) { return json_array(r, key, &r->q->messages); }
static int read_tools(reading *r, const char *key) { return json_array(r, key, &r->q->tools); }
static int read_documents(reading *r, const char *key) { return json_array(r, key, &r->q->documents); }

/* ---- forms ---- */

/* Keeps the form and looks whether it can be compiled, so that a bad line is known before anything runs. */
static int take_form(reading *r, const char *key, roma_constrain_kind kind, roma_answer_text form) {
    roma_constrain *c;
    roma_error why;
    char said[512];
    if (r->q->has_form) return bad(r, key, "and another form of the answer are given: give one");
    r->q->has_form = true;
    r->q->form_kind = kind;
    r->q->form = form;
    r->q->ask.form = NULL;
    const int rc = roma_constrain_create(&c, kind, form.text, form.len, NULL, &why);
    roma_constrain_destroy(c);
    if (rc == ROMA_ENOMEM) return no_memory(r);
    return rc ? roma_json_read_fail(&r->json, rc, r->err, "%s: %s", key, roma_error_format(&why, said, sizeof said))
              : rc;
}

/* A form of OpenAI's interface: {"type": "text"}, "json_object" or "json_schema". */
static int read_format(reading *r, const char *key) {
    roma_constrain_format f;
    roma_answer_text json;
    roma_error why;
    if (r->json.kind != ROMA_JSON_OBJECT) return bad(r, key, "must be an object");
    int rc = keep_json(r, NULL, 0, &json);
    if (rc) return rc;
    rc = roma_constrain_read_format(json.text, json.len, &f, &why);
    if (rc == ROMA_ENOMEM) return no_memory(r);
    if (rc) return roma_json_read_fail(&r->json, rc, r->err, "%s: %s", key, why.text);
    r->q->is_free = f.is_free;
    if (!f.is_free) return take_form(r, key, f.kind, (roma_answer_text){f.schema, f.n_schema});
    r->q->ask.form = NULL;
    return ROMA_OK;
}

static int read_grammar(reading *r, const char *key) {
    roma_answer_text grammar;
    const int rc = text(r, key, &grammar);
    return rc ? rc : take_form(r, key, ROMA_CONSTRAIN_GRAMMAR, grammar);
}

/* ---- of OpenAI's form ---- */

/* One answer of each request. */
static int read_one(reading *r, const char *key) {
    uint64_t n;
    const int rc = whole(r, key, UINT64_MAX, &n);
    return rc || n == 1 ? rc : bad(r, key, "must be 1: each request has one answer");
}
static int read_off(reading *r, const char *key) {
    return r->json.kind == ROMA_JSON_FALSE ? ROMA_OK : bad(r, key, "must be false");
}
static int read_choice(reading *r, const char *key) {
    (void)key; /* what it may be depends on the line's tools */
    return keep_json(r, NULL, 0, &r->q->tool_choice);
}
static int read_parallel(reading *r, const char *key) {
    r->q->one_call = r->json.kind == ROMA_JSON_FALSE;
    return r->q->one_call || r->json.kind == ROMA_JSON_TRUE ? ROMA_OK : bad(r, key, "must be true or false");
}
/* What names or accounts for a request and changes no answer. */
static int read_any(reading *r, const char *key) {
    (void)key;
    return roma_json_read_skip(&r->json, r->err);
}
static int read_method(reading *r, const char *key) {
    return roma_json_is(&r->json, "POST") ? ROMA_OK : bad(r, key, "must be \"POST\"");
}
static int read_url(reading *r, const char *key) {
    if (roma_json_is(&r->json, "/v1/completions") || roma_json_is(&r->json, "/v1/chat/completions")) return ROMA_OK;
    return bad(r, key, "must be /v1/chat/completions or /v1/completions");
}
static int read_body(reading *r, const char *key) {
    if (r->json.kind != ROMA_JSON_OBJECT) return bad(r, key, "must be an object");
    r->has_body = true;
    return roma_answer_body(r);
}

int roma_answer_value(reading *r, answer_key k, const char *name) {
    switch (k) {
#define X(id, function)                                                                                                \
    case ANSWER_KEY_##id: return read_##function(r, name);
        ANSWER_KEYS(X)
#undef X
    }
    return ROMA_EINTERNAL;
}
