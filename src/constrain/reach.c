/* What the states of an automaton know of what is ahead: how many calls must be open on the way to the rule's end, and
 * how many clean characters can surely come. */
#include "constrain/internal.h"

#include <string.h>

/* ---- need ---- */

/* Who leads to a state: by[from[s] .. from[s + 1]), doubled, + 1 for one that calls the state or comes back to it. */
typedef struct {
    uint32_t *from, *by;
    uint32_t *now, *later; /* states whose need is what is looked at, or one more */
    uint8_t *is_later;
} ways;

static const uint16_t *row(const roma_constrain *c, uint32_t s) { return c->next + (size_t)s * c->n_classes; }

/* Counts the states that s leads to, or writes s to their places. */
static uint32_t successors(const roma_constrain *c, uint32_t s, uint32_t *count, uint32_t *by) {
    uint32_t n = 0;
    uint16_t last = 0;
    for (uint32_t k = 0; k < c->n_classes; k++) {
        const uint16_t to = row(c, s)[k];
        if (!to || to == last) continue;
        last = to;
        n++;
        if (by) by[count[to]++] = 2 * s;
        if (!by) count[to + 1]++;
    }
    for (uint32_t i = c->calls_from[s]; i < c->calls_from[s + 1]; i++) {
        const uint16_t two[2] = {c->calls[i].callee, c->calls[i].back};
        for (unsigned k = 0; k < 2; k++, n++) {
            if (by) by[count[two[k]]++] = 2 * s + 1;
            if (!by) count[two[k] + 1]++;
        }
    }
    return n;
}

static bool lay_ways(const roma_constrain *c, ways *w) {
    uint32_t n = 0;
    w->from = roma_alloc_array(c->n_states + 2, sizeof *w->from);
    w->now = roma_alloc_array(c->n_states, sizeof *w->now);
    w->later = roma_alloc_array(c->n_states, sizeof *w->later);
    w->is_later = roma_alloc_array(c->n_states, 1);
    if (!w->from || !w->now || !w->later || !w->is_later) return false;
    for (uint32_t s = 1; s < c->n_states; s++) n += successors(c, s, w->from + 1, NULL);
    w->by = roma_alloc_array((size_t)n + 1, sizeof *w->by);
    if (!w->by) return false;
    for (uint32_t s = 1; s <= c->n_states + 1; s++) w->from[s] += w->from[s - 1];
    for (uint32_t s = 1; s < c->n_states; s++) successors(c, s, w->from + 1, w->by); /* from[s + 1] moves to its end */
    return true;
}

static bool is_end(const roma_constrain *c, uint32_t s) {
    return (c->flags[s] & (STATE_FINAL | STATE_CALLS | STATE_BYTES)) == STATE_FINAL;
}

/* A call behind which the rule only ends waits for nothing, and so opens nothing (state.c). */
static unsigned need_of_call(const roma_constrain *c, const state_call *call) {
    const unsigned callee = c->need[call->callee], back = c->need[call->back];
    if (callee == CONSTRAIN_NEVER || back == CONSTRAIN_NEVER) return CONSTRAIN_NEVER;
    if (is_end(c, call->back)) return callee;
    return callee + 1 > back ? callee + 1 : back;
}

static unsigned need_of_calls(const roma_constrain *c, uint32_t s) {
    unsigned least = CONSTRAIN_NEVER;
    for (uint32_t i = c->calls_from[s]; i < c->calls_from[s + 1]; i++) {
        const unsigned n = need_of_call(c, &c->calls[i]);
        if (n < least) least = n;
    }
    return least;
}

/* In the order of needs, so that each state gets its own once and each way is looked at once: what the states of one
 * need show is of the same need or of the next. */
