/* convert, inside. */
#ifndef ROMA_CONVERT_INTERNAL_H
#define ROMA_CONVERT_INTERNAL_H

#include "roma/convert.h"
#include "roma/import.h"
#include "roma/pack.h"
#include "roma/ref.h"

/* What the report is made of, when all tensors are written. */
typedef struct {
    const roma_model *model;
    const char *source; /* path */
    const uint8_t *sha256;
    uint64_t source_bytes;
    const roma_quant *quant;
    roma_pack_loss *loss;            /* of each tensor */
    const roma_convert_report *made; /* what was compared */
    roma_buf text;                   /* owned */
} convert_report;

/* The report's text, its own; NULL: no memory. ctx: a convert_report. */
const char *roma_convert_print(void *ctx, const roma_description *d);
/* Fills out->form, where a 4-bit checkpoint's matrices are changed by their form and the model is small or all is set,
 * and out->all, where all is set and anything is changed. Before the model is packed. */
int roma_convert_compare(roma_import *imp, bool all, roma_team *team, const roma_progress *progress,
                         roma_convert_report *out, roma_error *err);
/* Fills out->perplexity from the text of a file. EUNSUPPORTED for a model without tokenizer; errors of the file, of
 * roma_eval_cut and roma_eval_fp32. Before the model is packed. */
int roma_convert_evaluate(roma_import *imp, const char *path, roma_team *team, const roma_progress *progress,
                          roma_convert_report *out, roma_error *err);
/* Scales of whole matrices, which an image's values need, are there between these. */
int roma_convert_begin(roma_model *m, roma_team *team, roma_error *err);
void roma_convert_end(roma_model *m);
/* Refuses a model that one die of a chip does not hold, by what the chip has too little of: EUSAGE. A chip that streams
 * its model holds any. Errors of roma_chip_open. */
int roma_convert_check_chip(const roma_model *m, const char *chip, const char *file, roma_error *err);
/* Appends lines of which built-in chips have the ROM for a model, and which do not. */
void roma_convert_print_chips(roma_buf *b, const roma_description *d);
/* The last name of a path as printable ASCII. */
void roma_convert_name(const char *path, char *out, size_t cap);

#endif
