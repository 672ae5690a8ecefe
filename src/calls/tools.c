/* The tools of a request: read, checked, and written as templates take them. */
#include "calls/internal.h"

#include <string.h>

void roma_calls_tools_free(roma_calls_tools *t) {
    roma_free(t->tool);
    roma_free(t->json);
    *t = (roma_calls_tools){0};
}

const roma_calls_tool *roma_calls_tools_find(const roma_calls_tools *t, const char *name, size_t len) {
    for (size_t i = 0; i < t->n; i++)
        if (t->tool[i].name_len == len && memcmp(t->tool[i].name, name, len) == 0) return &t->tool[i];
    return NULL;
}

/* ---- reading ---- */

static const char NO_PARAMETERS[] = "{\"type\": \"object\", \"properties\": {}}";

/* The tool that is read, and where its texts will stand in the list's. */
typedef struct {
    roma_json_reader r;
    roma_calls_tools *t;
    roma_buf *out;
    size_t *name, *parameters; /* of each tool, its place in out */
    bool has_name, has_parameters, comma;
    roma_error *err;
} reading;

static int bad(const reading *d, const char *what) {
    return roma_json_read_fail(&d->r, ROMA_EINPUT, d->err, "tools[%zu]: %s", d->t->n, what);
}

static void put(roma_buf *b, const char *text) { roma_buf_append(b, text, strlen(text)); }

static void put_key(reading *d, const char *key, size_t len) {
    roma_json j = {.out = d->out};
    if (d->comma) put(d->out, ", ");
    roma_json_text(&j, NULL, key, len);
    put(d->out, ": ");
    d->comma = true;
}

/* Copies the value whose first token is read. */
static int copy(reading *d) {
    const char *const at = d->r.begin + d->r.at;
    const int rc = roma_json_read_skip(&d->r, d->err);
    if (!rc) roma_buf_append(d->out, at, (size_t)(d->r.p - at));
    return rc;
}

static int read_name(reading *d) {
    roma_json j = {.out = d->out};
    if (d->r.kind != ROMA_JSON_TEXT || !roma_calls_is_name(d->r.text, d->r.len))
        return bad(d, "a tool's name is 1 to 64 of a-z A-Z 0-9 _ -");
    if (d->t->n && !d->out->failed)
        for (size_t i = 0; i < d->t->n; i++)
            if (d->t->tool[i].name_len == d->r.len && memcmp(d->out->data + d->name[i], d->r.text, d->r.len) == 0)
                return bad(d, "two tools have this name");
    put_key(d, "name", 4);
    d->name[d->t->n] = d->out->len + 1;
    d->t->tool[d->t->n].name_len = d->r.len;
    roma_json_text(&j, NULL, d->r.text, d->r.len);
    d->has_name = true;
    return ROMA_OK;
}

/* A schema of an object, the token: where it says a type, that is "object". */
static int check_parameters(const reading *d) {
    roma_json_reader r;
    const char *const at = d->r.begin + d->r.at;
    bool good = d->r.kind == ROMA_JSON_OBJECT;
    int rc = roma_json_read_begin(&r, at, (size_t)(d->r.end - at), &d->r.from, NULL);
    if (!rc) rc = roma_json_read_next(&r, NULL);
    while (!rc && good && !(rc = roma_json_read_next(&r, NULL)) && r.kind == ROMA_JSON_KEY) {
        const bool is_type = roma_json_is(&r, "type");
        rc = roma_json_read_next(&r, NULL);
        if (!rc && is_type) good = roma_json_is(&r, "object");
        if (!rc) rc = roma_json_read_skip(&r, NULL);
    }
    roma_json_read_end(&r);
    if (rc == ROMA_ENOMEM) return rc;
    return good ? ROMA_OK : bad(d, "parameters are a JSON schema of an object: {\"type\": \"object\", ...}");
}

static int read_parameters(reading *d) {
    int rc = check_parameters(d);
    if (rc) return rc;
    put_key(d, "parameters", 10);
    d->parameters[d->t->n] = d->out->len;
    rc = copy(d);
    d->t->tool[d->t->n].parameters_len = d->out->len - d->parameters[d->t->n];
    d->has_parameters = true;
    return rc;
}

static int read_function(reading *d);

