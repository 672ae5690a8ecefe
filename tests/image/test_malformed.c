/* Images that are wrong in one field. The CRCs are made right again after each change, so that the check under test is
 * the one that refuses; the expected code and a part of the sentence are in the table. */
#include "../test.h"
#include "fixture.h"

/* Where a field lies: in the header, in an entry of the section table, in a section, in a tensor descriptor. */
enum { HEAD, ENTRY, HYPR, ROPE, VOCB, TENS, DESC, META, ORDR };
typedef struct {
    uint8_t where;
    uint8_t index; /* of the entry or the descriptor */
    uint16_t at;
    uint8_t width; /* bytes of the value */
    uint64_t value;
    int code;
    const char *text;
    int named; /* the byte that the refusal names: one of the next */
} bad_field;

/* The field itself; the first byte of the descriptor, entry or section that it is of; of its section; of section TENS;
 * or another, which test_places looks at where it can be told. */
enum { FIELD, RECORD, SECTION, TENSORS, ELSEWHERE };

#define IN ROMA_EINPUT
#define NO ROMA_EUNSUPPORTED
#define DA ROMA_EDAMAGED

/* Tensors of the image: 0 embed; layer 0: 1 attn_norm 2 q 3 k 4 v 5 q_bias ... ; the last is the tied head. */
#define LAST 255
#define VOCB_OFF 128
#define VOCB_TYPE (128 + 4 * (FIXTURE_TOKENS + 1) + 4 * 6)
#define VOCB_MERGES (128 + 4 * (FIXTURE_TOKENS + 1))

