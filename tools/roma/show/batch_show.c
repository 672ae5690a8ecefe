/* Lines of answers; contract in batch_show.h. */
#include "show/batch_show.h"

#include <string.h>
#include <time.h>

/* ---- pieces ---- */

static void put_token(roma_json *j, const char *key, const batch_answer *b, int32_t id) {
    char bytes[ROMA_TOKEN_BYTES_MAX];
    roma_json_text(j, key, bytes, roma_token_bytes(b->tok, id, true, bytes, sizeof bytes));
}

static void put_probs(roma_json *j, const char *key, const batch_answer *b) {
    roma_answer_probs_json(j, key, b->tok, b->probs, b->r->n);
}

static void put_id(roma_json *j, const char *key, const roma_answer_line *q) {
    if (q->id_is_number)
        roma_json_number(j, key, q->id.text, q->id.len);
    else if (q->id.text)
        roma_json_text(j, key, q->id.text, q->id.len);
}

/* ---- roma's own form ---- */

static void put_own(roma_json *j, const batch_answer *b) {
    const reply *r = b->r;
    put_id(j, "id", b->line);
    if (b->rc) {
        roma_json_string(j, "error", b->error);
        return;
    }
    roma_json_text(j, "text", (const char *)r->text.data, r->text.len);
    roma_json_open(j, "ids", '[');
    for (size_t i = 0; i < r->n; i++) roma_json_int(j, NULL, r->ids[i]);
    roma_json_close(j, ']');
    roma_json_int(j, "prompt_tokens", (int64_t)r->n_prompt);
    roma_json_string(j, "stop", reply_stop(r));
    if (b->draws) roma_json_uint(j, "seed", b->line->ask.sampling.seed);
    if (b->probs) put_probs(j, "logprobs", b);
    if (b->hash) {
        uint8_t sum[32];
        roma_sha256 hash = r->hash;
        roma_sha256_final(&hash, sum);
        roma_json_hex(j, "hash", sum, sizeof sum);
    }
}

/* ---- OpenAI's ---- */

static const char *finish_reason(const reply *r, bool calls) {
    const roma_answer_stop_kind k = r->result.stop;
    return k == ROMA_ANSWER_LENGTH || k == ROMA_ANSWER_CONTEXT ? "length" : calls ? "tool_calls" : "stop";
}

/* An answer apart: its content, its reasoning, and its calls as JSON. */
typedef struct {
    roma_buf content, reasoning, calls;
    roma_json json;     /* into calls */
    const char *answer; /* what names the answer, for ids */
    char name[ROMA_CALLS_NAME_MAX + 1];
} parts;

static int hear(void *ctx, const roma_calls_event *e) {
    parts *p = ctx;
    char id[ROMA_CALLS_ID_CAP], call[32];
    switch (e->kind) {
    case ROMA_CALLS_CONTENT: roma_buf_append(&p->content, e->text, e->len); break;
    case ROMA_CALLS_REASONING: roma_buf_append(&p->reasoning, e->text, e->len); break;
    case ROMA_CALLS_CALL: roma_print(p->name, sizeof p->name, "%.*s", (int)e->len, e->text); break;
    case ROMA_CALLS_ARGUMENTS:
        roma_calls_id(id, p->answer, strlen(p->answer), e->index);
        roma_print(call, sizeof call, "call_%s", id);
        roma_json_open(&p->json, NULL, '{');
        roma_json_string(&p->json, "id", call);
        roma_json_string(&p->json, "type", "function");
        roma_json_open(&p->json, "function", '{');
        roma_json_string(&p->json, "name", p->name);
        roma_json_text(&p->json, "arguments", e->text, e->len);
        roma_json_close(&p->json, '}');
        roma_json_close(&p->json, '}');
        break;
    case ROMA_CALLS_END: break;
    }
    return 0;
}

static void destroy_parts(parts *p) {
    roma_buf_destroy(&p->content);
    roma_buf_destroy(&p->reasoning);
    roma_buf_destroy(&p->calls);
}

/* False: no memory. */
static bool parse(parts *p, const batch_answer *b, const char *number) {
    roma_calls_parser parser;
    char *held = roma_alloc(ROMA_CALLS_HELD_USUAL);
    const roma_calls_config c = {
        .form = b->form, .tools = b->tools, .in_reasoning = b->thinks, .most = b->most, .ctx = p, .event = hear};
    *p = (parts){.answer = number, .json = {.out = &p->calls}};
    int rc = held ? ROMA_OK : ROMA_ENOMEM;
    if (held) roma_calls_parser_init(&parser, &c, held, ROMA_CALLS_HELD_USUAL);
    if (held) rc = roma_calls_parser_push(&parser, (const char *)b->r->text.data, b->r->text.len);
    if (!rc) rc = roma_calls_parser_finish(&parser);
    roma_free(held);
    return !rc && !p->content.failed && !p->reasoning.failed && !p->calls.failed;
}