/* One member of a tool, or of its function. */
static int read_member(reading *d, bool outer) {
    char key[64];
    const size_t len = d->r.len < sizeof key ? d->r.len : sizeof key;
    const bool is_type = outer && roma_json_is(&d->r, "type"), is_function = outer && roma_json_is(&d->r, "function");
    const bool is_name = roma_json_is(&d->r, "name"), is_parameters = roma_json_is(&d->r, "parameters");
    memcpy(key, d->r.text, len);
    const bool fits = d->r.len == len;
    int rc = roma_json_read_next(&d->r, d->err);
    if (rc) return rc;
    if (is_type)
        return roma_json_is(&d->r, "function") ? ROMA_OK
                                               : bad(d, "a tool's type is \"function\"; no other is known here");
    if (is_function) return read_function(d);
    if (is_name) return d->has_name ? bad(d, "a tool has one name") : read_name(d);
    if (d->r.kind == ROMA_JSON_NULL) return ROMA_OK;
    if (is_parameters) return d->has_parameters ? bad(d, "a tool has one set of parameters") : read_parameters(d);
    if (!fits) return bad(d, "a key is too long");
    put_key(d, key, len);
    return copy(d);
}

static int read_function(reading *d) {
    int rc = d->r.kind == ROMA_JSON_OBJECT ? ROMA_OK : bad(d, "function must be an object");
    while (!rc && !(rc = roma_json_read_next(&d->r, d->err)) && d->r.kind == ROMA_JSON_KEY) rc = read_member(d, false);
    return rc;
}

static int read_tool(reading *d) {
    int rc = d->r.kind == ROMA_JSON_OBJECT
                 ? ROMA_OK
                 : bad(d, "a tool is an object: {\"type\": \"function\", \"function\": {...}}");
    if (!rc && d->t->n == ROMA_CALLS_TOOLS_MAX) rc = bad(d, "more tools than 128");
    d->has_name = d->has_parameters = d->comma = false;
    if (!rc)
        put(d->out,
            d->t->n ? ", {\"type\": \"function\", \"function\": {" : "{\"type\": \"function\", \"function\": {");
    while (!rc && !(rc = roma_json_read_next(&d->r, d->err)) && d->r.kind == ROMA_JSON_KEY) rc = read_member(d, true);
    if (!rc && !d->has_name) rc = bad(d, "a tool needs a name");
    if (rc) return rc;
    if (!d->has_parameters) {
        put_key(d, "parameters", 10);
        d->parameters[d->t->n] = d->out->len;
        d->t->tool[d->t->n].parameters_len = sizeof NO_PARAMETERS - 1;
        put(d->out, NO_PARAMETERS);
    }
    put(d->out, "}}");
    d->t->n++;
    return ROMA_OK;
}

int roma_calls_tools_read(roma_calls_tools *t, const char *json, size_t len, roma_error *err) {
    const roma_json_source from = {.file = "tools"};
    size_t places[2][ROMA_CALLS_TOOLS_MAX];
    roma_buf out = {0};
    reading d = {.t = t, .out = &out, .name = places[0], .parameters = places[1], .err = err};
    *t = (roma_calls_tools){.tool = roma_alloc_array(ROMA_CALLS_TOOLS_MAX, sizeof *t->tool)};
    int rc = roma_json_read_begin(&d.r, json, len, &from, err);
    if (!rc) rc = roma_json_read_next(&d.r, err);
    if (!rc && d.r.kind != ROMA_JSON_ARRAY) rc = roma_json_read_fail(&d.r, ROMA_EINPUT, err, "tools are an array");
    put(&out, "[");
    if (!t->tool) rc = ROMA_ENOMEM;
    while (!rc && !(rc = roma_json_read_next(&d.r, err)) && d.r.kind != ROMA_JSON_ARRAY_END) rc = read_tool(&d);
    if (!rc) rc = roma_json_read_next(&d.r, err);
    roma_json_read_end(&d.r);
    put(&out, "]");
    if (!rc && out.failed) rc = ROMA_ENOMEM;
    if (rc == ROMA_ENOMEM) roma_fail(err, rc, "tools", ROMA_NOWHERE, "no memory for the tools");
    t->json = (char *)out.data;
    t->len = out.len;
    for (size_t i = 0; i < t->n && !rc; i++) {
        t->tool[i].name = t->json + places[0][i];
        t->tool[i].parameters = t->json + places[1][i];
    }
    if (rc) roma_calls_tools_free(t);
    return rc;
}

/* ---- which is to be called ---- */

