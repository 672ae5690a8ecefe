/* Normalizer, pre-tokenizer and decoder of tokenizer.json: each is written as steps, a line a step, and the steps are
 * looked up among those that are known as a whole. No expression out of a file is run. */
#include "hf.h"

enum { MEMBERS_MAX = 12, VALUE_MAX = 2048, NESTED_MAX = 6 };

/* ---- steps ---- */

typedef struct {
    char key[32];
    char value[VALUE_MAX];
} member;

/* What one object says: its scalars in the order of their keys. */
typedef struct {
    char type[32];
    member m[MEMBERS_MAX];
    unsigned n;
} node;

typedef struct {
    roma_json_reader *json;
    const char *part;
    roma_buf *out;
    roma_error *err;
} walk;

static int bad(const walk *w, const char *what) {
    return roma_json_read_fail(w->json, ROMA_EUNSUPPORTED, w->err, "%s: %s", w->part, what);
}

/* Says nothing: the value that a member has where it is left out, and what changes offsets alone. */
static bool is_silent(const char *key, const char *value) {
    static const char *const usual[][2] = {{"use_regex", "true"}, {"invert", "false"}, {"trim_offsets", NULL}};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (strcmp(key, usual[i][0]) == 0 && (!usual[i][1] || strcmp(value, usual[i][1]) == 0)) return true;
    return false;
}

static int keep(const walk *w, node *n, const char *key, const char *value) {
    if (is_silent(key, value)) return ROMA_OK;
    if (n->n == MEMBERS_MAX) return bad(w, "an object with more members than any that is known");
    unsigned i = n->n++;
    for (; i && strcmp(n->m[i - 1].key, key) > 0; i--) n->m[i] = n->m[i - 1];
    roma_print(n->m[i].key, sizeof n->m[i].key, "%s", key);
    roma_print(n->m[i].value, sizeof n->m[i].value, "%s", value);
    return ROMA_OK;
}

static int scalar(const walk *w, char out[VALUE_MAX]) {
    const roma_json_reader *j = w->json;
    switch (j->kind) {
    case ROMA_JSON_TRUE: roma_print(out, VALUE_MAX, "true"); return ROMA_OK;
    case ROMA_JSON_FALSE: roma_print(out, VALUE_MAX, "false"); return ROMA_OK;
    case ROMA_JSON_NULL: *out = 0; return ROMA_OK;
    case ROMA_JSON_NUMBER:
    case ROMA_JSON_TEXT:
        if (j->len >= VALUE_MAX || memchr(j->text, 0, j->len)) return bad(w, "a text that none that is known has");
        memcpy(out, j->text, j->len);
        out[j->len] = 0;
        return ROMA_OK;
    case ROMA_JSON_DONE:
    case ROMA_JSON_OBJECT:
    case ROMA_JSON_OBJECT_END:
    case ROMA_JSON_ARRAY:
    case ROMA_JSON_ARRAY_END:
    case ROMA_JSON_KEY: break;
    }
    return bad(w, "a list or object where none that is known has one");
}

/* {"Regex": TEXT} or {"String": TEXT} */
static int pattern(const walk *w, char out[VALUE_MAX]) {
    char kind[8], text[VALUE_MAX];
    int rc = roma_json_read_next(w->json, w->err);
    if (rc) return rc;
    if (w->json->kind != ROMA_JSON_KEY || (!roma_json_is(w->json, "Regex") && !roma_json_is(w->json, "String")))
        return bad(w, "a pattern is a Regex or a String");
    roma_print(kind, sizeof kind, roma_json_is(w->json, "Regex") ? "re:" : "str:");
    rc = roma_json_read_next(w->json, w->err);
    if (!rc) rc = scalar(w, text);
    if (!rc) rc = roma_json_read_next(w->json, w->err);
    if (!rc && w->json->kind != ROMA_JSON_OBJECT_END) rc = bad(w, "a pattern has one member");
    if (!rc && roma_print(out, VALUE_MAX, "%s%s", kind, text) >= VALUE_MAX)
        rc = bad(w, "a pattern too long to be known");
    return rc;
}

static int read_node(const walk *w, unsigned nested);

static int read_children(const walk *w, unsigned nested) {
    int rc;
    while (!(rc = roma_json_read_next(w->json, w->err)) && w->json->kind != ROMA_JSON_ARRAY_END) {
        rc = read_node(w, nested + 1);
        if (rc) break;
    }
    return rc;
}

static int read_member(const walk *w, node *n, const char *key, unsigned nested) {
    char value[VALUE_MAX] = "";
    int rc;
    const bool list =
        strcmp(key, "pretokenizers") == 0 || strcmp(key, "normalizers") == 0 || strcmp(key, "decoders") == 0;
    if (list && w->json->kind == ROMA_JSON_ARRAY) return read_children(w, nested);
    rc = w->json->kind == ROMA_JSON_OBJECT && strcmp(key, "pattern") == 0 ? pattern(w, value) : scalar(w, value);
    if (rc) return rc;
    if (strcmp(key, "type") != 0) return keep(w, n, key, value);
    roma_print(n->type, sizeof n->type, "%s", value);
    return ROMA_OK;
}

