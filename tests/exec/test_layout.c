/* Where things lie: every piece of an engine's and a batch's arenas has the room that its header says, in an arena,
 * overlaps no other, and all of them, rounded up to 64 bytes each, are what is taken. Sanitizers do not see one piece
 * run into the next. */
#include "exec/attend.h"
#include "exec/batch.h"
#include "loaded.h"

enum { PIECES = 8192 };

typedef struct {
    const uint8_t *at;
    uint64_t bytes;
} piece;

static piece pieces[PIECES];
static size_t n_pieces;

static void add(const void *at, uint64_t bytes) {
    if (!bytes) return;
    CHECK(at != NULL && n_pieces < PIECES);
    pieces[n_pieces++] = (piece){at, bytes};
}
#define ADD(p, n) add(p, (uint64_t)(n) * sizeof *(p))

static int by_place(const void *a, const void *b) {
    const piece *p = a, *q = b;
    return (p->at > q->at) - (p->at < q->at);
}

static bool lies_in(const roma_arena *a, const piece *p) {
    return p->at >= a->base && p->at + p->bytes <= a->base + a->size;
}

static void check_pieces(const roma_arena *a, const roma_arena *b) {
    uint64_t taken = 0;
    qsort(pieces, n_pieces, sizeof *pieces, by_place);
    for (size_t i = 0; i < n_pieces; i++) {
        CHECK(lies_in(a, &pieces[i]) || lies_in(b, &pieces[i]));
        CHECK_EQ((uintptr_t)pieces[i].at % 64, 0);
        taken += (pieces[i].bytes + 63) / 64 * 64;
        CHECK(i + 1 == n_pieces || pieces[i].at + pieces[i].bytes <= pieces[i + 1].at);
    }
    CHECK_EQ(taken, a->used + (b == a ? 0 : b->used));
    n_pieces = 0;
}

static void add_values(const roma_exec *e) {
    const roma_plan *p = e->plan;
    ADD(e->values, p->n_values);
    for (uint32_t i = 0; i < p->n_values; i++) {
        const bool is_logits = i == p->ops[p->n_ops - 1].out, is_row = i == p->ops[0].out || i == p->ops[1].out;
        const uint32_t rows = is_logits ? e->cfg.logit_rows : e->cfg.rows, threads = (uint32_t)e->threads;
        const uint32_t copies = (is_row || p->values[i].is_codes) && threads > rows ? threads - rows : 0;
        const value_store *v = &e->values[i];
        if (p->values[i].is_codes) {
            ADD(v->act, rows + copies);
            for (uint32_t r = 0; r < rows + copies; r++) add(v->act[r].code, roma_act_bytes(p->values[i].width));
        } else {
            CHECK(v->stride >= p->values[i].width && v->stride % 16 == 0);
            ADD(v->f32, rows * v->stride);
            ADD(v->copies, copies * v->stride);
        }
    }
}

static void add_scratch(const roma_exec *e) {
    const roma_hyper *h = e->hyper;
    uint32_t levels = 1; /* of the tree over all pages, and the leaf that comes */
    for (uint32_t pages = e->cfg.context / 32; pages; pages /= 2) levels++;
    for (int t = 0; t < e->threads; t++) {
        const thread_scratch *s = &e->scratch[t];
        add(s->product, roma_kern_scratch_bytes(h->ffn > h->hidden ? h->ffn : h->hidden, e->cfg.rows));
        ADD(s->score, 8 * e->cfg.context);
        ADD(s->tree, 8 * h->head_dim * levels);
        ADD(s->gained, h->hidden);
        ADD(s->query, 8 * h->head_dim);
        ADD(s->query_scale, 8);
        add(s->unpacked, (uint64_t)2 * ROMA_PAGE * h->head_dim);
        ADD(s->h, 32 * e->lora.width);
    }
    if (e->threads == 1) return;
    const uint64_t parts = (uint64_t)roma_exec_split_most(h, e->threads) * (h->heads / h->kv_heads);
    ADD(e->split.score, h->heads * e->cfg.context);
    ADD(e->split.max, parts);
    ADD(e->split.sum, parts);
    ADD(e->split.node, parts * h->head_dim);
}

static void add_tables(const roma_exec *e) {
    const uint64_t ops = e->plan->n_ops;
    ADD(e->barrier, ops);
    ADD(e->cuts, ops * ((uint64_t)e->threads + 1));
    ADD(e->sequences, e->cfg.sequences);
    for (uint32_t s = 0; s < e->cfg.sequences; s++) ADD(e->sequences[s].blocks, e->cfg.context / 32);
    ADD(e->free_blocks, e->cfg.pages);
    ADD(e->refs, e->cfg.pages);
    ADD(e->logit_row, e->cfg.logit_rows);
    ADD(e->blocks, e->cfg.rows);
}

