/* The frame of an image: header, section table, gaps, CRCs ("File"). */
#include "image/internal.h"

#include <string.h>

typedef struct {
    char tag[5];
    bool critical, required;
} known_section;

static const known_section known_sections[IMAGE_KNOWN] = {
#define X(tag, critical, required) {#tag, critical, required},
    IMAGE_SECTIONS(X)
#undef X
};

int roma_image_fail(const image_in *in, int code, uint64_t at, const char *fmt, ...) {
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return roma_fail(in->err, code, in->file, at, "%s", text);
}

bool roma_image_all_zero(const uint8_t *p, uint64_t n) {
    uint8_t any = 0;
    for (uint64_t i = 0; i < n; i++) any |= p[i];
    return !any;
}

roma_reader roma_image_section_reader(const image_in *in, unsigned known) {
    const image_section *s = in->known[known];
    roma_reader r;
    roma_reader_init(&r, in->data + s->offset, s->bytes, s->offset);
    return r;
}

/* ---- header ---- */

static int check_crc(const image_in *in, uint64_t from, uint64_t n, uint32_t want, uint64_t at, const char *what) {
    if (roma_crc32c(0, in->data + from, (size_t)n) == want) return ROMA_OK;
    return roma_image_fail(in, ROMA_EDAMAGED, at, "%s fails its checksum: the file is damaged; fetch or make it again",
                           what);
}

static int check_start(const image_in *in) {
    size_t n = in->size < 8 ? (size_t)in->size : 8;
    if (memcmp(in->data, IMAGE_MAGIC, n) != 0)
        return roma_image_fail(in, ROMA_EINPUT, 0, "not a ROM image; make one from a model file with `roma pack`");
    if (in->size < IMAGE_HEADER)
        return roma_image_fail(in, ROMA_EDAMAGED, in->size, "the file ends inside its header; fetch or make it again");
    uint32_t version = roma_le32(in->data + 8);
    if (version != IMAGE_VERSION)
        return roma_image_fail(in, ROMA_EUNSUPPORTED, 8, "format version %u; this program reads version %d", version,
                               IMAGE_VERSION);
    return ROMA_OK;
}

static int read_header(image_in *in, roma_image *img) {
    const uint8_t *h = in->data;
    int code = check_start(in);
    if (!code)
        code = check_crc(in, 0, IMAGE_HEADER_CRC, roma_le32(h + IMAGE_HEADER_CRC), IMAGE_HEADER_CRC, "the header");
    if (!code)
        code = check_crc(in, IMAGE_HASH, 36, roma_le32(h + IMAGE_HASH + 36), IMAGE_HASH, "the header's file hash");
    if (code) return code;
    if (roma_le32(h + 12))
        return roma_image_fail(in, ROMA_EUNSUPPORTED, 12, "header flags %#x are unknown", roma_le32(h + 12));
    uint64_t stated = roma_le64(h + 16);
    if (stated != in->size)
        return roma_image_fail(
            in, ROMA_EDAMAGED, 16, "the file has %llu bytes, its header says %llu: it was %s; fetch or make it again",
            (unsigned long long)in->size, (unsigned long long)stated, in->size < stated ? "cut short" : "appended to");
    in->n_sections = roma_le32(h + 24);
    if (in->n_sections < 1 || in->n_sections > IMAGE_SECTIONS_MAX)
        return roma_image_fail(in, ROMA_EINPUT, 24, "%u sections; there must be 1 to 64", in->n_sections);
    if (roma_le64(h + 32) != IMAGE_HEADER)
        return roma_image_fail(in, ROMA_EINPUT, 32, "the section table is not at byte 128");
    if (!roma_image_all_zero(h + 72, 12) || !roma_image_all_zero(h + 120, 4))
        return roma_image_fail(in, ROMA_EINPUT, 72, "reserved bytes of the header are not zero");
    memcpy(img->base_id, h + 40, 32);
    memcpy(img->file_sha256, h + IMAGE_HASH, 32);
    uint64_t table = (uint64_t)in->n_sections * IMAGE_ENTRY;
    if (table > in->size - IMAGE_HEADER)
        return roma_image_fail(in, ROMA_EINPUT, 24, "the section table does not fit the file");
    return check_crc(in, IMAGE_HEADER, table, roma_le32(h + 28), IMAGE_HEADER, "the section table");
}

/* ---- section table ---- */

static int find_known(const char *tag) {
    for (int i = 0; i < IMAGE_KNOWN; i++)
        if (strcmp(tag, known_sections[i].tag) == 0) return i;
    return -1;
}

