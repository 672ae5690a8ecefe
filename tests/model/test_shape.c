/* Shapes in all three ways: numbers spelt out against the known shapes that they are, config.json against the published
 * ones, and every family of what is refused, by its key. */
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../test.h"
#include "roma/model.h"

static char folder[64], path[96];

static int read_shape(const char *text, roma_shape *s, roma_error *err) {
    memset(err, 0, sizeof *err);
    const int rc = roma_shape_read(s, text, err);
    CHECK_EQ(rc, err->code);
    CHECK(!strchr(err->text, '\n'));
    return rc;
}

static void refused(const char *text, const char *says) {
    roma_shape s;
    roma_error err;
    const int rc = read_shape(text, &s, &err);
    CHECK(rc == ROMA_EINPUT || rc == ROMA_EUNSUPPORTED);
    CHECK_HAS(err.text, says);
    if (!strstr(err.text, says)) fprintf(stderr, "%s\n", text);
    CHECK_EQ(roma_shape_read(&s, text, NULL), rc);
}

/* ---- spelt out ---- */

static void spell(const roma_shape *s, bool whole, char out[200]) {
    const roma_hyper *h = &s->hyper;
    snprintf(out, 200, "vocab=%u,layers=%u,hidden=%u,ffn=%u,heads=%u,kv=%u,head=%u", h->vocab, h->layers, h->hidden,
             h->ffn, h->heads, h->kv_heads, h->head_dim);
    if (whole)
        snprintf(out + strlen(out), 200 - strlen(out), ",context=%u,tied=%d,arch=%s", h->context, s->tied,
                 roma_arch_name(h->arch));
}

/* The numbers of a known shape are that shape, whether all are said or those that a reader of a paper would. */
static void test_known(void) {
    for (unsigned i = 0; roma_shape_name(i); i++) {
        roma_shape by_name, by_numbers;
        roma_error err;
        char text[200];
        CHECK_EQ(read_shape(roma_shape_name(i), &by_name, &err), 0);
        for (int whole = 0; whole < 2; whole++) {
            spell(&by_name, whole, text);
            CHECK_EQ(read_shape(text, &by_numbers, &err), 0);
            CHECK_STR(by_numbers.name, by_name.name);
            CHECK_BYTES(&by_numbers, &by_name, sizeof by_name);
        }
    }
}

static void test_defaults(void) {
    roma_shape s, t;
    roma_error err;
    CHECK_EQ(read_shape("layers=2,hidden=96,heads=3,ffn=160,vocab=77", &s, &err), 0);
    CHECK(s.hyper.layers == 2 && s.hyper.hidden == 96 && s.hyper.heads == 3 && s.hyper.ffn == 160 &&
          s.hyper.vocab == 77);
    CHECK(s.hyper.kv_heads == 3 && s.hyper.head_dim == 32 && s.hyper.rope_dim == 32 && s.hyper.context == 131072);
    CHECK(s.hyper.arch == ROMA_ARCH_LLAMA && !s.tied && s.bits == 4 && s.group == 32);
    CHECK_STR(s.name, "layers=2,hidden=96,heads=3,kv=3,head=32,ffn=160,vocab=77,tied=0,arch=llama,context=131072");
    CHECK_EQ(read_shape(s.name, &t, &err), 0); /* its name is a spelling */
    CHECK_BYTES(&s, &t, sizeof s);
    CHECK_EQ(
        read_shape("layers=2,hidden=512,heads=4,kv=2,head=64,ffn=1024,vocab=77,tied=1,arch=qwen2,context=9", &s, &err),
        0);
    CHECK(s.hyper.kv_heads == 2 && s.hyper.head_dim == 64 && s.tied && s.hyper.arch == ROMA_ARCH_QWEN2);
    CHECK(s.hyper.context == 9 && s.group == 128);
    /* One number that a known shape has not, and the shape is none of the known ones. */
    CHECK_EQ(read_shape("layers=28,hidden=3072,heads=24,kv=8,ffn=8192,vocab=128256,tied=0", &s, &err), 0);
    CHECK(!s.tied && strncmp(s.name, "layers=28,", 10) == 0);
    /* The widest of all. */
    CHECK_EQ(read_shape("layers=1024,hidden=65536,heads=4096,kv=4096,head=16,ffn=262144,vocab=4194304,context=16777216",
                        &s, &err),
             0);
}

