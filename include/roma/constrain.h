/* constrain - output that keeps to a form: a grammar or a JSON schema as an automaton over bytes, and over a vocabulary
 * the tokens that may come next (docs/constrain.md).
 *
 * A roma_constrain is one form, compiled once. roma_constrain_words is a vocabulary made ready for forms, once for each
 * tokenizer. A roma_constrain_state is one answer on its way: before each token the state gives the mask of those that
 * may come, and takes the one that was chosen. A token is in the mask exactly when the text so far, with that token
 * behind it, is the beginning of a text of the form; an end-of-text token exactly when the text so far is one.
 *
 * Forms come from others, so they are hostile: their text has at most ROMA_CONSTRAIN_TEXT_MAX bytes, nothing recurses
 * on it, and what would become too large is refused. Texts nest at most ROMA_CONSTRAIN_DEPTH_MAX deep: deeper ones do
 * not belong to a form.
 *
 * Threads: forms and words are read-only once they were made, and any number of threads may use them; a state belongs
 * to one thread at a time. */
#ifndef ROMA_CONSTRAIN_H
#define ROMA_CONSTRAIN_H

#include "roma/text.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ROMA_CONSTRAIN_TEXT_MAX = 64 << 10, /* bytes of a grammar or schema */
    ROMA_CONSTRAIN_DEPTH_MAX = 64       /* rules inside one another in a text of the form */
};

/* ---- forms --------------------------------------------------------------------------------------- */

typedef enum {
    ROMA_CONSTRAIN_GRAMMAR, /* GBNF, the notation of llama.cpp; its rule "root" is the form */
    ROMA_CONSTRAIN_SCHEMA,  /* a JSON schema; texts are JSON that validates */
    ROMA_CONSTRAIN_JSON     /* any JSON object; no text is read */
} roma_constrain_kind;

typedef struct roma_constrain roma_constrain;
/* Compiles a form of len bytes of text, of which nothing is kept. file (may be NULL): the form's name in messages. *c
 * is the caller's, ended by roma_constrain_destroy; NULL after a failure. EINPUT for a text that is no grammar or
 * schema, or a form to which no text belongs; EUNSUPPORTED for what is not supported or too large; both name the line,
 * the column and of a schema the path (#/properties/a); ENOMEM. */
int roma_constrain_create(roma_constrain **c, roma_constrain_kind kind, const char *text, size_t len, const char *file,
                          roma_error *err);
void roma_constrain_destroy(roma_constrain *c);
/* Bytes of heap that a form holds. */
size_t roma_constrain_bytes(const roma_constrain *c);

/* Pieces of a grammar, for those who write one around schemas, such as
 *     root ::= "<tool_call>" tool-0 "</tool_call>"
 *     tool-0 ::= ... the rules that roma_constrain_put_schema appends ...
 * Appends to `grammar` the rule `name` and others whose names begin with `name` and a '-': the texts of the rule are
 * those of the schema. name: letters, digits and '-', at most 32; no other rule's name begins with it and a '-'.
 * schema: len bytes of JSON. Errors as roma_constrain_create; *grammar is then of no use. */
int roma_constrain_put_schema(roma_buf *grammar, const char *name, const char *schema, size_t len, const char *file,
                              roma_error *err);
/* Appends a literal of GBNF, quotes included, for exactly these len bytes of UTF-8. EINPUT for other bytes. */
int roma_constrain_put_literal(roma_buf *grammar, const char *text, size_t len, roma_error *err);
/* As roma_constrain_create of a grammar that the program itself wrote with the two functions above: its text may be
 * ROMA_CONSTRAIN_WRITTEN_MAX bytes long. */
#define ROMA_CONSTRAIN_WRITTEN_MAX (4u << 20)
int roma_constrain_create_written(roma_constrain **c, const roma_buf *grammar, roma_error *err);

/* What OpenAI's response_format asks for, also in the form of its Responses ("text": {"format": ...}). */
typedef struct {
    bool is_free; /* {"type": "text"}: nothing */
    roma_constrain_kind kind;
    const char *schema; /* a piece of the JSON that was read, n_schema bytes; of SCHEMA alone */
    size_t n_schema;
} roma_constrain_format;
/* Reads len bytes of JSON, an object with `type` text, json_object or json_schema; the schema is not looked at, and
 * makes a json_object a SCHEMA too. Keys that change nothing of a text (name, description, strict) are passed, and so
 * is what is null; EINPUT for any other, and for what is no such object; ENOMEM. */
int roma_constrain_read_format(const char *json, size_t len, roma_constrain_format *out, roma_error *err);

/* ---- a vocabulary -------------------------------------------------------------------------------- */

typedef struct roma_constrain_words roma_constrain_words;
/* Makes a tokenizer's vocabulary ready; the tokenizer must outlive the words. vocab: logits of the engine, at least as
 * many as there are tokens; ids beyond the tokens are never allowed. shown: n_shown control tokens whose text counts,
 * as the marks of tool calls do; other control tokens never come. *w is the caller's, ended by
 * roma_constrain_words_destroy; NULL after a failure: ENOMEM. */
int roma_constrain_words_create(roma_constrain_words **w, const roma_tokenizer *t, uint32_t vocab, const int32_t *shown,
                                size_t n_shown, roma_error *err);
void roma_constrain_words_destroy(roma_constrain_words *w);
size_t roma_constrain_words_bytes(const roma_constrain_words *w); /* of heap */

/* ---- an answer on its way ------------------------------------------------------------------------ */

typedef struct roma_constrain_state roma_constrain_state;
/* Bytes of heap of a state over a vocabulary, whatever the form; only create takes heap. */
size_t roma_constrain_state_bytes(const roma_constrain_words *w);
/* Begins a text. c and w must outlive the state. drops_space: the tokenizer drops the blank that its first token begins
 * with, where it does so at all (roma_detok: .first). *s is the caller's, ended by roma_constrain_state_destroy; NULL
 * after a failure: ENOMEM, EUNSUPPORTED for a form that can be read in too many ways. */
int roma_constrain_state_create(roma_constrain_state **s, const roma_constrain *c, const roma_constrain_words *w,
                                bool drops_space, roma_error *err);
void roma_constrain_state_destroy(roma_constrain_state *s);
/* *mask: the tokens that may come now, bit id % 64 of word id / 64, of all `vocab`; the state's, until the next call.
 * EINPUT: no token of the vocabulary can go on here, as one that lacks the bytes; EUNSUPPORTED: the text so far can be
 * read in too many ways. */
int roma_constrain_mask(roma_constrain_state *s, const uint64_t **mask, roma_error *err);
/* Takes the token that was chosen. EINPUT: it was not in the mask; EUNSUPPORTED as above. After an error only destroy
 * may follow. An end-of-text token changes nothing. */
int roma_constrain_accept(roma_constrain_state *s, int32_t token, roma_error *err);
/* Whether the text so far is whole; whether, besides, nothing can follow. */
bool roma_constrain_may_end(const roma_constrain_state *s);
bool roma_constrain_must_end(const roma_constrain_state *s);

#ifdef __cplusplus
}
#endif
#endif
