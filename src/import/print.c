/* A GGUF file as text or JSON, for people and scripts: also of models that we do not run. */
#include <math.h>
#include <string.h>
#include "gguf.h"
#include "roma/json.h"

#define SHOWN 8u /* elements of an array */

static void text_string(roma_buf *out, const void *text, uint64_t len) {
    char shown[72];
    roma_buf_print(out, "\"%s\"", roma_error_name(shown, sizeof shown, text, (size_t)len));
}

/* ---- values ---------------------------------------------------------------------------------------------- */

static void print_scalar(roma_buf *out, uint32_t type, const uint8_t *p) {
    double d;
    switch (type) {
    case GGUF_U8: roma_buf_print(out, "%u", *p); break;
    case GGUF_I8: roma_buf_print(out, "%d", (int8_t)*p); break;
    case GGUF_U16: roma_buf_print(out, "%u", roma_le16(p)); break;
    case GGUF_I16: roma_buf_print(out, "%d", (int16_t)roma_le16(p)); break;
    case GGUF_U32: roma_buf_print(out, "%u", roma_le32(p)); break;
    case GGUF_I32: roma_buf_print(out, "%d", (int32_t)roma_le32(p)); break;
    case GGUF_U64: roma_buf_print(out, "%llu", (unsigned long long)roma_le64(p)); break;
    case GGUF_I64: roma_buf_print(out, "%lld", (long long)roma_le64(p)); break;
    case GGUF_BOOL: roma_buf_print(out, *p ? "true" : "false"); break;
    case GGUF_F32: roma_buf_print(out, "%.9g", (double)roma_f32_from_bits(roma_le32(p))); break;
    default: {
        const uint64_t bits = roma_le64(p);
        memcpy(&d, &bits, sizeof d);
        roma_buf_print(out, "%.17g", d);
    }
    }
}

static void print_elements(roma_buf *out, const gguf_kv *kv) {
    const uint8_t *p = kv->value;
    for (uint64_t i = 0; i < kv->count && i < SHOWN; i++) {
        if (i) roma_buf_print(out, ", ");
        if (kv->elem == GGUF_STRING) {
            const uint64_t len = roma_le64(p);
            text_string(out, p + 8, len);
            p += 8 + len;
        } else {
            print_scalar(out, kv->elem, p);
            p += roma_import_value_type_bytes(kv->elem);
        }
    }
}

/* ---- text --------------------------------------------------------------------------------------------------- */

static void text_key(roma_buf *out, const gguf_kv *kv) {
    char name[96], type[48];
    if (kv->type == GGUF_ARRAY)
        roma_print(type, sizeof type, "%s[%llu]", roma_import_value_type_name(kv->elem), (unsigned long long)kv->count);
    else
        roma_print(type, sizeof type, "%s", roma_import_value_type_name(kv->type));
    roma_buf_print(out, "%-44s %-14s ", roma_error_name(name, sizeof name, kv->key, kv->key_len), type);
    if (kv->type == GGUF_ARRAY)
        print_elements(out, kv);
    else if (kv->type == GGUF_STRING)
        text_string(out, kv->value, kv->count);
    else
        print_scalar(out, kv->type, kv->value);
    roma_buf_print(out, "%s\n", kv->type == GGUF_ARRAY && kv->count > SHOWN ? ", ..." : "");
}

static void text_tensor(roma_buf *out, const gguf_tensor *t) {
    char name[96], shape[96];
    int n = 0;
    for (unsigned i = 0; i < t->n_dims; i++)
        n += roma_print(shape + n, sizeof shape - (size_t)n, "%s%llu", i ? " x " : "", (unsigned long long)t->dim[i]);
    roma_buf_print(out, "%-44s %-8s %-24s %14llu %14llu\n", roma_error_name(name, sizeof name, t->name, t->name_len),
                   roma_import_type_get(t->type)->name, shape, (unsigned long long)t->bytes,
                   (unsigned long long)t->offset);
}

static void print_text(roma_buf *out, const gguf_file *g) {
    roma_buf_print(out, "GGUF version %u, %llu bytes, %u keys, %u tensors, alignment %llu, data at byte %llu",
                   g->version, (unsigned long long)g->size, g->n_kv, g->n_tensors, (unsigned long long)g->alignment,
                   (unsigned long long)g->data_at);
    const uint64_t end = g->data_end + g->alignment - 1;
    if (g->size > (end & ~(g->alignment - 1)))
        roma_buf_print(out, ", %llu bytes behind the last tensor belong to nothing",
                       (unsigned long long)(g->size - g->data_end));
    roma_buf_print(out, "\n\n%-44s %-14s %s\n", "key", "type", "value");
    for (uint32_t i = 0; i < g->n_kv; i++) text_key(out, &g->kv[i]);
    roma_buf_print(out, "\n%-44s %-8s %-24s %14s %14s\n", "tensor", "type", "shape", "bytes", "offset");
    for (uint32_t i = 0; i < g->n_tensors; i++) text_tensor(out, &g->tensor[i]);
}

/* ---- JSON ----------------------------------------------------------------------------------------------------- */

