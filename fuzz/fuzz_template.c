/* libFuzzer target: any text as a chat template, rendered within small limits over a conversation; a second part,
 * behind a zero byte, is the messages' JSON. A rendered text knows of each byte where it comes from. */
#include "roma/template.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char TOOLS[] = "[{\"name\":\"f\",\"parameters\":{\"x\":[1,-2.5e3,null,true,\"\\u00e9<|im_end|>\"]}}]";
static const char MESSAGES[] =
    "[{\"role\":\"system\",\"content\":\"Be \\ud83c\\udf89\"},{\"role\":\"user\",\"content\":\" x y \"},"
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":1}]}]";

static void check(bool ok) {
    if (!ok) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data, *zero = size ? memchr(text, 0, size) : NULL;
    const size_t len = zero ? (size_t)(zero - text) : size;
    const roma_template_variable v[] = {
        {"messages", zero ? zero + 1 : MESSAGES, zero ? size - len - 1 : sizeof MESSAGES - 1, true, false},
        {"tools", TOOLS, sizeof TOOLS - 1, true, false},
        {"bos_token", "<s>", 3, false, true},
        {"s", "aB\xff\xc3\xa9 c", 7, false, false}};
    const roma_template_input in = {.variables = v,
                                    .n_variables = sizeof v / sizeof *v,
                                    .date = {.year = 2026, .month = 2, .day = 3},
                                    .limits = {.steps = 20000, .bytes = 1 << 24, .output = 1 << 16, .depth = 100}};
    roma_template *t;
    roma_template_output out;
    roma_error err = {0};
    int rc = roma_template_create(&t, text, len, "", &err);
    if (!rc) rc = roma_template_render(t, &in, &out, &err);
    roma_template_destroy(t);
    if (rc) {
        check(err.code == rc && err.text[0]);
        return 0;
    }
    check(out.len <= in.limits.output && out.text[out.len] == 0);
    for (size_t i = 0; i < out.len; i++) check(out.trusted[i] <= 1);
    roma_template_output_free(&out);
    return 0;
}
