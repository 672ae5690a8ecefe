/* Lists, tables, timelines, floorplans: growth, cutting, and a failed allocation at every place. */
#include "../base/scarce.h"
#include "../test.h"
#include "roma/result.h"

#include <math.h>

static void test_list(void) {
    roma_result r = {0};
    char name[64], long_name[200];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    CHECK(!roma_result_find(&r, "g", "n"));
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "n%d", i);
        roma_result_add(&r, i % 2 ? "odd" : "even", name, "W", (roma_range){i - 1, i, i + 1}, "here");
    }
    roma_result_add(&r, long_name, long_name, long_name, roma_range_of(1), long_name);
    CHECK_EQ(r.n, 1001);
    CHECK(!r.failed);
    const roma_result_item *item = roma_result_find(&r, "odd", "n777");
    CHECK(item && item->v.low == 776 && item->v.mid == 777 && item->v.high == 778);
    CHECK(!roma_result_find(&r, "even", "n777"));
    CHECK_EQ(strlen(r.items[1000].group), sizeof item->group - 1);
    CHECK_EQ(strlen(r.items[1000].unit), sizeof item->unit - 1);
    CHECK_EQ(strlen(r.items[1000].source), sizeof item->source - 1);
    CHECK(roma_range_of(3).low == 3 && roma_range_of(3).high == 3);
    roma_result_destroy(&r);
    CHECK(!r.items && !r.n);
    roma_result_destroy(&r);
}

static void fill_table(roma_table *t, size_t columns, size_t rows) {
    for (size_t c = 0; c < columns; c++) roma_table_column(t, "c", "mm2", (int)c);
    for (size_t r = 0; r < rows && t->n_columns; r++) {
        roma_table_row(t);
        roma_table_real(t, 0, (double)r);
        for (size_t c = 1; c < columns; c++) roma_table_text(t, c, c % 2 ? "text" : "");
    }
}

static void test_table(void) {
    roma_table t = {0};
    fill_table(&t, 40, 500);
    CHECK_EQ(t.n_columns, 40);
    CHECK_EQ(t.n_rows, 500);
    CHECK(!t.failed);
    CHECK_EQ(t.columns[39].digits, 39);
    CHECK_STR(t.columns[39].unit, "mm2");
    for (size_t r = 0; r < 500; r++) {
        CHECK(roma_table_cell(&t, r, 0)->kind == ROMA_CELL_REAL && roma_table_cell(&t, r, 0)->real == (double)r);
        CHECK_STR(roma_table_cell(&t, r, 39)->text, "text");
    }
    /* a cell that is set twice keeps the last value, and leaks nothing (make san) */
    roma_table_row(&t);
    CHECK_EQ(roma_table_cell(&t, 500, 3)->kind, ROMA_CELL_EMPTY);
    roma_table_text(&t, 3, "first");
    roma_table_text(&t, 3, "second");
    CHECK_STR(roma_table_cell(&t, 500, 3)->text, "second");
    roma_table_bool(&t, 3, true);
    CHECK_EQ(roma_table_cell(&t, 500, 3)->kind, ROMA_CELL_BOOL);
    CHECK(roma_table_cell(&t, 500, 3)->real == 1 && !roma_table_cell(&t, 500, 3)->text);
    roma_table_destroy(&t);
    CHECK(!t.cells && !t.n_rows);
    roma_table_destroy(&t);
}

static void test_timeline(void) {
    roma_timeline t = {.n_tracks = 2, .clock_hz = 1e9};
    for (uint64_t i = 0; i < 3000; i++) {
        roma_span s = {.track = (uint32_t)(i & 1), .start_cyc = i, .busy_cyc = i + 1, .end_cyc = i + 2};
        snprintf(s.name, sizeof s.name, "s%u", (unsigned)i);
        roma_timeline_add(&t, &s);
    }
    CHECK_EQ(t.n, 3000);
    CHECK_EQ(t.spans[2999].end_cyc, 3001);
    CHECK_STR(t.spans[1234].name, "s1234");
    roma_timeline_destroy(&t);
    CHECK(!t.spans && !t.n);
}

