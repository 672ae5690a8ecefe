/* A cache in a file: what was saved goes on as if it had never left, under the same adapters and image alone; every
 * damaged or made-up file is refused, and nothing of the batch changes. */
#include "../adapter/fixture.h"
#include "../base/scarce.h"
#include "adapters.h"
#include "exec/saved.h"
#include "loaded.h"

enum { CONTEXT = 160, PROMPT = 70, ANSWER = 20 };

static char path[64];
static const char note[] = "[{\"role\":\"user\"}]";

typedef struct {
    int32_t ids[CONTEXT];
    uint32_t n;
    uint64_t hash; /* of all logits */
} said;

static int on_token(void *ctx, int32_t token, const float *logits, roma_error *err) {
    said *s = ctx;
    const uint64_t h[2] = {s->hash, roma_hash64(logits, VOCAB * sizeof *logits)};
    (void)err;
    s->hash = roma_hash64(h, sizeof h);
    s->ids[s->n++] = token;
    return 0;
}

/* Answers the first n ids of s; the number of them that were shared with what is kept. */
static uint32_t answer(roma_batch *b, said *s, uint32_t n, uint32_t set) {
    roma_request r = {.prompt = s->ids, .n_prompt = n, .limit = ANSWER, .adapters = set, .token = on_token, .ctx = s};
    int32_t prompt[CONTEXT];
    roma_error err = {0};
    uint32_t id = 0;
    memcpy(prompt, s->ids, n * sizeof *prompt);
    r.prompt = prompt;
    s->n = n;
    s->hash = 0;
    roma_sampling_default(&r.sampling);
    CHECK_EQ(roma_batch_submit(b, &r, &id, &err), 0);
    while (!roma_batch_is_idle(b)) CHECK_EQ(roma_batch_step(b, &err), 0);
    const roma_request_status *status = roma_batch_poll(b, id, NULL);
    CHECK_EQ(status->rc, 0);
    const uint32_t shared = status->shared;
    roma_batch_finish(b, id);
    return shared;
}

static said question(uint64_t seed) {
    said s = {.n = PROMPT};
    for (uint32_t i = 0; i < PROMPT; i++) s.ids[i] = (int32_t)(roma_random(seed, i) % VOCAB);
    return s;
}

static roma_batch *batch(roma_exec *e, uint32_t running) {
    roma_batch *b = NULL;
    roma_error err = {0};
    CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){.running = running}, &err), 0);
    return b;
}

static const roma_exec_config usual = {
    .threads = 2, .context = CONTEXT, .sequences = 2, .adapters = 2, .adapter_stack = 2, .adapter_bytes = 1u << 22};

static void refused(roma_batch *b, uint32_t set, int code, const char *words) {
    roma_saved got;
    roma_error err = {0};
    const uint32_t held = roma_exec_length(b->e, 0) + roma_exec_length(b->e, 1);
    CHECK_EQ(roma_batch_load(b, path, set, &got, &err), code);
    CHECK_EQ(err.code, code);
    CHECK(strstr(err.text, words) != NULL);
    if (!strstr(err.text, words)) fprintf(stderr, "%s\n", err.text);
    CHECK(!got.ids && !got.text);
    CHECK_EQ(roma_exec_length(b->e, 0) + roma_exec_length(b->e, 1), held);
}

/* Saved in one engine and loaded in another; the next turn's answer is the same bits as without, and nothing that was
 * saved is computed again. */
