/* Codes in words of 32 bits with a scale and a zero point for each group: GPTQ, AWQ, compressed-tensors. A weight is
 * (code - zero point) * scale, in FP32, which is the image's own value. Codes of 3 bits, GPTQ's alone, run on from word
 * to word: 32 of them in three. */
#include "hf_packed.h"

static unsigned per_word(const hf_packed *p) { return 32u / p->format.bits; }
static uint32_t word_at(const uint8_t *p, uint64_t i) { return roma_le32(p + 4 * i); }
static unsigned field(const hf_packed *p, uint32_t word, uint64_t i) {
    return word >> p->format.bits * (unsigned)i & ((1u << p->format.bits) - 1);
}

/* Field i of a run of words that stand `stride` words apart. */
static unsigned run_field(const hf_packed *p, const uint8_t *words, uint64_t stride, uint64_t i) {
    const unsigned bits = p->format.bits, shift = (unsigned)(i * bits % 32);
    const uint64_t word = i * bits / 32;
    uint32_t v = word_at(words, word * stride) >> shift;
    if (shift + bits > 32) v |= word_at(words, (word + 1) * stride) << (32 - shift);
    return v & ((1u << bits) - 1);
}

/* Codes of 8 bits are signed in an image; their zero points follow. */
static unsigned in_image(const hf_packed *p, unsigned code) { return p->format.bits == 8 ? code ^ 128u : code; }

/* The file's input that is column i of the image. */
static uint64_t input_of(const hf_packed *p, uint64_t i) { return p->from ? p->from[i] : i; }

/* ---- codes of a row ---- */

/* Words of inputs under each other, a column for each output. */
static void gptq_codes(const hf_packed *p, uint64_t row, uint8_t *out) {
    for (uint64_t i = 0; i < p->cols; i++)
        out[i] = (uint8_t)in_image(p, run_field(p, p->codes + 4 * row, p->rows, input_of(p, i)));
}

/* Eight outputs lie in a word in the order 0 2 4 6 1 3 5 7. */
static const uint8_t awq_place[8] = {0, 4, 1, 5, 2, 6, 3, 7};
static void awq_codes(const hf_packed *p, uint64_t row, uint8_t *out) {
    for (uint64_t i = 0; i < p->cols; i++)
        out[i] = (uint8_t)field(p, word_at(p->codes, i * (p->rows / 8) + row / 8), awq_place[row % 8]);
}

/* Words of inputs along a row. */
static void row_codes(const hf_packed *p, uint64_t row, uint8_t *out) {
    const unsigned n = per_word(p);
    for (uint64_t i = 0; i < p->cols; i++) {
        const uint64_t input = input_of(p, i);
        out[i] = (uint8_t)in_image(p, field(p, word_at(p->codes, row * (p->cols / n) + input / n), input % n));
    }
}

/* ---- scales and zero points ---- */

static uint64_t group_scale(const hf_packed *p, uint64_t row, uint64_t block) { return block * p->rows + row; }
static uint64_t row_scale(const hf_packed *p, uint64_t row, uint64_t block) { return row * p->blocks + block; }

static float read_scale(const hf_packed *p, uint64_t row, uint64_t block) {
    float out;
    p->scale_type->floats(p->scales + p->scale_at(p, row, block) * p->scale_type->bytes, 1, &out);
    return out;
}

/* The first GPTQ form takes one off the words as they are written: borrows stay within the word; of codes of 3 bits off
 * each field. */
