/* Mapped files and atomic output files, the good ways and the refused ones. */
#include "../test.h"
#include "folder.h"
#include "scarce.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The lowest free descriptor: the same before and after means that none leaked. */
static int lowest_fd(void) {
    int fd = dup(0);
    close(fd);
    return fd;
}

static void put_file(const char *path, const void *data, size_t n) {
    FILE *f = fopen(path, "wb");
    CHECK(f != NULL);
    if (!f) return;
    CHECK_EQ(fwrite(data, 1, n, f), n);
    CHECK_EQ(fclose(f), 0);
}

static bool file_is(const char *path, const void *data, size_t n) {
    roma_map m;
    if (roma_map_open(&m, path, NULL)) return false;
    bool same = m.size == n && memcmp(m.data, data, n) == 0;
    roma_map_close(&m);
    return same;
}

static void test_map(void) {
    roma_map m;
    roma_error e;
    const char *path = in_folder("data");
    put_file(path, "hello", 5);
    CHECK_EQ(roma_map_open(&m, path, &e), ROMA_OK);
    CHECK_EQ(m.size, 5);
    CHECK(m.data && memcmp(m.data, "hello", 5) == 0);
    CHECK(m.path != path);
    CHECK_STR(m.path, path);
    roma_map_advise_huge(&m);
    roma_map_close(&m);
    CHECK(m.data == NULL && m.path == NULL);
    roma_map_close(&m);
    roma_map_advise_huge(&m);
    unlink(path);
}

static void test_map_refused(void) {
    roma_map m;
    roma_error e;
    int fd = lowest_fd();
    CHECK_EQ(roma_map_open(&m, in_folder("missing"), &e), ROMA_EINPUT);
    CHECK_STR(e.file, in_folder("missing"));
    CHECK_STR(e.text, "there is no such file");
    CHECK(m.data == NULL);
    CHECK_EQ(roma_map_open(&m, folder, &e), ROMA_EINPUT);
    CHECK(strstr(e.text, "this is a folder") != NULL);
    CHECK_EQ(roma_map_open(&m, "/dev/null", &e), ROMA_EINPUT);
    put_file(in_folder("empty"), "", 0);
    CHECK_EQ(roma_map_open(&m, in_folder("empty"), &e), ROMA_EINPUT);
    CHECK(strstr(e.text, "empty") != NULL);
    unlink(in_folder("empty"));
    CHECK_EQ(mkfifo(in_folder("pipe"), 0600), 0);
    CHECK_EQ(roma_map_open(&m, in_folder("pipe"), &e), ROMA_EINPUT); /* and does not wait for a writer */
    unlink(in_folder("pipe"));

    put_file(in_folder("data"), "x", 1);
    scarce_begin(0);
    CHECK_EQ(roma_map_open(&m, in_folder("data"), &e), ROMA_ENOMEM);
    roma_allocator_set(NULL);
    CHECK(m.data == NULL && m.path == NULL);
    unlink(in_folder("data"));
    CHECK_EQ(lowest_fd(), fd);
}

static void test_head(void) {
    char head[8] = "";
    const int fd = lowest_fd();
    put_file(in_folder("short"), "abc", 3);
    put_file(in_folder("long"), "abcdefghijk", 11);
    CHECK_EQ(roma_file_head(in_folder("short"), head, sizeof head), 3);
    CHECK_BYTES(head, "abc", 3);
    CHECK_EQ(roma_file_head(in_folder("long"), head, sizeof head), 8);
    CHECK_BYTES(head, "abcdefgh", 8);
    CHECK_EQ(mkfifo(in_folder("pipe"), 0600), 0);
    CHECK_EQ(roma_file_head(in_folder("pipe"), head, sizeof head), 0);
    CHECK_EQ(roma_file_head(in_folder("none"), head, sizeof head), 0);
    CHECK_EQ(roma_file_head(folder, head, sizeof head), 0);
    CHECK_EQ(roma_file_head("/dev/zero", head, sizeof head), 0);
    CHECK_EQ(lowest_fd(), fd);
    unlink(in_folder("short"));
    unlink(in_folder("long"));
    unlink(in_folder("pipe"));
}

