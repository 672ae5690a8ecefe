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

int roma_map_open(roma_map *m, const char *path, roma_error *err) {
    int code;
    struct stat st;
    char *copy = NULL;
    roma_file *entry = NULL;
    *m = (roma_map){0};
    /* O_NONBLOCK: a named pipe without a writer must be refused, not waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return roma_fail_open(err, path);
    if (fstat(fd, &st) != 0) {
        code = roma_fail_errno(err, path, "cannot look at the file");
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        code = roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "%s; give the path of a file on disk",
                         S_ISDIR(st.st_mode) ? "this is a folder" : "not a regular file");
        goto out;
    }
    if (st.st_size <= 0) {
        code = roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "the file is empty; fetch or make it again");
        goto out;
    }
    code = roma_files_maps(path, &st, &entry, err);
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
    roma_free(copy);
    close(fd);
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
