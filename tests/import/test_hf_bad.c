/* Hugging Face folders that must be refused, one line each: what is changed in a good one, the code, and words of the
 * message; every prefix of every file; every failing allocation; random flips. */
#include "../base/scarce.h"
#include "../test.h"
#include "hf_build.h"

typedef struct {
    h_form form;
    h_change change;
    int code;
    const char *text;
} bad_case;

#define DAMAGED ROMA_EDAMAGED
#define UNSUPPORTED ROMA_EUNSUPPORTED
#define INPUT ROMA_EINPUT
#define ST "model.safetensors"
#define INDEX "model.safetensors.index.json"
#define TOK "tokenizer.json"
#define SAYS "tokenizer_config.json"
#define GEN "generation_config.json"
#define SP "tokenizer.model"
#define CONFIG "config.json"
#define FIRST "\"shape\": [16, 32], \"data_offsets\": [0, 2048]"
#define SPACE_PATTERN "{\"String\": \" \"}"

/* clang-format off */
static const bad_case cases[] = {
    /* config.json */
    {H_BPE, {CONFIG, "-", ""}, INPUT, "no config.json in this folder"},
    {H_BPE, {CONFIG, "#0", ""}, INPUT, "not valid JSON"},
    {H_BPE, {CONFIG, "#40", ""}, INPUT, "not valid JSON"},
    {H_BPE, {CONFIG, "{", "["}, INPUT, "a configuration is an object"},
    {H_BPE, {CONFIG, "", "{}"}, INPUT, "not valid JSON"},
    {H_BPE, {CONFIG, "\"model_type\": \"llama\"", "\"model_type\": \"gpt_neox\""}, UNSUPPORTED, "'model_type': gpt_neox"},
    {H_BPE, {CONFIG, "LlamaForCausalLM", "LlamaModel"}, UNSUPPORTED, "LlamaModel is not supported"},
    {H_BPE, {CONFIG, "\"hidden_size\": 32", "\"hidden_size\": 64"}, DAMAGED, "shape [16, 32], but config.json asks for [16, 64]"},
    {H_BPE, {CONFIG, "\"hidden_size\": 32", "\"hidden_size\": 4294967328"}, UNSUPPORTED, "'hidden_size'"},
    {H_BPE, {CONFIG, "\"hidden_size\": 32", "\"hidden_size\": -32"}, UNSUPPORTED, "'hidden_size'"},
    {H_BPE, {CONFIG, "\"hidden_size\": 32", "\"hidden_size\": 32, \"hidden_size\": 32"}, INPUT, "key"},
    {H_BPE, {CONFIG, "\"intermediate_size\": 64", "\"intermediate_size\": 96"}, DAMAGED, "mlp.gate_proj.weight': shape [64, 32]"},
    {H_BPE, {CONFIG, "\"num_hidden_layers\": 1", "\"num_hidden_layers\": 2"}, INPUT, "layer 1: attn_norm is missing"},
    {H_BPE, {CONFIG, "\"num_hidden_layers\": 1", "\"num_hidden_layers\": 0"}, UNSUPPORTED, "'num_hidden_layers'"},
    {H_BPE, {CONFIG, "\"num_key_value_heads\": 1", "\"num_key_value_heads\": 2"}, DAMAGED, "k_proj.weight': shape [16, 32], but config.json asks for [32, 32]"},
    {H_BPE, {CONFIG, "\"num_attention_heads\": 2", "\"num_attention_heads\": 3"}, UNSUPPORTED, "no multiple of num_attention_heads"},
    {H_BPE, {CONFIG, "\"vocab_size\": 16", "\"vocab_size\": 17"}, DAMAGED, "embed_tokens.weight': shape [16, 32]"},
    {H_BPE, {CONFIG, "\"vocab_size\": 16,", ""}, UNSUPPORTED, "'vocab_size' is missing"},
    {H_BPE, {CONFIG, "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": 1"}, INPUT, "true or false"},
    {H_BPE, {CONFIG, "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true"}, INPUT, "'lm_head.weight' is not the embedding"},
    {H_SHARDS, {CONFIG, "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true"}, INPUT, "'lm_head.weight' is not the embedding"},
    {H_BPE, {CONFIG, "\"eos_token_id\": 2", "\"eos_token_id\": [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]"}, UNSUPPORTED, "more than 16 ids end a turn"},
    {H_BPE, {CONFIG, "\"rope_theta\": 10000.0", "\"rope_theta\": 1e400"}, UNSUPPORTED, "'rope_theta'"},
    {H_BPE, {CONFIG, "\"torch_dtype\"", "\"rope_scaling\": {\"rope_type\": \"longrope\"}, \"torch_dtype\""}, UNSUPPORTED, "longrope"},
    {H_BPE, {CONFIG, "\"torch_dtype\"", "\"num_local_experts\": 8, \"torch_dtype\""}, UNSUPPORTED, "'num_local_experts'"},
    {H_BPE, {CONFIG, "\"eos_token_id\": 2", "\"eos_token_id\": 16"}, INPUT, "eos_token_id has 16, of a vocabulary of 16"},
    {H_BPE, {CONFIG, "\"eos_token_id\": 2", "\"eos_token_id\": \"</s>\""}, DAMAGED, "eos_token_id: no token's id"},
    {H_BPE, {CONFIG, "\"eos_token_id\": 2", "\"eos_token_id\": [2, [3]]"}, DAMAGED, "eos_token_id: no token's id"},
    {H_BPE, {CONFIG, "\"bos_token_id\": 1", "\"bos_token_id\": 1.5"}, DAMAGED, "bos_token_id: no token's id"},
    /* weights: which files */
    {H_BPE, {ST, "-", ""}, INPUT, "no model.safetensors and no model.safetensors.index.json"},
    {H_SHARDS, {INDEX, "-", ""}, INPUT, "no model.safetensors and no"},
    {H_SHARDS, {"part-2.safetensors", "-", ""}, INPUT, "the shard part-2.safetensors is not there"},
    /* the file */
    {H_BPE, {ST, "#0", ""}, DAMAGED, "inside its header"},
    {H_BPE, {ST, "#7", ""}, DAMAGED, "inside its header"},
    {H_BPE, {ST, "#8", ""}, DAMAGED, "a header of"},
    {H_BPE, {ST, "#600", ""}, DAMAGED, "a header of"},
    {H_BPE, {ST, "#20000", ""}, DAMAGED, "outside the file"},
    {H_BPE, {ST, "@0", "ffffffffffffffff"}, DAMAGED, "a header of 18446744073709551615"},
    {H_BPE, {ST, "@0", "f8ffffffffffffff"}, DAMAGED, "a header of"},
    {H_BPE, {ST, "@0", "0000000000000000"}, INPUT, "does not begin with"},
    {H_BPE, {ST, "@0", "e803000000000000"}, INPUT, "JSON"},
    {H_BPE, {ST, "@0", "504b0304"}, UNSUPPORTED, "zip archive"},
    {H_BPE, {ST, "@8", "5b"}, INPUT, "does not begin with"},
    {H_BPE, {ST, "}", "}} "}, INPUT, "JSON"},
    /* one entry */
    {H_BPE, {ST, FIRST, "\"data_offsets\": [0, 2048]"}, DAMAGED, "shape is missing"},
    {H_BPE, {ST, FIRST, "\"shape\": [16, 32]"}, DAMAGED, "data_offsets is missing"},
    {H_BPE, {ST, "\"dtype\": \"F32\", ", ""}, DAMAGED, "dtype is missing"},
    {H_BPE, {ST, "\"dtype\": \"F32\"", "\"dtype\": 0"}, DAMAGED, "its dtype is no text"},
    {H_BPE, {ST, "\"dtype\": \"F32\"", "\"dtype\": \"F8_E4M3\""}, UNSUPPORTED, "dtype F8_E4M3"},
    {H_BPE, {ST, "\"dtype\": \"F32\"", "\"dtype\": \"U8\""}, UNSUPPORTED, "dtype U8"},
    {H_BPE, {ST, "\"dtype\": \"F32\"", "\"dtype\": \"I16\""}, UNSUPPORTED, "dtype I16"},
    {H_BPE, {ST, "\"dtype\": \"F32\"", "\"dtype\": \"F31\""}, UNSUPPORTED, "dtype F31 is unknown"},
    {H_BPE, {ST, "\"dtype\": \"F32\"", "\"dtype\": \"F16\""}, DAMAGED, "2048 bytes of data, but its shape needs 1024"},
    {H_BPE, {ST, FIRST, "\"shape\": [16, 64], \"data_offsets\": [0, 2048]"}, DAMAGED, "its shape needs 4096"},
    {H_BPE, {ST, FIRST, "\"shape\": [32, 16], \"data_offsets\": [0, 2048]"}, DAMAGED, "shape [32, 16], but config.json asks for [16, 32]"},
    {H_BPE, {ST, FIRST, "\"shape\": [512], \"data_offsets\": [0, 2048]"}, DAMAGED, "shape [512]"},
    {H_BPE, {ST, FIRST, "\"shape\": [4, 4, 32], \"data_offsets\": [0, 2048]"}, UNSUPPORTED, "3 dimensions"},
    {H_BPE, {ST, FIRST, "\"shape\": [], \"data_offsets\": [0, 4]"}, UNSUPPORTED, "0 dimensions"},
    {H_BPE, {ST, FIRST, "\"shape\": [0, 32], \"data_offsets\": [0, 0]"}, DAMAGED, "dimension 0 is 0"},
    {H_BPE, {ST, FIRST, "\"shape\": [4611686018427387904, 32], \"data_offsets\": [0, 2048]"}, DAMAGED, "its size overflows"},
    {H_BPE, {ST, FIRST, "\"shape\": [36893488147419103232, 32], \"data_offsets\": [0, 2048]"}, DAMAGED, "no whole number"},
    {H_BPE, {ST, FIRST, "\"shape\": [16.0, 32], \"data_offsets\": [0, 2048]"}, DAMAGED, "no whole number"},
    {H_BPE, {ST, FIRST, "\"shape\": [-16, 32], \"data_offsets\": [0, 2048]"}, DAMAGED, "no whole number"},
    {H_BPE, {ST, FIRST, "\"shape\": 512, \"data_offsets\": [0, 2048]"}, DAMAGED, "its shape is no list"},
    {H_BPE, {ST, FIRST, "\"shape\": [16, 32], \"data_offsets\": [2048, 0]"}, DAMAGED, "outside the file"},
    {H_BPE, {ST, FIRST, "\"shape\": [16, 32], \"data_offsets\": [0]"}, DAMAGED, "two whole numbers"},
    {H_BPE, {ST, FIRST, "\"shape\": [16, 32], \"data_offsets\": [0, 2048, 4096]"}, DAMAGED, "two whole numbers"},
    {H_BPE, {ST, FIRST, "\"shape\": [16, 32], \"data_offsets\": [128, 2176]"}, DAMAGED, "a hole"},
    {H_BPE, {ST, "[2048, 2176]", "[1920, 2048]"}, DAMAGED, "overlap"},
    {H_BPE, {ST, "[2048, 2176]", "[18446744073709551488, 18446744073709551615]"}, DAMAGED, "outside the file"},
    {H_BPE, {ST, FIRST, FIRST ", \"strides\": [32, 1]"}, DAMAGED, "unknown members"},
    {H_BPE, {ST, FIRST, FIRST ", \"shape\": [16, 32]"}, INPUT, "key"},
    /* names */
    {H_BPE, {ST, "model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.qkv_proj.weight"}, UNSUPPORTED, "no part of architecture llama"},
    {H_BPE, {ST, "model.layers.0.self_attn.q_proj.weight", "model.layers.00.self_attn.q_proj.weight"}, UNSUPPORTED, "no part of architecture"},
    {H_BPE, {ST, "model.layers.0.self_attn.q_proj.weight", "model.layers.1.self_attn.q_proj.weight"}, DAMAGED, "layer 1 of a model of 1 layers"},
    {H_BPE, {ST, "model.layers.0.self_attn.q_proj.weight", "blk.0.attn_q.weight"}, UNSUPPORTED, "no part of architecture"},
    {H_BPE, {ST, "model.layers.0.self_attn.q_proj.weight", "self_attn.q_proj.weight"}, UNSUPPORTED, "no part of architecture"},
    {H_BPE, {ST, "model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.q_proj.weight_scale"}, UNSUPPORTED, "no part of architecture"},
    {H_BPE, {ST, "model.layers.0.input_layernorm.weight", "model.layers.0.self_attn.q_norm.weight"}, UNSUPPORTED, "does not belong to architecture llama"},
    {H_BPE, {ST, "model.layers.0.input_layernorm.weight", "model.layers.0.input_layernorm.bias"}, UNSUPPORTED, "no part of architecture"},
    {H_BPE, {ST, "model.layers.0.input_layernorm.weight", "model.layers.0.self_attn.rotary_emb.inv_freq"}, INPUT, "layer 0: attn_norm is missing"},
    {H_BPE, {ST, "model.layers.0.self_attn.k_proj.weight", "model.layers.0.self_attn.v_proj.weight"}, INPUT, "key"},
    {H_BPE, {ST, "lm_head.weight", "lm_head.x.rotary_emb.inv_freq"}, INPUT, "tensor head is missing, but tie_word_embeddings of config.json says otherwise"},
    {H_BPE, {ST, "\"lm_head.weight\"", "\"\""}, DAMAGED, "a name of 0 bytes"},
    {H_BPE, {ST, "\"lm_head.weight\"", "\"lm head\""}, DAMAGED, "printable ASCII"},
    {H_BPE, {ST, "\"format\": \"pt\"", "\"format\": 1"}, DAMAGED, "a value is no text"},
    /* the index */
    {H_SHARDS, {INDEX, "#0", ""}, INPUT, "not valid JSON"},
    {H_SHARDS, {INDEX, "#100", ""}, INPUT, "not valid JSON"},
    {H_SHARDS, {INDEX, "\"weight_map\"", "\"weights\""}, DAMAGED, "'weight_map' is missing"},
    {H_SHARDS, {INDEX, "\"weight_map\": {", "\"weight_map\": 1, \"x\": {"}, DAMAGED, "weight_map must be an object"},
    {H_SHARDS, {INDEX, "\"part-1.safetensors\"", "1"}, DAMAGED, "no name of a safetensors file"},
    {H_SHARDS, {INDEX, "part-1.safetensors", "../part-1.safetensors"}, DAMAGED, "no name of a safetensors file"},
    {H_SHARDS, {INDEX, "part-1.safetensors", "/etc/passwd"}, DAMAGED, "'/etc/passwd' is no name"},
    {H_SHARDS, {INDEX, "part-1.safetensors", "part-1.safetensors\\u0000x"}, DAMAGED, "no name of a safetensors file"},
    {H_SHARDS, {INDEX, "part-1.safetensors", ".safetensors"}, DAMAGED, "no name of a safetensors file"},
    {H_SHARDS, {INDEX, "part-1.safetensors", "pytorch_model.bin"}, DAMAGED, "no name of a safetensors file"},
    {H_SHARDS, {INDEX, "part-1.safetensors", "part-3.safetensors"}, INPUT, "the shard part-3.safetensors is not there"},
    {H_SHARDS, {INDEX, "part-1.safetensors", "part-2.safetensors"}, DAMAGED, "is not in it, where the index says"},
    {H_SHARDS, {INDEX, "\"model.embed_tokens.weight\": \"part-1.safetensors\",", ""}, DAMAGED, "hold 12 tensors, but the index names 11"},
    {H_SHARDS, {INDEX, "model.embed_tokens.weight", "model.embed.weight"}, DAMAGED, "'model.embed.weight' is not in it"},
    {H_SHARDS, {INDEX, "", "x"}, INPUT, "not valid JSON"},
    {H_SHARDS, {"part-2.safetensors", "model.norm.weight", "model.layers.0.input_layernorm.weight"}, DAMAGED, "is not in it"},
    {H_SHARDS, {"part-2.safetensors", "#50", ""}, DAMAGED, "a header of"},
    /* tokenizer.json */
    {H_BPE, {TOK, "#0", ""}, INPUT, "not valid JSON"},
    {H_BPE, {TOK, "#1000", ""}, INPUT, "not valid JSON"},
    {H_BPE, {TOK, "", "0"}, INPUT, "not valid JSON"},
    {H_BPE, {TOK, "\"padding\": null", "\"normaliser\": null"}, UNSUPPORTED, "'normaliser' is no part of a tokenizer"},
    {H_BPE, {TOK, "\"model\": {", "\"model\": null, \"padding2\": {"}, DAMAGED, "model must be an object"},
    {H_BPE, {TOK, "\"added_tokens\": [", "\"added_tokens\": 1, \"padding2\": ["}, DAMAGED, "added_tokens must be a list"},
    {H_BPE, {TOK, "\"id\": 0, ", ""}, DAMAGED, "an id and content"},
    {H_BPE, {TOK, "\"id\": 0,", "\"id\": -1,"}, DAMAGED, "no whole number"},
    {H_BPE, {TOK, "\"id\": 0,", "\"id\": 16,"}, INPUT, "has the id 16, but the embedding has 16 rows"},
    {H_BPE, {TOK, "\"id\": 0,", "\"id\": 3,"}, DAMAGED, "has the id 3 of another token"},
    {H_BPE, {TOK, "\"content\": \"<|im_start|>\"", "\"content\": \"\""}, DAMAGED, "content of an added token"},
    {H_BPE, {TOK, "\"lstrip\": false", "\"lstrip\": true"}, UNSUPPORTED, "lstrip is not supported"},
    {H_BPE, {TOK, "\"rstrip\": false", "\"rstrip\": true"}, UNSUPPORTED, "rstrip is not supported"},
    {H_BPE, {TOK, "\"single_word\": false", "\"single_word\": true"}, UNSUPPORTED, "single_word is not supported"},
    {H_BPE, {TOK, "\"special\": true", "\"special\": 1"}, DAMAGED, "special of an added token must be true or false"},
    {H_BPE, {TOK, "\"special\": true", "\"special\": true, \"regex\": \"a*\""}, UNSUPPORTED, "unknown member 'regex'"},
    /* normalizer, pre-tokenizer, decoder */
    {H_BPE, {TOK, "\"normalizer\": null", "\"normalizer\": {\"type\": \"NFKC\"}"}, UNSUPPORTED, "the normalizer of this pre_tokenizer is none that is known: NFKC"},
    {H_BPE, {TOK, "\"normalizer\": null", "\"normalizer\": {\"type\": \"NFD\"}"}, UNSUPPORTED, "the normalizer of this pre_tokenizer"},
    {H_BPE, {TOK, "\"normalizer\": null", "\"normalizer\": [1]"}, UNSUPPORTED, "normalizer: must be an object"},
    {H_BPE, {TOK, "\"normalizer\": null", "\"normalizer\": {\"nfc\": true}"}, UNSUPPORTED, "its type is missing"},
    {H_BPE, {TOK, "\"individual_digits\": true", "\"individual_digits\": false"}, UNSUPPORTED, "Digits individual_digits=false"},
    {H_BPE, {TOK, "{\"type\": \"Digits\", \"individual_digits\": true}", "{\"type\": \"Whitespace\"}"}, UNSUPPORTED, "pre_tokenizer is none that is known: Whitespace"},
    {H_BPE, {TOK, "{\"type\": \"Digits\", \"individual_digits\": true}", "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(a+)+$\"}, \"behavior\": \"Isolated\", \"invert\": false}"}, UNSUPPORTED, "re:(a+)+$"},
    {H_BPE, {TOK, "{\"type\": \"Digits\", \"individual_digits\": true}", "{\"type\": \"Split\", \"pattern\": {\"Glob\": \"a\"}}"}, UNSUPPORTED, "a pattern is a Regex or a String"},
    {H_BPE, {TOK, "{\"type\": \"Digits\", \"individual_digits\": true}", "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"a\", \"String\": \"b\"}}"}, UNSUPPORTED, "a pattern has one member"},
    {H_BPE, {TOK, "{\"type\": \"Digits\", \"individual_digits\": true}", "{\"type\": \"Digits\", \"deep\": {\"er\": 1}}"}, UNSUPPORTED, "a list or object where none"},
    {H_BPE, {TOK, "\"add_prefix_space\": false", "\"add_prefix_space\": true"}, UNSUPPORTED, "add_prefix_space=true"},
    {H_BPE, {TOK, "\"pre_tokenizer\": {", "\"pre_tokenizer\": null, \"padding2\": {"}, UNSUPPORTED, "'padding2'"},
    {H_BPE, {TOK, "\"decoder\": {\"type\": \"ByteLevel\"", "\"decoder\": {\"type\": \"WordPiece\""}, UNSUPPORTED, "decoder is none that is known: WordPiece"},
    {H_SPM, {TOK, SPACE_PATTERN, "{\"Regex\": \" \"}"}, UNSUPPORTED, "normalizer is none that is known"},
    {H_SPM, {TOK, SPACE_PATTERN, "{\"String\": \"  \"}"}, UNSUPPORTED, "normalizer is none that is known"},
    {H_SPM, {TOK, "\"prepend\": \"" H_MARK "\"", "\"prepend\": \"x\""}, UNSUPPORTED, "normalizer is none that is known"},
    {H_SPM, {TOK, "\"pre_tokenizer\": null", "\"pre_tokenizer\": {\"type\": \"Whitespace\"}"}, UNSUPPORTED, "pre_tokenizer is none that is known"},
    {H_SPM, {TOK, "{\"type\": \"Fuse\"}, ", ""}, UNSUPPORTED, "decoder is none that is known"},
    {H_SPM, {TOK, "\"start\": 1", "\"start\": 2"}, UNSUPPORTED, "decoder is none that is known"},
    /* post-processor */
    {H_BPE, {TOK, "\"type\": \"TemplateProcessing\"", "\"type\": \"BertProcessing\""}, UNSUPPORTED, "type BertProcessing is not supported"},
    {H_BPE, {TOK, "\"type\": \"TemplateProcessing\", ", ""}, UNSUPPORTED, "its type is missing"},
    {H_BPE, {TOK, "\"id\": \"A\"", "\"id\": \"B\""}, UNSUPPORTED, "a piece is not named"},
    {H_BPE, {TOK, "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}", "{\"SpecialToken\": {\"id\": \"<|im_start|>\"}}"}, UNSUPPORTED, "more than one token"},
    {H_BPE, {TOK, "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}", "{\"Sequence\": {\"id\": \"A\"}}, {\"Sequence\": {\"id\": \"A\"}}"}, UNSUPPORTED, "more than one token"},
    {H_BPE, {TOK, ",\n  {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}", ""}, UNSUPPORTED, "the text itself is missing"},
    {H_BPE, {TOK, "\"SpecialToken\"", "\"Special\""}, UNSUPPORTED, "a Sequence or a SpecialToken"},
    {H_BPE, {TOK, "{\"id\": \"<|im_start|>\", \"type_id\"", "{\"id\": \"<|im_end|>\", \"type_id\""}, UNSUPPORTED, "puts '<|im_end|>' before a text, which is not the bos token"},
    {H_BPE, {TOK, "{\"id\": \"<|im_start|>\", \"type_id\"", "{\"id\": \"<|none|>\", \"type_id\""}, UNSUPPORTED, "puts '<|none|>' before a text"},
    /* the model of the tokenizer */
    {H_BPE, {TOK, "\"type\": \"BPE\"", "\"type\": \"Unigram\""}, UNSUPPORTED, "type Unigram is not supported; BPE is"},
    {H_BPE, {TOK, "\"type\": \"BPE\"", "\"type\": \"WordPiece\""}, UNSUPPORTED, "type WordPiece"},
    {H_BPE, {TOK, "\"dropout\": null", "\"dropout\": 0.1"}, UNSUPPORTED, "dropout is not supported"},
    {H_BPE, {TOK, "\"continuing_subword_prefix\": null", "\"continuing_subword_prefix\": \"##\""}, UNSUPPORTED, "continuing_subword_prefix is not supported"},
    {H_BPE, {TOK, "\"end_of_word_suffix\": null", "\"end_of_word_suffix\": \"</w>\""}, UNSUPPORTED, "end_of_word_suffix is not supported"},
    {H_BPE, {TOK, "\"unk_token\": null", "\"unk_token\": \"<unk>\""}, UNSUPPORTED, "unk_token without byte_fallback"},
    {H_BPE, {TOK, "\"ignore_merges\": false", "\"ignore_merges\": 0"}, DAMAGED, "ignore_merges must be true or false"},
    {H_BPE, {TOK, "\"fuse_unk\": false", "\"fuse_unkn\": false"}, UNSUPPORTED, "'fuse_unkn' is unknown"},
    {H_BPE, {TOK, "\"byte_fallback\": false", "\"byte_fallback\": true"}, UNSUPPORTED, "needs fuse_unk true"},
    {H_BPE, {TOK, "\"vocab\": {", "\"vocab\": [[\"a\", 0.1]], \"v\": {"}, UNSUPPORTED, "vocab is no object"},
    {H_BPE, {TOK, "\"a\": 3", "\"a\": \"3\""}, DAMAGED, "token 'a': its id is no whole number"},
    {H_BPE, {TOK, "\"a\": 3", "\"a\": 16"}, INPUT, "token 'a' has the id 16, but the embedding has 16 rows"},
    {H_BPE, {TOK, "\"a\": 3", "\"a\": 2"}, DAMAGED, "token 'a' has the id 2 of another token"},
    {H_BPE, {TOK, "\"a\": 3", "\"a\": 3, \"a\": 15"}, INPUT, "key"},
    {H_BPE, {TOK, "\"merges\": [\"a b\"", "\"merges\": [\"ab\""}, DAMAGED, "merge 0 is not two tokens"},
    {H_BPE, {TOK, "\"merges\": [\"a b\"", "\"merges\": [\"a z\""}, DAMAGED, "merge 0: its right half, 'z'"},
    {H_BPE, {TOK, "\"merges\": [\"a b\"", "\"merges\": [\"z b\""}, DAMAGED, "merge 0: its left half, 'z'"},
    {H_BPE, {TOK, "\"merges\": [\"a b\"", "\"merges\": [\"g h\""}, DAMAGED, "merge"},
    {H_BPE, {TOK, "\"merges\": [\"a b\"", "\"merges\": [\"a b\", \"a b\""}, DAMAGED, "merge"},
    {H_BPE, {TOK, "[\"c\", \"d\"]", "[\"c\"]"}, DAMAGED, "merge 1 is not two tokens"},
    {H_BPE, {TOK, "[\"c\", \"d\"]", "[\"c\", \"d\", \"e\"]"}, DAMAGED, "merge 1 is not two tokens"},
    {H_BPE, {TOK, "[\"c\", \"d\"]", "[\"c\", 1]"}, DAMAGED, "merge 1 is not two tokens"},
    {H_BPE, {TOK, "[\"c\", \"d\"]", "7"}, DAMAGED, "merge 1 is not two tokens"},
    {H_SPM, {TOK, "\"fuse_unk\": true", "\"fuse_unk\": false"}, UNSUPPORTED, "needs fuse_unk true"},
    {H_SPM, {TOK, "\"a b\", ", ""}, UNSUPPORTED, "3 merges, but the tokens can be split in 4 ways"},
    {H_SPM, {TOK, "\"a b\", ", "\"a c\", "}, DAMAGED, "merge 1 gives 'ac', which is no token"},
    {H_SPM, {TOK, "\"a b\", \"" H_MARK "a b\", ", "\"" H_MARK "a b\", \"a b\", "}, UNSUPPORTED, "does not stand beside it"},
    {H_SPM, {TOK, "<0x0A>", "<0x00 >"}, 0, ""},
    /* special tokens and what begins a text */
    {H_BPE, {SAYS, "\"bos_token\": \"<|im_start|>\"", "\"bos_token\": \"<s>\""}, INPUT, "bos_token '<s>' is no token of the vocabulary"},
    {H_BPE, {SAYS, "\"content\": \"<|im_end|>\"", "\"content\": \"</s>\""}, INPUT, "eos_token '</s>' is no token"},
    {H_BPE, {SAYS, "\"content\": \"<|im_end|>\", ", ""}, DAMAGED, "eos_token has no content"},
    {H_BPE, {SAYS, "\"bos_token\": \"<|im_start|>\"", "\"bos_token\": 1"}, DAMAGED, "bos_token must be a text"},
    {H_BPE, {SAYS, "\"bos_token\": \"<|im_start|>\"", "\"bos_token\": \"<|im\\u0000\""}, DAMAGED, "holds a 0"},
    {H_BPE, {SAYS, "\"model_max_length\": 128", "\"add_bos_token\": 1"}, DAMAGED, "add_bos_token must be true or false"},
    {H_BPE, {SAYS, "\"chat_template\": \"{{ messages[0].content }}\"", "\"chat_template\": 1"}, DAMAGED, "chat_template must be a text or a list"},
    {H_SPM, {SAYS, "[{\"name\": \"tool_use\"", "[1, {\"name\": \"tool_use\""}, DAMAGED, "a list of objects"},
    {H_SPM, {SAYS, "\"name\": \"tool_use\"", "\"name\": 1"}, DAMAGED, "name and template are texts"},
    {H_SPM, {SAYS, "\"add_bos_token\": true", "\"add_prefix_space\": false"}, UNSUPPORTED, "add_prefix_space is false, but tokenizer.json"},
    {H_BPE, {SAYS, "#20", ""}, INPUT, "not valid JSON"},
    {H_BPE, {SAYS, "{", "[{"}, INPUT, "a configuration is an object"},
    {H_BPE, {GEN, "[2, 0]", "[2, 16]"}, INPUT, "eos_token_id has 16"},
    {H_BPE, {GEN, "[2, 0]", "{}"}, DAMAGED, "no token's id"},
    {H_BPE, {GEN, "#10", ""}, INPUT, "not valid JSON"},
    {H_BPE, {"vocab.json", "+", "{}"}, 0, ""},
    {H_BPE, {SAYS, "\"model_max_length\": 128", "\"added_tokens_decoder\": {\"3\": {\"content\": \"<tool>\"}}"}, DAMAGED, "added token '<tool>' has the id 3 of another token"},
    {H_BPE, {SAYS, "\"model_max_length\": 128", "\"added_tokens_decoder\": {\"16\": {\"content\": \"<tool>\"}}"}, INPUT, "has the id 16"},
    {H_BPE, {SAYS, "\"model_max_length\": 128", "\"added_tokens_decoder\": {\"15\": {\"content\": \"<tool>\", \"rstrip\": true}}"}, UNSUPPORTED, "rstrip is not supported"},
    {H_BPE, {SAYS, "\"model_max_length\": 128", "\"additional_special_tokens\": [\"<tool>\"]"}, INPUT, "special token '<tool>' is no token"},
    {H_BPE, {SAYS, "\"model_max_length\": 128", "\"extra_special_tokens\": {\"image\": {\"content\": \"<tool>\"}}"}, INPUT, "special token '<tool>' is no token"},
    {H_BPE, {SAYS, "\"model_max_length\": 128", "\"extra_special_tokens\": 1"}, DAMAGED, "must be a list or an object"},
    {H_BPE, {SAYS, "\"model_max_length\": 128", "\"additional_special_tokens\": [1]"}, DAMAGED, "must be a text"},
    {H_BPE, {"special_tokens_map.json", "+", "{\"eos_token\": \"</s>\"}"}, INPUT, "eos_token '</s>' is no token"},
    {H_BPE, {"special_tokens_map.json", "+", "[]"}, INPUT, "a configuration is an object"},
    {H_BPE, {"special_tokens_map.json", "+", "{\"additional_special_tokens\": [\"<tool>\"]}"}, INPUT, "special token '<tool>' is no token"},
    {H_BPE, {"added_tokens.json", "+", "{\"<tool>\": 16}"}, INPUT, "added token '<tool>' has the id 16"},
    {H_BPE, {"added_tokens.json", "+", "{\"<tool>\": 3}"}, DAMAGED, "has the id 3 of another token"},
    {H_BPE, {"added_tokens.json", "+", "{\"<tool>\": \"15\"}"}, DAMAGED, "no whole number"},
    {H_BPE, {"added_tokens.json", "+", "{\"\": 15}"}, DAMAGED, "a text of 1 to"},
    {H_BPE, {"added_tokens.json", "+", "[]"}, DAMAGED, "an object of texts and ids"},
    {H_BPE, {"added_tokens.json", "+", "{}x"}, INPUT, "not valid JSON"},
    /* tokenizer.model */
    {H_MODEL, {SP, "#0", ""}, DAMAGED, "no pieces"},
    {H_MODEL, {SP, "#10", ""}, DAMAGED, "no SentencePiece model, or a damaged one"},
    {H_MODEL, {SP, "@0", "00"}, DAMAGED, "no SentencePiece model"},
    {H_MODEL, {SP, "@0", "0b"}, DAMAGED, "no SentencePiece model"},
    {H_MODEL, {SP, "@1", "ffffffffffffffffffff"}, DAMAGED, "no SentencePiece model"},
    {H_MODEL, {SP, "@2", "12"}, DAMAGED, "a piece without a text"},
    {H_MODEL, {SP, "@15", "07"}, DAMAGED, "a piece without a text, or of a type that there is not"},
    {H_MODEL, {SP, "@10", "0000c07f"}, DAMAGED, "score is not finite"},
    {H_MODEL, {SAYS, "\"13\"", "\"x\""}, DAMAGED, "a key is no id"},
    {H_MODEL, {SAYS, "\"13\"", "\"16\""}, INPUT, "added token '<tool>' has the id 16"},
    {H_MODEL, {SAYS, "\"13\"", "\"6\""}, DAMAGED, "added token '<tool>' has the id 6 of another token"},
    {H_MODEL, {SAYS, "\"normalized\": true", "\"lstrip\": true"}, UNSUPPORTED, "lstrip is not supported"},
    {H_MODEL, {SAYS, "{\"13\": {", "[{\"13\": {"}, DAMAGED, "added_tokens_decoder must be an object"},
};
/* clang-format on */

static int open_one(const h_folder *h, roma_import *imp, roma_error *err) {
    memset(err, 0, sizeof *err);
    return roma_import_open_files(imp, h->file, h->n, err);
}

static void test_cases(void) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bad_case *c = &cases[i];
        h_folder h;
        roma_import imp;
        roma_error err;
        h_make(&h, c->form, &c->change);
        const int rc = open_one(&h, &imp, &err);
        if (rc != c->code || !strstr(err.text, c->text))
            fprintf(stderr, "%s: '%s' to '%s': %d, %s\n", c->change.file, c->change.from, c->change.to, rc, err.text);
        CHECK_EQ(rc, c->code);
        CHECK(!rc || strstr(err.text, c->text));
        if (!rc) roma_import_close(&imp);
        h_free(&h);
    }
}

