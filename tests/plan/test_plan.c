/* Plans as text, as JSON and under damage: a whole small plan written out, and every single change to every field of
 * every operation, which the checker must refuse. */
#include "roma/map.h"
#include "../test.h"

static roma_image_tensor tensors[96];
static roma_description desc;
static roma_plan plan;

/* Qwen2 has biases, Qwen3 norms of heads; both here have a tied head, 4-bit matrices and two query heads for one of
 * keys and values. */
static void open_plan(uint32_t arch, uint32_t layers) {
    roma_error err = {0};
    memset(&desc, 0, sizeof desc);
    desc.hyper = (roma_hyper){.arch = arch,
                              .layers = layers,
                              .hidden = 96,
                              .ffn = 160,
                              .heads = 4,
                              .kv_heads = 2,
                              .head_dim = 32,
                              .rope_dim = 32,
                              .vocab = 320,
                              .context = 64,
                              .rms_eps = 1e-5f};
    desc.tensors = tensors;
    for (uint32_t role = 1; role < ROMA_W_END; role++)
        for (uint32_t l = 0; l < (roma_tensor_role_is_layered(role) ? layers : 1); l++) {
            roma_image_tensor t = {.role = role, .layer = l, .tie = -1, .is_vector = !roma_tensor_role_is_matrix(role)};
            if (!t.is_vector) t.format = (roma_format){.bits = 4, .scale = ROMA_SCALE_F16, .group = 32, .zero = 8};
            if (!roma_hyper_shape(&desc.hyper, role, &t.rows, &t.cols) || !roma_hyper_required(&desc.hyper, role))
                continue;
            tensors[desc.n_tensors++] = t;
        }
    CHECK_EQ(roma_map_plan(&plan, &desc, &err), 0);
    CHECK_EQ(roma_plan_check(&plan, &err), 0);
}

static const char *printed(bool json) {
    static char text[20000];
    roma_buf b = {0};
    roma_json j = {.out = &b};
    if (json) {
        roma_json_open(&j, NULL, '{');
        roma_plan_json(&plan, &j);
        roma_json_close(&j, '}');
    } else {
        roma_plan_print(&plan, &b);
    }
    CHECK(!b.failed && b.len < sizeof text);
    snprintf(text, sizeof text, "%.*s", (int)b.len, (const char *)b.data);
    roma_buf_destroy(&b);
    return text;
}

/* Shapes and multiply-adds by hand: 4 heads of 32 are 128 rows, two of keys 64; attention takes 2 x 4 x 32 at t = 1. */
/* clang-format off */
static const char want_text[] =
    "25 operations a step, 8 adapter slots\n"
    "variables of a step: n rows of (sequence, position, adapter set), context t; mac is per row at t = 1\n"
    "    #  unit layer operation  in            out      shape                   mac  tensor\n"
    "    0  V    -     angles     position   -> angles                             0    rotated 32\n"
    "    1  L    -     embed      token      -> x        320x96                    0  embed, 4 bit, group 32, FP16 scale, zero point 8\n"
    "    2  V    0     norm       x          -> xn                                 0  attn_norm, FP32  epsilon 1e-05\n"
    "    3  L    0     linear     xn         -> q        128x96                12288  q, 4 bit, group 32, FP16 scale, zero point 8\n"
    "    4  V    0     bias       q          -> q                                  0  q_bias, FP32\n"
    "    5  L    0     linear     xn         -> k        64x96                  6144  k, 4 bit, group 32, FP16 scale, zero point 8\n"
    "    6  V    0     bias       k          -> k                                  0  k_bias, FP32\n"
    "    7  L    0     linear     xn         -> v        64x96                  6144  v, 4 bit, group 32, FP16 scale, zero point 8\n"
    "    8  V    0     bias       v          -> v                                  0  v_bias, FP32\n"
    "    9  V    0     rope       q,angles   -> q                                  0    rotated 32\n"
    "   10  V    0     rope       k,angles   -> k                                  0    rotated 32\n"
    "   11  H    0     cache      k,v        -> cache                              0  \n"
    "   12  H    0     attend     q          -> o                                256    scale 0.176777\n"
    "   13  V    0     quantise   o          -> on                                 0  \n"
    "   14  L    0     linear     on         -> y        96x128                12288  o, 4 bit, group 32, FP16 scale, zero point 8\n"
    "   15  V    0     residual   x,y        -> x                                  0  \n"
    "   16  V    0     norm       x          -> xn                                 0  ffn_norm, FP32  epsilon 1e-05\n"
    "   17  L    0     linear     xn         -> g        160x96                15360  gate, 4 bit, group 32, FP16 scale, zero point 8\n"
    "   18  L    0     linear     xn         -> u        160x96                15360  up, 4 bit, group 32, FP16 scale, zero point 8\n"
    "   19  V    0     silu       g,u        -> g                                  0  \n"
    "   20  V    0     quantise   g          -> gn                                 0  \n"
    "   21  L    0     linear     gn         -> y        96x160                15360  down, 4 bit, group 32, FP16 scale, zero point 8\n"
    "   22  V    0     residual   x,y        -> x                                  0  \n"
    "   23  V    -     norm       x          -> xn                                 0  final_norm, FP32 (rows whose logits are wanted)  epsilon 1e-05\n"
    "   24  L    -     linear     xn         -> logits   320x96                30720  embed, 4 bit, group 32, FP16 scale, zero point 8 (rows whose logits are wanted)\n";
