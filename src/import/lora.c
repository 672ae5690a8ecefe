/* Adapters: from A and B in any float type to the targets of roma_adapter_write, every shape held against the base. */
#include <sys/stat.h>
#include <unistd.h>
#include "lora.h"

static const struct {
    const char *module;
    uint32_t role;
} slots[] = {
    {"self_attn.q_proj", ROMA_W_Q},
    {"self_attn.k_proj", ROMA_W_K},
    {"self_attn.v_proj", ROMA_W_V},
    {"self_attn.o_proj", ROMA_W_O},
    {"mlp.gate_proj", ROMA_W_GATE},
    {"mlp.up_proj", ROMA_W_UP},
    {"mlp.down_proj", ROMA_W_DOWN},
    [LORA_HEAD] = {"lm_head", ROMA_W_HEAD},
    [LORA_EMBED] = {"embed_tokens", ROMA_W_EMBED},
};

const char *roma_import_lora_module_name(char buf[96], unsigned slot, uint32_t layer, bool bare) {
    const char *model = bare || slot == LORA_HEAD ? "" : "model.";
    if (slot < LORA_ROLES)
        roma_print(buf, 96, "%slayers.%u.%s", model, layer, slots[slot].module);
    else
        roma_print(buf, 96, "%s%s", model, slots[slot].module);
    return buf;
}

const char *roma_import_lora_module(unsigned slot) { return slots[slot].module; }

typedef struct {
    roma_map config, tensors;
    lora_pair *pair;  /* layers x roles */
    lora_pair **used; /* of each target */
} lora_owned;

/* ---- A and B ---- */

static int check_values(const lora_build *b, const st_tensor *t, const char *what) {
    const import_type *type = roma_import_type_get(t->type);
    const uint64_t row_bytes = t->dim[1] / type->block * type->bytes;
    for (uint64_t r = 0; r < t->dim[0]; r++)
        if (roma_import_find_bad_value(type, t->data + r * row_bytes, t->dim[1]) >= 0)
            return roma_fail(b->err, ROMA_EDAMAGED, b->path, ROMA_NOWHERE,
                             "tensor '%s', row %llu: a value is infinite or not a number", what, (unsigned long long)r);
    return ROMA_OK;
}

static int check_shape(const lora_build *b, const st_tensor *t, bool is_b, uint64_t rows, uint64_t cols,
                       const char *what) {
    const uint64_t rank = t->dim[is_b], want = is_b ? rows : cols, have = t->dim[!is_b];
    if (t->n_dims != 2)
        return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE, "tensor '%s': %u dimensions instead of 2", what,
                         t->n_dims);
    if (have != want)
        return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE,
                         "tensor '%s' is %llu x %llu; the base needs %llu %s: the adapter is for another model", what,
                         (unsigned long long)t->dim[0], (unsigned long long)t->dim[1], (unsigned long long)want,
                         is_b ? "rows" : "columns");
    if (rank < 1 || rank > ROMA_ADAPTER_RANK_MAX)
        return roma_fail(b->err, ROMA_EUNSUPPORTED, b->path, ROMA_NOWHERE,
                         "tensor '%s': rank %llu; 1 to %d are supported", what, (unsigned long long)rank,
                         ROMA_ADAPTER_RANK_MAX);
    return ROMA_OK;
}

static bool is_in_heads(uint32_t role) { return role == ROMA_W_Q || role == ROMA_W_K || role == ROMA_W_V; }

/* The base's columns may stand in another order than the adapter's file has them; A's then do too. */
static const roma_order *order_of(const roma_description *d, uint32_t role, uint32_t layer) {
    const roma_image_tensor *t = roma_description_find(d, role, layer);
    return t ? t->order : NULL;
}
/* Rows of gate and up, which follow the columns of down. */
static const uint32_t *folded(const roma_description *d, uint32_t layer) {
    const roma_order *order = order_of(d, ROMA_W_DOWN, layer);
    return order && order->folded ? order->from : NULL;
}

