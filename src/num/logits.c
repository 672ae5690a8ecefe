/* What rows of logits say, in double. */
#include "roma/num.h"

double roma_log_sum_exp(const float *x, uint64_t n) {
    float max = x[0];
    double sum = 0;
    for (uint64_t i = 1; i < n; i++)
        if (x[i] > max) max = x[i];
    for (uint64_t i = 0; i < n; i++) sum += roma_exp_double((double)x[i] - (double)max);
    return (double)max + roma_log_double(sum);
}

double roma_divergence(const float *p, double p_log, const float *q, double q_log, uint64_t n) {
    double kl = 0;
    for (uint64_t i = 0; i < n; i++) {
        const double l = (double)p[i] - p_log;
        kl += roma_exp_double(l) * (l - ((double)q[i] - q_log));
    }
    return kl;
}
