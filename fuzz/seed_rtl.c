/* Writes the seeds of fuzz_rtl into a folder: a ROM of each style, of rows and of a placed L-Unit. */
#include "../tests/rtl/emitted.h"

static void put(const char *dir, const char *name, const roma_rtl_part *part, roma_rtl_style style,
                const roma_image *image) {
    char path[512];
    emitted e;
    roma_error err;
    if (emitted_part(&e, part, style, image, &err)) abort();
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *to = fopen(path, "wb");
    if (!to) abort();
    fprintf(to, "%zu\n%zu\n", e.manifest.len, e.v.len);
    fwrite(e.manifest.data, 1, e.manifest.len, to);
    fwrite(e.v.data, 1, e.v.len, to);
    if (e.hex.len) fwrite(e.hex.data, 1, e.hex.len, to);
    if (fclose(to)) abort();
    emitted_free(&e);
}

int main(int argc, char **argv) {
    size_t size;
    roma_error err;
    roma_rtl_part rows, placed;
    emitted_model m = {0};
    uint8_t *data = emitted_image(0, &size);
    if (argc != 2 || !data || emitted_open(&m, data, size, 2, 2, 8, &err)) return 2;
    if (roma_rtl_part_rows(&rows, &m.place, 2, 0, 2, &err) || roma_rtl_part_lunit(&placed, &m.place, 4, 1, 0, &err))
        return 2;
    put(argv[1], "array", &rows, ROMA_RTL_ARRAY, &m.image);
    put(argv[1], "case", &rows, ROMA_RTL_CASE, &m.image);
    put(argv[1], "brom", &rows, ROMA_RTL_BROM, &m.image);
    put(argv[1], "placed", &placed, ROMA_RTL_BROM, &m.image);
    emitted_close(&m);
    free(data);
    return 0;
}
