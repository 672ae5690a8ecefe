/* What the chip would have done for the tokens that were just run on the CPU. */
#include "roma/cost.h"
#include "tool.h"

static bool estimate(const session *s, size_t prompt, size_t answer, roma_cost *out) {
    roma_schedule schedule = {0};
    /* a decode step grows linearly with its context: the middle one stands for all */
    const roma_workload w = {.prompt = (uint32_t)prompt, .context = (uint32_t)(prompt + answer / 2), .batch = 1, .chips = 1, .toggle = 1};
    const bool done = roma_cost_evaluate(out, &schedule, &s->plan, &s->plan.chip, &w, NULL) == ROMA_OK;
    roma_schedule_destroy(&schedule);
    return done;
}

void chip_line(const session *s, size_t prompt, size_t answer) {
    roma_cost c;
    if (!estimate(s, prompt, answer, &c)) return;
    fprintf(stderr, "chip %s would do it at %.0f tok/s, first token after %.3f ms, %.3g mJ a token; at work: L-Units %.0f %%, H-Units %.0f %%, "
            "vector units %.0f %%%s\n", s->plan.chip.name, c.tok_s, c.ttft_s * 1e3, c.mj_per_token, 100 * c.use_lunit, 100 * c.use_hunit,
            100 * c.use_vector, c.fits_rom > 0 && c.fits_sram > 0 ? "" : "; it does not fit");
}

void chip_json(json *j, const session *s, size_t prompt, size_t answer) {
    roma_cost c;
    if (!estimate(s, prompt, answer, &c)) return;
    json_open(j, "chip", '{');
    json_string(j, "name", s->plan.chip.name);
    json_real(j, "tok_s", c.tok_s);
    json_real(j, "ttft_ms", c.ttft_s * 1e3);
    json_real(j, "mj_per_token", c.mj_per_token);
    json_real(j, "use_lunit", c.use_lunit);
    json_real(j, "use_hunit", c.use_hunit);
    json_real(j, "use_vector", c.use_vector);
    json_bool(j, "fits", c.fits_rom > 0 && c.fits_sram > 0);
    json_close(j, '}');
}
