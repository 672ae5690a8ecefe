/* A grammar of answers that are nothing but calls, in a form's own marks. Section "Calls that must come" of
 * docs/tools.md. */
#include "calls/internal.h"
#include "roma/constrain.h"

#include <string.h>

typedef struct {
    const roma_calls_form *f;
    roma_buf *out;
    roma_error *err;
    size_t rules; /* of values, so far */
    int rc;       /* of the first failure */
} writing;

static void put(writing *w, const char *text) { roma_buf_append(w->out, text, strlen(text)); }

static void no_memory(writing *w, int rc) {
    if (rc == ROMA_ENOMEM && !w->rc) w->rc = rc;
}

static void literal(writing *w, const char *text, size_t len) {
    put(w, " ");
    if (len && !w->rc) w->rc = roma_constrain_put_literal(w->out, text, len, w->err);
}

static void mark(writing *w, const roma_calls_mark *m) { literal(w, m->text, m->len); }

static void quoted(writing *w, const char *before, const char *text, size_t len, const char *behind) {
    literal(w, before, strlen(before));
    literal(w, text, len);
    literal(w, behind, strlen(behind));
}

/* A schema's rule is appended; what refused it is said of the tool. */
static void schema(writing *w, const char *rule, const roma_calls_tool *t, const char *text, size_t len) {
    char file[ROMA_CALLS_NAME_MAX + 32];
    if (w->rc) return;
    roma_print(file, sizeof file, "parameters of the tool %.*s", (int)t->name_len, t->name);
    w->rc = roma_constrain_put_schema(w->out, rule, text, len, file, w->err);
}

/* ---- JSON ---- */

static void object(writing *w, const roma_calls_tool *t, size_t i) {
    const roma_calls_form *f = w->f;
    char rule[32];
    roma_print(rule, sizeof rule, "arguments%zu", i);
    roma_buf_print(w->out, "call%zu ::=", i);
    if (f->kind == ROMA_CALLS_OBJECT) {
        quoted(w, "{\"", f->name.text, f->name.len, "\": \"");
        quoted(w, "", t->name, t->name_len, "\", \"");
        quoted(w, "", f->arguments.text, f->arguments.len, "\": ");
        roma_buf_print(w->out, " %s", rule);
        if (f->id.len) {
            quoted(w, ", \"", f->id.text, f->id.len, "\": \"");
            put(w, " id");
            literal(w, "\"", 1);
        }
        literal(w, "}", 1);
    } else {
        literal(w, t->name, t->name_len);
        mark(w, &f->after_name);
        if (f->has_id) {
            put(w, " id");
            mark(w, &f->after_id);
        }
        roma_buf_print(w->out, " %s", rule);
    }
    put(w, "\n");
    schema(w, rule, t, t->parameters, t->parameters_len);
    put(w, "\n");
}

/* ---- tags ---- */

/* Characters of a class in brackets that are not this one. */
static void other_than(writing *w, char c) {
    const char *const escape = strchr("^]\\-[", c) ? "\\" : "";
    roma_buf_print(w->out, "[^%s%c]", escape, c);
}

/* Whether the schema lists the key as one that must be there. */
static bool is_required(writing *w, const roma_calls_tool *t, const char *key, size_t len) {
    const roma_json_source from = {0};
    roma_json_reader r;
    bool is = false;
    int rc = roma_json_read_begin(&r, t->parameters, t->parameters_len, &from, NULL);
    if (!rc) rc = roma_json_read_next(&r, NULL);
    while (!rc && !(rc = roma_json_read_next(&r, NULL)) && r.kind == ROMA_JSON_KEY) {
        const bool here = roma_json_is(&r, "required");
        rc = roma_json_read_next(&r, NULL);
        if (rc || !here || r.kind != ROMA_JSON_ARRAY) {
            if (!rc) rc = roma_json_read_skip(&r, NULL);
            continue;
        }
        while (!rc && !(rc = roma_json_read_next(&r, NULL)) && r.kind != ROMA_JSON_ARRAY_END)
            is |= r.kind == ROMA_JSON_TEXT && r.len == len && memcmp(r.text, key, len) == 0;
    }
    roma_json_read_end(&r);
    no_memory(w, rc);
    return is;
}

