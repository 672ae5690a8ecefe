/* Small images of every kind, the same on every run: what the tests of this folder are about. */
#ifndef ROMA_TEST_FIXTURE_H
#define ROMA_TEST_FIXTURE_H
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "roma/image.h"

#define FIXTURE_TOKENS 40

typedef struct {
    roma_description d;
    roma_image_tensor tensors[64];
    roma_vocab vocab;
    uint32_t text_off[FIXTURE_TOKENS + 1], merges[6];
    uint8_t type[FIXTURE_TOKENS];
    float score[FIXTURE_TOKENS];
    char text[8 * FIXTURE_TOKENS];
    bool with_vocab, poison; /* poison: a scale of the last matrix is infinite */
} fixture;

/* Formats as the GGUF types make them. */
static const roma_format fixture_formats[] = {
    {.bits = 4, .scale = ROMA_SCALE_F16, .group = 32, .zero = 8},                         /* Q4_0 */
    {.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32},             /* Q4_1 */
    {.bits = 5, .scale = ROMA_SCALE_F16, .group = 32, .zero = 16},                        /* Q5_0 */
    {.bits = 8, .scale = ROMA_SCALE_F16, .group = 32},                                    /* Q8_0 */
    {.bits = 2, .scale = ROMA_SCALE_U4, .min = ROMA_SCALE_U4, .group = 16, .super = 256}, /* Q2_K */
    {.bits = 3, .scale = ROMA_SCALE_S6, .group = 16, .super = 256, .zero = 4},            /* Q3_K */
    {.bits = 4, .scale = ROMA_SCALE_U6, .min = ROMA_SCALE_U6, .group = 32, .super = 256}, /* Q4_K */
    {.bits = 5, .scale = ROMA_SCALE_U6, .min = ROMA_SCALE_U6, .group = 32, .super = 256}, /* Q5_K */
    {.bits = 6, .scale = ROMA_SCALE_S8, .group = 16, .super = 256, .zero = 32},           /* Q6_K */
    {.bits = 4,
     .level = ROMA_LEVEL_TABLE,
     .scale = ROMA_SCALE_F16,
     .group = 32,
     .table = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}}, /* IQ4_NL */
    {.bits = 4,
     .level = ROMA_LEVEL_TABLE,
     .scale = ROMA_SCALE_S6,
     .group = 32,
     .super = 256,
     .table = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}}, /* IQ4_XS */
    {.bits = 6, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 64},
    {.bits = 2, .scale = ROMA_SCALE_F16, .group = 128, .zero = 1},
    {.bits = 3, .scale = ROMA_SCALE_U4, .group = 256, .super = 256, .zero = 3},
    {.bits = 4,
     .level = ROMA_LEVEL_FINE,
     .scale = ROMA_SCALE_F32,
     .group = 64,
     .table = {-511, -356, -268, -202, -145, -95, -47, 0, 41, 82, 126, 172, 225, 287, 369, 511}}, /* NF4 */
    {.bits = 4, .scale = ROMA_SCALE_F16, .group = 128, .zeros = ROMA_ZEROS_U4},                   /* AWQ */
    {.bits = 8, .scale = ROMA_SCALE_F32, .group = 64, .zeros = ROMA_ZEROS_S8},
};
#define FIXTURE_FORMATS (sizeof fixture_formats / sizeof *fixture_formats)

static inline void fixture_tile(void *ctx, size_t tensor, uint64_t tile, uint8_t *out) {
    const fixture *x = ctx;
    const roma_image_tensor *t = &x->tensors[tensor];
    const roma_format *f = &t->format;
    uint8_t code[1024];
    uint16_t s[4][64];
    float scale32[64];
    uint8_t zeros[64];
    const roma_row row = {code, s[0], s[1], s[2], s[3], scale32, zeros};
    const unsigned form_max = f->scale == ROMA_SCALE_U4 ? 15 : f->scale == ROMA_SCALE_S8 ? 255 : 63;
    for (unsigned r = 0; r < ROMA_TILE_ROWS && tile * ROMA_TILE_ROWS + r < t->rows; r++) {
        const uint64_t key = tensor << 32 | (tile * ROMA_TILE_ROWS + r);
        for (unsigned i = 0; i < t->cols; i++) code[i] = (uint8_t)(roma_random(key, i) & ((1u << f->bits) - 1));
        for (unsigned k = 0; k < 4; k++)
            for (unsigned g = 0; g < 64; g++) {
                /* Any finite f16 of moderate size: what counts here is the bits. */
                const unsigned v = (unsigned)roma_random(key, 5000 + 64 * k + g);
                s[k][g] = (uint16_t)(k < 2 && f->super ? v % (form_max + 1) : (v & 0x83ff) | (8 + v % 9) << 10);
            }
        for (unsigned g = 0; g < 64; g++) {
            scale32[g] = (float)(int32_t)roma_random(key, 6000 + g) * 0x1p-40f;
            zeros[g] = (uint8_t)(roma_random(key, 7000 + g) & (f->zeros == ROMA_ZEROS_U4 ? 15 : 255));
        }
        if (x->poison && tensor + 1 == x->d.n_tensors) scale32[0] = roma_f32_from_bits(0x7f800000);
        if (x->poison && tensor + 1 == x->d.n_tensors) s[f->super ? 2 : 0][0] = 0x7c00;
        roma_tile_put_row(f, t->cols, out, r, &row);
    }
}