static void json_scalar(roma_json *j, const char *key, uint32_t type, const uint8_t *p) {
    double d;
    switch (type) {
    case GGUF_U8: roma_json_uint(j, key, *p); break;
    case GGUF_I8: roma_json_int(j, key, (int8_t)*p); break;
    case GGUF_U16: roma_json_uint(j, key, roma_le16(p)); break;
    case GGUF_I16: roma_json_int(j, key, (int16_t)roma_le16(p)); break;
    case GGUF_U32: roma_json_uint(j, key, roma_le32(p)); break;
    case GGUF_I32: roma_json_int(j, key, (int32_t)roma_le32(p)); break;
    case GGUF_U64: roma_json_uint(j, key, roma_le64(p)); break;
    case GGUF_I64: roma_json_int(j, key, (int64_t)roma_le64(p)); break;
    case GGUF_BOOL: roma_json_bool(j, key, *p != 0); break;
    case GGUF_F32: roma_json_digits(j, key, (double)roma_f32_from_bits(roma_le32(p)), 9); break;
    default: {
        const uint64_t bits = roma_le64(p);
        memcpy(&d, &bits, sizeof d);
        roma_json_digits(j, key, d, 17);
    }
    }
}

static void json_elements(roma_json *j, const gguf_kv *kv) {
    const uint8_t *p = kv->value;
    for (uint64_t i = 0; i < kv->count && i < SHOWN; i++) {
        if (kv->elem == GGUF_STRING) {
            const uint64_t len = roma_le64(p);
            roma_json_text(j, NULL, (const char *)p + 8, (size_t)len);
            p += 8 + len;
        } else {
            json_scalar(j, NULL, kv->elem, p);
            p += roma_import_value_type_bytes(kv->elem);
        }
    }
}

static void json_key(roma_json *j, const gguf_kv *kv) {
    roma_json_line(j);
    roma_json_open(j, NULL, '{');
    roma_json_text(j, "key", kv->key, kv->key_len);
    roma_json_string(j, "type", roma_import_value_type_name(kv->type));
    if (kv->type == GGUF_ARRAY) {
        roma_json_string(j, "elements", roma_import_value_type_name(kv->elem));
        roma_json_uint(j, "count", kv->count);
        roma_json_open(j, "first", '[');
        json_elements(j, kv);
        roma_json_close(j, ']');
    } else if (kv->type == GGUF_STRING) {
        roma_json_text(j, "value", (const char *)kv->value, (size_t)kv->count);
    } else {
        json_scalar(j, "value", kv->type, kv->value);
    }
    roma_json_close(j, '}');
}

static void json_tensor(roma_json *j, const gguf_tensor *t) {
    roma_json_line(j);
    roma_json_open(j, NULL, '{');
    roma_json_text(j, "name", t->name, t->name_len);
    roma_json_string(j, "type", roma_import_type_get(t->type)->name);
    roma_json_open(j, "shape", '[');
    for (unsigned i = 0; i < t->n_dims; i++) roma_json_uint(j, NULL, t->dim[i]);
    roma_json_close(j, ']');
    roma_json_uint(j, "bytes", t->bytes);
    roma_json_uint(j, "offset", t->offset);
    roma_json_close(j, '}');
}

/* Up to the notes. */
static void json_file(roma_json *j, const gguf_file *g) {
    roma_json_open(j, NULL, '{');
    roma_json_string(j, "format", "gguf");
    roma_json_string(j, "file", g->path);
    roma_json_uint(j, "version", g->version);
    roma_json_uint(j, "bytes", g->size);
    roma_json_uint(j, "alignment", g->alignment);
    roma_json_uint(j, "data_at", g->data_at);
    roma_json_uint(j, "data_end", g->data_end);
    roma_json_line(j);
    roma_json_open(j, "keys", '[');
    for (uint32_t i = 0; i < g->n_kv; i++) json_key(j, &g->kv[i]);
    roma_json_close(j, ']');
    roma_json_line(j);
    roma_json_open(j, "tensors", '[');
    for (uint32_t i = 0; i < g->n_tensors; i++) json_tensor(j, &g->tensor[i]);
    roma_json_close(j, ']');
}

/* ---- notes, of a file that can be imported ---------------------------------------------------------------------- */

static void text_notes(roma_buf *out, const char *notes) {
    if (*notes) roma_buf_print(out, "\n");
    for (size_t len; *notes; notes += len + 1) {
        len = strcspn(notes, "\n");
        roma_buf_print(out, "warning: %.*s\n", (int)len, notes);
    }
}

static void json_notes(roma_json *j, const char *notes) {
    roma_json_line(j);
    roma_json_open(j, "warnings", '[');
    for (size_t len; *notes; notes += len + 1) {
        len = strcspn(notes, "\n");
        roma_json_text(j, NULL, notes, len);
    }
    roma_json_close(j, ']');
}

static void print(roma_buf *out, const gguf_file *g, const char *path, bool as_json) {
    roma_import imp;
    roma_error why; /* no matter: other architectures are shown too */
    const bool ours = !roma_import_open(&imp, path, &why);
    if (as_json) {
        roma_json j = {.out = out};
        json_file(&j, g);
        json_notes(&j, ours ? imp.notes : "");
        roma_json_close(&j, '}');
        roma_buf_append(out, "\n", 1);
    } else {
        print_text(out, g);
        if (ours) text_notes(out, imp.notes);
    }
    if (ours) roma_import_close(&imp);
}

bool roma_gguf_is(const char *path) {
    char magic[4];
    return roma_file_head(path, magic, 4) == 4 && memcmp(magic, "GGUF", 4) == 0;
}

int roma_gguf_print(const char *path, roma_buf *out, bool json, roma_error *err) {
    roma_map map;
    gguf_file g;
    int rc = roma_map_open(&map, path, err);
    if (rc) return rc;
    rc = roma_import_gguf_parse(&g, map.data, map.size, path, err);
    if (!rc) {
        print(out, &g, path, json);
        if (out->failed) rc = roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory to print the file");
        roma_import_gguf_free(&g);
    }
    roma_map_close(&map);
    return rc;
}