static void settle(roma_constrain *c, ways *w) {
    uint32_t n = 0, n_later = 0;
    memset(c->need, CONSTRAIN_NEVER, c->n_states);
    for (uint32_t s = 1; s < c->n_states; s++)
        if (c->flags[s] & STATE_FINAL) c->need[s] = 0, w->now[n++] = s;
    for (uint8_t need = 0; need <= ROMA_CONSTRAIN_DEPTH_MAX; need++) {
        while (n) {
            const uint32_t s = w->now[--n];
            for (uint32_t i = w->from[s]; i < w->from[s + 1]; i++) {
                const uint32_t before = w->by[i] / 2;
                if (c->need[before] != CONSTRAIN_NEVER) continue;
                if (!(w->by[i] & 1) || need_of_calls(c, before) == need)
                    c->need[before] = need, w->now[n++] = before;
                else if (need_of_calls(c, before) != CONSTRAIN_NEVER && !w->is_later[before])
                    w->is_later[before] = 1, w->later[n_later++] = before;
            }
        }
        c->need_most = need;
        if (need == ROMA_CONSTRAIN_DEPTH_MAX) return;
        for (uint32_t i = 0; i < n_later; i++)
            if (c->need[w->later[i]] == CONSTRAIN_NEVER) c->need[w->later[i]] = need + 1, w->now[n++] = w->later[i];
        n_later = 0;
        if (!n) return;
    }
}

/* Takes out what leads nowhere. */
static void cut(roma_constrain *c) {
    uint32_t kept = 0;
    for (uint32_t s = 1, i = 0; s < c->n_states; s++) {
        uint16_t *to = c->next + (size_t)s * c->n_classes;
        for (uint32_t k = 0; k < c->n_classes; k++)
            if (to[k] && c->need[to[k]] == CONSTRAIN_NEVER) to[k] = 0;
        const uint32_t from = kept;
        for (; i < c->calls_from[s + 1]; i++)
            if (need_of_call(c, &c->calls[i]) != CONSTRAIN_NEVER) c->calls[kept++] = c->calls[i];
        c->calls_from[s] = from;
    }
    c->calls_from[c->n_states] = c->n_calls = kept;
}

static void flag(roma_constrain *c) {
    for (uint32_t s = 1; s < c->n_states; s++) {
        uint8_t f = c->flags[s] & STATE_FINAL;
        for (uint32_t k = 0; k < c->n_classes && !(f & STATE_BYTES); k++)
            if (row(c, s)[k]) f |= STATE_BYTES;
        if (c->calls_from[s] < c->calls_from[s + 1]) f |= STATE_CALLS;
        if (!(f & (STATE_FINAL | STATE_CALLS))) f |= STATE_SIMPLE;
        c->flags[s] = f;
    }
}

/* ---- runs of clean characters ---- */

