/* tokenizer.ggml.* to a roma_vocab: tokens in one block of text, ids, flags, the ids that end a turn. */
#include <string.h>
#include "gguf.h"

#define TEXT_BYTES_MAX ((uint64_t)INT32_MAX)

static int no_memory(const gguf_file *g, uint64_t n, roma_error *err) {
    return roma_fail(err, ROMA_ENOMEM, g->path, ROMA_NOWHERE, "no memory for a vocabulary of %llu tokens",
                     (unsigned long long)n);
}

static int need(const gguf_file *g, const char *key, roma_error *err) {
    return roma_fail(err, ROMA_EDAMAGED, g->path, ROMA_NOWHERE, "key '%s' is missing; convert the model anew", key);
}

static bool is(const char *text, size_t len, const char *word) {
    return strlen(word) == len && memcmp(text, word, len) == 0;
}

/* ---- tokens ------------------------------------------------------------------------------------------------ */

/* Copies the strings into one block; their lengths were checked against the file by the parser. */
static int copy_tokens(const gguf_file *g, const gguf_kv *kv, import_owned *o, roma_error *err) {
    const uint8_t *p = kv->value;
    uint32_t at = 0;
    for (uint64_t i = 0; i < kv->count; i++) {
        const uint64_t len = roma_le64(p);
        if (len > ROMA_TOKEN_BYTES_MAX)
            return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "token %llu has %llu bytes; at most %u are allowed",
                                      (unsigned long long)i, (unsigned long long)len, ROMA_TOKEN_BYTES_MAX);
        memcpy(o->text + at, p + 8, (size_t)len);
        at += (uint32_t)len;
        o->text_off[i + 1] = at;
        p += 8 + len;
    }
    return ROMA_OK;
}

static int read_tokens(const gguf_file *g, uint32_t rows, import_owned *o, roma_vocab *v, roma_error *err) {
    const gguf_kv *kv;
    const int rc = roma_import_kv_array(g, "tokenizer.ggml.tokens", GGUF_STRING, &kv, err);
    if (rc) return rc;
    if (!kv) return need(g, "tokenizer.ggml.tokens", err);
    if (rows && kv->count != rows)
        return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "%llu tokens, but the embedding has %u rows",
                                  (unsigned long long)kv->count, rows);
    if (!kv->count || kv->count > ROMA_TOKENS_MAX)
        return roma_import_kv_bad(g, kv, ROMA_EUNSUPPORTED, err, "%llu tokens; 1 to %u are supported",
                                  (unsigned long long)kv->count, ROMA_TOKENS_MAX);
    const uint64_t bytes = kv->bytes - 8 * kv->count;
    if (bytes > TEXT_BYTES_MAX)
        return roma_import_kv_bad(g, kv, ROMA_EUNSUPPORTED, err, "the tokens have more than 2 GiB of text");
    o->text_off = roma_alloc_array((size_t)kv->count + 1, sizeof *o->text_off);
    o->text = roma_alloc((size_t)bytes + 1);
    if (!o->text_off || !o->text) return no_memory(g, kv->count, err);
    v->n_tokens = (uint32_t)kv->count;
    v->text_off = o->text_off;
    v->text = o->text;
    return copy_tokens(g, kv, o, err);
}

/* Bytes are known by their text, whatever their type says: old converters called them normal. */
static void find_bytes(const roma_vocab *v, uint8_t *type) {
    bool seen[256] = {false};
    for (unsigned pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < v->n_tokens; i++) {
            const uint32_t at = v->text_off[i];
            const int b = roma_text_byte_of(v->text + at, v->text_off[i + 1] - at);
            if (b < 0 || (!pass && type[i] != ROMA_TT_BYTE) || seen[b]) continue;
            type[i] = ROMA_TT_BYTE;
            seen[b] = true;
        }
}

