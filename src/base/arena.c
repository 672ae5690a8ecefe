/* Arena: one block of memory that is really there when create returns. */
#include "base/internal.h"

#include <fcntl.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

/* MemAvailable of /proc/meminfo in bytes; UINT64_MAX when the host does not tell. Read without stdio,
 * which would allocate behind roma_allocator's back. */
static uint64_t host_available(void) {
    char text[4096];
    int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return UINT64_MAX;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *line = strstr(text, "MemAvailable:");
    uint64_t bytes;
    return line && roma_mul(strtoull(line + strlen("MemAvailable:"), NULL, 10), 1024, &bytes) ? bytes : UINT64_MAX;
}

/* Whole MiB, up for what is asked and down for what there is, so that the sentence is never absurd. */
static int refuse(roma_error *err, uint64_t bytes, uint64_t available) {
    unsigned long long need = (bytes >> 20) + ((bytes & 0xfffff) != 0), have = available >> 20;
    if (bytes > available)
        return roma_fail(
            err, ROMA_ENOMEM, NULL, ROMA_NOWHERE,
            "%llu MiB of memory are needed and the host has %llu MiB available; ask for less, or free memory", need,
            have);
    return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE,
                     "%llu MiB of memory are needed and the system refused them; raise this process's memory limit",
                     need);
}

uint8_t *roma_base_map_aligned(size_t size, int protection) {
    size_t extra = size >= ROMA_HUGE_PAGE ? ROMA_HUGE_PAGE : 0;
    uint8_t *p = mmap(NULL, size + extra, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    size_t head = extra ? (ROMA_HUGE_PAGE - (uintptr_t)p % ROMA_HUGE_PAGE) % ROMA_HUGE_PAGE : 0;
    if (head) munmap(p, head);
    if (extra > head) munmap(p + head + size, extra - head);
    return p + head;
}

/* Gives every page its memory now. MAP_POPULATE would come too early: it fills the block with small
 * pages before huge ones can be advised. */
static int touch(uint8_t *p, size_t size, size_t page) {
    if (madvise(p, size, MADV_POPULATE_WRITE) == 0) return 0;
    if (errno != EINVAL) return -1;
    for (size_t i = 0; i < size; i += page) *(volatile uint8_t *)(p + i) = 0;
    return 0;
}

typedef struct {
    uint8_t *base;
    size_t size, page;
    atomic_int refused;
} block;

/* A thread's huge pages of a block; the last one's are cut short where the block ends. */
static void touch_part(void *ctx, int thread, int threads) {
    block *b = ctx;
    size_t from, to;
    roma_share(b->size / ROMA_HUGE_PAGE + 1, thread, threads, &from, &to);
    from *= ROMA_HUGE_PAGE;
    to = to * ROMA_HUGE_PAGE < b->size ? to * ROMA_HUGE_PAGE : b->size;
    if (from < to && touch(b->base + from, to - from, b->page) != 0) atomic_store(&b->refused, 1);
}

int roma_arena_create(roma_arena *a, size_t bytes, roma_error *err) {
    return roma_arena_create_by(a, bytes, NULL, err);
}

int roma_arena_create_by(roma_arena *a, size_t bytes, roma_team *team, roma_error *err) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint64_t available = host_available(), rounded;
    *a = (roma_arena){0};
    /* The second bound leaves room for alignment and keeps every sum below SIZE_MAX. */
    if (!roma_round_up(bytes ? bytes : 1, page, &rounded) || rounded > SIZE_MAX / 2 || rounded > available)
        return refuse(err, bytes, available);
    size_t size = (size_t)rounded;
    uint8_t *p = roma_base_map_aligned(size, PROT_READ | PROT_WRITE);
    if (!p) return refuse(err, size, available);
    (void)madvise(p, size, MADV_HUGEPAGE); /* a wish: a kernel without huge pages says no */
    block b = {.base = p, .size = size, .page = page};
    if (team)
        roma_team_run(team, touch_part, &b);
    else
        touch_part(&b, 0, 1);
    if (atomic_load(&b.refused)) {
        munmap(p, size);
        return refuse(err, size, available);
    }
    *a = (roma_arena){.base = p, .size = size};
    roma_base_count_alloc();
    return ROMA_OK;
}

void roma_arena_destroy(roma_arena *a) {
    if (a->base) munmap(a->base, a->size);
    *a = (roma_arena){0};
}

/* Pieces are zero because the mapping is and no byte is ever handed out twice. */
void *roma_arena_take(roma_arena *a, size_t bytes) {
    /* size and used are multiples of 64, so that what fits also fits rounded up. */
    if (!a->base || bytes > a->size - a->used) return NULL;
    uint8_t *p = a->base + a->used;
    a->used += roma_arena_piece(bytes);
    return p;
}
