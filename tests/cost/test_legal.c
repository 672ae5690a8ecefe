/* roma_cost_legal: legal schedules pass; one instance moved one cycle before the rule that binds it does not, and the
 * rule is named. */
#include "random_case.h"
#include "stepper.h"
#include "../test.h"

static random_case r;

/* What holds an instance back until its start, as the stepper knows it. */
typedef struct {
    bool reads, unit[STEPPER_UNITS];
    bool base, up; /* a LINEAR's base part, an up end then */
    bool scale;    /* codes were there before, their scale is late */
    bool last_row; /* a down's LINEAR reads its last row then */
    bool value[2]; /* inputs that are there only then */
    bool ups;      /* a CACHE: an up that it does not read ends then */
} held;

static held holding(const stepper *t, size_t i) {
    const stepper_instance *me = &t->all[i];
    held h = {0};
    for (size_t k = 0; k < me->n_reads; k++) {
        const stepper_read *read = &t->reads[me->first_read + k];
        const stepper_instance *y = &t->all[read->from];
        const roma_op *writer = &t->p->ops[y->op], *op = &t->p->ops[me->op];
        if (read->wait == STEPPER_SUM || stepper_ready(t, me, read) != me->start) continue;
        h.reads = true;
        h.last_row |= read->wait == STEPPER_LAST_ROW;
        h.scale |= read->wait == STEPPER_CODES && y->end < me->start;
        if (writer->kind == ROMA_OP_LINEAR && y->part != ROMA_PART_DOWN) *(y->part ? &h.up : &h.base) = true;
        for (int v = 0; v < 2; v++)
            if (op->in[v] != ROMA_NO_VALUE && op->in[v] == writer->out) h.value[v] = true;
    }
    for (size_t k = 0; t->p->ops[me->op].kind == ROMA_OP_CACHE && k < i; k++)
        h.ups |= stepper_is_up_on_h(&t->all[k]) && t->all[k].end == me->start;
    h.ups &= !h.reads;
    for (int u = 0; u < STEPPER_UNITS; u++) {
        const uint32_t y = stepper_before(t, i, u);
        h.unit[u] = y != UINT32_MAX && t->all[y].busy == me->start;
    }
    return h;
}

/* What the scheduler lays a wait to is one of those that hold it back, and what it reads rather than a unit. */
static bool is_laid_right(const stepper *t, const roma_schedule *s, size_t i) {
    const uint32_t binding = s->instances[i].binding;
    if (!t->all[i].start) return true;
    return holding(t, i).reads ? stepper_reads_hold(t, i, binding) : stepper_unit_holds(t, i, binding);
}

/* ---- situations that must each be met ----
 * Four never bind alone. ATTEND's query and the CACHE of an earlier block are there no later than the CACHE of its own
 * block, because V and H work in issue order and one kind of operation has one latency; L, where ATTEND takes it too,
 * is free before the last CACHE can start; and SILU's gate is there before up. */

enum {
    READS_CODES,
    READS_SCALE,
    READS_BIAS,
    READS_HEAD_NORM,
    READS_ROPE,
    READS_CACHE_K,
    READS_CACHE_V,
    READS_CACHES,
    READS_QUANTISE,
    READS_SILU_UP,
    READS_RESIDUAL,
    READS_NORM,
    READS_BASE_OF_TWO,
    READS_UP_OF_TWO,
    DOWN_READS_SCALE,
    DOWN_READS_LAST_ROW,
    UP_READS_DOWN,
    L_EMBED,
    L_LINEAR,
    L_BEHIND_ATTEND,
    L_SERIAL,
    H_CACHE,
    H_CACHE_UPS,
    H_ATTEND,
    H_ATTEND_BOTH,
    H_ADAPTER,
    A_ADAPTER,
    V_ANY,
    SITUATIONS
};
/* clang-format off */
static const char *const situation_name[SITUATIONS] = {
    "LINEAR waits for codes", "LINEAR waits for their scale", "BIAS reads", "HEAD_NORM reads", "ROPE reads", "CACHE reads K", "CACHE reads V",
    "ATTEND reads CACHE", "QUANTISE reads", "SILU reads up",
    "RESIDUAL reads", "NORM reads", "reader of two parts waits for the base", "reader of two parts waits for an up",
    "down waits for the scale of its codes", "down waits for the last row of its LINEAR", "up waits for its down", "EMBED behind L", "LINEAR behind L", "LINEAR behind an ATTEND that takes L",
    "serial adapter part behind L", "CACHE behind H", "CACHE behind the end of an up", "ATTEND behind H", "ATTEND that takes both, behind H", "adapter part behind H", "adapter part behind another where attention overlaps",
    "V operation behind V"};
/* clang-format on */
static unsigned met[SITUATIONS];

