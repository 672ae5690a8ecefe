/* import - model files to models: GGUF v2 and v3, one file or parts -00001-of-N; Hugging Face folders (config.json,
 * safetensors, tokenizer); LoRA adapters: PEFT folders and GGUF.
 * docs/import.md says what is read and what is refused.
 *
 * Errors: EINPUT for no such file, EDAMAGED for a file that contradicts itself, EUNSUPPORTED for a kind that is not
 * read, each with file and offset and by the name of the key or tensor; EIO, ENOMEM. Threads: functions are
 * re-entrant; an open import is read-only, but for roma_import_hash. */
#ifndef ROMA_IMPORT_H
#define ROMA_IMPORT_H

#include "roma/adapter.h"
#include "roma/model.h"
#include "roma/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An imported model. Its tensors and vocabulary borrow the mapped files, which the import owns. */
typedef struct {
    roma_model model;
    roma_vocab vocab;
    bool has_vocab;
    uint8_t source_sha256[32]; /* zero until roma_import_hash */
    uint64_t source_bytes;     /* bytes of all files */
    bool is_folder;            /* a Hugging Face folder; else GGUF */
    const char *notes;         /* contradictions in the file that leave the model whole, a line each; often "" */
    void *owned;               /* maps and tables */
} roma_import;

/* Opens a model file, parses and checks everything; reads no values of tensors except vectors'. roma_import_close ends
 * *imp; after an error there is nothing to close. */
int roma_import_open(roma_import *imp, const char *path, roma_error *err);
/* As roma_import_open; pre: GGUF's name of the pre-tokenizer where a GGUF file has none, or `default`; NULL: the file
 * must say. EUSAGE for a name that is not known, against the file's own, or of a folder. */
int roma_import_open_pre(roma_import *imp, const char *path, const char *pre, roma_error *err);
/* As roma_import_open, on the bytes of a GGUF file that outlive *imp. */
int roma_import_open_memory(roma_import *imp, const void *data, uint64_t size, roma_error *err);
/* A file of a folder in memory. */
typedef struct {
    const char *name;
    const void *data;
    uint64_t size;
} roma_import_file;
/* As roma_import_open, of a Hugging Face folder whose files are in memory and outlive *imp, the list too. */
int roma_import_open_files(roma_import *imp, const roma_import_file *files, size_t n, roma_error *err);
/* Opens the tokenizer alone, as imp->vocab: of a GGUF file of any architecture, with or without tensors, or of a
 * folder, which needs no weights; pre as above. EUNSUPPORTED for one without a tokenizer. */
int roma_import_open_vocab(roma_import *imp, const char *path, const char *pre, roma_error *err);
void roma_import_close(roma_import *imp);
/* SHA-256 into imp->source_sha256: of a GGUF model's first file; of a folder, the one that `sha256sum FILE... |
 * sha256sum` gives, of the files that were read, in the order of their names. progress may be NULL; ECANCEL when
 * progress says so. */
int roma_import_hash(roma_import *imp, const roma_progress *progress, roma_error *err);
/* Checks every value of scales and vectors: EDAMAGED for NaN and infinity, which would poison every token. Reads all
 * files; progress as above. */
int roma_import_check_values(const roma_import *imp, const roma_progress *progress, roma_error *err);

/* Gives matrices that a 4-bit checkpoint holds as codes of a map of values (NF4, FP4) levels of -limit to limit, 127 or
 * 511, which is what they have after opening. Before anything reads the model. False: there is no such matrix. */
bool roma_import_use_levels(roma_import *imp, int limit);

/* Whether a path is what roma_import_open takes: a file that begins as GGUF does, or a folder. */
bool roma_import_is_model(const char *path);
/* Whether a file begins as GGUF does. */
bool roma_gguf_is(const char *path);
/* Appends any GGUF's metadata and tensor table as text or JSON, for `roma inspect`, also for architectures that are
 * not run; of those that are, the notes of roma_import too ("warnings" in JSON). */
int roma_gguf_print(const char *path, roma_buf *out, bool json, roma_error *err);

/* The role, and layer (0 for roles without one), that GGUF's name of a tensor stands for; false: none that is known. */
bool roma_gguf_tensor(const char *name, size_t len, uint32_t *role, uint32_t *layer);

/* ---- LoRA adapters ---- */

/* What roma_adapter_write needs of an imported adapter: targets, and where their values come from. name, type and
 * base_id are the caller's to fill. */
typedef struct {
    roma_adapter adapter;
    roma_adapter_source source;
    void *owned;
} roma_import_lora;

/* Opens an adapter: a PEFT folder (adapter_config.json, adapter_model.safetensors) or a GGUF file, for the image that
 * base describes and that outlives *l. Everything is checked, the values too (docs/import.md, "Adapters").
 * roma_import_lora_close ends *l; after an error there is nothing to close. */
int roma_import_lora_open(roma_import_lora *l, const char *path, const roma_description *base, roma_error *err);
/* As roma_import_lora_open, on bytes that outlive *l; config NULL: tensors is a GGUF file. */
int roma_import_lora_open_memory(roma_import_lora *l, const void *config, uint64_t config_bytes, const void *tensors,
                                 uint64_t tensors_bytes, const roma_description *base, roma_error *err);
void roma_import_lora_close(roma_import_lora *l);
/* Path (cap bytes of room) of the model folder that a PEFT folder names as its base. The name is tried as an absolute
 * path, then in each of n folders (NULL: passed over) as ORG/NAME, as NAME, as the folder itself, and as the hub's
 * cache keeps models. EINPUT: it is in none of them; errors of the configuration. */
int roma_import_base_of(const char *adapter, const char *const *roots, size_t n, char *path, size_t cap,
                        roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
