/* Who does what: every tile of every matrix is one thread's, lists of tiles are even, work adds up to the plan's own
 * counts, and at the shapes of 1 and 3 billion weights the threads that divide them are within 3 % of each other. */
#include "exec/attend.h"
#include "roma/map.h"
#include "../test.h"
#include "random_model.h"

typedef struct {
    const roma_plan *p;
    int threads;
    uint32_t rows, context;
    size_t next; /* operation that the next interval begins with */
    double largest;
} told;

static uint64_t bytes_of(const roma_plan *p, const roma_op *op) {
    const roma_image_tensor *t = &p->desc->tensors[op->tensor];
    return (t->rows + 15) / 16 * t->tile_bytes;
}

static int hear(void *ctx, size_t first, size_t n, const roma_exec_work *work) {
    told *t = ctx;
    uint64_t bytes = 0, mac = 0, most = 0, want_bytes = 0, want_mac = 0;
    bool attends = false;
    CHECK_EQ(first, t->next);
    t->next = first + n;
    for (int k = 0; k < t->threads; k++) {
        bytes += work[k].bytes;
        mac += work[k].mac;
        most = work[k].mac > most ? work[k].mac : most;
    }
    for (size_t i = first; i < first + n; i++) {
        const roma_op *op = &t->p->ops[i];
        attends |= op->kind == ROMA_OP_ATTEND;
        if (op->kind == ROMA_OP_LINEAR) want_bytes += bytes_of(t->p, op);
        for (uint32_t r = op->last_rows_only ? t->rows - 1 : 0; r < t->rows; r++)
            want_mac += roma_op_mac(t->p, op, t->context - t->rows + r + 1);
    }
    CHECK_EQ(mac, want_mac);
    if (!attends)
        CHECK_EQ(bytes, want_bytes);
    else
        CHECK(bytes > 0);
    const double over = mac ? (double)most * t->threads / (double)mac - 1 : 0;
    t->largest = over > t->largest ? over : t->largest;
    return 0;
}

static double largest(const roma_plan *p, int threads, uint32_t rows, uint32_t context) {
    told t = {.p = p, .threads = threads, .rows = rows, .context = context};
    roma_error err;
    CHECK_EQ(roma_exec_shares(p, threads, rows, context, hear, &t, &err), 0);
    CHECK_EQ(t.next, p->n_ops);
    return t.largest;
}

static bool is_shared_by_tiles(const roma_plan *p, size_t i) {
    return i < p->n_ops && roma_op_about(p->ops[i].kind)->sharing == ROMA_SHARE_TILES;
}

/* Bytes of the list of tiles that operation i is of, and where its own begin: linears in a row are one list, but each
 * its own where an operation on their products is among them. */
static uint64_t list_of(const roma_plan *p, size_t i, uint64_t *start) {
    uint64_t all = 0;
    size_t k = i;
    bool alone = false;
    while (k && is_shared_by_tiles(p, k - 1)) k--;
    for (; is_shared_by_tiles(p, k); k++) {
        if (k == i) *start = all;
        alone |= p->ops[k].kind == ROMA_OP_SILU || p->ops[k].kind == ROMA_OP_RELU2;
        all += p->ops[k].kind == ROMA_OP_LINEAR ? bytes_of(p, &p->ops[k]) : 0;
    }
    if (!alone) return all;
    *start = 0;
    return bytes_of(p, &p->ops[i]);
}

/* A thread begins with the tile that begins nearest to its equal part of the list, the later of two. */
static void check_nearest(const roma_plan *p, size_t i, int threads, const uint32_t *cut) {
    const roma_image_tensor *m = &p->desc->tensors[p->ops[i].tensor];
    const int64_t tiles = (int64_t)(m->rows + 15) / 16, bytes = (int64_t)m->tile_bytes;
    uint64_t start = 0;
    const int64_t all = (int64_t)list_of(p, i, &start);
    for (int64_t t = 0; t <= threads; t++) {
        int64_t best = 0, least = INT64_MAX;
        for (int64_t k = cut[t] ? cut[t] - 1 : 0; k <= tiles && k <= (int64_t)cut[t] + 1; k++) {
            const int64_t far = llabs(((int64_t)start + k * bytes) * threads - all * t);
            if (far > least) continue;
            least = far;
            best = k;
        }
        CHECK_EQ(cut[t], best);
    }
}

