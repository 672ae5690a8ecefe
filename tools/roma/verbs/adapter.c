/* roma adapter: a PEFT folder or a GGUF adapter to SRAM format, for one image; what is in such a file, and whether it
 * fits an image; several as one; two compared. */
#include "adapter.h"
#include "show/inspect_show.h"
#include "roma/import.h"
#include "roma/synth.h"
#include "show/diff_show.h"

#include <errno.h>
#include <stdlib.h>

typedef struct {
    const char *out, *base, *type, *name, *random;
    uint32_t rank;
    bool as_json, any_base;
} adapter_config;

/* ---- build ---- */

/* The last part of a path, without slashes at its end and without ".gguf", as printable ASCII. */
static void last_part(const char *path, char *out, size_t cap) {
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    size_t from = n;
    while (from && path[from - 1] != '/') from--;
    if (n - from > 5 && memcmp(path + n - 5, ".gguf", 5) == 0) n -= 5;
    roma_error_name(out, cap, path + from, n - from);
}

/* Of files only an adapter, or an empty one, is replaced. */
static int check_output(const char *path, roma_error *err) {
    char magic[8];
    if (!is_file(path)) return ROMA_OK;
    const size_t n = roma_file_head(path, magic, 8);
    return !n || (n == 8 && roma_adapter_is(magic, 8))
               ? ROMA_OK
               : roma_fail(err, ROMA_EUSAGE, path, ROMA_NOWHERE,
                           "the output exists and is no adapter; choose another -o");
}

static int convert(const adapter_config *c, const char *from, const roma_image *img, roma_adapter_written *w,
                   roma_error *err) {
    roma_import_lora l;
    int rc = roma_import_lora_open(&l, from, &img->desc, err);
    if (rc) return rc;
    roma_adapter *a = &l.adapter;
    a->type = c->type ? roma_adapter_type_find(c->type) : ROMA_ADAPTER_INT8;
    memcpy(a->base_id, img->base_id, 32);
    if (c->name)
        roma_error_name(a->name, sizeof a->name, c->name, strlen(c->name));
    else
        last_part(from, a->name, sizeof a->name);
    last_part(from, a->note, sizeof a->note);
    rc = roma_adapter_write(c->out, a, &l.source, &progress, w, err);
    roma_import_lora_close(&l);
    progress_end();
    return rc;
}

static int make_random(const adapter_config *c, uint64_t seed, const roma_image *img, roma_adapter_written *w,
                       roma_error *err) {
    const int rc = roma_synth_adapter(img, c->type ? roma_adapter_type_find(c->type) : ROMA_ADAPTER_INT8, c->rank, seed,
                                      c->out, &progress, w, err);
    progress_end();
    return rc;
}

/* Opens what was written and says what it is; returns the exit code. */
static int show_written(const adapter_config *c) {
    roma_adapter a;
    roma_error err;
    roma_buf b = {0};
    if (is_stdout(c->out) || !is_file(c->out)) return finish("adapter", 0); /* gone where it cannot be read again */
    if (roma_adapter_open(&a, c->out, 0, &err)) return fail("adapter", &err);
    if (c->as_json)
        adapter_json(&a, c->out, &b);
    else
        roma_buf_print(&b, "%s: %s, rank %u, %zu matrices, B %s, %.2f MiB in SRAM\n", c->out, a.name, a.rank,
                       a.n_targets, roma_adapter_type_name(a.type), (double)a.data_bytes / 1048576);
    roma_adapter_close(&a);
    return print_page("adapter", &b, 0);
}

/* from: NULL with --random */
static int build(const adapter_config *c, const char *from) {
    roma_image img;
    roma_adapter_written w;
    roma_error err;
    char *end = NULL;
    errno = 0;
    const uint64_t seed = c->random ? strtoull(c->random, &end, 10) : 0;
    if (c->random && (c->random[0] < '0' || c->random[0] > '9' || *end || errno))
        return usage_error("adapter", "--random takes a whole number, the seed, not '%s'", c->random);
    if (!c->random != !!from)
        return usage_error("adapter", "build takes a folder that PEFT saved, or a GGUF adapter, or --random SEED");
    if (c->random && c->name) return usage_error("adapter", "--random gives a name of its own");
    if (!c->base) return usage_error("adapter", "build needs --base IMAGE: an adapter is made for one image");
    if (!c->out) return usage_error("adapter", "build needs -o FILE");
    int rc = check_output(c->out, &err);
    if (!rc) rc = image_open(&img, c->base, false, 0, &err);
    if (rc) return fail("adapter", &err);
    rc = from ? convert(c, from, &img, &w, &err) : make_random(c, seed, &img, &w, &err);
    roma_image_close(&img);
    return rc ? fail("adapter", &err) : show_written(c);
}

