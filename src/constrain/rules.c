/* Rules as a whole: each one that is used is there, none begins with itself, and those that are small or used once are
 * put where they are called, so that what they begin with is told apart without looking at calls. */
#include "constrain/internal.h"

#include <string.h>

static int fail_rule(code_build *b, const code_rule *r, const char *fmt) {
    char shown[64], what[200];
    roma_error_name(shown, sizeof shown, r->name ? r->name : "?", r->name ? strlen(r->name) : 1);
    b->at = r->at;
    b->culprit = r->name;
    roma_print(what, sizeof what, fmt, shown);
    return roma_constrain_fail(b, ROMA_EINPUT, what);
}

static int check_defined(code_build *b) {
    for (uint32_t i = 0; i < b->n_rules; i++)
        if (!b->rules[i].is_defined) return fail_rule(b, &b->rules[i], "there is no rule %s");
    return ROMA_OK;
}

/* ---- what comes before the first byte ---- */

/* Marks of instructions, cleared by a new number. */
typedef struct {
    uint32_t *mark, *todo;
    uint32_t now, n;
} visit;

static void push(visit *v, uint32_t pc) {
    if (v->mark[pc] == v->now) return;
    v->mark[pc] = v->now;
    v->todo[v->n++] = pc;
}

/* Begins to follow a rule's code from its first instruction, over what takes no byte. */
static void follow(visit *v) {
    v->now++;
    v->n = 0;
    push(v, 0);
}

/* The next call that comes before any byte, or UINT32_MAX. What stands behind a nullable one is followed too. *ends:
 * the rule's end was met. */
static uint32_t next_call(const code_build *b, visit *v, const code_list *code, bool *ends) {
    while (v->n) {
        const uint32_t pc = v->todo[--v->n];
        const code_instr *i = &code->at[pc];
        if (i->op == CODE_SPLIT || i->op == CODE_JUMP) push(v, (uint32_t)((int32_t)pc + i->x));
        if (i->op == CODE_SPLIT) push(v, (uint32_t)((int32_t)pc + i->y));
        if (i->op == CODE_END) *ends = true;
        if (i->op != CODE_CALL) continue;
        if (b->rules[i->x].is_nullable) push(v, pc + 1);
        return (uint32_t)i->x;
    }
    return UINT32_MAX;
}

static bool is_nullable(const code_build *b, visit *v, const code_rule *r) {
    bool ends = false;
    for (follow(v); !ends && next_call(b, v, &r->code, &ends) != UINT32_MAX;) {
    }
    return ends;
}

/* Rounds until none is found any more: as many as nullable rules stand in one another. */
static void find_nullable(code_build *b, visit *v) {
    for (bool again = true; again;) {
        again = false;
        for (uint32_t i = b->n_rules; i-- > 0;)
            if (!b->rules[i].is_nullable && is_nullable(b, v, &b->rules[i])) again = b->rules[i].is_nullable = true;
    }
}

/* ---- a rule that begins with itself ---- */

/* The rules that each rule can begin with: those of rule i are to[from[i] .. from[i + 1]). */
typedef struct {
    uint32_t *from, *to;
    uint32_t n;
    size_t cap;
} edges;

static bool add_edge(edges *e, uint32_t to) {
    if (!ROMA_GROW(&e->to, e->n, &e->cap)) return false;
    e->to[e->n++] = to;
    return true;
}

static bool find_first(const code_build *b, visit *v, edges *e) {
    bool ends;
    for (uint32_t i = 0; i < b->n_rules; i++) {
        e->from[i] = e->n;
        follow(v);
        for (uint32_t to; (to = next_call(b, v, &b->rules[i].code, &ends)) != UINT32_MAX;)
            if (!add_edge(e, to)) return false;
    }
    e->from[b->n_rules] = e->n;
    return true;
}

/* Walks in depth; path: the rules that are open; at[i]: the next edge of rule i, 0 before it was entered, from[i + 1] +
 * 1 when it is done. */
static int check_left(code_build *b, const edges *e, uint32_t *at, uint32_t *path) {
    for (uint32_t root = 0; root < b->n_rules; root++) {
        uint32_t n = 0;
        if (!at[root]) path[n++] = root, at[root] = e->from[root] + 1;
        while (n) {
            const uint32_t r = path[n - 1], next = at[r] - 1;
            if (next == e->from[r + 1]) {
                at[r] = e->n + 2;
                n--;
                continue;
            }
            const uint32_t to = e->to[next];
            at[r]++;
            if (at[to] == e->n + 2) continue;
            if (at[to])
                return fail_rule(b, &b->rules[to], "rule %s begins with itself: turn the recursion to the right");
            at[to] = e->from[to] + 1;
            path[n++] = to;
        }
    }
    return ROMA_OK;
}

static int check_beginnings(code_build *b, uint32_t most) {
    visit v = {.mark = roma_alloc_array(most, sizeof *v.mark), .todo = roma_alloc_array(most, sizeof *v.todo)};
    edges e = {.from = roma_alloc_array(b->n_rules + 1, sizeof *e.from)};
    uint32_t *at = roma_alloc_array(b->n_rules, sizeof *at), *path = roma_alloc_array(b->n_rules, sizeof *path);
    const bool have = v.mark && v.todo && e.from && at && path;
    if (have) find_nullable(b, &v);
    if (!have || !find_first(b, &v, &e))
        roma_constrain_fail(b, ROMA_ENOMEM, "");
    else
        check_left(b, &e, at, path);
    roma_free(v.mark);
    roma_free(v.todo);
    roma_free(e.from);
    roma_free(e.to);
    roma_free(at);
    roma_free(path);
    return b->rc;
}

