/* Masks: the tokens whose bytes the automata take from where a text is. The tree of the vocabulary is walked, and what
 * lies below a byte that cannot come is passed over. Where clean characters come in any number, or in a number that is
 * known, as inside a text of JSON, their tokens, most of a vocabulary, are taken from masks made beforehand. */
#include "constrain/internal.h"

#include <string.h>

static void set_tokens(const roma_constrain_words *w, uint32_t token, uint64_t *mask, const uint64_t *only) {
    for (uint32_t id; token; token = w->same[id]) {
        id = token - 1;
        const uint64_t bit = UINT64_C(1) << id % 64;
        if (!only || only[id / 64] & bit) mask[id / 64] |= bit;
    }
}

/* One place, from which the byte leads to one that is neither an end nor calls: the usual case, told apart for speed.
 */
static bool step_simple(roma_constrain_state *s, const state_set *from, uint8_t byte, state_set *to) {
    const roma_constrain *c = s->c;
    const state_config at = s->arena[from->from];
    const uint16_t next = c->next[(size_t)at.state * c->n_classes + c->class_of[byte]];
    if (next && !(c->flags[next] & STATE_SIMPLE)) return false;
    *to = (state_set){from->from + 1, next && c->need[next] + at.depth <= ROMA_CONSTRAIN_DEPTH_MAX, from->nodes, false};
    if (to->n) s->arena[to->from] = (state_config){next, at.depth, at.node};
    return true;
}

static bool step(roma_constrain_state *s, const state_set *from, uint8_t byte, state_set *to) {
    if (from->from + from->n < STATE_ARENA_MAX && from->n == 1 && step_simple(s, from, byte, to)) return true;
    roma_constrain_forget(s, from->nodes);
    return roma_constrain_step(s, from, byte, to);
}

/* Nodes [i, end) of a tree; level[depth of the first - 1] is where the text is before it. False: too much. */
static bool walk(roma_constrain_state *s, const word_trie *t, uint32_t i, uint32_t end, uint64_t *mask,
                 const uint64_t *only) {
    while (i < end) {
        const unsigned depth = t->depth[i];
        if (!step(s, &s->level[depth - 1], t->byte[i], &s->level[depth]) || ++s->work > STATE_WORK_MAX) return false;
        if (!s->level[depth].n) {
            i = t->skip[i];
            continue;
        }
        set_tokens(s->w, t->token[i], mask, only);
        i++;
    }
    return true;
}

/* ---- clean tokens ---- */

static void take(uint64_t *mask, const uint64_t *from, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) mask[i] |= from[i];
}

/* Clean tokens of at most n characters. */
static void take_clean(const roma_constrain_words *w, unsigned n, uint64_t *mask) {
    if (n >= w->clean_most) {
        take(mask, w->clean_all, w->n_words);
        return;
    }
    take(mask, w->clean_mask + (size_t)(n < WORDS_CLEAN_MASKS ? n : WORDS_CLEAN_MASKS) * w->n_words, w->n_words);
    for (uint32_t i = 0; i < w->n_clean_long && w->clean_count[w->clean_long[i]] <= n; i++)
        set_tokens(w, w->clean_long[i] + 1, mask, NULL);
}

/* Whether all clean tokens are known without a walk: those of so many characters. Deep texts, where a call may be one
 * too many, are walked. */
static bool knows_clean(const roma_constrain_state *s, unsigned *characters) {
    bool all_bounded = true;
    *characters = 0;
    for (uint32_t i = 0; i < s->now.n; i++) {
        const state_config *at = &s->arena[i];
        if (at->depth + 1u + s->c->need_most > ROMA_CONSTRAIN_DEPTH_MAX) return false;
        if (s->c->run[at->state] > *characters) *characters = s->c->run[at->state];
        all_bounded &= (s->c->flags[at->state] & STATE_BOUNDED) != 0;
    }
    return all_bounded || *characters == RUN_ANY;
}

/* ---- masks ---- */

static uint32_t child(const word_trie *t, uint8_t byte) {
    uint32_t i = 0;
    while (i < t->n && t->byte[i] != byte) i = t->skip[i];
    return i;
}

/* At the beginning of a text a blank may be dropped: its token stands for what is behind the blank. */
static bool walk_dropped(roma_constrain_state *s, uint64_t *mask) {
    const roma_constrain_words *w = s->w;
    const word_trie *trees[] = {&w->clean, &w->rest};
    for (uint32_t i = 0; i < w->n_words; i++) mask[i] &= ~w->dropped[i];
    for (unsigned t = 0; t < 2; t++) {
        const uint32_t at = child(trees[t], ' ');
        s->level[1] = s->now;
        if (at < trees[t]->n && !walk(s, trees[t], at + 1, trees[t]->skip[at], mask, w->dropped)) return false;
    }
    return true;
}

static bool fill(roma_constrain_state *s, uint64_t *mask) {
    const roma_constrain_words *w = s->w;
    unsigned characters;
    memset(mask, 0, w->n_words * sizeof *mask);
    s->level[0] = s->now;
    if (knows_clean(s, &characters))
        take_clean(w, characters, mask);
    else if (!walk(s, &w->clean, 0, w->clean.n, mask, NULL))
        return false;
    if (!walk(s, &w->rest, 0, w->rest.n, mask, NULL)) return false;
    if (s->is_first && !walk_dropped(s, mask)) return false;
    for (uint32_t i = 0; i < w->n_eog && s->now.ends; i++) mask[w->eog[i] / 64] |= UINT64_C(1) << w->eog[i] % 64;
    return true;
}

static bool is_kept(const roma_constrain_state *s, uint32_t i) {
    return s->cached[i].n == s->now.n && s->cached[i].ends == s->now.ends &&
           memcmp(s->cached[i].key, s->arena, s->now.n * sizeof *s->arena) == 0;
}

static int none(const roma_constrain_state *s, const uint64_t *mask, roma_error *err) {
    uint64_t any = 0;
    for (uint32_t i = 0; i < s->w->n_words; i++) any |= mask[i];
    if (any) return ROMA_OK;
    return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                     s->now.ends ? "the text is whole, and the vocabulary has no token to end it with"
                                 : "no token of the vocabulary can go on here: it lacks a byte that the form wants");
}

int roma_constrain_mask(roma_constrain_state *s, const uint64_t **mask, roma_error *err) {
    const bool can_keep = s->now.n <= STATE_KEY_MAX && !s->is_first;
    for (uint32_t i = 0; i < STATE_CACHED && can_keep; i++)
        if (is_kept(s, i)) return *mask = s->masks + (size_t)i * s->w->n_words, ROMA_OK;
    const uint32_t at = s->next_cached, nodes = s->n_nodes;
    uint64_t *own = s->masks + (size_t)at * s->w->n_words;
    s->next_cached = (at + 1) % STATE_CACHED;
    s->cached[at].n = 0;
    s->work = 0;
    const bool ok = fill(s, own);
    roma_constrain_forget(s, nodes);
    if (!ok)
        return roma_fail(
            err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
            "the grammar lets the text be read in too many ways here: make its alternatives differ earlier");
    *mask = own;
    const int rc = none(s, own, err);
    if (rc || !can_keep) return rc;
    s->cached[at].n = s->now.n;
    s->cached[at].ends = s->now.ends;
    memcpy(s->cached[at].key, s->arena, s->now.n * sizeof *s->arena);
    return ROMA_OK;
}
