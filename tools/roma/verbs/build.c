/* roma build: a GGUF model, or random weights of a known shape, to a ROM image. */
#include "tool.h"
#include "roma/import.h"
#include "roma/pack.h"
#include "roma/quant.h"
#include "roma/synth.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* model.gguf -> model.roma, model-00001-of-00003.gguf -> model.roma, in the current folder. */
static void default_name(const char *model, char *out, size_t cap) {
    const char *base = strrchr(model, '/');
    roma_print(out, cap, "%s", base ? base + 1 : model);
    size_t n = strlen(out);
    if (n > 5 && strcasecmp(out + n - 5, ".gguf") == 0) out[n -= 5] = 0;
    if (n > 15 && memcmp(out + n - 15, "-00001-of-", 10) == 0 && strspn(out + n - 5, "0123456789") == 5)
        out[n -= 15] = 0;
    roma_print(out + n, cap - n, ".roma");
}

/* No model under that name is replaced, be it another one. */
static int check_output(const char *path, roma_error *err) {
    char magic[4];
    if (read_head(path, magic, 4) == 4 && memcmp(magic, "GGUF", 4) == 0)
        return roma_fail(err, ROMA_EUSAGE, path, ROMA_NOWHERE,
                         "the output is a GGUF file: a model is never overwritten; choose another -o");
    return ROMA_OK;
}

static int check_input(const char *path, roma_error *err) {
    struct stat st;
    if (stat(path, &st)) return roma_fail_open(err, path);
    if (S_ISDIR(st.st_mode))
        return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                         "this is a folder; this version reads GGUF files, which llama.cpp's convert_hf_to_gguf.py "
                         "makes from Hugging Face folders");
    return ROMA_OK;
}

static int hash_file(const char *path, uint8_t sum[32], roma_error *err) {
    enum { STEP = 1 << 22 };
    roma_map m;
    roma_sha256 h;
    int rc = roma_map_open(&m, path, err);
    if (rc) return rc;
    roma_sha256_init(&h);
    for (uint64_t at = 0; at < m.size && !rc; at += STEP) {
        const uint64_t n = m.size - at < STEP ? m.size - at : STEP;
        roma_sha256_update(&h, m.data + at, (size_t)n);
        if (roma_progress_tell(&progress, "hashing", at + n, m.size))
            rc = roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
    }
    roma_sha256_final(&h, sum);
    roma_map_close(&m);
    return rc;
}

/* "model.gguf, SHA-256 ..." as printable ASCII */
static void provenance(const char *path, const uint8_t sum[32], char *out, size_t cap) {
    char name[160], hex[65];
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    roma_hex(hex, sum, 32);
    roma_print(out, cap, "%s, SHA-256 %s", roma_error_name(name, sizeof name, base, strlen(base)), hex);
}

/* Weights of the matrices and the bits that hold them; vectors count as parameters only. */
void description_size(const roma_description *d, uint64_t *params, double *bits_per_weight) {
    uint64_t weights = 0, bytes = 0;
    *params = 0;
    for (size_t i = 0; i < d->n_tensors; i++) {
        const roma_image_tensor *t = &d->tensors[i];
        if (t->tie >= 0) continue;
        *params += t->is_vector ? t->cols : t->rows * t->cols;
        if (t->is_vector) continue;
        weights += t->rows * t->cols;
        bytes += t->bytes;
    }
    *bits_per_weight = weights ? (double)bytes * 8 / (double)weights : 0;
}

/* Of an image that went to a device or into a pipe: what is known without reading it again. Where it went to standard
 * output, nothing follows it there. */
