/* Output folders: whole or not at all. A folder is filled under a temporary name beside its own and then renamed; one
 * that is there, and holds nothing but files of the same names, changes places with it. What a killed writer left is
 * removed by the next one of the same folder. */
#include "base/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int no_memory(const char *path, roma_error *err) {
    return roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for the output folder");
}

/* FOLDER/NAME, the caller's to free; NULL without memory. */
static char *join(const char *folder, const char *name) {
    const size_t n = strlen(folder) + strlen(name) + 2;
    char *p = roma_alloc(n);
    if (p) roma_print(p, n, "%s/%s", folder, name);
    return p;
}

/* ---- where it goes ---- */

static bool is_ours(const roma_outdir *d, const char *name) {
    for (size_t i = 0; d->name[i]; i++)
        if (strcmp(d->name[i], name) == 0) return true;
    return false;
}

/* A folder that is there must hold nothing else, and none of its files may be read by this run. */
static int check_there(const roma_outdir *d, roma_error *err) {
    char shown[100];
    int rc = ROMA_OK;
    DIR *dir = opendir(d->target);
    if (!dir) return roma_fail_errno(err, d->path, "cannot look into the folder");
    for (const struct dirent *e; !rc && (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (!is_ours(d, e->d_name)) {
            rc = roma_fail(err, ROMA_EUSAGE, d->path, ROMA_NOWHERE,
                           "this folder also holds %s; give a folder that is new, empty or was written this way",
                           roma_error_name(shown, sizeof shown, e->d_name, strlen(e->d_name)));
            continue;
        }
        char *file = join(d->target, e->d_name);
        rc = file ? roma_files_writes(file, err) : no_memory(d->path, err);
        roma_free(file);
    }
    closedir(dir);
    return rc;
}

/* The place of the folder without links and without a slash at the end. */
static int find(roma_outdir *d, roma_error *err) {
    struct stat st, here;
    d->target = realpath(d->path, NULL);
    if (!d->target && errno != ENOENT) return roma_fail_errno(err, d->path, "cannot create the folder");
    if (!d->target) {
        size_t n = strlen(d->path);
        while (n > 1 && d->path[n - 1] == '/') n--;
        d->target = strndup(d->path, n);
        if (!d->target) return no_memory(d->path, err);
        if (!n || lstat(d->target, &st) == 0)
            return roma_fail(err, ROMA_EUSAGE, roma_path_shown(d->path), ROMA_NOWHERE,
                             "this leads nowhere; give the path of a folder");
        return ROMA_OK;
    }
    if (stat(d->target, &st) != 0) return roma_fail_errno(err, d->path, "cannot look at the folder");
    if (!S_ISDIR(st.st_mode))
        return roma_fail(err, ROMA_EUSAGE, d->path, ROMA_NOWHERE, "this is no folder; give the path of one");
    if (stat(".", &here) == 0 && here.st_dev == st.st_dev && here.st_ino == st.st_ino)
        return roma_fail(err, ROMA_EUSAGE, d->path, ROMA_NOWHERE,
                         "this is the working folder, which cannot be replaced; give a folder in it");
    d->exists = true;
    return check_there(d, err);
}

/* ---- open ---- */

/* On the list of files before there is anything: first the folder, then what will be in it, since a signal handler
 * removes the last entry first. */
static int announce(roma_outdir *d, roma_error *err) {
    while (d->name[d->files]) d->files++;
    d->file = roma_alloc_array(d->files + 1, sizeof *d->file);
    d->file_entry = roma_alloc_array(d->files + 1, sizeof *d->file_entry);
    int rc = d->file && d->file_entry ? roma_files_hold(d->tmp, &d->entry, err) : no_memory(d->path, err);
    for (size_t i = 0; !rc && d->name[i]; i++) {
        d->file[i] = join(d->tmp, d->name[i]);
        rc = d->file[i] ? roma_files_hold(d->file[i], &d->file_entry[i], err) : no_memory(d->path, err);
    }
    return rc;
}

int roma_outdir_open(roma_outdir *d, const char *path, const char *const names[], roma_error *err) {
    *d = (roma_outdir){.name = names};
    const size_t n = strlen(path) + 1;
    if (n > ROMA_TARGET_PATH) return roma_fail(err, ROMA_EUSAGE, path, ROMA_NOWHERE, "the path is too long");
    d->path = roma_alloc(n);
    if (!d->path) return no_memory(path, err);
    memcpy(d->path, path, n);
    int rc = find(d, err);
    const size_t room = rc ? 0 : strlen(d->target) + ROMA_TEMPORARY_EXTRA;
    if (!rc && !(d->tmp = roma_alloc(room))) rc = no_memory(path, err);
    if (!rc) {
        roma_temporary_sweep(d->target, names);
        roma_temporary_name(d->target, d->tmp, room);
        rc = announce(d, err);
    }
    if (!rc && mkdir(d->tmp, 0777) != 0) rc = roma_fail_errno(err, path, "cannot create the folder");
    d->made = !rc;
    if (rc) roma_outdir_abort(d);
    return rc;
}

/* Messages name the file by the folder that was asked for. */
static int open_file(const roma_outdir *d, size_t i, roma_outfile *f, roma_error *err) {
    const int rc = roma_outfile_open(f, d->file[i], err);
    char *shown = rc ? NULL : join(d->path, d->name[i]);
    if (rc || !shown) return rc;
    roma_free(f->path);
    f->path = shown;
    return ROMA_OK;
}

int roma_outdir_file(roma_outdir *d, const char *name, roma_outfile *f, roma_error *err) {
    *f = (roma_outfile){.fd = -1, .device = -1};
    for (size_t i = 0; d->made && d->name[i]; i++)
        if (strcmp(d->name[i], name) == 0) return open_file(d, i, f, err);
    return roma_fail(err, ROMA_EINTERNAL, d->path, ROMA_NOWHERE, "no such file belongs to the folder");
}

/* ---- end ---- */

/* What is under the temporary name: the new folder, or after the exchange the old one. Takes no memory. */
static void remove_temporary(const roma_outdir *d) {
    for (size_t i = 0; d->name[i]; i++) unlink(d->file[i]);
    rmdir(d->tmp);
}

static void release(roma_outdir *d) {
    for (size_t i = 0; d->file && d->file_entry && i < d->files; i++) {
        roma_files_temporary(d->file_entry[i], NULL);
        roma_free(d->file[i]);
    }
    roma_free(d->file);
    roma_free(d->file_entry);
    roma_files_temporary(d->entry, NULL);
    roma_free(d->path);
    free(d->target); /* libc's */
    roma_free(d->tmp);
    *d = (roma_outdir){0};
}

int roma_outdir_commit(roma_outdir *d, roma_error *err) {
    if (!d->made) return roma_fail(err, ROMA_EINTERNAL, d->path, ROMA_NOWHERE, "the folder was given up");
    const unsigned flags = d->exists ? RENAME_EXCHANGE : RENAME_NOREPLACE;
    if (renameat2(AT_FDCWD, d->tmp, AT_FDCWD, d->target, flags) != 0) {
        const int rc = roma_fail_errno(err, d->path, "cannot give the folder its name");
        roma_outdir_abort(d);
        return rc;
    }
    if (d->exists) remove_temporary(d);
    int rc = roma_sync_folder(d->target) ? ROMA_OK : roma_fail_errno(err, d->path, "cannot bring the folder to disk");
    release(d);
    return rc;
}

void roma_outdir_abort(roma_outdir *d) {
    if (!d->path) return;
    if (d->made) remove_temporary(d);
    release(d);
}
