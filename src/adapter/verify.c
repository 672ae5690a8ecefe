/* roma verify: what opening does not look at: the file's SHA-256, and the zeros that fill up ("Reading"). */
#include "adapter/internal.h"

/* Rows of A that fill up its last tile. */
static bool spare_a(const roma_adapter_target *t, const uint8_t *tile, unsigned from) {
    const uint64_t blocks = t->cols / 4; /* of 64 bytes, 4 a row */
    for (uint64_t b = 0; b < blocks; b++)
        if (!roma_frame_all_zero(tile + 64 * b + 4 * from, 4 * (ROMA_TILE_ROWS - from))) return false;
    return true;
}

/* The input that makes an odd rank even: the last of the two codes of the last pair. */
static bool spare_b(const roma_adapter_target *t, const roma_adapter_layout *l, const uint8_t *b, unsigned bytes) {
    if (t->rank % 2 == 0) return true;
    for (size_t k = 0; k < l->b_tiles; k++) {
        const uint8_t *pair = b + (k + 1) * l->b_tile_bytes - (size_t)32 * bytes;
        for (unsigned r = 0; r < ROMA_TILE_ROWS; r++)
            if (!roma_frame_all_zero(pair + (2 * r + 1) * bytes, bytes)) return false;
    }
    return true;
}

/* Rows of B that fill up its last tile, their scales and factors: the head's alone, whose rows are any number. */
static bool spare_rows(const roma_adapter_target *t, const roma_adapter_layout *l, const uint8_t *p, unsigned bytes) {
    const unsigned from = t->rows % ROMA_TILE_ROWS, spare = ROMA_TILE_ROWS - from;
    const uint8_t *last = p + l->b + (l->b_tiles - 1) * l->b_tile_bytes;
    if (!from) return true;
    for (size_t k = 0; k < l->b_tile_bytes; k += (size_t)2 * ROMA_TILE_ROWS * bytes)
        if (!roma_frame_all_zero(last + k + (size_t)2 * from * bytes, (size_t)2 * spare * bytes)) return false;
    return roma_frame_all_zero(p + l->factor - 4 * spare, 4 * spare) &&
           (!t->dora || roma_frame_all_zero(p + l->b - 4 * spare, 4 * spare));
}

static int check_target(const roma_frame *in, const roma_adapter *a, const roma_adapter_target *t) {
    const uint8_t *p = in->data + t->offset;
    const unsigned bytes = roma_adapter_code_bytes(a->type), used = t->rank % ROMA_TILE_ROWS;
    const roma_format f = roma_adapter_format(t->cols);
    char name[64];
    roma_adapter_layout l;
    roma_tile_layout tile;
    roma_adapter_layout_get(a->type, t, &l);
    roma_tile_layout_get(&f, t->cols, &tile);
    const size_t scales = tile.scale + t->cols / f.group * 32, end = l.b + l.b_tiles * l.b_tile_bytes;
    bool good =
        roma_frame_all_zero(p + end, l.bytes - end) && spare_b(t, &l, p + l.b, bytes) && spare_rows(t, &l, p, bytes);
    if (used) {
        good = good && spare_a(t, p + (l.a_tiles - 1) * l.a_tile_bytes, used);
        good = good && roma_frame_all_zero(p + l.b_scale - 4 * (ROMA_TILE_ROWS - used), 4 * (ROMA_TILE_ROWS - used));
    }
    for (size_t k = 0; k < l.a_tiles; k++)
        good = good && roma_frame_all_zero(p + k * l.a_tile_bytes + scales, l.a_tile_bytes - scales);
    if (good) return ROMA_OK;
    return roma_frame_fail(in, ROMA_EINPUT, t->offset, "%s: bytes that only fill up are not zero",
                           roma_adapter_place(name, t));
}

static int check_all(const roma_frame *in, const roma_adapter *a, const roma_progress *progress) {
    uint8_t sum[32];
    for (size_t i = 0; i < a->n_targets; i++) {
        const int code = check_target(in, a, &a->targets[i]);
        if (code) return code;
    }
    if (roma_frame_hash(in->data, in->size, progress, sum))
        return roma_frame_fail(in, ROMA_ECANCEL, ROMA_NOWHERE, "stopped before all was checked");
    if (memcmp(sum, a->file_sha256, 32) != 0)
        return roma_frame_fail(in, ROMA_EDAMAGED, ROMA_FRAME_HASH,
                               "the file's SHA-256 does not match: the file is damaged; fetch or make it again");
    return ROMA_OK;
}

int roma_adapter_verify(const char *path, const roma_progress *progress, roma_error *err) {
    roma_adapter a;
    memset(&a, 0, sizeof a);
    int code = roma_map_open(&a.map, path, err);
    if (code) return code;
    roma_frame in = {.data = a.map.data, .size = a.map.size, .file = path, .err = err};
    code = roma_adapter_read(&in, &a, true);
    if (!code) code = check_all(&in, &a, progress);
    roma_adapter_close(&a);
    return code;
}
