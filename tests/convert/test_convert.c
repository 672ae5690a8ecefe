/* From a model file to an image: every weight of the file stands in the image, the report says what the files hold,
 * what cannot be converted leaves no image, and whenever one cancels or memory runs out there is none either. */
#include <sys/stat.h>
#include <unistd.h>

#include "roma/convert.h"
#include "roma/import.h"
#include "../base/scarce.h"
#include "../import/gguf_spoil.h"
#include "../test.h"

static char dir[] = "/tmp/roma-convert-XXXXXX", model[64], image[64];

/* Writes the model file; type is GGUF's number of the matrices' type. */
static void write_model(uint32_t type, const char *commands) {
    static b_file f;
    b_shape s = b_small("qwen3");
    roma_buf out = {0};
    s.type = type;
    b_model(&f, &s);
    spoil(&f, commands, &out);
    FILE *to = fopen(model, "wb");
    if (!to || fwrite(out.data, 1, out.len, to) != out.len || fclose(to)) abort();
    roma_buf_destroy(&out);
    b_free(&f);
}

static bool is_there(const char *path) { return access(path, F_OK) == 0; }

/* Files in the folder: the model, and no temporary beside it. */
static void check_no_image(void) {
    struct stat st;
    CHECK(!is_there(image));
    CHECK(stat(dir, &st) == 0);
    char command[96];
    snprintf(command, sizeof command, "test \"$(ls -A %s)\" = model.gguf", dir);
    CHECK_EQ(system(command), 0);
}

/* ---- what is in the image ---- */

static void check_weights(const roma_image *img, const roma_quant *quant) {
    roma_import imp;
    float want[256], got[256];
    CHECK_EQ(roma_import_open(&imp, model, NULL), 0);
    CHECK_EQ(roma_quantise_model(&imp.model, quant, NULL), 0);
    for (size_t i = 0; i < imp.model.n_tensors; i++) {
        roma_tensor *t = &imp.model.tensors[i];
        if (t->begin) CHECK_EQ(t->begin(t, NULL, NULL), 0);
        const roma_image_tensor *in = roma_description_find(&img->desc, t->role, t->layer);
        CHECK(in && in->rows == t->rows && in->cols == t->cols && t->cols <= 256);
        for (uint64_t r = 0; r < t->rows && !in->is_vector; r++) {
            t->read_floats(t, r, want);
            roma_tile_dequant_row(&in->format, in->cols, in->data + r / 16 * in->tile_bytes, (unsigned)(r % 16), got);
            CHECK_BYTES(got, want, t->cols * sizeof *got);
        }
        if (t->end) t->end(t);
    }
    roma_import_close(&imp);
}

static void check_report(const roma_convert_report *r, const roma_image *img) {
    uint8_t sum[32];
    char hex[65];
    roma_map m;
    roma_sha256 h;
    uint64_t params = 0;
    for (size_t i = 0; i < img->desc.n_tensors; i++)
        if (img->desc.tensors[i].tie < 0) params += img->desc.tensors[i].rows * img->desc.tensors[i].cols;
    CHECK_EQ(r->image.params, params);
    CHECK_EQ(r->image.bytes, img->map.size);
    CHECK_EQ(r->image.arch, ROMA_ARCH_QWEN3);
    CHECK_STR(r->image.name, img->desc.name);
    CHECK(r->image.name[0]);
    CHECK_BYTES(r->image.file_sha256, img->file_sha256, 32);
    CHECK_BYTES(r->image.base_id, img->base_id, 32);
    CHECK_EQ(roma_map_open(&m, model, NULL), 0);
    CHECK_EQ(r->source_bytes, m.size);
    roma_sha256_init(&h);
    roma_sha256_update(&h, m.data, (size_t)m.size);
    roma_sha256_final(&h, sum);
    roma_map_close(&m);
    CHECK_BYTES(r->source_sha256, sum, 32);
    roma_hex(hex, sum, 32);
    CHECK_HAS(img->note, "model.gguf, SHA-256 ");
    CHECK_HAS(img->note, hex);
}

/* bits: of a weight with its scales, whatever the padding of tiles to 64 bytes adds. */
static void test_image(uint32_t type, roma_quant quant, double bits) {
    roma_convert_report r, again;
    roma_image img;
    const roma_convert_config c = {.model = model, .image = image, .quant = quant};
    write_model(type, "");
    CHECK_EQ(roma_convert(&c, NULL, &r, NULL), 0);
    CHECK_STR(r.notes, "");
    CHECK(r.image.bits_per_weight >= bits && r.image.bits_per_weight < bits * 1.1 + 1.5);
    CHECK_EQ(roma_image_verify(image, NULL, NULL, NULL), 0);
    CHECK_EQ(roma_image_open(&img, image, 0, NULL, NULL), 0);
    CHECK(img.has_vocab);
    check_weights(&img, &quant);
    check_report(&r, &img);
    roma_image_close(&img);
    CHECK_EQ(roma_convert(&c, NULL, &again, NULL), 0); /* over the first one */
    CHECK_BYTES(again.image.file_sha256, r.image.file_sha256, 32);
    roma_convert_report_destroy(&again);
    roma_convert_report_destroy(&r);
    unlink(image);
}