static void choice(writing *w, const roma_json_reader *r, bool first) {
    if (!first) put(w, " |");
    literal(w, r->text, r->len);
    if (!r->len) put(w, "\"\"");
}

/* A text as it stands in a tag, of which its end's first character is no part: what the schema, an object of n bytes,
 * lists, or as many characters as it says. */
static void text_rule(writing *w, const roma_calls_tool *t, const char *schema_, size_t n, char end) {
    const roma_json_source from = {0};
    roma_json_reader r;
    uint64_t least = 0, most = UINT64_MAX;
    bool listed = false;
    int rc = roma_json_read_begin(&r, schema_, n, &from, NULL);
    if (!rc) rc = roma_json_read_next(&r, NULL);
    while (!rc && !(rc = roma_json_read_next(&r, NULL)) && r.kind == ROMA_JSON_KEY) {
        const bool is_list = roma_json_is(&r, "enum"), is_one = roma_json_is(&r, "const");
        const bool is_least = roma_json_is(&r, "minLength"), is_most = roma_json_is(&r, "maxLength");
        if (roma_json_is(&r, "pattern") && !w->rc)
            w->rc = roma_fail(w->err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                              "parameters of the tool %.*s: a pattern is not supported where the model writes texts in "
                              "tags",
                              (int)t->name_len, t->name);
        rc = roma_json_read_next(&r, NULL);
        if (!rc && is_one && r.kind == ROMA_JSON_TEXT) {
            choice(w, &r, !listed);
            listed = true;
        }
        if (!rc && is_least && r.kind == ROMA_JSON_NUMBER) roma_json_to_u64(r.text, r.len, &least);
        if (!rc && is_most && r.kind == ROMA_JSON_NUMBER) roma_json_to_u64(r.text, r.len, &most);
        if (!rc && is_list && r.kind == ROMA_JSON_ARRAY) {
            while (!rc && !(rc = roma_json_read_next(&r, NULL)) && r.kind == ROMA_JSON_TEXT) {
                choice(w, &r, !listed);
                listed = true;
            }
            while (!rc && r.kind != ROMA_JSON_ARRAY_END) rc = roma_json_read_next(&r, NULL);
        } else if (!rc) {
            rc = roma_json_read_skip(&r, NULL);
        }
    }
    roma_json_read_end(&r);
    no_memory(w, rc);
    if (listed) return;
    put(w, " ");
    other_than(w, end);
    if (most != UINT64_MAX)
        roma_buf_print(w->out, "{%llu,%llu}", (unsigned long long)least, (unsigned long long)most);
    else
        roma_buf_print(w->out, "{%llu,}", (unsigned long long)least);
}

/* One argument between its marks, and behind it the rule of its value. */
static void argument(writing *w, const roma_calls_tool *t, const char *key, size_t key_len, const char *text,
                     size_t len, roma_buf *rules) {
    const roma_calls_form *f = w->f;
    const roma_calls_mark end = roma_calls_mark_core(&f->value_end);
    const bool must = is_required(w, t, key, key_len);
    calls_type type;
    no_memory(w, roma_calls_argument(t, key, key_len, &type));
    char rule[32];
    roma_print(rule, sizeof rule, "value%zu", w->rules++);
    put(w, " (");
    mark(w, &f->key);
    literal(w, key, key_len);
    mark(w, &f->value);
    roma_buf_print(w->out, " %s", rule);
    mark(w, &f->value_end);
    put(w, must ? " )" : " )?");
    roma_buf *const out = w->out;
    w->out = rules;
    if (type == CALLS_TEXT) {
        roma_buf_print(rules, "%s ::=", rule);
        text_rule(w, t, text, len, end.text[0]);
    } else {
        schema(w, rule, t, text, len);
    }
    put(w, "\n");
    w->out = out;
}

