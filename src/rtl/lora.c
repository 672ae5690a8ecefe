/* Adapters in the H-Units of a chip in gates (docs/program-format.md, "Adapters"): where A, B and their scales lie, and
 * the words that the host writes for an adapter and for a step. Codes lie in words of `mac` bytes of the SRAM, from its
 * end down; scales of B have a memory of their own beside it, those of A lie at the root. */
#include "chip.h"

enum { UP_COLUMNS = 16, ENTRY_A = 36, ENTRY_B = 16, ENTRY_RANK = 56 };
enum { DIRECTORY = 1, SCALES_B = 2, ROOT_TARGETS = 0, ROOT_SCALES_A = 1 };

static uint64_t ceil_div(uint64_t a, uint64_t b) { return (a + b - 1) / b; }
static unsigned clog2(uint64_t x) {
    unsigned n = 0;
    while (UINT64_C(1) << n < x) n++;
    return n;
}

/* What a slot's matrix means for the H-Units (docs/cost-model.md 1.8). */
typedef struct {
    const roma_image_tensor *t;
    const roma_adapter_target *target; /* NULL: the adapter leaves it alone */
    uint64_t columns;                  /* of A on a unit: a power of two, those beyond the matrix counted */
    uint64_t together;                 /* neighbouring columns of a row in a word of A */
    uint64_t unit_rows;                /* of B on a unit */
    uint64_t a_rows, a_words;          /* rows of A in a word; words of A */
    uint64_t b_rows, b_words;          /* rows of B in a word; words of B */
} slot_shape;

static uint64_t mac_of(const roma_rtl_lora *l) { return (uint64_t)l->place->chip.hunit_mac; }
static uint64_t padded(uint64_t rank) { return ceil_div(rank, UP_COLUMNS) * UP_COLUMNS; }

static slot_shape shape_of(const roma_rtl_lora *l, const roma_adapter *a, uint32_t slot) {
    const roma_placement *p = l->place;
    const roma_op *op = &p->plan->ops[l->op[slot]];
    slot_shape s = {.t = &p->plan->desc->tensors[op->tensor]};
    const uint64_t even = ceil_div(s.t->cols, (uint64_t)p->chip.matrix_units), mac = mac_of(l);
    const roma_format format = roma_adapter_format(s.t->cols);
    const size_t data = s.t->tie >= 0 ? (size_t)s.t->tie : op->tensor;
    s.target = a ? roma_adapter_find(a, s.t->role, s.t->layer) : NULL;
    s.columns = UINT64_C(1) << clog2(even > 8 ? even : 8);
    s.together = s.columns < mac ? s.columns : mac;
    if (s.together > format.group) s.together = format.group;
    s.unit_rows = p->tensors[data].unit_rows;
    s.a_rows = mac / s.together, s.b_rows = mac / UP_COLUMNS;
    if (!s.target) return s;
    s.a_words = ceil_div(s.target->rank, s.a_rows) * (s.columns / s.together);
    s.b_words = s.unit_rows / s.b_rows * (padded(s.target->rank) / UP_COLUMNS);
    return s;
}

/* ---- sizes of the tiles' memories ---- */

static uint32_t power(uint64_t least) { return UINT32_C(1) << clog2(least); }
static uint32_t larger(uint32_t a, uint32_t b) { return a > b ? a : b; }

