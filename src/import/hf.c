/* A Hugging Face folder as a model: config.json, weights, tokenizer. */

#include "hf_packed.h"

/* ---- the tokenizer ---- */

static int settle_id(const roma_vocab *v, const hf_says *s, int which, const char *key, const char *path, int32_t *out,
                     roma_error *err) {
    const int64_t said = s->special[which];
    char name[64];
    int64_t id = said == -1 ? s->id[which] : -1;
    *out = -1;
    if (said >= 0) {
        const char *text = (const char *)s->text.data + said;
        id = roma_import_hf_find(v, text, strlen(text));
        if (id < 0 && (which == HF_BOS || which == HF_EOS))
            return roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "%s '%s' is no token of the vocabulary", key,
                             roma_error_name(name, sizeof name, text, strlen(text)));
    }
    if (id >= v->n_tokens && which != HF_PAD && which != HF_UNK)
        return roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "%s_id is %lld, of a vocabulary of %u", key,
                         (long long)id, v->n_tokens);
    if (id < v->n_tokens) *out = (int32_t)id;
    return ROMA_OK;
}

/* Whether a token is put before (or behind) a text, and that it is the one that is called so. */
static int settle_end(const hf_says *s, const roma_vocab *v, bool spm_model, bool last, const char *path, int32_t *id,
                      uint8_t *add, roma_buf *notes, roma_error *err) {
    const int said = last ? s->add_eos : s->add_bos;
    const int64_t put = last ? s->last : s->first;
    char name[64];
    *add = said >= 0 ? said > 0 : put >= 0 || (put == -2 && spm_model && !last);
    if (said >= 0 && !spm_model && said != (put >= 0))
        roma_buf_print(notes,
                       "key 'add_%s_token' of tokenizer_config.json is %s, but tokenizer.json puts %s token %s a text; "
                       "the key counts\n",
                       last ? "eos" : "bos", said ? "true" : "false", put >= 0 ? "a" : "no",
                       last ? "behind" : "before");
    if (*add && put >= 0) {
        const char *text = (const char *)s->text.data + put;
        const int64_t token = roma_import_hf_find(v, text, strlen(text));
        if (token < 0 || (*id >= 0 && *id != token))
            return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                             "post_processor puts '%s' %s a text, which is not the %s token",
                             roma_error_name(name, sizeof name, text, strlen(text)), last ? "behind" : "before",
                             last ? "eos" : "bos");
        *id = (int32_t)token;
    }
    if (*id < 0) *add = 0;
    return ROMA_OK;
}

static int settle(const hf_says *s, bool spm_model, const char *path, roma_vocab *v, roma_buf *notes, roma_error *err) {
    int rc = settle_id(v, s, HF_BOS, "bos_token", path, &v->bos, err);
    if (!rc) rc = settle_id(v, s, HF_EOS, "eos_token", path, &v->eos, err);
    if (!rc) rc = settle_id(v, s, HF_UNK, "unk_token", path, &v->unk, err);
    if (!rc) rc = settle_id(v, s, HF_PAD, "pad_token", path, &v->pad, err);
    if (!rc) rc = settle_end(s, v, spm_model, false, path, &v->bos, &v->add_bos, notes, err);
    if (!rc) rc = settle_end(s, v, spm_model, true, path, &v->eos, &v->add_eos, notes, err);
    for (uint32_t i = 0; i < v->n_tokens && v->kind == ROMA_TOK_SPM; i++)
        if (v->type[i] == ROMA_TT_UNKNOWN) v->unk = (int32_t)i;
    if (rc) return rc;
    (void)roma_import_add_eog(v, v->eos);
    for (uint32_t i = 0; i < s->n_eos; i++) {
        if (s->eos[i] >= v->n_tokens)
            return roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "eos_token_id has %llu, of a vocabulary of %u",
                             (unsigned long long)s->eos[i], v->n_tokens);
        if (!roma_import_add_eog(v, (int32_t)s->eos[i]))
            return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                             "more than %d ids end a turn, the eos token and those of eos_token_id", ROMA_EOG_MAX);
    }
    return roma_import_add_eog_texts(v, path, err);
}

