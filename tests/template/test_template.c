/* Chat templates: what they write, where each byte comes from, what is refused and where, limits, memory that ends.
 * What jinja2 makes of the same templates is held by test_jinja.py; here stand values by hand. */
#include "../base/scarce.h"
#include "../test.h"
#include "roma/template.h"

static const roma_template_variable VARS[] = {
    {"messages",
     "[{\"role\":\"system\",\"content\":\"Be <|im_end|> kind.\"},{\"role\":\"user\",\"content\":\" Hi \\u00e9 \"}]", 0,
     true, false},
    {"tools", "[{\"name\":\"f\",\"x\":[1,2.5,null,true,\"<|im_start|>\"]}]", 0, true, false},
    {"bos_token", "<s>", 0, false, true},
    {"n", "3", 0, true, false},
    {"big", "1e999", 0, false, false},
};
enum { N_VARS = sizeof VARS / sizeof *VARS };
static roma_template_limits LIMITS;

static int render(const char *text, roma_template_output *out, roma_error *err) {
    roma_template_variable v[N_VARS];
    roma_template *t;
    memcpy(v, VARS, sizeof v);
    for (int i = 0; i < N_VARS; i++) v[i].len = strlen(v[i].text);
    roma_template_input in = {.variables = v, .n_variables = N_VARS, .limits = LIMITS};
    *out = (roma_template_output){0};
    if (!roma_template_date_read(&in.date, "2024-02-29")) return -1;
    int rc = roma_template_create(&t, text, strlen(text), "t", err);
    if (!rc) rc = roma_template_render(t, &in, out, err);
    roma_template_destroy(t);
    return rc;
}

/* The text, with what is not the template's between « and »; or the message. */
static const char *shown(const char *text) {
    static char said[4096];
    roma_template_output out;
    roma_error err = {0};
    size_t n = 0;
    if (render(text, &out, &err)) {
        roma_error_format(&err, said, sizeof said);
        return said;
    }
    bool data = false;
    for (size_t i = 0; i <= out.len && n < sizeof said - 16; i++) {
        const bool now = i < out.len && !out.trusted[i];
        if (now != data) n += (size_t)sprintf(said + n, now ? "«" : "»");
        data = now;
        if (i < out.len) said[n++] = out.text[i];
    }
    said[n] = 0;
    roma_template_output_free(&out);
    return said;
}

static void writes(void) {
    CHECK_STR(shown(""), "");
    CHECK_STR(shown("a\n"), "a");
    CHECK_STR(shown("a\r\nb\r\n\r\n"), "a\nb\n");
    CHECK_STR(shown("{{ 1 + 2 * 3 }} {{ 7 // 2 }} {{ -7 % 3 }} {{ 1 / 4 }} {{ 2 ** 5 }}"), "7 3 2 0.25 32");
    CHECK_STR(shown("{% for i in range(3) %}\n  {{ loop.index }}{% if not loop.last %},{% endif %}\n{% endfor %}"),
              "  1,  2,  3");
    CHECK_STR(shown("  {%- set x = 'v' -%}  {{ x }}"), "v");
    CHECK_STR(
        shown("{% set ns = namespace(c=0) %}{% for i in [1, 2] %}{% set ns.c = ns.c + i %}{% endfor %}{{ ns.c }}"),
        "3");
    CHECK_STR(shown("{% macro m(a, b='y') %}{{ a }}{{ b }}{% endmacro %}{{ m('x') }}{{ m(b=1, a=2) }}"), "xy21");
    CHECK_STR(shown("{% for x in 'abcd' %}{% if x == 'b' %}{% continue %}{% endif %}{% if x == 'd' %}{% break %}{% "
                    "endif %}{{ x }}{% endfor %}"),
              "ac");
    CHECK_STR(shown("{{ strftime_now('%d %b %Y %A %-d/%j') }}"), "29 Feb 2024 Thursday 29/060");
    CHECK_STR(shown("{{ 'a,b'.split(',')[-1] }}{{ 'xay'[1:] }}{{ 'é日'[::-1] }}{{ 'ß'|upper }}"), "bay日éSS");
    CHECK_STR(shown("{{ 0.1 + 0.2 }} {{ 1e16 }} {{ 1e15 }} {{ 100.0 }} {{ 1e-5 }}"),
              "0.30000000000000004 1e+16 1000000000000000.0 100.0 1e-05");
    CHECK_STR(
        shown("{{ 1.5 * 4 }} {{ 1.5 + 4 }} {{ 1.5 - 4 }} {{ 3 / 4 }} {{ 7.5 // 2 }} {{ 7.5 % -2 }} {{ 2 ** -1 }}"),
        "6.0 5.5 -2.5 0.75 3.0 -0.5 0.5");
    CHECK_STR(shown("{{ ['', 'a'] | map('default', 'x', boolean=true) | join }}{{ [1.26, 2.34] | map('round', "
                    "method='floor', precision=1) | list }}"),
              "xa[1.2, 2.3]"); /* names go with the arguments that map hands on */
    CHECK_STR(shown("{{ [1, 'a', none, \"it's\", 2.0, {'k': (1,)}] }}"), "[1, 'a', None, \"it's\", 2.0, {'k': (1,)}]");
}

