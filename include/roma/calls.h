/* calls - tool calls and reasoning in the text of answers.
 *
 * A model that was given tools asks for one in the text of its answer, in a form of its own: `<tool_call>` with JSON,
 * `[TOOL_CALLS]` with an array, tags, JSON alone. The room finds that form by rendering the model's chat template
 * over conversations with calls in them and looking at what came out (docs/tools.md), takes calls and reasoning out of
 * an answer while it grows, writes a grammar that lets a model write nothing but calls, and brings messages and tools
 * of clients into what templates expect.
 *
 * What a model writes is input that nobody vouches for: no text makes the parser fail. What is no call is content, byte
 * for byte.
 *
 * Threads: forms and tools are read-only once they were made, and any number of threads may use them; a parser belongs
 * to one thread at a time. */
#ifndef ROMA_CALLS_H
#define ROMA_CALLS_H

#include "roma/base.h"
#include "roma/template.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ROMA_CALLS_NAME_MAX = 64,   /* bytes of a tool's name, of A-Z a-z 0-9 _ - */
    ROMA_CALLS_MARK_MAX = 127,  /* bytes of a mark */
    ROMA_CALLS_TOOLS_MAX = 128, /* tools of a request */
    ROMA_CALLS_MOST = 128,      /* calls of an answer */
    ROMA_CALLS_ID_CAP = 10      /* bytes of a call's id: nine and a 0 */
};

/* ---- the form ------------------------------------------------------------------------------------ */

/* How a call is written; id, text */
#define ROMA_CALLS_KINDS(X)                                                                                            \
    X(NONE, "none")     /* the template writes no calls that are understood: answers are content */                    \
    X(OBJECT, "object") /* a JSON object holds name and arguments: Hermes, Qwen, Llama 3.x, Mistral's array */         \
    X(NAMED, "named")   /* the name, a mark, the arguments as a JSON object: Mistral's later form, DeepSeek */         \
    X(TAGGED, "tagged") /* the name, then each argument between marks: Qwen3-Coder */
typedef enum {
#define X(id, text) ROMA_CALLS_##id,
    ROMA_CALLS_KINDS(X)
#undef X
} roma_calls_kind;
/* The text of a kind: "object", ...; static. */
const char *roma_calls_kind_name(roma_calls_kind k);

/* A text that a template writes around what varies, `len` bytes and a 0. */
typedef struct {
    uint8_t len;
    char text[ROMA_CALLS_MARK_MAX + 1];
} roma_calls_mark;

/* A form of calls and reasoning: plain data without pointers, to be copied at will. Marks are as the template writes
 * them, white space and all, which may be more, less or none in what a model writes. */
typedef struct {
    roma_calls_kind kind;
    roma_calls_mark begin; /* before the first call; empty: a call is only where an answer begins */
    roma_calls_mark next;  /* between two calls */
    roma_calls_mark end;   /* behind the last call */
    bool is_section; /* `next` is more than an end and a beginning: the calls of an answer stand within one pair */
    /* OBJECT: the keys of name, arguments and, unless empty, id. */
    roma_calls_mark name, arguments, id;
    /* NAMED, TAGGED: what stands behind the name. NAMED with an id there: what stands behind the id. */
    roma_calls_mark after_name, after_id;
    bool has_id;
    /* TAGGED: before each key; between key and value; behind a value; behind the last one. */
    roma_calls_mark key, value, value_end, close;
    bool value_lines;    /* values stand on lines of their own */
    bool many;           /* the template writes more than one call of a message */
    bool text_arguments; /* the template takes arguments as JSON in a text, not as an object */
    bool null_content;   /* the template takes calls beside no content, not beside an empty one */
    bool short_ids;      /* the template takes only ids of nine letters and digits */
    bool built_in;       /* not the template's: roma_calls_form_built_in */
    bool no_system;      /* of the built-in form: the template takes no system message */
    /* Reasoning stands between these, where an answer begins. */
    roma_calls_mark think, think_end;
} roma_calls_form;

/* The form in which a template writes calls. t NULL: none, and reasoning between <think> and </think>. ends: texts of
 * the n_ends tokens that end an answer, none of which is part of a form. Renders a handful of short conversations.
 * ENOMEM alone is an error: a template that refuses them, or whose calls are not understood, has the form NONE. */
int roma_calls_form_find(roma_calls_form *f, const roma_template *t, const char *const *ends, size_t n_ends,
                         roma_error *err);
