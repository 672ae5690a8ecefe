/* Requests as lines of JSON: all are read and checked before one runs, and a bad one is an answer of its own. Knows
 * nothing of images and engines. */
#include "answer/lines.h"

#include <string.h>

/* ---- objects ---- */

typedef struct {
    const char *name;
    answer_key key;
} named;

/* clang-format off */
static const named own_keys[] = {
    {"prompt", ANSWER_KEY_PROMPT}, {"system", ANSWER_KEY_SYSTEM}, {"raw", ANSWER_KEY_RAW}, {"n", ANSWER_KEY_LIMIT},
    {"temp", ANSWER_KEY_TEMP}, {"top_k", ANSWER_KEY_TOP_K}, {"top_p", ANSWER_KEY_TOP_P}, {"min_p", ANSWER_KEY_MIN_P},
    {"repeat_penalty", ANSWER_KEY_REPEAT}, {"presence_penalty", ANSWER_KEY_PRESENCE}, {"frequency_penalty", ANSWER_KEY_FREQUENCY},
    {"logit_bias", ANSWER_KEY_BIAS}, {"logprobs", ANSWER_KEY_LOGPROBS}, {"seed", ANSWER_KEY_SEED}, {"stop", ANSWER_KEY_STOP},
    {"lora", ANSWER_KEY_LORA}, {"id", ANSWER_KEY_ID}, {"messages", ANSWER_KEY_MESSAGES}, {"tools", ANSWER_KEY_TOOLS},
    {"documents", ANSWER_KEY_DOCUMENTS}, {"template_args", ANSWER_KEY_ARGS}, {"response_format", ANSWER_KEY_FORMAT},
    {"grammar", ANSWER_KEY_GRAMMAR}, {0}};
static const named outer_keys[] = {
    {"custom_id", ANSWER_KEY_ID}, {"method", ANSWER_KEY_METHOD}, {"url", ANSWER_KEY_URL}, {"body", ANSWER_KEY_BODY}, {0}};
static const named body_keys[] = {
    {"model", ANSWER_KEY_MODEL}, {"messages", ANSWER_KEY_MESSAGES}, {"prompt", ANSWER_KEY_PROMPT}, {"max_tokens", ANSWER_KEY_LIMIT},
    {"max_completion_tokens", ANSWER_KEY_LIMIT}, {"temperature", ANSWER_KEY_TEMP}, {"top_p", ANSWER_KEY_TOP_P},
    {"top_k", ANSWER_KEY_TOP_K}, {"min_p", ANSWER_KEY_MIN_P}, {"repetition_penalty", ANSWER_KEY_REPEAT},
    {"presence_penalty", ANSWER_KEY_PRESENCE}, {"frequency_penalty", ANSWER_KEY_FREQUENCY}, {"logit_bias", ANSWER_KEY_BIAS},
    {"logprobs", ANSWER_KEY_LOGPROBS}, {"top_logprobs", ANSWER_KEY_TOP}, {"seed", ANSWER_KEY_SEED}, {"stop", ANSWER_KEY_STOP},
    {"tools", ANSWER_KEY_TOOLS}, {"documents", ANSWER_KEY_DOCUMENTS}, {"chat_template_kwargs", ANSWER_KEY_ARGS},
    {"lora", ANSWER_KEY_LORA}, {"n", ANSWER_KEY_ONE}, {"stream", ANSWER_KEY_OFF}, {"response_format", ANSWER_KEY_FORMAT}, {"grammar", ANSWER_KEY_GRAMMAR},
    {"tool_choice", ANSWER_KEY_CHOICE}, {"user", ANSWER_KEY_ANY}, {"metadata", ANSWER_KEY_ANY}, {"store", ANSWER_KEY_ANY},
    {"service_tier", ANSWER_KEY_ANY}, {"stream_options", ANSWER_KEY_ANY}, {"parallel_tool_calls", ANSWER_KEY_PARALLEL}, {0}};
/* clang-format on */

static const named *find(const named *keys, const roma_json_reader *j) {
    for (; keys->name; keys++)
        if (roma_json_is(j, keys->name)) return keys;
    return NULL;
}

/* A key that is in no list. In OpenAI's body (is_body) null is nothing said: clients write it for settings that they do
 * not make, those of a newer interface among them. a, b: lists whose names may have been meant, or NULL. */
