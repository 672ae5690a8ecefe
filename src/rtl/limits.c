/* What of a chip and a model is built in gates; everything else is refused by name: the table in docs/hardware.md,
 * "What is built", row by row, which tests/rtl/test_limits.py tries. */
#include "chip.h"

#include <math.h>

/* A row of the table: what a message calls it, and what of it is built. */
typedef struct {
    const char *name;
    bool (*is_built)(const roma_placement *p);
    const char *needs;
} limit;

static bool is(double v, double wanted) { return v >= wanted && v <= wanted; }
static bool within(double v, double low, double high) { return v >= low && v <= high; }
static bool is_power_of_two(double v) { return v >= 1 && !((uint64_t)v & ((uint64_t)v - 1)); }

static const roma_hyper *hyper_of(const roma_placement *p) { return &p->plan->desc->hyper; }
static double all_lanes(const roma_placement *p) { return p->chip.vector_units * p->chip.vector_lanes; }

/* ---- of a chip: the schedule and the H-Units ---- */

static bool no_overlap(const roma_placement *p) { return (int)p->chip.overlap == 0; }
static bool one_stream(const roma_placement *p) { return p->chip.streams <= 1; }
static bool beside(const roma_placement *p) { return (int)p->chip.lora_where == 0; }
static bool no_fill(const roma_placement *p) { return p->chip.fill_cyc <= 0; }
static bool no_full_logits(const roma_placement *p) { return (int)p->chip.full_logits == 0; }
static bool few_rows(const roma_placement *p) { return p->chip.chunk_rows <= 128; }
static bool full_mac(const roma_placement *p) { return p->chip.mac_efficiency >= 1; }
static bool full_read(const roma_placement *p) { return p->chip.read_efficiency >= 1; }
static bool whole_pages(const roma_placement *p) { return (int)p->chip.hunit_pages == ROMA_PAGES_WHOLE; }
/* Leaves and outputs of a row leave while the next row is multiplied, so that they wait for nobody. */
static bool mac_of_head(const roma_placement *p) {
    const double mac = p->chip.hunit_mac, d = hyper_of(p)->head_dim, lanes = all_lanes(p);
    const bool in_time = p->chip.block_rows <= 1 || mac * hyper_of(p)->kv_heads <= 2 * lanes;
    return mac >= 16 && is_power_of_two(mac) && fmod(d, mac) <= 0 && mac <= lanes && in_time;
}
/* A word of the SRAM is a part of a key, which is read while it is multiplied with the queries that share it. */
static bool reads_in_time(const roma_placement *p) {
    const double d = hyper_of(p)->head_dim, queries = hyper_of(p)->heads / hyper_of(p)->kv_heads;
    const double bytes = p->chip.hunit_bandwidth;
    return is_power_of_two(bytes) && within(bytes, p->chip.hunit_mac, d) &&
           bytes * queries * d >= p->chip.hunit_mac * (d + p->chip.kv_scale_bytes);
}
static bool no_runs(const roma_placement *p) { return p->chip.page_run <= 0; }
static bool some_pages(const roma_placement *p) {
    return p->chip.hunit_sram_bytes >= hyper_of(p)->layers * (64.0 * hyper_of(p)->head_dim + 256);
}
static bool one_exp(const roma_placement *p) { return p->chip.hunit_exp <= 1; }
static bool int8_cache(const roma_placement *p) { return p->kv == ROMA_KV_INT8 && is(p->chip.kv_bytes, 1); }
static bool fp32_scales(const roma_placement *p) { return is(p->chip.kv_scale_bytes, 4); }
static bool int8_adapters(const roma_placement *p) { return is(p->chip.lora_weight_bytes, 1); }

/* ---- of a chip: L-Units and their ROMs ---- */

