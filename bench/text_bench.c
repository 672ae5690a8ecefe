/* What a tokenizer costs: CPU time of making its tables and of reading a text, both on one thread, the best of many;
 * the heap that the tables take; and a hash of the ids, by which two programs are told to agree.
 *
 *   build/bench/text TEXT IMAGE|MODEL...
 *
 * A model is a GGUF file or a Hugging Face folder, with or without weights. */
#include "roma/image.h"
#include "roma/import.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 20 };

static double cpu_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double least(double a, double b) { return a < b ? a : b; }

static int measure(const char *file, const roma_vocab *v, const roma_map *text, roma_error *err) {
    double made = 1e9, read = 1e9;
    size_t n = 0, heap = 0;
    uint64_t hash = 0;
    for (int i = 0; i < ROUNDS; i++) {
        roma_tokenizer *t;
        int32_t *ids;
        const double began = cpu_now();
        int rc = roma_tokenizer_create(&t, v, file, err);
        if (rc) return rc;
        made = least(made, cpu_now() - began);
        heap = roma_tokenizer_bytes(t);
        const double from = cpu_now();
        rc = roma_tokenize_all(t, (const char *)text->data, (size_t)text->size, 0, &ids, &n, err);
        read = least(read, cpu_now() - from);
        roma_tokenizer_destroy(t);
        if (rc) return rc;
        hash = roma_hash64(ids, n * sizeof *ids);
        roma_free(ids);
    }
    const char *name = strrchr(file, '/');
    printf("%-32s %7u %7u %8.2f %8.2f %9.1f %9zu  %016llx\n", name ? name + 1 : file, v->n_tokens, v->n_merges,
           1e3 * made, (double)heap / 1e6, (double)text->size / read / 1e6, n, (unsigned long long)hash);
    return ROMA_OK;
}

static int measure_file(const char *file, const roma_map *text, roma_error *err) {
    int rc;
    if (roma_import_is_model(file)) {
        roma_import imp;
        rc = roma_import_open_vocab(&imp, file, NULL, err);
        if (!rc) rc = measure(file, &imp.vocab, text, err);
        roma_import_close(&imp);
        return rc;
    }
    roma_image img;
    rc = roma_image_open(&img, file, ROMA_IMAGE_NO_VERIFY, NULL, err);
    if (rc) return rc;
    rc = img.has_vocab ? measure(file, &img.vocab, text, err)
                       : roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "no tokenizer");
    roma_image_close(&img);
    return rc;
}

int main(int argc, char **argv) {
    roma_error err;
    roma_map text;
    mallopt(M_MMAP_THRESHOLD, 1 << 16); /* tables in memory that nobody touched, as a program that starts has them */
    if (argc < 3) return fprintf(stderr, "usage: text TEXT IMAGE|MODEL...\n"), 2;
    if (roma_map_open(&text, argv[1], &err)) return fprintf(stderr, "%s\n", err.text), 2;
    printf("%-32s %7s %7s %8s %8s %9s %9s  hash of the ids\n", "", "tokens", "merges", "ms", "heap MB", "text MB/s",
           "ids");
    int failed = 0;
    for (int i = 2; i < argc; i++)
        if (measure_file(argv[i], &text, &err)) failed = 2, fprintf(stderr, "%s: %s\n", argv[i], err.text);
    roma_map_close(&text);
    return failed;
}
