/* `roma paper` as text, JSON, CSV and Markdown. */
#include "show/study_show.h"
#include "roma/report.h"

#include <math.h>

static const char *verdict_text(roma_study_verdict v) {
    static const char *const texts[] = {"", "yes", "NO", "drift", "not rep."};
    return texts[v];
}

/* Rows with remark: all columns, as a file has them; without: what a terminal is wide enough for. */
static void fill(const roma_study *s, roma_table *t, bool wide) {
    roma_table_column(t, "id", "", 0);
    roma_table_column(t, "quantity", "", 0);
    roma_table_column(t, "unit", "", 0);
    roma_table_column(t, "paper", "", 4);
    roma_table_column(t, "model", "", 4);
    roma_table_column(t, "diff", "%", 2);
    roma_table_column(t, "kind", "", 0);
    roma_table_column(t, "holds", "", 0);
    if (wide) roma_table_column(t, "remark", "", 0);
    for (size_t i = 0; i < s->n_lines; i++) {
        const roma_study_line *l = &s->lines[i];
        roma_table_row(t);
        roma_table_text(t, 0, l->id);
        roma_table_text(t, 1, l->quantity);
        roma_table_text(t, 2, l->unit);
        if (!isnan(l->paper)) roma_table_real(t, 3, l->paper);
        if (!isnan(l->model)) roma_table_real(t, 4, l->model);
        if (!isnan(l->error)) roma_table_real(t, 5, round(1000 * l->error) / 10);
        roma_table_text(t, 6, roma_study_kind_name(l->kind));
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

static void print_names(roma_buf *out) {
    roma_buf_print(out, "\n"
                        "  id     the number's in docs/paper.md; of another paper with its name\n"
                        "  diff   model over paper, less 1\n"
                        "  kind   how the paper's number is in the chip files:\n");
    for (int k = 0; k < ROMA_STUDY_KINDS_N; k++)
        roma_buf_print(out, "           %-11s  %s\n", roma_study_kind_name((roma_study_kind)k),
                       roma_study_kind_about((roma_study_kind)k));
    roma_buf_print(out, "  holds  evidence within 5 %%: yes or NO; drift: what was fitted is no longer;\n"
                        "         not rep.: not reproducible, as the remark says\n"
                        "  kB, MB and GB are the papers' own: powers of ten\n");
}

void study_print_text(const roma_study *s, roma_buf *out) {
    roma_table t = {0};
    char left[32], right[32];
    fill(s, &t, false);
    roma_report_table_text(&t, out);
    out->failed |= t.failed;
    roma_table_destroy(&t);
    print_names(out);
    roma_buf_print(out, "\nremarks\n");
    for (size_t i = 0; i < s->n_lines; i++)
        if (s->lines[i].remark[0]) roma_buf_print(out, "  %-14s  %s\n", s->lines[i].id, s->lines[i].remark);
    roma_buf_print(out, "\ncontradictions\n");
    for (size_t i = 0; i < s->n_notes; i++) {
        const roma_study_note *n = &s->notes[i];
        roma_buf_print(out, "  %-9s %8s %8s %-8s  %s\n", n->id, number(left, n->left), number(right, n->right), n->unit,
                       n->text);
    }
    roma_buf_print(
        out,
        "\ndecode, empty cache: roma (calibrated) %s tokens/s, roma-contract (nothing is) %s tokens/s, gap %+.1f %%\n",
        number(left, s->decode_calibrated), number(right, s->decode_contract),
        100 * (s->decode_contract / s->decode_calibrated - 1));
}

void study_print_json(const roma_study *s, roma_buf *out) {
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_json_open(&j, "rows", '[');
    for (size_t i = 0; i < s->n_lines; i++) {
        const roma_study_line *l = &s->lines[i];
        roma_json_open(&j, NULL, '{');
        roma_json_string(&j, "id", l->id);
        roma_json_string(&j, "quantity", l->quantity);
        roma_json_string(&j, "unit", l->unit);
        roma_json_real(&j, "paper", l->paper);
        roma_json_real(&j, "model", l->model);
        roma_json_real(&j, "error", l->error);
        roma_json_string(&j, "kind", roma_study_kind_name(l->kind));
        if (l->verdict == ROMA_STUDY_HOLDS || l->verdict == ROMA_STUDY_FAILS)
            roma_json_bool(&j, "holds", l->verdict == ROMA_STUDY_HOLDS);
        else
            roma_json_null(&j, "holds");
        roma_json_bool(&j, "drift", l->verdict == ROMA_STUDY_DRIFTS);
        roma_json_string(&j, "parameter", l->parameter);
        roma_json_string(&j, "remark", l->remark);
        roma_json_string(&j, "source", l->source);
        roma_json_close(&j, '}');
    }
    roma_json_close(&j, ']');
    roma_json_open(&j, "inconsistencies", '[');
    for (size_t i = 0; i < s->n_notes; i++) {
        roma_json_open(&j, NULL, '{');
        roma_json_string(&j, "id", s->notes[i].id);
        roma_json_string(&j, "text", s->notes[i].text);
        roma_json_real(&j, "left", s->notes[i].left);
        roma_json_real(&j, "right", s->notes[i].right);
        roma_json_string(&j, "unit", s->notes[i].unit);
        roma_json_close(&j, '}');
    }
    roma_json_close(&j, ']');
    roma_json_open(&j, "decode", '{');
    roma_json_real(&j, "roma", s->decode_calibrated);
    roma_json_real(&j, "roma-contract", s->decode_contract);
    roma_json_real(&j, "gap", s->decode_contract / s->decode_calibrated - 1);
    roma_json_close(&j, '}');
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}

void study_print_csv(const roma_study *s, roma_buf *out) {
    roma_table t = {0};
    fill(s, &t, true);
    roma_report_table_csv(&t, out);
    out->failed |= t.failed;
    roma_table_destroy(&t);
}

void study_print_markdown(const roma_study *s, roma_buf *out) {
    roma_table t = {0}, notes = {0};
    fill(s, &t, true);
    roma_report_table_markdown(&t, out);
    static const char *const columns[] = {"contradiction", "one", "other", "unit"};
    for (size_t i = 0; i < 4; i++) roma_table_column(&notes, columns[i], "", i == 0 || i == 3 ? 0 : 4);
    for (size_t i = 0; i < s->n_notes; i++) {
        roma_table_row(&notes);
        roma_table_text(&notes, 0, s->notes[i].id);
        roma_table_real(&notes, 1, s->notes[i].left);
        roma_table_real(&notes, 2, s->notes[i].right);
        roma_table_text(&notes, 3, s->notes[i].unit);
    }
    roma_buf_append(out, "\n", 1);
    roma_report_table_markdown(&notes, out);
    out->failed |= t.failed || notes.failed;
    roma_table_destroy(&t);
    roma_table_destroy(&notes);
}
