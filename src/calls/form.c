/* Which form a chat template writes calls in: conversations with calls in them are rendered, and learn.c looks at what
 * came out. Section "How the form is found" of docs/tools.md. */
#include "calls/internal.h"

#include <string.h>

const char *roma_calls_kind_name(roma_calls_kind k) {
    switch (k) {
#define X(id, text)                                                                                                    \
    case ROMA_CALLS_##id: return text;
        ROMA_CALLS_KINDS(X)
#undef X
    }
    return "?";
}

bool roma_calls_form_marks(const roma_calls_form *f, const char *text, size_t len) {
    const roma_calls_mark *const all[] = {&f->begin, &f->next,  &f->end,       &f->after_name, &f->after_id,
                                          &f->key,   &f->value, &f->value_end, &f->close};
    const roma_calls_mark *const thoughts[] = {&f->think, &f->think_end};
    if (!len) return false;
    for (size_t i = 0; f->kind && i < sizeof all / sizeof *all; i++)
        if (roma_calls_find(all[i]->text, all[i]->len, 0, text, len) != SIZE_MAX) return true;
    for (size_t i = 0; i < 2; i++)
        if (roma_calls_find(thoughts[i]->text, thoughts[i]->len, 0, text, len) != SIZE_MAX) return true;
    return f->kind == ROMA_CALLS_OBJECT && !f->begin.len && roma_calls_text_is(text, len, CALLS_PYTHON_TAG);
}

bool roma_calls_form_thinks(const roma_calls_form *f, const char *prompt, size_t len) {
    while (len && roma_calls_is_blank(prompt[len - 1])) len--;
    return f->think.len && len >= f->think.len && memcmp(prompt + len - f->think.len, f->think.text, f->think.len) == 0;
}

/* ---- conversations that are rendered ---- */

/* Texts that end the answer: characters for private use stand for bos_token, eos_token and the content. */
#define BOS "\xee\x80\x81"
#define EOS "\xee\x80\x82"
#define CONTENT "\xee\x80\x83"
#define THOUGHT "\xee\x80\x84"
#define LONG_ID "rprobe-call-0123456789"

enum { ANSWER_MAX = 4096 };

typedef struct {
    const roma_template *t;
    const char *const *ends;
    size_t n_ends;
    bool text_arguments, null_content, long_id; /* how calls are handed over */
    roma_template_output plain;                 /* the assistant's content alone, and where that stands */
    size_t content;
} probing;

#define PARAMETERS                                                                                                     \
    "{\"type\": \"object\", \"properties\": {\"" CALLS_KEY_1                                                           \
    "\": {\"type\": \"string\", \"description\": \"K.\"}, \"" CALLS_KEY_2                                              \
    "\": {\"type\": \"string\", \"description\": \"L.\"}}, \"required\": []}"
#define TOOL(name)                                                                                                     \
    "{\"type\": \"function\", \"function\": {\"name\": \"" name                                                        \
    "\", \"description\": \"D.\", \"parameters\": " PARAMETERS "}}"
static const char TOOLS[] = "[" TOOL(CALLS_NAME_1) ", " TOOL(CALLS_NAME_2) "]";
static const char TWO[] = "{\"" CALLS_KEY_1 "\": \"" CALLS_VALUE_1 "\", \"" CALLS_KEY_2 "\": \"" CALLS_VALUE_2 "\"}";
static const char LIST[] = "{\"" CALLS_KEY_1 "\": " CALLS_LIST "}";

/* Renders a user's message and the assistant's, whose members are `assistant`. */
static int render(const probing *p, const roma_buf *assistant, roma_template_output *out) {
    roma_buf m = {0};
    roma_buf_print(&m, "[{\"role\": \"user\", \"content\": \"rprobe user\"}, {\"role\": \"assistant\", ");
    roma_buf_append(&m, assistant->data, assistant->len);
    roma_buf_append(&m, "}]", 2);
    const roma_template_variable v[] = {{"messages", (const char *)m.data, m.len, true, false},
                                        {"tools", TOOLS, sizeof TOOLS - 1, true, false},
                                        {"documents", "null", 4, true, false},
                                        {"add_generation_prompt", "false", 5, true, false},
                                        {"bos_token", BOS, 3, false, true},
                                        {"eos_token", EOS, 3, false, true}};
    const roma_template_input in = {.variables = v,
                                    .n_variables = sizeof v / sizeof *v,
                                    .date = {.year = 2026, .month = 1, .day = 1},
                                    .limits = {.steps = CALLS_STEPS, .bytes = CALLS_MEMORY, .output = CALLS_OUTPUT}};
    const int rc = m.failed || assistant->failed ? ROMA_ENOMEM : roma_template_render(p->t, &in, out, NULL);
    if (rc) *out = (roma_template_output){0};
    roma_buf_destroy(&m);
    return rc == ROMA_ENOMEM ? rc : ROMA_OK;
}

