/* A folder of a test's own, its files, and how many there are. */
#ifndef ROMA_TEST_FOLDER_H
#define ROMA_TEST_FOLDER_H
#include <dirent.h>
#include <stdio.h>

static char folder[200]; /* the test makes it */

/* A path in it; four of them may be in use. */
static inline const char *in_folder(const char *name) {
    static char path[4][512];
    static int turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static inline int entries(void) {
    int n = 0;
    DIR *d = opendir(folder);
    while (d && readdir(d)) n++;
    if (d) closedir(d);
    return n - 2;
}
#endif
