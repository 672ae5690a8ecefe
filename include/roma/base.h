/* base - the ground that every room stands on: errors, names that were meant, checked arithmetic, memory, numbers as
 * text, bounded reading, mapped files, atomic output files, progress, threads, hashes.
 *
 * Errors: a function that can fail returns 0 (ROMA_OK) or a negative code of ROMA_ERRORS. One that reads outside data
 * also fills a roma_error (the caller's, may be NULL): what is wrong, where (file, byte offset or line), what to do.
 * Its text is ours, never bytes of the input: names out of a file pass through roma_error_name, which escapes them.
 * Comments name a code without its ROMA_ prefix.
 *
 * Threads: every function is re-entrant; an object belongs to one thread at a time unless its comment says otherwise.
 *
 * Preconditions of every room, unless a comment says otherwise: pointers are not NULL, except err, and arrays of which
 * 0 elements are read; buffers have the sizes that the comment or the size query names; an object was made by its
 * create, open or init and is not destroyed or closed yet (destroying NULL, or what is all zero, does nothing);
 * enumerations and formats are those that their find, get or check gave. Preconditions are asserted where that costs
 * nothing. */
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

/* Every code of failure: name, value, the program's exit code, sentence. */
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

/* The offset of an error that is at no byte of a file. */
#define ROMA_NOWHERE UINT64_MAX

/* One failure: its code, its place, and a line for the user. */
typedef struct {
    int code;        /* one of the codes above */
    char file[256];  /* "" when no file is concerned; a long path keeps its end */
    uint64_t offset; /* byte offset in file, or ROMA_NOWHERE */
    uint64_t line;   /* line from 1, or 0 */
    char text[512];  /* one line: what is wrong and what to do */
} roma_error;

/* Fills *err (if not NULL) at a byte offset of a file and returns code, so that `return roma_fail(...)` reads well.
 * file "" or NULL: none. */
