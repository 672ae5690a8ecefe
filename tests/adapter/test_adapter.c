/* What is written is what is read, for every type; FP8; the product of A by the base's kernels; the check against a
 * base; bad writes. */
#include "../test.h"
#include "fixture.h"

static float largest(const float *x, uint64_t n) {
    float m = 0;
    for (uint64_t i = 0; i < n; i++) {
        const float v = x[i] < 0 ? -x[i] : x[i];
        if (v > m) m = v;
    }
    return m;
}

static void compare(const float *got, const float *want, uint64_t n, float tolerance) {
    const float m = largest(want, n);
    for (uint64_t i = 0; i < n; i++) {
        const float d = got[i] > want[i] ? got[i] - want[i] : want[i] - got[i];
        CHECK(d <= m * tolerance);
    }
}

static void test_round_trip(uint32_t type, float tolerance) {
    static const size_t from[] = {1, 2, 0}; /* sorted by layer and role */
    roma_adapter_target t[3];
    const roma_adapter a = fx_adapter(t, type);
    roma_adapter got;
    size_t size;
    uint8_t *p = fx_file(type, &size);
    float row[512], want[512];
    CHECK_EQ(roma_adapter_open_memory(&got, p, size, 0, NULL), ROMA_OK);
    CHECK(got.type == type && got.rank == 17 && got.n_targets == 3 && memcmp(got.base_id, a.base_id, 32) == 0);
    CHECK_STR(got.name, "small");
    CHECK_STR(got.note, "a test");
    for (size_t i = 0; i < 3; i++) {
        const roma_adapter_target *x = &got.targets[i], *y = &t[from[i]];
        CHECK(x->role == y->role && x->layer == y->layer && x->rows == y->rows && x->cols == y->cols &&
              x->rank == y->rank);
        CHECK(x->alpha == y->alpha && x->scale == y->scale);
        CHECK((uintptr_t)x->a % 64 == 0 && (uintptr_t)x->a_scale % 64 == 0 && (uintptr_t)x->b_scale % 64 == 0 &&
              (uintptr_t)x->b % 64 == 0);
        for (uint32_t r = 0; r < x->rank; r++) {
            fx_a((void *)(uintptr_t)&a, from[i], r, want);
            roma_adapter_row_a(x, r, row);
            compare(row, want, x->cols, 0.51f / 127);
        }
        for (uint64_t r = 0; r < x->rows; r++) {
            fx_b((void *)(uintptr_t)&a, from[i], r, want);
            roma_adapter_row_b(type, x, r, row);
            compare(row, want, x->rank, tolerance);
        }
        CHECK(roma_adapter_find(&got, x->role, x->layer) == x);
    }
    CHECK(roma_adapter_find(&got, ROMA_W_V, 0) == NULL);
    roma_adapter_close(&got);
    free(p);
}

/* The base's product on A's tiles is the exact integer sum times the scale of the activations. */
static void test_product(void) {
    size_t size;
    uint8_t *p = fx_file(ROMA_ADAPTER_INT8, &size);
    roma_adapter a;
    roma_act act;
    float x[64], out[16], row[64];
    CHECK_EQ(roma_adapter_open_memory(&a, p, size, 0, NULL), ROMA_OK);
    const roma_adapter_target *t = &a.targets[0];
    const roma_format f = roma_adapter_format(t->cols);
    uint8_t *block = aligned_alloc(64, (roma_act_bytes(64) + 63) & ~(size_t)63);
    CHECK_EQ(roma_format_check(&f, t->cols, NULL), ROMA_OK);
    for (uint64_t i = 0; i < 64; i++) x[i] = fx_value(5, i);
    roma_act_init(&act, block, 64);
    roma_quantise_c(x, 64, 1, &act);
    roma_adapter_layout l;
    roma_adapter_layout_get(a.type, t, &l);
    CHECK_EQ(l.a_tiles, 2);
    for (uint32_t r = 0; r < t->rank; r++) {
        if (r % 16 == 0) roma_tile_product_c(&f, 64, t->a + r / 16 * l.a_tile_bytes, &act, out);
        roma_tile_dequant_row(&f, 64, t->a + r / 16 * l.a_tile_bytes, r % 16, row);
        int64_t sum = 0;
        for (int i = 0; i < 64; i++) sum += (int64_t)row[i] * act.code[i] * (1 << act.shift[i / 8]);
        CHECK(out[r % 16] == (float)sum * act.scale);
    }
    free(block);
    roma_adapter_close(&a);
    free(p);
}

