/* PEFT's tensor names to roles, and the configuration's say on each. Hugging Face pairs the rotated rows of q and k by
 * halves, in every architecture, so B's rows are read in the image's order. */
#include "lora.h"

static unsigned digits(const char *p, uint32_t *out) {
    unsigned i = 0;
    *out = 0;
    for (; i < 5 && p[i] >= '0' && p[i] <= '9'; i++) *out = *out * 10 + (uint32_t)(p[i] - '0');
    return i && !(i > 1 && p[0] == '0') ? i : 0;
}

/* What a tensor's name says. */
typedef struct {
    unsigned slot;
    uint32_t layer;
    bool is_b, is_magnitude, bare;
    const char *own; /* the adapter's own name, own_len letters; "default" where there is none */
    size_t own_len;
} part_name;

/* "weight", or "NAME.weight". */
static bool read_own(const char *p, part_name *out) {
    const char *dot = strchr(p, '.');
    if (!dot) return strcmp(p, "weight") == 0;
    out->own = p;
    out->own_len = (size_t)(dot - p);
    return dot > p && strcmp(dot + 1, "weight") == 0;
}

/* "lora_magnitude_vector", with or without the adapter's own name, with or without "weight". */
static bool read_magnitude(const char *p, part_name *out) {
    static const char word[] = "lora_magnitude_vector";
    out->is_magnitude = strncmp(p, word, sizeof word - 1) == 0;
    p += out->is_magnitude ? sizeof word - 1 : 0;
    if (!out->is_magnitude || !*p || strcmp(p, ".weight") == 0) return out->is_magnitude;
    if (*p++ != '.') return false;
    const char *dot = strchr(p, '.');
    out->own = p;
    out->own_len = dot ? (size_t)(dot - p) : strlen(p);
    return out->own_len && (!dot || strcmp(dot, ".weight") == 0);
}

/* "base_model.model.model.layers.N.self_attn.q_proj.lora_A.weight"; one "model." may be missing, the adapter's own name
 * may stand before "weight". */
static bool parse_name(const char *name, part_name *out) {
    static const char prefix[] = "base_model.model.";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) return false;
    const char *p = name + sizeof prefix - 1;
    *out = (part_name){.bare = strncmp(p, "model.", 6) != 0, .own = "default", .own_len = 7};
    if (strncmp(p, "lm_head.lora_magnitude_vector", 29) == 0) {
        out->slot = LORA_HEAD;
        return read_magnitude(p + 8, out);
    }
    if (strncmp(p, "lm_head.lora_", 13) == 0) {
        out->slot = LORA_HEAD;
        out->is_b = p[13] == 'B';
        return (p[13] == 'A' || p[13] == 'B') && p[14] == '.' && read_own(p + 15, out);
    }
    if (!out->bare) p += 6;
    out->slot = LORA_EMBED;
    if (strncmp(p, "embed_tokens.", 13) == 0 && read_magnitude(p + 13, out)) return true;
    if (strncmp(p, "embed_tokens.lora_embedding_", 28) == 0) {
        out->is_b = p[28] == 'B';
        if (p[28] != 'A' && p[28] != 'B') return false;
        if (p[29] == '.') out->own = p + 30, out->own_len = strlen(p + 30);
        return !p[29] || (p[29] == '.' && p[30] && !strchr(p + 30, '.'));
    }
    if (strncmp(p, "layers.", 7) != 0) return false;
    const unsigned n = digits(p += 7, &out->layer);
    if (!n || p[n] != '.') return false;
    p += n + 1;
    for (out->slot = 0; out->slot < LORA_ROLES; out->slot++) {
        const char *module = roma_import_lora_module(out->slot);
        const size_t len = strlen(module);
        if (strncmp(p, module, len) != 0 || p[len] != '.') continue;
        p += len + 1;
        if (read_magnitude(p, out)) return true;
        out->is_b = strncmp(p, "lora_B.", 7) == 0;
        if (!out->is_b && strncmp(p, "lora_A.", 7) != 0) return false;
        return read_own(p + 7, out);
    }
    return false;
}

