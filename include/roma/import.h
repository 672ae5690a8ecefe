/* import - model files to models: GGUF v2 and v3, one file or -00001-of-N parts; LoRA adapters: PEFT folders and GGUF.
 */
#ifndef ROMA_IMPORT_H
#define ROMA_IMPORT_H

#include "roma/adapter.h"
#include "roma/model.h"
#include "roma/text.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    roma_model model;
    roma_vocab vocab;
    bool has_vocab;
    uint8_t source_sha256[32]; /* of the first file; zero until roma_import_hash */
    uint64_t source_bytes;     /* all parts */
    const char *notes;         /* contradictions in the file that leave the model whole, a line each; often "" */
    void *owned;               /* maps and tables */
} roma_import;

/* Opens, parses and checks everything; reads no tensor values except vectors. */
int roma_import_open(roma_import *imp, const char *path, roma_error *err);
int roma_import_open_memory(roma_import *imp, const void *data, uint64_t size, roma_error *err);
void roma_import_close(roma_import *imp);
/* SHA-256 of the first file into imp->source_sha256; reads it all. */
int roma_import_hash(roma_import *imp, const roma_progress *progress, roma_error *err);
/* NaN and infinity in scales and vectors are refused: they would poison every token. Reads the whole file. */
int roma_import_check_values(const roma_import *imp, const roma_progress *progress, roma_error *err);

/* Whether a file begins as GGUF does. */
bool roma_gguf_is(const char *path);
/* Any GGUF, for `roma inspect`: metadata and tensor table as text, also for architectures we do not run; of those that
 * we do, the notes of roma_import too ("warnings" in JSON). */
int roma_gguf_print(const char *path, roma_buf *out, bool json, roma_error *err);

/* ---- LoRA adapters ---- */

/* What roma_adapter_write needs: targets (name, type and base_id are the caller's to fill) and where their values come
 * from. */
typedef struct {
    roma_adapter adapter;
    roma_adapter_source source;
    void *owned;
} roma_import_lora;

/* path: a PEFT folder (adapter_config.json, adapter_model.safetensors) or a GGUF adapter. base: the image it is for.
 * Everything is checked, the values too: docs/import.md, "Adapters". */
int roma_import_lora_open(roma_import_lora *l, const char *path, const roma_description *base, roma_error *err);
/* The same from memory; config NULL: tensors is a GGUF file. Both must outlive l. */
int roma_import_lora_open_memory(roma_import_lora *l, const void *config, uint64_t config_bytes, const void *tensors,
                                 uint64_t tensors_bytes, const roma_description *base, roma_error *err);
void roma_import_lora_close(roma_import_lora *l);

#ifdef __cplusplus
}
#endif
#endif
