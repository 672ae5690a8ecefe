/* From a model of float or coded rows to an image: every weight arrives, in its place, once. */
#include "../test.h"
#include "roma/pack.h"
#include "roma/quant.h"

#include <math.h>
#include <unistd.h>

static char path[64];

typedef struct {
    roma_model m;
    roma_tensor t[64];
} model;

/* Weights like those of a model, one row of zeros, one group of equal values, one large value. */
static float weight(const roma_tensor *t, uint64_t r, uint64_t c) {
    if (r == 3) return 0;
    if (r == 4 && c < 32) return 0.75f;
    if (r == 5 && c == 7) return 40.0f;
    const uint64_t v = roma_random(t->role * 1000 + t->layer, r << 20 | c);
    return ((float)(v >> 40) * 0x1p-24f - 0.5f) * 0.3f;
}

static void read_floats(const roma_tensor *t, uint64_t r, float *out) {
    for (uint64_t c = 0; c < t->cols; c++) out[c] = weight(t, r, c);
}

/* Rows that were coded before: the code tells the place. */
static void read_codes(const roma_tensor *t, uint64_t r, const roma_row *out) {
    for (uint64_t c = 0; c < t->cols; c++) out->code[c] = (uint8_t)((r * 5 + c + t->role) & 15);
    for (uint64_t g = 0; g < t->cols / 32; g++)
        out->scale[g] = roma_f32_to_f16((float)(r + 1) / 64), out->min[g] = roma_f32_to_f16((float)g - 1);
}

static void make(model *s, bool head) {
    memset(s, 0, sizeof *s);
    s->m.hyper = (roma_hyper){.arch = ROMA_ARCH_QWEN3,
                              .layers = 2,
                              .hidden = 64,
                              .ffn = 96,
                              .heads = 4,
                              .kv_heads = 2,
                              .head_dim = 32,
                              .rope_dim = 32,
                              .vocab = 50,
                              .context = 64,
                              .rms_eps = 1e-6f};
    strcpy(s->m.name, "packed");
    s->m.tensors = s->t;
    for (uint32_t role = 1; role < ROMA_W_END; role++)
        for (uint32_t l = 0; l < (roma_tensor_role_is_layered(role) ? 2 : 1); l++) {
            roma_tensor *t = &s->t[s->m.n_tensors];
            *t = (roma_tensor){.role = role, .layer = l, .is_float = true, .read_floats = read_floats};
            if (!roma_hyper_required(&s->m.hyper, role) && !(head && role == ROMA_W_HEAD)) continue;
            if (roma_hyper_shape(&s->m.hyper, role, &t->rows, &t->cols)) s->m.n_tensors++;
        }
}

/* What rounding cost is the sum over the image's weights; told of matrices that quant made alone. */
static void check_loss(const roma_pack_loss *got, const roma_pack_loss *want, bool is_vector) {
    CHECK(got->rounded == !is_vector);
    if (is_vector) return;
    CHECK_NEAR(got->error, want->error, 1e-12);
    CHECK_NEAR(got->weight, want->weight, 1e-12);
    CHECK_REAL(got->most, want->most);
}

static void check_weights(model *s, const roma_image *img, double step, const roma_pack_loss *loss) {
    double worst = 0;
    for (size_t i = 0; i < s->m.n_tensors; i++) {
        roma_tensor *t = &s->t[i];
        const roma_image_tensor *u = roma_description_find(&img->desc, t->role, t->layer);
        CHECK(u && u->rows == t->rows && u->cols == t->cols);
        if (t->begin) CHECK_EQ(t->begin(t, NULL, NULL), ROMA_OK);
        if (!u) continue;
        float got[512], view[512];
        roma_pack_loss sum = {0};
        for (uint64_t r = 0; r < t->rows; r++) {
            if (u->is_vector)
                memcpy(got, u->data, t->cols * 4);
            else
                roma_tile_dequant_row(&u->format, u->cols, u->data + r / 16 * u->tile_bytes, (unsigned)(r % 16), got);
            t->read_floats(t, r, view); /* of a quantised view: what the codes stand for */
            CHECK(memcmp(got, view, t->cols * 4) == 0);
            for (uint64_t c = 0; c < t->cols; c++) {
                const double off = fabs((double)got[c] - (double)weight(t, r, c));
                if (u->is_vector || r != 5 || c >= 32) worst = off > worst ? off : worst;
                sum.error += off * off;
                sum.weight += (double)weight(t, r, c) * (double)weight(t, r, c);
                sum.most = fmax(sum.most, off);
                if (u->is_vector) CHECK(off == 0);
                if (r == 3) CHECK(got[c] == 0);
            }
            if (r == 5 && !u->is_vector) CHECK(fabs((double)got[7] - 40) < 40 * 0.02);
        }
        if (t->end) t->end(t);
        check_loss(&loss[i], &sum, u->is_vector);
    }
    CHECK(worst > 0 && worst <= step);
    printf("worst error %.6f of 0.3 span\n", worst);
}

