/* Texts: of so many characters, of a format, of a pattern. */
#include "constrain/schema.h"

#include <string.h>

enum { LENGTH_MAX = 8192 }; /* a longer maxLength is taken for this */

#define YEAR "[1-9] [0-9]{3} "
#define MONTH_DAY                                                                                                      \
    "((\"0\" [13578] | \"1\" [02]) \"-\" (\"0\" [1-9] | [12] [0-9] | \"3\" [01]) | (\"0\" [469] | \"11\") \"-\" "      \
    "(\"0\" [1-9] | [12] [0-9] | \"30\") | \"02-\" (\"0\" [1-9] | \"1\" [0-9] | \"2\" [0-8]))"
/* The 29th of February: years that 4 divides, those that 100 divides only where 400 does. */
#define LEAP                                                                                                           \
    "([1-9] [0-9] (\"0\" [48] | [2468] [048] | [13579] [26]) | ([2468] [048] | [13579] [26]) \"00\") \"-02-29\""
#define DATE "(" YEAR "\"-\" " MONTH_DAY " | " LEAP ")"
#define HOURS "([01] [0-9] | \"2\" [0-3]) \":\" [0-5] [0-9] "
#define TIME "(" HOURS "\":\" [0-5] [0-9] (\".\" [0-9]{1,6})? (\"Z\" | [+-] " HOURS "))"
#define LABEL "[a-z0-9] ([a-z0-9-]{0,30} [a-z0-9])?"
#define HOST "(" LABEL " (\".\" " LABEL "){0,3} \".\" [a-z]{2,12})"
#define BYTE "(\"25\" [0-5] | \"2\" [0-4] [0-9] | \"1\" [0-9] [0-9] | [1-9]? [0-9])"

/* Each takes texts that surely are of the format, if not all of them. */
static const struct {
    const char *name, *rule;
} formats[] = {
    {"date", DATE},
    {"time", TIME},
    {"date-time", DATE " \"T\" " TIME},
    {"uuid", "[0-9a-f]{8} (\"-\" [0-9a-f]{4}){3} \"-\" [0-9a-f]{12}"},
    {"ipv4", BYTE " (\".\" " BYTE "){3}"},
    {"hostname", HOST},
    {"email", "[a-zA-Z0-9] [a-zA-Z0-9_+-]{0,30} (\".\" [a-zA-Z0-9_+-]{1,30}){0,2} \"@\" " HOST},
    {"uri", "\"http\" \"s\"? \"://\" " HOST
            " (\":\" [1-9] [0-9]{1,3})? (\"/\" [a-zA-Z0-9_.~-]{0,40}){0,8} (\"?\" [a-zA-Z0-9_.~=&-]{0,80})? "
            "(\"#\" [a-zA-Z0-9_.~-]{0,40})?"},
};

static void put_format(schema *s, uint32_t node) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (roma_constrain_text_is(s, node, formats[i].name)) {
            roma_buf_append(s->out, formats[i].rule, strlen(formats[i].rule));
            return;
        }
    roma_constrain_schema_fail(
        s, node, ROMA_EUNSUPPORTED,
        "this format is not supported; date, time, date-time, uuid, ipv4, hostname, email and uri are");
}

void roma_constrain_put_string_rule(schema *s, const schema_words *w) {
    const uint32_t least = roma_constrain_count(s, w, KEY_MIN_LENGTH, 0), format = w->value[KEY_FORMAT],
                   pattern = w->value[KEY_PATTERN];
    uint32_t most = roma_constrain_count(s, w, KEY_MAX_LENGTH, UINT32_MAX);
    const bool has_length = w->value[KEY_MIN_LENGTH] || w->value[KEY_MAX_LENGTH];
    if (!has_length && !format && !pattern) {
        roma_constrain_put(s, "%s-string", s->name);
        return;
    }
    if (!!has_length + !!format + !!pattern > 1) {
        roma_constrain_schema_fail(
            s, format && (pattern || has_length) ? format : pattern, ROMA_EUNSUPPORTED,
            "pattern, format and lengths are not supported together: say the length in the pattern");
        return;
    }
    if (least > most)
        roma_constrain_schema_fail(s, w->node, ROMA_EINPUT, "minLength is above maxLength, so that no text validates");
    if (least > LENGTH_MAX)
        roma_constrain_schema_fail(s, w->value[KEY_MIN_LENGTH], ROMA_EUNSUPPORTED, "minLength is supported up to 8192");
    if (w->value[KEY_MAX_LENGTH] && most > LENGTH_MAX) most = LENGTH_MAX;
    roma_constrain_put(s, "\"\\\"\" ");
    if (format)
        put_format(s, format);
    else if (pattern)
        roma_constrain_put_pattern(s, pattern);
    else if (most == UINT32_MAX)
        roma_constrain_put(s, "%s-char{%u,}", s->name, least);
    else
        roma_constrain_put(s, "%s-char{%u,%u}", s->name, least, most);
    roma_constrain_put(s, " \"\\\"\"");
}
