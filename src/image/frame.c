/* The frame of a file: header, section table, gaps, CRCs, file hash ("File"). Adapter files have the same. */
#include "image/internal.h"

#include <string.h>

int roma_frame_fail(const roma_frame *f, int code, uint64_t at, const char *fmt, ...) {
    char text[400];
    ROMA_PRINT_ARGS(text, fmt);
    return roma_fail(f->err, code, f->file, at, "%s", text);
}

bool roma_frame_all_zero(const uint8_t *p, uint64_t n) {
    uint8_t any = 0;
    for (uint64_t i = 0; i < n; i++) any |= p[i];
    return !any;
}

/* ---- header ---- */

/* The CRC of n bytes stands at byte `stated`; at is told. */
static int check_crc(const roma_frame *f, uint64_t from, uint64_t n, uint64_t stated, uint64_t at, const char *what) {
    if (roma_crc32c(0, f->data + from, (size_t)n) == roma_le32(f->data + stated)) return ROMA_OK;
    return roma_frame_fail(f, ROMA_EDAMAGED, at, "%s fails its checksum: the file is damaged; fetch or make it again",
                           what);
}

static int check_start(const roma_frame *f, const roma_frame_kind *kind) {
    if (f->size && memcmp(f->data, kind->magic, f->size < 8 ? (size_t)f->size : 8) != 0)
        return roma_frame_fail(f, ROMA_EINPUT, 0, "not %s, but %s", kind->whole,
                               roma_kind_of(f->data, (size_t)f->size));
    if (f->size < ROMA_FRAME_HEADER)
        return roma_frame_fail(f, ROMA_EDAMAGED, f->size, "the file ends inside its header; fetch or make it again");
    const uint32_t version = roma_le32(f->data + 8);
    if (version != kind->version)
        return roma_frame_fail(f, ROMA_EUNSUPPORTED, 8, "format version %u; this program reads version %u", version,
                               kind->version);
    return ROMA_OK;
}

static int check_fields(roma_frame *f) {
    const uint8_t *h = f->data;
    const uint64_t stated = roma_le64(h + 16);
    if (roma_le32(h + 12))
        return roma_frame_fail(f, ROMA_EUNSUPPORTED, 12, "header flags %#x are unknown", roma_le32(h + 12));
    if (stated != f->size)
        return roma_frame_fail(
            f, ROMA_EDAMAGED, 16, "the file has %llu bytes, its header says %llu: it was %s; fetch or make it again",
            (unsigned long long)f->size, (unsigned long long)stated, f->size < stated ? "cut short" : "appended to");
    f->n_sections = roma_le32(h + 24);
    if (f->n_sections < 1 || f->n_sections > ROMA_FRAME_SECTIONS_MAX)
        return roma_frame_fail(f, ROMA_EINPUT, 24, "%u sections; there must be 1 to %d", f->n_sections,
                               ROMA_FRAME_SECTIONS_MAX);
    if (roma_le64(h + 32) != ROMA_FRAME_HEADER)
        return roma_frame_fail(f, ROMA_EINPUT, 32, "the section table is not at byte 128");
    if (!roma_frame_all_zero(h + 72, 12) || !roma_frame_all_zero(h + 120, 4))
        return roma_frame_fail(f, ROMA_EINPUT, 72, "reserved bytes of the header are not zero");
    if ((uint64_t)f->n_sections * ROMA_FRAME_ENTRY > f->size - ROMA_FRAME_HEADER)
        return roma_frame_fail(f, ROMA_EINPUT, 24, "the section table does not fit the file");
    return ROMA_OK;
}

static int read_header(roma_frame *f, const roma_frame_kind *kind) {
    int code = check_start(f, kind);
    if (!code) code = check_crc(f, 0, FRAME_HEADER_CRC, FRAME_HEADER_CRC, FRAME_HEADER_CRC, "the header");
    if (!code)
        code = check_crc(f, ROMA_FRAME_HASH, 36, ROMA_FRAME_HASH + 36, ROMA_FRAME_HASH, "the header's file hash");
    if (!code) code = check_fields(f);
    if (!code)
        code = check_crc(f, ROMA_FRAME_HEADER, (uint64_t)f->n_sections * ROMA_FRAME_ENTRY, 28, ROMA_FRAME_HEADER,
                         "the section table");
    if (code) return code;
    memcpy(f->base_id, f->data + 40, 32);
    memcpy(f->file_sha256, f->data + ROMA_FRAME_HASH, 32);
    return ROMA_OK;
}

/* ---- section table ---- */

static int read_entry(const roma_frame *f, uint64_t at, roma_section *s) {
    const uint8_t *p = f->data + at;
    for (int i = 0; i < 4; i++) {
        const char c = (char)p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return roma_frame_fail(f, ROMA_EINPUT, at, "a section's tag is not four of A-Z and 0-9");
        s->tag[i] = c;
    }
    s->tag[4] = 0;
    s->flags = roma_le32(p + 4);
    s->offset = roma_le64(p + 8);
    s->bytes = roma_le64(p + 16);
    s->crc = roma_le32(p + 24);
    if (s->flags & ~FRAME_CRITICAL)
        return roma_frame_fail(f, ROMA_EUNSUPPORTED, at + 4, "section %s has unknown flags %#x", s->tag, s->flags);
    if (!roma_frame_all_zero(p + 28, 4))
        return roma_frame_fail(f, ROMA_EINPUT, at + 28, "reserved bytes of section %s's entry are not zero", s->tag);
    return ROMA_OK;
}

