/* Several adapters of one base as one that equals running them stacked, up to rounding.
 *
 * s1 B1 A1 x + s2 B2 A2 x is [B1 B2] [s1 A1; s2 A2] x: ranks stand side by side. Factors go into A, each row of which
 * has a scale of its own, so that nothing is lost there. A row of B shares one scale: a power of two per adapter, taken
 * out of its A again, brings the Bs to like size, and the larger one's codes stay what they were. */
#include "internal.h"

#include <math.h>

typedef struct {
    const roma_adapter_target *t;
    uint32_t type;
    float to_a, to_b; /* factors */
} part;

typedef struct {
    size_t n;
    part part[ROMA_ADAPTER_MERGED_MAX];
} target_parts;

typedef struct {
    const roma_adapter_part *in;
    size_t n;
    roma_adapter out;
    target_parts *parts; /* of each of out's targets */
} merger;

/* ---- what belongs together ---- */

static int check_bases(const merger *m, roma_error *err) {
    char one[65], two[65];
    for (size_t i = 1; i < m->n; i++) {
        if (memcmp(m->in[0].adapter->base_id, m->in[i].adapter->base_id, 32) == 0) continue;
        roma_hex(one, m->in[0].adapter->base_id, 8);
        roma_hex(two, m->in[i].adapter->base_id, 8);
        return roma_fail(
            err, ROMA_EINPUT, m->in[i].file, ROMA_NOWHERE,
            "this adapter was made for base %s..., %s for base %s...; build both with the same --base image", two,
            m->in[0].file, one);
    }
    return ROMA_OK;
}

/* Adds matrix t of adapter i to out's target of the same matrix, which it begins when there is none. */
static int add(merger *m, size_t i, const roma_adapter_target *t, roma_error *err) {
    roma_adapter *out = &m->out;
    size_t k = 0;
    while (k < out->n_targets && (out->targets[k].role != t->role || out->targets[k].layer != t->layer)) k++;
    roma_adapter_target *to = &out->targets[k];
    target_parts *p = &m->parts[k];
    if (k == out->n_targets) {
        out->n_targets++;
        *to = (roma_adapter_target){.role = t->role, .layer = t->layer, .rows = t->rows, .cols = t->cols};
    }
    if (to->rows != t->rows || to->cols != t->cols)
        return roma_fail(err, ROMA_EINPUT, m->in[i].file, ROMA_NOWHERE,
                         "layer %u: %s is %llu x %llu here, %llu x %llu in the others", t->layer,
                         roma_tensor_role_name(t->role), (unsigned long long)t->rows, (unsigned long long)t->cols,
                         (unsigned long long)to->rows, (unsigned long long)to->cols);
    if (to->rank + t->rank > ROMA_ADAPTER_RANK_MAX)
        return roma_fail(err, ROMA_EUNSUPPORTED, m->in[i].file, ROMA_NOWHERE,
                         "layer %u: the ranks of %s add up to %u, at most %d are supported; merge fewer", t->layer,
                         roma_tensor_role_name(t->role), to->rank + t->rank, ROMA_ADAPTER_RANK_MAX);
    to->rank += t->rank;
    to->alpha = (float)to->rank; /* scale is 1 = alpha / rank */
    to->scale = 1;
    p->part[p->n++] = (part){t, m->in[i].adapter->type, t->scale * m->in[i].factor, 1};
    return ROMA_OK;
}

static int check_plain(const merger *m, roma_error *err) {
    for (size_t i = 0; i < m->n; i++)
        if (m->in[i].adapter->dora)
            return roma_fail(
                err, ROMA_EUNSUPPORTED, m->in[i].file, ROMA_NOWHERE,
                "a DoRA adapter multiplies the base's product too, which no sum of adapters does; stack it "
                "as the first of its set instead");
    return ROMA_OK;
}

