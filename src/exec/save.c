/* The cache of a sequence into a file (docs/cache-format.md). */
#include "saved.h"

#include <string.h>

/* ---- the kind of file ---- */

static const roma_frame_known known[SAVED_KNOWN] = {
#define X(tag, critical, required) {#tag, critical, required, ROMA_FRAME_ALIGN},
    SAVED_SECTIONS(X)
#undef X
};
const roma_frame_kind roma_exec_saved_kind = {"CACH\x1a\n\r\n", SAVED_VERSION, "cache",
                                              "a saved cache",  known,         SAVED_KNOWN};

void roma_exec_saved_record(const roma_exec *e, uint32_t n, const lora_set *set, uint8_t out[SAVED_RECORD]) {
    const roma_hyper *h = e->hyper;
    memset(out, 0, SAVED_RECORD);
    roma_put32(out, n);
    roma_put32(out + 4, h->layers);
    roma_put32(out + 8, h->kv_heads);
    roma_put32(out + 12, h->head_dim);
    roma_put32(out + 16, h->vocab);
    roma_put32(out + 20, set->n);
    roma_put32(out + 24, (uint32_t)(e->kv - roma_kv_formats));
}

void roma_exec_saved_adapter(const roma_exec *e, const lora_set *set, uint32_t i, uint8_t out[SAVED_ADAPTER]) {
    memcpy(out, e->lora.adapters[set->part[i].id].sha256, 32);
    roma_put32(out + 32, roma_f32_bits(set->part[i].factor));
    roma_put32(out + 36, 0);
}

/* ---- writing ---- */

typedef struct {
    const roma_exec *e;
    const lora_set *set;
    uint32_t lane, n;
    const int32_t *ids;
    const void *text;
    size_t n_text;
    roma_outfile out;
    roma_section section[SAVED_KNOWN]; /* those that the file has, `sections` of them */
    unsigned part[SAVED_KNOWN], sections;
    roma_section *at; /* the one that is written */
    roma_error *err;
} writer;

static int put(writer *w, const void *data, size_t n) {
    w->at->crc = roma_crc32c(w->at->crc, data, n);
    return roma_outfile_write(&w->out, data, n, w->err);
}

static uint64_t size_of(const writer *w, unsigned part) {
    switch (part) {
    case SAVED_CACH: return SAVED_RECORD;
    case SAVED_LORA: return (uint64_t)w->set->n * SAVED_ADAPTER;
    case SAVED_TOKS: return (uint64_t)w->n * sizeof *w->ids;
    case SAVED_PAGE:
        return (uint64_t)roma_pages(w->n) * w->e->hyper->layers * w->e->hyper->kv_heads *
               roma_kv_bytes(w->e->kv, w->e->hyper->head_dim);
    case SAVED_TEXT: return w->n_text;
    }
    return 0;
}

static void lay_out(writer *w) {
    uint64_t end = ROMA_FRAME_HEADER;
    for (unsigned k = 0; k < SAVED_KNOWN; k++)
        if (size_of(w, k)) w->part[w->sections++] = k;
    end += w->sections * ROMA_FRAME_ENTRY;
    for (unsigned i = 0; i < w->sections; i++)
        roma_frame_place(&w->section[i], &known[w->part[i]], size_of(w, w->part[i]), &end);
}

static int put_tokens(writer *w) {
    uint8_t word[4];
    int rc = ROMA_OK;
    for (uint32_t i = 0; i < w->n && !rc; i++) {
        roma_put32(word, (uint32_t)w->ids[i]);
        rc = put(w, word, sizeof word);
    }
    return rc;
}

/* What lies in the page behind the sequence's own tokens another sequence may have put there: zero in the file. */
static int put_page(writer *w, const roma_kv_page *p, uint32_t used) {
    static const float zero[512];
    const unsigned head_dim = w->e->hyper->head_dim;
    const size_t bytes = roma_kv_bytes(w->e->kv, head_dim);
    uint8_t block[2 * ROMA_PAGE * (2 * 512 + sizeof(float))], *scale = block + bytes - 2 * ROMA_PAGE * sizeof(float);
    roma_kv_page copy;
    roma_kv_init(w->e->kv, &copy, block, head_dim);
    memcpy(block, p->k, bytes);
    for (uint32_t slot = used; slot < ROMA_PAGE; slot++) roma_kv_put(w->e->kv, &copy, head_dim, slot, zero, zero);
    for (uint32_t slot = 0; slot < ROMA_PAGE; slot++) {
        const float k = copy.k_scale[slot], v = copy.v_scale[slot];
        if (!saved_scale_good(k) || !saved_scale_good(v))
            return roma_fail(w->err, ROMA_EINPUT, w->out.path, ROMA_NOWHERE,
                             "the cache holds values that are no numbers; nothing was saved");
        roma_put32(scale + 4 * slot, roma_f32_bits(k));
        roma_put32(scale + 4 * (ROMA_PAGE + slot), roma_f32_bits(v));
    }
    return put(w, block, bytes);
}

