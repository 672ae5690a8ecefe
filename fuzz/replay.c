/* Runs a fuzz target over stored inputs, without libFuzzer: arguments are files and folders of files. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t inputs;

static void one_file(const char *path, size_t size) {
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(size ? size : 1); /* exact, so that a sanitizer sees a byte read beyond */
    if (!f || !data || fread(data, 1, size, f) != size) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        exit(1);
    }
    fclose(f);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    inputs++;
}

static void any(const char *path) {
    struct stat st;
    if (stat(path, &st)) return;
    if (!S_ISDIR(st.st_mode)) {
        one_file(path, (size_t)st.st_size);
        return;
    }
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char inner[4096];
        if (e->d_name[0] == '.') continue;
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        any(inner);
    }
    if (d) closedir(d);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) any(argv[i]);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    printf("%-28s %zu inputs\n", strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0], inputs + 1);
    return 0;
}
