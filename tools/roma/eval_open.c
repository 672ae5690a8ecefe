/* What roma eval needs before its first window: images, engines, token ids, files. */
#include "eval.h"

#include <string.h>

enum { ROWS = 64 }; /* of a step: bounds the memory that logits take */

static int read_ids(eval *e, roma_error *err) {
    roma_buf b = {0};
    int rc = read_all(&b, e->o->ids, err);
    if (!rc && (b.len % 4 || !b.len))
        rc = roma_fail(err, ROMA_EINPUT, e->o->ids, ROMA_NOWHERE, "no list of 32-bit token ids");
    if (!rc && !(e->ids = roma_alloc(b.len)))
        rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the ids");
    for (size_t i = 0; !rc && i < b.len / 4; i++) {
        e->ids[i] = (int32_t)roma_le32(b.data + 4 * i);
        if (e->ids[i] < 0 || (uint32_t)e->ids[i] >= e->vocab)
            rc = roma_fail(err, ROMA_EINPUT, e->o->ids, 4 * i, "token %d is not in the vocabulary of %u", e->ids[i],
                           e->vocab);
    }
    e->n_ids = b.len / 4;
    roma_buf_destroy(&b);
    return rc;
}

static int read_text(eval *e, roma_error *err) {
    roma_buf b = {0};
    int rc = e->s.tok ? ROMA_OK
                      : roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE, "the image holds no tokenizer; use --ids");
    if (!rc) rc = read_all(&b, e->o->text, err);
    if (!rc) rc = tokenize_all(e->s.tok, (const char *)b.data, b.len, ROMA_TEXT_BOS, &e->ids, &e->n_ids, err);
    roma_buf_destroy(&b);
    return rc;
}

/* Decides windows and what is scored. */
static int cut(eval *e, roma_error *err) {
    if (e->n_ids > UINT32_MAX) return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "the text is too long");
    e->ctx = e->o->all ? (uint32_t)e->n_ids : e->o->ctx;
    e->from = e->o->all ? 0 : e->ctx / 2;
    e->windows = (uint32_t)(e->n_ids / e->ctx);
    if (e->windows == 0)
        return roma_fail(err, ROMA_EINPUT, e->o->ids ? e->o->ids : e->o->text, ROMA_NOWHERE,
                         "%zu tokens do not fill a window of %u; a smaller --ctx may", e->n_ids, e->ctx);
    if (e->o->windows && e->o->windows < e->windows) e->windows = e->o->windows;
    return ROMA_OK;
}

static bool against_fp32(const eval_options *o) { return o->against && strcmp(o->against, "fp32") == 0; }

static int open_other(eval *e, const session_config *own, roma_error *err) {
    session_config c = *own;
    if (against_fp32(e->o))
        return roma_ref_create(&e->fp32, &e->s.image, roma_exec_team(e->s.exec), e->ctx,
                               roma_exec_memory_of(e->s.exec)->rows, err);
    c.image = e->o->against;
    c.lora.n = 0;
    int rc = session_open(&e->other, &c, err);
    if (!rc && e->other.image.desc.hyper.vocab != e->vocab)
        rc = roma_fail(err, ROMA_EINPUT, c.image, ROMA_NOWHERE, "a vocabulary of %u cannot be compared with one of %u",
                       e->other.image.desc.hyper.vocab, e->vocab);
    return rc ? rc : session_start(&e->other, &c, err);
}

static int open_dump(roma_outfile *f, const char *path, roma_error *err) {
    return path ? roma_outfile_open(f, path, err) : ROMA_OK;
}

int eval_open(eval *e, roma_error *err) {
    const eval_options *o = e->o;
    session_config c = o->session;
    roma_sha256_init(&e->hash);
    if (!c.threads && e->ranks.size > 1)
        c.threads = (uint32_t)(roma_cpu_count() > e->ranks.size ? roma_cpu_count() / e->ranks.size : 1);
    int rc = session_open(&e->s, &c, err);
    if (rc) return rc;
    e->vocab = e->s.image.desc.hyper.vocab;
    rc = o->ids ? read_ids(e, err) : read_text(e, err);
    if (!rc) rc = cut(e, err);
    if (rc) return rc;
    roma_share(e->windows, e->ranks.rank, e->ranks.size, &e->first_window, &e->end_window);
    c.context = e->ctx;
    c.rows = c.rows ? c.rows : ROWS;
    c.logit_rows = c.rows;
    rc = session_start(&e->s, &c, err);
    if (!rc && o->against) rc = open_other(e, &c, err);
    if (!rc) rc = open_dump(&e->dump, o->dump, err);
    if (!rc) rc = open_dump(&e->dump_against, o->dump_against, err);
    return rc;
}

void eval_close(eval *e) {
    roma_outfile_abort(&e->dump);
    roma_outfile_abort(&e->dump_against);
    roma_ref_destroy(e->fp32);
    session_close(&e->other);
    session_close(&e->s);
    roma_free(e->ids);
}
