/* Version, errors, and structures of callers that were compiled with another version. */
#include "face.h"

#include <string.h>

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

enum { SIZE_MOST = 4096 };

_Static_assert(ROMA_FAILED_INPUT == (int)ROMA_EINPUT && ROMA_FAILED_USAGE == (int)ROMA_EUSAGE &&
                   ROMA_FAILED_UNSUPPORTED == (int)ROMA_EUNSUPPORTED && ROMA_FAILED_DAMAGED == (int)ROMA_EDAMAGED &&
                   ROMA_FAILED_MEMORY == (int)ROMA_ENOMEM && ROMA_FAILED_SYSTEM == (int)ROMA_EIO &&
                   ROMA_FAILED_CONTEXT == (int)ROMA_ECONTEXT && ROMA_FAILED_CANCELLED == (int)ROMA_ECANCEL &&
                   ROMA_FAILED_INTERNAL == (int)ROMA_EINTERNAL && ROMA_FAILED_BUSY == (int)ROMA_EBUSY,
               "the face's codes are base's");

unsigned roma_version_number(void) { return ROMA_VERSION_NUMBER; }
const char *roma_version(void) {
    return TEXT(ROMA_VERSION_MAJOR) "." TEXT(ROMA_VERSION_MINOR) "." TEXT(ROMA_VERSION_PATCH);
}

static _Thread_local char last_error[1024];
const char *roma_last_error(void) { return last_error; }

int roma_face_end(int rc, const roma_error *err) {
    if (rc) roma_error_format(err, last_error, sizeof last_error);
    return rc;
}

int roma_face_take(void *own, size_t size, const void *given, roma_error *err) {
    size_t known = 0;
    memset(own, 0, size);
    if (!given) return ROMA_OK;
    memcpy(&known, given, sizeof known);
    if (known < sizeof known || known > SIZE_MOST)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a structure's size must be its sizeof, not %zu", known);
    for (size_t i = size; i < known; i++)
        if (((const uint8_t *)given)[i])
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                             "a structure has a member set that this library, version %s, does not know",
                             roma_version());
    memcpy(own, given, known < size ? known : size);
    return ROMA_OK;
}

void roma_face_give(void *given, const void *own, size_t size) {
    size_t known;
    memcpy(&known, given, sizeof known);
    if (known < sizeof known || known > SIZE_MOST) return;
    const size_t n = known < size ? known : size;
    memset((uint8_t *)given + n, 0, known - n);
    memcpy((uint8_t *)given + sizeof known, (const uint8_t *)own + sizeof known, n - sizeof known);
}
