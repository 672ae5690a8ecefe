/* num - number formats and the arithmetic contract: the scalar reference of every operation.
 *
 * docs/numerics.md is the law; this room is the executable form of that page, and "section" in this header is one of
 * its sections. Everything here gives the same bits on every machine: IEEE-754 single and double + - x / sqrt,
 * integers, no libm, no contraction. Numbers are FP32 and arrays the caller's unless a comment says otherwise; nothing
 * allocates, and nothing fails but roma_format_check. Threads: every function is re-entrant. */
#ifndef ROMA_NUM_H
#define ROMA_NUM_H

#include <float.h>
#include <string.h>

#include "roma/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- weight formats: codes + levels + scales (docs/numerics.md section 1) ---------------------- */

#define ROMA_TILE_ROWS 16 /* output rows of a tile */
#define ROMA_STRIPE 32    /* inputs of a stripe: every row length is a multiple of it */
#define ROMA_SUBGROUP 8   /* inputs under one activation shift */
/* Number of tiles of a matrix of so many rows; the last tile may be partly filled. */
static inline uint64_t roma_tiles(uint64_t rows) { return rows / ROMA_TILE_ROWS + (rows % ROMA_TILE_ROWS != 0); }

/* level = code, or table[code] (4-bit codes): of -128 to 127, or of -511 to 511 */
enum { ROMA_LEVEL_IDENTITY = 0, ROMA_LEVEL_TABLE = 1, ROMA_LEVEL_FINE = 2 };
#define ROMA_FINE_MAX 511 /* sums of a group stay in int32 */

/* Form of a scale (and of a minimum): what is stored per group, and how it becomes FP32. */
enum {
    ROMA_SCALE_NONE = 0,
    ROMA_SCALE_F16 = 1, /* FP16 per group */
    ROMA_SCALE_U4 = 2,  /* 4-bit unsigned per group x FP16 per super-group */
    ROMA_SCALE_U6 = 3,  /* 6-bit unsigned, the same */
    ROMA_SCALE_S6 = 4,  /* 6-bit code - 32, the same */
    ROMA_SCALE_S8 = 5,  /* 8-bit two's complement, the same */
    ROMA_SCALE_F32 = 6, /* FP32 per group; never with a minimum */
};

/* Integer zero point of each group and row, added to that of the tensor: none, 4-bit unsigned (codes of 2 to 4 bits),
 * or a signed byte (codes of 8). */
enum { ROMA_ZEROS_NONE = 0, ROMA_ZEROS_U4 = 1, ROMA_ZEROS_S8 = 2 };

/* Format of a matrix's weights: w = scale * (level - zero) + min. An integer scale x FP16 is exact in FP32, and so is
 * scale x level; with an FP32 scale that product rounds, and nothing else does. */
typedef struct {
    uint8_t bits;      /* code width: 2, 3 = 2+1, 4, 5 = 4+1, 6 = 4+2, 8 (a signed byte) */
    uint8_t level;     /* ROMA_LEVEL_* */
    uint8_t scale;     /* ROMA_SCALE_*, not NONE */
    uint8_t min;       /* ROMA_SCALE_NONE or the scale's own form */
    uint16_t group;    /* inputs per scale: 16, 32, 64, 128, 256; divides the row */
    uint16_t super;    /* inputs per super-group: 256 with an integer scale, else 0 */
    int16_t zero;      /* integer zero point of the whole tensor */
    uint16_t zeros;    /* ROMA_ZEROS_*; 16 bits, so that formats have no padding and compare by memcmp */
    int16_t table[16]; /* ROMA_LEVEL_TABLE, ROMA_LEVEL_FINE: levels in ascending code order */
} roma_format;

/* Checks a format for rows of cols inputs: 0, or EINPUT, EUNSUPPORTED with a sentence that names the member. */
int roma_format_check(const roma_format *f, uint64_t cols, roma_error *err);
/* Gives *f levels for a map of sixteen values in -1 to 1, whole numbers of -limit to limit (127 or ROMA_FINE_MAX).
 * Returns their factor: of 1 to limit the one whose levels are nearest to the map, of those that are exact the
 * smallest. A weight is then map[code] * s, nearly, with a scale of s / factor. */
