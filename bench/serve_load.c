/* The figures of a server under load: streams that equal their offline runs, control routes, overload, readers that do
 * not read, clients that leave, adapters that come and go, bodies that are broken, and hours in a row. bench/serve-load
 * starts `roma serve` and this program, and says what is measured; a line is printed for each figure, with its number
 * of trials; exit code 1 when one does not hold.
 *
 * usage: build/bench/serve-load PORT PID JOBS ENDS NAME=NUMBER... FIGURE...
 * JOBS: a line a request: model, body, text of the answer as JSON, ids; between tabs. ENDS: a logit_bias that keeps the
 * model from ending its answers. */
#include "load.h"
#include "load_broken.h"
#include "load_slow.h"

enum { STEP_MOST = 16 }; /* tokens of an answer that a step may give: 15 proposals hold */

/* ---- figures --------------------------------------------------------------------------------------------- */

/* F19, F20: streams, and health asked every 10 ms beside. */
static void f19(void) {
    enum { MOST = 100000 };
    static double took[MOST];
    size_t n = (size_t)option("streams"), asked = 0, bad = 0;
    double next = 0, begin = roma_now();
    memset(&streams, 0, sizeof streams);
    talk *probe = &t[n];
    while (roma_now() < begin + option("seconds")) {
        stream(n, true);
        if (probe->state == TALK_OVER || probe->state == TALK_BROKEN) {
            talk_bytes(&probe->body, "", 1);
            bad += probe->status != 200 || !strstr((char *)probe->body.data, "\"decode\"");
            if (asked < MOST) took[asked++] = probe->ended - probe->began;
            if (probe->state == TALK_BROKEN) talk_end(probe);
            probe->state = probe->state == TALK_OVER ? TALK_OVER : TALK_FREE;
            next = roma_now() + 0.01;
            talk_end(probe);
        }
        if (probe->state == TALK_FREE && roma_now() >= next) talk_begin(probe, port, "GET", "/health", NULL, 0);
        talk_all(t, n + 1, 5);
    }
    drain(n);
    talk_end(probe);
    double seconds = roma_now() - begin;
    say("F19", !streams.wrong && !streams.broken && !streams.refused && streams.right >= n,
        "%zu streams at once for %.0f s: %llu answers equal their offline runs, text and ids, %llu differ, %llu broke, "
        "%llu refused; %.0f tokens/s",
        n, seconds, (unsigned long long)streams.right, (unsigned long long)streams.wrong,
        (unsigned long long)streams.broken, (unsigned long long)streams.refused, (double)streams.tokens / seconds);
    double p99 = part(took, asked, 0.99), p50 = part(took, asked, 0.5);
    say("F20", judged(p50, p99) <= 0.05 && !bad && asked > 10,
        "health under that load, n=%zu: p50 %.1f ms, p99 %.1f ms (50 at most), %zu without the decode heartbeat", asked,
        p50 * 1e3, p99 * 1e3, bad);
}

/* F21: more connections than are taken, and more requests than wait. */
static void f21(void) {
    enum { MOST = 100000 };
    static double took[MOST];
    size_t n = (size_t)option("streams") / 4, idle = (size_t)option("connections") - n, told = 0, silent = 0,
           without = 0, others = 0;
    memset(&streams, 0, sizeof streams);
    stream_for(n, n, 1);
    for (size_t i = n; i < n + idle; i++) {
        t[i].fd = talk_dial(port, 0);
        t[i].state = TALK_FREE;
    }
    talk *x = &t[TALKS - 1];
    for (double end = roma_now() + option("flood") / 2; roma_now() < end && told < MOST;) { /* connections beyond */
        stream(n, true);
        talk_all(t, n, 0);
        talk_end(x);
        if (!talk_begin(x, port, "GET", "/health", NULL, 0)) continue;
        while (x->state < TALK_OVER && roma_now() < x->began + 1) talk_all(x, 1, 20);
        if (x->status == 0)
            silent++;
        else if (x->status != 503) {
            if (!others++) fprintf(stderr, "connection beyond: %d\n", x->status);
        } else {
            without += !x->retry;
            took[told++] = x->first - x->began;
        }
    }
    for (size_t i = n; i < n + idle; i++) talk_end(&t[i]);
    size_t connections = told;
    usleep(1200000);
    for (double end = roma_now() + option("flood");
         roma_now() < end;) { /* requests beyond: 400 that are always asked anew */
        stream(n, true);
        for (size_t i = n; i < n + 400; i++) {
            if (t[i].state == TALK_OVER && told < MOST) {
                if (t[i].status == 429 || t[i].status == 503) {
                    without += !t[i].retry;
                    took[told++] = t[i].first - t[i].began;
                } else if (t[i].status == 200 && is_right(&t[i])) {
                    streams.right++;
                } else {
                    if (!others++)
                        fprintf(stderr, "first other answer: %d %.*s of %s\n", t[i].status, (int)t[i].body.len,
                                t[i].body.data, t[i].j->body);
                }
            }
            silent += t[i].state == TALK_BROKEN;
            if (t[i].state >= TALK_OVER || t[i].state == TALK_FREE) {
                talk_end(&t[i]);
                talk_job(&t[i], port, &jobs[roma_random(5, drawn++) % n_jobs]);
            }
        }
        talk_all(t, n + 400, 5);
    }
    for (size_t i = n; i < n + 400; i++) talk_end(&t[i]);
    drain(n);
    double p50 = part(took, told, 0.5), p99 = part(took, told, 0.99), most = part(took, told, 1);
    say("F21",
        judged(p50, most) <= 0.1 && !without && !silent && !others && told > connections && connections > 100 &&
            !streams.wrong && !streams.broken,
        "overload: %zu connections beyond %.0f told 503, %zu requests told 429: p50 %.1f ms, p99 %.1f ms, at most "
        "%.1f ms (100 at most), %zu without Retry-After, %zu unanswered, %zu otherwise; of those that "
        "were let in %llu right, %llu wrong, %llu broken",
        connections, option("connections"), told - connections, p50 * 1e3, p99 * 1e3, most * 1e3, without, silent,
        others, (unsigned long long)streams.right, (unsigned long long)streams.wrong,
        (unsigned long long)streams.broken);
}

