/* adapter - a LoRA adapter as it lies in SRAM: byte format (docs/adapter-format.md), writer, mapped reader, checks.
 *
 * An adapter changes some matrices W of one base model: W x becomes W x + scale * B (A x), A being rank x cols and B
 * rows x rank. A is a tile matrix of signed bytes, so that the kernels which multiply the base multiply it too, fed the
 * same quantised activations; a scale per row stands beside the tiles. B lies in tiles of 16 output rows, pairs of
 * inputs side by side, so that sums never cross lanes. Thread rule: an open adapter is read-only and may be read by any
 * number of threads.
 */
#ifndef ROMA_ADAPTER_H
#define ROMA_ADAPTER_H

#include "roma/image.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ROMA_ADAPTER_RANK_MAX 512 /* 512 * 127 * 32767 fits in int32: B (A x) is exact there */
#define ROMA_ADAPTER_ALPHA_MAX 1e6f
#define ROMA_ADAPTER_NOTE_MAX 511

/* How B is stored: name, value, text, bytes of a code */
#define ROMA_ADAPTER_TYPES(X) X(INT8, 1, "int8", 1) X(FP8, 2, "fp8", 1) X(F16, 3, "f16", 2)
typedef enum {
#define X(name, value, text, bytes) ROMA_ADAPTER_##name = (value),
    ROMA_ADAPTER_TYPES(X)
#undef X
} roma_adapter_type;
const char *roma_adapter_type_name(uint32_t type); /* NULL when unknown */
uint32_t roma_adapter_type_find(const char *name); /* 0 when unknown */

/* One changed matrix. The pointers are NULL in a description without data. */
typedef struct {
    uint32_t role, layer;   /* of the base's matrix: q k v o gate up down */
    uint64_t rows, cols;    /* its shape */
    uint32_t rank;          /* 1..512 */
    float alpha, scale;     /* scale: alpha / rank, or alpha / sqrt(rank) */
    uint64_t offset, bytes; /* of its data in the file */
    const uint8_t *a;       /* ceil(rank / 16) tiles of roma_adapter_format(cols); every scale in them is 1 */
    const float *a_scale;   /* one per row of A, padded to whole tiles with 0 */
    const float *b_scale;   /* one per row of B, padded to whole tiles with 0 */
    const uint8_t
        *b; /* ceil(rows / 16) tiles: code [tile][input / 2][row % 16][input % 2], rank padded to even with 0 */
} roma_adapter_target;

typedef struct {
    roma_map map;
    uint32_t type;                /* roma_adapter_type */
    uint32_t rank;                /* the largest of any target */
    char name[128], note[512];    /* printable ASCII */
    uint8_t base_id[32];          /* base identity of the image it was made for */
    uint8_t file_sha256[32];      /* as stated in the file */
    roma_adapter_target *targets; /* ascending by layer, then role */
    size_t n_targets;
    const uint8_t *data; /* all targets' data in one piece, 64-byte aligned: what SRAM holds */
    uint64_t data_bytes;
    void *owned;
} roma_adapter;

/* Whether matrices of this role can have an adapter. */
bool roma_adapter_role(uint32_t role);
/* The target of a matrix, or NULL. */
const roma_adapter_target *roma_adapter_find(const roma_adapter *a, uint32_t role, uint32_t layer);

/* ---- where things lie ---- */

/* Format of A's tiles: signed bytes, FP16 scales of 1 per largest group of 256, 128, 64 or 32 that divides the row. */
roma_format roma_adapter_format(uint64_t cols);
/* Bytes from the start of a target's data; all are multiples of 32, a, a_scale, b_scale, b of 64. */
typedef struct {
    size_t a, a_scale, b_scale, b, bytes;
    size_t a_tile_bytes, b_tile_bytes;
    size_t a_tiles, b_tiles;
} roma_adapter_layout;
void roma_adapter_layout_get(uint32_t type, const roma_adapter_target *t, roma_adapter_layout *out);
/* data_bytes of an adapter of one rank on every matrix of the base whose role is in `roles` (bit r: role r; 0: all that
 * can have one). */
uint64_t roma_adapter_bytes(const roma_description *base, uint32_t type, uint32_t rank, uint32_t roles);

/* ---- values ---- */

/* FP32 of one row of A (cols values) / of B (rank values), without target's scale. */
void roma_adapter_row_a(const roma_adapter_target *t, uint32_t row, float *out);
void roma_adapter_row_b(uint32_t type, const roma_adapter_target *t, uint64_t row, float *out);

/* ---- files ---- */

enum { ROMA_ADAPTER_NO_VERIFY = 1 }; /* skip CRCs and the look at every scale (the structure is always checked) */
int roma_adapter_open(roma_adapter *a, const char *path, unsigned flags, roma_error *err);
/* Bytes in memory, 64-byte aligned, that outlive a. */
int roma_adapter_open_memory(roma_adapter *a, const void *data, uint64_t size, unsigned flags, roma_error *err);
void roma_adapter_close(roma_adapter *a);
bool roma_adapter_is(const void *data, size_t n); /* the first bytes are an adapter's; n >= 8 */
/* All checks: also the file's SHA-256 and the zeros that fill up. */
int roma_adapter_verify(const char *path, const roma_progress *progress, roma_error *err);

enum { ROMA_ADAPTER_ANY_BASE = 1 }; /* accept another base of the same shapes */
/* Whether the adapter fits: base identity, then every target's role, layer and shape. file names the adapter in
 * messages. */
int roma_adapter_check(const roma_adapter *a, const roma_description *base, const uint8_t base_id[32], unsigned flags,
                       const char *file, roma_error *err);
void roma_adapter_print(const roma_adapter *a, roma_buf *out);

/* ---- writing ---- */

/* Where the writer gets values from: one row of A (cols values), one of B (rank values). i counts a's targets as given.
 */
typedef struct {
    void *ctx;
    void (*row_a)(void *ctx, size_t i, uint32_t row, float *out);
    void (*row_b)(void *ctx, size_t i, uint64_t row, float *out);
} roma_adapter_source;
typedef struct {
    uint64_t bytes, data_bytes;
    uint8_t file_sha256[32];
} roma_adapter_written;
/* a gives type, name, note, base_id and targets (role, layer, rows, cols, rank, alpha, scale) in any order. The same
 * input gives the same bytes. A value that is not finite is refused by the name of its target. */
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
