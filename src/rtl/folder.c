/* Writes the folder of a ROM: rom.v, rom.hex of an array, and the manifest that says what they hold
 * (docs/rom-emission.md, "The manifest"). */
#include "internal.h"

#include "roma/json.h"

static const char *const of_array[] = {"rom.v", "rom.hex", "manifest.json", NULL};
static const char *const of_others[] = {"rom.v", "manifest.json", NULL};

const char *const *roma_rtl_files(roma_rtl_style style) { return style == ROMA_RTL_ARRAY ? of_array : of_others; }

static void print_manifest(const roma_rtl_part *part, const roma_rtl_counts *n, const uint8_t sha256[32],
                           roma_buf *out) {
    const roma_placement *p = part->place;
    const roma_image_tensor *t = &p->plan->desc->tensors[part->tensor];
    char name[32];
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_json_open(&j, "files", '[');
    for (const char *const *f = roma_rtl_files(n->style); *f; f++) roma_json_string(&j, NULL, *f);
    roma_json_close(&j, ']');
    roma_json_string(&j, "style", roma_rtl_style_name(n->style));
    roma_json_uint(&j, "words", n->words);
    roma_json_uint(&j, "width", n->width);
    roma_json_uint(&j, "address_bits", n->address_bits);
    roma_json_uint(&j, "devices", n->devices);
    roma_json_uint(&j, "lines", n->lines);
    roma_json_uint(&j, "ones", n->ones);
    roma_json_string(&j, "tensor", roma_tensor_name(t->role, t->layer, name, sizeof name));
    roma_json_open(&j, "rows", '[');
    roma_json_uint(&j, NULL, part->first);
    roma_json_uint(&j, NULL, part->last);
    roma_json_close(&j, ']');
    roma_json_uint(&j, "lanes", (uint64_t)p->chip.lanes);
    roma_json_uint(&j, "lane_bits", p->tensors[part->tensor].lane_bits);
    if (part->placed) {
        roma_json_open(&j, "placed", '{');
        roma_json_uint(&j, "unit", part->unit);
        roma_json_uint(&j, "lunit", part->lunit);
        roma_json_uint(&j, "matrix_units", part->units);
        roma_json_uint(&j, "per_matrix_unit", part->lunits);
        roma_json_uint(&j, "address", part->address);
        roma_json_close(&j, '}');
    }
    roma_json_string(&j, "chip", p->chip.name);
    roma_json_hex(&j, "image_sha256", sha256, 32);
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}

static int to_file(void *ctx, const void *text, size_t n, roma_error *err) {
    return roma_outfile_write(ctx, text, n, err);
}

static int write_words(roma_outdir *d, const roma_rtl_part *part, roma_rtl_style style, const roma_progress *progress,
                       roma_rtl_counts *out, roma_error *err) {
    const roma_rtl_words w = roma_rtl_part_words(part);
    roma_outfile v = {0}, hex = {0};
    const roma_rtl_sink to_v = {to_file, &v}, to_hex = {to_file, &hex};
    const bool has_hex = style == ROMA_RTL_ARRAY;
    int rc = roma_outdir_file(d, "rom.v", &v, err);
    if (!rc && has_hex) rc = roma_outdir_file(d, "rom.hex", &hex, err);
    if (!rc) rc = roma_rtl_verilog(&w, style, &to_v, has_hex ? &to_hex : NULL, progress, out, err);
    if (!rc) rc = roma_outfile_commit(&v, err);
    if (!rc && has_hex) rc = roma_outfile_commit(&hex, err);
    roma_outfile_abort(&v);
    roma_outfile_abort(&hex);
    return rc;
}

static int write_manifest(roma_outdir *d, const roma_rtl_part *part, const roma_rtl_counts *n, const uint8_t sha256[32],
                          roma_error *err) {
    roma_buf text = {0};
    roma_outfile f = {0};
    print_manifest(part, n, sha256, &text);
    int rc = text.failed ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the manifest") : ROMA_OK;
    if (!rc) rc = roma_outdir_file(d, "manifest.json", &f, err);
    if (!rc) rc = roma_outfile_write(&f, text.data, text.len, err);
    if (!rc) rc = roma_outfile_commit(&f, err);
    roma_outfile_abort(&f);
    roma_buf_destroy(&text);
    return rc;
}

int roma_rtl_emit(const char *folder, const roma_rtl_part *part, roma_rtl_style style, const uint8_t sha256[32],
                  const roma_progress *progress, roma_rtl_counts *out, roma_error *err) {
    roma_outdir d;
    const roma_format *f = &part->place->plan->desc->tensors[part->tensor].format;
    if (style == ROMA_RTL_FUSED &&
        (f->level != ROMA_LEVEL_IDENTITY || part->place->tensors[part->tensor].lane_bits == 1))
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                         "style fused has an L-Unit for codes of 2, 4 and 8 bits without a level table; give --style "
                         "brom, whose words any L-Unit reads");
    int rc = roma_outdir_open(&d, folder, of_array, err);
    if (!rc) rc = write_words(&d, part, style, progress, out, err);
    if (!rc) rc = write_manifest(&d, part, out, sha256, err);
    if (!rc) rc = roma_outdir_commit(&d, err);
    roma_outdir_abort(&d);
    return rc;
}
