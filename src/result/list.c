/* List of named results. Copies of texts are cut to their fields, which hold every name that we give. */
#include "roma/result.h"

#include <string.h>

void roma_result_add(roma_result *r, const char *group, const char *name, const char *unit, roma_range v,
                     const char *source) {
    r->failed |= !ROMA_GROW(&r->items, r->n, &r->cap);
    if (r->failed) return;
    roma_result_item *item = &r->items[r->n++];
    roma_print(item->group, sizeof item->group, "%s", group);
    roma_print(item->name, sizeof item->name, "%s", name);
    roma_print(item->unit, sizeof item->unit, "%s", unit);
    roma_print(item->source, sizeof item->source, "%s", source);
    item->v = v;
    item->amiss[0] = 0;
}

const roma_result_item *roma_result_find(const roma_result *r, const char *group, const char *name) {
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->items[i].group, group) == 0 && strcmp(r->items[i].name, name) == 0) return &r->items[i];
    return NULL;
}

void roma_result_destroy(roma_result *r) {
    roma_free(r->items);
    *r = (roma_result){0};
}
