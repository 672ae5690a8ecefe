/* Writing an adapter: sections are laid out first, then targets are quantised one by one into the temporary file
 * ("Writing"). */
#include "adapter/internal.h"

typedef struct {
    roma_outfile out;
    const char *path;
    roma_error *err;
    const roma_progress *progress;
    const roma_adapter *a;
    const roma_adapter_source *source;
    roma_adapter_target *targets; /* sorted */
    size_t *from;                 /* place of each in the caller's list */
    roma_section section[ADAPTER_KNOWN];
    roma_buf targ, meta;
    uint8_t *block; /* data of one target */
    float *row;     /* one row of values */
} writer;

static int fail(const writer *w, int code, const char *text) {
    return roma_fail(w->err, code, w->path, ROMA_NOWHERE, "%s", text);
}

/* ---- what is asked for ---- */

static bool printable(const char *text, size_t max) {
    const size_t n = strnlen(text, max + 1);
    for (size_t i = 0; i < n; i++)
        if (text[i] < 0x20 || text[i] > 0x7e) return false;
    return n <= max;
}

static bool before(const roma_adapter_target *a, const roma_adapter_target *b) {
    return a->layer != b->layer ? a->layer < b->layer : a->role < b->role;
}

/* Insertion: importers give them nearly sorted, and there are few thousand at most. */
static void insert(writer *w, size_t n, size_t from) {
    size_t k = n;
    const roma_adapter_target *t = &w->a->targets[from];
    for (; k && before(t, &w->targets[k - 1]); k--) {
        w->targets[k] = w->targets[k - 1];
        w->from[k] = w->from[k - 1];
    }
    w->targets[k] = *t;
    w->from[k] = from;
}

static int arrange(writer *w) {
    const size_t n = w->a->n_targets;
    if (!roma_adapter_type_name(w->a->type)) return fail(w, ROMA_EUSAGE, "B must be int8, fp8 or f16");
    if (!printable(w->a->name, sizeof w->a->name - 1) || !printable(w->a->note, ROMA_ADAPTER_NOTE_MAX))
        return fail(w, ROMA_EINPUT, "name and note must be printable ASCII of at most 127 and 511 characters");
    if (!n || n > ADAPTER_TARGETS_MAX) return fail(w, ROMA_EINPUT, "an adapter needs 1 to 7170 targets");
    w->targets = roma_alloc_array(n, sizeof *w->targets);
    w->from = roma_alloc_array(n, sizeof *w->from);
    if (!w->targets || !w->from) return fail(w, ROMA_ENOMEM, "no memory for the table of targets");
    for (size_t i = 0; i < n; i++) {
        roma_error why;
        const int code = roma_adapter_check_target(&w->a->targets[i], &why);
        if (code) return fail(w, code, why.text);
        insert(w, i, i);
    }
    for (size_t i = 1; i < n; i++)
        if (!before(&w->targets[i - 1], &w->targets[i])) return fail(w, ROMA_EINPUT, "a target is there twice");
    return ROMA_OK;
}

/* ---- layout ---- */

static void put_targets(writer *w) {
    uint8_t d[ADAPTER_DESCRIPTOR];
    roma_buf_le32(&w->targ, (uint32_t)w->a->n_targets);
    roma_buf_le32(&w->targ, ADAPTER_DESCRIPTOR);
    roma_buf_le32(&w->targ, w->a->type);
    roma_buf_le32(&w->targ, 0);
    for (size_t i = 0; i < w->a->n_targets; i++) {
        roma_adapter_put_descriptor(d, &w->targets[i]);
        roma_buf_append(&w->targ, d, sizeof d);
    }
}

static void put_meta(writer *w) {
    roma_buf_le32(&w->meta, (uint32_t)strlen(w->a->name));
    roma_buf_le32(&w->meta, (uint32_t)strlen(w->a->note));
    roma_buf_le64(&w->meta, 0);
    roma_buf_append(&w->meta, w->a->name, strlen(w->a->name));
    roma_buf_append(&w->meta, w->a->note, strlen(w->a->note));
}