#define WHOLE(what)                                                                                                    \
    "a whole " what ", which cannot replace the one in ROM (save_pretrained with save_embedding_layers=False leaves "  \
    "out one that was not trained)"

static int unknown(const lora_build *b, const char *name) {
    static const struct {
        const char *part, *text;
    } known[] = {
        {"lm_head.weight", WHOLE("head")},
        {"lm_head.base_layer.weight", WHOLE("head")},
        {"embed_tokens.weight", WHOLE("embedding")},
        {"embed_tokens.base_layer.weight", WHOLE("embedding")},
        {".bias", "a trained bias is not supported"},
    };
    char shown[160];
    roma_error_name(shown, sizeof shown, name, strlen(name));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(name, known[i].part))
            return roma_fail(b->err, ROMA_EUNSUPPORTED, b->path, ROMA_NOWHERE, "tensor '%s': %s", shown, known[i].text);
    return roma_fail(b->err, ROMA_EUNSUPPORTED, b->path, ROMA_NOWHERE,
                     "tensor '%s': no part of an adapter that we know; leaving it out would change it", shown);
}

/* What PEFT saves beside an adapter of head or embedding unless told not to: the base's own matrix, left as it was. */
static bool is_base_layer(const char *name, unsigned *slot) {
    static const char prefix[] = "base_model.model.";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) return false;
    name += sizeof prefix - 1;
    *slot = LORA_HEAD;
    if (strcmp(name, "lm_head.base_layer.weight") == 0) return true;
    if (strncmp(name, "model.", 6) == 0) name += 6;
    *slot = LORA_EMBED;
    return strcmp(name, "embed_tokens.base_layer.weight") == 0;
}

/* Without an adapter beside it, or unlike the base's, such a matrix is one that was trained. */
static int check_base_layers(const lora_build *b, const st_file *f) {
    for (uint32_t i = 0; i < f->n_tensors; i++) {
        const st_tensor *t = &f->tensor[i];
        unsigned slot;
        if (!is_base_layer(t->name, &slot)) continue;
        if (!roma_import_lora_pair(b, slot, 0)->has_a || !roma_import_lora_is_base(b, slot, t))
            return unknown(b, t->name);
    }
    return ROMA_OK;
}

static const char *module_name(const peft_config *c, char buf[96], unsigned slot, uint32_t layer) {
    return roma_import_lora_module_name(buf, slot, layer, c->bare);
}

/* A layer's number selects nothing that is in no layer, but by its whole name. PEFT names but one of head and embedding
 * where they are tied. */
static bool is_selected(const peft_config *c, char module[96], unsigned slot, uint32_t layer) {
    return roma_import_peft_selects(c, module_name(c, module, slot, layer), slot < LORA_ROLES ? layer : UINT32_MAX);
}

/* All tensors are of one adapter, and of one kind of model. */
static int check_same(const lora_build *b, const part_name *n, const part_name *first, const char *what) {
    char shown[64];
    if (n->slot != LORA_HEAD && first->slot != LORA_HEAD && n->bare != first->bare)
        return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE,
                         "tensor '%s': some names have 'model.' before the layers, others have not", what);
    if (n->own_len == first->own_len && memcmp(n->own, first->own, n->own_len) == 0) return ROMA_OK;
    return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE,
                     "tensor '%s': of another adapter than '%s'; there must be one", what,
                     roma_error_name(shown, sizeof shown, first->own, first->own_len));
}

static int add_all(lora_build *b, peft_config *c, const st_file *f) {
    part_name first = {0};
    for (uint32_t i = 0; i < f->n_tensors; i++) {
        const st_tensor *t = &f->tensor[i];
        part_name n;
        char shown[160], module[96];
        roma_error_name(shown, sizeof shown, t->name, strlen(t->name));
        unsigned slot;
        if (is_base_layer(t->name, &slot)) continue;
        if (!parse_name(t->name, &n)) return unknown(b, t->name);
        if (!first.own || (first.slot == LORA_HEAD && n.slot != LORA_HEAD))
            first = n, c->bare = n.bare && n.slot != LORA_HEAD;
        const int other = check_same(b, &n, &first, shown);
        if (other) return other;
        if (!is_selected(c, module, n.slot, n.layer) && !(c->tied && n.slot >= LORA_ROLES))
            return roma_fail(
                b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE,
                "tensor '%s': target_modules and layers_to_transform of adapter_config.json do not name it", shown);
        const int rc = n.is_magnitude ? roma_import_lora_add_magnitude(b, n.slot, n.layer, t, shown)
                                      : roma_import_lora_add(b, n.slot, n.layer, n.is_b, t, shown);
        if (rc) return rc;
    }
    return ROMA_OK;
}

