/* A server's beginning and end. */
#include "http/internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { OTHERS = 256 }; /* descriptors of whoever else is in the process */

static uint32_t or_usual(uint32_t given, uint32_t usual) { return given ? given : usual; }

/* The configuration with its usual values, and without what is the caller's. */
static int settle(roma_http_config *c, const roma_http_config *given, roma_error *err) {
    *c = *given;
    c->addresses = c->hosts = c->origins = NULL;
    c->connections = or_usual(c->connections, 1024);
    c->body_most = c->body_most ? c->body_most : (uint64_t)4 << 20;
    c->bodies_bytes = c->bodies_bytes ? c->bodies_bytes : (uint64_t)64 << 20;
    c->head_ms = or_usual(c->head_ms, 10000);
    c->body_ms = or_usual(c->body_ms, 60000);
    c->write_ms = or_usual(c->write_ms, 30000);
    c->idle_ms = or_usual(c->idle_ms, 60000);
    if (c->connections > 65536)
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "%u connections are too many; 65536 at most",
                         c->connections);
    if (c->body_most > (uint64_t)1 << 30)
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "bodies of more than 1 GiB are not taken");
    uint64_t grains;
    if (!roma_round_up(c->body_most, ROMA_HTTP_GRAIN, &grains) || c->bodies_bytes < grains)
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE,
                         "%llu bytes for all bodies do not hold one of %llu; give more",
                         (unsigned long long)c->bodies_bytes, (unsigned long long)c->body_most);
    if (given->n_addresses > ROMA_HTTP_LISTENERS)
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "%zu addresses are too many; %d at most",
                         given->n_addresses, ROMA_HTTP_LISTENERS);
    return ROMA_OK;
}

static uint8_t *address_space(uint64_t bytes, int protection) {
    void *p = mmap(NULL, (size_t)bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* Buffers are the system's until they are touched; what bodies grow into may not even be touched. */
static int take_memory(roma_http *h, roma_error *err) {
    uint64_t area = 0;
    h->slots = h->c.connections + ROMA_HTTP_SPARE;
    h->x = roma_alloc_array(h->slots, sizeof *h->x);
    h->buffers_bytes = (uint64_t)h->slots * (ROMA_HTTP_IN + ROMA_HTTP_OUT);
    (void)roma_round_up(h->c.body_most, ROMA_HTTP_GRAIN, &area);
    if (!roma_mul(area, h->slots, &h->areas_bytes) || h->areas_bytes > SIZE_MAX / 2) h->areas_bytes = 0;
    h->buffers = address_space(h->buffers_bytes, PROT_READ | PROT_WRITE);
    h->areas = h->areas_bytes ? address_space(h->areas_bytes, PROT_NONE) : NULL;
    if (!h->x || !h->buffers || !h->areas)
        return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE,
                         "no memory, or no address space, for %u connections with bodies of %llu bytes; ask for less",
                         h->c.connections, (unsigned long long)h->c.body_most);
    for (uint32_t i = h->slots; i-- > 0;) {
        roma_http_exchange *x = &h->x[i];
        x->h = h;
        x->fd = -1;
        x->in = h->buffers + (size_t)i * (ROMA_HTTP_IN + ROMA_HTTP_OUT);
        x->out = x->in + ROMA_HTTP_IN;
        x->area = h->areas + (size_t)(i * area);
        x->next_free = h->free;
        h->free = x;
    }
    return ROMA_OK;
}

/* A shell gives 1,024 descriptors where the system would give more. */
static void want_descriptors(uint64_t n) {
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur >= n || r.rlim_cur == RLIM_INFINITY) return;
    r.rlim_cur = r.rlim_max < n ? r.rlim_max : n;
    (void)setrlimit(RLIMIT_NOFILE, &r);
}

static int take_descriptors(roma_http *h, roma_error *err) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = h};
    want_descriptors((uint64_t)h->slots + OTHERS);
    h->poll = epoll_create1(EPOLL_CLOEXEC);
    h->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    h->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (h->poll < 0 || h->event < 0 || h->spare < 0 || epoll_ctl(h->poll, EPOLL_CTL_ADD, h->event, &e))
        return roma_fail_errno(err, NULL, "making a server");
    return ROMA_OK;
}

int roma_http_open(roma_http **out, const roma_http_config *c, roma_error *err) {
    assert(c->request && c->over);
    *out = NULL;
    roma_http *h = roma_alloc_array(1, sizeof *h);
    if (!h) return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for a server");
    h->poll = h->event = h->spare = -1;
    h->last = &h->first;
    h->next_due = UINT64_MAX;
    atomic_init(&h->wake, 0);
    atomic_init(&h->grace, -1);
    int rc = settle(&h->c, c, err);
    if (!rc) rc = roma_http_guard_init(&h->guard, c, err);
    if (!rc) rc = take_memory(h, err);
    if (!rc) rc = take_descriptors(h, err);
    if (!rc) rc = roma_http_bind(h, c, err);
    if (rc)
        roma_http_close(h);
    else
        *out = h;
    return rc;
}

void roma_http_close(roma_http *h) {
    if (!h) return;
    for (uint32_t i = 0; h->x && i < h->slots; i++)
        if (h->x[i].state != ROMA_HTTP_FREE) roma_http_drop(&h->x[i], ROMA_HTTP_ENDED);
    roma_http_unlisten(h);
    if (h->poll >= 0) close(h->poll);
    if (h->event >= 0) close(h->event);
    if (h->spare >= 0) close(h->spare);
    if (h->buffers) munmap(h->buffers, (size_t)h->buffers_bytes);
    if (h->areas) munmap(h->areas, (size_t)h->areas_bytes);
    roma_http_guard_destroy(&h->guard);
    roma_free(h->x);
    roma_free(h);
}

uint16_t roma_http_port(const roma_http *h) { return h->port; }

uint64_t roma_http_bytes(const roma_http *h, uint64_t *bodies) {
    if (bodies) *bodies = h->c.bodies_bytes;
    return sizeof *h + h->slots * sizeof *h->x + h->buffers_bytes + h->c.bodies_bytes;
}

void roma_http_look(const roma_http *h, roma_http_counts *out) { *out = h->counts; }
