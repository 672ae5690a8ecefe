/* The chain from a model file to an image. */
#include <string.h>
#include <strings.h>

#include "convert/internal.h"
#include "roma/import.h"
#include "roma/template.h"

int roma_convert_check_output(const char *path, roma_error *err) {
    if (!roma_gguf_is(path)) return ROMA_OK;
    return roma_fail(err, ROMA_EUSAGE, path, ROMA_NOWHERE,
                     "the output is a GGUF file: a model is never overwritten; choose another name for the image");
}

/* "model.gguf, SHA-256 ..." as printable ASCII: the image's note. */
static void provenance(const char *path, const uint8_t sum[32], char *out, size_t cap) {
    char name[160], hex[65];
    roma_convert_name(path, name, sizeof name);
    roma_hex(hex, sum, 32);
    roma_print(out, cap, "%s, SHA-256 %s", name, hex);
}

/* A chat template that is not supported is kept, and said: the model then completes plain text. */
static int look_at_template(const roma_import *imp, roma_buf *notes, roma_error *err) {
    roma_template *t = NULL;
    roma_error why;
    char line[600];
    if (!imp->has_vocab) return ROMA_OK;
    if (!imp->vocab.template_bytes) {
        roma_buf_print(
            notes, "there is no chat template; run and chat will complete plain text, unless --template names one\n");
        return ROMA_OK;
    }
    const int rc = roma_template_create(&t, imp->vocab.template_text, imp->vocab.template_bytes, "chat template", &why);
    roma_template_destroy(t);
    if (rc == ROMA_EUNSUPPORTED)
        roma_buf_print(notes, "%s; run and chat will complete plain text, unless --template names another\n",
                       roma_error_format(&why, line, sizeof line));
    else if (rc && err)
        *err = why;
    return rc == ROMA_EUNSUPPORTED ? ROMA_OK : rc;
}

static int fill_report(const roma_import *imp, roma_convert_report *out, roma_error *err) {
    memcpy(out->source_sha256, imp->source_sha256, sizeof out->source_sha256);
    out->source_bytes = imp->source_bytes;
    roma_buf b = {0};
    int rc = look_at_template(imp, &b, err);
    roma_buf_print(&b, "%s", imp->notes);
    roma_buf_append(&b, "", 1);
    if (!rc && b.failed) rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the notes on the model");
    if (!rc) out->notes = (char *)b.data;
    if (rc) roma_buf_destroy(&b);
    return rc;
}

/* Source, method and the version of what rounds: what the rest of a killed run must have been made of. */
static void name_job(const roma_import *imp, const roma_quant *q, uint8_t job[32]) {
    char method[300], layers[128], ends[128];
    roma_quant_print(&q->layers, layers, sizeof layers);
    roma_quant_print(&q->ends, ends, sizeof ends);
    const int n = roma_print(method, sizeof method, "rounding 3, %s, %s, %d", layers, ends, q->levels);
    roma_sha256 h;
    roma_sha256_init(&h);
    roma_sha256_update(&h, imp->source_sha256, 32);
    roma_sha256_update(&h, method, (size_t)n);
    roma_sha256_final(&h, job);
}

static int pack(roma_import *imp, const roma_convert_config *c, const roma_quant *q, const roma_progress *progress,
                roma_convert_report *out, roma_error *err) {
    char from[256];
    convert_report r = {.model = &imp->model,
                        .source = c->model,
                        .sha256 = imp->source_sha256,
                        .source_bytes = imp->source_bytes,
                        .quant = q,
                        .made = out};
    roma_pack_options how = {.report = roma_convert_print, .ctx = &r, .resume = c->resume};
    provenance(c->model, imp->source_sha256, from, sizeof from);
    name_job(imp, q, how.job);
    how.loss = r.loss = roma_alloc_array(imp->model.n_tensors + 1, sizeof *r.loss);
    int rc = r.loss ? roma_team_create(&how.team, c->threads ? c->threads : roma_cpu_count(), err)
                    : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the report");
    if (!rc) rc = roma_convert_compare(imp, c->kl, how.team, progress, out, err);
    if (!rc && c->calib) rc = roma_convert_evaluate(imp, c->calib, how.team, progress, out, err);
    if (!rc)
        rc = roma_pack(&imp->model, imp->has_vocab ? &imp->vocab : NULL, from, c->image, &how, progress, &out->image,
                       err);
    roma_team_destroy(how.team);
    roma_free(r.loss);
    if (rc)
        roma_buf_destroy(&r.text);
    else
        out->text = (char *)r.text.data;
    return rc;
}

