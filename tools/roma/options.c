/* Table-driven option parser; contract in options.h. */
#include "options.h"
#include "print.h"
#include "tool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int usage_error(const char *verb, const char *fmt, ...) {
    char text[512]; /* as much as the text of an error record */
    va_list args;
    const size_t n = strlen(fmt);
    va_start(args, fmt);
    if (roma_vprint(text, sizeof text, fmt, args) >= (int)sizeof text) memcpy(text + sizeof text - 4, "...", 4);
    va_end(args);
    for (char *c = text; *c; c++) /* a value may hold any byte; the complaint stays one line */
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    print_to(stderr, "roma%s%s: %s%s `roma%s%s --help` shows what there is\n", *verb ? " " : "", verb, text,
             n && fmt[n - 1] == '?' ? "" : ";", *verb ? " " : "", verb);
    return 2;
}

/* ---- what was given ---- */

enum { GIVEN_MAX = 128 };
static const char *given[GIVEN_MAX]; /* names of options of the command line, each once */
static size_t n_given;

static bool is_given(const char *name, size_t n) {
    for (size_t i = 0; i < n_given; i++)
        if (strlen(given[i]) == n && memcmp(given[i], name, n) == 0) return true;
    return false;
}

static void remember(const char *name) {
    if (is_given(name, strlen(name))) return;
    assert(n_given < GIVEN_MAX); /* a verb has fewer options */
    given[n_given++] = name;
}

static bool has_one(const char *names) {
    for (const char *p = names;; p++) {
        const size_t n = strcspn(p, "|");
        if (is_given(p, n)) return true;
        p += n;
        if (!*p) return false;
    }
}

int options_need(const char *verb, const option_need *table) {
    char with[80];
    for (const option_need *t = table; t->name; t++) {
        if (!is_given(t->name, strlen(t->name)) || has_one(t->with)) continue;
        size_t len = 0;
        for (const char *p = t->with; *p; p++)
            len += (size_t)roma_print(with + len, sizeof with - len, *p == '|' ? " or --" : "%c", *p);
        return usage_error(verb, "--%s goes with --%s", t->name, with);
    }
    return OPTIONS_GO;
}

int options_refuse(const char *verb, const char *const *names, const char *why) {
    for (; *names; names++)
        if (is_given(*names, strlen(*names))) return usage_error(verb, "--%s %s", *names, why);
    return OPTIONS_GO;
}

/* ---- help ---- */