int roma_import_lora_add(lora_build *b, unsigned slot, uint32_t layer, bool is_b, const st_tensor *in,
                         const char *what) {
    st_tensor as_rows = *in;
    const st_tensor *t = &as_rows; /* whose dimensions are rows and columns */
    const bool turned = b->turned || (b->turned_embedding && slot == LORA_EMBED && !is_b);
    if (turned && !roma_import_type_get(in->type)->floats)
        return roma_fail(b->err, ROMA_EUNSUPPORTED, b->path, ROMA_NOWHERE,
                         "tensor '%s': type %s; A of the embedding must be F32, F16 or BF16", what,
                         roma_import_type_get(in->type)->name);
    if (turned) as_rows.dim[0] = in->dim[1], as_rows.dim[1] = in->dim[0];
    const roma_hyper *h = &b->base->hyper;
    const uint32_t role = slots[slot].role;
    uint64_t rows, cols;
    if (layer >= h->layers)
        return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE, "tensor '%s': the base has %u layers", what,
                         h->layers);
    lora_pair *p = roma_import_lora_pair(b, slot, layer);
    if (is_b ? p->has_b : p->has_a)
        return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE, "tensor '%s' is there twice", what);
    roma_hyper_true_shape(h, role, &rows, &cols);
    if (slot == LORA_EMBED) rows = cols, cols = h->vocab; /* what is added has a column a token */
    int rc = check_shape(b, t, is_b, rows, cols, what);
    if (!rc) rc = check_values(b, in, what);
    if (rc) return rc;
    const import_type *type = roma_import_type_get(t->type);
    roma_tensor *view = is_b ? &p->b : &p->a;
    roma_adapter_shape(h, role, &rows, &cols);
    *view =
        (roma_tensor){.role = role,
                      .layer = layer,
                      .rows = is_b ? rows : t->dim[0],
                      .cols = is_b ? t->dim[1] : cols,
                      .true_rows = t->dim[0],
                      .true_cols = t->dim[1],
                      .true_head = is_b && is_in_heads(role) ? (uint16_t)roma_true_head(h) : 0,
                      .is_float = type->floats != NULL,
                      .format = type->format,
                      .source_type = t->type,
                      .data = t->data,
                      .row_bytes = in->dim[1] / type->block * type->bytes,
                      .rope_halves = is_b && b->rope_halves && (role == ROMA_W_Q || role == ROMA_W_K),
                      .head_dim = (uint16_t)h->head_dim,
                      .rope_dim = (uint16_t)h->rope_dim,
                      .order = is_b ? NULL : order_of(b->base, role, layer),
                      .row_from = is_b && (role == ROMA_W_GATE || role == ROMA_W_UP) ? folded(b->base, layer) : NULL};
    *(is_b ? &p->has_b : &p->has_a) = true;
    *(is_b ? &p->turned_b : &p->turned_a) = turned;
    return ROMA_OK;
}

int roma_import_lora_add_magnitude(lora_build *b, unsigned slot, uint32_t layer, const st_tensor *t, const char *what) {
    const roma_hyper *h = &b->base->hyper;
    uint64_t rows, cols;
    if (layer >= h->layers)
        return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE, "tensor '%s': the base has %u layers", what,
                         h->layers);
    lora_pair *p = roma_import_lora_pair(b, slot, layer);
    if (p->magnitude.data)
        return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE, "tensor '%s' is there twice", what);
    roma_hyper_true_shape(h, slots[slot].role, &rows, &cols);
    if (slot == LORA_EMBED) rows = cols;
    if (t->n_dims != 1 || t->dim[0] * t->dim[1] != rows)
        return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE,
                         "tensor '%s': the base needs a magnitude for each of %llu rows", what,
                         (unsigned long long)rows);
    p->magnitude = *t;
    p->magnitude.dim[0] = 1, p->magnitude.dim[1] = rows;
    return check_values(b, &p->magnitude, what);
}

/* ---- targets ---- */

