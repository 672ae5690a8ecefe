/* Places of errors, what tokens are, numbers, memory, the writer. That the same texts are accepted as by Python's json:
 * check_json.py. */
#include "../test.h"
#include "../base/counted.h"
#include "../base/scarce.h"
#include "roma/json.h"

static const roma_json_source lines = {.file = "f.json", .line = 1};

/* Reads text to its end, or to an error. */
static int read_all(const char *text, size_t n, const roma_json_source *from, roma_error *err) {
    roma_json_reader r;
    char *tight = malloc(n ? n : 1); /* exact, so that a sanitizer sees a byte read beyond */
    memcpy(tight, text, n);
    int rc = roma_json_read_begin(&r, tight, n, from, err);
    do {
        if (!rc) rc = roma_json_read_next(&r, err);
    } while (!rc && r.kind != ROMA_JSON_DONE);
    roma_json_read_end(&r);
    free(tight);
    return rc;
}

static const struct {
    const char *text;
    size_t n; /* 0: up to the 0 */
    const char *error;
} bad[] = {
    {"", 0, "f.json: line 1: column 1: not valid JSON: it ends where a value is missing"},
    {"                                                                ", 64, "column 65: not valid JSON: it ends"},
    {"{\"a\": 007}", 0, "line 1: column 7: not valid JSON: a number must not begin with 0"},
    {"{\"a\": -01}", 0, "column 8: not valid JSON: a number must not begin with 0"},
    {"[1,\n 2,]", 0, "line 2: column 4: not valid JSON: a value is missing"},
    {"{\"a\":1,\r\n}", 0, "line 2: column 1: not valid JSON: a key in quotes is missing"},
    {"{\"\xc3\xa9\xf0\x9f\x98\x80\" 1}", 0, "column 7: not valid JSON: a colon"},
    {"{\"a\":1,\n\"\\u0061\":2}", 0, "line 2: column 1: not valid JSON: duplicate key 'a'"},
    {"{\"b\":{\"a\":1,\"c\":[{\"a\":3}],\"a\":2}}", 0, "column 27: not valid JSON: duplicate key 'a'"},
    {"\"\\ud800\"", 0, "column 2: not valid JSON: a bad escape"},
    {"\"\\udc00\\ud800\"", 0, "column 2: not valid JSON: a bad escape"},
    {"\"\\ud800\\u0041\"", 0, "a bad escape"},
    {"\"a\\u00e\"", 0, "column 3: not valid JSON: a bad escape"},
    {"\"\\", 0, "a bad escape"},
    {"\"abc", 0, "column 5: not valid JSON: a text does not end"},
    {"\"a\nb\"", 0, "column 3: not valid JSON: a control character must be escaped"},
    {"\"a\0b\"", 5, "column 3: not valid JSON: a control character must be escaped"},
    {"\"a\xff\"", 0, "column 3: not valid JSON: a text is not UTF-8"},
    {"\"\xed\xa0\x80\"", 0, "a text is not UTF-8"},
    {"\"\xc0\x80\"", 0, "a text is not UTF-8"},
    {"\"\xe2\x82\"", 0, "a text is not UTF-8"},
    {"\xef\xbb\xbf{}", 0, "column 1: not valid JSON: it begins with a byte order mark"},
    {"{} x", 0, "column 4: not valid JSON: more text behind the value"},
    {"{}\0", 3, "column 3: not valid JSON: more text behind the value"},
    {"NaN", 0, "a value is missing"},
    {"-Infinity", 0, "column 2: not valid JSON: a digit is missing"},
    {"1.", 0, "a digit is missing behind the point"},
    {"1e+", 0, "a digit is missing in the exponent"},
    {"truE", 0, "a value is missing"},
    {"[1 2]", 0, "column 4: not valid JSON: a comma or ] is missing"},
    {"{\"a\":1 \"b\":2}", 0, "column 8: not valid JSON: a comma or } is missing"},
    {"[1}", 0, "a comma or ] is missing"},
    {"[", 0, "it ends where a value is missing"},
    {"[1", 0, "an array does not end"},
    {"{\"a\":1", 0, "an object does not end"},
};

