/* What the verbs on adapters share. */
#ifndef TOOLS_ADAPTER_H
#define TOOLS_ADAPTER_H

#include "loras.h"
#include "tool.h"

/* ---- adapter.c ---- */

enum { ADAPTER_SUBVERBS = 4 };
extern const char *const adapter_subverbs[ADAPTER_SUBVERBS];

/* ---- inspect.c ---- */

bool is_adapter(const char *path); /* by its first bytes */
/* What `roma inspect` and `roma adapter inspect` say of one; returns the exit code. */
int inspect_adapter(const char *verb, const char *path, bool as_json);

#endif
