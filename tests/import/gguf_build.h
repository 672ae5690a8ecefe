/* Makes GGUF files for tests: small models of each architecture, and every way to spoil them. Nothing here is shared
 * with the reader. Values are written as text: "u32 7", "f32 1e-5", "bool 1", "str abc", "[i32] 1 2 3",
 * "[str] a&b&c", "hexTYPE 00ff..". */
#ifndef ROMA_TEST_GGUF_BUILD_H
#define ROMA_TEST_GGUF_BUILD_H
#include <stdlib.h>
#include <string.h>
#include "roma/import.h"

enum { B_U8, B_I8, B_U16, B_I16, B_U32, B_I32, B_F32, B_BOOL, B_STR, B_ARR, B_U64, B_I64, B_F64 };

typedef struct {
    char key[80];
    uint32_t type;
    uint64_t at; /* where b_write put it */
    roma_buf value;
} b_key;

typedef struct {
    char name[80];
    uint32_t type, n_dims;
    uint64_t dim[4], offset, bytes, at;
    bool offset_set;
    roma_buf data;
} b_tensor;

typedef struct {
    uint32_t version;
    uint64_t align;
    b_key key[64];
    unsigned n_keys;
    b_tensor tensor[96];
    unsigned n_tensors;
} b_file;

static const char *const b_types[] = {"u8",   "i8",  "u16", "i16", "u32", "i32", "f32",
                                      "bool", "str", "arr", "u64", "i64", "f64"};

/* ggml type -> elements and bytes of a block, from the format's description */
static const struct {
    uint32_t type, block, bytes;
} b_sizes[] = {{0, 1, 4},    {1, 1, 2},      {2, 32, 18},    {3, 32, 20},    {6, 32, 22},    {7, 32, 24},
               {8, 32, 34},  {10, 256, 84},  {11, 256, 110}, {12, 256, 144}, {13, 256, 176}, {14, 256, 210},
               {20, 32, 18}, {23, 256, 136}, {30, 1, 2},     {34, 256, 54},  {35, 256, 66},  {39, 32, 17}};

static inline int b_type(const char *word, size_t len) {
    for (int i = 0; i < 13; i++)
        if (strlen(b_types[i]) == len && memcmp(b_types[i], word, len) == 0) return i;
    abort();
}

static inline void b_string(roma_buf *b, const char *text, size_t len) {
    roma_buf_le64(b, len);
    roma_buf_append(b, text, len);
}

static inline void b_scalar(roma_buf *b, int type, const char *text) {
    const uint64_t v = text[0] == '-' ? (uint64_t)strtoll(text, NULL, 0) : strtoull(text, NULL, 0);
    const float f = strtof(text, NULL);
    const double d = strtod(text, NULL);
    const uint8_t byte = (uint8_t)v;
    uint32_t bits;
    uint64_t wide;
    memcpy(&bits, &f, 4);
    memcpy(&wide, &d, 8);
    switch (type) {
    case B_U8:
    case B_I8:
    case B_BOOL: roma_buf_append(b, &byte, 1); break;
    case B_U16:
    case B_I16: roma_buf_le16(b, (uint16_t)v); break;
    case B_U32:
    case B_I32: roma_buf_le32(b, (uint32_t)v); break;
    case B_F32: roma_buf_le32(b, bits); break;
    case B_F64: roma_buf_le64(b, wide); break;
    default: roma_buf_le64(b, v);
    }
}

static inline void b_long(roma_buf *b, uint64_t n) {
    roma_buf_le64(b, n);
    while (n--) roma_buf_append(b, "a", 1);
}

/* "@N" among strings is one of N bytes. "[type] a b c" or "[str] a&b&c" */
static inline void b_array(roma_buf *b, const char *text) {
    const char *end = strchr(text, ']'), *p = end + (end[1] == ' ' ? 2 : 1);
    const int type = b_type(text + 1, (size_t)(end - text - 1));
    const char sep = type == B_STR ? '&' : ' ';
    roma_buf body = {0};
    uint64_t n = 0;
    while (*p) {
        const size_t len = strchr(p, sep) ? (size_t)(strchr(p, sep) - p) : strlen(p);
        if (type == B_STR && *p == '@')
            b_long(&body, strtoull(p + 1, NULL, 10));
        else if (type == B_STR)
            b_string(&body, p, len);
        else
            b_scalar(&body, type, p);
        p += len + (p[len] == sep);
        n++;
    }
    roma_buf_le32(b, (uint32_t)type);
    roma_buf_le64(b, n);
    roma_buf_append(b, body.data, body.len);
    roma_buf_destroy(&body);
}

