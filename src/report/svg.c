/* Page, texts and legend. */
#include "report/svg.h"

#include <math.h>
#include <string.h>

double roma_report_svg_width(const char *text, double size) { return 0.59 * size * (double)strlen(text); }

void roma_report_svg_text(roma_buf *out, double x, double y, double size, roma_report_anchor anchor, const char *fill,
                          const char *text) {
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    roma_buf_print(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\"%s fill=\"%s\">", x, y, size, anchors[anchor],
                   fill);
    roma_report_xml_text(out, text);
    roma_buf_print(out, "</text>\n");
}

void roma_report_svg_tip(roma_buf *out, const char *text) {
    roma_buf_print(out, "<title>");
    roma_report_xml_text(out, text);
    roma_buf_print(out, "</title>");
}

void roma_report_svg_open(roma_buf *out, double width, double height, const char *title) {
    char cut[128];
    roma_buf_print(out,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" "
                   "role=\"img\" "
                   "font-family=\"system-ui, 'Helvetica Neue', Arial, sans-serif\">\n",
                   width, height, width, height);
    roma_report_svg_tip(out, title);
    roma_report_schemes(out);
    roma_buf_print(out, "<rect width=\"%.0f\" height=\"%.0f\" fill=\"" GROUND "\"/>\n<g font-weight=\"600\">", width,
                   height);
    roma_report_svg_text(out, 24, 32, 17, AT_START, INK, roma_report_svg_fit(cut, sizeof cut, title, 17, width - 48));
    roma_buf_print(out, "</g>\n");
}

void roma_report_svg_close(roma_buf *out) { roma_buf_print(out, "</svg>\n"); }

const char *roma_report_svg_fit(char *buf, size_t cap, const char *text, double size, double width) {
    double chars = floor(width / (0.59 * size));
    size_t n = chars < 4 ? 4 : (size_t)chars;
    return roma_report_ascii(buf, n + 1 < cap ? n + 1 : cap, text);
}

enum { KEY_SIZE = 12, NOTE_LINE = 15, KEY_TEXT = 20 };

double roma_report_legend_width(const roma_report_key *keys, size_t n) {
    double width = 60;
    for (size_t i = 0; i < n; i++) {
        width = fmax(width, roma_report_svg_width(keys[i].name, KEY_SIZE));
        width = fmax(width, roma_report_svg_width(keys[i].note, KEY_SIZE - 1));
    }
    return fmin(width, 260) + KEY_TEXT;
}

/* Bytes of the first line of a text that may have so many: up to a blank, or all that fit. */
static size_t line_of(const char *text, size_t most) {
    const size_t n = strlen(text);
    if (n <= most) return n;
    for (size_t i = most; i > 0; i--)
        if (text[i] == ' ') return i;
    return most;
}

/* A text in as many lines as it needs; y of the line below. */
static double put_lines(roma_buf *out, double x, double y, double size, double line, double width, const char *fill,
                        const char *text) {
    char all[128], part[128];
    const size_t most = (size_t)fmax(4, width / (0.59 * size));
    for (const char *at = roma_report_ascii(all, sizeof all, text); *at;) {
        const size_t n = line_of(at, most);
        roma_print(part, sizeof part, "%.*s", (int)n, at);
        roma_report_svg_text(out, x, y, size, AT_START, fill, part);
        y += line;
        at += n + strspn(at + n, " ");
    }
    return y;
}

double roma_report_legend(roma_buf *out, double x, double y, double width, const roma_report_key *keys, size_t n) {
    for (size_t i = 0; i < n; i++) {
        roma_buf_print(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" rx=\"2\" fill=\"%s\"/>\n", x, y,
                       keys[i].fill);
        y = put_lines(out, x + KEY_TEXT, y + 10.5, KEY_SIZE, NOTE_LINE, width - KEY_TEXT, INK, keys[i].name);
        y = put_lines(out, x + KEY_TEXT, y + 0.5, KEY_SIZE - 1, NOTE_LINE, width - KEY_TEXT, FAINT, keys[i].note) - 6;
    }
    return y;
}

double roma_report_cell_real(const roma_table *t, size_t row, size_t column) {
    const roma_cell *c = roma_table_cell(t, row, column);
    return c->kind == ROMA_CELL_REAL || c->kind == ROMA_CELL_BOOL ? c->real : (double)NAN;
}

const char *roma_report_cell_tip(char *buf, size_t cap, const roma_table *t, size_t row, size_t column) {
    const roma_cell *c = roma_table_cell(t, row, column);
    const roma_column *k = &t->columns[column];
    char value[NUMBER_CAP + 24] = "-";
    if (c->kind == ROMA_CELL_TEXT) roma_print(value, sizeof value, "%s", c->text);
    if (c->kind == ROMA_CELL_BOOL) roma_print(value, sizeof value, "%s", c->real != 0 ? "yes" : "no");
    if (c->kind == ROMA_CELL_REAL) roma_report_value(value, sizeof value, c->real, k->unit);
    roma_print(buf, cap, "%s: %s", k->name, value);
    return buf;
}
