/* roma bench --stability: one decode for minutes, cut into windows of time. A run of -n tokens begins anew at -d
 * whenever it is over, so that every window does the same work.
 *
 * Beside the rate stands what the machine did: /proc/stat tells the time that a host took from its virtual machine and
 * the time that all processes used, of which our own is taken off; /proc/cpuinfo the clock, where there is one. */
#include "bench_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const double WINDOW = 10; /* seconds; a tenth of a run that is shorter than ten of these */

/* ---- the machine, at one moment ---- */

typedef struct {
    double all, busy, steal; /* seconds of all CPUs since they started; all < 0: not told */
    double own;              /* CPU seconds of this process */
    long preempted;
} moment;

static double seconds_of(struct timeval t) { return (double)t.tv_sec + 1e-6 * (double)t.tv_usec; }

static void look(moment *m) {
    unsigned long long v[8] = {0};
    struct rusage r;
    char line[256];
    const double tick = (double)sysconf(_SC_CLK_TCK);
    *m = (moment){.all = -1};
    FILE *f = fopen("/proc/stat", "r");
    if (f && fgets(line, sizeof line, f) && strncmp(line, "cpu ", 4) == 0) {
        char *p = line + 4;
        for (int i = 0; i < 8; i++) v[i] = strtoull(p, &p, 10); /* user nice system idle iowait irq softirq steal */
        m->busy = (double)(v[0] + v[1] + v[2] + v[5] + v[6]) / tick;
        m->steal = (double)v[7] / tick;
        m->all = m->busy + m->steal + (double)(v[3] + v[4]) / tick;
    }
    if (f) fclose(f);
    if (getrusage(RUSAGE_SELF, &r) != 0) return;
    m->own = seconds_of(r.ru_utime) + seconds_of(r.ru_stime);
    m->preempted = r.ru_nivcsw;
}

/* Mean clock of the CPUs, NAN where nobody tells. */
static double clock_mhz(void) {
    char line[256];
    double sum = 0;
    unsigned n = 0;
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f)) {
        const char *text = strncmp(line, "cpu MHz", 7) == 0 ? strchr(line, ':') : NULL;
        double v;
        if (!text) continue;
        text += 1 + strspn(text + 1, " ");
        if (!roma_real_read(text, strcspn(text, "\n"), &v)) continue;
        sum += v;
        n++;
    }
    if (f) fclose(f);
    return n ? sum / n : (double)NAN;
}

static void describe(stability_window *w, const moment *from, const moment *to) {
    const double all = to->all - from->all, others = to->busy - from->busy - (to->own - from->own);
    const bool is_told = from->all >= 0 && to->all >= 0 && all > 0;
    w->steal = is_told ? (to->steal - from->steal) / all : (double)NAN;
    w->others = is_told ? (others > 0 ? others / all : 0) : (double)NAN;
    w->mhz = clock_mhz();
    w->preempted = (uint32_t)(to->preempted - from->preempted);
}

/* ---- the run ---- */

typedef struct {
    bench *b;
    stability *s;
    stability_histogram all, now; /* of the run, of the window */
    moment began;                 /* the window */
    size_t most;                  /* windows that there is room for */
    uint32_t at;                  /* tokens since the depth */
} state;

static int step(state *st, roma_error *err) {
    bench *b = st->b;
    stability *s = st->s;
    roma_exec *e = roma_answer_engine(b->s.a);
    roma_exec_row rows[ROMA_EXEC_ROWS_MAX];
    if (st->at == b->decode) {
        for (uint32_t i = 0; i < s->batch; i++) roma_exec_truncate(e, i, s->depth);
        st->at = 0;
    }
    for (uint32_t i = 0; i < s->batch; i++) rows[i] = bench_row_of(b, i, s->batch, s->depth + st->at);
    st->at++;
    return roma_exec_step(e, rows, s->batch, err);
}

static void end_window(state *st) {
    stability *s = st->s;
    stability_window *w = &s->window[s->n++];
    moment now;
    look(&now);
    describe(w, &st->began, &now);
    w->p1_tok_s = stability_p1(&st->now, s->batch);
    st->began = now;
    memset(&st->now, 0, sizeof st->now);
}

/* A window ends with the step that reaches its length. The last one takes what is left of the time. */
static int run(state *st, roma_error *err) {
    stability *s = st->s;
    double began = roma_now(), last = began;
    look(&st->began);
    stability_window *w = NULL;
    while (!interrupted && last - began < s->wanted_seconds) {
        if (!w) {
            w = &s->window[s->n];
            *w = (stability_window){.start = last - began};
        }
        const int rc = step(st, err);
        if (rc) return rc;
        const double now = roma_now();
        stability_count(&st->all, now - last);
        stability_count(&st->now, now - last);
        w->tokens += s->batch;
        w->seconds = now - began - w->start;
        s->tokens += s->batch;
        last = now;
        if (w->seconds >= s->window_seconds && s->n + 1 < st->most) {
            end_window(st);
            w = NULL;
        }
        if (progress.fn)
            progress.fn(progress.ctx, "stability", (uint64_t)(1e3 * (now - began)), 1000 * (uint64_t)s->wanted_seconds);
    }
    progress_end();
    if (w) end_window(st);
    s->seconds = last - began;
    s->p1_tok_s = stability_p1(&st->all, s->batch);
    s->interrupted = interrupted;
    return ROMA_OK;
}

static void asked_to_stop(void) {}

int bench_stability(bench *b, roma_error *err) {
    stability *s = &b->stability;
    state *st = roma_alloc_array(1, sizeof *st);
    s->batch = b->batches.v[0];
    s->depth = b->depths.v[0];
    s->threads = (uint32_t)roma_exec_threads(roma_answer_engine(b->s.a));
    s->window_seconds = s->wanted_seconds >= 10 * WINDOW ? WINDOW : s->wanted_seconds / 10.0;
    const size_t most = (size_t)(s->wanted_seconds / s->window_seconds) + 2;
    s->window = roma_alloc_array(most, sizeof *s->window);
    int rc = st && s->window ? ROMA_OK : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the windows");
    if (!rc) {
        *st = (state){.b = b, .s = s, .most = most};
        rc = bench_fill(b, s->batch, s->depth, err);
    }
    interrupt_tell(asked_to_stop); /* what there is by then is shown */
    if (!rc) rc = run(st, err);
    interrupt_tell(NULL);
    roma_free(st);
    return rc;
}
