/* Attention as the engine shares it out, over caches that are filled by hand: every query head of every row equals what
 * the reference functions give one page after another, bit by bit. So a context of 32k costs no prefill, and rows may
 * stand anywhere. */
#include "exec/attend.h"
#include "loaded.h"

enum { GROUP = 4, DIM = 64, KV = 2, HEADS = GROUP * KV, LONG = 32768 }; /* as in random_model.h */

static void fill_random(float *x, size_t n, uint64_t key, uint64_t at) {
    for (size_t i = 0; i < n; i++) x[i] = random_float(key, at + i) * 2;
}

/* Section 4 of docs/numerics.md for one query head, with nothing but the reference. */
static void reference(const roma_exec *e, const roma_exec_row *row, uint32_t layer, uint32_t head, const float *q,
                      float *out) {
    static float score[LONG], leaf[LONG / ROMA_PAGE][DIM];
    const uint32_t n = row->position + 1, pages = (n + ROMA_PAGE - 1) / ROMA_PAGE;
    int16_t code[DIM];
    /* 1/sqrt(DIM) */
    const float scale = roma_quantise_i16(q, DIM, code) * (1 / 8.0f);
    int8_t codes[2 * ROMA_PAGE * DIM];
    for (uint32_t i = 0; i < pages; i++) {
        roma_kv_page p = roma_exec_page(e, row->sequence, i, layer, head / GROUP);
        p.k = roma_kv_unpack(e->kv->k, p.k, DIM, codes);
        (e->kv->is_float ? roma_half_scores_c : roma_page_scores_c)(&p, DIM, code, &scale, 1, score + i * ROMA_PAGE,
                                                                    ROMA_PAGE);
    }
    const float sum = (float)roma_softmax_weights_c(score, n, roma_largest_c(score, n)) * roma_pow2(-30);
    for (uint32_t i = 0; i < pages; i++) {
        roma_kv_page p = roma_exec_page(e, row->sequence, i, layer, head / GROUP);
        p.v = roma_kv_unpack(e->kv->v, p.v, DIM, codes);
        (e->kv->is_float ? roma_half_values_c
                         : roma_page_values_c)(&p, DIM, score + i * ROMA_PAGE, ROMA_PAGE, 1,
                                               n - i * ROMA_PAGE < ROMA_PAGE ? n - i * ROMA_PAGE : ROMA_PAGE, leaf[i]);
    }
    for (uint32_t j = 0; j < DIM; j++) {
        roma_tree tree = {0};
        for (uint32_t i = 0; i < pages; i++) roma_tree_add(&tree, leaf[i][j]);
        out[j] = roma_tree_sum(&tree) * (1.0f / sum);
    }
}

static const roma_op *attend_op(const roma_exec *e) {
    const roma_op *op = e->plan->ops;
    while (op->kind != ROMA_OP_ATTEND || op->layer != 1) op++;
    return op;
}

static void fill_cache(roma_exec *e, uint32_t seq, uint32_t positions) {
    float k[DIM], v[DIM];
    CHECK(roma_exec_reserve(e, seq, positions));
    for (uint32_t t = 0; t < positions; t++)
        for (uint32_t kv = 0; kv < KV; kv++) {
            const roma_kv_page p = roma_exec_page(e, seq, t / ROMA_PAGE, 1, kv);
            fill_random(k, DIM, 1 + seq, (uint64_t)(t * KV + kv) * DIM);
            fill_random(v, DIM, 100 + seq, (uint64_t)(t * KV + kv) * DIM);
            roma_kv_put(e->kv, &p, DIM, t % ROMA_PAGE, k, v);
        }
    e->sequences[seq].length = positions;
}

static void share(void *ctx, int thread, int threads) {
    roma_exec *e = ctx;
    roma_exec_attend(e, attend_op(e), thread, threads);
}

/* One operation over these rows, whose positions are in the cache already. */
static void check_rows(roma_exec *e, const roma_exec_row *rows, size_t n) {
    const roma_op *op = attend_op(e);
    const value_store *q = &e->values[op->in[0]], *o = &e->values[op->out];
    for (size_t r = 0; r < n; r++) fill_random(q->f32 + r * q->stride, HEADS * DIM, 7, r * HEADS * DIM);
    e->rows = rows;
    e->n_rows = n;
    e->n_row_blocks = roma_exec_blocks(e->hyper, rows, n, e->threads, e->blocks);
    memset(o->f32, 0xff, n * o->stride * sizeof(float));
    roma_team_run(e->team, share, e);
    for (size_t r = 0; r < n; r++)
        for (uint32_t h = 0; h < HEADS; h++) {
            float want[DIM];
            reference(e, &rows[r], op->layer, h, q->f32 + r * q->stride + h * DIM, want);
            const int same = memcmp(want, o->f32 + r * o->stride + h * DIM, sizeof want) == 0;
            if (!same)
                fprintf(stderr, "%s, %d threads: row %zu of %zu, position %u, head %u\n", e->kern->name, e->threads, r,
                        n, rows[r].position, h);
            CHECK(same);
        }
}

/* Decode: one row at every length of a few pages, and where trees and parts are uneven. */
static void check_one_row(roma_exec *e, uint32_t most) {
    static const uint32_t positions[] = {2047, 2048, 2079, 4095, 5000, 8191, 9999, 20011, LONG - 1};
    for (uint32_t p = 0; p < 70; p++) check_rows(e, &(roma_exec_row){.position = p}, 1);
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++)
        if (positions[i] < most) check_rows(e, &(roma_exec_row){.position = positions[i]}, 1);
}