static const roma_quant none;
/* A search may cut off the ends of a group's range: a weight then errs by more than half a step, all of them by less.
 */
static const struct {
    roma_quant q;
    double most;
} kinds[] = {
    {{{ROMA_QUANT_RTN, 8, 32}, {ROMA_QUANT_RTN, 8, 32}, 511}, 0.15 / 127 * 0.505},
    {{{ROMA_QUANT_RTN, 4, 32}, {ROMA_QUANT_RTN, 4, 32}, 511}, 0.3 / 15 * 0.9},
    {{{ROMA_QUANT_RTN, 3, 32}, {ROMA_QUANT_RTN, 8, 32}, 511}, 0.3 / 7 * 0.9},
    {{{ROMA_QUANT_RTN, 2, 32}, {ROMA_QUANT_RTN, 4, 32}, 511}, 0.3 / 3 * 0.9},
    {{{ROMA_QUANT_NF4, 4, 32}, {ROMA_QUANT_RTN, 8, 32}, 127}, 0.3},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void test_quantised(void) {
    static model s;
    for (size_t kind = 0; kind < KINDS; kind++)
        for (int head = 0; head < 2; head++) {
            roma_image_written w, again;
            roma_image img;
            roma_error err;
            roma_pack_loss loss[64] = {{0}};
            const roma_pack_options how = {.loss = loss};
            make(&s, head);
            CHECK_EQ(roma_quantise_model(&s.m, &kinds[kind].q, &err), ROMA_OK);
            CHECK_EQ(roma_pack(&s.m, NULL, "from floats", path, NULL, NULL, &w, &err), ROMA_OK);
            CHECK_EQ(roma_pack(&s.m, NULL, "from floats", path, &how, NULL, &again, &err), ROMA_OK);
            CHECK(memcmp(&w, &again, sizeof w) == 0);
            CHECK_EQ(roma_image_verify(path, NULL, NULL, &err), ROMA_OK);
            CHECK_EQ(roma_image_open(&img, path, 0, NULL, &err), ROMA_OK);
            check_weights(&s, &img, kinds[kind].most, loss);
            const roma_image_tensor *h = roma_description_find(&img.desc, ROMA_W_HEAD, 0);
            CHECK(h && (h->tie >= 0) == !head);
            if (h && !head) CHECK(h->data == roma_description_find(&img.desc, ROMA_W_EMBED, 0)->data);
            roma_image_close(&img);
        }
}

static void test_coded(void) {
    static model s;
    roma_image img;
    roma_error err;
    make(&s, false);
    for (size_t i = 0; i < s.m.n_tensors; i++) {
        if (!roma_tensor_role_is_matrix(s.t[i].role)) continue;
        s.t[i].is_float = false;
        s.t[i].format = (roma_format){.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32};
        s.t[i].read_row = read_codes;
    }
    CHECK_EQ(roma_quantise_model(&s.m, &none, &err), ROMA_OK); /* nothing to do */
    CHECK_EQ(roma_pack(&s.m, NULL, "", path, NULL, NULL, NULL, &err), ROMA_OK);
    CHECK_EQ(roma_image_open(&img, path, 0, NULL, &err), ROMA_OK);
    for (size_t i = 0; i < s.m.n_tensors; i++) {
        const roma_tensor *t = &s.t[i];
        if (t->is_float) continue;
        const roma_image_tensor *u = roma_description_find(&img.desc, t->role, t->layer);
        unsigned wrong = 0;
        for (uint64_t r = 0; u && r < t->rows; r++) {
            float got[512];
            roma_tile_dequant_row(&u->format, u->cols, u->data + r / 16 * u->tile_bytes, (unsigned)(r % 16), got);
            for (uint64_t c = 0; c < t->cols; c++)
                wrong += got[c] != (float)(r + 1) / 64 * (float)((r * 5 + c + t->role) & 15) + ((float)(c / 32) - 1);
        }
        CHECK_EQ(wrong, 0);
    }
    roma_image_close(&img);
}

static void test_refusals(void) {
    static model s;
    roma_error err;
    make(&s, false);
    unlink(path);
    CHECK_EQ(roma_quantise_model(&s.m, &none, &err), ROMA_EUSAGE);
    CHECK(strstr(err.text, "embed") && strstr(err.text, "--quant q8"));
    CHECK_EQ(roma_pack(&s.m, NULL, "", path, NULL, NULL, NULL, &err), ROMA_EUSAGE);
    CHECK(strstr(err.text, "embed") && strstr(err.text, "--quant"));
    s.m.n_tensors--;
    CHECK_EQ(roma_pack(&s.m, NULL, "", path, NULL, NULL, NULL, &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "is missing"));
    make(&s, false), s.t[0].cols = 50;
    CHECK_EQ(roma_quantise_model(&s.m, &kinds[0].q, &err), ROMA_EUNSUPPORTED);
    make(&s, false), s.m.name[1] = '\t';
    CHECK_EQ(roma_quantise_model(&s.m, &kinds[0].q, &err), ROMA_OK);
    CHECK_EQ(roma_pack(&s.m, NULL, "", path, NULL, NULL, NULL, &err), ROMA_EINPUT);
    CHECK(access(path, F_OK) != 0);
}

/* Values at the borders: rounding is to the nearest, nothing overflows, no value makes behaviour undefined. */
static float wild_value;
static void read_wild(const roma_tensor *t, uint64_t r, float *out) {
    for (uint64_t c = 0; c < t->cols; c++) out[c] = c % 5 == r % 5 ? wild_value : (float)c;
}

static void test_wild(void) {
    static const uint32_t bits[] = {0x7f800000, 0xff800000, 0x7fc00000, 0x7f7fffff, 0xff7fffff,
                                    1,          0x80000001, 0x33800000, 0x477fe000};
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        for (size_t kind = 0; kind < KINDS; kind++) {
            static model s;
            uint8_t code[64];
            uint16_t scale[2] = {0}, min[2] = {0};
            const roma_row row = {.code = code, .scale = scale, .min = min};
            wild_value = roma_f32_from_bits(bits[i]);
            make(&s, false);
            s.t[0].read_floats = read_wild;
            roma_quant q = kinds[kind].q;
            q.ends = q.layers.method == ROMA_QUANT_RTN ? q.layers : q.ends; /* the embedding is taken */
            CHECK_EQ(roma_quantise_model(&s.m, &q, NULL), ROMA_OK);
            for (uint64_t r = 0; r < 5; r++) {
                s.t[0].read_row(&s.t[0], r, &row);
                for (int g = 0; g < 2; g++)
                    CHECK((scale[g] & 0x7c00) != 0x7c00 && !(scale[g] & 0x8000) && (min[g] & 0x7c00) != 0x7c00);
                for (int c = 0; c < 64; c++)
                    CHECK(s.t[0].format.bits == 8 ? (int8_t)code[c] >= -127 : code[c] < 1 << s.t[0].format.bits);
            }
        }
}

int main(void) {
    snprintf(path, sizeof path, "/tmp/roma-pack-%ld.roma", (long)getpid());
    test_quantised();
    test_coded();
    test_refusals();
    test_wild();
    unlink(path);
    return TEST_DONE();
}
