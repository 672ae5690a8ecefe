/* The file of `roma run --trace-values`: what every operation of a request gave, one JSON object a line, as
 * docs/trace-format.md says. */
#ifndef TOOLS_VALUES_H
#define TOOLS_VALUES_H

#include "tool.h"

typedef struct {
    const session *s;
    roma_outfile file;
    bool is_full; /* the values beside their CRC */
    uint64_t order;
    roma_buf line;
    int rc; /* the first error of writing, told by values_end */
    roma_error err;
} values_file;

/* Opens the file, writes its first line and sets the tap of the session's engine. After an error *v needs no end. The
 * session must outlive v, and its engine may not step after values_end with v's tap: values_end takes the tap away. */
int values_begin(values_file *v, const session *s, const char *path, bool is_full, roma_error *err);
/* Keeps the file, or leaves none. The error of a record that could not be written. */
int values_end(values_file *v, bool keep, roma_error *err);

#endif
