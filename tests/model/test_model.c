/* Hyper-parameters, roles and shapes; models that lack something, have it twice or in another shape. */
#include "../test.h"
#include "roma/model.h"

static const roma_hyper good = {.arch = ROMA_ARCH_LLAMA,
                                .layers = 3,
                                .hidden = 96,
                                .ffn = 160,
                                .heads = 6,
                                .kv_heads = 2,
                                .head_dim = 32,
                                .rope_dim = 16,
                                .vocab = 77,
                                .context = 100,
                                .rms_eps = 1e-6f};

static void expect_hyper(roma_hyper h, const char *text) {
    roma_error err = {.text = ""};
    CHECK_EQ(roma_hyper_check(&h, "f.gguf", &err), text ? ROMA_EUNSUPPORTED : ROMA_OK);
    if (text && !strstr(err.text, text)) {
        fprintf(stderr, "\"%s\" lacks \"%s\"\n", err.text, text);
        test_failures++;
    }
    if (text) CHECK_STR(err.file, "f.gguf");
}

#define WITH(field, v, text)                                                                                           \
    do {                                                                                                               \
        roma_hyper h = good;                                                                                           \
        h.field = (v);                                                                                                 \
        expect_hyper(h, text);                                                                                         \
    } while (0)

static void test_hyper(void) {
    expect_hyper(good, NULL);
    WITH(arch, 0, "architecture number 0");
    WITH(arch, 4, "architecture number 4");
    WITH(layers, 0, "layers is 0");
    WITH(layers, 1024, NULL);
    WITH(layers, 1025, "layers is 1025");
    WITH(hidden, 0, "hidden width is 0");
    WITH(hidden, 100, "hidden width is 100");
    WITH(hidden, 65536 + 32, "hidden width");
    WITH(ffn, 16, "feed-forward width is 16");
    WITH(ffn, 262144 + 32, "feed-forward width");
    WITH(heads, 0, "number of heads is 0");
    WITH(heads, 7, "no multiple of 2 key/value");
    WITH(heads, UINT32_MAX, "number of heads");
    WITH(heads, 4096, "heads times head width");
    WITH(kv_heads, 0, "key/value heads is 0");
    WITH(kv_heads, 12, "key/value heads is 12");
    WITH(head_dim, 24, "head width is 24");
    WITH(head_dim, 528, "head width is 528");
    WITH(head_dim, 0, "head");
    WITH(rope_dim, 0, "rotated width of a head is 0");
    WITH(rope_dim, 15, "rotated width of a head is 15");
    WITH(rope_dim, 34, "rotated width of a head is 34");
    WITH(vocab, 0, "vocabulary is 0");
    WITH(vocab, (1u << 22) + 1, "vocabulary is 4194305");
    WITH(context, 0, "context limit is 0");
    WITH(context, (1u << 24) + 1, "context limit");
    WITH(rms_eps, 0, "epsilon");
    WITH(rms_eps, -1, "epsilon");
    WITH(rms_eps, 1, "epsilon");
    WITH(rms_eps, roma_f32_from_bits(0x7fc00000), "epsilon");
    roma_hyper odd = good;
    odd.head_dim = odd.rope_dim = 16, odd.heads = odd.kv_heads = 3;
    CHECK_EQ(roma_hyper_check(&odd, NULL, NULL), ROMA_OK); /* 48 elements of heads, in 64 columns of o */
    CHECK(roma_hyper_attended(&odd) == 64 && roma_hyper_packed(&odd) == 16 && !roma_hyper_packed(&good));
    odd.heads = odd.kv_heads = 8192;
    expect_hyper(odd, "heads times head width is 131072");
    CHECK_EQ(roma_hyper_check(&odd, NULL, NULL), ROMA_EUNSUPPORTED);
}

/* A model of odd widths: 10 heads of 100, hidden 1000, feed-forward 172. */
static void test_own_widths(void) {
    roma_hyper h = good;
    uint64_t rows, cols;
    h.heads = 10;
    roma_hyper_set_widths(&h, 1000, 172, 100);
    h.rope_dim = 100;
    CHECK_EQ(roma_hyper_check(&h, NULL, NULL), ROMA_OK);
    CHECK(h.hidden == 1024 && h.ffn == 192 && h.head_dim == 112);
    CHECK(roma_true_hidden(&h) == 1000 && roma_true_ffn(&h) == 172 && roma_true_head(&h) == 100);
    CHECK(roma_hyper_attended(&h) == 1024 && roma_hyper_packed(&h) == 100);
    CHECK(roma_hyper_shape(&h, ROMA_W_Q, &rows, &cols) && rows == 1120 && cols == 1024);
    CHECK(roma_hyper_shape(&h, ROMA_W_O, &rows, &cols) && rows == 1024 && cols == 1024);
    CHECK(roma_hyper_shape(&h, ROMA_W_DOWN, &rows, &cols) && rows == 1024 && cols == 192);
    CHECK(roma_hyper_true_shape(&h, ROMA_W_Q, &rows, &cols) && rows == 1000 && cols == 1000);
    CHECK(roma_hyper_true_shape(&h, ROMA_W_GATE_BIAS, &rows, &cols) && rows == 1 && cols == 172);
    CHECK(roma_hyper_true_shape(&h, ROMA_W_HEAD, &rows, &cols) && rows == 77 && cols == 1000);
    h.rope_dim = 112;
    expect_hyper(h, "rotated width of a head is 112");
    h.rope_dim = 100;
    h.true_ffn = 160;
    expect_hyper(h, "own widths 1000, 160 and 100 do not belong");
    roma_hyper_set_widths(&h, 64, 32, 16);
    CHECK(!h.true_hidden && !h.true_ffn && !h.true_head && h.hidden == 64 && h.ffn == 32 && h.head_dim == 16);
}

