/* fprintf with the C locale's point: the only way that reals get onto a stream. */
#ifndef TOOLS_PRINT_H
#define TOOLS_PRINT_H

#include "roma/base.h"

void print_to(FILE *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void vprint_to(FILE *f, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

#endif
