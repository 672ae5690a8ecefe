/* The report of a conversion as text: where the weights come from, what was done to them, and what that cost. */
#include <math.h>
#include <string.h>

#include "convert/internal.h"

void roma_convert_name(const char *path, char *out, size_t cap) {
    size_t len = strlen(path), from = 0;
    while (len > 1 && path[len - 1] == '/') len--; /* of a folder */
    for (size_t i = 0; i + 1 < len; i++)
        if (path[i] == '/') from = i + 1;
    roma_error_name(out, cap, path + from, len - from);
}

static double relative(double error, double weight) { return weight > 0 ? sqrt(error / weight) : 0; }

static void add(roma_pack_loss *to, const roma_pack_loss *l) {
    to->rounded = to->rounded || l->rounded;
    to->error += l->error;
    to->weight += l->weight;
    if (l->most > to->most) to->most = l->most;
}

static void print_loss(roma_buf *b, const char *name, const roma_pack_loss *l) {
    if (l->rounded) roma_buf_print(b, "%-10s %14.3e %14.3e\n", name, relative(l->error, l->weight), l->most);
}

/* A line for what has no layer, one for each layer, one for all. */
static void print_losses(roma_buf *b, const roma_model *m, const roma_pack_loss *loss) {
    roma_pack_loss all = {0}, layer;
    char name[32];
    roma_buf_print(b, "%-10s %14s %14s\n", "rounding", "relative error", "largest");
    for (size_t i = 0; i < m->n_tensors; i++) {
        if (!roma_tensor_role_is_layered(m->tensors[i].role))
            print_loss(b, roma_tensor_role_name(m->tensors[i].role), &loss[i]);
        add(&all, &loss[i]);
    }
    for (uint32_t l = 0; l < m->hyper.layers; l++) {
        layer = (roma_pack_loss){0};
        for (size_t i = 0; i < m->n_tensors; i++)
            if (roma_tensor_role_is_layered(m->tensors[i].role) && m->tensors[i].layer == l) add(&layer, &loss[i]);
        roma_print(name, sizeof name, "layer %u", l);
        print_loss(b, name, &layer);
    }
    print_loss(b, "all", &all);
}

/* Matrices of a 4-bit checkpoint in one form, from number i on, the first of that form: what the image has of them. */
static void print_form(roma_buf *b, const convert_report *r, size_t i) {
    const roma_tensor *first = &r->model->tensors[i];
    double most = 0;
    size_t n = 0;
    for (size_t k = 0; k < i; k++)
        if (r->model->tensors[k].form == first->form) return;
    for (; i < r->model->n_tensors; i++) {
        if (r->model->tensors[i].form != first->form) continue;
        n++;
        if (r->loss[i].most > most) most = r->loss[i].most;
    }
    roma_buf_print(b, "kept       %zu matri%s: %s;\n           codes and scales are the file's", n,
                   n == 1 ? "x" : "ces", first->form);
    if (first->read_source)
        roma_buf_print(b, ", levels of %s\n           change a weight by %.3e at most",
                       first->format.level == ROMA_LEVEL_FINE ? "ten bits" : "8 bits", most);
    roma_buf_print(b, "\n");
}

/* What was done to the matrices that were in floating point: of layers, and of the others. */
static void print_method(roma_buf *b, const convert_report *r) {
    static const char *const what[] = {"embedding, head", "layers"};
    bool any[2] = {false, false};
    char form[2][128];
    size_t rounded = 0, matrices = 0;
    for (size_t i = 0; i < r->model->n_tensors; i++) {
        const roma_tensor *t = &r->model->tensors[i];
        matrices += roma_tensor_role_is_matrix(t->role);
        if (!r->loss[i].rounded || t->form) continue;
        any[roma_tensor_role_is_layered(t->role)] = true;
        rounded++;
    }
    roma_quant_print(&r->quant->ends, form[0], sizeof form[0]);
    roma_quant_print(&r->quant->layers, form[1], sizeof form[1]);
    if (any[0] && any[1] && strcmp(form[0], form[1]) == 0)
        roma_buf_print(b, "method     %s\n", form[0]);
    else
        for (int k = 1; k >= 0; k--)
            if (any[k]) roma_buf_print(b, "method     %s: %s\n", what[k], form[k]);
    roma_buf_print(b, "matrices   %zu rounded, %zu as they were\n", rounded, matrices - rounded);
}

/* Matrices whose columns stand in another order than the model's. */
static void print_orders(roma_buf *b, const roma_description *d) {
    size_t gathered = 0, folded = 0, orders = d->n_orders;
    for (size_t i = 0; i < d->n_orders; i++) orders -= d->orders[i].folded;
    for (size_t i = 0; i < d->n_tensors; i++) {
        gathered += roma_description_gather(d, &d->tensors[i]) > 0;
        folded += d->tensors[i].order && d->tensors[i].order->folded;
    }
    if (!gathered && !folded) return;
    roma_buf_print(b, "order      %zu matri%s: %zu gathered, in %zu order%s; %zu folded into gate and up\n",
                   gathered + folded, gathered + folded == 1 ? "x" : "ces", gathered, orders, orders == 1 ? "" : "s",
                   folded);
}

static void print_kl(roma_buf *b, const char *what, const roma_convert_kl *kl) {
    if (kl->tokens)
        roma_buf_print(b, "%-10s KL %.2e +- %.0e from the file, in FP32 over %u tokens\n", what, kl->mean, kl->error,
                       kl->tokens);
}

static void print_perplexity(roma_buf *b, const roma_convert_perplexity *p) {
    if (p->scored)
        roma_buf_print(b, "perplexity %.4f of the file, %.4f of the image, in FP32 over %llu tokens\n", p->before,
                       p->after, (unsigned long long)p->scored);
}

const char *roma_convert_print(void *ctx, const roma_description *d) {
    convert_report *r = ctx;
    char name[160], hex[65];
    bool changed = false;
    roma_convert_name(r->source, name, sizeof name);
    roma_hex(hex, r->sha256, 32);
    roma_buf_print(&r->text, "source     %s, %llu bytes\nSHA-256    %s\n", name, (unsigned long long)r->source_bytes,
                   hex);
    print_method(&r->text, r);
    for (size_t i = 0; i < r->model->n_tensors; i++) {
        if (r->model->tensors[i].form) print_form(&r->text, r, i);
        changed = changed || r->loss[i].rounded;
    }
    print_orders(&r->text, d);
    print_kl(&r->text, "form", &r->made->form);
    if (changed) print_losses(&r->text, r->model, r->loss);
    print_kl(&r->text, "all", &r->made->all);
    print_perplexity(&r->text, &r->made->perplexity);
    roma_convert_print_chips(&r->text, d);
    roma_buf_append(&r->text, "", 1);
    return r->text.failed ? NULL : (const char *)r->text.data;
}
