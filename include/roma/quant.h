/* quant - a model with float matrices to a quantised model: round to nearest. Threads: calls are re-entrant. */
#ifndef ROMA_QUANT_H
#define ROMA_QUANT_H

#include "roma/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How float matrices become codes. Q8: signed bytes, FP16 scale for each 32 weights. Q4: 4 bit, FP16 scale and minimum
 * for each 32. NONE: not at all. */
typedef enum { ROMA_QUANT_NONE, ROMA_QUANT_Q8, ROMA_QUANT_Q4 } roma_quant_kind;

/* Rewrites the float matrices of *m in place as views that quantise a row when it is read: nothing is stored, and a
 * row always gives the same codes. NONE: EUSAGE for the first float matrix, by name, with the hint to use --quant.
 * EUNSUPPORTED for rows that are no multiple of 32. */
int roma_quantise_model(roma_model *m, roma_quant_kind kind, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
