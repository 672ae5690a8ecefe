/* The automaton of each rule that is kept: sets of instructions become states (the subset construction), with calls as
 * letters beside bytes, so that a rule is called once for all ways that lead there. */
#include "constrain/internal.h"

#include <string.h>

enum { POOL_MAX = 4 << 20 };

typedef struct {
    code_build *b;
    roma_constrain *c;
    /* sets: of state i of this rule the instructions pool[at[i] .. at[i + 1]), ascending */
    uint32_t *pool, pool_n, pool_cap;
    uint32_t *at; /* [CONSTRAIN_STATES_MAX + 2], of all rules */
    uint32_t *slots, slots_mask;
    const code_list *code;          /* of the rule that is made */
    uint32_t first;                 /* its first state */
    uint32_t *mark, *found, now, n; /* of a set that grows: marked instructions, those found */
    uint64_t work;
    uint32_t cap_states;
    size_t cap_calls;
} maker;

static bool fail(maker *m, int code, const char *what) { return roma_constrain_fail(m->b, code, what), false; }
static bool too_large(maker *m) {
    return fail(m, ROMA_EUNSUPPORTED, "the grammar's automaton becomes too large: repeat less, or make rules simpler");
}

/* ---- classes of bytes ---- */

/* Bytes that no instruction tells apart are a class, which is a range. */
static void make_classes(maker *m) {
    bool begins[257] = {true};
    for (uint32_t r = 0; r < m->b->n_rules; r++) {
        const code_list *code = &m->b->rules[r].code;
        if (!m->b->rules[r].is_kept) continue;
        for (uint32_t pc = 0; pc < code->n; pc++)
            if (code->at[pc].op == CODE_BYTE && code->at[pc].lo <= code->at[pc].hi)
                begins[code->at[pc].lo] = begins[code->at[pc].hi + 1] = true;
    }
    /* What makes a character clean is told apart too, so that runs of them can be seen (reach.c). */
    static const uint8_t clean[] = {0x20, '"',  '"' + 1, '\\', '\\' + 1, 0x7f, 0x80, 0x90, 0xa0, 0xc0,
                                    0xc2, 0xe0, 0xe1,    0xed, 0xee,     0xf0, 0xf1, 0xf4, 0xf5};
    for (size_t i = 0; i < sizeof clean; i++) begins[clean[i]] = true;
    for (unsigned i = 0, k = 0; i < 256; i++) {
        if (i && begins[i]) k++;
        m->c->class_of[i] = (uint8_t)k;
        m->c->n_classes = k + 1;
    }
}

/* ---- sets ---- */

static void add(maker *m, uint32_t pc) {
    m->work++;
    if (m->mark[pc] == m->now) return;
    m->mark[pc] = m->now;
    m->found[m->n++] = pc;
}

static void set_begin(maker *m) {
    m->now++;
    m->n = 0;
}

static int by_number(const void *a, const void *b, void *ctx) {
    (void)ctx;
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Follows what takes no byte, and keeps what does: bytes, calls, the end. */
static void set_close(maker *m) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        const uint32_t pc = m->found[i];
        const code_instr *in = &m->code->at[pc];
        if (in->op == CODE_SPLIT || in->op == CODE_JUMP) add(m, (uint32_t)((int32_t)pc + in->x));
        if (in->op == CODE_SPLIT) add(m, (uint32_t)((int32_t)pc + in->y));
        if (in->op == CODE_BYTE || in->op == CODE_CALL || in->op == CODE_END) m->found[kept++] = pc;
    }
    m->n = kept;
    roma_sort(m->found, kept, sizeof *m->found, by_number, NULL);
}

static bool grow_pool(maker *m, uint32_t n) {
    if (m->pool_n + n <= m->pool_cap) return true;
    if (m->pool_n + n > POOL_MAX) return too_large(m);
    uint32_t cap = m->pool_cap ? m->pool_cap : 1024;
    while (cap < m->pool_n + n) cap *= 2;
    uint32_t *pool = roma_resize(m->pool, cap * sizeof *pool);
    if (!pool) return fail(m, ROMA_ENOMEM, "");
    m->pool = pool;
    m->pool_cap = cap;
    return true;
}

