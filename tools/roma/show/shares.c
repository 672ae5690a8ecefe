/* The shares of roma_exec_shares as tables. Intervals that are alike in all layers are one line. */
#include "shares.h"

#include "roma/json.h"

#include <string.h>

enum { LINES_MAX = 256 };

typedef struct {
    const roma_op *first;
    size_t n, times;
    roma_exec_work work[64];
} line;

typedef struct {
    const roma_plan *p;
    int threads;
    uint32_t rows;
    size_t n;
    bool too_many;
    line lines[LINES_MAX];
} table;

static bool is_attention(const roma_op *op) { return roma_op_about(op->kind)->sharing == ROMA_SHARE_ATTEND; }

/* The operations that have work: a head that is the embedding is called the head. */
static void name_of(const line *l, const roma_plan *p, char *buf, size_t cap) {
    buf[0] = 0;
    for (size_t i = 0; i < l->n; i++) {
        const roma_op *op = &l->first[i];
        const roma_image_tensor *matrix = roma_op_matrix(p, op);
        if (!matrix && !is_attention(op)) continue;
        const size_t len = strlen(buf);
        roma_print(buf + len, cap - len, "%s%s", len ? " " : "",
                   op->last_rows_only ? "head"
                   : matrix           ? roma_tensor_role_name(matrix->role)
                                      : roma_op_name(op->kind));
    }
}

static bool is_same(const table *t, const line *a, const line *b) {
    char name[2][128];
    name_of(a, t->p, name[0], sizeof name[0]);
    name_of(b, t->p, name[1], sizeof name[1]);
    return !strcmp(name[0], name[1]) && !memcmp(a->work, b->work, (size_t)t->threads * sizeof *a->work);
}

static int collect(void *ctx, size_t first, size_t n, const roma_exec_work *work) {
    table *t = ctx;
    uint64_t pieces = 0;
    for (int k = 0; k < t->threads; k++) pieces += work[k].pieces;
    if (!pieces) return 0; /* norms, residuals, positions: nothing to speak of */
    if (t->n == LINES_MAX) return t->too_many = true;
    line *l = &t->lines[t->n];
    *l = (line){.first = t->p->ops + first, .n = n, .times = 1};
    memcpy(l->work, work, (size_t)t->threads * sizeof *work);
    for (size_t i = 0; i < t->n; i++)
        if (is_same(t, &t->lines[i], l)) {
            t->lines[i].times++;
            return 0;
        }
    t->n++;
    return 0;
}

typedef struct {
    double sum, most;
    uint64_t pieces;
} spread;

/* A step of one row waits for bytes, one of many rows for multiply-adds. Attention always computes: pages that two
 * threads read come to the second from a near cache. So its bytes are spread as its multiply-adds are. */
static spread spread_of(const table *t, const line *l) {
    double bytes = 0, mac = 0;
    spread s = {0};
    for (int k = 0; k < t->threads; k++) {
        bytes += (double)l->work[k].bytes;
        mac += (double)l->work[k].mac;
    }
    for (int k = 0; k < t->threads; k++) {
        const roma_exec_work *w = &l->work[k];
        const double a = t->rows > 1              ? (double)w->mac
                         : is_attention(l->first) ? bytes * ((double)w->mac / mac)
                                                  : (double)w->bytes;
        s.sum += a;
        s.most = a > s.most ? a : s.most;
        s.pieces += w->pieces;
    }
    return s;
}

static double imbalance(const table *t, const spread *s) { return s->most * t->threads / s->sum - 1; }

typedef struct {
    double largest, step;
    char where[128];
    uint64_t pieces;
} verdict;

static verdict judge(const table *t) {
    verdict v = {.largest = -1};
    double most = 0, sum = 0;
    for (size_t i = 0; i < t->n; i++) {
        const spread s = spread_of(t, &t->lines[i]);
        most += s.most * (double)t->lines[i].times;
        sum += s.sum * (double)t->lines[i].times;
        if (imbalance(t, &s) <= v.largest) continue;
        v.largest = imbalance(t, &s);
        v.pieces = s.pieces;
        name_of(&t->lines[i], t->p, v.where, sizeof v.where);
    }
    v.step = most * t->threads / sum - 1;
    return v;
}