rtl_lora_sizes roma_rtl_lora_sizes(const roma_placement *p) {
    const uint64_t mac = (uint64_t)p->chip.hunit_mac, ups = mac > UP_COLUMNS ? mac / UP_COLUMNS : 1;
    rtl_lora_sizes out = {.slots = p->plan->n_adapter_slots, .columns = 8, .leaves = 1, .depth = 2};
    uint64_t scales = 0;
    for (size_t i = 0; i < p->plan->n_ops; i++) {
        const roma_op *op = &p->plan->ops[i];
        if (op->kind != ROMA_OP_LINEAR || op->layer == UINT32_MAX || op->adapter_slot == UINT32_MAX) continue;
        const roma_image_tensor *t = &p->plan->desc->tensors[op->tensor];
        const uint64_t even = ceil_div(t->cols, (uint64_t)p->chip.matrix_units),
                       group = roma_adapter_format(t->cols).group;
        const uint32_t c = power(even > 8 ? even : 8);
        const uint64_t together = c < mac ? c : mac, rows = together < group ? mac / together : 1;
        const uint64_t words = ceil_div(p->tensors[t->tie >= 0 ? (size_t)t->tie : op->tensor].unit_rows, ups);
        scales += words;
        out.columns = larger(out.columns, c);
        out.leaves = larger(out.leaves,
                            (c > group ? 1 : power(rows)) * power(c > group ? ceil_div(t->cols, c) : t->cols / group));
        out.depth = larger(out.depth, power(2 * words * (uint64_t)p->chip.block_rows));
    }
    out.entries = ROMA_RTL_RESIDENT * larger(out.slots, 1);
    out.scales = power(ROMA_RTL_RESIDENT * larger((uint32_t)scales, 2));
    return out;
}

/* ---- what is there ---- */

int roma_rtl_lora_init(roma_rtl_lora *l, const roma_placement *p, roma_error *err) {
    const uint64_t mac = (uint64_t)p->chip.hunit_mac, lanes = (uint64_t)p->chip.lanes;
    *l = (roma_rtl_lora){.place = p, .slots = p->plan->n_adapter_slots, .top = (uint32_t)p->chip.hunit_sram_bytes};
    if (mac < 2 * lanes || mac & (mac - 1) || mac != (uint64_t)p->chip.hunit_bandwidth)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                         "hunit.mac is %llu: adapters in gates need hunit.bandwidth, a power of two that is at least "
                         "twice lunit.lanes (%llu)",
                         (unsigned long long)mac, (unsigned long long)(2 * lanes));
    l->op = roma_alloc_array(l->slots + 1, sizeof *l->op);
    if (!l->op) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for adapter slots");
    for (size_t i = 0; i < p->plan->n_ops; i++) {
        const roma_op *op = &p->plan->ops[i];
        if (op->kind == ROMA_OP_LINEAR && op->adapter_slot != UINT32_MAX) l->op[op->adapter_slot] = (uint32_t)i;
    }
    l->top -= l->top % (uint32_t)mac;
    return ROMA_OK;
}

void roma_rtl_lora_destroy(roma_rtl_lora *l) {
    roma_free(l->op);
    *l = (roma_rtl_lora){0};
}

/* ---- writes of an adapter ---- */

typedef struct {
    roma_rtl_write *w;
    size_t n, room;
    bool failed;
} writes;

static void put(writes *out, uint32_t unit, uint32_t memory, uint64_t address, uint64_t data) {
    out->failed |= !ROMA_GROW(&out->w, out->n, &out->room);
    if (!out->failed) out->w[out->n++] = (roma_rtl_write){(uint16_t)unit, memory << 28 | (uint32_t)address, data};
}

static uint8_t code_a(const slot_shape *s, uint64_t row, uint64_t column) {
    if (row >= s->target->rank || column >= s->t->cols) return 0;
    roma_adapter_layout at;
    roma_adapter_layout_get(ROMA_ADAPTER_INT8, s->target, &at);
    return s->target->a[row / 16 * at.a_tile_bytes + column / 4 * 64 + row % 16 * 4 + column % 4];
}
static uint8_t code_b(const slot_shape *s, uint64_t row, uint64_t k) {
    if (row >= s->t->rows || k >= s->target->rank) return 0;
    roma_adapter_layout at;
    roma_adapter_layout_get(ROMA_ADAPTER_INT8, s->target, &at);
    return s->target->b[row / 16 * at.b_tile_bytes + 32 * (k / 2) + 2 * (row % 16) + k % 2];
}

