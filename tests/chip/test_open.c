/* Chips out of files: names and paths, `like` beside a file, chains, circles. And the page of the format against the
 * table. */
#include "roma/chip.h"
#include "../test.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static const char *at(const char *name) {
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text) {
    FILE *f = fopen(at(name), "w");
    CHECK(f != NULL);
    if (!f) return;
    fputs(text, f);
    fclose(f);
}

static void expect(const char *name, int code, const char *file, unsigned line, const char *said) {
    roma_chip c;
    roma_error err = {0};
    CHECK_EQ(roma_chip_open(&c, at(name), &err), code);
    if (!code) {
        if (err.code)
            fprintf(stderr, "%s: %s: line %llu: %s\n", name, err.file, (unsigned long long)err.line, err.text);
        return;
    }
    const size_t n = strlen(err.file), m = strlen(file);
    const bool good = n >= m && strcmp(err.file + n - m, file) == 0 && err.line == line && strstr(err.text, said);
    if (!good)
        fprintf(stderr, "%s: said: %s: line %llu: %s\nwanted: %s: line %u: %s\n", name, err.file,
                (unsigned long long)err.line, err.text, file, line, said);
    CHECK(good);
}

static void test_like(void) {
    roma_chip c;
    put("base.chip", "title = the base\nlike = roma-macro\n[clock]\nfrequency = 1e9 [8e8 .. 2e9]  # measured: here\n");
    put("child.chip", "like = base\n[energy]\nrom_bit = 7 [exact]  # assumed: x\n");
    CHECK_EQ(roma_chip_open(&c, at("child.chip"), NULL), 0);
    CHECK_STR(c.name, "child");
    CHECK_STR(c.title, ""); /* a title is not inherited */
    CHECK(c.clock_hz == 1e9 && c.mark[ROMA_CHIP_clock_hz].low == 8e8 &&
          c.mark[ROMA_CHIP_clock_hz].quality == ROMA_CHIP_MEASURED);
    CHECK_STR(c.mark[ROMA_CHIP_clock_hz].source, "here");
    CHECK(c.e_rom_fj == 7 && c.lane_um2 > 1000 && c.rom_placement == 1);
    /* a shipped name is the shipped chip, also beside a file of that name, and a file may be like its namesake */
    put("roma.chip", "like = roma\n[clock]\nfrequency = 2e9 [exact]  # assumed: x\n");
    put("other.chip", "like = roma\n");
    CHECK_EQ(roma_chip_open(&c, at("roma.chip"), NULL), 0);
    CHECK(c.clock_hz == 2e9);
    CHECK_EQ(roma_chip_open(&c, at("other.chip"), NULL), 0);
    CHECK(c.clock_hz == 5e8);
    /* a new source replaces all of the old one */
    put("short.chip", "like = base\n[lunit]\nlanes = 16 [exact]  # stated: s\n");
    CHECK_EQ(roma_chip_open(&c, at("short.chip"), NULL), 0);
    CHECK_STR(c.mark[ROMA_CHIP_lanes].source, "s");
}

static void test_chains(void) {
    put("self.chip", "like = self\n");
    put("a.chip", "; a\nlike = b\n");
    put("b.chip", "title = b\n\nlike = a\n");
    expect("self.chip", ROMA_EINPUT, "self.chip", 1, "like = self goes round in a circle");
    expect("a.chip", ROMA_EINPUT, "b.chip", 3, "like = a goes round in a circle");
    /* l4 -> l3 -> l2 -> l1 -> roma are four; l5 is one too many */
    put("l1.chip", "like = roma\n");
    for (int i = 2; i <= 5; i++) {
        char name[16], text[32];
        snprintf(name, sizeof name, "l%d.chip", i);
        snprintf(text, sizeof text, "like = l%d\n", i - 1);
        put(name, text);
    }
    expect("l4.chip", 0, "", 0, "");
    expect("l5.chip", ROMA_EINPUT, "l1.chip", 1, "this is the 5th like in a row, at most 4 are allowed");
    /* faults of the other file are told of the other file */
    put("broken.chip", "like = roma\n[grid]\nrows = 99 [exact]  # assumed: x\n");
    put("user.chip", "like = broken\n[grid]\ncolumns = 16 [exact]  # assumed: x\n");
    expect("user.chip", ROMA_EINPUT, "broken.chip", 3, "99 x 16");
    put("gone.chip", "\nlike = nowhere\n");
    expect("gone.chip", ROMA_EINPUT, "gone.chip", 2, "there is no nowhere.chip beside this file");
    mkdir(at("folder.chip"), 0700);
    put("intofolder.chip", "like = folder\n");
    roma_chip c;
    CHECK(roma_chip_open(&c, at("intofolder.chip"), NULL) != 0);
    rmdir(at("folder.chip"));
}