static const bad_field fields[] = {
    {HEAD, 0, 0, 1, 'r', IN, "not a ROM image", FIELD},
    {HEAD, 0, 6, 2, 0x0a0a, IN, "not a ROM image", RECORD},
    {HEAD, 0, 8, 4, 0, NO, "format version 0", FIELD},
    {HEAD, 0, 8, 4, 2, NO, "format version 2", FIELD},
    {HEAD, 0, 12, 4, 1, NO, "header flags 0x1", FIELD},
    {HEAD, 0, 12, 4, 0x80000000, NO, "header flags 0x80000000", FIELD},
    {HEAD, 0, 16, 8, 0, DA, "appended to", FIELD},
    {HEAD, 0, 16, 8, UINT64_MAX, DA, "cut short", FIELD},
    {HEAD, 0, 24, 4, 0, IN, "0 sections", FIELD},
    {HEAD, 0, 24, 4, 5, IN, "before section HYPR are not zero", ELSEWHERE},
    {HEAD, 0, 24, 4, 7, IN, "section HYPR is not at its place", ELSEWHERE},
    {HEAD, 0, 24, 4, 64, IN, "section HYPR is not at its place", ELSEWHERE},
    {HEAD, 0, 32, 8, 0, IN, "not at byte 128", FIELD},
    {HEAD, 0, 32, 8, UINT64_MAX, IN, "not at byte 128", FIELD},
    {HEAD, 0, 72, 1, 1, IN, "reserved bytes of the header", FIELD},
    {HEAD, 0, 83, 1, 1, IN, "reserved bytes of the header", ELSEWHERE},
    {HEAD, 0, 120, 4, 1, IN, "reserved bytes of the header", ELSEWHERE},
    {HEAD, 0, 123, 1, 128, IN, "reserved bytes of the header", ELSEWHERE},
    {ENTRY, 0, 0, 4, 0x72707968, IN, "four of A-Z", FIELD},
    {ENTRY, 0, 0, 1, 0, IN, "four of A-Z", FIELD},
    {ENTRY, 0, 0, 1, 'X', NO, "needs section XYPR", FIELD},
    {ENTRY, 5, 0, 1, '0', IN, "section META is missing", SECTION},
    {ENTRY, 2, 0, 1, 'X', NO, "needs section XOCB", FIELD},
    {ENTRY, 1, 0, 4, 0x52505948, IN, "section HYPR is there twice", FIELD},
    {ENTRY, 0, 0, 4, 0x41544144, IN, "section DATA is not at its place", ELSEWHERE},
    {ENTRY, 0, 0, 4, 0x534e4554, IN, "section ROPE is out of order", ELSEWHERE},
    {ENTRY, 0, 4, 4, 0, IN, "section HYPR has the wrong critical flag", FIELD},
    {ENTRY, 5, 4, 4, 1, IN, "section META has the wrong critical flag", FIELD},
    {ENTRY, 3, 4, 4, 3, NO, "section TENS has unknown flags 0x3", FIELD},
    {ENTRY, 5, 4, 4, 2, NO, "section META has unknown flags 0x2", FIELD},
    {ENTRY, 0, 8, 8, 0, IN, "section HYPR is not at its place", FIELD},
    {ENTRY, 1, 8, 8, 64, IN, "section ROPE is not at its place", FIELD},
    {ENTRY, 4, 8, 8, UINT64_MAX, IN, "section DATA is not at its place", FIELD},
    {ENTRY, 0, 16, 8, 0, IN, "section HYPR is empty", FIELD},
    {ENTRY, 4, 16, 8, UINT64_MAX, IN, "section DATA reaches beyond the end", FIELD},
    {ENTRY, 5, 16, 8, 1 << 30, IN, "section META reaches beyond the end", FIELD},
    {ENTRY, 5, 16, 8, 20, IN, "bytes behind the last section", ELSEWHERE},
    {ENTRY, 0, 16, 8, 63, IN, "section HYPR must have 64 bytes", ELSEWHERE},
    {ENTRY, 0, 28, 4, 1, IN, "reserved bytes of section HYPR's entry", FIELD},
    {HYPR, 0, 0, 4, 9, NO, "architecture number 9", FIELD},
    {HYPR, 0, 4, 4, 0, NO, "layers is 0", RECORD},
    {HYPR, 0, 4, 4, 3, IN, "layer 2: attn_norm is missing", TENSORS},
    {HYPR, 0, 4, 4, UINT32_MAX, NO, "layers is 4294967295", RECORD},
    {HYPR, 0, 8, 4, 65, NO, "hidden width is 65", RECORD},
    {HYPR, 0, 8, 4, 96, IN, "embed: is 45 x 64, expected 45 x 96", TENSORS},
    {HYPR, 0, 12, 4, 0, NO, "feed-forward width is 0", RECORD},
    {HYPR, 0, 12, 4, 160, IN, "gate: is 128 x 64, expected 160 x 64", TENSORS},
    {HYPR, 0, 16, 4, 0, NO, "number of heads is 0", RECORD},
    {HYPR, 0, 16, 4, 0x8000000, NO, "number of heads", RECORD},
    {HYPR, 0, 20, 4, 3, NO, "key/value heads is 3", RECORD},
    {HYPR, 0, 24, 4, 31, NO, "head width is 31", RECORD},
    {HYPR, 0, 28, 4, 0, NO, "rotated width", RECORD},
    {HYPR, 0, 28, 4, 28, IN, "8 bytes per rotated pair", ELSEWHERE},
    {HYPR, 0, 28, 4, 30, IN, "its factor is no factor", ELSEWHERE},
    {HYPR, 0, 32, 4, 0, NO, "vocabulary is 0", RECORD},
    {HYPR, 0, 32, 4, 46, IN, "embed: is 45 x 64, expected 46 x 64", TENSORS},
    {HYPR, 0, 36, 4, 0, NO, "context limit is 0", RECORD},
    {HYPR, 0, 40, 4, 0x7f800000, NO, "epsilon", RECORD},
    {HYPR, 0, 40, 4, 0x80000000, NO, "epsilon", RECORD},
    {HYPR, 0, 44, 4, 1, NO, "own widths 1, 128 and 32", RECORD},
    {HYPR, 0, 44, 4, 64, NO, "own widths 64, 128 and 32", RECORD},
    {HYPR, 0, 44, 4, 0xffffffff, NO, "own widths", RECORD},
    {HYPR, 0, 48, 4, 96, NO, "own widths 64, 96 and 32", RECORD},
    {HYPR, 0, 52, 4, 33, NO, "own widths 64, 128 and 33", RECORD},
    {HYPR, 0, 52, 4, 31, NO, "the rotated width of a head is 32", RECORD},
    {HYPR, 0, 56, 1, 1, IN, "reserved bytes of section HYPR", FIELD},
    {HYPR, 0, 63, 1, 1, IN, "reserved bytes of section HYPR", ELSEWHERE},
    {VOCB, 0, 0, 4, 0, NO, "tokenizer kind 0", FIELD},
    {VOCB, 0, 0, 4, 3, NO, "tokenizer kind 3", FIELD},
    {VOCB, 0, 0, 4, 2, IN, "merges are too many", ELSEWHERE},
    {VOCB, 0, 4, 4, 13, NO, "pre-tokenizer 13", FIELD},
    {VOCB, 0, 8, 4, 0, IN, "0 tokens for a vocabulary of 45", FIELD},
    {VOCB, 0, 8, 4, 46, IN, "46 tokens for a vocabulary of 45", FIELD},
    {VOCB, 0, 8, 4, 41, IN, "another size than its counts", RECORD},
    {VOCB, 0, 12, 4, 4, IN, "another size than its counts", RECORD},
    {VOCB, 0, 12, 4, UINT32_MAX, IN, "merges are too many", FIELD},
    {VOCB, 0, 16, 4, 40, IN, "a special id is no token", FIELD},
    {VOCB, 0, 20, 4, (uint32_t)-2, IN, "a special id is no token", ELSEWHERE},
    {VOCB, 0, 24, 4, 0x80000000, IN, "a special id is no token", ELSEWHERE},
    {VOCB, 0, 28, 4, 1000, IN, "a special id is no token", ELSEWHERE},
    {VOCB, 0, 32, 4, 77, NO, "chat template 77", FIELD},
    {VOCB, 0, 36, 1, 2, IN, "neither 0 nor 1", FIELD},
    {VOCB, 0, 38, 1, 4, ROMA_EUNSUPPORTED, "space prefix 4 is unknown", FIELD},
    {VOCB, 0, 39, 1, 255, IN, "neither 0 nor 1", ELSEWHERE},
    {VOCB, 0, 40, 4, 17, IN, "more than 16 ids", FIELD},
    {VOCB, 0, 40, 4, 2, IN, "ends a turn is no token", ELSEWHERE},
    {VOCB, 0, 44, 4, (uint32_t)-1, IN, "ends a turn is no token", FIELD},
    {VOCB, 0, 104, 4, 0, IN, "ends a turn is no token", FIELD},
    {VOCB, 0, 108, 4, 0, IN, "another size than its counts", RECORD},
    {VOCB, 0, 108, 4, UINT32_MAX, IN, "another size than its counts", RECORD},
    {VOCB, 0, 112, 1, 1, IN, "reserved bytes of section VOCB", FIELD},
    {VOCB, 0, VOCB_OFF, 4, 1, IN, "does not begin at 0", FIELD},
    {VOCB, 0, VOCB_OFF + 4 * FIXTURE_TOKENS, 4, 5, IN, "end with its bytes", ELSEWHERE},
    {VOCB, 0, VOCB_OFF + 8, 4, 0, IN, "token 1 has no length", ELSEWHERE},
    {VOCB, 0, VOCB_OFF + 8, 4, 5000, IN, "token 1 has no length", ELSEWHERE},
    {VOCB, 0, VOCB_MERGES, 4, 40, IN, "merge 0 names no token", ELSEWHERE},
    {VOCB, 0, VOCB_MERGES + 20, 4, UINT32_MAX, IN, "merge 2 names no token", ELSEWHERE},
    {VOCB, 0, VOCB_TYPE, 1, 0, IN, "token 0 has an unknown type", ELSEWHERE},
    {VOCB, 0, VOCB_TYPE + 39, 1, 7, IN, "token 39 has an unknown type", ELSEWHERE},
    {TENS, 0, 0, 4, 0, IN, "another size than its number", FIELD},
    {TENS, 0, 0, 4, UINT32_MAX, IN, "another size than its number", FIELD},
    {TENS, 0, 4, 4, 136, NO, "descriptors of 136 bytes", FIELD},
    {TENS, 0, 8, 1, 1, IN, "reserved bytes", RECORD},
    {TENS, 0, 15, 1, 1, IN, "reserved bytes", RECORD},
    {DESC, 0, 0, 4, 0, IN, "embed is missing or out of order", SECTION},
    {DESC, 0, 0, 4, 2, IN, "embed is missing or out of order", SECTION},
    {DESC, 5, 0, 4, 18, IN, "layer 0: o is missing or out of order", SECTION},
    {DESC, 2, 4, 4, 1, IN, "layer 0: q is missing or out of order", SECTION},
    {DESC, 0, 4, 4, 1, IN, "embed is missing or out of order", SECTION},
    {DESC, 0, 8, 8, 46, IN, "embed: is 46 x 64, expected 45 x 64", SECTION},
    {DESC, 0, 8, 8, UINT64_MAX, IN, "expected 45 x 64", SECTION},
    {DESC, 2, 16, 8, 0, IN, "layer 0: q: is 64 x 0", SECTION},
    {DESC, 1, 8, 8, 2, IN, "layer 0: attn_norm: is 2 x 64", SECTION},
    {DESC, 0, 24, 1, 2, NO, "tensor kind 2", FIELD},
    {DESC, 1, 24, 1, 1, NO, "planes of 0 and 0 bits", ELSEWHERE},
    {DESC, 0, 24, 1, 0, IN, "fields of a matrix", FIELD},
    {DESC, 0, 25, 1, 7, NO, "planes of 4 and 0 bits do not make 7-bit codes", ELSEWHERE},
    {DESC, 0, 25, 1, 5, NO, "do not make 5-bit codes", ELSEWHERE},
    {DESC, 0, 26, 1, 2, NO, "planes of 2 and 0 bits", FIELD},
    {DESC, 0, 27, 1, 1, NO, "planes of 4 and 1 bits", ELSEWHERE},
    {DESC, 0, 28, 1, 2, NO, "embed: zero point 8 of a fine level table", SECTION},
    {DESC, 0, 28, 1, 3, NO, "embed: level kind 3", SECTION},
    {DESC, 0, 28, 1, 1, IN, "head: shape or format differs", SECTION},
    {DESC, 0, 29, 1, 0, NO, "embed: scale form 0", SECTION},
    {DESC, 0, 29, 1, 6, IN, "head: shape or format differs", SECTION},
    {DESC, 0, 29, 1, 7, NO, "embed: scale form 7", SECTION},
    {DESC, 0, 29, 1, 3, NO, "embed: super-group of 0", SECTION},
    {DESC, 0, 30, 1, 2, NO, "embed: minimum form 2", SECTION},
    {DESC, 0, 31, 1, 1, IN, "head: shape or format differs", SECTION},
    {DESC, 0, 31, 1, 3, NO, "embed: zero points of form 3", SECTION},
    {DESC, 0, 32, 2, 24, NO, "embed: group of 24", SECTION},
    {DESC, 0, 32, 2, 0, NO, "embed: group of 0", SECTION},
    {DESC, 0, 32, 2, 128, NO, "no multiple of the group of 128; use a group of 64", SECTION},
    {DESC, 0, 34, 2, 256, NO, "embed: super-group of 256", SECTION},
    {DESC, 0, 36, 2, 129, NO, "embed: zero point 129", SECTION},
    {DESC, 0, 36, 2, 7, IN, "head: shape or format differs", SECTION},
    {DESC, 0, 38, 1, 1, IN, "reserved bytes of a tensor descriptor", RECORD},
    {DESC, 0, 40, 4, 32, NO, "embed: activation groups", SECTION},
    {DESC, 2, 44, 4, 1, NO, "order 1 of a tensor's columns: there are 0", FIELD},
    {DESC, 0, 48, 4, 0, IN, "embed: the tie names no earlier tensor", SECTION},
    {DESC, 0, 48, 4, 0x7fffffff, IN, "embed: the tie names no earlier tensor", SECTION},
    {DESC, 2, 48, 4, (uint32_t)-2, IN, "layer 0: q: the tie names no earlier tensor", SECTION},
    {DESC, 3, 48, 4, 2, IN, "layer 0: k: shape or format differs", SECTION},
    {DESC, 1, 48, 4, 0, IN, "layer 0: attn_norm: a vector cannot be tied", SECTION},
    {DESC, LAST, 48, 4, 1, IN, "head: the tie names a vector", SECTION},
    {DESC, LAST, 48, 4, 25, IN, "head: the tie names no earlier tensor", SECTION},
    {DESC, LAST, 48, 4, UINT32_MAX, IN, "head: offset or size", ELSEWHERE},
    {DESC, LAST, 36, 2, 1, IN, "head: shape or format differs", SECTION},
    {DESC, LAST, 56, 8, 0, IN, "head: offset or size", FIELD},
    {DESC, 0, 52, 1, 1, IN, "reserved bytes of a tensor descriptor", RECORD},
    {DESC, 0, 56, 8, 0, IN, "embed: offset or size", FIELD},
    {DESC, 1, 56, 8, UINT64_MAX, IN, "layer 0: attn_norm: offset or size", FIELD},
    {DESC, 0, 64, 8, 64, IN, "embed: offset or size", ELSEWHERE},
    {DESC, 1, 64, 8, UINT64_MAX, IN, "layer 0: attn_norm: offset or size", ELSEWHERE},
    {DESC, 0, 72, 8, 0, IN, "embed: offset or size", ELSEWHERE},
    {DESC, 1, 72, 8, 64, IN, "fields of a matrix", ELSEWHERE},
    {DESC, 1, 25, 1, 4, IN, "fields of a matrix", ELSEWHERE},
    {DESC, 0, 80, 2, 1, IN, "level table without table levels", FIELD},
    {DESC, 1, 110, 2, 1, IN, "fields of a matrix", ELSEWHERE},
    {DESC, 0, 112, 1, 1, IN, "reserved bytes of a tensor descriptor", RECORD},
    {DESC, 0, 127, 1, 1, IN, "reserved bytes of a tensor descriptor", RECORD},
    {META, 0, 0, 4, 128, IN, "name is too long", ELSEWHERE},
    {META, 0, 0, 4, UINT32_MAX, IN, "name is too long", ELSEWHERE},
    {META, 0, 0, 4, 12, IN, "META is longer than its texts", ELSEWHERE},
    {META, 0, 4, 4, 64, IN, "license is too long", ELSEWHERE},
    {META, 0, 4, 4, 28, IN, "license is too long", ELSEWHERE},
    {META, 0, 8, 4, 512, IN, "note is too long", ELSEWHERE},
    {META, 0, 8, 4, 18, IN, "note is too long", ELSEWHERE},
    {META, 0, 12, 4, 1, IN, "reserved bytes", RECORD},
    {META, 0, 16, 1, 10, IN, "name is not printable", FIELD},
    {META, 0, 16 + 13, 1, 0x80, IN, "license is not printable", FIELD},
    {META, 0, 16 + 13 + 10, 1, 0, IN, "note is not printable", FIELD},
};