static void print(const walk *w, const node *n) {
    if (strcmp(n->type, "Sequence") == 0 && !n->n) return; /* its steps stand for it */
    roma_buf_print(w->out, "%s", n->type);
    for (unsigned i = 0; i < n->n; i++) roma_buf_print(w->out, " %s=%s", n->m[i].key, n->m[i].value);
    roma_buf_print(w->out, "\n");
}

static int read_node(const walk *w, unsigned nested) {
    char key[32];
    int rc = ROMA_OK;
    if (w->json->kind == ROMA_JSON_NULL) return ROMA_OK;
    if (w->json->kind != ROMA_JSON_OBJECT) return bad(w, "must be an object");
    if (nested > NESTED_MAX) return bad(w, "deeper than any that is known");
    node *n = roma_alloc_array(1, sizeof *n);
    if (!n) return roma_fail(w->err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for a tokenizer");
    while (!rc && !(rc = roma_json_read_next(w->json, w->err)) && w->json->kind == ROMA_JSON_KEY) {
        roma_error_name(key, sizeof key, w->json->text, w->json->len);
        rc = roma_json_read_next(w->json, w->err);
        if (!rc) rc = read_member(w, n, key, nested);
    }
    if (!rc && !n->type[0]) rc = bad(w, "its type is missing");
    if (!rc) print(w, n);
    roma_free(n);
    return rc;
}

int roma_import_hf_steps(roma_json_reader *r, const char *part, roma_buf *out, roma_error *err) {
    const walk w = {r, part, out, err};
    int rc = read_node(&w, 0);
    roma_buf_append(out, "", 1);
    if (!rc && out->failed) rc = roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for a tokenizer");
    return rc;
}

/* ---- what they mean ---- */

/* SentencePiece: where spaces become marks, and whether one is put in front. */
static const struct {
    const char *normalizer, *steps;
    uint8_t prefix;
} marks[] = {
    {"Prepend prepend=\xe2\x96\x81\nReplace content=\xe2\x96\x81 pattern=str: \n", "", ROMA_PREFIX_EACH},
    {"Replace content=\xe2\x96\x81 pattern=str: \n", "", ROMA_PREFIX_NONE},
    {"", "Metaspace prepend_scheme=always replacement=\xe2\x96\x81 split=false\n", ROMA_PREFIX_MISSING},
    {"", "Metaspace prepend_scheme=first replacement=\xe2\x96\x81 split=false\n", ROMA_PREFIX_FIRST},
    {"", "Metaspace prepend_scheme=never replacement=\xe2\x96\x81 split=false\n", ROMA_PREFIX_NONE},
};

static const char *const byte_decoders[] = {"ByteLevel add_prefix_space=true\n", "ByteLevel add_prefix_space=false\n",
                                            "ByteLevel add_prefix_space=true use_regex=false\n",
                                            "ByteLevel add_prefix_space=false use_regex=false\n"};
#define UNMARK "Replace content=  pattern=str:\xe2\x96\x81\nByteFallback\nFuse\n"
#define NO_MARK "ByteFallback\nMetaspace prepend_scheme=never replacement=\xe2\x96\x81 split=false\n"
static const char *const mark_decoders[] = {UNMARK "Strip content=  start=1 stop=0\n", UNMARK, NO_MARK};

static int unknown(const char *part, const char *steps, const char *path, roma_error *err) {
    char shown[240];
    return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE, "%s is none that is known: %s", part,
                     *steps ? roma_error_name(shown, sizeof shown, steps, strlen(steps) - 1) : "null");
}

static bool is_among(const char *const *list, size_t n, const char *steps) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], steps) == 0) return true;
    return false;
}
#define AMONG(list, steps) is_among(list, sizeof list / sizeof *list, steps)

static int byte_level(const char *normalizer, const char *pre, const char *path, roma_vocab *v, roma_error *err) {
    bool known = false;
    v->kind = ROMA_TOK_BPE;
    for (const hf_scanner *k = roma_import_hf_scanners; k->steps; k++) {
        if (strcmp(k->steps, pre) != 0) continue;
        known = true;
        v->pre = k->pre;
        if (strcmp(k->normalizer, normalizer) == 0) return ROMA_OK;
    }
    return known ? unknown("the normalizer of this pre_tokenizer", normalizer, path, err)
                 : unknown("pre_tokenizer", pre, path, err);
}

static int sentence_piece(const char *normalizer, const char *pre, const char *path, roma_vocab *v, roma_error *err) {
    bool known = false;
    v->kind = ROMA_TOK_SPM;
    v->pre = ROMA_PRE_NONE;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (strcmp(marks[i].normalizer, normalizer) != 0) continue;
        known = true;
        v->add_space_prefix = marks[i].prefix;
        if (strcmp(marks[i].steps, pre) == 0) return ROMA_OK;
    }
    return known ? unknown("pre_tokenizer", pre, path, err) : unknown("normalizer", normalizer, path, err);
}

int roma_import_hf_pipeline(const char *normalizer, const char *pre, const char *decoder, bool bytes, const char *path,
                            roma_vocab *v, roma_error *err) {
    const int rc = bytes ? sentence_piece(normalizer, pre, path, v, err) : byte_level(normalizer, pre, path, v, err);
    if (rc) return rc;
    return (bytes ? AMONG(mark_decoders, decoder) : AMONG(byte_decoders, decoder))
               ? ROMA_OK
               : unknown("decoder", decoder, path, err);
}
