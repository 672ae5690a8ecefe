/* Renders templates for tests/template/test_jinja.py: requests on stdin, answers on stdout.
 *
 * A request is a line "DATE TEMPLATE N", TEMPLATE being bytes of a template and N a number of variables, then the
 * template, then for each variable a line "NAME KIND BYTES", KIND j (JSON), t (text) or T (text that counts as the
 * template's), and its bytes. An answer is a line "KIND BYTES", KIND refused (at parsing), error or ok, and the message
 * or text; after ok the text is followed by as many bytes of '1' and '0': trusted or not. */
#include <stdlib.h>
#include <string.h>
#include "roma/template.h"

enum { VARIABLES = 64 };

static void answer(const char *kind, const char *text, size_t len) {
    printf("%s %zu\n", kind, len);
    fwrite(text, 1, len, stdout);
}

static void fail(const char *kind, const roma_error *err) {
    char text[1024];
    roma_error_format(err, text, sizeof text);
    answer(kind, text, strlen(text));
}

static char *bytes(size_t n) {
    char *p = malloc(n + 1);
    if (!p || fread(p, 1, n, stdin) != n) exit(3);
    p[n] = 0;
    return p;
}

static void render(const roma_template *t, const roma_template_input *in) {
    roma_error err = {0};
    roma_template_output out;
    if (roma_template_render(t, in, &out, &err)) {
        fail("error", &err);
        return;
    }
    answer("ok", out.text, out.len);
    for (size_t i = 0; i < out.len; i++) putchar(out.trusted[i] ? '1' : '0');
    roma_template_output_free(&out);
}

int main(void) {
    char date[32], name[VARIABLES][64], kind[4];
    size_t len, n;
    while (scanf("%31s %zu %zu", date, &len, &n) == 3 && getchar() == '\n' && n <= VARIABLES) {
        roma_template_variable v[VARIABLES];
        roma_template_input in = {.variables = v, .n_variables = n};
        char *text = bytes(len);
        roma_error err = {0};
        roma_template *t;
        roma_template_date_read(&in.date, date);
        for (size_t i = 0; i < n; i++) {
            size_t size;
            if (scanf("%63s %3s %zu", name[i], kind, &size) != 3 || getchar() != '\n') return 3;
            v[i] = (roma_template_variable){name[i], bytes(size), size, *kind == 'j', *kind == 'T'};
        }
        if (roma_template_create(&t, text, len, "", &err))
            fail("refused", &err);
        else
            render(t, &in);
        fflush(stdout);
        roma_template_destroy(t);
        free(text);
        for (size_t i = 0; i < n; i++) free((char *)(uintptr_t)v[i].text);
    }
    return 0;
}
