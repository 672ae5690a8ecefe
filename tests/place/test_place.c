/* Placements against docs/placement.md: every row and input once by brute force, word ranges, published shapes, pages.
 */
#include "../test.h"
#include "roma/map.h"

typedef struct {
    roma_description d;
    roma_plan plan;
    roma_placement place;
} placed;

static void need(int rc, const roma_error *err) {
    char text[700];
    if (!rc) return;
    fprintf(stderr, "%s\n", roma_error_format(err, text, sizeof text));
    exit(1);
}

static void place_on(placed *p, const char *shape, const roma_shape_format *f, const roma_chip *c, uint32_t dies) {
    roma_error err;
    need(roma_shape_describe(&p->d, shape, f, &err), &err);
    need(roma_map_plan(&p->plan, &p->d, &err), &err);
    need(roma_map_place(&p->place, &p->plan, c, dies, &err), &err);
}

static void done(placed *p) {
    roma_place_destroy(&p->place);
    roma_plan_destroy(&p->plan);
    roma_shape_destroy(&p->d);
}

static roma_chip chip_of(const char *name, double units, double lunits, double lanes) {
    roma_chip c;
    roma_error err;
    need(roma_chip_open(&c, name, &err), &err);
    if (units > 0) roma_chip_put(&c, ROMA_CHIP_matrix_units, units);
    if (lunits > 0) roma_chip_put(&c, ROMA_CHIP_lunits, lunits);
    if (lanes > 0) roma_chip_put(&c, ROMA_CHIP_lanes, lanes);
    return c;
}

static uint64_t code_words(const placed *p) {
    uint64_t n = 0;
    for (size_t i = 0; i < p->d.n_tensors; i++) n += p->place.tensors[i].words - p->place.tensors[i].scale_words;
    for (size_t i = 0; i < p->d.n_tensors; i++)
        if (p->place.tensors[i].where == ROMA_PLACED_VECTORS) n -= p->place.tensors[i].words;
    return n;
}

static double useful(const placed *p) {
    double bits = 0;
    for (size_t i = 0; i < p->d.n_tensors; i++)
        if (p->place.tensors[i].where == ROMA_PLACED_LUNITS)
            bits += (double)(p->d.tensors[i].rows * p->d.tensors[i].cols * p->place.tensors[i].lane_bits);
    const roma_chip *c = &p->place.chip;
    return bits / ((double)code_words(p) * 4 * c->lanes * c->matrix_units * c->lunits);
}

/* ---- published shapes ---- */

static void test_words(void) {
    placed p;
    const roma_shape_format four = {4, 128, 4}, own = {0}, one = {1, 128, 1};
    roma_chip c = chip_of("roma-contract", 0, 0, 0);
    place_on(&p, "llama-3.2-3b", &four, &c, 1);
    CHECK_EQ(code_words(&p), 12258); /* 28 x 384, and 1,506 of the head */
    CHECK_EQ(p.place.rom_words, 12258);
    /* Every address ends eight leaves: four groups of two rows. */
    CHECK(p.place.scale_words == 12258 && p.place.scale_bits == 8 * 16);
    p.place.chip.scale_port = ROMA_SCALES_SHARED;
    roma_place_derive(&p.place);
    CHECK_EQ(p.place.rom_words, 12258 + 28 * (2 * 2 + 2 * 1 + 3 * 3) + 48);
    CHECK(!p.place.scale_words && !p.place.scale_bits);
    CHECK(p.place.fits_rom);
    CHECK_STR(p.place.note, "");
    CHECK(useful(&p) > 0.999);
    placed bits;
    place_on(&bits, "llama-3.2-3b", &one, &c, 1); /* 96 words of a row group over 64 L-Units take two addresses */
    CHECK(useful(&bits) > 0.79 && useful(&bits) < 0.80);
    done(&bits);
    /* A group of 128 trits takes seven words of 20, where 2 bits take eight of 16. */
    c.trits = 1;
    const roma_shape_format two = {2, 128, 2};
    place_on(&bits, "bitnet-2b", &two, &c, 1);
    for (size_t i = 0; i < bits.d.n_tensors; i++) {
        const roma_place_tensor *at = &bits.place.tensors[i];
        if (at->where != ROMA_PLACED_LUNITS) continue;
        CHECK(roma_place_is_trits(&bits.place, &bits.d.tensors[i]) && at->word_inputs == 20 && at->lane_bits == 2);
        CHECK(at->group_words == 7 && at->group_lunits == 7 && at->wave_leaves == 2 * 10);
        CHECK_EQ(at->row_words, (bits.d.tensors[i].cols / 128 * 7 + 63) / 64);
    }
    done(&bits);
    place_on(&bits, "llama-3.2-3b", &two, &c, 1); /* zero point 2: four levels */
    CHECK(!roma_place_is_trits(&bits.place, &bits.d.tensors[0]) && bits.place.tensors[0].word_inputs == 16);
    done(&bits);
    c.trits = 0;
    for (int more = -1; more <= 1; more++) { /* to the word */
        p.place.chip.lunit_words = (double)p.place.rom_words + more;
        roma_place_derive(&p.place);
        CHECK(p.place.fits_rom == (more >= 0) && !p.place.note[0] == (more >= 0));
    }
    const uint64_t narrow = p.place.rom_words;
    p.place.chip.lunits = 128; /* derived anew, not on top */
    roma_place_derive(&p.place);
    CHECK(p.place.rom_words < narrow && p.place.rom_words == p.place.die_words[0]);
    done(&p);
    place_on(&p, "smollm2-135m", &own, &c, 1);
    CHECK(useful(&p) > 0.465 && useful(&p) < 0.475);
    done(&p);
    c = chip_of("roma-contract", 8, 4, 16);
    place_on(&p, "smollm2-135m", &own, &c, 1);
    CHECK(useful(&p) > 0.999);
    CHECK(!p.place.fits_rom);
    CHECK_HAS(p.place.note,
              "ROM words in an L-Unit and chip roma-contract has 14190 (lunit.words): it does not fit that chip");
    c.rom_style = ROMA_ROM_DRAM;
    c.buffer_inputs = 1536 / 4;
    p.place.chip = c;
    roma_place_derive(&p.place);
    CHECK(p.place.fits_rom && !p.place.note[0]); /* streamed */
    done(&p);
}

