/* Teams: everyone runs, barriers hold for thousands of rounds, sleepers wake, nothing is allocated. */
#include "../test.h"
#include "scarce.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64 };

typedef struct {
    roma_team *team;
    int rounds;
    int calls[MOST]; /* plain: a data race here is what the thread sanitizer would see */
    int wrong;       /* written by thread 0 only */
    atomic_int faults;
    int slots[2][MOST];
} work;

static void count_call(void *ctx, int thread, int threads) {
    work *w = ctx;
    if (threads != roma_team_threads(w->team)) atomic_fetch_add(&w->faults, 1);
    w->calls[thread]++;
}

static void test_run(roma_team *team, int threads, int runs) {
    work w = {.team = team};
    CHECK_EQ(roma_team_threads(team), threads);
    for (int i = 0; i < runs; i++) {
        roma_team_run(team, count_call, &w);
        for (int t = 0; t < threads; t++)
            if (w.calls[t] != i + 1) w.wrong++; /* every run is over when run returns */
    }
    CHECK_EQ(w.wrong, 0);
    CHECK_EQ(w.faults, 0);
    for (int t = threads; t < MOST; t++) CHECK_EQ(w.calls[t], 0);
}

/* Each round every member writes its slot, all meet, every member reads all slots. Two sets of slots, so
 * that one barrier a round must do. */
static void meet(void *ctx, int thread, int threads) {
    work *w = ctx;
    for (int r = 0; r < w->rounds; r++) {
        int *slots = w->slots[r & 1];
        slots[thread] = r * MOST + thread;
        roma_team_barrier(w->team);
        for (int t = 0; t < threads; t++)
            if (slots[t] != r * MOST + t) atomic_fetch_add(&w->faults, 1);
    }
}

static void test_barrier(roma_team *team, int rounds) {
    work w = {.team = team, .rounds = rounds};
    roma_team_run(team, meet, &w);
    roma_team_run(team, meet, &w); /* the barrier is left ready for another run */
    CHECK_EQ(w.faults, 0);
}

static void nap(int microseconds) {
    struct timespec t = {0, microseconds * 1000L};
    nanosleep(&t, NULL);
}

/* Late members: the others are asleep by the time these arrive. Each thread is late in its turn. */
static void late(void *ctx, int thread, int threads) {
    work *w = ctx;
    for (int r = 0; r < w->rounds; r++) {
        if (r % threads == thread) nap(2000);
        w->slots[r & 1][thread] = r;
        roma_team_barrier(w->team);
        for (int t = 0; t < threads; t++)
            if (w->slots[r & 1][t] != r) atomic_fetch_add(&w->faults, 1);
    }
    if (thread == threads - 1) nap(2000); /* the caller sleeps for the end of the run */
}

static void test_sleepers(roma_team *team) {
    work w = {.team = team, .rounds = 20};
    for (int i = 0; i < 5; i++) {
        nap(2000); /* the members sleep for the next run */
        roma_team_run(team, late, &w);
    }
    CHECK_EQ(w.faults, 0);
}

/* Runs and barriers of uneven length, at random, so that spinning, sleeping and waking overlap. */
static void uneven(void *ctx, int thread, int threads) {
    work *w = ctx;
    for (int r = 0; r < w->rounds; r++) {
        uint64_t rnd = roma_random((uint64_t)thread, (uint64_t)r);
        if (rnd % 64 == 0) nap(50);
        if (rnd % 16 == 1) sched_yield();
        for (volatile int i = 0; i < (int)(rnd >> 32 & 1023); i++) {
        }
        w->slots[r & 1][thread] = r;
        roma_team_barrier(w->team);
        if (w->slots[r & 1][(thread + 1) % threads] != r) atomic_fetch_add(&w->faults, 1);
    }
}

static void test_uneven(roma_team *team) {
    for (int i = 0; i < 20; i++) {
        work w = {.team = team, .rounds = 1 + i * 5};
        roma_team_run(team, uneven, &w);
        CHECK_EQ(w.faults, 0);
    }
}

static void blocked_signals(void *ctx, int thread, int threads) {
    (void)threads;
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    ((int *)ctx)[thread] = sigismember(&set, SIGINT) + 2 * sigismember(&set, SIGBUS);
}

static void test_team(int threads) {
    roma_team *team = NULL;
    roma_error e;
    CHECK_EQ(roma_team_create(&team, threads, &e), ROMA_OK);
    if (!team) return;
    uint64_t before = roma_alloc_count();
    bool few = threads <= 8;
    test_run(team, threads, few ? 3000 : 100);
    test_barrier(team, few ? 5000 : 100);
    test_sleepers(team);
    test_uneven(team);
    CHECK_EQ(roma_alloc_count(), before);
    int blocked[MOST] = {0};
    roma_team_run(team, blocked_signals, blocked);
    for (int t = 0; t < threads; t++) CHECK_EQ(blocked[t], t != 0);
    roma_team_destroy(team);
}

