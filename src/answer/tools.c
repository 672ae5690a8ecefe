/* Conversations with tools for a chat template that knows none: told in messages, by the built-in form of calls. */
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
