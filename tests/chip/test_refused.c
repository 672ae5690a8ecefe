/* Every way a chip text can be wrong: what is said, and of which line. */
#include "roma/chip.h"
#include "../test.h"

static const char *const quiet = "/nowhere/x.chip";

typedef struct {
    const char *text;
    unsigned line;
    const char *said;
} refusal;

#define LIKE "like = roma\n"
#define SRC "  # assumed: x\n"
/* clang-format off */
static const refusal bad[] = {
    /* lines and statements */
    {"", 1, "technology.node is missing (process node the chip is built in, nm) and so are"},
    {"\n\n; nothing\n", 3, "`like = roma` at the top"},
    {"nonsense\n", 1, "expected [section], `key = value"},
    {LIKE "[grid]\nrows\n", 3, "expected [section], `key = value"},
    {LIKE "[grid]\n= 17 [exact]" SRC, 3, "expected [section], `key = value"},
    {LIKE "\x01\n", 2, "byte 0x01 at column 1: a chip file is plain ASCII text"},
    {LIKE "; caf\xc3\xa9\n", 2, "byte 0xc3 at column 6"},
    {"\x7f" "ELF\x02\x01\x01", 1, "byte 0x7f"},
    {LIKE "[grid\n", 2, "a section is a line [name] and nothing else"},
    {LIKE "[grid] rows = 17\n", 2, "a section is a line [name] and nothing else"},
    {LIKE "[]\n", 2, "no section []; there are technology, clock"},
    {LIKE "[gird]\n", 2, "no section [gird]; did you mean grid?"},
    {LIKE "[tech]\n", 2, "did you mean technology?"},
    {LIKE "[GRID]\n", 2, "no section [GRID]; there are"},
    {LIKE "[zebra]\n", 2, "yield"},
    /* title and like */
    {"title = a\ntitle = b\n", 2, "title is given twice, first in line 1"},
    {"title =\n", 1, "the title is empty"},
    {LIKE "like = roma\n", 2, "like is given twice, first in line 1"},
    {LIKE "[grid]\ntitle = x\n", 3, "title comes too late: it must stand before the first [section]"},
    {"[grid]\nlike = roma\n", 2, "like comes too late"},
    {"like =\n", 1, "is not a chip's name"},
    {"like = ../roma\n", 1, "is not a chip's name"},
    {"like = .hidden\n", 1, "is not a chip's name"},
    {"like = two words\n", 1, "is not a chip's name"},
    {"like = rom\n", 1, "no built-in chip has that name, and there is no rom.chip beside this file; did you mean roma?"},
    {"\nlike = zebra\n", 2, "roma, roma-better"},
    /* keys */
    {"rows = 17 [exact]" SRC, 1, "rows stands before the first [section]; it belongs to [grid]"},
    {"tilte = x\n", 1, "tilte stands before the first [section]"},
    {LIKE "[grid]\nrow = 17 [exact]" SRC, 3, "no key 'row' in [grid]; did you mean grid.rows?"},
    {LIKE "[grid]\nmatrix = 17 [exact]" SRC, 3, "did you mean grid.matrix_units?"},
    {LIKE "[grid]\nsram = 17 [exact]" SRC, 3, "it belongs to [hunit] and [vector]"},
    {LIKE "[rom]\nwords = 17 [exact]" SRC, 3, "no key 'words' in [rom]; it belongs to [lunit]"},
    {LIKE "[rom]\nlunit.words = 17 [exact]" SRC, 3, "write `words` under [lunit]"},
    {LIKE "[clock]\nwafer_dia = 17 [exact]" SRC, 3, "did you mean yield.wafer_diameter?"},
    {LIKE "[host]\nxylophone = 17 [exact]" SRC, 3, "its keys are bandwidth, die_bandwidth, die_latency"},
    {LIKE "[grid]\nro\\ws\t1 = 17 [exact]" SRC, 3, "no key 'ro\\ws\\x091'"},
    {LIKE "[grid]\nrows = 17 [exact]" SRC "columns = 16 [exact]" SRC "rows = 17 [exact]" SRC, 5, "grid.rows is given twice, first in line 3"},
    {LIKE "[grid]\nrows = 17 [exact]" SRC "[clock]\n[grid]\nrows = 17 [exact]" SRC, 6, "grid.rows is given twice, first in line 3"},
    /* values */
    {LIKE "[grid]\nrows =\n", 3, "grid.rows has no value"},
    {LIKE "[grid]\nrows = [exact]" SRC, 3, "grid.rows has no value: write `rows = value [low .. high]  # quality: source`"},
    {LIKE "[grid]\nrows = many [exact]" SRC, 3, "'many' is not a decimal number"},
    {LIKE "[grid]\nrows = 17 18 [exact]" SRC, 3, "'17 18' is not a decimal number"},
    {LIKE "[grid]\nrows = 0x11 [exact]" SRC, 3, "'0x11' is not a decimal number"},
    {LIKE "[clock]\nfrequency = nan [exact]" SRC, 3, "'nan' is not a decimal number"},
    {LIKE "[clock]\nfrequency = inf [exact]" SRC, 3, "'inf' is not a decimal number"},
    {LIKE "[clock]\nfrequency = 1e999 [exact]" SRC, 3, "'1e999' is not a decimal number"},
    {LIKE "[clock]\nfrequency = 5e [exact]" SRC, 3, "'5e' is not a decimal number"},
    {LIKE "[clock]\nfrequency = 500 MHz [exact]" SRC, 3, "'500 MHz' is not a decimal number"},
    {LIKE "[clock]\nfrequency = 5 [exact]" SRC, 3, "5 is out of bounds, it must lie in 1e6 to 1e11 Hz"},
    {LIKE "[clock]\nfrequency = -5e8 [exact]" SRC, 3, "-5e8 is out of bounds"},
    {LIKE "[grid]\nrows = 17.5 [exact]" SRC, 3, "17.5 must be a whole number"},
    {LIKE "[grid]\nrows = 0 [exact]" SRC, 3, "must lie in 1 to 1024"},
    {LIKE "[grid]\nvector_units = 0 [exact]" SRC, 3, "must lie in 1 to 65536"},
    {LIKE "[rom]\ncell_area = 0 [exact]" SRC, 3, "must lie in 1e-6 to 100 um2"},
    {LIKE "[rom]\nstyle = flash [exact]" SRC, 3, "no choice 'flash'; there are sram, rom, brom, fused, logic, cell, dram"},
    {LIKE "[rom]\nstyle = 3 [exact]" SRC, 3, "no choice '3'"},
    {LIKE "[rom]\nstyle = [exact]" SRC, 3, "rom.style has no value"},
    {LIKE "[rom]\ngated = yes [exact]" SRC, 3, "no choice 'yes'; there are off, on"},
    /* ranges */
    {LIKE "[grid]\nrows = 17" SRC, 3, "grid.rows has no range: write [low .. high] after the value, or [exact]"},
    {LIKE "[grid]\nrows = 17\n", 3, "grid.rows has no range"},
    {LIKE "[rom]\nstyle = fused" SRC, 3, "rom.style has no range"},
    {LIKE "[rom]\nstyle = fused [rom .. fused]" SRC, 3, "rom.style is a choice, which has no range: write [exact]"},
    {LIKE "[grid]\nrows = 17 []" SRC, 3, "a range is [low .. high], or [exact]"},
    {LIKE "[grid]\nrows = 17 [16, 18]" SRC, 3, "a range is [low .. high], or [exact]"},
    {LIKE "[grid]\nrows = 17 [EXACT]" SRC, 3, "a range is [low .. high], or [exact]"},
    {LIKE "[grid]\nrows = 17 [exact" SRC, 3, "the range's bracket is not closed"},
    {LIKE "[grid]\nrows = 17 [exact] [exact]" SRC, 3, "nothing but `# quality: source` may follow the range"},
    {LIKE "[grid]\nrows = 17 [exact] rows" SRC, 3, "nothing but `# quality: source` may follow the range"},
    {LIKE "[grid]\nrows = 17 [.. 18]" SRC, 3, "grid.rows has no value"},
    {LIKE "[grid]\nrows = 17 [16 ..]" SRC, 3, "grid.rows has no value"},
    {LIKE "[grid]\nrows = 17 [16 .. 18 .. 19]" SRC, 3, "is not a decimal number"},
    {LIKE "[grid]\nrows = 17 [18 .. 20]" SRC, 3, "the value 17 is below its range, which begins at 18"},
    {LIKE "[grid]\nrows = 17 [10 .. 12]" SRC, 3, "the value 17 is above its range, which ends at 12"},
    {LIKE "[grid]\nrows = 17 [20 .. 10]" SRC, 3, "the range's low end 20 is above its high end"},
    {LIKE "[grid]\nrows = 17 [0 .. 18]" SRC, 3, "0 is out of bounds"},
    {LIKE "[grid]\nrows = 17 [16 .. 2000]" SRC, 3, "2000 is out of bounds"},
    {LIKE "[grid]\nrows = 17 [16.5 .. 18]" SRC, 3, "16.5 must be a whole number"},
    {LIKE "[grid]\nrows = 17 [a .. b]" SRC, 3, "'a' is not a decimal number"},
    {LIKE "[grid]\nrows = 17 [16 .. 1e999]" SRC, 3, "'1e999' is not a decimal number"},
    /* qualities and sources */
    {LIKE "[grid]\nrows = 17 [exact]\n", 3, "grid.rows needs a quality and a source: write `# assumed: why this value`"},
    {LIKE "[grid]\nrows = 17 [exact]  #\n", 3, "grid.rows needs a quality and a source"},
    {LIKE "[grid]\nrows = 17 [exact]  # paper\n", 3, "grid.rows needs a quality and a source"},
    {LIKE "[grid]\nrows = 17 [exact]  # heard: paper\n", 3, "no quality 'heard'; there are stated, derived, calibrated, assumed, measured"},
    {LIKE "[grid]\nrows = 17 [exact]  # state: paper\n", 3, "did you mean stated?"},
    {LIKE "[grid]\nrows = 17 [exact]  # Stated: paper\n", 3, "no quality 'Stated'; did you mean stated?"},
    {LIKE "[grid]\nrows = 17 [exact]  # stated:\n", 3, "grid.rows has no source: say after `# stated:` where"},
    {LIKE "[grid]\nrows = 17 [exact]  # : paper\n", 3, "no quality ''"},
    {LIKE "[grid]\nrows = 17 # [exact] stated: paper\n", 3, "grid.rows has no range"},
    /* relations; the later line of those involved is named */
    {LIKE "[grid]\nrows = 18 [exact]" SRC, 3, "18 x 16 = 288, but matrix_units + vector_units is 256 + 16 = 272"},
    {LIKE "[grid]\nmatrix_units = 240 [exact]" SRC "[clock]\nfrequency = 1e9 [exact]" SRC, 3, "17 x 16 = 272, but matrix_units + vector_units is 240 + 16 = 256"},
    {LIKE "[grid]\nrows = 9 [exact]" SRC "matrix_units = 120 [exact]" SRC, 4, "9 x 16 = 144, but matrix_units + vector_units is 120 + 16 = 136"},
    {LIKE "[grid]\nmatrix_units = 120 [exact]" SRC "rows = 9 [exact]" SRC, 4, "9 x 16 = 144"},
    {LIKE "[lunit]\nwords = 20000 [exact]" SRC, 3, "rom.macro_words is 16384, fewer than the 20000 of lunit.words"},
    {LIKE "[rom]\nmacro_words = 8192 [exact]" SRC, 3, "rom.macro_words is 8192, fewer than the 14190"},
    {LIKE "[rom]\nstyle = dram [exact]" SRC, 3, "rom.style is dram, but dram.bandwidth is 0"},
    {LIKE "[hunit]\nsram = 8 [exact]" SRC, 3, "hunit.sram is 8 B, less than the 32 B of one granule of the cache"},
    {LIKE "[memory]\nrom_1k = 40 [exact]" SRC, 3, "memory.rom_1k is 40, above memory.rom_2k, which is 34.4"},
    {LIKE "[memory]\nrom_8k = 40 [exact]" SRC, 3, "memory.rom_4k is 47.1, above memory.rom_8k, which is 40"},
    {LIKE "[memory]\nsram_4k = 20 [exact]" SRC, 3, "memory.sram_2k is 21.9, above memory.sram_4k, which is 20"},
    {LIKE "[schedule]\nblock_rows = 512 [exact]" SRC, 3, "schedule.block_rows is 512, above schedule.chunk_rows, which is 256"},
    {LIKE "[hunit]\nbandwidth = 145 [exact]" SRC, 3, "hunit.bandwidth is 145 B a cycle, but hunit.sram in macros of memory.sram_depth = 8192 words of 8 B is 18 of them, which give 144"},
    {LIKE "[hunit]\nbandwidth = 100 [exact]" SRC "sram = 786432 [exact]" SRC, 4, "is 12 of them, which give 96"},
    {LIKE "[hunit]\nsram = 786432 [exact]" SRC "bandwidth = 96.5 [exact]" SRC, 4, "hunit.bandwidth is 96.5 B a cycle"},
    {LIKE "[memory]\nsram_depth = 65536 [exact]" SRC, 3, "memory.sram_depth = 65536 words of 8 B is 3 of them, which give 24"},
    {LIKE "[lunit]\ntable_bits = 9 [exact]" SRC, 3, "lunit.table_bits is 9, it must be 8 or 10"},
    {LIKE "[lunit]\ntable = on [exact]" SRC "[clock]\n[lunit]\ntable_bits = 9 [exact]" SRC, 6, "lunit.table_bits is 9, it must be 8 or 10"},
    {LIKE "[vector]\nexp = 52 [exact]" SRC, 3, "no key 'exp' in [vector]; a chain of units, vector.add, vector.mul and vector.convert, replaces it: leave the line out"},
    {LIKE "[vector]\nsincos = 32 [exact]" SRC, 3, "no key 'sincos' in [vector]; a chain of units, vector.add, vector.mul and vector.convert, replaces it"},
    {LIKE "[clock]\nvector.exp = 52 [exact]" SRC, 3, "no key 'vector.exp' in [clock]; a chain of units"},
    {LIKE "[vector]\nexps = 52 [exact]" SRC, 3, "no key 'exps' in [vector]; did you mean"},
    {LIKE "[network]\nexp = 1 [exact]" SRC, 3, "no key 'exp' in [network]; it belongs to [hunit]"},
    {LIKE "[rom]\nbuffer = 64 [exact]" SRC, 3, "no key 'buffer' in [rom]; it belongs to [lunit]"},
    {LIKE "[rom]\nscale_port = both [exact]" SRC, 3, "rom.scale_port has no choice 'both'; there are own, shared, free"},
    {LIKE "[schedule]\ndies = ring [exact]" SRC, 3, "schedule.dies has no choice 'ring'; there are pipeline, tensor"},
    {LIKE "[lunit]\nstyle = bit-serial [exact]" SRC, 3, "lunit.style has no choice 'bit-serial'; there are parallel, serial"},
    {LIKE "[lunit]\nhold = 32 [exact]" SRC, 3, "lunit.hold has no choice '32'; there are off, on"},
    {LIKE "[hunit]\npage_run = 21 [exact]" SRC, 3, "hunit.page_run: 21 is out of bounds, it must lie in 0 to 20"},
    {LIKE "[hunit]\nexp = 0 [exact]" SRC, 3, "hunit.exp: 0 is out of bounds, it must lie in 1 to 65536"},
    {LIKE "[hunit]\nexp = 0.5 [0.25 .. 1]" SRC, 3, "hunit.exp: 0.5 is out of bounds"},
    {LIKE "[schedule]\nblock_spans = 1.5 [exact]" SRC, 3, "schedule.block_spans: 1.5 must be a whole number"},
    {LIKE "[lunit]\nword_cycles = 8 [1 .. 100]" SRC, 3, "lunit.word_cycles: 100 is out of bounds, it must lie in 1 to 64"},
    {LIKE "[lunit]\nbuffer = 64 [1.5 .. 100]" SRC, 3, "lunit.buffer: 1.5 must be a whole number"},
    {LIKE "[technology]\nnode = 180 [exact]" SRC, 3, "technology.node is 180 nm, outside the table of nodes, 2 to 130 nm"},
    {LIKE "[technology]\nconstants_node = 1.5 [exact]" SRC, 3, "technology.constants_node is 1.5 nm"},
};
/* clang-format on */

