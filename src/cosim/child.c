/* Processes that a run needs: Verilator, which is waited for, and the simulator, which is spoken to over a socket. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int refused(const char *what, int why, roma_error *err) {
    errno = why;
    return roma_fail_errno(err, what, "cannot be run");
}

/* Starts a program with three standard streams. 0, or an errno. */
static int start(pid_t *pid, const char *folder, char *const argv[], int in, int out, int log) {
    posix_spawn_file_actions_t a;
    int why = posix_spawn_file_actions_init(&a);
    if (why) return why;
    why = posix_spawn_file_actions_adddup2(&a, in, 0);
    if (!why) why = posix_spawn_file_actions_adddup2(&a, out, 1);
    if (!why) why = posix_spawn_file_actions_adddup2(&a, log, 2);
    if (!why) why = posix_spawn_file_actions_addchdir_np(&a, folder);
    if (!why) why = posix_spawnp(pid, argv[0], &a, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&a);
    return why;
}

static int wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return 126;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

int roma_cosim_call(const char *folder, const char *log, char *const argv[], int *status, roma_error *err) {
    pid_t pid;
    const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    const int why = in < 0 || out < 0 ? errno : start(&pid, folder, argv, in, out, out);
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    *status = 127;
    if (why == ENOENT) return ROMA_OK;
    if (why) return refused(argv[0], why, err);
    *status = wait_for(pid);
    return ROMA_OK;
}

int roma_cosim_child_start(cosim_child *c, const char *folder, char *const argv[], roma_error *err) {
    int pair[2];
    c->pid = 0, c->from = c->to = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return refused(argv[0], errno, err);
    const int why = start(&c->pid, folder, argv, pair[1], pair[1], 2);
    close(pair[1]);
    if (why) {
        close(pair[0]);
        c->pid = 0;
        return refused(argv[0], why, err);
    }
    c->fd = pair[0];
    return ROMA_OK;
}

int roma_cosim_child_send(cosim_child *c, const void *text, size_t n, roma_error *err) {
    for (const char *p = text; n;) {
        const ssize_t k = send(c->fd, p, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "the simulation ended by itself");
        p += k, n -= (size_t)k;
    }
    return ROMA_OK;
}

char *roma_cosim_child_line(cosim_child *c) {
    for (;;) {
        char *end = memchr(c->buf + c->from, '\n', c->to - c->from);
        if (end) {
            char *line = c->buf + c->from;
            *end = 0;
            c->from = (size_t)(end + 1 - c->buf);
            return line;
        }
        memmove(c->buf, c->buf + c->from, c->to - c->from);
        c->to -= c->from, c->from = 0;
        const ssize_t n = c->to < sizeof c->buf ? read(c->fd, c->buf + c->to, sizeof c->buf - c->to) : 0;
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return NULL;
        c->to += (size_t)n;
    }
}

void roma_cosim_child_end(cosim_child *c, bool is_killed) {
    if (!c->pid) return;
    shutdown(c->fd, SHUT_WR);
    if (is_killed) kill(c->pid, SIGTERM);
    while (!is_killed && roma_cosim_child_line(c)) {
    }
    close(c->fd);
    wait_for(c->pid);
    c->pid = 0;
}
