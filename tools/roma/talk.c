/* A conversation's messages and turns; contract in talk.h. */
#include "talk.h"

#include <stdlib.h>
#include <string.h>

/* ---- messages ---- */

static void forget(talk *t, size_t from) {
    while (t->n_messages > from) free((void *)(uintptr_t)t->messages[--t->n_messages].text);
}

bool talk_say(talk *t, roma_role role, const char *text, size_t len) {
    char *copy = malloc(len + 1);
    if (!copy || t->n_messages == TALK_MESSAGES_MAX) {
        free(copy);
        return false;
    }
    if (len) memcpy(copy, text, len);
    copy[len] = 0;
    t->messages[t->n_messages++] = (roma_message){role, copy, len};
    return true;
}

static size_t first_turn(const talk *t) { return t->n_messages && t->messages[0].role == ROMA_ROLE_SYSTEM; }

void talk_reset(talk *t) {
    forget(t, 0);
    if (t->system) talk_say(t, ROMA_ROLE_SYSTEM, t->system, strlen(t->system));
}

int talk_begin(talk *t, const char *system, roma_error *err) {
    if (system && *system && roma_answer_is_raw(t->s.a, 0)) return no_template(err);
    char *copy = system && *system ? strdup(system) : NULL;
    if (system && *system && !copy)
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the conversation");
    free(t->system);
    t->system = copy;
    talk_reset(t);
    return ROMA_OK;
}

void talk_end(talk *t) {
    forget(t, 0);
    free(t->system);
    roma_free(t->known);
}

/* ---- a full context ---- */

static uint32_t context_of(const talk *t) { return roma_exec_memory_of(roma_answer_engine(t->s.a))->context; }

/* Ids of the conversation without its oldest turns, with an open reply. */
static int ids_without(talk *t, size_t turns, int32_t **ids, size_t *n, roma_error *err) {
    const size_t first = first_turn(t), from = first + 2 * turns;
    roma_message *m = roma_alloc_array(t->n_messages + 1, sizeof *m);
    if (!m) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the conversation");
    if (first) m[0] = t->messages[0];
    memcpy(m + first, t->messages + from, (t->n_messages - from) * sizeof *m);
    roma_answer_dialog d = t->s.dialog;
    d.messages = m;
    d.n = t->n_messages - 2 * turns;
    int rc = roma_answer_dialog_prompt(t->s.a, &d, ids, n, NULL, err);
    roma_free(m);
    if (!rc) rc = roma_answer_carry(t->s.a, t->known, t->n_known, ids, n, err);
    return rc;
}

/* A full context is told with what helps. */
static int does_not_fit(const talk *t, size_t n, roma_error *err) {
    return roma_fail(err, ROMA_ECONTEXT, "", ROMA_NOWHERE,
                     "%s, %zu tokens, does not fit the context of %u; /undo takes a turn back, /reset starts anew, %s, "
                     "--ctx makes more room",
                     t->drops && t->keep ? "the question, with the last turns that --keep names" : "the conversation",
                     n, context_of(t), t->drops ? "a smaller --keep drops more" : "--keep N drops the oldest turns");
}

static void drop(talk *t, size_t turns) {
    const size_t first = first_turn(t);
    for (size_t i = 0; i < turns; i++) {
        char shown[60];
        const roma_message *q = &t->messages[first + 2 * i];
        roma_error_name(shown, sizeof shown, q->text, q->len);
        fprintf(stderr, "roma chat: the context is full: dropped the oldest turn, \"%s\"\n", shown);
        free((void *)(uintptr_t)q[0].text);
        free((void *)(uintptr_t)q[1].text);
    }
    t->n_messages -= 2 * turns;
    memmove(t->messages + first, t->messages + first + 2 * turns, (t->n_messages - first) * sizeof *t->messages);
}

/* Ids that fit, the fewest turns dropped that make room for the question and a quarter of the context as its answer, or
 * at least for the question. Nothing is dropped when that is impossible. */
