/* For the tests of refusal: an allocator that runs out, and whether a sanitizer needs the address space. */
#ifndef ROMA_TEST_SCARCE_H
#define ROMA_TEST_SCARCE_H
#include "roma/base.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static int scarce_left; /* calls that still succeed */
static inline void *scarce_alloc(size_t n) { return scarce_left-- > 0 ? malloc(n) : NULL; }
static inline void *scarce_resize(void *p, size_t n) { return scarce_left-- > 0 ? realloc(p, n) : NULL; }

/* From here on n calls succeed; roma_allocator_set(NULL) ends the scarcity. */
static inline void scarce_begin(int n) {
    static const roma_allocator scarce = {scarce_alloc, scarce_resize, free};
    scarce_left = n;
    roma_allocator_set(&scarce);
}
#endif
