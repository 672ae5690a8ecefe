/* What roma compare prints. */
#ifndef TOOLS_COMPARE_SHOW_H
#define TOOLS_COMPARE_SHOW_H

#include "draws_show.h"
#include "roma/compare.h"

/* A comparison as a page, and as one JSON object; seed: of its draws. */
void compare_print_text(const roma_compare *x, uint64_t seed, roma_buf *out);
void compare_print_json(const roma_compare *x, uint64_t seed, roma_buf *out);

#endif
