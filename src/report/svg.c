/* Page, texts and legend. The ground is white under dark ink, so that a dark viewer shows it too. */
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
    roma_buf_print(out, "\n<rect width=\"%.0f\" height=\"%.0f\" fill=\"#ffffff\"/>\n<g font-weight=\"600\">", width,
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

enum { KEY_SIZE = 12, KEY_LINE = 20, NOTE_LINE = 15, KEY_TEXT = 20 };

double roma_report_legend_width(const roma_report_key *keys, size_t n) {
    double width = 60;
    for (size_t i = 0; i < n; i++) {
        width = fmax(width, roma_report_svg_width(keys[i].name, KEY_SIZE));
        width = fmax(width, roma_report_svg_width(keys[i].note, KEY_SIZE - 1));
    }
    return fmin(width, 260) + KEY_TEXT;
}

double roma_report_legend(roma_buf *out, double x, double y, double width, const roma_report_key *keys, size_t n) {
    char cut[128];
    for (size_t i = 0; i < n; i++) {
        roma_buf_print(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" rx=\"2\" fill=\"%s\"/>\n", x, y,
                       keys[i].fill);
        roma_report_svg_text(out, x + KEY_TEXT, y + 10.5, KEY_SIZE, AT_START, INK,
                             roma_report_svg_fit(cut, sizeof cut, keys[i].name, KEY_SIZE, width - KEY_TEXT));
        y += KEY_LINE;
        if (!keys[i].note[0]) continue;
        roma_report_svg_text(out, x + KEY_TEXT, y + 6, KEY_SIZE - 1, AT_START, FAINT,
                             roma_report_svg_fit(cut, sizeof cut, keys[i].note, KEY_SIZE - 1, width - KEY_TEXT));
        y += NOTE_LINE;
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
