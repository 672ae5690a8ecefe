/* From a question to an answer; contract in price.h. */
#include "price/internal.h"

#include <math.h>
#include <string.h>

/* ---- opening ---- */

static int read_prices(roma_prices *p, const char *path, roma_error *err) {
    roma_map m;
    int rc = roma_map_open(&m, path, err);
    if (rc) return rc;
    rc = roma_prices_read(p, (const char *)m.data, (size_t)m.size, path, err);
    roma_map_close(&m);
    return rc;
}

/* Steps stand for those of the whole answer, as their time grows evenly with the context. */
static int make_workload(roma_workload *w, const roma_price_config *c, roma_error *err) {
    *w = roma_cost_workload_bare();
    w->prompt = c->prompt;
    w->batch = c->batch;
    w->rank = c->rank;
    w->adapters = 1;
    int rc = roma_cost_workload_check(w, err);
    if (!rc && (!c->output || c->output > ROMA_COST_PROMPT_MAX))
        rc = roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "output must be 1 to %d tokens", ROMA_COST_PROMPT_MAX);
    if (!rc && !(c->volume >= 1 && c->volume <= 1e12))
        rc = roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "volume must be 1 to 1e12 chips");
    w->context = c->prompt + c->output / 2;
    return rc;
}

int roma_prices_open(roma_prices *p, const roma_chip *chip, const roma_price_config *c, roma_error *err) {
    int rc = ROMA_OK;
    roma_prices_usual(p, chip);
    if (c->prices) rc = read_prices(p, c->prices, err);
    for (size_t i = 0; !rc && i < c->n_set; i++) rc = roma_prices_set(p, c->set[i], err);
    return rc;
}

/* ---- answering ---- */