/* Byte `lane` of word `word` of a unit's A: rows side by side, then columns. */
static uint8_t byte_a(const slot_shape *s, uint32_t unit, uint64_t word, uint64_t lane) {
    const uint64_t waves = s->columns / s->together;
    return code_a(s, word / waves * s->a_rows + lane / s->together,
                  unit * s->columns + word % waves * s->together + lane % s->together);
}
static uint8_t byte_b(const slot_shape *s, uint32_t unit, uint64_t word, uint64_t lane) {
    const uint64_t waves = padded(s->target->rank) / UP_COLUMNS, row = word / waves * s->b_rows + lane / UP_COLUMNS;
    return row < s->unit_rows ? code_b(s, unit * s->unit_rows + row, word % waves * UP_COLUMNS + lane % UP_COLUMNS) : 0;
}

static void put_codes(writes *out, const slot_shape *s, uint32_t unit, uint64_t mac, uint64_t at, uint64_t words,
                      uint8_t (*byte)(const slot_shape *, uint32_t, uint64_t, uint64_t)) {
    for (uint64_t w = 0; w < words; w++)
        for (uint64_t i = 0; i < mac; i += 8) {
            uint64_t data = 0;
            for (unsigned b = 0; b < 8; b++) data |= (uint64_t)byte(s, unit, w, i + b) << 8 * b;
            put(out, unit, 0, ((at + w) * mac + i) / 8, data);
        }
}

static uint64_t two(float low, float high) { return (uint64_t)roma_f32_bits(high) << 32 | roma_f32_bits(low); }

/* scale_B of a unit's rows: those of a word of B side by side, two in 64 bits. */
static void put_scales_b(writes *out, const slot_shape *s, uint32_t unit, uint64_t at) {
    for (uint64_t r = 0; r < s->unit_rows; r += 2) {
        const uint64_t row = unit * s->unit_rows + r;
        put(out, unit, SCALES_B, (at * s->b_rows + r) / 2,
            two(row < s->t->rows ? s->target->b_scale[row] : 0,
                row + 1 < s->t->rows ? s->target->b_scale[row + 1] : 0));
    }
}

/* A slot of an adapter whose directory begins at `first`; codes begin at byte `top`, which moves down. */
static void put_slot(roma_rtl_lora *l, writes *out, const slot_shape *s, uint64_t entry) {
    const uint64_t mac = mac_of(l), a = l->top / mac - s->a_words, b = a - s->b_words;
    if (!s->target) {
        put(out, ROMA_RTL_ALL_UNITS, DIRECTORY, entry, 0);
        return;
    }
    l->top -= (uint32_t)((s->a_words + s->b_words) * mac);
    put(out, ROMA_RTL_ALL_UNITS, DIRECTORY, entry,
        (uint64_t)s->target->rank << ENTRY_RANK | a << ENTRY_A | b << ENTRY_B | l->next_scale);
    put(out, ROMA_RTL_THE_ROOT, ROOT_TARGETS, entry, roma_f32_bits(s->target->scale));
    for (uint64_t j = 0; j < ROMA_RTL_RANK_MAX; j += 2)
        put(out, ROMA_RTL_THE_ROOT, ROOT_SCALES_A, (entry * ROMA_RTL_RANK_MAX + j) / 2,
            two(j < s->target->rank ? s->target->a_scale[j] : 0,
                j + 1 < s->target->rank ? s->target->a_scale[j + 1] : 0));
    for (uint32_t u = 0; u < (uint32_t)l->place->chip.matrix_units; u++) {
        put_codes(out, s, u, mac, a, s->a_words, byte_a);
        put_codes(out, s, u, mac, b, s->b_words, byte_b);
        put_scales_b(out, s, u, l->next_scale);
    }
    l->next_scale += (uint32_t)(s->unit_rows / s->b_rows);
}

