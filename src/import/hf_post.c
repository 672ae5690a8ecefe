/* The post-processor of tokenizer.json: which token it puts before a text, and which behind. */
#include "hf.h"

typedef struct {
    roma_json_reader *json;
    hf_says *says;
    roma_error *err;
} reading;

static int next(reading *r) { return roma_json_read_next(r->json, r->err); }
static bool is(const reading *r, roma_json_kind kind) { return r->json->kind == kind; }

#define BAD(r, code, ...) roma_json_read_fail((r)->json, code, (r)->err, __VA_ARGS__)

/* One piece of TemplateProcessing's `single`: {"SpecialToken": {"id": TEXT, ...}} or {"Sequence": {"id": "A", ...}}. */
static int read_piece(reading *r, bool *sequence, int64_t *text) {
    char key[32];
    bool has_id = false;
    int rc = is(r, ROMA_JSON_OBJECT) ? next(r) : BAD(r, ROMA_EDAMAGED, "post_processor: a piece must be an object");
    if (rc) return rc;
    *sequence = is(r, ROMA_JSON_KEY) && roma_json_is(r->json, "Sequence");
    if (!*sequence && !(is(r, ROMA_JSON_KEY) && roma_json_is(r->json, "SpecialToken")))
        return BAD(r, ROMA_EUNSUPPORTED, "post_processor: a piece is a Sequence or a SpecialToken");
    rc = next(r);
    if (!rc && !is(r, ROMA_JSON_OBJECT)) rc = BAD(r, ROMA_EDAMAGED, "post_processor: a piece must be an object");
    while (!rc && !(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        roma_error_name(key, sizeof key, r->json->text, r->json->len);
        rc = next(r);
        if (rc || strcmp(key, "id") != 0) continue;
        has_id = is(r, ROMA_JSON_TEXT) && (!*sequence || roma_json_is(r->json, "A"));
        *text = (int64_t)r->says->text.len;
        if (has_id && !*sequence) {
            roma_buf_append(&r->says->text, r->json->text, r->json->len);
            roma_buf_append(&r->says->text, "", 1);
        }
    }
    if (!rc && !has_id) rc = BAD(r, ROMA_EUNSUPPORTED, "post_processor: a piece is not named");
    return rc ? rc : next(r); /* '}' of the piece */
}

static int read_single(reading *r) {
    int rc;
    bool seen = false;
    if (!is(r, ROMA_JSON_ARRAY)) return BAD(r, ROMA_EUNSUPPORTED, "post_processor: 'single' must be a list");
    r->says->first = r->says->last = -1;
    while (!(rc = next(r)) && !is(r, ROMA_JSON_ARRAY_END)) {
        bool sequence = false;
        int64_t text = -1, *to = seen ? &r->says->last : &r->says->first;
        rc = read_piece(r, &sequence, &text);
        if (rc) return rc;
        if (sequence ? seen : *to >= 0)
            return BAD(r, ROMA_EUNSUPPORTED, "post_processor: more than one token on a side of the text");
        if (sequence)
            seen = true;
        else
            *to = text;
    }
    return rc || seen ? rc : BAD(r, ROMA_EUNSUPPORTED, "post_processor: the text itself is missing");
}

static int read_processor(reading *r, unsigned nested);

static int read_processors(reading *r, unsigned nested) {
    int rc;
    if (!is(r, ROMA_JSON_ARRAY) || nested > 2) return BAD(r, ROMA_EUNSUPPORTED, "post_processor: none that is known");
    while (!(rc = next(r)) && !is(r, ROMA_JSON_ARRAY_END)) {
        rc = read_processor(r, nested + 1);
        if (rc) break;
    }
    return rc;
}

/* ByteLevel moves offsets alone, and add_prefix_space of a post-processor does nothing to ids. */
static int read_processor(reading *r, unsigned nested) {
    char key[32], type[32] = "";
    int rc = ROMA_OK;
    if (is(r, ROMA_JSON_NULL)) return ROMA_OK;
    if (!is(r, ROMA_JSON_OBJECT)) return BAD(r, ROMA_EDAMAGED, "post_processor must be an object");
    while (!rc && !(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        roma_error_name(key, sizeof key, r->json->text, r->json->len);
        rc = next(r);
        if (rc) break;
        if (strcmp(key, "type") == 0 && is(r, ROMA_JSON_TEXT)) {
            roma_error_name(type, sizeof type, r->json->text, r->json->len);
            if (strcmp(type, "ByteLevel") != 0 && strcmp(type, "TemplateProcessing") != 0 &&
                strcmp(type, "Sequence") != 0)
                return BAD(r, ROMA_EUNSUPPORTED, "post_processor: type %s is not supported", type);
        } else if (strcmp(key, "single") == 0)
            rc = read_single(r);
        else if (strcmp(key, "processors") == 0)
            rc = read_processors(r, nested);
        else
            rc = roma_json_read_skip(r->json, r->err);
    }
    return rc || type[0] ? rc : BAD(r, ROMA_EUNSUPPORTED, "post_processor: its type is missing");
}

int roma_import_hf_post(roma_json_reader *j, hf_says *s, roma_error *err) {
    reading r = {j, s, err};
    return read_processor(&r, 0);
}
