/* Text inside XML, CSV and a terminal. Bytes that are not UTF-8 become U+FFFD, or \xNN in plain text. */
#include "report/internal.h"

#include <string.h>

void roma_report_xml_text(roma_buf *out, const char *s) {
    size_t n = strlen(s);
    for (size_t i = 0, len; i < n; i += len) {
        unsigned char c = (unsigned char)s[i];
        len = roma_utf8(s + i, n - i);
        /* U+FFFE and U+FFFF are no XML characters either */
        bool bad = !len || (len == 3 && memcmp(s + i, "\xef\xbf", 2) == 0 && (unsigned char)s[i + 2] >= 0xbe);
        if (bad) {
            roma_buf_print(out, "&#xfffd;");
            if (!len) len = 1;
        } else if (c == '&')
            roma_buf_print(out, "&amp;");
        else if (c == '<')
            roma_buf_print(out, "&lt;");
        else if (c == '>')
            roma_buf_print(out, "&gt;");
        else if (c == '"')
            roma_buf_print(out, "&quot;");
        else if (c < 0x20 || c == 0x7f)
            roma_buf_append(out, " ", 1); /* XML 1.0 has no way to write most of them */
        else
            roma_buf_append(out, s + i, len);
    }
}

const char *roma_report_ascii(char *buf, size_t cap, const char *s) { return roma_error_name(buf, cap, s, strlen(s)); }

static bool is_number(const char *s) {
    if (strcmp(s, "nan") == 0 || strcmp(s, "inf") == 0 || strcmp(s, "-inf") == 0) return true;
    if (*s == '-' || *s == '+') s++;
    size_t digits = strspn(s, "0123456789");
    s += digits;
    if (*s == '.') {
        size_t more = strspn(++s, "0123456789");
        digits += more;
        s += more;
    }
    if (!digits) return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        if (*s == '-' || *s == '+') s++;
        digits = strspn(s, "0123456789");
        if (!digits) return false;
        s += digits;
    }
    return *s == '\0';
}

bool roma_report_csv_is_plain(const char *s) {
    return *s == '\0' || strcmp(s, "true") == 0 || strcmp(s, "false") == 0 || is_number(s);
}

void roma_report_csv_text(roma_buf *out, const char *s, bool always) {
    if (!always && !strpbrk(s, ",\"\r\n")) {
        roma_buf_print(out, "%s", s);
        return;
    }
    roma_buf_append(out, "\"", 1);
    for (; *s; s++) roma_buf_append(out, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
    roma_buf_append(out, "\"", 1);
}

void roma_report_end_line(roma_buf *out, size_t line) {
    while (out->len > line && out->data[out->len - 1] == ' ') out->len--;
    roma_buf_append(out, "\n", 1);
}
