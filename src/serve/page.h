/* The page of the server: files of src/serve/page, which the build puts into the program. Pure functions, for any
 * thread. */
#ifndef ROMA_SERVE_PAGE_H
#define ROMA_SERVE_PAGE_H

#include "roma/base.h"

/* A file as it was built in: where it is served, what it is, its bytes. Static. */
typedef struct {
    const char *path, *type, *text;
    size_t len;
} roma_serve_file;
/* All of them, up to one without a path: gen/page_files.c, made by the Makefile. */
extern const roma_serve_file roma_serve_files[];

enum { ROMA_SERVE_PAGE_HEADERS = 512 };
/* An answer, in the arguments of roma_http_reply, which says nosniff of everything: 200 with the file or 304 without;
 * header lines with ETag, Cache-Control and Content-Security-Policy. */
typedef struct {
    int status;
    const char *type, *body; /* static; NULL with 304 */
    size_t len;
    char headers[ROMA_SERVE_PAGE_HEADERS];
} roma_serve_page;
/* Answers a GET or HEAD of a path, `len` bytes, whose If-None-Match is this text (NULL: there is none). False: the path
 * is none of the page's. The page itself needs no API key: it holds no secret, and asks for the key. */
bool roma_serve_page_get(roma_serve_page *out, const char *path, size_t len, const char *if_none_match,
                         size_t match_len);

#endif