static void test_errors(void) {
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        roma_error err = {0};
        char said[1024];
        const int rc = read_all(bad[i].text, bad[i].n ? bad[i].n : strlen(bad[i].text), &lines, &err);
        roma_error_format(&err, said, sizeof said);
        if (rc != ROMA_EINPUT || !strstr(said, bad[i].error))
            fprintf(stderr, "%zu: %s: %s, expected %s\n", i, bad[i].text, said, bad[i].error);
        CHECK(rc == ROMA_EINPUT && strstr(said, bad[i].error));
        CHECK_EQ(read_all(bad[i].text, bad[i].n ? bad[i].n : strlen(bad[i].text), &lines, NULL), ROMA_EINPUT);
    }
    /* every beginning of a good text is bad, and without lines the byte is named */
    static const char good[] = "{\"k\":[1,-2.5e+3,\"\\ud83d\\ude00\",true,false,null,{}],\"l\":\"x\"}";
    for (size_t n = 0; n < sizeof good - 1; n++) CHECK_EQ(read_all(good, n, NULL, NULL), ROMA_EINPUT);
    CHECK_EQ(read_all(good, sizeof good - 1, NULL, NULL), ROMA_OK);
    roma_error err = {0};
    CHECK_EQ(read_all("[01]", 4, &(roma_json_source){.file = "m", .at = 100}, &err), ROMA_EINPUT);
    CHECK(err.offset == 101 && err.line == 0);
    CHECK_EQ(read_all("[\n01]", 5, &(roma_json_source){.at = 7, .line = 3}, &err), ROMA_EINPUT);
    CHECK(err.offset == 9 && err.line == 4);
}

static void test_limits(void) {
    static char text[400];
    roma_error err = {0};
    for (uint32_t depth = 1; depth <= 64; depth += 21) {
        const roma_json_source from = {.depth = depth == 64 ? 0 : depth};
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        CHECK_EQ(read_all(text, 2 * depth, &from, &err), ROMA_OK);
        memset(text, '[', depth + 1);
        memset(text + depth + 1, ']', depth + 1);
        CHECK_EQ(read_all(text, 2 * depth + 2, &from, &err), ROMA_EINPUT);
        CHECK(strstr(err.text, "nested more than") != NULL);
    }
    CHECK_EQ(read_all("[10]", 4, &(roma_json_source){.size = 4}, &err), ROMA_OK);
    CHECK_EQ(read_all("[10]", 4, &(roma_json_source){.size = 3}, &err), ROMA_EUNSUPPORTED);
    CHECK(strstr(err.text, "4 bytes; at most 3") != NULL);
}

static void next(roma_json_reader *r, roma_json_kind kind, const char *text, size_t n) {
    CHECK_EQ(roma_json_read_next(r, NULL), ROMA_OK);
    CHECK_EQ(r->kind, kind);
    CHECK(r->len == n && (!n || memcmp(r->text, text, n) == 0));
}

