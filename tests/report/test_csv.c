/* CSV: the round trip is exact; what is malformed is refused with its line. */
#include "../base/scarce.h"
#include "../test.h"
#include "roma/report.h"

#include <math.h>

static bool same_cell(const roma_cell *a, const roma_cell *b) {
    if (a->kind != b->kind) return false;
    if (a->kind == ROMA_CELL_TEXT) return strcmp(a->text, b->text) == 0;
    return isnan(a->real) ? isnan(b->real) : memcmp(&a->real, &b->real, sizeof a->real) == 0;
}

/* Any bits of a double, any short text of the characters that matter. */
static void random_cell(roma_table *t, size_t c, uint64_t key) {
    static const char letters[] = "a,\"\r\n 1.etruflsn-+\\\xc3";
    uint64_t bits = roma_random(key, 1);
    double v;
    char text[12];
    size_t n = roma_random(key, 2) % sizeof text;
    switch (roma_random(key, 0) % 5) {
    case 0: memcpy(&v, &bits, sizeof v); roma_table_real(t, c, v); break;
    case 1: roma_table_real(t, c, (double)(bits % 1000) / 8); break;
    case 2: roma_table_bool(t, c, bits & 1); break;
    case 3:
        for (size_t i = 0; i < n; i++) text[i] = letters[roma_random(key, 3 + i) % (sizeof letters - 1)];
        text[n] = '\0';
        roma_table_text(t, c, text);
        break;
    default: break;
    }
}

static void test_round_trip(void) {
    roma_table t = {0}, back;
    roma_buf b = {0}, again = {0};
    roma_error err;
    static const char *const specials[] = {"nan", "inf", "-inf", "true", "false", "", "1", "-1.5e-3", "0x10", ".", "e5", "1e", "Infinity", "+", "1.", ".5"};
    roma_table_column(&t, "name, \"quoted\"", "", 0);
    roma_table_column(&t, "area", "mm2", 0);
    roma_table_column(&t, "share [x]", "%", 0);
    roma_table_column(&t, "odd", "", 0);
    for (uint64_t r = 0; r < 4000; r++) {
        roma_table_row(&t);
        for (size_t c = 0; c < 4; c++) random_cell(&t, c, r * 4 + c + 1);
        if (r < sizeof specials / sizeof *specials) roma_table_text(&t, 3, specials[r]);
    }
    roma_report_table_csv(&t, &b);
    CHECK_EQ(roma_report_table_read_csv(&back, (const char *)b.data, b.len, "t.csv", &err), 0);
    CHECK_EQ(back.n_columns, 4);
    CHECK_EQ(back.n_rows, t.n_rows);
    for (size_t c = 0; c < back.n_columns; c++) {
        CHECK_STR(back.columns[c].name, t.columns[c].name);
        CHECK_STR(back.columns[c].unit, t.columns[c].unit);
        for (size_t r = 0; r < back.n_rows; r++) CHECK(same_cell(roma_table_cell(&t, r, c), roma_table_cell(&back, r, c)));
    }
    roma_report_table_csv(&back, &again);
    CHECK(again.len == b.len && memcmp(again.data, b.data, b.len) == 0);
    roma_buf_destroy(&b);
    roma_buf_destroy(&again);
    roma_table_destroy(&t);
    roma_table_destroy(&back);
}

static int read_text(roma_table *t, const char *text, roma_error *err) {
    return roma_report_table_read_csv(t, text, strlen(text), "t.csv", err);
}

static void test_readings(void) {
    roma_table t;
    roma_error err;
    /* a byte order mark, LF alone, no line end at the end, quotes around everything */
    CHECK_EQ(read_text(&t, "\xef\xbb\xbf\"a\",b [W]\n1,\"2\"\n,true", &err), 0);
    CHECK_STR(t.columns[0].name, "a");
    CHECK_STR(t.columns[1].unit, "W");
    CHECK_EQ(t.n_rows, 2);
    CHECK(roma_table_cell(&t, 0, 0)->real == 1);
    CHECK_STR(roma_table_cell(&t, 0, 1)->text, "2");
    CHECK_EQ(roma_table_cell(&t, 1, 0)->kind, ROMA_CELL_EMPTY);
    CHECK_EQ(roma_table_cell(&t, 1, 1)->kind, ROMA_CELL_BOOL);
    roma_table_destroy(&t);
    CHECK_EQ(read_text(&t, "a", &err), 0);
    CHECK(t.n_columns == 1 && t.n_rows == 0);
    roma_table_destroy(&t);
    CHECK_EQ(read_text(&t, "a,b\r\n\"x\"\"y\r\nz\",\"\"\r\n", &err), 0);
    CHECK_STR(roma_table_cell(&t, 0, 0)->text, "x\"y\r\nz");
    CHECK_STR(roma_table_cell(&t, 0, 1)->text, "");
    roma_table_destroy(&t);
    CHECK_EQ(read_text(&t, "a[x],[y],b []\n1e999x,1e-999,2\n", &err), 0); /* these are names, and too small is zero */
    CHECK_STR(t.columns[0].name, "a[x]");
    CHECK_STR(t.columns[1].name, "[y]");
    CHECK(roma_table_cell(&t, 0, 1)->real == 0);
    roma_table_destroy(&t);
}

