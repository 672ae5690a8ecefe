/* What calls and what gives them their names share. */
#ifndef ROMA_SRC_TEMPLATE_CALL_H
#define ROMA_SRC_TEMPLATE_CALL_H

#include "template/internal.h"

/* Makes the functions known by their names. */
void roma_template_functions(tm_machine *m);
/* str.format: places {}, {0} and {name}. */
tm_value roma_template_places(tm_machine *m, const tm_text *s, tm_args *args);
/* Pieces of a text. sep NULL: white space; count below 0: all. */
tm_value roma_template_split(tm_machine *m, const tm_text *s, const tm_text *sep, int64_t count, bool from_right);
tm_value roma_template_lines(tm_machine *m, const tm_text *s, bool keep);

#endif
