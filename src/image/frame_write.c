/* Writing the frame of a file ("File"), and the hash that its header states. */
#include "image/internal.h"

#include <string.h>

int roma_frame_hash(const uint8_t *data, uint64_t size, const roma_progress *progress, uint8_t out[32]) {
    static const uint8_t zero[ROMA_FRAME_HEADER - ROMA_FRAME_HASH];
    roma_sha256 h;
    roma_sha256_init(&h);
    roma_sha256_update(&h, data, ROMA_FRAME_HASH);
    roma_sha256_update(&h, zero, sizeof zero);
    const int code =
        roma_sha256_update_told(&h, data + ROMA_FRAME_HEADER, size - ROMA_FRAME_HEADER, progress, "hashing");
    roma_sha256_final(&h, out);
    return code;
}

void roma_frame_place(roma_section *s, const roma_frame_known *known, uint64_t bytes, uint64_t *end) {
    const uint64_t align = known->align;
    memcpy(s->tag, known->tag, sizeof s->tag);
    s->flags = known->critical ? FRAME_CRITICAL : 0;
    s->offset = (*end + align - 1) & ~(align - 1);
    s->bytes = bytes;
    *end = s->offset + bytes;
}

static void put_table(const roma_section *s, unsigned n, uint8_t *table) {
    for (unsigned i = 0; i < n; i++, s++) {
        uint8_t *p = table + i * ROMA_FRAME_ENTRY;
        memcpy(p, s->tag, 4);
        roma_put32(p + 4, s->flags);
        roma_put64(p + 8, s->offset);
        roma_put64(p + 16, s->bytes);
        roma_put32(p + 24, s->crc);
    }
}

/* From the file as it stands, which the hash takes with zeros in its own place. Read, not mapped: an image may be
 * larger than the memory. */
static int hash_written(roma_outfile *out, const roma_progress *progress, uint8_t sum[32], roma_error *err) {
    enum { PIECE = 1 << 20 };
    roma_sha256 h;
    uint8_t *piece = roma_alloc(PIECE);
    if (!piece) return roma_fail(err, ROMA_ENOMEM, out->path, ROMA_NOWHERE, "no memory to hash a file");
    roma_sha256_init(&h);
    int code = ROMA_OK;
    for (uint64_t at = 0; at < out->bytes && !code; at += PIECE) {
        const size_t n = out->bytes - at < PIECE ? (size_t)(out->bytes - at) : PIECE;
        code = roma_outfile_read(out, at, piece, n, err);
        if (at == 0) memset(piece + ROMA_FRAME_HASH, 0, ROMA_FRAME_HEADER - ROMA_FRAME_HASH);
        if (!code) roma_sha256_update(&h, piece, n);
        if (!code && roma_progress_tell(progress, "hashing", at + n, out->bytes))
            code = roma_fail(err, ROMA_ECANCEL, out->path, ROMA_NOWHERE, "stopped; nothing was written");
    }
    roma_sha256_final(&h, sum);
    roma_free(piece);
    return code;
}

static int put_hash(roma_outfile *out, const roma_progress *progress, uint8_t sum[32], roma_error *err) {
    uint8_t h[ROMA_FRAME_HEADER - ROMA_FRAME_HASH] = {0};
    const int code = hash_written(out, progress, sum, err);
    if (code) return code;
    memcpy(h, sum, 32);
    roma_put32(h + 36, roma_crc32c(0, h, 36));
    return roma_outfile_patch(out, ROMA_FRAME_HASH, h, sizeof h, err);
}

int roma_frame_write_header(roma_outfile *out, const roma_frame_kind *kind, const roma_section *s, unsigned n,
                            const uint8_t base_id[32], const roma_progress *progress, uint8_t file_sha256[32],
                            roma_error *err) {
    uint8_t h[ROMA_FRAME_HEADER + ROMA_FRAME_KNOWN_MAX * ROMA_FRAME_ENTRY] = {0};
    const size_t table = n * ROMA_FRAME_ENTRY;
    put_table(s, n, h + ROMA_FRAME_HEADER);
    memcpy(h, kind->magic, 8);
    roma_put32(h + 8, kind->version);
    roma_put64(h + 16, out->bytes);
    roma_put32(h + 24, n);
    roma_put32(h + 28, roma_crc32c(0, h + ROMA_FRAME_HEADER, table));
    roma_put64(h + 32, ROMA_FRAME_HEADER);
    memcpy(h + 40, base_id, 32);
    roma_put32(h + FRAME_HEADER_CRC, roma_crc32c(0, h, FRAME_HEADER_CRC));
    const int code = roma_outfile_patch(out, 0, h, ROMA_FRAME_HEADER + table, err);
    return code ? code : put_hash(out, progress, file_sha256, err);
}
