/* Keys of /v1/responses and of ollama's routes. Contract in asked.h. */
#include "serve/asked.h"

#include <string.h>

static int keep_text(roma_answer_reading *r, const char *key, roma_answer_text *out, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    const int rc = roma_serve_asked_next(r, err);
    if (rc || j->kind == ROMA_JSON_NULL) return rc;
    if (j->kind != ROMA_JSON_TEXT) return roma_serve_asked_bad(r, ROMA_EINPUT, key, "must be a text", err);
    *out = roma_answer_reading_keep(r);
    return ROMA_OK;
}

/* Null, false, "", or a word that says what is done here anyway. */
static int must_be(roma_answer_reading *r, const char *key, const char *word, const char *why, roma_error *err) {
    roma_json_reader *j = roma_answer_reading_json(r);
    const int rc = roma_serve_asked_next(r, err);
    if (rc) return rc;
    const bool fine = j->kind == ROMA_JSON_NULL || j->kind == ROMA_JSON_FALSE ||
                      (j->kind == ROMA_JSON_TEXT && (!j->len || (word && roma_json_is(j, word))));
    return fine ? ROMA_OK : roma_serve_asked_bad(r, ROMA_EUNSUPPORTED, key, why, err);
}

static int skip(roma_answer_reading *r, roma_error *err) {
    roma_answer_text t;
    return roma_serve_asked_json(r, &t, err);
}

static int empty_list(roma_answer_reading *r, const char *key, const char *why, roma_error *err) {
    bool nothing;
    const int rc = roma_serve_asked_says_nothing(r, &nothing, err);
    return rc || nothing ? rc : roma_serve_asked_bad(r, ROMA_EUNSUPPORTED, key, why, err);
}

/* ---- responses ---- */

/* {"format": {...}, "verbosity": ...} */
static int read_text(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    int rc = roma_serve_asked_next(r, err);
    if (rc || j->kind == ROMA_JSON_NULL) return rc;
    if (j->kind != ROMA_JSON_OBJECT) return roma_serve_asked_bad(r, ROMA_EINPUT, "text", "must be an object", err);
    while (!(rc = roma_serve_asked_next(r, err)) && j->kind == ROMA_JSON_KEY) {
        if (roma_json_is(j, "format"))
            rc = roma_serve_asked_read_shape(a, r, "text.format", err);
        else if (roma_json_is(j, "verbosity"))
            rc = must_be(r, "text.verbosity", "medium", "is not known to a template", err);
        else
            rc = roma_serve_asked_unknown(r, "text", err);
        if (rc) return rc;
    }
    return rc;
}

/* What an answer holds beside what it always does: the probabilities of its tokens alone. */
static int read_include(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    int rc = roma_serve_asked_next(r, err);
    if (rc || j->kind == ROMA_JSON_NULL) return rc;
    if (j->kind != ROMA_JSON_ARRAY) return roma_serve_asked_bad(r, ROMA_EINPUT, "include", "must be an array", err);
    while (!(rc = roma_serve_asked_next(r, err)) && j->kind != ROMA_JSON_ARRAY_END) {
        if (!roma_json_is(j, "message.output_text.logprobs"))
            return roma_serve_asked_bad(r, ROMA_EUNSUPPORTED, "include",
                                        "asks for what is not made here: message.output_text.logprobs is", err);
        a->lines.line->logprobs = true;
    }
    return rc;
}

