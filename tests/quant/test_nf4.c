/* NF4 as bitsandbytes makes it: codes, absmax, codes of absmax and their scales of weights with ties, zeros and
 * subnormals (nf4.bin, by tests/reference/nf4_codes.py). Whole matrices: as a row is read, so the blocks are; rows in
 * the order of folders; what is refused. */
#include "roma/quant.h"
#include "../test.h"

#include <math.h>

/* ---- bitsandbytes' own ---- */

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    if (!f) abort();
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *data = malloc(*size);
    if (!data || fread(data, 1, *size, f) != *size) abort();
    fclose(f);
    return data;
}

static float float_at(const uint8_t *p, uint64_t i) { return roma_f32_from_bits(roma_le32(p + 4 * i)); }

static void test_theirs(void) {
    size_t size;
    uint8_t *file = read_file("tests/quant/nf4.bin", &size);
    const uint64_t n = roma_le64(file), blocks = n / 64, nested = (blocks + 255) / 256;
    const uint8_t *weights = file + 12 + 1024, *codes = weights + 4 * n, *absmax = codes + n / 2,
                  *code8 = absmax + 4 * blocks, *scales = code8 + blocks;
    CHECK(blocks > 256 && size == 12 + 1024 + 4 * n + n / 2 + 5 * blocks + 4 * nested);
    float x[64], map[256], *most = malloc(blocks * sizeof *most), scale[8];
    uint8_t code[64], *got8 = malloc(blocks);
    for (int i = 0; i < 256; i++) map[i] = float_at(file + 12, (uint64_t)i);
    for (uint64_t b = 0; b < blocks; b++) {
        for (uint64_t i = 0; i < 64; i++) x[i] = float_at(weights, 64 * b + i);
        most[b] = roma_nf4_codes(x, 64, code);
        CHECK_EQ(roma_f32_bits(most[b]), roma_le32(absmax + 4 * b));
        for (uint64_t i = 0; i < 64; i++) CHECK_EQ(code[i], codes[32 * b + i / 2] >> (i % 2 ? 0 : 4) & 15);
    }
    roma_nf4_nest(most, blocks, float_at(file + 8, 0), map, got8, scale);
    CHECK_BYTES(got8, code8, blocks);
    for (uint64_t b = 0; b < nested; b++) CHECK_EQ(roma_f32_bits(scale[b]), roma_le32(scales + 4 * b));
    CHECK(fabs((double)roma_nf4_offset(most, blocks) / (double)float_at(file + 8, 0) - 1) < 1e-6);
    float own[256]; /* the same map but for the rounding of a CPU */
    roma_nf4_map(own);
    for (int i = 0; i < 256; i++) CHECK(fabs((double)own[i] - (double)map[i]) <= 2e-7 * fabs((double)map[i]));
    free(most), free(got8), free(file);
}

static void test_map(void) {
    float map[256];
    roma_nf4_map(map);
    for (int i = 1; i < 256; i++) CHECK(map[i] > map[i - 1]);
    for (int i = 0; i < 127; i++) CHECK(map[i] == -map[254 - i]);
    CHECK(map[127] == 0 && map[255] == 1 && map[128] == 0.55e-6f && map[254] == 0.99296875f);
}

/* ---- matrices ---- */

enum { ROWS = 48, COLS = 128 };

static float weight(uint64_t r, uint64_t c) {
    if (r == 7) return 0;
    return ((float)(roma_random(5, r << 20 | c) >> 40) * 0x1p-24f - 0.5f) * (1 + (float)(r % 5));
}
/* Row r of the model is row roma_tensor_source_row of the source. */
static void read_source(const roma_tensor *t, uint64_t r, float *out) {
    uint64_t row;
    const bool there = roma_tensor_source_row(t, r, &row);
    for (uint64_t c = 0; c < t->cols; c++) out[c] = there ? weight(row, c) : 0;
}

static roma_tensor tensor_of(uint32_t role) {
    return (roma_tensor){.role = role,
                         .rows = ROWS,
                         .cols = COLS,
                         .is_float = true,
                         .read_floats = read_source,
                         .head_dim = 16,
                         .rope_dim = 16};
}

static int take(roma_tensor *t, uint32_t group) {
    roma_model m = {.tensors = t, .n_tensors = 1};
    const roma_quant q = {{ROMA_QUANT_NF4, 4, group}, {ROMA_QUANT_RTN, 8, 32}, ROMA_FINE_MAX};
    return roma_quantise_model(&m, &q, NULL);
}

