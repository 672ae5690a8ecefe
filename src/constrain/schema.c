/* JSON schemas as rules of GBNF: each schema has a rule, made when another one names it first, so that references, in
 * circles too, need nothing more. Here: writing, types, values and branches. */
#include "constrain/schema.h"

#include <string.h>

/* ---- writing ---- */

void roma_constrain_put(schema *s, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    const int n = roma_vprint(text, sizeof text, fmt, args);
    va_end(args);
    assert(n >= 0 && (size_t)n < sizeof text);
    roma_buf_append(s->out, text, (size_t)n);
    if (s->out->len > ROMA_CONSTRAIN_WRITTEN_MAX)
        roma_constrain_schema_fail(s, 1, ROMA_EUNSUPPORTED, "the schema becomes too large");
}

void roma_constrain_put_bytes(schema *s, const char *text, size_t len) {
    roma_constrain_put_literal(s->out, text, len, NULL); /* UTF-8, as all that JSON's reader lets through */
}

static void put_scalar(const schema *s, roma_json *j, const char *key, uint32_t i) {
    const schema_node *v = &s->nodes[i];
    switch (v->kind) {
    case ROMA_JSON_TEXT: roma_json_text(j, key, schema_text(s, i), v->text_len); break;
    case ROMA_JSON_NUMBER: roma_json_number(j, key, schema_text(s, i), v->text_len); break;
    case ROMA_JSON_TRUE: roma_json_bool(j, key, true); break;
    case ROMA_JSON_FALSE: roma_json_bool(j, key, false); break;
    case ROMA_JSON_NULL: roma_json_null(j, key); break;
    case ROMA_JSON_OBJECT: roma_json_open(j, key, '{'); break;
    case ROMA_JSON_ARRAY: roma_json_open(j, key, '['); break;
    case ROMA_JSON_DONE:
    case ROMA_JSON_OBJECT_END:
    case ROMA_JSON_ARRAY_END:
    case ROMA_JSON_KEY: break;
    }
}

/* A literal of GBNF for a value of JSON. */
static void put_value(schema *s, uint32_t node) {
    roma_buf text = {0};
    roma_json j = {.out = &text};
    for (uint32_t i = node; i;) {
        const schema_node *v = &s->nodes[i];
        const bool is_member = i != node && s->nodes[v->parent].kind == ROMA_JSON_OBJECT;
        if (is_member && strlen(schema_key(s, i)) != v->key_len)
            roma_constrain_schema_fail(s, i, ROMA_EUNSUPPORTED, "a name with the character 0 is not supported here");
        put_scalar(s, &j, is_member ? schema_key(s, i) : NULL, i);
        if (v->first) {
            i = v->first;
            continue;
        }
        if (v->kind == ROMA_JSON_OBJECT || v->kind == ROMA_JSON_ARRAY)
            roma_json_close(&j, v->kind == ROMA_JSON_OBJECT ? '}' : ']');
        while (i != node && !s->nodes[i].next) {
            i = s->nodes[i].parent;
            roma_json_close(&j, s->nodes[i].kind == ROMA_JSON_OBJECT ? '}' : ']');
        }
        i = i == node ? 0 : s->nodes[i].next;
    }
    if (text.failed) roma_constrain_schema_fail(s, 0, ROMA_ENOMEM, "no memory");
    roma_constrain_put_bytes(s, (const char *)text.data, text.len);
    roma_buf_destroy(&text);
}

void roma_constrain_put_rule(schema *s, uint32_t node) {
    roma_constrain_put(s, " %s-%u ", s->name, node);
    if (s->is_named[node]) return;
    s->is_named[node] = 1;
    s->todo[s->n_todo++] = node;
}

/* ---- types ---- */

enum {
    TYPE_OBJECT = 1,
    TYPE_ARRAY = 2,
    TYPE_STRING = 4,
    TYPE_INTEGER = 8,
    TYPE_NUMBER = 16,
    TYPE_BOOLEAN = 32,
    TYPE_NULL = 64
};
static const struct {
    const char *name;
    unsigned bit;
} types[] = {{"object", TYPE_OBJECT}, {"array", TYPE_ARRAY},     {"string", TYPE_STRING}, {"integer", TYPE_INTEGER},
             {"number", TYPE_NUMBER}, {"boolean", TYPE_BOOLEAN}, {"null", TYPE_NULL}};
enum { TYPES = sizeof types / sizeof *types };