/* F23: clients that leave at any moment: how soon their place is free, and what was computed for nobody. */
static void f23(void) {
    enum { MOST = 100000 };
    static double took[MOST], late[MOST];
    const size_t n = (size_t)option("aborts");
    size_t never = 0, answering = 0;
    char body[1024];
    const bool idle = is_idle(10);
    talk_end(&t[0]);
    talk_begin(&t[0], port, "POST", "/v1/chat/completions", body, endless(body, "model", n, talkative));
    while (!t[0].texts && t[0].state < TALK_OVER) talk_all(t, 1, 100);
    const double longest = 2 * (t[0].first_text - t[0].began); /* half leave before their first text, about */
    talk_end(&t[0]);
    (void)is_idle(10);
    for (size_t i = 0; i < n && i < MOST; i++) {
        const double stay = longest * (double)(roma_random(11, i) % 1000) / 1000,
                     before = metric("answer_tokens_total");
        talk_end(&t[0]);
        talk_begin(&t[0], port, "POST", "/v1/chat/completions", body, endless(body, "model", i, talkative));
        while (roma_now() < t[0].began + stay) talk_all(t, 1, 1);
        const unsigned came = t[0].tokens;
        talk_end(&t[0]);
        const double left = roma_now();
        never += !is_idle(5);
        took[i] = roma_now() - left;
        if (came) late[answering++] = metric("answer_tokens_total") - before - came;
    }
    double p50 = part(took, n, 0.5), most = part(took, n, 1), late50 = answering ? part(late, answering, 0.5) : 0;
    memset(&streams, 0, sizeof streams);
    stream(8, true);
    drain(8);
    say("F23",
        idle && !never && judged(p50, most) <= 0.2 && (option("strict") == 0 || (answering && late50 <= STEP_MOST)) &&
            streams.right == 8 && metric("slots_used") == 0,
        "%zu clients left at random moments: place free after p50 %.1f ms, at most %.1f ms (200 at most; a look takes "
        "2), %zu never; %zu of them amidst their answer, of which p50 %.0f and at most %.0f tokens were not read "
        "(a step gives up to %d); %.0f slots lost; afterwards %llu of 8 streams right",
        n, p50 * 1e3, most * 1e3, never, answering, late50, answering ? part(late, answering, 1) : 0, (int)STEP_MOST,
        metric("slots_used"), (unsigned long long)streams.right);
}

