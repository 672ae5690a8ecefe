/* Plans from shapes alone, held against published facts of the models; the checker against broken plans. */
#include "roma/map.h"
#include "../test.h"

static roma_image_tensor tensors[1024];

/* A description without weights: what `map` needs and no more. Q4_0-like matrices. */
static roma_description describe(uint32_t arch, uint32_t layers, uint32_t hidden, uint32_t ffn, uint32_t heads,
                                 uint32_t kv, uint32_t dim, uint32_t vocab, bool tied) {
    roma_description d = {0};
    d.hyper = (roma_hyper){.arch = arch,
                           .layers = layers,
                           .hidden = hidden,
                           .ffn = ffn,
                           .heads = heads,
                           .kv_heads = kv,
                           .head_dim = dim,
                           .rope_dim = dim,
                           .vocab = vocab,
                           .context = 4096,
                           .rms_eps = 1e-5f};
    d.tensors = tensors;
    for (uint32_t role = 1; role < ROMA_W_END; role++)
        for (uint32_t l = 0; l < (roma_tensor_role_is_layered(role) ? layers : 1); l++) {
            roma_image_tensor t = {.role = role, .layer = l, .tie = -1, .is_vector = !roma_tensor_role_is_matrix(role)};
            t.format = (roma_format){.bits = 4, .scale = ROMA_SCALE_F16, .group = 128, .zero = 8};
            const bool optional = !roma_hyper_required(&d.hyper, role);
            if (!roma_hyper_shape(&d.hyper, role, &t.rows, &t.cols)) continue;
            if (optional && !(role == ROMA_W_HEAD && !tied)) continue;
            tensors[d.n_tensors++] = t;
        }
    return d;
}

static roma_chip chip(void) {
    roma_chip c;
    roma_error err;
    CHECK_EQ(roma_chip_open(&c, NULL, &err), 0);
    return c;
}

static uint64_t linear_mac(const roma_plan *p, bool layers) {
    uint64_t sum = 0;
    for (size_t i = 0; i < p->n_ops; i++)
        if (p->ops[i].kind == ROMA_OP_LINEAR && (p->ops[i].layer != UINT32_MAX) == layers)
            sum += roma_op_mac(p, &p->ops[i], 1);
    return sum;
}

static void test_llama_3b(void) {
    roma_description d = describe(ROMA_ARCH_LLAMA, 28, 3072, 8192, 24, 8, 128, 128256, true);
    roma_plan p;
    roma_error err = {0};
    CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
    CHECK(linear_mac(&p, true) == 2818572288u); /* weights of the layers, Llama 3.2 3B */
    CHECK(linear_mac(&p, false) == 394002432u); /* tied head = the embedding */
    CHECK_EQ(p.n_adapter_slots, 28 * 7 + 1);
    uint64_t attention = 0;
    for (size_t i = 0; i < p.n_ops; i++)
        if (p.ops[i].kind == ROMA_OP_ATTEND) attention += roma_op_mac(&p, &p.ops[i], 1);
    CHECK_EQ(attention, 172032); /* multiply-adds per cached token */
    roma_buf b = {0};
    roma_plan_print(&p, &b);
    CHECK(!b.failed && b.len > 10000);
    roma_buf_destroy(&b);
    roma_plan_destroy(&p);
}

/* 8B at 4 bit: a note of the placement, never a refusal. */
static void test_too_large(void) {
    roma_description d = describe(ROMA_ARCH_LLAMA, 32, 4096, 14336, 32, 8, 128, 128256, false);
    const roma_chip c = chip();
    roma_plan p;
    roma_placement place;
    roma_error err = {0};
    CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
    CHECK_EQ(roma_map_place(&place, &p, &c, 1, &err), 0);
    CHECK_HAS(place.note, "does not fit");
    CHECK(!place.fits_rom);
    roma_place_destroy(&place);
    CHECK_EQ(roma_map_place(&place, &p, &c, 0, &err), ROMA_EINPUT);
    roma_place_destroy(&place);
    roma_plan_destroy(&p);
}

