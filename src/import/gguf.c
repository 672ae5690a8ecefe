/* GGUF's header and metadata. Every count is held against the bytes that are left before anything is
 * allocated for it, every size is checked before it is used, and the cursor cannot leave the file. */
#include <string.h>
#include "gguf.h"

static const struct {
    const char *name;
    unsigned bytes;
} value_types[GGUF_VALUE_TYPES] = {
    [GGUF_U8] = {"u8", 1},         [GGUF_I8] = {"i8", 1},       [GGUF_U16] = {"u16", 2}, [GGUF_I16] = {"i16", 2},
    [GGUF_U32] = {"u32", 4},       [GGUF_I32] = {"i32", 4},     [GGUF_F32] = {"f32", 4}, [GGUF_BOOL] = {"bool", 1},
    [GGUF_STRING] = {"string", 0}, [GGUF_ARRAY] = {"array", 0}, [GGUF_U64] = {"u64", 8}, [GGUF_I64] = {"i64", 8},
    [GGUF_F64] = {"f64", 8},
};

const char *roma_import_value_type_name(uint32_t type) {
    return type < GGUF_VALUE_TYPES ? value_types[type].name : "unknown";
}
unsigned roma_import_value_type_bytes(uint32_t type) { return type < GGUF_VALUE_TYPES ? value_types[type].bytes : 0; }

/* ---- the first bytes ---------------------------------------------------------------------------------- */

static int wrong_magic(const gguf_file *g, roma_error *err) {
    const char *kind = roma_kind_of(g->data, (size_t)g->size);
    const bool was_one = strstr(kind, "GGML") || strstr(kind, "GGUF") || strstr(kind, "zip");
    if (was_one) return roma_fail(err, ROMA_EUNSUPPORTED, g->path, 0, "this is %s", kind);
    return roma_fail(err, ROMA_EINPUT, g->path, 0, "does not begin with \"GGUF\": no GGUF file, but %s", kind);
}

static int read_header(gguf_file *g, roma_reader *r, uint64_t *n_tensors, uint64_t *n_kv, roma_error *err) {
    if (g->size < 4)
        return roma_fail(err, ROMA_EDAMAGED, g->path, 0, "the file ends after %llu bytes; fetch it again",
                         (unsigned long long)g->size);
    if (memcmp(g->data, "GGUF", 4) != 0) return wrong_magic(g, err);
    roma_read_u32(r);
    g->version = roma_read_u32(r);
    *n_tensors = roma_read_u64(r);
    *n_kv = roma_read_u64(r);
    if (r->pos >= 8 && !(g->version & 0xffff) && g->version)
        return roma_fail(err, ROMA_EUNSUPPORTED, g->path, 4,
                         "a GGUF file in big-endian byte order; convert the original model anew, as little-endian");
    if (r->pos >= 8 && (g->version < 2 || g->version > 3))
        return roma_fail(err, ROMA_EUNSUPPORTED, g->path, 4,
                         "GGUF version %u; versions 2 and 3 are supported: convert the model anew", g->version);
    if (r->failed)
        return roma_fail(err, ROMA_EDAMAGED, g->path, r->pos, "the file ends inside its header; fetch it again");
    return ROMA_OK;
}

/* ---- values ------------------------------------------------------------------------------------------------ */

static int ends_inside(const gguf_file *g, uint64_t at, const char *what, roma_error *err) {
    return roma_fail(err, ROMA_EDAMAGED, g->path, at,
                     "%s reaches beyond the end of the file; it is truncated or damaged: fetch it again", what);
}

int roma_import_kv_bad(const gguf_file *g, const gguf_kv *kv, int code, roma_error *err, const char *fmt, ...) {
    char name[96], text[320];
    ROMA_PRINT_ARGS(text, fmt);
    return roma_fail(err, code, g->path, kv->at, "key '%s': %s",
                     roma_error_name(name, sizeof name, kv->key, kv->key_len), text);
}

static int check_bools(const gguf_file *g, const gguf_kv *kv, roma_error *err) {
    for (uint64_t i = 0; i < kv->count; i++)
        if (kv->value[i] > 1)
            return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "a boolean of value %u; it must be 0 or 1",
                                      kv->value[i]);
    return ROMA_OK;
}

