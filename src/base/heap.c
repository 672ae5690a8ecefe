/* A bounded heap over one block: two-level segregated fit (Masmano, Ripoll, Crespo, Real: TLSF, 2004), so that giving
 * and taking back take constant time, whatever happened before.
 *
 * The block is pieces one behind another, the last of which is empty and never free. Free pieces hang in lists by size:
 * a level for each power of two, sixteen lists a level, the lowest level in steps of sixteen bytes. A piece is taken
 * from the first list all of whose pieces are long enough; what is too much of it becomes a piece again, and a piece
 * that is given back becomes one with free neighbours. */
#include "base/internal.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONS 1
#endif
#endif
#ifdef POISONS
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#define ROOT(p, n) __lsan_register_root_region(p, n)
#define NO_ROOT(p, n) __lsan_unregister_root_region(p, n)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define ROOT(p, n) ((void)(p), (void)(n))
#define NO_ROOT(p, n) ((void)(p), (void)(n))
#endif

enum {
    UNIT = 16,   /* sizes and addresses are multiples of it */
    LISTS = 16,  /* of a level */
    LEVELS = 40, /* the lowest: below 256 bytes; the highest: up to 2^47 */
    LOW = 8,     /* log2 of where the second level begins */
    SMALLEST = 65536
};

/* A piece's bytes stand behind its two words; a free one has its list's links there. */
typedef struct piece {
    struct piece *before; /* in the block; NULL: none */
    size_t size;          /* of its bytes, a multiple of UNIT; the lowest bit: it is free */
    struct piece *next, *last;
} piece;
enum { WORDS = 16 };
_Static_assert(offsetof(piece, next) == WORDS, "what a piece holds begins behind its words");

struct roma_heap {
    roma_arena arena;
    pthread_mutex_t lock;
    piece *list[LEVELS][LISTS];
    uint64_t levels;        /* which have a list that is not empty */
    uint16_t lists[LEVELS]; /* which these are */
    uint8_t *begin, *end;   /* of the pieces, the last one included */
    roma_heap_state state;
};

static bool is_free(const piece *p) { return p->size & 1; }
static size_t size_of(const piece *p) { return p->size & ~(size_t)1; }
static uint8_t *bytes_of(piece *p) { return (uint8_t *)p + WORDS; }
static piece *piece_of(void *bytes) { return (piece *)(void *)((uint8_t *)bytes - WORDS); }
static piece *behind(piece *p) { return (piece *)(void *)(bytes_of(p) + size_of(p)); }

/* ---- lists -------------------------------------------------------------------------------------- */

static unsigned log2_of(size_t n) { return 63 - (unsigned)__builtin_clzll(n); }

/* The list of pieces of a size, n >= UNIT. */
static void list_of(size_t n, unsigned *level, unsigned *list) {
    unsigned l = log2_of(n);
    *level = l < LOW ? 0 : l - LOW + 1;
    *list = (unsigned)(l < LOW ? n / UNIT : (n >> (l - 4)) & (LISTS - 1));
}

/* The least size of a list's pieces. */
static size_t least_of(unsigned level, unsigned list) {
    return level ? (size_t)(LISTS + list) << (level + LOW - 5) : (size_t)list * UNIT;
}

static void hang(roma_heap *h, piece *p) {
    unsigned level, list;
    list_of(size_of(p), &level, &list);
    p->size |= 1;
    p->last = NULL;
    p->next = h->list[level][list];
    if (p->next) p->next->last = p;
    h->list[level][list] = p;
    h->levels |= UINT64_C(1) << level;
    h->lists[level] = (uint16_t)(h->lists[level] | 1u << list);
    POISON(bytes_of(p) + 2 * sizeof(piece *), size_of(p) - 2 * sizeof(piece *));
}

static void unhang(roma_heap *h, piece *p) {
    unsigned level, list;
    list_of(size_of(p), &level, &list);
    if (p->next) p->next->last = p->last;
    if (p->last)
        p->last->next = p->next;
    else
        h->list[level][list] = p->next;
    if (!h->list[level][list]) h->lists[level] = (uint16_t)(h->lists[level] & ~(1u << list));
    if (!h->lists[level]) h->levels &= ~(UINT64_C(1) << level);
    p->size &= ~(size_t)1;
    UNPOISON(bytes_of(p), size_of(p));
}

