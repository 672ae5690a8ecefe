/* Typed look-up of metadata: a value is used only after its type and its range were checked. */
#include <string.h>
#include "gguf.h"

const gguf_kv *roma_import_kv_find(const gguf_file *g, const char *key) {
    const int64_t i = roma_import_index_find(&g->keys, key, strlen(key));
    return i < 0 ? NULL : &g->kv[i];
}

static int wrong_type(const gguf_file *g, const gguf_kv *kv, const char *want, roma_error *err) {
    return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "type %s%s%s; %s is needed",
                              roma_import_value_type_name(kv->type), kv->type == GGUF_ARRAY ? " of " : "",
                              kv->type == GGUF_ARRAY ? roma_import_value_type_name(kv->elem) : "", want);
}

bool roma_import_type_is_integer(uint32_t type) {
    switch (type) {
    case GGUF_U8:
    case GGUF_I8:
    case GGUF_U16:
    case GGUF_I16:
    case GGUF_U32:
    case GGUF_I32:
    case GGUF_U64:
    case GGUF_I64: return true;
    default: return false;
    }
}

bool roma_import_kv_integer(const gguf_kv *kv, uint64_t i, uint64_t *out) {
    const uint32_t type = kv->type == GGUF_ARRAY ? kv->elem : kv->type;
    const uint8_t *p = kv->value + i * roma_import_value_type_bytes(type);
    int64_t s = 0;
    switch (type) {
    case GGUF_U8: *out = *p; return true;
    case GGUF_U16: *out = roma_le16(p); return true;
    case GGUF_U32: *out = roma_le32(p); return true;
    case GGUF_U64: *out = roma_le64(p); return true;
    case GGUF_I8: s = (int8_t)*p; break;
    case GGUF_I16: s = (int16_t)roma_le16(p); break;
    case GGUF_I32: s = (int32_t)roma_le32(p); break;
    default: s = (int64_t)roma_le64(p); break;
    }
    *out = (uint64_t)s;
    return s >= 0;
}

int roma_import_kv_u64(const gguf_file *g, const char *key, uint64_t lo, uint64_t hi, uint64_t *out, bool *found,
                       roma_error *err) {
    const gguf_kv *kv = roma_import_kv_find(g, key);
    *found = kv != NULL;
    if (!kv) return ROMA_OK;
    if (!roma_import_type_is_integer(kv->type)) return wrong_type(g, kv, "an integer", err);
    uint64_t v;
    if (!roma_import_kv_integer(kv, 0, &v))
        return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "%lld is negative; %llu to %llu are allowed", (long long)v,
                                  (unsigned long long)lo, (unsigned long long)hi);
    if (v < lo || v > hi)
        return roma_import_kv_bad(g, kv, ROMA_EUNSUPPORTED, err, "%llu is out of range; %llu to %llu are allowed",
                                  (unsigned long long)v, (unsigned long long)lo, (unsigned long long)hi);
    *out = v;
    return ROMA_OK;
}

int roma_import_kv_f64(const gguf_file *g, const char *key, double lo, double hi, double *out, bool *found,
                       roma_error *err) {
    const gguf_kv *kv = roma_import_kv_find(g, key);
    *found = kv != NULL;
    if (!kv) return ROMA_OK;
    if (kv->type != GGUF_F32 && kv->type != GGUF_F64) return wrong_type(g, kv, "a float", err);
    double v;
    if (kv->type == GGUF_F32) {
        v = (double)roma_f32_from_bits(roma_le32(kv->value));
    } else {
        const uint64_t bits = roma_le64(kv->value);
        memcpy(&v, &bits, sizeof v);
    }
    if (!(v >= lo && v <= hi)) /* NaN fails as well */
        return roma_import_kv_bad(g, kv, ROMA_EUNSUPPORTED, err, "%g is out of range; %g to %g are allowed", v, lo, hi);
    *out = v;
    return ROMA_OK;
}

int roma_import_kv_bool(const gguf_file *g, const char *key, bool *out, bool *found, roma_error *err) {
    const gguf_kv *kv = roma_import_kv_find(g, key);
    *found = kv != NULL;
    if (!kv) return ROMA_OK;
    if (kv->type != GGUF_BOOL) return wrong_type(g, kv, "a boolean", err);
    *out = *kv->value != 0;
    return ROMA_OK;
}

int roma_import_kv_string(const gguf_file *g, const char *key, const char **text, size_t *len, bool *found,
                          roma_error *err) {
    const gguf_kv *kv = roma_import_kv_find(g, key);
    *found = kv != NULL;
    if (!kv) return ROMA_OK;
    if (kv->type != GGUF_STRING) return wrong_type(g, kv, "a string", err);
    *text = (const char *)kv->value;
    *len = (size_t)kv->count;
    return ROMA_OK;
}

int roma_import_kv_array(const gguf_file *g, const char *key, uint32_t elem, const gguf_kv **kv, roma_error *err) {
    *kv = roma_import_kv_find(g, key);
    if (!*kv) return ROMA_OK;
    if ((*kv)->type == GGUF_ARRAY && (*kv)->elem == elem) return ROMA_OK;
    char want[32];
    roma_print(want, sizeof want, "an array of %s", roma_import_value_type_name(elem));
    return wrong_type(g, *kv, want, err);
}
