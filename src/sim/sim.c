/* Simulations: figures and views; contract in sim.h. */
#include "roma/sim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening ---- */

static int read_defects(roma_sim *s, const char *path, roma_error *err) {
    roma_map m;
    int rc = roma_map_open(&m, path, err);
    if (rc) return rc;
    rc = roma_defects_read(&s->defects, &s->design.place.chip, (const char *)m.data, (size_t)m.size, path, err);
    roma_map_close(&m);
    s->work.defects = &s->defects;
    return rc;
}

int roma_sim_open(roma_sim *s, const roma_sim_config *c, roma_error *err) {
    memset(s, 0, sizeof *s);
    int rc = roma_cost_workload_check(&c->work, err);
    if (!rc) rc = roma_design_open(&s->design, &c->design, err);
    if (rc) return rc;
    s->work = c->work;
    s->work.activation_bytes = roma_design_activations(&s->design.plan, 0, c->work.batch);
    if (c->toggles && !s->design.has_image)
        rc = roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "toggles are counted in an image's bits; a shape has none");
    else if (c->toggles && s->design.place.chip.trits > 0)
        rc = roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                       "toggles are counted in an image's bits, and no image has trits (lunit.trits)");
    else if (c->toggles && !((s->work.toggle = roma_map_toggles(&s->design.place)) > 0))
        rc = roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                       "toggles are counted between the words that an L-Unit reads one after the other, and on chip %s "
                       "none reads two of a matrix of this image",
                       s->design.place.chip.name);
    if (!rc && c->defects) rc = read_defects(s, c->defects, err);
    if (rc) roma_sim_close(s);
    return rc;
}

void roma_sim_close(roma_sim *s) {
    roma_schedule_destroy(&s->schedule);
    roma_defects_destroy(&s->defects);
    roma_design_close(&s->design);
    memset(s, 0, sizeof *s);
}

/* ---- figures ---- */

int roma_sim_evaluate(roma_sim *s, bool ranges, roma_sim_figures *out, roma_error *err) {
    const roma_design *d = &s->design;
    int rc = roma_cost_evaluate(&out->cost, &s->schedule, &d->place, &s->work, err);
    if (rc) return rc;
    for (unsigned i = 0; i < ROMA_COST_N; i++) {
        out->range[i] = roma_range_of(out->cost.v[i]);
        out->dominant[i] = -1;
    }
    return ranges ? roma_cost_ranges(out->range, out->dominant, &s->schedule, &d->place, &s->work, err) : ROMA_OK;
}

/* ---- what fits ---- */

uint64_t roma_sim_capacity(const roma_sim *s) {
    const uint64_t held = roma_cost_positions(&s->design.place, &s->work), own = s->design.desc->hyper.context;
    return held < own ? held : own;
}

/* What the capacity is, for a sentence. */
static const char *limit_of(const roma_sim *s) {
    return roma_cost_positions(&s->design.place, &s->work) < s->design.desc->hyper.context
               ? "the SRAM holds beside the adapters"
               : "the model's own context has";
}

uint64_t roma_sim_prompt(const roma_sim *s) {
    const uint64_t held = roma_cost_prompt(&s->design.place, &s->work), own = s->design.desc->hyper.context;
    return held < own ? held : own;
}

void roma_sim_misfits(const roma_sim *s, const roma_cost *c, roma_buf *out) {
    const roma_workload *w = &s->work;
    const uint32_t own = s->design.desc->hyper.context;
    if (c->fits_sram <= 0)
        roma_buf_print(
            out,
            "does not fit: a prompt of %u and a step behind %u tokens, batch %u; beside the adapters the SRAM "
            "holds %llu tokens of each sequence, %llu of a prompt with the scores of a block of its rows\n",
            w->prompt, w->context, w->batch, (unsigned long long)roma_cost_positions(&s->design.place, w),
            (unsigned long long)roma_cost_prompt(&s->design.place, w));
    if (w->prompt > own || w->context >= own)
        roma_buf_print(out, "does not fit: a prompt of %u and a step behind %u tokens; the model's own context is %u\n",
                       w->prompt, w->context, own);
}

void roma_sim_hazards(const roma_sim *s, const roma_cost *c, roma_buf *out) {
    const uint32_t dies = s->design.place.dies, layers = s->design.desc->hyper.layers;
    const double die = c->area_mm2 / dies;
    if (dies > layers && s->design.place.chip.die_split <= 0)
        roma_buf_print(out,
                       "%u of %u dies have no layer and only pass rows on: a pipeline gives each die whole layers\n",
                       dies - layers, dies);
    if (!(die <= ROMA_COST_DIE_MM2))
        roma_buf_print(out, "a die of %.4g mm2; scanners print at most %.4g mm2 at once\n", die, ROMA_COST_DIE_MM2);
    if (roma_cost_wafer_is_odd(&s->design.place.chip))
        roma_buf_print(out,
                       "yield.wafer_cost is %.0f USD, and a wafer of %.4g nm costs about %.0f: give --set "
                       "yield.wafer_cost\n",
                       s->design.place.chip.wafer_usd, s->design.place.chip.node_nm,
                       roma_cost_wafer_usd(s->design.place.chip.node_nm));
    if (!(c->junction_c <= ROMA_COST_JUNCTION_C))
        roma_buf_print(out, "the junction is at %.4g C while decoding; above %.4g C a chip does not last\n",
                       c->junction_c, ROMA_COST_JUNCTION_C);
}