/* ---- the good ones, and each of their prefixes ---- */

static void test_good(void) {
    for (h_form f = H_BPE; f <= H_SHARDS; f++) {
        h_folder h;
        roma_import imp;
        roma_error err;
        h_make(&h, f, NULL);
        CHECK_EQ(open_one(&h, &imp, &err), 0);
        if (err.code) fprintf(stderr, "form %d: %s\n", f, err.text);
        CHECK(imp.is_folder && imp.model.n_tensors == H_TENSORS && imp.has_vocab == (f != H_SHARDS));
        CHECK_EQ(imp.vocab.n_eog, f == H_BPE ? 2 : f == H_SHARDS ? 0 : 1);
        CHECK_EQ(imp.vocab.add_bos, f != H_SHARDS);
        CHECK_EQ(roma_import_check_values(&imp, NULL, &err), 0);
        CHECK_EQ(roma_import_hash(&imp, NULL, &err), 0);
        CHECK(imp.source_bytes > 20000);
        roma_import_close(&imp);
        h_free(&h);
    }
}

/* A file that ends too early is refused, wherever it ends, or is whole without its end. */
static void test_prefixes(void) {
    for (h_form f = H_BPE; f <= H_SHARDS; f++) {
        h_folder h;
        h_make(&h, f, NULL);
        for (size_t i = 0; i < h.n; i++) {
            const roma_import_file whole = h.file[i];
            const bool weights = strstr(whole.name, ".safetensors") && !strstr(whole.name, "json");
            for (uint64_t n = 0; n < whole.size; n += weights && n > 1500 ? 997 : 1) {
                roma_import imp;
                roma_error err;
                uint8_t *tight = malloc(n ? n : 1);
                if (!tight) abort();
                if (n) memcpy(tight, whole.data, n);
                h.file[i].data = tight;
                h.file[i].size = n;
                const int rc = open_one(&h, &imp, &err);
                CHECK(rc == err.code && (rc != 0 || strcmp(whole.name, SP) == 0));
                if (!rc) roma_import_close(&imp);
                free(tight);
            }
            h.file[i] = whole;
        }
        h_free(&h);
    }
}

