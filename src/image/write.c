/* Writing an image: everything but the weights is laid out first, then tiles stream through CRC and base identity
 * into the temporary file ("Writing"; stream.c). */
#include <assert.h>
#include <string.h>

#include "image/writer.h"

static int fail(const image_writer *w, int code, const char *text) {
    return roma_fail(w->err, code, w->path, ROMA_NOWHERE, "%s", text);
}

/* ---- what is asked for ---- */

static bool printable(const char *text, size_t max) {
    size_t n = strnlen(text, max + 1);
    for (size_t i = 0; i < n; i++)
        if (text[i] < 0x20 || text[i] > 0x7e) return false;
    return n <= max;
}

static int check_input(const image_writer *w, const roma_vocab *vocab, const char *note) {
    int code = roma_hyper_check(&w->desc.hyper, w->path, w->err);
    if (code) return code;
    if (!printable(w->desc.name, sizeof w->desc.name - 1) || !printable(w->desc.license, sizeof w->desc.license - 1) ||
        !printable(note, IMAGE_NOTE_MAX))
        return fail(w, ROMA_EINPUT,
                    "name, license and note must be printable ASCII of at most 127, 63 and 511 characters");
    if (!vocab) return ROMA_OK;
    code = roma_vocab_check(vocab, w->path, w->err);
    if (!code && vocab->n_tokens > w->desc.hyper.vocab)
        code = roma_fail(w->err, ROMA_EINPUT, w->path, ROMA_NOWHERE,
                         "the tokenizer has %u tokens, the model only %u rows for them", vocab->n_tokens,
                         w->desc.hyper.vocab);
    return code;
}

/* The stored form of a tensor: fields without meaning are zero, so that equal models give equal bytes. */
static void put_plain(roma_image_tensor *to, const roma_image_tensor *t) {
    *to = *t;
    to->data = NULL;
    if (t->is_vector) memset(&to->format, 0, sizeof to->format);
    if (t->format.level == ROMA_LEVEL_IDENTITY) memset(to->format.table, 0, sizeof to->format.table);
}

/* Tensors into the order of execution, ties along with them. */
static int arrange(image_writer *w, const roma_description *d) {
    roma_description *own = &w->desc;
    own->n_tensors = own->n_orders = 0;
    own->orders = NULL;
    own->tensors = roma_alloc_array(d->n_tensors ? d->n_tensors : 1, sizeof *own->tensors);
    w->from = roma_alloc_array(d->n_tensors ? d->n_tensors : 1, sizeof *w->from);
    if (!own->tensors || !w->from) return fail(w, ROMA_ENOMEM, "no memory for the tensor table");
    for (size_t i = 0; i < roma_image_order_count(&d->hyper); i++) {
        uint32_t role, layer;
        roma_image_order_at(&d->hyper, i, &role, &layer);
        const roma_image_tensor *t = roma_description_find(d, role, layer);
        if (!t) continue;
        w->from[own->n_tensors] = (size_t)(t - d->tensors);
        put_plain(&own->tensors[own->n_tensors++], t);
    }
    for (size_t i = 0; i < own->n_tensors; i++) {
        roma_image_tensor *t = &own->tensors[i];
        if (t->tie < 0) continue;
        size_t k = 0;
        while (k < own->n_tensors && w->from[k] != (size_t)t->tie) k++;
        t->tie = k < own->n_tensors ? (int32_t)k : INT32_MIN; /* refused by the check */
    }
    if (own->n_tensors != d->n_tensors) return fail(w, ROMA_EINPUT, "a tensor is unknown or there twice");
    if (!roma_image_arrange_orders(own)) return fail(w, ROMA_ENOMEM, "no memory for the orders of columns");
    return roma_image_check_tensors(own, w->path, w->err);
}

/* ---- layout ---- */

/* Offsets relative to section DATA; returns its size. */
static uint64_t place_tensors(roma_description *d) {
    uint64_t end = 0;
    for (size_t i = 0; i < d->n_tensors; i++) {
        roma_image_tensor *t = &d->tensors[i];
        roma_image_tensor_size(t, &t->bytes, &t->tile_bytes);
        assert(t->bytes % ROMA_FRAME_ALIGN == 0); /* roma_hyper_check: vectors come in multiples of 16 */
        t->offset = t->tie < 0 ? end : d->tensors[t->tie].offset;
        if (t->tie < 0) end += t->bytes;
    }
    return end;
}

static void put_meta(roma_buf *b, const roma_description *d, const char *note) {
    const char *const text[] = {d->name, d->license, note};
    for (int i = 0; i < 3; i++) roma_buf_le32(b, (uint32_t)strlen(text[i]));
    roma_buf_le32(b, 0);
    for (int i = 0; i < 3; i++) roma_buf_append(b, text[i], strlen(text[i]));
}

static void put_tensors(roma_buf *b, const roma_description *d) {
    uint8_t descriptor[IMAGE_DESCRIPTOR];
    roma_buf_le32(b, (uint32_t)d->n_tensors);
    roma_buf_le32(b, IMAGE_DESCRIPTOR);
    roma_buf_le64(b, 0);
    for (size_t i = 0; i < d->n_tensors; i++) {
        roma_image_put_descriptor(descriptor, d, &d->tensors[i]);
        roma_buf_append(b, descriptor, sizeof descriptor);
    }
}

/* One section behind the others; *end moves along. */
static void place_section(image_writer *w, unsigned known, uint64_t bytes, uint64_t *end) {
    roma_frame_place(&w->section[w->n_sections++], &roma_image_kind.known[known], bytes, end);
}