float roma_format_use_map(roma_format *f, const float map[16], int limit);
/* Writes "4 bit, group 32, FP16 scale + min" to buf (cap bytes); returns buf. */
const char *roma_format_print(const roma_format *f, char *buf, size_t cap);

/* Where things lie inside a tile of 16 rows x cols inputs, in bytes from the tile's start
 * (docs/rom-format.md, "Tiles"). Regions that a format lacks have length 0. */
typedef struct {
    size_t plane_lo;               /* 2-, 4- or 8-bit codes */
    size_t plane_hi;               /* the 1- or 2-bit upper plane of 3-, 5-, 6-bit codes */
    size_t scale, min;             /* per group */
    size_t super_scale, super_min; /* FP16 per super-group */
    size_t zeros;                  /* per group: own zero points */
    size_t used;                   /* the end of them all */
    size_t bytes;                  /* whole tile, a multiple of 64 */
} roma_tile_layout;
/* Layout of a format's tile for rows of cols inputs; the format passes roma_format_check for these, or would if its
 * codes had 2 bits and not 1: shapes of 1 bit have a size, though no image has such codes. */
void roma_tile_layout_get(const roma_format *f, uint64_t cols, roma_tile_layout *out);

/* One row of weights in unpacked form, the currency between importers, the packer and the checkers; its owner owns the
 * arrays. */
typedef struct {
    uint8_t *code;         /* cols codes; 8-bit codes as their two's complement byte */
    uint16_t *scale;       /* cols / group: FP16 bits, or the integer's stored code (U4 U6 S6 S8) */
    uint16_t *min;         /* the same, or unused */
    uint16_t *super_scale; /* cols / super FP16 bits, or unused */
    uint16_t *super_min;
    float *scale32; /* cols / group scales of form F32, which has no bits in scale */
    uint8_t *zeros; /* cols / group own zero points, a signed one as its two's complement byte; or unused */
} roma_row;

/* Writes row r, 0 to 15, of a tile whose bytes were zero, and reads it back (but not into a scale32 or zeros that is
 * NULL). */
void roma_tile_put_row(const roma_format *f, uint64_t cols, uint8_t *tile, unsigned r, const roma_row *row);
void roma_tile_get_row(const roma_format *f, uint64_t cols, const uint8_t *tile, unsigned r, roma_row *row);
/* FP32 scales of a tile, and minima where min is not NULL: out[group * 16 + row], cols / group x 16 values. */
void roma_tile_scales(const roma_format *f, uint64_t cols, const uint8_t *tile, float *scale, float *min);
/* Own zero points of group g of a tile, without the tensor's: 16, of the rows; 0 in formats that have none. */
void roma_tile_zeros(const roma_format *f, uint64_t cols, const uint8_t *tile, uint64_t g, int32_t out[ROMA_TILE_ROWS]);
/* Level of a code, without a zero point. */
static inline int roma_level(const roma_format *f, uint8_t code) {
    return f->level != ROMA_LEVEL_IDENTITY ? f->table[code & 15] : f->bits == 8 ? (int8_t)code : code;
}
/* FP32 weights, cols of them, of row r of a tile, and of an unpacked row. */
void roma_tile_dequant_row(const roma_format *f, uint64_t cols, const uint8_t *tile, unsigned r, float *out);
void roma_row_dequant(const roma_format *f, uint64_t cols, const roma_row *row, float *out);

/* ---- scalar conversions ------------------------------------------------------------------------- */

static inline uint32_t roma_f32_bits(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}
static inline float roma_f32_from_bits(uint32_t u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}
float roma_f16_to_f32(uint16_t h);
uint16_t roma_f32_to_f16(float f);  /* round to nearest even; overflow to infinity */
float roma_f8_to_f32(uint8_t code); /* E4M3: largest 448, smallest 2^-9, no infinity; 7F and FF are no number */
uint8_t roma_f32_to_f8(float v);    /* round to nearest even, beyond 448 to 448; NaN to 7F or FF */
/* 2^e, for -126 <= e <= 127. */
static inline float roma_pow2(int e) { return roma_f32_from_bits((uint32_t)(e + 127) << 23); }
/* floor(log2(x)) of a normal x > 0. */
static inline int roma_exponent(float x) { return (int)(roma_f32_bits(x) >> 23 & 255) - 127; }
/* The next function needs the default rounding mode and no excess precision. */
#if FLT_EVAL_METHOD != 0
#error "FP32 must be evaluated as FP32: build for SSE2, not for the x87"
#endif
/* x rounded to the nearest integer, ties to even; |x| < 2^22. */
static inline float roma_rint(float x) {
    const float big = 12582912.0f; /* 1.5 * 2^23 */
    return (x + big) - big;
}

