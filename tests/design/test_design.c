/* Designs: what a model is called, what goes together, and that a failure leaves nothing. */
#include <unistd.h>

#include "roma/design.h"
#include "../base/scarce.h"
#include "../exec/random_model.h"
#include "../test.h"

static char image[64];

static void make_image(void) {
    random_model *m = calloc(1, sizeof *m);
    roma_error err;
    random_model_init(m, ROMA_ARCH_LLAMA,
                      (roma_format){.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32}, 3);
    CHECK_EQ(random_model_write(m, image, &err), 0);
    free(m);
}

static void test_names(void) {
    static const struct {
        const char *name;
        bool is_image;
    } v[] = {{"llama-3.2-3b", false}, {"llama-3.2-3c", false}, {"", false},
             {"./none", true},        {"no/such", true},       {"/", true}};
    const char *shape, *path;
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        roma_design_name(v[i].name, &shape, &path);
        CHECK(v[i].is_image ? path == v[i].name && !shape : shape == v[i].name && !path);
    }
    roma_design_name(image, &shape, &path);
    CHECK(path == image && !shape);
    CHECK_EQ(chdir("/tmp"), 0);
    roma_design_name(strrchr(image, '/') + 1, &shape, &path); /* a file that is there, without a slash */
    CHECK(path && !shape);
    FILE *f = fopen("qwen3-4b", "wx"); /* a shape's name stays one */
    roma_design_name("qwen3-4b", &shape, &path);
    CHECK(shape && !path);
    if (f) fclose(f), unlink("qwen3-4b");
}

static void test_shape(void) {
    const char *const set[] = {"lunit.lanes=32", "lunit.lanes=8"};
    const roma_design_config c = {
        .shape = "llama-3.2-3b", .format = {3, 64, 8}, .chip = "roma-contract", .set = set, .n_set = 2};
    roma_design d;
    roma_error err;
    CHECK_EQ(roma_design_open(&d, &c, &err), 0);
    CHECK(d.has_shape && !d.has_image && d.has_plan && d.desc == &d.shape);
    CHECK_STR(d.desc->name, "llama-3.2-3b");
    CHECK_STR(d.place.chip.name, "roma-contract");
    CHECK_REAL(d.place.chip.lanes, 8); /* the last one counts */
    const roma_image_tensor *q = roma_description_find(d.desc, ROMA_W_Q, 0),
                            *head = roma_description_find(d.desc, ROMA_W_EMBED, 0);
    CHECK(q->format.bits == 3 && q->format.group == 64 && head->format.bits == 8);
    CHECK_EQ(roma_plan_check(&d.plan, &err), 0);
    roma_design_close(&d);
    CHECK(!d.has_plan && !d.has_shape && !d.desc);
    roma_design_close(&d);
}

/* Counted from the published configuration: all matrices of 28 layers, and the tied embedding as head. */
static void test_size(void) {
    const roma_design_config c = {.shape = "llama-3.2-3b", .format = {4, 128, 0}};
    roma_design d;
    roma_error err;
    double weights, bytes;
    CHECK_EQ(roma_design_open(&d, &c, &err), 0);
    CHECK_STR(d.place.chip.name, "roma");
    roma_design_size(&d, &weights, &bytes);
    const double layer = 2.0 * 3072 * 3072 + 2.0 * 3072 * 1024 + 3.0 * 3072 * 8192;
    CHECK_REAL(weights, 28 * layer + 3072.0 * 128256);
    CHECK_REAL(bytes, weights * (4 + 16.0 / 128) / 8);
    roma_design_close(&d);
}

static void test_image(void) {
    const roma_design_config c = {.image = image};
    roma_design d;
    roma_error err;
    CHECK_EQ(roma_design_open(&d, &c, &err), 0);
    CHECK(d.has_image && !d.has_shape && d.desc == &d.image.desc);
    CHECK_STR(d.desc->name, "random");
    roma_design_close(&d);
}

