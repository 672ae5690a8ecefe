/* libFuzzer target: any text as an answer in one of a few forms, in one piece and byte by byte, which must be the same;
 * as a client's tools, messages and choice; and as a chat template whose form is looked for. The first byte says which.
 */
#include "roma/calls.h"
#include "roma/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A conversation whose assistant writes this. */
#define TALK(calls)                                                                                                    \
    "{% for m in messages %}<{{ m.role }}>{{ m.content or '' }}{% for c in m.tool_calls or [] %}"                      \
    "{% set f = c.function %}" calls "{% endfor %}</s>{% endfor %}"
static const char *const TEMPLATES[] = {
    TALK("\n<tool_call>\n{{ f | tojson }}\n</tool_call>"),
    TALK("[TOOL_CALLS]{{ f.name }}[CALL_ID]{{ c.id }}[ARGS]{{ f.arguments | tojson }}"),
    TALK("{{ '[TOOL_CALLS] [' if loop.first }}{{ f | tojson }}{{ ']' if loop.last else ', ' }}"),
    TALK("<tool_call>\n<function={{ f.name }}>\n{% for k, v in f.arguments.items() %}<parameter={{ k }}>\n"
         "{{ v if v is string else v | tojson }}{{ '\\n' }}</parameter>\n{% endfor %}</function>\n</tool_call>"),
    "{% for m in messages %}<{{ m.role }}>{% if m.tool_calls %}{% set f = m.tool_calls[0].function %}"
    "{\"name\": \"{{ f.name }}\", \"parameters\": {{ f.arguments | tojson }}}{% else %}{{ m.content }}{% endif %}</s>"
    "{% endfor %}"};
enum { FORMS = sizeof TEMPLATES / sizeof *TEMPLATES };
static const char TOOLS[] = "[{\"name\":\"f\",\"parameters\":{\"properties\":{\"a\":{\"type\":\"string\"}}}},"
                            "{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]";

static void check(bool ok) {
    if (!ok) abort();
}

/* The events, pieces of one kind joined. */
typedef struct {
    roma_buf text;
    roma_calls_event_kind last;
    uint32_t calls;
} story;

static int tell(void *ctx, const roma_calls_event *e) {
    story *s = ctx;
    if (e->kind >= ROMA_CALLS_CALL || e->kind != s->last || !s->text.len)
        roma_buf_print(&s->text, "\n%d ", (int)e->kind);
    check(e->len || e->kind == ROMA_CALLS_END);
    check(e->index == s->calls);
    if (e->kind == ROMA_CALLS_ARGUMENTS) {
        const roma_json_source from = {0};
        roma_json_reader r;
        check(!roma_json_read_begin(&r, e->text, e->len, &from, NULL) && !roma_json_read_next(&r, NULL));
        check(r.kind == ROMA_JSON_OBJECT && !roma_json_read_skip(&r, NULL) && !roma_json_read_next(&r, NULL));
        roma_json_read_end(&r);
    }
    s->calls += e->kind == ROMA_CALLS_END;
    s->last = e->kind;
    roma_buf_append(&s->text, e->text, e->len);
    return 0;
}

static story parse(const roma_calls_form *f, const roma_calls_tools *t, bool thinks, const char *text, size_t n,
                   size_t step) {
    static char held[ROMA_CALLS_HELD_MIN];
    story s = {.calls = 0};
    roma_calls_parser p;
    const roma_calls_config c = {.form = f, .tools = t, .in_reasoning = thinks, .ctx = &s, .event = tell};
    roma_calls_parser_init(&p, &c, held, sizeof held);
    for (size_t i = 0; i < n; i += step) check(!roma_calls_parser_push(&p, text + i, n - i < step ? n - i : step));
    check(!roma_calls_parser_finish(&p) && roma_calls_parser_calls(&p) == s.calls);
    return s;
}