static const char want_json[] =
    "{\"adapter_slots\":8,\"ops\":[{"
    "\"op\":\"angles\",\"unit\":\"V\",\"layer\":-1,\"in\":[],\"out\":\"angles\",\"mac\":0,\"rotated\":32,\"gain\":0,\"base\":0},{"
    "\"op\":\"embed\",\"unit\":\"L\",\"layer\":-1,\"in\":[],\"out\":\"x\",\"mac\":0,\"tensor\":\"embed\",\"rows\":320,\"cols\":96},{"
    "\"op\":\"norm\",\"unit\":\"V\",\"layer\":0,\"in\":[\"x\"],\"out\":\"xn\",\"mac\":0,\"tensor\":\"attn_norm\",\"rows\":1,\"cols\":96,\"epsilon\":9.99999975e-06,\"order\":0},{"
    "\"op\":\"linear\",\"unit\":\"L\",\"layer\":0,\"in\":[\"xn\"],\"out\":\"q\",\"mac\":12288,\"tensor\":\"q\",\"rows\":128,\"cols\":96},{"
    "\"op\":\"bias\",\"unit\":\"V\",\"layer\":0,\"in\":[\"q\"],\"out\":\"q\",\"mac\":0,\"tensor\":\"q_bias\",\"rows\":1,\"cols\":128},{"
    "\"op\":\"linear\",\"unit\":\"L\",\"layer\":0,\"in\":[\"xn\"],\"out\":\"k\",\"mac\":6144,\"tensor\":\"k\",\"rows\":64,\"cols\":96},{"
    "\"op\":\"bias\",\"unit\":\"V\",\"layer\":0,\"in\":[\"k\"],\"out\":\"k\",\"mac\":0,\"tensor\":\"k_bias\",\"rows\":1,\"cols\":64},{"
    "\"op\":\"linear\",\"unit\":\"L\",\"layer\":0,\"in\":[\"xn\"],\"out\":\"v\",\"mac\":6144,\"tensor\":\"v\",\"rows\":64,\"cols\":96},{"
    "\"op\":\"bias\",\"unit\":\"V\",\"layer\":0,\"in\":[\"v\"],\"out\":\"v\",\"mac\":0,\"tensor\":\"v_bias\",\"rows\":1,\"cols\":64},{"
    "\"op\":\"rope\",\"unit\":\"V\",\"layer\":0,\"in\":[\"q\",\"angles\"],\"out\":\"q\",\"mac\":0,\"rotated\":32,\"base\":0},{"
    "\"op\":\"rope\",\"unit\":\"V\",\"layer\":0,\"in\":[\"k\",\"angles\"],\"out\":\"k\",\"mac\":0,\"rotated\":32,\"base\":0},{"
    "\"op\":\"cache\",\"unit\":\"H\",\"layer\":0,\"in\":[\"k\",\"v\"],\"out\":\"cache\",\"mac\":0},{"
    "\"op\":\"attend\",\"unit\":\"H\",\"layer\":0,\"in\":[\"q\"],\"out\":\"o\",\"mac\":256,\"scale\":0.176776692,\"cap\":0,\"window\":0},{"
    "\"op\":\"quantise\",\"unit\":\"V\",\"layer\":0,\"in\":[\"o\"],\"out\":\"on\",\"mac\":0,\"packed\":0,\"order\":0},{"
    "\"op\":\"linear\",\"unit\":\"L\",\"layer\":0,\"in\":[\"on\"],\"out\":\"y\",\"mac\":12288,\"tensor\":\"o\",\"rows\":96,\"cols\":128},{"
    "\"op\":\"residual\",\"unit\":\"V\",\"layer\":0,\"in\":[\"x\",\"y\"],\"out\":\"x\",\"mac\":0},{"
    "\"op\":\"norm\",\"unit\":\"V\",\"layer\":0,\"in\":[\"x\"],\"out\":\"xn\",\"mac\":0,\"tensor\":\"ffn_norm\",\"rows\":1,\"cols\":96,\"epsilon\":9.99999975e-06,\"order\":0},{"
    "\"op\":\"linear\",\"unit\":\"L\",\"layer\":0,\"in\":[\"xn\"],\"out\":\"g\",\"mac\":15360,\"tensor\":\"gate\",\"rows\":160,\"cols\":96},{"
    "\"op\":\"linear\",\"unit\":\"L\",\"layer\":0,\"in\":[\"xn\"],\"out\":\"u\",\"mac\":15360,\"tensor\":\"up\",\"rows\":160,\"cols\":96},{"
    "\"op\":\"silu\",\"unit\":\"V\",\"layer\":0,\"in\":[\"g\",\"u\"],\"out\":\"g\",\"mac\":0},{"
    "\"op\":\"quantise\",\"unit\":\"V\",\"layer\":0,\"in\":[\"g\"],\"out\":\"gn\",\"mac\":0,\"packed\":0,\"order\":0},{"
    "\"op\":\"linear\",\"unit\":\"L\",\"layer\":0,\"in\":[\"gn\"],\"out\":\"y\",\"mac\":15360,\"tensor\":\"down\",\"rows\":96,\"cols\":160},{"
    "\"op\":\"residual\",\"unit\":\"V\",\"layer\":0,\"in\":[\"x\",\"y\"],\"out\":\"x\",\"mac\":0},{"
    "\"op\":\"norm\",\"unit\":\"V\",\"layer\":-1,\"in\":[\"x\"],\"out\":\"xn\",\"mac\":0,\"tensor\":\"final_norm\",\"rows\":1,\"cols\":96,\"epsilon\":9.99999975e-06,\"order\":0},{"
    "\"op\":\"linear\",\"unit\":\"L\",\"layer\":-1,\"in\":[\"xn\"],\"out\":\"logits\",\"mac\":30720,\"tensor\":\"embed\",\"rows\":320,\"cols\":96}]}";
