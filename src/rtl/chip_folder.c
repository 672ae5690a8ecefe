/* Writes a chip's folder (docs/program-format.md, "Files"). */
#include "chip.h"

#include "roma/json.h"

typedef struct {
    roma_outdir dir;
    const rtl_chip *chip;
    const roma_progress *progress;
    roma_rtl_counts sum; /* over all ROMs */
    roma_error *err;
} chip_folder;

/* ---- names ---- */

/* Names of all files; one block, the caller's to free. */
typedef struct {
    char (*text)[32];
    const char **name;
    size_t n;
} file_names;

static const char *add_name(file_names *f, const char *fmt, uint32_t a, uint32_t b) {
    roma_print(f->text[f->n], sizeof *f->text, fmt, a, b);
    f->name[f->n] = f->text[f->n];
    return f->name[f->n++];
}

static int name_files(const rtl_chip *c, file_names *f, roma_error *err) {
    const uint32_t lunits = (uint32_t)c->place->chip.lunits;
    const size_t most =
        7 + (size_t)c->units + c->vectors + (size_t)c->units * (2 * (size_t)lunits + 1) + 2 * (size_t)c->vectors;
    *f = (file_names){roma_alloc_array(most, sizeof *f->text), roma_alloc_array(most + 1, sizeof *f->name), 0};
    if (!f->text || !f->name) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the names of files");
    add_name(f, "roma_chip.v", 0, 0);
    add_name(f, "bench.v", 0, 0);
    add_name(f, "faults_vector.vh", 0, 0);
    add_name(f, "faults_matrix.vh", 0, 0);
    for (uint32_t t = 0; t < c->units + c->vectors; t++) add_name(f, "roma_tile_%u.v", t, 0);
    add_name(f, "program.hex", 0, 0);
    add_name(f, "manifest.json", 0, 0);
    add_name(f, "selftest.hex", 0, 0);
    for (uint32_t u = 0; u < c->units; u++) {
        add_name(f, "scales_%u.hex", u, 0);
        for (uint32_t l = 0; l < lunits; l++) {
            add_name(f, "rom_%u_%u.v", u, l);
            add_name(f, "rom_%u_%u.hex", u, l);
        }
    }
    for (uint32_t v = 0; v < c->vectors; v++) {
        add_name(f, "vectors_%u.hex", v, 0);
        add_name(f, "increments_%u.hex", v, 0);
    }
    return ROMA_OK;
}

/* ---- files ---- */