static int gptq_zero(const hf_packed *p, uint64_t row, uint64_t block) {
    static const uint32_t ones[] = {[2] = 0x55555555u, [4] = 0x11111111u, [8] = 0x01010101u};
    const unsigned n = per_word(p);
    if (p->format.bits == 3) return (int)(run_field(p, p->zeros + block * p->rows / 8 * 3, 1, row) + p->less_one) & 7;
    const uint32_t word = word_at(p->zeros, block * (p->rows / n) + row / n);
    return (int)field(p, p->less_one ? word + ones[p->format.bits] : word, row % n);
}
static int awq_zero(const hf_packed *p, uint64_t row, uint64_t block) {
    return (int)field(p, word_at(p->zeros, block * (p->rows / 8) + row / 8), awq_place[row % 8]);
}
static int row_zero(const hf_packed *p, uint64_t row, uint64_t block) {
    const unsigned n = per_word(p);
    return (int)field(p, word_at(p->zeros, row / n * p->blocks + block), row % n);
}
static int middle_zero(const hf_packed *p, uint64_t row, uint64_t block) {
    (void)row, (void)block;
    return 1 << (p->format.bits - 1);
}

/* One zero point for the whole matrix, where all are equal, else one for each group and row. */
static void settle_zeros(hf_packed *p) {
    const int first = p->read_zero(p, 0, 0), middle = p->format.bits == 8 ? 128 : 0;
    bool equal = true;
    for (uint64_t b = 0; b < p->blocks && equal; b++)
        for (uint64_t r = 0; r < p->rows && equal; r++) equal = p->read_zero(p, r, b) == first;
    p->format.zero = (int16_t)(equal ? first - middle : 0);
    p->format.zeros = equal ? ROMA_ZEROS_NONE : p->format.bits == 8 ? ROMA_ZEROS_S8 : ROMA_ZEROS_U4;
}

/* ---- a matrix ---- */

/* A matrix of words; rows x cols as the file has it. */
static int words_of(const hf_packing *c, const char *base, const char *suffix, uint64_t rows, uint64_t cols,
                    const uint8_t **out) {
    const st_tensor *t = roma_import_hf_part(c, base, suffix);
    if (!t) return roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "%s is missing", suffix + 1);
    if (t->type != ST_I32)
        return roma_import_hf_packed_bad(c, ROMA_EUNSUPPORTED, base, "%s is %s; I32 is read", suffix + 1,
                                         roma_import_st_type(t->type));
    if (t->n_dims != 2 || t->dim[0] != rows || t->dim[1] != cols)
        return roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "%s is not %llu x %llu", suffix + 1,
                                         (unsigned long long)rows, (unsigned long long)cols);
    *out = t->data;
    return ROMA_OK;
}

static int scales_of(const hf_packing *c, const char *base, const char *suffix, uint64_t rows, uint64_t cols,
                     hf_packed *p) {
    const st_tensor *t = roma_import_hf_part(c, base, suffix);
    if (!t) return roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "%s is missing", suffix + 1);
    if (t->type >= ST_U8)
        return roma_import_hf_packed_bad(c, ROMA_EUNSUPPORTED, base, "%s is %s; F16, BF16 and F32 are read", suffix + 1,
                                         roma_import_st_type(t->type));
    if (t->n_dims != 2 || t->dim[0] != rows || t->dim[1] != cols)
        return roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "%s is not %llu x %llu", suffix + 1,
                                         (unsigned long long)rows, (unsigned long long)cols);
    p->scales = t->data;
    p->scale_type = roma_import_type_get(t->type);
    p->read_scale = read_scale;
    p->format.scale = t->type == 1 ? ROMA_SCALE_F16 : ROMA_SCALE_F32;
    return ROMA_OK;
}

