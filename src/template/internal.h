/* Insides of template: source text -> tokens (lex.c) -> tree (parse*.c) -> text (run.c, eval.c, and what values can
 * do). Tree and values live in pools, which are freed as a whole. */
#ifndef ROMA_SRC_TEMPLATE_INTERNAL_H
#define ROMA_SRC_TEMPLATE_INTERNAL_H

#include "roma/template.h"

/* ---- memory (pool.c) ---------------------------------------------------------------------------- */

typedef struct tm_chunk tm_chunk;
typedef struct {
    tm_chunk *head;
    uint64_t bytes, limit;
} tm_pool;
/* Zeroed, aligned memory that lives as long as the pool; NULL without memory or beyond the limit. */
void *roma_template_take(tm_pool *p, size_t bytes);
void roma_template_pool_free(tm_pool *p);

/* ---- values --------------------------------------------------------------------------------------- */

typedef enum {
    TM_UNDEFINED,
    TM_NONE,
    TM_BOOL,
    TM_INT,
    TM_REAL,
    TM_TEXT,
    TM_LIST, /* also tuples, ranges, views of dictionaries, and what jinja2 makes lazily */
    TM_DICT,
    TM_SPACE, /* namespace() */
    TM_MACRO,
    TM_LOOP,
    TM_FUNCTION, /* of ours, by number */
    TM_METHOD,   /* a method and what it belongs to */
    TM_CYCLER,
    TM_JOINER
} tm_kind;

/* Whose a text's bytes are. */
typedef enum { TM_OF_TEMPLATE, TM_OF_DATA, TM_OF_BOTH } tm_origin;

/* A text: immutable, its bytes in the pool or in the template. */
typedef struct {
    const char *p;
    const uint8_t *data; /* TM_OF_BOTH: of each byte, 1 where it is data */
    size_t len;
    uint8_t origin;
    bool markup; /* jinja2's Markup: it escapes what is added to it */
} tm_text;

typedef struct tm_value tm_value;
typedef struct tm_node tm_node;
typedef struct tm_scope tm_scope;

typedef enum { TM_PLAIN, TM_TUPLE, TM_RANGE, TM_VIEW, TM_LAZY } tm_form;
typedef struct {
    tm_value *v;
    size_t n, cap;
    size_t taken; /* TM_LAZY: those that were iterated over are gone */
    uint8_t form;
    bool data;
} tm_list;

typedef struct tm_pair tm_pair;
typedef struct {
    tm_pair *pair;
    size_t n, cap;
    bool data;
} tm_dict;

typedef struct {
    const tm_node *def; /* TM_N_MACRO */
    tm_scope *closure;
} tm_macro;

typedef struct {
    tm_list *items;
    size_t at;
    tm_value *changed; /* arguments of the last loop.changed; NULL: none yet */
    size_t n_changed;
    uint32_t depth;
} tm_loop;

typedef struct tm_method tm_method;
typedef struct tm_cycler tm_cycler;

struct tm_value {
    uint8_t kind;
    bool data; /* of a number or truth: it came from outside */
    union {
        bool flag;
        int64_t i;
        double r;
        const tm_text *text;
        tm_list *list;
        tm_dict *dict; /* TM_DICT, TM_SPACE */
        tm_macro *macro;
        tm_loop *loop;
        int function;
        tm_method *method;
        tm_cycler *cycler;
        const char *why; /* TM_UNDEFINED: what is missing, for messages; may be NULL */
    } u;
};
struct tm_pair {
    tm_value key, v;
};
struct tm_method {
    tm_value self;
    int id;
};
struct tm_cycler { /* of cycler(...), and of joiner(sep) with one item */
    tm_list *items;
    size_t at;
};

/* ---- tree ----------------------------------------------------------------------------------------- */