static void test_goes_on(const loaded *m, const char *kv) {
    roma_error err = {0};
    roma_exec_config c = usual;
    c.kv = kv;
    roma_exec *one = engine(m, c), *other = engine(m, c);
    roma_batch *a = batch(one, 1), *b = batch(other, 1);
    said s = question(1), t;
    uint32_t held = 0;
    roma_saved got;
    answer(a, &s, PROMPT, 0);
    CHECK_EQ(roma_batch_save(a, path, s.ids, s.n, 0, note, sizeof note - 1, &held, &err), 0);
    CHECK_EQ(held, PROMPT + ANSWER - 1); /* the last token was drawn and not fed */
    CHECK_EQ(roma_batch_load(b, path, 0, &got, &err), 0);
    CHECK_EQ(got.n_ids, held);
    CHECK(memcmp(got.ids, s.ids, held * sizeof *s.ids) == 0);
    CHECK(got.n_text == sizeof note - 1 && strcmp(got.text, note) == 0);
    roma_saved_free(&got);
    CHECK_EQ(roma_batch_load(a, path, 0, &got, &err), 0); /* beside its own: both sequences are in use */
    roma_saved_free(&got);
    t = s;
    CHECK_EQ(answer(a, &s, s.n, 0), held);
    CHECK_EQ(answer(b, &t, t.n, 0), held);
    CHECK(s.n == t.n && memcmp(s.ids, t.ids, s.n * sizeof *s.ids) == 0);
    CHECK_EQ(s.hash, t.hash);
    /* A beginning, at a page's end and within a page; the same file whoever writes it. */
    for (uint32_t n = 63; n < 66; n++) {
        CHECK_EQ(roma_batch_save(b, path, s.ids, n, 0, NULL, 0, &held, &err), 0);
        CHECK_EQ(held, n);
        roma_batch_clear(a);
        CHECK_EQ(roma_batch_load(a, path, 0, &got, &err), 0);
        CHECK(got.n_ids == n && !got.text);
        roma_saved_free(&got);
        t = s;
        t.n = n + 1;
        said again = t;
        CHECK_EQ(answer(a, &t, n + 1, 0), n);
        answer(b, &again, n + 1, 0);
        CHECK_EQ(t.hash, again.hash);
    }
    s = question(9);
    CHECK_EQ(roma_batch_save(a, path, s.ids, s.n, 0, NULL, 0, NULL, &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "holds nothing of this text") != NULL);
    CHECK_EQ(roma_batch_save(a, path, t.ids, t.n, 0, note, ROMA_SAVED_TEXT_MAX + 1, NULL, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_batch_save(a, "/nonexistent/x", t.ids, t.n, 0, NULL, 0, NULL, &err), ROMA_EIO);
    roma_batch_destroy(a);
    roma_batch_destroy(b);
    roma_exec_destroy(one);
    roma_exec_destroy(other);
}

/* Adapters count with their factors and their order. */
static void test_adapters(const loaded *m) {
    roma_error err = {0};
    roma_adapter lora[2];
    roma_saved got;
    roma_exec *e = engine(m, usual);
    roma_batch *b = batch(e, 1);
    uint32_t id[2];
    said s = question(2), t;
    for (unsigned i = 0; i < 2; i++) {
        adapter_random(&lora[i], &m->img, ROMA_ADAPTER_INT8, 4, 0, 0, 40 + i);
        id[i] = adapter_load(e, &lora[i]);
    }
    adapter_set(e, 1, 2, id, (float[]){0.5f, 2});
    answer(b, &s, PROMPT, 1);
    CHECK_EQ(roma_batch_save(b, path, s.ids, s.n, 1, NULL, 0, NULL, &err), 0);
    CHECK_EQ(roma_batch_save(b, path, s.ids, s.n, 0, NULL, 0, NULL, &err), ROMA_EINPUT);
    t = s;
    answer(b, &t, t.n, 1);
    roma_batch_clear(b);
    refused(b, 0, ROMA_EINPUT, "computed under 2 adapters");
    adapter_set(e, 1, 2, id, (float[]){0.5f, 1});
    refused(b, 1, ROMA_EINPUT, "in use are 2");
    adapter_set(e, 1, 2, (uint32_t[]){id[1], id[0]}, (float[]){2, 0.5f});
    refused(b, 1, ROMA_EINPUT, "take the same adapters, factors and order");
    adapter_set(e, 1, 1, id, (float[]){0.5f});
    refused(b, 1, ROMA_EINPUT, "in use are 1");
    refused(b, 2 + usual.adapters, ROMA_EINPUT, "not defined");
    adapter_set(e, 2, 2, id, (float[]){0.5f, 2}); /* another number, the same adapters */
    CHECK_EQ(roma_batch_load(b, path, 2, &got, &err), 0);
    roma_saved_free(&got);
    const uint64_t want = t.hash;
    t = s;
    CHECK_EQ(answer(b, &t, t.n, 2), s.n - 1);
    CHECK_EQ(t.hash, want);
    roma_batch_destroy(b);
    roma_exec_destroy(e);
    for (unsigned i = 0; i < 2; i++) roma_adapter_close(&lora[i]);
}

static void write_bytes(const uint8_t *data, size_t n) {
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, n, f) == n);
    if (f) fclose(f);
}

