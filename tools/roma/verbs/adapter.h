/* What the verbs on adapters share. */
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

/* ---- inspect.c ---- */

bool is_adapter(const char *path); /* by its first bytes */
/* What `roma inspect` and `roma adapter inspect` say of one; returns the exit code. */
int inspect_adapter(const char *verb, const char *path, bool as_json);

/* Verbs; they return the exit code. */
int adapter_merge(const adapter_config *c, const char *const *text, size_t n);
int adapter_diff(const adapter_config *c, const char *const path[2]);

#endif