/* Of an image with orders of columns: 1 of q and k, 2 of o, both of 64 columns, 3 of down, 128 columns and folded. */
static const bad_field ordered_fields[] = {
    {ENTRY, 4, 0, 1, 'X', NO, "needs section XRDR", FIELD},
    {ENTRY, 4, 4, 4, 0, IN, "section ORDR has the wrong critical flag", FIELD},
    {ORDR, 0, 0, 4, 0, IN, "section ORDR has another size", RECORD},
    {ORDR, 0, 0, 4, 2, IN, "section ORDR has another size", RECORD},
    {ORDR, 0, 0, 4, 65537, IN, "section ORDR has another size", RECORD},
    {ORDR, 0, 0, 4, UINT32_MAX, IN, "section ORDR has another size", RECORD},
    {ORDR, 0, 4, 1, 1, IN, "its reserved bytes are not zero", RECORD},
    {ORDR, 0, 15, 1, 1, IN, "its reserved bytes are not zero", RECORD},
    {ORDR, 0, 16, 4, 63, IN, "section ORDR has another size", RECORD},
    {ORDR, 0, 16, 4, UINT32_MAX, IN, "section ORDR has another size", RECORD},
    {ORDR, 0, 16, 8, 96, IN, "section ORDR has another size", RECORD},
    {ORDR, 0, 20, 4, 1, IN, "layer 0: q: a folded order is for columns of down", TENSORS},
    {ORDR, 0, 20, 4, 2, NO, "a kind of order (2) is not known", FIELD},
    {ORDR, 0, 40, 4, 64, IN, "layer 0: q: the order of its columns does not have each", TENSORS},
    {ORDR, 0, 40, 4, UINT32_MAX, IN, "layer 0: q: the order of its columns does not have each", TENSORS},
    {ORDR, 0, 40, 4, 6, IN, "layer 0: q: the order of its columns does not have each", TENSORS},
    {ORDR, 0, 40 + 4 * 64, 4, 7, IN, "layer 0: o: the order of its columns does not have each", TENSORS},
    {ORDR, 0, 40 + 8 * 64, 4, 128, IN, "layer 0: down: the order of its columns does not have each", TENSORS},
    {DESC, 0, 44, 4, 1, IN, "embed: an order is for columns of a layer's matrix", TENSORS},
    {DESC, 2, 44, 4, 2, IN, "layer 0: q: orders are numbered as they are named", TENSORS},
    {DESC, 2, 44, 4, 4, NO, "order 4 of a tensor's columns: there are 3", FIELD},
    {DESC, 1, 44, 4, 1, IN, "fields of a matrix", ELSEWHERE},
    {DESC, 3, 44, 4, 3, IN, "layer 0: k: the order of its columns is of another length", TENSORS},
    {DESC, 8, 44, 4, 1, IN, "layer 0: down: orders are numbered as they are named", TENSORS},
    {DESC, 12, 44, 4, 2, IN, "layer 0: down: the order of its columns is of another length", TENSORS},
    {DESC, 12, 44, 4, 0, IN, "no matrix has order 3 of 3", TENSORS},
};

