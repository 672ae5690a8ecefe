/* Text onto a stream; contract in print.h. */
#include "print.h"

void vprint_to(FILE *f, const char *fmt, va_list args) {
    char text[4096]; /* more than any line of ours */
    roma_vprint(text, sizeof text, fmt, args);
    fputs(text, f);
}

void print_to(FILE *f, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vprint_to(f, fmt, args);
    va_end(args);
}
