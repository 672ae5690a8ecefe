/* The page's files: what the program holds is what stands in src/serve/page, byte for byte; headers; 304. */
#include "../test.h"
#include "serve/page.h"

#include <string.h>

static roma_serve_page get(const char *path, const char *match) {
    roma_serve_page page;
    memset(&page, 0x55, sizeof page);
    CHECK(roma_serve_page_get(&page, path, strlen(path), match, match ? strlen(match) : 0));
    return page;
}

static void same(const char *path, const char *file, const char *type) {
    roma_error err = {0};
    uint8_t *data;
    uint64_t size;
    const roma_serve_page page = get(path, NULL);
    CHECK_EQ(roma_file_read(file, 1 << 20, &data, &size, &err), 0);
    CHECK_EQ(page.status, 200);
    CHECK_EQ(page.len, size);
    CHECK_BYTES(page.body, data, size);
    CHECK_STR(page.type, type);
    roma_free(data);
}

static void test_files(void) {
    same("/", "src/serve/page/index.html", "text/html; charset=utf-8");
    same("/page/page.css", "src/serve/page/page.css", "text/css; charset=utf-8");
    same("/page/adapters.js", "src/serve/page/adapters.js", "text/javascript; charset=utf-8");
    same("/page/chat.js", "src/serve/page/chat.js", "text/javascript; charset=utf-8");
    same("/page/chip.js", "src/serve/page/chip.js", "text/javascript; charset=utf-8");
    same("/page/text.js", "src/serve/page/text.js", "text/javascript; charset=utf-8");
    size_t n = 0, bytes = 0;
    for (const roma_serve_file *f = roma_serve_files; f->path; f++) n++, bytes += f->len;
    CHECK(n == 6 && bytes < 60000);
    roma_serve_page page;
    const char *const none[] = {
        "", "/page", "/page/", "/page/page.cs", "/page/page.css/", "/index.html", "/page/../page.css", "//"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        CHECK(!roma_serve_page_get(&page, none[i], strlen(none[i]), NULL, 0));
}

/* The ETag of a page's header lines; the caller's array. */
static const char *tag_of(const roma_serve_page *page, char tag[32]) {
    const char *at = strstr(page->headers, "ETag: ");
    CHECK(at && strcspn(at + 6, "\r") < 32);
    roma_print(tag, 32, "%.*s", (int)strcspn(at + 6, "\r"), at + 6);
    return tag;
}

static void test_headers(void) {
    char html[32], css[32], list[96];
    const roma_serve_page page = get("/", NULL), other = get("/page/page.css", NULL);
    CHECK_HAS(page.headers, "\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; ");
    CHECK_HAS(page.headers, "frame-ancestors 'none'\r\n");
    CHECK(!strstr(page.headers, "unsafe") && !strstr(page.headers, "http:"));
    CHECK(strlen(page.headers) + 1 < sizeof page.headers &&
          strcmp(page.headers + strlen(page.headers) - 2, "\r\n") == 0);
    CHECK(strcmp(tag_of(&page, html), tag_of(&other, css)) != 0);
    roma_print(list, sizeof list, "%s, W/%s", css, html);
    const char *const known[] = {html, list, "*"};
    for (size_t i = 0; i < 3; i++) {
        const roma_serve_page same_page = get("/", known[i]);
        CHECK(same_page.status == 304 && same_page.len == 0 && !same_page.body && !same_page.type);
        CHECK_HAS(same_page.headers, html);
    }
    CHECK_EQ(get("/", css).status, 200);
    CHECK_EQ(get("/", "").status, 200);
    CHECK_EQ(get("/", "\"\"").status, 200);
}

int main(void) {
    test_files();
    test_headers();
    return TEST_DONE();
}
