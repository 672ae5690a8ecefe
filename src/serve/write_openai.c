/* /v1/chat/completions, /v1/completions, /v1/embeddings as OpenAI's clients read them. Contract in write.h. */
#include "serve/write.h"

#include <string.h>

const told_form *roma_serve_told_form_of(asked_form f) {
    switch (f) {
    case ASKED_CHAT: return &roma_serve_told_chat;
    case ASKED_RESPONSE: return &roma_serve_told_response;
    case ASKED_OCHAT:
    case ASKED_OTEXT: return &roma_serve_told_ollama;
    default: return &roma_serve_told_text;
    }
}

/* ---- errors ---- */

static void put_error(roma_json *j, const told_error *e) {
    roma_json_open(j, "error", '{');
    roma_json_string(j, "message", e->message);
    roma_json_string(j, "type", e->type);
    roma_json_string(j, "param", e->param && *e->param ? e->param : NULL);
    roma_json_string(j, "code", e->code);
    roma_json_close(j, '}');
}

void roma_serve_told_error_json(const told_error *e, roma_buf *out) {
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    put_error(&j, e);
    roma_json_close(&j, '}');
}

/* ---- events ---- */

void roma_serve_told_event_begin(roma_buf *out, const char *name) {
    if (name) roma_buf_print(out, "event: %s\n", name);
    roma_buf_append(out, "data: ", 6);
}
void roma_serve_told_event_end(roma_buf *out) { roma_buf_append(out, "\n\n", 2); }

static void fail(told *t, const told_error *e, roma_buf *out) {
    (void)t;
    roma_serve_told_event_begin(out, NULL);
    roma_serve_told_error_json(e, out);
    roma_serve_told_event_end(out);
}

/* ---- shared pieces ---- */

told_sums roma_serve_told_sum(const told *t) {
    told_sums s = {0};
    uint32_t before = UINT32_MAX;
    for (size_t i = 0; i < t->n; i++) {
        const choice *c = &t->choices[i];
        if (c->prompt != before) {
            s.prompt += c->n_prompt;
            s.shared += c->n_shared;
        }
        before = c->prompt;
        s.answer += c->n_answer;
        s.reasoning += c->n_reasoning;
        if (c->first_s > s.first_s) s.first_s = c->first_s;
        if (c->seconds > s.seconds) s.seconds = c->seconds;
    }
    return s;
}

static void put_usage(roma_json *j, const told *t) {
    const told_sums s = roma_serve_told_sum(t);
    roma_json_open(j, "usage", '{');
    roma_json_uint(j, "prompt_tokens", s.prompt);
    roma_json_uint(j, "completion_tokens", s.answer);
    roma_json_uint(j, "total_tokens", s.prompt + s.answer);
    roma_json_open(j, "prompt_tokens_details", '{');
    roma_json_uint(j, "cached_tokens", s.shared);
    roma_json_uint(j, "cache_write_tokens", s.prompt - s.shared);
    roma_json_close(j, '}');
    roma_json_open(j, "completion_tokens_details", '{');
    roma_json_uint(j, "reasoning_tokens", s.reasoning);
    roma_json_close(j, '}');
    roma_json_close(j, '}');
}

/* An object's beginning: what every answer and every chunk of it says. */
static void put_head(roma_json *j, const told *t, const char *prefix, const char *object) {
    char id[64];
    roma_print(id, sizeof id, "%s-%s", prefix, t->id);
    roma_json_open(j, NULL, '{');
    roma_json_string(j, "id", id);
    roma_json_string(j, "object", object);
    roma_json_int(j, "created", t->created);
    roma_json_string(j, "model", t->model);
    roma_json_string(j, "system_fingerprint", t->fingerprint);
}

static void put_ids(roma_json *j, const int32_t *ids, size_t n) {
    roma_json_open(j, "token_ids", '[');
    for (size_t i = 0; i < n; i++) roma_json_int(j, NULL, ids[i]);
    roma_json_close(j, ']');
}

static const int32_t *ids_of(const choice *c) { return (const int32_t *)(const void *)c->ids.data; }
static const roma_answer_probs *probs_of(const choice *c) {
    return (const roma_answer_probs *)(const void *)c->probs.data;
}
static size_t n_probs(const choice *c) { return c->probs.len / sizeof(roma_answer_probs); }

