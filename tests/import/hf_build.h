/* A small Hugging Face folder in memory, in four forms, and one change to it: what the tests of folders are about.
 * Nothing here is shared with the reader. */
#ifndef ROMA_TEST_HF_BUILD_H
#define ROMA_TEST_HF_BUILD_H
#include <stdlib.h>
#include <string.h>

#include "roma/import.h"

/* BPE: one file, byte-level tokenizer.json. SPM: tokenizer.json with byte fallback. MODEL: tokenizer.model. SHARDS: two
 * shards, no tokenizer. */
typedef enum { H_BPE, H_SPM, H_MODEL, H_SHARDS } h_form;

#define H_CONFIG                                                                                                       \
    "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", \"hidden_size\": 32, "                     \
    "\"intermediate_size\": 64,\n"                                                                                     \
    " \"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"num_key_value_heads\": 1, \"vocab_size\": 16,\n"         \
    " \"max_position_embeddings\": 128, \"rms_norm_eps\": 1e-5, \"rope_theta\": 10000.0, \"tie_word_embeddings\": "    \
    "false,\n"                                                                                                         \
    " \"bos_token_id\": 1, \"eos_token_id\": 2, \"torch_dtype\": \"float32\"}"
#define H_ADDED(id, text)                                                                                              \
    "{\"id\": " #id ", \"content\": \"" text "\", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, "      \
    "\"normalized\": false, \"special\": true}"