static int lay_out(image_writer *w, const roma_vocab *vocab, const char *note) {
    roma_description *d = &w->desc;
    uint8_t hyper[IMAGE_HYPR_BYTES];
    uint64_t data_bytes = place_tensors(d), end;
    const bool has_template = vocab && vocab->template_bytes, has_report = w->source->report != NULL,
               has_orders = d->n_orders > 0;
    const int absent = !vocab + !has_template + !has_orders + !has_report;
    end = ROMA_FRAME_HEADER + (uint64_t)(IMAGE_KNOWN - absent) * ROMA_FRAME_ENTRY;
    roma_image_put_hyper(hyper, &d->hyper);
    roma_buf_append(&w->part[IMAGE_HYPR], hyper, sizeof hyper);
    roma_image_put_rope(&w->part[IMAGE_ROPE], &d->hyper);
    if (vocab) roma_image_put_vocab(&w->part[IMAGE_VOCB], vocab);
    if (has_template) roma_buf_append(&w->part[IMAGE_TMPL], vocab->template_text, vocab->template_bytes);
    put_meta(&w->part[IMAGE_META], d, note);
    place_section(w, IMAGE_HYPR, w->part[IMAGE_HYPR].len, &end);
    place_section(w, IMAGE_ROPE, w->part[IMAGE_ROPE].len, &end);
    if (vocab) place_section(w, IMAGE_VOCB, w->part[IMAGE_VOCB].len, &end);
    if (has_template) place_section(w, IMAGE_TMPL, w->part[IMAGE_TMPL].len, &end);
    place_section(w, IMAGE_TENS, IMAGE_TENS_HEAD + d->n_tensors * IMAGE_DESCRIPTOR, &end);
    if (has_orders) {
        roma_image_put_orders(&w->part[IMAGE_ORDR], d);
        place_section(w, IMAGE_ORDR, w->part[IMAGE_ORDR].len, &end);
    }
    place_section(w, IMAGE_DATA, data_bytes, &end);
    uint64_t base = w->section[w->n_sections - 1].offset;
    place_section(w, IMAGE_META, w->part[IMAGE_META].len, &end);
    if (has_report) place_section(w, IMAGE_REPT, 0, &end); /* its bytes are known at the end */
    for (size_t i = 0; i < d->n_tensors; i++) d->tensors[i].offset += base;
    put_tensors(&w->part[IMAGE_TENS], d);
    for (int k = 0; k < IMAGE_KNOWN; k++)
        if (w->part[k].failed) return fail(w, ROMA_ENOMEM, "no memory for the sections");
    return ROMA_OK;
}

/* ---- all together ---- */

/* The largest tile or vector, and as many tiles as a team makes at a time. */
static int take_block(image_writer *w) {
    uint64_t most = IMAGE_BATCH;
    for (size_t i = 0; i < w->desc.n_tensors; i++) {
        const roma_image_tensor *t = &w->desc.tensors[i];
        uint64_t n = t->is_vector ? t->bytes : t->tile_bytes;
        if (n > most) most = n;
    }
    w->block_bytes = (size_t)most;
    w->raw_block = roma_alloc((size_t)most + ROMA_FRAME_ALIGN);
    if (!w->raw_block) return fail(w, ROMA_ENOMEM, "no memory for tiles");
    w->block = w->raw_block + (ROMA_FRAME_ALIGN - (uintptr_t)w->raw_block % ROMA_FRAME_ALIGN) % ROMA_FRAME_ALIGN;
    return ROMA_OK;
}

/* Of the caller's job and of all that is laid out: another vocabulary, format or name is another job. */
static void name_job(image_writer *w) {
    static const uint8_t none[32];
    roma_sha256 h;
    w->has_job = memcmp(w->source->job, none, sizeof none) != 0;
    roma_sha256_init(&h);
    roma_sha256_update(&h, w->source->job, sizeof w->source->job);
    for (int k = 0; k < IMAGE_KNOWN; k++) roma_sha256_update(&h, w->part[k].data, w->part[k].len);
    roma_sha256_final(&h, w->job);
}

static void describe_written(const image_writer *w, roma_image_written *out) {
    out->bytes = w->out.bytes;
    out->arch = w->desc.hyper.arch;
    memcpy(out->name, w->desc.name, sizeof out->name);
    roma_description_size(&w->desc, &out->params, &out->bits_per_weight);
}

int roma_image_write(const char *path, const roma_description *desc, const roma_vocab *vocab, const char *note,
                     const roma_tile_source *source, const roma_progress *progress, roma_image_written *out,
                     roma_error *err) {
    image_writer w = {.path = path, .err = err, .progress = progress, .source = source, .desc = *desc};
    roma_image_written done = {0};
    w.desc.tensors = NULL;
    w.desc.orders = NULL;
    int code = check_input(&w, vocab, note);
    if (!code) code = arrange(&w, desc);
    if (!code) code = lay_out(&w, vocab, note);
    if (!code) code = take_block(&w);
    if (!code) name_job(&w);
    if (!code) code = source->resume ? roma_outfile_resume(&w.out, path, err) : roma_outfile_open(&w.out, path, err);
    if (!code) code = roma_outfile_keep(&w.out, err);
    if (!code) code = roma_image_resume(&w);
    if (!code) code = roma_image_stream(&w, done.base_id);
    if (!code) describe_written(&w, &done);
    if (!code)
        code = roma_frame_write_header(&w.out, &roma_image_kind, w.section, w.n_sections, done.base_id, progress,
                                       done.file_sha256, err);
    if (!code) code = roma_outfile_commit(&w.out, err);
    if (code) roma_outfile_abort(&w.out);
    if (!code && out) *out = done;
    for (int k = 0; k < IMAGE_KNOWN; k++) roma_buf_destroy(&w.part[k]);
    roma_free(w.desc.tensors);
    roma_free(w.desc.orders);
    roma_free(w.from);
    roma_free(w.raw_block);
    return code;
}
