/* roma tokenize: text, or a conversation through a chat template, to token ids. */
#include "tool.h"
#include "roma/import.h"

#include <string.h>

typedef struct {
    const char *file, *text, *from, *pre; /* the model's; the text, or the file that has it */
    unsigned flags;
    bool as_json, no_verify;
} words;

/* A line of ids, or the JSON object that as_json opened. */
static void put_ids(roma_buf *out, roma_json *j, const int32_t *ids, size_t n) {
    if (j) {
        roma_json_open(j, "ids", '[');
        for (size_t i = 0; i < n; i++) roma_json_int(j, NULL, ids[i]);
        roma_json_close(j, ']');
        roma_json_close(j, '}');
    } else {
        for (size_t i = 0; i < n; i++) roma_buf_print(out, "%s%d", i ? " " : "", ids[i]);
    }
    roma_buf_append(out, "\n", 1);
}

static int tokenise(const words *w, const roma_vocab *v, const char *notes, roma_error *err) {
    roma_tokenizer *tok;
    roma_buf in = {0}, out = {0};
    roma_json j = {.out = &out};
    int32_t *ids = NULL;
    size_t n = 0;
    int rc = roma_tokenizer_create(&tok, v, w->file, err);
    if (!rc && w->from) rc = read_all(&in, w->from, err);
    if (!rc && w->text) roma_buf_append(&in, w->text, strlen(w->text));
    if (!rc) rc = roma_tokenize_all(tok, (const char *)in.data, in.len, w->flags, &ids, &n, err);
    if (!rc && w->as_json) roma_json_open(&j, NULL, '{');
    if (!rc && w->as_json && notes) warn_json(&j, notes);
    if (!rc) put_ids(&out, w->as_json ? &j : NULL, ids, n);
    roma_free(ids);
    roma_buf_destroy(&in);
    roma_tokenizer_destroy(tok);
    if (!rc) return print_buf("tokenize", &out, 0);
    roma_buf_destroy(&out);
    return fail("tokenize", err);
}

/* With the tokenizer of an image, or of a GGUF file or a folder, which may hold nothing else. */
static int run(const words *w, roma_error *err) {
    if (roma_import_is_model(w->file)) {
        roma_import imp;
        if (roma_import_open_vocab(&imp, w->file, w->pre, err)) return fail("tokenize", err);
        warn("tokenize", w->file, imp.notes);
        const int exit_code = tokenise(w, &imp.vocab, imp.notes, err);
        roma_import_close(&imp);
        return exit_code;
    }
    roma_image img;
    if (w->pre) return usage_error("tokenize", "--pre is of a GGUF file; an image knows its pre-tokenizer");
    int rc = image_open(&img, w->file, w->no_verify, 0, err);
    if (rc) return fail("tokenize", err);
    if (!img.has_vocab) rc = roma_fail(err, ROMA_EUNSUPPORTED, w->file, ROMA_NOWHERE, "the image holds no tokenizer");
    const int exit_code = rc ? fail("tokenize", err) : tokenise(w, &img.vocab, NULL, err);
    roma_image_close(&img);
    return exit_code;
}

static int print_conversation(const roma_buf *prompt, const int32_t *ids, size_t n, bool as_json) {
    roma_buf out = {0};
    roma_json j = {.out = &out};
    if (as_json) {
        roma_json_open(&j, NULL, '{');
        if (prompt->data)
            roma_json_text(&j, "prompt", (const char *)prompt->data, prompt->len);
        else
            roma_json_null(&j, "prompt"); /* a template by name has no text of its own */
    }
    put_ids(&out, as_json ? &j : NULL, ids, n);
    return print_buf("tokenize", &out, 0);
}