static uint64_t section_of(const uint8_t *data, const char *tag, uint64_t *bytes) {
    for (uint32_t i = 0; i < roma_le32(data + 24); i++) {
        const uint8_t *e = data + 128 + 32 * i;
        if (memcmp(e, tag, 4) != 0) continue;
        if (bytes) *bytes = roma_le64(e + 16);
        return roma_le64(e + 8);
    }
    return 0;
}

static uint64_t section_at(const uint8_t *data, const bad_field *f) {
    static const char *const tags[] = {"", "", "HYPR", "ROPE", "VOCB", "TENS", "TENS", "META", "ORDR"};
    return f->where == HEAD ? 0 : f->where == ENTRY ? 128 : section_of(data, tags[f->where], NULL);
}

static uint64_t record_at(const uint8_t *data, const bad_field *f) {
    const uint64_t start = section_at(data, f);
    if (f->where == ENTRY) return start + 32u * f->index;
    return f->where != DESC ? start : start + 16 + 128 * (f->index == LAST ? roma_le32(data + start) - 1 : f->index);
}

static uint64_t place(const uint8_t *data, const bad_field *f) { return record_at(data, f) + f->at; }

static uint64_t named(const uint8_t *data, const bad_field *f) {
    return f->named == FIELD     ? place(data, f)
           : f->named == RECORD  ? record_at(data, f)
           : f->named == SECTION ? section_at(data, f)
                                 : section_of(data, "TENS", NULL);
}

