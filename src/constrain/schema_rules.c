/* The rules of GBNF that every schema uses: JSON itself, bounded where RFC 8259 is not (docs/constrain.md). */
#include "constrain/schema.h"

#include <string.h>

/* % stands for the name. */
static const char common[] =
    "%-ws ::= \" \"? | \"\\n\" (\" \"{0,32} | \"\\t\"{1,8})\n"
    "%-plain ::= [^\\x00-\\x1F\\x7F\"\\\\]\n"
    "%-char ::= %-plain | \"\\\\\" ([\"\\\\/bfnrt] | \"u\" ([0-9a-cA-CefEF] [0-9a-fA-F] | [dD] [0-7]) [0-9a-fA-F]{2})\n"
    "%-string ::= \"\\\"\" %-char* \"\\\"\"\n"
    "%-integer ::= \"-\"? (\"0\" | [1-9] [0-9]{0,15})\n"
    "%-number ::= %-integer (\".\" [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?\n"
    "%-boolean ::= \"true\" | \"false\"\n"
    "%-null ::= \"null\"\n"
    "%-member ::= %-string \":\" \" \"? %-value\n"
    "%-object ::= \"{\" %-ws (%-member (\",\" %-ws %-member)* %-ws)? \"}\"\n"
    "%-array ::= \"[\" %-ws (%-value (\",\" %-ws %-value)* %-ws)? \"]\"\n"
    "%-value ::= %-object | %-array | %-string | %-number | %-boolean | %-null\n";

static void put(roma_buf *b, const char *text, const char *name) {
    for (const char *end; *text; text = *end ? end + 1 : end) {
        end = strchrnul(text, '%');
        roma_buf_append(b, text, (size_t)(end - text));
        if (*end) roma_buf_append(b, name, strlen(name));
    }
}

void roma_constrain_put_common(roma_buf *b, const char *name) { put(b, common, name); }

void roma_constrain_put_object(roma_buf *b, const char *name) {
    put(b, "% ::= %-object\n", name);
    put(b, common, name);
}
