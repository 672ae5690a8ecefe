/* libFuzzer target: the weights of a folder. The first byte says which file: the index of shards, a header of a shard,
 * which gets its data, or a whole model.safetensors. */
#include "fuzz_hf.h"

static void with_data(const uint8_t *header, size_t size) {
    roma_buf b = {0}, unused = {0};
    h_weights(&b, (const char *)header, size, h_header(&unused, 0, H_TENSORS));
    if (!b.failed && !unused.failed) hf_try(H_BPE, "model.safetensors", b.data, b.len);
    roma_buf_destroy(&b);
    roma_buf_destroy(&unused);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    if (data[0] % 3 == 0) hf_try(H_SHARDS, "model.safetensors.index.json", data + 1, size - 1);
    if (data[0] % 3 == 1) with_data(data + 1, size - 1);
    if (data[0] % 3 == 2) hf_try(H_BPE, "model.safetensors", data + 1, size - 1);
    return 0;
}
