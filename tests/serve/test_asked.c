/* Bodies of requests, read: what each protocol's keys become; every allocation that fails; thousands of bodies with
 * bytes changed. */
#include "../test.h"
#include "serve/asked.h"

#include <stdlib.h>

static roma_answer_line usual;

static int read_body(asked *a, asked_form form, const char *body, roma_error *err) {
    return roma_serve_asked_read(a, form, body, strlen(body), &usual, err);
}

static void check_messages(asked_form form, const char *body, const char *want) {
    asked a;
    roma_error err = {0};
    const int rc = read_body(&a, form, body, &err);
    if (rc) TEST_FAILED("%s: %s", body, err.text);
    roma_buf_append(&a.messages, "", 1);
    CHECK_STR((const char *)a.messages.data, want);
    roma_serve_asked_free(&a);
}

static void test_messages(void) {
    check_messages(ASKED_CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\\u0041\"}]}",
                   "[{\"role\":\"user\",\"content\":\"aA\"}]");
    check_messages(
        ASKED_CHAT,
        "{\"messages\":[{\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"text\":\"y\",\"type\":\"text\"}],\"role\":"
        "\"developer\",\"name\":\"n\"}]}",
        "[{\"name\":\"n\",\"role\":\"system\",\"content\":\"x\\ny\"}]");
    check_messages(
        ASKED_CHAT,
        "{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\"}],\"refusal\":null},"
        "{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"ok\"}]}",
        "[{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"1\"}]},{\"tool_call_id\":\"1\",\"role\":"
        "\"tool\",\"content\":\"ok\"}]");
    check_messages(ASKED_OCHAT, "{\"messages\":[{\"role\":\"assistant\",\"content\":\"b\",\"thinking\":\"t\"}]}",
                   "[{\"reasoning_content\":\"t\",\"role\":\"assistant\",\"content\":\"b\"}]");
    check_messages(
        ASKED_CHAT, /* as clients of several servers hand an answer back */
        "{\"messages\":[{\"role\":\"assistant\",\"content\":\"b\",\"reasoning\":\"t\",\"reasoning_content\":\"t\","
        "\"tool_calls\":null,\"function_call\":null,\"provider_specific_fields\":null}]}",
        "[{\"reasoning_content\":\"t\",\"role\":\"assistant\",\"content\":\"b\"}]");
}

static void test_items(void) {
    check_messages(ASKED_RESPONSE, "{\"input\":\"hi\",\"instructions\":\"be\"}",
                   "[{\"role\":\"system\",\"content\":\"be\"},{\"role\":\"user\",\"content\":\"hi\"}]");
    check_messages(
        ASKED_RESPONSE,
        "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"q\"}]},{\"type\":"
        "\"reasoning\",\"summary\":[]},"
        "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":\"function_"
        "call\",\"call_id\":"
        "\"c2\",\"name\":\"g\",\"arguments\":\"{\\\"a\\\":1}\"},{\"type\":\"function_call_output\",\"call_id\":\"c1\","
        "\"output\":\"7\"}]}",
        "[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":"
        "\"c1\",\"type\":"
        "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":\"c2\",\"type\":\"function\","
        "\"function\":{\"name\":\"g\","
        "\"arguments\":\"{\\\"a\\\":1}\"}}]},{\"role\":\"tool\",\"content\":\"7\",\"tool_call_id\":\"c1\"}]");
}

