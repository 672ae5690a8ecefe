/* Adapter files that must be refused: every prefix, every bit of structure, wrong fields under right checksums, failing
 * allocations. */
#include "../base/scarce.h"
#include "../test.h"
#include "fixture.h"

/* at: offset in the file, from the start of section TARG (T), DATA (D) or META (M) or of the file (F) */
typedef struct {
    const char *id;
    char where;
    size_t at;
    unsigned bytes;
    uint64_t value;
    int code;
    const char *text;
} bad_case;

#define U ROMA_EUNSUPPORTED
#define I ROMA_EINPUT
#define D ROMA_EDAMAGED

static const bad_case cases[] = {
    {"magic", 'F', 0, 4, 0x11223344, I, "not an adapter"},
    {"a ROM image", 'F', 0, 4, 0x414d4f52, I, "a ROM image"},
    {"a GGUF file", 'F', 0, 4, 0x46554747, I, "a GGUF model"},
    {"text mode", 'F', 5, 1, 13, I, "not an adapter"},
    {"version 0", 'F', 8, 4, 0, U, "version 0"},
    {"version 2", 'F', 8, 4, 2, U, "version 2"},
    {"flags", 'F', 12, 4, 1, U, "flags"},
    {"size too large", 'F', 16, 8, 1 << 30, D, "cut short"},
    {"size too small", 'F', 16, 8, 256, D, "appended to"},
    {"size 2^64 - 1", 'F', 16, 8, UINT64_MAX, D, "cut short"},
    {"no sections", 'F', 24, 4, 0, I, "0 sections"},
    {"65 sections", 'F', 24, 4, 65, I, "65 sections"},
    {"2^32 - 1 sections", 'F', 24, 4, UINT32_MAX, I, "sections"},
    {"two sections", 'F', 24, 4, 2, I, ""},
    {"four sections", 'F', 24, 4, 4, I, ""},
    {"table elsewhere", 'F', 32, 8, 256, I, "not at byte 128"},
    {"reserved of the header", 'F', 72, 1, 1, I, "reserved"},
    {"reserved behind the hash", 'F', 120, 1, 1, I, "reserved"},
    {"tag of small letters", 'F', 128, 1, 't', I, "tag"},
    {"unknown critical section", 'F', 128, 1, 'X', U, "needs section XARG"},
    {"section twice", 'F', 160, 4, 0x47524154, I, "twice"},
    {"TARG not critical", 'F', 132, 4, 0, I, "critical flag"},
    {"section flags", 'F', 132, 4, 3, U, "unknown flags"},
    {"TARG one byte later", 'F', 136, 8, 257, I, "not at its place"},
    {"TARG at 2^64", 'F', 136, 8, UINT64_MAX, I, "not at its place"},
    {"TARG beyond the end", 'F', 144, 8, 1 << 30, I, "beyond the end"},
    {"TARG size wraps", 'F', 144, 8, UINT64_MAX - 10, I, "beyond the end"},
    {"TARG empty", 'F', 144, 8, 0, I, "empty"},
    {"TARG short", 'F', 144, 8, 8, I, ""},
    {"reserved of an entry", 'F', 156, 4, 1, I, "reserved"},
    {"DATA empty", 'F', 176, 8, 0, I, "empty"},
    {"META longer", 'F', 208, 8, 200, I, "beyond the end"},
    {"META shorter", 'F', 208, 8, 17, I, ""},
    {"gap not zero", 'F', 226, 1, 1, I, "not zero"},
    {"no targets", 'T', 0, 4, 0, I, "0 targets"},
    {"7169 targets", 'T', 0, 4, 7169, I, "7169 targets"},
    {"2^32 - 1 targets", 'T', 0, 4, UINT32_MAX, I, "targets"},
    {"four targets", 'T', 0, 4, 4, I, "4 targets need"},
    {"two targets", 'T', 0, 4, 2, I, "2 targets need"},
    {"descriptor size", 'T', 4, 4, 128, U, "descriptors of 128"},
    {"type 0", 'T', 8, 4, 0, U, "type 0"},
    {"type 4", 'T', 8, 4, 4, U, "type 4"},
    {"type of another size", 'T', 8, 4, 3, I, "its shape needs"},
    {"reserved of TARG", 'T', 12, 4, 1, I, "reserved"},
    {"role 0", 'T', 16, 4, 0, U, "role 0 cannot"},
    {"role of the final norm", 'T', 16, 4, 3, U, "role 3 cannot"},
    {"embedding out of order", 'T', 80, 4, 1, I, "out of order"},
    {"role of a norm", 'T', 16, 4, 4, U, "role 4 cannot"},
    {"role 2^32 - 1", 'T', 16, 4, UINT32_MAX, U, "cannot"},
    {"layer 1024", 'T', 20, 4, 1024, I, "1024 layers"},
    {"out of order", 'T', 20, 4, 1, I, "out of order"},
    {"a target twice", 'T', 80, 4, 5, I, "out of order or there twice"},
    {"rows 0", 'T', 24, 4, 0, U, "rows must be"},
    {"rows 65", 'T', 24, 4, 65, U, "rows must be"},
    {"rows 2^31", 'T', 24, 4, 0x80000000, U, "rows must be"},
    {"rows 80", 'T', 24, 4, 80, I, "its shape needs"},
    {"columns 0", 'T', 28, 4, 0, U, "columns"},
    {"columns 48", 'T', 28, 4, 48, U, "columns"},
    {"columns 262176", 'T', 28, 4, 262176, U, "columns"},
    {"columns 96", 'T', 28, 4, 96, I, "its shape needs"},
    {"rank 0", 'T', 32, 4, 0, U, "rank 0"},
    {"rank 513", 'T', 32, 4, 513, U, "rank 513"},
    {"rank 2^32 - 1", 'T', 32, 4, UINT32_MAX, U, "rank 4294967295"},
    {"rank 33", 'T', 32, 4, 33, I, "its shape needs"},
    {"alpha 0", 'T', 36, 4, 0, U, "alpha or scale"},
    {"alpha NaN", 'T', 36, 4, 0x7fc00000, U, "alpha or scale"},
    {"scale infinite", 'T', 40, 4, 0x7f800000, U, "alpha or scale"},
    {"scale 1e30", 'T', 40, 4, 0x7149f2ca, U, "alpha or scale"},
    {"factors without room", 'T', 44, 4, 1, I, "its shape needs"},
    {"unknown flags", 'T', 44, 4, 2, U, "flags 00000002 are unknown"},
    {"reserved of a descriptor", 'T', 64, 4, 1, I, "reserved"},
    {"offset 0", 'T', 48, 8, 0, I, "not behind"},
    {"offset 2^64 - 64", 'T', 48, 8, UINT64_MAX - 63, I, "not behind"},
    {"bytes 0", 'T', 56, 8, 0, I, "its shape needs"},
    {"bytes huge", 'T', 56, 8, UINT64_MAX, I, "its shape needs"},
    {"end of a descriptor", 'T', 64, 1, 1, I, "reserved"},
    {"group scale of 2", 'D', 1024, 2, 0x4000, I, "A's tiles is not 1"},
    {"group scale infinite", 'D', 1024, 2, 0x7c00, I, "A's tiles is not 1"},
    {"group scale in a spare row", 'D', 1088 + 1024 + 2, 2, 0x3c00, I, "A's tiles is not 1"},
    {"scale of A NaN", 'D', 2176, 4, 0x7fc00000, I, "a scale is"},
    {"scale of A negative", 'D', 2176, 4, 0xbf800000, I, "a scale is"},
    {"scale of B infinite", 'D', 2176 + 128, 4, 0x7f800000, I, "a scale is"},
    {"name too long", 'M', 0, 4, 128, I, "lengths"},
    {"name of 2^32 - 1", 'M', 0, 4, UINT32_MAX, I, "lengths"},
    {"note of 2^32 - 1", 'M', 4, 4, UINT32_MAX, I, "lengths"},
    {"note longer", 'M', 4, 4, 7, I, "lengths"},
    {"reserved of META", 'M', 8, 4, 1, I, "reserved"},
    {"escape in the name", 'M', 16, 1, 27, I, "printable"},
    {"line end in the note", 'M', 21, 1, 10, I, "printable"},
};