int roma_fail(roma_error *err, int code, const char *file, uint64_t offset, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* As roma_fail, at a line of a file, counted from 1. */
int roma_fail_line(roma_error *err, int code, const char *file, uint64_t line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* As roma_fail for a failed system call, whose errno's text is appended, in English whatever the locale. Returns EIO,
 * or ENOMEM when errno says so. */
int roma_fail_errno(roma_error *err, const char *file, const char *doing);
/* As roma_fail_errno for a file that is read and could not be opened: EINPUT when there is none. */
int roma_fail_open(roma_error *err, const char *file);
/* The sentence of a code, static. */
const char *roma_error_text(int code);
/* Exit code of the program for a code. */
int roma_error_exit(int code);
/* A path as an error's file: itself, or '' where it is empty, which would be no file. */
const char *roma_path_shown(const char *path);
/* Writes "file: at byte N: text" in one line to buf (cap bytes, cut to fit); returns buf. */
const char *roma_error_format(const roma_error *err, char *buf, size_t cap);
/* Writes n bytes of foreign text to buf (cap bytes) as printable ASCII, other bytes as \xNN, cut with "..."; returns
 * buf. */
const char *roma_error_name(char *buf, size_t cap, const char *text, size_t n);

/* ---- names that were meant -------------------------------------------------------------------- */

/* Number of slips of the fingers that turn a given word of n letters into a name: letters added, left out or changed,
 * and neighbours swapped; a given beginning of three letters or more counts as one slip. UINT32_MAX: too many to have
 * been meant, which are more than one in a word of up to three letters, more than two in a longer word, and any in
 * words of 32 letters or more. */
unsigned roma_slips(const char *given, size_t n, const char *name);
/* Sorts n elements of `size` bytes into ascending order, in place: a heapsort, which takes no memory (qsort may ask
 * libc for it) and has no bad case. Equal elements keep no order. compare as qsort's, with a context. */
void roma_sort(void *base, size_t n, size_t size, int (*compare)(const void *a, const void *b, void *ctx), void *ctx);

/* The name of a list of n with the fewest slips from the given word, the first of equals; NULL: none may have been
 * meant. The list's. */
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
/* The least multiple of align, a power of two, that is not below a. */
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

/* The three functions that all heap memory of the library comes from. roma_allocator_set may replace them, for tests,
 * before any other call; NULL restores libc's. */
typedef struct {
    void *(*alloc)(size_t bytes);           /* like malloc */
    void *(*resize)(void *p, size_t bytes); /* like realloc */
    void (*release)(void *p);               /* like free */
} roma_allocator;
void roma_allocator_set(const roma_allocator *a);
/* Number of pieces given since the process began: by alloc, by resize, and arenas, which come from the system. Any
 * thread may ask. */
uint64_t roma_alloc_count(void);
void *roma_alloc(size_t bytes);                /* bytes as malloc gives them; NULL on failure or for 0 */
void *roma_alloc_array(size_t n, size_t size); /* n zeroed elements of `size` bytes; NULL on failure or overflow */
void *roma_resize(void *p, size_t bytes);      /* as realloc; NULL on failure, p then as before */
void roma_free(void *p);                       /* as free */
/* Room for one item more behind the n of an array that has room for *cap, items of `bytes` each: the array doubles,
 * from 16 items. `array` is the address of the pointer to it, which is NULL at first; the array is roma_free's. false:
 * no memory, or more than a size_t counts; array and *cap are then as before. ROMA_GROW knows the size of the items. */
bool roma_grow(void *array, size_t n, size_t *cap, size_t bytes);
#define ROMA_GROW(array, n, cap) roma_grow((array), (n), (cap), sizeof **(array))

/* A bounded heap: one block that is taken once, pieces of which are given and taken back in constant time, by any
 * thread. What the block cannot hold is refused. roma_heap_install makes one the source of roma_alloc and its like. */
typedef struct roma_heap roma_heap;
/* Takes a block of `bytes`, all included, as roma_arena_create does: ENOMEM; EUSAGE below 64 KiB. What lies beyond its
 * first 8 MiB is the host's until a piece needs it. *h is the caller's; roma_heap_destroy ends it when it is empty. */
int roma_heap_create(roma_heap **h, uint64_t bytes, roma_error *err);
void roma_heap_destroy(roma_heap *h);
/* As malloc, realloc and free: 16-byte aligned; NULL for 0 bytes and when there is no room, what was given then stays.
 */
void *roma_heap_alloc(roma_heap *h, size_t bytes);
void *roma_heap_resize(roma_heap *h, void *p, size_t bytes);
void roma_heap_free(roma_heap *h, void *p);
/* From now on roma_alloc, roma_alloc_array and roma_resize of NULL take from this heap alone; h NULL: from the
 * allocator again. roma_free and roma_resize know by its address where a piece came from: what was there before may be
 * freed after, and grows where it came from. Any thread; one heap at a time, which is known until it is destroyed and
 * no longer gives by then. */
void roma_heap_install(roma_heap *h);
/* What a heap holds: bytes of the block, of pieces in use with their bookkeeping, and the most that these were; the
 * largest piece that could be given; pieces; how often there was no room; bookkeeping, of the whole and of each piece.
 */
typedef struct {
    uint64_t size, used, most, largest, pieces, refused;
    uint64_t own, own_piece;
    uint64_t outside; /* since the heap was installed: calls that went to the allocator all the same, but for frees */
} roma_heap_state;
void roma_heap_look(roma_heap *h, roma_heap_state *out);

/* Arena: one block of memory that is taken once, handed out in 64-byte aligned pieces, and freed as a whole. The owner
 * ends it with roma_arena_destroy. */
typedef struct {
    uint8_t *base;
    size_t size, used;
} roma_arena;
/* Takes `bytes` bytes, rounded up to whole pages, huge pages advised, and touches them, so that a host that lacks the
 * memory refuses here and not later: ENOMEM. */
int roma_arena_create(roma_arena *a, size_t bytes, roma_error *err);
/* As roma_arena_create, each thread of a team touching a part; NULL: the caller alone. */
typedef struct roma_team roma_team;
int roma_arena_create_by(roma_arena *a, size_t bytes, roma_team *team, roma_error *err);
void roma_arena_destroy(roma_arena *a);
/* The next zeroed piece of `bytes` bytes, the arena's; NULL when the arena is too small, which is a fault of the size
 * query and asserted by callers. */
void *roma_arena_take(roma_arena *a, size_t bytes);
/* Bytes of the arena that roma_arena_take(bytes) uses, for size queries. */
static inline size_t roma_arena_piece(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* Growing byte buffer, for building output; all zero is an empty one. An append without memory sets .failed, and what
 * is there stays valid. The owner ends it with roma_buf_destroy. */
typedef struct {
    uint8_t *data;
    size_t len, cap;
    bool failed;
} roma_buf;
/* Appends n bytes; the text of a format, as roma_print has it; little-endian numbers. */
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
/* Reads the double nearest to a decimal number of n characters, any length: sign, digits with a point, exponent, and
 * nothing else (no blanks, hexadecimals, words). False, and *out as before: the text is no such number, or beyond the
 * largest double. */
bool roma_real_read(const char *text, size_t n, double *out);
/* Length in bytes of the well-formed UTF-8 character at s, of which n bytes are left; 0: none begins there. */
size_t roma_utf8(const void *s, size_t n);
/* Characters in n bytes of UTF-8, by their first bytes. */
size_t roma_characters(const void *s, size_t n);
/* Where byte `at` of a text stands, for messages: its line and its column, in characters, both counted from 1. */
void roma_position(const char *text, size_t at, uint64_t *line, uint64_t *column);
/* snprintf and vsnprintf with the C locale's point, whatever the process's locale. */
int roma_print(char *buf, size_t cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int roma_vprint(char *buf, size_t cap, const char *fmt, va_list args) __attribute__((format(printf, 3, 0)));
/* In a function of `fmt, ...`: what these print, in the array `text`, cut to its size. */
#define ROMA_PRINT_ARGS(text, fmt)                                                                                     \
    do {                                                                                                               \
        va_list args_;                                                                                                 \
        va_start(args_, fmt);                                                                                          \
        roma_vprint(text, sizeof text, fmt, args_);                                                                    \
        va_end(args_);                                                                                                 \
    } while (0)

/* ---- bounded reader: the only way file bytes are walked --------------------------------------- */

/* Little-endian cursor over [data, data + size), which stays the caller's. The first read beyond the end sets .failed
 * and leaves .pos; every later read returns 0 or NULL, so that a caller may check once after a group of reads. */
typedef struct {
    const uint8_t *data;
    uint64_t size, pos;
    uint64_t origin; /* added to pos when an offset is reported */
    bool failed;
} roma_reader;
/* Begins at the first byte; origin is added to .pos when an offset is reported. */
void roma_reader_init(roma_reader *r, const void *data, uint64_t size, uint64_t origin);
uint8_t roma_read_u8(roma_reader *r);
uint32_t roma_read_u32(roma_reader *r);
uint64_t roma_read_u64(roma_reader *r);
float roma_read_f32(roma_reader *r);
/* points into the data; NULL when fewer than n are left */
const uint8_t *roma_read_bytes(roma_reader *r, uint64_t n);
/* Bytes that are left. */
static inline uint64_t roma_reader_left(const roma_reader *r) { return r->size - r->pos; }

/* ---- files ------------------------------------------------------------------------------------- */

/* Read-only mapping of a whole regular file, in memory that any thread may read. The file must not be cut short while
 * it is mapped: the system answers a touch behind the file's new end with SIGBUS, on the thread that touches, and no
 * library can turn the signal into an error. A program that wants to say what happened keeps a list of its files and
 * asks roma_files_at from a handler of its own, as tools/roma/signals.c does; a file that others may change is better
 * copied first. This concerns images and adapters while they are open, and GGUF, PEFT and chip files while they are
 * read. */
typedef struct {
    const uint8_t *data;
    uint64_t size;
    char *path; /* owned copy */
} roma_map;
/* Maps a file. EINPUT for none, an empty one, a folder, a pipe or a device; EIO, ENOMEM; EUSAGE when the program's list
 * of files refuses. The owner ends the map with roma_map_close. */
int roma_map_open(roma_map *m, const char *path, roma_error *err);
void roma_map_close(roma_map *m);
/* Gives the memory of n bytes of a mapped file back, which are read from the file again when they are touched: who goes
 * through a file larger than the memory forgets what is behind. Only of a mapping: other memory would be lost. */
void roma_map_forget(const void *p, uint64_t n);
/* Asks the system for huge pages; nothing depends on the answer. */
void roma_map_advise_huge(const roma_map *m);
/* Reads the first n bytes of a file, to see what it is. Returns how many there were; 0 of what is no regular file or
 * cannot be read. */
size_t roma_file_head(const char *path, void *out, size_t n);
/* What a file is that begins with n bytes, and who takes it: "a ROM image; `roma run` ... take it". Static; for
 * messages of whoever was given another kind than he reads. Looks at the first 64 KiB. */
const char *roma_kind_of(const void *data, size_t n);
/* The same of a folder, by the names in it; "a folder" is none that is known. */
const char *roma_kind_of_folder(const char *path);
/* Reads a whole regular file of at most `most` bytes into memory, which the caller frees with roma_free; *data is NULL
 * after a failure. The file is on no list: the run may write it later. EINPUT for none, an empty or larger one, a
 * folder, a pipe or a device; EIO, ENOMEM. */
int roma_file_read(const char *path, uint64_t most, uint8_t **data, uint64_t *size, roma_error *err);

/* A program's list of the files that it reads and writes, so that no output takes the place of what is read, or of
 * another output. Files are the same by device and inode, whatever their names; an output that is not there yet, by
 * its folder and name. Whoever comes second is refused (EUSAGE), be it the input or the output: so outputs that are
 * announced before anything is read cost no work. While a list is in use, roma_map_open and roma_outfile_open enter
 * their files; what else is read must be entered by its reader. Inputs stay on the list after they were closed,
 * outputs until they were written. Without a list nothing is checked.
 *
 * A zeroed list is empty; the program owns the list, which lives as long as the process, as do its entries, whichever
 * heap is installed when they are made: they are in pages of their own. Threads: any thread may open
 * inputs; outputs are announced and opened by one thread at a time. */
typedef struct roma_file roma_file;
typedef struct {
    roma_file *first; /* loaded and stored atomically */
} roma_files;
/* Puts a list to use, before any other call, like roma_allocator_set; NULL: no list. */
void roma_files_use(roma_files *list);
/* Enters an open file that is read; path is its name in messages. EUSAGE when an output is the same file; devices are
 * never refused. */
int roma_files_reads(const char *path, int fd, roma_error *err);
/* Enters a standard stream that is a file: no output may be the same file, and no input that is mapped. EUSAGE. */
int roma_files_stream(const char *name, int fd, roma_error *err);
/* Announces an output, which must be possible, as far as one can see beforehand; a device or pipe is opened. EUSAGE
 * when an input or another output is the same file; EINPUT, EIO for one that cannot be written. */
int roma_files_writes(const char *path, roma_error *err);
/* Name of the file that is mapped at an address, and in *size its bytes when it was mapped; NULL: none. A signal
 * handler may call this. */
const char *roma_files_at(const void *address, uint64_t *size);
/* Removes the temporary files of outputs under way. A signal handler may call this. */
void roma_files_remove_temporaries(void);

/* File that appears under its name whole or not at all: written as a temporary name beside it, then
 * fsync, rename, fsync of the folder. abort removes the temporary file, and so does the system's refusal of a
 * write, patch or commit: the file is then given up.
 *
 * A symbolic link stays, and what it leads to is written, there before or not. A file that is replaced hands on its
 * mode, and its owner where that is allowed; a new one has 0666 less the umask. A write-protected file and a folder are
 * refused. Temporaries of the same name whose writer, a process of this host, is dead are removed.
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
/* Begins an output. EUSAGE for a folder and a write-protected file, and when the program's list refuses; EIO, ENOMEM.
 * After an error nothing is open. roma_outfile_commit or _abort ends an output. */
int roma_outfile_open(roma_outfile *f, const char *path, roma_error *err);
/* As roma_outfile_open; but what a dead writer of the same name left is taken over: f->bytes says how much of it there
 * is, which may be anything that was ever written. */
int roma_outfile_resume(roma_outfile *f, const char *path, roma_error *err);
/* Keeps what is written in place until commit; before the first write. EIO. */
int roma_outfile_keep(roma_outfile *f, roma_error *err);
/* Appends n bytes. EIO: the file is given up, and only roma_outfile_abort may follow. */
int roma_outfile_write(roma_outfile *f, const void *data, size_t n, roma_error *err);
/* Overwrites n bytes at `offset`, all of them written before; in place: kept files alone. EIO as in write. */
int roma_outfile_patch(roma_outfile *f, uint64_t offset, const void *data, size_t n, roma_error *err);
/* Cuts what was written down to its first `bytes` bytes; brings it to disk; reads n bytes at `offset` back. In place
 * nothing can be cut or read, but for kept files. EIO as in write. */
int roma_outfile_cut(roma_outfile *f, uint64_t bytes, roma_error *err);
int roma_outfile_sync(roma_outfile *f, roma_error *err);
int roma_outfile_read(roma_outfile *f, uint64_t offset, void *out, size_t n, roma_error *err);
/* Maps what was written so far, to be read until the next write; in place: kept files alone. The caller closes the
 * map. EIO, ENOMEM. */
int roma_outfile_map(roma_outfile *f, roma_map *m, roma_error *err);
/* Makes the output appear under its name. EIO: the file is given up. On a file that was given up or ended this and the
 * functions above return EINTERNAL. */
int roma_outfile_commit(roma_outfile *f, roma_error *err);
/* Gives an output up: nothing appears. After commit, and a second time, nothing happens. */
void roma_outfile_abort(roma_outfile *f);

/* Folder that appears under its name whole or not at all: filled under a temporary name beside it, then renamed. A
 * folder that is there already changes places with the new one and is removed, if it holds nothing but files that the
 * new one may hold too; links are followed. abort leaves nothing of the new folder, and what was there as it was. */
typedef struct {
    char *path, *target, *tmp; /* as given; links followed; temporary */
    const char *const *name;   /* of the files, as given */
    size_t files;              /* how many names */
    char **file;               /* [files], owned: their paths under the temporary name */
    roma_file *entry, **file_entry;
    bool exists, made; /* the target; the temporary folder */
} roma_outdir;
/* Begins a folder that may hold files of these names, NULL behind the last; they outlive the folder.
 * EUSAGE for what is no folder, the working folder, and one that holds something else or what this run reads; EIO,
 * ENOMEM. After an error nothing is open. roma_outdir_commit or _abort ends a folder. */
int roma_outdir_open(roma_outdir *d, const char *path, const char *const names[], roma_error *err);
/* Begins a file of the folder, which must end before the folder does. Errors of roma_outfile_open. */
int roma_outdir_file(roma_outdir *d, const char *name, roma_outfile *f, roma_error *err);
/* Makes the folder appear under its name, with the files that were committed. EIO: the folder is given up. */
int roma_outdir_commit(roma_outdir *d, roma_error *err);
/* Gives a folder up: nothing appears. After commit, and a second time, nothing happens. */
void roma_outdir_abort(roma_outdir *d);

/* ---- progress: long work calls back; nonzero from the callback cancels (ROMA_ECANCEL) --------- */

/* Gets what is being done (a static word) and how much of `total` is done; nonzero cancels. */
typedef int (*roma_progress_fn)(void *ctx, const char *what, uint64_t done, uint64_t total);
/* Whom long work tells; fn may be NULL: nobody. Calls come from the thread that called the long work. */
typedef struct {
    roma_progress_fn fn; /* may be NULL */
    void *ctx;
} roma_progress;
/* Tells; p may be NULL. ECANCEL when the answer was nonzero. */
static inline int roma_progress_tell(const roma_progress *p, const char *what, uint64_t done, uint64_t total) {
    return p && p->fn && p->fn(p->ctx, what, done, total) ? ROMA_ECANCEL : ROMA_OK;
}

/* ---- threads ----------------------------------------------------------------------------------- */

/* A fixed team of threads. roma_team_run calls fn(ctx, thread, threads) on every member, the caller being thread 0,
 * and returns when all are done. Inside fn roma_team_barrier waits for all members. Nothing is allocated by a run.
 * Members spin briefly, then sleep, so that a loaded machine still makes progress. One thread at a time runs a team.
 */
enum { ROMA_TEAM_MOST = 64 }; /* members of a team */
/* Makes a team of 1 to ROMA_TEAM_MOST members. EUSAGE, EIO when the system refuses a thread, ENOMEM. *team is the
 * caller's, ended by roma_team_destroy. */
int roma_team_create(roma_team **team, int threads, roma_error *err);
void roma_team_destroy(roma_team *team);
/* Binds each member, the caller too, to one CPU of those that the caller may use, until the team is destroyed, which
 * the same caller must do. EIO. */
int roma_team_pin(roma_team *team, roma_error *err);
int roma_team_threads(const roma_team *team);
typedef void (*roma_team_fn)(void *ctx, int thread, int threads);
void roma_team_run(roma_team *team, roma_team_fn fn, void *ctx);
void roma_team_barrier(roma_team *team);
/* As many threads as are of use to this process, 1 to ROMA_TEAM_MOST: CPUs that it may run on, or fewer where its
 * control groups (a container's limit) grant less time, part of a CPU counting as one. Reads files of the system; any
 * thread.
 */
int roma_cpu_count(void);
/* Share of `n` items that a thread of `threads` has: [*begin, *end), contiguous; shares differ by one item at most. */
void roma_share(size_t n, int thread, int threads, size_t *begin, size_t *end);

/* ---- hashes ------------------------------------------------------------------------------------- */

/* CRC-32C (RFC 3720's polynomial) of n bytes behind those of crc; begin with 0. */
uint32_t roma_crc32c(uint32_t crc, const void *data, size_t n);
/* CRC of two joined pieces from their CRCs and the second one's length, so that pieces may run in threads. */
uint32_t roma_crc32c_join(uint32_t a, uint32_t b, uint64_t b_len);

/* A SHA-256 (FIPS 180-4) under way: init, any number of updates, final. */
typedef struct {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
} roma_sha256; /* FIPS 180-4 */
void roma_sha256_init(roma_sha256 *h);
void roma_sha256_update(roma_sha256 *h, const void *data, size_t n);
/* roma_sha256_update of much data in pieces. progress (may be NULL) is told after each piece how much of n is done;
 * ECANCEL when progress says so. */
int roma_sha256_update_told(roma_sha256 *h, const void *data, uint64_t n, const roma_progress *progress,
                            const char *what);
void roma_sha256_final(roma_sha256 *h, uint8_t out[32]);
/* Writes n bytes as 2n hexadecimal digits and a 0. */
void roma_hex(char *out, const uint8_t *bytes, size_t n);
/* The number of up to 8 hexadecimal digits of either case that begin at `at` <= end. Returns how many are there; *out
 * is the number of those. */
size_t roma_hex_read(const void *at, const void *end, unsigned digits, uint32_t *out);

/* Hash of n bytes, for tables; not stable between versions. */
uint64_t roma_hash64(const void *data, size_t n);

/* A number of a counter-based generator: the same (key, counter) gives the same number, everywhere, in any order.
 * SplitMix64's finaliser over a keyed counter (Steele, Lea, Flood 2014). */
uint64_t roma_random(uint64_t key, uint64_t counter);

/* Seconds of a clock that never goes back, the same on every thread. */
double roma_now(void);
/* n in so many seconds, as a rate; 0 where no time could be measured. */
static inline double roma_rate(double n, double seconds) { return seconds > 0 ? n / seconds : 0; }

#ifdef __cplusplus
}
#endif
#endif