static void test_tokens(void) {
    static const char text[] =
        " {\"a\\u0000b\" : \"\\u0000\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\ude00\","
        "\"n\":[ 1e3 , -0.50,12345678901234567890 ],\"o\":{\"n\":[{}],\"t\":true}, \"z\":null}\n";
    roma_json_reader r;
    CHECK_EQ(roma_json_read_begin(&r, text, sizeof text - 1, NULL, NULL), ROMA_OK);
    next(&r, ROMA_JSON_OBJECT, "", 0);
    CHECK(r.at == 1 && r.depth == 1);
    next(&r, ROMA_JSON_KEY, "a\0b", 3);
    CHECK(!roma_json_is(&r, "a"));
    next(&r, ROMA_JSON_TEXT, "\0\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 18);
    next(&r, ROMA_JSON_KEY, "n", 1);
    CHECK(roma_json_is(&r, "n") && !roma_json_is(&r, "") && !roma_json_is(&r, "nn"));
    next(&r, ROMA_JSON_ARRAY, "", 0);
    next(&r, ROMA_JSON_NUMBER, "1e3", 3);
    CHECK(!roma_json_is(&r, "1e3"));
    next(&r, ROMA_JSON_NUMBER, "-0.50", 5);
    next(&r, ROMA_JSON_NUMBER, "12345678901234567890", 20);
    next(&r, ROMA_JSON_ARRAY_END, "", 0);
    next(&r, ROMA_JSON_KEY, "o", 1);
    next(&r, ROMA_JSON_OBJECT, "", 0);
    CHECK_EQ(roma_json_read_skip(&r, NULL), ROMA_OK);
    CHECK_EQ(r.depth, 1);
    next(&r, ROMA_JSON_KEY, "z", 1);
    roma_error err;
    CHECK_EQ(roma_json_read_fail(&r, ROMA_EUSAGE, &err, "no %s", "good"), ROMA_EUSAGE);
    CHECK(err.offset == (uint64_t)(strstr(text, "\"z\"") - text));
    CHECK_STR(err.text, "no good");
    next(&r, ROMA_JSON_NULL, "null", 4);
    CHECK_EQ(roma_json_read_skip(&r, NULL), ROMA_OK);
    next(&r, ROMA_JSON_OBJECT_END, "", 0);
    next(&r, ROMA_JSON_DONE, "", 0);
    next(&r, ROMA_JSON_DONE, "", 0);
    roma_json_read_end(&r);
}

static void test_numbers(void) {
    static const struct {
        const char *text;
        bool u, i;
        uint64_t value;
    } n[] = {{"0", true, true, 0},
             {"18446744073709551615", true, false, UINT64_MAX},
             {"18446744073709551616", false, false, 0},
             {"99999999999999999999999", false, false, 0},
             {"9223372036854775807", true, true, INT64_MAX},
             {"9223372036854775808", true, false, (uint64_t)INT64_MAX + 1},
             {"-9223372036854775808", false, true, (uint64_t)INT64_MIN},
             {"-9223372036854775809", false, false, 0},
             {"-1", false, true, UINT64_MAX},
             {"-0", false, true, 0},
             {"-", false, false, 0},
             {"1e3", false, false, 0},
             {"1.0", false, false, 0}};
    for (size_t k = 0; k < sizeof n / sizeof *n; k++) {
        uint64_t u = 77;
        int64_t i = 77;
        CHECK_EQ(roma_json_to_u64(n[k].text, strlen(n[k].text), &u), n[k].u);
        CHECK(u == (n[k].u ? n[k].value : 77));
        CHECK_EQ(roma_json_to_i64(n[k].text, strlen(n[k].text), &i), n[k].i);
        CHECK(i == (n[k].i ? (int64_t)n[k].value : 77));
    }
    double d = 7;
    uint64_t u;
    CHECK(roma_json_to_real("1e3,", 3, &d) && d > 999 && d < 1001);
    CHECK(!roma_json_to_real("1e400", 5, &d));
    CHECK(!roma_json_to_u64("", 0, &u));
}

/* ---- memory ---- */

static void fill(roma_buf *b, const char *first, const char *piece, size_t n, const char *last) {
    roma_buf_print(b, "%s", first);
    for (size_t i = 0; i < n; i++) roma_buf_print(b, piece, i, i);
    roma_buf_print(b, "%s", last);
}

/* What stands in the header: pieces of the input cost nothing, open keys 48 bytes each. */
static void test_peak(void) {
    static const struct {
        const char *first, *piece, *last;
        size_t n, most;
    } c[] = {{"[", "{},", "{}]", 300000, 0},
             {"[", "{\"a\":1},", "{}]", 300000, 1000},
             {"{", "\"%zx\":0,", "\"x\":0}", 300000, 48 * 300001},
             {"[\"", "\\u0041", "\"]", 300000, 2 * 300000 * 2}};
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        roma_buf b = {0};
        fill(&b, c[i].first, c[i].piece, c[i].n, c[i].last);
        roma_json_reader r;
        counted_begin();
        int rc = roma_json_read_begin(&r, b.data, b.len, NULL, NULL);
        do rc = roma_json_read_next(&r, NULL);
        while (!rc && r.kind != ROMA_JSON_DONE);
        roma_json_read_end(&r);
        roma_allocator_set(NULL);
        CHECK_EQ(rc, ROMA_OK);
        if (counted_most > c[i].most) fprintf(stderr, "%zu: %zu bytes held for %zu of text\n", i, counted_most, b.len);
        CHECK(counted_most <= c[i].most && counted_held == 0);
        roma_buf_destroy(&b);
    }
}

