/* pack - a quantised model to a ROM image. Threads: calls are re-entrant; a call runs on its caller's thread. */
#ifndef ROMA_PACK_H
#define ROMA_PACK_H

#include "roma/image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the image of a model to path, whole or not at all. Every matrix of *m is quantised (quant's work); vocab may
 * be NULL: no tokenizer. note: short printable text kept as provenance. progress may be NULL. EUSAGE for a matrix of
 * floats; errors of roma_model_check and roma_image_write. */
int roma_pack(const roma_model *m, const roma_vocab *vocab, const char *note, const char *path,
              const roma_progress *progress, roma_image_written *out, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
