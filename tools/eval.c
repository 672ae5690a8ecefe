/* roma eval: perplexity over windows of a text, and how far another image's predictions are.
 *
 * The text is cut into windows of ctx tokens; of each, positions ctx/2 to ctx-2 predict the token after them. Where the model's
 * settings add a beginning token, it stands in place of each window's first, as llama.cpp's perplexity tool has it.
 * Sums are in double and in order of position, and exp and log are our own (ln.h): a figure is the same on every machine. */
#include "ln.h"
#include "tool.h"

#include <math.h>
#include <string.h>

enum { ROWS = 64 }; /* of a step: bounds the memory that logits take */

typedef struct {
    session_config session;
    const char *text, *ids, *dump, *against;
    uint32_t ctx, windows;
    bool all, hash, json;
} eval_options;

typedef struct {
    const eval_options *o;
    session s, other;
    FILE *dump;
    roma_sha256 hash;
    int32_t *ids;
    size_t n_ids;
    uint32_t vocab, ctx, windows, from; /* positions from..ctx-2 of a window are scored */
    uint64_t scored, same;
    double nll, kl;
} eval;

/* log of the sum of exp, less nothing: the normaliser of a row. */
static double log_sum(const float *x, uint32_t n) {
    float max = x[0];
    double sum = 0;
    for (uint32_t i = 1; i < n; i++)
        if (x[i] > max) max = x[i];
    for (uint32_t i = 0; i < n; i++) sum += e_to((double)x[i] - (double)max);
    return sum - sum == 0 ? (double)max + ln(sum) : sum; /* NaN where a logit is not finite */
}

static uint32_t top(const float *x, uint32_t n) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

/* KL(reference || ours) of one position. */
static double divergence(const float *ref, double ref_log, const float *ours, double ours_log, uint32_t n) {
    double kl = 0;
    for (uint32_t i = 0; i < n; i++) {
        const double p = (double)ref[i] - ref_log;
        kl += e_to(p) * (p - ((double)ours[i] - ours_log));
    }
    return kl;
}

static bool dump(FILE *f, const float *x, uint32_t n) {
    uint8_t le[4096];
    for (uint32_t i = 0; i < n;) {
        size_t m = 0;
        for (; m < sizeof le && i < n; m += 4) roma_put32(le + m, roma_f32_bits(x[i++]));
        if (fwrite(le, 1, m, f) != m) return false;
    }
    return true;
}

static int take_logits(eval *e, const float *x, const float *ref, bool has_next, int32_t next, roma_error *err) {
    if (e->o->hash) roma_sha256_update(&e->hash, x, e->vocab * sizeof *x);
    if (e->dump && !dump(e->dump, x, e->vocab)) return roma_fail_errno(err, e->o->dump, "write");
    if (!has_next) return ROMA_OK;
    const double norm = log_sum(x, e->vocab);
    if (norm - norm != 0) return roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "a logit is not a finite number");
    e->nll += norm - (double)x[next];
    e->scored++;
    if (!ref) return ROMA_OK;
    e->kl += divergence(ref, log_sum(ref, e->vocab), x, norm, e->vocab);
    e->same += top(ref, e->vocab) == top(x, e->vocab);
    return ROMA_OK;
}

