/* Forms: what a grammar may be and what is refused, with its place; how deep texts nest; masks beside what a state
 * accepts, token by token, on the tiny model's vocabulary and on one of SentencePiece; schemas within a grammar; memory
 * that ends, and how much of it hostile forms take. tests/constrain/check_masks.py and check_schemas.py compare with
 * what others compute. */
#include "../base/counted.h"
#include "../base/scarce.h"
#include "../test.h"
#include "../text/small_vocab.h"
#include "roma/constrain.h"
#include "roma/import.h"

static roma_import tiny;
static roma_tokenizer *tok;
static roma_constrain_words *words;
static roma_error err;

static roma_constrain *make(roma_constrain_kind kind, const char *text) {
    roma_constrain *c = NULL;
    const int rc = roma_constrain_create(&c, kind, text, strlen(text), "form", &err);
    if (rc) TEST_FAILED("%s: %s", text, err.text);
    return c;
}

static roma_constrain_state *begin(const roma_constrain *c, const roma_constrain_words *w) {
    roma_constrain_state *s = NULL;
    CHECK_EQ(roma_constrain_state_create(&s, c, w, true, &err), 0);
    return s;
}

/* The token of exactly these bytes. */
static int32_t token_of(const roma_tokenizer *t, const char *text) {
    char bytes[ROMA_TOKEN_BYTES_MAX];
    for (uint32_t i = 0; i < roma_tokenizer_vocab(t)->n_tokens; i++) {
        const size_t n = roma_token_bytes(t, (int32_t)i, false, bytes, sizeof bytes);
        if (n == strlen(text) && memcmp(bytes, text, n) == 0) return (int32_t)i;
    }
    TEST_FAILED("no token '%s'", text);
    return -1;
}

/* Feeds a text a character at a time; false: it does not belong to the form. */
static bool feed(roma_constrain_state *s, const char *text) {
    for (; *text; text++)
        if (roma_constrain_accept(s, token_of(tok, (char[]){*text, 0}), &err)) return false;
    return true;
}

static bool is_text(const roma_constrain *c, const char *text) {
    roma_constrain_state *s = begin(c, words);
    const bool is = feed(s, text) && roma_constrain_may_end(s);
    roma_constrain_state_destroy(s);
    return is;
}

/* ---- grammars ---- */

