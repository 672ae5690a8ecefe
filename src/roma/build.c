/* The face's build: a conversion as a record. */
#include "face.h"
#include "roma/convert.h"

#include <math.h>

static void tell(const roma_convert_report *made, roma_built *given) {
    const roma_image_written *w = &made->image;
    roma_built b = {.size = sizeof b,
                    .params = w->params,
                    .bytes = w->bytes,
                    .source_bytes = made->source_bytes,
                    .bits_per_weight = w->bits_per_weight,
                    .warnings = made->notes ? made->notes : "",
                    .report = made->text ? made->text : "",
                    .kl_form = made->form.tokens ? made->form.mean : (double)NAN,
                    .kl = made->all.tokens ? made->all.mean : (double)NAN};
    roma_hex(b.sha256, w->file_sha256, 32);
    roma_hex(b.base, w->base_id, 32);
    roma_hex(b.source_sha256, made->source_sha256, 32);
    roma_print(b.arch, sizeof b.arch, "%s", roma_arch_name(w->arch));
    roma_print(b.name, sizeof b.name, "%s", w->name);
    roma_convert_report *own = roma_alloc_array(1, sizeof *own);
    if (own) *own = *made; /* without memory for so little: the texts are "" */
    if (!own) b.warnings = b.report = "";
    b.own = own;
    roma_face_give(given, &b, sizeof b);
}

static int build(const roma_build_spec *given, roma_built *out, roma_error *err) {
    roma_build_spec s;
    roma_convert_report made = {0};
    roma_convert_config c = {0};
    int rc = roma_face_take(&s, sizeof s, given, err);
    if (!rc && (!s.model || !s.image))
        rc = roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a build needs the path of a model and that of an image");
    if (!rc && s.threads > 64) rc = roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "threads are at most 64");
    const roma_quant_words w = {s.quant, s.method, s.int8_levels ? "int8" : NULL, s.bits, s.group};
    if (!rc) rc = roma_quant_read(&c.quant, &w, err);
    if (rc) return rc;
    c.model = s.model;
    c.image = s.image;
    c.pre = s.pre;
    c.sha256 = s.sha256;
    c.threads = (int)s.threads;
    c.is_short = !s.method;
    c.resume = s.resume != 0;
    c.kl = s.kl != 0;
    const roma_progress progress = {s.progress, s.ctx};
    rc = roma_convert(&c, &progress, &made, err);
    if (rc) return rc;
    if (out) tell(&made, out);
    if (!out || !out->own) roma_convert_report_destroy(&made);
    return ROMA_OK;
}

int roma_build(const roma_build_spec *s, roma_built *out) {
    roma_error err;
    if (out) out->own = NULL;
    return roma_face_end(build(s, out, &err), &err);
}

void roma_built_free(roma_built *b) {
    if (!b || !b->own) return;
    roma_convert_report_destroy(b->own);
    roma_free(b->own);
    b->own = NULL;
    b->warnings = b->report = "";
}
