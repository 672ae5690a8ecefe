/* Body of roma_ref_dot4: 16 partial sums a row, added up in double. Included once per instruction set; all give the
 * same bits. */
#include "ref/internal.h"

typedef float lanes __attribute__((vector_size(32)));
typedef float lanes_anywhere __attribute__((vector_size(32), aligned(4), may_alias));
#define LOAD(p) (*(const lanes_anywhere *)(const void *)(p))

static inline float sum16(const lanes *a) {
    double s = 0;
    for (int i = 0; i < 8; i++) s += (double)a[0][i] + (double)a[1][i];
    return (float)s;
}

static inline void dot4(const float *w, const float *const x[4], size_t n, float out[4]) {
    lanes a[4][2] = {{{0}}};
    for (size_t i = 0; i < n; i += 16) {
        const lanes w0 = LOAD(w + i), w1 = LOAD(w + i + 8);
        for (int k = 0; k < 4; k++) {
            a[k][0] += w0 * LOAD(x[k] + i);
            a[k][1] += w1 * LOAD(x[k] + i + 8);
        }
    }
    for (int k = 0; k < 4; k++) out[k] = sum16(a[k]);
}
