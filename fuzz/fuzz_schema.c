/* libFuzzer target: any text as a JSON schema, then as fuzz_grammar; and as a response format. */
#include "../tests/text/small_vocab.h"
#include "fuzz_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    roma_constrain_format f;
    roma_error err = {0};
    const char *text = (const char *)data;
    form_walk(ROMA_CONSTRAIN_SCHEMA, data, size);
    const int rc = roma_constrain_read_format(text, size, &f, &err);
    if (rc) form_check(err.code == rc && err.text[0]);
    if (!rc && f.n_schema) form_check(f.schema >= text && f.schema + f.n_schema <= text + size);
    return 0;
}
