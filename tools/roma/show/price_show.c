/* What roma price prints; contract in price_show.h. */
#include "show/price_show.h"
#include "show/echo.h"
#include "tool.h"

#include <math.h>
#include <string.h>

static const char *quality_of(const roma_chip_mark *m) {
    static const char *const names[] = {
#define X(name, text) text,
        ROMA_CHIP_QUALITIES(X)
#undef X
    };
    return names[m->quality];
}

void price_print_list(const roma_prices *p, roma_buf *out) {
    for (unsigned i = 0; i < ROMA_PRICE_N; i++) {
        const roma_price_parameter *at = roma_price_parameter_at(i);
        const roma_chip_mark *m = &p->mark[i];
        roma_buf_print(out, "; %s%s%s\n%s = %.10g ", at->help, strcmp(at->unit, "1") ? ", " : "",
                       strcmp(at->unit, "1") ? at->unit : "", at->key, p->value[i]);
        if (m->low < m->high)
            roma_buf_print(out, "[%.10g .. %.10g]", m->low, m->high);
        else
            roma_buf_print(out, "[exact]");
        roma_buf_print(out, "  # %s: %s\n", quality_of(m), m->source);
    }
}

/* ---- text ---- */

void price_print_text(const roma_price *p, const roma_result *list, roma_buf *out) {
    const roma_design *d = &p->design;
    int width = 0;
    roma_buf_print(out,
                   "%s on chip %s: %.0f chips share the NRE, %u die%s each; requests of %u:%u tokens, batch %u, "
                   "rank %u%s%s\n",
                   d->desc->name, d->place.chip.name, p->volume, d->place.dies, d->place.dies == 1 ? "" : "s",
                   p->work.prompt, p->output, p->work.batch, p->work.rank, p->against ? "; against " : "",
                   p->against ? p->against->design.place.chip.name : "");
    roma_report_list_text(list, out);
    roma_buf_print(out, "\nA range is what the chip's constants and the prices leave together; `mostly from` is what "
                        "moves it most.\n`roma price --list` has the prices and their sources.\n\nnames\n");
    for (size_t i = 0; i < list->n; i++)
        if ((int)strlen(list->items[i].name) > width) width = (int)strlen(list->items[i].name);
    for (unsigned i = 0; i < ROMA_PRICED_N; i++)
        roma_buf_print(out, "  %-*s  %s\n", width, list->items[i].name, roma_price_output_help(i));
}

/* ---- JSON ---- */

/* A number for scripts; null is none, as of what never comes. */
static void put_mid(const roma_price *p, const roma_result *list, roma_json *j) {
    for (unsigned i = 0; i < ROMA_PRICED_N; i++) {
        if (isfinite(p->range[i].mid))
            roma_json_real(j, list->items[i].name, p->range[i].mid);
        else
            roma_json_null(j, list->items[i].name);
    }
}

static void put_prices(const roma_prices *p, roma_json *j) {
    roma_json_open(j, "prices", '{');
    for (unsigned i = 0; i < ROMA_PRICE_N; i++) {
        const roma_price_parameter *at = roma_price_parameter_at(i);
        roma_json_open(j, at->key, '{');
        roma_json_real(j, "value", p->value[i]);
        roma_json_real(j, "low", p->mark[i].low);
        roma_json_real(j, "high", p->mark[i].high);
        roma_json_string(j, "unit", strcmp(at->unit, "1") ? at->unit : "");
        roma_json_string(j, "quality", quality_of(&p->mark[i]));
        roma_json_string(j, "source", p->mark[i].source);
        roma_json_close(j, '}');
    }
    roma_json_close(j, '}');
}

static void put_units(const roma_price *p, const roma_result *list, roma_json *j) {
    roma_json_open(j, "units", '{');
    for (unsigned i = 0; i < ROMA_PRICED_N; i++) roma_json_string(j, list->items[i].name, list->items[i].unit);
    roma_json_string(j, "dies", "dies");
    roma_json_string(j, "volume", "chips");
    roma_json_string(j, "output", "tokens");
    echo_units(&p->design, j);
    roma_json_close(j, '}');
}

void price_print_json(const roma_price *p, const roma_result *list, roma_buf *out) {
    roma_json j = {.out = out};
    roma_buf doubts = {0};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "model", p->design.desc->name);
    roma_json_string(&j, "chip", p->design.place.chip.name);
    roma_json_string(&j, "against", p->against ? p->against->design.place.chip.name : NULL);
    put_mid(p, list, &j);
    roma_json_uint(&j, "dies", p->design.place.dies);
    roma_json_real(&j, "volume", p->volume);
    roma_json_uint(&j, "output", p->output);
    roma_price_doubts(p, &doubts);
    roma_buf_append(&doubts, "", 1);
    warn_json(&j, doubts.failed ? NULL : (const char *)doubts.data);
    out->failed |= doubts.failed;
    roma_buf_destroy(&doubts);
    echo_json(&p->design, &p->work, NULL, &j);
    roma_report_list_json(list, &j);
    put_prices(&p->prices, &j);
    put_units(p, list, &j);
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}