/* Makes *f, of kind NONE, the built-in form, for a template that knows no tools: <tool_call> around a JSON object, as
 * Hermes and Qwen have it, of which roma_calls_messages_plain tells the model. The marks of reasoning stay. t is
 * rendered to see whether it shows tools, or comes to nothing, which leaves *f as it is, and whether it takes a system
 * message; NULL: it shows none, and takes one until the caller sets f->no_system. ENOMEM. */
int roma_calls_form_built_in(roma_calls_form *f, const roma_template *t, roma_error *err);
/* Whether a text of len bytes, such as a control token's, is part of one of the form's marks: then it must reach the
 * parser although such tokens have no text for others. */
bool roma_calls_form_marks(const roma_calls_form *f, const char *text, size_t len);
/* Whether a prompt's text ends within reasoning, so that the answer begins there: a template may open it. */
bool roma_calls_form_thinks(const roma_calls_form *f, const char *prompt, size_t len);

/* ---- tools and messages of a request ------------------------------------------------------------- */

/* A tool: name and parameters, a schema as JSON, pointing into the list's text. */
typedef struct {
    const char *name, *parameters;
    size_t name_len, parameters_len;
} roma_calls_tool;
/* The tools of a request. json: the list as templates take it, `[{"type": "function", "function": {...}}]`. */
typedef struct {
    roma_calls_tool *tool;
    size_t n;
    char *json;
    size_t len;
} roma_calls_tools;
/* Reads a client's tools, JSON of len bytes: OpenAI's form of chat completions, which is ollama's too, or that of
 * responses, which has no "function" around. A tool without parameters gets those of an object without members. *t is
 * the caller's, ended by roma_calls_tools_free, which does nothing to what is all zero; empty after an error. EINPUT
 * names the tool and what is wrong: its type, its name, two of one name, parameters that are no schema of an object,
 * more than 128; ENOMEM. */
int roma_calls_tools_read(roma_calls_tools *t, const char *json, size_t len, roma_error *err);
void roma_calls_tools_free(roma_calls_tools *t);
/* The tool of a name; NULL: none has it. */
const roma_calls_tool *roma_calls_tools_find(const roma_calls_tools *t, const char *name, size_t len);

/* What a client says about which tool is to be called. */
typedef enum {
    ROMA_CALLS_CHOICE_AUTO,     /* the model's own choice */
    ROMA_CALLS_CHOICE_OFF,      /* no calls: the tools are not shown, and text is content */
    ROMA_CALLS_CHOICE_REQUIRED, /* a call of any tool */
    ROMA_CALLS_CHOICE_NAMED     /* a call of this tool */
} roma_calls_choice_kind;
typedef struct {
    roma_calls_choice_kind kind;
    const roma_calls_tool *tool; /* of NAMED: one of the list */
} roma_calls_choice;
/* Reads `tool_choice`, JSON of len bytes: "auto", "none", "required", {"type": "function", "function": {"name": N}} or
 * {"type": "function", "name": N}. EINPUT: none of these, a tool that is not in the list, or a call of an empty list.
 */
int roma_calls_choice_read(roma_calls_choice *c, const roma_calls_tools *t, const char *json, size_t len,
                           roma_error *err);

/* Messages as this form's template takes them, appended to *out, of a client's `messages`, JSON of len bytes in
 * OpenAI's or ollama's form: arguments of calls become objects, or texts where the template wants these; a call has a
 * type and an id; a message of role tool has the id and the name of its call; ids are as short as they must be; a
 * content in parts of text is one text, a line each (EUNSUPPORTED where a part is none); `developer` is `system`, and
 * ollama's `thinking` is `reasoning_content`; members that are null are left out. Everything else stands as it was.
 * EINPUT names the message and what is wrong with it; ENOMEM. */
int roma_calls_messages(const roma_calls_form *f, const char *json, size_t len, roma_buf *out, roma_error *err);

/* Messages for a template that knows no tools, appended to *out: as roma_calls_messages makes them of `json`, and then
 * calls are text in the form f, which is built in, and what they gave, messages of role tool that stand together, is a
 * message of the user's, each between <tool_response> and </tool_response>. The tools (NULL: none are shown) and the
 * form are told at the end of the system message, in one of their own where there is none, or, where the template takes
 * none, at the beginning of the user's first. Errors of roma_calls_messages; EINPUT for a content that is no text, and
 * for a conversation that has no message to tell of tools in. */
int roma_calls_messages_plain(const roma_calls_form *f, const roma_calls_tools *t, const char *json, size_t len,
                              roma_buf *out, roma_error *err);

