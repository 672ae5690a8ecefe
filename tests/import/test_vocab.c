/* Tokenizers out of GGUF files. */
#include "../test.h"
#include "gguf_spoil.h"

typedef struct {
    b_file f;
    roma_buf out;
    roma_import imp;
} opened;

static bool open_vocab(opened *o, bool spm, const char *commands) {
    roma_error err = {0};
    b_shape s = b_small("llama");
    s.spm = spm;
    o->out = (roma_buf){0};
    b_model(&o->f, &s);
    spoil(&o->f, commands, &o->out);
    const int rc = roma_import_open_memory(&o->imp, o->out.data, o->out.len, &err);
    if (rc) fprintf(stderr, "%s: %s\n", commands, err.text);
    CHECK_EQ(rc, ROMA_OK);
    return !rc;
}

static void close_vocab(opened *o) {
    roma_import_close(&o->imp);
    roma_buf_destroy(&o->out);
    b_free(&o->f);
}

static bool token_is(const roma_vocab *v, uint32_t i, const char *text) {
    const uint32_t len = v->text_off[i + 1] - v->text_off[i];
    return strlen(text) == len && memcmp(v->text + v->text_off[i], text, len) == 0;
}

static void test_bpe(void) {
    static const uint32_t merges[] = {3, 4, 5, 6, 7, 8, 10, 11, 13, 14};
    opened o;
    if (!open_vocab(&o, false, "")) return;
    const roma_vocab *v = &o.imp.vocab;
    CHECK(o.imp.has_vocab);
    CHECK_EQ(v->kind, ROMA_TOK_BPE);
    CHECK_EQ(v->pre, ROMA_PRE_SMOLLM);
    CHECK_EQ(v->n_tokens, 16);
    CHECK_EQ(v->text_off[0], 0);
    CHECK(token_is(v, 0, "<|endoftext|>") && token_is(v, 9, "abcd") && token_is(v, 15, "gh"));
    CHECK_EQ(v->type[2], ROMA_TT_CONTROL);
    CHECK_EQ(v->type[3], ROMA_TT_NORMAL);
    CHECK_EQ(v->n_merges, 5);
    for (unsigned i = 0; i < 10; i++) CHECK_EQ(v->merges[i], merges[i]);
    CHECK_EQ(v->bos, 1);
    CHECK_EQ(v->eos, 2);
    CHECK_EQ(v->unk, 0);
    CHECK_EQ(v->pad, 2);
    CHECK_EQ(v->n_eog, 2);
    CHECK_EQ(v->eog[0], 2);
    CHECK_EQ(v->eog[1], 0);
    CHECK_EQ(v->add_bos + v->add_eos + v->add_space_prefix + v->ignore_merges, 0);
    CHECK(v->score == NULL);
    CHECK_EQ(v->template_kind, ROMA_TEMPLATE_NONE);
    CHECK_EQ(v->template_bytes, 82);
    CHECK_BYTES(v->template_text,
                "{% for m in messages %}<|im_start|>{{m.role}}\n{{m.content}}<|im_end|>\n{% endfor %}", 82);
    close_vocab(&o);
}

static void test_spm(void) {
    opened o;
    if (!open_vocab(&o, true, "drop tokenizer.ggml.add_bos_token;;drop tokenizer.ggml.pre")) return;
    const roma_vocab *v = &o.imp.vocab;
    CHECK_EQ(v->kind, ROMA_TOK_SPM);
    CHECK_EQ(v->pre, ROMA_PRE_NONE);
    CHECK(token_is(v, 6, "\xe2\x96\x81"));
    CHECK(v->score[15] == -10.0f);
    CHECK_EQ(v->type[3], ROMA_TT_BYTE);
    CHECK_EQ(v->n_merges, 0);
    CHECK_EQ(v->add_bos, 1);
    CHECK_EQ(v->add_eos, 0);
    CHECK_EQ(v->add_space_prefix, 1);
    CHECK_EQ(v->n_eog, 1);
    close_vocab(&o);
}

