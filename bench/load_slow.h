/* F22: readers that never read, and what they take from others.
 *
 * Two servers alike are there, and one after the other gets the readers. While these are at rest both servers get the
 * same requests by turns, a second or so each, first the one and then the other; a pair of turns is compared. So what
 * else the machine does falls on both alike, as it lasts longer than a turn or is over within one, and what is left is
 * told by the quartiles over all pairs. */
#ifndef ROMA_BENCH_LOAD_SLOW_H
#define ROMA_BENCH_LOAD_SLOW_H

#include "load.h"

/* ---- the two servers ---- */

enum { PAIRS_MOST = 4096 };
static struct {
    uint16_t port;
    long pid;
} servers[2];
static void ask_server(size_t i) {
    port = servers[i].port;
    pid = servers[i].pid;
}

/* Seconds of the clock and of the server's CPU. */
typedef struct {
    double clock, cpu;
} cost;

/* What `work` requests cost, the same ones each time, n of them at once on talks at x. */
static cost turn_of(talk *x, size_t n, size_t work) {
    const double began = roma_now(), used = cpu();
    for (size_t given = 0, over = 0; over < work;) {
        for (size_t i = 0; i < n; i++) {
            const bool is_over = x[i].state == TALK_OVER || x[i].state == TALK_BROKEN;
            if (is_over && x[i].j) {
                count_stream(&x[i]);
                over++;
                x[i].j = NULL;
            }
            if (x[i].state == TALK_BROKEN) talk_end(&x[i]);
            if (given < work && (x[i].state == TALK_FREE || x[i].state == TALK_OVER))
                talk_job(&x[i], port, &jobs[roma_random(7, given++) % n_jobs]);
        }
        if (over < work) talk_all(x, n, 20);
    }
    return (cost){roma_now() - began, cpu() - used};
}

/* ---- the readers ---- */

static void let_go(talk *x, size_t n) {
    for (size_t i = 0; i < n; i++) talk_end(&x[i]);
}

/* Begins n answers that nobody reads, and waits until all are held; the moment when they were. */
static double readers_at_rest(talk *x, size_t n, double seconds) {
    char body[1024];
    for (size_t i = 0; i < n; i++) {
        const size_t len = endless(body, "model", i, talkative);
        x[i].deaf = true;
        talk_begin(&x[i], port, "POST", "/v1/chat/completions", body, len);
    }
    for (double end = roma_now() + seconds; metric("held") < (double)n && roma_now() < end;) {
        const double pause = roma_now() + 0.1;
        while (roma_now() < pause) talk_all(x, n, 20);
    }
    return roma_now();
}

/* ---- the figure ---- */

static struct {
    double clock[PAIRS_MOST], cpu[PAIRS_MOST]; /* shares of what others get without such readers */
    size_t pairs, closed, of;
    double held_least, each_most, least, last; /* seconds: since the request, since all were at rest */
    bool is_idle;
} slow;

/* Turns by turns until the first reader may be closed, or `pairs` of them. */
static void compare(size_t subject, talk *x, size_t n, double until) {
    double longest = 0;
    for (size_t p = 0; p < (size_t)option("pairs") && roma_now() + 1.5 * longest < until && slow.pairs < PAIRS_MOST;
         p++) {
        const double began = roma_now();
        cost c[2];
        for (size_t k = 0; k < 2; k++) {
            const size_t who = subject ^ ((p + k + subject) % 2);
            ask_server(who);
            c[who == subject] = turn_of(x + who * n, n, (size_t)option("work"));
        }
        slow.clock[slow.pairs] = c[0].clock / c[1].clock;
        slow.cpu[slow.pairs++] = c[0].cpu / c[1].cpu;
        if (roma_now() - began > longest) longest = roma_now() - began;
    }
    ask_server(subject);
}

