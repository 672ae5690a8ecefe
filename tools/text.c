/* Text in, ids out, with memory found on the way. */
#include "tool.h"

#include <errno.h>
#include <string.h>

int read_all(roma_buf *out, const char *path, roma_error *err) {
    const bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "rb");
    char block[65536];
    size_t n;
    int rc = ROMA_OK;
    if (!f) return roma_fail_errno(err, path, "open");
    while ((n = fread(block, 1, sizeof block, f)) > 0) {
        roma_buf_append(out, block, n);
        if (out->failed) break;
    }
    if (out->failed)
        rc = roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for the text");
    else if (ferror(f))
        rc = errno == EINTR && interrupted ? roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted")
                                           : roma_fail_errno(err, is_stdin ? "standard input" : path, "read");
    if (!is_stdin) fclose(f);
    return rc;
}

int tokenize_all(const roma_tokenizer *t, const char *text, size_t len, unsigned flags, int32_t **ids, size_t *n, roma_error *err) {
    size_t cap = len / 2 + 16;
    for (;;) {
        *ids = roma_alloc_array(cap, sizeof **ids);
        if (!*ids) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %zu token ids", cap);
        const int rc = roma_tokenize(t, text, len, flags, *ids, cap, n, err);
        if (!rc && *n <= cap) return ROMA_OK;
        roma_free(*ids);
        *ids = NULL;
        if (rc) return rc;
        cap = *n;
    }
}

int template_all(const roma_tokenizer *t, roma_template_kind kind, const roma_message *msgs, size_t n_msgs, int32_t **ids,
                 size_t *n, roma_error *err) {
    size_t cap = 256;
    for (size_t i = 0; i < n_msgs; i++) cap += msgs[i].len / 2 + 64;
    for (;;) {
        *ids = roma_alloc_array(cap, sizeof **ids);
        if (!*ids) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %zu token ids", cap);
        const int rc = roma_template_apply(t, kind, msgs, n_msgs, true, *ids, cap, n, err);
        if (!rc && *n <= cap) return ROMA_OK;
        roma_free(*ids);
        *ids = NULL;
        if (rc) return rc;
        cap = *n;
    }
}
