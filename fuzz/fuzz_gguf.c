/* libFuzzer target: a GGUF file is opened, rows of every tensor are read, its tokenizer is built and used. The mutator
 * knows the format: it walks the records leniently, then changes one field, or repeats or removes a record and
 * corrects the count, so that mutants get past the first checks.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude -Isrc fuzz/fuzz_gguf.c <library> -lpthread
 */
#include <stdlib.h>
#include <string.h>
#include "roma/import.h"

/* Weak: replay.c links the target without libFuzzer and never mutates. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the target ------------------------------------------------------------------------------------------ */

static void read_rows(const roma_tensor *t) {
    const size_t n = (size_t)t->cols;
    float *row = malloc(n * sizeof *row);
    uint8_t *code = malloc(n);
    uint16_t *s = malloc(n * 8);
    if (!row || !code || !s) abort();
    const roma_row out = {code, s, s + n, s + 2 * n, s + 3 * n, NULL, NULL};
    const uint64_t rows[] = {0, t->rows / 2, t->rows - 1};
    for (unsigned i = 0; i < 3; i++) {
        t->read_floats(t, rows[i], row);
        if (!t->is_float) t->read_row(t, rows[i], &out);
    }
    free(row);
    free(code);
    free(s);
}

static void use_vocab(const roma_vocab *v) {
    static const char text[] = "ab cd <|im_end|> gh 12\n\xff";
    roma_tokenizer *t;
    int32_t ids[64];
    size_t n;
    char bytes[ROMA_TOKEN_BYTES_MAX];
    if (roma_tokenizer_create(&t, v, NULL, NULL)) abort(); /* import checked it */
    (void)roma_tokenize(t, text, sizeof text - 1, ROMA_TEXT_BOS | ROMA_TEXT_SPECIAL, ids, 64, &n, NULL);
    for (int32_t i = 0; i < (int32_t)v->n_tokens && i < 64; i++)
        (void)roma_token_bytes(t, i, true, bytes, sizeof bytes);
    roma_tokenizer_destroy(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    roma_import imp;
    roma_error err = {0};
    const int rc = roma_import_open_memory(&imp, data, size, &err);
    if (rc) {
        if (err.code != rc || !err.text[0] || strlen(err.text) >= sizeof err.text) abort();
        return 0;
    }
    for (size_t i = 0; i < imp.model.n_tensors; i++) read_rows(&imp.model.tensors[i]);
    if (imp.has_vocab) use_vocab(&imp.vocab);
    (void)roma_import_check_values(&imp, NULL, &err);
    roma_import_close(&imp);
    return 0;
}

/* ---- the mutator ------------------------------------------------------------------------------------------ */

#define FIELDS_MAX 4096
#define RECORDS_MAX 512

typedef struct {
    size_t at;
    unsigned bytes;
} field;
typedef struct {
    size_t begin, end;
    bool tensor;
} record;
typedef struct {
    roma_reader r;
    field f[FIELDS_MAX];
    record rec[RECORDS_MAX];
    unsigned n_fields, n_records;
} walk;

static void note(walk *w, unsigned bytes) {
    if (bytes && w->n_fields < FIELDS_MAX && bytes <= roma_reader_left(&w->r))
        w->f[w->n_fields++] = (field){(size_t)w->r.pos, bytes};
}

static uint64_t take(walk *w, unsigned bytes) {
    note(w, bytes);
    return bytes == 4 ? roma_read_u32(&w->r) : roma_read_u64(&w->r);
}

static void take_string(walk *w) {
    const uint64_t n = take(w, 8);
    if (n) note(w, 1);
    (void)roma_read_bytes(&w->r, n);
}

static unsigned scalar_bytes(uint32_t type) {
    static const uint8_t bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return type < sizeof bytes ? bytes[type] : 0;
}

static void take_value(walk *w, uint32_t type) {
    if (type == 8) {
        take_string(w);
        return;
    }
    if (type != 9) {
        note(w, scalar_bytes(type));
        (void)roma_read_bytes(&w->r, scalar_bytes(type));
        return;
    }
    const uint32_t elem = (uint32_t)take(w, 4);
    const uint64_t n = take(w, 8);
    if (elem == 8) {
        for (uint64_t i = 0; i < n && !w->r.failed; i++) take_string(w);
        return;
    }
    note(w, scalar_bytes(elem));
    (void)roma_read_bytes(&w->r, n < w->r.size ? n * scalar_bytes(elem) : UINT64_MAX);
}

static void end_record(walk *w, size_t begin, bool tensor) {
    if (!w->r.failed && w->n_records < RECORDS_MAX) w->rec[w->n_records++] = (record){begin, (size_t)w->r.pos, tensor};
}

static void walk_file(walk *w, const uint8_t *data, size_t size) {
    roma_reader_init(&w->r, data, size, 0);
    w->n_fields = w->n_records = 0;
    (void)roma_read_u32(&w->r);
    (void)take(w, 4);
    const uint64_t tensors = take(w, 8), keys = take(w, 8);
    for (uint64_t i = 0; i < keys && !w->r.failed; i++) {
        const size_t begin = (size_t)w->r.pos;
        take_string(w);
        take_value(w, (uint32_t)take(w, 4));
        end_record(w, begin, false);
    }
    for (uint64_t i = 0; i < tensors && !w->r.failed; i++) {
        const size_t begin = (size_t)w->r.pos;
        take_string(w);
        const uint64_t dims = take(w, 4);
        for (uint64_t k = 0; k < dims && k < 8; k++) (void)take(w, 8);
        (void)take(w, 4);
        (void)take(w, 8);
        end_record(w, begin, true);
    }
}

static void change_field(const walk *w, uint8_t *data, unsigned seed) {
    static const uint64_t odd[] = {0,
                                   1,
                                   2,
                                   3,
                                   4,
                                   7,
                                   8,
                                   16,
                                   31,
                                   32,
                                   33,
                                   64,
                                   127,
                                   128,
                                   255,
                                   256,
                                   4096,
                                   65535,
                                   65536,
                                   INT32_MAX,
                                   UINT32_MAX,
                                   (uint64_t)1 << 32,
                                   (uint64_t)1 << 61,
                                   (uint64_t)1 << 62,
                                   INT64_MAX,
                                   (uint64_t)1 << 63,
                                   UINT64_MAX - 31,
                                   UINT64_MAX};
    const field f = w->f[seed % w->n_fields];
    uint64_t v = 0;
    memcpy(&v, data + f.at, f.bytes); /* libFuzzer runs on little-endian hosts */
    const uint64_t pick = roma_random(seed, 1);
    switch (pick % 4) {
    case 0: v = odd[pick / 4 % (sizeof odd / sizeof odd[0])]; break;
    case 1: v += pick / 4 % 9 - 4; break;
    case 2: v ^= (uint64_t)1 << pick / 4 % (8 * f.bytes); break;
    default: v *= 1 + pick / 4 % 4; break;
    }
    memcpy(data + f.at, &v, f.bytes);
}

/* Repeats or removes a record; what follows moves by its length, the padding does not. */
static size_t change_record(const walk *w, uint8_t *data, size_t size, size_t max, unsigned seed) {
    const record r = w->rec[seed % w->n_records];
    const size_t len = r.end - r.begin;
    uint8_t *count = data + (r.tensor ? 8 : 16);
    if (seed & 1u << 20) {
        memmove(data + r.begin, data + r.end, size - r.end);
        roma_put64(count, roma_le64(count) - 1);
        return size - len;
    }
    if (size + len > max) return size;
    memmove(data + r.end + len, data + r.end, size - r.end);
    memcpy(data + r.end, data + r.begin, len);
    roma_put64(count, roma_le64(count) + 1);
    return size + len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    static walk w;
    if (seed % 4 == 0 || size < 24) return LLVMFuzzerMutate(data, size, max);
    walk_file(&w, data, size);
    const uint64_t pick = roma_random(seed, 0);
    if (pick % 8 == 0 && w.n_records) return change_record(&w, data, size, max, (unsigned)(pick >> 8));
    for (unsigned i = 0; i <= pick / 8 % 3 && w.n_fields; i++)
        change_field(&w, data, (unsigned)roma_random(seed, 2 + i));
    return size;
}
