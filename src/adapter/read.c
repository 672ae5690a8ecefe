/* Opening, closing and verifying an adapter ("Reading"). */
#include "adapter/internal.h"

/* ---- the kind of file ---- */

static const roma_frame_known known[ADAPTER_KNOWN] = {
#define X(tag, critical) {#tag, critical, true, ROMA_FRAME_ALIGN},
    ADAPTER_SECTIONS(X)
#undef X
};
const roma_frame_kind roma_adapter_kind = {ADAPTER_MAGIC, ADAPTER_VERSION, "adapter",
                                           "an adapter",  known,           ADAPTER_KNOWN};

bool roma_adapter_is(const void *data, size_t n) { return n >= 8 && memcmp(data, ADAPTER_MAGIC, 8) == 0; }

/* ---- META ---- */

static int read_text(const roma_frame *in, uint64_t at, uint32_t n, char *out) {
    const char *p = (const char *)in->data + at;
    for (uint32_t i = 0; i < n; i++)
        if (p[i] < 0x20 || p[i] > 0x7e)
            return roma_frame_fail(in, ROMA_EINPUT, at + i, "name and note must be printable ASCII");
    memcpy(out, p, n);
    out[n] = 0;
    return ROMA_OK;
}

static int read_meta(const roma_frame *in, roma_adapter *a) {
    const roma_section *s = in->known[ADAPTER_META];
    const uint8_t *p = in->data + s->offset;
    if (s->bytes < ADAPTER_META_HEAD) return roma_frame_fail(in, ROMA_EINPUT, s->offset, "section META is too short");
    const uint32_t name = roma_le32(p), note = roma_le32(p + 4);
    if (name >= sizeof a->name || note >= sizeof a->note || s->bytes != ADAPTER_META_HEAD + (uint64_t)name + note)
        return roma_frame_fail(in, ROMA_EINPUT, s->offset, "the lengths in section META are wrong");
    if (!roma_frame_all_zero(p + 8, 8))
        return roma_frame_fail(in, ROMA_EINPUT, s->offset + 8, "reserved bytes of section META are not zero");
    const int code = read_text(in, s->offset + ADAPTER_META_HEAD, name, a->name);
    return code ? code : read_text(in, s->offset + ADAPTER_META_HEAD + name, note, a->note);
}

/* ---- values ---- */

static bool scales_good(const uint8_t *p, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        const float v = roma_f32_from_bits(roma_le32(p + 4 * i));
        if (!(v >= 0 && v < 1e30f)) return false;
    }
    return true;
}

static bool factors_good(const uint8_t *p, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        const float v = roma_f32_from_bits(roma_le32(p + 4 * i));
        if (!(v > -1e30f && v < 1e30f)) return false;
    }
    return true;
}

/* Every group scale of A's tile is 1 in rows that count and 0 in those that fill up. */
static bool tile_good(const roma_format *f, uint64_t cols, const uint8_t *tile, unsigned rows) {
    roma_tile_layout l;
    roma_tile_layout_get(f, cols, &l);
    for (uint64_t g = 0; g < cols / f->group; g++)
        for (unsigned r = 0; r < ROMA_TILE_ROWS; r++)
            if (roma_le16(tile + l.scale + 32 * g + 2 * r) != (r < rows ? ADAPTER_ONE : 0)) return false;
    return true;
}

static bool codes_good(uint32_t type, const uint8_t *p, uint64_t bytes) {
    if (type == ROMA_ADAPTER_F16)
        for (uint64_t i = 0; i < bytes; i += 2)
            if ((roma_le16(p + i) & 0x7c00) == 0x7c00) return false;
    if (type == ROMA_ADAPTER_FP8)
        for (uint64_t i = 0; i < bytes; i++)
            if ((p[i] & 0x7f) == 0x7f) return false;
    return true;
}