static void help_option(roma_buf *out, const option *o) {
    char left[64];
    if (!o->help) return;
    if (!o->name[1]) /* a letter is the whole name */
        roma_print(left, sizeof left, "-%s %s", o->name, o->arg);
    else
        roma_print(left, sizeof left, "%c%c%s --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
                   o->letter ? "," : " ", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
    roma_buf_print(out, "  %-26s  %s\n", left, o->help);
}

static int help(const usage *u) {
    roma_buf all = {0}, page = {0};
    const size_t width = columns_of(stdout);
    roma_buf_print(&all, "usage: roma %s %s\n\n", u->verb, u->operands);
    for (const char *s = u->summary; *s; s++) /* a paragraph, whatever its source is broken into */
        roma_buf_append(&all, *s == '\n' ? " " : s, 1);
    roma_buf_print(&all, "\n\noptions:\n");
    for (const option *o = u->options; o && o->name; o++) help_option(&all, o);
    for (const option *o = u->shared; o && o->name; o++) help_option(&all, o);
    help_option(&all, &(option){"help", 'h', OPT_FLAG, NULL, NULL, 0, 0, "this page"});
    roma_buf_print(&all, "\nexample:\n  %s\n", u->example);
    if (!all.failed) wrap_into(&page, (const char *)all.data, all.len, width ? width : 80);
    page.failed |= all.failed;
    roma_buf_destroy(&all);
    return print_buf(u->verb, &page, 0);
}

/* Rows for tools/completions.sh: letter, name, argument, help, with a tab between; a flag has no argument. */
static int words(const usage *u) {
    const option *tables[] = {u->options, u->shared,
                              (const option[]){{"help", 'h', OPT_FLAG, NULL, NULL, 0, 0, "this page"}, {0}}};
    for (size_t t = 0; t < 3; t++)
        for (const option *o = tables[t]; o && o->name; o++)
            if (o->help)
                print_to(stdout, "%s\t%s\t%s\t%s\n",
                         o->letter     ? (const char[]){o->letter, 0}
                         : !o->name[1] ? o->name
                                       : "",
                         o->name[1] ? o->name : "", o->arg ? o->arg : "", o->help);
    return finish(u->verb, 0);
}

/* ---- finding ---- */

static const option *find(const usage *u, const char *name, size_t len, char letter) {
    const option *tables[] = {u->options, u->shared};
    for (size_t t = 0; t < 2; t++)
        for (const option *o = tables[t]; o && o->name; o++)
            if (letter ? o->letter == letter : strlen(o->name) == len && memcmp(o->name, name, len) == 0) return o;
    return NULL;
}

static int unknown(const usage *u, const char *arg) {
    const char *names[64];
    char word[40], shown[128];
    size_t n = 0;
    const option *tables[] = {u->options, u->shared};
    for (size_t t = 0; t < 2; t++)
        for (const option *o = tables[t]; o && o->name && n < 63; o++)
            if (o->help) names[n++] = o->name;
    names[n++] = "help";
    roma_print(word, sizeof word, "%.*s", (int)strcspn(arg + (arg[1] == '-'), "="), arg + 1 + (arg[1] == '-'));
    word[strcspn(word, "=")] = 0;
    const char *near = roma_nearest(word, names, n);
    roma_error_name(shown, sizeof shown, arg, strlen(arg));
    return near ? usage_error(u->verb, "unknown option %s, did you mean --%s?", shown, near)
                : usage_error(u->verb, "unknown option %s", shown);
}

/* ---- values ---- */

static int bad_list(const char *verb, const char *text, const char *name, uint32_t min, uint32_t max) {
    char shown[64];
    return usage_error(verb, "%s takes up to %d whole numbers from %u to %u, separated by commas, not '%s'", name,
                       NUMBERS_MAX, min, max, roma_error_name(shown, sizeof shown, text, strlen(text)));
}

int options_list(const char *verb, const char *text, const char *name, uint32_t min, uint32_t max, number_list *out) {
    out->n = 0;
    for (const char *p = text;; p++) {
        char *end;
        const unsigned long v = strtoul(p, &end, 10);
        if (*p < '0' || *p > '9' || v < min || v > max || out->n == NUMBERS_MAX || (*end && *end != ','))
            return bad_list(verb, text, name, min, max);
        out->v[out->n++] = (uint32_t)v;
        p = end;
        if (!*p) return OPTIONS_GO;
    }
}

static const char *dashes(const option *o) { return o->name[1] ? "--" : "-"; }

static int bad_value(const usage *u, const option *o, const char *value) {
    char shown[64];
    roma_error_name(shown, sizeof shown, value, strlen(value));
    if (o->kind == OPT_U64 || o->kind == OPT_SEED)
        return usage_error(u->verb, "%s%s takes a whole number, not '%s'", dashes(o), o->name, shown);
    return usage_error(u->verb, "%s%s takes a %snumber from %.10g to %.10g, not '%s'", dashes(o), o->name,
                       o->kind == OPT_COUNT ? "whole " : "", o->min, o->max, shown);
}

static int set(const usage *u, const option *o, const char *value) {
    char *end = NULL;
    errno = 0;
    if (!*value && o->kind >= OPT_TEXT && strcmp(o->arg, "TEXT") != 0) /* a variable of a script that is not set */
        return usage_error(u->verb, "%s%s needs %s, not an empty text", dashes(o), o->name, o->arg);
    if (o->kind == OPT_OUT_FILE && strcmp(value, "-") == 0)
        return usage_error(u->verb, "%s%s takes a file; standard output has the report", dashes(o), o->name);
    if (o->kind == OPT_TEXT || o->kind == OPT_OUT || o->kind == OPT_OUT_FILE) {
        *(const char **)o->out = value;
    } else if (o->kind == OPT_TEXTS) {
        text_list *l = o->out;
        if (l->n == TEXTS_MAX) return usage_error(u->verb, "%s%s may occur %d times", dashes(o), o->name, TEXTS_MAX);
        l->item[l->n++] = value;
    } else if (o->kind == OPT_SEED && strcmp(value, "-1") == 0) {
        *(seed_option *)o->out = (seed_option){0};
    } else if (o->kind == OPT_REAL) {
        double d;
        if (!roma_real_read(value, strlen(value), &d) || !(d >= o->min && d <= o->max)) return bad_value(u, o, value);
        *(float *)o->out = (float)d;
    } else {
        const unsigned long long n = strtoull(value, &end, 10);
        const bool digit = value[0] >= '0' && value[0] <= '9';
        if (!digit || *end || errno) return bad_value(u, o, value);
        if (o->kind == OPT_U64)
            *(uint64_t *)o->out = n;
        else if (o->kind == OPT_SEED)
            *(seed_option *)o->out = (seed_option){n, true};
        else if (!((double)n >= o->min && (double)n <= o->max))
            return bad_value(u, o, value);
        else
            *(uint32_t *)o->out = (uint32_t)n;
    }
    return OPTIONS_GO;
}

/* Takes the option at argv[*i], and its value from the same or the next argument. */
static int take(const usage *u, int argc, char **argv, int *i) {
    const char *arg = argv[*i], *value = NULL;
    const bool is_long = arg[1] == '-';
    const size_t len = strcspn(arg + 2, "=");
    if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) return help(u);
    if (strcmp(arg, "--words") == 0) return words(u);
    const option *o = is_long ? find(u, arg + 2, len, 0) : find(u, NULL, 0, arg[1]);
    if (!o) return unknown(u, arg);
    remember(o->name);
    if (is_long ? arg[2 + len] == '=' : arg[2] != 0) value = is_long ? arg + 3 + len : arg + 2;
    if (o->kind == OPT_FLAG) {
        if (value) return usage_error(u->verb, "--%s takes no value", o->name);
        *(bool *)o->out = true;
        return OPTIONS_GO;
    }
    if (!value && *i + 1 >= argc) return usage_error(u->verb, "%s%s needs a value", dashes(o), o->name);
    if (!value) value = argv[++*i];
    return set(u, o, value);
}