static void test_out(void) {
    roma_outfile f;
    roma_error e;
    struct stat st;
    const char *path = in_folder("out");
    mode_t mask = umask(027);
    CHECK_EQ(roma_outfile_open(&f, path, &e), ROMA_OK);
    CHECK(access(path, F_OK) != 0);
    CHECK_EQ(entries(), 1);
    CHECK(strncmp(strrchr(f.tmp, '/'), "/.out.tmp-", 10) == 0);
    CHECK_EQ(roma_outfile_write(&f, "hello ", 6, &e), ROMA_OK);
    CHECK_EQ(roma_outfile_write(&f, NULL, 0, &e), ROMA_OK);
    CHECK_EQ(roma_outfile_write(&f, "world", 5, &e), ROMA_OK);
    CHECK_EQ(f.bytes, 11);
    CHECK_EQ(roma_outfile_patch(&f, 0, "J", 1, &e), ROMA_OK);
    CHECK_EQ(roma_outfile_write(&f, "!", 1, &e), ROMA_OK);
    CHECK_EQ(roma_outfile_patch(&f, 10, "D?", 2, &e), ROMA_OK);
    CHECK_EQ(f.bytes, 12);
    CHECK(access(path, F_OK) != 0);
    CHECK_EQ(roma_outfile_commit(&f, &e), ROMA_OK);
    umask(mask);
    CHECK(file_is(path, "Jello worlD?", 12));
    CHECK_EQ(entries(), 1);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
    roma_outfile_abort(&f); /* harmless after commit */
    CHECK(f.tmp == NULL && access(path, F_OK) == 0);

    /* a second file takes the name over whole; the old one stays until then */
    CHECK_EQ(roma_outfile_open(&f, path, NULL), ROMA_OK);
    CHECK_EQ(roma_outfile_write(&f, "new", 3, NULL), ROMA_OK);
    CHECK(file_is(path, "Jello worlD?", 12));
    CHECK_EQ(roma_outfile_commit(&f, NULL), ROMA_OK);
    CHECK(file_is(path, "new", 3));
    unlink(path);
}

/* Pieces around the buffer's size, patched at random, against the same done in memory. */
static void test_out_large(void) {
    enum { N = 5000000 };
    uint8_t *data = malloc(N);
    if (!data) return;
    for (size_t i = 0; i < N; i++) data[i] = (uint8_t)(roma_random(6, i / 8) >> i % 8 * 8);
    for (uint64_t k = 0; k < 4; k++) {
        roma_outfile f;
        size_t at = 0;
        CHECK_EQ(roma_outfile_open(&f, in_folder("large"), NULL), ROMA_OK);
        for (uint64_t i = 0; at < N; i++) {
            size_t n = k == 0 ? 1u << 20 : k == 1 ? (1u << 20) + 1 : roma_random(k, i) % (k == 2 ? 100000 : 3000000);
            if (n > N - at) n = N - at;
            CHECK_EQ(roma_outfile_write(&f, data + at, n, NULL), ROMA_OK);
            at += n;
            size_t from = roma_random(7 + k, i) % (at + !at), len = roma_random(17 + k, i) % 1000;
            if (len > at - from) len = at - from;
            for (size_t j = from; j < from + len; j++) data[j] ^= 0x55;
            CHECK_EQ(roma_outfile_patch(&f, from, data + from, len, NULL), ROMA_OK);
        }
        CHECK_EQ(f.bytes, N);
        CHECK_EQ(roma_outfile_commit(&f, NULL), ROMA_OK);
        CHECK(file_is(in_folder("large"), data, N));
    }
    unlink(in_folder("large"));
    free(data);
}

