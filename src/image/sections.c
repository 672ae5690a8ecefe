/* Sections HYPR, ROPE, TENS and META: bytes to structures, with every rule checked, and back. */
#include "image/internal.h"

#include <string.h>

/* ---- HYPR and ROPE ---- */

void roma_image_put_hyper(uint8_t out[IMAGE_HYPR_BYTES], const roma_hyper *h) {
    const uint32_t fields[] = {h->arch,
                               h->layers,
                               h->hidden,
                               h->ffn,
                               h->heads,
                               h->kv_heads,
                               h->head_dim,
                               h->rope_dim,
                               h->vocab,
                               h->context,
                               roma_f32_bits(h->rms_eps),
                               h->true_hidden,
                               h->true_ffn,
                               h->true_head};
    memset(out, 0, IMAGE_HYPR_BYTES);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) roma_put32(out + 4 * i, fields[i]);
}

void roma_image_put_rope(roma_buf *out, const roma_hyper *h) {
    for (uint32_t i = 0; i < h->rope_dim / 2; i++) roma_buf_le64(out, h->rope_phase[i]);
    if (!(h->rope_gain > 0)) return;
    roma_buf_le32(out, roma_f32_bits(h->rope_gain));
    roma_buf_le32(out, 0);
}

/* Phase increments, and behind them the factor of cos and sin where there is one other than 1. */
static int read_rope(const roma_frame *in, roma_hyper *h) {
    const roma_section *s = in->known[IMAGE_ROPE];
    const uint64_t pairs = h->rope_dim / 2;
    roma_reader r = roma_image_section_reader(in, IMAGE_ROPE);
    if (s->bytes != 8 * pairs && s->bytes != 8 * pairs + 8)
        return roma_frame_fail(in, ROMA_EINPUT, s->offset,
                               "section ROPE must have 8 bytes per rotated pair, and 8 for a factor");
    for (uint64_t i = 0; i < pairs; i++) h->rope_phase[i] = roma_read_u64(&r);
    if (s->bytes == 8 * pairs) return ROMA_OK;
    h->rope_gain = roma_read_f32(&r);
    const bool one = h->rope_gain >= 1 && h->rope_gain <= 1;
    if (one || !(h->rope_gain >= 1e-6f && h->rope_gain <= 1e6f) || roma_read_u32(&r))
        return roma_frame_fail(in, ROMA_EINPUT, s->offset + 8 * pairs, "section ROPE: its factor is no factor");
    return ROMA_OK;
}

int roma_image_read_hyper(const roma_frame *in, roma_hyper *h) {
    const roma_section *s = in->known[IMAGE_HYPR];
    if (s->bytes != IMAGE_HYPR_BYTES)
        return roma_frame_fail(in, ROMA_EINPUT, s->offset, "section HYPR must have 64 bytes");
    roma_reader r = roma_image_section_reader(in, IMAGE_HYPR);
    uint32_t *const fields[] = {&h->arch,     &h->layers,   &h->hidden,   &h->ffn,   &h->heads,
                                &h->kv_heads, &h->head_dim, &h->rope_dim, &h->vocab, &h->context};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) *fields[i] = roma_read_u32(&r);
    h->rms_eps = roma_read_f32(&r);
    h->true_hidden = roma_read_u32(&r);
    h->true_ffn = roma_read_u32(&r);
    h->true_head = roma_read_u32(&r);
    if (!roma_frame_all_zero(in->data + s->offset + 56, 8))
        return roma_frame_fail(in, ROMA_EINPUT, s->offset + 56, "reserved bytes of section HYPR are not zero");
    roma_error why;
    int code = roma_hyper_check(h, NULL, &why);
    return code ? roma_frame_fail(in, code, s->offset, "%s", why.text) : read_rope(in, h);
}

/* ---- TENS ---- */

/* Low and high plane of a code width. */
static void planes_of(unsigned bits, uint8_t out[2]) {
    out[0] = bits <= 3 ? 2 : bits == 8 ? 8 : 4;
    out[1] = (uint8_t)(bits - out[0]);
}

