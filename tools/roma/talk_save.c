/* A conversation in a file: the engine's cache, with the messages as its text (docs/cache-format.md, "TEXT of a
 * conversation"). */
#include "talk.h"

#include <stdlib.h>
#include <string.h>

static const char *const roles[] = {"system", "user", "assistant"};
enum { ROLES = sizeof roles / sizeof *roles };

int talk_save(talk *t, const char *path, uint32_t *tokens, roma_error *err) {
    roma_buf text = {0};
    if (!t->n_known || t->n_messages < 2) /* none yet, or each was taken back */
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "there is no answer yet whose cache could be kept");
    for (size_t i = 0; i < t->n_messages; i++) {
        const roma_message *m = &t->messages[i];
        roma_buf_print(&text, "%s %zu\n", roles[m->role], m->len);
        roma_buf_append(&text, m->text, m->len);
        roma_buf_append(&text, "\n", 1);
    }
    int rc = text.failed ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the conversation") : ROMA_OK;
    if (!rc)
        rc = roma_answer_cache_save(t->s.a, path, t->known, t->n_known, t->s.loras.item, t->s.loras.n,
                                    (roma_answer_text){(const char *)text.data, text.len}, tokens, err);
    roma_buf_destroy(&text);
    return rc;
}

/* ---- reading ---- */

/* "ROLE LENGTH", a newline, the text, a newline; *at moves behind it. False: it is none. */
static bool read_message(const char *text, size_t n, size_t *at, roma_message *m) {
    const char *line = text + *at, *end = memchr(line, '\n', n - *at);
    if (!end) return false;
    for (unsigned r = 0; r < ROLES; r++) {
        const size_t len = strlen(roles[r]);
        if ((size_t)(end - line) < len + 2 || memcmp(line, roles[r], len) != 0 || line[len] != ' ') continue;
        char *stop;
        if (line[len + 1] < '0' || line[len + 1] > '9') return false;
        const unsigned long bytes = strtoul(line + len + 1, &stop, 10);
        const size_t begins = (size_t)(end - text) + 1;
        if (stop != end || begins >= n || bytes >= n - begins || text[begins + bytes] != '\n') return false;
        *m = (roma_message){(roma_role)r, text + begins, bytes};
        *at = begins + bytes + 1;
        return true;
    }
    return false;
}

/* Questions and answers in turn, behind a system message or none. */
static bool is_in_turn(const roma_message *m, size_t n) {
    const size_t first = n && m[0].role == ROMA_ROLE_SYSTEM;
    for (size_t i = first; i < n; i++)
        if (m[i].role != ((i - first) % 2 ? ROMA_ROLE_ASSISTANT : ROMA_ROLE_USER)) return false;
    return (n - first) % 2 == 0;
}

static bool read_messages(const roma_saved *s, roma_message *m, size_t *n) {
    size_t at = 0;
    for (*n = 0; at < s->n_text; ++*n)
        if (*n == TALK_MESSAGES_MAX || !read_message(s->text, s->n_text, &at, &m[*n])) return false;
    return *n && is_in_turn(m, *n);
}

static bool take(talk *t, const roma_message *m, size_t n) {
    const bool has_system = m[0].role == ROMA_ROLE_SYSTEM;
    roma_error err;
    if (talk_begin(t, has_system ? m[0].text : NULL, &err)) return false;
    for (size_t i = has_system; i < n; i++)
        if (!talk_say(t, m[i].role, m[i].text, m[i].len)) return false;
    return true;
}

int talk_load(talk *t, const char *path, roma_error *err) {
    roma_saved s = {0};
    size_t n = 0;
    roma_message *m = roma_alloc_array(TALK_MESSAGES_MAX, sizeof *m);
    if (!m) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the conversation");
    int rc = roma_answer_cache_load(t->s.a, path, t->s.loras.item, t->s.loras.n, &s, err);
    if (!rc && !read_messages(&s, m, &n))
        rc = roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "the file holds a cache, but no conversation");
    if (!rc && m[0].role == ROMA_ROLE_SYSTEM && memchr(m[0].text, 0, m[0].len))
        rc = roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "the system message holds a zero byte");
    if (!rc) {
        if (m[0].role == ROMA_ROLE_SYSTEM) s.text[(size_t)(m[0].text - s.text) + m[0].len] = 0;
        if (!take(t, m, n)) {
            talk_reset(t);
            rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the conversation");
        }
        roma_free(t->known);
        t->known = s.ids;
        t->n_known = s.n_ids;
        s.ids = NULL;
    }
    roma_saved_free(&s);
    roma_free(m);
    return rc;
}