/* Each key with each kind of a value that it cannot have; the others are good. */
static void test_bad_values(void) {
    static const char *const keys[] = {"layers", "hidden", "heads",   "ffn",  "vocab",
                                       "kv",     "head",   "context", "tied", "arch"};
    static const char *const values[] = {"",
                                         "0",
                                         "-1",
                                         "+1",
                                         "1.0",
                                         "1e3",
                                         "0x10",
                                         " 4",
                                         "4 ",
                                         "x",
                                         "nan",
                                         "4294967297",
                                         "18446744073709551617",
                                         "999999999",
                                         "=",
                                         "4=4",
                                         "\xc3\xa4",
                                         "\x01"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            char text[300];
            static const char *const good[] = {"layers=2", "hidden=64", "heads=2", "ffn=64", "vocab=9"};
            if (strcmp(keys[k], "tied") == 0 && strcmp(values[v], "0") == 0) continue;
            snprintf(text, sizeof text, "%s=%s", keys[k], values[v]);
            for (size_t i = 0; i < 5; i++)
                if (strncmp(good[i], text, strlen(keys[k]) + 1) != 0)
                    snprintf(text + strlen(text), sizeof text - strlen(text), ",%s", good[i]);
            refused(text, " ");
        }
}

static void test_bad_spellings(void) {
#define GOOD "layers=2,hidden=64,heads=2,ffn=64,vocab=9"
    static const char *const v[][2] = {
        {"layers=2", "hidden is missing"},
        {"hidden=64,heads=2,ffn=64,vocab=9", "layers is missing"},
        {"layers=2,hidden=64,heads=2,ffn=64", "vocab is missing"},
        {GOOD ",", "nothing stands between two commas"},
        {"," GOOD "=", "nothing stands"},
        {GOOD ",,kv=1", "nothing stands"},
        {"=", "there is no key ''"},
        {GOOD ",layers=2", "layers is given twice"},
        {GOOD ",kv=1,kv=1", "kv is given twice"},
        {GOOD ",kvs=1", "did you mean kv?"},
        {"layer=2," GOOD, "did you mean layers?"},
        {GOOD ",vocabulary=9", "there is no key 'vocabulary'"},
        {GOOD ",Layers=9", "did you mean layers?"},
        {GOOD ",context", "context has no value"},
        {GOOD ",head_dim=32", "there is no key 'head_dim'"},
        {"layers=2,hidden=64,heads=3,ffn=64,vocab=9", "give head=N"},
        {GOOD ",kv=3", "key/value heads is 3"},
        {"layers=2,hidden=96,heads=3,kv=2,ffn=64,vocab=9", "no multiple"},
        {GOOD ",head=25", "the rotated width of a head is 25"},
        {GOOD ",head=528", "the head width is 528"},
        {GOOD ",arch=mistral", "llama, qwen2 or qwen3, not 'mistral'"},
        {GOOD ",tied=yes", "0 or 1, not 'yes'"},
        {"layers=1025,hidden=64,heads=2,ffn=64,vocab=9", "1025"},
        {"layers=2,hidden=65537,heads=5,head=16,ffn=64,vocab=9", "the hidden width is 65568"},
        {"layers=2,hidden=131072,heads=256,ffn=64,vocab=9", "131072"},
        {"layers=2,hidden=64,heads=2,ffn=262145,vocab=9", "feed-forward width is 262176"},
        {"layers=2,hidden=64,heads=2,ffn=262176,vocab=9", "262176"},
        {"layers=2,hidden=64,heads=2,ffn=64,vocab=4194305", "4194305"},
        {"layers=2,hidden=64,heads=65536,head=512,ffn=64,vocab=9", "heads times head width"},
        {GOOD ",context=16777217", "16777217"},
        {GOOD ";kv=1", "vocab takes a whole number"},
        {"llama-3.2-3", "did you mean llama-3.2-3b?"},
        {"", "known are"},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) refused(v[i][0], v[i][1]);
    char long_key[5000];
    memset(long_key, 'k', sizeof long_key);
    memcpy(long_key + sizeof long_key - 3, "=1", 3);
    refused(long_key, "there is no key 'kkk");
}

/* ---- config.json ---- */

static void write_config(const char *text, size_t n) {
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(text, 1, n, f) == n && fclose(f) == 0);
}

/* Llama 3.2 3B as it is published, with `more` in front. */
#define LLAMA_WIDTHS                                                                                                   \
    "\"hidden_size\": 3072, \"intermediate_size\": 8192, \"max_position_embeddings\": 131072, "                        \
    "\"num_attention_heads\": 24, \"num_hidden_layers\": 28, \"num_key_value_heads\": 8, \"vocab_size\": 128256"
