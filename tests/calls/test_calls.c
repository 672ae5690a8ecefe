/* Tool calls: what is read of tools, choices and messages, and refused, by its place; a parser's bounds; grammars as
 * text; memory that ends. Forms there and back are test_forms.py's. */
#include "../base/scarce.h"
#include "../test.h"
#include "roma/calls.h"

#define TALK(calls)                                                                                                    \
    "{% for m in messages %}<{{ m.role }}>{{ m.content or '' }}{% for c in m.tool_calls or [] %}"                      \
    "{% set f = c.function %}" calls "{% endfor %}</s>{% endfor %}"
#define HERMES                                                                                                         \
    TALK("{{ '\n' }}<tool_call>\n{\"name\": \"{{ f.name }}\", \"arguments\": {{ f.arguments | tojson "                 \
         "}}}\n</tool_call>")
#define TEXTS TALK("<call>{{ f.name }}<args>{{ '' + f.arguments }}</call>")
#define SHORT                                                                                                          \
    TALK("{% if c.id | length != 9 %}{{ raise_exception('') }}{% endif %}[C]{{ f.name }}[I]{{ c.id }}[A]{{ "           \
         "f.arguments | tojson }}")
#define TAGS                                                                                                           \
    TALK("<tool_call>\n<function={{ f.name }}>\n{% for k, v in f.arguments.items() %}<parameter={{ k }}>\n"            \
         "{{ v if v is string else v | tojson }}{{ '\\n' }}</parameter>\n{% endfor %}</function>\n</tool_call>")
#define NULLS                                                                                                          \
    "{% for m in messages %}<{{ m.role }}>{% if m.content is none %}{% for c in m.tool_calls %}<call>"                 \
    "{{ c.function.name }}<args>{{ c.function.arguments | tojson }}</call>{% endfor %}{% else %}{{ m.content }}"       \
    "{% endif %}</s>{% endfor %}"

static roma_calls_form form_of(const char *text) {
    roma_template *t;
    roma_calls_form f = {.kind = ROMA_CALLS_NONE};
    roma_error err;
    if (roma_template_create(&t, text, strlen(text), "", &err)) TEST_FAILED("%s", err.text);
    CHECK_EQ(roma_calls_form_find(&f, t, NULL, 0, &err), 0);
    roma_template_destroy(t);
    return f;
}

static void forms(void) {
    static const char *const ends[] = {"<end>"};
    roma_calls_form f = form_of(HERMES);
    roma_error err;
    CHECK_STR(roma_calls_kind_name(f.kind), "object");
    CHECK_STR(f.begin.text, "\n<tool_call>\n");
    CHECK_STR(f.next.text, "\n</tool_call>\n<tool_call>\n");
    CHECK_STR(f.end.text, "\n</tool_call>");
    CHECK(f.many && !f.is_section && !f.short_ids && !f.text_arguments && !f.null_content);
    CHECK(roma_calls_form_marks(&f, "<tool_call>", 11) && roma_calls_form_marks(&f, "<think>", 7));
    CHECK(!roma_calls_form_marks(&f, "<tool_calls>", 12) && !roma_calls_form_marks(&f, "", 0));
    CHECK(!roma_calls_form_marks(&f, "<|python_tag|>", 14));
    f = form_of(TEXTS);
    CHECK(f.kind == ROMA_CALLS_NAMED && f.text_arguments);
    f = form_of(SHORT);
    CHECK(f.kind == ROMA_CALLS_NAMED && f.has_id && f.short_ids);
    CHECK_STR(f.after_name.text, "[I]");
    CHECK_STR(f.after_id.text, "[A]");
    f = form_of(NULLS);
    CHECK(f.kind == ROMA_CALLS_NAMED && f.null_content);
    f = form_of(TAGS);
    CHECK(f.kind == ROMA_CALLS_TAGGED && f.value_lines);
    CHECK_STR(f.key.text, "\n<parameter=");
    CHECK_STR(f.close.text, "\n</function>");
    f = form_of("{% for m in messages %}{{ m.content }}{{ m.tool_calls[0].function | tojson if m.tool_calls }}<end>x{% "
                "endfor %}");
    CHECK_STR(f.end.text, "");
    roma_template *t;
    static const char cut[] = "{% for m in messages %}{{ m.content }}{{ m.tool_calls[0].function | tojson if "
                              "m.tool_calls }}<end>{{ loop.index }}{% if m.tool_calls %}x{% endif %}{% endfor %}";
    CHECK_EQ(roma_template_create(&t, cut, sizeof cut - 1, "", &err), 0);
    CHECK_EQ(roma_calls_form_find(&f, t, ends, 1, &err), 0);
    roma_template_destroy(t);
    CHECK(f.kind == ROMA_CALLS_OBJECT);
    CHECK_STR(f.end.text, "");
    CHECK(roma_calls_form_marks(&f, "<|python_tag|>", 14));
    /* A template that writes much, or works long, is looked at no further. */
    CHECK(
        form_of(
            "{% for m in messages %}{{ m.content }}{% for i in range(9000000) %}{{ '{' * 50 }}{% endfor %}{% endfor %}")
            .kind == ROMA_CALLS_NONE);
    CHECK(form_of("{% for m in messages %}{{ m.content }}{{ '{' * 9000 }}{{ m.tool_calls[0].function | tojson if "
                  "m.tool_calls }}{% endfor %}")
              .kind == ROMA_CALLS_NONE);
    CHECK_EQ(roma_calls_form_find(&f, NULL, NULL, 0, &err), 0);
    CHECK(f.kind == ROMA_CALLS_NONE);
    CHECK_STR(f.think.text, "<think>");
    f = form_of("{% for m in messages %}{% if m.reasoning_content %}[THINK]{{ m.reasoning_content }}[/THINK]{% endif "
                "%}{{ m.content }}{% endfor %}");
    CHECK_STR(f.think.text, "[THINK]");
    CHECK_STR(f.think_end.text, "[/THINK]");
    CHECK(roma_calls_form_thinks(&f, "x[THINK]\n", 9) && !roma_calls_form_thinks(&f, "[THINK]x", 8));
    CHECK(!roma_calls_form_thinks(&f, "", 0) && !roma_calls_form_thinks(&f, "HINK]", 5));
}

