/* Random images and adapters: the same seed gives the same file and another one another, all checks hold, and the sizes
 * of weights are as the contract says. The shape is the smallest that is known. */
#include <unistd.h>

#include "roma/synth.h"
#include "../test.h"

static char path[2][64];
static const char shape[] = "smollm2-135m";

static void write_image(const char *to, uint64_t seed, const roma_shape_format *f, roma_image_written *out) {
    roma_error err = {0};
    CHECK_EQ(roma_synth_image(shape, f, seed, to, NULL, out, &err), 0);
    if (err.code) fprintf(stderr, "%s\n", err.text);
}

/* ---- images ---- */

static void test_same_seed(void) {
    roma_image_written a, b, other;
    const roma_shape_format two = {.bits = 2};
    write_image(path[0], 7, &two, &a);
    write_image(path[1], 7, &two, &b);
    CHECK_EQ(a.bytes, b.bytes);
    CHECK_BYTES(a.file_sha256, b.file_sha256, 32);
    CHECK_EQ(roma_image_verify(path[1], NULL, NULL, NULL), 0);
    write_image(path[1], 8, &two, &other);
    CHECK_EQ(other.bytes, a.bytes);
    CHECK(memcmp(other.file_sha256, a.file_sha256, 32) != 0 && memcmp(other.base_id, a.base_id, 32) != 0);
}

/* Root mean square of a matrix's weights times sqrt(cols): about 1, of the head 3. */
static double gain(const roma_image *img, uint32_t role, uint32_t layer) {
    const roma_image_tensor *t = roma_description_find(&img->desc, role, layer);
    float row[8192];
    double squares = 0, mean = 0;
    enum { ROWS = 256 };
    CHECK(t && t->cols <= 8192 && t->rows >= 192);
    const uint64_t rows = t->rows < ROWS ? t->rows : ROWS;
    for (uint64_t r = 0; r < rows; r++) {
        roma_tile_dequant_row(&t->format, t->cols, t->data + r / 16 * t->tile_bytes, (unsigned)(r % 16), row);
        for (uint64_t c = 0; c < t->cols; c++) {
            squares += (double)row[c] * (double)row[c];
            mean += (double)row[c];
        }
    }
    const double n = (double)(rows * t->cols);
    CHECK(fabs(mean / n) * sqrt((double)t->cols) < 0.05); /* signs of scales keep the codes' half step from adding up */
    return sqrt(squares / n * (double)t->cols);
}

static void test_weights(void) {
    roma_image img;
    CHECK_EQ(roma_image_open(&img, path[0], 0, NULL, NULL), 0);
    CHECK_STR(img.desc.name, "random smollm2-135m");
    CHECK_HAS(img.note, "seed 7");
    CHECK(!img.has_vocab);
    CHECK_NEAR(gain(&img, ROMA_W_Q, 0), 1.0, 0.05);
    CHECK_NEAR(gain(&img, ROMA_W_DOWN, 29), 1.0, 0.05);
    CHECK_NEAR(gain(&img, ROMA_W_HEAD, 0), 3.0, 0.05);
    const float *norm = (const float *)(const void *)roma_description_find(&img.desc, ROMA_W_FINAL_NORM, 0)->data;
    for (int i = 0; i < 576; i++) CHECK(norm[i] >= 0.75f && norm[i] < 1.25f);
    roma_image_close(&img);
}

/* A table whose rows do not fill its last tile: the rows that are not there are zero, the others random. */
static void test_ragged(void) {
    roma_image_written w;
    roma_image img;
    roma_error err = {0};
    float row[64];
    for (uint32_t bits = 2; bits <= 8; bits += bits < 6 ? 1 : 2) {
        CHECK_EQ(roma_synth_image("layers=2,hidden=64,heads=2,kv=1,head=48,ffn=96,vocab=77",
                                  &(roma_shape_format){bits, 32, 0}, 3, path[1], NULL, &w, &err),
                 0);
        CHECK_EQ(roma_image_verify(path[1], NULL, NULL, &err), 0);
        CHECK_EQ(roma_image_open(&img, path[1], 0, NULL, &err), 0);
        const roma_image_tensor *t = roma_description_find(&img.desc, ROMA_W_EMBED, 0);
        CHECK(t && t->rows == 77);
        for (unsigned r = 64; t && r < 77; r++) {
            double size = 0;
            roma_tile_dequant_row(&t->format, t->cols, t->data + 4 * t->tile_bytes, r % 16, row);
            for (int i = 0; i < 64; i++) size += fabs((double)row[i]);
            CHECK(size > 1);
        }
        roma_image_close(&img);
    }
}

