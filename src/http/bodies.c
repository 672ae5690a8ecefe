/* Bodies that do not fit beside their heads. Every connection has address space for the longest body; memory comes into
 * it a grain at a time, as bytes arrive, and goes back when the exchange is over. What all bodies have is counted and
 * bounded, so that a client who only announces much holds nothing. */
#include "http/internal.h"

#include <sys/mman.h>

bool roma_http_body_grow(roma_http_exchange *x, uint64_t bytes) {
    roma_http *h = x->h;
    if (bytes <= x->grown) return true;
    uint64_t most = h->areas_bytes / h->slots, to = (bytes + ROMA_HTTP_GRAIN - 1) / ROMA_HTTP_GRAIN * ROMA_HTTP_GRAIN;
    if (to > most || to - x->grown > h->c.bodies_bytes - h->counts.bodies_bytes) return false;
    if (mprotect(x->area + x->grown, (size_t)(to - x->grown), PROT_READ | PROT_WRITE)) return false;
    h->counts.bodies_bytes += to - x->grown;
    x->grown = to;
    return true;
}

void roma_http_body_drop(roma_http_exchange *x) {
    if (!x->grown) return;
    (void)madvise(x->area, (size_t)x->grown, MADV_DONTNEED);
    (void)mprotect(x->area, (size_t)x->grown, PROT_NONE);
    x->h->counts.bodies_bytes -= x->grown;
    x->grown = 0;
}
