/* Contract in inspect_show.h. */
#include "inspect_show.h"
#include "roma/json.h"
#include "tool.h"

/* Of the model file, or by name. */
static const char *template_of(const roma_vocab *v) {
    return v->template_bytes ? "own" : roma_text_template_name((roma_template_kind)v->template_kind);
}

static const char *const kinds[] = {"none", "byte-level BPE", "SentencePiece BPE"};
static const char *const pres[] = {"none", "gpt2", "smollm", "llama3", "qwen2"};

static void tensor_text(const roma_description *d, size_t i, roma_buf *b) {
    const roma_image_tensor *t = &d->tensors[i];
    char layer[12] = "-", form[64] = "FP32 vector", tie[48] = "", order[48] = "";
    if (roma_tensor_role_is_layered(t->role)) roma_print(layer, sizeof layer, "%u", t->layer);
    if (!t->is_vector) roma_format_print(&t->format, form, sizeof form);
    if (t->tie >= 0) roma_print(tie, sizeof tie, "  (tied to %s)", roma_tensor_role_name(d->tensors[t->tie].role));
    if (t->order)
        roma_print(order, sizeof order, ", columns in order %u%s", roma_description_order(d, t),
                   t->order->folded ? ", folded" : "");
    roma_buf_print(b, "  %5s  %-10s  %7llu x %-7llu  %12llu  %10llu  %s%s%s\n", layer, roma_tensor_role_name(t->role),
                   (unsigned long long)(t->is_vector ? 1 : t->rows), (unsigned long long)t->cols,
                   (unsigned long long)t->offset, (unsigned long long)t->bytes, form, order, tie);
}

void image_text(const roma_image *img, roma_buf *b) {
    const roma_hyper *h = &img->desc.hyper;
    char sum[65], base[65];
    uint64_t params;
    double bits;
    roma_description_size(&img->desc, &params, &bits);
    roma_hex(sum, img->file_sha256, 32);
    roma_hex(base, img->base_id, 32);
    roma_buf_print(b, "image          %llu bytes\nname           %s\nlicence        %s\n",
                   (unsigned long long)img->map.size, img->desc.name[0] ? img->desc.name : "-",
                   img->desc.license[0] ? img->desc.license : "-");
    roma_buf_print(b, "architecture   %s\nparameters     %llu\nbits a weight  %.3f\n", roma_arch_name(h->arch),
                   (unsigned long long)params, bits);
    roma_buf_print(b,
                   "layers         %u\nhidden         %u\nffn            %u\nheads          %u query, %u key-value, %u "
                   "wide, %u rotated\n",
                   h->layers, h->hidden, h->ffn, h->heads, h->kv_heads, h->head_dim, h->rope_dim);
    if (h->true_hidden || h->true_ffn || h->true_head)
        roma_buf_print(b, "own widths     hidden %u, ffn %u, heads %u; the rest is zero\n", roma_true_hidden(h),
                       roma_true_ffn(h), roma_true_head(h));
    if (h->rope_gain > 0) roma_buf_print(b, "rotation       cos and sin times %.9g\n", (double)h->rope_gain);
    roma_buf_print(b, "vocabulary     %u\ncontext        %u\nrms epsilon    %.9g\n", h->vocab, h->context,
                   (double)h->rms_eps);
    if (img->has_vocab)
        roma_buf_print(b, "tokenizer      %s, pre-tokenizer %s, %u merges, bos %d, eos %d, template %s\n",
                       kinds[img->vocab.kind], pres[img->vocab.pre], img->vocab.n_merges, img->vocab.bos,
                       img->vocab.eos, template_of(&img->vocab));
    else
        roma_buf_print(b, "tokenizer      none\n");
    roma_buf_print(b,
                   "file SHA-256   %s\nbase identity  %s\n\n  layer  tensor         rows x columns        offset       "
                   "bytes  format\n",
                   sum, base);
    for (size_t i = 0; i < img->desc.n_tensors; i++) tensor_text(&img->desc, i, b);
    if (img->report) roma_buf_print(b, "\n%.*s", (int)img->report_bytes, img->report);
}

static void tensor_json(const roma_description *d, size_t i, roma_json *j) {
    const roma_image_tensor *t = &d->tensors[i];
    char form[64], name[64];
    roma_json_open(j, NULL, '{');
    roma_json_string(j, "name", roma_tensor_name(t->role, t->layer, name, sizeof name));
    roma_json_string(j, "role", roma_tensor_role_name(t->role));
    if (roma_tensor_role_is_layered(t->role)) roma_json_int(j, "layer", t->layer);
    roma_json_int(j, "rows", t->is_vector ? 1 : (int64_t)t->rows);
    roma_json_int(j, "cols", (int64_t)t->cols);
    roma_json_int(j, "offset", (int64_t)t->offset);
    roma_json_int(j, "bytes", (int64_t)t->bytes);
    if (t->tie >= 0) roma_json_int(j, "tie", t->tie);
    if (t->is_vector) {
        roma_json_string(j, "format", "FP32 vector");
    } else {
        roma_json_string(j, "format", roma_format_print(&t->format, form, sizeof form));
        roma_json_int(j, "bits", t->format.bits);
        roma_json_int(j, "group", t->format.group);
        if (t->order) roma_json_int(j, "order", roma_description_order(d, t));
        if (t->order) roma_json_bool(j, "folded", t->order->folded);
    }
    roma_json_close(j, '}');
}

