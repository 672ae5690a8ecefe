/* roma build: a GGUF model, a Hugging Face folder, or random weights of a shape, to a ROM image. */
#include "tool.h"
#include "roma/convert.h"
#include "roma/import.h"
#include "roma/synth.h"

#include <stdlib.h>
#include <string.h>

/* model.gguf -> model.roma, model-00001-of-00003.gguf -> model.roma, folder/ -> folder.roma, in the current folder. */
static void default_name(const char *model, char *out, size_t cap) {
    size_t end = strlen(model), from = 0;
    while (end > 1 && model[end - 1] == '/') end--;
    for (size_t i = 0; i + 1 < end; i++)
        if (model[i] == '/') from = i + 1;
    const bool none = strspn(model + from, "./") >= end - from; /* ".", ".." and "/" are no names */
    roma_print(out, cap, "%.*s", none ? 5 : (int)(end - from), none ? "model" : model + from);
    size_t n = strlen(out);
    if (n > 5 && strcasecmp(out + n - 5, ".gguf") == 0) out[n -= 5] = 0;
    if (n > 15 && memcmp(out + n - 15, "-00001-of-", 10) == 0 && strspn(out + n - 5, "0123456789") == 5)
        out[n -= 15] = 0;
    roma_print(out + n, cap - n, ".roma");
}

typedef struct {
    const char *model, *out, *quant, *shape, *pre, *sha256, *base_of;
    roma_shape_format format;
    uint64_t seed;
    roma_quant rounding;
    const char *nf4_table, *method;
    uint32_t threads;
    bool resume, kl;
    const char *chip, *calib;
    char name[1024];  /* the default of out */
    char found[4096]; /* the base that base_of names */
} build_options;

/* How the model's matrices in floating point were rounded, those of layers first; "none" where it had none. */
static const char *method_of(const roma_convert_report *made, const roma_quant *asked) {
    if (!made->rounded) return "none";
    return asked->layers.method == ROMA_QUANT_NF4 ? "nf4" : "rtn"; /* a folder's default is rtn */
}

/* Of what was written. Where the image went to standard output nothing
 * follows it. */
static int report(const build_options *o, const roma_convert_report *made, double seconds, bool as_json) {
    const bool has_source = o->model != NULL;
    const char *const path = o->out;
    const roma_image_written *w = &made->image;
    roma_buf b = {0};
    char sum[65], base[65], source[65];
    roma_hex(source, made->source_sha256, 32);
    roma_hex(sum, w->file_sha256, 32);
    roma_hex(base, w->base_id, 32);
    if (is_stdout(path)) {
        note("%.1f MiB in %.1f s, sha256 %s", (double)w->bytes / 1048576, seconds, sum);
        return finish("build", 0);
    }
    if (as_json) {
        roma_json j = {.out = &b};
        roma_json_open(&j, NULL, '{');
        roma_json_string(&j, "image", path);
        roma_json_string(&j, "sha256", sum);
        roma_json_string(&j, "base", base);
        if (has_source) roma_json_string(&j, "source_sha256", source);
        roma_json_string(&j, "arch", roma_arch_name(w->arch));
        roma_json_string(&j, "name", w->name);
        roma_json_int(&j, "params", (int64_t)w->params);
        roma_json_real(&j, "bits_per_weight", w->bits_per_weight);
        if (has_source) roma_json_string(&j, "method", method_of(made, &o->rounding));
        roma_json_int(&j, "bytes", (int64_t)w->bytes);
        roma_json_real(&j, "seconds", seconds);
        if (made->form.tokens) roma_json_real(&j, "kl_form", made->form.mean);
        if (made->all.tokens || o->kl) roma_json_real(&j, "kl", made->all.mean);
        if (made->perplexity.scored) roma_json_real(&j, "perplexity_before", made->perplexity.before);
        if (made->perplexity.scored) roma_json_real(&j, "perplexity_after", made->perplexity.after);
        if (made->text) lines_json(&j, "report", made->text, strlen(made->text));
        warn_json(&j, made->notes);
        roma_json_close(&j, '}');
        roma_buf_append(&b, "\n", 1);
    } else {
        roma_buf_print(&b, "%s: %s (%s), %.1f M parameters at %.2f bits, %.1f MiB in %.1f s\nsha256 %s\nbase   %s\n",
                       path, w->name[0] ? w->name : "a model", roma_arch_name(w->arch), (double)w->params / 1e6,
                       w->bits_per_weight, (double)w->bytes / 1048576, seconds, sum, base);
        if (has_source) roma_buf_print(&b, "source %s\n", source);
        if (made->text && (made->perplexity.scored || strstr(made->text, "\nmethod") || strstr(made->text, "\nkept")))
            roma_buf_print(&b, "\n%s", made->text);
    }
    return print_page("build", &b, 0);
}

