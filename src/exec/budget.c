/* Defaults, sizes and the SRAM budget (docs/memory.md): what a configuration takes, and what a limit leaves. */
#include "internal.h"

#include <string.h>

enum { DEFAULT_CONTEXT = 4096, ADAPTERS_MAX = 65536, SEQUENCES_MAX = 65536 };
#define MIB 1048576.0
#define BYTES_MAX (UINT64_C(1) << 62) /* sums of a few such stay within 64 bits */

static int out_of_bounds(roma_error *err, const char *field, uint64_t v, uint64_t least, uint64_t most) {
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s must be %llu to %llu, not %llu", field,
                     (unsigned long long)least, (unsigned long long)most, (unsigned long long)v);
}

static int check_bounds(const roma_exec_config *c, roma_error *err) {
    const struct {
        const char *field;
        uint64_t v, most;
    } bounds[] = {
        {"sequences", c->sequences, SEQUENCES_MAX},
        {"rows", c->rows, ROMA_EXEC_ROWS_MAX},
        {"logit_rows", c->logit_rows, ROMA_EXEC_ROWS_MAX},
        {"adapters", c->adapters, ADAPTERS_MAX},
        {"adapter_rank", c->adapter_rank, ROMA_ADAPTER_RANK_MAX},
        {"adapter_stack", c->adapter_stack, ROMA_EXEC_STACK_MAX},
        {"adapter_sets", c->adapter_sets, ADAPTERS_MAX},
    };
    if (c->threads < 0 || c->threads > 64)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "threads must be 1 to 64, not %d", c->threads);
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (bounds[i].v > bounds[i].most) return out_of_bounds(err, bounds[i].field, bounds[i].v, 1, bounds[i].most);
    if (c->adapter_bytes > BYTES_MAX) return out_of_bounds(err, "adapter_bytes", c->adapter_bytes, 0, BYTES_MAX);
    return ROMA_OK;
}

/* A default gives way to what is said, so that no field that is left out contradicts another. */
static void fill_in(roma_exec_config *c) {
    if (!c->threads) c->threads = roma_cpu_count();
    if (!c->sequences) c->sequences = 1;
    if (!c->rows) c->rows = c->logit_rows > ROMA_EXEC_ROWS_USUAL ? c->logit_rows : ROMA_EXEC_ROWS_USUAL;
    if (!c->logit_rows) c->logit_rows = c->sequences < c->rows ? c->sequences : c->rows;
    if (!c->adapter_rank) c->adapter_rank = ROMA_RANK_USUAL;
    if (!c->adapter_stack) c->adapter_stack = 1;
    if (!c->adapter_sets) c->adapter_sets = c->adapters;
}

/* Everything that does not depend on what fits: all but context and pages. */
static int set_defaults(roma_exec *e, const roma_plan *plan, const roma_exec_config *cfg, roma_error *err) {
    memset(e, 0, sizeof *e);
    int rc = roma_plan_check(plan, err);
    if (!rc) rc = check_bounds(cfg, err);
    if (rc) return rc;
    if (!(e->kv = roma_kv_find(cfg->kv)))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "the cache has no format '%.20s'; it has %s (--kv)",
                         cfg->kv, roma_kv_names());
    e->plan = plan;
    e->hyper = &plan->desc->hyper;
    e->cfg = *cfg;
    roma_exec_config *c = &e->cfg;
    fill_in(c);
    if (c->logit_rows > c->rows)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "logit_rows of %u are more than the %u rows of a step",
                         c->logit_rows, c->rows);
    e->lora.width = c->adapters ? (uint32_t)roma_tiles(c->adapter_rank) * ROMA_TILE_ROWS : 0;
    e->threads = c->threads;
    e->memory.rows = c->rows;
    e->memory.logit_rows = c->logit_rows;
    e->memory.adapters = c->adapter_bytes;
    e->memory.page_group = roma_exec_block_bytes(e->hyper, e->kv);
    return ROMA_OK;
}