static bool stored(const roma_placement *p) {
    roma_rtl_style style;
    roma_error ignored;
    return roma_rtl_style_of(&p->chip, &style, &ignored) == ROMA_OK;
}
static bool inside(const roma_placement *p) { return (int)p->chip.rom_embedding == 1; }
static bool own_scales(const roma_placement *p) { return (int)p->chip.scale_port == ROMA_SCALES_OWN; }
static bool no_patches(const roma_placement *p) { return p->chip.patch_words <= 0; }
static bool not_gated(const roma_placement *p) { return (int)p->chip.rom_gated == 0; }
static bool parallel(const roma_placement *p) { return (int)p->chip.lunit_style == 0; }
static bool no_hold(const roma_placement *p) { return (int)p->chip.hold == 0; }
static bool no_trits(const roma_placement *p) { return (int)p->chip.trits == 0; }
static bool some_lunits(const roma_placement *p) { return p->chip.lunits >= 2; }
static bool some_stages(const roma_placement *p) { return within(p->chip.lunit_pipeline, 3, 5); }
/* Whole leaf units for each row of a word, no more of them than L-Units, nor than groups that may end at an address. */
static bool leaf_units(const roma_placement *p) {
    const double group = p->chip.leaf_group;
    return is_power_of_two(group) && within(group, 16, 8 * p->chip.lunits) && group >= p->chip.lanes;
}

/* ---- of a chip: vector units and network ---- */

static bool few_lanes(const roma_placement *p) {
    return within(p->chip.vector_lanes, 8, 32) && is_power_of_two(p->chip.vector_lanes);
}
static bool few_vectors(const roma_placement *p) { return is_power_of_two(p->chip.vector_units) && all_lanes(p) >= 16; }
static bool whole_heads(const roma_placement *p) {
    const double units = p->chip.matrix_units, heads = hyper_of(p)->kv_heads;
    return fmod(units, heads) <= 0 && is_power_of_two(units / heads) && units <= 256;
}
static bool add_in_time(const roma_placement *p) { return within(p->chip.lat_add, 1, 6); }
static bool mul_in_time(const roma_placement *p) { return within(p->chip.lat_mul, 1, 4); }
static bool convert_in_time(const roma_placement *p) { return within(p->chip.lat_convert, 1, 4); }
static bool div_in_time(const roma_placement *p) { return is(p->chip.lat_div, 16); }
static bool sqrt_in_time(const roma_placement *p) { return is(p->chip.lat_sqrt, 14); }
static bool divides_12(double v) { return v <= 12 && fmod(12, v) <= 0; }
static bool div_stations(const roma_placement *p) { return divides_12(p->chip.div_interval); }
static bool exp_stations(const roma_placement *p) {
    const bool halves = fmod(p->chip.exp_interval, 2) <= 0 || hyper_of(p)->head_dim <= all_lanes(p);
    return divides_12(p->chip.exp_interval) && p->chip.exp_interval >= p->chip.div_interval && halves;
}
static bool one_hop(const roma_placement *p) { return is(p->chip.hop_cyc, 1); }
static bool wide_links(const roma_placement *p) { return is(p->chip.link_bytes, 2 * all_lanes(p)); }

/* ---- of a model ---- */

