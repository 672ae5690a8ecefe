/* The model in every format that a space has. */
#include "explore/internal.h"

#include <string.h>

static int open_format(model *m, const roma_shape *shape, uint32_t sequences, roma_error *err) {
    const roma_shape_format f = {(uint32_t)m->format[0], (uint32_t)m->format[1], (uint32_t)m->format[2]};
    int rc = roma_shape_lay_out(&m->shape, shape, &f, err);
    m->has_shape = !rc;
    if (!rc) rc = roma_map_plan(&m->plan, &m->shape, err);
    m->has_plan = !rc;
    if (!rc) m->activation_bytes = roma_design_activations(&m->plan, 0, sequences);
    return rc;
}

static int open_image(models *m, const roma_explore_config *c, roma_error *err) {
    int rc = roma_image_open(&m->image, c->image, ROMA_IMAGE_NO_VERIFY, NULL, err);
    if (rc) return rc;
    m->has_image = true;
    rc = roma_map_plan(&m->list[0].plan, &m->image.desc, err);
    m->list[0].has_plan = !rc;
    if (!rc) m->list[0].activation_bytes = roma_design_activations(&m->list[0].plan, 0, c->work.batch);
    return rc;
}

typedef struct {
    double v[LIST_MAX];
    size_t n;
} values;

/* The values of a key over the space, each once; the model's own where the key is not varied. */
static values values_of(const space *s, unsigned key) {
    values out = {.v = {s->start[key]}, .n = 1};
    for (size_t i = 0; i < s->n_knobs; i++) {
        const knob *k = &s->knobs[i];
        if (k->key != key) continue;
        out.n = 0;
        for (size_t j = 0; j < k->n; j++) {
            size_t at = 0;
            while (at < out.n && out.v[at] != k->list[j]) at++;
            out.v[at] = k->list[j];
            out.n += at == out.n;
        }
    }
    return out;
}

int roma_explore_models(models *m, const space *s, const roma_shape *shape, const roma_explore_config *c,
                        roma_error *err) {
    const values bits = values_of(s, KEY_BITS), group = values_of(s, KEY_GROUP),
                 head = values_of(s, ROMA_EXPLORE_HEAD_BITS);
    const size_t n = bits.n * group.n * head.n;
    size_t there = 0;
    memset(m, 0, sizeof *m);
    m->list = roma_alloc_array(n, sizeof *m->list);
    if (!m->list) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the plans");
    m->n = n;
    if (c->image) return open_image(m, c, err);
    for (size_t i = 0; i < n; i++) {
        const double format[] = {bits.v[i % bits.n], group.v[i / bits.n % group.n], head.v[i / bits.n / group.n]};
        memcpy(m->list[i].format, format, sizeof format);
        const int rc = open_format(&m->list[i], shape, c->work.batch, err);
        if (rc == ROMA_ENOMEM) return rc;
        there += !rc;
        if (rc && i + 1 == n && !there) return rc;
    }
    return ROMA_OK;
}

void roma_explore_models_close(models *m) {
    for (size_t i = 0; i < m->n; i++) {
        if (m->list[i].has_plan) roma_plan_destroy(&m->list[i].plan);
        if (m->list[i].has_shape) roma_shape_destroy(&m->list[i].shape);
    }
    if (m->has_image) roma_image_close(&m->image);
    roma_free(m->list);
    memset(m, 0, sizeof *m);
}

const model *roma_explore_find(const models *m, const double x[N_KEYS]) {
    for (size_t i = 0; i < m->n; i++)
        if (m->has_image || memcmp(m->list[i].format, x + KEY_BITS, sizeof m->list[i].format) == 0)
            return m->list[i].has_plan ? &m->list[i] : NULL;
    return NULL;
}