/* Another image, another context, no room. */
static void test_elsewhere(const loaded *m, const loaded *stranger) {
    roma_error err = {0};
    said s = question(3);
    roma_exec *e = engine(m, usual), *x = engine(stranger, usual),
              *small = engine(m, (roma_exec_config){.context = 64, .sequences = 2});
    roma_batch *b = batch(e, 1), *c = batch(x, 1), *d = batch(small, 1);
    answer(b, &s, PROMPT, 0);
    CHECK_EQ(roma_batch_save(b, path, s.ids, s.n, 0, NULL, 0, NULL, &err), 0);
    refused(c, 0, ROMA_EINPUT, "computed by another image");
    refused(d, 0, ROMA_ECONTEXT, "do not fit the context of 64");
    roma_batch_destroy(b);
    roma_batch_destroy(c);
    roma_batch_destroy(d);
    roma_exec_destroy(x);
    roma_exec_destroy(small);
    /* a request that runs has been promised the pages; the one that is kept goes */
    roma_exec_destroy(e);
    e = engine(m, (roma_exec_config){.context = CONTEXT, .sequences = 2, .pages = 6});
    b = batch(e, 1);
    const roma_request r = {
        .prompt = s.ids, .n_prompt = PROMPT, .limit = 40, .token = on_token, .ctx = &(said){.n = 0}};
    roma_request q = r;
    uint32_t id;
    roma_saved got;
    roma_sampling_default(&q.sampling);
    CHECK_EQ(roma_batch_submit(b, &q, &id, &err), 0);
    CHECK_EQ(roma_batch_step(b, &err), 0);
    CHECK_EQ(roma_batch_load(b, path, 0, &got, &err), ROMA_EBUSY);
    roma_batch_cancel(b, id);
    CHECK_EQ(roma_batch_load(b, path, 0, &got, &err), 0);
    roma_saved_free(&got);
    roma_batch_destroy(b);
    roma_exec_destroy(e);
}

/* Memory ends at every place where some is asked for: a refusal, nothing lost, and the next try works. */
static void test_scarce(const loaded *m) {
    roma_error err = {0};
    roma_exec *e = engine(m, usual);
    roma_batch *b = batch(e, 1);
    roma_saved got;
    said s = question(6);
    int n, rc = ROMA_ENOMEM;
    answer(b, &s, PROMPT, 0);
    unlink(path);
    for (n = 0; rc == ROMA_ENOMEM && n < 50; n++) {
        scarce_begin(n);
        rc = roma_batch_save(b, path, s.ids, s.n, 0, note, sizeof note - 1, NULL, &err);
        roma_allocator_set(NULL);
        CHECK_EQ(scarce_outstanding, 0);
        CHECK_EQ(access(path, F_OK), rc ? -1 : 0);
    }
    CHECK(rc == 0 && n > 2);
    rc = ROMA_ENOMEM;
    roma_batch_clear(b);
    for (n = 0; rc == ROMA_ENOMEM && n < 50; n++) {
        scarce_begin(n);
        rc = roma_batch_load(b, path, 0, &got, &err);
        if (!rc) roma_saved_free(&got);
        roma_allocator_set(NULL);
        CHECK_EQ(scarce_outstanding, 0);
        CHECK(rc == 0 || roma_exec_length(e, 0) + roma_exec_length(e, 1) == 0);
    }
    CHECK(rc == 0 && n > 2);
    roma_batch_destroy(b);
    roma_exec_destroy(e);
}