static void put_message(roma_json *j, const parts *p) {
    if (p->content.len || !p->calls.len)
        roma_json_text(j, "content", p->content.data ? (const char *)p->content.data : "", p->content.len);
    else
        roma_json_null(j, "content");
    if (p->reasoning.len) roma_json_text(j, "reasoning_content", (const char *)p->reasoning.data, p->reasoning.len);
    if (!p->calls.len) return;
    roma_json_open(j, "tool_calls", '[');
    roma_buf_append(j->out, p->calls.data, p->calls.len);
    roma_json_close(j, ']');
}

/* Of completions: lists beside each other. */
static void put_completion_probs(roma_json *j, const batch_answer *b) {
    roma_json_open(j, "logprobs", '{');
    roma_json_open(j, "tokens", '[');
    for (size_t i = 0; i < b->r->n; i++) put_token(j, NULL, b, b->r->ids[i]);
    roma_json_close(j, ']');
    roma_json_open(j, "token_logprobs", '[');
    for (size_t i = 0; i < b->r->n; i++) roma_json_real(j, NULL, b->probs[i].own.logprob);
    roma_json_close(j, ']');
    put_probs(j, "content", b);
    roma_json_close(j, '}');
}

static void put_choice(roma_json *j, const batch_answer *b, const char *number) {
    const reply *r = b->r;
    parts p = {.answer = number};
    const bool chat = b->line->messages.text != NULL;
    roma_json_open(j, NULL, '{');
    roma_json_int(j, "index", 0);
    if (chat) {
        roma_json_open(j, "message", '{');
        roma_json_string(j, "role", "assistant");
        if (!b->tools)
            roma_json_text(j, "content", (const char *)r->text.data, r->text.len);
        else if (parse(&p, b, number))
            put_message(j, &p);
        else
            j->out->failed = true;
        roma_json_close(j, '}');
    } else {
        roma_json_text(j, "text", (const char *)r->text.data, r->text.len);
    }
    if (!b->probs) {
        roma_json_null(j, "logprobs");
    } else if (chat) {
        roma_json_open(j, "logprobs", '{');
        put_probs(j, "content", b);
        roma_json_close(j, '}');
    } else {
        put_completion_probs(j, b);
    }
    roma_json_string(j, "finish_reason", finish_reason(r, p.calls.len > 0));
    roma_json_close(j, '}');
    destroy_parts(&p);
}

static void put_answer(roma_json *j, const batch_answer *b, const char *number) {
    const bool chat = b->line->messages.text != NULL;
    char id[64];
    roma_print(id, sizeof id, "%s-%s", chat ? "chatcmpl" : "cmpl", number);
    roma_json_string(j, "id", id);
    roma_json_string(j, "object", chat ? "chat.completion" : "text_completion");
    roma_json_int(j, "created", (int64_t)time(NULL));
    if (b->line->model.text) roma_json_text(j, "model", b->line->model.text, b->line->model.len);
    roma_json_open(j, "choices", '[');
    put_choice(j, b, number);
    roma_json_close(j, ']');
    roma_json_open(j, "usage", '{');
    roma_json_int(j, "prompt_tokens", (int64_t)b->r->n_prompt);
    roma_json_int(j, "completion_tokens", (int64_t)b->r->n);
    roma_json_int(j, "total_tokens", (int64_t)(b->r->n_prompt + b->r->n));
    if (b->tools) {
        roma_json_open(j, "completion_tokens_details", '{');
        roma_json_uint(j, "reasoning_tokens", b->n_reasoning);
        roma_json_close(j, '}');
    }
    roma_json_close(j, '}');
    if (b->draws) roma_json_uint(j, "seed", b->line->ask.sampling.seed);
}

static void put_error(roma_json *j, const batch_answer *b, bool ours) {
    roma_json_open(j, "error", '{');
    roma_json_string(j, "message", b->error);
    roma_json_string(j, "type", ours ? "server_error" : "invalid_request_error");
    roma_json_string(j, "code", ours ? "server_error" : "invalid_request");
    roma_json_close(j, '}');
}

static void put_batch(roma_json *j, const batch_answer *b) {
    char number[24], id[64];
    const bool ours = b->rc && roma_error_exit(b->rc) != 2;
    roma_print(number, sizeof number, "%llu", (unsigned long long)b->line->line);
    roma_print(id, sizeof id, "batch_req_%s", number);
    roma_json_string(j, "id", id);
    put_id(j, "custom_id", b->line);
    roma_json_open(j, "response", '{');
    roma_json_int(j, "status_code", !b->rc ? 200 : ours ? 500 : 400);
    roma_json_string(j, "request_id", id);
    roma_json_open(j, "body", '{');
    if (b->rc)
        put_error(j, b, ours);
    else
        put_answer(j, b, number);
    roma_json_close(j, '}');
    roma_json_close(j, '}');
    if (b->rc)
        put_error(j, b, ours);
    else
        roma_json_null(j, "error");
}

void batch_answer_json(const batch_answer *b, roma_buf *out) {
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    if (b->line->is_batch)
        put_batch(&j, b);
    else
        put_own(&j, b);
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}
