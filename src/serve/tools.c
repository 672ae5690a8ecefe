/* Tools and reasoning: what a request says of tools is made ready on the worker; what an answer says is taken apart on
 * the network's thread. */
#include "serve/internal.h"

#include <string.h>

/* ---- on the worker ---- */

static int no_form(roma_error *err) {
    return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                     "the model has no chat template, or one whose tool calls are not understood; roma serve "
                     "--template names another");
}

/* The grammar of nothing but calls, for who asks for one. */
static int make_grammar(exchange *x, bool thinks, roma_error *err) {
    roma_buf grammar = {0};
    if (x->a.shape != ASKED_ANY)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                         "an answer cannot be a call of a tool and of another form too");
    int rc = roma_calls_grammar(roma_answer_calls(x->s->answer), &x->tools, &x->choice, x->a.parallel, thinks, &grammar,
                                err);
    if (!rc) rc = roma_constrain_create_written(&x->shape, &grammar, err);
    roma_buf_destroy(&grammar);
    return rc;
}

int roma_serve_read_tools(exchange *x, roma_error *err) {
    const asked *a = &x->a;
    int rc = a->tools.text ? roma_calls_tools_read(&x->tools, a->tools.text, a->tools.len, err) : ROMA_OK;
    if (rc) roma_print(x->a.param, sizeof x->a.param, "tools");
    if (!rc && a->choice.text) {
        rc = roma_calls_choice_read(&x->choice, &x->tools, a->choice.text, a->choice.len, err);
        if (rc) roma_print(x->a.param, sizeof x->a.param, "tool_choice");
    }
    if (rc) return rc;
    x->shows_tools = x->tools.n && x->choice.kind != ROMA_CALLS_CHOICE_OFF;
    if (!x->shows_tools || roma_answer_calls(x->s->answer)->kind != ROMA_CALLS_NONE) return ROMA_OK;
    roma_print(x->a.param, sizeof x->a.param, "tools");
    return no_form(err);
}

int roma_serve_tool_messages(exchange *x, roma_error *err) {
    static const char calls[] = "\"tool";
    roma_buf *m = &x->a.messages, made = {0};
    if (!memmem(m->data, m->len, calls, sizeof calls - 1)) return ROMA_OK;
    const int rc = roma_calls_messages(roma_answer_calls(x->s->answer), (const char *)m->data, m->len, &made, err);
    roma_buf_destroy(m);
    *m = made;
    if (rc) roma_print(x->a.param, sizeof x->a.param, x->form == ASKED_RESPONSE ? "input" : "messages");
    return rc ? rc : m->failed ? roma_serve_asked_no_memory(err) : ROMA_OK;
}

int roma_serve_tool_prompt(exchange *x, const roma_buf *rendered, roma_error *err) {
    x->thinks = rendered->len &&
                roma_calls_form_thinks(roma_answer_calls(x->s->answer), (const char *)rendered->data, rendered->len);
    if (x->choice.kind != ROMA_CALLS_CHOICE_REQUIRED && x->choice.kind != ROMA_CALLS_CHOICE_NAMED) return ROMA_OK;
    const int rc = make_grammar(x, x->thinks, err);
    if (rc) roma_print(x->a.param, sizeof x->a.param, "tool_choice");
    return rc;
}

/* ---- on the network's thread ---- */

static told_call *last_call(choice *c) { return (told_call *)(void *)c->calls.data + told_n_calls(c) - 1; }

static void begin_call(const exchange *x, size_t k, const roma_calls_event *e, told_call *out) {
    choice *c = &x->t.choices[k];
    char id[ROMA_CALLS_ID_CAP], answer[64];
    roma_print(answer, sizeof answer, "%s-%zu", x->t.id, k);
    roma_calls_id(id, answer, strlen(answer), e->index);
    *out = (told_call){.name = c->texts.len, .name_len = e->len, .args = c->texts.len + e->len};
    roma_print(out->id, sizeof out->id, "%s", id);
    roma_buf_append(&c->texts, e->text, e->len);
    roma_buf_append(&c->calls, out, sizeof *out);
}

static int on_event(void *ctx, const roma_calls_event *e) {
    static const told_kind kinds[] = {[ROMA_CALLS_CONTENT] = TOLD_CONTENT,
                                      [ROMA_CALLS_REASONING] = TOLD_REASONING,
                                      [ROMA_CALLS_CALL] = TOLD_CALL,
                                      [ROMA_CALLS_ARGUMENTS] = TOLD_ARGUMENTS,
                                      [ROMA_CALLS_END] = TOLD_CALL_END};
    const talker *p = ctx;
    exchange *x = p->x;
    choice *c = &x->t.choices[p->k];
    told_call call = {0};
    if (e->kind == ROMA_CALLS_CALL) begin_call(x, p->k, e, &call);
    if (e->kind == ROMA_CALLS_ARGUMENTS) roma_buf_append(&c->texts, e->text, e->len);
    if (c->calls.failed || c->texts.failed) return ROMA_ENOMEM;
    if (e->kind == ROMA_CALLS_ARGUMENTS) last_call(c)->args_len += e->len;
    const told_delta d = {
        .kind = kinds[e->kind], .text = e->text ? e->text : "", .len = e->len, .index = e->index, .id = call.id};
    roma_serve_grow(x, p->k, &d);
    return 0;
}

bool roma_serve_talkers(exchange *x) {
    const bool chat = x->form == ASKED_CHAT || x->form == ASKED_RESPONSE || x->form == ASKED_OCHAT ||
                      (x->form == ASKED_OTEXT && !x->a.raw);
    const size_t held = x->shows_tools ? ROMA_CALLS_HELD_USUAL : ROMA_CALLS_HELD_MIN;
    const bool calls = x->choice.kind == ROMA_CALLS_CHOICE_REQUIRED || x->choice.kind == ROMA_CALLS_CHOICE_NAMED;
    if (!chat) return true;
    x->talkers = roma_alloc_array(x->t.n, sizeof *x->talkers);
    x->talker_held = roma_alloc_array(x->t.n, held);
    if (!x->talkers || !x->talker_held) return false;
    for (size_t k = 0; k < x->t.n; k++) {
        talker *p = &x->talkers[k];
        *p = (talker){.x = x, .k = k};
        const roma_calls_config c = {.form = roma_answer_calls(x->s->answer),
                                     .tools = x->shows_tools ? &x->tools : NULL,
                                     .in_reasoning = x->thinks && (!x->shape || calls), /* a form begins at once */
                                     .most = x->a.parallel ? 0 : 1,
                                     .ctx = p,
                                     .event = on_event};
        roma_calls_parser_init(&p->parser, &c, x->talker_held + k * held, held);
    }
    return true;
}

void roma_serve_text(exchange *x, size_t k, const char *text, size_t len) {
    const told_delta d = {.kind = TOLD_CONTENT, .text = text, .len = len};
    if (!x->talkers)
        roma_serve_grow(x, k, &d);
    else if (roma_calls_parser_push(&x->talkers[k].parser, text, len))
        x->t.choices[k].content.failed = true;
}

void roma_serve_text_end(exchange *x, size_t k) {
    choice *c = &x->t.choices[k];
    if (!x->talkers) return;
    if (roma_calls_parser_finish(&x->talkers[k].parser)) c->content.failed = true;
    if (told_n_calls(c) && strcmp(c->finish, "stop") == 0) c->finish = "tool_calls";
}

void roma_serve_tools_free(exchange *x) {
    roma_calls_tools_free(&x->tools);
    roma_free(x->talkers);
    roma_free(x->talker_held);
}