static void meet_reads(const stepper *t, const stepper_instance *me, const held *h) {
    static const int of_kind[ROMA_OP_COUNT] = {
        [ROMA_OP_NORM] = READS_NORM,           [ROMA_OP_QUANTISE] = READS_QUANTISE, [ROMA_OP_BIAS] = READS_BIAS,
        [ROMA_OP_HEAD_NORM] = READS_HEAD_NORM, [ROMA_OP_ROPE] = READS_ROPE,         [ROMA_OP_RESIDUAL] = READS_RESIDUAL,
        [ROMA_OP_ATTEND] = READS_CACHES};
    const roma_op *op = &t->p->ops[me->op];
    if (me->part == ROMA_PART_UP)
        met[UP_READS_DOWN]++;
    else if (me->part == ROMA_PART_DOWN)
        met[DOWN_READS_LAST_ROW] += h->last_row && !h->scale, met[DOWN_READS_SCALE] += h->scale && !h->last_row;
    else if (op->kind == ROMA_OP_LINEAR)
        met[h->scale ? READS_SCALE : READS_CODES]++;
    else if (op->kind == ROMA_OP_CACHE)
        met[READS_CACHE_K] += h->value[0] && !h->value[1], met[READS_CACHE_V] += h->value[1] && !h->value[0];
    else if (op->kind == ROMA_OP_SILU)
        met[READS_SILU_UP] += h->value[1] && !h->value[0];
    else if (of_kind[op->kind])
        met[of_kind[op->kind]]++;
    if (me->part == ROMA_PART_BASE && h->up && !h->base) met[READS_UP_OF_TWO]++;
    if (me->part == ROMA_PART_BASE && h->base && !h->up) met[READS_BASE_OF_TWO]++;
}

static void meet_unit(const stepper *t, size_t i, int unit) {
    const stepper_instance *me = &t->all[i];
    const roma_op_kind kind = t->p->ops[me->op].kind, other = t->p->ops[t->all[stepper_before(t, i, unit)].op].kind;
    if (unit == ROMA_UNIT_V)
        met[V_ANY]++;
    else if (unit == STEPPER_A)
        met[A_ADAPTER]++;
    else if (unit == ROMA_UNIT_L) {
        if (kind == ROMA_OP_EMBED)
            met[L_EMBED]++;
        else if (me->part != ROMA_PART_BASE)
            met[L_SERIAL]++;
        else
            met[other == ROMA_OP_ATTEND ? L_BEHIND_ATTEND : L_LINEAR]++;
    } else if (me->part != ROMA_PART_BASE)
        met[H_ADAPTER]++;
    else if (kind == ROMA_OP_CACHE)
        met[H_CACHE]++;
    else
        met[me->takes[ROMA_UNIT_L] ? H_ATTEND_BOTH : H_ATTEND]++;
}

/* ---- the schedule spoiled in one place, judged, and put right ---- */

static bool refused(const roma_schedule *s, const char *said) {
    roma_error err = {0};
    const int rc = roma_cost_legal(s, &r.place, r.spans, r.n_spans, &err);
    const bool ok = rc == ROMA_EINTERNAL && strstr(err.text, said);
    if (!ok)
        fprintf(stderr, "seed %llu: code %d, said \"%s\", wanted \"%s\"\n", (unsigned long long)r.seed, rc, err.text,
                said);
    return ok;
}

static void move(roma_cost_instance *x, uint64_t by) {
    x->start += by;
    x->busy += by;
    x->end += by;
}

/* Counts the situation; true as long as it is rare. */
static bool meet(const stepper *t, size_t i, const held *h) {
    unsigned before[SITUATIONS];
    bool rare = false;
    memcpy(before, met, sizeof met);
    for (int u = 0; u < STEPPER_UNITS; u++)
        if (h->unit[u]) meet_unit(t, i, u);
    if (h->reads) meet_reads(t, &t->all[i], h);
    if (h->ups) met[H_CACHE_UPS]++;
    for (int k = 0; k < SITUATIONS; k++) rare |= met[k] != before[k] && met[k] <= 12;
    return rare;
}

/* Moves instances that wait, one at a time: rare ones and some of the others. */
static void test_moves(roma_schedule *s, const stepper *t) {
    static const char *const unit_text[] = {"unit L", "unit H", "unit V", "adapter part"};
    for (size_t i = 0; i < t->n && test_failures < 5; i++) {
        if (!t->all[i].start) continue;
        const held h = holding(t, i);
        const int holders = h.reads + h.ups + h.unit[0] + h.unit[1] + h.unit[2] + h.unit[3];
        CHECK(holders > 0);
        const char *said = "instance"; /* several rules: any may be named */
        if (holders == 1) {
            said = "reads";
            for (int u = 0; u < STEPPER_UNITS; u++)
                if (h.unit[u]) said = unit_text[u];
            if (h.ups) said = "up has ended";
        }
        const bool rare = holders == 1 && meet(t, i, &h);
        if (!rare && random_below(&r, t->n) >= 16) continue; /* each takes as long as the schedule */
        move(&s->instances[i], (uint64_t)-1);
        CHECK(refused(s, said));
        move(&s->instances[i], 1);
    }
}

