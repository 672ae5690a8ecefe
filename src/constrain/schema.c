/* JSON schemas as rules of GBNF: each schema has a rule, made when another one names it first, so that references, in
 * circles too, need nothing more. Here: what a schema says, and what leads to others. */
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

void roma_constrain_put_value(schema *s, uint32_t node) {
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

/* ---- what a schema says ---- */

static const char *const names[] = {
#define X(id, name) name,
    SCHEMA_KEYWORDS(X)
#undef X
};

/* What says nothing of a text. */
static bool is_note(const schema *s, uint32_t i) {
    static const char *const notes[] = {"title",     "description", "default", "examples", "deprecated", "readOnly",
                                        "writeOnly", "$comment",    "$schema", "$defs",    "definitions"};
    for (size_t k = 0; k < sizeof notes / sizeof *notes; k++)
        if (strlen(notes[k]) == s->nodes[i].key_len && memcmp(notes[k], schema_key(s, i), s->nodes[i].key_len) == 0)
            return true;
    return s->nodes[i].parent == 1 && s->nodes[i].key_len == 3 && memcmp(schema_key(s, i), "$id", 3) == 0;
}

static int keyword_of(const schema *s, uint32_t i) {
    for (int k = 0; k < KEYWORDS; k++)
        if (strlen(names[k]) == s->nodes[i].key_len && memcmp(names[k], schema_key(s, i), s->nodes[i].key_len) == 0)
            return k;
    return -1;
}

static bool refuse(schema *s, uint32_t node, const char *what) {
    roma_constrain_schema_fail(s, node, ROMA_EUNSUPPORTED, "%s", what);
    return false;
}

static bool refuse_keyword(schema *s, uint32_t i) {
    char shown[64];
    roma_error_name(shown, sizeof shown, schema_key(s, i), s->nodes[i].key_len);
    const char *near = roma_nearest(shown, names, KEYWORDS);
    roma_constrain_schema_fail(
        s, i, ROMA_EUNSUPPORTED,
        near ? "the keyword %s is not supported; did you mean %s?" : "the keyword %s is not supported", shown, near);
    return false;
}

static bool add_keyword(schema *s, schema_words *w, uint32_t i, int k) {
    if (k == KEY_PROPERTIES || k == KEY_REQUIRED) {
        uint32_t *list = k == KEY_PROPERTIES ? w->properties : w->required,
                 *n = k == KEY_PROPERTIES ? &w->n_properties : &w->n_required;
        if (*n == SCHEMA_MERGED_MAX) return refuse(s, i, "too many schemas hold together");
        list[(*n)++] = i;
    } else if (k == KEY_TYPE && w->value[k]) {
        if (!roma_constrain_same_value(s, w->value[k], i) || s->nodes[i].kind != ROMA_JSON_TEXT)
            return refuse(s, i, "schemas that hold together must have the same type");
    } else if (w->value[k])
        return refuse(s, i, "this keyword stands in another schema that holds together with this one: say it once");
    w->value[k] = i;
    return true;
}

/* The keywords of one schema, whose allOf and $ref are left to the caller: they come out in *more. */
static bool add_schema(schema *s, schema_words *w, uint32_t node, uint32_t more[2]) {
    if (s->nodes[node].kind == ROMA_JSON_TRUE) return true;
    if (s->nodes[node].kind == ROMA_JSON_FALSE)
        return roma_constrain_schema_fail(s, node, ROMA_EINPUT, "no text validates against false"), false;
    if (s->nodes[node].kind != ROMA_JSON_OBJECT)
        return roma_constrain_schema_fail(s, node, ROMA_EINPUT, "a schema is an object, true or false"), false;
    more[0] = more[1] = 0;
    for (uint32_t i = s->nodes[node].first; i; i = s->nodes[i].next) {
        const int k = keyword_of(s, i);
        if (k < 0 && !is_note(s, i)) return refuse_keyword(s, i);
        if (k == KEY_ALL_OF || k == KEY_REF)
            more[k == KEY_REF] = i;
        else if (k >= 0 && !add_keyword(s, w, i, k))
            return false;
    }
    return true;
}

static uint32_t target(schema *s, uint32_t ref) {
    const uint32_t to = roma_constrain_resolve(s, ref);
    if (!to)
        roma_constrain_schema_fail(s, ref, ROMA_EUNSUPPORTED,
                                   "there is no such value in this schema, and other schemas are not read");
    return to;
}

/* Of a schema that is a reference alone, or one schema in allOf, *only is that one, which has a rule; else those that
 * hold together are one. */
static bool collect(schema *s, uint32_t node, schema_words *w, uint32_t *only) {
    uint32_t list[SCHEMA_MERGED_MAX + 1], n = 0, done = 0, more[2];
    *w = (schema_words){.node = node};
    *only = 0;
    list[n++] = node;
    while (done < n) {
        bool said = false;
        more[0] = more[1] = 0;
        if (!add_schema(s, w, list[done++], more)) return false;
        for (int k = 0; k < KEYWORDS; k++) said |= w->value[k] != 0;
        const uint32_t ref = more[1] ? target(s, more[1]) : 0, all = more[0];
        if (s->rc) return false;
        if (all && (s->nodes[all].kind != ROMA_JSON_ARRAY || !s->nodes[all].first))
            return roma_constrain_schema_fail(s, all, ROMA_EINPUT, "allOf is a list of schemas"), false;
        if (n == 1 && !said && !all + !ref == 1 && (ref || !s->nodes[s->nodes[all].first].next))
            return *only = ref ? ref : s->nodes[all].first, true;
        for (uint32_t i = ref   ? ref
                          : all ? s->nodes[all].first
                                : 0;
             i; i = i == ref ? (all ? s->nodes[all].first : 0) : s->nodes[i].next) {
            for (uint32_t k = 0; k < n; k++)
                if (list[k] == i) return refuse(s, i, "this schema holds together with itself");
            if (n == SCHEMA_MERGED_MAX) return refuse(s, i, "too many schemas hold together");
            list[n++] = i;
        }
    }
    if (n > 1 && (w->value[KEY_ADDITIONAL] || w->value[KEY_ENUM] || w->value[KEY_CONST] || w->value[KEY_ANY_OF] ||
                  w->value[KEY_ONE_OF]))
        for (int k = 0; k < KEYWORDS; k++)
            if (w->value[k] &&
                (k == KEY_ADDITIONAL || k == KEY_ENUM || k == KEY_CONST || k == KEY_ANY_OF || k == KEY_ONE_OF))
                return refuse(s, w->value[k], "this keyword is not supported in schemas that hold together");
    return true;
}

bool roma_constrain_words_of(schema *s, uint32_t node, schema_words *w) {
    uint32_t only = node;
    for (int hops = 0; only && hops < SCHEMA_MERGED_MAX; hops++)
        if (!collect(s, only, w, &only)) return false;
    return !only;
}

uint32_t roma_constrain_count(schema *s, const schema_words *w, schema_keyword k, uint32_t usual) {
    const uint32_t i = w->value[k];
    double v;
    if (!i) return usual;
    if (s->nodes[i].kind != ROMA_JSON_NUMBER || !roma_json_to_real(schema_text(s, i), s->nodes[i].text_len, &v) ||
        v < 0 || v > 4e9 || (double)(uint32_t)v < v) {
        roma_constrain_schema_fail(s, i, ROMA_EINPUT, "a whole number from 0 to 4000000000 is wanted here");
        return usual;
    }
    return (uint32_t)v;
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
                                       names[keyword]);
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
        roma_constrain_put_value(s, i);
    }
    if (!n)
        roma_constrain_schema_fail(s, list, ROMA_EINPUT,
                                   "none of these values has the type here, so that no text validates");
}

static void put_branches(schema *s, const schema_words *w, int keyword) {
    const uint32_t list = w->value[keyword];
    if (!stands_alone(s, w, keyword, keyword)) return;
    if (s->nodes[list].kind != ROMA_JSON_ARRAY || !s->nodes[list].first) {
        roma_constrain_schema_fail(s, list, ROMA_EINPUT, "%s is a list of schemas", names[keyword]);
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
    if (!collect(s, node, &w, &only)) return;
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
