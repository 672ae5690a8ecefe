/* Ids in an array that is found on the way. */
#include "roma/text.h"

typedef struct {
    const roma_tokenizer *t;
    const char *text;
    size_t len;
    unsigned flags;
    roma_template_kind kind;
    const roma_message *messages; /* NULL: the text */
    size_t n_messages;
    bool add_reply;
} source;

static int fill(const source *s, int32_t *ids, size_t cap, size_t *n, roma_error *err) {
    return s->messages
               ? roma_text_template_apply(s->t, s->kind, s->messages, s->n_messages, s->add_reply, ids, cap, n, err)
               : roma_tokenize(s->t, s->text, s->len, s->flags, ids, cap, n, err);
}

static int fill_all(const source *s, size_t cap, int32_t **ids, size_t *n, roma_error *err) {
    for (;;) {
        *ids = roma_alloc_array(cap, sizeof **ids);
        if (!*ids) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %zu token ids", cap);
        const int rc = fill(s, *ids, cap, n, err);
        if (!rc && *n <= cap) return ROMA_OK;
        roma_free(*ids);
        *ids = NULL;
        if (rc) return rc;
        cap = *n;
    }
}

int roma_tokenize_all(const roma_tokenizer *t, const char *text, size_t len, unsigned flags, int32_t **ids, size_t *n,
                      roma_error *err) {
    const source s = {.t = t, .text = text, .len = len, .flags = flags};
    return fill_all(&s, len / 2 + 16, ids, n, err);
}

int roma_text_template_apply_all(const roma_tokenizer *t, roma_template_kind kind, const roma_message *msgs,
                                 size_t n_msgs, bool add_reply, int32_t **ids, size_t *n, roma_error *err) {
    const source s = {.t = t, .kind = kind, .messages = msgs, .n_messages = n_msgs, .add_reply = add_reply};
    size_t cap = 256;
    for (size_t i = 0; i < n_msgs; i++) cap += msgs[i].len / 2 + 64;
    return fill_all(&s, cap, ids, n, err);
}
