/* Atomic output files: temporary name beside the target, then fsync, rename, fsync of the folder.
 *
 * A file whose write failed is given up at once (closed and removed): a later commit then cannot
 * publish a file with a hole. "Open" means tmp != NULL, so that a zeroed struct is a closed file. */
#include "roma/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whole blocks at multiples of their size: file systems that keep a file in huge pages make one of each, and a ROM
 * image that lies in them is read a third faster (docs/performance.md). */
#define BUF_BYTES ((size_t)2 << 20)
/* Longest part of the target's name that the temporary name repeats: names end at 255 bytes. */
#define NAME_PART 200

static int give_up(roma_outfile *f, roma_error *err, const char *doing) {
    int code = roma_fail_errno(err, f->path, doing);
    roma_outfile_abort(f);
    return code;
}

static int check_open(const roma_outfile *f, roma_error *err) {
    if (f->tmp) return ROMA_OK;
    return roma_fail(err, ROMA_EINTERNAL, NULL, ROMA_NOWHERE, "the output file is closed or was given up");
}

/* False with errno set when the system refuses. */
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

static bool flush(roma_outfile *f) {
    if (!write_all(f->fd, f->buf, f->buf_len)) return false;
    f->buf_len = 0;
    return true;
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A rename would replace a device or a pipe by a file, and a folder cannot be replaced. */
static int check_target(const char *path, roma_error *err) {
    struct stat st;
    if (!*name_of(path))
        return roma_fail(err, ROMA_EUSAGE, path, ROMA_NOWHERE, "the path names no file; add a file name");
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return roma_fail(err, ROMA_EUSAGE, path, ROMA_NOWHERE, "not a regular file; give the path of a file on disk");
    return ROMA_OK;
}

/* Opens a fresh temporary name; f->tmp has room for it. The number differs between calls, so that threads
 * that write the same target do not meet; a leftover of a dead process with our id is stepped over. */
static int open_temporary(roma_outfile *f, size_t tmp_size) {
    static atomic_uint next;
    const char *name = name_of(f->path);
    for (int tries = 0; tries < 1000; tries++) {
        roma_print(f->tmp, tmp_size, "%.*s.%.*s.tmp-%ld-%u", (int)(name - f->path), f->path, NAME_PART, name,
                   (long)getpid(), atomic_fetch_add(&next, 1));
        int fd = open(f->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0644);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

int roma_outfile_open(roma_outfile *f, const char *path, roma_error *err) {
    *f = (roma_outfile){.fd = -1};
    int code = check_target(path, err);
    if (code) return code;
    size_t path_size = strlen(path) + 1, tmp_size = path_size + 64;
    f->path = roma_alloc(path_size);
    char *tmp = roma_alloc(tmp_size);
    f->buf = roma_alloc(BUF_BYTES);
    if (!f->path || !tmp || !f->buf) {
        code = roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for the output buffer");
        goto out;
    }
    memcpy(f->path, path, path_size);
    f->tmp = tmp;
    f->fd = open_temporary(f, tmp_size);
    if (f->fd >= 0) return ROMA_OK;
    code = roma_fail_errno(err, path, "cannot create a file in the target's folder");
out:
    roma_free(tmp);
    roma_free(f->path);
    roma_free(f->buf);
    *f = (roma_outfile){.fd = -1};
    return code;
}

int roma_outfile_write(roma_outfile *f, const void *data, size_t n, roma_error *err) {
    int code = check_open(f, err);
    if (code || !n) return code;
    for (const uint8_t *p = data; n;) {
        const size_t room = BUF_BYTES - (size_t)(f->bytes % BUF_BYTES), m = n < room ? n : room;
        if (m == BUF_BYTES) {
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
    if (offset > f->bytes || n > f->bytes - offset)
        return roma_fail(err, ROMA_EINTERNAL, f->path, offset, "a patch reaches beyond what was written");
    if (!flush(f) || !pwrite_all(f->fd, data, n, offset)) return give_up(f, err, "cannot write");
    return ROMA_OK;
}

/* Makes the new name durable. A folder that may not be read, or a file system without such a thing, is no
 * failure: the file is there and whole. */
static bool sync_folder(const char *path) {
    char folder[4096]; /* PATH_MAX: longer ones have not been opened */
    size_t n = (size_t)(name_of(path) - path);
    if (n >= sizeof folder) return true;
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
    roma_free(f->path);
    roma_free(f->tmp);
    roma_free(f->buf);
    *f = (roma_outfile){.fd = -1};
}

int roma_outfile_commit(roma_outfile *f, roma_error *err) {
    int code = check_open(f, err);
    if (code) return code;
    if (!flush(f)) return give_up(f, err, "cannot write");
    if (fsync(f->fd) != 0) return give_up(f, err, "cannot bring the file to disk");
    int fd = f->fd;
    f->fd = -1;
    if (close(fd) != 0) return give_up(f, err, "cannot close the file");
    if (rename(f->tmp, f->path) != 0) return give_up(f, err, "cannot give the file its name");
    if (!sync_folder(f->path)) code = roma_fail_errno(err, f->path, "cannot bring the folder to disk");
    release(f);
    return code;
}

void roma_outfile_abort(roma_outfile *f) {
    if (!f->tmp) return;
    if (f->fd >= 0) close(f->fd);
    unlink(f->tmp);
    release(f);
}