/* The id of a call in an answer: nine letters and digits and a 0, from a text that names the answer, and the call's
 * index: the same from the same. */
void roma_calls_id(char id[ROMA_CALLS_ID_CAP], const void *answer, size_t len, uint32_t index);

/* ---- answers ------------------------------------------------------------------------------------- */

/* What a parser says of an answer. The events of a call stand together: CALL, ARGUMENTS, END. */
typedef enum {
    ROMA_CALLS_CONTENT,   /* more of the content */
    ROMA_CALLS_REASONING, /* more of the reasoning, before any content */
    ROMA_CALLS_CALL,      /* a call begins: text is the tool's name */
    ROMA_CALLS_ARGUMENTS, /* more of the call's arguments, a JSON object */
    ROMA_CALLS_END        /* the call is whole; len 0 */
} roma_calls_event_kind;
typedef struct {
    roma_calls_event_kind kind;
    uint32_t index;   /* of the call, from 0 */
    const char *text; /* len bytes, no 0 behind them, valid during the callback; of events with text len >= 1 */
    size_t len;
} roma_calls_event;

/* What a parser is made of; the form, the tools and ctx must outlive the parser. */
typedef struct {
    const roma_calls_form *form;
    const roma_calls_tools *tools; /* that may be called; NULL: no calls are looked for */
    bool in_reasoning;             /* the prompt ends within reasoning (roma_calls_form_thinks) */
    bool no_reasoning;             /* reasoning is content as it is written, marks and all */
    uint32_t most;                 /* calls; what would be another is content. 0: ROMA_CALLS_MOST */
    void *ctx;
    /* Gets the events, within push and finish. A nonzero result ends them: nothing more comes. */
    int (*event)(void *ctx, const roma_calls_event *e);
} roma_calls_config;

/* A parser of one answer. `held` bytes of memory, the caller's, hold a call until its end is seen: a longer one is
 * content. Nothing else is taken while text is content or reasoning; the end of a call takes some heap and gives it
 * back. */
#define ROMA_CALLS_HELD_MIN 1024
#define ROMA_CALLS_HELD_USUAL 65536
enum { ROMA_CALLS_PARTS = 64 }; /* arguments of a TAGGED call */
typedef struct {
    roma_calls_config c;
    /* parse.c's own */
    char *held;
    size_t cap, n, done; /* bytes that are held, of at most cap, of which the first are decided */
    roma_calls_event_kind kind;
    int state, stage;
    size_t at, from, seen, name, name_len, depth, n_parts;
    bool escape, quoted;
    struct {
        size_t key, key_len, value, value_len;
    } part[ROMA_CALLS_PARTS];
    uint32_t calls;
    int rc;
} roma_calls_parser;
void roma_calls_parser_init(roma_calls_parser *p, const roma_calls_config *c, void *held, size_t bytes);
/* Takes len bytes more of an answer, cut anywhere: the events are the same as of any other cut, but for where pieces of
 * content and reasoning end. Returns 0, or what the callback returned, then and ever after; ENOMEM. */
int roma_calls_parser_push(roma_calls_parser *p, const char *text, size_t len);
/* The answer's end: what was held is let go. Nothing may follow. */
int roma_calls_parser_finish(roma_calls_parser *p);
/* Where the end of what came so far is. */
typedef enum {
    ROMA_CALLS_AT_BEGIN, /* nothing came but blanks, or what may become the mark before reasoning or a call */
    ROMA_CALLS_IN_REASONING,
    ROMA_CALLS_BEYOND /* behind reasoning, or there was none */
} roma_calls_place;
roma_calls_place roma_calls_parser_place(const roma_calls_parser *p);
/* Calls that were whole so far. */
static inline uint32_t roma_calls_parser_calls(const roma_calls_parser *p) { return p->calls; }

/* ---- a grammar of calls -------------------------------------------------------------------------- */

/* Appends to *out a grammar in GBNF, llama.cpp's notation, of answers that are calls of these tools in this form and
 * nothing else, arguments by the tools' schemas: at least one call, and with `parallel` more where the form has more.
 * thinks: the answer begins within reasoning (roma_calls_form_thinks), which then comes first. EUNSUPPORTED for a form
 * that is NONE, and for a schema that the room `constrain` does not express, with the tool's name; EINPUT for a choice
 * of AUTO or OFF; ENOMEM. */
int roma_calls_grammar(const roma_calls_form *f, const roma_calls_tools *t, const roma_calls_choice *choice,
                       bool parallel, bool thinks, roma_buf *out, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
