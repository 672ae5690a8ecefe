/* A line as it is typed on a terminal. typed_edit.c reads with libedit: keys edit, arrows recall, Tab completes, a
 * block that is pasted is one text. typed_plain.c is in its place in builds with EDIT=no: lines as the terminal gives
 * them. */
#ifndef TOOLS_TYPED_H
#define TOOLS_TYPED_H

#include <stdbool.h>
#include <stddef.h>

/* A command of the line: what Tab offers at its beginning, and behind it. */
typedef struct {
    const char *name;          /* "/load" */
    const char *const *values; /* what may follow, NULL behind the last; NULL: nothing that is known */
    bool takes_files;
} typed_command;
enum { TYPED_RECALL_MAX = 1000 }; /* lines that the arrows reach */

/* The n commands are the caller's, until typed_end. */
void typed_begin(const typed_command *commands, size_t n);
void typed_recall(const char *text); /* a line of before, for the arrows */
/* The next line without its newline, from malloc with a 0 behind; NULL at the end of input and when a signal came. Of
 * several lines that came at once behind the prompt, which are a pasted block, it is all, unless they are commands. */
char *typed_line(const char *prompt, size_t *len);
void typed_end(void);

#endif