static int put_pages(writer *w) {
    const roma_hyper *h = w->e->hyper;
    int rc = ROMA_OK;
    for (uint32_t i = 0; i < roma_pages(w->n); i++) {
        const uint32_t left = w->n - i * ROMA_PAGE;
        for (uint32_t at = 0; at < h->layers * h->kv_heads && !rc; at++) {
            const roma_kv_page p = roma_exec_page(w->e, w->lane, i, at / h->kv_heads, at % h->kv_heads);
            rc = put_page(w, &p, left < ROMA_PAGE ? left : ROMA_PAGE);
        }
    }
    return rc;
}

static int put_section(writer *w, unsigned i) {
    static const uint8_t zero[ROMA_FRAME_HEADER + SAVED_KNOWN * ROMA_FRAME_ENTRY + ROMA_FRAME_ALIGN];
    uint8_t record[SAVED_RECORD], adapter[SAVED_ADAPTER];
    w->at = &w->section[i];
    int rc = roma_outfile_write(&w->out, zero, (size_t)(w->at->offset - w->out.bytes), w->err);
    if (rc) return rc;
    switch (w->part[i]) {
    case SAVED_CACH: roma_exec_saved_record(w->e, w->n, w->set, record); return put(w, record, sizeof record);
    case SAVED_LORA:
        for (uint32_t k = 0; k < w->set->n && !rc; k++) {
            roma_exec_saved_adapter(w->e, w->set, k, adapter);
            rc = put(w, adapter, sizeof adapter);
        }
        return rc;
    case SAVED_TOKS: return put_tokens(w);
    case SAVED_PAGE: return put_pages(w);
    case SAVED_TEXT: return put(w, w->text, w->n_text);
    }
    return ROMA_OK;
}

static int write_file(writer *w, const char *path) {
    uint8_t sum[32];
    lay_out(w);
    int rc = roma_outfile_open(&w->out, path, w->err);
    if (!rc) rc = roma_outfile_keep(&w->out, w->err);
    for (unsigned i = 0; i < w->sections && !rc; i++) rc = put_section(w, i);
    if (!rc)
        rc = roma_frame_write_header(&w->out, &roma_exec_saved_kind, w->section, w->sections, w->e->image->base_id,
                                     NULL, sum, w->err);
    if (!rc) rc = roma_outfile_commit(&w->out, w->err);
    if (rc) roma_outfile_abort(&w->out);
    return rc;
}

/* The sequence that holds the longest beginning of the ids under the set. */
static uint32_t find(const roma_batch *b, const lora_set *set, const int32_t *ids, size_t n, uint32_t *length) {
    uint32_t best = NO_LANE;
    *length = 0;
    for (uint32_t s = 0; s < b->e->cfg.sequences; s++) {
        const lane *l = &b->lanes[s];
        const uint32_t have = roma_exec_length(b->e, s);
        uint32_t i = 0;
        if (!roma_exec_sets_equal(&l->adapters, set)) continue;
        while (i < n && i < have && l->ids[i] == ids[i]) i++;
        if (i > *length) {
            *length = i;
            best = s;
        }
    }
    return best;
}

int roma_batch_save(const roma_batch *b, const char *path, const int32_t *ids, size_t n, uint32_t set, const void *text,
                    size_t n_text, uint32_t *held, roma_error *err) {
    if (n_text > ROMA_SAVED_TEXT_MAX)
        return roma_fail(err, ROMA_EUSAGE, path, ROMA_NOWHERE, "a saved cache takes %u bytes of text along, not %zu",
                         ROMA_SAVED_TEXT_MAX, n_text);
    if (set > b->e->cfg.adapter_sets || !b->e->lora.sets[set].is_defined)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "adapter set %u is not defined", set);
    writer w = {.e = b->e, .set = &b->e->lora.sets[set], .ids = ids, .text = text, .n_text = n_text, .err = err};
    w.lane = find(b, w.set, ids, n, &w.n);
    if (w.lane == NO_LANE)
        return roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE,
                         "the cache holds nothing of this text under these adapters; nothing was saved");
    const int rc = write_file(&w, path);
    if (!rc && held) *held = w.n;
    return rc;
}
