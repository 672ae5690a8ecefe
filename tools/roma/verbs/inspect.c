/* roma inspect: what is in an image, or in any GGUF file. */
#include "adapter.h"
#include "show/inspect_show.h"
#include "roma/import.h"

bool is_adapter(const char *path) {
    char magic[8];
    return roma_file_head(path, magic, 8) == 8 && roma_adapter_is(magic, 8);
}

int inspect_adapter(const char *verb, const char *path, bool as_json) {
    roma_adapter a;
    roma_error err;
    roma_buf b = {0};
    if (roma_adapter_open(&a, path, 0, &err)) return fail(verb, &err);
    if (as_json)
        adapter_json(&a, path, &b);
    else
        roma_adapter_print(&a, &b);
    roma_adapter_close(&a);
    return print_page(verb, &b, 0);
}

int verb_inspect(int argc, char **argv) {
    const char *operand[OPERANDS_MAX];
    bool as_json = false, no_verify = false;
    size_t n;
    const option own[] = {{"json", 0, OPT_FLAG, &as_json, NULL, 0, 0, "one JSON object on standard output"},
                          {"no-verify", 0, OPT_FLAG, &no_verify, NULL, 0, 0, "skip the checksums on opening"},
                          {0}};
    const usage u = {"inspect",
                     "IMAGE|ADAPTER|MODEL.gguf [options]",
                     "Shows what is in an image: shape, tokenizer, hashes, every tensor with its format and place; in "
                     "an adapter. Of a GGUF file,\n"
                     "whatever its architecture: metadata and tensors.",
                     "roma inspect model.roma",
                     own,
                     NULL,
                     1,
                     1};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    roma_buf b = {0};
    roma_error err;
    if (roma_gguf_is(operand[0])) {
        if (!roma_gguf_print(operand[0], &b, as_json, &err)) return print_page("inspect", &b, 0);
        roma_buf_destroy(&b);
        return fail("inspect", &err);
    }
    if (is_adapter(operand[0])) return inspect_adapter("inspect", operand[0], as_json);
    roma_image img;
    if (image_open(&img, operand[0], no_verify, 0, &err)) return fail("inspect", &err);
    if (as_json)
        image_json(&img, operand[0], &b);
    else
        image_text(&img, &b);
    roma_image_close(&img);
    return print_page("inspect", &b, 0);
}
