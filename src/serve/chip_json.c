/* The record of the chip as JSON: /v1/chip and a token's step; contract in chip.h, keys in docs/server-page.md. */
#include "serve/chip.h"

#include <assert.h>

/* Larger grids are not drawn. */
enum { TILES_MOST = 16384 };

static const char *const unit_name[ROMA_COST_UNITS] = {"L-Units", "H-Units", "vector units", "H-Units, adapters"};

/* ---- what the chip is ---- */

static void figures(const roma_serve_record *c, roma_json *j) {
    const roma_chip *chip = &c->place->chip;
    const uint64_t held = roma_cost_positions(c->place, &c->work), own = c->place->plan->desc->hyper.context;
    roma_json_open(j, "figures", '{');
    roma_json_real(j, "area_mm2", c->cost.area_mm2);
    roma_json_real(j, "clock_hz", chip->clock_hz);
    roma_json_uint(j, "dies", c->place->dies);
    roma_json_real(j, "node_nm", chip->node_nm);
    roma_json_real(j, "rom_bits", c->cost.rom_capacity * 8);
    roma_json_real(j, "rom_bits_used", c->cost.rom_bytes * 8);
    roma_json_real(j, "sram_bits", 8 * (c->cost.sram_bytes + c->place->dies * roma_chip_vector_bytes(chip)));
    roma_json_uint(j, "capacity_tokens", held < own ? held : own);
    roma_json_bool(j, "fits_rom", c->place->fits_rom);
    roma_json_string(j, "note", c->place->note);
    roma_json_string(j, "kv", roma_kv_formats[c->computed.kv].name);
    roma_json_close(j, '}');
}

static void at(const roma_serve_record *c, const roma_serve_now *now, roma_json *j) {
    roma_json_open(j, "at", '{');
    roma_json_uint(j, "running", now->running);
    roma_json_uint(j, "prompt", c->work.prompt);
    roma_json_uint(j, "context", c->work.context);
    roma_json_uint(j, "batch", c->work.batch);
    roma_json_uint(j, "rank", c->work.rank);
    roma_json_uint(j, "adapters", c->work.adapters);
    roma_json_uint(j, "stacked", c->work.stacked);
    roma_json_real(j, "cycles", c->cost.decode_cyc);
    roma_json_real(j, "tok_s", c->cost.tok_s);
    roma_json_real(j, "ttft_ms", c->cost.ttft_s * 1e3);
    roma_json_real(j, "mj_per_token", c->cost.mj_per_token);
    roma_json_real(j, "power_w", c->cost.power_w);
    roma_json_real(j, "junction_c", c->cost.junction_c);
    roma_json_bool(j, "fits_sram", c->cost.fits_sram > 0);
    roma_json_close(j, '}');
}

static void totals(const roma_serve_record *c, const roma_serve_now *now, roma_json *j) {
    roma_json_open(j, "host", '{');
    roma_json_real(j, "tok_s", now->host_tok_s);
    roma_json_real(j, "seconds", now->host_s);
    roma_json_close(j, '}');
    roma_json_open(j, "totals", '{');
    roma_json_uint(j, "prompt_tokens", c->prompt_tokens);
    roma_json_uint(j, "tokens", c->tokens);
    roma_json_uint(j, "uncharged_tokens", c->uncharged);
    roma_json_real(j, "joules", c->total.j);
    roma_json_real(j, "chip_seconds", c->total.s);
    roma_json_close(j, '}');
}

/* ---- SRAM ---- */

/* Pages of run r of the first n, where runs are of `run` pages and go round `units` units: whole turns, and the rest.
 */
static uint64_t in_run(uint64_t n, uint64_t run, uint64_t units, uint64_t r) {
    const uint64_t rest = n % (run * units), before = r * run;
    const uint64_t last = rest <= before ? 0 : rest - before < run ? rest - before : run;
    return n / (run * units) * run + last;
}

/* Pages of all layers that lie in each H-Unit with hunit.pages = whole, when page groups 0 to n - 1 are in use. */
static void whole_pages(const roma_placement *p, uint64_t n, uint64_t *pages) {
    const roma_hyper *h = &p->plan->desc->hyper;
    const uint64_t run = UINT64_C(1) << (unsigned)p->chip.page_run, units = roma_place_page_units(p);
    for (uint32_t layer = 0; layer < h->layers; layer++)
        for (uint32_t head = 0; head < h->kv_heads; head++)
            for (uint64_t r = 0; r < units; r++)
                pages[roma_place_page_unit(p, layer, head, r * run)] += in_run(n, run, units, r);
}

