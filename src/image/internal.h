/* What the files of this room share. Section numbers in comments are headings of docs/rom-format.md. */
#ifndef ROMA_IMAGE_INTERNAL_H
#define ROMA_IMAGE_INTERNAL_H

#include "roma/image.h"

#define IMAGE_MAGIC "ROMA\x1a\n\r\n"
#define IMAGE_VERSION 1
#define FRAME_HEADER_CRC 84 /* CRC of what is before it */
#define FRAME_CRITICAL 1u
#define IMAGE_DATA_ALIGN 4096
#define IMAGE_HYPR_BYTES 64
#define IMAGE_VOCB_HEAD 128
#define IMAGE_TENS_HEAD 16
#define IMAGE_DESCRIPTOR 128
#define IMAGE_META_HEAD 16
#define IMAGE_NOTE_MAX 511
#define IMAGE_REPORT_MAX (1u << 20)

#ifndef IMAGE_BIG_ENDIAN /* 1 on a little-endian host tries the same code: the swaps are then copies */
#define IMAGE_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
#endif

/* tag, critical, required, alignment; in the order of the file */
#define IMAGE_SECTIONS(X)                                                                                              \
    X(HYPR, 1, 1, ROMA_FRAME_ALIGN)                                                                                    \
    X(ROPE, 1, 1, ROMA_FRAME_ALIGN)                                                                                    \
    X(VOCB, 1, 0, ROMA_FRAME_ALIGN)                                                                                    \
    X(TMPL, 1, 0, ROMA_FRAME_ALIGN)                                                                                    \
    X(TENS, 1, 1, ROMA_FRAME_ALIGN)                                                                                    \
    X(ORDR, 1, 0, ROMA_FRAME_ALIGN)                                                                                    \
    X(DATA, 1, 1, IMAGE_DATA_ALIGN)                                                                                    \
    X(META, 0, 1, ROMA_FRAME_ALIGN)                                                                                    \
    X(REPT, 0, 0, ROMA_FRAME_ALIGN)
enum {
#define X(tag, critical, required, align) IMAGE_##tag,
    IMAGE_SECTIONS(X)
#undef X
        IMAGE_KNOWN
};

/* Reader over a known section. */
roma_reader roma_image_section_reader(const roma_frame *in, unsigned known);
/* "layer 3: q" or "embed" */
const char *roma_image_tensor_place(char buf[64], const roma_image_tensor *t);

/* ---- read.c: what an image is as a framed file ---- */
extern const roma_frame_kind roma_image_kind;

/* ---- sections: decode (checked) and encode ---- */
int roma_image_read_hyper(const roma_frame *in, roma_hyper *h);
/* spare: room for the section's words, used on big-endian hosts only. */
int roma_image_read_vocab(const roma_frame *in, roma_image *img, uint32_t *spare);
int roma_image_read_tensors(const roma_frame *in, roma_image *img);
int roma_image_read_meta(const roma_frame *in, roma_image *img);
/* Section REPT, as img->report. */
int roma_image_read_report(const roma_frame *in, roma_image *img);
void roma_image_put_hyper(uint8_t out[IMAGE_HYPR_BYTES], const roma_hyper *h);
void roma_image_put_rope(roma_buf *out, const roma_hyper *h);
/* The text of section TMPL, into img->vocab. */
int roma_image_read_template(const roma_frame *in, roma_image *img);
void roma_image_put_vocab(roma_buf *out, const roma_vocab *v);
void roma_image_put_descriptor(uint8_t out[IMAGE_DESCRIPTOR], const roma_description *d, const roma_image_tensor *t);

/* ---- orders.c: section ORDR, and what orders must be ---- */
int roma_image_read_orders(const roma_frame *in, roma_description *d);
/* Whatever may stand there, of descriptions too: orders of matrices of layers, named in their order. */
int roma_image_check_orders(const roma_description *d, const char *file, roma_error *err);
void roma_image_put_orders(roma_buf *out, const roma_description *d);
/* The orders of d's tensors, in the order in which they are named first, as d's own array, which roma_free ends; the
 * tables stay where they are. False: no memory. */
bool roma_image_arrange_orders(roma_description *d);
/* read.c: all of it, into an empty *img. Big-endian hosts: tables are swapped into img->owned. */
int roma_image_read(roma_frame *in, roma_image *img, bool check_crcs, roma_team *team);

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

#endif
