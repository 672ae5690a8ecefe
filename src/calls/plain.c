/* The built-in form: what a model whose template writes no calls is told of tools, in messages that any template
 * renders. Section "Templates that know no tools" of docs/tools.md. */
#include "calls/internal.h"

#include <string.h>

static const char BEFORE_TOOLS[] = "# Tools\n\nYou may call these functions:\n<tools>\n";
static const char BEHIND_TOOLS[] =
    "</tools>\n\nFor each call write a JSON object of the function's name and arguments between <tool_call> and "
    "</tool_call>:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>\nIts "
    "result "
    "comes back between <tool_response> and </tool_response>.";

/* ---- the form ---- */

#define USER "{\"role\": \"user\", \"content\": \"u\"}"

/* What a template makes of messages and of a tool. */
typedef struct {
    bool comes, has_system, has_tool; /* anything at all; the texts of a system message and of the tool are in it */
} shown;

static bool holds(const roma_template_output *out, const char *text) {
    return roma_calls_find(out->text, out->len, 0, text, strlen(text)) != SIZE_MAX;
}

static int show(const roma_template *t, const char *talk, shown *s) {
    static const char tools[] =
        "[{\"type\": \"function\", \"function\": {\"name\": \"" CALLS_NAME_1
        "\", \"description\": \"D.\", \"parameters\": {\"type\": \"object\", \"properties\": {}}}}]";
    const roma_template_variable v[] = {{"messages", talk, strlen(talk), true, false},
                                        {"tools", tools, sizeof tools - 1, true, false},
                                        {"documents", "null", 4, true, false},
                                        {"add_generation_prompt", "true", 4, true, false},
                                        {"bos_token", "", 0, false, true},
                                        {"eos_token", "", 0, false, true}};
    const roma_template_input in = {.variables = v,
                                    .n_variables = sizeof v / sizeof *v,
                                    .date = {.year = 2026, .month = 1, .day = 1},
                                    .limits = {.steps = CALLS_STEPS, .bytes = CALLS_MEMORY, .output = CALLS_OUTPUT}};
    roma_template_output out;
    const int rc = roma_template_render(t, &in, &out, NULL);
    *s = (shown){.has_system = false};
    if (rc) return rc == ROMA_ENOMEM ? rc : ROMA_OK;
    s->comes = true;
    s->has_system = holds(&out, CALLS_VALUE_2);
    s->has_tool = holds(&out, CALLS_NAME_1);
    roma_template_output_free(&out);
    return ROMA_OK;
}

int roma_calls_form_built_in(roma_calls_form *f, const roma_template *t, roma_error *err) {
    static const char begin[] = "<tool_call>\n", end[] = "\n</tool_call>";
    const roma_calls_mark think = f->think, think_end = f->think_end;
    shown with = {.has_system = true}, without = {.has_tool = false};
    int rc = t ? show(t, "[{\"role\": \"system\", \"content\": \"" CALLS_VALUE_2 "\"}, " USER "]", &with) : ROMA_OK;
    if (!rc && t) rc = show(t, "[" USER "]", &without);
    if (rc) return roma_fail(err, rc, "", ROMA_NOWHERE, "no memory to look at the chat template");
    if (with.has_tool || without.has_tool || (t && !with.comes && !without.comes)) return ROMA_OK;
    memset(f, 0, sizeof *f);
    f->kind = ROMA_CALLS_OBJECT;
    f->built_in = f->many = true;
    f->no_system = !with.has_system;
    f->think = think;
    f->think_end = think_end;
    roma_calls_mark_set(&f->begin, begin, sizeof begin - 1);
    roma_calls_mark_set(&f->next, "\n</tool_call>\n<tool_call>\n", sizeof begin + sizeof end - 1);
    roma_calls_mark_set(&f->end, end, sizeof end - 1);
    roma_calls_mark_set(&f->name, "name", 4);
    roma_calls_mark_set(&f->arguments, "arguments", 9);
    return ROMA_OK;
}

/* ---- messages ---- */

/* Messages as roma_calls_messages writes them are read once more, and written without calls and results. */
typedef struct {
    const roma_calls_form *f;
    roma_json_reader r;
    roma_buf *out;
    roma_buf tools;   /* the text about tools, until a message has it */
    roma_buf results; /* of calls, as far as they stand together: the content of a message to come */
    size_t read, written;
    roma_error *err;
} telling;

/* What a message is made of. */
typedef struct {
    roma_buf role, content, calls, rest; /* calls: as text; rest: members that stay, each behind a comma */
} message;