static void read_row(const roma_tensor *t, bool turned, uint64_t row, float *out) {
    if (!turned) {
        roma_import_read_floats(t, row, out);
        return;
    }
    const import_type *type = roma_import_type_get(t->source_type);
    uint64_t from;
    const uint64_t n = roma_tensor_source_row(t, row, &from) ? t->true_cols : 0;
    for (uint64_t i = 0; i < t->cols; i++) {
        const uint64_t k = t->order ? t->order->from[i] : i;
        out[i] = 0;
        if (k < n) type->floats(t->data + k * t->row_bytes + from * type->bytes, 1, out + i);
    }
}
void roma_import_lora_row(const lora_pair *p, bool is_b, uint64_t row, float *out) {
    read_row(is_b ? &p->b : &p->a, is_b ? p->turned_b : p->turned_a, row, out);
}
static void row_a(void *ctx, size_t i, uint32_t row, float *out) {
    roma_import_lora_row(((const lora_owned *)ctx)->used[i], false, row, out);
}
static void row_b(void *ctx, size_t i, uint64_t row, float *out) {
    const lora_pair *p = ((const lora_owned *)ctx)->used[i];
    roma_import_lora_row(p, true, row, out);
    for (uint64_t k = 0; p->factor && k < p->b.cols; k++) out[k] *= p->factor[row];
}

static int take(lora_build *b, unsigned slot, uint32_t layer, lora_scale_fn scale, void *ctx) {
    lora_owned *o = b->out->owned;
    roma_adapter *a = &b->out->adapter;
    lora_pair *p = roma_import_lora_pair(b, slot, layer);
    char where[96];
    if (!p->has_a && !p->has_b && !p->magnitude.data) return ROMA_OK;
    if (slot < LORA_ROLES)
        roma_print(where, sizeof where, "layer %u, %s", layer, slots[slot].module);
    else
        roma_print(where, sizeof where, "%s", slots[slot].module);
    if (!p->has_a || !p->has_b)
        return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE, "%s: matrix %c is missing", where,
                         p->has_a ? 'B' : 'A');
    if (b->dora != (p->magnitude.data != NULL))
        return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE,
                         b->dora ? "%s: DoRA's magnitudes are missing"
                                 : "%s: magnitudes of DoRA, which the configuration does not speak of",
                         where);
    if (p->a.rows != p->b.cols)
        return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE, "%s: A has rank %llu, B has rank %llu", where,
                         (unsigned long long)p->a.rows, (unsigned long long)p->b.cols);
    roma_adapter_target *t = &a->targets[a->n_targets];
    *t = (roma_adapter_target){
        .role = slots[slot].role, .layer = layer, .rows = p->b.rows, .cols = p->a.cols, .rank = (uint32_t)p->a.rows};
    o->used[a->n_targets++] = p;
    if (t->rank > a->rank) a->rank = t->rank;
    int rc = scale(ctx, slot, layer, t->rank, &t->alpha, &t->scale);
    if (!rc && b->dora) rc = roma_import_lora_factors(b, p, t->scale, where);
    t->dora = b->dora;
    t->factor = p->factor;
    return rc;
}

int roma_import_lora_finish(lora_build *b, lora_scale_fn scale, void *ctx) {
    int first = take(b, LORA_EMBED, 0, scale, ctx);
    if (!first) first = take(b, LORA_HEAD, 0, scale, ctx);
    if (first) return first;
    for (uint32_t l = 0; l < b->base->hyper.layers; l++)
        for (unsigned s = 0; s < LORA_ROLES; s++) {
            const int rc = take(b, s, l, scale, ctx);
            if (rc) return rc;
        }
    if (!b->out->adapter.n_targets)
        return roma_fail(b->err, ROMA_EINPUT, b->path, ROMA_NOWHERE, "no matrix of an adapter in it");
    b->out->source = (roma_adapter_source){b->out->owned, row_a, row_b};
    return ROMA_OK;
}

/* ---- opening ---- */

static int begin(lora_build *b, roma_import_lora *l, const roma_description *base, roma_error *err) {
    const size_t n = (size_t)base->hyper.layers * LORA_ROLES + 2;
    memset(l, 0, sizeof *l);
    *b = (lora_build){.out = l, .base = base, .err = err};
    lora_owned *o = l->owned = roma_alloc_array(1, sizeof *o);
    if (o) {
        b->pair = o->pair = roma_alloc_array(n, sizeof *o->pair);
        o->used = roma_alloc_array(n, sizeof *o->used);
        l->adapter.targets = roma_alloc_array(n, sizeof *l->adapter.targets);
    }
    if (o && o->pair && o->used && l->adapter.targets) return ROMA_OK;
    return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory to open an adapter");
}

