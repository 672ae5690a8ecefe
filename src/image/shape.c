/* Shapes of known models as descriptions without weights. */
#include "roma/image.h"

typedef struct {
    const char *name;
    uint32_t arch, layers, hidden, ffn, heads, kv_heads, head_dim, vocab, context;
    bool tied;
    uint32_t bits, group; /* its usual low-bit form */
    float eps;
    double rope_base;
    bool rope_llama3; /* frequencies divided as Llama 3.2 does */
} shape;

/* Published configurations of the models. BitNet's two sub-norms a layer are left out: the plan has no such operation.
 */
static const shape shapes[] = {
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

static const shape *find(const char *name) {
    for (size_t i = 0; i < N_SHAPES; i++)
        if (strcmp(shapes[i].name, name) == 0) return &shapes[i];
    return NULL;
}

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

/* Llama 3.2's rope_scaling: factor 32, low_freq_factor 1, high_freq_factor 4, original context 8192. Short waves stay,
 * long ones are stretched, between them it goes smoothly. As GGUF has it, in FP32. */
static float llama3_factor(double base, uint32_t i, uint32_t dim) {
    const double wave = 6.283185307179586 * roma_pow_double(base, (double)(2 * i) / dim);
    if (wave < 8192.0 / 4) return 1;
    if (wave > 8192.0) return 32;
    const double smooth = (8192 / wave - 1) / (4 - 1);
    return (float)(1 / ((1 - smooth) / 32 + smooth));
}

static void set_rope(roma_hyper *h, const shape *s) {
    for (uint32_t i = 0; i < h->rope_dim / 2; i++)
        h->rope_phase[i] = roma_rope_phase(s->rope_base, i, h->rope_dim,
                                           s->rope_llama3 ? (double)llama3_factor(s->rope_base, i, h->rope_dim) : 1);
}

/* One constant zero point in the middle, as QLoRA bases have; 8-bit codes are signed already. */
static roma_format format(uint32_t bits, uint32_t group) {
    return (roma_format){.bits = (uint8_t)bits,
                         .scale = ROMA_SCALE_F16,
                         .group = (uint16_t)group,
                         .zero = (int16_t)(bits < 8 ? 1 << (bits - 1) : 0)};
}

/* Appends every tensor that the hyper-parameters require. */
static int add_tensors(roma_description *d, bool tied, const roma_shape_format *f, roma_error *err) {
    for (uint32_t role = 1; role < ROMA_W_END; role++) {
        if (!roma_hyper_required(&d->hyper, role) && (role != ROMA_W_HEAD || tied)) continue;
        const bool head = role == ROMA_W_HEAD || (role == ROMA_W_EMBED && tied);
        for (uint32_t l = 0; l < (roma_tensor_role_is_layered(role) ? d->hyper.layers : 1); l++) {
            roma_image_tensor t = {.role = role, .layer = l, .tie = -1, .is_vector = !roma_tensor_role_is_matrix(role)};
            roma_hyper_shape(&d->hyper, role, &t.rows, &t.cols);
            if (!t.is_vector) {
                roma_tile_layout lay;
                t.format = format(head ? f->head_bits : f->bits, f->group);
                int rc = roma_format_check(&t.format, t.cols, err);
                if (rc) return rc;
                roma_tile_layout_get(&t.format, t.cols, &lay);
                t.tile_bytes = lay.bytes;
            }
            d->tensors[d->n_tensors++] = t;
        }
    }
    return ROMA_OK;
}

int roma_shape_describe(roma_description *d, const char *name, const roma_shape_format *f, roma_error *err) {
    const shape *s = find(name);
    memset(d, 0, sizeof *d);
    if (!s) return unknown(name, err);
    const roma_shape_format g = {f->bits ? f->bits : s->bits, f->group ? f->group : s->group,
                                 f->head_bits ? f->head_bits
                                 : f->bits    ? f->bits
                                              : s->bits};
    d->hyper = (roma_hyper){.arch = s->arch,
                            .layers = s->layers,
                            .hidden = s->hidden,
                            .ffn = s->ffn,
                            .heads = s->heads,
                            .kv_heads = s->kv_heads,
                            .head_dim = s->head_dim,
                            .rope_dim = s->head_dim,
                            .vocab = s->vocab,
                            .context = s->context,
                            .rms_eps = s->eps};
    set_rope(&d->hyper, s);
    roma_print(d->name, sizeof d->name, "%s", s->name);
    d->tensors = roma_alloc_array((size_t)ROMA_W_END * s->layers, sizeof *d->tensors);
    if (!d->tensors) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the shape");
    if (g.bits > 8 || g.head_bits > 8 || g.group > 256) {
        roma_shape_destroy(d);
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                         "codes have 2, 3, 4, 5, 6 or 8 bits, groups 16 to 256 inputs");
    }
    int rc = add_tensors(d, s->tied, &g, err);
    if (rc) roma_shape_destroy(d);
    return rc;
}

void roma_shape_destroy(roma_description *d) {
    roma_free(d->tensors);
    memset(d, 0, sizeof *d);
}
