/* Fuzzes shapes: what begins as an object is a config.json, any other text without a path in it is spelt out. Either is
 * refused with one sentence, or is a shape that can be laid out, in its own form.
 */
#include "roma/image.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x)                                                                                                     \
    do {                                                                                                               \
        if (!(x)) abort();                                                                                             \
    } while (0)

static int read_spelt(roma_shape *s, const uint8_t *data, size_t size, roma_error *err) {
    static char text[4096];
    if (size >= sizeof text || memchr(data, '/', size) || memchr(data, '.', size)) return ROMA_ECANCEL;
    memcpy(text, data, size);
    text[size] = 0;
    return roma_shape_read(s, text, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static roma_shape s;
    roma_description d;
    roma_error err = {0};
    const bool is_config = size && memchr("{ \t\r\n", data[0], 5);
    const int rc = is_config ? roma_shape_read_config(&s, data, size, "m/config.json", &err)
                             : read_spelt(&s, size ? data : (const uint8_t *)"", size, &err);
    if (rc == ROMA_ECANCEL) return 0;
    if (rc) {
        REQUIRE(err.code == rc && err.text[0] && !strchr(err.text, '\n'));
        return 0;
    }
    REQUIRE(roma_hyper_check(&s.hyper, "", NULL) == 0 && s.name[0] && memchr(s.name, 0, sizeof s.name));
    REQUIRE(roma_shape_lay_out(&d, &s, &(roma_shape_format){0}, NULL) == 0);
    roma_shape_destroy(&d);
    return 0;
}
