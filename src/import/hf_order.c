/* Act-order: matrices whose inputs were quantised in another order than they lie, so that the inputs of a group lie
 * apart. In the image a group's columns stand together. What down reads comes out of gate and up, whose rows follow
 * (docs/import.md, "4-bit checkpoints"). */
#include "hf_packed.h"

/* ---- the groups of a file ---- */

static uint32_t word_at(const uint8_t *p, uint64_t i) { return roma_le32(p + 4 * i); }

/* Whether the groups rise as the inputs do, or none was said (llm-compressor writes -1). */
static bool is_plain(const uint8_t *group, const hf_packed *p) {
    bool rises = true, none = true;
    for (uint64_t i = 0; i < p->cols; i++) {
        rises = rises && word_at(group, i) == i / p->block;
        none = none && word_at(group, i) == UINT32_MAX;
    }
    return rises || none;
}

/* Inputs to the places of their groups; next: the free place of each group. False: a group has another number of them.
 */
static bool sort(const uint8_t *group, const hf_packed *p, uint32_t *next) {
    for (uint64_t b = 0; b < p->blocks; b++) next[b] = (uint32_t)(b * p->block);
    for (uint64_t i = 0; i < p->cols; i++) {
        const uint32_t g = word_at(group, i);
        if (g >= p->blocks || next[g] == (g + 1) * p->block) return false;
        p->from[next[g]++] = (uint32_t)i;
    }
    return true;
}

int roma_import_hf_read_order(const hf_packing *c, const char *base, const char *suffix, hf_packed *p) {
    const st_tensor *t = roma_import_hf_part(c, base, suffix);
    if (!t) return ROMA_OK;
    if (t->type != ST_I32 || t->end - t->begin != 4 * p->cols)
        return roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "%s is no list of %llu groups", suffix + 1,
                                         (unsigned long long)p->cols);
    if (is_plain(t->data, p)) return ROMA_OK;
    uint32_t *next = roma_alloc_array((size_t)p->blocks, sizeof *next);
    p->from = next ? roma_alloc_array((size_t)p->cols, sizeof *p->from) : NULL;
    int rc = ROMA_OK;
    if (!p->from)
        rc = roma_import_hf_packed_bad(c, ROMA_ENOMEM, base, "no memory for the order of its inputs");
    else if (!sort(t->data, p, next))
        rc = roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "%s does not give each group its %u inputs", suffix + 1,
                                       p->block);
    roma_free(next);
    if (rc) {
        roma_free(p->from);
        p->from = NULL;
    }
    return rc;
}

/* ---- the orders of a model ---- */

/* Whether rows, or elements of a bias, come out where down's columns are. */
static bool feeds_down(uint32_t role) {
    return role == ROMA_W_GATE || role == ROMA_W_UP || role == ROMA_W_GATE_BIAS || role == ROMA_W_UP_BIAS;
}

static void fold(roma_model *m, uint32_t layer, const uint32_t *from) {
    for (size_t i = 0; i < m->n_tensors; i++)
        if (m->tensors[i].layer == layer && feeds_down(m->tensors[i].role)) m->tensors[i].row_from = from;
}

/* Matrices that read the same values have the same order as a rule, and then share it. */
static const roma_order *find_order(const roma_order *all, size_t n, const roma_order *o) {
    for (size_t i = 0; i < n; i++)
        if (!all[i].folded && !o->folded && all[i].cols == o->cols &&
            memcmp(all[i].from, o->from, o->cols * sizeof *o->from) == 0)
            return &all[i];
    return NULL;
}

int roma_import_hf_orders(hf_folder *f, roma_model *m, roma_error *err) {
    size_t n = 0;
    f->orders = roma_alloc_array(f->n_packed + 1, sizeof *f->orders);
    if (!f->orders) return roma_fail(err, ROMA_ENOMEM, f->path, ROMA_NOWHERE, "no memory for the orders of matrices");
    for (size_t i = 0; i < m->n_tensors; i++) {
        roma_tensor *t = &m->tensors[i];
        const hf_packed *p = t->packed;
        if (!p || !p->from) continue;
        const roma_order own = {(uint32_t)p->cols, t->role == ROMA_W_DOWN, p->from};
        t->order = find_order(f->orders, n, &own);
        if (!t->order) {
            f->orders[n] = own;
            t->order = &f->orders[n++];
        }
        if (own.folded) fold(m, t->layer, own.from);
    }
    return ROMA_OK;
}
