/* The SRAM budget: what roma_exec_fit says fits is what is taken, to the token and to the byte, and what an engine then
 * touches. */
#include <math.h>

#include "exec/internal.h"
#include "loaded.h"

enum { RANDOM_CONFIGS = 300 };

/* Uniform in 0..n-1. */
static uint32_t draw(uint64_t key, uint64_t i, uint32_t n) { return (uint32_t)(roma_random(key, i) % n); }

static int refused(const roma_plan *p, roma_exec_config c, roma_error *err) {
    roma_exec_memory m;
    return roma_exec_bytes(p, &c, &m, err);
}

/* The number that stands before `unit` after `words` in a message. */
static uint64_t number_after(const char *text, const char *words) {
    const char *at = strstr(text, words);
    CHECK(at != NULL);
    return at ? strtoull(at + strlen(words), NULL, 10) : 0;
}

/* A number of MiB, with two places, that stands after words of a message. */
static void check_mib(const char *text, const char *words, uint64_t bytes) {
    const char *at = strstr(text, words);
    CHECK(at && fabs(strtod(at + strlen(words), NULL) - (double)bytes / (1 << 20)) <=
                    0.005 + 1e-9 * (double)bytes / (1 << 20));
}

/* The refusal of one token more names the context that fits and the SRAM that would do. */
static void check_refusal(const roma_plan *p, roma_exec_config c, uint32_t fits, uint64_t group, uint64_t other) {
    roma_error err = {0};
    roma_exec_memory m;
    c.context = fits + 1;
    CHECK_EQ(roma_exec_bytes(p, &c, &m, &err), ROMA_EINPUT);
    if (fits)
        CHECK_EQ(number_after(err.text, "at most "), fits);
    else
        CHECK_HAS(err.text, "no token fits; make it ");
    check_mib(err.text, "tokens takes ", (uint64_t)(fits / ROMA_PAGE + 1) * c.sequences * group);
    check_mib(err.text, "MiB, and ", c.sram_bytes);
    check_mib(err.text, "MiB of SRAM leave ", c.sram_bytes > other ? c.sram_bytes - other : 0);
    if (c.adapter_bytes) check_mib(err.text, " beside ", c.adapter_bytes);
    CHECK_EQ(strstr(err.text, " beside ") != NULL, c.adapter_bytes != 0);
    c.sram_bytes = number_after(err.text, "make it ") << 20;
    CHECK_EQ(refused(p, c, &err), 0);
    c.sram_bytes -= 1 << 20;
    CHECK(!c.sram_bytes || refused(p, c, &err) == ROMA_EINPUT);
}

/* The limit is exact: what is taken is enough, a byte less is not. */
static void check_to_the_byte(const roma_plan *p, roma_exec_config c, const roma_exec_memory *m) {
    roma_error err = {0};
    c.context = m->context;
    c.pages = m->pages;
    c.sram_bytes = m->sram;
    CHECK_EQ(refused(p, c, &err), 0);
    c.sram_bytes--;
    CHECK_EQ(refused(p, c, &err), ROMA_EINPUT);
}

static void check_config(const roma_plan *p, roma_exec_config c) {
    const uint32_t own = p->desc->hyper.context;
    roma_exec_memory fit, m;
    roma_error err = {0};
    CHECK_EQ(roma_exec_fit(p, &c, &fit, &err), 0);
    const uint64_t other = c.adapter_bytes + (fit.activations > c.vector_bytes ? fit.activations - c.vector_bytes : 0);
    CHECK_EQ(fit.pages, c.sram_bytes > other ? (c.sram_bytes - other) / fit.page_group : 0);
    const uint64_t each = (uint64_t)(fit.pages / c.sequences) * ROMA_PAGE;
    CHECK_EQ(fit.context, each < own ? each : own);
    if (fit.context < own) check_refusal(p, c, fit.context, fit.page_group, other);
    const int rc = roma_exec_bytes(p, &c, &m, &err); /* the context left to the engine */
    CHECK_EQ(rc, fit.context ? 0 : ROMA_EINPUT);
    if (rc) return;
    CHECK_EQ(m.context, fit.context < 4096 ? fit.context : 4096);
    c.context = fit.context;
    CHECK_EQ(roma_exec_bytes(p, &c, &m, &err), 0);
    CHECK(m.sram <= c.sram_bytes);
    CHECK(m.sram == m.cache + other && m.adapters == c.adapter_bytes && m.cache == (uint64_t)m.pages * m.page_group &&
          m.activations == fit.activations);
    check_to_the_byte(p, c, &m);
    c.context--; /* one token less runs too */
    CHECK_EQ(refused(p, c, &err), 0);
}

