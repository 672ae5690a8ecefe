/* What the files of kern share: the tables per instruction set, the activation records, the scratch. */
#ifndef ROMA_KERN_INTERNAL_H
#define ROMA_KERN_INTERNAL_H

#include "roma/kern.h"

extern const roma_kern roma_kern_table_avx2, roma_kern_table_avx2_near, roma_kern_table_avxvnni,
    roma_kern_table_avxvnni_near, roma_kern_table_avx512, roma_kern_table_avx512_near, roma_kern_table_avx512_zen4,
    roma_kern_table_neon;

void roma_product_c(const roma_format *f, uint64_t cols, const uint8_t *tiles, size_t n_tiles, const roma_act *acts,
                    size_t n_acts, float *out, size_t stride, void *scratch);

/* lora_<isa>.c; AVX-VNNI takes AVX2's */
#define LORA_DECLARE(isa)                                                                                              \
    void roma_lora_product_##isa(uint64_t cols, unsigned group, const uint8_t *tiles, size_t n_tiles,                  \
                                 const roma_act *const *acts, size_t n, float *out, size_t stride);                    \
    void roma_lora_add_##isa(const roma_lora_b *b, size_t n_tiles, const int16_t *codes, size_t stride,                \
                             const float *t, size_t n, float *const *y);
LORA_DECLARE(avx2)
LORA_DECLARE(avx512)
LORA_DECLARE(neon)
#define LORA_ENTRIES(isa) .lora_product = roma_lora_product_##isa, .lora_add = roma_lora_add_##isa

#endif