int roma_serve_asked_key_response(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    if (roma_json_is(j, "input")) return roma_serve_asked_json(r, &a->input, err);
    if (roma_json_is(j, "instructions")) return keep_text(r, "instructions", &a->system, err);
    if (roma_json_is(j, "max_output_tokens")) return roma_serve_asked_limit(a, r);
    if (roma_json_is(j, "stream")) return roma_serve_asked_flag(r, "stream", &a->stream, err);
    if (roma_json_is(j, "stream_options")) return skip(r, err);
    if (roma_json_is(j, "text")) return read_text(a, r, err);
    if (roma_json_is(j, "tools")) return roma_serve_asked_json(r, &a->tools, err);
    if (roma_json_is(j, "tool_choice")) return roma_serve_asked_json(r, &a->choice, err);
    if (roma_json_is(j, "parallel_tool_calls"))
        return roma_serve_asked_flag(r, "parallel_tool_calls", &a->parallel, err);
    if (roma_json_is(j, "include")) return read_include(a, r, err);
    if (roma_json_is(j, "truncation")) return must_be(r, "truncation", "disabled", "must be \"disabled\"", err);
    if (roma_json_is(j, "background")) return must_be(r, "background", NULL, "must be false: nothing is stored", err);
    if (roma_json_is(j, "previous_response_id") || roma_json_is(j, "conversation") || roma_json_is(j, "prompt"))
        return must_be(
            r, "previous_response_id", NULL,
            "and conversation and prompt name what is stored, and nothing is stored here: give all items as input",
            err);
    if (roma_json_is(j, "reasoning"))
        return empty_list(r, "reasoning", "is not known to a template: give chat_template_kwargs", err);
    if (roma_json_is(j, "max_tool_calls")) return must_be(r, "max_tool_calls", NULL, "is not counted here", err);
    if (roma_json_is(j, "logprobs"))
        return must_be(r, "logprobs", NULL, "is not of this route: give include and top_logprobs", err);
    if (roma_json_is(j, "temperature") || roma_json_is(j, "top_p") || roma_json_is(j, "model") ||
        roma_json_is(j, "top_k") || roma_json_is(j, "min_p") || roma_json_is(j, "seed") || roma_json_is(j, "lora") ||
        roma_json_is(j, "chat_template_kwargs") || roma_json_is(j, "repetition_penalty") ||
        roma_json_is(j, "top_logprobs"))
        return ROMA_ANSWER_NOT_MINE;
    return ROMA_ANSWER_NOBODYS;
}

/* ---- ollama ---- */

static const struct {
    const char *name, *as;
} options[] = {{"temperature", "temperature"},
               {"top_k", "top_k"},
               {"top_p", "top_p"},
               {"min_p", "min_p"},
               {"seed", "seed"},
               {"stop", "stop"},
               {"repeat_penalty", "repetition_penalty"},
               {"presence_penalty", "presence_penalty"},
               {"frequency_penalty", "frequency_penalty"},
               {NULL, NULL}};

/* How the host computes: nothing that changes an answer here. */
static const char *const of_host[] = {"num_ctx",   "num_batch", "num_gpu", "main_gpu",   "num_thread", "use_mmap",
                                      "use_mlock", "low_vram",  "numa",    "vocab_only", "f16_kv",     NULL};

static bool is_of_host(const roma_json_reader *j) {
    for (size_t i = 0; of_host[i]; i++)
        if (roma_json_is(j, of_host[i])) return true;
    return false;
}

/* -1 and -2: as many as the context takes. */
static int read_predict(asked *a, roma_answer_reading *r, roma_error *err) {
    roma_json_reader *j = roma_answer_reading_json(r);
    int rc = roma_serve_asked_next(r, err);
    int64_t v;
    if (rc || j->kind == ROMA_JSON_NULL) return rc;
    if (j->kind != ROMA_JSON_NUMBER || !roma_json_to_i64(j->text, j->len, &v) || v < -2 || !v || v > 1 << 24)
        return roma_serve_asked_bad(r, ROMA_EINPUT, "num_predict", "must be a whole number of at least 1, or -1", err);
    a->has_limit = v > 0;
    a->lines.line->ask.limit = v > 0 ? (uint32_t)v : a->lines.line->ask.limit;
    return ROMA_OK;
}

static int read_option(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    if (roma_json_is(j, "num_predict")) return read_predict(a, r, err);
    if (is_of_host(j)) return skip(r, err);
    for (size_t i = 0; options[i].name; i++)
        if (roma_json_is(j, options[i].name)) return roma_answer_reading_value(r, options[i].as);
    return roma_serve_asked_unknown(r, "options", err);
}

static int read_options(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    int rc = roma_serve_asked_next(r, err);
    if (rc || j->kind == ROMA_JSON_NULL) return rc;
    if (j->kind != ROMA_JSON_OBJECT) return roma_serve_asked_bad(r, ROMA_EINPUT, "options", "must be an object", err);
    while (!(rc = roma_serve_asked_next(r, err)) && j->kind == ROMA_JSON_KEY)
        if ((rc = read_option(a, r, err))) return rc;
    return rc;
}