static void test_roles(void) {
    unsigned n = 0;
    for (uint32_t r = 0; r < 100; r++) n += roma_tensor_role_name(r) != NULL;
    CHECK_EQ(n, 21);
    CHECK_STR(roma_tensor_role_name(ROMA_W_FFN_NORM), "ffn_norm");
    CHECK(!roma_tensor_role_name(0) && !roma_tensor_role_name(ROMA_W_END) && !roma_tensor_role_name(UINT32_MAX));
    CHECK(roma_tensor_role_is_matrix(ROMA_W_HEAD) && !roma_tensor_role_is_matrix(ROMA_W_Q_BIAS) &&
          !roma_tensor_role_is_matrix(99));
    CHECK(roma_tensor_role_is_layered(ROMA_W_DOWN) && !roma_tensor_role_is_layered(ROMA_W_EMBED) &&
          !roma_tensor_role_is_layered(99));
    CHECK_STR(roma_arch_name(ROMA_ARCH_QWEN2), "qwen2");
    CHECK(!roma_arch_name(0) && !roma_arch_name(4));
}

static void test_shapes(void) {
    static const uint64_t want[ROMA_W_END][2] = {
        [ROMA_W_EMBED] = {77, 96},     [ROMA_W_HEAD] = {77, 96},    [ROMA_W_FINAL_NORM] = {1, 96},
        [ROMA_W_ATTN_NORM] = {1, 96},  [ROMA_W_Q] = {192, 96},      [ROMA_W_K] = {64, 96},
        [ROMA_W_V] = {64, 96},         [ROMA_W_O] = {96, 192},      [ROMA_W_Q_BIAS] = {1, 192},
        [ROMA_W_K_BIAS] = {1, 64},     [ROMA_W_V_BIAS] = {1, 64},   [ROMA_W_Q_NORM] = {1, 32},
        [ROMA_W_K_NORM] = {1, 32},     [ROMA_W_FFN_NORM] = {1, 96}, [ROMA_W_GATE] = {160, 96},
        [ROMA_W_UP] = {160, 96},       [ROMA_W_DOWN] = {96, 160},   [ROMA_W_O_BIAS] = {1, 96},
        [ROMA_W_GATE_BIAS] = {1, 160}, [ROMA_W_UP_BIAS] = {1, 160}, [ROMA_W_DOWN_BIAS] = {1, 96},
    };
    for (uint32_t arch = 1; arch <= 3; arch++)
        for (uint32_t role = 0; role < 24; role++) {
            roma_hyper h = good;
            h.arch = arch;
            const bool bias = role >= ROMA_W_Q_BIAS && role <= ROMA_W_V_BIAS, extra = role >= ROMA_W_O_BIAS,
                       norm = role == ROMA_W_Q_NORM || role == ROMA_W_K_NORM;
            const bool real = role >= 1 && role < ROMA_W_END && !(norm && arch != 3);
            uint64_t rows = 0, cols = 0;
            CHECK_EQ(roma_hyper_shape(&h, role, &rows, &cols), real);
            if (real) CHECK(rows == want[role][0] && cols == want[role][1]);
            CHECK_EQ(roma_hyper_required(&h, role), real && role != ROMA_W_HEAD && !extra && !(bias && arch != 2));
        }
}

/* Every source row once, and pairs where the contract puts them. */
static void test_rope_rows(void) {
    static const uint32_t dims[][2] = {{32, 32}, {32, 16}, {64, 2}, {128, 128}};
    for (size_t k = 0; k < 4; k++) {
        const uint32_t dim = dims[k][0], rope = dims[k][1];
        bool seen[512] = {false};
        for (uint64_t r = 0; r < 4 * dim; r++) {
            const uint64_t s = roma_rope_source_row(r, dim, rope), i = r % dim;
            CHECK(s / dim == r / dim && !seen[s]);
            seen[s] = true;
            CHECK_EQ(s % dim, i >= rope ? i : i % 2 ? i / 2 + rope / 2 : i / 2);
        }
    }
}

/* ---- models ---- */

