/* Chips, plans and schedules for the rows; contract in internal.h. */
#include "study/internal.h"

#include <math.h>
#include <string.h>

static bool is_roma(const char *chip) { return strncmp(chip, "roma", 4) == 0; }

/* A chip from its embedded text: a file of that name in the current folder is not asked for. */
static int open_builtin(roma_chip *c, const char *chip, roma_error *err) {
    const char *name, *text;
    char file[40];
    for (unsigned i = 0; (text = roma_chip_builtin(i, &name)) != NULL; i++) {
        if (strcmp(name, chip) != 0) continue;
        roma_print(file, sizeof file, "%s.chip", chip);
        return roma_chip_read(c, text, strlen(text), file, err);
    }
    return roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "no built-in chip %s", chip);
}

/* KEY=V is for ROMA and its variants, CHIP:KEY=V for that chip alone. */
static int override(roma_chip *c, const char *chip, const study *x, roma_error *err) {
    int rc = ROMA_OK;
    for (size_t i = 0; !rc && i < x->n_set; i++) {
        const char *text = x->set[i], *colon = strchr(text, ':'), *equals = strchr(text, '=');
        const bool one = colon && (!equals || colon < equals);
        if (one ? strlen(chip) == (size_t)(colon - text) && strncmp(text, chip, strlen(chip)) == 0 : is_roma(chip))
            rc = roma_chip_set(c, one ? colon + 1 : text, err);
    }
    return rc;
}

static int open_case(roma_design *d, const char *chip, const char *shape, uint32_t bits, const study *x,
                     roma_error *err) {
    roma_chip c;
    const roma_design_config config = {.shape = shape, .format = {bits, 0, 0}, .made = &c};
    int rc = open_builtin(&c, chip, err);
    if (!rc) rc = override(&c, chip, x, err);
    return rc ? rc : roma_design_open(d, &config, err);
}

const roma_design *roma_study_case(study *x, const char *chip, const char *shape, uint32_t bits) {
    if (x->rc) return NULL;
    for (size_t i = 0; i < x->n_cases; i++) {
        const study_case *k = &x->cases[i];
        if (strcmp(k->chip, chip) == 0 && strcmp(k->shape, shape) == 0 && k->bits == bits) return &k->d;
    }
    if (x->n_cases == CASES_MAX) {
        x->rc = roma_fail(&x->err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "more than %d chips with models", CASES_MAX);
        return NULL;
    }
    study_case *k = &x->cases[x->n_cases];
    if ((x->rc = open_case(&k->d, chip, shape, bits, x, &x->err)) != 0) return NULL;
    roma_print(k->chip, sizeof k->chip, "%s", chip);
    roma_print(k->shape, sizeof k->shape, "%s", shape);
    k->bits = bits;
    x->n_cases++;
    return &k->d;
}

const roma_chip *roma_study_chip(study *x, const char *chip) {
    const roma_design *d = roma_study_case(x, chip, "llama-3.2-3b", 4);
    return d ? &d->place.chip : NULL;
}

const roma_placement *roma_study_on(study *x, const roma_design *d, const roma_chip *c) {
    if (x->rc) return NULL;
    roma_place_destroy(&x->changed);
    x->rc = roma_map_place(&x->changed, &d->plan, c, 1, &x->err);
    return x->rc ? NULL : &x->changed;
}

bool roma_study_evaluate(study *x, roma_cost *out, const roma_placement *p, const roma_workload *w) {
    if (!p || x->rc) return false;
    x->rc = roma_cost_evaluate(out, &x->s, p, w, &x->err);
    return !x->rc;
}

uint64_t roma_study_lunit_cycles(study *x, const roma_placement *p, uint32_t rows, uint32_t logits) {
    const roma_cost_span span = {0, rows, logits, 0, NULL};
    if (!p || x->rc) return 0;
    memset(x->s.busy, 0, sizeof x->s.busy);
    x->rc = roma_cost_step(&x->s, p, &span, 1, &x->err);
    return x->rc ? 0 : x->s.busy[ROMA_UNIT_L];
}

