/* The table of filters: name, number, arguments. */
#ifndef ROMA_SRC_TEMPLATE_FILTERS_H
#define ROMA_SRC_TEMPLATE_FILTERS_H

#include "template/call.h"

// clang-format off
#define TM_FILTERS(X)                                                                                                  \
    X("abs", ABS, NAMES(NULL))                                                                                         \
    X("capitalize", CAPITALIZE, NAMES(NULL))                                                                           \
    X("count", COUNT_ITEMS, NAMES(NULL))                                                                               \
    X("d", D, NAMES("default_value", "boolean", NULL))                                                                 \
    X("default", DEFAULT, NAMES("default_value", "boolean", NULL))                                                     \
    X("e", E, NAMES(NULL))                                                                                             \
    X("escape", ESCAPE, NAMES(NULL))                                                                                   \
    X("float", FLOAT, NAMES("default", NULL))                                                                          \
    X("format", FORMAT, NAMES(NULL))                                                                                   \
    X("indent", INDENT, NAMES("width", "first", "blank", NULL))                                                        \
    X("int", INT, NAMES("default", "base", NULL))                                                                      \
    X("length", LENGTH, NAMES(NULL))                                                                                   \
    X("lower", LOWER, NAMES(NULL))                                                                                     \
    X("replace", REPLACE, NAMES("*old", "*new", "count", NULL))                                                        \
    X("round", ROUND, NAMES("precision", "method", NULL))                                                              \
    X("safe", SAFE, NAMES(NULL))                                                                                       \
    X("string", STRING, NAMES(NULL))                                                                                   \
    X("title", TITLE, NAMES(NULL))                                                                                     \
    X("tojson", TOJSON, NAMES("ensure_ascii", "indent", "separators", "sort_keys", NULL))                              \
    X("trim", TRIM, NAMES("chars", NULL))                                                                              \
    X("upper", UPPER, NAMES(NULL))                                                                                     \
    X("wordcount", WORDCOUNT, NAMES(NULL))                                                                             \
    X("batch", FIRST_OF_LISTS, NAMES("*linecount", "fill_with", NULL))                                                 \
    X("dictsort", DICTSORT, NAMES("case_sensitive", "by", "reverse", NULL))                                            \
    X("first", FIRST, NAMES(NULL))                                                                                     \
    X("items", ITEMS, NAMES(NULL))                                                                                     \
    X("join", JOIN, NAMES("d", "attribute", NULL))                                                                     \
    X("last", LAST, NAMES(NULL))                                                                                       \
    X("list", LIST, NAMES(NULL))                                                                                       \
    X("max", MAX, NAMES("case_sensitive", "attribute", NULL))                                                          \
    X("min", MIN, NAMES("case_sensitive", "attribute", NULL))                                                          \
    X("reverse", REVERSE, NAMES(NULL))                                                                                 \
    X("slice", SLICE, NAMES("*slices", "fill_with", NULL))                                                             \
    X("sort", SORT, NAMES("reverse", "case_sensitive", "attribute", NULL))                                             \
    X("sum", SUM, NAMES("attribute", "start", NULL))                                                                   \
    X("unique", UNIQUE, NAMES("case_sensitive", "attribute", NULL))                                                    \
    X("map", FIRST_OF_ANY, NAMES(NULL))                                                                                \
    X("reject", REJECT, NAMES(NULL))                                                                                   \
    X("rejectattr", REJECTATTR, NAMES(NULL))                                                                           \
    X("select", SELECT, NAMES(NULL))                                                                                   \
    X("selectattr", SELECTATTR, NAMES(NULL))
// clang-format on

/* An argument that is there and true. */
bool roma_template_flag(const tm_value *v);
/* Filters of lists with their arguments in order; map, select and their kin, which take any. */
tm_value roma_template_list_filter(tm_machine *m, const char *name, const tm_value *subject, const tm_value *v);
tm_value roma_template_pick(tm_machine *m, const char *name, const tm_value *subject, tm_args *args);

#endif
