/* Figures of roma bench as text, JSON, CSV and a roofline. */
#include "bench.h"
#include "roma/report.h"

#include <math.h>
#include <string.h>

enum {
    TEST,
    TOKENS,
    BATCH,
    DEPTH,
    THREADS,
    TOK_S,
    BYTES,
    GB_S,
    READ_SHARE,
    GMAC_S,
    INT8_SHARE,
    READ_GB_S,
    INT8_GMAC_S
};

static double tokens_of(const bench_row *r) { return (double)r->tokens * r->batch; }

/* A roof of 0 was not measured; then there is no share of it, and its cell stays empty. */
static double share(double rate, double roof) { return roof > 0 ? rate / roof : (double)NAN; }

/* All figures of a row, in the order above. A decode row's share compares neighbours: its best step with the reads
 * between the steps. */
static void figures(const bench *b, const bench_row *r, double v[INT8_GMAC_S + 1]) {
    const double gb = roma_rate(r->work.bytes, r->seconds) / 1e9, gmac = roma_rate(r->work.mac, r->seconds) / 1e9;
    const double all[] = {0,
                          r->tokens,
                          r->batch,
                          r->depth,
                          r->threads,
                          roma_rate(tokens_of(r), r->seconds),
                          r->work.bytes / tokens_of(r),
                          gb,
                          r->share > 0 ? r->share : share(gb, b->read_gb_s),
                          gmac,
                          share(gmac, b->int8_gmac_s),
                          b->read_gb_s,
                          b->int8_gmac_s};
    memcpy(v, all, sizeof all);
}

static void put_row(roma_table *t, const bench_row *r, const double *v) {
    roma_table_row(t);
    roma_table_text(t, TEST, r->prefill ? "prefill" : "decode");
    for (size_t c = TOKENS; c < t->n_columns; c++)
        if (!isnan(v[c])) roma_table_real(t, c, v[c]);
}

/* For programs: with the roofs in each row. */
static void make_table(const bench *b, roma_table *t) {
    static const struct {
        const char *name, *unit;
        int digits;
    } columns[] = {{"test", "", 4},
                   {"tokens", "", 8},
                   {"batch", "", 4},
                   {"depth", "", 8},
                   {"threads", "", 3},
                   {"tok_s", "", 4},
                   {"bytes_per_token", "B", 3},
                   {"gb_s", "", 3},
                   {"read_share", "", 2},
                   {"gmac_s", "", 3},
                   {"int8_share", "", 2},
                   {"read_gb_s", "", 3},
                   {"int8_gmac_s", "", 3}};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        roma_table_column(t, columns[i].name, columns[i].unit, columns[i].digits);
    for (size_t i = 0; i < b->n_rows; i++) {
        double v[INT8_GMAC_S + 1];
        figures(b, &b->rows[i], v);
        put_row(t, &b->rows[i], v);
    }
}

/* For people: shares of the roofs that are named below, in percent, and no threads where all rows have as many. */
static void make_page(const bench *b, roma_table *t) {
    static const struct {
        unsigned figure;
        const char *name, *unit;
        int digits;
    } columns[] = {{TEST, "test", "", 4},     {TOKENS, "tokens", "", 8},      {BATCH, "batch", "", 4},
                   {DEPTH, "depth", "", 8},   {THREADS, "threads", "", 3},    {TOK_S, "tok_s", "", 4},
                   {BYTES, "reads", "B", 3},  {GB_S, "gb_s", "", 3},          {READ_SHARE, "of_read", "%", 2},
                   {GMAC_S, "gmac_s", "", 3}, {INT8_SHARE, "of_int8", "%", 2}};
    const size_t n = sizeof columns / sizeof *columns;
    const bool one = b->threads.n <= 1;
    for (size_t i = 0; i < n; i++)
        if (!one || columns[i].figure != THREADS)
            roma_table_column(t, columns[i].name, columns[i].unit, columns[i].digits);
    for (size_t i = 0; i < b->n_rows; i++) {
        double v[INT8_GMAC_S + 1], shown[INT8_GMAC_S + 1];
        size_t at = 0;
        figures(b, &b->rows[i], v);
        v[READ_SHARE] = 100 * share(v[GB_S], b->read_gb_s);
        v[INT8_SHARE] *= 100;
        for (size_t c = 0; c < n; c++)
            if (!one || columns[c].figure != THREADS) shown[at++] = v[columns[c].figure];
        put_row(t, &b->rows[i], shown);
    }
}

