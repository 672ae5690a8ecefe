/* What an image makes of a model's predictions: the FP32 evaluator on the file's values and on the image's, over one
 * window of a text of ours. */
#include <math.h>

#include "convert/internal.h"

enum { TOKENS = 64 };

/* A letter, a list and a program: what is common in text. */
static const char text[] =
    "The lighthouse stood at the end of the pier, and on clear nights its light could be seen from thirty miles away. "
    "When the keeper retired in 1987, nobody wanted the post; the town council voted, 7 to 2, to install a machine. "
    "\n\n1. Check the lamp every Monday.\n2. Call the harbour office (ext. 4415) if it fails.\n\n"
    "for (int i = 0; i < count; i++) {\n    total += price[i] * amount[i];\n}\n\nWhat he remembered most was the "
    "silence between two ships, and how the sea never looked the same twice.";

/* Tokens of the text, or ids all over the vocabulary of a model that has no tokenizer. */
static int read_ids(const roma_import *imp, int32_t ids[TOKENS], roma_error *err) {
    roma_tokenizer *t = NULL;
    size_t n = 0;
    if (imp->has_vocab) {
        int rc = roma_tokenizer_create(&t, &imp->vocab, "model", err);
        if (!rc) rc = roma_tokenize(t, text, sizeof text - 1, ROMA_TEXT_BOS, ids, TOKENS, &n, err);
        roma_tokenizer_destroy(t);
        if (rc) return rc;
    }
    for (size_t i = n; i < TOKENS; i++) ids[i] = (int32_t)(roma_random(1, i) % imp->model.hyper.vocab);
    return ROMA_OK;
}

/* ---- an evaluation ---- */

typedef struct {
    const roma_progress *progress;
    unsigned done, of; /* forward passes */
} pass;

static int after_layer(void *ctx, uint32_t layer, uint32_t layers, const float *x, uint32_t n) {
    const pass *p = ctx;
    (void)x, (void)n;
    return roma_progress_tell(p->progress, "divergence", (uint64_t)p->done * (layers + 1) + layer,
                              (uint64_t)p->of * (layers + 1));
}

/* Logits of all tokens, the evaluator's. */
static int run(roma_ref **f, const roma_model *m, roma_ref_values values, roma_team *team, const int32_t *ids, pass *p,
               const float **logits, roma_error *err) {
    const roma_ref_weights w = roma_ref_model(m, values);
    int rc = roma_ref_create(f, &w, team, TOKENS, TOKENS, err);
    if (!rc) rc = roma_ref_forward(*f, ids, TOKENS, after_layer, p, err);
    p->done++;
    if (!rc) *logits = roma_ref_logits(*f, 0, TOKENS);
    return rc;
}

static roma_convert_kl compare(const float *file, const float *image, uint32_t vocab) {
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < TOKENS; i++, file += vocab, image += vocab) {
        const double kl =
            roma_divergence(file, roma_log_sum_exp(file, vocab), image, roma_log_sum_exp(image, vocab), vocab);
        sum += kl;
        squares += kl * kl;
    }
    const double mean = sum / TOKENS, variance = (squares / TOKENS - mean * mean) / (TOKENS - 1);
    return (roma_convert_kl){TOKENS, mean, variance > 0 ? sqrt(variance) : 0};
}

/* ---- what is asked ---- */

static bool changes(const roma_model *m, bool form) {
    for (size_t i = 0; i < m->n_tensors; i++)
        if (m->tensors[i].read_source && (!form || m->tensors[i].form)) return true;
    return false;
}

int roma_convert_begin(roma_model *m, roma_team *team, roma_error *err) {
    int rc = ROMA_OK;
    for (size_t i = 0; i < m->n_tensors && !rc; i++)
        if (m->tensors[i].begin) rc = m->tensors[i].begin(&m->tensors[i], team, err);
    return rc;
}
void roma_convert_end(roma_model *m) {
    for (size_t i = 0; i < m->n_tensors; i++)
        if (m->tensors[i].end) m->tensors[i].end(&m->tensors[i]);
}

static uint64_t weights_of(const roma_model *m) {
    uint64_t n = 0;
    for (size_t i = 0; i < m->n_tensors; i++) n += m->tensors[i].rows * m->tensors[i].cols;
    return n;
}

int roma_convert_compare(roma_import *imp, bool all, roma_team *team, const roma_progress *progress,
                         roma_convert_report *out, roma_error *err) {
    roma_model *m = &imp->model;
    const bool form = changes(m, true) && (all || weights_of(m) <= ROMA_CONVERT_KL_WEIGHTS),
               image = all && changes(m, false);
    roma_ref *f[3] = {NULL, NULL, NULL};
    const float *file = NULL, *other = NULL;
    int32_t ids[TOKENS];
    pass p = {progress, 0, 1u + form + image};
    if (!form && !image) return ROMA_OK;
    int rc = read_ids(imp, ids, err);
    if (!rc) rc = run(&f[0], m, ROMA_REF_SOURCE, team, ids, &p, &file, err);
    if (!rc && form) rc = run(&f[1], m, ROMA_REF_FORM, team, ids, &p, &other, err);
    if (!rc && form) out->form = compare(file, other, m->hyper.vocab);
    if (!rc && image) rc = roma_convert_begin(m, team, err);
    if (!rc && image) rc = run(&f[2], m, ROMA_REF_IMAGE, team, ids, &p, &other, err);
    if (!rc && image) out->all = compare(file, other, m->hyper.vocab);
    roma_convert_end(m);
    for (int i = 0; i < 3; i++) roma_ref_destroy(f[i]);
    return rc;
}
