/* roma_ref_dot4 for any machine. */
#include "ref/dot.h"

void roma_ref_dot4_any(const float *w, const float *const x[4], size_t n, float out[4]) { dot4(w, x, n, out); }