static bool no_head_norm(const roma_placement *p) {
    for (size_t i = 0; i < p->plan->n_ops; i++)
        if (p->plan->ops[i].kind == ROMA_OP_HEAD_NORM) return false;
    return true;
}
/* Keys and values of a position begin a word each; the law has them side by side. */
static bool even_keys(const roma_placement *p) {
    const double d = hyper_of(p)->head_dim, words = hyper_of(p)->kv_heads * d / all_lanes(p);
    return 2 * ceil(words) <= fmax(ceil(2 * words), 2 * d / p->chip.hunit_bandwidth + 1);
}
static bool even_heads(const roma_placement *p) {
    return is_power_of_two(hyper_of(p)->head_dim) && within(hyper_of(p)->head_dim, 16, 512);
}
/* Angles lie beside the elements that they turn: a row of angles takes as many addresses as a head. */
static bool rotated(const roma_placement *p) {
    return ceil(hyper_of(p)->rope_dim / all_lanes(p)) >= ceil(hyper_of(p)->head_dim / all_lanes(p));
}
static bool some_epsilon(const roma_placement *p) { return hyper_of(p)->rms_eps >= 0x1p-100f; }
/* The rows of a block pass the lanes one behind the other, and each has its quotient. */
static bool quotients_in_time(const roma_placement *p) {
    for (size_t i = 0; i < p->plan->n_ops && p->chip.block_rows > 1; i++) {
        const roma_op *op = &p->plan->ops[i];
        if (op->kind != ROMA_OP_NORM && op->kind != ROMA_OP_QUANTISE) continue;
        if (ceil(p->plan->values[op->in[0]].width / all_lanes(p)) < p->chip.div_interval) return false;
    }
    return true;
}
static bool own_widths(const roma_placement *p) {
    const roma_hyper *h = hyper_of(p);
    return !h->true_hidden && !h->true_ffn && !h->true_head && !roma_hyper_packed(h);
}
static bool few_biases(const roma_placement *p) {
    const roma_description *d = p->plan->desc;
    return !roma_description_find(d, ROMA_W_O_BIAS, 0) && !roma_description_find(d, ROMA_W_GATE_BIAS, 0) &&
           !roma_description_find(d, ROMA_W_UP_BIAS, 0) && !roma_description_find(d, ROMA_W_DOWN_BIAS, 0);
}
static bool no_gain(const roma_placement *p) { return !(hyper_of(p)->rope_gain > 0); }
/* The scoreboard counts 255 writes to a value a step. */
static bool few_writes(const roma_placement *p) {
    const roma_plan *plan = p->plan;
    for (uint32_t v = 0; v < plan->n_values; v++) {
        unsigned writes = 0;
        for (size_t i = 0; i < plan->n_ops; i++) writes += plan->ops[i].out == v;
        if (writes > 255) return false;
    }
    return hyper_of(p)->layers <= 255;
}
static uint64_t parts(uint64_t n, uint64_t of) { return (n + of - 1) / of; }
static uint64_t group_rows(const roma_placement *p) { return (uint64_t)p->chip.lanes / 8; }
static uint64_t leaf_units_of(const roma_placement *p) {
    return (uint64_t)(p->chip.lunits * p->chip.lanes / p->chip.leaf_group);
}

/* Cycles of a row of a matrix without its way to the vector units (docs/cost-model.md 1.8). */
static uint64_t read_cycles(const roma_placement *p, size_t tensor) {
    const roma_place_tensor *t = &p->tensors[tensor];
    const roma_image_tensor *m = &p->plan->desc->tensors[tensor];
    const uint64_t leaves = parts(group_rows(p) * (m->cols / m->format.group), leaf_units_of(p));
    return t->unit_rows / group_rows(p) * (leaves > t->row_words ? leaves : t->row_words);
}
/* A matrix unit counts 65,536 cycles of a product. */
static bool few_addresses(const roma_placement *p) {
    for (size_t i = 0; i < p->plan->desc->n_tensors; i++)
        if (p->tensors[i].where == ROMA_PLACED_LUNITS && read_cycles(p, i) > 65536) return false;
    return true;
}
/* A row of the embedding is looked up in whole addresses, and what comes in a cycle crosses the chip in one. */
static bool even_lookups(const roma_placement *p) {
    const roma_image_tensor *t = roma_description_find(p->plan->desc, ROMA_W_EMBED, 0);
    return t->cols * t->format.bits / 32 % (uint64_t)p->chip.lunits == 0 &&
           4 * leaf_units_of(p) <= (uint64_t)p->chip.link_bytes;
}

static bool no_gathers(const roma_placement *p) {
    for (size_t i = 0; i < p->plan->n_ops; i++)
        if (p->plan->ops[i].param.order) return false;
    return true;
}

