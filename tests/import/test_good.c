/* Files that must be read, and what must come out of them. */
#include "../test.h"
#include "gguf_spoil.h"

typedef struct {
    b_file f;
    roma_buf out;
    roma_import imp;
    roma_error err;
} opened;

/* Opens the file of f after the commands. */
static bool open_file(opened *o, const char *commands) {
    memset(&o->err, 0, sizeof o->err);
    o->out = (roma_buf){0};
    spoil(&o->f, commands, &o->out);
    const int rc = roma_import_open_memory(&o->imp, o->out.data, o->out.len, &o->err);
    if (rc) fprintf(stderr, "%s: %s\n", commands, o->err.text);
    CHECK_EQ(rc, ROMA_OK);
    return rc == ROMA_OK;
}

static bool open_small(opened *o, const char *arch, const char *commands) {
    const b_shape s = b_small(arch);
    b_model(&o->f, &s);
    return open_file(o, commands);
}

static void close_file(opened *o) {
    roma_import_close(&o->imp);
    roma_import_close(&o->imp); /* twice does no harm */
    roma_buf_destroy(&o->out);
    b_free(&o->f);
}

/* ---- every type: hashes of what the `gguf` package makes of these bytes (gguf_types.py checks many more) --- */

static const struct {
    const char *name;
    uint32_t type;
    uint8_t f16[2];
    uint64_t fnv;
} golden[] = {
    {"Q4_0", 2, {0}, 0x858aa4f96d360f56u},         {"Q4_1", 3, {0, 2}, 0xc76da45846fde09fu},
    {"Q5_0", 6, {0}, 0xb350391bd9ed8e1bu},         {"Q5_1", 7, {0, 2}, 0xbde552d230900391u},
    {"Q8_0", 8, {0}, 0xe1f30ade8cf46eddu},         {"Q2_K", 10, {80, 82}, 0x2b6d05cf0ffd259fu},
    {"Q3_K", 11, {108, 108}, 0x16ee52fb15a48870u}, {"Q4_K", 12, {0, 2}, 0x57ca6e37215626d4u},
    {"Q5_K", 13, {0, 2}, 0x89fccb19a029d28cu},     {"Q6_K", 14, {208, 208}, 0xfb2e15a13966ddbfu},
    {"IQ4_NL", 20, {0}, 0x050a4de3fe9e6f11u},      {"TQ1_0", 34, {52, 52}, 0x28458455006f8c0du},
    {"TQ2_0", 35, {64, 64}, 0x9c4b6c85e214a5f6u},  {"F32", 0, {0}, 0x4271e57356992b25u},
    {"F16", 1, {0}, 0x51ab3973ff6a030du},          {"BF16", 30, {0}, 0x72b71a8f282b8b25u},
};

static void fill_golden(b_tensor *t, size_t k) {
    size_t s = 0;
    while (b_sizes[s].type != t->type) s++;
    const unsigned block = b_sizes[s].bytes;
    for (size_t i = 0; i < t->data.len; i++) t->data.data[i] = (uint8_t)(i * 37 + 11);
    for (size_t i = 0; i + block <= t->data.len; i += block)
        if (block <= 4)
            t->data.data[i + block - 1] &= t->type == 1 ? 0xbb : 0xbf;
        else
            for (unsigned j = 0; j < 2; j++)
                t->data.data[i + golden[k].f16[j] + 1] = (uint8_t)(t->data.data[i + golden[k].f16[j] + 1] & 0xbb);
}

static void test_type(size_t k) {
    opened o;
    b_shape s = b_small("llama");
    s.hidden = 256;
    s.tokenizer = false;
    b_model(&o.f, &s);
    b_tensor *e = b_tensor_find(&o.f, "token_embd.weight");
    e->type = golden[k].type;
    e->dim[1] = 3;
    b_fill(e);
    fill_golden(e, k);
    if (!open_file(&o, "")) return;
    const roma_tensor *t = roma_model_find(&o.imp.model, ROMA_W_EMBED, 0);
    float row[256], again[256];
    uint8_t code[256];
    uint16_t scale[64];
    const roma_row codes = {code, scale, scale + 16, scale + 32, scale + 48, NULL, NULL};
    uint64_t fnv = 0xcbf29ce484222325u;
    CHECK_EQ(t->rows, 3);
    for (uint64_t r = 0; r < 3; r++) {
        t->read_floats(t, r, row);
        for (unsigned i = 0; i < 1024; i++) fnv = (fnv ^ ((const uint8_t *)row)[i]) * 0x100000001b3u;
        if (t->is_float) continue;
        t->read_row(t, r, &codes);
        roma_row_dequant(&t->format, 256, &codes, again);
        CHECK(memcmp(row, again, sizeof row) == 0);
    }
    if (fnv != golden[k].fnv) fprintf(stderr, "%s:\n", golden[k].name);
    CHECK(fnv == golden[k].fnv);
    CHECK_EQ(t->is_float, golden[k].type <= 1 || golden[k].type == 30);
    close_file(&o);
}