/* Two dies: layers in halves, the tied table with the head on the last, norms on their layers' die. */
static void test_dies(void) {
    placed p;
    const roma_shape_format own = {0};
    const roma_chip c = chip_of("roma-contract", 0, 0, 0);
    place_on(&p, "llama-3.2-3b", &own, &c, 2);
    for (size_t i = 0; i < p.d.n_tensors; i++) {
        const roma_image_tensor *t = &p.d.tensors[i];
        const bool outside = !roma_tensor_role_is_layered(t->role);
        CHECK_EQ(p.place.tensors[i].die, outside ? 1 : t->layer / 14);
    }
    CHECK_EQ(p.place.die_words[0] + 1506, p.place.die_words[1]);
    CHECK_EQ(p.place.rom_words, p.place.die_words[1]);
    for (uint32_t dies = 1; dies <= 60; dies++) { /* each layer on the one die whose range has it */
        roma_placement many;
        CHECK_EQ(roma_map_place(&many, &p.plan, &c, dies, NULL), 0);
        for (uint32_t l = 0; l < 28; l++) {
            uint32_t first, end, die = roma_place_layer_die(&many, l);
            roma_place_layers(&many, die, &first, &end);
            CHECK(die < dies && first <= l && l < end);
        }
        roma_place_destroy(&many);
    }
    done(&p);
    place_on(&p, "llama-3-8b", &own, &c, 2); /* untied: the embedding is on the first */
    for (size_t i = 0; i < p.d.n_tensors; i++)
        if (p.d.tensors[i].role == ROMA_W_EMBED) CHECK_EQ(p.place.tensors[i].die, 0);
    const uint64_t inside = p.place.die_words[0];
    p.place.chip.rom_embedding = 0;
    roma_place_derive(&p.place);
    CHECK(p.place.die_words[0] < inside);
    done(&p);
}

/* ---- brute force ---- */

static roma_image_tensor tensors[96];

static roma_description small(uint64_t seed) {
    roma_description d = {.tensors = tensors};
    const uint32_t dim = 16 * (1 + (uint32_t)(roma_random(seed, 1) % 2)), kv = 1 + (uint32_t)(roma_random(seed, 2) % 3);
    d.hyper = (roma_hyper){.arch = ROMA_ARCH_LLAMA,
                           .layers = 1 + (uint32_t)(roma_random(seed, 3) % 3),
                           .hidden = 32 * (1 + (uint32_t)(roma_random(seed, 4) % 4)),
                           .ffn = 32 * (1 + (uint32_t)(roma_random(seed, 5) % 5)),
                           .heads = 2 * kv,
                           .kv_heads = kv,
                           .head_dim = dim,
                           .rope_dim = dim,
                           .vocab = 40 + (uint32_t)(roma_random(seed, 6) % 100),
                           .context = 64,
                           .rms_eps = 1e-5f};
    static const uint8_t widths[] = {1, 2, 3, 4, 5, 6, 8};
    for (uint32_t role = 1; role < ROMA_W_END; role++)
        for (uint32_t l = 0; l < (roma_tensor_role_is_layered(role) ? d.hyper.layers : 1); l++) {
            roma_image_tensor t = {.role = role, .layer = l, .tie = -1, .is_vector = !roma_tensor_role_is_matrix(role)};
            if (!roma_hyper_shape(&d.hyper, role, &t.rows, &t.cols) || !roma_hyper_required(&d.hyper, role)) continue;
            if (!t.is_vector)
                t.format = (roma_format){
                    .bits = widths[roma_random(seed, 10 + role) % 7], .scale = ROMA_SCALE_F16, .group = 32, .zero = 1};
            tensors[d.n_tensors++] = t;
        }
    return d;
}

/* Which (unit, L-Unit, address, bit) are taken, of one die. */
typedef struct {
    uint8_t *taken;
    uint64_t words, units, lunits, bits;
} map;

static bool take(map *m, const roma_place_code *at, uint32_t bits) {
    for (uint32_t b = 0; b < bits; b++) {
        if (at->unit >= m->units || at->lunit >= m->lunits || at->address >= m->words || at->bit + b >= m->bits)
            return false;
        const uint64_t i = (((at->unit * m->lunits + at->lunit) * m->words) + at->address) * m->bits + at->bit + b;
        if (m->taken[i >> 3] >> (i & 7) & 1) return false;
        m->taken[i >> 3] |= (uint8_t)(1 << (i & 7));
    }
    return true;
}

