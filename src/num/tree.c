/* The adjacent-pair tree of docs/numerics.md section 3.2 as a stack: part[] holds one sum per set bit of count,
 * the widest at the bottom. */
#include "roma/num.h"

void roma_tree_add(roma_tree *t, float leaf) {
    int top = __builtin_popcountll(t->count);
    for (uint64_t n = t->count; n & 1; n >>= 1) leaf = t->part[--top] + leaf;
    t->part[top] = leaf;
    t->count++;
}

float roma_tree_sum(const roma_tree *t) {
    int top = __builtin_popcountll(t->count);
    if (!top) return 0;
    float sum = t->part[--top];
    while (top) sum = t->part[--top] + sum;
    return sum;
}
