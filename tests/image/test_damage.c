/* Damage: a file cut at every byte, a flipped bit in every byte, and what only `roma verify` can see. */
#include "../test.h"
#include "fixture.h"

static char path[64];

static uint64_t section_of(const uint8_t *data, const char *tag) {
    for (uint32_t i = 0; i < roma_le32(data + 24); i++)
        if (memcmp(data + 128 + 32 * i, tag, 4) == 0) return roma_le64(data + 128 + 32 * i + 8);
    return 0;
}

/* A fixture with little in it: its file in memory. */
static uint8_t *small_image(uint32_t width, uint32_t vocab, size_t *size) {
    static fixture x;
    fixture_init(&x, ROMA_ARCH_LLAMA, width, 0, vocab);
    CHECK_EQ(fixture_write(&x, path, NULL, NULL), ROMA_OK);
    uint8_t *data = fixture_load(path, 64, size);
    CHECK(data != NULL);
    return data;
}

static void test_cut(const uint8_t *data, size_t size) {
    unsigned opened = 0, silent = 0;
    CHECK(size <= 65536);
    for (size_t n = 0; n < size; n++) {
        roma_image img;
        roma_error err = {.text = ""};
        for (unsigned flags = 0; flags < 2; flags++) {
            opened += !roma_image_open_memory(&img, data, n, flags, &err);
            silent += !err.text[0] || err.code != ROMA_EDAMAGED;
        }
    }
    CHECK_EQ(opened, 0);
    CHECK_EQ(silent, 0);
}

static void test_flips(uint8_t *data, size_t size) {
    unsigned opened = 0, silent = 0;
    for (size_t i = 0; i < size; i++) {
        roma_image img;
        roma_error err = {.text = ""};
        data[i] ^= (uint8_t)(1u << i % 8);
        opened += !roma_image_open_memory(&img, data, size, 0, &err);
        silent += !err.text[0];
        /* Without the CRCs of sections some flips are taken for content; none may do harm. */
        if (!roma_image_open_memory(&img, data, size, ROMA_IMAGE_NO_VERIFY, &err)) roma_image_close(&img);
        data[i] ^= (uint8_t)(1u << i % 8);
    }
    CHECK_EQ(opened, 0);
    CHECK_EQ(silent, 0);
}

static void verify(const uint8_t *data, size_t size, int code, const char *text) {
    roma_error err = {.text = ""};
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, size, f) == size && !fclose(f));
    CHECK_EQ(roma_image_verify(path, NULL, NULL, &err), code);
    if (!strstr(err.text, text)) {
        fprintf(stderr, "\"%s\" lacks \"%s\"\n", err.text, text);
        test_failures++;
    }
}

/* One change, CRCs (and the file's hash) right again. */
static void changed(const uint8_t *good, size_t size, uint64_t at, unsigned width, uint32_t value, bool hash, int code,
                    const char *text) {
    uint8_t bytes[4], *data = aligned_alloc(64, (size + 63) & ~(size_t)63);
    roma_put32(bytes, value);
    memcpy(data, good, size);
    memcpy(data + at, bytes, width);
    fixture_mend(data, size, hash);
    verify(data, size, code, text);
    free(data);
}

static void test_verify_only(void) {
    size_t size;
    roma_image img;
    uint8_t *good = small_image(64, ROMA_TOK_BPE, &size);
    if (!good || roma_image_open_memory(&img, good, size, 0, NULL)) return;
    verify(good, size, ROMA_OK, "");
    const roma_image_tensor *embed = &img.desc.tensors[0], *norm = &img.desc.tensors[1];
    CHECK_EQ(embed->format.scale, ROMA_SCALE_F16);
    roma_tile_layout at;
    roma_tile_layout_get(&embed->format, embed->cols, &at);
    const uint64_t last_tile = embed->offset + embed->bytes - embed->tile_bytes;
    /* 45 rows: row 13 of the last tile is the first that only fills it up */
    changed(good, size, last_tile + 4 * 13, 1, 0x10, true, ROMA_EINPUT,
            "embed: rows that fill up the last tile are not zero");
    changed(good, size, last_tile + at.scale + 2 * 15, 2, 1, true, ROMA_EINPUT,
            "embed: rows that fill up the last tile are not zero");
    changed(good, size, embed->offset + at.scale, 2, 0x7c00, true, ROMA_EINPUT, "embed: a scale is not finite");
    changed(good, size, embed->offset + at.scale + 2, 2, 0xfe01, true, ROMA_EINPUT, "embed: a scale is not finite");
    changed(good, size, norm->offset + 4, 4, 0x7f800000, true, ROMA_EINPUT,
            "layer 0: attn_norm: a value is not finite");
    changed(good, size, norm->offset + 8, 4, 0xffc00000, true, ROMA_EINPUT,
            "layer 0: attn_norm: a value is not finite");
    changed(good, size, embed->offset, 1, good[embed->offset] ^ 1u, true, ROMA_EDAMAGED,
            "the base identity does not match");
    changed(good, size, section_of(good, "HYPR") + 36, 4, 99, true, ROMA_OK, "");
    changed(good, size, section_of(good, "HYPR") + 36, 4, 99, false, ROMA_EDAMAGED, "SHA-256 does not match");
    changed(good, size, section_of(good, "ROPE"), 4, 99, true, ROMA_EDAMAGED, "the base identity does not match");
    changed(good, size, 40, 4, 99, true, ROMA_EDAMAGED, "the base identity does not match");
    changed(good, size, 88, 4, 99, false, ROMA_EDAMAGED, "SHA-256 does not match");
    changed(good, size, section_of(good, "VOCB") + 128 + 4 * (FIXTURE_TOKENS + 1), 4, 31, true, ROMA_EDAMAGED, "merge");
    roma_image_close(&img);
    free(good);
}

/* A tile of 96 bytes ends with 32 zeros. */
static void test_tile_end(void) {
    static fixture x;
    size_t size;
    roma_image img;
    fixture_init(&x, ROMA_ARCH_QWEN3, 32, 0, 0);
    for (size_t i = 0; i < x.d.n_tensors; i++)
        if (!x.tensors[i].is_vector)
            x.tensors[i].format = (roma_format){.bits = 2, .scale = ROMA_SCALE_F16, .group = 32};
    CHECK_EQ(fixture_write(&x, path, NULL, NULL), ROMA_OK);
    uint8_t *good = fixture_load(path, 0, &size);
    if (!good || roma_image_open_memory(&img, good, size, 0, NULL)) {
        test_failures++;
        return;
    }
    const roma_image_tensor *embed = &img.desc.tensors[0];
    roma_tile_layout at;
    roma_tile_layout_get(&embed->format, embed->cols, &at);
    const uint64_t used = at.scale + 32;
    CHECK(used < embed->tile_bytes);
    for (uint64_t i = used; i < embed->tile_bytes; i++)
        changed(good, size, embed->offset + i, 1, 1, true, ROMA_EINPUT, "embed: the end of a tile is not zero");
    roma_image_close(&img);
    free(good);
}

int main(void) {
    size_t size;
    snprintf(path, sizeof path, "/tmp/roma-damage-%ld.roma", (long)getpid());
    for (uint32_t kind = 0; kind <= ROMA_TOK_SPM; kind++) {
        uint8_t *data = small_image(kind ? 32 : 64, kind, &size);
        if (!data) continue;
        test_cut(data, size);
        test_flips(data, size);
        free(data);
    }
    test_verify_only();
    test_tile_end();
    unlink(path);
    return TEST_DONE();
}