/* The inputs at one end (0, 1, 2) of their ranges. */
static void fill_case(price_case *x, const roma_price *p, const roma_range cost[ROMA_COST_N], int end) {
    const roma_chip_mark *wafer = &p->design.place.chip.mark[ROMA_CHIP_wafer_usd];
#define AT(field)                                                                                                      \
    (end == 0 ? cost[ROMA_COST_##field].low : end == 1 ? cost[ROMA_COST_##field].mid : cost[ROMA_COST_##field].high)
    x->die_mm2 = AT(area_mm2) / p->design.place.dies;
    x->yield = AT(yield_repaired);
    x->tok_s = AT(tok_s);
    x->ttft_s = AT(ttft_s);
    x->mj_per_token = AT(mj_per_token);
    x->prefill_mj = AT(prefill_mj);
    x->static_w = AT(static_w);
#undef AT
    x->wafer_usd = end == 0 ? wafer->low : end == 1 ? p->design.place.chip.wafer_usd : wafer->high;
    for (unsigned i = 0; i < ROMA_PRICE_N; i++)
        x->v[PRICE_INPUTS_N + i] = end == 0   ? p->prices.mark[i].low
                                   : end == 1 ? p->prices.value[i]
                                              : p->prices.mark[i].high;
}

static void answer(roma_price *p, const roma_range cost[ROMA_COST_N], bool ranges) {
    const char *name[PRICE_CASE_N] = {
#define X(field, text) text,
        PRICE_INPUTS(X)
#undef X
#define X(field, key, unit, min, max, help) key,
            ROMA_PRICE_PARAMETERS(X)
#undef X
    };
    const roma_chip *c = &p->design.place.chip;
    const price_fixed f = {.dies = p->design.place.dies,
                           .wafer_mm = c->wafer_mm,
                           .dram_gb = c->rom_style == ROMA_ROM_DRAM ? p->cost.rom_bytes / 1e9 : 0,
                           .prompt = p->work.prompt,
                           .output = p->output,
                           .volume = p->volume};
    price_case at[3];
    for (int end = 0; end < 3; end++) fill_case(&at[end], p, cost, ranges ? end : 1);
    roma_price_corners(p->range, p->dominant, at, name, &f);
}

static int open_as(roma_price *p, const roma_price_config *c, bool is_other, roma_error *err);

/* The other chip's price of a million tokens in the place of the rented ones'. */
static int price_against(roma_price *p, const roma_price_config *c, roma_error *err) {
    roma_price_config other = *c;
    other.design.chip = c->against;
    other.design.n_set = 0;
    other.design.dies = 0;
    other.against = NULL;
    p->against = roma_alloc_array(1, sizeof *p->against);
    if (!p->against) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for two chips");
    const int rc = open_as(p->against, &other, true, err);
    if (rc) return rc;
    const roma_range usd = p->against->range[ROMA_PRICED_usd_per_mtoken];
    roma_chip_mark *m = &p->prices.mark[ROMA_PRICE_rent_out];
    p->prices.value[ROMA_PRICE_rent_out] = usd.mid;
    *m = (roma_chip_mark){.low = usd.low, .high = usd.high, .quality = ROMA_CHIP_DERIVED};
    roma_print(m->source, sizeof m->source, "usd_per_mtoken of chip %s, prompts included",
               p->against->design.place.chip.name);
    p->prices.value[ROMA_PRICE_rent_in] = 0;
    p->prices.mark[ROMA_PRICE_rent_in] = (roma_chip_mark){.quality = ROMA_CHIP_DERIVED};
    roma_print(p->prices.mark[ROMA_PRICE_rent_in].source, sizeof m->source, "inside rent.output");
    return ROMA_OK;
}

/* Masks and design are the first chip's where somebody gives them; the other chip's follow its own node and style. */
static int prices_of(roma_price *p, const roma_price_config *c, bool is_other, roma_error *err) {
    roma_prices own;
    char shown[48];
    int rc = roma_prices_open(&p->prices, &p->design.place.chip, c, err);
    roma_prices_usual(&own, &p->design.place.chip);
    for (unsigned i = 0; is_other && i <= ROMA_PRICE_nre_model; i++) {
        p->prices.value[i] = own.value[i];
        p->prices.mark[i] = own.mark[i];
    }
    for (size_t i = 0; !rc && c->against && i < c->n_set; i++)
        if (strncmp(c->set[i] + strspn(c->set[i], " \t"), "rent.", 5) == 0)
            rc = roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s: beside --against the other chip sets it",
                           roma_error_name(shown, sizeof shown, c->set[i], strlen(c->set[i])));
    return rc;
}

static int open_answer(roma_price *p, const roma_price_config *c, bool is_other, roma_error *err) {
    roma_schedule s = {0};
    roma_range cost[ROMA_COST_N];
    int rc = prices_of(p, c, is_other, err);
    if (!rc && c->against) rc = price_against(p, c, err);
    if (!rc) rc = roma_cost_evaluate(&p->cost, &s, &p->design.place, &p->work, err);
    for (unsigned i = 0; !rc && i < ROMA_COST_N; i++) cost[i] = roma_range_of(p->cost.v[i]);
    if (!rc && c->ranges) rc = roma_cost_ranges(cost, NULL, &s, &p->design.place, &p->work, err);
    if (!rc) answer(p, cost, c->ranges);
    roma_schedule_destroy(&s);
    return rc;
}

static int open_as(roma_price *p, const roma_price_config *c, bool is_other, roma_error *err) {
    memset(p, 0, sizeof *p);
    p->output = c->output;
    p->volume = c->volume;
    int rc = make_workload(&p->work, c, err);
    if (!rc) rc = roma_design_open(&p->design, &c->design, err);
    if (rc) return rc;
    p->work.activation_bytes = roma_design_activations(&p->design.plan, 0, p->work.batch);
    rc = open_answer(p, c, is_other, err);
    if (rc) roma_price_close(p);
    return rc;
}

int roma_price_open(roma_price *p, const roma_price_config *c, roma_error *err) { return open_as(p, c, false, err); }

void roma_price_close(roma_price *p) {
    if (p->against) roma_price_close(p->against);
    roma_free(p->against);
    roma_design_close(&p->design);
    memset(p, 0, sizeof *p);
}

/* ---- telling ---- */

void roma_price_result(const roma_price *p, roma_result *list) {
    static const struct {
        const char *name, *group, *unit;
    } outputs[ROMA_PRICED_N] = {
#define X(field, group, unit, help) {#field, group, unit},
        ROMA_PRICE_OUTPUTS(X)
#undef X
    };
    for (unsigned i = 0; i < ROMA_PRICED_N; i++) {
        char source[96] = "";
        if (p->dominant[i]) roma_print(source, sizeof source, "mostly from %s", p->dominant[i]);
        roma_result_add(list, outputs[i].group, outputs[i].name, outputs[i].unit, p->range[i], source);
    }
}

void roma_price_doubts(const roma_price *p, roma_buf *out) {
    if (p->against) {
        roma_buf other = {0};
        roma_price_doubts(p->against, &other);
        roma_buf_append(&other, "", 1);
        for (const char *s = other.failed ? "" : (const char *)other.data; *s; s += strcspn(s, "\n") + 1)
            roma_buf_print(out, "the other chip, %s: %.*s\n", p->against->design.place.chip.name, (int)strcspn(s, "\n"),
                           s);
        out->failed |= other.failed;
        roma_buf_destroy(&other);
    }
    const roma_chip *c = &p->design.place.chip;
    const double die = p->cost.area_mm2 / p->design.place.dies, wafer = roma_cost_wafer_usd(c->node_nm);
    if (p->design.place.note[0]) roma_buf_print(out, "%s\n", p->design.place.note);
    if (p->cost.fits_sram <= 0)
        roma_buf_print(out,
                       "does not fit: beside %u adapter%s of rank %u the SRAM does not hold %u sequence%s of %u + %u "
                       "tokens\n",
                       p->work.rank ? 1 : 0, p->work.rank ? "" : "s", p->work.rank, p->work.batch,
                       p->work.batch == 1 ? "" : "s", p->work.prompt, p->output);
    if (!(die <= ROMA_COST_DIE_MM2))
        roma_buf_print(out, "a die of %.4g mm2; scanners print at most %.4g mm2 at once\n", die, ROMA_COST_DIE_MM2);
    if (roma_cost_wafer_is_odd(c))
        roma_buf_print(out,
                       "yield.wafer_cost is %.0f USD, and a wafer of %.4g nm costs about %.0f: give --set "
                       "yield.wafer_cost\n",
                       c->wafer_usd, c->node_nm, wafer);
}
