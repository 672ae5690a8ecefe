/* Holds a written ROM against the image: what the files say, by the second reader (read.c), against codes that are
 * taken out of the image one by one and laid into words by docs/placement.md. */
#include "manifest.h"
#include "read.h"

#include <string.h>

enum { TELL_EVERY = 4096, UNITS_MAX = 65536 };

/* What the image says of the part: its geometry, and the codes of the row group that is looked at. */
typedef struct {
    const roma_image_tensor *t;
    uint64_t first, last;   /* rows; beyond the matrix they are zero */
    uint64_t lunits, lunit; /* words k of a row with k mod lunits = lunit */
    uint64_t group_rows, row_words, words, groups;
    uint32_t bits;  /* of a code */
    uint64_t group; /* whose codes these are */
    uint8_t *code;  /* [group_rows][cols] */
    uint16_t *scale;
} wanted;

/* ---- what the manifest says, against the image ---- */

static int differ(roma_rtl_report *out, roma_error *err, const char *fmt, ...) {
    char text[400];
    ROMA_PRINT_ARGS(text, fmt);
    out->differs = true;
    return roma_fail(err, ROMA_EDAMAGED, "manifest.json", ROMA_NOWHERE, "%s", text);
}

static int check_number(roma_rtl_report *out, roma_error *err, const char *key, uint64_t says, uint64_t is) {
    if (says == is) return ROMA_OK;
    return differ(out, err, "%s is %llu and should be %llu", key, (unsigned long long)says, (unsigned long long)is);
}

static const roma_image_tensor *find_tensor(const roma_description *d, const char *name) {
    char own[32];
    for (size_t i = 0; i < d->n_tensors; i++)
        if (strcmp(roma_tensor_name(d->tensors[i].role, d->tensors[i].layer, own, sizeof own), name) == 0)
            return d->tensors[i].tie >= 0 ? &d->tensors[d->tensors[i].tie] : &d->tensors[i];
    return NULL;
}

static bool power_of_two(uint64_t v, uint64_t low, uint64_t high) { return v >= low && v <= high && !(v & (v - 1)); }

/* Bits of a code in a word: whole lanes. */
static uint32_t stored_bits(unsigned bits) {
    uint32_t b = 1;
    while (b < bits) b *= 2;
    return b;
}

/* Rows and words of the row that belong to the part. */
static int find_part(wanted *w, const rtl_manifest *m, roma_rtl_report *out, roma_error *err) {
    const uint64_t g = w->group_rows;
    if (!m->placed) {
        w->lunits = 1;
        w->lunit = 0;
        if (m->first <= m->last && m->last < w->t->rows) return ROMA_OK;
        return differ(out, err, "rows are %llu to %llu of a tensor of %llu", (unsigned long long)m->first,
                      (unsigned long long)m->last, (unsigned long long)w->t->rows);
    }
    if (!m->matrix_units || m->matrix_units > UNITS_MAX || !power_of_two(m->per_matrix_unit, 1, UNITS_MAX) ||
        m->unit >= m->matrix_units || m->lunit >= m->per_matrix_unit)
        return differ(out, err, "placed has units that no chip has");
    const uint64_t over = m->matrix_units * g, rows = g * ((w->t->rows + over - 1) / over);
    w->lunits = m->per_matrix_unit;
    w->lunit = m->lunit;
    const int rc = check_number(out, err, "the first of rows", m->first, m->unit * rows);
    return rc ? rc : check_number(out, err, "the last of rows", m->last, m->unit * rows + rows - 1);
}

static int find_wanted(wanted *w, const rtl_manifest *m, const roma_image *image, roma_rtl_report *out,
                       roma_error *err) {
    w->t = find_tensor(&image->desc, m->tensor);
    if (!w->t) return differ(out, err, "the image has no tensor of that name");
    if (w->t->is_vector) return differ(out, err, "the tensor is a vector");
    if (!power_of_two(m->lanes, 8, 128)) return differ(out, err, "lanes should be 8, 16, 32, 64 or 128");
    w->group_rows = m->lanes / 8;
    w->bits = stored_bits(w->t->format.bits);
    w->first = m->first;
    w->last = m->last;
    int rc = find_part(w, m, out, err);
    if (rc) return rc;
    w->row_words = (w->t->cols * w->bits / 32 + w->lunits - 1) / w->lunits;
    w->groups = (w->last - w->first + w->group_rows) / w->group_rows;
    w->words = w->groups * w->row_words;
    uint64_t address_bits = 2;
    while (w->words > UINT64_C(1) << address_bits) address_bits++;
    if (w->words > ROMA_RTL_WORDS_MAX) return differ(out, err, "these are more words than a ROM has");
    rc = check_number(out, err, "lane_bits", m->lane_bits, w->bits);
    if (!rc) rc = check_number(out, err, "words", m->words, w->words);
    if (!rc) rc = check_number(out, err, "width", m->width, 4 * m->lanes);
    return rc ? rc : check_number(out, err, "address_bits", m->address_bits, address_bits);
}

