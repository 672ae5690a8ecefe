/* Answers that keep to a form: whole ones end by themselves, cut ones say so, neighbours and proposals change nothing.
 */
#include "tiny.h"

static const char choice[] = "root ::= \"yes\" | \"no\" | \"nobody\"";
/* Long runs that repeat themselves, so that proposals hold. */
static const char verse[] =
    "root ::= line{6} end?\nline ::= \"The \" (\"cat\" | \"dog\") \" sat.\\n\"\nend ::= \"...\" [.]*";

static asked got[8];

static roma_constrain *form_of(const char *grammar) {
    roma_constrain *c = NULL;
    roma_error err = {0};
    CHECK_EQ(roma_constrain_create(&c, ROMA_CONSTRAIN_GRAMMAR, grammar, strlen(grammar), "g", &err), 0);
    return c;
}

static void test_choice(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 4, .waiting = 4, .context = 200});
    roma_constrain *c = form_of(choice);
    unsigned seen[3] = {0};
    for (unsigned round = 0; round < 8; round++) {
        for (unsigned i = 0; i < 8; i++) {
            ask_text(a, &got[i], "Are you there?", i % 2 ? ROMA_ANSWER_RAW : 0);
            got[i].ask.form = c;
            got[i].ask.sampling.temperature = 90;
            got[i].ask.sampling.seed = 8 * round + i;
            submit(a, &got[i]);
        }
        run_out(a);
        for (unsigned i = 0; i < 8; i++) {
            got[i].text[got[i].len] = 0;
            CHECK_EQ(got[i].rc, 0);
            CHECK_EQ((int)got[i].stop, ROMA_ANSWER_EOS);
            const bool is[3] = {!strcmp(got[i].text, "yes"), !strcmp(got[i].text, "no"),
                                !strcmp(got[i].text, "nobody")};
            if (!is[0] && !is[1] && !is[2]) TEST_FAILED("'%s'", got[i].text);
            for (unsigned k = 0; k < 3; k++) seen[k] += is[k];
            roma_free(got[i].prompt);
        }
    }
    CHECK(seen[0] && seen[1]);
    roma_answer_close(a);
    roma_constrain_destroy(c);
}

static void test_cut(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 1, .context = 200});
    roma_constrain *c = form_of("root ::= [a-z ]{100,}");
    ask_text(a, &got[0], "Who are you?", 0);
    got[0].ask.form = c;
    got[0].ask.limit = 5;
    submit(a, &got[0]);
    run_out(a);
    CHECK_EQ((int)got[0].stop, ROMA_ANSWER_LENGTH);
    CHECK_EQ(got[0].n_ids, 5);
    for (size_t i = 0; i < got[0].len; i++)
        CHECK(got[0].text[i] == ' ' || (got[0].text[i] >= 'a' && got[0].text[i] <= 'z'));
    roma_free(got[0].prompt);
    roma_answer_close(a);
    roma_constrain_destroy(c);
}

/* With proposals and without, alone and among others that are free or keep to another form: the same ids. */
static void test_same(void) {
    roma_constrain *c = form_of(verse), *other = form_of(choice);
    static asked first[8];
    uint32_t accepted = 0;
    for (unsigned way = 0; way < 3; way++) {
        const roma_answer_config k = {
            .running = way == 2 ? 1 : 4, .waiting = 8, .context = 200, .no_proposals = way == 1};
        roma_answer *a = tiny_start(k);
        for (unsigned i = 0; i < 8; i++) {
            ask_text(a, &got[i], i % 2 ? "Tell me a story." : "The cat sat.\nThe cat sat.\n", 0);
            got[i].ask.limit = 150;
            got[i].ask.form = i % 4 == 3 ? other : i % 4 == 2 ? NULL : c;
            if (i > 3) got[i].ask.sampling.temperature = 5;
            submit(a, &got[i]);
        }
        run_out(a);
        for (unsigned i = 0; i < 8; i++) {
            CHECK_EQ(got[i].rc, 0);
            if (got[i].ask.form == c) CHECK_EQ((int)got[i].stop, ROMA_ANSWER_EOS);
            if (got[i].ask.form == c) CHECK(got[i].len >= 6 * 13);
            if (got[i].ask.form == c) accepted += got[i].result.batch.accepted;
            if (way) CHECK_EQ(got[i].n_ids, first[i].n_ids);
            if (way) CHECK(!memcmp(got[i].ids, first[i].ids, got[i].n_ids * sizeof *got[i].ids));
            roma_free(got[i].prompt);
        }
        if (!way) memcpy(first, got, sizeof got);
        roma_answer_close(a);
    }
    CHECK(accepted > 0);
    roma_constrain_destroy(c);
    roma_constrain_destroy(other);
}

/* A form that the vocabulary cannot spell fails alone; a mask of one's own is refused. */
static void test_refused(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 2, .context = 200});
    const uint64_t mask[1 << 12] = {1};
    roma_error err = {0};
    ask_text(a, &got[0], "Who are you?", 0);
    got[0].ask.sampling.mask = mask;
    const roma_answer_request r = request_of(&got[0]);
    CHECK_EQ(roma_answer_submit(a, &r, NULL, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "form");
    roma_free(got[0].prompt);
    roma_answer_close(a);
}

/* A step takes no memory once the request is in. */
static void test_memory(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 1, .context = 200});
    roma_constrain *c = form_of(verse);
    ask_text(a, &got[0], "Tell me a story.", 0);
    got[0].ask.form = c;
    got[0].ask.limit = 150;
    submit(a, &got[0]);
    const uint64_t before = roma_alloc_count();
    run_out(a);
    CHECK_EQ(roma_alloc_count(), before);
    CHECK_EQ((int)got[0].stop, ROMA_ANSWER_EOS);
    roma_free(got[0].prompt);
    roma_answer_close(a);
    roma_constrain_destroy(c);
}

int main(void) {
    tiny_make();
    test_choice();
    test_cut();
    test_same();
    test_refused();
    test_memory();
    tiny_remove();
    return TEST_DONE();
}
