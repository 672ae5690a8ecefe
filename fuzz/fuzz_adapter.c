/* libFuzzer target: an adapter file is opened as it is, and with its size and checksums made right, and every row is
 * read. Seeds: tests/adapter/fixture.h. */
#include "../tests/adapter/fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const uint8_t *p, size_t size, unsigned flags) {
    roma_adapter a;
    roma_error err = {0};
    const int rc = roma_adapter_open_memory(&a, p, size, flags, &err);
    if (rc) {
        if (err.code != rc || !err.text[0]) abort();
        return;
    }
    const roma_description base = small_base();
    float *row = malloc(262144 * sizeof *row);
    if (!row) abort();
    for (size_t i = 0; i < a.n_targets; i++) {
        const roma_adapter_target *t = &a.targets[i];
        roma_adapter_row_a(t, t->rank - 1, row);
        roma_adapter_row_b(a.type, t, t->rows - 1, row);
        if (roma_adapter_find(&a, t->role, t->layer) != t) abort();
    }
    free(row);
    (void)roma_adapter_check(&a, &base, a.base_id, 0, NULL, &err);
    roma_buf b = {0};
    roma_adapter_print(&a, &b);
    roma_buf_destroy(&b);
    roma_adapter_close(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const size_t room = size < 64 ? 64 : (size + 63) & ~(size_t)63;
    uint8_t *p = aligned_alloc(64, room);
    if (!p) abort();
    if (size) memcpy(p, data, size);
    use(p, size, 0);
    if (size >= 128) roma_put64(p + 16, size);
    fx_mend(p, size);
    use(p, size, 0);
    use(p, size, ROMA_ADAPTER_NO_VERIFY);
    free(p);
    return 0;
}