/* ---- requests ---- */

static const char *tools_of(const char *json) {
    static char said[2048];
    roma_calls_tools t;
    roma_error err = {0};
    if (roma_calls_tools_read(&t, json, strlen(json), &err)) {
        CHECK(!t.tool && !t.json);
        return roma_error_format(&err, said, sizeof said);
    }
    snprintf(said, sizeof said, "%.*s", (int)t.len, t.json);
    for (size_t i = 0; i < t.n; i++) {
        CHECK(roma_calls_tools_find(&t, t.tool[i].name, t.tool[i].name_len) == &t.tool[i]);
        CHECK(t.tool[i].parameters[0] == '{' && t.tool[i].parameters[t.tool[i].parameters_len - 1] == '}');
    }
    roma_calls_tools_free(&t);
    return said;
}

static void tools(void) {
    CHECK_STR(tools_of("[]"), "[]");
    CHECK_STR(tools_of("[{\"type\": \"function\", \"function\": {\"name\": \"f\", \"x\": [1], \"parameters\": "
                       "{\"type\": \"object\"}}}]"),
              "[{\"type\": \"function\", \"function\": {\"name\": \"f\", \"x\": [1], \"parameters\": {\"type\": "
              "\"object\"}}}]");
    CHECK_STR(tools_of("[{\"type\":\"function\",\"name\":\"a\\u0041-_9\",\"strict\":null,\"description\":\"d\","
                       "\"parameters\":null}]"),
              "[{\"type\": \"function\", \"function\": {\"name\": \"aA-_9\", \"description\": \"d\", \"parameters\": "
              "{\"type\": \"object\", \"properties\": {}}}}]");
    CHECK_HAS(tools_of("{}"), "tools are an array");
    CHECK_HAS(tools_of("[1]"), "tools[0]: a tool is an object");
    CHECK_HAS(tools_of("[{\"name\":\"f\"},{}]"), "tools[1]: a tool needs a name");
    CHECK_HAS(tools_of("[{\"name\":\"f\"},{\"name\":\"f\"}]"), "tools[1]: two tools have this name");
    CHECK_HAS(tools_of("[{\"name\":\"a b\"}]"), "1 to 64 of a-z A-Z 0-9 _ -");
    CHECK_HAS(tools_of("[{\"name\":\"\"}]"), "1 to 64 of");
    CHECK_HAS(tools_of("[{\"name\":\"0123456789012345678901234567890123456789012345678901234567890123x\"}]"),
              "1 to 64 of");
    CHECK_HAS(tools_of("[{\"name\":\"f\",\"name\":\"g\"}]"), "JSON");
    CHECK_HAS(tools_of("[{\"name\":\"f\",\"function\":{\"name\":\"g\"}}]"), "one name");
    CHECK_HAS(tools_of("[{\"type\":\"web_search\"}]"), "a tool's type is \"function\"");
    CHECK_HAS(tools_of("[{\"type\":\"function\",\"function\":1}]"), "function must be an object");
    CHECK_HAS(tools_of("[{\"name\":\"f\",\"parameters\":[]}]"), "schema of an object");
    CHECK_HAS(tools_of("[{\"name\":\"f\",\"parameters\":{\"type\":\"array\"}}]"), "schema of an object");
    CHECK_HAS(tools_of("[{\"name\":\"f\"}"), "JSON");
    CHECK_HAS(tools_of("[{\"name\":\"f\"}] x"), "JSON");
    char many[8192] = "[";
    for (int i = 0; i < 129; i++) sprintf(many + strlen(many), "%s{\"name\":\"f%d\"}", i ? "," : "", i);
    strcat(many, "]");
    CHECK_HAS(tools_of(many), "tools[128]: more tools than 128");
}

