/* Messages of clients as chat templates take them. Section "Messages on their way in" of docs/tools.md. */
#include "calls/internal.h"

#include <string.h>

void roma_calls_id(char id[ROMA_CALLS_ID_CAP], const void *answer, size_t len, uint32_t index) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint8_t sum[32], place[4];
    roma_sha256 h;
    roma_put32(place, index);
    roma_sha256_init(&h);
    roma_sha256_update(&h, place, sizeof place);
    roma_sha256_update(&h, answer, len);
    roma_sha256_final(&h, sum);
    for (size_t i = 0; i + 1 < ROMA_CALLS_ID_CAP; i++) id[i] = letters[sum[i] % (sizeof letters - 1)];
    id[ROMA_CALLS_ID_CAP - 1] = 0;
}

typedef struct {
    size_t at, len; /* in texts */
} kept;

/* A call that a message of role tool may answer. */
typedef struct {
    kept id, name;
    bool answered;
} told;

typedef struct {
    const roma_calls_form *f;
    roma_json_reader r;
    roma_buf *out;
    roma_buf texts; /* of all that is kept beyond its token */
    told call[ROMA_CALLS_MOST];
    size_t n_calls, n; /* calls of the last message that had any; messages that are read */
    roma_error *err;
} reading;

static int bad(const reading *d, const char *what) {
    return roma_json_read_fail(&d->r, ROMA_EINPUT, d->err, "messages[%zu]: %s", d->n, what);
}

static void put(roma_buf *b, const char *text) { roma_buf_append(b, text, strlen(text)); }

static void put_text(roma_buf *b, const char *text, size_t len) {
    roma_json j = {.out = b};
    roma_json_text(&j, NULL, text, len);
}

static void put_key(roma_buf *b, const char *key) {
    if (b->len && b->data && !strchr("{[", b->data[b->len - 1])) put(b, ", ");
    put_text(b, key, strlen(key));
    put(b, ": ");
}

static kept keep(reading *d, const char *text, size_t len) {
    const kept k = {d->texts.len, len};
    roma_buf_append(&d->texts, text, len);
    return k;
}

static const char *text_of(const reading *d, kept k) { return d->texts.data ? (const char *)d->texts.data + k.at : ""; }

static bool is_same(const reading *d, kept a, kept b) {
    return a.len == b.len && memcmp(text_of(d, a), text_of(d, b), a.len) == 0;
}

/* The value whose first token is read, as it is written. */
static int copy(reading *d, roma_buf *b) {
    const char *const at = d->r.begin + d->r.at;
    const int rc = roma_json_read_skip(&d->r, d->err);
    if (!rc) roma_buf_append(b, at, (size_t)(d->r.p - at));
    return rc;
}

/* ---- calls ---- */

/* An id as the template takes it. */
static kept short_id(reading *d, const char *id, size_t len) {
    bool good = len == ROMA_CALLS_ID_CAP - 1;
    char other[ROMA_CALLS_ID_CAP];
    for (size_t i = 0; i < len && good; i++) good = roma_calls_is_letter(id[i]) && id[i] != '_' && id[i] != '-';
    if (good || !d->f->short_ids) return keep(d, id, len);
    roma_calls_id(other, id, len, 0);
    return keep(d, other, ROMA_CALLS_ID_CAP - 1);
}

/* Arguments, an object or a text that holds one, as the template takes them. */
static int read_arguments(reading *d, roma_buf *b) {
    const char *text = d->r.text;
    size_t len = d->r.len;
    roma_json_kind kind;
    if (d->r.kind == ROMA_JSON_OBJECT) {
        text = d->r.begin + d->r.at;
        const int rc = roma_json_read_skip(&d->r, d->err);
        if (rc) return rc;
        len = (size_t)(d->r.p - text);
    } else if (d->r.kind == ROMA_JSON_TEXT) {
        if (!len) text = "{}", len = 2;
        const int rc = roma_calls_value(text, len, &kind);
        if (rc == ROMA_ENOMEM) return rc;
        if (rc || kind != ROMA_JSON_OBJECT)
            return bad(d, "the arguments of a call are a text that holds no JSON object");
    } else {
        return bad(d, "the arguments of a call are a JSON object, or a text that holds one");
    }
    if (d->f->text_arguments)
        put_text(b, text, len);
    else
        roma_buf_append(b, text, len);
    return ROMA_OK;
}