static void test_order(void) {
    roma_description d = describe(ROMA_ARCH_QWEN3, 2, 256, 512, 4, 2, 128, 320, true);
    roma_plan p;
    roma_error err = {0};
    CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
    static const roma_op_kind layer[] = {ROMA_OP_NORM,      ROMA_OP_LINEAR,    ROMA_OP_LINEAR,   ROMA_OP_LINEAR,
                                         ROMA_OP_HEAD_NORM, ROMA_OP_HEAD_NORM, ROMA_OP_ROPE,     ROMA_OP_ROPE,
                                         ROMA_OP_CACHE,     ROMA_OP_ATTEND,    ROMA_OP_QUANTISE, ROMA_OP_LINEAR,
                                         ROMA_OP_RESIDUAL,  ROMA_OP_NORM,      ROMA_OP_LINEAR,   ROMA_OP_LINEAR,
                                         ROMA_OP_SILU,      ROMA_OP_QUANTISE,  ROMA_OP_LINEAR,   ROMA_OP_RESIDUAL};
    const size_t n = sizeof layer / sizeof *layer;
    CHECK_EQ(p.n_ops, 4 + 2 * n);
    CHECK(p.ops[0].kind == ROMA_OP_ANGLES && p.ops[1].kind == ROMA_OP_EMBED);
    for (size_t i = 0; i < 2 * n; i++) CHECK_EQ(p.ops[2 + i].kind, layer[i % n]);
    CHECK(p.ops[p.n_ops - 1].last_rows_only && p.ops[p.n_ops - 2].last_rows_only && !p.ops[p.n_ops - 3].last_rows_only);
    roma_plan_destroy(&p);
}

/* Each fault must be seen by the checker. */
static void test_checker(void) {
    roma_description d = describe(ROMA_ARCH_LLAMA, 2, 256, 512, 4, 2, 64, 320, true);
    roma_plan p;
    roma_error err = {0};
    CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
    const roma_op saved[3] = {p.ops[1], p.ops[2], p.ops[3]};
    p.ops[2].in[0] = 3; /* read before it is written */
    CHECK_EQ(roma_plan_check(&p, &err), ROMA_EINTERNAL);
    CHECK(strstr(err.text, "operation 2 (norm) reads a value that nothing wrote") != NULL);
    p.ops[2] = saved[1];
    p.ops[3].tensor = ROMA_NO_TENSOR;
    CHECK_EQ(roma_plan_check(&p, &err), ROMA_EINTERNAL);
    p.ops[3] = saved[2];
    p.ops[3].out = 8; /* the FFN's value, 512 wide */
    CHECK_EQ(roma_plan_check(&p, &err), ROMA_EINTERNAL);
    p.ops[3] = saved[2];
    p.ops[1].out = 99;
    CHECK_EQ(roma_plan_check(&p, &err), ROMA_EINTERNAL);
    p.ops[1] = saved[0];
    CHECK_EQ(roma_plan_check(&p, &err), 0);
    roma_plan_destroy(&p);
}

/* Toggles of one matrix whose bytes of a row are a function of (row, number of the row's 32-bit word), as placed. */
static double toggles_of(const roma_chip *c, uint32_t (*word)(uint64_t row, uint64_t k)) {
    roma_description d;
    roma_plan p;
    roma_placement place;
    roma_error err = {0};
    CHECK_EQ(roma_shape_describe(&d, "smollm2-135m", &(roma_shape_format){4, 64, 4}, &err), 0);
    roma_image_tensor *t = NULL;
    for (size_t i = 0; i < d.n_tensors; i++)
        if (d.tensors[i].role == ROMA_W_DOWN && d.tensors[i].layer == 7) t = &d.tensors[i];
    uint8_t *data = roma_alloc_array(t->rows / ROMA_TILE_ROWS, t->tile_bytes);
    CHECK(data && t->rows == 576 && t->cols == 1536);
    memset(data, 0x5a, t->rows / ROMA_TILE_ROWS * t->tile_bytes); /* scales: must not count */
    for (uint64_t row = 0; row < t->rows; row++)
        for (uint64_t k = 0; k < t->cols / 8; k++)
            roma_put32(data + row / 16 * t->tile_bytes + 64 * k + 4 * (row % 16), word(row, k));
    t->data = data;
    CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
    CHECK_EQ(roma_map_place(&place, &p, c, 1, &err), 0);
    const double toggles = roma_map_toggles(&place);
    roma_place_destroy(&place);
    roma_plan_destroy(&p);
    roma_shape_destroy(&d);
    roma_free(data);
    return toggles;
}

static uint32_t same(uint64_t row, uint64_t k) { return row + k > 9999 ? 0 : 0x12345678; }
/* 192 words a row are three waves of 64 L-Units. */
static uint32_t by_wave(uint64_t row, uint64_t k) { return (3 * (row / 2) + k / 64) % 2 ? UINT32_MAX : 0; }
static uint32_t by_lunit(uint64_t row, uint64_t k) { return row % 2 + k % 2 == 1 ? UINT32_MAX : 0; }
static uint32_t first_row(uint64_t row, uint64_t k) { return row == 0 && k < 1000 ? UINT32_MAX : 0; }
static uint32_t half(uint64_t row, uint64_t k) { return by_wave(row, k) & 0xffff; }