static int read_types(const gguf_file *g, import_owned *o, roma_vocab *v, roma_error *err) {
    const char *const key = "tokenizer.ggml.token_type";
    const gguf_kv *kv = roma_import_kv_find(g, key);
    o->type = roma_alloc(v->n_tokens);
    if (!o->type) return no_memory(g, v->n_tokens, err);
    v->type = o->type;
    memset(o->type, ROMA_TT_NORMAL, v->n_tokens);
    if (!kv) return v->kind == ROMA_TOK_SPM ? need(g, key, err) : ROMA_OK;
    if (kv->type != GGUF_ARRAY || (kv->elem != GGUF_I32 && kv->elem != GGUF_U32))
        return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "must be an array of i32");
    if (kv->count != v->n_tokens)
        return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "%llu types for %u tokens", (unsigned long long)kv->count,
                                  v->n_tokens);
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        const uint32_t type = roma_le32(kv->value + 4 * (size_t)i);
        if (type < ROMA_TT_NORMAL || type > ROMA_TT_BYTE)
            return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "token %u has the unknown type %d", i, (int32_t)type);
        o->type[i] = (uint8_t)type;
    }
    if (v->kind == ROMA_TOK_SPM) find_bytes(v, o->type);
    return ROMA_OK;
}

static int read_scores(const gguf_file *g, import_owned *o, roma_vocab *v, roma_error *err) {
    const char *const key = "tokenizer.ggml.scores";
    const gguf_kv *kv;
    const int rc = roma_import_kv_array(g, key, GGUF_F32, &kv, err);
    if (rc) return rc;
    if (!kv) return need(g, key, err);
    if (kv->count != v->n_tokens)
        return roma_import_kv_bad(g, kv, ROMA_EDAMAGED, err, "%llu scores for %u tokens", (unsigned long long)kv->count,
                                  v->n_tokens);
    o->score = roma_alloc_array(v->n_tokens, sizeof *o->score);
    if (!o->score) return no_memory(g, v->n_tokens, err);
    v->score = o->score;
    for (uint32_t i = 0; i < v->n_tokens; i++) o->score[i] = roma_f32_from_bits(roma_le32(kv->value + 4 * (size_t)i));
    return ROMA_OK;
}

/* ---- ids and flags ----------------------------------------------------------------------------------------- */

/* A token id; absent, or 2^32 - 1 as some converters write it: -1. */
static int read_id(const gguf_file *g, const char *key, const roma_vocab *v, int32_t *id, roma_error *err) {
    bool found;
    uint64_t n;
    *id = -1;
    const int rc = roma_import_kv_u64(g, key, 0, UINT32_MAX, &n, &found, err);
    if (rc || !found || n == UINT32_MAX) return rc;
    if (n >= v->n_tokens)
        return roma_import_kv_bad(g, roma_import_kv_find(g, key), ROMA_EDAMAGED, err,
                                  "token %llu of a vocabulary of %u", (unsigned long long)n, v->n_tokens);
    *id = (int32_t)n;
    return ROMA_OK;
}

static int read_ids(const gguf_file *g, roma_vocab *v, roma_error *err) {
    int rc = read_id(g, "tokenizer.ggml.bos_token_id", v, &v->bos, err);
    if (!rc) rc = read_id(g, "tokenizer.ggml.eos_token_id", v, &v->eos, err);
    if (!rc) rc = read_id(g, "tokenizer.ggml.unknown_token_id", v, &v->unk, err);
    if (!rc) rc = read_id(g, "tokenizer.ggml.padding_token_id", v, &v->pad, err);
    return rc;
}

static int read_flag(const gguf_file *g, const char *key, bool absent, uint8_t *out, roma_error *err) {
    bool found, value = absent;
    const int rc = roma_import_kv_bool(g, key, &value, &found, err);
    *out = value;
    return rc;
}