/* The base of an adapter: in the folder that was given; else here, beside the adapter, in the hub's cache. */
static int find_base(build_options *o) {
    char beside[4096], home[4096] = "", hub[4096] = "";
    const char *const cache = getenv("HF_HUB_CACHE"), *const hf = getenv("HF_HOME"), *const user = getenv("HOME");
    roma_error err;
    if (hf) roma_print(hub, sizeof hub, "%s/hub", hf);
    if (user) roma_print(home, sizeof home, "%s/.cache/huggingface/hub", user);
    roma_print(beside, sizeof beside, "%s/..", o->base_of);
    const char *const given[] = {o->model}, *const usual[] = {".", beside, cache, hub, home};
    const int rc =
        roma_import_base_of(o->base_of, o->model ? given : usual, o->model ? 1 : 5, o->found, sizeof o->found, &err);
    if (rc) return fail("build", &err);
    note("base: %s", o->found);
    o->model = o->found;
    return OPTIONS_GO;
}

/* What is asked for matrices in floating point, of a model. */
static int settle_rounding(build_options *o) {
    const roma_quant_words w = {o->quant, o->method, o->nf4_table, o->format.bits, o->format.group};
    roma_error err;
    if (o->format.head_bits)
        return usage_error("build",
                           "--head-bits belongs to --shape; of a model --quant says what embedding and head become");
    return roma_quant_read(&o->rounding, &w, &err) ? fail("build", &err) : OPTIONS_GO;
}

/* What contradicts itself, and the defaults. */
static int settle(build_options *o) {
    if (o->base_of && o->shape) return usage_error("build", "--base-of and --shape are two models");
    if (o->base_of) {
        const int rc = find_base(o);
        if (rc != OPTIONS_GO) return rc;
    }
    if (!o->model == !o->shape) return usage_error("build", "give a model or --shape SHAPE, one of them");
    static const char *const of_models[] = {"resume", "threads", "kl", "calib", "fit-chip", NULL};
    const int wrong =
        o->shape ? options_refuse("build", of_models, "is of a model; a shape's image is made anew") : OPTIONS_GO;
    if (wrong != OPTIONS_GO) return wrong;
    if (o->shape && o->seed == UINT64_MAX)
        return usage_error("build", "a shape has no weights; --random SEED draws some");
    if (o->shape && (o->quant || o->method || o->nf4_table))
        return usage_error(
            "build", "--quant, --method and --nf4-table are of a model; a shape's matrices have --bits and --group");
    if (o->shape && (o->pre || o->sha256))
        return usage_error("build", "--pre and --sha256 are of a model's file; a shape has none");
    if (o->model && o->seed != UINT64_MAX)
        return usage_error("build", "--random belongs to --shape; a model has its own weights");
    if (o->format.bits == 1 || o->format.head_bits == 1)
        return usage_error("build", "no image has codes of 1 bit: they are the chip model's (sim, fit, explore, plan); "
                                    "--bits and --head-bits are 2 to 8");
    if (o->model) {
        const int rc = settle_rounding(o);
        if (rc != OPTIONS_GO) return rc;
    }
    if (o->out) return OPTIONS_GO;
    if (o->shape) {
        roma_shape shape;
        roma_error err;
        if (roma_shape_read(&shape, o->shape, &err)) return fail("build", &err);
        roma_print(o->name, sizeof o->name, "%s.roma", shape.name);
    } else
        default_name(o->model, o->name, sizeof o->name);
    o->out = o->name;
    return options_output("build", o->out);
}

static int build(const build_options *o, roma_convert_report *out, roma_error *err) {
    const roma_convert_config c = {.model = o->model,
                                   .image = o->out,
                                   .quant = o->rounding,
                                   .is_short = !o->method,
                                   .pre = o->pre,
                                   .sha256 = o->sha256,
                                   .threads = (int)o->threads,
                                   .chip = o->chip,
                                   .calib = o->calib,
                                   .kl = o->kl,
                                   .resume = o->resume};
    int rc = o->shape ? roma_convert_check_output(o->out, err) : roma_convert(&c, &progress, out, err);
    if (!rc && o->shape) rc = roma_synth_image(o->shape, &o->format, o->seed, o->out, &progress, &out->image, err);
    progress_end();
    if (!rc && out->notes) warn("build", o->model, out->notes);
    if (!rc && o->quant && !o->shape && !out->rounded)
        fprintf(stderr, "roma build: --quant had nothing to do, as the model has no matrix in floating point\n");
    if (!rc && o->kl && !out->all.tokens)
        fprintf(stderr, "roma build: --kl had nothing to measure, as the image has the file's values: it is 0\n");
    return rc;
}