/* ---- rules into rules ---- */

static bool goes_in(const code_rule *r) {
    return r->name && !r->is_loop &&
           (r->uses == 1 || (r->code.n <= CONSTRAIN_INLINE_MAX && (uint64_t)r->code.n * r->uses <= 4096));
}

/* Number of instructions that one becomes. */
static uint32_t becomes(const code_build *b, const code_instr *i) {
    return i->op == CODE_CALL && goes_in(&b->rules[i->x]) ? b->rules[i->x].code.n - 1 : 1;
}

/* Of a rule that was put where it is called, and is called nowhere else. */
static void drop(code_build *b, code_rule *r) {
    b->total -= r->code.n;
    roma_free(r->code.at);
    r->code = (code_list){0};
}

/* place[pc]: where instruction pc of the rule goes. */
static void put_in(code_build *b, code_rule *r, uint32_t *place) {
    uint32_t n = 0;
    for (uint32_t pc = 0; pc < r->code.n; pc++) {
        place[pc] = n;
        n += becomes(b, &r->code.at[pc]);
        if (n > CONSTRAIN_CODE_MAX) break;
    }
    if (n == r->code.n) return;
    code_list all = {0};
    b->total -= r->code.n;
    if (!roma_constrain_room(b, &all, n)) return;
    for (uint32_t pc = 0; pc < r->code.n; pc++) {
        code_instr i = r->code.at[pc];
        if (i.op == CODE_SPLIT || i.op == CODE_JUMP) i.x = (int32_t)(place[(int32_t)pc + i.x] - place[pc]);
        if (i.op == CODE_SPLIT) i.y = (int32_t)(place[(int32_t)pc + i.y] - place[pc]);
        code_rule *in = i.op == CODE_CALL && goes_in(&b->rules[i.x]) ? &b->rules[i.x] : NULL;
        if (in)
            memcpy(all.at + all.n, in->code.at, (in->code.n - 1) * sizeof *in->code.at);
        else
            all.at[all.n] = i;
        all.n += in ? in->code.n - 1 : 1;
        if (in && in->uses == 1) drop(b, in);
    }
    /* A rule's end is where its copy ends: the jumps to it are relative and need no change. */
    roma_free(r->code.at);
    r->code = all;
    b->total += n;
}

/* From the root in depth: counts uses; a call of a rule that is open makes a loop. order: the rules, each behind those
 * that it calls but for loops; returns how many. at[i]: the instruction of rule i that comes next, + 1; 0 before it was
 * entered. */
static uint32_t walk(code_build *b, uint32_t *at, uint32_t *path, uint32_t *order) {
    uint32_t n = 0, done = 0;
    path[n++] = b->root;
    at[b->root] = 1;
    b->rules[b->root].is_loop = true; /* called from outside */
    while (n) {
        const uint32_t id = path[n - 1];
        const code_list *code = &b->rules[id].code;
        while (at[id] <= code->n && code->at[at[id] - 1].op != CODE_CALL) at[id]++;
        if (at[id] > code->n) {
            at[id] = UINT32_MAX;
            order[done++] = id;
            n--;
            continue;
        }
        const uint32_t to = (uint32_t)code->at[at[id]++ - 1].x;
        b->rules[to].uses++;
        if (at[to] && at[to] != UINT32_MAX) b->rules[to].is_loop = true;
        if (at[to]) continue;
        at[to] = 1;
        path[n++] = to;
    }
    return done;
}

/* Marks what is still called. */
static void keep(code_build *b, uint32_t *todo) {
    uint32_t n = 0;
    b->rules[b->root].is_kept = true;
    todo[n++] = b->root;
    while (n) {
        const code_list *code = &b->rules[todo[--n]].code;
        for (uint32_t pc = 0; pc < code->n; pc++) {
            code_rule *to = code->at[pc].op == CODE_CALL ? &b->rules[code->at[pc].x] : NULL;
            if (!to || to->is_kept) continue;
            to->is_kept = true;
            todo[n++] = (uint32_t)(to - b->rules);
        }
    }
}

static uint32_t longest_rule(const code_build *b) {
    uint32_t most = 0;
    for (uint32_t i = 0; i < b->n_rules; i++)
        if (b->rules[i].code.n > most) most = b->rules[i].code.n;
    return most;
}

static int put_all_in(code_build *b) {
    uint32_t *at = roma_alloc_array(b->n_rules, sizeof *at), *path = roma_alloc_array(b->n_rules, sizeof *path),
             *order = roma_alloc_array(b->n_rules, sizeof *order),
             *place = roma_alloc_array(CONSTRAIN_CODE_MAX, sizeof *place);
    if (!at || !path || !order || !place) {
        roma_constrain_fail(b, ROMA_ENOMEM, "");
    } else {
        const uint32_t n = walk(b, at, path, order);
        for (uint32_t i = 0; i < n && !b->rc; i++) put_in(b, &b->rules[order[i]], place);
        if (!b->rc) keep(b, path);
    }
    roma_free(at);
    roma_free(path);
    roma_free(order);
    roma_free(place);
    return b->rc;
}

int roma_constrain_link(code_build *b) {
    if (!b->rc) check_defined(b);
    if (!b->rc) check_beginnings(b, longest_rule(b));
    return b->rc ? b->rc : put_all_in(b);
}
