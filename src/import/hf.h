/* import, inside: what the readers of Hugging Face folders share. Limits and decisions: docs/import.md, "Folders". */
#ifndef ROMA_SRC_IMPORT_HF_H
#define ROMA_SRC_IMPORT_HF_H

#include "lora.h"

#define HF_SHARDS_MAX 1024u
#define HF_TENSORS_MAX 65536u
#define HF_FILES_MAX (HF_SHARDS_MAX + 16u)
#define HF_SPECIALS_MAX 4096u /* beside bos, eos, unk and pad */
#define HF_NAME_MAX 200u      /* bytes of a file's name */

/* ---- hf_folder.c: the files of a folder ---- */

/* A file of the folder; the folder's, until it is closed. */
typedef struct {
    char *name;
    const uint8_t *data;
    uint64_t size;
    const char *path; /* for messages */
    roma_map map;     /* of a folder on disk */
} hf_file;

struct hf_folder {
    const char *path;            /* NULL: in memory */
    const roma_import_file *mem; /* files in memory */
    size_t n_mem;
    hf_file *file; /* those that were asked for, HF_FILES_MAX at most */
    size_t n_files;
    st_file *shard; /* of each safetensors file its table */
    uint32_t n_shards;
    hf_packed *packed; /* matrices of a 4-bit checkpoint */
    size_t n_packed;
    roma_order *orders; /* of their columns; at most one for each */
    char *template_text;
};

/* The file of that name; *out NULL when the folder has none. */
int roma_import_hf_file(hf_folder *f, const char *name, const hf_file **out, roma_error *err);
void roma_import_hf_close(hf_folder *f);
/* SHA-256 over "DIGEST  NAME\n" of the files that were read, in the order of their names. */
int roma_import_hf_hash(const hf_folder *f, uint64_t total, const roma_progress *progress, uint8_t out[32]);

/* ---- hf_quant.c ---- */

/* How the weights of a folder are held: quantization_config of config.json. */
typedef enum { HF_FLOATS, HF_BNB, HF_GPTQ, HF_AWQ, HF_WORDS } hf_method;
typedef struct {
    hf_method method;
    uint64_t bits;  /* of a code; 0: the file's tensors say */
    uint64_t group; /* inputs under one scale; 0: a whole row */
    bool less_one;  /* zero points are stored less one: GPTQ's first form */
    bool symmetric; /* compressed-tensors: there are no zero points */
} hf_quant;
int roma_import_hf_quant(const hf_file *config, hf_quant *q, roma_error *err);

/* ---- hf_weights.c ---- */

/* The folder's safetensors files as the set's parts. tied: lm_head.weight says nothing, and is left out. */
int roma_import_hf_weights(hf_folder *f, gguf_set *s, const hf_quant *q, bool tied, roma_error *err);

/* ---- hf_tokens.c: tokens by id ---- */

typedef struct {
    uint64_t at; /* of its text, in hf_tokens.text */
    uint32_t len;
    uint8_t type; /* ROMA_TT_*; 0: the id has no token */
} hf_token;

/* An added token, as tokenizer.json and added_tokens_decoder have it. */
typedef struct {
    uint64_t id, at;
    uint32_t len;
    bool special, normalized;
} hf_added;

typedef struct {
    uint32_t n; /* tokens: rows of the embedding */
    hf_token *token;
    float *score; /* of tokenizer.model; else NULL */
    roma_buf text;
    roma_buf added;  /* hf_added */
    roma_buf merges; /* hf_merge */
    bool bytes;      /* byte fallback: SentencePiece */
    int64_t unk;     /* at of the unknown token's text, unk_len bytes; -1 */
    uint32_t unk_len;
} hf_tokens;
typedef struct {
    uint64_t at; /* of the left half's text; the right half's follows */
    uint32_t left, right;
} hf_merge;

int roma_import_hf_tokens_create(hf_tokens *t, uint32_t n, roma_error *err);
void roma_import_hf_tokens_destroy(hf_tokens *t);
/* Keeps a text; returns where. */
uint64_t roma_import_hf_text(hf_tokens *t, const char *text, size_t len);
/* Gives an id of the model's own vocabulary its text. False: the id has one already, or the text is too long. */
bool roma_import_hf_token(hf_tokens *t, uint64_t id, const char *text, size_t len, uint8_t type);
/* An ordinary token of that text becomes an added one, as transformers makes of those that are called special. False:
 * there is none. */
bool roma_import_hf_make_special(hf_tokens *t, const char *text);
/* Vocabulary tables from tokens, added tokens and merges: text, types, scores or merges of *v, whose kind is set.
 * path: the file they come from. */
