/* Hyper-parameters: limits, shapes of the roles, the pairing of rotated rows. */
#include "roma/model.h"

#define LAYERS_MAX 1024
#define HIDDEN_MAX 65536
#define FFN_MAX 262144
#define HEADS_WIDTH_MAX 65536
#define HEAD_DIM_MAX (2 * ROMA_ROPE_PAIRS_MAX)
#define VOCAB_MAX (1u << 22)
#define CONTEXT_MAX (1u << 24)

const char *roma_arch_name(uint32_t arch) {
    switch (arch) {
#define X(name, value, text)                                                                                           \
    case value: return text;
        ROMA_ARCHS(X)
#undef X
    default: return NULL;
    }
}

bool roma_arch_find(const char *word, size_t n, uint32_t *arch) {
#define X(name, value, text)                                                                                           \
    if (n == sizeof text - 1 && memcmp(word, text, n) == 0) return *arch = (value), true;
    ROMA_ARCHS(X)
#undef X
    return false;
}

static int bad(roma_error *err, const char *file, const char *what, uint64_t value, const char *rule) {
    return roma_fail(err, ROMA_EUNSUPPORTED, file, ROMA_NOWHERE, "%s is %llu; supported: %s", what,
                     (unsigned long long)value, rule);
}

/* One line of the table: value lies in 1..max and is a multiple of unit. */
typedef struct {
    const char *name;
    uint64_t value, max;
    uint32_t unit;
    const char *rule;
} limit;

