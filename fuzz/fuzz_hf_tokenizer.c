/* libFuzzer target: a file of a tokenizer. The first byte says which: tokenizer.json, of either kind, tokenizer.model,
 * tokenizer_config.json, generation_config.json. */
#include "fuzz_hf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct {
        h_form form;
        const char *name;
    } files[] = {{H_BPE, "tokenizer.json"},          {H_SPM, "tokenizer.json"},
                 {H_MODEL, "tokenizer.model"},       {H_BPE, "tokenizer_config.json"},
                 {H_MODEL, "tokenizer_config.json"}, {H_BPE, "generation_config.json"}};
    if (size) hf_try(files[data[0] % 6].form, files[data[0] % 6].name, data + 1, size - 1);
    return 0;
}