static void print_text(const table *t, uint32_t context, roma_buf *out) {
    roma_buf_print(
        out,
        "A step of %u row%s, context %u, %d threads: work between two barriers, the least and the most of a thread\n\n",
        t->rows, t->rows == 1 ? "" : "s", context, t->threads);
    roma_buf_print(out, "  %-34s %6s %10s %19s %21s %10s\n", "interval", "times", "pieces", "MiB", "MMAC", "imbalance");
    for (size_t i = 0; i < t->n; i++) {
        const line *l = &t->lines[i];
        const spread s = spread_of(t, l);
        roma_exec_work least = l->work[0], most = l->work[0];
        char name[128];
        for (int k = 1; k < t->threads; k++) {
            const roma_exec_work *w = &l->work[k];
            if (w->bytes < least.bytes) least.bytes = w->bytes;
            if (w->bytes > most.bytes) most.bytes = w->bytes;
            if (w->mac < least.mac) least.mac = w->mac;
            if (w->mac > most.mac) most.mac = w->mac;
        }
        name_of(l, t->p, name, sizeof name);
        roma_buf_print(out, "  %-34s %6zu %10llu %9.3f %9.3f %10.3f %10.3f %8.1f %%\n", name, l->times,
                       (unsigned long long)s.pieces, (double)least.bytes / 1048576, (double)most.bytes / 1048576,
                       (double)least.mac / 1e6, (double)most.mac / 1e6, 100 * imbalance(t, &s));
    }
    const verdict v = judge(t);
    roma_buf_print(
        out,
        "\nlargest imbalance of an interval: %.1f %% (%s: %llu pieces for %d threads); of the whole step: %.1f %%\n"
        "%s",
        100 * v.largest, v.where, (unsigned long long)v.pieces, t->threads, 100 * v.step, t->rows == 1 ? "\n" : "");
}

static void print_json(const table *t, roma_json *j) {
    roma_json_open(j, NULL, '{');
    roma_json_int(j, "rows", t->rows);
    roma_json_open(j, "intervals", '[');
    for (size_t i = 0; i < t->n; i++) {
        const line *l = &t->lines[i];
        const spread s = spread_of(t, l);
        char name[128];
        name_of(l, t->p, name, sizeof name);
        roma_json_open(j, NULL, '{');
        roma_json_string(j, "operations", name);
        roma_json_int(j, "times", (int64_t)l->times);
        roma_json_real(j, "imbalance", imbalance(t, &s));
        roma_json_open(j, "threads", '[');
        for (int k = 0; k < t->threads; k++) {
            roma_json_open(j, NULL, '{');
            roma_json_int(j, "bytes", (int64_t)l->work[k].bytes);
            roma_json_int(j, "mac", (int64_t)l->work[k].mac);
            roma_json_int(j, "pieces", (int64_t)l->work[k].pieces);
            roma_json_close(j, '}');
        }
        roma_json_close(j, ']');
        roma_json_close(j, '}');
    }
    roma_json_close(j, ']');
    const verdict v = judge(t);
    roma_json_real(j, "largest_imbalance", v.largest);
    roma_json_string(j, "largest_in", v.where);
    roma_json_real(j, "step_imbalance", v.step);
    roma_json_close(j, '}');
}

int shares_print(const roma_plan *p, int threads, uint32_t rows, uint32_t context, bool as_json, roma_buf *out,
                 roma_error *err) {
    const uint32_t steps[2] = {1, rows};
    table *t = roma_alloc(sizeof *t);
    roma_json j = {.out = out};
    int rc = t ? ROMA_OK : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the shares");
    if (!rc && as_json) {
        roma_json_open(&j, NULL, '{');
        roma_json_int(&j, "threads", threads);
        roma_json_int(&j, "context", context);
        roma_json_open(&j, "steps", '[');
    }
    for (int i = 0; i < 2 && !rc; i++) {
        *t = (table){.p = p, .threads = threads, .rows = steps[i]};
        rc = roma_exec_shares(p, threads, steps[i], context, collect, t, err);
        if (t->too_many)
            rc = roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE, "more than %d kinds of intervals", LINES_MAX);
        if (!rc && as_json)
            print_json(t, &j);
        else if (!rc)
            print_text(t, context, out);
    }
    if (!rc && as_json) {
        roma_json_close(&j, ']');
        roma_json_close(&j, '}');
        roma_buf_print(out, "\n");
    }
    roma_free(t);
    return rc;
}