static void test_toggles(void) {
    roma_chip c = chip();
    c.matrix_units = 1; /* one unit: no pattern is cut */
    CHECK(toggles_of(&c, same) == 0);
    CHECK(toggles_of(&c, by_wave) == 2);  /* every bit between two words of an L-Unit */
    CHECK(toggles_of(&c, by_lunit) == 0); /* words of an L-Unit are alike */
    CHECK(toggles_of(&c, half) == 1);
    /* Row 0 ends once in each of 64 L-Units, of 288 x 3 - 1 transitions of two rows. */
    CHECK_NEAR(toggles_of(&c, first_row), 1.0 / 863, 1e-12);
    c.lunits = 128; /* a row's second wave is half zeros, which are read */
    CHECK_NEAR(toggles_of(&c, same), 2 * 13.0 / 32 * 0.5, 1e-3);
    roma_description d; /* no weights: random data are assumed */
    roma_plan p;
    roma_placement place;
    roma_error err = {0};
    CHECK_EQ(roma_shape_describe(&d, "smollm2-135m", &(roma_shape_format){0}, &err), 0);
    CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
    CHECK_EQ(roma_map_place(&place, &p, &c, 1, &err), 0);
    CHECK(roma_map_toggles(&place) == 0);
    roma_place_destroy(&place);
    roma_plan_destroy(&p);
    roma_shape_destroy(&d);
}

/* Published parameter counts, and what a shape refuses. */
static void test_shapes(void) {
    static const struct {
        const char *name;
        uint64_t parameters; /* matrices and norms; BitNet without its sub-norms */
    } published[] = {{"llama-3.2-1b", 1235814400}, {"llama-3.2-3b", 3212749824}, {"llama-3-8b", 8030261248},
                     {"llama-2-7b", 6738415616},   {"llama-13b", 13015864320},   {"smollm2-135m", 134515008},
                     {"qwen3-0.6b", 596049920},    {"qwen3-4b", 4022468096}};
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        roma_description d;
        roma_error err = {0};
        uint64_t n = 0;
        CHECK_EQ(roma_shape_describe(&d, published[i].name, &(roma_shape_format){0}, &err), 0);
        for (size_t k = 0; k < d.n_tensors; k++) n += d.tensors[k].rows * d.tensors[k].cols;
        if (n != published[i].parameters) fprintf(stderr, "%s: %llu\n", published[i].name, (unsigned long long)n);
        CHECK_EQ(n, published[i].parameters);
        CHECK_EQ(roma_hyper_check(&d.hyper, "", &err), 0);
        roma_shape_destroy(&d);
    }
    for (unsigned i = 0; roma_shape_name(i); i++) CHECK(!i || strcmp(roma_shape_name(i - 1), roma_shape_name(i)) < 0);
    static const struct {
        const char *name, *said;
        roma_shape_format format;
    } bad[] = {{"llama", "known are", {0}},
               {"", "known are", {0}},
               {"llama-3.2-3b", "", {7, 128, 4}},
               {"llama-3.2-3b", "", {4, 100, 4}},
               {"smollm2-135m", "group", {4, 128, 4}},
               {"llama-3.2-3b", "", {4, 512, 4}},
               {"llama-3.2-3b", "", {4, 128, 9}}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        roma_description d;
        roma_error err = {0};
        CHECK(roma_shape_describe(&d, bad[i].name, &bad[i].format, &err) < 0);
        CHECK(strstr(err.text, bad[i].said) != NULL);
        CHECK(d.tensors == NULL);
    }
}

/* Values beyond the 64th are followed one by one, as those before: a bit mask took value 64 + k for value k. */
static void test_many_values(void) {
    roma_description d = describe(ROMA_ARCH_LLAMA, 2, 256, 512, 4, 2, 64, 320, true);
    roma_plan p;
    roma_error err = {0};
    roma_value *const many = calloc(200, sizeof *many);
    CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
    roma_value *own = p.values;
    const size_t n = p.n_values;
    for (size_t i = 0; i < 200; i++) many[i] = own[i % n];
    for (size_t i = 64; i < 64 + n; i++) many[i] = own[i - 64];
    p.values = many;
    p.n_values = 200;
    CHECK_EQ(roma_plan_check(&p, &err), 0);
    const roma_op norm = p.ops[2], q = p.ops[3];
    p.ops[3].in[0] = 64 + q.in[0]; /* nothing wrote it */
    CHECK_EQ(roma_plan_check(&p, &err), ROMA_EINTERNAL);
    CHECK(strstr(err.text, "operation 3 (linear) reads a value that nothing wrote") != NULL);
    p.ops[3].in[0] = p.ops[2].out = 64 + norm.out; /* written and read */
    p.ops[4].in[0] = p.ops[5].in[0] = 64 + norm.out;
    CHECK_EQ(roma_plan_check(&p, &err), 0);
    p.values = own;
    p.n_values = n;
    free(many);
    roma_plan_destroy(&p);
}

int main(void) {
    test_toggles();
    test_shapes();
    test_llama_3b();
    test_too_large();
    test_order();
    test_checker();
    test_many_values();
    return TEST_DONE();
}