static const char *choice_of(const char *json) {
    static const char list[] = "[{\"name\":\"f\"},{\"name\":\"g\"}]";
    static char said[1024];
    roma_calls_tools t;
    roma_calls_choice c;
    roma_error err = {0};
    if (roma_calls_tools_read(&t, list, sizeof list - 1, &err)) return "?";
    if (roma_calls_choice_read(&c, &t, json, strlen(json), &err))
        roma_error_format(&err, said, sizeof said);
    else
        snprintf(said, sizeof said, "%d %.*s", (int)c.kind, c.tool ? (int)c.tool->name_len : 0,
                 c.tool ? c.tool->name : "");
    roma_calls_tools_free(&t);
    return said;
}

static void choices(void) {
    CHECK_STR(choice_of("\"auto\""), "0 ");
    CHECK_STR(choice_of("\"none\""), "1 ");
    CHECK_STR(choice_of("\"required\""), "2 ");
    CHECK_STR(choice_of("{\"type\": \"function\", \"function\": {\"name\": \"g\"}}"), "3 g");
    CHECK_STR(choice_of("{\"name\": \"f\", \"type\": \"function\"}"), "3 f");
    CHECK_HAS(choice_of("\"any\""), "tool_choice is \"auto\"");
    CHECK_HAS(choice_of("1"), "tool_choice is \"auto\"");
    CHECK_HAS(choice_of("{}"), "tool_choice is \"auto\"");
    CHECK_HAS(choice_of("{\"type\": \"allowed_tools\"}"), "tool_choice is \"auto\"");
    CHECK_HAS(choice_of("{\"type\": \"function\", \"function\": {\"name\": \"h\"}}"), "no tool's");
    CHECK_HAS(choice_of("\"auto\" 1"), "JSON");
    roma_calls_tools none = {0};
    roma_calls_choice c;
    roma_error err;
    CHECK_EQ(roma_calls_choice_read(&c, &none, "\"required\"", 10, &err), ROMA_EINPUT);
    CHECK_EQ(roma_calls_choice_read(&c, &none, "\"auto\"", 6, &err), 0);
}

static const char *messages_of(const roma_calls_form *f, const char *json) {
    static char said[4096];
    roma_buf b = {0};
    roma_error err = {0};
    if (roma_calls_messages(f, json, strlen(json), &b, &err))
        roma_error_format(&err, said, sizeof said);
    else
        snprintf(said, sizeof said, "%.*s", (int)b.len, (const char *)b.data);
    roma_buf_destroy(&b);
    return said;
}

