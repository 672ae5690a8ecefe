/* Results of roma explore as a table, text and JSON. */
#include "show/explore_show.h"
#include "show/echo.h"

/* A shape's own name, whatever the command line calls it; the path of an image. */
static const char *model_of(const explore_result *r) {
    return r->o->config.shape ? roma_explore_model(r->x) : r->o->config.image;
}

/* ---- rows ---- */

static void put_value(roma_table *t, size_t column, unsigned key, double v) {
    char name[ROMA_EXPLORE_CHOICE];
    const char *choice = roma_explore_choice(key, v, name);
    if (choice)
        roma_table_text(t, column, choice);
    else
        roma_table_real(t, column, v);
}

void show_rows(const explore_result *r, bool front_only, roma_table *t) {
    char name[ROMA_EXPLORE_NAME];
    size_t n;
    const unsigned *keys = roma_explore_columns(r->x, &n);
    roma_table_column(t, "point", "", 0);
    for (size_t k = 0; k < n; k++) roma_table_column(t, roma_explore_key_name(keys[k], name), "", 0);
    for (unsigned k = 0; k < ROMA_COST_N; k++)
        roma_table_column(t, roma_cost_output_at(k)->name, roma_cost_output_at(k)->unit, 0);
    roma_table_column(t, "ttft_ms", "ms", 0); /* and the cycles of a step, by the names that sim has for them */
    roma_table_column(t, "cycles", "", 0);
    roma_table_column(t, "pareto", "", 0);
    for (size_t i = 0; i < r->e->n; i++) {
        if (front_only && !r->f->on[i]) continue;
        const double *v = roma_explored_row(r->e, i);
        size_t c = 0;
        roma_table_row(t);
        roma_table_real(t, c++, *v++);
        for (size_t k = 0; k < n; k++) put_value(t, c++, keys[k], *v++);
        for (size_t k = 0; k < ROMA_COST_N; k++) roma_table_real(t, c++, v[k]);
        roma_table_real(t, c++, 1e3 * v[ROMA_COST_ttft_s]);
        roma_table_real(t, c++, v[ROMA_COST_decode_cyc]);
        roma_table_bool(t, c, r->f->on[i]);
    }
}

/* ---- ranges of the notable points ---- */

typedef roma_range range_table[ROMA_FRONT_ENDS][ROMA_COST_N];

static int notable_ranges(const explore_result *r, range_table out, roma_error *err) {
    int rc = ROMA_OK;
    for (roma_front_end k = 0; k < ROMA_FRONT_ENDS && !rc; k++)
        rc = roma_explore_ranges(r->x, roma_explored_row(r->e, r->f->end[k]), out[k], err);
    return rc;
}

static const unsigned objectives[] = {ROMA_COST_tok_s, ROMA_COST_area_mm2, ROMA_COST_mj_per_token, ROMA_COST_usd};
enum { N_OBJECTIVES = sizeof objectives / sizeof *objectives };

/* ---- text ---- */

static void number(char *buf, size_t cap, double v) {
    roma_print(buf, cap, v >= 1000 && v < 1e15 ? "%.0f" : "%.3g", v);
}

static void put_range(roma_table *t, size_t column, const roma_range *v) {
    char mid[32], low[32], high[32], text[112];
    number(mid, sizeof mid, v->mid);
    number(low, sizeof low, v->low);
    number(high, sizeof high, v->high);
    if (v->low < v->high)
        roma_print(text, sizeof text, "%s [%s .. %s]", mid, low, high);
    else
        roma_print(text, sizeof text, "%s", mid);
    roma_table_text(t, column, text);
}

static void notable_table(range_table ranges, roma_buf *out) {
    roma_table t = {0};
    roma_table_column(&t, "end", "", 0);
    for (size_t k = 0; k < N_OBJECTIVES; k++) {
        const roma_cost_output *o = roma_cost_output_at(objectives[k]);
        roma_table_column(&t, o->name, o->unit, 3);
    }
    for (roma_front_end k = 0; k < ROMA_FRONT_ENDS; k++) {
        roma_table_row(&t);
        roma_table_text(&t, 0, roma_front_end_name(k));
        for (size_t i = 0; i < N_OBJECTIVES; i++) put_range(&t, i + 1, &ranges[k][objectives[i]]);
    }
    roma_report_table_text(&t, out);
    out->failed |= t.failed;
    roma_table_destroy(&t);
}