/* ---- activations (section 2) -------------------------------------------------------------------- */

/* A quantised row of activations: value[i] = code[i] * 2^shift[i / 8] * scale. Its arrays lie in one block of the
 * caller's, 64-byte aligned, roma_act_bytes long. Codes lie in -127 to 127, shifts in 0 to 7. sum16 and sum32 hold the
 * exact sums of code << shift over 16 and 32 inputs, mult holds 2^shift twice (low and high 16 bits): the forms that
 * SIMD kernels broadcast. */
typedef struct {
    int8_t *code;   /* cols */
    int32_t *shift; /* cols / 8 */
    uint32_t *mult; /* cols / 8 */
    int32_t *sum16; /* cols / 16 */
    int32_t *sum32; /* cols / 32 */
    float scale;
} roma_act;
/* Bytes of the block for a row of cols, and the arrays laid out in such a block. */
size_t roma_act_bytes(uint64_t cols);
void roma_act_init(roma_act *a, void *block, uint64_t cols);
/* Turns a row x[0..cols) into codes: the block floating point of section 2. The row's scale is then multiplied by
 * `factor`, which is 1, or 1/rms, which commutes with the codes. */
void roma_quantise_c(const float *x, uint64_t cols, float factor, roma_act *a);

/* ---- products (section 3) ----------------------------------------------------------------------- */

/* Product of a tile's 16 rows with a row of activations, element by element (section 3): leaves for each group,
 * adjacent-pair tree, one product with the activations' scale. */
void roma_tile_product_c(const roma_format *f, uint64_t cols, const uint8_t *tile, const roma_act *a, float out[16]);

/* Adjacent-pair binary tree in ascending order, an odd leaf moving up: the stack of section 3.2. */
typedef struct {
    float part[33];
    uint64_t count;
} roma_tree;
static inline void roma_tree_init(roma_tree *t) { t->count = 0; }
void roma_tree_add(roma_tree *t, float leaf);
float roma_tree_sum(const roma_tree *t); /* 0 when empty */

/* ---- LoRA (section 3.4) ------------------------------------------------------------------------- */

/* A x, step 1 of section 3.4: n_tiles tiles of signed bytes in groups of `group` inputs, whose scales all count as 1,
 * times n rows of activations. out[i * stride + 16 * tile + row]. */
void roma_lora_product_c(uint64_t cols, unsigned group, const uint8_t *tiles, size_t n_tiles,
                         const roma_act *const *acts, size_t n, float *out, size_t stride);

enum { ROMA_B_INT8 = 1, ROMA_B_F8 = 2, ROMA_B_F16 = 3 }; /* how B is stored, by the numbers of docs/adapter-format.md */
/* B of one matrix, as docs/adapter-format.md lays it out; the adapter's. */
typedef struct {
    unsigned type, rank;
    const uint8_t *tiles; /* [tile of 16 rows][input / 2][row % 16][input % 2], rank padded to even with zeros */
    const float *scale;   /* per row */
} roma_lora_b;
/* Bytes of a tile of B. */
static inline size_t roma_lora_tile_bytes(unsigned type, unsigned rank) {
    return (size_t)ROMA_TILE_ROWS * ((rank + 1) & ~1u) * (type == ROMA_B_F16 ? 2 : 1);
}
/* B (A x), steps 3 and 4 of section 3.4: y[i][row] += v * scale[row] * t[i], for the rows of n_tiles tiles and n rows
 * of activations. codes: those of row i begin at i * stride, stride is even, an odd rank is followed by a 0; 4-byte
 * aligned. */