int roma_hyper_check(const roma_hyper *h, const char *file, roma_error *err) {
    if (!roma_arch_name(h->arch))
        return roma_fail(err, ROMA_EUNSUPPORTED, file, ROMA_NOWHERE, "architecture number %u is unknown", h->arch);
    uint64_t heads_width = (uint64_t)h->heads * h->head_dim;
    const limit limits[] = {
        {"the number of layers", h->layers, LAYERS_MAX, 1, "1 to 1024"},
        {"the hidden width", h->hidden, HIDDEN_MAX, 32, "multiples of 32 up to 65536"},
        {"the feed-forward width", h->ffn, FFN_MAX, 32, "multiples of 32 up to 262144"},
        {"the number of heads", h->heads, HEADS_WIDTH_MAX, 1, "1 to 65536"},
        {"the number of key/value heads", h->kv_heads, h->heads, 1, "1 to the number of heads"},
        {"the head width", h->head_dim, HEAD_DIM_MAX, 16, "multiples of 16 up to 512"},
        {"heads times head width", heads_width, HEADS_WIDTH_MAX, 16, "up to 65536"},
        {"the rotated width of a head", h->rope_dim, roma_true_head(h), 2, "even, up to the head width"},
        {"the vocabulary", h->vocab, VOCAB_MAX, 1, "1 to 4194304"},
        {"the context limit", h->context, CONTEXT_MAX, 1, "1 to 16777216"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (!limits[i].value || limits[i].value > limits[i].max || limits[i].value % limits[i].unit)
            return bad(err, file, limits[i].name, limits[i].value, limits[i].rule);
    if (h->heads % h->kv_heads)
        return roma_fail(err, ROMA_EUNSUPPORTED, file, ROMA_NOWHERE, "%u heads are no multiple of %u key/value heads",
                         h->heads, h->kv_heads);
    roma_hyper own = *h;
    roma_hyper_set_widths(&own, roma_true_hidden(h), roma_true_ffn(h), roma_true_head(h));
    if (own.hidden != h->hidden || own.ffn != h->ffn || own.head_dim != h->head_dim ||
        own.true_hidden != h->true_hidden || own.true_ffn != h->true_ffn || own.true_head != h->true_head)
        return roma_fail(err, ROMA_EUNSUPPORTED, file, ROMA_NOWHERE,
                         "the model's own widths %u, %u and %u do not belong to the widths %u, %u and %u",
                         roma_true_hidden(h), roma_true_ffn(h), roma_true_head(h), h->hidden, h->ffn, h->head_dim);
    if (!(h->rms_eps > 0 && h->rms_eps < 1))
        return roma_fail(err, ROMA_EUNSUPPORTED, file, ROMA_NOWHERE, "the norm's epsilon must lie between 0 and 1");
    if ((h->rope_gain < 0 || h->rope_gain > 0) && !(h->rope_gain >= 1e-6f && h->rope_gain <= 1e6f))
        return roma_fail(err, ROMA_EUNSUPPORTED, file, ROMA_NOWHERE,
                         "the factor of cos and sin must lie between 0.000001 and 1000000");
    return ROMA_OK;
}

/* ---- widths ---- */

static uint32_t up(uint32_t x, uint32_t unit) { return x / unit * unit + (x % unit ? unit : 0); }

void roma_hyper_set_widths(roma_hyper *h, uint32_t hidden, uint32_t ffn, uint32_t head) {
    h->hidden = up(hidden, 32);
    h->ffn = up(ffn, 32);
    h->head_dim = up(head, 16);
    h->true_hidden = hidden == h->hidden ? 0 : hidden;
    h->true_ffn = ffn == h->ffn ? 0 : ffn;
    h->true_head = head == h->head_dim ? 0 : head;
}

uint32_t roma_hyper_attended(const roma_hyper *h) { return up(h->heads * roma_true_head(h), 32); }

uint32_t roma_hyper_packed(const roma_hyper *h) {
    return h->true_head || roma_hyper_attended(h) != h->heads * h->head_dim ? roma_true_head(h) : 0;
}

/* ---- roles ---- */

/* Whether the role belongs to the architecture at all. */
static bool exists(const roma_hyper *h, uint32_t role) {
    switch (role) {
    case ROMA_W_Q_NORM:
    case ROMA_W_K_NORM: return h->arch == ROMA_ARCH_QWEN3;
    default: return roma_tensor_role_name(role) != NULL;
    }
}

/* Widths of a model's tensors. */
typedef struct {
    uint32_t hidden, ffn, head, attended;
} widths;

static bool shape_of(const roma_hyper *h, widths w, uint32_t role, uint64_t *rows, uint64_t *cols) {
    if (!exists(h, role)) return false;
    const uint64_t q = (uint64_t)h->heads * w.head, kv = (uint64_t)h->kv_heads * w.head;
    *rows = 1;
    *cols = w.hidden;
    switch (role) {
    case ROMA_W_EMBED:
    case ROMA_W_HEAD: *rows = h->vocab; break;
    case ROMA_W_Q: *rows = q; break;
    case ROMA_W_K:
    case ROMA_W_V: *rows = kv; break;
    case ROMA_W_O: *rows = w.hidden, *cols = w.attended; break;
    case ROMA_W_Q_BIAS: *cols = q; break;
    case ROMA_W_K_BIAS:
    case ROMA_W_V_BIAS: *cols = kv; break;
    case ROMA_W_Q_NORM:
    case ROMA_W_K_NORM: *cols = w.head; break;
    case ROMA_W_GATE:
    case ROMA_W_UP: *rows = w.ffn; break;
    case ROMA_W_GATE_BIAS:
    case ROMA_W_UP_BIAS: *cols = w.ffn; break;
    case ROMA_W_DOWN: *rows = w.hidden, *cols = w.ffn; break;
    default: break; /* norms, biases of o and down */
    }
    return true;
}

bool roma_hyper_shape(const roma_hyper *h, uint32_t role, uint64_t *rows, uint64_t *cols) {
    return shape_of(h, (widths){h->hidden, h->ffn, h->head_dim, roma_hyper_attended(h)}, role, rows, cols);
}

bool roma_hyper_true_shape(const roma_hyper *h, uint32_t role, uint64_t *rows, uint64_t *cols) {
    const uint32_t head = roma_true_head(h);
    return shape_of(h, (widths){roma_true_hidden(h), roma_true_ffn(h), head, h->heads * head}, role, rows, cols);
}

bool roma_hyper_required(const roma_hyper *h, uint32_t role) {
    switch (role) {
    case ROMA_W_HEAD:
    case ROMA_W_O_BIAS:
    case ROMA_W_GATE_BIAS:
    case ROMA_W_UP_BIAS:
    case ROMA_W_DOWN_BIAS: return false;
    case ROMA_W_Q_BIAS:
    case ROMA_W_K_BIAS:
    case ROMA_W_V_BIAS: return h->arch == ROMA_ARCH_QWEN2;
    default: return exists(h, role);
    }
}

uint64_t roma_rope_source_row(uint64_t r, uint32_t head_dim, uint32_t rope_dim) {
    uint64_t in_head = r % head_dim;
    if (in_head >= rope_dim) return r; /* not rotated: stays */
    return r - in_head + in_head / 2 + (in_head & 1 ? rope_dim / 2 : 0);
}

bool roma_tensor_source_row(const roma_tensor *t, uint64_t r, uint64_t *out) {
    const uint64_t n = t->rows > 1 ? t->true_rows : t->true_cols; /* a vector has one row */
    *out = t->row_from ? t->row_from[r] : r;
    if (!t->true_head) return !n || *out < n;
    const uint64_t head = r / t->head_dim, i = r % t->head_dim;
    *out = head * t->true_head + (t->rope_halves ? roma_rope_source_row(i, t->true_head, t->rope_dim) : i);
    return i < t->true_head;
}