/* A free piece of at least n bytes, or NULL: the first of the first list whose pieces are all that long. */
static piece *find(const roma_heap *h, size_t n) {
    unsigned level, list;
    if (n >= (size_t)1 << LOW) n += ((size_t)1 << (log2_of(n) - 4)) - 1; /* up to the next list */
    list_of(n, &level, &list);
    if (level >= LEVELS) return NULL;
    unsigned lists = h->lists[level] & (~0u << list);
    if (!lists) {
        uint64_t levels = level + 1 < 64 ? h->levels & (~UINT64_C(0) << (level + 1)) : 0;
        if (!levels) return NULL;
        level = (unsigned)__builtin_ctzll(levels);
        lists = h->lists[level];
    }
    return h->list[level][__builtin_ctz(lists)];
}

/* ---- pieces ------------------------------------------------------------------------------------- */

/* Makes a piece that is not free n bytes long and what is behind these a free piece, where that is worth one. */
static void cut(roma_heap *h, piece *p, size_t n) {
    if (size_of(p) - n < WORDS + UNIT) return;
    piece *rest = (piece *)(void *)(bytes_of(p) + n), *next = behind(p);
    UNPOISON(rest, sizeof *rest);
    rest->before = p;
    rest->size = size_of(p) - n - WORDS;
    p->size = n;
    next->before = rest;
    if (is_free(next)) {
        unhang(h, next);
        rest->size += WORDS + size_of(next);
        behind(rest)->before = rest;
    }
    hang(h, rest);
}

/* Makes a piece longer by what is free behind it. */
static void join(roma_heap *h, piece *p) {
    piece *next = behind(p);
    unhang(h, next);
    p->size += WORDS + size_of(next);
    behind(p)->before = p;
}

static void give_back(roma_heap *h, piece *p) {
    if (is_free(behind(p))) join(h, p);
    if (p->before && is_free(p->before)) {
        piece *first = p->before;
        unhang(h, first);
        first->size += WORDS + size_of(p);
        behind(first)->before = first;
        p = first;
    }
    UNPOISON(bytes_of(p), 2 * sizeof(piece *));
    hang(h, p);
}

static void count(roma_heap *h, size_t more, size_t less) {
    h->state.used += more;
    h->state.used -= less;
    if (h->state.used > h->state.most) h->state.most = h->state.used;
}

/* Bytes of a piece for n bytes; 0: more than any heap has. */
static size_t rounded(size_t n) { return n <= (size_t)1 << 46 ? (n + UNIT - 1) / UNIT * UNIT : 0; }

/* Of a piece of which the caller asked for n bytes, a sanitizer sees the others as not there. */
static void *hand_out(piece *p, size_t n) {
    UNPOISON(bytes_of(p), n);
    POISON(bytes_of(p) + n, size_of(p) - n);
    return bytes_of(p);
}

static piece *take(roma_heap *h, size_t n) {
    size_t size = rounded(n);
    piece *p = size ? find(h, size) : NULL;
    if (!p) {
        h->state.refused += n != 0;
        return NULL;
    }
    unhang(h, p);
    cut(h, p, size);
    h->state.pieces++;
    count(h, WORDS + size_of(p), 0);
    return p;
}

/* ---- the face ----------------------------------------------------------------------------------- */

/* The host has shown that it has all of the block's memory; what few heaps ever use it gets back until that is used. */
static void lend(const roma_arena *a) {
    if (a->size > ROMA_HEAP_KEPT) (void)madvise(a->base + ROMA_HEAP_KEPT, a->size - ROMA_HEAP_KEPT, MADV_DONTNEED);
}

int roma_heap_create(roma_heap **out, uint64_t bytes, roma_error *err) {
    roma_arena arena;
    *out = NULL;
    if (bytes < SMALLEST || bytes > (uint64_t)1 << 46)
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "a heap of %llu bytes; give at least %d",
                         (unsigned long long)bytes, SMALLEST);
    int rc = roma_arena_create(&arena, (size_t)bytes, err);
    if (rc) return rc;
    roma_heap *h = roma_arena_take(&arena, sizeof *h);
    *h = (roma_heap){.arena = arena};
    lend(&arena);
    if (pthread_mutex_init(&h->lock, NULL)) {
        roma_arena_destroy(&arena);
        return roma_fail(err, ROMA_EIO, NULL, ROMA_NOWHERE, "the system refuses a lock");
    }
    h->begin = arena.base + arena.used;
    h->end = arena.base + arena.size;
    piece *all = (piece *)(void *)h->begin;
    all->size = (size_t)(h->end - h->begin) - 2 * WORDS;
    behind(all)->before = all; /* the last one has its words alone, and the arena is zero */
    h->state = (roma_heap_state){.size = arena.size, .own = arena.used + WORDS, .own_piece = WORDS};
    h->state.used = h->state.most = h->state.own;
    hang(h, all);
    ROOT(arena.base, arena.size);
    *out = h;
    return ROMA_OK;
}

