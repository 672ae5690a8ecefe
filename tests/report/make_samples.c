/* Writes one of everything that report makes into a folder: make_samples FOLDER. tests/report/check_output.py knows the
 * same values and reads the files with parsers that we did not write. */
#include "roma/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *folder;

static void save(const char *name, roma_buf *b) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = b->failed ? NULL : fopen(path, "wb");
    if (!f || fwrite(b->data, 1, b->len, f) != b->len || fclose(f)) {
        fprintf(stderr, "cannot write %s\n", path);
        exit(1);
    }
    roma_buf_destroy(b);
}

static void make_list(void) {
    roma_result r = {0};
    roma_buf b = {0};
    roma_result_add(&r, "chip", "area", "mm2", (roma_range){731.4, 812.25, 901}, "cost model, sum of units");
    roma_result_add(&r, "chip", "power", "W", (roma_range){31.5, 40.25, 55}, "");
    roma_result_add(&r, "chip", "clock", "Hz", roma_range_of(1e9), "chips/roma.chip");
    roma_result_add(&r, "chip", "matrix_units", "", roma_range_of(256), "");
    roma_result_add(&r, "decode", "throughput", "tokens/s", (roma_range){180000, 249960, 260000}, "plan, batch 32");
    roma_result_add(&r, "decode", "energy", "J/token", (roma_range){1.2e-4, 1.612e-4, 2e-4}, "said \"so\", twice\\");
    roma_result_add(&r, "decode", "rom_traffic", "B/s", roma_range_of(123456789012345.0), "");
    roma_result_add(&r, "decode", "missing", "s", roma_range_of(NAN), "not evaluated");
    roma_report_list_text(&r, &b);
    save("list.txt", &b);
    roma_buf_print(&b, "{\"first\":1,");
    roma_report_list_json(&r, &(roma_json){.out = &b});
    roma_buf_print(&b, "}");
    save("list.json", &b);
    roma_report_list_csv(&r, &b);
    save("list.csv", &b);
    roma_result_destroy(&r);
}

/* Texts that break writers. */
static const char *const nasty[] = {"plain",
                                    "a,b",
                                    "say \"hi\"",
                                    "two\nlines",
                                    "cr\r\nlf",
                                    "<b>&amp;</b>",
                                    "tab\tbell\a",
                                    "gr\xc3\xbc\xc3\x9f",
                                    "bad \xff\xc3 utf-8",
                                    "123",
                                    "true",
                                    "",
                                    " lead",
                                    "back\\slash",
                                    "a|b",
                                    "\xed\xa0\x80"};
enum { NASTY = sizeof nasty / sizeof *nasty };

static void make_tables(void) {
    roma_table t = {.title = "Every \"kind\" of <cell> & unit"};
    roma_buf b = {0};
    roma_table_column(&t, "name", "", 0);
    roma_table_column(&t, "exact", "", 0);
    roma_table_column(&t, "rounded", "mm2", 4);
    roma_table_column(&t, "rate", "B/s", 3);
    roma_table_column(&t, "good", "", 0);
    for (size_t i = 0; i < NASTY; i++) {
        roma_table_row(&t);
        roma_table_text(&t, 0, nasty[i]);
        roma_table_real(&t, 1, 1.0 / (double)(3 + i) * (i % 2 ? 1e-200 : 1e150));
        roma_table_real(&t, 2, (double)(i * i) / 7);
        if (i != 5) roma_table_real(&t, 3, i == 6 ? INFINITY : 1e9 * (double)(i + 1) / 3);
        roma_table_bool(&t, 4, i % 3 == 0);
    }
    roma_report_table_text(&t, &b);
    save("table.txt", &b);
    roma_report_table_json(&t, &(roma_json){.out = &b}, NULL);
    save("table.json", &b);
    roma_report_table_csv(&t, &b);
    save("table.csv", &b);
    roma_report_table_markdown(&t, &b);
    save("table.md", &b);
    roma_table_destroy(&t);
}

