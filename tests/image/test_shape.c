/* Shapes by name: what a description of each holds, what is refused, and that destroying gives everything back, which
 * the leak checker of the sanitized build sees. */
#include <math.h>

#include "roma/image.h"
#include "../test.h"

static const struct {
    const char *name;
    uint64_t parameters; /* of BitNet without its two sub-norms a layer of 9,472 */
    uint32_t layers, hidden, heads, kv_heads, vocab, context;
    bool tied;
    uint32_t bits, group;
    double eps, rope_base;
} published[] = {
    {"bitnet-2b", 2412820480 - 30 * 9472, 30, 2560, 20, 5, 128256, 4096, true, 2, 128, 1e-5, 500000},
    {"llama-13b", 13015864320, 40, 5120, 40, 40, 32000, 4096, false, 4, 128, 1e-5, 10000},
    {"llama-2-7b", 6738415616, 32, 4096, 32, 32, 32000, 4096, false, 4, 128, 1e-5, 10000},
    {"llama-3-8b", 8030261248, 32, 4096, 32, 8, 128256, 8192, false, 2, 128, 1e-5, 500000},
    {"llama-3.2-1b", 1235814400, 16, 2048, 32, 8, 128256, 131072, true, 4, 128, 1e-5, 500000},
    {"llama-3.2-3b", 3212749824, 28, 3072, 24, 8, 128256, 131072, true, 4, 128, 1e-5, 500000},
    {"qwen3-0.6b", 596049920, 28, 1024, 16, 8, 151936, 40960, true, 4, 128, 1e-6, 1000000},
    {"qwen3-4b", 4022468096, 36, 2560, 32, 8, 151936, 40960, true, 4, 128, 1e-6, 1000000},
    {"smollm2-135m", 134515008, 30, 576, 9, 3, 49152, 8192, true, 4, 64, 1e-5, 100000},
};
enum { PUBLISHED = sizeof published / sizeof *published };

/* Weights of all tensors together: the number that is published with a model holds every width to account. */
static uint64_t parameters(const roma_description *d) {
    uint64_t n = 0;
    for (size_t i = 0; i < d->n_tensors; i++) n += d->tensors[i].rows * d->tensors[i].cols;
    return n;
}

static void test_all(void) {
    for (unsigned i = 0; i < PUBLISHED; i++) {
        roma_description d;
        roma_error err = {0};
        CHECK_STR(roma_shape_name(i), published[i].name);
        CHECK_EQ(roma_shape_describe(&d, published[i].name, &(roma_shape_format){0}, &err), 0);
        CHECK_STR(d.name, published[i].name);
        CHECK_EQ(parameters(&d), published[i].parameters);
        CHECK_EQ(d.hyper.arch, strncmp(d.name, "qwen3", 5) == 0 ? ROMA_ARCH_QWEN3 : ROMA_ARCH_LLAMA);
        CHECK(d.hyper.layers == published[i].layers && d.hyper.hidden == published[i].hidden);
        CHECK(d.hyper.heads == published[i].heads && d.hyper.kv_heads == published[i].kv_heads);
        CHECK(d.hyper.vocab == published[i].vocab && d.hyper.context == published[i].context);
        CHECK_NEAR((double)d.hyper.rms_eps, published[i].eps, 1e-6);
        CHECK_EQ(d.hyper.rope_dim, d.hyper.head_dim);
        CHECK_EQ(roma_description_find(&d, ROMA_W_HEAD, 0) == NULL, published[i].tied);
        const roma_image_tensor *t = roma_description_find(&d, ROMA_W_DOWN, published[i].layers - 1);
        CHECK(t && t->rows == published[i].hidden && t->cols == d.hyper.ffn && !t->is_vector);
        CHECK(t && t->format.bits == published[i].bits && t->format.group == published[i].group);
        CHECK(!roma_description_find(&d, ROMA_W_DOWN, published[i].layers));
        roma_shape_destroy(&d);
        CHECK(!d.tensors && !d.n_tensors);
        roma_shape_destroy(&d);
    }
    CHECK(!roma_shape_name(PUBLISHED));
}

/* Llama 3.2's frequencies as its rope_scaling says: factor 32, low 1 and high 4, original context 8192. */
static double stretched(double frequency) {
    const double waves = 8192 * frequency / 6.283185307179586; /* in the original context */
    if (waves > 4) return frequency;
    return waves < 1 ? frequency / 32 : frequency * ((4 - waves) / 3 / 32 + (waves - 1) / 3);
}

static void test_rope(void) {
    for (unsigned i = 0; i < PUBLISHED; i++) {
        roma_description d;
        roma_error err = {0};
        CHECK_EQ(roma_shape_describe(&d, published[i].name, &(roma_shape_format){0}, &err), 0);
        const bool is_scaled = strncmp(d.name, "llama-3.2", 9) == 0;
        for (uint32_t k = 0; k < d.hyper.rope_dim / 2; k++) {
            const double own = pow(published[i].rope_base, -2.0 * k / d.hyper.rope_dim);
            CHECK_NEAR((double)d.hyper.rope_phase[k] * 0x1p-64 * 6.283185307179586, is_scaled ? stretched(own) : own,
                       1e-6);
        }
        roma_shape_destroy(&d);
    }
}