static int window(eval *e, uint32_t w, roma_error *err) {
    const int32_t *ids = e->ids + (size_t)w * e->ctx;
    const roma_vocab *v = e->s.image.has_vocab && !e->o->ids ? &e->s.image.vocab : NULL;
    const uint32_t last = e->o->all ? e->ctx : e->ctx - 1; /* positions below it give logits */
    roma_exec_row rows[ROMA_EXEC_ROWS_MAX];
    const uint32_t step = roma_exec_memory_of(e->s.exec)->rows;
    roma_exec_truncate(e->s.exec, 0, 0);
    if (e->o->against) roma_exec_truncate(e->other.exec, 0, 0);
    for (uint32_t at = 0; at < last; at += step) {
        uint32_t n = last - at < step ? last - at : step, wanted = 0;
        for (uint32_t i = 0; i < n; i++) {
            const bool is_bos = at + i == 0 && v && v->add_bos && v->bos >= 0;
            rows[i] = (roma_exec_row){is_bos ? v->bos : ids[at + i], 0, at + i, 0, at + i >= e->from};
        }
        int rc = roma_exec_step(e->s.exec, rows, n, err);
        if (!rc && e->o->against) rc = roma_exec_step(e->other.exec, rows, n, err);
        for (uint32_t i = 0; i < n && !rc; i++) {
            if (!rows[i].want_logits) continue;
            const bool has_next = at + i + 1 < e->ctx;
            rc = take_logits(e, roma_exec_logits(e->s.exec, wanted), e->o->against ? roma_exec_logits(e->other.exec, wanted) : NULL,
                             has_next, has_next ? ids[at + i + 1] : 0, err);
            wanted++;
        }
        if (rc) return rc;
        if (roma_progress_tell(&progress, "windows", (uint64_t)w * e->ctx + at + n, (uint64_t)e->windows * e->ctx))
            return roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
    }
    return ROMA_OK;
}

static int read_ids(eval *e, roma_error *err) {
    roma_buf b = {0};
    int rc = read_all(&b, e->o->ids, err);
    if (!rc && (b.len % 4 || !b.len)) rc = roma_fail(err, ROMA_EINPUT, e->o->ids, ROMA_NOWHERE, "no list of 32-bit token ids");
    if (!rc && !(e->ids = roma_alloc(b.len))) rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the ids");
    for (size_t i = 0; !rc && i < b.len / 4; i++) {
        e->ids[i] = (int32_t)roma_le32(b.data + 4 * i);
        if (e->ids[i] < 0 || (uint32_t)e->ids[i] >= e->vocab)
            rc = roma_fail(err, ROMA_EINPUT, e->o->ids, 4 * i, "token %d is not in the vocabulary of %u", e->ids[i], e->vocab);
    }
    e->n_ids = b.len / 4;
    roma_buf_destroy(&b);
    return rc;
}

static int read_text(eval *e, roma_error *err) {
    roma_buf b = {0};
    int rc = e->s.tok ? ROMA_OK : roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE, "the image holds no tokenizer; use --ids");
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

static int open_all(eval *e, roma_error *err) {
    const eval_options *o = e->o;
    session_config c = o->session;
    int rc = session_open(&e->s, &c, err);
    if (rc) return rc;
    e->vocab = e->s.image.desc.hyper.vocab;
    rc = o->ids ? read_ids(e, err) : read_text(e, err);
    if (!rc) rc = cut(e, err);
    if (rc) return rc;
    c.context = e->ctx;
    c.rows = c.rows ? c.rows : ROWS;
    c.logit_rows = c.rows;
    rc = session_start(&e->s, &c, err);
    if (!rc && o->against) {
        c.image = o->against;
        rc = session_open(&e->other, &c, err);
        if (!rc && e->other.image.desc.hyper.vocab != e->vocab)
            rc = roma_fail(err, ROMA_EINPUT, o->against, ROMA_NOWHERE, "a vocabulary of %u cannot be compared with one of %u",
                           e->other.image.desc.hyper.vocab, e->vocab);
        if (!rc) rc = session_start(&e->other, &c, err);
    }
    if (!rc && o->dump && !(e->dump = fopen(o->dump, "wb"))) rc = roma_fail_errno(err, o->dump, "open");
    return rc;
}