typedef struct {
    roma_model m;
    roma_tensor t[64];
} small_model;

static void make(small_model *s, uint32_t arch) {
    memset(s, 0, sizeof *s);
    s->m.hyper = good;
    s->m.hyper.arch = arch;
    s->m.tensors = s->t;
    for (uint32_t role = 1; role < ROMA_W_END; role++)
        for (uint32_t l = 0; l < (roma_tensor_role_is_layered(role) ? 3 : 1); l++) {
            roma_tensor *t = &s->t[s->m.n_tensors];
            *t = (roma_tensor){.role = role,
                               .layer = l,
                               .is_float = !roma_tensor_role_is_matrix(role),
                               .format = {.bits = 4, .scale = ROMA_SCALE_F16, .group = 32}};
            if (roma_hyper_required(&s->m.hyper, role) && roma_hyper_shape(&s->m.hyper, role, &t->rows, &t->cols))
                s->m.n_tensors++;
        }
}

static void expect_model(const small_model *s, int code, const char *text) {
    roma_error err = {.text = ""};
    CHECK_EQ(roma_model_check(&s->m, NULL, &err), code);
    if (code && !strstr(err.text, text)) {
        fprintf(stderr, "\"%s\" lacks \"%s\"\n", err.text, text);
        test_failures++;
    }
}

static void test_model(void) {
    static small_model s;
    for (uint32_t arch = 1; arch <= 3; arch++) {
        make(&s, arch);
        expect_model(&s, ROMA_OK, "");
        CHECK(roma_model_find(&s.m, ROMA_W_K, 2) != NULL && roma_model_find(&s.m, ROMA_W_K, 2)->layer == 2);
        CHECK(!roma_model_find(&s.m, ROMA_W_K, 3) && !roma_model_find(&s.m, ROMA_W_HEAD, 0));
        const size_t n = s.m.n_tensors;
        for (size_t gone = 0; gone < n; gone++) { /* each one's absence is seen and named */
            make(&s, arch);
            char text[64];
            snprintf(text, sizeof text, "%s is missing", roma_tensor_role_name(s.t[gone].role));
            s.t[gone] = s.t[--s.m.n_tensors];
            expect_model(&s, ROMA_EINPUT, text);
        }
        for (size_t twice = 0; twice < n; twice++) {
            make(&s, arch);
            s.t[s.m.n_tensors++] = s.t[twice];
            expect_model(&s, ROMA_EINPUT, "is there twice");
        }
    }
    make(&s, 1), s.t[0].rows++, expect_model(&s, ROMA_EINPUT, "embed is 78 x 96, expected 77 x 96");
    make(&s, 1), s.t[3].cols += 32, expect_model(&s, ROMA_EINPUT, "layer 1: attn_norm is 1 x 128");
    make(&s, 1), s.t[3].layer = 3, expect_model(&s, ROMA_EINPUT, "no such layer");
    make(&s, 1), s.t[0].layer = 1, expect_model(&s, ROMA_EINPUT, "no such layer");
    make(&s, 1), s.t[3].layer = UINT32_MAX, expect_model(&s, ROMA_EINPUT, "no such layer");
    make(&s, 1), s.t[1].is_float = false, expect_model(&s, ROMA_EUNSUPPORTED, "final_norm is quantised");
    make(&s, 1), s.t[0].role = ROMA_W_Q_NORM, expect_model(&s, ROMA_EUNSUPPORTED, "llama models do not have");
    make(&s, 1), s.t[0].role = 4000, expect_model(&s, ROMA_EUNSUPPORTED, "(4000)");
    make(&s, 1), s.t[0].format.group = 64,
                 expect_model(&s, ROMA_EUNSUPPORTED,
                              "embed: rows of 96 inputs are no multiple of the group of 64; use a group of 32");
    make(&s, 1), s.m.hyper.layers = 4, expect_model(&s, ROMA_EINPUT, "layer 3: attn_norm is missing");
    make(&s, 1), s.m.hyper.vocab = 0, expect_model(&s, ROMA_EUNSUPPORTED, "vocabulary is 0");
    make(&s, 1), s.m.n_tensors = 0, expect_model(&s, ROMA_EINPUT, "embed is missing");
}

static void test_names(void) {
    char name[32], small[5];
    CHECK_STR(roma_tensor_name(ROMA_W_DOWN, 17, name, sizeof name), "17.down");
    CHECK_STR(roma_tensor_name(ROMA_W_EMBED, 0, name, sizeof name), "embed");
    CHECK_STR(roma_tensor_name(ROMA_W_ATTN_NORM, 1023, name, sizeof name), "1023.attn_norm");
    CHECK_STR(roma_tensor_name(ROMA_W_ATTN_NORM, 1023, small, sizeof small), "1023");
}

int main(void) {
    test_names();
    test_hyper();
    test_own_widths();
    test_roles();
    test_shapes();
    test_rope_rows();
    test_model();
    return TEST_DONE();
}