/* Scales and codes are numbers: the first that is not is told. */
static int check_values(const roma_frame *in, const roma_adapter *a) {
    char name[64];
    for (size_t i = 0; i < a->n_targets; i++) {
        const roma_adapter_target *t = &a->targets[i];
        const uint8_t *p = in->data + t->offset;
        const roma_format f = roma_adapter_format(t->cols);
        roma_adapter_layout l;
        roma_adapter_layout_get(a->type, t, &l);
        if (!scales_good(p + l.a_scale, (l.factor - l.a_scale) / 4))
            return roma_frame_fail(in, ROMA_EINPUT, t->offset + l.a_scale,
                                   "%s: a scale is negative, too large or no number", roma_adapter_place(name, t));
        if (!factors_good(p + l.factor, (l.b - l.factor) / 4))
            return roma_frame_fail(in, ROMA_EINPUT, t->offset + l.factor,
                                   "%s: a row's factor is too large or no number", roma_adapter_place(name, t));
        for (size_t k = 0; k < l.a_tiles; k++) {
            const uint32_t left = t->rank - (uint32_t)k * ROMA_TILE_ROWS;
            if (!tile_good(&f, t->cols, p + k * l.a_tile_bytes, left < ROMA_TILE_ROWS ? left : ROMA_TILE_ROWS))
                return roma_frame_fail(in, ROMA_EINPUT, t->offset + k * l.a_tile_bytes,
                                       "%s: a scale inside A's tiles is not 1", roma_adapter_place(name, t));
        }
        if (!codes_good(a->type, p + l.b, l.b_tiles * l.b_tile_bytes))
            return roma_frame_fail(in, ROMA_EINPUT, t->offset + l.b, "%s: a code of B is no number",
                                   roma_adapter_place(name, t));
    }
    return ROMA_OK;
}

/* ---- big-endian hosts: a copy of all data with its FP32 swapped ---- */

static int swap(const roma_frame *in, roma_adapter *a) {
    if (!ADAPTER_BIG_ENDIAN) return ROMA_OK;
    uint8_t *raw = a->owned = roma_alloc((size_t)a->data_bytes + ROMA_FRAME_ALIGN);
    if (!raw) return roma_frame_fail(in, ROMA_ENOMEM, ROMA_NOWHERE, "no memory for the adapter's data");
    uint8_t *copy = raw + (ROMA_FRAME_ALIGN - (uintptr_t)raw % ROMA_FRAME_ALIGN) % ROMA_FRAME_ALIGN;
    memcpy(copy, a->data, (size_t)a->data_bytes);
    for (size_t i = 0; i < a->n_targets; i++) {
        roma_adapter_target *t = &a->targets[i];
        uint8_t *at = copy + (t->a - a->data);
        roma_adapter_layout l;
        roma_adapter_layout_get(a->type, t, &l);
        float *scale = (float *)(void *)(at + l.a_scale);
        for (size_t k = 0; k < (l.b - l.a_scale) / 4; k++)
            scale[k] = roma_f32_from_bits(roma_le32(at + l.a_scale + 4 * k));
        t->a = at;
        t->a_scale = scale;
        t->b_scale = (const float *)(const void *)(at + l.b_scale);
        if (t->dora) t->factor = (const float *)(const void *)(at + l.factor);
        t->b = at + l.b;
    }
    a->data = copy;
    return ROMA_OK;
}

/* ---- all together ---- */

int roma_adapter_read(roma_frame *in, roma_adapter *a, bool verify) {
    int code = roma_frame_read(in, &roma_adapter_kind);
    if (!code && verify) code = roma_frame_check_crcs(in, NULL);
    if (code) return code;
    memcpy(a->base_id, in->base_id, 32);
    memcpy(a->file_sha256, in->file_sha256, 32);
    code = roma_adapter_read_targets(in, a);
    if (!code) code = read_meta(in, a);
    if (!code && verify) code = check_values(in, a);
    if (!code) code = swap(in, a);
    return code;
}

int roma_adapter_open(roma_adapter *a, const char *path, unsigned flags, roma_error *err) {
    memset(a, 0, sizeof *a);
    int code = roma_map_open(&a->map, path, err);
    if (code) return code;
    roma_frame in = {.data = a->map.data, .size = a->map.size, .file = path, .err = err};
    code = roma_adapter_read(&in, a, !(flags & ROMA_ADAPTER_NO_VERIFY));
    if (code) roma_adapter_close(a);
    return code;
}

int roma_adapter_open_memory(roma_adapter *a, const void *data, uint64_t size, unsigned flags, roma_error *err) {
    memset(a, 0, sizeof *a);
    if ((uintptr_t)data % ROMA_FRAME_ALIGN)
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "an adapter in memory must be aligned to 64 bytes");
    roma_frame in = {.data = data, .size = size, .err = err};
    const int code = roma_adapter_read(&in, a, !(flags & ROMA_ADAPTER_NO_VERIFY));
    if (code) roma_adapter_close(a);
    return code;
}

void roma_adapter_close(roma_adapter *a) {
    roma_free(a->targets);
    roma_free(a->owned);
    roma_map_close(&a->map);
    memset(a, 0, sizeof *a);
}