/* Both walks over a copy, which the counting fills with NULLs. */
static void count(const roma_exec *e, uint64_t *activations, uint64_t *work) {
    roma_exec counted = *e;
    walk values = {NULL, 0}, host = {NULL, 0};
    roma_exec_lay(&counted, &values, &host);
    *activations = values.bytes;
    *work = host.bytes;
}

/* Rows that nobody asked for are no more than the vector units hold activations of, unless those would be few. */
static void shrink_rows(roma_exec *e) {
    enum { FEWEST = 16 };
    const uint32_t fewest = e->cfg.logit_rows > FEWEST ? e->cfg.logit_rows : FEWEST;
    const uint64_t hold = e->cfg.vector_bytes / (e->memory.activations / e->cfg.rows); /* all rows take the same */
    if (!e->cfg.vector_bytes || hold >= e->cfg.rows) return;
    e->memory.rows = e->cfg.rows = hold > fewest ? (uint32_t)hold : fewest;
    count(e, &e->memory.activations, &e->memory.work);
}

static int prepare(roma_exec *e, const roma_plan *plan, const roma_exec_config *cfg, roma_error *err) {
    const int rc = set_defaults(e, plan, cfg, err);
    if (rc) return rc;
    count(e, &e->memory.activations, &e->memory.work);
    if (!cfg->rows) shrink_rows(e);
    return ROMA_OK;
}

static uint64_t sum(uint64_t a, uint64_t b) { return a + b < a ? UINT64_MAX : a + b; }

/* Adapters, and the activations that the vector units' SRAM cannot hold. */
static uint64_t beside_cache(const roma_exec_memory *m, uint64_t vector_bytes) {
    return sum(m->adapters, m->activations > vector_bytes ? m->activations - vector_bytes : 0);
}

uint64_t roma_exec_sram(const roma_exec_memory *m, uint64_t vector_bytes) {
    return sum(m->cache, beside_cache(m, vector_bytes));
}

/* SRAM for pages: what is left once everything else has its place. */
static uint64_t left_for_pages(const roma_exec *e) {
    const uint64_t taken = beside_cache(&e->memory, e->cfg.vector_bytes);
    return e->cfg.sram_bytes > taken ? e->cfg.sram_bytes - taken : 0;
}

static uint32_t most_pages(const roma_exec *e) {
    uint64_t fit = e->cfg.sram_bytes ? left_for_pages(e) / e->memory.page_group : NO_BLOCK;
    if (e->cfg.is_placed && e->cfg.pages_held < fit) fit = e->cfg.pages_held;
    return fit < NO_BLOCK ? (uint32_t)fit : NO_BLOCK - 1;
}

/* Cache and the sum of all; false when they are beyond 64 bits. */
static bool add_up(roma_exec *e) {
    roma_exec_memory *m = &e->memory;
    if (!roma_mul(m->page_group, m->pages, &m->cache)) return false;
    m->sram = roma_exec_sram(m, e->cfg.vector_bytes);
    return m->sram < UINT64_MAX;
}

/* Tokens, in whole pages, that each sequence can hold when they share so many pages. */
static uint64_t tokens_each(const roma_exec *e, uint32_t pages) {
    return (uint64_t)(pages / e->cfg.sequences) * ROMA_PAGE;
}

