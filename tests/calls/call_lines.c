/* Answers through a template's form, for tests/calls/test_forms.py: requests on stdin, answers on stdout.
 *
 * A request is a line "KIND N N N N" and then texts of so many bytes each; an answer is a line "N" and JSON of N bytes.
 * KIND form: a template, and texts of
 * end-of-text tokens, a line each; the form stays for what follows; answered by its marks. KIND parse: tools, an
 * answer, and "1" where the prompt ends within reasoning; answered by {"content", "reasoning", "calls",
 * "same"}: `same` says that every cut of the answer into two and into single bytes gave the same. KIND messages:
 * messages; answered by them as the form takes them, or {"error"}. KIND grammar: tools, a choice, "1" for
 * more calls than one, "1" where the prompt ends within reasoning;
 * answered by {"grammar"} or {"error"}. */
#include <stdlib.h>
#include <string.h>
#include "roma/calls.h"
#include "roma/json.h"

enum { TEXTS = 4, ENDS = 16 };
static char *text[TEXTS];
static size_t len[TEXTS];
static roma_calls_form form;
static char held[ROMA_CALLS_HELD_USUAL];

static void say(roma_buf *b) {
    printf("%zu\n", b->len);
    fwrite(b->data, 1, b->len, stdout);
    fflush(stdout);
    roma_buf_destroy(b);
}

static void say_error(const roma_error *err) {
    char line[1024];
    roma_buf b = {0};
    roma_json j = {.out = &b};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "error", roma_error_format(err, line, sizeof line));
    roma_json_close(&j, '}');
    say(&b);
}

static void find(void) {
    const char *ends[ENDS];
    size_t n = 0;
    roma_template *t;
    roma_error err = {0};
    for (char *p = strtok(text[1], "\n"); p && n < ENDS; p = strtok(NULL, "\n")) ends[n++] = p;
    if (roma_template_create(&t, text[0], len[0], "template", &err) || roma_calls_form_find(&form, t, ends, n, &err)) {
        say_error(&err);
        return;
    }
    roma_template_destroy(t);
    roma_buf b = {0};
    roma_json j = {.out = &b};
    const struct {
        const char *name;
        const roma_calls_mark *m;
    } marks[] = {{"begin", &form.begin},
                 {"next", &form.next},
                 {"end", &form.end},
                 {"name", &form.name},
                 {"arguments", &form.arguments},
                 {"id", &form.id},
                 {"after_name", &form.after_name},
                 {"after_id", &form.after_id},
                 {"key", &form.key},
                 {"value", &form.value},
                 {"value_end", &form.value_end},
                 {"close", &form.close},
                 {"think", &form.think},
                 {"think_end", &form.think_end}};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "kind", roma_calls_kind_name(form.kind));
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        roma_json_text(&j, marks[i].name, marks[i].m->text, marks[i].m->len);
    roma_json_bool(&j, "section", form.is_section);
    roma_json_bool(&j, "has_id", form.has_id);
    roma_json_bool(&j, "lines", form.value_lines);
    roma_json_bool(&j, "many", form.many);
    roma_json_bool(&j, "text_arguments", form.text_arguments);
    roma_json_bool(&j, "null_content", form.null_content);
    roma_json_bool(&j, "short_ids", form.short_ids);
    roma_json_close(&j, '}');
    say(&b);
}

typedef struct {
    roma_buf content, reasoning, calls;
} said;

static int take(void *ctx, const roma_calls_event *e) {
    said *s = ctx;
    roma_json j = {.out = &s->calls};
    switch (e->kind) {
    case ROMA_CALLS_CONTENT: roma_buf_append(&s->content, e->text, e->len); break;
    case ROMA_CALLS_REASONING: roma_buf_append(&s->reasoning, e->text, e->len); break;
    case ROMA_CALLS_CALL:
        roma_buf_print(&s->calls, "%s{\"name\": ", e->index ? ", " : "");
        roma_json_text(&j, NULL, e->text, e->len);
        roma_buf_print(&s->calls, ", \"arguments\": ");
        break;
    case ROMA_CALLS_ARGUMENTS: roma_buf_append(&s->calls, e->text, e->len); break;
    case ROMA_CALLS_END: roma_buf_print(&s->calls, "}"); break;
    }
    return 0;
}

