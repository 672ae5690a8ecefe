/* roma rtl: a chip, or what one ROM of it holds, as Verilog; and a second reader that holds the written files against
 * the image.
 */
#include "tool.h"
#include "roma/import.h"
#include "roma/map.h"
#include "roma/rtl.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* The chip whose lanes make a word when none is named. */
static const char usual_chip[] = "mini";

typedef struct {
    const char *rom, *style, *image, *chip, *out, *verify, *kv;
    bool json, no_verify;
} rtl_options;

/* An image on a chip, with weights. */
typedef struct {
    roma_image image;
    roma_plan plan;
    roma_placement place;
    bool has_image, has_plan;
} model;

static int open_model(model *m, const rtl_options *o, roma_error *err) {
    roma_chip chip;
    memset(m, 0, sizeof *m);
    int rc = roma_chip_open(&chip, o->chip ? o->chip : usual_chip, err);
    if (!rc) rc = roma_chip_check(&chip, o->chip ? o->chip : usual_chip, err);
    if (!rc) rc = image_open(&m->image, o->image, o->no_verify, 0, err);
    m->has_image = !rc;
    if (!rc) rc = roma_map_plan(&m->plan, &m->image.desc, err);
    m->has_plan = !rc;
    return rc ? rc : roma_map_place(&m->place, &m->plan, &chip, 1, err);
}

static void close_model(model *m) {
    roma_place_destroy(&m->place);
    if (m->has_plan) roma_plan_destroy(&m->plan);
    if (m->has_image) roma_image_close(&m->image);
}

/* ---- TENSOR, TENSOR:FIRST-LAST, TENSOR@UNIT.LUNIT ---- */

/* Two whole numbers with a sign between. */
static bool two_numbers(const char *text, char between, uint64_t *a, uint64_t *b) {
    const char *sign = strchr(text, between);
    return sign && roma_json_to_u64(text, (size_t)(sign - text), a) && roma_json_to_u64(sign + 1, strlen(sign + 1), b);
}

static int no_tensor(const roma_description *d, const char *name, size_t len, roma_error *err) {
    char shown[64], wanted[32], own[32];
    size_t n = 0;
    if (len < sizeof wanted) memcpy(wanted, name, len);
    wanted[len < sizeof wanted ? len : 0] = 0;
    const char *near[ROMA_W_END];
    for (uint32_t role = 1; role < ROMA_W_END; role++) near[n++] = roma_tensor_role_name(role);
    const char *dot = strchr(wanted, '.'), *role = dot ? dot + 1 : wanted, *meant = roma_nearest(role, near, n);
    roma_error_name(shown, sizeof shown, name, len);
    roma_print(own, sizeof own, "%.*s%.20s", dot ? (int)(dot + 1 - wanted) : 0, wanted, meant ? meant : "");
    for (size_t i = 0; meant && i < d->n_tensors; i++) {
        char is[32];
        if (strcmp(roma_tensor_name(d->tensors[i].role, d->tensors[i].layer, is, sizeof is), own) == 0)
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                             "the image has no tensor '%s', did you mean '%s'? `roma inspect` lists them", shown, own);
    }
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                     "the image has no tensor '%s'; `roma inspect` lists them, as 0.down or head", shown);
}

static int find_tensor(const roma_description *d, const char *name, size_t len, size_t *out, roma_error *err) {
    char own[32];
    uint32_t role, layer;
    const bool gguf = roma_gguf_tensor(name, len, &role, &layer);
    for (size_t i = 0; i < d->n_tensors; i++) {
        const roma_image_tensor *t = &d->tensors[i];
        roma_tensor_name(t->role, t->layer, own, sizeof own);
        if (gguf ? t->role == role && t->layer == layer : strlen(own) == len && memcmp(own, name, len) == 0) {
            *out = i;
            return ROMA_OK;
        }
    }
    return no_tensor(d, name, len, err);
}

static int find_part(roma_rtl_part *part, const roma_placement *p, const char *rom, roma_error *err) {
    const size_t len = strcspn(rom, ":@");
    const roma_description *d = p->plan->desc;
    size_t tensor = 0;
    uint64_t a, b;
    int rc = find_tensor(d, rom, len, &tensor, err);
    if (rc) return rc;
    if (!rom[len]) {
        const roma_image_tensor *t = &d->tensors[tensor];
        return roma_rtl_part_rows(part, p, tensor, 0, t->rows - 1, err);
    }
    if (!two_numbers(rom + len + 1, rom[len] == ':' ? '-' : '.', &a, &b))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "--rom takes TENSOR, TENSOR:FIRST-LAST as 0.down:0-63, or TENSOR@UNIT.LUNIT as 0.down@3.1");
    if (rom[len] == ':') return roma_rtl_part_rows(part, p, tensor, a, b, err);
    const uint64_t most = UINT32_MAX;
    return roma_rtl_part_lunit(part, p, tensor, (uint32_t)(a < most ? a : most), (uint32_t)(b < most ? b : most), err);
}

