/* Ranges: every output at the corners of the chip's ranges that make it smallest and largest. */
#include "cost_int.h"

#include <math.h>
#include <string.h>

typedef enum { MID, LOW, HIGH } level; /* MID is zero: a cleared choice is the chip itself */

/* The time at one choice of levels; those of parameters that do not move time are cleared in the key. */
typedef struct {
    uint8_t key[ROMA_CHIP_N];
    bool prefill;
    roma_timing timing;
} timed;

typedef struct {
    const roma_placement *p; /* as given */
    const roma_workload *w;
    roma_schedule *s;
    roma_error *err;
    roma_placement at;                  /* the choice being evaluated */
    unsigned parameter[ROMA_CHIP_N], n; /* those with a range */
    timed *cache;
    size_t n_cached, cap;
    roma_cost mid, *alone; /* alone[2 i + (level - LOW)]: only parameter i moved */
} search;

/* ---- one evaluation ---- */

bool roma_cost_moves_time(const roma_placement *at, unsigned i) {
    static const char *const sections[] = {"technology", "memory", "energy", "power", "supply", "yield"};
    const roma_chip_parameter *p = roma_chip_parameter_at(i);
    if (strcmp(p->section, "host") == 0) return i != ROMA_CHIP_host_bandwidth && at->dies > 1;
    if (strcmp(p->section, "dram") == 0) return at->chip.rom_style == ROMA_ROM_DRAM;
    for (size_t k = 0; k < sizeof sections / sizeof *sections; k++)
        if (strcmp(p->section, sections[k]) == 0) return false;
    if (strcmp(p->unit, "um2") == 0 || strcmp(p->unit, "mm2") == 0 || i == ROMA_CHIP_track_share) return false;
    return strcmp(p->section, "rom") != 0 || i == ROMA_CHIP_rom_style || i == ROMA_CHIP_patch_words;
}

static double value_at(const roma_chip *c, unsigned i, level l) {
    return l == LOW ? c->mark[i].low : l == HIGH ? c->mark[i].high : roma_chip_get(c, i);
}

static timed *find(search *r, const uint8_t key[ROMA_CHIP_N], bool prefill) {
    for (size_t k = 0; k < r->n_cached; k++)
        if ((r->cache[k].prefill || !prefill) && memcmp(r->cache[k].key, key, ROMA_CHIP_N) == 0) return &r->cache[k];
    return NULL;
}

static timed *append(search *r) { return ROMA_GROW(&r->cache, r->n_cached, &r->cap) ? &r->cache[r->n_cached++] : NULL; }

