/* The papers' numbers against the model: what the verdicts mean, what overrides reach, and that a study leaves nothing
 * behind. That the model's numbers are right is held by the rows themselves and by the tests of cost. */
#include "roma/study.h"
#include "../base/scarce.h"
#include "../test.h"

static roma_study plain, other;

static const roma_study_line *line(const roma_study *s, const char *id) {
    for (size_t i = 0; i < s->n_lines; i++)
        if (strcmp(s->lines[i].id, id) == 0) return &s->lines[i];
    CHECK(false);
    return &s->lines[0];
}

static void run(roma_study *s, const char *set) {
    roma_error err = {0};
    CHECK_EQ(roma_study_run(s, &set, set ? 1 : 0, &err), 0);
    if (err.code) fprintf(stderr, "%s\n", err.text);
}

/* Held against bounds, not numbers. */
static bool is_bound(const char *id) {
    return !strncmp(id, "hc1.", 4) || !strncmp(id, "5b", 2) || !strcmp(id, "9.factor");
}

static void check_line(const roma_study_line *l) {
    const bool near = fabs(l->model / l->paper - 1) <= 0.05 || (l->paper == 0 && l->model == 0);
    CHECK(l->id[0] && l->quantity[0] && l->source[0]);
    if (!is_bound(l->id) && l->paper != 0) CHECK(harness_exact(l->error, l->model / l->paper - 1));
    CHECK(l->kind == ROMA_STUDY_INDEPENDENT || (l->verdict != ROMA_STUDY_HOLDS && l->verdict != ROMA_STUDY_FAILS));
    CHECK(l->kind != ROMA_STUDY_INDEPENDENT || l->verdict != ROMA_STUDY_DRIFTS);
    if (isnan(l->paper) || isnan(l->model)) CHECK_EQ(l->verdict, ROMA_STUDY_NO_VERDICT);
    if (l->verdict == ROMA_STUDY_HOLDS && !is_bound(l->id)) CHECK(near);
    if (l->verdict == ROMA_STUDY_FAILS && !is_bound(l->id)) CHECK(!near);
    if (l->verdict == ROMA_STUDY_DRIFTS && !is_bound(l->id)) CHECK(!near);
    CHECK_EQ(l->verdict == ROMA_STUDY_NOT_REPRODUCED, strncmp(l->remark, "not reproducible", 16) == 0);
    CHECK_EQ(l->parameter != NULL, strncmp(l->remark, "calibrated: ", 12) == 0);
}

static void test_lines(void) {
    size_t independent = 0;
    run(&plain, NULL);
    CHECK(plain.n_lines > 60 && plain.n_notes == 10);
    for (size_t i = 0; i < plain.n_lines; i++) {
        check_line(&plain.lines[i]);
        independent += plain.lines[i].verdict == ROMA_STUDY_HOLDS;
        for (size_t k = 0; k < i; k++) CHECK(strcmp(plain.lines[i].id, plain.lines[k].id) != 0);
    }
    CHECK_EQ(independent, 7);
    CHECK(roma_study_holds(&plain));
    CHECK_REAL(line(&plain, "10")->model, 736); /* the paper's counts of tokens, which are whole */
    CHECK_REAL(line(&plain, "10.r64")->model, 0);
    CHECK_REAL(line(&plain, "11")->model, 3808);
    CHECK_REAL(line(&plain, "10.step")->model, 32);
    CHECK(plain.decode_contract < plain.decode_calibrated && plain.decode_contract > 0.25 * plain.decode_calibrated);
    CHECK_NEAR(plain.decode_calibrated, line(&plain, "7")->model, 1e-12);
    CHECK_STR(line(&plain, "1.sram")->remark, "calibrated: memory.sram_placement; compute near 10 k um2");
    CHECK_STR(line(&plain, "1.rom")->remark, "calibrated: rom.placement");
    CHECK_STR(line(&plain, "3")->remark, "their number is from it: 16,387 +- 40");
    CHECK_STR(line(&plain, "11.r16")->remark, "not reproducible as labelled");
    CHECK_STR(line(&plain, "8.256")->remark, "not reproducible; output length unpublished");
    CHECK_STR(line(&plain, "8.512")->remark, "not reproducible");
}