static void test_settings(void) {
    asked a;
    roma_error err = {0};
    CHECK_EQ(
        read_body(
            &a, ASKED_CHAT,
            "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}],\"n\":3,\"stream\":true,\"max_completion_tokens\":9,"
            "\"stream_options\":{\"include_usage\":true},\"temperature\":0.5,\"stop\":[\"a\",\"b\"],\"user\":\"u\","
            "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":{\"type\":"
            "\"object\"}}}}",
            &err),
        0);
    CHECK(a.n == 3 && a.stream && a.usage && a.has_limit && a.q->ask.limit == 9 && a.q->ask.stops.n == 2);
    CHECK_REAL((double)a.q->ask.sampling.temperature, 0.5);
    CHECK_EQ(a.shape, ASKED_SCHEMA);
    CHECK_BYTES(a.schema.text, "{\"type\":\"object\"}", a.schema.len);
    roma_serve_asked_free(&a);
    CHECK_EQ(read_body(&a, ASKED_TEXT, "{\"prompt\":[[1,2],[3]],\"n\":2}", &err), 0);
    CHECK_EQ(asked_prompts(&a), 2);
    CHECK(asked_prompt_at(&a, 1)->is_ids && asked_prompt_at(&a, 1)->first_id == 2 &&
          asked_prompt_at(&a, 1)->n_ids == 1);
    roma_serve_asked_free(&a);
    CHECK_EQ(read_body(&a, ASKED_OTEXT,
                       "{\"prompt\":\"p\",\"options\":{\"num_predict\":-1,\"seed\":4,\"num_ctx\":8},\"think\":false}",
                       &err),
             0);
    CHECK(a.stream && !a.has_limit && a.q->ask.sampling.seed == 4 && a.think == 0);
    roma_serve_asked_free(&a);
    CHECK_EQ(read_body(&a, ASKED_EMBED, "{\"input\":[\"a\",\"b\"],\"encoding_format\":\"base64\"}", &err), 0);
    CHECK(a.base64 && asked_prompts(&a) == 2 && asked_prompt_at(&a, 1)->text.text[0] == 'b');
    roma_serve_asked_free(&a);
}

static const struct {
    asked_form form;
    const char *body;
} good[] = {
    {ASKED_CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"h\\u00e9\"}]}],\"stop\":"
                 "[\"x\"],\"logit_bias\":{\"5\":1},"
                 "\"chat_template_kwargs\":{\"a\":[1]},\"tools\":[],\"lora\":[\"p:0.5\"],\"seed\":3,\"stream_options\":"
                 "{\"include_usage\":true}}"},
    {ASKED_TEXT, "{\"prompt\":[\"a\",[1,2],\"b\"],\"logprobs\":2,\"max_tokens\":4,\"grammar\":\"root ::= [a-z]\"}"},
    {ASKED_RESPONSE, "{\"input\":[{\"role\":\"user\",\"content\":\"q\"},{\"type\":\"function_call\",\"call_id\":\"c\","
                     "\"name\":\"f\",\"arguments\":\"{}\"}],"
                     "\"text\":{\"format\":{\"type\":\"json_object\"}},\"instructions\":\"i\"}"},
    {ASKED_EMBED, "{\"input\":[[1],[2,3]],\"encoding_format\":\"float\",\"model\":\"m\"}"},
    {ASKED_OCHAT, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"images\":[]}],\"options\":{"
                  "\"stop\":[\"a\"],\"top_p\":0.5},\"format\":\"json\"}"},
    {ASKED_OTEXT, "{\"model\":\"m\",\"prompt\":\"x\",\"system\":\"s\",\"keep_alive\":\"5m\"}"},
    {ASKED_OEMBED, "{\"model\":\"m\",\"input\":\"x\",\"truncate\":true}"}};
enum { N_GOOD = sizeof good / sizeof *good };

/* ---- what says nothing, and what is said twice ---- */

/* A good body with one more member. */
static const char *with(size_t i, const char *member) {
    static char body[512];
    const size_t n = strlen(good[i].body) - 1;
    memcpy(body, good[i].body, n);
    roma_print(body + n, sizeof body - n, "%s", member);
    return body;
}

/* Null under a name that nobody knows, newer ones of the clients' among them, changes nothing on any route; another
 * value is refused by that name. */
static void test_nobodys(void) {
    static const char *const names[] = {"moderation", "context_management", "background_options", "tempreature", "n_"};
    for (size_t i = 0; i < N_GOOD; i++)
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            char member[64];
            asked a;
            roma_error err = {0};
            roma_print(member, sizeof member, ",\"%s\":null}", names[k]);
            CHECK_EQ(read_body(&a, good[i].form, with(i, member), &err), 0);
            roma_serve_asked_free(&a);
            roma_print(member, sizeof member, ",\"%s\":{\"a\":[1]}}", names[k]);
            CHECK_EQ(read_body(&a, good[i].form, with(i, member), &err), ROMA_EINPUT);
            CHECK_STR(a.param, names[k]);
            CHECK_HAS(err.text, names[k]);
            roma_serve_asked_free(&a);
        }
}