/* ---- pairing of rotated rows ----------------------------------------------------------------------------- */

/* Element (r, c) of an F32 tensor becomes r + c / 1000. */
static void number(b_file *f, const char *name) {
    b_tensor *t = b_tensor_find(f, name);
    t->type = 0;
    b_fill(t);
    for (uint64_t r = 0; r < t->dim[1]; r++)
        for (uint64_t c = 0; c < t->dim[0]; c++) {
            const float v = (float)r + (float)c / 1000;
            memcpy(t->data.data + 4 * (r * t->dim[0] + c), &v, 4);
        }
}

/* Model element i of heads of 16 with 8 rotated. */
static unsigned source(unsigned i, bool halves) {
    static const uint8_t order[16] = {0, 4, 1, 5, 2, 6, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return halves ? i / 16 * 16 + order[i % 16] : i;
}

static void check_rows(const roma_model *m, uint32_t role, bool halves) {
    float row[64];
    const roma_tensor *t = roma_model_find(m, role, 1);
    CHECK_EQ(t->rope_halves, halves);
    for (unsigned r = 0; r < t->rows; r++) {
        t->read_floats(t, r, row);
        CHECK(row[0] == (float)source(r, halves));
        CHECK(row[63] == (float)source(r, halves) + 0.063f);
    }
}

static void check_vector(const roma_model *m, uint32_t role, bool halves) {
    float row[64];
    const roma_tensor *t = roma_model_find(m, role, 1);
    CHECK_EQ(t->rows, 1);
    t->read_floats(t, 0, row);
    for (unsigned i = 0; i < t->cols; i++) CHECK(row[i] == (float)source(i, halves) / 1000);
}

static void test_pairing(const char *arch) {
    opened o;
    const bool halves = strcmp(arch, "llama") != 0;
    char key[64];
    const b_shape s = b_small(arch);
    b_model(&o.f, &s);
    snprintf(key, sizeof key, "set %s.rope.dimension_count u32 8", arch);
    number(&o.f, "blk.1.attn_q.weight");
    number(&o.f, "blk.1.attn_k.weight");
    number(&o.f, "blk.1.attn_v.weight");
    if (!strcmp(arch, "qwen2")) {
        number(&o.f, "blk.1.attn_q.bias");
        number(&o.f, "blk.1.attn_k.bias");
        number(&o.f, "blk.1.attn_v.bias");
    }
    if (!strcmp(arch, "qwen3")) {
        number(&o.f, "blk.1.attn_q_norm.weight");
        number(&o.f, "blk.1.attn_k_norm.weight");
    }
    if (!open_file(&o, key)) return;
    check_rows(&o.imp.model, ROMA_W_Q, halves);
    check_rows(&o.imp.model, ROMA_W_K, halves);
    check_rows(&o.imp.model, ROMA_W_V, false);
    if (!strcmp(arch, "qwen2")) {
        check_vector(&o.imp.model, ROMA_W_Q_BIAS, true);
        check_vector(&o.imp.model, ROMA_W_K_BIAS, true);
        check_vector(&o.imp.model, ROMA_W_V_BIAS, false);
    }
    if (!strcmp(arch, "qwen3")) {
        check_vector(&o.imp.model, ROMA_W_Q_NORM, true);
        check_vector(&o.imp.model, ROMA_W_K_NORM, true);
    }
    close_file(&o);
}

/* ---- hyper-parameters ---------------------------------------------------------------------------------------- */

static void test_hyper(void) {
    opened o;
    if (!open_small(&o, "llama", "")) return;
    const roma_hyper *h = &o.imp.model.hyper;
    CHECK_EQ(h->arch, ROMA_ARCH_LLAMA);
    CHECK_EQ(h->layers, 2);
    CHECK_EQ(h->hidden, 64);
    CHECK_EQ(h->ffn, 96);
    CHECK_EQ(h->heads, 4);
    CHECK_EQ(h->kv_heads, 2);
    CHECK_EQ(h->head_dim, 16);
    CHECK_EQ(h->rope_dim, 16);
    CHECK_EQ(h->vocab, 16);
    CHECK_EQ(h->context, 128);
    CHECK(h->rms_eps == 1e-5f);
    for (unsigned i = 0; i < 8; i++) CHECK(h->rope_phase[i] == roma_rope_phase(10000, i, 16, 1));
    CHECK_EQ(o.imp.model.n_tensors, 2 + 2 * 9);
    CHECK(roma_model_find(&o.imp.model, ROMA_W_HEAD, 0) == NULL);
    CHECK_STR(o.imp.model.name, "Test \\xc3\\xa9 model");
    CHECK_STR(o.imp.model.license, "mit");
    CHECK_EQ(o.imp.source_bytes, o.out.len);
    close_file(&o);
}

/* Commands, and context, heads, kv heads, head_dim, rope_dim, phase of pair 1 divided by `factor`. */
static const struct {
    const char *commands;
    uint32_t context, kv_heads;
    double base, factor;
} hypers[] = {
    {"set llama.attention.sliding_window u32 32", 32, 2, 10000, 1},
    {"set llama.attention.sliding_window u32 0", 128, 2, 10000, 1},
    {"set llama.attention.sliding_window u32 4096", 128, 2, 10000, 1},
    {"drop llama.attention.key_length;;drop llama.attention.value_length;;drop llama.rope.dimension_count", 128, 2,
     10000, 1},
    {"drop llama.rope.freq_base", 128, 2, 10000, 1},
    {"set llama.rope.freq_base f64 500000", 128, 2, 500000, 1},
    {"set llama.block_count u64 2;;set llama.context_length i16 77", 77, 2, 10000, 1},
    {"set llama.attention.head_count [u32] 4 4;;set llama.attention.head_count_kv [i32] 2 2", 128, 2, 10000, 1},
    {"set llama.feed_forward_length [u64] 96 96", 128, 2, 10000, 1},
    {"set llama.rope.scaling.type str linear;;set llama.rope.scaling.factor f32 4", 128, 2, 10000, 4},
    {"set llama.rope.scaling.factor f32 8", 128, 2, 10000, 8},
    {"set llama.rope.scale_linear f32 2", 128, 2, 10000, 2},
    {"set llama.rope.scaling.type str none;;set llama.rope.scaling.factor f32 4", 128, 2, 10000, 1},
    {"t.add rope_freqs.weight 8;;t.poke rope_freqs.weight 4 00000041", 128, 2, 10000, 8},
    {"t.add rope_freqs.weight 8;;t.poke rope_freqs.weight 4 00000041;;set llama.rope.scaling.factor f32 2", 128, 2,
     10000, 16},
    {"set llama.rope.scaling.finetuned bool 1;;set llama.tensor_data_layout str Meta", 128, 2, 10000, 1},
    {"set llama.expert_used_count u32 0;;set llama.use_parallel_residual bool 0", 128, 2, 10000, 1},
    {"set llama.expert_count u32 0;;set llama.logit_scale f32 1;;set llama.pooling_type u32 0", 128, 2, 10000, 1},
    {"set llama.vocab_size u32 99", 128, 2, 10000, 1},
    {"set general.type str model;;set llama.attention.causal bool 1", 128, 2, 10000, 1},
    {"t.refill blk.0.ffn_norm.weight 1;;t.refill blk.1.ffn_norm.weight 30", 128, 2, 10000, 1},
    {"t.reshape output_norm.weight 64 1 1 1;;t.reshape blk.0.attn_q.weight 64 64 1", 128, 2, 10000, 1},
    {"version 2", 128, 2, 10000, 1},
    {"tail 100", 128, 2, 10000, 1},
    {"set general.alignment u32 8;;align 8", 128, 2, 10000, 1},
    {"set general.alignment u32 65536;;align 65536", 128, 2, 10000, 1},
    {"t.add blk.0.attn_q.bias 64;;t.add blk.0.attn_k.bias 32;;t.add blk.0.attn_v.bias 32", 128, 2, 10000, 1},
    {"set x.empty [u32];;set x.words [str] a&b;;set x.f [f64] 1 2;;set x.b [bool] 0 1;;set x.n i64 -1", 128, 2, 10000,
     1},
};

static void test_hypers(void) {
    for (size_t i = 0; i < sizeof hypers / sizeof hypers[0]; i++) {
        opened o;
        if (!open_small(&o, "llama", hypers[i].commands)) continue;
        const roma_hyper *h = &o.imp.model.hyper;
        CHECK_EQ(h->context, hypers[i].context);
        CHECK_EQ(h->kv_heads, hypers[i].kv_heads);
        CHECK_EQ(h->head_dim, 16);
        CHECK_EQ(h->rope_dim, 16);
        CHECK(h->rope_phase[1] == roma_rope_phase(hypers[i].base, 1, 16, hypers[i].factor));
        close_file(&o);
    }
}

/* YaRN: what transformers' own computation gives in double for a head of 16 and base 10,000, and the factor of cos and
 * sin, which llama.cpp has for the same keys. */
#define YARN "set llama.rope.scaling.type str yarn;;set llama.rope.scaling.factor f32 4"
#define FROM_64 ";;set llama.rope.scaling.original_context_length u32 64"
static const struct {
    const char *commands;
    double factor[8]; /* by which each pair turns less */
    float gain;
} yarns[] = {
    {YARN FROM_64, {1, 4.0 / 3, 2, 4, 4, 4, 4, 4}, 1.138629436111989f},
    {YARN FROM_64 ";;set llama.rope.scaling.yarn_beta_fast f32 8;;set llama.rope.scaling.yarn_beta_slow f32 2",
     {1, 1.6, 4, 4, 4, 4, 4, 4},
     1.138629436111989f},
    {YARN, {1, 4.0 / 3, 2, 4, 4, 4, 4, 4}, 1.138629436111989f},
    {YARN ";;set llama.rope.scaling.original_context_length u32 0", {1, 4.0 / 3, 2, 4, 4, 4, 4, 4}, 1.138629436111989f},
    {YARN FROM_64 ";;set llama.rope.scaling.attn_factor f32 0.5", {1, 4.0 / 3, 2, 4, 4, 4, 4, 4}, 0.5693147180559945f},
    {YARN FROM_64 ";;set llama.rope.scaling.yarn_attn_factor f32 1.25", {1, 4.0 / 3, 2, 4, 4, 4, 4, 4}, 1.25f},
    {YARN FROM_64 ";;set llama.rope.scaling.yarn_attn_factor f32 1", {1, 4.0 / 3, 2, 4, 4, 4, 4, 4}, 0},
    {YARN FROM_64 ";;set llama.rope.scaling.yarn_ext_factor f32 0", {4, 4, 4, 4, 4, 4, 4, 4}, 0},
    {YARN FROM_64 ";;t.add rope_freqs.weight 8;;t.poke rope_freqs.weight 4 00000040",
     {1, 8.0 / 3, 2, 4, 4, 4, 4, 4},
     1.138629436111989f},
    {"set llama.rope.scaling.type str yarn", {1, 1, 1, 1, 1, 1, 1, 1}, 0},
    {"set llama.rope.scaling.attn_factor f32 1.5", {1, 1, 1, 1, 1, 1, 1, 1}, 1.5f},
    {"set llama.rope.scaling.attn_factor f32 1.5;;set llama.rope.scaling.type str none",
     {1, 1, 1, 1, 1, 1, 1, 1},
     1.5f},
    {"set llama.rope.scaling.attn_factor f32 1.5;;set llama.rope.scaling.factor f32 2", {2, 2, 2, 2, 2, 2, 2, 2}, 1.5f},
    {"set llama.rope.scaling.yarn_beta_fast f32 8;;set llama.rope.scaling.yarn_ext_factor f32 0",
     {1, 1, 1, 1, 1, 1, 1, 1},
     0},
};

static void test_yarn(void) {
    for (size_t i = 0; i < sizeof yarns / sizeof *yarns; i++) {
        opened o;
        if (!open_small(&o, "llama", yarns[i].commands)) continue;
        const roma_hyper *h = &o.imp.model.hyper;
        for (unsigned k = 0; k < 8; k++)
            CHECK_NEAR((double)h->rope_phase[k], (double)roma_rope_phase(10000, k, 16, yarns[i].factor[k]), 1e-12);
        CHECK_NEAR((double)h->rope_gain, (double)yarns[i].gain, 1e-7);
        close_file(&o);
    }
}

/* Tensor records in another order than their data. */
static void test_order(void) {
    opened o = {0};
    const b_shape s = b_small("llama");
    b_model(&o.f, &s);
    b_write(&o.f, &o.out);
    const size_t offset = 8 + strlen("blk.0.ffn_up.weight") + 4 + 2 * 8 + 4; /* in a record of two dimensions */
    uint8_t *p = o.out.data, *a = p + b_tensor_find(&o.f, "blk.0.ffn_up.weight")->at + offset;
    uint8_t *b = p + b_tensor_find(&o.f, "blk.1.ffn_up.weight")->at + offset;
    const uint64_t first = roma_le64(a);
    roma_put64(a, roma_le64(b));
    roma_put64(b, first);
    CHECK_EQ(roma_import_open_memory(&o.imp, p, o.out.len, &o.err), ROMA_OK);
    CHECK(roma_model_find(&o.imp.model, ROMA_W_UP, 0)->data > roma_model_find(&o.imp.model, ROMA_W_UP, 1)->data);
    close_file(&o);
}

/* ---- values and hash ----------------------------------------------------------------------------------------- */

static int stop(void *ctx, const char *what, uint64_t done, uint64_t total) {
    (void)what, (void)done, (void)total;
    return ++*(int *)ctx == 3;
}

static void test_values(void) {
    opened o;
    if (!open_small(&o, "llama", "t.poke blk.1.ffn_up.weight 68 007c")) return;
    CHECK_EQ(roma_import_check_values(&o.imp, NULL, &o.err), ROMA_EDAMAGED);
    CHECK(strstr(o.err.text, "'blk.1.ffn_up.weight', row 1: a scale is infinite") != NULL);
    const roma_tensor *t = roma_model_find(&o.imp.model, ROMA_W_UP, 1);
    CHECK_EQ(o.err.offset, t->data + 68 - o.out.data);
    int calls = 0;
    const roma_progress p = {stop, &calls};
    CHECK_EQ(roma_import_check_values(&o.imp, &p, &o.err), ROMA_ECANCEL);
    uint8_t want[32];
    roma_sha256 sha;
    roma_sha256_init(&sha);
    roma_sha256_update(&sha, o.out.data, o.out.len);
    roma_sha256_final(&sha, want);
    CHECK_EQ(roma_import_hash(&o.imp, NULL, &o.err), ROMA_OK);
    CHECK(memcmp(want, o.imp.source_sha256, 32) == 0);
    calls = 2;
    CHECK_EQ(roma_import_hash(&o.imp, &p, &o.err), ROMA_ECANCEL);
    close_file(&o);
}

/* NaN in each FP16 field of each type, and in float matrices. */
static void test_value_types(void) {
    for (size_t k = 0; k < sizeof golden / sizeof golden[0]; k++)
        for (unsigned j = 0; j < 2; j++) {
            opened o;
            char commands[128];
            b_shape s = b_small("llama");
            s.hidden = 256;
            s.dim = 64;
            b_model(&o.f, &s);
            const char *nan = golden[k].type == 0 ? "000080ff" : golden[k].type == 30 ? "807f" : "01fe";
            snprintf(commands, sizeof commands, "t.refill blk.0.attn_q.weight %u;;t.poke blk.0.attn_q.weight %u %s",
                     golden[k].type, golden[k].f16[j], nan);
            if (!open_file(&o, commands)) continue;
            CHECK_EQ(roma_import_check_values(&o.imp, NULL, &o.err), ROMA_EDAMAGED);
            CHECK(strstr(o.err.text, "'blk.0.attn_q.weight', row 0") != NULL);
            close_file(&o);
        }
}

int main(void) {
    for (size_t k = 0; k < sizeof golden / sizeof golden[0]; k++) test_type(k);
    test_pairing("llama");
    test_pairing("qwen2");
    test_pairing("qwen3");
    test_hyper();
    test_hypers();
    test_yarn();
    test_order();
    test_values();
    test_value_types();
    return TEST_DONE();
}