static void tagged(writing *w, const roma_calls_tool *t, size_t i) {
    const roma_json_source from = {0};
    roma_json_reader r;
    roma_buf rules = {0};
    int rc = roma_json_read_begin(&r, t->parameters, t->parameters_len, &from, NULL);
    roma_buf_print(w->out, "call%zu ::=", i);
    literal(w, t->name, t->name_len);
    mark(w, &w->f->after_name);
    if (!rc) rc = roma_json_read_next(&r, NULL);
    while (!rc && !(rc = roma_json_read_next(&r, NULL)) && r.kind == ROMA_JSON_KEY) {
        const bool here = roma_json_is(&r, "properties");
        rc = roma_json_read_next(&r, NULL);
        if (rc || !here || r.kind != ROMA_JSON_OBJECT) {
            if (!rc) rc = roma_json_read_skip(&r, NULL);
            continue;
        }
        while (!rc && !(rc = roma_json_read_next(&r, NULL)) && r.kind == ROMA_JSON_KEY) {
            roma_buf key = {0};
            roma_buf_append(&key, r.text, r.len);
            rc = key.failed ? ROMA_ENOMEM : roma_json_read_next(&r, NULL);
            const char *const at = r.begin + r.at;
            if (!rc) rc = roma_json_read_skip(&r, NULL);
            if (!rc && key.len) argument(w, t, (char *)key.data, key.len, at, (size_t)(r.p - at), &rules);
            roma_buf_destroy(&key);
        }
    }
    roma_json_read_end(&r);
    mark(w, &w->f->close);
    put(w, "\n");
    roma_buf_append(w->out, rules.data, rules.len);
    no_memory(w, rules.failed ? ROMA_ENOMEM : rc);
    roma_buf_destroy(&rules);
}

/* ---- the whole ---- */

/* What was begun in the prompt, up to its end: texts in which the first two characters of that end do not follow one
 * another. */
static void thought(writing *w) {
    const roma_calls_mark *end = &w->f->think_end;
    put(w, "thought ::= (");
    other_than(w, end->text[0]);
    put(w, " |");
    literal(w, end->text, 1);
    put(w, " ");
    other_than(w, end->text[1]);
    put(w, ")*\n");
}

static void root(writing *w, const roma_calls_tools *t, const roma_calls_choice *c, bool more, bool thinks) {
    put(w, "root ::=");
    if (thinks) {
        put(w, " thought");
        mark(w, &w->f->think_end);
        put(w, " blank");
    }
    mark(w, &w->f->begin);
    put(w, " call");
    if (more) {
        put(w, " (");
        mark(w, &w->f->next);
        put(w, " call)*");
    }
    mark(w, &w->f->end);
    put(w, "\ncall ::=");
    for (size_t i = 0, n = 0; i < t->n; i++)
        if (c->kind == ROMA_CALLS_CHOICE_REQUIRED || c->tool == &t->tool[i])
            roma_buf_print(w->out, "%s call%zu", n++ ? " |" : "", i);
    put(w, "\n");
    if (thinks) {
        put(w, "blank ::= [ \\n]?[\\n]?\n");
        thought(w);
    }
    if (w->f->has_id || (w->f->kind == ROMA_CALLS_OBJECT && w->f->id.len)) put(w, "id ::= [a-zA-Z0-9]{9}\n");
}

int roma_calls_grammar(const roma_calls_form *f, const roma_calls_tools *t, const roma_calls_choice *choice,
                       bool parallel, bool thinks, roma_buf *out, roma_error *err) {
    writing w = {.f = f, .out = out, .err = err};
    if (f->kind == ROMA_CALLS_NONE)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                         "the model's chat template writes no tool calls, so that none can be asked for");
    if (choice->kind != ROMA_CALLS_CHOICE_REQUIRED && choice->kind != ROMA_CALLS_CHOICE_NAMED)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "a grammar is of calls that must come");
    root(&w, t, choice, parallel && f->many, thinks);
    for (size_t i = 0; i < t->n && !w.rc; i++) {
        if (choice->kind == ROMA_CALLS_CHOICE_NAMED && choice->tool != &t->tool[i]) continue;
        if (f->kind == ROMA_CALLS_TAGGED)
            tagged(&w, &t->tool[i], i);
        else
            object(&w, &t->tool[i], i);
    }
    if (!w.rc && !out->failed) return ROMA_OK;
    return w.rc && w.rc != ROMA_ENOMEM
               ? w.rc
               : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the grammar of calls");
}
