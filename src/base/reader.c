/* Bounded reader: every byte of a file is fetched here, behind one comparison. */
#include "roma/base.h"

#include <string.h>

void roma_reader_init(roma_reader *r, const void *data, uint64_t size, uint64_t origin) {
    static const uint8_t empty[1];
    /* An empty range may come as NULL; reading 0 bytes of it succeeds and so must not give NULL. */
    *r = (roma_reader){.data = data ? data : empty, .size = data ? size : 0, .origin = origin};
}

const uint8_t *roma_read_bytes(roma_reader *r, uint64_t n) {
    if (r->failed || n > r->size - r->pos) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *p = r->data + r->pos;
    r->pos += n;
    return p;
}

uint8_t roma_read_u8(roma_reader *r) {
    const uint8_t *p = roma_read_bytes(r, 1);
    return p ? *p : 0;
}

uint32_t roma_read_u32(roma_reader *r) {
    const uint8_t *p = roma_read_bytes(r, 4);
    return p ? roma_le32(p) : 0;
}

uint64_t roma_read_u64(roma_reader *r) {
    const uint8_t *p = roma_read_bytes(r, 8);
    return p ? roma_le64(p) : 0;
}

float roma_read_f32(roma_reader *r) {
    uint32_t bits = roma_read_u32(r);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