int roma_import_hf_vocab(hf_tokens *t, const char *path, import_owned *o, roma_vocab *v, roma_error *err);
/* The id of a token of that text, an added one or one of the vocabulary; -1. After roma_import_hf_vocab. */
int64_t roma_import_hf_find(const roma_vocab *v, const char *text, size_t len);

/* ---- hf_pipeline.c: normalizer, pre-tokenizer, decoder as known shapes ---- */

/* Byte-level BPE: the scanner for a pre-tokenizer and its normalizer, both as steps; the last has no steps. */
typedef struct {
    const char *normalizer, *steps;
    uint32_t pre;
} hf_scanner;
extern const hf_scanner roma_import_hf_scanners[];
/* Steps of a part of tokenizer.json, a line each; the reader stands at its value. */
int roma_import_hf_steps(roma_json_reader *r, const char *part, roma_buf *out, roma_error *err);
/* What the steps together mean: kind, pre, add_space_prefix. Anything unknown is refused by name. */
int roma_import_hf_pipeline(const char *normalizer, const char *pre, const char *decoder, bool bytes, const char *path,
                            roma_vocab *v, roma_error *err);

/* ---- hf_tokenizer.c ---- */

/* What a folder says of its tokenizer apart from the vocabulary. */
typedef struct {
    int add_bos, add_eos, add_prefix, legacy, mistral_regex; /* 1, 0; -1: not said */
    roma_buf text;                                           /* the texts below, each ends in 0 */
    int64_t special[4];         /* bos eos unk pad: in text; -1 not said, -2 said to be none */
    int64_t id[4];              /* the same as ids: config.json, else generation_config.json; -1 */
    uint64_t eos[ROMA_EOG_MAX]; /* ids that end a turn */
    uint32_t n_eos;
    bool has_decoder;   /* tokenizer_config.json has added_tokens_decoder */
    roma_buf named;     /* int64_t, in text: other special tokens */
    roma_buf passed[2]; /* names of keys that are passed over, of tokenizer_config.json and of generation_config.json */
    int64_t first, last; /* in text: what the post-processor puts before and behind; -1 nothing, -2 no post-processor */
} hf_says;
enum { HF_BOS, HF_EOS, HF_UNK, HF_PAD };

/* The post-processor: s->first and s->last; the reader stands at its value. */
int roma_import_hf_post(roma_json_reader *j, hf_says *s, roma_error *err);
/* tokenizer.json. */
int roma_import_hf_tokenizer(const hf_file *file, hf_tokens *t, hf_says *s, roma_vocab *v, roma_error *err);
/* tokenizer.model. */
int roma_import_hf_sentencepiece(const hf_file *file, hf_tokens *t, roma_vocab *v, roma_error *err);

/* ---- hf_config.c ---- */

/* tokenizer_config.json */
int roma_import_hf_tokenizer_config(const hf_file *file, hf_folder *f, hf_tokens *t, hf_says *s, roma_vocab *v,
                                    roma_error *err);
/* special_tokens_map.json and added_tokens.json, of folders whose tokenizer_config.json has no added_tokens_decoder. */
int roma_import_hf_special_map(const hf_file *file, hf_says *s, roma_error *err);
int roma_import_hf_added_tokens(const hf_file *file, hf_tokens *t, roma_error *err);
/* Ids of config.json and of generation_config.json: what was not said yet. */
int roma_import_hf_ids(const hf_file *file, hf_says *s, roma_error *err);
int roma_import_hf_generation(const hf_file *file, hf_says *s, roma_error *err);
/* A key that nobody obeys, the reader at its value: passed over, where it says something by its name in `names`, which
 * ends at about HF_PASSED_MAX bytes. EUNSUPPORTED by name: one that must be off. hf_passed.c. */
#define HF_PASSED_MAX 400u
int roma_import_hf_pass(roma_json_reader *j, bool generation, const char *key, roma_buf *names, roma_error *err);
/* Such names as a note, with what counts instead. */
void roma_import_hf_note_passed(const char *file, const char *names, size_t len, const char *instead, roma_buf *notes);
/* A chat template of chat_template.jinja. */
int roma_import_hf_template(hf_folder *f, const char *path, const char *text, size_t len, roma_vocab *v,
                            roma_error *err);
/* One added token's object: content and flags. The reader stands at the object; the id is the caller's, or the
 * object's. */
int roma_import_hf_added(roma_json_reader *r, hf_tokens *t, const uint64_t *id, roma_error *err);

/* ---- hf.c ---- */

int roma_import_hf(roma_import *imp, import_owned *o, roma_error *err);
/* The tokenizer alone; of the model only what config.json says. */
int roma_import_hf_vocabulary(roma_import *imp, import_owned *o, roma_error *err);

#endif
