/* What roma bench --stability measured: the rate of one long decode in windows of time, and what the machine did
 * meanwhile. */
#ifndef TOOLS_STABILITY_H
#define TOOLS_STABILITY_H

#include "tool.h"

/* Steps by their time, which a bin tells to 1 %: the first bin ends at 1 us. */
enum { STABILITY_BINS = 2200 };
typedef struct {
    uint32_t steps[STABILITY_BINS];
} stability_histogram;

typedef struct {
    double start, seconds; /* of the whole, and in the window */
    double tokens;
    double p1_tok_s;      /* 99 of 100 steps had this rate or a higher one */
    double steal, others; /* parts of all CPUs' time: taken by the host; used by other processes. NAN: not told */
    double mhz;           /* mean of the CPUs at the window's end; NAN: not told */
    uint32_t preempted;   /* times that the system took a CPU from a thread of ours */
} stability_window;

typedef struct {
    uint32_t wanted_seconds, batch, depth, threads;
    double window_seconds;
    stability_window *window; /* `n` of them, the owner's of the struct */
    size_t n;
    double seconds, tokens, p1_tok_s;
    bool interrupted;
} stability;

/* The rate below which the slowest hundredth of the steps lies, each with `batch` tokens; 0 without steps. */
double stability_p1(const stability_histogram *h, uint32_t batch);
void stability_count(stability_histogram *h, double seconds); /* one step */

void stability_text(const stability *s, roma_buf *out);
void stability_json(const stability *s, roma_json *j);
void stability_csv(const stability *s, roma_buf *out);

#endif
