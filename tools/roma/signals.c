/* What becomes of a signal, and of a file that is cut short under a map. Handlers make only calls that signals allow.
 *
 * A verb ends at once where nothing would be lost: temporary files go, one line is said, exit code 130. Where an answer
 * is under way (run, chat), the signal is a wish that the verb sees between two steps. */
#include "tool.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

volatile sig_atomic_t interrupted;
static volatile sig_atomic_t how = INTERRUPT_ENDS;
static const char *volatile verb = "";
static void (*volatile told)(void);

enum { GRACE_MS = 200 };

/* ---- words ---- */

static void put(char *line, size_t cap, const char *text) {
    size_t n = strnlen(line, cap);
    for (; *text && n + 1 < cap; text++) line[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
    line[n] = 0;
}

/* "roma VERB: FILE: text" and the end. Threads may come here together, of which one speaks for all. */
static void end(const char *file, const char *text, int code) {
    static atomic_flag said = ATOMIC_FLAG_INIT;
    char line[1024] = "";
    while (atomic_flag_test_and_set(&said)) pause();
    roma_files_remove_temporaries();
    put(line, sizeof line - 1, *verb ? "roma " : "roma");
    put(line, sizeof line - 1, verb);
    put(line, sizeof line - 1, ": ");
    put(line, sizeof line - 1, file);
    put(line, sizeof line - 1, *file ? ": " : "");
    put(line, sizeof line - 1, text);
    const size_t n = strlen(line);
    line[n] = '\n';
    if (progress_drawn()) (void)!write(STDERR_FILENO, "\r\033[K", 4);
    (void)!write(STDERR_FILENO, line, n + 1);
    _exit(code);
}

/* ---- signals that ask to stop ---- */

static void after(int ms) {
    const struct itimerval t = {.it_value = {.tv_usec = ms * 1000}};
    setitimer(ITIMER_REAL, &t, NULL);
}

static void on_stop(int sig) {
    if (how == INTERRUPT_TELLS && !interrupted) {
        interrupted = 1;
        told();
        return;
    }
    const bool asks = how == INTERRUPT_CHAT ? sig == SIGINT : how == INTERRUPT_ASKS && !interrupted;
    if (!asks) end("", "interrupted", 130);
    interrupted = 1;
    if (how == INTERRUPT_ASKS) after(GRACE_MS); /* a step may take longer */
}

static void on_alarm(int sig) {
    (void)sig;
    if (interrupted && how == INTERRUPT_ASKS) end("", "interrupted", 130);
}

void interrupt_seen(void) { after(0); }

void interrupt_catch(interrupt_kind kind) { how = (sig_atomic_t)kind; }

void interrupt_tell(void (*fn)(void)) {
    if (fn) told = fn;
    how = fn ? INTERRUPT_TELLS : INTERRUPT_ENDS;
}

/* ---- signals that kill: nothing is left behind ---- */

static void on_death(int sig) {
    roma_files_remove_temporaries();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* A touch behind the end of a mapped file. Elsewhere the action is the usual one, as the touch is repeated. */
static void on_bus(int sig, siginfo_t *info, void *context) {
    struct stat st;
    uint64_t size;
    const char *file = roma_files_at(info->si_addr, &size);
    (void)context;
    if (!file) {
        on_death(sig);
        return;
    }
    if (stat(file, &st) == 0 && (uint64_t)st.st_size >= size) end(file, "the system could not read the file", 3);
    end(file, "was cut short while it was read; make or fetch it again", 2);
}

/* ---- all of them ---- */

/* No SA_RESTART: a read that waits for a line must end. A handler is not interrupted by another one. */
static void handle(int sig, void (*handler)(int)) {
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = handler;
    sigfillset(&a.sa_mask);
    sigaction(sig, &a, NULL);
}

static bool is_default(int sig) {
    struct sigaction a;
    return sigaction(sig, NULL, &a) == 0 && !(a.sa_flags & SA_SIGINFO) && a.sa_handler == SIG_DFL;
}

void signals_begin(const char *name) {
    static const int deaths[] = {SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGXCPU,
                                 SIGIO,   SIGPWR,  SIGABRT, SIGSEGV, SIGFPE,    SIGILL,  SIGSYS};
    struct sigaction bus;
    verb = name;
    handle(SIGINT, on_stop);
    handle(SIGTERM, on_stop);
    if (is_default(SIGHUP)) handle(SIGHUP, on_stop); /* nohup ignores it */
    handle(SIGALRM, on_alarm);
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++)
        if (is_default(deaths[i])) handle(deaths[i], on_death);
    signal(SIGXFSZ, SIG_IGN); /* the write says what is wrong */
    memset(&bus, 0, sizeof bus);
    bus.sa_sigaction = on_bus;
    bus.sa_flags = SA_SIGINFO;
    sigfillset(&bus.sa_mask);
    sigaction(SIGBUS, &bus, NULL);
}
