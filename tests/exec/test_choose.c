/* The choice of kernels: a name decides, a known CPU is believed, a trial decides among variants, and small weights get
 * no trial; the bits are the same whatever runs, and a trial leaves no trace. */
#include "exec/internal.h"
#include "loaded.h"

enum { TOKENS = 24 };

static roma_exec *make(const loaded *m, const char *isa, int threads) {
    return engine(m, (roma_exec_config){.threads = threads, .context = 64, .rows = 8, .isa = isa});
}

/* Logits after the tokens, in one prefill and single steps. */
static void logits(roma_exec *e, float out[VOCAB]) {
    roma_error err = {0};
    int32_t t[TOKENS];
    for (size_t i = 0; i < TOKENS; i++) t[i] = (int32_t)(roma_random(5, i) % VOCAB);
    roma_exec_truncate(e, 0, 0);
    CHECK_EQ(roma_exec_prefill(e, 0, 0, t, TOKENS / 2, NULL, NULL, &err), 0);
    for (uint32_t i = TOKENS / 2; i < TOKENS; i++)
        CHECK_EQ(roma_exec_step(e, &(roma_exec_row){t[i], 0, i, 0, true}, 1, &err), 0);
    memcpy(out, roma_exec_logits(e, 0), VOCAB * sizeof *out);
}

static void same_bits(roma_exec *e, const float want[VOCAB]) {
    float got[VOCAB];
    logits(e, got);
    CHECK_BYTES(got, want, sizeof got);
}

static void check_name(const loaded *m, const char *name, roma_exec_why why, const roma_kern *k, const float *want) {
    roma_exec *e = make(m, name, 2);
    const roma_exec_choice *c = roma_exec_choice_of(e);
    CHECK_EQ(c->why, why);
    CHECK(c->kern == k);
    CHECK_STR(roma_exec_isa(e), k->name);
    CHECK(why != ROMA_CHOICE_KNOWN || c->cpu != NULL);
    same_bits(e, want);
    roma_exec_destroy(e);
}

/* Every table by its own name, and the name of its instruction set. */
static void test_names(const loaded *m, const float *want) {
    for (int isa = 0; isa < ROMA_ISA_COUNT; isa++) {
        const roma_kern *first = roma_kern_get((roma_isa)isa), *v;
        if (!first) continue;
        const bool is_alone = !roma_kern_variant(first, 1);
        const roma_kern_hint hint = roma_kern_known(first);
        check_name(m, first->name,
                   is_alone       ? ROMA_CHOICE_ONLY
                   : hint.is_sure ? ROMA_CHOICE_KNOWN
                                  : ROMA_CHOICE_SMALL,
                   hint.kern, want);
        for (unsigned i = 0; (v = roma_kern_variant(first, i)) != NULL; i++) {
            char name[32];
            roma_print(name, sizeof name, is_alone ? "%s" : "%s-%s", v->name, v->variant);
            CHECK(roma_kern_find(name) == v && roma_kern_variant(v, 0) == first);
            check_name(m, name, is_alone ? ROMA_CHOICE_ONLY : ROMA_CHOICE_ASKED, v, want);
        }
    }
    CHECK(roma_kern_find("avx512-l3") == NULL && roma_kern_find("avx512-") == NULL &&
          roma_kern_find("scalar-l1") == NULL);
    CHECK(roma_kern_variant(roma_kern_best(), ROMA_KERN_VARIANTS) == NULL);
}

/* A trial on weights that are too small for one, which begins with either variant: its rates are of a cache, its rules
 * the same. */
static void test_trial(const loaded *m, const float *want) {
    for (int threads = 1; threads <= 3; threads++)
        for (unsigned first = 0; first < ROMA_KERN_TRIED; first++) {
            roma_exec *e = make(m, "auto", threads);
            const roma_exec_choice *c = roma_exec_choice_of(e);
            const roma_kern *began = roma_kern_variant(roma_kern_best(), first), *v;
            if (!began) continue;
            e->choice.kern = began;
            roma_exec_trial(e);
            CHECK_EQ(c->why, ROMA_CHOICE_MEASURED);
            CHECK(c->seconds > 0 && c->seconds < 60 && e->kern == c->kern); /* a busy machine may stop anybody */
            bool is_variant = false;
            for (unsigned i = 0; i < ROMA_KERN_TRIED && (v = roma_kern_variant(began, i)) != NULL; i++) {
                CHECK(c->gb_s[i] > 0);
                CHECK(v != c->kern || i == first || c->gb_s[i] > 1.03 * c->gb_s[first]);
                is_variant |= v == c->kern;
            }
            CHECK(is_variant);
            same_bits(e, want);
            size_t at = 0;
            for (int isa = 0; isa < ROMA_ISA_COUNT; isa++) {
                const roma_kern *k = roma_kern_get((roma_isa)isa);
                CHECK(!k || roma_exec_try(e, k, &at, 0) > 0);
            }
            CHECK(at > 0);
            same_bits(e, want);
            roma_exec_destroy(e);
        }
}

int main(void) {
    loaded m;
    float want[VOCAB];
    load(&m, 17);
    roma_exec *e = make(&m, "scalar", 1);
    logits(e, want);
    roma_exec_destroy(e);
    test_names(&m, want);
    test_trial(&m, want);
    unload(&m);
    return TEST_DONE();
}
