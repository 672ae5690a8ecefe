/* Branches of oneOf that surely share no text: of other types, of other values, or objects that must have a property of
 * which each has other values. What is not seen at once counts as shared. */
#include "constrain/schema.h"

#include <string.h>

enum { T_OBJECT = 1, T_ARRAY = 2, T_STRING = 4, T_NUMBER = 8, T_BOOLEAN = 16, T_NULL = 32 };

static unsigned type_of_name(const schema *s, uint32_t i) {
    static const struct {
        const char *name;
        unsigned bit;
    } types[] = {{"object", T_OBJECT}, {"array", T_ARRAY},     {"string", T_STRING}, {"integer", T_NUMBER},
                 {"number", T_NUMBER}, {"boolean", T_BOOLEAN}, {"null", T_NULL}};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        if (roma_constrain_text_is(s, i, types[t].name)) return types[t].bit;
    return ~0u;
}

static unsigned type_of_value(const schema *s, uint32_t i) {
    const roma_json_kind k = s->nodes[i].kind;
    return k == ROMA_JSON_OBJECT   ? T_OBJECT
           : k == ROMA_JSON_ARRAY  ? T_ARRAY
           : k == ROMA_JSON_TEXT   ? T_STRING
           : k == ROMA_JSON_NUMBER ? T_NUMBER
           : k == ROMA_JSON_NULL   ? T_NULL
                                   : T_BOOLEAN;
}

/* The values of enum or const: *list, *is_one; 0: there are none. */
static uint32_t values_of(const schema *s, const schema_words *w, bool *is_one) {
    *is_one = w->value[KEY_CONST] != 0;
    if (*is_one) return w->value[KEY_CONST];
    return w->value[KEY_ENUM] ? s->nodes[w->value[KEY_ENUM]].first : 0;
}

static unsigned types_of(const schema *s, const schema_words *w) {
    const uint32_t type = w->value[KEY_TYPE];
    unsigned all = 0;
    bool is_one;
    const uint32_t first = values_of(s, w, &is_one);
    for (uint32_t i = first; i; i = is_one ? 0 : s->nodes[i].next) all |= type_of_value(s, i);
    if (first) return all;
    if (type && s->nodes[type].kind == ROMA_JSON_ARRAY)
        for (uint32_t i = s->nodes[type].first; i; i = s->nodes[i].next) all |= type_of_name(s, i);
    else if (type)
        all = type_of_name(s, type);
    return all ? all : w->n_properties ? T_OBJECT : ~0u; /* as schema.c has it */
}

static bool other_values(const schema *s, const schema_words *a, const schema_words *b) {
    bool one_a, one_b;
    const uint32_t in_a = values_of(s, a, &one_a), in_b = values_of(s, b, &one_b);
    for (uint32_t i = in_a; i; i = one_a ? 0 : s->nodes[i].next)
        for (uint32_t k = in_b; k; k = one_b ? 0 : s->nodes[k].next)
            if (roma_constrain_same_value(s, i, k)) return false;
    return in_a && in_b;
}

static bool is_required(const schema *s, const schema_words *w, const char *name, size_t len) {
    for (uint32_t k = 0; k < w->n_required; k++)
        for (uint32_t i = s->nodes[w->required[k]].first; i; i = s->nodes[i].next)
            if (s->nodes[i].text_len == len && memcmp(schema_text(s, i), name, len) == 0) return true;
    return false;
}

static bool other_property(schema *s, const schema_words *a, const schema_words *b) {
    for (uint32_t k = 0; k < a->n_properties; k++)
        for (uint32_t i = s->nodes[a->properties[k]].first; i; i = s->nodes[i].next) {
            const char *name = schema_key(s, i);
            const size_t len = s->nodes[i].key_len;
            uint32_t other = 0;
            for (uint32_t m = 0; m < b->n_properties && !other; m++)
                other = roma_constrain_member(s, b->properties[m], name, len);
            schema_words x, y;
            if (!other || !is_required(s, a, name, len) || !is_required(s, b, name, len)) continue;
            if (!roma_constrain_words_of(s, i, &x) || !roma_constrain_words_of(s, other, &y)) return false;
            if (other_values(s, &x, &y) || !(types_of(s, &x) & types_of(s, &y))) return true;
        }
    return false;
}

bool roma_constrain_are_disjoint(schema *s, uint32_t a, uint32_t b) {
    schema_words x, y;
    if (!roma_constrain_words_of(s, a, &x) || !roma_constrain_words_of(s, b, &y)) return false;
    const unsigned tx = types_of(s, &x), ty = types_of(s, &y);
    return !(tx & ty) || other_values(s, &x, &y) || (tx == T_OBJECT && ty == T_OBJECT && other_property(s, &x, &y));
}