/* clang-format on */

static void test_print(void) {
    open_plan(ROMA_ARCH_QWEN2, 1);
    CHECK_STR(printed(false), want_text);
    CHECK_STR(printed(true), want_json);
    CHECK_EQ(roma_op_mac(&plan, &plan.ops[12], 100), 25600);
    CHECK_STR(roma_op_name(ROMA_OP_RESIDUAL), "residual");
    CHECK_STR(roma_op_name(ROMA_OP_COUNT), "?");
    CHECK_STR(roma_op_name((roma_op_kind)-1), "?");
    roma_plan_destroy(&plan);
    roma_plan_destroy(&plan);
}

/* A refusal names the operation that was changed, or a later one, which needed what it no longer does;
 * the last one says what the logits are, which others must not touch. */
static bool passes(size_t i) {
    roma_error err = {0};
    size_t named = 0;
    if (roma_plan_check(&plan, &err) == 0) return true;
    CHECK_EQ(err.code, ROMA_EINTERNAL);
    const bool names = sscanf(err.text, "plan operation %zu ", &named) == 1;
    CHECK(names ? named >= i || i == plan.n_ops - 1
                : strstr(err.text, "the plan has another number of adapter slots") != NULL);
    return false;
}

/* Every value that a field can have and some that it cannot: 0 to top, and UINT32_MAX. Counts those that pass. */
static size_t sweep(size_t i, uint32_t *field, uint32_t top) {
    const uint32_t good = *field;
    size_t passed = 0;
    for (uint32_t v = 0; v <= top + 1; v++) {
        *field = v <= top ? v : UINT32_MAX;
        if (*field != good) passed += passes(i);
    }
    *field = good;
    return passed;
}

/* All are refused but another function of the two layers' gated units. tests/plan/test_wrong_plans.c does the same
 * where no width gives a change away. */
static void test_damage(uint32_t arch) {
    open_plan(arch, 2);
    size_t passed = 0;
    for (size_t i = 0; i < plan.n_ops; i++) {
        roma_op *op = &plan.ops[i];
        const roma_op good = *op;
        for (uint32_t k = 0; k <= ROMA_OP_COUNT; k++) {
            op->kind = (roma_op_kind)k;
            if (k != (uint32_t)good.kind) passed += passes(i);
        }
        op->kind = good.kind;
        for (uint32_t u = 0; u < 4; u++) {
            op->unit = (roma_unit)u;
            if (u != (uint32_t)good.unit) passed += passes(i);
        }
        op->unit = good.unit;
        op->last_rows_only = !good.last_rows_only;
        passed += passes(i);
        op->last_rows_only = good.last_rows_only;
        passed += sweep(i, &op->layer, 2);
        passed += sweep(i, &op->in[0], (uint32_t)plan.n_values);
        passed += sweep(i, &op->in[1], (uint32_t)plan.n_values);
        passed += sweep(i, &op->out, (uint32_t)plan.n_values);
        passed += sweep(i, &op->tensor, (uint32_t)desc.n_tensors);
        passed += sweep(i, &op->adapter_slot, plan.n_adapter_slots);
    }
    CHECK_EQ(passed, 2);
    roma_plan_destroy(&plan);
}