void roma_heap_destroy(roma_heap *h) {
    if (!h) return;
    roma_arena arena = h->arena;
    roma_base_forget_heap(h);
    pthread_mutex_destroy(&h->lock);
    UNPOISON(arena.base, arena.size);
    NO_ROOT(arena.base, arena.size);
    roma_arena_destroy(&arena);
}

void *roma_heap_alloc(roma_heap *h, size_t bytes) {
    pthread_mutex_lock(&h->lock);
    piece *p = take(h, bytes);
    void *out = p ? hand_out(p, bytes) : NULL;
    pthread_mutex_unlock(&h->lock);
    return out;
}

void roma_heap_free(roma_heap *h, void *bytes) {
    if (!bytes) return;
    piece *p = piece_of(bytes);
    pthread_mutex_lock(&h->lock);
    assert(roma_heap_holds(h, bytes) && !is_free(p));
    h->state.pieces--;
    count(h, 0, WORDS + size_of(p));
    UNPOISON(bytes_of(p), size_of(p));
    give_back(h, p);
    pthread_mutex_unlock(&h->lock);
}

/* Tries to give a piece another size where it stands. */
static bool stretch(roma_heap *h, piece *p, size_t n) {
    size_t size = rounded(n), was = size_of(p);
    if (!size) return false;
    if (size > was) {
        piece *next = behind(p);
        if (!is_free(next) || was + WORDS + size_of(next) < size) return false;
        join(h, p);
    }
    UNPOISON(bytes_of(p), size_of(p));
    cut(h, p, size);
    count(h, size_of(p), was);
    hand_out(p, n);
    return true;
}

void *roma_heap_resize(roma_heap *h, void *bytes, size_t n) {
    if (!bytes) return roma_heap_alloc(h, n);
    if (!n) return NULL;
    piece *p = piece_of(bytes), *moved = NULL;
    pthread_mutex_lock(&h->lock);
    assert(roma_heap_holds(h, bytes) && !is_free(p));
    size_t was = size_of(p);
    bool is_there = stretch(h, p, n);
    if (!is_there) moved = take(h, n);
    void *out = is_there ? bytes : moved ? hand_out(moved, n) : NULL;
    pthread_mutex_unlock(&h->lock);
    if (!moved) return out;
    UNPOISON(bytes, was);
    memcpy(out, bytes, was < n ? was : n); /* both are the caller's: no lock */
    roma_heap_free(h, bytes);
    return out;
}

bool roma_heap_holds(const roma_heap *h, const void *p) {
    return (const uint8_t *)p >= h->begin && (const uint8_t *)p < h->end;
}

void roma_heap_went_outside(roma_heap *h) {
    pthread_mutex_lock(&h->lock);
    h->state.outside++;
    pthread_mutex_unlock(&h->lock);
}

void roma_heap_look(roma_heap *h, roma_heap_state *out) {
    pthread_mutex_lock(&h->lock);
    *out = h->state;
    out->largest = 0;
    if (h->levels) {
        unsigned level = log2_of(h->levels);
        out->largest = least_of(level, log2_of(h->lists[level]));
    }
    pthread_mutex_unlock(&h->lock);
}

/* ---- for tests ------------------------------------------------------------------------------------ */

bool roma_heap_is_sound(roma_heap *h) {
    size_t n_free = 0, n_listed = 0, n_used = 0;
    uint64_t used = h->state.own;
    bool sound = true;
    pthread_mutex_lock(&h->lock);
    piece *before = NULL, *p = (piece *)(void *)h->begin, *last = (piece *)(void *)(h->end - WORDS);
    for (; sound && p != last; before = p, p = behind(p)) {
        sound = (uint8_t *)p < (uint8_t *)last && p->before == before && size_of(p) && size_of(p) % UNIT == 0 &&
                !(before && is_free(before) && is_free(p));
        n_free += is_free(p);
        n_used += !is_free(p);
        if (!is_free(p)) used += WORDS + size_of(p);
    }
    sound = sound && last->before == before && last->size == 0 && used == h->state.used && n_used == h->state.pieces;
    for (unsigned i = 0; sound && i < LEVELS; i++)
        for (unsigned k = 0; sound && k < LISTS; k++) {
            sound = (h->lists[i] >> k & 1) == (h->list[i][k] != NULL) && (h->levels >> i & 1) == (h->lists[i] != 0);
            for (piece *q = h->list[i][k]; sound && q; q = q->next, n_listed++) {
                unsigned level, list;
                list_of(size_of(q), &level, &list);
                sound = is_free(q) && level == i && list == k && (!q->next || q->next->last == q);
            }
        }
    pthread_mutex_unlock(&h->lock);
    return sound && n_listed == n_free;
}
