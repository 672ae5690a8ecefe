/* Memory of trees and renderings: pieces that are freed as a whole. */
#include <string.h>
#include "template/internal.h"

struct tm_chunk {
    tm_chunk *next;
    size_t used, cap;
    _Alignas(16) char bytes[];
};

void *roma_template_take(tm_pool *p, size_t bytes) {
    enum { USUAL = 1 << 16 };
    if (bytes > SIZE_MAX / 2) return NULL;
    const size_t n = (bytes + 15) & ~(size_t)15;
    tm_chunk *c = p->head;
    if (!c || c->cap - c->used < n) {
        const size_t cap = n > USUAL / 4 ? n : USUAL;
        if (p->limit && (p->bytes > p->limit || cap > p->limit - p->bytes)) return NULL;
        c = roma_alloc(sizeof *c + cap);
        if (!c) return NULL;
        *c = (tm_chunk){.cap = cap};
        p->bytes += cap;
        if (p->head && cap != USUAL) { /* a large piece leaves the open chunk in place */
            c->next = p->head->next;
            p->head->next = c;
        } else {
            c->next = p->head;
            p->head = c;
        }
    }
    void *at = c->bytes + c->used;
    c->used += n;
    memset(at, 0, n);
    return at;
}

void roma_template_pool_free(tm_pool *p) {
    for (tm_chunk *c = p->head, *next; c; c = next) {
        next = c->next;
        roma_free(c);
    }
    *p = (tm_pool){0};
}