int options_set(const usage *u, const char *name, const char *value) {
    const option *o = find(u, name, strlen(name), 0);
    char dashed[64];
    roma_print(dashed, sizeof dashed, "--%s", name);
    return o ? set(u, o, value) : unknown(u, dashed);
}

int options_output(const char *verb, const char *path) {
    roma_error err;
    return roma_files_writes(path, &err) ? fail(verb, &err) : OPTIONS_GO;
}

/* Before anything is read, so that a wrong name costs no work. */
static int announce(const usage *u) {
    const option *tables[] = {u->options, u->shared};
    for (size_t t = 0; t < 2; t++)
        for (const option *o = tables[t]; o && o->name; o++) {
            if (o->kind != OPT_OUT && o->kind != OPT_OUT_FILE) continue;
            const char *path = *(const char **)o->out;
            if (!path) continue;
            const int rc = options_output(u->verb, strcmp(path, "-") == 0 ? "/dev/stdout" : path);
            if (rc != OPTIONS_GO) return rc;
        }
    return OPTIONS_GO;
}

int options_parse(const usage *u, int argc, char **argv, const char *operand[OPERANDS_MAX], size_t *n_operands) {
    bool options = true;
    *n_operands = n_given = 0;
    for (int i = 1; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && argv[i][0] == '-' && argv[i][1]) {
            const int rc = take(u, argc, argv, &i);
            if (rc != OPTIONS_GO) return rc;
        } else if (*n_operands == u->max_operands) {
            char shown[64];
            return usage_error(u->verb, "one argument too many: '%s'",
                               roma_error_name(shown, sizeof shown, argv[i], strlen(argv[i])));
        } else {
            operand[(*n_operands)++] = argv[i];
        }
    }
    if (*n_operands < u->min_operands) return usage_error(u->verb, "usage is roma %s %s", u->verb, u->operands);
    return announce(u);
}
