/* What roma fit prints and draws. */
#ifndef TOOLS_FIT_SHOW_H
#define TOOLS_FIT_SHOW_H

#include "options.h"
#include "roma/fit.h"
#include "roma/report.h"

typedef struct {
    roma_fit fit;
    roma_cost rom;
    number_list adapters, ranks, sequences;
    roma_fit_point at; /* the case shown in full: what was given first, else one usual adapter and one sequence */
} fit_result;

/* Every case of the lists, a row each. */
int fit_table(const fit_result *f, roma_table *out, roma_error *err);
/* Tokens of each sequence over the rank, a column for each number of adapters, and the paper's for the first. */
int fit_curves(const fit_result *f, roma_table *out, roma_error *err);
void fit_print_text(const fit_result *f, const roma_table *table, roma_buf *out);
void fit_print_json(const fit_result *f, const roma_table *table, roma_buf *out);

#endif