static int bad_choice(const roma_json_reader *r, roma_error *err) {
    return roma_json_read_fail(r, ROMA_EINPUT, err,
                               "tool_choice is \"auto\", \"none\", \"required\" or "
                               "{\"type\": \"function\", \"function\": {\"name\": NAME}}");
}

/* The members of an object whose brace is read; the name may stand in another, under "function". */
static int read_named(roma_calls_choice *c, const roma_calls_tools *t, roma_json_reader *r, roma_error *err) {
    int rc;
    while (!(rc = roma_json_read_next(r, err)) && r->kind == ROMA_JSON_KEY) {
        const bool is_type = roma_json_is(r, "type"), is_name = roma_json_is(r, "name");
        const bool is_function = roma_json_is(r, "function");
        rc = roma_json_read_next(r, err);
        if (rc) return rc;
        if (is_function && r->kind == ROMA_JSON_OBJECT) {
            rc = read_named(c, t, r, err);
        } else if (is_name && r->kind == ROMA_JSON_TEXT) {
            c->tool = roma_calls_tools_find(t, r->text, r->len);
            if (!c->tool)
                rc = roma_json_read_fail(r, ROMA_EINPUT, err, "tool_choice names a function that is no tool's");
        } else if (!is_type || !roma_json_is(r, "function")) {
            rc = bad_choice(r, err);
        }
        if (rc) return rc;
    }
    return rc;
}

int roma_calls_choice_read(roma_calls_choice *c, const roma_calls_tools *t, const char *json, size_t len,
                           roma_error *err) {
    const roma_json_source from = {.file = "tool_choice"};
    roma_json_reader r;
    *c = (roma_calls_choice){ROMA_CALLS_CHOICE_AUTO, NULL};
    int rc = roma_json_read_begin(&r, json, len, &from, err);
    if (!rc) rc = roma_json_read_next(&r, err);
    if (!rc && r.kind == ROMA_JSON_OBJECT) {
        c->kind = ROMA_CALLS_CHOICE_NAMED;
        rc = read_named(c, t, &r, err);
        if (!rc && !c->tool) rc = bad_choice(&r, err);
    } else if (!rc && roma_json_is(&r, "none")) {
        c->kind = ROMA_CALLS_CHOICE_OFF;
    } else if (!rc && roma_json_is(&r, "required")) {
        c->kind = ROMA_CALLS_CHOICE_REQUIRED;
        if (!t->n)
            rc = roma_json_read_fail(&r, ROMA_EINPUT, err, "tool_choice asks for a call, and there are no tools");
    } else if (!rc && !roma_json_is(&r, "auto")) {
        rc = bad_choice(&r, err);
    }
    if (!rc) rc = roma_json_read_next(&r, err); /* nothing behind it */
    roma_json_read_end(&r);
    return rc;
}

/* ---- what a schema says ---- */

int roma_calls_argument(const roma_calls_tool *t, const char *key, size_t len, calls_type *type) {
    enum { OUTSIDE, IN_SCHEMA, IN_PROPERTIES, IN_ARGUMENT };
    const roma_json_source from = {0};
    roma_json_reader r;
    *type = CALLS_ANY;
    int where = OUTSIDE;
    int rc = roma_json_read_begin(&r, t->parameters, t->parameters_len, &from, NULL);
    while (!rc && !(rc = roma_json_read_next(&r, NULL)) && r.kind != ROMA_JSON_DONE) {
        bool enter = where == OUTSIDE && r.kind == ROMA_JSON_OBJECT;
        if (r.kind == ROMA_JSON_OBJECT_END && where > OUTSIDE) where--;
        if (r.kind == ROMA_JSON_KEY) {
            const bool is_type = where == IN_ARGUMENT && roma_json_is(&r, "type");
            enter = (where == IN_SCHEMA && roma_json_is(&r, "properties")) ||
                    (where == IN_PROPERTIES && r.len == len && memcmp(r.text, key, len) == 0);
            rc = roma_json_read_next(&r, NULL);
            if (!rc && is_type && r.kind == ROMA_JSON_TEXT)
                *type = roma_json_is(&r, "string") ? CALLS_TEXT : CALLS_OTHER;
            enter &= !rc && r.kind == ROMA_JSON_OBJECT;
            if (!rc && !enter) rc = roma_json_read_skip(&r, NULL);
        }
        where += enter;
    }
    roma_json_read_end(&r);
    return rc == ROMA_ENOMEM ? rc : ROMA_OK;
}
