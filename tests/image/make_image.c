/* Writes the images that tests/image/second_reader.sh compares and that seed the fuzzer: make_image FOLDER. */
#include "fixture.h"

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        uint32_t arch, width, first, vocab;
    } images[] = {
        {"llama-64.roma", ROMA_ARCH_LLAMA, 64, 0, ROMA_TOK_BPE},      {"qwen2-64.roma", ROMA_ARCH_QWEN2, 64, 1, ROMA_TOK_SPM},
        {"qwen3-64.roma", ROMA_ARCH_QWEN3, 64, 9, 0},                 {"llama-256.roma", ROMA_ARCH_LLAMA, 256, 4, 0},
        {"qwen2-256.roma", ROMA_ARCH_QWEN2, 256, 10, ROMA_TOK_BPE},   {"qwen3-256.roma", ROMA_ARCH_QWEN3, 256, 6, ROMA_TOK_SPM},
    };
    for (size_t i = 0; argc == 2 && i < sizeof images / sizeof *images; i++) {
        static fixture x;
        char path[512], text[1024];
        roma_error err;
        fixture_init(&x, images[i].arch, images[i].width, images[i].first, images[i].vocab);
        snprintf(path, sizeof path, "%s/%s", argv[1], images[i].name);
        if (fixture_write(&x, path, NULL, &err)) {
            fprintf(stderr, "%s\n", roma_error_format(&err, text, sizeof text));
            return 1;
        }
    }
    return argc != 2;
}