static inline void fixture_vector(void *ctx, size_t tensor, float *out) {
    const fixture *x = ctx;
    for (unsigned i = 0; i < x->tensors[tensor].cols; i++)
        out[i] = (float)(roma_random(tensor, i) >> 40) * 0x1p-24f - 0.5f;
}

/* Tokens: the letters, then pairs that merges make (BPE), or bytes "<0xNN>" (SentencePiece); three control tokens. */
static inline void fixture_vocab(fixture *x, uint32_t kind) {
    static const char *const pairs[] = {"ab", "cd", "abcd"};
    static const uint32_t merges[] = {0, 1, 2, 3, 26, 27};
    char *p = x->text;
    for (uint32_t i = 0; i < FIXTURE_TOKENS; i++) {
        x->text_off[i] = (uint32_t)(p - x->text);
        x->type[i] = ROMA_TT_NORMAL;
        x->score[i] = -(float)i;
        if (i < 26) {
            *p++ = (char)('a' + i);
        } else if (i < 29) {
            p += sprintf(p, "%s", pairs[i - 26]);
        } else if (i < 32) {
            p += sprintf(p, "<%u>", i);
            x->type[i] = ROMA_TT_CONTROL;
        } else if (kind == ROMA_TOK_SPM) {
            p += sprintf(p, "<0x%02X>", i);
            x->type[i] = ROMA_TT_BYTE;
        } else {
            p += sprintf(p, "x%u", i);
        }
    }
    x->text_off[FIXTURE_TOKENS] = (uint32_t)(p - x->text);
    memcpy(x->merges, merges, sizeof merges);
    x->vocab = (roma_vocab){.kind = kind,
                            .pre = kind == ROMA_TOK_BPE ? ROMA_PRE_GPT2 : ROMA_PRE_NONE,
                            .n_tokens = FIXTURE_TOKENS,
                            .text_off = x->text_off,
                            .text = x->text,
                            .type = x->type,
                            .bos = 29,
                            .eos = 30,
                            .unk = 31,
                            .pad = -1,
                            .n_eog = 1,
                            .eog = {30},
                            .add_bos = 1,
                            .template_kind = ROMA_TEMPLATE_CHATML};
    if (kind == ROMA_TOK_SPM) {
        static const char jinja[] = "{% for m in messages %}{{ m.content }}{% endfor %}";
        x->vocab.score = x->score;
        x->vocab.template_kind = ROMA_TEMPLATE_NONE;
        x->vocab.template_text = jinja;
        x->vocab.template_bytes = sizeof jinja - 1;
    }
    if (kind == ROMA_TOK_BPE) x->vocab.merges = x->merges, x->vocab.n_merges = 3;
    x->with_vocab = true;
}

static inline void fixture_add(fixture *x, uint32_t role, uint32_t layer, const roma_format *f) {
    roma_image_tensor *t = &x->tensors[x->d.n_tensors];
    *t = (roma_image_tensor){.role = role, .layer = layer, .tie = -1, .is_vector = !roma_tensor_role_is_matrix(role)};
    if (!roma_hyper_shape(&x->d.hyper, role, &t->rows, &t->cols)) return;
    if (!t->is_vector) t->format = *f;
    x->d.n_tensors++;
}

