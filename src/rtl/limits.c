/* What of a chip and a model is built in gates; everything else is refused by name (docs/hardware.md, "What is built").
 */
#include "chip.h"

#include <math.h>

typedef struct {
    const char *name;
    bool (*is_built)(const roma_placement *p);
    const char *needs;
} limit;

static uint64_t heads_of(const roma_placement *p) { return p->plan->desc->hyper.kv_heads; }

static bool no_overlap(const roma_placement *p) { return (int)p->chip.overlap == 0; }
static bool one_stream(const roma_placement *p) { return p->chip.streams <= 1; }
static bool beside(const roma_placement *p) { return (int)p->chip.lora_where == 0; }
static bool one_die(const roma_placement *p) { return p->dies == 1; }
static bool full_mac(const roma_placement *p) { return p->chip.mac_efficiency >= 1; }
static bool full_read(const roma_placement *p) { return p->chip.read_efficiency >= 1; }
static bool no_fill(const roma_placement *p) { return p->chip.fill_cyc <= 0; }
static bool whole_pages(const roma_placement *p) { return (int)p->chip.hunit_pages == 0; }
static bool own_scales(const roma_placement *p) { return (int)p->chip.scale_port == ROMA_SCALES_OWN; }
static bool inside(const roma_placement *p) { return (int)p->chip.rom_embedding == 1; }
static bool parallel(const roma_placement *p) { return (int)p->chip.lunit_style == 0; }
static bool no_hold(const roma_placement *p) { return (int)p->chip.hold == 0; }
static bool no_trits(const roma_placement *p) { return (int)p->chip.trits == 0; }
static bool no_full_logits(const roma_placement *p) { return (int)p->chip.full_logits == 0; }
static bool int8_adapters(const roma_placement *p) { return p->chip.lora_weight_bytes <= 1; }
static bool one_hop(const roma_placement *p) { return p->chip.hop_cyc >= 1 && p->chip.hop_cyc <= 1; }
static bool full_grid(const roma_placement *p) {
    return p->chip.grid_rows * p->chip.grid_columns <= p->chip.matrix_units + p->chip.vector_units;
}
static bool full_rows(const roma_placement *p) {
    return fmod(p->chip.vector_units, p->chip.grid_columns) <= 0 || p->chip.vector_units < p->chip.grid_columns;
}
static bool whole_heads(const roma_placement *p) { return fmod(p->chip.matrix_units, (double)heads_of(p)) <= 0; }
static bool eight_lanes(const roma_placement *p) { return fmod(p->chip.vector_lanes, 8) <= 0; }
static bool wide_links(const roma_placement *p) {
    const double wide = 2 * p->chip.vector_units * p->chip.vector_lanes;
    return p->chip.link_bytes >= wide && p->chip.link_bytes <= wide;
}
static bool int8_cache(const roma_placement *p) {
    return p->chip.kv_bytes <= 1 && p->chip.kv_bytes >= 1 && p->chip.kv_scale_bytes >= 4 && p->chip.kv_scale_bytes <= 4;
}
static bool pairs_fit(const roma_placement *p) {
    const double d = p->plan->desc->hyper.head_dim, all = p->chip.vector_units * p->chip.vector_lanes;
    return fmod(d, all) <= 0 || fmod(all, d) <= 0;
}
static bool own_widths(const roma_placement *p) {
    const roma_hyper *h = &p->plan->desc->hyper;
    return !h->true_hidden && !h->true_ffn && !h->true_head && !roma_hyper_packed(h);
}
static bool few_biases(const roma_placement *p) {
    const roma_description *d = p->plan->desc;
    return !roma_description_find(d, ROMA_W_O_BIAS, 0) && !roma_description_find(d, ROMA_W_GATE_BIAS, 0) &&
           !roma_description_find(d, ROMA_W_UP_BIAS, 0) && !roma_description_find(d, ROMA_W_DOWN_BIAS, 0);
}
static bool no_gain(const roma_placement *p) { return !(p->plan->desc->hyper.rope_gain > 0); }
static bool stored(const roma_placement *p) {
    roma_rtl_style style;
    roma_error ignored;
    return roma_rtl_style_of(&p->chip, &style, &ignored) == ROMA_OK;
}

static const limit limits[] = {
    {"the model's factor of cos and sin", no_gain, "1"},
    {"the model's widths", own_widths, "hidden and feed-forward in 32s, heads in 16s, all heads in 32s"},
    {"the model's biases", few_biases, "those of q, k and v"},
    {"schedule.attention_overlap", no_overlap, "off"},
    {"schedule.streams", one_stream, "1"},
    {"schedule.lora", beside, "beside"},
    {"--chips", one_die, "1"},
    {"hunit.mac_efficiency", full_mac, "1"},
    {"hunit.read_efficiency", full_read, "1"},
    {"schedule.fill", no_fill, "0"},
    {"hunit.pages", whole_pages, "whole"},
    {"rom.scale_port", own_scales, "own"},
    {"rom.embedding", inside, "inside"},
    {"rom.style", stored, "array (sram, rom), logic, brom or fused"},
    {"lunit.style", parallel, "parallel"},
    {"lunit.hold", no_hold, "off"},
    {"lunit.trits", no_trits, "off"},
    {"schedule.full_logits", no_full_logits, "off"},
    {"cache.lora_element", int8_adapters, "1"},
    {"cache.element and cache.scale", int8_cache, "1 and 4"},
    {"network.hop", one_hop, "1"},
    {"grid", full_grid, "rows x columns = matrix units + vector units"},
    {"grid.vector_units", full_rows, "whole rows of the grid, or part of one row"},
    {"grid.matrix_units", whole_heads, "a multiple of the model's key-value heads"},
    {"vector.lanes", eight_lanes, "a multiple of 8"},
    {"vector.lanes and grid.vector_units", pairs_fit,
     "all lanes together a multiple of the model's head, or a part of it"},
    {"network.link", wide_links, "2 bytes for each of all vector lanes, as vector memories give them"},
};

/* Formats of the model's matrices. */
static int check_formats(const roma_placement *p, roma_error *err) {
    const roma_description *d = p->plan->desc;
    for (size_t i = 0; i < d->n_tensors; i++) {
        const roma_image_tensor *t = &d->tensors[i];
        char name[32], format[96];
        if (t->is_vector || t->tie >= 0) continue;
        const bool is_built = t->format.scale == ROMA_SCALE_F16 && t->format.bits != 3 && t->format.bits != 5 &&
                              t->format.bits != 6 && (t->format.bits != 1);
        if (!is_built)
            return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                             "%s is %s; gates are built for codes of 2, 4 and 8 bits with FP16 scales: build the image "
                             "with --type q4_1 or another of these",
                             roma_tensor_name(t->role, t->layer, name, sizeof name),
                             roma_format_print(&t->format, format, sizeof format));
    }
    return ROMA_OK;
}

int roma_rtl_chip_check(const roma_placement *p, roma_error *err) {
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (!limits[i].is_built(p))
            return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                             "%s of chip %.40s: gates are built for %s (docs/hardware.md, What is built)",
                             limits[i].name, p->chip.name, limits[i].needs);
    if (!p->fits_rom)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE, "the model does not fit chip %.40s: %s",
                         p->chip.name, p->note);
    return check_formats(p, err);
}