static void answer(const roma_calls_form *f, const roma_calls_tools *t, bool thinks, const char *text, size_t n) {
    story a = parse(f, t, thinks, text, n, n ? n : 1), b = parse(f, t, thinks, text, n, 1);
    check(a.text.len == b.text.len && (!a.text.len || memcmp(a.text.data, b.text.data, a.text.len) == 0));
    roma_buf_destroy(&a.text);
    roma_buf_destroy(&b.text);
}

/* Messages in the built-in form hold no calls and no results: told again, they are as they are. */
static void told(const char *text, size_t n) {
    roma_calls_tools t;
    roma_calls_form f = {.no_system = false};
    roma_buf out = {0}, again = {0};
    roma_error err = {0};
    check(!roma_calls_form_built_in(&f, NULL, &err) && !roma_calls_tools_read(&t, TOOLS, sizeof TOOLS - 1, &err));
    f.no_system = n & 1;
    int rc = roma_calls_messages_plain(&f, n & 2 ? &t : NULL, text, n, &out, &err);
    check(!rc || (err.code == rc && err.text[0]));
    if (!rc) rc = roma_calls_messages_plain(&f, NULL, (const char *)out.data, out.len, &again, &err);
    check(rc || (out.len == again.len && memcmp(out.data, again.data, out.len) == 0));
    roma_buf_destroy(&out);
    roma_buf_destroy(&again);
    roma_calls_tools_free(&t);
}

static void requests(const roma_calls_form *f, const char *text, size_t n) {
    roma_calls_tools t;
    roma_calls_choice choice;
    roma_buf out = {0}, again = {0};
    roma_error err = {0};
    int rc = roma_calls_tools_read(&t, text, n, &err);
    check(!rc || (err.code == rc && err.text[0] && !t.tool));
    if (!rc) {
        roma_calls_tools same;
        check(!roma_calls_tools_read(&same, t.json, t.len, &err) && same.n == t.n);
        roma_calls_tools_free(&same);
        const roma_calls_choice required = {ROMA_CALLS_CHOICE_REQUIRED, NULL};
        if (t.n && t.len < 2000) (void)roma_calls_grammar(f, &t, &required, true, true, &out, &err);
        roma_calls_tools_free(&t);
    }
    check(!roma_calls_tools_read(&t, TOOLS, sizeof TOOLS - 1, &err));
    rc = roma_calls_choice_read(&choice, &t, text, n, &err);
    check(!rc || (err.code == rc && err.text[0]));
    roma_calls_tools_free(&t);
    /* Messages that were made fit are as they are. */
    out.len = 0;
    rc = roma_calls_messages(f, text, n, &out, &err);
    check(!rc || (err.code == rc && err.text[0]));
    if (!rc) rc = roma_calls_messages(f, (const char *)out.data, out.len, &again, &err);
    check(rc || (out.len == again.len && memcmp(out.data, again.data, out.len) == 0));
    told(text, n);
    roma_buf_destroy(&out);
    roma_buf_destroy(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static roma_calls_form form[FORMS];
    static bool found;
    roma_calls_tools tools;
    roma_template *t;
    roma_error err = {0};
    for (int i = 0; i < FORMS && !found; i++) {
        check(!roma_template_create(&t, TEMPLATES[i], strlen(TEMPLATES[i]), "", &err));
        check(!roma_calls_form_find(&form[i], t, NULL, 0, &err) && form[i].kind);
        roma_template_destroy(t);
    }
    found = true;
    if (!size) return 0;
    const char *const text = (const char *)data + 1;
    const unsigned which = *data % (2 * FORMS + 3);
    if (which < 2 * FORMS) {
        check(!roma_calls_tools_read(&tools, TOOLS, sizeof TOOLS - 1, &err));
        answer(&form[which / 2], &tools, which & 1, text, size - 1);
        roma_calls_tools_free(&tools);
    } else if (which < 2 * FORMS + 2) {
        requests(&form[which & 1], text, size - 1);
    } else if (!roma_template_create(&t, text, size - 1, "", &err)) {
        roma_calls_form f;
        check(!roma_calls_form_find(&f, t, NULL, 0, &err));
        roma_template_destroy(t);
    }
    return 0;
}
