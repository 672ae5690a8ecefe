/* Whether image and plan are of one model: the engine takes shapes from the plan and bytes from the image. */
#include "internal.h"

#include <string.h>

/* Of a plan that was made from the image's own description there is nothing to compare. */
static int differ(roma_error *err, const char *what, uint64_t planned, uint64_t is) {
    return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                     "the plan was made for another model than the image's: its %s is %llu, and the image's %llu", what,
                     (unsigned long long)planned, (unsigned long long)is);
}

static int match_hyper(const roma_hyper *plan, const roma_hyper *image, roma_error *err) {
    const struct {
        const char *name;
        uint64_t plan, image;
    } fields[] = {
        {"architecture", plan->arch, image->arch},
        {"number of layers", plan->layers, image->layers},
        {"hidden width", plan->hidden, image->hidden},
        {"feed-forward width", plan->ffn, image->ffn},
        {"number of heads", plan->heads, image->heads},
        {"number of KV heads", plan->kv_heads, image->kv_heads},
        {"head width", plan->head_dim, image->head_dim},
        {"rotated width", plan->rope_dim, image->rope_dim},
        {"model's own hidden width", plan->true_hidden, image->true_hidden},
        {"model's own feed-forward width", plan->true_ffn, image->true_ffn},
        {"model's own head width", plan->true_head, image->true_head},
        {"vocabulary", plan->vocab, image->vocab},
        {"context limit", plan->context, image->context},
        {"factor of cos and sin (its bits)", roma_f32_bits(plan->rope_gain), roma_f32_bits(image->rope_gain)},
        {"epsilon (its bits)", roma_f32_bits(plan->rms_eps), roma_f32_bits(image->rms_eps)},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].plan != fields[i].image) return differ(err, fields[i].name, fields[i].plan, fields[i].image);
    for (uint32_t i = 0; i < image->rope_dim / 2; i++)
        if (plan->rope_phase[i] != image->rope_phase[i])
            return differ(err, "rotation table", plan->rope_phase[i], image->rope_phase[i]);
    return ROMA_OK;
}

static bool formats_equal(const roma_format *a, const roma_format *b) {
    return a->bits == b->bits && a->level == b->level && a->scale == b->scale && a->min == b->min &&
           a->group == b->group && a->super == b->super && a->zero == b->zero && a->zeros == b->zeros &&
           (a->level == ROMA_LEVEL_IDENTITY || memcmp(a->table, b->table, sizeof a->table) == 0);
}

static bool orders_equal(const roma_order *a, const roma_order *b) {
    if (!a || !b) return a == b;
    return a->cols == b->cols && a->folded == b->folded && a->from && b->from &&
           memcmp(a->from, b->from, a->cols * sizeof *a->from) == 0;
}

static bool tensors_equal(const roma_image_tensor *a, const roma_image_tensor *b) {
    return a->role == b->role && a->layer == b->layer && a->rows == b->rows && a->cols == b->cols &&
           a->is_vector == b->is_vector && a->tie == b->tie && a->act_group == b->act_group &&
           orders_equal(a->order, b->order) &&
           (a->is_vector || (formats_equal(&a->format, &b->format) && a->tile_bytes == b->tile_bytes));
}

int roma_exec_match(const roma_plan *plan, const roma_image *image, roma_error *err) {
    const roma_description *p = plan->desc, *d = &image->desc;
    if (p == d) return ROMA_OK;
    int rc = match_hyper(&p->hyper, &d->hyper, err);
    if (rc) return rc;
    if (p->n_tensors != d->n_tensors) return differ(err, "number of tensors", p->n_tensors, d->n_tensors);
    for (size_t i = 0; i < d->n_tensors; i++)
        if (!tensors_equal(&p->tensors[i], &d->tensors[i]))
            return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                             "the plan was made for another model than the image's: its tensor %zu (%s, layer %u) has "
                             "another role, shape, format or order of columns",
                             i, roma_tensor_role_name(p->tensors[i].role), p->tensors[i].layer);
    return ROMA_OK;
}