/* first: the format of the first matrix; the others take the following ones, as far as rows of `width` allow. */
static inline void fixture_init(fixture *x, uint32_t arch, uint32_t width, size_t first, uint32_t vocab_kind) {
    memset(x, 0, sizeof *x);
    roma_hyper *h = &x->d.hyper;
    *h = (roma_hyper){.arch = arch,
                      .layers = width > 64 ? 1 : 2,
                      .hidden = width,
                      .ffn = 2 * width,
                      .heads = 2,
                      .kv_heads = 1,
                      .head_dim = width / 2,
                      .rope_dim = width / 2,
                      .vocab = FIXTURE_TOKENS + 5,
                      .context = 512,
                      .rms_eps = 1e-5f};
    for (uint32_t i = 0; i < h->rope_dim / 2; i++) h->rope_phase[i] = roma_random(7, i);
    strcpy(x->d.name, "A small model");
    strcpy(x->d.license, "Apache-2.0");
    x->d.tensors = x->tensors;
    if (vocab_kind) fixture_vocab(x, vocab_kind);
    size_t next = first;
    for (uint32_t role = 1; role < ROMA_W_END; role++)
        for (uint32_t l = 0; l < (roma_tensor_role_is_layered(role) ? h->layers : 1); l++) {
            if (role == ROMA_W_HEAD) continue; /* tied, below */
            if (role >= ROMA_W_O_BIAS && arch != ROMA_ARCH_QWEN3) continue;
            if (role == ROMA_W_Q_BIAS && arch == ROMA_ARCH_LLAMA && l) continue; /* optional: one is absent */
            while (roma_format_check(&fixture_formats[next % FIXTURE_FORMATS], width, NULL)) next++;
            fixture_add(x, role, l, &fixture_formats[next % FIXTURE_FORMATS]);
            next += roma_tensor_role_is_matrix(role);
        }
    roma_image_tensor *head = &x->tensors[x->d.n_tensors++], *embed = x->tensors;
    *head = *embed;
    head->role = ROMA_W_HEAD;
    head->tie = 0;
}

/* An order of columns for q and k together, one for o and a folded one for down, of layer 0. */
static inline void fixture_order(fixture *x) {
    static uint32_t from[3][2048];
    static roma_order orders[3];
    for (size_t i = 0; i < x->d.n_tensors; i++) {
        roma_image_tensor *t = &x->tensors[i];
        const unsigned n = t->role == ROMA_W_Q || t->role == ROMA_W_K ? 0
                           : t->role == ROMA_W_O                      ? 1
                           : t->role == ROMA_W_DOWN                   ? 2
                                                                      : 3;
        if (n == 3 || t->layer) continue;
        const uint32_t cols = (uint32_t)t->cols;
        for (uint32_t k = 0; k < cols; k++) from[n][k] = (k * 5 + n + 1) % cols; /* cols is a power of two */
        orders[n] = (roma_order){cols, n == 2, from[n]};
        t->order = &orders[n];
    }
}

static inline int fixture_write(fixture *x, const char *path, roma_image_written *out, roma_error *err) {
    const roma_tile_source source = {.ctx = x, .tile = fixture_tile, .vector = fixture_vector};
    return roma_image_write(path, &x->d, x->with_vocab ? &x->vocab : NULL, "made by the tests", &source, NULL, out,
                            err);
}

/* A whole file, 64-byte aligned, with `room` spare bytes behind it; NULL on failure. Freed with free. */
static inline uint8_t *fixture_load(const char *path, size_t room, size_t *size) {
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *data = aligned_alloc(64, (*size + room + 63) & ~(size_t)63);
    if (data && fread(data, 1, *size, f) != *size) {
        free(data);
        data = NULL;
    }
    fclose(f);
    return data;
}

/* CRCs of the table, the sections and the header made right again after a change; safe on any bytes. The hash stays
 * wrong, which only roma_image_verify sees, unless `hash`. */
static inline void fixture_mend(uint8_t *data, size_t size, bool hash) {
    if (size < 128) return;
    const uint32_t n = roma_le32(data + 24);
    if (n > 64 || 128 + 32 * (size_t)n > size) return;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *e = data + 128 + 32 * i;
        const uint64_t offset = roma_le64(e + 8), bytes = roma_le64(e + 16);
        if (offset <= size && bytes <= size - offset) roma_put32(e + 24, roma_crc32c(0, data + offset, (size_t)bytes));
    }
    roma_put32(data + 28, roma_crc32c(0, data + 128, 32 * (size_t)n));
    roma_put32(data + 84, roma_crc32c(0, data, 84));
    if (hash) {
        roma_sha256 h;
        memset(data + 88, 0, 40);
        roma_sha256_init(&h);
        roma_sha256_update(&h, data, size);
        roma_sha256_final(&h, data + 88);
    }
    roma_put32(data + 124, roma_crc32c(0, data + 88, 36));
}
#endif
