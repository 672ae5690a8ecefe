/* ref's own: the product that every instruction set has in a file of its own. */
#ifndef REF_INTERNAL_H
#define REF_INTERNAL_H

#include "roma/ref.h"

/* out[k] = w . x[k] for four rows of n elements, n a multiple of 16. ref/dot.h is the body of every instance, and all
 * give the same bits. */
void roma_ref_dot4_any(const float *w, const float *const x[4], size_t n, float out[4]);
void roma_ref_dot4_avx2(const float *w, const float *const x[4], size_t n, float out[4]);

#endif
