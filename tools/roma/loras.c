/* Lists of adapter files; contract in loras.h. */
#include "loras.h"

#include <string.h>

int lora_arg_read(const char *verb, const char *text, lora_arg *out) {
    roma_error err;
    return roma_answer_adapter_parse(text, out->path, &out->scale, &err) ? usage_error(verb, "%s", err.text)
                                                                         : OPTIONS_GO;
}

static void add(lora_list *l, const lora_arg *arg) {
    l->arg[l->n] = *arg;
    l->item[l->n] = (roma_answer_adapter){l->arg[l->n].path, arg->scale};
    l->n++;
}

void loras_copy(lora_list *to, const lora_list *from) {
    to->n = 0;
    while (to->n < from->n) add(to, &from->arg[to->n]);
}

int loras_open(lora_list *l, roma_answer *a, bool any_base, const char *const *text, size_t n, roma_error *err) {
    l->n = 0;
    if (n > ROMA_EXEC_STACK_MAX)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%zu adapters at once; at most %d add up", n,
                         ROMA_EXEC_STACK_MAX);
    for (size_t i = 0; i < n; i++) {
        lora_arg arg;
        int rc = roma_answer_adapter_parse(text[i], arg.path, &arg.scale, err);
        if (!rc) rc = roma_answer_adapter_open(a, arg.path, NULL, any_base ? ROMA_ADAPTER_ANY_BASE : 0, err);
        if (rc) return rc;
        add(l, &arg);
    }
    return ROMA_OK;
}

static bool is_of_layers(const roma_adapter_target *t) { return t->role != ROMA_W_HEAD && t->role != ROMA_W_EMBED; }

bool loras_are_priced(const lora_list *l, roma_answer *a) {
    for (size_t i = 0; i < l->n; i++) {
        const roma_adapter *f = roma_answer_adapter_find(a, l->item[i].name);
        bool layers = !f->dora;
        for (size_t t = 0; t < f->n_targets; t++) layers = layers && is_of_layers(&f->targets[t]);
        if (!layers) return false;
    }
    return true;
}

void loras_workload(const lora_list *l, roma_answer *a, roma_workload *w) {
    uint32_t sum = 0;
    w->roles = 0;
    for (size_t i = 0; i < l->n; i++) {
        const roma_adapter *f = roma_answer_adapter_find(a, l->item[i].name);
        sum += f->rank;
        for (size_t t = 0; t < f->n_targets; t++)
            if (is_of_layers(&f->targets[t])) w->roles |= 1u << f->targets[t].role;
    }
    if (!w->roles) return; /* none that the chip model knows */
    w->stacked = w->adapters = (uint32_t)l->n;
    w->rank = l->n ? (sum + w->stacked - 1) / w->stacked : 0;
}

void loras_json(roma_json *j, const lora_list *l, roma_answer *a) {
    roma_json_open(j, "adapters", '[');
    for (size_t i = 0; i < l->n; i++) {
        const roma_adapter *f = roma_answer_adapter_find(a, l->item[i].name);
        roma_json_open(j, NULL, '{');
        roma_json_string(j, "file", l->item[i].name);
        roma_json_string(j, "name", f->name);
        roma_json_real(j, "scale", (double)l->item[i].factor);
        roma_json_int(j, "rank", f->rank);
        roma_json_int(j, "bytes", (int64_t)f->data_bytes);
        roma_json_close(j, '}');
    }
    roma_json_close(j, ']');
}

void loras_print(const lora_list *l, roma_buf *out) {
    char name[96];
    for (size_t i = 0; i < l->n; i++) {
        const roma_answer_adapter *x = &l->item[i];
        roma_buf_print(out, "%s%s", i ? ", " : "", roma_error_name(name, sizeof name, x->name, strlen(x->name)));
        if (x->factor < 1 || x->factor > 1) roma_buf_print(out, ":%g", (double)x->factor);
    }
}
