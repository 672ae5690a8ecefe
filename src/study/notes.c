/* What contradicts itself in the papers, and the decode rate with and without calibration. */
#include "study/internal.h"

#include <math.h>
#include <string.h>

static void note_of(study *x, const char *id, const char *text, double left, double right, const char *unit) {
    roma_study *out = x->out;
    if (out->n_notes < ROMA_STUDY_NOTES) out->notes[out->n_notes++] = (roma_study_note){id, text, unit, left, right};
}

static const roma_study_line *line_of(const study *x, const char *id) {
    for (size_t i = 0; i < x->out->n_lines; i++)
        if (strcmp(x->out->lines[i].id, id) == 0) return &x->out->lines[i];
    return NULL;
}
static double model_of(const study *x, const char *id) {
    const roma_study_line *l = line_of(x, id);
    return l ? l->model : NAN;
}
static double paper_of(const study *x, const char *id) {
    const roma_study_line *l = line_of(x, id);
    return l ? l->paper : NAN;
}

/* Tokens beside a rank-64 adapter on the whole chip; bytes of the 8B model at 2 bit. */
static double tokens_at(study *x, const roma_design *d, uint32_t rank) {
    roma_workload w = roma_cost_workload_usual();
    roma_cost cost;
    w.prompt = 0;
    w.rank = rank;
    return d && roma_study_evaluate(x, &cost, &d->place, &w) ? cost.tokens_paper : NAN;
}
static double rom_gb(study *x, const roma_design *d, double *capacity) {
    const roma_workload w = roma_cost_workload_bare();
    roma_cost cost;
    if (!d || !roma_study_evaluate(x, &cost, &d->place, &w)) return NAN;
    *capacity = cost.rom_capacity * 1e-9;
    return cost.rom_bytes * 1e-9;
}
static double layers_mb(const roma_design *d) {
    double bits = 0;
    if (!d) return NAN;
    for (size_t i = 0; i < d->desc->n_tensors; i++) {
        const roma_image_tensor *t = &d->desc->tensors[i];
        if (!t->is_vector && roma_tensor_role_is_layered(t->role)) bits += (double)(t->rows * t->cols * t->format.bits);
    }
    return bits / 8 * 1e-6;
}
static double decode_rate(study *x, const char *chip) {
    const roma_design *d = roma_study_case(x, chip, "llama-3.2-3b", 4);
    roma_workload w = roma_cost_workload_usual();
    roma_cost cost;
    w.prompt = 0;
    return d && roma_study_evaluate(x, &cost, &d->place, &w) ? cost.tok_s : NAN;
}

void roma_study_take_notes(study *x) {
    const roma_design *d = roma_study_case(x, "roma", "llama-3.2-3b", 4);
    const roma_chip *c = roma_study_chip(x, "roma");
    double capacity = NAN;
    if (!c) return;
    note_of(x, "rate", "end to end at a prompt of 256 is below decode at 1K of cache", paper_of(x, "8.256"),
            paper_of(x, "7.1k"), "tokens/s");
    note_of(x, "shares", "area shares as printed, against the whole", 73.2 + 16.6 + 1.4 + 4.8, 100, "%");
    note_of(x, "hunit", "SRAM of the H-Units, against their printed share of the die", model_of(x, "5b.printed") * 83.6,
            83.6, "mm2");
    note_of(x, "context", "tokens beside rank 64, against the 4K context named with it", tokens_at(x, d, 64), 4096,
            "tokens");
    note_of(x, "label", "256 MiB: tokens at rank 16 as labelled, and as drawn (rank 32's)", model_of(x, "11.r16"),
            paper_of(x, "11.r16"), "tokens");
    note_of(x, "power", "all L-Units at the power of their bar, against the chip's",
            c->matrix_units * c->lunits * 6.8e-3, paper_of(x, "9"), "W");
    note_of(x, "brom", "B-ROM over ROM by macro densities, against 40 % smaller",
            roma_cost_storage_um2(roma_study_chip(x, "roma-macro"), ROMA_ROM_BROM) /
                roma_cost_storage_um2(roma_study_chip(x, "roma-macro"), ROMA_ROM_ROM),
            0.60, "");
    note_of(x, "overlap", "4K prompt by L-Units, attention hidden beside them, as stated", 4.096 * model_of(x, "6a"),
            paper_of(x, "6.4k"), "ms");
    const double need = rom_gb(x, roma_study_case(x, "roma", "llama-3-8b", 2), &capacity);
    note_of(x, "capacity", "8B at 2 bit with scales, head, embedding, against the ROM", need, capacity, "GB");
    note_of(x, "tom", "TOM's layers over its ROM area, against its peak density",
            layers_mb(roma_study_case(x, "tom", "bitnet-2b", 0)) / paper_of(x, "tom.rom"), paper_of(x, "tom.density"),
            "MB/mm2");
    x->out->decode_calibrated = decode_rate(x, "roma");
    x->out->decode_contract = decode_rate(x, "roma-contract");
}
