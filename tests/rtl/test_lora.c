/* Words of adapters for a chip in gates, read again by docs/program-format.md, "Adapters": every code and scale of A
 * and B is where the page says, once, and everything else is zero. */
#include "../test.h"
#include "roma/synth.h"
#include "emitted.h"

enum { UNITS = 4, MAC = 32, SRAM = 1 << 20, SCALES = 1 << 14 };

static void need(int rc, const roma_error *err) {
    char text[700];
    if (!rc) return;
    fprintf(stderr, "%s\n", roma_error_format(err, text, sizeof text));
    exit(1);
}

/* What the host wrote. */
typedef struct {
    uint8_t sram[UNITS][SRAM];
    float scale_b[UNITS][SCALES];
    uint64_t directory[256], target[256];
    float scale_a[256][ROMA_RTL_RANK_MAX];
} memories;
static memories mem;

static void take(const roma_rtl_write *w) {
    const uint32_t which = w->address >> 28, at = w->address & 0xfffffff;
    const float low = roma_f32_from_bits((uint32_t)w->data), high = roma_f32_from_bits((uint32_t)(w->data >> 32));
    if (w->unit == ROMA_RTL_THE_ROOT) {
        if (which == 0) mem.target[at] = w->data;
        if (which == 1) {
            float *pair = &mem.scale_a[2 * at / ROMA_RTL_RANK_MAX][2 * at % ROMA_RTL_RANK_MAX];
            pair[0] = low, pair[1] = high;
        }
        return;
    }
    if (w->unit == ROMA_RTL_ALL_UNITS) {
        CHECK_EQ(which, 1);
        mem.directory[at] = w->data;
        return;
    }
    CHECK(w->unit < UNITS && (which == 0 || which == 2));
    if (which == 0)
        for (unsigned i = 0; i < 8; i++) mem.sram[w->unit][8 * at + i] = (uint8_t)(w->data >> 8 * i);
    else
        mem.scale_b[w->unit][2 * at] = low, mem.scale_b[w->unit][2 * at + 1] = high;
}

static int8_t code_a(const roma_adapter_target *t, uint64_t row, uint64_t column) {
    float values[4096];
    roma_adapter_row_a(t, (uint32_t)row, values);
    return t->a_scale[row] > 0 ? (int8_t)(values[column] / t->a_scale[row] + (values[column] > 0 ? 0.5f : -0.5f)) : 0;
}
static int8_t code_b(const roma_adapter_target *t, uint64_t row, uint64_t k) {
    float values[ROMA_RTL_RANK_MAX];
    roma_adapter_row_b(ROMA_ADAPTER_INT8, t, row, values);
    return t->b_scale[row] > 0 ? (int8_t)(values[k] / t->b_scale[row] + (values[k] > 0 ? 0.5f : -0.5f)) : 0;
}

static uint64_t nonzero(const uint8_t *p, uint64_t n) {
    uint64_t count = 0;
    for (uint64_t i = 0; i < n; i++) count += p[i] != 0;
    return count;
}

/* One target at its entry: every code by the page's formulas; as many bytes are not zero as codes are not. */
static void check_target(const emitted_model *m, const roma_adapter_target *t, uint64_t unit_rows, uint64_t entry) {
    const uint64_t word = mem.directory[entry], a = word >> 36 & 0xfffff, b = word >> 16 & 0xfffff,
                   scales = word & 0xffff;
    uint64_t c = 8, group = 256, sum = 0, bytes = 0;
    while (c * UNITS < t->cols) c *= 2;
    while (t->cols % group) group /= 2;
    const uint64_t y = c < MAC ? (c < group ? c : group) : (group < MAC ? group : MAC), waves = c / y, rows = MAC / y;
    const uint64_t parts = ((uint64_t)t->rank + 15) / 16;
    (void)m;
    CHECK_EQ(word >> 56, t->rank);
    for (uint64_t j = 0; j < t->rank; j++) {
        CHECK(mem.scale_a[entry][j] >= t->a_scale[j] && mem.scale_a[entry][j] <= t->a_scale[j]);
        for (uint64_t i = 0; i < t->cols; i += 3) {
            const uint64_t at = i % c;
            const uint8_t *byte = mem.sram[i / c] + MAC * (a + j / rows * waves + at / y) + j % rows * y + at % y;
            CHECK_EQ((int8_t)*byte, code_a(t, j, i));
        }
    }
    for (uint64_t r = 0; r < t->rows; r++) {
        const uint64_t unit = r / unit_rows, at = r % unit_rows;
        const float scale = mem.scale_b[unit][2 * scales + at];
        CHECK(scale >= t->b_scale[r] && scale <= t->b_scale[r]);
        for (uint64_t k = 0; k < t->rank; k++) {
            const uint8_t *byte = mem.sram[unit] + MAC * (b + at / 2 * parts + k / 16) + at % 2 * 16 + k % 16;
            CHECK_EQ((int8_t)*byte, code_b(t, r, k));
            sum += code_b(t, r, k) != 0;
        }
    }
    for (unsigned u = 0; u < UNITS; u++) bytes += nonzero(mem.sram[u] + MAC * b, unit_rows / 2 * parts * MAC);
    CHECK_EQ(bytes, sum);
    CHECK_EQ(mem.target[entry], roma_f32_bits(t->scale));
}

