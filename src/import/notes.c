/* What a file says twice and differently, where one of the two decides and the model is whole without the other: one
 * line for each, naming both values. What would leave the model in doubt is refused by its reader instead
 * (docs/import.md, "Contradictions"). Everything was read and checked when this begins. */
#include <string.h>
#include "gguf.h"

#define NOTES_MAX 16u /* lines: a hostile file may contradict itself 65,536 times */

typedef struct {
    const gguf_set *s;
    const gguf_file *g; /* the first part */
    const roma_hyper *h;
    const roma_vocab *v; /* NULL: none */
    const char *arch;
    roma_buf *out;
    unsigned n;
} looking;

/* "key 'NAME' ..." as one line. */
static void note(looking *k, const gguf_kv *kv, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void note(looking *k, const gguf_kv *kv, const char *fmt, ...) {
    char name[96], text[320];
    if (k->n++ >= NOTES_MAX) return;
    ROMA_PRINT_ARGS(text, fmt);
    roma_buf_print(k->out, "key '%s' %s\n", roma_error_name(name, sizeof name, kv->key, kv->key_len), text);
}

static const gguf_kv *find(const looking *k, const char *suffix) {
    char key[96];
    roma_print(key, sizeof key, "%s.%s", k->arch, suffix);
    return roma_import_kv_find(k->g, key);
}

/* A key that is there and whose value is a whole number of no array. */
static bool whole(const gguf_kv *kv, uint64_t *out) {
    return kv && roma_import_type_is_integer(kv->type) && roma_import_kv_integer(kv, 0, out);
}

static bool begins(const gguf_kv *kv, const char *with) {
    const size_t n = strlen(with);
    return kv->key_len > n && memcmp(kv->key, with, n) == 0;
}

static bool ends(const gguf_kv *kv, const char *with) {
    const size_t n = strlen(with);
    return kv->key_len > n && memcmp(kv->key + kv->key_len - n, with, n) == 0;
}

/* ---- hyper-parameters ------------------------------------------------------------------------------------------ */

static void look_at_shapes(looking *k) {
    uint64_t n;
    const gguf_kv *kv = find(k, "vocab_size");
    if (whole(kv, &n) && n != k->h->vocab)
        note(k, kv, "is %llu, but there are %u %s; these count", (unsigned long long)n, k->h->vocab,
             k->v ? "tokens" : "rows of token_embd.weight");
    kv = find(k, "rope.dimension_count");
    if (whole(kv, &n) && n != roma_true_head(k->h))
        note(k, kv, "is %llu, but heads are %u wide; the others of each head are not rotated", (unsigned long long)n,
             roma_true_head(k->h));
    kv = find(k, "expert_used_count");
    if (whole(kv, &n) && n)
        note(k, kv, "is %llu, but there are no experts: %s.expert_count is 0", (unsigned long long)n, k->arch);
}

static double factor(const looking *k, const char *suffix, const gguf_kv **kv) {
    double v = 0;
    bool found;
    char key[96];
    roma_print(key, sizeof key, "%s.%s", k->arch, suffix);
    *kv = roma_import_kv_find(k->g, key);
    (void)roma_import_kv_f64(k->g, key, 0, 1e6, &v, &found, NULL);
    return v;
}

static void look_at_rope(looking *k) {
    const gguf_kv *new_key, *old_key, *type = find(k, "rope.scaling.type");
    const double new_factor = factor(k, "rope.scaling.factor", &new_key);
    const double old_factor = factor(k, "rope.scale_linear", &old_key);
    const double used = new_factor > 0 ? new_factor : old_factor;
    const bool none = type && type->type == GGUF_STRING && type->count == 4 && memcmp(type->value, "none", 4) == 0;
    if (none && used > 0 && used != 1)
        note(k, new_factor > 0 ? new_key : old_key, "is %g, but %s.rope.scaling.type is none; nothing is scaled", used,
             k->arch);
    else if (new_factor > 0 && old_factor > 0 && new_factor != old_factor)
        note(k, old_key, "is %g, but %s.rope.scaling.factor is %g, which counts", old_factor, k->arch, new_factor);
}

/* ---- tensors --------------------------------------------------------------------------------------------------- */

/* general.file_type as llama.cpp numbers it, and the tensor type that most matrices then have. */
static const struct {
    uint8_t file, type;
} file_types[] = {{0, 0},   {1, 1},   {2, 2},   {3, 3},   {7, 8},   {8, 6},   {9, 7},
                  {10, 10}, {11, 11}, {12, 11}, {13, 11}, {14, 12}, {15, 12}, {16, 13},
                  {17, 13}, {18, 14}, {21, 10}, {25, 20}, {32, 30}, {36, 34}, {37, 35}};

static const char *meant(uint64_t file, uint32_t *type) {
    for (size_t i = 0; i < sizeof file_types / sizeof file_types[0]; i++)
        if (file_types[i].file == file) return roma_import_type_get(*type = file_types[i].type)->name;
    return NULL;
}

static void look_at_types(looking *k) {
    uint64_t n;
    uint32_t type;
    const gguf_kv *kv = roma_import_kv_find(k->g, "general.file_type");
    const char *name = whole(kv, &n) ? meant(n, &type) : NULL;
    if (!name) return;
    for (uint32_t p = 0; p < k->s->n_parts; p++)
        for (uint32_t i = 0; i < k->s->part[p].n_tensors; i++)
            if (k->s->part[p].tensor[i].type == type) return;
    const gguf_file *first = &k->s->part[0];
    const int64_t at = roma_import_index_find(&first->names, "token_embd.weight", 17);
    note(k, kv, "is %llu, which means %s, but no tensor is; token_embd.weight is %s", (unsigned long long)n, name,
         at < 0 ? "in another part" : roma_import_type_get(first->tensor[at].type)->name);
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

/* A list beside the tokens that the tokenizer's kind does not use, and that its reader has not measured therefore. */
static void look_at_list(looking *k, const char *key) {
    const gguf_kv *kv = roma_import_kv_find(k->g, key);
    if (kv && kv->type == GGUF_ARRAY && kv->count != k->v->n_tokens)
        note(k, kv, "has %llu values, but there are %u tokens; this tokenizer uses none of them",
             (unsigned long long)kv->count, k->v->n_tokens);
}

/* Ids that no reader asks for. UINT32_MAX means none in some converters. */
static void look_at_ids(looking *k) {
    uint64_t n;
    for (uint32_t i = 0; i < k->g->n_kv; i++) {
        const gguf_kv *kv = &k->g->kv[i];
        if (!begins(kv, "tokenizer.ggml.") || !ends(kv, "_token_id") || !roma_import_type_is_integer(kv->type))
            continue;
        const bool positive = roma_import_kv_integer(kv, 0, &n);
        if (positive && (n < k->v->n_tokens || n == UINT32_MAX)) continue;
        note(k, kv, "is %lld, but there are %u tokens; it is left out", (long long)n, k->v->n_tokens);
    }
}

static void look_at_flag(looking *k, const char *flag, const char *id) {
    bool on = false, found;
    char key[96];
    roma_print(key, sizeof key, "tokenizer.ggml.%s", flag);
    const int rc = roma_import_kv_bool(k->g, key, &on, &found, NULL);
    if (!rc && on) note(k, roma_import_kv_find(k->g, key), "is true, but tokenizer.ggml.%s is none; none is added", id);
}

static void look_at_tokens(looking *k) {
    const gguf_kv *tokens = roma_import_kv_find(k->g, "tokenizer.ggml.tokens");
    if (!k->v) {
        if (tokens && tokens->type == GGUF_ARRAY)
            note(k, tokens, "has %llu tokens, but tokenizer.ggml.model is missing; the model gets no tokenizer",
                 (unsigned long long)tokens->count);
        return;
    }
    if (k->v->kind == ROMA_TOK_BPE) look_at_list(k, "tokenizer.ggml.scores");
    look_at_ids(k);
    if (k->v->bos < 0) look_at_flag(k, "add_bos_token", "bos_token_id");
    if (k->v->eos < 0) look_at_flag(k, "add_eos_token", "eos_token_id");
}

/* ---- what nobody obeys ---------------------------------------------------------------------------------------- */

/* Keys of tokenizers that are read, or change nothing in byte-level BPE and SentencePiece BPE: ids that no answer
 * needs, other templates, copies for other programs. */
static const char *const of_tokenizers[] = {"ggml.model",         "ggml.pre",           "ggml.tokens",
                                            "ggml.token_type",    "ggml.scores",        "ggml.merges",
                                            "ggml.add_bos_token", "ggml.add_eos_token", "ggml.add_space_prefix",
                                            "chat_template",      "chat_templates",     "ggml.token_type_count",
                                            "huggingface.json",   "rwkv.world",         "ggml.seperator_token_id"};

/* A tokenizer's key that is known, or false, 0 or empty. */
static bool says_nothing(const gguf_kv *kv) {
    const size_t skip = sizeof "tokenizer." - 1;
    uint64_t n;
    if (ends(kv, "_token_id") || begins(kv, "tokenizer.chat_template.")) return true;
    for (size_t i = 0; i < sizeof of_tokenizers / sizeof *of_tokenizers; i++)
        if (strlen(of_tokenizers[i]) == kv->key_len - skip && ends(kv, of_tokenizers[i])) return true;
    if (kv->type == GGUF_ARRAY || kv->type == GGUF_STRING) return kv->count == 0;
    return (kv->type == GGUF_BOOL && !*kv->value) || (whole(kv, &n) && n == 0);
}

/* The first of keys that are passed over, and how many more. */
static void note_passed(looking *k, const gguf_kv *first, unsigned n, const char *instead) {
    char more[32] = "";
    if (n > 1) roma_print(more, sizeof more, "and %u more ", n - 1);
    if (n) note(k, first, "%s%s passed over: %s", more, n > 1 ? "are" : "is", instead);
}

static void look_at_passed(looking *k) {
    static const char *const rooms[] = {"general.", "tokenizer.", "split.", "quantize."};
    static const char *const instead[] = {"options of run, chat and serve say how an answer is drawn",
                                          "this tokenizer's kind has no such rule",
                                          "it is of no part of a model that is known"};
    const gguf_kv *first[3] = {NULL};
    unsigned n[3] = {0};
    for (uint32_t i = 0; i < k->g->n_kv; i++) {
        const gguf_kv *kv = &k->g->kv[i];
        bool known = false;
#define X(name, value, word) known |= begins(kv, word "."); /* of others look_at_others speaks */
        ROMA_ARCHS(X)
#undef X
        for (size_t r = 0; r < sizeof rooms / sizeof *rooms; r++) known |= begins(kv, rooms[r]);
        const bool sampling = begins(kv, "general.sampling.") || begins(kv, "tokenizer.ggml.suppress_");
        const bool text = begins(kv, "tokenizer.") && k->v && !says_nothing(kv);
        const int what = sampling ? 0 : text ? 1 : known ? -1 : 2;
        if (what >= 0 && n[what]++ == 0) first[what] = kv;
    }
    for (int i = 0; i < 3; i++) note_passed(k, first[i], n[i], instead[i]);
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

/* Keys of an architecture that the model is not of. */
static void look_at_others(looking *k) {
    static const char *const names[] = {
#define X(name, value, word) word ".",
        ROMA_ARCHS(X)
#undef X
    };
    for (size_t a = 0; a < sizeof names / sizeof names[0]; a++) {
        const gguf_kv *first = NULL;
        unsigned n = 0;
        if (strncmp(names[a], k->arch, strlen(k->arch)) == 0) continue;
        for (uint32_t i = 0; i < k->g->n_kv; i++)
            if (begins(&k->g->kv[i], names[a]) && n++ == 0) first = &k->g->kv[i];
        if (first)
            note(k, first, "and %u more are of another architecture than general.architecture, %s; they are left out",
                 n - 1, k->arch);
    }
}

int roma_import_notes(const gguf_set *s, const roma_hyper *h, const roma_vocab *v, roma_buf *out, roma_error *err) {
    looking k = {.s = s, .g = &s->part[0], .h = h, .v = v, .arch = roma_arch_name(h->arch), .out = out};
    look_at_shapes(&k);
    look_at_rope(&k);
    look_at_types(&k);
    look_at_tokens(&k);
    look_at_others(&k);
    look_at_passed(&k);
    if (k.n > NOTES_MAX) roma_buf_print(out, "and %u more contradictions\n", k.n - NOTES_MAX);
    roma_buf_append(out, "", 1);
    if (out->failed) return roma_fail(err, ROMA_ENOMEM, k.g->path, ROMA_NOWHERE, "no memory for a list of notes");
    return ROMA_OK;
}