static bool refused(const char *text, size_t len, unsigned line, const char *said) {
    static roma_chip c;
    roma_error err = {0};
    const int rc = roma_chip_read(&c, text, len, quiet, &err);
    const bool good = rc == ROMA_EINPUT && err.line == line && strstr(err.text, said) && !strchr(err.text, '\n') &&
                      strcmp(err.file, quiet) == 0;
    if (!good)
        fprintf(stderr, "%.200s\nsaid: line %llu: %s\nwanted: line %u: %s\n", text, (unsigned long long)err.line,
                err.text, line, said);
    return good;
}

/* What one entry of parameter i with this value is refused for, in line 3. */
static void refused_value(unsigned i, const char *value, const char *said) {
    const roma_chip_parameter *p = roma_chip_parameter_at(i);
    char text[256], wanted[256];
    const int n = snprintf(text, sizeof text, LIKE "[%s]\n%s = %s [exact]" SRC, p->section, p->key, value);
    snprintf(wanted, sizeof wanted, "%s.%s%s", p->section, p->key, said);
    CHECK(refused(text, (size_t)n, 3, wanted));
    roma_chip c;
    roma_error err = {0};
    snprintf(text, sizeof text, "%s.%s=%s", p->section, p->key, value); /* and by --set */
    CHECK_EQ(roma_chip_open(&c, "roma", &err), 0);
    CHECK_EQ(roma_chip_set(&c, text, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, wanted);
}

/* Every parameter of the table: a value below and above its bounds, one that is not whole, no power, no choice. */
static void test_every_key(void) {
    unsigned cases = 0;
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) {
        const roma_chip_parameter *p = roma_chip_parameter_at(i);
        char value[40], said[200];
        if (strchr(p->unit, '|')) {
            char names[128] = ": there are ", *to = names + strlen(names);
            for (const char *s = p->unit; *s; s++) to += sprintf(to, *s == '|' ? ", " : "%c", *s);
            roma_print(said, sizeof said, " has no choice 'zebra'; %s", names + 2);
            refused_value(i, "zebra", said);
            refused_value(i, "0", " has no choice '0'");
            cases += 2;
            continue;
        }
        roma_print(value, sizeof value, "%.10g", p->min > 0 ? p->min / 2 : p->min - 1);
        refused_value(i, value, ": ");
        roma_print(value, sizeof value, "%.10g", p->max * 2);
        refused_value(i, value, ": ");
        roma_print(said, sizeof said, ": %s is out of bounds, it must lie in ", p->unit[0] == '2' ? "300000" : "3e15");
        refused_value(i, p->unit[0] == '2' ? "300000" : "3e15", said);
        cases += 3;
        if (strcmp(p->unit, "1") != 0 && strcmp(p->unit, "2^n") != 0) continue;
        const double half = p->min + 1.5;
        roma_print(value, sizeof value, "%.10g", half);
        roma_print(said, sizeof said, ": %s must be a whole number, it counts things", value);
        if (half <= p->max) refused_value(i, value, said);
        roma_print(said, sizeof said, ": 24 must be a power of two from %.10g to %.10g", p->min, p->max);
        if (p->unit[0] == '2') refused_value(i, "24", said);
        cases++;
    }
    CHECK(cases > 300);
}

