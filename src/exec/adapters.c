/* Adapters in the engine's memory, and the sets that rows name. Data lie in one arena as they lie in their files,
 * without gaps that matter: what does not fit between two others makes them move together. */
#include "internal.h"

#include <assert.h>
#include <string.h>

#define MIB 1048576.0

_Static_assert((int)ROMA_B_INT8 == ROMA_ADAPTER_INT8 && (int)ROMA_B_F8 == ROMA_ADAPTER_FP8 &&
                   (int)ROMA_B_F16 == ROMA_ADAPTER_F16,
               "kernels and files number the types of B alike");

void roma_exec_adapters_lay(roma_exec *e, walk *w) {
    lora_state *l = &e->lora;
    l->adapters = take(w, (uint64_t)e->cfg.adapters * sizeof *l->adapters);
    for (uint32_t i = 0; i < e->cfg.adapters; i++) {
        lora_matrix *m = take(w, (e->plan->n_adapter_slots + 1ull) * sizeof *m);
        if (l->adapters) l->adapters[i].matrix = m;
    }
    l->sets = take(w, ((uint64_t)e->cfg.adapter_sets + 1) * sizeof *l->sets);
    if (l->sets) l->sets[0].is_defined = true;
}

/* ---- memory ---- */

static uint64_t used_bytes(const roma_exec *e) {
    uint64_t n = 0;
    for (uint32_t i = 0; i < e->cfg.adapters; i++) n += e->lora.adapters[i].serial ? e->lora.adapters[i].bytes : 0;
    return n;
}

uint64_t roma_exec_adapter_free(const roma_exec *e) { return e->memory.adapters - used_bytes(e); }

/* The adapter at or behind `at` that lies lowest. */
static lora_adapter *next_adapter(const roma_exec *e, uint64_t at) {
    lora_adapter *best = NULL;
    for (uint32_t i = 0; i < e->cfg.adapters; i++) {
        lora_adapter *a = &e->lora.adapters[i];
        if (a->serial && a->at >= at && (!best || a->at < best->at)) best = a;
    }
    return best;
}

static void move_adapter(const roma_exec *e, lora_adapter *a, uint64_t to) {
    uint8_t *base = e->lora.arena.base;
    const uint64_t down = a->at - to;
    if (!down) return;
    memmove(base + to, base + a->at, a->bytes);
    memset(base + to + a->bytes, 0, down);
    for (uint32_t i = 0; i <= e->plan->n_adapter_slots; i++) {
        lora_matrix *m = &a->matrix[i];
        if (!m->b.rank) continue;
        m->a -= down;
        m->b.tiles -= down;
        m->a_scale -= down / sizeof *m->a_scale;
        m->b.scale -= down / sizeof *m->b.scale;
        if (m->factor) m->factor -= down / sizeof *m->factor;
    }
    a->at = to;
}

/* Offset of `bytes` free bytes; the caller has checked that enough are free in total. Uses the first gap that is large
 * enough, else moves all adapters together and returns the end of the last one. */
static uint64_t find_gap(roma_exec *e, uint64_t bytes) {
    uint64_t end = 0;
    for (const lora_adapter *a; (a = next_adapter(e, end)) && a->at - end < bytes;) end = a->at + a->bytes;
    if (e->memory.adapters - end >= bytes) return end;
    end = 0;
    for (lora_adapter *a; (a = next_adapter(e, end)); end += a->bytes) move_adapter(e, a, end);
    return end;
}

/* ---- loading ---- */

static const float *floats_in(const uint8_t *copy, const roma_adapter *a, const float *p) {
    return (const float *)(const void *)(copy + ((const uint8_t *)(const void *)p - a->data));
}

/* Matrices of the adapter by the plan's slots, pointing into the copy. */
static void point(const roma_exec *e, lora_adapter *to, const roma_adapter *a) {
    const uint8_t *copy = e->lora.arena.base + to->at;
    memset(to->matrix, 0, (e->plan->n_adapter_slots + 1ull) * sizeof *to->matrix);
    for (size_t i = 0; i < e->plan->n_ops; i++) {
        const roma_op *op = &e->plan->ops[i];
        const bool embeds = op->kind == ROMA_OP_EMBED;
        if (op->adapter_slot == UINT32_MAX && !embeds) continue;
        /* the head's role, though its tensor may be the embedding */
        const uint32_t role = op->last_rows_only ? ROMA_W_HEAD : e->plan->desc->tensors[op->tensor].role;
        const roma_adapter_target *t = roma_adapter_find(a, role, op->layer == UINT32_MAX ? 0 : op->layer);
        if (!t) continue;
        to->matrix[embeds ? e->plan->n_adapter_slots : op->adapter_slot] =
            (lora_matrix){.b = {a->type, t->rank, copy + (t->b - a->data), floats_in(copy, a, t->b_scale)},
                          .a = copy + (t->a - a->data),
                          .a_scale = floats_in(copy, a, t->a_scale),
                          .factor = t->dora ? floats_in(copy, a, t->factor) : NULL,
                          .scale = t->scale};
    }
}

