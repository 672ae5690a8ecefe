/* Lines that are wider than where they are shown; contract in print.h. */
#include "print.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LEAST = 40, USUAL = 80 };

size_t columns_of(FILE *f) {
    struct winsize w;
    if (!isatty(fileno(f))) return 0;
    if (ioctl(fileno(f), TIOCGWINSZ, &w) || !w.ws_col) return USUAL;
    return w.ws_col < LEAST ? LEAST : w.ws_col;
}

static bool is_gap(const char *s, size_t i, size_t n) { return i + 1 < n && s[i] == ' ' && s[i + 1] == ' '; }

/* Where a line's next ones begin: under the last of its columns that begins in the first half. */
static size_t hanging(const char *s, size_t n, size_t width) {
    size_t lead = strspn(s, " "), at = lead ? lead + 2 : 0;
    for (size_t i = lead; i < n && i < width / 2; i++)
        if (is_gap(s, i, n)) {
            while (i < n && s[i] == ' ') i++;
            if (i < width / 2) at = i;
        }
    return at < width / 2 ? at : lead < width / 2 ? lead : 0;
}

/* Bytes of the first part of a line: up to the last gap between columns, if that is far enough to the right, or blank.
 */
static size_t first_part(const char *s, size_t n, size_t width) {
    size_t blank = 0, gap = 0, columns = 0;
    for (size_t i = 0; i < n && columns <= width; i++) {
        if (((unsigned char)s[i] & 0xc0) == 0x80) continue;
        if (s[i] == ' ' && i && s[i - 1] != ' ') {
            blank = i;
            if (is_gap(s, i, n)) gap = i;
        }
        columns++;
    }
    return gap > width * 3 / 5 ? gap : blank;
}

/* A word that is wider than all stays whole. */
static size_t long_word(const char *s, size_t n) {
    size_t i = 0;
    while (i < n && s[i] != ' ') i++;
    return i;
}

static void put_line(roma_buf *out, const char *s, size_t n, size_t width) {
    const size_t lead = strspn(s, " ") < n ? strspn(s, " ") : 0, hang = hanging(s, n, width);
    size_t room = width, indent = 0;
    while (roma_characters(s, n) > room) {
        size_t part = first_part(s + (indent ? 0 : lead), n - (indent ? 0 : lead), room - (indent ? 0 : lead));
        if (!part) part = long_word(s + (indent ? 0 : lead), n - (indent ? 0 : lead));
        if (!indent) part += lead;
        if (part >= n) break;
        roma_buf_append(out, s, part);
        while (part < n && s[part] == ' ') part++;
        s += part;
        n -= part;
        indent = hang;
        room = width - hang;
        roma_buf_append(out, "\n", 1);
        for (size_t i = 0; i < hang; i++) roma_buf_append(out, " ", 1);
    }
    roma_buf_append(out, s, n);
}

void wrap_into(roma_buf *out, const char *text, size_t n, size_t width) {
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        const size_t len = end ? (size_t)(end - text) - at : n - at;
        if (width)
            put_line(out, text + at, len, width);
        else
            roma_buf_append(out, text + at, len);
        if (end) roma_buf_append(out, "\n", 1);
        at += len + (end != NULL);
    }
}
