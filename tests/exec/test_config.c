/* What an engine is made of: configurations of which one field is set, plans of other models, damaged plans. All are
 * accepted, and then run, or refused with a sentence that names what is wrong. */
#include "exec/internal.h"
#include "adapters.h"
#include "loaded.h"

/* ---- configurations ---- */

typedef struct {
    const char *name; /* as messages have it */
    size_t at, size;
    uint64_t most; /* the largest value that may be taken, memory permitting; 0: the model's context */
} field;
#define FIELD(type, f, most)                                                                                           \
    { #f, offsetof(type, f), sizeof((type *)0)->f, most }
static const field fields[] = {
    FIELD(roma_exec_config, threads, 64),
    FIELD(roma_exec_config, context, 0),
    FIELD(roma_exec_config, sequences, 65536),
    FIELD(roma_exec_config, rows, ROMA_EXEC_ROWS_MAX),
    FIELD(roma_exec_config, logit_rows, ROMA_EXEC_ROWS_MAX),
    FIELD(roma_exec_config, sram_bytes, UINT64_MAX),
    FIELD(roma_exec_config, adapter_bytes, UINT64_C(1) << 62),
    FIELD(roma_exec_config, adapters, 65536),
    FIELD(roma_exec_config, adapter_rank, ROMA_ADAPTER_RANK_MAX),
    FIELD(roma_exec_config, adapter_stack, ROMA_EXEC_STACK_MAX),
    FIELD(roma_exec_config, adapter_sets, 65536),
    FIELD(roma_exec_config, vector_bytes, UINT64_MAX),
    FIELD(roma_exec_config, pages, UINT32_MAX),
};
static const uint64_t values[] = {0,
                                  1,
                                  2,
                                  3,
                                  7,
                                  8,
                                  9,
                                  31,
                                  32,
                                  33,
                                  63,
                                  64,
                                  65,
                                  127,
                                  128,
                                  129,
                                  200,
                                  255,
                                  511,
                                  512,
                                  513,
                                  1000,
                                  2048,
                                  2049,
                                  4096,
                                  65535,
                                  65536,
                                  65537,
                                  1u << 20,
                                  1u << 24,
                                  1u << 31,
                                  UINT32_MAX,
                                  UINT64_C(1) << 40,
                                  UINT64_C(1) << 62,
                                  (UINT64_C(1) << 62) + 1,
                                  UINT64_MAX};

static void set_field(void *config, const field *f, uint64_t v) {
    if (f->size == 4) {
        const uint32_t small = (uint32_t)v;
        memcpy((char *)config + f->at, &small, 4);
    } else
        memcpy((char *)config + f->at, &v, 8);
}

/* The engine runs: every sequence takes a token as far as pages and rows go, and a batch of defaults an answer. */
static int on_token(void *ctx, int32_t token, const float *logits, roma_error *err) {
    (void)token, (void)logits, (void)err;
    ++*(int *)ctx;
    return 0;
}

static void run(roma_exec *e, const field *f, uint64_t v) {
    const roma_exec_memory *m = roma_exec_memory_of(e);
    const int32_t prompt[2] = {1, 2};
    roma_error err = {0};
    roma_batch *b = NULL;
    uint32_t id;
    int n = 0;
    roma_request r = {.prompt = prompt, .n_prompt = 2, .limit = 3, .token = on_token, .ctx = &n};
    roma_sampling_default(&r.sampling);
    CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){.proposals = 3}, &err), 0);
    if (!b) {
        fprintf(stderr, "%s = %llu: %s\n", f->name, (unsigned long long)v, err.text);
        return;
    }
    CHECK(m->logit_rows <= m->rows);
    if (m->context < 2) {
        CHECK(roma_batch_submit(b, &r, &id, &err) != 0); /* no room for the prompt */
        roma_batch_destroy(b);
        return;
    }
    CHECK_EQ(roma_batch_submit(b, &r, &id, &err), 0);
    while (!roma_batch_is_idle(b)) CHECK_EQ(roma_batch_step(b, &err), 0);
    CHECK(n == (m->context < 5 ? (int)m->context - 2 : 3));
    roma_batch_destroy(b);
}

