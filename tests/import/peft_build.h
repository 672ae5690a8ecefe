/* A small PEFT adapter in memory, and one change to it: what the tests of adapters are about. */
#ifndef ROMA_TEST_PEFT_BUILD_H
#define ROMA_TEST_PEFT_BUILD_H
#include <stdlib.h>
#include <string.h>

#include "roma/import.h"
#include "../adapter/small_base.h"

#define P_CONFIG                                                                                                       \
    "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 8, \"target_modules\": [\"q_proj\", \"v_proj\"], \"bias\": "  \
    "\"none\",\n"                                                                                                      \
    " \"layers_to_transform\": [0], \"modules_to_save\": null, \"use_dora\": false, \"use_rslora\": false, "           \
    "\"rank_pattern\": {},\n"                                                                                          \
    " \"alpha_pattern\": {}, \"init_lora_weights\": true, \"fan_in_fan_out\": false, \"inference_mode\": true}"
#define P_STEM "base_model.model.model.layers.0.self_attn."
#define P_HEADER                                                                                                       \
    "{\"__metadata__\": {\"format\": \"pt\"},"                                                                         \
    " \"" P_STEM "q_proj.lora_A.weight\": {\"dtype\": \"F32\", \"shape\": [2, 64], \"data_offsets\": [0, 512]},"       \
    " \"" P_STEM "q_proj.lora_B.weight\": {\"dtype\": \"F32\", \"shape\": [64, 2], \"data_offsets\": [512, 1024]},"    \
    " \"" P_STEM "v_proj.lora_A.weight\": {\"dtype\": \"F32\", \"shape\": [2, 64], \"data_offsets\": [1024, 1536]},"   \
    " \"" P_STEM "v_proj.lora_B.weight\": {\"dtype\": \"F32\", \"shape\": [32, 2], \"data_offsets\": [1536, 1792]}}"
#define P_DATA 1792u

typedef struct {
    char *config, *file;
    size_t config_bytes, file_bytes;
} p_adapter;

/* text with the first `from` replaced by `to`; "" appends. */
static inline char *p_replace(const char *text, const char *from, const char *to) {
    const char *at = *from ? strstr(text, from) : text + strlen(text);
    char *out = malloc(strlen(text) + strlen(to) + 1);
    if (!at || !out) {
        fprintf(stderr, "no '%s'\n", from);
        abort();
    }
    sprintf(out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

/* op: "c" changes the configuration, "h" the header, "len" the header's length field, "cut" the file's bytes, "tail"
 * adds some, "data" writes the FP32 bits of `to` at byte `from` of the data, "cfgcut" cuts the configuration. Buffers
 * are exactly as large as their content. */
static inline void p_make(p_adapter *p, const char *op, const char *from, const char *to) {
    char *config = strcmp(op, "c") ? p_replace(P_CONFIG, "", "") : p_replace(P_CONFIG, from, to);
    char *header = strcmp(op, "h") ? p_replace(P_HEADER, "", "") : p_replace(P_HEADER, from, to);
    const size_t n = strlen(header), more = strcmp(op, "tail") ? 0 : strtoul(from, NULL, 0);
    p->config = config;
    p->config_bytes = strcmp(op, "cfgcut") ? strlen(config) : strtoul(from, NULL, 0);
    p->file_bytes = 8 + n + P_DATA + more;
    p->file = calloc(p->file_bytes, 1);
    if (!p->file) abort();
    roma_put64((uint8_t *)p->file, strcmp(op, "len") ? n : strtoull(from, NULL, 0));
    memcpy(p->file + 8, header, n);
    for (size_t i = 0; i < P_DATA / 4; i++)
        roma_put32((uint8_t *)p->file + 8 + n + 4 * i,
                   roma_f32_bits((float)((int)(roma_random(7, i) % 2001) - 1000) / 1000));
    if (!strcmp(op, "data"))
        roma_put32((uint8_t *)p->file + 8 + n + strtoul(from, NULL, 0), (uint32_t)strtoul(to, NULL, 0));
    if (!strcmp(op, "cut")) {
        p->file_bytes = from[0] == '-' ? p->file_bytes - strtoul(from + 1, NULL, 0) : strtoul(from, NULL, 0);
        char *tight = malloc(p->file_bytes ? p->file_bytes : 1);
        memcpy(tight, p->file, p->file_bytes);
        free(p->file);
        p->file = tight;
    }
    free(header);
}

static inline void p_free(p_adapter *p) {
    free(p->config);
    free(p->file);
}
#endif
