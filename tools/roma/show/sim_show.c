/* Views and figures of a simulation; contract in sim_show.h. */
#include "show/sim_show.h"
#include "show/echo.h"
#include "show/place_show.h"
#include "tool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- mixes ---- */

/* The first columns have prefixes that suit each; those behind them, for programs, have their units in their names. */
enum { MIX_COLUMNS = 6 };

static void add_request(roma_table *t, const roma_sim_request *r) {
    const double cells[] = {r->prompt, r->output,  r->ttft_ms,       r->p50_us,        r->p99_us,
                            r->tok_s,  r->ttft_ms, r->p50_us / 1000, r->p99_us / 1000, r->tok_s};
    roma_table_row(t);
    for (size_t i = 0; i < t->n_columns; i++) roma_table_real(t, i, cells[i]);
}

int sim_mixes(roma_sim *s, const char *mixes, bool for_programs, roma_table *out, roma_error *err) {
    static const char *const names[][2] = {
        {"prompt", "tokens"},       {"output", "tokens"}, {"ttft", "ms"},   {"p50", "us"},    {"p99", "us"},
        {"end_to_end", "tokens/s"}, {"ttft_ms", "ms"},    {"p50_ms", "ms"}, {"p99_ms", "ms"}, {"tok_s", "tokens/s"}};
    for (size_t i = 0; i < (for_programs ? sizeof names / sizeof *names : MIX_COLUMNS); i++)
        roma_table_column(out, names[i][0], names[i][1], i < 2 ? 7 : 4);
    roma_print(out->title, sizeof out->title, "time per token of one request");
    for (const char *at = mixes; at;) {
        char *colon, *end = NULL;
        const unsigned long prompt = strtoul(at, &colon, 10);
        const unsigned long output = *colon == ':' ? strtoul(colon + 1, &end, 10) : 0;
        if (colon == at || *colon != ':' || end == colon + 1 || (*end && *end != ',') || prompt < 1 ||
            prompt > 1 << 20 || output < 1 || output > 1 << 20)
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                             "--mix takes PROMPT:OUTPUT pairs such as 256:128,1024:256");
        roma_sim_request request;
        int rc = roma_sim_latency(s, (uint32_t)prompt, (uint32_t)output, &request, err);
        if (rc) return rc;
        add_request(out, &request);
        at = *end ? end + 1 : NULL;
    }
    return ROMA_OK;
}

/* ---- curve over the context ---- */

int sim_curve(roma_sim *s, uint32_t max, roma_table *out, roma_error *err) {
    roma_sim_point points[ROMA_SIM_POINTS];
    static const struct {
        const char *name, *unit;
    } columns[] = {{"context", "tokens"}, {"decode", "tokens/s"}, {"energy", "mJ/token"},
                   {"power", "W"},        {"ttft", "ms"},         {"fits", ""}};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        roma_table_column(out, columns[i].name, columns[i].unit, i ? 4 : 7);
    roma_print(out->title, sizeof out->title, "%.44s on %.44s", s->design.desc->name, s->design.place.chip.name);
    const int rc = roma_sim_curve(s, max, points, err);
    for (size_t i = 0; !rc && i < ROMA_SIM_POINTS; i++) {
        const roma_sim_point *p = &points[i];
        const double cells[] = {p->context, p->tok_s, p->mj_per_token, p->power_w, p->ttft_ms};
        roma_table_row(out);
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) roma_table_real(out, k, cells[k]);
        roma_table_bool(out, sizeof cells / sizeof *cells, p->fits);
    }
    return rc;
}

/* ---- path ---- */