typedef enum {
    TM_N_CONST,  /* value */
    TM_N_NAME,   /* name */
    TM_N_ATTR,   /* a.value */
    TM_N_ITEM,   /* a[b] */
    TM_N_SLICE,  /* a[b:c:d] */
    TM_N_CALL,   /* a(b: arguments) */
    TM_N_ARG,    /* a, with a keyword's name or TM_NO_NAME */
    TM_N_FILTER, /* a | op(b); a NULL: the block's body */
    TM_N_TEST,   /* a is op(b) */
    TM_N_NEG,
    TM_N_POS,
    TM_N_NOT,
    TM_N_AND,
    TM_N_OR,
    TM_N_ARITH,   /* a op b */
    TM_N_COMPARE, /* a, then operands b: op a */
    TM_N_OPERAND,
    TM_N_JOIN, /* a ~ next ~ ... */
    TM_N_IFELSE,
    TM_N_LIST, /* items a */
    TM_N_TUPLE,
    TM_N_DICT, /* pairs a: a, b */
    TM_N_PAIR,
    TM_N_NSREF, /* a target: name.value */
    /* statements */
    TM_N_DATA,  /* value */
    TM_N_PRINT, /* a */
    TM_N_IF,    /* branches a: a condition or NULL, b body */
    TM_N_BRANCH,
    TM_N_FOR,          /* a target, b iterated, c condition, d body, e else */
    TM_N_SET,          /* a target, b */
    TM_N_SET_BLOCK,    /* a target, b body, c filters */
    TM_N_MACRO,        /* name, a parameters, b body, op: TM_USES_* */
    TM_N_PARAM,        /* name, a default */
    TM_N_CALL_BLOCK,   /* a call, b TM_N_MACRO */
    TM_N_FILTER_BLOCK, /* a filters, b body */
    TM_N_WITH,         /* a pairs, b body */
    TM_N_BREAK,
    TM_N_CONTINUE,
    TM_N_SCOPE /* b body: what the generation tag holds */
} tm_node_kind;

enum { TM_USES_VARARGS = 1, TM_USES_KWARGS = 2, TM_USES_CALLER = 4 };
#define TM_NO_NAME UINT32_MAX

struct tm_node {
    uint8_t kind, op;
    uint32_t at;   /* byte of the source */
    uint32_t name; /* into roma_template.name */
    tm_node *a, *b, *c, *d, *e, *next;
    tm_value value;
};

struct roma_template {
    tm_pool pool;
    char *source; /* line ends are \n, a last one is gone */
    size_t len;
    char *file;
    const tm_text **name; /* each name once */
    uint32_t n_names;
    size_t cap_names;
    tm_node *body;
};

/* ---- tokens (lex.c) ------------------------------------------------------------------------------- */

typedef enum {
    TM_T_DATA,
    TM_T_BLOCK_BEGIN,
    TM_T_BLOCK_END,
    TM_T_PRINT_BEGIN,
    TM_T_PRINT_END,
    TM_T_NAME,
    TM_T_STRING,
    TM_T_INT,
    TM_T_REAL,
    TM_T_OP, /* op: its first character, or one of TM_OP_* */
    TM_T_END
} tm_token_kind;
enum { TM_OP_EQ = 128, TM_OP_NE, TM_OP_GE, TM_OP_LE, TM_OP_FLOORDIV, TM_OP_POW, TM_OP_IN, TM_OP_NOT_IN };

typedef struct {
    uint8_t kind, op;
    uint32_t at, len; /* in the source; of a string with its quotes */
} tm_token;
typedef struct {
    tm_token *v;
    size_t n, cap;
} tm_tokens;

