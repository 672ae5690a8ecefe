/* What roma serve-sim prints; contract in load_show.h. */
#include "show/load_show.h"
#include "show/echo.h"

#include <string.h>

static const struct {
    const char *name, *unit;
    int digits;
    const char *help;
} columns[] = {
#define X(name, unit, digits, help) {#name, unit, digits, help},
    ROMA_SERVE_SIM_COLUMNS(X)
#undef X
};
enum { COLUMNS = sizeof columns / sizeof *columns };

void load_columns(roma_table *t, const roma_serve_sim *s) {
    roma_print(t->title, sizeof t->title, "%.44s on %.44s", s->design.desc->name, s->design.place.chip.name);
    for (size_t i = 0; i < COLUMNS; i++) roma_table_column(t, columns[i].name, columns[i].unit, columns[i].digits);
}

void load_row(roma_table *t, const roma_serve_sim_row *r) {
    const double cells[COLUMNS] = {
#define X(name, unit, digits, help) r->name,
        ROMA_SERVE_SIM_COLUMNS(X)
#undef X
    };
    roma_table_row(t);
    for (size_t i = 0; i < COLUMNS; i++) roma_table_real(t, i, cells[i]);
}

/* Columns that curves are drawn of, by name. */
static size_t column(const char *name) {
    size_t i = 0;
    while (strcmp(columns[i].name, name) != 0) i++;
    return i;
}

void load_svg(const roma_table *t, roma_buf *out) {
    const size_t y[] = {column("ttft_p50_ms"), column("ttft_p99_ms")};
    roma_report_curves_svg(t, column("load"), y, 2, (roma_axes){false, true}, out);
}

void load_print_text(const roma_serve_sim *s, const roma_table *t, roma_buf *out) {
    roma_buf_print(out, "%u requests, %u of them refused; batch %u, cache of %u tokens", s->n + s->refused, s->refused,
                   s->batch, s->pages * ROMA_PAGE);
    if (s->resident)
        roma_buf_print(out, " beside %u adapter%s of rank %u, each loaded in %.3g ms", s->resident,
                       s->resident == 1 ? "" : "s", s->work.rank, 1e3 * s->load_s);
    roma_buf_print(out, "; a full batch completes %.4g requests/s\n", s->capacity);
    if (s->design.place.note[0]) roma_buf_print(out, "note: %s\n", s->design.place.note);
    roma_report_table_text(t, out);
    roma_buf_print(out, "\nnames\n");
    for (size_t i = 0; i < COLUMNS; i++) roma_buf_print(out, "  %-13s  %s\n", columns[i].name, columns[i].help);
}

static void put_units(const roma_serve_sim *s, const roma_table *t, roma_json *j) {
    static const char *const units[][2] = {
        {"seed", ""},           {"requests", "requests"},        {"refused", "requests"},
        {"batch", "sequences"}, {"resident", "adapters"},        {"adapter_load_ms", "ms"},
        {"tokens", "tokens"},   {"capacity_req_s", "requests/s"}};
    roma_json_open(j, "units", '{');
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) roma_json_string(j, units[i][0], units[i][1]);
    roma_report_table_units(t, j, "rows");
    echo_units(&s->design, j);
    roma_json_close(j, '}');
}

void load_print_json(const roma_serve_sim *s, const roma_table *t, uint64_t seed, roma_buf *out) {
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "model", s->design.desc->name);
    roma_json_string(&j, "chip", s->design.place.chip.name);
    roma_json_string(&j, "note", s->design.place.note);
    roma_json_uint(&j, "seed", seed);
    roma_json_uint(&j, "requests", s->n + s->refused);
    roma_json_uint(&j, "refused", s->refused);
    roma_json_uint(&j, "batch", s->batch);
    roma_json_uint(&j, "resident", s->resident);
    roma_json_real(&j, "adapter_load_ms", 1e3 * s->load_s);
    roma_json_uint(&j, "tokens", s->pages * ROMA_PAGE);
    roma_json_real(&j, "capacity_req_s", s->capacity);
    roma_report_table_json(t, &j, "rows");
    echo_json(&s->design, &s->work, NULL, &j);
    put_units(s, t, &j);
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}