int sim_path(roma_sim *s, roma_table *out, roma_error *err) {
    uint64_t cycles[ROMA_OP_COUNT + 1];
    const int rc = roma_sim_path(s, cycles, err);
    if (rc) return rc;
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

/* ---- instances ---- */

static void add_instance(const roma_plan *p, const roma_cost_instance *x, size_t number, roma_table *t) {
    static const char *const parts[] = {"base", "down", "up"}, *const units[] = {"L", "H", "V", "H adapters"};
    const roma_op *op = &p->ops[x->op];
    const double cells[] = {(double)x->start, (double)x->busy, (double)x->end};
    roma_table_row(t);
    roma_table_real(t, 0, (double)number);
    roma_table_real(t, 1, x->op);
    roma_table_text(t, 2, roma_op_name(op->kind));
    if (op->tensor != ROMA_NO_TENSOR) roma_table_text(t, 3, roma_tensor_role_name(p->desc->tensors[op->tensor].role));
    roma_table_text(t, 4, parts[x->part]);
    if (x->part != ROMA_PART_BASE) roma_table_real(t, 5, x->place);
    if (op->layer != UINT32_MAX) roma_table_real(t, 6, op->layer);
    roma_table_real(t, 7, x->block);
    roma_table_text(t, 8, units[x->unit]);
    for (size_t i = 0; i < 3; i++) roma_table_real(t, 9 + i, cells[i]);
}

int sim_instances(roma_sim *s, roma_table *out, roma_error *err) {
    static const char *const names[] = {"number", "op",    "operation", "tensor", "part", "place",
                                        "layer",  "block", "unit",      "start",  "busy", "end"};
    uint64_t cycles;
    const int rc = roma_cost_decode(&cycles, &s->schedule, &s->design.place, &s->work, err);
    roma_print(out->title, sizeof out->title, "decode step, instance by instance");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        roma_table_column(out, names[i], i < 9 ? "" : "cycle", 15);
    for (size_t i = 0; !rc && i < s->schedule.n; i++) add_instance(&s->design.plan, &s->schedule.instances[i], i, out);
    return rc;
}

/* ---- roofline ---- */

void sim_roofline(const roma_sim *s, const roma_cost *cost, roma_buf *out) {
    const roma_chip *c = &s->design.place.chip;
    roma_sim_roofline r;
    double macs, bytes;
    roma_sim_roofs(s, cost, &r);
    roma_design_size(&s->design, &macs, &bytes);
    /* NVIDIA H100 SXM data sheet: 3.35 TB/s of HBM3, 1,979 TOPS int8 dense, two operations a multiply-add. It reads the
     * weights, scales too, once for all sequences of a step. */
    static const roma_sim_roof gpu = {989.5e12, 3.35e12};
    const double intensity = s->work.batch * macs / bytes;
    roma_roof roofs[] = {{"", r.lunits.mac_s, r.lunits.byte_s},
                         {"SRAM and H-Units", r.hunits.mac_s, r.hunits.byte_s},
                         {"HBM GPU (H100 SXM, int8)", gpu.mac_s, gpu.byte_s}};
    const roma_roof_point points[] = {
        {"decode, this chip", r.decode.mac_per_byte, r.decode.mac_s},
        {"decode, the GPU at its roof", intensity, fmin(gpu.mac_s, gpu.byte_s * intensity)},
        {"prefill, this chip", r.prefill.mac_per_byte, r.prefill.mac_s}};
    char title[96];
    roma_print(roofs[0].name, sizeof roofs[0].name, "%s and L-Units", c->rom_style == ROMA_ROM_DRAM ? "DRAM" : "ROM");
    roma_print(title, sizeof title, "%.40s on %.40s", s->design.desc->name, c->name);
    roma_report_roofline_svg(title, roofs, 3, points, s->work.prompt ? 3 : 2, out);
}

/* ---- energy ---- */

void sim_energy(const roma_sim *s, const roma_cost *c, roma_buf *out) {
    /* mJ to J, so that the report chooses the prefix */
    const roma_slice slices[] = {
        {"ROM", c->mj_rom / 1e3},
        {"multiply-adds", c->mj_mac / 1e3},
        {"activations", c->mj_feed / 1e3},
        {"merging", c->mj_merge / 1e3},
        {"scale products", c->mj_leaf / 1e3},
        {"clock", c->mj_clock / 1e3},
        {"mesh", c->mj_wire / 1e3},
        {"SRAM", c->mj_sram / 1e3},
        {"H-Units", c->mj_hmac / 1e3},
        {"vector units", c->mj_vector / 1e3},
        {"DRAM", c->mj_dram / 1e3},
        {"dies", c->mj_die / 1e3},
        {"leakage", c->mj_static / 1e3},
    };
    char title[96];
    roma_print(title, sizeof title, "energy of a token, %.30s on %.30s", s->design.desc->name,
               s->design.place.chip.name);
    roma_report_bar_svg(title, "J", slices, sizeof slices / sizeof *slices, out);
}

/* ---- figures ---- */

static const char *const sim_table_key[SIM_TABLES] = {"path", "mixes", "curve"};

static void json_head(const roma_sim *s, const roma_cost *c, roma_json *j) {
    roma_buf said = {0};
    roma_json_string(j, "model", s->design.desc->name);
    roma_json_string(j, "chip", s->design.place.chip.name);
    roma_json_real(j, "tok_s", c->tok_s);
    roma_json_real(j, "ttft_ms", c->ttft_s * 1e3);
    roma_json_real(j, "mj_per_token", c->mj_per_token);
    roma_json_real(j, "area_mm2", c->area_mm2);
    roma_json_real(j, "power_w", c->power_w);
    roma_json_int(j, "cycles", (int64_t)c->decode_cyc);
    roma_json_uint(j, "dies", s->design.place.dies);
    roma_json_string(j, "note", s->design.place.note);
    fit_json(&s->design.place, &s->work, j);
    roma_json_uint(j, "capacity_tokens", roma_sim_capacity(s));
    roma_json_uint(j, "capacity_prompt_tokens", roma_sim_prompt(s));
    roma_sim_misfits(s, c, &said);
    roma_sim_hazards(s, c, &said);
    roma_buf_append(&said, "", 1);
    warn_json(j, said.failed ? NULL : (const char *)said.data);
    j->out->failed |= said.failed;
    roma_buf_destroy(&said);
}

static void json_units(const sim_shown *v, roma_json *j) {
    roma_json_open(j, "units", '{');
    fit_units(j);
    roma_json_string(j, "cycles", "cycles");
    roma_json_string(j, "dies", "dies");
    roma_json_string(j, "tok_s", "tokens/s");
    echo_units(&v->s->design, j);
    if (v->mc->draws.n) draws_units("mc_draws", j);
    if (v->dvfs) dvfs_units(j);
    for (int i = 0; i < SIM_TABLES; i++)
        if (v->table[i].n_rows) roma_report_table_units(&v->table[i], j, sim_table_key[i]);
    roma_json_close(j, '}');
}

void sim_print_json(const sim_shown *v, roma_buf *out) {
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    json_head(v->s, v->cost, &j);
    echo_json(&v->s->design, &v->s->work, v->defects, &j);
    roma_report_list_json(&v->list, &j);
    for (int i = 0; i < SIM_TABLES; i++)
        if (v->table[i].n_rows) roma_report_table_json(&v->table[i], &j, sim_table_key[i]);
    if (v->mc->draws.n) draws_json(v->mc, v->cost, &j);
    if (v->dvfs) dvfs_json(v->dvfs, &j);
    json_units(v, &j);
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}

void sim_names(const roma_result *list, roma_buf *out) {
    int width = 0;
    for (size_t i = 0; i < list->n; i++)
        if ((int)strlen(list->items[i].name) > width) width = (int)strlen(list->items[i].name);
    roma_buf_print(
        out, "\nA range is what the uncertainty of the chip's constants leaves; `mostly from` is the constant that "
             "moves it most.\n\nnames\n");
    for (size_t i = 0; i < list->n; i++)
        for (unsigned k = 0; k < ROMA_COST_N; k++) {
            const roma_cost_output *o = roma_cost_output_at(k);
            if (strcmp(list->items[i].name, o->name) == 0) roma_buf_print(out, "  %-*s  %s\n", width, o->name, o->help);
        }
}

void sim_print_text(const sim_shown *v, roma_buf *out) {
    const roma_sim *s = v->s;
    char adapters[TARGETS_TEXT + 32] = "", targets[TARGETS_TEXT];
    if (roma_cost_workload_set(&s->work) > 1)
        roma_print(adapters, sizeof adapters, " x %u a sequence", roma_cost_workload_set(&s->work));
    if (s->work.rank && s->work.roles)
        roma_print(adapters + strlen(adapters), sizeof adapters - strlen(adapters), " on %s",
                   targets_text(s->work.roles, targets));
    roma_buf_print(out, "%s on chip %s: prompt %u, context %u, batch %u, rank %u%s, %u die%s, cache %s\n",
                   s->design.desc->name, s->design.place.chip.name, s->work.prompt, s->work.context, s->work.batch,
                   s->work.rank, adapters, s->design.place.dies, s->design.place.dies == 1 ? "" : "s",
                   roma_kv_formats[s->design.place.kv].name);
    if (s->design.place.note[0])
        roma_buf_print(out, "note: %s (--chips shares layers out, --bits makes codes narrower)\n",
                       s->design.place.note);
    roma_sim_misfits(s, v->cost, out);
    roma_report_list_text(&v->list, out);
    for (int i = 0; i < SIM_TABLES; i++) {
        if (!v->table[i].n_rows || i == SIM_CURVE) continue;
        roma_buf_print(out, "\n");
        roma_report_table_text(&v->table[i], out);
    }
    if (v->mc->draws.n) draws_text(v->mc, v->cost, out);
    if (v->dvfs) dvfs_text(s, v->dvfs, out);
    sim_names(&v->list, out);
}
