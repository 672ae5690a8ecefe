/* pack - a quantised model to a ROM image. Threads: calls are re-entrant; a call runs on its caller's thread and on the
 * team that it is given. */
#ifndef ROMA_PACK_H
#define ROMA_PACK_H

#include "roma/image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What rounding cost a matrix: sums over its weights, in double, tile after tile, so that threads change nothing. */
typedef struct {
    bool rounded;         /* quant made its codes; else the others are 0 */
    double error, weight; /* sum of squared differences; of squared weights */
    double most;          /* the largest difference */
} roma_pack_loss;

/* How an image is written, apart from what stands in it. All zero will do. */
typedef struct {
    roma_team *team;      /* makes tiles; NULL: the caller's thread does */
    roma_pack_loss *loss; /* of each tensor of the model, the caller's; NULL: nobody asks */
    const char *(*report)(void *ctx, const roma_description *d); /* roma_tile_source.report; NULL: none */
    void *ctx;
    uint8_t job[32]; /* roma_tile_source.job and resume */
    bool resume;
} roma_pack_options;

/* What stands in the image of a model, before anything is written: *d borrows from *m; the caller frees d->tensors with
 * roma_free, after an error too. EUSAGE for a matrix of floats, ENOMEM. */
int roma_pack_describe(roma_description *d, const roma_model *m, roma_error *err);

/* Writes the image of a model to path, whole or not at all. Every matrix of *m is quantised (quant's work); vocab may
 * be NULL: no tokenizer. note: short printable text kept as provenance. how and progress may be NULL. EUSAGE for a
 * matrix of floats; errors of roma_model_check and roma_image_write. */
int roma_pack(const roma_model *m, const roma_vocab *vocab, const char *note, const char *path,
              const roma_pack_options *how, const roma_progress *progress, roma_image_written *out, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
