/* The list of the files of a run. Entries are only ever added, in front, and never move: a signal handler may walk
 * the list at any moment, and another thread may add to it. An entry stays as long as the process, longer than any heap
 * that is installed meanwhile: entries stand in blocks of pages of the list's own. */
#include "base/internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef enum { READ, STREAM, OUTPUT } file_kind;
enum { ANNOUNCED, OPEN, OVER };
enum { BLOCK = 65536 };

struct roma_file {
    roma_file *next;
    file_kind kind;
    bool known, placed; /* has device and inode; has folder and name */
    dev_t dev, folder_dev;
    ino_t ino, folder_ino;
    char *name;                      /* in the folder */
    int fd;                          /* opened in place and not yet handed over, else -1 */
    _Atomic int state;               /* of an output; of what is read: OPEN, or OVER once its map is closed */
    _Atomic(const uint8_t *) data;   /* mapped there, or NULL */
    _Atomic uint64_t size;           /* bytes of that */
    _Atomic(const char *) temporary; /* name of an output's, or NULL */
    char path[];                     /* as given; behind it the name */
};

static _Atomic(roma_files *) in_use;

void roma_files_use(roma_files *list) { atomic_store(&in_use, list); }

static roma_file *first(void) {
    roma_files *list = atomic_load(&in_use);
    return list ? __atomic_load_n(&list->first, __ATOMIC_ACQUIRE) : NULL;
}

/* ---- entries ---- */

/* n zero bytes for good, out of the block under way, of which the rest is left where it is too short. A refused file's
 * bytes are lost: a refusal ends the run, or at least what asked. */
static void *take(size_t n) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static uint8_t *at;
    static size_t left;
    n = (n + 15) / 16 * 16;
    pthread_mutex_lock(&lock);
    if (n > left) {
        const size_t size = n > BLOCK ? n : BLOCK;
        void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        at = block == MAP_FAILED ? NULL : block;
        left = at ? size : 0;
    }
    uint8_t *taken = at;
    at += at ? n : 0;
    left -= at ? n : 0;
    pthread_mutex_unlock(&lock);
    return taken;
}

static roma_file *make(file_kind kind, const char *path, const char *name, roma_error *err) {
    const size_t n = strlen(path) + 1, m = strlen(name) + 1;
    roma_file *f = take(sizeof *f + n + m);
    if (!f) {
        roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory to note the file");
        return NULL;
    }
    f->kind = kind;
    f->fd = -1;
    memcpy(f->path, path, n);
    f->name = f->path + n;
    memcpy(f->name, name, m);
    return f;
}

/* Two names of a terminal or of /dev/null are no danger to each other. */
static void identify(roma_file *f, const struct stat *st) {
    f->known = !S_ISCHR(st->st_mode);
    f->dev = st->st_dev;
    f->ino = st->st_ino;
}

static roma_file *make_output(const roma_target *t, const char *path, roma_error *err) {
    roma_file *f = make(OUTPUT, path, roma_target_name(t->path), err);
    if (!f) return NULL;
    if (t->exists) identify(f, &t->st);
    f->placed = !t->in_place;
    f->folder_dev = t->folder.st_dev;
    f->folder_ino = t->folder.st_ino;
    return f;
}