/* The place that the refusal names. */
static uint64_t expect(const uint8_t *data, size_t size, unsigned flags, int code, const char *text, size_t number) {
    roma_image img;
    roma_error err = {.text = ""};
    const int got = roma_image_open_memory(&img, data, size, flags, &err);
    test_checks++;
    if (got != code || (code && (!strstr(err.text, text) || err.code != code))) {
        fprintf(stderr, "field %zu: code %d \"%s\", expected %d \"%s\"\n", number, got, err.text, code, text);
        test_failures++;
    }
    if (!got) roma_image_close(&img);
    return err.offset;
}

static void test_fields(const uint8_t *good, size_t size, const bad_field *all, size_t n) {
    uint8_t *data = aligned_alloc(64, (size + 63) & ~(size_t)63);
    for (size_t i = 0; i < n; i++) {
        const bad_field *f = &all[i];
        uint8_t value[8];
        memcpy(data, good, size);
        roma_put64(value, f->value);
        const uint64_t at = place(good, f);
        CHECK(memcmp(data + at, value, f->width) != 0); /* the change changes something */
        memcpy(data + at, value, f->width);
        fixture_mend(data, size, false);
        const uint64_t at_byte = expect(data, size, 0, f->code, f->text, i);
        if (f->named != ELSEWHERE) CHECK_EQ(at_byte, named(good, f));
        expect(data, size, ROMA_IMAGE_NO_VERIFY, f->code, f->text, i); /* structure is checked all the same */
    }
    printf("%zu wrong fields\n", n);
    free(data);
}

