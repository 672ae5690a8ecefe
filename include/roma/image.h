/* image - the ROM image (.roma): byte format (docs/rom-format.md), writer, mapped reader, verifier.
 *
 * An open image is read-only and used in place: tensor data, vocabulary text and arrays point into the
 * mapping on little-endian hosts. Thread rule: an open image may be read by any number of threads.
 */
#ifndef ROMA_IMAGE_H
#define ROMA_IMAGE_H

#include "roma/model.h"
#include "roma/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Description: everything but the weights. `map` needs no more. */
typedef struct {
    uint32_t role, layer;
    uint64_t rows, cols;
    bool is_vector;         /* FP32 vector of cols elements */
    roma_format format;     /* matrices */
    uint32_t act_group;     /* 0: one activation scale per token */
    uint32_t transform;     /* 0: none */
    int32_t tie;            /* index of the tensor whose data this one shares, or -1 */
    uint64_t offset, bytes; /* of its data in the file */
    uint64_t tile_bytes;    /* matrices */
    const uint8_t *data;    /* NULL in a description without weights */
} roma_image_tensor;

typedef struct {
    roma_hyper hyper;
    char name[128], license[64];
    roma_image_tensor *tensors;
    size_t n_tensors;
} roma_description;
const roma_image_tensor *roma_description_find(const roma_description *d, uint32_t role, uint32_t layer);
/* Parameters, vectors' too, and the bits that hold a weight of the matrices, scales and padding counted; a tied tensor
 * counts once. d's tensors have their bytes. */
void roma_description_size(const roma_description *d, uint64_t *params, double *bits_per_weight);

/* Shapes of known models, so that a plan needs no weights. bits, group and head_bits 0: the shape's own; head_bits are
 * those of the head, or of the embedding when it is tied. Scales are FP16 per group with a constant zero point. */
typedef struct {
    uint32_t bits, group, head_bits;
} roma_shape_format;
/* Names in order; NULL past the last. */
const char *roma_shape_name(unsigned i);
/* The description has no weights and is the caller's, for roma_shape_destroy. EINPUT for an unknown name, whose message
 * lists the known ones; for a format that no tile has, or a group that does not divide a row, as roma_format_check. */
int roma_shape_describe(roma_description *d, const char *name, const roma_shape_format *f, roma_error *err);
void roma_shape_destroy(roma_description *d);

typedef struct {
    roma_map map;
    roma_description desc;
    roma_vocab vocab;
    bool has_vocab;
    uint8_t file_sha256[32]; /* as stated in the file */
    uint8_t base_id[32];     /* base identity: what an adapter depends on */
    char note[512];          /* provenance */
    void *owned;             /* tables the reader had to build */
} roma_image;

enum { ROMA_IMAGE_NO_VERIFY = 1 }; /* skip the CRCs (the structure is always checked) */
/* team may be NULL: then the CRCs run on the caller's thread. */
int roma_image_open(roma_image *img, const char *path, unsigned flags, roma_team *team, roma_error *err);
void roma_image_close(roma_image *img);
/* The same on bytes in memory, for tests and fuzzers; data must be 64-byte aligned and outlive img. */
int roma_image_open_memory(roma_image *img, const void *data, uint64_t size, unsigned flags, roma_error *err);

/* All checks: structure, CRCs, file SHA-256, base identity recomputed, scales finite, padding zero. On damage
 * err names the section and offset. */
int roma_image_verify(const char *path, roma_team *team, const roma_progress *progress, roma_error *err);

/* ---- writing ---- */

/* Where the writer gets tensor bytes from: fills one tile (bytes zeroed before) / one vector. */
typedef struct {
    void *ctx;
    void (*tile)(void *ctx, size_t tensor, uint64_t tile, uint8_t *out);
    void (*vector)(void *ctx, size_t tensor, float *out);
} roma_tile_source;

/* What was written: the file, and its content as roma_description_size counts it. */
typedef struct {
    uint64_t bytes;
    uint8_t file_sha256[32], base_id[32];
    uint32_t arch;  /* roma_arch */
    char name[128]; /* the model's; may be empty */
    uint64_t params;
    double bits_per_weight;
} roma_image_written;

/* desc->tensors give role, layer, rows, cols, format, tie (offset, bytes, tile_bytes and data are computed).
 * vocab may be NULL. note: a short printable text kept as provenance (source file name and SHA-256). */
int roma_image_write(const char *path, const roma_description *desc, const roma_vocab *vocab, const char *note,
                     const roma_tile_source *source, const roma_progress *progress, roma_image_written *out,
                     roma_error *err);

/* ---- the frame: header, section table, checksums; adapter files have the same ("File") ---- */

#define ROMA_FRAME_HEADER 128
#define ROMA_FRAME_HASH 88 /* of the header: the file's SHA-256 and its CRC, 40 bytes that the hash takes as zero */
#define ROMA_FRAME_ENTRY 32
#define ROMA_FRAME_ALIGN 64
#define ROMA_FRAME_SECTIONS_MAX 64
#define ROMA_FRAME_KNOWN_MAX 8

/* A section that a kind of file may have, in the order of the file. */
typedef struct {
    char tag[5];
    bool critical, required;
    uint32_t align;
} roma_frame_known;
typedef struct {
    const char *magic; /* 8 bytes */
    uint32_t version;
    const char *noun;                                            /* in messages: "image" */
    const char *(*stranger)(const uint8_t *data, uint64_t size); /* what to say of a file with another magic */
    const roma_frame_known *known;
    unsigned n_known;
} roma_frame_kind;

typedef struct {
    char tag[5];
    uint32_t flags;
    uint64_t offset, bytes;
    uint32_t crc;
} roma_section;

/* A file being read: data, size, file (NULL: memory) and err are the caller's. */
typedef struct {
    const uint8_t *data;
    uint64_t size;
    const char *file;
    roma_error *err;
    roma_section section[ROMA_FRAME_SECTIONS_MAX];
    unsigned n_sections;
    const roma_section *known[ROMA_FRAME_KNOWN_MAX]; /* by place in kind->known; NULL: absent */
    uint8_t base_id[32], file_sha256[32];            /* as stated */
} roma_frame;

/* Fills f->err; returns code. */
int roma_frame_fail(const roma_frame *f, int code, uint64_t at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
bool roma_frame_all_zero(const uint8_t *p, uint64_t n);
/* Header and table with their CRCs, place and order of every section, zeros between. */
int roma_frame_read(roma_frame *f, const roma_frame_kind *kind);
/* Every section's CRC; on the team's threads where there is one. */
int roma_frame_check_crcs(const roma_frame *f, roma_team *team);
/* SHA-256 of a file as its header states it; ROMA_ECANCEL when progress says so. */
int roma_frame_hash(const uint8_t *data, uint64_t size, const roma_progress *progress, uint8_t out[32]);

/* Writing: sections are placed one behind the other from *end, which begins at HEADER + number of sections * ENTRY; the
 * header is written last, over zeros, when every section's crc is known. */
void roma_frame_place(roma_section *s, const roma_frame_known *known, uint64_t bytes, uint64_t *end);
int roma_frame_write_header(roma_outfile *out, const roma_frame_kind *kind, const roma_section *s, unsigned n,
                            const uint8_t base_id[32], const roma_progress *progress, uint8_t file_sha256[32],
                            roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
