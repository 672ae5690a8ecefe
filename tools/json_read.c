/* JSON reading of one flat object; contract in json_read.h. */
#include "json_read.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    char *p, *end, *begin;
    roma_error *err;
} cursor;

static int bad(const cursor *c, const char *what) {
    return roma_fail(c->err, ROMA_EINPUT, "", ROMA_NOWHERE, "%s at column %zu", what, (size_t)(c->p - c->begin) + 1);
}

static void blanks(cursor *c) {
    while (c->p < c->end && strchr(" \t\r\n", *c->p) && *c->p) c->p++;
}

static bool eat(cursor *c, char what) {
    blanks(c);
    if (c->p == c->end || *c->p != what) return false;
    c->p++;
    return true;
}

static bool hex4(cursor *c, uint32_t *out) {
    if (c->end - c->p < 4) return false;
    *out = 0;
    for (int i = 0; i < 4; i++) {
        const char ch = *c->p++;
        const int v = ch >= '0' && ch <= '9'                 ? ch - '0'
                      : (ch | 32) >= 'a' && (ch | 32) <= 'f' ? (ch | 32) - 'a' + 10
                                                             : -1;
        if (v < 0) return false;
        *out = *out << 4 | (uint32_t)v;
    }
    return true;
}

static char *put_utf8(char *to, uint32_t u) {
    if (u < 0x80) {
        *to++ = (char)u;
        return to;
    }
    const int more = u < 0x800 ? 1 : u < 0x10000 ? 2 : 3;
    static const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(first[more] | u >> (6 * more));
    for (int i = more - 1; i >= 0; i--) *to++ = (char)(0x80 | (u >> (6 * i) & 63));
    return to;
}

/* After "\u": a character, from two escapes when it is a surrogate pair. */
static bool escape_u(cursor *c, uint32_t *u) {
    uint32_t low;
    if (!hex4(c, u)) return false;
    if (*u >= 0xdc00 && *u < 0xe000) return false;
    if (*u < 0xd800 || *u >= 0xdc00) return true;
    if (c->end - c->p < 6 || c->p[0] != '\\' || c->p[1] != 'u') return false;
    c->p += 2;
    if (!hex4(c, &low) || low < 0xdc00 || low >= 0xe000) return false;
    *u = 0x10000 + ((*u - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* A string, unescaped in place: what it becomes is never longer. The closing quote's place takes the final 0. */
static int text(cursor *c, char **out, size_t *len) {
    if (!eat(c, '"')) return bad(c, "a text in quotes is missing");
    char *to = c->p;
    *out = to;
    while (c->p < c->end && *c->p != '"') {
        if ((unsigned char)*c->p < 0x20) return bad(c, "a control character must be escaped");
        if (*c->p != '\\') {
            *to++ = *c->p++;
            continue;
        }
        if (++c->p == c->end) break;
        static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
        const char *k = *c->p ? strchr(from, *c->p) : NULL;
        uint32_t u;
        if (k)
            *to++ = into[k - from], c->p++;
        else if (*c->p++ != 'u' || !escape_u(c, &u))
            return bad(c, "a bad escape");
        else
            to = put_utf8(to, u);
    }
    if (c->p == c->end) return bad(c, "a text does not end");
    c->p++;
    *to = 0;
    *len = (size_t)(to - *out);
    return 0;
}

static int texts(cursor *c, json_value *v) {
    v->kind = JSON_TEXTS;
    if (eat(c, ']')) return 0;
    do {
        char *s;
        size_t n;
        if (v->n_items == sizeof v->item / sizeof *v->item) return bad(c, "an array has too many texts");
        const int rc = text(c, &s, &n);
        if (rc) return rc;
        v->item[v->n_items++] = s;
    } while (eat(c, ','));
    return eat(c, ']') ? 0 : bad(c, "an array does not end");
}

static bool word(cursor *c, const char *w) {
    const size_t n = strlen(w);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, w, n) != 0) return false;
    c->p += n;
    return true;
}

static int number(cursor *c, json_value *v) {
    char digits[64];
    size_t n = 0;
    while (c->p < c->end && n < sizeof digits - 1 && *c->p && strchr("+-.0123456789eE", *c->p)) digits[n++] = *c->p++;
    digits[n] = 0;
    v->kind = JSON_NUMBER;
    const bool is_number = roma_real_read(digits, n, &v->number);
    v->whole = n && n < 20 && strspn(digits, "0123456789") == n ? strtoull(digits, NULL, 10) : UINT64_MAX;
    return is_number ? 0 : bad(c, "a value is missing");
}

static int value(cursor *c, json_value *v) {
    memset(v, 0, sizeof *v);
    blanks(c);
    if (c->p < c->end && *c->p == '"') {
        v->kind = JSON_TEXT;
        return text(c, &v->text, &v->len);
    }
    if (eat(c, '[')) return texts(c, v);
    if (word(c, "null")) return 0;
    v->kind = JSON_BOOL;
    v->number = 1;
    if (word(c, "true")) return 0;
    v->number = 0;
    return word(c, "false") ? 0 : number(c, v);
}

int json_read_object(char *line, size_t len, int (*each)(void *, const char *, const json_value *, roma_error *),
                     void *ctx, roma_error *err) {
    cursor c = {line, line + len, line, err};
    if (!eat(&c, '{')) return bad(&c, "an object in braces is missing");
    if (!eat(&c, '}')) {
        do {
            char *key;
            size_t n;
            json_value v;
            int rc = text(&c, &key, &n);
            if (!rc && !eat(&c, ':')) rc = bad(&c, "a colon is missing");
            if (!rc) rc = value(&c, &v);
            if (!rc) rc = each(ctx, key, &v, err);
            if (rc) return rc;
        } while (eat(&c, ','));
        if (!eat(&c, '}')) return bad(&c, "the object does not end");
    }
    blanks(&c);
    return c.p == c.end ? 0 : bad(&c, "more text after the object");
}
