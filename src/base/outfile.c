/* Output files: whole or not at all where there is a file, byte by byte where there is a device.
 *
 * A file whose write failed is given up at once (closed and removed): a later commit then cannot
 * publish a file with a hole. "Open" means buf != NULL, so that a zeroed struct is a closed file. */
#include "base/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Whole blocks at multiples of their size: file systems that keep a file in huge pages make one of each, and a ROM
 * image that lies in them is read a third faster (docs/performance-log.md). */
#define BUF_BYTES ((size_t)2 << 20)

static int give_up(roma_outfile *f, roma_error *err, const char *doing) {
    int code = roma_fail_errno(err, f->path, doing);
    roma_outfile_abort(f);
    return code;
}

static int check_open(const roma_outfile *f, roma_error *err) {
    if (f->buf) return ROMA_OK;
    return roma_fail(err, ROMA_EINTERNAL, NULL, ROMA_NOWHERE, "the output file is closed or was given up");
}

/* ---- bytes; false with errno set when the system refuses ---- */

static bool write_all(int fd, const uint8_t *p, size_t n) {
    while (n) {
        ssize_t got = write(fd, p, n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

static bool pwrite_all(int fd, const uint8_t *p, size_t n, uint64_t offset) {
    while (n) {
        ssize_t got = pwrite(fd, p, n, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        p += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

/* Into a pipe or socket: that nobody reads any more is an error like others, not a signal that ends the program. */
static bool send_all(int fd, const uint8_t *p, size_t n) {
    sigset_t pipe, before, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    const bool ok = write_all(fd, p, n);
    const int saved = errno;
    if (!ok && saved == EPIPE && !sigismember(&pending, SIGPIPE)) sigtimedwait(&pipe, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return ok;
}

static bool in_place(const roma_outfile *f) { return !f->tmp && f->device < 0; }

static bool flush(roma_outfile *f) {
    if (!(in_place(f) ? send_all : write_all)(f->fd, f->buf, f->buf_len)) return false;
    f->buf_len = 0;
    return true;
}

/* ---- open ---- */

static char *copy_of(const char *text) {
    const size_t n = strlen(text) + 1;
    char *p = roma_alloc(n);
    if (p) memcpy(p, text, n);
    return p;
}

/* The new file is what the old one was to others, as far as that is ours to give. */
static bool take_over(int fd, const struct stat *st) {
    mode_t mode = st->st_mode & 07777;
    if (fchown(fd, st->st_uid, st->st_gid) != 0) {
        mode &= 01777;                                                    /* no foreign file runs as us */
        if (fchown(fd, (uid_t)-1, st->st_gid) != 0) mode &= ~(mode_t)070; /* our group has what others have */
    }
    return fchmod(fd, mode) == 0;
}

static int open_file(roma_outfile *f, const roma_target *t, bool resume, roma_error *err) {
    f->tmp = roma_alloc(ROMA_TARGET_PATH + ROMA_TEMPORARY_EXTRA);
    if (!f->tmp) return roma_fail(err, ROMA_ENOMEM, f->path, ROMA_NOWHERE, "no memory for the output buffer");
    if (resume) f->fd = roma_temporary_adopt(f->target, f->tmp, f->entry, &f->bytes);
    roma_temporary_sweep(f->target, NULL);
    if (f->fd < 0) f->fd = roma_temporary_open(f->target, f->tmp, t->exists ? 0600 : 0666, f->entry);
    if (f->fd < 0) return roma_fail_errno(err, f->path, "cannot create a file in the target's folder");
    if (t->exists && !take_over(f->fd, &t->st)) return roma_fail_errno(err, f->path, "cannot give the file its mode");
    return ROMA_OK;
}

static int open_either(roma_outfile *f, const char *path, bool resume, roma_error *err) {
    roma_target t;
    *f = (roma_outfile){.fd = -1, .device = -1};
    int code = roma_target_find(&t, path, err);
    if (code) return code;
    f->path = copy_of(path);
    f->target = copy_of(t.path);
    f->buf = roma_alloc(BUF_BYTES);
    if (!f->path || !f->target || !f->buf)
        code = roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for the output buffer");
    if (!code) code = roma_files_output(&t, path, &f->entry, &f->fd, err);
    if (!code && !t.in_place)
        code = open_file(f, &t, resume, err);
    else if (!code && f->fd < 0)
        code = roma_target_open(&t, path, &f->fd, err);
    if (code) roma_outfile_abort(f);
    return code;
}

int roma_outfile_open(roma_outfile *f, const char *path, roma_error *err) { return open_either(f, path, false, err); }

int roma_outfile_resume(roma_outfile *f, const char *path, roma_error *err) { return open_either(f, path, true, err); }

int roma_outfile_keep(roma_outfile *f, roma_error *err) {
    const int code = check_open(f, err);
    if (code || f->tmp) return code;
    const char *folder = getenv("TMPDIR");
    const int fd = open(folder && *folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) return give_up(f, err, "cannot keep what is written until it is complete");
    f->device = f->fd;
    f->fd = fd;
    return ROMA_OK;
}

/* ---- write ---- */

int roma_outfile_write(roma_outfile *f, const void *data, size_t n, roma_error *err) {
    int code = check_open(f, err);
    if (code || !n) return code;
    for (const uint8_t *p = data; n;) {
        const size_t room = BUF_BYTES - (size_t)(f->bytes % BUF_BYTES), m = n < room ? n : room;
        if (m == BUF_BYTES && !in_place(f)) {
            if (!write_all(f->fd, p, m)) return give_up(f, err, "cannot write");
        } else {
            memcpy(f->buf + f->buf_len, p, m);
            f->buf_len += m;
        }
        f->bytes += m;
        p += m;
        n -= m;
        if (m == room && !flush(f)) return give_up(f, err, "cannot write");
    }
    return ROMA_OK;
}

int roma_outfile_patch(roma_outfile *f, uint64_t offset, const void *data, size_t n, roma_error *err) {
    int code = check_open(f, err);
    if (code || !n) return code;
    if (in_place(f)) return roma_fail(err, ROMA_EINTERNAL, f->path, offset, "what has gone out cannot be patched");
    if (offset > f->bytes || n > f->bytes - offset)
        return roma_fail(err, ROMA_EINTERNAL, f->path, offset, "a patch reaches beyond what was written");
    if (!flush(f) || !pwrite_all(f->fd, data, n, offset)) return give_up(f, err, "cannot write");
    return ROMA_OK;
}

int roma_outfile_cut(roma_outfile *f, uint64_t bytes, roma_error *err) {
    const int code = check_open(f, err);
    if (code) return code;
    if (in_place(f) || bytes > f->bytes)
        return roma_fail(err, ROMA_EINTERNAL, f->path, bytes, "what is not there cannot be cut off");
    if (!flush(f) || ftruncate(f->fd, (off_t)bytes) != 0 || lseek(f->fd, (off_t)bytes, SEEK_SET) < 0)
        return give_up(f, err, "cannot cut the file");
    f->bytes = bytes;
    return ROMA_OK;
}

int roma_outfile_sync(roma_outfile *f, roma_error *err) {
    const int code = check_open(f, err);
    if (code || in_place(f)) return code;
    return flush(f) && (fdatasync(f->fd) == 0 || errno == EINVAL || errno == ENOTSUP)
               ? ROMA_OK
               : give_up(f, err, "cannot bring the file to disk");
}

int roma_outfile_read(roma_outfile *f, uint64_t offset, void *out, size_t n, roma_error *err) {
    const int code = check_open(f, err);
    if (code) return code;
    if (in_place(f) || offset > f->bytes || n > f->bytes - offset)
        return roma_fail(err, ROMA_EINTERNAL, f->path, offset, "what is not there cannot be read back");
    if (!flush(f)) return give_up(f, err, "cannot write");
    for (uint8_t *p = out; n;) {
        const ssize_t got = pread(f->fd, p, n, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return give_up(f, err, "cannot read back what was written");
        p += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return ROMA_OK;
}

int roma_outfile_map(roma_outfile *f, roma_map *m, roma_error *err) {
    *m = (roma_map){0};
    const int code = check_open(f, err);
    if (code) return code;
    if (in_place(f)) return roma_fail(err, ROMA_EINTERNAL, f->path, 0, "what has gone out cannot be mapped");
    if (!flush(f)) return give_up(f, err, "cannot write");
    const uint8_t *p = roma_base_map_file(f->fd, f->bytes);
    if (!p) return give_up(f, err, "cannot map the file");
    *m = (roma_map){.data = p, .size = f->bytes};
    return ROMA_OK;
}

/* ---- commit ---- */

bool roma_sync_folder(const char *path) {
    char folder[ROMA_TARGET_PATH];
    const size_t n = (size_t)(roma_target_name(path) - path);
    memcpy(folder, path, n);
    folder[n] = 0;
    int fd = open(n ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return true;
    bool ok = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP;
    int saved = errno;
    close(fd);
    errno = saved;
    return ok;
}

static void release(roma_outfile *f) {
    roma_files_temporary(f->entry, NULL);
    roma_files_output_over(f->entry);
    roma_free(f->path);
    roma_free(f->target);
    roma_free(f->tmp);
    roma_free(f->buf);
    *f = (roma_outfile){.fd = -1, .device = -1};
}

/* A kept file goes to its device. */
static bool deliver(roma_outfile *f) {
    for (uint64_t at = 0; at < f->bytes;) {
        const ssize_t n = pread(f->fd, f->buf, BUF_BYTES, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0 || !send_all(f->device, f->buf, (size_t)n)) return false;
        at += (uint64_t)n;
    }
    const int fd = f->device;
    f->device = -1;
    return close(fd) == 0;
}

int roma_outfile_commit(roma_outfile *f, roma_error *err) {
    int code = check_open(f, err);
    if (code) return code;
    if (!flush(f) || (f->device >= 0 && !deliver(f))) return give_up(f, err, "cannot write");
    if (f->tmp && fsync(f->fd) != 0) return give_up(f, err, "cannot bring the file to disk");
    int fd = f->fd;
    f->fd = -1;
    if (close(fd) != 0) return give_up(f, err, "cannot close the file");
    if (f->tmp && rename(f->tmp, f->target) != 0) return give_up(f, err, "cannot give the file its name");
    if (f->tmp && !roma_sync_folder(f->target)) code = roma_fail_errno(err, f->path, "cannot bring the folder to disk");
    release(f);
    return code;
}

void roma_outfile_abort(roma_outfile *f) {
    if (!f->path && !f->target && !f->buf) return;
    if (f->fd >= 0) close(f->fd);
    if (f->device >= 0) close(f->device);
    if (f->tmp) unlink(f->tmp);
    release(f);
}
