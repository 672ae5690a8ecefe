/* The questions of a conversation: lines typed on a terminal, which are kept in a history, or lines of a pipe. */
#ifndef TOOLS_LINES_H
#define TOOLS_LINES_H

#include "typed.h"

/* Whether standard input is a terminal. Commands as in typed.h. On a terminal the history is read, of which an odd file
 * is left alone and said. To be called before any thread: the locale of characters becomes UTF-8. */
bool lines_begin(const typed_command *commands, size_t n);
/* The next line without its newline, from malloc; NULL at the end of input. *again: Ctrl-C, the line is forgotten.
 * A pipe's line may hold zeros, which are the model's to see: *len counts them. */
char *lines_next(size_t *len, bool *again);
void lines_end(void);

#endif