typedef struct {
    kept id, name;
    bool has_id, has_name, has_function;
    roma_buf arguments;
} one_call;

static int read_function(reading *d, one_call *c) {
    int rc = d->r.kind == ROMA_JSON_OBJECT ? ROMA_OK : bad(d, "the function of a call is an object");
    while (!rc && !(rc = roma_json_read_next(&d->r, d->err)) && d->r.kind == ROMA_JSON_KEY) {
        const bool is_name = roma_json_is(&d->r, "name"), is_arguments = roma_json_is(&d->r, "arguments");
        rc = roma_json_read_next(&d->r, d->err);
        if (rc) break;
        if (is_name && d->r.kind != ROMA_JSON_TEXT) return bad(d, "the name of a call is a text");
        if (is_name) c->name = keep(d, d->r.text, d->r.len);
        c->has_name |= is_name;
        rc = is_arguments && d->r.kind != ROMA_JSON_NULL ? read_arguments(d, &c->arguments)
                                                         : roma_json_read_skip(&d->r, d->err);
    }
    c->has_function = true;
    return rc;
}

static int read_call(reading *d, roma_buf *b) {
    one_call c = {.has_id = false};
    int rc = d->r.kind == ROMA_JSON_OBJECT ? ROMA_OK : bad(d, "a call is an object");
    while (!rc && !(rc = roma_json_read_next(&d->r, d->err)) && d->r.kind == ROMA_JSON_KEY) {
        const bool is_id = roma_json_is(&d->r, "id"), is_function = roma_json_is(&d->r, "function");
        rc = roma_json_read_next(&d->r, d->err);
        if (rc) break;
        if (is_id && d->r.kind == ROMA_JSON_TEXT) {
            c.id = short_id(d, d->r.text, d->r.len);
            c.has_id = true;
        }
        rc = is_function ? read_function(d, &c) : roma_json_read_skip(&d->r, d->err);
    }
    if (!rc && !(c.has_function && c.has_name)) rc = bad(d, "a call needs a function with a name");
    if (!rc && d->n_calls == ROMA_CALLS_MOST) rc = bad(d, "more calls than 128");
    if (!rc && !c.has_id) {
        char id[ROMA_CALLS_ID_CAP];
        roma_calls_id(id, "messages", 8, (uint32_t)(d->n * ROMA_CALLS_MOST + d->n_calls));
        c.id = keep(d, id, ROMA_CALLS_ID_CAP - 1);
    }
    if (!rc && d->texts.failed) rc = ROMA_ENOMEM;
    if (!rc) {
        put(b, d->n_calls ? ", {\"type\": \"function\", \"id\": " : "{\"type\": \"function\", \"id\": ");
        put_text(b, text_of(d, c.id), c.id.len);
        put(b, ", \"function\": {\"name\": ");
        put_text(b, text_of(d, c.name), c.name.len);
        put(b, ", \"arguments\": ");
        if (!c.arguments.len) put(b, d->f->text_arguments ? "\"{}\"" : "{}");
        roma_buf_append(b, c.arguments.data, c.arguments.len);
        put(b, "}}");
        d->call[d->n_calls++] = (told){c.id, c.name, false};
    }
    if (c.arguments.failed) rc = ROMA_ENOMEM;
    roma_buf_destroy(&c.arguments);
    return rc;
}

static int read_calls(reading *d, roma_buf *b) {
    int rc = d->r.kind == ROMA_JSON_ARRAY ? ROMA_OK : bad(d, "tool_calls are an array");
    d->n_calls = 0;
    put(b, "[");
    while (!rc && !(rc = roma_json_read_next(&d->r, d->err)) && d->r.kind != ROMA_JSON_ARRAY_END) rc = read_call(d, b);
    put(b, "]");
    return rc;
}

