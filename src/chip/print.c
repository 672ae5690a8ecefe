/* A chip as a table, as JSON, as a file; and the parameter table as a page. */
#include "chip/internal.h"

#include <string.h>

const char *roma_chip_unit(unsigned i) {
    const char *unit = roma_chip_parameter_at(i)->unit;
    return strcmp(unit, "1") == 0 || strcmp(unit, "2^n") == 0 || strchr(unit, '|') ? "" : unit;
}

/* "[low .. high]" or "[exact]" */
static void print_range(roma_buf *out, const roma_chip_mark *m) {
    char low[ROMA_CHIP_NUMBER], high[ROMA_CHIP_NUMBER];
    if (m->low < m->high)
        roma_buf_print(out, "[%s .. %s]", roma_chip_number(m->low, low), roma_chip_number(m->high, high));
    else
        roma_buf_print(out, "[exact]");
}

static bool begins_section(unsigned i) {
    return i == 0 || strcmp(roma_chip_parameter_at(i)->section, roma_chip_parameter_at(i - 1)->section) != 0;
}

void roma_chip_print(const roma_chip *c, roma_buf *out) {
    const roma_chip_parameter *p;
    char v[ROMA_CHIP_NUMBER];
    roma_buf_print(out, "chip %s%s%s\n", c->name, c->title[0] ? ": " : "", c->title);
    for (unsigned i = 0; (p = roma_chip_parameter_at(i)) != NULL; i++) {
        if (begins_section(i)) roma_buf_print(out, "\n[%s]\n", p->section);
        roma_buf_print(out, "  %-18s %12s  ", p->key, roma_chip_shown(c, i, v));
        print_range(out, &c->mark[i]);
        roma_buf_print(out, "%s%s\n      %s\n      %s: %s\n", *roma_chip_unit(i) ? "  " : "", roma_chip_unit(i),
                       p->help, roma_chip_quality_name(c->mark[i].quality), c->mark[i].source);
    }
}

void roma_chip_json(const roma_chip *c, roma_json *j) {
    char v[ROMA_CHIP_NUMBER], key[96];
    const roma_chip_parameter *p;
    roma_json_string(j, "name", c->name);
    roma_json_string(j, "title", c->title);
    for (unsigned i = 0; (p = roma_chip_parameter_at(i)) != NULL; i++) {
        const char *shown = roma_chip_shown(c, i, v);
        roma_print(key, sizeof key, "%s.%s", p->section, p->key);
        if (roma_chip_is_choice(i))
            roma_json_string(j, key, shown);
        else
            roma_json_number(j, key, shown, strlen(shown));
    }
}

void roma_chip_units(roma_json *j, const char *prefix) {
    char key[128];
    const roma_chip_parameter *p;
    for (unsigned i = 0; (p = roma_chip_parameter_at(i)) != NULL; i++) {
        roma_print(key, sizeof key, "%s%s.%s", prefix, p->section, p->key);
        if (!roma_chip_is_choice(i)) roma_json_string(j, key, roma_chip_unit(i));
    }
}

void roma_chip_write(const roma_chip *c, roma_buf *out) {
    const roma_chip_parameter *p;
    char v[ROMA_CHIP_NUMBER];
    if (c->title[0]) roma_buf_print(out, "title = %s\n", c->title);
    for (unsigned i = 0; (p = roma_chip_parameter_at(i)) != NULL; i++) {
        if (begins_section(i)) roma_buf_print(out, "%s[%s]\n", i || c->title[0] ? "\n" : "", p->section);
        roma_buf_print(out, "%-18s = %s ", p->key, roma_chip_shown(c, i, v));
        print_range(out, &c->mark[i]);
        roma_buf_print(out, "  # %s: %s\n", roma_chip_quality_name(c->mark[i].quality), c->mark[i].source);
    }
}

/* What a value may be: choices, or bounds and whether it is a count. */
static void document_bounds(roma_buf *out, unsigned i) {
    const roma_chip_parameter *p = roma_chip_parameter_at(i);
    char low[ROMA_CHIP_NUMBER], high[ROMA_CHIP_NUMBER];
    roma_chip_span name;
    if (!roma_chip_is_choice(i)) {
        roma_buf_print(out, "%s%s to %s",
                       roma_chip_is_power(i)   ? "power of two, "
                       : roma_chip_is_whole(i) ? "whole, "
                                               : "",
                       roma_chip_number(p->min, low), roma_chip_number(p->max, high));
        return;
    }
    for (unsigned k = 0; (name = roma_chip_choice(i, k)).s; k++)
        roma_buf_print(out, "%s`%.*s`", k ? ", " : "", (int)name.n, name.s);
}

void roma_chip_document(roma_buf *out) {
    const roma_chip_parameter *p;
    roma_buf_print(out, "| section | key | unit | values | meaning |\n|---|---|---|---|---|\n");
    for (unsigned i = 0; (p = roma_chip_parameter_at(i)) != NULL; i++) {
        roma_buf_print(out, "| %s | `%s` | %s | ", begins_section(i) ? p->section : "", p->key, roma_chip_unit(i));
        document_bounds(out, i);
        roma_buf_print(out, " | %s |\n", p->help);
    }
}