/* Why a chip with this output cannot work; NULL: it can. */
static const char *amiss(const roma_sim *s, unsigned output, double v) {
    switch (output) {
    case ROMA_COST_junction_c: return v <= ROMA_COST_JUNCTION_C ? NULL : "too hot to last";
    case ROMA_COST_area_mm2: return v / s->design.place.dies <= ROMA_COST_DIE_MM2 ? NULL : "larger than scanners print";
    case ROMA_COST_fits_rom:
    case ROMA_COST_fits_sram: return v > 0 ? NULL : "does not fit";
    case ROMA_COST_tokens: return v > 0 ? NULL : "no room for a token";
    case ROMA_COST_yield_repaired:
    case ROMA_COST_gross_dies: return v > 0 ? NULL : "no good die";
    default: return NULL;
    }
}

void roma_sim_result(const roma_sim *s, const roma_sim_figures *f, roma_result *list) {
    roma_cost_result(f->range, f->dominant, list);
    for (unsigned i = 0; i < list->n; i++) {
        const roma_range *v = &f->range[i];
        const char *mid = amiss(s, i, v->mid), *low = amiss(s, i, v->low), *high = amiss(s, i, v->high);
        if (mid || low || high)
            roma_print(list->items[i].amiss, sizeof list->items[i].amiss, "%s cannot work: %s",
                       mid   ? "this"
                       : low ? "the lower end"
                             : "the upper end",
                       mid   ? mid
                       : low ? low
                             : high);
    }
}

/* Cycles of the decode step of the workload with every sequence at a context. */
static int decode(roma_sim *s, uint32_t context, uint64_t *cycles, roma_error *err) {
    roma_workload w = s->work;
    w.context = context;
    return roma_cost_decode(cycles, &s->schedule, &s->design.place, &w, err);
}

/* ---- latency ---- */

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Nearest rank. */
static double percentile(const double *sorted, size_t n, double p) {
    size_t i = (size_t)(p * (double)n);
    if ((double)i < p * (double)n) i++;
    return sorted[i ? i - 1 : 0];
}

/* us[i]: time of the decode step that gives token i, from 1 on. */
static int decode_steps(roma_sim *s, uint32_t prompt, uint32_t output, double *us, roma_error *err) {
    int rc = ROMA_OK;
    for (uint32_t i = 1; !rc && i < output; i++) {
        uint64_t cycles;
        rc = decode(s, prompt + i - 1, &cycles, err);
        us[i] = (double)cycles / s->design.place.chip.clock_hz * 1e6;
    }
    return rc;
}

int roma_sim_latency(roma_sim *s, uint32_t prompt, uint32_t output, roma_sim_request *out, roma_error *err) {
    const roma_design *d = &s->design;
    if (!prompt || !output || prompt > ROMA_COST_PROMPT_MAX || output > ROMA_COST_PROMPT_MAX)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "prompt and output must be 1 to %d tokens",
                         ROMA_COST_PROMPT_MAX);
    if ((uint64_t)prompt + output - 1 > roma_sim_capacity(s))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "a request of %u:%u tokens does not fit: each sequence can have the %llu that %s", prompt,
                         output, (unsigned long long)roma_sim_capacity(s), limit_of(s));
    if (prompt > roma_sim_prompt(s))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "a prompt of %u tokens does not fit: %llu do beside the scores of a block of its rows", prompt,
                         (unsigned long long)roma_sim_prompt(s));
    double *us = roma_alloc_array(output, sizeof *us), total = 0;
    if (!us) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %u tokens", output);
    roma_workload w = s->work;
    roma_cost cost;
    w.prompt = prompt;
    int rc = roma_cost_evaluate(&cost, &s->schedule, &d->place, &w, err);
    const double first = rc ? 0 : cost.ttft_s;
    if (!rc) rc = decode_steps(s, prompt, output, us, err);
    if (!rc) {
        for (uint32_t i = 1; i < output; i++) total += us[i];
        *out = (roma_sim_request){.prompt = prompt, .output = output, .ttft_ms = first * 1e3};
        out->tok_s = output / (first + total / 1e6);
        if (output > 1) {
            qsort(us + 1, output - 1, sizeof *us, ascending);
            out->p50_us = percentile(us + 1, output - 1, 0.5);
            out->p99_us = percentile(us + 1, output - 1, 0.99);
        }
    }
    roma_free(us);
    return rc;
}

/* ---- over the context ---- */

