/* The operation list: names, printer. */
#include "check.h"

#include <string.h>

static const roma_op_info infos[] = {
#define X(name, text, unit, sharing, in0, in1, out, tensor, work, ops, help)                                           \
    {text,                                                                                                             \
     help,                                                                                                             \
     ROMA_UNIT_##unit,                                                                                                 \
     ROMA_SHARE_##sharing,                                                                                             \
     {ROMA_DATA_##in0, ROMA_DATA_##in1},                                                                               \
     ROMA_DATA_##out,                                                                                                  \
     ROMA_TENSOR_##tensor,                                                                                             \
     ROMA_WORK_##work,                                                                                                 \
     ops},
    ROMA_OPS(X)
#undef X
};
static const char *const unit_names[] = {"L", "H", "V"};

const roma_op_info *roma_op_about(roma_op_kind k) { return &infos[k]; }
const char *roma_op_name(roma_op_kind k) { return (unsigned)k < ROMA_OP_COUNT ? infos[k].name : "?"; }

const roma_image_tensor *roma_op_matrix(const roma_plan *p, const roma_op *op) {
    return infos[op->kind].work == ROMA_WORK_LINEAR ? &p->desc->tensors[op->tensor] : NULL;
}

void roma_plan_destroy(roma_plan *p) {
    roma_free(p->ops);
    roma_free(p->values);
    memset(p, 0, sizeof *p);
}

uint64_t roma_op_mac(const roma_plan *p, const roma_op *op, uint64_t context) {
    const roma_image_tensor *t = roma_op_matrix(p, op);
    if (infos[op->kind].work == ROMA_WORK_ATTEND) return 2 * context * p->values[op->in[0]].width;
    return t ? t->rows * t->cols : 0;
}

/* One past the last operation of the segment that begins with operation `begin`. */
static uint32_t segment_end(const roma_plan *p, uint32_t begin) {
    while (begin + 1 < p->n_ops && infos[p->ops[begin].kind].in[1] != ROMA_DATA_PAGES) begin++;
    return begin + 1;
}

int roma_plan_issue(const roma_plan *p, uint32_t streams, const uint32_t *first,
                    int (*fn)(void *ctx, uint32_t op, uint32_t block), void *ctx) {
    int rc = 0;
    for (uint32_t begin = 0, end; begin < p->n_ops; begin = end) {
        end = segment_end(p, begin);
        for (uint32_t s = 0; s < streams; s++)
            for (uint32_t op = begin; op < end; op++)
                for (uint32_t b = first[s]; b < first[s + 1]; b++)
                    if ((rc = fn(ctx, op, b))) return rc;
    }
    return rc;
}

/* What an operation without inputs knows of a row. */
static const char *known(const roma_op *op) { return op->tensor == ROMA_NO_TENSOR ? "position" : "token"; }

static void print_text(const roma_plan *p, size_t i, roma_buf *out) {
    const roma_op *op = &p->ops[i];
    char format[96] = "", layer[12] = "-", shape[32] = "", inputs[32] = "";
    if (op->layer != UINT32_MAX) roma_print(layer, sizeof layer, "%u", op->layer);
    if (op->tensor != ROMA_NO_TENSOR) {
        const roma_image_tensor *t = &p->desc->tensors[op->tensor];
        if (t->is_vector)
            roma_print(format, sizeof format, "%s, FP32", roma_tensor_role_name(t->role));
        else {
            char f[64];
            roma_print(format, sizeof format, "%s, %s", roma_tensor_role_name(t->role),
                       roma_format_print(&t->format, f, sizeof f));
            roma_print(shape, sizeof shape, "%llux%llu", (unsigned long long)t->rows, (unsigned long long)t->cols);
        }
    }
    for (int k = 0; k < 2; k++)
        if (op->in[k] != ROMA_NO_VALUE) {
            size_t n = strlen(inputs);
            roma_print(inputs + n, sizeof inputs - n, "%s%s", n ? "," : "", p->values[op->in[k]].name);
        }
    roma_buf_print(out, "%5zu  %-4s %-5s %-10s %-10s -> %-8s %-14s %12llu  %s%s", i, unit_names[op->unit], layer,
                   roma_op_name(op->kind), inputs[0] ? inputs : known(op),
                   op->out == ROMA_NO_VALUE ? "cache" : p->values[op->out].name, shape,
                   (unsigned long long)roma_op_mac(p, op, 1), format,
                   op->last_rows_only ? " (rows whose logits are wanted)" : "");
    roma_plan_print_parameters(op, out);
    roma_buf_append(out, "\n", 1);
}

static void op_json(const roma_plan *p, const roma_op *op, roma_json *j) {
    roma_json_open(j, NULL, '{');
    roma_json_string(j, "op", roma_op_name(op->kind));
    roma_json_string(j, "unit", unit_names[op->unit]);
    roma_json_int(j, "layer", op->layer == UINT32_MAX ? -1 : (int64_t)op->layer);
    roma_json_open(j, "in", '[');
    for (int k = 0; k < 2; k++)
        if (op->in[k] != ROMA_NO_VALUE) roma_json_string(j, NULL, p->values[op->in[k]].name);
    roma_json_close(j, ']');
    roma_json_string(j, "out", op->out == ROMA_NO_VALUE ? "cache" : p->values[op->out].name);
    roma_json_uint(j, "mac", roma_op_mac(p, op, 1));
    if (op->tensor != ROMA_NO_TENSOR) {
        const roma_image_tensor *t = &p->desc->tensors[op->tensor];
        roma_json_string(j, "tensor", roma_tensor_role_name(t->role));
        roma_json_uint(j, "rows", t->rows);
        roma_json_uint(j, "cols", t->cols);
    }
    roma_plan_parameters_json(op, j);
    roma_json_close(j, '}');
}

void roma_plan_json(const roma_plan *p, roma_json *j) {
    roma_json_uint(j, "adapter_slots", p->n_adapter_slots);
    roma_json_open(j, "ops", '[');
    for (size_t i = 0; i < p->n_ops; i++) op_json(p, &p->ops[i], j);
    roma_json_close(j, ']');
}

void roma_plan_print(const roma_plan *p, roma_buf *out) {
    roma_buf_print(out,
                   "%zu operations a step, %u adapter slots\n"
                   "variables of a step: n rows of (sequence, position, adapter set), context t; mac is per row at t = "
                   "1\n"
                   "    #  unit layer operation  in            out      shape                   mac  tensor\n",
                   p->n_ops, p->n_adapter_slots);
    for (size_t i = 0; i < p->n_ops; i++) print_text(p, i, out);
}