/* A macro is not deeper than what it stores, in every style but dram, which stores nothing. */
static void test_depth(void) {
    static const char *const styles[] = {"sram", "rom", "brom", "fused", "logic", "cell", "dram"};
    for (size_t i = 0; i < 7; i++)
        for (int order = 0; order < 2; order++) {
            char text[512];
            const char *const lines[] = {"depth = 16385 [exact]" SRC, "macro_words = 16384 [exact]" SRC};
            const int n = snprintf(text, sizeof text,
                                   LIKE "[dram]\nbandwidth = 1e11 [exact]" SRC "[rom]\nstyle = %s [exact]" SRC "%s%s",
                                   styles[i], lines[order], lines[!order]);
            roma_chip c;
            if (i == 6)
                CHECK_EQ(roma_chip_read(&c, text, (size_t)n, quiet, NULL), 0);
            else
                CHECK(refused(text, (size_t)n, 7,
                              "rom.depth is 16385, deeper than all that an L-Unit stores, the 16384 words of"));
        }
}

/* Lengths: the longest that fits is taken, one more is refused. */
static void test_lengths(void) {
    char text[4096], *end;
    roma_chip c;
    char filler[2000];
    memset(filler, 'x', sizeof filler);
#define FILLED(n, before, after)                                                                                       \
    (end = text + snprintf(text, sizeof text, "%s%.*s%s", before, (int)(n), filler, after), (size_t)(end - text))
    size_t n = FILLED(127, "title = ", "\n" LIKE);
    CHECK_EQ(roma_chip_read(&c, text, n, quiet, NULL), 0);
    CHECK_EQ(strlen(c.title), 127);
    n = FILLED(128, "title = ", "\n" LIKE);
    CHECK(refused(text, n, 1, "the title has 128 characters, at most 127 fit"));
    n = FILLED(239, LIKE "[grid]\nrows = 17 [exact]  # stated: ", "\n");
    CHECK_EQ(roma_chip_read(&c, text, n, quiet, NULL), 0);
    CHECK_EQ(strlen(c.mark[ROMA_CHIP_grid_rows].source), 239);
    n = FILLED(240, LIKE "[grid]\nrows = 17 [exact]  # stated: ", "\n");
    CHECK(refused(text, n, 3, "the source of grid.rows has 240 characters, at most 239 fit"));
    n = FILLED(999, LIKE ";", "\n");
    CHECK_EQ(roma_chip_read(&c, text, n, quiet, NULL), 0);
    n = FILLED(1000, LIKE ";", "\n");
    CHECK(refused(text, n, 2, "the line has 1001 bytes, at most 1000 are allowed"));
    n = FILLED(1000, LIKE ";", ""); /* without a line feed */
    CHECK(refused(text, n, 2, "the line has 1001 bytes"));
    n = FILLED(600, LIKE "[grid]\n", " = 17 [exact]" SRC);
    CHECK(refused(text, n, 3, "no key 'xxx"));
    n = FILLED(600, LIKE "[grid]\nrows = ", " [exact]" SRC);
    CHECK(refused(text, n, 3, "...' is not a decimal number"));
    n = FILLED(600, LIKE "[", "]\n");
    CHECK(refused(text, n, 2, "no section [xxx"));
    n = FILLED(600, "like = ", "\n");
    CHECK(refused(text, n, 1, "is not a chip's name"));
    memset(filler, '1', sizeof filler);
    n = FILLED(62, LIKE "[clock]\nfrequency = 500000000.", " [exact]" SRC);
    CHECK(refused(text, n, 3, "is not a decimal number"));
    n = FILLED(50, LIKE "[clock]\nfrequency = 500000000.", " [exact]" SRC);
    CHECK_EQ(roma_chip_read(&c, text, n, quiet, NULL), 0);
    CHECK(refused("like = roma\0\n", 13, 1, "byte 0x00"));
    CHECK(refused(LIKE "\0", sizeof LIKE, 2, "byte 0x00"));
}