/* What says which tokens there are and what they are called, in new folders and old ones: the token at an id, its
 * type, the bos and eos tokens, and how many notes there are. As transformers 5.24 reads them. */
static void test_specials(void) {
    static const struct {
        h_form form;
        h_change change;
        uint32_t id;
        uint8_t type;
        const char *text;
        int32_t bos, eos;
        const char *note;
    } v[] = {
        {H_BPE, {SAYS, "128", "128"}, 15, ROMA_TT_UNUSED, "[PAD15]", 1, 2, ""},
        {H_BPE,
         {SAYS, "\"model_max_length\": 128", "\"added_tokens_decoder\": {\"15\": {\"content\": \"<tool>\"}}"},
         15,
         ROMA_TT_USER,
         "<tool>",
         1,
         2,
         ""},
        {H_BPE,
         {SAYS, "\"model_max_length\": 128",
          "\"added_tokens_decoder\": {\"14\": {\"content\": \"h\", \"special\": true}}"},
         14,
         ROMA_TT_CONTROL,
         "h",
         1,
         2,
         ""},
        {H_BPE,
         {SAYS, "\"model_max_length\": 128", "\"additional_special_tokens\": [\"g\"]"},
         13,
         ROMA_TT_CONTROL,
         "g",
         1,
         2,
         ""},
        {H_BPE, {SAYS, "\"pad_token\": \"<|im_end|>\"", "\"pad_token\": \"h\""}, 14, ROMA_TT_CONTROL, "h", 1, 2, ""},
        {H_BPE,
         {"adapter_config.json", "+", "{}"},
         14,
         ROMA_TT_NORMAL,
         "h",
         1,
         2,
         "the adapter is not part of the image"},
        {H_BPE,
         {SAYS, "\"unk_token\": null", "\"unk_token\": {\"content\": \"h\"}"},
         14,
         ROMA_TT_CONTROL,
         "h",
         1,
         2,
         ""},
        {H_BPE,
         {SAYS, "\"pad_token\": \"<|im_end|>\"", "\"pad_token\": \"[P]\""},
         14,
         ROMA_TT_NORMAL,
         "h",
         1,
         2,
         "pad_token '[P]' is no token of the vocabulary"},
        {H_BPE,
         {SAYS, "\"<|im_start|>\"", "\"h\", \"add_bos_token\": false"},
         14,
         ROMA_TT_CONTROL,
         "h",
         14,
         2,
         "the key counts"},
        {H_BPE,
         {SAYS, "\"model_max_length\": 128", "\"add_eos_token\": true"},
         3,
         ROMA_TT_NORMAL,
         "a",
         1,
         2,
         "'add_eos_token' of tokenizer_config.json is true"},
        {H_BPE, {"added_tokens.json", "+", "{\"<tool>\": 15}"}, 15, ROMA_TT_USER, "<tool>", 1, 2, ""},
        {H_BPE,
         {"special_tokens_map.json", "+",
          "{\"eos_token\": {\"content\": \"h\"}, \"additional_special_tokens\": [\"g\"]}"},
         13,
         ROMA_TT_CONTROL,
         "g",
         1,
         14,
         ""},
        {H_MODEL,
         {"added_tokens.json", "+", "{\"<tool>\": 12}"},
         12,
         ROMA_TT_UNUSED,
         "[PAD12]",
         1,
         2,
         ""}, /* there is an added_tokens_decoder */
        {H_MODEL,
         {SAYS, "\"added_tokens_decoder\"", "\"nothing\""},
         13,
         ROMA_TT_UNUSED,
         "[PAD13]",
         1,
         2,
         "passed over: nothing"},
        {H_SPM, {SAYS, "128", "128"}, 13, ROMA_TT_USER, "<tool>", 1, 2, "1 added token, '<tool>' first, is normalised"},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        h_folder h;
        roma_import imp;
        roma_error err;
        h_make(&h, v[i].form, strcmp(v[i].change.from, "128") ? &v[i].change : NULL);
        CHECK_EQ(open_one(&h, &imp, &err), 0);
        if (err.code) fprintf(stderr, "case %zu: %s\n", i, err.text);
        if (!err.code) {
            const roma_vocab *o = &imp.vocab;
            const uint32_t at = o->text_off[v[i].id], len = o->text_off[v[i].id + 1] - at;
            CHECK_EQ(o->type[v[i].id], v[i].type);
            CHECK(len == strlen(v[i].text) && memcmp(o->text + at, v[i].text, len) == 0);
            CHECK(o->bos == v[i].bos && o->eos == v[i].eos);
            CHECK(*v[i].note ? strstr(imp.notes, v[i].note) != NULL : !*imp.notes);
            roma_import_close(&imp);
        }
        h_free(&h);
    }
}

