/* What the manifest of a written ROM says, for the second reader. */
#ifndef ROMA_RTL_MANIFEST_H
#define ROMA_RTL_MANIFEST_H

#include "roma/rtl.h"

/* Members as docs/rom-emission.md names them. Numbers are what the file says, whatever it is. */
typedef struct {
    uint64_t words, width, address_bits, devices, lines, ones, lanes, lane_bits, first, last;
    uint64_t unit, lunit, matrix_units, per_matrix_unit, address;
    bool placed;
    char style[16], tensor[32], image_sha256[65];
} rtl_manifest;

/* Reads a manifest. EINPUT for what is none; ENOMEM. */
int roma_rtl_manifest_read(rtl_manifest *m, const char *text, size_t size, const char *file, roma_error *err);

#endif
