/* Rows of a step cut into streams and blocks: docs/cost-model.md section 1.1. */
#include "timing.h"

uint32_t roma_cost_timing_count_rows(const roma_cost_span *spans, size_t n) {
    uint32_t rows = 0;
    for (size_t i = 0; i < n; i++) rows += spans[i].rows;
    return rows;
}

uint32_t roma_cost_timing_streams(const roma_chip *c, uint32_t rows) {
    const uint32_t s = (uint32_t)c->streams;
    return s < rows ? s : rows;
}

/* A block ends with its rows, its spans or its stream. */
size_t roma_cost_timing_blocks(const roma_placement *p, const roma_cost_span *spans, size_t n) {
    const uint32_t rows = roma_cost_timing_count_rows(spans, n), block = (uint32_t)p->chip.block_rows;
    return rows / block + n / (uint32_t)p->chip.block_spans + roma_cost_timing_streams(&p->chip, rows) + 1;
}

/* Describes the block of at most `rows` rows that begins at row *skip of span *span, and moves both on. */
static timing_block cut(const timing *t, uint32_t *span, uint32_t *skip, uint32_t rows) {
    timing_block b = {.span = *span, .skip = *skip};
    uint32_t spans = (uint32_t)t->c->block_spans;
    for (uint32_t left = rows; left && spans; spans--) {
        const roma_cost_span *s = &t->spans[*span];
        const uint32_t take = s->rows - *skip < left ? s->rows - *skip : left, first_logits = s->rows - s->logits;
        if (*skip + take > first_logits) b.logits += *skip + take - (*skip > first_logits ? *skip : first_logits);
        left -= take;
        b.rows += take;
        *skip += take;
        if (*skip == s->rows) ++*span, *skip = 0;
    }
    return b;
}

void roma_cost_timing_cut(timing *t, uint32_t rows) {
    const uint32_t size = (uint32_t)t->c->block_rows;
    uint32_t span = 0, skip = 0;
    t->n_blocks = 0;
    for (uint32_t s = 0; s < t->n_streams; s++) {
        const uint64_t begin = (uint64_t)rows * s / t->n_streams, end = (uint64_t)rows * (s + 1) / t->n_streams;
        t->stream_block[s] = t->n_blocks;
        for (uint64_t r = begin; r < end; r += t->blocks[t->n_blocks - 1].rows)
            t->blocks[t->n_blocks++] = cut(t, &span, &skip, end - r < size ? (uint32_t)(end - r) : size);
    }
    t->stream_block[t->n_streams] = t->n_blocks;
    t->first_logits = 0;
    while (t->first_logits < t->n_blocks && !t->blocks[t->first_logits].logits) t->first_logits++;
}
