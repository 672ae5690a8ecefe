/* Inside report: numbers, escapes and the drawing board that several writers share. */
#ifndef ROMA_REPORT_INTERNAL_H
#define ROMA_REPORT_INTERNAL_H

#include "roma/report.h"

enum { NUMBER_CAP = 40, TEXT_COLUMNS = 80 };

/* ---- numbers (number.c) ---- */

/* Does a unit read well with an SI prefix before it? "B/s" does; "mm2", "share" and "cycle" do not. */
bool roma_report_takes_prefix(const char *unit);
/* Exponent of the unit's prefix (a multiple of 3, within -18..18) that leaves 1..999 of v at three digits; its letters;
 * and v without it. Of bytes, "B", the prefixes are Ki, Mi, Gi and so on, 0 to 18 standing for 1024^0 to 1024^6; of all
 * other units those of powers of ten, exactly rounded where 10^|exponent| is exact. */
int roma_report_prefix(double v, const char *unit);
const char *roma_report_prefix_text(int exponent, const char *unit);
double roma_report_unscale(double v, int exponent, const char *unit);
/* Fixed notation with `digits` significant digits; whole numbers below 1e15 keep all of theirs when `whole`; exponents
 * outside 1e-5..1e15. Not finite: "-". */
const char *roma_report_number(char *buf, double v, int digits, bool whole);
/* Value with unit: with an SI prefix where the unit takes one. */
const char *roma_report_value(char *buf, size_t cap, double v, const char *unit);
/* Shortest text that reads back as v, for digits 0; else %.10g. */
const char *roma_report_exact(char *buf, double v, int digits);

/* ---- escapes (escape.c) ---- */

/* Ends a line of text that began at byte `line` of out, without its last blanks, which help nobody. */
void roma_report_end_line(roma_buf *out, size_t line);
void roma_report_xml_text(roma_buf *out, const char *s);
/* Plain ASCII, without controls, of at most cap - 1 characters; "..." at the end of what was cut. */
const char *roma_report_ascii(char *buf, size_t cap, const char *s);
void roma_report_csv_text(roma_buf *out, const char *s, bool always); /* quoted where it must be, or always */
/* Would the reader take these characters, unquoted, for a number, a bool or nothing? */
bool roma_report_csv_is_plain(const char *s);

#endif