static int gather(merger *m, roma_error *err) {
    size_t most = 0;
    int rc = check_plain(m, err);
    if (!rc) rc = check_bases(m, err);
    for (size_t i = 0; i < m->n; i++) most += m->in[i].adapter->n_targets;
    m->out.targets = roma_alloc_array(most, sizeof *m->out.targets);
    m->parts = roma_alloc_array(most, sizeof *m->parts);
    if (!rc && (!m->out.targets || !m->parts))
        rc = roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for %zu targets", most);
    for (size_t i = 0; i < m->n; i++)
        for (size_t k = 0; !rc && k < m->in[i].adapter->n_targets; k++)
            rc = add(m, i, &m->in[i].adapter->targets[k], err);
    return rc;
}

/* ---- like size ---- */

static float largest_b(const part *p) {
    float row[ROMA_ADAPTER_RANK_MAX], max = 0;
    for (uint64_t r = 0; r < p->t->rows; r++) {
        roma_adapter_row_b(p->type, p->t, r, row);
        for (uint32_t k = 0; k < p->t->rank; k++) max = fmaxf(max, fabsf(row[k]));
    }
    return max;
}

/* Powers of two; an empty B, or one of a magnitude that no training gives, keeps its own. */
static void balance(target_parts *p) {
    float first = 0;
    for (size_t i = 0; i < p->n; i++) {
        const float max = largest_b(&p->part[i]);
        if (!(max > 1e-12f && max < 1e12f)) continue;
        if (first == 0) first = max;
        const float c = roma_pow2(roma_exponent(first) - roma_exponent(max));
        p->part[i].to_b = c;
        p->part[i].to_a /= c;
    }
}

/* ---- rows, as the writer asks for them ---- */

static void row_a(void *ctx, size_t i, uint32_t row, float *out) {
    const part *p = ((const merger *)ctx)->parts[i].part;
    while (row >= p->t->rank) row -= p++->t->rank;
    roma_adapter_row_a(p->t, row, out);
    for (uint64_t k = 0; k < p->t->cols; k++) out[k] *= p->to_a;
}

static void row_b(void *ctx, size_t i, uint64_t row, float *out) {
    const target_parts *all = &((const merger *)ctx)->parts[i];
    for (const part *p = all->part; p < all->part + all->n; p++) {
        roma_adapter_row_b(p->type, p->t, row, out);
        for (uint32_t k = 0; k < p->t->rank; k++) out[k] *= p->to_b;
        out += p->t->rank;
    }
}

/* ---- all together ---- */

/* As the inputs have B; FP16 where they differ. */
static uint32_t type_of(const merger *m) {
    for (size_t i = 1; i < m->n; i++)
        if (m->in[i].adapter->type != m->in[0].adapter->type) return ROMA_ADAPTER_F16;
    return m->in[0].adapter->type;
}

/* The note says what was added up, as does the name unless there is one. */
static void describe(merger *m, uint32_t type, const char *name) {
    roma_adapter *out = &m->out;
    size_t len = 0;
    out->type = type ? type : type_of(m);
    memcpy(out->base_id, m->in[0].adapter->base_id, 32);
    for (size_t i = 0; i < m->n && len < sizeof out->note; i++)
        len += (size_t)roma_print(out->note + len, sizeof out->note - len, "%s%s:%g", i ? " + " : "",
                                  m->in[i].adapter->name, (double)m->in[i].factor);
    if (!name) name = out->note;
    roma_error_name(out->name, sizeof out->name, name, strlen(name));
}

int roma_adapter_merge(const char *path, const roma_adapter_part *parts, size_t n, uint32_t type, const char *name,
                       const roma_progress *progress, roma_adapter_written *out, roma_error *err) {
    merger m = {.in = parts, .n = n};
    const roma_adapter_source source = {&m, row_a, row_b};
    int rc = gather(&m, err);
    for (size_t i = 0; !rc && i < m.out.n_targets; i++) balance(&m.parts[i]);
    if (!rc) describe(&m, type, name);
    if (!rc) rc = roma_adapter_write(path, &m.out, &source, progress, out, err);
    roma_free(m.out.targets);
    roma_free(m.parts);
    return rc;
}
