/* roma inspect: what is in an image, or in any GGUF file. */
#include "tool.h"
#include "adapter.h"
#include "roma/import.h"

#include <string.h>

bool is_adapter(const char *path) {
    char magic[8];
    return roma_file_head(path, magic, 8) == 8 && roma_adapter_is(magic, 8);
}

/* Of an adapter, for this verb and for `roma adapter inspect`. */
int inspect_adapter(const char *verb, const char *path, bool as_json) {
    roma_adapter a;
    roma_error err;
    roma_buf b = {0};
    if (roma_adapter_open(&a, path, 0, &err)) return fail(verb, &err);
    if (as_json)
        adapter_json(&a, path, &b);
    else
        roma_adapter_print(&a, &b);
    roma_adapter_close(&a);
    return print_buf(verb, &b, 0);
}

static const char *const kinds[] = {"none", "byte-level BPE", "SentencePiece BPE"};
static const char *const pres[] = {"none", "gpt2", "smollm", "llama3", "qwen2"};

const char *tensor_name(uint32_t role, uint32_t layer, char *buf, size_t cap) {
    const char *text = roma_tensor_role_name(role);
    if (roma_tensor_role_is_layered(role))
        roma_print(buf, cap, "%u.%s", layer, text);
    else
        roma_print(buf, cap, "%s", text);
    return buf;
}

static void tensor_text(const roma_description *d, size_t i, roma_buf *b) {
    const roma_image_tensor *t = &d->tensors[i];
    char layer[12] = "-", form[64] = "FP32 vector", tie[48] = "";
    if (roma_tensor_role_is_layered(t->role)) roma_print(layer, sizeof layer, "%u", t->layer);
    if (!t->is_vector) roma_format_print(&t->format, form, sizeof form);
    if (t->tie >= 0) roma_print(tie, sizeof tie, "  (tied to %s)", roma_tensor_role_name(d->tensors[t->tie].role));
    roma_buf_print(b, "  %5s  %-10s  %7llu x %-7llu  %12llu  %10llu  %s%s\n", layer, roma_tensor_role_name(t->role),
                   (unsigned long long)(t->is_vector ? 1 : t->rows), (unsigned long long)t->cols,
                   (unsigned long long)t->offset, (unsigned long long)t->bytes, form, tie);
}

static void print_text(const roma_image *img, roma_buf *b) {
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
    roma_buf_print(b, "vocabulary     %u\ncontext        %u\nrms epsilon    %.9g\n", h->vocab, h->context,
                   (double)h->rms_eps);
    if (img->has_vocab)
        roma_buf_print(b, "tokenizer      %s, pre-tokenizer %s, %u merges, bos %d, eos %d, template %s\n",
                       kinds[img->vocab.kind], pres[img->vocab.pre], img->vocab.n_merges, img->vocab.bos,
                       img->vocab.eos, roma_template_name((roma_template_kind)img->vocab.template_kind));
    else
        roma_buf_print(b, "tokenizer      none\n");
    roma_buf_print(b,
                   "file SHA-256   %s\nbase identity  %s\n\n  layer  tensor         rows x columns        offset       "
                   "bytes  format\n",
                   sum, base);
    for (size_t i = 0; i < img->desc.n_tensors; i++) tensor_text(&img->desc, i, b);
}

static void tensor_json(const roma_description *d, size_t i, roma_json *j) {
    const roma_image_tensor *t = &d->tensors[i];
    char form[64], name[64];
    roma_json_open(j, NULL, '{');
    roma_json_string(j, "name", tensor_name(t->role, t->layer, name, sizeof name));
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
    }
    roma_json_close(j, '}');
}

static void print_json(const roma_image *img, const char *path, roma_buf *b) {
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
        roma_json_string(&j, "template", roma_template_name((roma_template_kind)img->vocab.template_kind));
        roma_json_close(&j, '}');
    } else {
        roma_json_null(&j, "tokenizer");
    }
    roma_json_open(&j, "tensors", '[');
    for (size_t i = 0; i < img->desc.n_tensors; i++) tensor_json(&img->desc, i, &j);
    roma_json_close(&j, ']');
    roma_json_close(&j, '}');
    roma_buf_append(b, "\n", 1);
}

int verb_inspect(int argc, char **argv) {
    const char *operand[OPERANDS_MAX];
    bool as_json = false, no_verify = false;
    size_t n;
    const option own[] = {{"json", 0, OPT_FLAG, &as_json, NULL, 0, 0, "one JSON object on standard output"},
                          {"no-verify", 0, OPT_FLAG, &no_verify, NULL, 0, 0, "skip the checksums on opening"},
                          {0}};
    const usage u = {"inspect",
                     "IMAGE|ADAPTER|MODEL.gguf [options]",
                     "Shows what is in an image: shape, tokenizer, hashes, every tensor with its format and place; in "
                     "an adapter. Of a GGUF file,\n"
                     "whatever its architecture: metadata and tensors.",
                     "roma inspect model.roma",
                     own,
                     NULL,
                     1,
                     1};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    roma_buf b = {0};
    roma_error err;
    if (roma_gguf_is(operand[0])) {
        if (!roma_gguf_print(operand[0], &b, as_json, &err)) return print_buf("inspect", &b, 0);
        roma_buf_destroy(&b);
        return fail("inspect", &err);
    }
    if (is_adapter(operand[0])) return inspect_adapter("inspect", operand[0], as_json);
    roma_image img;
    if (image_open(&img, operand[0], no_verify, 0, &err)) return fail("inspect", &err);
    if (as_json)
        print_json(&img, operand[0], &b);
    else
        print_text(&img, &b);
    roma_image_close(&img);
    return print_buf("inspect", &b, 0);
}