/* Group and block of rows of p->cols: a scale for more than 256 inputs is repeated. */
static int settle_blocks(const hf_packing *c, const char *base, hf_packed *p) {
    const uint64_t group = c->quant->group ? c->quant->group : p->cols;
    uint64_t own = 256;
    while (own > 16 && group % own) own /= 2;
    /* zero points, which lie side by side as outputs do */
    const unsigned in_words = c->quant->bits == 3 ? 32 : 32u / (unsigned)c->quant->bits;
    if (p->rows % in_words)
        return roma_import_hf_packed_bad(c, ROMA_EUNSUPPORTED, base, "%llu rows are no multiple of the %u of %s",
                                         (unsigned long long)p->rows, in_words,
                                         c->quant->bits == 3 ? "three words" : "a word");
    if (!p->rows || !p->cols || p->cols % group || group % own || p->cols % 32)
        return roma_import_hf_packed_bad(c, ROMA_EUNSUPPORTED, base,
                                         "rows of %llu are no multiple of the group of %llu: groups cross rows",
                                         (unsigned long long)p->cols, (unsigned long long)group);
    p->block = (uint32_t)group;
    p->blocks = p->cols / group;
    p->format.bits = (uint8_t)c->quant->bits;
    p->format.group = (uint16_t)own;
    p->code_bytes = p->rows * p->cols * p->format.bits / 8;
    return ROMA_OK;
}

/* Rows and columns out of the shape of the codes. */
static int begin(const hf_packing *c, const char *base, const st_tensor *at, uint64_t rows, uint64_t cols,
                 hf_packed *p) {
    if (at->type != ST_I32 || at->n_dims != 2 || rows > UINT32_MAX || cols > UINT32_MAX)
        return roma_import_hf_packed_bad(c, ROMA_EUNSUPPORTED, base, "its codes are no matrix of I32");
    *p = (hf_packed){.rows = rows, .cols = cols, .codes = at->data, .less_one = c->quant->less_one};
    return settle_blocks(c, base, p);
}

int roma_import_hf_gptq(const hf_packing *c, const char *base, const st_tensor *at, hf_packed *p) {
    if (at->dim[0] * 32 % c->quant->bits)
        return roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "its codes are no whole words");
    int rc = begin(c, base, at, at->dim[1], at->dim[0] * 32 / c->quant->bits, p);
    if (rc) return rc;
    p->form = "GPTQ";
    p->read_codes = gptq_codes;
    p->read_zero = gptq_zero;
    p->scale_at = group_scale;
    rc = scales_of(c, base, ".scales", p->blocks, p->rows, p);
    if (!rc) rc = words_of(c, base, ".qzeros", p->blocks, p->rows * c->quant->bits / 32, &p->zeros);
    if (!rc) rc = roma_import_hf_read_order(c, base, ".g_idx", p);
    if (!rc) settle_zeros(p);
    return rc;
}

int roma_import_hf_awq(const hf_packing *c, const char *base, const st_tensor *at, hf_packed *p) {
    int rc = begin(c, base, at, at->dim[1] * 8, at->dim[0], p);
    if (rc) return rc;
    p->form = "AWQ";
    p->read_codes = awq_codes;
    p->read_zero = awq_zero;
    p->scale_at = group_scale;
    rc = scales_of(c, base, ".scales", p->blocks, p->rows, p);
    if (!rc) rc = words_of(c, base, ".qzeros", p->blocks, p->rows / 8, &p->zeros);
    if (!rc) settle_zeros(p);
    return rc;
}

int roma_import_hf_words(const hf_packing *c, const char *base, const st_tensor *at, hf_packed *p) {
    const uint64_t n = 32 / c->quant->bits;
    int rc = begin(c, base, at, at->dim[0], at->dim[1] * n, p);
    if (rc) return rc;
    p->form = "compressed-tensors, pack-quantized";
    p->read_codes = row_codes;
    p->read_zero = c->quant->symmetric ? middle_zero : row_zero;
    p->scale_at = row_scale;
    roma_import_hf_part(c, base, ".weight_shape"); /* says again what the codes' own shape says */
    rc = scales_of(c, base, ".weight_scale", p->rows, p->blocks, p);
    if (!rc && !c->quant->symmetric) rc = words_of(c, base, ".weight_zero_point", p->rows / n, p->blocks, &p->zeros);
    if (!rc) rc = roma_import_hf_read_order(c, base, ".weight_g_idx", p);
    if (!rc) settle_zeros(p);
    return rc;
}
