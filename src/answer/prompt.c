/* Conversations to token ids: through the model's own chat template, which is interpreted, through one by name, or raw.
 */
#include "answer/internal.h"

#include "roma/json.h"

#include <string.h>
#include <time.h>

bool roma_answer_is_raw(const roma_answer *a, unsigned flags) {
    return flags & ROMA_ANSWER_RAW || (!a->chat_template && a->template_kind == ROMA_TEMPLATE_NONE);
}

const char *roma_answer_template_note(const roma_answer *a) { return a->template_note[0] ? a->template_note : NULL; }

bool roma_answer_template_ignores(const roma_answer *a, const char *variable, size_t len) {
    return a->chat_template && !roma_template_reads(a->chat_template, variable, len);
}

/* ---- which template ---- */

static int unknown_name(const char *name, roma_error *err) {
    static const char *const names[] = {
#define X(id, value, text, help) text,
        ROMA_TEMPLATES(X)
#undef X
    };
    char all[256] = "", shown[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        strncat(all, i ? ", " : "", sizeof all - strlen(all) - 1);
        strncat(all, names[i], sizeof all - strlen(all) - 1);
    }
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "no template '%s', nor a file of that name; there are %s",
                     roma_error_name(shown, sizeof shown, name, strlen(name)), all);
}

static int read_file(roma_answer *a, const char *path, roma_error *err) {
    roma_map m;
    int rc = roma_map_open(&m, path, err);
    if (rc) return rc;
    rc = roma_template_create(&a->chat_template, (const char *)m.data, (size_t)m.size, path, err);
    roma_map_close(&m);
    return rc;
}

/* The model's own: one that is not supported is said by roma_answer_template_note, and the model completes text. */
static int own_template(roma_answer *a, roma_error *err) {
    const roma_vocab *v = &a->image.vocab;
    roma_error why;
    if (!a->image.has_vocab) return ROMA_OK;
    a->template_kind = (roma_template_kind)v->template_kind;
    if (!v->template_bytes) {
        if (a->template_kind == ROMA_TEMPLATE_NONE)
            roma_print(a->template_note, sizeof a->template_note, "the model has no chat template");
        return ROMA_OK;
    }
    const int rc = roma_template_create(&a->chat_template, v->template_text, v->template_bytes, "chat template", &why);
    if (!rc) return ROMA_OK;
    if (rc == ROMA_EUNSUPPORTED) {
        roma_error_format(&why, a->template_note, sizeof a->template_note);
        return ROMA_OK;
    }
    if (err) *err = why;
    return rc;
}

int roma_answer_choose_template(roma_answer *a, const roma_answer_config *c, roma_error *err) {
    const char *name = c->chat_template;
    char shown[64];
    if (c->date && !roma_template_date_read(&a->date, c->date))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a date is written YYYY-MM-DD, and must be one, not '%s'",
                         roma_error_name(shown, sizeof shown, c->date, strlen(c->date)));
    a->has_date = c->date != NULL;
    if (!name) return own_template(a, err);
    const int kind = roma_text_template_find(name);
    if (kind >= 0) {
        a->template_kind = (roma_template_kind)kind;
        return ROMA_OK;
    }
    char first[1];
    return roma_file_head(name, first, 1) ? read_file(a, name, err) : unknown_name(name, err);
}

/* ---- the form of its calls ---- */

const roma_calls_form *roma_answer_calls(const roma_answer *a) { return &a->calls; }

