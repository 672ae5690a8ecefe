/* The adapters that a verb runs with: files, opened once each and checked against the image, and sets of them for the
 * engine. */
#ifndef TOOLS_LORAS_H
#define TOOLS_LORAS_H

#include "roma/json.h"
#include "lora_arg.h"
#include "roma/exec.h"

typedef struct {
    char *path;
    roma_adapter adapter;
    unsigned flags; /* of roma_adapter_check */
    bool is_loaded;
    uint32_t id; /* in the engine, once it is loaded */
} lora_file;

typedef struct {
    uint32_t n, file[ROMA_EXEC_STACK_MAX];
    float factor[ROMA_EXEC_STACK_MAX];
} lora_mix;

typedef struct {
    lora_file **file;
    lora_mix *mix; /* mix[i] is set i + 1 */
    size_t n_files, n_mixes;
} loras;

/* The set of n adapters FILE[:SCALE] in this order, 0 for none; the same list has the same set. Opens files that are
 * new. */
int loras_add(loras *l, const roma_image *img, bool any_base, const char *const *text, size_t n, uint32_t *set,
              roma_error *err);
/* What an engine needs for them: room for `adapters` of rank `rank` on all linears where either is given, else what the
 * files take. */
void loras_room(const loras *l, const roma_description *d, uint32_t adapters, uint32_t rank, roma_exec_config *out);
/* Loads all into an engine that is new, and defines all sets. */
int loras_load(loras *l, roma_exec *e, roma_error *err);
/* Set 1 becomes those n adapters, and only they stay loaded; if that fails, all is as before. */
int loras_switch(loras *l, roma_exec *e, const roma_image *img, bool any_base, const char *const *text, size_t n,
                 uint32_t *set, roma_error *err);
uint32_t loras_rank(const loras *l, uint32_t set);           /* sum of the ranks of a set's adapters */
void loras_json(roma_json *j, const loras *l, uint32_t set); /* member "adapters": the files of a set */
/* "a.lora.roma, b.lora.roma:0.5" */
void loras_print(const loras *l, uint32_t set, roma_buf *out);
void loras_close(loras *l);

#endif
