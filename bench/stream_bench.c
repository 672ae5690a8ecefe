/* The C side of bench/python: an image of random weights gets a vocabulary, so that its answers have text; and answers
 * are streamed to a callback, one for each line of standard input, with the engine's own times.
 *
 * usage: build/bench/stream speak IN.roma OUT.roma
 *        build/bench/stream serve IMAGE TOKENS */
#include "roma/image.h"
#include "roma/roma.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a vocabulary: token i is the word " w<i>" ---- */

typedef struct {
    const roma_image *from;
} source;

static void tile(void *ctx, size_t tensor, uint64_t i, uint8_t *out) {
    const roma_image_tensor *t = &((const source *)ctx)->from->desc.tensors[tensor];
    memcpy(out, t->data + i * t->tile_bytes, (size_t)t->tile_bytes);
}
static void vector(void *ctx, size_t tensor, float *out) {
    const roma_image_tensor *t = &((const source *)ctx)->from->desc.tensors[tensor];
    memcpy(out, t->data, (size_t)t->cols * sizeof *out);
}

static int speak(const char *in, const char *out) {
    roma_image img;
    roma_error err;
    roma_image_written w;
    int rc = roma_image_open(&img, in, 0, NULL, &err);
    if (rc) return fprintf(stderr, "%s\n", err.text), 1;
    const uint32_t n = img.desc.hyper.vocab;
    roma_buf text = {0};
    uint32_t *off = calloc(n + 1, sizeof *off);
    uint8_t *type = calloc(n, 1);
    float *score = calloc(n, sizeof *score);
    if (!off || !type || !score) return 1;
    for (uint32_t i = 0; i < n; i++) {
        roma_buf_print(&text, "\xe2\x96\x81w%u", i);
        off[i + 1] = (uint32_t)text.len;
        type[i] = i ? ROMA_TT_NORMAL : ROMA_TT_UNKNOWN;
        score[i] = -(float)i;
    }
    const roma_vocab v = {.kind = ROMA_TOK_SPM,
                          .n_tokens = n,
                          .text_off = off,
                          .text = (const char *)text.data,
                          .type = type,
                          .score = score,
                          .bos = -1,
                          .eos = -1,
                          .pad = -1};
    source s = {&img};
    const roma_tile_source from = {.ctx = &s, .tile = tile, .vector = vector};
    rc = roma_image_write(out, &img.desc, &v, "random, with words", &from, NULL, &w, &err);
    if (rc) fprintf(stderr, "%s\n", err.text);
    roma_image_close(&img);
    roma_buf_destroy(&text);
    free(off);
    free(type);
    free(score);
    return rc != 0;
}

/* ---- answers ---- */

typedef struct {
    size_t bytes;
    sem_t end;
} hearer;

static int heard(void *ctx, const char *text, size_t len) {
    (void)text;
    ((hearer *)ctx)->bytes += len;
    return 0;
}
static void over(void *ctx, const roma_answered *r) {
    hearer *h = ctx;
    printf("%zu %zu %.9f %.9f\n", r->n_ids, h->bytes, r->first_s, r->seconds);
    fflush(stdout);
    sem_post(&h->end);
}

static int serve(const char *image, uint32_t tokens) {
    roma_engine *e;
    const roma_engine_config c = {.size = sizeof c, .no_speculation = 1, .no_verify = 1, .context = tokens + 16};
    static const int32_t ids[] = {5, 6, 7, 8, 9, 10, 11, 12};
    char line[16];
    if (roma_engine_open(&e, image, &c)) return fprintf(stderr, "%s\n", roma_last_error()), 1;
    while (fgets(line, sizeof line, stdin)) {
        hearer h = {.bytes = 0};
        const roma_query q = {
            .size = sizeof q, .ids = ids, .n_ids = 8, .limit = tokens, .ctx = &h, .text = heard, .over = over};
        sem_init(&h.end, 0, 0);
        if (roma_engine_submit(e, &q, NULL)) return fprintf(stderr, "%s\n", roma_last_error()), 1;
        sem_wait(&h.end);
        sem_destroy(&h.end);
    }
    roma_engine_close(e);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "speak") == 0) return speak(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "serve") == 0) return serve(argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
    fprintf(stderr, "usage: stream speak IN OUT | stream serve IMAGE TOKENS\n");
    return 2;
}