static inline void b_hex(roma_buf *b, const char *text) {
    for (; text[0] && text[1]; text += 2) {
        const char pair[3] = {text[0], text[1], 0};
        const uint8_t byte = (uint8_t)strtoul(pair, NULL, 16);
        roma_buf_append(b, &byte, 1);
    }
}

static inline void b_value(b_key *k, const char *text) {
    k->value.len = 0;
    if (text[0] == '[') {
        k->type = B_ARR;
        b_array(&k->value, text);
        return;
    }
    const char *blank = strchr(text, ' ');
    if (strncmp(text, "hex", 3) == 0) { /* "hexTYPE bytes" */
        k->type = (uint32_t)strtoul(text + 3, NULL, 10);
        b_hex(&k->value, blank + 1);
        return;
    }
    k->type = (uint32_t)b_type(text, (size_t)(blank - text));
    if (k->type == B_STR)
        b_string(&k->value, blank + 1, strlen(blank + 1));
    else
        b_scalar(&k->value, (int)k->type, blank + 1);
}

static inline b_key *b_find(b_file *f, const char *key) {
    for (unsigned i = 0; i < f->n_keys; i++)
        if (strcmp(f->key[i].key, key) == 0) return &f->key[i];
    return NULL;
}

static inline b_key *b_add(b_file *f, const char *key, const char *value) {
    if (f->n_keys == 64) abort();
    b_key *k = &f->key[f->n_keys++];
    memset(k, 0, sizeof *k);
    snprintf(k->key, sizeof k->key, "%.79s", key);
    b_value(k, value);
    return k;
}

static inline void b_set(b_file *f, const char *key, const char *value) {
    b_key *k = b_find(f, key);
    if (k)
        b_value(k, value);
    else
        b_add(f, key, value);
}

static inline void b_drop(b_file *f, const char *key) {
    b_key *k = b_find(f, key);
    if (!k) abort();
    roma_buf_destroy(&k->value);
    *k = f->key[--f->n_keys];
}

static inline b_tensor *b_tensor_find(b_file *f, const char *name) {
    for (unsigned i = 0; i < f->n_tensors; i++)
        if (strcmp(f->tensor[i].name, name) == 0) return &f->tensor[i];
    return NULL;
}

/* Fills data by the tensor's dims and type: bytes of a counter; FP16 scale fields and floats stay finite. */
static inline void b_fill(b_tensor *t) {
    size_t k = 0;
    while (b_sizes[k].type != t->type) k++;
    uint64_t n = 1;
    for (unsigned i = 0; i < t->n_dims; i++) n *= t->dim[i];
    t->bytes = n / b_sizes[k].block * b_sizes[k].bytes;
    t->data.len = 0;
    for (uint64_t i = 0; i < t->bytes; i++) {
        uint8_t byte = (uint8_t)(i * 37 + 11);
        if (b_sizes[k].block > 1 || t->type == 1) byte &= 0x3b; /* no FP16 with all exponent bits */
        if (t->type == 30 && i % 2) byte = 0x3f;
        if (t->type == 0) byte = i % 4 == 3 ? 0x3f : i % 4 == 2 ? 0x80 : 0;
        roma_buf_append(&t->data, &byte, 1);
    }
}

static inline b_tensor *b_tensor_add(b_file *f, const char *name, uint32_t type, uint64_t d0, uint64_t d1) {
    if (f->n_tensors == 96) abort();
    b_tensor *t = &f->tensor[f->n_tensors++];
    memset(t, 0, sizeof *t);
    snprintf(t->name, sizeof t->name, "%.79s", name);
    t->type = type;
    t->n_dims = d1 ? 2 : 1;
    t->dim[0] = d0;
    t->dim[1] = d1 ? d1 : 1;
    t->dim[2] = t->dim[3] = 1;
    b_fill(t);
    return t;
}

