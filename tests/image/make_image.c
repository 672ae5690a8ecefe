/* Writes the images that tests/image/second_reader.sh compares: make_image FOLDER. Those of the fuzzer, as small as
 * images get: make_image --seeds FOLDER. */
#include "fixture.h"

typedef struct {
    const char *name;
    uint32_t arch, width, first, vocab;
} kind;

/* Narrow heads and feed-forward under rows of 256, so that all formats fit into a few tiles. */
static void shrink(fixture *x) {
    roma_hyper *h = &x->d.hyper;
    h->heads = h->kv_heads = 1;
    h->head_dim = h->ffn = 32;
    h->rope_dim = 4;
    for (size_t i = 0; i < x->d.n_tensors; i++) {
        roma_image_tensor *t = &x->tensors[i];
        roma_hyper_shape(h, t->role, &t->rows, &t->cols);
        if (!t->is_vector && roma_format_check(&t->format, t->cols, NULL)) t->format = fixture_formats[i % 4];
    }
}

static int write_all(const char *folder, const kind *kinds, size_t n, bool small) {
    for (size_t i = 0; i < n; i++) {
        static fixture x;
        char path[512], text[1024];
        roma_error err;
        fixture_init(&x, kinds[i].arch, kinds[i].width, kinds[i].first, kinds[i].vocab);
        if (small && kinds[i].width == 256) shrink(&x);
        if (kinds[i].arch == ROMA_ARCH_QWEN3) {
            x.d.hyper.rope_gain = 1.25f;
            fixture_order(&x);
        }
        snprintf(path, sizeof path, "%s/%s", folder, kinds[i].name);
        if (fixture_write(&x, path, NULL, &err)) {
            fprintf(stderr, "%s\n", roma_error_format(&err, text, sizeof text));
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    static const kind images[] = {
        {"llama-64.roma", ROMA_ARCH_LLAMA, 64, 0, ROMA_TOK_BPE},
        {"qwen2-64.roma", ROMA_ARCH_QWEN2, 64, 1, ROMA_TOK_SPM},
        {"qwen3-64.roma", ROMA_ARCH_QWEN3, 64, 9, 0},
        {"llama-256.roma", ROMA_ARCH_LLAMA, 256, 4, 0},
        {"qwen2-256.roma", ROMA_ARCH_QWEN2, 256, 10, ROMA_TOK_BPE},
        {"qwen3-256.roma", ROMA_ARCH_QWEN3, 256, 6, ROMA_TOK_SPM},
    };
    static const kind seeds[] = {
        {"llama", ROMA_ARCH_LLAMA, 32, 0, ROMA_TOK_BPE},
        {"qwen2", ROMA_ARCH_QWEN2, 32, 1, ROMA_TOK_SPM},
        {"qwen3", ROMA_ARCH_QWEN3, 256, 4, 0},
        {"k", ROMA_ARCH_LLAMA, 256, 7, ROMA_TOK_SPM},
    };
    if (argc == 2) return write_all(argv[1], images, sizeof images / sizeof *images, false);
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
        return write_all(argv[2], seeds, sizeof seeds / sizeof *seeds, true);
    fprintf(stderr, "usage: make_image [--seeds] FOLDER\n");
    return 2;
}
