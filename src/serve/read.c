/* Bodies of OpenAI's protocols: keys that are done, ignored by a written list, or refused by name. Contract in asked.h.
 */
#include "serve/asked.h"

#include <string.h>

/* What names or accounts for a request and changes no answer; docs/server.md has this list. */
static const char *const ignored[] = {"user",
                                      "metadata",
                                      "service_tier",
                                      "safety_identifier",
                                      "truncation_strategy",
                                      "prompt_cache_key",
                                      "prompt_cache_options",
                                      "prompt_cache_retention",
                                      "prediction",
                                      NULL};

/* What is known and would change an answer, but is not done here: refused unless it says nothing. */
static const struct {
    const char *key, *why;
} refused[] = {{"suffix", "is not done: text is not filled in, only continued"},
               {"echo", "is not done: the prompt is not told back"},
               {"audio", "is not done: answers are text"},
               {"modalities", "is not done: answers are text"},
               {"functions", "is an old name: give tools"},
               {"function_call", "is an old name: give tool_choice"},
               {"reasoning_effort", "is not known to a template: give chat_template_kwargs"},
               {"verbosity", "is not known to a template: give chat_template_kwargs"},
               {"web_search_options", "is not done: there is no search"},
               {"dimensions", "is not done: an embedding has the model's own width"},
               {NULL, NULL}};

static bool is_in(const char *const *list, const roma_json_reader *j) {
    for (; *list; list++)
        if (roma_json_is(j, *list)) return true;
    return false;
}

int roma_serve_asked_no_memory(roma_error *err) {
    return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the request");
}

/* ---- values ---- */

int roma_serve_asked_next(roma_answer_reading *r, roma_error *err) {
    return roma_json_read_next(roma_answer_reading_json(r), err);
}

int roma_serve_asked_bad(roma_answer_reading *r, int code, const char *key, const char *what, roma_error *err) {
    return roma_json_read_fail(roma_answer_reading_json(r), code, err, "%s %s", key, what);
}

int roma_serve_asked_flag(roma_answer_reading *r, const char *key, bool *out, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    const int rc = roma_serve_asked_next(r, err);
    if (rc || j->kind == ROMA_JSON_NULL) return rc;
    if (j->kind != ROMA_JSON_TRUE && j->kind != ROMA_JSON_FALSE)
        return roma_serve_asked_bad(r, ROMA_EINPUT, key, "must be true or false", err);
    *out = j->kind == ROMA_JSON_TRUE;
    return ROMA_OK;
}

/* Value of a key whose KEY is the token: a whole number of 1 to max. */
static int asked_count(roma_answer_reading *r, const char *key, uint32_t max, uint32_t *out, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    const int rc = roma_serve_asked_next(r, err);
    uint64_t v;
    if (rc || j->kind == ROMA_JSON_NULL) return rc;
    if (j->kind != ROMA_JSON_NUMBER || !roma_json_to_u64(j->text, j->len, &v) || v < 1 || v > max)
        return roma_json_read_fail(j, ROMA_EINPUT, err, "%s must be a whole number from 1 to %u", key, max);
    *out = (uint32_t)v;
    return ROMA_OK;
}

int roma_serve_asked_unknown(roma_answer_reading *r, const char *of, roma_error *err) {
    roma_json_reader *j = roma_answer_reading_json(r);
    const size_t at = j->at;
    char shown[64];
    roma_error_name(shown, sizeof shown, j->text, j->len);
    const int rc = roma_serve_asked_next(r, err);
    if (rc || j->kind == ROMA_JSON_NULL) return rc;
    j->at = at; /* the key is what the error shows */
    return roma_json_read_fail(j, ROMA_EINPUT, err, "%s has a member %s that is not known", of, shown);
}

int roma_serve_asked_json(roma_answer_reading *r, roma_answer_text *out, roma_error *err) {
    roma_json_reader *j = roma_answer_reading_json(r);
    int rc = roma_serve_asked_next(r, err);
    if (rc || j->kind == ROMA_JSON_NULL) return rc;
    const char *from = j->begin + j->at;
    rc = roma_json_read_skip(j, err);
    if (!rc) *out = (roma_answer_text){from, (size_t)(j->p - from)};
    return rc;
}

/* ---- what is refused ---- */

