/* Where a name that is written to leads: through symbolic links to a file, to a place for one, or to a device.
 *
 * Only links of the last part are followed here; those of folders are the system's. What is no regular file is opened
 * as it is: nothing may take the place of a device. */
#include "base/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { LINKS_MAX = 40, /* as the kernel has it */ WAIT_S = 5, WAIT_MS = 20 };

const char *roma_target_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int refuse(const char *path, roma_error *err, const char *text) {
    return roma_fail(err, ROMA_EUSAGE, path, ROMA_NOWHERE, "%s", text);
}

/* The folder of t->path, "." where it names none. */
static void folder_of(const roma_target *t, char out[ROMA_TARGET_PATH]) {
    const size_t n = (size_t)(roma_target_name(t->path) - t->path);
    memcpy(out, n ? t->path : ".", n ? n : 1);
    out[n ? n : 1] = 0;
}

/* A link of procfs that stands for an open descriptor of this very process: its number, else -1. Its text names no
 * path, and a pipe or a socket can be written through the descriptor alone. */
static int own_descriptor(const roma_target *t) {
    struct statfs fs;
    struct stat there, own;
    char folder[ROMA_TARGET_PATH], *end;
    const char *name = roma_target_name(t->path);
    folder_of(t, folder);
    if (statfs(folder, &fs) != 0 || fs.f_type != PROC_SUPER_MAGIC) return -1;
    const unsigned long n = strtoul(name, &end, 10);
    if (*end || end == name || n > 1 << 20 || stat(t->path, &there) != 0 || fstat((int)n, &own) != 0) return -1;
    return there.st_dev == own.st_dev && there.st_ino == own.st_ino ? (int)n : -1;
}

/* Puts what the link says in its place. */
static int follow(roma_target *t, const char *path, roma_error *err) {
    char link[ROMA_TARGET_PATH];
    const ssize_t n = readlink(t->path, link, sizeof link - 1);
    if (n < 0) return roma_fail_errno(err, path, "cannot follow the symbolic link");
    const size_t keep = link[0] == '/' ? 0 : (size_t)(roma_target_name(t->path) - t->path);
    if (!n || keep + (size_t)n >= sizeof t->path) return refuse(path, err, "the path is too long; give a shorter one");
    memcpy(t->path + keep, link, (size_t)n);
    t->path[keep + (size_t)n] = 0;
    return ROMA_OK;
}

static int walk(roma_target *t, const char *path, roma_error *err) {
    for (int links = 0;; links++) {
        if (!*roma_target_name(t->path))
            return refuse(roma_path_shown(path), err, "the path names no file; add a file name");
        if (lstat(t->path, &t->st) != 0) {
            if (errno == ENOENT) return ROMA_OK;
            return roma_fail_errno(err, path, "cannot create a file in the target's folder");
        }
        if (!S_ISLNK(t->st.st_mode)) {
            t->exists = true;
            return ROMA_OK;
        }
        if ((t->descriptor = own_descriptor(t)) >= 0) {
            t->exists = fstat(t->descriptor, &t->st) == 0;
            return ROMA_OK;
        }
        if (links == LINKS_MAX) return refuse(path, err, "symbolic links that go round in a circle; give another path");
        const int rc = follow(t, path, err);
        if (rc) return rc;
    }
}

/* The folder must be there and take a new name, a file that is there must not be write-protected. */
static int check_place(roma_target *t, const char *path, roma_error *err) {
    char folder[ROMA_TARGET_PATH];
    folder_of(t, folder);
    if (stat(folder, &t->folder) != 0 || faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0)
        return roma_fail_errno(err, path, "cannot create a file in the target's folder");
    if (t->exists && faccessat(AT_FDCWD, t->path, W_OK, AT_EACCESS) != 0)
        return roma_fail_errno(err, path, "cannot write to the file");
    return ROMA_OK;
}

int roma_target_find(roma_target *t, const char *path, roma_error *err) {
    memset(t, 0, sizeof *t);
    t->descriptor = -1;
    const size_t size = strlen(path) + 1;
    if (size > sizeof t->path) return refuse(path, err, "the path is too long; give a shorter one");
    memcpy(t->path, path, size);
    const int rc = walk(t, path, err);
    if (rc) return rc;
    const mode_t m = t->st.st_mode;
    if (t->exists && S_ISDIR(m)) return refuse(path, err, "this is a folder; give the path of a file");
    t->in_place = t->descriptor >= 0 || (t->exists && (S_ISCHR(m) || S_ISBLK(m) || S_ISFIFO(m) || S_ISSOCK(m)));
    return t->in_place ? ROMA_OK : check_place(t, path, err);
}

/* ---- opening what is written in place ---- */

/* A pipe is opened once someone reads it, for which its reader gets a few seconds: started beside this process, it may
 * come a moment later; one that never comes must not be waited for. */
static int open_pipe(const char *at, const char *path, int *fd, roma_error *err) {
    const struct timespec pause = {0, WAIT_MS * 1000000L};
    for (int ms = 0; ms <= WAIT_S * 1000; ms += WAIT_MS) {
        *fd = open(at, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (*fd >= 0) return fcntl(*fd, F_SETFL, 0) == 0 ? ROMA_OK : roma_fail_errno(err, path, "cannot open the pipe");
        if (errno != ENXIO && errno != EINTR) return roma_fail_errno(err, path, "cannot open the pipe");
        if (nanosleep(&pause, NULL) != 0 && errno == EINTR)
            return roma_fail(err, ROMA_ECANCEL, path, ROMA_NOWHERE, "interrupted");
    }
    return roma_fail(err, ROMA_EIO, path, ROMA_NOWHERE, "nobody reads from this pipe; start its reader first");
}

static int open_socket(const char *at, const char *path, int *fd, roma_error *err) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const size_t size = strlen(at) + 1;
    if (size > sizeof to.sun_path) return refuse(path, err, "the path is too long for a socket");
    memcpy(to.sun_path, at, size);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd >= 0 && connect(*fd, (const struct sockaddr *)&to, sizeof to) == 0) return ROMA_OK;
    const int code = roma_fail_errno(err, path, "cannot connect to the socket");
    if (*fd >= 0) close(*fd);
    return code;
}

int roma_target_open(const roma_target *t, const char *path, int *fd, roma_error *err) {
    if (t->descriptor < 0 && S_ISFIFO(t->st.st_mode)) return open_pipe(t->path, path, fd, err);
    if (t->descriptor < 0 && S_ISSOCK(t->st.st_mode)) return open_socket(t->path, path, fd, err);
    *fd = t->descriptor < 0 ? open(t->path, O_WRONLY | O_CLOEXEC | O_NOCTTY) : fcntl(t->descriptor, F_DUPFD_CLOEXEC, 3);
    return *fd < 0 ? roma_fail_errno(err, path, "cannot open the output") : ROMA_OK;
}
