/* convert - from a model file to a ROM image: the file is imported, its values are checked, float matrices are
 * quantised, everything is packed, and a report says what became of it.
 *
 * Thread rule: calls are re-entrant; a call runs on its caller's thread.
 */
#ifndef ROMA_CONVERT_H
#define ROMA_CONVERT_H

#include "roma/image.h"
#include "roma/quant.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *model;     /* a GGUF file; of one in parts the first, -00001-of-N */
    const char *image;     /* is replaced when the new one is complete, not before */
    roma_quant_kind quant; /* of float matrices */
} roma_convert_config;

typedef struct {
    roma_image_written image;
    uint8_t source_sha256[32]; /* of the model's first file, which the image's note names */
    uint64_t source_bytes;     /* of all its files */
    char *notes;               /* what was odd in the model, a line each; often "". Owned by the report */
} roma_convert_report;

/* EUNSUPPORTED for a folder, and for what import does not read; EUSAGE as roma_convert_check_output, and for float
 * matrices that nothing quantises; EDAMAGED for values that are infinite or no numbers; ECANCEL when progress, which
 * may be NULL, says so; else the errors of the files. After an error there is no new image and *report needs no
 * destroy. */
int roma_convert(const roma_convert_config *c, const roma_progress *progress, roma_convert_report *report,
                 roma_error *err);
void roma_convert_report_destroy(roma_convert_report *report);

/* EUSAGE when an output would replace a GGUF file: no model is overwritten, be it another one. */
int roma_convert_check_output(const char *path, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
