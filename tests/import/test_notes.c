/* Contradictions in a file that leave the model whole: each gets a note that names both values. Those that leave it in
 * doubt are refused: test_malformed.c. */
#include "../test.h"
#include "gguf_spoil.h"

enum { BPE, SPM, BARE, QWEN3 };

/* clang-format off */
static const struct {
    int base;
    const char *commands, *key, *one, *other; /* words that one line must have; key NULL: no line at all */
} cases[] = {
    {BPE, "", NULL, NULL, NULL},
    {SPM, "", NULL, NULL, NULL},
    {BARE, "", NULL, NULL, NULL},
    {QWEN3, "", NULL, NULL, NULL},
    /* the vocabulary's size */
    {BPE, "set llama.vocab_size u32 3", "'llama.vocab_size'", "is 3,", "16 tokens"},
    {SPM, "set llama.vocab_size u64 32000", "'llama.vocab_size'", "is 32000,", "16 tokens"},
    {QWEN3, "set qwen3.vocab_size i32 15", "'qwen3.vocab_size'", "is 15,", "16 tokens"},
    {BPE, "set llama.vocab_size u32 16", NULL, NULL, NULL},
    {BARE, "set llama.vocab_size u32 16", NULL, NULL, NULL},
    /* lists and ids beside the tokens */
    {BPE, "set tokenizer.ggml.scores [f32] 1 2 3", "'tokenizer.ggml.scores'", "3 values", "16 tokens"},
    {BPE, "set tokenizer.ggml.scores [f32] 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", NULL, NULL, NULL},
    {BPE, "set tokenizer.ggml.mask_token_id u32 16", "'tokenizer.ggml.mask_token_id'", "is 16,", "16 tokens"},
    {SPM, "set tokenizer.ggml.fim_pre_token_id u32 99", "'tokenizer.ggml.fim_pre_token_id'", "is 99,", "16 tokens"},
    {BPE, "set tokenizer.ggml.seperator_token_id i32 -7", "'tokenizer.ggml.seperator_token_id'", "is -7,", "16 tokens"},
    {BPE, "set tokenizer.ggml.mask_token_id u32 15;;set tokenizer.ggml.cls_token_id u32 0xffffffff", NULL, NULL, NULL},
    {BPE, "set tokenizer.ggml.add_bos_token bool 1;;drop tokenizer.ggml.bos_token_id", "'tokenizer.ggml.add_bos_token'", "is true", "bos_token_id is none"},
    {SPM, "set tokenizer.ggml.add_eos_token bool 1;;set tokenizer.ggml.eos_token_id u32 0xffffffff", "'tokenizer.ggml.add_eos_token'", "is true", "eos_token_id is none"},
    {SPM, "drop tokenizer.ggml.add_bos_token;;drop tokenizer.ggml.bos_token_id", NULL, NULL, NULL},
    {BPE, "drop tokenizer.ggml.model", "'tokenizer.ggml.tokens'", "16 tokens", "tokenizer.ggml.model is missing"},
    /* shapes and rotation */
    {BPE, "set llama.rope.dimension_count u32 8", "'llama.rope.dimension_count'", "is 8,", "16 wide"},
    {BPE, "drop llama.attention.key_length;;drop llama.attention.value_length;;set llama.attention.head_count u32 2;;drop llama.attention.head_count_kv;;"
          "t.reshape blk.0.attn_k.weight 64 64;;t.reshape blk.0.attn_v.weight 64 64;;t.reshape blk.1.attn_k.weight 64 64;;t.reshape blk.1.attn_v.weight 64 64",
     "'llama.rope.dimension_count'", "is 16,", "32 wide"}, /* half as many heads as there were: all shapes agree */
    {BPE, "set llama.rope.scaling.type str none;;set llama.rope.scaling.factor f32 4", "'llama.rope.scaling.factor'", "is 4,", "type is none"},
    {BPE, "set llama.rope.scaling.type str none;;set llama.rope.scale_linear f32 2.5", "'llama.rope.scale_linear'", "is 2.5,", "type is none"},
    {BPE, "set llama.rope.scaling.factor f32 4;;set llama.rope.scale_linear f32 2", "'llama.rope.scale_linear'", "is 2,", "factor is 4,"},
    {BPE, "set llama.rope.scaling.factor f32 4;;set llama.rope.scale_linear f32 4", NULL, NULL, NULL},
    {BPE, "set llama.rope.scaling.type str none;;set llama.rope.scaling.factor f32 1", NULL, NULL, NULL},
    {BPE, "set llama.expert_used_count u32 2", "'llama.expert_used_count'", "is 2,", "expert_count is 0"},
    {BPE, "set llama.expert_used_count u32 0;;set llama.expert_count u32 0", NULL, NULL, NULL},
    /* types, other architectures */
    {BPE, "set general.file_type u32 3", "'general.file_type'", "is 3, which means Q4_1", "token_embd.weight is Q8_0"},
    {BPE, "set general.file_type u32 15", "'general.file_type'", "is 15, which means Q4_K", "token_embd.weight is Q8_0"},
    {BPE, "set general.file_type u32 7", NULL, NULL, NULL},
    {BPE, "set general.file_type u32 5;;set general.file_type u32 1000", NULL, NULL, NULL},
    {BPE, "set qwen2.block_count u32 5;;set qwen2.context_length u32 5", "'qwen2.block_count'", "1 more", "general.architecture, llama"},
    {QWEN3, "set qwen2.block_count u32 5", "'qwen2.block_count'", "0 more", "qwen3"},
    /* what nobody obeys */
    {QWEN3, "set qwen30.x u32 1", "'qwen30.x'", "is passed over", "no part of a model that is known"},
    {BPE, "set rope.freq_base f32 7;;set hidden_act str gelu", "'rope.freq_base'", "and 1 more are passed over", "no part of a model"},
    {BPE, "set general.sampling.temp f32 0.6;;set general.sampling.top_k i32 20", "'general.sampling.temp'", "and 1 more are passed over", "options of run"},
    {BPE, "set tokenizer.ggml.suppress_tokens [i32] 3 4", "'tokenizer.ggml.suppress_tokens'", "is passed over", "options of run"},
    {BPE, "set tokenizer.ggml.normalizer.lowercase bool 1", "'tokenizer.ggml.normalizer.lowercase'", "is passed over", "no such rule"},
    {SPM, "set tokenizer.ggml.remove_extra_whitespaces bool 1;;set tokenizer.ggml.frobnicate u32 3", "'tokenizer.ggml.remove_extra_whitespaces'", "and 1 more are", "no such rule"},
    {SPM, "set tokenizer.ggml.escape_whitespaces bool 0;;set tokenizer.ggml.add_sep_token bool 0;;set tokenizer.ggml.token_type_count u32 2", NULL, NULL, NULL},
    {BPE, "set tokenizer.huggingface.json str {};;set tokenizer.chat_template.tool_use str x;;set quantize.imatrix.file str y;;set general.base_model.0.name str z", NULL, NULL, NULL},
};
/* clang-format on */

