/* Writing an image: the sections into the file, in batches of tiles that a team makes. What a killed run of the same
 * job left is taken up: its header is a record of how far the tensors had come, written behind them ("Writing"). */
#include <string.h>

#include "image/writer.h"

static int fail(const image_writer *w, int code, const char *text) {
    return roma_fail(w->err, code, w->path, ROMA_NOWHERE, "%s", text);
}

/* ---- records ---- */

enum { RECORD_BYTES = 64, RECORD_EACH = 128 << 20 };
static const char magic[8] = "ROMAPART";

/* Where the header will stand: magic, bytes that hold, CRC of DATA up to there, job, CRC of these. */
static int save(image_writer *w, const roma_section *data) {
    uint8_t r[RECORD_BYTES] = {0};
    if (!w->has_job || w->at <= w->kept || (!w->out.tmp && w->out.device < 0)) return ROMA_OK;
    int code = roma_outfile_sync(&w->out, w->err);
    memcpy(r, magic, sizeof magic);
    roma_put64(r + 8, w->at);
    roma_put32(r + 16, data->crc);
    memcpy(r + 20, w->job, 32);
    roma_put32(r + 60, roma_crc32c(0, r, 60));
    w->saved = w->at;
    return code ? code : roma_outfile_patch(&w->out, 0, r, sizeof r, w->err);
}

int roma_image_resume(image_writer *w) {
    uint8_t r[RECORD_BYTES];
    int code = ROMA_OK;
    if (w->out.bytes >= sizeof r) code = roma_outfile_read(&w->out, 0, r, sizeof r, w->err);
    if (!code && w->has_job && w->out.bytes >= sizeof r && memcmp(r, magic, sizeof magic) == 0 &&
        roma_le32(r + 60) == roma_crc32c(0, r, 60) && memcmp(r + 20, w->job, 32) == 0 &&
        roma_le64(r + 8) <= w->out.bytes) {
        w->kept = roma_le64(r + 8);
        w->kept_crc = roma_le32(r + 16);
    }
    return code || !w->out.bytes ? code : roma_outfile_cut(&w->out, w->kept, w->err);
}

/* ---- bytes ---- */

static int damaged(const image_writer *w) {
    return fail(w, ROMA_EDAMAGED, "what is left of the earlier run is damaged; begin anew, without --resume");
}

/* What an earlier run wrote stands already, and must be the same. */
static int put(image_writer *w, const void *data, size_t n) {
    uint8_t was[4096];
    int code = ROMA_OK;
    if (w->at >= w->kept) {
        code = roma_outfile_write(&w->out, data, n, w->err);
        w->at += n;
        return code;
    }
    if (n > w->kept - w->at) return damaged(w);
    for (size_t i = 0, m; i < n && !code; i += m, w->at += m) {
        m = n - i < sizeof was ? n - i : sizeof was;
        code = roma_outfile_read(&w->out, w->at, was, m, w->err);
        if (!code && memcmp(was, (const uint8_t *)data + i, m) != 0) return damaged(w);
    }
    return code;
}

static int put_zeros(image_writer *w, uint64_t n) {
    static const uint8_t zero[IMAGE_DATA_ALIGN];
    int code = ROMA_OK;
    for (uint64_t m; n && !code; n -= m) {
        m = n < sizeof zero ? n : sizeof zero;
        code = put(w, zero, (size_t)m);
    }
    return code;
}

static int put_block(image_writer *w, uint64_t n, roma_section *s) {
    s->crc = roma_crc32c(s->crc, w->block, (size_t)n);
    const int code = put(w, w->block, (size_t)n);
    return !code && w->at == w->kept && s->crc != w->kept_crc ? damaged(w) : code;
}

static int tell(image_writer *w, const roma_section *data) {
    uint64_t done = w->at - data->offset;
    if (done - w->told < 1 << 20 && done != data->bytes) return ROMA_OK;
    w->told = done;
    int code = roma_progress_tell(w->progress, "tensors", done, data->bytes);
    return code ? fail(w, code, "stopped; nothing was written") : ROMA_OK;
}

/* ---- tensors ---- */

static int refuse_value(const image_writer *w, const roma_image_tensor *t) {
    char name[64];
    return roma_fail(w->err, ROMA_EINPUT, w->path, ROMA_NOWHERE,
                     "%s: a scale or value is not finite; the source is damaged", roma_image_tensor_place(name, t));
}

static int put_vector(image_writer *w, size_t i, roma_sha256 *id, roma_section *s) {
    const roma_image_tensor *t = &w->desc.tensors[i];
    float *value = (float *)(void *)w->block;
    memset(w->block, 0, (size_t)t->bytes);
    w->source->vector(w->source->ctx, w->from[i], value);
    for (uint64_t k = 0; k < t->cols; k++) roma_put32(w->block + 4 * k, roma_f32_bits(value[k]));
    if (!roma_image_vector_finite(t, w->block)) return refuse_value(w, t);
    roma_sha256_update(id, w->block, (size_t)t->bytes);
    return put_block(w, t->bytes, s);
}

typedef struct {
    image_writer *w;
    size_t tensor;
    uint64_t first;
    size_t n;
    bool kept;    /* the tiles are read, not made */
    bool bad[64]; /* of each thread: a value is not finite */
} batch;

