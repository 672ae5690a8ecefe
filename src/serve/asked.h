/* A request's body, read: what each protocol asks, in one structure. Pure functions over text; contract of read.c,
 * read_prompt.c, read_other.c and messages.c. */
#ifndef ROMA_SERVE_ASKED_H
#define ROMA_SERVE_ASKED_H

#include "roma/answer.h"

enum {
    ASKED_N_MAX = 16,        /* answers of one request for each prompt */
    ASKED_PROMPTS_MAX = 64,  /* prompts of /v1/completions, times n */
    ASKED_INPUTS_MAX = 2048, /* of /v1/embeddings */
    ASKED_MESSAGES_MAX = 2048,
    ASKED_STOPS_MAX = 16,
    ASKED_STOP_BYTES_MAX = 512
};

/* Protocols: whose keys a body has, and how its answer is written. */
typedef enum {
    ASKED_CHAT,     /* /v1/chat/completions */
    ASKED_TEXT,     /* /v1/completions */
    ASKED_RESPONSE, /* /v1/responses */
    ASKED_EMBED,    /* /v1/embeddings */
    ASKED_OCHAT,    /* /api/chat */
    ASKED_OTEXT,    /* /api/generate */
    ASKED_OEMBED    /* /api/embed */
} asked_form;

/* A prompt: a text, or n_ids ids from first_id of asked.ids on. */
typedef struct {
    roma_answer_text text;
    size_t first_id, n_ids;
    bool is_ids;
} asked_prompt;

/* What an answer's text must be. */
typedef enum { ASKED_ANY, ASKED_OBJECT, ASKED_SCHEMA, ASKED_GRAMMAR } asked_shape;

/* A request. Texts point into the body, which must outlive it, or into what it owns. */
typedef struct {
    asked_form form;
    roma_answer_lines lines;   /* owned; line[0] is */
    const roma_answer_line *q; /* this */
    uint32_t n;
    bool stream, usage, base64, raw, parallel, ids_back, one_prompt;
    bool has_limit;
    int think;                      /* -1: not said */
    roma_buf prompts, ids;          /* asked_prompt; int32_t */
    roma_buf told_back;             /* texts that are told back, once the body is gone */
    roma_buf messages;              /* JSON, as templates take it; len 0: none */
    roma_answer_text system;        /* instructions */
    roma_answer_text input;         /* of responses: JSON */
    roma_answer_text tools, choice; /* JSON */
    asked_shape shape;
    roma_answer_text schema; /* JSON, or a grammar's text */
    char param[ROMA_ANSWER_PARAM_MAX];
} asked;

/* Reads a body, `size` bytes, of a protocol. usual: what is not said. EINPUT and EUSAGE with q->param, the key that is
 * wrong, or "" when that is no one's; EUNSUPPORTED for what is known and not done; ENOMEM. roma_serve_asked_free ends
 * *a, after an error too. */
int roma_serve_asked_read(asked *a, asked_form form, const char *body, size_t size, const roma_answer_line *usual,
                          roma_error *err);
void roma_serve_asked_free(asked *a);
/* The key that holds what is asked. */
const char *roma_serve_asked_prompt_key(asked_form form);

static inline size_t asked_prompts(const asked *a) { return a->prompts.len / sizeof(asked_prompt); }
static inline const asked_prompt *asked_prompt_at(const asked *a, size_t i) {
    return (const asked_prompt *)(const void *)a->prompts.data + i;
}

/* ---- pieces, for the files of this group ---- */

/* The next token is the value's first; false with *rc: an error. */
int roma_serve_asked_next(roma_answer_reading *r, roma_error *err);
/* A complaint about the value that is the token now. */
int roma_serve_asked_bad(roma_answer_reading *r, int code, const char *key, const char *what, roma_error *err);
/* Values of a key whose KEY is the token: a flag; a piece of JSON as it stands. */
int roma_serve_asked_flag(roma_answer_reading *r, const char *key, bool *out, roma_error *err);
int roma_serve_asked_json(roma_answer_reading *r, roma_answer_text *out, roma_error *err);
/* A member of the value of `of` that nobody knows, whose KEY is the token: EINPUT by its name; null says nothing. */
int roma_serve_asked_unknown(roma_answer_reading *r, const char *of, roma_error *err);
int roma_serve_asked_no_memory(roma_error *err);
/* read.c: the value of `messages`, an array, in a->messages as templates take it. */
int roma_serve_asked_read_messages(asked *a, roma_answer_reading *r, roma_error *err);
/* read_prompt.c: a text, a list of texts, ids, or a list of ids, at most `most` of them. */
int roma_serve_asked_read_prompts(asked *a, roma_answer_reading *r, const char *key, size_t most, bool texts_only,
                                  roma_error *err);
/* read_other.c: keys of responses and of ollama; ROMA_ANSWER_NOT_MINE for what is none. */
int roma_serve_asked_key_response(asked *a, roma_answer_reading *r, roma_error *err);
int roma_serve_asked_key_ollama(asked *a, roma_answer_reading *r, roma_error *err);
/* read.c: whether the value says nothing: null, false, "", an empty list, an object of nothing but nulls. It is read.
 */
int roma_serve_asked_says_nothing(roma_answer_reading *r, bool *nothing, roma_error *err);
/* read.c: how long an answer may be, under any of its names. */
int roma_serve_asked_limit(asked *a, roma_answer_reading *r);
/* read.c: {"type": ...}, the shape of an answer; two shapes are EINPUT. */
int roma_serve_asked_read_shape(asked *a, roma_answer_reading *r, const char *key, roma_error *err);

/* messages.c: messages as templates take them, from a client's: contents of parts joined by line ends, `developer` as
 * `system`, what is null dropped; appended to *out as a JSON array. system (text NULL: none): instructions that go
 * before. EINPUT and EUNSUPPORTED name the message. */
int roma_serve_asked_messages(const char *json, size_t len, roma_answer_text system, roma_buf *out, roma_error *err);
/* messages of responses: a text, or a list of items. */
int roma_serve_asked_items(const char *json, size_t len, roma_answer_text system, roma_buf *out, roma_error *err);

#endif