/* LlamaTokenizer's names where the folder has none. */
static int usual_specials(hf_says *s, const char *path, roma_error *err) {
    static const char *const usual[] = {"<s>", "</s>"};
    for (int i = 0; i < 2; i++) {
        if (s->special[i] != -1) continue;
        s->special[i] = (int64_t)s->text.len;
        roma_buf_append(&s->text, usual[i], strlen(usual[i]) + 1);
    }
    return s->text.failed ? roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for a tokenizer") : ROMA_OK;
}

/* add_prefix_space of tokenizer_config.json speaks of SentencePiece alone. */
static int settle_prefix(const hf_says *s, bool spm_model, const char *path, roma_vocab *v, roma_error *err) {
    if (v->kind != ROMA_TOK_SPM) return ROMA_OK;
    if (spm_model && s->add_prefix >= 0) v->add_space_prefix = s->add_prefix > 0;
    if (spm_model && s->legacy == 0 && v->add_space_prefix) v->add_space_prefix = ROMA_PREFIX_FIRST;
    if (!spm_model && s->add_prefix >= 0 && (v->add_space_prefix > 0) != s->add_prefix)
        return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                         "add_prefix_space is %s, but tokenizer.json says otherwise; save the tokenizer anew",
                         s->add_prefix ? "true" : "false");
    return ROMA_OK;
}

typedef struct {
    const hf_file *json, *model, *config, *generation, *jinja, *tokenizer;
} tokenizer_files;

static int find_files(hf_folder *f, tokenizer_files *t, roma_error *err) {
    const struct {
        const char *name;
        const hf_file **file;
    } files[] = {{"tokenizer.json", &t->json},
                 {"tokenizer_config.json", &t->tokenizer},
                 {"generation_config.json", &t->generation},
                 {"chat_template.jinja", &t->jinja},
                 {"config.json", &t->config}};
    int rc = ROMA_OK;
    for (size_t i = 0; i < sizeof files / sizeof *files && !rc; i++)
        rc = roma_import_hf_file(f, files[i].name, files[i].file, err);
    if (!rc && !t->json) rc = roma_import_hf_file(f, "tokenizer.model", &t->model, err);
    return rc;
}

/* What tokenizer_config.json says, and where it has no added_tokens_decoder, as older folders have it, two more files:
 * the special tokens of the one come before its own, the other has added tokens. */
static int read_configs(hf_folder *f, const tokenizer_files *in, hf_tokens *t, hf_says *s, roma_vocab *v,
                        roma_error *err) {
    const hf_file *map = NULL, *added = NULL;
    int rc = in->tokenizer ? roma_import_hf_tokenizer_config(in->tokenizer, f, t, s, v, err) : ROMA_OK;
    if (rc || s->has_decoder) return rc;
    rc = roma_import_hf_file(f, "special_tokens_map.json", &map, err);
    if (!rc && map) rc = roma_import_hf_special_map(map, s, err);
    if (!rc) rc = roma_import_hf_file(f, "added_tokens.json", &added, err);
    return rc || !added ? rc : roma_import_hf_added_tokens(added, t, err);
}

/* Tokens that are called special are matched as a whole, also where they are ordinary ones of the vocabulary. */
static int make_specials(const hf_says *s, const char *path, hf_tokens *t, roma_buf *notes, roma_error *err) {
    const int64_t *named = (const int64_t *)(const void *)s->named.data;
    char name[64];
    if (t->text.failed || t->added.failed)
        return roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for a vocabulary");
    for (int i = HF_BOS; i <= HF_PAD; i++) {
        const char *text = s->special[i] >= 0 ? (const char *)s->text.data + s->special[i] : NULL;
        if (!text || roma_import_hf_make_special(t, text) || i == HF_BOS || i == HF_EOS) continue;
        roma_buf_print(notes,
                       "%s '%s' is no token of the vocabulary; there is none, and text that says so stays text\n",
                       i == HF_UNK ? "unk_token" : "pad_token", roma_error_name(name, sizeof name, text, strlen(text)));
    }
    for (size_t i = 0; i < s->named.len / sizeof *named; i++) {
        const char *text = (const char *)s->text.data + named[i];
        if (!roma_import_hf_make_special(t, text))
            return roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE,
                             "special token '%s' is no token of the vocabulary; save the tokenizer anew",
                             roma_error_name(name, sizeof name, text, strlen(text)));
    }
    return ROMA_OK;
}

