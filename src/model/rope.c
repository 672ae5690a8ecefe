/* Rotary embeddings: by what the angle of each pair is divided. */
#include "model/internal.h"

#define TURN 6.283185307179586

/* Llama 3's rope_scaling: short waves stay, long ones are stretched, between them it goes smoothly. As GGUF has it, in
 * FP32. */
static float llama3_divisor(const roma_model_rope *r, uint32_t i, uint32_t dim) {
    const double wave = TURN * roma_pow_double(r->base, (double)(2 * i) / dim);
    if (wave < r->original / r->high) return 1;
    if (wave > r->original / r->low) return (float)r->factor;
    const double smooth = (r->original / wave - r->low) / (r->high - r->low);
    return (float)(1 / ((1 - smooth) / r->factor + smooth));
}

/* The pair, as a real number, that turns so often over the original context; held to what is beyond all pairs. */
static double pair_of(const roma_yarn *y, uint32_t dim, double turns) {
    const double pair = dim * roma_log_double(y->original / (turns * TURN)) / (2 * roma_log_double(y->base));
    return pair < -4096 ? -4096 : pair > 4096 ? 4096 : pair;
}

static double whole_below(double x) {
    const double w = (double)(int64_t)x;
    return w > x ? w - 1 : w;
}

double roma_yarn_divisor(const roma_yarn *y, uint32_t dim, uint32_t i) {
    double low = pair_of(y, dim, y->fast), high = pair_of(y, dim, y->slow);
    if (!y->is_real) low = whole_below(low), high = -whole_below(-high);
    if (low < 0) low = 0;
    if (high > dim - 1) high = dim - 1;
    const double width = high - low < 1e-3 ? 1e-3 : high - low, at = (i - low) / width;
    const double stays = (1 - (at < 0 ? 0 : at > 1 ? 1 : at)) * y->share;
    return stays > 0 ? 1 / ((1 - stays) / y->factor + stays) : y->factor;
}

double roma_yarn_gain(double factor, double scale) {
    return factor > 1 ? 1 + 0.1 * scale * roma_log_double(factor) : 1;
}

static double divisor(const roma_model_rope *r, uint32_t i, uint32_t dim) {
    switch (r->kind) {
    case ROMA_ROPE_EVEN: break;
    case ROMA_ROPE_LLAMA3: return (double)llama3_divisor(r, i, dim);
    case ROMA_ROPE_YARN: return roma_yarn_divisor(&r->yarn, dim, i);
    }
    return r->factor;
}

void roma_model_set_rope(roma_hyper *h, const roma_model_rope *r) {
    for (uint32_t i = 0; i < h->rope_dim / 2; i++)
        h->rope_phase[i] = roma_rope_phase(r->base, i, h->rope_dim, divisor(r, i, h->rope_dim));
    h->rope_gain = r->gain < 1 || r->gain > 1 ? r->gain : 0;
}
