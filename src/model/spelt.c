/* Shapes spelt out: layers=28,hidden=3072,... (roma_shape_read). */
#include "model/internal.h"

/* Each key, and what stands for it in a message. */
#define KEYS(X)                                                                                                        \
    X(LAYERS, "layers")                                                                                                \
    X(HIDDEN, "hidden")                                                                                                \
    X(HEADS, "heads")                                                                                                  \
    X(FFN, "ffn")                                                                                                      \
    X(VOCAB, "vocab")                                                                                                  \
    X(KV, "kv")                                                                                                        \
    X(HEAD, "head")                                                                                                    \
    X(TIED, "tied")                                                                                                    \
    X(ARCH, "arch")                                                                                                    \
    X(CONTEXT, "context")
enum {
#define X(id, name) KEY_##id,
    KEYS(X)
#undef X
        N_KEYS,
    N_NEEDED = KEY_KV
};
static const char *const keys[] = {
#define X(id, name) name,
    KEYS(X)
#undef X
};

typedef struct {
    uint32_t v[N_KEYS];
    bool given[N_KEYS];
} numbers;

static int bad(roma_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int bad(roma_error *err, const char *fmt, ...) {
    char text[320];
    ROMA_PRINT_ARGS(text, fmt);
    return roma_fail(err, ROMA_EINPUT, "shape", ROMA_NOWHERE, "%s", text);
}

/* ---- one item ---- */

static int unknown_key(const char *text, size_t n, roma_error *err) {
    char shown[40], word[24];
    roma_print(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), text);
    const char *near = n < sizeof word ? roma_nearest(word, keys, N_KEYS) : NULL;
    return bad(err,
               "there is no key '%s'%s%s%s; keys are layers, hidden, heads, kv, head, ffn, vocab, tied, arch, context",
               roma_error_name(shown, sizeof shown, text, n), near ? ", did you mean " : "", near ? near : "",
               near ? "?" : "");
}

/* Digits alone, nine at most: what a key's own range is, the shape's check says. */
static bool read_number(const char *text, size_t n, uint32_t *out) {
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *out = *out * 10 + (uint32_t)(text[i] - '0');
    }
    return n >= 1 && n <= 9;
}

static int read_value(unsigned key, const char *text, size_t n, uint32_t *out, roma_error *err) {
    char shown[40];
    const bool is_arch = key == KEY_ARCH, is_tied = key == KEY_TIED;
    const bool good =
        is_arch ? roma_arch_find(text, n, out) : n <= 9 && read_number(text, n, out) && (!is_tied || *out <= 1);
    if (good) return ROMA_OK;
    return bad(err, "%s takes %s, not '%s'", keys[key],
               is_arch   ? "llama, qwen2 or qwen3"
               : is_tied ? "0 or 1"
                         : "a whole number",
               roma_error_name(shown, sizeof shown, text, n));
}

static int read_item(numbers *out, const char *text, size_t n, roma_error *err) {
    char shown[40];
    const char *equals = memchr(text, '=', n);
    const size_t name = equals ? (size_t)(equals - text) : n;
    unsigned key = 0;
    while (key < N_KEYS && (strlen(keys[key]) != name || memcmp(keys[key], text, name) != 0)) key++;
    if (!n) return bad(err, "nothing stands between two commas, or behind the last one");
    if (key == N_KEYS) return unknown_key(text, name, err);
    if (!equals) return bad(err, "%s has no value", roma_error_name(shown, sizeof shown, text, n));
    if (out->given[key]) return bad(err, "%s is given twice", keys[key]);
    out->given[key] = true;
    return read_value(key, equals + 1, n - name - 1, &out->v[key], err);
}

/* ---- the whole ---- */

static int read_items(numbers *out, const char *text, roma_error *err) {
    memset(out, 0, sizeof *out);
    for (const char *p = text;; p++) {
        const size_t n = strcspn(p, ",");
        const int rc = read_item(out, p, n, err);
        if (rc) return rc;
        p += n;
        if (!*p) break;
    }
    for (unsigned key = 0; key < N_NEEDED; key++)
        if (!out->given[key])
            return bad(err, "%s is missing; layers, hidden, heads, ffn and vocab are needed", keys[key]);
    return ROMA_OK;
}