static bool is_trits(const roma_chip *c, const roma_image_tensor *t) {
    return c->trits > 0 && t->format.bits == 2 && t->format.zero == 1;
}

/* The leaf units have the scales of one address at a time: leaves are counted where their last word lies. */
static void check_scales(const roma_placement *p, size_t i, uint64_t g, uint64_t N) {
    const roma_image_tensor *t = &p->plan->desc->tensors[i];
    const roma_place_tensor *at = &p->tensors[i];
    const bool trits = is_trits(&p->chip, t);
    const uint64_t bits = (uint64_t)t->format.group * at->lane_bits, groups = t->cols / t->format.group;
    const uint64_t group_words = trits ? (t->format.group + 19u) / 20 : (bits + 31) / 32;
    const uint64_t z = roma_place_scale_bits(t);
    uint64_t *ends = roma_alloc_array(at->row_words, sizeof *ends), most = 0, used = 0;
    for (uint64_t j = 0; j < groups; j++) ends[((j + 1) * group_words - 1) / N] += g;
    for (uint64_t a = 0; a < at->row_words; a++) {
        most = ends[a] > most ? ends[a] : most;
        used += ends[a] > 0;
    }
    roma_free(ends);
    CHECK_EQ(at->group_lunits, group_words < N ? group_words : N);
    CHECK(at->wave_leaves >= most && (at->wave_leaves == most || used == 1));
    if (p->chip.scale_port != ROMA_SCALES_OWN) {
        CHECK_EQ(at->scale_words, ((at->unit_rows * z + 32 * g - 1) / (32 * g) + N - 1) / N);
        CHECK(!at->own_words && !at->own_bits);
        return;
    }
    CHECK_EQ(at->scale_words, 0);
    CHECK_EQ(at->own_words, at->unit_rows / g * used);
    CHECK(at->own_bits * groups >= at->wave_leaves * z && (at->own_bits - 1) * groups < at->wave_leaves * z);
    CHECK(at->own_words * at->own_bits >= at->unit_rows * z);
}

/* What the whole model needs: the largest die's words, the widest scales, and the inputs that L-Unit 0 meets. */
static void check_needs(const roma_placement *p) {
    const roma_plan *plan = p->plan;
    const uint64_t N = (uint64_t)p->chip.lunits;
    uint64_t words = 0, vectors = 0, scales = 0, bits = 0, buffer = 0;
    for (uint32_t die = 0; die < p->dies; die++) {
        uint64_t own = 0;
        words = p->die_words[die] > words ? p->die_words[die] : words;
        vectors = p->die_vector_words[die] > vectors ? p->die_vector_words[die] : vectors;
        for (size_t i = 0; i < plan->desc->n_tensors; i++) {
            own += p->tensors[i].die == die ? p->tensors[i].own_words : 0;
            bits = p->tensors[i].own_bits > bits ? p->tensors[i].own_bits : bits;
        }
        scales = own > scales ? own : scales;
    }
    for (uint32_t v = 0; v < plan->n_values; v++) {
        uint64_t met[33] = {0}, sum = 0; /* words of the widest matrix, by the inputs of a word */
        for (size_t i = 0; i < plan->n_ops; i++) {
            const roma_op *op = &plan->ops[i];
            if (op->kind != ROMA_OP_LINEAR || op->in[0] != v) continue;
            const int32_t tie = plan->desc->tensors[op->tensor].tie;
            const roma_image_tensor *t = &plan->desc->tensors[op->tensor];
            const uint32_t lane = p->tensors[tie >= 0 ? (uint32_t)tie : op->tensor].lane_bits, group = t->format.group,
                           b = is_trits(&p->chip, t) ? 20 : 32 / lane;
            const uint64_t of = b == 20 ? t->cols / group * ((group + 19) / 20) : (t->cols + b - 1) / b;
            met[b] = of > met[b] ? of : met[b];
        }
        for (uint32_t b = 1; b < 33; b++)
            for (uint64_t k = 0; k < met[b]; k += N) sum += b;
        buffer = sum > buffer ? sum : buffer;
    }
    CHECK(p->rom_words == words && p->vector_words == vectors);
    CHECK(p->scale_words == scales && p->scale_bits == bits);
    CHECK(buffer > 0 && p->buffer_inputs == buffer);
    CHECK_EQ(p->scale_words > 0, p->chip.scale_port == ROMA_SCALES_OWN);
}

/* Every code of every matrix has bits of its own, inside the tensor's range and behind its scales; an L-Unit meets only
 * its own input blocks; ranges follow one another. */