/* Within values: rc, the key, and what the error names. */
static void test_within(void) {
    static const struct {
        asked_form form;
        const char *members;
        int rc;
        const char *param, *text;
    } cases[] = {
        {ASKED_TEXT, "\"stream_options\":{\"x\":null,\"include_usage\":null}", 0, "", NULL},
        {ASKED_TEXT, "\"stream_options\":{\"xyz\":1}", ROMA_EINPUT, "stream_options", "xyz"},
        {ASKED_OTEXT, "\"options\":{\"mirostat\":null,\"seed\":null,\"num_predict\":null}", 0, "", NULL},
        {ASKED_OTEXT, "\"options\":{\"mirostat\":2}", ROMA_EINPUT, "options", "mirostat"},
        {ASKED_RESPONSE, "\"input\":\"a\",\"text\":{\"xyz\":null,\"format\":null}", 0, "", NULL},
        {ASKED_RESPONSE, "\"input\":\"a\",\"text\":{\"xyz\":0}", ROMA_EINPUT, "text", "xyz"},
        {ASKED_TEXT, "\"response_format\":{\"type\":\"text\",\"x\":null}", 0, "", NULL},
        {ASKED_TEXT, "\"response_format\":{\"type\":\"text\",\"schema\":{}}", ROMA_EINPUT, "response_format",
         "no schema"},
        {ASKED_TEXT, "\"response_format\":{}", ROMA_EINPUT, "response_format", "type"},
        {ASKED_TEXT, "\"response_format\":{\"type\":\"text\"},\"grammar\":\"root ::= [a]\"", 0, "", NULL},
        {ASKED_TEXT, "\"response_format\":{\"type\":\"json_object\"},\"grammar\":\"root ::= [a]\"", ROMA_EINPUT,
         "grammar", "another form"},
        {ASKED_TEXT, "\"grammar\":\"root ::= [a]\",\"response_format\":{\"type\":\"json_object\"}", ROMA_EINPUT,
         "response_format", "another form"},
        {ASKED_RESPONSE, "\"input\":\"a\",\"reasoning\":{ \"effort\":null,\"summary\":null }", 0, "", NULL},
        {ASKED_RESPONSE, "\"input\":\"a\",\"reasoning\":{\"effort\":\"low\"}", ROMA_EUNSUPPORTED, "reasoning",
         "reasoning"},
        {ASKED_CHAT,
         "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"audio\":{\"voice\":null},\"functions\":[ ]", 0, "",
         NULL},
        {ASKED_CHAT, "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"functions\":[null]", ROMA_EUNSUPPORTED,
         "functions", "functions"},
        {ASKED_CHAT, "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"audio\":{\"a\":null,\"voice\":{}}",
         ROMA_EUNSUPPORTED, "audio", "audio"},
        {ASKED_RESPONSE, "\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\"}]", ROMA_EINPUT, "input",
         "without a name"},
        {ASKED_RESPONSE, "\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\"}]", ROMA_EINPUT, "input",
         "without an output"},
        {ASKED_OTEXT, "\"raw\":true,\"system\":\"s\"", ROMA_EINPUT, "system", "raw"},
        {ASKED_OTEXT, "\"raw\":true,\"think\":false", ROMA_EINPUT, "think", "raw"},
        {ASKED_OTEXT, "\"raw\":true,\"system\":\"\",\"think\":null", 0, "", NULL},
        {ASKED_TEXT, "\"top_k\":-1", 0, "", NULL},
        {ASKED_TEXT, "\"top_k\":-2", ROMA_EINPUT, "top_k", "top_k"},
        {ASKED_CHAT, "\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"xyz\":null,\"audio\":null}]", 0, "", NULL},
        {ASKED_CHAT, "\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"xyz\":1}]", ROMA_EINPUT, "messages", "xyz"},
        {ASKED_CHAT, "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]", ROMA_EINPUT, "messages",
         "text"},
        {ASKED_CHAT, "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":5}]}]", ROMA_EINPUT,
         "messages", "text"},
        {ASKED_CHAT, "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"\",\"x\":1}]}]", 0,
         "", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[256];
        asked a;
        roma_error err = {0};
        const bool has_prompt = cases[i].form == ASKED_TEXT || cases[i].form == ASKED_OTEXT;
        roma_print(body, sizeof body, "{%s%s}", has_prompt ? "\"prompt\":\"p\"," : "", cases[i].members);
        const int rc = read_body(&a, cases[i].form, body, &err);
        if (rc != cases[i].rc) TEST_FAILED("%s: %d %s", body, rc, err.text);
        CHECK_STR(a.param, cases[i].param);
        if (cases[i].text) CHECK_HAS(err.text, cases[i].text);
        roma_serve_asked_free(&a);
    }
}