static void put_call(const probing *p, roma_buf *b, const char *name, const char *id, const char *arguments) {
    roma_json j = {.out = b};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "type", "function");
    roma_json_string(&j, "id", p->long_id ? LONG_ID : id);
    roma_json_open(&j, "function", '{');
    roma_json_string(&j, "name", name);
    if (p->text_arguments)
        roma_json_string(&j, "arguments", arguments);
    else
        roma_json_number(&j, "arguments", arguments, strlen(arguments));
    roma_json_close(&j, '}');
    roma_json_close(&j, '}');
}

/* Whether byte `at` of a text stands within a marker, <...> or [...] without blanks; *from: that marker's beginning. */
static bool in_marker(const char *text, size_t at, size_t *from) {
    for (size_t i = at; i > 0 && at - i < 64; i--) {
        const char c = text[i - 1];
        if (c == '>' || c == ']' || roma_calls_is_blank(c)) return false;
        *from = i - 1;
        if (c == '<' || c == '[') return true;
    }
    return false;
}

/* Where what the assistant wrote begins: there where it differs from other content. Where it ends: at an end of
 * answers, or at what follows other content too. Neither is within a marker, which may begin or end like another. */
static calls_text answer_of(const probing *p, const roma_template_output *out) {
    const roma_template_output *plain = &p->plain;
    const char *const tail = plain->text + p->content + 3;
    size_t from = 0, to = out->len, left = plain->len - p->content - 3, marker;
    while (from < p->content && from < to && out->text[from] == plain->text[from]) from++;
    if (in_marker(out->text, from, &marker)) from = marker;
    for (size_t i = 0; i <= p->n_ends; i++) {
        const char *const end = i < p->n_ends ? p->ends[i] : EOS;
        const size_t at = roma_calls_find(out->text, to, from, end, strlen(end));
        if (*end && at != SIZE_MAX) to = at;
    }
    const size_t whole = to;
    while (left && to > from && tail[left - 1] == out->text[to - 1]) left--, to--;
    while (to < whole && in_marker(out->text, to, &marker) && marker >= from) to++;
    return (calls_text){out->text + from, to - from};
}

/* An answer of one call, or of two where `second` is not NULL. Nothing in *out: refused. */
static int call(const probing *p, const char *arguments, const char *second, roma_template_output *out) {
    roma_buf b = {0};
    roma_buf_print(&b, "\"content\": %s, \"tool_calls\": [", p->null_content ? "null" : "\"\"");
    put_call(p, &b, CALLS_NAME_1, CALLS_ID_1, arguments);
    if (second) {
        roma_buf_append(&b, ", ", 2);
        put_call(p, &b, CALLS_NAME_2, CALLS_ID_2, second);
    }
    roma_buf_append(&b, "]", 1);
    const int rc = render(p, &b, out);
    roma_buf_destroy(&b);
    return rc;
}

static int plain(probing *p) {
    static const char text[] = "\"content\": \"" CONTENT "\"";
    const roma_buf b = {.data = (uint8_t *)(uintptr_t)text, .len = sizeof text - 1};
    const int rc = render(p, &b, &p->plain);
    p->content = rc ? 0 : roma_calls_find(p->plain.text, p->plain.len, 0, CONTENT, 3);
    if (rc || p->content == SIZE_MAX) roma_template_output_free(&p->plain);
    return rc;
}

/* ---- what is learnt of them ---- */

