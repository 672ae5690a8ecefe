/* Counts calls to the C library's heap, for bench/serve-load: a library to be preloaded. The first eight bytes of the
 * file that ROMA_HEAP_CALLS names are the count. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

static _Atomic(uint64_t) early, *_Atomic count = &early;

static void counts(void) { atomic_fetch_add_explicit(atomic_load(&count), 1, memory_order_relaxed); }

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("ROMA_HEAP_CALLS");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0 || ftruncate(fd, 4096)) return;
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p != MAP_FAILED) atomic_store(&count, (_Atomic(uint64_t) *)p);
}

void *malloc(size_t n) {
    counts();
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t size) {
    counts();
    return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n) {
    counts();
    return __libc_realloc(p, n);
}
void *aligned_alloc(size_t align, size_t n) {
    counts();
    return __libc_memalign(align, n);
}
int posix_memalign(void **p, size_t align, size_t n) {
    counts();
    *p = __libc_memalign(align, n);
    return *p ? 0 : 12;
}
