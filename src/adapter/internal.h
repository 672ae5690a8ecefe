/* What the files of this room share. Section names in comments are headings of docs/adapter-format.md. */
#ifndef ROMA_ADAPTER_INTERNAL_H
#define ROMA_ADAPTER_INTERNAL_H

#include "roma/adapter.h"

#define ADAPTER_MAGIC "LORA\x1a\n\r\n"
#define ADAPTER_VERSION 1
#define ADAPTER_HEADER 128
#define ADAPTER_HEADER_CRC 84 /* CRC of what is before it */
#define ADAPTER_HASH 88       /* the file's SHA-256 and its CRC: 40 bytes that the hash takes as zero */
#define ADAPTER_ENTRY 32
#define ADAPTER_SECTIONS_MAX 64
#define ADAPTER_CRITICAL 1u
#define ADAPTER_ALIGN 64
#define ADAPTER_TARG_HEAD 16
#define ADAPTER_DESCRIPTOR 64
#define ADAPTER_META_HEAD 16
#define ADAPTER_TARGETS_MAX (7u * 1024u)
#define ADAPTER_ONE 0x3c00u /* 1 as FP16 */

#ifndef ADAPTER_BIG_ENDIAN /* 1 on a little-endian host tries the same code: the swaps are then copies */
#define ADAPTER_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
#endif

/* tag, critical; in the order of the file, all required */
#define ADAPTER_SECTIONS(X) X(TARG, 1) X(DATA, 1) X(META, 0)
enum {
#define X(tag, critical) ADAPTER_##tag,
    ADAPTER_SECTIONS(X)
#undef X
        ADAPTER_KNOWN
};

typedef struct {
    char tag[5];
    uint32_t flags;
    uint64_t offset, bytes;
    uint32_t crc;
} adapter_section;

typedef struct {
    const uint8_t *data;
    uint64_t size;
    const char *file; /* NULL: memory */
    roma_error *err;
    adapter_section section[ADAPTER_SECTIONS_MAX];
    unsigned n_sections;
    const adapter_section *known[ADAPTER_KNOWN];
} adapter_in;

/* Fills in->err; returns code. */
int roma_adapter_fail(const adapter_in *in, int code, uint64_t at, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
bool roma_adapter_all_zero(const uint8_t *p, uint64_t n);
/* "layer 3: q" */
const char *roma_adapter_place(char buf[64], const roma_adapter_target *t);
unsigned roma_adapter_code_bytes(uint32_t type);

/* ---- frame.c ("File") ---- */
int roma_adapter_read_frame(adapter_in *in, roma_adapter *a);
int roma_adapter_check_crcs(const adapter_in *in);

/* ---- targets.c ("TARG", "DATA") ---- */
int roma_adapter_read_targets(const adapter_in *in, roma_adapter *a);
/* Role, shape, rank, alpha, scale of one target; 0, or EINPUT / EUNSUPPORTED with a sentence that names it. */
int roma_adapter_check_target(const roma_adapter_target *t, roma_error *err);
void roma_adapter_put_descriptor(uint8_t out[ADAPTER_DESCRIPTOR], const roma_adapter_target *t);

/* ---- read.c ---- */
int roma_adapter_read(adapter_in *in, roma_adapter *a, bool verify);
/* Scales and codes are numbers: the first that is not is told. */
int roma_adapter_check_values(const adapter_in *in, const roma_adapter *a);

/* ---- codes.c ("Values") ---- */
/* max: largest magnitude of a row of B; returns the row's scale, and the factor before encoding. */
float roma_adapter_scale_b(uint32_t type, float max, float *factor);
void roma_adapter_encode_b(uint32_t type, float v, uint8_t *out);
float roma_adapter_decode_b(uint32_t type, const uint8_t *code);
/* SHA-256 of a file as its header states it. */
int roma_adapter_hash(const uint8_t *data, uint64_t size, const roma_progress *progress, uint8_t out[32]);

#endif