/* Writes a file of a text that was made, and ends the text. */
static int put_file(chip_folder *d, const char *name, roma_buf *text) {
    roma_outfile f = {0};
    int rc = text->failed ? roma_fail(d->err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %s", name) : ROMA_OK;
    if (!rc) rc = roma_outdir_file(&d->dir, name, &f, d->err);
    if (!rc) rc = roma_outfile_write(&f, text->data, text->len, d->err);
    if (!rc) rc = roma_outfile_commit(&f, d->err);
    roma_outfile_abort(&f);
    roma_buf_destroy(text);
    return rc;
}

static int put_of_unit(chip_folder *d, const char *fmt, uint32_t unit,
                       void (*print)(const rtl_chip *, uint32_t, roma_buf *)) {
    roma_buf text = {0};
    char name[32];
    print(d->chip, unit, &text);
    roma_print(name, sizeof name, fmt, unit);
    return put_file(d, name, &text);
}

static int put_verilog(chip_folder *d) {
    roma_buf text = {0};
    roma_rtl_chip_top(d->chip, &text);
    int rc = put_file(d, "roma_chip.v", &text);
    for (unsigned i = 0; !rc && i < 3; i++) {
        static const char *const names[] = {"bench.v", "faults_vector.vh", "faults_matrix.vh"};
        text = (roma_buf){0};
        if (i)
            roma_rtl_chip_faults(d->chip, i == 2, &text);
        else
            roma_rtl_chip_bench(d->chip, &text);
        rc = put_file(d, names[i], &text);
    }
    for (uint32_t t = 0; !rc && t < d->chip->units + d->chip->vectors; t++)
        rc = put_of_unit(d, "roma_tile_%u.v", t, roma_rtl_chip_tile);
    return rc;
}

static int to_file(void *ctx, const void *text, size_t n, roma_error *err) {
    return roma_outfile_write(ctx, text, n, err);
}

static void add_counts(roma_rtl_counts *sum, const roma_rtl_counts *n) {
    sum->width = n->width;
    sum->address_bits = n->address_bits;
    sum->words += n->words;
    sum->ones += n->ones;
    sum->devices += n->devices;
    sum->lines += n->lines;
}

static int put_rom(chip_folder *d, uint32_t unit, uint32_t lunit) {
    const rtl_chip_lunit l = {d->chip, unit, lunit};
    const struct roma_rtl_other *other = roma_rtl_chip_other(d->chip, unit, lunit);
    const roma_rtl_style style = other ? other->style : d->chip->styles->style;
    const bool has_hex = style == ROMA_RTL_ARRAY;
    char name[32], file[40];
    roma_outfile v = {0}, hex = {0};
    const roma_rtl_sink to_v = {to_file, &v}, to_hex = {to_file, &hex};
    roma_rtl_words w = roma_rtl_chip_lunit_words(&l);
    roma_rtl_counts n;
    roma_print(name, sizeof name, "rom_%u_%u", unit, lunit);
    w.name = name;
    roma_print(file, sizeof file, "%s.v", name);
    int rc = roma_outdir_file(&d->dir, file, &v, d->err);
    roma_print(file, sizeof file, "%s.hex", name);
    if (!rc && has_hex) rc = roma_outdir_file(&d->dir, file, &hex, d->err);
    if (!rc) rc = roma_rtl_verilog(&w, style, &to_v, has_hex ? &to_hex : NULL, d->progress, &n, d->err);
    if (!rc) add_counts(&d->sum, &n);
    if (!rc) rc = roma_outfile_commit(&v, d->err);
    if (!rc && has_hex) rc = roma_outfile_commit(&hex, d->err);
    roma_outfile_abort(&v);
    roma_outfile_abort(&hex);
    return rc;
}

/* The style of all, and L-Units that have another. */
static void put_styles(roma_json *j, const roma_rtl_styles *s) {
    roma_json_string(j, "style", roma_rtl_style_name(s->style));
    roma_json_open(j, "others", '[');
    for (size_t i = 0; i < s->others; i++) {
        roma_json_open(j, NULL, '{');
        roma_json_uint(j, "unit", s->other[i].unit);
        roma_json_uint(j, "lunit", s->other[i].lunit);
        roma_json_string(j, "style", s->other[i].is_netlist ? "netlist" : roma_rtl_style_name(s->other[i].style));
        roma_json_close(j, '}');
    }
    roma_json_close(j, ']');
}

/* What the self-test tells of a chip that holds this image: of each matrix unit, L-Unit by L-Unit. */
static int put_signatures(chip_folder *d) {
    const uint32_t n = (uint32_t)d->chip->place->chip.lunits;
    uint32_t *s = roma_alloc_array(n, sizeof *s);
    roma_buf text = {.failed = s == NULL};
    for (uint32_t u = 0; s && u < d->chip->units; u++) {
        roma_rtl_chip_signatures(d->chip, u, s);
        for (uint32_t l = 0; l < n; l++) roma_buf_print(&text, "%08x\n", s[l]);
    }
    roma_free(s);
    return put_file(d, "selftest.hex", &text);
}

static int put_manifest(chip_folder *d, const uint8_t sha256[32]) {
    const rtl_chip *c = d->chip;
    roma_buf text = {0};
    roma_json j = {.out = &text};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "chip", c->place->chip.name);
    roma_json_hex(&j, "image_sha256", sha256, 32);
    put_styles(&j, c->styles);
    roma_json_uint(&j, "matrix_units", c->units);
    roma_json_uint(&j, "vector_units", c->vectors);
    roma_json_uint(&j, "lunits", (uint64_t)c->place->chip.lunits);
    roma_json_uint(&j, "lanes", (uint64_t)c->place->chip.lanes);
    roma_json_uint(&j, "words", c->place->rom_words);
    roma_json_uint(&j, "program_words", c->program.words);
    roma_json_uint(&j, "records", c->program.records);
    roma_json_uint(&j, "far", c->far);
    roma_json_uint(&j, "across", c->across);
    roma_json_uint(&j, "deep", c->deep);
    roma_json_uint(&j, "reach", c->reach);
    roma_json_close(&j, '}');
    roma_buf_append(&text, "\n", 1);
    return put_file(d, "manifest.json", &text);
}

static int put_files(chip_folder *d, const uint8_t sha256[32]) {
    const rtl_chip *c = d->chip;
    roma_buf text = {0};
    roma_rtl_chip_program(c, &text);
    int rc = put_file(d, "program.hex", &text);
    if (!rc) rc = put_verilog(d);
    if (!rc) rc = put_manifest(d, sha256);
    if (!rc) rc = put_signatures(d);
    for (uint32_t u = 0; !rc && u < c->units; u++) {
        rc = put_of_unit(d, "scales_%u.hex", u, roma_rtl_chip_scales);
        for (uint32_t l = 0; !rc && l < (uint32_t)c->place->chip.lunits; l++) rc = put_rom(d, u, l);
    }
    for (uint32_t v = 0; !rc && v < c->vectors; v++) {
        rc = put_of_unit(d, "vectors_%u.hex", v, roma_rtl_chip_vectors);
        if (!rc) rc = put_of_unit(d, "increments_%u.hex", v, roma_rtl_chip_increments);
    }
    return rc;
}

int roma_rtl_chip_emit(const char *folder, const roma_placement *p, const roma_rtl_styles *styles,
                       const uint8_t base_id[32], const uint8_t sha256[32], const roma_progress *progress,
                       roma_rtl_counts *counts, roma_error *err) {
    rtl_chip c;
    file_names names = {0};
    chip_folder d = {.chip = &c, .progress = progress, .sum = {.style = styles->style}, .err = err};
    int rc = roma_rtl_chip_make(&c, p, styles, base_id, err);
    if (!rc) rc = name_files(&c, &names, err);
    if (!rc) rc = roma_outdir_open(&d.dir, folder, names.name, err);
    if (!rc) rc = put_files(&d, sha256);
    if (!rc) rc = roma_outdir_commit(&d.dir, err);
    roma_outdir_abort(&d.dir);
    if (counts) *counts = d.sum;
    roma_rtl_chip_destroy(&c);
    roma_free(names.text);
    roma_free((void *)names.name);
    return rc;
}