/* Clean bytes by what begins a character: its first byte, and the bounds of the second, where they are not 80 to BF. */
static const struct {
    uint8_t lo, hi, second_lo, second_hi, length;
} clean[] = {{0x20, 0x21, 0, 0, 1},       {0x23, 0x5b, 0, 0, 1},       {0x5d, 0x7e, 0, 0, 1},
             {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
             {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
             {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

/* The one state that all bytes of lo..hi lead to; 0: there is none. */
static uint16_t all_to(const roma_constrain *c, uint32_t s, uint8_t lo, uint8_t hi) {
    const uint16_t to = row(c, s)[c->class_of[lo]];
    for (uint32_t k = c->class_of[lo]; k <= c->class_of[hi]; k++)
        if (row(c, s)[k] != to) return 0;
    return to;
}

/* The one state of this rule that every clean character leads to from s; 0: there is none, or one that only some byte
 * of a character shows. */
static uint16_t behind_clean(const roma_constrain *c, uint32_t s) {
    uint16_t end = 0;
    for (size_t i = 0; i < sizeof clean / sizeof *clean; i++) {
        for (uint32_t k = c->class_of[clean[i].lo]; k <= c->class_of[clean[i].hi]; k++) {
            uint16_t to = row(c, s)[k];
            if (to && clean[i].length > 1) to = all_to(c, to, clean[i].second_lo, clean[i].second_hi);
            for (unsigned n = 2; to && n < clean[i].length; n++) to = all_to(c, to, 0x80, 0xbf);
            if (!to || (end && to != end)) return 0;
            end = to;
        }
    }
    return end;
}

static bool takes_clean(const roma_constrain *c, uint32_t s) {
    for (size_t i = 0; i < sizeof clean / sizeof *clean; i++)
        for (uint32_t k = c->class_of[clean[i].lo]; k <= c->class_of[clean[i].hi]; k++)
            if (row(c, s)[k]) return true;
    return false;
}

/* to[s]: behind_clean, or where a call that takes just one clean character comes back to. STATE_BOUNDED is then, for
 * the time being, that clean characters go no other way. Rounds, as rules of one character may stand in others. */
static void step_clean(roma_constrain *c, uint16_t *to) {
    enum { ROUNDS = 4 };
    for (uint32_t s = 1; s < c->n_states; s++) {
        to[s] = behind_clean(c, s);
        if (c->flags[s] & STATE_SIMPLE) c->flags[s] |= STATE_BOUNDED;
    }
    for (unsigned round = 0; round < ROUNDS; round++)
        for (uint32_t s = 1; s < c->n_states; s++) {
            if (to[s] || c->calls_from[s + 1] - c->calls_from[s] != 1) continue;
            const state_call *call = &c->calls[c->calls_from[s]];
            const uint8_t callee = c->flags[call->callee];
            if (callee & STATE_FINAL || !to[call->callee] || !is_end(c, to[call->callee])) continue;
            to[s] = call->back;
            if (!(c->flags[s] & STATE_FINAL) && !takes_clean(c, s)) c->flags[s] |= callee & STATE_BOUNDED;
        }
}

/* Of a chain of such steps its length, RUN_ANY when it comes to no end soon. A state keeps STATE_BOUNDED when the whole
 * chain is such that clean characters go no other way, and none comes behind it. */
static void measure(roma_constrain *c, const uint16_t *to, uint8_t *is_bounded) {
    for (uint32_t s = 1; s < c->n_states; s++) {
        uint32_t at = s, n = 0;
        bool only = true;
        for (; to[at] && n < RUN_ANY && at != to[at]; at = to[at], n++) only = only && (c->flags[at] & STATE_BOUNDED);
        if (to[at]) n = RUN_ANY;
        c->run[s] = (uint8_t)n;
        is_bounded[s] = n < RUN_ANY && only && (c->flags[at] & STATE_BOUNDED) && !takes_clean(c, at);
    }
    for (uint32_t s = 1; s < c->n_states; s++)
        if (!is_bounded[s]) c->flags[s] &= (uint8_t)~STATE_BOUNDED;
}

int roma_constrain_reach(code_build *b, roma_constrain *c) {
    ways w = {0};
    uint16_t *to = roma_alloc_array(c->n_states, sizeof *to);
    uint8_t *is_bounded = roma_alloc_array(c->n_states, 1);
    c->need = roma_alloc_array(c->n_states, 1);
    c->run = roma_alloc_array(c->n_states, 1);
    flag(c);
    if (!to || !is_bounded || !c->need || !c->run || !lay_ways(c, &w)) {
        roma_constrain_fail(b, ROMA_ENOMEM, "");
    } else {
        settle(c, &w);
        if (c->need[c->root] == CONSTRAIN_NEVER) {
            b->at = b->rules[b->root].at;
            roma_constrain_fail(
                b, ROMA_EINPUT,
                "no text belongs to this grammar: the way to its end never ends, or nests more than 64 deep");
        }
        cut(c);
        flag(c);
        step_clean(c, to);
        measure(c, to, is_bounded);
    }
    roma_free(to);
    roma_free(is_bounded);
    roma_free(w.from);
    roma_free(w.by);
    roma_free(w.now);
    roma_free(w.later);
    roma_free(w.is_later);
    return b->rc;
}