/* A value whose first token is read. */
static int is_nothing(roma_json_reader *j, bool *nothing, roma_error *err) {
    const roma_json_kind kind = j->kind;
    int rc = ROMA_OK;
    *nothing = kind == ROMA_JSON_NULL || kind == ROMA_JSON_FALSE || (kind == ROMA_JSON_TEXT && !j->len);
    if (kind != ROMA_JSON_ARRAY && kind != ROMA_JSON_OBJECT) return ROMA_OK;
    *nothing = true;
    while (!(rc = roma_json_read_next(j, err)) && j->kind != ROMA_JSON_ARRAY_END && j->kind != ROMA_JSON_OBJECT_END) {
        if (j->kind == ROMA_JSON_KEY && (rc = roma_json_read_next(j, err))) return rc;
        *nothing &= kind == ROMA_JSON_OBJECT && j->kind == ROMA_JSON_NULL;
        if ((rc = roma_json_read_skip(j, err))) return rc;
    }
    return rc;
}

int roma_serve_asked_says_nothing(roma_answer_reading *r, bool *nothing, roma_error *err) {
    const int rc = roma_serve_asked_next(r, err);
    return rc ? rc : is_nothing(roma_answer_reading_json(r), nothing, err);
}

static int refuse(roma_answer_reading *r, const char *key, const char *why, roma_error *err) {
    bool nothing;
    const int rc = roma_serve_asked_says_nothing(r, &nothing, err);
    return rc || nothing ? rc : roma_serve_asked_bad(r, ROMA_EUNSUPPORTED, key, why, err);
}

/* ["text"] is what there is. */
static int read_modalities(roma_answer_reading *r, roma_error *err) {
    roma_answer_text t = {0};
    const int rc = roma_serve_asked_json(r, &t, err);
    if (rc || !t.text || (t.len >= 6 && memmem(t.text, t.len, "\"text\"", 6) && !memchr(t.text, ',', t.len))) return rc;
    return roma_serve_asked_bad(r, ROMA_EUNSUPPORTED, "modalities", "must be [\"text\"]: answers are text", err);
}

static int read_store(roma_answer_reading *r, roma_error *err) {
    bool store = false;
    const int rc = roma_serve_asked_flag(r, "store", &store, err);
    return rc || !store ? rc
                        : roma_serve_asked_bad(r, ROMA_EUNSUPPORTED, "store", "must be false: nothing is stored", err);
}

/* ---- shape ---- */

static int set_shape(asked *a, roma_answer_reading *r, const char *key, asked_shape shape, roma_answer_text form,
                     roma_error *err) {
    if (a->shape != ASKED_ANY)
        return roma_serve_asked_bad(r, ROMA_EINPUT, key, "and another form of the answer are given: give one", err);
    a->shape = shape;
    a->schema = form;
    return ROMA_OK;
}

int roma_serve_asked_read_shape(asked *a, roma_answer_reading *r, const char *key, roma_error *err) {
    roma_constrain_format f;
    roma_answer_text json = {0};
    roma_error why;
    int rc = roma_serve_asked_json(r, &json, err);
    if (rc || !json.text) return rc;
    rc = roma_constrain_read_format(json.text, json.len, &f, &why);
    if (rc) return roma_json_read_fail(roma_answer_reading_json(r), rc, err, "%s: %s", key, why.text);
    if (f.is_free) return ROMA_OK;
    return set_shape(a, r, key, f.kind == ROMA_CONSTRAIN_SCHEMA ? ASKED_SCHEMA : ASKED_OBJECT,
                     (roma_answer_text){f.schema, f.n_schema}, err);
}

static int read_grammar(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    const int rc = roma_serve_asked_next(r, err);
    if (rc || j->kind == ROMA_JSON_NULL) return rc;
    if (j->kind != ROMA_JSON_TEXT) return roma_serve_asked_bad(r, ROMA_EINPUT, "grammar", "must be a text", err);
    return set_shape(a, r, "grammar", ASKED_GRAMMAR, roma_answer_reading_keep(r), err);
}

static int read_stream_options(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    int rc = roma_serve_asked_next(r, err);
    if (rc || j->kind == ROMA_JSON_NULL) return rc;
    if (j->kind != ROMA_JSON_OBJECT)
        return roma_serve_asked_bad(r, ROMA_EINPUT, "stream_options", "must be an object", err);
    while (!(rc = roma_serve_asked_next(r, err)) && j->kind == ROMA_JSON_KEY) {
        bool other = false;
        const bool is_usage = roma_json_is(j, "include_usage");
        if (!is_usage && !roma_json_is(j, "include_obfuscation"))
            rc = roma_serve_asked_unknown(r, "stream_options", err);
        else
            rc = roma_serve_asked_flag(r, "stream_options", is_usage ? &a->usage : &other, err);
        if (rc) return rc;
    }
    return rc;
}

