/* The bounded heap against a model: what is given belongs to one owner, keeps its bytes, lies where it must, and all of
 * it comes back; alone and from many threads; and as the source of roma_alloc. */
#include "../test.h"
#include "base/internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- a model: who has which bytes -------------------------------------------------------------------- */

enum { SLOTS = 200 };
typedef struct {
    uint8_t *p;
    size_t n;
    uint8_t mark;
} owned;

static uint64_t key;
static uint64_t draw(uint64_t below) { return roma_random(77, key++) % below; }

/* Small pieces mostly, some long ones, and the sizes about which lists change. */
static size_t draw_size(void) {
    switch (draw(4)) {
    case 0: return 1 + (size_t)draw(40);
    case 1: return 1 + (size_t)draw(2000);
    case 2: return ((size_t)1 << draw(17)) + (size_t)draw(33) - (size_t)draw(2);
    default: return (size_t)(16 + draw(16)) << draw(12);
    }
}

static void fill(owned *o) { memset(o->p, o->mark, o->n); }
static bool is_filled(const owned *o, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (o->p[i] != o->mark) return false;
    return true;
}

static void one_step(roma_heap *h, owned *o) {
    size_t n = draw_size();
    if (!o->p) {
        o->p = roma_heap_alloc(h, n);
        if (!o->p) return;
        CHECK((uintptr_t)o->p % 16 == 0);
        *o = (owned){o->p, n, (uint8_t)draw(256)};
    } else if (draw(3) == 0) {
        uint8_t *q = roma_heap_resize(h, o->p, n);
        if (!q) {
            CHECK(is_filled(o, o->n));
            return;
        }
        o->p = q;
        CHECK(is_filled(o, o->n < n ? o->n : n));
        o->n = n;
    } else {
        CHECK(is_filled(o, o->n));
        roma_heap_free(h, o->p);
        *o = (owned){0};
        return;
    }
    fill(o);
}

static void check_model(void) {
    roma_heap *h;
    roma_heap_state s;
    owned all[SLOTS] = {{0}};
    CHECK_EQ(roma_heap_create(&h, 1 << 20, NULL), 0);
    roma_heap_look(h, &s);
    uint64_t largest = s.largest, used = s.used, steps = test_effort(200000);
    CHECK(largest > s.size - s.own - s.size / 16);
    for (uint64_t i = 0; i < steps; i++) {
        one_step(h, &all[draw(SLOTS)]);
        if (i % 500 == 0) CHECK(roma_heap_is_sound(h));
    }
    roma_heap_look(h, &s);
    uint64_t sum = s.own, n = 0;
    for (int i = 0; i < SLOTS; i++)
        if (all[i].p) sum += (all[i].n + 15) / 16 * 16 + s.own_piece, n++;
    CHECK_EQ(s.pieces, n);
    /* A rest too short for a piece of its own stays with its piece. */
    CHECK(s.used >= sum && s.used <= sum + n * 16);
    CHECK(s.most >= s.used && s.most <= s.size);
    CHECK(s.refused > 0);
    for (int i = 0; i < SLOTS; i++) {
        if (all[i].p) CHECK(is_filled(&all[i], all[i].n));
        roma_heap_free(h, all[i].p);
    }
    CHECK(roma_heap_is_sound(h));
    roma_heap_look(h, &s);
    CHECK_EQ(s.pieces, 0u);
    CHECK_EQ(s.used, used);
    CHECK_EQ(s.largest, largest);
    roma_heap_destroy(h);
}

/* ---- the end of memory ----------------------------------------------------------------------------------- */

/* Pieces of one size until there are no more: as many as the block holds, and all of them come back as one. */
static void fill_up(roma_heap *h, size_t n, void **all, size_t cap) {
    roma_heap_state before, full, after;
    size_t count = 0;
    roma_heap_look(h, &before);
    while (count < cap && (all[count] = roma_heap_alloc(h, n))) count++;
    roma_heap_look(h, &full);
    size_t each = (n + 15) / 16 * 16 + before.own_piece, room = before.size - before.own;
    if (count < cap) { /* what is left is less than a piece, or than the step between two lists above it */
        CHECK(count * each <= room);
        CHECK(room - count * each < each + each / 8 + 64);
        CHECK_EQ(full.refused, before.refused + 1);
        CHECK(full.largest < n);
    }
    for (size_t i = 0; i < count; i += 2) roma_heap_free(h, all[i]);
    for (size_t i = 1; i < count; i += 2) roma_heap_free(h, all[i]);
    roma_heap_look(h, &after);
    CHECK_EQ(after.largest, before.largest);
    CHECK_EQ(after.used, before.used);
}

