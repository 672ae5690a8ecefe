/* Contract in eval_show.h. */
#include "eval_show.h"
#include "roma/json.h"

void eval_json(const eval_shown *e, roma_buf *out) {
    roma_eval_figures f;
    roma_eval_figures_get(e->sums, e->against, &f);
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    roma_json_int(&j, "tokens", (int64_t)e->sums->scored);
    roma_json_real(&j, "perplexity", f.perplexity);
    roma_json_real(&j, "kl_mean", f.kl_mean);
    roma_json_real(&j, "kl_error", f.kl_error);
    roma_json_real(&j, "top1", f.top1);
    roma_json_real(&j, "perplexity_against", f.perplexity_against);
    roma_json_int(&j, "windows", e->text->windows);
    roma_json_int(&j, "ctx", e->text->ctx);
    roma_json_real(&j, "seconds", e->seconds);
    if (e->hash) roma_json_string(&j, "hash", e->hash);
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}

void eval_text(const eval_shown *e, roma_buf *out) {
    roma_eval_figures f;
    roma_eval_figures_get(e->sums, e->against, &f);
    if (!(e->sums->scored > 0)) f = (roma_eval_figures){0}; /* nothing was scored, and all figures say so as 0 */
    const double ratio = f.perplexity_against > 0 ? f.perplexity / f.perplexity_against : 1;
    roma_buf_print(out, "perplexity %.4f over %.0f tokens, %u windows of %u\n", f.perplexity, e->sums->scored,
                   e->text->windows, e->text->ctx);
    if (e->against)
        roma_buf_print(out,
                       "against %s: perplexity there %.4f (here %+.2f %%), mean KL divergence %.6f +- %.6f, same top "
                       "token %.2f %%\n",
                       e->against, f.perplexity_against, 100 * (ratio - 1), f.kl_mean, f.kl_error, 100 * f.top1);
    if (e->hash) roma_buf_print(out, "%s\n", e->hash);
}
