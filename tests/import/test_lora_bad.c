/* Adapters that must be refused, one line each: what is changed in a good one, the code, and words of the message;
 * every prefix; every failing allocation. */
#include "../base/scarce.h"
#include "../test.h"
#include "gguf_spoil.h"
#include "peft_build.h"

typedef struct {
    const char *id, *op, *from, *to;
    int code;
    const char *text;
} bad_case;

#define DAMAGED ROMA_EDAMAGED
#define UNSUPPORTED ROMA_EUNSUPPORTED
#define INPUT ROMA_EINPUT
#define FIRST "\"shape\": [2, 64], \"data_offsets\": [0, 512]"
#define KEY "\"inference_mode\": true"

/* clang-format off */
static const bad_case cases[] = {
    /* the file */
    {"empty", "cut", "0", "", DAMAGED, "inside its header"},
    {"7 bytes", "cut", "7", "", DAMAGED, "inside its header"},
    {"only a length", "cut", "8", "", DAMAGED, "a header of"},
    {"header cut", "cut", "100", "", DAMAGED, "a header of"},
    {"data cut by one byte", "cut", "-1", "", DAMAGED, "outside the file"},
    {"no data", "cut", "-1792", "", DAMAGED, "outside the file"},
    {"one byte too many", "tail", "1", "", DAMAGED, "1 bytes behind the last tensor"},
    {"polyglot", "tail", "4096", "", DAMAGED, "behind the last tensor"},
    {"header length 2^64 - 1", "len", "0xffffffffffffffff", "", DAMAGED, "a header of"},
    {"fastllm: header length plus 8 wraps", "len", "0xfffffffffffffff8", "", DAMAGED, "a header of"},
    {"header length 0", "len", "0", "", INPUT, "does not begin with"},
    {"header length 1", "len", "1", "", INPUT, "does not begin with"},
    {"header length into the data", "len", "1000", "", INPUT, "JSON"},
    {"header length too short", "len", "300", "", INPUT, "JSON"},
    /* JSON of the header */
    {"no object", "h", "{\"__meta", "[\"__meta", INPUT, "does not begin with"},
    {"blank first", "h", "{\"__meta", " {\"__meta", INPUT, "does not begin with"},
    {"missing comma", "h", "512]},", "512]}", INPUT, "not valid JSON"},
    {"trailing comma", "h", "1792]}}", "1792]},}", INPUT, "not valid JSON"},
    {"text behind the object", "h", "1792]}}", "1792]}}x", INPUT, "not valid JSON"},
    {"a tensor twice", "h", "v_proj.lora_A", "q_proj.lora_A", INPUT, "duplicate"},
    {"a member twice", "h", FIRST, FIRST ", \"shape\": [1]", INPUT, "duplicate"},
    {"raw control character", "h", "\"pt\"", "\"p\x01t\"", INPUT, "not valid JSON"},
    {"byte FF", "h", "\"pt\"", "\"\xff\"", INPUT, "not valid JSON"},
    {"lone surrogate", "h", "\"pt\"", "\"\\ud800\"", INPUT, "not valid JSON"},
    {"NUL escape in a key", "h", "q_proj.lora_A", "q\\u0000", DAMAGED, "printable ASCII"},
    {"NaN", "h", "[2, 64]", "[2, NaN]", INPUT, "not valid JSON"},
    {"number of 2^64", "h", "[2, 64]", "[2, 18446744073709551616]", DAMAGED, "dimension 1 is no whole number"},
    {"1e400", "h", "[2, 64]", "[2, 1e400]", DAMAGED, "dimension 1 is no whole number"},
    {"leading zero", "h", "[2, 64]", "[2, 064]", INPUT, "not valid JSON"},
    {"single quotes", "h", "\"pt\"", "'pt'", INPUT, "not valid JSON"},
    {"comment", "h", "\"pt\"", "/**/\"pt\"", INPUT, "not valid JSON"},
    {"33 levels", "h", "\"pt\"", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", INPUT, "nested"},
    {"metadata of numbers", "h", "\"pt\"", "1", DAMAGED, "a value is no text"},
    {"metadata no object", "h", "{\"format\": \"pt\"}", "[]", DAMAGED, "it is no object"},
    /* entries */
    {"entry no object", "h", "{\"dtype\": \"F32\", " FIRST "}", "7", DAMAGED, "no object"},
    {"no dtype", "h", "\"dtype\": \"F32\", ", "", DAMAGED, "dtype is missing"},
    {"no shape", "h", "\"shape\": [2, 64], ", "", DAMAGED, "shape is missing"},
    {"no offsets", "h", ", \"data_offsets\": [0, 512]", "", DAMAGED, "data_offsets is missing"},
    {"unknown member", "h", FIRST, FIRST ", \"x\": 1", DAMAGED, "unknown members"},
    {"dtype a number", "h", "\"F32\"", "32", DAMAGED, "dtype is no text"},
    {"dtype I16", "h", "\"F32\"", "\"I16\"", UNSUPPORTED, "dtype I16; F32, F16 and BF16"},
    {"dtype I8", "h", "\"F32\"", "\"I8\"", UNSUPPORTED, "dtype I8"},
    {"dtype BOOL", "h", "\"F32\"", "\"BOOL\"", UNSUPPORTED, "dtype BOOL"},
    {"dtype FP8", "h", "\"F32\"", "\"F8_E4M3\"", UNSUPPORTED, "dtype F8_E4M3"},
    {"dtype unknown", "h", "\"F32\"", "\"F3\"", UNSUPPORTED, "dtype F3 is unknown"},
    {"dtype in lower case", "h", "\"F32\"", "\"f32\"", UNSUPPORTED, "unknown"},
    {"dtype of another size", "h", "\"F32\"", "\"F16\"", DAMAGED, "its shape needs 256"},
    {"shape a number", "h", "[2, 64]", "128", DAMAGED, "shape is no list"},
    {"shape empty", "h", "[2, 64]", "[]", UNSUPPORTED, "0 dimensions"},
    {"shape of three", "h", "[2, 64]", "[2, 8, 8]", UNSUPPORTED, "3 dimensions"},
    {"shape of one", "h", "[2, 64]", "[128]", INPUT, "1 dimensions instead of 2"},
    {"dimension 0", "h", "[2, 64]", "[0, 64]", DAMAGED, "dimension 0 is 0"},
    {"dimension negative", "h", "[2, 64]", "[-2, -64]", DAMAGED, "dimension 0 is no whole number"},
    {"dimension a float", "h", "[2, 64]", "[2.0, 64]", DAMAGED, "dimension 0 is no whole number"},
    {"dimension a text", "h", "[2, 64]", "[2, \"64\"]", DAMAGED, "dimension 1 is no whole number"},
    {"dimensions whose product wraps", "h", "[2, 64]", "[4611686018427387904, 32]", DAMAGED, "overflows"},
    {"dimensions that wrap to 512 bytes", "h", "[2, 64]", "[4611686018427387905, 128]", DAMAGED, "overflows"},
    {"dimensions huge", "h", "[2, 64]", "[2, 9223372036854775807]", DAMAGED, "overflows"},
    {"offsets of one", "h", "[0, 512]", "[0]", DAMAGED, "two whole numbers"},
    {"offsets of three", "h", "[0, 512]", "[0, 256, 512]", DAMAGED, "two whole numbers"},
    {"offsets as floats", "h", "[0, 512]", "[0.0, 512.0]", DAMAGED, "two whole numbers"},
    {"offset negative", "h", "[0, 512]", "[-512, 0]", DAMAGED, "two whole numbers"},
    {"offsets backwards", "h", "[0, 512]", "[512, 0]", DAMAGED, "outside"},
    {"offsets beyond the end", "h", "[1536, 1792]", "[1540, 1796]", DAMAGED, "outside"},
    {"offsets huge", "h", "[1536, 1792]", "[9223372036854775551, 9223372036854775807]", DAMAGED, "outside"},
    {"two tensors at one place", "h", "[512, 1024]", "[0, 512]", DAMAGED, "overlap"},
    {"overlap by 4", "h", "[512, 1024]", "[508, 1020]", DAMAGED, "overlap"},
    {"a hole of 4", "h", "[1024, 1536]", "[1028, 1540]", DAMAGED, "hole"},
    {"size does not fit the shape", "h", "[1536, 1792]", "[1536, 1788]", DAMAGED, "its shape needs 256"},
    {"empty name", "h", P_STEM "q_proj.lora_A.weight", "", DAMAGED, "a name of 0 bytes"},
    {"blank in a name", "h", "q_proj.lora_A", "q_proj lora_A", DAMAGED, "printable ASCII"},
    {"letters beyond ASCII", "h", "q_proj.lora_A", "q_pr\xc3\xb6j.lora_A", DAMAGED, "printable ASCII"},
    /* meaning of tensors */
    {"another prefix", "h", "base_model.model.", "model.model.", UNSUPPORTED, "no part of an adapter"},
    {"unknown module", "h", "self_attn.q_proj", "self_attn.x_proj", UNSUPPORTED, "no part of an adapter"},
    {"module of the wrong block", "h", "self_attn.q_proj", "mlp.q_proj", UNSUPPORTED, "no part of an adapter"},
    {"layer with a leading zero", "h", "layers.0.", "layers.00.", UNSUPPORTED, "no part of an adapter"},
    {"layer no number", "h", "layers.0.", "layers.x.", UNSUPPORTED, "no part of an adapter"},
    {"DoRA magnitudes of two dimensions", "h", "q_proj.lora_A.weight", "q_proj.lora_magnitude_vector", INPUT, "each of 64 rows"},
    {"DoRA magnitudes with a name of two parts", "h", "q_proj.lora_A.weight", "q_proj.lora_magnitude_vector.a.b", UNSUPPORTED, "no part of an adapter"},
    {"DoRA magnitudes without an end", "h", "q_proj.lora_A.weight", "q_proj.lora_magnitude_vector.", UNSUPPORTED, "no part of an adapter"},
    {"DoRA magnitudes of a norm", "h", "self_attn.q_proj.lora_A.weight", "input_layernorm.lora_magnitude_vector", UNSUPPORTED, "no part of an adapter"},
    {"adapter of the embedding", "h", P_STEM "q_proj.lora_A.weight", "base_model.model.model.embed_tokens.lora_embedding_A", INPUT, "do not name it"},
    {"adapter of the head", "h", P_STEM "q_proj.lora_A.weight", "base_model.model.lm_head.lora_A.weight", INPUT, "do not name it"},
    {"a whole head", "h", P_STEM "q_proj.lora_A.weight", "base_model.model.lm_head.weight", UNSUPPORTED, "a whole head"},
    {"a whole embedding", "h", P_STEM "q_proj.lora_A.weight", "base_model.model.model.embed_tokens.weight", UNSUPPORTED, "a whole embedding"},
    {"a head's base without its adapter", "h", P_STEM "q_proj.lora_A.weight", "base_model.model.lm_head.base_layer.weight", UNSUPPORTED, "a whole head"},
    {"a head's third matrix", "h", P_STEM "q_proj.lora_A.weight", "base_model.model.lm_head.lora_C.weight", UNSUPPORTED, "no part of an adapter"},
    {"a head in a layer", "h", "self_attn.q_proj", "lm_head", UNSUPPORTED, "no part of an adapter"},
    {"an embedding as a linear", "h", P_STEM "q_proj.lora_A.weight", "base_model.model.model.embed_tokens.lora_A.weight", UNSUPPORTED, "no part of an adapter"},
    {"an embedding's name of two parts", "h", P_STEM "q_proj.lora_A.weight", "base_model.model.model.embed_tokens.lora_embedding_A.a.b", UNSUPPORTED, "no part of an adapter"},
    {"a bias", "h", "q_proj.lora_B.weight", "q_proj.lora_B.bias", UNSUPPORTED, "bias"},
    {"two adapters' names", "h", "q_proj.lora_A.weight", "q_proj.lora_A.other.weight", INPUT, "of another adapter than 'other'"},
    {"an adapter's empty name", "h", "q_proj.lora_A.weight", "q_proj.lora_A..weight", UNSUPPORTED, "no part"},
    {"an adapter's name of two parts", "h", "q_proj.lora_A.weight", "q_proj.lora_A.a.b.weight", UNSUPPORTED, "no part"},
    {"some names without model.", "h", P_STEM "v_proj.lora_A.weight", "base_model.model.layers.0.self_attn.v_proj.lora_A.weight", INPUT, "some names have 'model.'"},
    {"PEFT 0.2: weights merged", "c", KEY, "\"merge_weights\": true", UNSUPPORTED, "'merge_weights'"},
    {"PEFT 0.2: some of a fused matrix", "c", KEY, "\"enable_lora\": [true, false]", UNSUPPORTED, "'enable_lora'"},
    {"no targets: q_proj and v_proj of all layers", "c", "[\"q_proj\", \"v_proj\"], \"bias\": \"none\",\n \"layers_to_transform\": [0]", "null, \"bias\": \"none\"", INPUT, "names model.layers.1.self_attn.q_proj"},
    {"layers beside a text of targets", "c", "[\"q_proj\", \"v_proj\"]", "\".*proj\"", INPUT, "'layers_to_transform'"},
    {"targets: look-ahead", "c", "[\"q_proj\", \"v_proj\"]", "\"(?=.*)q\"", UNSUPPORTED, "look-ahead"},
    {"targets: look-behind", "c", "[\"q_proj\", \"v_proj\"]", "\"(?<!k)q\"", UNSUPPORTED, "look-behind"},
    {"targets: flags", "c", "[\"q_proj\", \"v_proj\"]", "\"(?i)q\"", UNSUPPORTED, "extension"},
    {"targets: a word's end", "c", "[\"q_proj\", \"v_proj\"]", "\"q\\\\b\"", UNSUPPORTED, "escape of a letter"},
    {"targets: an open group", "c", "[\"q_proj\", \"v_proj\"]", "\"(q\"", UNSUPPORTED, "not closed"},
    {"targets: an open bracket", "c", "[\"q_proj\", \"v_proj\"]", "\"[q\"", UNSUPPORTED, "not closed"},
    {"targets: a group too many", "c", "[\"q_proj\", \"v_proj\"]", "\"q)\"", UNSUPPORTED, "not opened"},
    {"targets: nothing repeated", "c", "[\"q_proj\", \"v_proj\"]", "\"*\"", UNSUPPORTED, "nothing stands before"},
    {"targets: repeated twice", "c", "[\"q_proj\", \"v_proj\"]", "\"q**\"", UNSUPPORTED, "is repeated"},
    {"targets: possessive", "c", "[\"q_proj\", \"v_proj\"]", "\"q*+\"", UNSUPPORTED, "possessive"},
    {"targets: too many states", "c", "[\"q_proj\", \"v_proj\"]", "\"(q{99}){99}\"", UNSUPPORTED, "256"},
    {"targets: a repetition without end", "c", "[\"q_proj\", \"v_proj\"]", "\"q{99999999999999999999}\"", UNSUPPORTED, "256"},
    {"targets: crossed numbers", "c", "[\"q_proj\", \"v_proj\"]", "\"q{3,2}\"", UNSUPPORTED, "most is less"},
    {"targets: a range backwards", "c", "[\"q_proj\", \"v_proj\"]", "\"[z-a]\"", UNSUPPORTED, "ends before"},
    {"targets: a class in a range", "c", "[\"q_proj\", \"v_proj\"]", "\"[a-\\\\d]\"", UNSUPPORTED, "end of a range"},
    {"targets: a backslash at the end", "c", "[\"q_proj\", \"v_proj\"]", "\"q\\\\\"", UNSUPPORTED, "backslash"},
    {"targets: letters beyond ASCII", "c", "[\"q_proj\", \"v_proj\"]", "\"q\xc3\xa9\"", UNSUPPORTED, "ASCII"},
    {"targets: an anchor repeated", "c", "[\"q_proj\", \"v_proj\"]", "\"^*q\"", UNSUPPORTED, "anchor"},
    {"targets: a group's name that is none", "c", "[\"q_proj\", \"v_proj\"]", "\"(?P<1>q)\"", UNSUPPORTED, "name"},
    {"targets: a conditional", "c", "[\"q_proj\", \"v_proj\"]", "\"(?(1)q|v)\"", UNSUPPORTED, "extension"},
    {"targets: an atomic group", "c", "[\"q_proj\", \"v_proj\"]", "\"(?>q)\"", UNSUPPORTED, "extension"},
    {"targets: a number of a character", "c", "[\"q_proj\", \"v_proj\"]", "\"\\\\x71\"", UNSUPPORTED, "escape of a letter"},
    {"targets: a class by name", "c", "[\"q_proj\", \"v_proj\"]", "\"[[:alpha:]]\"", UNSUPPORTED, "class in brackets"},
    {"excluded: look-ahead", "c", KEY, "\"exclude_modules\": \"(?!q).*\"", UNSUPPORTED, "look-ahead"},
    {"excluded: what is there", "c", KEY, "\"exclude_modules\": \".*v_proj\"", INPUT, "do not name it"},
    {"excluded: by name", "c", KEY, "\"exclude_modules\": [\"v_proj\"]", INPUT, "do not name it"},
    {"excluded: a number", "c", KEY, "\"exclude_modules\": 7", INPUT, "'exclude_modules'"},
    {"excluded: a list of numbers", "c", KEY, "\"exclude_modules\": [7]", INPUT, "no text"},
    {"alpha pattern: back-reference", "c", "\"alpha_pattern\": {}", "\"alpha_pattern\": {\"(q)\\\\1\": 2}", UNSUPPORTED, "back-reference"},
    {"alpha pattern: back-reference by name", "c", "\"alpha_pattern\": {}", "\"alpha_pattern\": {\"(?P<a>q)(?P=a)\": 2}", UNSUPPORTED, "back-reference"},
    {"rank pattern that says otherwise", "c", "\"rank_pattern\": {}", "\"rank_pattern\": {\".*layers\\\\.0\\\\..*q_proj\": 4}", INPUT, "has rank 2, adapter_config.json says 4"},
    {"a tensor twice by another name", "h", "v_proj.lora_A.weight", "q_proj.lora_A.default.weight", INPUT, "twice"},
    {"#29128: A for another width", "h", "[2, 64]", "[4, 32]", INPUT, "the base needs 64 columns"},
    {"B for another height", "h", "[64, 2]", "[32, 4]", INPUT, "the base needs 64 rows"},
    {"A transposed", "h", "[2, 64]", "[64, 2]", INPUT, "the base needs 64 columns"},
    {"a module that is not targeted", "h", "v_proj.lora_A", "k_proj.lora_A", INPUT, "do not name it"},
    {"A missing", "h", "v_proj.lora_A", "q_proj.lora_B.default", INPUT, ""},
    /* values */
    {"NaN in A", "data", "4", "0x7fc00000", DAMAGED, "row 0: a value is infinite or not a number"},
    {"infinity in B", "data", "1788", "0xff800000", DAMAGED, "row 31: a value is infinite"},
    /* the configuration */
    {"configuration empty", "cfgcut", "0", "", INPUT, "not valid JSON"},
    {"configuration cut", "cfgcut", "100", "", INPUT, "not valid JSON"},
    {"configuration a list", "c", P_CONFIG, "[]", INPUT, "no object"},
    {"configuration empty object", "c", P_CONFIG, "{}", INPUT, "'peft_type': it is missing"},
    {"key twice", "c", KEY, "\"r\": 2", INPUT, "duplicate"},
    {"no type", "c", "\"peft_type\": \"LORA\", ", "", INPUT, "'peft_type': it is missing"},
    {"IA3", "c", "LORA", "IA3", UNSUPPORTED, "only LORA"},
    {"type null", "c", "\"LORA\"", "null", INPUT, "it is missing"},
    {"no rank", "c", "\"r\": 2, ", "", INPUT, "has rank 2, adapter_config.json says 8"},
    {"rank null", "c", "\"r\": 2", "\"r\": null", INPUT, "'r': it is null"},
    {"alpha null", "c", "\"lora_alpha\": 8", "\"lora_alpha\": null", INPUT, "'lora_alpha': it is null"},
    {"rank 0", "c", "\"r\": 2", "\"r\": 0", UNSUPPORTED, "1 to 512"},
    {"rank 513", "c", "\"r\": 2", "\"r\": 513", UNSUPPORTED, "1 to 512"},
    {"rank negative", "c", "\"r\": 2", "\"r\": -2", UNSUPPORTED, "1 to 512"},
    {"rank a float", "c", "\"r\": 2", "\"r\": 2.0", UNSUPPORTED, "whole number"},
    {"rank 2^62", "c", "\"r\": 2", "\"r\": 4611686018427387904", UNSUPPORTED, "1 to 512"},
    {"rank differs from the tensors", "c", "\"r\": 2", "\"r\": 4", INPUT, "has rank 2, adapter_config.json says 4"},
    {"alpha 0", "c", "\"lora_alpha\": 8", "\"lora_alpha\": 0", UNSUPPORTED, "alpha is 0, with which PEFT adds nothing"},
    {"alpha 1e7", "c", "\"lora_alpha\": 8", "\"lora_alpha\": 1e7", UNSUPPORTED, "up to 1000000"},
    {"alpha a text", "c", "\"lora_alpha\": 8", "\"lora_alpha\": \"8\"", UNSUPPORTED, "a number"},
    {"rslora a number", "c", "\"use_rslora\": false", "\"use_rslora\": 1", INPUT, "true or false"},
    {"rank pattern a list", "c", "\"rank_pattern\": {}", "\"rank_pattern\": [1]", INPUT, "an object"},
    {"rank pattern: look-ahead", "c", "\"rank_pattern\": {}", "\"rank_pattern\": {\"(?=q)q_proj\": 2}", UNSUPPORTED, "look-ahead"},
    {"rank pattern 0", "c", "\"rank_pattern\": {}", "\"rank_pattern\": {\"q_proj\": 0}", UNSUPPORTED, "1 to 512"},
    {"rank pattern differs", "c", "\"rank_pattern\": {}", "\"rank_pattern\": {\"q_proj\": 3}", INPUT, "q_proj has rank 2, adapter_config.json says 3"},
    {"alpha pattern a text", "c", "\"alpha_pattern\": {}", "\"alpha_pattern\": {\"q_proj\": \"x\"}", UNSUPPORTED, "a number"},
    {"targets a number", "c", "[\"q_proj\", \"v_proj\"]", "7", INPUT, "a list of names"},
    {"targets empty", "c", "[\"q_proj\", \"v_proj\"]", "[]", INPUT, "a list of names"},
    {"target with a 0", "c", "\"q_proj\"", "\"q_proj\\u0000x\"", INPUT, "name 0 holds a 0"},
    {"rank pattern with a 0", "c", "\"rank_pattern\": {}", "\"rank_pattern\": {\"q\\u0000\": 2}", UNSUPPORTED, "ASCII"},
    {"rank 007", "c", "\"r\": 2", "\"r\": 007", INPUT, "must not begin with 0"},
    {"text behind the configuration", "c", "", " {}", INPUT, "more text behind"},
    {"mark before the configuration", "c", "{\"peft", "\xef\xbb\xbf{\"peft", INPUT, "byte order mark"},
    {"targets of numbers", "c", "[\"q_proj\", \"v_proj\"]", "[1]", INPUT, "name 0 is no text"},
    {"target missing in the file", "c", "\"v_proj\"", "\"v_proj\", \"o_proj\"", INPUT, "names model.layers.0.self_attn.o_proj"},
    {"target not in the list", "c", "\"q_proj\", ", "", INPUT, "do not name it"},
    {"another layer", "c", "\"layers_to_transform\": [0]", "\"layers_to_transform\": [1]", INPUT, "do not name it"},
    {"layer as text", "c", "\"layers_to_transform\": [0]", "\"layers_to_transform\": [\"0\"]", INPUT, "a list of layers"},
    {"layers an object", "c", "\"layers_to_transform\": [0]", "\"layers_to_transform\": {}", INPUT, "a list of layers"},
    {"all layers, but one in the file", "c", "\"layers_to_transform\": [0]", "\"layers_to_transform\": null", INPUT, "names model.layers.1"},
    {"biases", "c", "\"none\"", "\"lora_only\"", UNSUPPORTED, "'bias'"},
    {"modules to save", "c", "\"modules_to_save\": null", "\"modules_to_save\": [\"lm_head\"]", UNSUPPORTED, "'modules_to_save'"},
    {"DoRA", "c", "\"use_dora\": false", "\"use_dora\": true", INPUT, "DoRA's magnitudes are missing"},
    {"DoRA as a number", "c", "\"use_dora\": false", "\"use_dora\": 1", INPUT, "true or false"},
    {"a head that is named and not there", "c", "\"v_proj\"", "\"v_proj\", \"lm_head\"", INPUT, "names lm_head"},
    {"an embedding that is named and not there", "c", "\"v_proj\"", "\"v_proj\", \"model.embed_tokens\"", INPUT, "names model.embed_tokens"},
    {"tying as text", "c", KEY, "\"ensure_weight_tying\": \"yes\"", INPUT, "true or false"},
    {"DoRA as text", "c", "\"use_dora\": false", "\"use_dora\": \"yes\"", INPUT, "true or false"},
    {"PiSSA", "c", "\"init_lora_weights\": true", "\"init_lora_weights\": \"pissa_niter_16\"", UNSUPPORTED, "'init_lora_weights'"},
    {"LoftQ", "c", "\"init_lora_weights\": true", "\"init_lora_weights\": \"loftq\"", UNSUPPORTED, "'init_lora_weights'"},
    {"Conv1D", "c", "\"fan_in_fan_out\": false", "\"fan_in_fan_out\": true", UNSUPPORTED, "'fan_in_fan_out'"},
    {"biases of LoRA", "c", KEY, "\"lora_bias\": true", UNSUPPORTED, "'lora_bias'"},
    {"replicated layers", "c", KEY, "\"layer_replication\": [[0, 1]]", UNSUPPORTED, "'layer_replication'"},
    {"aLoRA", "c", KEY, "\"alora_invocation_tokens\": [1, 2]", UNSUPPORTED, "'alora_invocation_tokens'"},
    {"trained tokens", "c", KEY, "\"trainable_token_indices\": [1]", UNSUPPORTED, "'trainable_token_indices'"},
    {"parameters", "c", KEY, "\"target_parameters\": [\"w\"]", UNSUPPORTED, "'target_parameters'"},
    {"QALoRA", "c", KEY, "\"use_qalora\": true", UNSUPPORTED, "'use_qalora'"},
    {"other layers' name", "c", KEY, "\"layers_pattern\": \"h\"", UNSUPPORTED, "'layers_pattern'"},
    {"unknown key", "c", KEY, "\"use_magic\": true", UNSUPPORTED, "'use_magic': it is unknown"},
    {"unknown key, off", "c", KEY, "\"use_magic\": false", UNSUPPORTED, "'use_magic': it is unknown"},
};
/* clang-format on */

/* clang-format off */
static const bad_case gguf_cases[] = {
    {"a model", "g", "set general.type str model", "", UNSUPPORTED, "'adapter' is needed"},
    {"no type", "g", "drop general.type", "", INPUT, "'general.type' is missing"},
    {"no kind", "g", "drop adapter.type", "", INPUT, "'adapter.type' is missing"},
    {"another kind", "g", "set adapter.type str ia3", "", UNSUPPORTED, "'lora' is needed"},
    {"type a number", "g", "set adapter.type u32 1", "", DAMAGED, "a string is needed"},
    {"another architecture", "g", "set general.architecture str qwen2", "", UNSUPPORTED, "'llama' is needed"},
    {"no alpha", "g", "drop adapter.lora.alpha", "", INPUT, "'adapter.lora.alpha' is missing"},
    {"alpha NaN", "g", "set adapter.lora.alpha f32 nan", "", UNSUPPORTED, "out of range"},
    {"alpha an integer", "g", "set adapter.lora.alpha u32 8", "", DAMAGED, "a float is needed"},
    {"aLoRA", "g", "set adapter.alora.invocation_tokens [u32] 1 2", "", UNSUPPORTED, "it is unknown"},
    {"unknown key", "g", "set adapter.lora.magic u32 8", "", UNSUPPORTED, "it is unknown"},
    {"key of a model", "g", "set llama.block_count u32 2", "", UNSUPPORTED, "it is unknown"},
    {"embedding", "g", "t.name blk.0.attn_q.weight.lora_a token_embd.weight.lora_a", "", INPUT, "the base needs"},
    {"head of another width", "g", "t.name blk.0.attn_q.weight.lora_a output.weight.lora_a;;t.reshape output.weight.lora_a 32 2", "", INPUT, "the base needs 64 columns"},
    {"head's A alone", "g", "t.name blk.0.attn_q.weight.lora_a output.weight.lora_a", "", INPUT, "lm_head: matrix B is missing"},
    {"head's B alone", "g", "t.name blk.0.attn_q.weight.lora_b output.weight.lora_b;;t.drop blk.0.attn_q.weight.lora_a", "", INPUT, "the base needs"},
    {"embedding's c", "g", "t.name blk.0.attn_q.weight.lora_a token_embd.weight.lora_c", "", UNSUPPORTED, "no part of an adapter"},
    {"embedding in a layer", "g", "t.name blk.0.attn_q.weight.lora_a blk.0.token_embd.weight.lora_a", "", UNSUPPORTED, "no part of an adapter"},
    {"head of rank 513", "g", "t.name blk.0.attn_q.weight.lora_a output.weight.lora_a;;t.reshape output.weight.lora_a 64 513", "", UNSUPPORTED, "rank 513"},
    {"magnitudes of DoRA", "g", "t.name blk.0.attn_q.weight.lora_a blk.0.attn_q.weight.lora_magnitude", "", UNSUPPORTED, "no part of an adapter"},
    {"a norm", "g", "t.name blk.0.attn_q.weight.lora_a output_norm.weight.lora_a", "", UNSUPPORTED, "no part of an adapter"},
    {"head's c", "g", "t.name blk.0.attn_q.weight.lora_a output.weight.lora_c", "", UNSUPPORTED, "no part of an adapter"},
    {"neither a nor b", "g", "t.name blk.0.attn_q.weight.lora_a blk.0.attn_q.weight.lora_c", "", UNSUPPORTED, "no part of an adapter"},
    {"no blk", "g", "t.name blk.0.attn_q.weight.lora_a blx.0.attn_q.weight.lora_a", "", UNSUPPORTED, "no part of an adapter"},
    {"layer beyond the base", "g", "t.name blk.0.attn_q.weight.lora_a blk.2.attn_q.weight.lora_a", "", INPUT, "the base has 2 layers"},
    {"A alone", "g", "t.drop blk.0.attn_q.weight.lora_b", "", INPUT, "self_attn.q_proj: matrix B is missing"},
    {"B alone", "g", "t.drop blk.0.attn_q.weight.lora_a", "", INPUT, "self_attn.q_proj: matrix A is missing"},
    {"nothing", "g", "t.drop blk.0.attn_q.weight.lora_a;;t.drop blk.0.attn_q.weight.lora_b", "", INPUT, "no matrix"},
    {"ranks differ", "g", "t.reshape blk.0.attn_q.weight.lora_a 64 3", "", INPUT, "A has rank 3, B has rank 2"},
    {"rank 513", "g", "t.reshape blk.0.attn_q.weight.lora_a 64 513", "", UNSUPPORTED, "rank 513"},
    {"another width", "g", "t.reshape blk.0.attn_q.weight.lora_a 32 2", "", INPUT, "the base needs 64 columns"},
    {"another height", "g", "t.reshape blk.0.attn_q.weight.lora_b 2 96", "", INPUT, "the base needs 64 rows"},
    {"three dimensions", "g", "t.reshape blk.0.attn_q.weight.lora_a 64 2 2", "", INPUT, "a matrix is needed"},
    {"a vector", "g", "t.reshape blk.0.attn_q.weight.lora_a 64", "", INPUT, "a matrix is needed"},
    {"integers", "g", "t.type blk.0.attn_q.weight.lora_a 26", "", UNSUPPORTED, "type I32"},
    {"infinity", "g", "t.poke blk.0.attn_q.weight.lora_a 0 0000807f", "", DAMAGED, "row 0: a value is infinite"},
};
/* clang-format on */

static void check(const bad_case *c, int rc, const roma_error *err) {
    char line[1024];
    if (rc != c->code || !strstr(err->text, c->text))
        fprintf(stderr, "%s: code %d (expected %d): %s\n", c->id, rc, c->code,
                rc ? roma_error_format(err, line, sizeof line) : "accepted");
    CHECK(rc == c->code && err->code == rc && strstr(err->text, c->text) != NULL);
    for (const char *p = err->text; *p; p++) CHECK(*p >= ' ' && *p <= '~');
}

static void run(const bad_case *c) {
    const roma_description base = small_base();
    roma_import_lora l;
    roma_error err = {0};
    p_adapter p;
    p_make(&p, c->op, c->from, c->to);
    const int rc = roma_import_lora_open_memory(&l, p.config, p.config_bytes, p.file, p.file_bytes, &base, &err);
    check(c, rc, &err);
    if (!rc) roma_import_lora_close(&l);
    CHECK(l.owned == NULL && l.adapter.targets == NULL);
    p_free(&p);
}

static void make_gguf(roma_buf *out, const char *commands) {
    static b_file f;
    memset(&f, 0, sizeof f);
    f.version = 3;
    f.align = 32;
    b_add(&f, "general.type", "str adapter");
    b_add(&f, "general.architecture", "str llama");
    b_add(&f, "general.name", "str x");
    b_add(&f, "adapter.type", "str lora");
    b_add(&f, "adapter.lora.alpha", "f32 4");
    b_tensor_add(&f, "blk.0.attn_q.weight.lora_a", 0, 64, 2);
    b_tensor_add(&f, "blk.0.attn_q.weight.lora_b", 0, 2, 64);
    spoil(&f, commands, out);
    b_free(&f);
}

static void run_gguf(const bad_case *c) {
    const roma_description base = small_base();
    roma_import_lora l;
    roma_error err = {0};
    roma_buf out = {0};
    make_gguf(&out, c->from);
    check(c, roma_import_lora_open_memory(&l, NULL, 0, out.data, out.len, &base, &err), &err);
    CHECK(l.owned == NULL);
    roma_buf_destroy(&out);
}

/* What was spoiled is good before; scales as the configuration says. */
static void test_good(void) {
    static const struct {
        const char *op, *from, *to;
        float scale;
    } good[] = {
        {"", "", "", 4},
        {"c", "\"use_rslora\": false", "\"use_rslora\": true", 5.65685425f},
        {"c", "\"alpha_pattern\": {}", "\"alpha_pattern\": {\"q_proj\": 2}", 1},
        {"c", "\"alpha_pattern\": {}", "\"alpha_pattern\": {\"^model.layers.0.self_attn.q_proj\": 2}", 1},
        {"c", "\"alpha_pattern\": {}", "\"alpha_pattern\": {\"proj\": 2, \"^q_proj\": 3}", 4},
        {"c", "\"layers_to_transform\": [0]", "\"layers_to_transform\": 0", 4},
        {"c", KEY, "\"use_magic\": null", 4},
        {"c", "[\"q_proj\", \"v_proj\"], \"bias\": \"none\",\n \"layers_to_transform\": [0]",
         "\".*\\\\.0\\\\..*[qv]_proj\", \"bias\": \"none\"", 4},
        {"c", "[\"q_proj\", \"v_proj\"]", "\"all-linear\"", 4},
        {"c", KEY, "\"exclude_modules\": \".*mlp.*\"", 4},
        {"c", KEY, "\"enable_lora\": null, \"merge_weights\": false", 4},
        {"c", "\"alpha_pattern\": {}", "\"alpha_pattern\": {\"layers\\\\.\\\\d+\\\\.self_attn\\\\.(q|k)_proj\": 2}", 1},
        {"c", "\"rank_pattern\": {}", "\"rank_pattern\": {\"q_pro\": 7, \".*k_proj\": 9, \"\": 3}", 4},
        {"c", "\"init_lora_weights\": true", "\"init_lora_weights\": \"gaussian\"", 4},
        {"c", "[\"q_proj\", \"v_proj\"]", "null", 4}, /* PEFT's own: these two */
        {"h", "q_proj.lora_A.weight", "q_proj.lora_A.default.weight", 4}};
    const roma_description base = small_base();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        roma_import_lora l;
        roma_error err = {0};
        p_adapter p;
        p_make(&p, good[i].op, good[i].from, good[i].to);
        const int rc = roma_import_lora_open_memory(&l, p.config, p.config_bytes, p.file, p.file_bytes, &base, &err);
        if (rc) fprintf(stderr, "good %zu: %s\n", i, err.text);
        CHECK_EQ(rc, ROMA_OK);
        if (!rc) {
            CHECK_EQ(l.adapter.n_targets, 2);
            CHECK(l.adapter.targets[0].scale == good[i].scale);
            roma_import_lora_close(&l);
        }
        p_free(&p);
    }
}

