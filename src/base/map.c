/* Read-only file maps. */
#include "base/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* At an address where the huge pages that a file may lie in can be mapped as they are. */
const uint8_t *roma_base_map_file(int fd, uint64_t bytes) {
    const size_t size = (size_t)bytes, page = (size_t)sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page;
    uint8_t *at = roma_base_map_aligned(whole, PROT_NONE);
    if (!at) return NULL;
    void *p = mmap(at, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
    if (p != MAP_FAILED) return p;
    const int saved = errno;
    munmap(at, whole);
    errno = saved;
    return NULL;
}

/* A regular file that holds something; the caller closes *fd, which is -1 after a failure to open.
 * O_NONBLOCK: a named pipe without a writer must be refused, not waited for. */
static int open_regular(const char *path, int *fd, struct stat *st, roma_error *err) {
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0) return roma_fail_open(err, path);
    if (fstat(*fd, st) != 0) return roma_fail_errno(err, path, "cannot look at the file");
    if (S_ISDIR(st->st_mode)) {
        const char *kind = roma_kind_of_folder(path);
        return roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "this is %s%s", kind,
                         strchr(kind, ';') ? "" : "; give the path of a file on disk");
    }
    if (!S_ISREG(st->st_mode))
        return roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "not a regular file; give the path of a file on disk");
    if (st->st_size <= 0)
        return roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "the file is empty; fetch or make it again");
    return ROMA_OK;
}

int roma_map_open(roma_map *m, const char *path, roma_error *err) {
    int fd;
    struct stat st;
    char *copy = NULL;
    roma_file *entry = NULL;
    *m = (roma_map){0};
    int code = open_regular(path, &fd, &st, err);
    if (!code) code = roma_files_maps(path, &st, &entry, err);
    if (code) goto out;
    size_t path_size = strlen(path) + 1;
    copy = roma_alloc(path_size);
    if (!copy) {
        code = roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory to keep the path");
        goto out;
    }
    memcpy(copy, path, path_size);
    const uint8_t *p = roma_base_map_file(fd, (uint64_t)st.st_size);
    if (!p) {
        code = roma_fail_errno(err, path, "cannot map the file");
        goto out;
    }
    *m = (roma_map){.data = p, .size = (uint64_t)st.st_size, .path = copy};
    roma_files_mapped(entry, p, m->size);
    copy = NULL;
    code = ROMA_OK;
out:
    if (code) roma_files_mapped(entry, NULL, 0);
    roma_free(copy);
    if (fd >= 0) close(fd);
    return code;
}

void roma_map_close(roma_map *m) {
    if (m->data) roma_files_unmapped(m->data);
    if (m->data) munmap((void *)(uintptr_t)m->data, (size_t)m->size);
    roma_free(m->path);
    *m = (roma_map){0};
}

void roma_map_forget(const void *p, uint64_t n) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)p + page - 1) / page * page,
                    to = ((uintptr_t)p + n) / page * page;
    if (to > from) (void)madvise((void *)from, to - from, MADV_DONTNEED);
}

/* A wish; most file systems have no huge pages to give and say so, which harms nothing. */
void roma_map_advise_huge(const roma_map *m) {
    if (m->data) (void)madvise((void *)(uintptr_t)m->data, (size_t)m->size, MADV_HUGEPAGE);
}

size_t roma_file_head(const char *path, void *out, size_t n) {
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    const ssize_t got = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, out, n) : 0;
    if (fd >= 0) close(fd);
    return got > 0 ? (size_t)got : 0;
}

static int read_all(const char *path, int fd, uint8_t *data, uint64_t size, roma_error *err) {
    for (uint64_t at = 0; at < size;) {
        const ssize_t got = pread(fd, data + at, (size_t)(size - at), (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return roma_fail_errno(err, path, "cannot read the file");
        if (!got) return roma_fail(err, ROMA_EINPUT, path, at, "the file was cut short while it was read");
        at += (uint64_t)got;
    }
    return ROMA_OK;
}

int roma_file_read(const char *path, uint64_t most, uint8_t **data, uint64_t *size, roma_error *err) {
    int fd;
    struct stat st;
    *data = NULL;
    int code = open_regular(path, &fd, &st, err);
    if (!code && (uint64_t)st.st_size > most)
        code = roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "the file has %llu bytes; at most %llu can be used here",
                         (unsigned long long)st.st_size, (unsigned long long)most);
    if (!code) {
        *size = (uint64_t)st.st_size;
        *data = roma_alloc((size_t)*size);
        code = *data ? read_all(path, fd, *data, *size, err)
                     : roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for the file's %llu bytes",
                                 (unsigned long long)*size);
    }
    if (fd >= 0) close(fd);
    if (code) roma_free(*data);
    if (code) *data = NULL;
    return code;
}