static void make_tiles(void *ctx, int thread, int threads) {
    batch *b = ctx;
    const roma_tile_source *source = b->w->source;
    const roma_image_tensor *t = &b->w->desc.tensors[b->tensor];
    const size_t from = b->w->from[b->tensor];
    size_t begin, end;
    roma_share(b->n, thread, threads, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        uint8_t *tile = b->w->block + i * t->tile_bytes;
        if (!b->kept) {
            memset(tile, 0, (size_t)t->tile_bytes);
            source->tile(source->ctx, from, b->first + i, tile);
        }
        if (!roma_image_tile_finite(t, tile))
            b->bad[thread] = true;
        else if (source->see)
            source->see(source->ctx, from, b->first + i, tile);
    }
}

static int make_batch(image_writer *w, batch *b) {
    const roma_image_tensor *t = &w->desc.tensors[b->tensor];
    const uint64_t bytes = b->n * t->tile_bytes;
    b->kept = w->at + bytes <= w->kept;
    if (b->kept) {
        const int code = roma_outfile_read(&w->out, w->at, w->block, (size_t)bytes, w->err);
        if (code) return code;
    }
    if (w->source->team)
        roma_team_run(w->source->team, make_tiles, b);
    else
        make_tiles(b, 0, 1);
    for (size_t i = 0; i < sizeof b->bad; i++)
        if (b->bad[i]) return refuse_value(w, t);
    return ROMA_OK;
}

static int put_matrix(image_writer *w, size_t i, roma_sha256 *id, roma_section *s) {
    const roma_image_tensor *t = &w->desc.tensors[i];
    const size_t used = roma_image_tile_used(t), most = w->block_bytes / (size_t)t->tile_bytes;
    const uint64_t tiles = t->bytes / t->tile_bytes;
    int code = w->source->begin ? w->source->begin(w->source->ctx, w->from[i], w->err) : ROMA_OK;
    for (uint64_t tile = 0; !code && tile < tiles; tile += most) {
        batch b = {.w = w, .tensor = i, .first = tile, .n = tiles - tile < most ? (size_t)(tiles - tile) : most};
        code = make_batch(w, &b);
        if (code) break;
        for (size_t k = 0; k < b.n; k++) roma_sha256_update(id, w->block + k * t->tile_bytes, used);
        code = put_block(w, b.n * t->tile_bytes, s);
        if (!code && w->at - w->saved >= RECORD_EACH) code = save(w, s);
        if (!code) code = tell(w, s);
    }
    if (!code && w->source->complete) w->source->complete(w->source->ctx, w->from[i]);
    return code;
}

static bool ends_layer(const roma_description *d, size_t i) {
    return i + 1 == d->n_tensors || d->tensors[i + 1].layer != d->tensors[i].layer ||
           roma_tensor_role_is_layered(d->tensors[i + 1].role) != roma_tensor_role_is_layered(d->tensors[i].role);
}

static int put_data(image_writer *w, roma_section *s, uint8_t base_id[32]) {
    roma_sha256 id;
    int code = ROMA_OK;
    w->saved = w->at;
    roma_image_id_begin(&id, &w->desc);
    for (size_t i = 0; !code && i < w->desc.n_tensors; i++) {
        const roma_image_tensor *t = &w->desc.tensors[i];
        roma_image_id_tensor(&id, &w->desc, i);
        if (t->tie >= 0) continue;
        code = t->is_vector ? put_vector(w, i, &id, s) : put_matrix(w, i, &id, s);
        if (!code && ends_layer(&w->desc, i)) code = save(w, s);
        if (!code) code = tell(w, s);
    }
    roma_sha256_final(&id, base_id);
    return code;
}

/* ---- sections ---- */

static int take_report(image_writer *w, roma_section *s) {
    const char *text = w->source->report(w->source->report_ctx, &w->desc);
    if (!text || !*text) return fail(w, ROMA_ENOMEM, "no memory for the report");
    roma_buf_append(&w->part[IMAGE_REPT], text, strlen(text));
    s->bytes = w->part[IMAGE_REPT].len;
    return w->part[IMAGE_REPT].failed ? fail(w, ROMA_ENOMEM, "no memory for the report") : ROMA_OK;
}

int roma_image_stream(image_writer *w, uint8_t base_id[32]) {
    const uint64_t head = ROMA_FRAME_HEADER + (uint64_t)w->n_sections * ROMA_FRAME_ENTRY;
    int code = w->kept ? ROMA_OK : put_zeros(w, head);
    unsigned known = 0;
    w->at = head; /* the record of an earlier run stands there */
    for (unsigned i = 0; !code && i < w->n_sections; i++, known++) {
        roma_section *s = &w->section[i];
        while (memcmp(s->tag, roma_image_kind.known[known].tag, 4) != 0) known++; /* no tokenizer, template or orders */
        code = put_zeros(w, s->offset - w->at);
        if (!code && known == IMAGE_DATA) {
            code = put_data(w, s, base_id);
            continue;
        }
        if (!code && known == IMAGE_REPT) code = take_report(w, s);
        if (code) break;
        s->crc = roma_crc32c(0, w->part[known].data, w->part[known].len);
        code = put(w, w->part[known].data, w->part[known].len);
    }
    return code;
}
