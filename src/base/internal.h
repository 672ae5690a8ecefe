/* What the files of base share among themselves and with its tests; not part of the room's face. */
#ifndef ROMA_BASE_INTERNAL_H
#define ROMA_BASE_INTERNAL_H

#include "roma/base.h"

#include <locale.h>
#include <sys/stat.h>

/* The C locale, which what is printed and read is in whatever the process has set. Not to be freed. */
locale_t roma_c_locale(void);

/* Adds one to what roma_alloc_count returns. */
void roma_base_count_alloc(void);

/* ---- the bounded heap (heap.c) ---- */

/* Bytes of a block whose memory stays, used or not; a multiple of every page's size. */
enum { ROMA_HEAP_KEPT = 8 << 20 };
/* Whether an address is in a heap's block. */
bool roma_heap_holds(const roma_heap *h, const void *p);
/* Counts a call that went to the allocator though a heap is installed. */
void roma_heap_went_outside(roma_heap *h);
/* Whether pieces, lists and counts of a heap agree; for tests. */
bool roma_heap_is_sound(roma_heap *h);
/* A heap is about to go: alloc.c knows it no longer. */
void roma_base_forget_heap(const roma_heap *h);

/* CPUs' worth of time that the control groups of this process grant, rounded up; 0: no limit. root: "", or a folder
 * that stands for / in tests. */
int roma_cpu_quota(const char *root);

#define ROMA_HUGE_PAGE ((size_t)2 << 20)
/* Anonymous memory of whole pages at an address that huge pages can back. NULL when the system refuses. */
uint8_t *roma_base_map_aligned(size_t size, int protection);

/* Read-only map of the first size bytes of an open file. NULL with errno set when the system refuses. */
const uint8_t *roma_base_map_file(int fd, uint64_t size);

/* ---- where a name that is written to leads (target.c) ---- */

enum { ROMA_TARGET_PATH = 4096 };
typedef struct {
    char path[ROMA_TARGET_PATH]; /* links followed; it may name nothing yet */
    int descriptor;              /* -1, or one of this process's own that the name stands for */
    bool exists, in_place;       /* in_place: no regular file, or a descriptor */
    struct stat st, folder;      /* of what exists; of the folder, unless in place */
} roma_target;
int roma_target_find(roma_target *t, const char *path, roma_error *err);
/* Opens what is written in place. Of a pipe a reader is waited for some seconds. */
int roma_target_open(const roma_target *t, const char *path, int *fd, roma_error *err);
const char *roma_target_name(const char *path); /* its last part */

/* ---- temporary files beside a target (temporary.c) ---- */

enum { ROMA_TEMPORARY_EXTRA = 64 }; /* bytes of a name beyond its target's */
/* Makes one and its name, which goes to entry too; -1 with errno set when the system refuses. */
int roma_temporary_open(const char *target, char *tmp, mode_t mode, roma_file *entry);
/* Takes over what a dead writer of the same target, of our user, left: its descriptor, at its end, and its bytes; -1:
 * there is none. */
int roma_temporary_adopt(const char *target, char *tmp, roma_file *entry, uint64_t *bytes);
/* Makes up the next such name of this process, cap bytes of room. */
void roma_temporary_name(const char *target, char *tmp, size_t cap);
/* Removes those of dead writers of the same target: files; or, with the names of what they hold, NULL behind the last,
 * folders. */
void roma_temporary_sweep(const char *target, const char *const names[]);

/* Makes names in the folder of a path durable; false with errno set when the system refuses. A folder that may not be
 * read, or a file system without such a thing, is no failure. */
bool roma_sync_folder(const char *path);

/* ---- the list that is in use (files.c); without one these do nothing ---- */

/* Enters a file that is mapped; its range is entered as soon as there is one. data NULL: no longer, or not at all. The
 * entry stays then, and serves the next map of the same file under the same name. */
int roma_files_maps(const char *path, const struct stat *st, roma_file **entry, roma_error *err);
void roma_files_mapped(roma_file *entry, const uint8_t *data, uint64_t size);
void roma_files_unmapped(const uint8_t *data);
/* The entry of an output that is now opened, announced before or not; NULL without a list. *fd: what was opened in
 * place when it was announced, or -1. */
int roma_files_output(const roma_target *t, const char *path, roma_file **entry, int *fd, roma_error *err);
void roma_files_output_over(roma_file *entry);
/* Enters an output that is temporary all its life: a file or an empty folder, which roma_files_remove_temporaries
 * removes. path stays where it is until roma_files_temporary(*entry, NULL). */
int roma_files_hold(const char *path, roma_file **entry, roma_error *err);
/* The name of a temporary file, which must stay where it is until another one, or NULL, takes its place. */
void roma_files_temporary(roma_file *entry, const char *name);

/* CRC-32C kernels over the raw register, that is, without the inversion at both ends. */
uint32_t roma_crc32c_raw_c(uint32_t reg, const uint8_t *p, size_t n);
uint32_t roma_crc32c_raw_sse42(uint32_t reg, const uint8_t *p, size_t n);
/* a * b modulo the polynomial, in the reflected order in which bit 31 is x^0. */
uint32_t roma_crc32c_mul(uint32_t a, uint32_t b);

/* SHA-256 kernels: n whole blocks of 64 bytes. */
extern const uint32_t roma_sha256_k[64];
void roma_sha256_blocks_c(uint32_t state[8], const uint8_t *p, size_t n);
void roma_sha256_blocks_shani(uint32_t state[8], const uint8_t *p, size_t n);
bool roma_sha256_has_shani(void);

#endif
