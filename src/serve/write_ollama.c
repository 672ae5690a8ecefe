/* /api/chat, /api/generate and /api/embed as ollama's clients read them: a JSON object a line. Contract in write.h. */
#include "serve/write.h"

#include <time.h>

static void put_now(roma_json *j) {
    struct timespec now;
    struct tm t;
    char text[48];
    if (clock_gettime(CLOCK_REALTIME, &now) || !gmtime_r(&now.tv_sec, &t)) {
        roma_json_string(j, "created_at", "1970-01-01T00:00:00Z");
        return;
    }
    roma_print(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
               t.tm_hour, t.tm_min, t.tm_sec, now.tv_nsec / 1000);
    roma_json_string(j, "created_at", text);
}

static void head(roma_json *j, const told *t) {
    roma_json_open(j, NULL, '{');
    roma_json_string(j, "model", t->model);
    put_now(j);
}

static void ns(roma_json *j, const char *key, double seconds) { roma_json_uint(j, key, (uint64_t)(seconds * 1e9)); }

/* What the last line says. */
static void tail(roma_json *j, const told *t) {
    const told_sums s = roma_serve_told_sum(t);
    roma_json_bool(j, "done", true);
    roma_json_string(j, "done_reason", t->choices->finish && t->choices->finish[0] == 'l' ? "length" : "stop");
    ns(j, "total_duration", s.seconds);
    ns(j, "load_duration", 0);
    roma_json_uint(j, "prompt_eval_count", s.prompt);
    ns(j, "prompt_eval_duration", s.first_s);
    roma_json_uint(j, "eval_count", s.answer);
    ns(j, "eval_duration", s.seconds - s.first_s);
    if (t->draws) roma_json_uint(j, "seed", t->choices->seed);
}

static void end_line(roma_json *j, bool line) {
    roma_json_close(j, '}');
    if (line) roma_buf_append(j->out, "\n", 1);
}

/* ---- calls ---- */

static void put_call(roma_json *j, const choice *c, const told_call *k) {
    roma_json_open(j, NULL, '{');
    roma_json_open(j, "function", '{');
    roma_json_text(j, "name", told_text_of(&c->texts) + k->name, k->name_len);
    roma_json_number(j, "arguments", k->args_len ? told_text_of(&c->texts) + k->args : "{}",
                     k->args_len ? k->args_len : 2);
    roma_json_close(j, '}');
    roma_json_close(j, '}');
}

/* ---- texts ---- */

static bool is_chat(const told *t) { return t->a->form == ASKED_OCHAT; }

/* The text where the protocol has it; what is not there is "". calls: from the first to before the last. */
static void put_texts(roma_json *j, const told *t, const choice *c, const told_delta *content,
                      const told_delta *thinking, size_t first, size_t last) {
    const bool chat = is_chat(t);
    if (chat) {
        roma_json_open(j, "message", '{');
        roma_json_string(j, "role", "assistant");
    }
    roma_json_text(j, chat ? "content" : "response", content->text ? content->text : "", content->len);
    if (thinking->len) roma_json_text(j, "thinking", thinking->text, thinking->len);
    if (first < last) {
        roma_json_open(j, "tool_calls", '[');
        for (size_t i = first; i < last; i++) put_call(j, c, &told_calls(c)[i]);
        roma_json_close(j, ']');
    }
    if (chat) roma_json_close(j, '}');
}

static void put_probs(roma_json *j, const told *t, const roma_answer_probs *p, size_t n) {
    if (t->a->q->logprobs && n) roma_answer_probs_json(j, "logprobs", t->tok, p, n);
}

static void delta(told *t, size_t k, const told_delta *d, roma_buf *out) {
    static const told_delta none;
    const choice *c = &t->choices[k];
    const size_t calls = told_n_calls(c);
    if (d->kind != TOLD_CONTENT && d->kind != TOLD_REASONING && d->kind != TOLD_CALL_END) return;
    roma_json j = {.out = out};
    head(&j, t);
    put_texts(&j, t, c, d->kind == TOLD_CONTENT ? d : &none, d->kind == TOLD_REASONING ? d : &none,
              d->kind == TOLD_CALL_END ? calls - 1 : 0, d->kind == TOLD_CALL_END ? calls : 0);
    if (d->kind == TOLD_CONTENT) put_probs(&j, t, d->probs, d->n_probs);
    roma_json_bool(&j, "done", false);
    end_line(&j, true);
}

static void end(told *t, roma_buf *out) {
    static const told_delta none;
    roma_json j = {.out = out};
    head(&j, t);
    put_texts(&j, t, t->choices, &none, &none, 0, 0);
    tail(&j, t);
    end_line(&j, true);
}

static void whole(told *t, roma_buf *out) {
    const choice *c = t->choices;
    const told_delta content = {.text = told_text_of(&c->content), .len = c->content.len},
                     thinking = {.text = told_text_of(&c->reasoning), .len = c->reasoning.len};
    roma_json j = {.out = out};
    head(&j, t);
    put_texts(&j, t, c, &content, &thinking, 0, told_n_calls(c));
    put_probs(&j, t, (const roma_answer_probs *)(const void *)c->probs.data, c->probs.len / sizeof(roma_answer_probs));
    tail(&j, t);
    end_line(&j, false);
}

/* ---- errors ---- */

void roma_serve_told_error_ollama(const told_error *e, roma_buf *out) {
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "error", e->message);
    roma_json_close(&j, '}');
}

static void fail(told *t, const told_error *e, roma_buf *out) {
    (void)t;
    roma_serve_told_error_ollama(e, out);
    roma_buf_append(out, "\n", 1);
}

const told_form roma_serve_told_ollama = {.stream_type = "application/x-ndjson",
                                          .delta = delta,
                                          .end = end,
                                          .whole = whole,
                                          .fail = fail,
                                          .error = roma_serve_told_error_ollama};

/* ---- embeddings ---- */

void roma_serve_told_embeddings_ollama(const told *t, const float *rows, size_t width, roma_buf *out) {
    const told_sums s = roma_serve_told_sum(t);
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "model", t->model);
    roma_json_open(&j, "embeddings", '[');
    for (size_t i = 0; i < t->n; i++) {
        roma_json_open(&j, NULL, '[');
        for (size_t k = 0; k < width; k++) roma_json_real(&j, NULL, (double)rows[i * width + k]);
        roma_json_close(&j, ']');
    }
    roma_json_close(&j, ']');
    ns(&j, "total_duration", s.seconds);
    ns(&j, "load_duration", 0);
    roma_json_uint(&j, "prompt_eval_count", s.prompt);
    roma_json_close(&j, '}');
}
