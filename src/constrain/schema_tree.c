/* A schema's text as a tree, read without recursion; the paths of its values; local references. */
#include "constrain/schema.h"

#include <string.h>

enum { NODES_MAX = 1 << 16 };

/* ---- errors ---- */

/* Appends a name of a path as a JSON pointer has it, in printable ASCII. */
static void put_name(char *out, size_t cap, const char *name, size_t len) {
    char shown[64];
    size_t n = strlen(out);
    roma_error_name(shown, sizeof shown, name, len);
    for (const char *p = shown; *p && n + 3 < cap; p++) {
        if (*p == '~' || *p == '/') {
            out[n++] = '~';
            out[n++] = *p == '~' ? '0' : '1';
        } else
            out[n++] = *p;
    }
    out[n] = 0;
}

static void path_of(const schema *s, uint32_t node, char *out, size_t cap) {
    uint32_t way[ROMA_JSON_DEPTH_MAX + 2], n = 0;
    for (; node && s->nodes[node].parent && n < ROMA_JSON_DEPTH_MAX + 2; node = s->nodes[node].parent) way[n++] = node;
    roma_print(out, cap, "#");
    while (n && strlen(out) + 8 < cap) {
        const schema_node *v = &s->nodes[way[--n]];
        const size_t len = strlen(out);
        if (s->nodes[v->parent].kind == ROMA_JSON_ARRAY) {
            roma_print(out + len, cap - len, "/%u", v->index);
            continue;
        }
        roma_print(out + len, cap - len, "/");
        put_name(out, cap, (const char *)s->texts.data + v->key, v->key_len);
    }
}

int roma_constrain_schema_fail(schema *s, uint32_t node, int code, const char *fmt, ...) {
    char path[200], what[240];
    if (s->rc) return s->rc;
    s->rc = code;
    if (code == ROMA_ENOMEM) return roma_fail(s->err, code, s->file, ROMA_NOWHERE, "no memory for the schema");
    ROMA_PRINT_ARGS(what, fmt);
    path_of(s, node, path, sizeof path);
    uint64_t line, column;
    roma_position(s->text, s->nodes[node].at, &line, &column);
    return roma_fail_line(s->err, code, s->file, line, "column %llu: %s: %s", (unsigned long long)column, path, what);
}

/* ---- reading ---- */

static uint32_t keep(schema *s, const char *text, size_t len) {
    const size_t at = s->texts.len;
    roma_buf_append(&s->texts, text, len);
    roma_buf_append(&s->texts, "", 1);
    return (uint32_t)at;
}

static uint32_t add_node(schema *s, const roma_json_reader *j) {
    if (s->n == NODES_MAX || !ROMA_GROW(&s->nodes, s->n, &s->cap))
        return roma_constrain_schema_fail(s, 0, ROMA_ENOMEM, "no memory"), 0;
    if (!s->n) s->nodes[s->n++] = (schema_node){0};
    s->nodes[s->n] = (schema_node){.kind = j->kind, .at = j->at};
    return s->n++;
}

/* A value behind its elder siblings. */
static void hang(schema *s, uint32_t node, uint32_t parent, uint32_t *last) {
    schema_node *v = &s->nodes[node];
    v->parent = parent;
    if (!parent) return;
    if (*last) {
        v->index = s->nodes[*last].index + 1;
        s->nodes[*last].next = node;
    } else
        s->nodes[parent].first = node;
    *last = node;
}

static int read_all(schema *s, roma_json_reader *j) {
    uint32_t last[ROMA_JSON_DEPTH_MAX + 1] = {0}, open[ROMA_JSON_DEPTH_MAX + 1] = {0}, depth = 0, key = 0, key_len = 0;
    for (int rc; !(rc = roma_json_read_next(j, s->err)) || (s->rc = rc);) {
        if (rc) return rc;
        if (j->kind == ROMA_JSON_DONE)
            return s->texts.failed ? roma_constrain_schema_fail(s, 0, ROMA_ENOMEM, "no memory") : 0;
        if (j->kind == ROMA_JSON_OBJECT_END || j->kind == ROMA_JSON_ARRAY_END) {
            depth--;
            continue;
        }
        if (j->kind == ROMA_JSON_KEY) {
            key = keep(s, j->text, j->len);
            key_len = (uint32_t)j->len;
            continue;
        }
        const uint32_t node = add_node(s, j);
        if (!node) return s->rc;
        hang(s, node, open[depth], &last[depth]);
        s->nodes[node].key = key;
        s->nodes[node].key_len = key_len;
        if (j->kind == ROMA_JSON_TEXT || j->kind == ROMA_JSON_NUMBER) {
            s->nodes[node].text = keep(s, j->text, j->len);
            s->nodes[node].text_len = (uint32_t)j->len;
        }
        if (j->kind == ROMA_JSON_OBJECT || j->kind == ROMA_JSON_ARRAY) {
            open[++depth] = node;
            last[depth] = 0;
        }
    }
    return s->rc;
}