static void expect(const roma_adapter *a, const roma_description *d, const uint8_t id[32], unsigned flags,
                   const char *text) {
    roma_error err = {0};
    const int rc = roma_adapter_check(a, d, id, flags, "x.lora.roma", &err);
    CHECK(text ? rc == ROMA_EINPUT && strstr(err.text, text) != NULL : rc == ROMA_OK);
    if (text && !strstr(err.text, text)) fprintf(stderr, "'%s' does not say '%s'\n", err.text, text);
}

static void test_base(void) {
    size_t size;
    uint8_t *p = fx_file(ROMA_ADAPTER_INT8, &size), id[32], other[32] = {1};
    roma_adapter a;
    CHECK_EQ(roma_adapter_open_memory(&a, p, size, 0, NULL), ROMA_OK);
    memcpy(id, a.base_id, 32);
    roma_description d = small_base();
    expect(&a, &d, id, 0, NULL);
    expect(&a, &d, other, 0, "was made for base");
    expect(&a, &d, other, ROMA_ADAPTER_ANY_BASE, NULL);
    d.hyper.layers = 1;
    expect(&a, &d, id, 0, "layer 1: down: the base has 1 layers");
    d = small_base();
    d.hyper.ffn = 128;
    expect(&a, &d, other, ROMA_ADAPTER_ANY_BASE, "layer 1: down: the adapter is for 64 x 96, the base has 64 x 128");
    d = small_base();
    d.hyper.kv_heads = 4;
    expect(&a, &d, id, 0, "layer 0: k: the adapter is for 32 x 64, the base has 64 x 64");
    roma_adapter_close(&a);
    free(p);
}

static float poison_value;
static size_t poison_target;
static void poison_a(void *ctx, size_t i, uint32_t row, float *out) {
    fx_a(ctx, i, row, out);
    if (i == poison_target) out[5] = poison_value;
}