static void test_damage(roma_schedule *s) {
    roma_cost_instance *const x = s->instances;
    const size_t at = random_below(&r, s->n), next = at + 1 < s->n ? at + 1 : at - 1;
    char number[32];
    snprintf(number, sizeof number, "instance %zu ", at);
    x[at].end++;
    CHECK(refused(s, "duration"));
    CHECK(refused(s, number));
    x[at].busy++; /* busy and end one later */
    CHECK(refused(s, "duration"));
    x[at].end--, x[at].busy--;
    const roma_cost_instance a = x[at], b = x[next]; /* issue order */
    x[at] = b, x[next] = a;
    CHECK(refused(s, "order"));
    x[at] = a, x[next] = b;
    x[at].block += 1;
    CHECK(refused(s, "order"));
    x[at].block -= 1;
    x[at].part = a.part == ROMA_PART_BASE ? ROMA_PART_UP : ROMA_PART_BASE;
    CHECK(refused(s, "order"));
    x[at].part = a.part;
    x[at].place++;
    CHECK(refused(s, "order"));
    x[at].place--;
    s->cycles++;
    CHECK(refused(s, "cycles"));
    s->cycles -= 2;
    CHECK(refused(s, "cycles"));
    s->cycles++;
    const roma_cost_instance last = x[s->n - 1];
    s->n--; /* the last one is missing */
    CHECK(refused(s, "ends before"));
    s->n++;
    memmove(&x[at], &x[at + 1], (s->n - at - 1) * sizeof *x); /* one in the middle */
    s->n--;
    CHECK(refused(s, ""));
    s->n++;
    memmove(&x[at + 1], &x[at], (s->n - at - 1) * sizeof *x);
    x[at] = a;
    CHECK(!memcmp(&x[s->n - 1], &last, sizeof last) || at == s->n - 1);
}

/* A gap is not forbidden: everything from one instant on moved later together stays legal. An up that began before ends
 * later with what it adds to. */
static void test_later(roma_schedule *s, const stepper *t) {
    roma_error err = {0};
    const uint64_t from = s->instances[random_below(&r, s->n)].start;
    s->cycles = 0;
    for (size_t i = 0; i < s->n; i++) {
        roma_cost_instance *me = &s->instances[i];
        if (me->start >= from) move(me, 3);
        me->end = me->busy + t->all[i].time.lat;
        for (size_t k = 0; k < t->all[i].n_reads; k++) {
            const stepper_read *read = &t->reads[t->all[i].first_read + k];
            if (read->wait == STEPPER_SUM)
                me->end = stepper_max(me->end,
                                      s->instances[read->from].end + stepper_sum(t, &t->all[i], &t->all[read->from]));
        }
        s->cycles = stepper_max(s->cycles, me->end);
    }
    CHECK_EQ(roma_cost_legal(s, &r.place, r.spans, r.n_spans, &err), 0);
    if (err.code) fprintf(stderr, "seed %llu: %s\n", (unsigned long long)r.seed, err.text);
}

int main(void) {
    roma_schedule s = {0};
    for (uint64_t seed = 20001; seed <= 20100 && test_failures < 5; seed++) {
        roma_error err = {0};
        CHECK(random_make(&r, seed));
        CHECK_EQ(roma_cost_step(&s, &r.place, r.spans, r.n_spans, &err), 0);
        CHECK_EQ(roma_cost_legal(&s, &r.place, r.spans, r.n_spans, &err), 0);
        stepper t = stepper_run(&r.place, r.spans, r.n_spans);
        CHECK_EQ(s.n, t.n);
        bool laid_right = s.n == t.n;
        for (size_t i = 0; i < t.n && laid_right; i++) laid_right = is_laid_right(&t, &s, i);
        CHECK(laid_right);
        if (s.n == t.n) test_moves(&s, &t);
        test_damage(&s);
        CHECK_EQ(roma_cost_legal(&s, &r.place, r.spans, r.n_spans, &err), 0); /* all put right */
        if (s.n == t.n) test_later(&s, &t);
        stepper_destroy(&t);
        random_done(&r);
    }
    for (int k = 0; k < SITUATIONS; k++) {
        CHECK(met[k] > 0);
        if (!met[k]) fprintf(stderr, "never met alone: %s\n", situation_name[k]);
    }
    roma_schedule_destroy(&s);
    return TEST_DONE();
}
