/* Commands that spoil a file of gguf_build.h, several of them separated by ";;": first those that change the
 * records, then, after the file was written, those that change its bytes. */
#ifndef ROMA_TEST_GGUF_SPOIL_H
#define ROMA_TEST_GGUF_SPOIL_H
#include "gguf_build.h"

static inline uint64_t sp_number(const char *s) {
    return s[0] == '-' ? (uint64_t)strtoll(s, NULL, 0) : strtoull(s, NULL, 0);
}

static inline b_tensor *sp_tensor(b_file *f, const char *name) {
    b_tensor *t = b_tensor_find(f, name);
    if (!t) {
        fprintf(stderr, "no tensor %s\n", name);
        abort();
    }
    return t;
}

static inline b_key *sp_key(b_file *f, const char *name) {
    b_key *k = b_find(f, name);
    if (!k) {
        fprintf(stderr, "no key %s\n", name);
        abort();
    }
    return k;
}

static inline void sp_dims(b_tensor *t, const char *p) {
    t->n_dims = 0;
    while (*p && t->n_dims < 4) {
        char *end;
        t->dim[t->n_dims++] = strtoull(p, &end, 0);
        p = *end ? end + 1 : end;
    }
}

static inline void sp_drop_tensor(b_file *f, b_tensor *t) {
    roma_buf_destroy(&t->data);
    memmove(t, t + 1, (size_t)(&f->tensor[f->n_tensors] - (t + 1)) * sizeof *t);
    f->n_tensors--;
}

static inline void sp_again(b_file *f, const b_key *k) {
    b_key *n = &f->key[f->n_keys++];
    *n = *k;
    n->value = (roma_buf){0};
    roma_buf_append(&n->value, k->value.data, k->value.len);
}

/* One command on the records; false when it is one for bytes. a: first word, b: the rest. */
static inline bool sp_records(b_file *f, const char *op, const char *a, const char *b) {
    if (!strcmp(op, "set"))
        b_set(f, a, b);
    else if (!strcmp(op, "drop"))
        b_drop(f, a);
    else if (!strcmp(op, "again"))
        sp_again(f, sp_key(f, a));
    else if (!strcmp(op, "kvtype"))
        sp_key(f, a)->type = (uint32_t)sp_number(b);
    else if (!strcmp(op, "rename"))
        snprintf(sp_key(f, a)->key, 80, "%.79s", b);
    else if (!strcmp(op, "version"))
        f->version = (uint32_t)sp_number(a);
    else if (!strcmp(op, "align"))
        f->align = sp_number(a);
    else if (!strcmp(op, "t.dims"))
        sp_dims(sp_tensor(f, a), b);
    else if (!strcmp(op, "t.ndims"))
        sp_tensor(f, a)->n_dims = (uint32_t)sp_number(b);
    else if (!strcmp(op, "t.type"))
        sp_tensor(f, a)->type = (uint32_t)sp_number(b);
    else if (!strcmp(op, "t.refill")) {
        sp_tensor(f, a)->type = (uint32_t)sp_number(b);
        b_fill(sp_tensor(f, a));
    } else if (!strcmp(op, "t.reshape")) {
        sp_dims(sp_tensor(f, a), b);
        b_fill(sp_tensor(f, a));
    } else if (!strcmp(op, "t.off")) {
        sp_tensor(f, a)->offset_set = true;
        sp_tensor(f, a)->offset = sp_number(b);
    } else if (!strcmp(op, "t.name"))
        snprintf(sp_tensor(f, a)->name, 80, "%.79s", b);
    else if (!strcmp(op, "t.drop"))
        sp_drop_tensor(f, sp_tensor(f, a));
    else if (!strcmp(op, "t.add")) {
        b_tensor_add(f, a, 0, 1, 0);
        sp_dims(sp_tensor(f, a), b);
        b_fill(sp_tensor(f, a));
    } else if (!strcmp(op, "t.poke")) {
        roma_buf x = {0};
        b_hex(&x, strchr(b, ' ') + 1);
        memcpy(sp_tensor(f, a)->data.data + sp_number(b), x.data, x.len);
        roma_buf_destroy(&x);
    } else
        return false;
    return true;
}