static void test_out_abort(void) {
    roma_outfile f = {0}, g;
    roma_error e;
    int fd = lowest_fd();
    roma_outfile_abort(&f); /* of a zeroed struct */
    CHECK_EQ(lowest_fd(), fd);
    CHECK_EQ(roma_outfile_open(&f, in_folder("gone"), NULL), ROMA_OK);
    CHECK_EQ(roma_outfile_open(&g, in_folder("gone"), NULL), ROMA_OK); /* two writers of one name */
    CHECK_EQ(entries(), 2);
    CHECK_EQ(roma_outfile_write(&f, "x", 1, NULL), ROMA_OK);
    roma_outfile_abort(&f);
    roma_outfile_abort(&g);
    CHECK_EQ(entries(), 0);
    CHECK_EQ(lowest_fd(), fd);
    roma_outfile_abort(&f);
    CHECK_EQ(roma_outfile_write(&f, "x", 1, &e), ROMA_EINTERNAL);
    CHECK_EQ(roma_outfile_patch(&f, 0, "x", 1, &e), ROMA_EINTERNAL);
    CHECK_EQ(roma_outfile_commit(&f, &e), ROMA_EINTERNAL);
}

static void test_out_refused(void) {
    roma_outfile f;
    roma_error e;
    int fd = lowest_fd();
    CHECK_EQ(roma_outfile_open(&f, in_folder("no/such"), &e), ROMA_EIO);
    CHECK_EQ(roma_outfile_open(&f, folder, &e), ROMA_EUSAGE);
    CHECK_EQ(roma_outfile_open(&f, "", &e), ROMA_EUSAGE);
    CHECK_EQ(roma_outfile_open(&f, in_folder("no/"), &e), ROMA_EUSAGE);
    CHECK(f.tmp == NULL);
    for (int allowed = 0; allowed < 4; allowed++) {
        scarce_begin(allowed);
        CHECK_EQ(roma_outfile_open(&f, in_folder("x"), &e), ROMA_ENOMEM);
        roma_allocator_set(NULL);
    }
    CHECK_EQ(entries(), 0);

    CHECK_EQ(roma_outfile_open(&f, in_folder("x"), NULL), ROMA_OK);
    CHECK_EQ(roma_outfile_write(&f, "abc", 3, NULL), ROMA_OK);
    CHECK_EQ(roma_outfile_patch(&f, 2, "xy", 2, &e), ROMA_EINTERNAL);
    CHECK_EQ(roma_outfile_patch(&f, UINT64_MAX, "xy", 2, &e), ROMA_EINTERNAL);
    /* the target has become a folder: commit fails and leaves nothing */
    CHECK_EQ(mkdir(in_folder("x"), 0700), 0);
    CHECK_EQ(roma_outfile_commit(&f, &e), ROMA_EIO);
    CHECK_STR(e.file, in_folder("x"));
    CHECK_EQ(entries(), 1);
    rmdir(in_folder("x"));
    CHECK_EQ(lowest_fd(), fd);
}

/* A name near the longest there is, and a name without a folder. */
static void test_out_names(void) {
    roma_outfile f;
    char name[256], here[512];
    memset(name, 'n', 255);
    name[255] = 0;
    CHECK_EQ(roma_outfile_open(&f, in_folder(name), NULL), ROMA_OK);
    CHECK_EQ(roma_outfile_write(&f, "1", 1, NULL), ROMA_OK);
    CHECK_EQ(roma_outfile_commit(&f, NULL), ROMA_OK);
    CHECK(file_is(in_folder(name), "1", 1));
    unlink(in_folder(name));

    CHECK(getcwd(here, sizeof here) != NULL);
    CHECK_EQ(chdir(folder), 0);
    CHECK_EQ(roma_outfile_open(&f, "plain", NULL), ROMA_OK);
    CHECK_EQ(roma_outfile_write(&f, "2", 1, NULL), ROMA_OK);
    CHECK_EQ(roma_outfile_commit(&f, NULL), ROMA_OK);
    CHECK(file_is("plain", "2", 1));
    unlink("plain");
    CHECK_EQ(chdir(here), 0);
}