static void place(writer *w, unsigned known, uint64_t bytes, uint64_t *end) {
    roma_frame_place(&w->section[known], &roma_adapter_kind.known[known], bytes, end);
}

/* Offsets of everything; the largest target's bytes and the longest row size the scratch. */
static int lay_out(writer *w) {
    uint64_t data = 0, most = 0, longest = ROMA_ADAPTER_RANK_MAX,
             end = ROMA_FRAME_HEADER + ADAPTER_KNOWN * ROMA_FRAME_ENTRY;
    for (size_t i = 0; i < w->a->n_targets; i++) {
        roma_adapter_target *t = &w->targets[i];
        roma_adapter_layout l;
        roma_adapter_layout_get(w->a->type, t, &l);
        t->offset = data;
        t->bytes = l.bytes;
        data += l.bytes;
        if (l.bytes > most) most = l.bytes;
        if (t->cols > longest) longest = t->cols;
    }
    place(w, ADAPTER_TARG, ADAPTER_TARG_HEAD + w->a->n_targets * ADAPTER_DESCRIPTOR, &end);
    place(w, ADAPTER_DATA, data, &end);
    for (size_t i = 0; i < w->a->n_targets; i++) w->targets[i].offset += w->section[ADAPTER_DATA].offset;
    put_targets(w);
    put_meta(w);
    place(w, ADAPTER_META, w->meta.len, &end);
    w->block = roma_alloc((size_t)most);
    w->row = roma_alloc_array((size_t)longest + longest / 4 + longest / 64,
                              sizeof *w->row); /* values, codes, scales of a row */
    if (w->targ.failed || w->meta.failed || !w->block || !w->row)
        return fail(w, ROMA_ENOMEM, "no memory for the largest target");
    return ROMA_OK;
}

/* ---- one target ---- */

/* Largest magnitude; false when a value is not finite. */
static bool largest(const float *x, uint64_t n, float *max) {
    uint32_t top = 0;
    for (uint64_t i = 0; i < n; i++) {
        const uint32_t m = roma_f32_bits(x[i]) & 0x7fffffffu;
        if (m > top) top = m;
    }
    *max = roma_f32_from_bits(top);
    return top < 0x71800000u; /* 2^100: beyond it reciprocals leave the normal numbers */
}

static int refuse(const writer *w, const roma_adapter_target *t, char matrix, uint64_t row) {
    char name[64];
    return roma_fail(w->err, ROMA_EINPUT, w->path, ROMA_NOWHERE,
                     "%s: a value of %c's row %llu is no number or too large; the source is damaged",
                     roma_adapter_place(name, t), matrix, (unsigned long long)row);
}

static int put_a(writer *w, size_t i, const roma_adapter_layout *l) {
    const roma_adapter_target *t = &w->targets[i];
    const roma_format f = roma_adapter_format(t->cols);
    uint8_t *code = (uint8_t *)(w->row + t->cols);
    uint16_t *scale = (uint16_t *)(void *)(code + t->cols);
    const roma_row row = {.code = code, .scale = scale};
    float max;
    for (uint64_t g = 0; g < t->cols / f.group; g++) scale[g] = ADAPTER_ONE;
    for (uint32_t r = 0; r < t->rank; r++) {
        w->source->row_a(w->source->ctx, w->from[i], r, w->row);
        if (!largest(w->row, t->cols, &max)) return refuse(w, t, 'A', r);
        const float s = roma_quantise_i8(w->row, (unsigned)t->cols, (int8_t *)code);
        roma_tile_put_row(&f, t->cols, w->block + r / ROMA_TILE_ROWS * l->a_tile_bytes, r % ROMA_TILE_ROWS, &row);
        roma_put32(w->block + l->a_scale + 4 * r, roma_f32_bits(s));
    }
    return ROMA_OK;
}

static bool factors_fit(const roma_adapter_target *t) {
    bool fit = t->factor != NULL;
    for (uint64_t r = 0; r < t->rows && fit; r++) fit = t->factor[r] > -1e30f && t->factor[r] < 1e30f;
    return fit;
}

