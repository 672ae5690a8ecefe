/* What the chip of a session's plan would do for the tokens that were just run. */
#ifndef TOOLS_ESTIMATE_H
#define TOOLS_ESTIMATE_H

#include "tool.h"

void chip_lines(const session *s, size_t prompt, size_t answer);              /* lines on stderr */
void chip_json(roma_json *j, const session *s, size_t prompt, size_t answer); /* member "chip" */

#endif
