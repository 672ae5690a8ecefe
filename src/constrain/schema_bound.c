/* Bounds of numbers as they are written in a schema; contract in schema_bound.h. */
#include "constrain/schema_bound.h"

static bool refuse(schema *s, uint32_t node, const char *what) {
    roma_constrain_schema_fail(s, node, ROMA_EUNSUPPORTED, "%s", what);
    return false;
}

/* The digits of a number as it is written, its exponent applied. One beyond all numbers that are written here bounds
 * nothing when it is on the far side: sign 1 for a lower bound, -1 for an upper one. */
static bool read_bound(schema *s, uint32_t node, bool is_exclusive, int sign, bound *out) {
    char digits[2 * DIGITS + 4];
    const char *p = schema_text(s, node), *end = p + s->nodes[node].text_len;
    int64_t n = 0, point = -1, exponent = 0;
    *out = (bound){.is_there = true, .is_exclusive = is_exclusive};
    if (s->nodes[node].kind != ROMA_JSON_NUMBER)
        return roma_constrain_schema_fail(s, node, ROMA_EINPUT, "a number is wanted here"), false;
    if (*p == '-') out->is_negative = true, p++;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            point = n;
            continue;
        }
        if (!n && *p == '0' && point < 0) continue; /* a leading zero */
        if (n == sizeof digits - 1) return refuse(s, node, "this bound has too many digits");
        digits[n++] = *p;
    }
    if (point < 0) point = n;
    if (p < end) p++;
    if (p < end && *p == '+') p++;
    if (p < end && !roma_json_to_i64(p, (size_t)(end - p), &exponent))
        return refuse(s, node, "this bound's exponent is too large");
    const bool is_far = out->is_negative == (sign > 0);
    if (exponent > DIGITS && n && is_far) return out->is_there = false, true;
    if (exponent < -DIGITS || exponent > DIGITS) return refuse(s, node, "this bound is too large or too small");
    for (; exponent > 0; exponent--) {
        if (point == n && n < (int64_t)sizeof digits - 1) digits[n++] = '0';
        point++;
    }
    while (exponent++ < 0) {
        if (point) {
            point--;
            continue;
        }
        if (n == sizeof digits - 1) return refuse(s, node, "this bound has too many digits");
        memmove(digits + 1, digits, (size_t)n++);
        digits[0] = '0';
    }
    int64_t from = 0;
    while (from < point && digits[from] == '0') from++;
    while (n > point && digits[n - 1] == '0') n--;
    if (point - from > DIGITS && is_far) return out->is_there = false, true;
    if (point - from > DIGITS || n - point > FRACTION_MAX) return refuse(s, node, "this bound has too many digits");
    memcpy(out->whole, digits + from, (size_t)(point - from));
    memcpy(out->part, digits + point, (size_t)(n - point));
    if (!out->whole[0]) out->whole[0] = '0';
    if (bound_is_zero(out)) out->is_negative = false;
    return true;
}

int roma_constrain_bound_compare(const bound *a, const bound *b) {
    const size_t na = strlen(a->whole), nb = strlen(b->whole);
    if (na != nb) return na < nb ? -1 : 1;
    const int d = strcmp(a->whole, b->whole);
    return d ? d : strcmp(a->part, b->part);
}

/* The tighter of two bounds on the same side; `sign` 1: the larger one. */
static bound tighter(const bound *a, const bound *b, int sign) {
    if (!a->is_there || !b->is_there) return a->is_there ? *a : *b;
    int d = a->is_negative != b->is_negative ? (a->is_negative ? -1 : 1)
            : a->is_negative                 ? -roma_constrain_bound_compare(a, b)
                                             : roma_constrain_bound_compare(a, b);
    if (!d) return a->is_exclusive ? *a : *b;
    return d * sign > 0 ? *a : *b;
}

bool roma_constrain_bound_read(schema *s, const schema_words *w, schema_keyword open, schema_keyword closed, int sign,
                               bound *out) {
    bound with = {0}, without = {0};
    if (w->value[closed] && !read_bound(s, w->value[closed], false, sign, &with)) return false;
    if (w->value[open] && !read_bound(s, w->value[open], true, sign, &without)) return false;
    *out = tighter(&without, &with, sign);
    return true;
}