static void test_notes(void) {
    const roma_study_note *n = plain.notes;
    CHECK_STR(n[0].id, "rate");
    CHECK(n[0].left == line(&plain, "8.256")->paper && n[0].right == line(&plain, "7.1k")->paper);
    for (size_t i = 0; i < plain.n_notes; i++) {
        CHECK(n[i].id[0] && n[i].text[0] && isfinite(n[i].left) && isfinite(n[i].right));
        CHECK(n[i].left != n[i].right); /* or it would contradict nothing */
    }
}

static bool same(const char *id) { return harness_exact(line(&plain, id)->model, line(&other, id)->model); }

/* KEY=V reaches ROMA and its variants, CHIP:KEY=V that chip. */
static void test_overrides(void) {
    run(&other, "lunit.lanes=8");
    for (size_t i = 0; i < other.n_lines; i++) check_line(&other.lines[i]);
    CHECK(!roma_study_holds(&other));
    CHECK_EQ(line(&other, "7")->verdict, ROMA_STUDY_DRIFTS);
    CHECK(!same("7") && !same("6a") && other.decode_contract < plain.decode_contract);
    CHECK(same("rcw.tops") && same("bitrom.density") && same("tom.area"));
    run(&other, "rcw-cim:clock.frequency=5e7");
    for (size_t i = 0; i < other.n_lines; i++) check_line(&other.lines[i]);
    CHECK(!same("rcw.tops") && !same("rcw.ms") && same("7") && same("tom.area"));
    CHECK_EQ(line(&other, "rcw.ms")->verdict, ROMA_STUDY_FAILS);
    CHECK(!roma_study_holds(&other));
    run(&other, "rcw-cim:clock.frequency=8.975e7"); /* seven parts in a hundred too slow: not within five */
    CHECK_NEAR(line(&other, "rcw.ms")->error, 0.07, 0.05);
    CHECK_EQ(line(&other, "rcw.ms")->verdict, ROMA_STUDY_FAILS);
    run(&other, "roma:power.static_rom=0.01");
    CHECK(!same("9") && same("2.rom"));
}

static void test_refused(void) {
    static const struct {
        const char *set, *says;
    } v[] = {{"room:lunit.lanes=8", "did you mean roma"},
             {"nothing-like-it:lunit.lanes=8", "no built-in chip of that name"},
             {":lunit.lanes=8", "no built-in chip of that name"},
             {"lunit.lanez=8", "did you mean lunit.lanes?"},
             {"roma:lunit.lanes", "lunit.lanes"},
             {"tom:lunit.lanes=many", "lunit.lanes"},
             {"grid.rows=3", "grid"}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        roma_error err = {0};
        const int rc = roma_study_run(&other, &v[i].set, 1, &err);
        CHECK(rc == err.code && (rc == ROMA_EUSAGE || rc == ROMA_EINPUT));
        CHECK_HAS(err.text, v[i].says);
        CHECK_EQ(roma_study_run(&other, &v[i].set, 1, NULL), rc);
    }
    roma_error err = {0};
    CHECK_EQ(roma_study_check_set("rooma:x=1", &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "rooma:x=1: there is no built-in chip of that name, did you mean roma");
    CHECK_EQ(roma_study_check_set("roma:x=1", &err), 0); /* keys are checked when they are set */
    CHECK_EQ(roma_study_check_set("grid.rows=a:b", &err), 0);
}

static void test_scarce(void) {
    int rc = ROMA_ENOMEM;
    for (int n = 0; n < 60; n += 1 + n / 12) {
        roma_error err = {0};
        scarce_begin(n);
        rc = roma_study_run(&other, NULL, 0, &err);
        roma_allocator_set(NULL);
        CHECK(rc == err.code && rc == ROMA_ENOMEM);
    }
}

static void test_names(void) {
    CHECK_STR(roma_study_kind_name(ROMA_STUDY_IDENTITY), "identity");
    CHECK_STR(roma_study_kind_name(ROMA_STUDY_INDEPENDENT), "independent");
    CHECK_STR(roma_study_kind_name(ROMA_STUDY_STRUCTURAL), "structural");
}

int main(void) {
    test_lines();
    test_notes();
    test_overrides();
    test_refused();
    test_scarce();
    test_names();
    return TEST_DONE();
}
