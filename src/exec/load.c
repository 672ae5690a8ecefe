/* The cache of a sequence out of a file ("Reading" of docs/cache-format.md): all of the file is checked before anything
 * in the engine changes. */
#include "saved.h"

#include <string.h>

typedef struct {
    roma_frame f;
    const roma_exec *e;
    const lora_set *set;
    uint32_t n; /* tokens */
} reader;

static const uint8_t *section(const reader *r, unsigned part, uint64_t *at, uint64_t *bytes) {
    const roma_section *s = r->f.known[part];
    *at = s ? s->offset : ROMA_FRAME_HEADER;
    *bytes = s ? s->bytes : 0;
    return r->f.data + *at;
}

/* ---- whose cache ---- */

static int check_image(const reader *r) {
    char file[65], image[65];
    if (memcmp(r->f.base_id, r->e->image->base_id, 32) == 0) return ROMA_OK;
    roma_hex(file, r->f.base_id, 32);
    roma_hex(image, r->e->image->base_id, 32);
    return roma_frame_fail(&r->f, ROMA_EINPUT, 40,
                           "this cache was computed by another image: its base identity is %.12s, this image's %.12s",
                           file, image);
}

static int check_record(reader *r) {
    uint8_t want[SAVED_RECORD];
    uint64_t at, bytes;
    const uint8_t *p = section(r, SAVED_CACH, &at, &bytes);
    if (bytes != SAVED_RECORD) return roma_frame_fail(&r->f, ROMA_EINPUT, at, "section CACH must have 64 bytes");
    r->n = roma_le32(p);
    if (!r->n) return roma_frame_fail(&r->f, ROMA_EINPUT, at, "a saved cache without tokens");
    if (r->n > r->e->cfg.context)
        return roma_frame_fail(&r->f, ROMA_ECONTEXT, at, "the saved %u tokens do not fit the context of %u", r->n,
                               r->e->cfg.context);
    if (roma_le32(p + 24) >= ROMA_KV_COUNT)
        return roma_frame_fail(&r->f, ROMA_EINPUT, at + 24, "the cache has no format number %u; it has %s",
                               roma_le32(p + 24), roma_kv_names());
    if (&roma_kv_formats[roma_le32(p + 24)] != r->e->kv)
        return roma_frame_fail(&r->f, ROMA_EINPUT, at + 24, "this cache is of the format %s, in use is %s (--kv)",
                               roma_kv_formats[roma_le32(p + 24)].name, r->e->kv->name);
    roma_exec_saved_record(r->e, r->n, r->set, want);
    memcpy(want + 20, p + 20, 4); /* the adapters have a sentence of their own */
    if (memcmp(p, want, SAVED_RECORD) != 0)
        return roma_frame_fail(&r->f, ROMA_EINPUT, at, "section CACH contradicts the image that it names");
    return ROMA_OK;
}

static int check_adapters(const reader *r) {
    uint64_t record, at, bytes;
    const uint32_t n = roma_le32(section(r, SAVED_CACH, &record, &bytes) + 20);
    const uint8_t *p = section(r, SAVED_LORA, &at, &bytes);
    uint8_t want[SAVED_ADAPTER];
    if (n > ROMA_EXEC_STACK_MAX || bytes != (uint64_t)n * SAVED_ADAPTER)
        return roma_frame_fail(&r->f, ROMA_EINPUT, at, "section LORA has not an entry for each of %u adapters", n);
    bool same = n == r->set->n;
    for (uint32_t i = 0; i < n && same; i++) {
        roma_exec_saved_adapter(r->e, r->set, i, want);
        same = memcmp(p + (uint64_t)i * SAVED_ADAPTER, want, SAVED_ADAPTER) == 0;
    }
    if (same) return ROMA_OK;
    char sum[65] = "";
    if (n) roma_hex(sum, p, 32);
    return roma_frame_fail(
        &r->f, ROMA_EINPUT, at,
        "this cache was computed under %u adapter%s%s%.12s%s, in use are %u; take the same adapters, "
        "factors and order",
        n, n == 1 ? "" : "s", n ? " (the first one's SHA-256 begins " : "", sum, n ? ")" : "", r->set->n);
}

/* ---- what is in it ---- */