static void test_floorplan(void) {
    roma_floorplan f;
    CHECK_EQ(roma_floorplan_create(&f, 17, 16), 0);
    CHECK(f.rows == 17 && f.columns == 16 && f.cells[17 * 16 - 1].area_mm2 == 0);
    roma_floorplan_destroy(&f);
    CHECK(!f.cells);
    CHECK_EQ(roma_floorplan_create(&f, 0, 16), ROMA_EUSAGE);
    CHECK_EQ(roma_floorplan_create(&f, UINT32_MAX, UINT32_MAX), ROMA_ENOMEM);
    roma_floorplan_destroy(&f);
}

/* With n allocations, for every n up to the whole work: failed is set, what is there is whole, later calls do nothing.
 */
static void test_scarce(void) {
    for (int n = 0; n < 130; n++) {
        roma_result r = {0};
        roma_table t = {0};
        roma_timeline line = {0};
        roma_floorplan f;
        roma_span s = {.start_cyc = 7};
        scarce_begin(n);
        fill_table(&t, 3, 60);
        bool whole = n >= 2 + 120 + 2; /* columns once; rows at 0, 16, 32: three times */
        CHECK_EQ(t.failed, n < 1 + 3 + 120);
        CHECK(whole == !t.failed);
        for (size_t row = 0; row < t.n_rows; row++)
            for (size_t c = 0; c < t.n_columns; c++) {
                const roma_cell *cell = roma_table_cell(&t, row, c);
                CHECK(cell->kind != ROMA_CELL_TEXT || cell->text);
            }
        roma_table_destroy(&t);
        /* Lists double from 16: an allocation at 0, 16, 32, 64, ... items. */
        scarce_begin(n % 5);
        for (int i = 0; i < 100; i++) roma_result_add(&r, "g", "n", "", roma_range_of(i), "");
        CHECK_EQ(r.failed, n % 5 < 4);
        CHECK_EQ(r.n, n % 5 == 0 ? 0 : n % 5 < 4 ? 8 << n % 5 : 100);
        scarce_begin(n % 7);
        for (int i = 0; i < 300; i++) roma_timeline_add(&line, &s);
        CHECK_EQ(line.failed, n % 7 < 6);
        CHECK_EQ(line.n, n % 7 == 0 ? 0 : n % 7 < 6 ? 8 << n % 7 : 300);
        scarce_begin(0);
        CHECK_EQ(roma_floorplan_create(&f, 2, 2), ROMA_ENOMEM);
        roma_allocator_set(NULL);
        roma_result_destroy(&r);
        roma_timeline_destroy(&line);
    }
}

/* One failure ends a list, a table and a timeline as they are, although there is memory again: else a hole would be in
 * the middle. */
static void test_one_failure(void) {
    roma_result r = {0};
    roma_table t = {0};
    roma_timeline line = {0};
    const roma_span s = {.start_cyc = 7};
    scarce_begin_once(1);
    for (int i = 0; i < 40; i++) roma_result_add(&r, "g", "n", "", roma_range_of(i), "");
    CHECK(r.failed);
    CHECK_EQ(r.n, 16);
    scarce_begin_once(1);
    for (int i = 0; i < 40; i++) roma_timeline_add(&line, &s);
    CHECK(line.failed);
    CHECK_EQ(line.n, 16);
    scarce_begin_once(2); /* its columns, 16 rows */
    roma_table_column(&t, "a", "", 0);
    for (int i = 0; i < 40; i++) roma_table_row(&t);
    CHECK(t.failed);
    CHECK_EQ(t.n_rows, 16);
    scarce_begin_once(1);
    roma_table_destroy(&t);
    for (int i = 0; i < 40; i++) roma_table_column(&t, "a", "", 0);
    CHECK(t.failed);
    CHECK_EQ(t.n_columns, 16);
    roma_table_row(&t);
    CHECK_EQ(t.n_rows, 0);
    roma_allocator_set(NULL);
    roma_result_destroy(&r);
    roma_table_destroy(&t);
    roma_timeline_destroy(&line);
}

int main(void) {
    test_one_failure();
    test_list();
    test_table();
    test_timeline();
    test_floorplan();
    test_scarce();
    return TEST_DONE();
}
