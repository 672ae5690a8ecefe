/* base - the ground every room stands on: errors, checked arithmetic, arenas, bounded reading,
 * mapped files, atomic output files, threads, hashes.
 *
 * Errors: functions return 0 or a negative roma code. Functions that read outside data also fill a
 * roma_error (may be NULL): what, where (file, byte offset or line), what to do. Text in it is ours,
 * never bytes of the input (names from a file pass through roma_error_name, which escapes them).
 * Thread rule: every function is re-entrant; an object belongs to one thread unless it says otherwise.
 * Preconditions of every room, unless a comment says otherwise: pointers are not NULL but for err, and for arrays of
 * which 0 elements are read; buffers have the sizes that the comment or the size query names; an object was made by its
 * create, open or init and is not destroyed or closed yet (destroying NULL, or what is all zero, does nothing);
 * enumerations and formats are those that their find, get or check gave. They are asserted where that costs nothing.
 */
#ifndef ROMA_BASE_H
#define ROMA_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors ---------------------------------------------------------------------------------- */

/* name, value, exit code of the program, sentence */
#define ROMA_ERRORS(X)                                                                                                 \
    X(OK, 0, 0, "done")                                                                                                \
    X(EINPUT, -1, 2, "bad input")                                                                                      \
    X(EUSAGE, -2, 2, "bad usage")                                                                                      \
    X(EUNSUPPORTED, -3, 2, "not supported")                                                                            \
    X(EDAMAGED, -4, 2, "damaged file")                                                                                 \
    X(ENOMEM, -5, 3, "not enough memory")                                                                              \
    X(EIO, -6, 3, "the system refused")                                                                                \
    X(ECONTEXT, -7, 2, "context is full")                                                                              \
    X(ECANCEL, -8, 130, "interrupted")                                                                                 \
    X(EINTERNAL, -9, 3, "internal fault")                                                                              \
    X(EBUSY, -10, 3, "no room now")

enum {
#define X(name, value, exitcode, text) ROMA_##name = (value),
    ROMA_ERRORS(X)
#undef X
};

#define ROMA_NOWHERE UINT64_MAX

typedef struct {
    int code;        /* one of the codes above */
    char file[256];  /* "" when no file is concerned; a long path keeps its end */
    uint64_t offset; /* byte offset in file, or ROMA_NOWHERE */
    uint64_t line;   /* line from 1, or 0 */
    char text[512];  /* one line: what is wrong and what to do */
} roma_error;

