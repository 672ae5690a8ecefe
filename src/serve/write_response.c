/* /v1/responses as OpenAI's clients read it: items, and events that name them. Contract in write.h.
 *
 * An answer has up to one item of reasoning, one message and a call each; an item is open from its first text to the
 * next item's, and its text is kept for the event that closes it. */
#include "serve/write.h"

#include <string.h>

enum { NONE_OPEN = -1 };

static void item_id(char out[64], const told *t, const char *prefix, uint32_t index) {
    roma_print(out, 64, "%s_%s%02x", prefix, t->id, index);
}

static const char *status_of(const choice *c) {
    return c->finish && strcmp(c->finish, "length") == 0 ? "incomplete" : "completed";
}

/* ---- items ---- */

/* Probabilities of the message's tokens, from the n-th on; an empty list where they were not asked for. */
static void put_probs(roma_json *j, const told *t, const roma_answer_probs *p, size_t n) {
    roma_answer_probs_json(j, "logprobs", t->tok, p, t->a->q->logprobs ? n : 0);
}

/* The message's, all that there are. */
static void put_all_probs(roma_json *j, const told *t) {
    const roma_buf *b = &t->choices->probs;
    put_probs(j, t, (const roma_answer_probs *)(const void *)b->data, b->len / sizeof(roma_answer_probs));
}

static void put_part(roma_json *j, const char *key, const told *t, bool reasoning, const char *text, size_t len) {
    roma_json_open(j, key, '{');
    roma_json_string(j, "type", reasoning ? "reasoning_text" : "output_text");
    roma_json_text(j, "text", text, len);
    if (!reasoning) {
        roma_json_open(j, "annotations", '[');
        roma_json_close(j, ']');
        if (len)
            put_all_probs(j, t);
        else
            put_probs(j, t, NULL, 0);
    }
    roma_json_close(j, '}');
}

/* A message or reasoning; text NULL: it is only begun. */
static void put_message(roma_json *j, const char *key, const told *t, bool reasoning, uint32_t index,
                        const char *status, const char *text, size_t len) {
    char id[64];
    item_id(id, t, reasoning ? "rs" : "msg", index);
    roma_json_open(j, key, '{');
    roma_json_string(j, "id", id);
    roma_json_string(j, "type", reasoning ? "reasoning" : "message");
    roma_json_string(j, "status", status);
    if (reasoning) {
        roma_json_open(j, "summary", '[');
        roma_json_close(j, ']');
    } else {
        roma_json_string(j, "role", "assistant");
    }
    roma_json_open(j, "content", '[');
    if (text) put_part(j, NULL, t, reasoning, text, len);
    roma_json_close(j, ']');
    roma_json_close(j, '}');
}

static void put_call(roma_json *j, const char *key, const told *t, const choice *c, const told_call *k, uint32_t index,
                     bool begun) {
    char id[64];
    item_id(id, t, "fc", index);
    roma_json_open(j, key, '{');
    roma_json_string(j, "id", id);
    roma_json_string(j, "type", "function_call");
    roma_json_string(j, "status", begun ? "in_progress" : "completed");
    roma_json_string(j, "call_id", k->id);
    roma_json_text(j, "name", told_text_of(&c->texts) + k->name, k->name_len);
    roma_json_text(j, "arguments", told_text_of(&c->texts) + k->args, begun ? 0 : k->args_len);
    roma_json_close(j, '}');
}

static void put_output(roma_json *j, const told *t, bool whole) {
    const choice *c = t->choices;
    uint32_t index = 0;
    roma_json_open(j, "output", '[');
    if (whole && c->reasoning.len)
        put_message(j, NULL, t, true, index++, "completed", told_text_of(&c->reasoning), c->reasoning.len);
    if (whole && (c->content.len || !told_n_calls(c)))
        put_message(j, NULL, t, false, index++, status_of(c), told_text_of(&c->content), c->content.len);
    for (size_t i = 0; whole && i < told_n_calls(c); i++) put_call(j, NULL, t, c, &told_calls(c)[i], index++, false);
    roma_json_close(j, ']');
}

/* ---- the response ---- */

static void put_usage(roma_json *j, const told *t) {
    const told_sums s = roma_serve_told_sum(t);
    roma_json_open(j, "usage", '{');
    roma_json_uint(j, "input_tokens", s.prompt);
    roma_json_open(j, "input_tokens_details", '{');
    roma_json_uint(j, "cached_tokens", s.shared);
    roma_json_uint(j, "cache_write_tokens", s.prompt - s.shared);
    roma_json_close(j, '}');
    roma_json_uint(j, "output_tokens", s.answer);
    roma_json_open(j, "output_tokens_details", '{');
    roma_json_uint(j, "reasoning_tokens", s.reasoning);
    roma_json_close(j, '}');
    roma_json_uint(j, "total_tokens", s.prompt + s.answer);
    roma_json_close(j, '}');
}