int roma_import_lora_open_memory(roma_import_lora *l, const void *config, uint64_t config_bytes, const void *tensors,
                                 uint64_t tensors_bytes, const roma_description *base, roma_error *err) {
    lora_build b;
    int rc = begin(&b, l, base, err);
    if (!rc)
        rc = config ? roma_import_lora_peft(&b, config, config_bytes, NULL, tensors, tensors_bytes, NULL)
                    : roma_import_lora_gguf(&b, tensors, tensors_bytes);
    if (rc) roma_import_lora_close(l);
    return rc;
}

static bool is_there(const char *folder, const char *name) {
    char path[4096];
    return roma_print(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && access(path, F_OK) == 0;
}

static int open_folder(lora_build *b, const char *folder) {
    lora_owned *o = b->out->owned;
    char path[4096];
    const bool mlx = !is_there(folder, "adapter_model.safetensors") && is_there(folder, "adapters.safetensors");
    const char *tensors = mlx ? "adapters.safetensors" : "adapter_model.safetensors";
    if (!is_there(folder, "adapter_config.json"))
        return roma_fail(b->err, ROMA_EINPUT, folder, ROMA_NOWHERE,
                         "no adapter_config.json in this folder: not an adapter that PEFT saved, but %s",
                         roma_kind_of_folder(folder));
    if (!is_there(folder, tensors)) {
        if (is_there(folder, "adapter_model.bin"))
            return roma_fail(b->err, ROMA_EUNSUPPORTED, folder, ROMA_NOWHERE,
                             "adapter_model.bin is a pickle, which is a program; save the adapter as safetensors "
                             "(save_pretrained with safe_serialization=True)");
        return roma_fail(b->err, ROMA_EINPUT, folder, ROMA_NOWHERE,
                         "no adapter_model.safetensors in this folder, nor MLX's adapters.safetensors");
    }
    if (roma_print(path, sizeof path, "%s/adapter_config.json", folder) >= (int)sizeof path)
        return roma_fail(b->err, ROMA_EUSAGE, folder, ROMA_NOWHERE, "the path is too long");
    int rc = roma_map_open(&o->config, path, b->err);
    if (!rc && roma_print(path, sizeof path, "%s/%s", folder, tensors) >= (int)sizeof path)
        rc = roma_fail(b->err, ROMA_EUSAGE, folder, ROMA_NOWHERE, "the path is too long");
    if (!rc) rc = roma_map_open(&o->tensors, path, b->err);
    if (rc) return rc;
    b->path = o->tensors.path;
    return (mlx ? roma_import_lora_mlx : roma_import_lora_peft)(b, o->config.data, o->config.size, o->config.path,
                                                                o->tensors.data, o->tensors.size, o->tensors.path);
}

static int open_file(lora_build *b, const char *path) {
    lora_owned *o = b->out->owned;
    const int rc = roma_map_open(&o->tensors, path, b->err);
    if (rc) return rc;
    const uint8_t *p = o->tensors.data;
    b->path = o->tensors.path;
    if (o->tensors.size >= 4 && (memcmp(p, "PK\3\4", 4) == 0 || (p[0] == 0x80 && p[1] >= 2 && p[1] <= 5)))
        return roma_fail(b->err, ROMA_EUNSUPPORTED, path, 0,
                         "this is a pickle, which is a program; save the adapter as safetensors and give its folder");
    if (o->tensors.size >= 9 && p[8] == '{')
        return roma_fail(b->err, ROMA_EUSAGE, path, 0,
                         "a safetensors file; give its folder, which holds adapter_config.json too");
    return roma_import_lora_gguf(b, p, o->tensors.size);
}

int roma_import_lora_open(roma_import_lora *l, const char *path, const roma_description *base, roma_error *err) {
    lora_build b;
    struct stat st;
    int rc = begin(&b, l, base, err);
    b.path = path;
    if (!rc) rc = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? open_folder(&b, path) : open_file(&b, path);
    if (rc) roma_import_lora_close(l);
    return rc;
}

void roma_import_lora_close(roma_import_lora *l) {
    lora_owned *o = l->owned;
    if (o) {
        roma_map_close(&o->config);
        roma_map_close(&o->tensors);
        for (size_t i = 0; i < l->adapter.n_targets; i++) roma_free(o->used[i]->factor);
        roma_free(o->pair);
        roma_free(o->used);
        roma_free(o);
    }
    roma_free(l->adapter.targets);
    memset(l, 0, sizeof *l);
}