#define H_BPE_JSON                                                                                                     \
    "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null,\n"                                                \
    " \"added_tokens\": [" H_ADDED(0, "<|endoftext|>") ", " H_ADDED(1, "<|im_start|>") ", " H_ADDED(                   \
        2,                                                                                                             \
        "<|im_end|>") "],\n"                                                                                           \
                      " \"normalizer\": null,\n"                                                                       \
                      " \"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Digits\", "       \
                      "\"individual_digits\": true},\n"                                                                \
                      "  {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, "              \
                      "\"use_regex\": true}]},\n"                                                                      \
                      " \"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": "       \
                      "{\"id\": \"<|im_start|>\", \"type_id\": 0}},\n"                                                 \
                      "  {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}], \"pair\": [], \"special_tokens\": {}},\n"   \
                      " \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, "   \
                      "\"use_regex\": true},\n"                                                                        \
                      " \"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": null, "                       \
                      "\"continuing_subword_prefix\": null, \"end_of_word_suffix\": null,\n"                           \
                      "  \"fuse_unk\": false, \"byte_fallback\": false, \"ignore_merges\": false,\n"                   \
                      "  \"vocab\": {\"<|endoftext|>\": 0, \"<|im_start|>\": 1, \"<|im_end|>\": 2, \"a\": 3, \"b\": "  \
                      "4, \"c\": 5, \"d\": 6, \"ab\": 7,\n"                                                            \
                      "   \"cd\": 8, \"abcd\": 9, \"e\": 10, \"f\": 11, \"ef\": 12, \"g\": 13, \"h\": 14},\n"          \
                      "  \"merges\": [\"a b\", [\"c\", \"d\"], \"ab cd\", \"e f\"]}}"
#define H_MARK "\xe2\x96\x81"
#define H_SPM_JSON                                                                                                     \
    "{\"version\": \"1.0\", \"added_tokens\": [" H_ADDED(0, "<unk>") ", " H_ADDED(1, "<s>") ", " H_ADDED(              \
        2, "</s>") "],\n"                                                                                              \
                   " \"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Prepend\", \"prepend\": " \
                   "\"" H_MARK "\"},\n"                                                                                \
                   "  {\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"" H_MARK "\"}]},\n"     \
                   " \"pre_tokenizer\": null, \"post_processor\": null,\n"                                             \
                   " \"decoder\": {\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Replace\", \"pattern\": "       \
                   "{\"String\": \"" H_MARK "\"}, \"content\": \" \"},\n"                                              \
                   "  {\"type\": \"ByteFallback\"}, {\"type\": \"Fuse\"}, {\"type\": \"Strip\", \"content\": \" \", "  \
                   "\"start\": 1, \"stop\": 0}]},\n"                                                                   \
                   " \"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": \"<unk>\", \"fuse_unk\": true, " \
                   "\"byte_fallback\": true,\n"                                                                        \
                   "  \"vocab\": {\"<unk>\": 0, \"<s>\": 1, \"</s>\": 2, \"<0x00>\": 3, \"<0x0A>\": 4, \"" H_MARK      \
                   "\": 5, \"a\": 6, \"b\": 7, \"" H_MARK "a\": 8,\n"                                                  \
                   "   \"ab\": 9, \"" H_MARK "ab\": 10, \"c\": 11},\n"                                                 \
                   "  \"merges\": [\"" H_MARK " a\", \"a b\", \"" H_MARK "a b\", \"" H_MARK " ab\"]}}"
#define H_BPE_SAYS                                                                                                     \
    "{\"bos_token\": \"<|im_start|>\", \"eos_token\": {\"content\": \"<|im_end|>\", \"lstrip\": false}, "              \
    "\"unk_token\": null,\n"                                                                                           \
    " \"pad_token\": \"<|im_end|>\", \"chat_template\": \"{{ messages[0].content }}\", \"model_max_length\": 128}"
#define H_SPM_SAYS                                                                                                     \
    "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"unk_token\": \"<unk>\", \"add_bos_token\": true, "            \
    "\"add_eos_token\": false,\n"                                                                                      \
    " \"added_tokens_decoder\": {\"13\": {\"content\": \"<tool>\", \"special\": false, \"normalized\": true}},\n"      \
    " \"chat_template\": [{\"name\": \"tool_use\", \"template\": \"no\"}, {\"name\": \"default\", \"template\": \"{{ " \
    "1 }}\"}]}"
#define H_GENERATION "{\"bos_token_id\": 1, \"eos_token_id\": [2, 0], \"temperature\": 1.0}"

typedef struct {
    roma_import_file file[8];
    roma_buf data[8];
    char name[8][40];
    size_t n;
} h_folder;

static inline roma_buf *h_find(h_folder *h, const char *name) {
    for (size_t i = 0; i < h->n; i++)
        if (strcmp(h->name[i], name) == 0) return &h->data[i];
    return NULL;
}

static inline roma_buf *h_add(h_folder *h, const char *name, const char *text) {
    if (h->n == 8) abort();
    snprintf(h->name[h->n], sizeof h->name[0], "%s", name);
    roma_buf *b = &h->data[h->n++];
    roma_buf_append(b, text, strlen(text));
    return b;
}

/* ---- weights ---- */

typedef struct {
    const char *name;
    unsigned rows, cols; /* rows 0: a vector */
} h_tensor;
static const h_tensor h_tensors[] = {{"model.embed_tokens.weight", 16, 32},
                                     {"model.layers.0.input_layernorm.weight", 0, 32},
                                     {"model.layers.0.self_attn.q_proj.weight", 32, 32},
                                     {"model.layers.0.self_attn.k_proj.weight", 16, 32},
                                     {"model.layers.0.self_attn.v_proj.weight", 16, 32},
                                     {"model.layers.0.self_attn.o_proj.weight", 32, 32},
                                     {"model.layers.0.post_attention_layernorm.weight", 0, 32},
                                     {"model.layers.0.mlp.gate_proj.weight", 64, 32},
                                     {"model.layers.0.mlp.up_proj.weight", 64, 32},
                                     {"model.layers.0.mlp.down_proj.weight", 32, 64},
                                     {"model.norm.weight", 0, 32},
                                     {"lm_head.weight", 16, 32}};
#define H_TENSORS 12u

/* Tensors first .. first + n - 1; header: the text of the header, changed by the caller before the file is put
 * together. */
static inline size_t h_header(roma_buf *out, unsigned first, unsigned n) {
    size_t at = 0;
    roma_buf_print(out, "{\"__metadata__\": {\"format\": \"pt\"}");
    for (unsigned i = first; i < first + n; i++) {
        const h_tensor *t = &h_tensors[i];
        const size_t bytes = 4u * (t->rows ? t->rows : 1) * t->cols;
        roma_buf_print(out, ",\n\"%s\": {\"dtype\": \"F32\", \"shape\": [", t->name);
        if (t->rows) roma_buf_print(out, "%u, ", t->rows);
        roma_buf_print(out, "%u], \"data_offsets\": [%zu, %zu]}", t->cols, at, at + bytes);
        at += bytes;
    }
    roma_buf_append(out, "}", 1);
    return at;
}

static inline void h_weights(roma_buf *out, const char *header, size_t len, size_t bytes) {
    roma_buf_le64(out, len);
    roma_buf_append(out, header, len);
    for (size_t i = 0; i < bytes / 4; i++)
        roma_buf_le32(out, roma_f32_bits((float)((int)(roma_random(7, i) % 2001) - 1000) / 1000));
}

/* ---- tokenizer.model ---- */

static inline void h_piece(roma_buf *out, const char *text, float score, uint8_t type) {
    const uint8_t n = (uint8_t)strlen(text), head[] = {0x0a, (uint8_t)(n + 9), 0x0a, n};
    roma_buf_append(out, head, 4);
    roma_buf_append(out, text, n);
    roma_buf_append(out, "\x15", 1);
    roma_buf_le32(out, roma_f32_bits(score));
    roma_buf_append(out, (const uint8_t[]){0x18, type}, 2);
}

static inline void h_model(roma_buf *out) {
    static const struct {
        const char *text;
        uint8_t type;
    } pieces[] = {{"<unk>", 2}, {"<s>", 3}, {"</s>", 3}, {"<0x00>", 6},   {"<0x0A>", 6},
                  {H_MARK, 1},  {"a", 1},   {"b", 1},    {H_MARK "a", 1}, {"ab", 1}};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) h_piece(out, pieces[i].text, -(float)i, pieces[i].type);
    roma_buf_append(out, "\x12\x02\x18\x02", 4); /* trainer: BPE */
    roma_buf_append(out, "\x1a\x06\x18\x01\x20\x00\x28\x01",
                    8); /* normalizer: a mark first, spaces stay, and are marked */
}

