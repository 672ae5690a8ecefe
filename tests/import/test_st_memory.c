/* A safetensors header takes memory in proportion to what it says, never to how it is written: all that the library
 * asks for while it refuses or reads headers of 4 MB is counted. A tree of the header took 75 times its bytes. */
#include "../base/counted.h"
#include "../test.h"
#include "peft_build.h"

enum { BYTES = 4 << 20 };

/* first, pieces up to BYTES ("%zx" numbers them), last; then so many bytes of data. */
static char *make(const char *first, const char *piece, const char *last, size_t data, size_t *size, size_t *n) {
    char *p = calloc(8 + BYTES + 4096 + data, 1);
    if (!p) abort();
    size_t at = 8 + (size_t)sprintf(p + 8, "%s", first);
    for (*n = 0; at < 8 + BYTES; ++*n) {
        char text[256];
        const size_t i = *n;
        /* clang-format off */
        at += (size_t)sprintf(p + at, "%s%s", i ? "," : "",
                              strchr(piece, '%') ? (snprintf(text, sizeof text, piece, i, 4 * i, 4 * i + 4), text) : piece);
        /* clang-format on */
    }
    at += (size_t)sprintf(p + at, "%s", last);
    roma_put64((uint8_t *)p, at - 8);
    *size = at + data;
    return p;
}

static const struct {
    const char *first, *piece, *last, *error;
    double most; /* times the header */
} cases[] = {
    {"{\"a\":[", "{}", "]}", "its entry is no object", 0.01},
    {"{\"a\":{\"shape\":[", "1", "],\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "dimensions", 0.01},
    {"{\"a\":{\"shape\":[", "[]", "]}}", "no whole number", 0.01},
    {"{\"a\":{\"shape\":[1],\"dtype\":\"", "xxxxxxxx", "\"}}", "is unknown", 0.01},
    {"{\"a\":", "[{\"a\":{\"b\":[]}}", "]}", "not valid JSON", 0.01},
    {"{", "\"%zx\":{}", "}", "entries in a header", 6},
    {"{\"a\":{", "\"%zx\":0", "}}", "unknown members", 6},
    {"{\"__metadata__\":{", "\"%zx\":\"\"", "}}", "no matrix of an adapter", 6},
    {"{", "\"%zx\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}", "}", "no part of an adapter", 4},
};

int main(void) {
    static const char config[] = "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 8, \"target_modules\": \"x\"}";
    const roma_description base = small_base();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size, n;
        roma_import_lora l;
        roma_error err = {0};
        const bool real = strstr(cases[i].piece, "offsets") != NULL;
        char *p = make(cases[i].first, cases[i].piece, cases[i].last, real ? BYTES / 8 : 0, &size, &n);
        if (real) size -= BYTES / 8 - 4 * n;
        counted_begin();
        const int rc = roma_import_lora_open_memory(&l, config, sizeof config - 1, p, size, &base, &err);
        roma_allocator_set(NULL);
        if (!rc || !strstr(err.text, cases[i].error) || (double)counted_most > cases[i].most * BYTES)
            fprintf(stderr, "%zu: %zu bytes held, %.2f times the header: %s\n", i, counted_most,
                    (double)counted_most / BYTES, err.text);
        CHECK(rc && strstr(err.text, cases[i].error));
        CHECK((double)counted_most <= cases[i].most * BYTES);
        CHECK_EQ(counted_held, 0);
        free(p);
    }
    return TEST_DONE();
}
