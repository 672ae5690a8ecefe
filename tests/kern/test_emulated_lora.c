/* The LoRA kernel of AVX-512, emulated by simde, so that it is tested on machines without AVX-512 too. */
#define ROMA_SIMDE
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors passed among inlined functions only */
#define roma_lora_product_avx512 lora_product_emulated
#define roma_lora_add_avx512 lora_add_emulated
#include "kern/lora_avx512.c"

#include "check_lora.h"

int main(void) {
    const roma_kern k = {
        .name = "avx512, emulated", .lora_product = lora_product_emulated, .lora_add = lora_add_emulated};
    random_key = 99;
    check_lora(&k, 2000);
    return TEST_DONE();
}