static void test_scarce(void) {
    static const char text[] = "{\"a\":1,\"b\":{\"c\\n\":2,\"d\":3,\"e\":4,\"f\":5},\"g\":6,\"h\":7,\"i\":8,\"j\":9,"
                               "\"k\":10,\"l\":11,\"m\":12}";
    int rc = ROMA_ENOMEM, n = 0;
    for (; rc && n < 100; n++) {
        roma_error err = {0};
        scarce_begin(n);
        rc = read_all(text, sizeof text - 1, &lines, &err);
        roma_allocator_set(NULL);
        CHECK(!rc || (rc == ROMA_ENOMEM && err.code == rc && err.text[0]));
    }
    CHECK(rc == 0 && n > 4);
}

/* ---- writing ---- */

static void test_write(void) {
    roma_buf b = {0};
    roma_json j = {.out = &b};
    roma_json_open(&j, NULL, '{');
    roma_json_text(&j, "t\"\\\x01", "a\0\x7f\n\t\xff\xc3\xa9\xe2\x82", 10);
    roma_json_string(&j, "s", NULL);
    roma_json_open(&j, "n", '[');
    roma_json_int(&j, NULL, INT64_MIN);
    roma_json_uint(&j, NULL, UINT64_MAX);
    roma_json_real(&j, NULL, 1.0 / 3);
    roma_json_real(&j, NULL, 1e300 * 1e300);
    roma_json_digits(&j, NULL, 0.1, 0);
    roma_json_digits(&j, NULL, 2.0 / 3, 3);
    roma_json_number(&j, NULL, "1e3x", 3);
    roma_json_close(&j, ']');
    roma_json_open(&j, "e", '[');
    roma_json_close(&j, ']');
    roma_json_line(&j);
    roma_json_bool(&j, "b", true);
    roma_json_hex(&j, "h", (const uint8_t *)"\x0a\xff", 2);
    roma_json_line(&j);
    roma_json_close(&j, '}');
    roma_buf_append(&b, "", 1);
    CHECK_STR(
        (const char *)b.data,
        "{\"t\\\"\\\\\\u0001\":\"a\\u0000\\u007f\\n\\u0009\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\",\"s\":null,"
        "\"n\":[-9223372036854775808,18446744073709551615,0.333333333,null,0.1,0.667,1e3],\"e\":[],\n\"b\":true,"
        "\"h\":\"0aff\"\n}");
    roma_buf_destroy(&b);
}

/* Bytes of any number, also where the writer's pieces end. */
static void test_hex(void) {
    static const size_t lengths[] = {0, 1, 32, 255, 256, 257, 512, 1000};
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        roma_buf b = {0};
        roma_json j = {.out = &b};
        char want[4];
        roma_json_hex(&j, NULL, bytes, lengths[l]);
        CHECK_EQ(b.len, 2 * lengths[l] + 2);
        for (size_t i = 0; i < lengths[l]; i++) {
            snprintf(want, sizeof want, "%02x", bytes[i]);
            CHECK(memcmp(b.data + 1 + 2 * i, want, 2) == 0);
        }
        CHECK(b.data[0] == '"' && b.data[b.len - 1] == '"');
        roma_buf_destroy(&b);
    }
}

int main(void) {
    test_hex();
    test_errors();
    test_limits();
    test_tokens();
    test_numbers();
    test_peak();
    test_scarce();
    test_write();
    return TEST_DONE();
}
