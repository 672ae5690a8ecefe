/* The papers' numbers beside the model's, and what each agreement is worth; contract in study.h. */
#include "study/internal.h"

#include <math.h>
#include <string.h>

const char *roma_study_kind_name(roma_study_kind k) {
    static const char *const texts[] = {
#define X(name, text, help) text,
        ROMA_STUDY_KINDS(X)
#undef X
    };
    return texts[k];
}

const char *roma_study_kind_about(roma_study_kind k) {
    static const char *const texts[] = {
#define X(name, text, help) help,
        ROMA_STUDY_KINDS(X)
#undef X
    };
    return texts[k];
}

static roma_study_verdict judge(const study_row *r, double model, double error) {
    bool meets = fabs(error) <= 0.05 || (r->paper == 0 && model == 0);
    if (isnan(model) || isnan(r->paper)) return ROMA_STUDY_NO_VERDICT;
    if (r->test == TEST_UNMATCHED) return ROMA_STUDY_NOT_REPRODUCED;
    if (r->test == TEST_AT_MOST) meets = model <= r->paper;
    if (r->test == TEST_AT_LEAST) meets = model >= r->paper;
    if (r->test == TEST_FACTOR) meets = model >= 0.3 * r->paper && model <= 3 * r->paper;
    if (r->kind == ROMA_STUDY_INDEPENDENT) return meets ? ROMA_STUDY_HOLDS : ROMA_STUDY_FAILS;
    return meets ? ROMA_STUDY_NO_VERDICT : ROMA_STUDY_DRIFTS;
}

static void take_row(study *x, const study_row *r) {
    const double model = r->model ? r->model(x, r) : NAN;
    const bool bound = r->test == TEST_AT_MOST || r->test == TEST_AT_LEAST; /* no distance from it is an error */
    const double error = bound || r->paper == 0 ? NAN : model / r->paper - 1;
    if (x->out->n_lines == ROMA_STUDY_LINES)
        x->rc = roma_fail(&x->err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "too many rows");
    if (x->rc) return;
    roma_study_line *l = &x->out->lines[x->out->n_lines++];
    *l = (roma_study_line){.id = r->id,
                           .quantity = r->quantity,
                           .unit = r->unit,
                           .paper = r->paper,
                           .model = model,
                           .error = error,
                           .kind = r->kind,
                           .verdict = judge(r, model, error),
                           .parameter = r->parameter,
                           .source = r->source};
    if (l->verdict == ROMA_STUDY_NOT_REPRODUCED)
        roma_print(l->remark, sizeof l->remark, "not reproducible%s%s",
                   !r->remark[0]                  ? ""
                   : strncmp(r->remark, "as ", 3) ? "; "
                                                  : " ",
                   r->remark);
    else
        roma_print(l->remark, sizeof l->remark, "%s%s%s%s", r->parameter ? "calibrated: " : "",
                   r->parameter ? r->parameter : "", r->parameter && r->remark[0] ? "; " : "", r->remark);
}

/* ---- the whole ---- */

int roma_study_check_set(const char *item, roma_error *err) {
    const char *name, *names[32];
    char given[40], shown[128];
    const size_t n = strcspn(item, ":=");
    unsigned k = 0;
    if (item[n] != ':') return ROMA_OK;
    roma_print(given, sizeof given, "%.*s", (int)(n < sizeof given ? n : sizeof given - 1), item);
    for (; k < 32 && roma_chip_builtin(k, &name); k++) {
        names[k] = name;
        if (strcmp(name, given) == 0) return ROMA_OK;
    }
    const char *near = roma_nearest(given, names, k);
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s: there is no built-in chip of that name%s%s",
                     roma_error_name(shown, sizeof shown, item, strlen(item)), near ? ", did you mean " : "",
                     near ? near : "");
}

static int compute(study *x, roma_error *err) {
    for (size_t i = 0; i < x->n_set; i++) {
        const int rc = roma_study_check_set(x->set[i], err);
        if (rc) return rc;
    }
    for (const study_row *r = roma_study_rows; r->id && !x->rc; r++) take_row(x, r);
    for (const study_row *r = roma_study_kin; r->id && !x->rc; r++) take_row(x, r);
    roma_study_take_notes(x);
    if (x->rc && err) *err = x->err;
    return x->rc;
}

int roma_study_run(roma_study *out, const char *const *set, size_t n_set, roma_error *err) {
    study *x = roma_alloc_array(1, sizeof *x);
    memset(out, 0, sizeof *out);
    if (!x) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the study");
    x->out = out;
    x->set = set;
    x->n_set = n_set;
    const int rc = compute(x, err);
    roma_study_close(x);
    roma_free(x);
    return rc;
}

bool roma_study_holds(const roma_study *s) {
    for (size_t i = 0; i < s->n_lines; i++)
        if (s->lines[i].verdict == ROMA_STUDY_FAILS || s->lines[i].verdict == ROMA_STUDY_DRIFTS) return false;
    return true;
}