/* ---- merge and diff ---- */

_Static_assert(OPERANDS_MAX - 1 <= ROMA_ADAPTER_MERGED_MAX, "the first operand is the word");

static int merge(const adapter_config *c, const char *const *text, size_t n) {
    static lora_arg arg[ROMA_ADAPTER_MERGED_MAX];
    static roma_adapter in[ROMA_ADAPTER_MERGED_MAX];
    roma_adapter_part part[ROMA_ADAPTER_MERGED_MAX];
    roma_adapter_written w;
    roma_error err;
    size_t opened = 0;
    if (!c->out) return usage_error("adapter", "merge needs -o FILE");
    for (size_t i = 0; i < n; i++) {
        const int bad = lora_arg_read("adapter", text[i], &arg[i]);
        if (bad != OPTIONS_GO) return bad;
        if (arg[i].scale >= 0 && arg[i].scale <= 0)
            return usage_error("adapter", "merge: a scale of 0 leaves nothing of %s; leave the file out", arg[i].path);
        part[i] = (roma_adapter_part){&in[i], arg[i].scale, arg[i].path};
    }
    int rc = 0;
    while (!rc && opened < n) {
        rc = roma_adapter_open(&in[opened], arg[opened].path, 0, &err);
        if (!rc) opened++;
    }
    if (!rc) rc = check_output(c->out, &err);
    const uint32_t type = c->type ? roma_adapter_type_find(c->type) : 0;
    if (!rc) rc = roma_adapter_merge(c->out, part, n, type, c->name, &progress, &w, &err);
    progress_end();
    for (size_t i = 0; i < opened; i++) roma_adapter_close(&in[i]);
    return rc ? fail("adapter", &err) : show_written(c);
}

static int print_matrix(void *p, const roma_adapter_difference *d) {
    diff_matrix(p, d);
    return interrupted;
}

static int diff(const adapter_config *c, const char *const path[2]) {
    roma_adapter a[2];
    roma_error err;
    diff_printer p = {.as_json = c->as_json};
    roma_adapter_difference all;
    p.j.out = &p.text;
    int rc = roma_adapter_open(&a[0], path[0], 0, &err);
    if (rc) return fail("adapter", &err);
    rc = roma_adapter_open(&a[1], path[1], 0, &err);
    if (!rc) {
        diff_begin(&p, a, path);
        rc = roma_adapter_compare(&a[0], &a[1], path[1], print_matrix, &p, &all, &err);
        if (!rc) diff_end(&p, a, &all);
        roma_adapter_close(&a[1]);
    }
    roma_adapter_close(&a[0]);
    if (!rc) return print_page("adapter", &p.text, 0);
    roma_buf_destroy(&p.text);
    return fail("adapter", &err);
}

/* ---- inspect ---- */

static int check(const adapter_config *c, const char *path) {
    roma_image img;
    roma_adapter a;
    roma_error err;
    int rc = roma_adapter_open(&a, path, 0, &err);
    if (rc) return fail("adapter", &err);
    rc = image_open(&img, c->base, false, 0, &err);
    if (!rc) {
        rc = roma_adapter_check(&a, &img.desc, img.base_id, c->any_base ? ROMA_ADAPTER_ANY_BASE : 0, path, &err);
        roma_image_close(&img);
    }
    roma_adapter_close(&a);
    return rc ? fail("adapter", &err) : 0;
}

const char *const adapter_subverbs[ADAPTER_SUBVERBS] = {"build", "inspect", "merge", "diff"};

/* The first word is one of the subverbs. */
static int check_subverb(const char *word) {
    char shown[64];
    for (size_t i = 0; i < ADAPTER_SUBVERBS; i++)
        if (strcmp(word, adapter_subverbs[i]) == 0) return OPTIONS_GO;
    const char *near = roma_nearest(word, adapter_subverbs, ADAPTER_SUBVERBS);
    roma_error_name(shown, sizeof shown, word, strlen(word));
    return near ? usage_error("adapter", "there is no '%s', did you mean '%s'?", shown, near)
                : usage_error("adapter", "the first word is build, inspect, merge or diff, not '%s'", shown);
}