/* CRCs themselves: each wrong one is named; NO_VERIFY leaves out the sections', never the header's and the table's. */
static void test_crcs(const uint8_t *good, size_t size) {
    static const struct {
        unsigned at;
        const char *text;
        bool always;
    } crcs[] = {{84, "the header fails", true},        {124, "file hash fails", true}, {28, "the header fails", true},
                {128 + 24, "the section table", true}, {40, "the header fails", true}, {90, "file hash fails", true}};
    uint8_t *data = aligned_alloc(64, (size + 63) & ~(size_t)63);
    for (size_t i = 0; i < sizeof crcs / sizeof *crcs; i++) {
        memcpy(data, good, size);
        data[crcs[i].at] ^= 1;
        expect(data, size, 0, DA, crcs[i].text, i);
        expect(data, size, ROMA_IMAGE_NO_VERIFY, DA, crcs[i].text, i);
    }
    for (uint32_t i = 0; i < roma_le32(good + 24); i++) {
        char text[64];
        memcpy(data, good, size);
        uint8_t *e = data + 128 + 32 * i;
        snprintf(text, sizeof text, "section %.4s fails its checksum", (const char *)e);
        e[24] ^= 0x80;
        roma_put32(data + 28, roma_crc32c(0, data + 128, 32 * roma_le32(data + 24)));
        roma_put32(data + 84, roma_crc32c(0, data, 84));
        expect(data, size, 0, DA, text, i);
        expect(data, size, ROMA_IMAGE_NO_VERIFY, ROMA_OK, "", i);
    }
    free(data);
}

