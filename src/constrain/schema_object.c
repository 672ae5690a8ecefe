/* Objects: properties in the order in which the schema lists them, those that are not required left out or not, then
 * further ones, whose names are none of those listed. */
#include "constrain/schema.h"

#include <string.h>

/* Each of them is a place where the text may be after a comma (state.c). */
enum { OPTIONAL_MAX = 100 };

typedef struct {
    uint32_t key;   /* node whose key, or text, is the name */
    uint32_t value; /* its schema; 0: any */
    bool is_key, is_required;
} property;

typedef struct {
    schema *s;
    uint32_t node;
    property *list;
    uint32_t n;
    bool has_more;      /* further properties may follow */
    uint32_t more_node; /* their schema; 0: any */
} object;

static const char *name_of(const object *o, uint32_t i, uint32_t *len) {
    const property *p = &o->list[i];
    const schema_node *v = &o->s->nodes[p->key];
    *len = p->is_key ? v->key_len : v->text_len;
    return p->is_key ? schema_key(o->s, p->key) : schema_text(o->s, p->key);
}

static uint32_t find(const object *o, const char *name, uint32_t len) {
    for (uint32_t i = 0; i < o->n; i++) {
        uint32_t n;
        const char *other = name_of(o, i, &n);
        if (n == len && memcmp(name, other, n) == 0) return i;
    }
    return UINT32_MAX;
}

static bool wrong(object *o, uint32_t node, int code, const char *what) {
    roma_constrain_schema_fail(o->s, node, code, "%s", what);
    return false;
}

/* ---- what the schema says ---- */

static bool list_properties(object *o, const schema_words *w) {
    for (uint32_t k = 0; k < w->n_properties; k++) {
        const uint32_t all = w->properties[k];
        if (o->s->nodes[all].kind != ROMA_JSON_OBJECT)
            return wrong(o, all, ROMA_EINPUT, "properties is an object of schemas");
        for (uint32_t i = o->s->nodes[all].first; i; i = o->s->nodes[i].next) {
            if (k && find(o, schema_key(o->s, i), o->s->nodes[i].key_len) != UINT32_MAX)
                return wrong(o, i, ROMA_EUNSUPPORTED,
                             "this property stands in another schema that holds together with this one");
            o->list[o->n++] = (property){.key = i, .value = i, .is_key = true};
        }
    }
    return true;
}

static bool list_required(object *o, const schema_words *w) {
    for (uint32_t k = 0; k < w->n_required; k++) {
        const uint32_t all = w->required[k];
        if (o->s->nodes[all].kind != ROMA_JSON_ARRAY) return wrong(o, all, ROMA_EINPUT, "required is a list of names");
        for (uint32_t i = o->s->nodes[all].first; i; i = o->s->nodes[i].next) {
            if (o->s->nodes[i].kind != ROMA_JSON_TEXT) return wrong(o, i, ROMA_EINPUT, "required is a list of names");
            uint32_t at = find(o, schema_text(o->s, i), o->s->nodes[i].text_len);
            if (at == UINT32_MAX) {
                if (w->value[KEY_ADDITIONAL] && !o->has_more)
                    return wrong(o, i, ROMA_EINPUT, "this name is required and not allowed, so that no text validates");
                o->list[at = o->n++] = (property){.key = i, .value = o->more_node};
            }
            o->list[at].is_required = true;
        }
    }
    return true;
}

/* Without additionalProperties an object that lists properties has no others, which its schema allows and no one wants.
 */
static bool read_more(object *o, const schema_words *w) {
    const uint32_t i = w->value[KEY_ADDITIONAL];
    const roma_json_kind kind = i ? o->s->nodes[i].kind : ROMA_JSON_NULL;
    if (i && kind != ROMA_JSON_OBJECT && kind != ROMA_JSON_TRUE && kind != ROMA_JSON_FALSE)
        return wrong(o, i, ROMA_EINPUT, "a schema is an object, true or false");
    o->has_more = i ? kind != ROMA_JSON_FALSE : !w->n_properties;
    o->more_node = kind == ROMA_JSON_OBJECT ? i : 0;
    return true;
}

static uint32_t count(const schema *s, const uint32_t *lists, uint32_t n) {
    uint32_t all = 0;
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t i = s->nodes[lists[k]].first; i; i = s->nodes[i].next) all++;
    return all;
}

static bool read_object(object *o, const schema_words *w) {
    const uint32_t most = count(o->s, w->properties, w->n_properties) + count(o->s, w->required, w->n_required);
    o->list = roma_alloc_array(most + 1, sizeof *o->list);
    if (!o->list) return wrong(o, 0, ROMA_ENOMEM, "no memory");
    return read_more(o, w) && list_properties(o, w) && list_required(o, w);
}