/* Bytes of cache in each H-Unit: an array of matrix_units numbers. */
static int hunits(const roma_serve_record *c, uint64_t used, roma_json *j, roma_error *err) {
    const roma_placement *p = c->place;
    const roma_hyper *h = &p->plan->desc->hyper;
    const uint32_t units = (uint32_t)p->chip.matrix_units, share = roma_place_page_units(p);
    const bool is_whole = p->chip.hunit_pages != ROMA_PAGES_SPREAD;
    uint64_t *pages = roma_alloc_array(units, sizeof *pages);
    if (!pages) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the map of %u H-Units", units);
    for (uint32_t u = 0; u < units; u++) pages[u] = 0;
    if (is_whole) whole_pages(p, used, pages);
    roma_json_open(j, "hunits", '[');
    for (uint32_t u = 0; u < units; u++) {
        const double spread = u / share < h->kv_heads ? roma_place_page_bytes(p, 0, used) : 0;
        roma_json_real(j, NULL, is_whole ? (double)pages[u] * (double)roma_place_one_page(p) : spread);
    }
    roma_json_close(j, ']');
    roma_free(pages);
    return ROMA_OK;
}

static void adapters(const roma_serve_now *now, roma_json *j) {
    roma_json_open(j, "adapters", '[');
    for (size_t i = 0; i < now->n_adapters; i++) {
        const roma_serve_adapter_now *a = &now->adapters[i];
        roma_json_open(j, NULL, '{');
        roma_json_string(j, "name", a->name);
        roma_json_uint(j, "rank", a->rank);
        roma_json_uint(j, "bytes", a->bytes);
        roma_json_bool(j, "loaded", a->is_loaded);
        roma_json_uint(j, "running", a->running);
        roma_json_close(j, '}');
    }
    roma_json_close(j, ']');
}

static int sram(const roma_serve_record *c, const roma_serve_now *now, roma_json *j, roma_error *err) {
    const roma_chip *chip = &c->place->chip;
    const uint64_t used = now->pages - now->pages_free;
    const uint64_t vector = (uint64_t)roma_chip_vector_bytes(chip);
    int rc = ROMA_OK;
    roma_json_open(j, "sram", '{');
    roma_json_real(j, "bytes", c->cost.sram_bytes);
    roma_json_real(j, "hunit_bytes", chip->hunit_sram_bytes);
    roma_json_uint(j, "vector_bytes", vector);
    roma_json_uint(j, "activations", now->activation_bytes);
    roma_json_uint(j, "activations_beside_cache", now->activation_bytes > vector ? now->activation_bytes - vector : 0);
    adapters(now, j);
    roma_json_open(j, "pages", '{');
    roma_json_uint(j, "all", now->pages);
    roma_json_uint(j, "used", used);
    roma_json_uint(j, "free", now->pages_free);
    roma_json_uint(j, "shared", now->pages_shared);
    roma_json_uint(j, "bytes_each", now->page_bytes);
    roma_json_string(j, "kv", roma_kv_formats[c->place->kv].name);
    roma_json_close(j, '}');
    if (chip->grid_rows * chip->grid_columns <= TILES_MOST) rc = hunits(c, used, j, err);
    roma_json_close(j, '}');
    return rc;
}

/* ---- floorplan ---- */

static void unit(roma_json *j, const char *name, double count, double utilisation) {
    roma_json_open(j, NULL, '{');
    roma_json_string(j, "name", name);
    roma_json_real(j, "count", count);
    roma_json_real(j, "utilisation", utilisation);
    roma_json_close(j, '}');
}

static void units(const roma_serve_record *c, roma_json *j) {
    const roma_chip *chip = &c->place->chip;
    const double dies = c->place->dies;
    roma_json_open(j, "units", '[');
    unit(j, unit_name[ROMA_UNIT_L], dies * chip->matrix_units * chip->lunits, c->cost.use_lunit);
    unit(j, unit_name[ROMA_UNIT_H], dies * chip->matrix_units, c->cost.use_hunit);
    unit(j, unit_name[ROMA_UNIT_V], dies * chip->vector_units, c->cost.use_vector);
    roma_json_close(j, ']');
}

/* A tile of each kind: a matrix unit's is all L-Units but for the share of its H-Unit. */
static void kind(roma_json *j, const char *name, const roma_floor_cell *f, double hunit) {
    roma_json_open(j, name, '{');
    roma_json_string(j, "name", f->label);
    roma_json_real(j, "area_mm2", f->area_mm2);
    roma_json_real(j, "power_w", f->power_w);
    if (hunit > 0) roma_json_real(j, "hunit_share", hunit);
    roma_json_close(j, '}');
}

/* Rows of the grid as texts, a letter a tile: m matrix units, in the order of their numbers; v vector units; '.' none.
 */