static void test_made(void) {
    roma_chip chip;
    roma_design d;
    roma_error err;
    const char *const set[] = {"lunit.lanes=16"};
    CHECK_EQ(roma_chip_open(&chip, "roma-better", &err), 0);
    chip.lanes = 64;
    const roma_design_config c = {.shape = "llama-3.2-1b", .made = &chip},
                             changed = {.shape = "llama-3.2-1b", .made = &chip, .set = set, .n_set = 1};
    CHECK_EQ(roma_design_open(&d, &c, &err), 0);
    CHECK_REAL(d.place.chip.lanes, 64);
    roma_design_close(&d);
    CHECK_EQ(roma_design_open(&d, &changed, &err), 0);
    CHECK_REAL(d.place.chip.lanes, 16);
    CHECK_REAL(chip.lanes, 64);
    roma_design_close(&d);
    chip.grid_rows = 1; /* fewer tiles than units */
    CHECK_EQ(roma_design_open(&d, &c, &err), ROMA_EINPUT);
    CHECK_STR(err.file, "roma-better");
}

static void test_refused(void) {
    static const char *const bad_key[] = {"lunit.lanez=8"}, *const bad_chip[] = {"grid.rows=3"};
    const struct {
        roma_design_config c;
        int code;
        const char *says;
    } v[] = {{{0}, ROMA_EUSAGE, "one of them"},
             {{.shape = "llama-3.2-1b", .image = image}, ROMA_EUSAGE, "one of them"},
             {{.image = image, .format = {.bits = 4}}, ROMA_EUSAGE, "an image has its own"},
             {{.image = image, .format = {.group = 64}}, ROMA_EUSAGE, "an image has its own"},
             {{.image = image, .format = {.head_bits = 4}}, ROMA_EUSAGE, "an image has its own"},
             {{.image = "/nowhere/x.roma"}, ROMA_EINPUT, "no such file"},
             {{.shape = "llama-3.2-1c"}, ROMA_EINPUT, "did you mean llama-3.2-1b?"},
             {{.shape = "llama-3.2-1b", .format = {.group = 48}}, ROMA_EUNSUPPORTED, "48"},
             {{.shape = "llama-3.2-1b", .chip = "romaa"}, ROMA_EINPUT, "did you mean roma?"},
             {{.shape = "llama-3.2-1b", .set = bad_key, .n_set = 1}, ROMA_EUSAGE, "did you mean lunit.lanes?"},
             {{.shape = "llama-3.2-1b", .set = bad_chip, .n_set = 1}, ROMA_EINPUT, "grid"}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        roma_design d;
        roma_error err = {0};
        CHECK_EQ(roma_design_open(&d, &v[i].c, &err), v[i].code);
        CHECK_EQ(err.code, v[i].code);
        CHECK_HAS(err.text, v[i].says);
        CHECK(!d.has_plan && !d.has_image && !d.has_shape);
        CHECK_EQ(roma_design_open(&d, &v[i].c, NULL), v[i].code);
    }
}

/* As few rows as the engine goes down to: 16, or one for each sequence, 512 at most; or those asked for. */
static void test_activations(void) {
    const roma_design_config by = {.shape = "llama-3.2-1b"};
    roma_design d;
    CHECK_EQ(roma_design_open(&d, &by, NULL), 0);
    const uint64_t row = roma_design_activations(&d.plan, 1, 1);
    static const uint32_t at[][3] = {{0, 1, 16},    {0, 16, 16},    {0, 17, 17}, {0, 128, 128}, {0, 200, 200},
                                     {0, 513, 512}, {0, 9999, 512}, {3, 2, 3},   {3, 5, 5},     {100, 5, 100}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        CHECK_EQ(roma_design_activations(&d.plan, at[i][0], at[i][1]), at[i][2] * row);
    CHECK(row > 40 * 2048 && row < 60 * 2048 * 4);
    roma_design_close(&d);
}

static void test_scarce(void) {
    const roma_design_config by[] = {{.shape = "llama-3.2-1b"}, {.image = image}};
    for (size_t k = 0; k < 2; k++) {
        int rc = ROMA_ENOMEM, n = 0;
        for (; rc && n < 100; n++) {
            roma_design d;
            roma_error err = {0};
            scarce_begin(n);
            rc = roma_design_open(&d, &by[k], &err);
            roma_design_close(&d);
            roma_allocator_set(NULL);
            CHECK(rc == ROMA_OK || rc == ROMA_ENOMEM);
        }
        CHECK(rc == ROMA_OK && n > 3);
    }
}

int main(void) {
    snprintf(image, sizeof image, "/tmp/roma-test-design-%d.roma", (int)getpid());
    make_image();
    test_names();
    test_shape();
    test_size();
    test_image();
    test_made();
    test_refused();
    test_activations();
    test_scarce();
    unlink(image);
    return TEST_DONE();
}
