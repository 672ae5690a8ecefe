/* An answer on its way: all places of the automata that its text may have led to. Each place knows the calls that wait
 * for it, as a chain of nodes; equal chains are one, so that places can be compared. */
#include "constrain/internal.h"

#include <string.h>

/* ---- calls that wait ---- */

static uint32_t slot_of(uint32_t parent, uint16_t back) {
    return (uint32_t)((parent * UINT64_C(0x9e3779b97f4a7c15) + back * UINT64_C(0xc2b2ae3d27d4eb4f)) >> 32) &
           (STATE_NODES_MAX - 1);
}

/* The node of a call in `parent` that comes back to a state; 0: there are too many. */
static uint32_t node_of(roma_constrain_state *s, uint32_t parent, uint16_t back, uint16_t depth) {
    uint32_t *head = &s->heads[slot_of(parent, back)];
    for (uint32_t i = *head; i; i = s->nodes[i].chain)
        if (s->nodes[i].parent == parent && s->nodes[i].back == back) return i;
    if (s->n_nodes == STATE_NODES_MAX) return 0;
    s->nodes[s->n_nodes] = (state_node){parent, *head, back, depth};
    *head = s->n_nodes;
    return s->n_nodes++;
}

/* The newest of a slot is its head, so that the last ones go without a search. */
void roma_constrain_forget(roma_constrain_state *s, uint32_t n_nodes) {
    while (s->n_nodes > n_nodes) {
        const state_node *n = &s->nodes[--s->n_nodes];
        s->heads[slot_of(n->parent, n->back)] = n->chain;
    }
}

/* Nodes that no place of `now` leads to go; the others move together, parents before children as they were. */
static void compact(roma_constrain_state *s) {
    uint32_t *to = s->moved, n = 1;
    memset(to, 0, s->n_nodes * sizeof *to);
    for (uint32_t i = 0; i < s->now.n; i++)
        for (uint32_t k = s->arena[i].node; k && !to[k]; k = s->nodes[k].parent) to[k] = 1;
    memset(s->heads, 0, STATE_NODES_MAX * sizeof *s->heads);
    for (uint32_t i = 1; i < s->n_nodes; i++) {
        if (!to[i]) continue;
        state_node node = s->nodes[i];
        node.parent = node.parent ? to[node.parent] : 0;
        uint32_t *head = &s->heads[slot_of(node.parent, node.back)];
        node.chain = *head;
        *head = n;
        s->nodes[n] = node;
        to[i] = n++;
    }
    for (uint32_t i = 0; i < s->now.n; i++)
        if (s->arena[i].node) s->arena[i].node = to[s->arena[i].node];
    s->n_nodes = s->now.nodes = n;
    for (uint32_t i = 0; i < STATE_CACHED; i++) s->cached[i].n = 0;
}

/* ---- steps ---- */

static bool put(roma_constrain_state *s, state_set *set, uint16_t state, uint32_t node, uint16_t depth) {
    state_config *at = s->arena + set->from;
    for (uint32_t i = 0; i < set->n; i++)
        if (at[i].state == state && at[i].node == node) return s->work += i, true;
    s->work += set->n;
    if (set->n == STATE_CONFIGS_MAX || set->from + set->n == STATE_ARENA_MAX) return false;
    at[set->n++] = (state_config){state, depth, node};
    return true;
}

static bool fits(const roma_constrain *c, uint16_t state, unsigned depth) {
    return c->need[state] + depth <= ROMA_CONSTRAIN_DEPTH_MAX;
}

/* A call behind which its rule only ends would come back to nothing but that end: it stands for the rule. */
static bool call(roma_constrain_state *s, state_set *set, const state_config *at, const state_call *k) {
    const roma_constrain *c = s->c;
    const bool is_last = (c->flags[k->back] & (STATE_FINAL | STATE_CALLS | STATE_BYTES)) == STATE_FINAL;
    const uint16_t depth = (uint16_t)(at->depth + !is_last);
    if (!fits(c, k->callee, depth) || !fits(c, k->back, at->depth)) return true;
    const uint32_t node = is_last ? at->node : node_of(s, at->node, k->back, depth);
    return (is_last || node) && put(s, set, k->callee, node, depth);
}

/* Adds all places that need no further byte. */
static bool close(roma_constrain_state *s, state_set *set) {
    const roma_constrain *c = s->c;
    for (uint32_t i = 0; i < set->n; i++) {
        const state_config at = s->arena[set->from + i];
        if (c->flags[at.state] & STATE_FINAL) {
            const state_node *n = &s->nodes[at.node];
            set->ends |= !at.node;
            if (at.node && !put(s, set, n->back, n->parent, (uint16_t)(n->depth - 1))) return false;
        }
        for (uint32_t k = c->calls_from[at.state]; k < c->calls_from[at.state + 1u]; k++)
            if (!call(s, set, &at, &c->calls[k])) return false;
    }
    set->nodes = s->n_nodes;
    return true;
}

