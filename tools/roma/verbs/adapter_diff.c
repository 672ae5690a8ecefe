/* roma adapter diff: how far the changes of two adapters are from each other, matrix by matrix.
 *
 * A change is D = scale B A. Of two, the inner product is the sum over (B1' B2)[j][k] (A1 A2')[j][k], which needs no
 * product of the size of the matrix; norms and cosine follow from it. In double: of equal changes the difference is 0.
 */
#include "adapter.h"

#include <math.h>

typedef struct {
    const roma_adapter_target *t; /* NULL: this adapter leaves the matrix alone */
    uint32_t type;
    float *a, *b; /* FP32 of all rows */
} change;

typedef struct {
    double norm[2], inner; /* squares of norms */
} sums;

static int load(change *c, const roma_adapter *of, const roma_adapter_target *t, roma_error *err) {
    *c = (change){.t = t, .type = of->type};
    if (!t) return ROMA_OK;
    c->a = roma_alloc_array((size_t)t->rank * t->cols, sizeof *c->a);
    c->b = roma_alloc_array((size_t)t->rank * t->rows, sizeof *c->b);
    if (!c->a || !c->b) return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for a target's values");
    for (uint32_t r = 0; r < t->rank; r++) roma_adapter_row_a(t, r, c->a + r * t->cols);
    for (uint64_t r = 0; r < t->rows; r++) roma_adapter_row_b(of->type, t, r, c->b + r * t->rank);
    return ROMA_OK;
}

static void unload(change *c) {
    roma_free(c->a);
    roma_free(c->b);
}

static double inner(const change *x, const change *y) {
    double sum = 0;
    if (!x->t || !y->t) return 0;
    for (uint32_t j = 0; j < x->t->rank; j++)
        for (uint32_t k = 0; k < y->t->rank; k++) {
            double a = 0, b = 0;
            for (uint64_t i = 0; i < x->t->cols; i++)
                a += (double)x->a[j * x->t->cols + i] * (double)y->a[k * y->t->cols + i];
            for (uint64_t i = 0; i < x->t->rows; i++)
                b += (double)x->b[i * x->t->rank + j] * (double)y->b[i * y->t->rank + k];
            sum += a * b;
        }
    return sum * (double)x->t->scale * (double)y->t->scale;
}

static double relative(const sums *s) {
    return s->norm[0] > 0 ? sqrt(fmax(0, s->norm[0] + s->norm[1] - 2 * s->inner) / s->norm[0]) : NAN;
}
static double cosine(const sums *s) {
    return s->norm[0] > 0 && s->norm[1] > 0 ? s->inner / sqrt(s->norm[0]) / sqrt(s->norm[1]) : NAN;
}

/* ---- what is said ---- */

typedef struct {
    roma_buf text;
    roma_json j;
    bool as_json;
} printer;

static void print_sums(printer *p, const sums *s) {
    roma_json_real(&p->j, "norm_a", sqrt(fmax(0, s->norm[0])));
    roma_json_real(&p->j, "norm_b", sqrt(fmax(0, s->norm[1])));
    roma_json_real(&p->j, "difference", relative(s));
    roma_json_real(&p->j, "cosine", cosine(s));
}

static void number(roma_buf *b, const char *format, double v) {
    if (isfinite(v))
        roma_buf_print(b, format, v);
    else
        roma_buf_print(b, "%12s", "-");
}

static void row(printer *p, const char *layer, const char *matrix, uint32_t rank_a, uint32_t rank_b, const sums *s) {
    roma_buf_print(&p->text, "  %5s  %-6s  %6u  %6u  %12.6g  %12.6g", layer, matrix, rank_a, rank_b,
                   sqrt(fmax(0, s->norm[0])), sqrt(fmax(0, s->norm[1])));
    number(&p->text, "%12.6f", relative(s));
    number(&p->text, "%12.6f", cosine(s));
    roma_buf_append(&p->text, "\n", 1);
}

static void matrix(printer *p, const change c[2], const sums *s) {
    const roma_adapter_target *t = c[0].t ? c[0].t : c[1].t;
    const uint32_t rank[2] = {c[0].t ? c[0].t->rank : 0, c[1].t ? c[1].t->rank : 0};
    char layer[12];
    roma_print(layer, sizeof layer, "%u", t->layer);
    if (!p->as_json) {
        row(p, layer, roma_tensor_role_name(t->role), rank[0], rank[1], s);
        return;
    }
    roma_json_open(&p->j, NULL, '{');
    roma_json_int(&p->j, "layer", t->layer);
    roma_json_string(&p->j, "role", roma_tensor_role_name(t->role));
    roma_json_int(&p->j, "rank_a", rank[0]);
    roma_json_int(&p->j, "rank_b", rank[1]);
    print_sums(p, s);
    roma_json_close(&p->j, '}');
}

