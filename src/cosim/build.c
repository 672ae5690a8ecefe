/* From a placement to a simulator: the chip is emitted into a folder of this run, and Verilator makes a program of it
 * and of the bench. Programs are kept in the cache by the hash of every source that they are made of; ROMs are arrays
 * that the program loads, so that images of one shape share a program. */
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_CAP = 4400 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- folders ---- */

static int make_folders(const char *path, roma_error *err) {
    char part[PATH_CAP];
    roma_print(part, sizeof part, "%s", path);
    for (char *p = part + 1;; p++) {
        const char was = *p;
        if (was && was != '/') continue;
        *p = 0;
        if (mkdir(part, 0777) && errno != EEXIST) return roma_fail_errno(err, part, "cannot be made");
        if (!was) return ROMA_OK;
        *p = '/';
    }
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at) {
    (void)st, (void)flag, (void)at;
    return remove(path);
}

/* ---- the hash of the sources ---- */

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_source(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".v") == 0 || strcmp(dot, ".cpp") == 0 || strcmp(dot, ".h") == 0 ||
                   strcmp(dot, ".vlt") == 0 || strcmp(dot, ".vh") == 0);
}

static int hash_file(roma_sha256 *h, const char *folder, const char *name, roma_error *err) {
    char path[PATH_CAP];
    roma_map m = {0};
    roma_print(path, sizeof path, "%s/%s", folder, name);
    const int rc = roma_map_open(&m, path, err);
    roma_sha256_update(h, name, strlen(name) + 1);
    if (!rc) roma_sha256_update(h, m.data, m.size);
    if (!rc) roma_map_close(&m);
    return rc;
}

/* All sources of a folder in the order of their names. */
static int hash_folder(roma_sha256 *h, const char *folder, roma_error *err) {
    char **names = NULL;
    size_t n = 0, cap = 0;
    int rc = ROMA_OK;
    DIR *d = opendir(folder);
    if (!d) return roma_fail_errno(err, folder, "cannot be read");
    for (const struct dirent *e; !rc && (e = readdir(d));) {
        if (!is_source(e->d_name)) continue;
        const size_t len = strlen(e->d_name) + 1;
        if (!ROMA_GROW(&names, n, &cap) || !(names[n] = roma_alloc(len)))
            rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the names of sources");
        if (!rc) memcpy(names[n++], e->d_name, len);
    }
    closedir(d);
    if (n) qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        if (!rc) rc = hash_file(h, folder, names[i], err);
        roma_free(names[i]);
    }
    roma_free(names);
    return rc;
}

/* ---- Verilator ---- */

typedef struct {
    char *arg[64];
    size_t n;
    char text[8 * PATH_CAP]; /* six paths, and the words */
    size_t used;
} arguments;

static void add(arguments *a, const char *fmt, const char *x) {
    a->arg[a->n++] = a->text + a->used;
    a->arg[a->n] = NULL;
    a->used += (size_t)roma_print(a->text + a->used, sizeof a->text - a->used, fmt, x) + 1;
}

static bool has_netlists(const roma_cosim_config *c) {
    for (size_t i = 0; c->styles && i < c->styles->others; i++)
        if (c->styles->other[i].is_netlist) return true;
    return false;
}

/* Tiles are blocks that are compiled once for each kind. Waveforms have what tiles.vlt leaves of these. A vector unit's
 * memory takes what all matrix units give, in a loop that Verilator must unroll; those over words of a ROM it had
 * better not. */
