/* roma plan: the chip's program for a model, and how the engine shares it among threads. */
#include "design.h"
#include "show/shares.h"

/* A design looks at no checksums. */
static int check_image(const char *path, roma_error *err) {
    roma_image img;
    const int rc = image_open(&img, path, false, 0, err);
    if (!rc) roma_image_close(&img);
    return rc;
}

int verb_plan(int argc, char **argv) {
    const char *operand[OPERANDS_MAX];
    design_options c = {0};
    bool as_json = false, no_verify = false;
    uint32_t threads = 0, rows = ROMA_EXEC_ROWS_USUAL, context = 1024;
    size_t n;
    const option own[] = {{"threads", 't', OPT_COUNT, &threads, "N", 1, 64,
                           "instead: the work of each of N threads between two barriers, by the engine's own shares"},
                          {"context", 'c', OPT_COUNT, &context, "N", 1, 16777216,
                           "of those: positions that the last row sees (default: 1024)"},
                          {"rows", 0, OPT_COUNT, &rows, "N", 2, ROMA_EXEC_ROWS_MAX,
                           "of those: rows of the step that has more than one (default: 128)"},
                          SHAPE_OPTIONS(c),
                          {"chip", 0, OPT_TEXT, &c.config.chip, "FILE", 0, 0,
                           "chip description, a file or a built-in name (default: roma)"},
                          {"json", 0, OPT_FLAG, &as_json, NULL, 0, 0, "one JSON object on standard output"},
                          {"no-verify", 0, OPT_FLAG, &no_verify, NULL, 0, 0, "skip the checksums on opening"},
                          {0}};
    const usage u = {"plan",
                     "[IMAGE] [options]",
                     "Prints the operations of one step in order, each with the units it is placed on, its values and "
                     "its tensor; with --threads how the\n"
                     "engine shares them out.",
                     "roma plan --shape llama-3.2-1b --threads 8",
                     own,
                     NULL,
                     0,
                     1};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    if (threads && context < rows)
        return usage_error("plan", "--context %u is less than the step's --rows %u", context, rows);
    roma_error err;
    roma_design_config asked;
    roma_design d;
    roma_buf b = {0};
    rc = design_asked(&asked, &c, n ? operand[0] : NULL, &err);
    if (!rc && asked.image && !no_verify) rc = check_image(asked.image, &err);
    if (!rc) rc = roma_design_open(&d, &asked, &err);
    if (rc) return fail("plan", &err);
    if (threads)
        rc = shares_print(&d.plan, (int)threads, rows, context, as_json, &b, &err);
    else {
        roma_plan_print(&d.plan, &b, as_json);
        rc = 0;
    }
    roma_design_close(&d);
    if (rc) {
        roma_buf_destroy(&b);
        return fail("plan", &err);
    }
    return print_buf("plan", &b, 0);
}
