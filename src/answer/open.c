/* From an image file to a running engine: open and check, chip, plan, tokenizer, template; memory, engine, batch. */
#include "answer/internal.h"
#include "roma/map.h"

enum { PROPOSALS = 15, SETS_MOST = 4096 };

static uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t max_u32(uint32_t a, uint32_t b) { return a > b ? a : b; }

/* ---- open ---- */

static int open_image(roma_answer *a, const roma_answer_config *c, roma_error *err) {
    roma_team *team = NULL;
    int rc = c->no_verify ? ROMA_OK : roma_team_create(&team, c->threads ? (int)c->threads : roma_cpu_count(), err);
    if (!rc) rc = roma_image_open(&a->image, c->image, c->no_verify ? ROMA_IMAGE_NO_VERIFY : 0, team, err);
    a->has_image = !rc;
    roma_team_destroy(team);
    return rc;
}

static int make_lock(roma_answer *a, roma_error *err) {
    if (pthread_mutex_init(&a->lock, NULL)) return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "no lock can be had");
    if (pthread_cond_init(&a->changed, NULL)) {
        pthread_mutex_destroy(&a->lock);
        return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "no condition variable can be had");
    }
    a->has_lock = true;
    return ROMA_OK;
}

int roma_answer_open(roma_answer **out, const roma_answer_config *c, roma_error *err) {
    *out = NULL;
    roma_answer *a = roma_alloc_array(1, sizeof *a);
    if (!a) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the model's tables");
    roma_chip chip;
    int rc = roma_chip_open(&chip, c->chip, err);
    if (!rc) rc = make_lock(a, err);
    if (!rc) rc = open_image(a, c, err);
    if (!rc) rc = roma_map_plan(&a->plan, &a->image.desc, err);
    a->has_plan = a->has_image && !rc;
    if (!rc) rc = roma_map_place(&a->place, &a->plan, &chip, 1, err);
    if (!rc && a->image.has_vocab) rc = roma_tokenizer_create(&a->tok, &a->image.vocab, c->image, err);
    if (!rc) rc = roma_answer_choose_template(a, c, err);
    if (!rc) rc = roma_answer_find_calls(a, err);
    if (rc)
        roma_answer_close(a);
    else
        *out = a;
    return rc;
}

void roma_answer_close(roma_answer *a) {
    if (!a) return;
    roma_answer_stop(a);
    roma_answer_adapters_free(a);
    for (int i = 0; i < 2; i++) roma_constrain_words_destroy(a->words[i]);
    roma_free(a->marks);
    roma_tokenizer_destroy(a->tok);
    roma_template_destroy(a->chat_template);
    roma_place_destroy(&a->place);
    if (a->has_plan) roma_plan_destroy(&a->plan);
    if (a->has_image) roma_image_close(&a->image);
    if (a->has_lock) {
        pthread_cond_destroy(&a->changed);
        pthread_mutex_destroy(&a->lock);
    }
    roma_free(a);
}

const roma_image *roma_answer_image(const roma_answer *a) { return &a->image; }
const roma_plan *roma_answer_plan(const roma_answer *a) { return &a->plan; }
const roma_placement *roma_answer_placement(const roma_answer *a) { return &a->place; }
const roma_tokenizer *roma_answer_tokenizer(const roma_answer *a) { return a->tok; }
roma_exec *roma_answer_engine(const roma_answer *a) { return a->exec; }

/* ---- memory ---- */

static uint32_t waiting_of(const roma_answer_config *c) { return c->waiting ? c->waiting : c->running; }

/* What the engine needs for adapters: room for so many of one rank on all linears, or for those that are open. */
static void adapter_room(const roma_answer *a, const roma_answer_config *c, roma_exec_config *out) {
    const bool given = c->adapters || c->rank;
    const uint32_t count = c->adapters || !c->rank ? c->adapters : 1;
    const uint64_t requests = c->running ? (uint64_t)c->running + waiting_of(c) : c->sequences;
    const uint32_t sets = requests < SETS_MOST ? (uint32_t)requests : SETS_MOST;
    out->adapters = given ? count : (uint32_t)a->n_adapters;
    out->adapter_rank = c->rank ? c->rank : ROMA_RANK_USUAL;
    out->adapter_bytes = count * roma_adapter_bytes(&a->image.desc, ROMA_ADAPTER_INT8, out->adapter_rank, 0);
    out->adapter_sets = c->sets ? c->sets : out->adapters ? max_u32(sets, 1) : 1;
    out->adapter_stack = max_u32(min_u32(out->adapters, ROMA_EXEC_STACK_MAX), c->stack);
    for (size_t i = 0; i < a->n_adapters && !given; i++) {
        const roma_adapter *f = &a->adapters[i]->adapter;
        out->adapter_bytes += f->data_bytes;
        if (f->rank > out->adapter_rank || !i) out->adapter_rank = f->rank;
    }
}

