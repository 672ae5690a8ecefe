/* What the files of kern share: the tables per instruction set, the activation records, the scratch. */
#ifndef ROMA_KERN_INTERNAL_H
#define ROMA_KERN_INTERNAL_H

#include "roma/kern.h"

extern const roma_kern roma_kern_table_avx2, roma_kern_table_avx512;

#endif
