/* quant, inside. */
#ifndef ROMA_SRC_QUANT_INTERNAL_H
#define ROMA_SRC_QUANT_INTERNAL_H

#include "roma/quant.h"

enum { QUANT_GROUP_MAX = 128 };

/* Rows of a matrix by round to nearest, in the tensor's format. */
void roma_quant_rtn_row(const roma_tensor *t, uint64_t r, const roma_row *out);
/* Makes *t a view in NF4: its format and functions, but read_floats. EUNSUPPORTED for blocks that cross rows. */
int roma_quant_nf4_take(roma_tensor *t, uint32_t block, int levels, roma_error *err);
/* An error about a matrix, by name. */
int roma_quant_bad(const roma_tensor *t, int code, roma_error *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
