/* What a template is given: turns and variables as values. All of it is data, but for what is trusted. */
#include <string.h>
#include "roma/json.h"
#include "template/call.h"

static tm_value nothing(void) { return roma_template_none(); }

static tm_value text(tm_machine *m, const char *p, size_t len, bool trusted) {
    tm_text *t = roma_template_get(m, sizeof *t);
    char *copy = len ? roma_template_get(m, len) : NULL;
    if (!t || (len && !copy)) return nothing();
    if (len) memcpy(copy, p, len);
    *t = (tm_text){.p = len ? copy : "", .len = len, .origin = trusted ? TM_OF_TEMPLATE : TM_OF_DATA};
    return roma_template_text(t);
}

/* ---- JSON ---- */

typedef struct {
    tm_machine *m;
    roma_json_reader r;
    const char *name;
    bool trusted;
} reader;

static bool next(reader *x) {
    if (x->m->rc) return false;
    const int rc = roma_json_read_next(&x->r, x->m->err);
    if (rc) x->m->rc = rc;
    return !rc;
}

static tm_value number(reader *x) {
    tm_value v = roma_template_int(0);
    double r;
    if (memchr(x->r.text, '.', x->r.len) || memchr(x->r.text, 'e', x->r.len) || memchr(x->r.text, 'E', x->r.len)) {
        if (roma_json_to_real(x->r.text, x->r.len, &r))
            v = roma_template_real(r);
        else if (!x->m->rc)
            x->m->rc = roma_json_read_fail(&x->r, ROMA_EUNSUPPORTED, x->m->err, "this number is beyond a double's");
    } else if (!roma_json_to_i64(x->r.text, x->r.len, &v.u.i) && !x->m->rc) {
        x->m->rc = roma_json_read_fail(&x->r, ROMA_EUNSUPPORTED, x->m->err, "this number is beyond 64 bits");
    }
    return v;
}

static tm_value json_value(reader *x);

static tm_value array(reader *x) {
    const tm_value out = roma_template_list(x->m, TM_PLAIN, 0);
    while (next(x) && x->r.kind != ROMA_JSON_ARRAY_END) roma_template_append(x->m, out.u.list, json_value(x));
    if (!x->m->rc) out.u.list->data = !x->trusted;
    return out;
}

static tm_value object(reader *x) {
    const tm_value out = roma_template_dict(x->m, TM_DICT);
    while (next(x) && x->r.kind != ROMA_JSON_OBJECT_END) {
        const tm_value key = text(x->m, x->r.text, x->r.len, x->trusted);
        if (!next(x)) break;
        const tm_value v = json_value(x);
        roma_template_append_pair(x->m, out.u.dict, key, v); /* the reader has told keys apart */
    }
    if (!x->m->rc) out.u.dict->data = !x->trusted;
    return out;
}

/* The value that begins with the token that was read; brackets nest as deep as the reader allows. */
static tm_value json_value(reader *x) {
    tm_value v = nothing();
    switch (x->r.kind) {
    case ROMA_JSON_OBJECT: return object(x);
    case ROMA_JSON_ARRAY: return array(x);
    case ROMA_JSON_TEXT: return text(x->m, x->r.text, x->r.len, x->trusted);
    case ROMA_JSON_NUMBER: v = number(x); break;
    case ROMA_JSON_TRUE: v = roma_template_bool(true); break;
    case ROMA_JSON_FALSE: v = roma_template_bool(false); break;
    case ROMA_JSON_NULL:
    case ROMA_JSON_DONE:
    case ROMA_JSON_OBJECT_END:
    case ROMA_JSON_ARRAY_END:
    case ROMA_JSON_KEY: break;
    }
    v.data = !x->trusted;
    return v;
}

static tm_value json(tm_machine *m, const roma_template_variable *v) {
    reader x = {.m = m, .name = v->name, .trusted = v->trusted};
    const roma_json_source from = {.file = v->name};
    tm_value out = nothing();
    const int rc = roma_json_read_begin(&x.r, v->text, v->len, &from, m->err);
    if (rc)
        m->rc = rc;
    else if (next(&x)) {
        out = json_value(&x);
        next(&x); /* nothing may follow */
    }
    roma_json_read_end(&x.r);
    return out;
}

/* ---- the whole ---- */

static tm_value messages(tm_machine *m) {
    const tm_value out = roma_template_list(m, TM_PLAIN, m->in->n_turns);
    for (size_t i = 0; i < m->in->n_turns && !m->rc; i++) {
        const roma_template_turn *turn = &m->in->turns[i];
        const tm_value one = roma_template_dict(m, TM_DICT);
        if (m->rc) break;
        /* Which role a message has is ours to say: the text of a role is never typed. */
        roma_template_put(m, one.u.dict, roma_template_literal(m, "role"),
                          text(m, turn->role, strlen(turn->role), false));
        roma_template_put(m, one.u.dict, roma_template_literal(m, "content"), text(m, turn->text, turn->len, false));
        one.u.dict->data = true;
        roma_template_append(m, out.u.list, one);
    }
    if (!m->rc) out.u.list->data = true;
    return out;
}

void roma_template_take_input(tm_machine *m) {
    roma_template_functions(m);
    if (m->in->n_turns && !m->rc) roma_template_put(m, &m->globals, roma_template_literal(m, "messages"), messages(m));
    for (size_t i = 0; i < m->in->n_variables && !m->rc; i++) {
        const roma_template_variable *v = &m->in->variables[i];
        const tm_value value = v->is_json ? json(m, v) : text(m, v->text, v->len, v->trusted);
        roma_template_put(m, &m->globals, roma_template_literal(m, v->name), value);
    }
}
