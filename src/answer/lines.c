/* Requests as lines of JSON: all are read and checked before one runs. Knows nothing of images and engines. */
#include "roma/answer.h"
#include "roma/json.h"

#include <math.h>
#include <string.h>

enum { LIST_MAX = 16 };

typedef struct {
    roma_answer_lines *all;
    roma_answer_line *q;
    roma_json_reader json;
    roma_error *err;
} reading;

static int bad(const reading *r, const char *key, const char *what) {
    return roma_json_read_fail(&r->json, ROMA_EINPUT, r->err, "%s %s", key, what);
}

static int no_memory(const reading *r) {
    return roma_fail(r->err, ROMA_ENOMEM, r->json.from.file, ROMA_NOWHERE, "no memory for the requests");
}

/* ---- values ---- */

/* A copy of the token's text. Its quotes, or what follows a number, leave room for the 0. */
static roma_answer_text keep(const reading *r) {
    char *to = r->all->texts + r->all->used;
    memcpy(to, r->json.text, r->json.len);
    to[r->json.len] = 0;
    r->all->used += r->json.len + 1;
    return (roma_answer_text){to, r->json.len};
}

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

static int text(const reading *r, const char *key, roma_answer_text *out) {
    if (r->json.kind != ROMA_JSON_TEXT) return bad(r, key, "must be a text");
    *out = keep(r);
    return ROMA_OK;
}

