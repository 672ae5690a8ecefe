/* convert - from a model file to a ROM image: the file is imported, its values are checked, float matrices are
 * quantised, everything is packed, and a report says what became of it. A matrix at a time: memory is bounded by a few
 * MiB and the tokenizer, however large the model.
 *
 * Thread rule: calls are re-entrant; a call runs on its caller's thread and on a team of its own.
 */
#ifndef ROMA_CONVERT_H
#define ROMA_CONVERT_H

#include "roma/image.h"
#include "roma/quant.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *model;  /* a GGUF file, of one in parts the first, -00001-of-N; or a Hugging Face folder */
    const char *image;  /* the output, replaced when the new image is complete and not before */
    roma_quant quant;   /* how float matrices become codes, and levels of 4-bit checkpoints with a map (NF4, FP4),
                         * 0: ROMA_FINE_MAX. Methods NONE: a folder's float matrices are rounded to 8 bits */
    bool is_short;      /* quant is for what floats there are; else layers without a float matrix are refused */
    const char *pre;    /* pre-tokenizer where the file names none (roma_import_open_pre); NULL: it must */
    const char *sha256; /* 64 hexadecimal digits that the model's first file must have; NULL: any */
    int threads;        /* 1 to 64; 0: all CPUs */
    const char *chip;   /* a chip, file or built-in name, whose ROM must hold the model on one die; NULL: any */
    const char *calib;  /* a text on which file and image are evaluated in FP32; NULL: none */
    bool kl;            /* how far the image's predictions are from the file's is measured, whatever it takes */
    bool resume;        /* what a killed run of the same conversion left is taken up */
} roma_convert_config;

/* Mean KL(file || image) in nats over so many tokens of a text of ours, both sides in FP32 (no engine takes part), and
 * its standard error. tokens 0: not measured. */
typedef struct {
    uint32_t tokens;
    double mean, error;
} roma_convert_kl;

/* Models of so many weights are compared without being asked where a 4-bit checkpoint's matrices get another form: it
 * takes about as long as the rest. */
#define ROMA_CONVERT_KL_WEIGHTS 2000000000u

/* Perplexity of file and image on a text, both in FP32, over so many scored positions (roma/eval.h: windows of 512
 * tokens, or one of a shorter text). scored 0: not measured. */
typedef struct {
    uint64_t scored;
    double before, after;
} roma_convert_perplexity;

/* What became of a conversion. */
typedef struct {
    roma_image_written image;
    uint8_t source_sha256[32]; /* as roma_import_hash has it; the image's note names it */
    uint64_t source_bytes;     /* bytes of all the model's files */
    roma_convert_kl form, all; /* what the form of a 4-bit checkpoint's matrices changes; with roundings. With
                                * config's kl, all of no tokens: the image's values are the file's, KL 0 */
    roma_convert_perplexity perplexity;
    size_t rounded; /* matrices that were in floating point */
    char *notes;    /* what was odd in the model, a line each; often "". Owned by the report */
    char *text;     /* source, method, what rounding cost each layer, which built-in chips' ROM holds
                     * the model: as the image has it; owned too */
} roma_convert_report;

/* Converts a model file to an image. EUNSUPPORTED for what import does not read; EDAMAGED for another SHA-256 than
 * c->sha256, EUSAGE for one that is none; EUSAGE as roma_convert_check_output, of roma_quantise_model, and for a
 * method for layers that have no float matrix, for a model that config's chip does not hold, or levels where no matrix
 * is NF4 or FP4; EDAMAGED for values that are infinite or no numbers; ECANCEL when progress, which may be NULL, says
 * so; else the errors of the files. *report is the caller's, ended by roma_convert_report_destroy; after an error there
 * is no new image and nothing to destroy. */
int roma_convert(const roma_convert_config *c, const roma_progress *progress, roma_convert_report *report,
                 roma_error *err);
void roma_convert_report_destroy(roma_convert_report *report);

/* Checks where an output goes: EUSAGE for a GGUF file, since no model is overwritten, not even another one. */
int roma_convert_check_output(const char *path, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
