/* Writes a random model with another image's tokenizer: make_random OUT.roma TOKENIZER.roma llama|qwen2|qwen3 FORMAT
 * SEED [ordered]. Formats are named after the GGUF types of the same form; their scales and codes are random. With
 * an odd seed RoPE leaves the last quarter of a head as it is.
 * make_random forms: the names of all formats. */
#include <stdio.h>
#include <stdlib.h>

#include "random_model.h"

static const struct {
    const char *name;
    roma_format format;
} formats[] = {
    {"q4_1", {.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32}},
    {"q5_0", {.bits = 5, .scale = ROMA_SCALE_F16, .group = 32, .zero = 16}},
    {"q8_0", {.bits = 8, .scale = ROMA_SCALE_F16, .group = 32}},
    {"q2_k", {.bits = 2, .scale = ROMA_SCALE_U4, .min = ROMA_SCALE_U4, .group = 16, .super = 256}},
    {"q3_k", {.bits = 3, .scale = ROMA_SCALE_S6, .group = 16, .super = 256, .zero = 4}},
    {"q4_k", {.bits = 4, .scale = ROMA_SCALE_U6, .min = ROMA_SCALE_U6, .group = 32, .super = 256}},
    {"q6_k", {.bits = 6, .scale = ROMA_SCALE_S8, .group = 16, .super = 256, .zero = 32}},
    {"nf4",
     {.bits = 4,
      .level = ROMA_LEVEL_TABLE,
      .scale = ROMA_SCALE_F16,
      .group = 64,
      .table = {-127, -88, -67, -50, -36, -23, -12, 0, 10, 20, 31, 43, 56, 71, 92, 127}}},
    /* What GGUF has not: wide groups, ternary, bitsandbytes' fine tables, zero points of their own as GPTQ has them. */
    {"tq2_0", {.bits = 2, .scale = ROMA_SCALE_F16, .group = 256, .zero = 1}},
    {"q2", {.bits = 2, .scale = ROMA_SCALE_F16, .group = 128, .zero = 2}},
    {"q3", {.bits = 3, .scale = ROMA_SCALE_F16, .group = 32, .zero = 4}},
    {"q4_16", {.bits = 4, .scale = ROMA_SCALE_F16, .group = 16, .zero = 8}},
    {"q4_128", {.bits = 4, .scale = ROMA_SCALE_F32, .group = 128, .zero = 8}},
    {"q6", {.bits = 6, .scale = ROMA_SCALE_F16, .group = 64, .zero = 32}},
    {"fine",
     {.bits = 4,
      .level = ROMA_LEVEL_FINE,
      .scale = ROMA_SCALE_F32,
      .group = 64,
      .table = {-511, -356, -268, -202, -145, -95, -47, 0, 41, 82, 126, 172, 225, 287, 369, 511}}},
    {"gptq", {.bits = 4, .scale = ROMA_SCALE_F16, .zeros = ROMA_ZEROS_U4, .group = 128}},
    {"gptq_3", {.bits = 3, .scale = ROMA_SCALE_F16, .zeros = ROMA_ZEROS_U4, .group = 128}},
    {"gptq_8", {.bits = 8, .scale = ROMA_SCALE_F16, .zeros = ROMA_ZEROS_S8, .group = 128}},
};

static const roma_format *format_of(const char *name) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(name, formats[i].name) == 0) return &formats[i].format;
    return NULL;
}

static int write_model(const roma_image *from, const char *path, uint32_t arch, const roma_format *f, uint64_t seed,
                       bool ordered, roma_error *err) {
    static random_model m;
    const roma_tile_source src = {.ctx = &m, .tile = random_tile, .vector = random_vector};
    roma_image_written w;
    random_model_init(&m, arch, *f, seed);
    m.d.hyper.vocab = from->desc.hyper.vocab;
    if (seed % 2) m.d.hyper.rope_dim = 48;
    for (size_t i = 0; i < m.d.n_tensors; i++)
        roma_hyper_shape(&m.d.hyper, m.tensors[i].role, &m.tensors[i].rows, &m.tensors[i].cols);
    if (ordered) random_model_order(&m);
    return roma_image_write(path, &m.d, &from->vocab, "random", &src, NULL, &w, err);
}

int main(int argc, char **argv) {
    roma_image from;
    roma_error err;
    char text[1024];
    if (argc == 2 && strcmp(argv[1], "forms") == 0) {
        for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) puts(formats[i].name);
        return 0;
    }
    const bool ordered = argc == 7 && strcmp(argv[6], "ordered") == 0;
    const roma_format *f = argc == 6 + ordered ? format_of(argv[4]) : NULL;
    const uint32_t arch = argc != 6 + ordered             ? 0
                          : strcmp(argv[3], "llama") == 0 ? ROMA_ARCH_LLAMA
                          : strcmp(argv[3], "qwen2") == 0 ? ROMA_ARCH_QWEN2
                          : strcmp(argv[3], "qwen3") == 0 ? ROMA_ARCH_QWEN3
                                                          : 0;
    if (!f || !arch) {
        fprintf(stderr, "usage: make_random OUT.roma TOKENIZER.roma llama|qwen2|qwen3 FORMAT SEED [ordered]\n");
        return 2;
    }
    int rc = roma_image_open(&from, argv[2], 0, NULL, &err);
    if (!rc) {
        rc = write_model(&from, argv[1], arch, f, strtoull(argv[5], NULL, 10), ordered, &err);
        roma_image_close(&from);
    }
    if (rc) fprintf(stderr, "%s\n", roma_error_format(&err, text, sizeof text));
    return rc != 0;
}