/* Control tokens, those that end a text apart, whose text is part of a mark. */
static int find_marks(roma_answer *a, roma_error *err) {
    const uint32_t n = a->image.vocab.n_tokens;
    char text[ROMA_CALLS_MARK_MAX + 1];
    for (uint32_t pass = 0; pass < 2; pass++) {
        a->n_marks = 0;
        for (uint32_t id = 0; id < n; id++) {
            const uint8_t type = a->image.vocab.type[id];
            if (type == ROMA_TT_NORMAL || type == ROMA_TT_BYTE || roma_token_is_eog(a->tok, (int32_t)id) ||
                roma_token_bytes(a->tok, (int32_t)id, false, text, 0))
                continue;
            const size_t len = roma_token_bytes(a->tok, (int32_t)id, true, text, sizeof text);
            if (len >= sizeof text || !roma_calls_form_marks(&a->calls, text, len)) continue;
            if (pass) a->marks[a->n_marks] = (int32_t)id;
            a->n_marks++;
        }
        if (!pass && !(a->marks = roma_alloc_array(a->n_marks + 1, sizeof *a->marks)))
            return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the model's tables");
    }
    return ROMA_OK;
}

/* Whether a template by name refuses a system message. */
static bool refuses_system(const roma_answer *a) {
    static const roma_message m[] = {{ROMA_ROLE_SYSTEM, "s", 1}, {ROMA_ROLE_USER, "u", 1}};
    size_t n;
    return roma_text_template_apply(a->tok, a->template_kind, m, 2, true, NULL, 0, &n, NULL) == ROMA_EINPUT;
}

/* The built-in form, where there is a template and it knows no tools. */
static int settle_calls(roma_answer *a, roma_error *err) {
    if (a->calls.kind != ROMA_CALLS_NONE || roma_answer_is_raw(a, 0)) return ROMA_OK;
    const int rc = roma_calls_form_built_in(&a->calls, a->chat_template, err);
    if (!rc && !a->chat_template) a->calls.no_system = refuses_system(a);
    return rc;
}

int roma_answer_find_calls(roma_answer *a, roma_error *err) {
    const roma_vocab *v = &a->image.vocab;
    char text[ROMA_EOG_MAX + 1][ROMA_CALLS_MARK_MAX + 1];
    const char *ends[ROMA_EOG_MAX + 1];
    size_t n = 0;
    if (!a->tok) return roma_calls_form_find(&a->calls, NULL, NULL, 0, err);
    for (uint32_t i = 0; i <= v->n_eog && i <= ROMA_EOG_MAX; i++) {
        const int32_t id = i < v->n_eog ? v->eog[i] : v->eos;
        const size_t len = roma_token_bytes(a->tok, id, true, text[n], sizeof *text);
        if (!len || len >= sizeof *text) continue;
        text[n][len] = 0;
        ends[n] = text[n];
        n++;
    }
    int rc = roma_calls_form_find(&a->calls, a->chat_template, ends, n, err);
    if (!rc) rc = settle_calls(a, err);
    return rc ? rc : find_marks(a, err);
}

/* ---- what a template is given ---- */

enum { VARIABLES = 64, NAME_MAX_BYTES = 64 };
typedef struct {
    roma_template_variable v[VARIABLES];
    char name[VARIABLES][NAME_MAX_BYTES];
    size_t n;
} variables;

static int add(variables *x, const char *name, size_t name_len, roma_template_variable v, roma_error *err) {
    if (x->n == VARIABLES || name_len >= NAME_MAX_BYTES || !name_len)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "a template takes at most %d arguments, with names of 1 to %d bytes", VARIABLES - 16,
                         NAME_MAX_BYTES - 1);
    memcpy(x->name[x->n], name, name_len);
    x->name[x->n][name_len] = 0;
    v.name = x->name[x->n];
    x->v[x->n++] = v;
    return ROMA_OK;
}

static int add_json(variables *x, const char *name, roma_answer_text t, roma_error *err) {
    const bool none = !t.text;
    return add(x, name, strlen(name),
               (roma_template_variable){.text = none ? "null" : t.text, .len = none ? 4 : t.len, .is_json = true}, err);
}

/* bos_token and its kin: their bytes are the template's, so that they become what they are. */
static int add_token(variables *x, const roma_vocab *v, const char *name, int32_t id, roma_error *err) {
    if (id < 0) return ROMA_OK;
    return add(x, name, strlen(name),
               (roma_template_variable){
                   .text = v->text + v->text_off[id], .len = v->text_off[id + 1] - v->text_off[id], .trusted = true},
               err);
}