static int report(eval *e, double seconds) {
    roma_buf b = {0};
    const double n = (double)e->scored, ppl = e->scored ? e_to(e->nll / n) : 0;
    uint8_t sum[32];
    char hex[65];
    roma_sha256_final(&e->hash, sum);
    roma_hex(hex, sum, 32);
    if (e->o->json) {
        json j = {&b, false};
        json_open(&j, NULL, '{');
        json_int(&j, "tokens", (int64_t)e->scored);
        json_real(&j, "perplexity", e->scored ? ppl : NAN);
        json_real(&j, "kl_mean", e->o->against && e->scored ? e->kl / n : NAN);
        json_real(&j, "top1", e->o->against && e->scored ? (double)e->same / n : NAN);
        json_int(&j, "windows", e->windows);
        json_int(&j, "ctx", e->ctx);
        json_real(&j, "seconds", seconds);
        if (e->o->hash) json_string(&j, "hash", hex);
        json_close(&j, '}');
        roma_buf_append(&b, "\n", 1);
    } else {
        roma_buf_print(&b, "perplexity %.4f over %llu tokens, %u windows of %u\n", ppl, (unsigned long long)e->scored, e->windows, e->ctx);
        if (e->o->against)
            roma_buf_print(&b, "mean KL divergence %.6f, same top token %.2f %%\n", e->scored ? e->kl / n : 0,
                           e->scored ? 100 * (double)e->same / n : 0);
        if (e->o->hash) roma_buf_print(&b, "%s\n", hex);
    }
    return print_buf("eval", &b, 0);
}

static int evaluate(const eval_options *o) {
    eval e = {.o = o};
    roma_error err;
    roma_sha256_init(&e.hash);
    int rc = open_all(&e, &err);
    const double began = roma_now();
    for (uint32_t w = 0; w < e.windows && !rc; w++) rc = window(&e, w, &err);
    if (e.dump && fclose(e.dump) && !rc) rc = roma_fail_errno(&err, o->dump, "write");
    progress_end();
    const int exit_code = rc ? fail("eval", &err) : report(&e, roma_now() - began);
    session_close(&e.other);
    session_close(&e.s);
    roma_free(e.ids);
    return exit_code;
}

int verb_eval(int argc, char **argv) {
    eval_options o = {0};
    const char *operand[OPERANDS_MAX];
    size_t n;
    const option own[] = {{"file", 'f', OPT_TEXT, &o.text, "TEXT", 0, 0, "the text; - is standard input"},
                          {"ids", 0, OPT_TEXT, &o.ids, "FILE", 0, 0, "32-bit little-endian token ids instead of a text"},
                          {"ctx", 0, OPT_COUNT, &o.ctx, "N", 2, 16777216, "tokens of a window (default: 512; with --ids: all, see --all)"},
                          {"windows", 0, OPT_COUNT, &o.windows, "N", 1, 4294967295.0, "only the first N windows"},
                          {"all", 0, OPT_FLAG, &o.all, NULL, 0, 0, "one window of everything, all its positions scored"},
                          {"against", 0, OPT_TEXT, &o.against, "IMAGE", 0, 0, "also the divergence from this image's predictions"},
                          {"dump-logits", 0, OPT_TEXT, &o.dump, "FILE", 0, 0, "write the scored positions' logits, 32-bit floats"},
                          {"hash", 0, OPT_FLAG, &o.hash, NULL, 0, 0, "also print a SHA-256 over these logits"},
                          {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
                          {0}};
    const option shared[] = {SESSION_OPTIONS(o.session), {0}};
    const usage u = {"eval", "IMAGE -f TEXT [options]",
                     "Measures perplexity: the text is cut into windows, and in the second half of each the model predicts the next token.",
                     "roma eval model.roma -f book.txt --ctx 512 --windows 20", own, shared, 1, 1};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    if (!o.text == !o.ids) return usage_error("eval", "give one of -f TEXT and --ids FILE");
    if (o.all && o.ctx) return usage_error("eval", "--all has one window, --ctx does not go with it");
    if (o.ids && !o.ctx) o.all = true;
    if (!o.ctx) o.ctx = 512;
    o.session.image = operand[0];
    interrupt_catch(false);
    return evaluate(&o);
}