static void check_refused(const roma_convert_config *c, int code, const char *words) {
    roma_convert_report r;
    roma_error err;
    CHECK_EQ(roma_convert(c, NULL, &r, &err), code);
    CHECK_HAS(err.text, words);
    CHECK(!r.notes);
    check_no_image();
}

/* Layers by a method, embedding and head by round to nearest: said by the report, and refused where nothing is left. */
static void test_methods(void) {
    static const struct {
        roma_quant q;
        double bits;
        const char *says;
    } methods[] = {
        {{{ROMA_QUANT_NF4, 4, 32}, {ROMA_QUANT_RTN, 8, 32}, 511}, 5, "layers: nf4, absmax of 32 weights in 8 bits"},
        {{{ROMA_QUANT_NF4, 4, 32}, {ROMA_QUANT_RTN, 8, 32}, 127}, 5, "embedding, head: rtn, 8 bits, FP16 scale for 32"},
        {{{ROMA_QUANT_RTN, 2, 32}, {ROMA_QUANT_RTN, 4, 32}, 511},
         3,
         "layers: rtn, 2 bits, FP16 scale and minimum for 32"},
        {{{ROMA_QUANT_RTN, 3, 32}, {ROMA_QUANT_RTN, 3, 32}, 511},
         4,
         "method     rtn, 3 bits, FP16 scale and minimum for 32"},
    };
    roma_error err;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        roma_convert_report r;
        const roma_convert_config c = {.model = model, .image = image, .quant = methods[i].q};
        test_image(0, methods[i].q, methods[i].bits);
        CHECK_EQ(roma_convert(&c, NULL, &r, &err), 0);
        CHECK_HAS(r.text, methods[i].says);
        CHECK_HAS(r.text, "rounding ");
        roma_convert_report_destroy(&r);
        unlink(image);
    }
    const roma_convert_config c = {.model = model, .image = image, .quant = methods[0].q},
                              five = {.model = model, .image = image, .quant = {{ROMA_QUANT_RTN, 5, 32}, {0}, 0}},
                              wide = {.model = model,
                                      .image = image,
                                      .quant = {{ROMA_QUANT_NF4, 4, 64}, {ROMA_QUANT_RTN, 8, 32}, 0}};
    check_refused(&wide, ROMA_EUNSUPPORTED, "rows of 96, no multiple of the 64 weights of a scale; use --group 32");
    check_refused(&five, ROMA_EUSAGE, "2, 3, 4 or 8 bits, not 5");
    write_model(8, "");
    check_refused(&c, ROMA_EUSAGE, "no matrix of a layer is in floating point");
}

/* How far predictions are from the file's: said when it is asked for, and of 4-bit checkpoints, whose form alone is. */
static void test_compared(void) {
    roma_convert_report r;
    roma_error err;
    const roma_quant nf4 = {{ROMA_QUANT_NF4, 4, 32}, {ROMA_QUANT_RTN, 8, 32}, 0}, q8 = roma_quant_everywhere(8);
    double kl[2];
    for (int i = 0; i < 3; i++) {
        const roma_convert_config c = {
            .model = "models/tiny/tiny-f32.gguf", .image = image, .quant = i ? nf4 : q8, .kl = i < 2, .threads = 1 + i};
        CHECK_EQ(roma_convert(&c, NULL, &r, &err), 0);
        CHECK_EQ(r.all.tokens, i < 2 ? 64 : 0);
        CHECK_EQ(r.form.tokens, 0);
        CHECK(!strstr(r.text, "KL ") == (i == 2));
        if (i < 2) kl[i] = r.all.mean;
        roma_convert_report_destroy(&r);
    }
    printf("KL of 8 bits %.3g, of NF4 %.3g\n", kl[0], kl[1]);
    CHECK(kl[0] > 0 && kl[0] < 1e-3 && kl[1] > 10 * kl[0] && kl[1] < 0.1);
    for (int levels = 127; levels <= 511; levels += 384)
        for (int all = 0; all < 2; all++) {
            const roma_convert_config c = {
                .model = "tests/import/packed/nf4-double", .image = image, .quant = {.levels = levels}, .kl = all};
            CHECK_EQ(roma_convert(&c, NULL, &r, &err), 0);
            CHECK(r.form.tokens == 64 && r.form.mean > 0 && r.form.mean < (levels == 127 ? 1e-3 : 1e-4));
            CHECK(r.all.tokens == (all ? 64 : 0) && (!all || r.all.mean > 0));
            CHECK_HAS(r.text, levels == 127 ? "levels of 8 bits" : "levels of ten bits");
            CHECK_HAS(r.text, "form       KL ");
            CHECK_HAS(r.text, "matrices   2 rounded, 14 as they were\n");
            roma_convert_report_destroy(&r);
        }
    const roma_convert_config exact = {.model = "tests/import/packed/gptq", .image = image};
    CHECK_EQ(roma_convert(&exact, NULL, &r, &err), 0);
    CHECK_EQ(r.form.tokens, 0); /* its form changes nothing */
    roma_convert_report_destroy(&r);
    unlink(image);
}

