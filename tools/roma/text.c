/* Text in and out: files, standard input, standard output. */
#include "tool.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool is_file(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool is_stdout(const char *path) {
    struct stat st, out;
    return stat(path, &st) == 0 && fstat(STDOUT_FILENO, &out) == 0 && st.st_dev == out.st_dev &&
           st.st_ino == out.st_ino && !S_ISCHR(st.st_mode);
}

int read_all(roma_buf *out, const char *path, roma_error *err) {
    const bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "rb");
    char block[65536];
    struct stat st;
    size_t n;
    int rc = ROMA_OK;
    if (!f) return roma_fail_open(err, path);
    if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode))
        rc = roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "this is a folder; give the path of a file");
    if (!rc) rc = roma_files_reads(path, fileno(f), err);
    while (!rc && (n = fread(block, 1, sizeof block, f)) > 0) {
        roma_buf_append(out, block, n);
        if (out->failed) break;
    }
    if (!rc && out->failed)
        rc = roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for the text");
    else if (!rc && ferror(f))
        rc = errno == EINTR && interrupted ? roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted")
                                           : roma_fail_errno(err, is_stdin ? "standard input" : path, "read");
    if (!is_stdin) fclose(f);
    if (!rc && out->len && memchr(out->data, 0, out->len)) {
        const char *kind = roma_kind_of(out->data, out->len), *takes = strchr(kind, ';');
        if (takes) rc = roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "not a text, but %s", kind);
    }
    return rc;
}

/* C0 but for tab and newline, DEL, and C1 (in UTF-8: c2 80 to c2 9f). */
static size_t control_length(const uint8_t *s, size_t left) {
    if ((s[0] < 0x20 && s[0] != '\n' && s[0] != '\t') || s[0] == 0x7f) return 1;
    return left > 1 && s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0 ? 2 : 0;
}

void put_text(const uint8_t *text, size_t len) {
    static int terminal = -1;
    if (terminal < 0) terminal = isatty(STDOUT_FILENO);
    for (size_t i = 0, from = 0; i <= len; i++) {
        const size_t control = terminal && i < len ? control_length(text + i, len - i) : 0;
        if (!control && i < len) continue;
        fwrite(text + from, 1, i - from, stdout);
        if (control) fputs("\xef\xbf\xbd", stdout);
        from = i + control;
        i += control > 1;
    }
    fflush(stdout);
}
