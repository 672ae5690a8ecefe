/* Writing an image with a team, a report, and after a run that was killed: the same bytes, wherever the run ended, and
 * what was written before its last record is not made again. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../base/folder.h"
#include "../test.h"
#include "fixture.h"

typedef struct {
    fixture *x;
    int left;            /* tiles until the end of the process; -1: no end */
    unsigned made, seen; /* counted where there is no team */
} job;

static void tile(void *ctx, size_t tensor, uint64_t at, uint8_t *out) {
    job *j = ctx;
    if (j->left >= 0 && j->left-- == 0) raise(SIGKILL);
    j->made++;
    fixture_tile(j->x, tensor, at, out);
}
static void vector(void *ctx, size_t tensor, float *out) { fixture_vector(((job *)ctx)->x, tensor, out); }
static void see(void *ctx, size_t tensor, uint64_t at, const uint8_t *in) {
    (void)tensor, (void)at, (void)in;
    ((job *)ctx)->seen++;
}
static const char *report(void *ctx, const roma_description *d) {
    CHECK(d->n_tensors > 0);
    return ctx;
}

static int write_it(job *j, const char *path, const char *text, bool resume, uint8_t sum[32], roma_error *err) {
    roma_image_written w;
    roma_tile_source source = {
        .ctx = j, .tile = tile, .vector = vector, .see = see, .resume = resume, .job = {1, 2, 3}};
    source.report = report;
    source.report_ctx = (void *)(uintptr_t)text;
    const int rc = roma_image_write(path, &j->x->d, &j->x->vocab, "made by the tests", &source, NULL, &w, err);
    if (!rc) memcpy(sum, w.file_sha256, 32);
    return rc;
}

/* A child that dies after n tiles; false: it came to its end. */
static bool killed_after(fixture *x, const char *path, int n, const char *text, bool resume) {
    const pid_t child = fork();
    if (child < 0) abort();
    if (child == 0) {
        uint8_t sum[32];
        job j = {x, n, 0, 0};
        _exit(write_it(&j, path, text, resume, sum, NULL) != 0);
    }
    int status;
    if (waitpid(child, &status, 0) != child) abort();
    return WIFSIGNALED(status);
}

static void test_killed(fixture *x, const char *path) {
    static const char text[] = "source  nothing\n";
    uint8_t want[32], sum[32];
    roma_error err;
    job whole = {x, -1, 0, 0};
    CHECK_EQ(write_it(&whole, path, text, false, want, &err), 0);
    CHECK_EQ(whole.seen, whole.made);
    CHECK_EQ(unlink(path), 0);
    unsigned less = 0, anew = 0;
    for (int n = 0; n < (int)whole.made; n++) {
        job rest = {x, -1, 0, 0};
        CHECK(killed_after(x, path, n, text, false));
        if (n % 3 == 0) (void)killed_after(x, path, n / 2, text, true); /* and once more */
        CHECK_EQ(entries(), 1);                                         /* what is left */
        CHECK_EQ(write_it(&rest, path, text, n % 7 != 6, sum, &err), 0);
        CHECK_BYTES(sum, want, 32);
        CHECK_EQ(rest.seen, whole.made); /* each tile is seen, also those of the run before */
        CHECK(rest.made == whole.made || n % 7 != 6);
        less += rest.made < whole.made;
        anew += rest.made == whole.made;
        CHECK_EQ(entries(), 1);
        CHECK_EQ(unlink(path), 0);
    }
    CHECK(less > whole.made / 4 && anew > 0);
}

/* What is left of another job, or damaged, is of no use. */
static void test_others(fixture *x, const char *path) {
    uint8_t want[32], sum[32];
    job j = {x, -1, 0, 0}, other = {x, -1, 0, 0};
    roma_error err;
    CHECK_EQ(write_it(&j, path, "a\n", false, want, &err), 0);
    CHECK_EQ(unlink(path), 0);
    CHECK(killed_after(x, path, (int)j.made - 1, "a\n", false));
    x->d.name[0] = 'B'; /* another model */
    CHECK_EQ(write_it(&other, path, "a\n", true, sum, &err), 0);
    CHECK_EQ(other.made, j.made);
    x->d.name[0] = 'A';
    CHECK_EQ(unlink(path), 0);
    for (long at = 390; at < 14000; at += 1370) { /* a table, a vector, a tile */
        CHECK(killed_after(x, path, (int)j.made - 1, "a\n", false));
        char command[600];
        snprintf(command, sizeof command,
                 "cd %s && f=$(ls -A) && printf '\\377' | dd of=\"$f\" bs=1 seek=%ld conv=notrunc status=none", folder,
                 at);
        CHECK_EQ(system(command), 0);
        CHECK_EQ(write_it(&other, path, "a\n", true, sum, &err), ROMA_EDAMAGED);
        CHECK_HAS(err.text, "without --resume");
        CHECK_EQ(entries(), 0);
    }
}

/* A team makes the same file; the report is read back, and one that is no text is refused by the reader. */
static void test_team(fixture *x, const char *path) {
    uint8_t want[32], sum[32];
    roma_error err;
    roma_image img;
    roma_image_written w;
    job j = {x, -1, 0, 0};
    CHECK_EQ(write_it(&j, path, "one\ntwo\n", false, want, &err), 0);
    roma_tile_source source = {.ctx = x, .tile = fixture_tile, .vector = fixture_vector, .report = report};
    source.report_ctx = (void *)(uintptr_t) "one\ntwo\n";
    CHECK_EQ(roma_team_create(&source.team, 3, &err), 0);
    CHECK_EQ(roma_image_write(path, &x->d, &x->vocab, "made by the tests", &source, NULL, &w, &err), 0);
    roma_team_destroy(source.team);
    memcpy(sum, w.file_sha256, 32);
    CHECK_BYTES(sum, want, 32);
    CHECK_EQ(roma_image_open(&img, path, 0, NULL, &err), 0);
    CHECK(img.report_bytes == 8 && memcmp(img.report, "one\ntwo\n", 8) == 0);
    roma_image_close(&img);
    CHECK_EQ(write_it(&j, path, "tab\t\n", false, sum, &err), 0);
    CHECK_EQ(roma_image_open(&img, path, 0, NULL, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "not printable ASCII");
    CHECK_EQ(write_it(&j, path, NULL, false, sum, &err), ROMA_ENOMEM);
    CHECK_EQ(unlink(path), 0);
}

int main(void) {
    static fixture x;
    snprintf(folder, sizeof folder, "/tmp/roma-test-resume-XXXXXX");
    if (!mkdtemp(folder)) abort();
    const char *path = in_folder("a.roma");
    fixture_init(&x, ROMA_ARCH_LLAMA, 64, 0, ROMA_TOK_BPE);
    test_killed(&x, path);
    test_others(&x, path);
    test_team(&x, path);
    CHECK_EQ(rmdir(folder), 0);
    return TEST_DONE();
}
