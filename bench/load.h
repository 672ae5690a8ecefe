/* What the figures of bench/serve_load.c share: what is asked, the server seen from outside, streams that are compared.
 */
#ifndef ROMA_BENCH_LOAD_H
#define ROMA_BENCH_LOAD_H

#include "talk.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

/* ---- what is asked ---------------------------------------------------------------------------------- */

enum { JOBS_MOST = 4096, TALKS = 1600 };
static uint16_t port;
static long pid;
static const char *ends;                      /* logit_bias that keeps the model from ending an answer */
static job jobs[JOBS_MOST], swaps[JOBS_MOST]; /* of models that are there, and of adapters that come and go */
static size_t n_jobs, n_swaps;
static talk t[TALKS];
static bool all_hold = true;

static struct {
    const char *name;
    double v;
} options[] = {{"streams", 64}, {"seconds", 60},       {"swaps", 500},    {"aborts", 200},    {"slow", 100},
               {"rounds", 4},   {"pairs", 48},         {"work", 32},      {"mutants", 10000}, {"damages", 200},
               {"soak", 180},   {"connections", 1024}, {"stall", 30},     {"flood", 5},       {"parallel", 16},
               {"strict", 1},   {"port1", 0},          {"pid1", 0},       {"port2", 0},       {"pid2", 0},
               {"cache", 0},    {"adapters", 0},       {"activations", 0}};
static double option(const char *name) {
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (strcmp(options[i].name, name) == 0) return options[i].v;
    abort();
}

/* What is timed is judged by its percentile that a figure names; not strictly, on machines that others use, by its
 * median. */
static double judged(double p50, double named) { return option("strict") != 0 ? named : p50; }

