/* For the fuzz targets of Hugging Face folders: one file of a small good folder is what the fuzzer gives, and what is imported is read. */
#ifndef ROMA_FUZZ_HF_H
#define ROMA_FUZZ_HF_H
#include "../tests/import/hf_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hf_read(const roma_import *imp) {
    static float row[262144];
    roma_error err;
    for (size_t i = 0; i < imp->model.n_tensors; i++) {
        const roma_tensor *t = &imp->model.tensors[i];
        t->read_floats(t, 0, row);
        t->read_floats(t, roma_tensor_role_is_matrix(t->role) ? t->rows - 1 : 0, row);
    }
    if (imp->has_vocab) {
        roma_tokenizer *t;
        size_t n;
        int32_t ids[64];
        if (roma_tokenizer_create(&t, &imp->vocab, NULL, &err)) abort(); /* import checked the vocabulary */
        (void)roma_tokenize(t, "ab cd", 5, ROMA_TEXT_BOS, ids, 64, &n, &err);
        roma_tokenizer_destroy(t);
    }
    (void)roma_import_check_values(imp, NULL, &err);
}

static inline void hf_try(h_form form, const char *name, const uint8_t *data, size_t size) {
    h_folder h;
    roma_import imp;
    roma_error err = {0};
    const h_change comes = {name, "+", ""};
    h_make(&h, form, NULL);
    if (!h_find(&h, name)) { /* one that the good folder does not have */
        h_free(&h);
        h_make(&h, form, &comes);
    }
    for (size_t i = 0; i < h.n; i++)
        if (strcmp(h.file[i].name, name) == 0) {
            roma_import_file files[8];
            memcpy(files, h.file, sizeof files);
            files[i].data = data;
            files[i].size = size;
            const int rc = roma_import_open_files(&imp, files, h.n, &err);
            if (rc && (err.code != rc || !err.text[0] || strlen(err.text) >= sizeof err.text)) abort();
            if (!rc) hf_read(&imp);
            if (!rc) roma_import_close(&imp);
        }
    h_free(&h);
}
#endif