static void check_small(const roma_placement *p, uint32_t die) {
    const roma_chip *c = &p->chip;
    const bool split = c->die_split > 0; /* die 0 stands for all of them, and has all of their units */
    map m = {.words = p->die_words[die],
             .units = (uint64_t)c->matrix_units * (split ? p->dies : 1),
             .lunits = (uint64_t)c->lunits,
             .bits = (uint64_t)(4 * c->lanes)};
    uint64_t end = 0, wrong = 0;
    m.taken = roma_alloc_array(m.words * m.units * m.lunits + 1, m.bits / 8);
    for (size_t i = 0; i < p->plan->desc->n_tensors; i++) {
        const roma_image_tensor *t = &p->plan->desc->tensors[i];
        const roma_place_tensor *at = &p->tensors[i];
        if (at->where != ROMA_PLACED_LUNITS || at->die != die) continue;
        CHECK_EQ(at->base, end);
        end += at->words;
        check_scales(p, i, m.bits / 32, m.lunits);
        CHECK(at->lane_bits >= t->format.bits && at->unit_rows % (m.bits / 32) == 0);
        CHECK(at->unit_rows * at->units >= t->rows && at->unit_rows * (at->units - 1) < t->rows);
        CHECK(at->units <= m.units);
        for (uint64_t row = 0; row < t->rows; row++)
            for (uint64_t in = 0; in < t->cols; in++) {
                const roma_place_code code = roma_place_code_at(p, i, row, in);
                const bool trits = is_trits(c, t);
                const uint64_t group = t->format.group, word = trits
                                                                   ? in / group * ((group + 19) / 20) + in % group / 20
                                                                   : in / (32 / at->lane_bits);
                if (trits && in % group % 5) { /* in the byte of the one before it */
                    const roma_place_code before = roma_place_code_at(p, i, row, in - 1);
                    wrong += before.unit != code.unit || before.lunit != code.lunit || before.address != code.address ||
                             before.bit != code.bit;
                    continue;
                }
                wrong += !take(&m, &code, trits ? 8 : at->lane_bits) || code.unit != row / at->unit_rows;
                wrong += code.address < at->base + at->scale_words || code.address >= at->base + at->words;
                wrong += code.lunit != word % m.lunits;
            }
    }
    CHECK_EQ(end, m.words);
    CHECK_EQ(wrong, 0);
    roma_free(m.taken);
}

static void test_every_code(void) {
    static const double lanes[] = {8, 16, 32, 64, 128}, lunits[] = {1, 2, 4, 8};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        roma_description d = small(seed);
        roma_chip c = chip_of("roma", 1 + (double)(roma_random(seed, 90) % 9), lunits[roma_random(seed, 91) % 4],
                              lanes[roma_random(seed, 92) % 5]);
        roma_chip_put(&c, ROMA_CHIP_scale_port, (double)(seed % 3));
        roma_chip_put(&c, ROMA_CHIP_trits, (double)(seed / 3 % 2));
        roma_chip_put(&c, ROMA_CHIP_die_split, (double)(roma_random(seed, 94) % 2));
        const uint32_t most = c.die_split > 0 ? d.hyper.kv_heads : 3, dies = 1 + (uint32_t)roma_random(seed, 93) % most;
        roma_plan plan;
        roma_placement p;
        roma_error err;
        need(roma_map_plan(&plan, &d, &err), &err);
        if (c.die_split > 0 && d.hyper.kv_heads % dies) { /* heads of a die are whole */
            CHECK_EQ(roma_map_place(&p, &plan, &c, dies, &err), ROMA_EINPUT);
            CHECK_HAS(err.text, "KV heads do not divide over");
            roma_plan_destroy(&plan);
            continue;
        }
        need(roma_map_place(&p, &plan, &c, dies, &err), &err);
        for (uint32_t die = 0; die < (c.die_split > 0 ? 1 : dies); die++) check_small(&p, die);
        for (uint32_t die = 1; die < dies && c.die_split > 0; die++)
            CHECK(p.die_words[die] == p.die_words[0] && p.die_vector_words[die] == p.die_vector_words[0]);
        check_needs(&p);
        roma_placement copy;
        CHECK_EQ(roma_place_copy(&copy, &p, &err), 0);
        CHECK(copy.tensors != p.tensors && copy.rom_words == p.rom_words && copy.vector_words == p.vector_words);
        roma_place_destroy(&copy);
        roma_place_destroy(&p);
        roma_plan_destroy(&plan);
    }
}

/* ---- what the words hold: the codes that the image's reader gives ---- */

static void test_bits(void) {
    static const uint8_t widths[] = {2, 3, 4, 5, 6, 8};
    for (size_t w = 0; w < 6; w++) {
        const roma_shape_format f = {widths[w], 64, widths[w]};
        const roma_chip c = chip_of("roma", 8, 4, 16);
        placed p;
        place_on(&p, "smollm2-135m", &f, &c, 1);
        size_t i = 0;
        while (p.d.tensors[i].role != ROMA_W_K) i++;
        roma_image_tensor *t = &p.d.tensors[i];
        uint8_t *data = roma_alloc_array(t->rows / 16, t->tile_bytes), codes[4096];
        uint16_t scales[64], mins[64];
        for (uint64_t k = 0; k < t->rows / 16 * t->tile_bytes; k++) data[k] = (uint8_t)roma_random(w, k);
        t->data = data;
        for (uint64_t row = 0; row < t->rows; row += 7) {
            roma_row r = {.code = codes, .scale = scales, .min = mins};
            roma_tile_get_row(&t->format, t->cols, data + row / 16 * t->tile_bytes, (unsigned)(row % 16), &r);
            uint64_t wrong = 0;
            for (uint64_t in = 0; in < t->cols; in++) {
                const roma_place_code at = roma_place_code_at(&p.place, i, row, in);
                const roma_place_tensor *m = &p.place.tensors[i];
                const uint32_t word = roma_place_bits(&p.place, i, row, in / (32 / m->lane_bits));
                wrong += (word >> at.bit % 32 & ((1u << m->lane_bits) - 1)) != codes[in];
            }
            CHECK_EQ(wrong, 0);
        }
        CHECK_EQ(roma_place_bits(&p.place, i, t->rows, 0), 0);
        const uint64_t words = t->cols * p.place.tensors[i].lane_bits / 32;
        CHECK_EQ(roma_place_bits(&p.place, i, 0, words), 0);
        CHECK_EQ(p.place.tensors[i].row_words, (words + 3) / 4);
        roma_free(data);
        done(&p);
    }
}

