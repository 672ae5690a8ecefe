/* Output folders: whole or not at all, in the place of their like and of nothing else. */
#include "../test.h"
#include "folder.h"
#include "scarce.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const names[] = {"a", "b", NULL};

/* Puts files of one letter in it: "a", "b" or both. */
static int fill(roma_outdir *d, const char *which, const char *text, roma_error *e) {
    int rc = ROMA_OK;
    for (const char *p = which; !rc && *p; p++) {
        roma_outfile f;
        const char name[2] = {*p, 0};
        rc = roma_outdir_file(d, name, &f, e);
        if (!rc) rc = roma_outfile_write(&f, text, strlen(text), e);
        if (!rc) rc = roma_outfile_commit(&f, e);
        roma_outfile_abort(&f);
    }
    return rc;
}

static int make(const char *path, const char *which, const char *text, roma_error *e) {
    roma_outdir d;
    int rc = roma_outdir_open(&d, path, names, e);
    if (!rc) rc = fill(&d, which, text, e);
    if (!rc) rc = roma_outdir_commit(&d, e);
    roma_outdir_abort(&d);
    return rc;
}

static bool holds(const char *path, const char *text) {
    char got[32] = "";
    FILE *f = fopen(path, "rb");
    if (!f) return text == NULL;
    got[fread(got, 1, sizeof got - 1, f)] = 0;
    fclose(f);
    return text && strcmp(got, text) == 0;
}

static void empty(const char *path) {
    char file[600];
    for (size_t i = 0; names[i]; i++) {
        snprintf(file, sizeof file, "%s/%s", path, names[i]);
        unlink(file);
    }
    CHECK_EQ(rmdir(path), 0);
}

static void test_made(void) {
    roma_error e;
    roma_outdir d;
    CHECK_EQ(roma_outdir_open(&d, in_folder("d/"), names, &e), ROMA_OK); /* a slash at the end is no other folder */
    CHECK_EQ(fill(&d, "ab", "one", &e), ROMA_OK);
    CHECK(access(in_folder("d"), F_OK) != 0);
    CHECK_EQ(entries(), 1);
    CHECK_EQ(roma_outdir_commit(&d, &e), ROMA_OK);
    roma_outdir_abort(&d); /* nothing */
    CHECK(holds(in_folder("d/a"), "one") && holds(in_folder("d/b"), "one"));
    CHECK_EQ(entries(), 1);
    CHECK_EQ(make(in_folder("d"), "a", "two", &e), ROMA_OK); /* its like is replaced, b goes */
    CHECK(holds(in_folder("d/a"), "two") && holds(in_folder("d/b"), NULL));
    CHECK_EQ(symlink("d", in_folder("link")), 0);
    CHECK_EQ(make(in_folder("link"), "b", "three", &e), ROMA_OK); /* the link stays */
    CHECK(holds(in_folder("d/b"), "three") && holds(in_folder("d/a"), NULL) && holds(in_folder("link/b"), "three"));
    CHECK_EQ(entries(), 2);
    CHECK_EQ(roma_outdir_open(&d, in_folder("d"), names, &e), ROMA_OK);
    CHECK_EQ(fill(&d, "a", "four", &e), ROMA_OK);
    roma_outdir_abort(&d);
    CHECK(holds(in_folder("d/b"), "three") && holds(in_folder("d/a"), NULL));
    CHECK_EQ(entries(), 2);
    unlink(in_folder("link"));
    empty(in_folder("d"));
    CHECK_EQ(mkdir(in_folder("d"), 0700), 0); /* an empty one */
    CHECK_EQ(make(in_folder("d"), "a", "five", &e), ROMA_OK);
    empty(in_folder("d"));
}

/* A disk that is full, by the limit of a file's size: the message names the folder that was asked for. */
static void test_full(void) {
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        roma_error e;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &none);
        const int rc = make(in_folder("d"), "a", "x", &e);
        _exit(rc != ROMA_EIO || strcmp(e.file, in_folder("d/a")) != 0 || entries() != 0);
    }
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

