/* Chrome trace events, deflated as they are written, or plain. Times are whole picoseconds, and a span's length is the
 * difference of its rounded ends, so that spans which touch in cycles touch in the trace and never overlap. */
#include "report/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifndef ROMA_NO_ZLIB /* make ZLIB=no, for cross builds */
#include <zlib.h>
#endif

enum { CHUNK = 1 << 16 };

typedef struct {
    uint64_t key; /* start, or complement of the duration */
    size_t i;
} ranked;

typedef struct {
    const roma_timeline *t;
    const char *process;
    const ranked *by_start;
    const size_t *rank; /* of each span by duration, longest first */
    size_t max_bytes;
    bool is_plain;
#ifndef ROMA_NO_ZLIB
    z_stream z;
    uint8_t chunk[CHUNK];
#endif
    roma_buf text;  /* not yet in out */
    roma_json json; /* writes there */
    roma_buf *out;
    size_t base;    /* bytes of out before the trace */
    size_t written; /* spans of the last attempt */
} writer;

#ifndef ROMA_NO_ZLIB
static void *z_alloc(void *ctx, unsigned n, unsigned size) {
    (void)ctx;
    return roma_alloc_array(n, size);
}
static void z_release(void *ctx, void *p) {
    (void)ctx;
    roma_free(p);
}

static bool begin_deflate(writer *w) {
    memset(&w->z, 0, sizeof w->z);
    w->z.zalloc = z_alloc;
    w->z.zfree = z_release;
    /* 16 + 15: gzip; zlib writes no time and no name unless told to, so equal spans make equal files */
    return deflateInit2(&w->z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool deflate_text(writer *w, bool is_last) {
    const int flush = is_last ? Z_FINISH : Z_NO_FLUSH;
    int rc;
    w->z.next_in = w->text.data;
    w->z.avail_in = (unsigned)w->text.len;
    do {
        w->z.next_out = w->chunk;
        w->z.avail_out = CHUNK;
        rc = deflate(&w->z, flush);
        roma_buf_append(w->out, w->chunk, CHUNK - w->z.avail_out);
        if (w->out->failed || w->out->len - w->base > w->max_bytes) return false;
    } while (w->z.avail_out == 0 || (flush == Z_FINISH && rc == Z_OK));
    w->text.len = 0;
    return !w->text.failed && rc != Z_STREAM_ERROR;
}

static void end_deflate(writer *w) { deflateEnd(&w->z); }
#else
static bool begin_deflate(writer *w) { return !w; }
static bool deflate_text(writer *w, bool is_last) { return is_last && !w; }
static void end_deflate(writer *w) { (void)w; }
#endif

/* Moves the text to out, and empties it. False when the cap is reached or memory is short. */
static bool put_text(writer *w, bool is_last) {
    if (!w->is_plain) return deflate_text(w, is_last);
    roma_buf_append(w->out, w->text.data, w->text.len);
    if (w->text.failed || w->out->failed || w->out->len - w->base > w->max_bytes) return false;
    w->text.len = 0;
    return true;
}

static uint64_t picoseconds(const roma_timeline *t, uint64_t cycles) {
    double ps = (double)cycles / t->clock_hz * 1e12;
    return ps < 9e18 ? (uint64_t)(ps + 0.5) : (uint64_t)9e18;
}

/* Begins an event, a line each, and leaves it open. */
static void put_event(roma_json *j, const char *name, const char *kind, uint32_t tid) {
    roma_json_line(j);
    roma_json_open(j, NULL, '{');
    roma_json_string(j, "name", name);
    roma_json_string(j, "ph", kind);
    roma_json_int(j, "pid", 1);
    roma_json_uint(j, "tid", tid);
}

static void end_event(roma_json *j) {
    roma_json_close(j, '}'); /* args */
    roma_json_close(j, '}');
}

static void put_name(roma_json *j, const char *kind, uint32_t tid, const char *name) {
    put_event(j, kind, "M", tid);
    roma_json_open(j, "args", '{');
    roma_json_string(j, "name", name);
    end_event(j);
}

static void put_head(writer *w, size_t kept) {
    roma_json *j = &w->json;
    roma_json_open(j, NULL, '{');
    roma_json_open(j, "traceEvents", '[');
    put_name(j, "process_name", 0, w->process);
    for (uint32_t i = 0; i < w->t->n_tracks; i++) {
        put_name(j, "thread_name", i + 1, w->t->tracks[i]);
        put_event(j, "thread_sort_index", "M", i + 1);
        roma_json_open(j, "args", '{');
        roma_json_uint(j, "sort_index", i);
        end_event(j);
    }
    if (kept == w->t->n) return;
    put_event(j, "dropped", "M", 0);
    roma_json_open(j, "args", '{');
    roma_json_uint(j, "spans", w->t->n - kept);
    roma_json_uint(j, "of", w->t->n);
    end_event(j);
}

static uint64_t busy_of(const roma_span *s) { return s->busy_cyc > s->start_cyc ? s->busy_cyc - s->start_cyc : 0; }

/* Microseconds, exactly. */
static void put_time(roma_json *j, const char *key, uint64_t ps) {
    char text[40];
    const int n = roma_print(text, sizeof text, "%llu.%06llu", (unsigned long long)(ps / 1000000),
                             (unsigned long long)(ps % 1000000));
    roma_json_number(j, key, text, (size_t)n);
}

static void put_span(writer *w, const roma_span *s) {
    roma_json *j = &w->json;
    const uint64_t from = picoseconds(w->t, s->start_cyc);
    put_event(j, s->name, "X", s->track + 1);
    put_time(j, "ts", from);
    put_time(j, "dur", picoseconds(w->t, s->start_cyc + busy_of(s)) - from);
    roma_json_open(j, "args", '{');
    if (s->detail[0]) roma_json_string(j, "detail", s->detail);
    roma_json_uint(j, "cycles", busy_of(s));
    if (s->end_cyc > s->busy_cyc) roma_json_uint(j, "latency_cycles", s->end_cyc - s->busy_cyc);
    end_event(j);
}

/* Writes a trace of the `kept` longest spans; false: it does not fit, or memory is short, and out is as before. */
static bool write_trace(writer *w, size_t kept) {
    w->out->len = w->base;
    w->text.len = 0;
    w->json = (roma_json){.out = &w->text};
    w->written = 0;
    if (!w->is_plain && !begin_deflate(w)) {
        w->out->failed = true;
        return false;
    }
    put_head(w, kept);
    bool fits = true;
    for (size_t i = 0; i < w->t->n && fits; i++) {
        size_t span = w->by_start[i].i;
        if (w->rank[span] >= kept) continue;
        put_span(w, &w->t->spans[span]);
        w->written++;
        if (w->text.len >= CHUNK) fits = put_text(w, false);
    }
    roma_json_line(&w->json);
    roma_json_close(&w->json, ']');
    roma_json_string(&w->json, "displayTimeUnit", "ns");
    roma_json_close(&w->json, '}');
    roma_buf_append(&w->text, "\n", 1);
    fits = fits && put_text(w, true);
    if (!w->is_plain) end_deflate(w);
    if (w->text.failed) w->out->failed = true;
    if (!fits) w->out->len = w->base;
    return fits;
}

/* What to try next: about the same bytes a span as what fitted; at first, the spans that went out before the cap
 * stopped them. */
static size_t next_try(const writer *w, size_t fits, size_t fails, size_t fits_bytes) {
    size_t want = w->written;
    if (fits) want = (size_t)((double)fits * (double)w->max_bytes / (double)fits_bytes * 0.995);
    return want > fits && want < fails ? want : fits + (fails - fits) / 2;
}

/* The most spans that fit, nearly: sizes rise almost in step with spans, and only what was written and fits is kept. */
static int write_capped(writer *w, roma_error *err) {
    size_t n = w->t->n, fits = 0, fails = n, bytes = 0;
    bool there = write_trace(w, n); /* out holds the trace of `fits` spans, or of all */
    if (there) return ROMA_OK;
    while (fails - fits > 1 + n / 1000 && bytes < w->max_bytes / 100 * 98 && !w->out->failed) {
        size_t k = next_try(w, fits, fails, bytes);
        there = write_trace(w, k);
        if (there) {
            fits = k;
            bytes = w->out->len - w->base;
        } else
            fails = k;
    }
    if (!w->out->failed && (there || write_trace(w, fits))) return ROMA_OK;
    if (w->out->failed)
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "not enough memory for a trace of %zu spans", n);
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                     "a trace does not fit into %zu bytes, even without spans; allow more", w->max_bytes);
}