static void messages(void) {
    const roma_calls_form f = form_of(HERMES), texts = form_of(TEXTS), ids = form_of(SHORT), nulls = form_of(NULLS);
    CHECK_STR(messages_of(&f, "[]"), "[]");
    CHECK_STR(messages_of(&f, "[{\"role\":\"developer\",\"content\":\"a\",\"name\":null,\"x\":[1]}]"),
              "[{\"role\": \"system\", \"content\": \"a\", \"x\": [1]}]");
    CHECK_STR(
        messages_of(&f,
                    "[{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"text\":\"\\u00e9\\n\"}],\"role\":\"user\"}]"),
        "[{\"role\": \"user\", \"content\": \"a\\n\xc3\xa9\\n\"}]");
    CHECK_HAS(messages_of(&f, "[{\"role\":\"user\",\"content\":[{\"text\":\"a\"},{\"image\":1}]}]"),
              "messages[0]: a part of its content is no text");
    static const char call[] =
        "[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_0123456789\",\"type\":\"function\","
        "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\": 1}\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"call_0123456789\",\"content\":\"r\"}]";
    CHECK_STR(messages_of(&f, call),
              "[{\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [{\"type\": \"function\", \"id\": "
              "\"call_0123456789\", "
              "\"function\": {\"name\": \"f\", \"arguments\": {\"a\": 1}}}]}, "
              "{\"role\": \"tool\", \"tool_call_id\": \"call_0123456789\", \"name\": \"f\", \"content\": \"r\"}]");
    CHECK_HAS(messages_of(&texts, call), "\"arguments\": \"{\\\"a\\\": 1}\"");
    CHECK_HAS(messages_of(&nulls, call), "\"content\": null");
    /* One id for both, nine letters long; one that is, stays. */
    char id[ROMA_CALLS_ID_CAP], want[64];
    roma_calls_id(id, "call_0123456789", 15, 0);
    CHECK_EQ(strlen(id), 9);
    snprintf(want, sizeof want, "\"id\": \"%s\"", id);
    CHECK_HAS(messages_of(&ids, call), want);
    snprintf(want, sizeof want, "\"tool_call_id\": \"%s\"", id);
    CHECK_HAS(messages_of(&ids, call), want);
    CHECK_HAS(messages_of(&ids, "[{\"role\":\"tool\",\"content\":\"\",\"tool_call_id\":\"abcDEF123\"}]"),
              "\"abcDEF123\"");
    /* ollama's: no ids, arguments as an object, results in order or by name. */
    const char *s = messages_of(
        &ids, "[{\"role\":\"assistant\",\"thinking\":\"t\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":"
              "{}}},{\"function\":{\"name\":\"g\"}}]},"
              "{\"role\":\"tool\",\"content\":\"1\",\"tool_name\":\"g\"},{\"role\":\"tool\",\"content\":\"2\"}]");
    CHECK_HAS(s, "\"reasoning_content\": \"t\"");
    CHECK_HAS(s, "\"name\": \"g\", \"arguments\": {}");
    char first[ROMA_CALLS_ID_CAP], second[ROMA_CALLS_ID_CAP];
    roma_calls_id(first, "messages", 8, 0);
    roma_calls_id(second, "messages", 8, 1);
    CHECK(strcmp(first, second) != 0);
    snprintf(want, sizeof want, "\"tool_call_id\": \"%s\", \"name\": \"g\"", second);
    CHECK_HAS(s, want);
    snprintf(want, sizeof want, "\"tool_call_id\": \"%s\", \"name\": \"f\"", first);
    CHECK_HAS(s, want);
    CHECK_STR(
        messages_of(
            &f,
            "[{\"role\":\"tool\",\"content\":\"a\",\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\"}}]}]"),
        "[{\"role\": \"tool\", \"content\": \"a\", \"tool_calls\": [{\"type\": \"function\", \"id\": \"1\", "
        "\"function\": {\"name\": \"f\", \"arguments\": {}}}]}]");
    /* Empty lists and what is null are as if they were not there. */
    CHECK_STR(messages_of(&f, "[{\"role\":\"assistant\",\"content\":\"a\",\"tool_calls\":[]},{\"role\":\"assistant\","
                              "\"content\":\"b\",\"tool_calls\":null}]"),
              "[{\"role\": \"assistant\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"}]");
    CHECK_HAS(messages_of(&f, "{}"), "messages are an array");
    CHECK_HAS(messages_of(&f, "[{\"role\":\"user\"},1]"), "messages[1]: a message is an object");
    CHECK_HAS(messages_of(&f, "[{\"content\":\"a\"}]"), "messages[0]: a message needs a role");
    CHECK_HAS(messages_of(&f, "[{\"role\":1}]"), "are texts");
    CHECK_HAS(messages_of(&f, "[{\"role\":\"a\",\"tool_calls\":{}}]"), "tool_calls are an array");
    CHECK_HAS(messages_of(&f, "[{\"role\":\"a\",\"tool_calls\":[1]}]"), "a call is an object");
    CHECK_HAS(messages_of(&f, "[{\"role\":\"a\",\"tool_calls\":[{}]}]"), "a call needs a function with a name");
    CHECK_HAS(messages_of(&f, "[{\"role\":\"a\",\"tool_calls\":[{\"function\":{\"name\":1}}]}]"),
              "the name of a call is a text");
    CHECK_HAS(
        messages_of(&f, "[{\"role\":\"a\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"x\"}}]}]"),
        "holds no JSON object");
    CHECK_HAS(messages_of(&f, "[{\"role\":\"a\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":1}}]}]"),
              "a JSON object, or a text");
    CHECK_HAS(messages_of(&f, "[{\"role\":\"a\",\"content\":[1]}]"), "a part of a content is an object");
    CHECK_HAS(messages_of(&f, "[{\"role\":\"a\"}] 1"), "JSON");
}

