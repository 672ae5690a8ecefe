/* libFuzzer target: a saved cache is loaded as it is, and with its size and checksums made right; what is taken
 * answers. Seeds: what roma_batch_save wrote of the same random model. */
#include "../tests/adapter/fixture.h"
#include "../tests/exec/loaded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static roma_batch *make_batch(void) {
    static loaded m;
    roma_exec *e;
    roma_batch *b;
    load(&m, 7);
    const roma_exec_config c = {.threads = 1, .context = 64, .sequences = 2};
    if (roma_exec_create(&e, &m.img, &m.plan, &c, NULL) ||
        roma_batch_create(&b, e, &(roma_batch_config){.running = 1}, NULL))
        abort();
    return b;
}

static int on_token(void *ctx, int32_t token, const float *logits, roma_error *err) {
    (void)ctx, (void)err;
    return token < 0 || !logits;
}

static void answer(roma_batch *b, const roma_saved *s) {
    roma_request r = {.prompt = s->ids, .n_prompt = (uint32_t)s->n_ids, .limit = 2, .token = on_token};
    uint32_t id;
    roma_sampling_default(&r.sampling);
    if (roma_batch_submit(b, &r, &id, NULL)) abort();
    while (!roma_batch_is_idle(b))
        if (roma_batch_step(b, NULL)) abort();
    roma_batch_finish(b, id);
}

static void use(roma_batch *b, const char *path, const uint8_t *p, size_t size) {
    roma_saved s;
    roma_error err = {0};
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(p, 1, size, f) != size || fclose(f)) abort();
    const int rc = roma_batch_load(b, path, 0, &s, &err);
    if (rc && (err.code != rc || !err.text[0] || s.ids || s.text)) abort();
    if (!rc) answer(b, &s);
    roma_saved_free(&s);
    roma_batch_clear(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static roma_batch *b;
    static char path[64];
    if (!b) b = make_batch();
    snprintf(path, sizeof path, "/tmp/roma-fuzz-cache-%ld", (long)getpid());
    use(b, path, data, size);
    uint8_t *p = malloc(size + 1);
    if (!p) abort();
    if (size) memcpy(p, data, size);
    if (size >= 128) roma_put64(p + 16, size);
    fx_mend(p, size);
    use(b, path, p, size);
    free(p);
    unlink(path);
    return 0;
}