/* Ends whose range reaches beyond what a chip can be, though the middle does not. */
static void say_beyond(const explore_result *r, range_table ranges, roma_buf *out) {
    const roma_explore_config *c = &r->o->config;
    const char *gap = "\n"; /* before the first */
    for (roma_front_end k = 0; k < ROMA_FRONT_ENDS; k++) {
        const double die = ranges[k][ROMA_COST_area_mm2].high / (c->dies ? c->dies : 1),
                     hot = ranges[k][ROMA_COST_junction_c].high;
        if (c->max_junction_c > 0 && hot > c->max_junction_c) {
            roma_buf_print(out, "%s%s: the junction's range reaches %.4g C; above %.4g C it cannot work\n", gap,
                           roma_front_end_name(k), hot, c->max_junction_c);
            gap = "";
        }
        if (c->max_die_mm2 > 0 && die > c->max_die_mm2) {
            roma_buf_print(out, "%s%s: the die's range reaches %.4g mm2; above %.4g mm2 it cannot be printed\n", gap,
                           roma_front_end_name(k), die, c->max_die_mm2);
            gap = "";
        }
    }
}

/* Their values, a key a row: what cannot vary is left out. */
static void values_table(const explore_result *r, roma_buf *out) {
    roma_table t = {0};
    char name[ROMA_EXPLORE_NAME], text[ROMA_EXPLORE_CHOICE];
    size_t n;
    const unsigned *keys = roma_explore_columns(r->x, &n);
    roma_table_column(&t, "knob", "", 0);
    for (roma_front_end k = 0; k < ROMA_FRONT_ENDS; k++) roma_table_column(&t, roma_front_end_name(k), "", 0);
    for (size_t c = 0; c <= n; c++) {
        roma_table_row(&t);
        roma_table_text(&t, 0, c ? roma_explore_key_name(keys[c - 1], name) : "point");
        for (roma_front_end k = 0; k < ROMA_FRONT_ENDS; k++) {
            const double v = roma_explored_row(r->e, r->f->end[k])[c];
            const char *choice = c ? roma_explore_choice(keys[c - 1], v, text) : NULL;
            if (!choice) roma_print(text, sizeof text, "%.10g", v);
            roma_table_text(&t, k + 1, text);
        }
    }
    roma_report_table_text(&t, out);
    out->failed |= t.failed;
    roma_table_destroy(&t);
}

/* Constraints are named as the options are. */
static const char *refusal_text(roma_explore_refusal r) {
    static const char *const ours[ROMA_EXPLORE_REFUSALS_N] = {
        [ROMA_EXPLORE_CONTEXT] = "less context than --min-context",
        [ROMA_EXPLORE_AREA] = "larger than --max-mm2",
        [ROMA_EXPLORE_POWER] = "more power than --max-w",
        [ROMA_EXPLORE_RATE] = "slower than --min-tok-s",
        [ROMA_EXPLORE_DIE] = "a die larger than --max-die",
        [ROMA_EXPLORE_JUNCTION] = "hotter than --max-junction"};
    return ours[r] ? ours[r] : roma_explore_refusal_text(r);
}

void show_refused(const roma_explored *e, roma_buf *out) {
    const char *comma = "";
    for (roma_explore_refusal i = 0; i < ROMA_EXPLORE_REFUSALS_N; i++) {
        if (!e->refused[i]) continue;
        roma_buf_print(out, "%s%llu %s (%s)", comma, (unsigned long long)e->refused[i], roma_explore_refusal_name(i),
                       refusal_text(i));
        comma = ", ";
    }
}

int show_text(const explore_result *r, roma_buf *out, roma_error *err) {
    range_table ranges;
    int rc = notable_ranges(r, ranges, err);
    if (rc) return rc;
    roma_buf_print(out, "%s on %s: %u points, %zu feasible, %zu on the front\n", model_of(r),
                   roma_explore_base(r->x)->name, r->o->points, r->e->n, r->f->n);
    if (r->e->n < r->o->points) {
        roma_buf_print(out, "refused: ");
        show_refused(r->e, out);
        roma_buf_print(out, "\n");
    }
    roma_buf_print(out, "\nends of the front, and the range of each over what is uncertain of the chip\n\n");
    notable_table(ranges, out);
    say_beyond(r, ranges, out);
    roma_buf_print(out, "\n");
    for (size_t i = 0; i < N_OBJECTIVES; i++)
        roma_buf_print(out, "  %-12s  %s\n", roma_cost_output_at(objectives[i])->name,
                       roma_cost_output_at(objectives[i])->help);
    roma_buf_print(out, "  %-12s  of the front the nearest to the best of all four\n\n", "knee");
    values_table(r, out);
    return ROMA_OK;
}

