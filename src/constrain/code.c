/* Rules as code: instructions are appended, so that what was read last is a piece which can be copied and repeated;
 * their targets are relative. */
#include "constrain/internal.h"

#include <string.h>

int roma_constrain_fail(code_build *b, int code, const char *what) {
    if (b->rc) return b->rc;
    b->rc = code;
    if (code == ROMA_ENOMEM) return roma_fail(b->err, code, b->file, ROMA_NOWHERE, "no memory for the grammar");
    uint64_t line, column;
    roma_position(b->text, b->at, &line, &column);
    return roma_fail_line(b->err, code, b->file, line, "column %llu: %s", (unsigned long long)column, what);
}

/* ---- instructions ---- */

bool roma_constrain_room(code_build *b, code_list *l, uint32_t n) {
    if (b->rc) return false;
    if (b->total + l->n + (uint64_t)n > CONSTRAIN_CODE_MAX) {
        roma_constrain_fail(b, ROMA_EUNSUPPORTED, "the grammar becomes too large here: repeat less, or less of it");
        return false;
    }
    if (l->n + n <= l->cap) return true;
    uint32_t cap = l->cap ? l->cap : 64;
    while (cap < l->n + n) cap *= 2;
    code_instr *at = roma_resize(l->at, cap * sizeof *at);
    if (!at) {
        roma_constrain_fail(b, ROMA_ENOMEM, "");
        return false;
    }
    l->at = at;
    l->cap = cap;
    return true;
}

void roma_constrain_emit(code_build *b, code_op op, uint8_t lo, uint8_t hi, int32_t x, int32_t y) {
    if (roma_constrain_room(b, &b->code, 1)) b->code.at[b->code.n++] = (code_instr){(uint8_t)op, lo, hi, x, y};
}

/* ---- characters ---- */

/* UTF-8 of c at out; returns its bytes. */
static unsigned utf8(uint32_t c, uint8_t out[4]) {
    if (c < 0x80) return out[0] = (uint8_t)c, 1;
    const unsigned n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (unsigned i = n; i-- > 1; c >>= 6) out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(lead[n] | c);
    return n;
}

void roma_constrain_emit_char(code_build *b, uint32_t c) {
    uint8_t s[4];
    const unsigned n = utf8(c, s);
    for (unsigned i = 0; i < n; i++) roma_constrain_emit(b, CODE_BYTE, s[i], s[i], 0, 0);
}

/* The beginning of [lo, hi] whose characters are the product of a range for each byte; returns the last of them. lo and
 * hi take as many bytes. Either all bytes behind a first difference are free, or the part is cut there. */
static uint32_t product_end(uint32_t lo, uint32_t hi, unsigned n) {
    for (unsigned i = 1; i < n; i++) {
        const uint32_t low = (UINT32_C(1) << 6 * i) - 1; /* the last i bytes */
        if ((lo & ~low) == (hi & ~low)) break;           /* they differ in these alone */
        if (lo & low) return lo | low;                   /* up to where these are full */
        if ((hi & low) != low) hi = (hi & ~low) - 1;     /* whole ones first */
    }
    return hi;
}

/* One way to spell characters: a range for each byte. Behind all but the last way stands a jump to the end, which the
 * caller patches. */
typedef struct {
    uint32_t slot, jumps; /* of the alternative that is open; chain of jumps to the end */
    bool any;
} ways;

static void open_way(code_build *b, ways *w) {
    if (w->any) {
        const uint32_t jump = b->code.n;
        roma_constrain_emit(b, CODE_JUMP, 0, 0, (int32_t)w->jumps, 0);
        if (b->rc) return;
        w->jumps = jump + 1;
        b->code.at[w->slot] = (code_instr){CODE_SPLIT, 0, 0, 1, (int32_t)(b->code.n - w->slot)};
    }
    w->any = true;
    w->slot = b->code.n;
    roma_constrain_emit(b, CODE_JUMP, 0, 0, 1, 0);
}

static void close_ways(code_build *b, uint32_t jumps) {
    while (!b->rc && jumps) {
        code_instr *j = &b->code.at[jumps - 1];
        const uint32_t before = (uint32_t)j->x;
        j->x = (int32_t)(b->code.n - (jumps - 1));
        jumps = before;
    }
}

/* lo and hi of as many bytes. */
static void emit_same_length(code_build *b, ways *w, uint32_t lo, uint32_t hi) {
    while (lo <= hi && !b->rc) {
        uint8_t from[4], to[4];
        const unsigned n = utf8(lo, from);
        const uint32_t end = product_end(lo, hi, n);
        utf8(end, to);
        open_way(b, w);
        for (unsigned i = 0; i < n; i++) roma_constrain_emit(b, CODE_BYTE, from[i], to[i], 0, 0);
        lo = end + 1;
    }
}

void roma_constrain_emit_ranges(code_build *b, const uint32_t *ends, size_t n) {
    static const uint32_t part[][2] = {
        {0, 0x7f}, {0x80, 0x7ff}, {0x800, 0xd7ff}, {0xe000, 0xffff}, {0x10000, 0x10ffff}};
    ways w = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t p = 0; p < sizeof part / sizeof *part; p++) {
            const uint32_t lo = ends[2 * i] > part[p][0] ? ends[2 * i] : part[p][0],
                           hi = ends[2 * i + 1] < part[p][1] ? ends[2 * i + 1] : part[p][1];
            if (lo <= hi) emit_same_length(b, &w, lo, hi);
        }
    close_ways(b, w.jumps);
    if (!w.any) roma_constrain_emit(b, CODE_BYTE, 1, 0, 0, 0); /* no byte at all */
}