/* What the rows of a whole matrix must be, from the functions that test_theirs has held. */
static void expect(uint64_t rows, uint32_t group, float *out) {
    const uint64_t per_row = COLS / group, n = rows * per_row;
    static const float nf4_7 = -0.09105003625154495f; /* level 6 */
    float x[COLS], map[256], absmax[ROWS * 4], scale[2];
    uint8_t code[ROWS * COLS], code8[ROWS * 4];
    roma_format f = {.bits = 4};
    float values[16] = {-1.0f,
                        -0.6961928009986877f,
                        -0.5250730514526367f,
                        -0.39491748809814453f,
                        -0.28444138169288635f,
                        -0.18477343022823334f,
                        nf4_7,
                        0.0f,
                        0.07958029955625534f,
                        0.16093020141124725f,
                        0.24611230194568634f,
                        0.33791524171829224f,
                        0.44070982933044434f,
                        0.5626170039176941f,
                        0.7229568362236023f,
                        1.0f};
    const float factor = roma_format_use_map(&f, values, ROMA_FINE_MAX);
    CHECK(factor == 503 && f.level == ROMA_LEVEL_FINE);
    for (uint64_t r = 0; r < rows; r++) {
        for (uint64_t c = 0; c < COLS; c++) x[c] = weight(r, c);
        for (uint64_t b = 0; b < per_row; b++)
            absmax[r * per_row + b] = roma_nf4_codes(x + b * group, group, code + r * COLS + b * group);
    }
    const float offset = roma_nf4_offset(absmax, n);
    roma_nf4_map(map);
    roma_nf4_nest(absmax, n, offset, map, code8, scale);
    for (uint64_t i = 0; i < rows * COLS; i++) {
        const float inner = map[code8[i / group]] * scale[i / group / 256], s = (inner + offset) / factor;
        out[i] = s * (float)f.table[code[i]];
    }
}

static void check_matrix(uint32_t role, uint32_t group, bool halves, uint16_t true_head) {
    static float want[ROWS * COLS], got[COLS];
    roma_tensor t = tensor_of(role);
    roma_team *team = NULL;
    const uint64_t rows = true_head ? ROWS / 16 * true_head : ROWS;
    t.rope_halves = halves;
    t.true_rows = rows;
    t.true_head = true_head;
    if (true_head) t.rope_dim = true_head;
    CHECK_EQ(take(&t, group), 0);
    CHECK(!t.is_float && t.read_source == read_source && t.begin && t.end);
    expect(rows, group, want);
    CHECK_EQ(roma_team_create(&team, 3, NULL), 0);
    for (int with = 0; with < 2; with++) {
        CHECK_EQ(t.begin(&t, with ? team : NULL, NULL), 0);
        for (uint64_t r = 0; r < ROWS; r++) {
            uint64_t row;
            t.read_floats(&t, r, got);
            if (roma_tensor_source_row(&t, r, &row))
                CHECK_BYTES(got, want + row * COLS, sizeof got);
            else
                for (int c = 0; c < COLS; c++) CHECK(got[c] == 0);
        }
        t.end(&t);
        t.end(&t);
    }
    roma_team_destroy(team);
}

static void test_refused(void) {
    roma_error err = {.text = ""};
    roma_tensor t = tensor_of(ROMA_W_UP);
    roma_model m = {.tensors = &t, .n_tensors = 1};
    const roma_quant bad[] = {{{ROMA_QUANT_NF4, 8, 64}, {0}, 511},
                              {{ROMA_QUANT_NF4, 4, 16}, {0}, 511},
                              {{ROMA_QUANT_RTN, 5, 32}, {0}, 511},
                              {{ROMA_QUANT_RTN, 4, 256}, {0}, 511},
                              {{0}, {ROMA_QUANT_RTN, 6, 32}, 511}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK_EQ(roma_quantise_model(&m, &bad[i], &err), ROMA_EUSAGE);
    t.cols = 96;
    CHECK_EQ(take(&t, 64), ROMA_EUNSUPPORTED);
    t.true_cols = 80;
    CHECK_EQ(take(&t, 32), ROMA_EUNSUPPORTED);
    CHECK_EQ(t.is_float, true);
}

int main(void) {
    test_theirs();
    test_map();
    check_matrix(ROMA_W_UP, 64, false, 0);
    check_matrix(ROMA_W_UP, 128, false, 0);
    check_matrix(ROMA_W_Q, 64, true, 16); /* as a folder has it */
    check_matrix(ROMA_W_K, 32, true, 12); /* heads of 12 among rows of zeros */
    check_matrix(ROMA_W_V, 64, false, 12);
    test_refused();
    return TEST_DONE();
}