/* ---- words, out of the image's codes ---- */

static int take_memory(wanted *w, roma_error *err) {
    w->code = roma_alloc_array((size_t)(w->group_rows * w->t->cols), 1);
    w->scale = roma_alloc_array((size_t)w->t->cols, 4 * sizeof *w->scale);
    w->group = UINT64_MAX;
    return w->code && w->scale ? ROMA_OK
                               : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the rows of a word");
}

static void load_group(wanted *w, uint64_t group) {
    const uint64_t cols = w->t->cols;
    w->group = group;
    for (uint64_t j = 0; j < w->group_rows; j++) {
        const uint64_t row = w->first + group * w->group_rows + j;
        uint8_t *code = w->code + j * cols;
        roma_row into = {code, w->scale, w->scale + cols, w->scale + 2 * cols, w->scale + 3 * cols, NULL, NULL};
        if (row <= w->last && row < w->t->rows)
            roma_tile_get_row(&w->t->format, cols, w->t->data + row / ROMA_TILE_ROWS * w->t->tile_bytes,
                              (unsigned)(row % ROMA_TILE_ROWS), &into);
        else
            memset(code, 0, (size_t)cols);
    }
}

static void want(wanted *w, uint64_t address, uint32_t *out) {
    const uint32_t per_word = 32 / w->bits;
    const uint64_t from = (address % w->row_words * w->lunits + w->lunit) * per_word;
    if (w->group != address / w->row_words) load_group(w, address / w->row_words);
    memset(out, 0, ROMA_RTL_WORD_PIECES * sizeof *out);
    for (uint64_t j = 0; j < w->group_rows; j++)
        for (uint32_t x = 0; x < per_word && from + x < w->t->cols; x++)
            out[j] |= (uint32_t)w->code[j * w->t->cols + from + x] << (8 * (x % 4) + w->bits * (x / 4));
}

/* ---- comparing ---- */

static void print_word(char *out, const uint32_t *word, uint32_t width) {
    for (uint32_t i = width / 32; i-- > 0; out += 8) roma_print(out, 9, "%08x", word[i]);
}

static int compare(const rtl_rom *r, uint64_t address, const uint32_t *got, const uint32_t *wants) {
    char shown[2][8 * ROMA_RTL_WORD_PIECES + 1];
    if (memcmp(got, wants, ROMA_RTL_WORD_PIECES * sizeof *got) == 0) return ROMA_OK;
    print_word(shown[0], got, r->width);
    print_word(shown[1], wants, r->width);
    return roma_rtl_read_fail(roma_rtl_read_text(r), "address 0x%llx holds %s, and the image has %s",
                              (unsigned long long)address, shown[0], shown[1]);
}

static int compare_all(rtl_rom *r, wanted *w, const roma_progress *progress, roma_rtl_report *out, roma_error *err) {
    uint32_t got[ROMA_RTL_WORD_PIECES], wants[ROMA_RTL_WORD_PIECES];
    int rc = roma_rtl_read_begin(r);
    for (uint64_t a = 0; !rc && a < r->words; a++) {
        if (a % TELL_EVERY == 0 && roma_progress_tell(progress, "reading the ROM", a, r->words))
            return roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
        rc = roma_rtl_read_word(r, got);
        want(w, a, wants);
        if (!rc) rc = compare(r, a, got, wants);
        if (rc) out->address = a;
        for (unsigned i = 0; i < ROMA_RTL_WORD_PIECES; i++) out->counts.ones += (uint64_t)__builtin_popcount(wants[i]);
    }
    if (!rc) rc = roma_rtl_read_end(r);
    out->differs = rc == ROMA_EDAMAGED;
    out->counts.devices = r->devices;
    out->counts.lines = r->lines;
    return rc;
}