/* ---- the number of outputs that fits the table of end-to-end rates best ---- */

static const roma_cost_adapter rank_16 = {1, 16, NULL};

static double decode_cycles(study *x, const roma_design *d, uint32_t context) {
    const roma_cost_span span = {context, 1, 1, 1, &rank_16};
    if (!x->rc) x->rc = roma_cost_step(&x->s, &d->place, &span, 1, &x->err);
    return (double)x->s.cycles;
}

/* The decode steps at the contexts between two whose cycles are known. No step gets shorter by a longer context, so
 * that between equal ones all are equal. */
static void fill_decodes(study *x, const roma_design *d, double *at, uint32_t low, uint32_t high) {
    const uint32_t middle = low + (high - low) / 2;
    if (x->rc || middle == low) return;
    at[middle] = at[low] == at[high] ? at[low] : decode_cycles(x, d, middle);
    fill_decodes(x, d, at, low, middle);
    fill_decodes(x, d, at, middle, high);
}

static bool sum_decodes(study *x, const roma_design *d) {
    if (x->decode_sum) return true;
    x->decode_sum = roma_alloc_array(OUTPUTS_MAX + 1, sizeof *x->decode_sum);
    if (!x->decode_sum) {
        x->rc = roma_fail(&x->err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the decode times");
        return false;
    }
    double *const at = x->decode_sum + 1;
    at[0] = decode_cycles(x, d, 0);
    at[OUTPUTS_MAX - 1] = decode_cycles(x, d, OUTPUTS_MAX - 1);
    fill_decodes(x, d, at, 0, OUTPUTS_MAX - 1);
    for (uint32_t i = 1; i < OUTPUTS_MAX; i++) at[i] += at[i - 1];
    return !x->rc;
}

/* tokens/s of n outputs after a prompt: the prefill gives the first, a decode step each further one. */
double roma_study_rate(study *x, uint32_t prompt, double prefill, uint32_t n) {
    const roma_design *d = roma_study_case(x, "roma", "llama-3.2-3b", 4);
    return n * d->place.chip.clock_hz / (prefill + x->decode_sum[prompt + n - 1] - x->decode_sum[prompt]);
}

double roma_study_prefill_cycles(study *x, uint32_t prompt) {
    const roma_design *d = roma_study_case(x, "roma", "llama-3.2-3b", 4);
    if (d) x->rc = roma_cost_prefill(&x->s, &d->place, 0, prompt, &rank_16, 1, &x->err);
    return x->rc ? NAN : (double)x->s.cycles;
}

/* Least largest relative error over the four prompts. */
double roma_study_best_outputs(study *x) {
    static const double paper_rates[] = {PAPER_RATE_256, PAPER_RATE_512, PAPER_RATE_1K, PAPER_RATE_2K};
    const roma_design *d = roma_study_case(x, "roma", "llama-3.2-3b", 4);
    double prefill[4], best = INFINITY;
    if (!d || !sum_decodes(x, d)) return NAN;
    if (x->best_outputs) return (double)x->best_outputs;
    for (unsigned i = 0; i < 4; i++) prefill[i] = roma_study_prefill_cycles(x, 256u << i);
    for (uint32_t n = 1; n <= OUTPUTS_MAX / 2 && !x->rc; n++) {
        double worst = 0;
        for (unsigned i = 0; i < 4; i++)
            worst = fmax(worst, fabs(roma_study_rate(x, 256u << i, prefill[i], n) / paper_rates[i] - 1));
        if (worst >= best) continue;
        best = worst;
        x->best_outputs = n;
    }
    return x->rc ? NAN : (double)x->best_outputs;
}

void roma_study_close(study *x) {
    for (size_t i = 0; i < x->n_cases; i++) roma_design_close(&x->cases[i].d);
    roma_schedule_destroy(&x->s);
    roma_place_destroy(&x->changed);
    roma_free(x->decode_sum);
}