static void say(const char *figure, bool holds, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void say(const char *figure, bool holds, const char *fmt, ...) {
    va_list a;
    va_start(a, fmt);
    printf("%-4s %s  ", figure, holds ? "holds" : "FAILS");
    vprintf(fmt, a);
    printf("\n");
    fflush(stdout);
    va_end(a);
    all_hold = all_hold && holds;
}

static char *field(char **p) {
    char *s = *p, *end = s + strcspn(s, "\t\n");
    *p = *end ? end + 1 : end;
    *end = 0;
    return s;
}

/* A JSON text's own text, in memory that stays. */
static const char *plain(const char *json) {
    static const roma_json_source from = {0};
    roma_json_reader r;
    char *out = NULL;
    if (!roma_json_read_begin(&r, json, strlen(json), &from, NULL) && !roma_json_read_next(&r, NULL))
        out = strndup(r.text, r.len);
    roma_json_read_end(&r);
    if (!out) abort();
    return out;
}

static void read_jobs(const char *path) {
    uint8_t *data;
    uint64_t size;
    roma_error err;
    if (roma_file_read(path, 1 << 28, &data, &size, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(2);
    }
    char *text = strndup((char *)data, size), *p = text;
    while (*p) {
        char *model = field(&p), *body = field(&p), *answer = field(&p), *ids = field(&p);
        bool comes_and_goes = strncmp(model, "swap", 4) == 0;
        job *j = comes_and_goes ? &swaps[n_swaps++] : &jobs[n_jobs++];
        *j = (job){model, body, plain(answer), ids};
        if (n_jobs == JOBS_MOST || n_swaps == JOBS_MOST) exit(2);
    }
    roma_free(data);
}

/* ---- the server from outside -------------------------------------------------------------------------- */

static double metric(const char *name) {
    static talk m = {.fd = -1};
    char line[128];
    if (!talk_once(&m, port, "GET", "/metrics", NULL) || m.status != 200) return NAN;
    talk_bytes(&m.body, "", 1);
    snprintf(line, sizeof line, "\nroma_%s ", name);
    const char *p = strstr((char *)m.body.data, line);
    return p ? strtod(p + strlen(line), NULL) : NAN;
}

/* Waits until nothing is under way; false: not within so many seconds. */
static bool is_idle(double seconds) {
    for (double end = roma_now() + seconds; roma_now() < end; usleep(2000))
        if (metric("slots_used") == 0) return true;
    return false;
}

/* Seconds of CPU that the server has used. */
static double cpu(void) {
    clockid_t of;
    struct timespec used;
    if (clock_getcpuclockid((pid_t)pid, &of) || clock_gettime(of, &used)) return NAN;
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

static double resident(void) {
    char path[64];
    double pages = 0, all;
    snprintf(path, sizeof path, "/proc/%ld/statm", pid);
    FILE *f = fopen(path, "r");
    if (!f || fscanf(f, "%lf %lf", &all, &pages) != 2) pages = NAN;
    if (f) fclose(f);
    return pages * (double)sysconf(_SC_PAGESIZE);
}

static unsigned entries(const char *of) {
    char path[64];
    unsigned n = 0;
    snprintf(path, sizeof path, "/proc/%ld/%s", pid, of);
    DIR *d = opendir(path);
    while (d && readdir(d)) n++;
    if (d) closedir(d);
    return n;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
/* The value below which that share of n values lies; sorts them. */
static double part(double *v, size_t n, double share) {
    qsort(v, n, sizeof *v, by_size);
    return n ? v[(size_t)((double)(n - 1) * share)] : NAN;
}

/* A request that goes on for as long as the context takes, about something else for each i: %s are a model's name and
 * more members. */
static size_t endless(char body[1024], const char *model, size_t i, const char *more) {
    return (size_t)snprintf(
        body, 1024,
        "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"%zu. Tell me everything.\"}],"
        "\"stream\":true,\"logit_bias\":%s%s}",
        model, i, ends, more);
}
/* Each step's likeliest tokens: more bytes than any system holds. */
static const char talkative[] = ",\"max_tokens\":400,\"logprobs\":true,\"top_logprobs\":20,\"return_token_ids\":true";

/* ---- streams --------------------------------------------------------------------------------------------- */

static struct {
    uint64_t right, wrong, broken, tokens, refused;
    double first_most;
} streams;
static uint64_t drawn;

static bool is_right(const talk *x) {
    return x->status == 200 && x->finished && !x->failed && x->text.len == strlen(x->j->text) &&
           (!x->text.len || memcmp(x->text.data, x->j->text, x->text.len) == 0) && x->ids.len == strlen(x->j->ids) &&
           (!x->ids.len || memcmp(x->ids.data, x->j->ids, x->ids.len) == 0);
}

static void count_stream(const talk *x) {
    streams.tokens += x->tokens;
    if (x->state == TALK_BROKEN)
        streams.broken++;
    else if (x->status == 429 || x->status == 503)
        streams.refused++;
    else if (is_right(x))
        streams.right++;
    else {
        if (!streams.wrong++)
            fprintf(stderr, "first wrong answer, of %s: %d %.*s\n", x->j->body, x->status, (int)x->text.len,
                    x->text.data);
    }
    if (x->first - x->began > streams.first_most) streams.first_most = x->first - x->began;
}

/* Gives what has ended among the first n talks a new request while `on`; true: some are still under way. */
static bool stream(size_t n, bool on) {
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (t[i].state == TALK_OVER || t[i].state == TALK_BROKEN) {
            count_stream(&t[i]);
            if (!on || t[i].state == TALK_BROKEN) talk_end(&t[i]);
        }
        if (on && (t[i].state == TALK_FREE || t[i].state == TALK_OVER))
            talk_job(&t[i], port, &jobs[roma_random(3, drawn++) % n_jobs]);
        any = any || t[i].state != TALK_FREE;
    }
    return any;
}

/* Lets the first n talks stream for so many seconds, and the others be. */
static void stream_for(size_t n, size_t all, double seconds) {
    for (double end = roma_now() + seconds; roma_now() < end;) {
        stream(n, true);
        talk_all(t, all, 20);
    }
}
static void drain(size_t n) {
    for (double end = roma_now() + 30; stream(n, false) && roma_now() < end;) talk_all(t, n, 20);
}

#endif