static void collect(arguments *a, const roma_cosim_config *c) {
    char jobs[16];
    roma_print(jobs, sizeof jobs, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    static const char *const fixed[] = {"verilator",
                                        "--cc",
                                        "--exe",
                                        "--build",
                                        "-O3",
                                        "-Wno-fatal",
                                        "-Wno-lint",
                                        "--x-assign",
                                        "unique",
                                        "--x-initial",
                                        "unique",
                                        "--top-module",
                                        "bench",
                                        "-DROMA_PROBES",
                                        "-Mdir",
                                        "obj",
                                        "-o",
                                        "sim",
                                        "--hierarchical",
                                        "--unroll-count",
                                        "1024",
                                        "-MAKEFLAGS",
                                        "OPT_FAST=-O1 VM_PARALLEL_BUILDS=0"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) add(a, "%s", fixed[i]);
    if (c->vcd) add(a, "%s", "--trace");
    if (c->fault) add(a, "%s", "-DROMA_FAULTS");
    /* Verilator 5.006 makes another function of a netlist's trees of ANDs and XORs. */
    if (has_netlists(c)) add(a, "%s", "-fno-const-bit-op-tree");
    if (c->quick) {
        add(a, "%s", "-y");
        add(a, "%s/../tests/rtl/quick", c->rtl);
        add(a, "%s", "-CFLAGS");
        add(a, "-include %s/../tests/rtl/quick/host.h", c->rtl);
    }
    add(a, "%s", "-y");
    add(a, "%s", c->rtl);
    add(a, "%s", "-y");
    add(a, "%s/cosim", c->rtl);
    add(a, "%s", "-y");
    add(a, "%s", ".");
    add(a, "%s", "-I.");
    add(a, "%s/cosim/tiles.vlt", c->rtl);
    add(a, "%s", "bench.v");
    add(a, "%s/cosim/main.cpp", c->rtl);
    add(a, "%s", "-j");
    add(a, "%s", jobs);
}

/* ---- netlists ---- */

/* What makes them; it lies in the tests of the source tree around the blocks. */
#define NETLIST_SCRIPT "netlist.py"

/* One L-Unit as gates, by Yosys: the module that its tile asks for. */
static int make_netlist(const cosim_build *b, const roma_cosim_config *c, const struct roma_rtl_other *l,
                        const char *log, roma_error *err) {
    const roma_chip *p = &c->place->chip;
    char script[PATH_CAP], module[40], lanes[12], latency[12], table[12];
    int status;
    roma_print(script, sizeof script, "%s/../tests/rtl/%s", c->rtl, NETLIST_SCRIPT);
    roma_print(module, sizeof module, "lunit_%u_%u", l->unit, l->lunit);
    roma_print(lanes, sizeof lanes, "%u", (unsigned)p->lanes);
    roma_print(latency, sizeof latency, "%u", (unsigned)p->lunit_pipeline - 1);
    roma_print(table, sizeof table, "%u", (unsigned)p->table_bits);
    char *const argv[] = {"python3",
                          script,
                          "--write",
                          module,
                          ".",
                          (int)p->table ? "roma_lunit_any" : "roma_lunit",
                          "LANES",
                          lanes,
                          "LATENCY",
                          latency,
                          (int)p->table ? "TABLE" : NULL,
                          table,
                          NULL};
    const int rc = roma_cosim_call(b->folder, log, argv, &status, err);
    if (rc || !status) return rc;
    return roma_fail(err, ROMA_EINTERNAL, log, ROMA_NOWHERE, "L-Unit %u.%u has no netlist; this is the log", l->unit,
                     l->lunit);
}

static int make_netlists(const cosim_build *b, const roma_cosim_config *c, const char *log, roma_error *err) {
    int status = 0, rc = ROMA_OK;
    static char *const yosys[] = {"yosys", "-V", NULL};
    if (has_netlists(c)) rc = roma_cosim_call(b->folder, log, yosys, &status, err);
    if (status == 127) {
        remove(log);
        return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "Yosys is missing; Debian's package yosys has it");
    }
    for (size_t i = 0; !rc && c->styles && i < c->styles->others; i++)
        if (c->styles->other[i].is_netlist) rc = make_netlist(b, c, &c->styles->other[i], log, err);
    return rc;
}

/* ---- the simulator ---- */