/* Random limits and shares over every known shape. */
static void test_random(void) {
    for (unsigned s = 0; roma_shape_name(s); s++) {
        roma_description d;
        roma_plan p;
        roma_error err = {0};
        CHECK_EQ(roma_shape_describe(&d, roma_shape_name(s), &(roma_shape_format){0}, &err), 0);
        CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
        for (unsigned i = 0; i < test_effort(RANDOM_CONFIGS); i++) {
            const uint64_t key = s * 1000003u + i;
            roma_exec_config c = {
                .rows = 1 + draw(key, 1, 256), .sequences = 1 + draw(key, 2, 1u << draw(key, 3, 8)), .logit_rows = 1};
            c.threads = 1 + (int)draw(key, 4, 64);
            c.vector_bytes = draw(key, 5, 2) ? 0 : draw(key, 6, 1u << 25);
            c.adapter_bytes = draw(key, 9, 3) ? roma_random(key, 10) & ((1ull << draw(key, 11, 29)) - 1) : 0;
            c.sram_bytes = 1 + (roma_random(key, 7) & ((1ull << (18 + draw(key, 8, 17))) - 1)); /* 256 KiB to 16 GiB */
            check_config(&p, c);
        }
        roma_plan_destroy(&p);
        roma_shape_destroy(&d);
    }
}

/* Bytes up to the last one that is not zero. */
static uint64_t touched(const uint8_t *p, uint64_t n) {
    while (n && !p[n - 1]) n--;
    return n;
}

/* An engine that is filled to the last token holds its bound and no byte beyond; the next token is refused. */
static void fill(const loaded *m, roma_exec_config c, uint64_t slack) {
    roma_exec_memory fit;
    roma_error err = {0};
    CHECK_EQ(roma_exec_fit(&m->plan, &c, &fit, &err), 0);
    c.context = fit.context;
    roma_exec *e = engine(m, c);
    roma_exec_used most;
    int32_t tokens[2048];
    for (uint32_t i = 0; i < 2048; i++) tokens[i] = (int32_t)draw(7, i, VOCAB);
    CHECK_EQ(roma_exec_prefill(e, 0, 0, tokens, 1, NULL, NULL, &err), 0); /* a page group, which is given back */
    roma_exec_truncate(e, 0, 0);
    roma_exec_most(e, &most);
    CHECK_EQ(most.cache, e->memory.page_group);
    for (uint32_t s = 0; s < c.sequences; s++)
        CHECK_EQ(roma_exec_prefill(e, s, 0, tokens, fit.context, NULL, NULL, &err), 0);
    CHECK_EQ(roma_exec_pages_free(e), 0);
    CHECK_EQ(roma_exec_prefill(e, 0, 0, tokens, 1, NULL, NULL, &err), ROMA_ECONTEXT);
    CHECK_EQ(e->n_blocks * e->memory.page_group, e->memory.cache);
    CHECK(e->cache.size >= e->memory.cache && touched(e->cache.base, e->cache.size) <= e->memory.cache);
    CHECK(touched(e->cache.base, e->cache.size) > e->memory.cache - e->memory.page_group);
    CHECK_EQ(e->activations.used, e->memory.activations);
    CHECK(touched(e->activations.base, e->activations.size) <= e->memory.activations);
    CHECK_EQ(e->work.used, e->memory.work);
    CHECK_EQ(e->memory.sram, e->memory.cache + e->memory.activations);
    roma_exec_most(e, &most);
    CHECK(most.cache == e->memory.cache && most.activations == e->memory.activations && most.work == e->memory.work &&
          !most.adapters);
    CHECK(c.sram_bytes - e->memory.sram <= slack);
    roma_exec_destroy(e);
}

