/* What the files of `roma adapter` share. */
#ifndef TOOLS_ADAPTER_H
#define TOOLS_ADAPTER_H

#include "loras.h"
#include "tool.h"

enum { ADAPTERS_MAX = OPERANDS_MAX - 1 }; /* of one merge: the first operand is the word */

typedef struct {
    const char *out, *base, *type, *name, *random;
    uint32_t rank;
    bool as_json, any_base;
} adapter_config;

/* ---- adapter.c ---- */

/* Only an adapter is replaced. */
int adapter_check_output(const char *path, roma_error *err);
/* Opens what was written and says what it is; returns the exit code. */
int adapter_show_written(const adapter_config *c);
void adapter_json(const roma_adapter *a, const char *path, roma_buf *b);

/* Of a tensor, or of what an adapter adds to it: LAYER.ROLE, or ROLE where there are no layers (inspect.c). */
const char *tensor_name(uint32_t role, uint32_t layer, char *buf, size_t cap);

/* Verbs; they return the exit code. */
int adapter_merge(const adapter_config *c, const char *const *text, size_t n);
int adapter_diff(const adapter_config *c, const char *const path[2]);

#endif