/* Length and text of a string; NULL and an error when it does not fit. */
static const uint8_t *read_string(const gguf_file *g, roma_reader *r, uint64_t *len, const char *what,
                                  roma_error *err) {
    const uint64_t at = r->pos;
    *len = roma_read_u64(r);
    const uint8_t *text = roma_read_bytes(r, *len);
    if (!text) ends_inside(g, at, what, err);
    return text;
}

static int read_strings(const gguf_file *g, roma_reader *r, gguf_kv *kv, roma_error *err) {
    if (kv->count > roma_reader_left(r) / 8)
        return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err,
                                  "%llu strings cannot fit in the %llu bytes left; the file is truncated or damaged",
                                  (unsigned long long)kv->count, (unsigned long long)roma_reader_left(r));
    for (uint64_t i = 0; i < kv->count; i++) {
        uint64_t len;
        if (!read_string(g, r, &len, "a string of an array", err)) return ROMA_EDAMAGED;
    }
    return ROMA_OK;
}

static int read_array(const gguf_file *g, roma_reader *r, gguf_kv *kv, roma_error *err) {
    kv->elem = roma_read_u32(r);
    kv->count = roma_read_u64(r);
    if (r->failed) return ends_inside(g, kv->at, "the head of an array", err);
    if (kv->elem == GGUF_ARRAY)
        return roma_import_kv_bad(g, kv, ROMA_EUNSUPPORTED, err, "an array of arrays; no supported model has one");
    if (kv->elem >= GGUF_VALUE_TYPES)
        return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "element type %u is unknown", kv->elem);
    kv->value = r->data + r->pos;
    if (kv->elem == GGUF_STRING) return read_strings(g, r, kv, err);
    uint64_t bytes;
    if (!roma_mul(kv->count, roma_import_value_type_bytes(kv->elem), &bytes) || !roma_read_bytes(r, bytes))
        return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err,
                                  "an array of %llu elements does not fit in the file; it is truncated or damaged",
                                  (unsigned long long)kv->count);
    return kv->elem == GGUF_BOOL ? check_bools(g, kv, err) : ROMA_OK;
}

static int read_value(const gguf_file *g, roma_reader *r, gguf_kv *kv, roma_error *err) {
    kv->count = 1;
    if (kv->type == GGUF_ARRAY) return read_array(g, r, kv, err);
    if (kv->type == GGUF_STRING) {
        kv->value = read_string(g, r, &kv->count, "the text of a key", err);
        return kv->value ? ROMA_OK : ROMA_EDAMAGED;
    }
    if (kv->type >= GGUF_VALUE_TYPES)
        return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "value type %u is unknown", kv->type);
    kv->value = roma_read_bytes(r, roma_import_value_type_bytes(kv->type));
    if (!kv->value) return ends_inside(g, kv->at, "the value of a key", err);
    return kv->type == GGUF_BOOL ? check_bools(g, kv, err) : ROMA_OK;
}

/* ---- keys ---------------------------------------------------------------------------------------------------- */

static int check_key(const gguf_file *g, const gguf_kv *kv, roma_error *err) {
    for (uint32_t i = 0; i < kv->key_len; i++)
        if (kv->key[i] <= ' ' || kv->key[i] > '~')
            return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "a key must be printable ASCII without blanks");
    return ROMA_OK;
}

static int read_kv(const gguf_file *g, roma_reader *r, gguf_kv *kv, roma_error *err) {
    uint64_t len;
    kv->at = r->pos;
    kv->key = (const char *)read_string(g, r, &len, "the name of a key", err);
    if (!kv->key) return ROMA_EDAMAGED;
    if (len == 0 || len > GGUF_KEY_BYTES_MAX)
        return roma_fail(err, ROMA_EDAMAGED, g->path, kv->at, "a key of %llu bytes; 1 to %u are allowed",
                         (unsigned long long)len, GGUF_KEY_BYTES_MAX);
    kv->key_len = (uint32_t)len;
    int rc = check_key(g, kv, err);
    if (rc) return rc;
    kv->type = roma_read_u32(r);
    if (r->failed) return ends_inside(g, kv->at, "the type of a key", err);
    rc = read_value(g, r, kv, err);
    if (!rc) kv->bytes = (uint64_t)(r->data + r->pos - kv->value);
    return rc;
}

