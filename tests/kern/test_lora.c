/* The LoRA kernels of every instruction set of this machine against the reference, bit by bit, and the reference by
 * hand. */
#include "check_lora.h"

/* 2 x 3 by 3: rows 0 and 15 of a tile, an odd rank. */
static void check_by_hand(unsigned type) {
    static const uint8_t minus_two[] = {0xfe, 0xc0}, three[] = {3, 0x44}; /* int8, FP8 */
    uint8_t tile[16 * 4 * 2] = {0};
    float scale[16] = {2}, y[16] = {1}, t = 0.5f, *rows = y;
    const int16_t codes[4] = {10, -100, 32767, 0};
    const roma_lora_b b = {type, 3, tile, scale};
    const size_t size = type == ROMA_B_F16 ? 2 : 1;
    scale[15] = 1;
    if (type == ROMA_B_F16) {
        roma_put16(tile, 0xc000);             /* row 0, input 0: -2 */
        roma_put16(tile + 1 * size, 0x4200);  /* row 0, input 1: 3 */
        roma_put16(tile + 62 * size, 0x4200); /* row 15, input 2: 3 */
    } else {
        tile[0] = minus_two[type - 1];
        tile[1] = three[type - 1];
        tile[62] = three[type - 1];
    }
    roma_lora_add_c(&b, 1, codes, 4, &t, 1, &rows);
    CHECK(y[0] == 1 + (-20 - 300) * 2 * 0.5f);
    CHECK(y[15] == 32767 * 3 * 0.5f);
    CHECK(y[1] == 0 && y[14] == 0);
}

int main(void) {
    for (unsigned type = ROMA_B_INT8; type <= ROMA_B_F16; type++) check_by_hand(type);
    for (int isa = 1; isa < ROMA_ISA_COUNT; isa++) {
        const roma_kern *k = roma_kern_get((roma_isa)isa);
        if (!k || isa == ROMA_ISA_AVXVNNI) continue; /* has AVX2's */
        random_key = (uint64_t)isa + 600;
        check_lora(k, vectors_wanted());
        printf("%s: A x and %s of B, at least %llu vectors\n", k->name,
               vectors_of_each_form() ? "each type" : "all types", (unsigned long long)vectors_wanted());
    }
    return TEST_DONE();
}