static int check_room(const roma_exec *e, const roma_adapter *a, const char *file, roma_error *err) {
    const uint64_t left = roma_exec_adapter_free(e);
    uint32_t n = 0;
    while (n < e->cfg.adapters && e->lora.adapters[n].serial) n++;
    if (n == e->cfg.adapters)
        return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE,
                         "%u adapters are loaded, and there is room for no more (--adapters)", n);
    if (a->rank > e->cfg.adapter_rank)
        return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE,
                         "this adapter has rank %u, and there is room for rank %u (--rank)", a->rank,
                         e->cfg.adapter_rank);
    if (a->data_bytes > left)
        return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE,
                         "this adapter takes %.2f MiB, and of the %.2f MiB of SRAM kept for adapters %.2f are free "
                         "(--adapters, --rank)",
                         (double)a->data_bytes / MIB, (double)e->memory.adapters / MIB, (double)left / MIB);
    return ROMA_OK;
}

int roma_exec_adapter_load(roma_exec *e, const roma_adapter *a, unsigned flags, const char *file, uint32_t *id,
                           roma_error *err) {
    int rc = roma_adapter_check(a, &e->image->desc, e->image->base_id, flags, file, err);
    if (!rc) rc = check_room(e, a, file, err);
    if (rc) return rc;
    const uint64_t at = find_gap(e, a->data_bytes);
    assert(at + a->data_bytes <= e->memory.adapters);
    if (at + a->data_bytes > e->lora.most) e->lora.most = at + a->data_bytes;
    for (*id = 0; e->lora.adapters[*id].serial;) ++*id;
    lora_adapter *to = &e->lora.adapters[*id];
    *to = (lora_adapter){++e->lora.serials, at, a->data_bytes, a->dora, {0}, to->matrix};
    memcpy(to->sha256, a->file_sha256, sizeof to->sha256);
    memcpy(e->lora.arena.base + at, a->data, a->data_bytes);
    point(e, to, a);
    return ROMA_OK;
}

static bool is_loaded(const roma_exec *e, uint32_t id) { return id < e->cfg.adapters && e->lora.adapters[id].serial; }

int roma_exec_adapter_unload(roma_exec *e, uint32_t id, roma_error *err) {
    if (!is_loaded(e, id)) return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "adapter %u is not loaded", id);
    for (uint32_t s = 1; s <= e->cfg.adapter_sets; s++)
        for (uint32_t i = 0; i < e->lora.sets[s].n; i++)
            if (e->lora.sets[s].part[i].id == id)
                return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "adapter set %u holds adapter %u", s, id);
    memset(e->lora.arena.base + e->lora.adapters[id].at, 0, e->lora.adapters[id].bytes); /* leaves no trace */
    e->lora.adapters[id].serial = 0;
    return ROMA_OK;
}

/* ---- sets ---- */

int roma_exec_adapter_set(roma_exec *e, uint32_t set, const uint32_t *ids, const float *factors, uint32_t n,
                          roma_error *err) {
    if (!set || set > e->cfg.adapter_sets)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "adapter sets are 1 to %u, not %u", e->cfg.adapter_sets,
                         set);
    if (n > e->cfg.adapter_stack)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "%u adapters at once, and there is room for %u", n,
                         e->cfg.adapter_stack);
    lora_set s = {.is_defined = true};
    for (uint32_t i = 0; i < n; i++) {
        const float factor = factors ? factors[i] : 1;
        if (!is_loaded(e, ids[i]))
            return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "adapter %u is not loaded", ids[i]);
        if (!(factor >= -ROMA_ADAPTER_ALPHA_MAX && factor <= ROMA_ADAPTER_ALPHA_MAX))
            return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "an adapter's factor must be a number up to 1000000");
        if (factor >= 0 && factor <= 0) continue; /* switched off */
        if (e->lora.adapters[ids[i]].dora && (s.n || factor < 1 || factor > 1))
            return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, ROMA_ADAPTER_DORA_PLACE);
        s.part[s.n].serial = e->lora.adapters[ids[i]].serial;
        s.part[s.n].id = ids[i];
        s.part[s.n++].factor = factor;
    }
    e->lora.sets[set] = s;
    return ROMA_OK;
}

bool roma_exec_sets_equal(const lora_set *a, const lora_set *b) {
    if (!a->is_defined || !b->is_defined || a->n != b->n) return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (a->part[i].serial != b->part[i].serial ||
            roma_f32_bits(a->part[i].factor) != roma_f32_bits(b->part[i].factor))
            return false;
    return true;
}
