/* What it costs threads to meet: a barrier, a run, and a run of a team that went to sleep.
 *
 *   build/bench/team [threads] [--pin]
 *
 * Best of many short series, as on a shared machine most are disturbed. */
#include "roma/base.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SERIES = 300, ROUNDS = 200 };

static void meet(void *ctx, int thread, int threads) {
    (void)thread, (void)threads;
    for (int i = 0; i < ROUNDS; i++) roma_team_barrier(ctx);
}

static void nothing(void *ctx, int thread, int threads) { (void)ctx, (void)thread, (void)threads; }

static double best(roma_team *team, roma_team_fn fn, int runs, long nap_ns) {
    double least = 1;
    for (int s = 0; s < SERIES; s++) {
        if (nap_ns) nanosleep(&(struct timespec){0, nap_ns}, NULL);
        const double began = roma_now();
        for (int i = 0; i < runs; i++) roma_team_run(team, fn, team);
        const double seconds = (roma_now() - began) / runs;
        least = seconds < least ? seconds : least;
    }
    return least;
}

int main(int argc, char **argv) {
    roma_team *team;
    roma_error err;
    char text[1024];
    const int threads = argc > 1 && atoi(argv[1]) ? atoi(argv[1]) : roma_cpu_count();
    int rc = roma_team_create(&team, threads, &err);
    if (!rc && argc > 1 && strcmp(argv[argc - 1], "--pin") == 0) rc = roma_team_pin(team, &err);
    if (rc) {
        fprintf(stderr, "%s\n", roma_error_format(&err, text, sizeof text));
        return 1;
    }
    printf("%d threads: barrier %.0f ns, run %.0f ns, run after 2 ms of sleep %.1f us\n", threads,
           best(team, meet, 1, 0) / ROUNDS * 1e9, best(team, nothing, ROUNDS, 0) * 1e9,
           best(team, nothing, 1, 2000000) * 1e6);
    roma_team_destroy(team);
    return 0;
}
