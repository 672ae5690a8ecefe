/* convert, inside. */
#ifndef ROMA_CONVERT_INTERNAL_H
#define ROMA_CONVERT_INTERNAL_H

#include "roma/convert.h"
#include "roma/pack.h"

/* What the report is made of, when all tensors are written. */
typedef struct {
    const roma_model *model;
    const char *source; /* path */
    const uint8_t *sha256;
    uint64_t source_bytes;
    const roma_quant *quant;
    roma_pack_loss *loss; /* of each tensor */
    roma_buf text;        /* owned */
} convert_report;

/* The report's text, its own; NULL: no memory. ctx: a convert_report. */
const char *roma_convert_print(void *ctx, const roma_description *d);
/* Appends lines of which built-in chips have the ROM for a model, and which do not. */
void roma_convert_print_chips(roma_buf *b, const roma_description *d);
/* The last name of a path as printable ASCII. */
void roma_convert_name(const char *path, char *out, size_t cap);

#endif