/* A file with one change and its checksums made right again. */
static void mended(roma_batch *b, const uint8_t *good, size_t size, size_t at, uint8_t value, int code,
                   const char *words) {
    uint8_t *p = malloc(size);
    memcpy(p, good, size);
    p[at] = value;
    fx_mend(p, size);
    write_bytes(p, size);
    free(p);
    refused(b, 0, code, words);
}

static size_t offset_of(const uint8_t *good, unsigned i) {
    return (size_t)roma_le64(good + ROMA_FRAME_HEADER + i * ROMA_FRAME_ENTRY + 8);
}

static void test_hostile(const loaded *m) {
    roma_error err = {0};
    roma_exec *e = engine(m, usual);
    roma_batch *b = batch(e, 1);
    uint8_t *good;
    uint64_t size;
    roma_saved got;
    said s = question(4);
    answer(b, &s, PROMPT, 0);
    CHECK_EQ(roma_batch_save(b, path, s.ids, s.n, 0, note, sizeof note - 1, NULL, &err), 0);
    CHECK_EQ(roma_file_read(path, 1 << 24, &good, &size, &err), 0);
    roma_batch_clear(b);
    const size_t record = offset_of(good, 0), tokens = offset_of(good, 1), pages = offset_of(good, 2),
                 page = roma_kv_page_bytes(m->img.desc.hyper.head_dim), scales = 2 * ROMA_PAGE * 64;
    /* any bit: a checksum, or the structure, says so */
    for (uint32_t i = 0; i < test_effort(400); i++) {
        const size_t at = i < 300 ? i : (size_t)(roma_random(5, i) % size);
        good[at] ^= 1u << i % 8;
        write_bytes(good, size);
        good[at] ^= 1u << i % 8;
        const int rc = roma_batch_load(b, path, 0, &got, &err);
        CHECK(rc == ROMA_EDAMAGED || rc == ROMA_EINPUT || rc == ROMA_EUNSUPPORTED);
    }
    /* any end */
    for (uint32_t i = 0; i < 100; i++) {
        write_bytes(good, i ? (size_t)(roma_random(6, i) % size) : 0);
        const int rc = roma_batch_load(b, path, 0, &got, &err);
        CHECK(rc == ROMA_EDAMAGED || rc == ROMA_EINPUT);
    }
    mended(b, good, size, record, 0, ROMA_EINPUT, "without tokens");
    mended(b, good, size, record, PROMPT, ROMA_EINPUT, "section TOKS has not the 70 tokens");
    mended(b, good, size, record + 3, 1, ROMA_ECONTEXT, "do not fit");
    mended(b, good, size, record + 4, 3, ROMA_EINPUT, "contradicts the image");
    mended(b, good, size, record + 20, 1, ROMA_EINPUT, "section LORA has not an entry");
    mended(b, good, size, record + 40, 1, ROMA_EINPUT, "contradicts the image");
    mended(b, good, size, tokens + 3, 0x80, ROMA_EINPUT, "not in the vocabulary");
    mended(b, good, size, tokens, VOCAB, ROMA_EINPUT, "not in the vocabulary");
    mended(b, good, size, pages, 0x80, ROMA_EINPUT, "a code is -128");
    mended(b, good, size, pages + scales + 3, 0x80, ROMA_EINPUT, "a scale is negative");
    mended(b, good, size, pages + scales + 3, 0x7f, ROMA_EINPUT, "a scale is negative, too large");
    /* the last page has 89 - 64 = 25 positions; position 31 of its keys and values */
    const size_t last = pages + (2 * 4 + 3) * page;
    mended(b, good, size, last + 16 * 64 + 15 * 4, 1, ROMA_EINPUT, "behind the last one");
    mended(b, good, size, last + 32 * 64 + 7 * 64 + 3, 1, ROMA_EINPUT, "behind the last one");
    mended(b, good, size, last + scales + 31 * 4, 1, ROMA_EINPUT, "behind the last one");
    /* whatever else one byte can be: refused, or harmless */
    uint8_t *p = malloc(size);
    for (uint32_t i = 0; i < test_effort(300); i++) {
        memcpy(p, good, size);
        p[i < 150 ? 128 + i : roma_random(7, i) % size] = (uint8_t)roma_random(8, i);
        fx_mend(p, size);
        write_bytes(p, size);
        if (roma_batch_load(b, path, 0, &got, &err)) continue;
        roma_saved_free(&got);
        said t = s;
        answer(b, &t, t.n, 0);
        roma_batch_clear(b);
    }
    free(p);
    roma_free(good);
    unlink(path);
    refused(b, 0, ROMA_EINPUT, "");
    roma_batch_destroy(b);
    roma_exec_destroy(e);
}

