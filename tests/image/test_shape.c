/* Shapes by name: what a description of each holds, what is refused, and that destroying gives everything back, which
 * the leak checker of the sanitized build sees. */
#include "roma/image.h"
#include "../test.h"

static void test_all(void) {
    /* layers, hidden size, query heads, those of keys, vocabulary, tied: published with the models */
    static const struct {
        const char *name;
        uint32_t layers, hidden, heads, kv_heads, vocab;
        bool tied;
    } v[] = {{"llama-3.2-1b", 16, 2048, 32, 8, 128256, true}, {"llama-3.2-3b", 28, 3072, 24, 8, 128256, true},
             {"llama-3-8b", 32, 4096, 32, 8, 128256, false},  {"smollm2-135m", 30, 576, 9, 3, 49152, true},
             {"qwen3-0.6b", 28, 1024, 16, 8, 151936, true},   {"llama-2-7b", 32, 4096, 32, 32, 32000, false}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        roma_description d;
        roma_error err = {0};
        CHECK_EQ(roma_shape_describe(&d, v[i].name, &(roma_shape_format){0}, &err), 0);
        CHECK_STR(d.name, v[i].name);
        CHECK(d.hyper.layers == v[i].layers && d.hyper.hidden == v[i].hidden && d.hyper.heads == v[i].heads &&
              d.hyper.kv_heads == v[i].kv_heads && d.hyper.vocab == v[i].vocab);
        CHECK_EQ(roma_description_find(&d, ROMA_W_HEAD, 0) == NULL, v[i].tied);
        const roma_image_tensor *t = roma_description_find(&d, ROMA_W_DOWN, v[i].layers - 1);
        CHECK(t && t->rows == v[i].hidden && t->cols == d.hyper.ffn && !t->is_vector);
        CHECK(!roma_description_find(&d, ROMA_W_DOWN, v[i].layers));
        roma_shape_destroy(&d);
        CHECK(!d.tensors && !d.n_tensors);
        roma_shape_destroy(&d);
    }
}

static void test_formats(void) {
    for (uint32_t bits = 1; bits <= 9; bits++)
        for (uint32_t group = 16; group <= 512; group *= 2) {
            roma_description d;
            roma_error err = {0};
            const bool good = bits >= 2 && bits <= 8 && bits != 7 && group <= 256;
            const int rc = roma_shape_describe(&d, "llama-3.2-3b", &(roma_shape_format){bits, group, 0}, &err);
            CHECK_EQ(rc == 0, good);
            CHECK(good || (d.tensors == NULL && err.text[0]));
            if (rc) continue;
            const roma_image_tensor *t = roma_description_find(&d, ROMA_W_Q, 0);
            CHECK(t->format.bits == bits && t->format.group == group);
            roma_shape_destroy(&d);
        }
}

static void test_refused(void) {
    roma_description d;
    roma_error err = {0};
    CHECK_EQ(roma_shape_describe(&d, "llama-9", &(roma_shape_format){0}, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "llama-3.2-3b");
    CHECK_HAS(err.text, "llama-9");
}

int main(void) {
    test_all();
    test_formats();
    test_refused();
    return TEST_DONE();
}
