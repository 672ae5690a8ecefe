/* libFuzzer target: a file of a tokenizer. The first byte says which: tokenizer.json, of either kind, tokenizer.model,
 * tokenizer_config.json, generation_config.json, or those of older folders. */
#include "fuzz_hf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct {
        h_form form;
        const char *name;
    } files[] = {{H_BPE, "tokenizer.json"},          {H_SPM, "tokenizer.json"},
                 {H_MODEL, "tokenizer.model"},       {H_BPE, "tokenizer_config.json"},
                 {H_MODEL, "tokenizer_config.json"}, {H_BPE, "generation_config.json"},
                 {H_BPE, "special_tokens_map.json"}, {H_BPE, "added_tokens.json"}};
    if (size) hf_try(files[data[0] % 8].form, files[data[0] % 8].name, data + 1, size - 1);
    return 0;
}