#define LLAMA_ROPE                                                                                                     \
    "\"rope_scaling\": {\"factor\": 32.0, \"high_freq_factor\": 4.0, \"low_freq_factor\": 1.0, "                       \
    "\"original_max_position_embeddings\": 8192, \"rope_type\": \"llama3\"}, \"rope_theta\": 500000.0"
#define LLAMA_REST                                                                                                     \
    "\"architectures\": [\"LlamaForCausalLM\"], \"attention_bias\": false, \"attention_dropout\": 0.0, "               \
    "\"bos_token_id\": 128000, \"eos_token_id\": [128001, 128008], \"head_dim\": 128, \"hidden_act\": \"silu\", "      \
    "\"initializer_range\": 0.02, \"mlp_bias\": false, \"model_type\": \"llama\", \"pretraining_tp\": 1, "             \
    "\"rms_norm_eps\": 1e-05, \"tie_word_embeddings\": true, \"torch_dtype\": \"bfloat16\", \"use_cache\": true, "     \
    "\"quantization_config\": {\"bits\": 4}"

static int read_config(const char *text, roma_shape *s, roma_error *err) {
    write_config(text, strlen(text));
    return read_shape(path, s, err);
}

static void test_published(void) {
    roma_shape s, known;
    roma_error err;
    CHECK_EQ(read_config("{" LLAMA_REST ", " LLAMA_WIDTHS ", " LLAMA_ROPE "}", &s, &err), 0);
    CHECK_EQ(read_shape("llama-3.2-3b", &known, &err), 0);
    CHECK_BYTES(&s, &known, sizeof s);
    CHECK_EQ(read_shape(folder, &s, &err), 0); /* the folder of it */
    CHECK_BYTES(&s, &known, sizeof s);
    /* as transformers 5 writes the same */
    CHECK_EQ(read_config("{" LLAMA_REST ", " LLAMA_WIDTHS
                         ", \"rope_parameters\": {\"factor\": 32.0, \"high_freq_factor\": 4.0, \"low_freq_factor\": 1, "
                         "\"original_max_position_embeddings\": 8192, \"rope_type\": \"llama3\", \"type\": \"llama3\", "
                         "\"rope_theta\": 500000}}",
                         &s, &err),
             0);
    CHECK_BYTES(&s, &known, sizeof s);
    CHECK_EQ(read_config("{\"architectures\": [\"Qwen3ForCausalLM\"], \"attention_bias\": false, \"head_dim\": 128, "
                         "\"hidden_act\": \"silu\", \"hidden_size\": 1024, \"intermediate_size\": 3072, "
                         "\"max_position_embeddings\": 40960, \"max_window_layers\": 28, \"model_type\": \"qwen3\", "
                         "\"num_attention_heads\": 16, \"num_hidden_layers\": 28, \"num_key_value_heads\": 8, "
                         "\"rms_norm_eps\": 1e-06, \"rope_scaling\": null, \"rope_theta\": 1000000, "
                         "\"sliding_window\": null, \"tie_word_embeddings\": true, \"use_sliding_window\": false, "
                         "\"vocab_size\": 151936}",
                         &s, &err),
             0);
    CHECK_EQ(read_shape("qwen3-0.6b", &known, &err), 0);
    CHECK_BYTES(&s, &known, sizeof s);
}

#define SMALL_BUT_CONTEXT                                                                                              \
    "\"hidden_size\": 96, \"intermediate_size\": 160, \"num_attention_heads\": 3, \"num_hidden_layers\": 2, "          \
    "\"vocab_size\": 77, \"max_position_embeddings\": "
#define SMALL SMALL_BUT_CONTEXT "512"

/* The small model with these keys beside its widths; it must be read. */
static roma_shape small_with(const char *more, const char *behind) {
    char text[2000];
    roma_shape s;
    roma_error err = {.text = ""};
    snprintf(text, sizeof text, "\n {%s%s, " SMALL "}\n", more, behind);
    CHECK_EQ(read_config(text, &s, &err), 0);
    if (err.code) fprintf(stderr, "%s: %s\n", more, err.text);
    return s;
}

