/* After start a token costs no heap call of any kind: neither through the library's allocator nor behind its back. The
 * first is counted and then made to fail; the second is counted by standing in for malloc and its kin in this program
 * (not under a sanitizer, which does the same itself). Prefill, decode, batches, adapters (loading, sets defined anew
 * between tokens), truncation, sampling and detokenising are covered. */
#include "../test.h"
#include "adapters.h"
#include "roma/exec.h"
#include "roma/import.h"
#include "roma/map.h"
#include "roma/pack.h"
#include "roma/quant.h"
#include "../base/scarce.h"

#include <stdatomic.h>
#include <unistd.h>

static atomic_ullong heap_calls;

#if !SANITIZED && defined(__GLIBC__)
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void __libc_free(void *p);
void *malloc(size_t n) {
    heap_calls++;
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t size) {
    heap_calls++;
    return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n) {
    heap_calls++;
    return __libc_realloc(p, n);
}
void *memalign(size_t align, size_t n);
void *memalign(size_t align, size_t n) {
    heap_calls++;
    return __libc_memalign(align, n);
}
void *aligned_alloc(size_t align, size_t n) {
    heap_calls++;
    return __libc_memalign(align, n);
}
void free(void *p) {
    heap_calls++;
    __libc_free(p);
}
#define COUNTED 1
#else
#define COUNTED 0
#endif

enum { SEQUENCES = 3, PROMPT = 100, TOKENS = 60, CONTEXT = 256 };

typedef struct {
    roma_image image;
    roma_plan plan;
    roma_exec *exec, *shared; /* shared: under the batch */
    roma_batch *batch;
    roma_tokenizer *tok;
    void *scratch;
    char *text;
    char path[64];
    roma_adapter adapter[2];
    uint32_t id[2];
} engine;

static bool make(engine *g, const char *model) {
    roma_error e = {0};
    roma_import imp;
    roma_image_written w;
    const roma_exec_config cfg = {.threads = 3,
                                  .context = CONTEXT,
                                  .sequences = SEQUENCES,
                                  .rows = 32,
                                  .adapters = 2,
                                  .adapter_bytes = 1 << 20,
                                  .adapter_stack = 2,
                                  .adapter_sets = 2};
    snprintf(g->path, sizeof g->path, "/tmp/test_alloc_%d.roma", (int)getpid());
    bool ok = roma_import_open(&imp, model, &e) == 0;
    if (!ok) return fprintf(stderr, "%s\n", e.text), false;
    const roma_quant q8 = roma_quant_everywhere(8);
    ok = roma_quantise_model(&imp.model, &q8, &e) == 0 &&
         roma_pack(&imp.model, &imp.vocab, "test", g->path, NULL, NULL, &w, &e) == 0;
    roma_import_close(&imp);
    ok = ok && roma_image_open(&g->image, g->path, 0, NULL, &e) == 0;
    unlink(g->path);
    ok = ok && roma_map_plan(&g->plan, &g->image.desc, &e) == 0 &&
         roma_exec_create(&g->exec, &g->image, &g->plan, &cfg, &e) == 0 &&
         roma_exec_create(&g->shared, &g->image, &g->plan, &cfg, &e) == 0 &&
         roma_batch_create(&g->batch, g->shared, &(roma_batch_config){.running = 2, .waiting = 4, .proposals = 2},
                           &e) == 0 &&
         roma_tokenizer_create(&g->tok, &g->image.vocab, "image", &e) == 0;
    if (!ok) return fprintf(stderr, "%s\n", e.text), false;
    for (uint32_t i = 0; i < 2; i++) {
        adapter_random(&g->adapter[i], &g->image, ROMA_ADAPTER_INT8, 3 + i, 0, 0, i);
        g->id[i] = adapter_load(g->exec, &g->adapter[i]);
        adapter_set(g->shared, i + 1, 1, (uint32_t[]){adapter_load(g->shared, &g->adapter[i])}, NULL);
    }
    g->scratch = malloc(roma_sample_bytes(g->image.desc.hyper.vocab));
    g->text = malloc(3 * (ROMA_TOKEN_BYTES_MAX + 4));
    return g->scratch && g->text;
}

static void destroy(engine *g) {
    for (int i = 0; i < 2; i++) roma_adapter_close(&g->adapter[i]);
    roma_tokenizer_destroy(g->tok);
    roma_exec_destroy(g->exec);
    roma_batch_destroy(g->batch);
    roma_exec_destroy(g->shared);
    roma_plan_destroy(&g->plan);
    roma_image_close(&g->image);
    free(g->scratch);
    free(g->text);
}

static int on_token(void *ctx, int32_t token, const float *logits, roma_error *err) {
    (void)logits, (void)err;
    *(uint64_t *)ctx = *(uint64_t *)ctx * 31 + (uint64_t)token;
    return 0;
}