/* Types that a keyword speaks of. */
static unsigned types_of_keyword(int k) {
    if (k == KEY_PROPERTIES || k == KEY_REQUIRED || k == KEY_ADDITIONAL) return TYPE_OBJECT;
    if (k >= KEY_ITEMS && k <= KEY_MAX_ITEMS) return TYPE_ARRAY;
    if (k >= KEY_MIN_LENGTH && k <= KEY_FORMAT) return TYPE_STRING;
    if (k >= KEY_MINIMUM) return TYPE_INTEGER | TYPE_NUMBER;
    return 0;
}

static unsigned type_bit(schema *s, uint32_t i) {
    for (int t = 0; t < TYPES; t++)
        if (roma_constrain_text_is(s, i, types[t].name)) return types[t].bit;
    roma_constrain_schema_fail(s, i, ROMA_EINPUT, "a type is object, array, string, integer, number, boolean or null");
    return 0;
}

/* The types that a schema names; without any those that its keywords speak of; 0: any. */
static unsigned types_of(schema *s, const schema_words *w) {
    const uint32_t i = w->value[KEY_TYPE];
    unsigned all = 0;
    if (i && s->nodes[i].kind == ROMA_JSON_ARRAY) {
        for (uint32_t k = s->nodes[i].first; k; k = s->nodes[k].next) all |= type_bit(s, k);
        if (!all) roma_constrain_schema_fail(s, i, ROMA_EINPUT, "this list of types is empty");
        return all;
    }
    if (i) return type_bit(s, i);
    for (int k = 0; k < KEYWORDS; k++)
        if (w->value[k]) all |= types_of_keyword(k);
    if (all & TYPE_NUMBER) all &= ~(unsigned)TYPE_INTEGER;
    if (all & (all - 1))
        roma_constrain_schema_fail(s, w->node, ROMA_EUNSUPPORTED, "type is missing: the keywords are of several");
    return all;
}

static void put_types(schema *s, const schema_words *w) {
    unsigned all = types_of(s, w);
    const char *bar = "";
    for (int k = 0; k < KEYWORDS && !s->rc; k++)
        if (w->value[k] && types_of_keyword(k) && !(types_of_keyword(k) & all))
            roma_constrain_schema_fail(s, w->value[k], ROMA_EUNSUPPORTED, "this keyword says nothing of the type here");
    if (!all) roma_constrain_put(s, "%s-value", s->name);
    if (all & TYPE_NUMBER) all &= ~(unsigned)TYPE_INTEGER;
    for (int t = 0; t < TYPES && !s->rc; t++) {
        if (!(all & types[t].bit)) continue;
        roma_constrain_put(s, "%s", bar);
        bar = " | ";
        switch (types[t].bit) {
        case TYPE_OBJECT: roma_constrain_put_object_rule(s, w); break;
        case TYPE_ARRAY: roma_constrain_put_array_rule(s, w); break;
        case TYPE_STRING: roma_constrain_put_string_rule(s, w); break;
        case TYPE_INTEGER: roma_constrain_put_number_rule(s, w, true); break;
        case TYPE_NUMBER: roma_constrain_put_number_rule(s, w, false); break;
        default: roma_constrain_put(s, "%s-%s", s->name, types[t].name); break;
        }
    }
}

/* ---- values and branches ---- */

/* Refuses what stands beside a keyword that says all. */
static bool stands_alone(schema *s, const schema_words *w, int keyword, int also) {
    for (int k = 0; k < KEYWORDS; k++)
        if (w->value[k] && k != keyword && k != also) {
            roma_constrain_schema_fail(s, w->value[k], ROMA_EUNSUPPORTED, "this keyword is not supported beside %s",
                                       roma_constrain_keywords[keyword]);
            return false;
        }
    return true;
}

static bool is_whole_number(const schema *s, uint32_t i) {
    double v;
    return roma_json_to_real(schema_text(s, i), s->nodes[i].text_len, &v) && v >= -1e15 && v <= 1e15 &&
           !((double)(int64_t)v < v) && !((double)(int64_t)v > v);
}

static unsigned type_of_value(const schema *s, uint32_t i) {
    switch (s->nodes[i].kind) {
    case ROMA_JSON_OBJECT: return TYPE_OBJECT;
    case ROMA_JSON_ARRAY: return TYPE_ARRAY;
    case ROMA_JSON_TEXT: return TYPE_STRING;
    case ROMA_JSON_NUMBER: return is_whole_number(s, i) ? TYPE_NUMBER | TYPE_INTEGER : TYPE_NUMBER;
    case ROMA_JSON_TRUE:
    case ROMA_JSON_FALSE: return TYPE_BOOLEAN;
    case ROMA_JSON_NULL: return TYPE_NULL;
    case ROMA_JSON_DONE:
    case ROMA_JSON_OBJECT_END:
    case ROMA_JSON_ARRAY_END:
    case ROMA_JSON_KEY: break;
    }
    return 0;
}

