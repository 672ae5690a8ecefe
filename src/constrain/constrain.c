/* Forms from their text to automata. */
#include "constrain/internal.h"
#include "constrain/schema.h"

#include <string.h>

void roma_constrain_destroy(roma_constrain *c) {
    if (!c) return;
    roma_free(c->next);
    roma_free(c->calls_from);
    roma_free(c->calls);
    roma_free(c->flags);
    roma_free(c->need);
    roma_free(c->run);
    roma_free(c);
}

size_t roma_constrain_bytes(const roma_constrain *c) {
    return sizeof *c + c->n_states * (c->n_classes * sizeof *c->next + sizeof *c->calls_from + 3) +
           sizeof *c->calls_from + c->n_calls * sizeof *c->calls;
}

/* Gives back what the tables had room for. A smaller piece is always to be had; if not, the larger one stays. */
static void fit(roma_constrain *c) {
    void *p;
    if ((p = roma_resize(c->next, (size_t)c->n_states * c->n_classes * sizeof *c->next)) != NULL) c->next = p;
    if ((p = roma_resize(c->flags, c->n_states)) != NULL) c->flags = p;
    if ((p = roma_resize(c->calls_from, (c->n_states + 1u) * sizeof *c->calls_from)) != NULL) c->calls_from = p;
    if (c->n_calls && (p = roma_resize(c->calls, c->n_calls * sizeof *c->calls)) != NULL) c->calls = p;
}

/* culprit: the name of the rule whose fault a failure is, "" where it is not one rule's. */
static int compile(roma_constrain **out, const char *text, size_t len, const char *file, char culprit[64],
                   roma_error *err) {
    roma_constrain *c = roma_alloc_array(1, sizeof *c);
    culprit[0] = 0;
    if (!c) return roma_fail(err, ROMA_ENOMEM, file, ROMA_NOWHERE, "no memory for the grammar");
    code_build b = {.file = file, .err = err, .text = text};
    int rc = roma_constrain_read_gbnf(&b, text, len);
    if (!rc) b.root = roma_constrain_rule(&b, "root", 4);
    if (!b.rc && !b.rules[b.root].is_defined) b.at = len, roma_constrain_fail(&b, ROMA_EINPUT, "there is no rule root");
    if (!b.rc) roma_constrain_link(&b);
    if (!b.rc) roma_constrain_determine(&b, c);
    if (!b.rc) roma_constrain_reach(&b, c);
    rc = b.rc;
    if (rc && b.culprit) roma_print(culprit, 64, "%s", b.culprit);
    roma_constrain_build_free(&b);
    if (rc) {
        roma_constrain_destroy(c);
        return rc;
    }
    fit(c);
    *out = c;
    return ROMA_OK;
}

/* What is wrong with a schema's grammar, told of the schema: the rule root-<n> is that of its value n. */
static int blame(int rc, const char *culprit, const char *text, size_t len, const char *file, roma_error *err) {
    schema s = {.text = text, .len = len, .file = file, .err = err};
    uint64_t node = 0;
    size_t n = 0;
    if (rc == ROMA_ENOMEM || rc == ROMA_EINTERNAL) return rc;
    if (strncmp(culprit, "root-", 5) == 0)
        for (n = 0; culprit[5 + n] >= '0' && culprit[5 + n] <= '9';) n++;
    if (roma_constrain_tree(&s)) {
        roma_constrain_tree_free(&s);
        return s.rc;
    }
    if (!n || !roma_json_to_u64(culprit + 5, n, &node) || !node || node >= s.n) node = 1;
    const char *what = rc == ROMA_EUNSUPPORTED ? "the schema becomes too large: repeat less, or less of it"
                       : n                     ? "this schema leads to itself before anything else"
                           : "no text validates: each one would go on without an end, or nest more than 64 deep";
    roma_constrain_schema_fail(&s, (uint32_t)node, rc, "%s", what);
    roma_constrain_tree_free(&s);
    return rc;
}

static int from_schema(roma_constrain **c, const char *text, size_t len, const char *file, roma_error *err) {
    roma_buf b = {0};
    char culprit[64];
    int rc = roma_constrain_put_schema(&b, "root", text, len, file, err);
    if (!rc) {
        rc = compile(c, (const char *)b.data, b.len, file, culprit, err);
        if (rc) rc = blame(rc, culprit, text, len, file, err);
    }
    roma_buf_destroy(&b);
    return rc;
}

static int from_json(roma_constrain **c, roma_error *err) {
    char culprit[64];
    roma_buf b = {0};
    roma_constrain_put_object(&b, "root");
    const int rc = b.failed ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the grammar")
                            : compile(c, (const char *)b.data, b.len, "", culprit, err);
    roma_buf_destroy(&b);
    return rc;
}

int roma_constrain_create(roma_constrain **c, roma_constrain_kind kind, const char *text, size_t len, const char *file,
                          roma_error *err) {
    char culprit[64];
    *c = NULL;
    if (kind != ROMA_CONSTRAIN_JSON && len > ROMA_CONSTRAIN_TEXT_MAX)
        return roma_fail(err, ROMA_EUNSUPPORTED, file, ROMA_NOWHERE,
                         "a grammar or schema of %zu bytes; at most %d are read", len, ROMA_CONSTRAIN_TEXT_MAX);
    switch (kind) {
    case ROMA_CONSTRAIN_GRAMMAR: return compile(c, len ? text : "", len, file, culprit, err);
    case ROMA_CONSTRAIN_SCHEMA: return from_schema(c, text, len, file, err);
    case ROMA_CONSTRAIN_JSON: return from_json(c, err);
    }
    return ROMA_EINTERNAL;
}

int roma_constrain_create_written(roma_constrain **c, const roma_buf *grammar, roma_error *err) {
    char culprit[64];
    *c = NULL;
    if (grammar->failed) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the grammar");
    if (grammar->len > ROMA_CONSTRAIN_WRITTEN_MAX)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE, "the grammar becomes too large");
    return compile(c, (const char *)grammar->data, grammar->len, "", culprit, err);
}

int roma_constrain_put_literal(roma_buf *b, const char *text, size_t len, roma_error *err) {
    roma_buf_append(b, "\"", 1);
    for (size_t i = 0; i < len;) {
        const size_t n = roma_utf8(text + i, len - i);
        const uint8_t c = (uint8_t)text[i];
        if (!n) return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "a literal must be UTF-8");
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
            roma_buf_print(b, "\\x%02X", c);
        else
            roma_buf_append(b, text + i, n);
        i += n;
    }
    roma_buf_append(b, "\"", 1);
    return b->failed ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the grammar") : ROMA_OK;
}