/* What is odd but right. */
static void test_accepted(void) {
    static const char *const good[] = {
        LIKE,
        "like = roma",
        "\r\n  like\t=  roma  \r\n",
        LIKE "title = after like\n",
        "title = before like # with a hash = and more\n" LIKE,
        LIKE "[grid]\n[grid]\n[ grid ]\n  [grid]\t\n",
        LIKE "[grid]\nrows=17[exact]#assumed:x\n",
        LIKE "[grid]\nrows = +17.0e0 [ 1.6e1..18 ] # assumed : x # y: z [w]\n",
        LIKE "[grid]\nrows = 17 [ exact ]  # measured: x\r\n[clock]\r\n[grid]\r\ncolumns = 16 [exact]  # stated: x\r\n",
        LIKE "  ; indented comment [\n[grid]\n; columns = 17\n",
        LIKE "[yield]\ndefects = 0.15 [0.05 .. 0.5]" SRC, /* the unit 1/cm2 is no count */
        LIKE "[grid]\nrows = 9 [exact]" SRC "matrix_units = 128 [exact]" SRC,
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        roma_chip c;
        roma_error err = {0};
        CHECK_EQ(roma_chip_read(&c, good[i], strlen(good[i]), quiet, &err), 0);
        if (err.code) fprintf(stderr, "%s: line %llu: %s\n", good[i], (unsigned long long)err.line, err.text);
        CHECK_STR(c.name, "x");
        if (strstr(good[i], "before like")) CHECK_STR(c.title, "before like # with a hash = and more");
        if (strstr(good[i], "after like")) CHECK_STR(c.title, "after like");
        if (!strstr(good[i], "title")) CHECK_STR(c.title, "");
    }
}

