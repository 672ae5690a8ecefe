/* Lists of named results as text, JSON and CSV. */
#include "report/internal.h"

#include <math.h>
#include <string.h>

typedef struct {
    char value[NUMBER_CAP], unit[24], range[2 * NUMBER_CAP + 12];
} shown;

/* Value and range share one prefix, so that they compare at a glance. */
static void show(const roma_result_item *item, shown *s) {
    char low[NUMBER_CAP], high[NUMBER_CAP];
    bool si = roma_report_takes_prefix(item->unit);
    int e = si ? roma_report_prefix(item->v.mid, item->unit) : 0;
    double scale[3] = {item->v.low, item->v.mid, item->v.high};
    for (int i = 0; i < 3 && si; i++) scale[i] = roma_report_unscale(scale[i], e, item->unit);
    int digits = si ? 3 : 4;
    bool whole = e == 0 && floor(scale[0]) == scale[0] && floor(scale[1]) == scale[1] && floor(scale[2]) == scale[2];
    roma_report_number(s->value, scale[1], digits, whole);
    roma_report_number(low, scale[0], digits, whole);
    roma_report_number(high, scale[2], digits, whole);
    roma_print(s->unit, sizeof s->unit, "%s%s", roma_report_prefix_text(e, item->unit), item->unit);
    s->range[0] = '\0';
    if (item->v.low != item->v.high && !(isnan(item->v.low) && isnan(item->v.high)))
        roma_print(s->range, sizeof s->range, "[%s .. %s]", low, high);
}

static size_t wider(size_t width, const char *text) {
    size_t n = strlen(text);
    return n > width ? n : width;
}

/* One set of widths for the whole list, so that groups line up. */
typedef struct {
    size_t name, value, unit, range;
} widths;

static widths measure(const roma_result *r) {
    widths w = {0};
    for (size_t i = 0; i < r->n; i++) {
        shown s;
        show(&r->items[i], &s);
        w.name = wider(w.name, r->items[i].name);
        w.value = wider(w.value, s.value);
        w.unit = wider(w.unit, s.unit);
        w.range = wider(w.range, s.range);
    }
    return w;
}

void roma_report_list_text(const roma_result *r, roma_buf *out) {
    widths w = measure(r);
    for (size_t i = 0; i < r->n; i++) {
        const roma_result_item *item = &r->items[i];
        shown s;
        char name[64], unit[32], source[128];
        show(item, &s);
        if (i == 0 || strcmp(item->group, r->items[i - 1].group) != 0)
            roma_buf_print(out, "%s%s\n", i ? "\n" : "", roma_report_ascii(name, sizeof name, item->group));
        size_t line = out->len;
        roma_buf_print(out, "  %-*s  %*s %-*s", (int)w.name, roma_report_ascii(name, sizeof name, item->name),
                       (int)w.value, s.value, (int)w.unit, roma_report_ascii(unit, sizeof unit, s.unit));
        if (w.range) roma_buf_print(out, "  %-*s", (int)w.range, s.range);
        roma_buf_print(out, "  %s%s%s", item->amiss, item->amiss[0] && item->source[0] ? "; " : "",
                       roma_report_ascii(source, sizeof source, item->source));
        roma_report_end_line(out, line);
    }
}

void roma_report_list_json(const roma_result *r, roma_json *out) {
    for (size_t i = 0; i < r->n; i++) {
        const roma_result_item *item = &r->items[i];
        char key[96];
        roma_print(key, sizeof key, "%s.%s", item->group, item->name);
        roma_json_open(out, key, '{');
        roma_json_digits(out, "value", item->v.mid, 0);
        roma_json_digits(out, "low", item->v.low, 0);
        roma_json_digits(out, "high", item->v.high, 0);
        roma_json_string(out, "unit", item->unit);
        if (item->source[0]) roma_json_string(out, "source", item->source);
        if (item->amiss[0]) roma_json_string(out, "amiss", item->amiss);
        roma_json_close(out, '}');
    }
}

void roma_report_list_csv(const roma_result *r, roma_buf *out) {
    roma_buf_print(out, "group,name,value,low,high,unit,source\r\n");
    for (size_t i = 0; i < r->n; i++) {
        const roma_result_item *item = &r->items[i];
        const double v[3] = {item->v.mid, item->v.low, item->v.high};
        roma_report_csv_text(out, item->group, false);
        roma_buf_append(out, ",", 1);
        roma_report_csv_text(out, item->name, false);
        for (int k = 0; k < 3; k++) {
            char number[NUMBER_CAP];
            roma_buf_print(out, ",%s", roma_report_exact(number, v[k], 10));
        }
        roma_buf_append(out, ",", 1);
        roma_report_csv_text(out, item->unit, false);
        roma_buf_append(out, ",", 1);
        roma_report_csv_text(out, item->source, false);
        roma_buf_append(out, "\r\n", 2);
    }
}
