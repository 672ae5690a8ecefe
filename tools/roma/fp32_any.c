/* fp32_dot4 for any machine. */
#include "fp32_dot.h"

void fp32_dot4_any(const float *w, const float *const x[4], size_t n, float out[4]) { dot4(w, x, n, out); }