static void test_field(const loaded *m, const field *f, uint64_t v) {
    const uint64_t most = f->most ? f->most : m->img.desc.hyper.context;
    roma_exec_config c = {.threads = 1};
    roma_exec_memory bytes;
    roma_error err = {0}, again = {0};
    roma_exec *e;
    if (f->size == 4 && v > UINT32_MAX) return;
    set_field(&c, f, v);
    const int rc = roma_exec_bytes(&m->plan, &c, &bytes, &err);
    const bool fits = strcmp(f->name, "sram_bytes") || !v || v >= (1u << 24);
    CHECK_EQ(rc == 0, v <= most && fits);
    if (rc == 0 && bytes.cache + bytes.adapters + bytes.work + bytes.activations > 256u << 20)
        return; /* large, but legal */
    const int made = roma_exec_create(&e, &m->img, &m->plan, &c, &again);
    CHECK_EQ(made, rc);
    if (rc) CHECK(e == NULL && rc == (fits ? ROMA_EUSAGE : ROMA_EINPUT) && strcmp(err.text, again.text) == 0);
    if (rc && !strstr(err.text, f->name) && !(strcmp(f->name, "sram_bytes") == 0 && strstr(err.text, "SRAM"))) {
        fprintf(stderr, "%s = %llu: %s\n", f->name, (unsigned long long)v, err.text);
        CHECK(false);
    }
    if (made) return;
    if (v % 8 < 2 || v > 100) run(e, f, v);
    roma_exec_destroy(e);
}

static void test_config(const loaded *m) {
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) test_field(m, &fields[i], values[k]);
    roma_exec_memory out;
    roma_error err = {0};
    CHECK_EQ(roma_exec_bytes(&m->plan, &(roma_exec_config){.threads = -1}, &out, &err), ROMA_EUSAGE);
    CHECK(strstr(err.text, "threads") != NULL);
    CHECK_EQ(roma_exec_bytes(&m->plan, &(roma_exec_config){.rows = 8, .logit_rows = 9}, &out, &err), ROMA_EUSAGE);
    CHECK(strstr(err.text, "logit_rows") && strstr(err.text, "rows"));
    CHECK_EQ(roma_exec_bytes(&m->plan, &(roma_exec_config){.rows = 3, .sequences = 5}, &out, &err), 0);
    CHECK_EQ(out.logit_rows, 3);
    CHECK_EQ(roma_exec_bytes(&m->plan, &(roma_exec_config){.logit_rows = 300}, &out, &err), 0);
    CHECK_EQ(out.rows, 300);
    CHECK_EQ(roma_exec_bytes(&m->plan, &(roma_exec_config){.sequences = 200}, &out, &err), 0);
    CHECK_EQ(out.rows, 128);
    roma_exec *e;
    CHECK_EQ(roma_exec_create(&e, &m->img, &m->plan,
                              &(roma_exec_config){.threads = 1, .adapter_bytes = UINT64_C(1) << 50}, &err),
             ROMA_ENOMEM);
    CHECK(strstr(err.text, "adapter_bytes") != NULL);
}

static int any_token(void *ctx, int32_t token, const float *logits, roma_error *err) {
    (void)ctx, (void)token, (void)logits, (void)err;
    return 0;
}

/* As many wait as run, where nothing else is said: twice as many are taken before a step, and no more. */
static void test_waiting(roma_exec *e) {
    static const int32_t prompt[] = {1, 2, 3};
    const roma_request r = {
        .prompt = prompt, .n_prompt = 3, .limit = 2, .token = any_token, .sampling = {.top_p = 1, .repeat_penalty = 1}};
    for (uint32_t running = 1; running <= 4; running++)
        for (uint32_t waiting = 0; waiting <= 3; waiting++) {
            roma_error err = {0};
            roma_batch *b;
            uint32_t id, n = 0;
            CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){.running = running, .waiting = waiting}, &err), 0);
            while (n < 20 && roma_batch_submit(b, &r, &id, &err) == 0) n++;
            CHECK_EQ(n, running + (waiting ? waiting : running));
            roma_batch_destroy(b);
        }
}

