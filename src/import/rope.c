/* The rotary embedding of a GGUF file: how far each pair turns a position, and the factor of cos and sin. Scaling by
 * one factor, by factors of pairs (Llama 3), and YaRN (docs/import.md). */
#include <string.h>
#include "hyper.h"

enum { SCALING_NONE, SCALING_LINEAR, SCALING_YARN };

/* ---- kinds and factors ------------------------------------------------------------------------------------------- */

static int scaling_type(hyper_reading *rd, int *type) {
    static const char *const names[] = {"none", "linear", "yarn"};
    const char *text = "linear";
    char name[64];
    size_t len = 6;
    bool found;
    const int rc =
        roma_import_kv_string(rd->g, roma_import_hyper_key(rd, "rope.scaling.type"), &text, &len, &found, rd->err);
    if (rc) return rc;
    for (*type = SCALING_NONE; *type <= SCALING_YARN; ++*type)
        if (strlen(names[*type]) == len && memcmp(names[*type], text, len) == 0) return ROMA_OK;
    return roma_import_kv_bad(rd->g, roma_import_kv_find(rd->g, rd->key), ROMA_EUNSUPPORTED, rd->err,
                              "RoPE scaling '%s' is not supported; none, linear and yarn are",
                              roma_error_name(name, sizeof name, text, len));
}

/* Factor by which angles are divided: that of the scaling, or 1. */
static int scaling_factor(const hyper_reading *rd, int type, double *factor) {
    const double f = rd->raw.factor > 0 ? rd->raw.factor : rd->raw.old_factor; /* 0 means: not scaled */
    *factor = type == SCALING_NONE || !(f > 0) ? 1 : f;
    return *factor < 1e-3 ? roma_import_hyper_bad(rd, "rope.scaling.factor is below 0.001") : ROMA_OK;
}

/* Llama 3.1's per-pair divisors come as a tensor. */
static int pair_factors(const hyper_reading *rd, const roma_hyper *h, float *factor) {
    const gguf_file *part;
    const gguf_tensor *t = roma_import_find_tensor(rd->s, "rope_freqs.weight", &part);
    const uint32_t pairs = h->rope_dim / 2;
    for (uint32_t i = 0; i < pairs; i++) factor[i] = 1;
    if (!t) return ROMA_OK;
    const import_type *type = roma_import_type_get(t->type);
    if (!type->floats || t->dim[0] != pairs || t->dim[1] * t->dim[2] * t->dim[3] != 1)
        return roma_fail(rd->err, ROMA_EDAMAGED, part->path, t->at,
                         "tensor 'rope_freqs.weight': must be %u floats, one per pair", pairs);
    type->floats(t->data, pairs, factor);
    for (uint32_t i = 0; i < pairs; i++)
        if (!(factor[i] >= 1e-3f && factor[i] <= 1e6f))
            return roma_fail(rd->err, ROMA_EDAMAGED, part->path, t->at,
                             "tensor 'rope_freqs.weight': element %u is %g; 0.001 to 1e6 are allowed", i,
                             (double)factor[i]);
    return ROMA_OK;
}

/* ---- YaRN -------------------------------------------------------------------------------------------------------- */

static int check_yarn(const hyper_reading *rd) {
    if (!(rd->raw.freq_base > 1)) return roma_import_hyper_bad(rd, "YaRN needs a rope.freq_base above 1");
    if (rd->raw.yarn_slow > rd->raw.yarn_fast)
        return roma_import_hyper_bad(rd, "rope.scaling.yarn_beta_slow is larger than rope.scaling.yarn_beta_fast");
    return ROMA_OK;
}

/* Keys of YaRN in a model that is not scaled so: they must say nothing. */
static int check_no_yarn(hyper_reading *rd) {
    const bool has_ext = roma_import_kv_find(rd->g, roma_import_hyper_key(rd, "rope.scaling.yarn_ext_factor")) != NULL;
    if (has_ext && rd->raw.yarn_ext > 0)
        return roma_import_hyper_bad(rd, "rope.scaling.yarn_ext_factor is not 0, but rope.scaling.type is not yarn");
    if (rd->raw.yarn_attn < 1 || rd->raw.yarn_attn > 1)
        return roma_import_hyper_bad(rd, "rope.scaling.yarn_attn_factor is not 1, but rope.scaling.type is not yarn");
    return ROMA_OK;
}

/* The factor of cos and sin: YaRN's own, which yarn_attn_factor replaces, times the file's. */
static double gain_of(hyper_reading *rd, bool yarn, double factor) {
    double gain = 1;
    if (yarn && roma_import_kv_find(rd->g, roma_import_hyper_key(rd, "rope.scaling.yarn_attn_factor")))
        gain = rd->raw.yarn_attn;
    else if (yarn && rd->raw.yarn_ext > 0)
        gain = roma_yarn_gain(factor, 1);
    return gain * rd->raw.attn_factor;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

int roma_import_rope(hyper_reading *rd, roma_hyper *h) {
    int type;
    double scale;
    float factor[HEAD_DIM_MAX / 2];
    int rc = scaling_type(rd, &type);
    if (!rc) rc = scaling_factor(rd, type, &scale);
    if (!rc) rc = pair_factors(rd, h, factor);
    if (!rc) rc = type == SCALING_YARN ? check_yarn(rd) : check_no_yarn(rd);
    if (rc) return rc;
    const bool is_yarn = type == SCALING_YARN;
    const raw_hyper *w = &rd->raw;
    const roma_yarn yarn = {.base = w->freq_base,
                            .factor = scale,
                            .original = (double)(w->original ? w->original : w->context),
                            .fast = w->yarn_fast,
                            .slow = w->yarn_slow,
                            .share = w->yarn_ext};
    for (uint32_t i = 0; i < h->rope_dim / 2; i++)
        h->rope_phase[i] =
            roma_rope_phase(w->freq_base, i, h->rope_dim,
                            (double)factor[i] * (is_yarn ? roma_yarn_divisor(&yarn, h->rope_dim, i) : scale));
    const float gain = (float)gain_of(rd, is_yarn, scale);
    h->rope_gain = gain < 1 || gain > 1 ? gain : 0;
    return ROMA_OK;
}
