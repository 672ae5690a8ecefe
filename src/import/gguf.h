/* import, inside: the parsed form of a GGUF file and what the files of this room share. Limits and decisions
 * are in docs/import.md. Nothing here copies the file: records point into it. */
#ifndef ROMA_SRC_IMPORT_GGUF_H
#define ROMA_SRC_IMPORT_GGUF_H

#include "roma/import.h"

/* ---- limits --------------------------------------------------------------------------------------- */

#define GGUF_KEYS_MAX 65536u
#define GGUF_TENSORS_MAX 65536u
#define GGUF_KEY_BYTES_MAX 65535u
#define GGUF_NAME_BYTES_MAX 64u
#define GGUF_DIMS_MAX 4u
#define GGUF_ALIGN_MIN 8u
#define GGUF_ALIGN_MAX 65536u
#define GGUF_PARTS_MAX 1024u

/* ---- value types of metadata ------------------------------------------------------------------------ */

enum {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_VALUE_TYPES
};
const char *roma_import_value_type_name(uint32_t type);
/* Bytes of a scalar; 0 for strings, arrays and unknown types. */
unsigned roma_import_value_type_bytes(uint32_t type);

/* ---- hash index: text -> number ----------------------------------------------------------------------- */

/* Borrowed texts numbered 0..n-1. `get` gives the text of a number. */
typedef const char *(*import_text_fn)(const void *ctx, uint32_t i, uint32_t *len);
typedef struct {
    uint32_t hash, id; /* id: number + 1, 0 empty */
} import_slot;
typedef struct {
    import_slot *slot;
    uint32_t mask;
    import_text_fn get;
    const void *ctx;
} import_index;
enum { IMPORT_INDEX_NEW = 0, IMPORT_INDEX_TWICE = 1, IMPORT_INDEX_CLASH = 2 };
bool roma_import_index_create(import_index *x, uint32_t n, import_text_fn get, const void *ctx);
void roma_import_index_destroy(import_index *x);
/* Adds number i. TWICE: its text is there already. CLASH: so many hashes collide that somebody built them so. */
int roma_import_index_add(import_index *x, uint32_t i);
/* Number of that text, or -1. */
int64_t roma_import_index_find(const import_index *x, const char *text, size_t len);

/* ---- the file -------------------------------------------------------------------------------------------- */

typedef struct {
    const char *key;
    uint32_t key_len;
    uint32_t type;        /* GGUF_*, GGUF_ARRAY for arrays */
    uint32_t elem;        /* type of the elements of an array */
    uint64_t count;       /* elements; bytes of a string; 1 */
    uint64_t at;          /* where the record begins in the file */
    const uint8_t *value; /* first byte of the scalar, of the string's text, of the array's elements */
    uint64_t bytes;       /* from value to the record's end */
} gguf_kv;

typedef struct hf_packed hf_packed;
typedef struct {
    const char *name;
    uint32_t name_len;
    uint32_t type, n_dims;
    uint64_t dim[GGUF_DIMS_MAX]; /* dim[0] runs fastest; absent ones are 1 */
    uint64_t at;                 /* where the record begins */
    uint64_t offset;             /* from the start of the data */
    uint64_t bytes, row_bytes;
    const uint8_t *data;
    const hf_packed *packed; /* of a 4-bit checkpoint's matrix; else NULL */
} gguf_tensor;

/* Whose names the tensors of a file have. Hugging Face pairs rotated rows by halves in every architecture. */
typedef enum { IMPORT_GGUF, IMPORT_HF } import_naming;

typedef struct {
    const char *path; /* for messages; may be NULL */
    import_naming naming;
    const uint8_t *data;
    uint64_t size;
    bool mapped; /* data is a file's mapping */
    uint32_t version;
    uint64_t alignment;
    uint64_t data_at;  /* start of the tensor data */
    uint64_t data_end; /* end of the last tensor */
    gguf_kv *kv;
    uint32_t n_kv;
    gguf_tensor *tensor;
    uint32_t n_tensors;
    import_index keys, names;
} gguf_file;

