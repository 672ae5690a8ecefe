/* The frame of an adapter file: header, section table, gaps, CRCs, file hash ("File"). */
#include "adapter/internal.h"

#define PIECE ((uint64_t)4 << 20) /* between two calls of the progress callback */

static const struct {
    char tag[5];
    bool critical;
} known_sections[ADAPTER_KNOWN] = {
#define X(tag, critical) {#tag, critical},
    ADAPTER_SECTIONS(X)
#undef X
};

int roma_adapter_fail(const adapter_in *in, int code, uint64_t at, const char *fmt, ...) {
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return roma_fail(in->err, code, in->file, at, "%s", text);
}

bool roma_adapter_all_zero(const uint8_t *p, uint64_t n) {
    uint8_t any = 0;
    for (uint64_t i = 0; i < n; i++) any |= p[i];
    return !any;
}

bool roma_adapter_is(const void *data, size_t n) { return n >= 8 && memcmp(data, ADAPTER_MAGIC, 8) == 0; }

/* ---- header ---- */

static int check_crc(const adapter_in *in, uint64_t from, uint64_t n, uint64_t at, const char *what) {
    if (roma_crc32c(0, in->data + from, (size_t)n) == roma_le32(in->data + at)) return ROMA_OK;
    return roma_adapter_fail(in, ROMA_EDAMAGED, at, "%s fails its checksum: the file is damaged; fetch or make it again", what);
}

static int not_ours(const adapter_in *in) {
    if (in->size >= 4 && memcmp(in->data, "ROMA", 4) == 0)
        return roma_adapter_fail(in, ROMA_EINPUT, 0, "this is a ROM image, not an adapter");
    if (in->size >= 4 && memcmp(in->data, "GGUF", 4) == 0)
        return roma_adapter_fail(in, ROMA_EINPUT, 0, "this is a GGUF file; make an adapter of it with `roma adapter build`");
    return roma_adapter_fail(in, ROMA_EINPUT, 0, "not an adapter; make one with `roma adapter build`");
}

static int check_start(const adapter_in *in) {
    if (memcmp(in->data, ADAPTER_MAGIC, in->size < 8 ? (size_t)in->size : 8) != 0) return not_ours(in);
    if (in->size < ADAPTER_HEADER)
        return roma_adapter_fail(in, ROMA_EDAMAGED, in->size, "the file ends inside its header; fetch or make it again");
    const uint32_t version = roma_le32(in->data + 8);
    if (version != ADAPTER_VERSION)
        return roma_adapter_fail(in, ROMA_EUNSUPPORTED, 8, "format version %u; this program reads version %d", version, ADAPTER_VERSION);
    return ROMA_OK;
}

static int check_fields(adapter_in *in) {
    const uint8_t *h = in->data;
    const uint64_t stated = roma_le64(h + 16);
    if (roma_le32(h + 12)) return roma_adapter_fail(in, ROMA_EUNSUPPORTED, 12, "header flags %#x are unknown", roma_le32(h + 12));
    if (stated != in->size)
        return roma_adapter_fail(in, ROMA_EDAMAGED, 16, "the file has %llu bytes, its header says %llu: it was %s; fetch or make it again",
                                 (unsigned long long)in->size, (unsigned long long)stated, in->size < stated ? "cut short" : "appended to");
    in->n_sections = roma_le32(h + 24);
    if (in->n_sections < 1 || in->n_sections > ADAPTER_SECTIONS_MAX)
        return roma_adapter_fail(in, ROMA_EINPUT, 24, "%u sections; there must be 1 to %d", in->n_sections, ADAPTER_SECTIONS_MAX);
    if (roma_le64(h + 32) != ADAPTER_HEADER) return roma_adapter_fail(in, ROMA_EINPUT, 32, "the section table is not at byte 128");
    if (!roma_adapter_all_zero(h + 72, 12) || !roma_adapter_all_zero(h + 120, 4))
        return roma_adapter_fail(in, ROMA_EINPUT, 72, "reserved bytes of the header are not zero");
    if ((uint64_t)in->n_sections * ADAPTER_ENTRY > in->size - ADAPTER_HEADER)
        return roma_adapter_fail(in, ROMA_EINPUT, 24, "the section table does not fit the file");
    return ROMA_OK;
}

static int read_header(adapter_in *in, roma_adapter *a) {
    int code = check_start(in);
    if (!code) code = check_crc(in, 0, ADAPTER_HEADER_CRC, ADAPTER_HEADER_CRC, "the header");
    if (!code) code = check_crc(in, ADAPTER_HASH, 36, ADAPTER_HASH + 36, "the header's file hash");
    if (!code) code = check_fields(in);
    if (!code) code = check_crc(in, ADAPTER_HEADER, (uint64_t)in->n_sections * ADAPTER_ENTRY, 28, "the section table");
    if (code) return code;
    memcpy(a->base_id, in->data + 40, 32);
    memcpy(a->file_sha256, in->data + ADAPTER_HASH, 32);
    return ROMA_OK;
}

/* ---- section table ---- */

