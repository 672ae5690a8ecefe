/* Engine: its arenas and their layout. One walk serves the size query (budget.c) and the real thing, so they cannot
 * differ. */
#include "attend.h"

#include <assert.h>

/* Values that a one-row step replicates per thread: those that an operation shared by rows writes, which are the
 * residual, all codes and the angles (share.c, ROWS). */
static bool is_replicated(const roma_plan *p, uint32_t value) {
    for (size_t i = 0; i < p->n_ops; i++)
        if (p->ops[i].out == value && roma_op_about(p->ops[i].kind)->sharing == ROMA_SHARE_ROWS) return true;
    return false;
}

/* Logits leave the chip, so they are the host's. */
static void lay_value(roma_exec *e, walk *values, walk *host, uint32_t i) {
    const roma_plan *p = e->plan;
    const bool is_logits = i == p->ops[p->n_ops - 1].out;
    walk *w = is_logits ? host : values;
    const size_t rows = is_logits ? e->cfg.logit_rows : e->cfg.rows, threads = (size_t)e->threads;
    const size_t copies = is_replicated(p, i) && threads > rows ? threads - rows : 0;
    const uint64_t width = p->values[i].width;
    value_store v = {0};
    if (p->values[i].is_codes) {
        v.act = take(host, (rows + copies) * sizeof *v.act);
        for (size_t r = 0; r < rows + copies; r++) {
            void *block = take(r < rows ? w : host, roma_act_bytes(width));
            if (v.act) roma_act_init(&v.act[r], block, width);
        }
    } else {
        v.stride = roma_tiles(width) * ROMA_TILE_ROWS;
        v.f32 = take(w, rows * v.stride * sizeof *v.f32);
        v.copies = take(host, copies * v.stride * sizeof *v.copies);
    }
    if (e->values) e->values[i] = v;
}

/* Sums that a tree of so many leaves holds at once, and the leaf that comes. */
static uint32_t tree_levels(uint32_t leaves) {
    uint32_t levels = 1;
    for (; leaves; leaves /= 2) levels++;
    return levels;
}

/* Elements that an operation of the plan gathers, at most. */
static uint64_t widest_gather(const roma_plan *p) {
    uint32_t most = 0;
    for (size_t i = 0; i < p->n_ops; i++) {
        const uint32_t width = p->ops[i].param.order ? p->values[p->ops[i].out].width : 0;
        if (width > most) most = width;
    }
    return most;
}

static void lay_thread(roma_exec *e, walk *w, int t, uint64_t max_cols) {
    const roma_hyper *h = e->hyper;
    thread_scratch *s = &e->scratch[t];
    s->product = take(w, roma_kern_scratch_bytes(max_cols, e->cfg.rows));
    s->score = take(w, (uint64_t)PARTY * e->cfg.context * sizeof *s->score);
    s->tree = take(w, (uint64_t)PARTY * h->head_dim * tree_levels(e->cfg.context / ROMA_PAGE) * sizeof *s->tree);
    const uint32_t packed = roma_hyper_packed(h) ? roma_hyper_attended(h) : 0;
    s->gained = take(w, (packed > h->hidden ? packed : h->hidden) * sizeof *s->gained);
    s->ordered = take(w, widest_gather(e->plan) * sizeof *s->ordered);
    s->unpacked = take(w, (uint64_t)2 * ROMA_PAGE * h->head_dim);
    s->query = take(w, (uint64_t)PARTY * h->head_dim * sizeof *s->query);
    s->query_scale = take(w, PARTY * sizeof *s->query_scale);
    s->h = take(w, (uint64_t)LORA_BLOCK * e->lora.width * sizeof *s->h);
}

void roma_exec_lay(roma_exec *e, walk *values, walk *w) {
    const roma_plan *p = e->plan;
    const uint32_t pages = e->cfg.context / ROMA_PAGE;
    uint64_t max_cols = 0;
    for (size_t i = 0; i < p->desc->n_tensors; i++)
        if (!p->desc->tensors[i].is_vector && p->desc->tensors[i].cols > max_cols) max_cols = p->desc->tensors[i].cols;
    e->values = take(w, p->n_values * sizeof *e->values);
    for (uint32_t i = 0; i < p->n_values; i++) lay_value(e, values, w, i);
    for (int t = 0; t < e->threads; t++) lay_thread(e, w, t, max_cols);
    e->barrier = take(w, p->n_ops);
    e->cuts = take(w, p->n_ops * ((uint64_t)e->threads + 1) * sizeof *e->cuts);
    e->sequences = take(w, e->cfg.sequences * sizeof *e->sequences);
    for (uint32_t s = 0; s < e->cfg.sequences; s++) {
        uint32_t *blocks = take(w, pages * sizeof *blocks);
        if (e->sequences) e->sequences[s].blocks = blocks;
    }
    e->free_blocks = take(w, (uint64_t)e->cfg.pages * sizeof *e->free_blocks);
    e->refs = take(w, (uint64_t)e->cfg.pages * sizeof *e->refs);
    e->logit_row = take(w, e->cfg.logit_rows * sizeof *e->logit_row);
    e->blocks = take(w, e->cfg.rows * sizeof *e->blocks);
    roma_exec_split_lay(e, w);
    roma_exec_adapters_lay(e, w);
    roma_exec_lora_lay(e, w);
}

