/* Conversations with tools for a chat template that knows none: told in messages, by the built-in form of calls. How
 * many tokens of an answer are reasoning. */
#include "answer/internal.h"

#include <string.h>

bool roma_answer_must_tell(const roma_answer *a, const roma_answer_dialog *d) {
    static const char calls[] = "\"tool"; /* a role, tool_calls, tool_call_id: else there is nothing to be told */
    if (!a->calls.built_in || roma_answer_is_raw(a, d->flags)) return false;
    return d->tools.text || (d->json.text && memmem(d->json.text, d->json.len, calls, sizeof calls - 1));
}

/* Messages of texts as JSON. */
static void put_messages(const roma_answer_dialog *d, roma_buf *out) {
    static const char *const roles[] = {"system", "user", "assistant"};
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '[');
    for (size_t i = 0; i < d->n; i++) {
        roma_json_open(&j, NULL, '{');
        roma_json_string(&j, "role", roles[d->messages[i].role]);
        roma_json_text(&j, "content", d->messages[i].len ? d->messages[i].text : "", d->messages[i].len);
        roma_json_close(&j, '}');
    }
    roma_json_close(&j, ']');
}

int roma_answer_tell(const roma_answer *a, const roma_answer_dialog *d, roma_buf *out, roma_error *err) {
    roma_calls_tools tools = {0};
    roma_buf own = {0};
    roma_answer_text json = d->json;
    int rc = d->tools.text ? roma_calls_tools_read(&tools, d->tools.text, d->tools.len, err) : ROMA_OK;
    if (!rc && !json.text) {
        put_messages(d, &own);
        json = (roma_answer_text){(const char *)own.data, own.len};
        if (own.failed) rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the messages");
    }
    if (!rc) rc = roma_calls_messages_plain(&a->calls, &tools, json.text, json.len, out, err);
    roma_calls_tools_free(&tools);
    roma_buf_destroy(&own);
    return rc;
}

/* ---- reasoning ---- */

void roma_answer_thoughts_begin(roma_answer_thoughts *t, const roma_answer *a, bool thinks) {
    const roma_calls_config c = {.form = &a->calls, .in_reasoning = thinks};
    t->a = a;
    t->taken = t->n = 0;
    roma_calls_parser_init(&t->parser, &c, t->held, sizeof t->held);
}

void roma_answer_thoughts_take(roma_answer_thoughts *t, int32_t token) {
    char text[ROMA_TOKEN_BYTES_MAX];
    const roma_calls_place before = roma_calls_parser_place(&t->parser);
    t->taken++;
    if (before == ROMA_CALLS_BEYOND || !t->a->tok) return;
    size_t n = roma_token_bytes(t->a->tok, token, false, text, sizeof text);
    if (!n) { /* a control token: its text counts where it is a mark's */
        n = roma_token_bytes(t->a->tok, token, true, text, sizeof text);
        if (n > sizeof text || !roma_calls_form_marks(&t->a->calls, text, n)) n = 0;
    }
    roma_calls_parser_push(&t->parser, text, n < sizeof text ? n : sizeof text);
    const roma_calls_place now = roma_calls_parser_place(&t->parser);
    if (before == ROMA_CALLS_IN_REASONING || now == ROMA_CALLS_IN_REASONING) t->n = t->taken;
}
