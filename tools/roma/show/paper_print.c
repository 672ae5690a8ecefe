/* `roma paper` as text, JSON, CSV and Markdown. */
#include "paper.h"

#include <math.h>
#include <string.h>

const char *paper_kind_text(paper_kind k) {
    static const char *const texts[] = {
#define X(name, text) text,
        PAPER_KINDS(X)
#undef X
    };
    return texts[k];
}

static const char *verdict_text(paper_verdict v) {
    static const char *const texts[] = {"", "yes", "NO", "drift", "not rep."};
    return texts[v];
}

/* Rows with remark: all columns, as a file has them; without: what a terminal is wide enough for. */
static void fill(const paper *x, roma_table *t, bool wide) {
    roma_table_column(t, "id", "", 0);
    roma_table_column(t, "quantity", "", 0);
    roma_table_column(t, "unit", "", 0);
    roma_table_column(t, "paper", "", 4);
    roma_table_column(t, "model", "", 4);
    roma_table_column(t, "diff", "%", 2);
    roma_table_column(t, "kind", "", 0);
    roma_table_column(t, "holds", "", 0);
    if (wide) roma_table_column(t, "remark", "", 0);
    for (size_t i = 0; i < x->n_lines; i++) {
        const paper_line *l = &x->lines[i];
        roma_table_row(t);
        roma_table_text(t, 0, l->row->id);
        roma_table_text(t, 1, l->row->quantity);
        roma_table_text(t, 2, l->row->unit);
        if (!isnan(l->row->paper)) roma_table_real(t, 3, l->row->paper);
        if (!isnan(l->model)) roma_table_real(t, 4, l->model);
        if (!isnan(l->error)) roma_table_real(t, 5, round(1000 * l->error) / 10);
        roma_table_text(t, 6, paper_kind_text(l->row->kind));
        roma_table_text(t, 7, verdict_text(l->verdict));
        if (wide) roma_table_text(t, 8, l->remark);
    }
}

static const char *number(char buf[32], double v) {
    if (isnan(v))
        roma_print(buf, 32, "-");
    else
        roma_print(buf, 32, fabs(v) >= 1000 ? "%.0f" : "%.4g", v);
    return buf;
}

void paper_print_text(const paper *x, roma_buf *out) {
    roma_table t = {0};
    char left[32], right[32];
    fill(x, &t, false);
    roma_report_table_text(&t, out);
    out->failed |= t.failed;
    roma_table_destroy(&t);
    roma_buf_print(out, "\nOnly independent rows are evidence: nothing was chosen by them. drift: what was fitted is "
                        "no longer.\n\nremarks\n");
    for (size_t i = 0; i < x->n_lines; i++)
        if (x->lines[i].remark[0]) roma_buf_print(out, "  %-14s  %s\n", x->lines[i].row->id, x->lines[i].remark);
    roma_buf_print(out, "\ncontradictions\n");
    for (size_t i = 0; i < x->n_notes; i++) {
        const paper_note *n = &x->notes[i];
        roma_buf_print(out, "  %-9s %8s %8s %-8s  %s\n", n->id, number(left, n->left), number(right, n->right), n->unit,
                       n->text);
    }
    roma_buf_print(
        out,
        "\ndecode, empty cache: roma (calibrated) %s tokens/s, roma-contract (nothing is) %s tokens/s, gap %+.1f %%\n",
        number(left, x->decode[0]), number(right, x->decode[1]), 100 * (x->decode[1] / x->decode[0] - 1));
}

void paper_print_json(const paper *x, roma_buf *out) {
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_json_open(&j, "rows", '[');
    for (size_t i = 0; i < x->n_lines; i++) {
        const paper_line *l = &x->lines[i];
        roma_json_open(&j, NULL, '{');
        roma_json_string(&j, "id", l->row->id);
        roma_json_string(&j, "quantity", l->row->quantity);
        roma_json_string(&j, "unit", l->row->unit);
        roma_json_real(&j, "paper", l->row->paper);
        roma_json_real(&j, "model", l->model);
        roma_json_real(&j, "error", l->error);
        roma_json_string(&j, "kind", paper_kind_text(l->row->kind));
        if (l->verdict == PAPER_HOLDS || l->verdict == PAPER_FAILS)
            roma_json_bool(&j, "holds", l->verdict == PAPER_HOLDS);
        else
            roma_json_null(&j, "holds");
        roma_json_bool(&j, "drift", l->verdict == PAPER_DRIFTS);
        roma_json_string(&j, "parameter", l->row->parameter);
        roma_json_string(&j, "remark", l->remark);
        roma_json_string(&j, "source", l->row->source);
        roma_json_close(&j, '}');
    }
    roma_json_close(&j, ']');
    roma_json_open(&j, "inconsistencies", '[');
    for (size_t i = 0; i < x->n_notes; i++) {
        roma_json_open(&j, NULL, '{');
        roma_json_string(&j, "id", x->notes[i].id);
        roma_json_string(&j, "text", x->notes[i].text);
        roma_json_real(&j, "left", x->notes[i].left);
        roma_json_real(&j, "right", x->notes[i].right);
        roma_json_string(&j, "unit", x->notes[i].unit);
        roma_json_close(&j, '}');
    }
    roma_json_close(&j, ']');
    roma_json_open(&j, "decode", '{');
    roma_json_real(&j, "roma", x->decode[0]);
    roma_json_real(&j, "roma-contract", x->decode[1]);
    roma_json_real(&j, "gap", x->decode[1] / x->decode[0] - 1);
    roma_json_close(&j, '}');
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}

void paper_print_csv(const paper *x, roma_buf *out) {
    roma_table t = {0};
    fill(x, &t, true);
    roma_report_table_csv(&t, out);
    out->failed |= t.failed;
    roma_table_destroy(&t);
}

void paper_print_markdown(const paper *x, roma_buf *out) {
    roma_table t = {0}, notes = {0};
    fill(x, &t, true);
    roma_report_table_markdown(&t, out);
    static const char *const columns[] = {"contradiction", "one", "other", "unit"};
    for (size_t i = 0; i < 4; i++) roma_table_column(&notes, columns[i], "", i == 0 || i == 3 ? 0 : 4);
    for (size_t i = 0; i < x->n_notes; i++) {
        roma_table_row(&notes);
        roma_table_text(&notes, 0, x->notes[i].id);
        roma_table_real(&notes, 1, x->notes[i].left);
        roma_table_real(&notes, 2, x->notes[i].right);
        roma_table_text(&notes, 3, x->notes[i].unit);
    }
    roma_buf_append(out, "\n", 1);
    roma_report_table_markdown(&notes, out);
    out->failed |= t.failed || notes.failed;
    roma_table_destroy(&t);
    roma_table_destroy(&notes);
}
