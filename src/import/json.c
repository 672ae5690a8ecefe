/* JSON of untrusted files through jansson, which refuses what the grammar does not allow, and repeated keys. */
#include "lora.h"

#define DEPTH_MAX 32

/* Brackets outside strings; jansson recurses once per level. */
static bool too_deep(const char *p, size_t size) {
    int depth = 0;
    bool text = false;
    for (size_t i = 0; i < size; i++) {
        if (text) {
            if (p[i] == '\\')
                i++;
            else if (p[i] == '"')
                text = false;
        } else if (p[i] == '"') {
            text = true;
        } else if (p[i] == '{' || p[i] == '[') {
            if (++depth > DEPTH_MAX) return true;
        } else if (p[i] == '}' || p[i] == ']') {
            depth--;
        }
    }
    return false;
}

json_t *roma_import_json(const char *path, const void *data, size_t size, uint64_t at, roma_error *err) {
    json_error_t why;
    char text[160];
    if (too_deep(data, size)) {
        roma_fail(err, ROMA_EINPUT, path, at, "the JSON is nested more than %d deep", DEPTH_MAX);
        return NULL;
    }
    json_t *j = json_loadb(data, size, JSON_REJECT_DUPLICATES, &why);
    /* Without a sentence jansson ran out of memory, whatever its code; sometimes it then has a wrong one. */
    if (!j && (json_error_code(&why) == json_error_out_of_memory || !why.text[0]))
        roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for the JSON");
    else if (!j)
        roma_fail(err, ROMA_EINPUT, path, at + (why.position > 0 ? (uint64_t)why.position : 0), "not valid JSON: %s",
                  roma_error_name(text, sizeof text, why.text, strlen(why.text)));
    else if (!json_is_object(j)) {
        roma_fail(err, ROMA_EINPUT, path, at, "the JSON is no object");
        json_decref(j);
        j = NULL;
    }
    return j;
}
