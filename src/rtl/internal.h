/* What the files of rtl share among themselves and with its tests; not part of the room's face. What writes (emit,
 * folder) and what reads again (read, check) share the public types alone. */
#ifndef ROMA_RTL_INTERNAL_H
#define ROMA_RTL_INTERNAL_H

#include "roma/rtl.h"

/* Width of addr for so many words. Writers only. */
uint32_t roma_rtl_address_bits(uint64_t words);

#endif