static void test_formats(void) {
    for (uint32_t bits = 1; bits <= 9; bits++)
        for (uint32_t group = 16; group <= 512; group *= 2) {
            roma_description d;
            roma_error err = {0};
            const bool good = bits <= 8 && bits != 7 && group <= 256 && (bits > 1 || group > 16);
            const int rc = roma_shape_describe(&d, "llama-3.2-3b", &(roma_shape_format){bits, group, 0}, &err);
            CHECK_EQ(rc == 0, good);
            CHECK(good || (d.tensors == NULL && err.text[0]));
            if (rc) continue;
            const roma_image_tensor *t = roma_description_find(&d, ROMA_W_Q, 0);
            CHECK(t->format.bits == bits && t->format.group == group);
            CHECK_EQ(t->format.zero, bits == 8 ? 0 : 1 << (bits - 1)); /* codes of 8 bits are signed */
            const uint64_t tile = 2 * t->cols * bits + 32 * t->cols / group;
            CHECK_EQ(t->tile_bytes, (tile + 63) / 64 * 64);
            t = roma_description_find(&d, ROMA_W_ATTN_NORM, 0);
            CHECK(t && t->is_vector && t->format.bits == 0 && t->tile_bytes == 0);
            roma_shape_destroy(&d);
        }
}

/* The table that is the head, tied or not, may have another width than the layers; left out, it has theirs. */
static void test_head(void) {
    static const struct {
        const char *name;
        roma_shape_format asked;
        uint32_t layers, head;
    } v[] = {{"llama-3.2-3b", {0, 0, 8}, 4, 8}, {"llama-3.2-3b", {3, 0, 0}, 3, 3}, {"llama-3.2-3b", {3, 0, 6}, 3, 6},
             {"llama-3-8b", {0, 0, 0}, 2, 2},   {"llama-3-8b", {0, 0, 4}, 2, 4},   {"llama-3-8b", {5, 64, 0}, 5, 5}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        roma_description d;
        roma_error err = {0};
        CHECK_EQ(roma_shape_describe(&d, v[i].name, &v[i].asked, &err), 0);
        const roma_image_tensor *head = roma_description_find(&d, ROMA_W_HEAD, 0),
                                *embed = roma_description_find(&d, ROMA_W_EMBED, 0);
        CHECK_EQ(embed->format.bits, head ? v[i].layers : v[i].head);
        CHECK(!head || head->format.bits == v[i].head);
        CHECK_EQ(roma_description_find(&d, ROMA_W_UP, 1)->format.bits, v[i].layers);
        roma_shape_destroy(&d);
    }
    roma_description d;
    roma_error err = {0};
    CHECK_EQ(roma_shape_describe(&d, "llama-3-8b", &(roma_shape_format){0, 0, 9}, &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "codes have 1, 2, 3, 4, 5, 6 or 8 bits") && !d.tensors);
    CHECK_EQ(roma_shape_describe(&d, "llama-3-8b", &(roma_shape_format){7, 0, 0}, &err), ROMA_EUNSUPPORTED);
    CHECK_EQ(roma_shape_describe(&d, "llama-3-8b", &(roma_shape_format){1, 16, 0}, &err), ROMA_EUNSUPPORTED);
    CHECK_HAS(err.text, "codes of 1 bit need groups of 32 and more, not 16");
    CHECK_EQ(roma_shape_describe(&d, "smollm2-135m", &(roma_shape_format){1, 128, 0}, &err), ROMA_EUNSUPPORTED);
    CHECK_HAS(err.text, "no multiple of the group of 128");
    CHECK_EQ(roma_shape_describe(&d, "llama-3-8b", &(roma_shape_format){1, 128, 8}, &err), 0); /* of the chip model */
    const roma_image_tensor *up = roma_description_find(&d, ROMA_W_UP, 0);
    CHECK(up->format.bits == 1 && up->tile_bytes == 16 * 4096 / 8 + 32 * 32);
    roma_shape_destroy(&d);
}

static void test_refused(void) {
    roma_description d;
    roma_error err = {0};
    CHECK_EQ(roma_shape_describe(&d, "llama-9", &(roma_shape_format){0}, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "llama-3.2-3b");
    CHECK_HAS(err.text, "llama-9");
    CHECK(!strstr(err.text, "did you mean"));
    CHECK_EQ(roma_shape_describe(&d, "llama-3-8", &(roma_shape_format){0}, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "did you mean llama-3-8b?");
}

int main(void) {
    test_all();
    test_rope();
    test_formats();
    test_head();
    test_refused();
    return TEST_DONE();
}
