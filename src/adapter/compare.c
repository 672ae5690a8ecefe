/* How far the changes of two adapters are from each other, matrix by matrix.
 *
 * A change is D = scale B A. Of two, the inner product is the sum over (B1' B2)[j][k] (A1 A2')[j][k], which needs no
 * product of the size of the matrix; norms and cosine follow from it. In double: of equal changes the difference is 0.
 */
#include "internal.h"

#include <math.h>

typedef struct {
    const roma_adapter_target *t; /* NULL: this adapter leaves the matrix alone */
    uint32_t type;
    float *a, *b; /* FP32 of all rows */
} change;

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

static void finish(roma_adapter_difference *d) {
    const double a = d->square_a, b = d->square_b;
    d->relative = a > 0 ? sqrt(fmax(0, a + b - 2 * d->inner) / a) : NAN;
    d->cosine = a > 0 && b > 0 ? d->inner / sqrt(a) / sqrt(b) : NAN;
}

/* ---- all matrices of either, in order ---- */

typedef struct {
    const roma_adapter *adapter[2];
    const char *file; /* of the second */
    roma_adapter_difference all;
    int (*each)(void *ctx, const roma_adapter_difference *d);
    void *ctx;
} walk;

static int one(walk *w, const roma_adapter_target *const t[2], roma_error *err) {
    change c[2] = {{0}};
    if (t[0] && t[1] && (t[0]->rows != t[1]->rows || t[0]->cols != t[1]->cols))
        return roma_fail(err, ROMA_EINPUT, w->file, ROMA_NOWHERE,
                         "layer %u: %s has another shape than in the first adapter: they are of different models",
                         t[1]->layer, roma_tensor_role_name(t[1]->role));
    int rc = load(&c[0], w->adapter[0], t[0], err);
    if (!rc) rc = load(&c[1], w->adapter[1], t[1], err);
    if (!rc) {
        roma_adapter_difference d = {.a = t[0],
                                     .b = t[1],
                                     .square_a = inner(&c[0], &c[0]),
                                     .square_b = inner(&c[1], &c[1]),
                                     .inner = inner(&c[0], &c[1])};
        w->all.square_a += d.square_a;
        w->all.square_b += d.square_b;
        w->all.inner += d.inner;
        finish(&d);
        if (w->each && w->each(w->ctx, &d)) rc = roma_fail(err, ROMA_ECANCEL, NULL, ROMA_NOWHERE, "stopped");
    }
    unload(&c[0]);
    unload(&c[1]);
    return rc;
}

static int order(const roma_adapter_target *x, const roma_adapter_target *y) {
    if (x->layer != y->layer) return x->layer < y->layer ? -1 : 1;
    return x->role == y->role ? 0 : x->role < y->role ? -1 : 1;
}

int roma_adapter_compare(const roma_adapter *a, const roma_adapter *b, const char *file,
                         int (*each)(void *ctx, const roma_adapter_difference *d), void *ctx,
                         roma_adapter_difference *all, roma_error *err) {
    walk w = {.adapter = {a, b}, .file = file, .each = each, .ctx = ctx};
    int rc = a->dora || b->dora ? roma_fail(err, ROMA_EUNSUPPORTED, b->dora ? file : NULL, ROMA_NOWHERE,
                                            "a DoRA adapter multiplies the base's product too: how far it is from "
                                            "another cannot be told without the base")
                                : ROMA_OK;
    for (size_t i = 0, k = 0; !rc && (i < a->n_targets || k < b->n_targets);) {
        const roma_adapter_target *t[2] = {i < a->n_targets ? &a->targets[i] : NULL,
                                           k < b->n_targets ? &b->targets[k] : NULL};
        const int o = t[0] && t[1] ? order(t[0], t[1]) : 0;
        if (o < 0) t[1] = NULL;
        if (o > 0) t[0] = NULL;
        i += t[0] != NULL;
        k += t[1] != NULL;
        rc = one(&w, t, err);
    }
    finish(&w.all);
    *all = w.all;
    return rc;
}
