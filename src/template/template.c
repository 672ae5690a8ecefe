/* A template as its user has it: made of a text, rendered, destroyed. */
#include <string.h>
#include "template/internal.h"

/* \r\n and \r are line ends as \n is; the last line end of a text is not part of it. */
static size_t normalise(char *out, const char *text, size_t len) {
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '\r')
            out[n++] = text[i];
        else if (i + 1 == len || text[i + 1] != '\n')
            out[n++] = '\n';
    }
    return n && out[n - 1] == '\n' ? n - 1 : n;
}

static int read_text(roma_template *t, const char *text, size_t len, const char *file, roma_error *err) {
    const size_t file_len = file ? strlen(file) : 0;
    t->pool.limit = 64 * (uint64_t)ROMA_TEMPLATE_BYTES_MAX + (1u << 26);
    t->file = roma_template_take(&t->pool, file_len + 1);
    t->source = roma_template_take(&t->pool, len + 1);
    if (!t->file || !t->source) return roma_fail(err, ROMA_ENOMEM, file, ROMA_NOWHERE, "no memory for the template");
    memcpy(t->file, file ? file : "", file_len);
    t->len = normalise(t->source, text, len);
    return roma_template_parse(t, err);
}

int roma_template_create(roma_template **out, const char *text, size_t len, const char *file, roma_error *err) {
    *out = NULL;
    if (len > ROMA_TEMPLATE_BYTES_MAX)
        return roma_fail(err, ROMA_EUNSUPPORTED, file, ROMA_NOWHERE, "a chat template of %zu bytes; at most %u", len,
                         ROMA_TEMPLATE_BYTES_MAX);
    roma_template *t = roma_alloc_array(1, sizeof *t);
    if (!t) return roma_fail(err, ROMA_ENOMEM, file, ROMA_NOWHERE, "no memory for the template");
    const int rc = read_text(t, len ? text : "", len, file, err);
    if (rc)
        roma_template_destroy(t);
    else
        *out = t;
    return rc;
}

void roma_template_destroy(roma_template *t) {
    if (!t) return;
    roma_template_pool_free(&t->pool);
    roma_free(t->name);
    roma_free(t);
}

/* ---- rendering ---- */

void roma_template_stop(tm_machine *m, int code, const char *fmt, ...) {
    char text[400];
    if (m->rc) return;
    ROMA_PRINT_ARGS(text, fmt);
    m->rc = roma_template_fail(m->t, code, m->at ? m->at->at : 0, m->err, "%s", text);
}

bool roma_template_steps(tm_machine *m, uint64_t n) {
    if (m->rc) return false;
    m->steps += n;
    if (m->steps <= m->limits.steps) return true;
    roma_template_stop(m, ROMA_EUNSUPPORTED, "the template takes more than %llu steps",
                       (unsigned long long)m->limits.steps);
    return false;
}

void *roma_template_get(tm_machine *m, size_t bytes) {
    if (m->rc) return NULL;
    void *p = roma_template_take(&m->pool, bytes);
    if (p) return p;
    const bool beyond =
        bytes > m->limits.bytes || m->pool.bytes > m->limits.bytes - bytes || m->limits.bytes < (1u << 16);
    roma_template_stop(m, beyond ? ROMA_EUNSUPPORTED : ROMA_ENOMEM, "no memory for the template's texts: %llu bytes%s",
                       (unsigned long long)(m->pool.bytes + bytes), beyond ? ", beyond the limit" : "");
    return NULL;
}

static uint64_t limit(uint64_t asked, uint64_t most) { return asked && asked < most ? asked : most; }

static int hand_out(tm_machine *m, const tm_sink *s, roma_template_output *out) {
    out->text = roma_alloc(s->len + 1);
    out->trusted = roma_alloc(s->len + 1);
    if (!out->text || !out->trusted) {
        roma_template_output_free(out);
        return roma_fail(m->err, ROMA_ENOMEM, m->t->file, ROMA_NOWHERE, "no memory for the conversation");
    }
    if (s->len) memcpy(out->text, s->p, s->len);
    out->text[s->len] = 0;
    for (size_t i = 0; i < s->len; i++)
        out->trusted[i] = s->origin == TM_OF_BOTH ? !s->data[i] : s->origin == TM_OF_TEMPLATE;
    out->len = s->len;
    return ROMA_OK;
}

bool roma_template_reads(const roma_template *t, const char *name, size_t len) {
    for (uint32_t i = 0; i < t->n_names; i++)
        if (t->name[i]->len == len && memcmp(t->name[i]->p, name, len) == 0) return true;
    return false;
}

int roma_template_render(const roma_template *t, const roma_template_input *in, roma_template_output *out,
                         roma_error *err) {
    *out = (roma_template_output){0};
    tm_machine m = {.t = t, .in = in, .err = err};
    m.limits = (roma_template_limits){.steps = limit(in->limits.steps, ROMA_TEMPLATE_STEPS_MAX),
                                      .bytes = limit(in->limits.bytes, ROMA_TEMPLATE_MEMORY_MAX),
                                      .output = limit(in->limits.output, ROMA_TEMPLATE_OUTPUT_MAX),
                                      .depth = (uint32_t)limit(in->limits.depth, ROMA_TEMPLATE_DEPTH_MAX)};
    m.pool.limit = m.limits.bytes;
    tm_sink sink = {0};
    m.root = m.scope = roma_template_scope(&m, NULL);
    roma_template_take_input(&m);
    m.root = m.scope = roma_template_scope(&m, m.scope);
    if (!m.rc) roma_template_run(&m, t->body, &sink);
    int rc = m.rc;
    if (!rc) rc = hand_out(&m, &sink, out);
    roma_template_pool_free(&m.pool);
    return rc;
}

void roma_template_output_free(roma_template_output *out) {
    roma_free(out->text);
    roma_free(out->trusted);
    *out = (roma_template_output){0};
}