/* ---- the built-in form ---- */

static const char LIST[] =
    "[{\"name\":\"f\"},{\"name\":\"g\",\"parameters\":{\"properties\":{\"a\":{\"type\":\"string\"},"
    "\"b\":{\"type\":\"string\",\"enum\":[\"x\",\"\"]}},\"required\":[\"b\"]}}]";

#define ROLES "{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}"

static roma_calls_form built_in(const char *text) {
    roma_template *t = NULL;
    roma_calls_form f = {.think = {3, "<t>"}};
    roma_error err;
    if (text && roma_template_create(&t, text, strlen(text), "", &err)) TEST_FAILED("%s", err.text);
    CHECK_EQ(roma_calls_form_built_in(&f, t, &err), 0);
    CHECK_STR(f.think.text, "<t>");
    CHECK(f.built_in && f.many && !f.is_section && !f.text_arguments);
    roma_template_destroy(t);
    return f;
}

/* What was made, or the error. */
static void put_said(char *said, size_t size, int rc, roma_buf *b, const roma_error *err) {
    if (rc)
        roma_error_format(err, said, size);
    else
        snprintf(said, size, "%.*s", (int)b->len, (const char *)b->data);
    roma_buf_destroy(b);
}

static const char *plain_of(const roma_calls_form *f, bool shows, const char *json) {
    static char said[4096];
    roma_calls_tools t;
    roma_buf b = {0};
    roma_error err = {0};
    CHECK_EQ(roma_calls_tools_read(&t, LIST, sizeof LIST - 1, &err), 0);
    put_said(said, sizeof said, roma_calls_messages_plain(f, shows ? &t : NULL, json, strlen(json), &b, &err), &b,
             &err);
    roma_calls_tools_free(&t);
    return said;
}

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static void plain(void) {
    const roma_calls_form f = built_in(ROLES), named = built_in(NULL);
    const roma_calls_form none = built_in("{% for m in messages %}{% if m.role != 'system' %}{{ m.content }}{% endif %}"
                                          "{% endfor %}");
    const roma_calls_form refuses =
        built_in("{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
                 "{{ messages[0].content }}");
    CHECK(!f.no_system && !named.no_system && none.no_system && refuses.no_system);
    /* A template that shows tools has its own way, whatever that is; of one that renders nothing here it is not known.
     */
    static const char *const others[] = {
        "{{ tools | tojson }}{% if messages[0].role == 'system' %}{{ raise_exception('') }}{% endif %}",
        "{{ messages[0].content }}{{ documents[0].text | upper }}{{ tools | tojson }}"};
    for (int i = 0; i < 2; i++) {
        roma_template *t;
        roma_calls_form own = {.kind = ROMA_CALLS_NONE};
        roma_error err;
        CHECK_EQ(roma_template_create(&t, others[i], strlen(others[i]), "", &err), 0);
        CHECK_EQ(roma_calls_form_built_in(&own, t, &err), 0);
        CHECK(!own.built_in && own.kind == ROMA_CALLS_NONE);
        roma_template_destroy(t);
    }
    /* What says nothing of tools stays. */
    CHECK_STR(plain_of(&f, false, "[]"), "[]");
    CHECK_STR(plain_of(&f, false, "[{\"role\":\"user\",\"content\":\"a\\u0000\",\"name\":\"n\",\"x\":[1]}]"),
              "[{\"role\": \"user\", \"content\": \"a\\u0000\", \"name\": \"n\", \"x\": [1]}]");
    /* Calls and results: the texts that the form's grammar and parser have. */
    static const char talk[] =
        "[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"c\",\"tool_calls\":[{\"id\":"
        "\"1\","
        "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":\"2\",\"function\":{\"name\":\"g\",\"arguments\":"
        "{\"b\": \"x\"}}}]},{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"r\"},{\"role\":\"tool\","
        "\"tool_call_id\":\"2\",\"content\":\"s\\n\"},{\"role\":\"user\",\"content\":\"p\"}]";
#define TOLD                                                                                                           \
    "{\"role\": \"assistant\", \"content\": \"c\\n<tool_call>\\n{\\\"name\\\": \\\"f\\\", \\\"arguments\\\": "         \
    "{}}\\n</tool_call>\\n<tool_call>\\n{\\\"name\\\": \\\"g\\\", \\\"arguments\\\": {\\\"b\\\": \\\"x\\\"}}\\n"       \
    "</tool_call>\"}, {\"role\": \"user\", \"content\": "                                                              \
    "\"<tool_response>\\nr\\n</tool_response>\\n<tool_response>\\ns"                                                   \
    "\\n\\n</tool_response>\"}, {\"role\": \"user\", \"content\": \"p\"}]"
    CHECK_STR(plain_of(&f, false, talk), "[{\"role\": \"user\", \"content\": \"q\"}, " TOLD);
    /* Tools: in a system message, in the one that is there, or in the user's first. */
    const char *s = plain_of(&f, true, talk);
    CHECK(begins(s, "[{\"role\": \"system\", \"content\": \"# Tools\\n\\n"));
    CHECK_HAS(s, "<tools>\\n{\\\"type\\\": \\\"function\\\", \\\"function\\\": {\\\"name\\\": \\\"f\\\"");
    CHECK_HAS(s, "</tool_response>.\"}, {\"role\": \"user\", \"content\": \"q\"}, " TOLD);
    s = plain_of(&f, true, "[{\"role\":\"system\",\"content\":\"be\"},{\"role\":\"user\",\"content\":\"q\"}]");
    CHECK(begins(s, "[{\"role\": \"system\", \"content\": \"be\\n\\n# Tools"));
    CHECK_HAS(s, "</tool_response>.\"}, {\"role\": \"user\", \"content\": \"q\"}]");
    s = plain_of(&none, true, "[{\"role\":\"assistant\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"q\"}]");
    CHECK(begins(s, "[{\"role\": \"assistant\", \"content\": \"a\"}, {\"role\": \"user\", \"content\": \"# Tools"));
    CHECK_HAS(s, "</tool_response>.\\n\\nq\"}]");
    CHECK_HAS(plain_of(&none, true, "[{\"role\":\"tool\",\"content\":\"r\"}]"), ".\\n\\n<tool_response>\\nr");
    CHECK_HAS(plain_of(&none, true, "[{\"role\":\"system\",\"content\":\"a\"}]"), "there is none");
    CHECK_HAS(plain_of(&f, true, "[]"), "there is none");
    CHECK_HAS(plain_of(&f, true, "[{\"role\":\"user\",\"content\":{\"image\":1}}]"),
              "messages[0]: a content is a text");
    CHECK_HAS(plain_of(&f, true, "{}"), "messages are an array");
}