/* The image with one more section behind META, as a later version might write one. The table grows by an entry, so the
 * sections before DATA move up; DATA's alignment leaves room for that. */
static size_t add_section(const uint8_t *good, size_t size, const char *tag, uint32_t flags, uint64_t bytes,
                          uint8_t *data) {
    const uint32_t n = roma_le32(good + 24);
    const size_t offset = (size + 63) & ~(size_t)63, total = offset + bytes;
    uint64_t end = 128 + 32ull * (n + 1);
    memset(data, 0, total);
    memcpy(data, good, 128 + 32 * n);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *e = data + 128 + 32 * i;
        const uint64_t align = memcmp(e, "DATA", 4) == 0 ? 4096 : 64, from = roma_le64(e + 8),
                       to = (end + align - 1) & ~(align - 1);
        memcpy(data + to, good + from, roma_le64(e + 16));
        roma_put64(e + 8, to);
        end = to + roma_le64(e + 16);
    }
    CHECK_EQ(end, size);
    memset(data + offset, 0x5a, bytes);
    roma_put32(data + 24, n + 1);
    roma_put64(data + 16, total);
    uint8_t *e = data + 128 + 32 * n;
    memcpy(e, tag, 4);
    roma_put32(e + 4, flags);
    roma_put64(e + 8, offset);
    roma_put64(e + 16, bytes);
    fixture_mend(data, total, true);
    return total;
}

static void test_unknown_sections(const uint8_t *good, size_t size) {
    uint8_t *data = aligned_alloc(64, (size + 4096 + 63) & ~(size_t)63);
    size_t n = add_section(good, size, "ECC1", 0, 1000, data);
    expect(data, n, 0, ROMA_OK, "", 0);
    data[n - 1] ^= 1; /* skipped, but its CRC counts */
    expect(data, n, 0, DA, "section ECC1 fails its checksum", 0);
    expect(data, n, ROMA_IMAGE_NO_VERIFY, ROMA_OK, "", 0);
    n = add_section(good, size, "ECC1", 0, 0, data);
    expect(data, n, 0, ROMA_OK, "", 1);
    n = add_section(good, size, "ECC1", 1, 1000, data);
    expect(data, n, 0, NO, "needs section ECC1", 2);
    n = add_section(good, size, "META", 0, 1000, data);
    expect(data, n, 0, IN, "section META is there twice", 3);
    free(data);
}