static int unknown(reading *r, bool is_body, const named *a, const named *b) {
    enum { MOST = 64 };
    const char *names[MOST];
    const size_t at = r->json.at;
    size_t n = 0;
    char shown[64];
    roma_error_name(shown, sizeof shown, r->json.text, r->json.len);
    if (is_body) {
        const int rc = roma_json_read_next(&r->json, r->err);
        if (rc || r->json.kind == ROMA_JSON_NULL) return rc;
        r->json.at = at; /* the key is what the error shows */
    }
    for (; a && a->name; a++) names[n++] = a->name;
    for (; b && b->name; b++) names[n++] = b->name;
    const char *near = roma_nearest(shown, names, n);
    return roma_json_read_fail(&r->json, ROMA_EINPUT, r->err,
                               near ? "unknown key %s, did you mean %s?" : "unknown key %s", shown, near);
}

/* Null is as if the key were not there; what names the request, or is asked, has a value. */
static bool may_be_null(answer_key k) {
    return k != ANSWER_KEY_PROMPT && k != ANSWER_KEY_MESSAGES && k != ANSWER_KEY_ID && k != ANSWER_KEY_BODY;
}

/* Of a body that is read alone a setting beyond its range is known at its key: those before were good. */
static int check_key(const reading *r) {
    roma_error why;
    const int rc = r->param ? roma_answer_ask_check(&r->q->ask, &why) : ROMA_OK;
    return rc ? roma_json_read_fail(&r->json, rc, r->err, "%s: %s", r->param, why.text) : ROMA_OK;
}

/* The members of an object whose bracket is read; `more` (may be NULL) is another list of keys. */
static int members(reading *r, const named *keys, const named *more) {
    int rc;
    while (!(rc = roma_json_read_next(&r->json, r->err)) && r->json.kind == ROMA_JSON_KEY) {
        if (r->param) roma_error_name(r->param, ROMA_ANSWER_PARAM_MAX, r->json.text, r->json.len);
        rc = r->more ? r->more->key(r->more->ctx, r, r->err) : ROMA_ANSWER_NOT_MINE;
        if (!rc) rc = check_key(r);
        if (rc < 0) return rc;
        if (!rc) continue;
        const named *k = rc == ROMA_ANSWER_NOBODYS ? NULL : find(keys, &r->json);
        if (k && keys == own_keys) r->has_own = true;
        if (!k && more) k = find(more, &r->json);
        if (!k) {
            if ((rc = unknown(r, keys == body_keys, rc == ROMA_ANSWER_NOBODYS ? NULL : keys, more))) return rc;
            continue;
        }
        if (k >= outer_keys && k < outer_keys + sizeof outer_keys / sizeof *outer_keys) r->q->is_batch = true;
        rc = roma_json_read_next(&r->json, r->err);
        if (!rc && !(r->json.kind == ROMA_JSON_NULL && may_be_null(k->key))) rc = roma_answer_value(r, k->key, k->name);
        if (!rc) rc = check_key(r);
        if (rc) return rc;
    }
    return rc;
}

int roma_answer_body(reading *r) { return members(r, body_keys, NULL); }

roma_json_reader *roma_answer_reading_json(roma_answer_reading *r) { return &r->json; }

int roma_answer_reading_value(roma_answer_reading *r, const char *as) {
    const int rc = roma_json_read_next(&r->json, r->err);
    for (const named *k = body_keys; !rc && k->name; k++)
        if (strcmp(k->name, as) == 0)
            return r->json.kind == ROMA_JSON_NULL && may_be_null(k->key) ? ROMA_OK
                                                                         : roma_answer_value(r, k->key, r->param);
    return rc ? rc : ROMA_EINTERNAL;
}

roma_answer_text roma_answer_reading_keep(roma_answer_reading *r) { return roma_answer_keep(r); }

static int read_object(reading *r) {
    int rc = roma_json_read_next(&r->json, r->err);
    if (rc) return rc;
    if (r->json.kind != ROMA_JSON_OBJECT)
        return roma_json_read_fail(&r->json, ROMA_EINPUT, r->err, "a request is an object in braces");
    rc = members(r, own_keys, outer_keys);
    return rc ? rc : roma_json_read_next(&r->json, r->err); /* nothing behind it */
}

/* ---- lines ---- */

