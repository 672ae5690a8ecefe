/* quant - a model with float matrices to a quantised model: round to nearest with a search for the scale, or NF4 with
 * double quantisation (docs/import.md, "Rounding"). Threads: calls are re-entrant. */
#ifndef ROMA_QUANT_H
#define ROMA_QUANT_H

#include "roma/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { ROMA_QUANT_NONE, ROMA_QUANT_RTN, ROMA_QUANT_NF4 } roma_quant_method;

/* How a float matrix becomes codes. RTN: codes of 2, 3 or 4 bits with an FP16 scale and minimum for each group of
 * weights, or of 8 bits, signed, with an FP16 scale. NF4: 4 bits by map, an absmax for each block of `group` weights,
 * and these absmax in 8 bits. NONE: not at all. */
typedef struct {
    roma_quant_method method;
    uint32_t bits, group; /* group: 32, 64 or 128 */
} roma_quant_form;

/* For the matrices of layers; for embedding and head, which a 4-bit checkpoint leaves in floating point. levels: of
 * NF4's table, 127 or ROMA_FINE_MAX. */
typedef struct {
    roma_quant_form layers, ends;
    int levels;
} roma_quant;
/* Round to nearest at so many bits in groups of 32 everywhere: `--quant q8` and `q4`. */
static inline roma_quant roma_quant_everywhere(uint32_t bits) {
    const roma_quant_form f = {ROMA_QUANT_RTN, bits, 32};
    const roma_quant q = {f, f, ROMA_FINE_MAX}; /* no literal, for C++ */
    return q;
}

/* The same in words, as a command line or a record has them: quant "q8", "q4"; method "rtn", "nf4"; table "fine",
 * "int8"; NULL and 0: not said. */
typedef struct {
    const char *quant, *method, *table;
    uint32_t bits, group;
} roma_quant_words;
/* What words say. quant alone is for all matrices; beside a method it is for embedding and head, which otherwise get 8
 * bits; bits and group need a method, for which they are 4, and 32 (rtn) or 64 (nf4). EUSAGE for other words. */
int roma_quant_read(roma_quant *q, const roma_quant_words *w, roma_error *err);
/* Writes "rtn, 4 bits, FP16 scale and minimum for 32 weights" to buf (cap bytes); returns buf. */
const char *roma_quant_print(const roma_quant_form *f, char *buf, size_t cap);

/* Rewrites the float matrices of *m in place as views that quantise a row when it is read: a row always gives the same
 * codes. NF4's need roma_tensor.begin and end; without these nothing is stored. NONE: EUSAGE for the first float
 * matrix, by name, with the hint to use --quant; EUSAGE too for bits or a group that the method has not. EUNSUPPORTED
 * for rows that are no multiple of the group. */
int roma_quantise_model(roma_model *m, const roma_quant *q, roma_error *err);

/* ---- NF4, for tests: each is bitsandbytes' of the same name on a CPU, step by step ---- */

#define ROMA_NF4_NESTED 256 /* absmax under one FP32 scale */
/* Codes 0 to 15 of a block of n weights; returns the block's absmax. */
float roma_nf4_codes(const float *x, uint64_t n, uint8_t *code);
/* The mean of n absmax: summed in double, in their order, rounded once. */
float roma_nf4_offset(const float *absmax, uint64_t n);
/* The map of 8-bit codes: 0, 1, and on either side of 0 seven decades, the i-th from below cut into 2^i equal parts,
 * whose middles are the values. */
void roma_nf4_map(float map[256]);
/* Codes of n absmax less the offset, and an FP32 scale for each 256 of them. */
void roma_nf4_nest(const float *absmax, uint64_t n, float offset, const float map[256], uint8_t *code, float *scale);

#ifdef __cplusplus
}
#endif
#endif