static void test_refused(void) {
    roma_image_written w;
    roma_error err;
    CHECK_EQ(roma_synth_image("smolm2-135m", &(roma_shape_format){0}, 1, path[1], NULL, &w, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "smollm2-135m");
    CHECK_EQ(roma_synth_image(shape, &(roma_shape_format){.bits = 7}, 1, path[1], NULL, &w, &err), ROMA_EUNSUPPORTED);
    CHECK_EQ(roma_synth_image(shape, &(roma_shape_format){.bits = 2}, 1, "/nowhere/x", NULL, &w, &err), ROMA_EIO);
}

static int stop_soon(void *ctx, const char *what, uint64_t done, uint64_t total) {
    (void)what, (void)done, (void)total;
    return ++*(int *)ctx > 3;
}

static void test_cancelled(void) {
    roma_image_written w;
    roma_error err;
    int calls = 0;
    const roma_progress p = {stop_soon, &calls};
    unlink(path[1]);
    CHECK_EQ(roma_synth_image(shape, &(roma_shape_format){.bits = 2}, 1, path[1], &p, &w, &err), ROMA_ECANCEL);
    CHECK(calls == 4 && access(path[1], F_OK) != 0);
}

/* ---- adapters ---- */

static void test_adapter(uint32_t type) {
    roma_image img;
    roma_adapter a;
    roma_adapter_written first, again, other;
    CHECK_EQ(roma_image_open(&img, path[0], ROMA_IMAGE_NO_VERIFY, NULL, NULL), 0);
    CHECK_EQ(roma_synth_adapter(&img, type, 8, 5, path[1], NULL, &other, NULL), 0);
    CHECK_EQ(roma_synth_adapter(&img, type, 8, 4, path[1], NULL, &first, NULL), 0);
    CHECK_EQ(roma_synth_adapter(&img, type, 8, 4, path[1], NULL, &again, NULL), 0);
    CHECK_BYTES(again.file_sha256, first.file_sha256, 32);
    CHECK(memcmp(other.file_sha256, first.file_sha256, 32) != 0);
    CHECK_EQ(roma_adapter_verify(path[1], NULL, NULL), 0);
    CHECK_EQ(roma_adapter_open(&a, path[1], 0, NULL), 0);
    CHECK_EQ(roma_adapter_check(&a, &img.desc, img.base_id, 0, "", NULL), 0);
    CHECK_EQ(a.n_targets, 7 * img.desc.hyper.layers);
    CHECK_EQ(a.rank, 8);
    /* A keeps the size of what goes in, B takes it to a quarter: sums of squares of their rows are 1 and 1/16. */
    double squares_a = 0, squares_b = 0;
    float row[2048];
    const roma_adapter_target *t = &a.targets[0];
    for (uint32_t r = 0; r < t->rank; r++) {
        roma_adapter_row_a(t, r, row);
        for (uint64_t c = 0; c < t->cols; c++) squares_a += (double)row[c] * (double)row[c] / t->rank;
    }
    for (uint64_t r = 0; r < t->rows; r++) {
        roma_adapter_row_b(a.type, t, r, row);
        for (uint32_t c = 0; c < t->rank; c++) squares_b += (double)row[c] * (double)row[c] / (double)t->rows;
    }
    CHECK_NEAR(squares_a, 1.0, 0.05);
    CHECK_NEAR(squares_b, 1.0 / 16, 0.1);
    roma_adapter_close(&a);
    roma_image_close(&img);
}

int main(void) {
    for (int i = 0; i < 2; i++) snprintf(path[i], sizeof path[i], "/tmp/roma-test-synth-%d-%ld", i, (long)getpid());
    test_same_seed();
    test_weights();
    test_adapter(ROMA_ADAPTER_INT8);
    test_adapter(ROMA_ADAPTER_FP8);
    test_adapter(ROMA_ADAPTER_F16);
    test_ragged();
    test_refused();
    test_cancelled();
    for (int i = 0; i < 2; i++) unlink(path[i]);
    return TEST_DONE();
}