/* ---- models -------------------------------------------------------------------------------------------- */

typedef struct {
    const char *arch;
    uint32_t hidden, ffn, heads, kv, dim, layers;
    uint32_t type; /* of the matrices */
    bool spm, tokenizer;
} b_shape;

#define B_BPE_TOKENS "[str] <|endoftext|>&<|im_start|>&<|im_end|>&a&b&c&d&ab&cd&abcd&e&f&ef&g&h&gh"
#define B_VOCAB 16
#define B_SPM_TOKENS "[str] <unk>&<s>&</s>&<0x00>&<0x0A>&<0xFF>&\xe2\x96\x81&a&b&ab&c&d&e&f&g&h"

static inline void b_tokenizer(b_file *f, bool spm) {
    b_add(f, "tokenizer.ggml.model", spm ? "str llama" : "str gpt2");
    b_add(f, "tokenizer.ggml.pre", spm ? "str default" : "str smollm");
    b_add(f, "tokenizer.ggml.tokens", spm ? B_SPM_TOKENS : B_BPE_TOKENS);
    b_add(f, "tokenizer.ggml.token_type",
          spm ? "[i32] 2 3 3 6 6 6 1 1 1 1 1 1 1 1 1 1" : "[i32] 3 3 3 1 1 1 1 1 1 1 1 1 1 1 1 1");
    if (spm)
        b_add(f, "tokenizer.ggml.scores", "[f32] 0 0 0 0 0 0 -1 -2 -3 -4 -5 -6 -7 -8 -9 -10");
    else
        b_add(f, "tokenizer.ggml.merges", "[str] a b&c d&ab cd&e f&g h");
    b_add(f, "tokenizer.ggml.bos_token_id", "u32 1");
    b_add(f, "tokenizer.ggml.eos_token_id", "u32 2");
    b_add(f, "tokenizer.ggml.unknown_token_id", "u32 0");
    b_add(f, "tokenizer.ggml.padding_token_id", "u32 2");
    b_add(f, "tokenizer.ggml.add_bos_token", spm ? "bool 1" : "bool 0");
    b_add(f, "tokenizer.chat_template",
          "str {% for m in messages %}<|im_start|>{{m.role}}\n{{m.content}}<|im_end|>\n{% endfor %}");
}

static inline void b_number(b_file *f, const char *arch, const char *key, uint64_t v) {
    char name[80], text[32];
    snprintf(name, sizeof name, "%s.%s", arch, key);
    snprintf(text, sizeof text, "u32 %llu", (unsigned long long)v);
    b_add(f, name, text);
}

static inline void b_layer(b_file *f, const b_shape *s, uint32_t l) {
    char name[80];
    const uint32_t q = s->heads * s->dim, kv = s->kv * s->dim;
    const struct {
        const char *name, *archs;
        uint32_t d0, d1;
    } t[] = {{"attn_norm.weight", "llama qwen2 qwen3", s->hidden, 0},
             {"attn_q.weight", "llama qwen2 qwen3", s->hidden, q},
             {"attn_k.weight", "llama qwen2 qwen3", s->hidden, kv},
             {"attn_v.weight", "llama qwen2 qwen3", s->hidden, kv},
             {"attn_output.weight", "llama qwen2 qwen3", q, s->hidden},
             {"attn_q.bias", "qwen2", q, 0},
             {"attn_k.bias", "qwen2", kv, 0},
             {"attn_v.bias", "qwen2", kv, 0},
             {"attn_q_norm.weight", "qwen3", s->dim, 0},
             {"attn_k_norm.weight", "qwen3", s->dim, 0},
             {"ffn_norm.weight", "llama qwen2 qwen3", s->hidden, 0},
             {"ffn_gate.weight", "llama qwen2 qwen3", s->hidden, s->ffn},
             {"ffn_up.weight", "llama qwen2 qwen3", s->hidden, s->ffn},
             {"ffn_down.weight", "llama qwen2 qwen3", s->ffn, s->hidden}};
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        if (!strstr(t[i].archs, s->arch)) continue;
        snprintf(name, sizeof name, "blk.%u.%s", l, t[i].name);
        b_tensor_add(f, name, t[i].d1 ? s->type : 0, t[i].d0, t[i].d1);
    }
}