static void test_names(void) {
    roma_chip c;
    roma_error err = {0};
    CHECK_EQ(roma_chip_open(&c, at("child.chip"), NULL), 0);
    CHECK_STR(c.name, "child");
    CHECK_EQ(roma_chip_open(&c, "roma-macro", NULL), 0);
    CHECK_STR(c.name, "roma-macro");
    CHECK_EQ(roma_chip_open(&c, "romma", &err), ROMA_EINPUT);
    CHECK_STR(err.file, "romma");
    CHECK_STR(err.text, "there is no such file, nor a built-in chip of that name; did you mean roma?");
    CHECK_EQ(roma_chip_open(&c, "", &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "roma, roma-better") != NULL);
    CHECK_EQ(roma_chip_open(&c, at("missing.chip"), &err), ROMA_EINPUT);
    CHECK_STR(err.text, "there is no such file");
    CHECK_EQ(roma_chip_open(&c, "missing.chip", &err), ROMA_EINPUT);
    CHECK_STR(err.text, "there is no such file");
    CHECK(roma_chip_open(&c, folder, &err) != 0);
    CHECK(roma_chip_open(&c, at("missing.chip"), &err) != 0);
    /* names of files are shown, not trusted */
    put("we\x1bird\xff.chip", "like = roma\n");
    CHECK_EQ(roma_chip_open(&c, at("we\x1bird\xff.chip"), NULL), 0);
    CHECK_STR(c.name, "we\\x1bird\\xff");
    put("a-name-that-is-far-longer-than-the-sixty-three-letters-that-there-is-room-for.chip", "like = roma\n");
    CHECK_EQ(roma_chip_open(
                 &c, at("a-name-that-is-far-longer-than-the-sixty-three-letters-that-there-is-room-for.chip"), NULL),
             0);
    CHECK(strlen(c.name) <= 63 && strncmp(c.name, "a-name-that-is-far-longer", 25) == 0);
    put(".chip", "like = roma\n");
    CHECK_EQ(roma_chip_open(&c, at(".chip"), NULL), 0);
    CHECK_STR(c.name, ".chip");
}

/* The table in the page is what the program would write. */
static void test_page(void) {
    static char page[65536];
    roma_buf b = {0};
    FILE *f = fopen("docs/chip-format.md", "r");
    CHECK(f != NULL);
    if (!f) return;
    page[fread(page, 1, sizeof page - 1, f)] = 0;
    fclose(f);
    roma_chip_document(&b);
    CHECK(!b.failed && b.len > 5000);
    static const char begin[] = "<!-- parameters: written by roma_chip_document -->\n",
                      end[] = "<!-- end of parameters -->\n";
    const char *from = strstr(page, begin), *to = strstr(page, end);
    CHECK(from && to && from < to);
    if (from && to) {
        from += sizeof begin - 1;
        const bool same = (size_t)(to - from) == b.len && memcmp(from, b.data, b.len) == 0;
        CHECK(same);
        if (!same)
            fprintf(stderr,
                    "docs/chip-format.md has an old table: run tests/chip/test_open with --page in this folder\n");
    }
    roma_buf_destroy(&b);
}

/* Writes the table into the page. */
static int write_page(void) {
    static char page[65536];
    roma_buf b = {0};
    FILE *f = fopen("docs/chip-format.md", "r");
    if (!f) return 1;
    page[fread(page, 1, sizeof page - 1, f)] = 0;
    fclose(f);
    char *from = strstr(page, "<!-- parameters: "), *to = strstr(page, "<!-- end of parameters -->\n");
    if (!from || !to || !(f = fopen("docs/chip-format.md", "w"))) return 1;
    from = strchr(from, '\n') + 1;
    roma_chip_document(&b);
    fprintf(f, "%.*s%.*s%s", (int)(from - page), page, (int)b.len, (const char *)b.data, to);
    roma_buf_destroy(&b);
    return fclose(f);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--page") == 0) return write_page();
    snprintf(folder, sizeof folder, "/tmp/test_chip_XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    test_like();
    test_chains();
    test_names();
    test_page();
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK_EQ(system(command), 0);
    return TEST_DONE();
}