static void test_rank(emitted_model *m, roma_rtl_lora *l, uint32_t rank, const char *path) {
    roma_error err;
    roma_adapter adapter;
    roma_adapter_written written;
    roma_rtl_write *w;
    size_t n;
    uint32_t number;
    need(roma_synth_adapter(&m->image, ROMA_ADAPTER_INT8, rank, rank, path, NULL, &written, &err), &err);
    need(roma_adapter_open(&adapter, path, 0, &err), &err);
    need(roma_rtl_lora_load(l, &adapter, &number, &w, &n, &err), &err);
    for (size_t i = 0; i < n; i++) take(&w[i]);
    roma_free(w);
    const roma_plan *p = m->place.plan;
    size_t found = 0;
    uint64_t word0;
    roma_rtl_step_word words[ROMA_RTL_STEP_WORDS_MAX];
    const float factor = 0.5f;
    size_t n_words;
    need(roma_rtl_lora_step(l, &number, &factor, 1, &word0, words, &n_words, &err), &err);
    CHECK_EQ(word0, 1u << 10 | (rank + 15) / 16 << 16);
    CHECK_EQ(words[0].index, 144);
    CHECK_EQ(words[0].data, (uint64_t)roma_f32_bits(factor) << 32 | number * p->n_adapter_slots);
    for (size_t i = 0; i < p->n_ops; i++) {
        const roma_op *op = &p->ops[i];
        if (op->kind != ROMA_OP_LINEAR || op->layer == UINT32_MAX) continue;
        const roma_image_tensor *t = &p->desc->tensors[op->tensor];
        const roma_adapter_target *target = roma_adapter_find(&adapter, t->role, t->layer);
        CHECK_EQ(words[1 + op->adapter_slot / 64].data >> op->adapter_slot % 64 & 1, target != NULL);
        if (!target) continue;
        found++;
        check_target(m, target, m->place.tensors[op->tensor].unit_rows,
                     (uint64_t)number * p->n_adapter_slots + op->adapter_slot);
    }
    CHECK_EQ(found, adapter.n_targets);
    roma_adapter_close(&adapter);
    unlink(path);
}

/* What changes head or embedding is refused by name. */
static void test_refused(emitted_model *m, roma_rtl_lora *l, const char *path) {
    static const uint32_t roles[] = {ROMA_W_HEAD, ROMA_W_EMBED};
    static const char *const said[] = {"changes the head", "changes the embedding"};
    roma_error err;
    roma_adapter adapter;
    roma_adapter_written written;
    roma_rtl_write *w;
    size_t n;
    uint32_t number;
    need(roma_synth_adapter(&m->image, ROMA_ADAPTER_INT8, 4, 1, path, NULL, &written, &err), &err);
    need(roma_adapter_open(&adapter, path, 0, &err), &err);
    for (int i = 0; i < 2; i++) {
        adapter.targets[0].role = roles[i];
        CHECK_EQ(roma_rtl_lora_load(l, &adapter, &number, &w, &n, &err), ROMA_EUNSUPPORTED);
        CHECK(strstr(err.text, said[i]) != NULL);
    }
    adapter.dora = true;
    CHECK_EQ(roma_rtl_lora_load(l, &adapter, &number, &w, &n, &err), ROMA_EUNSUPPORTED);
    CHECK(strstr(err.text, "DoRA") != NULL);
    roma_adapter_close(&adapter);
    unlink(path);
}

int main(void) {
    size_t size = 0;
    roma_error err;
    char path[] = "/tmp/roma-lora-XXXXXX";
    const int fd = mkstemp(path);
    uint8_t *data = emitted_image(0, &size);
    emitted_model m = {0};
    roma_rtl_lora l;
    if (fd >= 0) close(fd);
    CHECK(data != NULL && fd >= 0);
    need(emitted_open(&m, data, size, UNITS, 2, 16, &err), &err);
    m.place.chip.hunit_mac = MAC, m.place.chip.hunit_bandwidth = MAC, m.place.chip.hunit_sram_bytes = SRAM;
    need(roma_rtl_lora_init(&l, &m.place, &err), &err);
    test_refused(&m, &l, path);
    static const uint32_t ranks[] = {16, 5, 32, 17};
    for (size_t i = 0; i < 4; i++) test_rank(&m, &l, ranks[i], path);
    roma_rtl_lora_destroy(&l);
    m.place.chip.hunit_mac = 16;
    CHECK_EQ(roma_rtl_lora_init(&l, &m.place, &err), ROMA_EUNSUPPORTED);
    CHECK(strstr(err.text, "hunit.mac") != NULL);
    emitted_close(&m);
    free(data);
    return TEST_DONE();
}
