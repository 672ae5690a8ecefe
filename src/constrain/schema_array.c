/* Arrays: elements by their place (prefixItems), then those of one schema, so many as may be. */
#include "constrain/schema.h"

#include <string.h>

typedef struct {
    schema *s;
    uint32_t node;
    uint32_t first;       /* of prefixItems */
    uint32_t n;           /* of them */
    uint32_t least, most; /* elements; UINT32_MAX: any number */
    bool has_items;       /* others may follow the first ones */
    uint32_t items;       /* their schema; 0: any */
} array;

static void fail(array *a, uint32_t node, const char *what) {
    roma_constrain_schema_fail(a->s, node, ROMA_EINPUT, "%s", what);
}

static void read_array(array *a, const schema_words *w) {
    const schema *s = a->s;
    const uint32_t prefix = w->value[KEY_PREFIX], items = w->value[KEY_ITEMS];
    a->least = roma_constrain_count(a->s, w, KEY_MIN_ITEMS, 0);
    a->most = roma_constrain_count(a->s, w, KEY_MAX_ITEMS, UINT32_MAX);
    if (prefix && s->nodes[prefix].kind != ROMA_JSON_ARRAY) fail(a, prefix, "prefixItems is a list of schemas");
    a->first = prefix ? s->nodes[prefix].first : 0;
    for (uint32_t i = a->first; i; i = s->nodes[i].next) a->n++;
    const roma_json_kind kind = items ? s->nodes[items].kind : ROMA_JSON_TRUE;
    if (kind != ROMA_JSON_OBJECT && kind != ROMA_JSON_TRUE && kind != ROMA_JSON_FALSE)
        fail(a, items, "items is a schema; schemas by the place of an element are prefixItems");
    a->has_items = kind != ROMA_JSON_FALSE && (items || !a->n); /* behind the first ones only where that is said */
    a->items = kind == ROMA_JSON_OBJECT ? items : 0;
    if (!a->has_items && a->most > a->n) a->most = a->n;
    if (a->least > a->most) fail(a, w->node, "no array has so few and so many elements");
}

static void put_item(array *a) {
    if (a->items)
        roma_constrain_put_rule(a->s, a->items);
    else
        roma_constrain_put(a->s, " %s-value ", a->s->name);
}

/* Elements of the one schema when `before` are there already; before 0: at least one, and no comma before it. */
static void put_items(array *a, uint32_t before) {
    const bool leads = !before;
    if (leads) put_item(a), before = 1;
    if (a->most <= before) return;
    roma_constrain_put(a->s, " (\",\" %s-ws ", a->s->name);
    put_item(a);
    roma_constrain_put(a->s, "){%u,", a->least > before ? a->least - before : 0);
    if (a->most != UINT32_MAX) roma_constrain_put(a->s, "%u", a->most - before);
    roma_constrain_put(a->s, "}");
}

/* Rule NAME-<node>a<i>: the elements from the i-th on, the first of which is there. Behind the rule that is being
 * written. */
static void put_places(array *a) {
    schema *s = a->s;
    roma_buf *before = s->out;
    uint32_t at = a->first;
    s->out = &s->behind;
    for (uint32_t i = 0; i < a->n && i < a->most && !s->rc; i++, at = s->nodes[at].next) {
        const bool may_end = i && a->least <= i;
        roma_constrain_put(s, "%s-%ua%u ::= %s", s->name, a->node, i, may_end ? "(" : "");
        if (i) roma_constrain_put(s, "\",\" %s-ws", s->name);
        roma_constrain_put_rule(s, at);
        if (i + 1 < a->n && i + 1 < a->most)
            roma_constrain_put(s, "%s-%ua%u", s->name, a->node, i + 1);
        else if (a->has_items)
            put_items(a, i + 1);
        roma_constrain_put(s, "%s\n", may_end ? ")?" : "");
    }
    s->out = before;
}

void roma_constrain_put_array_rule(schema *s, const schema_words *w) {
    array a = {.s = s, .node = w->node};
    read_array(&a, w);
    if (s->rc) return;
    roma_constrain_put(s, "\"[\" %s-ws %s", s->name, a.most && !a.least ? "(" : "");
    if (a.n && a.most)
        roma_constrain_put(s, "%s-%ua0", s->name, a.node);
    else if (a.most)
        put_items(&a, 0);
    if (a.most) roma_constrain_put(s, " %s-ws%s", s->name, a.least ? "" : ")?");
    roma_constrain_put(s, " \"]\"");
    if (a.n && a.most) put_places(&a);
}
