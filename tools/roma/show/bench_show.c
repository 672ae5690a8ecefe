/* Figures of roma bench as text, JSON, CSV and a roofline. */
#include "bench.h"
#include "roma/report.h"

#include <math.h>

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

/* roofs: with the roofs in each row, and shares as fractions, for programs. */
static void make_table(const bench *b, bool roofs, roma_table *t) {
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
    for (size_t i = 0; i < (roofs ? sizeof columns / sizeof *columns : READ_GB_S); i++)
        roma_table_column(t, columns[i].name, columns[i].unit, columns[i].digits);
    for (size_t i = 0; i < b->n_rows; i++) {
        const bench_row *r = &b->rows[i];
        const double gb = roma_rate(r->work.bytes, r->seconds) / 1e9, gmac = roma_rate(r->work.mac, r->seconds) / 1e9;
        const double v[] = {0,
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
        roma_table_row(t);
        roma_table_text(t, TEST, r->prefill ? "prefill" : "decode");
        for (size_t c = TOKENS; c < t->n_columns; c++)
            if (!isnan(v[c])) roma_table_real(t, c, v[c]);
    }
}

void bench_text(const bench *b, roma_buf *out) {
    roma_table t = {0};
    make_table(b, false, &t);
    roma_report_table_text(&t, out);
    roma_buf_print(out,
                   "at best, %d threads: %.1f GB/s read, %.1f GMAC/s of 8-bit products; %s kernels on %s; %.0f %% of "
                   "the image in huge pages\n",
                   b->roof_threads, b->read_gb_s, b->int8_gmac_s, b->isa, b->cpu,
                   100 * huge_share(&roma_answer_image(b->s.a)->map));
    roma_table_destroy(&t);
}

void bench_csv(const bench *b, roma_buf *out) {
    roma_table t = {0};
    make_table(b, true, &t);
    roma_report_table_csv(&t, out);
    roma_table_destroy(&t);
}

void bench_json(const bench *b, roma_buf *out) {
    roma_table t = {0};
    make_table(b, true, &t);
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