static int report_sent(const char *path, const roma_image_written *w, const char *notes, double seconds, bool as_json) {
    roma_buf b = {0};
    char sum[65], base[65];
    roma_hex(sum, w->file_sha256, 32);
    roma_hex(base, w->base_id, 32);
    if (is_stdout(path)) {
        note("%.1f MB in %.1f s, sha256 %s", (double)w->bytes / 1e6, seconds, sum);
        return finish("build", 0);
    }
    if (as_json) {
        roma_json j = {.out = &b};
        roma_json_open(&j, NULL, '{');
        roma_json_string(&j, "image", path);
        roma_json_string(&j, "sha256", sum);
        roma_json_string(&j, "base", base);
        roma_json_int(&j, "bytes", (int64_t)w->bytes);
        roma_json_real(&j, "seconds", seconds);
        warn_json(&j, notes);
        roma_json_close(&j, '}');
        roma_buf_append(&b, "\n", 1);
    } else {
        roma_buf_print(&b, "%s: %.1f MB in %.1f s\nsha256 %s\nbase   %s\n", path, (double)w->bytes / 1e6, seconds, sum,
                       base);
    }
    return print_buf("build", &b, 0);
}

static int report(const char *path, const roma_image_written *w, const char *notes, double seconds, bool as_json,
                  roma_error *err) {
    roma_image img;
    roma_buf b = {0};
    char sum[65], base[65];
    uint64_t params;
    double bits;
    if (is_stdout(path) || !is_file(path)) return report_sent(path, w, notes, seconds, as_json);
    int rc = image_open(&img, path, false, 0, err);
    if (rc) return fail("build", err);
    description_size(&img.desc, &params, &bits);
    roma_hex(sum, w->file_sha256, 32);
    roma_hex(base, w->base_id, 32);
    if (as_json) {
        roma_json j = {.out = &b};
        roma_json_open(&j, NULL, '{');
        roma_json_string(&j, "image", path);
        roma_json_string(&j, "sha256", sum);
        roma_json_string(&j, "base", base);
        roma_json_string(&j, "arch", roma_arch_name(img.desc.hyper.arch));
        roma_json_string(&j, "name", img.desc.name);
        roma_json_int(&j, "params", (int64_t)params);
        roma_json_real(&j, "bits_per_weight", bits);
        roma_json_int(&j, "bytes", (int64_t)w->bytes);
        roma_json_real(&j, "seconds", seconds);
        warn_json(&j, notes);
        roma_json_close(&j, '}');
        roma_buf_append(&b, "\n", 1);
    } else {
        roma_buf_print(&b, "%s: %s (%s), %.1f M parameters at %.2f bits, %.1f MB in %.1f s\nsha256 %s\nbase   %s\n",
                       path, img.desc.name[0] ? img.desc.name : "a model", roma_arch_name(img.desc.hyper.arch),
                       (double)params / 1e6, bits, (double)w->bytes / 1e6, seconds, sum, base);
    }
    roma_image_close(&img);
    return print_buf("build", &b, 0);
}

static int build(const char *model, const char *path, roma_quant_kind quant, roma_image_written *w, char **notes,
                 roma_error *err) {
    roma_import imp;
    uint8_t sum[32];
    char from[256];
    int rc = check_input(model, err);
    if (!rc) rc = check_output(path, err);
    if (!rc) rc = roma_import_open(&imp, model, err);
    if (rc) return rc;
    rc = roma_quantise_model(&imp.model, quant, err);
    if (!rc) rc = roma_import_check_values(&imp, &progress, err);
    if (!rc) rc = hash_file(model, sum, err);
    if (!rc) {
        provenance(model, sum, from, sizeof from);
        rc = roma_pack(&imp.model, imp.has_vocab ? &imp.vocab : NULL, from, path, &progress, w, err);
    }
    progress_end();
    if (!rc) *notes = warn("build", model, imp.notes);
    roma_import_close(&imp);
    return rc;
}

typedef struct {
    const char *model, *out, *quant, *shape;
    roma_shape_format format;
    uint64_t seed;
    roma_quant_kind kind;
    char name[1024]; /* the default of out */
} build_options;