static size_t place(const uint8_t *p, const bad_case *c) {
    const int section = c->where == 'T' ? 0 : c->where == 'D' ? 1 : 2;
    return c->at + (c->where == 'F' ? 0 : roma_le64(p + 128 + 32 * section + 8));
}

static void run(const uint8_t *good, size_t size, const bad_case *c) {
    uint8_t *p = fx_aligned(good, size);
    roma_adapter a;
    roma_error err = {0};
    const size_t at = place(p, c);
    for (unsigned i = 0; i < c->bytes; i++) p[at + i] = (uint8_t)(c->value >> (8 * i));
    fx_mend(p, size);
    const int rc = roma_adapter_open_memory(&a, p, size, 0, &err);
    if (rc != c->code || !strstr(err.text, c->text))
        fprintf(stderr, "%s: code %d (expected %d): %s\n", c->id, rc, c->code, err.text);
    CHECK(rc == c->code && strstr(err.text, c->text) != NULL && a.targets == NULL);
    if (!rc) roma_adapter_close(&a);
    free(p);
}

/* Cut anywhere, also with a header that says so. */
static void test_prefixes(const uint8_t *good, size_t size) {
    for (size_t n = 0; n < size; n++) {
        uint8_t *p = fx_aligned(good, n);
        roma_adapter a;
        CHECK_EQ(roma_adapter_open_memory(&a, p, n, 0, NULL), ROMA_EDAMAGED);
        if (n >= 128) { /* with a header that says so */
            roma_put64(p + 16, n);
            fx_mend(p, n);
            CHECK(roma_adapter_open_memory(&a, p, n, 0, NULL) != ROMA_OK);
        }
        free(p);
    }
}

