/* The transcription of docs/numerics.md in contract.h against src/num, bit for bit on random operands: what the tests
 * of chains and of latencies measure is the contract. */
#include "contract.h"
#include "roma/num.h"

static uint64_t draws;
static uint64_t below(uint64_t n) { return roma_random(29, draws++) % n; }
/* Any size from 2^-span to 2^span, either sign. */
static float draw(int span) {
    const float m = (float)(1 + (double)below(1 << 23) * 0x1p-23);
    return ldexpf(below(2) ? m : -m, (int)below(2 * (uint64_t)span + 1) - span);
}
/* A row as real ones are, or all small, too large, or with a NaN. */
static void draw_row(float *x, real *r, size_t n, unsigned kind) {
    for (size_t i = 0; i < n; i++) {
        x[i] = kind % 8 == 7 ? draw(2) * 0x1p-110f : below(20) ? draw((int)(1 + kind % 6)) : 0;
        r[i] = real_of(x[i]);
    }
    const size_t odd = below(n);
    if (kind % 8 == 5) r[odd] = real_of(x[odd] = 0x1p101f);
    if (kind % 8 == 6) r[odd] = real_of(x[odd] = NAN);
}

static bool same(float a, float b) { return roma_f32_bits(a) == roma_f32_bits(b) || (a != a && b != b); }
static real largest_of(const real *x, size_t n) {
    real m = real_tree(x, n, larger_magnitude);
    m.v = fabsf(m.v);
    return m;
}

/* ---- sections 2 and 3 ------------------------------------------------------------------------------ */

enum { COLS = 512, GROUPS_MAX = COLS / 16 };
typedef struct {
    float x[COLS];
    int32_t value[COLS]; /* code * 2^shift */
    roma_act act;
    void *block;
} act_row;

static void check_act(act_row *a, unsigned kind) {
    real x[COLS], inverse = real_of(draw(8));
    draw_row(a->x, x, COLS, kind);
    a->block = aligned_alloc(64, (roma_act_bytes(COLS) + 63) / 64 * 64);
    if (!a->block) exit(1);
    roma_act_init(&a->act, a->block, COLS);
    roma_quantise_c(a->x, COLS, inverse.v, &a->act);
    const real max = largest_of(x, COLS), r = act_reciprocal(max), s = product(act_scale(max), inverse);
    const contract_case is = contract_case_of(max);
    bool good = same(s.v, a->act.scale);
    for (size_t i = 0; i < COLS; i += 8) {
        whole code[8];
        unsigned shift;
        act_codes(x + i, r, is, code, &shift);
        good = good && (int32_t)shift == a->act.shift[i / 8];
        for (size_t j = 0; j < 8; j++) {
            good = good && code[j].v == a->act.code[i + j];
            a->value[i + j] = (int32_t)code[j].v * (1 << shift);
        }
    }
    CHECK(good);
}

static roma_format draw_format(unsigned kind) {
    static const uint8_t bits[] = {2, 3, 4, 4, 5, 6, 8}, forms[] = {ROMA_SCALE_F16, ROMA_SCALE_U4, ROMA_SCALE_U6};
    roma_format f = {.bits = bits[kind % 7], .scale = forms[below(3)], .group = (uint16_t)(16 << below(4))};
    f.super = f.scale == ROMA_SCALE_F16 ? 0 : 256;
    f.min = below(2) ? f.scale : ROMA_SCALE_NONE;
    f.zero = (int16_t)(f.bits == 8 ? 0 : below(1u << f.bits));
    f.level = kind % 7 == 3 ? ROMA_LEVEL_TABLE : ROMA_LEVEL_IDENTITY;
    for (int i = 0; i < 16; i++) f.table[i] = (int8_t)(8 * i - 64 + (int)below(8));
    return f;
}

/* One row of weights in unpacked form. */
typedef struct {
    uint8_t code[COLS];
    uint16_t s[GROUPS_MAX], m[GROUPS_MAX], super_s[2], super_m[2];
    roma_row row;
} weights;
static void draw_weights(weights *w, const roma_format *f) {
    const bool is_f16 = f->scale == ROMA_SCALE_F16;
    const unsigned top = f->scale == ROMA_SCALE_U4 ? 16 : 64;
    for (size_t i = 0; i < COLS; i++) w->code[i] = (uint8_t)below(1u << f->bits);
    for (size_t g = 0; g < COLS / f->group; g++) {
        w->s[g] = is_f16 ? roma_f32_to_f16(draw(6)) : (uint16_t)below(top);
        w->m[g] = is_f16 ? roma_f32_to_f16(draw(6)) : (uint16_t)below(top);
    }
    for (size_t g = 0; g < 2; g++) {
        w->super_s[g] = roma_f32_to_f16(draw(6));
        w->super_m[g] = roma_f32_to_f16(draw(6));
    }
    w->row = (roma_row){w->code, w->s, w->m, w->super_s, w->super_m, NULL, NULL};
}
/* An integer times an FP16 is exact. */
static float scale_of(const roma_format *f, const uint16_t *s, const uint16_t *super, size_t group) {
    if (f->scale == ROMA_SCALE_F16) return roma_f16_to_f32(s[group]);
    return (float)s[group] * roma_f16_to_f32(super[group * f->group / f->super]);
}
static int64_t level_of(const roma_format *f, uint8_t code) {
    return f->bits == 8 ? (int8_t)code : f->level == ROMA_LEVEL_TABLE ? f->table[code] : code;
}

