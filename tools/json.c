/* JSON writing; contract in json.h. */
#include "json.h"

#include <string.h>

/* Length of the UTF-8 character at s (n bytes left), 0 when it is none. */
static size_t utf8_length(const uint8_t *s, size_t n) {
    const uint8_t c = s[0];
    const size_t len = c < 0x80                ? 1
                       : c >= 0xc2 && c < 0xe0 ? 2
                       : c >= 0xe0 && c < 0xf0 ? 3
                       : c >= 0xf0 && c < 0xf5 ? 4
                                               : 0;
    if (!len || len > n) return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] >= 0xa0) || (c == 0xf0 && s[1] < 0x90) ||
        (c == 0xf4 && s[1] >= 0x90))
        return 0;
    return len;
}

static void quote(roma_buf *b, const char *text, size_t len) {
    const uint8_t *s = (const uint8_t *)text;
    roma_buf_append(b, "\"", 1);
    for (size_t i = 0; i < len;) {
        const size_t n = utf8_length(s + i, len - i);
        if (n == 0)
            roma_buf_append(b, "\xef\xbf\xbd", 3);
        else if (s[i] == '"' || s[i] == '\\')
            roma_buf_print(b, "\\%c", s[i]);
        else if (s[i] == '\n')
            roma_buf_append(b, "\\n", 2);
        else if (s[i] < 0x20 || s[i] == 0x7f)
            roma_buf_print(b, "\\u%04x", s[i]);
        else
            roma_buf_append(b, s + i, n);
        i += n ? n : 1;
    }
    roma_buf_append(b, "\"", 1);
}

static void lead(json *j, const char *key) {
    if (j->comma) roma_buf_append(j->out, ",", 1);
    j->comma = true;
    if (!key) return;
    quote(j->out, key, strlen(key));
    roma_buf_append(j->out, ":", 1);
}

void json_open(json *j, const char *key, char bracket) {
    lead(j, key);
    roma_buf_append(j->out, &bracket, 1);
    j->comma = false;
}

void json_close(json *j, char bracket) {
    roma_buf_append(j->out, &bracket, 1);
    j->comma = true;
}

void json_text(json *j, const char *key, const char *text, size_t len) {
    lead(j, key);
    quote(j->out, text, len);
}

void json_string(json *j, const char *key, const char *text) {
    if (text)
        json_text(j, key, text, strlen(text));
    else
        json_null(j, key);
}

void json_int(json *j, const char *key, int64_t v) {
    lead(j, key);
    roma_buf_print(j->out, "%lld", (long long)v);
}

void json_real(json *j, const char *key, double v) {
    lead(j, key);
    if (v - v != 0)
        roma_buf_append(j->out, "null", 4);
    else
        roma_buf_print(j->out, "%.9g", v);
}

void json_bool(json *j, const char *key, bool v) {
    lead(j, key);
    roma_buf_print(j->out, "%s", v ? "true" : "false");
}

void json_null(json *j, const char *key) {
    lead(j, key);
    roma_buf_append(j->out, "null", 4);
}

void json_hex(json *j, const char *key, const uint8_t *bytes, size_t n) {
    char hex[2 * 32 + 1];
    roma_hex(hex, bytes, n <= 32 ? n : 32);
    json_string(j, key, hex);
}
