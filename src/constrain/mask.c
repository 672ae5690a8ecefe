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
static bool walk_sets(roma_constrain_state *s, const word_trie *t, uint32_t i, uint32_t end, uint64_t *mask,
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

/* As walk_sets, where level[depth of the first - 1] is one place that is neither an end nor calls: as long as there is
 * no other a state is all that must be known, and most of a vocabulary is walked so. */
static bool walk_simple(roma_constrain_state *s, const word_trie *t, uint32_t i, uint32_t end, uint64_t *mask,
                        const uint64_t *only) {
    const roma_constrain *c = s->c;
    const unsigned base = t->depth[i] - 1u;
    const state_set from = s->level[base];
    const state_config place = s->arena[from.from];
    uint16_t *at = s->simple;
    at[base] = place.state;
    while (i < end) {
        const unsigned depth = t->depth[i];
        const uint16_t next = c->next[(size_t)at[depth - 1] * c->n_classes + c->class_of[t->byte[i]]];
        s->work++;
        if (!next) {
            i = t->skip[i];
        } else if (c->flags[next] & STATE_SIMPLE && c->need[next] + place.depth <= ROMA_CONSTRAIN_DEPTH_MAX) {
            at[depth] = next;
            if (t->token[i]) set_tokens(s->w, t->token[i], mask, only);
            i++;
        } else {
            s->level[depth - 1] = from;
            s->arena[from.from].state = at[depth - 1];
            const bool ok = walk_sets(s, t, i, t->skip[i], mask, only);
            s->arena[from.from].state = place.state;
            if (!ok) return false;
            i = t->skip[i];
        }
    }
    s->level[base] = from;
    return s->work <= STATE_WORK_MAX;
}

static bool walk(roma_constrain_state *s, const word_trie *t, uint32_t i, uint32_t end, uint64_t *mask,
                 const uint64_t *only) {
    while (i < end) {
        const unsigned depth = t->depth[i];
        const state_set *before = &s->level[depth - 1];
        if (before->n == 1 && s->c->flags[s->arena[before->from].state] & STATE_SIMPLE) {
            /* all below the node before this one, or all there is */
            uint32_t stop = i;
            while (stop < end && t->depth[stop] >= depth) stop = t->skip[stop];
            if (!walk_simple(s, t, i, stop, mask, only)) return false;
            i = stop;
            continue;
        }
        if (!step(s, before, t->byte[i], &s->level[depth]) || ++s->work > STATE_WORK_MAX) return false;
        const bool any = s->level[depth].n;
        if (any) set_tokens(s->w, t->token[i], mask, only);
        i = any ? i + 1 : t->skip[i];
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

/* Whether place i is the beginning of a rule that another place calls, whose run of clean characters is known: what the
 * rule takes of them is in that run. Places stand behind those that call them. */
static bool is_covered(const roma_constrain_state *s, uint32_t i, const bool *covered) {
    const roma_constrain *c = s->c;
    const state_config *at = &s->arena[i];
    const state_node *n = &s->nodes[at->node];
    for (uint32_t k = 0; k < i && at->node; k++) {
        const state_config *caller = &s->arena[k];
        const bool is_known = covered[k] || (c->flags[caller->state] & STATE_BOUNDED && c->run[caller->state]);
        if (!is_known || caller->node != n->parent) continue;
        for (uint32_t m = c->calls_from[caller->state]; m < c->calls_from[caller->state + 1u]; m++)
            if (c->calls[m].callee == at->state && c->calls[m].back == n->back) return true;
    }
    return false;
}

/* Whether all clean tokens are known without a walk: those of so many characters. Deep texts, where a call may be one
 * too many, are walked. An end that is nothing else is only the places that it comes back to. */
static bool knows_clean(const roma_constrain_state *s, unsigned *characters) {
    bool covered[STATE_KEY_MAX], all_bounded = true;
    *characters = 0;
    if (s->now.n > STATE_KEY_MAX) return false;
    for (uint32_t i = 0; i < s->now.n; i++) {
        const state_config *at = &s->arena[i];
        const uint8_t flags = s->c->flags[at->state];
        if (at->depth + 1u + s->c->need_most > ROMA_CONSTRAIN_DEPTH_MAX) return false;
        covered[i] = is_covered(s, i, covered);
        if (covered[i] || !(flags & (STATE_BYTES | STATE_CALLS))) continue;
        if (s->c->run[at->state] > *characters) *characters = s->c->run[at->state];
        all_bounded &= (flags & STATE_BOUNDED) != 0;
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