/* F24: adapters that come, answer and go, under streams. */
static void f24(void) {
    size_t n = (size_t)option("streams") / 4, done = 0, bad = 0, wrong = 0, phase = 0;
    double begin = roma_now();
    char text[128];
    talk *x = &t[n];
    memset(&streams, 0, sizeof streams);
    talk_end(x);
    while (done < (size_t)option("swaps") && bad < 10 && n_swaps) {
        const job *j = &swaps[done % n_swaps];
        stream(n, true);
        if (x->state == TALK_OVER || x->state == TALK_BROKEN) {
            bool busy =
                phase == 2 && x->status == 409; /* its request has ended for the client, and not yet for the driver */
            if (x->status != 200 && !busy) bad++;
            if (phase == 1 && !is_right(x)) wrong++;
            done += phase == 2 && !busy;
            if (!busy) phase = (phase + 1) % 3;
            if (x->state == TALK_BROKEN)
                talk_end(x);
            else if (x->closes)
                talk_end(x);
        }
        if ((x->state == TALK_FREE || x->state == TALK_OVER) && done < (size_t)option("swaps")) {
            j = &swaps[done % n_swaps];
            snprintf(text, sizeof text, phase ? "/v1/adapters/%s" : "{\"id\":\"%s\"}", j->model);
            if (phase == 0)
                talk_begin(x, port, "POST", "/v1/adapters", text, strlen(text));
            else if (phase == 1)
                talk_job(x, port, j);
            else
                talk_begin(x, port, "DELETE", text, NULL, 0);
        }
        talk_all(t, n + 1, 5);
    }
    talk_end(x);
    drain(n);
    double seconds = roma_now() - begin;
    say("F24", done >= (size_t)option("swaps") && !bad && !wrong && !streams.wrong && !streams.broken,
        "%zu swaps of adapters under %zu streams in %.0f s: %zu refused, %zu wrong answers of them, of the streams "
        "%llu right, %llu wrong, %llu broken",
        done, n, seconds, bad, wrong, (unsigned long long)streams.right, (unsigned long long)streams.wrong,
        (unsigned long long)streams.broken);
}

/* Puts an adapter of swaps[] in, or takes it out; false: that was refused. */
static bool swap(const char *model, bool in) {
    talk x = {.fd = -1};
    char text[128];
    snprintf(text, sizeof text, in ? "{\"id\":\"%s\"}" : "/v1/adapters/%s", model);
    bool done = in ? talk_once(&x, port, "POST", "/v1/adapters", text) : talk_once(&x, port, "DELETE", text, NULL);
    done = done && x.status == 200;
    if (!done) fprintf(stderr, "%s: %d %.*s\n", text, x.status, (int)x.body.len, (char *)x.body.data);
    talk_end(&x);
    return done;
}

/* Puts in all adapters that come and go, or takes them out; how many were refused. */
static size_t swap_all(bool in) {
    size_t bad = 0;
    for (size_t i = 0; i < n_swaps; i++)
        if (!i || strcmp(swaps[i].model, swaps[i - 1].model) != 0) bad += !swap(swaps[i].model, in);
    return bad;
}

/* Every model of n requests, which stand together by models, answers once; how many answered wrong. */
static size_t ask_each(const job *all, size_t n) {
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        if (i && strcmp(all[i].model, all[i - 1].model) == 0) continue;
        talk_end(&t[0]);
        talk_job(&t[0], port, &all[i]);
        while (t[0].state < TALK_OVER && roma_now() < t[0].began + 20) talk_all(t, 1, 100);
        bad += !is_right(&t[0]);
    }
    return bad;
}

/* F27: as many requests as run at once fill their contexts, beside as many adapters as fit. What the engine had in use
 * at most is compared with bounds from docs/memory.md, which the caller gives, and with the engine's own. */
static void f27(void) {
    static const char *const names[] = {"cache", "adapters", "activations", "work"};
    const size_t n = (size_t)option("parallel");
    size_t bad = 0, full = 0;
    char body[1024], shown[512], name[64];
    bool equal = is_idle(10);
    bad += swap_all(true) + ask_each(jobs, n_jobs) + ask_each(swaps, n_swaps); /* now all are in the engine */
    for (size_t i = 0; i < n; i++) {
        talk_end(&t[i]);
        (void)endless(body, jobs[i * n_jobs / n].model, i, "");
        talk_begin(&t[i], port, "POST", "/v1/chat/completions", body, strlen(body));
    }
    for (double end = roma_now() + 60; full < n && roma_now() < end;) {
        talk_all(t, n, 20);
        full = 0;
        for (size_t i = 0; i < n; i++) full += t[i].state == TALK_OVER && t[i].finished && t[i].done && !t[i].failed;
    }
    for (size_t i = 0; i < n; i++) talk_end(&t[i]);
    equal = is_idle(10) && equal;
    bad += swap_all(false);
    for (size_t i = 0, at = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(name, sizeof name, "arena_%s_bytes", names[i]);
        const double own = metric(name), bound = strcmp(names[i], "work") ? option(names[i]) : own;
        snprintf(name, sizeof name, "arena_%s_most_bytes", names[i]);
        const double most = metric(name);
        at += (size_t)snprintf(shown + at, sizeof shown - at, "%s%s %.0f of %.0f bytes", i ? ", " : "", names[i], most,
                               bound);
        equal = equal && most >= bound && most <= bound && own >= bound && own <= bound;
    }
    say("F27", equal && !bad && full == n,
        "%zu of %zu requests at once filled their contexts, beside every adapter that fits (%zu refused or wrong): %s",
        full, n, bad, shown);
}

/* Streams beside clients that leave and requests that are none, until `end`; a look at the server's memory every so
 * many seconds goes to at[] and size[]. Returns how many looks there were. */