static void test_texts(void) {
    static const struct {
        const char *grammar, *texts[4], *others[4];
    } cases[] = {
        {"root ::= \"a\" | \"b\"", {"a", "b"}, {"", "ab", "c"}},
        {"# about\nroot ::= item+ # more\n\nitem ::= \"x\" |\n  \"y\"\n", {"x", "yxy"}, {"", "z"}},
        {"root ::= (\"a\"\n| \"b\")* \"\\x63\"", {"c", "abac"}, {"a", "ca"}},
        {"root ::= \"a\"{2} \"b\"{1,} \"c\"{0,2}", {"aab", "aabbbcc"}, {"ab", "aa", "aabccc"}},
        {"root ::= [^a-c\\]]? [-x] [a\\-z]", {"dxz", "-a", "x-"}, {"axa", "]xa", "xb"}},
        {"root ::= . \"\"* (\"\"*)*", {"a", "."}, {"", "ab"}},
        {"root ::= word (\", \" word)*\nword ::= [a-z]+", {"one", "one, two, three"}, {"one,", "One"}},
        {"root ::= ws \"x\"\nws ::= | \" \" ws", {"x", "   x"}, {" ", "x "}},
        {"root ::= a_b a-c\r\na_b ::= \"1\"\r\na-c ::= \"2\"", {"12"}, {"1", "2"}},
        {"root ::= \"a\" b? c? \"d\"\nb ::= \"\" | \"b\"\nc ::= b b", {"ad", "abbbd"}, {"abbbbd"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        roma_constrain *c = make(ROMA_CONSTRAIN_GRAMMAR, cases[i].grammar);
        for (unsigned k = 0; k < 4 && c; k++) {
            if (cases[i].texts[k] && !is_text(c, cases[i].texts[k]))
                TEST_FAILED("%zu: '%s' is refused", i, cases[i].texts[k]);
            if (cases[i].others[k] && is_text(c, cases[i].others[k]))
                TEST_FAILED("%zu: '%s' is taken", i, cases[i].others[k]);
        }
        CHECK(roma_constrain_bytes(c) > 0);
        roma_constrain_destroy(c);
    }
}

static void test_refused(void) {
    static const struct {
        const char *grammar;
        int rc;
        uint64_t line;
        const char *text;
    } cases[] = {
        {"", ROMA_EINPUT, 1, "no rule root"},
        {"rot ::= \"a\"", ROMA_EINPUT, 1, "no rule root"},
        {"root ::= a", ROMA_EINPUT, 1, "column 10: there is no rule a"},
        {"root ::= \"a\"\nroot ::= \"b\"", ROMA_EINPUT, 2, "column 1: a rule of this name"},
        {"root : \"a\"", ROMA_EINPUT, 1, "column 6: ::= is missing"},
        {"::= \"a\"", ROMA_EINPUT, 1, "column 1: the name of a rule"},
        {"root ::= \"a", ROMA_EINPUT, 1, "column 10: this text does not end"},
        {"root ::= [a", ROMA_EINPUT, 1, "column 10: this class does not end"},
        {"root ::= []", ROMA_EINPUT, 1, "no character belongs"},
        {"root ::= [z-a]", ROMA_EINPUT, 1, "column 14: this range"},
        {"root ::= (\"a\" | (\"b\")", ROMA_EINPUT, 1, "column 10: this bracket is not closed"},
        {"root ::= \"a\")", ROMA_EINPUT, 1, "column 13: no bracket is open"},
        {"root ::= *", ROMA_EINPUT, 1, "column 10: nothing stands before"},
        {"root ::= \"a\" | + \"b\"", ROMA_EINPUT, 1, "nothing stands before"},
        {"root ::= \"a\"{", ROMA_EINPUT, 1, "a number is missing"},
        {"root ::= \"a\"{2", ROMA_EINPUT, 1, "a } is missing"},
        {"root ::= \"a\"{3,2}", ROMA_EINPUT, 1, "less than its least"},
        {"root ::= \"a\"{9999999999}", ROMA_EUNSUPPORTED, 1, "repeats too often"},
        {"root ::= \"\\q\"", ROMA_EINPUT, 1, "column 12: this escape"},
        {"root ::= \"\\x4\"", ROMA_EINPUT, 1, "hexadecimal digit"},
        {"root ::= \"\\ud800\"", ROMA_EINPUT, 1, "no character's number"},
        {"root ::= \"\\U00110000\"", ROMA_EINPUT, 1, "no character's number"},
        {"root ::= \"\xff\"", ROMA_EINPUT, 1, "no UTF-8"},
        {"root ::= \"a\" & \"b\"", ROMA_EINPUT, 1, "column 14: this is no part"},
        {"root ::= <[12]>", ROMA_EUNSUPPORTED, 1, "tokens by name"},
        {"root ::= root", ROMA_EINPUT, 1, "rule root begins with itself"},
        {"root ::= \"x\" a\na ::= \"\"? b \"y\"\nb ::= a | \"z\"", ROMA_EINPUT, 2, "begins with itself"},
        {"root ::= \"a\" root", ROMA_EINPUT, 1, "no text belongs"},
        {"root ::= \"\xc3\xa9\" a\na ::= \"b\" a\n", ROMA_EINPUT, 1, "no text belongs"},
        {"root ::= (\"a\" | \"b\")* \"a\" (\"a\" | \"b\"){20}", ROMA_EUNSUPPORTED, 1, "too large"},
        {"root ::= ((((\"a\"{99}){99}){99}){99}){99} [a-z]{70000}", ROMA_EUNSUPPORTED, 1, "too large"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        roma_constrain *c = (void *)&err;
        memset(&err, 0, sizeof err);
        const int rc = roma_constrain_create(&c, ROMA_CONSTRAIN_GRAMMAR, cases[i].grammar, strlen(cases[i].grammar),
                                             "g.gbnf", &err);
        if (rc != cases[i].rc || c || err.line != cases[i].line || !strstr(err.text, cases[i].text) ||
            strcmp(err.file, "g.gbnf"))
            TEST_FAILED("%s: %d, line %" PRIu64 ": %s", cases[i].grammar, rc, err.line, err.text);
    }
    CHECK_STR(err.file, "g.gbnf");
}

static void test_depth(void) {
    roma_constrain *c = make(ROMA_CONSTRAIN_GRAMMAR, "root ::= \"(\" root \")\" | \"x\"");
    roma_constrain_state *s = begin(c, words);
    const uint64_t *mask;
    const int32_t open = token_of(tok, "("), x = token_of(tok, "x"), closed = token_of(tok, ")");
    for (int i = 0; i < ROMA_CONSTRAIN_DEPTH_MAX; i++) CHECK_EQ(roma_constrain_accept(s, open, &err), 0);
    CHECK_EQ(roma_constrain_mask(s, &mask, &err), 0);
    CHECK(!(mask[open / 64] >> open % 64 & 1) && mask[x / 64] >> x % 64 & 1);
    CHECK_EQ(roma_constrain_accept(s, x, &err), 0);
    for (int i = 0; i < ROMA_CONSTRAIN_DEPTH_MAX; i++) CHECK_EQ(roma_constrain_accept(s, closed, &err), 0);
    CHECK(roma_constrain_must_end(s));
    CHECK_EQ(roma_constrain_accept(s, closed, &err), ROMA_EINPUT);
    roma_constrain_state_destroy(s);
    roma_constrain_destroy(c);
    /* What is last in its rule waits for nothing: a list is as long as it likes. */
    c = make(ROMA_CONSTRAIN_GRAMMAR, "root ::= item root | \"x\"\nitem ::= \"(\" \")\"");
    s = begin(c, words);
    for (int i = 0; i < 20000; i++) CHECK_EQ(roma_constrain_accept(s, i % 2 ? closed : open, &err), 0);
    CHECK_EQ(roma_constrain_accept(s, x, &err), 0);
    CHECK(roma_constrain_must_end(s));
    roma_constrain_state_destroy(s);
    roma_constrain_destroy(c);
    /* Where an end must nest deeper than is left, the way there is closed before. */
    c = make(ROMA_CONSTRAIN_GRAMMAR,
             "root ::= \"(\" root \")\" | \"x\" a\na ::= \"(\" b \")\"\nb ::= \"(\" (\"\" | a) \")\"");
    s = begin(c, words);
    int deep = 0;
    while (!roma_constrain_accept(s, open, &err)) deep++;
    roma_constrain_state_destroy(s);
    s = begin(c, words);
    for (int i = 0; i < deep; i++) CHECK_EQ(roma_constrain_accept(s, open, &err), 0);
    CHECK(feed(s, "x(())"));
    for (int i = 0; i < deep; i++) CHECK_EQ(roma_constrain_accept(s, closed, &err), 0);
    CHECK(roma_constrain_must_end(s) && deep >= 60);
    roma_constrain_state_destroy(s);
    roma_constrain_destroy(c);
}

/* ---- masks beside what is accepted ---- */

/* Of every token that is allowed, and of each fifth of the others, whether a new state that got `ids` takes it. */
static void check_mask(const roma_constrain *c, const roma_constrain_words *w, const roma_tokenizer *t,
                       const int32_t *ids, uint32_t n, const uint64_t *mask) {
    const uint32_t most = roma_tokenizer_vocab(t)->n_tokens, every = test_effort(100) < 100 ? 23 : 5;
    for (uint32_t id = 0; id < most; id++) {
        const bool allows = mask[id / 64] >> id % 64 & 1;
        if ((id + n) % (allows ? (every + 1) / 4 : every)) continue;
        roma_constrain_state *s = begin(c, w);
        for (uint32_t i = 0; i < n; i++) CHECK_EQ(roma_constrain_accept(s, ids[i], &err), 0);
        const bool takes = !roma_constrain_accept(s, (int32_t)id, &err);
        if (takes != allows)
            TEST_FAILED("after %u tokens: token %u is %s", n, id, takes ? "not in the mask" : "in the mask");
        roma_constrain_state_destroy(s);
    }
}

static void walk(const roma_constrain *c, const roma_constrain_words *w, const roma_tokenizer *t, uint64_t seed,
                 uint32_t steps) {
    roma_constrain_state *s = begin(c, w);
    int32_t ids[64];
    for (uint32_t n = 0; n < steps && !roma_constrain_must_end(s); n++) {
        const uint64_t *mask;
        CHECK_EQ(roma_constrain_mask(s, &mask, &err), 0);
        check_mask(c, w, t, ids, n, mask);
        uint32_t id, tries = 0;
        do id = (uint32_t)(roma_random(seed, 1000 * n + tries) % roma_tokenizer_vocab(t)->n_tokens);
        while (++tries < 100000 && (!(mask[id / 64] >> id % 64 & 1) || roma_token_is_eog(t, (int32_t)id)));
        if (tries == 100000) break;
        ids[n] = (int32_t)id;
        CHECK_EQ(roma_constrain_accept(s, ids[n], &err), 0);
    }
    roma_constrain_state_destroy(s);
}

static void test_masks(void) {
    /* Runs of clean characters of every kind: any number, so many, some only, behind calls, in the middle of others. */
    static const char *const grammars[] = {"root ::= \"\\\"\" [^\"\\\\\\x00-\\x1f\\x7f]{0,5} \"\\\"\"",
                                           "root ::= [^\\n]{3} | \"ab\"",
                                           "root ::= [^\"]* \"\\\"\"",
                                           "root ::= c{2,4} \".\"\nc ::= [^\"\\\\\\x00-\\x1f\\x7f] | \"\\\\\" [\"n]",
                                           "root ::= [a-z ]{2,9} [A-Z]?",
                                           "root ::= .{0,40}"};
    for (size_t i = 0; i < sizeof grammars / sizeof *grammars; i++) {
        roma_constrain *c = make(ROMA_CONSTRAIN_GRAMMAR, grammars[i]);
        walk(c, words, tok, i, 5);
        roma_constrain_destroy(c);
    }
    roma_constrain *c = make(ROMA_CONSTRAIN_JSON, "");
    walk(c, words, tok, 9, 12);
    roma_constrain_destroy(c);
}

/* SentencePiece: tokens with the same bytes, a blank at the beginning that is dropped, no token for some bytes. */
static void test_sentencepiece(void) {
    static small_vocab v;
    roma_tokenizer *t;
    roma_constrain_words *w;
    small_init(&v, ROMA_TOK_SPM, ROMA_PRE_NONE);
    v.v.add_space_prefix = ROMA_PREFIX_EACH;
    v.v.unk = small_token(&v, "<unk>", ROMA_TT_UNKNOWN);
    v.v.eos = small_token(&v, "</s>", ROMA_TT_CONTROL);
    small_token(&v, "<0x61>", ROMA_TT_BYTE);
    static const char *const pieces[] = {"a",
                                         "b",
                                         "ab",
                                         "\xe2\x96\x81",
                                         "\xe2\x96\x81"
                                         "a",
                                         "\xe2\x96\x81"
                                         "ab",
                                         "\xe2\x96\x81\xe2\x96\x81"
                                         "a",
                                         "c"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) small_token(&v, pieces[i], ROMA_TT_NORMAL);
    CHECK_EQ(roma_tokenizer_create(&t, &v.v, "v", &err), 0);
    CHECK_EQ(roma_constrain_words_create(&w, t, v.v.n_tokens + 70, NULL, 0, &err), 0);
    static const char *const grammars[] = {"root ::= \"a\" [ab]*", "root ::= \" \"? \"ab\"", "root ::= [^c]{1,3}",
                                           "root ::= \"a \" \"b\""};
    for (size_t i = 0; i < sizeof grammars / sizeof *grammars; i++) {
        roma_constrain *c = make(ROMA_CONSTRAIN_GRAMMAR, grammars[i]);
        walk(c, w, t, i, 3);
        roma_constrain_destroy(c);
    }
    roma_constrain *c = make(ROMA_CONSTRAIN_GRAMMAR, "root ::= \"a\" \"z\" | \"b\"");
    roma_constrain_state *s = begin(c, w);
    const uint64_t *mask;
    CHECK_EQ(roma_constrain_mask(s, &mask, &err), 0);
    const int32_t a = token_of(t, " a"), both = small_id(&v, "a"), byte = small_id(&v, "<0x61>");
    CHECK(mask[a / 64] >> a % 64 & 1 && mask[both / 64] >> both % 64 & 1 && mask[byte / 64] >> byte % 64 & 1);
    CHECK_EQ(roma_constrain_accept(s, a, &err), 0);
    CHECK_EQ(roma_constrain_mask(s, &mask, &err), ROMA_EINPUT); /* no z */
    CHECK_HAS(err.text, "lacks a byte");
    roma_constrain_state_destroy(s);
    CHECK_EQ(roma_constrain_state_create(&s, c, w, false, &err), 0); /* a text that goes on: its blank is one */
    CHECK_EQ(roma_constrain_accept(s, a, &err), ROMA_EINPUT);
    roma_constrain_state_destroy(s);
    roma_constrain_destroy(c);
    roma_constrain_words_destroy(w);
    roma_tokenizer_destroy(t);
}

/* ---- schemas within a grammar ---- */

static void test_written(void) {
    static const char call[] =
        "{\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}}, \"required\": [\"city\"]}",
                      none[] = "{\"type\": \"null\"}";
    roma_buf b = {0};
    roma_constrain *c;
    roma_buf_print(&b, "root ::= (tool-a | tool-b) ");
    CHECK_EQ(roma_constrain_put_literal(&b, "</\"call\">\n", 10, &err), 0);
    roma_buf_print(&b, "\ntool-a ::= \"weather\" args-1\ntool-b ::= \"time\" args-2\n");
    CHECK_EQ(roma_constrain_put_schema(&b, "args-1", call, strlen(call), "one", &err), 0);
    CHECK_EQ(roma_constrain_put_schema(&b, "args-2", none, strlen(none), "two", &err), 0);
    CHECK_EQ(roma_constrain_create_written(&c, &b, &err), 0);
    CHECK(is_text(c, "weather{\"city\": \"Rome\"}</\"call\">\n"));
    CHECK(is_text(c, "timenull</\"call\">\n"));
    CHECK(!is_text(c, "time{}</\"call\">\n") && !is_text(c, "weather{}</\"call\">\n"));
    roma_constrain_destroy(c);
    b.len = 0;
    CHECK_EQ(roma_constrain_put_schema(&b, "x", "{\"not\": 1}", 10, "three", &err), ROMA_EUNSUPPORTED);
    CHECK_HAS(err.text, "#/not");
    CHECK_STR(err.file, "three");
    CHECK_EQ(roma_constrain_put_literal(&b, "\xff", 1, &err), ROMA_EINPUT);
    roma_buf_destroy(&b);
}

static void test_format(void) {
    static const struct {
        const char *json;
        int rc;
        bool is_free;
        roma_constrain_kind kind;
        const char *text; /* the schema, or of the error */
    } cases[] = {
        {"{\"type\": \"text\"}", 0, true, ROMA_CONSTRAIN_GRAMMAR, NULL},
        {" {\"type\": \"json_object\"} ", 0, false, ROMA_CONSTRAIN_JSON, NULL},
        {"{\"json_schema\": {\"name\": \"n\", \"schema\": {\"a\": [1, {}]}, \"strict\": true, \"description\": \"d\"}, "
         "\"type\": \"json_schema\"}",
         0, false, ROMA_CONSTRAIN_SCHEMA, "{\"a\": [1, {}]}"},
        {"{\"type\": \"json_schema\", \"name\": \"n\", \"schema\": true}", 0, false, ROMA_CONSTRAIN_SCHEMA, "true"},
        {"{}", ROMA_EINPUT, false, 0, "type is missing"},
        {"{\"type\": \"xml\"}", ROMA_EINPUT, false, 0, "type must be"},
        {"{\"type\": 1}", ROMA_EINPUT, false, 0, "type must be"},
        {"[]", ROMA_EINPUT, false, 0, "an object"},
        {"{\"type\": \"json_schema\"}", ROMA_EINPUT, false, 0, "a schema is missing"},
        {"{\"type\": \"json_object\", \"schema\": {}}", 0, false, ROMA_CONSTRAIN_SCHEMA, "{}"},
        {"{\"type\": \"json_schema\", \"schema\": {}, \"json_schema\": {\"schema\": {}}}", ROMA_EINPUT, false, 0,
         "two schemas"},
        {"{\"type\": \"json_schema\", \"json_schema\": []}", ROMA_EINPUT, false, 0, "must be an object"},
        {"{\"type\": \"json_schema\", \"json_schema\": {\"json_schema\": {}}}", ROMA_EINPUT, false, 0,
         "in json_schema"},
        {"{\"type\": \"text\", \"regex\": \"a\"}", ROMA_EINPUT, false, 0, "there are type"},
        {"{\"type\": \"text\"} x", ROMA_EINPUT, false, 0, "not valid JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        roma_constrain_format f;
        const int rc = roma_constrain_read_format(cases[i].json, strlen(cases[i].json), &f, &err);
        CHECK_EQ(rc, cases[i].rc);
        if (rc) CHECK_HAS(err.text, cases[i].text);
        if (rc) continue;
        CHECK_EQ((int)f.is_free, cases[i].is_free);
        if (!f.is_free) CHECK_EQ((int)f.kind, cases[i].kind);
        if (cases[i].text) CHECK_EQ(f.n_schema, strlen(cases[i].text));
        if (cases[i].text) CHECK_BYTES(f.schema, cases[i].text, f.n_schema);
    }
}

/* ---- memory ---- */

/* All that a form needs, with so many calls of the allocator. */
static int all_of_it(const char *grammar, const char *schema) {
    roma_constrain *a = NULL, *b = NULL;
    roma_constrain_words *w = NULL;
    roma_constrain_state *s = NULL;
    const uint64_t *mask;
    int rc = roma_constrain_create(&a, ROMA_CONSTRAIN_GRAMMAR, grammar, strlen(grammar), "g", &err);
    if (!rc) rc = roma_constrain_create(&b, ROMA_CONSTRAIN_SCHEMA, schema, strlen(schema), "s", &err);
    if (!rc) rc = roma_constrain_words_create(&w, tok, 1000, NULL, 0, &err);
    if (!rc) rc = roma_constrain_state_create(&s, b, w, false, &err);
    if (!rc) rc = roma_constrain_mask(s, &mask, &err);
    roma_constrain_state_destroy(s);
    roma_constrain_words_destroy(w);
    roma_constrain_destroy(a);
    roma_constrain_destroy(b);
    return rc;
}

static void test_scarce(void) {
    static const char grammar[] = "root ::= (a | [^x-z]{3,} | \"\\\"\"){2,40}\na ::= [0-9]{1,300} | \"(\" a \")\"\n",
                      schema[] = "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"string\", \"pattern\": "
                                 "\"^a+$\"}, \"b\": {\"type\": \"array\", "
                                 "\"items\": {\"$ref\": \"#\"}, \"maxItems\": 9}, \"c\": {\"const\": [1, {\"x\": "
                                 "2}]}}, \"additionalProperties\": {\"type\": "
                                 "\"number\", \"minimum\": 0}, \"required\": [\"d\"]}";
    int n = 0;
    for (;; n++) {
        scarce_begin(n);
        const int rc = all_of_it(grammar, schema);
        roma_allocator_set(NULL);
        CHECK_EQ(scarce_outstanding, 0);
        if (!rc) break;
        CHECK_EQ(rc, ROMA_ENOMEM);
        CHECK(err.code == ROMA_ENOMEM && err.text[0]);
    }
    CHECK(n > 50);
    for (int i = 0; i < n; i++) {
        scarce_begin_once(i);
        const int rc = all_of_it(grammar, schema);
        roma_allocator_set(NULL);
        CHECK_EQ(scarce_outstanding, 0);
        CHECK(rc == 0 || rc == ROMA_ENOMEM); /* a table that could not be made smaller stays */
    }
}

/* What the largest forms take while they are made, and what is left of them. */
static void test_bounds(void) {
    static const char *const grammars[] = {"root ::= [a-z]{1,60000}", "root ::= ([^a] [^b] [^c] [^d]){1,4000}",
                                           "root ::= (\"a\" | \"b\")* \"a\" (\"a\" | \"b\"){13}"};
    for (size_t i = 0; i < sizeof grammars / sizeof *grammars; i++) {
        roma_constrain *c = NULL;
        counted_begin();
        const int rc = roma_constrain_create(&c, ROMA_CONSTRAIN_GRAMMAR, grammars[i], strlen(grammars[i]), "g", &err);
        CHECK(rc == 0 || rc == ROMA_EUNSUPPORTED);
        CHECK(counted_most < (size_t)160 << 20);
        if (c) CHECK_EQ(counted_held, roma_constrain_bytes(c));
        roma_constrain_destroy(c);
        CHECK_EQ(counted_held, 0);
        roma_allocator_set(NULL);
    }
    roma_constrain *c = make(ROMA_CONSTRAIN_JSON, "");
    counted_begin();
    roma_constrain_state *s = begin(c, words);
    CHECK_EQ(counted_held, roma_constrain_state_bytes(words));
    roma_constrain_state_destroy(s);
    roma_constrain_words *w;
    CHECK_EQ(roma_constrain_words_create(&w, tok, 1000, NULL, 0, &err), 0);
    CHECK_EQ(counted_held, roma_constrain_words_bytes(w));
    roma_constrain_words_destroy(w);
    CHECK_EQ(counted_held, 0);
    roma_allocator_set(NULL);
    roma_constrain_destroy(c);
    static char large[ROMA_CONSTRAIN_TEXT_MAX + 1];
    memset(large, ' ', sizeof large);
    CHECK_EQ(roma_constrain_create(&c, ROMA_CONSTRAIN_GRAMMAR, large, sizeof large, "g", &err), ROMA_EUNSUPPORTED);
    CHECK_EQ(roma_constrain_create(&c, ROMA_CONSTRAIN_SCHEMA, large, sizeof large, "g", &err), ROMA_EUNSUPPORTED);
}

/* Numbers between bounds: of all texts of up to two places behind the point exactly those whose value lies there, as
 * arithmetic has it. */
static void test_numbers(void) {
    static const struct {
        const char *schema;
        int lo, hi; /* hundredths that may come, both of them */
        bool whole;
    } cases[] = {
        {"{\"type\": \"number\", \"minimum\": -1.5, \"maximum\": 2.25}", -150, 225, false},
        {"{\"type\": \"number\", \"exclusiveMinimum\": 8.95, \"exclusiveMaximum\": 31.2}", 896, 3119, false},
        {"{\"type\": \"number\", \"minimum\": 3, \"maximum\": 27}", 300, 2700, false},
        {"{\"type\": \"number\", \"maximum\": -12.34}", -9999, -1234, false},
        {"{\"type\": \"integer\", \"minimum\": -17, \"maximum\": 23}", -1700, 2300, true},
        {"{\"type\": \"integer\", \"exclusiveMinimum\": 5}", 600, 9999, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        roma_constrain *c = make(ROMA_CONSTRAIN_SCHEMA, cases[i].schema);
        for (int v = -3500; v <= 3500; v++)
            for (int places = 0; places < 3; places++) {
                const int unit = places == 0 ? 100 : places == 1 ? 10 : 1, size = abs(v);
                char text[16];
                if (v % unit) continue; /* has more places */
                if (v == cases[i].hi && places && v % (10 * unit) == 0)
                    continue; /* zeros behind the highest may come or not */
                roma_print(text, sizeof text, "%s%d%s%.*d", v < 0 ? "-" : "", size / 100, places ? "." : "", places,
                           size % 100 / unit);
                const bool want = v >= cases[i].lo && v <= cases[i].hi && !(cases[i].whole && places);
                if (is_text(c, text) != want) TEST_FAILED("%s: %s", cases[i].schema, text);
            }
        roma_constrain_destroy(c);
    }
}

/* Too many ways to read a text end it, and say so. */
static void test_ambiguous(void) {
    roma_constrain *c = make(ROMA_CONSTRAIN_GRAMMAR,
                             "root ::= a\na ::= \"(\" (a | b) \")\" | \"(\"\nb ::= \"(\" (a | b) \"]\" | \"(\"\n");
    roma_constrain_state *s = begin(c, words);
    const int32_t open = token_of(tok, "(");
    int rc = 0, n = 0;
    while (!rc && n++ < 60) rc = roma_constrain_accept(s, open, &err);
    CHECK_EQ(rc, ROMA_EUNSUPPORTED);
    CHECK_HAS(err.text, "too many ways");
    roma_constrain_state_destroy(s);
    roma_constrain_destroy(c);
}

int main(void) {
    CHECK_EQ(roma_import_open(&tiny, "models/tiny/tiny-q4.gguf", &err), 0);
    CHECK_EQ(roma_tokenizer_create(&tok, &tiny.vocab, "tiny", &err), 0);
    CHECK_EQ(roma_constrain_words_create(&words, tok, tiny.model.hyper.vocab, NULL, 0, &err), 0);
    test_texts();
    test_refused();
    test_depth();
    test_masks();
    test_sentencepiece();
    test_written();
    test_format();
    test_scarce();
    test_bounds();
    test_numbers();
    test_ambiguous();
    roma_constrain_words_destroy(words);
    roma_tokenizer_destroy(tok);
    roma_import_close(&tiny);
    return TEST_DONE();
}
