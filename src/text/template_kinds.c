/* Names of the chat templates that are built in. */
#include <string.h>
#include "text.h"

const char *roma_text_template_name(roma_template_kind k) {
    switch (k) {
#define X(name, value, text, help)                                                                                     \
    case ROMA_TEMPLATE_##name: return text;
        ROMA_TEMPLATES(X)
#undef X
    }
    return NULL;
}

int roma_text_template_find(const char *name) {
#define X(id, value, text, help)                                                                                       \
    if (strcmp(name, text) == 0) return ROMA_TEMPLATE_##id;
    ROMA_TEMPLATES(X)
#undef X
    return -1;
}