void image_json(const roma_image *img, const char *path, roma_buf *b) {
    const roma_hyper *h = &img->desc.hyper;
    roma_json j = {.out = b};
    uint64_t params;
    double bits;
    roma_description_size(&img->desc, &params, &bits);
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "image", path);
    roma_json_int(&j, "bytes", (int64_t)img->map.size);
    roma_json_string(&j, "name", img->desc.name);
    roma_json_string(&j, "license", img->desc.license);
    roma_json_string(&j, "arch", roma_arch_name(h->arch));
    roma_json_int(&j, "params", (int64_t)params);
    roma_json_real(&j, "bits_per_weight", bits);
    roma_json_hex(&j, "sha256", img->file_sha256, 32);
    roma_json_hex(&j, "base", img->base_id, 32);
    const struct {
        const char *key;
        uint32_t v;
    } shape[] = {{"layers", h->layers},     {"hidden", h->hidden},     {"ffn", h->ffn},
                 {"heads", h->heads},       {"kv_heads", h->kv_heads}, {"head_dim", h->head_dim},
                 {"rope_dim", h->rope_dim}, {"vocab", h->vocab},       {"context", h->context}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) roma_json_int(&j, shape[i].key, shape[i].v);
    if (h->true_hidden) roma_json_int(&j, "own_hidden", h->true_hidden);
    if (h->true_ffn) roma_json_int(&j, "own_ffn", h->true_ffn);
    if (h->true_head) roma_json_int(&j, "own_head_dim", h->true_head);
    if (h->rope_gain > 0) roma_json_real(&j, "rope_gain", (double)h->rope_gain);
    roma_json_real(&j, "rms_eps", (double)h->rms_eps);
    if (img->has_vocab) {
        roma_json_open(&j, "tokenizer", '{');
        roma_json_string(&j, "kind", kinds[img->vocab.kind]);
        roma_json_string(&j, "pre", pres[img->vocab.pre]);
        roma_json_int(&j, "tokens", img->vocab.n_tokens);
        roma_json_int(&j, "merges", img->vocab.n_merges);
        roma_json_int(&j, "bos", img->vocab.bos);
        roma_json_int(&j, "eos", img->vocab.eos);
        roma_json_bool(&j, "add_bos", img->vocab.add_bos);
        roma_json_string(&j, "template", template_of(&img->vocab));
        roma_json_close(&j, '}');
    } else {
        roma_json_null(&j, "tokenizer");
    }
    if (img->report) lines_json(&j, "report", img->report, img->report_bytes);
    roma_json_open(&j, "tensors", '[');
    for (size_t i = 0; i < img->desc.n_tensors; i++) tensor_json(&img->desc, i, &j);
    roma_json_close(&j, ']');
    roma_json_close(&j, '}');
    roma_buf_append(b, "\n", 1);
}

/* ---- adapters ---- */

static void adapter_members(roma_json *j, const roma_adapter *a) {
    roma_json_string(j, "name", a->name);
    roma_json_string(j, "note", a->note);
    roma_json_string(j, "type", roma_adapter_type_name(a->type));
    roma_json_bool(j, "dora", a->dora);
    roma_json_int(j, "rank", a->rank);
    roma_json_real(j, "alpha", a->n_targets ? (double)a->targets[0].alpha : 0);
    roma_json_int(j, "bytes", (int64_t)a->map.size);
    roma_json_int(j, "sram_bytes", (int64_t)a->data_bytes);
    roma_json_hex(j, "base", a->base_id, 32);
    roma_json_open(j, "targets", '[');
    for (size_t i = 0; i < a->n_targets; i++) {
        const roma_adapter_target *t = &a->targets[i];
        char name[64];
        roma_json_open(j, NULL, '{');
        roma_json_string(j, "name", roma_tensor_name(t->role, t->layer, name, sizeof name));
        roma_json_int(j, "layer", t->layer);
        roma_json_string(j, "role", roma_tensor_role_name(t->role));
        roma_json_int(j, "rows", (int64_t)t->rows);
        roma_json_int(j, "cols", (int64_t)t->cols);
        roma_json_int(j, "rank", t->rank);
        roma_json_real(j, "alpha", (double)t->alpha);
        roma_json_real(j, "scale", (double)t->scale);
        roma_json_int(j, "offset", (int64_t)t->offset);
        roma_json_int(j, "bytes", (int64_t)t->bytes);
        roma_json_close(j, '}');
    }
    roma_json_close(j, ']');
}

void adapter_json(const roma_adapter *a, const char *path, roma_buf *b) {
    roma_json j = {.out = b};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "adapter", path);
    roma_json_hex(&j, "sha256", a->file_sha256, 32);
    adapter_members(&j, a);
    roma_json_close(&j, '}');
    roma_buf_append(b, "\n", 1);
}
