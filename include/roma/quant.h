/* quant - a model with float matrices to a quantised model: round to nearest. */
#ifndef ROMA_QUANT_H
#define ROMA_QUANT_H

#include "roma/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* q8: signed bytes, FP16 scale per 32. q4: 4 bit, FP16 scale and minimum per 32. */
typedef enum { ROMA_QUANT_NONE, ROMA_QUANT_Q8, ROMA_QUANT_Q4 } roma_quant_kind;

/* Rewrites m's float matrices in place as views that quantise a row when it is read (nothing is stored; a row
 * always gives the same codes). NONE: refuses the first float matrix by name, with the hint to use --quant. */
int roma_quantise_model(roma_model *m, roma_quant_kind kind, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