void roma_lora_add_c(const roma_lora_b *b, size_t n_tiles, const int16_t *codes, size_t stride, const float *t,
                     size_t n, float *const *y);

/* ---- vector unit (section 5): each formula in the table of docs/numerics.md --------------------- */

/* exp(x) for x <= 0 (5.1): relative error below 2^-21; 0 below -87. */
float roma_exp(float x);
/* sin and cos of phase / 2^32 turns (5.6). */
void roma_sincos_turn(uint32_t phase, float *s, float *c);
/* 1 / sqrt(mean(x^2) + eps) of n >= 1 values, the sum of squares exact on 15-bit codes (5.2). */
float roma_rms_inverse(const float *x, uint64_t n, float eps);
/* RoPE on one head, in place (5.5): pairs (2i, 2i+1) for i < rope_dim / 2. cs: cos and sin of each pair, interleaved.
 */
void roma_rope(float *head, unsigned rope_dim, const float *cs);
/* Phase increment of pair i for one position, in turns x 2^64: base^(-2i/dim) / 2 pi / factor, in our own double
 * arithmetic. */
uint64_t roma_rope_phase(double base, unsigned i, unsigned dim, double factor);

/* ---- double precision: for phase increments, the FP32 evaluator and figures, never the engine's values ---- */

/* Power (of a base > 0 and normal), exponential and natural logarithm in double, relative error about 1e-15. */
double roma_pow_double(double base, double exponent);
double roma_exp_double(double x); /* 0 below -708, infinity from 709 on; NaN stays NaN */
double roma_log_double(double x); /* natural; x > 0 and normal */
/* Log of the sum of exp of n >= 1 finite logits, and KL(p || q) in nats of two such rows with these logs of theirs. */
double roma_log_sum_exp(const float *x, uint64_t n);
double roma_divergence(const float *p, double p_log, const float *q, double q_log, uint64_t n);

/* ---- attention (section 4) ---------------------------------------------------------------------- */

#define ROMA_PAGE 32 /* positions of a cache page */
/* Number of pages of so many positions; the last page may be partly filled. */
static inline uint32_t roma_pages(uint32_t positions) { return positions / ROMA_PAGE + (positions % ROMA_PAGE != 0); }

/* Turns n values into int8 codes under one scale, which is returned: code = rint(x * (127 / max)), scale = max * (1 /
 * 127). The cache's keys and values (section 4). */
float roma_quantise_i8(const float *x, unsigned n, int8_t *code);
/* The same with codes of four bits, -7 to 7, and 7: values of the cache's format int4. */
float roma_quantise_i4(const float *x, unsigned n, int8_t *code);
/* The same with int16 codes and 32767: queries, and A x of adapters. */
float roma_quantise_i16(const float *x, unsigned n, int16_t *code);

/* How the keys or the values of a page are stored: docs/numerics.md 4.7. */
typedef enum { ROMA_KV_CODE_INT8, ROMA_KV_CODE_F16, ROMA_KV_CODE_FP8, ROMA_KV_CODE_INT4 } roma_kv_code;
/* Formats of the cache by number, as saved caches have it (docs/cache-format.md). */
typedef enum { ROMA_KV_INT8, ROMA_KV_F16, ROMA_KV_FP8, ROMA_KV_INT4, ROMA_KV_COUNT } roma_kv;
typedef struct {
    const char *name;
    roma_kv_code k, v;
    bool is_float; /* roma_half_scores_c and _values_c compute with its pages, else roma_page_scores_c and _values_c */
} roma_kv_format;
extern const roma_kv_format roma_kv_formats[ROMA_KV_COUNT];
/* The format of a name, int8 of NULL; NULL: there is none such. */
const roma_kv_format *roma_kv_find(const char *name);
/* The names, with ", " between; static. */
const char *roma_kv_names(void);

/* A page of the cache: 32 positions of one layer and KV head, and a scale for every position. The memory is the
 * caller's. Where codes lie decides their form:
 *
 *   INT8 and INT4   tiles of 16 lanes of four codes that are multiplied alike. K: a lane is a position, two tiles, code
 *                   [pos / 16][dim / 4][pos % 16][dim % 4]. V: a lane is a dimension, code [dim / 16][pos / 4][dim %
 *                   16][pos % 4]. INT4: of each 64 codes, code i in the low half of byte i % 32 where i < 32, else in
 *                   the high half
 *   F16 and FP8     K: code [dim][pos]; V: code [pos][dim]; an F16 is two bytes, little-endian */