/* ---- the parser's bounds ---- */

typedef struct {
    char text[8192];
    int stop_at; /* the event that ends all */
    int events;
} heard;

static int hear(void *ctx, const roma_calls_event *e) {
    heard *h = ctx;
    static const char *const names[] = {"", "R:", "|", "=", ";"};
    snprintf(h->text + strlen(h->text), sizeof h->text - strlen(h->text), "%s%.*s", names[e->kind], (int)e->len,
             e->text);
    return ++h->events == h->stop_at ? 7 : 0;
}

static heard parse(const roma_calls_form *f, const char *answer, uint32_t most, bool calls, bool thoughts,
                   int stop_at) {
    static const char list[] = "[{\"name\":\"f\"},{\"name\":\"g\"}]";
    static char held[ROMA_CALLS_HELD_MIN];
    heard h = {.stop_at = stop_at};
    roma_calls_tools t;
    roma_calls_parser p;
    roma_error err;
    CHECK_EQ(roma_calls_tools_read(&t, list, sizeof list - 1, &err), 0);
    const roma_calls_config c = {
        .form = f, .tools = calls ? &t : NULL, .no_reasoning = !thoughts, .most = most, .ctx = &h, .event = hear};
    roma_calls_parser_init(&p, &c, held, sizeof held);
    int rc = roma_calls_parser_push(&p, answer, strlen(answer));
    if (!rc) rc = roma_calls_parser_finish(&p);
    CHECK_EQ(rc, stop_at ? 7 : 0);
    CHECK_EQ(roma_calls_parser_push(&p, "", 0), rc);
    roma_calls_tools_free(&t);
    return h;
}

