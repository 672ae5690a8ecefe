/* What of a model fits a chip, in the keys that sim, chip and plan share. */
#ifndef TOOLS_PLACE_SHOW_H
#define TOOLS_PLACE_SHOW_H

#include "roma/cost.h"
#include "roma/json.h"

/* Members rom_words, fits_rom, fits_sram, tokens, tokens_paper and limited_by of an object that is open in j. */
void fit_json(const roma_placement *p, const roma_workload *w, roma_json *j);
/* Their units, as members of an object that is open in j. */
void fit_units(roma_json *j);
/* roma plan --place: the placement, and what fits beside the workload's adapters. */
void place_print_text(const roma_placement *p, const roma_workload *w, roma_buf *out);
void place_print_json(const roma_placement *p, const roma_workload *w, roma_buf *out);
/* roma plan: the operations. */
void plan_print_text(const roma_placement *p, roma_buf *out);
void plan_print_json(const roma_placement *p, const roma_workload *w, roma_buf *out);

#endif