/* Scales of every form, by hand: 256 inputs in groups of 32 on one unit of one L-Unit, words of 64 bits, two rows. */
static void test_scales(void) {
    static const struct {
        uint8_t scale, min;
        uint64_t bits; /* of a row */
    } form[] = {{ROMA_SCALE_F16, ROMA_SCALE_NONE, 8 * 16},    {ROMA_SCALE_F16, ROMA_SCALE_F16, 8 * 32},
                {ROMA_SCALE_U4, ROMA_SCALE_NONE, 8 * 4 + 16}, {ROMA_SCALE_U4, ROMA_SCALE_U4, 8 * 8 + 32},
                {ROMA_SCALE_U6, ROMA_SCALE_U6, 8 * 12 + 32},  {ROMA_SCALE_S6, ROMA_SCALE_NONE, 8 * 6 + 16},
                {ROMA_SCALE_S8, ROMA_SCALE_NONE, 8 * 8 + 16}};
    roma_description d = small(3);
    const roma_chip c = chip_of("roma", 1, 1, 16);
    d.hyper.hidden = 256;
    d.hyper.layers = 1;
    d.hyper.heads = d.hyper.kv_heads = 2;
    d.hyper.head_dim = d.hyper.rope_dim = 128;
    d.hyper.ffn = 256;
    d.hyper.vocab = 101;
    d.n_tensors = 0;
    for (uint32_t role = 1; role < ROMA_W_END; role++) {
        roma_image_tensor t = {.role = role, .tie = -1, .is_vector = !roma_tensor_role_is_matrix(role)};
        if (roma_hyper_required(&d.hyper, role) && roma_hyper_shape(&d.hyper, role, &t.rows, &t.cols))
            tensors[d.n_tensors++] = t;
    }
    for (size_t i = 0; i < sizeof form / sizeof *form; i++) {
        roma_plan plan;
        roma_placement p;
        roma_error err;
        for (size_t k = 0; k < d.n_tensors; k++)
            tensors[k].format = (roma_format){.bits = 4,
                                              .scale = form[i].scale,
                                              .min = form[i].min,
                                              .group = 32,
                                              .super = form[i].scale == ROMA_SCALE_F16 ? 0 : 256};
        need(roma_map_plan(&plan, &d, &err), &err);
        need(roma_map_place(&p, &plan, &c, 1, &err), &err);
        const roma_place_tensor *embed = &p.tensors[0];
        CHECK(tensors[0].role == ROMA_W_EMBED && embed->unit_rows == 102); /* 101 rows, and one of zeros */
        CHECK_EQ(embed->scale_words, (102 * form[i].bits + 63) / 64);
        CHECK_EQ(embed->words, embed->scale_words + 51 * 32);
        roma_place_destroy(&p);
        roma_plan_destroy(&plan);
    }
}

/* ---- pages and vectors ---- */

/* The fullest H-Unit, counted page by page. */
static uint64_t fullest(const roma_placement *p, uint32_t die, uint64_t pages) {
    const uint64_t U = (uint64_t)p->chip.matrix_units;
    uint64_t *held = roma_alloc_array(U, sizeof *held), most = 0;
    uint32_t first, end;
    roma_place_layers(p, die, &first, &end);
    for (uint32_t l = first; l < end; l++)
        for (uint32_t g = 0; g < p->plan->desc->hyper.kv_heads; g++)
            for (uint64_t j = 0; j < pages; j++) held[roma_place_page_unit(p, l, g, j)]++;
    for (uint64_t u = 0; u < U; u++) most = held[u] > most ? held[u] : most;
    roma_free(held);
    return most;
}

static void test_pages(void) {
    placed p;
    const roma_shape_format own = {0};
    static const double units[] = {256, 64, 8, 5, 1, 100};
    static const char *const shapes[] = {"llama-3.2-3b", "smollm2-135m", "qwen3-0.6b"};
    for (size_t s = 0; s < 3; s++)
        for (size_t u = 0; u < 6; u++) {
            roma_chip c = chip_of("roma-contract", units[u], 0, 0);
            roma_chip_put(&c, ROMA_CHIP_page_run, (double)((s + u) % 4));
            place_on(&p, shapes[s], &own, &c, 1 + (uint32_t)u % 3);
            const uint32_t run = 1u << (s + u) % 4;
            for (uint64_t j = 0; j < 40; j++) /* neighbours lie together */
                CHECK_EQ(roma_place_page_unit(&p.place, 1, 0, j), roma_place_page_unit(&p.place, 1, 0, j / run * run));
            const double page = (double)roma_kv_page_bytes(p.d.hyper.head_dim);
            for (uint32_t die = 0; die < p.place.dies; die++)
                for (uint64_t n = 0; n < 70; n += 1 + n / 9)
                    CHECK_REAL(roma_place_page_bytes(&p.place, die, n), (double)fullest(&p.place, die, n) * page);
            done(&p);
        }
}