/* What is left out, and what a window or a scaling that does nothing changes: nothing. */
static void test_config_defaults(void) {
    static const struct {
        const char *more;
        uint32_t arch, head_dim;
        double base, factor;
    } v[] = {
        {"\"model_type\": \"llama\"", ROMA_ARCH_LLAMA, 32, 10000, 1},
        {"\"architectures\": [\"MistralForCausalLM\"]", ROMA_ARCH_LLAMA, 32, 10000, 1},
        {"\"model_type\": \"mistral\", \"head_dim\": null, \"sliding_window\": 4096", ROMA_ARCH_LLAMA, 32, 10000, 1},
        {"\"model_type\": \"mistral\", \"head_dim\": 64, \"sliding_window\": null", ROMA_ARCH_LLAMA, 64, 10000, 1},
        {"\"model_type\": \"qwen2\", \"sliding_window\": 100, \"use_sliding_window\": false, \"rope_theta\": 1e6",
         ROMA_ARCH_QWEN2, 32, 1e6, 1},
        {"\"model_type\": \"qwen2\", \"sliding_window\": 100, \"use_sliding_window\": true, \"max_window_layers\": 2",
         ROMA_ARCH_QWEN2, 32, 10000, 1},
        {"\"model_type\": \"qwen2\", \"attention_bias\": true", ROMA_ARCH_QWEN2, 32, 10000, 1},
        {"\"model_type\": \"qwen3\"", ROMA_ARCH_QWEN3, 128, 10000, 1},
        {"\"model_type\": \"llama\", \"layer_types\": [\"full_attention\", \"full_attention\"]", ROMA_ARCH_LLAMA, 32,
         10000, 1},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.5}", ROMA_ARCH_LLAMA, 32,
         10000, 2.5},
        {"\"model_type\": \"llama\", \"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 5e5}",
         ROMA_ARCH_LLAMA, 32, 5e5, 1},
        {"\"model_type\": \"llama\", \"is_causal\": true, \"num_experts\": 0, \"attn_logit_softcapping\": null, "
         "\"text_config\": {}, "
         "\"partial_rotary_factor\": 1.0, \"something_new\": {\"deep\": [1, {\"er\": 2}]}",
         ROMA_ARCH_LLAMA, 32, 10000, 1},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        const roma_shape s = small_with(v[i].more, "");
        CHECK(s.hyper.arch == v[i].arch && s.hyper.head_dim == v[i].head_dim && s.hyper.kv_heads == 3 && !s.tied);
        CHECK(s.hyper.hidden == 96 && s.hyper.ffn == 160 && s.hyper.vocab == 77 && s.hyper.context == 512);
        CHECK_EQ(s.hyper.rope_phase[1], roma_rope_phase(v[i].base, 1, v[i].head_dim, v[i].factor));
        CHECK_STR(s.name, strrchr(folder, '/') + 1); /* the folder's */
    }
}

/* What transformers' own code has where a key is missing, null or of another name. */
static void test_as_transformers(void) {
    static const char heads[] = "{\"model_type\": \"%s\", %s \"hidden_size\": 1024, \"intermediate_size\": 160, "
                                "\"num_attention_heads\": %u, \"num_hidden_layers\": 2, \"vocab_size\": 77, "
                                "\"max_position_embeddings\": 512, \"head_dim\": 16}";
    static const struct {
        const char *type, *more;
        uint32_t heads, kv;
    } v[] = {{"llama", "", 32, 32},   {"mistral", "", 32, 8},
             {"qwen2", "", 64, 32},   {"qwen3", "", 32, 32},
             {"qwen3", "", 28, 28},   {"mistral", "\"num_key_value_heads\": null,", 32, 32},
             {"mistral", "", 12, 12}, {"qwen2", "\"num_key_value_heads\": 2,", 64, 2}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        char text[1000];
        roma_shape s;
        roma_error err;
        snprintf(text, sizeof text, heads, v[i].type, v[i].more, v[i].heads);
        CHECK_EQ(read_config(text, &s, &err), 0);
        CHECK_EQ(s.hyper.kv_heads, v[i].kv);
    }
    const roma_shape swish = small_with("\"model_type\": \"qwen2\", \"hidden_act\": \"swish\"", "");
    CHECK_EQ(swish.hyper.context, 512);
    /* one that is null: the context over what it was before */
    static const char yarn[] = "\"model_type\": \"llama\", \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": ";
    const roma_shape null = small_with(yarn, "null, \"original_max_position_embeddings\": 64}");
    const roma_shape said = small_with(yarn, "8, \"original_max_position_embeddings\": 64}");
    CHECK(memcmp(&null.hyper, &said.hyper, sizeof said.hyper) == 0);
    const roma_shape l3 =
        small_with("\"model_type\": \"llama\", \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, "
                   "\"low_freq_factor\": 1, \"high_freq_factor\": 4",
                   "}");
    CHECK_EQ(l3.hyper.rope_phase[15], roma_rope_phase(10000, 15, 32, 8));
    const roma_shape window =
        small_with("\"model_type\": \"qwen3\", \"use_sliding_window\": true, \"sliding_window\": 100, ",
                   "\"layer_types\": [\"sliding_attention\", \"full_attention\"]");
    CHECK_EQ(window.hyper.context, 100);
    const roma_shape full =
        small_with("\"model_type\": \"qwen3\", \"use_sliding_window\": true, \"sliding_window\": 100, ",
                   "\"max_window_layers\": 0, \"layer_types\": [\"full_attention\", \"full_attention\"]");
    CHECK_EQ(full.hyper.context, 512);
}