int verb_build(int argc, char **argv) {
    build_options o = {.seed = UINT64_MAX};
    const char *operand[OPERANDS_MAX] = {NULL};
    bool as_json = false;
    size_t n;
    const option own[] = {
        {"output", 'o', OPT_OUT_FILE, &o.out, "IMAGE", 0, 0,
         "the image (default: the model's name with .roma, in this folder)"},
        {"quant", 0, OPT_TEXT, &o.quant, "q8|q4", 0, 0,
         "round float matrices to 8 or 4 bits (a folder's: q8); with --method embedding and head alone (q8)"},
        {"method", 0, OPT_TEXT, &o.method, "rtn|nf4", 0, 0,
         "round the layers' float matrices to nearest, with a search for the scale, or to NF4 as QLoRA does"},
        {"nf4-table", 0, OPT_TEXT, &o.nf4_table, "int8|fine", 0, 0,
         "levels of NF4 and FP4: 8 bits, or ten (default), which are nearer to the maps"},
        {"kl", 0, OPT_FLAG, &o.kl, NULL, 0, 0,
         "measure how far the image's predictions are from the file's, in FP32: some minutes of a large model"},
        {"calib", 0, OPT_TEXT, &o.calib, "FILE", 0, 0,
         "a text on which perplexity of the model's file and of the image is measured, in FP32; nothing is fitted to "
         "it"},
        {"fit-chip", 0, OPT_TEXT, &o.chip, "NAME|FILE", 0, 0,
         "refuse a model that this chip's ROM does not hold on one die, before anything is computed"},
        {"pre", 0, OPT_TEXT, &o.pre, "NAME", 0, 0,
         "pre-tokenizer of a file that names none, as GGUF names it: llama-bpe, ..."},
        {"sha256", 0, OPT_TEXT, &o.sha256, "HEX", 0, 0, "what the model's file (of parts the first) must hash to"},
        {"base-of", 0, OPT_TEXT, &o.base_of, "ADAPTER", 0, 0,
         "the folder that a PEFT adapter names as its base, looked for in MODEL or, without one, locally"},
        {"resume", 0, OPT_FLAG, &o.resume, NULL, 0, 0, "take up what a killed run of the same build left"},
        {"threads", 't', OPT_COUNT, &o.threads, "N", 1, 64, "threads (default: all CPUs)"},
        {"shape", 0, OPT_TEXT, &o.shape, "SHAPE", 0, 0,
         "no model, but a shape: llama-3.2-1b, ..., its numbers, or a config.json, as roma sim takes them"},
        {"random", 0, OPT_U64, &o.seed, "SEED", 0, 0, "random weights for it; the same seed, the same image"},
        {"bits", 0, OPT_COUNT, &o.format.bits, "B", 1, 8,
         "of a code: with --method 2, 3, 4 (default) or 8; of a shape its usual low-bit form"},
        {"group", 0, OPT_COUNT, &o.format.group, "G", 16, 256,
         "weights that share a scale: with --method 32 (rtn), 64 (nf4) or 128; of a shape 16 to 256"},
        {"head-bits", 0, OPT_COUNT, &o.format.head_bits, "B", 1, 8, "of the head (default: as the others)"},
        {"json", 0, OPT_FLAG, &as_json, NULL, 0, 0, "one JSON object on standard output"},
        {0}};
    const usage u = {
        "build",
        "MODEL [-o IMAGE] [options]",
        "Makes a ROM image from a GGUF model, losslessly unless --quant or --method rounds, or from a Hugging Face\n"
        "folder, of which 4-bit matrices (bitsandbytes, GPTQ, AWQ, compressed-tensors) are kept, others rounded to 8\n"
        "bits or as --quant and --method say. Of a GGUF model in parts name the first, -00001-of-N.\n"
        "An image of that name is replaced when the new one is complete.\n"
        "With --shape SHAPE --random SEED an image of a shape with random weights, for measuring: no download, no "
        "tokenizer.",
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
    roma_convert_report made = {0};
    const double began = roma_now();
    rc = build(&o, &made, &err);
    rc = rc ? fail("build", &err) : report(&o, &made, roma_now() - began, as_json);
    roma_convert_report_destroy(&made);
    return rc;
}
