/* Writes the model of overflowing.h with another image's tokenizer: make_overflowing OUT.roma TOKENIZER.roma MIXED NONE
 * NOT POISON, the last four token ids. */
#include <stdio.h>
#include <stdlib.h>

#include "overflowing.h"

int main(int argc, char **argv) {
    static overflowing o;
    roma_image img;
    roma_error err;
    char text[1024];
    int32_t special[SPECIALS];
    if (argc != 3 + SPECIALS) {
        fprintf(stderr, "usage: make_overflowing OUT.roma TOKENIZER.roma MIXED NONE NOT POISON\n");
        return 2;
    }
    for (int i = 0; i < SPECIALS; i++) special[i] = (int32_t)strtol(argv[3 + i], NULL, 10);
    int rc = roma_image_open(&img, argv[2], 0, NULL, &err);
    if (!rc) {
        rc = overflowing_write(&o, argv[1], img.desc.hyper.vocab, &img.vocab, special, &err);
        roma_image_close(&img);
    }
    if (rc) fprintf(stderr, "%s\n", roma_error_format(&err, text, sizeof text));
    return rc != 0;
}