/* choice[i] is the level of r->parameter[i]. Without prefill its outputs are wrong. */
static int evaluate(search *r, const uint8_t choice[ROMA_CHIP_N], bool prefill, roma_cost *out) {
    uint8_t key[ROMA_CHIP_N] = {0};
    for (unsigned i = 0; i < r->n; i++) {
        roma_chip_put(&r->at.chip, r->parameter[i], value_at(&r->p->chip, r->parameter[i], (level)choice[i]));
        if (roma_cost_moves_time(r->p, r->parameter[i])) key[i] = choice[i];
    }
    roma_place_derive(&r->at);
    timed *t = find(r, key, prefill);
    if (!t) {
        t = append(r);
        if (!t) return roma_fail(r->err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the ranges");
        memcpy(t->key, key, sizeof key);
        t->prefill = prefill;
        int rc = roma_cost_time(&t->timing, r->s, &r->at, r->w, prefill, r->err);
        if (rc) return rc;
    }
    roma_cost_derive(out, &t->timing, &r->at, r->w);
    return ROMA_OK;
}

/* ---- corners ---- */

static bool needs_prefill(unsigned o) {
    return o == ROMA_COST_ttft_s || o == ROMA_COST_prefill_tok_s || o == ROMA_COST_prefill_mj;
}

/* Level of parameter i at which output o, the others kept, is largest (sign 1) or smallest (-1). */
static level best_level(const search *r, unsigned i, unsigned o, int sign) {
    const double mid = sign * r->mid.v[o], low = sign * r->alone[2 * i].v[o], high = sign * r->alone[2 * i + 1].v[o];
    if (low > mid && low >= high) return LOW;
    return high > mid ? HIGH : MID;
}

/* Value at the corner that puts every parameter at its best single direction. Effects interact, so the corner may be
 * less extreme than what one parameter alone reaches: the more extreme of both is taken. */
static int extreme(search *r, unsigned o, int sign, double *value) {
    uint8_t choice[ROMA_CHIP_N] = {0};
    roma_cost corner;
    for (unsigned i = 0; i < r->n; i++) choice[i] = (uint8_t)best_level(r, i, o, sign);
    int rc = evaluate(r, choice, needs_prefill(o), &corner);
    if (rc) return rc;
    *value = sign * fmax(sign * corner.v[o], sign * r->mid.v[o]);
    for (unsigned i = 0; i < 2 * r->n; i++) *value = sign * fmax(sign * *value, sign * r->alone[i].v[o]);
    return ROMA_OK;
}

static int move_one_at_a_time(search *r) {
    uint8_t choice[ROMA_CHIP_N] = {0};
    int rc = evaluate(r, choice, true, &r->mid);
    for (unsigned i = 0; i < r->n && !rc; i++) {
        choice[i] = LOW;
        rc = evaluate(r, choice, true, &r->alone[2 * i]);
        choice[i] = HIGH;
        if (!rc) rc = evaluate(r, choice, true, &r->alone[2 * i + 1]);
        choice[i] = MID;
    }
    return rc;
}

/* The parameter that alone spreads output o most, or -1. */
static int dominant_of(const search *r, unsigned o) {
    double widest = 0;
    int which = -1;
    for (unsigned i = 0; i < r->n; i++) {
        const double mid = r->mid.v[o], low = r->alone[2 * i].v[o], high = r->alone[2 * i + 1].v[o];
        const double spread = fmax(mid, fmax(low, high)) - fmin(mid, fmin(low, high));
        if (!(spread > widest)) continue;
        widest = spread;
        which = (int)r->parameter[i];
    }
    return which;
}

static int fill(search *r, roma_range out[ROMA_COST_N], int dominant[ROMA_COST_N]) {
    roma_timing t;
    int rc = move_one_at_a_time(r);
    for (unsigned o = 0; o < ROMA_COST_N && !rc; o++) {
        out[o].mid = r->mid.v[o];
        rc = extreme(r, o, 1, &out[o].high);
        if (!rc) rc = extreme(r, o, -1, &out[o].low);
        if (dominant) dominant[o] = dominant_of(r, o);
    }
    /* Once more at the chip itself: s keeps that schedule. */
    return rc ? rc : roma_cost_time(&t, r->s, r->p, r->w, false, r->err);
}

static int search_all(search *r, roma_range out[ROMA_COST_N], int dominant[ROMA_COST_N]) {
    const roma_chip *c = &r->p->chip;
    int rc = roma_place_copy(&r->at, r->p, r->err);
    if (rc) return rc;
    for (unsigned i = 0; i < ROMA_CHIP_N; i++)
        if (c->mark[i].low < c->mark[i].high) r->parameter[r->n++] = i;
    r->alone = roma_alloc_array(2 * (size_t)r->n + 1, sizeof *r->alone);
    return r->alone ? fill(r, out, dominant)
                    : roma_fail(r->err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the ranges");
}

int roma_cost_ranges(roma_range out[ROMA_COST_N], int dominant[ROMA_COST_N], roma_schedule *s, const roma_placement *p,
                     const roma_workload *w, roma_error *err) {
    if (w->batch == 0) return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "a workload has at least one sequence");
    search *r = roma_alloc_array(1, sizeof *r);
    if (!r) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the ranges");
    *r = (search){.p = p, .w = w, .s = s, .err = err};
    const int rc = search_all(r, out, dominant);
    roma_place_destroy(&r->at);
    roma_free(r->alone);
    roma_free(r->cache);
    roma_free(r);
    return rc;
}
