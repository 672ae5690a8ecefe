/* What was asked, told back; contract in echo.h. */
#include "show/echo.h"
#include "roma/adapter.h"

/* ---- workload ---- */

static uint64_t words_of(const roma_defects *d) {
    uint64_t sum = 0;
    for (uint32_t i = 0; d && i < d->n; i++) sum += d->words[i];
    return sum;
}

const char *targets_text(uint32_t roles, char out[TARGETS_TEXT]) {
    out[0] = 0;
    for (uint32_t r = 1; r < ROMA_W_END; r++)
        if (roma_adapter_role(r) && (!roles || roles >> r & 1))
            roma_print(out + strlen(out), TARGETS_TEXT - strlen(out), "%s%s", out[0] ? " " : "",
                       roma_tensor_role_name(r));
    return out;
}

/* Members of an object that is open. */
static void put_workload(const roma_workload *w, uint32_t dies, const char *defects, roma_json *j) {
    char targets[TARGETS_TEXT];
    roma_json_uint(j, "prompt", w->prompt);
    roma_json_uint(j, "context", w->context);
    roma_json_uint(j, "batch", w->batch);
    roma_json_uint(j, "rank", w->rank);
    roma_json_uint(j, "adapters", w->rank ? w->adapters : 0);
    roma_json_uint(j, "stacked", roma_cost_workload_set(w));
    roma_json_string(j, "targets", targets_text(w->roles, targets));
    roma_json_uint(j, "chips", dies);
    if (w->max_w > 0)
        roma_json_real(j, "max_w", w->max_w);
    else
        roma_json_null(j, "max_w");
    roma_json_real(j, "toggle", w->toggle);
    roma_json_string(j, "defects", defects);
    roma_json_uint(j, "defect_words", words_of(w->defects));
}

void workload_json(const roma_workload *w, uint32_t dies, const char *defects, roma_json *j) {
    roma_json_open(j, "workload", '{');
    put_workload(w, dies, defects, j);
    roma_json_close(j, '}');
}

void workload_units(roma_json *j) {
    static const char *const units[][2] = {
        {"prompt", "tokens"},     {"context", "tokens"},    {"batch", "sequences"}, {"rank", ""},
        {"adapters", "adapters"}, {"stacked", "adapters"},  {"chips", "dies"},      {"max_w", "W"},
        {"toggle", "ratio"},      {"defect_words", "words"}};
    char key[64];
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        roma_print(key, sizeof key, "workload.%s", units[i][0]);
        roma_json_string(j, key, units[i][1]);
    }
}

/* ---- the model ---- */

typedef struct {
    const char *key, *unit;
    uint64_t value;
} number;

static bool is_tied(const roma_description *d) {
    const roma_image_tensor *head = roma_description_find(d, ROMA_W_HEAD, 0);
    return !head || head->tie >= 0;
}

enum { SHAPE_NUMBERS = 9 };

static void shape_of(const roma_description *d, number out[SHAPE_NUMBERS]) {
    const roma_hyper *h = &d->hyper;
    const number all[SHAPE_NUMBERS] = {
        {"layers", "layers", h->layers}, {"hidden", "elements", h->hidden}, {"heads", "heads", h->heads},
        {"kv", "heads", h->kv_heads},    {"head", "elements", h->head_dim}, {"ffn", "elements", h->ffn},
        {"vocab", "tokens", h->vocab},   {"tied", "", is_tied(d)},          {"context", "tokens", h->context}};
    memcpy(out, all, sizeof all);
}

static void put_shape(const roma_description *d, roma_json *j) {
    number v[SHAPE_NUMBERS];
    shape_of(d, v);
    roma_json_open(j, "shape", '{');
    roma_json_string(j, "arch", roma_arch_name(d->hyper.arch));
    for (int i = 0; i < SHAPE_NUMBERS; i++) roma_json_uint(j, v[i].key, v[i].value);
    roma_json_close(j, '}');
}

/* Of a shape all matrices have one format, but the head; those of an image may have any. */
static void put_format(const roma_design *d, roma_json *j) {
    const roma_description *m = d->desc;
    const roma_image_tensor *head = roma_description_find(m, ROMA_W_HEAD, 0),
                            *q = roma_description_find(m, ROMA_W_Q, 0);
    double weights, bytes;
    roma_design_size(d, &weights, &bytes);
    if (!head) head = roma_description_find(m, ROMA_W_EMBED, 0);
    if (d->has_shape) {
        roma_json_uint(j, "bits", q->format.bits);
        roma_json_uint(j, "group", q->format.group);
        roma_json_uint(j, "head_bits", head->format.bits);
    } else {
        roma_json_null(j, "bits");
        roma_json_null(j, "group");
        roma_json_null(j, "head_bits");
    }
    roma_json_real(j, "bits_per_weight", 8 * bytes / weights);
    roma_json_string(j, "kv", roma_kv_formats[d->place.kv].name);
}

/* ---- all ---- */

void echo_json(const roma_design *d, const roma_workload *w, const char *defects, roma_json *j) {
    put_shape(d->desc, j);
    roma_json_open(j, "workload", '{');
    put_workload(w, d->place.dies, defects, j);
    put_format(d, j);
    roma_json_close(j, '}');
    roma_json_open(j, "chip_parameters", '{');
    roma_chip_json(&d->place.chip, j);
    roma_json_close(j, '}');
}

void echo_units(const roma_design *d, roma_json *j) {
    number v[SHAPE_NUMBERS];
    char key[64];
    shape_of(d->desc, v);
    for (int i = 0; i < SHAPE_NUMBERS; i++) {
        roma_print(key, sizeof key, "shape.%s", v[i].key);
        roma_json_string(j, key, v[i].unit);
    }
    workload_units(j);
    roma_json_string(j, "workload.bits", "bits");
    roma_json_string(j, "workload.group", "weights");
    roma_json_string(j, "workload.head_bits", "bits");
    roma_json_string(j, "workload.bits_per_weight", "bits");
    roma_chip_units(j, "chip_parameters.");
}