bool roma_constrain_step(roma_constrain_state *s, const state_set *from, uint8_t byte, state_set *to) {
    const roma_constrain *c = s->c;
    const uint32_t class = c->class_of[byte];
    *to = (state_set){.from = from->from + from->n};
    for (uint32_t i = 0; i < from->n; i++) {
        const state_config *at = &s->arena[from->from + i];
        const uint16_t next = c->next[(size_t)at->state * c->n_classes + class];
        if (next && fits(c, next, at->depth) && !put(s, to, next, at->node, at->depth)) return false;
    }
    return close(s, to);
}

/* ---- life ---- */

static size_t piece(size_t *bytes, size_t n, size_t size) {
    const size_t at = *bytes;
    *bytes += roma_arena_piece(n * size);
    return at;
}

/* Lays the pieces of a state behind one another; base NULL: their bytes alone. */
static size_t lay(roma_constrain_state *s, const roma_constrain_words *w, uint8_t *base) {
    size_t n = roma_arena_piece(sizeof *s);
    const size_t arena = piece(&n, STATE_ARENA_MAX, sizeof *s->arena),
                 nodes = piece(&n, STATE_NODES_MAX, sizeof *s->nodes),
                 heads = piece(&n, STATE_NODES_MAX, sizeof *s->heads),
                 moved = piece(&n, STATE_NODES_MAX, sizeof *s->moved),
                 level = piece(&n, w->longest + 1, sizeof *s->level),
                 simple = piece(&n, w->longest + 1, sizeof *s->simple),
                 masks = piece(&n, (size_t)STATE_CACHED * w->n_words, sizeof *s->masks);
    if (!base) return n;
    s->arena = (void *)(base + arena);
    s->nodes = (void *)(base + nodes);
    s->heads = (void *)(base + heads);
    s->moved = (void *)(base + moved);
    s->level = (void *)(base + level);
    s->simple = (void *)(base + simple);
    s->masks = (void *)(base + masks);
    return n;
}

size_t roma_constrain_state_bytes(const roma_constrain_words *w) { return lay(NULL, w, NULL); }

static int too_many(roma_error *err) {
    return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                     "the grammar lets the text be read in too many ways here: make its alternatives differ earlier");
}

int roma_constrain_state_create(roma_constrain_state **out, const roma_constrain *c, const roma_constrain_words *w,
                                bool drops_space, roma_error *err) {
    *out = NULL;
    uint8_t *block = roma_alloc_array(1, roma_constrain_state_bytes(w));
    if (!block) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the answer's form");
    roma_constrain_state *s = (void *)block;
    lay(s, w, block);
    s->c = c;
    s->w = w;
    s->is_first = drops_space && w->dropped;
    s->n_nodes = 1;
    if (!put(s, &s->now, c->root, 0, 0) || !close(s, &s->now)) {
        roma_free(s);
        return too_many(err);
    }
    *out = s;
    return ROMA_OK;
}

void roma_constrain_state_destroy(roma_constrain_state *s) { roma_free(s); }

/* ---- tokens ---- */

static bool accept_byte(roma_constrain_state *s, uint8_t byte, roma_error *err, int *rc) {
    state_set to;
    if (!roma_constrain_step(s, &s->now, byte, &to)) return *rc = too_many(err), false;
    if (!to.n) return *rc = roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "this token cannot come here"), false;
    memmove(s->arena, s->arena + to.from, to.n * sizeof *s->arena);
    to.from = 0;
    s->now = to;
    if (s->n_nodes > STATE_NODES_MAX / 2) compact(s);
    if (s->n_nodes > STATE_NODES_MAX / 2) return *rc = too_many(err), false;
    return true;
}

int roma_constrain_accept(roma_constrain_state *s, int32_t token, roma_error *err) {
    char bytes[ROMA_TOKEN_BYTES_MAX];
    int rc = ROMA_OK;
    s->work = 0;
    if (roma_token_is_eog(s->w->tok, token))
        return s->now.ends ? ROMA_OK : roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "the text cannot end here");
    const size_t n = roma_constrain_token(s->w, token, bytes, sizeof bytes);
    const bool drops = s->is_first && s->w->dropped[token / 64] >> token % 64 & 1;
    s->is_first = false;
    if (n <= drops) return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "this token cannot come here");
    for (size_t i = drops; i < n && accept_byte(s, (uint8_t)bytes[i], err, &rc); i++) {
    }
    return rc;
}

bool roma_constrain_may_end(const roma_constrain_state *s) { return s->now.ends; }

bool roma_constrain_must_end(const roma_constrain_state *s) {
    bool goes_on = false;
    for (uint32_t i = 0; i < s->now.n; i++) goes_on |= (s->c->flags[s->arena[i].state] & STATE_BYTES) != 0;
    return s->now.ends && !goes_on;
}
