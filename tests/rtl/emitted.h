/* Written ROMs in memory: texts of a part or of any words, for the tests of what writes and of what reads. */
#ifndef ROMA_TEST_EMITTED_H
#define ROMA_TEST_EMITTED_H
#include "../image/fixture.h"
#include "roma/map.h"
#include "roma/rtl.h"

typedef struct {
    roma_buf v, hex, manifest;
    roma_rtl_counts n;
} emitted;

static inline int emitted_append(void *ctx, const void *text, size_t n, roma_error *err) {
    roma_buf_append(ctx, text, n);
    const roma_buf *b = ctx;
    return b->failed ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the test") : ROMA_OK;
}

static inline int emitted_words(emitted *e, const roma_rtl_words *w, roma_rtl_style style, roma_error *err) {
    memset(e, 0, sizeof *e);
    const roma_rtl_sink v = {emitted_append, &e->v}, hex = {emitted_append, &e->hex};
    return roma_rtl_verilog(w, style, &v, &hex, NULL, &e->n, err);
}

/* A manifest as docs/rom-emission.md has it; not the library's. */
static inline void emitted_manifest(emitted *e, const roma_rtl_part *part, const roma_image *image) {
    const roma_image_tensor *t = &image->desc.tensors[part->tensor];
    char name[32], sha256[65];
    roma_hex(sha256, image->file_sha256, 32);
    roma_buf_print(&e->manifest,
                   "{\"style\":\"%s\",\"words\":%llu,\"width\":%u,\"address_bits\":%u,\"devices\":%llu,\"lines\":%u,"
                   "\"ones\":%llu,\"tensor\":\"%s\",\"rows\":[%llu,%llu],\"lanes\":%u,\"lane_bits\":%u,"
                   "\"image_sha256\":\"%s\"",
                   roma_rtl_style_name(e->n.style), (unsigned long long)e->n.words, e->n.width, e->n.address_bits,
                   (unsigned long long)e->n.devices, e->n.lines, (unsigned long long)e->n.ones,
                   roma_tensor_name(t->role, t->layer, name, sizeof name), (unsigned long long)part->first,
                   (unsigned long long)part->last, (unsigned)part->place->chip.lanes,
                   part->place->tensors[part->tensor].lane_bits, sha256);
    if (part->placed)
        roma_buf_print(
            &e->manifest,
            ",\"placed\":{\"unit\":%u,\"lunit\":%u,\"matrix_units\":%u,\"per_matrix_unit\":%u,\"address\":%llu}",
            part->unit, part->lunit, part->units, part->lunits, (unsigned long long)part->address);
    roma_buf_print(&e->manifest, "}\n");
}

static inline int emitted_part(emitted *e, const roma_rtl_part *part, roma_rtl_style style, const roma_image *image,
                               roma_error *err) {
    const roma_rtl_words w = roma_rtl_part_words(part);
    const int rc = emitted_words(e, &w, style, err);
    if (!rc) emitted_manifest(e, part, image);
    return rc;
}

static inline roma_rtl_texts emitted_texts(const emitted *e) {
    return (roma_rtl_texts){(const char *)e->manifest.data,
                            (const char *)e->v.data,
                            (const char *)e->hex.data,
                            e->manifest.len,
                            e->v.len,
                            e->hex.len};
}

static inline void emitted_free(emitted *e) {
    roma_buf_destroy(&e->v);
    roma_buf_destroy(&e->hex);
    roma_buf_destroy(&e->manifest);
}

/* A small image of every format on a chip of so many units, L-Units and lanes. */
typedef struct {
    uint8_t *data;
    roma_image image;
    roma_plan plan;
    roma_placement place;
} emitted_model;

static inline int emitted_open(emitted_model *m, const uint8_t *data, size_t size, double units, double lunits,
                               double lanes, roma_error *err) {
    roma_chip c;
    int rc = roma_image_open_memory(&m->image, data, size, ROMA_IMAGE_NO_VERIFY, err);
    if (!rc) rc = roma_chip_open(&c, "roma-contract", err);
    if (rc) return rc;
    roma_chip_put(&c, ROMA_CHIP_matrix_units, units);
    roma_chip_put(&c, ROMA_CHIP_lunits, lunits);
    roma_chip_put(&c, ROMA_CHIP_lanes, lanes);
    rc = roma_map_plan(&m->plan, &m->image.desc, err);
    return rc ? rc : roma_map_place(&m->place, &m->plan, &c, 1, err);
}

static inline void emitted_close(emitted_model *m) {
    roma_place_destroy(&m->place);
    roma_plan_destroy(&m->plan);
    roma_image_close(&m->image);
}

/* The fixture's image of a format, in memory; freed with free. */
static inline uint8_t *emitted_image(size_t format, size_t *size) {
    static fixture x;
    char path[] = "/tmp/roma-test-rtl-XXXXXX";
    roma_image_written out;
    roma_error err;
    fixture_init(&x, ROMA_ARCH_LLAMA, format % 2 ? 256 : 64, format, 0);
    const int fd = mkstemp(path);
    if (fd < 0) return NULL;
    close(fd);
    uint8_t *data = fixture_write(&x, path, &out, &err) ? NULL : fixture_load(path, 0, size);
    unlink(path);
    return data;
}
#endif