static int check_line(const reading *r, const roma_json_source *from) {
    const roma_answer_line *q = r->q;
    const char *what = NULL;
    roma_error why;
    if (q->is_batch && (r->has_own || !r->has_body))
        what = r->has_body ? "with a body, its settings stand in there" : "a body is missing";
    else if (!q->prompt.text == !q->messages.text)
        what = q->prompt.text ? "give a prompt or messages, not both" : "a prompt is missing, or messages";
    if (what) return roma_fail_line(r->err, ROMA_EINPUT, from->file, from->line, "%s", what);
    const int rc = roma_answer_ask_check(&q->ask, &why);
    return rc ? roma_fail_line(r->err, rc, from->file, from->line, "%s", why.text) : ROMA_OK;
}

static int read_line(roma_answer_lines *all, const char *p, size_t len, const roma_json_source *from, roma_error *err) {
    reading r = {.all = all, .q = &all->line[all->n - 1], .err = err};
    int rc = roma_json_read_begin(&r.json, p, len, from, err);
    if (!rc) rc = read_object(&r);
    roma_json_read_end(&r.json);
    if (!rc) rc = check_line(&r, from);
    if (!rc && r.has_body && r.q->prompt.text) r.q->raw = true; /* completions are of text */
    return rc;
}

static void forget(const roma_answer_lines *all, roma_answer_line *q) {
    if (q->ask.stops.item != all->usual_stops) roma_free((roma_answer_text *)(uintptr_t)q->ask.stops.item);
    if (q->has_args) roma_free((roma_answer_text *)(uintptr_t)q->args.item);
    if (q->has_adapters) roma_free((roma_answer_text *)(uintptr_t)q->adapters.item);
    roma_free((roma_logit_bias *)(uintptr_t)q->ask.sampling.bias);
    roma_free((char *)(uintptr_t)q->error);
}

/* The byte behind a JSON text that begins at p, whatever is in it. */
static const char *text_end(const char *p, const char *end) {
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\' && p + 1 < end) p++;
    return p < end ? p + 1 : end;
}

/* Keeps the value at p as the line's id where it can be one. */
static void take_id(roma_answer_lines *all, const char *p, const char *end) {
    reading r = {.all = all, .q = &all->line[all->n - 1]};
    const roma_json_source from = {0};
    const char *stop = p;
    while (stop < end && !strchr(",} \t\r", *stop)) stop = *stop == '"' ? text_end(stop, end) : stop + 1;
    if (!roma_json_read_begin(&r.json, p, (size_t)(stop - p), &from, NULL) && !roma_json_read_next(&r.json, NULL))
        roma_answer_value(&r, ANSWER_KEY_ID, "id");
    roma_json_read_end(&r.json);
}

static const char *blanks(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\t')) p++;
    return p;
}

/* What names a bad line: its id, wherever it stands and whatever else is wrong. */
static void find_id(roma_answer_lines *all, const char *p, const char *end) {
    roma_answer_line *q = &all->line[all->n - 1];
    for (unsigned depth = 0; p < end;) {
        const char *stop = *p == '"' ? text_end(p, end) : p + 1, *colon = blanks(stop, end);
        const size_t len = (size_t)(stop - p);
        const bool is_key = *p == '"' && depth == 1 && colon < end && *colon == ':';
        const bool is_custom = is_key && len == 11 && memcmp(p, "\"custom_id\"", 11) == 0;
        q->is_batch |= is_custom || (is_key && len == 6 && memcmp(p, "\"body\"", 6) == 0);
        if (is_custom || (is_key && len == 4 && memcmp(p, "\"id\"", 4) == 0)) {
            if (!q->id.text) take_id(all, blanks(colon + 1, end), end);
        } else if (*p == '{' || *p == '[')
            depth++;
        else if ((*p == '}' || *p == ']') && depth)
            depth--;
        p = stop;
    }
}

/* The last line is bad: all that is left of it is its error, with its id. */
static bool spoil(roma_answer_lines *all, const char *p, size_t len, const roma_json_source *from, size_t used, int rc,
                  const roma_error *why) {
    roma_answer_line *q = &all->line[all->n - 1];
    char text[1024];
    roma_error_format(why, text, sizeof text);
    forget(all, q);
    *q = (roma_answer_line){.line = from->line, .rc = rc, .ask.stops.item = all->usual_stops};
    all->used = used;
    find_id(all, p, p + len);
    char *copy = roma_alloc(strlen(text) + 1);
    if (copy) memcpy(copy, text, strlen(text) + 1);
    q->error = copy;
    return copy != NULL;
}

