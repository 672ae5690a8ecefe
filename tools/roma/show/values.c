/* Writes what the tap hands out; contract in values.h. */
#include "values.h"

static const char *part_name(const roma_tap_record *r, roma_op_kind kind) {
    switch (r->part) {
    case ROMA_TAP_RESULT: return kind == ROMA_OP_LINEAR ? "base" : kind == ROMA_OP_BIAS ? "bias" : "result";
    case ROMA_TAP_ADAPTER: return "adapter";
    case ROMA_TAP_KEYS: return "keys";
    case ROMA_TAP_VALUES: return "values";
    case ROMA_TAP_DOWN: break; /* is not in the file */
    }
    return "?";
}

/* Hands the line over to the file; after the first error nothing more is written. */
static void end_line(values_file *v) {
    roma_buf_append(&v->line, "\n", 1);
    if (!v->rc && v->line.failed)
        v->rc = roma_fail(&v->err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a record of the trace");
    if (!v->rc) v->rc = roma_outfile_write(&v->file, v->line.data, v->line.len, &v->err);
    v->line.len = 0;
}

static void first_line(values_file *v) {
    roma_json j = {.out = &v->line};
    roma_json_open(&j, NULL, '{');
    roma_json_int(&j, "roma_trace", 1);
    roma_json_hex(&j, "base", roma_answer_image(v->s->a)->base_id, 32);
    roma_json_bool(&j, "full", v->is_full);
    const roma_kv_format *f = roma_exec_kv(roma_answer_engine(v->s->a));
    if (f != &roma_kv_formats[ROMA_KV_INT8]) roma_json_string(&j, "kv", f->name);
    loras_json(&j, &v->s->loras, v->s->a);
    roma_json_close(&j, '}');
    end_line(v);
}

static void on_record(void *ctx, const roma_tap_record *r) {
    values_file *v = ctx;
    const roma_plan *p = roma_answer_plan(v->s->a);
    const roma_op *op = &p->ops[r->op];
    roma_json j = {.out = &v->line};
    const uint32_t crc = roma_crc32c(0, r->bytes, r->n * r->row_bytes);
    const uint8_t digits[4] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};
    if (v->rc || r->part == ROMA_TAP_DOWN) return;
    roma_json_open(&j, NULL, '{');
    roma_json_uint(&j, "order", v->order++);
    roma_json_uint(&j, "op", r->op);
    roma_json_string(&j, "name", roma_op_name(op->kind));
    if (op->layer == UINT32_MAX)
        roma_json_null(&j, "layer");
    else
        roma_json_uint(&j, "layer", op->layer);
    roma_json_string(&j, "tensor",
                     op->tensor == ROMA_NO_TENSOR ? NULL : roma_tensor_role_name(p->desc->tensors[op->tensor].role));
    roma_json_string(&j, "value", op->out == ROMA_NO_VALUE ? NULL : p->values[op->out].name);
    roma_json_string(&j, "part", part_name(r, op->kind));
    if (r->part == ROMA_TAP_ADAPTER) roma_json_uint(&j, "adapter", r->adapter);
    roma_json_uint(&j, "sequence", r->rows->sequence);
    roma_json_uint(&j, "position", r->rows->position);
    roma_json_uint(&j, "rows", r->n);
    roma_json_uint(&j, "width", r->width);
    roma_json_string(&j, "form", r->is_codes ? "codes" : "f32");
    if (op->kind == ROMA_OP_EMBED) {
        roma_json_open(&j, "tokens", '[');
        for (uint32_t i = 0; i < r->n; i++) roma_json_int(&j, NULL, r->rows[i].token);
        roma_json_close(&j, ']');
    }
    roma_json_hex(&j, "crc", digits, 4);
    if (v->is_full) roma_json_hex(&j, "data", r->bytes, r->n * r->row_bytes);
    roma_json_close(&j, '}');
    end_line(v);
}

int values_begin(values_file *v, const session *s, const char *path, bool is_full, roma_error *err) {
    *v = (values_file){.s = s, .is_full = is_full};
    int rc = roma_outfile_open(&v->file, path, err);
    if (rc) return rc;
    first_line(v);
    if (!v->rc) v->rc = roma_exec_tap(roma_answer_engine(s->a), on_record, v, &v->err);
    return v->rc ? values_end(v, false, err) : ROMA_OK;
}

int values_end(values_file *v, bool keep, roma_error *err) {
    roma_exec_tap(roma_answer_engine(v->s->a), NULL, NULL, NULL);
    if (v->rc || !keep)
        roma_outfile_abort(&v->file);
    else
        v->rc = roma_outfile_commit(&v->file, &v->err);
    roma_buf_destroy(&v->line);
    if (v->rc) *err = v->err;
    return v->rc;
}
