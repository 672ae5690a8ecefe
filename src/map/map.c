/* Image description to plan by the family's lowering, and the plan onto a chip. */
#include "build.h"

#include <string.h>

static void lower(builder *b) {
    switch ((roma_arch)b->d->hyper.arch) {
    case ROMA_ARCH_LLAMA:
    case ROMA_ARCH_QWEN2:
    case ROMA_ARCH_QWEN3: roma_map_llama(b); break;
    }
}

int roma_map_plan(roma_plan *p, const roma_description *desc, roma_error *err) {
    builder b = {.p = p, .d = desc, .layer = UINT32_MAX};
    memset(p, 0, sizeof *p);
    p->desc = desc;
    lower(&b);
    int rc = b.failed ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the plan") : ROMA_OK;
    if (!rc) rc = roma_plan_check(p, err);
    if (rc) roma_plan_destroy(p);
    return rc;
}

int roma_map_place(roma_placement *p, const roma_plan *plan, const roma_chip *chip, uint32_t dies, roma_error *err) {
    memset(p, 0, sizeof *p);
    if (!dies) return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "a model lies on at least one die");
    if (chip->die_split > 0 && plan->desc->hyper.kv_heads % dies)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                         "%u KV heads do not divide over %u dies: schedule.dies = tensor gives each die whole heads",
                         plan->desc->hyper.kv_heads, dies);
    p->plan = plan;
    p->chip = *chip;
    p->dies = dies;
    return roma_place_create(p, err);
}