static void test_batch_config(const loaded *m) {
    static const field batch_fields[] = {FIELD(roma_batch_config, running, 4),
                                         FIELD(roma_batch_config, waiting, 1 << 20),
                                         FIELD(roma_batch_config, proposals, UINT32_MAX)};
    roma_exec *e =
        engine(m, (roma_exec_config){.threads = 1, .context = 64, .sequences = 6, .rows = 8, .logit_rows = 4});
    roma_error err = {0};
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < sizeof values / sizeof *values && values[k] <= UINT32_MAX; k++) {
            roma_batch_config c = {0};
            roma_batch *b;
            set_field(&c, &batch_fields[i], values[k]);
            const int rc = roma_batch_create(&b, e, &c, &err);
            CHECK_EQ(rc, values[k] <= batch_fields[i].most ? 0 : ROMA_EUSAGE);
            CHECK(rc == 0 || strstr(err.text, batch_fields[i].name));
            roma_batch_destroy(b);
        }
    roma_batch *b;
    CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){0}, &err), 0);
    CHECK_EQ(roma_batch_poll(b, UINT32_MAX, NULL)->state, ROMA_REQUEST_NONE); /* ids that were never given */
    roma_batch_cancel(b, 77);
    roma_batch_finish(b, 77);
    roma_batch_destroy(b);
    test_waiting(e);
    CHECK_EQ(roma_exec_length(e, 99), 0);
    roma_exec_truncate(e, 99, 0);
    roma_exec_destroy(e);
}

/* As many adapters as were asked for, though memory is left for more; one that goes makes room again. */
static void test_adapter_count(const loaded *m) {
    roma_adapter a;
    roma_error err = {0};
    uint32_t id;
    adapter_random(&a, &m->img, 1, 2, 0, 0, 3);
    for (uint32_t n = 1; n <= 3; n++) {
        roma_exec *e =
            engine(m, (roma_exec_config){.threads = 1, .context = 64, .adapters = n, .adapter_bytes = 8 << 20});
        for (uint32_t i = 0; i < n; i++) CHECK_EQ(adapter_load(e, &a), i);
        CHECK_EQ(roma_exec_adapter_load(e, &a, 0, "", &id, &err), ROMA_EINPUT);
        CHECK_HAS(err.text, "adapters are loaded, and there is room for no more");
        CHECK_EQ(roma_exec_adapter_unload(e, n - 1, &err), 0);
        CHECK_EQ(adapter_load(e, &a), n - 1);
        roma_exec_destroy(e);
    }
    roma_adapter_close(&a);
}

/* ---- plans of other models ---- */

static void check_refused(const loaded *image, const loaded *plan, const char *said) {
    roma_exec *e = (roma_exec *)1;
    roma_error err = {0};
    CHECK_EQ(roma_exec_create(&e, &image->img, &plan->plan, &(roma_exec_config){.threads = 1}, &err), ROMA_EINPUT);
    CHECK(e == NULL && strstr(err.text, "the plan was made for another model") && strstr(err.text, said));
}

static void test_other_models(void) {
    static const roma_format q4 = {.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32},
                             no_min = {.bits = 4, .scale = ROMA_SCALE_F16, .group = 32, .zero = 8},
                             zero_7 = {.bits = 4, .scale = ROMA_SCALE_F16, .group = 32, .zero = 7},
                             wide = {.bits = 4, .scale = ROMA_SCALE_F16, .group = 64, .zero = 8},
                             q8 = {.bits = 8, .scale = ROMA_SCALE_F16, .group = 32};
    static const struct {
        uint32_t arch;
        const roma_format *f;
    } kinds[] = {{ROMA_ARCH_LLAMA, &q4},   {ROMA_ARCH_LLAMA, &no_min}, {ROMA_ARCH_LLAMA, &zero_7},
                 {ROMA_ARCH_LLAMA, &wide}, {ROMA_ARCH_LLAMA, &q8},     {ROMA_ARCH_QWEN2, &q4},
                 {ROMA_ARCH_QWEN3, &q4}};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    static loaded m[KINDS];
    loaded twin;
    for (int i = 0; i < KINDS; i++) load_as(&m[i], kinds[i].arch, *kinds[i].f, 3);
    for (int i = 0; i < KINDS; i++)
        for (int k = 0; k < KINDS; k++)
            if (i != k) check_refused(&m[i], &m[k], kinds[i].arch == kinds[k].arch ? "format" : "architecture");
    load_as(&twin, kinds[0].arch, q4, 4); /* other weights of the same shapes: the plan holds none */
    roma_exec *e;
    roma_error err = {0};
    CHECK_EQ(roma_exec_create(&e, &m[0].img, &twin.plan, &(roma_exec_config){.threads = 1}, &err), 0);
    roma_exec_destroy(e);
    roma_hyper *h = &twin.img.desc.hyper; /* one field after the other */
    const roma_hyper own = *h;
    h->rope_phase[3]++;
    check_refused(&m[0], &twin, "rotation table");
    *h = own;
    h->rms_eps *= 2;
    check_refused(&m[0], &twin, "epsilon");
    *h = own;
    h->context--;
    check_refused(&m[0], &twin, "context limit");
    *h = own;
    unload(&twin);
    for (int i = 0; i < KINDS; i++) unload(&m[i]);
}

