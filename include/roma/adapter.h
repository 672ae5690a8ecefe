/* adapter - a LoRA adapter as it lies in SRAM: byte format (docs/adapter-format.md), writer, mapped reader, checks.
 *
 * An adapter changes some matrices W of one base model: W x becomes W x + scale * B (A x), A being rank x cols and B
 * rows x rank; DoRA's have W x times a factor a row besides. A is a tile matrix of signed bytes, so that the kernels
 * which multiply the base multiply A too, fed the same quantised activations; a scale for each row stands beside the
 * tiles. B lies in tiles of 16 output rows, pairs of inputs side by side, so that sums never cross lanes.
 *
 * Threads: an open adapter is read-only and may be read by any number of threads; opening, closing and writing belong
 * to one thread each. Sizes are bytes unless a name says otherwise. */
#ifndef ROMA_ADAPTER_H
#define ROMA_ADAPTER_H

#include "roma/image.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ROMA_ADAPTER_RANK_MAX 512 /* 512 * 127 * 32767 fits in int32: B (A x) is exact there */
#define ROMA_ADAPTER_ALPHA_MAX 1e6f
#define ROMA_ADAPTER_NOTE_MAX 511

/* How B is stored: name, number in files, text, bytes of a code. */
#define ROMA_ADAPTER_TYPES(X) X(INT8, 1, "int8", 1) X(FP8, 2, "fp8", 1) X(F16, 3, "f16", 2)
typedef enum {
#define X(name, value, text, bytes) ROMA_ADAPTER_##name = (value),
    ROMA_ADAPTER_TYPES(X)
#undef X
} roma_adapter_type;
/* Text of a type, static, NULL when unknown; number of the type of that text, 0 when unknown. */
const char *roma_adapter_type_name(uint32_t type);
uint32_t roma_adapter_type_find(const char *name);

/* One changed matrix. The pointers lead into the adapter's data; they are NULL in a description without data. */
typedef struct {
    uint32_t role, layer;   /* of the base's matrix: q k v o gate up down */
    uint64_t rows, cols;    /* the matrix's shape */
    uint32_t rank;          /* 1..512 */
    float alpha, scale;     /* scale: alpha / rank, or alpha / sqrt(rank) */
    uint64_t offset, bytes; /* of its data: byte in the file, length in bytes */
    const uint8_t *a;       /* ceil(rank / 16) tiles of roma_adapter_format(cols); every scale in them is 1 */
    const float *a_scale;   /* one per row of A, padded to whole tiles with 0 */
    const float *b_scale;   /* one per row of B, padded to whole tiles with 0 */
    bool dora;              /* the base's product is multiplied by a factor a row, which B has in it already */
    const float *factor;    /* dora: one per row, padded as b_scale; to roma_adapter_write the caller's, rows of them */
    const uint8_t
        *b; /* ceil(rows / 16) tiles: code [tile][input / 2][row % 16][input % 2], rank padded to even with 0 */
} roma_adapter_target;

/* An open adapter, or the description of one that is to be written. */
typedef struct {
    roma_map map;
    uint32_t type;                /* roma_adapter_type */
    uint32_t rank;                /* the largest of any target */
    bool dora;                    /* some target is: first of its set and at factor 1, or not at all */
    char name[128], note[512];    /* printable ASCII */
    uint8_t base_id[32];          /* base identity of the image it was made for */
    uint8_t file_sha256[32];      /* as the file states it */
    roma_adapter_target *targets; /* ascending by layer, then role */
    size_t n_targets;
    const uint8_t *data; /* all targets' data in one piece, 64-byte aligned: what SRAM holds */
    uint64_t data_bytes;
    void *owned;
} roma_adapter;

/* What is said where a DoRA adapter stands behind another, or has a factor that its rows' factors were not made for. */
#define ROMA_ADAPTER_DORA_PLACE                                                                                        \
    "a DoRA adapter must be the first of those that add up, at scale 1 (or 0): its rows' factors were computed for "   \
    "that"
/* Whether a role is one of the seven of a layer: q, k, v, o, gate, up, down. */
bool roma_adapter_role(uint32_t role);
/* Shape of what an adapter adds to the matrix of a role under h: of those seven, of the head (head rows x hidden), of
 * the embedding (hidden rows x tokens, rounded up to whole stripes: its A has a column a token). false: the model has
 * no such matrix, or no adapter may change it. */
bool roma_adapter_shape(const roma_hyper *h, uint32_t role, uint64_t *rows, uint64_t *cols);
/* The target of a matrix, the adapter's; NULL: the adapter leaves this matrix alone. */
const roma_adapter_target *roma_adapter_find(const roma_adapter *a, uint32_t role, uint32_t layer);

/* ---- where things lie ---- */

/* Format of A's tiles for rows of cols inputs: signed bytes, FP16 scales of 1 for the largest group of 256, 128, 64 or
 * 32 that divides the row. */
roma_format roma_adapter_format(uint64_t cols);
/* Where a target's parts begin, in bytes from the start of its data; all are multiples of 32, those of a, a_scale,
 * b_scale, factor and b of 64. factor is b where a target has none. */
typedef struct {
    size_t a, a_scale, b_scale, factor, b, bytes;
    size_t a_tile_bytes, b_tile_bytes;
    size_t a_tiles, b_tiles;
} roma_adapter_layout;
/* Layout of a target, whose rows, cols, rank and dora count, with B of this type. */
void roma_adapter_layout_get(uint32_t type, const roma_adapter_target *t, roma_adapter_layout *out);
/* data_bytes of an adapter of one rank on every matrix of the base whose role is in `roles` (bit r: role r; 0: all
 * roles that can have one). */