/* Pre-tokenizer by name; what follows from it. */
static void test_pre(void) {
    static const struct {
        const char *name;
        uint32_t pre, add_bos, ignore;
    } known[] = {{"gpt-2", ROMA_PRE_GPT2, 0, 0},
                 {"smollm", ROMA_PRE_SMOLLM, 0, 0},
                 {"llama-bpe", ROMA_PRE_LLAMA3, 1, 1},
                 {"llama3", ROMA_PRE_LLAMA3, 1, 1},
                 {"llama-v3", ROMA_PRE_LLAMA3, 1, 1},
                 {"qwen2", ROMA_PRE_QWEN2, 0, 0},
                 {"deepseek-r1-qwen", ROMA_PRE_QWEN2, 0, 0},
                 {"smaug-bpe", ROMA_PRE_LLAMA3, 0, 0},
                 {"deepseek-llm", ROMA_PRE_DEEPSEEK_LLM, 0, 0},
                 {"deepseek-coder", ROMA_PRE_DEEPSEEK_CODER, 0, 0},
                 {"falcon", ROMA_PRE_FALCON, 0, 0},
                 {"falcon3", ROMA_PRE_LLAMA3, 1, 1},
                 {"mpt", ROMA_PRE_MPT, 0, 0},
                 {"tekken", ROMA_PRE_TEKKEN, 1, 1},
                 {"refact", ROMA_PRE_SMOLLM, 0, 0},
                 {"starcoder", ROMA_PRE_SMOLLM, 0, 0},
                 {"command-r", ROMA_PRE_COMMAND_R, 0, 0},
                 {"gpt-4o", ROMA_PRE_GPT4O, 0, 0},
                 {"qwen35", ROMA_PRE_QWEN35, 0, 0}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        opened o;
        char commands[128];
        snprintf(commands, sizeof commands, "drop tokenizer.ggml.add_bos_token;;set tokenizer.ggml.pre str %s",
                 known[i].name);
        if (!open_vocab(&o, false, commands)) continue;
        CHECK_EQ(o.imp.vocab.pre, known[i].pre);
        CHECK_EQ(o.imp.vocab.add_bos, known[i].add_bos);
        CHECK_EQ(o.imp.vocab.ignore_merges, known[i].ignore);
        close_vocab(&o);
    }
}

static void test_ids(void) {
    opened o;
    if (!open_vocab(&o, false,
                    "set tokenizer.ggml.padding_token_id u32 0xffffffff;;drop tokenizer.ggml.bos_token_id;;drop "
                    "tokenizer.ggml.eos_token_id;;"
                    "set tokenizer.ggml.unknown_token_id i64 5;;set tokenizer.ggml.eot_token_id u32 4;;set "
                    "tokenizer.ggml.eom_token_id u32 4;;"
                    "set tokenizer.ggml.add_bos_token bool 1;;set tokenizer.ggml.add_eos_token bool 1"))
        return;
    const roma_vocab *v = &o.imp.vocab;
    CHECK_EQ(v->pad, -1);
    CHECK_EQ(v->bos, -1);
    CHECK_EQ(v->eos, -1);
    CHECK_EQ(v->unk, 5);
    CHECK_EQ(v->n_eog, 3); /* eot and eom are one */
    CHECK_EQ(v->eog[0], 4);
    CHECK_EQ(v->eog[1], 0);
    CHECK_EQ(v->eog[2], 2);
    CHECK_EQ(v->add_bos + v->add_eos, 0); /* there is nothing to add */
    close_vocab(&o);
}

static void test_odd(void) {
    opened o;
    if (open_vocab(&o, false,
                   "drop tokenizer.ggml.token_type;;drop tokenizer.chat_template;;set tokenizer.ggml.merges [str]")) {
        CHECK_EQ(o.imp.vocab.type[0], ROMA_TT_NORMAL);
        CHECK_EQ(o.imp.vocab.template_kind, ROMA_TEMPLATE_NONE);
        CHECK_EQ(o.imp.vocab.template_bytes, 0);
        CHECK_EQ(o.imp.vocab.n_merges, 0);
        close_vocab(&o);
    }
    if (open_vocab(
            &o, false,
            "set tokenizer.ggml.tokens [str] @4096&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p;;set tokenizer.ggml.merges [str]")) {
        CHECK_EQ(o.imp.vocab.text_off[1], 4096);
        close_vocab(&o);
    }
    if (open_vocab(&o, false, "drop tokenizer.ggml.model")) {
        CHECK(!o.imp.has_vocab);
        CHECK(o.imp.vocab.text == NULL);
        close_vocab(&o);
    }
}

int main(void) {
    test_bpe();
    test_spm();
    test_pre();
    test_ids();
    test_odd();
    return TEST_DONE();
}
