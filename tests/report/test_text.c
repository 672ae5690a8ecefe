/* Numbers and escapes. What files look like as a whole is for tests/report/check_output.py. */
#include "../base/scarce.h"
#include "../test.h"
#include "roma/report.h"

#include <math.h>

static void test_si(void) {
    static const struct {
        double v;
        const char *unit, *want;
    } rows[] = {
        {0, "W", "0 W"},
        {12345, "", "12.3 k"},
        {4.56e6, "", "4.56 M"},
        {789e-6, "", "789 u"},
        {1, "B", "1 B"},
        {999, "B", "999 B"},
        {1000, "B", "0.977 KiB"},
        {1024, "B", "1.00 KiB"},
        {288 * 1048576.0, "B", "288 MiB"},
        {1023 * 1048576.0, "B", "0.999 GiB"},
        {0.25, "B", "0.250 B"},
        {999.4, "Hz", "999 Hz"},
        {999.5, "Hz", "1.00 kHz"},
        {999500, "Hz", "1.00 MHz"},
        {-2.5e9, "B/s", "-2.50 GB/s"},
        {1.5e-9, "s", "1.50 ns"},
        {99.95, "W", "100 W"},
        {9.996, "W", "10.0 W"},
        {17, "", "17"},
        {1.25, "W", "1.25 W"},
        {6.02e23, "", "602000 E"},
        {3e-18, "J", "3.00 aJ"},
        {4e-21, "J", "0.00400 aJ"},
        {1e18, "B", "888 PiB"},
        {1e22, "B", "8674 EiB"},
        {1e6, "B/s", "1.00 MB/s"},
        {0.1, "W", "100 mW"},
        {0.001, "W", "1.00 mW"},
        {-0.0, "W", "0 W"},
        {5e-324, "J", "4.94e-306 aJ"},
    };
    char buf[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(roma_report_si(buf, sizeof buf, rows[i].v, rows[i].unit), rows[i].want);
    CHECK_STR(roma_report_si(buf, sizeof buf, NAN, "W"), "- W");
    CHECK_STR(roma_report_si(buf, sizeof buf, INFINITY, ""), "-");
    CHECK_STR(roma_report_si(buf, 4, 12345, "W"), "12.");
}

static bool has(const roma_buf *b, const char *text) { return memmem(b->data, b->len, text, strlen(text)) != NULL; }

static void test_json_escapes(void) {
    roma_table t = {0};
    roma_buf b = {0};
    roma_table_column(&t, "k\"\\", "", 3);
    roma_table_row(&t);
    roma_table_text(&t, 0,
                    "\"q\" \\ \b\f\n\r\t\x01\x1f\x7f / \xc3\xa9 \xf0\x9f\x98\x80 \xff \xc0\x80 \xed\xa0\x80 "
                    "\xf4\x90\x80\x80 \xe2\x82");
    roma_report_table_json(&t, &(roma_json){.out = &b}, NULL);
    CHECK(has(&b, "{\"k\\\"\\\\\":\"\\\"q\\\" \\\\ \\u0008\\u000c\\n\\u000d\\u0009\\u0001\\u001f\\u007f / \xc3\xa9 "
                  "\xf0\x9f\x98\x80 "
                  "\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "
                  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\"}"));
    roma_buf_destroy(&b);
    roma_table_destroy(&t);
}

static void test_json_numbers(void) {
    static const double values[] = {NAN, INFINITY, -INFINITY, 0.1, 1.0 / 3, 1e300, 5e-324, -0.0};
    static const char *const ten[] = {"null", "null", "null", "0.1", "0.3333333333", "1e+300", "4.940656458e-324",
                                      "-0"};
    static const char *const all[] = {
        "null", "null", "null", "0.1", "0.3333333333333333", "1e+300", "4.94065645841247e-324", "-0"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        roma_table t = {0};
        roma_buf b = {0};
        char want[96];
        roma_table_column(&t, "a", "", 4);
        roma_table_column(&t, "b", "", 0);
        roma_table_column(&t, "c", "", 0);
        roma_table_row(&t);
        roma_table_real(&t, 0, values[i]);
        roma_table_real(&t, 1, values[i]);
        roma_report_table_json(&t, &(roma_json){.out = &b}, NULL);
        snprintf(want, sizeof want, "[\n{\"a\":%s,\"b\":%s,\"c\":null}\n]", ten[i], all[i]);
        CHECK(b.len == strlen(want) && has(&b, want));
        roma_buf_destroy(&b);
        roma_table_destroy(&t);
    }
}

static void test_svg_escapes(void) {
    roma_slice s = {.value = 1};
    roma_buf b = {0};
    snprintf(s.name, sizeof s.name, "<a href=\"&\">");
    roma_report_bar_svg("T & <t> \"q\" \x01\xff\xef\xbf\xbf.", "W", &s, 1, &b);
    CHECK(has(&b, "&lt;a href=&quot;&amp;&quot;&gt;"));
    CHECK(has(&b, "<title>T &amp; &lt;t&gt; &quot;q&quot;  &#xfffd;&#xfffd;."));
    CHECK(!has(&b, "<a ") && !has(&b, "\x01") && !has(&b, "\xff") && !has(&b, "\xef\xbf\xbf"));
    roma_buf_destroy(&b);
}

static void test_wide_table(void) {
    roma_table t = {0};
    roma_buf b = {0};
    roma_table_column(&t, "a", "", 3);
    roma_table_column(&t, "b", "", 3);
    roma_table_row(&t);
    for (size_t c = 0; c < 2; c++)
        roma_table_text(
            &t, c, "a text that is far too long for one cell of a table that should fit into a terminal of 80 columns");
    roma_report_table_text(&t, &b);
    size_t longest = 0, at = 0;
    for (size_t i = 0; i < b.len; i++)
        if (b.data[i] == '\n') {
            if (i - at > longest) longest = i - at;
            at = i + 1;
        }
    CHECK_EQ(longest, 2 + 36 + 2 + 36);
    CHECK(has(&b, "..."));
    roma_buf_destroy(&b);
    roma_table_destroy(&t);
    roma_report_table_text(&t, &b); /* no columns, no rows: nothing, and no failure */
    CHECK(!b.failed);
    roma_buf_destroy(&b);
}

/* Memory ends at every place of every writer: no crash, failed is set until there is enough. */
static void write_all(const roma_table *t, const roma_timeline *line, roma_buf *b, int *trace_rc) {
    static const roma_roof roof = {"r", 1e12, 1e10};
    static const roma_roof_point point = {"p", 3, 1e10};
    static const size_t y[] = {1};
    roma_report_table_text(t, b);
    roma_report_table_markdown(t, b);
    roma_report_curves_svg(t, 0, y, 1, (roma_axes){false, false}, b);
    roma_report_scatter_svg(t, 0, 1, 1, 2, (roma_axes){false, true}, b);
    roma_report_roofline_svg("t", &roof, 1, &point, 1, b);
    *trace_rc = roma_report_trace(line, "p", 0, b, NULL);
}

static void test_scarce(void) {
    roma_table t = {0};
    roma_timeline line = {.tracks = {"a"}, .n_tracks = 1, .clock_hz = 1e9};
    roma_table_column(&t, "x", "", 3);
    roma_table_column(&t, "y", "W", 3);
    roma_table_column(&t, "front", "", 0);
    for (int i = 0; i < 4; i++) {
        roma_table_row(&t);
        roma_table_real(&t, 0, i);
        roma_table_real(&t, 1, i + 1);
        roma_table_bool(&t, 2, i < 2);
        roma_timeline_add(&line, &(roma_span){.start_cyc = (uint64_t)i, .busy_cyc = (uint64_t)i + 1});
    }
    int n = 0, rc;
    for (bool enough = false; !enough && n < 200; n++) {
        roma_buf b = {0};
        scarce_begin(n);
        write_all(&t, &line, &b, &rc);
        roma_allocator_set(NULL);
        enough = !b.failed && rc == 0;
        CHECK(rc == 0 || rc == ROMA_ENOMEM);
        roma_buf_destroy(&b);
    }
    CHECK(n > 10 && n < 200);
    roma_table_destroy(&t);
    roma_timeline_destroy(&line);
}

static void test_trace_refusals(void) {
    roma_timeline line = {.tracks = {"a"}, .n_tracks = 1, .clock_hz = 1e9};
    roma_buf b = {0};
    roma_error err;
    roma_timeline_add(&line, &(roma_span){.busy_cyc = 5});
    roma_buf_print(&b, "before");
    CHECK_EQ(roma_report_trace(&line, "p", 40, &b, &err), ROMA_EUSAGE); /* not even the frame fits */
    CHECK(strstr(err.text, "40 bytes"));
    CHECK_EQ(b.len, 6);
    line.clock_hz = 0;
    CHECK_EQ(roma_report_trace(&line, "p", 0, &b, &err), ROMA_EUSAGE);
    line.clock_hz = 1e9;
    line.spans[0].track = 1;
    CHECK_EQ(roma_report_trace(&line, "p", 0, &b, &err), ROMA_EUSAGE);
    line.spans[0].track = 0;
    line.spans[0].start_cyc = 9; /* ends before it begins: no time */
    CHECK_EQ(roma_report_trace(&line, "p", 0, &b, &err), 0);
    CHECK(b.len > 6 && memcmp(b.data, "before\x1f\x8b", 8) == 0);
    roma_buf_destroy(&b);
    roma_timeline_destroy(&line);
}

int main(void) {
    test_si();
    test_json_escapes();
    test_json_numbers();
    test_svg_escapes();
    test_wide_table();
    test_scarce();
    test_trace_refusals();
    return TEST_DONE();
}
