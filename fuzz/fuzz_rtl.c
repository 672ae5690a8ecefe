/* libFuzzer target: a manifest and a ROM's files are held against a small image by the second reader, as they are.
 * Input: two lines with the bytes of the manifest and of rom.v, then the three texts. Seeds: fuzz/corpus/rtl, written
 * by `roma rtl --rom` from the image of this target. */
#include "../tests/rtl/emitted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static roma_image *image(void) {
    static roma_image img;
    static uint8_t *data;
    size_t size;
    roma_error err;
    if (data) return &img;
    data = emitted_image(0, &size);
    if (!data || roma_image_open_memory(&img, data, size, ROMA_IMAGE_NO_VERIFY, &err)) abort();
    return &img;
}

/* A decimal line at p; moves p behind the line. */
static size_t line(const char **p, const char *end) {
    size_t n = 0;
    for (; *p < end && **p != '\n'; (*p)++)
        if (**p >= '0' && **p <= '9' && n < 1 << 24) n = 10 * n + (size_t)(**p - '0');
    *p += *p < end;
    return n;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* A copy of its own for each text, so that a sanitizer sees what is read behind one. */
    const char *p = size ? (const char *)data : "", *const end = p + size;
    size_t n[3];
    n[0] = line(&p, end);
    n[1] = line(&p, end);
    n[2] = SIZE_MAX;
    char *text[3];
    for (int i = 0; i < 3; i++) {
        n[i] = least(n[i], (size_t)(end - p));
        text[i] = malloc(n[i] ? n[i] : 1);
        if (!text[i]) abort();
        memcpy(text[i], p, n[i]);
        p += n[i];
    }
    const roma_rtl_texts t = {text[0], text[1], text[2], n[0], n[1], n[2]};
    roma_rtl_report r;
    roma_error err = {0};
    const int rc = roma_rtl_check(&t, image(), NULL, &r, &err);
    if (rc && (err.code != rc || !err.text[0])) abort();
    if (r.differs != (rc == ROMA_EDAMAGED)) abort();
    for (int i = 0; i < 3; i++) free(text[i]);
    return 0;
}
