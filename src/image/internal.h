/* What the files of this room share. Section numbers in comments are headings of docs/rom-format.md. */
#ifndef ROMA_IMAGE_INTERNAL_H
#define ROMA_IMAGE_INTERNAL_H

#include "roma/image.h"

#define IMAGE_MAGIC "ROMA\x1a\n\r\n"
#define IMAGE_VERSION 1
#define IMAGE_HEADER 128
#define IMAGE_HEADER_CRC 84 /* CRC of what is before it */
#define IMAGE_HASH 88       /* the file's SHA-256 and its CRC: 40 bytes that the hash takes as zero */
#define IMAGE_ENTRY 32
#define IMAGE_SECTIONS_MAX 64
#define IMAGE_CRITICAL 1u
#define IMAGE_ALIGN 64
#define IMAGE_DATA_ALIGN 4096
#define IMAGE_HYPR_BYTES 64
#define IMAGE_VOCB_HEAD 128
#define IMAGE_TENS_HEAD 16
#define IMAGE_DESCRIPTOR 128
#define IMAGE_META_HEAD 16
#define IMAGE_NOTE_MAX 511

#ifndef IMAGE_BIG_ENDIAN /* 1 on a little-endian host tries the same code: the swaps are then copies */
#define IMAGE_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
#endif

/* tag, critical, required; in the order of the file */
#define IMAGE_SECTIONS(X) X(HYPR, 1, 1) X(ROPE, 1, 1) X(VOCB, 1, 0) X(TENS, 1, 1) X(DATA, 1, 1) X(META, 0, 1)
enum {
#define X(tag, critical, required) IMAGE_##tag,
    IMAGE_SECTIONS(X)
#undef X
        IMAGE_KNOWN
};

typedef struct {
    char tag[5];
    uint32_t flags;
    uint64_t offset, bytes;
    uint32_t crc;
} image_section;

/* A file being read. */
typedef struct {
    const uint8_t *data;
    uint64_t size;
    const char *file; /* NULL: memory */
    roma_error *err;
    image_section section[IMAGE_SECTIONS_MAX];
    unsigned n_sections;
    const image_section *known[IMAGE_KNOWN]; /* NULL: absent */
} image_in;

/* Fills in->err; returns code. */
int roma_image_fail(const image_in *in, int code, uint64_t at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
bool roma_image_all_zero(const uint8_t *p, uint64_t n);
/* Reader over a known section. */
roma_reader roma_image_section_reader(const image_in *in, unsigned known);
/* "layer 3: q" or "embed" */
const char *roma_image_tensor_place(char buf[64], const roma_image_tensor *t);

/* ---- frame.c: header and section table ---- */
int roma_image_read_frame(image_in *in, roma_image *img);
/* n bytes at p, on the team's threads. */
uint32_t roma_image_crc(const uint8_t *p, uint64_t n, roma_team *team);
int roma_image_check_crc(const image_in *in, const image_section *s, roma_team *team);

/* ---- sections: decode (checked) and encode ---- */
int roma_image_read_hyper(const image_in *in, roma_hyper *h);
/* spare: room for the section's words, used on big-endian hosts only. */
int roma_image_read_vocab(const image_in *in, roma_image *img, uint32_t *spare);
int roma_image_read_tensors(const image_in *in, roma_image *img);
int roma_image_read_meta(const image_in *in, roma_image *img);
void roma_image_put_hyper(uint8_t out[IMAGE_HYPR_BYTES], const roma_hyper *h);
void roma_image_put_rope(roma_buf *out, const roma_hyper *h);
void roma_image_put_vocab(roma_buf *out, const roma_vocab *v);
void roma_image_put_descriptor(uint8_t out[IMAGE_DESCRIPTOR], const roma_image_tensor *t);
/* 0 or a negative code; at is the file offset of the descriptor. */
int roma_image_get_descriptor(const image_in *in, uint64_t at, roma_image_tensor *t);
/* read.c: all of it, into an empty *img. Big-endian hosts: tables are swapped into img->owned. */
int roma_image_read(image_in *in, roma_image *img, bool check_crcs, roma_team *team);

/* ---- tensors.c: what a set of tensors must be ---- */
/* Place i of the order of execution; optional roles included. */
size_t roma_image_order_count(const roma_hyper *h);
void roma_image_order_at(const roma_hyper *h, size_t i, uint32_t *role, uint32_t *layer);
/* Order, completeness, shapes, formats, ties. */
int roma_image_check_tensors(const roma_description *d, const char *file, roma_error *err);
/* Bytes of t's data and of its tile. */
void roma_image_tensor_size(const roma_image_tensor *t, uint64_t *bytes, uint64_t *tile_bytes);
/* Bytes of a tile without the zero at its end. */
size_t roma_image_tile_used(const roma_image_tensor *t);
/* False: an f16 or f32 of the tile / vector is no number. */
bool roma_image_tile_finite(const roma_image_tensor *t, const uint8_t *tile);
bool roma_image_vector_finite(const roma_image_tensor *t, const uint8_t *data);

/* ---- identity.c ---- */
void roma_image_id_begin(roma_sha256 *h, const roma_description *d);
void roma_image_id_tensor(roma_sha256 *h, const roma_description *d, size_t i);
/* SHA-256 of a file as its header states it; ROMA_ECANCEL when progress says so. */
int roma_image_hash_file(const uint8_t *data, uint64_t size, const roma_progress *progress, uint8_t out[32]);

#endif