/* ---- rules of its own, put behind the rule that is being written ---- */

static void put_value_rule(object *o, uint32_t node) {
    if (node)
        roma_constrain_put_rule(o->s, node);
    else
        roma_constrain_put(o->s, " %s-value ", o->s->name);
}

/* "name" : value */
static void put_property(object *o, roma_buf *out, uint32_t i) {
    schema *s = o->s;
    roma_buf text = {0}, *before = s->out;
    roma_json j = {.out = &text};
    uint32_t len;
    const char *name = name_of(o, i, &len);
    s->out = out;
    roma_json_text(&j, NULL, name, len);
    roma_constrain_put(s, "%s-%up%u ::= ", s->name, o->node, i);
    if (text.failed) wrong(o, 0, ROMA_ENOMEM, "no memory");
    roma_constrain_put_bytes(s, (const char *)text.data, text.len);
    roma_constrain_put(s, " \":\" \" \"?");
    put_value_rule(o, o->list[i].value);
    roma_constrain_put(s, "\n");
    roma_buf_destroy(&text);
    s->out = before;
}

/* ---- names that are none of those listed ---- */

typedef struct {
    const char *text;
    uint32_t len;
} word;

static int by_text(const void *a, const void *b, void *ctx) {
    (void)ctx;
    const word *x = a, *y = b;
    const int d = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
    return d ? d : (x->len > y->len) - (x->len < y->len);
}

static bool is_plain(const word *w) {
    for (uint32_t i = 0; i < w->len; i++)
        if ((uint8_t)w->text[i] < 0x20 || w->text[i] == '"' || w->text[i] == '\\' || w->text[i] == 0x7f) return false;
    return true;
}

/* Names are spelt without escapes there, so that none is a listed one in disguise. Rule NAME-<node>k<i> is the rest of
 * a name that has the first `depth` bytes of words from..end, and of no other; it ends with the quote. */
typedef struct {
    uint32_t from, end, depth;
} fork;

static void put_fork(object *o, const word *words, const fork *f, uint32_t id, fork *forks, uint32_t *n) {
    schema *s = o->s;
    const bool is_word = words[f->from].len == f->depth;
    const uint32_t first = *n;
    roma_constrain_put(s, "%s-%uk%u ::= %s", s->name, o->node, id, is_word ? "" : "\"\\\"\" | ");
    for (uint32_t i = f->from + is_word; i < f->end;) {
        const size_t len = roma_utf8(words[i].text + f->depth, words[i].len - f->depth);
        uint32_t end = i + 1;
        while (end < f->end && words[end].len >= f->depth + len &&
               memcmp(words[i].text + f->depth, words[end].text + f->depth, len) == 0)
            end++;
        roma_constrain_put_bytes(s, words[i].text + f->depth, len);
        roma_constrain_put(s, " %s-%uk%u | ", s->name, o->node, *n);
        forks[(*n)++] = (fork){i, end, f->depth + (uint32_t)len};
        i = end;
    }
    roma_constrain_put(s, "[^\\x00-\\x1F\\x7F\"\\\\");
    for (uint32_t k = first; k < *n; k++) {
        const char *c = words[forks[k].from].text + f->depth;
        if (strchr("]^-", *c))
            roma_constrain_put(s, "\\x%02X", (unsigned)*c);
        else
            roma_constrain_put(s, "%.*s", (int)(forks[k].depth - f->depth), c);
    }
    roma_constrain_put(s, "] %s-plain* \"\\\"\"\n", s->name);
}

static bool put_other_names(object *o) {
    uint64_t bytes = 1;
    uint32_t n_words = 0, n = 0;
    word *words = roma_alloc_array(o->n + 1, sizeof *words);
    for (uint32_t i = 0; i < o->n && words; i++) {
        word w;
        w.text = name_of(o, i, &w.len);
        if (!is_plain(&w)) continue;
        words[n_words++] = w;
        bytes += w.len;
    }
    fork *forks = words ? roma_alloc_array(bytes + 1, sizeof *forks) : NULL;
    if (forks) {
        roma_sort(words, n_words, sizeof *words, by_text, NULL);
        forks[n++] = (fork){0, n_words, 0};
        for (uint32_t i = 0; i < n && !o->s->rc; i++) put_fork(o, words, &forks[i], i, forks, &n);
    }
    roma_free(words);
    roma_free(forks);
    return forks || wrong(o, 0, ROMA_ENOMEM, "no memory");
}

