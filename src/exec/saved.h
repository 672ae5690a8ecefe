/* What the writer and the reader of a cache in a file share. Section names are those of docs/cache-format.md. */
#ifndef ROMA_EXEC_SAVED_H
#define ROMA_EXEC_SAVED_H

#include "batch.h"

#define SAVED_VERSION 1
#define SAVED_RECORD 64
#define SAVED_ADAPTER 40

/* tag, critical, required; in the order of the file */
#define SAVED_SECTIONS(X) X(CACH, 1, 1) X(LORA, 1, 0) X(TOKS, 1, 1) X(PAGE, 1, 1) X(TEXT, 0, 0)
enum {
#define X(tag, critical, required) SAVED_##tag,
    SAVED_SECTIONS(X)
#undef X
        SAVED_KNOWN
};

extern const roma_frame_kind roma_exec_saved_kind;

/* The record CACH of n tokens under a set, and the set's entry of LORA for its part i. */
void roma_exec_saved_record(const roma_exec *e, uint32_t n, const lora_set *set, uint8_t out[SAVED_RECORD]);
void roma_exec_saved_adapter(const roma_exec *e, const lora_set *set, uint32_t i, uint8_t out[SAVED_ADAPTER]);
/* Whether this may be a scale of the cache: finite, not negative, below 10^30. */
static inline bool saved_scale_good(float v) { return v >= 0 && v < 1e30f; }

#endif
