/* JSON schemas: not yet. */
#include "constrain/schema.h"

int roma_constrain_put_schema(roma_buf *grammar, const char *name, const char *schema, size_t len, const char *file,
                              roma_error *err) {
    (void)grammar, (void)name, (void)schema, (void)len;
    return roma_fail(err, ROMA_EUNSUPPORTED, file, ROMA_NOWHERE, "JSON schemas are not supported yet");
}
