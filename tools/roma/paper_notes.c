/* What contradicts itself in the papers, and the decode rate with and without calibration. */
#include "paper.h"

#include <math.h>
#include <string.h>

static void note_of(paper *x, const char *id, const char *text, double left, double right, const char *unit) {
    if (x->n_notes == PAPER_NOTES_MAX) return;
    paper_note *n = &x->notes[x->n_notes++];
    roma_print(n->id, sizeof n->id, "%s", id);
    roma_print(n->text, sizeof n->text, "%s", text);
    roma_print(n->unit, sizeof n->unit, "%s", unit);
    n->left = left;
    n->right = right;
}

static double model_of(const paper *x, const char *id) {
    for (size_t i = 0; i < x->n_lines; i++)
        if (strcmp(x->lines[i].row->id, id) == 0) return x->lines[i].model;
    return NAN;
}
static double paper_of(const paper *x, const char *id) {
    for (size_t i = 0; i < x->n_lines; i++)
        if (strcmp(x->lines[i].row->id, id) == 0) return x->lines[i].row->paper;
    return NAN;
}

/* Tokens beside a rank-64 adapter on the whole chip; bytes of the 8B model at 2 bit. */
static double tokens_at(paper *x, const design *d, uint32_t rank) {
    roma_workload w = default_workload();
    roma_cost cost;
    w.prompt = 0;
    w.rank = rank;
    return d && paper_evaluate(x, &cost, d, &d->chip, &w) ? cost.tokens_paper : NAN;
}
static double rom_gb(paper *x, const design *d, double *capacity) {
    const roma_workload w = {.batch = 1, .chips = 1, .toggle = 1};
    roma_cost cost;
    if (!d || !paper_evaluate(x, &cost, d, &d->chip, &w)) return NAN;
    *capacity = cost.rom_capacity * 1e-9;
    return cost.rom_bytes * 1e-9;
}
static double layers_mb(const design *d) {
    double bits = 0;
    if (!d) return NAN;
    for (size_t i = 0; i < d->desc->n_tensors; i++) {
        const roma_image_tensor *t = &d->desc->tensors[i];
        if (!t->is_vector && roma_tensor_role_is_layered(t->role)) bits += (double)(t->rows * t->cols * t->format.bits);
    }
    return bits / 8 * 1e-6;
}
static double decode_rate(paper *x, const char *chip) {
    const design *d = paper_case_of(x, chip, "llama-3.2-3b", 4);
    roma_workload w = default_workload();
    roma_cost cost;
    w.prompt = 0;
    return d && paper_evaluate(x, &cost, d, &d->chip, &w) ? cost.tok_s : NAN;
}

void paper_take_notes(paper *x) {
    const design *d = paper_case_of(x, "roma", "llama-3.2-3b", 4);
    const roma_chip *c = paper_chip(x, "roma");
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
            roma_cost_storage_um2(paper_chip(x, "roma-macro"), ROMA_ROM_BROM) /
                roma_cost_storage_um2(paper_chip(x, "roma-macro"), ROMA_ROM_ROM),
            0.60, "");
    note_of(x, "overlap", "4K prompt by L-Units, attention hidden beside them, as stated", 4.096 * model_of(x, "6a"),
            paper_of(x, "6.4k"), "ms");
    const double need = rom_gb(x, paper_case_of(x, "roma", "llama-3-8b", 2), &capacity);
    note_of(x, "capacity", "8B at 2 bit with scales, head, embedding, against the ROM", need, capacity, "GB");
    note_of(x, "tom", "TOM's layers over its ROM area, against its peak density",
            layers_mb(paper_case_of(x, "tom", "bitnet-2b", 0)) / paper_of(x, "tom.rom"), paper_of(x, "tom.density"),
            "MB/mm2");
    x->decode[0] = decode_rate(x, "roma");
    x->decode[1] = decode_rate(x, "roma-contract");
}