/* B's rows of q come in the order in which the base importer reads q's rows; those of v as they are. */
static void test_permutation(void) {
    const roma_description base = small_base();
    roma_import_lora l;
    p_adapter p;
    p_make(&p, "", "", "");
    CHECK_EQ(roma_import_lora_open_memory(&l, p.config, p.config_bytes, p.file, p.file_bytes, &base, NULL), ROMA_OK);
    const uint8_t *data = (const uint8_t *)p.file + p.file_bytes - P_DATA;
    for (uint64_t r = 0; r < 64; r++) {
        const uint64_t from = roma_rope_source_row(r, 16, 16);
        float row[2];
        l.source.row_b(l.source.ctx, 0, r, row);
        CHECK(roma_f32_bits(row[0]) == roma_le32(data + 512 + 8 * from) &&
              roma_f32_bits(row[1]) == roma_le32(data + 512 + 8 * from + 4));
        if (r < 32) l.source.row_b(l.source.ctx, 1, r, row);
        CHECK(r >= 32 || roma_f32_bits(row[1]) == roma_le32(data + 1536 + 8 * r + 4));
    }
    roma_import_lora_close(&l);
    p_free(&p);
}

static void test_prefixes(void) {
    const roma_description base = small_base();
    p_adapter p;
    p_make(&p, "", "", "");
    for (size_t n = 0; n < p.file_bytes; n++) {
        roma_import_lora l;
        char *tight = malloc(n ? n : 1);
        memcpy(tight, p.file, n);
        CHECK_EQ(roma_import_lora_open_memory(&l, p.config, p.config_bytes, tight, n, &base, NULL), ROMA_EDAMAGED);
        free(tight);
    }
    for (size_t n = 0; n < p.config_bytes; n++) {
        roma_import_lora l;
        CHECK_EQ(roma_import_lora_open_memory(&l, p.config, n, p.file, p.file_bytes, &base, NULL), ROMA_EINPUT);
    }
    p_free(&p);
}

