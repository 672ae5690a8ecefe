/* Vocabularies that must be refused, and memory that runs out at every place in turn. */
#include <math.h>
#include "../test.h"
#include "small_vocab.h"

static small_vocab S;

/* Refused, with a message that says why. */
static void refused(const char *why) {
    roma_error err;
    memset(&err, 0, sizeof err);
    CHECK_EQ(roma_vocab_check(&S.v, "vocab.bin", &err), ROMA_EDAMAGED);
    CHECK_STR(err.file, "vocab.bin");
    CHECK_HAS(err.text, why);
    roma_tokenizer *t = (roma_tokenizer *)&err;
    CHECK_EQ(roma_tokenizer_create(&t, &S.v, NULL, NULL), ROMA_EDAMAGED);
    CHECK(t == NULL);
}

#define BPE(change, why) (small_bpe(&S, ROMA_PRE_GPT2), (void)(change), refused(why))
#define SPM(change, why) (small_spm(&S), (void)(change), refused(why))

static void test_good(void) {
    for (unsigned pre = ROMA_PRE_GPT2; pre <= ROMA_PRE_LAST; pre++) {
        small_bpe(&S, pre);
        CHECK_EQ(roma_vocab_check(&S.v, NULL, NULL), 0);
    }
    small_spm(&S);
    CHECK_EQ(roma_vocab_check(&S.v, NULL, NULL), 0);
    roma_tokenizer_destroy(NULL);
}

static void test_fields(void) {
    BPE(S.v.kind = 0, "kind");
    BPE(S.v.kind = 3, "kind");
    BPE(S.v.pre = 0, "pre");
    BPE(S.v.pre = ROMA_PRE_LAST + 1, "pre");
    SPM(S.v.pre = 1, "pre");
    BPE(S.v.n_tokens = 0, "n_tokens");
    BPE(S.v.n_tokens = ROMA_TOKENS_MAX + 1, "n_tokens");
    BPE(S.v.text = NULL, "text");
    BPE(S.v.merges = NULL, "merges");
    BPE(S.v.n_merges = ROMA_TOKENS_MAX + 1, "n_merges");
    SPM(S.v.score = NULL, "score");
    SPM(S.v.n_merges = 1, "merges");
    BPE(S.v.bos = (int32_t)S.v.n_tokens, "bos");
    BPE(S.v.eos = -2, "eos");
    BPE(S.v.unk = INT32_MAX, "unk");
    BPE(S.v.pad = INT32_MIN, "pad");
    BPE(S.v.n_eog = ROMA_EOG_MAX + 1, "n_eog");
    BPE(S.v.eog[0] = -1, "eog");
    BPE(S.v.add_bos = 2, "flag");
    BPE(S.v.template_kind = 999, "template_kind");
}

static void test_tokens(void) {
    BPE(S.off[0] = 1, "text_off");
    BPE(S.off[5] = S.off[4] - 1, "text_off");
    BPE(S.off[S.v.n_tokens] = S.off[S.v.n_tokens - 1] + 4097, "4096");
    BPE(S.type[3] = 0, "type");
    BPE(S.type[3] = 7, "type");
    BPE(S.type[3] = ROMA_TT_BYTE, "<0xNN>");
    BPE(small_token(&S, "he", ROMA_TT_NORMAL), "twice");
    BPE(small_token(&S, "<s>", ROMA_TT_USER), "twice");
    SPM(S.score[300] = (float)NAN, "score");
    SPM(S.score[300] = (float)INFINITY, "score");
    SPM(small_token(&S, "<0x41>", ROMA_TT_BYTE), "twice");
    SPM(small_token(&S, "<0x4>", ROMA_TT_BYTE), "<0xNN>");
    SPM(small_token(&S, "<0x-1>", ROMA_TT_BYTE), "<0xNN>");
    SPM(small_token(&S, "<0x1G>", ROMA_TT_BYTE), "<0xNN>");
    SPM(small_token(&S, "<0x141>", ROMA_TT_BYTE), "<0xNN>");
    SPM(small_token(&S, "hello", ROMA_TT_NORMAL), "twice");
    /* The same text as something else than a byte is plain text. */
    small_spm(&S);
    small_token(&S, "<0x-1>", ROMA_TT_NORMAL);
    CHECK_EQ(roma_vocab_check(&S.v, NULL, NULL), 0);
}