static int read_tokenizer(hf_folder *f, const tokenizer_files *in, hf_tokens *t, hf_says *s, import_owned *o,
                          roma_vocab *v, roma_error *err) {
    const hf_file *file = in->json ? in->json : in->model;
    int rc = in->json ? roma_import_hf_tokenizer(file, t, s, v, err) : roma_import_hf_sentencepiece(file, t, v, err);
    if (!rc && in->jinja)
        rc =
            roma_import_hf_template(f, in->jinja->path, (const char *)in->jinja->data, (size_t)in->jinja->size, v, err);
    if (!rc) rc = read_configs(f, in, t, s, v, err);
    if (!rc) rc = roma_import_hf_ids(in->config, s, err);
    if (!rc && in->generation) rc = roma_import_hf_generation(in->generation, s, err);
    if (!rc && in->model) rc = usual_specials(s, file->path, err);
    const char *path = in->tokenizer ? in->tokenizer->path : file->path;
    if (!rc) rc = settle_prefix(s, in->model != NULL, path, v, err);
    if (!rc && t->unk < 0 && s->special[HF_UNK] >= 0) { /* newer tokenizer.json leave it to tokenizer_config.json */
        const char *unk = (const char *)s->text.data + s->special[HF_UNK];
        t->unk_len = (uint32_t)strlen(unk);
        t->unk = (int64_t)roma_import_hf_text(t, unk, t->unk_len);
    }
    if (!rc && s->mistral_regex > 0 && v->kind == ROMA_TOK_BPE && v->pre != ROMA_PRE_TEKKEN)
        rc = roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                       "fix_mistral_regex asks for another pre_tokenizer than tokenizer.json has; save the tokenizer "
                       "anew, as transformers has read it");
    if (!rc) rc = make_specials(s, path, t, &o->notes, err);
    if (!rc) rc = roma_import_hf_vocab(t, file->path, o, v, err);
    if (!rc) rc = settle(s, in->model != NULL, path, v, &o->notes, err);
    return rc ? rc : roma_vocab_check(v, file->path, err);
}

static int tokenizer(hf_folder *f, roma_import *imp, import_owned *o, roma_error *err) {
    tokenizer_files in = {0};
    const hf_file *old = NULL;
    hf_tokens t;
    hf_says s = {
        .add_bos = -1, .add_eos = -1, .add_prefix = -1, .legacy = -1, .mistral_regex = -1, .first = -2, .last = -2};
    for (int i = 0; i < 4; i++) s.special[i] = s.id[i] = -1;
    int rc = find_files(f, &in, err);
    if (rc) return rc;
    if (!in.json && !in.model) {
        rc = roma_import_hf_file(f, "vocab.json", &old, err);
        if (!rc && old)
            rc =
                roma_fail(err, ROMA_EUNSUPPORTED, f->path, ROMA_NOWHERE,
                          "vocab.json without tokenizer.json; save the tokenizer anew (save_pretrained of a fast one)");
        return rc;
    }
    rc = roma_import_hf_tokens_create(&t, imp->model.hyper.vocab, err);
    if (!rc) rc = read_tokenizer(f, &in, &t, &s, o, &imp->vocab, err);
    roma_import_hf_tokens_destroy(&t);
    for (int i = 0; i < 2; i++) {
        o->notes.failed |= s.passed[i].failed;
        roma_import_hf_note_passed(i ? "generation_config.json" : "tokenizer_config.json",
                                   (const char *)s.passed[i].data, s.passed[i].len,
                                   i ? "; options of run, chat and serve say how an answer is drawn" : "", &o->notes);
        roma_buf_destroy(&s.passed[i]);
    }
    roma_buf_destroy(&s.text);
    roma_buf_destroy(&s.named);
    imp->has_vocab = !rc;
    return rc;
}

/* A model's folder may hold a PEFT adapter too, which transformers then puts on the model unasked. */
static int note_adapter(hf_folder *f, roma_buf *notes, roma_error *err) {
    const hf_file *file;
    const int rc = roma_import_hf_file(f, "adapter_config.json", &file, err);
    if (!rc && file)
        roma_buf_print(notes,
                       "adapter_config.json is in the folder of the model: the adapter is not part of the image, "
                       "though transformers would load both; `roma adapter build` makes one of it\n");
    return rc;
}