/* Nobody spins for long: an idle team leaves the CPUs to others. */
static void test_idle(void) {
    roma_team *team = NULL;
    struct rusage before, after;
    work w = {0};
    CHECK_EQ(roma_team_create(&team, 4, NULL), ROMA_OK);
    w.team = team;
    roma_team_run(team, count_call, &w);
    nap(20000);
    getrusage(RUSAGE_SELF, &before);
    for (int i = 0; i < 20; i++) nap(20000);
    getrusage(RUSAGE_SELF, &after);
    const double used = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                        (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) * 1e-6;
    CHECK(used < 0.05); /* of 0.4 s; three that spin would take more on any machine */
    roma_team_destroy(team);
}

static void cpus_of(void *ctx, int thread, int threads) {
    (void)threads;
    sched_getaffinity(0, sizeof(cpu_set_t), (cpu_set_t *)ctx + thread);
}

/* Each to one CPU, the caller's own again afterwards. */
static void test_pin(void) {
    roma_team *team = NULL;
    cpu_set_t before, after, set[5];
    roma_error e;
    sched_getaffinity(0, sizeof before, &before);
    CHECK_EQ(roma_team_create(&team, 5, &e), ROMA_OK);
    CHECK_EQ(roma_team_pin(team, &e), ROMA_OK);
    roma_team_run(team, cpus_of, set);
    for (int i = 0; i < 5; i++) {
        cpu_set_t both;
        CPU_AND(&both, &set[i], &before);
        CHECK(CPU_COUNT(&set[i]) == 1 && CPU_EQUAL(&both, &set[i]));
        if (i) CHECK(CPU_COUNT(&before) == 1 || !CPU_EQUAL(&set[i], &set[i - 1]));
        if (i >= CPU_COUNT(&before)) CHECK(CPU_EQUAL(&set[i], &set[i - CPU_COUNT(&before)]));
    }
    roma_team_destroy(team);
    sched_getaffinity(0, sizeof after, &after);
    CHECK(CPU_EQUAL(&before, &after));
}

static void test_refused(void) {
    roma_team *team = (roma_team *)&team;
    roma_error e;
    CHECK_EQ(roma_team_create(&team, 0, &e), ROMA_EUSAGE);
    CHECK(team == NULL);
    CHECK_EQ(roma_team_create(&team, -1, &e), ROMA_EUSAGE);
    CHECK_EQ(roma_team_create(&team, 65, &e), ROMA_EUSAGE);
    CHECK_STR(e.text, "65 threads; give a number from 1 to 64");
    roma_team_destroy(NULL);
}

static void test_no_memory(void) {
    roma_team *team;
    roma_error e;
    scarce_begin(0);
    CHECK_EQ(roma_team_create(&team, 3, &e), ROMA_ENOMEM);
    roma_allocator_set(NULL);
    CHECK(team == NULL);
}

/* The system gives some threads and then no more: those that started are ended again. In a child with
 * little address space, so that stacks run out. */
static void test_no_threads(void) {
    if (SANITIZED) return;
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = {(rlim_t)160 << 20, (rlim_t)160 << 20};
        roma_team *team;
        roma_error e;
        setrlimit(RLIMIT_AS, &limit);
        if (roma_team_create(&team, 64, &e) != ROMA_EIO || team) _exit(1);
        if (!strstr(e.text, "cannot start a thread")) _exit(2);
        if (roma_team_create(&team, 3, &e) != ROMA_OK) _exit(3); /* the room they took is free again */
        test_barrier(team, 100);
        roma_team_destroy(team);
        _exit(test_failures ? 4 : 0);
    }
    int status = -1;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK_EQ(status, 0);
}

static void test_share(void) {
    for (size_t n = 0; n < 70; n++)
        for (int threads = 1; threads <= 9; threads++) {
            size_t at = 0, least = SIZE_MAX, most = 0;
            for (int t = 0; t < threads; t++) {
                size_t from, to;
                roma_share(n, t, threads, &from, &to);
                CHECK(from == at && to >= from);
                at = to;
                least = to - from < least ? to - from : least;
                most = to - from > most ? to - from : most;
            }
            CHECK_EQ(at, n);
            CHECK(most - least <= 1);
        }
    size_t from, to;
    roma_share(SIZE_MAX, 63, 64, &from, &to); /* no product overflows */
    CHECK(to == SIZE_MAX && from == SIZE_MAX - SIZE_MAX / 64);
}

int main(void) {
    int sizes[] = {1, 2, 3, 8, 64};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) test_team(sizes[i]);
    test_idle();
    test_pin();
    test_refused();
    test_no_memory();
    test_no_threads();
    test_share();
    return TEST_DONE();
}
