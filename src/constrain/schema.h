/* Insides of the schema half of constrain: a JSON schema is read as a tree (schema_tree.c), and each of its schemas
 * becomes a rule of GBNF (schema_words.c, schema.c and the files by what they write: schema_object.c, schema_array.c,
 * schema_number.c, schema_string.c, schema_pattern.c, schema_rules.c). A rule may take less than its schema, never
 * more; what could make it take more, a keyword that is not known here, is refused. */
#ifndef ROMA_CONSTRAIN_SCHEMA_H
#define ROMA_CONSTRAIN_SCHEMA_H

#include "constrain/internal.h"
#include "roma/json.h"

/* ---- the tree ---- */

/* A value of the schema's text. Node 0 is none, 1 the whole. */
typedef struct {
    roma_json_kind kind;
    uint32_t parent, first, next; /* child, sibling; 0: none */
    uint32_t key, key_len;        /* of a member: in texts */
    uint32_t text, text_len;      /* of a TEXT or NUMBER */
    uint32_t index;               /* among its siblings */
    size_t at;                    /* byte of the schema's text */
} schema_node;

/* Keywords that say what a text is; id, name. */
/* clang-format off */
#define SCHEMA_KEYWORDS(X)                                                                                             \
    X(TYPE, "type") X(ENUM, "enum") X(CONST, "const") X(REF, "$ref") X(ANY_OF, "anyOf") X(ONE_OF, "oneOf")             \
    X(ALL_OF, "allOf") X(PROPERTIES, "properties") X(REQUIRED, "required") X(ADDITIONAL, "additionalProperties")       \
    X(ITEMS, "items") X(PREFIX, "prefixItems") X(MIN_ITEMS, "minItems") X(MAX_ITEMS, "maxItems")                       \
    X(MIN_LENGTH, "minLength") X(MAX_LENGTH, "maxLength") X(PATTERN, "pattern") X(FORMAT, "format")                    \
    X(MINIMUM, "minimum") X(MAXIMUM, "maximum") X(MORE_THAN, "exclusiveMinimum") X(LESS_THAN, "exclusiveMaximum")      \
    X(MULTIPLE, "multipleOf")
/* clang-format on */
typedef enum {
#define X(id, name) KEY_##id,
    SCHEMA_KEYWORDS(X)
#undef X
        KEYWORDS
} schema_keyword;

enum { SCHEMA_MERGED_MAX = 16 };

/* What one schema says: its keywords' values, 0 where there is none. Schemas that hold together (allOf) are one, with
 * all their properties and required names. */
typedef struct {
    uint32_t node; /* the schema itself, for names and errors */
    uint32_t value[KEYWORDS];
    uint32_t properties[SCHEMA_MERGED_MAX], required[SCHEMA_MERGED_MAX], n_properties, n_required;
} schema_words;

typedef struct {
    schema_node *nodes;
    uint32_t n;
    size_t cap;
    roma_buf texts;
    const char *text; /* of the schema */
    size_t len;
    const char *file, *name; /* for errors; of the first rule */
    roma_buf *out, behind;   /* the rules; those that come behind the one that is being written */
    uint32_t *todo, n_todo;  /* schemas that have a name and no rule yet */
    uint8_t *is_named;
    roma_error *err;
    int rc; /* the first error */
} schema;

/* schema_tree.c */
int roma_constrain_tree(schema *s); /* reads s->text */
void roma_constrain_tree_free(schema *s);
/* Keeps the first error, with the place of the node and its path; returns s->rc. */
int roma_constrain_schema_fail(schema *s, uint32_t node, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The member of that name; 0: none. The value that a local reference leads to; 0: none. */
uint32_t roma_constrain_member(const schema *s, uint32_t node, const char *name, size_t len);
uint32_t roma_constrain_resolve(const schema *s, uint32_t ref);
static inline const char *schema_text(const schema *s, uint32_t node) {
    return (const char *)s->texts.data + s->nodes[node].text;
}
static inline const char *schema_key(const schema *s, uint32_t node) {
    return (const char *)s->texts.data + s->nodes[node].key;
}
bool roma_constrain_text_is(const schema *s, uint32_t node, const char *text);
bool roma_constrain_same_value(const schema *s, uint32_t a, uint32_t b); /* texts, numbers as written, words */

/* schema.c */
void roma_constrain_put(schema *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A literal of GBNF for bytes. */
void roma_constrain_put_bytes(schema *s, const char *text, size_t len);
/* The name of the rule of a schema, which is thereby wanted. */
void roma_constrain_put_rule(schema *s, uint32_t node);

/* schema_words.c */
extern const char *const roma_constrain_keywords[]; /* [KEYWORDS] names */
/* Collects what a schema says. Of one that is a reference alone, or one schema in allOf, *only is that one, which has a
 * rule; else 0, and those that hold together are one. False: refused. */
bool roma_constrain_collect(schema *s, uint32_t node, schema_words *w, uint32_t *only);
/* The same through such references, to where something is said. */
bool roma_constrain_words_of(schema *s, uint32_t node, schema_words *w);
/* A keyword's value as a count, `usual` where there is none. */
uint32_t roma_constrain_count(schema *s, const schema_words *w, schema_keyword k, uint32_t usual);

/* Each writes the right side of a rule for one type. */
void roma_constrain_put_object_rule(schema *s, const schema_words *w);
void roma_constrain_put_array_rule(schema *s, const schema_words *w);
void roma_constrain_put_string_rule(schema *s, const schema_words *w);
void roma_constrain_put_number_rule(schema *s, const schema_words *w, bool is_integer);
void roma_constrain_put_pattern(schema *s, uint32_t node);

/* schema_disjoint.c: whether two branches of oneOf surely share no text. */
bool roma_constrain_are_disjoint(schema *s, uint32_t a, uint32_t b);

/* schema_rules.c: the rules that every schema uses, NAME-ws, NAME-string, ...: blanks between tokens, any value. */
void roma_constrain_put_common(roma_buf *b, const char *name);
/* NAME: any object. */
void roma_constrain_put_object(roma_buf *b, const char *name);

#endif
