/* An answer as it grows: text out of tokens, stop texts held back, every reason to end. */
#include "answer/internal.h"

#include <string.h>

void roma_answer_ask_default(roma_answer_ask *k) {
    memset(k, 0, sizeof *k);
    roma_sampling_default(&k->sampling);
    k->limit = 512;
}

int roma_answer_ask_check(const roma_answer_ask *k, roma_error *err) {
    for (size_t i = 0; i < k->stops.n; i++)
        if (!k->stops.item[i].len)
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a stop text must not be empty");
    if (k->sampling.mask)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "which tokens may come is for the form of an answer to say");
    if (!k->limit) return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "an answer's limit must be at least 1 token");
    return roma_sampling_check(&k->sampling, err);
}

const char *roma_answer_stop_name(roma_answer_stop_kind k) {
    switch (k) {
#define X(id, text)                                                                                                    \
    case ROMA_ANSWER_##id: return text;
        ROMA_ANSWER_STOPS(X)
#undef X
    }
    return "?";
}

void roma_answer_grow_begin(job *j) {
    if (j->a->tok) roma_detok_init(&j->detok, j->a->tok, false);
    j->detok.first = !j->r.continues;
    j->began = roma_now();
}

static void emit(job *j, const char *text, size_t len) {
    if (len && j->r.text && !j->is_refused) j->is_refused = j->r.text(j->r.ctx, text, len) != 0;
}

/* Whether the text at s, of which `left` bytes are there, is a stop text; *maybe: it can still become one. */
static bool is_stop(const job *j, const char *s, size_t left, bool *maybe) {
    const roma_answer_texts *l = &j->r.ask.stops;
    *maybe = false;
    for (size_t i = 0; i < l->n; i++) {
        const size_t len = l->item[i].len;
        if (left >= len && memcmp(s, l->item[i].text, len) == 0) return true;
        *maybe |= left < len && memcmp(s, l->item[i].text, left) == 0;
    }
    return false;
}

/* Lets go what no stop text can take back. True: a stop text stands behind what went, and the rest is forgotten. */
static bool scan(job *j) {
    size_t free = 0;
    bool maybe = false, is = false;
    while (free < j->n_held && !(is = is_stop(j, j->held + free, j->n_held - free, &maybe)) && !maybe) free++;
    emit(j, j->held, free);
    j->n_held = is ? 0 : j->n_held - free;
    memmove(j->held, j->held + free, j->n_held);
    return is;
}

/* More text, in pieces that the held text's buffer takes: what it still holds is shorter than the longest stop text. */
static bool add(job *j, const char *text, size_t len) {
    if (!j->longest_stop) emit(j, text, len);
    while (j->longest_stop && len) {
        const size_t left = j->held_cap - j->n_held, n = len < left ? len : left;
        memcpy(j->held + j->n_held, text, n);
        j->n_held += n;
        text += n;
        len -= n;
        if (scan(j)) return true;
    }
    return false;
}

void roma_answer_grow_let_go(job *j) {
    emit(j, j->held, j->n_held);
    j->n_held = 0;
}

/* Nothing more comes: the beginning of a stop text is let go. Bytes that might have become a character are shown as
 * what they are where the model ended so, and stay back where a limit cut the character. */
static void end(job *j, roma_answer_stop_kind why) {
    char *piece = j->a->piece;
    const size_t n = j->a->tok && why == ROMA_ANSWER_EOS ? roma_detok_flush(&j->detok, piece) : 0;
    j->stop = add(j, piece, n) ? ROMA_ANSWER_STOP : why;
    roma_answer_grow_let_go(j);
}

static bool is_mark(const roma_answer *a, int32_t token) {
    size_t i = 0;
    while (i < a->n_marks && a->marks[i] != token) i++;
    return i < a->n_marks;
}

int roma_answer_grow_take(void *ctx, int32_t token, const float *logits, roma_error *err) {
    job *j = ctx;
    char *piece = j->a->piece;
    if (!j->drawn++) j->first_s = roma_now() - j->began;
    if (j->r.token) j->r.token(j->r.ctx, token, logits);
    if (j->a->tok && roma_token_is_eog(j->a->tok, token)) {
        end(j, ROMA_ANSWER_EOS);
        return 1;
    }
    const int rc = j->form ? roma_constrain_accept(j->form, token, err) : ROMA_OK;
    if (rc) return rc;
    j->ids[j->n++] = token;
    j->detok.special = j->r.marks && is_mark(j->a, token);
    if (add(j, piece, j->a->tok ? roma_detok_push(&j->detok, token, piece) : 0))
        j->stop = ROMA_ANSWER_STOP;
    else if (j->form && roma_constrain_must_end(j->form))
        end(j, ROMA_ANSWER_EOS);
    else if (j->n - j->r.n_prompt == j->r.ask.limit)
        end(j, ROMA_ANSWER_LENGTH);
    else if (j->n >= j->context)
        end(j, ROMA_ANSWER_CONTEXT);
    return j->stop != ROMA_ANSWER_NONE || j->is_refused;
}

int roma_answer_grow_mask(void *ctx, const uint64_t **mask, roma_error *err) {
    const job *j = ctx;
    return roma_constrain_mask(j->form, mask, err);
}

void roma_answer_grow_row(void *ctx, uint32_t position, const float *values) {
    const job *j = ctx;
    j->r.row(j->r.ctx, position, values);
}