/* One limit under two names: the smaller one holds, null says nothing, in any order. */
static void test_limits(void) {
    static const char *const values[] = {"null", "3", "9"};
    for (unsigned i = 0; i < 9; i++) {
        char body[128];
        asked a;
        roma_error err = {0};
        const unsigned one = i % 3, two = i / 3;
        roma_print(body, sizeof body, "{\"prompt\":\"p\",\"max_tokens\":%s,\"max_completion_tokens\":%s}", values[one],
                   values[two]);
        CHECK_EQ(read_body(&a, ASKED_TEXT, body, &err), 0);
        CHECK_EQ((int)a.has_limit, one || two);
        const uint32_t want = !one && !two ? usual.ask.limit : one == 1 || two == 1 ? 3 : 9;
        CHECK_EQ(a.q->ask.limit, want);
        roma_serve_asked_free(&a);
    }
}

/* ---- memory that ends ---- */

static unsigned fail_at, asked_for;
static void *failing_alloc(size_t n) { return ++asked_for == fail_at ? NULL : malloc(n); }
static void *failing_resize(void *p, size_t n) { return ++asked_for == fail_at ? NULL : realloc(p, n); }

static void test_no_memory(void) {
    static const roma_allocator failing = {failing_alloc, failing_resize, free};
    roma_allocator_set(&failing);
    for (size_t i = 0; i < N_GOOD; i++)
        for (fail_at = 1;; fail_at++) {
            asked a;
            roma_error err = {0};
            asked_for = 0;
            const int rc = read_body(&a, good[i].form, good[i].body, &err);
            roma_serve_asked_free(&a);
            if (asked_for < fail_at) {
                CHECK_EQ(rc, 0);
                break;
            }
            if (rc != ROMA_ENOMEM) TEST_FAILED("%s: allocation %u: %d %s", good[i].body, fail_at, rc, err.text);
        }
    roma_allocator_set(NULL);
}

/* ---- changed bodies ---- */

static void test_changed(void) {
    static char body[512];
    unsigned taken = 0, refused = 0;
    for (unsigned k = 0; k < test_effort(20000); k++) {
        asked a;
        roma_error err = {0};
        const size_t i = roma_random(1, k) % N_GOOD;
        size_t n = strlen(good[i].body);
        memcpy(body, good[i].body, n);
        for (unsigned c = 0; c <= roma_random(2, k) % 3; c++) {
            const uint64_t r = roma_random(3 + c, k);
            const size_t at = (r >> 8) % n;
            if (r & 64) { /* a byte goes */
                memmove(body + at, body + at + 1, n - at - 1);
                n--;
            } else {
                body[at] = (r & 128) ? (char)(r >> 40) : "\"{}[],:01-.e\\u"[(r >> 40) % 14];
            }
        }
        const int rc = roma_serve_asked_read(&a, good[i].form, body, n, &usual, &err);
        taken += rc == 0;
        refused += rc != 0;
        if (rc && rc != ROMA_EINPUT && rc != ROMA_EUSAGE && rc != ROMA_EUNSUPPORTED)
            TEST_FAILED("%.*s: %d", (int)n, body, rc);
        for (const char *p = err.text; rc && *p; p++)
            if (*p < 0x20 || *p > 0x7e) TEST_FAILED("%.*s: %s", (int)n, body, err.text);
        roma_serve_asked_free(&a);
    }
    CHECK(taken > 100 && refused > 1000);
}

int main(void) {
    roma_answer_ask_default(&usual.ask);
    test_messages();
    test_items();
    test_settings();
    test_nobodys();
    test_within();
    test_limits();
    test_no_memory();
    test_changed();
    return TEST_DONE();
}