/* ---- allocations that fail, and random flips ---- */

static void test_memory(void) {
    for (h_form f = H_BPE; f <= H_SHARDS; f++) {
        h_folder h;
        h_make(&h, f, NULL);
        int rc = ROMA_ENOMEM;
        for (int n = 0; rc && n < 2000; n++) {
            roma_import imp;
            roma_error err;
            scarce_begin_once(n);
            rc = open_one(&h, &imp, &err);
            CHECK(!rc || rc == ROMA_ENOMEM);
            if (!rc) roma_import_close(&imp);
            CHECK_EQ(scarce_outstanding, 0);
        }
        roma_allocator_set(NULL);
        CHECK_EQ(rc, 0);
        h_free(&h);
    }
}

static void test_flips(void) {
    const uint32_t tries = test_effort(4000);
    for (uint32_t i = 0; i < tries; i++) {
        h_folder h;
        roma_import imp;
        roma_error err;
        h_make(&h, (h_form)(i % 4), NULL);
        for (uint64_t k = 0; k <= roma_random(i, 1) % 3; k++) {
            const roma_import_file *file = &h.file[roma_random(i, 10 + k) % h.n];
            const uint64_t most = strstr(file->name, "part") || strcmp(file->name, ST) == 0 ? 1500 : file->size;
            ((uint8_t *)(uintptr_t)file->data)[roma_random(i, 20 + k) % most] ^=
                (uint8_t)(1u << roma_random(i, 30 + k) % 8);
        }
        const int rc = open_one(&h, &imp, &err);
        CHECK(rc == err.code && (!rc || err.text[0]));
        if (!rc) roma_import_close(&imp);
        h_free(&h);
    }
}

int main(void) {
    CHECK(sizeof cases / sizeof *cases >= 150);
    test_cases();
    test_good();
    test_specials();
    test_prefixes();
    test_memory();
    test_flips();
    return TEST_DONE();
}