int roma_constrain_tree(schema *s) {
    roma_json_reader j;
    const roma_json_source from = {.file = s->file, .line = 1, .size = ROMA_CONSTRAIN_TEXT_MAX};
    s->rc = roma_json_read_begin(&j, s->text, s->len, &from, s->err);
    if (!s->rc) read_all(s, &j);
    roma_json_read_end(&j);
    return s->rc;
}

void roma_constrain_tree_free(schema *s) {
    roma_free(s->nodes);
    roma_buf_destroy(&s->texts);
}

/* ---- looking up ---- */

bool roma_constrain_text_is(const schema *s, uint32_t node, const char *text) {
    const schema_node *v = &s->nodes[node];
    return v->kind == ROMA_JSON_TEXT && v->text_len == strlen(text) &&
           memcmp(schema_text(s, node), text, v->text_len) == 0;
}

bool roma_constrain_same_value(const schema *s, uint32_t a, uint32_t b) {
    const schema_node *x = &s->nodes[a], *y = &s->nodes[b];
    if (x->kind != y->kind) return false;
    if (x->kind != ROMA_JSON_TEXT && x->kind != ROMA_JSON_NUMBER) return true; /* of brackets as well: to be careful */
    if (x->kind == ROMA_JSON_NUMBER) {
        double v, w; /* 1.0 is 1; numbers that are told apart by no double are the same, to be careful */
        if (!roma_json_to_real(schema_text(s, a), x->text_len, &v) ||
            !roma_json_to_real(schema_text(s, b), y->text_len, &w))
            return true;
        return !(v < w) && !(v > w);
    }
    return x->text_len == y->text_len && memcmp(schema_text(s, a), schema_text(s, b), x->text_len) == 0;
}

uint32_t roma_constrain_member(const schema *s, uint32_t node, const char *name, size_t len) {
    for (uint32_t i = s->nodes[node].kind == ROMA_JSON_OBJECT ? s->nodes[node].first : 0; i; i = s->nodes[i].next)
        if (s->nodes[i].key_len == len && memcmp(schema_key(s, i), name, len) == 0) return i;
    return 0;
}

static uint32_t element(const schema *s, uint32_t node, const char *index, size_t len) {
    uint64_t n;
    if (!roma_json_to_u64(index, len, &n)) return 0;
    uint32_t i = s->nodes[node].first;
    while (i && s->nodes[i].index < n) i = s->nodes[i].next;
    return i;
}

/* A step of a pointer, with ~0, ~1 and %NN undone. */
static size_t unescape(const char *p, size_t len, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '~' && i + 1 < len) {
            out[n++] = p[++i] == '1' ? '/' : '~';
        } else if (p[i] == '%' && i + 2 < len) {
            char byte[7] = {'<', '0', 'x', p[i + 1], p[i + 2], '>', 0};
            const int v = roma_text_byte_of(byte, 6);
            out[n++] = v < 0 ? p[i] : (char)v;
            if (v >= 0) i += 2;
        } else
            out[n++] = p[i];
    }
    return n;
}

uint32_t roma_constrain_resolve(const schema *s, uint32_t ref) {
    const char *p = schema_text(s, ref), *end = p + s->nodes[ref].text_len;
    uint32_t node = 1;
    char name[256];
    if (s->nodes[ref].kind != ROMA_JSON_TEXT || p == end || *p++ != '#') return 0;
    while (p < end && node) {
        if (*p++ != '/') return 0;
        const char *stop = memchr(p, '/', (size_t)(end - p));
        if (!stop) stop = end;
        if ((size_t)(stop - p) > sizeof name) return 0;
        const size_t n = unescape(p, (size_t)(stop - p), name);
        node = s->nodes[node].kind == ROMA_JSON_ARRAY ? element(s, node, name, n)
                                                      : roma_constrain_member(s, node, name, n);
        p = stop;
    }
    return node;
}