/* ---- repetition ---- */

/* What stands from `from` on becomes a rule of its own, and a call of it. */
static void lift(code_build *b, uint32_t from) {
    const uint32_t rule = roma_constrain_rule(b, NULL, 0);
    code_list own = {0}, all = b->code;
    if (!roma_constrain_room(b, &own, all.n - from + 1)) return;
    own.n = all.n - from;
    memcpy(own.at, all.at + from, own.n * sizeof *own.at);
    all.n = from;
    b->code = own;
    roma_constrain_rule_end(b, rule); /* has room: cannot fail */
    b->code = all;
    roma_constrain_emit(b, CODE_CALL, 0, 0, (int32_t)rule, 0);
}

void roma_constrain_repeat(code_build *b, uint32_t from, uint32_t least, uint32_t most) {
    enum { LIFT = 2048 };
    const bool is_open = most == UINT32_MAX;
    const uint32_t copies = is_open ? least : most;
    if (b->rc) return;
    if ((uint64_t)(b->code.n - from) * copies > LIFT && b->code.n - from > 1) lift(b, from);
    const uint32_t size = b->code.n - from;
    if (b->rc || !size) return;
    code_instr *item = b->code.at + from, *copy = roma_alloc(size * sizeof *copy);
    if (!copy) {
        roma_constrain_fail(b, ROMA_ENOMEM, "");
        return;
    }
    memcpy(copy, item, size * sizeof *copy);
    b->code.n = from;
    for (uint32_t i = 0; i < copies + is_open && !b->rc; i++) {
        const uint64_t left = (uint64_t)(copies - i) * (size + 1);
        if (i >= least && is_open) roma_constrain_emit(b, CODE_SPLIT, 0, 0, 1, (int32_t)size + 2);
        if (i >= least && !is_open && left <= CONSTRAIN_CODE_MAX)
            roma_constrain_emit(b, CODE_SPLIT, 0, 0, 1, (int32_t)left);
        else if (i >= least && !is_open)
            roma_constrain_fail(b, ROMA_EUNSUPPORTED, "the grammar becomes too large here: repeat less, or less of it");
        if (!roma_constrain_room(b, &b->code, size)) break;
        memcpy(b->code.at + b->code.n, copy, size * sizeof *copy);
        b->code.n += size;
        if (i >= least && is_open) roma_constrain_emit(b, CODE_JUMP, 0, 0, -(int32_t)size - 1, 0);
    }
    roma_free(copy);
}

/* ---- rules ---- */

static bool grow_names(code_build *b) {
    const uint32_t n = b->names_mask ? 2 * (b->names_mask + 1) : 64;
    uint32_t *names = roma_alloc_array(n, sizeof *names);
    if (!names) return false;
    for (uint32_t r = 0; r < b->n_rules; r++) {
        if (!b->rules[r].name) continue;
        uint32_t i = (uint32_t)roma_hash64(b->rules[r].name, strlen(b->rules[r].name)) & (n - 1);
        while (names[i]) i = (i + 1) & (n - 1);
        names[i] = r + 1;
    }
    roma_free(b->names);
    b->names = names;
    b->names_mask = n - 1;
    return true;
}

uint32_t roma_constrain_rule(code_build *b, const char *name, size_t len) {
    if (b->rc) return 0;
    uint32_t at = 0;
    if (name && b->names)
        for (at = (uint32_t)roma_hash64(name, len) & b->names_mask; b->names[at]; at = (at + 1) & b->names_mask) {
            const char *other = b->rules[b->names[at] - 1].name;
            if (strlen(other) == len && memcmp(other, name, len) == 0) return b->names[at] - 1;
        }
    if (b->n_rules == CONSTRAIN_RULES_MAX) {
        roma_constrain_fail(b, ROMA_EUNSUPPORTED, "the grammar has too many rules");
        return 0;
    }
    code_rule r = {.at = b->at};
    if (name && (r.name = roma_alloc(len + 1)) != NULL) {
        memcpy(r.name, name, len);
        r.name[len] = 0;
    }
    if ((name && !r.name) || !ROMA_GROW(&b->rules, b->n_rules, &b->cap_rules)) {
        roma_free(r.name);
        roma_constrain_fail(b, ROMA_ENOMEM, "");
        return 0;
    }
    b->rules[b->n_rules++] = r;
    if (name && 2 * b->n_rules > b->names_mask) {
        if (!grow_names(b)) roma_constrain_fail(b, ROMA_ENOMEM, "");
    } else if (name)
        b->names[at] = b->n_rules;
    return b->n_rules - 1;
}

void roma_constrain_rule_end(code_build *b, uint32_t rule) {
    roma_constrain_emit(b, CODE_END, 0, 0, 0, 0);
    if (b->rc) return;
    code_rule *r = &b->rules[rule];
    r->code = b->code;
    r->is_defined = true;
    b->total += b->code.n;
    b->code = (code_list){0};
}

void roma_constrain_build_free(code_build *b) {
    for (uint32_t i = 0; i < b->n_rules; i++) {
        roma_free(b->rules[i].name);
        roma_free(b->rules[i].code.at);
    }
    roma_free(b->rules);
    roma_free(b->names);
    roma_free(b->code.at);
}
