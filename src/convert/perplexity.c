/* Perplexity of a model file and of the image that it becomes, on a text of the caller's: eval's windows, in FP32. */
#include "convert/internal.h"
#include "roma/eval.h"

enum { WINDOW = 512 };

/* The text's tokens, as the image's tokenizer will make them; *ids is the caller's. */
static int read_text(const roma_import *imp, const char *path, int32_t **ids, size_t *n, roma_error *err) {
    roma_tokenizer *t = NULL;
    roma_map map;
    int rc = imp->has_vocab ? ROMA_OK
                            : roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                                        "the model has no tokenizer, so no text can be evaluated (--calib)");
    if (!rc) rc = roma_map_open(&map, path, err);
    if (rc) return rc;
    rc = roma_tokenizer_create(&t, &imp->vocab, "model", err);
    if (!rc) rc = roma_tokenize_all(t, (const char *)map.data, map.size, ROMA_TEXT_BOS, ids, n, err);
    roma_tokenizer_destroy(t);
    roma_map_close(&map);
    return rc;
}

int roma_convert_evaluate(roma_import *imp, const char *path, roma_team *team, const roma_progress *progress,
                          roma_convert_report *out, roma_error *err) {
    roma_model *m = &imp->model;
    const roma_vocab *v = &imp->vocab;
    int32_t *ids = NULL;
    roma_eval_text text = {.begin = -1};
    roma_eval_sums sums;
    roma_eval_figures f;
    int rc = read_text(imp, path, &ids, &text.n, err);
    if (rc) return rc;
    if (v->add_bos && v->bos >= 0) text.begin = v->bos;
    text.ids = ids;
    text.is_whole = text.n < WINDOW;
    text.ctx = WINDOW;
    rc = roma_eval_cut(&text, m->hyper.vocab, path, err);
    if (!rc) rc = roma_convert_begin(m, team, err);
    const roma_ref_weights image = roma_ref_model(m, ROMA_REF_IMAGE), file = roma_ref_model(m, ROMA_REF_SOURCE);
    if (!rc) rc = roma_eval_fp32(&image, &file, &text, team, progress, &sums, err);
    roma_convert_end(m);
    roma_free(ids);
    if (rc) return rc;
    roma_eval_figures_get(&sums, true, &f);
    out->perplexity = (roma_convert_perplexity){(uint64_t)sums.scored, f.perplexity_against, f.perplexity};
    return ROMA_OK;
}
