/* roma paper: the paper's numbers beside the model's, and what each agreement is worth. */
#include "show/study_show.h"
#include "tool.h"

static int show(const roma_study *s, bool as_json, bool markdown, const char *csv) {
    roma_buf b = {0};
    roma_error err;
    if (csv) {
        study_print_csv(s, &b);
        if (write_buf(&b, csv, &err)) return fail("paper", &err);
        b = (roma_buf){0};
    }
    (as_json ? study_print_json : markdown ? study_print_markdown : study_print_text)(s, &b);
    const int rc = roma_study_holds(s) ? 0 : 1;
    return markdown ? print_buf("paper", &b, rc) : print_page("paper", &b, rc);
}

int verb_paper(int argc, char **argv) {
    static roma_study s; /* too large for a stack frame */
    roma_error err;
    text_list set = {0};
    const char *operand[OPERANDS_MAX], *csv = NULL;
    bool as_json = false, markdown = false;
    size_t n;
    const option own[] = {{"set", 0, OPT_TEXTS, &set, "KEY=V", 0, 0,
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
    for (size_t i = 0; i < set.n; i++)
        if (roma_study_check_set(set.item[i], &err)) return usage_error("paper", "--set %s", err.text);
    if (roma_study_run(&s, set.item, set.n, &err)) return fail("paper", &err);
    return show(&s, as_json, markdown, csv);
}