/* clang-format off */
static const limit limits[] = {
    {"schedule.attention_overlap", no_overlap, "off"},
    {"schedule.streams", one_stream, "1"},
    {"schedule.lora", beside, "beside"},
    {"schedule.fill", no_fill, "0"},
    {"schedule.full_logits", no_full_logits, "off"},
    {"schedule.chunk_rows", few_rows, "at most 128"},
    {"hunit.mac_efficiency", full_mac, "1"},
    {"hunit.read_efficiency", full_read, "1"},
    {"hunit.pages", whole_pages, "whole"},
    {"hunit.mac", mac_of_head, "a power of two from 16 to all vector lanes, that divides the model's heads; twice all lanes for each key-value head"},
    {"hunit.bandwidth", reads_in_time, "a power of two from hunit.mac to the model's heads, and as many bytes as keys take meanwhile"},
    {"hunit.exp", one_exp, "1"},
    {"hunit.page_run", no_runs, "0"},
    {"hunit.sram", some_pages, "room for a page of each layer"},
    {"cache.element", int8_cache, "1"},
    {"cache.scale", fp32_scales, "4"},
    {"cache.lora_element", int8_adapters, "1"},
    {"rom.style", stored, "array (sram, rom), logic, brom or fused"},
    {"rom.embedding", inside, "inside"},
    {"rom.scale_port", own_scales, "own"},
    {"rom.patch_words", no_patches, "0"},
    {"rom.gated", not_gated, "off"},
    {"lunit.style", parallel, "parallel"},
    {"lunit.hold", no_hold, "off"},
    {"lunit.trits", no_trits, "off"},
    {"lunit.per_matrix_unit", some_lunits, "2 and more"},
    {"lunit.pipeline", some_stages, "3 to 5"},
    {"lunit.leaf_group", leaf_units, "a power of two, at least 16 and lunit.lanes, at most 8 times lunit.per_matrix_unit"},
    {"vector.lanes", few_lanes, "a power of two from 8 to 32"},
    {"grid.vector_units", few_vectors, "a power of two, with vector.lanes together at least 16 lanes"},
    {"grid.matrix_units", whole_heads, "a power of two for each of the model's key-value heads, 256 in all"},
    {"vector.add", add_in_time, "1 to 6"},
    {"vector.mul", mul_in_time, "1 to 4"},
    {"vector.convert", convert_in_time, "1 to 4"},
    {"vector.div", div_in_time, "16"},
    {"vector.sqrt", sqrt_in_time, "14"},
    {"vector.div_interval", div_stations, "1, 2, 3, 4, 6 or 12"},
    {"vector.exp_interval", exp_stations, "1, 2, 3, 4, 6 or 12, at least vector.div_interval; even where a head is wider than all lanes"},
    {"network.hop", one_hop, "1"},
    {"network.link", wide_links, "2 bytes for each of all vector lanes, as vector memories give them"},
};
static const limit of_model[] = {
    {"head_norm", no_head_norm, "none: norms of whole rows alone"},
    {"head_dim", even_heads, "a power of two, 16 to 512"},
    {"keys of all heads", even_keys, "whole words of all vector lanes, or no more words than those of a page that they are written to"},
    {"rope_dim", rotated, "all of a head, or as much of one as begins on its last address"},
    {"factor of cos and sin", no_gain, "1"},
    {"own widths", own_widths, "none: hidden and feed-forward in 32s, heads in 16s, all heads in 32s"},
    {"biases", few_biases, "those of q, k and v"},
    {"orders of columns", no_gathers, "none that is gathered: those of down, folded into gate and up"},
    {"rms_eps", some_epsilon, "at least 2^-100"},
    {"layers", few_writes, "so many that a value is written 255 times a step: 127, with biases 85"},
    {"rows of a matrix", few_addresses, "65536 cycles a matrix unit: more of grid.matrix_units"},
    {"rows of the embedding", even_lookups, "words of codes in whole addresses of all L-Units, and leaf units that are half of all vector lanes at most"},
    {"quotients of rows", quotients_in_time, "rows that take vector.div_interval cycles and more to pass all vector lanes, or blocks of one row (schedule.block_rows)"},
};
/* clang-format on */