enum { LOOKS = 4096, OTHERS = 8 };
static double looked_at[LOOKS], looked_size[LOOKS];
static size_t mixed_for(size_t n, double seconds, size_t *ended) {
    const double begin = roma_now(), every = seconds / (LOOKS - 1) < 0.1 ? 0.1 : seconds / (LOOKS - 1);
    char body[1024];
    size_t m = 0;
    (void)endless(body, "model", 0, talkative);
    while (roma_now() < begin + seconds) {
        stream(n, true);
        for (size_t i = n; i < n + OTHERS; i++)
            if (t[i].state != TALK_WRITES && t[i].state != TALK_READS) {
                *ended += t[i].state != TALK_FREE;
                talk_end(&t[i]);
                const uint64_t r = roma_random(13, drawn++);
                if (r % 3)
                    talk_begin(&t[i], port, "POST", "/v1/chat/completions", body,
                               r % 3 == 1 ? strlen(body) : strlen(body) / 2);
                else
                    talk_begin(&t[i], port, "BREW", "/\x01", NULL, 0);
                t[i].leaves = roma_now() + 0.2 * (double)(r >> 32 & 0xff) / 256;
            }
        talk_all(t, n + OTHERS, 20);
        if (m < LOOKS && roma_now() >= begin + (double)m * every) {
            looked_at[m] = roma_now() - begin;
            looked_size[m++] = resident();
        }
    }
    for (size_t i = n; i < n + OTHERS; i++) talk_end(&t[i]);
    drain(n);
    return m;
}

/* F28: memory, descriptors and threads over time. */
static void f28(void) {
    const size_t n = (size_t)option("streams") / 4;
    const double seconds = option("soak"), warm = seconds / 2 < 60 ? seconds / 2 : 60;
    size_t ended = 0;
    memset(&streams, 0, sizeof streams);
    mixed_for(n, warm, &ended);
    bool idle = is_idle(10);
    usleep(1500000); /* connections linger for a second */
    const unsigned fds = entries("fd"), threads = entries("task");
    const size_t m = mixed_for(n, seconds - warm, &ended);
    idle = is_idle(10) && idle;
    usleep(1500000);
    double sx = 0, sy = 0, sxx = 0, sxy = 0, k = (double)m;
    for (size_t i = 0; i < m; i++) {
        sx += looked_at[i], sy += looked_size[i];
        sxx += looked_at[i] * looked_at[i], sxy += looked_at[i] * looked_size[i];
    }
    const double rise = (k * sxy - sx * sy) / (k * sxx - sx * sx) * (seconds - warm);
    const unsigned fds_then = entries("fd"), threads_then = entries("task");
    say("F28",
        rise <= (option("strict") != 0 ? 65536 : 262144) && fds_then == fds && threads_then == threads && idle &&
            !streams.wrong && !streams.broken && m > 10,
        "%.0f s behind %.0f s of warming up, n=%zu looks: resident memory rises by %.1f KiB in all (64 at most; %.1f "
        "MiB), descriptors %u -> %u, threads %u -> %u; %llu answers right, %llu wrong, %zu clients "
        "ended otherwise",
        seconds - warm, warm, m, rise / 1024, looked_size[m ? m - 1 : 0] / 1048576, fds, fds_then, threads,
        threads_then, (unsigned long long)streams.right, (unsigned long long)streams.wrong, ended);
}

static const struct {
    const char *name;
    void (*run)(void);
} figures[] = {{"F19", f19}, {"F21", f21}, {"F22", f22}, {"F23", f23}, {"F24", f24},
               {"F27", f27}, {"F30", f30}, {"F31", f31}, {"F32", f32}, {"F28", f28}};

int main(int argc, char **argv) {
    if (argc < 6) return fprintf(stderr, "usage: %s PORT PID JOBS ENDS [NAME=NUMBER]... FIGURE...\n", argv[0]), 2;
    for (size_t i = 0; i < TALKS; i++) t[i].fd = -1;
    port = (uint16_t)atoi(argv[1]);
    pid = atol(argv[2]);
    read_jobs(argv[3]);
    ends = argv[4];
    for (int i = 5; i < argc; i++) {
        char *is = strchr(argv[i], '=');
        size_t k = 0, all = is ? sizeof options / sizeof *options : sizeof figures / sizeof *figures;
        if (is) *is = 0;
        while (k < all && strcmp(is ? options[k].name : figures[k].name, argv[i]) != 0) k++;
        if (k == all) return fprintf(stderr, "%s: neither a number's name nor a figure\n", argv[i]), 2;
        if (is)
            options[k].v = strtod(is + 1, NULL);
        else
            figures[k].run();
    }
    for (size_t i = 0; i < TALKS; i++) talk_end(&t[i]);
    return !all_hold;
}
