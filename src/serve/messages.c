/* Messages of clients, made into what chat templates take. Contract in asked.h.
 *
 * A message is read in one pass: what a template knows is written as it comes, contents of parts are joined first. */
#include "serve/asked.h"

#include <string.h>

typedef struct {
    roma_json_reader j;
    roma_json out;
    size_t at; /* number of the message, from 0 */
    roma_error *err;
} maker;

static int bad(maker *m, int code, const char *what) {
    return roma_json_read_fail(&m->j, code, m->err, "messages[%zu] %s", m->at, what);
}

static int next(maker *m) { return roma_json_read_next(&m->j, m->err); }

/* The value that begins with this token, as it stands in the text. */
static int slice(maker *m, roma_answer_text *t) {
    const char *from = m->j.begin + m->j.at;
    const int rc = roma_json_read_skip(&m->j, m->err);
    *t = (roma_answer_text){from, (size_t)(m->j.p - from)};
    return rc;
}

/* A member whose value is JSON already. */
static void put_json(roma_json *out, const char *key, roma_answer_text t) { roma_json_number(out, key, t.text, t.len); }

/* ---- contents ---- */

static bool is_text_part(const roma_json_reader *j) {
    return roma_json_is(j, "text") || roma_json_is(j, "input_text") || roma_json_is(j, "output_text") ||
           roma_json_is(j, "refusal");
}

/* One part, an object whose bracket is read; its text is a line behind what *text holds. */
static int read_part(maker *m, bool first, roma_buf *text) {
    roma_buf own = {0};
    bool typed = false, has_text = false;
    int rc;
    while (!(rc = next(m)) && m->j.kind == ROMA_JSON_KEY) {
        const bool is_type = roma_json_is(&m->j, "type"),
                   is_text = roma_json_is(&m->j, "text") || roma_json_is(&m->j, "refusal");
        if ((rc = next(m))) break;
        if (is_type && (m->j.kind != ROMA_JSON_TEXT || !is_text_part(&m->j))) {
            rc = bad(m, ROMA_EUNSUPPORTED, "has a part that is no text: this model reads text alone");
            break;
        }
        typed |= is_type;
        has_text |= is_text && m->j.kind == ROMA_JSON_TEXT;
        if (is_text && m->j.kind == ROMA_JSON_TEXT)
            roma_buf_append(&own, m->j.text, m->j.len);
        else
            rc = roma_json_read_skip(&m->j, m->err);
        if (rc) break;
    }
    if (!rc && !typed) rc = bad(m, ROMA_EINPUT, "has a part without a type");
    if (!rc && !has_text) rc = bad(m, ROMA_EINPUT, "has a part whose text is none");
    if (!rc && !first) roma_buf_append(text, "\n", 1);
    if (!rc) roma_buf_append(text, own.data ? own.data : (const void *)"", own.len);
    text->failed |= own.failed;
    roma_buf_destroy(&own);
    return rc;
}

/* A text, null, or a list of parts, whose first token is read, behind what *text holds. */
static int read_content(maker *m, roma_buf *text) {
    bool first = true;
    int rc = ROMA_OK;
    if (m->j.kind == ROMA_JSON_NULL) return ROMA_OK;
    if (m->j.kind == ROMA_JSON_TEXT) {
        roma_buf_append(text, m->j.text, m->j.len);
        return ROMA_OK;
    }
    if (m->j.kind != ROMA_JSON_ARRAY) return bad(m, ROMA_EINPUT, "has a content that is no text and no list of parts");
    while (!(rc = next(m)) && m->j.kind != ROMA_JSON_ARRAY_END) {
        if (m->j.kind != ROMA_JSON_OBJECT) return bad(m, ROMA_EINPUT, "has a part that is no object");
        if ((rc = read_part(m, first, text))) return rc;
        first = false;
    }
    return rc;
}

/* ---- messages ---- */

typedef struct {
    const char *role;
    roma_buf content;
    roma_answer_text calls;
    bool has_content, has_thoughts;
} parts;

