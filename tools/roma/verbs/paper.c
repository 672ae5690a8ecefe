/* roma paper: the paper's numbers beside the model's, and what each agreement is worth. */
#include "paper.h"

#include <math.h>
#include <string.h>

static paper_verdict judge(const paper_row *r, double model, double error) {
    bool meets = fabs(error) <= 0.05 || (r->paper == 0 && model == 0);
    if (isnan(model) || isnan(r->paper)) return PAPER_NO_VERDICT;
    if (r->test == PAPER_UNMATCHED) return PAPER_NOT_REPRODUCED;
    if (r->test == PAPER_AT_MOST) meets = model <= r->paper;
    if (r->test == PAPER_AT_LEAST) meets = model >= r->paper;
    if (r->test == PAPER_FACTOR) meets = model >= 0.3 * r->paper && model <= 3 * r->paper;
    if (r->kind == PAPER_INDEPENDENT) return meets ? PAPER_HOLDS : PAPER_FAILS;
    return meets ? PAPER_NO_VERDICT : PAPER_DRIFTS;
}

static void take_row(paper *x, const paper_row *r) {
    const double model = r->model ? r->model(x, r) : NAN;
    const bool bound = r->test == PAPER_AT_MOST || r->test == PAPER_AT_LEAST; /* no distance from it is an error */
    const double error = bound || r->paper == 0 ? NAN : model / r->paper - 1;
    if (x->n_lines == PAPER_LINES_MAX) x->rc = roma_fail(&x->err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "too many rows");
    if (x->rc) return;
    paper_line *l = &x->lines[x->n_lines++];
    *l = (paper_line){.row = r, .model = model, .error = error, .verdict = judge(r, model, error)};
    if (l->verdict == PAPER_NOT_REPRODUCED)
        roma_print(l->remark, sizeof l->remark, "not reproducible%s%s",
                   !r->remark[0]                  ? ""
                   : strncmp(r->remark, "as ", 3) ? "; "
                                                  : " ",
                   r->remark);
    else
        roma_print(l->remark, sizeof l->remark, "%s%s%s%s", r->parameter ? "calibrated: " : "",
                   r->parameter ? r->parameter : "", r->parameter && r->remark[0] ? "; " : "", r->remark);
}

/* A chip that no row has. */
static int check_names(const text_list *set) {
    for (size_t i = 0; i < set->n; i++) {
        const char *text = set->item[i], *name, *names[32];
        const size_t n = strcspn(text, ":=");
        char given[40];
        unsigned k = 0;
        if (text[n] != ':') continue;
        roma_print(given, sizeof given, "%.*s", (int)(n < sizeof given ? n : sizeof given - 1), text);
        for (; k < 32 && roma_chip_builtin(k, &name); k++) {
            names[k] = name;
            if (strcmp(name, given) == 0) break;
        }
        if (k < 32 && name) continue;
        const char *near = nearest_name(given, names, k);
        return usage_error("paper", "--set %s: there is no built-in chip of that name%s%s", text,
                           near ? ", did you mean " : "", near ? near : "");
    }
    return 0;
}

static bool all_well(const paper *x) {
    for (size_t i = 0; i < x->n_lines; i++)
        if (x->lines[i].verdict == PAPER_FAILS || x->lines[i].verdict == PAPER_DRIFTS) return false;
    return true;
}

static int compare(paper *x, bool as_json, bool markdown, const char *csv) {
    roma_buf b = {0};
    for (const paper_row *r = paper_roma_rows; r->id && !x->rc; r++) take_row(x, r);
    for (const paper_row *r = paper_kin_rows; r->id && !x->rc; r++) take_row(x, r);
    paper_take_notes(x);
    if (x->rc) return fail("paper", &x->err);
    if (csv) {
        paper_print_csv(x, &b);
        x->rc = write_buf(&b, csv, &x->err);
        if (x->rc) return fail("paper", &x->err);
        b = (roma_buf){0};
    }
    if (as_json)
        paper_print_json(x, &b);
    else if (markdown)
        paper_print_markdown(x, &b);
    else
        paper_print_text(x, &b);
    return print_buf("paper", &b, all_well(x) ? 0 : 1);
}

int verb_paper(int argc, char **argv) {
    static paper x; /* too large for a stack frame */
    const char *operand[OPERANDS_MAX], *csv = NULL;
    bool as_json = false, markdown = false;
    size_t n;
    const option own[] = {{"set", 0, OPT_TEXTS, &x.set, "KEY=V", 0, 0,
                           "override a parameter of ROMA and its variants, or CHIP:KEY=V; may be repeated"},
                          {"json", 0, OPT_FLAG, &as_json, NULL, 0, 0, "one JSON object on standard output"},
                          {"markdown", 0, OPT_FLAG, &markdown, NULL, 0, 0, "Markdown tables on standard output"},
                          {"csv", 0, OPT_OUT_FILE, &csv, "FILE", 0, 0, "also write the rows as CSV"},
                          {0}};
    const usage u = {"paper",
                     "[options]",
                     "Holds the model against the numbers that the paper of ROMA and those of its kin print, and says "
                     "what each agreement is\n"
                     "worth: only rows that are `independent` are evidence. Exit code 1: one of these does not hold, "
                     "or a fitted one drifted.",
                     "roma paper --set lunit.lanes=8",
                     own,
                     NULL,
                     0,
                     0};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    if (as_json && markdown) return usage_error("paper", "give one of --json and --markdown");
    if (check_names(&x.set)) return 2;
    const int exit_code = compare(&x, as_json, markdown, csv);
    paper_close(&x);
    return exit_code;
}
