/* roma verify: everything that can be wrong with an image, the costly checks included ("Reading"). */
#include "image/internal.h"

#include <string.h>

typedef struct {
    const roma_frame *in;
    const roma_image *img;
    const roma_progress *progress;
    uint8_t file_hash[32], base_id[32];
    int code; /* of the progress callback */
} job;

/* ---- the two hashes, side by side on a team of two ---- */

static void hash_base(job *j) {
    const roma_description *d = &j->img->desc;
    roma_sha256 h;
    roma_image_id_begin(&h, d);
    for (size_t i = 0; i < d->n_tensors; i++) {
        const roma_image_tensor *t = &d->tensors[i];
        const uint8_t *data = j->in->data + t->offset; /* not t->data: the file's byte order counts */
        roma_image_id_tensor(&h, d, i);
        if (t->tie >= 0) continue;
        size_t used = t->is_vector ? (size_t)t->bytes : roma_image_tile_used(t);
        uint64_t step = t->is_vector ? t->bytes : t->tile_bytes;
        for (uint64_t at = 0; at < t->bytes; at += step) roma_sha256_update(&h, data + at, used);
    }
    roma_sha256_final(&h, j->base_id);
}

static void hash_both(void *ctx, int thread, int threads) {
    job *j = ctx;
    if (thread == 0) j->code = roma_frame_hash(j->in->data, j->in->size, j->progress, j->file_hash);
    if (thread == (threads > 1)) hash_base(j);
}

static int check_hashes(const roma_frame *in, const roma_image *img, roma_team *team, const roma_progress *progress) {
    job j = {.in = in, .img = img, .progress = progress};
    if (team)
        roma_team_run(team, hash_both, &j);
    else
        hash_both(&j, 0, 1);
    if (j.code) return roma_frame_fail(in, j.code, ROMA_NOWHERE, "stopped before all was checked");
    if (memcmp(j.file_hash, img->file_sha256, 32) != 0)
        return roma_frame_fail(in, ROMA_EDAMAGED, ROMA_FRAME_HASH,
                               "the file's SHA-256 does not match: the file is damaged; fetch or make it again");
    if (memcmp(j.base_id, img->base_id, 32) != 0)
        return roma_frame_fail(in, ROMA_EDAMAGED, 40,
                               "the base identity does not match the content; make the image again");
    return ROMA_OK;
}

/* ---- values, and zeros inside tiles ---- */

/* Rows that only fill up a tile. code, scale: scratch for a row and for its scales eight times. */
static bool spare_rows_zero(const roma_image_tensor *t, const uint8_t *tile, uint8_t *code, uint16_t *scale) {
    const roma_format *f = &t->format;
    size_t groups = t->cols / f->group, supers = f->super ? t->cols / f->super : 0;
    roma_row row = {.code = code,
                    .scale = scale,
                    .min = scale + groups,
                    .super_scale = scale + 2 * groups,
                    .super_min = scale + 2 * groups + supers,
                    .scale32 = (float *)(void *)(scale + 4 * groups),
                    .zeros = (uint8_t *)(scale + 6 * groups)};
    for (unsigned r = t->rows % ROMA_TILE_ROWS; r && r < ROMA_TILE_ROWS; r++) {
        memset(scale, 0, 8 * groups * sizeof *scale);
        roma_tile_get_row(f, t->cols, tile, r, &row);
        if (!roma_frame_all_zero(code, t->cols) ||
            !roma_frame_all_zero((const uint8_t *)scale, 8 * groups * sizeof *scale))
            return false;
    }
    return true;
}

static int check_matrix(const roma_frame *in, const roma_image_tensor *t, uint8_t *code, uint16_t *scale) {
    char name[64];
    size_t used = roma_image_tile_used(t);
    uint64_t at = 0;
    for (; at < t->bytes; at += t->tile_bytes) {
        const uint8_t *tile = t->data + at;
        if (!roma_image_tile_finite(t, tile))
            return roma_frame_fail(in, ROMA_EINPUT, t->offset + at, "%s: a scale is not finite",
                                   roma_image_tensor_place(name, t));
        if (!roma_frame_all_zero(tile + used, t->tile_bytes - used))
            return roma_frame_fail(in, ROMA_EINPUT, t->offset + at + used, "%s: the end of a tile is not zero",
                                   roma_image_tensor_place(name, t));
    }
    if (spare_rows_zero(t, t->data + at - t->tile_bytes, code, scale)) return ROMA_OK;
    return roma_frame_fail(in, ROMA_EINPUT, t->offset + at - t->tile_bytes,
                           "%s: rows that fill up the last tile are not zero", roma_image_tensor_place(name, t));
}

static int check_values(const roma_frame *in, const roma_image *img, const roma_progress *progress) {
    const roma_section *data = in->known[IMAGE_DATA];
    uint64_t widest = ROMA_STRIPE;
    char name[64];
    for (size_t i = 0; i < img->desc.n_tensors; i++)
        if (img->desc.tensors[i].cols > widest) widest = img->desc.tensors[i].cols;
    uint8_t *row = roma_alloc_array((size_t)widest, 2); /* codes; eight arrays of 2 bytes per 16 inputs at most */
    if (!row) return roma_frame_fail(in, ROMA_ENOMEM, ROMA_NOWHERE, "no memory for a row");
    int code = ROMA_OK;
    for (size_t i = 0; !code && i < img->desc.n_tensors; i++) {
        const roma_image_tensor *t = &img->desc.tensors[i];
        if (t->tie >= 0) continue;
        if (!t->is_vector)
            code = check_matrix(in, t, row, (uint16_t *)(void *)(row + widest));
        else if (!roma_image_vector_finite(t, in->data + t->offset))
            code = roma_frame_fail(in, ROMA_EINPUT, t->offset, "%s: a value is not finite",
                                   roma_image_tensor_place(name, t));
        if (!code) code = roma_progress_tell(progress, "values", t->offset + t->bytes - data->offset, data->bytes);
        if (code == ROMA_ECANCEL) roma_frame_fail(in, code, ROMA_NOWHERE, "stopped before all was checked");
    }
    roma_free(row);
    return code;
}

int roma_image_verify(const char *path, roma_team *team, const roma_progress *progress, roma_error *err) {
    roma_image img;
    memset(&img, 0, sizeof img);
    int code = roma_map_open(&img.map, path, err);
    if (code) return code;
    roma_frame in = {.data = img.map.data, .size = img.map.size, .file = path, .err = err};
    code = roma_image_read(&in, &img, true, team);
    if (!code) code = check_values(&in, &img, progress);
    if (!code) code = check_hashes(&in, &img, team, progress);
    if (!code && img.has_vocab) code = roma_vocab_check(&img.vocab, path, err);
    roma_image_close(&img);
    return code;
}
