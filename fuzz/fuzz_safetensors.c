/* libFuzzer target: a safetensors file as a PEFT adapter, once with its header's length made right. */
#include "../tests/import/peft_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const uint8_t *p, size_t size) {
    static const char config[] =
        "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 8, \"target_modules\": \"all-linear\"}";
    const roma_description base = small_base();
    roma_import_lora l;
    roma_error err = {0};
    float row[512];
    const int rc = roma_import_lora_open_memory(&l, config, sizeof config - 1, p, size, &base, &err);
    if (rc) {
        if (err.code != rc || !err.text[0]) abort();
        return;
    }
    for (size_t i = 0; i < l.adapter.n_targets; i++) {
        l.source.row_a(l.source.ctx, i, l.adapter.targets[i].rank - 1, row);
        l.source.row_b(l.source.ctx, i, l.adapter.targets[i].rows - 1, row);
    }
    roma_import_lora_close(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    use(data, size);
    const uint8_t *end = size > 9 ? memchr(data + 8, 0, size - 8) : NULL; /* the header reaches up to the first 0 */
    if (!end) return 0;
    uint8_t *p = malloc(size);
    if (!p) abort();
    memcpy(p, data, size);
    roma_put64(p, (uint64_t)(end - data - 8));
    use(p, size);
    free(p);
    return 0;
}