static int too_large(const roma_exec *e, uint32_t most, roma_error *err) {
    const uint64_t each = tokens_each(e, most);
    const bool by_unit = e->cfg.is_placed && most == e->cfg.pages_held;
    const uint64_t page_each = e->memory.page_group * e->cfg.sequences;
    const uint64_t least = sum(beside_cache(&e->memory, e->cfg.vector_bytes), page_each);
    const uint64_t fit = each < e->hyper->context ? each : e->hyper->context;
    char adapters[96] = "", remedy[128] = "", tokens[48] = "no token fits";
    if (e->memory.adapters)
        roma_print(adapters, sizeof adapters, " beside %.2f of adapters (--adapters, --rank)",
                   (double)e->memory.adapters / MIB);
    if (!by_unit)
        roma_print(remedy, sizeof remedy, "%s make it %llu MiB (--sram-mib); %llu MiB is the least, for %d tokens",
                   fit ? ", or" : ";", (unsigned long long)((e->memory.sram + (1 << 20) - 1) >> 20),
                   (unsigned long long)((least + (1 << 20) - 1) >> 20), ROMA_PAGE);
    if (fit) roma_print(tokens, sizeof tokens, "at most %llu tokens fit (--ctx)", (unsigned long long)fit);
    return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                     "a cache of %u x %u tokens takes %.2f MiB, and %.2f MiB of SRAM %s %.2f for it%s: %s%s",
                     e->cfg.sequences, e->cfg.context, (double)e->memory.cache / MIB, (double)e->cfg.sram_bytes / MIB,
                     by_unit ? "have in whole pages" : "leave",
                     (double)(by_unit ? most * e->memory.page_group : left_for_pages(e)) / MIB, adapters, tokens,
                     remedy);
}

static int impossible(const roma_exec_config *c, roma_error *err) {
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                     "no cache can hold sequences x context = %u x %u tokens: make one of them smaller", c->sequences,
                     c->context);
}

static int settle_context(roma_exec *e, uint32_t most, roma_error *err) {
    roma_exec_config *c = &e->cfg;
    const uint64_t fits = c->pages ? (uint64_t)most * ROMA_PAGE : tokens_each(e, most);
    if (!c->context) {
        c->context = e->hyper->context < DEFAULT_CONTEXT ? e->hyper->context : DEFAULT_CONTEXT;
        if (fits && fits < c->context) c->context = (uint32_t)fits;
    }
    if (c->context > e->hyper->context)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a context of %u is more than the model's own %u",
                         c->context, e->hyper->context);
    e->memory.context = c->context; /* exactly; the rest of the last page stays empty */
    c->context = roma_pages(c->context) * ROMA_PAGE;
    const uint64_t all = (uint64_t)(c->context / ROMA_PAGE) * c->sequences;
    if (all >= NO_BLOCK) return impossible(c, err);
    if (!c->pages || c->pages > all) c->pages = (uint32_t)all;
    return ROMA_OK;
}

int roma_exec_settle(roma_exec *e, const roma_plan *plan, const roma_exec_config *cfg, roma_error *err) {
    roma_exec_memory *m = &e->memory;
    int rc = prepare(e, plan, cfg, err);
    if (rc) return rc;
    const uint32_t most = most_pages(e);
    rc = settle_context(e, most, err);
    if (rc) return rc;
    m->pages = e->cfg.pages;
    if (!add_up(e)) return impossible(&e->cfg, err);
    if (m->pages > most) return too_large(e, most, err);
    count(e, &m->activations, &m->work); /* scratch and tables, now that context and pages are known */
    return ROMA_OK;
}

int roma_exec_bytes(const roma_plan *plan, const roma_exec_config *cfg, roma_exec_memory *out, roma_error *err) {
    roma_exec e;
    const int rc = roma_exec_settle(&e, plan, cfg, err);
    if (!rc) *out = e.memory;
    return rc;
}

int roma_exec_fit(const roma_plan *plan, const roma_exec_config *cfg, roma_exec_memory *out, roma_error *err) {
    roma_exec e;
    roma_exec_memory *m = &e.memory;
    const int rc = prepare(&e, plan, cfg, err);
    if (rc) return rc;
    m->pages = most_pages(&e);
    const uint64_t each = tokens_each(&e, m->pages);
    m->context = each < e.hyper->context ? (uint32_t)each : e.hyper->context;
    m->work = 0;                                      /* depends on the context taken */
    if (!add_up(&e)) m->cache = m->sram = UINT64_MAX; /* only without a limit */
    *out = *m;
    return ROMA_OK;
}

uint64_t roma_exec_limit(uint64_t a, uint64_t b) { return !a || (b && b < a) ? b : a; }

uint32_t roma_exec_rows(uint32_t rows, uint32_t running) {
    if (!rows) return running > ROMA_EXEC_ROWS_USUAL ? running : 0;
    return rows > running ? rows : running;
}