static real product_of(const roma_format *f, const weights *w, const act_row *a) {
    const size_t n = COLS / f->group;
    real leaves[GROUPS_MAX];
    for (size_t g = 0; g < n; g++) {
        whole sum_i = whole_of(0), sum_z = whole_of(0);
        for (size_t i = g * f->group; i < (g + 1) * f->group; i++) {
            sum_i.v += (level_of(f, w->code[i]) - f->zero) * a->value[i];
            sum_z.v += a->value[i];
        }
        const real s = real_of(scale_of(f, w->s, w->super_s, g));
        leaves[g] = f->min ? leaf_min(sum_i, s, sum_z, real_of(scale_of(f, w->m, w->super_m, g))) : leaf(sum_i, s);
    }
    return row_result(leaves, n, real_of(a->act.scale));
}

/* Section 1 on the way: what EMBED makes of a row. */
static bool weights_equal(const roma_format *f, const weights *w, const float *want) {
    bool good = true;
    for (size_t i = 0; i < COLS; i++) {
        const size_t g = i / f->group;
        const whole level = whole_of(level_of(f, w->code[i]) - f->zero);
        const real s = real_of(scale_of(f, w->s, w->super_s, g)), m = real_of(scale_of(f, w->m, w->super_m, g));
        good = good && same(want[i], f->min ? weight_min(level, s, m).v : weight_of(level, s).v);
    }
    return good;
}

static void test_products(void) {
    for (unsigned kind = 0; kind < test_effort(56); kind++) {
        const roma_format f = draw_format(kind);
        roma_error err;
        roma_tile_layout l;
        act_row a;
        weights w[2];
        float want[16], row[COLS];
        CHECK_EQ(roma_format_check(&f, COLS, &err), 0);
        check_act(&a, kind);
        roma_tile_layout_get(&f, COLS, &l);
        uint8_t *tile = calloc(1, l.bytes);
        if (!tile) exit(1);
        for (unsigned r = 0; r < 2; r++) {
            draw_weights(&w[r], &f);
            roma_tile_put_row(&f, COLS, tile, 9 * r, &w[r].row);
        }
        roma_tile_product_c(&f, COLS, tile, &a.act, want);
        roma_tile_dequant_row(&f, COLS, tile, 9, row);
        for (unsigned r = 0; r < 2; r++) CHECK(same(product_of(&f, &w[r], &a).v, want[9 * r]));
        CHECK(weights_equal(&f, &w[1], row));
        free(tile);
        free(a.block);
    }
}

/* ---- adapters ---------------------------------------------------------------------------------------- */

enum { RANK = 16, DIM = 64, POSITIONS_MAX = 160 };

/* Codes of a head, of a query or of h. */
static real codes_of(const real *x, size_t n, float top, whole *code) {
    const real max = largest_of(x, n), r = head_reciprocal(max, top);
    for (size_t i = 0; i < n; i++) code[i] = head_code(x[i], r, contract_case_of(max));
    return head_scale(max, top);
}

static void check_down(act_row *a, whole *code, real *sh, float h_want[RANK]) {
    const roma_format f = {.bits = 8, .scale = ROMA_SCALE_F16, .group = 128};
    const roma_act *act = &a->act;
    roma_tile_layout l;
    weights w[RANK];
    real h[RANK];
    float out[RANK];
    roma_tile_layout_get(&f, COLS, &l);
    uint8_t *tile = calloc(1, l.bytes);
    if (!tile) exit(1);
    for (unsigned r = 0; r < RANK; r++) {
        draw_weights(&w[r], &f);
        roma_tile_put_row(&f, COLS, tile, r, &w[r].row);
    }
    roma_lora_product_c(COLS, f.group, tile, 1, &act, 1, out, RANK);
    bool good = true;
    for (unsigned r = 0; r < RANK; r++) {
        whole sums[COLS / 128] = {{0, 0}};
        for (size_t i = 0; i < COLS; i++) sums[i / 128].v += (int8_t)w[r].code[i] * a->value[i];
        const float scale_a = draw(4);
        h[r] = adapter_h(sums, COLS / 128, real_of(act->scale), real_of(scale_a));
        h_want[r] = out[r] * scale_a;
        good = good && same(h[r].v, h_want[r]);
    }
    CHECK(good);
    *sh = codes_of(h, RANK, 32767, code);
    free(tile);
}

