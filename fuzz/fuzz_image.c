/* libFuzzer target: a ROM image is opened with and without its CRCs, and everything that it describes is used. Sizes
 * and CRCs are made right first (the file would hardly ever get past them), so that the checks of the structure are
 * what is tried. The mutator changes one section, or header and table, and leaves the others where they are. Seeds:
 * make_image --seeds fuzz/corpus/image
 */
#include "../tests/image/fixture.h"

/* Weak: replay.c links the target without libFuzzer and never mutates. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_tensor(const roma_image *img, const roma_image_tensor *t) {
    if (roma_description_find(&img->desc, t->role, t->layer) != t) abort();
    if (t->is_vector) {
        uint8_t *copy = malloc(t->bytes); /* a read of all of it */
        if (!copy) abort();
        memcpy(copy, t->data, t->bytes);
        free(copy);
        return;
    }
    float *row = malloc(t->cols * sizeof *row);
    float *scales = malloc(t->cols * sizeof *scales * 2); /* 16 rows of at most cols / 16 groups, and the minima */
    if (!row || !scales) abort();
    const uint64_t rows[] = {0, t->rows / 2, t->rows - 1};
    for (unsigned i = 0; i < 3; i++) {
        const uint8_t *tile = t->data + rows[i] / ROMA_TILE_ROWS * t->tile_bytes;
        roma_tile_dequant_row(&t->format, t->cols, tile, (unsigned)(rows[i] % ROMA_TILE_ROWS), row);
        roma_tile_scales(&t->format, t->cols, tile, scales, t->format.min ? scales + t->cols : NULL);
    }
    free(row);
    free(scales);
}

static void use_vocab(const roma_vocab *v) {
    static const char text[] = "ab cd <30> abcd\n\xff";
    roma_tokenizer *t;
    int32_t ids[64];
    size_t n;
    char bytes[ROMA_TOKEN_BYTES_MAX];
    if (roma_tokenizer_create(&t, v, NULL, NULL)) return; /* rules between tokens are not the image's */
    (void)roma_tokenize(t, text, sizeof text - 1, ROMA_TEXT_BOS | ROMA_TEXT_SPECIAL, ids, 64, &n, NULL);
    for (int32_t i = 0; i < (int32_t)v->n_tokens && i < 64; i++)
        (void)roma_token_bytes(t, i, true, bytes, sizeof bytes);
    roma_tokenizer_destroy(t);
}

static void use_image(const uint8_t *data, size_t size, unsigned flags) {
    roma_image img;
    roma_error err = {0};
    const int code = roma_image_open_memory(&img, data, size, flags, &err);
    if (code) {
        if (err.code != code || !err.text[0] || strlen(err.text) >= sizeof err.text) abort();
        return;
    }
    for (size_t i = 0; i < img.desc.n_tensors; i++) use_tensor(&img, &img.desc.tensors[i]);
    if (img.has_vocab) use_vocab(&img.vocab);
    if (strlen(img.desc.name) >= sizeof img.desc.name || strlen(img.note) >= sizeof img.note) abort();
    roma_image_close(&img);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const size_t room = size < 64 ? 64 : (size + 63) & ~(size_t)63;
    uint8_t *copy = aligned_alloc(64, room), *tight = copy + room - size;
    if (!copy) abort();
    /* At the end of the block, so that a sanitizer sees a byte read beyond, when that keeps the alignment. */
    if (size % 64) tight = copy;
    memcpy(tight, data, size);
    use_image(tight, size, 0);
    if (size >= 128) roma_put64(tight + 16, size);
    fixture_mend(tight, size, false);
    use_image(tight, size, 0);
    use_image(tight, size, ROMA_IMAGE_NO_VERIFY);
    free(copy);
    return 0;
}

/* ---- the mutator ---- */

static void mutate_range(uint8_t *p, size_t n) {
    uint8_t *piece = malloc(n ? n : 1);
    if (!piece) abort();
    memcpy(piece, p, n);
    const size_t got = LLVMFuzzerMutate(piece, n, n); /* may shrink it: the rest stays */
    memcpy(p, piece, got);
    free(piece);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) {
    const uint64_t pick = roma_random(seed, 0);
    const uint32_t n = size >= 128 ? roma_le32(data + 24) : 0;
    if (!n || n > 64 || 128 + 32 * (size_t)n > size || pick % 16 == 0) return LLVMFuzzerMutate(data, size, max);
    const uint64_t what = pick / 16 % (n + 1);
    if (what == n) {
        mutate_range(data, 128 + 32 * n);
        return size;
    }
    const uint8_t *e = data + 128 + 32 * what;
    uint64_t offset = roma_le64(e + 8), bytes = roma_le64(e + 16);
    if (offset >= size || bytes > size - offset) return LLVMFuzzerMutate(data, size, max);
    if (memcmp(e, "TENS", 4) == 0 && bytes >= 16 + 128 && pick >> 40 & 1) { /* one descriptor */
        offset += 16 + (pick >> 44) % ((bytes - 16) / 128) * 128;
        bytes = 128;
    }
    mutate_range(data + offset, bytes);
    return size;
}
