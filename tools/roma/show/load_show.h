/* What roma serve-sim prints. */
#ifndef TOOLS_LOAD_SHOW_H
#define TOOLS_LOAD_SHOW_H

#include "roma/report.h"
#include "roma/serve_sim.h"

/* Gives an empty table its columns; adds a row. */
void load_columns(roma_table *t, const roma_serve_sim *s);
void load_row(roma_table *t, const roma_serve_sim_row *r);
void load_print_text(const roma_serve_sim *s, const roma_table *t, roma_buf *out);
void load_print_json(const roma_serve_sim *s, const roma_table *t, uint64_t seed, roma_buf *out);
/* Times to the first token over the load. */
void load_svg(const roma_table *t, roma_buf *out);

#endif