/* ---- formats of matrices ---- */

/* A row of the table; the matrix is one that lies in L-Units. */
typedef struct {
    const char *name;
    bool (*is_built)(const roma_format *f);
    const char *needs;
} format_limit;

static bool whole_codes(const roma_format *f) { return f->bits == 2 || f->bits == 4 || f->bits == 8; }
static bool half_scales(const roma_format *f) { return f->scale == ROMA_SCALE_F16; }
static bool byte_levels(const roma_format *f) { return f->level != ROMA_LEVEL_FINE; }
static bool one_zero(const roma_format *f) { return f->zeros == ROMA_ZEROS_NONE; }
static bool two_words(const roma_format *f) { return f->group * f->bits >= 64; }

static const format_limit of_formats[] = {
    {"bits of codes", whole_codes, "2, 4 or 8"},
    {"scales", half_scales, "FP16 for each group"},
    {"level table", byte_levels, "levels of 8 bits"},
    {"zero points", one_zero, "one zero point of the whole matrix"},
    {"group", two_words, "two words of a row and more: 32 and more inputs of 2 bits"},
};

/* The matrix that an operation reads, which a tied head has from the embedding. */
static const roma_image_tensor *matrix_of(const roma_plan *plan, const roma_op *op) {
    const roma_image_tensor *t = &plan->desc->tensors[op->tensor];
    return t->tie >= 0 ? &plan->desc->tensors[t->tie] : t;
}

/* Codes of a value are laid out once in L-Units' buffers, and summed for groups of one size; with a minimum a product
 * takes longer, and the next one must not overtake it. */
static const roma_image_tensor *odd_one(const roma_plan *plan, size_t first) {
    const roma_op *a = &plan->ops[first];
    const roma_format *f = &matrix_of(plan, a)->format;
    for (size_t i = first + 1; i < plan->n_ops; i++) {
        const roma_op *b = &plan->ops[i];
        if (b->out == a->in[0]) break; /* the value is written anew */
        if (b->kind != ROMA_OP_LINEAR || b->in[0] != a->in[0]) continue;
        const roma_format *other = &matrix_of(plan, b)->format;
        if (other->bits != f->bits || other->group != f->group || (other->min == 0) != (f->min == 0))
            return matrix_of(plan, b);
    }
    return NULL;
}

static int refuse_format(const char *what, const roma_image_tensor *t, const char *needs, roma_error *err) {
    char name[32], format[96];
    return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                     "%s of %s, which is %s: gates are built for %s (docs/hardware.md, What is built)", what,
                     roma_tensor_name(t->role, t->layer, name, sizeof name),
                     roma_format_print(&t->format, format, sizeof format), needs);
}

static int check_formats(const roma_placement *p, roma_error *err) {
    const roma_plan *plan = p->plan;
    for (size_t i = 0; i < plan->desc->n_tensors; i++) {
        const roma_image_tensor *t = &plan->desc->tensors[i];
        if (t->is_vector || t->tie >= 0) continue;
        for (size_t k = 0; k < sizeof of_formats / sizeof *of_formats; k++)
            if (!of_formats[k].is_built(&t->format))
                return refuse_format(of_formats[k].name, t, of_formats[k].needs, err);
    }
    for (size_t i = 0; i < plan->n_ops; i++) {
        const roma_image_tensor *t = plan->ops[i].kind == ROMA_OP_LINEAR ? odd_one(plan, i) : NULL;
        if (t)
            return refuse_format("formats of one value", t,
                                 "one width, one group and minima or none of all matrices that read a value", err);
    }
    return ROMA_OK;
}

/* ---- all of it ---- */

