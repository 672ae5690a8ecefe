/* `roma --words [LIST]`: the names that the program knows, out of the tables that the options themselves are read by.
 * tools/completions.sh makes the shells' completions of them. A list is called as the option that takes its names. */
#include "adapter.h"
#include "roma/chip.h"
#include "roma/kern.h"
#include "roma/rtl.h"
#include "roma/text.h"

#include <string.h>

/* A text of names with blanks or commas between, one a line. */
static void put_names(const char *names) {
    for (const char *p = names; *p; p += strcspn(p, " ,")) {
        p += strspn(p, " ,");
        print_to(stdout, "%.*s\n", (int)strcspn(p, " ,"), p);
    }
}

static void put_isas(void) {
    put_names("auto");
    put_names(roma_kern_list());
}

static void put_kvs(void) { put_names(roma_kv_names()); }

static void put_shapes(void) {
    for (unsigned i = 0; roma_shape_name(i); i++) put_names(roma_shape_name(i));
}

static void put_chips(void) {
    const char *name;
    for (unsigned i = 0; roma_chip_builtin(i, &name); i++) put_names(name);
}

static void put_keys(void) {
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) {
        const roma_chip_parameter *p = roma_chip_parameter_at(i);
        print_to(stdout, "%s.%s=\n", p->section, p->key);
    }
}

static void put_templates(void) {
#define X(name, value, text, help) put_names(text);
    ROMA_TEMPLATES(X)
#undef X
}

static void put_pres(void) { put_names(roma_text_pre_names()); }

static void put_styles(void) {
#define X(name, text) put_names(text);
    ROMA_RTL_STYLES(X)
#undef X
}

static void put_subverbs(void) {
    for (size_t i = 0; i < ADAPTER_SUBVERBS; i++) put_names(adapter_subverbs[i]);
}

int verb_words(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*put)(void);
    } lists[] = {{"isa", put_isas},   {"kv", put_kvs},       {"shape", put_shapes},
                 {"chip", put_chips}, {"set", put_keys},     {"template", put_templates},
                 {"pre", put_pres},   {"style", put_styles}, {"adapter", put_subverbs}};
    const size_t n = sizeof lists / sizeof *lists;
    for (size_t i = 0; i < n; i++) {
        if (argc < 2) put_names(lists[i].name);
        if (argc < 2 || strcmp(argv[1], lists[i].name) != 0) continue;
        lists[i].put();
        return finish("--words", 0);
    }
    return argc < 2 ? finish("--words", 0) : usage_error("", "there is no list of words '%.40s'", argv[1]);
}