static void check_ends(void) {
    roma_heap *h;
    roma_heap_state s;
    void **all = calloc(5000, sizeof *all);
    CHECK_EQ(roma_heap_create(&h, 1 << 17, NULL), 0);
    for (size_t n = 1; n < 70000; n += 1 + n / 9) fill_up(h, n, all, 5000);
    /* "largest" is what can be given, to the byte. */
    void *a = roma_heap_alloc(h, 40000);
    roma_heap_look(h, &s);
    CHECK(!roma_heap_alloc(h, s.largest + 1));
    void *b = roma_heap_alloc(h, s.largest);
    CHECK(a && b);
    roma_heap_free(h, a);
    roma_heap_free(h, b);
    CHECK(!roma_heap_alloc(h, 0));
    CHECK(!roma_heap_alloc(h, SIZE_MAX));
    CHECK(!roma_heap_alloc(h, SIZE_MAX / 2));
    CHECK(!roma_heap_resize(h, NULL, SIZE_MAX));
    a = roma_heap_resize(h, NULL, 10);
    memset(a, 7, 10);
    CHECK(!roma_heap_resize(h, a, SIZE_MAX) && !roma_heap_resize(h, a, 0) && !roma_heap_resize(h, a, 1 << 17));
    CHECK(((uint8_t *)a)[9] == 7);
    roma_heap_free(h, a);
    roma_heap_free(h, NULL);
    CHECK(roma_heap_is_sound(h));
    roma_heap_destroy(h);
    roma_heap_destroy(NULL);
    free(all);
    roma_error err;
    CHECK_EQ(roma_heap_create(&h, 65535, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "65536");
    CHECK(!h);
    CHECK_EQ(roma_heap_create(&h, UINT64_MAX, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_heap_create(&h, (uint64_t)1 << 46, &err), ROMA_ENOMEM);
    CHECK(!h);
}

/* A piece grows where it stands when the bytes behind it are free, and gives back what it no longer needs. */
static void check_places(void) {
    roma_heap *h;
    roma_heap_state before, s;
    CHECK_EQ(roma_heap_create(&h, 1 << 17, NULL), 0);
    roma_heap_look(h, &before);
    char *a = roma_heap_alloc(h, 1000), *b = roma_heap_alloc(h, 1000), *c = roma_heap_alloc(h, 1000);
    CHECK(b > a && c > b);
    roma_heap_free(h, b);
    CHECK(roma_heap_resize(h, a, 2000) == a);
    CHECK(roma_heap_resize(h, a, 100) == a);
    char *d = roma_heap_alloc(h, 1500);
    CHECK(d > a && d < c);
    char *e = roma_heap_resize(h, a, 5000);
    CHECK(e && e != a);
    roma_heap_free(h, d);
    roma_heap_free(h, e);
    roma_heap_free(h, c);
    roma_heap_look(h, &s);
    CHECK_EQ(s.used, before.used);
    CHECK_EQ(s.largest, before.largest);
    CHECK(s.most > before.used + 7000);
    roma_heap_destroy(h);
}

/* ---- threads -------------------------------------------------------------------------------------------- */

enum { THREADS = 4, SHARED = 64 };
static roma_heap *shared;
static _Atomic(uint8_t *) table[SHARED]; /* pieces that change hands; a piece's first bytes are its size and a mark */

static void stamp(uint8_t *p, size_t n, uint8_t mark) {
    memset(p, mark, n);
    memcpy(p, &n, sizeof n);
}

static void *work(void *ctx) {
    uint64_t who = (uint64_t)(uintptr_t)ctx, bad = 0, steps = test_effort(20000);
    for (uint64_t i = 0; i < steps; i++) {
        uint64_t r = roma_random(who, i);
        size_t n = 16 + (size_t)(r >> 8) % 3000;
        uint8_t *mine = roma_heap_alloc(shared, n), *other;
        if (mine) stamp(mine, n, (uint8_t)r);
        if (mine && r >> 60 == 0) {
            uint8_t *longer = roma_heap_resize(shared, mine, 2 * n);
            if (longer) stamp(mine = longer, 2 * n, (uint8_t)r);
        }
        other = atomic_exchange(&table[r % SHARED], mine);
        if (!other) continue;
        size_t len;
        memcpy(&len, other, sizeof len);
        for (size_t k = sizeof len + 1; k < len; k++) bad += other[k] != other[sizeof len];
        roma_heap_free(shared, other);
    }
    return (void *)(uintptr_t)bad;
}

static void check_threads(void) {
    pthread_t t[THREADS];
    roma_heap_state s;
    CHECK_EQ(roma_heap_create(&shared, 100000, NULL), 0); /* too little for all, so that memory ends too */
    for (uintptr_t i = 0; i < THREADS; i++) CHECK_EQ(pthread_create(&t[i], NULL, work, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++) {
        void *bad;
        pthread_join(t[i], &bad);
        CHECK(!bad);
    }
    for (int i = 0; i < SHARED; i++) roma_heap_free(shared, table[i]);
    CHECK(roma_heap_is_sound(shared));
    roma_heap_look(shared, &s);
    CHECK_EQ(s.pieces, 0u);
    CHECK_EQ(s.used, s.own);
    CHECK(s.refused > 0);
    roma_heap_destroy(shared);
}

/* ---- as the source of roma_alloc ------------------------------------------------------------------------- */

static unsigned outside;
static void *counted_alloc(size_t n) {
    outside++;
    return malloc(n);
}
static void *counted_resize(void *p, size_t n) {
    outside++;
    return realloc(p, n);
}

static void check_installed(void) {
    const roma_allocator counted = {counted_alloc, counted_resize, free};
    roma_heap *h;
    roma_heap_state s;
    roma_allocator_set(&counted);
    char *old = roma_alloc(100), *older = roma_alloc(100);
    CHECK_EQ(roma_heap_create(&h, 1 << 17, NULL), 0);
    roma_heap_install(h);
    outside = 0;
    char *a = roma_alloc(1000), *b = roma_alloc_array(10, 100), *c = roma_resize(NULL, 10);
    CHECK(roma_heap_holds(h, a) && roma_heap_holds(h, b) && roma_heap_holds(h, c));
    for (int i = 0; i < 1000; i++)
        if (b[i]) CHECK(false);
    memset(a, 1, 1000);
    b = roma_resize(b, 5000);
    CHECK(roma_heap_holds(h, b));
    roma_buf text = {0};
    for (int i = 0; i < 1000; i++) roma_buf_print(&text, "%d", i);
    CHECK(!text.failed && roma_heap_holds(h, text.data));
    for (int i = 0; i < 100; i++) roma_buf_append(&text, text.data, 2000);
    CHECK(text.failed); /* memory ends, and nothing else happens */
    CHECK(!roma_alloc(1 << 17) && !roma_alloc_array(SIZE_MAX, 2));
    roma_buf_destroy(&text);
    roma_free(old); /* from before */
    CHECK_EQ(outside, 0u);
    roma_heap_look(h, &s);
    CHECK_EQ(s.outside, 0u);
    older = roma_resize(older, 5000); /* grows where it came from, and is counted */
    CHECK(!roma_heap_holds(h, older));
    CHECK_EQ(outside, 1u);
    roma_heap_look(h, &s);
    CHECK_EQ(s.outside, 1u);
    roma_heap_install(NULL);
    char *d = roma_alloc(10);
    CHECK(!roma_heap_holds(h, d));
    a = roma_resize(a, 2000); /* is the heap's still */
    CHECK(roma_heap_holds(h, a) && a[999] == 1);
    roma_free(a);
    roma_free(b);
    roma_free(c);
    roma_free(d);
    roma_free(older);
    roma_heap_look(h, &s);
    CHECK_EQ(s.pieces, 0u);
    roma_heap_destroy(h);
    roma_allocator_set(NULL);
}

/* Bytes that the host has given, of n behind p. */
static size_t resident(void *p, size_t n) {
    static unsigned char is[16384];
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t all = 0;
    CHECK(n / page <= sizeof is && mincore(p, n, is) == 0);
    for (size_t i = 0; i < n / page; i++) all += (is[i] & 1) * page;
    return all;
}

/* A large heap has the memory of its beginning alone, until a piece needs more. */
static void check_resident(void) {
    enum { ALL = 64 << 20, PIECE = 16 << 20 };
    roma_heap *h;
    CHECK_EQ(roma_heap_create(&h, ALL, NULL), 0);
    CHECK(resident(h, ALL) >= ROMA_HEAP_KEPT && resident(h, ALL) < ROMA_HEAP_KEPT + (4 << 20));
    for (int i = 0; i < 1000; i++) roma_heap_free(h, memset(roma_heap_alloc(h, 1 << 20), i, 1 << 20));
    CHECK(resident(h, ALL) < ROMA_HEAP_KEPT + (4 << 20));
    void *p = memset(roma_heap_alloc(h, PIECE), 1, PIECE);
    CHECK(resident(h, ALL) >= PIECE);
    roma_heap_free(h, p);
    CHECK(roma_heap_is_sound(h));
    roma_heap_destroy(h);
}

int main(void) {
    check_model();
    check_resident();
    check_ends();
    check_places();
    check_threads();
    check_installed();
    return TEST_DONE();
}