/* Hands calls over in one way; *f is the form that shows. */
static int try(probing *p, roma_calls_form *f) {
    roma_template_output out[4] = {{0}};
    int rc = call(p, TWO, NULL, &out[0]);
    if (!rc && out[0].text) rc = call(p, "{}", NULL, &out[1]);
    if (!rc && out[0].text) rc = call(p, LIST, NULL, &out[2]);
    if (!rc && out[0].text) rc = call(p, TWO, TWO, &out[3]);
    if (!rc && out[0].text) {
        const calls_answers a = {answer_of(p, &out[0]), answer_of(p, &out[1]), answer_of(p, &out[2]),
                                 out[3].text ? answer_of(p, &out[3]) : (calls_text){0}};
        const bool fits =
            a.two.len <= ANSWER_MAX && a.none.len <= ANSWER_MAX && a.list.len <= ANSWER_MAX && a.both.len <= ANSWER_MAX;
        if (fits) rc = roma_calls_learn(f, &a);
    }
    for (int i = 0; i < 4; i++) roma_template_output_free(&out[i]);
    return rc;
}

/* Objects before texts, and an empty content before none: the first way that gives a form. */
static int learn_calls(probing *p, roma_calls_form *f) {
    int rc = ROMA_OK;
    for (unsigned way = 0; way < 4 && !rc && !f->kind; way++) {
        p->text_arguments = way >> 1;
        p->null_content = way & 1;
        rc = try(p, f);
    }
    if (rc || !f->kind) return rc;
    f->text_arguments = p->text_arguments;
    f->null_content = p->null_content;
    roma_template_output out;
    p->long_id = true;
    rc = call(p, TWO, NULL, &out);
    f->short_ids = !rc && !out.text;
    roma_template_output_free(&out);
    return rc;
}

/* Reasoning as the template writes it, where its end is of the kind </x> or [/x]. */
static int learn_thoughts(probing *p, roma_calls_form *f) {
    static const char text[] = "\"content\": \"" CONTENT "\", \"reasoning_content\": \"" THOUGHT "\"";
    const roma_buf b = {.data = (uint8_t *)(uintptr_t)text, .len = sizeof text - 1};
    roma_template_output out;
    const int rc = render(p, &b, &out);
    if (rc || !out.text) return rc;
    const size_t at = roma_calls_find(out.text, out.len, 0, THOUGHT, 3);
    const size_t stop = at == SIZE_MAX ? at : roma_calls_find(out.text, out.len, at, CONTENT, 3);
    if (stop != SIZE_MAX) {
        roma_calls_mark end = {0}, begin;
        const bool fits = roma_calls_mark_set(&end, out.text + at + 3, stop - at - 3);
        end = roma_calls_mark_core(&end);
        const char *const s = end.text;
        size_t n = 0;
        while (n < end.len && s[n] != '>' && s[n] != ']') n++;
        if (fits && n > 2 && n < end.len && (s[0] == '<' || s[0] == '[') && s[1] == '/') {
            char open[ROMA_CALLS_MARK_MAX + 1];
            roma_print(open, sizeof open, "%c%.*s", s[0], (int)n - 1, s + 2);
            if (roma_calls_find(out.text, at, 0, open, n) != SIZE_MAX && roma_calls_mark_set(&begin, open, n)) {
                f->think = begin;
                roma_calls_mark_set(&f->think_end, s, n + 1);
            }
        }
    }
    roma_template_output_free(&out);
    return rc;
}

int roma_calls_form_find(roma_calls_form *f, const roma_template *t, const char *const *ends, size_t n_ends,
                         roma_error *err) {
    probing p = {.t = t, .ends = ends, .n_ends = n_ends};
    memset(f, 0, sizeof *f);
    roma_calls_mark_set(&f->think, "<think>", 7);
    roma_calls_mark_set(&f->think_end, "</think>", 8);
    if (!t) return ROMA_OK;
    int rc = plain(&p);
    if (!rc && p.plain.text) rc = learn_calls(&p, f);
    if (!rc && p.plain.text) rc = learn_thoughts(&p, f);
    roma_template_output_free(&p.plain);
    return rc ? roma_fail(err, rc, "", ROMA_NOWHERE, "no memory to look at the chat template") : ROMA_OK;
}