static int read_entry(const adapter_in *in, uint64_t at, adapter_section *s) {
    const uint8_t *p = in->data + at;
    for (int i = 0; i < 4; i++) {
        const char c = (char)p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return roma_adapter_fail(in, ROMA_EINPUT, at, "a section's tag is not four of A-Z and 0-9");
        s->tag[i] = c;
    }
    s->tag[4] = 0;
    s->flags = roma_le32(p + 4);
    s->offset = roma_le64(p + 8);
    s->bytes = roma_le64(p + 16);
    s->crc = roma_le32(p + 24);
    if (s->flags & ~ADAPTER_CRITICAL)
        return roma_adapter_fail(in, ROMA_EUNSUPPORTED, at + 4, "section %s has unknown flags %#x", s->tag, s->flags);
    if (!roma_adapter_all_zero(p + 28, 4))
        return roma_adapter_fail(in, ROMA_EINPUT, at + 28, "reserved bytes of section %s's entry are not zero", s->tag);
    return ROMA_OK;
}

/* Known, critical or to be skipped; each once and in order. */
static int classify(adapter_in *in, uint64_t at, const adapter_section *s, int *last) {
    int k = 0;
    for (const adapter_section *o = in->section; o < s; o++)
        if (strcmp(o->tag, s->tag) == 0) return roma_adapter_fail(in, ROMA_EINPUT, at, "section %s is there twice", s->tag);
    while (k < ADAPTER_KNOWN && strcmp(known_sections[k].tag, s->tag) != 0) k++;
    if (k == ADAPTER_KNOWN) {
        if (!(s->flags & ADAPTER_CRITICAL)) return ROMA_OK;
        return roma_adapter_fail(in, ROMA_EUNSUPPORTED, at,
                                 "the adapter needs section %s, which this program does not know; use a later version", s->tag);
    }
    if ((s->flags & ADAPTER_CRITICAL) != (known_sections[k].critical ? ADAPTER_CRITICAL : 0))
        return roma_adapter_fail(in, ROMA_EINPUT, at + 4, "section %s has the wrong critical flag", s->tag);
    if (k < *last) return roma_adapter_fail(in, ROMA_EINPUT, at, "section %s is out of order", s->tag);
    if (!s->bytes) return roma_adapter_fail(in, ROMA_EINPUT, at + 16, "section %s is empty", s->tag);
    *last = k;
    in->known[k] = s;
    return ROMA_OK;
}

/* Right behind end, up to its alignment, and within the file; the gap is zero. */
static int check_place(const adapter_in *in, uint64_t at, const adapter_section *s, uint64_t end) {
    uint64_t want, stop;
    if (!roma_round_up(end, ADAPTER_ALIGN, &want) || s->offset != want)
        return roma_adapter_fail(in, ROMA_EINPUT, at + 8, "section %s is not at its place", s->tag);
    if (!roma_add(s->offset, s->bytes, &stop) || stop > in->size)
        return roma_adapter_fail(in, ROMA_EINPUT, at + 16, "section %s reaches beyond the end of the file", s->tag);
    if (!roma_adapter_all_zero(in->data + end, s->offset - end))
        return roma_adapter_fail(in, ROMA_EINPUT, end, "the bytes before section %s are not zero", s->tag);
    return ROMA_OK;
}

int roma_adapter_read_frame(adapter_in *in, roma_adapter *a) {
    int code = read_header(in, a), last = 0;
    uint64_t end = ADAPTER_HEADER + (uint64_t)in->n_sections * ADAPTER_ENTRY;
    for (unsigned i = 0; !code && i < in->n_sections; i++) {
        const uint64_t at = ADAPTER_HEADER + (uint64_t)i * ADAPTER_ENTRY;
        adapter_section *s = &in->section[i];
        code = read_entry(in, at, s);
        if (!code) code = classify(in, at, s, &last);
        if (!code) code = check_place(in, at, s, end);
        if (!code) end = s->offset + s->bytes;
    }
    if (code) return code;
    for (int k = 0; k < ADAPTER_KNOWN; k++)
        if (!in->known[k]) return roma_adapter_fail(in, ROMA_EINPUT, ADAPTER_HEADER, "section %s is missing", known_sections[k].tag);
    if (end != in->size) return roma_adapter_fail(in, ROMA_EINPUT, end, "there are bytes behind the last section");
    return ROMA_OK;
}

/* ---- checksums ---- */

int roma_adapter_check_crcs(const adapter_in *in) {
    for (unsigned i = 0; i < in->n_sections; i++) {
        const adapter_section *s = &in->section[i];
        if (roma_crc32c(0, in->data + s->offset, (size_t)s->bytes) != s->crc)
            return roma_adapter_fail(in, ROMA_EDAMAGED, s->offset,
                                     "section %s fails its checksum: the file is damaged; fetch or make it again", s->tag);
    }
    return ROMA_OK;
}

int roma_adapter_hash(const uint8_t *data, uint64_t size, const roma_progress *progress, uint8_t out[32]) {
    static const uint8_t zero[ADAPTER_HEADER - ADAPTER_HASH];
    roma_sha256 h;
    int code = ROMA_OK;
    roma_sha256_init(&h);
    roma_sha256_update(&h, data, ADAPTER_HASH);
    roma_sha256_update(&h, zero, sizeof zero);
    for (uint64_t at = ADAPTER_HEADER; at < size && !code; at += PIECE) {
        const uint64_t n = size - at < PIECE ? size - at : PIECE;
        roma_sha256_update(&h, data + at, (size_t)n);
        code = roma_progress_tell(progress, "hashes", at + n, size);
    }
    roma_sha256_final(&h, out);
    return code;
}