void roma_image_put_descriptor(uint8_t out[IMAGE_DESCRIPTOR], const roma_description *d, const roma_image_tensor *t) {
    const roma_format *f = &t->format;
    memset(out, 0, IMAGE_DESCRIPTOR);
    roma_put32(out, t->role);
    roma_put32(out + 4, t->layer);
    roma_put64(out + 8, t->rows);
    roma_put64(out + 16, t->cols);
    roma_put32(out + 48, (uint32_t)t->tie);
    roma_put64(out + 56, t->offset);
    roma_put64(out + 64, t->bytes);
    if (t->is_vector) return;
    out[24] = 1;
    out[25] = f->bits;
    planes_of(f->bits, out + 26);
    out[28] = f->level;
    out[29] = f->scale;
    out[30] = f->min;
    out[31] = (uint8_t)f->zeros;
    roma_put16(out + 32, f->group);
    roma_put16(out + 34, f->super);
    roma_put16(out + 36, (uint16_t)f->zero);
    roma_put32(out + 40, t->act_group);
    roma_put32(out + 44, roma_description_order(d, t));
    roma_put64(out + 72, t->tile_bytes);
    if (f->level != ROMA_LEVEL_IDENTITY)
        for (int i = 0; i < 16; i++) roma_put16(out + 80 + 2 * i, (uint16_t)f->table[i]);
}

/* at is the file offset of the descriptor. Orders of d were read before. */
static int get_descriptor(const roma_frame *in, uint64_t at, const roma_description *d, roma_image_tensor *t) {
    const uint8_t *p = in->data + at;
    uint8_t planes[2];
    *t = (roma_image_tensor){
        .role = roma_le32(p), .layer = roma_le32(p + 4), .rows = roma_le64(p + 8), .cols = roma_le64(p + 16)};
    if (p[24] > 1) return roma_frame_fail(in, ROMA_EUNSUPPORTED, at + 24, "tensor kind %u is unknown", p[24]);
    t->is_vector = !p[24];
    t->tie = (int32_t)roma_le32(p + 48);
    t->offset = roma_le64(p + 56);
    t->bytes = roma_le64(p + 64);
    t->tile_bytes = roma_le64(p + 72);
    if (!roma_frame_all_zero(p + 38, 2) || !roma_frame_all_zero(p + 52, 4) || !roma_frame_all_zero(p + 112, 16))
        return roma_frame_fail(in, ROMA_EINPUT, at, "reserved bytes of a tensor descriptor are not zero");
    if (t->is_vector) {
        if (roma_frame_all_zero(p + 25, 23) && roma_frame_all_zero(p + 72, 40)) return ROMA_OK;
        return roma_frame_fail(in, ROMA_EINPUT, at + 24, "a vector's descriptor has fields of a matrix");
    }
    t->format = (roma_format){.bits = p[25],
                              .level = p[28],
                              .scale = p[29],
                              .min = p[30],
                              .group = roma_le16(p + 32),
                              .super = roma_le16(p + 34),
                              .zero = (int16_t)roma_le16(p + 36),
                              .zeros = p[31]};
    t->act_group = roma_le32(p + 40);
    if (roma_le32(p + 44) > d->n_orders)
        return roma_frame_fail(in, ROMA_EUNSUPPORTED, at + 44, "order %u of a tensor's columns: there are %zu",
                               roma_le32(p + 44), d->n_orders);
    if (roma_le32(p + 44)) t->order = &d->orders[roma_le32(p + 44) - 1];
    planes_of(t->format.bits, planes);
    if (memcmp(planes, p + 26, 2) != 0)
        return roma_frame_fail(in, ROMA_EUNSUPPORTED, at + 26, "planes of %u and %u bits do not make %u-bit codes",
                               p[26], p[27], p[25]);
    if (t->format.level == ROMA_LEVEL_IDENTITY && !roma_frame_all_zero(p + 80, 32))
        return roma_frame_fail(in, ROMA_EINPUT, at + 80, "a level table without table levels");
    for (int i = 0; i < 16; i++) t->format.table[i] = (int16_t)roma_le16(p + 80 + 2 * i);
    return ROMA_OK;
}

/* Stated places against the only right ones; ties repeat their target's. */
static int check_places(const roma_frame *in, roma_image *img) {
    const roma_section *data = in->known[IMAGE_DATA];
    const uint64_t first = in->known[IMAGE_TENS]->offset + IMAGE_TENS_HEAD, stop = data->offset + data->bytes;
    uint64_t end = data->offset;
    for (size_t i = 0; i < img->desc.n_tensors; i++) {
        roma_image_tensor *t = &img->desc.tensors[i];
        uint64_t bytes, tile_bytes, at = first + i * IMAGE_DESCRIPTOR;
        const uint64_t offset = t->tie >= 0 ? img->desc.tensors[t->tie].offset : end;
        char name[64];
        roma_image_tensor_size(t, &bytes, &tile_bytes);
        if (t->offset != offset || t->bytes != bytes || t->tile_bytes != tile_bytes)
            return roma_frame_fail(in, ROMA_EINPUT, at + 56, "%s: offset or size of its data is not what it must be",
                                   roma_image_tensor_place(name, t));
        if (offset > stop || bytes > stop - offset)
            return roma_frame_fail(in, ROMA_EINPUT, at + 56, "%s: its data reach beyond section DATA",
                                   roma_image_tensor_place(name, t));
        if (t->tie < 0) end = offset + bytes;
        t->data = in->data + offset;
    }
    if (end != stop) return roma_frame_fail(in, ROMA_EINPUT, end, "section DATA does not end with its last tensor");
    return ROMA_OK;
}

