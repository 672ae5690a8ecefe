/* roma plan: the chip's program for an image. */
#include "tool.h"

int verb_plan(int argc, char **argv) {
    const char *operand[OPERANDS_MAX], *chip_path = NULL;
    bool as_json = false, no_verify = false;
    size_t n;
    const option own[] = {{"chip", 0, OPT_TEXT, &chip_path, "FILE", 0, 0, "chip description, a file or a built-in name (default: roma)"},
                          {"json", 0, OPT_FLAG, &as_json, NULL, 0, 0, "one JSON object on standard output"},
                          {"no-verify", 0, OPT_FLAG, &no_verify, NULL, 0, 0, "skip the checksums on opening"},
                          {0}};
    const usage u = {"plan", "IMAGE [options]",
                     "Prints the operations of one step in order, each with the units it is placed on, its values and its tensor.",
                     "roma plan model.roma | less", own, NULL, 1, 1};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    roma_error err;
    roma_chip chip;
    roma_image img;
    roma_plan plan;
    roma_buf b = {0};
    interrupt_catch(false);
    if (roma_chip_open(&chip, chip_path, &err) || image_open(&img, operand[0], no_verify, 0, &err)) return fail("plan", &err);
    rc = roma_map_plan(&plan, &img.desc, &chip, &err);
    if (rc) {
        roma_image_close(&img);
        return fail("plan", &err);
    }
    roma_plan_print(&plan, &b, as_json);
    roma_plan_destroy(&plan);
    roma_image_close(&img);
    return print_buf("plan", &b, 0);
}