/* One bit anywhere: a checksum, a gap or the header tells. */
static void test_bits(uint8_t *p, size_t size) {
    roma_adapter a;
    for (size_t i = 0; i < size; i++) {
        const uint8_t bit = (uint8_t)(1u << roma_random(3, i) % 8);
        p[i] ^= bit;
        CHECK(roma_adapter_open_memory(&a, p, size, 0, NULL) != ROMA_OK);
        p[i] ^= bit;
    }
    CHECK_EQ(roma_adapter_open_memory(&a, p, size, 0, NULL), ROMA_OK);
    roma_adapter_close(&a);
}

/* A code of FP8 or FP16 that is no number; spare zeros and the SHA-256, which verify looks at. */
static void test_codes(uint32_t type) {
    size_t size;
    uint8_t *p = fx_file(type, &size);
    roma_adapter a;
    roma_error err = {0};
    CHECK_EQ(roma_adapter_open_memory(&a, p, size, 0, NULL), ROMA_OK);
    uint8_t *b = (uint8_t *)(uintptr_t)a.targets[0].b;
    roma_adapter_close(&a);
    b[0] = type == ROMA_ADAPTER_FP8 ? 0xff : 0;
    b[1] = type == ROMA_ADAPTER_FP8 ? b[1] : 0x7c;
    fx_mend(p, size);
    CHECK_EQ(roma_adapter_open_memory(&a, p, size, 0, &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "a code of B is no number") != NULL);
    CHECK_EQ(roma_adapter_open_memory(&a, p, size, ROMA_ADAPTER_NO_VERIFY, &err), ROMA_OK);
    roma_adapter_close(&a);
    free(p);
}

static int verify(const uint8_t *p, size_t size, roma_error *err) {
    FILE *f = fopen(fx_path(), "wb");
    if (!f || fwrite(p, 1, size, f) != size || fclose(f)) abort();
    const int rc = roma_adapter_verify(fx_path(), NULL, err);
    unlink(fx_path());
    return rc;
}

static void test_verify(const uint8_t *good, size_t size) {
    roma_adapter a;
    roma_error err = {0};
    CHECK_EQ(verify(good, size, &err), ROMA_OK);
    uint8_t *p = fx_aligned(good, size);
    p[roma_le64(p + 168)] ^= 1; /* a code of A, its section's checksum mended, not the hash */
    fx_mend(p, size);
    CHECK_EQ(verify(p, size, &err), ROMA_EDAMAGED);
    CHECK(strstr(err.text, "SHA-256") != NULL);
    free(p);
    CHECK_EQ(roma_adapter_open_memory(&a, good, size, 0, NULL), ROMA_OK);
    const roma_adapter_target *t = &a.targets[0]; /* rank 17: 15 spare rows, an odd input */
    roma_adapter_layout l;
    roma_adapter_layout_get(a.type, t, &l);
    const size_t at = (size_t)(t->a - good);
    const size_t spare[] = {at + l.a_tile_bytes + 4, at + l.a_tile_bytes + 64 * 15 + 63, at + l.a_scale + 4 * 17,
                            at + l.b + l.b_tile_bytes - 1};
    for (size_t i = 0; i < sizeof spare / sizeof *spare; i++) {
        p = fx_aligned(good, size);
        p[spare[i]] = 1;
        fx_mend(p, size);
        CHECK_EQ(verify(p, size, &err), ROMA_EINPUT);
        CHECK(strstr(err.text, "only fill up") != NULL);
        free(p);
    }
    roma_adapter_close(&a);
}

