/* Chat templates, written out. The text between two markers is tokenised as one text, as it is when a rendered
 * template is: a message's first word may merge with the template's blank before it. Markers are ids that this
 * file places; a marker that a user typed stays text. */
#include <string.h>
#include "text.h"

typedef struct {
    const char *p;
    size_t len;
} span;
#define SPAN(s) ((span){s, sizeof(s) - 1})

typedef struct {
    const roma_tokenizer *t;
    roma_buf run; /* text since the last marker */
    int32_t *out;
    size_t cap, n;
    int rc; /* first failure; nothing is written after it */
    roma_error *err;
} composer;

/* ---- composing ------------------------------------------------------------------------------------ */

static void flush(composer *c) {
    if (c->rc || c->run.len == 0) return;
    size_t n = 0;
    const size_t at = c->n < c->cap ? c->n : c->cap;
    c->rc = roma_tokenize(c->t, (const char *)c->run.data, c->run.len, 0, c->out ? c->out + at : NULL, c->cap - at, &n,
                          c->err);
    c->n += n;
    c->run.len = 0;
}

static void text(composer *c, span s) {
    if (c->rc || s.len == 0) return;
    roma_buf_append(&c->run, s.p, s.len);
    if (c->run.failed) c->rc = roma_fail(c->err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for the conversation");
}

static void id(composer *c, int32_t token) {
    flush(c);
    if (c->rc) return;
    if (c->n < c->cap) c->out[c->n] = token;
    c->n++;
}

/* A marker the vocabulary does not have is written as text, as rendering the template would do. */
static void marker(composer *c, span s) {
    const int32_t token = roma_text_find_special(c->t, s.p, s.len);
    if (token >= 0)
        id(c, token);
    else
        text(c, s);
}

static void refuse(composer *c, size_t message, const char *why) {
    if (c->rc) return;
    c->rc = roma_fail(c->err, ROMA_EINPUT, NULL, ROMA_NOWHERE, "message %zu: %s", message + 1, why);
}

static void begin(composer *c) {
    if (c->t->v.bos >= 0) id(c, c->t->v.bos);
}

static void end(composer *c) {
    if (c->t->v.eos >= 0) {
        id(c, c->t->v.eos);
    } else if (!c->rc) {
        c->rc = roma_fail(c->err, ROMA_EUNSUPPORTED, NULL, ROMA_NOWHERE,
                          "the chat template ends a turn with the end-of-text token, which this model lacks");
    }
}

/* ---- pieces of text ------------------------------------------------------------------------------- */

/* An empty text may be NULL, to which nothing can be added. */
static span of(const roma_message *m) { return (span){m->len ? m->text : "", m->len}; }

static span role_name(const roma_message *m) {
    switch (m->role) {
    case ROMA_ROLE_SYSTEM: return SPAN("system");
    case ROMA_ROLE_USER: return SPAN("user");
    case ROMA_ROLE_ASSISTANT: break;
    }
    return SPAN("assistant");
}

/* What Jinja's `trim` takes away is what Python calls space: White_Space and four control characters. */
static span strip(span s) {
    const uint8_t *p = (const uint8_t *)s.p, *stop = p + s.len, *first = NULL, *last = p;
    unsigned n;
    for (; p < stop; p += n) {
        const uint32_t ch = roma_text_utf8(p, stop, &n);
        if (ch != TEXT_BAD && (roma_text_is_space(ch) || (ch >= 0x1c && ch <= 0x1f))) continue;
        if (!first) first = p;
        last = p + n;
    }
    return first ? (span){(const char *)first, (size_t)(last - first)} : (span){s.p, 0};
}

static span strip_lines_left(span s) {
    while (s.len && s.p[0] == '\n') s = (span){s.p + 1, s.len - 1};
    return s;
}

static span strip_lines_right(span s) {
    while (s.len && s.p[s.len - 1] == '\n') s.len--;
    return s;
}

static const char *find(span s, span what) { return s.len < what.len ? NULL : memmem(s.p, s.len, what.p, what.len); }

static span after_last(span s, span what) {
    for (const char *p; (p = find(s, what)) != NULL;) {
        p += what.len;
        s = (span){p, (size_t)(s.p + s.len - p)};
    }
    return s;
}

static bool starts_with(span s, span what) { return s.len >= what.len && memcmp(s.p, what.p, what.len) == 0; }
static bool ends_with(span s, span what) {
    return s.len >= what.len && memcmp(s.p + s.len - what.len, what.p, what.len) == 0;
}

/* ---- ChatML and its kin --------------------------------------------------------------------------- */

static void chatml_turn(composer *c, span role, span body) {
    marker(c, SPAN("<|im_start|>"));
    text(c, role);
    text(c, SPAN("\n"));
    text(c, body);
    marker(c, SPAN("<|im_end|>"));
    text(c, SPAN("\n"));
}

static span chatml_default(roma_template_kind kind) {
    switch (kind) {
    case ROMA_TEMPLATE_SMOLLM2: return SPAN("You are a helpful AI assistant named SmolLM, trained by Hugging Face");
    case ROMA_TEMPLATE_QWEN: return SPAN("You are Qwen, created by Alibaba Cloud. You are a helpful assistant.");
    case ROMA_TEMPLATE_QWEN2: return SPAN("You are a helpful assistant.");
    case ROMA_TEMPLATE_QWEN15: return SPAN("You are a helpful assistant");
    default: return SPAN("");
    }
}

/* Qwen3 drops the thinking of earlier replies; of a reply after the last question it keeps it. */
static void qwen3_reply(composer *c, const roma_message *m, bool last, bool after_question) {
    const span close = SPAN("</think>"), open = SPAN("<think>");
    span body = of(m), thought = {body.p, 0};
    const char *p = find(body, close);
    if (p) {
        thought = strip_lines_right((span){body.p, (size_t)(p - body.p)});
        thought = strip_lines_left(after_last(thought, open));
        body = strip_lines_left(after_last(body, close));
    }
    marker(c, SPAN("<|im_start|>"));
    text(c, SPAN("assistant\n"));
    if (after_question && (last || thought.len)) {
        text(c, SPAN("<think>\n"));
        text(c, strip_lines_right(thought));
        text(c, SPAN("\n</think>\n\n"));
        body = strip_lines_left(body);
    }
    text(c, body);
    marker(c, SPAN("<|im_end|>"));
    text(c, SPAN("\n"));
}

/* Index of the last message that is a question and not a tool's answer. */
static size_t last_question(const roma_message *m, size_t n) {
    for (size_t i = n; i-- > 0;) {
        const span s = of(&m[i]);
        const bool tool = starts_with(s, SPAN("<tool_response>")) && ends_with(s, SPAN("</tool_response>"));
        if (m[i].role == ROMA_ROLE_USER && !tool) return i;
    }
    return n - 1;
}

static void chatml(composer *c, roma_template_kind kind, const roma_message *m, size_t n, bool add_reply) {
    const span system = chatml_default(kind);
    const size_t question = last_question(m, n);
    if (kind == ROMA_TEMPLATE_CHATML_BOS) begin(c);
    if (system.len && m[0].role != ROMA_ROLE_SYSTEM) chatml_turn(c, SPAN("system"), system);
    for (size_t i = 0; i < n; i++) {
        if (kind == ROMA_TEMPLATE_QWEN3 && m[i].role == ROMA_ROLE_ASSISTANT)
            qwen3_reply(c, &m[i], i + 1 == n, i > question);
        else
            chatml_turn(c, role_name(&m[i]), of(&m[i]));
    }
    if (!add_reply) return;
    marker(c, SPAN("<|im_start|>"));
    text(c, SPAN("assistant\n"));
}

/* ---- Llama 3 -------------------------------------------------------------------------------------- */

static void llama3_header(composer *c, span role) {
    marker(c, SPAN("<|start_header_id|>"));
    text(c, role);
    marker(c, SPAN("<|end_header_id|>"));
    text(c, SPAN("\n\n"));
}

static void llama3(composer *c, roma_template_kind kind, const roma_message *m, size_t n, bool add_reply) {
    begin(c);
    size_t i = 0;
    if (kind == ROMA_TEMPLATE_LLAMA31) {
        /* The template's own date, for want of a clock: the same conversation gives the same ids on any day. */
        llama3_header(c, SPAN("system"));
        text(c, SPAN("Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"));
        if (m[0].role == ROMA_ROLE_SYSTEM) text(c, strip(of(&m[i++])));
        marker(c, SPAN("<|eot_id|>"));
    }
    for (; i < n; i++) {
        llama3_header(c, role_name(&m[i]));
        text(c, strip(of(&m[i])));
        marker(c, SPAN("<|eot_id|>"));
    }
    if (add_reply) llama3_header(c, SPAN("assistant"));
}

/* ---- [INST] --------------------------------------------------------------------------------------- */

/* After an optional system message the roles alternate, beginning with the user. */
static void check_turns(composer *c, const roma_message *m, size_t n, bool system, bool add_reply) {
    const size_t skip = m[0].role == ROMA_ROLE_SYSTEM;
    if (skip && !system) refuse(c, 0, "this chat template has no place for a system message");
    if (skip && n == 1) refuse(c, 0, "a system message needs a user message after it in this chat template");
    for (size_t i = skip; i < n; i++) {
        const roma_role want = (i - skip) % 2 ? ROMA_ROLE_ASSISTANT : ROMA_ROLE_USER;
        if (m[i].role != want) refuse(c, i, "in this chat template user and assistant take turns, the user first");
    }
    if (add_reply && m[n - 1].role == ROMA_ROLE_ASSISTANT)
        refuse(c, n - 1, "in this chat template a reply follows a user message");
}

static void llama2_user(composer *c, const roma_message *system, const roma_message *user) {
    begin(c);
    text(c, SPAN("[INST] "));
    if (!system) {
        text(c, strip(of(user)));
    } else {
        /* The two are trimmed as one, so a blank question takes the line ends before it along. */
        text(c, SPAN("<<SYS>>\n"));
        text(c, of(system));
        text(c, SPAN("\n<</SYS>>"));
        const span body = strip(of(user));
        if (body.len) {
            text(c, SPAN("\n\n"));
            text(c, (span){user->text, (size_t)(body.p + body.len - user->text)});
        }
    }
    text(c, SPAN(" [/INST]"));
}

static void llama2(composer *c, const roma_message *m, size_t n, bool add_reply) {
    check_turns(c, m, n, true, add_reply);
    const size_t skip = m[0].role == ROMA_ROLE_SYSTEM;
    for (size_t i = skip; i < n; i++) {
        if (m[i].role == ROMA_ROLE_USER) {
            llama2_user(c, skip && i == 1 ? &m[0] : NULL, &m[i]);
            continue;
        }
        text(c, SPAN(" "));
        text(c, strip(of(&m[i])));
        text(c, SPAN(" "));
        end(c);
    }
}

static void mistral(composer *c, roma_template_kind kind, const roma_message *m, size_t n, bool add_reply) {
    const bool later = kind == ROMA_TEMPLATE_MISTRAL_SYSTEM;
    check_turns(c, m, n, later, add_reply);
    begin(c);
    const size_t skip = m[0].role == ROMA_ROLE_SYSTEM;
    for (size_t i = skip; i < n; i++) {
        if (later) text(c, SPAN(" "));
        if (m[i].role == ROMA_ROLE_USER) {
            marker(c, SPAN("[INST]"));
            text(c, SPAN(" "));
            if (skip && i == 1) {
                text(c, of(&m[0]));
                text(c, SPAN("\n\n"));
            }
            text(c, of(&m[i]));
            text(c, SPAN(" "));
            marker(c, SPAN("[/INST]"));
        } else {
            text(c, of(&m[i]));
            end(c);
            if (kind == ROMA_TEMPLATE_MISTRAL_V01) text(c, SPAN(" "));
        }
    }
}

/* ---- the rest ------------------------------------------------------------------------------------- */

static void zephyr_role(composer *c, const roma_message *m) {
    switch (m->role) {
    case ROMA_ROLE_SYSTEM: marker(c, SPAN("<|system|>")); break;
    case ROMA_ROLE_USER: marker(c, SPAN("<|user|>")); break;
    case ROMA_ROLE_ASSISTANT: marker(c, SPAN("<|assistant|>")); break;
    }
    text(c, SPAN("\n"));
}

static void zephyr(composer *c, const roma_message *m, size_t n, bool add_reply) {
    for (size_t i = 0; i < n; i++) {
        zephyr_role(c, &m[i]);
        text(c, of(&m[i]));
        end(c);
        text(c, SPAN("\n"));
    }
    if (add_reply) zephyr_role(c, &(roma_message){.role = ROMA_ROLE_ASSISTANT});
}

/* For models without a template of their own: no markers at all. */
static void plain(composer *c, const roma_message *m, size_t n, bool add_reply) {
    if (c->t->v.add_bos) begin(c);
    for (size_t i = 0; i < n; i++) {
        if (m[i].role == ROMA_ROLE_USER) text(c, SPAN("User: "));
        if (m[i].role == ROMA_ROLE_ASSISTANT) text(c, SPAN("Assistant: "));
        text(c, strip(of(&m[i])));
        text(c, SPAN("\n\n"));
    }
    if (add_reply) text(c, SPAN("Assistant:"));
}

static void compose(composer *c, roma_template_kind kind, const roma_message *m, size_t n, bool add_reply) {
    switch (kind) {
    case ROMA_TEMPLATE_CHATML:
    case ROMA_TEMPLATE_CHATML_BOS:
    case ROMA_TEMPLATE_SMOLLM2:
    case ROMA_TEMPLATE_QWEN:
    case ROMA_TEMPLATE_QWEN2:
    case ROMA_TEMPLATE_QWEN15:
    case ROMA_TEMPLATE_QWEN3: chatml(c, kind, m, n, add_reply); return;
    case ROMA_TEMPLATE_LLAMA3:
    case ROMA_TEMPLATE_LLAMA31: llama3(c, kind, m, n, add_reply); return;
    case ROMA_TEMPLATE_LLAMA2: llama2(c, m, n, add_reply); return;
    case ROMA_TEMPLATE_MISTRAL:
    case ROMA_TEMPLATE_MISTRAL_V01:
    case ROMA_TEMPLATE_MISTRAL_SYSTEM: mistral(c, kind, m, n, add_reply); return;
    case ROMA_TEMPLATE_ZEPHYR: zephyr(c, m, n, add_reply); return;
    case ROMA_TEMPLATE_PLAIN: plain(c, m, n, add_reply); return;
    case ROMA_TEMPLATE_NONE: break;
    }
    c->rc = roma_fail(c->err, ROMA_EUNSUPPORTED, NULL, ROMA_NOWHERE,
                      "this model has no chat template that is known here; name one, or complete plain text");
}

int roma_text_template_apply(const roma_tokenizer *t, roma_template_kind kind, const roma_message *msgs, size_t n_msgs,
                             bool add_reply, int32_t *out, size_t cap, size_t *n, roma_error *err) {
    *n = 0;
    if (n_msgs == 0) return roma_fail(err, ROMA_EINPUT, NULL, ROMA_NOWHERE, "a conversation needs a message");
    composer c = {.t = t, .out = out, .cap = cap, .err = err};
    compose(&c, kind, msgs, n_msgs, add_reply);
    flush(&c);
    roma_buf_destroy(&c.run);
    if (!c.rc) *n = c.n;
    return c.rc;
}
