/* Views of a simulation; contract in sim.h. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

int sim_decode(simulation *s, uint64_t context, roma_error *err) {
    const uint32_t distinct = s->w.rank ? s->w.adapters : 0;
    roma_cost_span *spans = roma_alloc_array(s->w.batch, sizeof *spans);
    if (!spans) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the step");
    for (uint32_t i = 0; i < s->w.batch; i++)
        spans[i] = (roma_cost_span){context, 1, 1, distinct ? 1 + i % distinct : 0, s->w.rank};
    const int rc = roma_cost_step(&s->schedule, &s->d->plan, &s->d->chip, spans, s->w.batch, err);
    roma_free(spans);
    return rc;
}

/* ---- mixes ---- */

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

static int one_mix(simulation *s, uint32_t prompt, uint32_t output, roma_table *out, roma_error *err) {
    const double clock = s->d->chip.clock_hz;
    double *us = roma_alloc_array(output, sizeof *us), total = 0;
    if (!us) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %u tokens", output);
    int rc = roma_cost_prefill(&s->schedule, &s->d->plan, &s->d->chip, 0, prompt, s->w.rank, err);
    const double first = (double)s->schedule.cycles / clock;
    us[0] = first * 1e6; /* the first token comes out of the prefill */
    for (uint32_t i = 1; !rc && i < output; i++) {
        rc = sim_decode(s, prompt + i - 1, err);
        us[i] = (double)s->schedule.cycles / clock * 1e6;
        total += us[i];
    }
    if (!rc) {
        if (output > 1) qsort(us + 1, output - 1, sizeof *us, ascending);
        roma_table_row(out);
        const double cells[] = {prompt,
                                output,
                                first * 1e3,
                                output > 1 ? percentile(us + 1, output - 1, 0.5) : 0,
                                output > 1 ? percentile(us + 1, output - 1, 0.99) : 0,
                                output / (first + total / 1e6)};
        for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) roma_table_real(out, i, cells[i]);
    }
    roma_free(us);
    return rc;
}

int sim_mixes(simulation *s, const char *mixes, roma_table *out, roma_error *err) {
    static const char *const names[][2] = {{"prompt", "tokens"}, {"output", "tokens"}, {"ttft", "ms"},
                                           {"p50", "us"},        {"p99", "us"},        {"end_to_end", "tokens/s"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        roma_table_column(out, names[i][0], names[i][1], i < 2 ? 7 : 4);
    roma_print(out->title, sizeof out->title, "time per token of one request");
    for (const char *at = mixes; *at;) {
        char *colon, *end;
        const unsigned long prompt = strtoul(at, &colon, 10);
        const unsigned long output = *colon == ':' ? strtoul(colon + 1, &end, 10) : 0;
        if (colon == at || *colon != ':' || end == colon + 1 || (*end && *end != ',') || prompt < 1 ||
            prompt > 1 << 20 || output < 1 || output > 1 << 20)
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                             "--mix takes PROMPT:OUTPUT pairs such as 256:128,1024:256");
        int rc = one_mix(s, (uint32_t)prompt, (uint32_t)output, out, err);
        if (rc) return rc;
        at = *end ? end + 1 : end;
    }
    return ROMA_OK;
}

/* ---- curve over the context ---- */

int sim_curve(simulation *s, uint32_t max, roma_table *out, roma_error *err) {
    enum { POINTS = 17 };
    static const struct {
        const char *name, *unit;
    } columns[] = {
        {"context", "tokens"}, {"decode", "tokens/s"}, {"energy", "mJ/token"}, {"power", "W"}, {"ttft", "ms"}};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        roma_table_column(out, columns[i].name, columns[i].unit, i ? 4 : 7);
    roma_print(out->title, sizeof out->title, "%.44s on %.44s", s->d->desc->name, s->d->chip.name);
    for (uint32_t i = 0; i < POINTS; i++) {
        roma_workload w = s->w;
        roma_cost c;
        w.context = (uint32_t)((uint64_t)max * i / (POINTS - 1));
        w.prompt = w.context;
        int rc = roma_cost_evaluate(&c, &s->schedule, &s->d->plan, &s->d->chip, &w, err);
        if (rc) return rc;
        roma_table_row(out);
        const double cells[] = {w.context, c.tok_s, c.mj_per_token, c.power_w, c.ttft_s * 1e3};
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) roma_table_real(out, k, cells[k]);
    }
    return ROMA_OK;
}

/* ---- timeline and path ---- */

