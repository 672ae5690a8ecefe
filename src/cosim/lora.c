/* Adapters of a run: what the host writes for them, and what they are to the chip model. */
#include "internal.h"

static int load(cosim *s, uint32_t i, roma_buf *out, roma_error *err) {
    const roma_adapter *a = s->config->adapters[i];
    roma_rtl_write *w;
    size_t n;
    const int rc = roma_rtl_lora_load(&s->lora.chip, a, &s->lora.number[i], &w, &n, err);
    if (rc) return rc;
    for (size_t k = 0; k < n; k++)
        roma_buf_print(out, "h 2 %x%08x %llx\n", w[k].unit, w[k].address, (unsigned long long)w[k].data);
    roma_free(w);
    uint32_t *ranks = s->lora.ranks + (size_t)i * s->plan->n_adapter_slots;
    for (size_t k = 0; k < s->plan->n_ops; k++) {
        const roma_op *op = &s->plan->ops[k];
        if (op->kind != ROMA_OP_LINEAR || op->adapter_slot == UINT32_MAX) continue;
        const roma_image_tensor *t = &s->plan->desc->tensors[op->tensor];
        const roma_adapter_target *target = roma_adapter_find(a, t->role, t->layer);
        ranks[op->adapter_slot] = target ? target->rank : 0;
    }
    s->lora.model[i] = (roma_cost_adapter){.id = i + 1, .rank = a->rank, .ranks = ranks};
    return ROMA_OK;
}

int roma_cosim_lora_open(cosim *s, roma_buf *out, roma_error *err) {
    const roma_cosim_config *c = s->config;
    if (!c->n_adapters) return ROMA_OK;
    if (c->n_adapters > ROMA_RTL_PLACES)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE, "gates are built for %d adapters together, not %u",
                         ROMA_RTL_PLACES, c->n_adapters);
    int rc = roma_rtl_lora_init(&s->lora.chip, c->place, err);
    s->lora.ranks = roma_alloc_array((size_t)c->n_adapters * s->plan->n_adapter_slots + 1, sizeof *s->lora.ranks);
    if (!rc && !s->lora.ranks)
        rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the ranks of adapters");
    for (uint32_t i = 0; !rc && i < c->n_adapters; i++) rc = load(s, i, out, err);
    if (!rc)
        rc = roma_rtl_lora_step(&s->lora.chip, s->lora.number, c->factors, c->n_adapters, &s->lora.word0, s->lora.word,
                                &s->lora.words, err);
    return rc;
}

void roma_cosim_lora_close(cosim *s) {
    roma_rtl_lora_destroy(&s->lora.chip);
    roma_free(s->lora.ranks);
}