/* Where the count of an array or the length of a string lies. */
static inline uint8_t *sp_value(b_file *f, roma_buf *out, const char *key) {
    return out->data + sp_key(f, key)->at + 8 + strlen(key) + 4;
}

static inline void sp_bytes(b_file *f, roma_buf *out, const char *op, const char *a, const char *b) {
    if (!strcmp(op, "u32"))
        roma_put32(out->data + sp_number(a), (uint32_t)sp_number(b));
    else if (!strcmp(op, "u64"))
        roma_put64(out->data + sp_number(a), sp_number(b));
    else if (!strcmp(op, "hex")) {
        roma_buf x = {0};
        b_hex(&x, b);
        memcpy(out->data + sp_number(a), x.data, x.len);
        roma_buf_destroy(&x);
    } else if (!strcmp(op, "keylen"))
        roma_put64(out->data + sp_key(f, a)->at, sp_number(b));
    else if (!strcmp(op, "keychar"))
        out->data[sp_key(f, a)->at + 8] = (uint8_t)sp_number(b);
    else if (!strcmp(op, "strlen"))
        roma_put64(sp_value(f, out, a), sp_number(b));
    else if (!strcmp(op, "elem"))
        roma_put32(sp_value(f, out, a), (uint32_t)sp_number(b));
    else if (!strcmp(op, "count"))
        roma_put64(sp_value(f, out, a) + 4, sp_number(b));
    else if (!strcmp(op, "item"))
        roma_put64(sp_value(f, out, a) + 12, sp_number(b)); /* length of the first string */
    else if (!strcmp(op, "namelen"))
        roma_put64(out->data + sp_tensor(f, a)->at, sp_number(b));
    else if (!strcmp(op, "ndims"))
        roma_put32(out->data + sp_tensor(f, a)->at + 8 + strlen(a), (uint32_t)sp_number(b));
    else if (!strcmp(op, "namechar"))
        out->data[sp_tensor(f, a)->at + 8] = (uint8_t)sp_number(b);
    else if (!strcmp(op, "cut"))
        out->len = a[0] == '-' ? out->len - sp_number(a + 1) : sp_number(a);
    else if (!strcmp(op, "tail")) {
        for (uint64_t i = sp_number(a); i; i--) roma_buf_append(out, "x", 1);
    } else {
        fprintf(stderr, "unknown command %s\n", op);
        abort();
    }
}

/* Word `n` of a command: 0 the operation, 1 the first argument, 2 the rest. */
static inline void sp_words(const char *p, size_t len, char out[3][512]) {
    for (int w = 0; w < 3; w++) {
        size_t n = 0;
        while (n < len && (w == 2 || p[n] != ' ')) n++;
        if (n > 511) abort();
        memcpy(out[w], p, n);
        out[w][n] = 0;
        if (n < len) n++;
        p += n;
        len -= n;
    }
}

static inline void sp_run(b_file *f, roma_buf *out, const char *commands, bool written) {
    char w[3][512];
    for (const char *p = commands; p && *p;) {
        const char *end = strstr(p, ";;");
        sp_words(p, end ? (size_t)(end - p) : strlen(p), w);
        if (!written)
            (void)sp_records(f, w[0], w[1], w[2]);
        else if (strcmp(w[0], "set") && strncmp(w[0], "t.", 2) && strcmp(w[0], "drop") && strcmp(w[0], "again") &&
                 strcmp(w[0], "kvtype") && strcmp(w[0], "rename") && strcmp(w[0], "version") && strcmp(w[0], "align"))
            sp_bytes(f, out, w[0], w[1], w[2]);
        p = end ? end + 2 : NULL;
    }
}

/* The file of f after all commands, in out. */
static inline void spoil(b_file *f, const char *commands, roma_buf *out) {
    sp_run(f, out, commands, false);
    b_write(f, out);
    sp_run(f, out, commands, true);
}
#endif