static void add(roma_file *f) {
    roma_files *list = atomic_load(&in_use);
    f->next = first();
    while (!__atomic_compare_exchange_n(&list->first, &f->next, f, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    }
}

static bool same(const roma_file *a, const roma_file *b) {
    if (a->known && b->known && a->dev == b->dev && a->ino == b->ino) return true;
    return a->placed && b->placed && a->folder_dev == b->folder_dev && a->folder_ino == b->folder_ino &&
           strcmp(a->name, b->name) == 0;
}

/* ---- who is in whose way ---- */

static int refuse(const roma_file *f, const roma_file *other, const char *text, roma_error *err) {
    char name[200];
    return roma_fail(err, ROMA_EUSAGE, f->path, ROMA_NOWHERE, "%s, %s; give the output a name of its own", text,
                     roma_error_name(name, sizeof name, other->path, strlen(other->path)));
}

static int check_input(const roma_file *f, bool mapped, roma_error *err) {
    for (const roma_file *o = first(); o; o = o->next) {
        if (o->kind == OUTPUT && atomic_load(&o->state) != OVER && same(f, o))
            return refuse(f, o, "also an output of this run", err);
        if (mapped && o->kind == STREAM && same(f, o)) return refuse(f, o, "also an output of this run", err);
    }
    return ROMA_OK;
}

/* A descriptor may well be a standard stream: /dev/stdout is. */
static int check_output(const roma_file *f, bool descriptor, roma_error *err) {
    for (const roma_file *o = first(); o; o = o->next) {
        if (o == f || !same(f, o)) continue;
        if (o->kind == READ) return refuse(f, o, "also read by this run, as", err);
        if (o->kind == STREAM && !descriptor) return refuse(f, o, "also written to by this run, as", err);
        if (o->kind == OUTPUT && atomic_load(&o->state) != OVER)
            return refuse(f, o, "also another output of this run", err);
    }
    return ROMA_OK;
}

/* ---- what is read ---- */

/* The entry that the same file has under the same name from before, taken again; NULL: none. Maps have an entry each.
 */
static roma_file *find_closed(const char *path, const struct stat *st) {
    for (roma_file *f = first(); f; f = f->next) {
        int over = OVER;
        if (f->kind == READ && f->known && f->dev == st->st_dev && f->ino == st->st_ino && strcmp(f->path, path) == 0 &&
            atomic_compare_exchange_strong(&f->state, &over, OPEN))
            return f;
    }
    return NULL;
}

/* What is opened again and again, as a server's adapters are, keeps its entry, so that the list does not grow. */
static int enter(const char *path, const struct stat *st, bool mapped, roma_file **entry, roma_error *err) {
    *entry = NULL;
    if (!atomic_load(&in_use)) return ROMA_OK;
    roma_file *again = find_closed(path, st), *f = again ? again : make(READ, path, "", err);
    if (!f) return ROMA_ENOMEM;
    identify(f, st);
    const int rc = check_input(f, mapped, err);
    atomic_store(&f->state, mapped && !rc ? OPEN : OVER);
    if (rc) return rc;
    if (!again) add(f);
    *entry = f;
    return ROMA_OK;
}

int roma_files_maps(const char *path, const struct stat *st, roma_file **entry, roma_error *err) {
    return enter(path, st, true, entry, err);
}

int roma_files_reads(const char *path, int fd, roma_error *err) {
    struct stat st;
    roma_file *entry;
    if (fstat(fd, &st) != 0) return roma_fail_errno(err, path, "cannot look at the file");
    return enter(path, &st, false, &entry, err);
}

int roma_files_stream(const char *name, int fd, roma_error *err) {
    struct stat st;
    if (!atomic_load(&in_use) || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return ROMA_OK;
    roma_file *f = make(STREAM, name, "", err);
    if (!f) return ROMA_ENOMEM;
    identify(f, &st);
    add(f);
    return ROMA_OK;
}

void roma_files_mapped(roma_file *entry, const uint8_t *data, uint64_t size) {
    if (!entry) return;
    atomic_store(&entry->size, size);
    atomic_store(&entry->data, data);
    if (!data) atomic_store(&entry->state, OVER);
}

void roma_files_unmapped(const uint8_t *data) {
    for (roma_file *f = first(); f; f = f->next)
        if (atomic_load(&f->data) == data) roma_files_mapped(f, NULL, 0);
}

/* ---- what is written ---- */

int roma_files_writes(const char *path, roma_error *err) {
    roma_target t;
    if (!atomic_load(&in_use)) return ROMA_OK;
    int rc = roma_target_find(&t, path, err);
    if (rc) return rc;
    roma_file *f = make_output(&t, path, err);
    if (!f) return ROMA_ENOMEM;
    rc = check_output(f, t.descriptor >= 0, err);
    if (!rc && t.in_place) rc = roma_target_open(&t, path, &f->fd, err);
    if (!rc) add(f);
    return rc;
}

/* The announced one of the same file, or of the same place when the file was replaced since. */
static roma_file *find_announced(const roma_file *f) {
    for (roma_file *o = first(); o; o = o->next)
        if (o->kind == OUTPUT && atomic_load(&o->state) == ANNOUNCED && strcmp(o->path, f->path) == 0) return o;
    return NULL;
}

int roma_files_output(const roma_target *t, const char *path, roma_file **entry, int *fd, roma_error *err) {
    *entry = NULL;
    *fd = -1;
    if (!atomic_load(&in_use)) return ROMA_OK;
    roma_file *f = make_output(t, path, err), *announced = f ? find_announced(f) : NULL;
    if (!f) return ROMA_ENOMEM;
    if (announced) {
        *fd = announced->fd;
        announced->fd = -1;
        atomic_store(&announced->state, OVER); /* f takes its place */
    }
    const int rc = check_output(f, t->descriptor >= 0, err);
    if (rc) {
        if (*fd >= 0) close(*fd);
        return rc;
    }
    atomic_store(&f->state, OPEN);
    add(f);
    *entry = f;
    return ROMA_OK;
}

int roma_files_hold(const char *path, roma_file **entry, roma_error *err) {
    *entry = NULL;
    if (!atomic_load(&in_use)) return ROMA_OK;
    roma_file *f = make(OUTPUT, path, "", err);
    if (!f) return ROMA_ENOMEM;
    atomic_store(&f->temporary, path);
    add(f);
    *entry = f;
    return ROMA_OK;
}

void roma_files_output_over(roma_file *entry) {
    if (entry) atomic_store(&entry->state, OVER);
}

void roma_files_temporary(roma_file *entry, const char *name) {
    if (entry) atomic_store(&entry->temporary, name);
}

/* ---- for signal handlers: loads of atomics, unlink and rmdir alone ---- */

const char *roma_files_at(const void *address, uint64_t *size) {
    const uintptr_t at = (uintptr_t)address;
    for (const roma_file *f = first(); f; f = f->next) {
        const uintptr_t data = (uintptr_t)atomic_load(&f->data);
        *size = atomic_load(&f->size);
        if (data && at >= data && at - data < *size) return f->path;
    }
    return NULL;
}

void roma_files_remove_temporaries(void) {
    for (const roma_file *f = first(); f; f = f->next) {
        const char *name = atomic_load(&f->temporary);
        if (name && unlink(name) != 0)
            rmdir(name); /* a folder's files are entered after the folder, and so come first */
    }
}
