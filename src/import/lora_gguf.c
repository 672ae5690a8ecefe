/* GGUF adapters as llama.cpp's convert_lora_to_gguf writes them. The rows of B are in the order of the base's GGUF:
 * neighbours for llama, halves for the others. */
#include "lora.h"

static const struct {
    const char *name;
    unsigned slot;
} names[] = {{"attn_q", 0},   {"attn_k", 1}, {"attn_v", 2},  {"attn_output", 3},
             {"ffn_gate", 4}, {"ffn_up", 5}, {"ffn_down", 6}};

/* "blk.N.attn_q.weight.lora_a" */
static bool parse_name(const gguf_tensor *t, unsigned *slot, uint32_t *layer, bool *is_b) {
    static const char *const whole[] = {"output.weight.lora_", "token_embd.weight.lora_"};
    uint32_t i = 4;
    for (unsigned k = 0; k < 2; k++) {
        const size_t n = strlen(whole[k]);
        if (t->name_len != n + 1 || memcmp(t->name, whole[k], n) != 0) continue;
        *slot = k ? LORA_EMBED : LORA_HEAD;
        *layer = 0;
        *is_b = t->name[n] == 'b';
        return *is_b || t->name[n] == 'a';
    }
    if (t->name_len < 6 || memcmp(t->name, "blk.", 4) != 0) return false;
    for (*layer = 0; i < t->name_len && i < 9 && t->name[i] >= '0' && t->name[i] <= '9'; i++)
        *layer = *layer * 10 + (uint32_t)(t->name[i] - '0');
    if (i == 4 || i == t->name_len || t->name[i] != '.' || (t->name[4] == '0' && i > 5)) return false;
    const char *p = t->name + i + 1;
    const size_t n = t->name_len - i - 1;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        char want[40];
        const size_t len = (size_t)roma_print(want, sizeof want, "%s.weight.lora_a", names[k].name);
        if (n != len || memcmp(p, want, len - 1) != 0 || (p[len - 1] != 'a' && p[len - 1] != 'b')) continue;
        *slot = names[k].slot;
        *is_b = p[len - 1] == 'b';
        return true;
    }
    return false;
}

static int need_text(const lora_build *b, const gguf_file *g, const char *key, const char *want) {
    const char *text = "";
    size_t len = 0;
    bool found;
    char shown[64];
    const int rc = roma_import_kv_string(g, key, &text, &len, &found, b->err);
    if (rc) return rc;
    if (!found)
        return roma_fail(b->err, ROMA_EINPUT, g->path, ROMA_NOWHERE, "key '%s' is missing: not an adapter, but %s", key,
                         roma_kind_of(g->data, (size_t)g->size));
    if (len == strlen(want) && memcmp(text, want, len) == 0) return ROMA_OK;
    return roma_import_kv_bad(g, roma_import_kv_find(g, key), ROMA_EUNSUPPORTED, b->err, "it is '%s'; '%s' is needed",
                              roma_error_name(shown, sizeof shown, text, len), want);
}

/* Everything about the file is fine; everything about adapters must be known. */
static int check_keys(const lora_build *b, const gguf_file *g) {
    static const char *const known[] = {"adapter.type", "adapter.lora.alpha", "adapter.lora.task_name",
                                        "adapter.lora.prompt_prefix"};
    for (uint32_t i = 0; i < g->n_kv; i++) {
        const gguf_kv *kv = &g->kv[i];
        bool fine = kv->key_len > 8 && memcmp(kv->key, "general.", 8) == 0;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            fine |= strlen(known[k]) == kv->key_len && memcmp(known[k], kv->key, kv->key_len) == 0;
        if (!fine)
            return roma_import_kv_bad(g, kv, ROMA_EUNSUPPORTED, b->err,
                                      "it is unknown and may change what the adapter computes");
    }
    return ROMA_OK;
}

static int add_all(lora_build *b, const gguf_file *g) {
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        const gguf_tensor *t = &g->tensor[i];
        const import_type *type = roma_import_type_get(t->type);
        unsigned slot;
        uint32_t layer;
        bool is_b;
        char shown[96];
        if (!parse_name(t, &slot, &layer, &is_b))
            return roma_import_tensor_bad(
                g, t, ROMA_EUNSUPPORTED, b->err,
                "no part of an adapter that we know (q, k, v, o, gate, up, down, output and token_embd "
                "can have one); leaving it out would change it");
        if (!type->floats && !type->row)
            return roma_import_tensor_bad(g, t, ROMA_EUNSUPPORTED, b->err, "type %s is not supported", type->name);
        if (t->dim[2] != 1 || t->dim[3] != 1 || t->n_dims < 2)
            return roma_import_tensor_bad(g, t, ROMA_EINPUT, b->err, "a matrix is needed");
        const st_tensor view = {.type = t->type, .n_dims = 2, .dim = {t->dim[1], t->dim[0]}, .data = t->data};
        const int rc = roma_import_lora_add(b, slot, layer, is_b, &view,
                                            roma_error_name(shown, sizeof shown, t->name, t->name_len));
        if (rc) return rc;
    }
    return ROMA_OK;
}

static int scale_of(void *ctx, unsigned slot, uint32_t layer, uint32_t rank, float *alpha, float *scale) {
    const double a = *(const double *)ctx;
    (void)slot, (void)layer;
    *alpha = (float)(a != 0 ? a : rank); /* 0: llama.cpp takes the adapter as it is */
    *scale = (float)(a != 0 ? a / rank : 1);
    return ROMA_OK;
}

static int read_all(lora_build *b, const gguf_file *g) {
    double alpha = 0;
    bool found;
    int rc = need_text(b, g, "general.type", "adapter");
    if (!rc) rc = need_text(b, g, "adapter.type", "lora");
    if (!rc) rc = need_text(b, g, "general.architecture", roma_arch_name(b->base->hyper.arch));
    if (!rc) rc = check_keys(b, g);
    if (!rc) rc = roma_import_kv_f64(g, "adapter.lora.alpha", -1e6, 1e6, &alpha, &found, b->err);
    if (!rc && !found)
        rc = roma_fail(b->err, ROMA_EINPUT, g->path, ROMA_NOWHERE, "key 'adapter.lora.alpha' is missing");
    if (!rc) rc = add_all(b, g);
    return rc ? rc : roma_import_lora_finish(b, scale_of, &alpha);
}

int roma_import_lora_gguf(lora_build *b, const void *data, uint64_t bytes) {
    gguf_file g;
    int rc = roma_import_gguf_parse(&g, data, bytes, b->path, b->err);
    if (rc) return rc;
    b->rope_halves = b->base->hyper.arch != ROMA_ARCH_LLAMA;
    b->turned_embedding = true;
    rc = read_all(b, &g);
    roma_import_gguf_free(&g);
    return rc;
}