/* Keys that are not known are named, as far as there is room. */
static void test_passed(void) {
    const roma_shape s = small_with("\"model_type\": \"llama\", \"rotary_dim\": 16, \"use_cache\": true, \"x\": null, ",
                                    "\"auto_map\": {\"a\": \"b\"}, \"residual_multiplier\": 1.0");
    CHECK_STR(s.passed, "rotary_dim, auto_map");
    char many[1000] = "";
    for (int i = 0; i < 30; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), ", \"unknown_key_%02d\": 1", i);
    const roma_shape full = small_with("\"model_type\": \"llama\"", many);
    CHECK(strncmp(full.passed, "unknown_key_00, ", 16) == 0 && strlen(full.passed) < sizeof full.passed);
    CHECK_STR(full.passed + strlen(full.passed) - 5, ", ...");
}

/* YaRN as transformers' _compute_yarn_parameters gives it: heads 32 wide, base 10000, context 512. Pair 0 keeps its
 * angles, the last one has a quarter; the fifth is between the ends, whole pairs or as they are. */
static void test_yarn(void) {
    static const char yarn[] = "\"model_type\": \"llama\", \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4";
    static const struct {
        const char *more;
        double fifth;
        float gain;
    } v[] = {
        {"}", 1.75, 1.1386294f},
        {", \"truncate\": false}", 1.72588148, 1.1386294f},
        {", \"attention_factor\": 1}", 1.75, 0},
        {", \"mscale\": 2, \"mscale_all_dim\": 1}", 1.75, 1.1217509f},
        {", \"mscale\": 1}", 1.75, 1.1386294f},
        {", \"original_max_position_embeddings\": 64, \"beta_fast\": 4, \"beta_slow\": 0.5}", 2.5, 1.1386294f},
        /* beside the scaling it comes before the one inside, as transformers has it */
        {", \"beta_fast\": 4, \"beta_slow\": 0.5}, \"original_max_position_embeddings\": 64", 2.5, 1.1386294f},
        {", \"original_max_position_embeddings\": 999, \"beta_fast\": 4, \"beta_slow\": 0.5}, "
         "\"original_max_position_embeddings\": 64",
         2.5, 1.1386294f},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        const roma_shape s = small_with(yarn, v[i].more);
        CHECK_EQ(s.hyper.rope_phase[0], roma_rope_phase(10000, 0, 32, 1));
        CHECK_EQ(s.hyper.rope_phase[15], roma_rope_phase(10000, 15, 32, 4));
        CHECK_NEAR((double)s.hyper.rope_phase[5], (double)roma_rope_phase(10000, 5, 32, v[i].fifth), 1e-9);
        CHECK_NEAR((double)s.hyper.rope_gain, (double)v[i].gain, 1e-6);
    }
}

static void test_biases(void) {
    static const struct {
        const char *more;
        bool attention, mlp;
    } v[] = {{"\"model_type\": \"llama\"", false, false},
             {"\"model_type\": \"llama\", \"attention_bias\": true", true, false},
             {"\"model_type\": \"llama\", \"mlp_bias\": true", false, true},
             {"\"model_type\": \"qwen3\", \"attention_bias\": true", true, false},
             {"\"model_type\": \"qwen2\", \"attention_bias\": true", false, false}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        const roma_shape s = small_with(v[i].more, "");
        CHECK_EQ(roma_shape_has(&s, ROMA_W_O_BIAS), v[i].attention);
        CHECK_EQ(roma_shape_has(&s, ROMA_W_K_BIAS), v[i].attention || s.hyper.arch == ROMA_ARCH_QWEN2);
        CHECK_EQ(roma_shape_has(&s, ROMA_W_DOWN_BIAS), v[i].mlp);
        CHECK(roma_shape_has(&s, ROMA_W_HEAD));
        CHECK_EQ(roma_shape_has(&s, ROMA_W_Q_NORM), s.hyper.arch == ROMA_ARCH_QWEN3);
    }
}

