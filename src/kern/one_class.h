/* For kernels that multiply every width of code alike, so that half.h has one class and one kind of record. PACK_AS
 * says how the records hold shifts. */
#ifndef ROMA_KERN_ONE_CLASS_H
#define ROMA_KERN_ONE_CLASS_H

#include "product.h"

#define CLASSES 1
ALWAYS_INLINE int class_of(unsigned bits) { return (void)bits, 0; }

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