/* Requests through a batch: submission, admission, shared and evicted prefixes, proposals. */
static uint64_t batch_work(engine *g) {
    static int32_t prompt[6][PROMPT];
    uint64_t hash[6] = {0}, all = 0;
    uint32_t id[6];
    bool ok = true;
    for (uint32_t q = 0; q < 6; q++) {
        for (uint32_t i = 0; i < PROMPT; i++) prompt[q][i] = (int32_t)(roma_random(i < 70 ? q / 3 : q, i) % 20);
        const roma_request r = {prompt[q], PROMPT,   TOKENS,
                                q % 3,     true,     {.temperature = q % 2 ? 0.3f : 0, .top_p = 1, .repeat_penalty = 1},
                                on_token,  &hash[q], NULL,
                                NULL,      0};
        ok = ok && roma_batch_submit(g->batch, &r, &id[q], NULL) == 0;
    }
    while (ok && !roma_batch_is_idle(g->batch)) ok = roma_batch_step(g->batch, NULL) == 0;
    for (uint32_t q = 0; q < 6 && ok; q++) {
        all = all * 31 + hash[q];
        roma_batch_finish(g->batch, id[q]);
    }
    CHECK(ok);
    return all;
}

/* Before token t: another set 1, and now and then an adapter leaves and comes back. */
static bool swap(engine *g, int t) {
    const uint32_t both[2] = {g->id[t % 2], g->id[(t + 1) % 2]};
    bool ok = roma_exec_adapter_set(g->exec, 1, both, (const float[]){1, 0.5f}, (uint32_t)t % 3, NULL) == 0;
    if (t % 10 == 0)
        ok = ok && roma_exec_adapter_set(g->exec, 1, NULL, NULL, 0, NULL) == 0 &&
             roma_exec_adapter_unload(g->exec, g->id[0], NULL) == 0 &&
             roma_exec_adapter_load(g->exec, &g->adapter[0], 0, "", &g->id[0], NULL) == 0;
    return ok;
}

/* Everything that happens between the first token and the last. Returns what was generated, hashed. */
static uint64_t work(engine *g) {
    const uint32_t vocab = g->image.desc.hyper.vocab;
    roma_sampling s;
    roma_detok d[SEQUENCES];
    int32_t ids[SEQUENCES][CONTEXT];
    uint32_t n[SEQUENCES];
    uint64_t hash = 0;
    bool ok = true;
    roma_sampling_default(&s);
    s.temperature = 0.8f;
    s.top_p = 0.95f;
    s.repeat_penalty = 1.1f;
    for (uint32_t q = 0; q < SEQUENCES; q++) {
        roma_detok_init(&d[q], g->tok, false);
        for (uint32_t i = 0; i < PROMPT; i++) ids[q][i] = (int32_t)(roma_random(q, i) % vocab);
        ok = ok && roma_exec_adapter_set(g->exec, 1, &g->id[q % 2], NULL, 1, NULL) == 0 &&
             roma_exec_prefill(g->exec, q, q % 2, ids[q], PROMPT, NULL, NULL, NULL) == 0;
        n[q] = PROMPT;
        ok = ok && roma_sample(&s, roma_exec_logits(g->exec, 0), vocab, ids[q], n[q], 0, n[q], g->scratch,
                               &ids[q][n[q]], NULL) == 0;
    }
    for (int t = 0; ok && t < TOKENS; t++) {
        roma_exec_row rows[SEQUENCES];
        for (uint32_t q = 0; q < SEQUENCES; q++) rows[q] = (roma_exec_row){ids[q][n[q]], q, n[q], q % 2, true};
        ok = swap(g, t) && roma_exec_step(g->exec, rows, t % 2 ? SEQUENCES : 1, NULL) == 0;
        for (uint32_t q = 0; ok && q < (t % 2 ? SEQUENCES : 1u); q++) {
            n[q]++;
            ok = roma_sample(&s, roma_exec_logits(g->exec, q), vocab, ids[q], n[q], 0, n[q], g->scratch, &ids[q][n[q]],
                             NULL) == 0;
            const size_t len = roma_detok_push(&d[q], ids[q][n[q]], g->text);
            hash = hash * 31 + (uint64_t)ids[q][n[q]] + len;
        }
    }
    for (uint32_t q = 0; q < SEQUENCES; q++) roma_exec_truncate(g->exec, q, 0);
    CHECK(ok);
    return hash * 31 + batch_work(g);
}

int main(void) {
    engine g = {0};
    if (!make(&g, "models/tiny/tiny-q4.gguf")) return 1;
    const uint64_t want = work(&g); /* once before counting: libc may set up things of its own */

    const uint64_t library = roma_alloc_count(), any = heap_calls;
    CHECK_EQ(work(&g), want);
    CHECK_EQ(roma_alloc_count() - library, 0);
    CHECK_EQ(heap_calls - any, 0);

    scarce_begin(0); /* every call fails from here */
    CHECK_EQ(work(&g), want);
    roma_allocator_set(NULL);

#if COUNTED
    void *volatile p = malloc(1); /* the counter counts */
    free(p);
    CHECK_EQ(heap_calls - any, 2);
#endif
    destroy(&g);
    return TEST_DONE();
}