static void put_json(roma_json *j, const char *key, roma_answer_text t, const char *else_) {
    if (t.text)
        roma_json_number(j, key, t.text, t.len);
    else
        roma_json_number(j, key, else_, strlen(else_));
}

static void put_settings(roma_json *j, const told *t) {
    const asked *a = t->a;
    const roma_answer_ask *k = &a->q->ask;
    roma_json_text(j, "instructions", a->system.text ? a->system.text : "", a->system.len);
    if (a->has_limit)
        roma_json_uint(j, "max_output_tokens", k->limit);
    else
        roma_json_null(j, "max_output_tokens");
    roma_json_bool(j, "parallel_tool_calls", a->parallel);
    roma_json_null(j, "previous_response_id");
    roma_json_bool(j, "store", false);
    roma_json_real(j, "temperature", (double)k->sampling.temperature);
    roma_json_real(j, "top_p", (double)k->sampling.top_p);
    roma_json_uint(j, "top_logprobs", a->q->top);
    roma_json_string(j, "truncation", "disabled");
    put_json(j, "tool_choice", a->choice, "\"auto\"");
    put_json(j, "tools", a->tools, "[]");
    roma_json_open(j, "text", '{');
    roma_json_open(j, "format", '{');
    roma_json_string(j, "type",
                     a->shape == ASKED_SCHEMA   ? "json_schema"
                     : a->shape == ASKED_OBJECT ? "json_object"
                                                : "text");
    if (a->shape == ASKED_SCHEMA) roma_json_string(j, "name", "answer");
    if (a->shape == ASKED_SCHEMA) put_json(j, "schema", a->schema, "{}");
    roma_json_close(j, '}');
    roma_json_close(j, '}');
    roma_json_open(j, "metadata", '{');
    roma_json_close(j, '}');
    if (t->draws) roma_json_uint(j, "seed", t->choices->seed);
}

static void put_response(roma_json *j, const char *key, const told *t, const char *status, const told_error *e) {
    char id[64];
    const bool over = t->choices->is_over;
    roma_print(id, sizeof id, "resp_%s", t->id);
    roma_json_open(j, key, '{');
    roma_json_string(j, "id", id);
    roma_json_string(j, "object", "response");
    roma_json_int(j, "created_at", t->created);
    roma_json_string(j, "status", status);
    roma_json_string(j, "model", t->model);
    if (e) {
        roma_json_open(j, "error", '{');
        roma_json_string(j, "code", e->code ? e->code : e->type);
        roma_json_string(j, "message", e->message);
        roma_json_close(j, '}');
    } else {
        roma_json_null(j, "error");
    }
    if (strcmp(status, "incomplete") == 0) {
        roma_json_open(j, "incomplete_details", '{');
        roma_json_string(j, "reason", "max_output_tokens");
        roma_json_close(j, '}');
    } else {
        roma_json_null(j, "incomplete_details");
    }
    put_output(j, t, over);
    put_settings(j, t);
    if (over)
        put_usage(j, t);
    else
        roma_json_null(j, "usage");
    roma_json_close(j, '}');
}

static void whole(told *t, roma_buf *out) {
    roma_json j = {.out = out};
    put_response(&j, NULL, t, status_of(t->choices), NULL);
}

/* ---- events ---- */

static roma_json event(told *t, const char *type, roma_buf *out) {
    roma_serve_told_event_begin(out, type);
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "type", type);
    roma_json_uint(&j, "sequence_number", t->events++);
    return j;
}

static void event_end(roma_json *j) {
    roma_json_close(j, '}');
    roma_serve_told_event_end(j->out);
}

static void event_response(told *t, const char *type, const char *status, const told_error *e, roma_buf *out) {
    roma_json j = event(t, type, out);
    put_response(&j, "response", t, status, e);
    event_end(&j);
}

static void begin(told *t, roma_buf *out) {
    event_response(t, "response.created", "in_progress", NULL, out);
    event_response(t, "response.in_progress", "in_progress", NULL, out);
}

static const char *prefix_of(int kind) { return kind == TOLD_REASONING ? "rs" : kind == TOLD_CALL ? "fc" : "msg"; }

/* Members that name the item that is open. */
static void put_place(roma_json *j, const told *t, const choice *c, bool part) {
    char id[64];
    item_id(id, t, prefix_of(c->open), c->items - 1);
    roma_json_string(j, "item_id", id);
    roma_json_uint(j, "output_index", c->items - 1);
    if (part) roma_json_uint(j, "content_index", 0);
}