static int by_key(const void *a, const void *b) {
    const ranked *p = a, *q = b;
    if (p->key != q->key) return p->key < q->key ? -1 : 1;
    return p->i < q->i ? -1 : p->i > q->i;
}

/* Ranks by duration, then the order by start, both in `order`. */
static void sort_spans(const roma_timeline *t, ranked *order, size_t *rank) {
    if (!t->n) return; /* no arrays */
    for (size_t i = 0; i < t->n; i++) order[i] = (ranked){UINT64_MAX - busy_of(&t->spans[i]), i};
    qsort(order, t->n, sizeof *order, by_key);
    for (size_t i = 0; i < t->n; i++) rank[order[i].i] = i;
    for (size_t i = 0; i < t->n; i++) order[i] = (ranked){t->spans[i].start_cyc, i};
    qsort(order, t->n, sizeof *order, by_key);
}

static int check(const roma_timeline *t, roma_error *err) {
    if (!isfinite(t->clock_hz) || t->clock_hz <= 0)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a trace needs a clock");
    for (size_t i = 0; i < t->n; i++)
        if (t->spans[i].track >= t->n_tracks)
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "span %zu is on no track", i);
    return ROMA_OK;
}

static int trace(const roma_timeline *t, const char *process, size_t max_bytes, bool is_plain, roma_buf *out,
                 roma_error *err) {
    int rc = check(t, err);
    if (rc) return rc;
    writer *w = roma_alloc_array(1, sizeof *w);
    ranked *order = roma_alloc_array(t->n ? t->n : 1, sizeof *order);
    size_t *rank = roma_alloc_array(t->n ? t->n : 1, sizeof *rank);
    if (w && order && rank) {
        sort_spans(t, order, rank);
        w->t = t;
        w->process = process;
        w->by_start = order;
        w->rank = rank;
        w->is_plain = is_plain;
        w->max_bytes = max_bytes ? max_bytes : SIZE_MAX;
        w->out = out;
        w->base = out->len;
        rc = write_capped(w, err);
        roma_buf_destroy(&w->text);
    } else
        rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "not enough memory for a trace of %zu spans", t->n);
    roma_free(w);
    roma_free(order);
    roma_free(rank);
    return rc;
}

int roma_report_trace_plain(const roma_timeline *t, const char *process, size_t max_bytes, roma_buf *out,
                            roma_error *err) {
    return trace(t, process, max_bytes, true, out, err);
}

int roma_report_trace(const roma_timeline *t, const char *process, size_t max_bytes, roma_buf *out, roma_error *err) {
#ifdef ROMA_NO_ZLIB
    (void)t, (void)process, (void)max_bytes, (void)out;
    return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                     "this build has no zlib, so its traces are plain: name the file .json, or build without ZLIB=no");
#else
    return trace(t, process, max_bytes, false, out, err);
#endif
}