static void put_values(schema *s, const schema_words *w, int keyword) {
    const uint32_t list = w->value[keyword];
    const bool is_one = keyword == KEY_CONST;
    unsigned allowed = ~0u, n = 0;
    if (!stands_alone(s, w, keyword, KEY_TYPE)) return;
    if (w->value[KEY_TYPE]) allowed = types_of(s, w);
    if (!is_one && s->nodes[list].kind != ROMA_JSON_ARRAY) {
        roma_constrain_schema_fail(s, list, ROMA_EINPUT, "enum is a list of values");
        return;
    }
    for (uint32_t i = is_one ? list : s->nodes[list].first; i && !s->rc; i = is_one ? 0 : s->nodes[i].next) {
        if (!(type_of_value(s, i) & allowed)) continue;
        if (n++) roma_constrain_put(s, " | ");
        put_value(s, i);
    }
    if (!n)
        roma_constrain_schema_fail(s, list, ROMA_EINPUT,
                                   "none of these values has the type here, so that no text validates");
}

static void put_branches(schema *s, const schema_words *w, int keyword) {
    const uint32_t list = w->value[keyword];
    if (!stands_alone(s, w, keyword, keyword)) return;
    if (s->nodes[list].kind != ROMA_JSON_ARRAY || !s->nodes[list].first) {
        roma_constrain_schema_fail(s, list, ROMA_EINPUT, "%s is a list of schemas", roma_constrain_keywords[keyword]);
        return;
    }
    for (uint32_t a = s->nodes[list].first; a && keyword == KEY_ONE_OF; a = s->nodes[a].next)
        for (uint32_t b = s->nodes[a].next; b && !s->rc; b = s->nodes[b].next)
            if (!roma_constrain_are_disjoint(s, a, b))
                roma_constrain_schema_fail(s, b, ROMA_EUNSUPPORTED,
                                           "a text may validate against this branch and against branch %u, which oneOf "
                                           "forbids: use anyOf, or a property "
                                           "that is required and has another value in each",
                                           s->nodes[a].index);
    for (uint32_t i = s->nodes[list].first; i && !s->rc; i = s->nodes[i].next) {
        if (i != s->nodes[list].first) roma_constrain_put(s, "|");
        roma_constrain_put_rule(s, i);
    }
}

static void put_schema_rule(schema *s, uint32_t node) {
    schema_words w;
    uint32_t only;
    if (!roma_constrain_collect(s, node, &w, &only)) return;
    roma_constrain_put(s, "%s-%u ::= ", s->name, node);
    if (only)
        roma_constrain_put_rule(s, only);
    else if (w.value[KEY_CONST])
        put_values(s, &w, KEY_CONST);
    else if (w.value[KEY_ENUM])
        put_values(s, &w, KEY_ENUM);
    else if (w.value[KEY_ANY_OF])
        put_branches(s, &w, KEY_ANY_OF);
    else if (w.value[KEY_ONE_OF])
        put_branches(s, &w, KEY_ONE_OF);
    else
        put_types(s, &w);
    roma_constrain_put(s, "\n");
    roma_buf_append(s->out, s->behind.data, s->behind.len);
    s->behind.len = 0;
}

/* ---- all ---- */

int roma_constrain_put_schema(roma_buf *grammar, const char *name, const char *text, size_t len, const char *file,
                              roma_error *err) {
    schema s = {.text = text, .len = len, .file = file, .name = name, .out = grammar, .err = err};
    if (len > ROMA_CONSTRAIN_TEXT_MAX)
        return roma_fail(err, ROMA_EUNSUPPORTED, file, ROMA_NOWHERE, "a schema of %zu bytes; at most %d are read", len,
                         ROMA_CONSTRAIN_TEXT_MAX);
    if (!roma_constrain_tree(&s)) {
        s.todo = roma_alloc_array(s.n, sizeof *s.todo);
        s.is_named = roma_alloc_array(s.n, 1);
        if (!s.todo || !s.is_named) roma_constrain_schema_fail(&s, 0, ROMA_ENOMEM, "no memory");
        if (!s.rc) {
            roma_constrain_put(&s, "%s ::= ", name);
            roma_constrain_put_rule(&s, 1);
            roma_constrain_put(&s, "\n");
        }
        while (!s.rc && s.n_todo) put_schema_rule(&s, s.todo[--s.n_todo]);
        if (!s.rc) roma_constrain_put_common(grammar, name);
        if (!s.rc && grammar->failed) roma_constrain_schema_fail(&s, 0, ROMA_ENOMEM, "no memory");
    }
    roma_buf_destroy(&s.behind);
    roma_free(s.todo);
    roma_free(s.is_named);
    roma_constrain_tree_free(&s);
    return s.rc;
}
