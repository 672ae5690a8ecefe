/* roma eval: perplexity over windows of a text, and how far another image's predictions are.
 *
 * The text is cut into windows of ctx tokens; of each, positions ctx/2 to ctx-2 predict the token after them. Where the
 * model's settings add a beginning token, it stands in place of each window's first, as llama.cpp's perplexity tool has
 * it. Sums are in double and in order of position, and exp and log are our own (num): a figure is the same on every
 * machine. */
#include "eval.h"

#include <math.h>
#include <string.h>

/* Standard error of the mean. */
static double kl_error(const eval_sums *s) {
    const double n = s->scored, mean = s->kl / n, variance = (s->kl_squared / n - mean * mean) * n / (n - 1);
    return n > 1 && variance > 0 ? sqrt(variance / n) : 0;
}

static void report_json(const eval *e, double seconds, const char *hash, roma_buf *out) {
    const eval_sums *s = &e->sums;
    const bool any = s->scored > 0, both = any && e->o->against;
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_json_int(&j, "tokens", (int64_t)s->scored);
    roma_json_real(&j, "perplexity", any ? roma_exp_double(s->nll / s->scored) : NAN);
    roma_json_real(&j, "kl_mean", both ? s->kl / s->scored : NAN);
    roma_json_real(&j, "kl_error", both ? kl_error(s) : NAN);
    roma_json_real(&j, "top1", both ? s->same / s->scored : NAN);
    roma_json_real(&j, "perplexity_against", both ? roma_exp_double(s->nll_against / s->scored) : NAN);
    roma_json_int(&j, "windows", e->windows);
    roma_json_int(&j, "ctx", e->ctx);
    roma_json_real(&j, "seconds", seconds);
    if (e->o->hash) roma_json_string(&j, "hash", hash);
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}

static void report_text(const eval *e, const char *hash, roma_buf *out) {
    const eval_sums *s = &e->sums;
    const double n = s->scored > 0 ? s->scored : 1;
    roma_buf_print(out, "perplexity %.4f over %.0f tokens, %u windows of %u\n",
                   s->scored > 0 ? roma_exp_double(s->nll / n) : 0, s->scored, e->windows, e->ctx);
    if (e->o->against)
        roma_buf_print(out,
                       "against %s: perplexity there %.4f (here %+.2f %%), mean KL divergence %.6f +- %.6f, same top "
                       "token %.2f %%\n",
                       e->o->against, s->scored > 0 ? roma_exp_double(s->nll_against / n) : 0,
                       100 * (roma_exp_double((s->nll - s->nll_against) / n) - 1), s->kl / n, kl_error(s),
                       100 * s->same / n);
    if (e->o->hash) roma_buf_print(out, "%s\n", hash);
}

static int report(eval *e, double seconds) {
    roma_buf b = {0};
    uint8_t sum[32];
    char hash[65];
    roma_sha256_final(&e->hash, sum);
    roma_hex(hash, sum, 32);
    e->o->json ? report_json(e, seconds, hash, &b) : report_text(e, hash, &b);
    return print_buf("eval", &b, 0);
}

static int commit_dump(roma_outfile *f, roma_error *err) { return f->buf ? roma_outfile_commit(f, err) : ROMA_OK; }

static int evaluate(const eval_options *o, const ranks *rk) {
    static eval e;
    roma_error err;
    e = (eval){.o = o, .ranks = *rk};
    int rc = eval_open(&e, &err);
    const bool opened = !rc;
    const double began = roma_now();
    if (opened) rc = eval_run(&e, &err);
    if (!rc) rc = commit_dump(&e.dump, &err);
    if (!rc) rc = commit_dump(&e.dump_against, &err);
    const int code = rc ? fail("eval", &err) : report(&e, roma_now() - began);
    eval_close(&e);
    return ranks_end(rk, code, !opened || !rc);
}

static int settle(eval_options *o, const ranks *rk) {
    if (!o->text == !o->ids) return usage_error("eval", "give one of -f TEXT and --ids FILE");
    if (o->all && o->ctx) return usage_error("eval", "--all has one window, --ctx does not go with it");
    if (o->dump_against && !o->against) return usage_error("eval", "--dump-against needs --against");
    if (rk->size > 1 && (o->hash || o->dump || o->dump_against))
        return usage_error("eval", "--hash and dumps need all windows in one process");
    if (rk->size > 1 && o->text && strcmp(o->text, "-") == 0)
        return usage_error("eval", "processes cannot share standard input");
    if (o->ids && !o->ctx) o->all = true;
    if (!o->ctx) o->ctx = 512;
    return OPTIONS_GO;
}

int verb_eval(int argc, char **argv) {
    const ranks rk = ranks_begin();
    eval_options o = {0};
    const char *operand[OPERANDS_MAX];
    size_t n;
    const option own[] = {
        {"file", 'f', OPT_TEXT, &o.text, "TEXT", 0, 0, "the text; - is standard input"},
        {"ids", 0, OPT_TEXT, &o.ids, "FILE", 0, 0, "32-bit little-endian token ids instead of a text"},
        {"ctx", 0, OPT_COUNT, &o.ctx, "N", 2, 16777216,
         "tokens of a window (default: 512; with --ids: all, see --all)"},
        {"windows", 0, OPT_COUNT, &o.windows, "N", 1, 4294967295.0, "only the first N windows"},
        {"all", 0, OPT_FLAG, &o.all, NULL, 0, 0, "one window of everything, all its positions scored"},
        {"against", 0, OPT_TEXT, &o.against, "IMAGE|fp32", 0, 0,
         "also the divergence from another image, or from the same weights in FP32"},
        {"dump-logits", 0, OPT_OUT_FILE, &o.dump, "FILE", 0, 0, "write the scored positions' logits, 32-bit floats"},
        {"dump-against", 0, OPT_OUT_FILE, &o.dump_against, "FILE", 0, 0, "the same of what --against compares with"},
        {"hash", 0, OPT_FLAG, &o.hash, NULL, 0, 0, "also print a SHA-256 over these logits"},
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
        {0}};
    const option shared[] = {SESSION_OPTIONS(o.session), {0}};
    const usage u = {"eval",
                     "IMAGE -f TEXT [options]",
                     "Measures perplexity: the text is cut into windows, and in the second half of each the model "
                     "predicts the next token.\n"
                     "roma-mpi under mpirun shares the windows among its processes.",
                     "roma eval model.roma -f book.txt --ctx 512 --windows 20",
                     own,
                     shared,
                     1,
                     1};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    const int settled = rc == OPTIONS_GO ? settle(&o, &rk) : rc;
    if (settled != OPTIONS_GO) return ranks_end(&rk, settled, true);
    o.session.image = operand[0];
    return evaluate(&o, &rk);
}