int roma_serve_asked_read_messages(asked *a, roma_answer_reading *r, roma_error *err) {
    roma_answer_text t = {0};
    const int rc = roma_serve_asked_json(r, &t, err);
    if (rc) return rc;
    if (!t.text || t.text[0] != '[') return roma_serve_asked_bad(r, ROMA_EINPUT, "messages", "must be an array", err);
    return roma_serve_asked_messages(t.text, t.len, a->system, &a->messages, err);
}

/* As it stands where the value is an array. */
static int read_tools(asked *a, roma_answer_reading *r, roma_error *err) {
    const int rc = roma_serve_asked_json(r, &a->tools, err);
    if (rc || !a->tools.text || a->tools.text[0] == '[') return rc;
    return roma_serve_asked_bad(r, ROMA_EINPUT, "tools", "must be an array", err);
}

static int read_encoding(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    const int rc = roma_serve_asked_next(r, err);
    if (rc || j->kind == ROMA_JSON_NULL) return rc;
    a->base64 = roma_json_is(j, "base64");
    return a->base64 || roma_json_is(j, "float")
               ? ROMA_OK
               : roma_serve_asked_bad(r, ROMA_EINPUT, "encoding_format", "must be \"float\" or \"base64\"", err);
}

int roma_serve_asked_limit(asked *a, roma_answer_reading *r) {
    const int rc = roma_answer_reading_value(r, "max_tokens");
    a->has_limit |= roma_answer_reading_json(r)->kind != ROMA_JSON_NULL;
    return rc;
}

/* ---- keys ---- */

/* Keys of one answer that all of OpenAI's protocols of answers have. */
static int key_answer(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    if (roma_json_is(j, "max_tokens") || roma_json_is(j, "max_completion_tokens")) return roma_serve_asked_limit(a, r);
    if (roma_json_is(j, "n")) return asked_count(r, "n", ASKED_N_MAX, &a->n, err);
    if (roma_json_is(j, "best_of")) {
        uint32_t best = 1;
        const int rc = asked_count(r, "best_of", 1, &best, err);
        return rc;
    }
    if (roma_json_is(j, "stream")) return roma_serve_asked_flag(r, "stream", &a->stream, err);
    if (roma_json_is(j, "stream_options")) return read_stream_options(a, r, err);
    if (roma_json_is(j, "response_format")) return roma_serve_asked_read_shape(a, r, "response_format", err);
    if (roma_json_is(j, "grammar")) return read_grammar(a, r, err);
    if (roma_json_is(j, "return_token_ids")) return roma_serve_asked_flag(r, "return_token_ids", &a->ids_back, err);
    return ROMA_ANSWER_NOT_MINE;
}

static int key_chat(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    if (roma_json_is(j, "messages")) return roma_serve_asked_read_messages(a, r, err);
    if (roma_json_is(j, "tools")) return read_tools(a, r, err);
    if (roma_json_is(j, "tool_choice")) return roma_serve_asked_json(r, &a->choice, err);
    if (roma_json_is(j, "parallel_tool_calls"))
        return roma_serve_asked_flag(r, "parallel_tool_calls", &a->parallel, err);
    if (roma_json_is(j, "prompt"))
        return roma_serve_asked_bad(r, ROMA_EINPUT, "prompt", "is not of this route: give messages", err);
    return key_answer(a, r, err);
}

static int key_text(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    static const char *const of_chat[] = {
        "messages", "tools", "tool_choice", "chat_template_kwargs", "documents", "parallel_tool_calls", NULL};
    if (roma_json_is(j, "prompt")) return roma_serve_asked_read_prompts(a, r, "prompt", ASKED_PROMPTS_MAX, false, err);
    if (is_in(of_chat, j)) {
        char name[32];
        roma_error_name(name, sizeof name, j->text, j->len);
        return refuse(r, name, "is not of this route: give a prompt", err);
    }
    return key_answer(a, r, err);
}

static int key_embed(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    if (roma_json_is(j, "input")) return roma_serve_asked_read_prompts(a, r, "input", ASKED_INPUTS_MAX, false, err);
    if (roma_json_is(j, "encoding_format")) return read_encoding(a, r, err);
    if (roma_json_is(j, "model") || roma_json_is(j, "lora")) return ROMA_ANSWER_NOT_MINE;
    return ROMA_ANSWER_NOBODYS;
}

/* What every protocol of OpenAI's ignores or refuses. */
static int key_common(roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    if (is_in(ignored, j)) {
        roma_answer_text t;
        return roma_serve_asked_json(r, &t, err);
    }
    if (roma_json_is(j, "store")) return read_store(r, err);
    if (roma_json_is(j, "modalities")) return read_modalities(r, err);
    for (size_t i = 0; refused[i].key; i++)
        if (roma_json_is(j, refused[i].key)) return refuse(r, refused[i].key, refused[i].why, err);
    return ROMA_ANSWER_NOT_MINE;
}