static int check_tokens(const reader *r) {
    uint64_t at, bytes;
    const uint8_t *p = section(r, SAVED_TOKS, &at, &bytes);
    if (bytes != (uint64_t)r->n * 4)
        return roma_frame_fail(&r->f, ROMA_EINPUT, at, "section TOKS has not the %u tokens of section CACH", r->n);
    for (uint32_t i = 0; i < r->n; i++)
        if (roma_le32(p + 4 * (uint64_t)i) >= r->e->hyper->vocab)
            return roma_frame_fail(&r->f, ROMA_EINPUT, at + 4 * (uint64_t)i, "token %u is not in the vocabulary of %u",
                                   roma_le32(p + 4 * (uint64_t)i), r->e->hyper->vocab);
    return ROMA_OK;
}

static bool slot_is_zero(roma_kv_code code, const int8_t *codes, unsigned head_dim, bool of_values, unsigned slot) {
    unsigned any = 0;
    for (unsigned d = 0; d < head_dim; d++) any |= roma_kv_get(code, codes, head_dim, of_values, slot, d);
    return !any;
}

/* What no writer puts there, and some kernels have no room for: -128, -8, no numbers. */
static const char *codes_fault(roma_kv_code code, const int8_t *codes, unsigned head_dim) {
    const uint8_t *at = (const uint8_t *)codes;
    for (size_t i = 0; i < roma_kv_code_bytes(code, head_dim); i++) {
        if (code == ROMA_KV_CODE_INT8 && at[i] == 0x80) return "a code is -128";
        if (code == ROMA_KV_CODE_INT4 && ((at[i] & 15) == 8 || at[i] >> 4 == 8)) return "a code is -8";
        if (code == ROMA_KV_CODE_FP8 && (at[i] & 0x7f) == 0x7f) return "a code is no number";
        if (code == ROMA_KV_CODE_F16 && i % 2 && (at[i] & 0x7c) == 0x7c) return "a code is no number";
    }
    return NULL;
}

/* Positions that nobody holds are zero. */
static const char *half_fault(roma_kv_code code, const int8_t *codes, const uint8_t *scale, unsigned head_dim,
                              bool of_values, uint32_t used) {
    const char *why = codes_fault(code, codes, head_dim);
    for (uint32_t slot = 0; slot < ROMA_PAGE && !why; slot++) {
        const uint32_t bits = roma_le32(scale + 4 * slot);
        if (!saved_scale_good(roma_f32_from_bits(bits))) why = "a scale is negative, too large or no number";
        if (slot < used || why) continue;
        if (bits || !slot_is_zero(code, codes, head_dim, of_values, slot))
            why = "a position behind the last one is not zero";
    }
    return why;
}

static const char *page_fault(const roma_kv_format *f, const uint8_t *p, unsigned head_dim, uint32_t used) {
    const size_t keys = roma_kv_code_bytes(f->k, head_dim);
    const uint8_t *scale = p + keys + roma_kv_code_bytes(f->v, head_dim);
    const char *why = half_fault(f->k, (const int8_t *)p, scale, head_dim, false, used);
    return why ? why : half_fault(f->v, (const int8_t *)p + keys, scale + 4 * ROMA_PAGE, head_dim, true, used);
}

static int check_pages(const reader *r) {
    const roma_hyper *h = r->e->hyper;
    const uint64_t page = roma_kv_bytes(r->e->kv, h->head_dim), group = page * h->layers * h->kv_heads;
    uint64_t at, bytes;
    const uint8_t *p = section(r, SAVED_PAGE, &at, &bytes);
    if (bytes != roma_pages(r->n) * group)
        return roma_frame_fail(&r->f, ROMA_EINPUT, at, "section PAGE has not the pages of %u tokens", r->n);
    for (uint64_t k = 0; k < bytes; k += page) {
        const uint32_t first = (uint32_t)(k / group) * ROMA_PAGE;
        const char *why = page_fault(r->e->kv, p + k, h->head_dim, r->n - first < ROMA_PAGE ? r->n - first : ROMA_PAGE);
        if (why) return roma_frame_fail(&r->f, ROMA_EINPUT, at + k, "%s in this page of the cache", why);
    }
    return ROMA_OK;
}

static int check(reader *r) {
    int rc = roma_frame_read(&r->f, &roma_exec_saved_kind);
    if (!rc) rc = roma_frame_check_crcs(&r->f, r->e->team);
    if (!rc) rc = check_image(r);
    if (!rc) rc = check_record(r);
    if (!rc) rc = check_adapters(r);
    if (!rc) rc = check_tokens(r);
    if (!rc) rc = check_pages(r);
    if (!rc && r->f.known[SAVED_TEXT] && r->f.known[SAVED_TEXT]->bytes > ROMA_SAVED_TEXT_MAX)
        rc = roma_frame_fail(&r->f, ROMA_EINPUT, r->f.known[SAVED_TEXT]->offset, "section TEXT is too long");
    return rc;
}

