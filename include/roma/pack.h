/* pack - a quantised model to a ROM image. */
#ifndef ROMA_PACK_H
#define ROMA_PACK_H

#include "roma/image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every matrix of m must be quantised (quant's work); vocab may be NULL. */
int roma_pack(const roma_model *m, const roma_vocab *vocab, const char *note, const char *path,
              const roma_progress *progress, roma_image_written *out, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