static bool is_json(const char *text, size_t len) {
    roma_json_reader r;
    const roma_json_source from = {0};
    bool good = len && !roma_json_read_begin(&r, text, len, &from, NULL);
    good = good && !roma_json_read_next(&r, NULL) && !roma_json_read_skip(&r, NULL) && !roma_json_read_next(&r, NULL) &&
           r.kind == ROMA_JSON_DONE;
    if (len) roma_json_read_end(&r);
    return good;
}

/* NAME=VALUE: a value that is JSON is that, any other is a text. */
static int add_argument(variables *x, roma_answer_text t, roma_error *err) {
    const char *equal = t.len ? memchr(t.text, '=', t.len) : NULL;
    char shown[64];
    if (!equal)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "an argument of a template is written NAME=VALUE, not '%s'",
                         roma_error_name(shown, sizeof shown, t.text, t.len));
    const size_t left = t.len - (size_t)(equal - t.text) - 1;
    return add(x, t.text, (size_t)(equal - t.text),
               (roma_template_variable){.text = equal + 1, .len = left, .is_json = is_json(equal + 1, left)}, err);
}

static int fill(variables *x, const roma_answer *a, const roma_answer_dialog *d, roma_error *err) {
    const roma_vocab *v = &a->image.vocab;
    static const char reply[] = "true";
    int rc = add_token(x, v, "bos_token", v->bos, err);
    if (!rc) rc = add_token(x, v, "eos_token", v->eos, err);
    if (!rc) rc = add_token(x, v, "unk_token", v->unk, err);
    if (!rc) rc = add_token(x, v, "pad_token", v->pad, err);
    if (!rc) rc = add_json(x, "add_generation_prompt", (roma_answer_text){reply, 4}, err);
    if (!rc) rc = add_json(x, "tools", d->tools, err);
    if (!rc) rc = add_json(x, "documents", d->documents, err);
    if (!rc && d->json.text) rc = add_json(x, "messages", d->json, err);
    for (size_t i = 0; i < d->args.n && !rc; i++) rc = add_argument(x, d->args.item[i], err);
    return rc;
}

static roma_template_date today(const roma_answer *a) {
    const time_t now = time(NULL);
    struct tm t;
    if (a->has_date || !localtime_r(&now, &t)) return a->date;
    return (roma_template_date){t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec};
}

static int render(const roma_answer *a, const roma_answer_dialog *d, roma_template_output *out, roma_error *err) {
    static const char *const roles[] = {"system", "user", "assistant"};
    variables *x = roma_alloc_array(1, sizeof *x);
    roma_template_turn *turns = roma_alloc_array(d->n + 1, sizeof *turns);
    int rc = x && turns ? ROMA_OK : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the conversation");
    for (size_t i = 0; i < d->n && !rc; i++)
        turns[i] = (roma_template_turn){roles[d->messages[i].role], d->messages[i].text, d->messages[i].len};
    if (!rc) rc = fill(x, a, d, err);
    if (!rc) {
        const roma_template_input in = {
            .turns = turns, .n_turns = d->n, .variables = x->v, .n_variables = x->n, .date = today(a)};
        rc = roma_template_render(a->chat_template, &in, out, err);
    }
    roma_free(turns);
    roma_free(x);
    return rc;
}

static int marked_ids(const roma_answer *a, const roma_template_output *t, int32_t **ids, size_t *n, roma_error *err) {
    size_t cap = t->len / 2 + 16;
    for (;;) {
        *ids = roma_alloc_array(cap, sizeof **ids);
        if (!*ids) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %zu token ids", cap);
        const int rc = roma_tokenize_marked(a->tok, t->text, t->trusted, t->len, *ids, cap, n, err);
        if (!rc && *n <= cap) return ROMA_OK;
        roma_free(*ids);
        *ids = NULL;
        if (rc) return rc;
        cap = *n;
    }
}