/* ---- results ---- */

static void files_json(roma_json *j, const roma_rtl_counts *n) {
    roma_json_open(j, "files", '[');
    for (const char *const *f = roma_rtl_files(n->style); *f; f++) roma_json_string(j, NULL, *f);
    roma_json_close(j, ']');
}

/* What a chip's folder holds: nothing else is in one that appeared whole. */
static void folder_json(roma_json *j, const char *folder) {
    struct dirent **e = NULL;
    const int n = scandir(folder, &e, NULL, alphasort);
    j->out->failed |= n < 0;
    roma_json_open(j, "files", '[');
    for (int i = 0; i < n; i++) {
        if (e[i]->d_name[0] != '.') roma_json_string(j, NULL, e[i]->d_name);
        free(e[i]);
    }
    free(e);
    roma_json_close(j, ']');
}

static void counts_json(roma_json *j, const roma_rtl_counts *n) {
    roma_json_string(j, "style", roma_rtl_style_name(n->style));
    roma_json_uint(j, "words", n->words);
    roma_json_uint(j, "width", n->width);
    roma_json_uint(j, "devices", n->devices);
    roma_json_uint(j, "ones", n->ones);
}

static void counts_text(const roma_rtl_counts *n, const char *folder, const char *what, roma_buf *b) {
    roma_buf_print(b, "%s: %s %llu words of %u bits, style %s", folder, what, (unsigned long long)n->words, n->width,
                   roma_rtl_style_name(n->style));
    if (n->style == ROMA_RTL_BROM || n->style == ROMA_RTL_FUSED)
        roma_buf_print(b, ", %llu select devices (%.4g a bit)", (unsigned long long)n->devices,
                       (double)n->devices / ((double)n->words * n->width));
    roma_buf_print(b, "\n");
}

/* Of a folder that was written. */
static int written(const rtl_options *o, const roma_rtl_counts *n) {
    roma_buf b = {0};
    roma_json j = {.out = &b};
    if (!o->json) {
        counts_text(n, o->out, "wrote", &b);
        return print_page("rtl", &b, 0);
    }
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "folder", o->out);
    if (o->rom)
        files_json(&j, n);
    else
        folder_json(&j, o->out);
    counts_json(&j, n);
    roma_json_bool(&j, "ok", true);
    roma_json_close(&j, '}');
    roma_buf_append(&b, "\n", 1);
    return print_page("rtl", &b, 0);
}

/* ---- the things that it does ---- */

static int emit(const rtl_options *o) {
    model m;
    roma_rtl_part part;
    roma_rtl_counts n;
    roma_rtl_style style = ROMA_RTL_ARRAY;
    roma_error err;
    int rc = o->style ? roma_rtl_style_find(o->style, &style, &err) : ROMA_OK;
    if (rc) return fail("rtl", &err);
    rc = open_model(&m, o, &err);
    if (!rc && !o->style) rc = roma_rtl_style_of(&m.place.chip, &style, &err);
    if (!rc) rc = find_part(&part, &m.place, o->rom, &err);
    interrupt_catch(INTERRUPT_ASKS);
    if (!rc) rc = roma_rtl_emit(o->out, &part, style, m.image.file_sha256, &progress, &n, &err);
    interrupt_seen();
    progress_end();
    close_model(&m);
    return rc ? fail("rtl", &err) : written(o, &n);
}

static int emit_chip(const rtl_options *o) {
    model m;
    roma_rtl_styles styles = {.style = ROMA_RTL_ARRAY};
    roma_rtl_counts n;
    roma_error err;
    int rc = open_model(&m, o, &err);
    if (!rc && roma_rtl_style_of(&m.place.chip, &styles.style, &err)) styles.style = ROMA_RTL_ARRAY; /* refused later */
    if (!rc && o->style) rc = roma_rtl_styles_read(&styles, o->style, &err);
    interrupt_catch(INTERRUPT_ASKS);
    if (!rc)
        rc = roma_rtl_chip_emit(o->out, &m.place, &styles, m.image.base_id, m.image.file_sha256, &progress, &n, &err);
    interrupt_seen();
    progress_end();
    close_model(&m);
    return rc ? fail("rtl", &err) : written(o, &n);
}