typedef struct {
    int8_t *k;      /* roma_kv_code_bytes(its form, head_dim) */
    int8_t *v;      /* the same of the values' form */
    float *k_scale; /* 32 */
    float *v_scale; /* 32 */
} roma_kv_page;
/* Bytes of the codes of a page's keys or values, and of a page; the arrays laid out in a block of so many bytes; and
 * the key and value of position `slot`, 0 to 31, of head_dim elements each, at most 512, put into the page as codes. */
size_t roma_kv_code_bytes(roma_kv_code code, unsigned head_dim);
size_t roma_kv_bytes(const roma_kv_format *f, unsigned head_dim);
void roma_kv_init(const roma_kv_format *f, roma_kv_page *p, void *block, unsigned head_dim);
void roma_kv_put(const roma_kv_format *f, const roma_kv_page *p, unsigned head_dim, unsigned slot, const float *k,
                 const float *v);
/* Code of element d of a position's key or value as it is stored, and the number that such a code stands for, without
 * the position's scale. */
uint16_t roma_kv_get(roma_kv_code code, const int8_t *codes, unsigned head_dim, bool of_values, unsigned slot,
                     unsigned d);
float roma_kv_value(roma_kv_code code, uint16_t stored);
/* Codes as the functions below take them: INT8 and F16 as they lie; the others unpacked into scratch, of 64 * head_dim
 * bytes, FP8 as F16 and INT4 as INT8. */
int8_t *roma_kv_unpack(roma_kv_code code, int8_t *codes, unsigned head_dim, void *scratch);
/* The same of int8, the format that chips have and their Verilog computes with. */
size_t roma_kv_page_bytes(unsigned head_dim);
void roma_kv_page_init(roma_kv_page *p, void *block, unsigned head_dim);
void roma_kv_page_put(const roma_kv_page *p, unsigned head_dim, unsigned slot, const float *k, const float *v);
/* Scores of n_q queries, codes of head_dim one query after another, against all 32 slots (section 4, step 2): score[i
 * * stride + slot] = (float)(q . k) * (q_scale[i] * k_scale[slot]), where q_scale holds 1/sqrt(head_dim) already. */
void roma_page_scores_c(const roma_kv_page *p, unsigned head_dim, const int16_t *q, const float *q_scale, unsigned n_q,
                        float *score, size_t stride);
/* Largest of n >= 1 scores. Unspecified where a score is NaN: the softmax then yields NaN whatever this returns, so
 * that callers need no check. */
float roma_largest_c(const float *score, uint64_t n);
/* Turns n scores into exp(score - max), in place; returns the exact sum of near(w * 2^30) (section 4, steps 3 and 4).
 */
int64_t roma_softmax_weights_c(float *score, uint64_t n, float max);
/* f(gate) * up for n elements, f being SiLU or the squared ReLU (5.4); out may be gate. */
void roma_silu_mul_c(float *out, const float *gate, const float *up, uint64_t n);
void roma_relu2_mul_c(float *out, const float *gate, const float *up, uint64_t n);
/* Weighted sums over the first n slots of a page (section 4, step 5): weight[i * stride + slot] holds exp values in 0
 * to 1, out[i * head_dim ..] becomes the page's FP32 leaf for query i < n_q. */
void roma_page_values_c(const roma_kv_page *p, unsigned head_dim, const float *weight, size_t stride, unsigned n_q,
                        unsigned n, float *out);
/* The same two over keys and values in F16 (section 4.7): sums in FP32, one product after another. */
void roma_half_scores_c(const roma_kv_page *p, unsigned head_dim, const int16_t *q, const float *q_scale, unsigned n_q,
                        float *score, size_t stride);
void roma_half_values_c(const roma_kv_page *p, unsigned head_dim, const float *weight, size_t stride, unsigned n_q,
                        unsigned n, float *out);

#ifdef __cplusplus
}
#endif
#endif
