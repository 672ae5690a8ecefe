/* What the files of this room share. Section names in comments are headings of docs/adapter-format.md. */
#ifndef ROMA_ADAPTER_INTERNAL_H
#define ROMA_ADAPTER_INTERNAL_H

#include "roma/adapter.h"

#define ADAPTER_MAGIC "LORA\x1a\n\r\n"
#define ADAPTER_VERSION 1
#define ADAPTER_TARG_HEAD 16
#define ADAPTER_DESCRIPTOR 64
#define ADAPTER_DORA 1u /* flag of a descriptor: factors */
#define ADAPTER_META_HEAD 16
#define ADAPTER_TARGETS_MAX (7u * 1024u + 2u) /* of every layer, the head, the embedding */
#define ADAPTER_ONE 0x3c00u                   /* 1 as FP16 */

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

/* "layer 3: q" */
const char *roma_adapter_place(char buf[64], const roma_adapter_target *t);
unsigned roma_adapter_code_bytes(uint32_t type);

/* ---- read.c: what an adapter is as a framed file ("File") ---- */
extern const roma_frame_kind roma_adapter_kind;

/* ---- targets.c ("TARG", "DATA") ---- */
int roma_adapter_read_targets(const roma_frame *in, roma_adapter *a);
/* Role, shape, rank, alpha, scale of one target; 0, or EINPUT / EUNSUPPORTED with a sentence that names it. */
int roma_adapter_check_target(const roma_adapter_target *t, roma_error *err);
void roma_adapter_put_descriptor(uint8_t out[ADAPTER_DESCRIPTOR], const roma_adapter_target *t);

/* ---- read.c ---- */
int roma_adapter_read(roma_frame *in, roma_adapter *a, bool verify);

/* ---- codes.c ("Values") ---- */
/* max: largest magnitude of a row of B; returns the row's scale, and the factor before encoding. */
float roma_adapter_scale_b(uint32_t type, float max, float *factor);
void roma_adapter_encode_b(uint32_t type, float v, uint8_t *out);

#endif
