/* The tree over the units of one kind. Included by many_avx512.h once for each: UNIT makes a unit, TREE(name) is the
 * name of a function of this kind, FOURS takes four units before sums go to memory. Kinds are told apart here and not
 * by a constant that is passed down, because compilers inline first, and then drop what they cannot reach: nine tenths.
 */

/* The sum of units u and u + 1. */
ALWAYS_INLINE void TREE(many_pair)(const rows_at *a, uint64_t u, __m512 v[ROWS][WIDE]) {
    __m512 left[ROWS][WIDE];
    UNIT(a, u, left);
    if (a->f.tiles > PAIR) STORE(left);
    UNIT(a, u + 1, v);
    many_add(a, v, left);
}

#ifdef FOURS
/* The sum of units u to u + 3. */
ALWAYS_INLINE void TREE(many_four)(const rows_at *a, uint64_t u, __m512 v[ROWS][WIDE]) {
    __m512 left[ROWS][WIDE];
    TREE(many_pair)(a, u, left);
    TREE(many_pair)(a, u + 2, v);
    many_add(a, v, left);
}
#define STEP 4
#define STEP_OF TREE(many_four)
#else
#define STEP 2
#define STEP_OF TREE(many_pair)
#endif

/* The tree of a panel's units. */
ALWAYS_INLINE void TREE(many_panel)(const rows_at *a, uint64_t units, __m512 v[ROWS][WIDE]) {
    __m512 part[4][ROWS][WIDE];
    unsigned top = 0;
    uint64_t u = 0;
    many_none(a, v); /* there are units, but compilers do not know */
    for (; u + STEP <= units; u += STEP) {
        STEP_OF(a, u, v);
        for (uint64_t n = u / STEP; n & 1; n >>= 1) many_add(a, v, part[--top]);
        if (u + STEP < units) many_copy(a, part[top++], v);
    }
    for (const uint64_t whole = u; u < units; u++) {
        UNIT(a, u, v);
        for (uint64_t n = u - whole; n & 1; n >>= 1) many_add(a, v, part[--top]);
        if (u + 1 < units) many_copy(a, part[top++], v);
    }
    while (top) many_add(a, v, part[--top]);
}

/* Group g of `rows` rows at a panel of chunk c. */
ALWAYS_INLINE void TREE(many_group)(const many_job *k, panel *p, uint64_t c, size_t g, unsigned rows, const form f) {
    const uint64_t units = f.kind == UNIT_16 || f.kind == UNIT_32 ? p->n : p->n >> k->j->log_span;
    const rows_at a = {.k = k,
                       .p = p,
                       .l = lines_of(k, c, g),
                       .z = k->z + (c * k->groups + g) * 2 * CHUNK * ROWS,
                       .rows = rows,
                       .f = f,
                       .leads = g == 0};
    __m512 v[ROWS][WIDE];
    for (size_t i = 0; f.width == UNPACKED && !k->first && i < f.tiles / PAIR; i++) ask_share(k, p + i, g);
    TREE(many_panel)(&a, units, v);
    many_push(&a, c, g, v);
}

#undef STEP
#undef STEP_OF
#undef FOURS
#undef UNIT
#undef TREE
