/* Texts and numbers of JSON, and what numbers are worth. */
#include "json/internal.h"

#include <string.h>

/* ---- texts ---- */

static bool hex4(const char *p, const char *end, uint32_t *out) { return roma_hex_read(p, end, 4, out) == 4; }

static size_t put_utf8(char out[4], uint32_t u) {
    static const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
    const unsigned more = u < 0x80 ? 0 : u < 0x800 ? 1 : u < 0x10000 ? 2 : 3;
    out[0] = (char)(first[more] | u >> (6 * more));
    for (unsigned i = 1; i <= more; i++) out[i] = (char)(0x80 | (u >> (6 * (more - i)) & 63));
    return more + 1;
}

size_t roma_json_unescape(const char *p, const char *end, char out[4], size_t *n) {
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    if (end - p < 2) return 0;
    const char *k = memchr(from, p[1], sizeof from - 1);
    uint32_t u, low;
    if (k) {
        out[0] = into[k - from];
        *n = 1;
        return 2;
    }
    if (p[1] != 'u' || !hex4(p + 2, end, &u) || (u >= 0xdc00 && u < 0xe000)) return 0;
    if (u < 0xd800 || u >= 0xdc00) {
        *n = put_utf8(out, u);
        return 6;
    }
    if (end - p < 12 || p[6] != '\\' || p[7] != 'u' || !hex4(p + 8, end, &low) || low < 0xdc00 || low >= 0xe000)
        return 0;
    *n = put_utf8(out, 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00));
    return 12;
}

/* Bytes that need no look: printable ASCII but for quote and backslash. */
static const char *plain_end(const char *p, const char *end) {
    while (p < end && *p >= ' ' && *p < 0x7f && *p != '"' && *p != '\\') p++;
    return p;
}

/* What is wrong with the character at p, which is none of a text. */
static const char *fault(const char *p, const char *end) {
    if (p == end) return "a text does not end";
    if ((unsigned char)*p < 0x20) return "a control character must be escaped";
    return *p == '\\' ? "a bad escape" : "a text is not UTF-8";
}

int roma_json_take_text(roma_json_reader *r, roma_error *err) {
    const char *p = ++r->p, *piece = p;
    bool copies = false;
    r->unescaped.len = 0;
    while (p < r->end && *p != '"') {
        char c[4];
        size_t n = 0, took = 0;
        if (*p == '\\') {
            took = roma_json_unescape(p, r->end, c, &n);
        } else if ((unsigned char)*p >= 0x20) {
            p = plain_end(p, r->end);
            if (p < r->end && *p != '"' && *p != '\\')
                p += took = roma_utf8(p, (unsigned char)*p < 0x20 ? 0 : (size_t)(r->end - p));
            else
                took = 1;
        }
        if (!took) return roma_json_bad(r, p, err, fault(p, r->end));
        if (!n) continue;
        roma_buf_append(&r->unescaped, piece, (size_t)(p - piece));
        roma_buf_append(&r->unescaped, c, n);
        piece = p += took;
        copies = true;
    }
    if (p == r->end) return roma_json_bad(r, p, err, fault(p, r->end));
    if (copies) roma_buf_append(&r->unescaped, piece, (size_t)(p - piece));
    if (r->unescaped.failed)
        return roma_fail(err, ROMA_ENOMEM, r->from.file, ROMA_NOWHERE, "no memory for a text of the JSON");
    r->text = copies ? (const char *)r->unescaped.data : piece;
    r->len = copies ? r->unescaped.len : (size_t)(p - piece);
    r->p = p + 1;
    return ROMA_OK;
}

/* ---- numbers ---- */

static bool is_digit(const roma_json_reader *r, const char *p) { return p < r->end && *p >= '0' && *p <= '9'; }

static const char *digits(const roma_json_reader *r, const char *p) {
    while (is_digit(r, p)) p++;
    return p;
}

int roma_json_take_number(roma_json_reader *r, roma_error *err) {
    const char *p = r->p + (*r->p == '-');
    if (!is_digit(r, p)) return roma_json_bad(r, p, err, "a digit is missing");
    if (*p == '0' && is_digit(r, p + 1)) return roma_json_bad(r, p, err, "a number must not begin with 0");
    p = digits(r, p);
    if (p < r->end && *p == '.') {
        if (!is_digit(r, ++p)) return roma_json_bad(r, p, err, "a digit is missing behind the point");
        p = digits(r, p);
    }
    if (p < r->end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < r->end && (*p == '+' || *p == '-')) p++;
        if (!is_digit(r, p)) return roma_json_bad(r, p, err, "a digit is missing in the exponent");
        p = digits(r, p);
    }
    r->text = r->p;
    r->len = (size_t)(p - r->p);
    r->p = p;
    return ROMA_OK;
}

bool roma_json_to_u64(const char *text, size_t len, uint64_t *out) {
    uint64_t v = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || !roma_mul(v, 10, &v) || !roma_add(v, (uint64_t)(text[i] - '0'), &v))
            return false;
    }
    if (len) *out = v;
    return len != 0;
}

bool roma_json_to_i64(const char *text, size_t len, int64_t *out) {
    if (!len) return false;
    const bool minus = *text == '-';
    uint64_t v;
    if (!roma_json_to_u64(text + minus, len - minus, &v) || v > (uint64_t)INT64_MAX + minus) return false;
    *out = minus && v ? -(int64_t)(v - 1) - 1 : (int64_t)v;
    return true;
}

bool roma_json_to_real(const char *text, size_t len, double *out) { return roma_real_read(text, len, out); }