/* A refusal names what the memory is for, and the fields that ask for it. */
static int take_arena(roma_exec *e, roma_arena *a, uint64_t bytes, const char *what, roma_error *err) {
    roma_error why = {0};
    const int rc = roma_arena_create_by(a, bytes, e->team, &why);
    return rc ? roma_fail(err, rc, "", ROMA_NOWHERE, "%s: %s", what, why.text) : ROMA_OK;
}

static int start(roma_exec *e, roma_error *err) {
    int rc = roma_team_create(&e->team, e->threads, err);
    if (!rc && e->cfg.pin) rc = roma_team_pin(e->team, err);
    if (!rc) rc = take_arena(e, &e->cache, e->memory.cache, "the cache (sequences, context, pages)", err);
    if (!rc) rc = take_arena(e, &e->activations, e->memory.activations, "activations (rows)", err);
    if (!rc)
        rc = take_arena(e, &e->work, e->memory.work,
                        "work (threads, rows, sequences, context, pages, adapters, adapter_sets)", err);
    if (!rc && e->memory.adapters)
        rc = take_arena(e, &e->lora.arena, e->memory.adapters, "adapters (adapter_bytes)", err);
    if (rc) return rc;
    walk values = {&e->activations, 0}, host = {&e->work, 0};
    roma_exec_lay(e, &values, &host);
    assert(values.bytes == e->memory.activations && host.bytes == e->memory.work);
    for (size_t i = 0; i < e->plan->n_ops; i++) e->barrier[i] = roma_exec_barrier(e->plan, i);
    roma_exec_cut(e->plan, e->threads, e->cuts);
    roma_exec_cache_lay(e);
    roma_exec_lora_find(e);
    return ROMA_OK;
}

int roma_exec_create(roma_exec **out, const roma_image *image, const roma_plan *plan, const roma_exec_config *cfg,
                     roma_error *err) {
    char here[128];
    *out = NULL;
    const roma_kern *kern = roma_kern_find(cfg->isa ? cfg->isa : "auto");
    if (!kern)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "this CPU or build has no instruction set of that name; it has: %s",
                         roma_kern_list_here(here, sizeof here));
    roma_exec *e = roma_alloc(sizeof *e);
    if (!e) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the engine");
    int rc = roma_exec_settle(e, plan, cfg, err);
    if (!rc) rc = roma_exec_match(plan, image, err);
    e->image = image;
    e->kern = kern;
    if (!rc) rc = start(e, err);
    if (!rc) roma_exec_choose(e);
    if (rc) {
        roma_exec_destroy(e);
        return rc;
    }
    *out = e;
    return ROMA_OK;
}

void roma_exec_destroy(roma_exec *e) {
    if (!e) return;
    roma_team_destroy(e->team);
    roma_arena_destroy(&e->cache);
    roma_arena_destroy(&e->activations);
    roma_arena_destroy(&e->work);
    roma_arena_destroy(&e->lora.arena);
    roma_exec_tap_free(e);
    roma_free(e);
}

const roma_exec_memory *roma_exec_memory_of(const roma_exec *e) { return &e->memory; }
void roma_exec_most(const roma_exec *e, roma_exec_used *out) {
    *out = (roma_exec_used){.cache = e->n_most * e->memory.page_group,
                            .adapters = e->lora.most,
                            .activations = e->activations.used,
                            .work = e->work.used};
}
const char *roma_exec_isa(const roma_exec *e) { return e->kern->name; }
const roma_exec_choice *roma_exec_choice_of(const roma_exec *e) { return &e->choice; }
const roma_kv_format *roma_exec_kv(const roma_exec *e) { return e->kv; }
int roma_exec_threads(const roma_exec *e) { return e->threads; }
roma_team *roma_exec_team(roma_exec *e) { return e->team; }
