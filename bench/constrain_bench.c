/* What masks cost on a large vocabulary: texts drawn under forms, each token that may come as likely as any other or,
 * as a model would, those of a text that is given; the mean and the longest time of a mask and of an accept.
 *
 * usage: build/bench/constrain MODEL FORM.json|FORM.gbnf [TEXT]     MODEL: GGUF (its vocabulary is enough) or a folder;
 *                                                                   TEXT of the form, cut by the tokenizer; without it
 *                                                                   200 tokens are drawn, 20 times */
#include "roma/constrain.h"
#include "roma/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    double mask, accept, longest, first;
    unsigned n;
    uint64_t allowed;
} sums;

static roma_error err;

/* Seconds that this thread had a CPU for, so that others on the machine matter less. */
static double cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(void) {
    fprintf(stderr, "%s: %s\n", err.file, err.text);
    exit(2);
}

static uint64_t count(const uint64_t *mask, uint32_t words) {
    uint64_t n = 0;
    for (uint32_t i = 0; i < words; i++) n += (uint64_t)__builtin_popcountll(mask[i]);
    return n;
}

/* The k-th token of a mask. */
static int32_t pick(const uint64_t *mask, uint64_t k) {
    for (uint32_t i = 0;; i++) {
        const uint64_t n = (uint64_t)__builtin_popcountll(mask[i]);
        if (k >= n) {
            k -= n;
            continue;
        }
        for (uint32_t b = 0;; b++)
            if (mask[i] >> b & 1 && !k--) return (int32_t)(64 * i + b);
    }
}

/* ids NULL: n tokens are drawn. */
static void one(const roma_constrain *c, const roma_constrain_words *w, const roma_tokenizer *tok, uint32_t vocab,
                const int32_t *ids, size_t n, uint64_t seed, sums *t) {
    roma_constrain_state *s;
    if (roma_constrain_state_create(&s, c, w, false, &err)) die();
    for (size_t i = 0; i < n && !roma_constrain_must_end(s); i++) {
        const uint64_t *mask;
        const double a = cpu();
        if (roma_constrain_mask(s, &mask, &err)) die();
        const double b = cpu();
        const uint64_t all = count(mask, (vocab + 63) / 64);
        const int32_t id = ids ? ids[i] : pick(mask, roma_random(seed, i) % all);
        const double d = cpu();
        if (roma_constrain_accept(s, id, &err)) die();
        t->accept += cpu() - d;
        t->mask += b - a;
        if (b - a > t->longest) t->longest = b - a;
        t->n++;
        t->allowed += all;
        if (roma_token_is_eog(tok, id)) break;
    }
    roma_constrain_state_destroy(s);
}

int main(int argc, char **argv) {
    roma_import imp;
    roma_tokenizer *tok;
    roma_constrain_words *w;
    roma_constrain *c;
    roma_map form;
    sums t = {0};
    if (argc < 3) return fprintf(stderr, "usage: constrain MODEL FORM.json|FORM.gbnf [TEXT]\n"), 2;
    if (roma_import_open_vocab(&imp, argv[1], NULL, &err)) die();
    if (roma_tokenizer_create(&tok, &imp.vocab, argv[1], &err)) die();
    const uint32_t vocab = imp.vocab.n_tokens;
    const double a = cpu();
    if (roma_constrain_words_create(&w, tok, vocab, NULL, 0, &err)) die();
    const double b = cpu();
    if (roma_map_open(&form, argv[2], &err)) die();
    const size_t len = strlen(argv[2]);
    const bool is_schema = len > 5 && strcmp(argv[2] + len - 5, ".json") == 0;
    const double d = cpu();
    if (roma_constrain_create(&c, is_schema ? ROMA_CONSTRAIN_SCHEMA : ROMA_CONSTRAIN_GRAMMAR, (const char *)form.data,
                              form.size, argv[2], &err))
        die();
    const double e = cpu();
    if (argc > 3) {
        int32_t *ids;
        size_t n;
        if (roma_tokenize_all(tok, argv[3], strlen(argv[3]), ROMA_TEXT_CONTINUE, &ids, &n, &err)) die();
        for (int i = 0; i < 20; i++) one(c, w, tok, vocab, ids, n, 0, &t);
        roma_free(ids);
    } else
        for (uint64_t seed = 0; seed < 20; seed++) one(c, w, tok, vocab, NULL, 200, seed, &t);
    printf("vocabulary %u: %.1f ms, %.1f MB; form: %.2f ms, %.1f KB; state %.1f KB\n", vocab, (b - a) * 1e3,
           (double)roma_constrain_words_bytes(w) / 1e6, (e - d) * 1e3, (double)roma_constrain_bytes(c) / 1e3,
           (double)roma_constrain_state_bytes(w) / 1e3);
    printf("%u masks: mean %.1f us, longest %.1f us; accept mean %.2f us; %.0f tokens allowed on average\n", t.n,
           t.mask / t.n * 1e6, t.longest * 1e6, t.accept / t.n * 1e6, (double)t.allowed / t.n);
    roma_constrain_destroy(c);
    roma_constrain_words_destroy(w);
    roma_tokenizer_destroy(tok);
    roma_import_close(&imp);
    return 0;
}