static void bounds(void) {
    const roma_calls_form f = form_of(HERMES), none = form_of("{% for m in messages %}{{ m.content }}{% endfor %}");
#define ONE "<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>"
    CHECK_STR(parse(&f, "a" ONE ONE "b", 0, true, true, 0).text, "a|f={};|f={};b");
    CHECK_STR(parse(&f, ONE ONE, 1, true, true, 0).text, "|f={};" ONE);
    CHECK_STR(parse(&f, ONE, 0, false, true, 0).text, ONE);
    CHECK_STR(parse(&none, ONE, 0, true, true, 0).text, ONE);
    CHECK_STR(parse(&f, "<think>a</think>b", 0, true, true, 0).text, "R:ab");
    CHECK_STR(parse(&f, "<think>a</think>b", 0, true, false, 0).text, "<think>a</think>b");
    CHECK_STR(parse(&f, "a" ONE "b", 0, true, true, 1).text, "a");
    CHECK_STR(parse(&f, "a" ONE "b", 0, true, true, 3).text, "a|f={}");
    /* A call as long as what may be held, and one that is longer by a byte. */
    static char answer[4096], want[4096];
    for (int more = 0; more < 2; more++) {
        const size_t fill =
            ROMA_CALLS_HELD_MIN - strlen("<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"\"}}") + (size_t)more;
        snprintf(answer, sizeof answer, "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"%0*d\"}}</tool_call>",
                 (int)fill, 0);
        snprintf(want, sizeof want, "|f={\"a\": \"%0*d\"};", (int)fill, 0);
        CHECK_STR(parse(&f, answer, 0, true, true, 0).text, more ? answer : want);
    }
    answer[0] = 0;
    for (int i = 0; i < 130; i++) strcat(answer, "<tool_call>{\"name\":\"g\"}");
    const heard h = parse(&f, answer, 1000, true, true, 0);
    CHECK_EQ(h.events, 3 * ROMA_CALLS_MOST + 1);
    CHECK_HAS(h.text, ";<tool_call>{\"name\":\"g\"}<tool_call>{\"name\":\"g\"}");
}

/* ---- grammars, and memory that ends ---- */

static const char *grammar_of(const char *template, const char *choice, bool parallel, bool thinks) {
    static char said[8192];
    const roma_calls_form f = !template                      ? (roma_calls_form){.kind = ROMA_CALLS_NONE}
                              : strcmp(template, ROLES) == 0 ? built_in(template)
                                                             : form_of(template);
    roma_calls_tools t;
    roma_calls_choice c;
    roma_error err = {0};
    roma_buf b = {0};
    if (roma_calls_tools_read(&t, LIST, sizeof LIST - 1, &err)) return "?";
    int rc = roma_calls_choice_read(&c, &t, choice, strlen(choice), &err);
    if (!rc) rc = roma_calls_grammar(&f, &t, &c, parallel, thinks, &b, &err);
    put_said(said, sizeof said, rc, &b, &err);
    roma_calls_tools_free(&t);
    return said;
}