/* A text, or an array of texts. */
static int texts(reading *r, const char *key, roma_answer_texts *out) {
    roma_answer_text list[LIST_MAX];
    size_t n = 0;
    int rc = ROMA_OK;
    if (r->json.kind == ROMA_JSON_TEXT) {
        list[n++] = keep(r);
    } else if (r->json.kind == ROMA_JSON_ARRAY) {
        while (!(rc = roma_json_read_next(&r->json, r->err)) && r->json.kind != ROMA_JSON_ARRAY_END) {
            if (r->json.kind != ROMA_JSON_TEXT) return bad(r, key, "must be a text or an array of texts");
            if (n == LIST_MAX) return bad(r, key, "has too many texts");
            list[n++] = keep(r);
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

static int read_lora(reading *r) {
    r->q->has_adapters = true;
    const int rc = texts(r, "lora", &r->q->adapters);
    for (size_t i = 0; i < r->q->adapters.n && !rc; i++)
        if (strlen(r->q->adapters.item[i].text) != r->q->adapters.item[i].len)
            return bad(r, "lora", "must not hold the character 0: it names a file");
    return rc;
}

static int read_id(reading *r) {
    r->q->id_is_number = r->json.kind == ROMA_JSON_NUMBER;
    if (!r->q->id_is_number && r->json.kind != ROMA_JSON_TEXT) return bad(r, "id", "must be a text or a number");
    r->q->id = keep(r);
    return ROMA_OK;
}

static int read_raw(const reading *r) {
    r->q->raw = r->json.kind == ROMA_JSON_TRUE;
    return r->q->raw || r->json.kind == ROMA_JSON_FALSE ? ROMA_OK : bad(r, "raw", "must be true or false");
}

static int read_limit(const reading *r) {
    const int rc = count(r, "n", &r->q->ask.limit);
    return rc || r->q->ask.limit ? rc : bad(r, "n", "must be at least 1");
}

/* ---- lines ---- */

typedef enum {
    PROMPT,
    SYSTEM,
    RAW,
    LIMIT,
    TEMP,
    TOP_K,
    TOP_P,
    MIN_P,
    PENALTY,
    SEED,
    STOP,
    LORA,
    ID,
    MESSAGES,
    TOOLS,
    DOCUMENTS,
    ARGS,
    KEYS
} key;
static const char *const keys[KEYS] = {"prompt", "system",         "raw",          "n",    "temp", "top_k", "top_p",
                                       "min_p",  "repeat_penalty", "seed",         "stop", "lora", "id",    "messages",
                                       "tools",  "documents",      "template_args"};

static int unknown(const reading *r) {
    char shown[64];
    roma_error_name(shown, sizeof shown, r->json.text, r->json.len);
    const char *near = roma_nearest(shown, keys, KEYS);
    return roma_json_read_fail(&r->json, ROMA_EINPUT, r->err,
                               near ? "unknown key %s, did you mean %s?" : "unknown key %s", shown, near);
}

/* The token is a key. */
static int member(reading *r) {
    roma_sampling *s = &r->q->ask.sampling;
    key k = PROMPT;
    while (k < KEYS && !roma_json_is(&r->json, keys[k])) k++;
    if (k == KEYS) return unknown(r);
    const int rc = roma_json_read_next(&r->json, r->err);
    if (rc) return rc;
    switch (k) {
    case PROMPT: return text(r, keys[k], &r->q->prompt);
    case SYSTEM: return text(r, keys[k], &r->q->system);
    case RAW: return read_raw(r);
    case LIMIT: return read_limit(r);
    case TEMP: return number(r, keys[k], &s->temperature);
    case TOP_K: return count(r, keys[k], &s->top_k);
    case TOP_P: return number(r, keys[k], &s->top_p);
    case MIN_P: return number(r, keys[k], &s->min_p);
    case PENALTY: return number(r, keys[k], &s->repeat_penalty);
    case SEED: return whole(r, keys[k], UINT64_MAX, &s->seed);
    case STOP: return texts(r, keys[k], &r->q->ask.stops);
    case LORA: return read_lora(r);
    case ID: return read_id(r);
    case MESSAGES: return json_array(r, keys[k], &r->q->messages);
    case TOOLS: return json_array(r, keys[k], &r->q->tools);
    case DOCUMENTS: return json_array(r, keys[k], &r->q->documents);
    case ARGS: return read_args(r, keys[k]);
    case KEYS: break;
    }
    return unknown(r);
}

static int read_object(reading *r) {
    int rc = roma_json_read_next(&r->json, r->err);
    if (rc) return rc;
    if (r->json.kind != ROMA_JSON_OBJECT) return bad(r, "a request", "is an object in braces");
    while (!(rc = roma_json_read_next(&r->json, r->err)) && r->json.kind == ROMA_JSON_KEY)
        if ((rc = member(r)) != 0) return rc;
    return rc ? rc : roma_json_read_next(&r->json, r->err); /* nothing behind it */
}

static int read_line(roma_answer_lines *all, const char *p, size_t len, const roma_json_source *from, roma_error *err) {
    reading r = {.all = all, .q = &all->line[all->n - 1], .err = err};
    roma_error why;
    int rc = roma_json_read_begin(&r.json, p, len, from, err);
    if (!rc) rc = read_object(&r);
    roma_json_read_end(&r.json);
    if (rc) return rc;
    if (!r.q->prompt.text == !r.q->messages.text)
        return roma_fail_line(err, ROMA_EINPUT, from->file, from->line,
                              r.q->prompt.text ? "give a prompt or messages, not both"
                                               : "a prompt is missing, or messages");
    rc = roma_answer_ask_check(&r.q->ask, &why);
    return rc ? roma_fail_line(err, rc, from->file, from->line, "%s", why.text) : ROMA_OK;
}

static bool is_blank(const char *p, size_t len) {
    size_t i = 0;
    while (i < len && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r')) i++;
    return i == len;
}

/* Another request, as usual. */
static bool add(roma_answer_lines *all, const roma_answer_line *usual, uint64_t line) {
    if (all->n == all->cap) {
        const size_t cap = all->cap ? 2 * all->cap : 16;
        roma_answer_line *q = cap > SIZE_MAX / sizeof *q ? NULL : roma_resize(all->line, cap * sizeof *q);
        if (!q) return false;
        all->line = q;
        all->cap = cap;
    }
    all->line[all->n] = *usual;
    all->line[all->n++].line = line;
    return true;
}

int roma_answer_lines_read(roma_answer_lines *out, const char *file, const void *data, size_t size,
                           const roma_answer_line *usual, roma_error *err) {
    const char *p = size ? data : "", *const end = p + size;
    *out = (roma_answer_lines){.usual_stops = usual->ask.stops.item};
    if (size && !(out->texts = roma_alloc(size)))
        return roma_fail(err, ROMA_ENOMEM, file, ROMA_NOWHERE, "no memory for the requests");
    for (uint64_t line = 1; p < end; line++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        const size_t len = (size_t)((stop ? stop : end) - p);
        const roma_json_source from = {.file = file, .at = (uint64_t)(p - (const char *)data), .line = line};
        if (!is_blank(p, len)) {
            if (!add(out, usual, line))
                return roma_fail(err, ROMA_ENOMEM, file, ROMA_NOWHERE, "no memory for the requests");
            const int rc = read_line(out, p, len, &from, err);
            if (rc) return rc;
        }
        p += len + (stop != NULL);
    }
    return out->n ? ROMA_OK : roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "there is no request in it");
}

void roma_answer_lines_free(roma_answer_lines *r) {
    for (size_t i = 0; i < r->n; i++) {
        roma_answer_line *q = &r->line[i];
        if (q->ask.stops.item != r->usual_stops) roma_free((roma_answer_text *)(uintptr_t)q->ask.stops.item);
        if (q->has_args) roma_free((roma_answer_text *)(uintptr_t)q->args.item);
        if (q->has_adapters) roma_free((roma_answer_text *)(uintptr_t)q->adapters.item);
    }
    roma_free(r->line);
    roma_free(r->texts);
    *r = (roma_answer_lines){0};
}