/* Known, critical or to be skipped; each once and in order. k: place among the known ones, n_known when unknown. */
static int classify(roma_frame *f, const roma_frame_kind *kind, uint64_t at, const roma_section *s, unsigned *last,
                    unsigned *k) {
    for (const roma_section *o = f->section; o < s; o++)
        if (strcmp(o->tag, s->tag) == 0)
            return roma_frame_fail(f, ROMA_EINPUT, at, "section %s is there twice", s->tag);
    for (*k = 0; *k < kind->n_known && strcmp(kind->known[*k].tag, s->tag) != 0;) ++*k;
    if (*k == kind->n_known) {
        if (!(s->flags & FRAME_CRITICAL)) return ROMA_OK;
        return roma_frame_fail(f, ROMA_EUNSUPPORTED, at,
                               "the %s needs section %s, which this program does not know; use a later version",
                               kind->noun, s->tag);
    }
    if ((s->flags & FRAME_CRITICAL) != (kind->known[*k].critical ? FRAME_CRITICAL : 0))
        return roma_frame_fail(f, ROMA_EINPUT, at + 4, "section %s has the wrong critical flag", s->tag);
    if (*k < *last) return roma_frame_fail(f, ROMA_EINPUT, at, "section %s is out of order", s->tag);
    if (!s->bytes) return roma_frame_fail(f, ROMA_EINPUT, at + 16, "section %s is empty", s->tag);
    *last = *k;
    f->known[*k] = s;
    return ROMA_OK;
}

/* The section lies right behind end, up to its alignment, and within the file; the gap is zero. */
static int check_place(const roma_frame *f, uint64_t at, const roma_section *s, uint64_t align, uint64_t end) {
    uint64_t want, stop;
    if (!roma_round_up(end, align, &want) || s->offset != want)
        return roma_frame_fail(f, ROMA_EINPUT, at + 8, "section %s is not at its place", s->tag);
    if (!roma_add(s->offset, s->bytes, &stop) || stop > f->size)
        return roma_frame_fail(f, ROMA_EINPUT, at + 16, "section %s reaches beyond the end of the file", s->tag);
    if (!roma_frame_all_zero(f->data + end, s->offset - end))
        return roma_frame_fail(f, ROMA_EINPUT, end, "the bytes before section %s are not zero", s->tag);
    return ROMA_OK;
}

int roma_frame_read(roma_frame *f, const roma_frame_kind *kind) {
    int code = read_header(f, kind);
    unsigned last = 0, k = 0;
    uint64_t end = ROMA_FRAME_HEADER + (uint64_t)f->n_sections * ROMA_FRAME_ENTRY;
    for (unsigned i = 0; !code && i < f->n_sections; i++) {
        const uint64_t at = ROMA_FRAME_HEADER + (uint64_t)i * ROMA_FRAME_ENTRY;
        roma_section *s = &f->section[i];
        code = read_entry(f, at, s);
        if (!code) code = classify(f, kind, at, s, &last, &k);
        if (!code) code = check_place(f, at, s, k < kind->n_known ? kind->known[k].align : ROMA_FRAME_ALIGN, end);
        if (!code) end = s->offset + s->bytes;
    }
    if (code) return code;
    for (k = 0; k < kind->n_known; k++)
        if (kind->known[k].required && !f->known[k])
            return roma_frame_fail(f, ROMA_EINPUT, ROMA_FRAME_HEADER, "section %s is missing", kind->known[k].tag);
    if (end != f->size) return roma_frame_fail(f, ROMA_EINPUT, end, "there are bytes behind the last section");
    return ROMA_OK;
}

/* ---- CRCs ---- */

typedef struct {
    const uint8_t *p;
    size_t n;
    uint32_t part[64]; /* the most threads that a team has */
} crc_job;

static void crc_share(void *ctx, int thread, int threads) {
    crc_job *job = ctx;
    size_t begin, end;
    roma_share(job->n, thread, threads, &begin, &end);
    job->part[thread] = roma_crc32c(0, job->p + begin, end - begin);
}

static uint32_t crc_of(const uint8_t *p, uint64_t n, roma_team *team) {
    if (!team || n < 1 << 20) return roma_crc32c(0, p, (size_t)n);
    crc_job job = {.p = p, .n = (size_t)n};
    roma_team_run(team, crc_share, &job);
    uint32_t crc = 0;
    for (int t = 0, threads = roma_team_threads(team); t < threads; t++) {
        size_t begin, end;
        roma_share(job.n, t, threads, &begin, &end);
        crc = roma_crc32c_join(crc, job.part[t], end - begin);
    }
    return crc;
}

int roma_frame_check_crcs(const roma_frame *f, roma_team *team) {
    for (unsigned i = 0; i < f->n_sections; i++) {
        const roma_section *s = &f->section[i];
        if (crc_of(f->data + s->offset, s->bytes, team) != s->crc)
            return roma_frame_fail(f, ROMA_EDAMAGED, s->offset,
                                   "section %s fails its checksum: the file is damaged; fetch or make it again",
                                   s->tag);
    }
    return ROMA_OK;
}
