/* An answer on a terminal; contract in reply.h. */
#include "reply.h"

#include <string.h>

static int no_memory(reply *r) {
    return r->rc = roma_fail(&r->err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the answer");
}

void reply_token(void *ctx, int32_t token, const float *logits) {
    reply *r = ctx;
    (void)token;
    if (r->hashes) roma_sha256_update(&r->hash, logits, roma_answer_image(r->s->a)->desc.hyper.vocab * sizeof *logits);
}

int reply_text(void *ctx, const char *text, size_t len) {
    reply *r = ctx;
    roma_buf_append(&r->text, text, len);
    if (r->text.failed) return no_memory(r);
    if (r->silent) return 0;
    progress_end();
    put_text((const uint8_t *)text, len);
    return r->rc = check_stdout(&r->err);
}

void reply_over(void *ctx, const roma_answer_result *result) {
    reply *r = ctx;
    r->is_over = true;
    r->result = *result;
    r->n = result->n_ids;
    r->n_prompt = result->n_prompt;
    r->ids = roma_alloc_array(r->n, sizeof *r->ids);
    if (r->ids) memcpy(r->ids, result->ids, r->n * sizeof *r->ids);
    if (result->rc && !r->rc) {
        r->rc = result->rc;
        r->err = *result->err;
    }
    if (r->n && !r->ids) no_memory(r), r->n = 0;
}

static void on_prompt(void *ctx, size_t done, size_t n) {
    (void)ctx;
    roma_progress_tell(&progress, "prompt", done, n);
}

roma_answer_request reply_request(reply *r, const roma_answer_ask *ask, const int32_t *ids, size_t n, unsigned flags,
                                  const lora_list *l) {
    r->n_prompt = n;
    roma_sha256_init(&r->hash);
    return (roma_answer_request){.prompt = ids,
                                 .n_prompt = n,
                                 .continues = roma_answer_is_raw(r->s->a, flags),
                                 .adapters = l->item,
                                 .n_adapters = l->n,
                                 .ask = *ask,
                                 .ctx = r,
                                 .token = reply_token,
                                 .text = reply_text,
                                 .over = reply_over};
}

int reply_run(reply *r, roma_answer_request q, roma_error *err) {
    roma_answer *a = r->s->a;
    uint64_t ticket;
    q.prompt_read = on_prompt;
    int rc = roma_answer_submit(a, &q, &ticket, err);
    if (rc) return rc;
    while (!r->is_over) {
        if (interrupted) {
            interrupt_seen();
            roma_answer_cancel(a, ticket);
        }
        roma_answer_step(a, NULL); /* its error comes with the request's end */
    }
    progress_end();
    if (r->rc) *err = r->err;
    return r->rc;
}

const char *reply_stop(const reply *r) {
    return r->result.stop == ROMA_ANSWER_NONE ? "interrupted" : roma_answer_stop_name(r->result.stop);
}

double reply_decode_s(const reply *r) { return r->result.drawn ? r->result.seconds - r->result.first_s : 0; }

void reply_destroy(reply *r) {
    roma_free(r->ids);
    roma_buf_destroy(&r->text);
    memset(r, 0, sizeof *r);
}