/* The messages of a file through the chat template. */
static int converse(session_config *c, const char *messages, bool as_json, roma_error *err) {
    session s;
    roma_buf in = {0}, prompt = {0};
    int32_t *ids = NULL;
    size_t n = 0;
    int exit_code = 0, rc = session_open(&s, c, err);
    if (rc) return fail("tokenize", err);
    rc = read_all(&in, messages, err);
    if (!rc && roma_answer_is_raw(s.a, 0)) {
        const char *why = roma_answer_template_note(s.a);
        rc = roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "messages need a chat template: %s",
                       why ? why : "'none' was named");
    }
    roma_answer_dialog d = s.dialog;
    d.json = (roma_answer_text){in.len ? (const char *)in.data : "", in.len};
    if (!rc) rc = roma_answer_dialog_prompt(s.a, &d, &ids, &n, &prompt, err);
    exit_code = rc ? fail("tokenize", err) : print_conversation(&prompt, ids, n, as_json);
    roma_free(ids);
    roma_buf_destroy(&prompt);
    roma_buf_destroy(&in);
    session_close(&s);
    return exit_code;
}

int verb_tokenize(int argc, char **argv) {
    static session_config c;
    const char *operand[OPERANDS_MAX] = {NULL}, *file = NULL, *messages = NULL, *pre = NULL;
    bool as_json = false, special = false, bos = false, no_verify = false;
    size_t n;
    const option own[] = {
        {"file", 'f', OPT_TEXT, &file, "FILE", 0, 0, "the text from a file, byte for byte; - is standard input"},
        {"messages", 0, OPT_TEXT, &messages, "FILE", 0, 0, "a conversation through the chat template, a JSON array"},
        {"special", 0, OPT_FLAG, &special, NULL, 0, 0, "control tokens in the text count as such"},
        {"bos", 0, OPT_FLAG, &bos, NULL, 0, 0, "add the tokens that the model's own settings add"},
        {"pre", 0, OPT_TEXT, &pre, "NAME", 0, 0, "pre-tokenizer of a GGUF file that names none: llama-bpe, ..."},
        {"json", 0, OPT_FLAG, &as_json, NULL, 0, 0, "one JSON object on standard output"},
        {"no-verify", 0, OPT_FLAG, &no_verify, NULL, 0, 0, "skip the checksums on opening"},
        {0}};
    const option shared[] = {TEMPLATE_OPTIONS(c), {0}};
    const usage u = {
        "tokenize",
        "IMAGE|MODEL TEXT|-|-f FILE|--messages FILE [options]",
        "Prints the token ids of a text on one line; - reads standard input. MODEL is a GGUF file or a Hugging Face\n"
        "folder, and needs no weights. With --messages the ids are those of a conversation, and --json has the prompt "
        "as the chat\n"
        "template writes it.",
        "roma tokenize model.roma \"Hello, world\"",
        own,
        shared,
        1,
        2};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    if ((n == 2) + !!file + !!messages != 1)
        return usage_error("tokenize", "give one of TEXT, -, -f FILE and --messages FILE");
    static const option_need needs[] = {{"template", "messages"},  {"template-arg", "messages"}, {"tools", "messages"},
                                        {"documents", "messages"}, {"date", "messages"},         {0}};
    static const char *const of_text[] = {"special", "bos", "pre", NULL};
    int wrong = options_need("tokenize", needs);
    if (wrong == OPTIONS_GO && messages)
        wrong = options_refuse("tokenize", of_text, "is of a text; with --messages the chat template decides");
    if (wrong != OPTIONS_GO) return wrong;
    const char *text = n == 2 ? operand[1] : NULL;
    if (text && strcmp(text, "-") == 0) {
        file = "-";
        text = NULL;
    }
    roma_error err;
    c.answer.image = operand[0];
    c.answer.no_verify = no_verify;
    if (messages) return converse(&c, messages, as_json, &err);
    const words w = {.file = operand[0],
                     .text = text,
                     .from = file,
                     .pre = pre,
                     .flags = (special ? ROMA_TEXT_SPECIAL : 0u) | (bos ? ROMA_TEXT_BOS : 0u),
                     .as_json = as_json,
                     .no_verify = no_verify};
    return run(&w, &err);
}