int roma_image_read_tensors(const roma_frame *in, roma_image *img) {
    const roma_section *s = in->known[IMAGE_TENS];
    const uint8_t *p = in->data + s->offset;
    uint64_t n = (s->bytes - IMAGE_TENS_HEAD) / IMAGE_DESCRIPTOR;
    if (s->bytes < IMAGE_TENS_HEAD || s->bytes > IMAGE_TENS_HEAD + 65536ull * IMAGE_DESCRIPTOR || roma_le32(p) != n ||
        s->bytes != IMAGE_TENS_HEAD + n * IMAGE_DESCRIPTOR)
        return roma_frame_fail(in, ROMA_EINPUT, s->offset,
                               "section TENS has another size than its number of tensors says");
    if (roma_le32(p + 4) != IMAGE_DESCRIPTOR)
        return roma_frame_fail(in, ROMA_EUNSUPPORTED, s->offset + 4, "tensor descriptors of %u bytes",
                               roma_le32(p + 4));
    if (!n || !roma_frame_all_zero(p + 8, 8))
        return roma_frame_fail(in, ROMA_EINPUT, s->offset, "section TENS is empty or its reserved bytes are not zero");
    img->desc.tensors = roma_alloc_array((size_t)n, sizeof *img->desc.tensors);
    if (!img->desc.tensors)
        return roma_frame_fail(in, ROMA_ENOMEM, ROMA_NOWHERE, "no memory for %llu tensors", (unsigned long long)n);
    img->desc.n_tensors = (size_t)n;
    for (size_t i = 0; i < n; i++) {
        int code =
            get_descriptor(in, s->offset + IMAGE_TENS_HEAD + i * IMAGE_DESCRIPTOR, &img->desc, &img->desc.tensors[i]);
        if (code) return code;
    }
    roma_error why;
    int code = roma_image_check_tensors(&img->desc, NULL, &why);
    if (code) return roma_frame_fail(in, code, s->offset, "%s", why.text);
    return check_places(in, img);
}

/* ---- META ---- */

static int read_text(const roma_frame *in, roma_reader *r, uint32_t n, char *out, size_t cap, const char *what) {
    uint64_t at = r->origin + r->pos;
    const uint8_t *p = n < cap ? roma_read_bytes(r, n) : NULL;
    if (!p) return roma_frame_fail(in, ROMA_EINPUT, at, "the %s is too long", what);
    for (uint32_t i = 0; i < n; i++)
        if (p[i] < 0x20 || p[i] > 0x7e)
            return roma_frame_fail(in, ROMA_EINPUT, at + i, "the %s is not printable", what);
    memcpy(out, p, n);
    out[n] = 0;
    return ROMA_OK;
}

int roma_image_read_report(const roma_frame *in, roma_image *img) {
    const roma_section *s = in->known[IMAGE_REPT];
    if (!s) return ROMA_OK;
    const char *text = (const char *)in->data + s->offset;
    if (s->bytes > IMAGE_REPORT_MAX)
        return roma_frame_fail(in, ROMA_EINPUT, s->offset, "section REPT is longer than 1 MiB");
    for (uint64_t i = 0; i < s->bytes; i++)
        if (text[i] != '\n' && (text[i] < 0x20 || text[i] > 0x7e))
            return roma_frame_fail(in, ROMA_EINPUT, s->offset + i, "the report has a byte that is not printable ASCII");
    img->report = text;
    img->report_bytes = (uint32_t)s->bytes;
    return ROMA_OK;
}

int roma_image_read_meta(const roma_frame *in, roma_image *img) {
    roma_reader r = roma_image_section_reader(in, IMAGE_META);
    uint32_t name = roma_read_u32(&r), license = roma_read_u32(&r), note = roma_read_u32(&r), zero = roma_read_u32(&r);
    if (r.failed || zero)
        return roma_frame_fail(in, ROMA_EINPUT, r.origin,
                               "section META is too short or its reserved bytes are not zero");
    int code = read_text(in, &r, name, img->desc.name, sizeof img->desc.name, "name");
    if (!code) code = read_text(in, &r, license, img->desc.license, sizeof img->desc.license, "license");
    if (!code) code = read_text(in, &r, note, img->note, sizeof img->note, "note");
    if (!code && roma_reader_left(&r))
        code = roma_frame_fail(in, ROMA_EINPUT, r.origin + r.pos, "section META is longer than its texts");
    return code;
}
