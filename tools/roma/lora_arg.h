/* FILE or FILE:SCALE, as every option and verb that takes adapters reads it. */
#ifndef TOOLS_LORA_ARG_H
#define TOOLS_LORA_ARG_H

#include "options.h"

typedef struct {
    char path[4096];
    float scale; /* 1 when none is given */
} lora_arg;
/* EUSAGE with a sentence. What stands behind the last colon is a scale when it is a number, else part of the name. */
int lora_arg_parse(const char *text, lora_arg *out, roma_error *err);
/* OPTIONS_GO, or 2 after a complaint. */
int lora_arg_read(const char *verb, const char *text, lora_arg *out);

#endif
