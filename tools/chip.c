/* roma chip: a chip description with the source of each number. */
#include "tool.h"

int verb_chip(int argc, char **argv) {
    const char *operand[OPERANDS_MAX] = {NULL};
    bool as_json = false;
    size_t n;
    const option own[] = {{"json", 0, OPT_FLAG, &as_json, NULL, 0, 0, "one JSON object on standard output"}, {0}};
    const usage u = {"chip", "[CHIP] [options]",
                     "Checks a chip description, a file or the name of a built-in one, and prints every parameter with its range, unit,\n"
                     "quality and source. Without one: roma, the chip of the paper.",
                     "roma chip roma-contract", own, NULL, 0, 1};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    roma_error err;
    roma_chip chip;
    roma_buf b = {0};
    if (roma_chip_open(&chip, n ? operand[0] : NULL, &err)) return fail("chip", &err);
    roma_chip_print(&chip, &b, as_json);
    return print_buf("chip", &b, 0);
}