static int check_there(const lora_build *b, const peft_config *c, unsigned slot, uint32_t layer) {
    const lora_pair *p = roma_import_lora_pair(b, slot, layer);
    char module[96];
    if (p->has_a || p->has_b || !is_selected(c, module, slot, layer)) return ROMA_OK;
    return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE,
                     "adapter_config.json names %s, but its matrices are missing", module);
}

/* What the configuration names must be there: PEFT would run it with B = 0, another adapter than was saved. */
static int check_complete(const lora_build *b, const peft_config *c) {
    int rc = ROMA_OK;
    if (!roma_import_peft_is_exact(c)) return rc;
    for (uint32_t l = 0; l < b->base->hyper.layers; l++)
        for (unsigned s = 0; s < LORA_ROLES && !rc; s++) rc = check_there(b, c, s, l);
    for (unsigned s = LORA_HEAD; s <= LORA_EMBED && !rc && !c->tied; s++) rc = check_there(b, c, s, 0);
    return rc;
}

/* Of a tied pair PEFT saves both; with one alone it would run the other one too. */
static int check_tied(const lora_build *b, const peft_config *c) {
    const roma_image_tensor *head = roma_description_find(b->base, ROMA_W_HEAD, 0);
    const bool has[] = {roma_import_lora_pair(b, LORA_HEAD, 0)->has_a, roma_import_lora_pair(b, LORA_EMBED, 0)->has_a};
    if (!c->tied || has[0] == has[1] || (head && head->tie < 0)) return ROMA_OK;
    return roma_fail(
        b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE,
        "ensure_weight_tying of adapter_config.json ties the adapters of lm_head and embed_tokens, and the "
        "matrices of %s are missing",
        has[0] ? "embed_tokens" : "lm_head");
}

/* Square root of a small whole number to the nearest FP32 or next to it: Newton in double. */
static double root(uint32_t n) {
    double x = n;
    for (int i = 0; i < 64; i++) x = 0.5 * (x + n / x);
    return x;
}

typedef struct {
    const lora_build *b;
    const peft_config *c;
} scaling;

static int scale_of(void *ctx, unsigned slot, uint32_t layer, uint32_t rank, float *alpha, float *scale) {
    const scaling *s = ctx;
    char module[96];
    module_name(s->c, module, slot, layer);
    const uint32_t want = roma_import_peft_rank(s->c, module);
    if (rank != want)
        return roma_fail(s->b->err, ROMA_EINPUT, s->b->path, ROMA_NOWHERE,
                         "%s has rank %u, adapter_config.json says %u", module, rank, want);
    const double a = roma_import_peft_alpha(s->c, module);
    *alpha = (float)a;
    *scale = (float)(a / (s->c->rslora ? root(rank) : rank));
    return ROMA_OK;
}

int roma_import_lora_peft(lora_build *b, const void *config, uint64_t config_bytes, const char *config_path,
                          const void *data, uint64_t bytes, const char *data_path) {
    peft_config c;
    st_file f = {0};
    int rc = roma_import_peft_parse(&c, config, config_bytes, config_path, b->err);
    if (rc) return rc;
    b->rope_halves = true;
    b->dora = c.dora;
    scaling s = {b, &c};
    rc = roma_import_st_parse(&f, data, bytes, data_path, b->err);
    if (!rc) rc = add_all(b, &c, &f);
    if (!rc) rc = check_base_layers(b, &f);
    if (!rc) rc = check_complete(b, &c);
    if (!rc) rc = check_tied(b, &c);
    if (!rc) rc = roma_import_lora_finish(b, scale_of, &s);
    roma_import_st_free(&f);
    roma_import_peft_free(&c);
    return rc;
}