/* ---- into the engine ---- */

/* What the caller gets: tokens and text. */
static int give(const reader *r, roma_saved *out) {
    uint64_t at, bytes;
    const uint8_t *p = section(r, SAVED_TEXT, &at, &bytes);
    out->n_text = (size_t)bytes;
    out->text = bytes ? roma_alloc((size_t)bytes + 1) : NULL;
    out->n_ids = r->n;
    out->ids = roma_alloc_array(r->n, sizeof *out->ids);
    if (!out->ids || (bytes && !out->text))
        return roma_frame_fail(&r->f, ROMA_ENOMEM, ROMA_NOWHERE, "no memory for the saved tokens");
    if (bytes) memcpy(out->text, p, (size_t)bytes);
    if (bytes) out->text[bytes] = 0;
    p = section(r, SAVED_TOKS, &at, &bytes);
    for (uint32_t i = 0; i < r->n; i++) out->ids[i] = (int32_t)roma_le32(p + 4 * (uint64_t)i);
    return ROMA_OK;
}

static void fill(const reader *r, uint32_t to) {
    const roma_hyper *h = r->e->hyper;
    uint64_t at, all;
    const uint8_t *p = section(r, SAVED_PAGE, &at, &all);
    const size_t bytes = roma_kv_bytes(r->e->kv, h->head_dim), codes = bytes - 2 * ROMA_PAGE * sizeof(float);
    for (uint32_t i = 0; i < roma_pages(r->n); i++)
        for (uint32_t k = 0; k < h->layers * h->kv_heads; k++) {
            const roma_kv_page page = roma_exec_page(r->e, to, i, k / h->kv_heads, k % h->kv_heads);
            memcpy(page.k, p, codes);
            for (uint32_t slot = 0; slot < ROMA_PAGE; slot++) {
                page.k_scale[slot] = roma_f32_from_bits(roma_le32(p + codes + 4 * slot));
                page.v_scale[slot] = roma_f32_from_bits(roma_le32(p + codes + 4 * (ROMA_PAGE + slot)));
            }
            p += bytes;
        }
}

static int load(roma_batch *b, reader *r, roma_saved *out) {
    int rc = check(r);
    if (!rc && roma_pages(r->n) > b->e->n_blocks)
        rc = roma_frame_fail(&r->f, ROMA_ECONTEXT, ROMA_NOWHERE, "%u tokens do not fit the cache's %u pages", r->n,
                             b->e->n_blocks);
    if (!rc) rc = give(r, out);
    const uint32_t to = rc ? NO_LANE : roma_batch_room(b, r->n);
    if (!rc && to == NO_LANE)
        rc = roma_frame_fail(&r->f, ROMA_EBUSY, ROMA_NOWHERE,
                             "running requests hold the cache's pages; load again when they are over");
    if (rc) return rc;
    fill(r, to);
    roma_batch_keep(b, to, out->ids, r->n, r->set);
    return ROMA_OK;
}

/* The most that a file for this engine can have. */
static uint64_t most_bytes(const roma_exec *e) {
    return (1u << 20) + ROMA_SAVED_TEXT_MAX + e->memory.cache + (uint64_t)e->cfg.context * 4;
}

int roma_batch_load(roma_batch *b, const char *path, uint32_t set, roma_saved *out, roma_error *err) {
    uint8_t *data;
    uint64_t size;
    *out = (roma_saved){0};
    if (set > b->e->cfg.adapter_sets || !b->e->lora.sets[set].is_defined)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "adapter set %u is not defined", set);
    int rc = roma_file_read(path, most_bytes(b->e), &data, &size, err);
    if (rc) return rc;
    reader r = {.f = {.data = data, .size = size, .file = path, .err = err}, .e = b->e, .set = &b->e->lora.sets[set]};
    rc = load(b, &r, out);
    if (rc) roma_saved_free(out);
    roma_free(data);
    return rc;
}

void roma_saved_free(roma_saved *s) {
    roma_free(s->ids);
    roma_free(s->text);
    *s = (roma_saved){0};
}
