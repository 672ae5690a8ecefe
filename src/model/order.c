/* Orders of columns that are not the source's. */
#include "roma/model.h"

#include <string.h>

bool roma_order_is_whole(const uint32_t *from, uint32_t cols) {
    uint8_t seen[262144 / 8] = {0};
    if (cols > 8 * sizeof seen) return false;
    for (uint32_t i = 0; i < cols; i++) {
        const uint32_t k = from[i];
        if (k >= cols || seen[k / 8] >> k % 8 & 1) return false;
        seen[k / 8] = (uint8_t)(seen[k / 8] | 1u << k % 8);
    }
    return true;
}

void roma_order_undo(const roma_order *order, const float *in, uint64_t cols, float *out) {
    if (!order || order->folded) {
        memcpy(out, in, (size_t)cols * sizeof *out);
        return;
    }
    for (uint64_t i = 0; i < cols; i++) out[order->from[i]] = in[i];
}
