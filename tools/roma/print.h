/* What is printed goes out: fprintf with the C locale's point, the only way that reals get onto a stream, and whole
 * files. */
#ifndef TOOLS_PRINT_H
#define TOOLS_PRINT_H

#include "roma/base.h"

void print_to(FILE *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void vprint_to(FILE *f, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
/* Writes b to path whole or not at all and destroys it; "-" is standard output. */
int write_buf(roma_buf *b, const char *path, roma_error *err);

/* Columns of the terminal that a stream is; 0: it is none. */
size_t columns_of(FILE *f);
/* Appends n bytes of text, of which each line that is wider than `width` (0: none is) is broken between two columns, or
 * two words, and goes on under the column that it began in. */
void wrap_into(roma_buf *out, const char *text, size_t n, size_t width);

#endif