/* The disk is full, played by a limit on file sizes: the write that meets it gives the file up. */
static int full_disk(bool at_commit) {
    struct rlimit limit = {1000, 1000};
    roma_outfile f;
    roma_error e;
    static uint8_t data[3 << 20];
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    if (roma_outfile_open(&f, in_folder("full"), &e)) return 1;
    int code = roma_outfile_write(&f, data, at_commit ? 2000 : sizeof data, &e);
    if (at_commit != (code == ROMA_OK)) return 2;
    if (at_commit && roma_outfile_commit(&f, &e) != ROMA_EIO) return 3;
    if (!strstr(e.text, "cannot write: ") || strcmp(e.file, in_folder("full")) != 0) return 4;
    if (roma_outfile_commit(&f, &e) != ROMA_EINTERNAL) return 5; /* given up: nothing to publish */
    return entries();
}

static void test_out_full(void) {
    for (int at_commit = 0; at_commit < 2; at_commit++) {
        pid_t pid = fork();
        if (pid == 0) _exit(full_disk(at_commit));
        int status = -1;
        CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
        CHECK_EQ(status, 0);
    }
    CHECK_EQ(entries(), 0);
}

/* A leftover of a dead process that had our id is stepped over and left alone. */
static void test_out_leftover(void) {
    roma_outfile f;
    char left[600], beside[512];
    unsigned n;
    CHECK_EQ(roma_outfile_open(&f, in_folder("y"), NULL), ROMA_OK);
    CHECK_EQ(sscanf(strrchr(f.tmp, '-'), "-%u", &n), 1);
    snprintf(beside, sizeof beside, "%s", f.tmp);
    roma_outfile_abort(&f);
    snprintf(left, sizeof left, "%.*s-%u", (int)(strrchr(beside, '-') - beside), beside, n + 1);
    put_file(left, "old", 3);
    CHECK_EQ(roma_outfile_open(&f, in_folder("y"), NULL), ROMA_OK);
    CHECK_EQ(roma_outfile_write(&f, "new", 3, NULL), ROMA_OK);
    CHECK_EQ(roma_outfile_commit(&f, NULL), ROMA_OK);
    CHECK(file_is(in_folder("y"), "new", 3));
    CHECK(file_is(left, "old", 3));
    unlink(left);
    unlink(in_folder("y"));
}

/* ---- links, devices, modes ---- */

static bool write_text(const char *path, const char *text) {
    roma_outfile f;
    if (roma_outfile_open(&f, path, NULL) || roma_outfile_write(&f, text, strlen(text), NULL)) return false;
    return roma_outfile_commit(&f, NULL) == ROMA_OK;
}