static bool is_blank(const char *p, size_t len) {
    size_t i = 0;
    while (i < len && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r')) i++;
    return i == len;
}

/* Another request, as usual. */
static bool add(roma_answer_lines *all, const roma_answer_line *usual, uint64_t line) {
    if (!ROMA_GROW(&all->line, all->n, &all->cap)) return false;
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
        const size_t len = (size_t)((stop ? stop : end) - p), used = out->used;
        const roma_json_source from = {.file = file, .at = (uint64_t)(p - (const char *)data), .line = line};
        if (!is_blank(p, len)) {
            roma_error why;
            if (!add(out, usual, line))
                return roma_fail(err, ROMA_ENOMEM, file, ROMA_NOWHERE, "no memory for the requests");
            const int rc = read_line(out, p, len, &from, &why);
            if (rc == ROMA_ENOMEM || (rc && !spoil(out, p, len, &from, used, rc, &why)))
                return roma_fail(err, ROMA_ENOMEM, file, ROMA_NOWHERE, "no memory for the requests");
        }
        p += len + (stop != NULL);
    }
    return out->n ? ROMA_OK : roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "there is no request in it");
}

int roma_answer_body_read(roma_answer_lines *out, const void *data, size_t size, const roma_answer_line *usual,
                          const roma_answer_keys *more, char param[ROMA_ANSWER_PARAM_MAX], roma_error *err) {
    *out = (roma_answer_lines){.usual_stops = usual->ask.stops.item};
    param[0] = 0;
    if (!(out->texts = roma_alloc(size + 1)) || !add(out, usual, 0))
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the request");
    reading r = {.all = out, .q = out->line, .err = err, .has_body = true, .more = more, .param = param};
    const roma_json_source from = {0};
    int rc = roma_json_read_begin(&r.json, size ? data : "", size, &from, err);
    if (!rc) rc = roma_json_read_next(&r.json, err);
    if (!rc && r.json.kind != ROMA_JSON_OBJECT)
        rc = roma_json_read_fail(&r.json, ROMA_EINPUT, err, "a request is an object in braces");
    if (!rc) rc = roma_answer_body(&r);
    if (!rc) param[0] = 0;
    if (!rc) rc = roma_json_read_next(&r.json, err); /* nothing behind it */
    roma_json_read_end(&r.json);
    return rc ? rc : roma_answer_ask_check(&out->line->ask, err);
}

void roma_answer_lines_free(roma_answer_lines *r) {
    for (size_t i = 0; i < r->n; i++) forget(r, &r->line[i]);
    roma_free(r->line);
    roma_free(r->texts);
    *r = (roma_answer_lines){0};
}

/* ---- what outlives a prompt ---- */

/* Copies a text to *at, which moves behind it. */
static void move(roma_answer_text *t, char **at) {
    if (!t->text) return;
    memcpy(*at, t->text, t->len);
    (*at)[t->len] = 0;
    t->text = *at;
    *at += t->len + 1;
}

static size_t bytes_of(const roma_answer_texts *l) {
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) n += l->item[i].len + 1;
    return n;
}

static void move_all(const roma_answer_texts *l, char **at) {
    for (size_t i = 0; i < l->n; i++) move((roma_answer_text *)(uintptr_t)&l->item[i], at);
}

bool roma_answer_body_shrink(roma_answer_lines *l) {
    roma_answer_line *q = l->line;
    const bool own_stops = q->ask.stops.item != l->usual_stops;
    const size_t n = (own_stops ? bytes_of(&q->ask.stops) : 0) + (q->has_adapters ? bytes_of(&q->adapters) : 0) +
                     (q->model.text ? q->model.len + 1 : 0);
    char *texts = roma_alloc(n + 1), *at = texts;
    if (!texts) return false;
    if (own_stops) move_all(&q->ask.stops, &at);
    if (q->has_adapters) move_all(&q->adapters, &at);
    move(&q->model, &at);
    if (q->has_args) roma_free((roma_answer_text *)(uintptr_t)q->args.item);
    q->has_args = false;
    q->args = (roma_answer_texts){NULL, 0};
    q->prompt = q->system = q->id = q->messages = q->tools = q->documents = (roma_answer_text){NULL, 0};
    roma_free(l->texts);
    l->texts = texts;
    l->used = n;
    return true;
}
