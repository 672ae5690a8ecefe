/* Marks: what a form writes around what varies. White space counts for nothing when a model's text is held against
 * one. */
#include "calls/internal.h"

#include <string.h>

bool roma_calls_is_name(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!roma_calls_is_letter(s[i])) return false;
    return n >= 1 && n <= ROMA_CALLS_NAME_MAX;
}

bool roma_calls_text_is(const char *s, size_t n, const char *other) {
    return n == strlen(other) && memcmp(s, other, n) == 0;
}

size_t roma_calls_find(const char *text, size_t n, size_t from, const char *what, size_t len) {
    const char *at = from < n ? memmem(text + from, n - from, what, len) : NULL;
    return at ? (size_t)(at - text) : SIZE_MAX;
}

bool roma_calls_mark_set(roma_calls_mark *m, const char *text, size_t n) {
    if (n > ROMA_CALLS_MARK_MAX) return false;
    if (n) memcpy(m->text, text, n);
    memset(m->text + n, 0, sizeof m->text - n);
    m->len = (uint8_t)n;
    return true;
}

roma_calls_mark roma_calls_mark_core(const roma_calls_mark *m) {
    roma_calls_mark core;
    size_t from = 0, to = m->len;
    while (from < to && roma_calls_is_blank(m->text[from])) from++;
    while (to > from && roma_calls_is_blank(m->text[to - 1])) to--;
    roma_calls_mark_set(&core, m->text + from, to - from);
    return core;
}

static size_t skip(const char *s, size_t n, size_t i) {
    while (i < n && roma_calls_is_blank(s[i])) i++;
    return i;
}

calls_match roma_calls_match(const roma_calls_mark *m, const char *text, size_t n, size_t *used) {
    size_t i = 0, blanks = 0, j = skip(m->text, m->len, 0);
    *used = 0;
    while (j < m->len) {
        const size_t from = i;
        i = skip(text, n, i);
        blanks += i - from;
        if (blanks > CALLS_BLANKS) return CALLS_NO;
        if (i == n) return CALLS_MAYBE;
        if (text[i++] != m->text[j++]) return CALLS_NO;
        j = skip(m->text, m->len, j);
    }
    *used = i;
    return CALLS_YES;
}

bool roma_calls_same(const char *a, size_t na, const char *b, size_t nb) {
    size_t i = skip(a, na, 0), j = skip(b, nb, 0);
    while (i < na && j < nb && a[i] == b[j]) {
        i = skip(a, na, i + 1);
        j = skip(b, nb, j + 1);
    }
    return i == na && j == nb;
}