/* Positions of one layer and KV head on its fullest H-Unit, counted one by one. */
static uint64_t positions_held(const roma_placement *p, uint64_t positions) {
    const uint64_t P = roma_place_page_units(p);
    uint64_t *held = roma_alloc_array(P, sizeof *held), most = 0;
    for (uint64_t q = 0; q < positions; q++)
        held[p->chip.hunit_pages == ROMA_PAGES_SPREAD ? q % P : ((q / 32) >> (unsigned)p->chip.page_run) % P]++;
    for (uint64_t u = 0; u < P; u++) most = held[u] > most ? held[u] : most;
    roma_free(held);
    return most;
}

/* The first thing that a chip lacks is named, with what it has and the key that gives more. */
static void test_notes(void) {
    static const struct {
        unsigned key;
        const char *what;
        bool streamed; /* counts for a streamed model too */
    } lack[] = {{ROMA_CHIP_lunit_words, "ROM words in an L-Unit", false},
                {ROMA_CHIP_scale_words, "words in a matrix unit's ROM of scales", false},
                {ROMA_CHIP_scale_bits, "bits in a word of the ROM of scales", false},
                {ROMA_CHIP_buffer_inputs, "inputs in an L-Unit's buffer", true},
                {ROMA_CHIP_vector_rom_words, "ROM words in a vector unit", true}};
    placed p;
    const roma_shape_format own = {0};
    roma_chip c = chip_of("roma-contract", 0, 0, 0);
    place_on(&p, "llama-3.2-1b", &own, &c, 1);
    const uint64_t needs[] = {p.place.rom_words, p.place.scale_words, p.place.scale_bits, p.place.buffer_inputs,
                              p.place.vector_words};
    for (int k = 0; k < 5; k++)
        for (int more = -1; more <= 0; more++) {
            char said[160];
            p.place.chip = c;
            roma_chip_put(&p.place.chip, lack[k].key, (double)needs[k] + more);
            for (int j = k + 1; j < 5 && more < 0; j++) roma_chip_put(&p.place.chip, lack[j].key, 1); /* later ones */
            roma_place_derive(&p.place);
            CHECK_EQ(p.place.fits_rom, more == 0);
            CHECK_EQ(p.place.note[0] == 0, more == 0);
            if (more == 0) continue;
            snprintf(said, sizeof said, "needs %llu %s and chip roma-contract has %llu (%s.%s): it does not fit",
                     (unsigned long long)needs[k], lack[k].what, (unsigned long long)needs[k] - 1,
                     roma_chip_parameter_at(lack[k].key)->section, roma_chip_parameter_at(lack[k].key)->key);
            CHECK_HAS(p.place.note, said);
            p.place.chip = c;
            roma_chip_put(&p.place.chip, lack[k].key, (double)needs[k] - 1);
            p.place.chip.rom_style = ROMA_ROM_DRAM;
            roma_place_derive(&p.place);
            CHECK_EQ(p.place.fits_rom, !lack[k].streamed);
        }
    /* Codes that are numbers of levels. */
    for (size_t i = 0; i < p.d.n_tensors; i++)
        if (p.d.tensors[i].role == ROMA_W_DOWN && p.d.tensors[i].layer == 3)
            p.d.tensors[i].format.level = ROMA_LEVEL_TABLE;
    for (int table = 0; table < 2; table++) {
        p.place.chip = c;
        roma_chip_put(&p.place.chip, ROMA_CHIP_table, table);
        roma_place_derive(&p.place);
        CHECK_EQ(p.place.fits_rom, table);
        CHECK_STR(p.place.note, table ? ""
                                      : "the model's codes are numbers of levels in a table, and chip roma-contract "
                                        "has none (lunit.table)");
    }
    for (size_t i = 0; i < p.d.n_tensors; i++)
        if (p.d.tensors[i].format.level == ROMA_LEVEL_TABLE) p.d.tensors[i].format.level = ROMA_LEVEL_FINE;
    for (int bits = 8; bits <= 10; bits += 2) {
        p.place.chip = c;
        roma_chip_put(&p.place.chip, ROMA_CHIP_table, 1);
        roma_chip_put(&p.place.chip, ROMA_CHIP_table_bits, bits);
        roma_place_derive(&p.place);
        CHECK_EQ(p.place.fits_rom, bits == 10);
        CHECK_STR(p.place.note, bits == 10 ? ""
                                           : "the model's tables have levels of 10 bits, and those of chip "
                                             "roma-contract have 8 (lunit.table_bits)");
    }
    /* FP32 scales and own zero points of 4 bits: 16 + 4 bits a group more. */
    roma_image_tensor plain = {.rows = 64, .cols = 256, .format = {.bits = 4, .scale = ROMA_SCALE_F16, .group = 64}},
                      full = plain;
    full.format.scale = ROMA_SCALE_F32;
    full.format.zeros = ROMA_ZEROS_U4;
    CHECK_EQ(roma_place_scale_bits(&plain), 4 * 16);
    CHECK_EQ(roma_place_scale_bits(&full), 4 * (32 + 4));
    done(&p);
}