/* Llama 3's scaling over the original context, which may stand inside it or beside it, where it comes first. */
static void test_llama3_original(void) {
#define LLAMA3(original)                                                                                               \
    "\"model_type\": \"llama\", \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, " \
    "\"high_freq_factor\": 4" original "}"
#define ORIGINAL(n) ", \"original_max_position_embeddings\": " #n
    const roma_shape inside = small_with(LLAMA3(ORIGINAL(64)), ""), beside = small_with(LLAMA3(""), ORIGINAL(64)),
                     both = small_with(LLAMA3(ORIGINAL(300)), ORIGINAL(64)),
                     other = small_with(LLAMA3(ORIGINAL(300)), ""),
                     plain = small_with("\"model_type\": \"llama\"", ORIGINAL(64));
    CHECK_BYTES(&beside, &inside, sizeof inside);
    CHECK_BYTES(&both, &inside, sizeof inside);
    CHECK(memcmp(&other, &inside, sizeof inside) != 0);
    CHECK_EQ(plain.hyper.rope_phase[5], roma_rope_phase(10000, 5, 32, 1));
}

/* A window that layers use is where the context ends. */
static void test_window(void) {
    static const char *const v[] = {
        "\"model_type\": \"mistral\", \"sliding_window\": 256",
        "\"model_type\": \"qwen2\", \"sliding_window\": 256, \"use_sliding_window\": true, \"max_window_layers\": 1"};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        const roma_shape s = small_with(v[i], "");
        CHECK_EQ(s.hyper.context, 256);
    }
}

/* A window that is not said is 4096 where the family's own code has one; null is none. */
static void test_usual_window(void) {
    static const struct {
        const char *more;
        uint32_t context;
    } v[] = {
        {"\"model_type\": \"mistral\"", 4096},
        {"\"model_type\": \"mistral\", \"sliding_window\": null", 9000},
        {"\"model_type\": \"qwen2\", \"use_sliding_window\": true, \"max_window_layers\": 1", 4096},
        {"\"model_type\": \"qwen2\", \"use_sliding_window\": true, \"max_window_layers\": 2", 9000},
        {"\"model_type\": \"qwen3\"", 9000},
        {"\"model_type\": \"qwen3\", \"use_sliding_window\": true, \"max_window_layers\": 0", 4096},
        {"\"model_type\": \"llama\"", 9000},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        char text[1000];
        roma_shape s;
        roma_error err;
        snprintf(text, sizeof text, "{%s, " SMALL_BUT_CONTEXT "9000}", v[i].more);
        CHECK_EQ(read_config(text, &s, &err), 0);
        CHECK_EQ(s.hyper.context, v[i].context);
    }
}