static int verified_json(const rtl_options *o, const roma_rtl_report *r, const roma_error *err) {
    roma_buf b = {0};
    roma_json j = {.out = &b};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "folder", o->verify);
    files_json(&j, &r->counts);
    counts_json(&j, &r->counts);
    roma_json_bool(&j, "ok", !r->differs);
    if (r->differs) roma_json_string(&j, "error", err->text);
    if (r->differs && r->address != ROMA_NOWHERE) roma_json_uint(&j, "address", r->address);
    roma_json_close(&j, '}');
    roma_buf_append(&b, "\n", 1);
    return print_page("rtl", &b, r->differs);
}

static int verify(const rtl_options *o) {
    roma_image image;
    roma_rtl_report r = {0};
    roma_error err;
    int rc = image_open(&image, o->image, o->no_verify, 0, &err);
    if (rc) return fail("rtl", &err);
    rc = roma_rtl_verify(o->verify, &image, &progress, &r, &err);
    progress_end();
    roma_image_close(&image);
    if (rc) fail("rtl", &err);
    if (rc && !r.differs) return roma_error_exit(rc);
    if (o->json) return verified_json(o, &r, &err);
    roma_buf b = {0};
    if (!rc) counts_text(&r.counts, o->verify, "the image's", &b);
    return print_page("rtl", &b, r.differs);
}

int verb_rtl(int argc, char **argv) {
    static rtl_options o;
    const char *operand[OPERANDS_MAX] = {NULL};
    size_t n;
    const option own[] = {
        {"rom", 0, OPT_TEXT, &o.rom, "TENSOR", 0, 0,
         "write the words of TENSOR, TENSOR:FIRST-LAST (rows) or TENSOR@UNIT.LUNIT (what one L-Unit has)"},
        {"style", 0, OPT_TEXT, &o.style, "STYLE", 0, 0,
         "array, case, brom or fused (default: the chip's rom.style); of a whole chip also UNIT.LUNIT=STYLE or "
         "UNIT.LUNIT=netlist for one L-Unit, with commas"},
        {"image", 'i', OPT_TEXT, &o.image, "IMAGE", 0, 0, "the image whose weights they are"},
        {"chip", 0, OPT_TEXT, &o.chip, "NAME|FILE", 0, 0,
         "the chip, or with --rom the one whose lanes make a word: a file, or a built-in name (--rom: mini)"},
        {"output", 'o', OPT_TEXT, &o.out, "DIR", 0, 0, "folder for what is written; it appears whole or not at all"},
        {"verify", 0, OPT_TEXT, &o.verify, "DIR", 0, 0,
         "instead: read a folder's files again and hold every word against the image"},
        CHIP_KV_OPTION(o.kv),
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
        {"no-verify", 0, OPT_FLAG, &o.no_verify, NULL, 0, 0, "skip the image's checksums on opening"},
        {0}};
    const usage u = {
        "rtl",
        "--chip NAME --image IMAGE -o DIR | --rom TENSOR --image IMAGE -o DIR [options] | --verify DIR --image IMAGE",
        "Writes a chip with all that an image puts into it: the top, a module for each tile, ROMs, program; or what "
        "one "
        "ROM of the chip\n"
        "holds as a Verilog module, from a matrix of an image; or reads such a folder of a ROM again and holds every "
        "word against\nthe image: exit code 1 when a word differs.",
        "roma rtl --rom 0.down --style brom --image model.roma -o rom && roma rtl --verify rom --image "
        "model.roma",
        own,
        NULL,
        0,
        0};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    if (roma_kv_find(o.kv) != &roma_kv_formats[ROMA_KV_INT8])
        return usage_error("rtl", "--kv: H-Units in Verilog have int8 and no other format, not '%s'", o.kv);
    if (o.rom && o.verify) return usage_error("rtl", "give --rom TENSOR or --verify DIR, one of them");
    if (!o.rom && !o.verify && !o.chip)
        return usage_error("rtl", "give --chip NAME for a whole chip, --rom TENSOR or --verify DIR");
    if (!o.image) return usage_error("rtl", "--image IMAGE is missing");
    if (o.verify && (o.style || o.chip || o.out))
        return usage_error("rtl", "--verify takes no --style, --chip or -o; the folder's manifest says what it holds");
    if (!o.verify && !o.out) return usage_error("rtl", "-o DIR is missing");
    return o.verify ? verify(&o) : o.rom ? emit(&o) : emit_chip(&o);
}
