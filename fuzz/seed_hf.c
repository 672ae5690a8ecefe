/* Writes seeds of the fuzz_hf_* targets: the files of tests/import/hf_build.h. usage: seed_hf FOLDER, which has folders
 * hf_config, hf_tokenizer, hf_weights */
#include "../tests/import/hf_build.h"

static void put(const char *folder, const char *target, const char *name, int kind, const void *data, size_t size) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
    FILE *f = fopen(path, "wb");
    if (!f) abort();
    if (kind >= 0) fputc(kind, f);
    if (fwrite(data, 1, size, f) != size || fclose(f)) abort();
}

int main(int argc, char **argv) {
    h_folder h;
    roma_buf header = {0};
    if (argc != 2) return 2;
    h_make(&h, H_BPE, NULL);
    put(argv[1], "hf_config", "llama", -1, h.file[0].data, h.file[0].size);
    put(argv[1], "hf_tokenizer", "bpe", 0, h.file[1].data, h.file[1].size);
    put(argv[1], "hf_tokenizer", "config", 3, h.file[2].data, h.file[2].size);
    put(argv[1], "hf_tokenizer", "generation", 5, h.file[3].data, h.file[3].size);
    h_free(&h);
    h_make(&h, H_SPM, NULL);
    put(argv[1], "hf_tokenizer", "spm", 1, h.file[1].data, h.file[1].size);
    h_free(&h);
    h_make(&h, H_MODEL, NULL);
    put(argv[1], "hf_tokenizer", "model", 2, h.file[1].data, h.file[1].size);
    put(argv[1], "hf_tokenizer", "spm_config", 4, h.file[2].data, h.file[2].size);
    h_free(&h);
    h_make(&h, H_SHARDS, NULL);
    put(argv[1], "hf_weights", "index", 0, h.file[1].data, h.file[1].size);
    h_free(&h);
    h_header(&header, 0, H_TENSORS);
    put(argv[1], "hf_weights", "header", 1, header.data, header.len);
    roma_buf_destroy(&header);
    return 0;
}
