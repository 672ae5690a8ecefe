/* image - the ROM image (.roma): byte format (docs/rom-format.md), writer, mapped reader, verifier.
 *
 * An open image is read-only and used in place: on little-endian hosts tensor data, vocabulary text and arrays point
 * into the mapping. Threads: any number of threads may read an open image; opening, closing and writing belong to one
 * thread each. Sizes are bytes unless a name says otherwise. */
#ifndef ROMA_IMAGE_H
#define ROMA_IMAGE_H

#include "roma/model.h"
#include "roma/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One tensor of a description. */
typedef struct {
    uint32_t role, layer;    /* ROMA_W_*; layer 0 for roles without one */
    uint64_t rows, cols;     /* elements; a vector has one row of cols */
    bool is_vector;          /* FP32 vector of cols elements, else a matrix */
    roma_format format;      /* of a matrix */
    uint32_t act_group;      /* inputs under one activation scale; 0: all, one scale for each row of activations */
    const roma_order *order; /* of the columns, one of the description's; NULL: the model's own */
    int32_t tie;             /* index of the tensor whose data this one shares, or -1 */
    uint64_t offset, bytes;  /* of its data: byte in the file, length in bytes */
    uint64_t tile_bytes;     /* of a matrix: bytes of a tile of 16 rows */
    const uint8_t *data;     /* the image's; NULL in a description without weights */
} roma_image_tensor;

/* Description of a model: everything but the weights, and all that `map` needs. An image or roma_shape_lay_out owns
 * the tensors. */
typedef struct {
    roma_hyper hyper;
    char name[128], license[64];
    roma_image_tensor *tensors;
    size_t n_tensors;
    roma_order *orders; /* of columns, as tensors name them first; an image's reader owns them and what they point to */
    size_t n_orders;
} roma_description;
/* The tensor of a role and layer, the description's; NULL: there is none. */
const roma_image_tensor *roma_description_find(const roma_description *d, uint32_t role, uint32_t layer);
/* Number of a tensor's order in the description, from 1; 0: it has none. Of the second only an order that is gathered.
 */
uint32_t roma_description_order(const roma_description *d, const roma_image_tensor *t);
uint32_t roma_description_gather(const roma_description *d, const roma_image_tensor *t);
/* Size of a model: its parameters, those of vectors too, and the bits that hold one weight of its matrices, scales and
 * padding counted. A tied tensor counts once. d's tensors have their `bytes`. */
void roma_description_size(const roma_description *d, uint64_t *params, double *bits_per_weight);

/* Format of a shape's matrices: bits of a code, weights under one scale, and bits of the head, or of the
 * embedding when it is tied. 0: the shape's own. Codes of 1 bit, in groups of 32 and more, are
 * for plans and placements alone: no image has such. Scales are FP16 for each group, with a constant zero point. */
typedef struct {
    uint32_t bits, group, head_bits;
} roma_shape_format;
/* Description of a shape, without weights, so that a plan needs no image. *d is the caller's, ended by
 * roma_shape_destroy. Errors of roma_format_check for a format that no tile has or a group that does not divide a row;
 * ENOMEM. */
int roma_shape_lay_out(roma_description *d, const roma_shape *s, const roma_shape_format *f, roma_error *err);
/* The same of what a user calls a shape; errors also of roma_shape_read. */
int roma_shape_describe(roma_description *d, const char *name, const roma_shape_format *f, roma_error *err);
/* Frees what these two made. */
void roma_shape_destroy(roma_description *d);

/* An open image. */
typedef struct {
    roma_map map;
    roma_description desc;
    roma_vocab vocab;
    bool has_vocab;
    uint8_t file_sha256[32]; /* as the file states it */
    uint8_t base_id[32];     /* base identity: hash of what an adapter depends on */
    char note[512];          /* provenance, printable ASCII */
    const char *report;      /* how the image was made: lines of printable ASCII, report_bytes of them; NULL: none */
    uint32_t report_bytes;
    void *owned; /* tables that the reader had to build */
} roma_image;

enum { ROMA_IMAGE_NO_VERIFY = 1 }; /* skip the CRCs (the structure is always checked) */
/* Opens and checks an image: structure always, CRCs unless flags have ROMA_IMAGE_NO_VERIFY, on the team's threads, or
 * with team NULL on the caller's. EINPUT for what is no image, or contradicts itself, with section and offset;
 * EUNSUPPORTED for another version, kind or format; EDAMAGED for a CRC that does not hold; EIO, ENOMEM. After an error
 * *img needs no close. */
int roma_image_open(roma_image *img, const char *path, unsigned flags, roma_team *team, roma_error *err);
/* Unmaps an image and frees its tables; what points into it ends with it. */
void roma_image_close(roma_image *img);
/* As roma_image_open, on bytes in memory, for tests and fuzzers; data is 64-byte aligned and outlives img. */
int roma_image_open_memory(roma_image *img, const void *data, uint64_t size, unsigned flags, roma_error *err);

/* All checks of a file: structure, CRCs, the file's SHA-256, base identity computed anew, scales finite, padding zero.
 * team and progress may be NULL. Errors of roma_image_open; ECANCEL when progress says so. */
