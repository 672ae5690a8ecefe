/* Insides of calls: marks, what the text of a call holds, what a schema says of an argument. */
#ifndef ROMA_CALLS_INTERNAL_H
#define ROMA_CALLS_INTERNAL_H

#include "roma/calls.h"
#include "roma/json.h"

#define CALLS_PYTHON_TAG "<|python_tag|>" /* what Llama 3.x may write before a call */
enum {
    CALLS_BLANKS = 32, /* bytes of white space in one place that a parser passes or holds back */
    CALLS_DEPTH = 48 /* brackets of a call inside one another, its own too: messages that tell of calls nest further */
};

static inline bool roma_calls_is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
static inline bool roma_calls_is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}
bool roma_calls_is_name(const char *s, size_t n); /* a tool's: 1 to 64 such letters */
bool roma_calls_text_is(const char *s, size_t n, const char *other);
/* The first place of `what` in a text from byte `from` on; SIZE_MAX: none. */
size_t roma_calls_find(const char *text, size_t n, size_t from, const char *what, size_t len);

/* ---- mark.c ---- */

typedef enum { CALLS_NO, CALLS_MAYBE, CALLS_YES } calls_match;
/* Whether a text begins with a mark, white space aside; CALLS_MAYBE: what there is may become one. *used: bytes of the
 * text that are the mark. A mark of white space alone is there at once, and uses none. */
calls_match roma_calls_match(const roma_calls_mark *m, const char *text, size_t n, size_t *used);
bool roma_calls_mark_set(roma_calls_mark *m, const char *text, size_t n); /* false: too long */
/* The mark without the white space around it; of len 0: there is no other. */
roma_calls_mark roma_calls_mark_core(const roma_calls_mark *m);
/* Whether two texts are the same, white space aside. */
bool roma_calls_same(const char *a, size_t na, const char *b, size_t nb);

/* ---- object.c: JSON in the text of a call ---- */

/* What an object says about a call; spans of its text, or of `unquoted`. */
typedef struct {
    const char *name, *arguments; /* NULL: it has none */
    size_t name_len, arguments_len;
    roma_buf unquoted; /* the arguments where they stood in a text; the caller destroys it, after an error too */
    bool more;         /* members that say nothing about a call */
} calls_object;
/* Looks at a JSON object of n bytes. The arguments are what stands under the form's key, or under `arguments` or
 * `parameters`. EINPUT: it is no JSON object, or its arguments are none; ENOMEM. */
int roma_calls_object(calls_object *o, const char *text, size_t n, const roma_calls_form *f);
/* Whether n bytes are one JSON value, and of which kind. ENOMEM, or EINPUT when they are none. */
int roma_calls_value(const char *text, size_t n, roma_json_kind *kind);

/* A walk to the end of a JSON object whose '{' is the first byte. */
typedef struct {
    size_t depth;
    bool quoted, escape;
} calls_walk;
/* Takes the next byte. CALLS_YES: it ends the object; CALLS_NO: it cannot stand there. */
calls_match roma_calls_walk(calls_walk *w, char c);

/* ---- learn.c: a form out of rendered calls ---- */

/* ---- form.c and plain.c: conversations that are rendered to look at a template ---- */

/* A rendering takes little, for a model file may hold any template; who needs more than this writes no calls. */
enum { CALLS_STEPS = 1 << 20, CALLS_MEMORY = 1 << 25, CALLS_OUTPUT = 1 << 18 };

/* What is rendered: names, an id, keys and values that no template writes of itself. */
#define CALLS_NAME_1 "rprobe-one"
#define CALLS_NAME_2 "rprobe-two"
#define CALLS_ID_1 "rPrObE0a1"
#define CALLS_ID_2 "rPrObE0b2"
#define CALLS_KEY_1 "rkey_one"
#define CALLS_KEY_2 "rkey_two"
#define CALLS_VALUE_1 "rvalue <one> & 'x'" /* as it stands, or the form is not understood */
#define CALLS_VALUE_2 "rvalue two"
#define CALLS_LIST "[70410429, true]"
/* The texts of answers that call: NAME_1 with two texts; with none; with the list; NAME_1 and NAME_2 with two texts
 * each. An empty text: the template refused. */
typedef struct {
    const char *text;
    size_t len;
} calls_text;
typedef struct {
    calls_text two, none, list, both;
} calls_answers;
/* The form in which they are written, NONE where it is not understood. ENOMEM. */
int roma_calls_learn(roma_calls_form *f, const calls_answers *a);

/* ---- tools.c ---- */

typedef enum { CALLS_ANY, CALLS_TEXT, CALLS_OTHER } calls_type;
/* What a tool's schema says that an argument is: a text, something else, or nothing that is understood. ENOMEM. */
int roma_calls_argument(const roma_calls_tool *t, const char *key, size_t len, calls_type *type);

#endif
