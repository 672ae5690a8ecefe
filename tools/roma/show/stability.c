/* The windows of roma bench --stability as a plot of text, JSON and CSV, and the percentiles in them. */
#include "stability.h"
#include "roma/report.h"

#include <math.h>

void stability_count(stability_histogram *h, double seconds) {
    const double bin = seconds > 1e-6 ? log(seconds * 1e6) / 0.01 : 0;
    h->steps[bin < STABILITY_BINS - 1 ? (size_t)bin : STABILITY_BINS - 1]++;
}

double stability_p1(const stability_histogram *h, uint32_t batch) {
    uint64_t all = 0, slower = 0;
    for (size_t i = 0; i < STABILITY_BINS; i++) all += h->steps[i];
    for (size_t i = STABILITY_BINS; i-- > 0;) {
        slower += h->steps[i];
        if (h->steps[i] && 100 * slower >= all) return batch / (1e-6 * exp(0.01 * (double)(i + 1)));
    }
    return 0;
}

static double rate_of(const stability_window *w) { return roma_rate(w->tokens, w->seconds); }

static const stability_window *extreme(const stability *s, int sign) {
    const stability_window *w = s->window;
    for (size_t i = 1; i < s->n; i++)
        if (sign * rate_of(&s->window[i]) > sign * rate_of(w)) w = &s->window[i];
    return w;
}

/* Digits behind the point of a rate that is printed for people. */
static int decimals(double v) { return v < 100 ? 2 : v < 1000 ? 1 : 0; }

/* " 12 %", or as wide where nobody tells. */
static void put_share(roma_buf *out, double share) {
    if (isnan(share))
        roma_buf_print(out, "     -");
    else
        roma_buf_print(out, " %3.0f %%", 100 * share);
}

/* A line a window: its rate as a bar of at most WIDTH characters, and the machine beside it. */
static void put_window(const stability_window *w, double fastest, roma_buf *out) {
    enum { WIDTH = 26 };
    static const char bar[] = "##########################";
    const int full = fastest > 0 ? (int)(WIDTH * rate_of(w) / fastest + 0.5) : 0;
    const double rate = rate_of(w);
    roma_buf_print(out, "%6.0f %8.*f %8.*f  %-26.*s", w->start, decimals(rate), rate, decimals(w->p1_tok_s),
                   w->p1_tok_s, full, bar);
    put_share(out, w->steal);
    put_share(out, w->others);
    if (isnan(w->mhz))
        roma_buf_print(out, "      - %6u\n", w->preempted);
    else
        roma_buf_print(out, " %6.0f %6u\n", w->mhz, w->preempted);
}

void stability_text(const stability *s, roma_buf *out) {
    if (!s->n) {
        roma_buf_print(out, "interrupted before the first step ended\n");
        return;
    }
    const stability_window *fast = extreme(s, 1), *slow = extreme(s, -1);
    roma_buf_print(out, "%6s %8s %8s  %-26s %5s %5s %6s %6s\n", "s", "tok_s", "p1", "", "steal", "other", "MHz",
                   "taken");
    for (size_t i = 0; i < s->n; i++) put_window(&s->window[i], rate_of(fast), out);
    const double mean = roma_rate(s->tokens, s->seconds), low = rate_of(slow), high = rate_of(fast);
    roma_buf_print(out, "\ndecode, batch %u, %u threads, %.0f s%s: %.*f tokens/s, 1st percentile %.*f\n", s->batch,
                   s->threads, s->seconds, s->interrupted ? " (interrupted)" : "", decimals(mean), mean,
                   decimals(s->p1_tok_s), s->p1_tok_s);
    roma_buf_print(out, "windows of %.3g s: %.*f tokens/s (from %.0f s on) to %.*f (from %.0f s on)\n",
                   s->window_seconds, decimals(low), low, slow->start, decimals(high), high, fast->start);
    roma_buf_print(out, "  p1      99 of 100 steps had this rate or a higher one\n"
                        "  steal   of the CPUs' time: taken by the host; other: used by other processes\n"
                        "  taken   times that the system took a CPU from a thread of this process\n");
}

/* What JSON and CSV have of a window. */
static const char *const columns[] = {"start_s", "seconds", "tokens", "tok_s",    "p1_tok_s",
                                      "steal",   "others",  "mhz",    "preempted"};
enum { COLUMNS = sizeof columns / sizeof *columns };

static double column(const stability_window *w, size_t c) {
    const double v[COLUMNS] = {w->start, w->seconds, w->tokens, rate_of(w),  w->p1_tok_s,
                               w->steal, w->others,  w->mhz,    w->preempted};
    return v[c];
}

void stability_json(const stability *s, roma_json *j) {
    roma_json_open(j, "stability", '{');
    roma_json_real(j, "seconds", s->seconds);
    roma_json_uint(j, "wanted_seconds", s->wanted_seconds);
    roma_json_bool(j, "interrupted", s->interrupted);
    roma_json_real(j, "window_seconds", s->window_seconds);
    roma_json_uint(j, "batch", s->batch);
    roma_json_uint(j, "depth", s->depth);
    roma_json_uint(j, "threads", s->threads);
    roma_json_real(j, "tokens", s->tokens);
    roma_json_real(j, "tok_s", roma_rate(s->tokens, s->seconds));
    roma_json_real(j, "p1_tok_s", s->p1_tok_s);
    roma_json_real(j, "slowest_tok_s", s->n ? rate_of(extreme(s, -1)) : 0);
    roma_json_real(j, "fastest_tok_s", s->n ? rate_of(extreme(s, 1)) : 0);
    roma_json_open(j, "windows", '[');
    for (size_t i = 0; i < s->n; i++) {
        const stability_window *w = &s->window[i];
        roma_json_line(j);
        roma_json_open(j, NULL, '{');
        for (size_t c = 0; c < COLUMNS; c++) roma_json_real(j, columns[c], column(w, c));
        roma_json_close(j, '}');
    }
    roma_json_close(j, ']');
    roma_json_close(j, '}');
}

void stability_csv(const stability *s, roma_buf *out) {
    roma_table t = {0};
    for (size_t c = 0; c < COLUMNS; c++) roma_table_column(&t, columns[c], "", 6);
    for (size_t i = 0; i < s->n; i++) {
        roma_table_row(&t);
        for (size_t c = 0; c < COLUMNS; c++) {
            const double v = column(&s->window[i], c);
            if (!isnan(v)) roma_table_real(&t, c, v);
        }
    }
    roma_report_table_csv(&t, out);
    roma_table_destroy(&t);
}