/* The cuts of one operation go up from none to all; SiLU has the columns of both its inputs, a bias those of its
 * product. */
static void check_cuts(const roma_plan *p, int threads) {
    const size_t stride = (size_t)threads + 1;
    uint32_t *cuts = calloc(p->n_ops * stride, sizeof *cuts);
    roma_exec_cut(p, threads, cuts);
    for (size_t i = 0; i < p->n_ops; i++) {
        const roma_op *op = &p->ops[i];
        const uint32_t *cut = cuts + i * stride;
        if (op->kind == ROMA_OP_SILU)
            CHECK(!memcmp(cut, cut - stride, stride * sizeof *cut) &&
                  !memcmp(cut, cut - 2 * stride, stride * sizeof *cut));
        if (op->kind == ROMA_OP_BIAS) CHECK(!memcmp(cut, cut - stride, stride * sizeof *cut));
        if (op->kind != ROMA_OP_LINEAR) continue;
        CHECK(cut[0] == 0 && cut[threads] == (p->desc->tensors[op->tensor].rows + 15) / 16);
        for (int t = 0; t < threads; t++) CHECK(cut[t] <= cut[t + 1]);
        if (op->layer == 0) check_nearest(p, i, threads, cut);
    }
    free(cuts);
}

static void test_shape(const char *name, const roma_shape_format *f) {
    roma_description d;
    roma_plan p;
    roma_error err = {0};
    CHECK_EQ(roma_shape_describe(&d, name, f, &err), 0);
    CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
    for (int t = 1; t <= 64; t++) check_cuts(&p, t);
    for (int t = 1; t <= 64; t += t < 4 ? 1 : 7) {
        largest(&p, t, 1, 1);
        largest(&p, t, 1, 5000);
        largest(&p, t, 100, 100);
        largest(&p, t, 512, 3000);
    }
    for (int t = 1; t <= 64 && !strncmp(name, "llama-3.2", 9); t *= 2) {
        CHECK(largest(&p, t, 1, 8192) <= 0.03);
        CHECK(largest(&p, t, 128, 2048) <= 0.03);
    }
    CHECK_EQ(roma_exec_shares(&p, 65, 1, 1, hear, NULL, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_exec_shares(&p, 1, 2, 1, hear, NULL, &err), ROMA_EUSAGE);
    roma_plan_destroy(&p);
    roma_shape_destroy(&d);
}

/* The named shapes have no biases, which Qwen2 has. */
static void test_biases(void) {
    static random_model m;
    roma_plan p;
    roma_error err = {0};
    random_model_init(&m, ROMA_ARCH_QWEN2, (roma_format){.bits = 4, .scale = ROMA_SCALE_F16, .group = 32, .zero = 8},
                      1);
    for (size_t i = 0; i < m.d.n_tensors; i++) {
        roma_tile_layout lay;
        roma_tile_layout_get(&m.tensors[i].format, m.tensors[i].cols, &lay);
        m.tensors[i].tile_bytes = lay.bytes;
    }
    CHECK_EQ(roma_map_plan(&p, &m.d, &err), 0);
    for (int t = 1; t <= 64; t++) check_cuts(&p, t);
    for (uint32_t odd = 1; odd < 8; odd += 2) { /* small tiles, of which many lie almost as near as others */
        for (size_t i = 0; i < m.d.n_tensors; i++) m.tensors[i].tile_bytes = 64 * odd;
        for (int t = 1; t <= 64; t++) check_cuts(&p, t);
    }
    roma_plan_destroy(&p);
}

int main(void) {
    test_shape("llama-3.2-1b", &(roma_shape_format){0, 0, 0});
    test_shape("llama-3.2-3b", &(roma_shape_format){0, 0, 0});
    test_shape("smollm2-135m", &(roma_shape_format){4, 32, 8});
    test_shape("bitnet-2b", &(roma_shape_format){0, 0, 0});
    test_biases();
    return TEST_DONE();
}