static void make_floors(void) {
    static const char *const names[] = {"floor-area.svg", "floor-power.svg", "floor-utilisation.svg"};
    roma_floorplan f;
    roma_buf b = {0};
    if (roma_floorplan_create(&f, 17, 16)) exit(1);
    snprintf(f.title, sizeof f.title, "ROMA <17 x 16> & strip");
    f.other_mm2 = 61.5;
    for (uint32_t r = 0; r < 17; r++)
        for (uint32_t c = 0; c < 16; c++) {
            roma_floor_cell *cell = &f.cells[r * 16 + c];
            bool vector = r == 16;
            snprintf(cell->label, sizeof cell->label, "%s", vector ? "vector" : "matrix");
            cell->area_mm2 = vector ? 1.4 : 2.75;
            cell->utilisation = vector ? 0.3 : 0.35 + 0.6 * (double)((r * 16 + c) % 41) / 41;
            cell->power_w = cell->utilisation * (vector ? 0.3 : 0.13);
        }
    for (int by = 0; by < 3; by++) {
        roma_report_floorplan_svg(&f, (roma_floor_colour)by, &b);
        save(names[by], &b);
    }
    roma_floorplan_destroy(&f);
    if (roma_floorplan_create(&f, 1, 3)) exit(1); /* nothing known: still a picture */
    roma_report_floorplan_svg(&f, ROMA_FLOOR_POWER, &b);
    save("floor-empty.svg", &b);
    roma_floorplan_destroy(&f);
}

static void make_roofline(void) {
    static const roma_roof roofs[] = {{"ROMA: ROM", 5.2e14, 2.6e14},
                                      {"ROMA: H-Unit SRAM", 1.3e14, 6.5e12},
                                      {"GPU <HBM3> & co", 9.9e14, 3.35e12},
                                      {"no memory limit", 4e13, 0}};
    static const roma_roof_point points[] = {{"linear q", 2, 4.1e14},        {"linear down", 2, 3.9e14},
                                             {"attend, t = 512", 1.6, 8e12}, {"attend, t = 4096", 1.9, 9e12},
                                             {"adapter \"A\"", 0.5, 2e12},   {"head", 2, 4.8e14},
                                             {"prefill", 300, 5e14},         {"not drawn", 0, 0}};
    roma_buf b = {0};
    roma_report_roofline_svg("Roofline of a decode step, batch 1", roofs, 4, points, 8, &b);
    save("roofline.svg", &b);
    static const roma_roof wide[] = {{"a roof whose name is as long as names can be, ok", 5.2e14, 2.6e14},
                                     {"Onethatneedsthreelinesandhasnoblankinitsname", 4e13, 3e12}};
    roma_report_roofline_svg("Long names", wide, 2, points, 8, &b);
    save("roofline-long.svg", &b);
    roma_report_roofline_svg("Nothing", NULL, 0, NULL, 0, &b);
    save("roofline-empty.svg", &b);
}

static void make_curves(void) {
    roma_table t = {.title = "Throughput against context & batch"};
    roma_buf b = {0};
    roma_table_column(&t, "context", "", 0);
    roma_table_column(&t, "batch 1", "tokens/s", 4);
    roma_table_column(&t, "batch <32>", "tokens/s", 4);
    roma_table_column(&t, "power", "W", 4);
    for (int i = 0; i < 12; i++) {
        double context = 16 * pow(2, i);
        roma_table_row(&t);
        roma_table_real(&t, 0, context);
        roma_table_real(&t, 1, 30000 / (1 + context / 9000));
        if (i != 4) roma_table_real(&t, 2, 250000 / (1 + context / 2500));
        roma_table_real(&t, 3, 0.020 + 0.002 * i);
    }
    static const size_t y[] = {1, 2, 3};
    roma_report_curves_svg(&t, 0, y, 2, (roma_axes){true, false}, &b);
    save("curves.svg", &b);
    roma_report_curves_svg(&t, 0, y, 2, (roma_axes){true, true}, &b);
    save("curves-log.svg", &b);
    roma_report_curves_svg(&t, 0, y, 3, (roma_axes){false, false}, &b);
    save("curves-units.svg", &b);
    roma_report_curves_svg(&t, 0, y + 2, 1, (roma_axes){false, false}, &b);
    save("curves-one.svg", &b);
    const roma_mark inside = {"capacity <9k>", 9000}, beyond = {"beyond", 1e6};
    roma_report_marked_curves_svg(&t, 0, y + 2, 1, (roma_axes){false, false}, &inside, &b);
    save("curves-marked.svg", &b);
    roma_report_marked_curves_svg(&t, 0, y + 2, 1, (roma_axes){false, false}, &beyond, &b);
    save("curves-unmarked.svg", &b);
    roma_table_destroy(&t);
    roma_table_column(&t, "x", "", 0);
    roma_report_curves_svg(&t, 0, (const size_t[]){0}, 1, (roma_axes){true, true}, &b);
    save("curves-empty.svg", &b);
    roma_table_destroy(&t);
}

