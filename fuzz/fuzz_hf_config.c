/* libFuzzer target: any text as config.json of a good folder. */
#include "fuzz_hf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    hf_try(H_BPE, "config.json", data, size);
    return 0;
}