static int fitting_ids(talk *t, int32_t **ids, size_t *n, roma_error *err) {
    const uint32_t context = context_of(t), quarter = context / 4;
    const uint32_t answer = !t->drops ? 0 : t->ask.ask.limit < quarter ? t->ask.ask.limit : quarter;
    const size_t before = (t->n_messages - first_turn(t)) / 2,
                 most = t->drops && before > t->keep ? before - t->keep : 0;
    size_t turns = 0;
    for (;; turns++) {
        const int rc = ids_without(t, turns, ids, n, err);
        if (rc) return rc;
        if (*n + answer <= context || turns == most) break;
        roma_free(*ids);
        *ids = NULL;
    }
    if (*n > context) return does_not_fit(t, *n, err);
    drop(t, turns);
    return ROMA_OK;
}

/* ---- a turn ---- */

/* What the next turn begins with, if memory allows: without, more is computed, and nothing else changes. */
static void know(talk *t, const int32_t *ids, size_t n, const reply *r) {
    int32_t *all = roma_alloc_array(n + r->n + 1, sizeof *all);
    roma_free(t->known);
    t->known = all;
    t->n_known = all ? n + r->n : 0;
    if (all) memcpy(all, ids, n * sizeof *all);
    if (all && r->n) memcpy(all + n, r->ids, r->n * sizeof *all);
}

static int answer(talk *t, reply *r, roma_error *err) {
    int32_t *ids = NULL;
    size_t n = 0;
    roma_answer_ask ask = t->ask.ask;
    int rc = fitting_ids(t, &ids, &n, err);
    ask.sampling.seed += t->again;
    if (!rc) {
        rc = reply_run(r, reply_request(r, &ask, ids, n, 0, &t->s.loras), err);
        putchar('\n');
        know(t, ids, n, r);
        t->last = r->result;
        t->last_n = r->n;
        t->last_prompt = n;
    }
    roma_free(ids);
    return rc;
}

/* Why an answer ended before its end. */
static void tell_end(const talk *t, const reply *r) {
    fflush(stdout);
    if (r->result.stop == ROMA_ANSWER_LENGTH)
        fprintf(stderr, "roma chat: the answer was cut at %u tokens; /set n N allows more\n", t->ask.ask.limit);
    if (r->result.stop == ROMA_ANSWER_CONTEXT)
        fprintf(stderr, "roma chat: the answer was cut, as the context of %u tokens is full; %s\n", context_of(t),
                t->drops ? "the next question drops the oldest turns" : "/undo takes a turn back, /reset starts anew");
}

int talk_ask(talk *t, const char *text, size_t len, roma_error *err) {
    reply r = {.s = &t->s};
    if (t->n_messages + 2 > TALK_MESSAGES_MAX || !talk_say(t, ROMA_ROLE_USER, text, len))
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no room for another message; /reset makes some");
    const int rc = answer(t, &r, err);
    const bool stays = !rc || rc == ROMA_ECANCEL;
    if (!stays || !talk_say(t, ROMA_ROLE_ASSISTANT, r.text.data ? (const char *)r.text.data : "", r.text.len))
        forget(t, t->n_messages - 1);
    if (!rc) tell_end(t, &r);
    reply_destroy(&r);
    interrupted = 0;
    return rc == ROMA_ECANCEL ? ROMA_OK : rc;
}

char *talk_undo(talk *t, size_t *len, roma_error *err) {
    *len = 0;
    if (t->n_messages < first_turn(t) + 2) {
        roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "there is no turn to take back");
        return NULL;
    }
    forget(t, t->n_messages - 1);
    *len = t->messages[--t->n_messages].len;
    return (char *)(uintptr_t)t->messages[t->n_messages].text;
}

int talk_again(talk *t, roma_error *err) {
    size_t len;
    char *question = talk_undo(t, &len, err);
    if (!question) return ROMA_EUSAGE;
    t->again++;
    const int rc = talk_ask(t, question, len, err);
    free(question);
    return rc;
}
