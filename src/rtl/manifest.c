/* Reads manifest.json (docs/rom-emission.md, "The manifest"). Members that the page does not name are passed over. */
#include "manifest.h"

#include <string.h>

#include "roma/json.h"

typedef struct {
    rtl_manifest *m;
    roma_json_reader json;
    roma_error *err;
    uint32_t seen; /* bits of keys[] */
} reading;

typedef enum { NUMBER, TEXT, ROWS, PLACED } member_kind;
typedef struct {
    const char *key;
    member_kind kind;
    size_t at, room; /* in rtl_manifest; of a text */
} member;

#define AT(field) offsetof(rtl_manifest, field)
#define NUMBER_AT(field)                                                                                               \
    { #field, NUMBER, AT(field), 0 }
#define TEXT_AT(field)                                                                                                 \
    { #field, TEXT, AT(field), sizeof((rtl_manifest *)0)->field }
static const member keys[] = {
    TEXT_AT(style),       NUMBER_AT(words),      NUMBER_AT(width),         NUMBER_AT(address_bits), NUMBER_AT(devices),
    NUMBER_AT(lines),     NUMBER_AT(ones),       TEXT_AT(tensor),          {"rows", ROWS, 0, 0},    NUMBER_AT(lanes),
    NUMBER_AT(lane_bits), TEXT_AT(image_sha256), {"placed", PLACED, 0, 0},
};
static const member of_placed[] = {
    NUMBER_AT(unit), NUMBER_AT(lunit), NUMBER_AT(matrix_units), NUMBER_AT(per_matrix_unit), NUMBER_AT(address),
};
enum { KEYS = sizeof keys / sizeof *keys, PLACED_KEYS = sizeof of_placed / sizeof *of_placed };

static int next(reading *r) { return roma_json_read_next(&r->json, r->err); }

static int bad(const reading *r, const char *key, const char *what) {
    return roma_json_read_fail(&r->json, ROMA_EINPUT, r->err, "%s should be %s: this is no manifest of a ROM", key,
                               what);
}

static int read_number(reading *r, const char *key, uint64_t *out) {
    if (r->json.kind == ROMA_JSON_NUMBER && roma_json_to_u64(r->json.text, r->json.len, out)) return ROMA_OK;
    return bad(r, key, "a whole number");
}

static int read_rows(reading *r) {
    uint64_t *const row[] = {&r->m->first, &r->m->last};
    if (r->json.kind != ROMA_JSON_ARRAY) return bad(r, "rows", "a list of two rows");
    for (size_t i = 0; i < 2; i++) {
        int rc = next(r);
        if (!rc) rc = read_number(r, "rows", row[i]);
        if (rc) return rc;
    }
    const int rc = next(r);
    return rc || r->json.kind == ROMA_JSON_ARRAY_END ? rc : bad(r, "rows", "a list of two rows");
}

static int read_object(reading *r, const member *list, size_t n, uint32_t *seen, const char *what);

static int read_value(reading *r, const member *k) {
    char *at = (char *)r->m + k->at;
    switch (k->kind) {
    case NUMBER: return read_number(r, k->key, (uint64_t *)(void *)at);
    case TEXT:
        if (r->json.kind != ROMA_JSON_TEXT || r->json.len >= k->room) return bad(r, k->key, "a short text");
        memcpy(at, r->json.text, r->json.len);
        at[r->json.len] = 0;
        return ROMA_OK;
    case ROWS: return read_rows(r);
    case PLACED: break;
    }
    uint32_t seen = 0;
    r->m->placed = true;
    return read_object(r, of_placed, PLACED_KEYS, &seen, "placed");
}

/* The token is what should be the brace; every member of the list must be there. */
static int read_object(reading *r, const member *list, size_t n, uint32_t *seen, const char *what) {
    int rc = ROMA_OK;
    if (r->json.kind != ROMA_JSON_OBJECT) return bad(r, what, "an object in braces");
    while (!(rc = next(r)) && r->json.kind == ROMA_JSON_KEY) {
        size_t i = 0;
        while (i < n && !roma_json_is(&r->json, list[i].key)) i++;
        rc = next(r);
        if (!rc) rc = i < n ? read_value(r, &list[i]) : roma_json_read_skip(&r->json, r->err);
        if (rc) return rc;
        if (i < n) *seen |= 1u << i;
    }
    for (size_t i = 0; !rc && i < n; i++)
        if (!(*seen >> i & 1) && list[i].kind != PLACED) rc = bad(r, list[i].key, "there");
    return rc;
}

int roma_rtl_manifest_read(rtl_manifest *m, const char *text, size_t size, const char *file, roma_error *err) {
    reading r = {.m = m, .err = err};
    const roma_json_source from = {.file = file, .line = 1, .depth = 8, .size = 1 << 20};
    *m = (rtl_manifest){0};
    int rc = roma_json_read_begin(&r.json, text, size, &from, err);
    if (!rc) rc = next(&r);
    if (!rc) rc = read_object(&r, keys, KEYS, &r.seen, "the text");
    if (!rc) rc = next(&r); /* nothing behind it */
    roma_json_read_end(&r.json);
    return rc;
}