static inline void b_model(b_file *f, const b_shape *s) {
    memset(f, 0, sizeof *f);
    f->version = 3;
    f->align = 32;
    char text[64];
    snprintf(text, sizeof text, "str %s", s->arch);
    b_add(f, "general.architecture", text);
    b_add(f, "general.name", "str Test \xc3\xa9 model");
    b_add(f, "general.license", "str mit");
    b_number(f, s->arch, "block_count", s->layers);
    b_number(f, s->arch, "context_length", 128);
    b_number(f, s->arch, "embedding_length", s->hidden);
    b_number(f, s->arch, "feed_forward_length", s->ffn);
    b_number(f, s->arch, "attention.head_count", s->heads);
    b_number(f, s->arch, "attention.head_count_kv", s->kv);
    b_number(f, s->arch, "attention.key_length", s->dim);
    b_number(f, s->arch, "attention.value_length", s->dim);
    b_number(f, s->arch, "rope.dimension_count", s->dim);
    snprintf(text, sizeof text, "%s.rope.freq_base", s->arch);
    b_add(f, text, "f32 10000");
    snprintf(text, sizeof text, "%s.attention.layer_norm_rms_epsilon", s->arch);
    b_add(f, text, "f32 1e-5");
    if (s->tokenizer) b_tokenizer(f, s->spm);
    b_tensor_add(f, "token_embd.weight", s->type, s->hidden, B_VOCAB);
    for (uint32_t l = 0; l < s->layers; l++) b_layer(f, s, l);
    b_tensor_add(f, "output_norm.weight", 0, s->hidden, 0);
}

static inline void b_free(b_file *f) {
    for (unsigned i = 0; i < f->n_keys; i++) roma_buf_destroy(&f->key[i].value);
    for (unsigned i = 0; i < f->n_tensors; i++) roma_buf_destroy(&f->tensor[i].data);
}

static inline uint64_t b_round(uint64_t n, uint64_t a) { return (n + a - 1) / a * a; }

static inline void b_write(b_file *f, roma_buf *out) {
    out->len = 0;
    roma_buf_append(out, "GGUF", 4);
    roma_buf_le32(out, f->version);
    roma_buf_le64(out, f->n_tensors);
    roma_buf_le64(out, f->n_keys);
    for (unsigned i = 0; i < f->n_keys; i++) {
        f->key[i].at = out->len;
        b_string(out, f->key[i].key, strlen(f->key[i].key));
        roma_buf_le32(out, f->key[i].type);
        roma_buf_append(out, f->key[i].value.data, f->key[i].value.len);
    }
    uint64_t at = 0;
    for (unsigned i = 0; i < f->n_tensors; i++) {
        b_tensor *t = &f->tensor[i];
        t->at = out->len;
        b_string(out, t->name, strlen(t->name));
        roma_buf_le32(out, t->n_dims);
        for (unsigned k = 0; k < t->n_dims; k++) roma_buf_le64(out, k < 4 ? t->dim[k] : 1);
        roma_buf_le32(out, t->type);
        roma_buf_le64(out, t->offset_set ? t->offset : at);
        at = b_round(at + t->bytes, f->align);
    }
    static const uint8_t zero[65536];
    for (unsigned i = 0; i < f->n_tensors; i++) {
        roma_buf_append(out, zero, b_round(out->len, f->align) - out->len);
        roma_buf_append(out, f->tensor[i].data.data, f->tensor[i].data.len);
    }
    if (out->failed) abort();
}

static inline b_shape b_small(const char *arch) {
    return (b_shape){.arch = arch,
                     .hidden = 64,
                     .ffn = 96,
                     .heads = 4,
                     .kv = 2,
                     .dim = 16,
                     .layers = 2,
                     .type = 8,
                     .tokenizer = true};
}
#endif