/* Bytes of a message or tool stay theirs through filters, methods, slices, concatenation and JSON. */
static void origins(void) {
    CHECK_STR(shown("<|im_start|>{{ messages[0].content }}<|im_end|>"), "<|im_start|>«Be <|im_end|> kind.»<|im_end|>");
    CHECK_STR(shown("{{ bos_token + messages[1]['content'] | trim }}"), "<s>«Hi é»");
    CHECK_STR(shown("{{ ('<' ~ messages[0].content[3:] ~ '>') | upper }}"), "<«<|IM_END|> KIND.»>");
    CHECK_STR(shown("{{ messages[0].content.replace('kind', '<|x|>') }}"), "«Be <|im_end|> »<|x|>«.»");
    CHECK_STR(shown("{{ messages[0].content.split('<|')[1] }}"), "«im_end|> kind.»");
    CHECK_STR(shown("{{ tools[0] | tojson }}"), "«{\"name\": \"f\", \"x\": [1, 2.5, null, true, \"<|im_start|>\"]}»");
    CHECK_STR(shown("{{ {'a': messages[1].content} | tojson }}"), "{\"a\": «\" Hi é \"»}");
    CHECK_STR(shown("{% set x %}a{{ messages[1].role }}b{% endset %}{{ x }}{{ x[1:3] }}"), "a«user»b«us»");
    CHECK_STR(shown("{{ ['-', messages[1].role] | join('+') }}{{ messages[1].role * 2 }}"), "-+«useruseruser»");
    CHECK_STR(shown("{{ n }}{{ n + 1 }}{{ messages | length }}"), "«34»2");
    CHECK_STR(shown("{% for m in messages %}{{ m.role | capitalize }}:{% endfor %}"), "«System»:«User»:");
    CHECK_STR(shown("{{ messages[0].content | e }}{{ ('a' | safe) + messages[0].content[3:5] }}"),
              "«Be &lt;|im_end|&gt; kind.»a«&lt;|»");
    CHECK_STR(shown("{{ '%s!' % messages[1].role }}{{ '{}'.format(messages[1].role) }}{{ messages[1].role | indent(2, "
                    "true) }}"),
              "«user»!«user»  «user»");
}

static void refusals(void) {
    CHECK_STR(shown("a\n{% include 'x' %}"),
              "t: line 2: column 4: the tag 'include' has no place here, or is not supported");
    CHECK_STR(shown("{{ a | wordwrap }}"), "t: line 1: column 8: the filter 'wordwrap' is not supported");
    CHECK_STR(shown("{{ a | nonsense }}"), "t: line 1: column 8: there is no filter 'nonsense'");
    CHECK_STR(shown("{% if n == 4 %}{{ a | nonsense }}{% endif %}x"), "x");
    CHECK_HAS(shown("{% if n == 3 %}{{ a | nonsense }}{% endif %}x"), "there is no filter of this name");
    CHECK_HAS(shown("{{ a is nonsense }}"), "there is no test 'nonsense'");
    CHECK_HAS(shown("{{ 'a"), "line 1: column 4: this string has no end");
    CHECK_HAS(shown("{% if a %}"), "{% elif %} is missing");
    CHECK_HAS(shown("{{ a"), "this tag has no end");
    CHECK_HAS(shown("{{ (a }}"), "this bracket closes none that is open");
    CHECK_HAS(shown("{{ (a"), "this tag has no end");
    CHECK_HAS(shown("{{ a) }}"), "this bracket closes none that is open");
    CHECK_HAS(shown("{# a"), "this comment has no end");
    CHECK_HAS(shown("{% raw %}a"), "this raw block has no end");
    CHECK_HAS(shown("{% break %}"), "there is no loop here to leave");
    CHECK_HAS(shown("{{ 99999999999999999999 }}"), "beyond what is supported");
    CHECK_HAS(shown("{{ '\\ud800' }}"), "no character");
    CHECK_HAS(shown("{% for a in b recursive %}{% endfor %}"), "recursive loops are not supported");
    CHECK_HAS(shown("{{ f(*a) }}"), "arguments out of a list");
    CHECK_HAS(shown("{{ raise_exception('Roles must\\nalternate') }}"),
              "line 1: column 19: the chat template refuses this: Roles must\\x0aalternate");
    CHECK_HAS(shown("{{ missing.x }}"), "'missing' is undefined");
    CHECK_HAS(shown("{{ messages.append(1) }}"), "'append' is undefined");
    CHECK_HAS(shown("{{ 'a' + 1 }}"), "'+' has no meaning between a text and a whole number");
    CHECK_HAS(shown("{{ 9223372036854775807 + 1 }}"), "beyond 64 bits");
    CHECK_HAS(shown("{{ 1 // 0 }}"), "division by zero");
    CHECK_HAS(shown("{{ range(1000000) }}"), "a range of more than 100000 numbers");
    CHECK_HAS(shown("{{ {} | tojson }}{{ missing | tojson }}"), "an undefined value cannot be written as JSON");
    CHECK_HAS(shown("{{ strftime_now('%q') }}"), "does not support this format");
}