static void put_calls(roma_json *j, const choice *c) {
    roma_json_open(j, "tool_calls", '[');
    for (size_t i = 0; i < told_n_calls(c); i++) {
        const told_call *k = &told_calls(c)[i];
        roma_json_open(j, NULL, '{');
        roma_json_string(j, "id", k->id);
        roma_json_string(j, "type", "function");
        roma_json_open(j, "function", '{');
        roma_json_text(j, "name", told_text_of(&c->texts) + k->name, k->name_len);
        roma_json_text(j, "arguments", told_text_of(&c->texts) + k->args, k->args_len);
        roma_json_close(j, '}');
        roma_json_close(j, '}');
    }
    roma_json_close(j, ']');
}

/* ---- chat ---- */

static void put_chat_probs(roma_json *j, const told *t, const roma_answer_probs *p, size_t n) {
    if (!t->a->q->logprobs) {
        roma_json_null(j, "logprobs");
        return;
    }
    roma_json_open(j, "logprobs", '{');
    roma_answer_probs_json(j, "content", t->tok, p, n);
    roma_json_close(j, '}');
}

static void chat_message(roma_json *j, const choice *c) {
    roma_json_open(j, "message", '{');
    roma_json_string(j, "role", "assistant");
    if (told_n_calls(c) && !c->content.len)
        roma_json_null(j, "content");
    else
        roma_json_text(j, "content", told_text_of(&c->content), c->content.len);
    roma_json_null(j, "refusal");
    if (c->reasoning.len) roma_json_text(j, "reasoning_content", told_text_of(&c->reasoning), c->reasoning.len);
    if (told_n_calls(c)) put_calls(j, c);
    roma_json_close(j, '}');
}

static void chat_whole(told *t, roma_buf *out) {
    roma_json j = {.out = out};
    put_head(&j, t, "chatcmpl", "chat.completion");
    roma_json_open(&j, "choices", '[');
    for (size_t i = 0; i < t->n; i++) {
        const choice *c = &t->choices[i];
        roma_json_open(&j, NULL, '{');
        roma_json_uint(&j, "index", i);
        chat_message(&j, c);
        put_chat_probs(&j, t, probs_of(c), n_probs(c));
        roma_json_string(&j, "finish_reason", c->finish);
        if (t->a->ids_back) put_ids(&j, ids_of(c), c->ids.len / sizeof(int32_t));
        if (t->draws) roma_json_uint(&j, "seed", c->seed);
        roma_json_close(&j, '}');
    }
    roma_json_close(&j, ']');
    put_usage(&j, t);
    roma_json_close(&j, '}');
}

static void put_delta(roma_json *j, choice *c, const told_delta *d) {
    roma_json_open(j, "delta", '{');
    if (!c->has_role) {
        roma_json_string(j, "role", "assistant");
        if (d->kind != TOLD_CONTENT) roma_json_string(j, "content", "");
    }
    c->has_role = true;
    if (d->kind == TOLD_CONTENT) roma_json_text(j, "content", d->text, d->len);
    if (d->kind == TOLD_REASONING) roma_json_text(j, "reasoning_content", d->text, d->len);
    if (d->kind == TOLD_CALL || d->kind == TOLD_ARGUMENTS) {
        roma_json_open(j, "tool_calls", '[');
        roma_json_open(j, NULL, '{');
        roma_json_uint(j, "index", d->index);
        if (d->kind == TOLD_CALL) roma_json_string(j, "id", d->id);
        if (d->kind == TOLD_CALL) roma_json_string(j, "type", "function");
        roma_json_open(j, "function", '{');
        if (d->kind == TOLD_CALL) roma_json_text(j, "name", d->text, d->len);
        roma_json_text(j, "arguments", d->kind == TOLD_CALL ? "" : d->text, d->kind == TOLD_CALL ? 0 : d->len);
        roma_json_close(j, '}');
        roma_json_close(j, '}');
        roma_json_close(j, ']');
    }
    roma_json_close(j, '}');
}

