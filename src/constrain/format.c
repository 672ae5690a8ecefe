/* OpenAI's response_format. */
#include "roma/constrain.h"
#include "roma/json.h"

typedef struct {
    roma_json_reader json;
    roma_constrain_format *out;
    bool has_type, has_schema;
    roma_error *err;
} reading;

static int bad(const reading *r, const char *what) {
    return roma_json_read_fail(&r->json, ROMA_EINPUT, r->err, "%s", what);
}

static int read_type(reading *r) {
    r->has_type = true;
    r->out->is_free = roma_json_is(&r->json, "text");
    r->out->kind = roma_json_is(&r->json, "json_schema") ? ROMA_CONSTRAIN_SCHEMA : ROMA_CONSTRAIN_JSON;
    return r->out->is_free || r->out->kind == ROMA_CONSTRAIN_SCHEMA || roma_json_is(&r->json, "json_object")
               ? ROMA_OK
               : bad(r, "type must be \"text\", \"json_object\" or \"json_schema\"");
}

static int read_schema(reading *r) {
    const char *from = r->json.begin + r->json.at;
    if (r->json.kind == ROMA_JSON_NULL) return ROMA_OK;
    if (r->has_schema) return bad(r, "there are two schemas");
    r->has_schema = true;
    const int rc = roma_json_read_skip(&r->json, r->err);
    r->out->schema = from;
    r->out->n_schema = (size_t)(r->json.p - from);
    return rc;
}

/* The members of the object whose bracket is read, or of its json_schema (`inner`). */
static int members(reading *r, bool inner) {
    int rc;
    while (!(rc = roma_json_read_next(&r->json, r->err)) && r->json.kind == ROMA_JSON_KEY) {
        const bool is_type = !inner && roma_json_is(&r->json, "type"),
                   is_inner = !inner && roma_json_is(&r->json, "json_schema"),
                   is_schema = roma_json_is(&r->json, "schema");
        const bool is_known = is_type || is_inner || is_schema || roma_json_is(&r->json, "name") ||
                              roma_json_is(&r->json, "description") || roma_json_is(&r->json, "strict");
        rc = roma_json_read_next(&r->json, r->err);
        if (!rc && !is_known && r->json.kind != ROMA_JSON_NULL)
            rc = bad(r, inner ? "in json_schema there are name, description, schema and strict"
                              : "in a response format there are type and json_schema");
        if (!rc && is_inner && r->json.kind != ROMA_JSON_OBJECT) rc = bad(r, "json_schema must be an object");
        if (!rc)
            rc = is_type     ? read_type(r)
                 : is_inner  ? members(r, true)
                 : is_schema ? read_schema(r)
                             : roma_json_read_skip(&r->json, r->err);
        if (rc) return rc;
    }
    return rc;
}

int roma_constrain_read_format(const char *json, size_t len, roma_constrain_format *out, roma_error *err) {
    reading r = {.out = out, .err = err};
    *out = (roma_constrain_format){0};
    int rc = roma_json_read_begin(&r.json, json, len, NULL, err);
    if (!rc) rc = roma_json_read_next(&r.json, err);
    if (!rc && r.json.kind != ROMA_JSON_OBJECT) rc = bad(&r, "a response format must be an object");
    if (!rc) rc = members(&r, false);
    if (!rc) rc = roma_json_read_next(&r.json, err); /* nothing behind it */
    if (!rc && !r.has_type) rc = bad(&r, "type is missing");
    if (!rc && r.has_schema && out->is_free) rc = bad(&r, "the type text has no schema");
    if (!rc && !r.has_schema && out->kind == ROMA_CONSTRAIN_SCHEMA) rc = bad(&r, "a schema is missing");
    if (!rc && r.has_schema) out->kind = ROMA_CONSTRAIN_SCHEMA; /* of type json_object too, as llama.cpp takes it */
    roma_json_read_end(&r.json);
    return rc;
}