/* ---- messages ---- */

/* What a message is made of beside what is copied. */
typedef struct {
    kept role, id, name;
    bool has_role, has_id, has_name, has_content, has_calls, has_thoughts;
    roma_buf content, rest, calls;
} message;

/* A content in parts of text: a line each. */
static int read_parts(reading *d, roma_buf *b) {
    roma_buf text = {0};
    bool first = true;
    int rc = ROMA_OK;
    while (!rc && !(rc = roma_json_read_next(&d->r, d->err)) && d->r.kind != ROMA_JSON_ARRAY_END) {
        bool is_text = false;
        if (d->r.kind != ROMA_JSON_OBJECT) rc = bad(d, "a part of a content is an object");
        while (!rc && !(rc = roma_json_read_next(&d->r, d->err)) && d->r.kind == ROMA_JSON_KEY) {
            const bool here = roma_json_is(&d->r, "text");
            rc = roma_json_read_next(&d->r, d->err);
            if (!rc && here && d->r.kind == ROMA_JSON_TEXT) {
                if (!first) roma_buf_append(&text, "\n", 1);
                roma_buf_append(&text, d->r.text, d->r.len);
                is_text = true;
                first = false;
            }
            if (!rc) rc = roma_json_read_skip(&d->r, d->err);
        }
        if (!rc && !is_text)
            rc = roma_json_read_fail(&d->r, ROMA_EUNSUPPORTED, d->err,
                                     "messages[%zu]: a part of its content is no text: this model reads text alone",
                                     d->n);
    }
    if (!rc) put_text(b, text.data ? (const char *)text.data : "", text.len);
    b->failed |= text.failed;
    roma_buf_destroy(&text);
    return rc;
}

static int read_member(reading *d, message *m) {
    static const char *const names[] = {"role", "content",   "tool_calls", "tool_call_id",
                                        "name", "tool_name", "thinking",   "reasoning_content"};
    enum { ROLE, CONTENT, CALLS, ID, NAME, TOOL_NAME, THINKING, REASONING, OTHER };
    char key[64];
    int which = 0;
    while (which < OTHER && !roma_json_is(&d->r, names[which])) which++;
    const size_t len = d->r.len;
    if (len >= sizeof key || memchr(d->r.text, 0, len)) return bad(d, "a key of a message has up to 63 letters");
    memcpy(key, d->r.text, len);
    key[len] = 0;
    int rc = roma_json_read_next(&d->r, d->err);
    if (rc || (d->r.kind == ROMA_JSON_NULL && which != ROLE)) return rc;
    const bool is_text = d->r.kind == ROMA_JSON_TEXT;
    if ((which == ROLE || which == ID || which == NAME || which == TOOL_NAME) && !is_text)
        return bad(d, "role, name, tool_name and tool_call_id are texts");
    switch (which) {
    case ROLE:
        m->role = roma_json_is(&d->r, "developer") ? keep(d, "system", 6) : keep(d, d->r.text, d->r.len);
        m->has_role = true;
        return ROMA_OK;
    case ID:
        m->id = short_id(d, d->r.text, d->r.len);
        m->has_id = true;
        return ROMA_OK;
    case NAME:
    case TOOL_NAME:
        m->name = keep(d, d->r.text, d->r.len);
        m->has_name = true;
        return ROMA_OK;
    case CALLS: {
        const size_t before = d->n_calls;
        rc = read_calls(d, &m->calls);
        m->has_calls = d->n_calls > 0;
        if (!m->has_calls) d->n_calls = before;
        return rc;
    }
    case CONTENT:
        m->has_content = true;
        return d->r.kind == ROMA_JSON_ARRAY ? read_parts(d, &m->content) : copy(d, &m->content);
    case THINKING:
    case REASONING:
        if (m->has_thoughts) return roma_json_read_skip(&d->r, d->err);
        m->has_thoughts = true;
        put_key(&m->rest, "reasoning_content");
        return copy(d, &m->rest);
    default: put_key(&m->rest, key); return copy(d, &m->rest);
    }
}