static void test_bad_configs(void) {
    static const char *const v[][2] = {
        {"\"model_type\": \"gemma2\"", "key 'model_type': gemma2 is not supported"},
        {"\"model_type\": 4", "key 'model_type'"},
        {"\"model_type\": \"bitnet\"", "bitnet"},
        {"\"use_cache\": true", "key 'model_type' is missing"},
        {"\"architectures\": []", "key 'model_type' is missing"},
        {"\"architectures\": [\"LlamaForSequenceClassification\"]", "LlamaForSequenceClassification is not supported"},
        {"\"architectures\": \"LlamaForCausalLM\"", "key 'architectures': must be a list"},
        {"\"architectures\": [\"LlamaForCausalLM\", \"Qwen2ForCausalLM\"]", "key 'architectures'"},
        {"\"model_type\": \"llama\", \"architectures\": [\"Qwen2ForCausalLM\"]", "Qwen2ForCausalLM is no llama model"},
        {"\"model_type\": \"llama\", \"hidden_act\": \"gelu\"", "key 'hidden_act': gelu is not supported"},
        {"\"model_type\": \"llama\", \"hidden_act\": 1", "key 'hidden_act'"},
        {"\"model_type\": \"mistral\", \"attention_bias\": true", "key 'attention_bias'"},
        {"\"model_type\": \"qwen2\", \"attention_bias\": false", "key 'attention_bias'"},
        {"\"model_type\": \"llama\", \"attention_bias\": \"yes\"", "must be true or false"},
        {"\"model_type\": \"qwen3\", \"mlp_bias\": true", "key 'mlp_bias'"},
        {"\"model_type\": \"mistral\", \"sliding_window\": -1", "key 'sliding_window': must be a whole number"},
        {"\"model_type\": \"qwen3\", \"layer_types\": [\"full_attention\", \"sliding_attention\"]",
         "key 'layer_types': sliding_attention without use_sliding_window"},
        {"\"model_type\": \"llama\", \"layer_types\": [\"full_attention\", \"sliding_attention\"]",
         "key 'layer_types': llama models have no layers of sliding_attention"},
        {"\"model_type\": \"qwen3\", \"layer_types\": [\"full_attention\"]", "1 kinds of 2 layers"},
        {"\"model_type\": \"qwen3\", \"layer_types\": [\"full_attention\", \"chunked_attention\"]",
         "chunked_attention is not supported"},
        {"\"model_type\": \"llama\", \"logits_scaling\": 8", "key 'logits_scaling': must be 1"},
        {"\"model_type\": \"llama\", \"rope_interleaved\": true", "key 'rope_interleaved'"},
        {"\"model_type\": \"llama\", \"pruned_heads\": {\"0\": [1]}", "key 'pruned_heads'"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"linear\", \"factor\": null}", "key 'factor'"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"rope_type\": \"yarn\"}", "key 'factor'"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4, \"beta_slow\": 33}",
         "key 'beta_slow'"},
        {"\"model_type\": \"llama\", \"rope_theta\": 1, \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4}",
         "rope_theta above 1"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2, \"truncate\": true}",
         "key 'truncate' of the RoPE scaling"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"rope_type\": \"longrope\", \"factor\": 4}",
         "key 'rope_type': RoPE scaling 'longrope' is not supported"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"beta_fast\": 1, \"type\": \"dynamic\"}",
         "'dynamic' is not supported"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"linear\", \"rope_type\": \"llama3\"}", "differ"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"linear\"}",
         "key 'factor' of the RoPE scaling is missing"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 0}", "key 'factor'"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2, \"mscale\": 1}",
         "key 'mscale' of the RoPE scaling"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"factor\": 2}",
         "key 'rope_type' of the RoPE scaling is missing"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8}", "llama3 needs"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": "
         "4, \"high_freq_factor\": 4, \"original_max_position_embeddings\": 8192}",
         "llama3 needs"},
        {"\"model_type\": \"llama\", \"rope_scaling\": \"linear\"", "key 'rope_scaling': must be an object"},
        {"\"model_type\": \"llama\", \"rope_scaling\": {}, \"rope_parameters\": {}", "both there"},
        {"\"model_type\": \"llama\", \"rope_parameters\": {\"full_attention\": {\"rope_type\": \"default\"}}",
         "key 'full_attention' of the RoPE scaling"},
        {"\"model_type\": \"llama\", \"partial_rotary_factor\": 0.5", "key 'partial_rotary_factor'"},
        {"\"model_type\": \"llama\", \"rope_theta\": 0.5", "key 'rope_theta'"},
        {"\"model_type\": \"llama\", \"rope_theta\": \"1e4\"", "key 'rope_theta'"},
        {"\"model_type\": \"llama\", \"rope_theta\": 1e400", "key 'rope_theta'"},
        {"\"model_type\": \"llama\", \"rms_norm_eps\": 0", "key 'rms_norm_eps'"},
        {"\"model_type\": \"llama\", \"tie_word_embeddings\": 1", "key 'tie_word_embeddings'"},
        {"\"model_type\": \"llama\", \"num_local_experts\": 8",
         "key 'num_local_experts': changes what the model computes"},
        {"\"model_type\": \"llama\", \"final_logit_softcapping\": 30.0", "key 'final_logit_softcapping'"},
        {"\"model_type\": \"llama\", \"is_causal\": false", "key 'is_causal': must be true"},
        {"\"model_type\": \"llama\", \"per_layer_config\": {\"0\": {\"sliding_window\": 128}}",
         "key 'per_layer_config'"},
        {"\"model_type\": \"llama\", \"text_config\": {\"a\": 1}", "key 'text_config'"},
        {"\"model_type\": \"llama\", \"clip_qkv\": \"x\"", "key 'clip_qkv'"},
        {"\"model_type\": \"llama\", \"head_dim\": 25", "the rotated width of a head is 25"},
        {"\"model_type\": \"llama\", \"head_dim\": 1024", "key 'head_dim': must be a whole number from 2 to 512"},
        {"\"model_type\": \"llama\", \"num_key_value_heads\": 2", "no multiple"},
        {"\"model_type\": \"llama\", \"num_key_value_heads\": [3, 3]",
         "key 'num_key_value_heads': must be a whole number"},
        {"\"model_type\": \"llama\", \"model_type\": \"llama\"", "model_type"},
        {"\"model_type\": \"llama\",", "not valid JSON"},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        char text[1000];
        snprintf(text, sizeof text, "{%s, " SMALL "}", v[i][0]);
        write_config(text, strlen(text));
        refused(path, v[i][1]);
    }
}

