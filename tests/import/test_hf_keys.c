/* Every key that the packages of 4-bit checkpoints write is read, passed over or refused by name, and so is every one
 * of tokenizer_config.json and generation_config.json; what is not known is refused, or named in a note. */
#include "roma/import.h"
#include "../test.h"
#include "hf_build.h"

/* ---- quantization_config ---- */

static char *read_whole(const char *folder, const char *name, size_t *size) {
    char path[256];
    snprintf(path, sizeof path, "tests/import/packed/%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f) abort();
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    char *data = malloc(*size + 1);
    if (!data || fread(data, 1, *size, f) != *size) abort();
    data[*size] = 0;
    fclose(f);
    return data;
}

/* The folder with `from` of its config.json replaced; the error's text stands in *err. */
static int open_with(const char *folder, const char *from, const char *to, roma_error *err) {
    size_t sizes[2];
    char *config = read_whole(folder, "config.json", &sizes[0]),
         *tensors = read_whole(folder, "model.safetensors", &sizes[1]);
    char text[8192];
    const char *at = strstr(config, from);
    if (!at || sizes[0] + strlen(to) >= sizeof text) abort();
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - config), config, to, at + strlen(from));
    const roma_import_file files[] = {{"config.json", text, strlen(text)}, {"model.safetensors", tensors, sizes[1]}};
    roma_import imp;
    *err = (roma_error){.text = ""};
    const int rc = roma_import_open_files(&imp, files, 2, err);
    if (!rc) roma_import_close(&imp);
    free(config);
    free(tensors);
    return rc;
}

#define BEGIN "\"quantization_config\": {"

/* Members beside those that are there; the text of a refusal, NULL: read. As the packages write them, or nearly. */
static const struct {
    const char *folder, *member, *says;
} members[] = {
    /* AutoRound */
    {"gptq",
     "\"amp\": true, \"autoround_version\": \"0.4.2\", \"batch_size\": 4, \"data_type\": \"int\", "
     "\"enable_minmax_tuning\": true, \"enable_norm_bias_tuning\": false, \"enable_quanted_input\": true, "
     "\"gradient_accumulate_steps\": 1, \"iters\": 1000, \"low_gpu_mem_usage\": false, \"lr\": 0.001, "
     "\"minmax_lr\": 0.001, \"nsamples\": 512, \"quant_block_list\": null, \"scale_dtype\": \"torch.float16\", "
     "\"seqlen\": 2048, \"train_bs\": 8, \"act_bits\": 16, \"extra_config\": {}, \"super_bits\": null",
     NULL},
    {"gptq", "\"act_bits\": 8", "activations are quantised too"},
    {"gptq", "\"extra_config\": {\"lm_head\": {\"bits\": 8}}", "key 'extra_config'"},
    {"gptq", "\"data_type\": \"mx_fp4\"", "key 'data_type'"},
    {"gptq", "\"super_bits\": 6", "key 'super_bits'"},
    /* AutoGPTQ and transformers */
    {"gptq",
     "\"tokenizer\": null, \"dataset\": \"c4\", \"damp_percent\": 0.1, \"true_sequential\": true, \"use_exllama\": "
     "true, "
     "\"exllama_config\": {\"version\": 1}, \"model_seqlen\": 2048, \"block_name_to_quantize\": \"model.layers\", "
     "\"module_name_preceding_first_block\": [\"model.embed_tokens\"], \"batch_size\": 1, \"pad_token_id\": null, "
     "\"max_input_length\": null, \"cache_block_outputs\": true, \"modules_in_block_to_quantize\": [[\"a\"], [\"b\"]], "
     "\"use_cuda_fp16\": false, \"disable_exllama\": false, \"static_groups\": false, \"model_name_or_path\": \"x\", "
     "\"model_file_base_name\": \"model\", \"is_marlin_format\": false",
     NULL},
    {"gptq", "\"is_marlin_format\": true", "key 'is_marlin_format'"},
    /* gptqmodel */
    {"gptq", "\"dynamic\": {\"-:.*down.*\": {}, \"-:lm_head\": {\"bits\": 8}}, \"mse\": 0.0, \"act_group_aware\": true",
     NULL},
    {"gptq", "\"dynamic\": {\"-:.*down.*\": {}, \"+:.*up.*\": {\"bits\": 8}}", "dynamic"},
    {"gptq", "\"dynamic\": {\"-\": {\"bits\": 8}}", "dynamic"},
    {"awq", "\"dynamic\": {\".*\": {\"bits\": 8}}", "dynamic"},
    {"gptq", "\"adapter\": {\"name\": \"lora\", \"path\": \"x\", \"rank\": 32}", "key 'adapter'"},
    {"gptq", "\"activation\": {\"mode\": \"dynamic\"}", "key 'activation'"},
    {"gptq", "\"rotation\": null, \"adapter\": null, \"activation\": {}", NULL},
    /* AutoAWQ */
    {"awq",
     "\"modules_to_not_convert\": [\"lm_head\"], \"do_fuse\": false, \"fuse_max_seq_len\": null, \"backend\": "
     "\"autoawq\", "
     "\"modules_to_fuse\": null, \"exllama_config\": null",
     NULL},
    {"awq", "\"backend\": \"llm-awq\"", "key 'backend'"},
    /* llm-compressor */
    {"pack-sym", "\"run_compressed\": true", NULL},
    {"pack-sym", "\"moe_sparsity_config\": {\"n\": 2}", "key 'moe_sparsity_config'"},
    /* bitsandbytes of another storage; older files say less */
    {"nf4", "\"bits\": 4, \"block_size\": 64, \"compress_statistics\": true", NULL},
    {"nf4", "\"bits\": 8", "another number of bits"},
    {"nf4", "\"kv_cache_scheme\": {\"num_bits\": 8}", "activations are quantised too"},
    /* what nobody knows */
    {"gptq", "\"frobnicate\": null, \"frob\": false, \"nicate\": [], \"deep\": {}", NULL},
    {"gptq", "\"frobnicate\": true", "key 'frobnicate': it is part of quantization_config and is unknown"},
    {"awq", "\"frobnicate\": 0", "key 'frobnicate'"},
    {"nf4", "\"frobnicate\": \"x\"", "key 'frobnicate'"},
    {"pack-sym", "\"frobnicate\": {\"a\": [1, {}]}", "key 'frobnicate'"},
};