/* Dies that have a part of every matrix each: their units are numbered on, and heads lie on one die. */
static void test_tensor(void) {
    placed one, four;
    const roma_shape_format f = {4, 128, 4};
    roma_chip c = chip_of("roma-contract", 64, 0, 0);
    place_on(&one, "llama-3-8b", &f, &c, 1);
    roma_chip_put(&c, ROMA_CHIP_die_split, ROMA_DIES_TENSOR);
    place_on(&four, "llama-3-8b", &f, &c, 4);
    const uint64_t least = (one.place.rom_words + 3) / 4;
    CHECK(four.place.rom_words >= least && four.place.rom_words < least + least / 10);
    CHECK_EQ(four.place.vector_words, one.place.vector_words); /* every die has all vectors */
    CHECK_EQ(roma_place_page_units(&four.place), 4 * roma_place_page_units(&one.place));
    for (uint32_t h = 0; h < 8; h++)
        for (uint32_t l = 0; l < 32; l++)
            for (uint64_t j = 0; j < 40; j++) CHECK_EQ(roma_place_page_unit(&four.place, l, h, j) / 64, h / 2);
    for (size_t i = 0; i < four.d.n_tensors; i++) CHECK_EQ(four.place.tensors[i].die, 0);
    uint32_t first, end;
    for (uint32_t die = 0; die < 4; die++) {
        roma_place_layers(&four.place, die, &first, &end);
        CHECK(first == 0 && end == 32);
    }
    done(&one);
    done(&four);
}

static void test_scores(void) {
    static const double units[] = {256, 64, 8, 3, 1};
    placed p;
    const roma_shape_format own = {0};
    for (size_t u = 0; u < 5; u++)
        for (int k = 0; k < 5; k++) {
            roma_chip c = chip_of("roma-contract", units[u], 0, 0);
            roma_chip_put(&c, ROMA_CHIP_page_run, k % 4);
            roma_chip_put(&c, ROMA_CHIP_hunit_pages, k == 4 ? ROMA_PAGES_SPREAD : ROMA_PAGES_WHOLE);
            place_on(&p, "llama-3.2-3b", &own, &c, 1);
            const double heads = ceil(8 / units[u]); /* that a unit serves; three query heads each */
            for (uint64_t q = 0; q < 5000; q += 1 + q / 3)
                for (uint64_t rows = 1; rows < 40; rows += 31)
                    CHECK_REAL(roma_place_score_bytes(&p.place, q, rows),
                               4 * 3 * heads * (double)(rows * positions_held(&p.place, q)));
            done(&p);
        }
}

static void test_tokens(void) {
    placed p;
    const roma_shape_format four = {4, 128, 4};
    roma_chip c = chip_of("roma-contract", 0, 0, 0);
    place_on(&p, "llama-3.2-3b", &four, &c, 1);
    /* By hand: 28 layers begin on 28 of a head's 32 H-Units. 144 pages are 4 rounds of 32 and a window of 16, which 14
     * layers begin in: 28 x 4 + 14 = 126 pages of 8,448 bytes. With 107,121 bytes of adapters, the 256th part of
     * 1,519,616 x 16 codes and an FP32 scale for 28 x 27,648 rows of B and 28 x 7 x 16 of A, and the scores of three
     * query heads for the 160 positions of a layer on its fullest unit, they take 1,173,489 of 1,179,648 bytes; one
     * page more takes 1,181,937. */
    const double lora = 1519616.0 * 16 + 4.0 * 28 * (27648 + 7 * 16), sram = roma_chip_sram_bytes(&c), scores = 1920;
    CHECK_EQ(fullest(&p.place, 0, 144), 126);
    CHECK_EQ(fullest(&p.place, 0, 145), 127);
    CHECK_REAL(roma_place_score_bytes(&p.place, 144 * 32, 1), scores);
    CHECK_REAL(32.0 * (double)roma_place_pages(&p.place, sram, lora), 4608);
    CHECK(roma_place_holds(&p.place, 144, scores, sram, lora) && !roma_place_holds(&p.place, 145, scores, sram, lora));
    /* To the byte. */
    CHECK(roma_place_holds(&p.place, 144, scores, 256 * (126 * 8448.0 + scores) + lora, lora));
    CHECK(!roma_place_holds(&p.place, 144, scores, 256 * (126 * 8448.0 + scores) + lora - 1, lora));
    CHECK_EQ(roma_place_pages(&p.place, 256 * (126 * 8448.0 + scores) + lora, lora), 144);
    CHECK(roma_place_pages(&p.place, 256 * (126 * 8448.0 + scores) + lora - 1, lora) < 144);
    CHECK_EQ(roma_place_pages(&p.place, 100, 1000), 0);
    /* Spread: 32 positions of every page lie one on each H-Unit, and three scores for each of them. */
    p.place.chip.hunit_pages = ROMA_PAGES_SPREAD;
    roma_place_derive(&p.place);
    CHECK_REAL((double)roma_place_pages(&p.place, sram, lora), floor((1179648 - lora / 256) / (28 * 264 + 12)));
    done(&p);
}