/* Widths decide what fits: each by one block of 32, or none. */
static void test_widths(void) {
    roma_error err = {0};
    open_plan(ROMA_ARCH_QWEN3, 2);
    for (size_t v = 0; v < plan.n_values; v++) {
        const uint32_t width = plan.values[v].width;
        const uint32_t wrong[] = {0, width - 32, width + 32, width * 2};
        for (int k = 0; k < 4; k++) {
            plan.values[v].width = wrong[k];
            CHECK_EQ(roma_plan_check(&plan, &err), ROMA_EINTERNAL);
        }
        plan.values[v].width = width;
        plan.values[v].is_codes = !plan.values[v].is_codes;
        CHECK_EQ(roma_plan_check(&plan, &err), ROMA_EINTERNAL);
        plan.values[v].is_codes = !plan.values[v].is_codes;
        const roma_value saved = plan.values[v];
        memset(plan.values[v].name, 'x', sizeof plan.values[v].name);
        CHECK_EQ(roma_plan_check(&plan, &err), ROMA_EINTERNAL);
        plan.values[v] = saved;
    }
    for (size_t t = 0; t < desc.n_tensors; t++) {
        const uint64_t rows = tensors[t].rows, cols = tensors[t].cols;
        tensors[t].cols += 32;
        CHECK_EQ(roma_plan_check(&plan, &err), ROMA_EINTERNAL);
        tensors[t].cols = cols;
        if (!tensors[t].is_vector) {
            tensors[t].rows += 32;
            CHECK_EQ(roma_plan_check(&plan, &err), ROMA_EINTERNAL);
            tensors[t].rows = rows;
        }
        tensors[t].is_vector = !tensors[t].is_vector;
        CHECK_EQ(roma_plan_check(&plan, &err), ROMA_EINTERNAL);
        tensors[t].is_vector = !tensors[t].is_vector;
    }
    plan.n_adapter_slots--;
    CHECK_EQ(roma_plan_check(&plan, &err), ROMA_EINTERNAL);
    plan.n_adapter_slots += 2;
    CHECK_EQ(roma_plan_check(&plan, &err), ROMA_EINTERNAL);
    plan.n_adapter_slots--;
    const size_t n_ops = plan.n_ops;
    for (plan.n_ops = 0; plan.n_ops < n_ops; plan.n_ops++) CHECK_EQ(roma_plan_check(&plan, &err), ROMA_EINTERNAL);
    CHECK_EQ(roma_plan_check(&plan, &err), 0);
    roma_plan_destroy(&plan);
    CHECK_EQ(roma_plan_check(&plan, &err), ROMA_EINTERNAL);
}

/* Issue order, written down once more: segments end with ATTEND, and in each all of one stream comes before the next.
 */
typedef struct {
    uint32_t op, block;
} issued;
static issued got[4096];
static size_t n_got, stop_after;

static int note(void *ctx, uint32_t op, uint32_t block) {
    CHECK(ctx == &n_got);
    got[n_got++] = (issued){op, block};
    return n_got == stop_after ? 7 : 0;
}

static void test_issue(void) {
    static const uint32_t first[] = {0, 2, 2, 5};
    open_plan(ROMA_ARCH_QWEN3, 2);
    size_t n = 0;
    CHECK_EQ(roma_plan_issue(&plan, 3, first, note, &n_got), 0);
    for (uint32_t begin = 0, end = 0; begin < plan.n_ops; begin = end) {
        while (end < plan.n_ops && plan.ops[end].kind != ROMA_OP_ATTEND) end++;
        end += end < plan.n_ops;
        for (int s = 0; s < 3; s++)
            for (uint32_t op = begin; op < end; op++)
                for (uint32_t b = first[s]; b < first[s + 1]; b++, n++) CHECK(got[n].op == op && got[n].block == b);
    }
    CHECK_EQ(n_got, n);
    CHECK_EQ(n, 5 * plan.n_ops);
    for (stop_after = 1; stop_after <= n; stop_after += 13) {
        n_got = 0;
        CHECK_EQ(roma_plan_issue(&plan, 3, first, note, &n_got), 7);
        CHECK_EQ(n_got, stop_after);
    }
    roma_plan_destroy(&plan);
}

int main(void) {
    test_issue();
    test_print();
    test_damage(ROMA_ARCH_QWEN2);
    test_damage(ROMA_ARCH_QWEN3);
    test_widths();
    return TEST_DONE();
}