/* Without like: every single parameter is asked for by name, at the last line. */
static void test_missing(void) {
    roma_chip c;
    roma_buf b = {0};
    CHECK_EQ(roma_chip_open(&c, NULL, NULL), 0);
    roma_chip_write(&c, &b);
    roma_buf_append(&b, "", 1);
    unsigned line = 0, i = 0, lines = 0;
    for (const char *s = (const char *)b.data; *s; s++) lines += *s == '\n';
    for (char *s = (char *)b.data, *next; *s; s = next) {
        next = strchr(s, '\n') + 1;
        line++;
        if (*s == '[' || *s == '\n' || strncmp(s, "title", 5) == 0) continue;
        const roma_chip_parameter *p = roma_chip_parameter_at(i++);
        char said[200];
        snprintf(said, sizeof said, "%s.%s is missing (%s, ", p->section, p->key, p->help);
        const char was = *s;
        *s = ';';
        CHECK(refused((const char *)b.data, b.len - 1, lines, said));
        *s = was;
        CHECK(line <= lines);
    }
    CHECK_EQ(i, ROMA_CHIP_N);
    CHECK_EQ(roma_chip_read(&c, (const char *)b.data, b.len - 1, quiet, NULL), 0);
    /* every beginning of the file is refused without fault */
    for (size_t n = 0; n + 200 < b.len; n += 7)
        CHECK_EQ(roma_chip_read(&c, (const char *)b.data, n, quiet, NULL), ROMA_EINPUT);
    roma_buf_destroy(&b);
}

static void test_garbage(void) {
    uint8_t data[512];
    for (unsigned k = 0; k < 2000; k++) {
        const size_t n = 1 + roma_random(k, 999) % sizeof data;
        for (size_t i = 0; i < n; i++) data[i] = (uint8_t)roma_random(k, i);
        roma_chip c;
        roma_error err = {0};
        CHECK_EQ(roma_chip_read(&c, (const char *)data, n, quiet, &err), ROMA_EINPUT);
        CHECK(err.line > 0 && err.text[0]);
    }
}

int main(void) {
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(refused(bad[i].text, strlen(bad[i].text), bad[i].line, bad[i].said));
    test_every_key();
    test_depth();
    test_lengths();
    test_accepted();
    test_missing();
    test_garbage();
    return TEST_DONE();
}