static void test_merges(void) {
    BPE(S.merges[1] = S.v.n_tokens, "merge");
    BPE(S.merges[0] = (uint32_t)small_id(&S, "<s>"), "merge");
    BPE((S.merges[2] = S.merges[0], S.merges[3] = S.merges[1]), "twice");
    BPE((S.merges[0] = (uint32_t)small_id(&S, "z"), S.merges[1] = S.merges[0]), "makes no token");
    small_bpe(&S, ROMA_PRE_GPT2); /* a merge may not make a control token */
    small_token(&S, "zz", ROMA_TT_CONTROL);
    S.merges[0] = S.merges[1] = (uint32_t)small_id(&S, "z");
    refused("makes no token");
}

/* ---- memory --------------------------------------------------------------------------------------- */

static long allowed, held;

static void *test_alloc(size_t n) {
    if (allowed-- <= 0) return NULL;
    held++;
    return malloc(n);
}
static void *test_resize(void *p, size_t n) {
    if (allowed-- <= 0) return NULL;
    if (!p) held++;
    return realloc(p, n);
}
static void test_release(void *p) {
    if (p) held--;
    free(p);
}

/* Everything that takes memory, once. */
static int use_all(const roma_vocab *v, unsigned kind) {
    roma_tokenizer *t;
    static int32_t id[4096];
    size_t n;
    int rc = roma_tokenizer_create(&t, v, NULL, NULL);
    if (rc) return rc;
    static const char text[] = "hello the e\xcc\x81 <s> hello hello hello 123";
    rc = roma_tokenize(t, text, sizeof text - 1, ROMA_TEXT_SPECIAL | ROMA_TEXT_BOS, id, 4096, &n, NULL);
    const roma_message m[] = {{ROMA_ROLE_SYSTEM, text, sizeof text - 1}, {ROMA_ROLE_USER, text, sizeof text - 1}};
    if (!rc) rc = roma_text_template_apply(t, (roma_template_kind)kind, m, 2, true, id, 4096, &n, NULL);
    roma_tokenizer_destroy(t);
    return rc;
}

static void test_no_memory(const roma_vocab *v, unsigned kind) {
    static const roma_allocator failing = {test_alloc, test_resize, test_release};
    roma_allocator_set(&failing);
    int rc = ROMA_ENOMEM;
    long n = 0;
    for (; rc && n < 200; n++) {
        allowed = n;
        rc = use_all(v, kind);
        CHECK(rc == 0 || rc == ROMA_ENOMEM);
        CHECK_EQ(held, 0);
    }
    CHECK(rc == 0 && n > 4);
    roma_allocator_set(NULL);
}

/* Bytes that are live, by an allocator that keeps each block's size before it. */
static size_t live;
static void *counted_malloc(size_t n) {
    size_t *p = malloc(n + 16);
    if (!p) return NULL;
    *p = n;
    live += n;
    return p + 2;
}
static void counted_free(void *p) {
    if (!p) return;
    live -= ((size_t *)p)[-2];
    free((size_t *)p - 2);
}
static void *counted_realloc(void *p, size_t n) {
    void *q = counted_malloc(n);
    if (q && p) memcpy(q, p, n < ((size_t *)p)[-2] ? n : ((size_t *)p)[-2]);
    if (q) counted_free(p);
    return q;
}

/* The heap that a tokenizer says it takes is what it holds, to the byte. */
static void check_bytes(void) {
    const roma_allocator counted = {counted_malloc, counted_realloc, counted_free};
    roma_tokenizer *t;
    roma_allocator_set(&counted);
    CHECK_EQ(roma_tokenizer_create(&t, &S.v, NULL, NULL), 0);
    CHECK_EQ(roma_tokenizer_bytes(t), live);
    roma_tokenizer_destroy(t);
    CHECK_EQ(live, 0);
    roma_allocator_set(NULL);
}

static void test_bytes(void) {
    for (unsigned pre = ROMA_PRE_GPT2; pre <= ROMA_PRE_LAST; pre++) {
        small_bpe(&S, pre);
        check_bytes();
    }
    small_spm(&S);
    check_bytes();
}

int main(void) {
    test_bytes();
    test_good();
    test_fields();
    test_tokens();
    test_merges();
    small_bpe(&S, ROMA_PRE_QWEN2);
    test_no_memory(&S.v, ROMA_TEMPLATE_QWEN3);
    small_spm(&S);
    test_no_memory(&S.v, ROMA_TEMPLATE_LLAMA2);
    return TEST_DONE();
}