/* The file against the hash that the caller has from its source: GGUF has no checksum of its own. */
static int check_hash(const roma_import *imp, const roma_convert_config *c, roma_error *err) {
    char hex[65];
    if (!c->sha256) return ROMA_OK;
    roma_hex(hex, imp->source_sha256, 32);
    if (strcasecmp(hex, c->sha256) == 0) return ROMA_OK;
    return roma_fail(err, ROMA_EDAMAGED, c->model, ROMA_NOWHERE,
                     "the file's SHA-256 is %s, not what was asked for; get the file anew, or look for its true hash",
                     hex);
}

static int check_config(const roma_convert_config *c, roma_error *err) {
    char shown[72];
    if (c->sha256 && (strlen(c->sha256) != 64 || strspn(c->sha256, "0123456789abcdefABCDEF") != 64))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a SHA-256 has 64 hexadecimal digits, which '%s' is not",
                         roma_error_name(shown, sizeof shown, c->sha256, strlen(c->sha256)));
    return roma_convert_check_output(c->image, err);
}

/* A folder is in floating point as a rule: asked for nothing, what rounds least is done. */
static roma_quant settle(const roma_import *imp, const roma_convert_config *c) {
    roma_quant q = c->quant;
    if (imp->is_folder && q.layers.method == ROMA_QUANT_NONE) q.layers = roma_quant_everywhere(8).layers;
    if (imp->is_folder && q.ends.method == ROMA_QUANT_NONE) q.ends = q.layers;
    if (!q.levels) q.levels = ROMA_FINE_MAX;
    return q;
}

static size_t float_matrices(const roma_model *m) {
    size_t n = 0;
    for (size_t i = 0; i < m->n_tensors; i++)
        n += m->tensors[i].is_float && roma_tensor_role_is_matrix(m->tensors[i].role);
    return n;
}

/* Levels that no matrix has would be believed to be in the image. */
static int use_levels(roma_import *imp, const roma_convert_config *c, const roma_quant *q, roma_error *err) {
    if (q->levels == ROMA_FINE_MAX) return ROMA_OK;
    const bool any = roma_import_use_levels(imp, q->levels);
    if (any || q->layers.method == ROMA_QUANT_NF4 || q->ends.method == ROMA_QUANT_NF4) return ROMA_OK;
    return roma_fail(err, ROMA_EUSAGE, c->model, ROMA_NOWHERE,
                     "no matrix is NF4 or FP4, so --nf4-table has no levels to choose; --method nf4 rounds to NF4");
}

/* A method for layers that nothing is left to do for would be believed to have been used. */
static int check_method(const roma_import *imp, const roma_convert_config *c, roma_error *err) {
    bool any = c->quant.layers.method == ROMA_QUANT_NONE || c->is_short;
    for (size_t i = 0; i < imp->model.n_tensors && !any; i++) {
        const roma_tensor *t = &imp->model.tensors[i];
        any = t->is_float && roma_tensor_role_is_matrix(t->role) && roma_tensor_role_is_layered(t->role);
    }
    if (any) return ROMA_OK;
    return roma_fail(
        err, ROMA_EUSAGE, c->model, ROMA_NOWHERE,
        "no matrix of a layer is in floating point, so --method has nothing to round; --quant is for embedding and "
        "head");
}

int roma_convert(const roma_convert_config *c, const roma_progress *progress, roma_convert_report *report,
                 roma_error *err) {
    roma_import imp;
    *report = (roma_convert_report){0};
    int rc = check_config(c, err);
    if (!rc) rc = roma_import_open_pre(&imp, c->model, c->pre, err);
    if (rc) return rc;
    const roma_quant q = settle(&imp, c);
    report->rounded = float_matrices(&imp.model);
    rc = use_levels(&imp, c, &q, err);
    if (!rc) rc = check_method(&imp, c, err);
    if (!rc) rc = roma_quantise_model(&imp.model, &q, err);
    if (!rc && c->chip) rc = roma_convert_check_chip(&imp.model, c->chip, c->model, err);
    if (!rc) rc = roma_import_hash(&imp, progress, err);
    if (!rc) rc = check_hash(&imp, c, err);
    if (!rc) rc = roma_import_check_values(&imp, progress, err);
    if (!rc) rc = fill_report(&imp, report, err);
    if (!rc) rc = pack(&imp, c, &q, progress, report, err);
    if (rc) roma_convert_report_destroy(report);
    roma_import_close(&imp);
    return rc;
}

void roma_convert_report_destroy(roma_convert_report *report) {
    roma_free(report->notes);
    roma_free(report->text);
    report->notes = report->text = NULL;
}
