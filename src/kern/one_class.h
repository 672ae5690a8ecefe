/* For kernels that multiply every width of code alike, and the two parts of fine levels as codes of their own, so that
 * half.h has two classes and one kind of record. PACK_AS says how the records hold shifts, FINE_OFFSET what is added to
 * fine levels. */
#ifndef ROMA_KERN_ONE_CLASS_H
#define ROMA_KERN_ONE_CLASS_H

#include "product.h"

#define FINE_SHIFT 4
enum { CODES, FINE_CODES };
#define CLASSES 2
ALWAYS_INLINE int class_of(unsigned bits) { return bits == FINE ? FINE_CODES : CODES; }
ALWAYS_INLINE void init_fine(job *j, bool one_row) {
    (void)one_row;
    fine_init(j, FINE_SHIFT, FINE_OFFSET);
}

static void pack(job *j, int class, bool one_row) {
    (void)class, (void)one_row;
    pack_records(j, PACK_AS);
}
ALWAYS_INLINE size_t record_bytes(int class) { return (void)class, sizeof(record); }
ALWAYS_INLINE const int32_t *record_bias(const void *rec, size_t i, int class) {
    return (void)class, ((const record *)rec)[i].bias;
}
ALWAYS_INLINE const float *record_z(const void *rec, size_t i, int class) {
    return (void)class, ((const record *)rec)[i].z;
}

#endif
