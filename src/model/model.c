/* Roles of tensors, and whether a model has each of them once and in the right shape. */
#include "roma/model.h"

typedef struct {
    const char *name;
    bool matrix, layered;
} role_entry;

static const role_entry *role_get(uint32_t role) {
    static const role_entry roles[ROMA_W_END] = {
#define X(name, value, text, matrix, layer) [value] = {text, matrix, layer},
        ROMA_ROLES(X)
#undef X
    };
    return role < ROMA_W_END && roles[role].name ? &roles[role] : NULL;
}

const char *roma_tensor_role_name(uint32_t role) {
    const role_entry *e = role_get(role);
    return e ? e->name : NULL;
}

const char *roma_tensor_name(uint32_t role, uint32_t layer, char *buf, size_t cap) {
    if (roma_tensor_role_is_layered(role))
        roma_print(buf, cap, "%u.%s", layer, roma_tensor_role_name(role));
    else
        roma_print(buf, cap, "%s", roma_tensor_role_name(role));
    return buf;
}

bool roma_tensor_role_is_matrix(uint32_t role) {
    const role_entry *e = role_get(role);
    return e && e->matrix;
}

bool roma_tensor_role_is_layered(uint32_t role) {
    const role_entry *e = role_get(role);
    return e && e->layered;
}

const roma_tensor *roma_model_find(const roma_model *m, uint32_t role, uint32_t layer) {
    for (size_t i = 0; i < m->n_tensors; i++)
        if (m->tensors[i].role == role && m->tensors[i].layer == layer) return &m->tensors[i];
    return NULL;
}

/* "layer 3: q" or "embed" */
static const char *place(char buf[64], uint32_t role, uint32_t layer) {
    const role_entry *e = role_get(role);
    if (e && e->layered)
        roma_print(buf, 64, "layer %u: %s", layer, e->name);
    else
        roma_print(buf, 64, "%s", e ? e->name : "unknown");
    return buf;
}

static int check_tensor(const roma_hyper *h, const roma_tensor *t, size_t index, const char *file, roma_error *err) {
    char at[64];
    uint64_t rows, cols;
    if (!roma_hyper_shape(h, t->role, &rows, &cols))
        return roma_fail(err, ROMA_EUNSUPPORTED, file, ROMA_NOWHERE,
                         "tensor %zu has a role (%u) that %s models do not have", index, t->role,
                         roma_arch_name(h->arch));
    if (t->layer >= (roma_tensor_role_is_layered(t->role) ? h->layers : 1))
        return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "%s: the model has no such layer",
                         place(at, t->role, t->layer));
    if (t->rows != rows || t->cols != cols)
        return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "%s is %llu x %llu, expected %llu x %llu",
                         place(at, t->role, t->layer), (unsigned long long)t->rows, (unsigned long long)t->cols,
                         (unsigned long long)rows, (unsigned long long)cols);
    if (t->is_float) return ROMA_OK;
    if (!roma_tensor_role_is_matrix(t->role))
        return roma_fail(err, ROMA_EUNSUPPORTED, file, ROMA_NOWHERE,
                         "%s is quantised; vectors must be F32, F16 or BF16", place(at, t->role, t->layer));
    roma_error why;
    int code = roma_format_check(&t->format, t->cols, &why);
    if (!code) return ROMA_OK;
    return roma_fail(err, code, file, ROMA_NOWHERE, "%s: %s", place(at, t->role, t->layer), why.text);
}

int roma_model_check(const roma_model *m, const char *file, roma_error *err) {
    const roma_hyper *h = &m->hyper;
    char at[64];
    int code = roma_hyper_check(h, file, err);
    uint32_t seen[1024] = {0}, once = 0; /* bits by role; hyper_check bounds the layers */
    for (size_t i = 0; !code && i < m->n_tensors; i++) {
        const roma_tensor *t = &m->tensors[i];
        code = check_tensor(h, t, i, file, err);
        if (code) break;
        uint32_t *set = roma_tensor_role_is_layered(t->role) ? &seen[t->layer] : &once, bit = 1u << t->role;
        if (*set & bit)
            code = roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "%s is there twice", place(at, t->role, t->layer));
        *set |= bit;
    }
    for (uint32_t role = 1; !code && role < ROMA_W_END; role++) {
        if (!roma_hyper_required(h, role)) continue;
        bool layered = roma_tensor_role_is_layered(role);
        for (uint32_t l = 0; !code && l < (layered ? h->layers : 1); l++)
            if (!((layered ? seen[l] : once) & 1u << role))
                code = roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "%s is missing", place(at, role, l));
    }
    return code;
}