int roma_image_verify(const char *path, roma_team *team, const roma_progress *progress, roma_error *err);

/* ---- writing ---- */

/* Where the writer gets a tensor's bytes from: `tile` fills one tile of 16 rows (tile_bytes, zeroed before), `vector`
 * one vector of cols FP32 values. tensor: index in the description. What stands behind `vector` may be zero. */
typedef struct {
    void *ctx;
    void (*tile)(void *ctx, size_t tensor, uint64_t tile, uint8_t *out);
    void (*vector)(void *ctx, size_t tensor, float *out);
    /* Members of the team call tile and see, each for other tiles at the same time; NULL: the caller's thread does. */
    roma_team *team;
    /* Gets each tile as it stands in the image, also those of an earlier run. */
    void (*see)(void *ctx, size_t tensor, uint64_t tile, const uint8_t *in);
    /* A matrix is about to be asked for, and is complete. */
    int (*begin)(void *ctx, size_t tensor, roma_error *err);
    void (*complete)(void *ctx, size_t tensor);
    /* The report of section REPT, lines of printable ASCII, asked for when all tensors are complete; d is what the
     * image describes. NULL: none. */
    const char *(*report)(void *report_ctx, const roma_description *d);
    void *report_ctx;
    /* What the weights come from, and how. The same job, image and description begun by a run that was killed is taken
     * up where it stood with resume; all zero without resume: what is left of a run is of no use to another. */
    uint8_t job[32];
    bool resume;
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

/* Writes an image. desc->tensors give role, layer, rows, cols, format and tie; offset, bytes, tile_bytes and data are
 * computed. vocab may be NULL: no tokenizer. note: short printable text kept as provenance. progress may be NULL. The
 * file appears whole or not at all (roma_outfile). EINPUT or EUNSUPPORTED for a description that no image has;
 * ECANCEL; EIO, ENOMEM. */
int roma_image_write(const char *path, const roma_description *desc, const roma_vocab *vocab, const char *note,
                     const roma_tile_source *source, const roma_progress *progress, roma_image_written *out,
                     roma_error *err);

/* ---- the frame: header, section table, checksums; adapter files have the same ("File") ---- */

#define ROMA_FRAME_HEADER 128
#define ROMA_FRAME_HASH 88 /* of the header: the file's SHA-256 and its CRC, 40 bytes that the hash takes as zero */
#define ROMA_FRAME_ENTRY 32
#define ROMA_FRAME_ALIGN 64
#define ROMA_FRAME_SECTIONS_MAX 64
#define ROMA_FRAME_KNOWN_MAX 10

/* A section that a kind of file may have, in the order of the file. critical: a reader that does not know the tag
 * refuses the file; required: a file without the section is damaged; align in bytes. */
typedef struct {
    char tag[5];
    bool critical, required;
    uint32_t align;
} roma_frame_known;
/* A kind of file that has the frame. All texts are static. */
typedef struct {
    const char *magic; /* 8 bytes */
    uint32_t version;
    const char *noun;  /* in messages: "image" */
    const char *whole; /* what a file with another magic is not: "a ROM image" */
    const roma_frame_known *known;
    unsigned n_known;
} roma_frame_kind;

/* A section of a file: place and length in bytes, and the CRC-32C that the table states. */
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

/* Fills f->err with a complaint about byte `at` of the file; returns code. */
int roma_frame_fail(const roma_frame *f, int code, uint64_t at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Whether all n bytes are 0. */
bool roma_frame_all_zero(const uint8_t *p, uint64_t n);
/* Reads header and table of *f, whose data, size, file and err are set: their CRCs, place and order of every section,
 * zeros between. EINPUT for a stranger, EUNSUPPORTED for another version, EDAMAGED. */
int roma_frame_read(roma_frame *f, const roma_frame_kind *kind);
/* Checks every section's CRC, on the team's threads or, with team NULL, on the caller's. EDAMAGED names the section. */
int roma_frame_check_crcs(const roma_frame *f, roma_team *team);
/* SHA-256 of a whole file as its header states it: the hash's own field counts as zero. ECANCEL when progress (may be
 * NULL) says so. */
int roma_frame_hash(const uint8_t *data, uint64_t size, const roma_progress *progress, uint8_t out[32]);

/* Places a section of `bytes` bytes at the next aligned place from *end on, and moves *end behind the section. *end
 * begins at ROMA_FRAME_HEADER + number of sections * ROMA_FRAME_ENTRY. */
void roma_frame_place(roma_section *s, const roma_frame_known *known, uint64_t bytes, uint64_t *end);
/* Writes header and section table over the zeros at the file's beginning, when every section is written and its crc is
 * known. file_sha256 gets the file's hash. ECANCEL when progress says so; errors of the file. */
int roma_frame_write_header(roma_outfile *out, const roma_frame_kind *kind, const roma_section *s, unsigned n,
                            const uint8_t base_id[32], const roma_progress *progress, uint8_t file_sha256[32],
                            roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