static const char *role_of(const roma_json_reader *j) {
    static const char *const names[] = {"system", "user", "assistant", "tool"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (roma_json_is(j, names[i])) return names[i];
    return roma_json_is(j, "developer") ? "system" : NULL;
}

/* What may stand in a message and says nothing to a template. */
static bool is_silent(const roma_json_reader *j) {
    static const char *const names[] = {"refusal", "annotations", "audio", "function_call", "images",
                                        "id",      "status",      "type",  "phase",         NULL};
    for (size_t i = 0; names[i]; i++)
        if (roma_json_is(j, names[i])) return true;
    return false;
}

static bool is_passed(const roma_json_reader *j) {
    static const char *const names[] = {"name", "tool_call_id", "tool_name", NULL};
    for (size_t i = 0; names[i]; i++)
        if (roma_json_is(j, names[i])) return true;
    return false;
}

/* A silent member's value is read; one that shows something is refused. */
static int pass_silent(maker *m, const char *key) {
    const bool holds = m->j.kind == ROMA_JSON_OBJECT || m->j.kind == ROMA_JSON_ARRAY;
    roma_answer_text t;
    const int rc = slice(m, &t);
    const bool shows = holds && t.len > 2 &&
                       (strcmp(key, "images") == 0 || strcmp(key, "audio") == 0 || strcmp(key, "function_call") == 0);
    return rc || !shows
               ? rc
               : bad(m, ROMA_EUNSUPPORTED, "has an image, a sound or an old function_call: this model reads text");
}

/* A member of a message, whose KEY is read. */
static int member(maker *m, parts *p) {
    char key[32];
    roma_error_name(key, sizeof key, m->j.text, m->j.len);
    const bool silent = is_silent(&m->j), passed = is_passed(&m->j), role = roma_json_is(&m->j, "role"),
               content = roma_json_is(&m->j, "content"), calls = roma_json_is(&m->j, "tool_calls"),
               thinking = roma_json_is(&m->j, "reasoning_content") || roma_json_is(&m->j, "reasoning") ||
                          roma_json_is(&m->j, "thinking");
    int rc = next(m);
    if (rc) return rc;
    if (role) {
        p->role = m->j.kind == ROMA_JSON_TEXT ? role_of(&m->j) : NULL;
        return p->role ? ROMA_OK
                       : bad(m, ROMA_EINPUT, "has a role that is not system, developer, user, assistant or tool");
    }
    if (content) {
        p->has_content = true;
        return read_content(m, &p->content);
    }
    if (calls) {
        const bool none = m->j.kind == ROMA_JSON_NULL;
        if (!none && m->j.kind != ROMA_JSON_ARRAY) return bad(m, ROMA_EINPUT, "has tool_calls that are no list");
        rc = slice(m, &p->calls);
        if (none || p->calls.len <= 2) p->calls = (roma_answer_text){0};
        return rc;
    }
    if (silent) return pass_silent(m, key);
    if (m->j.kind == ROMA_JSON_NULL) return ROMA_OK; /* what is not said, of a name that is not known too */
    if (!passed && !thinking) {
        char what[96];
        roma_print(what, sizeof what, "has a member %s that is not known", key);
        return bad(m, ROMA_EINPUT, what);
    }
    if (m->j.kind != ROMA_JSON_TEXT) return bad(m, ROMA_EINPUT, "has a member that must be a text");
    if (thinking && p->has_thoughts) return ROMA_OK; /* the same under another of its names */
    p->has_thoughts |= thinking;
    roma_json_text(&m->out, thinking ? "reasoning_content" : key, m->j.text, m->j.len);
    return ROMA_OK;
}

/* A message, an object whose bracket is read. */
static int message(maker *m) {
    parts p = {0};
    int rc;
    roma_json_open(&m->out, NULL, '{');
    while (!(rc = next(m)) && m->j.kind == ROMA_JSON_KEY)
        if ((rc = member(m, &p))) break;
    if (!rc && !p.role) rc = bad(m, ROMA_EINPUT, "has no role");
    if (!rc && !p.has_content && !p.calls.text) rc = bad(m, ROMA_EINPUT, "has no content");
    if (!rc) {
        roma_json_string(&m->out, "role", p.role);
        roma_json_text(&m->out, "content", p.content.data ? (const char *)p.content.data : "", p.content.len);
        if (p.calls.text) put_json(&m->out, "tool_calls", p.calls);
    }
    m->out.out->failed |= p.content.failed;
    roma_buf_destroy(&p.content);
    roma_json_close(&m->out, '}');
    return rc;
}

static void put_system(roma_json *out, roma_answer_text system) {
    if (!system.text) return;
    roma_json_open(out, NULL, '{');
    roma_json_string(out, "role", "system");
    roma_json_text(out, "content", system.text, system.len);
    roma_json_close(out, '}');
}

static int begin(maker *m, const char *json, size_t len) {
    const int rc = roma_json_read_begin(&m->j, json, len, NULL, m->err);
    return rc ? rc : next(m);
}

int roma_serve_asked_messages(const char *json, size_t len, roma_answer_text system, roma_buf *out, roma_error *err) {
    maker m = {.out = {.out = out}, .err = err};
    int rc = begin(&m, json, len);
    roma_json_open(&m.out, NULL, '[');
    put_system(&m.out, system);
    for (; !rc && !(rc = next(&m)) && m.j.kind != ROMA_JSON_ARRAY_END; m.at++) {
        if (m.at == ASKED_MESSAGES_MAX) rc = bad(&m, ROMA_EINPUT, "is one too many: at most 2048 messages");
        if (!rc && m.j.kind != ROMA_JSON_OBJECT) rc = bad(&m, ROMA_EINPUT, "is no object");
        if (!rc) rc = message(&m);
    }
    roma_json_close(&m.out, ']');
    if (!rc && !m.at) rc = roma_json_read_fail(&m.j, ROMA_EINPUT, err, "messages must not be empty");
    roma_json_read_end(&m.j);
    return rc || !out->failed ? rc : roma_serve_asked_no_memory(err);
}

/* ---- items of responses ---- */

/* What an item holds besides a message's own members. */
typedef struct {
    roma_buf type, call_id, name, arguments;
    bool has_output;
} item;

static void item_free(item *i) {
    roma_buf_destroy(&i->type);
    roma_buf_destroy(&i->call_id);
    roma_buf_destroy(&i->name);
    roma_buf_destroy(&i->arguments);
}

static const char *text_of(const roma_buf *b) { return b->data ? (const char *)b->data : ""; }
static bool is_type(const item *i, const char *name) {
    return i->type.len == strlen(name) && memcmp(text_of(&i->type), name, i->type.len) == 0;
}

/* The members of an item that make a call or its result; a message is read again, by message(). */
static int scan_item(maker *m, item *i, roma_buf *output) {
    int rc;
    while (!(rc = next(m)) && m->j.kind == ROMA_JSON_KEY) {
        roma_buf *to = roma_json_is(&m->j, "type")        ? &i->type
                       : roma_json_is(&m->j, "call_id")   ? &i->call_id
                       : roma_json_is(&m->j, "name")      ? &i->name
                       : roma_json_is(&m->j, "arguments") ? &i->arguments
                                                          : NULL;
        const bool is_output = roma_json_is(&m->j, "output");
        i->has_output |= is_output;
        if ((rc = next(m))) return rc;
        if (to && m->j.kind == ROMA_JSON_TEXT)
            roma_buf_append(to, m->j.text, m->j.len);
        else
            rc = is_output ? read_content(m, output) : roma_json_read_skip(&m->j, m->err);
        if (rc) return rc;
    }
    return rc;
}

static void put_call(maker *m, const item *i) {
    roma_json_open(&m->out, NULL, '{');
    roma_json_text(&m->out, "id", text_of(&i->call_id), i->call_id.len);
    roma_json_string(&m->out, "type", "function");
    roma_json_open(&m->out, "function", '{');
    roma_json_text(&m->out, "name", text_of(&i->name), i->name.len);
    roma_json_text(&m->out, "arguments", text_of(&i->arguments), i->arguments.len);
    roma_json_close(&m->out, '}');
    roma_json_close(&m->out, '}');
}

static void put_result(maker *m, const item *i, const roma_buf *output) {
    roma_json_open(&m->out, NULL, '{');
    roma_json_string(&m->out, "role", "tool");
    roma_json_text(&m->out, "content", text_of(output), output->len);
    roma_json_text(&m->out, "tool_call_id", text_of(&i->call_id), i->call_id.len);
    roma_json_close(&m->out, '}');
}

/* Calls that stand together are of one message: *open says that theirs is open. */
static void calls_open(maker *m, bool *open) {
    if (*open) return;
    roma_json_open(&m->out, NULL, '{');
    roma_json_string(&m->out, "role", "assistant");
    roma_json_string(&m->out, "content", "");
    roma_json_open(&m->out, "tool_calls", '[');
    *open = true;
}
static void calls_close(maker *m, bool *open) {
    if (!*open) return;
    roma_json_close(&m->out, ']');
    roma_json_close(&m->out, '}');
    *open = false;
}

/* A message in the midst of items, by a reader of its own. */
static int item_message(maker *m, roma_answer_text t) {
    maker own = {.out = m->out, .at = m->at, .err = m->err};
    int rc = begin(&own, t.text, t.len);
    if (!rc) rc = message(&own);
    roma_json_read_end(&own.j);
    m->out = own.out;
    return rc;
}

static int one_item(maker *m, bool *open) {
    item i = {0};
    roma_buf output = {0};
    const char *from = m->j.begin + m->j.at;
    int rc = m->j.kind == ROMA_JSON_OBJECT ? scan_item(m, &i, &output) : bad(m, ROMA_EINPUT, "is no object");
    const roma_answer_text whole = {from, (size_t)(m->j.p - from)};
    const bool is_call = is_type(&i, "function_call"), is_output = is_type(&i, "function_call_output");
    if (!rc && (i.type.failed || i.call_id.failed || i.name.failed || i.arguments.failed || output.failed))
        rc = roma_serve_asked_no_memory(m->err);
    if (!rc && is_call && !i.name.len) rc = bad(m, ROMA_EINPUT, "is a function_call without a name");
    if (!rc && is_output && !i.has_output) rc = bad(m, ROMA_EINPUT, "is a function_call_output without an output");
    if (!rc && !is_call) calls_close(m, open);
    if (rc) {
    } else if (is_call) {
        calls_open(m, open);
        put_call(m, &i);
    } else if (is_output) {
        put_result(m, &i, &output);
    } else if (!i.type.len || is_type(&i, "message")) {
        rc = item_message(m, whole);
    } else if (!is_type(&i, "reasoning")) { /* what was thought of a turn before is not shown again */
        rc = bad(m, ROMA_EUNSUPPORTED,
                 "has a type that is not message, function_call, function_call_output or reasoning");
    }
    item_free(&i);
    roma_buf_destroy(&output);
    return rc;
}

int roma_serve_asked_items(const char *json, size_t len, roma_answer_text system, roma_buf *out, roma_error *err) {
    maker m = {.out = {.out = out}, .err = err};
    bool open = false;
    int rc = begin(&m, json, len);
    roma_json_open(&m.out, NULL, '[');
    put_system(&m.out, system);
    if (!rc && m.j.kind == ROMA_JSON_TEXT) {
        roma_json_open(&m.out, NULL, '{');
        roma_json_string(&m.out, "role", "user");
        roma_json_text(&m.out, "content", m.j.text, m.j.len);
        roma_json_close(&m.out, '}');
    } else if (!rc && m.j.kind == ROMA_JSON_ARRAY) {
        for (; !rc && !(rc = next(&m)) && m.j.kind != ROMA_JSON_ARRAY_END; m.at++)
            rc = m.at == ASKED_MESSAGES_MAX ? bad(&m, ROMA_EINPUT, "is one too many: at most 2048 items")
                                            : one_item(&m, &open);
        if (!rc && !m.at) rc = roma_json_read_fail(&m.j, ROMA_EINPUT, err, "input must not be empty");
    } else if (!rc) {
        rc = roma_json_read_fail(&m.j, ROMA_EINPUT, err, "input must be a text or a list of items");
    }
    calls_close(&m, &open);
    roma_json_close(&m.out, ']');
    roma_json_read_end(&m.j);
    return rc || !out->failed ? rc : roma_serve_asked_no_memory(err);
}