static void test_filled(void) {
    loaded m;
    roma_exec_memory fit;
    roma_error err = {0};
    load(&m, 3);
    for (uint32_t i = 0; i < 24; i++) {
        roma_exec_config c = {.threads = 1 + (int)draw(i, 1, 4),
                              .rows = 1 + draw(i, 2, 40),
                              .sequences = 1 + draw(i, 3, 4),
                              .sram_bytes = 1};
        CHECK_EQ(roma_exec_fit(&m.plan, &c, &fit, &err), 0);
        const uint64_t round = fit.page_group * c.sequences; /* what one page for each takes */
        c.sram_bytes = fit.activations + round * (1 + draw(i, 4, 12)) + draw(i, 5, (uint32_t)round);
        c.logit_rows = 1;
        fill(&m, c, round - 1);
    }
    unload(&m);
}

/* The vector units' SRAM is for activations alone: more of it than they need makes no room for pages. */
static void test_vector(void) {
    loaded m;
    roma_exec_memory none, some, all, more;
    roma_error err = {0};
    load(&m, 4);
    roma_exec_config c = {.threads = 1, .rows = 16, .sram_bytes = 4 << 20};
    CHECK_EQ(roma_exec_fit(&m.plan, &c, &none, &err), 0);
    c.vector_bytes = none.activations / 2;
    CHECK_EQ(roma_exec_fit(&m.plan, &c, &some, &err), 0);
    c.vector_bytes = none.activations;
    CHECK_EQ(roma_exec_fit(&m.plan, &c, &all, &err), 0);
    c.vector_bytes *= 100;
    CHECK_EQ(roma_exec_fit(&m.plan, &c, &more, &err), 0);
    CHECK(none.pages < some.pages && some.pages < all.pages && all.pages == more.pages);
    CHECK_EQ(all.pages, (4 << 20) / all.page_group);
    CHECK_EQ(all.sram, all.cache);
    CHECK_EQ(all.page_group, 2 * 2 * roma_kv_page_bytes(64)); /* layers, KV heads */
    unload(&m);
}

/* More threads than rows: their copies are the host's, so that what fits does not depend on the machine. */
static void test_threads(void) {
    loaded m;
    roma_exec_memory one, many;
    roma_error err = {0};
    load(&m, 6);
    CHECK_EQ(roma_exec_bytes(&m.plan, &(roma_exec_config){.threads = 1, .rows = 3, .context = 64}, &one, &err), 0);
    CHECK_EQ(roma_exec_bytes(&m.plan, &(roma_exec_config){.threads = 8, .rows = 3, .context = 64}, &many, &err), 0);
    CHECK(one.sram == many.sram && one.activations == many.activations && one.work < many.work);
    CHECK_EQ(one.activations % 3, 0);
    float want[VOCAB];
    for (int threads = 1; threads <= 8; threads += 7) {
        roma_exec *e = engine(&m, (roma_exec_config){.threads = threads, .rows = 3, .context = 64});
        int32_t tokens[10];
        for (uint32_t i = 0; i < 10; i++) tokens[i] = (int32_t)draw(8, i, VOCAB);
        CHECK_EQ(roma_exec_prefill(e, 0, 0, tokens, 10, NULL, NULL, &err), 0); /* 3, 3, 3 and 1 rows */
        if (threads == 1) memcpy(want, roma_exec_logits(e, 0), sizeof want);
        CHECK(memcmp(want, roma_exec_logits(e, 0), sizeof want) == 0);
        roma_exec_destroy(e);
    }
    unload(&m);
}