/* The first piece has `first` bytes, others `step`. */
static said parse(const roma_calls_tools *tools, size_t first, size_t step) {
    said s = {.content = {0}};
    roma_calls_parser p;
    const roma_calls_config c = {
        .form = &form, .tools = tools, .in_reasoning = len[2] && *text[2] == '1', .ctx = &s, .event = take};
    roma_calls_parser_init(&p, &c, held, sizeof held);
    if (roma_calls_parser_push(&p, text[1], first)) exit(3);
    for (size_t i = first; i < len[1]; i += step)
        if (roma_calls_parser_push(&p, text[1] + i, len[1] - i < step ? len[1] - i : step)) exit(3);
    if (roma_calls_parser_finish(&p)) exit(3);
    return s;
}

static bool equal(const roma_buf *a, const roma_buf *b) {
    return a->len == b->len && (!a->len || memcmp(a->data, b->data, a->len) == 0);
}

static void destroy(said *s) {
    roma_buf_destroy(&s->content);
    roma_buf_destroy(&s->reasoning);
    roma_buf_destroy(&s->calls);
}

static void parse_all(void) {
    roma_calls_tools tools;
    roma_error err = {0};
    if (roma_calls_tools_read(&tools, text[0], len[0], &err)) {
        say_error(&err);
        return;
    }
    said whole = parse(&tools, len[1], 1);
    bool same = true;
    for (size_t first = 0; first < len[1] && same; first++) {
        said s = parse(&tools, first, first ? len[1] : 1);
        same =
            equal(&s.content, &whole.content) && equal(&s.reasoning, &whole.reasoning) && equal(&s.calls, &whole.calls);
        destroy(&s);
    }
    roma_buf b = {0};
    roma_json j = {.out = &b};
    roma_json_open(&j, NULL, '{');
    roma_json_text(&j, "content", (const char *)whole.content.data, whole.content.len);
    roma_json_text(&j, "reasoning", (const char *)whole.reasoning.data, whole.reasoning.len);
    roma_json_bool(&j, "same", same);
    roma_json_open(&j, "calls", '[');
    roma_buf_append(&b, whole.calls.data, whole.calls.len);
    roma_json_close(&j, ']');
    roma_json_close(&j, '}');
    destroy(&whole);
    roma_calls_tools_free(&tools);
    say(&b);
}

static void messages(void) {
    roma_buf b = {0};
    roma_error err = {0};
    if (roma_calls_messages(&form, text[0], len[0], &b, &err)) {
        roma_buf_destroy(&b);
        say_error(&err);
    } else
        say(&b);
}

static void grammar(void) {
    roma_calls_tools tools;
    roma_calls_choice choice;
    roma_buf g = {0}, b = {0};
    roma_json j = {.out = &b};
    roma_error err = {0};
    int rc = roma_calls_tools_read(&tools, text[0], len[0], &err);
    if (!rc) rc = roma_calls_choice_read(&choice, &tools, text[1], len[1], &err);
    if (!rc)
        rc = roma_calls_grammar(&form, &tools, &choice, len[2] && *text[2] == '1', len[3] && *text[3] == '1', &g, &err);
    if (rc) {
        say_error(&err);
    } else {
        roma_json_open(&j, NULL, '{');
        roma_json_text(&j, "grammar", (const char *)g.data, g.len);
        roma_json_close(&j, '}');
        say(&b);
    }
    roma_buf_destroy(&g);
    roma_calls_tools_free(&tools);
}

int main(void) {
    char kind[16];
    while (scanf("%15s %zu %zu %zu %zu", kind, &len[0], &len[1], &len[2], &len[3]) == 5 && getchar() == '\n') {
        for (int i = 0; i < TEXTS; i++) {
            text[i] = malloc(len[i] + 1);
            if (!text[i] || fread(text[i], 1, len[i], stdin) != len[i]) return 3;
            text[i][len[i]] = 0;
        }
        if (!strcmp(kind, "form"))
            find();
        else if (!strcmp(kind, "parse"))
            parse_all();
        else if (!strcmp(kind, "messages"))
            messages();
        else if (!strcmp(kind, "grammar"))
            grammar();
        else
            return 3;
        for (int i = 0; i < TEXTS; i++) free(text[i]);
    }
    return 0;
}
