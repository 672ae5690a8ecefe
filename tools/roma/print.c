/* Text onto a stream; contract in print.h. */
#include "print.h"

#include <string.h>

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

int write_buf(roma_buf *b, const char *path, roma_error *err) {
    roma_outfile f;
    int rc = ROMA_OK;
    if (b->failed) {
        rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the output");
    } else if (strcmp(path, "-") == 0) {
        fwrite(b->data, 1, b->len, stdout);
        fflush(stdout); /* in its place before what is printed, or goes to /dev/stdout, next */
    } else if (!(rc = roma_outfile_open(&f, path, err))) {
        rc = roma_outfile_write(&f, b->data, b->len, err);
        if (rc)
            roma_outfile_abort(&f);
        else
            rc = roma_outfile_commit(&f, err);
    }
    roma_buf_destroy(b);
    return rc;
}
