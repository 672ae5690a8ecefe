/* Operating points as JSON and as a table; contract in dvfs_show.h. */
#include "dvfs_show.h"

enum { MEMBERS = 10 };
static const struct {
    const char *key, *unit;
} member[MEMBERS] = {
    {"v", "V"},        {"f_hz", "Hz"},         {"f_low_hz", "Hz"}, {"f_high_hz", "Hz"}, {"tok_s", "tokens/s"},
    {"ttft_ms", "ms"}, {"mj_per_token", "mJ"}, {"power_w", "W"},   {"static_w", "W"},   {"junction_c", "C"}};

static void values_of(const roma_sim_supply *p, double out[MEMBERS]) {
    const double all[MEMBERS] = {p->volts,   p->hz,           p->low_hz,  p->high_hz,  p->tok_s,
                                 p->ttft_ms, p->mj_per_token, p->power_w, p->static_w, p->junction_c};
    for (int i = 0; i < MEMBERS; i++) out[i] = all[i];
}

static void point_json(const roma_sim_supply *p, const char *key, roma_json *j) {
    double v[MEMBERS];
    values_of(p, v);
    roma_json_open(j, key, '{');
    for (int i = 0; i < MEMBERS; i++) roma_json_digits(j, member[i].key, v[i], 0);
    roma_json_close(j, '}');
}

void dvfs_json(const roma_sim_dvfs *d, roma_json *j) {
    roma_json_open(j, "dvfs", '{');
    roma_json_open(j, "points", '[');
    for (int i = 0; i < ROMA_SIM_SUPPLIES; i++) point_json(&d->point[i], NULL, j);
    roma_json_close(j, ']');
    point_json(&d->point[d->least_energy], "least_energy", j);
    if (d->fastest == ROMA_SIM_NONE)
        roma_json_null(j, "fastest");
    else
        point_json(&d->point[d->fastest], "fastest", j);
    point_json(&d->as_is, "as_is", j);
    if (d->has_slow)
        point_json(&d->slow, "slow", j);
    else
        roma_json_null(j, "slow");
    roma_json_close(j, '}');
}

void dvfs_units(roma_json *j) {
    static const char *const places[] = {"points", "least_energy", "fastest", "as_is", "slow"};
    char key[64];
    for (size_t k = 0; k < sizeof places / sizeof *places; k++)
        for (int i = 0; i < MEMBERS; i++) {
            roma_print(key, sizeof key, "dvfs.%s.%s", places[k], member[i].key);
            roma_json_string(j, key, member[i].unit);
        }
}

static void add(roma_table *t, const roma_sim_supply *p, const char *what) {
    const double cells[] = {p->volts, p->hz / 1e6,     p->low_hz / 1e6, p->high_hz / 1e6,
                            p->tok_s, p->mj_per_token, p->power_w,      p->junction_c};
    roma_table_row(t);
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) roma_table_real(t, i, cells[i]);
    roma_table_text(t, sizeof cells / sizeof *cells, what);
}

void dvfs_text(const roma_sim *s, const roma_sim_dvfs *d, roma_buf *out) {
    static const char *const names[][2] = {{"supply", "V"}, {"clock", "MHz"},  {"from", "MHz"},
                                           {"to", "MHz"},   {"tok_s", "/s"},   {"energy", "mJ"},
                                           {"power", "W"},  {"junction", "C"}, {"point", ""}};
    roma_table t = {0};
    roma_print(t.title, sizeof t.title, "over the supply, at the gates' highest clock there");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        roma_table_column(&t, names[i][0], names[i][1], i ? 3 : 4);
    for (int i = 0; i < ROMA_SIM_SUPPLIES; i++)
        add(&t, &d->point[i],
            i == d->fastest        ? (i == d->least_energy ? "least, fastest" : "fastest")
            : i == d->least_energy ? "least"
                                   : "");
    add(&t, &d->as_is, "as it is");
    if (d->has_slow) add(&t, &d->slow, "its clock");
    roma_buf_print(out, "\n");
    roma_report_table_text(&t, out);
    out->failed |= t.failed;
    roma_table_destroy(&t);
    roma_buf_print(out, "least: of energy. fastest: within %.4g C", ROMA_COST_JUNCTION_C);
    if (s->work.max_w > 0) roma_buf_print(out, " and %.4g W", s->work.max_w);
    roma_buf_print(out, "%s. its clock: %s. from, to: what the ranges of section [supply] leave of the clock.\n",
                   d->fastest == ROMA_SIM_NONE ? ", which no point is" : "",
                   d->has_slow ? "the chip's own at the lowest supply for it"
                               : "no supply of the chip has gates that reach it");
}