static bool is_link(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static void test_out_links(void) {
    roma_outfile f;
    roma_error e;
    struct stat st;
    CHECK_EQ(symlink("b", in_folder("a")), 0);
    CHECK_EQ(symlink(in_folder("c"), in_folder("b")), 0);
    CHECK(write_text(in_folder("a"), "one")); /* c is not there yet */
    CHECK(file_is(in_folder("c"), "one", 3));
    CHECK_EQ(chmod(in_folder("c"), 0604), 0);
    CHECK(write_text(in_folder("a"), "two"));
    CHECK(file_is(in_folder("c"), "two", 3));
    CHECK(stat(in_folder("c"), &st) == 0 && (st.st_mode & 07777) == 0604);
    CHECK(is_link(in_folder("a")) && is_link(in_folder("b")));
    unlink(in_folder("b"));
    CHECK_EQ(symlink("a", in_folder("b")), 0);
    CHECK_EQ(roma_outfile_open(&f, in_folder("a"), &e), ROMA_EUSAGE);
    CHECK(strstr(e.text, "circle") != NULL);
    for (const char *const *p = (const char *[]){"a", "b", "c", NULL}; *p; p++) unlink(in_folder(*p));
    CHECK_EQ(entries(), 0);
}

static void test_out_devices(void) {
    roma_outfile f;
    roma_error e;
    roma_map m;
    char got[8] = "";
    int end[2];
    CHECK(write_text("/dev/null", "gone"));
    CHECK(!write_text("/dev/full", "gone"));
    CHECK_EQ(pipe(end), 0);
    snprintf(got, sizeof got, "%d", end[1]);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%s", got);
    /* what has gone out can be neither patched nor mapped, what is kept can */
    CHECK_EQ(roma_outfile_open(&f, path, &e), ROMA_OK);
    CHECK(f.tmp == NULL);
    CHECK_EQ(roma_outfile_write(&f, "ab", 2, NULL), ROMA_OK);
    CHECK_EQ(roma_outfile_patch(&f, 0, "x", 1, NULL), ROMA_EINTERNAL);
    CHECK_EQ(roma_outfile_map(&f, &m, NULL), ROMA_EINTERNAL);
    CHECK_EQ(roma_outfile_commit(&f, NULL), ROMA_OK);
    CHECK(read(end[0], got, sizeof got) == 2 && memcmp(got, "ab", 2) == 0);
    CHECK_EQ(roma_outfile_open(&f, path, &e), ROMA_OK);
    CHECK_EQ(roma_outfile_keep(&f, &e), ROMA_OK);
    CHECK_EQ(roma_outfile_write(&f, "abc", 3, NULL), ROMA_OK);
    CHECK_EQ(roma_outfile_patch(&f, 1, "X", 1, NULL), ROMA_OK);
    CHECK_EQ(roma_outfile_map(&f, &m, NULL), ROMA_OK);
    CHECK(m.size == 3 && memcmp(m.data, "aXc", 3) == 0);
    roma_map_close(&m);
    CHECK_EQ(fcntl(end[0], F_SETFL, O_NONBLOCK), 0);
    CHECK_EQ(read(end[0], got, sizeof got), -1);
    CHECK_EQ(roma_outfile_commit(&f, NULL), ROMA_OK);
    CHECK(read(end[0], got, sizeof got) == 3 && memcmp(got, "aXc", 3) == 0);
    close(end[0]);
    CHECK(!write_text(path, "nobody reads")); /* an error, no signal */
    close(end[1]);
}

/* ---- the list of a run's files ---- */

static roma_files list;

static int announce(const char *name) {
    roma_error e;
    return roma_files_writes(in_folder(name), &e);
}

/* Opened anew a closed file has the entry from before, an open one a further one; no entry is a heap's. */
static void check_again(void) {
    const roma_file *newest = list.first;
    roma_map m, second;
    roma_error e;
    roma_heap *h;
    roma_heap_state s;
    uint64_t size;
    CHECK_EQ(roma_heap_create(&h, 1 << 16, &e), ROMA_OK);
    roma_heap_install(h);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(roma_map_open(&m, in_folder("hard"), &e), ROMA_OK);
        CHECK(list.first == newest);
        CHECK_STR(roma_files_at(m.data, &size), in_folder("hard"));
        if (i < 2) roma_map_close(&m);
    }
    CHECK_EQ(roma_map_open(&second, in_folder("hard"), &e), ROMA_OK);
    CHECK(list.first != newest);
    roma_map_close(&m);
    CHECK_STR(roma_files_at(second.data, &size), in_folder("hard"));
    roma_map_close(&second);
    roma_heap_look(h, &s);
    CHECK_EQ(s.pieces, 0u);
    roma_heap_install(NULL);
    roma_heap_destroy(h);
}

