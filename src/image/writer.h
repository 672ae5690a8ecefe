/* What the two files that write an image share: write.c lays everything out, stream.c brings it to the file. */
#ifndef ROMA_IMAGE_WRITER_H
#define ROMA_IMAGE_WRITER_H

#include "image/internal.h"

#define IMAGE_BATCH ((size_t)4 << 20) /* bytes of tiles that a team makes at a time, at least one tile */

typedef struct {
    roma_outfile out;
    const char *path;
    roma_error *err;
    const roma_progress *progress;
    const roma_tile_source *source;
    roma_description desc;      /* in order of execution; tensors owned */
    size_t *from;               /* index of each tensor in the caller's description */
    roma_buf part[IMAGE_KNOWN]; /* content of the sections; DATA's stays empty, REPT's comes at the end */
    roma_section section[IMAGE_KNOWN];
    unsigned n_sections;
    uint8_t *block, *raw_block; /* a batch of tiles or a vector, 64-byte aligned; its allocation */
    size_t block_bytes;
    uint64_t at; /* of the file: what is written, and what stands there from an earlier run */
    uint64_t told;
    uint8_t job[32]; /* the caller's, with all that is laid out */
    bool has_job;
    uint64_t kept;     /* bytes of an earlier run that hold */
    uint32_t kept_crc; /* of DATA up to there */
    uint64_t saved;    /* bytes of the last record */
} image_writer;

/* Takes up an earlier run of the same job, or nothing: w->kept. */
int roma_image_resume(image_writer *w);
/* All sections, without header and table. */
int roma_image_stream(image_writer *w, uint8_t base_id[32]);

#endif
