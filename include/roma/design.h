/* design - a model on a chip, without weights: what sim, fit, explore and study start from.
 *
 * The model is an image or a shape; the chip is a file or a built-in one, with overrides; the
 * placement joins model and chip. Errands include this room and not each other. Threads: an open design is read-only
 * and may be read by any number of threads.
 */
#ifndef ROMA_DESIGN_H
#define ROMA_DESIGN_H

#include "roma/map.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ROMA_DESIGN_DIES_MAX 1024

/* What a design is opened with. The caller owns the texts, which are needed during the call alone. */
typedef struct {
    const char *shape;        /* a shape, as roma_shape_read takes one, or NULL */
    const char *image;        /* the path of an image, or NULL: one of the two is given */
    roma_shape_format format; /* of the shape; 0: its own. All 0 with an image, which has its own */
    const char *chip;         /* a file, or a built-in chip's name; NULL: roma */
    const roma_chip *made;    /* instead of a name: a chip that is there already, which is copied; NULL: none */
    const char *const *set;   /* overrides of the chip, KEY=VALUE as roma_chip_set takes them; n_set of them */
    size_t n_set;
    uint32_t dies;  /* of a layer pipeline, at most ROMA_DESIGN_DIES_MAX; 0: one */
    const char *kv; /* name of the cache's format (roma_kv_names); NULL: "int8" */
} roma_design_config;

/* An open design: the caller's structure, ended by roma_design_close; it must not move while it is open. */
typedef struct {
    roma_description shape;       /* owned, if the model is one */
    roma_image image;             /* owned, if the model is one: open, its checksums not looked at */
    const roma_description *desc; /* one of the two's */
    roma_plan plan;               /* of desc */
    roma_placement place;         /* of plan and chip, which it carries */
    bool has_shape, has_image, has_plan;
} roma_design;

/* What a user calls a model: a shape, in one of the ways of roma_shape_read, or the path of an image. A known shape's
 * name is that shape. Otherwise the name of a file that is there, and a name with a slash but without '=' before it, is
 * a path: of a shape where roma_shape_is_config, else of an image. Every other name is taken for a shape's, and
 * roma_shape_read refuses what is none. Sets one of *shape and *image to name, the other to NULL. */
void roma_design_name(const char *name, const char **shape, const char **image);
/* The cache's format of a name. EUSAGE where there is none such. */
int roma_design_kv(roma_kv *out, const char *name, roma_error *err);
/* Makes the chip of a configuration, with the overrides in their order, checked as a whole; the model is not looked at.
 * Errors are those of roma_chip_open, roma_chip_set and roma_chip_check. */
int roma_design_chip(roma_chip *chip, const roma_design_config *c, roma_error *err);
/* Opens a design. EUSAGE: neither shape nor image, both, an image with a format, too many dies, or no name of a cache's
 * format; else the errors of roma_design_chip, roma_shape_describe, roma_image_open, roma_map_plan and roma_map_place.
 * After an error *d is empty.
 */
int roma_design_open(roma_design *d, const roma_design_config *c, roma_error *err);
/* Empties the design. One that is all zero, or was closed, may be closed again. */
void roma_design_close(roma_design *d);
/* Bytes of a step's activations as the engine has them, whose vector units hold what they can (docs/memory.md): of
 * `rows` rows, or where these are 0 of as few as the engine goes down to with so many sequences, one row each. Steps
 * have ROMA_EXEC_ROWS_MAX rows at most. */
uint64_t roma_design_activations(const roma_plan *p, uint32_t rows, uint32_t sequences);
/* Size of a design's model: weights that a decoded token multiplies, and the bytes that these weights take. */
void roma_design_size(const roma_design *d, double *weights, double *bytes);

#ifdef __cplusplus
}
#endif
#endif