/* The whole in another size than stated, with everything else right. */
static void test_ends(const uint8_t *good, size_t size) {
    uint8_t *data = aligned_alloc(64, (size + 128) & ~(size_t)63);
    memcpy(data, good, size);
    data[size] = 0;
    expect(data, size + 1, 0, DA, "appended to", 0);
    roma_put64(data + 16, size + 1);
    fixture_mend(data, size + 1, false);
    expect(data, size + 1, 0, IN, "bytes behind the last section", 1);
    expect(data, 0, 0, DA, "ends inside its header", 2);
    expect(data, 8, 0, DA, "ends inside its header", 3);
    memcpy(data, "GGUF", 4);
    expect(data, size, 0, IN, "not a ROM image, but a GGUF model; `roma build` makes", 4);
    roma_image img;
    roma_error err;
    CHECK_EQ(roma_image_open_memory(&img, good + 1, size - 1, 0, &err), ROMA_EUSAGE);
    free(data);
}

/* The place that a refusal of the header names: the field's own, as docs/rom-format.md has them. */
static void test_places(const uint8_t *good, size_t size) {
    static const struct {
        unsigned change, named;
    } at[] = {{0, 0}, {8, 8}, {12, 12}, {16, 16}, {32, 32}, {72, 72}, {83, 72}};
    uint8_t *data = aligned_alloc(64, (size + 63) & ~(size_t)63);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        roma_image img;
        roma_error err = {0};
        memcpy(data, good, size);
        data[at[i].change] ^= 0x40;
        fixture_mend(data, size, false);
        CHECK(roma_image_open_memory(&img, data, size, 0, &err) != 0);
        CHECK_EQ(err.offset, at[i].named);
    }
    free(data);
}

/* An image whose scores are no numbers, and one whose level table does not fit its level type. */
static void test_other_kinds(const char *path) {
    static fixture x;
    size_t size;
    for (int kind = 0; kind < 2; kind++) {
        fixture_init(&x, ROMA_ARCH_LLAMA, 64, 9, ROMA_TOK_SPM);
        CHECK_EQ(fixture_write(&x, path, NULL, NULL), ROMA_OK);
        uint8_t *data = fixture_load(path, 0, &size);
        if (!data) return;
        if (kind == 0)
            roma_put32(data + section_of(data, "VOCB", NULL) + 128 + 4 * (FIXTURE_TOKENS + 1), 0x7fc00000);
        else
            roma_put16(data + section_of(data, "TENS", NULL) + 16 + 80, 128);
        fixture_mend(data, size, false);
        expect(data, size, 0, kind ? NO : IN, kind ? "levels out of -128..127" : "score of token 0 is not finite",
               (size_t)kind);
        free(data);
    }
}

/* Every gap of the file holds zeros and nothing else. */
static void test_gaps(uint8_t *data, size_t size) {
    uint64_t end = 128 + 32ull * roma_le32(data + 24);
    unsigned gaps = 0;
    for (uint32_t i = 0; i < roma_le32(data + 24); i++) {
        const uint8_t *e = data + 128 + 32 * i;
        for (uint64_t at = end; at < roma_le64(e + 8); at++, gaps++) {
            data[at] = 1;
            expect(data, size, 0, IN, "are not zero", at);
            data[at] = 0;
        }
        end = roma_le64(e + 8) + roma_le64(e + 16);
    }
    CHECK(gaps > 100);
}

int main(void) {
    static fixture x;
    char path[64];
    size_t size;
    snprintf(path, sizeof path, "/tmp/roma-malformed-%ld.roma", (long)getpid());
    fixture_init(&x, ROMA_ARCH_LLAMA, 64, 0, ROMA_TOK_BPE);
    CHECK_EQ(fixture_write(&x, path, NULL, NULL), ROMA_OK);
    uint8_t *good = fixture_load(path, 0, &size);
    if (good) {
        expect(good, size, 0, ROMA_OK, "", 0);
        test_fields(good, size, fields, sizeof fields / sizeof *fields);
        test_crcs(good, size);
        test_unknown_sections(good, size);
        test_ends(good, size);
        test_gaps(good, size);
        test_places(good, size);
        test_other_kinds(path);
    }
    CHECK(good != NULL);
    free(good);
    fixture_init(&x, ROMA_ARCH_LLAMA, 64, 0, ROMA_TOK_BPE);
    fixture_order(&x);
    CHECK_EQ(fixture_write(&x, path, NULL, NULL), ROMA_OK);
    good = fixture_load(path, 0, &size);
    CHECK(good != NULL);
    if (good) test_fields(good, size, ordered_fields, sizeof ordered_fields / sizeof *ordered_fields);
    free(good);
    unlink(path);
    return TEST_DONE();
}
