/* What a simulation starts from: the chip's blocks and the tiny model where they lie, the cache of simulators, and
 * the adapters of a command line with the positions from which they ride. */
#ifndef TOOLS_COSIM_SETUP_H
#define TOOLS_COSIM_SETUP_H

#include "tool.h"
#include "roma/cosim.h"

/* The folder rtl, as given, or where make install or the source tree has it beside the program. EIO: nowhere. */
int cosim_find_rtl(const char *given, char *out, size_t cap, roma_error *err);
/* The folder that keeps simulators. EIO: neither HOME nor XDG_CACHE_HOME says where. */
int cosim_find_cache(char *out, size_t cap, roma_error *err);
/* Converts the tiny model, that is installed or lies in the source tree, to an image of this run in a folder for
 * temporary files. The caller removes the file. Errors of roma_convert; EIO: the model is nowhere. */
int cosim_tiny_image(char *out, size_t cap, roma_error *err);

enum { COSIM_SETS_MAX = 17, COSIM_ADAPTERS_MAX = 64 };
/* The adapters of a run: those of --lora from position 0 on, and others from those of --lora-at. */
typedef struct {
    lora_list list[COSIM_SETS_MAX];
    roma_cosim_set set[COSIM_SETS_MAX];
    uint32_t index[COSIM_SETS_MAX][ROMA_EXEC_STACK_MAX];
    float factor[COSIM_SETS_MAX][ROMA_EXEC_STACK_MAX];
    const char *name[COSIM_ADAPTERS_MAX]; /* of each adapter, once */
    const roma_adapter *adapter[COSIM_ADAPTERS_MAX];
    size_t n;
    uint32_t n_adapters;
} cosim_sets;
/* Opens the adapters of texts POSITION:FILE[:SCALE]; texts of one position add up, and nothing behind the colon is the
 * base alone. The session is open and not started, and has those of --lora. EUSAGE; errors of loras_open. */
int cosim_sets_open(cosim_sets *c, session *s, bool any_base, const text_list *at, roma_error *err);
/* The started engine's sets. Errors of roma_answer_adapters_load. */
int cosim_sets_load(cosim_sets *c, session *s, roma_error *err);

#endif