static void test_malformed(void) {
    static const struct {
        const char *text;
        int line;
        const char *says;
    } rows[] = {
        {"", 1, "no header"},
        {"\xef\xbb\xbf", 1, "no header"},
        {"\n1\n", 1, "no name"},
        {"a,,b\n", 1, "no name"},
        {"a,b,\n", 1, "no name"},
        {"a,b,a\n", 1, "same name"},
        {"a [W],a [J]\n", 1, "same name"},
        {"\"a\n", 1, "closing quote"},
        {"a,b\n1,2\n\"3\n\n,4\n", 3, "closing quote"},
        {"a,b\n1,2\n3\n", 3, "1 fields"},
        {"a,b\n\n", 2, "1 fields"},
        {"a,b\n1,2\n3,4,5\n", 3, "more fields"},
        {"a,b\n\"x\ny\",1\n2\n", 4, "1 fields"},
        {"a,b\n1,2\"\n", 2, "quote inside"},
        {"a,b\n\"1\"2,3\n", 2, "behind the closing quote"},
        {"a,b\n\"1\" ,3\n", 2, "behind the closing quote"},
        {"a,b\r1,2\r", 1, "carriage return"},
        {"a,b\n1,2\r", 2, "carriage return"},
        {"a,b\n1,1e999\n", 2, "too large"},
        {"a,b\n1,-1e999\n", 2, "too large"},
        {"abcdefghijklmnopqrstuvwxyz012345\n", 1, "31 bytes"},
        {"a [abcdefghijklmnop]\n", 1, "15 bytes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        roma_table t;
        roma_error err = {0};
        CHECK_EQ(read_text(&t, rows[i].text, &err), ROMA_EINPUT);
        CHECK_EQ(err.line, rows[i].line);
        CHECK_STR(err.file, "t.csv");
        if (!strstr(err.text, rows[i].says)) CHECK_STR(err.text, rows[i].says);
        CHECK(!t.cells && !t.columns && !t.n_rows);
    }
}

static void test_limits(void) {
    roma_table t;
    roma_error err;
    roma_buf b = {0};
    CHECK_EQ(roma_report_table_read_csv(&t, "a\nx\0y\n", 6, "t.csv", &err), ROMA_EINPUT);
    CHECK(err.line == 2 && strstr(err.text, "zero byte"));
    for (int i = 0; i < 257; i++) roma_buf_print(&b, "%sc%d", i ? "," : "", i);
    CHECK_EQ(roma_report_table_read_csv(&t, (const char *)b.data, b.len, "t.csv", &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "256 columns"));
    b.len = 0;
    roma_buf_print(&b, "a\n");
    for (int i = 0; i < 65536; i++) roma_buf_append(&b, "x", 1);
    CHECK_EQ(roma_report_table_read_csv(&t, (const char *)b.data, b.len, "t.csv", &err), 0);
    roma_table_destroy(&t);
    roma_buf_append(&b, "x", 1);
    CHECK_EQ(roma_report_table_read_csv(&t, (const char *)b.data, b.len, "t.csv", &err), ROMA_EINPUT);
    CHECK(err.line == 2 && strstr(err.text, "65536"));
    b.len = 0;
    roma_buf_print(&b, "a\n");
    for (int i = 0; i <= 1000000; i++) roma_buf_append(&b, "1\n", 2);
    CHECK_EQ(roma_report_table_read_csv(&t, (const char *)b.data, b.len, "t.csv", &err), ROMA_EINPUT);
    CHECK(err.line == 1000002 && strstr(err.text, "1000000 rows"));
    CHECK_EQ(roma_report_table_read_csv(&t, (const char *)b.data, b.len - 2, "t.csv", &err), 0);
    CHECK_EQ(t.n_rows, 1000000);
    roma_table_destroy(&t);
    CHECK_EQ(roma_report_table_read_csv(&t, "a", (64u << 20) + 1, "t.csv", &err), ROMA_EINPUT);
    roma_buf_destroy(&b);
}

/* Every beginning of a file, and every byte of it replaced: an answer, and the sanitizers are content. */
static void test_spoiled(void) {
    static const char text[] = "a [W],\"b \"\"x\"\"\",c\r\n1.5,\"x,\r\ny\",true\r\n,nan,\"\"\r\n";
    char copy[sizeof text];
    roma_table t;
    for (size_t n = 0; n < sizeof text; n++) {
        memcpy(copy, text, n);
        int rc = roma_report_table_read_csv(&t, copy, n, "t.csv", NULL);
        CHECK(rc == 0 || rc == ROMA_EINPUT);
        roma_table_destroy(&t);
    }
    for (size_t i = 0; i < sizeof text - 1; i++)
        for (int c = 0; c < 256; c++) {
            memcpy(copy, text, sizeof text);
            copy[i] = (char)c;
            int rc = roma_report_table_read_csv(&t, copy, sizeof text - 1, "t.csv", NULL);
            CHECK(rc == 0 || rc == ROMA_EINPUT);
            roma_table_destroy(&t);
        }
}

static void test_scarce(void) {
    static const char text[] = "a,b\nx,y\nz,1\n";
    roma_table t;
    roma_error err;
    int n = 0, rc = ROMA_ENOMEM;
    for (; rc && n < 50; n++) {
        scarce_begin(n);
        rc = read_text(&t, text, &err);
        roma_allocator_set(NULL);
        CHECK(rc == 0 || rc == ROMA_ENOMEM);
        CHECK(rc == 0 || !t.cells);
        roma_table_destroy(&t);
    }
    CHECK_EQ(n, 7); /* a field, columns, rows, three texts; then enough */
}

int main(void) {
    test_round_trip();
    test_readings();
    test_malformed();
    test_limits();
    test_spoiled();
    test_scarce();
    return TEST_DONE();
}
