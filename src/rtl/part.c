/* Which words of an image a ROM holds (docs/rom-emission.md, "Which words"), and which style a chip asks for. */
#include "roma/rtl.h"

#include <string.h>

/* ---- styles ---- */

static const char *const style_names[] = {
#define X(name, text) text,
    ROMA_RTL_STYLES(X)
#undef X
};
enum { STYLES = sizeof style_names / sizeof *style_names };

const char *roma_rtl_style_name(roma_rtl_style style) { return style_names[style]; }

int roma_rtl_style_find(const char *name, roma_rtl_style *style, roma_error *err) {
    char shown[64];
    for (unsigned i = 0; i < STYLES; i++)
        if (strcmp(name, style_names[i]) == 0) {
            *style = (roma_rtl_style)i;
            return ROMA_OK;
        }
    const char *near = roma_nearest(name, style_names, STYLES);
    roma_error_name(shown, sizeof shown, name, strlen(name));
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "there is no style '%s'%s%s%s: array, case, brom or fused",
                     shown, near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int roma_rtl_style_of(const roma_chip *chip, roma_rtl_style *style, roma_error *err) {
    switch ((int)chip->rom_style) {
    case ROMA_ROM_SRAM:
    case ROMA_ROM_ROM: *style = ROMA_RTL_ARRAY; return ROMA_OK;
    case ROMA_ROM_LOGIC: *style = ROMA_RTL_CASE; return ROMA_OK;
    case ROMA_ROM_BROM: *style = ROMA_RTL_BROM; return ROMA_OK;
    case ROMA_ROM_FUSED: *style = ROMA_RTL_FUSED; return ROMA_OK;
    default:
        return roma_fail(
            err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
            "rom.style = %s of chip %.40s is no ROM that can be written; give --style array, case, brom or fused",
            chip->rom_style == ROMA_ROM_CELL ? "cell" : "dram", chip->name);
    }
}

/* ---- parts ---- */

static const char *name_of(const roma_rtl_part *part, char out[32]) {
    const roma_image_tensor *t = &part->place->plan->desc->tensors[part->tensor];
    return roma_tensor_name(t->role, t->layer, out, 32);
}

static uint64_t group_rows(const roma_rtl_part *part) { return (uint64_t)part->place->chip.lanes / 8; }

/* Words that a row group has in the part. */
static uint64_t row_words(const roma_rtl_part *part) {
    const uint64_t bits = part->place->tensors[part->tensor].lane_bits;
    const uint64_t all = part->place->plan->desc->tensors[part->tensor].cols * bits / 32;
    return (all + part->lunits - 1) / part->lunits;
}

static uint64_t count(const roma_rtl_part *part) {
    const uint64_t g = group_rows(part);
    return (part->last - part->first + g) / g * row_words(part);
}

/* Sets the table that has the data. */
static int find_data(roma_rtl_part *part, const roma_placement *p, size_t tensor, roma_error *err) {
    char name[32];
    const roma_description *d = p->plan->desc;
    *part = (roma_rtl_part){.place = p, .tensor = tensor, .units = 1, .lunits = 1};
    if (d->tensors[tensor].is_vector)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "%s is a vector, which lies in the vector units; the ROMs of L-Units hold matrices",
                         name_of(part, name));
    if (d->tensors[tensor].tie >= 0) part->tensor = (size_t)d->tensors[tensor].tie;
    if (p->tensors[part->tensor].where != ROMA_PLACED_LUNITS)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "%s lies outside chip %.40s (rom.embedding); give another chip", name_of(part, name),
                         p->chip.name);
    if (roma_place_is_trits(p, &d->tensors[part->tensor]))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "chip %.40s stores five trits of %s to a byte (lunit.trits), which no image has; give another "
                         "chip",
                         p->chip.name, name_of(part, name));
    return ROMA_OK;
}

static int check_count(const roma_rtl_part *part, roma_error *err) {
    const uint64_t n = count(part);
    if (n <= ROMA_RTL_WORDS_MAX) return ROMA_OK;
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%llu words are more than the 2^30 of a ROM; give fewer rows",
                     (unsigned long long)n);
}

int roma_rtl_part_rows(roma_rtl_part *part, const roma_placement *p, size_t tensor, uint64_t first, uint64_t last,
                       roma_error *err) {
    char name[32];
    const int rc = find_data(part, p, tensor, err);
    if (rc) return rc;
    const uint64_t rows = p->plan->desc->tensors[part->tensor].rows;
    if (first > last || last >= rows)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s has rows 0 to %llu, not %llu to %llu",
                         name_of(part, name), (unsigned long long)rows - 1, (unsigned long long)first,
                         (unsigned long long)last);
    part->first = first;
    part->last = last;
    return check_count(part, err);
}

int roma_rtl_part_lunit(roma_rtl_part *part, const roma_placement *p, size_t tensor, uint32_t unit, uint32_t lunit,
                        roma_error *err) {
    const int rc = find_data(part, p, tensor, err);
    if (rc) return rc;
    const roma_place_tensor *at = &p->tensors[part->tensor];
    part->units = (uint32_t)p->chip.matrix_units;
    part->lunits = (uint32_t)p->chip.lunits;
    if (unit >= part->units || lunit >= part->lunits)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "chip %.40s has matrix units 0 to %u of L-Units 0 to %u, not %u.%u", p->chip.name,
                         part->units - 1, part->lunits - 1, unit, lunit);
    part->placed = true;
    part->unit = unit;
    part->lunit = lunit;
    part->first = unit * at->unit_rows;
    part->last = part->first + at->unit_rows - 1;
    part->address = at->base + at->scale_words;
    return check_count(part, err);
}

static void word(const void *ctx, uint64_t address, uint32_t *out) {
    const roma_rtl_part *part = ctx;
    const uint64_t g = group_rows(part), n = row_words(part);
    const uint64_t first = part->first + address / n * g, k = address % n * part->lunits + part->lunit;
    for (uint64_t j = 0; j < g; j++)
        out[j] = first + j <= part->last ? roma_place_bits(part->place, part->tensor, first + j, k) : 0;
}

roma_rtl_words roma_rtl_part_words(const roma_rtl_part *part) {
    return (roma_rtl_words){.width = (uint32_t)roma_chip_word_bits(&part->place->chip),
                            .lane_bits = part->place->tensors[part->tensor].lane_bits,
                            .words = count(part),
                            .ctx = part,
                            .word = word};
}
