/* A conversation: its messages, and what becomes of them when the context is full. Each turn the whole of it is turned
 * into ids again, and only what differs from the turn before is computed. */
#ifndef TOOLS_TALK_H
#define TOOLS_TALK_H

#include "ask.h"
#include "reply.h"

enum { TALK_MESSAGES_MAX = 4096 };

/* A turn is a question with its answer. */
typedef struct {
    session s;
    ask_options ask;
    char *system; /* owned; NULL: the template's own */
    bool drops;   /* turns are dropped when the context is full, but for the last `keep` */
    uint32_t keep;
    roma_message messages[TALK_MESSAGES_MAX]; /* their texts are owned */
    size_t n_messages;
    int32_t *known; /* owned: ids of the last turn, its answer's among them, which the cache may hold */
    size_t n_known;
    uint64_t again; /* answers drawn anew, each with another seed */
    roma_answer_result last;
    size_t last_n, last_prompt; /* tokens */
} talk;

/* Another system message (copied; NULL: the template's own), and no turns. ENOMEM. */
int talk_begin(talk *t, const char *system, roma_error *err);
void talk_reset(talk *t);
bool talk_say(talk *t, roma_role role, const char *text, size_t len); /* puts a message, copied, behind the others */
/* A question and its answer, which is printed. A failure takes the question back, so that the conversation stays as it
 * was; a question that does not fit the context is ECONTEXT, with what to do. What is dropped is said on stderr. */
int talk_ask(talk *t, const char *text, size_t len, roma_error *err);
/* Takes the last turn back and gives its question, which is the caller's to free; NULL with EUSAGE: there is none. */
char *talk_undo(talk *t, size_t *len, roma_error *err);
/* Answers the last question once more, from another seed. */
int talk_again(talk *t, roma_error *err);
/* Keeps the conversation in a file, cache and all, bound to image and adapters; *tokens of it are in the cache. A
 * conversation that has no answer yet under its adapters is EUSAGE. Errors of roma_answer_cache_save. */
int talk_save(talk *t, const char *path, uint32_t *tokens, roma_error *err);
/* Goes on with the conversation of a file, in place of this one, which an error leaves as it was: of
 * roma_answer_cache_load, and EINPUT for a file that holds no conversation. */
int talk_load(talk *t, const char *path, roma_error *err);
void talk_end(talk *t);

#endif