/* What the manifest counts, once the words are known to be right. */
static int check_counts(const rtl_manifest *m, const roma_image *image, roma_rtl_report *out, roma_error *err) {
    char sha256[65];
    roma_hex(sha256, image->file_sha256, 32);
    int rc = check_number(out, err, "devices", m->devices, out->counts.devices);
    if (!rc) rc = check_number(out, err, "lines", m->lines, out->counts.lines);
    if (!rc) rc = check_number(out, err, "ones", m->ones, out->counts.ones);
    if (rc || strcmp(sha256, m->image_sha256) == 0) return rc;
    return differ(out, err, "image_sha256 is not that of this image, %s, although all words are this image's", sha256);
}

static bool find_style(const char *name, roma_rtl_style *out) {
    static const char *const known[] = {
        [ROMA_RTL_ARRAY] = "array", [ROMA_RTL_CASE] = "case", [ROMA_RTL_BROM] = "brom", [ROMA_RTL_FUSED] = "fused"};
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], name) == 0) {
            *out = (roma_rtl_style)i;
            return true;
        }
    return false;
}

static rtl_text text_of(const char *file, const char *text, size_t n, roma_error *err) {
    const char *p = n ? text : "";
    return (rtl_text){.file = file, .p = p, .end = p + n, .err = err};
}

int roma_rtl_check(const roma_rtl_texts *t, const roma_image *image, const roma_progress *progress,
                   roma_rtl_report *out, roma_error *err) {
    rtl_manifest m;
    wanted w = {0};
    rtl_rom r = {.v = text_of("rom.v", t->verilog, t->verilog_bytes, err),
                 .hex = text_of("rom.hex", t->hex, t->hex_bytes, err)};
    *out = (roma_rtl_report){.address = ROMA_NOWHERE};
    int rc = roma_rtl_manifest_read(&m, t->manifest, t->manifest_bytes, "manifest.json", err);
    if (rc) return rc;
    if (!find_style(m.style, &r.style))
        return roma_fail(err, ROMA_EUNSUPPORTED, "manifest.json", ROMA_NOWHERE,
                         "style is none that can be read: array, case, brom or fused");
    out->counts.style = r.style;
    rc = find_wanted(&w, &m, image, out, err);
    if (rc) return rc;
    r.width = (uint32_t)m.width;
    r.lane_bits = w.bits;
    r.address_bits = (uint32_t)m.address_bits;
    r.words = w.words;
    out->counts = (roma_rtl_counts){r.style, r.width, r.address_bits, r.words, 0, 0, 0};
    rc = take_memory(&w, err);
    if (!rc) rc = compare_all(&r, &w, progress, out, err);
    if (!rc) rc = check_counts(&m, image, out, err);
    roma_free(w.code);
    roma_free(w.scale);
    return rc;
}

/* ---- a folder ---- */

static int open_file(roma_map *m, const char *folder, const char *name, roma_error *err) {
    const size_t n = strlen(folder) + strlen(name) + 2;
    char *path = roma_alloc(n);
    if (!path) return roma_fail(err, ROMA_ENOMEM, folder, ROMA_NOWHERE, "no memory for the name of a file");
    roma_print(path, n, "%s/%s", folder, name);
    const int rc = roma_map_open(m, path, err);
    roma_free(path);
    return rc;
}

int roma_rtl_verify(const char *folder, const roma_image *image, const roma_progress *progress, roma_rtl_report *out,
                    roma_error *err) {
    roma_map manifest = {0}, verilog = {0}, hex = {0};
    rtl_manifest m;
    *out = (roma_rtl_report){.address = ROMA_NOWHERE};
    int rc = open_file(&manifest, folder, "manifest.json", err);
    if (!rc) rc = open_file(&verilog, folder, "rom.v", err);
    if (!rc) rc = roma_rtl_manifest_read(&m, (const char *)manifest.data, (size_t)manifest.size, "manifest.json", err);
    if (!rc && strcmp(m.style, "array") == 0) rc = open_file(&hex, folder, "rom.hex", err);
    const roma_rtl_texts t = {(const char *)manifest.data, (const char *)verilog.data, (const char *)hex.data,
                              (size_t)manifest.size,       (size_t)verilog.size,       (size_t)hex.size};
    if (!rc) rc = roma_rtl_check(&t, image, progress, out, err);
    roma_map_close(&manifest);
    roma_map_close(&verilog);
    roma_map_close(&hex);
    return rc;
}