static void chat_delta(told *t, size_t k, const told_delta *d, roma_buf *out) {
    choice *c = &t->choices[k];
    if (d->kind == TOLD_CALL_END) return;
    roma_serve_told_event_begin(out, NULL);
    roma_json j = {.out = out};
    put_head(&j, t, "chatcmpl", "chat.completion.chunk");
    roma_json_open(&j, "choices", '[');
    roma_json_open(&j, NULL, '{');
    roma_json_uint(&j, "index", k);
    put_delta(&j, c, d);
    put_chat_probs(&j, t, d->probs, d->n_probs);
    if (t->a->ids_back) put_ids(&j, d->ids, d->n_ids);
    roma_json_string(&j, "finish_reason", d->kind == TOLD_FINISH ? c->finish : NULL);
    if (d->kind == TOLD_FINISH && t->draws) roma_json_uint(&j, "seed", c->seed);
    roma_json_close(&j, '}');
    roma_json_close(&j, ']');
    if (t->a->usage) roma_json_null(&j, "usage");
    roma_json_close(&j, '}');
    roma_serve_told_event_end(out);
}

static void end_usage(told *t, const char *prefix, const char *object, roma_buf *out) {
    static const char done[] = "data: [DONE]\n\n";
    if (t->a->usage) {
        roma_serve_told_event_begin(out, NULL);
        roma_json j = {.out = out};
        put_head(&j, t, prefix, object);
        roma_json_open(&j, "choices", '[');
        roma_json_close(&j, ']');
        put_usage(&j, t);
        roma_json_close(&j, '}');
        roma_serve_told_event_end(out);
    }
    roma_buf_append(out, done, sizeof done - 1);
}

static void chat_end(told *t, roma_buf *out) { end_usage(t, "chatcmpl", "chat.completion.chunk", out); }

const told_form roma_serve_told_chat = {.stream_type = "text/event-stream",
                                        .delta = chat_delta,
                                        .end = chat_end,
                                        .whole = chat_whole,
                                        .fail = fail,
                                        .error = roma_serve_told_error_json};

/* ---- completions ---- */

static void put_token(roma_json *j, const told *t, int32_t id) {
    char bytes[ROMA_TOKEN_BYTES_MAX];
    roma_json_text(j, NULL, bytes, roma_token_bytes(t->tok, id, true, bytes, sizeof bytes));
}

/* An object of the likeliest tokens' texts, of which no two are the same. */
static void put_top(roma_json *j, const told *t, const roma_answer_probs *p) {
    char bytes[ROMA_TOKEN_BYTES_MAX + 1], other[ROMA_TOKEN_BYTES_MAX];
    roma_json_open(j, NULL, '{');
    for (uint32_t k = 0; k < p->n; k++) {
        const size_t n = roma_token_bytes(t->tok, p->top[k].id, true, bytes, sizeof bytes - 1);
        bool again = false;
        for (uint32_t i = 0; i < k && !again; i++)
            again = roma_token_bytes(t->tok, p->top[i].id, true, other, sizeof other) == n && !memcmp(other, bytes, n);
        bytes[n] = 0;
        if (!again && !memchr(bytes, 0, n)) roma_json_real(j, bytes, (double)p->top[k].logprob);
    }
    roma_json_close(j, '}');
}

static void put_text_probs(roma_json *j, const told *t, choice *c, const roma_answer_probs *p, size_t n) {
    char bytes[ROMA_TOKEN_BYTES_MAX];
    if (!t->a->q->logprobs) {
        roma_json_null(j, "logprobs");
        return;
    }
    roma_json_open(j, "logprobs", '{');
    roma_json_open(j, "tokens", '[');
    for (size_t i = 0; i < n; i++) put_token(j, t, p[i].own.id);
    roma_json_close(j, ']');
    roma_json_open(j, "token_logprobs", '[');
    for (size_t i = 0; i < n; i++) roma_json_real(j, NULL, (double)p[i].own.logprob);
    roma_json_close(j, ']');
    roma_json_open(j, "top_logprobs", '[');
    for (size_t i = 0; i < n; i++) put_top(j, t, &p[i]);
    roma_json_close(j, ']');
    roma_json_open(j, "text_offset", '[');
    for (size_t i = 0; i < n; i++) {
        roma_json_uint(j, NULL, c->offset);
        c->offset += roma_characters(bytes, roma_token_bytes(t->tok, p[i].own.id, true, bytes, sizeof bytes));
    }
    roma_json_close(j, ']');
    roma_json_close(j, '}');
}