/* Rows of prompts from anywhere on, two sequences in one step, and a batch. */
static void check_many_rows(roma_exec *e) {
    roma_exec_row rows[64];
    for (uint32_t first = 0; first < 100; first += 9)
        for (uint32_t n = 1; n <= 19; n += 3) {
            for (uint32_t r = 0; r < n; r++)
                rows[r] = (roma_exec_row){.sequence = r >= 7, .position = first + (r < 7 ? r : r - 7)};
            check_rows(e, rows, n);
        }
    for (uint32_t r = 0; r < 64; r++) rows[r] = (roma_exec_row){.position = 1000 + r};
    check_rows(e, rows, 64);
    for (uint32_t r = 0; r < 5; r++) rows[r] = (roma_exec_row){.sequence = r % 2, .position = 100 + 13 * r};
    check_rows(e, rows, 5);
}

static void check_isa(const loaded *m, const char *isa, const char *kv, int threads, uint32_t context) {
    roma_exec *e = engine(m, (roma_exec_config){.threads = threads,
                                                .isa = isa,
                                                .kv = kv,
                                                .context = context,
                                                .sequences = 2,
                                                .rows = 64,
                                                .logit_rows = 1,
                                                .pages = context / ROMA_PAGE + 64});
    fill_cache(e, 0, context);
    fill_cache(e, 1, 2000);
    check_one_row(e, context);
    check_many_rows(e);
    roma_exec_destroy(e);
}

/* Every item belongs to exactly one thread, and no thread has more than its part and one item. */
static void check_shares(const roma_hyper *h, const row_block *b, uint32_t n, int threads) {
    const row_block *last = &b[n - 1];
    const uint32_t group = h->heads / h->kv_heads;
    uint64_t most = 0, items[64] = {0};
    for (uint32_t kv = 0; kv < h->kv_heads; kv++)
        for (uint32_t i = 0; i < n; i++) {
            uint32_t at = 0;
            most = b[i].cost > most ? b[i].cost : most;
            for (int t = 0; t < threads; t++) {
                uint32_t first, end;
                roma_exec_block_share(h, &b[i], last, kv, t, threads, &first, &end);
                if (first == end) continue;
                CHECK(first == at && end <= group);
                at = end;
                items[t] += (end - first) * b[i].cost;
            }
            CHECK_EQ(at, group);
        }
    for (int t = 0; t < threads; t++)
        CHECK(items[t] * (uint64_t)threads <= (last->before + last->cost) * h->heads + most * (uint64_t)threads);
}

static void test_shares(void) {
    static const uint32_t heads[][2] = {{32, 8}, {9, 3}, {24, 8}, {1, 1}, {40, 1}};
    roma_exec_row rows[ROMA_EXEC_ROWS_MAX];
    static row_block b[ROMA_EXEC_ROWS_MAX];
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        for (size_t n = 1; n <= ROMA_EXEC_ROWS_MAX; n = n * 5 + 2) {
            const roma_hyper h = {.heads = heads[i][0], .kv_heads = heads[i][1]};
            for (uint32_t r = 0; r < n; r++)
                rows[r] = (roma_exec_row){.sequence = r / 100, .position = r % 100 + 1000 * (r / 100)};
            for (int t = 1; t <= 64; t += t < 9 ? 1 : 11) check_shares(&h, b, roma_exec_blocks(&h, rows, n, t, b), t);
        }
}

/* Parts: powers of two, enough for the threads where there are pages, never more than there is room for. */
static void test_parts(void) {
    static const uint32_t heads[][2] = {{32, 8}, {9, 3}, {1, 1}, {64, 64}};
    for (size_t i = 0; i < 4; i++)
        for (int t = 1; t <= 64; t++)
            for (uint32_t n = 1; n < 140000; n = n * 3 / 2 + 1) {
                const roma_hyper h = {.heads = heads[i][0], .kv_heads = heads[i][1]};
                const uint32_t chunk = roma_exec_split_chunk(&h, n, t), pages = (n + 31) / 32;
                CHECK(!(chunk & (chunk - 1)));
                if (h.heads % (uint32_t)t == 0) CHECK_EQ(chunk, 0);
                if (!chunk) continue;
                const uint64_t parts = (uint64_t)((pages + chunk - 1) / chunk) * h.kv_heads;
                CHECK(parts <= roma_exec_split_most(&h, t) && (chunk == 1 || parts >= 32 * (uint64_t)t));
            }
    CHECK(roma_exec_split_chunk(&(roma_hyper){.heads = 32, .kv_heads = 8}, 8192, 64) > 0); /* no thread is idle then */
}

int main(void) {
    loaded m;
    load(&m, 21);
    CHECK(m.img.desc.hyper.heads == HEADS && m.img.desc.hyper.kv_heads == KV && m.img.desc.hyper.head_dim == DIM);
    m.img.desc.hyper.context = LONG;
    static const char *const isas[] = {"scalar", "avx2", "avx512", "neon"};
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        if (roma_kern_find(isas[i]))
            for (int threads = 1; threads <= 5; threads += threads < 3 ? 1 : 2)
                for (int kv = 0; kv < (threads == 2 ? ROMA_KV_COUNT : 1); kv++)
                    check_isa(&m, isas[i], roma_kv_formats[kv].name, threads, threads == 3 && i && !kv ? LONG : 2080);
    check_isa(&m, "auto", NULL, 16, 8192);
    test_shares();
    test_parts();
    unload(&m);
    return TEST_DONE();
}
