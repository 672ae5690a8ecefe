/* The whole model at one chip's values: a workload's time from the schedule, all else from that and the areas. */
#include "cost_int.h"

#include <math.h>
#include <string.h>

/* ---- time of a workload ---- */

static void derive_time(roma_cost *out, const roma_timing *t, const roma_placement *p, const roma_workload *w) {
    const roma_chip *c = &p->chip;
    out->decode_cyc = (double)t->cycles;
    out->tok_s = w->batch * c->clock_hz / out->decode_cyc;
    if (w->prompt) {
        out->ttft_s = (double)t->prefill_cycles / c->clock_hz;
        out->prefill_tok_s = out->ttft_s > 0 ? w->prompt / out->ttft_s : 0;
    }
    /* Of all dies: those of a pipeline wait for one another. */
    const double all = out->decode_cyc * (c->die_split > 0 ? 1 : p->dies);
    out->use_lunit = (double)t->busy[ROMA_UNIT_L] / all;
    const double adapters = t->busy[ROMA_UNIT_ADAPTER] ? c->lora_share : 0; /* where attention overlaps they share */
    out->use_hunit =
        ((double)t->busy[ROMA_UNIT_H] * (1 - adapters) + (double)t->busy[ROMA_UNIT_ADAPTER] * adapters) / all;
    out->use_vector = (double)t->busy[ROMA_UNIT_V] / all;
}

static void derive_adapter_load(roma_cost *out, const roma_placement *p, const roma_workload *w) {
    const roma_chip *c = &p->chip;
    const double bytes =
        roma_cost_lora_bytes(p->plan, w->rank, c->lora_weight_bytes, c->kv_scale_bytes > 0 ? 4 : 0, w->roles);
    out->adapter_load_s = bytes / c->host_bandwidth;
    out->adapter_load_tokens = out->adapter_load_s * c->clock_hz / out->decode_cyc;
}

/* ---- energy and power ---- */

/* Millimetres are the only count that moves with areas, and all of them are pitches. */
static double dynamic_mj(double mj[ROMA_N_EVENTS], const roma_events *e, const roma_timing *t, const roma_chip *c,
                         double toggle) {
    roma_events at_pitch = *e;
    const double pitch = roma_cost_pitch_mm(c);
    if (pitch != t->pitch_mm) at_pitch.wire_bit_mm *= pitch / t->pitch_mm;
    return roma_cost_dynamic_mj(mj, &at_pitch, c, toggle);
}

/* mJ a token at a rate: leakage of its step, then of the wait for the next one. */
static double at_rate(double rate, double dynamic, double static_w, double idle_w, double token_s) {
    return dynamic + 1e3 * (static_w * token_s + idle_w * fmax(0, 1 / rate - token_s));
}

static void derive_rates(roma_cost *out, double dynamic, double idle_w, const roma_placement *p,
                         const roma_workload *w) {
    const double token_s = 1 / out->tok_s;
    out->mj_static = 1e3 * out->static_w * token_s;
    out->mj_per_token = dynamic + out->mj_static;
    out->mj_at_5 = at_rate(5, dynamic, out->static_w, idle_w, token_s);
    out->mj_at_20 = at_rate(20, dynamic, out->static_w, idle_w, token_s);
    out->mj_at_100 = at_rate(100, dynamic, out->static_w, idle_w, token_s);
    out->power_w = 1e-3 * out->mj_per_token * out->tok_s;
    out->tok_s_capped = out->tok_s;
    if (w->max_w > 0 && out->power_w > w->max_w)
        out->tok_s_capped = fmin(out->tok_s, fmax(0, (w->max_w - out->static_w) / (1e-3 * dynamic)));
    out->w_mm2 = out->power_w / out->area_mm2;
    out->junction_c = p->chip.ambient_c + p->chip.thermal_k_w * out->power_w / p->dies;
}

static void derive_energy(roma_cost *out, const roma_timing *t, const roma_areas *a, const roma_placement *p,
                          const roma_workload *w) {
    const roma_chip *c = &p->chip;
    double mj[ROMA_N_EVENTS], by_kind[ROMA_STATIC_N];
    double *const each[ROMA_N_EVENTS] = {&out->mj_rom,    &out->mj_mac,   &out->mj_feed, &out->mj_merge,
                                         &out->mj_leaf,   &out->mj_clock, &out->mj_sram, &out->mj_hmac,
                                         &out->mj_vector, &out->mj_wire,  &out->mj_dram, &out->mj_die};
    out->static_w = p->dies * roma_cost_static_w(by_kind, c, a, false);
    const double idle_w = p->dies * roma_cost_static_w(by_kind, c, a, true);
    if (w->prompt) out->prefill_mj = dynamic_mj(mj, &t->prefill, t, c, w->toggle) + 1e3 * out->static_w * out->ttft_s;
    const double dynamic = dynamic_mj(mj, &t->events, t, c, w->toggle) / w->batch;
    for (int i = 0; i < ROMA_N_EVENTS; i++) *each[i] = mj[i] / w->batch;
    derive_rates(out, dynamic, idle_w, p, w);
}

static void derive_area(roma_cost *out, const roma_areas *a, const roma_placement *p) {
    const roma_chip *c = &p->chip;
    out->area_mm2 = p->dies * a->die;
    out->area_lunits = p->dies * a->lunits;
    out->area_storage = p->dies * (c->rom_style == ROMA_ROM_FUSED ? a->lunits : a->storage);
    out->area_hunits = p->dies * a->hunits;
    out->area_vector = p->dies * a->vector;
    out->area_other = p->dies * a->other;
    out->area_sram = p->dies * (a->hunit_sram + a->vector_sram);
    out->lunit_um2 = roma_cost_lunit_um2(c, (int)c->rom_style);
}

void roma_cost_derive(roma_cost *out, const roma_timing *t, const roma_placement *p, const roma_workload *w) {
    roma_areas a;
    memset(out, 0, sizeof *out);
    roma_cost_areas(&a, &p->chip);
    derive_time(out, t, p, w);
    derive_adapter_load(out, p, w);
    derive_area(out, &a, p);
    derive_energy(out, t, &a, p, w);
    roma_cost_fit(out, p, w);
    roma_cost_price(out, &a, p);
}

int roma_cost_evaluate(roma_cost *out, roma_schedule *s, const roma_placement *p, const roma_workload *w,
                       roma_error *err) {
    roma_timing t;
    if (w->batch == 0) return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "a workload has at least one sequence");
    int rc = roma_cost_time(&t, s, p, w, true, err);
    if (rc) return rc;
    roma_cost_derive(out, &t, p, w);
    return ROMA_OK;
}