static bool grow_table(maker *m) {
    roma_constrain *c = m->c;
    if (c->n_states < m->cap_states) return true;
    if (c->n_states >= CONSTRAIN_STATES_MAX || (uint64_t)c->n_states * c->n_classes > CONSTRAIN_TABLE_MAX)
        return too_large(m);
    const uint32_t cap = 2 * m->cap_states;
    uint16_t *next = roma_resize(c->next, (size_t)cap * c->n_classes * sizeof *next);
    if (next) c->next = next;
    uint8_t *flags = next ? roma_resize(c->flags, cap) : NULL;
    if (flags) c->flags = flags;
    uint32_t *from = flags ? roma_resize(c->calls_from, ((size_t)cap + 1) * sizeof *from) : NULL;
    if (from) c->calls_from = from;
    if (!from) return fail(m, ROMA_ENOMEM, "");
    m->cap_states = cap;
    return true;
}

static bool grow_slots(maker *m) {
    const uint32_t n = 2 * (m->slots_mask + 1);
    uint32_t *slots = roma_alloc_array(n, sizeof *slots);
    if (!slots) return fail(m, ROMA_ENOMEM, "");
    for (uint32_t s = m->first; s < m->c->n_states; s++) {
        uint32_t i = (uint32_t)roma_hash64(m->pool + m->at[s], (m->at[s + 1] - m->at[s]) * sizeof *m->pool) & (n - 1);
        while (slots[i]) i = (i + 1) & (n - 1);
        slots[i] = s + 1;
    }
    roma_free(m->slots);
    m->slots = slots;
    m->slots_mask = n - 1;
    return true;
}

/* The state of the set in found; 0 for an empty one, and after a failure. */
static uint32_t set_state(maker *m) {
    roma_constrain *c = m->c;
    if (!m->n) return 0;
    if (m->work > CONSTRAIN_WORK_MAX) return too_large(m);
    uint32_t i = (uint32_t)roma_hash64(m->found, m->n * sizeof *m->found) & m->slots_mask;
    for (; m->slots[i]; i = (i + 1) & m->slots_mask) {
        const uint32_t s = m->slots[i] - 1;
        if (m->at[s + 1] - m->at[s] == m->n && memcmp(m->pool + m->at[s], m->found, m->n * sizeof *m->found) == 0)
            return s;
    }
    if (!grow_pool(m, m->n) || !grow_table(m)) return 0;
    memcpy(m->pool + m->pool_n, m->found, m->n * sizeof *m->found);
    m->pool_n += m->n;
    const uint32_t s = c->n_states++;
    m->at[s + 1] = m->pool_n;
    m->slots[i] = s + 1;
    if (2 * (c->n_states - m->first) > m->slots_mask && !grow_slots(m)) return 0;
    return s;
}

/* ---- a state ---- */

static bool make_bytes(maker *m, uint32_t state) {
    roma_constrain *c = m->c;
    bool begins[257] = {false};
    const uint32_t from = m->at[state], end = m->at[state + 1];
    memset(c->next + (size_t)state * c->n_classes, 0, c->n_classes * sizeof *c->next);
    for (uint32_t i = from; i < end; i++) {
        const code_instr *in = &m->code->at[m->pool[i]];
        if (in->op != CODE_BYTE || in->lo > in->hi) continue;
        begins[c->class_of[in->lo]] = begins[c->class_of[in->hi] + 1] = true;
    }
    for (uint32_t k = 0; k < c->n_classes;) {
        uint32_t end_k = k + 1;
        while (end_k < c->n_classes && !begins[end_k]) end_k++;
        set_begin(m);
        for (uint32_t i = from; i < end; i++) {
            const code_instr *in = &m->code->at[m->pool[i]];
            m->work++;
            if (in->op == CODE_BYTE && in->lo <= in->hi && c->class_of[in->lo] <= k && k <= c->class_of[in->hi])
                add(m, m->pool[i] + 1);
        }
        set_close(m);
        const uint32_t to = set_state(m);
        if (m->b->rc) return false;
        while (k < end_k) c->next[(size_t)state * c->n_classes + k++] = (uint16_t)to;
    }
    return true;
}

