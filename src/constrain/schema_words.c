/* What one schema says: its keywords, with those of the schemas that hold together with it. What is not known here is
 * refused. */
#include "constrain/schema.h"

#include <string.h>

const char *const roma_constrain_keywords[] = {
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
        if (strlen(roma_constrain_keywords[k]) == s->nodes[i].key_len &&
            memcmp(roma_constrain_keywords[k], schema_key(s, i), s->nodes[i].key_len) == 0)
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
    const char *near = roma_nearest(shown, roma_constrain_keywords, KEYWORDS);
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

bool roma_constrain_collect(schema *s, uint32_t node, schema_words *w, uint32_t *only) {
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
        if (!roma_constrain_collect(s, only, w, &only)) return false;
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