/* Parses and checks everything but the meaning. On failure *g is empty again. */
int roma_import_gguf_parse(gguf_file *g, const void *data, uint64_t size, const char *path, roma_error *err);
void roma_import_gguf_free(gguf_file *g);
/* Error at a tensor's record: "tensor 'name': text". */
int roma_import_tensor_bad(const gguf_file *g, const gguf_tensor *t, int code, roma_error *err, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The tensor table, after the keys; the reader stands at its first record (gguf_tensors.c). */
int roma_import_gguf_tensors(gguf_file *g, roma_reader *r, roma_error *err);

/* ---- typed look-up: an absent key is *found = false and no error; a wrong type or range is an error --- */

const gguf_kv *roma_import_kv_find(const gguf_file *g, const char *key);
int roma_import_kv_u64(const gguf_file *g, const char *key, uint64_t lo, uint64_t hi, uint64_t *out, bool *found,
                       roma_error *err);
int roma_import_kv_f64(const gguf_file *g, const char *key, double lo, double hi, double *out, bool *found,
                       roma_error *err);
int roma_import_kv_bool(const gguf_file *g, const char *key, bool *out, bool *found, roma_error *err);
int roma_import_kv_string(const gguf_file *g, const char *key, const char **text, size_t *len, bool *found,
                          roma_error *err);
/* An array of that element type; *kv is NULL when absent. */
int roma_import_kv_array(const gguf_file *g, const char *key, uint32_t elem, const gguf_kv **kv, roma_error *err);
/* Integer number i of an integer scalar or array; false when it is negative. */
bool roma_import_kv_integer(const gguf_kv *kv, uint64_t i, uint64_t *out);
bool roma_import_type_is_integer(uint32_t type);
/* Error at a key's record: "key 'name': text". */
int roma_import_kv_bad(const gguf_file *g, const gguf_kv *kv, int code, roma_error *err, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- tensor types -------------------------------------------------------------------------------------------- */

typedef void (*import_row_fn)(const uint8_t *src, uint64_t cols, const roma_row *out);
typedef void (*import_floats_fn)(const uint8_t *src, uint64_t cols, float *out);

typedef struct {
    const char *name;
    uint16_t block, bytes;    /* elements and bytes of a block; 0: the number is not in use */
    roma_format format;       /* of types that import; bits 0 otherwise */
    import_row_fn row;        /* quantised types */
    import_floats_fn floats;  /* float types */
    uint8_t n_f16, f16_at[2]; /* FP16 scales in a block, to be looked at for NaN and infinity */
} import_type;
/* NULL when no such type is known. */
const import_type *roma_import_type_get(uint32_t type);
void roma_import_read_row(const roma_tensor *t, uint64_t r, const roma_row *out);
void roma_import_read_floats(const roma_tensor *t, uint64_t r, float *out);
/* Row number `row` in the file: the first NaN, infinite value or scale; its byte offset in the row or -1. */
int64_t roma_import_find_bad_value(const import_type *type, const uint8_t *row, uint64_t cols);

void roma_import_row_q4_0(const uint8_t *src, uint64_t cols, const roma_row *out);
void roma_import_row_q4_1(const uint8_t *src, uint64_t cols, const roma_row *out);
void roma_import_row_q5_0(const uint8_t *src, uint64_t cols, const roma_row *out);
void roma_import_row_q5_1(const uint8_t *src, uint64_t cols, const roma_row *out);
void roma_import_row_q8_0(const uint8_t *src, uint64_t cols, const roma_row *out);
void roma_import_row_tq1_0(const uint8_t *src, uint64_t cols, const roma_row *out);
void roma_import_row_tq2_0(const uint8_t *src, uint64_t cols, const roma_row *out);
void roma_import_row_q2_k(const uint8_t *src, uint64_t cols, const roma_row *out);
void roma_import_row_q3_k(const uint8_t *src, uint64_t cols, const roma_row *out);
void roma_import_row_q4_k(const uint8_t *src, uint64_t cols, const roma_row *out);
void roma_import_row_q5_k(const uint8_t *src, uint64_t cols, const roma_row *out);
void roma_import_row_q6_k(const uint8_t *src, uint64_t cols, const roma_row *out);

/* ---- meaning ---------------------------------------------------------------------------------------------------- */

/* Role and layer (0 for roles without one) of a tensor's name; false: none that is known. */
bool roma_import_role(import_naming naming, const char *name, size_t len, uint32_t *role, uint32_t *layer);
/* "N." without leading zeros at the beginning of a name; returns its length, 0 when there is none. */
size_t roma_import_layer(const char *name, size_t len, uint32_t *layer);

/* hf_packed.c: format and readers of a matrix of a 4-bit checkpoint; whether all its scales are finite. */
int roma_import_packed_fill(const gguf_file *g, const gguf_tensor *src, roma_tensor *t, roma_error *err);
bool roma_import_packed_good(const hf_packed *p);

/* A set of part files, the first of which holds the metadata. */
typedef struct {
    gguf_file *part;
    roma_map *map; /* NULL for memory */
    uint32_t n_parts;
} gguf_set;

typedef struct hf_folder hf_folder;
typedef struct {
    gguf_set set;
    hf_folder *folder;  /* of a Hugging Face folder; else NULL */
    const char *pre;    /* the caller's name of the pre-tokenizer; NULL: none */
    uint32_t *text_off; /* vocabulary tables */
    char *text;
    uint8_t *type;
    float *score;
    uint32_t *merges;
    roma_buf notes;
} import_owned;

/* Opens the part files beside path that the first one announces. */
int roma_import_set_open(gguf_set *s, const char *path, roma_error *err);
/* The tensor of that name and its part; NULL when no part has one. */
const gguf_tensor *roma_import_find_tensor(const gguf_set *s, const char *name, const gguf_file **part);
int roma_import_set_open_memory(gguf_set *s, const void *data, uint64_t size, roma_error *err);
void roma_import_set_close(gguf_set *s);

/* Architecture and hyper-parameters; vocab from the embedding's rows, rope_freqs.weight applied. */
int roma_import_hyper(const gguf_set *s, roma_hyper *h, roma_error *err);
/* archs.c: why an architecture of llama.cpp's is not run, static; NULL: the name is none that we know. */
const char *roma_import_arch_reason(const char *name, size_t len);
/* Tensors to roles. */
int roma_import_tensors(const gguf_set *s, roma_model *m, roma_error *err);
/* Tokenizer; *has is false when the file has none. rows: of the embedding, as many as tokens; 0: not known. */
int roma_import_vocab(const gguf_file *g, uint32_t rows, import_owned *o, roma_vocab *v, bool *has, roma_error *err);
/* What the file says twice and differently, as roma_import.notes; v NULL: the model has no tokenizer. */
int roma_import_notes(const gguf_set *s, const roma_hyper *h, const roma_vocab *v, roma_buf *out, roma_error *err);
/* An index of the normal tokens, which alone take part in merges; none may be there twice. */
int roma_import_index_tokens(const roma_vocab *v, const char *path, import_index *x, roma_error *err);
/* Adds to the ids that end a turn; -1 and an id that is among them change nothing. False: no room for it. */
bool roma_import_add_eog(roma_vocab *v, int32_t id);
/* Adds the tokens whose text says that they end a turn, which converters forget to name. */
int roma_import_add_eog_texts(roma_vocab *v, const char *path, roma_error *err);
int roma_import_merges(const gguf_file *g, import_owned *o, roma_vocab *v, roma_error *err);

#endif
