/* Insides of the parser: parse.c decides where a call begins, call.c follows one to its end. */
#ifndef ROMA_CALLS_PARSE_H
#define ROMA_CALLS_PARSE_H

#include "calls/internal.h"

/* Where an answer is. */
enum {
    CALLS_BEGINS,  /* nothing but blanks came */
    CALLS_THINKS,  /* within reasoning */
    CALLS_THOUGHT, /* behind it */
    CALLS_WRITES,  /* content */
    CALLS_CALLS,   /* within what may be a call, which `held` begins with */
    CALLS_CALLED   /* behind one */
};

void roma_calls_tell(roma_calls_parser *p, roma_calls_event_kind kind, const char *text, size_t len);

/* The beginning of a call is held, `used` bytes of it before its body. */
void roma_calls_call_begin(roma_calls_parser *p, size_t used);
/* Follows the call over all that is held. CALLS_YES: it is whole, p->at bytes long; CALLS_NO: the last byte, or one
 * before it, can be in none. */
calls_match roma_calls_call_take(roma_calls_parser *p);
/* Tells what the whole call says. *good: it is one, of a tool that may be called. ENOMEM. */
int roma_calls_call_tell(roma_calls_parser *p, bool *good);

#endif
