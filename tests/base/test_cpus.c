/* How many threads are of use: the affinity's CPUs, at most a team's, or what control groups grant, whose files are
 * made here under a folder that stands for the root. */
#include "../test.h"
#include "base/internal.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int cpus = 1; /* of the affinity; 0: the system refuses, as it does when it has more than a set holds */

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set) {
    (void)pid;
    if (!cpus) return -1;
    memset(set, 0, size);
    for (int i = 0; i < cpus; i++) CPU_SET((size_t)i, set);
    return 0;
}

static void test_affinity(void) {
    static const int have[] = {1, 2, 63, 64, 65, 192, 1024};
    for (size_t i = 0; i < sizeof have / sizeof *have; i++) {
        cpus = have[i];
        const int quota = roma_cpu_quota(""), want = cpus < ROMA_TEAM_MOST ? cpus : ROMA_TEAM_MOST;
        CHECK_EQ(roma_cpu_count(), quota && quota < want ? quota : want);
        roma_team *team;
        roma_error err;
        CHECK_EQ(roma_team_create(&team, roma_cpu_count(), &err), 0); /* what a program without -t asks for */
        roma_team_destroy(team);
    }
    cpus = 0;
    CHECK(roma_cpu_count() >= 1 && roma_cpu_count() <= ROMA_TEAM_MOST);
}

/* ---- control groups ---- */

static char root[] = "/tmp/roma-test-cpus-XXXXXX";

static void put(const char *path, const char *text) {
    char name[1024];
    for (const char *slash = path; (slash = strchr(slash + 1, '/')) != NULL;) {
        snprintf(name, sizeof name, "%s%.*s", root, (int)(slash - path), path);
        mkdir(name, 0700);
    }
    snprintf(name, sizeof name, "%s%s", root, path);
    FILE *f = fopen(name, "w");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void begin(const char *groups) {
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s' && mkdir -p '%s'", root, root);
    CHECK_EQ(system(command), 0);
    if (groups) put("/proc/self/cgroup", groups);
}

static void test_v2(void) {
    static const struct {
        const char *text;
        int cpus;
    } max[] = {{"200000 100000\n", 2},
               {"150000 100000\n", 2},
               {"10000 100000\n", 1},
               {"100000 100000", 1},
               {"max 100000\n", 0},
               {"", 0},
               {"nonsense", 0},
               {"-1 100000", 0},
               {"100000 0", 0},
               {"100000", 0},
               {"6400000 100000", 0},
               {"6300000 100000", 63},
               {"99999999999999999999 1", 0}};
    for (size_t i = 0; i < sizeof max / sizeof *max; i++) {
        begin("0::/\n");
        put("/sys/fs/cgroup/cpu.max", max[i].text);
        CHECK_EQ(roma_cpu_quota(root), max[i].cpus);
    }
    begin("0::/a/b.slice/c\n"); /* the smallest of all groups around it; a file that is missing says nothing */
    put("/sys/fs/cgroup/a/b.slice/c/cpu.max", "800000 100000");
    CHECK_EQ(roma_cpu_quota(root), 8);
    put("/sys/fs/cgroup/a/cpu.max", "300000 100000");
    CHECK_EQ(roma_cpu_quota(root), 3);
    put("/sys/fs/cgroup/a/b.slice/cpu.max", "max 100000");
    put("/sys/fs/cgroup/cpu.max", "500000 100000");
    CHECK_EQ(roma_cpu_quota(root), 3);
    begin("0::/../outside\n"); /* a name that means nothing here: the mount point is the group */
    put("/sys/fs/cgroup/cpu.max", "500000 100000");
    CHECK_EQ(roma_cpu_quota(root), 5);
}

static void test_v1(void) {
    begin("12:cpuset:/docker/x\n4:cpu,cpuacct:/docker/x\n1:name=systemd:/docker/x\n0::/\n");
    CHECK_EQ(roma_cpu_quota(root), 0);
    put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    CHECK_EQ(roma_cpu_quota(root), 0);
    put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n"); /* a container sees its own group at the mount */
    CHECK_EQ(roma_cpu_quota(root), 3);
    put("/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "120000\n");
    CHECK_EQ(roma_cpu_quota(root), 3); /* without a period */
    put("/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
    CHECK_EQ(roma_cpu_quota(root), 2);
    begin("3:cpuset,cpuacct:/\n");
    put("/sys/fs/cgroup/cpuset,cpuacct/cpu.cfs_quota_us", "100000");
    put("/sys/fs/cgroup/cpuset,cpuacct/cpu.cfs_period_us", "100000");
    CHECK_EQ(roma_cpu_quota(root), 0); /* neither is the controller of time */
}

static void test_broken(void) {
    static const char *const groups[] = {"", "\n\n", ":", "::", "0::", "0:cpu", "cpu", "0::nothing\n0::/\n\xff\xff"};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        begin(groups[i]);
        CHECK_EQ(roma_cpu_quota(root), 0);
    }
    begin(NULL);
    CHECK_EQ(roma_cpu_quota(root), 0);
    static char big[20000]; /* more than is read: no line in it is whole */
    memset(big, 'a', sizeof big - 1);
    memcpy(big, "0::/", 4);
    begin(big);
    put("/sys/fs/cgroup/cpu.max", "100000 100000");
    CHECK(roma_cpu_quota(root) <= 1);
}

int main(void) {
    CHECK(mkdtemp(root));
    test_affinity();
    test_v2();
    test_v1();
    test_broken();
    begin(NULL);
    CHECK_EQ(rmdir(root), 0);
    return TEST_DONE();
}
