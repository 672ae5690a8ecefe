/* How many CPUs this process may use: those of its affinity, as many as its control groups grant time of, and no more
 * than a team has threads.
 *
 * A container with two CPUs' worth of time (docker --cpus=2, a pod's limit) sees all CPUs of its host. A thread on each
 * would use up a period's time at once, and all of them then stand still until the next. */
#include "base/internal.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = 4096, PATH = 4608 };

/* A small file as text; "" when it cannot be read. */
static const char *read_text(const char *path, char text[TEXT]) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, TEXT - 1);
    text[n > 0 ? n : 0] = 0;
    if (fd >= 0) close(fd);
    return text;
}

/* CPUs of a quota for each period, part of one counting as one; 0: no limit. */
static int cpus_of(long long quota, long long period) {
    if (quota <= 0 || period <= 0 || quota / period >= ROMA_TEAM_MOST) return 0;
    return (int)((quota + period - 1) / period);
}

/* Control groups of version 2 tell "QUOTA PERIOD" or "max PERIOD", of version 1 each in a file, -1 for none. */
static int limit_of(const char *folder, bool is_v2) {
    char path[PATH + 32], text[TEXT];
    if (is_v2) {
        char *end;
        roma_print(path, sizeof path, "%s/cpu.max", folder);
        const long long quota = strtoll(read_text(path, text), &end, 10);
        return cpus_of(quota, strtoll(end, NULL, 10));
    }
    roma_print(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    const long long quota = strtoll(read_text(path, text), NULL, 10);
    roma_print(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    return cpus_of(quota, strtoll(read_text(path, text), NULL, 10));
}

/* The smallest limit of a group and of all groups around it, up to the mount point, which in a container may be the
 * group itself whatever its name is outside. */
static int limit_along(const char *mount, const char *group, bool is_v2) {
    char folder[PATH];
    int least = 0;
    roma_print(folder, sizeof folder, "%s%s", mount, group);
    for (size_t n = strlen(folder); n >= strlen(mount); n--) {
        if (n > strlen(mount) && folder[n] != '/' && folder[n] != 0) continue;
        folder[n] = 0;
        const int limit = limit_of(folder, is_v2);
        if (limit && (!least || limit < least)) least = limit;
    }
    return least;
}

/* Whether a line's list of controllers, "cpu,cpuacct", has the CPU's. */
static bool has_cpu(const char *list) {
    for (const char *p = list; (p = strstr(p, "cpu")) != NULL; p += 3)
        if ((p == list || p[-1] == ',') && (p[3] == 0 || p[3] == ',')) return true;
    return false;
}

int roma_cpu_quota(const char *root) {
    char path[PATH], groups[TEXT], *rest = NULL;
    int least = 0;
    roma_print(path, sizeof path, "%s/proc/self/cgroup", root);
    read_text(path, groups);
    for (char *line = strtok_r(groups, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *list = strchr(line, ':'), *group = list ? strchr(list + 1, ':') : NULL;
        if (!group) continue;
        *group++ = 0;
        const bool is_v2 = !*++list;
        if (!is_v2 && !has_cpu(list)) continue;
        roma_print(path, sizeof path, "%s/sys/fs/cgroup%s%s", root, is_v2 ? "" : "/", is_v2 ? "" : list);
        const int limit = limit_along(path, group, is_v2);
        if (limit && (!least || limit < least)) least = limit;
    }
    return least;
}

int roma_cpu_count(void) {
    cpu_set_t set;
    long n = sched_getaffinity(0, sizeof set, &set) == 0
                 ? CPU_COUNT(&set)
                 : sysconf(_SC_NPROCESSORS_ONLN); /* more CPUs than the set has room for */
    const int quota = roma_cpu_quota("");
    if (quota && quota < n) n = quota;
    return n < 1 ? 1 : n > ROMA_TEAM_MOST ? ROMA_TEAM_MOST : (int)n;
}
