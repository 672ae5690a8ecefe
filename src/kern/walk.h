/* Part of half.h: a row of activations, or a few beside one another, on its way over a tile. */
#ifndef ROMA_KERN_WALK_H
#define ROMA_KERN_WALK_H

#include "product.h"

enum { FAR, NEAR };

typedef struct {
    job *j;
    const uint8_t *tile;
    size_t row; /* the first of activations */
    int rows;   /* of them */
    unsigned bits, kind;
    unsigned extra;
    unsigned form; /* of scales and minima */
    int class;
    int level; /* FAR or NEAR: the cache that weights are prefetched to */
} walk;

#endif
