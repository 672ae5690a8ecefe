/* roma plan --threads: what each thread does between two barriers. */
#ifndef TOOLS_SHARES_H
#define TOOLS_SHARES_H

#include "roma/exec.h"

/* Tables, or JSON members of an open object, of a step of one row and of one of `rows` rows at a context. */
int shares_print(const roma_plan *p, int threads, uint32_t rows, uint32_t context, bool as_json, roma_buf *out,
                 roma_error *err);

#endif
