/* Growing an answer token by token; contract in reply.h. */
#include "reply.h"

#include <string.h>

int reply_begin(reply *r, const session *s, const ask *a, int32_t *ids, size_t n_prompt, bool continues, bool hashes,
                roma_error *err) {
    memset(r, 0, sizeof *r);
    r->ask = a;
    r->s = s;
    r->set = s->set;
    r->context = roma_exec_memory_of(s->exec)->context;
    r->n = r->n_prompt = n_prompt;
    r->ids = ids;
    if (n_prompt > r->context)
        return roma_fail(err, ROMA_ECONTEXT, "", ROMA_NOWHERE,
                         "the prompt's %zu tokens do not fit the context of %u; "
                         "a larger --ctx makes room",
                         n_prompt, r->context);
    r->cap = r->context + 1;
    ids = roma_resize(r->ids, r->cap * sizeof *ids);
    if (ids) r->ids = ids;
    if (!ids) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the answer");
    roma_detok_init(&r->detok, s->tok, false);
    r->detok.first = !continues;
    r->hashes = hashes;
    roma_sha256_init(&r->hash);
    return ROMA_OK;
}

void reply_destroy(reply *r) {
    roma_free(r->ids);
    roma_buf_destroy(&r->text);
    memset(r, 0, sizeof *r);
}

static bool is_at(const roma_buf *b, size_t at, const char *s, size_t len) {
    return at + len <= b->len && memcmp(b->data + at, s, len) == 0;
}

/* Looks for stop texts in what is not shown yet; cuts the text there. What could still become one stays unshown. */
static bool stopped(reply *r) {
    const pieces *l = &r->ask->stops;
    for (; r->shown < r->text.len; r->shown++) {
        bool maybe = false;
        for (size_t i = 0; i < l->n; i++) {
            const size_t len = l->item[i].len, left = r->text.len - r->shown;
            if (is_at(&r->text, r->shown, l->item[i].text, len)) {
                r->text.len = r->shown;
                return true;
            }
            maybe |= left < len && is_at(&r->text, r->shown, l->item[i].text, left);
        }
        if (maybe) return false;
    }
    return false;
}

/* Nothing more comes: characters held back are let go, and so is the beginning of a stop text. */
static void end(reply *r, const char *why) {
    roma_buf_append(&r->text, r->s->piece, roma_detok_flush(&r->detok, r->s->piece));
    r->stop = stopped(r) ? "stop" : why;
    r->shown = r->text.len;
}

/* Appends a token; sets r->stop when the answer is over. */
static int take(reply *r, int32_t token, const float *logits, roma_error *err) {
    if (r->hashes) roma_sha256_update(&r->hash, logits, r->s->image.desc.hyper.vocab * sizeof *logits);
    r->drawn++;
    if (roma_token_is_eog(r->s->tok, token)) {
        end(r, "eos");
        return ROMA_OK;
    }
    r->ids[r->n++] = token;
    roma_buf_append(&r->text, r->s->piece, roma_detok_push(&r->detok, token, r->s->piece));
    if (r->text.failed) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the answer");
    if (stopped(r))
        r->stop = "stop";
    else if (r->n - r->n_prompt == r->ask->limit)
        end(r, "length");
    else if (r->n >= r->context)
        end(r, "context");
    return ROMA_OK;
}

static int on_token(void *ctx, int32_t token, const float *logits, roma_error *err) {
    reply *r = ctx;
    const int rc = take(r, token, logits, err);
    return rc ? rc : r->stop != NULL;
}

int reply_submit(reply *r, uint32_t *id, roma_error *err) {
    const roma_request q = {.prompt = r->ids,
                            .n_prompt = (uint32_t)r->n_prompt,
                            .limit = r->ask->limit,
                            .adapters = r->set,
                            .proposals = r->s->drafts,
                            .sampling = r->ask->sampling,
                            .token = on_token,
                            .ctx = r};
    return roma_batch_submit(r->s->batch, &q, id, err);
}

int reply_run(reply *r, reply_show show, void *ctx, roma_error *err) {
    roma_batch *b = r->s->batch;
    const double began = roma_now();
    const roma_error *why;
    uint32_t id;
    int rc = reply_submit(r, &id, err);
    if (rc) return rc;
    const roma_request_status *s = roma_batch_poll(b, id, &why);
    while (!rc && s->state != ROMA_REQUEST_OVER) {
        if (interrupted) interrupt_seen();
        if (interrupted || (rc = roma_batch_step(b, err)) != 0) roma_batch_cancel(b, id);
        if (!r->drawn) {
            roma_progress_tell(&progress, "prompt", s->fed, r->n_prompt);
            continue;
        }
        progress_end();
        if (r->first_s <= 0) r->first_s = roma_now() - began;
        show(ctx, r);
        if (!rc && (rc = check_stdout(err)) != 0) roma_batch_cancel(b, id);
    }
    progress_end();
    r->decode_s = r->drawn ? roma_now() - began - r->first_s : 0;
    r->status = *s;
    if (!rc && s->rc) *err = *why;
    if (!rc) rc = s->rc;
    roma_batch_finish(b, id);
    return rc;
}