static void grammars(void) {
    const char *g = grammar_of(TAGS, "{\"type\":\"function\",\"name\":\"g\"}", false, false);
    CHECK_STR(g, "root ::= \"<tool_call>\\x0A<function=\" call \"\\x0A</tool_call>\"\ncall ::= call1\n"
                 "call1 ::= \"g\" \">\" ( \"\\x0A<parameter=\" \"a\" \">\\x0A\" value0 \"\\x0A</parameter>\" )? "
                 "( \"\\x0A<parameter=\" \"b\" \">\\x0A\" value1 \"\\x0A</parameter>\" ) \"\\x0A</function>\"\n"
                 "value0 ::= [^<]{0,}\nvalue1 ::= \"x\" | \"\"\n");
    CHECK_HAS(grammar_of(TAGS, "\"required\"", true, true),
              "root ::= thought \"</think>\" blank \"<tool_call>\\x0A<function=\" call ( "
              "\"\\x0A</tool_call><tool_call>\\x0A<function=\" call)* \"\\x0A</tool_call>\"\n"
              "call ::= call0 | call1\n");
    CHECK_HAS(grammar_of(ROLES, "\"required\"", true, false),
              "root ::= \"<tool_call>\\x0A\" call ( \"\\x0A</tool_call>\\x0A<tool_call>\\x0A\" call)* "
              "\"\\x0A</tool_call>\"\n");
    CHECK_HAS(grammar_of(ROLES, "\"required\"", false, false),
              "call0 ::= \"{\\x22\" \"name\" \"\\x22: \\x22\"  \"f\" \"\\x22, \\x22\"  \"arguments\" \"\\x22: \" "
              "arguments0 \"}\"\n");
    CHECK_HAS(grammar_of(NULL, "\"required\"", true, false), "writes no tool calls");
    CHECK_HAS(grammar_of(TAGS, "\"auto\"", true, false), "calls that must come");
}

static int all_of_it(roma_error *err) {
    static const char call[] = "[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":"
                               "\"{\\\"a\\\": 1}\"}}]},{\"role\":\"tool\",\"content\":[{\"text\":\"r\"}]}]";
    static const char answer[] = "x<tool_call>\n<function=g>\n<parameter=a>\n1\n</parameter>\n<parameter=n>\n[1]\n</"
                                 "parameter>\n</function>\n</tool_call>";
    static char held[ROMA_CALLS_HELD_MIN];
    roma_template *t;
    roma_calls_form f = {0};
    roma_calls_tools tools_ = {0};
    roma_calls_parser p;
    roma_buf out = {0};
    heard h = {.events = 0};
    int rc = roma_template_create(&t, TAGS, sizeof TAGS - 1, "", err);
    if (!rc) rc = roma_calls_form_find(&f, t, NULL, 0, err);
    roma_calls_form own = f;
    if (!rc) rc = roma_calls_form_built_in(&own, t, err);
    roma_template_destroy(t);
    if (!rc) rc = roma_calls_tools_read(&tools_, LIST, sizeof LIST - 1, err);
    if (!rc) rc = roma_calls_messages_plain(&own, &tools_, call, sizeof call - 1, &out, err);
    if (!rc) rc = roma_calls_messages(&f, call, sizeof call - 1, &out, err);
    if (!rc) {
        const roma_calls_config c = {.form = &f, .tools = &tools_, .ctx = &h, .event = hear};
        roma_calls_parser_init(&p, &c, held, sizeof held);
        rc = roma_calls_parser_push(&p, answer, sizeof answer - 1);
        if (!rc) rc = roma_calls_parser_finish(&p);
        if (!rc) CHECK_STR(h.text, "x|g={\"a\":\"1\",\"n\":[1]};");
    }
    if (!rc && tools_.n) {
        const roma_calls_choice named = {ROMA_CALLS_CHOICE_NAMED, &tools_.tool[1]};
        rc = roma_calls_grammar(&f, &tools_, &named, true, true, &out, err);
    }
    roma_calls_tools_free(&tools_);
    roma_buf_destroy(&out);
    return rc;
}

static void memory_ends(void) {
    int failed = 0;
    for (int n = 0;; n++) {
        roma_error err = {0};
        scarce_begin(n);
        const int rc = all_of_it(&err);
        roma_allocator_set(NULL);
        CHECK_EQ(scarce_outstanding, 0);
        if (!rc) break;
        CHECK_EQ(rc, ROMA_ENOMEM);
        failed++;
    }
    CHECK(failed > 20);
}

int main(void) {
    forms();
    tools();
    choices();
    messages();
    plain();
    bounds();
    grammars();
    memory_ends();
    return TEST_DONE();
}
