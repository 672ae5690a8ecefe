/* What the chip would have done for the tokens that were just run on the CPU. */
#include "estimate.h"
#include "roma/cost.h"

static bool estimate(const session *s, size_t prompt, size_t answer, roma_cost *out) {
    roma_schedule schedule = {0};
    roma_workload w = roma_cost_workload_bare();
    w.activation_bytes = roma_exec_memory_of(roma_answer_engine(s->a))->activations;
    loras_workload(&s->loras, s->a, &w);
    w.prompt = (uint32_t)prompt;
    w.context = (uint32_t)(prompt + answer / 2); /* a step grows linearly with its context: the middle stands for all */
    const roma_placement p = roma_place_computed(roma_answer_placement(s->a));
    const bool done = roma_cost_evaluate(out, &schedule, &p, &w, NULL) == ROMA_OK;
    roma_schedule_destroy(&schedule);
    return done;
}

/* Whether the chip's SRAM would hold what the engine keeps there. */
static bool holds(const session *s, uint64_t *used) {
    const roma_placement *p = roma_answer_placement(s->a);
    const roma_exec_memory *m = roma_exec_memory_of(roma_answer_engine(s->a));
    const double sram = roma_chip_sram_bytes(&p->chip);
    *used = roma_exec_sram(m, (uint64_t)roma_chip_vector_bytes(&p->chip));
    const double scores = roma_place_score_bytes(p, m->pages * ROMA_PAGE, 1);
    return (double)*used <= sram && roma_place_holds(p, m->pages, scores, sram, (double)m->adapters);
}

void chip_lines(const session *s, size_t prompt, size_t answer) {
    const roma_exec_memory *m = roma_exec_memory_of(roma_answer_engine(s->a));
    const roma_chip *c = &roma_answer_placement(s->a)->chip;
    roma_cost cost;
    uint64_t used;
    const bool held = holds(s, &used);
    print_to(stderr, "the chip %s: SRAM of %.4g MiB, and %.4g for activations, %s\n", c->name,
             roma_chip_sram_bytes(c) / 1048576, roma_chip_vector_bytes(c) / 1048576,
             held ? "would hold this" : "would not hold this: `roma fit` says what fits");
    print_to(stderr, "  (cache %.1f MiB, adapters %.1f, activations %.1f)\n", (double)m->cache / 1048576,
             (double)m->adapters / 1048576, (double)m->activations / 1048576);
    if (!estimate(s, prompt, answer, &cost)) return;
    print_to(stderr, "  it would do it at %.0f tok/s, first token after %.3f ms, %.3g mJ a token%s\n", cost.tok_s,
             cost.ttft_s * 1e3, cost.mj_per_token,
             cost.fits_rom > 0 && cost.fits_sram > 0 ? "" : "; but it does not fit");
    print_to(stderr, "  at work: L-Units %.0f %%, H-Units %.0f %%, vector units %.0f %%\n", 100 * cost.use_lunit,
             100 * cost.use_hunit, 100 * cost.use_vector);
    if (!roma_place_computes(roma_answer_placement(s->a)))
        print_to(stderr, "  with a cache of int8 there: H-Units have no %s\n",
                 roma_exec_kv(roma_answer_engine(s->a))->name);
    if (!loras_are_priced(&s->loras, s->a))
        print_to(stderr, "  adapters of head and embedding, and DoRA's factors, are not in it\n");
}

void chip_json(roma_json *j, const session *s, size_t prompt, size_t answer) {
    roma_cost c;
    uint64_t used;
    const bool held = holds(s, &used);
    if (!estimate(s, prompt, answer, &c)) return;
    roma_json_open(j, "chip", '{');
    roma_json_string(j, "name", roma_answer_placement(s->a)->chip.name);
    roma_json_string(j, "kv", roma_kv_formats[roma_place_computed(roma_answer_placement(s->a)).kv].name);
    roma_json_int(j, "sram_bytes", (int64_t)roma_chip_sram_bytes(&roma_answer_placement(s->a)->chip));
    roma_json_int(j, "sram_used", (int64_t)used);
    roma_json_bool(j, "sram_holds", held);
    roma_json_real(j, "tok_s", c.tok_s);
    roma_json_real(j, "ttft_ms", c.ttft_s * 1e3);
    roma_json_real(j, "mj_per_token", c.mj_per_token);
    roma_json_real(j, "use_lunit", c.use_lunit);
    roma_json_real(j, "use_hunit", c.use_hunit);
    roma_json_real(j, "use_vector", c.use_vector);
    if (!loras_are_priced(&s->loras, s->a)) roma_json_bool(j, "adapters_priced", false);
    roma_json_bool(j, "fits", c.fits_rom > 0 && c.fits_sram > 0);
    roma_json_close(j, '}');
}
