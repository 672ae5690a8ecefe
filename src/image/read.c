/* Opening an image: the order of the checks ("Reading"), and the tables that only big-endian hosts need. */
#include "image/internal.h"

#include <string.h>

static const roma_frame_known known[IMAGE_KNOWN] = {
#define X(tag, critical, required, align) {#tag, critical, required, align},
    IMAGE_SECTIONS(X)
#undef X
};
const roma_frame_kind roma_image_kind = {IMAGE_MAGIC, IMAGE_VERSION, "image", "a ROM image", known, IMAGE_KNOWN};

roma_reader roma_image_section_reader(const roma_frame *in, unsigned k) {
    const roma_section *s = in->known[k];
    roma_reader r;
    roma_reader_init(&r, in->data + s->offset, s->bytes, s->offset);
    return r;
}

/* A copy of what is not usable in place on a big-endian host: vectors, and room for VOCB's words. */
static int swap_tables(const roma_frame *in, roma_image *img, uint32_t **spare) {
    *spare = NULL;
    if (!IMAGE_BIG_ENDIAN) return ROMA_OK;
    uint64_t words = in->known[IMAGE_VOCB] ? in->known[IMAGE_VOCB]->bytes / 4 : 0;
    for (size_t i = 0; i < img->desc.n_tensors; i++)
        if (img->desc.tensors[i].is_vector) words += img->desc.tensors[i].cols;
    uint32_t *out = img->owned = roma_alloc_array((size_t)words, 4);
    if (!out)
        return roma_frame_fail(in, ROMA_ENOMEM, ROMA_NOWHERE, "no memory for %llu table words",
                               (unsigned long long)words);
    for (size_t i = 0; i < img->desc.n_tensors; i++) {
        roma_image_tensor *t = &img->desc.tensors[i];
        if (!t->is_vector) continue;
        const uint8_t *from = t->data;
        t->data = (const uint8_t *)out;
        for (uint64_t k = 0; k < t->cols; k++) *out++ = roma_le32(from + 4 * k);
    }
    *spare = out;
    return ROMA_OK;
}

int roma_image_read(roma_frame *in, roma_image *img, bool check_crcs, roma_team *team) {
    uint32_t *spare;
    int code = roma_frame_read(in, &roma_image_kind);
    if (!code && check_crcs) code = roma_frame_check_crcs(in, team);
    if (code) return code;
    memcpy(img->base_id, in->base_id, 32);
    memcpy(img->file_sha256, in->file_sha256, 32);
    code = roma_image_read_hyper(in, &img->desc.hyper);
    if (!code) code = roma_image_read_orders(in, &img->desc);
    if (!code) code = roma_image_read_tensors(in, img);
    if (!code) code = swap_tables(in, img, &spare);
    if (!code) code = roma_image_read_vocab(in, img, spare);
    if (!code) code = roma_image_read_template(in, img);
    if (!code) code = roma_image_read_meta(in, img);
    if (!code) code = roma_image_read_report(in, img);
    return code;
}

int roma_image_open(roma_image *img, const char *path, unsigned flags, roma_team *team, roma_error *err) {
    memset(img, 0, sizeof *img);
    int code = roma_map_open(&img->map, path, err);
    if (code) return code;
    roma_map_advise_huge(&img->map);
    roma_frame in = {.data = img->map.data, .size = img->map.size, .file = path, .err = err};
    code = roma_image_read(&in, img, !(flags & ROMA_IMAGE_NO_VERIFY), team);
    if (code) roma_image_close(img);
    return code;
}

int roma_image_open_memory(roma_image *img, const void *data, uint64_t size, unsigned flags, roma_error *err) {
    memset(img, 0, sizeof *img);
    if ((uintptr_t)data % ROMA_FRAME_ALIGN)
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "an image in memory must be aligned to 64 bytes");
    roma_frame in = {.data = data, .size = size, .err = err};
    int code = roma_image_read(&in, img, !(flags & ROMA_IMAGE_NO_VERIFY), NULL);
    if (code) roma_image_close(img);
    return code;
}

void roma_image_close(roma_image *img) {
    roma_free(img->desc.tensors);
    roma_free(img->desc.orders);
    roma_free(img->owned);
    roma_map_close(&img->map);
    memset(img, 0, sizeof *img);
}