static void test_bad_writes(void) {
    roma_adapter_target t[3], good[3];
    roma_adapter a = fx_adapter(good, ROMA_ADAPTER_INT8);
    roma_adapter_source s = {&a, fx_a, fx_b};
    const struct {
        roma_adapter_target t;
        const char *text;
    } bad[] = {
        {{.role = ROMA_W_FINAL_NORM, .rows = 64, .cols = 64, .rank = 1, .alpha = 1, .scale = 1},
         "cannot have an adapter"},
        {{.role = ROMA_W_EMBED, .layer = 1, .rows = 64, .cols = 64, .rank = 1, .alpha = 1, .scale = 1}, "in no layer"},
        {{.role = ROMA_W_HEAD, .rows = 61, .cols = 60, .rank = 1, .alpha = 1, .scale = 1}, "columns of 32"},
        {{.role = ROMA_W_HEAD, .rows = 262145, .cols = 64, .rank = 1, .alpha = 1, .scale = 1}, "up to 262144"},
        {{.role = ROMA_W_V, .rows = 64, .cols = 64, .rank = 0, .alpha = 1, .scale = 1}, "rank 0"},
        {{.role = ROMA_W_V, .rows = 64, .cols = 64, .rank = 513, .alpha = 1, .scale = 1}, "rank 513"},
        {{.role = ROMA_W_V, .rows = 64, .cols = 65, .rank = 1, .alpha = 1, .scale = 1}, "columns of 32"},
        {{.role = ROMA_W_V, .rows = 8, .cols = 64, .rank = 1, .alpha = 1, .scale = 1}, "multiple of 16"},
        {{.role = ROMA_W_V, .rows = 64, .cols = 64, .rank = 1, .alpha = 0, .scale = 1}, "alpha or scale"},
        {{.role = ROMA_W_V, .layer = 1024, .rows = 64, .cols = 64, .rank = 1, .alpha = 1, .scale = 1}, "1024 layers"},
        {{.role = ROMA_W_Q, .layer = 0, .rows = 64, .cols = 64, .rank = 1, .alpha = 1, .scale = 1}, "there twice"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        roma_error err = {0};
        memcpy(t, good, sizeof t);
        t[0] = bad[i].t;
        a.targets = t;
        CHECK(roma_adapter_write(fx_path(), &a, &s, NULL, NULL, &err) != ROMA_OK && strstr(err.text, bad[i].text));
        CHECK(access(fx_path(), F_OK) != 0);
    }
    a.targets = good;
    s.row_a = poison_a;
    const uint32_t bits[] = {0x7fc00000, 0x7f800000, 0x71800000};
    for (poison_target = 0; poison_target < 3; poison_target++) {
        roma_error err = {0};
        poison_value = roma_f32_from_bits(bits[poison_target]);
        CHECK(roma_adapter_write(fx_path(), &a, &s, NULL, NULL, &err) == ROMA_EINPUT && strstr(err.text, "A's row 0"));
        CHECK(access(fx_path(), F_OK) != 0);
    }
}

static void test_file(void) {
    roma_adapter_target t[3];
    const roma_adapter a = fx_adapter(t, ROMA_ADAPTER_FP8);
    const roma_adapter_source s = {(void *)(uintptr_t)&a, fx_a, fx_b};
    roma_adapter got;
    roma_adapter_written w;
    roma_error err = {0};
    roma_buf b = {0};
    CHECK_EQ(roma_adapter_write(fx_path(), &a, &s, NULL, &w, &err), ROMA_OK);
    CHECK_EQ(roma_adapter_verify(fx_path(), NULL, &err), ROMA_OK);
    CHECK_EQ(roma_adapter_open(&got, fx_path(), 0, &err), ROMA_OK);
    CHECK(got.map.size == w.bytes && got.data_bytes == w.data_bytes && memcmp(got.file_sha256, w.file_sha256, 32) == 0);
    roma_adapter_print(&got, &b);
    roma_buf_append(&b, "", 1);
    CHECK(strstr((char *)b.data, "B fp8") && strstr((char *)b.data, "down"));
    roma_buf_destroy(&b);
    roma_adapter_close(&got);
    unlink(fx_path());
    CHECK_EQ(roma_adapter_open(&got, fx_path(), 0, &err), ROMA_EINPUT);
}

/* roma_adapter_bytes is what a file of those targets holds. */
static void test_bytes(void) {
    static const uint32_t roles[] = {ROMA_W_Q, ROMA_W_K, ROMA_W_V, ROMA_W_O, ROMA_W_GATE, ROMA_W_UP, ROMA_W_DOWN},
                          ranks[] = {1, 3, 16, 17, 64};
    roma_description d;
    roma_error err = {0};
    CHECK_EQ(roma_shape_describe(&d, "smollm2-135m", &(roma_shape_format){0}, &err), ROMA_OK);
    for (uint32_t i = 0; i < 15; i++) {
        const uint32_t type = 1 + i % 3, rank = ranks[i / 3], some = i % 2 ? 1u << ROMA_W_Q | 1u << ROMA_W_DOWN : 0;
        roma_adapter_target t[7];
        roma_adapter a = {.type = type, .name = "bytes", .targets = t};
        roma_adapter_written w;
        for (uint32_t r = 0; r < 7; r++) {
            if (some && !(some >> roles[r] & 1)) continue;
            roma_adapter_target *new = &t[a.n_targets++];
            *new = (roma_adapter_target){
                .role = roles[r], .layer = 2, .rank = rank, .alpha = 1, .scale = 1.0f / (float)rank};
            CHECK(roma_hyper_shape(&d.hyper, roles[r], &new->rows, &new->cols));
        }
        const roma_adapter_source s = {(void *)(uintptr_t)&a, fx_a, fx_b};
        CHECK_EQ(roma_adapter_write(fx_path(), &a, &s, NULL, &w, &err), ROMA_OK);
        CHECK_EQ(roma_adapter_bytes(&d, type, rank, some), 30 * w.data_bytes); /* layers */
        unlink(fx_path());
    }
    CHECK_EQ(roma_adapter_bytes(&d, ROMA_ADAPTER_INT8, 0, 0), 0);
    CHECK_EQ(roma_adapter_bytes(&d, ROMA_ADAPTER_INT8, 16, 1u << ROMA_W_EMBED), 0);
    roma_shape_destroy(&d);
}

int main(void) {
    test_bytes();
    test_round_trip(ROMA_ADAPTER_INT8, 0.51f / 127);
    test_round_trip(ROMA_ADAPTER_FP8, 1.0f / 27);
    test_round_trip(ROMA_ADAPTER_F16, 1.0f / 1024);
    test_product();
    test_base();
    test_bad_writes();
    test_file();
    CHECK(roma_adapter_type_find("fp8") == ROMA_ADAPTER_FP8 && roma_adapter_type_find("int4") == 0 &&
          roma_adapter_type_name(4) == NULL);
    return TEST_DONE();
}