/* Fills *err (if not NULL) and returns code, so that `return roma_fail(...)` reads well. */
int roma_fail(roma_error *err, int code, const char *file, uint64_t offset, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
int roma_fail_line(roma_error *err, int code, const char *file, uint64_t line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The same for a failed system call: appends errno's text, in English whatever the locale; EIO, or ENOMEM when errno
 * says so. */
int roma_fail_errno(roma_error *err, const char *file, const char *doing);
/* The same for a file that is read and could not be opened: EINPUT when there is none. */
int roma_fail_open(roma_error *err, const char *file);
const char *roma_error_text(int code);
int roma_error_exit(int code); /* exit code of the program for a roma code */
/* "file: at byte N: text" in one line; returns buf. */
const char *roma_error_format(const roma_error *err, char *buf, size_t cap);
/* Copies n bytes of foreign text to buf as printable ASCII (others as \xNN), cut with "..." ; returns buf. */
const char *roma_error_name(char *buf, size_t cap, const char *text, size_t n);

/* ---- names that were meant -------------------------------------------------------------------- */

/* How many slips of the fingers turn a given word of n letters into a name: letters added, left out or changed, and
 * neighbours swapped; a beginning of three letters or more counts as one. UINT32_MAX: too many to have been meant, more
 * than one in a word of up to three letters, more than two in a longer one, or in words of 32 letters or more. */
unsigned roma_slips(const char *given, size_t n, const char *name);
/* The name of the list with the fewest slips, the first of equals; NULL: none may have been meant. */
const char *roma_nearest(const char *given, const char *const *names, size_t n);

/* ---- checked arithmetic: false on overflow, *out then unchanged ------------------------------ */

static inline bool roma_add(uint64_t a, uint64_t b, uint64_t *out) {
    uint64_t r;
    if (__builtin_add_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}
static inline bool roma_mul(uint64_t a, uint64_t b, uint64_t *out) {
    uint64_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}
/* align is a power of two */
static inline bool roma_round_up(uint64_t a, uint64_t align, uint64_t *out) {
    uint64_t r;
    if (!roma_add(a, align - 1, &r)) return false;
    *out = r & ~(align - 1);
    return true;
}

/* ---- little-endian loads and stores (any alignment, any host) --------------------------------- */

static inline uint16_t roma_le16(const uint8_t *p) { return (uint16_t)(p[0] | (p[1] << 8)); }
static inline uint32_t roma_le32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t roma_le64(const uint8_t *p) { return (uint64_t)roma_le32(p) | (uint64_t)roma_le32(p + 4) << 32; }
static inline void roma_put16(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}
static inline void roma_put32(uint8_t *p, uint32_t v) {
    roma_put16(p, (uint16_t)v);
    roma_put16(p + 2, (uint16_t)(v >> 16));
}
static inline void roma_put64(uint8_t *p, uint64_t v) {
    roma_put32(p, (uint32_t)v);
    roma_put32(p + 4, (uint32_t)(v >> 32));
}

/* ---- memory ----------------------------------------------------------------------------------- */

/* All heap memory of the library passes through here. A test may install failing functions before any
 * other call; NULL restores libc. roma_alloc_count counts what was given since start: alloc, resize, and
 * arenas, which come from the system. */
typedef struct {
    void *(*alloc)(size_t bytes);           /* like malloc */
    void *(*resize)(void *p, size_t bytes); /* like realloc */
    void (*release)(void *p);               /* like free */
} roma_allocator;
void roma_allocator_set(const roma_allocator *a);
uint64_t roma_alloc_count(void);
void *roma_alloc(size_t bytes);                /* NULL on failure or bytes == 0 */
void *roma_alloc_array(size_t n, size_t size); /* zeroed; NULL on overflow */
void *roma_resize(void *p, size_t bytes);
void roma_free(void *p);

/* Arena: one block taken once, handed out in 64-byte aligned pieces, freed as a whole.
 * bytes is rounded up to whole pages, mapped with huge pages advised and touched, so that a host that
 * lacks the memory refuses here and not later. */
typedef struct {
    uint8_t *base;
    size_t size, used;
} roma_arena;
int roma_arena_create(roma_arena *a, size_t bytes, roma_error *err);
void roma_arena_destroy(roma_arena *a);
/* Zeroed piece; NULL when the arena is too small (a fault of the size query, asserted by callers). */
void *roma_arena_take(roma_arena *a, size_t bytes);
/* Size query helper: bytes that roma_arena_take(bytes) uses. */
static inline size_t roma_arena_piece(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* Growing byte buffer, for building output. A failed append sets .failed and keeps the rest valid. */
typedef struct {
    uint8_t *data;
    size_t len, cap;
    bool failed;
} roma_buf;
void roma_buf_append(roma_buf *b, const void *data, size_t n);
void roma_buf_print(roma_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void roma_buf_le16(roma_buf *b, uint16_t v);
void roma_buf_le32(roma_buf *b, uint32_t v);
void roma_buf_le64(roma_buf *b, uint64_t v);
void roma_buf_destroy(roma_buf *b);

/* ---- numbers as text: the same under every locale ----------------------------------------------- */

enum { ROMA_REAL_CAP = 32 };
/* v as C's "%.<digits>g" writes it, digits 1..17; digits 0: the shortest text that reads back as v, of at least 15
 * digits where they are needed. "nan", "inf", "-inf". Returns buf. */
const char *roma_real_print(char buf[ROMA_REAL_CAP], double v, int digits);
/* The double nearest to a decimal number of any length: sign, digits with a point, exponent, and nothing else (no
 * blanks, hexadecimals, words). False, and *out as it was: it is none, or beyond the largest double. */
bool roma_real_read(const char *text, size_t n, double *out);
/* Bytes of the well-formed UTF-8 character at s, of which n bytes are left; 0: none begins there. */
size_t roma_utf8(const void *s, size_t n);
/* snprintf and vsnprintf with the C locale's point. */
int roma_print(char *buf, size_t cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int roma_vprint(char *buf, size_t cap, const char *fmt, va_list args) __attribute__((format(printf, 3, 0)));

/* ---- bounded reader: the only way file bytes are walked --------------------------------------- */

/* Little-endian cursor over [data, data+size). The first failed read sets .failed (and keeps .pos there);
 * every later read returns 0 / NULL, so that a caller may check once after a group of reads. */
typedef struct {
    const uint8_t *data;
    uint64_t size, pos;
    uint64_t origin; /* added to pos when an offset is reported */
    bool failed;
} roma_reader;
void roma_reader_init(roma_reader *r, const void *data, uint64_t size, uint64_t origin);
uint8_t roma_read_u8(roma_reader *r);
uint32_t roma_read_u32(roma_reader *r);
uint64_t roma_read_u64(roma_reader *r);
float roma_read_f32(roma_reader *r);
const uint8_t *roma_read_bytes(roma_reader *r, uint64_t n); /* NULL when fewer are left */
static inline uint64_t roma_reader_left(const roma_reader *r) { return r->size - r->pos; }

/* ---- files ------------------------------------------------------------------------------------- */

/* Read-only mapping of a whole regular file. The file must not be cut short while it is mapped: the system answers a
 * touch behind its new end with SIGBUS, on the thread that touches, which no library can turn into an error. A program
 * that wants to say so keeps a list of its files and asks roma_files_at from a handler of its own, as
 * tools/roma/signals.c does; a file that others may change is better copied first. That holds for images and adapters
 * while they are open, and for GGUF, PEFT and chip files while they are read. */
typedef struct {
    const uint8_t *data;
    uint64_t size;
    char *path; /* owned copy */
} roma_map;
int roma_map_open(roma_map *m, const char *path, roma_error *err);
void roma_map_close(roma_map *m);
void roma_map_advise_huge(const roma_map *m);
/* The first n bytes of a file, to see what it is: how many there were; 0 of what is no regular file or cannot be read.
 */
size_t roma_file_head(const char *path, void *out, size_t n);

/* A program's list of the files that it reads and writes, so that no output takes the place of what is read, or of
 * another output. Files are the same by device and inode, whatever their names; an output that is not there yet by its
 * folder and name. Who comes second is refused (EUSAGE), be it the input or the output: so outputs that are announced
 * before anything is read cost no work. While a list is in use, roma_map_open and roma_outfile_open keep it; what else
 * is read must be entered. Inputs stay on the list after they were closed, outputs until they were written.
 * The library has no list and then checks nothing. A zeroed list is empty; it lives as long as the process.
 * Thread rule: inputs may be opened by any thread, outputs are announced and opened by one at a time. */
typedef struct roma_file roma_file;
typedef struct {
    roma_file *first; /* loaded and stored atomically */
} roma_files;
void roma_files_use(roma_files *list); /* before any other call, like roma_allocator_set */
/* Enters an open file that is read; path is for the message. Devices are never refused. */
int roma_files_reads(const char *path, int fd, roma_error *err);
/* Enters a standard stream that is a file: no output may be the same, and no input that is mapped. */
int roma_files_stream(const char *name, int fd, roma_error *err);
/* Announces an output. It must be possible, as far as one can see beforehand; a device or pipe is opened. */
int roma_files_writes(const char *path, roma_error *err);
/* For signal handlers. The name of the file that is mapped at an address, or NULL; size: its bytes when mapped. */
const char *roma_files_at(const void *address, uint64_t *size);
void roma_files_remove_temporaries(void);

/* File that appears under its name whole or not at all: written as a temporary name beside it, then
 * fsync, rename, fsync of the folder. abort removes the temporary file, and so does the system's refusal of a
 * write, patch or commit: the file is then given up.
 *
 * A symbolic link stays, and what it leads to is written, there before or not. A file that is replaced hands on its
 * mode, and its owner where that is allowed; a new one has 0666 less the umask. One that is write-protected is refused,
 * and so is a folder. Temporaries of the same name whose writer, a process of this host, is dead are removed.
 *
 * A device, a pipe, a socket, and a descriptor of this process (/dev/stdout) are written in place: bytes go out as the
 * buffer fills. Nobody needs to read a pipe yet: a reader is waited for five seconds. What must be patched or mapped
 * is first kept in a file without a name, see roma_outfile_keep. */
typedef struct {
    int fd, device;            /* device: what a kept file goes to, else -1 */
    uint64_t bytes;            /* written so far */
    char *path, *target, *tmp; /* as given; links followed; temporary, NULL in place */
    uint8_t *buf;
    size_t buf_len;
    roma_file *entry;
} roma_outfile;
int roma_outfile_open(roma_outfile *f, const char *path, roma_error *err);
/* Before the first write: what is written in place goes out with commit and not before. */
int roma_outfile_keep(roma_outfile *f, roma_error *err);
int roma_outfile_write(roma_outfile *f, const void *data, size_t n, roma_error *err);
/* Overwrites n bytes at offset (all of them written before). In place: kept files only. */
int roma_outfile_patch(roma_outfile *f, uint64_t offset, const void *data, size_t n, roma_error *err);
/* Maps what was written so far, to be read until the next write. In place: kept files only. */
int roma_outfile_map(roma_outfile *f, roma_map *m, roma_error *err);
int roma_outfile_commit(roma_outfile *f, roma_error *err);
void roma_outfile_abort(roma_outfile *f);

/* ---- progress: long work calls back; nonzero from the callback cancels (ROMA_ECANCEL) --------- */

typedef int (*roma_progress_fn)(void *ctx, const char *what, uint64_t done, uint64_t total);
typedef struct {
    roma_progress_fn fn; /* may be NULL */
    void *ctx;
} roma_progress;
static inline int roma_progress_tell(const roma_progress *p, const char *what, uint64_t done, uint64_t total) {
    return p && p->fn && p->fn(p->ctx, what, done, total) ? ROMA_ECANCEL : ROMA_OK;
}

/* ---- threads ----------------------------------------------------------------------------------- */

/* A fixed team. roma_team_run calls fn(ctx, thread, threads) on every member, the caller being thread 0,
 * and returns when all are done. Nothing is allocated per run. Inside fn roma_team_barrier waits for all
 * members; members spin briefly, then sleep, so that a loaded machine still makes progress. */
typedef struct roma_team roma_team;
int roma_team_create(roma_team **team, int threads, roma_error *err); /* 1..64 */
void roma_team_destroy(roma_team *team);
/* Binds each member to one CPU of those that the caller may use, the caller too, until the team is destroyed, which
 * must be by that caller. */
int roma_team_pin(roma_team *team, roma_error *err);
int roma_team_threads(const roma_team *team);
typedef void (*roma_team_fn)(void *ctx, int thread, int threads);
void roma_team_run(roma_team *team, roma_team_fn fn, void *ctx);
void roma_team_barrier(roma_team *team);
int roma_cpu_count(void); /* CPUs this process may use */
/* [*begin, *end): share of `n` items of thread `thread`, contiguous, sizes differ by at most one. */
void roma_share(size_t n, int thread, int threads, size_t *begin, size_t *end);

/* ---- hashes ------------------------------------------------------------------------------------- */

uint32_t roma_crc32c(uint32_t crc, const void *data, size_t n); /* start with 0; RFC 3720 polynomial */
/* CRC of two joined pieces from their CRCs and the second's length, so that pieces may run in threads. */
uint32_t roma_crc32c_join(uint32_t a, uint32_t b, uint64_t b_len);

typedef struct {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
} roma_sha256; /* FIPS 180-4 */
void roma_sha256_init(roma_sha256 *h);
void roma_sha256_update(roma_sha256 *h, const void *data, size_t n);
/* roma_sha256_update of much data in pieces, after each of which progress is told how much of n is done; ROMA_ECANCEL
 * when it says so. */
int roma_sha256_update_told(roma_sha256 *h, const void *data, uint64_t n, const roma_progress *progress,
                            const char *what);
void roma_sha256_final(roma_sha256 *h, uint8_t out[32]);
void roma_hex(char *out, const uint8_t *bytes, size_t n); /* 2n+1 characters */

uint64_t roma_hash64(const void *data, size_t n); /* table hashing; not stable between versions */

/* Counter-based generator: the same (key, counter) gives the same value, everywhere, in any order.
 * SplitMix64's finaliser over a keyed counter (Steele, Lea, Flood 2014). */
uint64_t roma_random(uint64_t key, uint64_t counter);

double roma_now(void); /* seconds; never less than before, on whatever thread */
/* n in so many seconds, as a rate; 0 where no time could be measured. */
static inline double roma_rate(double n, double seconds) { return seconds > 0 ? n / seconds : 0; }

#ifdef __cplusplus
}
#endif
#endif