static int read_flags(const gguf_file *g, roma_vocab *v, const roma_pre_rule *rule, roma_error *err) {
    const bool spm = v->kind == ROMA_TOK_SPM;
    int rc = read_flag(g, "tokenizer.ggml.add_bos_token", spm || rule->add_bos, &v->add_bos, err);
    if (!rc) rc = read_flag(g, "tokenizer.ggml.add_eos_token", false, &v->add_eos, err);
    if (!rc) rc = read_flag(g, "tokenizer.ggml.add_space_prefix", spm, &v->add_space_prefix, err);
    v->ignore_merges = rule->ignore_merges;
    /* Settings that ask for what is not there could only be obeyed wrongly. */
    if (!rc && v->add_bos && v->bos < 0) v->add_bos = 0;
    if (!rc && v->add_eos && v->eos < 0) v->add_eos = 0;
    return rc;
}

bool roma_import_add_eog(roma_vocab *v, int32_t id) {
    for (uint32_t i = 0; i < v->n_eog; i++)
        if (v->eog[i] == id) return true;
    if (id >= 0 && v->n_eog == ROMA_EOG_MAX) return false;
    if (id >= 0) v->eog[v->n_eog++] = id;
    return true;
}

int roma_import_add_eog_texts(roma_vocab *v, const char *path, roma_error *err) {
    bool fits = true;
    static const char *const texts[] = {"<|im_end|>",      "<|eot_id|>",    "<|eom_id|>",
                                        "<|end_of_text|>", "<|endoftext|>", "<end_of_turn>"};
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        const uint32_t len = v->text_off[i + 1] - v->text_off[i];
        const char *text = v->text + v->text_off[i];
        if (len < 10 || text[0] != '<') continue;
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
            if (is(text, len, texts[k])) fits = roma_import_add_eog(v, (int32_t)i) && fits;
    }
    if (fits) return ROMA_OK;
    return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                     "more than %d ids end a turn, with the tokens whose text says so", ROMA_EOG_MAX);
}

