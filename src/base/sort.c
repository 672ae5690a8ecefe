/* A heapsort. */
#include "roma/base.h"

static void swap(uint8_t *a, uint8_t *b, size_t size) {
    for (size_t i = 0; i < size; i++) {
        const uint8_t t = a[i];
        a[i] = b[i];
        b[i] = t;
    }
}

void roma_sort(void *base, size_t n, size_t size, int (*compare)(const void *a, const void *b, void *ctx), void *ctx) {
    uint8_t *at = base;
    for (size_t from = n / 2, left = n; left > 1;) {
        if (from)
            from--;
        else
            swap(at, at + --left * size, size); /* the largest goes behind those that are left */
        for (size_t i = from, child; (child = 2 * i + 1) < left; i = child) {
            if (child + 1 < left && compare(at + child * size, at + (child + 1) * size, ctx) < 0) child++;
            if (compare(at + i * size, at + child * size, ctx) >= 0) break;
            swap(at + i * size, at + child * size, size);
        }
    }
}