static void test_notes(void) {
    roma_convert_report r;
    const roma_convert_config c = {.model = model, .image = image};
    write_model(8, "set qwen3.vocab_size u32 3");
    CHECK_EQ(roma_convert(&c, NULL, &r, NULL), 0);
    CHECK_HAS(r.notes, "'qwen3.vocab_size' is 3,");
    roma_convert_report_destroy(&r);
    unlink(image);
}

/* ---- refusals ---- */

static void test_refused(void) {
    roma_error err;
    const roma_convert_config plain = {.model = model, .image = image}, folder = {.model = dir, .image = image},
                              over = {.model = model, .image = model},
                              none = {.model = "/nowhere.gguf", .image = image};
    write_model(8, "");
    check_refused(&folder, ROMA_EINPUT, "no config.json in this folder");
    check_refused(&over, ROMA_EUSAGE, "a model is never overwritten");
    check_refused(&none, ROMA_EINPUT, "no such file");
    CHECK_EQ(roma_convert_check_output(model, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_convert_check_output(image, &err), 0);
    CHECK_EQ(roma_convert_check_output(dir, &err), 0); /* the writer refuses a folder */
    write_model(1, "");
    check_refused(&plain, ROMA_EUSAGE, "--quant");
    write_model(8, "t.poke blk.1.ffn_up.weight 68 007c");
    check_refused(&plain, ROMA_EDAMAGED, "a scale is infinite");
    unlink(model);
    FILE *f = fopen(model, "wb");
    if (!f || fputs("GGUF", f) < 0 || fclose(f)) abort();
    check_refused(&plain, ROMA_EDAMAGED, "the file ends inside its header");
}

static int stop_at(void *ctx, const char *what, uint64_t done, uint64_t total) {
    (void)what;
    CHECK(done <= total);
    return (*(int *)ctx)-- == 0;
}

/* At whichever call of progress: values, hashes, tensors. */
static void test_cancelled(void) {
    roma_convert_report r;
    roma_error err;
    const roma_convert_config c = {.model = model, .image = image};
    int rc = ROMA_ECANCEL, after = 0;
    write_model(8, "");
    for (; rc == ROMA_ECANCEL && after < 1000; after++) {
        int left = after;
        const roma_progress p = {stop_at, &left};
        rc = roma_convert(&c, &p, &r, &err);
        if (rc) check_no_image();
    }
    CHECK_EQ(rc, 0);
    CHECK(after > 20); /* every tensor's values, one hash, the tensors again, one hash */
    roma_convert_report_destroy(&r);
    unlink(image);
}

/* At whichever piece of memory. */
static void test_scarce(roma_quant q, bool kl) {
    roma_convert_report r;
    roma_error err;
    const roma_convert_config c = {.model = model, .image = image, .quant = q, .kl = kl};
    int rc = ROMA_ENOMEM, pieces = 0;
    for (; rc == ROMA_ENOMEM && pieces < 1000; pieces++) {
        scarce_begin(pieces);
        rc = roma_convert(&c, NULL, &r, &err);
        roma_allocator_set(NULL);
        if (rc) check_no_image();
    }
    CHECK_EQ(rc, 0);
    CHECK(pieces > 10);
    roma_convert_report_destroy(&r);
    unlink(image);
}

int main(void) {
    if (!mkdtemp(dir)) return 1;
    snprintf(model, sizeof model, "%s/model.gguf", dir);
    snprintf(image, sizeof image, "%s/model.roma", dir);
    test_image(8, (roma_quant){.levels = 0}, 8.5); /* Q8_0 */
    test_image(1, roma_quant_everywhere(8), 8.5);  /* F16 */
    test_image(0, roma_quant_everywhere(4), 5);    /* F32 */
    test_methods();
    test_notes();
    test_refused();
    test_cancelled();
    test_scarce((roma_quant){.levels = 0}, false);
    write_model(0, "");
    test_scarce((roma_quant){{ROMA_QUANT_NF4, 4, 32}, {ROMA_QUANT_RTN, 8, 32}, 0}, true);
    test_compared();
    unlink(model);
    rmdir(dir);
    return TEST_DONE();
}