/* The call that a tool's message answers: of its id, of its name, or the first that has no answer. */
static told *call_of(reading *d, const message *m) {
    for (size_t i = 0; i < d->n_calls; i++) {
        told *c = &d->call[i];
        if (m->has_id ? is_same(d, c->id, m->id) : !c->answered && (!m->has_name || is_same(d, c->name, m->name)))
            return c;
    }
    return NULL;
}

static void put_message(reading *d, message *m) {
    const bool is_tool = roma_calls_text_is(text_of(d, m->role), m->role.len, "tool");
    roma_buf *b = d->out;
    put(b, d->n ? ", {" : "{");
    put_key(b, "role");
    put_text(b, text_of(d, m->role), m->role.len);
    told *c = is_tool && !m->has_calls ? call_of(d, m) : NULL; /* no message answers its own call */
    if (c) {
        c->answered = true;
        if (!m->has_id) m->id = c->id;
        if (!m->has_name) m->name = c->name;
        m->has_id = m->has_name = true;
    }
    if (m->has_id) {
        put_key(b, "tool_call_id");
        put_text(b, text_of(d, m->id), m->id.len);
    }
    if (m->has_name) {
        put_key(b, "name");
        put_text(b, text_of(d, m->name), m->name.len);
    }
    /* Beside calls an empty content and none are the same: the template says which it takes. */
    put_key(b, "content");
    if (!m->has_content || (m->has_calls && m->content.len == 2))
        put(b, m->has_calls && d->f->null_content ? "null" : "\"\"");
    else
        roma_buf_append(b, m->content.data, m->content.len);
    if (m->rest.len) {
        put(b, ", ");
        roma_buf_append(b, m->rest.data, m->rest.len);
    }
    if (m->has_calls) {
        put_key(b, "tool_calls");
        roma_buf_append(b, m->calls.data, m->calls.len);
    }
    put(b, "}");
}

static int read_message(reading *d) {
    message m = {.has_role = false};
    int rc = d->r.kind == ROMA_JSON_OBJECT ? ROMA_OK : bad(d, "a message is an object");
    while (!rc && !(rc = roma_json_read_next(&d->r, d->err)) && d->r.kind == ROMA_JSON_KEY) rc = read_member(d, &m);
    if (!rc && !m.has_role) rc = bad(d, "a message needs a role");
    if (!rc && (m.content.failed || m.rest.failed || m.calls.failed || d->texts.failed)) rc = ROMA_ENOMEM;
    if (!rc) put_message(d, &m);
    roma_buf_destroy(&m.content);
    roma_buf_destroy(&m.rest);
    roma_buf_destroy(&m.calls);
    d->n++;
    return rc;
}

int roma_calls_messages(const roma_calls_form *f, const char *json, size_t len, roma_buf *out, roma_error *err) {
    const roma_json_source from = {.file = "messages"};
    reading *d = roma_alloc_array(1, sizeof *d);
    if (!d) return roma_fail(err, ROMA_ENOMEM, "messages", ROMA_NOWHERE, "no memory for the messages");
    *d = (reading){.f = f, .out = out, .err = err};
    int rc = roma_json_read_begin(&d->r, json, len, &from, err);
    if (!rc) rc = roma_json_read_next(&d->r, err);
    if (!rc && d->r.kind != ROMA_JSON_ARRAY) rc = roma_json_read_fail(&d->r, ROMA_EINPUT, err, "messages are an array");
    put(out, "[");
    while (!rc && !(rc = roma_json_read_next(&d->r, err)) && d->r.kind != ROMA_JSON_ARRAY_END) rc = read_message(d);
    if (!rc) rc = roma_json_read_next(&d->r, err);
    put(out, "]");
    if (!rc && out->failed) rc = ROMA_ENOMEM;
    if (rc == ROMA_ENOMEM) roma_fail(err, rc, "messages", ROMA_NOWHERE, "no memory for the messages");
    roma_json_read_end(&d->r);
    roma_buf_destroy(&d->texts);
    roma_free(d);
    return rc;
}