/* Each subverb takes some of the options; another one is refused, not passed over. */
static int check_options(const char *word, const adapter_config *c) {
    static const option_need of_build[] = {{"rank", "random"}, {0}};
    static const char *const not_build[] = {"allow-base-mismatch", NULL};
    static const char *const not_inspect[] = {"output", "lora-type", "random", "rank", "name", NULL};
    static const char *const not_merge[] = {"base", "random", "rank", "allow-base-mismatch", NULL};
    static const char *const not_diff[] = {"output", "base", "lora-type",           "random",
                                           "rank",   "name", "allow-base-mismatch", NULL};
    static const char *const *const not_of[ADAPTER_SUBVERBS] = {not_build, not_inspect, not_merge, not_diff};
    size_t i = 0;
    char why[64];
    while (strcmp(word, adapter_subverbs[i])) i++;
    roma_print(why, sizeof why, "is not an option of roma adapter %s", word);
    const int wrong = options_refuse("adapter", not_of[i], why);
    if (wrong != OPTIONS_GO) return wrong;
    if (c->any_base && !c->base) return usage_error("adapter", "--allow-base-mismatch goes with --base");
    return i ? OPTIONS_GO : options_need("adapter", of_build);
}

static int choose(const adapter_config *c, const char *const *operand, size_t n) {
    int wrong = check_subverb(operand[0]);
    if (wrong == OPTIONS_GO) wrong = check_options(operand[0], c);
    if (wrong != OPTIONS_GO) return wrong;
    if (n > 1 && strcmp(operand[0], "merge") == 0) return merge(c, operand + 1, n - 1);
    if (n > 1 && strcmp(operand[0], "diff") == 0)
        return n == 3 ? diff(c, operand + 1) : usage_error("adapter", "diff takes two adapters");
    if (n == 1 && strcmp(operand[0], "build") == 0) return build(c, NULL);
    if (n == 1) return usage_error("adapter", "%s needs a file", operand[0]);
    if (n > 2)
        return usage_error("adapter", "%s takes one argument", strcmp(operand[0], "build") ? "inspect" : "build");
    if (strcmp(operand[0], "build") == 0) return build(c, operand[1]);
    const int bad = c->base ? check(c, operand[1]) : 0;
    return bad ? bad : inspect_adapter("adapter", operand[1], c->as_json);
}

int verb_adapter(int argc, char **argv) {
    const char *operand[OPERANDS_MAX];
    adapter_config c = {.rank = 16};
    size_t n;
    const option own[] = {
        {"output", 'o', OPT_OUT_FILE, &c.out, "FILE", 0, 0, "build, merge: the adapter, by custom NAME.lora.roma"},
        {"base", 0, OPT_TEXT, &c.base, "IMAGE", 0, 0, "the image that it is for; inspect: checks that it fits"},
        {"lora-type", 0, OPT_TEXT, &c.type, "int8|fp8|f16", 0, 0,
         "build, merge: how B is stored (default: int8; merge: as they have it)"},
        {"random", 0, OPT_TEXT, &c.random, "SEED", 0, 0,
         "build: no SOURCE but random values on all linears, to measure with"},
        {"rank", 0, OPT_COUNT, &c.rank, "R", 1, ROMA_ADAPTER_RANK_MAX, "of --random (default: 16)"},
        {"name", 0, OPT_TEXT, &c.name, "TEXT", 0, 0, "build, merge: its name (default: the source's)"},
        {"allow-base-mismatch", 0, OPT_FLAG, &c.any_base, NULL, 0, 0,
         "inspect: only shapes must fit --base, not the identity"},
        {"json", 0, OPT_FLAG, &c.as_json, NULL, 0, 0, "one JSON object on standard output"},
        {0}};
    const usage u = {
        "adapter",
        "build|inspect|merge|diff SOURCE... [options]",
        "build SOURCE makes an adapter for one image from a folder that PEFT saved (adapter_config.json and\n"
        "adapter_model.safetensors) or from a GGUF adapter. inspect FILE shows what is in an adapter.\n"
        "merge FILE[:SCALE]... makes one of several of the same base: it does what they do together.\n"
        "diff FILE FILE compares what two change: norms, relative difference and cosine of each matrix.",
        "roma adapter build my-peft-folder --base model.roma -o my.lora.roma",
        own,
        NULL,
        1,
        OPERANDS_MAX};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    if (c.type && !roma_adapter_type_find(c.type))
        return usage_error("adapter", "--lora-type is int8, fp8 or f16, not '%s'", c.type);
    return choose(&c, operand, n);
}