/* A file of one format in an engine of each other, and what its codes may not be. */
static void test_formats(const loaded *m) {
    roma_error err = {0};
    for (int kv = 0; kv < ROMA_KV_COUNT; kv++) {
        const roma_kv_format *f = &roma_kv_formats[kv];
        const size_t codes = roma_kv_bytes(f, 64) - 2 * ROMA_PAGE * sizeof(float);
        roma_exec_config c = usual;
        uint8_t *good;
        uint64_t size;
        said s = question(6);
        c.kv = f->name;
        roma_exec *e = engine(m, c);
        roma_batch *b = batch(e, 1);
        answer(b, &s, PROMPT, 0);
        CHECK_EQ(roma_batch_save(b, path, s.ids, s.n, 0, NULL, 0, NULL, &err), 0);
        CHECK_EQ(roma_file_read(path, 1 << 24, &good, &size, &err), 0);
        const size_t record = offset_of(good, 0), pages = offset_of(good, 2);
        CHECK_EQ(roma_le32(good + record + 24), (uint32_t)kv);
        roma_batch_clear(b);
        mended(b, good, size, record + 24, ROMA_KV_COUNT, ROMA_EINPUT, "no format number");
        mended(b, good, size, record + 25, 1, ROMA_EINPUT, "no format number");
        mended(b, good, size, pages + codes + 3, 0x7f, ROMA_EINPUT, "a scale is negative, too large");
        const size_t last = pages + (2 * 4 + 3) * roma_kv_bytes(f, 64); /* of 25 positions */
        mended(b, good, size, last + codes + 31 * 4, 1, ROMA_EINPUT, "behind the last one");
        if (f->v == ROMA_KV_CODE_INT4) mended(b, good, size, pages + codes - 1, 0x80, ROMA_EINPUT, "a code is -8");
        if (f->is_float) {
            const size_t step = roma_kv_code_bytes(f->k, 1) / ROMA_PAGE, v = roma_kv_code_bytes(f->k, 64);
            mended(b, good, size, pages + v + step - 1, 0x7f, ROMA_EINPUT, "a code is no number");
            mended(b, good, size, pages + 64 * step - 1, 0xff, ROMA_EINPUT, "a code is no number");
            mended(b, good, size, last + 31 * step, 1, ROMA_EINPUT, "behind the last one");
            mended(b, good, size, last + v + 25 * 64 * step, 1, ROMA_EINPUT, "behind the last one");
        }
        for (int other = 0; other < ROMA_KV_COUNT; other++) {
            if (other == kv) continue;
            c.kv = roma_kv_formats[other].name;
            roma_exec *stranger = engine(m, c);
            roma_batch *of = batch(stranger, 1);
            write_bytes(good, size);
            refused(of, 0, ROMA_EINPUT, "in use is");
            roma_batch_destroy(of);
            roma_exec_destroy(stranger);
        }
        roma_free(good);
        roma_batch_destroy(b);
        roma_exec_destroy(e);
    }
    unlink(path);
}

int main(void) {
    loaded m, stranger;
    snprintf(path, sizeof path, "/tmp/roma-test-saved-%d", (int)getpid());
    load(&m, 7);
    load(&stranger, 8);
    for (int kv = 0; kv < ROMA_KV_COUNT; kv++) test_goes_on(&m, roma_kv_formats[kv].name);
    test_formats(&m);
    test_adapters(&m);
    test_elsewhere(&m, &stranger);
    test_scarce(&m);
    test_hostile(&m);
    unload(&m);
    unload(&stranger);
    unlink(path);
    return TEST_DONE();
}