/* A row of B of each type. */
static void check_up(const whole *code, const int16_t *c, real t) {
    for (unsigned type = ROMA_B_INT8; type <= ROMA_B_F16; type++) {
        uint8_t tile[RANK * 16 * 2] = {0};
        float scale[16] = {draw(4)}, y[16] = {draw(4)}, *rows[] = {y};
        whole b[RANK];
        real value[RANK];
        const float before = y[0];
        for (size_t k = 0; k < RANK; k++) {
            const size_t at = k / 2 * 32 + k % 2;
            const uint16_t f16 = roma_f32_to_f16(draw(4));
            const uint8_t byte = (uint8_t)below(120);
            b[k] = whole_of((int8_t)byte);
            value[k] = real_of(type == ROMA_B_F8 ? roma_f8_to_f32(byte) : roma_f16_to_f32(f16));
            if (type == ROMA_B_F16)
                memcpy(tile + 2 * at, &f16, 2);
            else
                tile[at] = byte;
        }
        const roma_lora_b m = {type, RANK, tile, scale};
        roma_lora_add_c(&m, 1, c, RANK, &t.v, 1, rows);
        const real v = type == ROMA_B_INT8 ? adapter_v(b, code, RANK) : adapter_v_float(value, code, RANK);
        CHECK(same(sum(real_of(before), adapter_part(v, real_of(scale[0]), t)).v, y[0]));
    }
}

static void test_adapters(void) {
    for (unsigned kind = 0; kind < test_effort(32); kind++) {
        act_row a;
        whole code[RANK];
        real sh;
        float h[RANK];
        int16_t c[RANK] __attribute__((aligned(4)));
        check_act(&a, kind);
        check_down(&a, code, &sh, h);
        bool good = same(sh.v, roma_quantise_i16(h, RANK, c));
        for (unsigned r = 0; r < RANK; r++) good = good && code[r].v == c[r];
        CHECK(good);
        check_up(code, c, adapter_t(sh, real_of(draw(2)), real_of(draw(2))));
        free(a.block);
    }
}

/* ---- section 4 ---------------------------------------------------------------------------------------- */

typedef struct {
    size_t n; /* positions */
    float (*k)[DIM], (*v)[DIM];
    float q[DIM];
} attention;

static void draw_attention(attention *a, unsigned kind) {
    real ignored[DIM];
    a->n = 1 + below(POSITIONS_MAX - 1);
    a->k = malloc(a->n * sizeof *a->k);
    a->v = malloc(a->n * sizeof *a->v);
    if (!a->k || !a->v) exit(1);
    for (size_t t = 0; t < a->n; t++) {
        draw_row(a->k[t], ignored, DIM, below(40) ? 0 : 7);
        draw_row(a->v[t], ignored, DIM, below(40) ? 1 : 7);
    }
    draw_row(a->q, ignored, DIM, kind);
}

/* What src/num makes of it. */
static void attention_wanted(const attention *a, float d, float out[DIM]) {
    const size_t pages = (a->n + 31) / 32;
    float scores[POSITIONS_MAX], leaf_values[DIM];
    int16_t q[DIM];
    roma_kv_page page[POSITIONS_MAX / 32];
    void *block[POSITIONS_MAX / 32];
    static roma_tree trees[DIM];
    const float sq = roma_quantise_i16(a->q, DIM, q) * d;
    for (size_t j = 0; j < pages; j++) {
        block[j] = aligned_alloc(64, (roma_kv_page_bytes(DIM) + 63) / 64 * 64);
        if (!block[j]) exit(1);
        memset(block[j], 0, roma_kv_page_bytes(DIM));
        roma_kv_page_init(&page[j], block[j], DIM);
        for (size_t t = 32 * j; t < a->n && t < 32 * j + 32; t++)
            roma_kv_page_put(&page[j], DIM, (unsigned)(t % 32), a->k[t], a->v[t]);
        roma_page_scores_c(&page[j], DIM, q, &sq, 1, scores + 32 * j, 32);
    }
    const float max = roma_largest_c(scores, a->n);
    const float inverse = 1 / ((float)roma_softmax_weights_c(scores, a->n, max) * 0x1p-30f);
    for (size_t i = 0; i < DIM; i++) roma_tree_init(&trees[i]);
    for (size_t j = 0; j < pages; j++) {
        const size_t left = a->n - 32 * j;
        roma_page_values_c(&page[j], DIM, scores + 32 * j, 32, 1, (unsigned)(left < 32 ? left : 32), leaf_values);
        for (size_t i = 0; i < DIM; i++) roma_tree_add(&trees[i], leaf_values[i]);
        free(block[j]);
    }
    for (size_t i = 0; i < DIM; i++) out[i] = roma_tree_sum(&trees[i]) * inverse;
}

