/* A comparison as a page and as JSON; contract in compare_show.h. */
#include "compare_show.h"
#include "echo.h"

static const char *chip_of(const roma_compare *x, int k) { return x->design[k].place.chip.name; }

/* ---- JSON ---- */

static const char *const pair_key[ROMA_PAIRS] = {NULL, "shared", "same_share", "only_a", "only_b"};

static void pairing_json(const roma_compare *x, roma_json *j) {
    char name[96];
    roma_json_open(j, "pairing", '{');
    for (int k = ROMA_PAIR_SHARED; k < ROMA_PAIRS; k++) {
        roma_json_open(j, pair_key[k], '[');
        for (unsigned i = 0; i < ROMA_CHIP_N; i++) {
            const roma_chip_parameter *p = roma_chip_parameter_at(i);
            roma_print(name, sizeof name, "%s.%s", p->section, p->key);
            if ((int)x->pair[i] == k) roma_json_string(j, NULL, name);
        }
        roma_json_close(j, ']');
    }
    roma_json_close(j, '}');
}

static void quantity_json(const roma_compare *x, unsigned i, roma_json *j) {
    const roma_compare_quantity *q = &x->quantity[i];
    const roma_range at[] = {q->ratio.p5, q->ratio.p50, q->ratio.p95};
    static const char *const names[][3] = {{"ratio_p5", "ratio_p5_low", "ratio_p5_high"},
                                           {"ratio_p50", "ratio_p50_low", "ratio_p50_high"},
                                           {"ratio_p95", "ratio_p95_low", "ratio_p95_high"}};
    roma_json_open(j, NULL, '{');
    roma_json_string(j, "name", roma_cost_drawn_at(i)->name);
    roma_json_string(j, "unit", roma_cost_drawn_at(i)->unit);
    roma_json_digits(j, "a", q->value[0], 0);
    roma_json_digits(j, "b", q->value[1], 0);
    for (int k = 0; k < 3; k++) roma_json_digits(j, names[k][0], at[k].mid, 0);
    for (int k = 0; k < 3; k++) {
        roma_json_digits(j, names[k][1], at[k].low, 0);
        roma_json_digits(j, names[k][2], at[k].high, 0);
    }
    roma_json_digits(j, "b_less", q->less, 0);
    roma_json_close(j, '}');
}

void compare_print_json(const roma_compare *x, uint64_t seed, roma_buf *out) {
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "model", x->design[0].desc->name);
    for (int k = 0; k < 2; k++) roma_json_string(&j, k ? "b" : "a", chip_of(x, k));
    workload_json(&x->work, x->design[0].place.dies, NULL, &j);
    roma_json_open(&j, "quantities", '[');
    for (unsigned i = 0; i < ROMA_DRAWN_N; i++)
        if (draws_has(&x->work, i)) quantity_json(x, i, &j);
    roma_json_close(&j, ']');
    roma_json_uint(&j, "pairs", x->pairs);
    for (int k = 0; k < 2; k++) {
        roma_json_open(&j, k ? "draws_b" : "draws_a", '{');
        draws_counts_json(&x->draws[k], seed, &j);
        roma_json_close(&j, '}');
    }
    pairing_json(x, &j);
    roma_json_open(&j, "units", '{');
    workload_units(&j);
    roma_json_string(&j, "pairs", "draws");
    draws_units("draws_a", &j);
    draws_units("draws_b", &j);
    roma_json_close(&j, '}');
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}

/* ---- page ---- */

static void quantities(const roma_compare *x, roma_table *t) {
    static const char *const names[] = {"quantity", "unit", "A", "B", "B/A_p5", "p50", "p95", "B_less"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        roma_table_column(t, names[i], i < 7 ? "" : "%", i < 4 ? 4 : 3);
    roma_print(t->title, sizeof t->title, "A: %.36s, B: %.36s", chip_of(x, 0), chip_of(x, 1));
    for (unsigned i = 0; i < ROMA_DRAWN_N; i++) {
        const roma_compare_quantity *q = &x->quantity[i];
        if (!draws_has(&x->work, i)) continue;
        const double cells[] = {q->value[0], q->value[1], q->ratio.p5.mid, q->ratio.p50.mid, q->ratio.p95.mid};
        roma_table_row(t);
        roma_table_text(t, 0, roma_cost_drawn_at(i)->name);
        roma_table_text(t, 1, roma_cost_drawn_at(i)->unit);
        for (size_t k = 0; k < (q->ratio.n ? 5 : 2); k++) roma_table_real(t, 2 + k, cells[k]);
        roma_table_real(t, 7, 100 * q->less);
    }
}

static void pairing(const roma_compare *x, roma_buf *out) {
    static const char *const texts[ROMA_PAIRS] = {NULL, "drawn once for both",
                                                  "drawn at the same share of each chip's own range",
                                                  "drawn for A alone", "drawn for B alone"};
    for (int k = ROMA_PAIR_SHARED; k < ROMA_PAIRS; k++) {
        unsigned n = 0;
        for (unsigned i = 0; i < ROMA_CHIP_N; i++) {
            const roma_chip_parameter *p = roma_chip_parameter_at(i);
            if ((int)x->pair[i] != k) continue;
            if (!n++) roma_buf_print(out, "\n%s:\n ", texts[k]);
            roma_buf_print(out, " %s.%s", p->section, p->key);
        }
        if (n) roma_buf_print(out, "\n");
    }
}

void compare_print_text(const roma_compare *x, uint64_t seed, roma_buf *out) {
    const roma_workload *w = &x->work;
    roma_table t = {0};
    roma_buf_print(out, "%s: prompt %u, context %u, batch %u, rank %u; %u pairs of draws of seed %llu\n",
                   x->design[0].desc->name, w->prompt, w->context, w->batch, w->rank, x->pairs,
                   (unsigned long long)seed);
    quantities(x, &t);
    roma_report_table_text(&t, out);
    out->failed |= t.failed;
    roma_table_destroy(&t);
    draws_counts_text(&x->draws[0], " of A", out);
    draws_counts_text(&x->draws[1], " of B", out);
    roma_buf_print(out,
                   "A, B: at the chips' own values; B/A: percentiles of the ratio over the pairs; B_less: pairs in "
                   "which B's is smaller.\n");
    pairing(x, out);
}
