/* Adapters of a run: what the host writes for them when a set first needs them, and what they are to the chip model. */
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
    return out->failed ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for an adapter's words") : ROMA_OK;
}

int roma_cosim_lora_open(cosim *s, roma_error *err) {
    const roma_cosim_config *c = s->config;
    if (!c->n_adapters) return ROMA_OK;
    const int rc = roma_rtl_lora_init(&s->lora.chip, c->place, err);
    if (rc) return rc;
    s->lora.ranks = roma_alloc_array((size_t)c->n_adapters * s->plan->n_adapter_slots + 1, sizeof *s->lora.ranks);
    s->lora.number = roma_alloc_array(c->n_adapters, sizeof *s->lora.number);
    if (!s->lora.ranks || !s->lora.number)
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the ranks of adapters");
    for (uint32_t i = 0; i < c->n_adapters; i++) s->lora.number[i] = UINT32_MAX;
    return ROMA_OK;
}

int roma_cosim_lora_take(cosim *s, roma_buf *out, roma_error *err) {
    const roma_cosim_set *set = s->config->sets;
    uint32_t numbers[ROMA_RTL_PLACES];
    int rc = ROMA_OK;
    for (size_t i = 0; i < s->config->n_sets && s->config->sets[i].position <= s->position; i++)
        set = &s->config->sets[i];
    if (set == s->set) return ROMA_OK;
    s->set = set, s->lora.n = set->n;
    if (set->n > ROMA_RTL_PLACES)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE, "gates are built for %d adapters together, not %u",
                         ROMA_RTL_PLACES, set->n);
    for (uint32_t p = 0; !rc && p < set->n; p++) {
        const uint32_t i = set->adapters[p];
        if (s->lora.number[i] == UINT32_MAX) rc = load(s, i, out, err);
        numbers[p] = s->lora.number[i];
        s->lora.model[p] = (roma_cost_adapter){.id = i + 1,
                                               .rank = s->config->adapters[i]->rank,
                                               .ranks = s->lora.ranks + (size_t)i * s->plan->n_adapter_slots};
    }
    s->lora.words = 0, s->lora.word0 = 0;
    if (rc || !set->n) return rc;
    return roma_rtl_lora_step(&s->lora.chip, numbers, set->factors, set->n, &s->lora.word0, s->lora.word,
                              &s->lora.words, err);
}

void roma_cosim_lora_close(cosim *s) {
    roma_rtl_lora_destroy(&s->lora.chip);
    roma_free(s->lora.ranks);
    roma_free(s->lora.number);
}
