/* Error records: the one way a fault in outside data travels up. Contract in roma/base.h. */
#include "base/internal.h"

#include <errno.h>
#include <string.h>

static void set_file(roma_error *e, const char *file) {
    size_t n = file ? strlen(file) : 0, cap = sizeof e->file - 1;
    if (n <= cap) {
        if (n) memcpy(e->file, file, n);
        e->file[n] = 0;
        return;
    }
    /* The end of a path names the file; its beginning is what the reader can do without. */
    memcpy(e->file, "...", 3);
    memcpy(e->file + 3, file + n - (cap - 3), cap - 3);
    e->file[cap] = 0;
}

/* The record is made aside and copied at the end, because arguments may point into *err: a caller adds
 * words to the error of the function it called. */
static int fail(roma_error *err, int code, const char *file, uint64_t offset, uint64_t line, const char *fmt,
                va_list args) {
    if (!err) return code;
    roma_error e = {.code = code, .offset = offset, .line = line};
    set_file(&e, file);
    if (roma_vprint(e.text, sizeof e.text, fmt, args) >= (int)sizeof e.text)
        memcpy(e.text + sizeof e.text - 4, "...", 4);
    *err = e;
    return code;
}

int roma_fail(roma_error *err, int code, const char *file, uint64_t offset, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fail(err, code, file, offset, 0, fmt, args);
    va_end(args);
    return code;
}

int roma_fail_line(roma_error *err, int code, const char *file, uint64_t line, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    fail(err, code, file, ROMA_NOWHERE, line, fmt, args);
    va_end(args);
    return code;
}

int roma_fail_errno(roma_error *err, const char *file, const char *doing) {
    int saved = errno;
    return roma_fail(err, saved == ENOMEM ? ROMA_ENOMEM : ROMA_EIO, file, ROMA_NOWHERE, "%s: %s", doing,
                     strerror_l(saved, roma_c_locale()));
}

const char *roma_path_shown(const char *path) { return *path ? path : "''"; }

/* A name that is too long or a link that leads round in a circle names no file either. */
int roma_fail_open(roma_error *err, const char *file) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG || errno == ELOOP)
        return roma_fail(err, ROMA_EINPUT, roma_path_shown(file), ROMA_NOWHERE, "there is no such file");
    return roma_fail_errno(err, file, "cannot open the file");
}

const char *roma_error_text(int code) {
    switch (code) {
#define X(name, value, exitcode, text)                                                                                 \
    case value: return text;
        ROMA_ERRORS(X)
#undef X
    default: return "unknown error";
    }
}

int roma_error_exit(int code) {
    switch (code) {
#define X(name, value, exitcode, text)                                                                                 \
    case value: return exitcode;
        ROMA_ERRORS(X)
#undef X
    default: return roma_error_exit(ROMA_EINTERNAL);
    }
}

const char *roma_error_format(const roma_error *err, char *buf, size_t cap) {
    if (!cap) return buf;
    const char *text = err->text[0] ? err->text : roma_error_text(err->code);
    char where[64] = "";
    if (err->line)
        roma_print(where, sizeof where, "line %llu: ", (unsigned long long)err->line);
    else if (err->offset != ROMA_NOWHERE)
        roma_print(where, sizeof where, "at byte %llu: ", (unsigned long long)err->offset);
    roma_print(buf, cap, "%s%s%s%s", err->file, err->file[0] ? ": " : "", where, text);
    /* A path may hold any byte; the message must stay one line and leave the terminal alone. */
    for (char *c = buf; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    return buf;
}

const char *roma_error_name(char *buf, size_t cap, const char *text, size_t n) {
    static const char digits[] = "0123456789abcdef";
    if (!cap) return buf;
    size_t len = 0, cut = 0; /* cut: the last length after which "..." still fits */
    size_t dots = cap > 3 ? 3 : cap - 1;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        bool plain = c >= 0x20 && c < 0x7f;
        size_t need = plain ? 1 : 4;
        if (len + dots < cap) cut = len;
        if (len + need >= cap) {
            memcpy(buf + cut, "...", dots);
            buf[cut + dots] = 0;
            return buf;
        }
        if (plain) {
            buf[len++] = (char)c;
        } else {
            buf[len++] = '\\';
            buf[len++] = 'x';
            buf[len++] = digits[c >> 4];
            buf[len++] = digits[c & 15];
        }
    }
    buf[len] = 0;
    return buf;
}