static int through_template(const roma_answer *a, const roma_answer_dialog *d, int32_t **ids, size_t *n, roma_buf *text,
                            roma_error *err) {
    roma_template_output out;
    int rc = render(a, d, &out, err);
    if (rc) return rc;
    rc = marked_ids(a, &out, ids, n, err);
    if (!rc && text) roma_buf_append(text, out.text, out.len);
    roma_template_output_free(&out);
    return rc;
}

/* ---- messages as JSON, for templates by name ---- */

static bool role_of(const roma_json_reader *r, roma_role *role) {
    static const char *const names[] = {"system", "user", "assistant"};
    for (unsigned i = 0; i < 3; i++)
        if (roma_json_is(r, names[i])) {
            *role = (roma_role)i;
            return true;
        }
    return false;
}

/* One message into m; its text goes behind those in b, of which m->text is then the place. */
static int read_message(roma_json_reader *r, roma_message *m, roma_buf *b, roma_error *err) {
    bool role = false, content = false;
    int rc = ROMA_OK;
    if (r->kind != ROMA_JSON_OBJECT) return roma_json_read_fail(r, ROMA_EINPUT, err, "a message is an object");
    while (!(rc = roma_json_read_next(r, err)) && r->kind == ROMA_JSON_KEY) {
        const bool is_role = roma_json_is(r, "role"), is_content = roma_json_is(r, "content");
        if (!is_role && !is_content)
            return roma_json_read_fail(r, ROMA_EUNSUPPORTED, err,
                                       "a message of this chat template has a role and a content, no more");
        rc = roma_json_read_next(r, err);
        if (rc) return rc;
        if (r->kind != ROMA_JSON_TEXT || (is_role && !role_of(r, &m->role)))
            return roma_json_read_fail(
                r, ROMA_EUNSUPPORTED, err,
                "a role is system, user or assistant, and a content a text, in this chat template");
        role |= is_role;
        content |= is_content;
        if (is_content) {
            *m = (roma_message){m->role, NULL, r->len};
            roma_buf_append(b, r->text, r->len);
        }
    }
    if (rc) return rc;
    return role && content ? ROMA_OK : roma_json_read_fail(r, ROMA_EINPUT, err, "a message needs a role and a content");
}

static int read_messages(roma_answer_text json, roma_message *m, size_t most, size_t *n, roma_buf *b, roma_error *err) {
    roma_json_reader r;
    const roma_json_source from = {.file = "messages"};
    int rc = roma_json_read_begin(&r, json.text, json.len, &from, err);
    if (!rc) rc = roma_json_read_next(&r, err);
    if (!rc && r.kind != ROMA_JSON_ARRAY) rc = roma_json_read_fail(&r, ROMA_EINPUT, err, "messages are an array");
    while (!rc && !(rc = roma_json_read_next(&r, err)) && r.kind != ROMA_JSON_ARRAY_END) {
        if (*n == most) rc = roma_json_read_fail(&r, ROMA_EINPUT, err, "more than %zu messages", most);
        if (!rc) rc = read_message(&r, &m[(*n)++], b, err);
    }
    roma_json_read_end(&r);
    if (!rc && b->failed) rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the messages");
    return rc;
}

static int by_name(const roma_answer *a, const roma_answer_dialog *d, int32_t **ids, size_t *n, roma_error *err) {
    enum { MOST = 4096 };
    if (d->tools.text || d->documents.text || d->args.n)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "tools, documents and arguments need a chat template of the model's or of a file");
    if (!d->json.text)
        return roma_text_template_apply_all(a->tok, a->template_kind, d->messages, d->n, true, ids, n, err);
    roma_buf b = {0};
    size_t count = 0;
    roma_message *m = roma_alloc_array(MOST, sizeof *m);
    int rc = m ? read_messages(d->json, m, MOST, &count, &b, err)
               : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the messages");
    const char *at = (const char *)b.data;
    for (size_t i = 0; i < count && !rc; i++) {
        m[i].text = at;
        at += m[i].len;
    }
    if (!rc) rc = roma_text_template_apply_all(a->tok, a->template_kind, m, count, true, ids, n, err);
    roma_free(m);
    roma_buf_destroy(&b);
    return rc;
}

