/* Temporary names beside a target: .NAME.tmp-PID-PLACE-NUMBER. The writer's process id says whether the writer lives;
 * the place tells hosts and process namespaces that share a folder apart, since ids mean nothing across them. */
#include "base/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Longest part of the target's name that the temporary name repeats: names end at 255 bytes. */
#define NAME_PART 190

static uint32_t place(void) {
    struct {
        char host[65];
        uint64_t namespace;
    } key;
    struct utsname u;
    struct stat st;
    memset(&key, 0, sizeof key);
    if (uname(&u) == 0) memcpy(key.host, u.nodename, strnlen(u.nodename, sizeof key.host - 1));
    if (stat("/proc/self/ns/pid", &st) == 0) key.namespace = st.st_ino;
    return roma_crc32c(0, &key, sizeof key);
}

/* The number differs between calls, so that threads that write the same target do not meet. */
void roma_temporary_name(const char *target, char *tmp, size_t cap) {
    static atomic_uint next;
    const char *name = roma_target_name(target);
    roma_print(tmp, cap, "%.*s.%.*s.tmp-%ld-%08x-%u", (int)(name - target), target, NAME_PART, name, (long)getpid(),
               place(), atomic_fetch_add(&next, 1));
}

/* A leftover of a dead process that had our id is stepped over. The name is on the list before there is a file. */
int roma_temporary_open(const char *target, char *tmp, mode_t mode, roma_file *entry) {
    for (int tries = 0; tries < 1000; tries++) {
        roma_temporary_name(target, tmp, ROMA_TARGET_PATH + ROMA_TEMPORARY_EXTRA);
        roma_files_temporary(entry, tmp);
        const int fd = open(tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, mode);
        if (fd >= 0) return fd;
        roma_files_temporary(entry, NULL);
        if (errno != EEXIST) return -1;
    }
    return -1;
}

/* Whether a name of the folder is of a dead writer of this place. An id in use may be another process's by now:
 * then the leftover stays until that one is gone. */
static bool is_left(const char *entry, const char *prefix, size_t n) {
    char *end;
    if (strncmp(entry, prefix, n) != 0 || entry[n] < '1' || entry[n] > '9') return false;
    const long pid = strtol(entry + n, &end, 10);
    if (*end != '-' || pid <= 0 || pid > INT32_MAX) return false;
    const char *tag = end + 1;
    const unsigned long of = strtoul(tag, &end, 16);
    if (end != tag + 8 || *end != '-' || of != place()) return false;
    end += 1;
    if (!*end || end[strspn(end, "0123456789")]) return false;
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* A folder of a dead writer with the files of these names in it, complete or not. What holds anything else stays. */
static void remove_folder(int at, const char *entry, const char *const names[]) {
    char prefix[NAME_PART + 16];
    const int fd = openat(at, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    for (const struct dirent *e; d && (e = readdir(d));)
        for (size_t i = 0; names[i]; i++) {
            const size_t len = (size_t)roma_print(prefix, sizeof prefix, ".%.*s.tmp-", NAME_PART, names[i]);
            if (strcmp(e->d_name, names[i]) == 0 || is_left(e->d_name, prefix, len)) unlinkat(fd, e->d_name, 0);
        }
    if (d)
        closedir(d);
    else if (fd >= 0)
        close(fd);
    unlinkat(at, entry, AT_REMOVEDIR);
}

/* The largest leftover takes the name of a temporary of ours, so that nobody else can take it over too. */
int roma_temporary_adopt(const char *target, char *tmp, roma_file *entry, uint64_t *bytes) {
    char prefix[NAME_PART + 16], folder[ROMA_TARGET_PATH], best[NAME_PART + 80] = "";
    const char *name = roma_target_name(target);
    const size_t n = (size_t)(name - target);
    struct stat st;
    off_t most = 0;
    int fd = -1;
    memcpy(folder, n ? target : ".", n ? n : 1);
    folder[n ? n : 1] = 0;
    const size_t len = (size_t)roma_print(prefix, sizeof prefix, ".%.*s.tmp-", NAME_PART, name);
    DIR *d = opendir(folder);
    for (const struct dirent *e; d && (e = readdir(d));) {
        if (!is_left(e->d_name, prefix, len) || strlen(e->d_name) >= sizeof best ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) || st.st_size <= most ||
            st.st_uid != geteuid() || st.st_nlink != 1)
            continue;
        most = st.st_size;
        roma_print(best, sizeof best, "%s", e->d_name);
    }
    if (d && best[0]) {
        roma_temporary_name(target, tmp, ROMA_TARGET_PATH + ROMA_TEMPORARY_EXTRA);
        roma_files_temporary(entry, tmp);
        if (renameat(dirfd(d), best, AT_FDCWD, tmp) == 0) fd = open(tmp, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
        if (fd < 0 || fstat(fd, &st) != 0 || lseek(fd, 0, SEEK_END) != st.st_size) {
            if (fd >= 0) close(fd);
            unlink(tmp);
            roma_files_temporary(entry, NULL);
            fd = -1;
        } else
            *bytes = (uint64_t)st.st_size;
    }
    if (d) closedir(d);
    return fd;
}

void roma_temporary_sweep(const char *target, const char *const names[]) {
    char prefix[NAME_PART + 16], folder[ROMA_TARGET_PATH];
    const char *name = roma_target_name(target);
    const size_t n = (size_t)(name - target);
    struct stat st;
    memcpy(folder, n ? target : ".", n ? n : 1);
    folder[n ? n : 1] = 0;
    const size_t len = (size_t)roma_print(prefix, sizeof prefix, ".%.*s.tmp-", NAME_PART, name);
    DIR *d = opendir(folder);
    for (const struct dirent *e; d && (e = readdir(d));) {
        if (!is_left(e->d_name, prefix, len) || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (S_ISREG(st.st_mode) && !names) unlinkat(dirfd(d), e->d_name, 0);
        if (S_ISDIR(st.st_mode) && names) remove_folder(dirfd(d), e->d_name, names);
    }
    if (d) closedir(d);
}