static const struct {
    const char *folder, *from, *to, *says;
} changes[] = {
    {"gptq", "\"quant_method\": \"gptq\",", "", NULL}, /* method says it too */
    {"gptq", "\"method\": \"gptq\"", "\"method\": \"awq\"", "the method is said twice"},
    {"gptq", "\"pack_dtype\": \"int32\"", "\"pack_dtype\": \"int16\"", "key 'pack_dtype'"},
    {"nf4", ",\n  \"quant_method\": \"bitsandbytes\"", "", NULL},
    {"nf4", "\"quantization_config\"", "\"compression_config\"", NULL},
    {"nf4", BEGIN, "\"compression_config\": {}, " BEGIN, "there too"},
    {"pack-sym", "\"symmetric\": true,", "", NULL}, /* the package's default */
    {"pack-sym", "\"symmetric\": true", "\"symmetric\": null", NULL},
    {"pack-sym", "\"symmetric\": true", "\"symmetric\": false", "weight_zero_point is missing"},
    {"pack-sym", "\"block_structure\": null", "\"block_structure\": [16, 16]", "key 'block_structure'"},
    {"pack-sym", "\"symmetric\": true", "\"symmetric\": true, \"frobnicate\": 1", "key 'frobnicate'"},
    {"pack-sym", "\"sparsity_config\": {}", "\"sparsity_config\": {\"format\": \"dense\", \"targets\": [\"Linear\"]}",
     NULL},
    {"pack-sym", "\"sparsity_config\": {}", "\"sparsity_config\": {\"format\": \"sparse-24-bitmask\"}",
     "sparsity_config"},
    {"pack-sym", "\"targets\"", "\"frobnicate\": 1, \"targets\"", "key 'frobnicate'"},
};

static void expect(int rc, const char *says, const char *what, const roma_error *err) {
    const bool good = says ? rc != 0 && strstr(err->text, says) : rc == 0;
    if (!good) fprintf(stderr, "%s: %d, %s\n", what, rc, err->text);
    CHECK(good);
}

static void test_quantization(void) {
    roma_error err;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        char text[2048];
        snprintf(text, sizeof text, BEGIN "%s, ", members[i].member);
        expect(open_with(members[i].folder, BEGIN, text, &err), members[i].says, members[i].member, &err);
    }
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        expect(open_with(changes[i].folder, changes[i].from, changes[i].to, &err), changes[i].says, changes[i].to,
               &err);
}

