/* Targets: what may be changed, the descriptors of section TARG and the places in DATA; the check against a base. */
#include "adapter/internal.h"

bool roma_adapter_role(uint32_t role) {
    switch (role) {
    case ROMA_W_Q:
    case ROMA_W_K:
    case ROMA_W_V:
    case ROMA_W_O:
    case ROMA_W_GATE:
    case ROMA_W_UP:
    case ROMA_W_DOWN: return true;
    default: return false;
    }
}

/* Whether an adapter may change the matrix of that role. */
static bool is_target(uint32_t role) { return roma_adapter_role(role) || role == ROMA_W_HEAD || role == ROMA_W_EMBED; }

bool roma_adapter_shape(const roma_hyper *h, uint32_t role, uint64_t *rows, uint64_t *cols) {
    if (!is_target(role) || !roma_hyper_shape(h, role, rows, cols)) return false;
    if (role != ROMA_W_EMBED) return true;
    *rows = h->hidden;
    *cols = ((uint64_t)h->vocab + ROMA_STRIPE - 1) / ROMA_STRIPE * ROMA_STRIPE;
    return true;
}

const char *roma_adapter_place(char buf[64], const roma_adapter_target *t) {
    if (roma_adapter_role(t->role))
        roma_print(buf, 64, "layer %u: %s", t->layer, roma_tensor_role_name(t->role));
    else if (is_target(t->role))
        roma_print(buf, 64, "%s", roma_tensor_role_name(t->role));
    else
        roma_print(buf, 64, "role %u", t->role);
    return buf;
}

const roma_adapter_target *roma_adapter_find(const roma_adapter *a, uint32_t role, uint32_t layer) {
    for (size_t i = 0; i < a->n_targets; i++)
        if (a->targets[i].role == role && a->targets[i].layer == layer) return &a->targets[i];
    return NULL;
}

/* ---- rules of one target ---- */

static bool in_range(float v, float max) { return (v >= -max && v <= max) && v != 0; }

int roma_adapter_check_target(const roma_adapter_target *t, roma_error *err) {
    char at[64];
    roma_adapter_place(at, t);
    if (!is_target(t->role))
        return roma_fail(err, ROMA_EUNSUPPORTED, NULL, ROMA_NOWHERE,
                         "%s cannot have an adapter; q, k, v, o, gate, up, down, head and embed can", at);
    if (!roma_adapter_role(t->role) && t->layer)
        return roma_fail(err, ROMA_EINPUT, NULL, ROMA_NOWHERE, "%s is in no layer", at);
    if (t->layer >= 1024)
        return roma_fail(err, ROMA_EINPUT, NULL, ROMA_NOWHERE, "%s: there are at most 1024 layers", at);
    if (!t->rows || t->rows > 262144 || (t->rows % 16 && t->role != ROMA_W_HEAD) || !t->cols || t->cols > 262144 ||
        t->cols % ROMA_STRIPE)
        return roma_fail(err, ROMA_EUNSUPPORTED, NULL, ROMA_NOWHERE,
                         "%s is %llu x %llu; rows must be a multiple of 16 and columns of 32, up to 262144", at,
                         (unsigned long long)t->rows, (unsigned long long)t->cols);
    if (!t->rank || t->rank > ROMA_ADAPTER_RANK_MAX)
        return roma_fail(err, ROMA_EUNSUPPORTED, NULL, ROMA_NOWHERE, "%s has rank %u; 1 to %d are supported", at,
                         t->rank, ROMA_ADAPTER_RANK_MAX);
    if (!in_range(t->alpha, ROMA_ADAPTER_ALPHA_MAX) || !in_range(t->scale, ROMA_ADAPTER_ALPHA_MAX))
        return roma_fail(err, ROMA_EUNSUPPORTED, NULL, ROMA_NOWHERE,
                         "%s: alpha or scale is 0, larger than 1000000, or no number", at);
    return ROMA_OK;
}

/* ---- TARG ---- */