/* After everything was read; shape: of its configuration. */
static int finish_notes(const hf_folder *f, const roma_shape *shape, roma_import *imp, import_owned *o,
                        roma_error *err) {
    roma_import_hf_note_passed("config.json", shape->passed, strlen(shape->passed),
                               ", as by transformers' own code for this architecture", &o->notes);
    roma_buf_append(&o->notes, "", 1);
    if (o->notes.failed) return roma_fail(err, ROMA_ENOMEM, f->path, ROMA_NOWHERE, "no memory for the notes");
    imp->notes = (const char *)o->notes.data;
    return ROMA_OK;
}

/* ---- the model ---- */

static int read_config(hf_folder *f, roma_model *m, hf_quant *quant, roma_shape *shape, roma_error *err) {
    const hf_file *file;
    int rc = roma_import_hf_file(f, "config.json", &file, err);
    if (!rc && !file)
        rc = roma_fail(err, ROMA_EINPUT, f->path, ROMA_NOWHERE,
                       "no config.json in this folder: not a model that transformers saved, but %s",
                       f->path ? roma_kind_of_folder(f->path) : "other files");
    if (!rc) rc = roma_shape_read_config(shape, file->data, (size_t)file->size, file->path, err);
    if (rc) return rc;
    m->hyper = shape->hyper;
    memcpy(m->name, shape->name, sizeof m->name);
    return roma_import_hf_quant(file, quant, err);
}

/* config.json says which of the optional tensors there are; transformers would make one that is missing anew, and pass
 * over one too many. */
static int check_roles(const hf_folder *f, const roma_model *m, const roma_shape *shape, roma_error *err) {
    static const uint32_t optional[] = {ROMA_W_HEAD,   ROMA_W_Q_BIAS,    ROMA_W_K_BIAS,  ROMA_W_V_BIAS,
                                        ROMA_W_O_BIAS, ROMA_W_GATE_BIAS, ROMA_W_UP_BIAS, ROMA_W_DOWN_BIAS};
    char name[32];
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        for (uint32_t l = 0; l < (roma_tensor_role_is_layered(optional[i]) ? m->hyper.layers : 1); l++) {
            const bool there = roma_model_find(m, optional[i], l) != NULL;
            if (there == roma_shape_has(shape, optional[i])) continue;
            return roma_fail(err, ROMA_EINPUT, f->path, ROMA_NOWHERE,
                             "tensor %s is %s, but %s of config.json says otherwise",
                             roma_tensor_name(optional[i], l, name, sizeof name), there ? "there" : "missing",
                             optional[i] == ROMA_W_HEAD       ? "tie_word_embeddings"
                             : optional[i] < ROMA_W_GATE_BIAS ? "attention_bias"
                                                              : "mlp_bias");
        }
    return ROMA_OK;
}

int roma_import_hf(roma_import *imp, import_owned *o, roma_error *err) {
    hf_folder *f = o->folder;
    hf_quant quant = {0};
    roma_shape shape;
    int rc = read_config(f, &imp->model, &quant, &shape, err);
    if (!rc) rc = roma_import_hf_weights(f, &o->set, &quant, shape.tied, err);
    if (!rc) rc = roma_import_tensors(&o->set, &imp->model, err);
    if (!rc) rc = roma_import_hf_orders(f, &imp->model, err);
    if (!rc) rc = check_roles(f, &imp->model, &shape, err);
    if (!rc) rc = tokenizer(f, imp, o, err);
    if (!rc) rc = note_adapter(f, &o->notes, err);
    if (!rc) rc = finish_notes(f, &shape, imp, o, err);
    for (size_t i = 0; i < f->n_files; i++) imp->source_bytes += f->file[i].size;
    return rc;
}

int roma_import_hf_vocabulary(roma_import *imp, import_owned *o, roma_error *err) {
    hf_quant quant;
    roma_shape shape;
    int rc = read_config(o->folder, &imp->model, &quant, &shape, err);
    if (!rc) rc = tokenizer(o->folder, imp, o, err);
    if (!rc) rc = finish_notes(o->folder, &shape, imp, o, err);
    if (!rc && !imp->has_vocab)
        rc = roma_fail(err, ROMA_EUNSUPPORTED, o->folder->path, ROMA_NOWHERE, "the folder holds no tokenizer");
    return rc;
}