int roma_rtl_chip_check(const roma_placement *p, roma_error *err) {
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (!limits[i].is_built(p))
            return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                             "%s of chip %.40s: gates are built for %s (docs/hardware.md, What is built)",
                             limits[i].name, p->chip.name, limits[i].needs);
    for (size_t i = 0; i < sizeof of_model / sizeof *of_model; i++)
        if (!of_model[i].is_built(p))
            return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                             "%s of the model: gates are built for %s (docs/hardware.md, What is built)",
                             of_model[i].name, of_model[i].needs);
    const int rc = check_formats(p, err);
    if (rc || p->fits_rom) return rc;
    return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE, "%s", p->note);
}

/* Cycles of a row of a matrix (docs/cost-model.md 1.8). */
static uint64_t row_cycles(const rtl_chip *c, size_t tensor) {
    const roma_image_tensor *m = &c->place->plan->desc->tensors[tensor];
    const uint64_t rows = read_cycles(c->place, tensor), link = (uint64_t)c->place->chip.link_bytes;
    const uint64_t edge = parts(4 * parts(m->rows, c->net.columns), link), all = (uint64_t)all_lanes(c->place);
    const uint64_t gather = edge > parts(m->rows, all) ? edge : parts(m->rows, all);
    return rows > gather ? rows : gather;
}

/* The end of a CACHE is told to the vector units so early that it comes when it is there: the way is no longer than
 * the last key's and value's from their arrival to their page. */
int roma_rtl_chip_check_ways(const rtl_chip *c, roma_error *err) {
    const roma_chip *p = &c->place->chip;
    const uint32_t d = c->place->plan->desc->hyper.head_dim;
    const uint32_t most = bits_for(d - 1) + (uint32_t)(p->lat_div + p->lat_mul + p->lat_convert) +
                          2 * d / (uint32_t)p->hunit_bandwidth + 1;
    if (c->far <= most) return ROMA_OK;
    return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                     "distance of tiles of chip %.40s: gates are built for %u hops at most from vector units to matrix "
                     "units, which are up to %u apart (docs/hardware.md, What is built)",
                     p->name, most, c->far);
}

/* Values of a step's rows, and codes with shifts, 67 bits for eight of them. */
int roma_rtl_chip_check_vectors(const rtl_chip *c, roma_error *err) {
    const roma_chip *p = &c->place->chip;
    const uint64_t lanes = (uint64_t)p->vector_lanes;
    const uint64_t needs = 4 * lanes * c->program.value_words + parts(67 * (lanes / 8) * c->program.code_words, 8);
    if ((double)needs <= p->vector_sram_bytes) return ROMA_OK;
    return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                     "vector.sram of chip %.40s: gates are built for all values and codes of schedule.chunk_rows rows, "
                     "%llu bytes (docs/hardware.md, What is built)",
                     p->name, (unsigned long long)needs);
}

int roma_rtl_chip_check_rows(const rtl_chip *c, roma_error *err) {
    if (c->place->chip.chunk_rows <= 1) return ROMA_OK;
    for (size_t i = 0; i < c->place->plan->n_ops; i++) {
        const roma_op *op = &c->place->plan->ops[i];
        if (op->kind != ROMA_OP_LINEAR || op->layer == UINT32_MAX) continue;
        const roma_image_tensor *m = matrix_of(c->place->plan, op);
        const uint64_t cycles = row_cycles(c, (size_t)op->tensor);
        const uint64_t needs = 2 * c->far + parts(m->cols, (uint64_t)all_lanes(c->place)) + 1;
        char name[32];
        if (cycles < needs)
            return roma_fail(
                err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                "codes of the next row, which come in %llu cycles where %s takes %llu a row: gates are built "
                "for as many, or schedule.chunk_rows = 1 (docs/hardware.md, What is built)",
                (unsigned long long)needs, roma_tensor_name(m->role, m->layer, name, sizeof name),
                (unsigned long long)cycles);
    }
    return ROMA_OK;
}
