/* Sums of adapters and how far two are apart, on a small one whose sums with itself are known; and what is refused.
 * tests/cli/test_adapter.py holds both to the matrices of a second reader. */
#include "fixture.h"
#include "../test.h"

typedef struct {
    uint8_t *bytes;
    roma_adapter adapter;
} opened;

static opened small(uint32_t type) {
    opened o;
    size_t size;
    o.bytes = fx_file(type, &size);
    CHECK_EQ(roma_adapter_open_memory(&o.adapter, o.bytes, size, 0, NULL), 0);
    return o;
}
static void done(opened *o) {
    roma_adapter_close(&o->adapter);
    free(o->bytes);
}

typedef struct {
    unsigned calls, until;
} counter;
static int count(void *ctx, const roma_adapter_difference *d) {
    counter *c = ctx;
    CHECK(d->a || d->b);
    return ++c->calls == c->until;
}

/* Twice itself: every matrix of the sum is twice as long and points the same way. */
static void test_twice(void) {
    opened o = small(ROMA_ADAPTER_F16);
    roma_adapter sum;
    roma_adapter_difference all;
    roma_error err = {0};
    counter c = {0, 0};
    const roma_adapter_part parts[2] = {{&o.adapter, 0.5f, "one"}, {&o.adapter, 1.5f, "two"}};
    CHECK_EQ(roma_adapter_merge(fx_path(), parts, 2, 0, NULL, NULL, NULL, &err), 0);
    CHECK_EQ(roma_adapter_open(&sum, fx_path(), 0, &err), 0);
    unlink(fx_path());
    CHECK_STR(sum.note, "small:0.5 + small:1.5");
    CHECK_STR(sum.name, sum.note);
    CHECK_EQ(sum.type, ROMA_ADAPTER_F16);
    CHECK_EQ(sum.n_targets, 3);
    CHECK_EQ(roma_adapter_find(&sum, ROMA_W_Q, 0)->rank, 34);
    CHECK_EQ(roma_adapter_compare(&o.adapter, &sum, "sum", count, &c, &all, &err), 0);
    CHECK_EQ(c.calls, 3);
    CHECK(!all.a && !all.b);
    CHECK_NEAR(all.square_b, 4 * all.square_a, 0.01);
    CHECK_NEAR(all.relative, 1, 0.01);
    CHECK_NEAR(all.cosine, 1, 1e-4);
    roma_adapter_close(&sum);
    done(&o);
}

/* One type where the parts have different ones, a name that is asked for. */
static void test_types(void) {
    opened a = small(ROMA_ADAPTER_INT8), b = small(ROMA_ADAPTER_FP8);
    roma_adapter sum;
    const roma_adapter_part parts[2] = {{&a.adapter, 1, "a"}, {&b.adapter, 1, "b"}};
    CHECK_EQ(roma_adapter_merge(fx_path(), parts, 2, 0, "both", NULL, NULL, NULL), 0);
    CHECK_EQ(roma_adapter_open(&sum, fx_path(), 0, NULL), 0);
    CHECK_EQ(sum.type, ROMA_ADAPTER_F16);
    CHECK_STR(sum.name, "both");
    roma_adapter_close(&sum);
    CHECK_EQ(roma_adapter_merge(fx_path(), parts, 2, ROMA_ADAPTER_FP8, NULL, NULL, NULL, NULL), 0);
    CHECK_EQ(roma_adapter_open(&sum, fx_path(), 0, NULL), 0);
    CHECK_EQ(sum.type, ROMA_ADAPTER_FP8);
    roma_adapter_close(&sum);
    unlink(fx_path());
    done(&a);
    done(&b);
}

static void test_same(void) {
    opened o = small(ROMA_ADAPTER_INT8);
    roma_adapter none = o.adapter;
    roma_adapter_difference all;
    none.n_targets = 0;
    CHECK_EQ(roma_adapter_compare(&o.adapter, &o.adapter, "same", NULL, NULL, &all, NULL), 0);
    CHECK_REAL(all.relative, 0);
    CHECK_NEAR(all.cosine, 1, 1e-12);
    CHECK_EQ(roma_adapter_compare(&o.adapter, &none, "none", NULL, NULL, &all, NULL), 0);
    CHECK_REAL(all.relative, 1);
    CHECK(all.cosine != all.cosine);
    CHECK_EQ(roma_adapter_compare(&none, &none, "none", NULL, NULL, &all, NULL), 0);
    CHECK(all.relative != all.relative);
    done(&o);
}

static void test_refused(void) {
    opened o = small(ROMA_ADAPTER_INT8), other = small(ROMA_ADAPTER_INT8);
    roma_adapter_difference all;
    roma_error err = {0};
    counter c = {0, 2};
    const roma_adapter_part parts[2] = {{&o.adapter, 1, "one"}, {&other.adapter, 1, "other"}};
    const uint32_t rank = other.adapter.targets[0].rank;
    other.adapter.targets[0].rank = ROMA_ADAPTER_RANK_MAX;
    CHECK_EQ(roma_adapter_merge(fx_path(), parts, 2, 0, NULL, NULL, NULL, &err), ROMA_EUNSUPPORTED);
    CHECK_HAS(err.text, "add up to");
    other.adapter.targets[0].rank = rank;
    other.adapter.base_id[0]++;
    CHECK_EQ(roma_adapter_merge(fx_path(), parts, 2, 0, NULL, NULL, NULL, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "was made for base");
    memcpy(other.adapter.base_id, o.adapter.base_id, 32);
    other.adapter.targets[0].rows += 16;
    CHECK_EQ(roma_adapter_merge(fx_path(), parts, 2, 0, NULL, NULL, NULL, &err), ROMA_EINPUT);
    CHECK_EQ(roma_adapter_compare(&o.adapter, &other.adapter, "other", NULL, NULL, &all, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "another shape");
    other.adapter.targets[0].rows -= 16;
    CHECK_EQ(roma_adapter_compare(&o.adapter, &other.adapter, "other", count, &c, &all, &err), ROMA_ECANCEL);
    CHECK_EQ(c.calls, 2);
    CHECK(access(fx_path(), F_OK) != 0);
    done(&o);
    done(&other);
}

int main(void) {
    test_twice();
    test_types();
    test_same();
    test_refused();
    return TEST_DONE();
}