/* The chip's H-Units hold pages where they are placed, and its vector units activations. */
static void limit_to_chip(const roma_answer *a, roma_exec_config *out) {
    const roma_chip *c = &a->place.chip;
    const roma_kv_format *f = roma_kv_find(out->kv); /* the engine refuses an unknown name */
    roma_placement p = a->place;
    if (f) p.kv = (roma_kv)(f - roma_kv_formats);
    out->sram_bytes = roma_exec_limit(out->sram_bytes, (uint64_t)roma_chip_sram_bytes(c));
    out->vector_bytes = (uint64_t)roma_chip_vector_bytes(c);
    out->is_placed = true;
    out->pages_held = roma_place_pages(&p, (double)out->sram_bytes, (double)out->adapter_bytes);
}

static roma_exec_config exec_config(const roma_answer *a, const roma_answer_config *c) {
    const uint32_t rows = c->running ? roma_exec_rows(c->rows, c->running) : c->rows,
                   most = rows ? rows : ROMA_EXEC_ROWS_USUAL;
    roma_exec_config out = {.threads = (int)c->threads,
                            .pin = c->pin,
                            .isa = c->isa,
                            .kv = c->kv,
                            .context = c->context,
                            .sequences = c->running ? c->running + c->kept : c->sequences,
                            .rows = rows,
                            .logit_rows = c->running ? min_u32(c->running + (c->no_proposals ? 0 : PROPOSALS), most)
                                                     : c->logit_rows,
                            .pages = c->pages};
    adapter_room(a, c, &out);
    out.sram_bytes = c->sram_bytes;
    if (c->chip_is_limit) limit_to_chip(a, &out);
    return out;
}

int roma_answer_size(const roma_answer *a, const roma_answer_config *c, roma_exec_memory *out, roma_error *err) {
    const roma_exec_config cfg = exec_config(a, c);
    const int rc = roma_exec_bytes(&a->plan, &cfg, out, err);
    if (!rc) out->work += ROMA_ANSWER_PIECE;
    return rc;
}

int roma_answer_fit(const roma_answer *a, roma_answer_config *c, uint64_t longest, roma_error *err) {
    enum { PREFIXES = 8 };
    roma_exec_memory m;
    roma_exec_config one = exec_config(a, c); /* as one sequence has it, whatever many have */
    const roma_exec_config unlimited = {.threads = one.threads, .kv = one.kv, .context = one.context};
    one.sequences = one.pages = 0;
    int rc = roma_exec_bytes(&a->plan, &unlimited, &m, err);
    const uint32_t context = m.context;
    if (!rc) rc = roma_exec_fit(&a->plan, &one, &m, err);
    if (rc) return rc;
    c->context = longest < context ? (uint32_t)longest + 1 : context;
    c->kept = c->running + PREFIXES;
    c->pages = c->running * roma_pages(c->context);
    if (m.pages && c->pages > m.pages) c->pages = m.pages;
    return ROMA_OK;
}

uint64_t roma_answer_bytes(const roma_answer *a) {
    if (!a->exec) return 0;
    const roma_exec_memory *m = roma_exec_memory_of(a->exec);
    return m->cache + m->adapters + m->activations + m->work + ROMA_ANSWER_PIECE +
           (a->batch ? roma_batch_bytes(a->exec, &a->batch_config) : 0) + (a->tok ? roma_tokenizer_bytes(a->tok) : 0);
}

/* ---- start ---- */

static int start_batch(roma_answer *a, const roma_answer_config *c, roma_error *err) {
    a->batch_config = (roma_batch_config){
        .running = c->running, .waiting = waiting_of(c), .proposals = c->no_proposals ? 0 : PROPOSALS};
    const int rc = roma_batch_create(&a->batch, a->exec, &a->batch_config, err); /* which knows what is too many */
    if (rc) return rc;
    a->drafts = !c->no_proposals;
    const uint32_t n = a->batch_config.running + a->batch_config.waiting;
    a->places = roma_alloc_array(n, sizeof(job *));
    a->active = roma_alloc_array(n, sizeof(job *));
    if (!a->places || !a->active) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the requests");
    a->n_places = n;
    a->inbox_end = &a->inbox;
    return ROMA_OK;
}

int roma_answer_start(roma_answer *a, const roma_answer_config *c, roma_error *err) {
    const roma_exec_config cfg = exec_config(a, c);
    if (a->exec) return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "this is started already");
    int rc = roma_arena_create(&a->arena, ROMA_ANSWER_PIECE, err);
    if (rc) return rc;
    a->piece = roma_arena_take(&a->arena, ROMA_ANSWER_PIECE);
    rc = roma_exec_create(&a->exec, &a->image, &a->plan, &cfg, err);
    if (!rc) a->place.kv = (roma_kv)(roma_exec_kv(a->exec) - roma_kv_formats);
    a->adapters_max = cfg.adapters;
    a->n_mixes = cfg.adapter_sets;
    if (!rc && !(a->mixes = roma_alloc_array(a->n_mixes, sizeof *a->mixes)))
        rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the sets of adapters");
    if (!rc && c->running) rc = start_batch(a, c, err);
    if (rc) roma_answer_stop(a);
    return rc;
}