/* Error of a template at byte `at` of its source: "file: line N: column M: ...". */
int roma_template_fail(const roma_template *t, int code, size_t at, roma_error *err, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Tokens of the source, the caller's array. */
int roma_template_lex(const roma_template *t, tm_tokens *out, roma_error *err);

/* ---- parsing (parse.c statements, parse_expr.c expressions) ---------------------------------------- */

typedef struct {
    roma_template *t;
    const tm_token *tok; /* the next one; the last is TM_T_END for good */
    const tm_token *last;
    roma_error *err;
    int rc;
    uint32_t depth, loops,
        soft;     /* soft: conditions around, in which an unknown filter is an error only once it is reached */
    uint8_t uses; /* TM_USES_* of the macro that is being read */
} tm_parser;

int roma_template_parse(roma_template *t, roma_error *err);
void roma_template_refuse(tm_parser *p, const tm_token *at, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
tm_node *roma_template_node(tm_parser *p, tm_node_kind kind, const tm_token *at);
uint32_t roma_template_intern(tm_parser *p, const tm_token *name);
bool roma_template_is_op(const tm_parser *p, unsigned op);
bool roma_template_is_name(const tm_parser *p, const char *name);
bool roma_template_skip_op(tm_parser *p, unsigned op);
bool roma_template_skip_name(tm_parser *p, const char *name);
void roma_template_expect_op(tm_parser *p, unsigned op);
const tm_token *roma_template_expect_name(tm_parser *p);
tm_node *roma_template_expression(tm_parser *p, bool with_if);
/* One expression, or a tuple of several without brackets; ends before `in` or `recursive` when asked to. */
tm_node *roma_template_tuple(tm_parser *p, bool with_if, bool brackets);
/* What may be assigned to: a name, a tuple of them, or with_space an attribute of a namespace. */
tm_node *roma_template_target(tm_parser *p, bool with_space);
/* Filters after `|`, or, without a subject, those of a filter block. */
tm_node *roma_template_filters(tm_parser *p, tm_node *subject, bool first_is_there);
tm_node *roma_template_unary(tm_parser *p, bool with_filter);

/* ---- the machine ---------------------------------------------------------------------------------- */

/* A variable in a scope. */
typedef struct tm_variable tm_variable;
struct tm_variable {
    uint32_t name;
    tm_value v;
    tm_variable *next;
};
struct tm_scope {
    tm_scope *up;
    tm_variable *first;
};

/* Text that is being written: bytes of one origin until another comes. */
typedef struct {
    char *p;
    uint8_t *data;
    size_t len, cap;
    uint8_t origin;
} tm_sink;

typedef struct {
    const roma_template *t;
    const roma_template_input *in;
    roma_template_limits limits;
    tm_pool pool;
    roma_error *err;
    int rc; /* first failure; values after it mean nothing, and nothing is written */
    uint64_t steps;
    uint32_t depth;
    const tm_node *at; /* being evaluated, for messages */
    tm_scope *scope;
    tm_value subject; /* of a filter block */
    tm_scope *root;
    tm_dict globals;
} tm_machine;

/* Records the first failure at the node that is evaluated. */
void roma_template_stop(tm_machine *m, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Counts steps; false beyond the limit, and after any failure. */
bool roma_template_steps(tm_machine *m, uint64_t n);
/* Memory of the rendering; NULL after a failure was recorded. */
void *roma_template_get(tm_machine *m, size_t bytes);

/* ---- values (value.c) ------------------------------------------------------------------------------ */

static inline tm_value roma_template_undefined(const char *why) {
    return (tm_value){.kind = TM_UNDEFINED, .u = {.why = why}};
}
static inline tm_value roma_template_none(void) { return (tm_value){.kind = TM_NONE}; }
static inline tm_value roma_template_bool(bool b) { return (tm_value){.kind = TM_BOOL, .u = {.flag = b}}; }
static inline tm_value roma_template_int(int64_t i) { return (tm_value){.kind = TM_INT, .u = {.i = i}}; }
static inline tm_value roma_template_real(double r) { return (tm_value){.kind = TM_REAL, .u = {.r = r}}; }
static inline tm_value roma_template_text(const tm_text *t) { return (tm_value){.kind = TM_TEXT, .u = {.text = t}}; }
static inline tm_value roma_template_of_list(tm_list *l) { return (tm_value){.kind = TM_LIST, .u = {.list = l}}; }

/* Text of a constant of ours. */
tm_value roma_template_literal(tm_machine *m, const char *s);
/* Bytes [at, at + n) of a text. */
tm_value roma_template_part(tm_machine *m, const tm_text *s, size_t at, size_t n);
tm_value roma_template_list(tm_machine *m, tm_form form, size_t cap);
bool roma_template_append(tm_machine *m, tm_list *l, tm_value v);
tm_value roma_template_dict(tm_machine *m, tm_kind kind);
/* A pair whose key is known not to be in the dictionary. */
void roma_template_append_pair(tm_machine *m, tm_dict *d, tm_value key, tm_value v);
/* Sets a key of a dictionary; one of text is found by its bytes. */
bool roma_template_put(tm_machine *m, tm_dict *d, tm_value key, tm_value v);
/* What a key that can be one leads to, or NULL. */
const tm_value *roma_template_look(tm_machine *m, const tm_dict *d, tm_value key);
bool roma_template_true(const tm_value *v);
bool roma_template_same(tm_machine *m, const tm_value *a, const tm_value *b);
/* a < b by -1, 0, 1; stops when they have no order. */
int roma_template_order(tm_machine *m, const tm_value *a, const tm_value *b, const char *op);
/* The items of what can be iterated over, as a list that is not to be changed; NULL after a stop. Takes all of a lazy
 * one. */
tm_list *roma_template_items(tm_machine *m, const tm_value *v);
/* Whether a value is a number, and which: whole ones and truths into *i, others into *r. */
typedef enum { TM_NO_NUMBER, TM_WHOLE, TM_BROKEN } tm_number;
tm_number roma_template_number(const tm_value *v, int64_t *i, double *r);
/* What a value is, for messages. */
const char *roma_template_what(const tm_value *v);
bool roma_template_hashable(const tm_value *v);
/* len(): false where a value has none. */
bool roma_template_length(const tm_value *v, int64_t *n);
bool roma_template_in(tm_machine *m, const tm_value *item, const tm_value *where);

/* ---- text (text.c, case.c) ------------------------------------------------------------------------- */

/* Character at p and its bytes; one that is no UTF-8 is a character of one byte, above U+10FFFF. */
uint32_t roma_template_char(const char *p, size_t left, unsigned *n);
unsigned roma_template_char_put(uint32_t c, char out[4]);
bool roma_template_space(uint32_t c); /* Python's str.isspace of one character */
size_t roma_template_chars(const tm_text *s);
/* Byte of the i-th character, or len. */
size_t roma_template_char_at(const tm_text *s, size_t i);
bool roma_template_is(const tm_text *s, const char *what);
/* Place of `what` in s from byte `from` on, or SIZE_MAX. */
size_t roma_template_find(const tm_text *s, size_t from, const tm_text *what);
typedef enum { TM_LEFT = 1, TM_RIGHT = 2 } tm_side;
/* Without characters of a set (NULL: white space) at its ends. */
tm_value roma_template_strip(tm_machine *m, const tm_text *s, const tm_text *set, unsigned sides);
/* TM_WORDS: as a title, word by word; a word begins behind what has no case. */
typedef enum { TM_LOWER, TM_UPPER, TM_CAPITALIZE, TM_TITLE, TM_WORDS } tm_case;
tm_value roma_template_case(tm_machine *m, const tm_text *s, tm_case how);
/* The characters that c becomes; 0: itself. title: as the first of a word. */
unsigned roma_template_map_case(uint32_t c, tm_case how, uint32_t out[3]);
/* Whether a character has case: another one is its capital or its small letter. */
bool roma_template_is_cased(uint32_t c);
bool roma_template_printable(uint32_t c);

void roma_template_write(tm_machine *m, tm_sink *s, const char *p, size_t n, tm_origin origin);
void roma_template_write_text(tm_machine *m, tm_sink *s, const tm_text *t);
void roma_template_write_part(tm_machine *m, tm_sink *s, const tm_text *t, size_t at, size_t n);
/* str() of a value, and JSON. */
void roma_template_write_value(tm_machine *m, tm_sink *s, const tm_value *v);
typedef struct {
    bool ascii, sort;
    const tm_text *indent;              /* NULL: on one line */
    const tm_text *between, *after_key; /* separators */
} tm_json;
void roma_template_write_json(tm_machine *m, tm_sink *s, const tm_value *v, const tm_json *how);
tm_value roma_template_done(tm_machine *m, const tm_sink *s);
const tm_text *roma_template_str(tm_machine *m, const tm_value *v);
/* With &, <, >, " and ' as HTML writes them, as markup; markup as it is. */
const tm_text *roma_template_escape(tm_machine *m, const tm_value *v);
tm_value roma_template_markup(tm_machine *m, const tm_text *s);
tm_value roma_template_concat(tm_machine *m, const tm_text *a, const tm_text *b);
tm_value roma_template_replace(tm_machine *m, const tm_text *s, const tm_text *old, const tm_text *new, int64_t count);
tm_value roma_template_join(tm_machine *m, const tm_text *between, const tm_list *l);
tm_value roma_template_format(tm_machine *m, const tm_text *s, const tm_value *args, size_t n); /* the % operator */

/* ---- evaluation (eval.c, run.c, call.c, methods.c, filters*.c, tests.c, strftime.c, input.c) -------- */

/* Arguments of a call: positions, then keywords. */
enum { TM_ARGS_MAX = 32 };
typedef struct {
    tm_value v[TM_ARGS_MAX];
    uint32_t name[TM_ARGS_MAX]; /* of keywords */
    unsigned n, n_named;        /* v has n positions, then n_named keywords */
} tm_args;

tm_value roma_template_eval(tm_machine *m, const tm_node *n);
tm_value roma_template_item(tm_machine *m, const tm_value *of, const tm_value *key);
tm_value roma_template_slice(tm_machine *m, const tm_value *of, const tm_value *from, const tm_value *to,
                             const tm_value *step);
tm_value roma_template_arith(tm_machine *m, unsigned op, const tm_value *a, const tm_value *b);
tm_value roma_template_invoke(tm_machine *m, const tm_value *callee, tm_args *args);
tm_value roma_template_macro_call(tm_machine *m, const tm_macro *macro, tm_args *args);
tm_value roma_template_method_call(tm_machine *m, const tm_method *method, tm_args *args);
/* A method of a value by name, or undefined; *known says whether Python has one that is refused here. */
tm_value roma_template_method(tm_machine *m, const tm_value *of, const tm_text *name);
tm_value roma_template_strftime(tm_machine *m, const tm_text *format);
/* Runs statements; what break and continue leave. */
typedef enum { TM_GO, TM_BROKE, TM_CONTINUED } tm_flow;
tm_flow roma_template_run(tm_machine *m, const tm_node *body, tm_sink *out);
tm_scope *roma_template_scope(tm_machine *m, tm_scope *up);
/* What the template is given, as values of the outermost scope. */
void roma_template_take_input(tm_machine *m);

/* Filters and tests by name: number, or -1 for none, or -2 for one of jinja2's that is not supported. */
int roma_template_filter_find(const char *name, size_t len);
int roma_template_test_find(const char *name, size_t len);
#define TM_UNKNOWN 255 /* op of a filter or test that jinja2 does not know either, where it is never reached */
tm_value roma_template_filter(tm_machine *m, unsigned id, const tm_value *subject, tm_args *args);
bool roma_template_test(tm_machine *m, unsigned id, const tm_value *subject, tm_args *args);

/* Takes the arguments of a call that are called so, in this order: names end with NULL, a leading '*' says that one is
 * needed. Absent ones become undefined with u.why NULL. False after a stop. */
bool roma_template_bind(tm_machine *m, const tm_args *args, const char *what, const char *const *names, tm_value *out);
static inline bool roma_template_given(const tm_value *v) { return v->kind != TM_UNDEFINED || v->u.why; }
/* An argument that is a whole number; `otherwise` where it is absent. */
int64_t roma_template_whole(tm_machine *m, const tm_value *v, int64_t otherwise);

#endif