static void begin(printer *p, const roma_adapter a[2], const char *const path[2]) {
    const bool same = memcmp(a[0].base_id, a[1].base_id, 32) == 0;
    if (p->as_json) {
        roma_json_open(&p->j, NULL, '{');
        roma_json_string(&p->j, "a", path[0]);
        roma_json_string(&p->j, "b", path[1]);
        roma_json_bool(&p->j, "same_base", same);
        roma_json_open(&p->j, "targets", '[');
        return;
    }
    roma_buf_print(&p->text, "a  %s: %s, rank %u, %s\nb  %s: %s, rank %u, %s\n%s\n", path[0], a[0].name, a[0].rank,
                   roma_adapter_type_name(a[0].type), path[1], a[1].name, a[1].rank, roma_adapter_type_name(a[1].type),
                   same ? "" : "they were made for different bases\n");
    roma_buf_print(&p->text, "  %5s  %-6s  %6s  %6s  %12s  %12s%12s%12s\n", "layer", "matrix", "rank a", "rank b",
                   "norm a", "norm b", "|a-b|/|a|", "cosine");
}

static void end(printer *p, const roma_adapter a[2], const sums *all) {
    if (!p->as_json) {
        row(p, "all", "", a[0].rank, a[1].rank, all);
        return;
    }
    roma_json_close(&p->j, ']');
    print_sums(p, all);
    roma_json_close(&p->j, '}');
    roma_buf_append(&p->text, "\n", 1);
}

/* ---- all matrices of either, in order ---- */

static int one(const roma_adapter a[2], const roma_adapter_target *const t[2], const char *file, printer *p, sums *all,
               roma_error *err) {
    change c[2] = {{0}};
    if (t[0] && t[1] && (t[0]->rows != t[1]->rows || t[0]->cols != t[1]->cols))
        return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE,
                         "layer %u: %s has another shape than in the first adapter: they are of different models",
                         t[1]->layer, roma_tensor_role_name(t[1]->role));
    int rc = load(&c[0], &a[0], t[0], err);
    if (!rc) rc = load(&c[1], &a[1], t[1], err);
    if (!rc) {
        const sums s = {{inner(&c[0], &c[0]), inner(&c[1], &c[1])}, inner(&c[0], &c[1])};
        for (int i = 0; i < 2; i++) all->norm[i] += s.norm[i];
        all->inner += s.inner;
        matrix(p, c, &s);
    }
    unload(&c[0]);
    unload(&c[1]);
    return rc;
}

static int order(const roma_adapter_target *x, const roma_adapter_target *y) {
    if (x->layer != y->layer) return x->layer < y->layer ? -1 : 1;
    return x->role == y->role ? 0 : x->role < y->role ? -1 : 1;
}

static int walk(const roma_adapter a[2], const char *file, printer *p, sums *all, roma_error *err) {
    int rc = ROMA_OK;
    for (size_t i = 0, k = 0; !rc && (i < a[0].n_targets || k < a[1].n_targets);) {
        const roma_adapter_target *t[2] = {i < a[0].n_targets ? &a[0].targets[i] : NULL,
                                           k < a[1].n_targets ? &a[1].targets[k] : NULL};
        const int o = t[0] && t[1] ? order(t[0], t[1]) : 0;
        if (o < 0) t[1] = NULL;
        if (o > 0) t[0] = NULL;
        i += t[0] != NULL;
        k += t[1] != NULL;
        rc = interrupted ? roma_fail(err, ROMA_ECANCEL, NULL, ROMA_NOWHERE, "stopped") : one(a, t, file, p, all, err);
    }
    return rc;
}

int adapter_diff(const adapter_config *c, const char *const path[2]) {
    roma_adapter a[2];
    roma_error err;
    printer p = {.as_json = c->as_json};
    sums all = {{0}, 0};
    p.j.out = &p.text;
    int rc = roma_adapter_open(&a[0], path[0], 0, &err);
    if (rc) return fail("adapter", &err);
    rc = roma_adapter_open(&a[1], path[1], 0, &err);
    if (!rc) {
        begin(&p, a, path);
        rc = walk(a, path[1], &p, &all, &err);
        if (!rc) end(&p, a, &all);
        roma_adapter_close(&a[1]);
    }
    roma_adapter_close(&a[0]);
    if (!rc) return print_buf("adapter", &p.text, 0);
    roma_buf_destroy(&p.text);
    return fail("adapter", &err);
}