/* What follows from other numbers. */
static int settle(numbers *w, roma_error *err) {
    if (!w->given[KEY_KV]) w->v[KEY_KV] = w->v[KEY_HEADS];
    if (w->given[KEY_HEAD] || !w->v[KEY_HEADS]) return ROMA_OK; /* the check of the shape refuses no heads */
    if (w->v[KEY_HIDDEN] % w->v[KEY_HEADS])
        return bad(err, "hidden %u is no multiple of heads %u; give head=N, the width of a head", w->v[KEY_HIDDEN],
                   w->v[KEY_HEADS]);
    w->v[KEY_HEAD] = w->v[KEY_HIDDEN] / w->v[KEY_HEADS];
    return ROMA_OK;
}

static bool is_like(const numbers *w, const roma_shape *k) {
    const roma_hyper *h = &k->hyper;
    const uint32_t its[N_KEYS] = {
        [KEY_LAYERS] = h->layers, [KEY_HIDDEN] = h->hidden,  [KEY_HEADS] = h->heads,   [KEY_FFN] = h->ffn,
        [KEY_VOCAB] = h->vocab,   [KEY_KV] = h->kv_heads,    [KEY_HEAD] = h->head_dim, [KEY_TIED] = k->tied,
        [KEY_ARCH] = h->arch,     [KEY_CONTEXT] = h->context};
    for (unsigned key = 0; key < N_KEYS; key++)
        if ((key < KEY_TIED || w->given[key]) && w->v[key] != its[key]) return false;
    return true;
}

static void fill(roma_shape *s, const numbers *w) {
    *s = (roma_shape){.tied = w->v[KEY_TIED] != 0};
    s->hyper = (roma_hyper){.arch = w->given[KEY_ARCH] ? w->v[KEY_ARCH] : ROMA_ARCH_LLAMA,
                            .layers = w->v[KEY_LAYERS],
                            .heads = w->v[KEY_HEADS],
                            .kv_heads = w->v[KEY_KV],
                            .rope_dim = w->v[KEY_HEAD],
                            .vocab = w->v[KEY_VOCAB],
                            .context = w->given[KEY_CONTEXT] ? w->v[KEY_CONTEXT] : 131072,
                            .rms_eps = 1e-6f};
    roma_hyper_set_widths(&s->hyper, w->v[KEY_HIDDEN], w->v[KEY_FFN], w->v[KEY_HEAD]);
}

/* The same text whatever was left out, and in whatever order. */
static void call(roma_shape *s) {
    const roma_hyper *h = &s->hyper;
    char name[160];
    roma_print(name, sizeof name,
               "layers=%u,hidden=%u,heads=%u,kv=%u,head=%u,ffn=%u,vocab=%u,tied=%d,arch=%s,context=%u", h->layers,
               roma_true_hidden(h), h->heads, h->kv_heads, roma_true_head(h), roma_true_ffn(h), h->vocab, s->tied,
               roma_arch_name(h->arch), h->context);
    roma_model_call(s, name);
}

int roma_model_spelt(roma_shape *s, const char *text, roma_error *err) {
    static const roma_model_rope rope = {.base = 1000000, .factor = 1};
    numbers w;
    int rc = read_items(&w, text, err);
    if (!rc) rc = settle(&w, err);
    if (rc) return rc;
    for (unsigned i = 0; roma_shape_name(i); i++)
        if (roma_model_known(s, roma_shape_name(i)) && is_like(&w, s)) return ROMA_OK;
    fill(s, &w);
    rc = roma_hyper_check(&s->hyper, "shape", err);
    if (rc) return rc;
    roma_model_set_rope(&s->hyper, &rope);
    call(s);
    return ROMA_OK;
}