/* ---- damaged plans ---- */

/* A plan with one field of one operation or value changed is refused, or what it says still runs. */
static void test_damaged(const loaded *m, uint32_t cases) {
    static const uint32_t odd[] = {0,  1,  2,   3,   5,   7,   11,  12,       13,       63,
                                   64, 65, 127, 200, 255, 256, 512, 1u << 20, 1u << 31, UINT32_MAX};
    roma_plan p = m->plan;
    p.ops = malloc(p.n_ops * sizeof *p.ops);
    p.values = malloc(p.n_values * sizeof *p.values);
    unsigned refused = 0;
    for (uint32_t i = 0; i < cases; i++) {
        memcpy(p.ops, m->plan.ops, p.n_ops * sizeof *p.ops);
        memcpy(p.values, m->plan.values, m->plan.n_values * sizeof *p.values);
        const uint32_t v = odd[roma_random(1, i) % (sizeof odd / sizeof *odd)];
        roma_op *op = &p.ops[roma_random(2, i) % p.n_ops];
        roma_value *value = &p.values[roma_random(3, i) % p.n_values];
        p.n_ops = m->plan.n_ops, p.n_values = m->plan.n_values, p.n_adapter_slots = m->plan.n_adapter_slots;
        switch (roma_random(4, i) % 14) {
        case 0: op->kind = (roma_op_kind)v; break;
        case 1: op->unit = (roma_unit)(v % 3); break;
        case 2: op->layer = v; break;
        case 3: op->in[0] = v; break;
        case 4: op->in[1] = v; break;
        case 5: op->out = v; break;
        case 6: op->tensor = v % 40; break;
        case 7: op->tensor = v; break;
        case 8: op->adapter_slot = v; break;
        case 9: op->last_rows_only = !op->last_rows_only; break;
        case 10: value->width = v; break;
        case 11: value->is_codes = !value->is_codes; break;
        case 12: p.n_ops = v % (m->plan.n_ops + 1); break;
        default: p.n_adapter_slots = v; break;
        }
        roma_error err = {0};
        roma_exec *e;
        const int rc = roma_exec_create(
            &e, &m->img, &p, &(roma_exec_config){.threads = 2, .context = 64, .rows = 4, .adapters = 1}, &err);
        CHECK(rc == 0 || (rc == ROMA_EINTERNAL && strstr(err.text, "plan") && e == NULL));
        refused += rc != 0;
        const int32_t tokens[3] = {1, 2, 3};
        if (!rc) CHECK_EQ(roma_exec_prefill(e, 0, 0, tokens, 3, NULL, NULL, &err), 0);
        roma_exec_destroy(e);
        p.n_ops = m->plan.n_ops, p.n_values = m->plan.n_values;
    }
    printf("  %u of %u damaged plans refused\n", refused, cases);
    CHECK(refused > cases / 2);
    free(p.ops);
    free(p.values);
}

int main(void) {
    loaded m;
    load(&m, 7);
    test_config(&m);
    test_batch_config(&m);
    test_adapter_count(&m);
    test_damaged(&m, 3000);
    unload(&m);
    test_other_models();
    return TEST_DONE();
}