static int on_key(void *ctx, roma_answer_reading *r, roma_error *err) {
    asked *a = ctx;
    const bool ollama = a->form == ASKED_OCHAT || a->form == ASKED_OTEXT || a->form == ASKED_OEMBED;
    const int rc = ollama ? roma_serve_asked_key_ollama(a, r, err) : key_common(r, err);
    if (ollama || rc != ROMA_ANSWER_NOT_MINE) return rc;
    switch (a->form) {
    case ASKED_CHAT: return key_chat(a, r, err);
    case ASKED_TEXT: return key_text(a, r, err);
    case ASKED_RESPONSE: return roma_serve_asked_key_response(a, r, err);
    default: return key_embed(a, r, err);
    }
}

/* ---- the whole ---- */

static int missing(asked *a, const char *key, const char *what, roma_error *err) {
    roma_print(a->param, sizeof a->param, "%s", key);
    return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "%s", what);
}

static int check(asked *a, roma_error *err) {
    const roma_answer_ask *k = &a->q->ask;
    if (a->prompts.failed || a->ids.failed || a->messages.failed || a->told_back.failed)
        return roma_serve_asked_no_memory(err);
    if (a->form == ASKED_RESPONSE) {
        if (!a->input.text) return missing(a, "input", "an input is missing", err);
        const int rc = roma_serve_asked_items(a->input.text, a->input.len, a->system, &a->messages, err);
        if (rc) roma_print(a->param, sizeof a->param, "input");
        if (rc) return rc;
    }
    const bool chat = a->form == ASKED_CHAT || a->form == ASKED_OCHAT;
    if (chat && !a->messages.len) return missing(a, "messages", "messages are missing", err);
    if (!chat && a->form != ASKED_RESPONSE && !asked_prompts(a))
        return missing(a, roma_serve_asked_prompt_key(a->form), "a prompt is missing", err);
    if (asked_prompts(a) * a->n > ASKED_INPUTS_MAX ||
        (a->form == ASKED_TEXT && asked_prompts(a) * a->n > ASKED_PROMPTS_MAX))
        return missing(a, "n", "so many prompts with so many answers each are more than a request may have", err);
    for (size_t i = 0; i < k->stops.n; i++)
        if (k->stops.item[i].len > ASKED_STOP_BYTES_MAX)
            return missing(a, "stop", "a stop text must have at most 512 bytes", err);
    if (a->raw && (a->system.len || a->think >= 0))
        return missing(a, a->system.len ? "system" : "think",
                       "a raw prompt has no template that takes a system text, or think", err);
    if (a->q->top && !a->q->logprobs)
        return missing(a, "top_logprobs",
                       a->form == ASKED_RESPONSE ? "top_logprobs needs include: [\"message.output_text.logprobs\"]"
                                                 : "top_logprobs needs logprobs",
                       err);
    if (a->form == ASKED_RESPONSE && a->q->logprobs && a->tools.len > 2) {
        roma_print(a->param, sizeof a->param, "include");
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                         "include: which tokens are a message's is not told apart from calls: give no tools");
    }
    return ROMA_OK;
}

const char *roma_serve_asked_prompt_key(asked_form form) {
    switch (form) {
    case ASKED_CHAT:
    case ASKED_OCHAT: return "messages";
    case ASKED_TEXT:
    case ASKED_OTEXT: return "prompt";
    case ASKED_RESPONSE:
    case ASKED_EMBED:
    case ASKED_OEMBED: return "input";
    }
    return "";
}

int roma_serve_asked_read(asked *a, asked_form form, const char *body, size_t size, const roma_answer_line *usual,
                          roma_error *err) {
    const roma_answer_keys keys = {.key = on_key, .ctx = a};
    const bool ollama = form == ASKED_OCHAT || form == ASKED_OTEXT;
    *a = (asked){.form = form, .n = 1, .stream = ollama, .parallel = true, .think = -1};
    int rc = roma_answer_body_read(&a->lines, body, size, usual, &keys, a->param, err);
    a->q = a->lines.line;
    if (rc) return rc;
    return check(a, err);
}

void roma_serve_asked_free(asked *a) {
    roma_answer_lines_free(&a->lines);
    roma_buf_destroy(&a->prompts);
    roma_buf_destroy(&a->ids);
    roma_buf_destroy(&a->messages);
    roma_buf_destroy(&a->told_back);
    *a = (asked){0};
}
