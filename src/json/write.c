/* The JSON writer; contract in roma/json.h. */
#include "roma/json.h"

#include <math.h>
#include <string.h>

static void put(roma_buf *b, const char *text) { roma_buf_append(b, text, strlen(text)); }

static void quote(roma_buf *b, const char *text, size_t len) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *s = (const uint8_t *)text;
    put(b, "\"");
    for (size_t i = 0, n; i < len; i += n ? n : 1) {
        n = roma_utf8(s + i, len - i);
        if (n == 0)
            put(b, "\xef\xbf\xbd");
        else if (s[i] == '"' || s[i] == '\\')
            roma_buf_append(b, (const char[]){'\\', (char)s[i]}, 2);
        else if (s[i] == '\n')
            put(b, "\\n");
        else if (s[i] < 0x20 || s[i] == 0x7f)
            roma_buf_append(b, (const char[]){'\\', 'u', '0', '0', digits[s[i] >> 4], digits[s[i] & 15]}, 6);
        else
            roma_buf_append(b, s + i, n);
    }
    put(b, "\"");
}

static void lead(roma_json *j, const char *key) {
    if (j->comma) put(j->out, ",");
    if (j->line) put(j->out, "\n");
    j->comma = true;
    j->line = false;
    if (!key) return;
    quote(j->out, key, strlen(key));
    put(j->out, ":");
}

void roma_json_open(roma_json *j, const char *key, char bracket) {
    lead(j, key);
    roma_buf_append(j->out, &bracket, 1);
    j->comma = false;
}

void roma_json_close(roma_json *j, char bracket) {
    if (j->line) put(j->out, "\n");
    roma_buf_append(j->out, &bracket, 1);
    j->comma = true;
    j->line = false;
}

void roma_json_line(roma_json *j) { j->line = true; }

void roma_json_text(roma_json *j, const char *key, const char *text, size_t len) {
    lead(j, key);
    quote(j->out, text, len);
}

void roma_json_string(roma_json *j, const char *key, const char *text) {
    if (text)
        roma_json_text(j, key, text, strlen(text));
    else
        roma_json_null(j, key);
}

void roma_json_int(roma_json *j, const char *key, int64_t v) {
    lead(j, key);
    roma_buf_print(j->out, "%lld", (long long)v);
}

void roma_json_uint(roma_json *j, const char *key, uint64_t v) {
    lead(j, key);
    roma_buf_print(j->out, "%llu", (unsigned long long)v);
}

void roma_json_real(roma_json *j, const char *key, double v) { roma_json_digits(j, key, v, 9); }

void roma_json_digits(roma_json *j, const char *key, double v, int digits) {
    char text[ROMA_REAL_CAP];
    lead(j, key);
    put(j->out, isfinite(v) ? roma_real_print(text, v, digits) : "null");
}

void roma_json_number(roma_json *j, const char *key, const char *text, size_t len) {
    lead(j, key);
    roma_buf_append(j->out, text, len);
}

void roma_json_bool(roma_json *j, const char *key, bool v) {
    lead(j, key);
    put(j->out, v ? "true" : "false");
}

void roma_json_null(roma_json *j, const char *key) {
    lead(j, key);
    put(j->out, "null");
}

void roma_json_hex(roma_json *j, const char *key, const uint8_t *bytes, size_t n) {
    char hex[2 * 256 + 1];
    lead(j, key);
    put(j->out, "\"");
    for (size_t done = 0, part; done < n; done += part) {
        part = n - done < 256 ? n - done : 256;
        roma_hex(hex, bytes + done, part);
        roma_buf_append(j->out, hex, 2 * part);
    }
    put(j->out, "\"");
}
