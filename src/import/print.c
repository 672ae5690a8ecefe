/* A GGUF file as text or JSON, for people and scripts: also of models that we do not run. */
#include <math.h>
#include <string.h>
#include "gguf.h"

#define SHOWN 8u /* elements of an array */

/* ---- JSON strings: whatever bytes the file has, the output is valid ----------------------------------- */

/* Bytes of the UTF-8 character at p, 0 when there is none. */
static unsigned utf8_length(const uint8_t *p, size_t left) {
    const unsigned n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;
    if (n == 0 || n > left) return 0;
    for (unsigned i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (n == 3 && ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f))) return 0; /* overlong, surrogate */
    if (n == 4 && ((*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))) return 0;
    return n;
}

static void json_string(roma_buf *out, const void *text, uint64_t len) {
    const uint8_t *p = text, *end = p + len;
    roma_buf_append(out, "\"", 1);
    while (p < end) {
        const unsigned n = utf8_length(p, (size_t)(end - p));
        if (n == 0)
            roma_buf_append(out, "\\ufffd", 6);
        else if (*p < 0x20 || *p == 0x7f)
            roma_buf_print(out, "\\u%04x", *p);
        else if (*p == '"' || *p == '\\')
            roma_buf_print(out, "\\%c", *p);
        else
            roma_buf_append(out, p, n);
        p += n ? n : 1;
    }
    roma_buf_append(out, "\"", 1);
}

static void text_string(roma_buf *out, const void *text, uint64_t len) {
    char shown[72];
    roma_buf_print(out, "\"%s\"", roma_error_name(shown, sizeof shown, text, (size_t)len));
}

/* ---- values ---------------------------------------------------------------------------------------------- */

static void print_float(roma_buf *out, double v, int digits, bool json) {
    if (json && !isfinite(v))
        roma_buf_print(out, "null");
    else
        roma_buf_print(out, "%.*g", digits, v);
}

static void print_scalar(roma_buf *out, uint32_t type, const uint8_t *p, bool json) {
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
    case GGUF_F32: print_float(out, (double)roma_f32_from_bits(roma_le32(p)), 9, json); break;
    default: {
        const uint64_t bits = roma_le64(p);
        memcpy(&d, &bits, sizeof d);
        print_float(out, d, 17, json);
    }
    }
}

static void print_string(roma_buf *out, const void *text, uint64_t len, bool json) {
    if (json)
        json_string(out, text, len);
    else
        text_string(out, text, len);
}

static void print_elements(roma_buf *out, const gguf_kv *kv, bool json) {
    const uint8_t *p = kv->value;
    for (uint64_t i = 0; i < kv->count && i < SHOWN; i++) {
        if (i) roma_buf_print(out, ", ");
        if (kv->elem == GGUF_STRING) {
            const uint64_t len = roma_le64(p);
            print_string(out, p + 8, len, json);
            p += 8 + len;
        } else {
            print_scalar(out, kv->elem, p, json);
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
        print_elements(out, kv, false);
    else if (kv->type == GGUF_STRING)
        text_string(out, kv->value, kv->count);
    else
        print_scalar(out, kv->type, kv->value, false);
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

static void json_key(roma_buf *out, const gguf_kv *kv) {
    roma_buf_print(out, "{\"key\": ");
    json_string(out, kv->key, kv->key_len);
    roma_buf_print(out, ", \"type\": \"%s\", ", roma_import_value_type_name(kv->type));
    if (kv->type == GGUF_ARRAY) {
        roma_buf_print(out, "\"elements\": \"%s\", \"count\": %llu, \"first\": [",
                       roma_import_value_type_name(kv->elem), (unsigned long long)kv->count);
        print_elements(out, kv, true);
        roma_buf_print(out, "]}");
        return;
    }
    roma_buf_print(out, "\"value\": ");
    if (kv->type == GGUF_STRING)
        json_string(out, kv->value, kv->count);
    else
        print_scalar(out, kv->type, kv->value, true);
    roma_buf_print(out, "}");
}

static void json_tensor(roma_buf *out, const gguf_tensor *t) {
    roma_buf_print(out, "{\"name\": ");
    json_string(out, t->name, t->name_len);
    roma_buf_print(out, ", \"type\": \"%s\", \"shape\": [", roma_import_type_get(t->type)->name);
    for (unsigned i = 0; i < t->n_dims; i++)
        roma_buf_print(out, "%s%llu", i ? ", " : "", (unsigned long long)t->dim[i]);
    roma_buf_print(out, "], \"bytes\": %llu, \"offset\": %llu}", (unsigned long long)t->bytes,
                   (unsigned long long)t->offset);
}

static void print_json(roma_buf *out, const gguf_file *g) {
    roma_buf_print(out, "{\"format\": \"gguf\", \"file\": ");
    json_string(out, g->path, strlen(g->path));
    roma_buf_print(
        out,
        ", \"version\": %u, \"bytes\": %llu, \"alignment\": %llu, \"data_at\": %llu, \"data_end\": %llu,\n\"keys\": [",
        g->version, (unsigned long long)g->size, (unsigned long long)g->alignment, (unsigned long long)g->data_at,
        (unsigned long long)g->data_end);
    for (uint32_t i = 0; i < g->n_kv; i++) {
        roma_buf_print(out, i ? ",\n" : "\n");
        json_key(out, &g->kv[i]);
    }
    roma_buf_print(out, "],\n\"tensors\": [");
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        roma_buf_print(out, i ? ",\n" : "\n");
        json_tensor(out, &g->tensor[i]);
    }
    roma_buf_print(out, "]");
}

/* ---- notes, of a file that can be imported ---------------------------------------------------------------------- */

static void text_notes(roma_buf *out, const char *notes) {
    if (*notes) roma_buf_print(out, "\n");
    for (size_t len; *notes; notes += len + 1) {
        len = strcspn(notes, "\n");
        roma_buf_print(out, "warning: %.*s\n", (int)len, notes);
    }
}

static void json_notes(roma_buf *out, const char *notes) {
    roma_buf_print(out, ",\n\"warnings\": [");
    for (const char *p = notes; *p; p += strcspn(p, "\n") + 1) {
        if (p > notes) roma_buf_print(out, ",\n");
        json_string(out, p, strcspn(p, "\n"));
    }
    roma_buf_print(out, "]}\n");
}

static void print_notes(roma_buf *out, const char *path, bool json) {
    roma_import imp;
    roma_error why; /* no matter: other architectures are shown too */
    const bool ours = !roma_import_open(&imp, path, &why);
    if (json)
        json_notes(out, ours ? imp.notes : "");
    else if (ours)
        text_notes(out, imp.notes);
    if (ours) roma_import_close(&imp);
}

int roma_gguf_print(const char *path, roma_buf *out, bool json, roma_error *err) {
    roma_map map;
    gguf_file g;
    int rc = roma_map_open(&map, path, err);
    if (rc) return rc;
    rc = roma_import_gguf_parse(&g, map.data, map.size, path, err);
    if (!rc) {
        if (json)
            print_json(out, &g);
        else
            print_text(out, &g);
        print_notes(out, path, json);
        if (out->failed) rc = roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory to print the file");
        roma_import_gguf_free(&g);
    }
    roma_map_close(&map);
    return rc;
}
