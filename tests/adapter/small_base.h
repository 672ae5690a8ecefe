/* The shape that the tests' small adapters are for. */
#ifndef ROMA_TEST_SMALL_BASE_H
#define ROMA_TEST_SMALL_BASE_H
#include "roma/image.h"

static inline roma_description small_base(void) {
    roma_description d = {.hyper = {.arch = ROMA_ARCH_LLAMA,
                                    .layers = 2,
                                    .hidden = 64,
                                    .ffn = 96,
                                    .heads = 4,
                                    .kv_heads = 2,
                                    .head_dim = 16,
                                    .rope_dim = 16,
                                    .vocab = 16,
                                    .context = 128,
                                    .rms_eps = 1e-5f}};
    return d;
}
#endif