static b_shape base_of(int which) {
    b_shape s = b_small(which == QWEN3 ? "qwen3" : "llama");
    s.spm = which == SPM;
    s.tokenizer = which != BARE;
    return s;
}

static unsigned lines_of(const char *text) {
    unsigned n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

static void test_case(size_t i) {
    b_file f;
    roma_buf out = {0};
    roma_import imp;
    roma_error err;
    const b_shape s = base_of(cases[i].base);
    b_model(&f, &s);
    spoil(&f, cases[i].commands, &out);
    const int rc = roma_import_open_memory(&imp, out.data, out.len, &err);
    CHECK_EQ(rc, ROMA_OK);
    if (rc) {
        fprintf(stderr, "%s: %s\n", cases[i].commands, err.text);
    } else {
        const bool right = !cases[i].key ? !imp.notes[0]
                                         : lines_of(imp.notes) == 1 && strstr(imp.notes, cases[i].key) &&
                                               strstr(imp.notes, cases[i].one) && strstr(imp.notes, cases[i].other);
        if (!right) fprintf(stderr, "%s: notes '%s'\n", cases[i].commands, imp.notes);
        CHECK(right);
        roma_import_close(&imp);
    }
    roma_buf_destroy(&out);
    b_free(&f);
}

/* Many contradictions are counted, not listed. */
static void test_many(void) {
    b_file f;
    roma_buf out = {0};
    roma_import imp;
    roma_error err;
    const b_shape s = base_of(BPE);
    b_model(&f, &s);
    for (int i = 0; i < 30; i++) {
        char key[64];
        snprintf(key, sizeof key, "tokenizer.ggml.x%d_token_id", i);
        b_set(&f, key, "u32 77");
    }
    b_write(&f, &out);
    CHECK_EQ(roma_import_open_memory(&imp, out.data, out.len, &err), ROMA_OK);
    CHECK_EQ(lines_of(imp.notes), 17);
    CHECK(strstr(imp.notes, "and 14 more contradictions\n") != NULL);
    roma_import_close(&imp);
    roma_buf_destroy(&out);
    b_free(&f);
}

int main(void) {
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) test_case(i);
    test_many();
    return TEST_DONE();
}
