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

static const char *finish_reason(const reply *r) {
    const roma_answer_stop_kind k = r->result.stop;
    return k == ROMA_ANSWER_LENGTH || k == ROMA_ANSWER_CONTEXT ? "length" : "stop";
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

static void put_choice(roma_json *j, const batch_answer *b) {
    const reply *r = b->r;
    const bool chat = b->line->messages.text != NULL;
    roma_json_open(j, NULL, '{');
    roma_json_int(j, "index", 0);
    if (chat) {
        roma_json_open(j, "message", '{');
        roma_json_string(j, "role", "assistant");
        roma_json_text(j, "content", (const char *)r->text.data, r->text.len);
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
    roma_json_string(j, "finish_reason", finish_reason(r));
    roma_json_close(j, '}');
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
    put_choice(j, b);
    roma_json_close(j, ']');
    roma_json_open(j, "usage", '{');
    roma_json_int(j, "prompt_tokens", (int64_t)b->r->n_prompt);
    roma_json_int(j, "completion_tokens", (int64_t)b->r->n);
    roma_json_int(j, "total_tokens", (int64_t)(b->r->n_prompt + b->r->n));
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