/* Waits until the server has closed them all. */
static void wait_for_closing(talk *x, size_t n, double asked, double rest) {
    const double stall = option("stall");
    size_t closed = 0;
    while (closed < n && roma_now() < rest + stall + 10) {
        talk_all(x, n, 50);
        closed = 0;
        for (size_t i = 0; i < n; i++) closed += x[i].state == TALK_BROKEN;
    }
    for (size_t i = 0; i < n; i++) {
        if (x[i].state != TALK_BROKEN) continue;
        if (x[i].ended - asked < slow.least) slow.least = x[i].ended - asked;
        if (x[i].ended - rest > slow.last) slow.last = x[i].ended - rest;
    }
    slow.closed += closed;
    slow.of += n;
}

static void slow_round(size_t subject, talk *x, size_t n, talk *readers, size_t n_readers, bool waits) {
    let_go(x, 2 * n); /* a connection that nothing is asked on is closed after a minute */
    ask_server(subject);
    slow.is_idle = is_idle(10) && slow.is_idle;
    const double size = resident(), asked = roma_now(), stall = waits ? option("stall") : 1e9,
                 rest = readers_at_rest(readers, n_readers, 25), held = metric("held"),
                 each = (resident() - size) / (double)n_readers;
    if (held < slow.held_least) slow.held_least = held;
    if (each > slow.each_most) slow.each_most = each;
    compare(subject, x, n, asked + stall - 1);
    if (metric("held") < slow.held_least) slow.held_least = metric("held");
    if (waits) wait_for_closing(readers, n_readers, asked, rest);
    let_go(readers, n_readers);
    slow.is_idle = is_idle(10) && slow.is_idle;
}

static void f22(void) {
    const size_t n = (size_t)option("streams") / 8 > 4 ? (size_t)option("streams") / 8 : 4,
                 n_readers = (size_t)option("slow"), rounds = (size_t)option("rounds");
    const bool waits = option("stall") >= 30;                /* as long as the server does */
    const double least = option("strict") != 0 ? 0.95 : 0.5; /* few turns, on a machine that others use */
    const uint16_t port_before = port;
    const long pid_before = pid;
    servers[0].port = (uint16_t)option("port1"), servers[0].pid = (long)option("pid1");
    servers[1].port = (uint16_t)option("port2"), servers[1].pid = (long)option("pid2");
    memset(&streams, 0, sizeof streams);
    slow.held_least = slow.least = 1e9;
    slow.is_idle = true;
    for (size_t k = 0; k < 4; k++) { /* each has seen all of this, and its readers, once */
        ask_server(k % 2);
        (void)turn_of(t + k % 2 * n, n, (size_t)option("work"));
    }
    for (size_t r = 0; r < rounds; r++) slow_round(r % 2, t, n, t + 2 * n, n_readers, waits);
    let_go(t, 2 * n);
    port = port_before, pid = pid_before;
    const size_t pairs = slow.pairs;
    const double share = part(slow.clock, pairs, 0.5), work = part(slow.cpu, pairs, 0.5);
    say("F22",
        pairs && slow.each_most <= 48 * 1024 && share >= least && work >= least &&
            slow.held_least >= (double)n_readers && slow.is_idle && !streams.wrong && !streams.broken &&
            !streams.refused,
        "%zu readers that never read, %zu times: at most %.1f KiB each (48 at most), %.0f held while others were "
        "asked; "
        "these get %.1f %% (95 at least) of the tokens a second that they get of a server without, quartiles %.1f and "
        "%.1f, n=%zu pairs of turns; for a second of the server's CPU %.1f %%, quartiles %.1f and %.1f; %llu answers "
        "right, %llu wrong",
        n_readers, rounds, slow.each_most / 1024, slow.held_least, 100 * share, 100 * part(slow.clock, pairs, 0.25),
        100 * part(slow.clock, pairs, 0.75), pairs, 100 * work, 100 * part(slow.cpu, pairs, 0.25),
        100 * part(slow.cpu, pairs, 0.75), (unsigned long long)streams.right, (unsigned long long)streams.wrong);
    if (waits)
        say("F22", slow.closed == slow.of && slow.least >= option("stall") && slow.last <= option("stall") + 2,
            "%zu of %zu readers closed, the first %.1f s after its request, the last %.1f s after all were at rest "
            "(%.0f without progress)",
            slow.closed, slow.of, slow.least, slow.last, option("stall"));
}

#endif