/* What contradicts itself, and the defaults. */
static int settle(build_options *o) {
    const bool has_format = o->format.bits || o->format.group || o->format.head_bits;
    if (!o->model == !o->shape) return usage_error("build", "give a model or --shape NAME, one of them");
    if (o->shape && o->seed == UINT64_MAX)
        return usage_error("build", "a shape has no weights; --random SEED draws some");
    if (o->shape && o->quant)
        return usage_error("build", "--quant is for float models; a shape's matrices have --bits and --group");
    if (o->model && o->seed != UINT64_MAX)
        return usage_error("build", "--random belongs to --shape; a model has its own weights");
    if (o->model && has_format)
        return usage_error("build", "--bits, --group and --head-bits belong to --shape; a model has its own");
    if (o->quant && strcmp(o->quant, "q8") == 0)
        o->kind = ROMA_QUANT_Q8;
    else if (o->quant && strcmp(o->quant, "q4") == 0)
        o->kind = ROMA_QUANT_Q4;
    else if (o->quant)
        return usage_error("build", "--quant is q8 or q4");
    if (o->out) return OPTIONS_GO;
    if (o->shape)
        roma_print(o->name, sizeof o->name, "%.64s.roma", o->shape);
    else
        default_name(o->model, o->name, sizeof o->name);
    o->out = o->name;
    return options_output("build", o->out);
}

static int build_random(const build_options *o, roma_image_written *w, roma_error *err) {
    const int rc = check_output(o->out, err);
    if (rc) return rc;
    const int written = roma_synth_image(o->shape, &o->format, o->seed, o->out, &progress, w, err);
    progress_end();
    return written;
}

int verb_build(int argc, char **argv) {
    build_options o = {.seed = UINT64_MAX};
    const char *operand[OPERANDS_MAX] = {NULL};
    bool as_json = false;
    size_t n;
    const option own[] = {
        {"output", 'o', OPT_OUT_FILE, &o.out, "IMAGE", 0, 0,
         "the image (default: the model's name with .roma, in this folder)"},
        {"quant", 0, OPT_TEXT, &o.quant, "q8|q4", 0, 0, "round float matrices to 8 or 4 bits"},
        {"shape", 0, OPT_TEXT, &o.shape, "NAME", 0, 0,
         "no model, but a known one's shape: llama-3.2-1b, llama-3-8b ..."},
        {"random", 0, OPT_U64, &o.seed, "SEED", 0, 0, "random weights for it; the same seed, the same image"},
        {"bits", 0, OPT_COUNT, &o.format.bits, "B", 2, 8, "of the shape's weights (default: its usual low-bit form)"},
        {"group", 0, OPT_COUNT, &o.format.group, "G", 16, 256, "weights that share a scale"},
        {"head-bits", 0, OPT_COUNT, &o.format.head_bits, "B", 2, 8, "of the head (default: as the others)"},
        {"json", 0, OPT_FLAG, &as_json, NULL, 0, 0, "one JSON object on standard output"},
        {0}};
    const usage u = {
        "build",
        "MODEL.gguf [-o IMAGE] [options]",
        "Makes a ROM image from a GGUF model, losslessly unless --quant rounds. Of a model in parts name the first,\n"
        "-00001-of-N. An image of that name is replaced when the new one is complete.\n"
        "With --shape NAME --random SEED an image of a known model's shape, for measuring: no download, no tokenizer.",
        "roma build SmolLM2-135M-Instruct.Q4_1.gguf -o smollm2.roma",
        own,
        NULL,
        0,
        1};
    int rc = options_parse(&u, argc, argv, operand, &n);
    o.model = n ? operand[0] : NULL;
    if (rc == OPTIONS_GO) rc = settle(&o);
    if (rc != OPTIONS_GO) return rc;
    roma_error err;
    roma_image_written w;
    const double began = roma_now();
    char *notes = NULL;
    rc = o.shape ? build_random(&o, &w, &err) : build(o.model, o.out, o.kind, &w, &notes, &err);
    rc = rc ? fail("build", &err) : report(o.out, &w, notes, roma_now() - began, as_json, &err);
    free(notes);
    return rc;
}