static bool add_call(maker *m, uint32_t callee, uint32_t back) {
    roma_constrain *c = m->c;
    if (!ROMA_GROW(&c->calls, c->n_calls, &m->cap_calls)) return fail(m, ROMA_ENOMEM, "");
    c->calls[c->n_calls++] =
        (state_call){(uint16_t)callee, (uint16_t)back}; /* callee: the rule, until all have states */
    return true;
}

/* Calls of one rule are one call, whose way back is the set of all. */
static bool make_calls(maker *m, uint32_t state) {
    const uint32_t from = m->at[state], end = m->at[state + 1], first = m->c->n_calls;
    for (uint32_t i = from; i < end; i++) {
        const code_instr *in = &m->code->at[m->pool[i]];
        if (in->op == CODE_END) m->c->flags[state] |= STATE_FINAL;
        if (in->op != CODE_CALL) continue;
        bool is_done = false;
        for (uint32_t k = first; k < m->c->n_calls && !is_done; k++) is_done = m->c->calls[k].callee == in->x;
        m->work += m->c->n_calls - first;
        if (is_done) continue;
        set_begin(m);
        for (uint32_t k = i; k < end; k++) {
            const code_instr *other = &m->code->at[m->pool[k]];
            m->work++;
            if (other->op == CODE_CALL && other->x == in->x) add(m, m->pool[k] + 1);
        }
        set_close(m);
        const uint32_t back = set_state(m);
        if (m->b->rc || !add_call(m, (uint32_t)in->x, back)) return false;
    }
    return true;
}

static bool make_rule(maker *m, code_rule *r) {
    roma_constrain *c = m->c;
    memset(m->slots, 0, (m->slots_mask + 1) * sizeof *m->slots);
    m->code = &r->code;
    m->first = c->n_states;
    m->b->at = r->at;
    m->b->culprit = r->name;
    set_begin(m);
    add(m, 0);
    set_close(m);
    r->start = set_state(m);
    for (uint32_t s = m->first; s < c->n_states && !m->b->rc; s++) {
        c->flags[s] = 0;
        c->calls_from[s] = c->n_calls;
        if (!make_bytes(m, s) || !make_calls(m, s)) return false;
    }
    return !m->b->rc;
}

/* ---- all ---- */

static bool make_begin(maker *m, uint32_t longest) {
    roma_constrain *c = m->c;
    make_classes(m);
    m->cap_states = 64;
    m->slots_mask = 255;
    c->next = roma_alloc_array((size_t)m->cap_states * c->n_classes, sizeof *c->next);
    c->flags = roma_alloc_array(m->cap_states, 1);
    c->calls_from = roma_alloc_array(m->cap_states + 1, sizeof *c->calls_from);
    m->slots = roma_alloc_array(m->slots_mask + 1, sizeof *m->slots);
    m->at = roma_alloc_array(CONSTRAIN_STATES_MAX + 2, sizeof *m->at);
    m->mark = roma_alloc_array(longest, sizeof *m->mark);
    m->found = roma_alloc_array(longest, sizeof *m->found);
    c->n_states = 1; /* the dead one */
    return (c->next && c->flags && c->calls_from && m->slots && m->at && m->mark && m->found) ||
           fail(m, ROMA_ENOMEM, "");
}

int roma_constrain_determine(code_build *b, roma_constrain *c) {
    maker m = {.b = b, .c = c};
    uint32_t longest = 0;
    for (uint32_t i = 0; i < b->n_rules; i++)
        if (b->rules[i].is_kept && b->rules[i].code.n > longest) longest = b->rules[i].code.n;
    bool ok = make_begin(&m, longest);
    for (uint32_t i = 0; i < b->n_rules && ok; i++)
        if (b->rules[i].is_kept) ok = make_rule(&m, &b->rules[i]);
    if (ok) {
        b->culprit = NULL;
        c->calls_from[c->n_states] = c->n_calls;
        for (uint32_t i = 0; i < c->n_calls; i++) c->calls[i].callee = (uint16_t)b->rules[c->calls[i].callee].start;
        c->root = (uint16_t)b->rules[b->root].start;
    }
    roma_free(m.pool);
    roma_free(m.at);
    roma_free(m.slots);
    roma_free(m.mark);
    roma_free(m.found);
    return b->rc;
}