/* Whether the H-Units can take an adapter; *bytes of each one's SRAM. */
static int check(const roma_rtl_lora *l, const roma_adapter *a, uint64_t *bytes, roma_error *err) {
    *bytes = 0;
    if (l->resident == ROMA_RTL_RESIDENT)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "a chip in gates holds %d adapters", ROMA_RTL_RESIDENT);
    if (a->type != ROMA_ADAPTER_INT8)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                         "adapter %s is %s; gates are built for int8: import it with --lora-type int8", a->name,
                         roma_adapter_type_name(a->type));
    if (a->rank > ROMA_RTL_RANK_MAX)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE, "adapter %s has rank %u; gates are built for %d",
                         a->name, a->rank, ROMA_RTL_RANK_MAX);
    if (a->dora)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                         "adapter %s is DoRA's, with a factor a row; gates are built for plain LoRA", a->name);
    for (size_t i = 0; i < a->n_targets; i++)
        if (!roma_adapter_role(a->targets[i].role))
            return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                             "adapter %s changes the %s; gates are built for adapters of the layers' matrices", a->name,
                             a->targets[i].role == ROMA_W_HEAD ? "head" : "embedding");
    for (uint32_t i = 0; i < l->slots; i++) {
        const slot_shape s = shape_of(l, a, i);
        if (s.target && s.unit_rows % s.b_rows)
            return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                             "hunit.mac is %llu, for %llu rows of B at a time, of which a unit has %llu: fewer "
                             "multiply-adds are built",
                             (unsigned long long)mac_of(l), (unsigned long long)s.b_rows,
                             (unsigned long long)s.unit_rows);
        *bytes += (s.a_words + s.b_words) * mac_of(l);
    }
    if (*bytes > l->top)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                         "adapter %s takes %llu bytes of an H-Unit's SRAM, of which %u are left: a larger hunit.sram",
                         a->name, (unsigned long long)*bytes, l->top);
    return ROMA_OK;
}

int roma_rtl_lora_load(roma_rtl_lora *l, const roma_adapter *a, uint32_t *number, roma_rtl_write **out, size_t *n,
                       roma_error *err) {
    writes w = {0};
    uint64_t bytes;
    int rc = check(l, a, &bytes, err);
    if (rc) return rc;
    for (uint32_t i = 0; i < l->slots; i++) {
        const slot_shape s = shape_of(l, a, i);
        put_slot(l, &w, &s, (uint64_t)l->resident * l->slots + i);
    }
    if (w.failed) {
        roma_free(w.w);
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the words of adapter %s", a->name);
    }
    l->has[l->resident] = a;
    l->rank[l->resident] = (uint16_t)padded(a->rank);
    *number = l->resident++, *out = w.w, *n = w.n;
    return ROMA_OK;
}

/* ---- a step ---- */

/* Which slots an adapter has part in, 64 a word. */
static uint64_t slots_of(const roma_rtl_lora *l, const roma_adapter *a, uint32_t first) {
    uint64_t mask = 0;
    for (uint32_t i = first; i < l->slots && i < first + 64; i++)
        if (shape_of(l, a, i).target) mask |= UINT64_C(1) << (i - first);
    return mask;
}

int roma_rtl_lora_step(const roma_rtl_lora *l, const uint32_t *number, const float *factor, size_t n, uint64_t *word0,
                       roma_rtl_step_word *out, size_t *words, roma_error *err) {
    uint64_t rank = 0;
    *words = 0, *word0 = 0;
    if (n > ROMA_RTL_PLACES || l->slots > 15 * 64)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                         "%zu adapters in %u slots; gates are built for %d together in up to 960", n, l->slots,
                         ROMA_RTL_PLACES);
    for (size_t p = 0; p < n; p++) {
        const uint32_t k = number[p];
        if (rank < l->rank[k]) rank = l->rank[k];
        out[(*words)++] = (roma_rtl_step_word){(uint8_t)(144 + 16 * p),
                                               (uint64_t)roma_f32_bits(factor[p]) << 32 | (uint64_t)k * l->slots};
        for (uint32_t i = 0; i < l->slots; i += 64)
            out[(*words)++] = (roma_rtl_step_word){(uint8_t)(145 + 16 * p + i / 64), slots_of(l, l->has[k], i)};
    }
    *word0 = (uint64_t)n << 10 | rank / UP_COLUMNS << 16;
    return ROMA_OK;
}