/* ---- the tokenizer's and generation's files, and config.json ---- */

#define SAYS "tokenizer_config.json"
#define GEN "generation_config.json"

/* A member of a file of a good folder; `says`: a refusal where it begins with '!', else a part of the notes, "" for
 * none. */
static const struct {
    const char *file, *member, *says;
} passed[] = {
    {GEN,
     "\"do_sample\": false, \"temperature\": 1.0, \"top_k\": 50, \"top_p\": 1, \"use_cache\": true, \"max_length\": "
     "4096",
     ""},
    {GEN, "\"do_sample\": true, \"temperature\": 0.7, \"top_p\": 0.8, \"top_k\": 20, \"repetition_penalty\": 1.05",
     "keys of generation_config.json that are passed over: do_sample, temperature, top_p, top_k, repetition_penalty; "
     "options"},
    {GEN,
     "\"suppress_tokens\": [3], \"bad_words_ids\": [[4, 5]], \"forced_eos_token_id\": 2, \"stop_strings\": [\"x\"]",
     "suppress_tokens, bad_words_ids, forced_eos_token_id, stop_strings"},
    {GEN, "\"suppress_tokens\": [], \"bad_words_ids\": null, \"no_repeat_ngram_size\": 0", ""},
    {GEN, "\"no_repeat_ngram_size\": 3", "no_repeat_ngram_size"},
    {GEN, "\"frobnicate\": {\"a\": 1}", "passed over: frobnicate"},
    {SAYS, "\"clean_up_tokenization_spaces\": true, \"padding_side\": \"left\", \"tokenizer_class\": \"GPT2Tokenizer\"",
     ""},
    {SAYS, "\"split_special_tokens\": false", ""},
    {SAYS, "\"split_special_tokens\": true", "!key 'split_special_tokens'"},
    {SAYS, "\"clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output\": true", "!it must be false"},
    {SAYS, "\"sp_model_kwargs\": {}", ""},
    {SAYS, "\"sp_model_kwargs\": {\"enable_sampling\": true}", "passed over: sp_model_kwargs"},
    {SAYS, "\"do_lower_case\": true", "passed over: do_lower_case"},
    {SAYS, "\"fix_mistral_regex\": false", ""},
    {SAYS, "\"fix_mistral_regex\": true", "!fix_mistral_regex asks for another pre_tokenizer"},
    {SAYS, "\"frobnicate\": 1", "passed over: frobnicate"},
    {SAYS, "\"cls_token\": \"g\", \"image_token\": {\"content\": \"h\"}", ""},
    {SAYS, "\"mask_token\": \"[MASK]\"", "!special token '[MASK]' is no token"},
    {"config.json", "\"hidden_act\": \"swish\"", ""},
    {"config.json", "\"initializer_range\": 0.02, \"use_cache\": false, \"unsloth_version\": \"x\"", ""},
    {"config.json", "\"auto_map\": {\"AutoModel\": \"x.Y\"}, \"rotary_dim\": 16",
     "keys of config.json that are passed over: auto_map, rotary_dim"},
    {"config.json", "\"residual_multiplier\": 0.5", "!must be 1"},
    {"config.json", "\"use_bidirectional_attention\": true", "!changes what the model computes"},
};

static void test_passed(void) {
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
        const bool gen = strcmp(passed[i].file, GEN) == 0, says = strcmp(passed[i].file, SAYS) == 0;
        const char *from = gen    ? "\"temperature\": 1.0"
                           : says ? "\"model_max_length\": 128"
                                  : "\"torch_dtype\": \"float32\"";
        const h_change change = {passed[i].file, from, passed[i].member};
        h_folder h;
        roma_import imp;
        roma_error err = {.text = ""};
        h_make(&h, H_BPE, &change);
        const int rc = roma_import_open_files(&imp, h.file, h.n, &err);
        const char *want = passed[i].says;
        expect(rc, *want == '!' ? want + 1 : NULL, passed[i].member, &err);
        if (!rc) {
            const bool good = *want ? strstr(imp.notes, want) != NULL : !*imp.notes;
            if (!good) fprintf(stderr, "%s: %s\n", passed[i].member, imp.notes);
            CHECK(good);
            roma_import_close(&imp);
        }
        h_free(&h);
    }
}

int main(void) {
    test_quantization();
    test_passed();
    return TEST_DONE();
}