static const char *key_text(const void *ctx, uint32_t i, uint32_t *len) {
    const gguf_file *g = ctx;
    *len = g->kv[i].key_len;
    return g->kv[i].key;
}

static int read_keys(gguf_file *g, roma_reader *r, uint64_t n, roma_error *err) {
    const uint64_t least = 8 + 1 + 4 + 1; /* length, one character, type, one byte */
    if (n > roma_reader_left(r) / least || n > GGUF_KEYS_MAX)
        return roma_fail(err, ROMA_EDAMAGED, g->path, 16,
                         "%llu keys announced; the %llu bytes left hold %llu and %u are allowed: the file is damaged",
                         (unsigned long long)n, (unsigned long long)roma_reader_left(r),
                         (unsigned long long)(roma_reader_left(r) / least), GGUF_KEYS_MAX);
    if (!n) return ROMA_OK;
    g->kv = roma_alloc_array((size_t)n, sizeof *g->kv);
    if (!g->kv || !roma_import_index_create(&g->keys, (uint32_t)n, key_text, g))
        return roma_fail(err, ROMA_ENOMEM, g->path, ROMA_NOWHERE, "no memory for a table of %llu keys",
                         (unsigned long long)n);
    for (uint32_t i = 0; i < n; i++) {
        const int rc = read_kv(g, r, &g->kv[i], err);
        if (rc) return rc;
        g->n_kv = i + 1;
        const int added = roma_import_index_add(&g->keys, i);
        if (added)
            return roma_import_kv_bad(g, &g->kv[i], ROMA_EDAMAGED, err,
                                      added == IMPORT_INDEX_TWICE ? "the key is there twice"
                                                                  : "the keys are made to collide");
    }
    return ROMA_OK;
}

static int read_alignment(gguf_file *g, roma_error *err) {
    const gguf_kv *kv = roma_import_kv_find(g, "general.alignment");
    g->alignment = 32;
    if (!kv) return ROMA_OK;
    if (kv->type != GGUF_U32)
        return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "type %s; it must be u32",
                                  roma_import_value_type_name(kv->type));
    const uint32_t a = roma_le32(kv->value);
    if (a < GGUF_ALIGN_MIN || a > GGUF_ALIGN_MAX || (a & (a - 1)))
        return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "alignment %u; it must be a power of two from %u to %u", a,
                                  GGUF_ALIGN_MIN, GGUF_ALIGN_MAX);
    g->alignment = a;
    return ROMA_OK;
}

static int parse(gguf_file *g, roma_error *err) {
    roma_reader r;
    uint64_t n_tensors = 0, n_kv = 0;
    roma_reader_init(&r, g->data, g->size, 0);
    int rc = read_header(g, &r, &n_tensors, &n_kv, err);
    if (rc) return rc;
    const uint64_t least = 8 + 1 + 4 + 8 + 4 + 8; /* name, dimensions, type, offset */
    if (n_tensors > roma_reader_left(&r) / least || n_tensors > GGUF_TENSORS_MAX)
        return roma_fail(
            err, ROMA_EDAMAGED, g->path, 8,
            "%llu tensors announced; the %llu bytes left hold %llu and %u are allowed: the file is damaged",
            (unsigned long long)n_tensors, (unsigned long long)roma_reader_left(&r),
            (unsigned long long)(roma_reader_left(&r) / least), GGUF_TENSORS_MAX);
    rc = read_keys(g, &r, n_kv, err);
    if (!rc) rc = read_alignment(g, err);
    if (rc) return rc;
    g->n_tensors = (uint32_t)n_tensors;
    return roma_import_gguf_tensors(g, &r, err);
}

int roma_import_gguf_parse(gguf_file *g, const void *data, uint64_t size, const char *path, roma_error *err) {
    *g = (gguf_file){.path = path, .data = data, .size = size};
    const int rc = parse(g, err);
    if (rc) roma_import_gguf_free(g);
    return rc;
}

void roma_import_gguf_free(gguf_file *g) {
    roma_import_index_destroy(&g->keys);
    roma_import_index_destroy(&g->names);
    roma_free(g->kv);
    roma_free(g->tensor);
    *g = (gguf_file){0};
}