static int floorplan(const roma_serve_record *c, roma_json *j, roma_error *err) {
    roma_floorplan f;
    const roma_cost *k = &c->cost;
    const roma_floor_cell *of[128] = {NULL};
    if (c->place->chip.grid_rows * c->place->chip.grid_columns > TILES_MOST) return ROMA_OK;
    const int rc = roma_cost_floorplan(&f, c->place, k, err);
    if (rc) return rc;
    roma_json_open(j, "floorplan", '{');
    roma_json_open(j, "tiles", '[');
    for (uint32_t r = 0; r < f.rows; r++) {
        char row[1024];
        assert(f.columns <= sizeof row);
        for (uint32_t i = 0; i < f.columns; i++) {
            const roma_floor_cell *cell = &f.cells[r * f.columns + i];
            row[i] = cell->label[0] == 'm' || cell->label[0] == 'v' ? cell->label[0] : '.';
            of[(unsigned char)row[i]] = cell;
        }
        roma_json_text(j, NULL, row, f.columns);
    }
    roma_json_close(j, ']');
    roma_json_open(j, "kinds", '{');
    if (of['m']) kind(j, "m", of['m'], k->area_hunits / (k->area_hunits + k->area_lunits));
    if (of['v']) kind(j, "v", of['v'], 0);
    if (of['.']) kind(j, ".", of['.'], 0);
    roma_json_close(j, '}');
    roma_json_real(j, "other_mm2", f.other_mm2);
    roma_json_close(j, '}');
    roma_floorplan_destroy(&f);
    return ROMA_OK;
}

/* ---- all of it ---- */

static int done(const roma_buf *out, roma_error *err) {
    return out->failed ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the record of the chip")
                       : ROMA_OK;
}

int roma_serve_record_json(roma_serve_record *c, const roma_serve_now *now, roma_buf *out, roma_error *err) {
    uint32_t running = 0; /* adapters of requests that run */
    for (size_t i = 0; i < now->n_adapters; i++) running += now->adapters[i].running > 0;
    const int found = now->running ? roma_serve_record_at(c, (uint32_t)(now->cached / now->running), now->running,
                                                          now->set, running, err)
                                   : roma_serve_record_at(c, c->last, 1, c->last_set, c->last_set.stacked, err);
    if (found) return found;
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "object", "chip");
    roma_json_string(&j, "model", c->place->plan->desc->name);
    roma_json_string(&j, "chip", c->place->chip.name);
    roma_json_string(&j, "title", c->place->chip.title);
    figures(c, &j);
    at(c, now, &j);
    totals(c, now, &j);
    int rc = sram(c, now, &j, err);
    units(c, &j);
    if (!rc) rc = floorplan(c, &j, err);
    roma_json_close(&j, '}');
    return rc ? rc : done(out, err);
}

/* ---- one token ---- */

static void instance(const roma_plan *p, const roma_cost_instance *x, roma_json *j) {
    static const char *const parts[] = {"base", "down", "up"};
    const roma_op *op = &p->ops[x->op];
    roma_json_open(j, NULL, '[');
    roma_json_string(j, NULL, roma_op_name(op->kind));
    roma_json_string(j, NULL,
                     op->tensor == ROMA_NO_TENSOR ? NULL : roma_tensor_role_name(p->desc->tensors[op->tensor].role));
    if (op->layer == UINT32_MAX)
        roma_json_null(j, NULL);
    else
        roma_json_uint(j, NULL, op->layer);
    roma_json_string(j, NULL, parts[x->part]);
    roma_json_uint(j, NULL, x->unit);
    roma_json_uint(j, NULL, x->start);
    roma_json_uint(j, NULL, x->busy);
    roma_json_uint(j, NULL, x->end);
    roma_json_close(j, ']');
}

int roma_serve_record_step_json(roma_serve_record *c, uint32_t context, roma_serve_set set, roma_buf *out,
                                roma_error *err) {
    static const char *const columns[] = {"operation", "tensor", "layer", "part", "unit", "start", "busy", "end"};
    uint64_t cycles;
    roma_workload w = roma_cost_workload_bare();
    if (context > c->context)
        return roma_fail(err, ROMA_EINPUT, "context", ROMA_NOWHERE,
                         "%u tokens are more than the server's context of %u", context, c->context);
    w.context = context;
    w.rank = set.rank;
    w.stacked = w.adapters = set.rank ? set.stacked : 0;
    int rc = roma_cost_workload_check(&w, err);
    if (!rc) rc = roma_cost_decode(&cycles, &c->schedule, &c->computed, &w, err);
    if (rc) return rc;
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "object", "chip.step");
    roma_json_uint(&j, "context", context);
    roma_json_uint(&j, "rank", w.rank);
    roma_json_uint(&j, "stacked", w.stacked);
    roma_json_uint(&j, "cycles", cycles);
    roma_json_real(&j, "clock_hz", c->place->chip.clock_hz);
    roma_json_open(&j, "units", '[');
    for (int i = 0; i < ROMA_COST_UNITS; i++) roma_json_string(&j, NULL, unit_name[i]);
    roma_json_close(&j, ']');
    roma_json_open(&j, "columns", '[');
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) roma_json_string(&j, NULL, columns[i]);
    roma_json_close(&j, ']');
    roma_json_open(&j, "rows", '[');
    for (size_t i = 0; i < c->schedule.n; i++) instance(c->place->plan, &c->schedule.instances[i], &j);
    roma_json_close(&j, ']');
    roma_json_close(&j, '}');
    return done(out, err);
}