static void test_refused(void) {
    roma_error e;
    roma_outdir d;
    roma_outfile f;
    CHECK_EQ(mkdir(in_folder("d"), 0700), 0);
    close(open(in_folder("d/letter"), O_CREAT | O_WRONLY, 0600));
    CHECK_EQ(make(in_folder("d"), "a", "x", &e), ROMA_EUSAGE);
    CHECK(strstr(e.text, "letter") != NULL);
    CHECK_EQ(make(in_folder("d/letter"), "a", "x", &e), ROMA_EUSAGE); /* a file */
    CHECK_EQ(symlink("nowhere", in_folder("dangling")), 0);
    CHECK_EQ(make(in_folder("dangling"), "a", "x", &e), ROMA_EUSAGE);
    CHECK_EQ(make(in_folder("none/d"), "a", "x", &e), ROMA_EIO);
    CHECK_EQ(make("", "a", "x", &e), ROMA_EUSAGE);
    CHECK_EQ(make(".", "a", "x", &e), ROMA_EUSAGE);
    CHECK_EQ(make(in_folder("new"), "c", "x", &e), ROMA_EINTERNAL); /* a name that was not announced */
    CHECK(access(in_folder("new"), F_OK) != 0);
    unlink(in_folder("dangling"));
    CHECK_EQ(entries(), 1);
    CHECK_EQ(roma_outdir_open(&d, in_folder("new"), names, &e), ROMA_OK);
    CHECK_EQ(mkdir(in_folder("new"), 0700), 0); /* meanwhile */
    CHECK_EQ(roma_outdir_commit(&d, &e), ROMA_EIO);
    CHECK_EQ(roma_outdir_file(&d, "a", &f, &e), ROMA_EINTERNAL);
    CHECK_EQ(entries(), 2);
    rmdir(in_folder("new"));
    unlink(in_folder("d/letter"));
    rmdir(in_folder("d"));
}

static void test_scarce(void) {
    roma_error e;
    int n = 0, rc;
    do {
        scarce_begin(n++);
        rc = make(in_folder("d"), "ab", "x", &e);
        roma_allocator_set(NULL);
        CHECK_EQ(scarce_outstanding, 0);
        CHECK_EQ(entries(), rc ? 0 : 1);
    } while (rc && n < 100);
    CHECK_EQ(rc, ROMA_OK);
    CHECK(n > 8);
    empty(in_folder("d"));
}

/* A writer that was killed leaves its folder to the next one, who removes it; what is no writer's of the same names, or
 * lives, stays. */
static void test_killed(void) {
    roma_error e;
    roma_outdir d;
    const pid_t child = fork();
    if (child == 0) {
        roma_outfile f;
        int rc = roma_outdir_open(&d, in_folder("d"), names, &e);
        rc |= fill(&d, "a", "x", &e);
        rc |= roma_outdir_file(&d, "b", &f, &e); /* under a temporary name of its own */
        if (!rc) raise(SIGKILL);
        _exit(1);
    }
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(entries(), 1);
    CHECK_EQ(make(in_folder("other"), "a", "x", &e), ROMA_OK);
    CHECK_EQ(entries(), 2);
    CHECK_EQ(roma_outdir_open(&d, in_folder("d"), names, &e), ROMA_OK);
    CHECK_EQ(make(in_folder("d"), "a", "x", &e), ROMA_OK); /* beside one that is at work */
    CHECK_EQ(entries(), 3);
    roma_outdir_abort(&d);
    CHECK_EQ(entries(), 2);
    empty(in_folder("d"));
    empty(in_folder("other"));
}

/* With a list of files, a signal handler leaves nothing, and what is read is not replaced. */
static void test_list(void) {
    roma_error e;
    roma_map m;
    CHECK_EQ(make(in_folder("d"), "a", "old", &e), ROMA_OK);
    const pid_t child = fork();
    if (child == 0) {
        static roma_files list;
        roma_outdir d;
        roma_outfile f;
        roma_files_use(&list);
        int rc = roma_map_open(&m, in_folder("d/a"), &e);
        if (roma_outdir_open(&d, in_folder("d"), names, &e) != ROMA_EUSAGE) _exit(2);
        rc |= roma_outdir_open(&d, in_folder("other"), names, &e);
        rc |= fill(&d, "a", "x", &e);
        rc |= roma_outdir_file(&d, "b", &f, &e);
        rc |= roma_outfile_write(&f, "half", 4, &e);
        roma_files_remove_temporaries();
        _exit(rc != 0);
    }
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(entries(), 1);
    CHECK(holds(in_folder("d/a"), "old"));
    empty(in_folder("d"));
}

int main(void) {
    snprintf(folder, sizeof folder, "/tmp/roma-outdir-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    test_made();
    test_full();
    test_refused();
    test_scarce();
    test_killed();
    test_list();
    CHECK_EQ(entries(), 0);
    rmdir(folder);
    return TEST_DONE();
}
