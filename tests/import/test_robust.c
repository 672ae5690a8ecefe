/* Every prefix of a file, every failing allocation, many random flips: refused or read, never a crash. Each file
 * lies in a block of exactly its size, so that a sanitizer sees every read beyond it. */
#include "../base/scarce.h"
#include "../test.h"
#include "gguf_spoil.h"

static void small_file(roma_buf *out, const char *arch, bool spm) {
    static b_file f;
    b_shape s = b_small(arch);
    s.layers = 1;
    s.spm = spm;
    b_model(&f, &s);
    b_add(&f, "x.list", "[u16] 1 2 3");
    b_tensor_add(&f, "rope_freqs.weight", 0, 8, 0);
    b_write(&f, out);
    b_free(&f);
}

static int open_copy(const uint8_t *data, size_t size, bool read) {
    roma_import imp;
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    const int rc = roma_import_open_memory(&imp, copy, size, NULL);
    if (!rc) {
        float *row = malloc(65536 * sizeof *row);
        for (size_t i = 0; read && i < imp.model.n_tensors; i++) {
            const roma_tensor *t = &imp.model.tensors[i];
            t->read_floats(t, 0, row);
            t->read_floats(t, t->rows - 1, row);
        }
        free(row);
        roma_import_close(&imp);
    }
    free(copy);
    return rc;
}

static void test_prefixes(const char *arch, bool spm) {
    roma_buf out = {0};
    small_file(&out, arch, spm);
    CHECK(out.len <= 65536);
    CHECK_EQ(open_copy(out.data, out.len, true), ROMA_OK);
    for (size_t n = 0; n < out.len; n++) {
        const int rc = open_copy(out.data, n, false);
        if (rc != ROMA_EDAMAGED) fprintf(stderr, "%zu of %zu bytes: %d\n", n, out.len, rc);
        CHECK_EQ(rc, ROMA_EDAMAGED);
    }
    roma_buf_destroy(&out);
}

/* ---- allocator that fails at call number n ------------------------------------------------------------------ */

static void test_memory(bool spm) {
    roma_buf out = {0};
    small_file(&out, "llama", spm);
    uint8_t *copy = malloc(out.len);
    const size_t size = out.len;
    memcpy(copy, out.data, size);
    roma_buf_destroy(&out);
    int rc = ROMA_ENOMEM, n = 0;
    for (; rc && n < 100; n++) {
        roma_import imp;
        roma_error err = {0};
        scarce_begin_once(n);
        rc = roma_import_open_memory(&imp, copy, size, &err);
        if (rc) {
            CHECK_EQ(rc, ROMA_ENOMEM);
            CHECK_EQ(err.code, ROMA_ENOMEM);
            CHECK(err.text[0] != 0);
            CHECK(imp.owned == NULL && imp.vocab.text == NULL);
        } else {
            roma_import_close(&imp);
        }
        CHECK_EQ(scarce_outstanding, 0);
    }
    CHECK_EQ(rc, ROMA_OK);
    CHECK(n > 10);
    roma_allocator_set(NULL);
    free(copy);
}

/* ---- flips --------------------------------------------------------------------------------------------------------
 */

static void test_flips(const char *arch, bool spm) {
    static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff};
    roma_buf out = {0};
    small_file(&out, arch, spm);
    uint64_t k = 0, accepted = 0;
    for (unsigned round = 0; round < 3000; round++) {
        uint8_t saved[4];
        size_t at[4];
        const unsigned n = 1 + (unsigned)(roma_random(1, k++) % 4);
        for (unsigned i = 0; i < n; i++) {
            at[i] = (size_t)(roma_random(2, k++) % 3000); /* header, keys, tensor table */
            saved[i] = out.data[at[i]];
            out.data[at[i]] =
                round % 2 ? odd[roma_random(3, k++) % 5] : (uint8_t)(saved[i] ^ 1u << roma_random(4, k++) % 8);
        }
        accepted += open_copy(out.data, out.len, true) == ROMA_OK;
        for (unsigned i = n; i-- > 0;) out.data[at[i]] = saved[i];
    }
    CHECK_EQ(open_copy(out.data, out.len, true), ROMA_OK);
    CHECK(accepted < 3000);
    roma_buf_destroy(&out);
}

int main(void) {
    test_prefixes("llama", false);
    test_prefixes("llama", true);
    test_prefixes("qwen2", false);
    test_memory(false);
    test_memory(true);
    test_flips("llama", false);
    test_flips("qwen3", true);
    return TEST_DONE();
}
