/* Answers for the page's files; contract in page.h. */
#include "serve/page.h"

#include <string.h>

/* Nothing but the page's own files, by its own origin: no script in markup, no frame around it, no form, no <base>.
 * data: is the empty icon. */
#define POLICY                                                                                                         \
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "              \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static bool contains(const char *text, size_t len, const char *part) {
    const size_t n = strlen(part);
    for (size_t i = 0; i + n <= len; i++)
        if (memcmp(text + i, part, n) == 0) return true;
    return false;
}

bool roma_serve_page_get(roma_serve_page *out, const char *path, size_t len, const char *if_none_match,
                         size_t match_len) {
    const roma_serve_file *f = roma_serve_files;
    char tag[24];
    while (f->path && (strlen(f->path) != len || memcmp(f->path, path, len) != 0)) f++;
    if (!f->path) return false;
    roma_print(tag, sizeof tag, "\"%08x-%zx\"", (unsigned)roma_crc32c(0, f->text, f->len), f->len);
    /* no-cache: kept, and asked about each time, so that another version of the program has another page at once */
    roma_print(out->headers, sizeof out->headers,
               "ETag: %s\r\nCache-Control: no-cache\r\nReferrer-Policy: no-referrer\r\n"
               "Content-Security-Policy: " POLICY "\r\n",
               tag);
    const bool is_known =
        if_none_match && (contains(if_none_match, match_len, tag) || (match_len == 1 && *if_none_match == '*'));
    out->status = is_known ? 304 : 200;
    out->type = is_known ? NULL : f->type;
    out->body = is_known ? NULL : f->text;
    out->len = is_known ? 0 : f->len;
    return true;
}