void roma_adapter_put_descriptor(uint8_t out[ADAPTER_DESCRIPTOR], const roma_adapter_target *t) {
    memset(out, 0, ADAPTER_DESCRIPTOR);
    roma_put32(out, t->role);
    roma_put32(out + 4, t->layer);
    roma_put32(out + 8, (uint32_t)t->rows);
    roma_put32(out + 12, (uint32_t)t->cols);
    roma_put32(out + 16, t->rank);
    roma_put32(out + 20, roma_f32_bits(t->alpha));
    roma_put32(out + 24, roma_f32_bits(t->scale));
    roma_put32(out + 28, t->dora ? ADAPTER_DORA : 0);
    roma_put64(out + 32, t->offset);
    roma_put64(out + 40, t->bytes);
}

static int get_descriptor(const roma_frame *in, uint64_t at, uint32_t type, roma_adapter_target *t) {
    const uint8_t *p = in->data + at;
    roma_error why;
    roma_adapter_layout l;
    char name[64];
    *t = (roma_adapter_target){.role = roma_le32(p),
                               .layer = roma_le32(p + 4),
                               .rows = roma_le32(p + 8),
                               .cols = roma_le32(p + 12),
                               .rank = roma_le32(p + 16),
                               .alpha = roma_f32_from_bits(roma_le32(p + 20)),
                               .scale = roma_f32_from_bits(roma_le32(p + 24)),
                               .dora = roma_le32(p + 28) & ADAPTER_DORA,
                               .offset = roma_le64(p + 32),
                               .bytes = roma_le64(p + 40)};
    const int code = roma_adapter_check_target(t, &why);
    if (code) return roma_frame_fail(in, code, at, "%s", why.text);
    roma_adapter_place(name, t);
    if (roma_le32(p + 28) & ~ADAPTER_DORA)
        return roma_frame_fail(in, ROMA_EUNSUPPORTED, at + 28, "%s: flags %08x are unknown", name,
                               roma_le32(p + 28) & ~ADAPTER_DORA);
    if (!roma_frame_all_zero(p + 48, 16))
        return roma_frame_fail(in, ROMA_EINPUT, at + 48, "%s: reserved bytes are not zero", name);
    roma_adapter_layout_get(type, t, &l);
    if (t->bytes != l.bytes)
        return roma_frame_fail(in, ROMA_EINPUT, at + 40, "%s has %llu bytes of data; its shape needs %llu", name,
                               (unsigned long long)t->bytes, (unsigned long long)l.bytes);
    return ROMA_OK;
}

static void point(roma_adapter_target *t, uint32_t type, const uint8_t *data) {
    roma_adapter_layout l;
    roma_adapter_layout_get(type, t, &l);
    t->a = data + l.a;
    t->a_scale = (const float *)(const void *)(data + l.a_scale);
    t->b_scale = (const float *)(const void *)(data + l.b_scale);
    if (t->dora) t->factor = (const float *)(const void *)(data + l.factor);
    t->b = data + l.b;
}

/* Ascending without repetition, and each behind the one before. */
static int check_order(const roma_frame *in, uint64_t at, const roma_adapter_target *t, size_t i, uint64_t end) {
    char name[64];
    roma_adapter_place(name, t);
    if (i && (t[-1].layer > t->layer || (t[-1].layer == t->layer && t[-1].role >= t->role)))
        return roma_frame_fail(in, ROMA_EINPUT, at, "%s is out of order or there twice", name);
    if (t->offset != end)
        return roma_frame_fail(in, ROMA_EINPUT, at + 32, "%s: its data is not behind that of the target before", name);
    const roma_section *data = in->known[ADAPTER_DATA];
    if (t->bytes > data->offset + data->bytes - end)
        return roma_frame_fail(in, ROMA_EINPUT, at + 40, "%s: its data reaches beyond section DATA", name);
    return ROMA_OK;
}

