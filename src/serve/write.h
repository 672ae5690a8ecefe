/* Answers of each protocol as text: whole, or event by event. Pure functions over what an answer has become; contract
 * of write_openai.c, write_response.c and write_ollama.c. */
#ifndef ROMA_SERVE_WRITE_H
#define ROMA_SERVE_WRITE_H

#include "serve/asked.h"

/* A call of a tool: places in choice.texts. */
typedef struct {
    size_t name, name_len, args, args_len;
    char id[40];
} told_call;

/* One answer of a request, as far as it has come. */
typedef struct {
    roma_buf content, reasoning; /* kept where the whole is told at the end */
    roma_buf calls, texts;       /* told_call; their names and arguments */
    roma_buf probs, ids;         /* roma_answer_probs, int32_t, where they were asked for */
    bool is_over, has_role;
    const char *finish;                                 /* "stop", "length", "tool_calls"; NULL: not over */
    size_t offset;                                      /* characters told, for text_offset */
    uint32_t n_prompt, n_answer, n_reasoning, n_shared; /* tokens; of the answer's, those of reasoning */
    uint32_t prompt; /* of which prompt of the request, and the how-manieth of its answers */
    uint64_t seed;
    double first_s, seconds;
    uint32_t items; /* of responses: items begun */
    size_t n_told;  /* of responses: the probabilities that a stream has told, of those in probs */
    int open;       /* of responses: what is open, a told_kind, or -1 */
    roma_buf item;  /* of responses: text of the item that is open */
} choice;

/* What is told of a request, for all its answers. */
typedef struct {
    const asked *a;
    const roma_tokenizer *tok;
    char id[40];     /* without the protocol's prefix */
    int64_t created; /* seconds since 1970 */
    char model[80];  /* as it is called here */
    char fingerprint[24];
    bool draws; /* a seed mattered */
    choice *choices;
    size_t n;
    uint64_t events; /* of responses: sequence_number */
} told;

/* What an answer has grown by. */
typedef enum { TOLD_CONTENT, TOLD_REASONING, TOLD_CALL, TOLD_ARGUMENTS, TOLD_CALL_END, TOLD_FINISH } told_kind;
typedef struct {
    told_kind kind;
    const char *text; /* len bytes; of CALL the tool's name */
    size_t len;
    uint32_t index;                 /* of the call */
    const char *id;                 /* of CALL */
    const roma_answer_probs *probs; /* n_probs of them; of CONTENT and FINISH */
    size_t n_probs;
    const int32_t *ids;
    size_t n_ids;
} told_delta;

/* An error as its client sees it; static texts but the message. */
typedef struct {
    int status;
    const char *type, *code; /* code NULL: null */
    const char *param;       /* NULL or "": null */
    char message[768];
} told_error;

/* How a protocol writes. All append to *out; a stream's first bytes, what an answer has grown by, the end of all, the
 * answer in one piece, an error as a stream's last event. */
typedef struct {
    const char *stream_type; /* content type of a stream */
    void (*begin)(told *t, roma_buf *out);
    void (*delta)(told *t, size_t k, const told_delta *d, roma_buf *out);
    void (*end)(told *t, roma_buf *out);
    void (*whole)(told *t, roma_buf *out);
    void (*fail)(told *t, const told_error *e, roma_buf *out);
    void (*error)(const told_error *e, roma_buf *out); /* the body of an answer that is an error */
    bool keeps;                                        /* the end of a stream tells the whole again */
} told_form;
const told_form *roma_serve_told_form_of(asked_form f);

/* The body of an error, in OpenAI's shape, and in ollama's. */
void roma_serve_told_error_json(const told_error *e, roma_buf *out);
void roma_serve_told_error_ollama(const told_error *e, roma_buf *out);

/* ---- pieces, for the files of this group ---- */

extern const told_form roma_serve_told_chat, roma_serve_told_text, roma_serve_told_response, roma_serve_told_ollama;

/* Sums over all answers: tokens of prompts (each once), of answers and of reasoning in these, of prompts' shared
 * beginnings. */
typedef struct {
    uint64_t prompt, answer, reasoning, shared;
    double first_s, seconds;
} told_sums;
told_sums roma_serve_told_sum(const told *t);
/* An event of server-sent events around what `put` writes; name NULL: none. */
void roma_serve_told_event_begin(roma_buf *out, const char *name);
void roma_serve_told_event_end(roma_buf *out);
static inline const told_call *told_calls(const choice *c) { return (const told_call *)(const void *)c->calls.data; }
static inline size_t told_n_calls(const choice *c) { return c->calls.len / sizeof(told_call); }
static inline const char *told_text_of(const roma_buf *b) { return b->data ? (const char *)b->data : ""; }
/* Embeddings: n rows of `width` values, one after the other. */
void roma_serve_told_embeddings(const told *t, const float *rows, size_t width, roma_buf *out);
void roma_serve_told_embeddings_ollama(const told *t, const float *rows, size_t width, roma_buf *out);

#endif
