/* What roma chip prints beside the chip's own listings. */
#ifndef TOOLS_CHIP_SHOW_H
#define TOOLS_CHIP_SHOW_H

#include "roma/report.h"
#include "roma/sim.h"

/* The built-in chips. */
void chip_list(bool as_json, roma_buf *b);
/* The chip of a simulation on one page, with the main figures of its model. */
void chip_page(const roma_sim *s, const roma_sim_figures *f, roma_buf *b);
/* One JSON object: every parameter, what of the model fits, lines of warnings. */
void chip_json_print(const roma_sim *s, const char *warnings, roma_buf *b);

#endif