/* Without a limit the model's own context is what fits. */
static void test_no_limit(void) {
    loaded m;
    roma_exec_memory fit;
    roma_error err = {0};
    load(&m, 5);
    CHECK_EQ(roma_exec_fit(&m.plan, &(roma_exec_config){.threads = 1}, &fit, &err), 0);
    CHECK_EQ(fit.context, m.plan.desc->hyper.context);
    CHECK_EQ(roma_exec_fit(&m.plan, &(roma_exec_config){.threads = 1, .rows = 1000}, &fit, &err), ROMA_EUSAGE);
    /* A limit beyond all numbers of pages: as many as there are numbers, the last of which says "none". */
    CHECK_EQ(roma_exec_fit(&m.plan, &(roma_exec_config){.threads = 1, .sram_bytes = UINT64_C(1) << 62}, &fit, &err), 0);
    CHECK_EQ(fit.pages, UINT32_MAX - 1);
    CHECK_EQ(fit.context, m.plan.desc->hyper.context);
    unload(&m);
}

/* Rows that nobody asked for are as many as the vector units hold activations of, 16 to the usual number. */
static void test_rows(void) {
    static const uint32_t hold[] = {5, 16, 40, 127, 128, 500};
    loaded m;
    roma_exec_memory one, got;
    roma_error err = {0};
    load(&m, 5);
    CHECK_EQ(roma_exec_fit(&m.plan, &(roma_exec_config){.threads = 1, .rows = 1}, &one, &err), 0);
    for (size_t i = 0; i < sizeof hold / sizeof *hold; i++) {
        roma_exec_config c = {.threads = 1, .sram_bytes = 1 << 24, .vector_bytes = hold[i] * one.activations + 1};
        const uint32_t want = hold[i] < 16 ? 16 : hold[i] > ROMA_EXEC_ROWS_USUAL ? ROMA_EXEC_ROWS_USUAL : hold[i];
        CHECK_EQ(roma_exec_fit(&m.plan, &c, &got, &err), 0);
        CHECK_EQ(got.rows, want);
        CHECK_EQ(got.activations, want * one.activations);
        CHECK_EQ(roma_exec_bytes(&m.plan, &c, &got, &err), 0);
        CHECK_EQ(got.rows, want);
        c.rows = 90; /* asked for */
        CHECK_EQ(roma_exec_fit(&m.plan, &c, &got, &err), 0);
        CHECK_EQ(got.rows, 90);
        c.rows = 0;
        c.logit_rows = 50; /* needed */
        CHECK_EQ(roma_exec_fit(&m.plan, &c, &got, &err), 0);
        CHECK_EQ(got.rows, want < 50 ? 50 : want);
    }
    unload(&m);
}

/* Pages that are placed on units end the cache before the sum of the SRAM does; none are none. */
static void test_placed(void) {
    loaded m;
    roma_exec_memory got;
    roma_error err = {0};
    load(&m, 5);
    roma_exec_config c = {.threads = 1, .sram_bytes = 1 << 24, .is_placed = true, .pages_held = 3};
    CHECK_EQ(roma_exec_fit(&m.plan, &c, &got, &err), 0);
    CHECK(got.pages == 3 && got.context == 96);
    c.context = 96;
    CHECK_EQ(refused(&m.plan, c, &err), 0);
    c.context = 97;
    CHECK_EQ(refused(&m.plan, c, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "have in whole pages");
    CHECK_HAS(err.text, "at most 96 tokens fit (--ctx)");
    CHECK(!strstr(err.text, "--sram-mib")); /* more SRAM is no remedy that an option has */
    c.context = 0;
    c.pages_held = 0;
    CHECK_EQ(roma_exec_fit(&m.plan, &c, &got, &err), 0);
    CHECK(got.pages == 0 && got.context == 0);
    c.pages_held = UINT64_MAX; /* the SRAM decides */
    c.sram_bytes = 1 << 20;
    CHECK_EQ(roma_exec_fit(&m.plan, &c, &got, &err), 0);
    const uint32_t pages = got.pages;
    c.is_placed = false;
    CHECK_EQ(roma_exec_fit(&m.plan, &c, &got, &err), 0);
    CHECK_EQ(got.pages, pages);
    unload(&m);
}

int main(void) {
    test_random();
    test_rows();
    test_placed();
    test_filled();
    test_vector();
    test_threads();
    test_no_limit();
    return TEST_DONE();
}