/* Each width that is no number of its range, or is not there. */
static void test_bad_widths(void) {
    static const char *const keys[] = {"hidden_size",         "intermediate_size", "max_position_embeddings",
                                       "num_attention_heads", "num_hidden_layers", "vocab_size",
                                       "num_key_value_heads", "head_dim"};
    static const char *const good[] = {"96", "160", "512", "3", "2", "77", "3", "32"};
    static const char *const values[] = {
        "0", "-4", "4.0", "1e3", "\"96\"", "true", "[96]", "{}", "4294967296", "18446744073709551616", "1e999", NULL};
    enum { N = sizeof keys / sizeof *keys, V = sizeof values / sizeof *values };
    for (size_t k = 0; k < N; k++)
        for (size_t v = 0; v < V; v++) {
            char text[1000] = "{\"model_type\": \"llama\"", says[64];
            if (!values[v] && k >= 6) continue; /* these two may be left out */
            for (size_t i = 0; i < N; i++)
                if (i != k || values[v])
                    snprintf(text + strlen(text), sizeof text - strlen(text), ", \"%s\": %s", keys[i],
                             i == k ? values[v] : good[i]);
            strcat(text, "}");
            snprintf(says, sizeof says, "key '%s'", keys[k]);
            write_config(text, strlen(text));
            refused(path, says);
        }
}

/* Files that no tool wrote. */
static void test_hostile(void) {
    static const struct {
        const char *text;
        size_t n;
        const char *says;
    } v[] = {{"{", 1, "not valid JSON"},
             {"{}", 2, "key 'model_type' is missing"},
             {"{}{}", 4, "not valid JSON"},
             {"{\0}", 3, "not valid JSON"},
             {"{\"model_type\"", 13, "not valid JSON"},
             {"{\"a\": \"\\ud800\"}", 14, "not valid JSON"},
             {"{\"model_type\": \"lla\\u0000ma\"}", 29, "lla\\x00ma"},
             {"{\"model_type\": \"\xff\"}", 19, "not valid JSON"}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        write_config(v[i].text, v[i].n);
        refused(path, v[i].says);
    }
    char deep[200] = "{\"a\": ";
    memset(deep + 6, '[', 100);
    write_config(deep, 106);
    refused(path, "deep");
    CHECK_EQ(truncate(path, (off_t)1 << 40), 0); /* a terabyte of zeros */
    refused(path, "at most 1048576 are read");
    CHECK_EQ(truncate(path, 0), 0);
    refused(path, "empty");
    unlink(path);
    refused(path, "no such file");
    refused(folder, "no such file");
    CHECK_EQ(mkfifo(path, 0600), 0);
    refused(path, "not a regular file");
    unlink(path);
    CHECK_EQ(mkdir(path, 0700), 0);
    refused(folder, "a folder");
    CHECK_EQ(rmdir(path), 0);
}

int main(void) {
    snprintf(folder, sizeof folder, "/tmp/roma-test-shape-%d", (int)getpid());
    snprintf(path, sizeof path, "%s/config.json", folder);
    CHECK_EQ(mkdir(folder, 0700), 0);
    test_known();
    test_defaults();
    test_bad_values();
    test_bad_spellings();
    test_published();
    test_config_defaults();
    test_as_transformers();
    test_passed();
    test_yarn();
    test_biases();
    test_window();
    test_usual_window();
    test_llama3_original();
    test_bad_configs();
    test_bad_widths();
    test_hostile();
    CHECK_EQ(rmdir(folder), 0);
    return TEST_DONE();
}