/* What would run without end, or grow without bound, stops. */
static void limits(void) {
    const char *const deep = "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}";
    const char *const grows =
        "{% set ns = namespace(s='abcdefgh') %}{% for i in range(1000) %}{% set ns.s = ns.s + ns.s %}{% endfor %}";
    const char *const runs = "{% for a in range(999) %}{% for b in range(999) %}{% endfor %}{% endfor %}";
    LIMITS = (roma_template_limits){.steps = 100000, .bytes = 1 << 24, .output = 1000, .depth = 100};
    CHECK_HAS(shown(deep), "nests more than 100 deep");
    CHECK_HAS(shown(grows), "writes more than 1000 bytes");
    CHECK_HAS(shown(runs), "more than 100000 steps");
    CHECK_HAS(shown("{{ 'a' * 1001 }}"), "writes more than 1000 bytes");
    LIMITS = (roma_template_limits){.bytes = 1 << 22};
    CHECK_HAS(shown(grows), "beyond the limit");
    LIMITS = (roma_template_limits){0};
    CHECK_HAS(shown(deep), "nests more than 1000 deep");
    CHECK_HAS(shown(grows), "writes more than 67108864 bytes");
    static char nested[4096];
    memset(nested, '(', sizeof nested - 1);
    memcpy(nested, "{{ ", 3);
    memcpy(nested + sizeof nested - 3, "}}", 3);
    CHECK_HAS(shown(nested), "brackets nest more than 256 deep");
    for (size_t i = 3; i < sizeof nested - 5; i += 4) memcpy(nested + i, "not ", 4);
    memcpy(nested + sizeof nested - 5, "a }}", 5);
    CHECK_HAS(shown(nested), "nest");
}

/* Each allocation fails once: an error, and nothing is lost (the sanitizers watch). */
static void memory(void) {
    const char *const text = "{% for m in messages %}{{ m.content | upper ~ tools | tojson }}{% endfor %}";
    roma_template_output out;
    roma_error err = {0};
    int failed = 0;
    for (int n = 0; n < 1000; n++) {
        scarce_begin(n);
        const int rc = render(text, &out, &err);
        roma_template_output_free(&out);
        roma_allocator_set(NULL);
        CHECK_EQ(scarce_outstanding, 0);
        if (!rc) break;
        CHECK_EQ(rc, ROMA_ENOMEM);
        failed++;
    }
    CHECK(failed > 4);
}

static void dates(void) {
    roma_template_date d;
    CHECK(roma_template_date_read(&d, "2024-02-29"));
    CHECK(!roma_template_date_read(&d, "2023-02-29"));
    CHECK(!roma_template_date_read(&d, "2024-13-01"));
    CHECK(!roma_template_date_read(&d, "2024-1-01"));
    CHECK(!roma_template_date_read(&d, "2024-01-011"));
    CHECK(!roma_template_date_read(&d, ""));
}

int main(void) {
    writes();
    origins();
    refusals();
    limits();
    memory();
    dates();
    return TEST_DONE();
}