static void put(roma_buf *b, const char *text) { roma_buf_append(b, text, strlen(text)); }
static void put_buf(roma_buf *to, const roma_buf *b) {
    roma_buf_append(to, b->len ? (const void *)b->data : "", b->len);
}
static void put_text(roma_buf *b, const char *text, size_t len) {
    roma_json j = {.out = b};
    roma_json_text(&j, NULL, text, len);
}
static const char *text_of(const roma_buf *b) { return b->len ? (const char *)b->data : ""; }
static bool is_role(const message *m, const char *role) {
    return roma_calls_text_is(text_of(&m->role), m->role.len, role);
}

/* The value whose first token is read, as it is written. */
static int copy(telling *d, roma_buf *b) {
    const char *const at = d->r.begin + d->r.at;
    const int rc = roma_json_read_skip(&d->r, d->err);
    if (!rc) roma_buf_append(b, at, (size_t)(d->r.p - at));
    return rc;
}

/* The text about tools, one of them a line. */
static int put_tools(roma_buf *b, const roma_calls_tools *t, roma_error *err) {
    roma_json_reader r;
    int rc = roma_json_read_begin(&r, t->json, t->len, NULL, err);
    put(b, BEFORE_TOOLS);
    if (!rc) rc = roma_json_read_next(&r, err); /* the list's bracket */
    while (!rc && !(rc = roma_json_read_next(&r, err)) && r.kind != ROMA_JSON_ARRAY_END) {
        const char *const at = r.begin + r.at;
        rc = roma_json_read_skip(&r, err);
        if (!rc) roma_buf_append(b, at, (size_t)(r.p - at));
        put(b, "\n");
    }
    put(b, BEHIND_TOOLS);
    roma_json_read_end(&r);
    return rc;
}

/* rest NULL: no further members. */
static void put_message(telling *d, const char *role, size_t len, const roma_buf *content, const roma_buf *rest) {
    put(d->out, d->written++ ? ", {\"role\": " : "{\"role\": ");
    put_text(d->out, role, len);
    put(d->out, ", \"content\": ");
    put_text(d->out, text_of(content), content->len);
    if (rest) put_buf(d->out, rest);
    put(d->out, "}");
}

/* Text before a content, which there is no longer to be told then. */
static void tell_before(roma_buf *told, roma_buf *content) {
    if (told->len && content->len) put(told, "\n\n");
    put_buf(told, content);
    roma_buf_destroy(content);
    *content = *told;
    *told = (roma_buf){0};
}

/* What calls gave is a message of the user's. */
static void end_results(telling *d) {
    if (!d->results.len) return;
    if (d->f->no_system) tell_before(&d->tools, &d->results);
    put_message(d, "user", 4, &d->results, NULL);
    d->results.len = 0;
}

static void add_result(telling *d, const message *m) {
    put(&d->results, d->results.len ? "\n<tool_response>\n" : "<tool_response>\n");
    put_buf(&d->results, &m->content);
    put(&d->results, "\n</tool_response>");
}

static void tell(telling *d, message *m) {
    if (is_role(m, "tool")) {
        add_result(d, m);
        return;
    }
    end_results(d);
    if (d->tools.len && !d->written && !d->f->no_system) {
        if (is_role(m, "system")) {
            if (m->content.len) put(&m->content, "\n\n");
            put_buf(&m->content, &d->tools);
        } else {
            put_message(d, "system", 6, &d->tools, NULL);
        }
        d->tools.len = 0;
    }
    if (d->f->no_system && is_role(m, "user")) tell_before(&d->tools, &m->content);
    if (m->content.len && m->calls.len) put(&m->content, "\n");
    put_buf(&m->content, &m->calls);
    put_message(d, text_of(&m->role), m->role.len, &m->content, &m->rest);
}

/* ---- reading ---- */

/* A call of roma_calls_messages: name and arguments under "function", both as they stand. */
static int read_call(telling *d, roma_buf *b) {
    roma_buf name = {0}, arguments = {0};
    int rc;
    while (!(rc = roma_json_read_next(&d->r, d->err)) && d->r.kind == ROMA_JSON_KEY) {
        const bool in = roma_json_is(&d->r, "function");
        const bool is_name = roma_json_is(&d->r, "name"), is_arguments = roma_json_is(&d->r, "arguments");
        rc = roma_json_read_next(&d->r, d->err);
        if (!rc && in) rc = read_call(d, b);
        if (!rc && !in && is_name) rc = copy(d, &name);
        if (!rc && !in && is_arguments) rc = copy(d, &arguments);
        if (!rc && !in && !is_name && !is_arguments) rc = roma_json_read_skip(&d->r, d->err);
        if (rc) break;
    }
    if (!rc && name.len) {
        put(b, b->len ? "\n<tool_call>\n{\"name\": " : "<tool_call>\n{\"name\": ");
        put_buf(b, &name);
        put(b, ", \"arguments\": ");
        put_buf(b, &arguments);
        put(b, "}\n</tool_call>");
    }
    b->failed |= name.failed || arguments.failed;
    roma_buf_destroy(&name);
    roma_buf_destroy(&arguments);
    return rc;
}