/* ---- raw ---- */

static int raw_prompt(const roma_answer *a, const roma_answer_dialog *d, int32_t **ids, size_t *n_ids,
                      roma_error *err) {
    const roma_message *m = d->messages;
    const unsigned how = ROMA_TEXT_BOS | (d->flags & ROMA_ANSWER_SPECIAL ? ROMA_TEXT_SPECIAL : 0u);
    roma_buf b = {0};
    if (d->json.text || d->tools.text || d->documents.text || d->args.n)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "messages, tools, documents and arguments need a chat template");
    for (size_t i = 0; i < d->n; i++) {
        if (m[i].role == ROMA_ROLE_SYSTEM) {
            roma_buf_destroy(&b);
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a system message needs a chat template");
        }
        if (d->n > 1) roma_buf_append(&b, m[i].text, m[i].len);
    }
    const bool one = d->n == 1;
    int rc = b.failed ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the prompt") : ROMA_OK;
    if (!rc)
        rc = roma_tokenize_all(a->tok, one ? m[0].text : (const char *)b.data, one ? m[0].len : b.len, how, ids, n_ids,
                               err);
    roma_buf_destroy(&b);
    return rc;
}

/* ---- the whole ---- */

/* Whether messages in JSON may have a content that is a list of parts. */
static bool has_parts(roma_answer_text json) {
    static const char key[] = "\"content\"";
    const char *p = json.text, *const end = p ? p + json.len : p;
    while (p && (p = memmem(p, (size_t)(end - p), key, sizeof key - 1))) {
        for (p += sizeof key - 1; p < end && strchr(" \t\r\n:", *p); p++) {
        }
        if (p < end && *p == '[') return true;
    }
    return false;
}

int roma_answer_dialog_prompt(const roma_answer *a, const roma_answer_dialog *d, int32_t **ids, size_t *n_ids,
                              roma_buf *text, roma_error *err) {
    *ids = NULL;
    *n_ids = 0;
    if (!a->tok)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                         "the image holds no tokenizer, so it cannot take text");
    roma_answer_dialog told = *d;
    roma_buf messages = {0}, joined = {0};
    int rc = ROMA_OK;
    if (has_parts(d->json)) { /* texts are what chat templates of text models take */
        rc = roma_calls_messages(&a->calls, d->json.text, d->json.len, &joined, err);
        told.json = (roma_answer_text){(const char *)joined.data, joined.len};
    }
    if (!rc && roma_answer_must_tell(a, d)) {
        rc = roma_answer_tell(a, &told, &messages, err);
        told.json = (roma_answer_text){(const char *)messages.data, messages.len};
        told.tools = (roma_answer_text){NULL, 0};
    }
    if (!rc)
        rc = roma_answer_is_raw(a, d->flags) ? raw_prompt(a, d, ids, n_ids, err)
             : a->chat_template              ? through_template(a, &told, ids, n_ids, text, err)
                                             : by_name(a, &told, ids, n_ids, err);
    roma_buf_destroy(&messages);
    roma_buf_destroy(&joined);
    if (rc || *n_ids) return rc;
    roma_free(*ids);
    *ids = NULL;
    return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "the prompt is empty");
}

int roma_answer_prompt(const roma_answer *a, const roma_message *m, size_t n, unsigned flags, int32_t **ids,
                       size_t *n_ids, roma_error *err) {
    const roma_answer_dialog d = {.messages = m, .n = n, .flags = flags};
    return roma_answer_dialog_prompt(a, &d, ids, n_ids, NULL, err);
}