/* ---- the folder ---- */

/* One change: `from` replaced by `to` in a file's text, once ("" as from: appended; "@N": byte N becomes the bytes that
 * `to` writes in hexadecimal; "#N": the file is cut to N bytes; "-": the file is gone; "+": a file of that name with
 * the text `to` comes). In model.safetensors the header is what changes, and its length follows; with "@" and "#" the
 * file. */
typedef struct {
    const char *file, *from, *to;
} h_change;

static inline void h_apply(roma_buf *b, const h_change *c) {
    if (c->from[0] == '#') {
        b->len = strtoul(c->from + 1, NULL, 10);
        return;
    }
    if (c->from[0] == '@') {
        size_t at = strtoul(c->from + 1, NULL, 10);
        for (const char *p = c->to; p[0] && p[1]; p += 2) {
            const char pair[3] = {p[0], p[1], 0};
            if (at >= b->len) abort();
            b->data[at++] = (uint8_t)strtoul(pair, NULL, 16);
        }
        return;
    }
    roma_buf out = {0};
    roma_buf_append(b, "", 1);
    char *text = (char *)b->data, *at = *c->from ? strstr(text, c->from) : text + strlen(text);
    if (!at) {
        fprintf(stderr, "%s: no '%s'\n", c->file, c->from);
        abort();
    }
    roma_buf_append(&out, text, (size_t)(at - text));
    roma_buf_append(&out, c->to, strlen(c->to));
    roma_buf_append(&out, at + strlen(c->from), strlen(at + strlen(c->from)));
    roma_buf_destroy(b);
    *b = out;
}

static inline bool h_is_of_file(const h_change *c) { return c->from[0] == '@' || c->from[0] == '#'; }

static inline void h_shard(h_folder *h, const char *name, unsigned first, unsigned n, const h_change *c) {
    roma_buf header = {0};
    const size_t bytes = h_header(&header, first, n);
    const bool mine = c && strcmp(c->file, name) == 0;
    if (mine && !h_is_of_file(c) && c->from[0] != '-') h_apply(&header, c);
    roma_buf *b = h_add(h, name, "");
    h_weights(b, (const char *)header.data, header.len, bytes);
    if (mine && h_is_of_file(c)) h_apply(b, c);
    roma_buf_destroy(&header);
}

static inline void h_index(h_folder *h) {
    roma_buf *b = h_add(h, "model.safetensors.index.json", "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {");
    for (unsigned i = 0; i < H_TENSORS; i++)
        roma_buf_print(b, "%s\"%s\": \"part-%u.safetensors\"", i ? ",\n" : "", h_tensors[i].name, i < 5 ? 1 : 2);
    roma_buf_print(b, "}}");
}

static inline void h_files(h_folder *h, h_form form) {
    h_add(h, "config.json", H_CONFIG);
    switch (form) {
    case H_BPE:
        h_add(h, "tokenizer.json", H_BPE_JSON);
        h_add(h, "tokenizer_config.json", H_BPE_SAYS);
        h_add(h, "generation_config.json", H_GENERATION);
        break;
    case H_SPM:
        h_add(h, "tokenizer.json", H_SPM_JSON);
        h_add(h, "tokenizer_config.json", H_SPM_SAYS);
        break;
    case H_MODEL:
        h_model(h_add(h, "tokenizer.model", ""));
        h_add(h, "tokenizer_config.json", H_SPM_SAYS);
        break;
    case H_SHARDS: h_index(h); break;
    }
}

/* c NULL: no change. Buffers are exactly as large as their content. */
static inline void h_make(h_folder *h, h_form form, const h_change *c) {
    memset(h, 0, sizeof *h);
    h_files(h, form);
    if (form == H_SHARDS) {
        h_shard(h, "part-1.safetensors", 0, 5, c);
        h_shard(h, "part-2.safetensors", 5, H_TENSORS - 5, c);
    } else {
        h_shard(h, "model.safetensors", 0, H_TENSORS, c);
    }
    if (c && c->from[0] == '+') {
        h_add(h, c->file, c->to);
    } else if (c && strcmp(c->from, "-") == 0) {
        h_find(h, c->file); /* its name goes */
        for (size_t i = 0; i < h->n; i++)
            if (strcmp(h->name[i], c->file) == 0) strcpy(h->name[i], "-");
    } else if (c && !strstr(c->file, ".safetensors")) {
        h_apply(h_find(h, c->file), c);
    } else if (c && strstr(c->file, ".index.json")) {
        h_apply(h_find(h, c->file), c);
    }
    for (size_t i = 0; i < h->n; i++) {
        uint8_t *tight = malloc(h->data[i].len ? h->data[i].len : 1);
        if (!tight) abort();
        if (h->data[i].len) memcpy(tight, h->data[i].data, h->data[i].len);
        h->file[i] = (roma_import_file){h->name[i], tight, h->data[i].len};
    }
}

static inline void h_free(h_folder *h) {
    for (size_t i = 0; i < h->n; i++) {
        free((void *)(uintptr_t)h->file[i].data);
        roma_buf_destroy(&h->data[i]);
    }
}
#endif
