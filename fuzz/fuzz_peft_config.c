/* libFuzzer target: any text as adapter_config.json of a good adapter. */
#include "../tests/import/peft_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const roma_description base = small_base();
    roma_import_lora l;
    roma_error err = {0};
    p_adapter p;
    p_make(&p, "", "", "");
    const int rc =
        roma_import_lora_open_memory(&l, size ? (const void *)data : "", size, p.file, p.file_bytes, &base, &err);
    if (rc && (err.code != rc || !err.text[0])) abort();
    if (!rc) {
        for (size_t i = 0; i < l.adapter.n_targets; i++)
            if (!(l.adapter.targets[i].rank == 2)) abort();
        roma_import_lora_close(&l);
    }
    p_free(&p);
    return 0;
}