int sim_timeline(simulation *s, roma_timeline *out, roma_error *err) {
    const roma_plan *p = &s->d->plan;
    const roma_chip *c = &s->d->chip;
    const uint32_t chunk = (uint32_t)c->chunk_rows;
    uint64_t at = 0;
    for (uint32_t done = 0, take; done < s->w.prompt; done += take) {
        take = s->w.prompt - done < chunk ? s->w.prompt - done : chunk;
        const roma_cost_span span = {done, take, done + take == s->w.prompt, s->w.rank ? 1 : 0, s->w.rank};
        int rc = roma_cost_step(&s->schedule, p, c, &span, 1, err);
        if (rc) return rc;
        roma_cost_timeline(&s->schedule, p, c, at, out);
        at += s->schedule.cycles;
    }
    int rc = sim_decode(s, s->w.context > s->w.prompt ? s->w.context : s->w.prompt, err);
    if (!rc) roma_cost_timeline(&s->schedule, p, c, at, out);
    return rc;
}

int sim_path(simulation *s, roma_table *out, roma_error *err) {
    uint64_t cycles[ROMA_OP_COUNT + 1];
    int rc = sim_decode(s, s->w.context, err);
    if (rc) return rc;
    roma_cost_critical_path(&s->schedule, &s->d->plan, cycles);
    roma_print(out->title, sizeof out->title, "decode step, critical path");
    roma_table_column(out, "operation", "", 4);
    roma_table_column(out, "cycles", "", 9);
    roma_table_column(out, "share", "%", 3);
    for (unsigned i = 0; i <= ROMA_OP_COUNT; i++) {
        if (!cycles[i]) continue;
        roma_table_row(out);
        roma_table_text(out, 0, i < ROMA_OP_COUNT ? roma_op_name((roma_op_kind)i) : "adapter");
        roma_table_real(out, 1, (double)cycles[i]);
        roma_table_real(out, 2, 100 * (double)cycles[i] / (double)s->schedule.cycles);
    }
    return ROMA_OK;
}

/* ---- roofline ---- */

/* Weights that a decoded token multiplies, and their stored bytes. */
static void model_size(const roma_plan *p, double *macs, double *bytes) {
    *macs = *bytes = 0;
    for (size_t i = 0; i < p->n_ops; i++) {
        const roma_image_tensor *t = roma_op_matrix(p, &p->ops[i]);
        if (!t) continue;
        *macs += (double)(t->rows * t->cols);
        *bytes += (double)t->rows * (double)t->tile_bytes / ROMA_TILE_ROWS;
    }
}

void sim_roofline(const simulation *s, const roma_cost *cost, roma_buf *out) {
    const roma_chip *c = &s->d->chip;
    const double units = c->matrix_units * c->lunits * c->clock_hz, word = roma_chip_word_bits(c);
    double macs, bytes;
    model_size(&s->d->plan, &macs, &bytes);
    const double bits = 8 * bytes / macs;
    /* NVIDIA H100 SXM data sheet: 3.35 TB/s of HBM3, 1,979 TOPS int8 dense, two operations a multiply-add */
    const roma_roof roofs[] = {{"ROM and L-Units", units * word / bits, units * word / 8},
                               {"SRAM and H-Units", c->matrix_units * c->hunit_mac * c->clock_hz,
                                c->matrix_units * c->hunit_bandwidth * c->clock_hz},
                               {"HBM GPU (H100 SXM, int8)", 989.5e12, 3.35e12}};
    const double rate = cost->tok_s * macs;
    const roma_roof_point points[] = {{"decode, this chip", macs / bytes, rate},
                                      {"prefill, this chip", macs / bytes, cost->prefill_tok_s * macs},
                                      {"decode, the GPU at its roof", macs / bytes, 3.35e12 / bytes * macs}};
    char title[96];
    roma_print(title, sizeof title, "%.40s on %.40s", s->d->desc->name, c->name);
    roma_report_roofline_svg(title, roofs, 3, points, cost->prefill_tok_s > 0 ? 3 : 1, out);
}

/* ---- energy ---- */

void sim_energy(const simulation *s, const roma_cost *c, roma_buf *out) {
    /* mJ to J, so that the report chooses the prefix */
    const roma_slice slices[] = {
        {"ROM", c->mj_rom / 1e3},       {"multiply-adds", c->mj_mac / 1e3},   {"scale products", c->mj_leaf / 1e3},
        {"clock", c->mj_clock / 1e3},   {"mesh", c->mj_wire / 1e3},           {"SRAM", c->mj_sram / 1e3},
        {"H-Units", c->mj_hmac / 1e3},  {"vector units", c->mj_vector / 1e3}, {"DRAM", c->mj_dram / 1e3},
        {"leakage", c->mj_static / 1e3}};
    char title[96];
    roma_print(title, sizeof title, "energy of a token, %.30s on %.30s", s->d->desc->name, s->d->chip.name);
    roma_report_bar_svg(title, "J", slices, sizeof slices / sizeof *slices, out);
}