static const told_call *last_call(const choice *c) { return told_calls(c) + told_n_calls(c) - 1; }

static void put_item(roma_json *j, const told *t, const choice *c, bool begun) {
    if (c->open == TOLD_CALL)
        put_call(j, "item", t, c, last_call(c), c->items - 1, begun);
    else
        put_message(j, "item", t, c->open == TOLD_REASONING, c->items - 1, begun ? "in_progress" : "completed",
                    begun ? NULL : told_text_of(&c->item), c->item.len);
}

static void open_item(told *t, choice *c, told_kind kind, roma_buf *out) {
    c->open = (int)kind;
    c->items++;
    c->item.len = 0;
    roma_json j = event(t, "response.output_item.added", out);
    roma_json_uint(&j, "output_index", c->items - 1);
    put_item(&j, t, c, true);
    event_end(&j);
    if (kind == TOLD_CALL) return;
    j = event(t, "response.content_part.added", out);
    put_place(&j, t, c, true);
    put_part(&j, "part", t, kind == TOLD_REASONING, "", 0);
    event_end(&j);
}

static void done_text(told *t, const choice *c, roma_buf *out) {
    const bool reasoning = c->open == TOLD_REASONING;
    roma_json j = event(t, reasoning ? "response.reasoning_text.done" : "response.output_text.done", out);
    put_place(&j, t, c, true);
    roma_json_text(&j, "text", told_text_of(&c->item), c->item.len);
    if (!reasoning) put_all_probs(&j, t);
    event_end(&j);
    j = event(t, "response.content_part.done", out);
    put_place(&j, t, c, true);
    put_part(&j, "part", t, reasoning, told_text_of(&c->item), c->item.len);
    event_end(&j);
}

static void close_item(told *t, choice *c, roma_buf *out) {
    if (c->open == NONE_OPEN) return;
    if (c->open == TOLD_CALL) {
        const told_call *k = last_call(c);
        roma_json j = event(t, "response.function_call_arguments.done", out);
        put_place(&j, t, c, false);
        roma_json_text(&j, "name", told_text_of(&c->texts) + k->name, k->name_len);
        roma_json_text(&j, "arguments", told_text_of(&c->texts) + k->args, k->args_len);
        event_end(&j);
    } else {
        done_text(t, c, out);
    }
    roma_json j = event(t, "response.output_item.done", out);
    roma_json_uint(&j, "output_index", c->items - 1);
    put_item(&j, t, c, false);
    event_end(&j);
    c->open = NONE_OPEN;
}

static const char *delta_type(told_kind kind) {
    return kind == TOLD_REASONING   ? "response.reasoning_text.delta"
           : kind == TOLD_ARGUMENTS ? "response.function_call_arguments.delta"
                                    : "response.output_text.delta";
}

static void delta(told *t, size_t k, const told_delta *d, roma_buf *out) {
    choice *c = &t->choices[k];
    const told_kind kind = d->kind == TOLD_ARGUMENTS ? TOLD_CALL : d->kind;
    if (d->kind == TOLD_FINISH || d->kind == TOLD_CALL_END) {
        if (d->kind == TOLD_FINISH && !c->items) open_item(t, c, TOLD_CONTENT, out);
        close_item(t, c, out);
        return;
    }
    if (c->open != (int)kind || d->kind == TOLD_CALL) {
        close_item(t, c, out);
        open_item(t, c, kind, out);
    }
    if (d->kind == TOLD_CALL) return;
    if (kind != TOLD_CALL) roma_buf_append(&c->item, d->text, d->len);
    roma_json j = event(t, delta_type(d->kind), out);
    put_place(&j, t, c, kind != TOLD_CALL);
    roma_json_text(&j, "delta", d->text, d->len);
    if (kind == TOLD_CONTENT) put_probs(&j, t, d->probs, d->n_probs);
    event_end(&j);
}

static void end(told *t, roma_buf *out) {
    const char *status = status_of(t->choices);
    event_response(t, strcmp(status, "completed") == 0 ? "response.completed" : "response.incomplete", status, NULL,
                   out);
}

static void fail(told *t, const told_error *e, roma_buf *out) {
    event_response(t, "response.failed", "failed", e, out);
}

const told_form roma_serve_told_response = {.stream_type = "text/event-stream",
                                            .begin = begin,
                                            .delta = delta,
                                            .end = end,
                                            .whole = whole,
                                            .fail = fail,
                                            .error = roma_serve_told_error_json,
                                            .keeps = true};