int roma_sim_curve(roma_sim *s, uint32_t max, roma_sim_point out[ROMA_SIM_POINTS], roma_error *err) {
    const uint64_t capacity = roma_sim_capacity(s);
    for (uint32_t i = 0; i < ROMA_SIM_POINTS; i++) {
        roma_workload w = s->work;
        roma_cost c;
        w.prompt = w.context = (uint32_t)((uint64_t)max * i / (ROMA_SIM_POINTS - 1));
        const int rc = roma_cost_evaluate(&c, &s->schedule, &s->design.place, &w, err);
        if (rc) return rc;
        out[i] = (roma_sim_point){w.context, c.tok_s, c.mj_per_token, c.power_w, c.ttft_s * 1e3, w.context < capacity};
    }
    return ROMA_OK;
}

/* ---- roofline ---- */

double roma_sim_peak(const roma_chip *c, double bits) {
    return c->matrix_units * c->lunits * c->lanes * c->clock_hz * 4 / (bits * roma_chip_word_cycles(c));
}

/* Products and bytes of one row: of the layers, and of the head. */
typedef struct {
    double body_mac, body_bytes, head_mac, head_bytes, least_bits;
} row_work;

static row_work row_of(const roma_sim *s) {
    const roma_plan *p = &s->design.plan;
    const bool is_streamed = s->design.place.chip.rom_style == ROMA_ROM_DRAM;
    row_work w = {.least_bits = 8};
    for (size_t i = 0; i < p->n_ops; i++) {
        const roma_image_tensor *t = roma_op_matrix(p, &p->ops[i]);
        if (!t) continue;
        const double mac = (double)(t->rows * t->cols),
                     stored = (double)t->rows * (double)t->tile_bytes / ROMA_TILE_ROWS;
        const double bits = 32.0 / roma_place_word_inputs(&s->design.place, t),
                     bytes = is_streamed ? stored : mac * bits / 8;
        const bool is_head = p->ops[i].layer == UINT32_MAX;
        *(is_head ? &w.head_mac : &w.body_mac) += mac;
        *(is_head ? &w.head_bytes : &w.body_bytes) += bytes;
        w.least_bits = fmin(w.least_bits, bits);
    }
    return w;
}

/* Times that the model is read for so many rows: once a step, or for each row, or where a word is held once for the
 * rows of a block. */
static double reads_of(const roma_chip *c, double rows, double steps, double block) {
    if (c->rom_style == ROMA_ROM_DRAM) return steps;
    return c->hold > 0 ? ceil(rows / fmin(c->block_rows, block)) : rows;
}

void roma_sim_roofs(const roma_sim *s, const roma_cost *c, roma_sim_roofline *out) {
    const roma_chip *chip = &s->design.place.chip;
    const bool is_streamed = chip->rom_style == ROMA_ROM_DRAM;
    const double dies = s->design.place.dies, units = dies * chip->matrix_units * chip->clock_hz, rows = s->work.prompt;
    const row_work w = row_of(s);
    const double words = units * chip->lunits * roma_chip_word_bits(chip) / (8 * roma_chip_word_cycles(chip));
    const double batch = s->work.batch, steps = ceil(rows / chip->chunk_rows);
    const double token_bytes =
        (w.body_bytes + w.head_bytes) * reads_of(chip, batch, 1, fmin(chip->block_spans, batch)) / batch;
    const double reads = reads_of(chip, rows, steps, rows);
    *out =
        (roma_sim_roofline){.lunits = {dies * roma_sim_peak(chip, w.least_bits),
                                       is_streamed ? dies * chip->dram_bandwidth * chip->dram_efficiency : words},
                            .hunits = {units * chip->hunit_mac, units * chip->hunit_bandwidth},
                            .decode = {(w.body_mac + w.head_mac) / token_bytes, c->tok_s * (w.body_mac + w.head_mac)}};
    if (s->work.prompt)
        out->prefill = (roma_sim_work){(w.body_mac * rows + w.head_mac) / (w.body_bytes * reads + w.head_bytes),
                                       (w.body_mac * rows + w.head_mac) / c->ttft_s};
}

/* ---- one step ---- */

int roma_sim_timeline(roma_sim *s, roma_timeline *out, roma_error *err) {
    const roma_placement *p = &s->design.place;
    const roma_workload *w = &s->work;
    const uint32_t chunk = (uint32_t)p->chip.chunk_rows;
    uint64_t at = 0;
    for (uint32_t done = 0, take; done < w->prompt; done += take) {
        take = w->prompt - done < chunk ? w->prompt - done : chunk;
        int rc = roma_cost_chunk(&s->schedule, p, w, done, take, err);
        if (rc) return rc;
        roma_cost_timeline(&s->schedule, p, at, out);
        at += s->schedule.cycles;
    }
    uint64_t cycles;
    int rc = decode(s, w->context > w->prompt ? w->context : w->prompt, &cycles, err);
    if (!rc) roma_cost_timeline(&s->schedule, p, at, out);
    return rc;
}

int roma_sim_path(roma_sim *s, uint64_t cycles[ROMA_OP_COUNT + 1], roma_error *err) {
    uint64_t all;
    const int rc = decode(s, s->work.context, &all, err);
    if (!rc) roma_cost_critical_path(&s->schedule, &s->design.plan, cycles);
    return rc;
}
