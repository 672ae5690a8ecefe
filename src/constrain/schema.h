/* Insides of the schema half of constrain: JSON schemas as rules of GBNF. */
#ifndef ROMA_CONSTRAIN_SCHEMA_H
#define ROMA_CONSTRAIN_SCHEMA_H

#include "constrain/internal.h"
#include "roma/json.h"

/* schema_rules.c: the rules that every schema uses, NAME-ws, NAME-string, ...: blanks between tokens, any value. */
void roma_constrain_put_common(roma_buf *b, const char *name);
/* NAME: any object. */
void roma_constrain_put_object(roma_buf *b, const char *name);

#endif
