/* roma tokenize: text to token ids. */
#include "tool.h"

#include <string.h>

static int run(const char *image, const char *text, const char *file, unsigned flags, bool as_json, bool no_verify,
               roma_error *err) {
    roma_image img;
    roma_tokenizer *tok = NULL;
    roma_buf in = {0}, out = {0};
    int32_t *ids = NULL;
    size_t n = 0;
    int rc = image_open(&img, image, no_verify, 0, err);
    if (rc) return fail("tokenize", err);
    if (!img.has_vocab) rc = roma_fail(err, ROMA_EUNSUPPORTED, image, ROMA_NOWHERE, "the image holds no tokenizer");
    if (!rc) rc = roma_tokenizer_create(&tok, &img.vocab, image, err);
    if (!rc && file) rc = read_all(&in, file, err);
    if (!rc && text) roma_buf_append(&in, text, strlen(text));
    if (!rc) rc = roma_tokenize_all(tok, (const char *)in.data, in.len, flags, &ids, &n, err);
    if (!rc && as_json) {
        roma_json j = {.out = &out};
        roma_json_open(&j, NULL, '{');
        roma_json_open(&j, "ids", '[');
        for (size_t i = 0; i < n; i++) roma_json_int(&j, NULL, ids[i]);
        roma_json_close(&j, ']');
        roma_json_close(&j, '}');
    } else if (!rc) {
        for (size_t i = 0; i < n; i++) roma_buf_print(&out, "%s%d", i ? " " : "", ids[i]);
    }
    roma_buf_append(&out, "\n", 1);
    roma_free(ids);
    roma_buf_destroy(&in);
    roma_tokenizer_destroy(tok);
    roma_image_close(&img);
    if (!rc) return print_buf("tokenize", &out, 0);
    roma_buf_destroy(&out);
    return fail("tokenize", err);
}

int verb_tokenize(int argc, char **argv) {
    const char *operand[OPERANDS_MAX] = {NULL}, *file = NULL;
    bool as_json = false, special = false, bos = false, no_verify = false;
    size_t n;
    const option own[] = {
        {"file", 'f', OPT_TEXT, &file, "FILE", 0, 0, "the text from a file, byte for byte; - is standard input"},
        {"special", 0, OPT_FLAG, &special, NULL, 0, 0, "control tokens in the text count as such"},
        {"bos", 0, OPT_FLAG, &bos, NULL, 0, 0, "add the tokens that the model's own settings add"},
        {"json", 0, OPT_FLAG, &as_json, NULL, 0, 0, "one JSON object on standard output"},
        {"no-verify", 0, OPT_FLAG, &no_verify, NULL, 0, 0, "skip the checksums on opening"},
        {0}};
    const usage u = {"tokenize",
                     "IMAGE TEXT|-|-f FILE [options]",
                     "Prints the token ids of a text on one line; - reads standard input.",
                     "roma tokenize model.roma \"Hello, world\"",
                     own,
                     NULL,
                     1,
                     2};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    if ((n == 2) == !!file) return usage_error("tokenize", "give one of TEXT, - and -f FILE");
    const char *text = n == 2 ? operand[1] : NULL;
    if (text && strcmp(text, "-") == 0) {
        file = "-";
        text = NULL;
    }
    roma_error err;
    return run(operand[0], text, file, (special ? ROMA_TEXT_SPECIAL : 0u) | (bos ? ROMA_TEXT_BOS : 0u), as_json,
               no_verify, &err);
}