static void test_vectors(void) {
    placed p;
    const roma_shape_format own = {0};
    const roma_chip c = chip_of("roma-contract", 0, 0, 0); /* 16 vector units of 64 lanes */
    place_on(&p, "qwen3-0.6b", &own, &c, 1);
    CHECK_EQ(roma_place_vector_unit(&p.place, 0), 0);
    CHECK_EQ(roma_place_vector_unit(&p.place, 63), 0);
    CHECK_EQ(roma_place_vector_unit(&p.place, 64), 1);
    CHECK_EQ(roma_place_vector_unit(&p.place, 1024), 0);
    /* RoPE increments; 28 layers of two norms of 1,024 and two head norms of 128, the last norm: a word each. */
    CHECK_EQ(p.place.vector_words, 1 + 28 * 4 + 1);
    p.place.chip.vector_lanes = 8;
    p.place.chip.vector_units = 1;
    roma_place_derive(&p.place);
    CHECK_EQ(roma_place_rope_words(&p.place), 64 / 8);
    CHECK_EQ(p.place.vector_words, 8 + 28 * (2 * 128 + 2 * 16) + 128);
    done(&p);
}

static void test_print(void) {
    placed p;
    const roma_shape_format own = {0};
    const roma_chip c = chip_of("roma-contract", 0, 0, 0);
    place_on(&p, "llama-3-8b", &own, &c, 2);
    p.place.chip.rom_embedding = 0;
    roma_place_derive(&p.place);
    roma_buf text = {0}, b = {0};
    roma_json j = {.out = &b};
    roma_place_print(&p.place, &text);
    roma_buf_append(&text, "", 1);
    CHECK_HAS((const char *)text.data, "outside the chip");
    CHECK_HAS((const char *)text.data, "0.q ");
    CHECK_HAS((const char *)text.data, "logits           nowhere, running maximum");
    CHECK_HAS((const char *)text.data, "bits in a ROM of every matrix unit\nbuffer: 224 inputs in every L-Unit\n");
    CHECK_HAS((const char *)text.data, "32 H-Units a KV head, each page on one;");
    roma_json_open(&j, NULL, '{');
    roma_place_json(&p.place, &j);
    roma_json_close(&j, '}');
    roma_buf_append(&b, "", 1);
    CHECK_HAS((const char *)b.data, "{\"name\":\"embed\",\"where\":\"nowhere\"}");
    CHECK_HAS((const char *)b.data,
              "\"pages\":\"whole\",\"page_bytes\":8448,\"page_units\":32,\"page_run\":0,\"page_first\":[0,2,4,");
    roma_buf_destroy(&text);
    roma_buf_destroy(&b);
    done(&p);
    roma_place_destroy(&p.place);
}

/* Numbers of orders lie behind the vectors, 16 bits each, each order once on a die that gathers in it. */
static void test_orders(void) {
    for (uint32_t dies = 1; dies <= 3; dies += 2) {
        const roma_chip c = chip_of("roma", 0, 0, 0);
        const uint64_t wide = (uint64_t)(c.vector_units * c.vector_lanes), words = (576 / 2 + wide - 1) / wide;
        roma_order orders[3] = {{576, false, NULL}, {576, false, NULL}, {1536, true, NULL}};
        placed p, plain;
        roma_error err;
        place_on(&plain, "smollm2-135m", &(roma_shape_format){0}, &c, dies);
        need(roma_shape_describe(&p.d, "smollm2-135m", &(roma_shape_format){0}, &err), &err);
        p.d.orders = orders;
        p.d.n_orders = 3;
        for (size_t i = 0; i < p.d.n_tensors; i++) {
            roma_image_tensor *t = &p.d.tensors[i]; /* q, k of the first layer and o of the last share one */
            const bool first = t->layer == 0, last = t->layer == p.d.hyper.layers - 1;
            if ((first && (t->role == ROMA_W_Q || t->role == ROMA_W_K)) || (last && t->role == ROMA_W_O))
                t->order = &orders[0];
            if (first && t->role == ROMA_W_V) t->order = &orders[1];
            if (t->role == ROMA_W_DOWN) t->order = &orders[2];
        }
        need(roma_map_plan(&p.plan, &p.d, &err), &err);
        need(roma_map_place(&p.place, &p.plan, &c, dies, &err), &err);
        CHECK_EQ(p.place.die_vector_words[0] - plain.place.die_vector_words[0], 2 * words);
        if (dies > 1) CHECK_EQ(p.place.die_vector_words[2] - plain.place.die_vector_words[2], words);
        if (dies > 1) CHECK_EQ(p.place.die_vector_words[1], plain.place.die_vector_words[1]);
        CHECK_EQ(p.plan.n_ops, plain.plan.n_ops + 1); /* v's own norm */
        p.d.orders = NULL;
        done(&p);
        done(&plain);
    }
    CHECK_EQ(roma_place_order_bits(65536), 16);
    CHECK_EQ(roma_place_order_bits(65568), 32);
}

int main(void) {
    test_orders();
    test_words();
    test_dies();
    test_every_code();
    test_bits();
    test_scales();
    test_pages();
    test_notes();
    test_tensor();
    test_scores();
    test_tokens();
    test_vectors();
    test_print();
    return TEST_DONE();
}
