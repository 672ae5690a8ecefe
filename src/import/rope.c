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

/* Pairs from `low` to `high` go over from what they were to what is divided by the factor. */
typedef struct {
    double low, high;
} ramp;

/* The pair, as a real number, that turns so often over the original context. */
static double pair_of(const hyper_reading *rd, const roma_hyper *h, double turns) {
    const double context = (double)(rd->raw.original ? rd->raw.original : rd->raw.context);
    return h->rope_dim * roma_log_double(context / (turns * 6.283185307179586)) /
           (2 * roma_log_double(rd->raw.freq_base));
}

static double whole_below(double x) {
    const double w = (double)(int64_t)x;
    return w > x ? w - 1 : w;
}

static ramp yarn_ramp(const hyper_reading *rd, const roma_hyper *h) {
    ramp r = {whole_below(pair_of(rd, h, rd->raw.yarn_fast)), -whole_below(-pair_of(rd, h, rd->raw.yarn_slow))};
    if (r.low < 0) r.low = 0;
    if (r.high > h->rope_dim - 1) r.high = h->rope_dim - 1;
    return r;
}

/* How much of pair i stays undivided, 0 to 1. */
static double yarn_share(const ramp *r, uint32_t i, double most) {
    const double width = r->high - r->low < 1e-3 ? 1e-3 : r->high - r->low, at = (i - r->low) / width;
    return (1 - (at < 0 ? 0 : at > 1 ? 1 : at)) * most;
}

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
    else if (yarn && rd->raw.yarn_ext > 0 && factor > 1)
        gain = 1 + 0.1 * roma_log_double(factor);
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
    const bool yarn = type == SCALING_YARN;
    const ramp r = yarn ? yarn_ramp(rd, h) : (ramp){0, 0};
    for (uint32_t i = 0; i < h->rope_dim / 2; i++) {
        const double stays = yarn ? yarn_share(&r, i, rd->raw.yarn_ext) : 0;
        h->rope_phase[i] = roma_rope_phase(rd->raw.freq_base, i, h->rope_dim,
                                           (double)factor[i] * (stays > 0 ? 1 / ((1 - stays) / scale + stays) : scale));
    }
    const float gain = (float)gain_of(rd, yarn, scale);
    h->rope_gain = gain < 1 || gain > 1 ? gain : 0;
    return ROMA_OK;
}