/* ---- JSON ---- */

static void json_range(roma_json *j, const roma_cost_output *o, const roma_range *v) {
    roma_json_open(j, o->name, '{');
    roma_json_real(j, "value", v->mid);
    roma_json_real(j, "low", v->low);
    roma_json_real(j, "high", v->high);
    roma_json_string(j, "unit", o->unit);
    roma_json_close(j, '}');
}

static void json_notable(const explore_result *r, range_table ranges, roma_json *j) {
    roma_json_open(j, "best", '{');
    for (roma_front_end k = 0; k < ROMA_FRONT_ENDS; k++) {
        roma_json_open(j, roma_front_end_name(k), '{');
        roma_json_int(j, "point", (int64_t)roma_explored_row(r->e, r->f->end[k])[0]);
        for (size_t i = 0; i < N_OBJECTIVES; i++)
            json_range(j, roma_cost_output_at(objectives[i]), &ranges[k][objectives[i]]);
        roma_json_close(j, '}');
    }
    roma_json_close(j, '}');
}

static void json_units(const roma_table *front, roma_json *j) {
    char key[96];
    roma_json_open(j, "units", '{');
    roma_json_string(j, "seed", "");
    roma_json_string(j, "points", "points");
    roma_json_string(j, "feasible", "points");
    for (roma_explore_refusal i = 0; i < ROMA_EXPLORE_REFUSALS_N; i++) {
        roma_print(key, sizeof key, "refused.%s", roma_explore_refusal_name(i));
        roma_json_string(j, key, "points");
    }
    for (roma_front_end k = 0; k < ROMA_FRONT_ENDS; k++) {
        roma_print(key, sizeof key, "best.%s.point", roma_front_end_name(k));
        roma_json_string(j, key, "");
    }
    workload_units(j);
    roma_chip_units(j, "chip_parameters.");
    for (size_t c = 0; c < front->n_columns; c++) { /* the columns of parameters are called as these, without units */
        const int parameter = roma_chip_find(front->columns[c].name);
        roma_print(key, sizeof key, "front.%s", front->columns[c].name);
        roma_json_string(j, key, parameter >= 0 ? roma_chip_unit((unsigned)parameter) : front->columns[c].unit);
    }
    roma_json_close(j, '}');
}

static void json_limit(roma_json *j, const char *key, double limit) {
    if (limit > 0)
        roma_json_real(j, key, limit);
    else
        roma_json_null(j, key);
}

int show_json(const explore_result *r, roma_buf *out, roma_error *err) {
    roma_json j = {.out = out};
    range_table ranges;
    roma_table t = {0};
    int rc = r->e->n ? notable_ranges(r, ranges, err) : ROMA_OK;
    if (rc) return rc;
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "model", model_of(r));
    roma_json_string(&j, "chip", roma_explore_base(r->x)->name);
    roma_json_string(&j, "kv", roma_kv_find(r->o->config.kv)->name);
    roma_json_uint(&j, "seed", r->o->config.seed);
    roma_json_int(&j, "points", r->o->points);
    roma_json_int(&j, "feasible", (int64_t)r->e->n);
    json_limit(&j, "max_die_mm2", r->o->config.max_die_mm2);
    json_limit(&j, "max_junction_c", r->o->config.max_junction_c);
    roma_json_open(&j, "refused", '{');
    for (roma_explore_refusal i = 0; i < ROMA_EXPLORE_REFUSALS_N; i++)
        if (r->e->refused[i]) roma_json_int(&j, roma_explore_refusal_name(i), (int64_t)r->e->refused[i]);
    roma_json_close(&j, '}');
    workload_json(&r->o->config.work, r->o->config.dies ? r->o->config.dies : 1, NULL, &j);
    roma_json_open(&j, "chip_parameters", '{');
    roma_chip_json(roma_explore_base(r->x), &j);
    roma_json_close(&j, '}');
    if (r->e->n) json_notable(r, ranges, &j);
    show_rows(r, true, &t);
    roma_report_table_json(&t, &j, "front");
    json_units(&t, &j);
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
    out->failed |= t.failed;
    roma_table_destroy(&t);
    return ROMA_OK;
}