/* A head of 61 rows with factors: spare rows, a factor that is no number. */
static void test_rows(void) {
    float factor[61];
    roma_adapter_target t = {
        .role = ROMA_W_HEAD, .rows = 61, .cols = 64, .rank = 3, .alpha = 3, .scale = 1, .dora = true};
    roma_adapter a = {.type = ROMA_ADAPTER_F16, .name = "head", .targets = &t, .n_targets = 1}, in;
    const roma_adapter_source s = {&a, fx_a, fx_b};
    roma_error err = {0};
    roma_map m;
    for (int i = 0; i < 61; i++) factor[i] = (float)(i - 30) * 0.125f;
    CHECK_EQ(roma_adapter_write(fx_path(), &a, &s, NULL, NULL, &err), ROMA_EINPUT); /* none given */
    t.factor = factor;
    factor[7] = roma_f32_from_bits(0x7fc00000);
    CHECK_EQ(roma_adapter_write(fx_path(), &a, &s, NULL, NULL, &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "factor") != NULL && access(fx_path(), F_OK) != 0);
    factor[7] = -2.5f;
    CHECK_EQ(roma_adapter_write(fx_path(), &a, &s, NULL, NULL, &err), ROMA_OK);
    if (roma_map_open(&m, fx_path(), NULL)) abort();
    uint8_t *good = fx_aligned(m.data, m.size);
    unlink(fx_path());
    CHECK_EQ(verify(good, m.size, &err), ROMA_OK);
    CHECK_EQ(roma_adapter_open_memory(&in, good, m.size, 0, NULL), ROMA_OK);
    CHECK(in.dora && in.targets[0].dora && memcmp(in.targets[0].factor, factor, sizeof factor) == 0);
    roma_adapter_layout l;
    roma_adapter_layout_get(a.type, &t, &l);
    const size_t at = (size_t)(in.targets[0].a - good);
    const size_t spare[] = {at + l.b_scale + 4 * 61, at + l.factor + 4 * 63 + 3, at + l.b + 3 * l.b_tile_bytes + 4 * 13,
                            at + l.b + 4 * l.b_tile_bytes - 4};
    for (size_t i = 0; i < sizeof spare / sizeof *spare; i++) {
        uint8_t *p = fx_aligned(good, m.size);
        p[spare[i]] = 1;
        fx_mend(p, m.size);
        CHECK_EQ(verify(p, m.size, &err), ROMA_EINPUT);
        CHECK(strstr(err.text, "only fill up") != NULL);
        free(p);
    }
    roma_put32(good + at + l.factor + 4 * 60, 0x7f800000);
    fx_mend(good, m.size);
    CHECK_EQ(verify(good, m.size, &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "a row's factor is too large or no number") != NULL);
    roma_adapter_close(&in);
    roma_map_close(&m);
    free(good);
}

/* ---- failing allocations, in reading and writing ---- */

static void test_memory(void) {
    roma_adapter_target t[3];
    const roma_adapter a = fx_adapter(t, ROMA_ADAPTER_INT8);
    const roma_adapter_source s = {(void *)(uintptr_t)&a, fx_a, fx_b};
    int rc = ROMA_ENOMEM, n = 0;
    for (; rc && n < 100; n++) {
        roma_error err = {0};
        scarce_begin_once(n);
        rc = roma_adapter_write(fx_path(), &a, &s, NULL, NULL, &err);
        if (!rc) rc = roma_adapter_verify(fx_path(), NULL, &err);
        CHECK(!rc || (rc == ROMA_ENOMEM && err.text[0]));
        CHECK_EQ(scarce_outstanding, 0);
    }
    CHECK(rc == ROMA_OK && n > 8);
    roma_allocator_set(NULL);
    unlink(fx_path());
}

int main(void) {
    size_t size;
    uint8_t *good = fx_file(ROMA_ADAPTER_INT8, &size);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) run(good, size, &cases[i]);
    test_prefixes(good, size);
    test_bits(good, size);
    test_codes(ROMA_ADAPTER_FP8);
    test_codes(ROMA_ADAPTER_F16);
    test_verify(good, size);
    test_rows();
    test_memory();
    free(good);
    return TEST_DONE();
}