/* Codes and scale of one cached head. */
static real cached(const float *x, whole code[DIM]) {
    real r[DIM];
    for (size_t i = 0; i < DIM; i++) r[i] = real_of(x[i]);
    return codes_of(r, DIM, 127, code);
}

static void attention_done(const attention *a, float d, float out[DIM]) {
    const size_t pages = (a->n + 31) / 32;
    real q[DIM], scores[POSITIONS_MAX], leaves[DIM][POSITIONS_MAX / 32];
    whole qc[DIM], code[DIM], fixed[POSITIONS_MAX];
    for (size_t i = 0; i < DIM; i++) q[i] = real_of(a->q[i]);
    const real sq = product(codes_of(q, DIM, 32767, qc), real_of(d));
    for (size_t t = 0; t < a->n; t++) {
        const real scale = cached(a->k[t], code);
        scores[t] = score(qc, code, DIM, sq, scale);
    }
    const real max = real_tree(scores, a->n, larger);
    for (size_t j = 0; j < pages; j++) {
        real w[32] = {{0, 0}}, v_scale[32] = {{0, 0}};
        whole v[32][DIM] = {{{0, 0}}}, column[32];
        for (size_t t = 32 * j; t < a->n && t < 32 * j + 32; t++) {
            v_scale[t % 32] = cached(a->v[t], v[t % 32]);
            w[t % 32] = weight(scores[t], max);
            fixed[t] = denominator_part(w[t % 32]);
        }
        const page_codes c = page_weigh(w, v_scale);
        for (size_t i = 0; i < DIM; i++) {
            for (size_t t = 0; t < 32; t++) column[t] = v[t][i];
            leaves[i][j] = page_leaf(&c, column);
        }
    }
    const real inverse = denominator_inverse(whole_tree(fixed, a->n, whole_sum));
    for (size_t i = 0; i < DIM; i++) out[i] = product(real_tree(leaves[i], pages, sum), inverse).v;
}

static void test_attention(void) {
    for (unsigned kind = 0; kind < test_effort(48); kind++) {
        attention a;
        float want[DIM], got[DIM];
        draw_attention(&a, kind);
        attention_wanted(&a, 0.125f, want);
        attention_done(&a, 0.125f, got);
        bool good = true;
        for (size_t i = 0; i < DIM; i++) good = good && same(got[i], want[i]);
        CHECK(good);
        free(a.k);
        free(a.v);
    }
}

/* ---- section 5 ---------------------------------------------------------------------------------------- */

static void test_rms(void) {
    for (unsigned kind = 0; kind < test_effort(64); kind++) {
        const size_t n = 1 + below(300);
        float x[300];
        real r[300];
        whole squares[300];
        draw_row(x, r, n, kind);
        const real max = largest_of(r, n);
        for (size_t i = 0; i < n; i++) squares[i] = rms_square(r[i], max);
        const real inverse = rms_inverse(whole_tree(squares, n, whole_sum), max, n, 1e-5f);
        CHECK(same(inverse.v, roma_rms_inverse(x, n, 1e-5f)));
        const float g = draw(2);
        CHECK(same(head_normed(r[0], inverse, real_of(g)).v, x[0] * inverse.v * g));
    }
}

static void test_elements(void) {
    for (unsigned i = 0; i < test_effort(20000); i++) {
        const float g = i % 50 ? draw(7) : i % 100 ? NAN : -0.0f, up = draw(3);
        const uint64_t position = below(1 << 24), increment = roma_random(31, i);
        const whole turn = turn_of(whole_of((int64_t)position), increment);
        const uint32_t turn_want = (uint32_t)(position * increment >> 32);
        float silu_want, relu2_want, pair[2] = {g, up}, cs[2];
        real sine, cosine, a = real_of(g), b = real_of(up);
        roma_silu_mul_c(&silu_want, &g, &up, 1);
        roma_relu2_mul_c(&relu2_want, &g, &up, 1);
        roma_sincos_turn(turn_want, &cs[1], &cs[0]);
        roma_rope(pair, 2, cs);
        sine_cosine(turn, &sine, &cosine);
        CHECK(same(sine.v, cs[1]) && same(cosine.v, cs[0]));
        rotate(&a, &b, sine, cosine);
        CHECK(same(a.v, pair[0]) && same(b.v, pair[1]));
        CHECK(same(exponential(real_of(g)).v, roma_exp(g)));
        CHECK(same(silu(real_of(g), real_of(up)).v, silu_want));
        CHECK(same(relu2(real_of(g), real_of(up)).v, relu2_want));
    }
}

int main(void) {
    test_products();
    test_adapters();
    test_attention();
    test_rms();
    test_elements();
    return TEST_DONE();
}