/* The ids that end a turn: those the file names, and tokens of known texts. */
static int read_eog(const gguf_file *g, roma_vocab *v, roma_error *err) {
    int32_t eot, eom;
    int rc = read_id(g, "tokenizer.ggml.eot_token_id", v, &eot, err);
    if (!rc) rc = read_id(g, "tokenizer.ggml.eom_token_id", v, &eom, err);
    if (rc) return rc;
    (void)roma_import_add_eog(v, v->eos); /* three always fit */
    (void)roma_import_add_eog(v, eot);
    (void)roma_import_add_eog(v, eom);
    return roma_import_add_eog_texts(v, g->path, err);
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

static int read_kind(const gguf_file *g, roma_vocab *v, bool *has, roma_error *err) {
    const char *model;
    size_t len;
    const int rc = roma_import_kv_string(g, "tokenizer.ggml.model", &model, &len, has, err);
    if (rc || !*has) return rc;
    v->kind = is(model, len, "gpt2") ? ROMA_TOK_BPE : is(model, len, "llama") ? ROMA_TOK_SPM : 0;
    if (v->kind) return ROMA_OK;
    static const char *const kinds[][2] = {{"bert", " (WordPiece)"},
                                           {"t5", " (SentencePiece unigram)"},
                                           {"gemma4", " (BPE over SentencePiece's text)"},
                                           {"rwkv", " (greedy)"},
                                           {"plamo2", " (its own)"}};
    const char *kind = "";
    char name[64];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (is(model, len, kinds[i][0])) kind = kinds[i][1];
    return roma_import_kv_bad(g, roma_import_kv_find(g, "tokenizer.ggml.model"), ROMA_EUNSUPPORTED, err,
                              "tokenizer '%s'%s is not supported; gpt2 and llama are",
                              roma_error_name(name, sizeof name, model, len), kind);
}

/* The rule that the caller names, where the file has no word of its own; a note says so. */
static int named_pre(const gguf_file *g, import_owned *o, const char *said, roma_pre_rule *rule, roma_error *err) {
    if (!roma_text_pre_find(o->pre, strlen(o->pre), rule)) {
        char shown[64];
        return roma_fail(err, ROMA_EUSAGE, g->path, ROMA_NOWHERE, "no pre-tokenizer '%s'; there are %s",
                         roma_error_name(shown, sizeof shown, o->pre, strlen(o->pre)), roma_text_pre_names());
    }
    roma_buf_print(&o->notes, "tokenizer.ggml.pre is %s; text is cut as '%s' says, which the file cannot confirm\n",
                   said, o->pre);
    return ROMA_OK;
}

static int read_pre(const gguf_file *g, import_owned *o, roma_vocab *v, roma_pre_rule *rule, roma_error *err) {
    static const char key[] = "tokenizer.ggml.pre";
    const char *text;
    size_t len;
    bool found;
    *rule = (roma_pre_rule){ROMA_PRE_NONE, false, false};
    v->pre = ROMA_PRE_NONE;
    if (v->kind == ROMA_TOK_SPM)
        return o->pre ? roma_fail(err, ROMA_EUSAGE, g->path, ROMA_NOWHERE,
                                  "a SentencePiece tokenizer has no pre-tokenizer; leave --pre out")
                      : ROMA_OK;
    int rc = roma_import_kv_string(g, key, &text, &len, &found, err);
    if (rc) return rc;
    const bool open = !found || is(text, len, "default");
    if (open && o->pre)
        rc = named_pre(g, o, found ? "'default'" : "missing", rule, err);
    else if (open)
        rc = roma_fail(err, ROMA_EUNSUPPORTED, g->path, found ? roma_import_kv_find(g, key)->at : ROMA_NOWHERE,
                       "key '%s' is %s, which says nothing of how text is cut; --pre NAME does: %s", key,
                       found ? "'default'" : "missing", roma_text_pre_names());
    else if (!roma_text_pre_find(text, len, rule)) {
        char name[64];
        rc = roma_import_kv_bad(g, roma_import_kv_find(g, key), ROMA_EUNSUPPORTED, err,
                                "pre-tokenizer '%s' is not supported; %s are",
                                roma_error_name(name, sizeof name, text, len), roma_text_pre_names());
    } else if (o->pre && !is(text, len, o->pre)) {
        char name[64];
        rc = roma_import_kv_bad(g, roma_import_kv_find(g, key), ROMA_EUSAGE, err,
                                "the file says '%s', and --pre another; leave --pre out",
                                roma_error_name(name, sizeof name, text, len));
    }
    v->pre = rule->pre;
    return rc;
}

static int read_template(const gguf_file *g, roma_vocab *v, roma_error *err) {
    const char *text;
    size_t len;
    bool found;
    const int rc = roma_import_kv_string(g, "tokenizer.chat_template", &text, &len, &found, err);
    if (rc || !found || !len) return rc;
    if (len > ROMA_TEXT_TEMPLATE_MAX)
        return roma_import_kv_bad(g, roma_import_kv_find(g, "tokenizer.chat_template"), ROMA_EUNSUPPORTED, err,
                                  "the chat template has %zu bytes; at most 1 MiB are supported", len);
    v->template_text = text;
    v->template_bytes = (uint32_t)len;
    return ROMA_OK;
}

int roma_import_vocab(const gguf_file *g, uint32_t rows, import_owned *o, roma_vocab *v, bool *has, roma_error *err) {
    roma_pre_rule rule;
    int rc = read_kind(g, v, has, err);
    if (rc || !*has) return rc;
    rc = read_pre(g, o, v, &rule, err);
    if (!rc) rc = read_tokens(g, rows, o, v, err);
    if (!rc) rc = read_types(g, o, v, err);
    if (!rc && v->kind == ROMA_TOK_SPM) rc = read_scores(g, o, v, err);
    if (!rc && v->kind == ROMA_TOK_BPE) rc = roma_import_merges(g, o, v, err);
    if (!rc) rc = read_ids(g, v, err);
    if (!rc) rc = read_flags(g, v, &rule, err);
    if (!rc) rc = read_eog(g, v, err);
    if (!rc) rc = read_template(g, v, err);
    return rc ? rc : roma_vocab_check(v, g->path, err);
}