static void test_list(void) {
    roma_map m;
    roma_outfile f;
    roma_error e;
    roma_files_use(&list);
    put_file(in_folder("in"), "input", 5);
    CHECK_EQ(link(in_folder("in"), in_folder("hard")), 0);
    CHECK_EQ(symlink("in", in_folder("soft")), 0);
    CHECK_EQ(symlink("later", in_folder("dangling")), 0);
    /* the input first: no output may be it, nor once it is closed */
    CHECK_EQ(roma_map_open(&m, in_folder("hard"), &e), ROMA_OK);
    uint64_t size;
    CHECK_STR(roma_files_at(m.data + 4, &size), in_folder("hard"));
    CHECK_EQ(size, 5);
    CHECK(roma_files_at(m.data + 5, &size) == NULL);
    const uint8_t *was = m.data;
    roma_map_close(&m);
    CHECK(roma_files_at(was, &size) == NULL);
    check_again();
    CHECK_EQ(announce("in"), ROMA_EUSAGE);
    CHECK_EQ(announce("soft"), ROMA_EUSAGE);
    CHECK_EQ(roma_outfile_open(&f, in_folder("hard"), &e), ROMA_EUSAGE);
    CHECK(file_is(in_folder("in"), "input", 5));
    /* two outputs, one of them by another name of a place where there is no file yet */
    CHECK_EQ(announce("later"), ROMA_OK);
    CHECK_EQ(announce("dangling"), ROMA_EUSAGE);
    put_file(in_folder("other"), "old", 3);
    CHECK_EQ(announce("other"), ROMA_OK);
    /* announced, written, read */
    CHECK(write_text(in_folder("later"), "out"));
    CHECK(file_is(in_folder("later"), "out", 3));
    /* the output first */
    CHECK_EQ(roma_map_open(&m, in_folder("other"), &e), ROMA_EUSAGE);
    CHECK_EQ(roma_outfile_open(&f, in_folder("other"), &e), ROMA_OK);
    CHECK_EQ(roma_map_open(&m, in_folder("other"), &e), ROMA_EUSAGE);
    const char *tmp = f.tmp;
    CHECK_EQ(access(tmp, F_OK), 0);
    roma_files_remove_temporaries();
    CHECK(access(tmp, F_OK) != 0);
    roma_outfile_abort(&f);
    CHECK_EQ(announce("no/such"), ROMA_EIO);
    CHECK_EQ(roma_files_writes("/dev/null", &e), ROMA_OK);
    CHECK_EQ(roma_files_writes("/dev/null", &e), ROMA_OK);
    roma_files_use(NULL);
    for (const char *const *p = (const char *[]){"in", "hard", "soft", "dangling", "later", "other", NULL}; *p; p++)
        unlink(in_folder(*p));
    CHECK_EQ(entries(), 0);
}

/* What a dead process left is removed by the next writer of the name; a living one's stays. */
static void test_sweep(void) {
    for (int dead = 0; dead < 2; dead++) {
        roma_outfile f;
        int ready[2], over[2];
        char byte = 0;
        CHECK(pipe(ready) == 0 && pipe(over) == 0);
        const pid_t pid = fork();
        if (!pid) {
            if (roma_outfile_open(&f, in_folder("z"), NULL) || write(ready[1], "", 1) != 1) _exit(1);
            _exit(dead ? 0 : read(over[0], &byte, 1) != 1);
        }
        CHECK_EQ(read(ready[0], &byte, 1), 1);
        if (dead) CHECK_EQ(waitpid(pid, NULL, 0), pid);
        CHECK_EQ(entries(), 1);
        CHECK(write_text(in_folder("z"), "z"));
        CHECK_EQ(entries(), dead ? 1 : 2);
        unlink(in_folder("z"));
        CHECK_EQ(write(over[1], "", 1), 1);
        if (!dead) CHECK_EQ(waitpid(pid, NULL, 0), pid);
        for (int i = 0; i < 2; i++) close(ready[i]), close(over[i]);
    }
    CHECK_EQ(entries(), 0); /* the living one's was of a dead process in the second round */
}

int main(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/roma-test-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(folder)) return 1;
    test_map();
    test_map_refused();
    test_head();
    test_out();
    test_out_large();
    test_out_abort();
    test_out_refused();
    test_out_names();
    test_out_full();
    test_out_leftover();
    test_out_links();
    test_out_devices();
    test_list();
    test_sweep();
    CHECK_EQ(rmdir(folder), 0); /* fails when a test left a file */
    return TEST_DONE();
}