static void text_choice(roma_json *j, told *t, size_t k, const char *text, size_t len, const roma_answer_probs *p,
                        size_t n, const int32_t *ids, size_t n_ids, const char *finish) {
    choice *c = &t->choices[k];
    roma_json_open(j, NULL, '{');
    roma_json_uint(j, "index", k);
    roma_json_text(j, "text", text, len);
    put_text_probs(j, t, c, p, n);
    if (t->a->ids_back) put_ids(j, ids, n_ids);
    roma_json_string(j, "finish_reason", finish);
    if (finish && t->draws) roma_json_uint(j, "seed", c->seed);
    roma_json_close(j, '}');
}

static void text_whole(told *t, roma_buf *out) {
    roma_json j = {.out = out};
    put_head(&j, t, "cmpl", "text_completion");
    roma_json_open(&j, "choices", '[');
    for (size_t i = 0; i < t->n; i++) {
        const choice *c = &t->choices[i];
        text_choice(&j, t, i, told_text_of(&c->content), c->content.len, probs_of(c), n_probs(c), ids_of(c),
                    c->ids.len / sizeof(int32_t), c->finish);
    }
    roma_json_close(&j, ']');
    put_usage(&j, t);
    roma_json_close(&j, '}');
}

static void text_delta(told *t, size_t k, const told_delta *d, roma_buf *out) {
    const bool is_text = d->kind == TOLD_CONTENT;
    if (!is_text && d->kind != TOLD_FINISH) return;
    roma_serve_told_event_begin(out, NULL);
    roma_json j = {.out = out};
    put_head(&j, t, "cmpl", "text_completion");
    roma_json_open(&j, "choices", '[');
    text_choice(&j, t, k, is_text ? d->text : "", is_text ? d->len : 0, d->probs, d->n_probs, d->ids, d->n_ids,
                is_text ? NULL : t->choices[k].finish);
    roma_json_close(&j, ']');
    if (t->a->usage) roma_json_null(&j, "usage");
    roma_json_close(&j, '}');
    roma_serve_told_event_end(out);
}

static void text_end(told *t, roma_buf *out) { end_usage(t, "cmpl", "text_completion", out); }

const told_form roma_serve_told_text = {.stream_type = "text/event-stream",
                                        .delta = text_delta,
                                        .end = text_end,
                                        .whole = text_whole,
                                        .fail = fail,
                                        .error = roma_serve_told_error_json};

/* ---- embeddings ---- */

static void put_base64(roma_buf *out, const uint8_t *p, size_t n) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        const size_t left = n - i;
        const uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
        const char four[4] = {digit[v >> 18], digit[v >> 12 & 63], left > 1 ? digit[v >> 6 & 63] : '=',
                              left > 2 ? digit[v & 63] : '='};
        roma_buf_append(out, four, 4);
    }
}

/* The values as little-endian FP32. */
static void put_vector(roma_json *j, const told *t, const float *row, size_t width) {
    if (!t->a->base64) {
        roma_json_open(j, "embedding", '[');
        for (size_t i = 0; i < width; i++) roma_json_real(j, NULL, (double)row[i]);
        roma_json_close(j, ']');
        return;
    }
    roma_buf raw = {0}, text = {0};
    for (size_t i = 0; i < width; i++) {
        uint32_t bits;
        memcpy(&bits, &row[i], sizeof bits);
        roma_buf_le32(&raw, bits);
    }
    if (!raw.failed) put_base64(&text, raw.data, raw.len);
    roma_json_text(j, "embedding", told_text_of(&text), text.len);
    j->out->failed |= raw.failed || text.failed;
    roma_buf_destroy(&raw);
    roma_buf_destroy(&text);
}

void roma_serve_told_embeddings(const told *t, const float *rows, size_t width, roma_buf *out) {
    const told_sums s = roma_serve_told_sum(t);
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "object", "list");
    roma_json_open(&j, "data", '[');
    for (size_t i = 0; i < t->n; i++) {
        roma_json_open(&j, NULL, '{');
        roma_json_string(&j, "object", "embedding");
        roma_json_uint(&j, "index", i);
        put_vector(&j, t, rows + i * width, width);
        roma_json_close(&j, '}');
    }
    roma_json_close(&j, ']');
    roma_json_string(&j, "model", t->model);
    roma_json_open(&j, "usage", '{');
    roma_json_uint(&j, "prompt_tokens", s.prompt);
    roma_json_uint(&j, "total_tokens", s.prompt);
    roma_json_close(&j, '}');
    roma_json_close(&j, '}');
}
