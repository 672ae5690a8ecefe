/* An answer as it grows, into content, reasoning and calls: byte after byte, so that the cut of the text decides
 * nothing.
 *
 * What is held is text that is decided (content or reasoning, on its way out at the end of a piece) and behind it text
 * that may become something else: white space before a mark, the beginning of a mark, a call that is not at its end.
 * Section "What an answer is taken for" of docs/tools.md. */
#include "calls/parse.h"

#include <assert.h>
#include <string.h>

void roma_calls_parser_init(roma_calls_parser *p, const roma_calls_config *c, void *held, size_t bytes) {
    assert(bytes >= ROMA_CALLS_HELD_MIN);
    memset(p, 0, sizeof *p);
    p->c = *c;
    p->held = held;
    p->cap = bytes;
    if (!p->c.most || p->c.most > ROMA_CALLS_MOST) p->c.most = ROMA_CALLS_MOST;
    p->state = p->c.in_reasoning && !p->c.no_reasoning ? CALLS_THINKS : CALLS_BEGINS;
    p->stage = p->state == CALLS_THINKS; /* its leading blanks go */
}

/* ---- what goes out ---- */

void roma_calls_tell(roma_calls_parser *p, roma_calls_event_kind kind, const char *text, size_t len) {
    const roma_calls_event e = {.kind = kind, .index = p->calls, .text = text, .len = len};
    if (!p->rc && p->c.event && (len || kind >= ROMA_CALLS_CALL)) p->rc = p->c.event(p->c.ctx, &e);
}

static void flush(roma_calls_parser *p) {
    roma_calls_tell(p, p->kind, p->held, p->done);
    memmove(p->held, p->held + p->done, p->n - p->done);
    p->n -= p->done;
    p->done = 0;
}

/* The first n of the undecided bytes are content, or reasoning. */
static void decide(roma_calls_parser *p, roma_calls_event_kind kind, size_t n) {
    if (p->done && p->kind != kind) flush(p);
    p->kind = kind;
    p->done += n;
}

/* The first n of the undecided bytes are nobody's. */
static void drop(roma_calls_parser *p, size_t n) {
    memmove(p->held + p->done, p->held + p->done + n, p->n - p->done - n);
    p->n -= n;
}

/* ---- where something may begin ---- */

static bool may_call(const roma_calls_parser *p) {
    return p->c.tools && p->c.form->kind != ROMA_CALLS_NONE && p->calls < p->c.most;
}

/* What begins at a place: the state that follows, and the bytes of its mark. */
typedef struct {
    calls_match is;
    int to;
    size_t used;
} found;

static void look(found *best, const roma_calls_mark *m, int to, const char *s, size_t n) {
    size_t used;
    const calls_match is = roma_calls_match(m, s, n, &used);
    if (is > best->is) *best = (found){is, to, used};
}

static bool is_nothing(const roma_calls_mark *m) { return !roma_calls_mark_core(m).len; }

/* A call, by the mark before it; without one by its brace, or by the tag that may stand before that. */
static void look_call(const roma_calls_parser *p, found *best, const char *s, size_t n) {
    const roma_calls_form *f = p->c.form;
    roma_calls_mark tag;
    if (!may_call(p)) return;
    if (!is_nothing(&f->begin)) {
        look(best, &f->begin, CALLS_CALLS, s, n);
    } else if (p->state != CALLS_WRITES && *s == '{') {
        *best = (found){CALLS_YES, CALLS_CALLS, 0};
    } else if (p->state != CALLS_WRITES) {
        roma_calls_mark_set(&tag, CALLS_PYTHON_TAG, sizeof CALLS_PYTHON_TAG - 1);
        look(best, &tag, CALLS_CALLS, s, n);
    }
}

/* Behind a call, before the mark that ends it: that mark, or one that leads to the next call. */
static void look_behind(const roma_calls_parser *p, found *best, const char *s, size_t n) {
    const roma_calls_form *f = p->c.form;
    if (!is_nothing(&f->end)) look(best, &f->end, CALLS_CALLED, s, n);
    if (is_nothing(&f->begin) && *s == ';') *best = (found){CALLS_YES, CALLS_CALLED, 1};
    if (!f->is_section || !may_call(p)) return;
    if (!is_nothing(&f->next))
        look(best, &f->next, CALLS_CALLS, s, n);
    else if (*s == '{')
        *best = (found){CALLS_YES, CALLS_CALLS, 0};
}

