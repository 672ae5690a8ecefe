/* Threads: a fixed team that starts and meets within a microsecond when the machine is idle, and that
 * sleeps when it is not. All waiting is waiting for a counter to move (struct gate). */
#include "roma/base.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A pause takes 40 to 140 cycles: about 50 us, more than the longest serial stretch between two layers.
 * With more threads than CPUs the one waited for may need our CPU, so there is little use in spinning. */
#define SPINS 4000
#define SPINS_CROWDED 50

/* A word that threads watch. Sleepers are counted so that nobody sleeping costs no system call. */
typedef struct {
    _Alignas(64) atomic_uint value;
    atomic_uint sleepers;
} gate;
_Static_assert(sizeof(atomic_uint) == 4, "a futex is 32 bits");

typedef struct {
    roma_team *team;
    int index;
    pthread_t id;
} member;

struct roma_team {
    gate start;   /* counts runs; workers wait for it to move */
    gate pending; /* workers still inside the run; the caller waits for 0 */
    gate meeting; /* counts completed barriers */
    _Alignas(64) atomic_uint arrived;
    _Alignas(64) int threads; /* from here on constant while a run is under way */
    int spins;
    bool stop, is_pinned;
    cpu_set_t before; /* CPUs of the thread that pinned the team */
    roma_team_fn fn;
    void *ctx;
    void *block; /* what roma_alloc gave: the struct itself is aligned within */
    member members[ROMA_TEAM_MOST];
};

static inline void cpu_pause(void) {
#ifdef __x86_64__
    __builtin_ia32_pause();
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

static void futex(atomic_uint *word, int op, unsigned value) {
    syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* Returns once value is no longer `seen`. A sleeper announces itself before it looks for the last time and
 * gate_wake looks for sleepers after the value moved, both in one total order: one of them sees the other.
 * The kernel compares once more before it lets a thread sleep. */
static void gate_wait(gate *g, unsigned seen, int spins) {
    for (int i = 0; i < spins; i++) {
        if (atomic_load_explicit(&g->value, memory_order_acquire) != seen) return;
        cpu_pause();
    }
    atomic_fetch_add(&g->sleepers, 1);
    while (atomic_load(&g->value) == seen) futex(&g->value, FUTEX_WAIT, seen);
    atomic_fetch_sub(&g->sleepers, 1);
}

static void gate_wake(gate *g) {
    if (atomic_load(&g->sleepers)) futex(&g->value, FUTEX_WAKE, ROMA_TEAM_MOST);
}

static void *worker(void *arg) {
    const member *m = arg;
    roma_team *t = m->team;
    for (unsigned runs = 0;; runs++) {
        gate_wait(&t->start, runs, t->spins);
        if (t->stop) return NULL;
        t->fn(t->ctx, m->index, t->threads);
        if (atomic_fetch_sub(&t->pending.value, 1) == 1) gate_wake(&t->pending);
    }
}

static void begin(roma_team *t) {
    atomic_fetch_add(&t->start.value, 1);
    gate_wake(&t->start);
}

void roma_team_run(roma_team *t, roma_team_fn fn, void *ctx) {
    if (t->threads == 1) {
        fn(ctx, 0, 1);
        return;
    }
    t->fn = fn;
    t->ctx = ctx;
    atomic_store_explicit(&t->pending.value, (unsigned)t->threads - 1, memory_order_relaxed);
    begin(t);
    fn(ctx, 0, t->threads);
    for (unsigned left; (left = atomic_load(&t->pending.value)) != 0;) gate_wait(&t->pending, left, t->spins);
}

void roma_team_barrier(roma_team *t) {
    if (t->threads == 1) return;
    unsigned seen = atomic_load_explicit(&t->meeting.value, memory_order_relaxed);
    if (atomic_fetch_add(&t->arrived, 1) + 1 == (unsigned)t->threads) {
        atomic_store_explicit(&t->arrived, 0, memory_order_relaxed);
        atomic_fetch_add(&t->meeting.value, 1);
        gate_wake(&t->meeting);
    } else {
        gate_wait(&t->meeting, seen, t->spins);
    }
}

/* Ends the first `started` members besides the caller and frees the team. */
static void dissolve(roma_team *t, int started) {
    t->stop = true;
    begin(t);
    for (int i = 1; i <= started; i++) pthread_join(t->members[i].id, NULL);
    roma_free(t->block);
}

int roma_team_create(roma_team **team, int threads, roma_error *err) {
    *team = NULL;
    if (threads < 1 || threads > ROMA_TEAM_MOST)
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "%d threads; give a number from 1 to %d", threads,
                         ROMA_TEAM_MOST);
    size_t align = _Alignof(roma_team);
    void *block = roma_alloc_array(1, sizeof(roma_team) + align - 1);
    if (!block) return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for a team of %d threads", threads);
    roma_team *t = (void *)(((uintptr_t)block + align - 1) & ~(uintptr_t)(align - 1));
    t->block = block;
    t->threads = threads;
    t->spins = threads > roma_cpu_count() ? SPINS_CROWDED : SPINS;

    /* Signals belong to the program's own thread, which may be the one that must be interrupted; a thread's own faults
     * stay its own: a handler of the program may know what to say when a mapped file is cut short. */
    static const int faults[] = {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t all, before;
    sigfillset(&all);
    for (size_t k = 0; k < sizeof faults / sizeof *faults; k++) sigdelset(&all, faults[k]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int fault = 0, i = 1;
    for (; i < threads; i++) {
        t->members[i] = (member){.team = t, .index = i};
        fault = pthread_create(&t->members[i].id, NULL, worker, &t->members[i]);
        if (fault) break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (fault) {
        dissolve(t, i - 1);
        errno = fault;
        return roma_fail_errno(err, NULL, "cannot start a thread; ask for fewer");
    }
    *team = t;
    return ROMA_OK;
}

void roma_team_destroy(roma_team *t) {
    if (!t) return;
    if (t->is_pinned) pthread_setaffinity_np(pthread_self(), sizeof t->before, &t->before);
    dissolve(t, t->threads - 1);
}

/* The i-th CPU of a set, counted round and round. */
static cpu_set_t one_of(const cpu_set_t *all, int i) {
    cpu_set_t one;
    int left = i % CPU_COUNT(all);
    size_t cpu = 0;
    for (;; cpu++)
        if (CPU_ISSET(cpu, all) && left-- == 0) break;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return one;
}

int roma_team_pin(roma_team *t, roma_error *err) {
    int fault = pthread_getaffinity_np(pthread_self(), sizeof t->before, &t->before);
    for (int i = 0; i < t->threads && !fault; i++) {
        const cpu_set_t one = one_of(&t->before, i);
        fault = pthread_setaffinity_np(i ? t->members[i].id : pthread_self(), sizeof one, &one);
        t->is_pinned = true;
    }
    if (!fault) return ROMA_OK;
    errno = fault;
    return roma_fail_errno(err, NULL, "cannot pin a thread to a CPU; leave out --pin");
}

int roma_team_threads(const roma_team *t) { return t->threads; }

void roma_share(size_t n, int thread, int threads, size_t *begin_out, size_t *end_out) {
    size_t k = (size_t)thread, each = n / (size_t)threads, rest = n % (size_t)threads;
    *begin_out = k * each + (k < rest ? k : rest);
    *end_out = *begin_out + each + (k < rest);
}