static void add_adapters(const roma_exec *e) {
    const lora_state *l = &e->lora;
    const uint64_t slots = e->cfg.adapters ? (uint64_t)e->cfg.rows * e->cfg.adapter_stack : 0;
    ADD(l->adapters, e->cfg.adapters);
    for (uint32_t i = 0; i < e->cfg.adapters; i++) ADD(l->adapters[i].matrix, e->plan->n_adapter_slots);
    ADD(l->sets, e->cfg.adapter_sets + 1);
    ADD(l->from, e->plan->n_ops);
    ADD(l->slots, slots);
    ADD(l->groups, slots);
    ADD(l->count, e->cfg.adapters);
    CHECK(!slots || (l->width >= e->cfg.adapter_rank && l->width % 16 == 0));
    for (int p = 0; p < 7; p++) {
        ADD(l->codes[p], slots * l->width);
        ADD(l->t[p], slots);
    }
}

static void check_batch(roma_exec *e, uint32_t running, uint32_t waiting, uint32_t proposals) {
    roma_batch *b;
    roma_error err = {0};
    CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){running, waiting, proposals}, &err), 0);
    ADD(b->lanes, e->cfg.sequences);
    for (uint32_t i = 0; i < e->cfg.sequences; i++) {
        const draft *d = &b->lanes[i].draft;
        ADD(b->lanes[i].ids, e->cfg.context + 1);
        if (!b->cfg.proposals) continue; /* none in an engine of one row a step */
        CHECK((d->mask & (d->mask + 1)) == 0 && d->mask + 1 >= e->cfg.context && d->mask + 1 >= 64);
        ADD(d->head, d->mask + 1);
        ADD(d->before, e->cfg.context + 1);
    }
    ADD(b->requests, running + waiting);
    ADD(b->active, running);
    ADD(b->rows, e->cfg.rows);
    ADD(b->proposal, e->cfg.rows);
    ADD(b->final, e->hyper->hidden);
    const uint32_t by[] = {(uint32_t)e->threads, running, 4};
    uint32_t samplers = by[0];
    for (int i = 1; i < 3; i++) samplers = by[i] < samplers ? by[i] : samplers;
    for (uint32_t i = 0; i < samplers; i++) add(b->scratch[i], roma_sample_bytes(e->hyper->vocab));
    ADD(b->cost.time, e->cfg.rows + 1);
    check_pieces(&b->arena, &b->arena);
    roma_batch_destroy(b);
}

int main(void) {
    static const roma_exec_config configs[] = {
        {.threads = 1, .context = 32, .rows = 1},
        {.threads = 2, .context = 2048, .sequences = 3, .rows = 5, .logit_rows = 4},
        {.threads = 9, .context = 96, .sequences = 7, .rows = 3, .logit_rows = 3, .pages = 11},
        {.threads = 3,
         .context = 640,
         .sequences = 2,
         .rows = 70,
         .logit_rows = 9,
         .adapters = 5,
         .adapter_bytes = 1 << 20,
         .adapter_rank = 21,
         .adapter_stack = 3,
         .adapter_sets = 4},
        {.threads = 1, .context = 64, .rows = 130, .adapters = 1, .adapter_bytes = 1 << 20},
    };
    static const uint32_t archs[] = {ROMA_ARCH_LLAMA, ROMA_ARCH_QWEN2, ROMA_ARCH_QWEN3};
    for (int k = 0; k < 3; k++) {
        loaded m;
        load_as(&m, archs[k], (roma_format){.bits = 4, .scale = ROMA_SCALE_F16, .group = 32, .zero = 8}, 3);
        for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
            roma_exec *e = engine(&m, configs[i]);
            add_values(e);
            add_scratch(e);
            add_tables(e);
            add_adapters(e);
            check_pieces(&e->work, &e->activations);
            const uint32_t most = e->cfg.sequences < e->cfg.logit_rows ? e->cfg.sequences : e->cfg.logit_rows;
            check_batch(e, most, 1 + (uint32_t)i, i % 2 ? 0 : 7);
            check_batch(e, 1, 9, 3);
            roma_exec_destroy(e);
        }
        unload(&m);
    }
    return TEST_DONE();
}