void bench_text(const bench *b, roma_buf *out) {
    roma_table t = {0};
    if (b->why) {
        bench_why_text(b, out);
        return;
    }
    if (b->stability.wanted_seconds) {
        stability_text(&b->stability, out);
        return;
    }
    make_page(b, &t);
    roma_report_table_text(&t, out);
    roma_buf_print(out,
                   "\n  batch    sequences at once; depth: tokens of each that are in the cache before\n"
                   "  tok_s    tokens a second, of all sequences together\n"
                   "  reads    bytes a token: weights and scales once a step, and the cache it sees\n"
                   "  gb_s     those bytes a second; of_read: of %.1f GB/s, read by %d threads\n"
                   "  gmac_s   multiply-adds a second, 10^9; of_int8: of %.1f of 8-bit products\n"
                   "%s kernels on %s; %.0f %% of the image in huge pages\n",
                   b->read_gb_s, b->roof_threads, b->int8_gmac_s, b->isa, b->cpu,
                   100 * huge_share(&roma_answer_image(b->s.a)->map));
    if (!(b->read_gb_s > 0)) roma_buf_print(out, "there was no memory for the GiB whose read is the roof\n");
    if (b->interrupted) roma_buf_print(out, "interrupted: further tests were not made\n");
    roma_table_destroy(&t);
}

void bench_csv(const bench *b, roma_buf *out) {
    roma_table t = {0};
    if (b->stability.wanted_seconds) {
        stability_csv(&b->stability, out);
        return;
    }
    make_table(b, &t);
    roma_report_table_csv(&t, out);
    roma_table_destroy(&t);
}

void bench_json(const bench *b, roma_buf *out) {
    roma_table t = {0};
    make_table(b, &t);
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_report_table_json(&t, &j, "rows");
    roma_json_real(&j, "read_gb_s", b->read_gb_s);
    roma_json_real(&j, "int8_gmac_s", b->int8_gmac_s);
    roma_json_int(&j, "roof_threads", b->roof_threads);
    roma_json_string(&j, "cpu", b->cpu);
    roma_json_string(&j, "isa", b->isa);
    roma_json_string(&j, "image", b->config.answer.image);
    roma_json_hex(&j, "sha256", roma_answer_image(b->s.a)->file_sha256, 32);
    roma_json_real(&j, "huge_share", huge_share(&roma_answer_image(b->s.a)->map));
    roma_json_real(&j, "weight_bytes", b->body.bytes + b->head.bytes);
    roma_json_real(&j, "weight_mac", b->body.mac + b->head.mac);
    roma_json_real(&j, "cache_bytes_per_position", b->position);
    roma_json_bool(&j, "interrupted", b->interrupted || b->stability.interrupted);
    if (b->why) bench_why_json(b, &j);
    if (b->stability.wanted_seconds) stability_json(&b->stability, &j);
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
    roma_table_destroy(&t);
}

void bench_svg(const bench *b, roma_buf *out) {
    roma_roof roof = {.mac_s = b->int8_gmac_s * 1e9, .byte_s = b->read_gb_s * 1e9};
    roma_roof_point *p = roma_alloc_array(b->n_rows + 1, sizeof *p);
    char title[96];
    out->failed |= !p;
    if (!p) return;
    roma_print(roof.name, sizeof roof.name, "%s, %d threads", b->isa, b->roof_threads);
    roma_print(title, sizeof title, "%.40s on %.40s", roma_answer_image(b->s.a)->desc.name, b->cpu);
    for (size_t i = 0; i < b->n_rows; i++) {
        const bench_row *r = &b->rows[i];
        char depth[16] = "", batch[16] = "", threads[16] = "";
        if (r->depth) roma_print(depth, sizeof depth, " at %u", r->depth);
        if (r->batch > 1) roma_print(batch, sizeof batch, " x %u", r->batch);
        if (b->threads.n > 1) roma_print(threads, sizeof threads, ", %d thr", r->threads);
        p[i] =
            (roma_roof_point){.mac_per_byte = r->work.mac / r->work.bytes, .mac_s = roma_rate(r->work.mac, r->seconds)};
        roma_print(p[i].name, sizeof p[i].name, "%s %u%s%s%s", r->prefill ? "prefill" : "decode", r->tokens, batch,
                   depth, threads);
    }
    roma_report_roofline_svg(title, &roof, 1, p, b->n_rows, out);
    roma_free(p);
}
