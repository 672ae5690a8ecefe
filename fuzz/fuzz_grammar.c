/* libFuzzer target: any text as a grammar, and a walk through its texts over a small vocabulary: what the mask allows
 * is accepted, an end is allowed where the text is whole. */
#include "../tests/text/small_vocab.h"
#include "fuzz_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    form_walk(ROMA_CONSTRAIN_GRAMMAR, data, size);
    return 0;
}