static int put_b(writer *w, size_t i, const roma_adapter_layout *l) {
    const roma_adapter_target *t = &w->targets[i];
    const unsigned bytes = roma_adapter_code_bytes(w->a->type);
    float max, factor;
    if (t->dora && !factors_fit(t)) return fail(w, ROMA_EINPUT, "a row's factor is no number or too large");
    for (uint64_t r = 0; r < t->rows; r++) {
        if (t->dora) roma_put32(w->block + l->factor + 4 * r, roma_f32_bits(t->factor[r]));
        uint8_t *tile = w->block + l->b + r / ROMA_TILE_ROWS * l->b_tile_bytes + r % ROMA_TILE_ROWS * 2 * bytes;
        w->source->row_b(w->source->ctx, w->from[i], r, w->row);
        if (!largest(w->row, t->rank, &max)) return refuse(w, t, 'B', r);
        if (max < 7.9e-31f) continue; /* 2^-100: nothing, as in num */
        roma_put32(w->block + l->b_scale + 4 * r, roma_f32_bits(roma_adapter_scale_b(w->a->type, max, &factor)));
        for (uint32_t k = 0; k < t->rank; k++)
            roma_adapter_encode_b(w->a->type, w->row[k] * factor, tile + (k / 2 * 32 + k % 2) * bytes);
    }
    return ROMA_OK;
}

static int put_data(writer *w) {
    roma_section *s = &w->section[ADAPTER_DATA];
    int code = ROMA_OK;
    for (size_t i = 0; !code && i < w->a->n_targets; i++) {
        const roma_adapter_target *t = &w->targets[i];
        roma_adapter_layout l;
        roma_adapter_layout_get(w->a->type, t, &l);
        memset(w->block, 0, l.bytes);
        code = put_a(w, i, &l);
        if (!code) code = put_b(w, i, &l);
        if (code) break;
        s->crc = roma_crc32c(s->crc, w->block, l.bytes);
        code = roma_outfile_write(&w->out, w->block, l.bytes, w->err);
        if (!code && roma_progress_tell(w->progress, "adapter", t->offset + t->bytes - s->offset, s->bytes))
            code = fail(w, ROMA_ECANCEL, "stopped; nothing was written");
    }
    return code;
}

/* ---- file ---- */

static int put_section(writer *w, unsigned known) {
    static const uint8_t zero[ROMA_FRAME_HEADER + ADAPTER_KNOWN * ROMA_FRAME_ENTRY + ROMA_FRAME_ALIGN];
    roma_section *s = &w->section[known];
    int code = roma_outfile_write(&w->out, zero, (size_t)(s->offset - w->out.bytes), w->err);
    if (code || known == ADAPTER_DATA) return code ? code : put_data(w);
    const roma_buf *b = known == ADAPTER_TARG ? &w->targ : &w->meta;
    s->crc = roma_crc32c(0, b->data, b->len);
    return roma_outfile_write(&w->out, b->data, b->len, w->err);
}

int roma_adapter_write(const char *path, const roma_adapter *a, const roma_adapter_source *source,
                       const roma_progress *progress, roma_adapter_written *out, roma_error *err) {
    writer w = {.path = path, .err = err, .progress = progress, .a = a, .source = source};
    roma_adapter_written done = {0};
    int code = arrange(&w);
    if (!code) code = lay_out(&w);
    if (!code) code = roma_outfile_open(&w.out, path, err);
    if (!code) code = roma_outfile_keep(&w.out, err);
    for (unsigned i = 0; !code && i < ADAPTER_KNOWN; i++) code = put_section(&w, i);
    done.bytes = w.out.bytes;
    done.data_bytes = w.section[ADAPTER_DATA].bytes;
    if (!code)
        code = roma_frame_write_header(&w.out, &roma_adapter_kind, w.section, ADAPTER_KNOWN, a->base_id, progress,
                                       done.file_sha256, err);
    if (!code) code = roma_outfile_commit(&w.out, err);
    if (code) roma_outfile_abort(&w.out);
    if (!code && out) *out = done;
    roma_buf_destroy(&w.targ);
    roma_buf_destroy(&w.meta);
    roma_free(w.targets);
    roma_free(w.from);
    roma_free(w.block);
    roma_free(w.row);
    return code;
}