static void make_scatter(void) {
    roma_table t = {.title = "Design space: 400 designs"};
    roma_buf b = {0};
    roma_table_column(&t, "design", "", 0);
    roma_table_column(&t, "area", "mm2", 4);
    roma_table_column(&t, "throughput", "tokens/s", 4);
    roma_table_column(&t, "clock", "Hz", 3);
    roma_table_column(&t, "style", "", 0);
    roma_table_column(&t, "Pareto front", "", 0);
    double best = 0;
    for (uint64_t i = 0; i < 400; i++) { /* by area, so that a new best is on the front */
        static const char *const styles[] = {"rom", "brom", "sram", "fused & <dense>"};
        char name[32];
        double area = 300 + 1.5 * (double)i, noise = (double)(roma_random(5, i) % 1000) / 1000;
        double speed = 900 * pow(area, 0.8) * (0.3 + 0.7 * noise);
        snprintf(name, sizeof name, "d%03u", (unsigned)i);
        roma_table_row(&t);
        roma_table_text(&t, 0, name);
        roma_table_real(&t, 1, area);
        roma_table_real(&t, 2, speed);
        roma_table_real(&t, 3, 5e8 + 1e9 * (double)(roma_random(6, i) % 1000) / 1000);
        roma_table_text(&t, 4, styles[roma_random(7, i) % 4]);
        roma_table_bool(&t, 5, speed > best);
        if (speed > best) best = speed;
    }
    roma_report_scatter_svg(&t, 1, 2, 3, 5, (roma_axes){false, false}, &b);
    save("scatter.svg", &b);
    roma_report_scatter_svg(&t, 1, 2, 4, 5, (roma_axes){true, true}, &b);
    save("scatter-named.svg", &b);
    roma_report_scatter_svg(&t, 1, 3, SIZE_MAX, SIZE_MAX, (roma_axes){false, false}, &b);
    save("scatter-bare.svg", &b);
    roma_report_table_csv(&t, &b);
    save("scatter.csv", &b);
    roma_table_destroy(&t);
}

static void make_bar(void) {
    static const roma_slice slices[] = {
        {"L-Units: ROM", 412}, {"L-Units: compute", 201.5}, {"H-Units", 77},   {"SRAM <banks>", 60}, {"mesh", 14},
        {"vector units", 33},  {"pads & PLL", 9},           {"rounding", 0.4}, {"none", 0}};
    roma_buf b = {0};
    roma_report_bar_svg("Area of the chip", "mm2", slices, 9, &b);
    save("bar.svg", &b);
}

/* The same spans as check_output.py: touching ones, some with latency. */
static void make_traces(void) {
    roma_timeline t = {.tracks = {"matrix units: L", "matrix units: H", "vector units", "mesh", "\"others\""},
                       .n_tracks = 5,
                       .clock_hz = 1.5e9};
    roma_buf b = {0};
    roma_error err;
    for (uint64_t i = 0; i < 20000; i++) {
        roma_span s = {.track = (uint32_t)(i % 5), .start_cyc = (19999 - i) * 7};
        s.busy_cyc = s.start_cyc + 1 + i * 37 % 35;
        s.end_cyc = s.busy_cyc + i % 3 * 4;
        snprintf(s.name, sizeof s.name, "linear \"%u\"", (unsigned)(i % 11));
        if (i % 4) snprintf(s.detail, sizeof s.detail, "layer %u rows 0-31", (unsigned)(i % 24));
        roma_timeline_add(&t, &s);
    }
    static const struct {
        const char *name;
        size_t cap;
    } files[] = {{"trace.json.gz", 0}, {"trace-again.json.gz", (size_t)1 << 30}, {"trace-capped.json.gz", 40000}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (roma_report_trace(&t, "roma <simulated>", files[i].cap, &b, &err)) exit(1);
        save(files[i].name, &b);
    }
    if (roma_report_trace_plain(&t, "roma <simulated>", 0, &b, &err)) exit(1);
    save("trace.json", &b);
    if (roma_report_trace_plain(&t, "roma <simulated>", 400000, &b, &err)) exit(1);
    save("trace-capped.json", &b);
    t.n = 0;
    if (roma_report_trace(&t, "empty", 0, &b, &err)) exit(1);
    save("trace-empty.json.gz", &b);
    roma_timeline_destroy(&t);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: make_samples FOLDER\n");
        return 2;
    }
    folder = argv[1];
    make_list();
    make_tables();
    make_floors();
    make_roofline();
    make_curves();
    make_scatter();
    make_bar();
    make_traces();
    return 0;
}