static int make_sim(cosim_build *b, const roma_cosim_config *c, roma_error *err) {
    char log[PATH_CAP], made[PATH_CAP];
    arguments a = {.n = 0};
    int status;
    const double begin = now();
    collect(&a, c);
    roma_print(log, sizeof log, "%s.log", b->sim);
    roma_print(made, sizeof made, "%s/obj/sim", b->folder);
    remove(log);
    int rc = make_netlists(b, c, log, err);
    if (!rc) rc = roma_cosim_call(b->folder, log, a.arg, &status, err);
    if (rc) return rc;
    if (status == 127) {
        remove(log);
        return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "Verilator is missing; Debian's package verilator has it");
    }
    if (status || rename(made, b->sim))
        return roma_fail(err, ROMA_EINTERNAL, log, ROMA_NOWHERE, "Verilator made no simulator; this is its log");
    b->seconds = now() - begin;
    return ROMA_OK;
}

static int needs_tree(const char *what, const char *path, roma_error *err) {
    return roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE,
                     "is not there; %s needs the source tree: --rtl DIR names the folder rtl of one", what);
}

/* The blocks that --quick takes in place of the chip's are a test's, and lie in the source tree alone. */
static int hash_quick(roma_sha256 *h, const char *rtl, roma_error *err) {
    char folder[PATH_CAP];
    roma_print(folder, sizeof folder, "%s/../tests/rtl/quick", rtl);
    return access(folder, R_OK) == 0 ? hash_folder(h, folder, err) : needs_tree("--quick", folder, err);
}

/* A netlist is made when the simulator is: of the blocks, by a script of the source tree. */
static int hash_netlists(roma_sha256 *h, const char *rtl, roma_error *err) {
    char folder[PATH_CAP];
    roma_print(folder, sizeof folder, "%s/../tests/rtl", rtl);
    return access(folder, R_OK) == 0 ? hash_file(h, folder, NETLIST_SCRIPT, err) : needs_tree("netlist", folder, err);
}

int roma_cosim_build(cosim_build *b, const roma_cosim_config *c, roma_error *err) {
    char emitted[PATH_CAP], sub[PATH_CAP], hex[33];
    uint8_t digest[32];
    roma_sha256 h;
    int rc = make_folders(c->cache, err);
    if (rc) return rc;
    roma_print(b->folder, sizeof b->folder, "%s/run-XXXXXX", c->cache);
    if (!mkdtemp(b->folder)) {
        b->folder[0] = 0;
        return roma_fail_errno(err, c->cache, "no folder can be made there");
    }
    roma_print(emitted, sizeof emitted, "%s/chip", b->folder);
    static const roma_rtl_styles arrays = {.style = ROMA_RTL_ARRAY};
    rc = roma_rtl_chip_emit(emitted, c->place, c->styles ? c->styles : &arrays, c->image->base_id,
                            c->image->file_sha256, c->progress, NULL, err);
    roma_print(b->folder + strlen(b->folder), 8, "/chip");
    roma_sha256_init(&h);
    const uint8_t kind[3] = {c->quick, c->vcd != NULL, c->fault != NULL};
    roma_sha256_update(&h, kind, sizeof kind);
    if (!rc) rc = hash_folder(&h, emitted, err);
    if (!rc) rc = hash_folder(&h, c->rtl, err);
    roma_print(sub, sizeof sub, "%s/cosim", c->rtl);
    if (!rc) rc = hash_folder(&h, sub, err);
    if (!rc && c->quick) rc = hash_quick(&h, c->rtl, err);
    if (!rc && has_netlists(c)) rc = hash_netlists(&h, c->rtl, err);
    if (rc) return rc;
    roma_sha256_final(&h, digest);
    for (unsigned i = 0; i < 16; i++) roma_print(hex + 2 * i, 3, "%02x", digest[i]);
    roma_print(b->sim, sizeof b->sim, "%s/%s", c->cache, hex);
    return access(b->sim, X_OK) == 0 ? ROMA_OK : make_sim(b, c, err);
}

void roma_cosim_build_end(cosim_build *b) {
    char *slash = strrchr(b->folder, '/');
    if (!slash) return;
    if (strcmp(slash, "/chip") == 0) *slash = 0;
    nftw(b->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    b->folder[0] = 0;
}