/* ---- allocator that fails at call number n ---- */

static void test_memory(const roma_buf *gguf) {
    const roma_description base = small_base();
    p_adapter p;
    int rc = ROMA_ENOMEM, n = 0;
    p_make(&p, "c", "\"layers_to_transform\": [0]", "\"layers_to_transform\": 0");
    for (; rc && n < 2000; n++) {
        roma_import_lora l;
        roma_error err = {0};
        scarce_begin_once(n);
        rc = gguf ? roma_import_lora_open_memory(&l, NULL, 0, gguf->data, gguf->len, &base, &err)
                  : roma_import_lora_open_memory(&l, p.config, p.config_bytes, p.file, p.file_bytes, &base, &err);
        if (rc) {
            if (rc != ROMA_ENOMEM) fprintf(stderr, "allocation %d: %s\n", n, err.text);
            CHECK(rc == ROMA_ENOMEM && err.text[0]);
        } else {
            roma_import_lora_close(&l);
        }
        CHECK_EQ(scarce_outstanding, 0);
    }
    CHECK_EQ(rc, ROMA_OK);
    CHECK(n > 5);
    roma_allocator_set(NULL);
    p_free(&p);
}

int main(void) {
    const size_t n = sizeof cases / sizeof *cases, m = sizeof gguf_cases / sizeof *gguf_cases;
    CHECK(n + m >= 120);
    test_good();
    test_permutation();
    for (size_t i = 0; i < n; i++) run(&cases[i]);
    for (size_t i = 0; i < m; i++) run_gguf(&gguf_cases[i]);
    test_prefixes();
    roma_buf out = {0}, copy = {0};
    make_gguf(&out, "");
    uint8_t *file = malloc(out.len);
    memcpy(file, out.data, out.len);
    copy = (roma_buf){.data = file, .len = out.len};
    roma_buf_destroy(&out);
    test_memory(NULL);
    test_memory(&copy);
    free(file);
    return TEST_DONE();
}
