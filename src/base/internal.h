/* What the files of base share among themselves and with its tests; not part of the room's face. */
#ifndef ROMA_BASE_INTERNAL_H
#define ROMA_BASE_INTERNAL_H

#include "roma/base.h"

#include <locale.h>

/* The C locale, which what is printed and read is in whatever the process has set. Not to be freed. */
locale_t roma_c_locale(void);

/* Adds one to what roma_alloc_count returns. */
void roma_base_count_alloc(void);

#define ROMA_HUGE_PAGE ((size_t)2 << 20)
/* Anonymous memory of whole pages at an address that huge pages can back. NULL when the system refuses. */
uint8_t *roma_base_map_aligned(size_t size, int protection);

/* CRC-32C kernels over the raw register, that is, without the inversion at both ends. */
uint32_t roma_crc32c_raw_c(uint32_t reg, const uint8_t *p, size_t n);
uint32_t roma_crc32c_raw_sse42(uint32_t reg, const uint8_t *p, size_t n);
/* a * b modulo the polynomial, in the reflected order in which bit 31 is x^0. */
uint32_t roma_crc32c_mul(uint32_t a, uint32_t b);

/* SHA-256 kernels: n whole blocks of 64 bytes. */
extern const uint32_t roma_sha256_k[64];
void roma_sha256_blocks_c(uint32_t state[8], const uint8_t *p, size_t n);
void roma_sha256_blocks_shani(uint32_t state[8], const uint8_t *p, size_t n);
bool roma_sha256_has_shani(void);

#endif