/* NAME-<node>m: a further property. */
static void put_further(object *o) {
    schema *s = o->s;
    bool any_plain = false;
    for (uint32_t i = 0; i < o->n; i++) {
        word w;
        w.text = name_of(o, i, &w.len);
        any_plain |= is_plain(&w);
    }
    roma_constrain_put(s, "%s-%um ::= ", s->name, o->node);
    if (o->n)
        roma_constrain_put(s, "\"\\\"\" %s-%uk0", s->name, o->node);
    else
        roma_constrain_put(s, "%s-string", s->name);
    roma_constrain_put(s, " \":\" \" \"?");
    put_value_rule(o, o->more_node);
    roma_constrain_put(s, "\n");
    if (o->n && any_plain)
        put_other_names(o);
    else if (o->n)
        roma_constrain_put(s, "%s-%uk0 ::= %s-plain* \"\\\"\"\n", s->name, o->node, s->name);
}

/* ---- the object ---- */

#define COMMA "\",\" %s-ws "

/* With a property that must come: those before it bring a comma behind them, those after it one before them. */
static void put_around(object *o, uint32_t must) {
    schema *s = o->s;
    for (uint32_t i = 0; i < must; i++) roma_constrain_put(s, "(%s-%up%u " COMMA ")? ", s->name, o->node, i, s->name);
    roma_constrain_put(s, "%s-%up%u ", s->name, o->node, must);
    for (uint32_t i = must + 1; i < o->n; i++)
        roma_constrain_put(s, "(" COMMA "%s-%up%u)%s ", s->name, s->name, o->node, i,
                           o->list[i].is_required ? "" : "?");
    if (o->has_more) roma_constrain_put(s, "(" COMMA "%s-%um)* ", s->name, s->name, o->node);
}

/* Where none must come: rule s<i> is an object's inside that begins with property i or a later one, t<i> what may
 * follow one before i. */
static void put_optional_rules(object *o) {
    schema *s = o->s;
    for (uint32_t i = 0; i < o->n; i++) {
        roma_constrain_put(s, "%s-%us%u ::= %s-%up%u %s-%ut%u | %s-%us%u\n", s->name, o->node, i, s->name, o->node, i,
                           s->name, o->node, i + 1, s->name, o->node, i + 1);
        roma_constrain_put(s, "%s-%ut%u ::= (" COMMA "%s-%up%u)? %s-%ut%u\n", s->name, o->node, i, s->name, s->name,
                           o->node, i, s->name, o->node, i + 1);
    }
    if (o->has_more) {
        roma_constrain_put(s, "%s-%us%u ::= (%s-%um %s-%ut%u)?\n", s->name, o->node, o->n, s->name, o->node, s->name,
                           o->node, o->n);
        roma_constrain_put(s, "%s-%ut%u ::= (" COMMA "%s-%um)* %s-ws\n", s->name, o->node, o->n, s->name, s->name,
                           o->node, s->name);
    } else
        roma_constrain_put(s, "%s-%us%u ::= \"\"\n%s-%ut%u ::= \"\"\n", s->name, o->node, o->n, s->name, o->node, o->n);
}

void roma_constrain_put_object_rule(schema *s, const schema_words *w) {
    object o = {.s = s, .node = w->node};
    roma_buf more = {0}, *before = s->out;
    if (read_object(&o, w)) {
        uint32_t must = 0;
        while (must < o.n && !o.list[must].is_required) must++;
        if (must == o.n && o.n > OPTIONAL_MAX)
            wrong(&o, w->node, ROMA_EUNSUPPORTED, "more than 100 properties are supported where one is required");
        roma_constrain_put(s, "\"{\" %s-ws ", s->name);
        if (must < o.n)
            put_around(&o, must), roma_constrain_put(s, "%s-ws", s->name);
        else
            roma_constrain_put(s, "%s-%us0", s->name, o.node);
        roma_constrain_put(s, " \"}\"");
        for (uint32_t i = 0; i < o.n && !s->rc; i++) put_property(&o, &more, i);
        s->out = &more;
        if (o.has_more && !s->rc) put_further(&o);
        if (must == o.n && !s->rc) put_optional_rules(&o);
        s->out = before;
        roma_buf_append(&s->behind, more.data, more.len);
        if (more.failed || s->behind.failed) roma_constrain_schema_fail(s, 0, ROMA_ENOMEM, "no memory");
    }
    roma_buf_destroy(&more);
    roma_free(o.list);
}