static int read_entry(const image_in *in, uint64_t at, image_section *s) {
    const uint8_t *p = in->data + at;
    for (int i = 0; i < 4; i++) {
        char c = (char)p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return roma_image_fail(in, ROMA_EINPUT, at, "a section's tag is not four of A-Z and 0-9");
        s->tag[i] = c;
    }
    s->tag[4] = 0;
    s->flags = roma_le32(p + 4);
    s->offset = roma_le64(p + 8);
    s->bytes = roma_le64(p + 16);
    s->crc = roma_le32(p + 24);
    if (s->flags & ~IMAGE_CRITICAL)
        return roma_image_fail(in, ROMA_EUNSUPPORTED, at + 4, "section %s has unknown flags %#x", s->tag, s->flags);
    if (!roma_image_all_zero(p + 28, 4))
        return roma_image_fail(in, ROMA_EINPUT, at + 28, "reserved bytes of section %s's entry are not zero", s->tag);
    return ROMA_OK;
}

/* Known, critical or to be skipped; each once and in order. */
static int classify(image_in *in, uint64_t at, const image_section *s, int *last) {
    for (const image_section *o = in->section; o < s; o++)
        if (strcmp(o->tag, s->tag) == 0)
            return roma_image_fail(in, ROMA_EINPUT, at, "section %s is there twice", s->tag);
    int k = find_known(s->tag);
    if (k < 0) {
        if (!(s->flags & IMAGE_CRITICAL)) return ROMA_OK;
        return roma_image_fail(in, ROMA_EUNSUPPORTED, at,
                               "the image needs section %s, which this program does not know; use a later version",
                               s->tag);
    }
    if ((s->flags & IMAGE_CRITICAL) != (known_sections[k].critical ? IMAGE_CRITICAL : 0))
        return roma_image_fail(in, ROMA_EINPUT, at + 4, "section %s has the wrong critical flag", s->tag);
    if (k < *last) return roma_image_fail(in, ROMA_EINPUT, at, "section %s is out of order", s->tag);
    if (!s->bytes) return roma_image_fail(in, ROMA_EINPUT, at + 16, "section %s is empty", s->tag);
    *last = k;
    in->known[k] = s;
    return ROMA_OK;
}

/* The section lies right behind end, up to its alignment, and within the file; the gap is zero. */
static int check_place(const image_in *in, uint64_t at, const image_section *s, uint64_t end) {
    uint64_t align = in->known[IMAGE_DATA] == s ? IMAGE_DATA_ALIGN : IMAGE_ALIGN, want, stop;
    if (!roma_round_up(end, align, &want) || s->offset != want)
        return roma_image_fail(in, ROMA_EINPUT, at + 8, "section %s is not at its place", s->tag);
    if (!roma_add(s->offset, s->bytes, &stop) || stop > in->size)
        return roma_image_fail(in, ROMA_EINPUT, at + 16, "section %s reaches beyond the end of the file", s->tag);
    if (!roma_image_all_zero(in->data + end, s->offset - end))
        return roma_image_fail(in, ROMA_EINPUT, end, "the bytes before section %s are not zero", s->tag);
    return ROMA_OK;
}

int roma_image_read_frame(image_in *in, roma_image *img) {
    int code = read_header(in, img), last = 0;
    uint64_t end = IMAGE_HEADER + (uint64_t)in->n_sections * IMAGE_ENTRY;
    for (unsigned i = 0; !code && i < in->n_sections; i++) {
        uint64_t at = IMAGE_HEADER + (uint64_t)i * IMAGE_ENTRY;
        image_section *s = &in->section[i];
        code = read_entry(in, at, s);
        if (!code) code = classify(in, at, s, &last);
        if (!code) code = check_place(in, at, s, end);
        if (!code) end = s->offset + s->bytes;
    }
    if (code) return code;
    for (int k = 0; k < IMAGE_KNOWN; k++)
        if (known_sections[k].required && !in->known[k])
            return roma_image_fail(in, ROMA_EINPUT, IMAGE_HEADER, "section %s is missing", known_sections[k].tag);
    if (end != in->size) return roma_image_fail(in, ROMA_EINPUT, end, "there are bytes behind the last section");
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

uint32_t roma_image_crc(const uint8_t *p, uint64_t n, roma_team *team) {
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

int roma_image_check_crc(const image_in *in, const image_section *s, roma_team *team) {
    if (roma_image_crc(in->data + s->offset, s->bytes, team) == s->crc) return ROMA_OK;
    return roma_image_fail(in, ROMA_EDAMAGED, s->offset,
                           "section %s fails its checksum: the file is damaged; fetch or make it again", s->tag);
}
