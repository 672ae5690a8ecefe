/* FILE[:SCALE]; contract in lora_arg.h. */
#include "lora_arg.h"
#include "roma/adapter.h"

#include <stdlib.h>
#include <string.h>

int lora_arg_parse(const char *text, lora_arg *out, roma_error *err) {
    const double max = (double)ROMA_ADAPTER_ALPHA_MAX;
    const char *colon = strrchr(text, ':');
    char shown[64];
    double scale = 1;
    const bool given = colon && roma_real_read(colon + 1, strlen(colon + 1), &scale);
    const size_t n = given ? (size_t)(colon - text) : strlen(text);
    if (!n || n >= sizeof out->path)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "an adapter is FILE or FILE:SCALE, not '%s'",
                         roma_error_name(shown, sizeof shown, text, strlen(text)));
    if (given && !(scale >= -max && scale <= max && (float)scale != 0))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "the scale of an adapter is a number from %.0f to %.0f and not 0, not '%s'", -max, max,
                         roma_error_name(shown, sizeof shown, colon + 1, strlen(colon + 1)));
    memcpy(out->path, text, n);
    out->path[n] = 0;
    out->scale = given ? (float)scale : 1.0f;
    return ROMA_OK;
}

int lora_arg_read(const char *verb, const char *text, lora_arg *out) {
    roma_error err;
    return lora_arg_parse(text, out, &err) ? usage_error(verb, "%s", err.text) : OPTIONS_GO;
}
