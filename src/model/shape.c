/* Shapes: the known ones, and which of the three ways a text means; contract in model.h. */
#include "model/internal.h"

#include <sys/stat.h>

typedef struct {
    const char *name;
    uint32_t arch, layers, hidden, ffn, heads, kv_heads, head_dim, vocab, context;
    bool tied;
    uint32_t bits, group; /* its usual low-bit form */
    float eps;
    double rope_base;
    bool rope_llama3; /* frequencies divided as Llama 3.2 does */
} known;

/* Published configurations of the models. BitNet's two sub-norms a layer are left out: the plan has no such operation.
 */
static const known shapes[] = {
    {"bitnet-2b", ROMA_ARCH_LLAMA, 30, 2560, 6912, 20, 5, 128, 128256, 4096, true, 2, 128, 1e-5f, 500000, false},
    {"llama-13b", ROMA_ARCH_LLAMA, 40, 5120, 13824, 40, 40, 128, 32000, 4096, false, 4, 128, 1e-5f, 10000, false},
    {"llama-2-7b", ROMA_ARCH_LLAMA, 32, 4096, 11008, 32, 32, 128, 32000, 4096, false, 4, 128, 1e-5f, 10000, false},
    {"llama-3-8b", ROMA_ARCH_LLAMA, 32, 4096, 14336, 32, 8, 128, 128256, 8192, false, 2, 128, 1e-5f, 500000, false},
    {"llama-3.2-1b", ROMA_ARCH_LLAMA, 16, 2048, 8192, 32, 8, 64, 128256, 131072, true, 4, 128, 1e-5f, 500000, true},
    {"llama-3.2-3b", ROMA_ARCH_LLAMA, 28, 3072, 8192, 24, 8, 128, 128256, 131072, true, 4, 128, 1e-5f, 500000, true},
    {"qwen3-0.6b", ROMA_ARCH_QWEN3, 28, 1024, 3072, 16, 8, 128, 151936, 40960, true, 4, 128, 1e-6f, 1000000, false},
    {"qwen3-4b", ROMA_ARCH_QWEN3, 36, 2560, 9728, 32, 8, 128, 151936, 40960, true, 4, 128, 1e-6f, 1000000, false},
    {"smollm2-135m", ROMA_ARCH_LLAMA, 30, 576, 1536, 9, 3, 64, 49152, 8192, true, 4, 64, 1e-5f, 100000, false},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

const char *roma_shape_name(unsigned i) { return i < N_SHAPES ? shapes[i].name : NULL; }

/* ---- known shapes ---- */

static bool is_ternary(const known *k) { return strcmp(k->name, "bitnet-2b") == 0; }

static void fill(roma_shape *s, const known *k) {
    /* Llama 3.2: factor 32, low_freq_factor 1, high_freq_factor 4, original context 8192 */
    const roma_model_rope rope = {.kind = k->rope_llama3 ? ROMA_ROPE_LLAMA3 : ROMA_ROPE_EVEN,
                                  .base = k->rope_base,
                                  .factor = k->rope_llama3 ? 32 : 1,
                                  .low = 1,
                                  .high = 4,
                                  .original = 8192,
                                  .gain = 1};
    *s = (roma_shape){.tied = k->tied, .bits = k->bits, .group = k->group, .ternary = is_ternary(k)};
    s->hyper = (roma_hyper){.arch = k->arch,
                            .layers = k->layers,
                            .hidden = k->hidden,
                            .ffn = k->ffn,
                            .heads = k->heads,
                            .kv_heads = k->kv_heads,
                            .head_dim = k->head_dim,
                            .rope_dim = k->head_dim,
                            .vocab = k->vocab,
                            .context = k->context,
                            .rms_eps = k->eps};
    roma_model_set_rope(&s->hyper, &rope);
    roma_print(s->name, sizeof s->name, "%s", k->name);
}

bool roma_model_known(roma_shape *s, const char *name) {
    for (size_t i = 0; i < N_SHAPES; i++)
        if (strcmp(shapes[i].name, name) == 0) {
            fill(s, &shapes[i]);
            return true;
        }
    return false;
}

static bool is_same(const roma_shape *s, const known *k) {
    const roma_hyper *h = &s->hyper;
    return !h->true_hidden && !h->true_ffn && !h->true_head && h->arch == k->arch && h->layers == k->layers &&
           h->hidden == k->hidden && h->ffn == k->ffn && h->heads == k->heads && h->kv_heads == k->kv_heads &&
           h->head_dim == k->head_dim && h->vocab == k->vocab && h->context == k->context && s->tied == k->tied &&
           !s->attention_bias && !s->mlp_bias;
}

void roma_model_call(roma_shape *s, const char *name) {
    const roma_hyper *h = &s->hyper;
    const uint32_t q = roma_hyper_attended(h);
    s->bits = 4;
    s->group = 128; /* widths are multiples of 32 */
    while (h->hidden % s->group || h->ffn % s->group || q % s->group) s->group /= 2;
    for (size_t i = 0; i < N_SHAPES; i++)
        if (is_same(s, &shapes[i])) {
            name = shapes[i].name;
            s->bits = shapes[i].bits;
            s->group = shapes[i].group;
            s->ternary = is_ternary(&shapes[i]);
        }
    roma_error_name(s->name, sizeof s->name, name, strlen(name));
}

bool roma_shape_has(const roma_shape *s, uint32_t role) {
    switch (role) {
    case ROMA_W_HEAD: return !s->tied;
    case ROMA_W_Q_BIAS:
    case ROMA_W_K_BIAS:
    case ROMA_W_V_BIAS: return s->attention_bias || roma_hyper_required(&s->hyper, role);
    case ROMA_W_O_BIAS: return s->attention_bias;
    case ROMA_W_GATE_BIAS:
    case ROMA_W_UP_BIAS:
    case ROMA_W_DOWN_BIAS: return s->mlp_bias;
    default: return roma_hyper_required(&s->hyper, role);
    }
}

/* ---- which way ---- */

static int unknown(const char *name, roma_error *err) {
    char shown[64], list[256] = "";
    const char *names[N_SHAPES];
    for (size_t i = 0, n = 0; i < N_SHAPES; i++) {
        names[i] = shapes[i].name;
        n += (size_t)roma_print(list + n, sizeof list - n, "%s%s", i ? ", " : "", shapes[i].name);
    }
    const char *near = roma_nearest(name, names, N_SHAPES);
    return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "there is no shape %s%s%s%s; known are %s",
                     roma_error_name(shown, sizeof shown, name, strlen(name)), near ? ", did you mean " : "",
                     near ? near : "", near ? "?" : "", list);
}

bool roma_shape_is_config(const char *path) {
    char head[64], in[4096];
    const size_t len = strlen(path), n = roma_file_head(path, head, sizeof head);
    if (len > 5 && strcmp(path + len - 5, ".json") == 0) return true;
    for (size_t i = 0; i < n; i++)
        if (!memchr(" \t\r\n", head[i], 4)) return head[i] == '{';
    return *path && roma_print(in, sizeof in, "%s/config.json", path) < (int)sizeof in &&
           roma_file_head(in, head, 1) > 0;
}

int roma_shape_read(roma_shape *s, const char *text, roma_error *err) {
    struct stat st;
    const char *equals = strchr(text, '='), *slash = strchr(text, '/');
    if (roma_model_known(s, text)) return ROMA_OK;
    if (stat(text, &st) == 0 || roma_shape_is_config(text)) return roma_model_config(s, text, err);
    if (equals && (!slash || equals < slash)) return roma_model_spelt(s, text, err);
    return slash ? roma_model_config(s, text, err) : unknown(text, err);
}