uint64_t roma_adapter_bytes(const roma_description *base, uint32_t type, uint32_t rank, uint32_t roles);

/* ---- values ---- */

/* FP32 values of a row of A (cols of them) and of B (rank of them) into the caller's array, without the target's
 * scale. */
void roma_adapter_row_a(const roma_adapter_target *t, uint32_t row, float *out);
void roma_adapter_row_b(uint32_t type, const roma_adapter_target *t, uint64_t row, float *out);

/* ---- files ---- */

enum { ROMA_ADAPTER_NO_VERIFY = 1 }; /* skip CRCs and the look at every scale (the structure is always checked) */
/* Opens and checks an adapter file: structure always, CRCs and every scale unless flags have ROMA_ADAPTER_NO_VERIFY.
 * EINPUT for what is no adapter or contradicts itself, EUNSUPPORTED for another version, EDAMAGED for a CRC that does
 * not hold; EIO, ENOMEM. After an error *a needs no close. */
int roma_adapter_open(roma_adapter *a, const char *path, unsigned flags, roma_error *err);
/* As roma_adapter_open, on bytes in memory, 64-byte aligned, that outlive *a. */
int roma_adapter_open_memory(roma_adapter *a, const void *data, uint64_t size, unsigned flags, roma_error *err);
/* Unmaps an adapter and frees its tables; what points into the adapter ends with it. */
void roma_adapter_close(roma_adapter *a);
/* Whether the first n >= 8 bytes of a file are an adapter's. */
bool roma_adapter_is(const void *data, size_t n);
/* All checks of a file: those of roma_adapter_open, the file's SHA-256, and the zeros that fill up. progress may be
 * NULL; ECANCEL when progress says so. */
int roma_adapter_verify(const char *path, const roma_progress *progress, roma_error *err);

enum { ROMA_ADAPTER_ANY_BASE = 1 }; /* accept another base of the same shapes */
/* Checks whether the adapter fits a base: base identity, unless flags have ROMA_ADAPTER_ANY_BASE, then every target's
 * role, layer and shape. EINPUT; file is the adapter's name in messages. */
int roma_adapter_check(const roma_adapter *a, const roma_description *base, const uint8_t base_id[32], unsigned flags,
                       const char *file, roma_error *err);
/* Appends a description of the adapter as text. */
void roma_adapter_print(const roma_adapter *a, roma_buf *out);

/* ---- writing ---- */

/* Where the writer gets values from: row_a fills one row of A (cols FP32 values), row_b one of B (rank values). i
 * counts the targets as the caller gave them. */
typedef struct {
    void *ctx;
    void (*row_a)(void *ctx, size_t i, uint32_t row, float *out);
    void (*row_b)(void *ctx, size_t i, uint64_t row, float *out);
} roma_adapter_source;
/* What was written. */
typedef struct {
    uint64_t bytes, data_bytes;
    uint8_t file_sha256[32];
} roma_adapter_written;
/* Writes an adapter. *a gives type, name, note, base_id and targets (role, layer, rows, cols, rank, alpha, scale) in
 * any order; of dora the factors too. The same input gives the same bytes. The file appears whole or not at all
 * (roma_outfile). progress may be NULL. EINPUT for a value that is not finite, by the name of its target, and for
 * targets that no adapter has; ECANCEL; EIO, ENOMEM. */
int roma_adapter_write(const char *path, const roma_adapter *a, const roma_adapter_source *source,
                       const roma_progress *progress, roma_adapter_written *out, roma_error *err);

/* ---- several adapters ---- */

enum { ROMA_ADAPTER_MERGED_MAX = 16 };
/* An adapter of a sum: the caller's, open, with a factor on its scale; file names it in messages. */
typedef struct {
    const roma_adapter *adapter;
    float factor;
    const char *file;
} roma_adapter_part;
/* Writes one adapter that does what n parts of one base (at most ROMA_ADAPTER_MERGED_MAX) do together, up to the
 * rounding of its codes: ranks add up. type: how B is stored, 0: as all parts have it, FP16 where they differ. name:
 * NULL is what was added up. EINPUT: parts of different bases or shapes; EUNSUPPORTED: a matrix' ranks add up to more
 * than ROMA_ADAPTER_RANK_MAX; else roma_adapter_write's. */
int roma_adapter_merge(const char *path, const roma_adapter_part *parts, size_t n, uint32_t type, const char *name,
                       const roma_progress *progress, roma_adapter_written *out, roma_error *err);

/* The changes D = scale B A of two adapters on one matrix, or on all of them together: squares of their Frobenius
 * norms, inner product, |D_a - D_b| / |D_a| and cosine. NAN: the first, or either, is 0. */
typedef struct {
    const roma_adapter_target *a, *b; /* NULL: that adapter leaves the matrix alone; both: all matrices */
    double square_a, square_b, inner, relative, cosine;
} roma_adapter_difference;
/* Calls each, which may be NULL, for every matrix of either adapter by layer and role; nonzero from it ends with
 * ECANCEL. *all is over the matrices that were compared. EINPUT, which names `file`, the second adapter's: shapes
 * differ; ENOMEM. */
int roma_adapter_compare(const roma_adapter *a, const roma_adapter *b, const char *file,
                         int (*each)(void *ctx, const roma_adapter_difference *d), void *ctx,
                         roma_adapter_difference *all, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