/* "json", or a schema; "" is none. */
static int read_format(asked *a, roma_answer_reading *r, roma_error *err) {
    roma_answer_text t = {0};
    const int rc = roma_serve_asked_json(r, &t, err);
    if (rc || !t.text || (t.len == 2 && t.text[0] == '"')) return rc;
    if (t.text[0] == '{') {
        a->shape = ASKED_SCHEMA;
        a->schema = t;
        return ROMA_OK;
    }
    a->shape = ASKED_OBJECT;
    return t.len == 6 && memcmp(t.text, "\"json\"", 6) == 0
               ? ROMA_OK
               : roma_serve_asked_bad(r, ROMA_EINPUT, "format", "must be \"json\" or a schema", err);
}

static int read_think(asked *a, roma_answer_reading *r, roma_error *err) {
    bool think = false;
    const int rc = roma_serve_asked_flag(r, "think", &think, err);
    if (!rc && roma_answer_reading_json(r)->kind != ROMA_JSON_NULL) a->think = think;
    return rc;
}

static int key_of_text(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    if (roma_json_is(j, "prompt")) return roma_serve_asked_read_prompts(a, r, "prompt", 1, true, err);
    if (roma_json_is(j, "system")) return keep_text(r, "system", &a->system, err);
    if (roma_json_is(j, "raw")) return roma_serve_asked_flag(r, "raw", &a->raw, err);
    if (roma_json_is(j, "suffix")) return must_be(r, "suffix", NULL, "is not done: text is only continued", err);
    if (roma_json_is(j, "template")) return must_be(r, "template", NULL, "is the server's: roma serve --template", err);
    if (roma_json_is(j, "context"))
        return empty_list(r, "context", "is of no use here: /api/chat keeps a conversation", err);
    if (roma_json_is(j, "images")) return empty_list(r, "images", "are not read: this model reads text", err);
    return ROMA_ANSWER_NOT_MINE;
}

static int key_of_embed(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    bool truncate = false;
    if (roma_json_is(j, "input")) return roma_serve_asked_read_prompts(a, r, "input", ASKED_INPUTS_MAX, true, err);
    if (roma_json_is(j, "truncate"))
        return roma_serve_asked_flag(r, "truncate", &truncate, err); /* nothing is: too long is an error */
    if (roma_json_is(j, "dimensions"))
        return must_be(r, "dimensions", NULL, "an embedding has the model's own width", err);
    return ROMA_ANSWER_NOT_MINE;
}

int roma_serve_asked_key_ollama(asked *a, roma_answer_reading *r, roma_error *err) {
    const roma_json_reader *j = roma_answer_reading_json(r);
    int rc = a->form == ASKED_OTEXT ? key_of_text(a, r, err) : ROMA_ANSWER_NOT_MINE;
    if (a->form == ASKED_OEMBED) rc = key_of_embed(a, r, err);
    if (rc != ROMA_ANSWER_NOT_MINE) return rc;
    if (roma_json_is(j, "model")) return ROMA_ANSWER_NOT_MINE;
    if (roma_json_is(j, "options")) return read_options(a, r, err);
    if (roma_json_is(j, "keep_alive")) return skip(r, err);
    if (a->form == ASKED_OEMBED) return ROMA_ANSWER_NOBODYS;
    if (roma_json_is(j, "stream")) return roma_serve_asked_flag(r, "stream", &a->stream, err);
    if (roma_json_is(j, "format")) return read_format(a, r, err);
    if (roma_json_is(j, "think")) return read_think(a, r, err);
    if (a->form == ASKED_OCHAT && roma_json_is(j, "messages")) return roma_serve_asked_read_messages(a, r, err);
    if (a->form == ASKED_OCHAT && roma_json_is(j, "tools")) return roma_serve_asked_json(r, &a->tools, err);
    if (roma_json_is(j, "logprobs") || roma_json_is(j, "top_logprobs")) return ROMA_ANSWER_NOT_MINE;
    return ROMA_ANSWER_NOBODYS;
}