static int read_head(const roma_frame *in, roma_adapter *a, uint32_t *n) {
    const roma_section *s = in->known[ADAPTER_TARG];
    const uint8_t *p = in->data + s->offset;
    if (s->bytes < ADAPTER_TARG_HEAD) return roma_frame_fail(in, ROMA_EINPUT, s->offset, "section TARG is too short");
    *n = roma_le32(p);
    a->type = roma_le32(p + 8);
    if (roma_le32(p + 4) != ADAPTER_DESCRIPTOR)
        return roma_frame_fail(in, ROMA_EUNSUPPORTED, s->offset + 4, "descriptors of %u bytes; this version has %d",
                               roma_le32(p + 4), ADAPTER_DESCRIPTOR);
    if (!roma_adapter_type_name(a->type))
        return roma_frame_fail(in, ROMA_EUNSUPPORTED, s->offset + 8,
                               "type %u of B is unknown; int8, fp8 and f16 are supported", a->type);
    if (roma_le32(p + 12))
        return roma_frame_fail(in, ROMA_EINPUT, s->offset + 12, "reserved bytes of section TARG are not zero");
    if (!*n || *n > ADAPTER_TARGETS_MAX)
        return roma_frame_fail(in, ROMA_EINPUT, s->offset, "%u targets; there must be 1 to %u", *n,
                               ADAPTER_TARGETS_MAX);
    if (s->bytes != ADAPTER_TARG_HEAD + (uint64_t)*n * ADAPTER_DESCRIPTOR)
        return roma_frame_fail(in, ROMA_EINPUT, s->offset, "section TARG has %llu bytes; %u targets need %llu",
                               (unsigned long long)s->bytes, *n,
                               ADAPTER_TARG_HEAD + (unsigned long long)*n * ADAPTER_DESCRIPTOR);
    return ROMA_OK;
}

int roma_adapter_read_targets(const roma_frame *in, roma_adapter *a) {
    const roma_section *s = in->known[ADAPTER_TARG], *data = in->known[ADAPTER_DATA];
    uint32_t n = 0;
    int code = read_head(in, a, &n);
    if (code) return code;
    a->targets = roma_alloc_array(n, sizeof *a->targets);
    if (!a->targets) return roma_frame_fail(in, ROMA_ENOMEM, ROMA_NOWHERE, "no memory for %u targets", n);
    uint64_t end = data->offset;
    for (size_t i = 0; !code && i < n; i++) {
        const uint64_t at = s->offset + ADAPTER_TARG_HEAD + i * ADAPTER_DESCRIPTOR;
        roma_adapter_target *t = &a->targets[i];
        code = get_descriptor(in, at, a->type, t);
        if (!code) code = check_order(in, at, t, i, end);
        if (code) return code;
        end += t->bytes;
        point(t, a->type, in->data + t->offset);
        if (t->rank > a->rank) a->rank = t->rank;
        a->dora |= t->dora;
    }
    if (end != data->offset + data->bytes)
        return roma_frame_fail(in, ROMA_EINPUT, end, "section DATA is larger than its targets");
    a->n_targets = n;
    a->data = in->data + data->offset;
    a->data_bytes = data->bytes;
    return ROMA_OK;
}

/* ---- against a base ---- */

static int check_base(const roma_adapter *a, const roma_description *base, const uint8_t base_id[32], const char *file,
                      roma_error *err) {
    char want[65], have[65], name[96];
    if (memcmp(a->base_id, base_id, 32) == 0) return ROMA_OK;
    roma_hex(want, a->base_id, 8);
    roma_hex(have, base_id, 8);
    roma_error_name(name, sizeof name, base->name, strlen(base->name));
    return roma_fail(
        err, ROMA_EINPUT, file, ROMA_NOWHERE,
        "this adapter was made for base %s..., but the image%s%s is base %s...: its weights differ from those the "
        "adapter "
        "was made for, and so the answers would too; build the adapter again with --base this image, or accept the "
        "difference with --allow-base-mismatch",
        want, name[0] ? " " : "", name, have);
}

int roma_adapter_check(const roma_adapter *a, const roma_description *base, const uint8_t base_id[32], unsigned flags,
                       const char *file, roma_error *err) {
    int code = flags & ROMA_ADAPTER_ANY_BASE ? ROMA_OK : check_base(a, base, base_id, file, err);
    for (size_t i = 0; !code && i < a->n_targets; i++) {
        const roma_adapter_target *t = &a->targets[i];
        uint64_t rows, cols;
        char name[64];
        roma_adapter_place(name, t);
        if (t->layer >= base->hyper.layers)
            return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "%s: the base has %u layers", name,
                             base->hyper.layers);
        if (!roma_adapter_shape(&base->hyper, t->role, &rows, &cols))
            return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "%s: the base has no such matrix", name);
        if (rows != t->rows || cols != t->cols)
            return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE,
                             "%s: the adapter is for %llu x %llu, the base has %llu x %llu", name,
                             (unsigned long long)t->rows, (unsigned long long)t->cols, (unsigned long long)rows,
                             (unsigned long long)cols);
    }
    return code;
}