static int read_calls(telling *d, roma_buf *b) {
    int rc = ROMA_OK;
    while (!rc && !(rc = roma_json_read_next(&d->r, d->err)) && d->r.kind != ROMA_JSON_ARRAY_END) rc = read_call(d, b);
    return rc;
}

/* The value of a member that stays. */
static int read_rest(telling *d, message *m, const char *key, size_t len) {
    put(&m->rest, ", ");
    put_text(&m->rest, key, len);
    put(&m->rest, ": ");
    const int rc = roma_json_read_next(&d->r, d->err);
    return rc ? rc : copy(d, &m->rest);
}

static int read_content(telling *d, message *m) {
    if (d->r.kind == ROMA_JSON_NULL) return ROMA_OK;
    if (d->r.kind != ROMA_JSON_TEXT)
        return roma_json_read_fail(&d->r, ROMA_EINPUT, d->err,
                                   "messages[%zu]: a content is a text where a template is told of tools", d->read);
    roma_buf_append(&m->content, d->r.text, d->r.len);
    return ROMA_OK;
}

static int read_member(telling *d, message *m) {
    const bool is_role_ = roma_json_is(&d->r, "role"), is_content = roma_json_is(&d->r, "content");
    const bool is_calls = roma_json_is(&d->r, "tool_calls"), is_id = roma_json_is(&d->r, "tool_call_id");
    if (!is_role_ && !is_content && !is_calls && !is_id) return read_rest(d, m, d->r.text, d->r.len);
    const int rc = roma_json_read_next(&d->r, d->err);
    if (rc) return rc;
    if (is_role_) roma_buf_append(&m->role, d->r.text, d->r.len);
    if (is_content) return read_content(d, m);
    return is_calls ? read_calls(d, &m->calls) : ROMA_OK;
}

static int read_message(telling *d) {
    message m = {.role = {0}};
    int rc;
    while (!(rc = roma_json_read_next(&d->r, d->err)) && d->r.kind == ROMA_JSON_KEY)
        if ((rc = read_member(d, &m))) break;
    if (!rc) tell(d, &m);
    if (m.role.failed || m.content.failed || m.calls.failed || m.rest.failed) d->out->failed = true;
    roma_buf_destroy(&m.role);
    roma_buf_destroy(&m.content);
    roma_buf_destroy(&m.calls);
    roma_buf_destroy(&m.rest);
    d->read++;
    return rc;
}

int roma_calls_messages_plain(const roma_calls_form *f, const roma_calls_tools *t, const char *json, size_t len,
                              roma_buf *out, roma_error *err) {
    roma_buf in = {0};
    telling d = {.f = f, .out = out, .err = err};
    int rc = roma_calls_messages(f, json, len, &in, err);
    if (!rc && t && t->n) rc = put_tools(&d.tools, t, err);
    if (!rc) {
        rc = roma_json_read_begin(&d.r, text_of(&in), in.len, NULL, err);
        if (!rc) rc = roma_json_read_next(&d.r, err); /* the list's bracket */
        put(out, "[");
        while (!rc && !(rc = roma_json_read_next(&d.r, err)) && d.r.kind != ROMA_JSON_ARRAY_END) rc = read_message(&d);
        if (!rc) end_results(&d);
        put(out, "]");
        roma_json_read_end(&d.r);
    }
    if (!rc && d.tools.len) /* of a conversation without a message that could tell */
        rc = roma_fail(err, ROMA_EINPUT, "messages", ROMA_NOWHERE,
                       "this chat template is told of tools in the user's first message, and there is none");
    if (!rc && (out->failed || d.tools.failed || d.results.failed)) rc = ROMA_ENOMEM;
    if (rc == ROMA_ENOMEM) roma_fail(err, rc, "messages", ROMA_NOWHERE, "no memory for the messages");
    roma_buf_destroy(&in);
    roma_buf_destroy(&d.tools);
    roma_buf_destroy(&d.results);
    return rc;
}