/* What begins at s, n >= 1 bytes of which the first is not blank. */
static found begins(const roma_calls_parser *p, const char *s, size_t n) {
    const roma_calls_form *f = p->c.form;
    found best = {CALLS_NO, CALLS_WRITES, 0};
    if (p->state == CALLS_THINKS) {
        look(&best, &f->think_end, CALLS_THOUGHT, s, n);
        return best;
    }
    if (p->state == CALLS_BEGINS && !p->c.no_reasoning && f->think.len) look(&best, &f->think, CALLS_THINKS, s, n);
    if (p->state == CALLS_CALLED && !p->stage) look_behind(p, &best, s, n);
    look_call(p, &best, s, n);
    return best;
}

/* What the undecided bytes, beginning with n blanks, have become. */
static void turn(roma_calls_parser *p, size_t blanks, found at) {
    p->state = at.to;
    if (at.to == CALLS_CALLS) {
        flush(p);
        roma_calls_call_begin(p, blanks + at.used);
    } else {
        drop(p, blanks + at.used);
        p->stage = 1; /* blanks that follow are nobody's; a call's end is passed */
    }
}

/* Decides some of the undecided bytes; false: more must come first. */
static bool take_text(roma_calls_parser *p) {
    const char *const s = p->held + p->done;
    const size_t n = p->n - p->done;
    size_t blanks = 0;
    while (blanks < n && roma_calls_is_blank(s[blanks])) blanks++;
    /* Blanks behind a call and on either side of a thought's marks are the form's. */
    const bool drops = p->state == CALLS_CALLED || p->state == CALLS_THOUGHT || (p->state == CALLS_THINKS && p->stage);
    const roma_calls_event_kind kind = p->state == CALLS_THINKS ? ROMA_CALLS_REASONING : ROMA_CALLS_CONTENT;
    if (!n) return false;
    if (drops && blanks) {
        drop(p, blanks);
        return true;
    }
    if (blanks == n) {
        if (blanks > CALLS_BLANKS) decide(p, kind, 1);
        return blanks > CALLS_BLANKS;
    }
    const found at = begins(p, s + blanks, n - blanks);
    if (at.is == CALLS_MAYBE) return false;
    if (at.is == CALLS_YES) {
        turn(p, blanks, at);
    } else if (p->state == CALLS_THINKS || p->state == CALLS_WRITES) {
        decide(p, kind, blanks + 1);
        p->stage = 0;
    } else {
        p->state = CALLS_WRITES;
    }
    return true;
}

/* ---- calls ---- */

/* What was taken for a call is content, but for its last `left` bytes, which are looked at again, and for what stands
 * behind the mark of another call in it. */
static void refuse(roma_calls_parser *p, size_t left) {
    const roma_calls_mark begin = roma_calls_mark_core(&p->c.form->begin);
    const size_t at = begin.len ? roma_calls_find(p->held, p->n, 1, begin.text, begin.len) : SIZE_MAX;
    p->state = CALLS_WRITES;
    decide(p, ROMA_CALLS_CONTENT, at < p->n - left ? at : p->n - left);
}

/* Follows the call; false: more must come first. */
static bool take_call(roma_calls_parser *p) {
    bool good = false;
    switch (roma_calls_call_take(p)) {
    case CALLS_NO: refuse(p, p->n > 1); return true;
    case CALLS_MAYBE:
        if (p->n < p->cap) return false;
        refuse(p, 0);
        return true;
    case CALLS_YES: break;
    }
    const int rc = roma_calls_call_tell(p, &good);
    if (!p->rc) p->rc = rc;
    if (!good) {
        refuse(p, p->n - p->at);
        return true;
    }
    p->calls++;
    drop(p, p->at);
    p->state = CALLS_CALLED;
    p->stage = 0;
    return true;
}

/* ---- the interface ---- */

int roma_calls_parser_push(roma_calls_parser *p, const char *text, size_t len) {
    for (size_t i = 0; i < len && !p->rc; i++) {
        if (p->n == p->cap) flush(p); /* of text alone: a call never gets so long */
        p->held[p->n++] = text[i];
        while (!p->rc && (p->state == CALLS_CALLS ? take_call(p) : take_text(p))) {
        }
    }
    if (p->state != CALLS_CALLS) flush(p);
    return p->rc;
}

int roma_calls_parser_finish(roma_calls_parser *p) {
    if (p->rc) return p->rc;
    if (p->state == CALLS_CALLED) p->n = p->done; /* the beginning of the mark that ends a call */
    decide(p, p->state == CALLS_THINKS ? ROMA_CALLS_REASONING : ROMA_CALLS_CONTENT, p->n - p->done);
    flush(p);
    return p->rc;
}

roma_calls_place roma_calls_parser_place(const roma_calls_parser *p) {
    return p->state == CALLS_BEGINS   ? ROMA_CALLS_AT_BEGIN
           : p->state == CALLS_THINKS ? ROMA_CALLS_IN_REASONING
                                      : ROMA_CALLS_BEYOND;
}
